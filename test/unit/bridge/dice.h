/*
 * dice.h - what a simulated world rolls: each run follows from its seed alone.
 */
#ifndef NX_TEST_DICE_H
#define NX_TEST_DICE_H

#include <stdint.h>

/* What world number `seed` begins with; never 0. */
static inline uint64_t dice_of(uint64_t seed)
{
    return seed * UINT64_C(0x9E3779B97F4A7C15);
}

/* xorshift64 (Marsaglia 2003): 0 .. sides - 1. */
static inline uint64_t dice_roll(uint64_t *dice, uint64_t sides)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice % sides;
}

#endif
