/*
 * schema_fused_lanes.c - judges in one pass a value that several plans judge, or one plan in a way
 * that is not of listed names and items alone: patternProperties, propertyNames, allOf, containers
 * of which nothing but the type is asked.
 *
 * An open container has a lane for each plan that has to say something of it. What the lanes ask
 * of the item that is read next is its demand. A container of which a demand needs the tape is
 * read onto the tape alone.
 */
#include "core/schema_fused.h"
#include "core/schema_quick.h"

/* ---- the whole ----------------------------------------------------------------------------- */

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

static bool has_seen(uint64_t seen, uint32_t bit)
{
    return (seen >> bit & 1) != 0;
}

bool nx_fused_names_hold(const struct object_rules *rules, uint64_t seen)
{
    for (uint32_t i = 0; i < rules->dependents_count; i++) {
        if (has_seen(seen, rules->dependents[i].if_seen) &&
            !has_seen(seen, rules->dependents[i].then_seen)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < rules->choices_count; i++) {
        if (!choice_holds(&rules->choices[i], seen)) {
            return false;
        }
    }
    return true;
}

/* ---- lanes --------------------------------------------------------------------------------- */

/* An open container. */
struct frame {
    bool object;
    uint32_t count; /* items or members begun */
    uint32_t lanes_first;
    uint32_t lanes_count;
};

/* The lanes of a container that begins; false when its type or value is not what a plan asks. */
static bool add_lanes(struct nx_fused *f, const struct conjunction *together, bool object)
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
        if (f->lanes_count == NX_FUSED_LANES_MAX) {
            return false;
        }
        f->lanes[f->lanes_count++] = (struct lane){plan, 0};
    }
    return true;
}

static bool open_frame(struct nx_fused *f, struct demand demand, bool object, struct frame *frame)
{
    *frame = (struct frame){.object = object, .lanes_first = f->lanes_count};
    for (uint32_t i = 0; i < demand.count; i++) {
        if (!add_lanes(f, demand.plans[i]->together, object)) {
            return false;
        }
    }
    frame->lanes_count = f->lanes_count - frame->lanes_first;
    return nx_fused_enter(f);
}

static bool array_holds(const struct array_rules *rules, uint32_t count)
{
    return count >= rules->count_min && count <= rules->count_max;
}

/* What can be said of the container now that all of it was read. */
static bool close_frame(struct nx_fused *f, const struct frame *frame)
{
    const struct lane *lanes = &f->lanes[frame->lanes_first];

    for (uint32_t i = 0; i < frame->lanes_count; i++) {
        const struct plan *plan = lanes[i].plan;
        if (frame->object ? !nx_fused_object_holds(plan->object, lanes[i].seen, frame->count)
                          : !array_holds(plan->array, frame->count)) {
            return false;
        }
    }
    f->lanes_count = frame->lanes_first;
    return nx_fused_leave(f, 0);
}

/* ---- demands ------------------------------------------------------------------------------- */

static bool pend(struct nx_fused *f, struct demand *demand, const struct plan *plan)
{
    if (demand->count == NX_FUSED_PENDING_MAX) {
        return false;
    }
    f->pending[demand->count++] = plan;
    return true;
}

/* patternProperties: the plans whose expression the name matches become pending. */
static bool pend_patterns(struct nx_fused *f, const struct object_rules *rules,
                          const struct text *name, struct demand *demand, bool *evaluated)
{
    for (uint32_t i = 0; i < rules->patterns_count; i++) {
        bool matched = false;
        if (nx_pattern_match(rules->patterns[i].pattern, f->check->matcher, name->text,
                             (name->flags & NX_JSON_LONE_SURROGATE) != 0, &matched) != NX_OK) {
            return false;
        }
        if (matched && !pend(f, demand, rules->patterns[i].plan)) {
            return false;
        }
        *evaluated = *evaluated || matched;
    }
    return true;
}

/* Marks the property as seen; false when it was before. *known: the lane will tell the next time. */
static bool see(struct lane *lane, const struct property *property, bool *known)
{
    uint64_t bit;

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

/* What one of the lanes says of a member becomes pending. */
static bool pend_member(struct nx_fused *f, struct lane *lane, const struct text *name,
                        struct demand *demand, bool *known)
{
    const struct object_rules *rules = lane->plan->object;
    const struct property *property = nx_property_find_padded(&rules->table, name->text);
    bool evaluated = property != NULL && property->plan != NULL;

    if (!see(lane, property, known) || (evaluated && !pend(f, demand, property->plan)) ||
        !pend_patterns(f, rules, name, demand, &evaluated)) {
        return false;
    }
    if (!evaluated && rules->additional != NULL && !pend(f, demand, rules->additional)) {
        return false;
    }
    return rules->names == NULL || nx_fused_text_holds(f, rules->names, name);
}

static const char *skip_space(const char *p)
{
    return nx_scan_space(p, NULL);
}

/* A member's name and colon. */
static const char *read_name(struct nx_fused *f, const char *p, struct frame *frame,
                             struct demand *demand)
{
    struct text name = {.behind = NULL};
    bool known = false;

    if (*p == '"') {
        name = nx_fused_text(f, p);
    }
    if (name.behind == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < frame->lanes_count; i++) {
        if (!pend_member(f, &f->lanes[frame->lanes_first + i], &name, demand, &known)) {
            return NULL;
        }
    }
    if (!known && !nx_fused_remember(f, name.text)) {
        return NULL;
    }
    f->check->steps += frame->lanes_count;
    p = skip_space(name.behind);
    return *p == ':' ? skip_space(p + 1) : NULL;
}

/* What the lanes of an array ask of its next item. */
static bool pend_item(struct nx_fused *f, const struct frame *frame, struct demand *demand)
{
    for (uint32_t i = 0; i < frame->lanes_count; i++) {
        const struct array_rules *rules = f->lanes[frame->lanes_first + i].plan->array;
        const struct plan *plan =
            frame->count < rules->prefix_count ? rules->prefix[frame->count] : rules->items;
        if (plan != NULL && !pend(f, demand, plan)) {
            return false;
        }
    }
    return true;
}

/* ---- containers ---------------------------------------------------------------------------- */

static const char *read_item(struct nx_fused *f, const char *p, struct frame *frame)
{
    struct demand demand = {f->pending, 0};

    if (frame->object) {
        p = read_name(f, p, frame, &demand);
    } else if (!pend_item(f, frame, &demand)) {
        p = NULL;
    }
    frame->count++;
    return p != NULL ? nx_fused_values(f, p, demand) : NULL;
}

/* All behind the opening bracket or brace. */
static const char *read_items(struct nx_fused *f, const char *p, struct frame *frame)
{
    char closer = frame->object ? '}' : ']';

    p = skip_space(p);
    if (*p != closer) {
        p = read_item(f, p, frame);
        while (p != NULL && *(p = skip_space(p)) == ',') {
            p = read_item(f, skip_space(p + 1), frame);
        }
    }
    return p != NULL && *p == closer && close_frame(f, frame) ? p + 1 : NULL;
}

static const char *read_container(struct nx_fused *f, const char *p, struct demand demand)
{
    struct frame frame;

    for (uint32_t i = 0; i < demand.count; i++) {
        if (demand.plans[i]->together == NULL) {
            return nx_fused_onto_tape(f, p, demand);
        }
    }
    return open_frame(f, demand, *p == '{', &frame) ? read_items(f, p + 1, &frame) : NULL;
}

/* Has the one plan loops of its own for such a container? */
static bool is_simple(const struct plan *plan, char opening)
{
    return (opening == '{' && plan->quick.object != NULL) ||
           (opening == '[' && plan->quick.array != NULL);
}

const char *nx_fused_values(struct nx_fused *f, const char *p, struct demand demand)
{
    switch (*p) {
    case '"':
        return nx_fused_string(f, p, demand);
    case '{':
    case '[':
        return demand.count == 1 && is_simple(demand.plans[0], *p)
                   ? nx_fused_value(f, p, demand.plans[0])
                   : read_container(f, p, demand);
    case 't':
    case 'f':
    case 'n':
        return nx_fused_word(f, p, demand);
    default:
        return (*p >= '0' && *p <= '9') || *p == '-' ? nx_fused_number(f, p, demand) : NULL;
    }
}
