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

#include <stdbool.h>
#include <stdint.h>

/* A user property, MQTT 5 section 3.3.2.3.7. */
struct nx_host_pair {
    const char *name, *value;
};

struct nx_host {
    struct nx_log log;

    /* Text that the broker owns; NULL when the client has none. Valid during the callback. */
    const char *(*client_id)(const void *client);
    const char *(*client_username)(const void *client);

    /* Publishes in the broker's own name; the payload is copied. False: not taken. */
    bool (*publish)(const char *topic, struct nx_span payload, int qos, bool retain);

    /* The same, not retained, to this client alone, whatever it has subscribed to. */
    bool (*publish_to)(const char *client_id, const char *topic, struct nx_span payload, int qos);

    /*
     * Publishes a delivered reading, QoS 1: as JSON unless it is empty, with these user properties.
     * All is copied. False: not taken.
     */
    bool (*publish_reading)(const char *topic, struct nx_span payload, bool retain,
                            const struct nx_host_pair *user, size_t user_count);

    /*
     * Ends the connection of the client with that identifier. Never within a client's own callback:
     * from the tick alone. False: there is none any more.
     */
    bool (*disconnect)(const char *client_id);

    uint64_t (*monotonic_ms)(void); /* for intervals, a few milliseconds coarse, for each message */
    uint64_t (*monotonic_ns)(void); /* for durations */
    int64_t (*wall_ms)(void);       /* since 1970 UTC, for people */

    /* How often the broker's thread has waited for something in its life: a loop with nothing left
     * to do sleeps until something comes. */
    uint64_t (*sleeps)(void);

    /* What this broker can be answered. */
    bool ignores;   /* NX_ANSWER_IGNORE: as if the plugin were not there (2.1) */
    bool has_quota; /* NX_ANSWER_QUOTA at a message reaches an MQTT 5 client as 0x97 (2.1) */

    /* Within a turn of its loop it moves what plugins published to sessions, and then ticks (2.1). */
    bool moves_first;

    uint64_t seed; /* random: keys the hashes, so that nobody outside can choose collisions */
};

#endif
