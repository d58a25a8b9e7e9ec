/*
 * schema_assert.c - compiles the keywords that assert something of a value itself (type, const,
 * enum, bounds, lengths, pattern, format), and annotations, whose values are checked all the same.
 */
#include "core/schema_rules.h"

/* ---- any type ------------------------------------------------------------------------------ */

static uint8_t type_bits(struct nx_span name)
{
    static const struct {
        const char *name;
        uint8_t bits;
    } names[] = {
        {"null", 1 << NX_JSON_NULL},     {"boolean", TYPES_BOOLEAN},
        {"number", 1 << NX_JSON_NUMBER}, {"integer", TYPES_INTEGER},
        {"string", 1 << NX_JSON_STRING}, {"array", 1 << NX_JSON_ARRAY},
        {"object", 1 << NX_JSON_OBJECT},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (nx_span_is(name, names[i].name)) {
            return names[i].bits;
        }
    }
    return 0;
}

static enum nx_err add_type(struct compiler *c, struct site *s, uint32_t node, uint8_t *types)
{
    uint8_t bits = 0;

    if (nx_json_type(s->json, node) == NX_JSON_STRING) {
        bits = type_bits(nx_json_text(s->json, node));
    }
    if (bits == 0) {
        return nx_compile_expected(c, s, node,
                                   "null, boolean, number, integer, string, array or object");
    }
    if ((*types & bits) == bits) {
        return nx_compile_expected(c, s, node, "each type once");
    }
    *types |= bits;
    return NX_OK;
}

enum nx_err nx_kw_type(struct compiler *c, struct site *s)
{
    uint8_t types = 0;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    enum nx_err err = NX_OK;

    if (nx_site_type(s) != NX_JSON_ARRAY) {
        err = add_type(c, s, s->value, &types);
    } else if (s->json->nodes[s->value].length == 0) {
        err = nx_compile_expected(c, s, s->value, "at least one type");
    }
    while (err == NX_OK && nx_json_each(s->json, s->value, &at, &key, &item)) {
        err = add_type(c, s, item, &types);
    }
    s->plan->types = types;
    s->plan->as_written = s->dialect.draft == NX_DRAFT_04;
    return err;
}

static enum nx_err add_value_rules(struct compiler *c, struct site *s,
                                   const struct constant *values, uint32_t count,
                                   struct value_rules **out)
{
    struct value_rules *rules = nx_compile_alloc(c, 1, sizeof(*rules));

    if (rules == NULL) {
        return NX_ERR_NOMEM;
    }
    *rules = (struct value_rules){
        .values = values, .count = count, .keyword = s->keyword, .next = s->plan->value};
    s->plan->value = rules;
    *out = rules;
    return NX_OK;
}

/* From a dozen values on, a hash table finds one faster than a search. */
static enum nx_err hash_values(struct compiler *c, struct site *s, struct value_rules *rules)
{
    enum nx_err err = NX_OK;
    uint32_t cap = 32;

    while (cap < rules->count * 2) {
        cap *= 2;
    }
    rules->slots = nx_compile_alloc(c, cap, sizeof(*rules->slots));
    if (rules->slots == NULL) {
        return NX_ERR_NOMEM;
    }
    rules->mask = cap - 1;
    for (uint32_t i = 0; i < rules->count && err == NX_OK; i++) {
        uint64_t hash = nx_value_hash(s->json, rules->values[i].node, c->schema->seed, NULL, &err);
        uint32_t slot = (uint32_t)hash & rules->mask;
        while (rules->slots[slot] != 0) {
            slot = (slot + 1) & rules->mask;
        }
        rules->slots[slot] = i + 1;
    }
    return err == NX_OK ? NX_OK
                        : nx_compile_expected(c, s, s->value, "numbers with smaller exponents");
}

enum nx_err nx_kw_const(struct compiler *c, struct site *s)
{
    struct constant *value = nx_compile_alloc(c, 1, sizeof(*value));
    struct value_rules *rules;

    if (value == NULL) {
        return NX_ERR_NOMEM;
    }
    *value = (struct constant){s->json, s->value};
    return add_value_rules(c, s, value, 1, &rules);
}

enum nx_err nx_kw_enum(struct compiler *c, struct site *s)
{
    enum { PLAIN_SEARCH_MAX = 12 };
    struct value_rules *rules;
    struct constant *values;
    uint32_t count = 0;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    enum nx_err err;

    if (nx_site_type(s) != NX_JSON_ARRAY) {
        return nx_compile_expected(c, s, s->value, "an array of values");
    }
    if (s->dialect.draft == NX_DRAFT_04 && s->json->nodes[s->value].length == 0) {
        return nx_compile_expected(c, s, s->value, "at least one value, in draft 04");
    }
    values = nx_compile_alloc(c, s->json->nodes[s->value].length, sizeof(*values));
    if (values == NULL) {
        return NX_ERR_NOMEM;
    }
    while (nx_json_each(s->json, s->value, &at, &key, &item)) {
        values[count++] = (struct constant){s->json, item};
    }
    err = add_value_rules(c, s, values, count, &rules);
    if (err == NX_OK && count > PLAIN_SEARCH_MAX) {
        err = hash_values(c, s, rules);
    }
    return err;
}

/* ---- numbers and strings ------------------------------------------------------------------- */

/* Draft 04: true makes the bound beside it exclusive. */
static enum nx_err exclusive_flag(struct compiler *c, struct site *s)
{
    *(s->keyword == KW_EXCLUSIVE_MINIMUM ? &s->exclusive_minimum : &s->exclusive_maximum) =
        s->value;
    return nx_kw_flag(c, s);
}

enum nx_err nx_kw_bound(struct compiler *c, struct site *s)
{
    bool exclusive = s->keyword == KW_EXCLUSIVE_MINIMUM || s->keyword == KW_EXCLUSIVE_MAXIMUM;
    struct number_rules *rules;

    if (exclusive && s->dialect.draft == NX_DRAFT_04) {
        return exclusive_flag(c, s);
    }
    if (!NX_GROUP(c, s->plan->number)) {
        return NX_ERR_NOMEM;
    }
    rules = s->plan->number;
    return nx_site_number_value(c, s,
                                s->keyword == KW_MINIMUM             ? &rules->minimum
                                : s->keyword == KW_MAXIMUM           ? &rules->maximum
                                : s->keyword == KW_EXCLUSIVE_MINIMUM ? &rules->exclusive_minimum
                                                                     : &rules->exclusive_maximum);
}

/* Moves *bound to *exclusive when draft 04's flag at `flag` says so. */
static enum nx_err apply_flag(struct compiler *c, const struct site *s, uint32_t flag,
                              const struct nx_number **bound, const struct nx_number **exclusive)
{
    if (flag == 0) {
        return NX_OK;
    }
    if (bound == NULL || *bound == NULL) {
        return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, flag,
                               "expected the bound that this makes exclusive beside it");
    }
    if (nx_json_type(s->json, flag) == NX_JSON_TRUE) {
        *exclusive = *bound;
        *bound = NULL;
    }
    return NX_OK;
}

enum nx_err nx_kw_finish_bounds(struct compiler *c, struct site *s)
{
    struct number_rules none = {0};
    struct number_rules *rules = s->plan->number != NULL ? s->plan->number : &none;
    enum nx_err err =
        apply_flag(c, s, s->exclusive_minimum, &rules->minimum, &rules->exclusive_minimum);

    if (err == NX_OK) {
        err = apply_flag(c, s, s->exclusive_maximum, &rules->maximum, &rules->exclusive_maximum);
    }
    return err;
}

enum nx_err nx_kw_multiple_of(struct compiler *c, struct site *s)
{
    const struct nx_number *step = NULL;
    enum nx_err err = nx_site_number_value(c, s, &step);

    if (err != NX_OK) {
        return err;
    }
    if (step->negative || step->digits == 0) {
        return nx_compile_expected(c, s, s->value, "a number greater than 0");
    }
    if (step->digits > NX_NUMBER_DIGITS_MAX) {
        return nx_compile_expected(c, s, s->value, "at most 19 significant digits");
    }
    if (!NX_GROUP(c, s->plan->number)) {
        return NX_ERR_NOMEM;
    }
    s->plan->number->multiple_of = step;
    return NX_OK;
}

static bool string_group(struct compiler *c, struct site *s)
{
    if (s->plan->string == NULL && NX_GROUP(c, s->plan->string)) {
        s->plan->string->length_max = UINT64_MAX;
    }
    return s->plan->string != NULL;
}

enum nx_err nx_kw_length(struct compiler *c, struct site *s)
{
    if (!string_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    return nx_site_count_value(c, s,
                               s->keyword == KW_MIN_LENGTH ? &s->plan->string->length_min
                                                           : &s->plan->string->length_max);
}

enum nx_err nx_kw_pattern(struct compiler *c, struct site *s)
{
    if (nx_site_type(s) != NX_JSON_STRING) {
        return nx_compile_expected(c, s, s->value, "a regular expression in a string");
    }
    if (!string_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    return nx_site_pattern(c, s, s->value, &s->plan->string->pattern);
}

enum nx_err nx_kw_format(struct compiler *c, struct site *s)
{
    bool asserts =
        c->options->assert_format || (s->dialect.vocabularies & VOCAB_FORMAT_ASSERTION) != 0;
    const struct nx_format *format;

    if (nx_site_type(s) != NX_JSON_STRING) {
        return nx_compile_expected(c, s, s->value, "the name of a format in a string");
    }
    format = nx_format_find(nx_json_text(s->json, s->value), nx_draft_number(s->dialect.draft));
    if (format == NULL && nx_compile_strict(c, s->plan->document)) {
        struct nx_span name = nx_json_text(s->json, s->value);
        return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, s->value,
                               "unknown format \"%.*s\" in draft %s", NX_SPAN_ARG(name),
                               nx_draft_name(s->dialect.draft));
    }
    if (format == NULL || !asserts) {
        return NX_OK;
    }
    if (!string_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    s->plan->string->format = format;
    return NX_OK;
}

/* ---- annotations --------------------------------------------------------------------------- */

enum nx_err nx_kw_any(struct compiler *c, struct site *s)
{
    (void)c;
    (void)s;
    return NX_OK;
}

enum nx_err nx_kw_text(struct compiler *c, struct site *s)
{
    return nx_site_type(s) == NX_JSON_STRING ? NX_OK
                                             : nx_compile_expected(c, s, s->value, "a string");
}

enum nx_err nx_kw_flag(struct compiler *c, struct site *s)
{
    return nx_site_type(s) == NX_JSON_TRUE || nx_site_type(s) == NX_JSON_FALSE
               ? NX_OK
               : nx_compile_expected(c, s, s->value, "true or false");
}

enum nx_err nx_kw_list(struct compiler *c, struct site *s)
{
    return nx_site_type(s) == NX_JSON_ARRAY ? NX_OK
                                            : nx_compile_expected(c, s, s->value, "an array");
}

/* contentEncoding, contentMediaType: assertions in draft 07 alone, and where they are asked for. */
enum nx_err nx_kw_content(struct compiler *c, struct site *s)
{
    struct nx_span name = nx_json_text(s->json, s->value);
    enum nx_err err = nx_kw_text(c, s);

    if (err != NX_OK || !c->options->assert_content || s->dialect.draft != NX_DRAFT_07) {
        return err;
    }
    if (!string_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    if (s->keyword == KW_CONTENT_ENCODING) {
        s->plan->string->content_base64 = nx_span_is(name, "base64");
    } else {
        s->plan->string->content_json = nx_span_is(name, "application/json");
    }
    return NX_OK;
}

enum nx_err nx_kw_content_schema(struct compiler *c, struct site *s)
{
    struct plan *unused; /* compiled for its faults; contentSchema never asserts */

    return nx_site_schema_value(c, s, &unused);
}
