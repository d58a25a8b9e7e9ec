/*
 * schema_quick_tape.c - a quick yes for a value on the tape, a whole document if need be: listed
 * names, items, scalars. `true` is a yes; `false` says nothing, and the complete rules begin anew
 * (schema_check.c). What is in between, such as a member with anyOf, is asked of them at once.
 */
#include "core/schema_fused.h"
#include "core/schema_quick.h"
#include "core/schema_run.h"

/* Inlined into the loops over members and items. */
#define HOT static inline __attribute__((always_inline))

/* ---- scalars ------------------------------------------------------------------------------- */

/* A string that stands in the source as it is; `opening` is its quote. */
HOT bool is_quick_text(const struct quick *quick, const char *opening, size_t length)
{
    const char *text = opening + 1;

    switch (quick->string) {
    case QUICK_STRING_LATER:
    case QUICK_STRING_ENUM:
        break;
    case QUICK_STRING_ANY: /* n bytes are from n / 4 to n code points */
        return length <= quick->length_max && (length + 3) / 4 >= quick->length_min;
    case QUICK_STRING_TOKEN:
        return nx_token_is(&quick->token, opening);
    case QUICK_STRING_TIME:
        return length == NX_DATE_TIME_LEN && nx_quick_time(quick, text);
    case QUICK_STRING_MATCH:
        return length >= quick->length_min && length <= quick->length_max &&
               nx_regular_match_inline(quick->match, text) == text + length;
    }
    return false;
}

/* A string with escapes, of an enum, with a pattern that is matched otherwise, and so on. */
static __attribute__((noinline)) bool is_string_otherwise(const struct nx_check *check,
                                                          const struct plan *plan,
                                                          const struct nx_json_node *n)
{
    return nx_quick_string(check, plan->direct, nx_json_node_padded(check->json, n),
                           (n->flags & NX_JSON_LONE_SURROGATE) != 0);
}

/* `source` is the padded one (json_tape.h). */
HOT bool is_quick_string(const struct nx_check *check, const char *source, const struct plan *plan,
                         const struct nx_json_node *n)
{
    if ((n->flags & NX_JSON_DECODED) == 0 &&
        is_quick_text(&plan->quick, source + n->offset, n->length)) {
        return true;
    }
    return is_string_otherwise(check, plan, n);
}

HOT bool is_quick_number(const char *source, const struct plan *plan, const struct nx_json_node *n)
{
    struct nx_nano nano;

    if (__builtin_expect((n->flags & NX_JSON_NANO) != 0, 1)) {
        nano = (struct nx_nano){.value = n->nano, .whole = (n->flags & NX_JSON_INTEGER) != 0};
        nano.exact = true;
        return nx_quick_number(&plan->quick, nano);
    }
    nano = nx_scan_nano_long(source + n->offset);
    return nano.end != NULL && nx_quick_number(&plan->quick, nano);
}

HOT bool is_quick_scalar(const struct nx_check *check, const char *source, const struct plan *plan,
                         const struct nx_json_node *n)
{
    if (n->type == NX_JSON_STRING) {
        return is_quick_string(check, source, plan, n);
    }
    if (n->type == NX_JSON_NUMBER) {
        return is_quick_number(source, plan, n);
    }
    return n->type < NX_JSON_NUMBER && nx_quick_word(&plan->quick, (enum nx_json_type)n->type);
}

/* ---- values -------------------------------------------------------------------------------- */

static bool is_quick_object(struct nx_check *check, const char *source, const struct plan *plan,
                            const struct nx_json_node *object);
static bool is_quick_array(struct nx_check *check, const char *source, const struct plan *plan,
                           const struct nx_json_node *array);

/* What is not quick in a container is asked of the complete rules. */
static __attribute__((noinline)) bool
holds_otherwise(struct nx_check *check, const struct plan *plan, const struct nx_json_node *n)
{
    return nx_check_plan(check, plan->direct, (uint32_t)(n - check->nodes), NX_NO_MARKS);
}

HOT bool is_quick_value(struct nx_check *check, const char *source, const struct plan *plan,
                        const struct nx_json_node *n)
{
    if (n->type == NX_JSON_OBJECT && plan->quick.object != NULL) {
        return is_quick_object(check, source, plan, n);
    }
    if (n->type == NX_JSON_ARRAY && plan->quick.array != NULL) {
        return is_quick_array(check, source, plan, n);
    }
    return __builtin_expect(is_quick_scalar(check, source, plan, n), 1) ||
           holds_otherwise(check, plan, n);
}

/* The node behind a value, by a step where it can be. */
HOT const struct nx_json_node *behind(const struct nx_check *check, const struct nx_json_node *n)
{
    return n->type < NX_JSON_ARRAY ? n + 1 : &check->nodes[n->next];
}

/*
 * As many plans within plans as the complete rules may count for one container: so that what is
 * asked of them further down does not seem to have more room.
 */
HOT bool enter(struct nx_check *check, uint32_t steps)
{
    check->depth += NX_TOGETHER_MAX;
    check->steps += steps;
    return check->depth < NX_CHECK_DEPTH_MAX && check->steps <= check->steps_max;
}

HOT bool leave(struct nx_check *check, bool holds)
{
    check->depth -= NX_TOGETHER_MAX;
    return holds;
}

/* ---- objects and arrays -------------------------------------------------------------------- */

/* The property of this name, or NULL. */
static __attribute__((noinline)) const struct property *
search_name(const struct nx_check *check, const struct object_rules *rules,
            const struct nx_json_node *key)
{
    return nx_property_find_padded(&rules->table, nx_json_node_padded(check->json, key));
}

HOT uint64_t bit_of(const struct property *property)
{
    return property->ordinal < NX_FUSED_NAMES_MAX ? (uint64_t)1 << property->ordinal : 0;
}

static bool is_quick_object(struct nx_check *check, const char *source, const struct plan *plan,
                            const struct nx_json_node *object)
{
    const struct object_rules *rules = plan->quick.object;
    const struct guess *guess = rules->guesses; /* the name that may come next */
    const struct nx_json_node *key = object + 1;
    uint64_t seen = 0;

    if (!enter(check, plan->together->steps + object->length)) {
        return false;
    }
    for (uint32_t left = object->length; left > 0; left--) {
        const struct plan *member = guess->plan;
        if (__builtin_expect(nx_token_is(&guess->token, source + key->offset), 1)) {
            seen |= guess->bit;
            guess++;
        } else {
            const struct property *property = search_name(check, rules, key);
            seen |= property != NULL ? bit_of(property) : 0;
            guess = property != NULL && property->plan != NULL ? property->next : guess;
            member =
                property != NULL && property->plan != NULL ? property->plan : rules->additional;
        }
        if (member != NULL && !is_quick_value(check, source, member, key + 1)) {
            return false;
        }
        key = behind(check, key + 1);
    }
    return leave(check, nx_fused_object_holds(rules, seen, object->length));
}

static bool is_quick_array(struct nx_check *check, const char *source, const struct plan *plan,
                           const struct nx_json_node *array)
{
    const struct array_rules *rules = plan->quick.array;
    const struct nx_json_node *item = array + 1;

    if (!enter(check, plan->together->steps)) {
        return false;
    }
    for (uint32_t i = 0; i < array->length; i++) {
        const struct plan *rule = i < rules->prefix_count ? rules->prefix[i] : rules->items;
        if (rule != NULL && !is_quick_value(check, source, rule, item)) {
            return false;
        }
        item = behind(check, item);
    }
    return leave(check, array->length >= rules->count_min && array->length <= rules->count_max);
}

bool nx_quick_value(struct nx_check *check, const struct plan *plan, uint32_t node)
{
    const char *source = check->json->padded;
    const struct nx_json_node *n = &check->nodes[node];
    uint32_t depth = check->depth;
    uint32_t steps = check->steps;
    bool holds;

    if (n->type < NX_JSON_ARRAY) {
        return is_quick_scalar(check, source, plan, n);
    }
    if (check->slow || check->quiet > 0 || check->error != NX_OK ||
        (n->type == NX_JSON_OBJECT ? plan->quick.object == NULL : plan->quick.array == NULL)) {
        return false;
    }
    holds = n->type == NX_JSON_OBJECT ? is_quick_object(check, source, plan, n)
                                      : is_quick_array(check, source, plan, n);
    check->depth = depth;
    if (!holds) {
        check->slow = true;
        check->steps = steps;
        check->error = NX_OK;
    }
    return holds;
}
