/*
 * zone.c - looking up a zone's table. Pure.
 */
#include "lens/zone.h"

#include <stdlib.h>

/* A bucket is 2^24 seconds, 194 days: clocks change once or twice in it. */
enum { BUCKET_BITS = 24, BUCKETS = (NX_ZONE_END >> BUCKET_BITS) + 1 };

struct nx_zone {
    size_t count;
    uint32_t first[BUCKETS]; /* the span in which each begins */
    struct nx_zone_span spans[];
};

static void fill_buckets(struct nx_zone *zone)
{
    uint32_t span = 0;

    for (uint32_t i = 0; i < BUCKETS; i++) {
        int64_t begin = (int64_t)i << BUCKET_BITS;
        while (span + 1 < zone->count && zone->spans[span + 1].utc_from <= begin) {
            span++;
        }
        zone->first[i] = span;
    }
}

struct nx_zone *nx_zone_new(const struct nx_zone_span *spans, size_t count)
{
    struct nx_zone *zone = malloc(sizeof(*zone) + count * sizeof(spans[0]));

    if (zone != NULL) {
        zone->count = count;
        memcpy(zone->spans, spans, count * sizeof(spans[0]));
        fill_buckets(zone);
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
    size_t bucket = utc_seconds > 0 ? (size_t)(utc_seconds >> BUCKET_BITS) : 0;
    size_t span = zone->first[bucket < BUCKETS ? bucket : BUCKETS - 1];

    while (span + 1 < zone->count && zone->spans[span + 1].utc_from <= utc_seconds) {
        span++;
    }
    return span;
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
