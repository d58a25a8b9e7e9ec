/*
 * compat_make_tree.c - arrays and objects: what must be there, what may be, and what one of the
 * schemas does not expect.
 */
#include "core/compat_make.h"

enum { UNIQUE_TRIES = 6, DENSITY_ALL = 256 };

/* ---- arrays -------------------------------------------------------------------------------- */

/* A length that `from` allows; an odd one lies at or beyond a bound of `to`. */
static uint64_t choose_length(struct maker *m, const struct facts *from, const struct facts *to,
                              const struct place *place)
{
    const struct step *step = make_goal_step(m, place);
    uint64_t least = facts_min(from, "minItems");
    uint64_t most = facts_max_items(from);
    uint64_t to_least = facts_min(to, "minItems");
    uint64_t to_most = facts_max_items(to);
    const uint64_t odd[] = {least,       least + 1, most, to_least > 0 ? to_least - 1 : 0,
                            to_most + 1, least + 2, 3};
    uint64_t length = least;

    if (place->odd) {
        length = odd[make_random(m, sizeof(odd) / sizeof(odd[0]))];
        length = length > MAKE_ITEMS_MAX ? least + 1 : length;
    } else if (make_random(m, 2) == 0) {
        length = to_least > least ? to_least : least + make_random(m, 3);
    }
    if (step != NULL) {
        length = step->index + 1 > length ? step->index + 1 : length;
    }
    length = length > most ? most : length;
    length = length < least ? least : length;
    return length > MAKE_ITEMS_MAX ? MAKE_ITEMS_MAX : length;
}

/* The first items are what `contains` asks for. */
static void add_contains(const struct facts *array, uint32_t index, struct facts *item)
{
    for (uint32_t i = 0; i < array->count; i++) {
        uint32_t contains = compat_kw(array->doc, array->nodes[i], "contains");
        uint32_t min = compat_kw(array->doc, array->nodes[i], "minContains");
        uint64_t count = min != 0 ? compat_count(array->doc, min) : 1;
        if (contains != 0 && index < count) {
            facts_add(item, contains);
        }
    }
}

/* Is the item that begins at `start` equal, byte by byte, to one before it? */
static bool is_repeated(const struct nx_buf *out, const size_t *starts, uint32_t index)
{
    size_t start = starts[index];
    size_t length = out->len - start;

    for (uint32_t i = 0; i < index; i++) {
        size_t other = starts[i + 1] - 1 - starts[i]; /* without its comma */
        if (other == length && memcmp(out->data + starts[i], out->data + start, length) == 0) {
            return true;
        }
    }
    return false;
}

static void make_item(struct maker *m, const struct facts *from, const struct facts *to,
                      const struct place *place, uint32_t index)
{
    const struct step *step = make_goal_step(m, place);
    struct place inner = {.depth = place->depth + 1, .goal = UINT32_MAX};
    struct facts own;
    struct facts other;

    facts_item(from, index, &own);
    facts_item(to, index, &other);
    if (!place->odd || make_random(m, 2) == 0) {
        add_contains(from, index, &own);
    }
    if (step != NULL && step->index == index) {
        inner.goal = place->goal + 1;
    }
    make_value(m, &own, &other, &inner);
}

void make_array(struct maker *m, const struct facts *from, const struct facts *to,
                const struct place *place)
{
    size_t starts[MAKE_ITEMS_MAX + 1];
    uint64_t length = choose_length(m, from, to, place);
    bool unique = facts_true(from, "uniqueItems");
    bool repeat = place->odd && !unique && make_random(m, 2) == 0;

    (void)nx_buf_byte(m->out, '[');
    for (uint32_t i = 0; i < length && nx_buf_error(m->out) == NX_OK; i++) {
        starts[i] = m->out->len;
        if (repeat && i > 0) {
            struct nx_span last = {m->out->data + starts[i - 1], starts[i] - 1 - starts[i - 1]};
            struct nx_buf copy;
            nx_buf_init(&copy, NX_COMPAT_WITNESS_MAX);
            (void)nx_buf_span(&copy, last);
            (void)nx_buf_span(m->out, nx_buf_view(&copy));
            nx_buf_fini(&copy);
        } else {
            make_item(m, from, to, place, i);
        }
        for (uint32_t tries = 0; unique && tries < UNIQUE_TRIES && m->values < MAKE_VALUES_MAX &&
                                 is_repeated(m->out, starts, i);
             tries++) {
            m->out->len = starts[i];
            make_item(m, from, to, place, i);
        }
        (void)nx_buf_str(m->out, i + 1 < length ? "," : "");
    }
    (void)nx_buf_byte(m->out, ']');
}

/* ---- objects ------------------------------------------------------------------------------- */

struct names {
    struct nx_span names[MAKE_NAMES_MAX];
    uint32_t count;
    uint32_t goal; /* the one that leads to the goal, or UINT32_MAX */
};

static uint32_t add_name(struct names *names, struct nx_span name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (nx_span_eq(names->names[i], name)) {
            return i;
        }
    }
    if (name.ptr == NULL || names->count == MAKE_NAMES_MAX) {
        return UINT32_MAX;
    }
    names->names[names->count] = name;
    return names->count++;
}

static void add_list(const struct facts *facts, uint32_t list, struct names *names)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    while (list != 0 && nx_json_each(facts->doc->json, list, &at, &key, &item)) {
        (void)add_name(names, nx_json_text(facts->doc->json, item));
    }
}

static void add_required(const struct facts *facts, struct names *names)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        add_list(facts, compat_kw(facts->doc, facts->nodes[i], "required"), names);
    }
}

static void add_dependent(const struct facts *facts, struct names *names)
{
    for (uint32_t k = 0; k < names->count; k++) { /* grows as it goes */
        for (uint32_t i = 0; i < facts->count; i++) {
            uint32_t map = compat_kw(facts->doc, facts->nodes[i], "dependentRequired");
            add_list(facts, map != 0 ? nx_json_member(facts->doc->json, map, names->names[k]) : 0,
                     names);
        }
    }
}

static void add_optional(struct maker *m, const struct facts *facts, uint32_t density,
                         struct names *names)
{
    struct nx_span name;
    uint32_t node = 0;
    uint32_t at = 0;

    while (facts_each_name(facts, &node, &at, &name)) {
        if (make_random(m, DENSITY_ALL) < density) {
            (void)add_name(names, name);
        }
    }
}

/* Names for the patternProperties of a schema. */
static void add_patterned(struct maker *m, const struct facts *facts, struct names *names)
{
    uint32_t key;
    uint32_t value;

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t patterns = compat_kw(facts->doc, facts->nodes[i], "patternProperties");
        uint32_t at = 0;
        while (patterns != 0 && nx_json_each(facts->doc->json, patterns, &at, &key, &value)) {
            if (make_random(m, 2) == 0) {
                (void)add_name(names, make_name(m, nx_json_text(facts->doc->json, key)));
            }
        }
    }
}

/* A name as propertyNames wants it, or one that nobody knows. */
static struct nx_span other_name(struct maker *m, const struct facts *from, const struct facts *to)
{
    static const char *const fresh[] = {"x", "extra", "y1", "", "zz", "X", "p0", "p1", "p2", "p3"};
    struct facts own;
    struct facts other;

    facts_init(&own, from->doc);
    facts_init(&other, to->doc);
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t names = compat_kw(from->doc, from->nodes[i], "propertyNames");
        if (names != 0) {
            facts_add(&own, names);
        }
    }
    for (uint32_t i = 0; i < to->count; i++) {
        uint32_t names = compat_kw(to->doc, to->nodes[i], "propertyNames");
        if (names != 0) {
            facts_add(&other, names);
        }
    }
    if (own.count + other.count > 0) {
        return make_text(m, &own, &other, make_random(m, 2) == 0);
    }
    return nx_span_from(fresh[make_random(m, sizeof(fresh) / sizeof(fresh[0]))]);
}

static void add_goal(struct maker *m, const struct facts *from, const struct facts *to,
                     const struct step *step, struct names *names)
{
    struct nx_span name = step->name;

    if (step->kind == STEP_ANY_NAME) {
        name = other_name(m, from, to);
    } else if (step->kind == STEP_PATTERN) {
        name = make_name(m, step->name);
    }
    names->goal = add_name(names, name);
}

/* Fills up to a number of members that both bounds suggest. */
static void add_more(struct maker *m, const struct facts *from, const struct facts *to, bool odd,
                     struct names *names)
{
    uint64_t wanted = facts_min(from, "minProperties");
    uint64_t to_most = facts_max(to, "maxProperties");

    if (odd && to_most < MAKE_NAMES_MAX && make_random(m, 2) == 0) {
        wanted = to_most + 1 > wanted ? to_most + 1 : wanted;
    }
    for (uint32_t tries = 0; names->count < wanted && tries < MAKE_NAMES_MAX; tries++) {
        add_optional(m, from, DENSITY_ALL / 4, names);
        if (names->count < wanted) {
            (void)add_name(names, other_name(m, from, to));
        }
    }
}

/* Names that others depend on; what dependentSchemas then asks for is among the facts. */
static void add_triggers(struct maker *m, struct facts *facts, struct names *names)
{
    static const char *const keywords[] = {"dependentSchemas", "dependentRequired"};
    uint32_t key;
    uint32_t value;

    for (uint32_t i = 0; i < facts->count; i++) { /* grows as it goes */
        for (size_t k = 0; k < 2; k++) {
            uint32_t map = compat_kw(facts->doc, facts->nodes[i], keywords[k]);
            uint32_t at = 0;
            while (map != 0 && nx_json_each(facts->doc->json, map, &at, &key, &value)) {
                if (make_random(m, 2) == 0) {
                    continue;
                }
                (void)add_name(names, nx_json_text(facts->doc->json, key));
                if (k == 0) {
                    facts_add(facts, value);
                }
            }
        }
    }
}

static void choose_names(struct maker *m, struct facts *from, struct facts *to,
                         const struct place *place, struct names *names)
{
    const struct step *step = make_goal_step(m, place);
    bool alone = place->odd && make_random(m, 2) == 0;

    if (place->odd) {
        add_triggers(m, from, names);
        add_triggers(m, to, names);
    }
    add_required(from, names);
    if (!alone) {
        add_required(to, names);
    }
    if (step != NULL) {
        add_goal(m, from, to, step, names);
    }
    add_optional(m, from, place->odd ? make_random(m, DENSITY_ALL + 1) : m->density, names);
    if (place->odd) {
        add_optional(m, to, make_random(m, DENSITY_ALL + 1), names);
        add_patterned(m, from, names);
        add_patterned(m, to, names);
        if (make_random(m, 2) == 0) {
            (void)add_name(names, other_name(m, from, to));
        }
    }
    add_more(m, from, to, place->odd, names);
    add_dependent(from, names);
}

static void make_member(struct maker *m, const struct facts *from, const struct facts *to,
                        const struct place *place, struct nx_span name, bool goal, bool *any)
{
    struct place inner = {.depth = place->depth + 1, .goal = goal ? place->goal + 1 : UINT32_MAX};
    struct facts own;
    struct facts other;

    facts_member(m->compat, from, name, &own);
    facts_member(m->compat, to, name, &other);
    if (own.types == 0 && !facts_required(from, name)) {
        return;
    }
    if (*any) {
        (void)nx_buf_byte(m->out, ',');
    }
    *any = true;
    (void)nx_json_quote(m->out, name);
    (void)nx_buf_byte(m->out, ':');
    make_value(m, &own, &other, &inner);
}

void make_object(struct maker *m, const struct facts *from, const struct facts *to,
                 const struct place *place)
{
    struct names names = {.count = 0, .goal = UINT32_MAX};
    struct facts own = *from;
    struct facts other = *to;
    bool any = false;

    choose_names(m, &own, &other, place, &names);
    (void)nx_buf_byte(m->out, '{');
    for (uint32_t i = 0; i < names.count && nx_buf_error(m->out) == NX_OK; i++) {
        make_member(m, &own, &other, place, names.names[i], i == names.goal, &any);
    }
    (void)nx_buf_byte(m->out, '}');
}
