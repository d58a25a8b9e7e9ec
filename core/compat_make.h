/*
 * compat_make.h - what the files that make documents share: compat_make.c (values),
 * compat_make_text.c (numbers, strings), compat_make_tree.c (arrays, objects).
 */
#ifndef NX_COMPAT_MAKE_H
#define NX_COMPAT_MAKE_H

#include "core/compat_plan.h"

enum { MAKE_VALUES_MAX = 1500, MAKE_ITEMS_MAX = 300, MAKE_NAMES_MAX = 256 };

/* Where a value is made. */
struct place {
    uint32_t depth;
    uint32_t goal; /* steps of the goal's path taken; UINT32_MAX: beside it */
    bool odd;
};

/* A random number less than `below`. */
uint32_t make_random(struct maker *m, uint32_t below);

/* The next step towards the goal, or NULL. */
const struct step *make_goal_step(const struct maker *m, const struct place *place);

void make_value(struct maker *m, const struct facts *from, const struct facts *to,
                const struct place *place);
void make_number(struct maker *m, const struct facts *from, const struct facts *to, bool whole,
                 bool odd);
void make_string(struct maker *m, const struct facts *from, const struct facts *to, bool odd);
void make_array(struct maker *m, const struct facts *from, const struct facts *to,
                const struct place *place);
void make_object(struct maker *m, const struct facts *from, const struct facts *to,
                 const struct place *place);

/* A text that `from` accepts as a string, as far as patterns and lengths say; not quoted. */
struct nx_span make_text(struct maker *m, const struct facts *from, const struct facts *to,
                         bool odd);

/* A name that matches the pattern; empty when none is known. */
struct nx_span make_name(struct maker *m, struct nx_span pattern);

#endif
