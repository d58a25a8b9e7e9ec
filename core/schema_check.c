/*
 * schema_check.c - does an instance satisfy a plan? Runs the plan over the tape, stops at the
 * first fault, allocates nothing once its scratch memory has grown to what the schema needs.
 *
 * One code for yes-or-no and for explanations: nx_check_fault() answers whether to go on. Where
 * nobody wants to be explained anything, a quick way is tried first (schema_quick_tape.c), once for
 * each part of the document.
 *
 * Bounded in three ways, each of which is NX_ERR_LIMIT, never a yes: depth (plans within plans),
 * steps (plans and members visited), and the regular expressions' own bound. Once check->error is
 * set, nothing that any function here returns means anything: `not` must not turn it into a yes.
 *
 * Marks: unevaluatedItems and unevaluatedProperties need to know which items other keywords
 * evaluated. A plan that has one owns a bit per item; its in-place subschemas set bits in it, and
 * those that may fail (anyOf, oneOf, if) in a copy that is merged only on success. Where nobody
 * asks, `marks` is NX_NO_MARKS and costs nothing.
 */
#include "core/schema_quick.h"
#include "core/schema_run.h"

#include <stdlib.h>

/* ---- marks ------------------------------------------------------------------------------- */

static size_t mark_words(const struct nx_check *check, uint32_t node)
{
    return ((size_t)check->nodes[node].length + 63) / 64;
}

/* A cleared bit for each item of `node`; NX_NO_MARKS and check->error when memory is out. */
static size_t marks_open(struct nx_check *check, uint32_t node)
{
    size_t need = check->marks_len + mark_words(check, node);
    size_t at = check->marks_len;

    if (need > NX_CHECK_MARK_WORDS_MAX) {
        check->error = NX_ERR_LIMIT;
        return NX_NO_MARKS;
    }
    if (need > check->marks_cap) {
        size_t cap = need * 2;
        uint64_t *marks = realloc(check->marks, cap * sizeof(*marks));
        if (marks == NULL) {
            check->error = NX_ERR_NOMEM;
            return NX_NO_MARKS;
        }
        check->marks = marks;
        check->marks_cap = cap;
    }
    for (size_t i = at; i < need; i++) {
        check->marks[i] = 0;
    }
    check->marks_len = need;
    return at;
}

/* Gives the last marks back, after adding them to `into` (which may be NX_NO_MARKS). */
static void marks_close(struct nx_check *check, size_t marks, size_t into)
{
    if (into != NX_NO_MARKS) {
        for (size_t i = marks; i < check->marks_len; i++) {
            check->marks[into + i - marks] |= check->marks[i];
        }
    }
    check->marks_len = marks;
}

/* ---- numbers and strings ----------------------------------------------------------------- */

/* Reads the number at `node`; its exponent may be out of what can be decided. */
static inline bool read_number(struct nx_check *check, uint32_t node, struct nx_number *out)
{
    enum nx_err err = nx_number_read(nx_json_node_text(check->json, &check->nodes[node]), out);

    if (err != NX_OK) {
        check->error = err;
    }
    return err == NX_OK;
}

static bool check_number(struct nx_check *check, const struct plan *plan, uint32_t node)
{
    const struct number_rules *rules = plan->number;
    struct nx_number number;
    enum nx_keyword broken = KW_NONE;

    if (!read_number(check, node, &number)) {
        return false;
    }
    if (rules->minimum != NULL && nx_number_compare(&number, rules->minimum) < 0) {
        broken = KW_MINIMUM;
    } else if (rules->exclusive_minimum != NULL &&
               nx_number_compare(&number, rules->exclusive_minimum) <= 0) {
        broken = KW_EXCLUSIVE_MINIMUM;
    } else if (rules->maximum != NULL && nx_number_compare(&number, rules->maximum) > 0) {
        broken = KW_MAXIMUM;
    } else if (rules->exclusive_maximum != NULL &&
               nx_number_compare(&number, rules->exclusive_maximum) >= 0) {
        broken = KW_EXCLUSIVE_MAXIMUM;
    } else if (rules->multiple_of != NULL && !nx_number_is_multiple(&number, rules->multiple_of)) {
        broken = KW_MULTIPLE_OF;
    }
    if (broken != KW_NONE) {
        (void)nx_check_fault(check, plan, broken, node, 0);
    }
    return broken == KW_NONE;
}

bool nx_check_matches(struct nx_check *check, const struct nx_pattern *pattern, uint32_t node)
{
    const struct nx_json_node *n = &check->nodes[node];
    bool surrogates = (n->flags & NX_JSON_LONE_SURROGATE) != 0;
    bool matched = false;
    enum nx_err err = nx_pattern_match(pattern, check->matcher, nx_json_node_text(check->json, n),
                                       surrogates, &matched);

    if (err != NX_OK) {
        check->error = err;
    }
    return matched;
}

/* Lengths are in code points: bytes decide whenever they can. */
static enum nx_keyword broken_length(const struct string_rules *rules, struct nx_span text)
{
    size_t count = text.len;

    if (count < rules->length_min) {
        return KW_MIN_LENGTH;
    }
    if (count > rules->length_max || rules->length_min > 0) {
        count = nx_utf8_count(text);
    }
    return count < rules->length_min   ? KW_MIN_LENGTH
           : count > rules->length_max ? KW_MAX_LENGTH
                                       : KW_NONE;
}

static bool check_string(struct nx_check *check, const struct plan *plan, uint32_t node)
{
    const struct string_rules *rules = plan->string;
    struct nx_span text = nx_json_node_text(check->json, &check->nodes[node]);
    enum nx_keyword broken = broken_length(rules, text);

    if (broken == KW_NONE && rules->format != NULL && !rules->format->valid(text)) {
        broken = KW_FORMAT;
    }
    if (broken == KW_NONE && rules->pattern != NULL &&
        !nx_check_matches(check, rules->pattern, node)) {
        broken = KW_PATTERN;
    }
    if (broken == KW_NONE && (rules->content_base64 || rules->content_json)) {
        broken = nx_check_content(check, rules, text);
    }
    if (broken != KW_NONE) {
        (void)nx_check_fault(check, plan, broken, node, 0);
    }
    return broken == KW_NONE;
}

/* ---- applicators in place ---------------------------------------------------------------- */

/* A subschema that may fail without harm: its marks count only when it holds. */
static bool try_plan(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks)
{
    size_t own;
    bool ok;

    if (marks == NX_NO_MARKS) {
        return nx_check_plan(check, plan, node, NX_NO_MARKS);
    }
    own = marks_open(check, node);
    if (own == NX_NO_MARKS) {
        return false;
    }
    ok = nx_check_plan(check, plan, node, own);
    marks_close(check, own, ok ? marks : NX_NO_MARKS);
    return ok;
}

static bool apply_all(struct nx_check *check, const struct applicator *a, uint32_t node,
                      size_t marks)
{
    bool ok = true;

    for (uint32_t i = 0; i < a->count && (ok || nx_check_more(check)); i++) {
        ok = nx_check_plan(check, a->plans[i], node, marks) && ok;
    }
    return ok;
}

/* How many of the branches hold; stops when that is known to be `enough`. */
static uint32_t count_branches(struct nx_check *check, const struct applicator *a, uint32_t node,
                               size_t marks, uint32_t enough)
{
    bool traced = check->trace != NULL;
    uint32_t mark = traced ? nx_trace_mark(check) : 0;
    bool quiet = !traced || a->kind == APPLY_NOT; /* a trace forgives afterwards */
    uint32_t count = 0;

    check->quiet += quiet;
    for (uint32_t i = 0; i < a->count && count < enough; i++) {
        count += try_plan(check, a->plans[i], node, marks);
    }
    check->quiet -= quiet;
    if (traced && count > 0) {
        nx_trace_forgive(check, mark);
    }
    return count;
}

static bool apply_if(struct nx_check *check, const struct applicator *a, uint32_t node,
                     size_t marks)
{
    const struct plan *next;

    check->quiet++;
    next = try_plan(check, a->plans[0], node, marks) ? a->plans[1] : a->plans[2];
    check->quiet--;
    return next == NULL || nx_check_plan(check, next, node, marks);
}

/* The outermost resource of the dynamic scope that has the anchor decides (core, 8.2.3.2). */
static const struct plan *dynamic_target(const struct nx_check *check, const struct applicator *a)
{
    for (uint32_t i = 0; i < check->scope_count; i++) {
        struct plan **dynamic = check->schema->resources[check->scope[i]].dynamic;
        if (dynamic != NULL && dynamic[a->dynamic_name] != NULL) {
            return dynamic[a->dynamic_name];
        }
    }
    return a->plans[0];
}

static bool apply(struct nx_check *check, const struct plan *plan, const struct applicator *a,
                  uint32_t node, size_t marks)
{
    bool all = marks != NX_NO_MARKS || check->trace != NULL; /* what holds must be known */
    uint32_t count = 0;
    bool ok = false;

    check->via = a->keyword;
    switch (a->kind) {
    case APPLY_ALL:
        return apply_all(check, a, node, marks);
    case APPLY_DYNAMIC:
        return nx_check_plan(check, dynamic_target(check, a), node, marks);
    case APPLY_IF:
        return apply_if(check, a, node, marks);
    case APPLY_ANY:
        count = count_branches(check, a, node, marks, all ? UINT32_MAX : 1);
        ok = count > 0;
        break;
    case APPLY_ONE:
        count = count_branches(check, a, node, marks, 2);
        ok = count == 1;
        break;
    case APPLY_NOT:
        count = count_branches(check, a, node, NX_NO_MARKS, 1);
        ok = count == 0;
        break;
    }
    if (!ok) {
        (void)nx_check_fault(check, plan, a->keyword, node, count);
    }
    return ok;
}

/* A subschema of `keyword` for an item or member; `false` there is a fault of the keyword. */
bool nx_check_child(struct nx_check *check, const struct plan *owner, enum nx_keyword keyword,
                    const struct plan *plan, uint32_t node, uint32_t index)
{
    if (plan->never) {
        check->refused = plan;
        (void)nx_check_fault(check, owner, keyword, node, index);
        check->refused = NULL;
        return false;
    }
    if (!nx_may_be_quick(check)) {
        return nx_check_plan(check, plan, node, NX_NO_MARKS);
    }
    return nx_quick_value(check, plan, node) ||
           nx_check_plan(check, plan->direct, node, NX_NO_MARKS);
}

/* ---- unevaluated* ------------------------------------------------------------------------ */

static bool check_unevaluated(struct nx_check *check, const struct plan *plan, uint32_t node,
                              size_t marks)
{
    const struct nx_json_node *nodes = check->nodes;
    bool object = nodes[node].type == NX_JSON_OBJECT;
    const struct plan *rest = object ? plan->object != NULL ? plan->object->unevaluated : NULL
                              : plan->array != NULL ? plan->array->unevaluated
                                                    : NULL;
    uint32_t index = 0;
    bool ok = true;

    if (rest == NULL) {
        return true;
    }
    for (uint32_t i = node + 1; i < nodes[node].next; index++) {
        uint32_t value = object ? i + 1 : i;
        if (!nx_check_is_marked(check, marks, index)) {
            ok = nx_check_child(check, plan,
                                object ? KW_UNEVALUATED_PROPERTIES : KW_UNEVALUATED_ITEMS, rest,
                                value, object ? i : index) &&
                 ok;
            nx_check_mark(check, marks, index);
        }
        if (!ok && !nx_check_more(check)) {
            return false;
        }
        i = nodes[value].next;
    }
    return ok;
}

/* ---- a plan ------------------------------------------------------------------------------ */

static bool check_type(struct nx_check *check, const struct plan *plan, uint32_t node)
{
    const struct nx_json_node *n = &check->nodes[node];
    struct nx_number number;

    if ((plan->types >> n->type & 1) != 0) {
        return true;
    }
    if (n->type != NX_JSON_NUMBER || (plan->types & TYPES_INTEGER) == 0) {
        return false;
    }
    return (n->flags & NX_JSON_INTEGER) != 0 ||
           (!plan->as_written && read_number(check, node, &number) &&
            nx_number_is_integer(&number));
}

static bool check_values(struct nx_check *check, const struct plan *plan, uint32_t node)
{
    for (const struct value_rules *rules = plan->value; rules != NULL; rules = rules->next) {
        if (!nx_value_check(check, rules, node)) {
            return nx_check_fault(check, plan, rules->keyword, node, 0), false;
        }
    }
    return true;
}

/* The rules for the instance's own type. */
static bool check_own(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks)
{
    switch ((enum nx_json_type)check->nodes[node].type) {
    case NX_JSON_NULL:
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
        return true;
    case NX_JSON_NUMBER:
        return plan->number == NULL || check_number(check, plan, node);
    case NX_JSON_STRING:
        return plan->string == NULL || check_string(check, plan, node);
    case NX_JSON_ARRAY:
        return plan->array == NULL || nx_check_array(check, plan, node, marks);
    case NX_JSON_OBJECT:
        return plan->object == NULL || nx_check_object(check, plan, node, marks);
    }
    return false;
}

static bool check_rules(struct nx_check *check, const struct plan *plan, uint32_t node,
                        size_t marks)
{
    bool ok;

    if (plan->never) {
        return nx_check_fault(check, plan, KW_NONE, node, 0), false;
    }
    if (!check_type(check, plan, node)) {
        return nx_check_fault(check, plan, KW_TYPE, node, 0), false;
    }
    ok = plan->value == NULL || check_values(check, plan, node);
    if (ok || nx_check_more(check)) {
        ok = check_own(check, plan, node, marks) && ok;
    }
    for (uint32_t i = 0; i < plan->applicators_count && (ok || nx_check_more(check)); i++) {
        ok = apply(check, plan, &plan->applicators[i], node, marks) && ok;
    }
    return ok;
}

/* Gives the plan marks of its own, which its unevaluated* looks at. */
static bool check_marked(struct nx_check *check, const struct plan *plan, uint32_t node,
                         size_t outer)
{
    size_t marks = marks_open(check, node);
    bool ok;

    if (marks == NX_NO_MARKS) {
        return false;
    }
    ok = check_rules(check, plan, node, marks) && check_unevaluated(check, plan, node, marks);
    marks_close(check, marks, outer);
    return ok;
}

static bool check_evaluate(struct nx_check *check, const struct plan *plan, uint32_t node,
                           size_t marks)
{
    return plan->owns_marks && check->nodes[node].type >= NX_JSON_ARRAY
               ? check_marked(check, plan, node, marks)
               : check_rules(check, plan, node, marks);
}

static bool check_traced(struct nx_check *check, const struct plan *plan, uint32_t node,
                         size_t marks)
{
    bool ok;

    nx_trace_enter(check, plan, node);
    ok = check_evaluate(check, plan, node, marks);
    nx_trace_leave(check, ok && check->error == NX_OK);
    return ok;
}

bool nx_check_plan(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks)
{
    uint32_t scope_count = check->scope_count;
    bool ok;

    if (check->error != NX_OK || !nx_check_step(check)) {
        return false;
    }
    if (check->depth >= NX_CHECK_DEPTH_MAX) {
        check->error = NX_ERR_LIMIT;
        return false;
    }
    check->depth++;
    if (check->schema->uses_dynamic_scope &&
        (scope_count == 0 || check->scope[scope_count - 1] != plan->resource)) {
        check->scope[check->scope_count++] = plan->resource;
    }
    ok = check->trace != NULL ? check_traced(check, plan, node, marks)
                              : check_evaluate(check, plan, node, marks);
    check->scope_count = scope_count;
    check->depth--;
    return ok && check->error == NX_OK;
}

/* ---- the outside ------------------------------------------------------------------------- */

struct nx_check *nx_check_new(void)
{
    struct nx_check *check = calloc(1, sizeof(*check));

    if (check != NULL) {
        nx_buf_init(&check->decoded, NX_CHECK_CONTENT_MAX);
        check->matcher = nx_matcher_new();
        if (check->matcher == NULL) {
            free(check);
            return NULL;
        }
    }
    return check;
}

void nx_check_free(struct nx_check *check)
{
    if (check != NULL) {
        nx_matcher_free(check->matcher);
        nx_fused_free(check->fused);
        free(check->marks);
        free(check->slots);
        free(check->hashes);
        free(check->value_hashes);
        nx_json_free(check->content);
        nx_buf_fini(&check->decoded);
        free(check);
    }
}

void nx_check_begin(struct nx_check *check, const struct nx_schema *schema,
                    const struct nx_json *instance)
{
    check->schema = schema;
    check->json = instance;
    check->nodes = instance->nodes;
    check->error = NX_OK;
    check->depth = 0;
    check->steps = 0;
    check->steps_max = NX_CHECK_STEPS_BASE + NX_CHECK_STEPS_PER_NODE * instance->count;
    check->scope_count = 0;
    check->marks_len = 0;
    check->value_hashes_begun = false;
    check->slow = false;
    check->quiet = 0;
    check->via = KW_NONE;
}

enum nx_err nx_check_run(struct nx_check *check, const struct nx_schema *schema,
                         const struct nx_json *instance)
{
    bool ok;

    if (instance->count == 0) {
        return NX_ERR_STATE; /* no document: the last parse failed */
    }
    nx_check_begin(check, schema, instance);
    ok = (nx_may_be_quick(check) && instance->nodes[0].type >= NX_JSON_ARRAY &&
          nx_quick_value(check, schema->root, 0)) ||
         nx_check_plan(check, schema->root, 0, NX_NO_MARKS);
    if (check->error != NX_OK) {
        return check->error;
    }
    return ok ? NX_OK : NX_ERR_INVALID;
}

enum nx_err nx_schema_check(const struct nx_schema *schema, struct nx_check *check,
                            const struct nx_json *instance)
{
    check->explainer = NULL;
    return nx_check_run(check, schema, instance);
}
