/*
 * guard.c - answers the broker's events.
 *
 *   ACL WRITE ----> nx_guard_publish --> judge --> admitted: remember the addresses
 *                                              \-> refused: count, tell at _rejected, log
 *   MESSAGE ------> nx_guard_message --> remembered? pass : judge as above
 *   ACL READ -----> nx_guard_receive --> the identity's right to the topic
 *   ACL SUBSCRIBE > nx_guard_subscribe > refused only if nothing it takes may be received
 *
 * (G1) rules hold a whole configuration at any time: a reload swaps or leaves.
 * (G2) what is published below nexus/ by a client was judged exactly once.
 * (G3) what we publish ourselves is never judged: it cannot cause another report.
 */
#include "plugin/guard.h"

#include "plugin/gate.h"
#include "plugin/reject.h"
#include "plugin/rules.h"
#include "plugin/status.h"
#include "plugin/subjects.h"
#include "plugin/text.h"
#include "plugin/throttle.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONFIG_TEXT_SIZE = 960,
    LOG_NAME_SIZE = 160,
    LOG_TEXT_SIZE = 736,
    REPORT_QOS = 1, /* an operator with a session gets what was refused while away */
    STATUS_QOS = 0,
};

struct nx_guard {
    const struct nx_host *host;
    struct nx_options options;
    struct nx_rules rules;
    struct nx_gate *gate;
    struct nx_subjects *subjects;
    struct nx_throttle *reports; /* by identity */
    struct nx_bucket log_lines;
    struct nx_counters counters;
    struct nx_message admitted; /* what access control let pass last; client NULL: nothing */
    char config_text[CONFIG_TEXT_SIZE];
    uint64_t started_ms;    /* monotonic */
    uint64_t status_due_ms; /* monotonic */
    bool publishing;        /* within a publication of ours */
};

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
    guard->reports = nx_throttle_new(host->seed, now_ms);
    if (guard->gate == NULL || guard->subjects == NULL || guard->reports == NULL) {
        goto out;
    }
    err = nx_rules_load(options, &host->log, host->seed, &guard->rules, &fault);
    if (err != NX_OK) {
        goto out;
    }
    guard->rules.generation = 1;
    guard->rules.loaded_at_ms = host->wall_ms();
    guard->started_ms = now_ms;
    guard->status_due_ms = now_ms;
    nx_bucket_init(&guard->log_lines, now_ms);
    (void)snprintf(guard->config_text, sizeof(guard->config_text), "ok");
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
    nx_rules_free(&guard->rules);
    nx_throttle_free(guard->reports);
    nx_subjects_free(guard->subjects);
    nx_gate_free(guard->gate);
    free(guard);
}

/* The cheap test that spares most of a busy broker's foreign traffic any further look. */
static bool below_nexus(struct nx_span topic)
{
    return nx_span_starts(topic, NX_SPAN("nexus/"));
}

static enum nx_answer outside(const struct nx_guard *guard)
{
    return guard->options.outside == NX_OUTSIDE_ALLOW ? NX_ANSWER_ALLOW : NX_ANSWER_DEFER;
}

static const struct nx_subject *subject_of(struct nx_guard *guard, const void *client,
                                           const char *username)
{
    return nx_subjects_find(guard->subjects, guard->rules.city, guard->rules.generation, client,
                            username);
}

static const char *username_of(const struct nx_guard *guard, const void *client)
{
    return client != NULL ? guard->host->client_username(client) : NULL;
}

static const char *client_id_of(const struct nx_guard *guard, const void *client)
{
    return client != NULL ? guard->host->client_id(client) : NULL;
}

/* Publishes in our own name and takes `json` back to its maker. */
static bool publish_json(struct nx_guard *guard, const char *topic, char *json, int qos,
                         bool retain)
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

/* One line for the operator, cleaned and rate-limited over all identities. */
static void log_line(struct nx_guard *guard, const char *what, const char *subject,
                     struct nx_span username, const char *why)
{
    char topic[LOG_NAME_SIZE], identity[LOG_NAME_SIZE], reason[LOG_TEXT_SIZE];
    char more[LOG_NAME_SIZE] = "";
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
    log_line(guard, report->judgement->warned ? "admitted with a warning" : "refused",
             report->publication->topic.ptr, report->publication->username, why);
}

/* Tells a refusal, unless its identity has had its share; explaining is paid for only then. */
static void tell(struct nx_guard *guard, const struct nx_scene *scene, const void *client,
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
    report.client_id = client_id_of(guard, client);
    report.now_ms = guard->host->wall_ms();
    if (publish_json(guard, nx_reject_topic(&report, topic), nx_reject_json(&report), REPORT_QOS,
                     false)) {
        guard->counters.told++;
    } else {
        guard->counters.untold++;
    }
    log_refusal(guard, &report);
}

static void count(struct nx_counters *counters, const struct nx_judgement *judgement,
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

static enum nx_answer judge(struct nx_guard *guard, const struct nx_message *message)
{
    const char *username = username_of(guard, message->client);
    struct nx_scene scene = {guard->rules.config, guard->rules.city};
    struct nx_publication publication = {
        .topic = nx_span_from(message->topic),
        .payload = {message->payload, message->payload != NULL ? message->payload_bytes : 0},
        .username = nx_span_from(username),
        .subject = subject_of(guard, message->client, username),
        .retain = message->retain,
    };
    struct nx_judgement judgement;

    nx_gate_judge(guard->gate, &scene, &publication, &judgement);
    count(&guard->counters, &judgement, publication.payload.len);
    if (judgement.reason == NX_REASON_ADMITTED) {
        return NX_ANSWER_ALLOW;
    }
    tell(guard, &scene, message->client, &publication, &judgement);
    return judgement.warned ? NX_ANSWER_ALLOW : NX_ANSWER_DENY;
}

enum nx_answer nx_guard_publish(struct nx_guard *guard, const struct nx_message *message)
{
    enum nx_answer answer;

    guard->admitted = (struct nx_message){0};
    if (guard->publishing) {
        return NX_ANSWER_ALLOW;
    }
    if (!below_nexus(nx_span_from(message->topic))) {
        return outside(guard);
    }
    answer = judge(guard, message);
    if (answer == NX_ANSWER_ALLOW) {
        guard->admitted = *message;
    }
    return answer;
}

static bool is_same(const struct nx_message *a, const struct nx_message *b)
{
    return a->client != NULL && a->client == b->client && a->topic == b->topic &&
           a->payload == b->payload && a->payload_bytes == b->payload_bytes &&
           a->retain == b->retain;
}

enum nx_answer nx_guard_message(struct nx_guard *guard, const struct nx_message *message)
{
    bool judged = is_same(&guard->admitted, message);

    guard->admitted = (struct nx_message){0}; /* good for one message: addresses are used anew */
    if (judged || guard->publishing || !below_nexus(nx_span_from(message->topic))) {
        return NX_ANSWER_ALLOW;
    }
    return judge(guard, message);
}

enum nx_answer nx_guard_receive(struct nx_guard *guard, const void *client, const char *topic)
{
    struct nx_span name = nx_span_from(topic);
    struct nx_topic parsed;

    if (!below_nexus(name)) {
        return outside(guard);
    }
    (void)nx_topic_parse(name, &parsed, NULL);
    if (nx_policy_receive(guard->rules.config, guard->rules.city,
                          subject_of(guard, client, username_of(guard, client)),
                          &parsed) == NX_ALLOWED) {
        return NX_ANSWER_ALLOW;
    }
    guard->counters.deliveries_denied++;
    return NX_ANSWER_DENY;
}

/*
 * A filter is granted if it takes anything that the identity may receive, "#" among them: each
 * message is judged again at its delivery (nx_guard_receive), so a wide filter opens nothing.
 */
enum nx_answer nx_guard_subscribe(struct nx_guard *guard, const void *client, const char *filter)
{
    const char *username = username_of(guard, client);
    const struct nx_subject *subject = subject_of(guard, client, username);

    switch (nx_policy_subscribe(guard->rules.config, guard->rules.city, subject,
                                nx_span_from(filter))) {
    case NX_REACH_NEXUS:
        return NX_ANSWER_ALLOW;
    case NX_REACH_OUTSIDE:
        return outside(guard);
    case NX_REACH_NONE:
        break;
    }
    guard->counters.subscriptions_refused++;
    /* the SUBACK tells the client that, of any protocol version; this tells the operator why */
    log_line(guard, "refused subscription", filter, nx_span_from(username),
             "nothing that it takes may be received by this identity");
    return NX_ANSWER_DENY;
}

/* Nobody is held to a subscription: never denied, whatever it was that granted it. */
enum nx_answer nx_guard_unsubscribe(struct nx_guard *guard, const void *client, const char *filter)
{
    (void)client;
    return below_nexus(nx_filter_unshare(nx_span_from(filter))) ? NX_ANSWER_ALLOW : outside(guard);
}

enum nx_answer nx_guard_login(struct nx_guard *guard, const void *client, const char *username)
{
    const char *client_id = client_id_of(guard, client);
    struct nx_subject subject;

    if (!nx_span_starts(nx_span_from(client_id), NX_SPAN("nexus-bridge-"))) {
        return NX_ANSWER_DEFER;
    }
    subject = nx_policy_subject(guard->rules.city, nx_span_from(username));
    if (subject.identity != NULL &&
        (subject.identity->role == NX_ROLE_BRIDGE || subject.identity->role == NX_ROLE_LINK)) {
        return NX_ANSWER_DEFER; /* the password is somebody else's to check */
    }
    guard->counters.logins_refused++;
    log_line(guard, "refused login of client", client_id, nx_span_from(username),
             "client identifiers that begin with nexus-bridge- belong to bridges and links");
    return NX_ANSWER_DENY;
}

void nx_guard_forget(struct nx_guard *guard, const void *client)
{
    nx_subjects_forget(guard->subjects, client);
    guard->admitted = (struct nx_message){0};
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

void nx_guard_reload(struct nx_guard *guard)
{
    struct nx_rules fresh = {0};
    struct nx_diag fault = {0};

    guard->status_due_ms = guard->host->monotonic_ms();
    guard->admitted = (struct nx_message){0};
    if (nx_rules_load(&guard->options, &guard->host->log, guard->host->seed, &fresh, &fault) !=
        NX_OK) {
        keep_old(guard, &fault);
        return;
    }
    fresh.generation = guard->rules.generation + 1;
    fresh.loaded_at_ms = guard->host->wall_ms();
    nx_rules_free(&guard->rules);
    guard->rules = fresh;
    (void)snprintf(guard->config_text, sizeof(guard->config_text), "ok");
    nx_log(&guard->host->log, NX_LOG_NOTICE, "nexus: configuration reloaded, generation %llu",
           (unsigned long long)fresh.generation);
}

static void publish_status(struct nx_guard *guard, uint64_t now_ms)
{
    char topic[NX_REJECT_TOPIC_SIZE];
    struct nx_status status = {
        .counters = &guard->counters,
        .city = guard->options.city,
        .config = guard->config_text,
        .generation = guard->rules.generation,
        .loaded_at_ms = guard->rules.loaded_at_ms,
        .now_ms = guard->host->wall_ms(),
        .uptime_seconds = (now_ms - guard->started_ms) / 1000,
        .period_seconds = guard->options.status_seconds,
    };

    (void)snprintf(topic, sizeof(topic), "nexus/%s/_status/plugin", guard->options.city);
    (void)publish_json(guard, topic, nx_status_json(&status), STATUS_QOS, true);
}

void nx_guard_tick(struct nx_guard *guard)
{
    uint64_t now_ms = guard->host->monotonic_ms();

    guard->admitted = (struct nx_message){0};
    if (now_ms >= guard->status_due_ms) {
        guard->status_due_ms = now_ms + (uint64_t)guard->options.status_seconds * 1000;
        publish_status(guard, now_ms);
    }
}
