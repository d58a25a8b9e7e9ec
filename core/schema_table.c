/*
 * schema_table.c - fills the tables of names that schema_table.h searches.
 *
 * The multiplier is tried out at compile time until few or no names share a slot. Names that do
 * sit in the following slots, so that the table is right whatever was found. The names are the
 * schema's, so a sender cannot make them collide.
 */
#include "core/schema_table.h"

enum { MULTIPLIER_TRIES = 64 };

/* Puts all names into the table; the number of names that are not at their first slot. */
static uint32_t place_all(struct property_table *table, const struct property *properties,
                          uint32_t count)
{
    uint32_t displaced = 0;

    for (uint32_t i = 0; i <= table->mask; i++) {
        table->slots[i] = (struct property){0};
    }
    for (uint32_t i = 0; i < count; i++) {
        struct nx_name_key key = nx_name_key(properties[i].name);
        uint32_t slot = nx_name_slot(table, key, properties[i].name.len);
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

/* Numbers the names: the tracked ones have their bits, the others follow. */
static void number_names(struct property_table *table)
{
    uint32_t next = 0;

    for (uint32_t i = 0; i <= table->mask; i++) {
        const struct property *property = &table->slots[i];
        if (property->name.ptr != NULL && property->bit != UINT32_MAX && property->bit >= next) {
            next = property->bit + 1;
        }
    }
    for (uint32_t i = 0; i <= table->mask; i++) {
        struct property *property = &table->slots[i];
        if (property->name.ptr != NULL) {
            property->ordinal = property->bit != UINT32_MAX ? property->bit : next++;
        }
    }
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
    number_names(out);
    return true;
}
