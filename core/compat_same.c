/*
 * compat_same.c - do two subschemas say the same? Then they accept the same, whatever it is that
 * they say: this is the one rule that needs no understanding of a keyword. Annotations may
 * differ; references are followed on both sides, because the same words may lead to different
 * definitions. Two cycles that never differ are the same (bisimulation).
 */
#include "core/compat_plan.h"

enum { SAME_DEPTH_MAX = 160, SAME_STEPS_MAX = 50 * 1000, LIST_MAX = 1024 };

struct pair {
    struct subschema a;
    struct subschema b;
    const struct pair *outer;
};

struct comparison {
    uint32_t steps;
    uint32_t depth;
};

static bool equal_members(const struct nx_json *a_json, uint32_t a, const struct nx_json *b_json,
                          uint32_t b)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (nx_json_each(a_json, a, &at, &key, &value)) {
        uint32_t other = nx_json_member(b_json, b, nx_json_text(a_json, key));
        if (other == 0 || !compat_equal(a_json, value, b_json, other)) {
            return false;
        }
    }
    return true;
}

static bool equal_items(const struct nx_json *a_json, uint32_t a, const struct nx_json *b_json,
                        uint32_t b)
{
    uint32_t a_at = 0;
    uint32_t b_at = 0;
    uint32_t key;
    uint32_t a_item;
    uint32_t b_item;

    while (nx_json_each(a_json, a, &a_at, &key, &a_item) &&
           nx_json_each(b_json, b, &b_at, &key, &b_item)) {
        if (!compat_equal(a_json, a_item, b_json, b_item)) {
            return false;
        }
    }
    return true;
}

static bool equal_numbers(struct nx_span a_text, struct nx_span b_text)
{
    struct nx_number a;
    struct nx_number b;

    if (nx_span_eq(a_text, b_text)) {
        return true;
    }
    return nx_number_read(a_text, &a) == NX_OK && nx_number_read(b_text, &b) == NX_OK &&
           nx_number_compare(&a, &b) == 0;
}

bool compat_equal(const struct nx_json *a_json, uint32_t a, const struct nx_json *b_json,
                  uint32_t b)
{
    enum nx_json_type type = nx_json_type(a_json, a);

    if (type != nx_json_type(b_json, b)) {
        return false;
    }
    switch (type) {
    case NX_JSON_NULL:
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
        return true;
    case NX_JSON_NUMBER:
        return equal_numbers(nx_json_text(a_json, a), nx_json_text(b_json, b));
    case NX_JSON_STRING:
        return nx_span_eq(nx_json_text(a_json, a), nx_json_text(b_json, b));
    case NX_JSON_ARRAY:
        return nx_json_length(a_json, a) == nx_json_length(b_json, b) &&
               equal_items(a_json, a, b_json, b);
    case NX_JSON_OBJECT:
        return nx_json_length(a_json, a) == nx_json_length(b_json, b) &&
               equal_members(a_json, a, b_json, b);
    }
    return false;
}

/* ---- keywords ------------------------------------------------------------------------------ */

static bool same(struct comparison *c, struct subschema a, struct subschema b,
                 const struct pair *outer);

typedef bool (*same_value)(struct comparison *c, struct subschema a, struct subschema b,
                           const struct pair *outer);

static bool same_list(struct comparison *c, struct subschema a, struct subschema b,
                      const struct pair *outer)
{
    uint32_t a_at = 0;
    uint32_t b_at = 0;
    uint32_t key;
    uint32_t a_item;
    uint32_t b_item;

    if (nx_json_length(a.doc->json, a.node) != nx_json_length(b.doc->json, b.node)) {
        return false;
    }
    while (nx_json_each(a.doc->json, a.node, &a_at, &key, &a_item) &&
           nx_json_each(b.doc->json, b.node, &b_at, &key, &b_item)) {
        if (!same(c, (struct subschema){a.doc, a_item}, (struct subschema){b.doc, b_item}, outer)) {
            return false;
        }
    }
    return true;
}

static bool same_map(struct comparison *c, struct subschema a, struct subschema b,
                     const struct pair *outer)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    if (nx_json_length(a.doc->json, a.node) != nx_json_length(b.doc->json, b.node)) {
        return false;
    }
    while (nx_json_each(a.doc->json, a.node, &at, &key, &value)) {
        uint32_t other = nx_json_member(b.doc->json, b.node, nx_json_text(a.doc->json, key));
        if (other == 0 ||
            !same(c, (struct subschema){a.doc, value}, (struct subschema){b.doc, other}, outer)) {
            return false;
        }
    }
    return true;
}

static bool has_item(const struct nx_json *json, uint32_t list, const struct nx_json *other,
                     uint32_t value)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    while (nx_json_each(json, list, &at, &key, &item)) {
        if (compat_equal(json, item, other, value)) {
            return true;
        }
    }
    return false;
}

static bool all_items_in(const struct nx_json *a_json, uint32_t a, const struct nx_json *b_json,
                         uint32_t b)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    while (nx_json_each(a_json, a, &at, &key, &item)) {
        if (!has_item(b_json, b, a_json, item)) {
            return false;
        }
    }
    return true;
}

/* type, enum, required: the order is nothing. */
static bool same_set(struct comparison *c, struct subschema a, struct subschema b,
                     const struct pair *outer)
{
    const struct nx_json *a_json = a.doc->json;
    const struct nx_json *b_json = b.doc->json;
    (void)c;
    (void)outer;

    if (nx_json_type(a_json, a.node) != NX_JSON_ARRAY ||
        nx_json_type(b_json, b.node) != NX_JSON_ARRAY ||
        nx_json_length(a_json, a.node) > LIST_MAX || nx_json_length(b_json, b.node) > LIST_MAX) {
        return compat_equal(a_json, a.node, b_json, b.node);
    }
    return all_items_in(a_json, a.node, b_json, b.node) &&
           all_items_in(b_json, b.node, a_json, a.node);
}

static bool same_reference(struct comparison *c, struct subschema a, struct subschema b,
                           const struct pair *outer)
{
    uint32_t a_target;
    uint32_t b_target;

    return compat_follow(a.doc, a.node, &a_target) && compat_follow(b.doc, b.node, &b_target) &&
           same(c, (struct subschema){a.doc, a_target}, (struct subschema){b.doc, b_target}, outer);
}

/* In a schema that was given the keyword is somebody else's. */
static bool same_as_written(struct comparison *c, struct subschema a, struct subschema b,
                            const struct pair *outer)
{
    (void)c;
    (void)outer;
    return a.doc->bundled == b.doc->bundled &&
           compat_equal(a.doc->json, a.node, b.doc->json, b.node);
}

static const struct {
    const char *keyword;
    same_value same;
} rows[] = {
    {COMPAT_AS_WRITTEN, same_as_written},
    {"$ref", same_reference},
    {"$dynamicRef", same_reference},
    {"items", same},
    {"contains", same},
    {"additionalProperties", same},
    {"propertyNames", same},
    {"if", same},
    {"then", same},
    {"else", same},
    {"not", same},
    {"unevaluatedItems", same},
    {"unevaluatedProperties", same},
    {"allOf", same_list},
    {"anyOf", same_list},
    {"oneOf", same_list},
    {"prefixItems", same_list},
    {"properties", same_map},
    {"patternProperties", same_map},
    {"dependentSchemas", same_map},
    {"type", same_set},
    {"enum", same_set},
    {"required", same_set},
};

static bool same_keyword(struct comparison *c, struct subschema a, struct subschema b,
                         struct nx_span keyword, const struct pair *outer)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (nx_span_is(keyword, rows[i].keyword)) {
            return rows[i].same(c, a, b, outer);
        }
    }
    return compat_equal(a.doc->json, a.node, b.doc->json, b.node);
}

/* Every keyword of `a` that is no annotation is in `b` too; with `deep` it says the same there. */
static bool covers(struct comparison *c, struct subschema a, struct subschema b, bool deep,
                   const struct pair *outer)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (nx_json_each(a.doc->json, a.node, &at, &key, &value)) {
        struct nx_span keyword = nx_json_text(a.doc->json, key);
        uint32_t other = nx_json_member(b.doc->json, b.node, keyword);
        if (compat_is_annotation(a.doc, keyword)) {
            continue;
        }
        if (other == 0 ||
            (deep && !same_keyword(c, (struct subschema){a.doc, value},
                                   (struct subschema){b.doc, other}, keyword, outer))) {
            return false;
        }
    }
    return true;
}

static bool same(struct comparison *c, struct subschema a, struct subschema b,
                 const struct pair *outer)
{
    const struct pair here = {a, b, outer};
    enum nx_json_type type = nx_json_type(a.doc->json, a.node);
    bool equal;

    if (a.doc == b.doc && a.node == b.node) {
        return true;
    }
    if (type != NX_JSON_OBJECT || nx_json_type(b.doc->json, b.node) != NX_JSON_OBJECT) {
        return compat_equal(a.doc->json, a.node, b.doc->json, b.node);
    }
    for (const struct pair *p = outer; p != NULL; p = p->outer) {
        if (p->a.node == a.node && p->b.node == b.node && p->a.doc == a.doc && p->b.doc == b.doc) {
            return true;
        }
    }
    if (c->depth == SAME_DEPTH_MAX || ++c->steps > SAME_STEPS_MAX) {
        return false;
    }
    c->depth++;
    equal = covers(c, a, b, true, &here) && covers(c, b, a, false, &here);
    c->depth--;
    return equal;
}

bool compat_same(struct subschema a, struct subschema b)
{
    struct comparison c = {0};

    return same(&c, a, b, NULL);
}
