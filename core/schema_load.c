/*
 * schema_load.c - from bytes to documents, resources and anchors, and from a reference to the
 * subschema that it names.
 *
 * A document is walked once, along keywords that hold subschemas and nowhere else: an $id inside
 * enum, const or an unknown keyword is data. The walk is recursive, bounded by the reader's depth
 * limit for files.
 */
#include "core/schema_plan.h"

#include "core/schema_uri.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    URI_BYTES_MAX = 2048,
    REFERENCE_BYTES_MAX = 4096,
};

void *nx_compile_alloc(struct compiler *c, size_t count, size_t size)
{
    void *memory = nx_arena_array(&c->schema->arena, count, size);

    if (memory == NULL) {
        nx_diag_set(c->diag, "out of memory for this schema");
    }
    return memory;
}

enum nx_err nx_compile_fail(struct compiler *c, enum nx_err err, uint32_t document, uint32_t node,
                            const char *fmt, ...)
{
    const struct document *doc = &c->schema->documents[document];
    va_list args;

    if (c->diag != NULL) {
        va_start(args, fmt);
        (void)vsnprintf(c->diag->text, sizeof(c->diag->text), fmt, args);
        va_end(args);
        nx_json_diag_at(doc->json, node, doc->file, c->diag);
    }
    return err;
}

/* ---- resources and anchors --------------------------------------------------------------- */

static enum nx_err add_resource(struct compiler *c, uint32_t document, uint32_t node,
                                struct nx_span uri, uint32_t vocab, uint32_t *out)
{
    struct nx_schema *schema = c->schema;

    if (schema->resources_count >= NX_SCHEMA_RESOURCES_MAX) {
        return nx_compile_fail(c, NX_ERR_LIMIT, document, node, "more than %u $id in one schema",
                               NX_SCHEMA_RESOURCES_MAX);
    }
    *out = schema->resources_count++;
    schema->resources[*out] =
        (struct resource){.document = document, .node = node, .vocabularies = vocab, .uri = uri};
    return NX_OK;
}

/* The resource whose URI is `uri`; false when none is loaded. */
static bool find_resource(const struct nx_schema *schema, struct nx_span uri, uint32_t *out)
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

static const struct anchor *find_anchor(const struct compiler *c, uint32_t resource,
                                        struct nx_span name)
{
    for (uint32_t i = 0; i < c->anchors_count; i++) {
        if (c->anchors[i].resource == resource && nx_span_eq(c->anchors[i].name, name)) {
            return &c->anchors[i];
        }
    }
    return NULL;
}

/* XML's NCName without its non-ASCII letters: core, section 8.2.2. */
static bool is_anchor_name(struct nx_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool later = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!letter && !(later && i > 0)) {
            return false;
        }
    }
    return name.len > 0;
}

static enum nx_err add_anchor(struct compiler *c, uint32_t resource, uint32_t document,
                              uint32_t schema_node, uint32_t value, bool dynamic)
{
    const struct nx_json *json = c->schema->documents[document].json;
    struct nx_span name = nx_json_text(json, value);
    const struct anchor *other;

    if (nx_json_type(json, value) != NX_JSON_STRING || !is_anchor_name(name)) {
        return nx_compile_fail(c, NX_ERR_INVALID, document, value,
                               "an anchor is a letter or _, then letters, digits, - _ and .");
    }
    other = find_anchor(c, resource, name);
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

/* ---- the walk ---------------------------------------------------------------------------- */

/* Enters the resource that the `$id` of `node` opens. */
static enum nx_err enter_resource(struct compiler *c, uint32_t document, uint32_t node,
                                  uint32_t id_node, uint32_t *resource)
{
    const struct nx_json *json = c->schema->documents[document].json;
    const struct resource *outer = &c->schema->resources[*resource];
    struct nx_span fragment;
    struct nx_span uri;
    uint32_t other;
    struct nx_buf buf;
    enum nx_err err;

    if (nx_json_type(json, id_node) != NX_JSON_STRING) {
        return nx_compile_fail(c, NX_ERR_INVALID, document, id_node,
                               "$id is a URI reference in a string");
    }
    nx_buf_init(&buf, URI_BYTES_MAX);
    err = nx_uri_resolve(outer->uri, nx_json_text(json, id_node), &buf);
    uri = nx_uri_without_fragment(nx_buf_view(&buf), &fragment);
    if (err == NX_OK && fragment.len > 0) {
        err = nx_compile_fail(c, NX_ERR_INVALID, document, id_node,
                              "$id must not have a fragment: use $anchor");
    } else if (err == NX_OK && node != 0 && find_resource(c->schema, uri, &other)) {
        err = nx_compile_fail(c, NX_ERR_INVALID, document, id_node,
                              "the $id \"%.*s\" is already taken", NX_SPAN_ARG(uri));
    } else if (err == NX_ERR_LIMIT) {
        err = nx_compile_fail(c, err, document, id_node, "this URI is too long");
    }
    if (err == NX_OK) {
        uri = nx_arena_dup(&c->schema->arena, uri);
        err = uri.ptr == NULL ? NX_ERR_NOMEM : NX_OK;
    }
    if (err == NX_OK && node == c->schema->resources[*resource].node) {
        c->schema->resources[*resource].uri = uri;
    } else if (err == NX_OK) {
        err = add_resource(c, document, node, uri, outer->vocabularies, resource);
    }
    nx_buf_fini(&buf);
    return err;
}

static enum nx_err index_schema(struct compiler *c, uint32_t document, uint32_t node,
                                uint32_t resource);

/* The subschemas in the value of a keyword. */
static enum nx_err index_value(struct compiler *c, uint32_t document, enum nx_shape shape,
                               uint32_t value, uint32_t resource)
{
    const struct nx_json *json = c->schema->documents[document].json;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    enum nx_err err = NX_OK;

    if (shape == SHAPE_SCHEMA) {
        return index_schema(c, document, value, resource);
    }
    if (nx_json_type(json, value) != (shape == SHAPE_SCHEMA_MAP ? NX_JSON_OBJECT : NX_JSON_ARRAY)) {
        return NX_OK; /* the keyword's own compilation complains */
    }
    while (err == NX_OK && nx_json_each(json, value, &at, &key, &item)) {
        err = index_schema(c, document, item, resource);
    }
    return err;
}

/* $id, $schema, $anchor and $dynamicAnchor of one schema object. */
static enum nx_err index_identity(struct compiler *c, uint32_t document, uint32_t node,
                                  uint32_t *resource)
{
    const struct nx_json *json = c->schema->documents[document].json;
    uint32_t id = nx_json_member(json, node, NX_SPAN("$id"));
    uint32_t dialect = nx_json_member(json, node, NX_SPAN("$schema"));
    uint32_t anchor = nx_json_member(json, node, NX_SPAN("$anchor"));
    uint32_t dynamic = nx_json_member(json, node, NX_SPAN("$dynamicAnchor"));
    enum nx_err err = NX_OK;

    if (id != 0) {
        err = enter_resource(c, document, node, id, resource);
    }
    if (err == NX_OK && dialect != 0 && c->schema->resources[*resource].node == node) {
        if (nx_json_type(json, dialect) != NX_JSON_STRING) {
            return nx_compile_fail(c, NX_ERR_INVALID, document, dialect,
                                   "$schema is the URI of a dialect in a string");
        }
        err =
            nx_schema_dialect(c, document, dialect, &c->schema->resources[*resource].vocabularies);
    }
    if (err == NX_OK && dynamic != 0) {
        err = add_anchor(c, *resource, document, node, dynamic, true);
    }
    if (err == NX_OK && anchor != 0) {
        err = add_anchor(c, *resource, document, node, anchor, false);
    }
    return err;
}

static enum nx_err index_schema(struct compiler *c, uint32_t document, uint32_t node,
                                uint32_t resource)
{
    const struct nx_json *json = c->schema->documents[document].json;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    enum nx_err err;

    if (nx_json_type(json, node) != NX_JSON_OBJECT) {
        return NX_OK;
    }
    err = index_identity(c, document, node, &resource);
    while (err == NX_OK && nx_json_each(json, node, &at, &key, &value)) {
        enum nx_keyword keyword = nx_keyword_find(nx_json_text(json, key));
        if (keyword != KW_COUNT && nx_keyword_shape(keyword) != SHAPE_VALUE) {
            err = index_value(c, document, nx_keyword_shape(keyword), value, resource);
        }
    }
    return err;
}

/* ---- loading ----------------------------------------------------------------------------- */

static enum nx_err read_document(struct compiler *c, struct document *doc, struct nx_span source,
                                 const char *file, struct nx_span uri)
{
    struct nx_arena *arena = &c->schema->arena;
    enum nx_err err;
    uint32_t count;

    doc->bytes = nx_arena_dup(arena, source);
    doc->uri = nx_arena_dup(arena, uri);
    doc->file = nx_arena_dup(arena, nx_span_from(file)).ptr;
    doc->json = nx_json_new(&nx_json_limits_file, c->schema->seed);
    if (doc->bytes.ptr == NULL || doc->uri.ptr == NULL || doc->file == NULL || doc->json == NULL) {
        nx_diag_set(c->diag, "out of memory for this schema");
        return NX_ERR_NOMEM;
    }
    nx_diag_at(c->diag, doc->file, 0, 0);
    err = nx_json_parse(doc->json, doc->bytes, NX_JSON_STRICT, c->diag);
    if (err != NX_OK) {
        return err;
    }
    (void)nx_json_nodes(doc->json, &count);
    doc->plans = nx_compile_alloc(c, count, sizeof(struct plan *));
    return doc->plans != NULL ? NX_OK : NX_ERR_NOMEM;
}

enum nx_err nx_schema_load(struct compiler *c, struct nx_span source, const char *file,
                           struct nx_span uri, uint32_t *out)
{
    struct nx_schema *schema = c->schema;
    uint32_t resource;
    enum nx_err err;

    if (schema->documents_count >= NX_SCHEMA_DOCUMENTS_MAX) {
        nx_diag_set(c->diag, "more than %u documents in one schema", NX_SCHEMA_DOCUMENTS_MAX);
        return NX_ERR_LIMIT;
    }
    *out = schema->documents_count++;
    err = read_document(c, &schema->documents[*out], source, file, uri);
    if (err == NX_OK) {
        err = add_resource(c, *out, 0, schema->documents[*out].uri, VOCAB_2020_12, &resource);
    }
    if (err == NX_OK) {
        err = index_schema(c, *out, 0, resource);
    }
    return err;
}

/* ---- references -------------------------------------------------------------------------- */

/* The resource at an absolute URI, loaded when it is not yet; `at` is where it is asked for. */
static enum nx_err resource_at(struct compiler *c, uint32_t document, uint32_t at,
                               struct nx_span uri, uint32_t *out)
{
    struct nx_span bytes;
    char file[sizeof(c->diag->file)];
    uint32_t loaded;
    enum nx_err err;

    if (find_resource(c->schema, uri, out)) {
        return NX_OK;
    }
    err = nx_schema_bytes(c, uri, &bytes);
    if (err == NX_ERR_NOT_FOUND) {
        return nx_compile_fail(c, NX_ERR_INVALID, document, at,
                               "nothing is known at \"%.*s\": expected a schema of that $id",
                               NX_SPAN_ARG(uri));
    }
    if (err != NX_OK) {
        return nx_compile_fail(c, err, document, at, "the schema \"%.*s\" cannot be had: %s",
                               NX_SPAN_ARG(uri), nx_err_text(err));
    }
    (void)snprintf(file, sizeof(file), "%.*s", NX_SPAN_ARG(uri));
    err = nx_schema_load(c, bytes, file, uri, &loaded);
    if (err == NX_OK) {
        *out = nx_schema_resource_of(c->schema, loaded, 0);
    }
    return err;
}

/* The node that `fragment` (unescaped) names in a resource. */
static bool fragment_target(const struct compiler *c, uint32_t resource, struct nx_span fragment,
                            struct target *out)
{
    const struct resource *r = &c->schema->resources[resource];
    const struct anchor *anchor;

    *out = (struct target){.document = r->document, .node = r->node};
    if (fragment.len == 0) {
        return true;
    }
    if (fragment.ptr[0] == '/') {
        return nx_json_at_from(c->schema->documents[r->document].json, r->node, fragment,
                               &out->node);
    }
    anchor = find_anchor(c, resource, fragment);
    if (anchor == NULL) {
        return false;
    }
    out->node = anchor->node;
    if (anchor->dynamic) {
        out->dynamic_anchor = anchor->name;
    }
    return true;
}

/* Where the absolute URI in `uri` leads; `pointer` is scratch. */
static enum nx_err follow(struct compiler *c, uint32_t document, uint32_t at, struct nx_span uri,
                          struct nx_buf *pointer, struct target *out)
{
    struct nx_span fragment;
    struct nx_span base = nx_uri_without_fragment(uri, &fragment);
    uint32_t resource;
    enum nx_err err = resource_at(c, document, at, base, &resource);

    if (err != NX_OK) {
        return err;
    }
    err = nx_uri_unescape(fragment, pointer);
    if (err == NX_ERR_NOMEM) {
        return err;
    }
    if (err != NX_OK || !fragment_target(c, resource, nx_buf_view(pointer), out)) {
        return nx_compile_fail(c, NX_ERR_INVALID, document, at,
                               "the reference leads nowhere: there is no \"#%.*s\" in %s",
                               NX_SPAN_ARG(fragment), base.len > 0 ? "that schema" : "this schema");
    }
    return NX_OK;
}

enum nx_err nx_schema_resolve(struct compiler *c, uint32_t resource, uint32_t at,
                              struct target *out)
{
    uint32_t document = c->schema->resources[resource].document;
    struct nx_span reference = nx_json_text(c->schema->documents[document].json, at);
    struct nx_buf uri;
    struct nx_buf pointer;
    enum nx_err err;

    nx_buf_init(&uri, URI_BYTES_MAX);
    nx_buf_init(&pointer, REFERENCE_BYTES_MAX);
    err = nx_uri_resolve(c->schema->resources[resource].uri, reference, &uri);
    if (err != NX_OK) {
        err = nx_compile_fail(c, err, document, at, "this URI is too long");
    } else {
        err = follow(c, document, at, nx_buf_view(&uri), &pointer, out);
    }
    nx_buf_fini(&uri);
    nx_buf_fini(&pointer);
    return err;
}
