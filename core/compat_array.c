/*
 * compat_array.c - the rules for arrays (compat_prove.c).
 *
 *   keyword of TO   holds when FROM
 *   prefixItems     says enough of each of these places, as far as its arrays reach
 *   items           the same of each later place, and of all beyond its own prefixItems
 *   contains        contains enough of something narrower, or has so many items that are all such;
 *                   maxContains: is as short, or contains no more of something wider
 *   uniqueItems     has it, or at most one item
 *   minItems ...    has a bound that is as tight
 */
#include "core/compat_plan.h"

static bool item_holds(struct prover *p, const struct facts *from, uint32_t index,
                       struct subschema to)
{
    struct facts item;

    facts_item(from, index, &item);
    return compat_subsumed_at(p, (struct step){.kind = STEP_INDEX, .index = index}, &item, to);
}

/* All items behind `first`, which is not less than the length of any prefixItems of FROM. */
static bool rest_holds(struct prover *p, const struct facts *from, uint32_t first,
                       struct subschema to)
{
    struct facts item;

    facts_item(from, UINT32_MAX, &item);
    return compat_subsumed_at(p, (struct step){.kind = STEP_ANY_INDEX, .index = first}, &item, to);
}

bool rule_prefix_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint64_t items_max = facts_max_items(from);
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    for (uint32_t index = 0; nx_json_each(to.doc->json, v, &at, &key, &value); index++) {
        if (index < items_max && !item_holds(p, from, index, (struct subschema){to.doc, value})) {
            return false;
        }
    }
    return true;
}

/* The longest prefixItems of FROM. */
static uint32_t prefix_length(const struct facts *from)
{
    uint32_t longest = 0;

    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t prefix = compat_kw(from->doc, from->nodes[i], "prefixItems");
        uint32_t length = prefix != 0 ? nx_json_length(from->doc->json, prefix) : 0;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* The items from `first` on are all within `to`. */
static bool items_hold(struct prover *p, const struct facts *from, uint32_t first,
                       struct subschema to)
{
    uint64_t items_max = facts_max_items(from);
    uint32_t own = prefix_length(from);

    for (uint32_t index = first; index < own && index < items_max; index++) {
        if (!item_holds(p, from, index, to)) {
            return false;
        }
    }
    first = own > first ? own : first;
    return items_max <= first || rest_holds(p, from, first, to);
}

bool rule_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint32_t prefix = compat_kw(to.doc, to.node, "prefixItems");
    uint32_t first = prefix != 0 ? nx_json_length(to.doc->json, prefix) : 0;

    return items_hold(p, from, first, (struct subschema){to.doc, v});
}

/* ---- contains ------------------------------------------------------------------------------ */

static uint64_t count_or(const struct compat_doc *doc, uint32_t node, const char *keyword,
                         uint64_t absent)
{
    uint32_t value = compat_kw(doc, node, keyword);

    return value != 0 ? compat_count(doc, value) : absent;
}

static bool within(struct prover *p, struct subschema a, struct subschema b)
{
    struct facts facts = facts_of(a);
    bool ok;

    p->quiet++;
    ok = compat_subsumed_at(p, (struct step){.kind = STEP_ANY_INDEX}, &facts, b);
    p->quiet--;
    return ok;
}

static bool enough_hold(struct prover *p, const struct facts *from, struct subschema wanted,
                        uint64_t min)
{
    bool ok;

    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t own = compat_kw(from->doc, from->nodes[i], "contains");
        if (own != 0 && count_or(from->doc, from->nodes[i], "minContains", 1) >= min &&
            within(p, (struct subschema){from->doc, own}, wanted)) {
            return true;
        }
    }
    if (facts_min(from, "minItems") < min) {
        return min == 0;
    }
    p->quiet++;
    ok = items_hold(p, from, 0, wanted);
    p->quiet--;
    return ok;
}

static bool few_hold(struct prover *p, const struct facts *from, struct subschema wanted,
                     uint64_t max)
{
    if (max == UINT64_MAX || facts_max_items(from) <= max) {
        return true;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t own = compat_kw(from->doc, from->nodes[i], "contains");
        if (own != 0 && count_or(from->doc, from->nodes[i], "maxContains", UINT64_MAX) <= max &&
            within(p, wanted, (struct subschema){from->doc, own})) {
            return true;
        }
    }
    return false;
}

bool rule_contains(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    const struct subschema wanted = {to.doc, v};
    uint64_t min = count_or(to.doc, to.node, "minContains", 1);
    uint64_t max = count_or(to.doc, to.node, "maxContains", UINT64_MAX);

    return enough_hold(p, from, wanted, min) && few_hold(p, from, wanted, max);
}

/* ---- the array as a whole ------------------------------------------------------------------ */

bool rule_unique(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    (void)p;
    return !compat_is_true(to.doc, v) || facts_true(from, "uniqueItems") ||
           facts_max_items(from) <= 1;
}

bool rule_min_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint64_t min = facts_min(from, "minItems");
    (void)p;

    for (uint32_t i = 0; i < from->count; i++) {
        if (compat_kw(from->doc, from->nodes[i], "contains") != 0) {
            uint64_t contained = count_or(from->doc, from->nodes[i], "minContains", 1);
            min = contained > min ? contained : min;
        }
    }
    return min >= compat_count(to.doc, v);
}

bool rule_max_items(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    (void)p;
    return facts_max_items(from) <= compat_count(to.doc, v);
}
