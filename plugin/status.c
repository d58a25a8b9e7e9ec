/*
 * status.c - the retained message by which an operator sees the gate. A broker has no last will
 * of its own, so it carries its time and period: a status older than two periods is a dead one.
 */
#include "plugin/status.h"

#include "core/base/utc.h"

#include "plugin/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>

struct counter_row {
    const char *name;
    size_t offset;
};

#define COUNTER(member)                                                                            \
    {                                                                                              \
#member, offsetof(struct nx_counters, member)                                              \
    }

/* Add a counter = add a member and a row. */
static const struct counter_row counter_rows[] = {
    COUNTER(warned),
    COUNTER(cleared),
    COUNTER(payload_bytes),
    COUNTER(subscriptions_refused),
    COUNTER(deliveries_denied),
    COUNTER(disconnected),
    COUNTER(logins_refused),
    COUNTER(told),
    COUNTER(untold),
    COUNTER(reloads_refused),
};

uint64_t nx_counters_refused(const struct nx_counters *counters)
{
    uint64_t sum = 0;

    for (unsigned i = NX_REASON_ADMITTED + 1; i < NX_REASON_COUNT; i++) {
        sum += counters->refused[i];
    }
    return sum;
}

static bool add_number(cJSON *object, const char *name, uint64_t value)
{
    return cJSON_AddNumberToObject(object, name, (double)value) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_head(cJSON *object, const struct nx_status *status)
{
    char time[NX_UTC_SIZE];

    return add_text(object, "city", status->city) &&
           add_text(object, "time", nx_utc_format(status->now_ms, time)) &&
           add_number(object, "period_seconds", status->period_seconds) &&
           add_text(object, "component", "plugin") && add_text(object, "version", NX_VERSION) &&
           add_number(object, "uptime_seconds", status->uptime_seconds) &&
           add_text(object, "config", status->config) &&
           add_text(object, "outside", status->outside) &&
           add_text(object, "outside_check", status->surroundings) &&
           add_text(object, "loaded_at", nx_utc_format(status->loaded_at_ms, time)) &&
           add_number(object, "generation", status->generation);
}

static bool add_refused(cJSON *object, const struct nx_counters *counters)
{
    cJSON *refused = cJSON_AddObjectToObject(object, "refused");
    bool ok = refused != NULL;

    for (unsigned i = NX_REASON_ADMITTED + 1; ok && i < NX_REASON_COUNT; i++) {
        ok = add_number(refused, nx_reason_name((enum nx_reason)i), counters->refused[i]);
    }
    return ok && add_number(object, "refused_total", nx_counters_refused(counters));
}

static bool add_counters(cJSON *object, const struct nx_counters *counters)
{
    bool ok = add_number(object, "admitted", counters->admitted) && add_refused(object, counters);

    for (size_t i = 0; ok && i < sizeof(counter_rows) / sizeof(counter_rows[0]); i++) {
        uint64_t value;

        memcpy(&value, (const char *)counters + counter_rows[i].offset, sizeof(value));
        ok = add_number(object, counter_rows[i].name, value);
    }
    return ok;
}

/* The buckets that are not empty: how many took less than so many nanoseconds, not less than half. */
static bool add_buckets(cJSON *parent, const struct nx_timing *timing)
{
    cJSON *below = cJSON_AddObjectToObject(parent, "below");
    bool ok = below != NULL;

    for (unsigned i = 0; ok && i < NX_TIMING_BUCKETS; i++) {
        char name[24];

        if (timing->buckets[i] > 0) {
            (void)snprintf(name, sizeof(name), "%llu", 1ULL << i);
            ok = add_number(below, name, timing->buckets[i]);
        }
    }
    return ok;
}

static bool add_timing(cJSON *parent, const char *name, const struct nx_timing *timing)
{
    cJSON *object = cJSON_AddObjectToObject(parent, name);

    return object != NULL && add_number(object, "decisions", timing->decisions) &&
           add_number(object, "timed", timing->timed) && add_buckets(object, timing);
}

static bool add_decisions(cJSON *object, const struct nx_status *status)
{
    cJSON *times = cJSON_AddObjectToObject(object, "decision_ns");

    return times != NULL && add_timing(times, "publish", status->publish_timing) &&
           add_timing(times, "receive", status->receive_timing) &&
           add_number(object, "limited_identities", nx_usage_accounts(status->usage)) &&
           add_number(object, "limits_shared", nx_usage_shared(status->usage));
}

char *nx_status_json(const struct nx_status *status)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;

    if (object != NULL && add_head(object, status) && add_counters(object, status->counters) &&
        add_decisions(object, status) && nx_deliver_status(status->deliver, object)) {
        text = cJSON_PrintUnformatted(object);
    }
    cJSON_Delete(object);
    return text;
}
