/*
 * guard_tell.c - what becomes known of a refusal: the counters, the message at _rejected, a line in
 * the broker's log. Each is bounded: by identity, and by lines over all of them.
 */
#include "plugin/guard_state.h"

#include "plugin/reject.h"
#include "plugin/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum {
    LOG_TEXT_SIZE = 736,
    REPORT_QOS = 1, /* an operator with a session gets what was refused while away */
    RESTS_MAX = 32, /* in one turn of the broker's loop */
};

bool guard_publish_json(struct nx_guard *guard, const char *topic, char *json, int qos, bool retain)
{
    bool taken = false;

    if (json != NULL) {
        guard->publishing = true;
        taken = guard->host->publish(topic, nx_span_from(json), qos, retain);
        guard->publishing = false;
        cJSON_free(json);
    }
    return taken;
}

void guard_log(struct nx_guard *guard, const char *what, const char *subject,
               struct nx_span username, const char *why)
{
    char topic[GUARD_LOG_NAME_SIZE], identity[GUARD_LOG_NAME_SIZE], reason[LOG_TEXT_SIZE];
    char more[GUARD_LOG_NAME_SIZE] = "";
    uint64_t suppressed = 0;

    if (!nx_bucket_take(&guard->log_lines, guard->host->monotonic_ms(), &suppressed)) {
        return;
    }
    if (suppressed > 0) {
        (void)snprintf(more, sizeof(more), " [%llu lines like this not logged]",
                       (unsigned long long)suppressed);
    }
    nx_log(&guard->host->log, NX_LOG_WARN, "nexus: %s '%s' from '%s': %s%s", what,
           nx_text_clean(nx_span_from(subject), NX_TEXT_LOG, topic, sizeof(topic)),
           nx_text_clean(username.ptr != NULL ? username : NX_SPAN("(anonymous)"), NX_TEXT_LOG,
                         identity, sizeof(identity)),
           nx_text_clean(nx_span_from(why), NX_TEXT_LOG, reason, sizeof(reason)), more);
}

static void log_refusal(struct nx_guard *guard, const struct nx_report *report)
{
    const struct nx_explanation *e = report->explanation;
    char why[LOG_TEXT_SIZE];

    (void)snprintf(why, sizeof(why), "%s: %s%s%s", nx_reason_name(report->judgement->reason),
                   e->instance, e->instance[0] != '\0' ? ": " : "", e->text);
    guard_log(guard, report->judgement->warned ? "admitted with a warning" : "refused",
              report->publication->topic.ptr, report->publication->username, why);
}

void guard_tell(struct nx_guard *guard, const struct nx_scene *scene, const void *client,
                const struct nx_publication *publication, const struct nx_judgement *judgement)
{
    struct nx_explanation explanation;
    struct nx_report report = {.city = scene->city->name,
                               .publication = publication,
                               .judgement = judgement,
                               .explanation = &explanation};
    char topic[NX_REJECT_TOPIC_SIZE];

    if (!nx_throttle_take(guard->reports, publication->username, guard->host->monotonic_ms(),
                          &report.suppressed)) {
        guard->counters.untold++;
        return;
    }
    nx_gate_explain(guard->gate, scene, publication, judgement, &explanation);
    report.client_id = guard_client_id(guard, client);
    report.now_ms = guard->host->wall_ms();
    if (guard_publish_json(guard, nx_reject_topic(&report, topic), nx_reject_json(&report),
                           REPORT_QOS, false)) {
        guard->counters.told++;
    } else {
        guard->counters.untold++;
    }
    log_refusal(guard, &report);
}

void guard_tell_rest(struct nx_guard *guard, uint64_t now_ms)
{
    struct nx_rest rest = {.city = guard->rules.city->name, .now_ms = guard->host->wall_ms()};
    char topic[NX_REJECT_TOPIC_SIZE];
    unsigned told = 0;
    size_t at = 0;

    while (told < RESTS_MAX &&
           nx_throttle_settled(guard->reports, &at, now_ms, &rest.identity, &rest.suppressed)) {
        if (guard_publish_json(guard, nx_reject_rest_topic(&rest, topic),
                               nx_reject_rest_json(&rest), REPORT_QOS, false)) {
            nx_throttle_settle(guard->reports, rest.identity, now_ms);
        }
        told++;
    }
}

void guard_count(struct nx_counters *counters, const struct nx_judgement *judgement,
                 size_t payload_bytes)
{
    if (judgement->reason != NX_REASON_ADMITTED && !judgement->warned) {
        counters->refused[judgement->reason]++;
        return;
    }
    counters->admitted++;
    counters->payload_bytes += payload_bytes;
    counters->warned += judgement->warned;
    counters->cleared += judgement->clears;
}
