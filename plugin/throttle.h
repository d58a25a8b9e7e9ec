/*
 * throttle.h - how often something may be told. A token bucket: a burst at once, then a steady
 * rate; what it holds back is counted and handed to the next that passes. Time is an argument.
 */
#ifndef NX_PLUGIN_THROTTLE_H
#define NX_PLUGIN_THROTTLE_H

#include "core/base/span.h"

#include <stdint.h>

struct nx_bucket {
    uint64_t credit_ms; /* refills with time, up to the burst */
    uint64_t last_ms;
    uint64_t suppressed; /* held back since the last that passed */
};

/* A full bucket at `now_ms`. */
void nx_bucket_init(struct nx_bucket *bucket, uint64_t now_ms);

/*
 * May one more pass? If so *suppressed says how many were held back before it. 20 at once, then
 * one each second.
 */
bool nx_bucket_take(struct nx_bucket *bucket, uint64_t now_ms, uint64_t *suppressed);

/* One bucket for each identity, for at most 4,096 of them; further ones share one. */
struct nx_throttle;

/* NULL when memory is out. */
struct nx_throttle *nx_throttle_new(uint64_t seed, uint64_t now_ms);
void nx_throttle_free(struct nx_throttle *throttle);

bool nx_throttle_take(struct nx_throttle *throttle, struct nx_span identity, uint64_t now_ms,
                      uint64_t *suppressed);

/*
 * Walks the identities of which some were held back and none came since, for two seconds: who it is
 * and how many. `*at` starts at 0; false at the end. Those that share a bucket are left out.
 */
bool nx_throttle_settled(const struct nx_throttle *throttle, size_t *at, uint64_t now_ms,
                         struct nx_span *identity, uint64_t *suppressed);
/* One of these was told: it counts as a message, and none are held back any more. */
void nx_throttle_settle(struct nx_throttle *throttle, struct nx_span identity, uint64_t now_ms);

/* The identity has earned so many more, up to a full bucket. */
void nx_throttle_earn(struct nx_throttle *throttle, struct nx_span identity, unsigned count);

#endif
