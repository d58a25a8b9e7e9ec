/*
 * host.h - what the plugin needs of the broker that it lives in, and nothing of how that broker
 * spells it: no broker header is included here, a client is an opaque pointer.
 *
 * All calls are made on the broker's main thread, from within one of its callbacks.
 */
#ifndef NX_PLUGIN_HOST_H
#define NX_PLUGIN_HOST_H

#include "core/base/log.h"
#include "core/base/span.h"

#include <stdint.h>

struct nx_host {
    struct nx_log log;

    /* Text that the broker owns; NULL when the client has none. Valid during the callback. */
    const char *(*client_id)(const void *client);
    const char *(*client_username)(const void *client);

    /* Publishes in the broker's own name; the payload is copied. False: not taken. */
    bool (*publish)(const char *topic, struct nx_span payload, int qos, bool retain);

    uint64_t (*monotonic_ms)(void); /* for intervals */
    int64_t (*wall_ms)(void);       /* since 1970 UTC, for people */

    uint64_t seed; /* random: keys the hashes, so that nobody outside can choose collisions */
};

#endif
