/*
 * bridge_state.h - what the files of the bridge share. For bridge/bridge*.c alone.
 *
 *   bridge.c         life, the order of a turn
 *   bridge_events.c  what a node says, and which links it concerns
 *   bridge_tell.c    when which status is told
 */
#ifndef NX_BRIDGE_BRIDGE_STATE_H
#define NX_BRIDGE_BRIDGE_STATE_H

#include "bridge/bridge.h"
#include "bridge/status.h"

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

/* bridge_events.c */
extern const struct nx_node_events bridge_node_events; /* ctx: the bridge */

/* bridge_tell.c */
void bridge_tell_all(struct nx_bridge *bridge);       /* when there is room */
void bridge_notice_changes(struct nx_bridge *bridge); /* a state that was not told yet */
void bridge_tell_nodes(struct nx_bridge *bridge);
void bridge_tell_relays(struct nx_bridge *bridge);

#endif
