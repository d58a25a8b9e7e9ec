/*
 * arena.h - memory that is taken piece by piece and given back at once: compiled schemas, lenses
 * and configuration live in one each. Bounded by the maximum named at init.
 */
#ifndef NX_BASE_ARENA_H
#define NX_BASE_ARENA_H

#include "core/base/span.h"

struct nx_arena_block;

struct nx_arena {
    struct nx_arena_block *blocks;
    size_t bytes_used;
    size_t bytes_max;
};

void nx_arena_init(struct nx_arena *arena, size_t bytes_max);
void nx_arena_fini(struct nx_arena *arena);

/* Zeroed memory, aligned for any type; NULL when memory is out or the maximum is reached. */
void *nx_arena_alloc(struct nx_arena *arena, size_t size);

/* `count` zeroed elements; NULL also when the product overflows. */
void *nx_arena_array(struct nx_arena *arena, size_t count, size_t size);

/* A copy of `s` in the arena, with a NUL behind it; {NULL, 0} when memory is out. */
struct nx_span nx_arena_dup(struct nx_arena *arena, struct nx_span s);

#endif
