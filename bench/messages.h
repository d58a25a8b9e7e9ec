/*
 * messages.h - many different messages made from one: the same stations' message at other times,
 * from other stations, with other values.
 */
#ifndef NX_BENCH_MESSAGES_H
#define NX_BENCH_MESSAGES_H

#include "bench/bench.h"

struct messages {
    struct nx_span *each;
    uint32_t count;
    struct nx_buf bytes; /* of all, one behind the other, each followed by a line feed */
};

/* The reference message alone. */
void messages_one(struct messages *out, struct nx_span reference);

/*
 * `count` messages, all different, from `reference`, determined by `seed`. Order and names of
 * members stay; identifiers, times, states and numbers vary, and so do their lengths.
 */
void messages_make(struct messages *out, struct nx_span reference, uint32_t count, uint64_t seed);

void messages_fini(struct messages *messages);

/* Bytes of one message, on average. */
double messages_mean_len(const struct messages *messages);

#endif
