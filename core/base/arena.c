/*
 * arena.c - a list of blocks, the newest in front; only the newest has room.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024 };

struct nx_arena_block {
    struct nx_arena_block *next;
    size_t used;
    size_t cap;
    alignas(max_align_t) char data[];
};

void nx_arena_init(struct nx_arena *arena, size_t bytes_max)
{
    *arena = (struct nx_arena){.bytes_max = bytes_max};
}

void nx_arena_fini(struct nx_arena *arena)
{
    struct nx_arena_block *block = arena->blocks;

    while (block != NULL) {
        struct nx_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
    arena->bytes_used = 0;
}

static struct nx_arena_block *arena_grow(struct nx_arena *arena, size_t size)
{
    size_t cap = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct nx_arena_block *block = calloc(1, sizeof(*block) + cap);

    if (block != NULL) {
        block->cap = cap;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *nx_arena_alloc(struct nx_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct nx_arena_block *block = arena->blocks;
    void *piece;

    if (size > arena->bytes_max || arena->bytes_used > arena->bytes_max - size) {
        return NULL;
    }
    size = (size + align - 1) / align * align;
    if (block == NULL || block->cap - block->used < size) {
        block = arena_grow(arena, size);
    }
    if (block == NULL) {
        return NULL;
    }
    piece = block->data + block->used;
    block->used += size;
    arena->bytes_used += size;
    return piece;
}

void *nx_arena_array(struct nx_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        return NULL;
    }
    return nx_arena_alloc(arena, count * size);
}

struct nx_span nx_arena_dup(struct nx_arena *arena, struct nx_span s)
{
    char *copy = nx_arena_alloc(arena, s.len + 1);

    if (copy == NULL) {
        return (struct nx_span){NULL, 0};
    }
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return (struct nx_span){copy, s.len};
}
