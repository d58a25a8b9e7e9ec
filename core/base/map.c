/*
 * map.c - open addressing with linear probing; removal shifts the following run back, so there
 * are no tombstones and a lookup never degrades.
 */
#include "core/base/map.h"

#include <stdlib.h>

enum { MAP_CAP_MIN = 16 };

void nx_map_init(struct nx_map *map, size_t count_max, uint64_t seed)
{
    *map = (struct nx_map){.count_max = count_max, .seed = seed};
}

void nx_map_fini(struct nx_map *map)
{
    free(map->slots);
    *map = (struct nx_map){.count_max = map->count_max, .seed = map->seed};
}

uint64_t nx_hash(struct nx_span s, uint64_t seed)
{
    const uint64_t k = 0x9E3779B97F4A7C15u; /* 2^64 / golden ratio (Knuth, TAOCP 3, 6.4) */
    uint64_t h = seed ^ (s.len * k);
    size_t i = 0;
    uint64_t word;

    for (; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.ptr + i, 8);
        h = (h ^ word) * k;
        h ^= h >> 32;
    }
    word = 0;
    if (i < s.len) {
        memcpy(&word, s.ptr + i, s.len - i);
    }
    h = (h ^ word) * k;
    return h ^ (h >> 29);
}

static struct nx_map_slot *map_find(const struct nx_map *map, struct nx_span key, uint64_t hash)
{
    size_t mask = map->cap - 1;
    size_t i = (size_t)hash & mask;

    while (map->slots[i].key.ptr != NULL) {
        if (map->slots[i].hash == hash && nx_span_eq(map->slots[i].key, key)) {
            break;
        }
        i = (i + 1) & mask;
    }
    return &map->slots[i];
}

void *nx_map_get(const struct nx_map *map, struct nx_span key)
{
    if (map->cap == 0) {
        return NULL;
    }
    return map_find(map, key, nx_hash(key, map->seed))->value;
}

static enum nx_err map_grow(struct nx_map *map)
{
    struct nx_map bigger = *map;

    bigger.cap = map->cap > 0 ? map->cap * 2 : MAP_CAP_MIN;
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (bigger.slots == NULL) {
        return NX_ERR_NOMEM;
    }
    for (size_t i = 0; i < map->cap; i++) {
        if (map->slots[i].key.ptr != NULL) {
            *map_find(&bigger, map->slots[i].key, map->slots[i].hash) = map->slots[i];
        }
    }
    free(map->slots);
    *map = bigger;
    return NX_OK;
}

enum nx_err nx_map_put(struct nx_map *map, struct nx_span key, void *value)
{
    uint64_t hash = nx_hash(key, map->seed);
    struct nx_map_slot *slot;

    if ((map->count + 1) * 4 > map->cap * 3) {
        enum nx_err err = map_grow(map);
        if (err != NX_OK) {
            return err;
        }
    }
    slot = map_find(map, key, hash);
    if (slot->key.ptr == NULL) {
        if (map->count >= map->count_max) {
            return NX_ERR_LIMIT;
        }
        map->count++;
        *slot =
            (struct nx_map_slot){.key = {key.ptr != NULL ? key.ptr : "", key.len}, .hash = hash};
    }
    slot->value = value;
    return NX_OK;
}

void *nx_map_remove(struct nx_map *map, struct nx_span key)
{
    size_t mask = map->cap - 1;
    struct nx_map_slot *slot;
    void *value;
    size_t hole;

    if (map->cap == 0) {
        return NULL;
    }
    slot = map_find(map, key, nx_hash(key, map->seed));
    if (slot->key.ptr == NULL) {
        return NULL;
    }
    value = slot->value;
    hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].key.ptr != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (struct nx_map_slot){0};
    map->count--;
    return value;
}

bool nx_map_next(const struct nx_map *map, size_t *at, struct nx_span *key, void **value)
{
    while (*at < map->cap) {
        const struct nx_map_slot *slot = &map->slots[(*at)++];
        if (slot->key.ptr != NULL) {
            *key = slot->key;
            *value = slot->value;
            return true;
        }
    }
    return false;
}
