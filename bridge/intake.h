/*
 * intake.h - what a city's broker delivered and is not yet durable. A message is held first
 * (a copy in memory, bounded), then stored together with its neighbours in one transaction, then
 * released: acknowledged and forgotten. When the disk fails nothing is released; the same rows
 * are stored again later, so there is one path for the first attempt and for every other.
 */
#ifndef NX_BRIDGE_INTAKE_H
#define NX_BRIDGE_INTAKE_H

#include "bridge/recent.h"
#include "bridge/store.h"
#include "core/mqtt.h"
#include "lens/exchange.h"

struct nx_intake;

enum nx_intake_outcome {
    NX_INTAKE_PASSED, /* no reading: held only to be acknowledged in its turn */
    NX_INTAKE_STORED,
    NX_INTAKE_CLEARED,  /* stored too: an empty payload */
    NX_INTAKE_REPEATED, /* the broker sent again what was stored already */
    NX_INTAKE_REPLAYED, /* a retained message that is the stream's newest value already */
    NX_INTAKE_OUTCOMES,
};

/* What a message is to the city. */
enum nx_intake_kind {
    NX_INTAKE_READING,
    NX_INTAKE_ASIDE,  /* no reading: held only to be acknowledged in its turn */
    NX_INTAKE_ANSWER, /* the same, and not before what it said is durable elsewhere */
};

struct nx_intake_row {
    uint64_t seq;        /* of the reading, when one was stored */
    uint32_t connection; /* the caller's mark: on which connection it came */
    uint16_t packet_id;
    uint8_t qos;
    bool dup, retain;
    bool answer;       /* NX_INTAKE_ANSWER */
    bool untranslated; /* stored without a canonical form */
    enum nx_intake_outcome outcome;
    int64_t received_ms;
    size_t at, topic_len, payload_len; /* in the held bytes */
};

struct nx_intake_counts {
    uint64_t received, outcomes[NX_INTAKE_OUTCOMES];
    uint64_t untranslated; /* stored without a canonical form */
    uint64_t bytes;
};

struct nx_intake_config {
    struct nx_span city;
    struct nx_exchange *exchange;
    struct nx_recent *recent; /* gets what is stored; NULL: nobody does */
    const struct nx_log *log;
    size_t bytes_max;
    uint32_t rows_max;
};

enum nx_err nx_intake_new(const struct nx_intake_config *config, struct nx_intake **out);
void nx_intake_free(struct nx_intake *intake);

/* Copies the message. NX_ERR_LIMIT: there is no room. */
enum nx_err nx_intake_hold(struct nx_intake *intake, const struct nx_mqtt_publish *publish,
                           enum nx_intake_kind kind, uint32_t connection, int64_t received_ms);
size_t nx_intake_held(const struct nx_intake *intake); /* rows not yet released */

/*
 * Writes up to `rows_max` held rows into the store's open transaction; without `answers`, none from
 * the first answer on. On an error the caller rolls back; the rows stay held.
 */
enum nx_err nx_intake_store(struct nx_intake *intake, struct nx_store *store, size_t rows_max,
                            bool answers, uint64_t now_ms, struct nx_diag *diag);

/* After the commit: hands each stored row to `release`, oldest first, and forgets it. */
void nx_intake_release(struct nx_intake *intake,
                       void (*release)(void *ctx, const struct nx_intake_row *row), void *ctx);

/* Forgets everything held, after a rollback: the broker has it still. */
void nx_intake_drop(struct nx_intake *intake);

void nx_intake_counts(const struct nx_intake *intake, struct nx_intake_counts *out);

#endif
