/*
 * node.h - a city as this bridge serves it: the session with its broker, its cache, and the
 * intake between them. A node knows no links: whoever owns it hears what happened and wires it.
 *
 * A reading's way through a node: message -> held -> one transaction with its neighbours ->
 * committed -> acknowledged. When the cache cannot be written the node stalls: it holds what
 * comes, acknowledges nothing, tells, and tries again with back-off.
 */
#ifndef NX_BRIDGE_NODE_H
#define NX_BRIDGE_NODE_H

#include "bridge/intake.h"
#include "bridge/recent.h"
#include "bridge/settings.h"
#include "bridge/store.h"

struct nx_node;

struct nx_node_events {
    void (*up)(void *ctx, struct nx_node *node, bool session_present);
    void (*down)(void *ctx, struct nx_node *node);
    void (*room)(void *ctx, struct nx_node *node);
    /* An outgoing publish was answered; not for the node's own (token NX_NODE_TOKEN and above). */
    void (*answered)(void *ctx, struct nx_node *node, uint64_t token, uint8_t reason);
    /* PUBREC of an outgoing QoS 2 publish. */
    void (*received)(void *ctx, struct nx_node *node, uint64_t token, uint16_t packet_id,
                     uint8_t reason);
    /* What the plugin at this node's broker answers to the link that comes from `city`. */
    void (*told)(void *ctx, struct nx_node *node, struct nx_span city, struct nx_span payload);
    /* A transaction is about to end: what else should be in it? With `riding` one is open. */
    enum nx_err (*save)(void *ctx, struct nx_node *node, bool riding, struct nx_diag *diag);
    /* Is what answers to links have said durable? Before, none of them is acknowledged. */
    bool (*answers_kept)(void *ctx, struct nx_node *node);
    void (*committed)(void *ctx, struct nx_node *node);   /* what was saved is durable */
    void (*rolled_back)(void *ctx, struct nx_node *node); /* it is not, and the node stalls */
    void (*recovered)(void *ctx, struct nx_node *node);   /* it writes again */
    /* With a new cache: a new epoch. On failure the node stays stalled, and this comes again. */
    enum nx_err (*reopened)(void *ctx, struct nx_node *node, struct nx_diag *diag);
    void (*changed)(void *ctx, struct nx_node *node); /* the status should be told now */
};

#define NX_NODE_TOKEN (UINT64_C(0xFF) << 56)

struct nx_node_config {
    const struct nx_settings *settings;
    size_t index; /* in settings->nodes */
    struct nx_exchange *exchange;
    struct nx_loop *loop;
    const struct nx_log *log;
    const struct nx_node_events *events;
    void *ctx;
};

/* Opens the cache and makes the session. NX_ERR_INVALID: the session's settings; others: the
 * cache or the state folder. diag says what. */
enum nx_err nx_node_new(const struct nx_node_config *config, struct nx_node **out,
                        struct nx_diag *diag);
void nx_node_free(struct nx_node *node);

void nx_node_start(struct nx_node *node);

/* Stores, commits, acknowledges what is held: one batch. True: there is more to do. */
bool nx_node_turn(struct nx_node *node);

/* A write to this node's cache failed outside nx_node_turn: rolls back and stalls. */
void nx_node_fail(struct nx_node *node, enum nx_err err, const struct nx_diag *diag);

/* Takes nothing more from the broker. What is held is still stored and acknowledged. */
void nx_node_stop_intake(struct nx_node *node);
/* Says goodbye; nx_node_gone is true once that is done. */
void nx_node_stop(struct nx_node *node);
bool nx_node_gone(const struct nx_node *node);

const struct nx_settings_node *nx_node_settings(const struct nx_node *node);
struct nx_span nx_node_city(const struct nx_node *node);
struct nx_store *nx_node_store(const struct nx_node *node);
struct nx_session *nx_node_session(const struct nx_node *node);
const struct nx_recent *nx_node_recent(const struct nx_node *node);
/* Packet identifiers that each link at QoS 2 to here has for itself. */
uint16_t nx_node_link_ids(const struct nx_node *node);
bool nx_node_stalled(const struct nx_node *node);
uint8_t nx_node_opened(const struct nx_node *node); /* counts its caches, one after the other */

/* Publishes the node's own retained message; its answer also settles what was acknowledged. */
enum nx_err nx_node_tell(struct nx_node *node, struct nx_span topic, struct nx_span payload);

struct nx_node_stats {
    struct nx_session_stats session;
    struct nx_intake_counts intake;
    size_t held;
    const char *epoch;
    uint64_t epoch_after; /* it names what is behind this number: 0, but in a copy of a cache */
    uint64_t last_seq;
    uint64_t first_seq; /* before it retention has removed readings: so many */
    uint64_t removed;
    uint64_t cache_bytes;
    unsigned set_aside;     /* damaged caches that lie beside this one */
    bool retention_waits;   /* for a link that has not sent what should go */
    const char *stall;      /* why the cache cannot be written; "" */
    const char *refused;    /* why the broker lets us not subscribe; "" */
    uint64_t sessions_lost; /* session present 0 where one was expected */
    uint64_t dropped;       /* messages that the broker dropped since our cache began to watch */
    int64_t dropped_at_ms;  /* when that was last seen to grow, 0: not in this run */
};
void nx_node_stats(const struct nx_node *node, struct nx_node_stats *out);

#endif
