/*
 * schema_plan.h - the compiled form of a schema, and what the files of the judge share.
 * Included by schema_*.c only, and by compat_bundle.c, which reads what was compiled.
 *
 *   bytes --schema_load--> documents, resources, anchors
 *         --schema_compile, schema_keyword--> plans (one for each subschema), in one arena
 *         --schema_check, schema_value--> yes or no
 *         --schema_explain--> words
 *
 * A plan groups a subschema's assertions by the type of instance that they concern, because an
 * instance has one type: a number never looks at the rules for strings. In-place applicators
 * (allOf, $ref, if, ...) come last. Everything is immutable after compilation.
 */
#ifndef NX_SCHEMA_PLAN_H
#define NX_SCHEMA_PLAN_H

#include "core/base/arena.h"
#include "core/format.h"
#include "core/json_tape.h"
#include "core/json_token.h"
#include "core/number.h"
#include "core/pattern.h"
#include "core/regular.h"
#include "core/schema.h"

/* limits of one compiled schema */
enum {
    NX_SCHEMA_DOCUMENTS_MAX = 64,
    NX_SCHEMA_RESOURCES_MAX = 256,
    NX_SCHEMA_ANCHORS_MAX = 4096,
    NX_SCHEMA_PLANS_MAX = 64 * 1024,
    NX_SCHEMA_DYNAMIC_MAX = 64,  /* different names in $dynamicAnchor */
    NX_SCHEMA_TRACKED_MAX = 256, /* names in required and dependent* of one subschema */
    NX_URI_BYTES_MAX = 2048,
    NX_SCHEMA_APPLICATORS_MAX = 8, /* in-place keywords of one draft: $ref, allOf, ..., if */
    NX_SCHEMA_BYTES_MAX = 64 * 1024 * 1024,
};

/* limits of one check */
enum {
    NX_CHECK_DEPTH_MAX = 1024, /* plans within plans */
    /* Plans and members visited: so many, and so many for each value of the instance. A schema that
     * recurses in two branches of anyOf would else visit twice as many with each level. */
    NX_CHECK_STEPS_BASE = 64 * 1024,
    NX_CHECK_STEPS_PER_NODE = 256,
    NX_CHECK_MARK_WORDS_MAX = 4 * 1024 * 1024, /* memory of unevaluated*: 32 MiB */
    NX_CHECK_CONTENT_MAX = 16 * 1024 * 1024,   /* bytes that base64 in one string holds */
};

/* A set of drafts: the bits 1 << enum nx_draft. */
enum {
    DRAFT_2020 = 1 << NX_DRAFT_2020_12,
    DRAFT_2019 = 1 << NX_DRAFT_2019_09,
    DRAFT_7 = 1 << NX_DRAFT_07,
    DRAFT_6 = 1 << NX_DRAFT_06,
    DRAFT_4 = 1 << NX_DRAFT_04,
    SINCE_2019 = DRAFT_2020 | DRAFT_2019,
    SINCE_7 = SINCE_2019 | DRAFT_7,
    SINCE_6 = SINCE_7 | DRAFT_6,
    SINCE_4 = SINCE_6 | DRAFT_4,
    UNTIL_7 = DRAFT_4 | DRAFT_6 | DRAFT_7,
    UNTIL_2019 = UNTIL_7 | DRAFT_2019,
};

/* Every keyword of every draft, in the order of the table in schema_keyword.c. */
enum nx_keyword {
    KW_NONE, /* the schema `false` */
    KW_SCHEMA,
    KW_ID,
    KW_ID_4, /* draft 4 */
    KW_REF,
    KW_ANCHOR,
    KW_DYNAMIC_REF,
    KW_DYNAMIC_ANCHOR,
    KW_RECURSIVE_REF,
    KW_RECURSIVE_ANCHOR,
    KW_VOCABULARY,
    KW_COMMENT,
    KW_DEFS,
    KW_DEFINITIONS,
    KW_PREFIX_ITEMS,
    KW_ITEMS,
    KW_ADDITIONAL_ITEMS,
    KW_CONTAINS,
    KW_ADDITIONAL_PROPERTIES,
    KW_PROPERTIES,
    KW_PATTERN_PROPERTIES,
    KW_DEPENDENT_SCHEMAS,
    KW_DEPENDENCIES,
    KW_PROPERTY_NAMES,
    KW_IF,
    KW_THEN,
    KW_ELSE,
    KW_ALL_OF,
    KW_ANY_OF,
    KW_ONE_OF,
    KW_NOT,
    KW_UNEVALUATED_ITEMS,
    KW_UNEVALUATED_PROPERTIES,
    KW_TYPE,
    KW_CONST,
    KW_ENUM,
    KW_MULTIPLE_OF,
    KW_MAXIMUM,
    KW_EXCLUSIVE_MAXIMUM,
    KW_MINIMUM,
    KW_EXCLUSIVE_MINIMUM,
    KW_MAX_LENGTH,
    KW_MIN_LENGTH,
    KW_PATTERN,
    KW_MAX_ITEMS,
    KW_MIN_ITEMS,
    KW_UNIQUE_ITEMS,
    KW_MAX_CONTAINS,
    KW_MIN_CONTAINS,
    KW_MAX_PROPERTIES,
    KW_MIN_PROPERTIES,
    KW_REQUIRED,
    KW_DEPENDENT_REQUIRED,
    KW_FORMAT,
    KW_CONTENT_ENCODING,
    KW_CONTENT_MEDIA_TYPE,
    KW_CONTENT_SCHEMA,
    KW_TITLE,
    KW_DESCRIPTION,
    KW_DEFAULT,
    KW_DEPRECATED,
    KW_READ_ONLY,
    KW_WRITE_ONLY,
    KW_EXAMPLES,
    KW_COUNT,
};

/*
 * Vocabularies of 2020-12; a dialect is a set of them. Those of 2019-09 are put into these terms,
 * and the drafts before it have them all.
 */
enum {
    VOCAB_CORE = 1,
    VOCAB_APPLICATOR = 2,
    VOCAB_UNEVALUATED = 4,
    VOCAB_VALIDATION = 8,
    VOCAB_META_DATA = 16,
    VOCAB_FORMAT_ANNOTATION = 32,
    VOCAB_FORMAT_ASSERTION = 64,
    VOCAB_CONTENT = 128,
    VOCAB_STANDARD = 255 - VOCAB_FORMAT_ASSERTION,
};

/* What a schema resource is written in. */
struct dialect {
    enum nx_draft draft;
    uint32_t vocabularies;
};

/* What a keyword's value holds: where subschemas are. */
enum nx_shape {
    SHAPE_VALUE,
    SHAPE_SCHEMA,
    SHAPE_SCHEMA_ARRAY,
    SHAPE_SCHEMA_OR_ARRAY, /* `items` before 2020-12 */
    SHAPE_SCHEMA_MAP,      /* in `dependencies` what is no schema is skipped */
};

/* ---- the plan ---------------------------------------------------------------------------- */

struct plan;

/* plan.types: bit 1 << enum nx_json_type, and */
enum {
    TYPES_INTEGER = 1 << 7, /* numbers that are integers */
    TYPES_BOOLEAN = 1 << NX_JSON_FALSE | 1 << NX_JSON_TRUE,
    TYPES_ANY = (1 << (NX_JSON_OBJECT + 1)) - 1,
};

/* A value in a schema document. */
struct constant {
    const struct nx_json *json;
    uint32_t node;
};

/* A name that `properties`, `required` or `dependent*` mentions. */
struct property {
    struct nx_span name; /* ptr NULL: a free slot */
    uint64_t first;      /* its first and last bytes: see schema_table.h */
    uint64_t last;
    struct plan *plan; /* of `properties`, or NULL */
    uint32_t bit;      /* its place in the set of names seen, or UINT32_MAX: not tracked */
    uint32_t ordinal;  /* its number in the table: `bit` for the tracked ones, then the others */
    const struct guess *next; /* the name that may come behind it */
};

/*
 * A property with a plan. Those of an object stand in the order of the schema, which messages
 * mostly keep to; behind the last is one with an empty token.
 */
struct guess {
    struct token token; /* len 0: its name is long, or has escapes, or has no bit */
    uint32_t slot;      /* in what is learned of orders (struct nx_fused) */
    uint64_t bit;       /* 1 << property->ordinal, or 0 */
    const struct plan *plan;
    const struct property *property;
};

/* Names to properties: open addressing; the multiplier is chosen so that few or no names meet. */
struct property_table {
    struct property *slots;
    uint64_t multiplier;
    uint32_t shift; /* 64 - log2(number of slots) */
    uint32_t mask;
    uint32_t count;
};

struct value_rules { /* const, enum */
    const struct constant *values;
    uint32_t count;
    uint32_t
        *slots; /* hash table of indexes + 1 into values; NULL while a plain search is faster */
    uint32_t mask;
    enum nx_keyword keyword;
    struct value_rules *next;      /* const beside enum: both hold */
    struct property_table strings; /* those of the values that are strings (schema_quick.c) */
};

struct number_rules {
    const struct nx_number *minimum;
    const struct nx_number *maximum;
    const struct nx_number *exclusive_minimum;
    const struct nx_number *exclusive_maximum;
    const struct nx_number *multiple_of;
};

struct string_rules {
    uint64_t length_min;
    uint64_t length_max;
    const struct nx_pattern *pattern;
    const struct nx_format *format;
    bool content_base64; /* draft 07, where the caller asked for it */
    bool content_json;
};

struct array_rules {
    struct plan **prefix; /* prefixItems, or `items` with an array before 2020-12 */
    uint32_t prefix_count;
    enum nx_keyword prefix_keyword;
    enum nx_keyword items_keyword;
    struct plan *items; /* what follows the prefix: items or additionalItems */
    struct plan *contains;
    struct plan *unevaluated;
    uint64_t contains_min;
    uint64_t contains_max;
    uint64_t count_min;
    uint64_t count_max;
    bool unique;
    bool contains_evaluates; /* what `contains` finds is evaluated: not in 2019-09 */
};

struct pattern_property {
    const struct nx_pattern *pattern;
    struct plan *plan;
};

/* dependentRequired, dependentSchemas, dependencies: when the name of bit `if_seen` is there, */
struct dependent {
    uint32_t if_seen;
    uint32_t then_seen; /* this one must be too, */
    struct plan *plan;  /* or, not NULL: the object must satisfy this */
    enum nx_keyword keyword;
};

struct object_rules {
    struct property_table table;
    const struct nx_span *tracked; /* names by bit: the required ones first */
    uint32_t tracked_count;
    uint32_t required_count;
    uint64_t required_bits; /* the first 64 of the required names (schema_quick.c) */
    struct pattern_property *patterns;
    uint32_t patterns_count;
    struct plan *additional;
    struct plan *names;
    struct plan *unevaluated;
    struct dependent *dependents;
    uint32_t dependents_count;
    uint64_t count_min;
    uint64_t count_max;
    const struct guess *guesses; /* (schema_quick.c) */
    uint32_t guesses_count;
    const struct name_choice *choices; /* the plan's anyOf, oneOf and not (schema_fuse.c) */
    uint32_t choices_count;
};

enum applicator_kind { APPLY_ALL, APPLY_ANY, APPLY_ONE, APPLY_NOT, APPLY_IF, APPLY_DYNAMIC };

/* A keyword that applies subschemas to the same instance. $ref is APPLY_ALL of one. */
struct applicator {
    enum applicator_kind kind;
    enum nx_keyword keyword;
    struct plan **plans; /* APPLY_IF: if, then, else, each may be NULL but the first */
    uint32_t count;
    uint32_t dynamic_name; /* APPLY_DYNAMIC: which anchor; plans[0] serves where none is in scope */
};

/* How a string is judged where it stands in the text. */
enum quick_string {
    QUICK_STRING_LATER, /* when its end was found, and perhaps by the complete rules */
    QUICK_STRING_ANY,   /* of any text: only its length counts */
    QUICK_STRING_TOKEN, /* it is the only one */
    QUICK_STRING_ENUM,  /* it is one of an enum's, and no more is asked */
    QUICK_STRING_TIME,  /* format date-time, and perhaps a pattern */
    QUICK_STRING_MATCH, /* a pattern that can be matched in JSON text, and a length */
};

/* What a plan says of the values that need no time to judge (schema_quick.c). */
struct quick {
    int64_t low; /* of a number in units of 10^-9: its bounds; the lower is higher: no number */
    int64_t high;
    bool picky;     /* `integer` or `step` say more of numbers */
    bool integer;   /* only those that are written without fraction */
    bool unbounded; /* also those that the units cannot tell */
    uint8_t words;  /* bits 1 << enum nx_json_type of null, false and true */
    enum quick_string string;
    int64_t step;        /* 0: no multipleOf */
    uint64_t length_min; /* of a string, in code points */
    uint64_t length_max;
    const struct nx_regular *match;
    struct token token;
    /* Containers that this object or array alone judges, by listed names or items (schema_fuse.c) */
    const struct object_rules *object;
    const struct array_rules *array;
};

struct plan {
    uint8_t types;
    bool never;      /* the schema `false` */
    bool as_written; /* draft 4: 1.0 is a number and not an integer */
    bool owns_marks; /* has unevaluated*: must know which items its other keywords evaluated */
    uint32_t index;
    uint32_t document;
    uint32_t node; /* in the document's tape */
    uint32_t resource;
    struct value_rules *value;
    struct number_rules *number;
    struct string_rules *string;
    struct array_rules *array;
    struct object_rules *object;
    struct applicator *applicators;
    uint32_t applicators_count;
    /* what schema_quick.c and schema_fused.c prepare once all is compiled */
    bool leaf;                 /* nothing applies in place: its own rules say all of a scalar */
    const struct plan *direct; /* itself, or the plan that it does nothing but refer to */
    const struct conjunction *together; /* how containers are judged in one pass; NULL: not */
    struct quick quick;
};

/* ---- documents and resources ------------------------------------------------------------- */

struct document {
    struct nx_json *json;
    struct nx_span bytes; /* in the arena */
    const char *file;     /* in the arena: names it in diagnoses */
    struct nx_span uri;   /* where it was asked for; empty for the first */
    struct plan **plans;  /* by tape node */
    bool published;       /* a metaschema of json-schema.org: strict callers forgive it its ways */
};

/* A schema with its own $id, or a document's root. */
struct resource {
    uint32_t document;
    uint32_t node;
    struct dialect dialect;
    struct nx_span uri;    /* absolute, no fragment; empty when nothing gave one */
    struct plan **dynamic; /* by dynamic name; NULL where it has no such $dynamicAnchor */
};

struct anchor {
    uint32_t resource;
    uint32_t node;
    struct nx_span name; /* empty: a $recursiveAnchor */
    bool dynamic;
};

struct nx_schema {
    struct nx_arena arena;
    uint64_t seed;
    struct document documents[NX_SCHEMA_DOCUMENTS_MAX];
    uint32_t documents_count;
    struct resource *resources;
    uint32_t resources_count;
    struct plan *root;
    struct nx_span id;            /* of the root schema; empty when it has none */
    struct nx_pattern **patterns; /* to be freed */
    uint32_t patterns_count;
    uint32_t patterns_cap;
    bool uses_dynamic_scope;
};

/* ---- compilation ------------------------------------------------------------------------- */

struct compiler {
    struct nx_schema *schema;
    const struct nx_schema_options *options;
    struct anchor *anchors;
    uint32_t anchors_count;
    struct plan **plans; /* all of them, in the order of their indexes; also the work list */
    uint32_t plans_count;
    uint32_t plans_cap;
    struct nx_span dynamic_names[NX_SCHEMA_DYNAMIC_MAX];
    uint32_t dynamic_names_count;
    enum nx_draft draft; /* the root's: of loaded documents that name none */
    struct nx_diag *diag;
};

/* One subschema that is being compiled. */
struct site {
    struct plan *plan;
    const struct nx_json *json;
    struct dialect dialect;
    uint32_t node;  /* the schema object */
    uint32_t key;   /* the node of the keyword's name */
    uint32_t value; /* the node of the keyword's value */
    enum nx_keyword keyword;
    /* values of keywords that are compiled together at the end; 0: absent */
    uint32_t properties;
    uint32_t required;
    uint32_t dependent_required;
    uint32_t dependent_schemas;
    uint32_t dependencies;
    uint32_t exclusive_minimum; /* true in draft 4: a member of minimum */
    uint32_t exclusive_maximum;
    struct plan *additional_items;
    struct plan *condition; /* if, then, else */
    struct plan *consequent;
    struct plan *alternative;
    struct applicator applicators[NX_SCHEMA_APPLICATORS_MAX];
    uint32_t applicators_count;
};

/* Where a reference leads. */
struct target {
    uint32_t document;
    uint32_t node;
    struct nx_span dynamic_anchor; /* its name, when the fragment names a $dynamicAnchor */
};

/* Sets diag's text and place (a tape node of a document) and returns `err`. */
enum nx_err nx_compile_fail(struct compiler *c, enum nx_err err, uint32_t document, uint32_t node,
                            const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Parses and indexes a document under `uri`; *out is its number. */
enum nx_err nx_schema_load(struct compiler *c, struct nx_span source, const char *file,
                           struct nx_span uri, uint32_t *out);

/* The bytes of a document that is not loaded: a metaschema, or what the caller's resolver has. */
enum nx_err nx_schema_bytes(struct compiler *c, struct nx_span uri, struct nx_span *bytes);

/* The resources and anchors of a document whose root speaks `dialect`, unless it says more. */
enum nx_err nx_schema_index(struct compiler *c, uint32_t document, struct dialect dialect);

/* The anchor `name` of a resource (empty: its $recursiveAnchor), or NULL. */
const struct anchor *nx_schema_anchor(const struct compiler *c, uint32_t resource,
                                      struct nx_span name);

/* The resource whose URI is `uri`; false when none is loaded. */
bool nx_schema_find(const struct nx_schema *schema, struct nx_span uri, uint32_t *out);

/* The dialect that `$schema` (tape node `at`) names. */
enum nx_err nx_schema_dialect(struct compiler *c, uint32_t document, uint32_t at,
                              struct dialect *out);

/* The innermost resource that `node` belongs to. */
uint32_t nx_schema_resource_of(const struct nx_schema *schema, uint32_t document, uint32_t node);

/* Follows `reference` (the text of tape node `at`) from `resource`; loads documents as needed. */
enum nx_err nx_schema_resolve(struct compiler *c, uint32_t resource, uint32_t at,
                              struct target *out);

/* Is what the draft does not know an error in this document? */
static inline bool nx_compile_strict(const struct compiler *c, uint32_t document)
{
    return c->options->strict && !c->schema->documents[document].published;
}

/* The plan of the subschema at `node`, now or later compiled. */
enum nx_err nx_compile_plan(struct compiler *c, uint32_t document, uint32_t node,
                            struct plan **out);

/* The number of the name of a dynamic anchor that a $dynamicRef looks for. */
enum nx_err nx_compile_dynamic_name(struct compiler *c, const struct site *site,
                                    struct nx_span name, uint32_t *out);

/* Compiles the keywords of a schema object into `plan`. */
enum nx_err nx_compile_keywords(struct compiler *c, struct plan *plan);

/* Prepares the compiled plans for quick answers (schema_quick.c, schema_fused.c). */
enum nx_err nx_compile_quick(struct compiler *c);
enum nx_err nx_compile_fused(struct compiler *c);

/* The rules that compare names: properties, required, dependent* (schema_object.c). */
enum nx_err nx_compile_names(struct compiler *c, struct site *site);

/* Complains about the value of the site's keyword: "KEYWORD: expected WHAT". */
enum nx_err nx_compile_expected(struct compiler *c, const struct site *site, uint32_t node,
                                const char *what);

/* Memory in the schema's arena; NULL when it is out. */
void *nx_compile_alloc(struct compiler *c, size_t count, size_t size);

const char *nx_keyword_name(enum nx_keyword keyword);
enum nx_keyword nx_keyword_find(struct nx_span name); /* KW_COUNT when unknown */
enum nx_shape nx_keyword_shape(enum nx_keyword keyword);

/* A draft with all its vocabularies, as its metaschema has them. */
static inline struct dialect nx_dialect_of(enum nx_draft draft)
{
    return (struct dialect){draft, VOCAB_STANDARD};
}

const char *nx_draft_name(enum nx_draft draft); /* "2020-12", "07", ... */
unsigned nx_draft_number(enum nx_draft draft);  /* 2020, 2019, 7, 6, 4: grows with time */

/* Is the keyword one of the draft's? */
bool nx_keyword_in(enum nx_keyword keyword, enum nx_draft draft);

/* Is the draft in a set of DRAFT_* bits? */
static inline bool nx_draft_in(enum nx_draft draft, unsigned drafts)
{
    return (drafts >> draft & 1) != 0;
}

/* The bytes of a metaschema of any draft, or false. */
bool nx_schema_meta(struct nx_span uri, struct nx_span *document);

/* ---- properties (schema_table.c) --------------------------------------------------------- */

/* Fills an empty table with `count` names; false when memory is out. Names are unique. */
bool nx_property_table_build(struct nx_arena *arena, const struct property *properties,
                             uint32_t count, uint64_t seed, struct property_table *out);

/* ---- checking ---------------------------------------------------------------------------- */

struct nx_check {
    const struct nx_schema *schema;
    const struct nx_json *json;
    const struct nx_json_node *nodes;
    enum nx_err error; /* not NX_OK: nothing can be decided any more */
    uint32_t depth;
    uint32_t steps;
    uint32_t steps_max;
    uint32_t scope[NX_CHECK_DEPTH_MAX + 1]; /* resources entered, outermost first */
    uint32_t scope_count;
    uint64_t *marks; /* bits of evaluated items, used as a stack */
    size_t marks_len;
    size_t marks_cap;
    uint32_t *slots; /* hash table of uniqueItems */
    uint64_t *hashes;
    size_t slots_cap;
    uint64_t *value_hashes; /* of the instance's containers, by node: uniqueItems and enum */
    size_t value_hashes_cap;
    bool value_hashes_begun; /* they are this instance's */
    struct nx_matcher *matcher;
    struct nx_fused *fused;      /* scratch memory of schema_fused.c; NULL: not used yet */
    struct nx_json *content;     /* JSON within a string is read by it; made when first needed */
    struct nx_buf decoded;       /* base64 within a string */
    struct explainer *explainer; /* NULL: only yes or no */
    bool slow;      /* a quick way through a container was tried and did not lead to the end */
    uint32_t quiet; /* > 0: below anyOf, oneOf, not, if: faults are not told */
    struct nx_trace *trace;     /* NULL: nobody asks by which way the schema was walked */
    enum nx_keyword via;        /* the applicator whose subschema comes next: for the trace */
    const struct plan *refused; /* the schema `false` that the fault is about, or NULL */
};

void nx_fused_free(struct nx_fused *fused);

/* Counts one unit of work; false when the budget is spent. */
static inline bool nx_check_step(struct nx_check *check)
{
    if (++check->steps > check->steps_max) {
        check->error = NX_ERR_LIMIT;
        return false;
    }
    return true;
}

/* Runs the root plan over the whole tape. */
enum nx_err nx_check_run(struct nx_check *check, const struct nx_schema *schema,
                         const struct nx_json *instance);

/* Deep equality of JSON Schema (core, section 4.2.2): 1 is 1.0, order of members is nothing. */
bool nx_value_equal(struct nx_check *check, const struct nx_json *a_json, uint32_t a,
                    const struct nx_json *b_json, uint32_t b);

/* The same for equal values. `memo`, or NULL, keeps those of containers by node; 0: not known. */
uint64_t nx_value_hash(const struct nx_json *json, uint32_t node, uint64_t seed, uint64_t *memo,
                       enum nx_err *error);

/* Is the instance one of the rules' values? */
bool nx_value_check(struct nx_check *check, const struct value_rules *rules, uint32_t node);

/* Are all items different? `first` and `second` receive the items that are not. */
bool nx_value_unique(struct nx_check *check, uint32_t array, uint32_t *first, uint32_t *second);

/*
 * A fault was found at `node`. False: stop here (always, unless an explainer wants to see more).
 * What `detail` is depends on the keyword: see schema_explain.c.
 */
bool nx_check_fault(struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                    uint32_t node, uint32_t detail);

/* Does an explainer want to see more faults? */
bool nx_check_more(const struct nx_check *check);

/* What a fault of the last check says, in words. */
void nx_check_words(const struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                    uint32_t node, uint32_t detail, char *out, size_t size);

/* ---- the trace (schema_trace.c): only where there is one --------------------------------- */

void nx_trace_enter(struct nx_check *check, const struct plan *plan, uint32_t node);
void nx_trace_leave(struct nx_check *check, bool holds);
void nx_trace_fault(struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                    uint32_t node, uint32_t detail);

/* Faults since `mark` are none: another branch of the same applicator holds. */
uint32_t nx_trace_mark(const struct nx_check *check);
void nx_trace_forgive(struct nx_check *check, uint32_t mark);

#endif
