/*
 * rights.c - lists what an identity may do. What a role may receive is policy.c's own table; what
 * it may publish is told there by code, and here by the patterns below: a test asks both for every
 * shape of topic and every role.
 */
#include "core/rights.h"

#include <stdio.h>

enum { PATTERN_SIZE = 512 }; /* five names of at most 64 bytes, and room */

static const char *const access_names[] = {
    [NX_ACCESS_PUBLISH] = "publish",
    [NX_ACCESS_RECEIVE] = "receive",
    [NX_ACCESS_SUBSCRIBE] = "subscribe",
};

/* {city}: this broker's; {peer}: a link's; {other}: each other city of the federation in turn. */
static const struct {
    enum nx_role role;
    const char *pattern;
} publishes[] = {
    {NX_ROLE_OPERATOR, NX_CONTROL_TOPIC},
    {NX_ROLE_BRIDGE, "nexus/{other}/+/+/observation"},
    {NX_ROLE_BRIDGE, "nexus/{other}/+/+/original"},
    {NX_ROLE_BRIDGE, "nexus/{other}/+/+/canonical"},
    {NX_ROLE_BRIDGE, "nexus/{city}/+/+/canonical"},
    {NX_ROLE_BRIDGE, "nexus/{city}/_status/+"},
    {NX_ROLE_BRIDGE, "nexus/{city}/_catalogue/+/+"},
    {NX_ROLE_BRIDGE, "nexus/_deliver/{other}"},
    {NX_ROLE_BRIDGE, "nexus/_link/{city}/+"},
    {NX_ROLE_BRIDGE, "nexus/_link/+/{city}"},
    {NX_ROLE_BRIDGE, "nexus/_link/{city}/+/ack"},
    {NX_ROLE_BRIDGE, "nexus/_link/+/{city}/ack"},
    {NX_ROLE_LINK, "nexus/_deliver/{peer}"},
    {NX_ROLE_LINK, "nexus/_link/{peer}/{city}"},
    {NX_ROLE_LINK, "nexus/_link/{city}/{peer}/ack"},
    {NX_ROLE_LINK, "nexus/{city}/_status/link-{peer}-{city}"},
    {NX_ROLE_LINK, "nexus/{city}/_status/link-{city}-{peer}"},
};

/* What a sensor has of each of its assets. */
static const struct {
    enum nx_access access;
    const char *prefix, *suffix;
} of_assets[] = {
    {NX_ACCESS_PUBLISH, "", "/observation"}, {NX_ACCESS_RECEIVE, "", "/observation"},
    {NX_ACCESS_RECEIVE, "", "/original"},    {NX_ACCESS_RECEIVE, "", "/canonical"},
    {NX_ACCESS_RECEIVE, "_rejected/", ""},
};

const char *nx_access_name(enum nx_access access)
{
    return access_names[access];
}

bool nx_access_find(struct nx_span name, enum nx_access *out)
{
    for (size_t i = 0; i < sizeof(access_names) / sizeof(access_names[0]); i++) {
        if (nx_span_is(name, access_names[i])) {
            *out = (enum nx_access)i;
            return true;
        }
    }
    return false;
}

bool nx_control_owns(struct nx_span topic_or_filter)
{
    return nx_span_starts(topic_or_filter, NX_SPAN("$CONTROL/nexus/"));
}

bool nx_control_allows(const struct nx_subject *subject, enum nx_access access,
                       struct nx_span topic_or_filter)
{
    if (subject->identity == NULL || subject->identity->role != NX_ROLE_OPERATOR) {
        return false;
    }
    switch (access) {
    case NX_ACCESS_PUBLISH:
        return nx_span_is(topic_or_filter, NX_CONTROL_TOPIC);
    case NX_ACCESS_RECEIVE:
        return nx_span_is(topic_or_filter, NX_CONTROL_RESPONSE);
    case NX_ACCESS_SUBSCRIBE:
        return nx_filter_matches(topic_or_filter, NX_SPAN(NX_CONTROL_RESPONSE));
    }
    return false;
}

/* --- the list ------------------------------------------------------------------------------ */

struct listing {
    const struct nx_city *city;
    const struct nx_subject *subject;
    bool (*each)(void *ctx, const struct nx_right *right);
    void *ctx;
};

static struct nx_span value_of(struct nx_span variable, const struct listing *l,
                               struct nx_span other)
{
    if (nx_span_is(variable, "city")) {
        return l->city->name;
    }
    return nx_span_is(variable, "peer") ? l->subject->identity->city : other;
}

static bool hand(const struct listing *l, const struct nx_buf *buf,
                 const struct nx_asset_pattern *entry)
{
    struct nx_right right = {.pattern = nx_buf_view(buf)};

    if (entry != NULL) {
        right.entry = *entry;
    }
    return nx_buf_error(buf) != NX_OK || l->each(l->ctx, &right);
}

/* One pattern of a table with its variables replaced. */
static bool list_pattern(const struct listing *l, const char *pattern, struct nx_span other)
{
    char text[PATTERN_SIZE];
    struct nx_buf buf = {.data = text, .cap = sizeof(text), .max = sizeof(text)};
    struct nx_span rest = nx_span_from(pattern);

    while (rest.ptr != NULL) {
        (void)nx_buf_span(&buf, nx_span_cut(&rest, '{'));
        if (rest.ptr != NULL) {
            (void)nx_buf_span(&buf, value_of(nx_span_cut(&rest, '}'), l, other));
        }
    }
    return hand(l, &buf, NULL);
}

static bool list_publish(const struct listing *l, const struct nx_config *config,
                         const char *pattern)
{
    const struct nx_span none = {"", 0};

    if (strstr(pattern, "{other}") == NULL) {
        return list_pattern(l, pattern, none);
    }
    for (size_t i = 0; i < config->cities_count; i++) {
        if (!nx_span_eq(config->cities[i].name, l->city->name) &&
            !list_pattern(l, pattern, config->cities[i].name)) {
            return false;
        }
    }
    return true;
}

static bool list_asset(const struct listing *l, const struct nx_asset_pattern *entry,
                       const char *prefix, const char *suffix)
{
    char text[PATTERN_SIZE];
    struct nx_buf buf = {.data = text, .cap = sizeof(text), .max = sizeof(text)};

    (void)nx_buf_printf(&buf, "nexus/%.*s/%s%.*s/", NX_SPAN_ARG(l->city->name), prefix,
                        NX_SPAN_ARG(entry->domain));
    nx_policy_add_asset(&buf, entry->asset, l->subject->capture);
    (void)nx_buf_str(&buf, suffix);
    return hand(l, &buf, entry);
}

static void list_assets(const struct listing *l, enum nx_access access)
{
    const struct nx_identity *identity = l->subject->identity;

    for (size_t i = 0; i < identity->assets_count; i++) {
        for (size_t k = 0; k < sizeof(of_assets) / sizeof(of_assets[0]); k++) {
            if (of_assets[k].access == access &&
                !list_asset(l, &identity->assets[i], of_assets[k].prefix, of_assets[k].suffix)) {
                return;
            }
        }
    }
}

static void list_role(const struct listing *l, const struct nx_config *config,
                      enum nx_access access)
{
    enum nx_role role = l->subject->identity->role;
    const struct nx_span none = {"", 0};
    const char *pattern;
    bool more = true;

    if (access == NX_ACCESS_PUBLISH) {
        for (size_t i = 0; more && i < sizeof(publishes) / sizeof(publishes[0]); i++) {
            more = publishes[i].role != role || list_publish(l, config, publishes[i].pattern);
        }
        return;
    }
    for (size_t i = 0; more && (pattern = nx_policy_grant(role, i)) != NULL; i++) {
        more = list_pattern(l, pattern, none);
    }
    if (more && role == NX_ROLE_OPERATOR) {
        (void)list_pattern(l, NX_CONTROL_RESPONSE, none);
    }
}

void nx_rights_each(const struct nx_config *config, const struct nx_city *city,
                    const struct nx_subject *subject, enum nx_access access,
                    bool (*each)(void *ctx, const struct nx_right *right), void *ctx)
{
    const struct listing listing = {city, subject, each, ctx};
    enum nx_access what = access == NX_ACCESS_SUBSCRIBE ? NX_ACCESS_RECEIVE : access;

    if (subject->identity == NULL) {
        return;
    }
    if (subject->identity->role == NX_ROLE_SENSOR) {
        list_assets(&listing, what);
    } else {
        list_role(&listing, config, what);
    }
}

/* --- the rule that decided ----------------------------------------------------------------- */

struct search {
    const struct nx_subject *subject;
    struct nx_span topic; /* or filter */
    char *out;
    bool found;
};

static bool take_rule(void *ctx, const struct nx_right *right)
{
    struct search *s = ctx;
    const struct nx_identity *identity = s->subject->identity;

    if (!nx_policy_meets(s->topic, right->pattern)) {
        return true;
    }
    s->found = true;
    if (right->entry.domain.ptr != NULL) {
        (void)snprintf(s->out, NX_RULE_SIZE, "identities / %.*s / assets: %.*s/%.*s gives %.*s",
                       NX_SPAN_ARG(identity->name), NX_SPAN_ARG(right->entry.domain),
                       NX_SPAN_ARG(right->entry.asset), NX_SPAN_ARG(right->pattern));
    } else {
        (void)snprintf(s->out, NX_RULE_SIZE, "identities / %.*s / role %s gives %.*s",
                       NX_SPAN_ARG(identity->name), nx_role_name(identity->role),
                       NX_SPAN_ARG(right->pattern));
    }
    return false;
}

bool nx_rights_rule(const struct nx_config *config, const struct nx_city *city,
                    const struct nx_subject *subject, enum nx_access access, struct nx_span topic,
                    char out[NX_RULE_SIZE])
{
    struct search search = {.subject = subject, .topic = topic, .out = out};

    out[0] = '\0';
    if (access == NX_ACCESS_SUBSCRIBE) {
        search.topic = nx_filter_unshare(topic);
    }
    nx_rights_each(config, city, subject, access, take_rule, &search);
    return search.found;
}
