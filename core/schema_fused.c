/*
 * schema_fused.c - reads and judges a payload in one pass, without a tape: for the many messages
 * that are valid, against the many schemas that are simple.
 *
 * Says yes or does not know; whoever hears the second asks the reader and the check, which also
 * find the words. So nothing here explains, and whatever is rare may be left to them: escapes in
 * wide objects, long payloads, schemas that schema_fuse.c did not prepare. What it may never do is
 * say yes where they would not; a fuzzer compares them (test/fuzz/fused_fuzz.c).
 *
 * A stack of frames has the open containers. A frame's lanes are the plans that judge it, nearly
 * always one; what they ask of the item that is read next is its demand. A container of which a
 * demand needs the tape is read onto the tape alone.
 *
 *   frame { "a": 1, "b": [ ... ] }    lanes: plans of the object, with the names they have seen
 *   frame [ 1, 2 ]                    lanes: plans of the array
 *   demand                            plans of the item
 *
 * The payload is copied into a buffer with zeros behind it, which costs less than to look for its
 * end at every byte (json_scan.h).
 */
#include "core/schema_fused.h"

#include "core/json_reader.h"
#include "core/schema_quick.h"
#include "core/schema_run.h"

#include <stdlib.h>

enum {
    DEPTH_MAX = 64,   /* of containers, as in nx_json_limits_payload */
    LANES_MAX = 512,  /* of all open containers */
    PENDING_MAX = 16, /* plans for one value */
    NAMES_MAX = 32,   /* unknown names of one object: with more of them it is the tape's */
};

/* Inlined into the one loop: a place in the text then stays in a register. */
#define HOT static inline __attribute__((always_inline))

struct lane {
    const struct plan *plan;
    uint64_t seen;                /* names of its table, by their ordinal */
    const struct property *guess; /* the name that may come next */
};

struct frame {
    char closer;    /* the byte that ends it */
    bool simple;    /* one lane, and an object's only by names that it lists */
    uint32_t count; /* items or members begun */
    uint32_t lanes_first;
    uint32_t lanes_count;
    uint32_t names_first;
    uint64_t classes; /* of its unknown names: a bit for each of 64 */
};

/* The plans that a value must satisfy. */
struct demand {
    struct plan *const *plans;
    uint32_t count;
};

struct nx_fused {
    struct nx_check *check;
    struct json_reader reader; /* for what is rare, and for containers on the tape */
    const char *end;
    uint32_t depth;
    uint32_t lanes_count;
    uint32_t names_count;
    uint32_t pending_count;
    struct plan *pending[PENDING_MAX]; /* the demand of an item with more than one lane */
    struct frame frames[DEPTH_MAX];
    struct lane lanes[LANES_MAX];
    struct nx_span names[DEPTH_MAX * NAMES_MAX];
    struct nx_json *json; /* the tape of containers that need one, and of checks that go wrong */
    char *text;           /* the payload's copy, with zeros behind it */
    size_t text_cap;
};

/* ---- scalars ------------------------------------------------------------------------------- */

/*
 * The complete rules for what begins in node 0. The check over one tape would have come here with
 * a depth of at most so many plans; it must not seem to have more room for plans within plans.
 */
static bool holds_on_tape(struct nx_fused *f, const struct plan *plan)
{
    f->check->depth = f->depth * NX_TOGETHER_MAX;
    return nx_check_plan(f->check, plan, 0, NX_NO_MARKS);
}

/* A string of the source becomes node 0. */
static void put_text(struct nx_fused *f, struct nx_span text, uint8_t flags)
{
    const char *base = (flags & NX_JSON_DECODED) != 0 ? f->reader.json->decoded : f->reader.start;

    f->reader.nodes[0] = (struct nx_json_node){.type = NX_JSON_STRING,
                                               .flags = flags,
                                               .text = (uint32_t)(text.ptr - base),
                                               .length = (uint32_t)text.len,
                                               .next = 1};
}

HOT bool string_holds(struct nx_fused *f, const struct plan *plan, struct nx_span text,
                      uint8_t flags)
{
    if (nx_quick_string(f->check, plan->direct, text, (flags & NX_JSON_LONE_SURROGATE) != 0)) {
        return true;
    }
    put_text(f, text, flags);
    return holds_on_tape(f, plan);
}

/* The rest of a string that has escapes: the first is at `p`, the string began at `opening`. */
static __attribute__((noinline)) const char *read_escaped(struct nx_fused *f, const char *p,
                                                          const char *opening, struct nx_span *text,
                                                          uint8_t *flags)
{
    struct nx_json_node *node = &f->reader.nodes[0];

    *node = (struct nx_json_node){.type = NX_JSON_STRING,
                                  .offset = (uint32_t)(opening - f->reader.start)};
    p = nx_json_read_escaped(&f->reader, p, node);
    *text = nx_json_node_text(f->reader.json, node);
    *flags = node->flags;
    return p;
}

/* The string whose opening quote is at `p`: its text, decoded. */
HOT const char *read_text(struct nx_fused *f, const char *p, struct nx_span *text, uint8_t *flags)
{
    const char *first = p + 1;

    p = nx_scan_plain(first, NULL);
    if (__builtin_expect((unsigned char)*p >= 0x80, 0)) {
        p = nx_scan_utf8(p, f->end);
    }
    if (__builtin_expect(*p == '"', 1)) {
        *text = (struct nx_span){first, (size_t)(p - first)};
        *flags = 0;
        return p + 1;
    }
    return *p == '\\' ? read_escaped(f, p, first - 1, text, flags) : NULL;
}

/* Is the string at `p`, a quote, the guessed one? It is short: the padding bears the look. */
HOT bool is_guessed(const struct property *guess, const char *p)
{
    struct nx_span text = {p + 1, guess->name.len};

    return text.ptr[text.len] == '"' && nx_name_is(guess, text, nx_name_key(text));
}

HOT const char *read_string(struct nx_fused *f, const char *p, struct demand demand)
{
    const struct property *only = demand.count == 1 ? demand.plans[0]->direct->only : NULL;
    struct nx_span text;
    uint8_t flags;

    if (only != NULL && is_guessed(only, p)) {
        return p + only->name.len + 2;
    }
    p = read_text(f, p, &text, &flags);
    for (uint32_t i = 0; p != NULL && i < demand.count; i++) {
        if (!string_holds(f, demand.plans[i], text, flags)) {
            return NULL;
        }
    }
    return p;
}

/* The demand by the complete rules; what it is made of was just read onto the tape. */
static bool demand_holds_on_tape(struct nx_fused *f, struct demand demand)
{
    for (uint32_t i = 0; i < demand.count; i++) {
        if (!holds_on_tape(f, demand.plans[i])) {
            return false;
        }
    }
    return true;
}

/* A number that is long or has an exponent, or that its plans cannot quickly tell. */
static __attribute__((noinline)) const char *read_number_slowly(struct nx_fused *f, const char *p,
                                                                struct demand demand)
{
    f->reader.count = 0;
    p = nx_json_read_number(&f->reader, p);
    return p != NULL && demand_holds_on_tape(f, demand) ? p : NULL;
}

HOT const char *read_number(struct nx_fused *f, const char *first, struct demand demand)
{
    struct nx_decimal decimal = {0, 0};
    const char *p = nx_scan_decimal(first, NULL, &decimal);

    if (p == NULL) {
        return read_number_slowly(f, first, demand);
    }
    for (uint32_t i = 0; i < demand.count; i++) {
        if (!nx_quick_number(demand.plans[i]->direct, decimal)) {
            return read_number_slowly(f, first, demand);
        }
    }
    return p;
}

static const char *read_word(struct nx_fused *f, const char *p, struct demand demand,
                             enum nx_json_type type, struct nx_span word)
{
    bool quick = true;

    f->reader.count = 0;
    p = nx_json_read_word(&f->reader, p, type, word);
    for (uint32_t i = 0; i < demand.count && quick; i++) {
        quick = nx_quick_word(demand.plans[i]->direct, type);
    }
    return p != NULL && (quick || demand_holds_on_tape(f, demand)) ? p : NULL;
}

/* ---- containers ---------------------------------------------------------------------------- */

/* A container that one of its plans can only judge as a whole. */
static __attribute__((noinline)) const char *read_onto_tape(struct nx_fused *f, const char *p,
                                                            struct demand demand)
{
    f->reader.count = 0;
    f->reader.depth = f->depth;
    p = nx_json_read_value(&f->reader, p);
    return p != NULL && demand_holds_on_tape(f, demand) ? p : NULL;
}

/* The lanes of a container that begins; false when its type or value is not what a plan asks. */
HOT bool add_lanes(struct nx_fused *f, const struct conjunction *together, bool object)
{
    enum nx_json_type type = object ? NX_JSON_OBJECT : NX_JSON_ARRAY;

    f->check->steps += together->steps;
    for (uint32_t i = 0; i < together->count; i++) {
        const struct plan *plan = together->plans[i];
        if ((plan->types >> type & 1) == 0 || plan->never || plan->value != NULL) {
            return false;
        }
        if (object ? plan->object == NULL : plan->array == NULL) {
            continue;
        }
        if (f->lanes_count == LANES_MAX) {
            return false;
        }
        f->lanes[f->lanes_count++] = (struct lane){plan, 0, object ? plan->object->first : NULL};
    }
    return true;
}

HOT bool is_simple(const struct plan *plan, bool object)
{
    return !object || (plan->object->patterns_count == 0 && plan->object->names == NULL);
}

HOT const char *open_container(struct nx_fused *f, const char *p, struct demand demand, bool object)
{
    struct frame *frame = &f->frames[f->depth];

    for (uint32_t i = 0; i < demand.count; i++) {
        if (demand.plans[i]->together == NULL) {
            return read_onto_tape(f, p, demand);
        }
    }
    if (f->depth == DEPTH_MAX) {
        return NULL;
    }
    *frame = (struct frame){
        .closer = object ? '}' : ']', .lanes_first = f->lanes_count, .names_first = f->names_count};
    for (uint32_t i = 0; i < demand.count; i++) {
        if (!add_lanes(f, demand.plans[i]->together, object)) {
            return NULL;
        }
    }
    frame->lanes_count = f->lanes_count - frame->lanes_first;
    frame->simple = frame->lanes_count == 1 && is_simple(f->lanes[frame->lanes_first].plan, object);
    f->depth++;
    return p + 1;
}

HOT bool has_seen(const struct lane *lane, uint32_t bit)
{
    return (lane->seen >> bit & 1) != 0;
}

/* anyOf, oneOf or not, all of whose branches are required names. */
static bool choice_holds(const struct name_choice *choice, uint64_t seen)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < choice->count; i++) {
        count += (seen & choice->required[i]) == choice->required[i];
    }
    return choice->kind == APPLY_ANY   ? count > 0
           : choice->kind == APPLY_ONE ? count == 1
                                       : count == 0;
}

HOT bool object_holds(const struct lane *lane, uint32_t count)
{
    const struct object_rules *rules = lane->plan->object;
    uint64_t required = rules->required_count == 0 ? 0 : UINT64_MAX >> (64 - rules->required_count);

    if (count < rules->count_min || count > rules->count_max ||
        (lane->seen & required) != required) {
        return false;
    }
    for (uint32_t i = 0; i < rules->dependents_count; i++) {
        if (has_seen(lane, rules->dependents[i].if_seen) &&
            !has_seen(lane, rules->dependents[i].then_seen)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < rules->choices_count; i++) {
        if (!choice_holds(&rules->choices[i], lane->seen)) {
            return false;
        }
    }
    return true;
}

HOT bool array_holds(const struct lane *lane, uint32_t count)
{
    const struct array_rules *rules = lane->plan->array;

    return count >= rules->count_min && count <= rules->count_max;
}

/* What can be said of the innermost container now that all of it was read. */
HOT bool close_container(struct nx_fused *f, const struct frame *frame)
{
    const struct lane *lanes = &f->lanes[frame->lanes_first];

    for (uint32_t i = 0; i < frame->lanes_count; i++) {
        if (frame->closer == '}' ? !object_holds(&lanes[i], frame->count)
                                 : !array_holds(&lanes[i], frame->count)) {
            return false;
        }
    }
    f->lanes_count = frame->lanes_first;
    f->names_count = frame->names_first;
    f->depth--;
    return f->check->steps <= f->check->steps_max;
}

/* ---- members and items --------------------------------------------------------------------- */

static bool pend(struct nx_fused *f, struct plan *plan)
{
    if (f->pending_count == PENDING_MAX) {
        return false;
    }
    f->pending[f->pending_count++] = plan;
    return true;
}

/* patternProperties: the plans whose expression the name matches become pending. */
static bool pend_patterns(struct nx_fused *f, const struct object_rules *rules, struct nx_span name,
                          uint8_t flags, bool *evaluated)
{
    for (uint32_t i = 0; i < rules->patterns_count; i++) {
        bool matched = false;
        if (nx_pattern_match(rules->patterns[i].pattern, f->check->matcher, name,
                             (flags & NX_JSON_LONE_SURROGATE) != 0, &matched) != NX_OK) {
            return false;
        }
        if (matched && !pend(f, rules->patterns[i].plan)) {
            return false;
        }
        *evaluated = *evaluated || matched;
    }
    return true;
}

/* The lane's property of this name; false when the name is repeated. *known: the lane tells. */
HOT bool find_property(struct lane *lane, struct nx_span name, const struct property **out,
                       bool *known)
{
    const struct property *property = nx_property_find(&lane->plan->object->table, name);
    uint64_t bit;

    *out = property;
    if (property == NULL || property->ordinal >= NX_FUSED_NAMES_MAX) {
        return true;
    }
    bit = (uint64_t)1 << property->ordinal;
    if ((lane->seen & bit) != 0) {
        return false;
    }
    lane->seen |= bit;
    *known = true;
    return true;
}

/* What one of several lanes, or an unusual one, says of a member becomes pending. */
static bool pend_member(struct nx_fused *f, struct lane *lane, struct nx_span name, uint8_t flags,
                        bool *known)
{
    const struct object_rules *rules = lane->plan->object;
    const struct property *property;
    bool evaluated = false;

    if (!find_property(lane, name, &property, known)) {
        return false;
    }
    if (property != NULL && property->plan != NULL) {
        evaluated = true;
        if (!pend(f, property->plan)) {
            return false;
        }
    }
    if (!pend_patterns(f, rules, name, flags, &evaluated)) {
        return false;
    }
    if (!evaluated && rules->additional != NULL && !pend(f, rules->additional)) {
        return false;
    }
    return rules->names == NULL || string_holds(f, rules->names, name, flags);
}

static __attribute__((noinline)) bool pend_members(struct nx_fused *f, const struct frame *frame,
                                                   struct nx_span name, uint8_t flags, bool *known)
{
    f->pending_count = 0;
    for (uint32_t i = 0; i < frame->lanes_count; i++) {
        if (!pend_member(f, &f->lanes[frame->lanes_first + i], name, flags, known)) {
            return false;
        }
    }
    return true;
}

HOT struct demand demand_of(struct plan *const *plan)
{
    return (struct demand){plan, *plan != NULL};
}

/* What the innermost object asks of the member `name`. */
HOT bool name_member(struct nx_fused *f, const struct frame *frame, struct nx_span name,
                     uint8_t flags, struct demand *demand, bool *known)
{
    struct lane *lane = &f->lanes[frame->lanes_first];
    const struct property *property;

    if (frame->simple) {
        if (!find_property(lane, name, &property, known)) {
            return false;
        }
        if (property != NULL) {
            lane->guess = property->next;
        }
        *demand =
            demand_of(property != NULL && property->plan != NULL ? &property->plan
                                                                 : &lane->plan->object->additional);
        return true;
    }
    if (!pend_members(f, frame, name, flags, known)) {
        return false;
    }
    *demand = (struct demand){f->pending, f->pending_count};
    return true;
}

/* Remembers a name that no lane does; false when it is repeated, or one too many. */
static bool remember(struct nx_fused *f, struct frame *frame, struct nx_span name)
{
    struct nx_name_key key = nx_name_key(name);
    uint64_t mixed =
        (key.first ^ (key.last << 1 | key.last >> 63) ^ name.len) * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t class = (uint64_t)1 << (mixed >> 58);

    if (f->names_count - frame->names_first == NAMES_MAX) {
        return false;
    }
    if ((frame->classes & class) != 0) {
        for (uint32_t i = frame->names_first; i < f->names_count; i++) {
            if (nx_span_eq(f->names[i], name)) {
                return false;
            }
        }
    }
    frame->classes |= class;
    f->names[f->names_count++] = name;
    return true;
}

HOT const char *skip_space(const char *p)
{
    return __builtin_expect((unsigned char)*p > ' ', 1) ? p : nx_scan_space(p, NULL);
}

/* The next name, when it is the one that was guessed. */
HOT const char *read_guessed_name(struct lane *lane, const char *p, struct demand *demand)
{
    const struct property *guess = lane->guess;
    uint64_t bit;

    if (guess == NULL || !is_guessed(guess, p)) {
        return NULL;
    }
    bit = (uint64_t)1 << guess->ordinal;
    if ((lane->seen & bit) != 0) {
        return NULL;
    }
    lane->seen |= bit;
    lane->guess = guess->next;
    *demand = (struct demand){&guess->plan, 1};
    return p + guess->name.len + 2;
}

HOT const char *read_any_name(struct nx_fused *f, struct frame *frame, const char *p,
                              struct demand *demand)
{
    struct nx_span name;
    uint8_t flags;
    bool known = false;

    p = read_text(f, p, &name, &flags);
    if (p == NULL || !name_member(f, frame, name, flags, demand, &known) ||
        (!known && !remember(f, frame, name))) {
        return NULL;
    }
    return p;
}

/* A member's name and colon. */
HOT const char *read_name(struct nx_fused *f, struct frame *frame, const char *p,
                          struct demand *demand)
{
    const char *behind = NULL;

    if (*p != '"') {
        return NULL;
    }
    if (frame->simple) {
        behind = read_guessed_name(&f->lanes[frame->lanes_first], p, demand);
    }
    if (behind == NULL) {
        behind = read_any_name(f, frame, p, demand);
        if (behind == NULL) {
            return NULL;
        }
    }
    f->check->steps += frame->lanes_count;
    p = skip_space(behind);
    return *p == ':' ? skip_space(p + 1) : NULL;
}

HOT struct plan *const *plan_of_item(const struct array_rules *rules, uint32_t index)
{
    return index < rules->prefix_count ? &rules->prefix[index] : &rules->items;
}

/* What the innermost array asks of its next item. */
HOT bool place_item(struct nx_fused *f, const struct frame *frame, struct demand *demand)
{
    const struct lane *lane = &f->lanes[frame->lanes_first];

    if (frame->simple) {
        *demand = demand_of(plan_of_item(lane->plan->array, frame->count));
        return true;
    }
    f->pending_count = 0;
    for (uint32_t i = 0; i < frame->lanes_count; i++) {
        struct plan *plan = *plan_of_item(lane[i].plan->array, frame->count);
        if (plan != NULL && !pend(f, plan)) {
            return false;
        }
    }
    *demand = (struct demand){f->pending, f->pending_count};
    return true;
}

/* ---- the loop ------------------------------------------------------------------------------ */

HOT const char *read_value(struct nx_fused *f, const char *p, struct demand demand)
{
    switch (*p) {
    case '"':
        return read_string(f, p, demand);
    case '{':
        return open_container(f, p, demand, true);
    case '[':
        return open_container(f, p, demand, false);
    case 't':
        return read_word(f, p, demand, NX_JSON_TRUE, NX_SPAN("true"));
    case 'f':
        return read_word(f, p, demand, NX_JSON_FALSE, NX_SPAN("false"));
    case 'n':
        return read_word(f, p, demand, NX_JSON_NULL, NX_SPAN("null"));
    default:
        return (*p >= '0' && *p <= '9') || *p == '-' ? read_number(f, p, demand) : NULL;
    }
}

/* What is due in the innermost container: its end, or an item. */
HOT const char *read_rest(struct nx_fused *f, const char *p)
{
    struct frame *frame = &f->frames[f->depth - 1];
    struct demand demand;

    p = skip_space(p);
    if (*p == frame->closer) {
        return close_container(f, frame) ? p + 1 : NULL;
    }
    if (frame->count > 0) {
        if (*p != ',') {
            return NULL;
        }
        p = skip_space(p + 1);
    }
    if (frame->closer == '}') {
        p = read_name(f, frame, p, &demand);
        if (p == NULL) {
            return NULL;
        }
    } else if (!place_item(f, frame, &demand)) {
        return NULL;
    }
    frame->count++;
    return read_value(f, p, demand);
}

static bool read_document(struct nx_fused *f, const char *p, struct demand demand)
{
    p = read_value(f, skip_space(p), demand);
    while (p != NULL && f->depth > 0) {
        p = read_rest(f, p);
    }
    return p != NULL && skip_space(p) == f->end;
}

/* ---- the outside --------------------------------------------------------------------------- */

static struct nx_fused *fused_new(struct nx_check *check, uint64_t seed)
{
    struct nx_fused *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        f->check = check;
        f->json = nx_json_new(&nx_json_limits_payload, seed);
        if (f->json == NULL) {
            free(f);
            return NULL;
        }
    }
    return f;
}

void nx_fused_free(struct nx_fused *f)
{
    if (f != NULL) {
        nx_json_free(f->json);
        free(f->text);
        free(f);
    }
}

/* The scratch memory, made by the first call. */
static struct nx_fused *scratch(struct nx_check *check, const struct nx_schema *schema)
{
    if (check->fused == NULL) {
        check->fused = fused_new(check, schema->seed);
    }
    return check->fused;
}

/* The payload's copy; ptr NULL when memory is out. */
static struct nx_span copy(struct nx_fused *f, struct nx_span payload)
{
    size_t need = payload.len + NX_SCAN_PADDING;

    if (need > f->text_cap) {
        char *text = realloc(f->text, need);
        if (text == NULL) {
            return (struct nx_span){NULL, 0};
        }
        f->text = text;
        f->text_cap = need;
    }
    memcpy(f->text, payload.ptr, payload.len);
    memset(f->text + payload.len, 0, NX_SCAN_PADDING);
    return (struct nx_span){f->text, payload.len};
}

/* So short that no tape could be too small for it: then nodes need not be counted. */
static bool is_short(struct nx_span payload)
{
    return payload.len / 2 + nx_json_limits_payload.depth_max + 2 <=
           nx_json_limits_payload.nodes_max;
}

bool nx_schema_admits(const struct nx_schema *schema, struct nx_check *check,
                      struct nx_span payload)
{
    struct nx_fused *f = scratch(check, schema);

    if (f == NULL || schema->root->together == NULL || payload.len == 0 || !is_short(payload)) {
        return false;
    }
    payload = copy(f, payload);
    if (payload.ptr == NULL || nx_json_start(&f->reader, f->json, payload, NULL) != NX_OK) {
        return false;
    }
    check->explainer = NULL;
    nx_check_begin(check, schema, f->json);
    f->end = payload.ptr + payload.len;
    f->depth = 0;
    f->lanes_count = 0;
    f->names_count = 0;
    return read_document(f, payload.ptr, (struct demand){&schema->root, 1}) &&
           check->error == NX_OK;
}

enum nx_err nx_schema_check_bytes(const struct nx_schema *schema, struct nx_check *check,
                                  struct nx_span payload)
{
    struct nx_fused *f = scratch(check, schema);
    enum nx_err err;

    if (f == NULL) {
        return NX_ERR_NOMEM;
    }
    if (nx_schema_admits(schema, check, payload)) {
        return NX_OK;
    }
    err = nx_json_parse(f->json, payload, NX_JSON_STRICT, NULL);
    return err == NX_OK ? nx_schema_check(schema, check, f->json) : err;
}
