/*
 * compat_plan.h - what the files of compat share. Included by compat_*.c only.
 *
 *   compat_doc.c      a schema document: references, patterns, one subschema as a schema of its own
 *   compat_bundle.c   other drafts, resources and documents as one document of 2020-12
 *   compat_same.c     do two subschemas say the same, whatever they say?
 *   compat_facts.c    what is known of an instance that satisfies several subschemas at once;
 *   compat_parts.c    and of its members, its items, its value
 *   compat_prove.c    subsumption, keyword by keyword; its rules are in compat_scalar.c,
 *                     compat_object.c, compat_array.c, compat_apply.c
 *   compat_disjoint.c can no instance satisfy both?
 *   compat_regex.c    a pattern as an automaton; compat_string.c: comparing them, sample strings
 *   compat_make*.c    documents that a schema accepts, or nearly
 *   compat_search.c   the witness; compat.c: the answer
 */
#ifndef NX_COMPAT_PLAN_H
#define NX_COMPAT_PLAN_H

#include "core/compat.h"
#include "core/compat_bundle.h"

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/number.h"
#include "core/pattern.h"

enum {
    COMPAT_NODES_MAX = 40,     /* subschemas that are known to hold at once; more are left out */
    COMPAT_PATH_MAX = 16,      /* steps into the instance that an obstacle remembers */
    COMPAT_OBSTACLES_MAX = 24, /* that the search is aimed at */
    COMPAT_GATHERED_MAX = 2 * 1000 * 1000, /* subschemas put among facts, in one proof or search */
    COMPAT_PARTS_MAX = 256,     /* subschemas compiled by themselves and kept, for each document */
    COMPAT_PATTERNS_MAX = 256,  /* patterns compiled and kept, for each document */
    COMPAT_COMPILES_MAX = 8192, /* of both, kept or not */
    COMPAT_COMPILED_BYTES_MAX = 512 * 1024 * 1024, /* a subschema's compilation reads it all */
    COMPAT_NEST_MAX = 12,  /* of quick looks through references and branches */
    COMPAT_SPLITS_MAX = 4, /* case distinctions within each other */
    TEXT_POOLS_MAX = 256,
    TEXT_POOL_MAX = 16,
    TEXT_BYTES_ALL_MAX = 4 * 1024 * 1024,
    STRING_STATES_PROOF_MAX = 256 * 1024, /* visited in all comparisons of one proof */
    STRING_STATES_MAKE_MAX = 256 * 1024,  /* visited in looking for texts, for one search */
};

/* The types of instances, as bits. Integers are told from other numbers. */
enum {
    T_NULL = 1,
    T_BOOLEAN = 2,
    T_INTEGER = 4,
    T_FRACTION = 8,
    T_STRING = 16,
    T_ARRAY = 32,
    T_OBJECT = 64,
    T_NUMBER = T_INTEGER | T_FRACTION,
    T_ANY = 127,
    TYPES_KNOWN = 128,
};

struct compat_doc {
    struct nx_span source;
    struct nx_json *json;
    struct nx_schema *schema;
    const struct nx_compat_options *options;
    struct nx_buf bundle; /* what `source` and `json` are, where it is bundled */
    bool bundled;
    bool as_written;    /* compat_bundle.h */
    const char *opaque; /* not NULL: why the rules cannot read this document */
    struct {
        uint32_t node;
        struct nx_schema *schema; /* NULL: it could not be compiled */
    } parts[COMPAT_PARTS_MAX];
    uint32_t parts_count;
    struct {
        struct nx_span text;
        struct nx_pattern *pattern; /* NULL: it could not be compiled */
    } patterns[COMPAT_PATTERNS_MAX];
    uint32_t patterns_count;
    uint32_t compiles; /* so far */
    uint8_t *types;    /* by node: compat_types | TYPES_KNOWN, once it was asked for */
    size_t compiled_bytes;
    uint32_t gathered; /* subschemas put among facts during this proof or search */
};

/* Subschemas of one document that hold for the same instance, $ref and allOf followed. */
struct facts {
    struct compat_doc *doc;
    uint32_t nodes[COMPAT_NODES_MAX];
    uint32_t count;
    uint8_t types; /* that the instance may have; 0: there is no such instance */
};

struct subschema {
    struct compat_doc *doc;
    uint32_t node;
};

enum step_kind { STEP_NAME, STEP_ANY_NAME, STEP_PATTERN, STEP_INDEX, STEP_ANY_INDEX };

/* One step into the instance. */
struct step {
    enum step_kind kind;
    struct nx_span name; /* STEP_NAME; STEP_PATTERN: a regular expression that the name matches */
    uint32_t index;      /* STEP_INDEX; STEP_ANY_INDEX: the first */
};

/* Where a proof stood. */
struct obstacle {
    struct step path[COMPAT_PATH_MAX];
    uint32_t path_len;
    struct subschema from; /* node UINT32_MAX: nothing was known there */
    struct subschema to;
    struct nx_span keyword; /* of `to`, or empty: `to` is the schema false */
    const char *why;
    bool firm; /* not in one of several alternatives */
};

struct assumption {
    struct facts from;
    struct subschema to;
    uint32_t level;
};

struct prover {
    struct nx_compat *compat;
    uint32_t steps;
    uint32_t depth;
    uint32_t level; /* steps into the instance */
    uint32_t splits;
    uint32_t quiet; /* > 0: trying one of several alternatives */
    struct step path[NX_COMPAT_DEPTH_MAX];
    struct assumption assumptions[NX_COMPAT_DEPTH_MAX];
    struct obstacle obstacles[COMPAT_OBSTACLES_MAX];
    uint32_t obstacles_count;
    uint32_t obstacles_met; /* also those beyond the maximum */
    uint32_t string_states; /* visited in all comparisons of patterns */
};

/* Strings for one pair of places, found once (compat_make_text.c). */
struct text_pool {
    uint64_t key;
    struct nx_span texts[TEXT_POOL_MAX];
    bool fits[TEXT_POOL_MAX]; /* the other side too */
    uint32_t count;
};

struct nx_compat {
    struct nx_compat_options options;
    struct compat_doc docs[2];
    struct nx_check *check;
    struct nx_matcher *matcher;
    struct nx_json *instance;
    struct prover prover;
    struct nx_arena texts; /* of the pools */
    struct text_pool pools[TEXT_POOLS_MAX];
    uint32_t pools_count;
    uint32_t string_states; /* that may still be visited while looking for texts */
};

/* ---- compat_doc.c -------------------------------------------------------------------------- */

enum nx_err compat_doc_init(struct compat_doc *doc, struct nx_span source, const char *file,
                            const struct nx_compat_options *options, struct nx_diag *diag);
void compat_doc_fini(struct compat_doc *doc);

/* The value of a keyword of a schema object; 0 when it has none. */
uint32_t compat_kw(const struct compat_doc *doc, uint32_t node, const char *keyword);

/* Where the $ref or $dynamicRef in the string at `value` leads within the document. */
bool compat_follow(const struct compat_doc *doc, uint32_t value, uint32_t *target);

enum nx_err compat_part_valid(struct nx_compat *compat, struct compat_doc *doc, uint32_t node,
                              struct nx_span value);

/* Does the regular expression match? NX_ERR_LIMIT: not decided. */
enum nx_err compat_match(struct nx_compat *compat, struct compat_doc *doc, struct nx_span pattern,
                         struct nx_span text, bool *matched);

/* Where a subschema, or a keyword of it, is in what was given: a JSON Pointer. */
void compat_place(const struct compat_doc *doc, uint32_t node, struct nx_span keyword, char *out,
                  size_t size);

/* Keywords that never refuse an instance. */
bool compat_is_annotation(const struct compat_doc *doc, struct nx_span keyword);

/* ---- compat_same.c ------------------------------------------------------------------------- */

/* Equal as JSON values: 1 is 1.0, the order of members is nothing. */
bool compat_equal(const struct nx_json *a_json, uint32_t a, const struct nx_json *b_json,
                  uint32_t b);

/* Do the subschemas accept the same, because they say the same? */
bool compat_same(struct subschema a, struct subschema b);

/* ---- compat_facts.c, compat_parts.c -------------------------------------------------------- */

struct bound {
    bool set;
    bool exclusive;
    struct nx_number value;
};

/* The values that an instance can have, where they are few. */
struct values {
    const struct compat_doc *doc;
    uint32_t node; /* an array's, or that of one value */
    bool list;
    const char *const *texts; /* or these */
    uint32_t count;
};

void facts_init(struct facts *facts, struct compat_doc *doc);
void facts_add(struct facts *facts, uint32_t node);
struct facts facts_of(struct subschema s);

uint8_t compat_value_type(const struct nx_json *json, uint32_t node);
uint8_t compat_type_keyword(const struct compat_doc *doc, uint32_t value); /* of `type` */
uint8_t compat_types(const struct compat_doc *doc, uint32_t node, unsigned nest);

bool compat_number(const struct compat_doc *doc, uint32_t node, struct nx_number *out);
uint64_t compat_count(const struct compat_doc *doc, uint32_t node);

struct bound facts_lower(const struct facts *facts);
struct bound facts_upper(const struct facts *facts);
uint64_t facts_min(const struct facts *facts, const char *keyword);
uint64_t facts_max(const struct facts *facts, const char *keyword);
uint64_t facts_max_items(const struct facts *facts);
bool facts_required(const struct facts *facts, struct nx_span name);
bool facts_true(const struct facts *facts, const char *keyword);

/* What is known of the member `name`, and of the item `index`. */
void facts_member(struct nx_compat *compat, const struct facts *facts, struct nx_span name,
                  struct facts *out);
void facts_item(const struct facts *facts, uint32_t index, struct facts *out);

/*
 * Of a member whose name no `properties` mentions: one that matches `pattern`, or, where that is
 * empty (ptr NULL), one that no pattern of theirs matches.
 */
void facts_other_member(const struct facts *facts, struct nx_span pattern, struct facts *out);

bool facts_values(const struct facts *facts, struct values *out);
struct nx_span values_at(const struct values *values, uint32_t index);

/* Does nothing satisfy them? False when it does not show at a look. */
bool facts_empty(struct nx_compat *compat, const struct facts *facts, unsigned nest);

/* Do all of them accept this value? NX_ERR_INVALID: no. */
enum nx_err facts_accept(struct nx_compat *compat, const struct facts *facts, struct nx_span value);

/* Walks the names in `properties` of all of them: start with *node = *at = 0. */
bool facts_each_name(const struct facts *facts, uint32_t *node, uint32_t *at, struct nx_span *name);

/* ---- compat_prove.c ------------------------------------------------------------------------ */

/* A rule: does every instance of `from` satisfy the keyword `value` of `to`? */
typedef bool (*compat_rule)(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t value);

bool compat_subsumed(struct prover *p, const struct facts *from, struct subschema to);

/* Counts one step; false when the proof may take no more of them. */
bool compat_step(struct prover *p);

/* The same, one step into the instance. */
bool compat_subsumed_at(struct prover *p, struct step step, const struct facts *from,
                        struct subschema to);

/* The same as one of several alternatives: what stands in its way is no reason by itself. */
bool compat_subsumed_maybe(struct prover *p, const struct facts *from, struct subschema to);

/* Remembers where the proof stands; false always. */
bool compat_obstacle(struct prover *p, const struct facts *from, struct subschema to,
                     struct nx_span keyword, const char *why);

/* compat_object.c */
bool rule_properties(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_pattern_properties(struct prover *p, const struct facts *from, struct subschema to,
                             uint32_t v);
bool rule_additional(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_property_names(struct prover *p, const struct facts *from, struct subschema to,
                         uint32_t v);
bool rule_required(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_min_properties(struct prover *p, const struct facts *from, struct subschema to,
                         uint32_t v);
bool rule_max_properties(struct prover *p, const struct facts *from, struct subschema to,
                         uint32_t v);
bool rule_dependent_required(struct prover *p, const struct facts *from, struct subschema to,
                             uint32_t v);
bool rule_dependent_schemas(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t v);

/* compat_array.c */
bool rule_prefix_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_contains(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_unique(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_min_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_max_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);

/* compat_scalar.c */
bool rule_type(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_minimum(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_maximum(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_exclusive_minimum(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t v);
bool rule_exclusive_maximum(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t v);
bool rule_multiple_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_min_length(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_max_length(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_pattern(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_as_written(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_format(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);

/* compat_apply.c */
bool rule_all_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_any_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_one_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_not(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_if(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);
bool rule_ref(struct prover *p, const struct facts *from, struct subschema to, uint32_t v);

/* compat_disjoint.c: can no instance satisfy both? */
bool compat_disjoint(struct prover *p, const struct facts *a, const struct facts *b, unsigned nest);

/* ---- compat_regex.c, compat_string.c ------------------------------------------------------- */

struct compat_nfa;

/* NULL: the expression is outside the regular subset, or too large, or memory is out. */
struct compat_nfa *compat_nfa_new(struct nx_span pattern);
void compat_nfa_free(struct compat_nfa *nfa);

enum { COMPAT_STRING_NFAS_MAX = 4 };

/* Strings that match all of `patterns`, of length_min to length_max code points. */
struct string_set {
    struct nx_span patterns[COMPAT_STRING_NFAS_MAX];
    uint32_t count;
    bool exact; /* false: there was more to know, and it was left out */
    uint64_t length_min;
    uint64_t length_max;
};

void facts_strings(const struct facts *facts, struct string_set *out);

enum string_answer { STRING_FOUND, STRING_NONE, STRING_UNDECIDED };

/*
 * Looks for a string of the set that `refusal` (an expression; ptr NULL: none) does not match;
 * the shortest goes to `sample` (may be NULL). `states` is what may be visited.
 */
enum string_answer compat_string_find(const struct string_set *set, struct nx_span refusal,
                                      uint32_t *states, uint64_t seed, struct nx_buf *sample);

/* ---- compat_make.c, compat_search.c -------------------------------------------------------- */

struct maker {
    struct nx_compat *compat;
    uint64_t random;
    unsigned wild;               /* in 256: how often a value is an odd one */
    unsigned density;            /* in 256: how often an optional member is there */
    const struct obstacle *goal; /* or NULL */
    uint32_t values;             /* made so far */
    struct nx_buf *out;
};

/* Writes a document near `from` and `to` to maker->out. */
enum nx_err compat_make(struct maker *maker, struct subschema from, struct subschema to);

/* Looks for a witness of `from` against the other; NX_ERR_NOT_FOUND: none. */
enum nx_err compat_search(struct nx_compat *compat, enum nx_compat_side from,
                          struct nx_compat_result *result);

/* Is it valid under `from` and refused by the other? */
bool compat_is_witness(struct nx_compat *compat, enum nx_compat_side from, struct nx_span text);

static inline bool compat_is_true(const struct compat_doc *doc, uint32_t node)
{
    return nx_json_type(doc->json, node) == NX_JSON_TRUE;
}

static inline bool compat_is_false(const struct compat_doc *doc, uint32_t node)
{
    return nx_json_type(doc->json, node) == NX_JSON_FALSE;
}

#endif
