/*
 * schema_apply.c - compiles the keywords that apply subschemas: references, choices, and those of
 * arrays and objects with the counts that belong to them.
 */
#include "core/schema_rules.h"

static void add_applicator(struct site *s, enum applicator_kind kind, struct plan **plans,
                           uint32_t count)
{
    s->applicators[s->applicators_count++] =
        (struct applicator){.kind = kind, .keyword = s->keyword, .plans = plans, .count = count};
}

/* ---- core ---------------------------------------------------------------------------------- */

enum nx_err nx_kw_done(struct compiler *c, struct site *s) /* schema_load.c saw to it */
{
    (void)c;
    (void)s;
    return NX_OK;
}

/* The reference that was just added goes by the dynamic scope. */
static enum nx_err make_dynamic(struct compiler *c, struct site *s, struct nx_span anchor)
{
    struct applicator *applicator = &s->applicators[s->applicators_count - 1];

    applicator->kind = APPLY_DYNAMIC;
    return nx_compile_dynamic_name(c, s, anchor, &applicator->dynamic_name);
}

enum nx_err nx_kw_ref(struct compiler *c, struct site *s)
{
    struct target target;
    struct plan **plans = nx_compile_alloc(c, 1, sizeof(*plans));
    enum nx_err err;

    if (plans == NULL) {
        return NX_ERR_NOMEM;
    }
    if (nx_site_type(s) != NX_JSON_STRING) {
        return nx_compile_expected(c, s, s->value, "a URI reference in a string");
    }
    err = nx_schema_resolve(c, s->plan->resource, s->value, &target);
    if (err == NX_OK) {
        err = nx_compile_plan(c, target.document, target.node, &plans[0]);
    }
    if (err != NX_OK) {
        return err;
    }
    add_applicator(s, APPLY_ALL, plans, 1);
    if (s->keyword == KW_DYNAMIC_REF && target.dynamic_anchor.ptr != NULL) {
        return make_dynamic(c, s, target.dynamic_anchor);
    }
    return NX_OK;
}

/* 2019-09, section 8.2.4.2: as $dynamicRef, with one anchor that has no name. */
enum nx_err nx_kw_recursive_ref(struct compiler *c, struct site *s)
{
    enum nx_err err;

    if (!nx_span_is(nx_json_text(s->json, s->value), "#")) {
        return nx_compile_expected(c, s, s->value, "\"#\"");
    }
    err = nx_kw_ref(c, s);
    if (err == NX_OK && nx_schema_anchor(c, s->plan->resource, NX_SPAN("")) != NULL) {
        err = make_dynamic(c, s, NX_SPAN(""));
    }
    return err;
}

enum nx_err nx_kw_defs(struct compiler *c, struct site *s)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    struct plan *plan;
    enum nx_err err = NX_OK;

    if (nx_site_type(s) != NX_JSON_OBJECT) {
        return nx_compile_expected(c, s, s->value, "an object of schemas");
    }
    while (err == NX_OK && nx_json_each(s->json, s->value, &at, &key, &value)) {
        err = nx_site_schema(c, s, value, &plan);
    }
    return err;
}

enum nx_err nx_kw_vocabulary(struct compiler *c, struct site *s)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    if (nx_site_type(s) != NX_JSON_OBJECT) {
        return nx_compile_expected(c, s, s->value, "an object of true and false");
    }
    while (nx_json_each(s->json, s->value, &at, &key, &value)) {
        enum nx_json_type type = nx_json_type(s->json, value);
        if (type != NX_JSON_TRUE && type != NX_JSON_FALSE) {
            return nx_compile_expected(c, s, value, "true or false");
        }
    }
    return NX_OK;
}

/* ---- applicators in place ------------------------------------------------------------------ */

enum nx_err nx_kw_branches(struct compiler *c, struct site *s)
{
    enum applicator_kind kind = s->keyword == KW_ALL_OF   ? APPLY_ALL
                                : s->keyword == KW_ANY_OF ? APPLY_ANY
                                                          : APPLY_ONE;
    struct plan **plans;
    uint32_t count;
    enum nx_err err = nx_site_schema_array(c, s, &plans, &count);

    if (err == NX_OK) {
        add_applicator(s, kind, plans, count);
    }
    return err;
}

enum nx_err nx_kw_not(struct compiler *c, struct site *s)
{
    struct plan **plans = nx_compile_alloc(c, 1, sizeof(*plans));
    enum nx_err err = plans != NULL ? nx_site_schema_value(c, s, &plans[0]) : NX_ERR_NOMEM;

    if (err == NX_OK) {
        add_applicator(s, APPLY_NOT, plans, 1);
    }
    return err;
}

enum nx_err nx_kw_if(struct compiler *c, struct site *s)
{
    return nx_site_schema_value(c, s,
                                s->keyword == KW_IF     ? &s->condition
                                : s->keyword == KW_THEN ? &s->consequent
                                                        : &s->alternative);
}

/* if, then and else were compiled: they are one applicator. */
enum nx_err nx_kw_finish_if(struct compiler *c, struct site *s)
{
    struct plan **plans;

    if (s->condition == NULL) {
        return NX_OK;
    }
    plans = nx_compile_alloc(c, 3, sizeof(*plans));
    if (plans == NULL) {
        return NX_ERR_NOMEM;
    }
    plans[0] = s->condition;
    plans[1] = s->consequent;
    plans[2] = s->alternative;
    s->keyword = KW_IF;
    add_applicator(s, APPLY_IF, plans, 3);
    return NX_OK;
}

/* ---- arrays -------------------------------------------------------------------------------- */

static bool array_group(struct compiler *c, struct site *s)
{
    if (s->plan->array == NULL && NX_GROUP(c, s->plan->array)) {
        s->plan->array->prefix_keyword =
            s->dialect.draft == NX_DRAFT_2020_12 ? KW_PREFIX_ITEMS : KW_ITEMS;
        s->plan->array->items_keyword = KW_ITEMS;
        s->plan->array->contains_evaluates = s->dialect.draft == NX_DRAFT_2020_12;
        s->plan->array->contains_min = 1;
        s->plan->array->contains_max = UINT64_MAX;
        s->plan->array->count_max = UINT64_MAX;
    }
    return s->plan->array != NULL;
}

enum nx_err nx_kw_prefix_items(struct compiler *c, struct site *s)
{
    if (!array_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    return nx_site_schema_array(c, s, &s->plan->array->prefix, &s->plan->array->prefix_count);
}

/* Before 2020-12 `items` with an array is what `prefixItems` is now. */
enum nx_err nx_kw_items(struct compiler *c, struct site *s)
{
    struct array_rules *rules;

    if (!array_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    rules = s->plan->array;
    if (s->dialect.draft == NX_DRAFT_2020_12 || nx_site_type(s) != NX_JSON_ARRAY) {
        return nx_site_schema_value(c, s, &rules->items);
    }
    rules->items_keyword = KW_ADDITIONAL_ITEMS;
    return nx_site_schema_array(c, s, &rules->prefix, &rules->prefix_count);
}

enum nx_err nx_kw_additional_items(struct compiler *c, struct site *s)
{
    return nx_site_schema_value(c, s, &s->additional_items);
}

/* additionalItems has no meaning but beside `items` with an array. */
enum nx_err nx_kw_finish_items(struct compiler *c, struct site *s)
{
    struct array_rules *rules = s->plan->array;

    (void)c;
    if (rules != NULL && rules->items_keyword == KW_ADDITIONAL_ITEMS) {
        rules->items = s->additional_items;
    }
    return NX_OK;
}

enum nx_err nx_kw_array_schema(struct compiler *c, struct site *s)
{
    if (!array_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    if (s->keyword == KW_UNEVALUATED_ITEMS) {
        s->plan->owns_marks = true;
        return nx_site_schema_value(c, s, &s->plan->array->unevaluated);
    }
    return nx_site_schema_value(c, s, &s->plan->array->contains);
}

enum nx_err nx_kw_array_count(struct compiler *c, struct site *s)
{
    struct array_rules *rules;

    if (!array_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    rules = s->plan->array;
    return nx_site_count_value(c, s,
                               s->keyword == KW_MIN_ITEMS      ? &rules->count_min
                               : s->keyword == KW_MAX_ITEMS    ? &rules->count_max
                               : s->keyword == KW_MIN_CONTAINS ? &rules->contains_min
                                                               : &rules->contains_max);
}

enum nx_err nx_kw_unique_items(struct compiler *c, struct site *s)
{
    if (nx_site_type(s) != NX_JSON_TRUE && nx_site_type(s) != NX_JSON_FALSE) {
        return nx_compile_expected(c, s, s->value, "true or false");
    }
    if (!array_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    s->plan->array->unique = nx_site_type(s) == NX_JSON_TRUE;
    return NX_OK;
}

/* ---- objects ------------------------------------------------------------------------------- */

static bool object_group(struct compiler *c, struct site *s)
{
    if (s->plan->object == NULL && NX_GROUP(c, s->plan->object)) {
        s->plan->object->count_max = UINT64_MAX;
    }
    return s->plan->object != NULL;
}

/* Keywords about single names are compiled together, by nx_compile_names. */
enum nx_err nx_kw_names(struct compiler *c, struct site *s)
{
    enum nx_json_type want = s->keyword == KW_REQUIRED ? NX_JSON_ARRAY : NX_JSON_OBJECT;

    if (nx_site_type(s) != want) {
        return nx_compile_expected(
            c, s, s->value,
            s->keyword == KW_REQUIRED             ? "an array of member names"
            : s->keyword == KW_DEPENDENT_REQUIRED ? "an object of arrays of member names"
            : s->keyword == KW_DEPENDENCIES ? "an object of schemas and arrays of member names"
                                            : "an object of schemas");
    }
    if (s->keyword == KW_REQUIRED && s->dialect.draft == NX_DRAFT_04 &&
        s->json->nodes[s->value].length == 0) {
        return nx_compile_expected(c, s, s->value, "at least one name, in draft 04");
    }
    if (!object_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    *(s->keyword == KW_REQUIRED             ? &s->required
      : s->keyword == KW_PROPERTIES         ? &s->properties
      : s->keyword == KW_DEPENDENT_REQUIRED ? &s->dependent_required
      : s->keyword == KW_DEPENDENCIES       ? &s->dependencies
                                            : &s->dependent_schemas) = s->value;
    return NX_OK;
}

enum nx_err nx_kw_pattern_properties(struct compiler *c, struct site *s)
{
    struct object_rules *rules;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    enum nx_err err = NX_OK;

    if (nx_site_type(s) != NX_JSON_OBJECT) {
        return nx_compile_expected(c, s, s->value, "an object of schemas");
    }
    if (!object_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    rules = s->plan->object;
    rules->patterns =
        nx_compile_alloc(c, s->json->nodes[s->value].length, sizeof(*rules->patterns));
    if (rules->patterns == NULL) {
        return NX_ERR_NOMEM;
    }
    while (err == NX_OK && nx_json_each(s->json, s->value, &at, &key, &value)) {
        struct pattern_property *row = &rules->patterns[rules->patterns_count++];
        err = nx_site_pattern(c, s, key, &row->pattern);
        if (err == NX_OK) {
            err = nx_site_schema(c, s, value, &row->plan);
        }
    }
    return err;
}

enum nx_err nx_kw_object_schema(struct compiler *c, struct site *s)
{
    if (!object_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    if (s->keyword == KW_UNEVALUATED_PROPERTIES) {
        s->plan->owns_marks = true;
        return nx_site_schema_value(c, s, &s->plan->object->unevaluated);
    }
    return nx_site_schema_value(c, s,
                                s->keyword == KW_PROPERTY_NAMES ? &s->plan->object->names
                                                                : &s->plan->object->additional);
}

enum nx_err nx_kw_object_count(struct compiler *c, struct site *s)
{
    if (!object_group(c, s)) {
        return NX_ERR_NOMEM;
    }
    return nx_site_count_value(c, s,
                               s->keyword == KW_MIN_PROPERTIES ? &s->plan->object->count_min
                                                               : &s->plan->object->count_max);
}
