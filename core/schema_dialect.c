/*
 * schema_dialect.c - the drafts, and which vocabularies a schema speaks: its $schema names a
 * metaschema, whose own $schema names the draft and whose $vocabulary lists them (core, section
 * 8.1). A dialect that is not known is refused: to judge by guessed rules is worse than not to
 * judge.
 */
#include "core/schema_plan.h"

#include "core/schema_uri.h"

enum { METASCHEMA_DEPTH_MAX = 8 }; /* metaschemas of metaschemas */

static const struct {
    const char *name;
    const char *other_name;
    const char *uri;
    const char *vocabularies; /* prefix of their URIs; NULL: the draft has none */
    unsigned number;
} drafts[NX_DRAFT_COUNT] = {
    [NX_DRAFT_2020_12] = {"2020-12", "draft2020-12", "https://json-schema.org/draft/2020-12/schema",
                          "https://json-schema.org/draft/2020-12/vocab/", 2020},
    [NX_DRAFT_2019_09] = {"2019-09", "draft2019-09", "https://json-schema.org/draft/2019-09/schema",
                          "https://json-schema.org/draft/2019-09/vocab/", 2019},
    [NX_DRAFT_07] = {"07", "7", "http://json-schema.org/draft-07/schema", NULL, 7},
    [NX_DRAFT_06] = {"06", "6", "http://json-schema.org/draft-06/schema", NULL, 6},
    [NX_DRAFT_04] = {"04", "4", "http://json-schema.org/draft-04/schema", NULL, 4},
};

/* What `true` and `false` in $vocabulary bring. 2019-09 has what asserts behind `true` alone. */
static const struct {
    const char *name;
    unsigned drafts;
    uint32_t required;
    uint32_t optional;
} vocabularies[] = {
    {"core", SINCE_2019, VOCAB_CORE, VOCAB_CORE},
    {"applicator", DRAFT_2020, VOCAB_APPLICATOR, VOCAB_APPLICATOR},
    {"applicator", DRAFT_2019, VOCAB_APPLICATOR | VOCAB_UNEVALUATED,
     VOCAB_APPLICATOR | VOCAB_UNEVALUATED},
    {"unevaluated", DRAFT_2020, VOCAB_UNEVALUATED, VOCAB_UNEVALUATED},
    {"validation", SINCE_2019, VOCAB_VALIDATION, VOCAB_VALIDATION},
    {"meta-data", SINCE_2019, VOCAB_META_DATA, VOCAB_META_DATA},
    {"format", DRAFT_2019, VOCAB_FORMAT_ASSERTION, VOCAB_FORMAT_ANNOTATION},
    {"format-annotation", DRAFT_2020, VOCAB_FORMAT_ANNOTATION, VOCAB_FORMAT_ANNOTATION},
    {"format-assertion", DRAFT_2020, VOCAB_FORMAT_ASSERTION, VOCAB_FORMAT_ASSERTION},
    {"content", SINCE_2019, VOCAB_CONTENT, VOCAB_CONTENT},
};

bool nx_draft_find(struct nx_span name, enum nx_draft *out)
{
    struct nx_span fragment;
    struct nx_span uri = nx_uri_without_fragment(name, &fragment);

    for (enum nx_draft draft = 0; draft < NX_DRAFT_COUNT; draft++) {
        if (nx_span_is(name, drafts[draft].name) || nx_span_is(name, drafts[draft].other_name) ||
            (fragment.len == 0 && nx_span_is(uri, drafts[draft].uri))) {
            *out = draft;
            return true;
        }
    }
    return false;
}

const char *nx_draft_name(enum nx_draft draft)
{
    return drafts[draft].name;
}

unsigned nx_draft_number(enum nx_draft draft)
{
    return drafts[draft].number;
}

/* The vocabulary at `uri`, in a metaschema of `draft`; 0 when it is not known. */
static uint32_t vocabulary_bits(enum nx_draft draft, struct nx_span uri, bool required)
{
    struct nx_span prefix = nx_span_from(drafts[draft].vocabularies);

    if (!nx_span_starts(uri, prefix)) {
        return 0;
    }
    uri.ptr += prefix.len;
    uri.len -= prefix.len;
    for (size_t i = 0; i < sizeof(vocabularies) / sizeof(vocabularies[0]); i++) {
        if (nx_draft_in(draft, vocabularies[i].drafts) && nx_span_is(uri, vocabularies[i].name)) {
            return required ? vocabularies[i].required : vocabularies[i].optional;
        }
    }
    return 0;
}

/* The bytes of a document that is not loaded. */
enum nx_err nx_schema_bytes(struct compiler *c, struct nx_span uri, struct nx_span *bytes)
{
    if (nx_schema_meta(uri, bytes)) {
        return NX_OK;
    }
    if (c->options->resolve == NULL) {
        return NX_ERR_NOT_FOUND;
    }
    return c->options->resolve(c->options->resolve_ctx, uri, bytes);
}

/* The `$schema` whose dialect is looked for. */
struct question {
    struct compiler *c;
    uint32_t document;
    uint32_t at;
};

/* Reads `$vocabulary` of a metaschema of out->draft. */
static enum nx_err read_vocabulary(const struct question *q, const struct nx_json *json,
                                   struct dialect *out)
{
    uint32_t object = nx_json_member(json, 0, NX_SPAN("$vocabulary"));
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    *out = nx_dialect_of(out->draft);
    if (object == 0 || drafts[out->draft].vocabularies == NULL) {
        return NX_OK;
    }
    out->vocabularies = VOCAB_CORE;
    while (nx_json_each(json, object, &at, &key, &value)) {
        bool required = nx_json_type(json, value) == NX_JSON_TRUE;
        struct nx_span uri = nx_json_text(json, key);
        uint32_t bits = vocabulary_bits(out->draft, uri, required);
        if (bits == 0 && required) {
            return nx_compile_fail(q->c, NX_ERR_UNSUPPORTED, q->document, q->at,
                                   "the dialect requires the unknown vocabulary \"%.*s\"",
                                   NX_SPAN_ARG(uri));
        }
        out->vocabularies |= bits;
    }
    return NX_OK;
}

static enum nx_err unknown_dialect(const struct question *q, struct nx_span uri)
{
    return nx_compile_fail(q->c, NX_ERR_UNSUPPORTED, q->document, q->at,
                           "the dialect \"%.*s\" is not known: expected \"%s\", or that of draft "
                           "2019-09, 07, 06 or 04",
                           NX_SPAN_ARG(uri), drafts[NX_DRAFT_2020_12].uri);
}

static enum nx_err find_dialect(const struct question *q, struct nx_span name, unsigned depth,
                                struct dialect *out);

/* The dialect that the metaschema in `bytes` describes. */
static enum nx_err read_metaschema(const struct question *q, struct nx_span uri,
                                   struct nx_span bytes, unsigned depth, struct dialect *out)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, q->c->schema->seed);
    uint32_t own;
    enum nx_err err;

    if (json == NULL) {
        return NX_ERR_NOMEM;
    }
    err = nx_json_parse(json, bytes, NX_JSON_STRICT, NULL);
    if (err != NX_OK) {
        err = err == NX_ERR_NOMEM ? err
                                  : nx_compile_fail(q->c, err, q->document, q->at,
                                                    "the metaschema \"%.*s\" cannot be read: %s",
                                                    NX_SPAN_ARG(uri), nx_err_text(err));
        goto out;
    }
    own = nx_json_member(json, 0, NX_SPAN("$schema"));
    *out = nx_dialect_of(q->c->options->default_draft);
    if (own != 0) {
        err = find_dialect(q, nx_json_text(json, own), depth + 1, out);
    }
    if (err == NX_OK) {
        err = read_vocabulary(q, json, out);
    }
out:
    nx_json_free(json);
    return err;
}

static enum nx_err find_dialect(const struct question *q, struct nx_span name, unsigned depth,
                                struct dialect *out)
{
    struct nx_span fragment;
    struct nx_span uri = nx_uri_without_fragment(name, &fragment);
    struct nx_span bytes;

    for (enum nx_draft draft = 0; draft < NX_DRAFT_COUNT; draft++) {
        if (nx_span_is(uri, drafts[draft].uri)) {
            *out = nx_dialect_of(draft);
            return NX_OK;
        }
    }
    if (depth >= METASCHEMA_DEPTH_MAX || nx_schema_bytes(q->c, uri, &bytes) != NX_OK) {
        return unknown_dialect(q, uri);
    }
    return read_metaschema(q, uri, bytes, depth, out);
}

enum nx_err nx_schema_dialect(struct compiler *c, uint32_t document, uint32_t at,
                              struct dialect *out)
{
    const struct question q = {c, document, at};

    return find_dialect(&q, nx_json_text(c->schema->documents[document].json, at), 0, out);
}
