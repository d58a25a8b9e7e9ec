/*
 * compat_bundle.c - writes a compiled schema as one document of draft 2020-12 (compat_bundle.h).
 * References are those that the compiler resolved, so a bundle cannot lead elsewhere than the
 * judge. What a keyword of an earlier draft becomes:
 *
 *   $ref up to draft 07                    alone: what stands beside it is left out
 *   items [...], additionalItems           prefixItems, items
 *   dependencies                           dependentRequired, dependentSchemas
 *   exclusiveMinimum: true (draft 04)      exclusiveMinimum with the bound
 *   type: integer (draft 04)               type, and COMPAT_AS_WRITTEN
 *   $recursiveRef, $dynamicRef             a plain reference, where one anchor only can answer
 *   a keyword that the draft does not have  its name changed, so that no rule takes it for known
 *
 * Never guesses: what cannot be said in 2020-12 makes the schema opaque. Only reads the compiled
 * schema, which is why it may look into schema_plan.h.
 */
#include "core/compat_bundle.h"

#include "core/schema_plan.h"

enum { TARGETS_MAX = 1024, PLACE_BYTES_MAX = 8192, ROOT = 0 };

struct bundle {
    const struct nx_schema *schema;
    struct nx_buf *out;
    const struct plan *targets[TARGETS_MAX]; /* of references; the first is the root */
    uint32_t targets_count;
    bool assert_format;
    bool mixed; /* more than one draft speaks */
    struct compat_bundle result;
};

/* A keyword that is being written. */
struct spot {
    const struct plan *plan; /* the schema object */
    const struct nx_json *json;
    enum nx_draft draft;
    enum nx_keyword keyword;
    uint32_t key;
    uint32_t value;
};

static void put_schema(struct bundle *b, uint32_t document, uint32_t node);

static void put(struct bundle *b, const char *text)
{
    (void)nx_buf_str(b->out, text);
}

static void put_name(struct bundle *b, const char *name)
{
    (void)nx_buf_printf(b->out, ",\"%s\":", name);
}

static void put_raw(struct bundle *b, const struct nx_json *json, uint32_t node)
{
    (void)nx_buf_span(b->out, nx_json_raw(json, node));
}

static void give_up(struct bundle *b, const char *why)
{
    if (b->result.opaque == NULL) {
        b->result.opaque = why;
    }
}

static uint32_t find_member(const struct spot *s, enum nx_keyword keyword)
{
    return nx_json_member(s->json, s->plan->node, nx_span_from(nx_keyword_name(keyword)));
}

/* ---- one keyword --------------------------------------------------------------------------- */

static void put_copy(struct bundle *b, const struct spot *s)
{
    put_name(b, nx_keyword_name(s->keyword));
    put_raw(b, s->json, s->value);
}

static void put_subschema(struct bundle *b, const struct spot *s)
{
    put_name(b, nx_keyword_name(s->keyword));
    put_schema(b, s->plan->document, s->value);
}

static void put_list(struct bundle *b, const struct spot *s, const char *name)
{
    const char *comma = "[";
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    put_name(b, name);
    while (nx_json_each(s->json, s->value, &at, &key, &item)) {
        put(b, comma);
        put_schema(b, s->plan->document, item);
        comma = ",";
    }
    put(b, "]");
}

static void put_subschemas(struct bundle *b, const struct spot *s)
{
    put_list(b, s, nx_keyword_name(s->keyword));
}

static void put_map(struct bundle *b, const struct spot *s)
{
    const char *comma = "";
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    put_name(b, nx_keyword_name(s->keyword));
    put(b, "{");
    while (nx_json_each(s->json, s->value, &at, &key, &value)) {
        put(b, comma);
        put_raw(b, s->json, key);
        put(b, ":");
        put_schema(b, s->plan->document, value);
        comma = ",";
    }
    put(b, "}");
}

/* Before 2020-12 an array is the prefix. */
static void put_items(struct bundle *b, const struct spot *s)
{
    if (nx_json_type(s->json, s->value) == NX_JSON_ARRAY) {
        put_list(b, s, "prefixItems");
    } else {
        put_subschema(b, s);
    }
}

/* Without an array in `items` it says nothing. */
static void put_additional_items(struct bundle *b, const struct spot *s)
{
    uint32_t items = find_member(s, KW_ITEMS);

    if (items != 0 && nx_json_type(s->json, items) == NX_JSON_ARRAY) {
        put_name(b, "items");
        put_schema(b, s->plan->document, s->value);
    }
}

/* The members of `dependencies` that are arrays of names, or those that are schemas. */
static void put_dependents(struct bundle *b, const struct spot *s, const char *name, bool arrays)
{
    const char *comma = "";
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    put_name(b, name);
    put(b, "{");
    while (nx_json_each(s->json, s->value, &at, &key, &value)) {
        if ((nx_json_type(s->json, value) == NX_JSON_ARRAY) != arrays) {
            continue;
        }
        put(b, comma);
        put_raw(b, s->json, key);
        put(b, ":");
        if (arrays) {
            put_raw(b, s->json, value);
        } else {
            put_schema(b, s->plan->document, value);
        }
        comma = ",";
    }
    put(b, "}");
}

static void put_dependencies(struct bundle *b, const struct spot *s)
{
    if (!nx_draft_in(s->draft, UNTIL_7)) {
        give_up(b, "dependencies is not a keyword of its draft any more");
        return;
    }
    put_dependents(b, s, "dependentRequired", true);
    put_dependents(b, s, "dependentSchemas", false);
}

static bool is_flag_set(const struct spot *s, enum nx_keyword flag)
{
    uint32_t value = find_member(s, flag);

    return s->draft == NX_DRAFT_04 && value != 0 && nx_json_type(s->json, value) == NX_JSON_TRUE;
}

static void put_bound(struct bundle *b, const struct spot *s)
{
    enum nx_keyword exclusive =
        s->keyword == KW_MINIMUM ? KW_EXCLUSIVE_MINIMUM : KW_EXCLUSIVE_MAXIMUM;

    put_name(b, nx_keyword_name(is_flag_set(s, exclusive) ? exclusive : s->keyword));
    put_raw(b, s->json, s->value);
}

static void put_exclusive(struct bundle *b, const struct spot *s)
{
    if (s->draft != NX_DRAFT_04) {
        put_copy(b, s);
    }
}

static bool names_type(const struct spot *s, const char *name)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    if (nx_json_type(s->json, s->value) == NX_JSON_STRING) {
        return nx_span_is(nx_json_text(s->json, s->value), name);
    }
    while (nx_json_each(s->json, s->value, &at, &key, &item)) {
        if (nx_span_is(nx_json_text(s->json, item), name)) {
            return true;
        }
    }
    return false;
}

static void put_type(struct bundle *b, const struct spot *s)
{
    put_copy(b, s);
    if (s->draft == NX_DRAFT_04 && names_type(s, "integer") && !names_type(s, "number")) {
        put_name(b, COMPAT_AS_WRITTEN);
        put(b, "true");
        b->result.as_written = true;
    }
}

/* A format that the draft does not have is none. */
static void put_format(struct bundle *b, const struct spot *s)
{
    struct nx_span name = nx_json_text(s->json, s->value);
    const struct nx_format *own = nx_format_find(name, nx_draft_number(s->draft));

    if (!b->assert_format || own == NULL) {
        return;
    }
    if (own != nx_format_find(name, nx_draft_number(NX_DRAFT_2020_12))) {
        give_up(b, "a format has another meaning in its draft");
    }
    put_copy(b, s);
}

/* What counts as evaluated is not the same in every draft. */
static void put_unevaluated(struct bundle *b, const struct spot *s)
{
    if (b->mixed || (s->keyword == KW_UNEVALUATED_ITEMS && s->draft != NX_DRAFT_2020_12)) {
        give_up(b, "unevaluatedItems or unevaluatedProperties of another draft than 2020-12");
    }
    put_subschema(b, s);
}

/* ---- references ---------------------------------------------------------------------------- */

/* Can no other anchor than the one that it names answer? */
static bool is_static(const struct bundle *b, const struct applicator *a)
{
    if (a->kind != APPLY_DYNAMIC) {
        return true;
    }
    for (uint32_t i = 0; i < b->schema->resources_count; i++) {
        struct plan *const *row = b->schema->resources[i].dynamic;
        if (row != NULL && row[a->dynamic_name] != NULL && row[a->dynamic_name] != a->plans[0]) {
            return false;
        }
    }
    return true;
}

static uint32_t target_number(struct bundle *b, const struct plan *plan)
{
    for (uint32_t i = 0; i < b->targets_count; i++) {
        if (b->targets[i] == plan) {
            return i;
        }
    }
    if (b->targets_count == TARGETS_MAX) {
        give_up(b, "it refers to too many places");
        return ROOT;
    }
    b->targets[b->targets_count] = plan;
    return b->targets_count++;
}

static void put_reference(struct bundle *b, const struct spot *s)
{
    for (uint32_t i = 0; i < s->plan->applicators_count; i++) {
        const struct applicator *a = &s->plan->applicators[i];
        uint32_t number;
        if (a->keyword != s->keyword) {
            continue;
        }
        if (!is_static(b, a)) {
            give_up(b, "a dynamic reference leads to one of several places");
        }
        number = target_number(b, a->plans[0]);
        put_name(b, s->keyword == KW_REF ? "$ref" : "$dynamicRef");
        if (number == ROOT) {
            put(b, "\"#\"");
        } else {
            (void)nx_buf_printf(b->out, "\"#/$defs/%u\"", number);
        }
        return;
    }
    give_up(b, "a reference was not followed");
}

/* ---- a schema object ----------------------------------------------------------------------- */

/* How each keyword is written; NULL: it refuses nothing, and is left out. */
static void (*const writers[KW_COUNT])(struct bundle *b, const struct spot *s) = {
    [KW_REF] = put_reference,
    [KW_DYNAMIC_REF] = put_reference,
    [KW_RECURSIVE_REF] = put_reference,
    [KW_PREFIX_ITEMS] = put_subschemas,
    [KW_ITEMS] = put_items,
    [KW_ADDITIONAL_ITEMS] = put_additional_items,
    [KW_CONTAINS] = put_subschema,
    [KW_ADDITIONAL_PROPERTIES] = put_subschema,
    [KW_PROPERTIES] = put_map,
    [KW_PATTERN_PROPERTIES] = put_map,
    [KW_DEPENDENT_SCHEMAS] = put_map,
    [KW_DEPENDENCIES] = put_dependencies,
    [KW_PROPERTY_NAMES] = put_subschema,
    [KW_IF] = put_subschema,
    [KW_THEN] = put_subschema,
    [KW_ELSE] = put_subschema,
    [KW_ALL_OF] = put_subschemas,
    [KW_ANY_OF] = put_subschemas,
    [KW_ONE_OF] = put_subschemas,
    [KW_NOT] = put_subschema,
    [KW_UNEVALUATED_ITEMS] = put_unevaluated,
    [KW_UNEVALUATED_PROPERTIES] = put_unevaluated,
    [KW_TYPE] = put_type,
    [KW_CONST] = put_copy,
    [KW_ENUM] = put_copy,
    [KW_MULTIPLE_OF] = put_copy,
    [KW_MAXIMUM] = put_bound,
    [KW_EXCLUSIVE_MAXIMUM] = put_exclusive,
    [KW_MINIMUM] = put_bound,
    [KW_EXCLUSIVE_MINIMUM] = put_exclusive,
    [KW_MAX_LENGTH] = put_copy,
    [KW_MIN_LENGTH] = put_copy,
    [KW_PATTERN] = put_copy,
    [KW_MAX_ITEMS] = put_copy,
    [KW_MIN_ITEMS] = put_copy,
    [KW_UNIQUE_ITEMS] = put_copy,
    [KW_MAX_CONTAINS] = put_copy,
    [KW_MIN_CONTAINS] = put_copy,
    [KW_MAX_PROPERTIES] = put_copy,
    [KW_MIN_PROPERTIES] = put_copy,
    [KW_REQUIRED] = put_copy,
    [KW_DEPENDENT_REQUIRED] = put_copy,
    [KW_FORMAT] = put_format,
    [KW_DEFAULT] = put_copy, /* refuse nothing, but make good documents to try */
    [KW_EXAMPLES] = put_copy,
};

/* No keyword, or none of this draft: it is ignored, but a reader may have meant something by it. */
static void put_foreign(struct bundle *b, const struct spot *s)
{
    struct nx_span name = nx_json_text(s->json, s->key);

    if (s->keyword == KW_COUNT && nx_span_is(name, COMPAT_AS_WRITTEN)) {
        give_up(b, "a keyword has a name that is used otherwise here");
    } else if (s->keyword == KW_COUNT) {
        put(b, ",");
        put_raw(b, s->json, s->key);
        put(b, ":");
        put_raw(b, s->json, s->value);
    } else if (writers[s->keyword] != NULL) {
        (void)nx_buf_printf(b->out, ",\"%s (not of draft %s)\":", nx_keyword_name(s->keyword),
                            nx_draft_name(s->draft));
        put_raw(b, s->json, s->value);
    }
}

static void put_keywords(struct bundle *b, struct spot *s)
{
    bool lone_ref = nx_draft_in(s->draft, UNTIL_7) && find_member(s, KW_REF) != 0;
    uint32_t at = 0;

    while (nx_json_each(s->json, s->plan->node, &at, &s->key, &s->value)) {
        s->keyword = nx_keyword_find(nx_json_text(s->json, s->key));
        if (lone_ref && s->keyword != KW_REF) {
            continue;
        }
        if (s->keyword == KW_COUNT || !nx_keyword_in(s->keyword, s->draft)) {
            put_foreign(b, s);
        } else if (writers[s->keyword] != NULL) {
            writers[s->keyword](b, s);
        }
    }
}

static void put_place(struct bundle *b, const struct document *document, uint32_t node)
{
    struct nx_buf place;

    nx_buf_init(&place, PLACE_BYTES_MAX);
    if (document != &b->schema->documents[0]) {
        (void)nx_buf_printf(&place, "%.*s#", NX_SPAN_ARG(document->uri));
    }
    (void)nx_json_pointer(document->json, node, &place);
    put(b, "{\"$comment\":");
    (void)nx_json_quote(b->out, place.len > 0 ? nx_buf_view(&place) : NX_SPAN(""));
    nx_buf_fini(&place);
}

/* The object is left open: more may follow in the root. */
static void open_schema(struct bundle *b, const struct plan *plan)
{
    const struct document *document = &b->schema->documents[plan->document];
    struct spot spot = {.plan = plan,
                        .json = document->json,
                        .draft = b->schema->resources[plan->resource].dialect.draft};

    put_place(b, document, plan->node);
    put_keywords(b, &spot);
}

/* Recursive as deep as the document is nested, which its reader has limited. */
static void put_schema(struct bundle *b, uint32_t document, uint32_t node)
{
    const struct document *d = &b->schema->documents[document];

    if (nx_json_type(d->json, node) != NX_JSON_OBJECT) {
        put_raw(b, d->json, node);
    } else if (d->plans[node] == NULL) {
        give_up(b, "it holds a subschema that was not compiled");
    } else {
        open_schema(b, d->plans[node]);
        put(b, "}");
    }
}

/* ---- the whole ----------------------------------------------------------------------------- */

static const char *find_dialects(struct bundle *b)
{
    const struct nx_schema *schema = b->schema;
    const struct dialect *first = &schema->resources[0].dialect;

    b->result.needed = schema->documents_count > 1 || schema->resources_count > 1 ||
                       first->draft != NX_DRAFT_2020_12 || schema->id.len > 0;
    for (uint32_t i = 0; i < schema->resources_count; i++) {
        const struct dialect *dialect = &schema->resources[i].dialect;
        b->mixed = b->mixed || dialect->draft != first->draft;
        if (dialect->vocabularies != VOCAB_STANDARD) {
            return "$schema names a dialect of its own";
        }
    }
    return NULL;
}

static void put_targets(struct bundle *b)
{
    put(b, ",\"$defs\":{");
    for (uint32_t i = 1; i < b->targets_count && nx_buf_error(b->out) == NX_OK; i++) {
        (void)nx_buf_printf(b->out, "%s\"%u\":", i > 1 ? "," : "", i);
        put_schema(b, b->targets[i]->document, b->targets[i]->node);
    }
    put(b, "}}");
}

struct compat_bundle compat_bundle(const struct nx_schema *schema, bool assert_format,
                                   struct nx_buf *out)
{
    struct bundle b = {.schema = schema,
                       .out = out,
                       .targets = {schema->root},
                       .targets_count = 1,
                       .assert_format = assert_format};

    b.result.opaque = find_dialects(&b);
    if (b.result.opaque != NULL || !b.result.needed) {
        return b.result;
    }
    if (nx_json_type(schema->documents[0].json, 0) != NX_JSON_OBJECT) {
        put_schema(&b, 0, 0);
        return b.result;
    }
    open_schema(&b, schema->root);
    put_targets(&b);
    if (nx_buf_error(out) != NX_OK) {
        give_up(&b, "it is too large to be written as one document");
    }
    return b.result;
}
