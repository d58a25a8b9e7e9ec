/*
 * schema_trace.h - what a check leaves behind for its output: the units of 2020-12 section 12, in
 * the order in which they were met. Filled by schema_trace.c while the check runs, written by
 * schema_output.c afterwards. For schema_*.c only.
 *
 * A unit is a subschema that was evaluated at a place of the instance, or a keyword of one. The
 * trace holds what the verdict needs and drops the rest as soon as it is known: looking for
 * errors, whatever lies below a subschema that held; looking for annotations, whatever lies below
 * one that did not. It holds no text: locations and messages are made of what is written.
 */
#ifndef NX_SCHEMA_TRACE_H
#define NX_SCHEMA_TRACE_H

#include "core/schema_output.h"
#include "core/schema_plan.h"

#define NX_TRACE_NONE UINT32_MAX

enum unit_says { SAYS_NOTHING, SAYS_ERROR, SAYS_ANNOTATION };

struct unit {
    uint32_t parent;         /* the root is its own */
    uint32_t children;       /* how many units have this one as parent */
    uint32_t instance;       /* node of the value */
    const struct plan *plan; /* the subschema, or the one that the keyword is in */
    uint32_t at;   /* node in the plan's document: the subschema, or the keyword's value */
    bool referred; /* a reference led here: the path goes on at the parent's end */
    enum unit_says says;
    enum nx_keyword keyword; /* of the fault */
    uint32_t detail;         /* of the fault, see schema_explain.c */
};

/* A subschema that is being evaluated. */
struct frame {
    const struct plan *plan;
    uint32_t instance;
    enum nx_keyword via; /* the applicator in place that led here, or KW_NONE */
    uint32_t unit;       /* or NX_TRACE_NONE: it has none yet */
    uint32_t mark;       /* how many units there were when it began */
};

struct nx_trace {
    bool annotations; /* else errors */
    uint32_t count;
    uint32_t depth;
    struct unit units[NX_OUTPUT_UNITS_MAX];
    struct frame frames[NX_CHECK_DEPTH_MAX + 1];
};

/*
 * After the check: drops the units at the end that were made for a note for which there was no
 * more room. Every other unit says something, or one below it does.
 */
void nx_trace_prune(struct nx_trace *trace);

#endif
