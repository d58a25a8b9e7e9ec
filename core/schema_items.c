/*
 * schema_items.c - checks arrays and objects: what their items and members must satisfy, and the
 * whole. Each item is visited once, each member's name is looked up once.
 */
#include "core/schema_quick.h"
#include "core/schema_run.h"

/* ---- arrays ------------------------------------------------------------------------------ */

/* prefixItems and items, or what was in their place before 2020-12, for one item. */
static bool check_item(struct nx_check *check, const struct plan *plan, uint32_t node,
                       uint32_t index, size_t marks)
{
    const struct array_rules *rules = plan->array;
    bool prefix = index < rules->prefix_count;
    const struct plan *item = prefix ? rules->prefix[index] : rules->items;

    if (item == NULL) {
        return true;
    }
    nx_check_mark(check, marks, index);
    return nx_check_child(check, plan, prefix ? rules->prefix_keyword : rules->items_keyword, item,
                          node, index);
}

/* contains, minContains and maxContains. */
static bool check_contains(struct nx_check *check, const struct plan *plan, uint32_t node,
                           size_t marks)
{
    const struct array_rules *rules = plan->array;
    uint32_t end = check->nodes[node].next;
    uint64_t count = 0;
    uint32_t index = 0;
    bool enough = false;

    marks = rules->contains_evaluates ? marks : NX_NO_MARKS;
    check->quiet++;
    for (uint32_t i = node + 1; i < end && !enough; i = check->nodes[i].next, index++) {
        if (nx_check_plan(check, rules->contains, i, NX_NO_MARKS)) {
            nx_check_mark(check, marks, index);
            count++;
            enough = marks == NX_NO_MARKS && check->trace == NULL && count >= rules->contains_min &&
                     rules->contains_max == UINT64_MAX;
        }
    }
    check->quiet--;
    if (count < rules->contains_min) {
        enum nx_keyword keyword = rules->contains_min == 1 ? KW_CONTAINS : KW_MIN_CONTAINS;
        return nx_check_fault(check, plan, keyword, node, (uint32_t)count), false;
    }
    if (count > rules->contains_max) {
        return nx_check_fault(check, plan, KW_MAX_CONTAINS, node, (uint32_t)count), false;
    }
    return true;
}

/* The rules for the array as a whole. */
static bool check_array_whole(struct nx_check *check, const struct plan *plan, uint32_t node,
                              size_t marks)
{
    const struct array_rules *rules = plan->array;
    uint32_t count = check->nodes[node].length;
    uint32_t first;
    uint32_t second;
    bool ok = true;

    if (count < rules->count_min || count > rules->count_max) {
        enum nx_keyword keyword = count < rules->count_min ? KW_MIN_ITEMS : KW_MAX_ITEMS;
        (void)nx_check_fault(check, plan, keyword, node, 0);
        return false;
    }
    if (rules->contains != NULL) {
        ok = check_contains(check, plan, node, marks);
    }
    if (ok && rules->unique && !nx_value_unique(check, node, &first, &second)) {
        return nx_check_fault(check, plan, KW_UNIQUE_ITEMS, node, second), false;
    }
    return ok;
}

bool nx_check_array(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks)
{
    const struct array_rules *rules = plan->array;
    uint32_t end = check->nodes[node].next;
    uint32_t index = 0;
    bool ok = check_array_whole(check, plan, node, marks);

    if (rules->prefix_count == 0 && rules->items == NULL) {
        return ok;
    }
    for (uint32_t i = node + 1; i < end; i = check->nodes[i].next, index++) {
        if (!ok && !nx_check_more(check)) {
            return false;
        }
        ok = check_item(check, plan, i, index, marks) && ok;
    }
    return ok;
}

/* ---- objects ----------------------------------------------------------------------------- */

enum { SEEN_WORDS = NX_SCHEMA_TRACKED_MAX / 64 };

struct member {
    uint32_t key;
    uint32_t value;
    uint32_t index;
};

/* patternProperties for one member; *evaluated is set when any pattern matches its name. */
static bool check_patterns(struct nx_check *check, const struct plan *plan, struct member m,
                           bool *evaluated)
{
    const struct object_rules *rules = plan->object;
    bool ok = true;

    for (uint32_t i = 0; i < rules->patterns_count; i++) {
        if (nx_check_matches(check, rules->patterns[i].pattern, m.key)) {
            *evaluated = true;
            ok = nx_check_child(check, plan, KW_PATTERN_PROPERTIES, rules->patterns[i].plan,
                                m.value, m.key) &&
                 ok;
        }
    }
    return ok;
}

static inline void see(uint64_t *seen, const struct property *property)
{
    if (property->bit != UINT32_MAX) {
        seen[property->bit / 64] |= (uint64_t)1 << (property->bit % 64);
    }
}

static bool check_member(struct nx_check *check, const struct plan *plan, struct member m,
                         uint64_t *seen, size_t marks)
{
    const struct object_rules *rules = plan->object;
    struct nx_span name = nx_json_node_text(check->json, &check->nodes[m.key]);
    const struct property *property = nx_property_find(&rules->table, name);
    bool evaluated = false;
    bool ok = true;

    if (property != NULL) {
        see(seen, property);
    }
    if (property != NULL && property->plan != NULL) {
        evaluated = true;
        ok = nx_check_child(check, plan, KW_PROPERTIES, property->plan, m.value, m.key);
    }
    if (rules->patterns_count > 0) {
        ok = check_patterns(check, plan, m, &evaluated) && ok;
    }
    if (!evaluated && rules->additional != NULL) {
        evaluated = true;
        ok = nx_check_child(check, plan, KW_ADDITIONAL_PROPERTIES, rules->additional, m.value,
                            m.key);
    }
    if (rules->names != NULL) {
        ok = nx_check_child(check, plan, KW_PROPERTY_NAMES, rules->names, m.key, m.key) && ok;
    }
    if (evaluated) {
        nx_check_mark(check, marks, m.index);
    }
    return ok;
}

/* Of this object, is a member's name looked up in the table and its value judged, and no more? */
static bool is_plain_object(const struct nx_check *check, const struct object_rules *rules,
                            size_t marks)
{
    return nx_may_be_quick(check) && marks == NX_NO_MARKS && rules->patterns_count == 0 &&
           rules->names == NULL;
}

/* The guessed property, when the name at `key` and the colon are written so. */
static inline const struct property *find_guess(const struct nx_check *check, uint32_t key,
                                                const struct guess *guess)
{
    const char *name = check->json->padded + check->nodes[key].offset;

    return nx_token_is(&guess->token, name) ? guess->property : NULL;
}

/*
 * A quick yes for a member of a plain object, or no answer. *guess is the property whose name may
 * come next.
 */
static inline bool is_quick_member(struct nx_check *check, const struct object_rules *rules,
                                   uint32_t key, uint64_t *seen, const struct guess **guess)
{
    const struct plan *plan = rules->additional;
    const struct property *property = find_guess(check, key, *guess);

    if (property == NULL) {
        property =
            nx_property_find(&rules->table, nx_json_node_text(check->json, &check->nodes[key]));
    }
    if (property != NULL && property->plan != NULL) {
        *guess = property->next;
        plan = property->plan;
    }
    if (property != NULL) {
        see(seen, property);
    }
    return plan == NULL || nx_quick_value(check, plan, key + 1);
}

static bool has_seen(const uint64_t *seen, uint32_t bit)
{
    return (seen[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline bool has_seen_all(const uint64_t *seen, uint32_t count)
{
    uint32_t word = 0;

    for (; count >= 64; count -= 64) {
        if (seen[word++] != UINT64_MAX) {
            return false;
        }
    }
    return count == 0 || (seen[word] | UINT64_MAX << count) == UINT64_MAX;
}

static bool check_required(struct nx_check *check, const struct plan *plan, uint32_t node,
                           const uint64_t *seen)
{
    uint32_t required = plan->object->required_count;
    bool ok = true;

    if (has_seen_all(seen, required)) {
        return true;
    }
    for (uint32_t bit = 0; bit < required; bit++) {
        if (!has_seen(seen, bit)) {
            ok = false;
            if (!nx_check_fault(check, plan, KW_REQUIRED, node, bit)) {
                break;
            }
        }
    }
    return ok;
}

/* dependentRequired, dependentSchemas, dependencies. */
static bool check_dependents(struct nx_check *check, const struct plan *plan, uint32_t node,
                             const uint64_t *seen, size_t marks)
{
    const struct object_rules *rules = plan->object;
    bool ok = true;

    for (uint32_t i = 0; i < rules->dependents_count && (ok || nx_check_more(check)); i++) {
        const struct dependent *dependent = &rules->dependents[i];
        if (!has_seen(seen, dependent->if_seen)) {
            continue;
        }
        if (dependent->plan != NULL) {
            ok = nx_check_plan(check, dependent->plan, node, marks) && ok;
        } else if (!has_seen(seen, dependent->then_seen)) {
            ok = false;
            (void)nx_check_fault(check, plan, dependent->keyword, node, i);
        }
    }
    return ok;
}

bool nx_check_object(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks)
{
    const struct object_rules *rules = plan->object;
    const struct nx_json_node *nodes = check->nodes;
    uint32_t count = nodes[node].length;
    uint64_t seen[SEEN_WORDS] = {0};
    bool plain = is_plain_object(check, rules, marks);
    const struct guess *guess = rules->guesses;
    uint32_t index = 0;
    bool ok = true;

    if (count < rules->count_min || count > rules->count_max) {
        enum nx_keyword keyword = count < rules->count_min ? KW_MIN_PROPERTIES : KW_MAX_PROPERTIES;
        ok = false;
        if (!nx_check_fault(check, plan, keyword, node, 0)) {
            return false;
        }
    }
    for (uint32_t i = node + 1; i < nodes[node].next; i = nodes[i + 1].next, index++) {
        if (!nx_check_step(check)) {
            return false;
        }
        if (plain && is_quick_member(check, rules, i, seen, &guess)) {
            continue;
        }
        ok = check_member(check, plan, (struct member){i, i + 1, index}, seen, marks) && ok;
        if (!ok && !nx_check_more(check)) {
            return false;
        }
    }
    ok = check_required(check, plan, node, seen) && ok;
    if (rules->dependents_count > 0 && (ok || nx_check_more(check))) {
        ok = check_dependents(check, plan, node, seen, marks) && ok;
    }
    return ok;
}
