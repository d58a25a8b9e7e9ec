/*
 * schema_table.h - from a member's name to what the schema says about it: at one look when it is
 * the one that was guessed (a token), else in one multiplication and one comparison for nearly
 * every name. Inline, because it is done for every member; schema_table.c fills the table.
 *
 * The key is the first and the last eight bytes of the name (all of them in a shorter one) and its
 * length: all there is of a name of up to 16 bytes. Made without a branch, because how long names
 * are is hard to predict.
 */
#ifndef NX_SCHEMA_TABLE_H
#define NX_SCHEMA_TABLE_H

#include "core/json_scan.h"
#include "core/schema_plan.h"

enum {
    NX_NAME_WHOLE_MAX = 16, /* bytes of a name that its key tells wholly */
};

struct nx_name_key {
    uint64_t first;
    uint64_t last;
};

/* The key of a name of which 8 bytes can be read, however short it is. */
static inline __attribute__((always_inline)) struct nx_name_key
nx_name_key_padded(struct nx_span name)
{
    size_t len = name.len < 8 ? name.len : 8;
    uint64_t mask = len == 0 ? 0 : UINT64_MAX >> (64 - 8 * len);

    return (struct nx_name_key){nx_scan_word(name.ptr) & mask,
                                nx_scan_word(name.ptr + name.len - len) & mask};
}

/* The key of any name. */
static inline struct nx_name_key nx_name_key(struct nx_span name)
{
    char copy[8] = {0};

    if (name.len < sizeof(copy)) {
        if (name.len > 0) {
            memcpy(copy, name.ptr, name.len);
        }
        name.ptr = copy;
    }
    return nx_name_key_padded(name);
}

/* The slot where the search for a name begins. */
static inline uint32_t nx_name_slot(const struct property_table *table, struct nx_name_key key,
                                    size_t len)
{
    uint64_t mixed = key.first ^ (key.last << 1 | key.last >> 63) ^ ((uint64_t)len << 56);

    return (uint32_t)(mixed * table->multiplier >> table->shift);
}

/* The bytes between the first and the last eight of two names of `len` bytes. */
static inline bool nx_name_middle_is(const char *a, const char *b, size_t len)
{
    for (size_t i = 8; i + 8 < len; i += 8) { /* may look at some of the last eight again */
        uint64_t left;
        uint64_t right;
        memcpy(&left, a + i, 8);
        memcpy(&right, b + i, 8);
        if (left != right) {
            return false;
        }
    }
    return true;
}

static inline __attribute__((always_inline)) bool
nx_name_is(const struct property *property, struct nx_span name, struct nx_name_key key)
{
    return property->first == key.first && property->last == key.last &&
           property->name.len == name.len &&
           (name.len <= NX_NAME_WHOLE_MAX ||
            nx_name_middle_is(property->name.ptr, name.ptr, name.len));
}

/* The property with this key, or NULL. */
static inline __attribute__((always_inline)) const struct property *
nx_property_find_key(const struct property_table *table, struct nx_span name,
                     struct nx_name_key key)
{
    uint32_t slot = nx_name_slot(table, key, name.len);

    for (;;) {
        const struct property *property = &table->slots[slot];
        if (property->name.ptr == NULL) {
            return NULL;
        }
        if (nx_name_is(property, name, key)) {
            return property;
        }
        slot = (slot + 1) & table->mask;
    }
}

/* The property called `name`, or NULL. */
static inline const struct property *nx_property_find(const struct property_table *table,
                                                      struct nx_span name)
{
    return table->count > 0 ? nx_property_find_key(table, name, nx_name_key(name)) : NULL;
}

/* The same for a name of which 8 bytes can be read. */
static inline const struct property *nx_property_find_padded(const struct property_table *table,
                                                             struct nx_span name)
{
    return table->count > 0 ? nx_property_find_key(table, name, nx_name_key_padded(name)) : NULL;
}

#endif
