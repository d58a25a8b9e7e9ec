/*
 * compat_doc.c - a schema document as the rules read it: one resource of draft 2020-12. One that is
 * more, or of an earlier draft, is read as its bundle (compat_bundle.h). Where there is none the
 * document is opaque: a witness may be found against it, but nothing is proven of it (except that
 * it equals the other one).
 */
#include "core/compat_plan.h"

#include "core/schema_uri.h"

#include <stdlib.h>

#define DIALECT  "https://json-schema.org/draft/2020-12/schema"
#define PART_URI "urn:nexus-compat:document"

enum {
    PART_BYTES_MAX = 8192,
    POINTER_BYTES_MAX = 4096,
    BUNDLE_BYTES_MAX = 8 * 1024 * 1024,
};

uint32_t compat_kw(const struct compat_doc *doc, uint32_t node, const char *keyword)
{
    return nx_json_member(doc->json, node, nx_span_from(keyword));
}

/* Reads the bundle where there is one, else the document itself. */
static enum nx_err read_tape(struct compat_doc *doc, struct nx_diag *diag)
{
    struct compat_bundle bundle =
        compat_bundle(doc->schema, doc->options->assert_format, &doc->bundle);

    doc->opaque = bundle.opaque;
    if (bundle.needed && bundle.opaque == NULL) {
        if (nx_json_parse(doc->json, nx_buf_view(&doc->bundle), NX_JSON_STRICT, NULL) == NX_OK) {
            doc->source = nx_buf_view(&doc->bundle);
            doc->bundled = true;
            doc->as_written = bundle.as_written;
            return NX_OK;
        }
        doc->opaque = "it is nested too deep to be written as one document";
    }
    return nx_json_parse(doc->json, doc->source, NX_JSON_STRICT, diag);
}

enum nx_err compat_doc_init(struct compat_doc *doc, struct nx_span source, const char *file,
                            const struct nx_compat_options *options, struct nx_diag *diag)
{
    const struct nx_schema_options compile = {.assert_format = options->assert_format,
                                              .resolve = options->resolve,
                                              .resolve_ctx = options->resolve_ctx,
                                              .seed = options->seed};
    uint32_t count;
    enum nx_err err;

    nx_buf_init(&doc->bundle, BUNDLE_BYTES_MAX);
    err = nx_schema_compile(source, file, &compile, &doc->schema, diag);
    if (err != NX_OK) {
        return err;
    }
    doc->source = source;
    doc->options = options;
    doc->json = nx_json_new(&nx_json_limits_file, options->seed);
    err = doc->json != NULL ? read_tape(doc, diag) : NX_ERR_NOMEM;
    if (err == NX_OK) {
        (void)nx_json_nodes(doc->json, &count);
        doc->types = calloc(count, sizeof(*doc->types));
        err = doc->types != NULL ? NX_OK : NX_ERR_NOMEM;
    }
    return err;
}

void compat_doc_fini(struct compat_doc *doc)
{
    for (uint32_t i = 0; i < doc->parts_count; i++) {
        nx_schema_free(doc->parts[i].schema);
    }
    for (uint32_t i = 0; i < doc->patterns_count; i++) {
        nx_pattern_free(doc->patterns[i].pattern);
    }
    nx_schema_free(doc->schema);
    nx_json_free(doc->json);
    free(doc->types);
    nx_buf_fini(&doc->bundle);
}

/* ---- places -------------------------------------------------------------------------------- */

/* The innermost schema object around `node` that says where it comes from; false: none does. */
static bool find_origin(const struct compat_doc *doc, uint32_t node, uint32_t *origin)
{
    const struct nx_json_node *nodes = nx_json_nodes(doc->json, &(uint32_t){0});

    for (uint32_t i = node;; i--) {
        if (compat_kw(doc, i, "$comment") != 0 && node < nodes[i].next) {
            *origin = i;
            return true;
        }
        if (i == 0) {
            return false;
        }
    }
}

void compat_place(const struct compat_doc *doc, uint32_t node, struct nx_span keyword, char *out,
                  size_t size)
{
    struct nx_buf place;
    struct nx_buf inner;
    uint32_t origin;

    nx_buf_init(&place, size - 1);
    nx_buf_init(&inner, POINTER_BYTES_MAX);
    (void)nx_json_pointer(doc->json, node, &inner);
    if (doc->bundled && find_origin(doc, node, &origin)) {
        struct nx_buf outer;
        nx_buf_init(&outer, POINTER_BYTES_MAX);
        (void)nx_json_pointer(doc->json, origin, &outer);
        (void)nx_buf_span(&place, nx_json_text(doc->json, compat_kw(doc, origin, "$comment")));
        nx_buf_consume(&inner, outer.len);
        nx_buf_fini(&outer);
    }
    (void)nx_buf_span(&place, nx_buf_view(&inner));
    if (keyword.len > 0) {
        (void)nx_buf_printf(&place, "/%.*s", NX_SPAN_ARG(keyword));
    }
    (void)nx_span_copy(nx_buf_view(&place), out, size);
    nx_buf_fini(&inner);
    nx_buf_fini(&place);
}

/* ---- references ---------------------------------------------------------------------------- */

/* The only schema object with this anchor. */
static bool find_anchor(const struct compat_doc *doc, struct nx_span name, uint32_t *target)
{
    uint32_t count;
    uint32_t found = 0;

    (void)nx_json_nodes(doc->json, &count);
    for (uint32_t node = 0; node < count; node++) {
        uint32_t anchor = compat_kw(doc, node, "$anchor");
        uint32_t dynamic = compat_kw(doc, node, "$dynamicAnchor");
        if ((anchor != 0 && nx_span_eq(nx_json_text(doc->json, anchor), name)) ||
            (dynamic != 0 && nx_span_eq(nx_json_text(doc->json, dynamic), name))) {
            *target = node;
            found++;
        }
    }
    return found == 1;
}

/*
 * In a document of one resource the outermost dynamic scope is that resource, so $dynamicRef leads
 * where $ref does (core, section 8.2.3.2).
 */
bool compat_follow(const struct compat_doc *doc, uint32_t value, uint32_t *target)
{
    struct nx_span reference = nx_json_text(doc->json, value);
    uint32_t id = compat_kw(doc, 0, "$id");
    struct nx_span base = id != 0 ? nx_json_text(doc->json, id) : NX_SPAN("");
    struct nx_span fragment;
    struct nx_buf pointer;
    bool found;

    if (base.len > 0 && nx_span_starts(reference, base)) {
        reference.ptr += base.len;
        reference.len -= base.len;
    }
    if (reference.len == 0) {
        *target = 0;
        return true;
    }
    if (reference.ptr[0] != '#') {
        return false;
    }
    nx_buf_init(&pointer, POINTER_BYTES_MAX);
    fragment = (struct nx_span){reference.ptr + 1, reference.len - 1};
    found = nx_uri_unescape(fragment, &pointer) == NX_OK;
    if (found && (pointer.len == 0 || pointer.data[0] == '/')) {
        found = nx_json_at(doc->json, nx_buf_view(&pointer), target);
    } else if (found) {
        found = find_anchor(doc, nx_buf_view(&pointer), target);
    }
    nx_buf_fini(&pointer);
    return found;
}

/* ---- one subschema by itself --------------------------------------------------------------- */

/* What the compiler asks for: this document, or what the caller's resolver has. */
static enum nx_err resolve_part(void *ctx, struct nx_span uri, struct nx_span *document)
{
    const struct compat_doc *doc = ctx;

    if (nx_span_is(uri, PART_URI)) {
        *document = doc->source;
        return NX_OK;
    }
    if (doc->options->resolve == NULL) {
        return NX_ERR_NOT_FOUND;
    }
    return doc->options->resolve(doc->options->resolve_ctx, uri, document);
}

static void put_escaped(struct nx_buf *out, struct nx_span pointer)
{
    for (size_t i = 0; i < pointer.len; i++) {
        unsigned char c = (unsigned char)pointer.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '-' || c == '_';
        if (plain) {
            (void)nx_buf_byte(out, c);
        } else {
            (void)nx_buf_printf(out, "%%%02X", c);
        }
    }
}

/* {"$ref": "<this document>#<pointer of node>"} */
static struct nx_schema *compile_part(struct compat_doc *doc, uint32_t node)
{
    const struct nx_schema_options options = {.assert_format = doc->options->assert_format,
                                              .resolve = resolve_part,
                                              .resolve_ctx = doc,
                                              .seed = doc->options->seed};
    struct nx_schema *schema = NULL;
    struct nx_buf text;
    struct nx_buf pointer;

    nx_buf_init(&text, PART_BYTES_MAX);
    nx_buf_init(&pointer, POINTER_BYTES_MAX);
    (void)nx_json_pointer(doc->json, node, &pointer);
    (void)nx_buf_str(&text, "{\"$schema\":\"" DIALECT "\",\"$ref\":\"" PART_URI "#");
    put_escaped(&text, nx_buf_view(&pointer));
    (void)nx_buf_str(&text, "\"}");
    if (nx_buf_error(&text) == NX_OK && nx_buf_error(&pointer) == NX_OK) {
        (void)nx_schema_compile(nx_buf_view(&text), "part", &options, &schema, NULL);
    }
    nx_buf_fini(&pointer);
    nx_buf_fini(&text);
    return schema;
}

/* The newest compilation takes the place of one of the older, in turn. */
static const struct nx_schema *part(struct compat_doc *doc, uint32_t node)
{
    uint32_t at = doc->compiles % COMPAT_PARTS_MAX;

    if (node == 0) {
        return doc->schema;
    }
    for (uint32_t i = 0; i < doc->parts_count; i++) {
        if (doc->parts[i].node == node) {
            return doc->parts[i].schema;
        }
    }
    if (doc->compiles == COMPAT_COMPILES_MAX ||
        doc->compiled_bytes + doc->source.len > COMPAT_COMPILED_BYTES_MAX) {
        return NULL;
    }
    doc->compiles++;
    doc->compiled_bytes += doc->source.len;
    at = doc->parts_count < COMPAT_PARTS_MAX ? doc->parts_count++ : at;
    nx_schema_free(doc->parts[at].schema);
    doc->parts[at].node = node;
    doc->parts[at].schema = compile_part(doc, node);
    return doc->parts[at].schema;
}

/* Does it hold a number that is an integer, however it is written? */
static bool holds_integer(const struct nx_json *json)
{
    uint32_t count;

    (void)nx_json_nodes(json, &count);
    for (uint32_t node = 0; node < count; node++) {
        if ((compat_value_type(json, node) & T_INTEGER) != 0) {
            return true;
        }
    }
    return false;
}

/* An instance that equals `value` may be written otherwise: draft 04 may judge it otherwise. */
enum nx_err compat_part_valid(struct nx_compat *compat, struct compat_doc *doc, uint32_t node,
                              struct nx_span value)
{
    const struct nx_schema *schema = part(doc, node);

    if (schema == NULL) {
        return NX_ERR_LIMIT;
    }
    if (nx_json_parse(compat->instance, value, NX_JSON_STRICT, NULL) != NX_OK) {
        return NX_ERR_LIMIT;
    }
    if (doc->as_written && holds_integer(compat->instance)) {
        return NX_ERR_LIMIT;
    }
    return nx_schema_check(schema, compat->check, compat->instance);
}

/* ---- patterns ------------------------------------------------------------------------------ */

static const struct nx_pattern *find_pattern(struct compat_doc *doc, struct nx_span text)
{
    uint32_t at = doc->compiles % COMPAT_PATTERNS_MAX;

    for (uint32_t i = 0; i < doc->patterns_count; i++) {
        if (nx_span_eq(doc->patterns[i].text, text)) {
            return doc->patterns[i].pattern;
        }
    }
    if (doc->compiles == COMPAT_COMPILES_MAX) {
        return NULL;
    }
    doc->compiles++;
    at = doc->patterns_count < COMPAT_PATTERNS_MAX ? doc->patterns_count++ : at;
    nx_pattern_free(doc->patterns[at].pattern);
    doc->patterns[at].text = text;
    doc->patterns[at].pattern = NULL;
    (void)nx_pattern_compile(text, &doc->patterns[at].pattern, NULL);
    return doc->patterns[at].pattern;
}

enum nx_err compat_match(struct nx_compat *compat, struct compat_doc *doc, struct nx_span pattern,
                         struct nx_span text, bool *matched)
{
    const struct nx_pattern *compiled = find_pattern(doc, pattern);

    *matched = false;
    if (compiled == NULL) {
        return NX_ERR_LIMIT;
    }
    /* To say "surrogates" of a text that has none is slower, not wrong. */
    return nx_pattern_match(compiled, compat->matcher, text, true, matched);
}

bool compat_is_annotation(const struct compat_doc *doc, struct nx_span keyword)
{
    static const char *const names[] = {
        "$id",
        "$schema",
        "$anchor",
        "$dynamicAnchor",
        "$vocabulary",
        "$comment",
        "$defs",
        "title",
        "default",
        "description",
        "deprecated",
        "readOnly",
        "writeOnly",
        "examples",
        "definitions",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
    };

    if (nx_span_starts(keyword, NX_SPAN("x-")) ||
        (!doc->options->assert_format && nx_span_is(keyword, "format"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (nx_span_is(keyword, names[i])) {
            return true;
        }
    }
    return false;
}
