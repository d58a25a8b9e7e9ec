/*
 * schema_dialect.c - which vocabularies a schema speaks: its $schema names a metaschema, whose
 * $vocabulary lists them (core, section 8.1). A dialect that is not known is refused: to judge by
 * guessed rules is worse than not to judge.
 */
#include "core/schema_plan.h"

#include "core/schema_uri.h"

#define DIALECT_2020_12 "https://json-schema.org/draft/2020-12/schema"

static const struct {
    const char *name;
    uint32_t vocabularies;
} vocabularies[] = {
    {"core", VOCAB_CORE},
    {"applicator", VOCAB_APPLICATOR},
    {"unevaluated", VOCAB_UNEVALUATED},
    {"validation", VOCAB_VALIDATION},
    {"meta-data", VOCAB_META_DATA},
    {"format-annotation", VOCAB_FORMAT_ANNOTATION},
    {"format-assertion", VOCAB_FORMAT_ASSERTION},
    {"content", VOCAB_CONTENT},
};

static uint32_t vocabulary_bit(struct nx_span uri)
{
    struct nx_span prefix = NX_SPAN("https://json-schema.org/draft/2020-12/vocab/");

    if (!nx_span_starts(uri, prefix)) {
        return 0;
    }
    uri.ptr += prefix.len;
    uri.len -= prefix.len;
    for (size_t i = 0; i < sizeof(vocabularies) / sizeof(vocabularies[0]); i++) {
        if (nx_span_is(uri, vocabularies[i].name)) {
            return vocabularies[i].vocabularies;
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

/* Reads `$vocabulary` of a metaschema. `*unknown` is set to one that is required and unknown. */
static enum nx_err read_vocabulary(const struct nx_json *json, uint32_t *out,
                                   struct nx_span *unknown)
{
    uint32_t object = nx_json_member(json, 0, NX_SPAN("$vocabulary"));
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    uint32_t bits = VOCAB_CORE;

    if (object == 0) {
        *out = VOCAB_2020_12;
        return NX_OK;
    }
    while (nx_json_each(json, object, &at, &key, &value)) {
        uint32_t bit = vocabulary_bit(nx_json_text(json, key));
        if (bit == 0 && nx_json_type(json, value) == NX_JSON_TRUE) {
            *unknown = nx_json_text(json, key);
            return NX_ERR_UNSUPPORTED;
        }
        bits |= bit;
    }
    *out = bits;
    return NX_OK;
}

/* The vocabularies of the dialect that `$schema` (tape node `at`) names. */
enum nx_err nx_schema_dialect(struct compiler *c, uint32_t document, uint32_t at, uint32_t *out)
{
    struct nx_span uri = nx_json_text(c->schema->documents[document].json, at);
    struct nx_span unknown = {NULL, 0};
    struct nx_span fragment;
    struct nx_span bytes;
    struct nx_json *json;
    enum nx_err err;

    uri = nx_uri_without_fragment(uri, &fragment);
    if (nx_span_is(uri, DIALECT_2020_12)) {
        *out = VOCAB_2020_12;
        return NX_OK;
    }
    if (nx_schema_bytes(c, uri, &bytes) != NX_OK) {
        return nx_compile_fail(c, NX_ERR_UNSUPPORTED, document, at,
                               "the dialect \"%.*s\" is not known: expected \"%s\"",
                               NX_SPAN_ARG(uri), DIALECT_2020_12);
    }
    json = nx_json_new(&nx_json_limits_file, c->schema->seed);
    if (json == NULL) {
        return NX_ERR_NOMEM;
    }
    err = nx_json_parse(json, bytes, NX_JSON_STRICT, NULL);
    if (err == NX_OK) {
        err = read_vocabulary(json, out, &unknown);
    }
    if (err == NX_ERR_UNSUPPORTED) {
        err = nx_compile_fail(c, err, document, at,
                              "the dialect requires the unknown vocabulary \"%.*s\"",
                              NX_SPAN_ARG(unknown));
    } else if (err != NX_OK && err != NX_ERR_NOMEM) {
        err = nx_compile_fail(c, err, document, at, "the metaschema \"%.*s\" cannot be read: %s",
                              NX_SPAN_ARG(uri), nx_err_text(err));
    }
    nx_json_free(json);
    return err;
}
