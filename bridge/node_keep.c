/*
 * node_keep.c - housekeeping of a city's cache: retention, and dead letters that an operator wants
 * sent again. In small pieces, each in a transaction that readings may share, so that no reading
 * waits long for it: a piece takes some milliseconds, and between two others have their turn.
 */
#include "bridge/node_state.h"

#include <inttypes.h>
#include <string.h>

enum {
    KEEP_MS = 1000,    /* between two looks */
    KEEP_MS_MORE = 20, /* between two pieces */
    THIN_NUMBERS = 512,
    RESEND_LETTERS = 256,
};

#define MS_OF_A_DAY INT64_C(86400000)

void node_on_keep(void *ctx)
{
    struct nx_node *node = ctx;

    node->keep.due = true; /* the turn that follows does the work */
    nx_timer_set(node->keep.timer, KEEP_MS);
}

/* Up to where every link is done that may not give up what it has not sent. */
static enum nx_err keep_floor(struct nx_node *node, uint64_t *out, struct nx_diag *diag)
{
    const struct nx_settings *all = node->config.settings;
    enum nx_err err = NX_OK;

    *out = UINT64_MAX;
    for (size_t i = 0; i < all->links_count && err == NX_OK; i++) {
        const struct nx_settings_link *link = &all->links[i];
        struct nx_store_cursor cursor;

        if (link->from != node->config.index || link->drop_oldest) {
            continue;
        }
        err = nx_store_load_cursor(node->store, nx_span_from(link->name), &cursor, diag);
        if (err == NX_OK && cursor.cursor < *out) {
            *out = cursor.cursor;
        }
    }
    return err;
}

static enum nx_err keep_thin(struct nx_node *node, struct nx_diag *diag)
{
    const struct nx_retention *retention = &node->settings->retention;
    const int64_t now_ms =
        nx_slow_clock_ms(&node->keep.clock, nx_loop_wall_ms(), nx_loop_monotonic_ms());
    const struct nx_store_limits limits = {
        .before_ms = retention->days > 0 ? now_ms - retention->days * MS_OF_A_DAY : 0,
        .bytes_max = retention->bytes,
    };
    struct nx_store_thinned *thinned = &node->keep.thinned;
    uint64_t floor_seq;
    enum nx_err err = keep_floor(node, &floor_seq, diag);

    if (err == NX_OK) {
        err = nx_store_thin(node->store, floor_seq, &limits, THIN_NUMBERS, thinned, diag);
    }
    if (err == NX_OK && node->settle > 0 && thinned->wanted > 0 && thinned->removed == 0) {
        node->settle_now = true; /* in a city that is silent no reading would carry it */
    }
    return err;
}

enum nx_err node_keep(struct nx_node *node, struct nx_diag *diag)
{
    struct node_keep *keep = &node->keep;
    enum nx_err err;

    keep->resent = (struct nx_store_resent){0}; /* of a transaction that failed */
    if (!keep->due) {
        return NX_OK;
    }
    keep->due = false;
    keep->set_aside = nx_store_set_aside(node->store_path);
    err = nx_store_check(node->store, diag);
    if (err != NX_OK) {
        return err;
    }
    err = nx_store_resend(node->store, RESEND_LETTERS, &keep->resent, diag);
    if (err == NX_OK) {
        err = keep_thin(node, diag);
    }
    if (err == NX_OK && (keep->resent.more || keep->thinned.more)) {
        nx_timer_set(keep->timer, KEEP_MS_MORE);
    }
    return err;
}

void node_kept(struct nx_node *node)
{
    struct node_keep *keep = &node->keep;

    if (keep->resent.letters > 0) {
        nx_log(node->config.log, NX_LOG_NOTICE,
               "%s: %" PRIu64 " dead letters of link %s are tried again, as records %" PRIu64
               " to %" PRIu64,
               node->settings->name, keep->resent.letters, keep->resent.link, keep->resent.first,
               keep->resent.last);
    }
    keep->resent = (struct nx_store_resent){0};
    if (keep->thinned.held_up != keep->held_up) {
        keep->held_up = !keep->held_up;
        nx_log(node->config.log, keep->held_up ? NX_LOG_WARN : NX_LOG_NOTICE, "%s: %s",
               node->settings->name,
               keep->held_up ? "retention waits for a link that has not sent so far"
                             : "retention goes on");
        node_changed(node);
    }
}
