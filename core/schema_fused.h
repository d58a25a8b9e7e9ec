/*
 * schema_fused.h - what the two halves of judging in one pass share: schema_fuse.c decides which
 * plans allow it, schema_fused.c does it. Included by nobody else.
 */
#ifndef NX_SCHEMA_FUSED_H
#define NX_SCHEMA_FUSED_H

#include "core/schema_plan.h"

enum {
    NX_TOGETHER_MAX = 8,     /* plans of one conjunction; also how deep they may refer in place */
    NX_FUSED_NAMES_MAX = 64, /* names of one plan that must be remembered: the bits of a word */
    NX_CHOICE_MAX = 16,      /* branches of one anyOf, oneOf or not */
};

/* anyOf, oneOf or not, where a branch says nothing but `required`, of names that the plan knows. */
struct name_choice {
    enum applicator_kind kind;
    uint32_t count;
    uint64_t required[NX_CHOICE_MAX]; /* for each branch: names by their ordinal in the table */
};

/*
 * A plan and all that it applies to the same container, where all of them must hold ($ref, allOf)
 * and each can be decided by seeing the items once, in their order.
 */
struct conjunction {
    uint32_t count;   /* plans that have something to say */
    uint32_t steps;   /* plans visited for it, at least as many as the tape's check counts */
    uint32_t choices; /* branches among them */
    const struct plan *plans[NX_TOGETHER_MAX];
};

#endif
