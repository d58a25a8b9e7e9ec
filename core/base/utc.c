/*
 * utc.c - Unix milliseconds as text.
 */
#include "core/base/utc.h"

#include <stdio.h>
#include <time.h>

static void utc_split(int64_t unix_ms, struct tm *tm, int *ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);

    *ms = (int)(unix_ms % 1000);
    if (*ms < 0) {
        *ms += 1000;
        seconds--;
    }
    *tm = (struct tm){0};
    (void)gmtime_r(&seconds, tm);
}

const char *nx_utc_format(int64_t unix_ms, char out[NX_UTC_SIZE])
{
    struct tm tm;
    size_t len;
    int ms;

    utc_split(unix_ms, &tm, &ms);
    len = strftime(out, NX_UTC_SIZE - 5, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + len, NX_UTC_SIZE - len, ".%03dZ", ms);
    return out;
}

const char *nx_utc_stamp(int64_t unix_ms, char out[NX_UTC_SIZE])
{
    struct tm tm;
    int ms;

    utc_split(unix_ms, &tm, &ms);
    if (strftime(out, NX_UTC_SIZE, "%Y%m%dT%H%M%SZ", &tm) == 0) {
        out[0] = '\0';
    }
    return out;
}
