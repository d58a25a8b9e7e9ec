/*
 * regular_codes.c - sets of code points as ascending ranges; equal sets of an expression are one
 * object, so that whatever asks later compares pointers or indexes.
 */
#include "core/regular_parts.h"

#include <stdlib.h>

static int compare_ranges(const void *a, const void *b)
{
    uint32_t left = ((const struct code_range *)a)->first;
    uint32_t right = ((const struct code_range *)b)->first;

    return left < right ? -1 : left > right;
}

/* Sorts, and joins what overlaps or touches; the count that is left. */
static uint32_t tidy(struct code_range *ranges, uint32_t count)
{
    uint32_t kept = 0;

    if (count == 0) {
        return 0;
    }
    qsort(ranges, count, sizeof(*ranges), compare_ranges);
    for (uint32_t i = 1; i < count; i++) {
        if (ranges[i].first > ranges[kept].last + 1) {
            ranges[++kept] = ranges[i];
        } else if (ranges[i].last > ranges[kept].last) {
            ranges[kept].last = ranges[i].last;
        }
    }
    return kept + 1;
}

/* The gaps between tidy ranges, into `out`, which has room for one more than there are. */
static uint32_t complement(const struct code_range *ranges, uint32_t count, struct code_range *out)
{
    uint32_t next = 0; /* the first code point not yet placed */
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].first > next) {
            out[kept++] = (struct code_range){next, ranges[i].first - 1};
        }
        next = ranges[i].last + 1;
    }
    if (next <= REGULAR_CODE_MAX) {
        out[kept++] = (struct code_range){next, REGULAR_CODE_MAX};
    }
    return kept;
}

static const struct codes *find(const struct codes_table *table, const struct code_range *ranges,
                                uint32_t count)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct codes *codes = table->sets[i];
        if (codes->count == count &&
            (count == 0 || memcmp(codes->ranges, ranges, count * sizeof(*ranges)) == 0)) {
            return codes;
        }
    }
    return NULL;
}

static const struct codes *add(struct codes_table *table, const struct code_range *ranges,
                               uint32_t count)
{
    struct code_range *copy = nx_arena_array(table->arena, count, sizeof(*copy));
    struct codes *codes = nx_arena_alloc(table->arena, sizeof(*codes));

    if (copy == NULL || codes == NULL || table->count == REGULAR_SETS_MAX) {
        return NULL;
    }
    if (count > 0) {
        memcpy(copy, ranges, count * sizeof(*ranges));
    }
    *codes = (struct codes){.ranges = copy, .count = count, .id = table->count};
    table->sets[table->count++] = codes;
    return codes;
}

const struct codes *nx_codes_make(struct codes_table *table, struct code_range *ranges,
                                  uint32_t count, bool negated)
{
    const struct codes *codes;

    count = tidy(ranges, count);
    if (negated) {
        struct code_range *others = nx_arena_array(table->arena, count + 1, sizeof(*others));
        if (others == NULL) {
            return NULL;
        }
        count = complement(ranges, count, others);
        ranges = others;
    }
    codes = find(table, ranges, count);
    return codes != NULL ? codes : add(table, ranges, count);
}

bool nx_codes_contain(const struct code_range *ranges, uint32_t count, uint32_t code)
{
    uint32_t low = 0;

    while (count > 0) {
        uint32_t half = count / 2;
        if (code > ranges[low + half].last) {
            low += half + 1;
            count -= half + 1;
        } else if (code >= ranges[low + half].first) {
            return true;
        } else {
            count = half;
        }
    }
    return false;
}

bool nx_codes_meet(const struct codes *a, const struct codes *b)
{
    uint32_t i = 0;
    uint32_t j = 0;

    while (i < a->count && j < b->count) {
        if (a->ranges[i].last < b->ranges[j].first) {
            i++;
        } else if (b->ranges[j].last < a->ranges[i].first) {
            j++;
        } else {
            return true;
        }
    }
    return false;
}

uint32_t nx_codes_single(const struct codes *codes)
{
    return codes->count == 1 && codes->ranges[0].first == codes->ranges[0].last
               ? codes->ranges[0].first
               : REGULAR_CODE_MAX + 1;
}
