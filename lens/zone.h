/*
 * zone.h - a time zone as a table of its offsets, read once and immutable after: translating a
 * reading asks a table, not a calendar. lens/zone_icu.c fills it from ICU's copy of the IANA
 * database; nothing else knows of ICU.
 */
#ifndef NX_ZONE_H
#define NX_ZONE_H

#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

struct nx_zone;

/* The years that a table holds, in seconds since 1970: [1970-01-01, 2200-01-01) UTC. */
#define NX_ZONE_BEGIN INT64_C(0)
#define NX_ZONE_END   INT64_C(7258118400)

/* From `utc_from` on, local time is UTC + offset_s. */
struct nx_zone_span {
    int64_t utc_from;
    int32_t offset_s;
};

/* Copies the table, ascending by utc_from, the first at NX_ZONE_BEGIN. NULL: memory is out. */
struct nx_zone *nx_zone_new(const struct nx_zone_span *spans, size_t count);
void nx_zone_free(struct nx_zone *zone);

/* By IANA name. NX_ERR_NOT_FOUND: no such zone. */
enum nx_err nx_zone_load(struct nx_span name, struct nx_zone **out, struct nx_diag *diag);

/* Local time's offset from UTC at an instant. */
int32_t nx_zone_offset(const struct nx_zone *zone, int64_t utc_seconds);

enum nx_zone_fit {
    NX_ZONE_ONCE,    /* the local time happened once */
    NX_ZONE_FOLD,    /* twice, as clocks went back: the first of the two is given */
    NX_ZONE_GAP,     /* never, as clocks went forward */
    NX_ZONE_OUTSIDE, /* outside the years of the table */
};

/* The instant of a local time, counted in seconds as if it were UTC. */
enum nx_zone_fit nx_zone_resolve(const struct nx_zone *zone, int64_t local_seconds,
                                 int64_t *utc_seconds);

#endif
