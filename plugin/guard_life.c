/*
 * guard_life.c - a guard is made, reloads, ticks and ends. A reload compiles the new rules aside and
 * swaps them in whole (G1).
 */
#include "plugin/guard_state.h"

#include "plugin/reject.h"
#include "plugin/text.h"

#include "core/os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STATUS_QOS = 0,
    TICKS_ALIKE = 16,
    TICKS_BLIND = 32,
    REST_INTERVAL_MS = 1000,
};

/* Says whether plugin_opt_outside fits what stands beside the plugin. */
static void look_around(struct nx_guard *guard)
{
    const struct nx_host *host = guard->host;
    struct nx_reader reader = nx_file_reader();
    struct nx_surroundings around;
    bool fits;

    if (guard->surroundings_text[0] == '\0') {
        nx_surroundings_find(&reader, &guard->paths);
    }
    nx_surroundings_read(&reader, &guard->paths, &around);
    if (!around.known && guard->surroundings_text[0] != '\0') {
        return; /* the broker has given up the right to read it since: what was found holds */
    }
    fits = nx_surroundings_judge(&around, guard->options.outside, host->ignores,
                                 guard->surroundings_text, sizeof(guard->surroundings_text));
    nx_log(&host->log, fits ? NX_LOG_INFO : NX_LOG_WARN, "nexus: topics outside nexus/: %s",
           guard->surroundings_text);
}

enum nx_err nx_guard_new(const struct nx_host *host, const struct nx_options *options,
                         struct nx_guard **out)
{
    struct nx_guard *guard = calloc(1, sizeof(*guard));
    uint64_t now_ms = host->monotonic_ms();
    struct nx_diag fault = {0};
    enum nx_err err = NX_ERR_NOMEM;

    *out = NULL;
    if (guard == NULL) {
        goto out;
    }
    guard->host = host;
    guard->options = *options;
    guard->gate = nx_gate_new(options->payload_bytes_max, host->seed);
    guard->subjects = nx_subjects_new();
    guard->recents = nx_recents_new(host->seed);
    guard->reports = nx_throttle_new(host->seed, now_ms);
    guard->useless_batches = nx_throttle_new(host->seed, now_ms);
    guard->questions = nx_throttle_new(host->seed, now_ms);
    guard->usage = nx_usage_new(host->seed);
    guard->offenders = nx_offenders_new(options->disconnect_refusals, options->disconnect_seconds);
    if (guard->gate == NULL || guard->subjects == NULL || guard->recents == NULL ||
        guard->reports == NULL || guard->useless_batches == NULL || guard->questions == NULL ||
        guard->usage == NULL || guard->offenders == NULL) {
        goto out;
    }
    err = nx_rules_load(options, &host->log, host->seed, &guard->rules, &fault);
    if (err != NX_OK) {
        goto out;
    }
    err = nx_deliver_new(options->city, options->state, (uint64_t)options->state_seconds * 1000,
                         &host->log, &guard->deliver, &fault);
    if (err != NX_OK) {
        nx_log(&host->log, NX_LOG_ERROR, "nexus: %s", fault.text);
        goto out;
    }
    guard->rules.generation = 1;
    guard->rules.loaded_at_ms = host->wall_ms();
    guard->started_ms = now_ms;
    guard->status_due_ms = now_ms;
    nx_bucket_init(&guard->log_lines, now_ms);
    (void)snprintf(guard->config_text, sizeof(guard->config_text), "ok");
    look_around(guard);
    *out = guard;
    guard = NULL;
out:
    nx_guard_free(guard);
    return err;
}

void nx_guard_free(struct nx_guard *guard)
{
    if (guard == NULL) {
        return;
    }
    nx_deliver_free(guard->deliver);
    nx_rules_free(&guard->rules);
    nx_throttle_free(guard->reports);
    nx_throttle_free(guard->useless_batches);
    nx_throttle_free(guard->questions);
    nx_offenders_free(guard->offenders);
    nx_usage_free(guard->usage);
    nx_recents_free(guard->recents);
    nx_subjects_free(guard->subjects);
    nx_gate_free(guard->gate);
    free(guard);
}

static void keep_old(struct nx_guard *guard, const struct nx_diag *fault)
{
    char line[900];

    guard->counters.reloads_refused++;
    (void)nx_diag_format(fault, line, sizeof(line));
    (void)snprintf(guard->config_text, sizeof(guard->config_text), "kept old: %s", line);
    nx_log(&guard->host->log, NX_LOG_ERROR,
           "nexus: the configuration is broken; generation %llu stays in use",
           (unsigned long long)guard->rules.generation);
}

enum nx_err guard_reload(struct nx_guard *guard, const struct nx_log *faults_log)
{
    struct nx_rules fresh = {0};
    struct nx_diag fault = {0};
    enum nx_err err;

    guard->status_due_ms = guard->host->monotonic_ms();
    guard->admitted = (struct nx_message){0};
    err = nx_rules_load(&guard->options, faults_log, guard->host->seed, &fresh, &fault);
    if (err != NX_OK) {
        keep_old(guard, &fault);
        return err;
    }
    fresh.generation = guard->rules.generation + 1;
    fresh.loaded_at_ms = guard->host->wall_ms();
    nx_rules_free(&guard->rules);
    guard->rules = fresh;
    nx_usage_forget(guard->usage);
    (void)snprintf(guard->config_text, sizeof(guard->config_text), "ok");
    nx_log(&guard->host->log, NX_LOG_NOTICE, "nexus: configuration reloaded, generation %llu",
           (unsigned long long)fresh.generation);
    return NX_OK;
}

void nx_guard_reload(struct nx_guard *guard)
{
    (void)guard_reload(guard, &guard->host->log);
    look_around(guard); /* acl_file is among what the broker reads anew */
}

char *guard_status_json(const struct nx_guard *guard, uint64_t now_ms)
{
    struct nx_status status = {
        .counters = &guard->counters,
        .deliver = guard->deliver,
        .city = guard->options.city,
        .config = guard->config_text,
        .outside = guard->options.outside == NX_OUTSIDE_ALLOW ? "allow" : "defer",
        .surroundings = guard->surroundings_text,
        .publish_timing = &guard->publish_timing,
        .receive_timing = &guard->receive_timing,
        .usage = guard->usage,
        .generation = guard->rules.generation,
        .loaded_at_ms = guard->rules.loaded_at_ms,
        .now_ms = guard->host->wall_ms(),
        .uptime_seconds = (now_ms - guard->started_ms) / 1000,
        .period_seconds = guard->options.status_seconds,
    };

    return nx_status_json(&status);
}

static void publish_status(struct nx_guard *guard, uint64_t now_ms)
{
    char topic[NX_REJECT_TOPIC_SIZE];

    (void)snprintf(topic, sizeof(topic), "nexus/%s/_status/plugin", guard->options.city);
    (void)guard_publish_json(guard, topic, guard_status_json(guard, now_ms), STATUS_QOS, true);
}

/* Each is gone before the next is asked for: the disconnect event comes back to us here. */
static void disconnect_offenders(struct nx_guard *guard)
{
    char name[GUARD_LOG_NAME_SIZE];
    char *client_id;

    while ((client_id = nx_offenders_take(guard->offenders)) != NULL) {
        if (guard->host->disconnect(client_id)) {
            guard->counters.disconnected++;
            nx_log(&guard->host->log, NX_LOG_WARN,
                   "nexus: disconnected client '%s': too many of its publishes were refused",
                   nx_text_clean(nx_span_from(client_id), NX_TEXT_LOG, name, sizeof(name)));
        }
        free(client_id);
    }
}

/*
 * The time as far as ticks need it. 2.0 has one for each turn of its loop, which under load is for
 * every few packets: where many came within one reading of the clock, the next ones do not ask.
 */
static uint64_t tick_ms(struct nx_guard *guard)
{
    uint64_t before_ms = guard->ticked_ms;

    if (guard->ticks_blind > 0) {
        guard->ticks_blind--;
        return before_ms;
    }
    guard->ticked_ms = guard->host->monotonic_ms();
    guard->ticks_alike = guard->ticked_ms == before_ms ? guard->ticks_alike + 1 : 0;
    guard->ticks_blind = guard->ticks_alike >= TICKS_ALIKE ? TICKS_BLIND : 0;
    return guard->ticked_ms;
}

void nx_guard_tick(struct nx_guard *guard)
{
    uint64_t now_ms = tick_ms(guard);

    guard->admitted.client = NULL;
    if (nx_offenders_waiting(guard->offenders)) {
        disconnect_offenders(guard);
    }
    nx_deliver_tick(guard->deliver, guard->host->moves_first, now_ms);
    if (now_ms >= guard->rest_due_ms) {
        guard->rest_due_ms = now_ms + REST_INTERVAL_MS;
        guard_tell_rest(guard, now_ms);
    }
    if (now_ms >= guard->status_due_ms) {
        guard->status_due_ms = now_ms + (uint64_t)guard->options.status_seconds * 1000;
        publish_status(guard, now_ms);
    }
}
