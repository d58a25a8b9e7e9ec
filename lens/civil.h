/*
 * civil.h - dates and times as they are written. Pure arithmetic on the proleptic Gregorian
 * calendar; knows nothing of zones (lens/zone.h does) and nothing of now.
 */
#ifndef NX_CIVIL_H
#define NX_CIVIL_H

#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

struct nx_civil {
    int year; /* 0 to 9999 */
    int month, day, hour, minute, second;
};

/* A point in time: seconds since 1970-01-01T00:00:00Z and the digits behind the point. */
struct nx_instant {
    int64_t seconds;
    struct nx_span fraction; /* "250" of 12:00:00.250; empty: none. Points into the text read. */
};

enum { NX_CIVIL_TEXT_MAX = 64, NX_TIME_FIELDS = 6 };

/* Is there such a date and time? Hours 0 to 23, seconds 0 to 59. */
bool nx_civil_exists(const struct nx_civil *civil);

/* Seconds since 1970-01-01 00:00:00 on the same clock, and back. */
int64_t nx_civil_seconds(const struct nx_civil *civil);
struct nx_civil nx_civil_at(int64_t seconds);

/* RFC 3339 section 5.6, with its zone. NX_ERR_SYNTAX. A leap second is read as the next second. */
enum nx_err nx_instant_parse(struct nx_span text, struct nx_instant *out);

/* RFC 3339 in UTC: "2026-01-31T15:00:00Z". NX_ERR_LIMIT: outside the years 0 to 9999. */
enum nx_err nx_instant_format(struct nx_instant instant, char out[NX_CIVIL_TEXT_MAX],
                              struct nx_span *text);

/*
 * A pattern in the letters of Unicode TS 35 (dates): yyyy MM dd HH mm ss, each at most once and
 * always at full width, text in 'quotes', other characters as themselves. With `midnight_24` the
 * end of a day is written 24:00 (of the day that ends) instead of 00:00.
 */
struct nx_time_pattern {
    struct nx_span text; /* not owned */
    bool midnight_24;
    size_t len;                     /* of what it writes */
    char form[NX_CIVIL_TEXT_MAX];   /* what it writes, with any digits */
    char room[NX_CIVIL_TEXT_MAX];   /* 0x7F - the greatest digit there, which elsewhere is 0 */
    uint8_t places[NX_TIME_FIELDS]; /* 1 + where each field begins; 0: it has none */
};

/*
 * NX_ERR_INVALID: a letter that is not one of ours, a date or hour is not in it, or it is as long
 * as NX_CIVIL_TEXT_MAX.
 */
enum nx_err nx_time_pattern_compile(struct nx_span text, bool midnight_24,
                                    struct nx_time_pattern *out, struct nx_diag *diag);

/* Reads `text`, 24:00 as 00:00 of the next day. NX_ERR_SYNTAX: not of that form. NX_ERR_INVALID:
 * no such date or hour. */
enum nx_err nx_time_pattern_read(const struct nx_time_pattern *pattern, struct nx_span text,
                                 struct nx_civil *out);

/* Writes, with a NUL behind; what the pattern does not show is dropped. */
void nx_time_pattern_write(const struct nx_time_pattern *pattern, struct nx_civil civil,
                           char out[NX_CIVIL_TEXT_MAX], struct nx_span *text);

#endif
