/*
 * schema_trace.c - follows a check and notes where it met a fault or an annotation: by which way
 * through the schema (references included) and at which value. Says nothing and decides nothing.
 *
 * A frame gets its unit, and the units above it, with the first note below it: where nothing is
 * noted, a trace costs a few stores for each subschema.
 */
#include "core/schema_trace.h"

/* ---- units --------------------------------------------------------------------------------- */

/* Adds a unit; NX_TRACE_NONE when there is no more room. */
static uint32_t add_unit(struct nx_trace *trace, uint32_t parent, struct unit unit)
{
    if (trace->count >= NX_OUTPUT_UNITS_MAX || parent == NX_TRACE_NONE) {
        return NX_TRACE_NONE;
    }
    unit.parent = parent;
    unit.children = 0;
    trace->units[parent].children += trace->count > 0;
    trace->units[trace->count] = unit;
    return trace->count++;
}

/*
 * The unit of the keyword at `at` of the subschema whose unit is `parent`, applied to `instance`:
 * the one that groups units already, or a new one.
 */
static uint32_t keyword_unit(struct nx_trace *trace, uint32_t parent, uint32_t instance,
                             uint32_t at)
{
    for (uint32_t i = parent + 1; i < trace->count; i++) {
        const struct unit *unit = &trace->units[i];
        if (unit->parent == parent && unit->at == at && unit->children > 0) {
            return i;
        }
    }
    return add_unit(
        trace, parent,
        (struct unit){.instance = instance, .plan = trace->units[parent].plan, .at = at});
}

/* Drops the units from `count` on. */
static void cut(struct nx_trace *trace, uint32_t count)
{
    if (trace->count <= count) {
        return;
    }
    for (uint32_t i = trace->count; i-- > count;) {
        trace->units[trace->units[i].parent].children -= i > 0;
    }
    trace->count = count;
    for (uint32_t i = 0; i < trace->depth; i++) {
        if (trace->frames[i].unit != NX_TRACE_NONE && trace->frames[i].unit >= count) {
            trace->frames[i].unit = NX_TRACE_NONE;
        }
    }
}

/* ---- frames -------------------------------------------------------------------------------- */

static const struct nx_json *document_of(const struct nx_check *check, const struct plan *plan)
{
    return check->schema->documents[plan->document].json;
}

/* The value of the schema's keyword that holds the subschema at `node`, or 0. */
static uint32_t keyword_around(const struct nx_json *json, uint32_t schema, uint32_t node)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    if (nx_json_type(json, schema) != NX_JSON_OBJECT) {
        return 0;
    }
    while (nx_json_each(json, schema, &at, &key, &value)) {
        if (value <= node && node < json->nodes[value].next) {
            return value;
        }
    }
    return 0;
}

static uint32_t keyword_value(const struct nx_check *check, const struct plan *plan,
                              enum nx_keyword keyword)
{
    return nx_json_member(document_of(check, plan), plan->node,
                          nx_span_from(nx_keyword_name(keyword)));
}

/* Does this keyword lead out of the schema's own tree? */
static bool is_reference(enum nx_keyword keyword)
{
    return keyword == KW_REF || keyword == KW_DYNAMIC_REF || keyword == KW_RECURSIVE_REF;
}

/* The unit of the frame at `depth`, below the unit of the one above it. */
static uint32_t add_frame_unit(struct nx_check *check, uint32_t depth)
{
    struct nx_trace *trace = check->trace;
    const struct frame *frame = &trace->frames[depth];
    struct unit unit = {.instance = frame->instance,
                        .plan = frame->plan,
                        .at = frame->plan->node,
                        .referred = is_reference(frame->via)};
    const struct frame *above;
    uint32_t keyword;

    if (depth == 0) {
        return add_unit(trace, 0, unit);
    }
    above = &trace->frames[depth - 1];
    keyword = unit.referred ? keyword_value(check, above->plan, frame->via)
                            : keyword_around(document_of(check, above->plan), above->plan->node,
                                             frame->plan->node);
    return add_unit(trace, keyword_unit(trace, above->unit, above->instance, keyword), unit);
}

/* The unit of the subschema that is being evaluated; NX_TRACE_NONE when there is no room. */
static uint32_t current_unit(struct nx_check *check)
{
    struct nx_trace *trace = check->trace;
    uint32_t unit = NX_TRACE_NONE;

    for (uint32_t i = 0; i < trace->depth; i++) {
        if (trace->frames[i].unit == NX_TRACE_NONE) {
            trace->frames[i].unit = add_frame_unit(check, i);
        }
        unit = trace->frames[i].unit;
        if (unit == NX_TRACE_NONE) {
            break;
        }
    }
    return unit;
}

/* ---- notes --------------------------------------------------------------------------------- */

/* The unit of the fault: a schema `false`, a keyword (perhaps with failed branches), a subschema. */
static uint32_t fault_unit(struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                           uint32_t node)
{
    struct nx_trace *trace = check->trace;
    uint32_t unit = current_unit(check);
    struct unit fault = {.instance = node, .plan = plan};
    uint32_t around;

    if (unit == NX_TRACE_NONE || keyword == KW_NONE) {
        return unit;
    }
    if (check->refused == NULL) {
        return keyword_unit(trace, unit, node, keyword_value(check, plan, keyword));
    }
    fault.at = check->refused->node;
    around = keyword_around(document_of(check, plan), plan->node, fault.at);
    if (around != fault.at) {
        unit = keyword_unit(trace, unit, trace->units[unit].instance, around);
    }
    return add_unit(trace, unit, fault);
}

void nx_trace_fault(struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                    uint32_t node, uint32_t detail)
{
    uint32_t unit =
        check->trace->annotations ? NX_TRACE_NONE : fault_unit(check, plan, keyword, node);

    if (unit != NX_TRACE_NONE) {
        struct unit *u = &check->trace->units[unit];
        u->says = SAYS_ERROR;
        u->keyword = keyword;
        u->detail = detail;
    }
}

/* Keywords whose value is an annotation of what they are applied to. */
static const bool annotates[KW_COUNT + 1] = {
    [KW_FORMAT] = true,
    [KW_CONTENT_ENCODING] = true,
    [KW_CONTENT_MEDIA_TYPE] = true,
    [KW_CONTENT_SCHEMA] = true,
    [KW_TITLE] = true,
    [KW_DESCRIPTION] = true,
    [KW_DEFAULT] = true,
    [KW_DEPRECATED] = true,
    [KW_READ_ONLY] = true,
    [KW_WRITE_ONLY] = true,
    [KW_EXAMPLES] = true,
    [KW_COUNT] = true, /* an unknown keyword (core, section 6.5) */
};

/* The annotations that the current subschema gives to its value, were it to hold. */
static void note_annotations(struct nx_check *check, const struct plan *plan, uint32_t instance)
{
    const struct nx_json *json = document_of(check, plan);
    enum nx_draft draft = check->schema->resources[plan->resource].dialect.draft;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    bool hidden = nx_draft_in(draft, UNTIL_7) && keyword_value(check, plan, KW_REF) != 0;

    if (hidden || nx_json_type(json, plan->node) != NX_JSON_OBJECT) {
        return; /* up to draft 07 a $ref hides what is beside it */
    }
    while (nx_json_each(json, plan->node, &at, &key, &value)) {
        enum nx_keyword keyword = nx_keyword_find(nx_json_text(json, key));
        if (keyword != KW_COUNT && !nx_keyword_in(keyword, draft)) {
            keyword = KW_COUNT;
        }
        if (annotates[keyword]) {
            (void)add_unit(
                check->trace, current_unit(check),
                (struct unit){
                    .instance = instance, .plan = plan, .at = value, .says = SAYS_ANNOTATION});
        }
    }
}

/* ---- what the check tells ------------------------------------------------------------------ */

void nx_trace_enter(struct nx_check *check, const struct plan *plan, uint32_t node)
{
    struct nx_trace *trace = check->trace;

    trace->frames[trace->depth++] = (struct frame){.plan = plan,
                                                   .instance = node,
                                                   .via = check->via,
                                                   .unit = NX_TRACE_NONE,
                                                   .mark = trace->count};
    check->via = KW_NONE;
    if (trace->annotations) {
        note_annotations(check, plan, node);
    }
}

void nx_trace_leave(struct nx_check *check, bool holds)
{
    struct nx_trace *trace = check->trace;

    if (holds != trace->annotations) {
        cut(trace, trace->frames[trace->depth - 1].mark);
    }
    trace->depth--;
}

uint32_t nx_trace_mark(const struct nx_check *check)
{
    return check->trace->count;
}

void nx_trace_forgive(struct nx_check *check, uint32_t mark)
{
    if (!check->trace->annotations) {
        cut(check->trace, mark);
    }
}

void nx_trace_prune(struct nx_trace *trace)
{
    while (trace->count > 1) {
        const struct unit *last = &trace->units[trace->count - 1];

        if (last->children > 0 || last->says != SAYS_NOTHING) {
            break;
        }
        cut(trace, trace->count - 1);
    }
}
