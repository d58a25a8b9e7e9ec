/*
 * compat_disjoint.c - can no instance satisfy both? oneOf and not ask for it. Like the rules of
 * compat_prove.c it says yes only when that is certain.
 *
 * Two schemas are apart when, for each type that both admit, they are: by values, by bounds, by
 * a member or an item that must be there and cannot be both, by alternatives that are all apart,
 * or because one excludes (`not`) what the other is within.
 */
#include "core/compat_plan.h"

enum { DISJOINT_NEST_MAX = 4, VALUES_COMPARED_MAX = 256, PLACES_MAX = 16 };

/* Few values are possible in `a`, and each is refused by one of the two. */
static bool values_apart(struct nx_compat *compat, const struct facts *a, const struct facts *b)
{
    struct values values;

    if (!facts_values(a, &values) || values.count > VALUES_COMPARED_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < values.count; i++) {
        struct nx_span value = values_at(&values, i);
        if (facts_accept(compat, a, value) != NX_ERR_INVALID &&
            facts_accept(compat, b, value) != NX_ERR_INVALID) {
            return false;
        }
    }
    return true;
}

static bool numbers_apart(const struct facts *a, const struct facts *b)
{
    struct bound upper = facts_upper(a);
    struct bound lower = facts_lower(b);
    int order;

    if (!upper.set || !lower.set) {
        return false;
    }
    order = nx_number_compare(&upper.value, &lower.value);
    return order < 0 || (order == 0 && (upper.exclusive || lower.exclusive));
}

static bool strings_apart(struct prover *p, const struct facts *a, const struct facts *b)
{
    struct string_set set;
    struct string_set other;

    facts_strings(a, &set);
    facts_strings(b, &other);
    set.length_min = other.length_min > set.length_min ? other.length_min : set.length_min;
    set.length_max = other.length_max < set.length_max ? other.length_max : set.length_max;
    for (uint32_t i = 0; i < other.count && set.count < COMPAT_STRING_NFAS_MAX; i++) {
        set.patterns[set.count++] = other.patterns[i];
    }
    return compat_string_find(&set, (struct nx_span){NULL, 0}, &p->string_states, 0, NULL) ==
           STRING_NONE;
}

/* A member that `a` requires, and that cannot be what both say of it. */
static bool members_apart(struct prover *p, const struct facts *a, const struct facts *b,
                          unsigned nest)
{
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t list = compat_kw(a->doc, a->nodes[i], "required");
        uint32_t at = 0;
        uint32_t key;
        uint32_t item;
        while (list != 0 && nx_json_each(a->doc->json, list, &at, &key, &item)) {
            struct nx_span name = nx_json_text(a->doc->json, item);
            struct facts a_member;
            struct facts b_member;
            facts_member(p->compat, a, name, &a_member);
            facts_member(p->compat, b, name, &b_member);
            if (compat_disjoint(p, &a_member, &b_member, nest + 1)) {
                return true;
            }
        }
    }
    return facts_min(a, "minProperties") > facts_max(b, "maxProperties");
}

static bool items_apart(struct prover *p, const struct facts *a, const struct facts *b,
                        unsigned nest)
{
    uint64_t min = facts_min(a, "minItems");

    if (min > facts_max_items(b)) {
        return true;
    }
    for (uint32_t index = 0; index < min && index < PLACES_MAX; index++) {
        struct facts a_item;
        struct facts b_item;
        facts_item(a, index, &a_item);
        facts_item(b, index, &b_item);
        if (compat_disjoint(p, &a_item, &b_item, nest + 1)) {
            return true;
        }
    }
    return false;
}

/* All alternatives of one anyOf or oneOf of `a` are apart from `b`. */
static bool branches_apart(struct prover *p, const struct facts *a, const struct facts *b,
                           uint32_t list, unsigned nest)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t branch;

    while (nx_json_each(a->doc->json, list, &at, &key, &branch)) {
        struct facts facts = *a;
        facts_add(&facts, branch);
        if (facts.types != 0 &&
            (facts.count == a->count || !compat_disjoint(p, &facts, b, nest + 1))) {
            return false;
        }
    }
    return true;
}

static bool cases_apart(struct prover *p, const struct facts *a, const struct facts *b,
                        unsigned nest)
{
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t any = compat_kw(a->doc, a->nodes[i], "anyOf");
        uint32_t one = compat_kw(a->doc, a->nodes[i], "oneOf");
        uint32_t not = compat_kw(a->doc, a->nodes[i], "not");
        if ((any != 0 && branches_apart(p, a, b, any, nest)) ||
            (one != 0 && branches_apart(p, a, b, one, nest)) ||
            (not != 0 && compat_subsumed_maybe(p, b, (struct subschema){a->doc, not }))) {
            return true;
        }
    }
    return false;
}

/* Both facts admit instances of one type only. */
static bool type_apart(struct prover *p, const struct facts *a, const struct facts *b,
                       unsigned nest)
{
    if (values_apart(p->compat, a, b) || values_apart(p->compat, b, a)) {
        return true;
    }
    switch (a->types | b->types) {
    case T_STRING:
        return strings_apart(p, a, b);
    case T_ARRAY:
        return items_apart(p, a, b, nest) || items_apart(p, b, a, nest);
    case T_OBJECT:
        return members_apart(p, a, b, nest) || members_apart(p, b, a, nest);
    default:
        return numbers_apart(a, b) || numbers_apart(b, a);
    }
}

bool compat_disjoint(struct prover *p, const struct facts *a, const struct facts *b, unsigned nest)
{
    static const uint8_t groups[] = {T_NULL, T_BOOLEAN, T_NUMBER, T_STRING, T_ARRAY, T_OBJECT};
    uint8_t types = a->types & b->types;

    if (types == 0) {
        return true;
    }
    if (nest >= DISJOINT_NEST_MAX || !compat_step(p)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        struct facts a_typed = *a;
        struct facts b_typed = *b;
        a_typed.types = b_typed.types = types & groups[i];
        if (a_typed.types != 0 && !type_apart(p, &a_typed, &b_typed, nest) &&
            !cases_apart(p, &a_typed, &b_typed, nest) &&
            !cases_apart(p, &b_typed, &a_typed, nest)) {
            return false;
        }
    }
    return true;
}
