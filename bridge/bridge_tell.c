/*
 * bridge_tell.c - when which status is told, and where. What is in it is status.c's.
 */
#include "bridge/bridge_state.h"

#include <stdio.h>
#include <string.h>

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

void bridge_tell_nodes(struct nx_bridge *bridge)
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
void bridge_tell_relays(struct nx_bridge *bridge)
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

void bridge_tell_all(struct nx_bridge *bridge)
{
    for (size_t i = 0; i < bridge->nodes_count; i++) {
        bridge->tell_node[i] = true;
    }
    for (size_t i = 0; i < bridge->relays_count; i++) {
        bridge->tell_relay[i] = true;
    }
}

/* A link whose state is not the one last told is told now; the log hears of up and not up. */
void bridge_notice_changes(struct nx_bridge *bridge)
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
