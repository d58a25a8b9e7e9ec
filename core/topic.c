/*
 * topic.c - takes topics and filters apart, level by level. Never allocates, never looks at
 * anything but the text.
 */
#include "core/topic.h"

enum {
    LEVELS_MAX = 6, /* one more than the longest shape has */
    CITY_MAX = 32,
    ASSET_MAX = 64,
    COMPONENT_MAX = 96,
    TOPIC_BYTES_MAX = 256, /* no shape is longer: the rest of a longer text is not looked at */
};

/* What a byte may stand in. */
enum {
    IN_CITY = 1 << 0,     /* [a-z0-9-]: a city, a domain, a component behind its first byte */
    IN_ASSET = 1 << 1,    /* [A-Za-z0-9_-]: an asset behind its first byte */
    FIRST_CITY = 1 << 2,  /* [a-z] */
    FIRST_ASSET = 1 << 3, /* [A-Za-z0-9] */
    LOWER = IN_CITY | IN_ASSET | FIRST_CITY | FIRST_ASSET,
    DIGIT = IN_CITY | IN_ASSET | FIRST_ASSET,
    UPPER = IN_ASSET | FIRST_ASSET,
};

static const unsigned char uses[256] = {
    ['a'] = LOWER,    ['b'] = LOWER, ['c'] = LOWER,
    ['d'] = LOWER,    ['e'] = LOWER, ['f'] = LOWER,
    ['g'] = LOWER,    ['h'] = LOWER, ['i'] = LOWER,
    ['j'] = LOWER,    ['k'] = LOWER, ['l'] = LOWER,
    ['m'] = LOWER,    ['n'] = LOWER, ['o'] = LOWER,
    ['p'] = LOWER,    ['q'] = LOWER, ['r'] = LOWER,
    ['s'] = LOWER,    ['t'] = LOWER, ['u'] = LOWER,
    ['v'] = LOWER,    ['w'] = LOWER, ['x'] = LOWER,
    ['y'] = LOWER,    ['z'] = LOWER, ['A'] = UPPER,
    ['B'] = UPPER,    ['C'] = UPPER, ['D'] = UPPER,
    ['E'] = UPPER,    ['F'] = UPPER, ['G'] = UPPER,
    ['H'] = UPPER,    ['I'] = UPPER, ['J'] = UPPER,
    ['K'] = UPPER,    ['L'] = UPPER, ['M'] = UPPER,
    ['N'] = UPPER,    ['O'] = UPPER, ['P'] = UPPER,
    ['Q'] = UPPER,    ['R'] = UPPER, ['S'] = UPPER,
    ['T'] = UPPER,    ['U'] = UPPER, ['V'] = UPPER,
    ['W'] = UPPER,    ['X'] = UPPER, ['Y'] = UPPER,
    ['Z'] = UPPER,    ['0'] = DIGIT, ['1'] = DIGIT,
    ['2'] = DIGIT,    ['3'] = DIGIT, ['4'] = DIGIT,
    ['5'] = DIGIT,    ['6'] = DIGIT, ['7'] = DIGIT,
    ['8'] = DIGIT,    ['9'] = DIGIT, ['-'] = IN_CITY | IN_ASSET,
    ['_'] = IN_ASSET,
};

/* One level of a topic, and what all of its bytes may stand in. */
struct level {
    struct nx_span text;
    unsigned uses;
};

static unsigned uses_of(struct nx_span s)
{
    unsigned all = IN_CITY | IN_ASSET;

    for (size_t i = 0; i < s.len; i++) {
        all &= uses[(unsigned char)s.ptr[i]];
    }
    return all;
}

static bool is_first(struct nx_span s, unsigned use)
{
    return (uses[(unsigned char)s.ptr[0]] & use) != 0;
}

/* [a-z][a-z0-9-]{1,max-1} */
static bool level_is_lower(const struct level *level, size_t max)
{
    return level->text.len >= 2 && level->text.len <= max && (level->uses & IN_CITY) != 0 &&
           is_first(level->text, FIRST_CITY);
}

static bool level_is_city(const struct level *level)
{
    return level_is_lower(level, CITY_MAX);
}

static bool level_is_asset(const struct level *level)
{
    return level->text.len >= 1 && level->text.len <= ASSET_MAX && (level->uses & IN_ASSET) != 0 &&
           is_first(level->text, FIRST_ASSET);
}

bool nx_name_is_city(struct nx_span s)
{
    const struct level level = {s, s.len <= CITY_MAX ? uses_of(s) : 0};

    return level_is_city(&level);
}

bool nx_name_is_asset(struct nx_span s)
{
    const struct level level = {s, s.len <= ASSET_MAX ? uses_of(s) : 0};

    return level_is_asset(&level);
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
    enum nx_channel channel = level.len == sizeof("observation") - 1 ? NX_CHANNEL_OBSERVATION
                              : level.len == sizeof("original") - 1  ? NX_CHANNEL_ORIGINAL
                                                                     : NX_CHANNEL_CANONICAL;

    return nx_span_is(level, channel_names[channel]) ? channel : NX_CHANNEL_NONE;
}

/* Each shape fills `t` from the levels behind "nexus" and returns what is wrong, or NULL. */

static const char *parse_stream(const struct level *level, size_t count, struct nx_topic *t)
{
    if (count != 4) {
        return "a stream has five levels: nexus/<city>/<domain>/<asset>/<channel>";
    }
    t->domain = level[1].text;
    t->asset = level[2].text;
    t->channel = channel_of(level[3].text);
    if (!level_is_city(&level[1])) {
        return "the domain is not a name of the form [a-z][a-z0-9-]{1,31}";
    }
    if (!level_is_asset(&level[2])) {
        return "the asset is not a name of the form [A-Za-z0-9][A-Za-z0-9_-]{0,63}";
    }
    if (t->channel == NX_CHANNEL_NONE) {
        return "the channel is none of observation, original, canonical";
    }
    t->kind = NX_TOPIC_STREAM;
    return NULL;
}

static const char *parse_status(const struct level *level, size_t count, struct nx_topic *t)
{
    if (count != 3 || !level_is_lower(&level[2], COMPONENT_MAX)) {
        return "a status topic is nexus/<city>/_status/<component>, the component of the form "
               "[a-z][a-z0-9-]{1,95}";
    }
    t->component = level[2].text;
    t->kind = NX_TOPIC_STATUS;
    return NULL;
}

static const char *parse_pair(const struct level *level, size_t count, struct nx_topic *t,
                              enum nx_topic_kind kind)
{
    bool none = kind == NX_TOPIC_REJECTED && count == 4 && nx_span_is(level[2].text, "_") &&
                nx_span_is(level[3].text, "_");

    if (count != 4 || (!none && (!level_is_city(&level[2]) || !level_is_asset(&level[3])))) {
        return "behind _rejected and _catalogue come two names: <domain>/<asset>";
    }
    t->domain = level[2].text;
    t->asset = level[3].text;
    t->kind = kind;
    return NULL;
}

static const char *parse_link(const struct level *level, size_t count, struct nx_topic *t)
{
    bool ack = count == 4 && nx_span_is(level[3].text, "ack");

    if ((count != 3 && !ack) || !level_is_city(&level[1]) || !level_is_city(&level[2])) {
        return "an exchange topic is nexus/_link/<from>/<to>[/ack]";
    }
    t->city = level[1].text;
    t->to = level[2].text;
    t->kind = ack ? NX_TOPIC_LINK_ACK : NX_TOPIC_LINK;
    return NULL;
}

static const char *parse_deliver(const struct level *level, size_t count, struct nx_topic *t)
{
    if (count != 2 || !level_is_city(&level[1])) {
        return "a delivery topic is nexus/_deliver/<from>";
    }
    t->city = level[1].text;
    t->kind = NX_TOPIC_DELIVER;
    return NULL;
}

/* Those whose first or second level begins with `_`. */
static const char *parse_special(const struct level *level, size_t count, struct nx_topic *t)
{
    if (nx_span_is(level[0].text, "_deliver")) {
        return parse_deliver(level, count, t);
    }
    if (nx_span_is(level[0].text, "_link")) {
        return parse_link(level, count, t);
    }
    if (count > 1 && nx_span_is(level[1].text, "_status")) {
        return parse_status(level, count, t);
    }
    if (count > 1 && nx_span_is(level[1].text, "_rejected")) {
        return parse_pair(level, count, t, NX_TOPIC_REJECTED);
    }
    if (count > 1 && nx_span_is(level[1].text, "_catalogue")) {
        return parse_pair(level, count, t, NX_TOPIC_CATALOGUE);
    }
    return parse_stream(level, count, t);
}

static bool is_special(const struct level *level)
{
    return level->text.len > 0 && level->text.ptr[0] == '_';
}

static const char *parse_levels(const struct level *level, size_t count, struct nx_topic *t)
{
    if (level_is_city(&level[0])) {
        t->city = level[0].text;
    } else if (!nx_span_is(level[0].text, "_deliver") && !nx_span_is(level[0].text, "_link")) {
        return "the city is not a name of the form [a-z][a-z0-9-]{1,31}";
    }
    return is_special(&level[0]) || is_special(&level[1]) ? parse_special(level, count, t)
                                                          : parse_stream(level, count, t);
}

/* Cuts the text behind "nexus/" into levels, at most LEVELS_MAX, looking at each byte once. */
static size_t cut_levels(struct nx_span text, struct level level[LEVELS_MAX])
{
    const char *end = text.ptr + text.len;
    const char *begin = text.ptr;
    unsigned all = IN_CITY | IN_ASSET;
    size_t count = 0;

    for (const char *p = begin; count < LEVELS_MAX; p++) {
        if (p == end || *p == '/') {
            level[count++] = (struct level){{begin, (size_t)(p - begin)}, all};
            if (p == end) {
                break;
            }
            begin = p + 1;
            all = IN_CITY | IN_ASSET;
        } else {
            all &= uses[(unsigned char)*p];
        }
    }
    return count;
}

enum nx_topic_kind nx_topic_parse(struct nx_span text, struct nx_topic *out, const char **why)
{
    const struct nx_span root = NX_SPAN("nexus/");
    struct level level[LEVELS_MAX];
    const char *reason;
    size_t count;

    *out = (struct nx_topic){.kind = NX_TOPIC_OUTSIDE};
    if (nx_span_is(text, "nexus")) {
        out->kind = NX_TOPIC_MALFORMED;
        reason = "nothing follows nexus";
    } else if (!nx_span_starts(text, root)) {
        return NX_TOPIC_OUTSIDE;
    } else if (text.len > TOPIC_BYTES_MAX) {
        out->kind = NX_TOPIC_MALFORMED;
        reason = "it is longer than any topic of the federation";
    } else {
        out->kind = NX_TOPIC_MALFORMED;
        level[1] = (struct level){0}; /* looked at even if there is no second one */
        count = cut_levels((struct nx_span){text.ptr + root.len, text.len - root.len}, level);
        reason = parse_levels(level, count, out);
    }
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
