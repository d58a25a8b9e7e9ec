/*
 * schema.h - JSON Schema (draft 2020-12): compile once, check many.
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

struct nx_schema_options {
    bool strict;        /* an unknown keyword or format is an error (the gate); else ignored */
    bool assert_format; /* `format` refuses; else it is an annotation (2020-12 section 7.2.1) */
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
