/*
 * schema_site.c - reads the value of a keyword, and complains about it with its place.
 */
#include "core/schema_rules.h"

#include <stdlib.h>

enum nx_err nx_compile_expected(struct compiler *c, const struct site *s, uint32_t node,
                                const char *what)
{
    return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, node, "%s: expected %s",
                           nx_keyword_name(s->keyword), what);
}

/* A non-negative integer; 2.0 is one. What no payload can reach is cut to UINT64_MAX. */
enum nx_err nx_site_count_value(struct compiler *c, const struct site *s, uint64_t *out)
{
    struct nx_number number;
    int64_t integer;

    if (nx_site_type(s) != NX_JSON_NUMBER) {
        return nx_compile_expected(c, s, s->value, "an integer of at least 0");
    }
    if (nx_number_read(nx_json_text(s->json, s->value), &number) != NX_OK || number.negative ||
        !nx_number_is_integer(&number)) {
        return nx_compile_expected(c, s, s->value, "an integer of at least 0");
    }
    *out = nx_number_int(number.text, &integer) == NX_OK ? (uint64_t)integer : UINT64_MAX;
    return NX_OK;
}

enum nx_err nx_site_number_value(struct compiler *c, const struct site *s,
                                 const struct nx_number **out)
{
    struct nx_number *number;

    if (nx_site_type(s) != NX_JSON_NUMBER) {
        return nx_compile_expected(c, s, s->value, "a number");
    }
    number = nx_compile_alloc(c, 1, sizeof(*number));
    if (number == NULL) {
        return NX_ERR_NOMEM;
    }
    if (nx_number_read(nx_json_text(s->json, s->value), number) != NX_OK) {
        return nx_compile_expected(c, s, s->value, "a number with a smaller exponent");
    }
    *out = number;
    return NX_OK;
}

enum nx_err nx_site_schema(struct compiler *c, const struct site *s, uint32_t node,
                           struct plan **out)
{
    bool additional = s->keyword == KW_ADDITIONAL_ITEMS || s->keyword == KW_ADDITIONAL_PROPERTIES;

    if (s->dialect.draft == NX_DRAFT_04 && !additional &&
        nx_json_type(s->json, node) != NX_JSON_OBJECT) {
        return nx_compile_expected(c, s, node, "a schema: an object, in draft 04");
    }
    return nx_compile_plan(c, s->plan->document, node, out);
}

enum nx_err nx_site_schema_value(struct compiler *c, const struct site *s, struct plan **out)
{
    return nx_site_schema(c, s, s->value, out);
}

/* A non-empty array of schemas. */
enum nx_err nx_site_schema_array(struct compiler *c, const struct site *s, struct plan ***out,
                                 uint32_t *count)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    enum nx_err err = NX_OK;

    if (nx_site_type(s) != NX_JSON_ARRAY || s->json->nodes[s->value].length == 0) {
        return nx_compile_expected(c, s, s->value, "an array of schemas, at least one");
    }
    *out = nx_compile_alloc(c, s->json->nodes[s->value].length, sizeof(struct plan *));
    if (*out == NULL) {
        return NX_ERR_NOMEM;
    }
    *count = 0;
    while (err == NX_OK && nx_json_each(s->json, s->value, &at, &key, &item)) {
        err = nx_site_schema(c, s, item, &(*out)[(*count)++]);
    }
    return err;
}

enum nx_err nx_site_pattern(struct compiler *c, const struct site *s, uint32_t node,
                            const struct nx_pattern **out)
{
    struct nx_schema *schema = c->schema;
    struct nx_pattern *pattern;
    struct nx_diag why = {0};
    enum nx_err err;

    if (schema->patterns_count == schema->patterns_cap) {
        uint32_t cap = schema->patterns_cap > 0 ? schema->patterns_cap * 2 : 16;
        struct nx_pattern **patterns = realloc(schema->patterns, cap * sizeof(*patterns));
        if (patterns == NULL) {
            return NX_ERR_NOMEM;
        }
        schema->patterns = patterns;
        schema->patterns_cap = cap;
    }
    err = nx_pattern_compile(nx_json_text(s->json, node), &pattern, &why);
    if (err != NX_OK) {
        return nx_compile_fail(c, err, s->plan->document, node, "%s: %s",
                               nx_keyword_name(s->keyword), why.text);
    }
    schema->patterns[schema->patterns_count++] = pattern;
    *out = pattern;
    return NX_OK;
}
