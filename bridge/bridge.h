/*
 * bridge.h - the whole of a bridge process: its nodes, its links, and what each hears of the
 * others. Owns neither the loop nor the settings.
 */
#ifndef NX_BRIDGE_BRIDGE_H
#define NX_BRIDGE_BRIDGE_H

#include "bridge/settings.h"
#include "lens/exchange.h"

struct nx_bridge;

/* NX_ERR_INVALID: the settings; others: a cache or the state folder cannot be used. */
enum nx_err nx_bridge_new(const struct nx_settings *settings, struct nx_exchange *exchange,
                          struct nx_loop *loop, const struct nx_log *log, struct nx_bridge **out,
                          struct nx_diag *diag);
void nx_bridge_free(struct nx_bridge *bridge);

void nx_bridge_start(struct nx_bridge *bridge);

/* Ends cleanly: takes nothing more, finishes what is in flight, says goodbye, stops the loop. */
void nx_bridge_stop(struct nx_bridge *bridge);

/* Reads certificates and keys again; what works stays up, and what is broken is told. */
void nx_bridge_reload(struct nx_bridge *bridge);

/* For nx_loop_run: `ctx` is the bridge. */
void nx_bridge_turn(void *ctx);

#endif
