/*
 * schema_keyword.c - the keywords of all drafts, one row each: name, the drafts that have it,
 * vocabulary, where subschemas are, and the function that checks the keyword's value and puts it
 * into the plan.
 *
 * To add a keyword, add its constant to enum nx_keyword, a function and a row here, its check in
 * schema_check.c and its words in schema_explain.c. A keyword is never half known: what has a row
 * is enforced, or is an annotation that asserts nothing by definition. Where a draft gives a
 * keyword of the same name another value, the function asks site.dialect.
 *
 * `definitions` and `dependencies` are of draft 07 and before. The later metaschemas keep them for
 * compatibility, and so does the judge, but not for a strict caller: they are not in the draft.
 */
#include "core/schema_rules.h"

struct keyword_row {
    const char *name;
    unsigned drafts;       /* that have it: DRAFT_* bits */
    uint32_t vocabularies; /* any of them brings the keyword */
    enum nx_shape shape;
    enum nx_err (*compile)(struct compiler *c, struct site *s);
};

static const struct keyword_row rows[KW_COUNT] = {
    [KW_NONE] = {"", 0, 0, SHAPE_VALUE, NULL},
    [KW_SCHEMA] = {"$schema", SINCE_4, VOCAB_CORE, SHAPE_VALUE, nx_kw_text},
    [KW_ID] = {"$id", SINCE_6, VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_ID_4] = {"id", DRAFT_4, VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_REF] = {"$ref", SINCE_4, VOCAB_CORE, SHAPE_VALUE, nx_kw_ref},
    [KW_ANCHOR] = {"$anchor", SINCE_2019, VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_DYNAMIC_REF] = {"$dynamicRef", DRAFT_2020, VOCAB_CORE, SHAPE_VALUE, nx_kw_ref},
    [KW_DYNAMIC_ANCHOR] = {"$dynamicAnchor", DRAFT_2020, VOCAB_CORE, SHAPE_VALUE, nx_kw_done},
    [KW_RECURSIVE_REF] = {"$recursiveRef", DRAFT_2019, VOCAB_CORE, SHAPE_VALUE,
                          nx_kw_recursive_ref},
    [KW_RECURSIVE_ANCHOR] = {"$recursiveAnchor", DRAFT_2019, VOCAB_CORE, SHAPE_VALUE, nx_kw_flag},
    [KW_VOCABULARY] = {"$vocabulary", SINCE_2019, VOCAB_CORE, SHAPE_VALUE, nx_kw_vocabulary},
    [KW_COMMENT] = {"$comment", SINCE_7, VOCAB_CORE, SHAPE_VALUE, nx_kw_text},
    [KW_DEFS] = {"$defs", SINCE_2019, VOCAB_CORE, SHAPE_SCHEMA_MAP, nx_kw_defs},
    [KW_DEFINITIONS] = {"definitions", UNTIL_7, VOCAB_CORE, SHAPE_SCHEMA_MAP, nx_kw_defs},
    [KW_PREFIX_ITEMS] = {"prefixItems", DRAFT_2020, VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY,
                         nx_kw_prefix_items},
    [KW_ITEMS] = {"items", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA_OR_ARRAY, nx_kw_items},
    [KW_ADDITIONAL_ITEMS] = {"additionalItems", UNTIL_2019, VOCAB_APPLICATOR, SHAPE_SCHEMA,
                             nx_kw_additional_items},
    [KW_CONTAINS] = {"contains", SINCE_6, VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_array_schema},
    [KW_ADDITIONAL_PROPERTIES] = {"additionalProperties", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA,
                                  nx_kw_object_schema},
    [KW_PROPERTIES] = {"properties", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, nx_kw_names},
    [KW_PATTERN_PROPERTIES] = {"patternProperties", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP,
                               nx_kw_pattern_properties},
    [KW_DEPENDENT_SCHEMAS] = {"dependentSchemas", SINCE_2019, VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP,
                              nx_kw_names},
    [KW_DEPENDENCIES] = {"dependencies", UNTIL_7, VOCAB_APPLICATOR, SHAPE_SCHEMA_MAP, nx_kw_names},
    [KW_PROPERTY_NAMES] = {"propertyNames", SINCE_6, VOCAB_APPLICATOR, SHAPE_SCHEMA,
                           nx_kw_object_schema},
    [KW_IF] = {"if", SINCE_7, VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_if},
    [KW_THEN] = {"then", SINCE_7, VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_if},
    [KW_ELSE] = {"else", SINCE_7, VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_if},
    [KW_ALL_OF] = {"allOf", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_branches},
    [KW_ANY_OF] = {"anyOf", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_branches},
    [KW_ONE_OF] = {"oneOf", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA_ARRAY, nx_kw_branches},
    [KW_NOT] = {"not", SINCE_4, VOCAB_APPLICATOR, SHAPE_SCHEMA, nx_kw_not},
    [KW_UNEVALUATED_ITEMS] = {"unevaluatedItems", SINCE_2019, VOCAB_UNEVALUATED, SHAPE_SCHEMA,
                              nx_kw_array_schema},
    [KW_UNEVALUATED_PROPERTIES] = {"unevaluatedProperties", SINCE_2019, VOCAB_UNEVALUATED,
                                   SHAPE_SCHEMA, nx_kw_object_schema},
    [KW_TYPE] = {"type", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_type},
    [KW_CONST] = {"const", SINCE_6, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_const},
    [KW_ENUM] = {"enum", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_enum},
    [KW_MULTIPLE_OF] = {"multipleOf", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_multiple_of},
    [KW_MAXIMUM] = {"maximum", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_bound},
    [KW_EXCLUSIVE_MAXIMUM] = {"exclusiveMaximum", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE,
                              nx_kw_bound},
    [KW_MINIMUM] = {"minimum", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_bound},
    [KW_EXCLUSIVE_MINIMUM] = {"exclusiveMinimum", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE,
                              nx_kw_bound},
    [KW_MAX_LENGTH] = {"maxLength", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_length},
    [KW_MIN_LENGTH] = {"minLength", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_length},
    [KW_PATTERN] = {"pattern", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_pattern},
    [KW_MAX_ITEMS] = {"maxItems", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_array_count},
    [KW_MIN_ITEMS] = {"minItems", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_array_count},
    [KW_UNIQUE_ITEMS] = {"uniqueItems", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_unique_items},
    [KW_MAX_CONTAINS] = {"maxContains", SINCE_2019, VOCAB_VALIDATION, SHAPE_VALUE,
                         nx_kw_array_count},
    [KW_MIN_CONTAINS] = {"minContains", SINCE_2019, VOCAB_VALIDATION, SHAPE_VALUE,
                         nx_kw_array_count},
    [KW_MAX_PROPERTIES] = {"maxProperties", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE,
                           nx_kw_object_count},
    [KW_MIN_PROPERTIES] = {"minProperties", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE,
                           nx_kw_object_count},
    [KW_REQUIRED] = {"required", SINCE_4, VOCAB_VALIDATION, SHAPE_VALUE, nx_kw_names},
    [KW_DEPENDENT_REQUIRED] = {"dependentRequired", SINCE_2019, VOCAB_VALIDATION, SHAPE_VALUE,
                               nx_kw_names},
    [KW_FORMAT] = {"format", SINCE_4, VOCAB_FORMAT_ANNOTATION | VOCAB_FORMAT_ASSERTION, SHAPE_VALUE,
                   nx_kw_format},
    [KW_CONTENT_ENCODING] = {"contentEncoding", SINCE_7, VOCAB_CONTENT, SHAPE_VALUE, nx_kw_content},
    [KW_CONTENT_MEDIA_TYPE] = {"contentMediaType", SINCE_7, VOCAB_CONTENT, SHAPE_VALUE,
                               nx_kw_content},
    [KW_CONTENT_SCHEMA] = {"contentSchema", SINCE_2019, VOCAB_CONTENT, SHAPE_SCHEMA,
                           nx_kw_content_schema},
    [KW_TITLE] = {"title", SINCE_4, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_text},
    [KW_DESCRIPTION] = {"description", SINCE_4, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_text},
    [KW_DEFAULT] = {"default", SINCE_4, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_any},
    [KW_DEPRECATED] = {"deprecated", SINCE_2019, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_flag},
    [KW_READ_ONLY] = {"readOnly", SINCE_7, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_flag},
    [KW_WRITE_ONLY] = {"writeOnly", SINCE_7, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_flag},
    [KW_EXAMPLES] = {"examples", SINCE_6, VOCAB_META_DATA, SHAPE_VALUE, nx_kw_list},
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

bool nx_keyword_in(enum nx_keyword keyword, enum nx_draft draft)
{
    bool kept = keyword == KW_DEFINITIONS || keyword == KW_DEPENDENCIES;

    return nx_draft_in(draft, rows[keyword].drafts) || (kept && nx_draft_in(draft, SINCE_2019));
}

static enum nx_err unknown_keyword(struct compiler *c, const struct site *s)
{
    struct nx_span name = nx_json_text(s->json, s->key);

    if (!nx_compile_strict(c, s->plan->document)) {
        return NX_OK;
    }
    if (s->keyword != KW_COUNT && !nx_draft_in(s->dialect.draft, rows[s->keyword].drafts)) {
        return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, s->key,
                               "unknown keyword \"%.*s\": draft %s does not have it",
                               NX_SPAN_ARG(name), nx_draft_name(s->dialect.draft));
    }
    return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, s->key, "unknown keyword \"%.*s\"",
                           NX_SPAN_ARG(name));
}

static enum nx_err finish_plan(struct compiler *c, struct site *s)
{
    struct plan *plan = s->plan;
    enum nx_err err = nx_kw_finish_if(c, s);

    if (err == NX_OK) {
        err = nx_kw_finish_items(c, s);
    }
    if (err == NX_OK) {
        err = nx_kw_finish_bounds(c, s);
    }
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

/* The keyword at site.key. */
static enum nx_err compile_keyword(struct compiler *c, struct site *s)
{
    enum nx_draft draft = s->dialect.draft;

    s->keyword = nx_keyword_find(nx_json_text(s->json, s->key));
    if (s->keyword == KW_COUNT || (rows[s->keyword].vocabularies & s->dialect.vocabularies) == 0 ||
        !nx_keyword_in(s->keyword, draft) ||
        (nx_compile_strict(c, s->plan->document) && !nx_draft_in(draft, rows[s->keyword].drafts))) {
        return unknown_keyword(c, s);
    }
    return rows[s->keyword].compile(c, s);
}

/*
 * Up to draft 07 a $ref is alone: its siblings are ignored (core-01, section 8.3). Definitions are
 * compiled all the same, and a strict caller is told of what it wrote and nobody will check.
 */
static enum nx_err compile_beside_ref(struct compiler *c, struct site *s)
{
    enum nx_keyword keyword = nx_keyword_find(nx_json_text(s->json, s->key));
    bool known = keyword != KW_COUNT && nx_keyword_in(keyword, s->dialect.draft);

    if (keyword == KW_REF || keyword == KW_DEFINITIONS || !known) {
        return compile_keyword(c, s);
    }
    if (nx_compile_strict(c, s->plan->document) &&
        (rows[keyword].vocabularies & ~(uint32_t)(VOCAB_CORE | VOCAB_META_DATA)) != 0) {
        return nx_compile_fail(c, NX_ERR_INVALID, s->plan->document, s->key,
                               "\"%s\" has no effect beside \"$ref\" in draft %s: put the $ref "
                               "into an allOf",
                               rows[keyword].name, nx_draft_name(s->dialect.draft));
    }
    return NX_OK;
}

enum nx_err nx_compile_keywords(struct compiler *c, struct plan *plan)
{
    struct site site = {.plan = plan,
                        .json = c->schema->documents[plan->document].json,
                        .dialect = c->schema->resources[plan->resource].dialect,
                        .node = plan->node};
    bool lone_ref = nx_draft_in(site.dialect.draft, UNTIL_7) &&
                    nx_json_member(site.json, plan->node, NX_SPAN("$ref")) != 0;
    uint32_t at = 0;
    enum nx_err err = NX_OK;

    while (err == NX_OK && nx_json_each(site.json, plan->node, &at, &site.key, &site.value)) {
        err = lone_ref ? compile_beside_ref(c, &site) : compile_keyword(c, &site);
    }
    return err == NX_OK ? finish_plan(c, &site) : err;
}
