/*
 * settings.h - bridge.json: which brokers this bridge serves, which links it runs, where its
 * state is. Relative paths in it are relative to the file. Loaded once, immutable after.
 */
#ifndef NX_BRIDGE_SETTINGS_H
#define NX_BRIDGE_SETTINGS_H

#include "bridge/options.h"
#include "bridge/session.h"
#include "core/base/arena.h"
#include "core/config.h"

enum { NX_NODES_MAX = 64, NX_LINKS_MAX = 200, NX_ADDRESSES_MAX = 8 };

/* What a cache may hold at most; 0: no limit. */
struct nx_retention {
    uint32_t days;
    uint64_t bytes; /* of the file, without its -wal */
};

/* A city's broker, as this bridge reaches it. */
struct nx_settings_node {
    const struct nx_city *city;
    const char *name; /* of the city */
    const char *host;
    uint16_t port;
    struct nx_session_address *others; /* where else the same broker is reached */
    size_t others_count;
    const char *username; /* NULL: none */
    const char *password; /* read from password_file; NULL: none */
    struct nx_session_tls tls;
    uint8_t protocol_level; /* 5, or 4 for MQTT 3.1.1 */
    struct nx_retention retention;
    uint8_t qos; /* of the subscription to the city's own observations */
};

/* How a link delivers: docs/decisions/0008-links.md. */
enum nx_delivery {
    NX_DELIVERY_BATCHES, /* exactly once, through the plugin at the peer's broker */
    NX_DELIVERY_QOS2,    /* exactly once as long as the peer's broker keeps the session */
    NX_DELIVERY_QOS1,    /* at least once */
};

struct nx_settings_link {
    const char *name; /* "birmingham-ulsan" */
    size_t from, to;  /* index in nodes */
    bool observation, original;
    enum nx_delivery delivery;
    bool latest_first;      /* after an outage: the fresh state of each stream, then its history */
    uint32_t rate;          /* readings a second; 0: no limit */
    bool drop_oldest;       /* gives up what is beyond the two limits below */
    uint32_t drop_after_s;  /* 0: no limit */
    uint32_t drop_readings; /* 0: no limit */
};

struct nx_settings {
    struct nx_arena arena;
    struct nx_config *config;
    const char *state_dir;
    struct nx_settings_node *nodes;
    size_t nodes_count;
    struct nx_settings_link *links;
    size_t links_count;
    struct nx_tuning tuning;
    bool threads; /* caches may use threads of their own: the program says so, not the file */
};

/*
 * Loads bridge.json at `path` and the configuration that it names. On failure diag holds the
 * first fault with its place; `faults` (may be NULL) gets all that a schema finds.
 */
enum nx_err nx_settings_load(const struct nx_reader *reader, const char *path, uint64_t seed,
                             struct nx_diag_sink *faults, struct nx_settings **out,
                             struct nx_diag *diag);
void nx_settings_free(struct nx_settings *settings);

#endif
