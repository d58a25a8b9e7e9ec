/*
 * compat_make_text.c - numbers at and around the bounds of both schemas, and strings of the
 * lengths, patterns and formats that they name. The texts for one pair of places are found once
 * and kept (struct text_pool).
 */
#include "core/compat_make.h"

#include "core/utf8.h"

#include <math.h>

enum { NUMBERS_MAX = 64, NUMBER_BYTES = 48, TEXT_BYTES_MAX = 8192 };

/* ---- numbers ------------------------------------------------------------------------------- */

struct numbers {
    char texts[NUMBERS_MAX][NUMBER_BYTES];
    uint32_t count;
};

static void add_text(struct numbers *n, struct nx_span text)
{
    if (n->count < NUMBERS_MAX && text.len < NUMBER_BYTES) {
        memcpy(n->texts[n->count], text.ptr, text.len);
        n->texts[n->count++][text.len] = '\0';
    }
}

static void add_double(struct numbers *n, double value)
{
    struct nx_buf text;

    nx_buf_init(&text, NUMBER_BYTES);
    if (isfinite(value) && nx_buf_printf(&text, "%.15g", value) == NX_OK) {
        add_text(n, nx_buf_view(&text));
    }
    nx_buf_fini(&text);
}

/* A number and its neighbours. */
static void add_around(struct numbers *n, const struct nx_number *number)
{
    static const double steps[] = {1, -1, 0.5, -0.5, 0.001, -0.001};
    double value;

    add_text(n, number->text);
    for (size_t i = 0; nx_number_double(number->text, &value) == NX_OK && i < 6; i++) {
        add_double(n, value + steps[i]);
    }
}

static void add_bounds(struct numbers *n, const struct facts *facts)
{
    static const double factors[] = {1, -1, 2, 3, 10, 0.5};
    struct bound lower = facts_lower(facts);
    struct bound upper = facts_upper(facts);
    double value;

    if (lower.set) {
        add_around(n, &lower.value);
    }
    if (upper.set) {
        add_around(n, &upper.value);
    }
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t step = compat_kw(facts->doc, facts->nodes[i], "multipleOf");
        for (size_t k = 0; step != 0 && k < sizeof(factors) / sizeof(factors[0]); k++) {
            if (nx_json_double(facts->doc->json, step, &value) == NX_OK) {
                add_double(n, value * factors[k]);
                add_double(n, lower.set && nx_number_double(lower.value.text, &value) == NX_OK
                                  ? value + factors[k]
                                  : value + 1);
            }
        }
    }
}

/* Do the keywords for numbers accept it? */
static bool number_fits(const struct facts *facts, struct nx_span text)
{
    struct bound lower = facts_lower(facts);
    struct bound upper = facts_upper(facts);
    struct nx_number number;
    struct nx_number step;
    int low;
    int high;

    if (nx_number_read(text, &number) != NX_OK) {
        return false;
    }
    low = lower.set ? nx_number_compare(&number, &lower.value) : 1;
    high = upper.set ? nx_number_compare(&number, &upper.value) : -1;
    if (low < 0 || high > 0 || (low == 0 && lower.exclusive) || (high == 0 && upper.exclusive)) {
        return false;
    }
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t value = compat_kw(facts->doc, facts->nodes[i], "multipleOf");
        if (value != 0 && compat_number(facts->doc, value, &step) &&
            step.digits <= NX_NUMBER_DIGITS_MAX && !nx_number_is_multiple(&number, &step)) {
            return false;
        }
    }
    return (facts->types & (nx_number_is_integer(&number) ? T_INTEGER : T_FRACTION)) != 0;
}

/* Starts anywhere and takes the first that `from` accepts and, unless it is odd, `to` does too. */
static struct nx_span choose_number(struct maker *m, const struct numbers *n,
                                    const struct facts *from, const struct facts *to, bool whole,
                                    bool odd)
{
    uint32_t start = make_random(m, n->count);
    struct nx_span second = NX_SPAN("0");

    for (uint32_t i = 0; i < n->count; i++) {
        struct nx_span text = nx_span_from(n->texts[(start + i) % n->count]);
        struct nx_number number;
        if (nx_number_read(text, &number) != NX_OK || nx_number_is_integer(&number) != whole ||
            !number_fits(from, text)) {
            continue;
        }
        second = text;
        if (number_fits(to, text) != odd) {
            return text;
        }
    }
    return second;
}

static bool is_written_whole(struct nx_span number)
{
    for (size_t i = 0; i < number.len; i++) {
        if (number.ptr[i] == '.' || number.ptr[i] == 'e' || number.ptr[i] == 'E') {
            return false;
        }
    }
    return true;
}

void make_number(struct maker *m, const struct facts *from, const struct facts *to, bool whole,
                 bool odd)
{
    static const char *const plain[] = {"0", "1",    "-1",   "0.5",  "-0.5",
                                        "2", "7.25", "1e30", "-1e30"};
    struct numbers n = {.count = 0};
    struct nx_span chosen;

    add_bounds(&n, from);
    add_bounds(&n, to);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        add_text(&n, nx_span_from(plain[i]));
    }
    chosen = choose_number(m, &n, from, to, whole, odd);
    (void)nx_buf_span(m->out, chosen);
    if (odd && to->doc->as_written && is_written_whole(chosen)) {
        (void)nx_buf_str(m->out, ".0");
    }
}

/* ---- strings ------------------------------------------------------------------------------- */

static const struct {
    const char *format;
    const char *sample;
} format_samples[] = {
    {"date-time", "2026-01-31T15:00:00Z"},
    {"date-time", "2026-01-31T15:00:00.5+09:00"},
    {"date", "2026-01-31"},
    {"time", "15:00:00Z"},
    {"time", "15:00:00.5+09:00"},
    {"duration", "PT1H"},
    {"email", "a@example.org"},
    {"idn-email", "a@example.org"},
    {"hostname", "example.org"},
    {"idn-hostname", "example.org"},
    {"ipv4", "192.0.2.1"},
    {"ipv6", "2001:db8::1"},
    {"uri", "urn:a:b"},
    {"uri-reference", "/a"},
    {"iri", "urn:a:b"},
    {"iri-reference", "/a"},
    {"uuid", "123e4567-e89b-12d3-a456-426614174000"},
    {"uri-template", "/a{b}"},
    {"json-pointer", "/a/0"},
    {"relative-json-pointer", "1/a"},
    {"regex", "^a$"},
};

/* Does the string satisfy lengths, patterns, and (when they are asserted) names of formats? */
static bool text_fits(struct maker *m, const struct facts *facts, struct nx_span text)
{
    uint64_t length = nx_utf8_count(text);
    bool matched;

    if (length < facts_min(facts, "minLength") || length > facts_max(facts, "maxLength")) {
        return false;
    }
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t pattern = compat_kw(facts->doc, facts->nodes[i], "pattern");
        if (pattern != 0 &&
            (compat_match(m->compat, facts->doc, nx_json_text(facts->doc->json, pattern), text,
                          &matched) != NX_OK ||
             !matched)) {
            return false;
        }
    }
    return true;
}

static void pool_add(struct maker *m, struct text_pool *pool, const struct facts *from,
                     const struct facts *to, struct nx_span text)
{
    struct nx_span copy;

    if (pool->count == TEXT_POOL_MAX || text.ptr == NULL || !text_fits(m, from, text)) {
        return;
    }
    for (uint32_t i = 0; i < pool->count; i++) {
        if (nx_span_eq(pool->texts[i], text)) {
            return;
        }
    }
    copy = nx_arena_dup(&m->compat->texts, text);
    if (copy.ptr != NULL) {
        pool->fits[pool->count] = text_fits(m, to, text);
        pool->texts[pool->count++] = copy;
    }
}

/* A string of the set, with other bounds of its length, that `refusal` does not match. */
static void pool_find(struct maker *m, struct text_pool *pool, const struct facts *from,
                      const struct facts *to, uint64_t min, uint64_t max, struct nx_span refusal)
{
    uint32_t *states = &m->compat->string_states;
    struct string_set set;
    struct nx_buf sample;

    facts_strings(from, &set);
    set.length_min = min > set.length_min ? min : set.length_min;
    set.length_max = max < set.length_max ? max : set.length_max;
    nx_buf_init(&sample, TEXT_BYTES_MAX);
    (void)nx_buf_str(&sample, "");
    if (set.length_min <= TEXT_BYTES_MAX &&
        compat_string_find(&set, refusal, states, pool->count, &sample) == STRING_FOUND) {
        pool_add(m, pool, from, to,
                 (struct nx_span){sample.len > 0 ? sample.data : "", sample.len});
    }
    nx_buf_fini(&sample);
}

static void pool_formats(struct maker *m, struct text_pool *pool, const struct facts *facts,
                         const struct facts *from, const struct facts *to)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t format = compat_kw(facts->doc, facts->nodes[i], "format");
        struct nx_span name = format != 0 ? nx_json_text(facts->doc->json, format) : NX_SPAN("");
        for (size_t k = 0; k < sizeof(format_samples) / sizeof(format_samples[0]); k++) {
            if (nx_span_is(name, format_samples[k].format)) {
                pool_add(m, pool, from, to, nx_span_from(format_samples[k].sample));
            }
        }
    }
}

static void pool_fill(struct maker *m, struct text_pool *pool, const struct facts *from,
                      const struct facts *to)
{
    static const char *const plain[] = {"",   "a", "A", "0", "\xEA\xB0\x81", "\xF0\x9F\x98\x80",
                                        "a b"};
    const struct nx_span none = {NULL, 0};
    uint64_t min = facts_min(to, "minLength");
    uint64_t max = facts_max(to, "maxLength");

    pool_formats(m, pool, from, from, to);
    pool_formats(m, pool, to, from, to);
    pool_find(m, pool, from, to, 0, UINT64_MAX, none);
    for (uint32_t i = 0; i < to->count; i++) {
        uint32_t pattern = compat_kw(to->doc, to->nodes[i], "pattern");
        if (pattern != 0) {
            pool_find(m, pool, from, to, 0, UINT64_MAX, nx_json_text(to->doc->json, pattern));
        }
    }
    if (min > 0) {
        pool_find(m, pool, from, to, 0, min - 1, none);
        pool_find(m, pool, from, to, min, UINT64_MAX, none);
    }
    if (max < TEXT_BYTES_MAX) {
        pool_find(m, pool, from, to, max + 1, UINT64_MAX, none);
    }
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        pool_add(m, pool, from, to, nx_span_from(plain[i]));
    }
}

static uint64_t hash_facts(const struct facts *facts, uint64_t seed)
{
    struct nx_span bytes = {(const char *)facts->nodes, facts->count * sizeof(facts->nodes[0])};

    return nx_hash(bytes, seed + facts->count * 2);
}

/* The texts for this pair of places; NULL when there are too many pairs. */
static struct text_pool *find_pool(struct maker *m, const struct facts *from,
                                   const struct facts *to)
{
    struct nx_compat *compat = m->compat;
    uint64_t key = hash_facts(to, hash_facts(from, from->doc == &compat->docs[0]));

    for (uint32_t i = 0; i < compat->pools_count; i++) {
        if (compat->pools[i].key == key) {
            return &compat->pools[i];
        }
    }
    if (compat->pools_count == TEXT_POOLS_MAX) {
        return NULL;
    }
    compat->pools[compat->pools_count] = (struct text_pool){.key = key};
    pool_fill(m, &compat->pools[compat->pools_count], from, to);
    return &compat->pools[compat->pools_count++];
}

struct nx_span make_text(struct maker *m, const struct facts *from, const struct facts *to,
                         bool odd)
{
    const struct text_pool *pool = find_pool(m, from, to);
    uint32_t start;

    if (pool == NULL || pool->count == 0) {
        return NX_SPAN("a");
    }
    start = make_random(m, pool->count);
    for (uint32_t i = 0; i < pool->count; i++) {
        uint32_t at = (start + i) % pool->count;
        if (pool->fits[at] != odd) {
            return pool->texts[at];
        }
    }
    return pool->texts[start];
}

void make_string(struct maker *m, const struct facts *from, const struct facts *to, bool odd)
{
    (void)nx_json_quote(m->out, make_text(m, from, to, odd));
}

struct nx_span make_name(struct maker *m, struct nx_span pattern)
{
    static const uint64_t lengths[] = {0, 2, 3, 5};
    uint64_t length = lengths[make_random(m, sizeof(lengths) / sizeof(lengths[0]))];
    const struct string_set set = {.patterns = {pattern},
                                   .count = 1,
                                   .exact = true,
                                   .length_min = length,
                                   .length_max = UINT64_MAX};
    struct nx_compat *compat = m->compat;
    uint64_t key = nx_hash(pattern, length + 1);
    struct text_pool *pool;
    struct nx_buf sample;

    for (uint32_t i = 0; i < compat->pools_count; i++) {
        if (compat->pools[i].key == key) {
            return compat->pools[i].texts[0];
        }
    }
    if (compat->pools_count == TEXT_POOLS_MAX) {
        return (struct nx_span){NULL, 0};
    }
    pool = &compat->pools[compat->pools_count++];
    *pool = (struct text_pool){.key = key};
    nx_buf_init(&sample, TEXT_BYTES_MAX);
    if (compat_string_find(&set, (struct nx_span){NULL, 0}, &compat->string_states, key, &sample) ==
        STRING_FOUND) {
        pool->texts[0] = nx_arena_dup(&compat->texts, nx_buf_view(&sample));
        pool->count = pool->texts[0].ptr != NULL;
    }
    nx_buf_fini(&sample);
    return pool->texts[0];
}
