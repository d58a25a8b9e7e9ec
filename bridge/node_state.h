/*
 * node_state.h - what the files of a node share. For bridge/node*.c alone.
 *
 *   node.c          life, the transaction, telling
 *   node_session.c  what the broker says: connections, subscriptions, messages, answers
 *   node_cache.c    the cache when it fails: stalling, trying again, a new epoch
 *   node_keep.c     retention, dead letters that are sent again
 *
 * (N1) an acknowledgement leaves only after the commit of the transaction that holds its reading.
 * (N2) acknowledgements leave in the order in which the messages came (MQTT 5 section 4.6).
 * (N3) `acked` moves only by messages that came with DUP=0 on this connection. The broker sends
 *      its unacknowledged ones again before any new one, so by then everything older is answered.
 * (N4) a reading is settled only when the broker has answered something that we sent after its
 *      acknowledgement: it reads what we send in order, so it has had the acknowledgement too.
 */
#ifndef NX_BRIDGE_NODE_STATE_H
#define NX_BRIDGE_NODE_STATE_H

#include "bridge/node.h"
#include "bridge/rate.h"
#include "bridge/state.h"
#include "core/ages.h"

enum { NODE_SUBSCRIBES_MAX = 3 };
enum node_subscription {
    NODE_SUBSCRIPTION_INTAKE,
    NODE_SUBSCRIPTION_DROPPED,
    NODE_SUBSCRIPTION_ANSWERS, /* of the plugin, to the links that lead here */
};

/* The token of what a node tells: NX_NODE_TOKEN, `opened`, and `acked` when it was sent. */
#define NODE_TOKEN_OPENED_SHIFT 48
#define NODE_TOKEN_SEQ_MAX      ((UINT64_C(1) << NODE_TOKEN_OPENED_SHIFT) - 1)

/* Retention and resends: node_keep.c. */
struct node_keep {
    struct nx_timer *timer;
    bool due;
    bool held_up;                    /* told: retention waits for a link */
    unsigned set_aside;              /* damaged caches beside ours, as last seen */
    struct nx_slow_clock clock;      /* by which readings are too old */
    struct nx_store_thinned thinned; /* what the last look found */
    struct nx_store_resent resent;   /* in the open transaction, to be told after it */
};

struct nx_node {
    struct nx_node_config config;
    const struct nx_settings_node *settings;
    const struct nx_tuning *tuning;
    struct nx_span city;
    char client_id[NX_CLIENT_ID_SIZE];
    char store_path[NX_STATE_PATH_MAX];
    char will_topic[96];
    struct nx_store *store;
    struct nx_session *session;
    struct nx_intake *intake;
    struct nx_recent *recent;
    struct nx_timer *retry;       /* of a stalled cache */
    struct nx_timer *resubscribe; /* of a refused subscription */
    struct node_keep keep;

    uint8_t opened; /* counts caches: what was told of one says nothing of the next */
    enum node_subscription asked[NODE_SUBSCRIBES_MAX];
    size_t asked_count;
    uint64_t acked;  /* N3 */
    uint64_t told;   /* `acked` when something was last sent that will be answered */
    uint64_t settle; /* N4: to be persisted */
    bool settle_now; /* and not only with the next commit */

    bool stopping; /* takes nothing more */
    bool leaving;  /* the session is being closed for good */
    bool gone;
    bool stalled;
    bool parked; /* stalled, and the session told to end because there was no room to hold more */
    bool off_asked, off; /* and it is on its way to that end, or has come to it */
    bool damaged;        /* the cache must be opened anew */
    bool anew;           /* another has taken its place, which the links have not taken up */
    uint32_t retry_ms;
    uint32_t doubts;     /* found damaged, and every time it looked sound: so often */
    uint64_t doubted_ms; /* since then */
    uint32_t failures;   /* in a row, since the cache was last opened or written */
    char stall[600];
    char refused[128];

    uint64_t sessions_lost;
    int64_t dropped_seen; /* the broker's counter; -1: not yet known */
    uint64_t dropped;
    int64_t dropped_at_ms;
    struct nx_rate foreign_rate, stall_rate;
};

/* Links that lead here and deliver so. */
size_t node_links(const struct nx_node *node, enum nx_delivery delivery);

void node_changed(struct nx_node *node); /* its status should be told now */

/* node_session.c */
extern const struct nx_session_events node_session_events; /* ctx: the node */
void node_on_resubscribe(void *ctx);
void node_unpark(struct nx_node *node); /* dials again, when the session has come to its end */

/* node_keep.c */
void node_on_keep(void *ctx);
enum nx_err node_keep(struct nx_node *node, struct nx_diag *diag); /* what is due, in a piece */
void node_kept(struct nx_node *node);                              /* it is durable */

/* node_cache.c */
enum nx_err node_open(struct nx_node *node, struct nx_diag *diag);
void node_stall(struct nx_node *node, enum nx_err err, const struct nx_diag *diag);
void node_on_retry(void *ctx);

#endif
