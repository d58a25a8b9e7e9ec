/*
 * schema_table.h - from a member's name to what the schema says about it, in one multiplication
 * and one comparison for nearly every name. Inline, because it is done for every member; the table
 * is filled by schema_table.c.
 *
 * The key is the first and the last eight bytes of the name (fewer in a shorter one) and its
 * length: all there is of a name of up to 16 bytes.
 */
#ifndef NX_SCHEMA_TABLE_H
#define NX_SCHEMA_TABLE_H

#include "core/schema_plan.h"

enum {
    NX_NAME_WHOLE_MAX = 16, /* bytes of a name that its key tells wholly */
    NX_NAME_GUESS_MAX = 24, /* bytes of a name that is worth a guess; see property.next */
};

struct nx_name_key {
    uint64_t first;
    uint64_t last;
};

static inline struct nx_name_key nx_name_key(struct nx_span name)
{
    struct nx_name_key key = {0, 0};
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

/* The property called `name`, or NULL. */
static inline __attribute__((always_inline)) const struct property *
nx_property_find(const struct property_table *table, struct nx_span name)
{
    struct nx_name_key key;
    const struct property *property;
    uint32_t slot;

    if (table->count == 0) {
        return NULL;
    }
    key = nx_name_key(name);
    slot = nx_name_slot(table, key, name.len);
    for (;;) {
        property = &table->slots[slot];
        if (property->name.ptr == NULL) {
            return NULL;
        }
        if (nx_name_is(property, name, key)) {
            return property;
        }
        slot = (slot + 1) & table->mask;
    }
}

#endif
