/*
 * bridge.c - wires nodes and links, and gives each turn of the loop its order:
 *
 *   1. each node stores what came, commits, acknowledges;
 *   2. what is to be told is told (before the links, which may fill the session's window);
 *   3. each link publishes what is durable and fits its window;
 *   4. every session is flushed; dead letters and progress that is due are committed.
 *
 * Stopping: RUNNING -> DRAINING (links finish) -> LEAVING (sessions say goodbye) -> GONE.
 */
#include "bridge/bridge_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PUMP_NUMBERS_MAX = 1024, /* of one link in one turn */
    STATUS_BYTES_MAX = 64 * 1024,
    LEAVE_MS_MAX = 3000,
};

/* --- a turn ------------------------------------------------------------------------------------- */

static bool pump_links(struct nx_bridge *bridge)
{
    bool any = false;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        struct nx_node *owner = nx_relay_config(bridge->relays[i])->from;
        struct nx_diag diag = {0};
        bool more = false;
        enum nx_err err = NX_OK;

        if (!nx_node_stalled(owner)) {
            err = nx_relay_pump(bridge->relays[i], PUMP_NUMBERS_MAX, &more, &diag);
        }
        if (err != NX_OK) {
            nx_node_fail(owner, err, &diag);
        }
        any = any || more;
    }
    return any;
}

static void set_due(struct nx_bridge *bridge)
{
    uint64_t due = UINT64_MAX;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        uint64_t ms = nx_relay_due_ms(bridge->relays[i]);

        if (!nx_node_stalled(nx_relay_config(bridge->relays[i])->from) && ms < due) {
            due = ms;
        }
    }
    if (due != UINT64_MAX) {
        nx_timer_set(bridge->due, due);
    }
}

static void on_due(void *ctx)
{
    (void)ctx; /* the turn that this ends does the work */
}

static bool links_stopped(struct nx_bridge *bridge)
{
    bool all = true;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        all = nx_relay_stopped(bridge->relays[i]) && all;
    }
    return all;
}

static void bridge_leave(struct nx_bridge *bridge)
{
    bridge->state = BRIDGE_LEAVING;
    bridge->leaving_ms = nx_loop_monotonic_ms();
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        while (nx_node_turn(bridge->nodes[i])) { /* what is held, and the cursors' last word */
        }
    }
    bridge_tell_all(bridge);
    bridge_tell_nodes(bridge);
    bridge_tell_relays(bridge);
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        nx_node_stop(bridge->nodes[i]);
    }
    nx_timer_set(bridge->due, LEAVE_MS_MAX);
}

static void bridge_progress(struct nx_bridge *bridge)
{
    bool gone = true;

    if (bridge->state == BRIDGE_DRAINING && links_stopped(bridge)) {
        bridge_leave(bridge);
    }
    if (bridge->state != BRIDGE_LEAVING) {
        return;
    }
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        gone = gone && nx_node_gone(bridge->nodes[i]);
    }
    if (gone || nx_loop_monotonic_ms() - bridge->leaving_ms >= LEAVE_MS_MAX) {
        bridge->state = BRIDGE_GONE;
        nx_loop_stop(bridge->loop);
    }
}

static void flush_sessions(struct nx_bridge *bridge)
{
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        nx_session_flush(nx_node_session(bridge->nodes[i]));
    }
}

/* Dead letters and progress that is due: they wait for no reading to come. What was published
 * leaves before that, and does not wait for the disk. */
static bool save_what_is_due(struct nx_bridge *bridge)
{
    bool any = false;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        struct nx_node *owner = nx_relay_config(bridge->relays[i])->from;

        if (nx_relay_has_to_save(bridge->relays[i]) || nx_store_dirty(nx_node_store(owner))) {
            flush_sessions(bridge);
            (void)nx_node_turn(owner);
            any = any || !nx_node_stalled(owner);
        }
    }
    return any; /* a link may have waited for it */
}

void nx_bridge_turn(void *ctx)
{
    struct nx_bridge *bridge = ctx;
    bool more = false;

    for (size_t i = 0; i < bridge->nodes_count; i++) {
        more = nx_node_turn(bridge->nodes[i]) || more;
    }
    bridge_notice_changes(bridge);
    bridge_tell_nodes(bridge);
    bridge_tell_relays(bridge);
    more = pump_links(bridge) || more;
    more = save_what_is_due(bridge) || more;
    bridge_progress(bridge);
    flush_sessions(bridge);
    if (bridge->state < BRIDGE_LEAVING) {
        set_due(bridge);
    }
    if (more) {
        nx_loop_wake(bridge->loop);
    }
}

/* --- life -------------------------------------------------------------------------------------- */

static void on_period(void *ctx)
{
    struct nx_bridge *bridge = ctx;

    bridge_tell_all(bridge);
    for (size_t i = 0; i < bridge->relays_count; i++) {
        nx_relay_room(bridge->relays[i]); /* should memory have been out, it may be back */
    }
    nx_timer_set(bridge->period, (uint64_t)bridge->settings->tuning.status_period_s * 1000);
}

static enum nx_err bridge_nodes(struct nx_bridge *bridge, struct nx_exchange *exchange,
                                struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    for (size_t i = 0; i < bridge->settings->nodes_count && err == NX_OK; i++) {
        const struct nx_node_config config = {
            .settings = bridge->settings,
            .index = i,
            .exchange = exchange,
            .loop = bridge->loop,
            .log = bridge->log,
            .events = &bridge_node_events,
            .ctx = bridge,
        };

        err = nx_node_new(&config, &bridge->nodes[i], diag);
        bridge->nodes_count += err == NX_OK ? 1 : 0;
    }
    return err;
}

static enum nx_err bridge_links(struct nx_bridge *bridge, struct nx_exchange *exchange,
                                struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    for (size_t i = 0; i < bridge->settings->links_count && err == NX_OK; i++) {
        const struct nx_settings_link *link = &bridge->settings->links[i];
        const struct nx_relay_config config = {
            .settings = bridge->settings,
            .link = link,
            .index = i,
            .from = bridge->nodes[link->from],
            .to = bridge->nodes[link->to],
            .exchange = exchange,
            .log = bridge->log,
        };

        err = nx_relay_new(&config, &bridge->relays[i], diag);
        bridge->relays_count += err == NX_OK ? 1 : 0;
    }
    return err;
}

enum nx_err nx_bridge_new(const struct nx_settings *settings, struct nx_exchange *exchange,
                          struct nx_loop *loop, const struct nx_log *log, struct nx_bridge **out,
                          struct nx_diag *diag)
{
    struct nx_bridge *bridge = calloc(1, sizeof(*bridge));
    enum nx_err err = NX_ERR_NOMEM;

    *out = NULL;
    nx_diag_set(diag, "out of memory");
    if (bridge == NULL) {
        return NX_ERR_NOMEM;
    }
    bridge->settings = settings;
    bridge->loop = loop;
    bridge->log = log;
    bridge->since_ms = nx_loop_wall_ms();
    nx_buf_init(&bridge->status, STATUS_BYTES_MAX);
    bridge->period = nx_timer_new(loop, on_period, bridge);
    bridge->due = nx_timer_new(loop, on_due, bridge);
    if (bridge->period == NULL || bridge->due == NULL) {
        goto fail;
    }
    err = bridge_nodes(bridge, exchange, diag);
    if (err == NX_OK) {
        err = bridge_links(bridge, exchange, diag);
    }
    if (err != NX_OK) {
        goto fail;
    }
    *out = bridge;
    return NX_OK;
fail:
    nx_bridge_free(bridge);
    return err;
}

void nx_bridge_free(struct nx_bridge *bridge)
{
    if (bridge == NULL) {
        return;
    }
    for (size_t i = 0; i < bridge->relays_count; i++) {
        nx_relay_free(bridge->relays[i]);
    }
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        nx_node_free(bridge->nodes[i]);
    }
    if (bridge->period != NULL) {
        nx_timer_free(bridge->period);
    }
    if (bridge->due != NULL) {
        nx_timer_free(bridge->due);
    }
    nx_buf_fini(&bridge->status);
    free(bridge);
}

void nx_bridge_start(struct nx_bridge *bridge)
{
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        nx_node_start(bridge->nodes[i]);
    }
    nx_timer_set(bridge->period, (uint64_t)bridge->settings->tuning.status_period_s * 1000);
}

void nx_bridge_reload(struct nx_bridge *bridge)
{
    nx_log(
        bridge->log, NX_LOG_NOTICE,
        "reload: of certificates and keys; bridge.json and what else it names is read at a start");
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        const char *name = nx_node_settings(bridge->nodes[i])->name;
        struct nx_diag diag = {0};

        if (!nx_node_settings(bridge->nodes[i])->tls.enabled) {
            continue;
        }
        if (nx_session_reload(nx_node_session(bridge->nodes[i]), &diag) != NX_OK) {
            nx_log(bridge->log, NX_LOG_ERROR,
                   "%s: reload refused: %s; what was read before is used", name, diag.text);
        } else {
            nx_log(bridge->log, NX_LOG_NOTICE, "%s: certificates read again, for new connections",
                   name);
        }
    }
}

void nx_bridge_stop(struct nx_bridge *bridge)
{
    if (bridge->state != BRIDGE_RUNNING) {
        nx_loop_stop(bridge->loop); /* asked twice: at once */
        return;
    }
    bridge->state = BRIDGE_DRAINING;
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        nx_node_stop_intake(bridge->nodes[i]);
    }
    for (size_t i = 0; i < bridge->relays_count; i++) {
        nx_relay_stop(bridge->relays[i]);
    }
    nx_loop_wake(bridge->loop);
}
