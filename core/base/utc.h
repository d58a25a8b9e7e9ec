/*
 * utc.h - Unix milliseconds as RFC 3339 text in UTC. Pure: the time is an argument.
 */
#ifndef NX_BASE_UTC_H
#define NX_BASE_UTC_H

#include <stdint.h>

enum { NX_UTC_SIZE = 32 }; /* bytes of "2026-01-31T15:00:00.000Z" with room for far years */

/* Writes "2026-01-31T15:00:00.000Z" into `out` and returns it. */
const char *nx_utc_format(int64_t unix_ms, char out[NX_UTC_SIZE]);

/* The same for the name of a file, without colons and fraction: "20260131T150000Z". */
const char *nx_utc_stamp(int64_t unix_ms, char out[NX_UTC_SIZE]);

#endif
