/*
 * compat_object.c - the rules for objects (compat_prove.c).
 *
 *   keyword of TO         holds when FROM
 *   properties            says enough of each of these members (an open FROM says nothing of them:
 *                         that is why a typed property cannot be added to an open model)
 *   patternProperties     the same of each own member whose name matches, and of all other names
 *   additionalProperties  the same of each member that TO has no property or pattern for
 *   propertyNames         has names that are within it, or only names that it accepts
 *   required              requires them
 *   minProperties         has a bound as tight, or requires so many members
 *   maxProperties         has a bound as tight, or is closed and knows so few
 *   dependent...          requires them, or has the same dependency, or never has the member
 */
#include "core/compat_plan.h"

enum { COUNTED_MAX = 512, QUOTED_MAX = 64 * 1024, SEEN_ENOUGH = 8 };

static bool member_holds(struct prover *p, const struct facts *from, struct nx_span name,
                         struct subschema to)
{
    struct facts member;

    facts_member(p->compat, from, name, &member);
    return compat_subsumed_at(p, (struct step){.kind = STEP_NAME, .name = name}, &member, to);
}

/* Goes on after a failure, so that the search knows more than one place to look at. */
bool rule_properties(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    bool ok = true;

    while (nx_json_each(to.doc->json, v, &at, &key, &value)) {
        struct nx_span name = nx_json_text(to.doc->json, key);
        ok = member_holds(p, from, name, (struct subschema){to.doc, value}) && ok;
        if (!ok && (p->quiet > 0 || p->obstacles_count >= SEEN_ENOUGH)) {
            return false;
        }
    }
    return ok;
}

/* Members that no `properties` of FROM names, and that match `pattern` (or none, when empty). */
static bool others_hold(struct prover *p, const struct facts *from, struct nx_span pattern,
                        struct subschema to)
{
    struct step step = {.kind = pattern.ptr != NULL ? STEP_PATTERN : STEP_ANY_NAME,
                        .name = pattern};
    struct facts other;

    facts_other_member(from, pattern, &other);
    return compat_subsumed_at(p, step, &other, to);
}

bool rule_pattern_properties(struct prover *p, const struct facts *from, struct subschema to,
                             uint32_t v)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (nx_json_each(to.doc->json, v, &at, &key, &value)) {
        const struct subschema target = {to.doc, value};
        struct nx_span pattern = nx_json_text(to.doc->json, key);
        struct nx_span name;
        uint32_t node = 0;
        uint32_t place = 0;
        bool matched;

        while (facts_each_name(from, &node, &place, &name)) {
            if (compat_match(p->compat, to.doc, pattern, name, &matched) != NX_OK) {
                return false;
            }
            if (matched && !member_holds(p, from, name, target)) {
                return false;
            }
        }
        if (!others_hold(p, from, pattern, target)) {
            return false;
        }
    }
    return true;
}

/* ---- additionalProperties ------------------------------------------------------------------ */

/* Does TO have a property or a pattern for this name? */
static bool is_covered(struct prover *p, struct subschema to, struct nx_span name)
{
    uint32_t properties = compat_kw(to.doc, to.node, "properties");
    uint32_t patterns = compat_kw(to.doc, to.node, "patternProperties");
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    bool matched;

    if (properties != 0 && nx_json_member(to.doc->json, properties, name) != 0) {
        return true;
    }
    while (patterns != 0 && nx_json_each(to.doc->json, patterns, &at, &key, &value)) {
        if (compat_match(p->compat, to.doc, nx_json_text(to.doc->json, key), name, &matched) ==
                NX_OK &&
            matched) {
            return true;
        }
    }
    return false;
}

/* Is every name that matches `pattern` matched by one of TO's patterns? */
static bool is_pattern_covered(struct prover *p, struct subschema to, struct nx_span pattern)
{
    uint32_t patterns = compat_kw(to.doc, to.node, "patternProperties");
    struct string_set names = {
        .patterns = {pattern}, .count = 1, .exact = true, .length_max = UINT64_MAX};
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (patterns != 0 && nx_json_each(to.doc->json, patterns, &at, &key, &value)) {
        struct nx_span own = nx_json_text(to.doc->json, key);
        if (nx_span_eq(own, pattern) ||
            compat_string_find(&names, own, &p->string_states, 0, NULL) == STRING_NONE) {
            return true;
        }
    }
    return false;
}

static bool own_patterns_hold(struct prover *p, const struct facts *from, uint32_t node,
                              struct subschema to, struct subschema target)
{
    uint32_t patterns = compat_kw(from->doc, node, "patternProperties");
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (patterns != 0 && nx_json_each(from->doc->json, patterns, &at, &key, &value)) {
        struct nx_span pattern = nx_json_text(from->doc->json, key);
        if (!is_pattern_covered(p, to, pattern) && !others_hold(p, from, pattern, target)) {
            return false;
        }
    }
    return true;
}

bool rule_additional(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    const struct subschema target = {to.doc, v};
    struct nx_span name;
    uint32_t node = 0;
    uint32_t at = 0;

    while (facts_each_name(from, &node, &at, &name)) {
        if (!is_covered(p, to, name) && !member_holds(p, from, name, target)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < from->count; i++) {
        if (!own_patterns_hold(p, from, from->nodes[i], to, target)) {
            return false;
        }
    }
    return others_hold(p, from, (struct nx_span){NULL, 0}, target);
}

/* ---- names and counts ---------------------------------------------------------------------- */

/* Has it no members but those that `properties` names? */
static bool is_closed(const struct facts *from)
{
    struct facts other;

    for (uint32_t i = 0; i < from->count; i++) {
        if (compat_kw(from->doc, from->nodes[i], "patternProperties") != 0) {
            return false;
        }
    }
    facts_other_member(from, (struct nx_span){NULL, 0}, &other);
    return other.types == 0;
}

static bool name_is_accepted(struct prover *p, struct subschema to, struct nx_span name)
{
    struct nx_buf quoted;
    bool ok;

    nx_buf_init(&quoted, QUOTED_MAX);
    ok = nx_json_quote(&quoted, name) == NX_OK &&
         compat_part_valid(p->compat, to.doc, to.node, nx_buf_view(&quoted)) == NX_OK;
    nx_buf_fini(&quoted);
    return ok;
}

bool rule_property_names(struct prover *p, const struct facts *from, struct subschema to,
                         uint32_t v)
{
    const struct subschema target = {to.doc, v};
    struct facts names;
    struct nx_span name;
    uint32_t node = 0;
    uint32_t at = 0;
    bool ok;

    facts_init(&names, from->doc);
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t own = compat_kw(from->doc, from->nodes[i], "propertyNames");
        if (own != 0) {
            facts_add(&names, own);
        }
    }
    names.types &= T_STRING;
    p->quiet++;
    ok = compat_subsumed_at(p, (struct step){.kind = STEP_ANY_NAME}, &names, target);
    p->quiet--;
    if (ok || !is_closed(from)) {
        return ok;
    }
    while (facts_each_name(from, &node, &at, &name)) {
        struct facts member;
        facts_member(p->compat, from, name, &member);
        if (member.types != 0 && !name_is_accepted(p, target, name)) {
            return false;
        }
    }
    return true;
}

bool rule_required(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    (void)p;

    while (nx_json_each(to.doc->json, v, &at, &key, &item)) {
        if (!facts_required(from, nx_json_text(to.doc->json, item))) {
            return false;
        }
    }
    return true;
}

/* Names gathered once each; false when there are too many to compare. */
struct name_list {
    struct nx_span names[COUNTED_MAX];
    uint32_t count;
};

static bool gather(struct name_list *list, struct nx_span name)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (nx_span_eq(list->names[i], name)) {
            return true;
        }
    }
    if (list->count == COUNTED_MAX) {
        return false;
    }
    list->names[list->count++] = name;
    return true;
}

bool rule_min_properties(struct prover *p, const struct facts *from, struct subschema to,
                         uint32_t v)
{
    struct name_list required = {.count = 0};
    uint64_t count = compat_count(to.doc, v);
    (void)p;

    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t list = compat_kw(from->doc, from->nodes[i], "required");
        uint32_t at = 0;
        uint32_t key;
        uint32_t item;
        while (list != 0 && nx_json_each(from->doc->json, list, &at, &key, &item)) {
            (void)gather(&required, nx_json_text(from->doc->json, item)); /* beyond: too few */
        }
    }
    return facts_min(from, "minProperties") >= count || required.count >= count;
}

bool rule_max_properties(struct prover *p, const struct facts *from, struct subschema to,
                         uint32_t v)
{
    struct name_list known = {.count = 0};
    uint64_t count = compat_count(to.doc, v);
    struct nx_span name;
    uint32_t node = 0;
    uint32_t at = 0;

    if (facts_max(from, "maxProperties") <= count) {
        return true;
    }
    if (!is_closed(from)) {
        return false;
    }
    while (facts_each_name(from, &node, &at, &name)) {
        struct facts member;
        facts_member(p->compat, from, name, &member);
        if (member.types != 0 && !gather(&known, name)) {
            return false;
        }
    }
    return known.count <= count;
}

/* ---- dependencies -------------------------------------------------------------------------- */

static bool never_there(struct prover *p, const struct facts *from, struct nx_span name)
{
    struct facts member;

    facts_member(p->compat, from, name, &member);
    return member.types == 0;
}

/* Does FROM ask for `name` wherever `trigger` is? */
static bool depends(const struct facts *from, struct nx_span trigger, struct nx_span name)
{
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t map = compat_kw(from->doc, from->nodes[i], "dependentRequired");
        uint32_t list = map != 0 ? nx_json_member(from->doc->json, map, trigger) : 0;
        uint32_t at = 0;
        uint32_t key;
        uint32_t item;
        while (list != 0 && nx_json_each(from->doc->json, list, &at, &key, &item)) {
            if (nx_span_eq(nx_json_text(from->doc->json, item), name)) {
                return true;
            }
        }
    }
    return false;
}

static bool list_depends(const struct facts *from, struct subschema to, struct nx_span trigger,
                         uint32_t list)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    while (nx_json_each(to.doc->json, list, &at, &key, &item)) {
        struct nx_span name = nx_json_text(to.doc->json, item);
        if (!nx_span_eq(name, trigger) && !facts_required(from, name) &&
            !depends(from, trigger, name)) {
            return false;
        }
    }
    return true;
}

bool rule_dependent_required(struct prover *p, const struct facts *from, struct subschema to,
                             uint32_t v)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t list;

    while (nx_json_each(to.doc->json, v, &at, &key, &list)) {
        struct nx_span trigger = nx_json_text(to.doc->json, key);
        if (!never_there(p, from, trigger) && !list_depends(from, to, trigger, list)) {
            return false;
        }
    }
    return true;
}

bool rule_dependent_schemas(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t v)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (nx_json_each(to.doc->json, v, &at, &key, &value)) {
        struct nx_span trigger = nx_json_text(to.doc->json, key);
        struct facts facts = *from;
        for (uint32_t i = 0; i < from->count; i++) {
            uint32_t map = compat_kw(from->doc, from->nodes[i], "dependentSchemas");
            uint32_t own = map != 0 ? nx_json_member(from->doc->json, map, trigger) : 0;
            if (own != 0) {
                facts_add(&facts, own);
            }
        }
        if (!never_there(p, from, trigger) &&
            !compat_subsumed(p, &facts, (struct subschema){to.doc, value})) {
            return false;
        }
    }
    return true;
}
