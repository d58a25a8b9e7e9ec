/*
 * gate.c - judges one publication, cheapest question first: the topic's shape and the identity's
 * right to it, then size, then JSON, then the schema.
 *
 * What is asked of a payload follows from its topic alone (content_of). `original` is judged by
 * namespace and size only: the bytes are the owner's, in the owner's format, which this broker
 * does not know. On this broker every `observation` is in this city's dialect, whoever's it is.
 */
#include "plugin/gate.h"

#include "plugin/words.h"

#include <stdlib.h>

enum {
    FAULTS_MAX = 8,
    LATE_BYTES_MAX = 16 * 1024, /* a larger payload over its rate is not read for politeness */
};

/* What a payload has to be. */
enum content {
    CONTENT_BYTES,     /* anything: another format, or an exchange with its own checks */
    CONTENT_JSON,      /* well-formed, no more */
    CONTENT_DIALECT,   /* this city's schema of the domain */
    CONTENT_CANONICAL, /* the federation's schema of the domain */
};

struct nx_gate {
    struct nx_json *json;
    struct nx_check *check;
    uint32_t payload_bytes_max;
    struct nx_topic topic;     /* of what was judged last, where the caller had not parsed it */
    struct nx_diag json_fault; /* of the last payload that was not JSON */
};

_Static_assert((int)NX_REASON_ADMITTED == (int)NX_ALLOWED &&
                   (int)NX_REASON_ROLE == (int)NX_DENIED_ROLE,
               "the first reasons are the verdicts of the policy");

static const char *const reason_names[NX_REASON_COUNT] = {
    [NX_REASON_ADMITTED] = "admitted", [NX_REASON_SIZE] = "size",     [NX_REASON_RATE] = "rate",
    [NX_REASON_BYTES] = "bytes",       [NX_REASON_ASSETS] = "assets", [NX_REASON_EMPTY] = "empty",
    [NX_REASON_JSON] = "json",         [NX_REASON_SCHEMA] = "schema", [NX_REASON_LIMIT] = "limit",
    [NX_REASON_INTERNAL] = "internal",
};

const char *nx_reason_name(enum nx_reason reason)
{
    return reason_names[reason] != NULL ? reason_names[reason]
                                        : nx_verdict_name((enum nx_verdict)reason);
}

struct nx_gate *nx_gate_new(uint32_t payload_bytes_max, uint64_t seed)
{
    struct nx_json_limits limits = nx_json_limits_payload;
    struct nx_gate *gate = calloc(1, sizeof(*gate));

    if (gate == NULL) {
        return NULL;
    }
    limits.bytes_max = payload_bytes_max;
    gate->payload_bytes_max = payload_bytes_max;
    gate->json = nx_json_new(&limits, seed);
    gate->check = nx_check_new();
    if (gate->json == NULL || gate->check == NULL) {
        nx_gate_free(gate);
        return NULL;
    }
    return gate;
}

void nx_gate_free(struct nx_gate *gate)
{
    if (gate != NULL) {
        nx_check_free(gate->check);
        nx_json_free(gate->json);
        free(gate);
    }
}

static enum content content_of_stream(enum nx_channel channel)
{
    switch (channel) {
    case NX_CHANNEL_OBSERVATION:
        return CONTENT_DIALECT;
    case NX_CHANNEL_CANONICAL:
        return CONTENT_CANONICAL;
    case NX_CHANNEL_ORIGINAL:
    case NX_CHANNEL_NONE:
        break;
    }
    return CONTENT_BYTES;
}

static enum content content_of(const struct nx_topic *topic)
{
    switch (topic->kind) {
    case NX_TOPIC_STREAM:
        return content_of_stream(topic->channel);
    case NX_TOPIC_STATUS:
    case NX_TOPIC_CATALOGUE:
    case NX_TOPIC_REJECTED:
        return CONTENT_JSON;
    case NX_TOPIC_DELIVER:
    case NX_TOPIC_LINK:
    case NX_TOPIC_LINK_ACK:
    case NX_TOPIC_OUTSIDE:
    case NX_TOPIC_MALFORMED:
        break;
    }
    return CONTENT_BYTES;
}

/* Finds the schema that the payload has to satisfy. False: the configuration has none. */
static bool select_schema(const struct nx_scene *scene, const struct nx_domain *domain,
                          enum content content, struct nx_judgement *out)
{
    size_t number;

    if (content == CONTENT_DIALECT) {
        out->schema = domain->schema;
        out->schema_name = domain->schema_name;
        return out->schema != NULL;
    }
    if (nx_config_domain(scene->config, out->topic->domain, &number)) {
        out->schema = scene->config->canonical[number];
        out->schema_name = scene->config->canonical_names[number];
    }
    return out->schema != NULL;
}

static enum nx_reason read_json(struct nx_gate *gate, struct nx_span payload)
{
    gate->json_fault.text[0] = '\0';
    gate->json_fault.pointer[0] = '\0';
    gate->json_fault.line = 0;
    gate->json_fault.column = 0;
    switch (nx_json_parse(gate->json, payload, NX_JSON_STRICT, &gate->json_fault)) {
    case NX_OK:
        return NX_REASON_ADMITTED;
    case NX_ERR_SYNTAX:
        return NX_REASON_JSON;
    case NX_ERR_LIMIT:
        return NX_REASON_LIMIT;
    case NX_ERR_NOMEM:
    case NX_ERR_INVALID:
    case NX_ERR_UNSUPPORTED:
    case NX_ERR_NOT_FOUND:
    case NX_ERR_DENIED:
    case NX_ERR_IO:
    case NX_ERR_AGAIN:
    case NX_ERR_STATE:
        break;
    }
    return NX_REASON_INTERNAL;
}

static enum nx_reason check_schema(struct nx_gate *gate, const struct nx_schema *schema)
{
    enum nx_err err = nx_schema_check(schema, gate->check, gate->json);

    if (err == NX_OK) {
        return NX_REASON_ADMITTED;
    }
    if (err == NX_ERR_LIMIT) {
        return NX_REASON_LIMIT;
    }
    return err == NX_ERR_INVALID ? NX_REASON_SCHEMA : NX_REASON_INTERNAL;
}

/* Most messages are valid and judged in one pass; the tape is for the others, which it explains. */
static enum nx_reason check_payload(struct nx_gate *gate, struct nx_span payload,
                                    const struct nx_schema *schema)
{
    enum nx_reason reason;

    if (nx_schema_admits(schema, gate->check, payload)) {
        return NX_REASON_ADMITTED;
    }
    reason = read_json(gate, payload);
    return reason == NX_REASON_ADMITTED ? check_schema(gate, schema) : reason;
}

/* A reading: the domain's mode says whether its payload is looked at, and what follows. */
static enum nx_reason judge_reading(struct nx_gate *gate, const struct nx_scene *scene,
                                    const struct nx_publication *publication, enum content content,
                                    struct nx_judgement *out)
{
    const struct nx_domain *domain = publication->parsed != NULL
                                         ? publication->domain
                                         : nx_city_domain(scene->city, out->topic->domain);
    enum nx_reason reason;

    if (domain == NULL) {
        return NX_REASON_DOMAIN;
    }
    if (domain->mode == NX_MODE_OFF) {
        return NX_REASON_ADMITTED;
    }
    if (!select_schema(scene, domain, content, out)) {
        return NX_REASON_INTERNAL;
    }
    reason = check_payload(gate, publication->payload, out->schema);
    out->warned = domain->mode == NX_MODE_WARN && reason != NX_REASON_ADMITTED &&
                  reason != NX_REASON_INTERNAL;
    return reason;
}

static enum nx_reason judge_payload(struct nx_gate *gate, const struct nx_scene *scene,
                                    const struct nx_publication *publication,
                                    struct nx_judgement *out)
{
    enum content content = content_of(out->topic);

    if (publication->payload.len == 0) {
        out->clears = publication->retain; /* MQTT 5 section 3.3.1.3: removes what is retained */
        return publication->retain ? NX_REASON_ADMITTED : NX_REASON_EMPTY;
    }
    switch (content) {
    case CONTENT_BYTES:
        break;
    case CONTENT_JSON:
        return read_json(gate, publication->payload);
    case CONTENT_DIALECT:
    case CONTENT_CANONICAL:
        return judge_reading(gate, scene, publication, content, out);
    }
    return NX_REASON_ADMITTED;
}

/* *later: the rate that it exceeds, when it is to be refused for that by who calls. */
static enum nx_reason charge(const struct nx_publication *publication,
                             const struct nx_limits *limits, const struct nx_topic *topic,
                             enum nx_reason *later)
{
    static const enum nx_reason reasons[] = {
        [NX_USAGE_OK] = NX_REASON_ADMITTED,
        [NX_USAGE_MESSAGES] = NX_REASON_RATE,
        [NX_USAGE_BYTES] = NX_REASON_BYTES,
        [NX_USAGE_ASSETS] = NX_REASON_ASSETS,
    };
    bool stream = topic->kind == NX_TOPIC_STREAM;
    const struct nx_usage_message message = {
        .username = publication->username,
        .domain = stream ? topic->domain : (struct nx_span){NULL, 0},
        .asset = stream ? topic->asset : (struct nx_span){NULL, 0},
        .bytes = publication->payload.len,
        .now_ms = publication->now_ms,
    };

    enum nx_usage_verdict verdict, over;

    if (!publication->late_rates || publication->payload.len > LATE_BYTES_MAX) {
        return reasons[nx_usage_take(publication->usage, limits, &message)];
    }
    verdict = nx_usage_borrow(publication->usage, limits, &message, &over);
    if (verdict == NX_USAGE_OK) {
        *later = reasons[over];
    }
    return reasons[verdict];
}

/* What the identity may in size and number, before a byte of the payload is read. */
static enum nx_reason judge_limits(const struct nx_gate *gate,
                                   const struct nx_publication *publication,
                                   struct nx_judgement *out)
{
    const struct nx_limits *limits = &publication->subject->identity->limits;
    size_t len = publication->payload.len;

    if (len > gate->payload_bytes_max ||
        (limits->payload_bytes > 0 && len > limits->payload_bytes)) {
        return NX_REASON_SIZE;
    }
    if (publication->usage == NULL || !nx_limits_charge(limits)) {
        return NX_REASON_ADMITTED;
    }
    return charge(publication, limits, out->topic, &out->later);
}

void nx_gate_judge(struct nx_gate *gate, const struct nx_scene *scene,
                   const struct nx_publication *publication, struct nx_judgement *out)
{
    enum nx_verdict verdict;

    *out = (struct nx_judgement){0};
    if (publication->parsed != NULL) {
        out->topic = publication->parsed;
        verdict = publication->verdict;
    } else {
        (void)nx_topic_parse(publication->topic, &gate->topic, NULL);
        out->topic = &gate->topic;
        verdict = nx_policy_publish(scene->config, scene->city, publication->subject, out->topic);
    }
    out->reason = (enum nx_reason)verdict;
    if (verdict == NX_ALLOWED) {
        out->reason = judge_limits(gate, publication, out);
    }
    if (out->reason == NX_REASON_ADMITTED) {
        out->reason = judge_payload(gate, scene, publication, out);
    }
}

static bool keep_first_fault(void *ctx, const struct nx_fault *fault)
{
    struct nx_explanation *out = ctx;

    if (out->faults++ == 0) {
        (void)nx_span_copy(nx_span_from(fault->instance), out->instance, sizeof(out->instance));
        (void)nx_span_copy(nx_span_from(fault->keyword), out->keyword, sizeof(out->keyword));
        (void)nx_span_copy(nx_span_from(fault->schema), out->schema_pointer,
                           sizeof(out->schema_pointer));
        (void)nx_span_copy(nx_span_from(fault->text), out->text, sizeof(out->text));
    }
    return true;
}

/* Bytes before a 1-based line and byte column. */
static size_t offset_of(struct nx_span source, unsigned line, unsigned column)
{
    struct nx_span rest = source;
    size_t offset;

    for (unsigned i = 1; i < line && rest.ptr != NULL; i++) {
        (void)nx_span_cut(&rest, '\n');
    }
    offset = rest.ptr != NULL ? (size_t)(rest.ptr - source.ptr) : source.len;
    offset += column > 0 ? column - 1 : 0;
    return offset < source.len ? offset : source.len;
}

static void explain_json(const struct nx_gate *gate, struct nx_span payload,
                         struct nx_explanation *out)
{
    const struct nx_diag *fault = &gate->json_fault;

    out->line = fault->line;
    out->column = fault->column;
    out->offset = offset_of(payload, fault->line, fault->column);
    (void)nx_span_copy(nx_span_from(fault->pointer), out->instance, sizeof(out->instance));
    (void)nx_span_copy(nx_span_from(fault->text), out->text, sizeof(out->text));
}

void nx_gate_explain(struct nx_gate *gate, const struct nx_scene *scene,
                     const struct nx_publication *publication, const struct nx_judgement *judgement,
                     struct nx_explanation *out)
{
    bool parsed = gate->json_fault.text[0] == '\0';

    *out = (struct nx_explanation){0};
    if (judgement->reason == NX_REASON_SCHEMA) {
        (void)nx_schema_explain(judgement->schema, gate->check, gate->json, FAULTS_MAX,
                                keep_first_fault, out);
    } else if (judgement->reason == NX_REASON_JSON ||
               (judgement->reason == NX_REASON_LIMIT && !parsed)) {
        explain_json(gate, publication->payload, out);
    }
    if (out->text[0] == '\0') {
        nx_words_refusal(scene, publication, judgement->reason, gate->payload_bytes_max, out->text,
                         sizeof(out->text));
    }
}
