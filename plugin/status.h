/*
 * status.h - what the gate has done, in numbers, and nexus/<city>/_status/plugin made of it.
 */
#ifndef NX_PLUGIN_STATUS_H
#define NX_PLUGIN_STATUS_H

#include "plugin/deliver.h"
#include "plugin/gate.h"
#include "plugin/timing.h"
#include "plugin/usage.h"

#include <stdint.h>

/* Since the plugin was loaded. admitted + refused = publications judged. */
struct nx_counters {
    uint64_t admitted;                 /* with those that were warned about and those that clear */
    uint64_t refused[NX_REASON_COUNT]; /* by reason */
    uint64_t warned;                   /* admitted although refusable: mode `warn` */
    uint64_t cleared;                  /* empty retained payloads admitted */
    uint64_t payload_bytes;            /* of admitted publications */
    uint64_t subscriptions_refused;
    uint64_t deliveries_denied;
    uint64_t disconnected;    /* clients of too many refusals */
    uint64_t logins_refused;  /* a bridge's client identifier under another's username */
    uint64_t told;            /* published at _rejected */
    uint64_t untold;          /* refused or warned, not told: rate limit or no memory */
    uint64_t reloads_refused; /* a broken configuration; the old one was kept */
};

struct nx_status {
    const struct nx_counters *counters;
    const struct nx_deliver *deliver;
    const char *city;
    const char *config;       /* "ok", or "kept old: " and the first fault */
    const char *outside;      /* plugin_opt_outside */
    const char *surroundings; /* does that fit? */
    const struct nx_timing *publish_timing, *receive_timing;
    const struct nx_usage *usage;
    uint64_t generation;
    int64_t loaded_at_ms;
    int64_t now_ms; /* since 1970 UTC */
    uint64_t uptime_seconds;
    uint32_t period_seconds;
};

/* The status as JSON, or NULL when memory is out. The caller gives it to cJSON_free. */
char *nx_status_json(const struct nx_status *status);

/* The reason counters that `refused` of the JSON lists, summed. */
uint64_t nx_counters_refused(const struct nx_counters *counters);

#endif
