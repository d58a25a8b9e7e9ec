/*
 * reject.h - nexus/<city>/_rejected/<domain>/<asset>: what the gate refused and why, for the
 * operator and the sensor's owner. MQTT 3.1.1 tells a publisher nothing, and 2.0.11 tells an
 * MQTT 5 one a bare 0x87: this message is where the reason can be read.
 */
#ifndef NX_PLUGIN_REJECT_H
#define NX_PLUGIN_REJECT_H

#include "plugin/gate.h"

#include <stdint.h>

enum {
    NX_REJECT_TOPIC_SIZE = 192,
    NX_REJECT_EXCERPT_BYTES_MAX = 256,
    NX_REJECT_DIGEST_BYTES_MAX = 256 * 1024, /* about a millisecond */
};

struct nx_report {
    struct nx_span city; /* of this broker */
    const struct nx_publication *publication;
    const struct nx_judgement *judgement;
    const struct nx_explanation *explanation;
    const char *client_id; /* NULL: the broker gave none */
    int64_t now_ms;        /* since 1970 UTC */
    uint64_t suppressed;   /* refusals of this identity that were not told since the last one */
};

/* The topic; `_/_` where the refused topic names no domain or asset. Returns `out`. */
const char *nx_reject_topic(const struct nx_report *report, char out[NX_REJECT_TOPIC_SIZE]);

/* What was only counted, once no more comes: told at `_/_`, since it may be of many topics. */
struct nx_rest {
    struct nx_span city, identity; /* identity {NULL or "", 0}: anonymous */
    int64_t now_ms;
    uint64_t suppressed;
};

#define NX_REJECT_REST_REASON "suppressed"

/* Each as below. */
const char *nx_reject_rest_topic(const struct nx_rest *rest, char out[NX_REJECT_TOPIC_SIZE]);
char *nx_reject_rest_json(const struct nx_rest *rest);

/* The report as JSON, or NULL when memory is out. The caller gives it to cJSON_free. */
char *nx_reject_json(const struct nx_report *report);

#endif
