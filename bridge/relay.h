/*
 * relay.h - a link at work: takes the steps of the link engine, reads each record from the
 * owner's cache, translates it into the peer's dialect, publishes it at the peer's broker, and
 * tells the engine what became of it. What cannot be sent becomes a dead letter and stops nobody.
 */
#ifndef NX_BRIDGE_RELAY_H
#define NX_BRIDGE_RELAY_H

#include "bridge/node.h"
#include "core/link.h"

struct nx_relay;

struct nx_relay_config {
    const struct nx_settings *settings;
    const struct nx_settings_link *link;
    size_t index; /* goes into the tokens: below 255 */
    struct nx_node *from, *to;
    struct nx_exchange *exchange;
    const struct nx_log *log;
};

/* Resumes from the cursor in the owner's cache. */
enum nx_err nx_relay_new(const struct nx_relay_config *config, struct nx_relay **out,
                         struct nx_diag *diag);
void nx_relay_free(struct nx_relay *relay);

/* Whose relay does a token belong to? */
size_t nx_relay_index(uint64_t token);

/*
 * Publishes what the window allows, `numbers_max` records at most. *more: it would go on at once.
 * On an error the owner's cache failed: nx_node_fail.
 */
enum nx_err nx_relay_pump(struct nx_relay *relay, unsigned numbers_max, bool *more,
                          struct nx_diag *diag);

/* The peer's broker: PUBACK or PUBCOMP, and PUBREC. NX_ERR_NOMEM: its answer cannot be kept. */
enum nx_err nx_relay_answered(struct nx_relay *relay, uint64_t token, uint8_t reason);
enum nx_err nx_relay_received(struct nx_relay *relay, uint64_t token, uint16_t packet_id,
                              uint8_t reason);
/* The plugin there, on nexus/_link/FROM/TO/ack. */
enum nx_err nx_relay_told(struct nx_relay *relay, struct nx_span payload);

/* The peer's session came up, went, has room again. */
void nx_relay_up(struct nx_relay *relay, bool session_present);
void nx_relay_lost(struct nx_relay *relay);
/* Are the dead letters that answers have brought durable? Before, no such answer is acknowledged. */
bool nx_relay_letters_kept(const struct nx_relay *relay);
void nx_relay_room(struct nx_relay *relay);
void nx_relay_stop(struct nx_relay *relay);
bool nx_relay_stopped(struct nx_relay *relay);

/* With the owner's transactions: what goes in, and what became of it. */
enum nx_err nx_relay_save(struct nx_relay *relay, bool riding, struct nx_diag *diag);
void nx_relay_committed(struct nx_relay *relay);
void nx_relay_rolled_back(struct nx_relay *relay);
enum nx_err nx_relay_reopened(struct nx_relay *relay, struct nx_diag *diag); /* a new epoch */
bool nx_relay_has_to_save(const struct nx_relay *relay); /* now, not only when it is convenient */

const struct nx_relay_config *nx_relay_config(const struct nx_relay *relay);

/* Milliseconds until it has something to do by time alone; UINT64_MAX: nothing. */
uint64_t nx_relay_due_ms(const struct nx_relay *relay);

/* "up", "asking", "connecting", "waiting", "stopping", "stopped"; the same is the same pointer. */
const char *nx_relay_state(const struct nx_relay *relay);

struct nx_relay_stats {
    const char *state, *delivery;
    int64_t since_ms; /* Unix time */
    struct nx_link_counts counts;
    uint64_t cursor;
    uint32_t window;                                /* units in flight at most */
    uint64_t bytes_out, batches, pauses, snapshots; /* since the start of this process */
    double rtt_ms;                                  /* smoothed; 0: none measured */
    bool receiver_knows; /* batches: the receiver's mark when it was last asked */
    uint64_t receiver_mark;
    int64_t lag_ms;      /* age of the oldest record that waits; 0: none */
    const char *where;   /* the address of the peer's broker that is dialed or was last */
    uint64_t taken_over; /* times that another client had our session there */
    const char *last_error;
    int64_t last_error_ms;
};
void nx_relay_stats(struct nx_relay *relay, struct nx_relay_stats *out);

#endif
