/*
 * schema_index.c - finds what a document holds that a reference can name: its resources (with $id)
 * and its anchors, each in the terms of the draft that the resource is written in.
 *
 * A document is walked once, along keywords that hold subschemas and nowhere else: an $id inside
 * enum, const or an unknown keyword is data. The walk is recursive, bounded by the reader's depth
 * limit for files.
 */
#include "core/schema_plan.h"

#include "core/schema_uri.h"

/* ---- resources and anchors --------------------------------------------------------------- */

static enum nx_err add_resource(struct compiler *c, uint32_t document, uint32_t node,
                                struct nx_span uri, struct dialect dialect, uint32_t *out)
{
    struct nx_schema *schema = c->schema;

    if (schema->resources_count >= NX_SCHEMA_RESOURCES_MAX) {
        return nx_compile_fail(c, NX_ERR_LIMIT, document, node, "more than %u $id in one schema",
                               NX_SCHEMA_RESOURCES_MAX);
    }
    *out = schema->resources_count++;
    schema->resources[*out] =
        (struct resource){.document = document, .node = node, .dialect = dialect, .uri = uri};
    return NX_OK;
}

bool nx_schema_find(const struct nx_schema *schema, struct nx_span uri, uint32_t *out)
{
    for (uint32_t i = 0; i < schema->resources_count; i++) {
        if (nx_span_eq(schema->resources[i].uri, uri)) {
            *out = i;
            return true;
        }
    }
    for (uint32_t i = 0; i < schema->documents_count; i++) {
        if (nx_span_eq(schema->documents[i].uri, uri)) {
            *out = nx_schema_resource_of(schema, i, 0);
            return true;
        }
    }
    return false;
}

uint32_t nx_schema_resource_of(const struct nx_schema *schema, uint32_t document, uint32_t node)
{
    const struct nx_json_node *nodes = schema->documents[document].json->nodes;
    uint32_t found = 0;
    uint32_t found_node = 0;
    bool any = false;

    for (uint32_t i = 0; i < schema->resources_count; i++) {
        const struct resource *r = &schema->resources[i];
        if (r->document == document && r->node <= node && node < nodes[r->node].next &&
            (!any || r->node >= found_node)) {
            any = true;
            found = i;
            found_node = r->node;
        }
    }
    return found;
}

const struct anchor *nx_schema_anchor(const struct compiler *c, uint32_t resource,
                                      struct nx_span name)
{
    for (uint32_t i = 0; i < c->anchors_count; i++) {
        if (c->anchors[i].resource == resource && nx_span_eq(c->anchors[i].name, name)) {
            return &c->anchors[i];
        }
    }
    return NULL;
}

/*
 * What a plain name may be made of. 2020-12: XML's NCName without its non-ASCII letters (core,
 * section 8.2.2); colons before it; draft 04 has no rule but that it is no pointer.
 */
static bool is_anchor_name(enum nx_draft draft, struct nx_span name)
{
    if (draft == NX_DRAFT_04) {
        return name.len > 0 && name.ptr[0] != '/';
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool later = (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                     (c == ':' && draft != NX_DRAFT_2020_12);
        if (!letter && !(later && i > 0)) {
            return false;
        }
    }
    return name.len > 0;
}

/* `value`: the node that names the anchor; `schema_node`: what it is an anchor of. */
static enum nx_err add_anchor(struct compiler *c, uint32_t resource, uint32_t schema_node,
                              uint32_t value, struct nx_span name, bool dynamic)
{
    uint32_t document = c->schema->resources[resource].document;
    const struct anchor *other = nx_schema_anchor(c, resource, name);

    if (other != NULL && other->node == schema_node) {
        return NX_OK; /* $anchor and $dynamicAnchor of one schema with one name */
    }
    if (other != NULL) {
        return nx_compile_fail(c, NX_ERR_INVALID, document, value,
                               "the anchor \"%.*s\" is already taken in this schema resource",
                               NX_SPAN_ARG(name));
    }
    if (c->anchors_count >= NX_SCHEMA_ANCHORS_MAX) {
        return nx_compile_fail(c, NX_ERR_LIMIT, document, value, "more than %u anchors",
                               NX_SCHEMA_ANCHORS_MAX);
    }
    c->anchors[c->anchors_count++] = (struct anchor){
        .resource = resource, .node = schema_node, .name = name, .dynamic = dynamic};
    return NX_OK;
}

static enum nx_err add_named_anchor(struct compiler *c, uint32_t resource, uint32_t schema_node,
                                    uint32_t value, struct nx_span name, bool dynamic)
{
    const struct resource *r = &c->schema->resources[resource];

    if (!is_anchor_name(r->dialect.draft, name)) {
        return nx_compile_fail(c, NX_ERR_INVALID, r->document, value,
                               "an anchor is a letter or _, then letters, digits, - _ and .");
    }
    return add_anchor(c, resource, schema_node, value, name, dynamic);
}

/* ---- the walk ---------------------------------------------------------------------------- */

/* A subschema on the walk. */
struct place {
    uint32_t document;
    uint32_t node;
    uint32_t resource; /* that it belongs to */
};

static enum nx_keyword id_keyword(enum nx_draft draft)
{
    return draft == NX_DRAFT_04 ? KW_ID_4 : KW_ID;
}

/* Up to draft 07 all beside a $ref is ignored, its $id too. */
static bool is_lone_ref(const struct nx_json *json, uint32_t node, enum nx_draft draft)
{
    return nx_draft_in(draft, UNTIL_7) && nx_json_member(json, node, NX_SPAN("$ref")) != 0;
}

/* Opens the resource at `uri`, or gives the one whose root the place is its URI. */
static enum nx_err open_resource(struct compiler *c, struct place *place, uint32_t id,
                                 struct nx_span uri, struct dialect dialect)
{
    struct nx_schema *schema = c->schema;
    uint32_t other;

    if (place->node != 0 && nx_schema_find(schema, uri, &other)) {
        return nx_compile_fail(c, NX_ERR_INVALID, place->document, id,
                               "the $id \"%.*s\" is already taken", NX_SPAN_ARG(uri));
    }
    uri = nx_arena_dup(&schema->arena, uri);
    if (uri.ptr == NULL) {
        return NX_ERR_NOMEM;
    }
    if (place->node != schema->resources[place->resource].node) {
        return add_resource(c, place->document, place->node, uri, dialect, &place->resource);
    }
    schema->resources[place->resource].uri = uri;
    if (place->document == 0) {
        schema->id = uri;
    }
    return NX_OK;
}

/* `$id`, or `id` of draft 04, at node `id`: a URI, and up to draft 07 also an anchor. */
static enum nx_err enter_resource(struct compiler *c, struct place *place, uint32_t id,
                                  struct dialect dialect)
{
    const struct nx_json *json = c->schema->documents[place->document].json;
    struct nx_span reference = nx_json_text(json, id);
    bool anchors = nx_draft_in(dialect.draft, UNTIL_7);
    struct nx_span fragment;
    struct nx_span uri;
    struct nx_buf buf;
    enum nx_err err;

    if (nx_json_type(json, id) != NX_JSON_STRING) {
        return nx_compile_fail(c, NX_ERR_INVALID, place->document, id,
                               "%s is a URI reference in a string",
                               nx_keyword_name(id_keyword(dialect.draft)));
    }
    (void)nx_uri_without_fragment(reference, &fragment);
    if (fragment.len > 0 && !anchors) {
        return nx_compile_fail(c, NX_ERR_INVALID, place->document, id,
                               "$id must not have a fragment: use $anchor");
    }
    nx_buf_init(&buf, NX_URI_BYTES_MAX);
    err = nx_uri_resolve(c->schema->resources[place->resource].uri, reference, &buf);
    uri = nx_uri_without_fragment(nx_buf_view(&buf), &(struct nx_span){NULL, 0});
    if (err == NX_ERR_LIMIT) {
        err = nx_compile_fail(c, err, place->document, id, "this URI is too long");
    } else if (err == NX_OK && !(anchors && reference.len > 0 && reference.ptr[0] == '#')) {
        err = open_resource(c, place, id, uri, dialect);
    }
    nx_buf_fini(&buf);
    if (err == NX_OK && fragment.len > 0 &&
        (fragment.ptr[0] != '/' || nx_compile_strict(c, place->document))) {
        err = add_named_anchor(c, place->resource, place->node, id, fragment, false);
    }
    return err; /* a JSON Pointer as $id, which some generators write, names nothing new */
}

/* What `$schema` of the place says, else what is around it. Only a resource's root may say. */
static enum nx_err find_dialect(struct compiler *c, const struct place *place,
                                struct dialect *dialect)
{
    const struct nx_json *json = c->schema->documents[place->document].json;
    const struct resource *around = &c->schema->resources[place->resource];
    uint32_t at = nx_json_member(json, place->node, NX_SPAN("$schema"));

    *dialect = around->dialect;
    if (at == 0 ||
        (place->node != around->node && nx_json_member(json, place->node, NX_SPAN("$id")) == 0 &&
         nx_json_member(json, place->node, NX_SPAN("id")) == 0)) {
        return NX_OK;
    }
    if (nx_json_type(json, at) != NX_JSON_STRING) {
        return nx_compile_fail(c, NX_ERR_INVALID, place->document, at,
                               "$schema is the URI of a dialect in a string");
    }
    return nx_schema_dialect(c, place->document, at, dialect);
}

/* 2019-09, section 8.2.4.2.2: an anchor of a resource's root, which has no name. */
static enum nx_err add_recursive_anchor(struct compiler *c, const struct place *place)
{
    const struct nx_json *json = c->schema->documents[place->document].json;
    const struct resource *r = &c->schema->resources[place->resource];
    uint32_t value = nx_json_member(json, place->node, NX_SPAN("$recursiveAnchor"));

    if (value == 0 || r->dialect.draft != NX_DRAFT_2019_09 ||
        nx_json_type(json, value) != NX_JSON_TRUE) {
        return NX_OK;
    }
    if (place->node != r->node) {
        return nx_compile_fail(c, NX_ERR_INVALID, place->document, value,
                               "$recursiveAnchor belongs at the root of a schema resource");
    }
    return add_anchor(c, place->resource, place->node, value, NX_SPAN(""), true);
}

/* $anchor or $dynamicAnchor, where the draft has it. */
static enum nx_err index_anchor(struct compiler *c, const struct place *place,
                                enum nx_keyword keyword)
{
    const struct nx_json *json = c->schema->documents[place->document].json;
    uint32_t value = nx_json_member(json, place->node, nx_span_from(nx_keyword_name(keyword)));

    if (value == 0 ||
        !nx_keyword_in(keyword, c->schema->resources[place->resource].dialect.draft)) {
        return NX_OK;
    }
    return add_named_anchor(c, place->resource, place->node, value, nx_json_text(json, value),
                            keyword == KW_DYNAMIC_ANCHOR);
}

/* The dialect, the URI and the anchors of one schema object. */
static enum nx_err index_identity(struct compiler *c, struct place *place)
{
    const struct nx_json *json = c->schema->documents[place->document].json;
    struct dialect dialect;
    uint32_t id;
    enum nx_err err = find_dialect(c, place, &dialect);

    if (err != NX_OK) {
        return err;
    }
    if (place->node == c->schema->resources[place->resource].node) {
        c->schema->resources[place->resource].dialect = dialect;
    }
    id =
        nx_json_member(json, place->node, nx_span_from(nx_keyword_name(id_keyword(dialect.draft))));
    if (id != 0 && !is_lone_ref(json, place->node, dialect.draft)) {
        err = enter_resource(c, place, id, dialect);
    }
    if (err == NX_OK) {
        err = add_recursive_anchor(c, place);
    }
    if (err == NX_OK) {
        err = index_anchor(c, place, KW_DYNAMIC_ANCHOR);
    }
    return err == NX_OK ? index_anchor(c, place, KW_ANCHOR) : err;
}

static enum nx_err index_place(struct compiler *c, struct place place);

/* The subschemas in the value of a keyword. */
static enum nx_err index_value(struct compiler *c, const struct place *around, enum nx_shape shape,
                               uint32_t value)
{
    const struct nx_json *json = c->schema->documents[around->document].json;
    enum nx_json_type type = nx_json_type(json, value);
    bool map = shape == SHAPE_SCHEMA_MAP && type == NX_JSON_OBJECT;
    bool array =
        (shape == SHAPE_SCHEMA_ARRAY || shape == SHAPE_SCHEMA_OR_ARRAY) && type == NX_JSON_ARRAY;
    struct place place = *around;
    uint32_t at = 0;
    uint32_t key;
    enum nx_err err = NX_OK;

    if (shape == SHAPE_SCHEMA || (shape == SHAPE_SCHEMA_OR_ARRAY && !array)) {
        place.node = value;
        return index_place(c, place);
    }
    while ((map || array) && err == NX_OK && nx_json_each(json, value, &at, &key, &place.node)) {
        err = index_place(c, place); /* of another type: the keyword's compilation complains */
    }
    return err;
}

static enum nx_err index_place(struct compiler *c, struct place place)
{
    const struct nx_json *json = c->schema->documents[place.document].json;
    enum nx_draft draft;
    bool lone_ref;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    enum nx_err err;

    if (nx_json_type(json, place.node) != NX_JSON_OBJECT) {
        return NX_OK;
    }
    err = index_identity(c, &place);
    draft = c->schema->resources[place.resource].dialect.draft;
    lone_ref = is_lone_ref(json, place.node, draft);
    while (err == NX_OK && nx_json_each(json, place.node, &at, &key, &value)) {
        enum nx_keyword keyword = nx_keyword_find(nx_json_text(json, key));
        if (keyword != KW_COUNT && nx_keyword_in(keyword, draft) &&
            (!lone_ref || keyword == KW_DEFINITIONS)) {
            err = index_value(c, &place, nx_keyword_shape(keyword), value);
        }
    }
    return err;
}

enum nx_err nx_schema_index(struct compiler *c, uint32_t document, struct dialect dialect)
{
    struct place place = {.document = document};
    enum nx_err err =
        add_resource(c, document, 0, c->schema->documents[document].uri, dialect, &place.resource);

    return err == NX_OK ? index_place(c, place) : err;
}
