/*
 * schema_keyword.c - the keywords of 2020-12, one row each: name, vocabulary, where subschemas
 * are, and the function that checks the keyword's value and puts it into the plan.
 *
 * To add a keyword, add its constant to enum nx_keyword, a function and a row here, its check in
 * schema_check.c and its words in schema_explain.c. A keyword is never half known: what has a row
 * is enforced, or is an annotation that asserts nothing by definition.
 */
#include "core/schema_rules.h"

struct keyword_row {
    const char *name;
    uint32_t vocabularies; /* any of them brings the keyword */
    enum nx_shape shape;
    enum nx_err (*compile)(struct compiler *c, struct site *s);
};

static const struct keyword_row rows[KW_COUNT] = {
    [KW_NONE] = {"", 0, SHAPE_VALUE, NULL},
    [KW_SCHEMA] = {"$schema", VOCAB_CORE, SHAPE_VALUE, nx_kw_text},
    [KW_ID] = {"$id", VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_REF] = {"$ref", VOCAB_CORE, SHAPE_VALUE, nx_kw_ref},
    [KW_ANCHOR] = {"$anchor", VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_DYNAMIC_REF] = {"$dynamicRef", VOCAB_CORE, SHAPE_VALUE, nx_kw_ref},
    [KW_DYNAMIC_ANCHOR] = {"$dynamicAnchor", VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_VOCABULARY] = {"$vocabulary", VOCAB_CORE, SHAPE_VALUE, nx_kw_vocabulary},
    [KW_COMMENT] = {"$comment", VOCAB_CORE, SHAPE_VALUE, nx_kw_text},
    [KW_DEFS] = {"$defs", VOCAB_CORE, SHAPE_SCHEMA_MAP, nx_kw_defs},
    [KW_PREFIX_ITEMS] = {"prefixItems", VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_prefix_items},
    [KW_ITEMS] = {"items", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_array_schema},
    [KW_CONTAINS] = {"contains", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_array_schema},
    [KW_ADDITIONAL_PROPERTIES] = {"additionalProperties", VOCAB_APPLICATOR, SHAPE_SCHEMA,
                                  nx_kw_object_schema},
    [KW_PROPERTIES] = {"properties", VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, nx_kw_names},
    [KW_PATTERN_PROPERTIES] = {"patternProperties", VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP,
                               nx_kw_pattern_properties},
    [KW_DEPENDENT_SCHEMAS] = {"dependentSchemas", VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, nx_kw_names},
    [KW_PROPERTY_NAMES] = {"propertyNames", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_object_schema},
    [KW_IF] = {"if", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_if},
    [KW_THEN] = {"then", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_if},
    [KW_ELSE] = {"else", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_if},
    [KW_ALL_OF] = {"allOf", VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_branches},
    [KW_ANY_OF] = {"anyOf", VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_branches},
    [KW_ONE_OF] = {"oneOf", VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_branches},
    [KW_NOT] = {"not", VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_not},
    [KW_UNEVALUATED_ITEMS] = {"unevaluatedItems", VOCAB_UNEVALUATED, SHAPE_SCHEMA,
                              nx_kw_array_schema},
    [KW_UNEVALUATED_PROPERTIES] = {"unevaluatedProperties", VOCAB_UNEVALUATED, SHAPE_SCHEMA,
                                   nx_kw_object_schema},
    [KW_TYPE] = {"type", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_type},
    [KW_CONST] = {"const", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_const},
    [KW_ENUM] = {"enum", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_enum},
    [KW_MULTIPLE_OF] = {"multipleOf", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_multiple_of},
    [KW_MAXIMUM] = {"maximum", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_bound},
    [KW_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_bound},
    [KW_MINIMUM] = {"minimum", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_bound},
    [KW_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_bound},
    [KW_MAX_LENGTH] = {"maxLength", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_length},
    [KW_MIN_LENGTH] = {"minLength", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_length},
    [KW_PATTERN] = {"pattern", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_pattern},
    [KW_MAX_ITEMS] = {"maxItems", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_array_count},
    [KW_MIN_ITEMS] = {"minItems", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_array_count},
    [KW_UNIQUE_ITEMS] = {"uniqueItems", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_unique_items},
    [KW_MAX_CONTAINS] = {"maxContains", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_array_count},
    [KW_MIN_CONTAINS] = {"minContains", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_array_count},
    [KW_MAX_PROPERTIES] = {"maxProperties", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_object_count},
    [KW_MIN_PROPERTIES] = {"minProperties", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_object_count},
    [KW_REQUIRED] = {"required", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_names},
    [KW_DEPENDENT_REQUIRED] = {"dependentRequired", VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_names},
    [KW_FORMAT] = {"format", VOCAB_FORMAT_ANNOTATION | VOCAB_FORMAT_ASSERTION, SHAPE_VALUE,
                   nx_kw_format},
    [KW_CONTENT_ENCODING] = {"contentEncoding", VOCAB_CONTENT, SHAPE_VALUE, nx_kw_text},
    [KW_CONTENT_MEDIA_TYPE] = {"contentMediaType", VOCAB_CONTENT, SHAPE_VALUE, nx_kw_text},
    [KW_CONTENT_SCHEMA] = {"contentSchema", VOCAB_CONTENT, SHAPE_SCHEMA, nx_kw_content_schema},
    [KW_TITLE] = {"title", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_text},
    [KW_DESCRIPTION] = {"description", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_text},
    [KW_DEFAULT] = {"default", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_any},
    [KW_DEPRECATED] = {"deprecated", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_flag},
    [KW_READ_ONLY] = {"readOnly", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_flag},
    [KW_WRITE_ONLY] = {"writeOnly", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_flag},
    [KW_EXAMPLES] = {"examples", VOCAB_META_DATA, SHAPE_VALUE, nx_kw_list},
};

const char *nx_keyword_name(enum nx_keyword keyword)
{
    return rows[keyword].name;
}

enum nx_keyword nx_keyword_find(struct nx_span name)
{
    for (enum nx_keyword keyword = KW_NONE + 1; keyword < KW_COUNT; keyword++) {
        if (nx_span_is(name, rows[keyword].name)) {
            return keyword;
        }
    }
    return KW_COUNT;
}

enum nx_shape nx_keyword_shape(enum nx_keyword keyword)
{
    return rows[keyword].shape;
}

static enum nx_err unknown_keyword(struct compiler *c, const struct site *s)
{
    struct nx_span name = nx_json_text(s->json, s->key);

    if (!c->options->strict) {
        return NX_OK;
    }
    return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, s->key, "unknown keyword \"%.*s\"",
                           NX_SPAN_ARG(name));
}

static enum nx_err finish_plan(struct compiler *c, struct site *s)
{
    struct plan *plan = s->plan;
    enum nx_err err = nx_kw_finish_if(c, s);

    if (err == NX_OK && plan->object != NULL) {
        err = nx_compile_names(c, s);
    }
    if (err != NX_OK || s->applicators_count == 0) {
        return err;
    }
    plan->applicators = nx_compile_alloc(c, s->applicators_count, sizeof(*plan->applicators));
    if (plan->applicators == NULL) {
        return NX_ERR_NOMEM;
    }
    memcpy(plan->applicators, s->applicators, s->applicators_count * sizeof(*plan->applicators));
    plan->applicators_count = s->applicators_count;
    return NX_OK;
}

enum nx_err nx_compile_keywords(struct compiler *c, struct plan *plan)
{
    struct site site = {
        .plan = plan, .json = c->schema->documents[plan->document].json, .node = plan->node};
    uint32_t vocab = c->schema->resources[plan->resource].vocabularies;
    uint32_t at = 0;
    enum nx_err err = NX_OK;

    while (err == NX_OK && nx_json_each(site.json, plan->node, &at, &site.key, &site.value)) {
        site.keyword = nx_keyword_find(nx_json_text(site.json, site.key));
        if (site.keyword == KW_COUNT || (rows[site.keyword].vocabularies & vocab) == 0) {
            err = unknown_keyword(c, &site);
        } else {
            err = rows[site.keyword].compile(c, &site);
        }
    }
    return err == NX_OK ? finish_plan(c, &site) : err;
}
