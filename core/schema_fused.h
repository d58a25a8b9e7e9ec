/*
 * schema_fused.h - what the parts of judging in one pass share. Included by nobody else.
 *
 *   schema_fuse.c         decides which plans allow it
 *   schema_fused.c        the payload's copy, and the outside
 *   schema_fused_value.c  values that one plan judges: nearly all of nearly every message
 *   schema_fused_lanes.c  values that several plans judge, or one in an unusual way
 *   schema_fused_text.c   strings, numbers and words that the complete rules must see
 */
#ifndef NX_SCHEMA_FUSED_H
#define NX_SCHEMA_FUSED_H

#include "core/json_reader.h"
#include "core/schema_plan.h"

enum {
    NX_TOGETHER_MAX = 8,       /* plans of one conjunction; also how deep they may refer in place */
    NX_FUSED_NAMES_MAX = 64,   /* names of one plan that must be remembered: the bits of a word */
    NX_CHOICE_MAX = 16,        /* branches of one anyOf, oneOf or not */
    NX_FUSED_DEPTH_MAX = 64,   /* of containers, as in nx_json_limits_payload */
    NX_FUSED_LANES_MAX = 512,  /* of all open containers */
    NX_FUSED_PENDING_MAX = 16, /* plans for one value */
    NX_FUSED_OTHERS_MAX = 32,  /* unknown names of one object: with more of them it is the tape's */
    NX_LEARNED_BITS = 8,       /* of a slot in nx_fused.learned */
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

/* The plans that a value must satisfy. */
struct demand {
    const struct plan *const *plans;
    uint32_t count;
};

/* One plan at work on an open container. */
struct lane {
    const struct plan *plan;
    uint64_t seen; /* names of its table, by their ordinal */
};

/* Names of an open object that no plan's bits remember. */
struct others {
    uint32_t first;   /* in nx_fused.names */
    uint64_t classes; /* a bit for each of 64 */
};

/* What was learned of a member's name by a search. */
struct found {
    const struct plan *plan;  /* of its value; NULL: nothing is asked */
    const struct guess *next; /* the name that may come behind it; NULL: the same as before */
    uint64_t bit;             /* in the set of names seen */
};

/* A name, decoded. `behind`: its quote; NULL: it is none, or damaged. */
struct text {
    struct nx_span text;
    const char *behind;
    uint8_t flags; /* as a node's */
};

struct nx_fused {
    struct nx_check *check;
    struct json_reader reader; /* for what is rare, and for containers on the tape */
    uint32_t depth;
    uint32_t lanes_count;
    uint32_t names_count;
    struct others others[NX_FUSED_DEPTH_MAX]; /* of each open object */
    struct found found;
    /*
     * What came instead of a guess the last time, by the guess's slot, as a place among the guesses
     * of its object: a sender's own order need be searched for only once. Slots may meet, and the
     * schema may be another one by now: what is learned is but one more guess.
     */
    uint16_t learned[1 << NX_LEARNED_BITS];
    const struct plan *pending[NX_FUSED_PENDING_MAX]; /* the demand of an item of several lanes */
    struct lane lanes[NX_FUSED_LANES_MAX];
    struct nx_span names[NX_FUSED_DEPTH_MAX * NX_FUSED_OTHERS_MAX];
    struct nx_json *json; /* the tape of containers that need one, and of checks that go wrong */
};

/* The slot of the guess at a property whose plan stands at `node` of its document. */
static inline uint32_t nx_learned_slot(uint32_t node)
{
    return node * 0x9E3779B1u >> (32 - NX_LEARNED_BITS);
}

/*
 * All that read take the place where their piece begins and return the place behind it. NULL: it
 * is not JSON, or not what was asked for, or not for one pass to tell.
 */

/* The value at `p`, which one plan judges, or several. */
const char *nx_fused_value(struct nx_fused *f, const char *p, const struct plan *plan);
const char *nx_fused_values(struct nx_fused *f, const char *p, struct demand demand);

/* The string at `p`, a quote; the slow way to judge it, and a number or a word at `p`. */
struct text nx_fused_text(struct nx_fused *f, const char *p);
const char *nx_fused_string(struct nx_fused *f, const char *p, struct demand demand);
const char *nx_fused_number(struct nx_fused *f, const char *p, struct demand demand);
const char *nx_fused_word(struct nx_fused *f, const char *p, struct demand demand);

/* Is the string all right? */
bool nx_fused_text_holds(struct nx_fused *f, const struct plan *plan, const struct text *text);

/* A container that one of its plans can only judge as a whole. */
const char *nx_fused_onto_tape(struct nx_fused *f, const char *p, struct demand demand);

/* One container deeper; false: too deep. */
static inline bool nx_fused_enter(struct nx_fused *f)
{
    if (f->depth == NX_FUSED_DEPTH_MAX) {
        return false;
    }
    f->others[f->depth++] = (struct others){f->names_count, 0};
    return true;
}

/* Counts what was done; false when the budget is spent. */
static inline bool nx_fused_leave(struct nx_fused *f, uint32_t steps)
{
    f->names_count = f->others[--f->depth].first;
    f->check->steps += steps;
    return f->check->steps <= f->check->steps_max;
}

/* Remembers a name of the open object that no bit does; false: repeated, or one too many. */
bool nx_fused_remember(struct nx_fused *f, struct nx_span name);

/* dependentRequired, and the plan's choices among required names. */
bool nx_fused_names_hold(const struct object_rules *rules, uint64_t seen);

/* Does an object of `count` members with the names `seen` satisfy its plan? */
static inline bool nx_fused_object_holds(const struct object_rules *rules, uint64_t seen,
                                         uint32_t count)
{
    return count >= rules->count_min && count <= rules->count_max &&
           (seen & rules->required_bits) == rules->required_bits &&
           ((rules->dependents_count == 0 && rules->choices_count == 0) ||
            nx_fused_names_hold(rules, seen));
}

#endif
