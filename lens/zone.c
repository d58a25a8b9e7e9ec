/*
 * zone.c - looking up a zone's table. Pure.
 */
#include "lens/zone.h"

#include <stdlib.h>

struct nx_zone {
    size_t count;
    struct nx_zone_span spans[];
};

struct nx_zone *nx_zone_new(const struct nx_zone_span *spans, size_t count)
{
    struct nx_zone *zone = malloc(sizeof(*zone) + count * sizeof(spans[0]));

    if (zone != NULL) {
        zone->count = count;
        memcpy(zone->spans, spans, count * sizeof(spans[0]));
    }
    return zone;
}

void nx_zone_free(struct nx_zone *zone)
{
    free(zone);
}

/* The span that holds an instant; the first for what lies before it. */
static size_t span_at(const struct nx_zone *zone, int64_t utc_seconds)
{
    size_t low = 0, high = zone->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->spans[middle].utc_from <= utc_seconds) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

int32_t nx_zone_offset(const struct nx_zone *zone, int64_t utc_seconds)
{
    return zone->spans[span_at(zone, utc_seconds)].offset_s;
}

/*
 * A local time belongs to a span when, read with the span's offset, it falls into the span. The
 * candidates lie within a day of it, since no offset reaches a day.
 */
enum nx_zone_fit nx_zone_resolve(const struct nx_zone *zone, int64_t local_seconds,
                                 int64_t *utc_seconds)
{
    enum { DAY = 86400 };
    size_t first, last, found = 0;

    if (local_seconds < NX_ZONE_BEGIN + DAY || local_seconds >= NX_ZONE_END - DAY) {
        return NX_ZONE_OUTSIDE;
    }
    first = span_at(zone, local_seconds - DAY);
    last = span_at(zone, local_seconds + DAY);
    for (size_t i = first; i <= last; i++) {
        int64_t utc = local_seconds - zone->spans[i].offset_s;
        if (span_at(zone, utc) != i) {
            continue;
        }
        if (found++ == 0) {
            *utc_seconds = utc;
        }
    }
    if (found == 0) {
        return NX_ZONE_GAP;
    }
    return found == 1 ? NX_ZONE_ONCE : NX_ZONE_FOLD;
}
