/*
 * status.c - status messages. Formats what it is given; publishes nothing itself.
 *
 * Numbers go out as JSON numbers: cJSON holds doubles, exact up to 2^53, which no counter of ours
 * reaches in the life of a broker.
 */
#include "bridge/status.h"

#include "core/base/utc.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { STATUS_DECIMALS = 1000 }; /* of seconds */

static void add_number(cJSON *object, const char *name, uint64_t value)
{
    (void)cJSON_AddNumberToObject(object, name, (double)value);
}

static void add_time(cJSON *object, const char *name, int64_t unix_ms)
{
    char text[NX_UTC_SIZE];

    (void)cJSON_AddStringToObject(object, name, nx_utc_format(unix_ms, text));
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)cJSON_AddStringToObject(object, name, text);
    }
}

static void add_frame(cJSON *root, const struct nx_status_frame *frame, const char *component,
                      const char *state, int64_t since_ms)
{
    (void)cJSON_AddStringToObject(root, "component", component);
    (void)cJSON_AddStringToObject(root, "state", state);
    add_time(root, "since", since_ms);
    add_time(root, "at", frame->now_ms);
    add_number(root, "period_s", frame->period_s);
    (void)cJSON_AddStringToObject(root, "version", NX_VERSION);
}

/* Prints and frees `root`. */
static enum nx_err print(cJSON *root, struct nx_buf *out)
{
    char *text = root != NULL ? cJSON_PrintUnformatted(root) : NULL;
    enum nx_err err = NX_ERR_NOMEM;

    nx_buf_reset(out);
    if (text != NULL) {
        err = nx_buf_str(out, text);
    }
    cJSON_free(text);
    cJSON_Delete(root);
    return err;
}

static void add_cache(cJSON *root, const struct nx_node_stats *stats)
{
    cJSON *cache = cJSON_AddObjectToObject(root, "cache");

    (void)cJSON_AddStringToObject(cache, "epoch", stats->epoch);
    add_number(cache, "epoch_after", stats->epoch_after);
    add_number(cache, "last_seq", stats->last_seq);
    add_number(cache, "first_seq", stats->first_seq);
    add_number(cache, "removed", stats->removed);
    add_number(cache, "bytes", stats->cache_bytes);
    add_number(cache, "unacknowledged", stats->held);
    add_text(cache, "error", stats->stall);
}

static void add_counters(cJSON *root, const struct nx_node_stats *stats)
{
    static const char *const names[NX_INTAKE_OUTCOMES] = {
        [NX_INTAKE_PASSED] = "passed",     [NX_INTAKE_STORED] = "stored",
        [NX_INTAKE_CLEARED] = "cleared",   [NX_INTAKE_REPEATED] = "repeated",
        [NX_INTAKE_REPLAYED] = "replayed",
    };
    cJSON *counters = cJSON_AddObjectToObject(root, "counters");

    add_number(counters, "received", stats->intake.received);
    for (int i = 0; i < NX_INTAKE_OUTCOMES; i++) {
        add_number(counters, names[i], stats->intake.outcomes[i]);
    }
    add_number(counters, "untranslated", stats->intake.untranslated);
    add_number(counters, "connects", stats->session.connects);
    add_number(counters, "sessions_lost", stats->sessions_lost);
    add_number(counters, "taken_over", stats->session.taken_over);
    add_number(counters, "bytes_in", stats->session.bytes_in);
    add_number(counters, "bytes_out", stats->session.bytes_out);
}

static void add_alarm(cJSON *alarms, const char *name, const char *text, int64_t at_ms)
{
    cJSON *alarm = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(alarm, "name", name);
    (void)cJSON_AddStringToObject(alarm, "text", text);
    if (at_ms > 0) {
        add_time(alarm, "at", at_ms);
    }
    (void)cJSON_AddItemToArray(alarms, alarm);
}

static void add_alarms(cJSON *root, const struct nx_node_stats *stats)
{
    cJSON *alarms = cJSON_AddArrayToObject(root, "alarms");
    char damaged[200];

    if (stats->stall[0] != '\0') {
        add_alarm(alarms, "cache", stats->stall, 0);
    }
    if (stats->set_aside > 0) {
        (void)snprintf(
            damaged, sizeof(damaged),
            "%u caches were found damaged and set aside, with what only they had: see the "
            "log, and take the files .db.damaged-TIME away from the state folder",
            stats->set_aside);
        add_alarm(alarms, "damaged", damaged, 0);
    }
    if (stats->retention_waits) {
        add_alarm(alarms, "retention",
                  "a link has not sent what is beyond the retention of this cache: it stays", 0);
    }
    if (stats->refused[0] != '\0') {
        add_alarm(alarms, "subscription", stats->refused, 0);
    }
    if (stats->dropped_at_ms > 0) {
        add_alarm(alarms, "dropped",
                  "the broker dropped messages, readings may be among them: see "
                  "max_queued_messages and max_queued_bytes in mosquitto.conf",
                  stats->dropped_at_ms);
    }
    add_number(root, "broker_dropped", stats->dropped);
}

enum nx_err nx_status_bridge(const struct nx_status_frame *frame, const struct nx_node *node,
                             struct nx_buf *out)
{
    cJSON *root = cJSON_CreateObject();
    struct nx_node_stats stats;

    nx_node_stats(node, &stats);
    add_frame(root, frame, "bridge", frame->state, frame->since_ms);
    add_text(root, "where", stats.session.where);
    add_cache(root, &stats);
    add_counters(root, &stats);
    add_alarms(root, &stats);
    return print(root, out);
}

/* What is on its way, and what went. */
static void add_traffic(cJSON *root, const struct nx_relay_stats *stats)
{
    add_number(root, "inflight", stats->counts.inflight);
    add_number(root, "units", stats->counts.units);
    add_number(root, "window", stats->window);
    add_number(root, "bytes", stats->bytes_out);
    add_number(root, "batches", stats->batches);
    add_number(root, "pauses", stats->pauses);
    add_number(root, "snapshots", stats->snapshots);
    if (stats->rtt_ms > 0) {
        (void)cJSON_AddNumberToObject(root, "rtt_ms",
                                      (double)(int64_t)(stats->rtt_ms * 1000) / 1000);
    }
    if (stats->receiver_knows) {
        add_number(root, "receiver_mark", stats->receiver_mark);
    }
}

enum nx_err nx_status_link(const struct nx_status_frame *frame, struct nx_relay *relay,
                           struct nx_buf *out)
{
    const struct nx_relay_config *config = nx_relay_config(relay);
    cJSON *root = cJSON_CreateObject();
    struct nx_relay_stats stats;
    char component[96];
    cJSON *lag;

    nx_relay_stats(relay, &stats);
    (void)snprintf(component, sizeof(component), "link-%s", config->link->name);
    add_frame(root, frame, component, stats.state, stats.since_ms);
    (void)cJSON_AddStringToObject(root, "from", nx_node_settings(config->from)->name);
    (void)cJSON_AddStringToObject(root, "to", nx_node_settings(config->to)->name);
    (void)cJSON_AddStringToObject(root, "delivery", stats.delivery);
    add_text(root, "where", stats.where);
    add_number(root, "taken_over", stats.taken_over);
    add_number(root, "cursor", stats.cursor);
    add_number(root, "stored", stats.counts.stored);
    add_number(root, "sent", stats.counts.sent);
    add_number(root, "filtered", stats.counts.filtered);
    add_number(root, "dead", stats.counts.dead);
    add_number(root, "dropped", stats.counts.dropped);
    add_number(root, "waiting", stats.counts.waiting);
    add_traffic(root, &stats);
    lag = cJSON_AddObjectToObject(root, "lag");
    add_number(lag, "readings", stats.counts.waiting);
    (void)cJSON_AddNumberToObject(lag, "seconds", (double)stats.lag_ms / STATUS_DECIMALS);
    if (stats.last_error[0] != '\0') {
        cJSON *error = cJSON_AddObjectToObject(root, "last_error");

        add_text(error, "text", stats.last_error);
        add_time(error, "at", stats.last_error_ms);
    }
    return print(root, out);
}
