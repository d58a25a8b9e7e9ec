/*
 * bridge_events.c - what a node says, and which links it concerns.
 */
#include "bridge/bridge_state.h"

#include <assert.h>

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

/* Marks that a lost session has voided: a crash must not find the old ones (QoS 2). */
static void save_at_once(const struct nx_relay *relay)
{
    if (nx_relay_has_to_save(relay)) {
        (void)nx_node_turn(nx_relay_config(relay)->from);
    }
}

static void on_node_up(void *ctx, struct nx_node *node, bool session_present)
{
    struct nx_bridge *bridge = ctx;

    node_tell(bridge, node);
    for (size_t i = 0; i < bridge->relays_count; i++) {
        if (is_to(bridge->relays[i], node)) {
            nx_relay_up(bridge->relays[i], session_present);
            save_at_once(bridge->relays[i]);
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

/* An answer that cannot be kept counts as not given: the owner's cache is behind. */
static void check_kept(const struct nx_relay *relay, enum nx_err err)
{
    const struct nx_diag diag = {.text = "out of memory for dead letters"};

    if (err != NX_OK) {
        nx_node_fail(nx_relay_config(relay)->from, err, &diag);
    }
}

static void on_node_answered(void *ctx, struct nx_node *node, uint64_t token, uint8_t reason)
{
    struct nx_bridge *bridge = ctx;
    size_t index = nx_relay_index(token);

    (void)node;
    assert(index < bridge->relays_count);
    check_kept(bridge->relays[index], nx_relay_answered(bridge->relays[index], token, reason));
}

static void on_node_received(void *ctx, struct nx_node *node, uint64_t token, uint16_t packet_id,
                             uint8_t reason)
{
    struct nx_bridge *bridge = ctx;
    size_t index = nx_relay_index(token);

    (void)node;
    assert(index < bridge->relays_count);
    check_kept(bridge->relays[index],
               nx_relay_received(bridge->relays[index], token, packet_id, reason));
}

static void on_node_told(void *ctx, struct nx_node *node, struct nx_span city,
                         struct nx_span payload)
{
    struct nx_bridge *bridge = ctx;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        const struct nx_relay_config *config = nx_relay_config(bridge->relays[i]);

        if (config->to == node && nx_span_eq(nx_node_city(config->from), city)) {
            check_kept(bridge->relays[i], nx_relay_told(bridge->relays[i], payload));
        }
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
        if (!is_from(bridge->relays[i], node)) {
            continue;
        }
        if (!nx_relay_letters_kept(bridge->relays[i])) {
            nx_loop_wake(bridge->loop); /* the answers that brought them may be acknowledged now */
        }
        nx_relay_committed(bridge->relays[i]);
    }
}

static bool on_node_answers_kept(void *ctx, struct nx_node *node)
{
    struct nx_bridge *bridge = ctx;
    bool kept = true;

    for (size_t i = 0; i < bridge->relays_count; i++) {
        kept =
            kept && (!is_to(bridge->relays[i], node) || nx_relay_letters_kept(bridge->relays[i]));
    }
    return kept;
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
            bridge->tell_relay[i] = true;
        }
    }
}

/* Until all of them stand on the new cache the node stays stalled, and no link of it moves. */
static enum nx_err on_node_reopened(void *ctx, struct nx_node *node, struct nx_diag *diag)
{
    struct nx_bridge *bridge = ctx;
    enum nx_err err = NX_OK;

    for (size_t i = 0; i < bridge->relays_count && err == NX_OK; i++) {
        if (is_from(bridge->relays[i], node)) {
            err = nx_relay_reopened(bridge->relays[i], diag);
        }
    }
    return err;
}

static void on_node_changed(void *ctx, struct nx_node *node)
{
    node_tell(ctx, node);
}

const struct nx_node_events bridge_node_events = {
    .up = on_node_up,
    .down = on_node_down,
    .room = on_node_room,
    .answered = on_node_answered,
    .received = on_node_received,
    .told = on_node_told,
    .save = on_node_save,
    .answers_kept = on_node_answers_kept,
    .committed = on_node_committed,
    .rolled_back = on_node_rolled_back,
    .recovered = on_node_recovered,
    .reopened = on_node_reopened,
    .changed = on_node_changed,
};
