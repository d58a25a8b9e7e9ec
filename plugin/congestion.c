/*
 * congestion.c - counts records between the sleeps of the broker's loop.
 */
#include "plugin/congestion.h"

uint32_t nx_congestion_wait_ms(struct nx_congestion *congestion, uint64_t sleeps, uint64_t records,
                               uint64_t now_ms)
{
    uint64_t wait_ms;

    if (sleeps != congestion->sleeps || congestion->records == 0) {
        congestion->sleeps = sleeps;
        congestion->records = 0;
        congestion->awake_ms = now_ms;
    }
    congestion->records += records;
    if (congestion->records < NX_CONGESTION_RECORDS || now_ms < congestion->told_ms) {
        return 0;
    }
    wait_ms = (now_ms - congestion->awake_ms) / 2;
    wait_ms = wait_ms > NX_CONGESTION_WAIT_MS_MIN ? wait_ms : NX_CONGESTION_WAIT_MS_MIN;
    wait_ms = wait_ms < NX_CONGESTION_WAIT_MS_MAX ? wait_ms : NX_CONGESTION_WAIT_MS_MAX;
    congestion->told_ms = now_ms + wait_ms;
    return (uint32_t)wait_ms;
}
