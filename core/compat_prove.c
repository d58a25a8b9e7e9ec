/*
 * compat_prove.c - does every instance of FROM satisfy TO? Shown keyword by keyword: TO holds when
 * each of its keywords does, and for each there is a rule that derives it from what is known of
 * the instance (compat_facts.c). To teach the proof a keyword, write its rule and add a row.
 *
 * Sound: a rule that does not understand what it sees says no, and the answer becomes "unknown"
 * unless a witness is found. An instance is looked at type by type, and branch by branch where
 * FROM has alternatives.
 *
 * Recursion: while A within B is being shown for instances of some height, it may be assumed for
 * the instances inside them. That is induction over the height, so an assumption made for the
 * very same instance does not count.
 */
#include "core/compat_plan.h"

#include <assert.h>
#include <stdlib.h>

struct rule {
    const char *keyword;
    uint8_t types; /* that it concerns */
    compat_rule prove;
    const char *why; /* when it fails */
};

static const struct rule rules[] = {
    {"type", T_ANY, rule_type, "other types were valid too"},
    {COMPAT_AS_WRITTEN, T_NUMBER, rule_as_written, "draft 04 takes 1.0 for no integer"},
    {"minimum", T_NUMBER, rule_minimum, "smaller numbers were valid"},
    {"maximum", T_NUMBER, rule_maximum, "larger numbers were valid"},
    {"exclusiveMinimum", T_NUMBER, rule_exclusive_minimum, "smaller numbers were valid"},
    {"exclusiveMaximum", T_NUMBER, rule_exclusive_maximum, "larger numbers were valid"},
    {"multipleOf", T_NUMBER, rule_multiple_of, "numbers between these multiples were valid"},
    {"minLength", T_STRING, rule_min_length, "shorter strings were valid"},
    {"maxLength", T_STRING, rule_max_length, "longer strings were valid"},
    {"pattern", T_STRING, rule_pattern,
     "it is not shown that the pattern matches all that was valid"},
    {"format", T_STRING, rule_format, "strings of another form were valid"},
    {"prefixItems", T_ARRAY, rule_prefix_items,
     "the items at these places could be something else"},
    {"items", T_ARRAY, rule_items, "the items could be something else"},
    {"contains", T_ARRAY, rule_contains, "it is not shown that enough such items are there"},
    {"uniqueItems", T_ARRAY, rule_unique, "items could be equal"},
    {"minItems", T_ARRAY, rule_min_items, "shorter arrays were valid"},
    {"maxItems", T_ARRAY, rule_max_items, "longer arrays were valid"},
    {"properties", T_OBJECT, rule_properties, "the members could be something else"},
    {"patternProperties", T_OBJECT, rule_pattern_properties, "the members could be something else"},
    {"additionalProperties", T_OBJECT, rule_additional, "other members could be there"},
    {"propertyNames", T_OBJECT, rule_property_names, "other names were valid"},
    {"required", T_OBJECT, rule_required, "the member could be absent"},
    {"minProperties", T_OBJECT, rule_min_properties, "fewer members were valid"},
    {"maxProperties", T_OBJECT, rule_max_properties, "more members were valid"},
    {"dependentRequired", T_OBJECT, rule_dependent_required, "the member could be absent"},
    {"dependentSchemas", T_OBJECT, rule_dependent_schemas, "it is not shown that this holds"},
    {"allOf", T_ANY, rule_all_of, "it is not shown that all of these hold"},
    {"anyOf", T_ANY, rule_any_of, "it is not shown that one of these always holds"},
    {"oneOf", T_ANY, rule_one_of, "it is not shown that exactly one of these always holds"},
    {"not", T_ANY, rule_not, "it is not shown that this never holds"},
    {"if", T_ANY, rule_if, "it is not shown that then or else always holds"},
    {"$ref", T_ANY, rule_ref, "the reference leads out of the document"},
    {"$dynamicRef", T_ANY, rule_ref, "the reference leads out of the document"},
};

/* Read by the rule of another keyword, or without effect by themselves. */
static const char *const companions[] = {"then", "else", "minContains", "maxContains"};

static const struct rule *find_rule(struct nx_span keyword)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (nx_span_is(keyword, rules[i].keyword)) {
            return &rules[i];
        }
    }
    return NULL;
}

static bool is_companion(struct nx_span keyword)
{
    for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
        if (nx_span_is(keyword, companions[i])) {
            return true;
        }
    }
    return false;
}

bool compat_obstacle(struct prover *p, const struct facts *from, struct subschema to,
                     struct nx_span keyword, const char *why)
{
    struct obstacle *o = &p->obstacles[p->obstacles_count];

    p->obstacles_met++;
    if (p->obstacles_count == COMPAT_OBSTACLES_MAX || p->level > COMPAT_PATH_MAX) {
        return false;
    }
    memcpy(o->path, p->path, p->level * sizeof(p->path[0]));
    o->path_len = p->level;
    o->from = (struct subschema){from->doc, from->count > 0 ? from->nodes[0] : UINT32_MAX};
    o->to = to;
    o->keyword = nx_span_is(keyword, COMPAT_AS_WRITTEN) ? NX_SPAN("type") : keyword;
    o->why = why;
    o->firm = p->quiet == 0;
    p->obstacles_count++;
    return false;
}

/* ---- one instance, all keywords ------------------------------------------------------------ */

static bool keyword_holds(struct prover *p, const struct facts *from, struct subschema to,
                          struct nx_span keyword, uint32_t value)
{
    const struct rule *rule = find_rule(keyword);
    uint32_t met = p->obstacles_met;

    if (compat_is_annotation(to.doc, keyword) || is_companion(keyword)) {
        return true;
    }
    if (rule == NULL) {
        return compat_obstacle(p, from, to, keyword, "there is no rule for this keyword");
    }
    if ((rule->types & from->types) == 0 || rule->prove(p, from, to, value)) {
        return true;
    }
    return p->obstacles_met == met ? compat_obstacle(p, from, to, keyword, rule->why) : false;
}

static bool keywords_hold(struct prover *p, const struct facts *from, struct subschema to)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (nx_json_each(to.doc->json, to.node, &at, &key, &value)) {
        if (!keyword_holds(p, from, to, nx_json_text(to.doc->json, key), value)) {
            return false;
        }
    }
    return true;
}

/* The instance has one of few values: each is asked. */
static bool values_hold(struct prover *p, const struct facts *from, const struct values *values,
                        struct subschema to)
{
    for (uint32_t i = 0; i < values->count; i++) {
        struct nx_span value = values_at(values, i);
        if (compat_part_valid(p->compat, to.doc, to.node, value) == NX_OK ||
            facts_accept(p->compat, from, value) == NX_ERR_INVALID) {
            continue;
        }
        return compat_obstacle(p, from, to, (struct nx_span){NULL, 0},
                               "one of the values that were valid is not any more");
    }
    return true;
}

/* ---- case distinction ---------------------------------------------------------------------- */

static bool holds_by_cases(struct prover *p, const struct facts *from, struct subschema to);

static bool case_holds(struct prover *p, const struct facts *from, uint32_t branch, uint32_t also,
                       struct subschema to)
{
    struct facts facts = *from;

    facts_add(&facts, branch);
    if (also != 0) {
        facts_add(&facts, also);
    }
    return facts_empty(p->compat, &facts, 0) || holds_by_cases(p, &facts, to);
}

static bool branches_hold(struct prover *p, const struct facts *from, uint32_t list,
                          struct subschema to)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t branch;

    while (nx_json_each(from->doc->json, list, &at, &key, &branch)) {
        if (!case_holds(p, from, branch, 0, to)) {
            return false;
        }
    }
    return true;
}

/* `if` holds, and so does `then`; or it does not, and `else` does (absent: that says nothing). */
static bool conditional_holds(struct prover *p, const struct facts *from, uint32_t node,
                              struct subschema to)
{
    uint32_t condition = compat_kw(from->doc, node, "if");
    uint32_t consequent = compat_kw(from->doc, node, "then");
    uint32_t alternative = compat_kw(from->doc, node, "else");

    if (condition == 0) {
        return false;
    }
    return alternative != 0 && case_holds(p, from, condition, consequent, to) &&
           case_holds(p, from, alternative, 0, to);
}

/* Has this distinction been made? Then one of the branches is among what is known. */
static bool is_split(const struct facts *from, uint32_t list)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t branch;

    while (nx_json_each(from->doc->json, list, &at, &key, &branch)) {
        for (uint32_t i = 0; i < from->count; i++) {
            if (from->nodes[i] == branch) {
                return true;
            }
        }
    }
    return false;
}

static bool split(struct prover *p, const struct facts *from, struct subschema to)
{
    static const char *const lists[] = {"oneOf", "anyOf"};

    for (uint32_t i = 0; i < from->count; i++) {
        for (size_t k = 0; k < 2; k++) {
            uint32_t list = compat_kw(from->doc, from->nodes[i], lists[k]);
            if (list != 0 && !is_split(from, list)) {
                return branches_hold(p, from, list, to);
            }
        }
    }
    for (uint32_t i = 0; i < from->count; i++) {
        if (conditional_holds(p, from, from->nodes[i], to)) {
            return true;
        }
    }
    return false;
}

static bool holds_by_cases(struct prover *p, const struct facts *from, struct subschema to)
{
    bool ok;
    struct values values;

    if (facts_values(from, &values)) {
        return values_hold(p, from, &values, to);
    }
    if (keywords_hold(p, from, to)) {
        return true;
    }
    if (p->splits == COMPAT_SPLITS_MAX) {
        return false;
    }
    p->splits++;
    ok = split(p, from, to);
    p->splits--;
    return ok;
}

/* ---- type by type -------------------------------------------------------------------------- */

static bool holds_by_type(struct prover *p, const struct facts *from, struct subschema to)
{
    static const uint8_t groups[] = {T_NULL, T_BOOLEAN, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT};

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        struct facts facts = *from;
        facts.types &= groups[i];
        if (facts.types != 0 && !facts_empty(p->compat, &facts, 0) &&
            !holds_by_cases(p, &facts, to)) {
            return false;
        }
    }
    return true;
}

static bool is_known(const struct facts *from, struct subschema to)
{
    for (uint32_t i = 0; i < from->count; i++) {
        if (compat_same((struct subschema){from->doc, from->nodes[i]}, to)) {
            return true;
        }
    }
    return false;
}

static bool is_assumed(const struct prover *p, const struct facts *from, struct subschema to)
{
    for (uint32_t i = 0; i < p->depth; i++) {
        const struct assumption *a = &p->assumptions[i];
        if (a->level < p->level && a->to.doc == to.doc && a->to.node == to.node &&
            a->from.doc == from->doc && a->from.types == from->types &&
            a->from.count == from->count &&
            memcmp(a->from.nodes, from->nodes, from->count * sizeof(from->nodes[0])) == 0) {
            return true;
        }
    }
    return false;
}

bool compat_step(struct prover *p)
{
    const struct compat_doc *docs = p->compat->docs;

    if (p->steps == NX_COMPAT_STEPS_MAX || docs[0].gathered > COMPAT_GATHERED_MAX ||
        docs[1].gathered > COMPAT_GATHERED_MAX) {
        return false;
    }
    p->steps++;
    return true;
}

bool compat_subsumed(struct prover *p, const struct facts *from, struct subschema to)
{
    struct nx_span none = {NULL, 0};
    bool ok;

    if (compat_is_true(to.doc, to.node) || from->types == 0 || is_known(from, to)) {
        return true;
    }
    if (compat_is_false(to.doc, to.node)) {
        return facts_empty(p->compat, from, 0) ||
               compat_obstacle(p, from, to, none, "something was valid here, nothing is any more");
    }
    if (is_assumed(p, from, to)) {
        return true;
    }
    if (p->depth == NX_COMPAT_DEPTH_MAX || !compat_step(p)) {
        return compat_obstacle(p, from, to, none, "the proof became too long or too deep");
    }
    p->assumptions[p->depth++] = (struct assumption){.from = *from, .to = to, .level = p->level};
    ok = holds_by_type(p, from, to);
    p->depth--;
    return ok;
}

bool compat_subsumed_at(struct prover *p, struct step step, const struct facts *from,
                        struct subschema to)
{
    uint32_t splits = p->splits;
    bool ok;

    assert(p->level <= p->depth);
    if (p->level == NX_COMPAT_DEPTH_MAX) {
        return false;
    }
    p->path[p->level++] = step;
    p->splits = 0;
    ok = compat_subsumed(p, from, to);
    p->splits = splits;
    p->level--;
    return ok;
}

bool compat_subsumed_maybe(struct prover *p, const struct facts *from, struct subschema to)
{
    bool ok;

    p->quiet++;
    ok = compat_subsumed(p, from, to);
    p->quiet--;
    return ok;
}
