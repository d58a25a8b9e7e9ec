/*
 * node_cache.c - a cache that cannot be written. The node stalls: what came stays held and
 * unacknowledged, and the same is tried again with back-off. Nothing here decides what a reading
 * is; a cache found damaged is set aside by the store when it is opened again.
 */
#include "bridge/node_state.h"

void node_stall(struct nx_node *node, enum nx_err err, const struct nx_diag *diag)
{
    uint64_t held;

    nx_store_rollback(node->store);
    nx_recent_clear(node->recent);
    (void)nx_diag_format(diag, node->stall, sizeof(node->stall));
    node->damaged = node->damaged || err == NX_ERR_SYNTAX;
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

static enum nx_err cache_options(const struct nx_node *node, bool verify,
                                 struct nx_store_options *out, struct nx_diag *diag)
{
    enum nx_err err;

    *out = (struct nx_store_options){
        .now_ms = nx_loop_wall_ms(),
        .verify = verify,
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
    return nx_store_get_number(node->store, "broker_dropped", &node->dropped_seen, diag);
}

enum nx_err node_open(struct nx_node *node, struct nx_diag *diag)
{
    struct nx_store_options options;
    enum nx_err err = cache_options(node, false, &options, diag);

    if (err == NX_OK) {
        err = nx_store_open(node->store_path, &options, node->config.log, &node->store, diag);
    }
    return err == NX_OK ? cache_read(node, diag) : err;
}

/* The cache was found damaged while it was in use: a closer look sets it aside, if it is so. */
static enum nx_err node_reopen(struct nx_node *node, struct nx_diag *diag)
{
    struct nx_store_options options;
    char epoch[64];
    enum nx_err err = cache_options(node, true, &options, diag);

    (void)nx_span_copy(nx_span_from(nx_store_epoch(node->store)), epoch, sizeof(epoch));
    if (err == NX_OK) {
        err = nx_store_reopen(node->store, &options, node->config.log, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    (void)cache_read(node, NULL); /* should it fail, the count begins anew */
    node->damaged = false;
    node->settle = 0;
    node->acked = node->told = 0;
    if (!nx_span_is(nx_span_from(epoch), nx_store_epoch(node->store))) {
        node->opened++;
        node->anew = true;
    }
    return NX_OK;
}

/* What was in the way, as far as it can be put right; writes a number, so that a commit follows. */
static enum nx_err node_mend(struct nx_node *node, struct nx_diag *diag)
{
    enum nx_err err = node->damaged ? node_reopen(node, diag) : NX_OK;

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
