/*
 * schema.h - JSON Schema (drafts 2020-12, 2019-09, 07, 06, 04): compile once, check many.
 *
 * A compiled schema is immutable and may be shared. A check allocates nothing after warm-up: its
 * memory is in struct nx_check, one for each thread. A check answers yes or no and stops at the
 * first fault; nx_schema_explain runs again and names every fault, so that valid messages never
 * pay for words.
 */
#ifndef NX_SCHEMA_H
#define NX_SCHEMA_H

#include "core/json.h"

struct nx_schema;
struct nx_check;

enum nx_draft {
    NX_DRAFT_2020_12, /* the default */
    NX_DRAFT_2019_09,
    NX_DRAFT_07,
    NX_DRAFT_06,
    NX_DRAFT_04,
    NX_DRAFT_COUNT,
};

/*
 * The draft that a name such as "2020-12", "07" or "7" stands for, or the URI of its metaschema
 * (`$schema`); false when there is none.
 */
bool nx_draft_find(struct nx_span name, enum nx_draft *out);

struct nx_schema_options {
    bool strict;        /* an unknown keyword or format is an error (the gate); else ignored */
    bool assert_format; /* `format` refuses; else it is an annotation (2020-12 section 7.2.1) */
    /* Draft 07: contentEncoding base64 and contentMediaType application/json refuse (validation,
     * section 8.2); else, and in the later drafts always, they are annotations. */
    bool assert_content;
    enum nx_draft default_draft; /* of a schema without `$schema` */
    /* Where the schema is: what its relative references and `$id` are resolved against. May be
     * empty. Its bytes are never asked for. */
    struct nx_span base_uri;
    /*
     * Gives the bytes of the schema document at an absolute `uri` that the document itself does
     * not hold; NX_ERR_NOT_FOUND when unknown. NULL: only references within the document resolve.
     * The bytes must live until nx_schema_compile returns. Nothing is ever fetched.
     */
    enum nx_err (*resolve)(void *ctx, struct nx_span uri, struct nx_span *document);
    void *resolve_ctx;
    uint64_t seed; /* keys the hashes; any value */
};

/*
 * Compiles the schema document `source`. `file` names it in diagnoses. On NX_OK the caller owns
 * *out. NX_ERR_SYNTAX: not JSON. NX_ERR_INVALID: a keyword's value is wrong, unknown keyword or
 * format (strict), unresolvable reference. NX_ERR_LIMIT, NX_ERR_NOMEM. diag names file, line,
 * column, pointer, and what was expected.
 */
enum nx_err nx_schema_compile(struct nx_span source, const char *file,
                              const struct nx_schema_options *options, struct nx_schema **out,
                              struct nx_diag *diag);
void nx_schema_free(struct nx_schema *schema);

/* The schema's `$id`, or empty. Lives as long as the schema. */
struct nx_span nx_schema_id(const struct nx_schema *schema);

/* Scratch memory of checks. NULL when memory is out. */
struct nx_check *nx_check_new(void);
void nx_check_free(struct nx_check *check);

/*
 * Does the document on the tape satisfy the schema? NX_OK: yes. NX_ERR_INVALID: no.
 * NX_ERR_LIMIT: not decided (a regular expression or the depth reached its limit); treat as no.
 * NX_ERR_NOMEM.
 */
enum nx_err nx_schema_check(const struct nx_schema *schema, struct nx_check *check,
                            const struct nx_json *instance);

/*
 * Is the payload JSON, and does it satisfy the schema? What nx_json_parse with
 * nx_json_limits_payload and nx_schema_check say, one after the other, but at once and without a
 * tape where the schema allows it. NX_OK: yes. NX_ERR_SYNTAX, NX_ERR_INVALID, NX_ERR_LIMIT: no, as
 * theirs; they have the words. NX_ERR_NOMEM.
 */
enum nx_err nx_schema_check_bytes(const struct nx_schema *schema, struct nx_check *check,
                                  struct nx_span payload);

/*
 * The quick half of it, for who has a reader of his own for the rest: true is NX_OK, false says
 * nothing yet.
 */
bool nx_schema_admits(const struct nx_schema *schema, struct nx_check *check,
                      struct nx_span payload);

/* One fault, in the terms of 2020-12 section 12. Strings are NUL-terminated, cut on overflow. */
struct nx_fault {
    char instance[192]; /* JSON Pointer into the payload */
    char keyword[40];   /* "type", "required", ... */
    char schema[256];   /* JSON Pointer into the schema document: its keyword */
    char text[384];     /* expected and found, in words */
    uint32_t node;      /* the instance's node */
};

/*
 * Runs the check to the end and hands each fault to `fault`, at most `faults_max`. Returns what
 * nx_schema_check returns. A fault below `anyOf`, `oneOf`, `not` is told as one fault of that
 * keyword. `fault` returning false stops.
 */
enum nx_err nx_schema_explain(const struct nx_schema *schema, struct nx_check *check,
                              const struct nx_json *instance, unsigned faults_max,
                              bool (*fault)(void *ctx, const struct nx_fault *fault), void *ctx);

#endif
