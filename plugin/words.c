/*
 * words.c - words for refusals. Each reason has one small writer, found by table; each says what
 * is wrong and then what this identity may do instead, from the configuration.
 */
#include "plugin/words.h"

#include "plugin/text.h"

enum { PATTERNS_TOLD_MAX = 4, NAME_BYTES_MAX = 65 };

struct scope {
    const struct nx_scene *scene;
    const struct nx_publication *publication;
    uint32_t payload_bytes_max;
    struct nx_buf *out;
};

static struct nx_span city_name(const struct scope *s)
{
    return s->scene->city->name;
}

static void add_sensor_rights(const struct scope *s, const struct nx_subject *subject)
{
    const struct nx_identity *identity = subject->identity;

    (void)nx_buf_str(s->out, "; this identity may publish");
    for (size_t i = 0; i < identity->assets_count && i < PATTERNS_TOLD_MAX; i++) {
        (void)nx_buf_printf(s->out, "%s nexus/%.*s/%.*s/", i == 0 ? "" : ",",
                            NX_SPAN_ARG(city_name(s)), NX_SPAN_ARG(identity->assets[i].domain));
        nx_policy_add_asset(s->out, identity->assets[i].asset, subject->capture);
        (void)nx_buf_str(s->out, "/observation");
    }
    if (identity->assets_count > PATTERNS_TOLD_MAX) {
        (void)nx_buf_str(s->out, ", and more");
    }
}

/* "; this identity may publish ...", by its role. */
static void add_rights(const struct scope *s)
{
    const struct nx_subject *subject = s->publication->subject;
    struct nx_span here = city_name(s);

    switch (subject->identity == NULL ? NX_ROLE_NONE : subject->identity->role) {
    case NX_ROLE_SENSOR:
        add_sensor_rights(s, subject);
        return;
    case NX_ROLE_READER:
    case NX_ROLE_OPERATOR:
        (void)nx_buf_printf(s->out, "; the role %s publishes nothing below nexus/",
                            nx_role_name(subject->identity->role));
        return;
    case NX_ROLE_BRIDGE:
        (void)nx_buf_printf(s->out,
                            "; the bridge publishes the streams of the other cities, canonical of "
                            "its own, nexus/_deliver/, nexus/_link/, nexus/%.*s/_status/ and "
                            "nexus/%.*s/_catalogue/",
                            NX_SPAN_ARG(here), NX_SPAN_ARG(here));
        return;
    case NX_ROLE_LINK:
        (void)nx_buf_printf(s->out,
                            "; a link from %.*s publishes nexus/_deliver/%.*s and "
                            "nexus/_link/%.*s/%.*s",
                            NX_SPAN_ARG(subject->identity->city),
                            NX_SPAN_ARG(subject->identity->city),
                            NX_SPAN_ARG(subject->identity->city), NX_SPAN_ARG(here));
        return;
    case NX_ROLE_NONE:
        return;
    }
}

static void words_topic(const struct scope *s)
{
    struct nx_topic topic;
    const char *why = NULL;

    (void)nx_topic_parse(s->publication->topic, &topic, &why);
    (void)nx_buf_printf(s->out, "this is no topic of the federation: %s",
                        why != NULL ? why : "it has another shape");
    add_rights(s);
}

static void words_identity(const struct scope *s)
{
    char name[NAME_BYTES_MAX];
    struct nx_span here = city_name(s);

    if (s->publication->username.ptr == NULL) {
        (void)nx_buf_printf(s->out,
                            "an anonymous client has no role at the broker of %.*s: "
                            "connect with a username that %.*s/city.json names",
                            NX_SPAN_ARG(here), NX_SPAN_ARG(here));
        return;
    }
    (void)nx_text_clean(s->publication->username, NX_TEXT_JSON, name, sizeof(name));
    (void)nx_buf_printf(s->out,
                        "the identity '%s' has no role at the broker of %.*s: the "
                        "operator adds it to identities in %.*s/city.json",
                        name, NX_SPAN_ARG(here), NX_SPAN_ARG(here));
}

static void words_city(const struct scope *s)
{
    struct nx_topic topic;

    (void)nx_topic_parse(s->publication->topic, &topic, NULL);
    (void)nx_buf_printf(s->out,
                        "this is the broker of %.*s, and nexus/%.*s/ is not this "
                        "identity's to publish here",
                        NX_SPAN_ARG(city_name(s)), NX_SPAN_ARG(topic.city));
    add_rights(s);
}

static void words_domain(const struct scope *s)
{
    const struct nx_city *city = s->scene->city;
    struct nx_topic topic;

    (void)nx_topic_parse(s->publication->topic, &topic, NULL);
    (void)nx_buf_printf(s->out, "%.*s has no domain '%.*s'; it has:", NX_SPAN_ARG(city->name),
                        NX_SPAN_ARG(topic.domain));
    for (size_t i = 0; i < city->domains_count; i++) {
        (void)nx_buf_printf(s->out, "%s %.*s", i == 0 ? "" : ",",
                            NX_SPAN_ARG(city->domains[i].name));
    }
}

static void words_asset(const struct scope *s)
{
    struct nx_topic topic;

    (void)nx_topic_parse(s->publication->topic, &topic, NULL);
    (void)nx_buf_printf(s->out, "the asset '%.*s' in %.*s does not belong to this identity",
                        NX_SPAN_ARG(topic.asset), NX_SPAN_ARG(topic.domain));
    add_rights(s);
}

static void words_channel(const struct scope *s)
{
    struct nx_topic topic;

    (void)nx_topic_parse(s->publication->topic, &topic, NULL);
    (void)nx_buf_printf(s->out, "the channel '%s' of this stream is not this identity's to publish",
                        nx_channel_name(topic.channel));
    add_rights(s);
}

static void words_role(const struct scope *s)
{
    (void)nx_buf_str(s->out, "this topic is not this identity's to publish");
    add_rights(s);
}

static const struct nx_limits *limits_of(const struct scope *s)
{
    return &s->publication->subject->identity->limits;
}

static void add_where(const struct scope *s)
{
    (void)nx_buf_printf(s->out, " (limits in %.*s/city.json)", NX_SPAN_ARG(city_name(s)));
}

static void words_size(const struct scope *s)
{
    uint32_t own = limits_of(s)->payload_bytes;
    bool narrower = own > 0 && own < s->payload_bytes_max;

    (void)nx_buf_printf(s->out, "the payload has %zu bytes; at most %u are admitted",
                        s->publication->payload.len, narrower ? own : s->payload_bytes_max);
    if (narrower) {
        add_where(s);
    }
}

static void words_rate(const struct scope *s)
{
    (void)nx_buf_printf(s->out,
                        "this identity may publish %.6g messages per second, with at most %.6g "
                        "seconds' worth at once: send less often",
                        1e9 / (double)limits_of(s)->message_interval_ns,
                        (double)limits_of(s)->burst_ns / 1e9);
    add_where(s);
}

static void words_bytes(const struct scope *s)
{
    (void)nx_buf_printf(s->out,
                        "this identity may publish %llu bytes per second, with at most %.6g "
                        "seconds' worth at once: send less",
                        (unsigned long long)limits_of(s)->bytes_per_second,
                        (double)limits_of(s)->burst_ns / 1e9);
    add_where(s);
}

static void words_assets(const struct scope *s)
{
    (void)nx_buf_printf(s->out,
                        "this identity may publish on %u different assets, and has done so since "
                        "the configuration was loaded",
                        limits_of(s)->assets);
    add_where(s);
}

static void words_empty(const struct scope *s)
{
    (void)nx_buf_str(s->out, "the payload is empty; only a retained publish may be, to clear what "
                             "is retained on its topic");
}

static void words_limit(const struct scope *s)
{
    (void)nx_buf_str(s->out, "the payload could not be judged within the limits of depth, number "
                             "of values, and time of a pattern");
}

static void words_internal(const struct scope *s)
{
    (void)nx_buf_str(s->out, "the gate could not judge this message (out of memory, or a fault of "
                             "its own) and refused it to be safe: send it again, and tell the "
                             "operator");
}

static void words_schema(const struct scope *s)
{
    (void)nx_buf_str(s->out, "the payload does not satisfy its schema");
}

static void words_json(const struct scope *s)
{
    (void)nx_buf_str(s->out, "the payload is not JSON (RFC 8259)");
}

static void words_none(const struct scope *s)
{
    (void)nx_buf_str(s->out, "admitted");
}

static void (*const writers[NX_REASON_COUNT])(const struct scope *s) = {
    [NX_REASON_ADMITTED] = words_none,     [NX_REASON_TOPIC] = words_topic,
    [NX_REASON_IDENTITY] = words_identity, [NX_REASON_CITY] = words_city,
    [NX_REASON_DOMAIN] = words_domain,     [NX_REASON_ASSET] = words_asset,
    [NX_REASON_CHANNEL] = words_channel,   [NX_REASON_ROLE] = words_role,
    [NX_REASON_RATE] = words_rate,         [NX_REASON_BYTES] = words_bytes,
    [NX_REASON_ASSETS] = words_assets,     [NX_REASON_SIZE] = words_size,
    [NX_REASON_EMPTY] = words_empty,       [NX_REASON_JSON] = words_json,
    [NX_REASON_SCHEMA] = words_schema,     [NX_REASON_LIMIT] = words_limit,
    [NX_REASON_INTERNAL] = words_internal,
};

void nx_words_refusal(const struct nx_scene *scene, const struct nx_publication *publication,
                      enum nx_reason reason, uint32_t payload_bytes_max, char *out, size_t size)
{
    struct nx_buf buf;
    struct scope scope = {scene, publication, payload_bytes_max, &buf};

    nx_buf_init(&buf, size - 1); /* what does not fit any more is left out, piece by piece */
    writers[reason](&scope);
    (void)nx_text_clean(nx_buf_view(&buf), NX_TEXT_JSON, out, size);
    nx_buf_fini(&buf);
}
