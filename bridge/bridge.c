/*
 * bridge.c - wires nodes and links, and gives each turn of the loop its order:
 *
 *   1. each node stores what came, commits, acknowledges;
 *   2. what is to be told is told (before the links, which may fill the session's window);
 *   3. each link publishes what is durable and fits its window;
 *   4. dead letters that the links wrote are committed, and every session is flushed once.
 *
 * Stopping: RUNNING -> DRAINING (links finish) -> LEAVING (sessions say goodbye) -> GONE.
 */
#include "bridge/bridge.h"

#include "bridge/status.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PUMP_STEPS_MAX = 512, /* of one link in one turn */
    STATUS_BYTES_MAX = 64 * 1024,
    LEAVE_MS_MAX = 3000,
};

enum bridge_state { BRIDGE_RUNNING, BRIDGE_DRAINING, BRIDGE_LEAVING, BRIDGE_GONE };

struct nx_bridge {
    const struct nx_settings *settings;
    struct nx_loop *loop;
    const struct nx_log *log;
    struct nx_node *nodes[NX_NODES_MAX];
    size_t nodes_count;
    struct nx_relay *relays[NX_LINKS_MAX];
    size_t relays_count;
    bool tell_node[NX_NODES_MAX]; /* its status is to be told */
    bool tell_relay[NX_LINKS_MAX];
    const char *told_state[NX_LINKS_MAX]; /* the state last told of a link */
    struct nx_timer *period;              /* of status */
    struct nx_timer *due;                 /* of cursors to save and drains that are late */
    enum bridge_state state;
    uint64_t leaving_ms; /* since when */
    int64_t since_ms;
    struct nx_buf status;
};

/* --- telling ----------------------------------------------------------------------------------- */

static struct nx_status_frame bridge_frame(const struct nx_bridge *bridge)
{
    static const char *const states[] = {
        [BRIDGE_RUNNING] = "up",
        [BRIDGE_DRAINING] = "stopping",
        [BRIDGE_LEAVING] = "stopped",
        [BRIDGE_GONE] = "stopped",
    };

    return (struct nx_status_frame){
        .state = states[bridge->state],
        .since_ms = bridge->since_ms,
        .now_ms = nx_loop_wall_ms(),
        .period_s = bridge->settings->tuning.status_period_s,
    };
}

/* False: there is no room now, tell again. Who is not connected needs to hear nothing. */
static bool bridge_publish(struct nx_bridge *bridge, struct nx_node *at, const char *component)
{
    char topic[160];
    enum nx_err err;

    (void)snprintf(topic, sizeof(topic), "nexus/%s/_status/%s", nx_node_settings(at)->name,
                   component);
    err = nx_node_tell(at, nx_span_from(topic), nx_buf_view(&bridge->status));
    return err != NX_ERR_AGAIN && err != NX_ERR_NOMEM;
}

static void tell_nodes(struct nx_bridge *bridge)
{
    const struct nx_status_frame frame = bridge_frame(bridge);

    for (size_t i = 0; i < bridge->nodes_count; i++) {
        if (bridge->tell_node[i] && nx_session_is_up(nx_node_session(bridge->nodes[i])) &&
            nx_status_bridge(&frame, bridge->nodes[i], &bridge->status) == NX_OK) {
            bridge->tell_node[i] = !bridge_publish(bridge, bridge->nodes[i], "bridge");
        }
    }
}

/* At both ends, because each city's operator looks at his own broker. */
static void tell_relays(struct nx_bridge *bridge)
{
    const struct nx_status_frame frame = bridge_frame(bridge);

    for (size_t i = 0; i < bridge->relays_count; i++) {
        const struct nx_relay_config *config = nx_relay_config(bridge->relays[i]);
        char component[96];
        bool from;
        bool to;

        if (!bridge->tell_relay[i] ||
            nx_status_link(&frame, bridge->relays[i], &bridge->status) != NX_OK) {
            continue;
        }
        (void)snprintf(component, sizeof(component), "link-%s", config->link->name);
        from = bridge_publish(bridge, config->from, component);
        to = bridge_publish(bridge, config->to, component);
        bridge->tell_relay[i] = !from || !to;
    }
}

static void tell_all(struct nx_bridge *bridge)
{
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        bridge->tell_node[i] = true;
    }
    for (size_t i = 0; i < bridge->relays_count; i++) {
        bridge->tell_relay[i] = true;
    }
}

static void on_period(void *ctx)
{
    struct nx_bridge *bridge = ctx;

    tell_all(bridge);
    for (size_t i = 0; i < bridge->relays_count; i++) {
        nx_relay_room(bridge->relays[i]); /* should memory have been out, it may be back */
    }
    nx_timer_set(bridge->period, (uint64_t)bridge->settings->tuning.status_period_s * 1000);
}

/* A link whose state is not the one last told is told now; the log hears of up and not up. */
static void notice_changes(struct nx_bridge *bridge)
{
    for (size_t i = 0; i < bridge->relays_count; i++) {
        const char *state = nx_relay_state(bridge->relays[i]);
        const char *told = bridge->told_state[i];

        if (state == told) {
            continue;
        }
        if (told == NULL || strcmp(told, "up") == 0 || strcmp(state, "up") == 0) {
            nx_log(bridge->log, NX_LOG_NOTICE, "link %s: %s",
                   nx_relay_config(bridge->relays[i])->link->name, state);
        }
        bridge->told_state[i] = state;
        bridge->tell_relay[i] = true;
    }
}

/* --- what nodes say ----------------------------------------------------------------------------- */

static void node_tell(struct nx_bridge *bridge, const struct nx_node *node)
{
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        if (bridge->nodes[i] == node) {
            bridge->tell_node[i] = true;
        }
    }
}

static bool is_from(const struct nx_relay *relay, const struct nx_node *node)
{
    return nx_relay_config(relay)->from == node;
}

static bool is_to(const struct nx_relay *relay, const struct nx_node *node)
{
    return nx_relay_config(relay)->to == node;
}

static void on_node_up(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;

    node_tell(bridge, node);
    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_to(bridge->relays[i], node)) {
            nx_relay_update(bridge->relays[i]);
        }
        if (is_to(bridge->relays[i], node) || is_from(bridge->relays[i], node)) {
            bridge->tell_relay[i] = true;
        }
    }
}

static void on_node_down(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_to(bridge->relays[i], node)) {
            nx_relay_lost(bridge->relays[i]);
        }
    }
}

static void on_node_room(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_to(bridge->relays[i], node)) {
            nx_relay_room(bridge->relays[i]);
        }
    }
}

static void on_node_answered(void *ctx, struct nx_node *node, uint64_t token, uint8_t reason)
{
    struct nx_bridge *bridge = ctx;
    size_t index = nx_relay_index(token);
    struct nx_diag diag = {0};
    enum nx_err err;

    (void)node;
    assert(index < bridge->relays_count);
    err = nx_relay_answered(bridge->relays[index], token, reason, &diag);
    if (err != NX_OK) {
        nx_node_fail(nx_relay_config(bridge->relays[index])->from, err, &diag);
    }
}

static enum nx_err on_node_save(void *ctx, struct nx_node *node, bool riding, struct nx_diag *diag)
{
    struct nx_bridge *bridge = ctx;
    enum nx_err err = NX_OK;

    for (size_t i = 0; i < bridge->relays_count && err == NX_OK; i++) {
        if (is_from(bridge->relays[i], node)) {
            err = nx_relay_save(bridge->relays[i], riding, diag);
        }
    }
    return err;
}

static void on_node_committed(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_from(bridge->relays[i], node)) {
            nx_relay_committed(bridge->relays[i]);
        }
    }
}

static void on_node_rolled_back(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_from(bridge->relays[i], node)) {
            nx_relay_rolled_back(bridge->relays[i]);
        }
    }
}

static void on_node_recovered(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_from(bridge->relays[i], node)) {
            nx_relay_update(bridge->relays[i]);
        }
    }
}

static void on_node_reopened(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;
    struct nx_diag diag = {0};

    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_from(bridge->relays[i], node) &&
            nx_relay_reopened(bridge->relays[i], &diag) != NX_OK) {
            nx_log(bridge->log, NX_LOG_ERROR, "link %s: %s",
                   nx_relay_config(bridge->relays[i])->link->name, diag.text);
            abort(); /* a cache that was just made cannot be read: start anew */
        }
    }
}

static void on_node_changed(void *ctx, struct nx_node *node)
{
    node_tell(ctx, node);
}

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
            err = nx_relay_pump(bridge->relays[i], PUMP_STEPS_MAX, &more, &diag);
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
    tell_all(bridge);
    tell_nodes(bridge);
    tell_relays(bridge);
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

void nx_bridge_turn(void *ctx)
{
    struct nx_bridge *bridge = ctx;
    bool more = false;

    for (size_t i = 0; i < bridge->nodes_count; i++) {
        more = nx_node_turn(bridge->nodes[i]) || more;
    }
    notice_changes(bridge);
    tell_nodes(bridge);
    tell_relays(bridge);
    more = pump_links(bridge) || more;
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        if (nx_store_dirty(nx_node_store(bridge->nodes[i]))) {
            (void)nx_node_turn(bridge->nodes[i]);
        }
    }
    bridge_progress(bridge);
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        nx_session_flush(nx_node_session(bridge->nodes[i]));
    }
    if (bridge->state < BRIDGE_LEAVING) {
        set_due(bridge);
    }
    if (more) {
        nx_loop_wake(bridge->loop);
    }
}

/* --- life -------------------------------------------------------------------------------------- */

static enum nx_err bridge_nodes(struct nx_bridge *bridge, struct nx_exchange *exchange,
                                struct nx_diag *diag)
{
    static const struct nx_node_events events = {
        .up = on_node_up,
        .down = on_node_down,
        .room = on_node_room,
        .answered = on_node_answered,
        .save = on_node_save,
        .committed = on_node_committed,
        .rolled_back = on_node_rolled_back,
        .recovered = on_node_recovered,
        .reopened = on_node_reopened,
        .changed = on_node_changed,
    };
    enum nx_err err = NX_OK;

    for (size_t i = 0; i < bridge->settings->nodes_count && err == NX_OK; i++) {
        const struct nx_node_config config = {
            .settings = bridge->settings,
            .index = i,
            .exchange = exchange,
            .loop = bridge->loop,
            .log = bridge->log,
            .events = &events,
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
