/*
 * rate.h - one log line in a while instead of a flood: says whether to write now, and how many
 * were kept back since the last one.
 */
#ifndef NX_BRIDGE_RATE_H
#define NX_BRIDGE_RATE_H

#include <stdbool.h>
#include <stdint.h>

enum { NX_RATE_PERIOD_MS = 10000 };

struct nx_rate {
    uint64_t next_ms; /* 0: at once */
    uint64_t held;    /* kept back since the last line */
};

/* *held: how many lines were kept back before this one. */
static inline bool nx_rate_allows(struct nx_rate *rate, uint64_t now_ms, uint64_t *held)
{
    if (now_ms < rate->next_ms) {
        rate->held++;
        return false;
    }
    *held = rate->held;
    rate->held = 0;
    rate->next_ms = now_ms + NX_RATE_PERIOD_MS;
    return true;
}

#endif
