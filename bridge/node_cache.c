/*
 * node_cache.c - a cache that cannot be written. The node stalls: what came stays held and
 * unacknowledged, and the same is tried again with back-off. A disk that is full or fails for a while
 * needs no more. Some failures are the connection's own, a log that was cut below it for one: so
 * after some tries the cache is closed and opened again, as a new start of the bridge would do it.
 * Nothing here decides what a reading is; a cache found damaged is set aside by the store when it is
 * opened again.
 */
#include "bridge/node_state.h"

#include <inttypes.h>

enum {
    TRIES_MAX = 5,      /* with the shortest back-off, some seconds */
    DOUBTS_MAX = 3,     /* so often a cache may be found damaged that looks sound, */
    DOUBTS_MS = 600000, /* within this time */
};

/* Damage that no check of the file finds must not bring us here for ever. */
static void doubt(struct nx_node *node)
{
    uint64_t now_ms = nx_loop_monotonic_ms();

    if (node->doubts == 0 || now_ms - node->doubted_ms > DOUBTS_MS) {
        node->doubts = 0;
        node->doubted_ms = now_ms;
    }
    node->doubts++;
}

void node_stall(struct nx_node *node, enum nx_err err, const struct nx_diag *diag)
{
    uint64_t held;

    nx_store_rollback(node->store);
    nx_recent_clear(node->recent);
    (void)nx_diag_format(diag, node->stall, sizeof(node->stall));
    node->damaged = node->damaged || err == NX_ERR_SYNTAX || err == NX_ERR_STATE;
    if (err == NX_ERR_SYNTAX) {
        doubt(node);
    }
    node->failures++;
    node->stalled = true;
    node->retry_ms = node->retry_ms == 0 ? node->tuning->backoff_ms_min : node->retry_ms * 2;
    if (node->retry_ms > node->tuning->backoff_ms_max) {
        node->retry_ms = node->tuning->backoff_ms_max;
    }
    nx_timer_set(node->retry, node->retry_ms);
    if (nx_rate_allows(&node->stall_rate, nx_loop_monotonic_ms(), &held)) {
        nx_log(node->config.log, NX_LOG_ERROR,
               "%s: the cache cannot be written, nothing is acknowledged: %s; trying again",
               node->settings->name, node->stall);
    }
    node->config.events->rolled_back(node->config.ctx, node);
    node_changed(node);
}

void nx_node_fail(struct nx_node *node, enum nx_err err, const struct nx_diag *diag)
{
    if (!node->stalled) {
        node_stall(node, err, diag);
    }
}

static enum nx_err cache_options(const struct nx_node *node, struct nx_store_options *out,
                                 struct nx_diag *diag)
{
    enum nx_err err;

    *out = (struct nx_store_options){
        .now_ms = nx_loop_wall_ms(),
        .verify = node->damaged,
        .distrust = node->doubts >= DOUBTS_MAX,
        .checkpoint =
            node->config.settings->threads ? NX_STORE_CHECKPOINT_THREAD : NX_STORE_CHECKPOINT_HERE,
    };
    err = nx_state_random(&out->random);
    if (err != NX_OK) {
        nx_diag_set(diag, "no random bytes");
    }
    return err;
}

static enum nx_err cache_read(struct nx_node *node, struct nx_diag *diag)
{
    node->dropped_seen = -1;
    node->keep.set_aside = nx_store_set_aside(node->store_path);
    return nx_store_get_number(node->store, "broker_dropped", &node->dropped_seen, diag);
}

enum nx_err node_open(struct nx_node *node, struct nx_diag *diag)
{
    struct nx_store_options options;
    enum nx_err err = cache_options(node, &options, diag);

    if (err == NX_OK) {
        err = nx_store_open(node->store_path, &options, node->config.log, &node->store, diag);
    }
    return err == NX_OK ? cache_read(node, diag) : err;
}

/*
 * The file has more than was known to be durable: an error was the answer to a commit that came
 * through. What is held may be in it. As after a crash the broker has to say it again, with DUP=1, so
 * that it is known by its identifier.
 */
static void hold_nothing(struct nx_node *node)
{
    nx_intake_drop(node->intake);
    if (nx_session_is_up(node->session) && !node->parked && !node->leaving) {
        node->parked = node->off_asked = true;
        nx_session_stop(node->session);
    }
}

/* Closes and opens the cache. One found damaged is looked at closely, which sets it aside if it is. */
static enum nx_err node_reopen(struct nx_node *node, struct nx_diag *diag)
{
    const uint64_t last = nx_store_last(node->store);
    struct nx_store_options options;
    char epoch[64];
    enum nx_err err = cache_options(node, &options, diag);

    (void)nx_span_copy(nx_span_from(nx_store_epoch(node->store)), epoch, sizeof(epoch));
    if (err == NX_OK) {
        err = nx_store_reopen(node->store, &options, node->config.log, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    nx_log(node->config.log, NX_LOG_NOTICE,
           "%s: the cache was opened again: epoch %s, record %" PRIu64, node->settings->name,
           nx_store_epoch(node->store), nx_store_last(node->store));
    (void)cache_read(node, NULL); /* should it fail, the count begins anew */
    node->damaged = false;
    node->failures = 0;
    node->settle = 0;
    node->acked = node->told = 0;
    if (!nx_span_is(nx_span_from(epoch), nx_store_epoch(node->store))) {
        node->opened++;
        node->anew = true;
        node->doubts = 0;
    } else if (nx_store_last(node->store) > last) {
        hold_nothing(node);
    }
    return NX_OK;
}

/* What was in the way, as far as it can be put right; writes a number, so that a commit follows. */
static enum nx_err node_mend(struct nx_node *node, struct nx_diag *diag)
{
    bool again = node->damaged || node->failures >= TRIES_MAX;
    enum nx_err err = again ? node_reopen(node, diag) : NX_OK;

    if (err == NX_OK && node->anew) {
        err = node->config.events->reopened(node->config.ctx, node, diag);
    }
    if (err == NX_OK) {
        err = nx_store_put_number(node->store, "checked_at", nx_loop_wall_ms(), diag);
    }
    return err;
}

void node_on_retry(void *ctx)
{
    struct nx_node *node = ctx;
    struct nx_diag diag = {0};
    enum nx_err err = node_mend(node, &diag);

    if (err != NX_OK) {
        node_stall(node, err, &diag); /* still so: told, and tried again */
        return;
    }
    node->stalled = false;
    (void)nx_node_turn(node); /* commits at least that number: it shows whether writing works */
    if (node->stalled) {
        return;
    }
    node->anew = false; /* what the links wrote on taking it up is durable */
    node->parked = false;
    node_unpark(node);
    node->config.events->recovered(node->config.ctx, node);
}
