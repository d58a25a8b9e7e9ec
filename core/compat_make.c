/*
 * compat_make.c - documents that FROM accepts, or nearly, made by walking both schemas side by
 * side: what must be there is there, and now and then a value is an odd one, such as a bound of
 * TO's, a type that only FROM has, or a member under a name that only TO knows. With a goal the
 * document has the place where the proof stood, and is odd there.
 *
 * Nothing here needs to be right: every document is judged (compat_search.c).
 */
#include "core/compat_make.h"

enum { ODD_GOAL = 192, TYPE_BITS = 7 };

uint32_t make_random(struct maker *m, uint32_t below)
{
    uint64_t z = (m->random += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return below == 0 ? 0 : (uint32_t)(z % below);
}

const struct step *make_goal_step(const struct maker *m, const struct place *place)
{
    return m->goal != NULL && place->goal < m->goal->path_len ? &m->goal->path[place->goal] : NULL;
}

/* Adds one branch of each anyOf and oneOf, one side of each if, and every dependentSchemas. */
static void choose_branches(struct maker *m, struct facts *facts)
{
    static const char *const lists[] = {"anyOf", "oneOf"};
    const struct compat_doc *doc = facts->doc;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t node = facts->nodes[i];
        for (size_t k = 0; k < 2; k++) {
            uint32_t list = compat_kw(doc, node, lists[k]);
            uint32_t branch = list != 0 ? make_random(m, nx_json_length(doc->json, list)) : 0;
            for (at = 0; list != 0 && nx_json_each(doc->json, list, &at, &key, &value); branch--) {
                if (branch == 0) {
                    facts_add(facts, value);
                    break;
                }
            }
        }
        if (compat_kw(doc, node, "if") != 0) {
            bool yes = make_random(m, 2) == 0;
            uint32_t side = compat_kw(doc, node, yes ? "then" : "else");
            if (yes) {
                facts_add(facts, compat_kw(doc, node, "if"));
            }
            if (side != 0) {
                facts_add(facts, side);
            }
        }
    }
}

/* One of the values written in `examples` and `default`; false when there are none. */
static bool make_example(struct maker *m, const struct facts *facts)
{
    const struct compat_doc *doc = facts->doc;
    uint32_t node = facts->count > 0 ? facts->nodes[make_random(m, facts->count)] : 0;
    uint32_t list = facts->count > 0 ? compat_kw(doc, node, "examples") : 0;
    uint32_t value = facts->count > 0 ? compat_kw(doc, node, "default") : 0;
    struct values values = {.doc = doc, .node = list, .list = true};

    if (list != 0 && (value == 0 || make_random(m, 2) == 0) &&
        nx_json_length(doc->json, list) > 0) {
        (void)nx_buf_span(m->out,
                          values_at(&values, make_random(m, nx_json_length(doc->json, list))));
        return true;
    }
    if (value != 0) {
        (void)nx_buf_span(m->out, nx_json_raw(doc->json, value));
    }
    return value != 0;
}

static bool is_among(const struct values *values, const struct compat_doc *doc, uint32_t node)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item = values->node;

    if (values->texts != NULL) {
        return false;
    }
    if (!values->list) {
        return compat_equal(values->doc->json, item, doc->json, node);
    }
    while (nx_json_each(values->doc->json, values->node, &at, &key, &item)) {
        if (compat_equal(values->doc->json, item, doc->json, node)) {
            return true;
        }
    }
    return false;
}

/* One of few values; an odd one is one that the other side does not list. */
static void make_listed(struct maker *m, const struct values *own, const struct facts *other,
                        bool odd)
{
    uint32_t start = make_random(m, own->count);
    struct values listed;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    uint32_t place = 0;

    if (odd && own->list && facts_values(other, &listed) && listed.count < 256) {
        while (nx_json_each(own->doc->json, own->node, &at, &key, &item)) {
            if (!is_among(&listed, own->doc, item)) {
                start = place;
                if (make_random(m, 2) == 0) {
                    break;
                }
            }
            place++;
        }
    }
    (void)nx_buf_span(m->out, values_at(own, start));
}

/* ---- type ---------------------------------------------------------------------------------- */

static uint8_t random_type(struct maker *m, uint8_t types)
{
    uint32_t left = 0;
    uint32_t pick;

    for (uint32_t i = 0; i < TYPE_BITS; i++) {
        left += types >> i & 1;
    }
    pick = make_random(m, left);
    for (uint32_t i = 0; i < TYPE_BITS; i++) {
        if ((types >> i & 1) != 0 && pick-- == 0) {
            return (uint8_t)(1u << i);
        }
    }
    return T_NULL;
}

static uint8_t choose_type(struct maker *m, const struct facts *from, const struct facts *to,
                           const struct place *place)
{
    const struct step *step = make_goal_step(m, place);
    uint8_t only_from = from->types & (uint8_t)~to->types;
    uint8_t both = from->types & to->types;

    if (step != NULL) {
        bool array = step->kind == STEP_INDEX || step->kind == STEP_ANY_INDEX;
        return array ? T_ARRAY : T_OBJECT;
    }
    if (place->odd && only_from != 0 && make_random(m, 2) == 0) {
        return random_type(m, only_from);
    }
    return random_type(m, both != 0 && !place->odd ? both : from->types);
}

/* ---- a value ------------------------------------------------------------------------------- */

static void make_typed(struct maker *m, const struct facts *from, const struct facts *to,
                       const struct place *place)
{
    switch (choose_type(m, from, to, place)) {
    case T_BOOLEAN:
        (void)nx_buf_str(m->out, make_random(m, 2) == 0 ? "false" : "true");
        break;
    case T_INTEGER:
        make_number(m, from, to, true, place->odd);
        break;
    case T_FRACTION:
        make_number(m, from, to, false, place->odd);
        break;
    case T_STRING:
        make_string(m, from, to, place->odd);
        break;
    case T_ARRAY:
        make_array(m, from, to, place);
        break;
    case T_OBJECT:
        make_object(m, from, to, place);
        break;
    default:
        (void)nx_buf_str(m->out, "null");
        break;
    }
}

void make_value(struct maker *m, const struct facts *from, const struct facts *to,
                const struct place *at)
{
    struct place place = *at;
    struct facts own = *from;
    struct facts other = *to;
    struct values values;
    bool on_goal = m->goal != NULL && place.goal == m->goal->path_len;
    bool to_goal = make_goal_step(m, &place) != NULL;

    place.odd = make_random(m, 256) < (on_goal ? ODD_GOAL : m->wild);
    choose_branches(m, &own);
    choose_branches(m, &other);
    if (++m->values > MAKE_VALUES_MAX || place.depth >= NX_COMPAT_DEPTH_MAX) {
        (void)nx_buf_str(m->out, "null");
        return;
    }
    if (!to_goal && place.odd && make_random(m, 8) == 0 && make_example(m, from)) {
        return;
    }
    if (!to_goal && place.odd && make_random(m, 8) == 0 && make_example(m, to)) {
        return;
    }
    if (!to_goal && facts_values(&own, &values) && values.count > 0) {
        make_listed(m, &values, &other, place.odd);
        return;
    }
    if (!to_goal && make_random(m, 3) == 0 && facts_values(&other, &values) && values.count > 0) {
        (void)nx_buf_span(m->out, values_at(&values, make_random(m, values.count)));
        return;
    }
    make_typed(m, &own, &other, &place);
}

enum nx_err compat_make(struct maker *m, struct subschema from, struct subschema to)
{
    struct facts own = facts_of(from);
    struct facts other = facts_of(to);
    struct place place = {.goal = 0};

    m->values = 0;
    m->density = make_random(m, 4) * 85;
    nx_buf_reset(m->out);
    make_value(m, &own, &other, &place);
    return nx_buf_error(m->out);
}
