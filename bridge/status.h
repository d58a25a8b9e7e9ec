/*
 * status.h - the retained messages by which a bridge tells how it is: JSON, written with cJSON.
 */
#ifndef NX_BRIDGE_STATUS_H
#define NX_BRIDGE_STATUS_H

#include "bridge/node.h"
#include "bridge/relay.h"

struct nx_status_frame {
    const char *state; /* "up", "stopped" */
    int64_t since_ms;  /* of the process, Unix time */
    int64_t now_ms;
    unsigned period_s;
};

/* nexus/CITY/_status/bridge: one JSON document into `out` (reset first). */
enum nx_err nx_status_bridge(const struct nx_status_frame *frame, const struct nx_node *node,
                             struct nx_buf *out);

/* nexus/CITY/_status/link-FROM-TO. */
enum nx_err nx_status_link(const struct nx_status_frame *frame, struct nx_relay *relay,
                           struct nx_buf *out);

#endif
