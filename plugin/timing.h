/*
 * timing.h - how long decisions take, as a histogram with a bucket for each power of two. One in
 * NX_TIMING_EVERY is timed: reading the clock twice costs about 50 ns, which is then less than one
 * nanosecond a decision.
 */
#ifndef NX_PLUGIN_TIMING_H
#define NX_PLUGIN_TIMING_H

#include <stdbool.h>
#include <stdint.h>

enum { NX_TIMING_EVERY = 64, NX_TIMING_BUCKETS = 40 };

struct nx_timing {
    uint64_t decisions;
    uint64_t timed;
    uint64_t buckets[NX_TIMING_BUCKETS]; /* n: at least 2^(n-1) and below 2^n ns; 0: 0 ns */
};

/* Counts a decision that begins now; is it one to be timed? */
static inline bool nx_timing_begin(struct nx_timing *timing)
{
    return timing->decisions++ % NX_TIMING_EVERY == 0;
}

static inline void nx_timing_add(struct nx_timing *timing, uint64_t ns)
{
    unsigned bucket = ns == 0 ? 0 : 64 - (unsigned)__builtin_clzll(ns);

    timing->timed++;
    timing->buckets[bucket < NX_TIMING_BUCKETS ? bucket : NX_TIMING_BUCKETS - 1]++;
}

#endif
