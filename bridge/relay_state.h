/*
 * relay_state.h - what the files of a relay share. For bridge/relay*.c alone.
 *
 *   relay.c         life, what happens around it, the owner's transactions
 *   relay_tell.c    its state, its counters, its last fault
 *   relay_cargo.c   what a record becomes at the peer, or why it cannot
 *   relay_single.c  records one by one, at QoS 1 or 2
 *   relay_batch.c   records in batches, for the plugin at the peer's broker
 *   relay_answer.c  what that plugin answers
 *   relay_latest.c  latest-first: the fresh state of each stream before its history
 *   relay_drop.c    what the drop policy gives up
 *   relay_dead.c    dead letters on their way to the cache
 *
 * (R1) only what is durable at the owner is published.
 * (R2) a dead letter is written in the transaction that moves the mark over it, or before.
 */
#ifndef NX_BRIDGE_RELAY_STATE_H
#define NX_BRIDGE_RELAY_STATE_H

#include "bridge/points.h"
#include "bridge/rate.h"
#include "bridge/relay.h"
#include "core/ages.h"
#include "core/batch.h"
#include "core/topic.h"

enum relay_part { PART_OBSERVATION, PART_ORIGINAL, PARTS };

/* In the place of a part, in tokens of what is no record. */
enum { TOKEN_PART_SNAPSHOT = 6, TOKEN_PART_QUESTION = 7 };

enum { RELAY_WHY_BYTES = 900 };

/*
 * Publishes in flight at QoS 2. Mosquitto 2.0.11 walks its list of them on every packet, so more than
 * the way there and back holds only makes it slow: this many at once, and so many more for each
 * millisecond of it, about what the broker takes in that time.
 */
enum { QOS2_WINDOW_MIN = 200, QOS2_WINDOW_PER_MS = 6, QOS2_WINDOW_MAX = 2000 };

/* What a part of a record publishes, or why it cannot. */
struct relay_cargo {
    enum relay_part part;
    struct nx_span topic, payload, schema, lens;
    bool retain;
    const char *replay;        /* NULL: it is live */
    char why[RELAY_WHY_BYTES]; /* not empty: it cannot be sent */
};

/* A dead letter that is not yet in the cache: this, then the reason. */
struct relay_death {
    uint64_t seq;
    int64_t at_ms;
    enum nx_channel channel;
    bool late; /* its record was counted as sent */
    size_t reason_len;
};

/* latest-first */
struct relay_latest {
    uint64_t until;   /* numbers up to here are history; 0: none */
    uint64_t *newest; /* of these, the newest of each stream, ascending */
    size_t newest_count, newest_cap;
    size_t at;        /* of `newest`: to be sent next as a snapshot */
    uint64_t next_ms; /* when the next snapshot is due */
    uint64_t sent;    /* snapshots, since the start */
};

struct nx_relay {
    struct nx_relay_config config;
    struct nx_span name;
    struct nx_span from, to; /* cities */
    enum nx_delivery delivery;
    struct nx_link *link;
    uint8_t opened; /* which of the caches of the owner: nx_node_opened */
    bool stopping;
    struct nx_link_mark saving; /* what the open transaction holds of the mark */
    bool is_saving;

    uint64_t loaded; /* the record in `reading`; 0: none */
    struct nx_reading reading;
    struct nx_topic topic; /* of reading.topic */
    struct nx_buf bytes, translated, original_topic;

    struct nx_buf deaths; /* struct relay_death and text, one behind the other */

    /* batches */
    struct nx_buf batch;
    struct nx_link_step built; /* what `batch` holds; unit of no use when is_built is false */
    bool is_built;
    struct nx_link_batch built_counts;
    size_t batch_bytes_max; /* of this connection */
    uint64_t blamed;        /* the receiver cannot read the batch with this one record */
    char blame[RELAY_WHY_BYTES];
    bool recalls;           /* QoS 2: what was refused before the cut is to be looked up */
    uint64_t doubt_until;   /* up to here a record may have been refused before */
    uint64_t batched_from;  /* up to here it was delivered in another way */
    uint64_t receiver_mark; /* last told */
    bool is_answered;       /* the question, though not to be gone on from */
    uint8_t ask_reason;     /* with which the broker acknowledged it */
    size_t asks_back;       /* the question is about the epoch so many before the newest, */
    size_t epoch_floor;     /* and those before this one are of no use at the receiver */
    bool receiver_knows;
    struct nx_rate ask_rate;

    /* QoS 2 */
    uint16_t id_first, id_count; /* of its packet identifiers */
    uint64_t dup_until;          /* records up to here may have been published before */

    struct relay_latest latest;

    /* drop policy */
    struct nx_ages ages;
    uint64_t began_ms; /* monotonic */
    int64_t began_wall_ms;
    uint64_t dropped_told;

    /* telling */
    uint64_t *sent_us; /* by unit % window */
    uint64_t heard_us; /* when the peer's broker last answered, or there was nothing to */
    uint32_t window;
    double rtt_ms;     /* smoothed; 0: none yet */
    double rtt_ms_min; /* of this connection */
    uint64_t bytes_out, batches_out, pauses;
    const char *state; /* last told by nx_relay_stats */
    int64_t since_ms;
    char last_error[RELAY_WHY_BYTES];
    int64_t last_error_ms;
    struct nx_rate dead_rate, error_rate;
};

/* relay.c */
uint64_t relay_token(const struct nx_relay *relay, uint64_t unit, unsigned part);
/* What a token names, but for the record. False: of a cache that is no more. */
bool relay_step_of(const struct nx_relay *relay, uint64_t token, struct nx_link_step *step);
void relay_sent_unit(struct nx_relay *relay, uint64_t unit, size_t bytes);

/* relay_tell.c: keeps it for the status, and logs it where `rate` lets it. */
void relay_error(struct nx_relay *relay, enum nx_log_level level, struct nx_rate *rate,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* relay_cargo.c */
/* NX_ERR_NOT_FOUND: the cache has it no more. `why` (RELAY_WHY_BYTES) gets the words. */
enum nx_err relay_load(struct nx_relay *relay, uint64_t seq, char *why, struct nx_diag *diag);
unsigned relay_parts(const struct nx_relay *relay); /* of the loaded record: wanted, bit by bit */
void relay_cargo(struct nx_relay *relay, enum relay_part part, struct relay_cargo *out);
size_t relay_properties(const struct nx_relay *relay, const struct relay_cargo *cargo,
                        struct nx_mqtt_user_property *out);
/* `seq_text` at least 64 bytes; the publish points into it. */
void relay_publish_of(const struct nx_relay *relay, const struct relay_cargo *cargo, char *seq_text,
                      struct nx_mqtt_publish *out);
enum nx_channel relay_channel(enum relay_part part);

/* relay_dead.c */
void relay_deaths_init(struct nx_relay *relay);
enum nx_err relay_bury(struct nx_relay *relay, uint64_t seq, enum nx_channel channel, bool late,
                       const char *why);
enum nx_err relay_is_buried(struct nx_relay *relay, uint64_t seq, bool *is, struct nx_diag *diag);
bool relay_has_deaths(const struct nx_relay *relay);
bool relay_deaths_full(const struct nx_relay *relay);
enum nx_err relay_write_deaths(struct nx_relay *relay, struct nx_diag *diag);

/* relay_single.c, relay_batch.c: as nx_relay_pump */
enum nx_err relay_single_pump(struct nx_relay *relay, unsigned steps_max, bool *more,
                              struct nx_diag *diag);
enum nx_err relay_batch_pump(struct nx_relay *relay, unsigned numbers_max, bool *more,
                             struct nx_diag *diag);
void relay_release(struct nx_relay *relay);
void relay_single_up(struct nx_relay *relay);
void relay_batch_up(struct nx_relay *relay);
uint16_t relay_packet_id(const struct nx_relay *relay, uint64_t seq, enum relay_part part);

/* relay_answer.c: the epoch that the link is to ask about, and the one that names a record there. */
const char *relay_asked_epoch(const struct nx_relay *relay);
const char *relay_epoch_of(const struct nx_relay *relay, uint64_t seq);

/* relay_drop.c */
void relay_drop_init(struct nx_relay *relay);
void relay_drop(struct nx_relay *relay, uint64_t now_ms);

/* relay_latest.c */
enum nx_err relay_latest_pump(struct nx_relay *relay, uint64_t now_ms, unsigned *steps,
                              struct nx_diag *diag);
bool relay_is_history(const struct nx_relay *relay, uint64_t seq, bool *newest);
uint64_t relay_latest_due_ms(const struct nx_relay *relay, uint64_t now_ms);
void relay_latest_fini(struct nx_relay *relay);

#endif
