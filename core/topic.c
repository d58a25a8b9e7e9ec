/*
 * topic.c - takes topics and filters apart, level by level. Never allocates, never looks at
 * anything but the text.
 */
#include "core/topic.h"

enum { LEVELS_MAX = 6, COMPONENT_MAX = 96 }; /* one level more than the longest shape has */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c);
}

/* [a-z][a-z0-9-]{1,max-1} */
static bool is_lower_name(struct nx_span s, size_t max)
{
    if (s.len < 2 || s.len > max || !is_lower(s.ptr[0])) {
        return false;
    }
    for (size_t i = 1; i < s.len; i++) {
        if (!is_lower(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '-') {
            return false;
        }
    }
    return true;
}

bool nx_name_is_city(struct nx_span s)
{
    return is_lower_name(s, 32);
}

bool nx_name_is_asset(struct nx_span s)
{
    if (s.len < 1 || s.len > 64 || !is_alnum(s.ptr[0])) {
        return false;
    }
    for (size_t i = 1; i < s.len; i++) {
        if (!is_alnum(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '-') {
            return false;
        }
    }
    return true;
}

static const char *const channel_names[] = {
    [NX_CHANNEL_NONE] = "",
    [NX_CHANNEL_OBSERVATION] = "observation",
    [NX_CHANNEL_ORIGINAL] = "original",
    [NX_CHANNEL_CANONICAL] = "canonical",
};

const char *nx_channel_name(enum nx_channel channel)
{
    return channel_names[channel];
}

static enum nx_channel channel_of(struct nx_span level)
{
    for (unsigned i = NX_CHANNEL_OBSERVATION; i <= NX_CHANNEL_CANONICAL; i++) {
        if (nx_span_is(level, channel_names[i])) {
            return (enum nx_channel)i;
        }
    }
    return NX_CHANNEL_NONE;
}

/* Each shape fills `t` from the levels behind "nexus" and returns what is wrong, or NULL. */

static const char *parse_stream(const struct nx_span *level, size_t count, struct nx_topic *t)
{
    if (count != 4) {
        return "a stream has five levels: nexus/<city>/<domain>/<asset>/<channel>";
    }
    t->domain = level[1];
    t->asset = level[2];
    t->channel = channel_of(level[3]);
    if (!nx_name_is_city(t->domain)) {
        return "the domain is not a name of the form [a-z][a-z0-9-]{1,31}";
    }
    if (!nx_name_is_asset(t->asset)) {
        return "the asset is not a name of the form [A-Za-z0-9][A-Za-z0-9_-]{0,63}";
    }
    if (t->channel == NX_CHANNEL_NONE) {
        return "the channel is none of observation, original, canonical";
    }
    t->kind = NX_TOPIC_STREAM;
    return NULL;
}

static const char *parse_status(const struct nx_span *level, size_t count, struct nx_topic *t)
{
    if (count != 3 || !is_lower_name(level[2], COMPONENT_MAX)) {
        return "a status topic is nexus/<city>/_status/<component>";
    }
    t->component = level[2];
    t->kind = NX_TOPIC_STATUS;
    return NULL;
}

static const char *parse_pair(const struct nx_span *level, size_t count, struct nx_topic *t,
                              enum nx_topic_kind kind)
{
    bool none = kind == NX_TOPIC_REJECTED && count == 4 && nx_span_is(level[2], "_") &&
                nx_span_is(level[3], "_");

    if (count != 4 || (!none && (!nx_name_is_city(level[2]) || !nx_name_is_asset(level[3])))) {
        return "expected two levels behind it: <domain>/<asset>";
    }
    t->domain = level[2];
    t->asset = level[3];
    t->kind = kind;
    return NULL;
}

static const char *parse_link(const struct nx_span *level, size_t count, struct nx_topic *t)
{
    bool ack = count == 4 && nx_span_is(level[3], "ack");

    if ((count != 3 && !ack) || !nx_name_is_city(level[1]) || !nx_name_is_city(level[2])) {
        return "an exchange topic is nexus/_link/<from>/<to>[/ack]";
    }
    t->city = level[1];
    t->to = level[2];
    t->kind = ack ? NX_TOPIC_LINK_ACK : NX_TOPIC_LINK;
    return NULL;
}

static const char *parse_deliver(const struct nx_span *level, size_t count, struct nx_topic *t)
{
    if (count != 2 || !nx_name_is_city(level[1])) {
        return "a delivery topic is nexus/_deliver/<from>";
    }
    t->city = level[1];
    t->kind = NX_TOPIC_DELIVER;
    return NULL;
}

static const char *parse_levels(const struct nx_span *level, size_t count, struct nx_topic *t)
{
    if (nx_span_is(level[0], "_deliver")) {
        return parse_deliver(level, count, t);
    }
    if (nx_span_is(level[0], "_link")) {
        return parse_link(level, count, t);
    }
    if (!nx_name_is_city(level[0])) {
        return "the city is not a name of the form [a-z][a-z0-9-]{1,31}";
    }
    t->city = level[0];
    if (count > 1 && nx_span_is(level[1], "_status")) {
        return parse_status(level, count, t);
    }
    if (count > 1 && nx_span_is(level[1], "_rejected")) {
        return parse_pair(level, count, t, NX_TOPIC_REJECTED);
    }
    if (count > 1 && nx_span_is(level[1], "_catalogue")) {
        return parse_pair(level, count, t, NX_TOPIC_CATALOGUE);
    }
    return parse_stream(level, count, t);
}

enum nx_topic_kind nx_topic_parse(struct nx_span text, struct nx_topic *out, const char **why)
{
    struct nx_span level[LEVELS_MAX] = {0};
    struct nx_span rest = text;
    const char *reason;
    size_t count = 0;

    *out = (struct nx_topic){.kind = NX_TOPIC_OUTSIDE};
    if (!nx_span_is(nx_span_cut(&rest, '/'), "nexus")) {
        return NX_TOPIC_OUTSIDE;
    }
    while (rest.ptr != NULL && count < LEVELS_MAX) {
        level[count++] = nx_span_cut(&rest, '/');
    }
    out->kind = NX_TOPIC_MALFORMED;
    reason = count == 0 ? "nothing follows nexus" : parse_levels(level, count, out);
    if (why != NULL) {
        *why = reason;
    }
    return out->kind;
}

bool nx_filter_valid(struct nx_span filter)
{
    struct nx_span rest = filter;

    if (filter.len == 0 || filter.len > NX_TOPIC_MAX ||
        memchr(filter.ptr, '\0', filter.len) != NULL) {
        return false;
    }
    while (rest.ptr != NULL) {
        struct nx_span level = nx_span_cut(&rest, '/');
        bool multi = level.len > 0 && memchr(level.ptr, '#', level.len) != NULL;
        bool single = level.len > 0 && memchr(level.ptr, '+', level.len) != NULL;

        if ((multi || single) && level.len != 1) {
            return false;
        }
        if (multi && rest.ptr != NULL) {
            return false;
        }
    }
    return true;
}

struct nx_span nx_filter_unshare(struct nx_span filter)
{
    const struct nx_span prefix = NX_SPAN("$share/");
    struct nx_span rest;

    if (!nx_span_starts(filter, prefix)) {
        return filter;
    }
    rest = (struct nx_span){filter.ptr + prefix.len, filter.len - prefix.len};
    (void)nx_span_cut(&rest, '/'); /* the group */
    return rest.ptr != NULL ? rest : filter;
}

bool nx_filter_matches(struct nx_span filter, struct nx_span topic)
{
    bool dollar = topic.len > 0 && topic.ptr[0] == '$';

    if (dollar && filter.len > 0 && (filter.ptr[0] == '#' || filter.ptr[0] == '+')) {
        return false;
    }
    while (filter.ptr != NULL) {
        struct nx_span want = nx_span_cut(&filter, '/');
        struct nx_span have;

        if (nx_span_is(want, "#")) {
            return true; /* takes its parent level too: "a/#" takes "a" */
        }
        if (topic.ptr == NULL) {
            return false;
        }
        have = nx_span_cut(&topic, '/');
        if (!nx_span_is(want, "+") && !nx_span_eq(want, have)) {
            return false;
        }
    }
    return topic.ptr == NULL;
}

/* May one level satisfy both? A leading wildcard does not take a level that begins with `$`. */
static bool levels_meet(struct nx_span a, struct nx_span b, bool leading)
{
    bool a_wild = nx_span_is(a, "+") || nx_span_is(a, "#");
    bool b_wild = nx_span_is(b, "+") || nx_span_is(b, "#");
    struct nx_span literal = a_wild ? b : a;

    if (a_wild && b_wild) {
        return true;
    }
    if (a_wild || b_wild) {
        return !(leading && literal.len > 0 && literal.ptr[0] == '$');
    }
    return nx_span_eq(a, b);
}

bool nx_filter_intersects(struct nx_span a, struct nx_span b)
{
    bool leading = true;

    while (a.ptr != NULL && b.ptr != NULL) {
        struct nx_span la = nx_span_cut(&a, '/');
        struct nx_span lb = nx_span_cut(&b, '/');

        if (!levels_meet(la, lb, leading)) {
            return false;
        }
        if (nx_span_is(la, "#") || nx_span_is(lb, "#")) {
            return true;
        }
        leading = false;
    }
    /* one is at its end: the other must be too, or go on with "#", which takes its parent */
    return (a.ptr == NULL && b.ptr == NULL) || nx_span_is(a.ptr != NULL ? a : b, "#");
}
