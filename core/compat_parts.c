/*
 * compat_parts.c - from what is known of an instance to what is known of its members and items,
 * and of its value where only few are possible.
 */
#include "core/compat_plan.h"

enum { QUOTED_MAX = 64 * 1024, EMPTY_NEST_MAX = 3 };

/* Adds the schemas of the patternProperties that `name` matches; false: a match is undecided. */
static bool add_patterns(struct nx_compat *compat, struct facts *out, uint32_t patterns,
                         struct nx_span name, bool *any)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    bool matched;

    while (nx_json_each(out->doc->json, patterns, &at, &key, &value)) {
        struct nx_span pattern = nx_json_text(out->doc->json, key);
        if (compat_match(compat, out->doc, pattern, name, &matched) != NX_OK) {
            return false;
        }
        if (matched) {
            facts_add(out, value);
            *any = true;
        }
    }
    return true;
}

static void add_member(struct nx_compat *compat, struct facts *out, uint32_t node,
                       struct nx_span name)
{
    uint32_t properties = compat_kw(out->doc, node, "properties");
    uint32_t patterns = compat_kw(out->doc, node, "patternProperties");
    uint32_t additional = compat_kw(out->doc, node, "additionalProperties");
    uint32_t own = properties != 0 ? nx_json_member(out->doc->json, properties, name) : 0;
    bool any = own != 0;

    if (own != 0) {
        facts_add(out, own);
    }
    if (patterns != 0 && !add_patterns(compat, out, patterns, name, &any)) {
        return;
    }
    if (!any && additional != 0) {
        facts_add(out, additional);
    }
}

/* Does propertyNames refuse the name? */
static bool name_refused(struct nx_compat *compat, struct compat_doc *doc, uint32_t names,
                         struct nx_span name)
{
    struct nx_buf quoted;
    bool refused;

    nx_buf_init(&quoted, QUOTED_MAX);
    refused = nx_json_quote(&quoted, name) == NX_OK &&
              compat_part_valid(compat, doc, names, nx_buf_view(&quoted)) == NX_ERR_INVALID;
    nx_buf_fini(&quoted);
    return refused;
}

void facts_member(struct nx_compat *compat, const struct facts *facts, struct nx_span name,
                  struct facts *out)
{
    facts_init(out, facts->doc);
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t names = compat_kw(facts->doc, facts->nodes[i], "propertyNames");
        add_member(compat, out, facts->nodes[i], name);
        if (names != 0 && name_refused(compat, facts->doc, names, name)) {
            out->types = 0;
        }
    }
}

/*
 * A subschema that has other patterns than the one asked for may apply one of them, or
 * additionalProperties, or neither: nothing is known from it.
 */
void facts_other_member(const struct facts *facts, struct nx_span pattern, struct facts *out)
{
    const struct nx_json *json = facts->doc->json;

    facts_init(out, facts->doc);
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t patterns = compat_kw(facts->doc, facts->nodes[i], "patternProperties");
        uint32_t additional = compat_kw(facts->doc, facts->nodes[i], "additionalProperties");
        uint32_t same =
            pattern.ptr != NULL && patterns != 0 ? nx_json_member(json, patterns, pattern) : 0;
        if (same != 0) {
            facts_add(out, same);
        } else if (additional != 0 && (patterns == 0 || pattern.ptr == NULL)) {
            facts_add(out, additional);
        }
    }
}

void facts_item(const struct facts *facts, uint32_t index, struct facts *out)
{
    const struct nx_json *json = facts->doc->json;

    facts_init(out, facts->doc);
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t prefix = compat_kw(facts->doc, facts->nodes[i], "prefixItems");
        uint32_t items = compat_kw(facts->doc, facts->nodes[i], "items");
        uint32_t at = 0;
        uint32_t key;
        uint32_t item = 0;
        uint32_t place = 0;

        if (prefix != 0 && index < nx_json_length(json, prefix)) {
            while (nx_json_each(json, prefix, &at, &key, &item) && place < index) {
                place++;
            }
            facts_add(out, item);
        } else if (items != 0) {
            facts_add(out, items);
        }
    }
}

bool facts_each_name(const struct facts *facts, uint32_t *node, uint32_t *at, struct nx_span *name)
{
    uint32_t key;
    uint32_t value;

    for (; *node < facts->count; (*node)++, *at = 0) {
        uint32_t properties = compat_kw(facts->doc, facts->nodes[*node], "properties");
        if (properties != 0 && nx_json_each(facts->doc->json, properties, at, &key, &value)) {
            *name = nx_json_text(facts->doc->json, key);
            return true;
        }
    }
    return false;
}

/* ---- few values ---------------------------------------------------------------------------- */

/* Values that follow from the type alone. */
static const struct {
    uint8_t types;
    const char *const texts[3];
    uint32_t count;
} few[] = {
    {T_NULL, {"null"}, 1},
    {T_BOOLEAN, {"false", "true"}, 2},
    {T_NULL | T_BOOLEAN, {"null", "false", "true"}, 3},
};

bool facts_values(const struct facts *facts, struct values *out)
{
    uint32_t least = NX_COMPAT_VALUES_MAX + 1;

    for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
        if (facts->types == few[i].types) {
            *out = (struct values){.doc = facts->doc, .texts = few[i].texts, .count = few[i].count};
            return true;
        }
    }
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t list = compat_kw(facts->doc, facts->nodes[i], "enum");
        uint32_t one = compat_kw(facts->doc, facts->nodes[i], "const");
        if (list != 0 && nx_json_length(facts->doc->json, list) < least) {
            least = nx_json_length(facts->doc->json, list);
            *out = (struct values){.doc = facts->doc, .node = list, .list = true, .count = least};
        }
        if (one != 0 && least > 1) {
            least = 1;
            *out = (struct values){.doc = facts->doc, .node = one, .count = 1};
        }
    }
    return least <= NX_COMPAT_VALUES_MAX;
}

struct nx_span values_at(const struct values *values, uint32_t index)
{
    const struct nx_json *json = values->doc->json;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item = values->node;
    uint32_t place = 0;

    if (values->texts != NULL) {
        return nx_span_from(values->texts[index]);
    }
    while (values->list && nx_json_each(json, values->node, &at, &key, &item) && place < index) {
        place++;
    }
    return nx_json_raw(json, item);
}

enum nx_err facts_accept(struct nx_compat *compat, const struct facts *facts, struct nx_span value)
{
    enum nx_err worst = facts->types == 0 ? NX_ERR_INVALID : NX_OK;

    for (uint32_t i = 0; i < facts->count && worst != NX_ERR_INVALID; i++) {
        enum nx_err err = compat_part_valid(compat, facts->doc, facts->nodes[i], value);
        worst = err != NX_OK ? err : worst;
    }
    return worst;
}

/* ---- nothing ------------------------------------------------------------------------------- */

static bool number_is_empty(const struct facts *facts)
{
    struct bound lower = facts_lower(facts);
    struct bound upper = facts_upper(facts);
    int order;

    if (!lower.set || !upper.set) {
        return false;
    }
    order = nx_number_compare(&lower.value, &upper.value);
    return order > 0 || (order == 0 && (lower.exclusive || upper.exclusive));
}

/* Is a member required that nothing can be? */
static bool member_is_empty(struct nx_compat *compat, const struct facts *facts, unsigned nest)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t list = compat_kw(facts->doc, facts->nodes[i], "required");
        uint32_t at = 0;
        uint32_t key;
        uint32_t item;
        struct facts member;
        while (list != 0 && nx_json_each(facts->doc->json, list, &at, &key, &item)) {
            facts_member(compat, facts, nx_json_text(facts->doc->json, item), &member);
            if (facts_empty(compat, &member, nest + 1)) {
                return true;
            }
        }
    }
    return false;
}

static bool values_are_refused(struct nx_compat *compat, const struct facts *facts)
{
    struct values values;

    if (!facts_values(facts, &values) || values.count > 64) {
        return false;
    }
    for (uint32_t i = 0; i < values.count; i++) {
        if (facts_accept(compat, facts, values_at(&values, i)) != NX_ERR_INVALID) {
            return false;
        }
    }
    return true;
}

bool facts_empty(struct nx_compat *compat, const struct facts *facts, unsigned nest)
{
    if (facts->types == 0) {
        return true;
    }
    if (nest >= EMPTY_NEST_MAX) {
        return false;
    }
    if ((facts->types & ~T_NUMBER) == 0 && number_is_empty(facts)) {
        return true;
    }
    if (facts->types == T_STRING && facts_min(facts, "minLength") > facts_max(facts, "maxLength")) {
        return true;
    }
    if (facts->types == T_ARRAY && facts_min(facts, "minItems") > facts_max_items(facts)) {
        return true;
    }
    if (facts->types == T_OBJECT &&
        (facts_min(facts, "minProperties") > facts_max(facts, "maxProperties") ||
         member_is_empty(compat, facts, nest))) {
        return true;
    }
    return values_are_refused(compat, facts);
}
