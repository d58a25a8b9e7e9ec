/*
 * policy.c - the table of roles and rights as code. Publishing and receiving are decided for one
 * topic; a subscription is decided by whether its filter meets any of the role's grants.
 *
 * The grants of grants[] and the rules of nx_policy_receive say the same thing in two forms: the
 * test policy_grants_agree_with_receive keeps them together.
 */
#include "core/policy.h"

#include "core/identity.h"

#include <stdio.h>

enum { GRANT_MAX = 256 }; /* bytes; the longest is five names of at most 64 */

static const char *const verdict_names[] = {
    [NX_ALLOWED] = "allowed",          [NX_DENIED_TOPIC] = "topic",
    [NX_DENIED_IDENTITY] = "identity", [NX_DENIED_CITY] = "city",
    [NX_DENIED_DOMAIN] = "domain",     [NX_DENIED_ASSET] = "asset",
    [NX_DENIED_CHANNEL] = "channel",   [NX_DENIED_ROLE] = "role",
};

const char *nx_verdict_name(enum nx_verdict verdict)
{
    return verdict_names[verdict];
}

struct nx_subject nx_policy_subject(const struct nx_city *city, struct nx_span username)
{
    struct nx_subject subject = {0};

    if (username.ptr == NULL || username.len == 0) {
        return subject;
    }
    subject.identity = nx_identity_find(city, username, &subject.capture);
    return subject;
}

static bool owns(const struct nx_subject *subject, struct nx_span domain, struct nx_span asset)
{
    return nx_identity_owns(subject->identity, subject->capture, domain, asset);
}

static enum nx_verdict sensor_publish(const struct nx_city *city, const struct nx_subject *subject,
                                      const struct nx_topic *topic)
{
    if (topic->kind != NX_TOPIC_STREAM) {
        return NX_DENIED_ROLE;
    }
    if (!nx_span_eq(topic->city, city->name)) {
        return NX_DENIED_CITY;
    }
    if (nx_city_domain(city, topic->domain) == NULL) {
        return NX_DENIED_DOMAIN;
    }
    if (topic->channel != NX_CHANNEL_OBSERVATION) {
        return NX_DENIED_CHANNEL;
    }
    return owns(subject, topic->domain, topic->asset) ? NX_ALLOWED : NX_DENIED_ASSET;
}

static enum nx_verdict bridge_stream(const struct nx_config *config, const struct nx_city *city,
                                     const struct nx_topic *topic)
{
    bool own = nx_span_eq(topic->city, city->name);

    if (nx_config_city(config, topic->city) == NULL) {
        return NX_DENIED_CITY;
    }
    if (nx_city_domain(city, topic->domain) == NULL) {
        return NX_DENIED_DOMAIN;
    }
    /* of its own city the bridge adds the canonical form; the rest is the sensors' */
    return !own || topic->channel == NX_CHANNEL_CANONICAL ? NX_ALLOWED : NX_DENIED_CHANNEL;
}

/* Batches come from another city of the federation: of its own a broker has the readings. */
static enum nx_verdict deliver(const struct nx_config *config, const struct nx_city *city,
                               const struct nx_topic *topic)
{
    return !nx_span_eq(topic->city, city->name) && nx_config_city(config, topic->city) != NULL
               ? NX_ALLOWED
               : NX_DENIED_CITY;
}

static enum nx_verdict bridge_publish(const struct nx_config *config, const struct nx_city *city,
                                      const struct nx_topic *topic)
{
    bool here = nx_span_eq(topic->city, city->name);

    switch (topic->kind) {
    case NX_TOPIC_STREAM:
        return bridge_stream(config, city, topic);
    case NX_TOPIC_DELIVER:
        return deliver(config, city, topic);
    case NX_TOPIC_STATUS:
    case NX_TOPIC_CATALOGUE:
        return here ? NX_ALLOWED : NX_DENIED_CITY;
    case NX_TOPIC_LINK:
    case NX_TOPIC_LINK_ACK:
        return here || nx_span_eq(topic->to, city->name) ? NX_ALLOWED : NX_DENIED_CITY;
    case NX_TOPIC_REJECTED:
    case NX_TOPIC_OUTSIDE:
    case NX_TOPIC_MALFORMED:
        break;
    }
    return NX_DENIED_ROLE;
}

/* "link-<peer>-<here>" or "link-<here>-<peer>" */
static bool is_link_component(struct nx_span component, struct nx_span a, struct nx_span b)
{
    char name[GRANT_MAX];

    (void)snprintf(name, sizeof(name), "link-%.*s-%.*s", NX_SPAN_ARG(a), NX_SPAN_ARG(b));
    return nx_span_is(component, name);
}

static enum nx_verdict link_publish(const struct nx_config *config, const struct nx_city *city,
                                    struct nx_span peer, const struct nx_topic *topic)
{
    bool from_peer = nx_span_eq(topic->city, peer);
    bool from_here = nx_span_eq(topic->city, city->name);

    switch (topic->kind) {
    case NX_TOPIC_DELIVER:
        return from_peer ? deliver(config, city, topic) : NX_DENIED_CITY;
    case NX_TOPIC_LINK:
        return from_peer && nx_span_eq(topic->to, city->name) ? NX_ALLOWED : NX_DENIED_CITY;
    case NX_TOPIC_LINK_ACK:
        return from_here && nx_span_eq(topic->to, peer) ? NX_ALLOWED : NX_DENIED_CITY;
    case NX_TOPIC_STATUS:
        return from_here && (is_link_component(topic->component, peer, city->name) ||
                             is_link_component(topic->component, city->name, peer))
                   ? NX_ALLOWED
                   : NX_DENIED_ROLE;
    case NX_TOPIC_STREAM:
    case NX_TOPIC_CATALOGUE:
    case NX_TOPIC_REJECTED:
    case NX_TOPIC_OUTSIDE:
    case NX_TOPIC_MALFORMED:
        break;
    }
    return NX_DENIED_ROLE;
}

enum nx_verdict nx_policy_publish(const struct nx_config *config, const struct nx_city *city,
                                  const struct nx_subject *subject, const struct nx_topic *topic)
{
    if (subject->identity == NULL) {
        return NX_DENIED_IDENTITY;
    }
    if (topic->kind == NX_TOPIC_MALFORMED || topic->kind == NX_TOPIC_OUTSIDE) {
        return NX_DENIED_TOPIC;
    }
    switch (subject->identity->role) {
    case NX_ROLE_SENSOR:
        return sensor_publish(city, subject, topic);
    case NX_ROLE_BRIDGE:
        return bridge_publish(config, city, topic);
    case NX_ROLE_LINK:
        return link_publish(config, city, subject->identity->city, topic);
    case NX_ROLE_READER:
    case NX_ROLE_OPERATOR:
    case NX_ROLE_NONE:
        break;
    }
    return NX_DENIED_ROLE;
}

static bool may_receive(const struct nx_city *city, const struct nx_subject *subject,
                        const struct nx_topic *topic)
{
    bool here = nx_span_eq(topic->city, city->name);
    bool to_here = nx_span_eq(topic->to, city->name);
    bool exchange = topic->kind == NX_TOPIC_LINK || topic->kind == NX_TOPIC_LINK_ACK;
    struct nx_span peer = subject->identity->city;

    switch (subject->identity->role) {
    case NX_ROLE_SENSOR:
        return (topic->kind == NX_TOPIC_STREAM || topic->kind == NX_TOPIC_REJECTED) && here &&
               nx_name_is_asset(topic->asset) && owns(subject, topic->domain, topic->asset);
    case NX_ROLE_OPERATOR:
        if (topic->kind == NX_TOPIC_REJECTED) {
            return true;
        }
        __attribute__((fallthrough));
    case NX_ROLE_READER:
        return topic->kind == NX_TOPIC_STREAM || topic->kind == NX_TOPIC_STATUS ||
               topic->kind == NX_TOPIC_CATALOGUE;
    case NX_ROLE_BRIDGE:
        return (topic->kind == NX_TOPIC_STREAM && here) || (exchange && (here || to_here));
    case NX_ROLE_LINK:
        return (topic->kind == NX_TOPIC_LINK && here && nx_span_eq(topic->to, peer)) ||
               (topic->kind == NX_TOPIC_LINK_ACK && to_here && nx_span_eq(topic->city, peer));
    case NX_ROLE_NONE:
        break;
    }
    return false;
}

enum nx_verdict nx_policy_receive(const struct nx_config *config, const struct nx_city *city,
                                  const struct nx_subject *subject, const struct nx_topic *topic)
{
    (void)config;
    if (subject->identity == NULL) {
        return NX_DENIED_IDENTITY;
    }
    if (topic->kind == NX_TOPIC_MALFORMED || topic->kind == NX_TOPIC_OUTSIDE) {
        return NX_DENIED_TOPIC;
    }
    return may_receive(city, subject, topic) ? NX_ALLOWED : NX_DENIED_ROLE;
}

unsigned nx_policy_pattern(const struct nx_city *city, const struct nx_topic *topic)
{
    _Static_assert(NX_TOPIC_LINK_ACK * 4 + 3 < NX_PATTERNS_MAX, "the patterns are numbered");

    return (unsigned)topic->kind * 4 + (nx_span_eq(topic->city, city->name) ? 2 : 0) +
           (nx_span_eq(topic->to, city->name) ? 1 : 0);
}

bool nx_policy_by_pattern(const struct nx_subject *subject)
{
    return subject->identity == NULL ||
           (subject->identity->role != NX_ROLE_SENSOR && subject->identity->role != NX_ROLE_LINK);
}

/*
 * What a role may receive, as patterns. In a grant `+` stands for a name, which never begins with
 * `_`; "{city}" for this broker's city and "{peer}" for a link's. A sensor's are made from its
 * asset patterns.
 */
static const struct {
    enum nx_role role;
    const char *pattern;
} grants[] = {
    {NX_ROLE_READER, "nexus/+/+/+/observation"},      {NX_ROLE_READER, "nexus/+/+/+/original"},
    {NX_ROLE_READER, "nexus/+/+/+/canonical"},        {NX_ROLE_READER, "nexus/+/_status/+"},
    {NX_ROLE_READER, "nexus/+/_catalogue/+/+"},       {NX_ROLE_OPERATOR, "nexus/+/+/+/observation"},
    {NX_ROLE_OPERATOR, "nexus/+/+/+/original"},       {NX_ROLE_OPERATOR, "nexus/+/+/+/canonical"},
    {NX_ROLE_OPERATOR, "nexus/+/_status/+"},          {NX_ROLE_OPERATOR, "nexus/+/_catalogue/+/+"},
    {NX_ROLE_OPERATOR, "nexus/+/_rejected/+/+"},      {NX_ROLE_OPERATOR, "nexus/+/_rejected/_/_"},
    {NX_ROLE_BRIDGE, "nexus/{city}/+/+/observation"}, {NX_ROLE_BRIDGE, "nexus/{city}/+/+/original"},
    {NX_ROLE_BRIDGE, "nexus/{city}/+/+/canonical"},   {NX_ROLE_BRIDGE, "nexus/_link/{city}/+"},
    {NX_ROLE_BRIDGE, "nexus/_link/+/{city}"},         {NX_ROLE_BRIDGE, "nexus/_link/{city}/+/ack"},
    {NX_ROLE_BRIDGE, "nexus/_link/+/{city}/ack"},     {NX_ROLE_LINK, "nexus/_link/{city}/{peer}"},
    {NX_ROLE_LINK, "nexus/_link/{peer}/{city}/ack"},
};

const char *nx_policy_grant(enum nx_role role, size_t n)
{
    for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
        if (grants[i].role == role && n-- == 0) {
            return grants[i].pattern;
        }
    }
    return NULL;
}

static bool level_granted(struct nx_span want, struct nx_span grant)
{
    if (nx_span_is(want, "+")) {
        return true;
    }
    if (nx_span_is(grant, "+")) {
        return want.len > 0 && want.ptr[0] != '_';
    }
    return nx_span_eq(want, grant);
}

bool nx_policy_meets(struct nx_span filter, struct nx_span grant)
{
    while (filter.ptr != NULL) {
        struct nx_span want = nx_span_cut(&filter, '/');

        if (nx_span_is(want, "#")) {
            return true;
        }
        if (grant.ptr == NULL || !level_granted(want, nx_span_cut(&grant, '/'))) {
            return false;
        }
    }
    return grant.ptr == NULL;
}

/* A grant's level with its variable replaced. */
static struct nx_span grant_level(struct nx_span level, const struct nx_city *city,
                                  const struct nx_subject *subject)
{
    if (nx_span_is(level, "{city}")) {
        return city->name;
    }
    if (nx_span_is(level, "{peer}")) {
        return subject->identity->city;
    }
    return level;
}

static bool grant_meets(const char *pattern, const struct nx_city *city,
                        const struct nx_subject *subject, struct nx_span filter)
{
    char text[GRANT_MAX];
    struct nx_span rest = nx_span_from(pattern);
    struct nx_buf buf = {.data = text, .cap = sizeof(text), .max = sizeof(text)};

    while (rest.ptr != NULL) {
        (void)nx_buf_span(&buf, grant_level(nx_span_cut(&rest, '/'), city, subject));
        if (rest.ptr != NULL) {
            (void)nx_buf_byte(&buf, '/');
        }
    }
    return nx_buf_error(&buf) == NX_OK && nx_policy_meets(filter, nx_buf_view(&buf));
}

void nx_policy_add_asset(struct nx_buf *buf, struct nx_span pattern, struct nx_span capture)
{
    struct nx_span tail = pattern;

    (void)nx_buf_span(buf, nx_span_cut(&tail, '{'));
    if (tail.ptr != NULL) {
        (void)nx_buf_span(buf, capture);
        (void)nx_span_cut(&tail, '}');
        (void)nx_buf_span(buf, tail);
    }
}

/* What a filter's level asks of a name: {NULL, 0} any. False: no name is like that. */
static bool wanted_name(struct nx_span level, struct nx_span *out)
{
    *out = nx_span_is(level, "+") ? (struct nx_span){NULL, 0} : level;
    return level.len > 0 && level.ptr[0] != '_';
}

static bool wanted_channel(struct nx_span level)
{
    return nx_span_is(level, "+") || nx_span_is(level, nx_channel_name(NX_CHANNEL_OBSERVATION)) ||
           nx_span_is(level, nx_channel_name(NX_CHANNEL_ORIGINAL)) ||
           nx_span_is(level, nx_channel_name(NX_CHANNEL_CANONICAL));
}

static bool sensor_owns_wanted(const struct nx_subject *subject, struct nx_span domain,
                               struct nx_span asset)
{
    return wanted_name(domain, &domain) && wanted_name(asset, &asset) &&
           owns(subject, domain, asset);
}

/*
 * Does the filter meet nexus/<city>/<domain>/<asset>/<channel> or nexus/<city>/_rejected/<domain>/
 * <asset> for any of the sensor's assets? A `#` stands for a `+` at each level that is left.
 */
static bool sensor_reach(const struct nx_city *city, const struct nx_subject *subject,
                         struct nx_span filter)
{
    const struct nx_span any = NX_SPAN("+");
    struct nx_span level[] = {any, any, any, any}, rest = filter;
    size_t count = 0;
    bool multi = false;

    (void)nx_span_cut(&rest, '/'); /* nexus */
    while (rest.ptr != NULL && !multi) {
        struct nx_span next = nx_span_cut(&rest, '/');

        multi = nx_span_is(next, "#");
        if (!multi && count == sizeof(level) / sizeof(level[0])) {
            return false;
        }
        if (!multi) {
            level[count++] = next;
        }
    }
    if ((!multi && count < sizeof(level) / sizeof(level[0])) ||
        (!nx_span_is(level[0], "+") && !nx_span_eq(level[0], city->name))) {
        return false;
    }
    return (wanted_channel(level[3]) && sensor_owns_wanted(subject, level[1], level[2])) ||
           ((nx_span_is(level[1], "+") || nx_span_is(level[1], "_rejected")) &&
            sensor_owns_wanted(subject, level[2], level[3]));
}

enum nx_reach nx_policy_subscribe(const struct nx_config *config, const struct nx_city *city,
                                  const struct nx_subject *subject, struct nx_span filter)
{
    struct nx_span unshared = nx_filter_unshare(filter);
    struct nx_span rest = unshared;

    (void)config;
    if (!nx_span_is(nx_span_cut(&rest, '/'), "nexus") || rest.ptr == NULL) {
        return NX_REACH_OUTSIDE; /* `nexus` alone is not below nexus/ */
    }
    if (subject->identity == NULL) {
        return NX_REACH_NONE;
    }
    if (subject->identity->role == NX_ROLE_SENSOR) {
        return sensor_reach(city, subject, unshared) ? NX_REACH_NEXUS : NX_REACH_NONE;
    }
    for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
        if (grants[i].role == subject->identity->role &&
            grant_meets(grants[i].pattern, city, subject, unshared)) {
            return NX_REACH_NEXUS;
        }
    }
    return NX_REACH_NONE;
}
