/*
 * map.h - from text to pointer, by hashing. Open addressing, grows by doubling up to a maximum,
 * seeded by the caller so that nobody outside can choose colliding keys. Keys are not copied:
 * they must live as long as the map.
 */
#ifndef NX_BASE_MAP_H
#define NX_BASE_MAP_H

#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

struct nx_map_slot {
    struct nx_span key; /* key.ptr == NULL: free */
    void *value;
    uint64_t hash;
};

struct nx_map {
    struct nx_map_slot *slots;
    size_t count;
    size_t cap; /* power of two, or 0 */
    size_t count_max;
    uint64_t seed;
};

void nx_map_init(struct nx_map *map, size_t count_max, uint64_t seed);
void nx_map_fini(struct nx_map *map);

/* The value under `key`, or NULL. */
void *nx_map_get(const struct nx_map *map, struct nx_span key);

/* Sets or replaces. NX_ERR_LIMIT at count_max, NX_ERR_NOMEM. `value` is not NULL. */
enum nx_err nx_map_put(struct nx_map *map, struct nx_span key, void *value);

/* Removes `key` and returns its value, or NULL. */
void *nx_map_remove(struct nx_map *map, struct nx_span key);

/* Walks all entries in no order: start with *at = 0; false at the end. */
bool nx_map_next(const struct nx_map *map, size_t *at, struct nx_span *key, void **value);

/* The hash that the map uses: keyed, not cryptographic. */
uint64_t nx_hash(struct nx_span s, uint64_t seed);

#endif
