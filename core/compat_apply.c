/*
 * compat_apply.c - the rules for keywords that apply subschemas to the same instance
 * (compat_prove.c).
 *
 *   keyword of TO   holds when FROM
 *   allOf, $ref     is within each
 *   anyOf           is within one (FROM's own alternatives were told apart before)
 *   oneOf           is within one, and apart from each other one
 *   not             is apart from it
 *   if/then/else    is within then and else; or has the same `if`, and case by case is within them;
 *                   or is within `if` and then; or apart from `if`, and within else
 */
#include "core/compat_plan.h"

bool rule_all_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t branch;

    while (nx_json_each(to.doc->json, v, &at, &key, &branch)) {
        if (!compat_subsumed(p, from, (struct subschema){to.doc, branch})) {
            return false;
        }
    }
    return true;
}

bool rule_ref(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint32_t target;

    return compat_follow(to.doc, v, &target) &&
           compat_subsumed(p, from, (struct subschema){to.doc, target});
}

/* ---- alternatives -------------------------------------------------------------------------- */

typedef bool (*one_branch)(struct prover *p, const struct facts *from, struct subschema to,
                           uint32_t list, uint32_t branch);

static bool is_within(struct prover *p, const struct facts *from, struct subschema to,
                      uint32_t list, uint32_t branch)
{
    (void)list;
    return compat_subsumed_maybe(p, from, (struct subschema){to.doc, branch});
}

static bool is_only_within(struct prover *p, const struct facts *from, struct subschema to,
                           uint32_t list, uint32_t branch)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t other;

    if (!is_within(p, from, to, list, branch)) {
        return false;
    }
    while (nx_json_each(to.doc->json, list, &at, &key, &other)) {
        struct facts facts = facts_of((struct subschema){to.doc, other});
        if (other != branch && !compat_disjoint(p, from, &facts, 0)) {
            return false;
        }
    }
    return true;
}

static bool some_branch(struct prover *p, const struct facts *from, struct subschema to,
                        uint32_t list, one_branch holds)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t branch;

    while (nx_json_each(to.doc->json, list, &at, &key, &branch)) {
        if (holds(p, from, to, list, branch)) {
            return true;
        }
    }
    return false;
}

/* Integers may be within one branch and other numbers within another. */
static bool some_branch_by_type(struct prover *p, const struct facts *from, struct subschema to,
                                uint32_t list, one_branch holds)
{
    struct facts integers = *from;
    struct facts fractions = *from;

    if (some_branch(p, from, to, list, holds)) {
        return true;
    }
    integers.types &= T_INTEGER;
    fractions.types &= T_FRACTION;
    return integers.types != 0 && fractions.types != 0 && (from->types & ~T_NUMBER) == 0 &&
           some_branch(p, &integers, to, list, holds) &&
           some_branch(p, &fractions, to, list, holds);
}

bool rule_any_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    return some_branch_by_type(p, from, to, v, is_within);
}

bool rule_one_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    return some_branch_by_type(p, from, to, v, is_only_within);
}

bool rule_not(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    struct facts facts = facts_of((struct subschema){to.doc, v});

    return compat_disjoint(p, from, &facts, 0);
}

/* ---- if ------------------------------------------------------------------------------------ */

/* An absent keyword holds. */
static bool holds(struct prover *p, const struct facts *from, struct compat_doc *doc, uint32_t node)
{
    return node == 0 || compat_subsumed_maybe(p, from, (struct subschema){doc, node});
}

/* FROM's subschema `node` has the same `if`: then with then, else with else. */
static bool holds_by_condition(struct prover *p, const struct facts *from, uint32_t node,
                               struct subschema to)
{
    static const char *const keywords[] = {"then", "else"};

    for (size_t i = 0; i < 2; i++) {
        uint32_t own = compat_kw(from->doc, node, keywords[i]);
        struct facts facts = *from;
        if (i == 0) {
            facts_add(&facts, compat_kw(from->doc, node, "if"));
        }
        if (own != 0) {
            facts_add(&facts, own);
        }
        if (!holds(p, &facts, to.doc, compat_kw(to.doc, to.node, keywords[i]))) {
            return false;
        }
    }
    return true;
}

bool rule_if(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    const struct subschema condition = {to.doc, v};
    uint32_t consequent = compat_kw(to.doc, to.node, "then");
    uint32_t alternative = compat_kw(to.doc, to.node, "else");
    struct facts facts = facts_of(condition);

    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t own = compat_kw(from->doc, from->nodes[i], "if");
        if (own != 0 && compat_same((struct subschema){from->doc, own}, condition) &&
            holds_by_condition(p, from, from->nodes[i], to)) {
            return true;
        }
    }
    if (holds(p, from, to.doc, consequent) &&
        (holds(p, from, to.doc, alternative) || compat_subsumed_maybe(p, from, condition))) {
        return true;
    }
    return holds(p, from, to.doc, alternative) && compat_disjoint(p, from, &facts, 0);
}
