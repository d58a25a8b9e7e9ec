/*
 * schema_load.c - from bytes to documents, and from a reference to the subschema that it names.
 * What a document holds is found by schema_index.c.
 */
#include "core/schema_plan.h"

#include "core/schema_uri.h"

#include <stdio.h>
#include <stdlib.h>

enum { REFERENCE_BYTES_MAX = 4096 };

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

/* ---- loading ----------------------------------------------------------------------------- */

static enum nx_err read_document(struct compiler *c, struct document *doc, struct nx_span source,
                                 const char *file, struct nx_span uri)
{
    struct nx_arena *arena = &c->schema->arena;
    struct nx_span meta;
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
    doc->published = nx_schema_meta(uri, &meta) && meta.ptr == source.ptr;
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
    enum nx_err err;

    if (schema->documents_count >= NX_SCHEMA_DOCUMENTS_MAX) {
        nx_diag_set(c->diag, "more than %u documents in one schema", NX_SCHEMA_DOCUMENTS_MAX);
        return NX_ERR_LIMIT;
    }
    *out = schema->documents_count++;
    err = read_document(c, &schema->documents[*out], source, file, uri);
    return err == NX_OK ? nx_schema_index(c, *out, nx_dialect_of(c->draft)) : err;
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

    if (nx_schema_find(c->schema, uri, out)) {
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
    anchor = nx_schema_anchor(c, resource, fragment);
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

    nx_buf_init(&uri, NX_URI_BYTES_MAX);
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
