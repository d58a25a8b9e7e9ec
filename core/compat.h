/*
 * compat.h - may one schema take the place of another? Does every document that FROM accepts
 * satisfy TO as well?
 *
 * Three answers, each sound. Compatible: shown by the rules of compat_prove.c. Incompatible: with
 * a document that the judge (schema.h) accepts under FROM and refuses under TO. Unknown: neither,
 * with the keyword that stood in the way. Inclusion of schemas cannot be decided in general, so
 * there will always be the third. What a check may cost (schema.h: NX_ERR_LIMIT) is left out of
 * the question: a document that one of the schemas cannot decide is no witness.
 *
 * Pure: random choices come from the seed, documents behind references from the caller.
 */
#ifndef NX_COMPAT_H
#define NX_COMPAT_H

#include "core/schema.h"

enum {
    NX_COMPAT_STEPS_MAX = 100 * 1000,          /* subschema against subschema, in one proof */
    NX_COMPAT_DEPTH_MAX = 48,                  /* of a proof, and of a generated document */
    NX_COMPAT_CANDIDATES_MAX = 6000,           /* documents tried in one search */
    NX_COMPAT_WITNESS_MAX = 64 * 1024,         /* bytes of one that is made */
    NX_COMPAT_RECORDED_MAX = 16 * 1024 * 1024, /* bytes of one that was recorded */
    NX_COMPAT_SHRINK_MAX = 2000,               /* smaller documents tried for one witness */
    NX_COMPAT_VALUES_MAX = 4096,               /* of an enum that is checked value by value */
    NX_COMPAT_PATTERN_STATES_MAX = 2048,       /* of the automaton of one pattern */
    NX_COMPAT_STRING_STATES_MAX = 16384,       /* visited while comparing patterns */
};

enum nx_compat_answer { NX_COMPATIBLE, NX_INCOMPATIBLE, NX_COMPAT_UNKNOWN };

/* "compatible", "incompatible", "unknown" */
const char *nx_compat_answer_name(enum nx_compat_answer answer);

struct nx_compat_options {
    bool assert_format; /* as nx_schema_options */
    enum nx_err (*resolve)(void *ctx, struct nx_span uri, struct nx_span *document);
    void *resolve_ctx;
    uint64_t seed;           /* of hashes and of the search: the same seed gives the same answer */
    unsigned candidates_max; /* less than NX_COMPAT_CANDIDATES_MAX, or 0: that */
};

struct nx_compat_result {
    enum nx_compat_answer answer;
    /* Unless compatible: where the difference is, as JSON Pointers, and what it is. */
    char from_pointer[256]; /* the subschema of FROM that is concerned */
    char to_pointer[256];   /* the keyword of TO that refuses it, or could not be decided */
    char instance[192];     /* where in the witness */
    char keyword[40];
    char text[384];
    struct nx_buf witness; /* incompatible: the document */
    unsigned steps;        /* of the proof */
    unsigned candidates;   /* of the search */
};

void nx_compat_result_init(struct nx_compat_result *result);
void nx_compat_result_fini(struct nx_compat_result *result);

/* Two schemas, compiled and readable. */
struct nx_compat;

enum nx_compat_side { NX_COMPAT_OLD, NX_COMPAT_NEW };

/*
 * `sources` and `files` are indexed by enum nx_compat_side; the bytes must outlive *out. Errors
 * are those of nx_schema_compile; an unknown keyword is none.
 */
enum nx_err nx_compat_new(const struct nx_span sources[2], const char *const files[2],
                          const struct nx_compat_options *options, struct nx_compat **out,
                          struct nx_diag *diag);
void nx_compat_free(struct nx_compat *compat);

/* Is all that `from` accepts accepted by the other? NX_ERR_NOMEM. */
enum nx_err nx_compat_decide(struct nx_compat *compat, enum nx_compat_side from,
                             struct nx_compat_result *result);

/* What the two say of one document. */
struct nx_compat_verdict {
    enum nx_err parsed;   /* NX_OK, or why it is not a document: then the rest is not set */
    enum nx_err valid[2]; /* by enum nx_compat_side, as nx_schema_check returns it */
};

void nx_compat_judge(struct nx_compat *compat, struct nx_span document,
                     struct nx_compat_verdict *out, struct nx_diag *diag);

/*
 * Fills `result` for a document that `from` accepts and the other refuses, found elsewhere (a
 * recorded payload). NX_ERR_INVALID: it is no such document.
 */
enum nx_err nx_compat_witness(struct nx_compat *compat, enum nx_compat_side from,
                              struct nx_span document, struct nx_compat_result *result);

#endif
