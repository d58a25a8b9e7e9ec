/*
 * schema_table.c - from a member's name to what the schema says about it, in one multiplication
 * and one comparison for nearly every name.
 *
 * The key is the first and the last eight bytes of the name (fewer in a shorter one) and its
 * length: all there is of a name of up to 16 bytes. The multiplier is searched at compile time
 * until few or no names share a slot. Names that do sit in the following slots, so that the table
 * is right whatever was found. The names are the schema's, so a sender cannot make them collide.
 */
#include "core/schema_plan.h"

enum {
    MULTIPLIER_TRIES = 64,
    WHOLE_KEY_MAX = 16, /* bytes */
};

/* Names of the same length up to WHOLE_KEY_MAX bytes are equal when their keys are. */
struct name_key {
    uint64_t first;
    uint64_t last;
};

static inline struct name_key key_of(struct nx_span name)
{
    struct name_key key = {0, 0};
    uint32_t half;

    if (name.len >= 8) {
        memcpy(&key.first, name.ptr, 8);
        memcpy(&key.last, name.ptr + name.len - 8, 8);
    } else if (name.len >= 4) {
        memcpy(&half, name.ptr, 4);
        key.first = half;
        memcpy(&half, name.ptr + name.len - 4, 4);
        key.last = half;
    } else if (name.len > 0) {
        key.first = (unsigned char)name.ptr[0];
        key.last = (uint64_t)(unsigned char)name.ptr[name.len / 2] << 8 |
                   (unsigned char)name.ptr[name.len - 1];
    }
    return key;
}

static inline uint32_t slot_of(const struct property_table *table, struct name_key key, size_t len)
{
    uint64_t mixed = key.first ^ (key.last << 1 | key.last >> 63) ^ ((uint64_t)len << 56);

    return (uint32_t)(mixed * table->multiplier >> table->shift);
}

static inline bool is_named(const struct property *property, struct nx_span name,
                            struct name_key key)
{
    return property->name.len == name.len && property->first == key.first &&
           property->last == key.last &&
           (name.len <= WHOLE_KEY_MAX || memcmp(property->name.ptr, name.ptr, name.len) == 0);
}

/* Puts all names into the table; the number of names that are not at their first slot. */
static uint32_t place_all(struct property_table *table, const struct property *properties,
                          uint32_t count)
{
    uint32_t displaced = 0;

    for (uint32_t i = 0; i <= table->mask; i++) {
        table->slots[i] = (struct property){0};
    }
    for (uint32_t i = 0; i < count; i++) {
        struct name_key key = key_of(properties[i].name);
        uint32_t slot = slot_of(table, key, properties[i].name.len);
        displaced += table->slots[slot].name.ptr != NULL;
        while (table->slots[slot].name.ptr != NULL) {
            slot = (slot + 1) & table->mask;
        }
        table->slots[slot] = properties[i];
        table->slots[slot].first = key.first;
        table->slots[slot].last = key.last;
    }
    return displaced;
}

/* An odd multiplier: splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_multiplier(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) | 1;
}

bool nx_property_table_build(struct nx_arena *arena, const struct property *properties,
                             uint32_t count, uint64_t seed, struct property_table *out)
{
    uint64_t best = 1;
    uint32_t best_displaced = UINT32_MAX;
    uint32_t bits = 2;

    while (((uint32_t)1 << bits) < count * 4) { /* a quarter full: names rarely meet */
        bits++;
    }
    *out = (struct property_table){
        .shift = 64 - bits, .mask = ((uint32_t)1 << bits) - 1, .count = count};
    out->slots = nx_arena_array(arena, (size_t)out->mask + 1, sizeof(struct property));
    if (out->slots == NULL) {
        return false;
    }
    for (int i = 0; i < MULTIPLIER_TRIES && best_displaced > 0; i++) {
        out->multiplier = next_multiplier(&seed);
        uint32_t displaced = place_all(out, properties, count);
        if (displaced < best_displaced) {
            best = out->multiplier;
            best_displaced = displaced;
        }
    }
    out->multiplier = best;
    (void)place_all(out, properties, count);
    return true;
}

const struct property *nx_property_find(const struct property_table *table, struct nx_span name)
{
    struct name_key key;
    uint32_t slot;

    if (table->count == 0) {
        return NULL;
    }
    key = key_of(name);
    slot = slot_of(table, key, name.len);
    while (table->slots[slot].name.ptr != NULL) {
        if (is_named(&table->slots[slot], name, key)) {
            return &table->slots[slot];
        }
        slot = (slot + 1) & table->mask;
    }
    return NULL;
}
