/*
 * control.c - a table of commands. To add one: a function that fills `data` or says why not, and a
 * row; docs/operating.md describes each.
 *
 * Requests are read by the strict reader, like everything that comes from outside; answers are
 * written by cJSON. A request that is refused as a whole is answered like a command that failed.
 */
#include "plugin/control.h"

#include "plugin/explain.h"
#include "plugin/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum {
    ERROR_SIZE = 512,
    TEXT_SIZE = 1024,
    CORRELATION_BYTES_MAX = 256,
    PATH_SIZE = 1024,
    FAULTS_TOLD_MAX = 50,
    REQUEST_DEPTH_MAX = 64,
    REQUEST_NODES_MAX = 32 * 1024,
    NUMBER_BYTES_MAX = 512,
};

struct call {
    const struct nx_control *control;
    const struct nx_json *json;
    uint32_t node; /* the command's object */
    cJSON *data;   /* to fill; owned by the answer */
    char error[ERROR_SIZE];
};

/* False: call->error says why, or memory is out when it is empty. */
typedef bool (*run_fn)(struct call *call);

static bool fail(struct call *call, const char *text)
{
    (void)snprintf(call->error, sizeof(call->error), "%s", text);
    return false;
}

static bool add_span(cJSON *object, const char *name, struct nx_span text)
{
    char clean[TEXT_SIZE];

    return cJSON_AddStringToObject(object, name,
                                   nx_text_clean(text, NX_TEXT_JSON, clean, sizeof(clean))) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return add_span(object, name, nx_span_from(text));
}

/* --- reload -------------------------------------------------------------------------------- */

/* Keeps what a reload logs as an error, and lets all of it through to the broker's log. */
struct fault_lines {
    const struct nx_log *log;
    cJSON *faults;
    unsigned count;
};

static void take_line(void *ctx, enum nx_log_level level, const char *line)
{
    static const char prefix[] = "nexus: ";
    struct fault_lines *lines = ctx;
    char clean[TEXT_SIZE];
    cJSON *item;

    if (level == NX_LOG_ERROR && lines->count++ < FAULTS_TOLD_MAX) {
        struct nx_span text = nx_span_from(line);

        if (nx_span_starts(text, NX_SPAN("nexus: "))) {
            text = nx_span_from(line + sizeof(prefix) - 1);
        }
        item = cJSON_CreateString(nx_text_clean(text, NX_TEXT_JSON, clean, sizeof(clean)));
        (void)cJSON_AddItemToArray(lines->faults, item); /* one less when memory is out */
    }
    nx_log(lines->log, level, "%s", line);
}

static bool run_reload(struct call *call)
{
    const struct nx_control *control = call->control;
    struct fault_lines lines = {.log = control->log,
                                .faults = cJSON_AddArrayToObject(call->data, "faults")};
    const struct nx_log log = {.write = take_line, .ctx = &lines};
    enum nx_err err;

    if (lines.faults == NULL) {
        return false;
    }
    err = control->reload(control->ctx, &log);
    if (cJSON_AddNumberToObject(call->data, "generation",
                                (double)control->generation(control->ctx)) == NULL) {
        return false;
    }
    return err == NX_OK ||
           fail(call, "the configuration is broken; the one in use is kept; data has the faults");
}

/* --- status -------------------------------------------------------------------------------- */

static bool run_status(struct call *call)
{
    char *text = call->control->status(call->control->ctx);
    cJSON *status = text != NULL ? cJSON_CreateRaw(text) : NULL;
    bool ok = status != NULL && cJSON_AddItemToObject(call->data, "status", status);

    if (!ok) {
        cJSON_Delete(status);
    }
    cJSON_free(text);
    return ok;
}

/* --- schemas ------------------------------------------------------------------------------- */

static const char *const mode_names[] = {
    [NX_MODE_STRICT] = "strict",
    [NX_MODE_WARN] = "warn",
    [NX_MODE_OFF] = "off",
};

struct schema_row {
    struct nx_span city; /* or "canonical" */
    struct nx_span domain, name, digest;
    const char *mode;
};

static bool add_schema(cJSON *list, const char *schemas_dir, const struct schema_row *row)
{
    char file[PATH_SIZE];
    cJSON *item = cJSON_CreateObject();

    (void)snprintf(file, sizeof(file), "%s/%.*s/%.*s/schema.json", schemas_dir,
                   NX_SPAN_ARG(row->city), NX_SPAN_ARG(row->domain));
    if (!cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    return add_span(item, "city", row->city) && add_span(item, "domain", row->domain) &&
           add_span(item, "schema", row->name) && add_text(item, "mode", row->mode) &&
           add_span(item, "digest", row->digest) && add_text(item, "file", file);
}

static bool run_schemas(struct call *call)
{
    struct nx_scene scene = call->control->scene(call->control->ctx);
    const struct nx_config *config = scene.config;
    cJSON *list = cJSON_AddArrayToObject(call->data, "schemas");
    bool ok = list != NULL;

    for (size_t i = 0; ok && i < scene.city->domains_count; i++) {
        const struct nx_domain *domain = &scene.city->domains[i];
        const struct schema_row row = {scene.city->name, domain->name, domain->schema_name,
                                       domain->schema_digest, mode_names[domain->mode]};

        ok = add_schema(list, config->schemas_dir, &row);
    }
    for (size_t i = 0; ok && i < config->domains_count; i++) {
        const struct nx_domain *domain = nx_city_domain(scene.city, config->domain_names[i]);
        const struct schema_row row = {NX_SPAN("canonical"), config->domain_names[i],
                                       config->canonical_names[i], config->canonical_digests[i],
                                       domain != NULL ? mode_names[domain->mode] : "unused"};

        ok = add_schema(list, config->schemas_dir, &row);
    }
    return ok;
}

/* --- explain ------------------------------------------------------------------------------- */

/* A member that is a text, or absent. False: it is something else. */
static bool text_member(const struct call *call, const char *name, struct nx_span *out)
{
    uint32_t node = nx_json_member(call->json, call->node, nx_span_from(name));

    *out = node != 0 ? nx_json_text(call->json, node) : (struct nx_span){NULL, 0};
    return node == 0 || nx_json_type(call->json, node) == NX_JSON_STRING;
}

static bool read_question(struct call *call, struct nx_question *question)
{
    uint32_t payload = nx_json_member(call->json, call->node, NX_SPAN("payload"));
    uint32_t retain = nx_json_member(call->json, call->node, NX_SPAN("retain"));
    struct nx_span access;

    if (!text_member(call, "identity", &question->username)) {
        return fail(call, "\"identity\" takes a username; without it an anonymous client is asked");
    }
    if (!text_member(call, "topic", &question->topic) || question->topic.len == 0 ||
        question->topic.len > NX_TOPIC_MAX) {
        return fail(call, "\"topic\" takes a topic, or of a subscription its filter");
    }
    if (!text_member(call, "access", &access) ||
        (access.ptr != NULL && !nx_access_find(access, &question->access))) {
        return fail(call, "\"access\" takes \"publish\", \"receive\" or \"subscribe\"");
    }
    if (retain != 0 && nx_json_type(call->json, retain) != NX_JSON_TRUE &&
        nx_json_type(call->json, retain) != NX_JSON_FALSE) {
        return fail(call, "\"retain\" takes true or false");
    }
    question->retain = retain != 0 && nx_json_type(call->json, retain) == NX_JSON_TRUE;
    question->with_payload = payload != 0;
    if (payload != 0) { /* a text is the payload's bytes; any other value stands for itself */
        question->payload = nx_json_type(call->json, payload) == NX_JSON_STRING
                                ? nx_json_text(call->json, payload)
                                : nx_json_raw(call->json, payload);
    }
    return true;
}

static bool add_subject(cJSON *data, const struct nx_subject *subject)
{
    if (subject->identity == NULL) {
        return cJSON_AddNullToObject(data, "matched") != NULL && add_text(data, "role", "none");
    }
    return add_span(data, "matched", subject->identity->name) &&
           add_text(data, "role", nx_role_name(subject->identity->role));
}

static bool add_explanation(cJSON *data, const struct nx_decision *decision)
{
    const struct nx_explanation *e = &decision->explanation;
    bool ok = add_text(data, "text", e->text);

    if (ok && decision->schema_name.len > 0) {
        ok = add_span(data, "schema", decision->schema_name);
    }
    if (ok && e->keyword[0] != '\0') {
        ok = add_text(data, "instance", e->instance) && add_text(data, "keyword", e->keyword) &&
             add_text(data, "schema_pointer", e->schema_pointer);
    }
    if (ok && e->line > 0) {
        ok = cJSON_AddNumberToObject(data, "line", e->line) != NULL &&
             cJSON_AddNumberToObject(data, "column", e->column) != NULL;
    }
    return ok;
}

static bool run_explain(struct call *call)
{
    struct nx_scene scene = call->control->scene(call->control->ctx);
    struct nx_question question = {0};
    struct nx_decision decision;

    if (!read_question(call, &question)) {
        return false;
    }
    nx_explain(call->control->gate, &scene, &question, &decision);
    return add_text(call->data, "decision", nx_outcome_name(decision.outcome)) &&
           add_text(call->data, "reason", decision.reason) &&
           add_text(call->data, "access", nx_access_name(question.access)) &&
           add_subject(call->data, &decision.subject) &&
           add_text(call->data, "rule", decision.rule) && add_explanation(call->data, &decision);
}

/* --- retained ------------------------------------------------------------------------------ */

static bool run_retained(struct call *call)
{
    return fail(call, "the broker shows its plugins no retained message: ask it from outside with "
                      "nexusctl retained, by the configuration in use or by a new one");
}

/* --- requests ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    run_fn run;
} commands[] = {
    {"reload", run_reload},   {"status", run_status},     {"schemas", run_schemas},
    {"explain", run_explain}, {"retained", run_retained},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static run_fn find(struct nx_span name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (nx_span_is(name, commands[i].name)) {
            return commands[i].run;
        }
    }
    return NULL;
}

static bool run_unknown(struct call *call)
{
    struct nx_buf buf = {.data = call->error, .cap = ERROR_SIZE - 1, .max = ERROR_SIZE - 1};

    (void)nx_buf_str(&buf, "unknown command; known:");
    for (size_t i = 0; i < COMMANDS; i++) {
        (void)nx_buf_printf(&buf, "%s %s", i == 0 ? "" : ",", commands[i].name);
    }
    call->error[buf.len] = '\0';
    return false;
}

/* Appends one response. False: memory is out. */
static bool respond(cJSON *responses, const char *name, const char *error, cJSON *data,
                    struct nx_span correlation)
{
    cJSON *response = cJSON_CreateObject();
    bool ok = response != NULL && add_text(response, "command", name);

    ok = ok && (error == NULL || add_text(response, "error", error));
    if (ok && data != NULL && data->child != NULL) {
        ok = cJSON_AddItemToObject(response, "data", data);
        data = ok ? NULL : data;
    }
    ok = ok && (correlation.ptr == NULL || add_span(response, "correlationData", correlation));
    ok = ok && cJSON_AddItemToArray(responses, response);
    if (!ok) {
        cJSON_Delete(response);
    }
    cJSON_Delete(data);
    return ok;
}

static bool respond_error(cJSON *responses, const char *error)
{
    return respond(responses, "Unknown command", error, NULL, (struct nx_span){NULL, 0});
}

static bool run_command(const struct nx_control *control, const struct nx_json *json, uint32_t node,
                        cJSON *responses)
{
    struct call call = {.control = control, .json = json, .node = node};
    struct nx_span name, correlation;
    char clean[TEXT_SIZE];
    run_fn run;
    bool ok;

    if (nx_json_type(json, node) != NX_JSON_OBJECT || !text_member(&call, "command", &name) ||
        name.ptr == NULL) {
        return respond_error(responses, "each command takes \"command\", a text");
    }
    if (!text_member(&call, "correlationData", &correlation) ||
        correlation.len > CORRELATION_BYTES_MAX) { /* cut, it would correlate with nothing */
        return respond_error(responses, "\"correlationData\" takes a text of at most 256 bytes");
    }
    call.data = cJSON_CreateObject();
    if (call.data == NULL) {
        return false;
    }
    run = find(name);
    ok = run != NULL ? run(&call) : run_unknown(&call);
    if (!ok && call.error[0] == '\0') { /* memory: half an answer is none */
        cJSON_Delete(call.data);
        return false;
    }
    return respond(responses, nx_text_clean(name, NX_TEXT_JSON, clean, sizeof(clean)),
                   ok ? NULL : call.error, call.data, correlation);
}

static bool run_commands(const struct nx_control *control, const struct nx_json *json,
                         cJSON *responses)
{
    uint32_t list = nx_json_member(json, 0, NX_SPAN("commands"));
    uint32_t at = 0, unused, node;
    bool ok = true;

    if (list == 0 || nx_json_type(json, list) != NX_JSON_ARRAY) {
        return respond_error(responses, "expected {\"commands\": [{\"command\": ...}]}");
    }
    if (nx_json_length(json, list) > NX_CONTROL_COMMANDS_MAX) {
        return respond_error(responses, "more than 16 commands in one request");
    }
    while (ok && nx_json_each(json, list, &at, &unused, &node)) {
        ok = run_command(control, json, node, responses);
    }
    return ok;
}

static bool read_and_run(const struct nx_control *control, struct nx_span request, cJSON *responses)
{
    static const struct nx_json_limits limits = {.bytes_max = NX_CONTROL_REQUEST_BYTES_MAX,
                                                 .depth_max = REQUEST_DEPTH_MAX,
                                                 .nodes_max = REQUEST_NODES_MAX,
                                                 .number_max = NUMBER_BYTES_MAX};
    struct nx_json *json = nx_json_new(&limits, control->seed);
    struct nx_diag diag = {0};
    char error[ERROR_SIZE + 64];
    enum nx_err err =
        json != NULL ? nx_json_parse(json, request, NX_JSON_STRICT, &diag) : NX_ERR_NOMEM;
    bool ok = err != NX_ERR_NOMEM;

    if (ok && err == NX_OK) {
        ok = run_commands(control, json, responses);
    } else if (ok) {
        (void)snprintf(error, sizeof(error), "the request is not JSON: line %u, column %u: %s",
                       diag.line, diag.column, diag.text);
        ok = respond_error(responses, error);
    }
    nx_json_free(json);
    return ok;
}

char *nx_control_answer(const struct nx_control *control, struct nx_span request)
{
    cJSON *answer = cJSON_CreateObject();
    cJSON *responses = answer != NULL ? cJSON_AddArrayToObject(answer, "responses") : NULL;
    char *text = NULL;

    if (responses != NULL && read_and_run(control, request, responses)) {
        text = cJSON_PrintUnformatted(answer);
    }
    cJSON_Delete(answer);
    return text;
}
