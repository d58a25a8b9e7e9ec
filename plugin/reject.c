/*
 * reject.c - builds the report of one refusal. Everything in it that somebody outside has chosen
 * is cut to a named length and made well-formed UTF-8 first.
 */
#include "plugin/reject.h"

#include "core/base/sha256.h"
#include "core/base/utc.h"

#include "plugin/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { TOPIC_BYTES_MAX = 512, NAME_BYTES_MAX = 256 };

/*
 * Levels 3 and 4, where they are names: a malformed topic has them too, as far as it goes. Behind
 * _deliver and _link they are cities.
 */
static bool domain_and_asset(struct nx_span topic, struct nx_span *domain, struct nx_span *asset)
{
    struct nx_span rest = topic, city;

    (void)nx_span_cut(&rest, '/'); /* nexus */
    city = nx_span_cut(&rest, '/');
    *domain = nx_span_cut(&rest, '/');
    *asset = nx_span_cut(&rest, '/');
    return !nx_span_starts(city, NX_SPAN("_")) && nx_name_is_city(*domain) &&
           nx_name_is_asset(*asset);
}

static const char *format_topic(struct nx_span city, struct nx_span domain, struct nx_span asset,
                                char out[NX_REJECT_TOPIC_SIZE])
{
    (void)snprintf(out, NX_REJECT_TOPIC_SIZE, "nexus/%.*s/_rejected/%.*s/%.*s", NX_SPAN_ARG(city),
                   NX_SPAN_ARG(domain), NX_SPAN_ARG(asset));
    return out;
}

const char *nx_reject_topic(const struct nx_report *report, char out[NX_REJECT_TOPIC_SIZE])
{
    struct nx_span domain, asset;

    if (!domain_and_asset(report->publication->topic, &domain, &asset)) {
        domain = NX_SPAN("_");
        asset = NX_SPAN("_");
    }
    return format_topic(report->city, domain, asset, out);
}

const char *nx_reject_rest_topic(const struct nx_rest *rest, char out[NX_REJECT_TOPIC_SIZE])
{
    return format_topic(rest->city, NX_SPAN("_"), NX_SPAN("_"), out);
}

/* Adds `text`, cut to `bytes_max` (at most TOPIC_BYTES_MAX) and cleaned. */
static bool add_span(cJSON *object, const char *name, struct nx_span text, size_t bytes_max)
{
    char clean[TOPIC_BYTES_MAX + 1];

    (void)nx_text_clean(text, NX_TEXT_JSON, clean, bytes_max + 1);
    return cJSON_AddStringToObject(object, name, clean) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return add_span(object, name, nx_span_from(text), TOPIC_BYTES_MAX);
}

static bool add_number(cJSON *object, const char *name, uint64_t value)
{
    return cJSON_AddNumberToObject(object, name, (double)value) != NULL;
}

static bool add_identity(cJSON *object, struct nx_span city, struct nx_span identity,
                         int64_t now_ms)
{
    char time[NX_UTC_SIZE];
    bool named;

    if (identity.ptr != NULL) {
        named = add_span(object, "identity", identity, NAME_BYTES_MAX);
    } else {
        named = cJSON_AddNullToObject(object, "identity") != NULL;
    }
    return named && add_text(object, "time", nx_utc_format(now_ms, time)) &&
           add_span(object, "city", city, NAME_BYTES_MAX);
}

static bool add_who(cJSON *object, const struct nx_report *report)
{
    const struct nx_publication *publication = report->publication;

    return add_identity(object, report->city, publication->username, report->now_ms) &&
           add_span(object, "client_id", nx_span_from(report->client_id), NAME_BYTES_MAX) &&
           add_span(object, "topic", publication->topic, TOPIC_BYTES_MAX);
}

/* Present where the payload was read: which schema, and where in it and in the payload. */
static bool add_place(cJSON *object, const struct nx_report *report)
{
    const struct nx_explanation *e = report->explanation;
    bool ok = true;

    if (report->judgement->schema != NULL) {
        ok = add_span(object, "schema", report->judgement->schema_name, NAME_BYTES_MAX);
    }
    if (ok && report->judgement->reason == NX_REASON_SCHEMA) {
        ok = add_text(object, "instance", e->instance) && add_text(object, "keyword", e->keyword) &&
             add_text(object, "schema_pointer", e->schema_pointer) &&
             add_number(object, "faults", e->faults);
    }
    if (ok && e->line > 0) {
        ok = add_number(object, "offset", e->offset) && add_number(object, "line", e->line) &&
             add_number(object, "column", e->column);
    }
    return ok;
}

/* So that a sensor's owner finds the message among those sent. Large ones are not worth the time. */
static bool add_digest(cJSON *object, struct nx_span payload)
{
    char hex[NX_SHA256_HEX_SIZE];

    return payload.len > NX_REJECT_DIGEST_BYTES_MAX ||
           add_text(object, "payload_sha256", nx_sha256_hex(payload, hex));
}

static bool add_what(cJSON *object, const struct nx_report *report)
{
    struct nx_span payload = report->publication->payload;

    return add_text(object, "reason", nx_reason_name(report->judgement->reason)) &&
           cJSON_AddBoolToObject(object, "admitted", report->judgement->warned) != NULL &&
           add_place(object, report) && add_text(object, "text", report->explanation->text) &&
           add_number(object, "payload_bytes", payload.len) && add_digest(object, payload) &&
           add_span(object, "payload_excerpt", payload, NX_REJECT_EXCERPT_BYTES_MAX) &&
           add_number(object, "suppressed", report->suppressed);
}

char *nx_reject_json(const struct nx_report *report)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;

    if (object != NULL && add_who(object, report) && add_what(object, report)) {
        text = cJSON_PrintUnformatted(object);
    }
    cJSON_Delete(object);
    return text;
}

char *nx_reject_rest_json(const struct nx_rest *rest)
{
    struct nx_span identity = rest->identity.len > 0 ? rest->identity : (struct nx_span){0};
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;

    if (object != NULL && add_identity(object, rest->city, identity, rest->now_ms) &&
        add_text(object, "reason", NX_REJECT_REST_REASON) &&
        add_text(object, "text",
                 "so many more of this identity were refused, or warned of, and only counted; "
                 "none came since") &&
        add_number(object, "suppressed", rest->suppressed)) {
        text = cJSON_PrintUnformatted(object);
    }
    cJSON_Delete(object);
    return text;
}
