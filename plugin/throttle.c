/*
 * throttle.c - a token bucket for each identity, in bounded memory.
 *
 * A bucket that has refilled knows nothing worth keeping, so when the table is full those are
 * dropped. If none is, the newcomer shares one bucket with its like: a flood of names cannot
 * buy a flood of reports.
 */
#include "plugin/throttle.h"

#include "core/base/map.h"

#include <stdlib.h>

enum {
    COST_MS = 1000,               /* one report a second ... */
    CREDIT_MS_MAX = 20 * COST_MS, /* ... after 20 at once */
    IDENTITIES_MAX = 4096,
    NAME_BYTES_MAX = 256, /* a longer name shares the common bucket */
    SWEEP_INTERVAL_MS = 1000,
    QUIET_MS = 2 * COST_MS, /* the next one would have told of those before it */
};

struct entry {
    struct nx_bucket bucket;
    char name[];
};

struct nx_throttle {
    struct nx_map entries;
    struct nx_bucket common;
    uint64_t swept_ms;
};

void nx_bucket_init(struct nx_bucket *bucket, uint64_t now_ms)
{
    *bucket = (struct nx_bucket){.credit_ms = CREDIT_MS_MAX, .last_ms = now_ms};
}

static void refill(struct nx_bucket *bucket, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms > bucket->last_ms ? now_ms - bucket->last_ms : 0;
    uint64_t room_ms = CREDIT_MS_MAX - bucket->credit_ms;

    bucket->credit_ms += passed_ms < room_ms ? passed_ms : room_ms;
    bucket->last_ms = now_ms;
}

bool nx_bucket_take(struct nx_bucket *bucket, uint64_t now_ms, uint64_t *suppressed)
{
    refill(bucket, now_ms);
    if (bucket->credit_ms < COST_MS) {
        bucket->suppressed++;
        return false;
    }
    bucket->credit_ms -= COST_MS;
    *suppressed = bucket->suppressed;
    bucket->suppressed = 0;
    return true;
}

struct nx_throttle *nx_throttle_new(uint64_t seed, uint64_t now_ms)
{
    struct nx_throttle *throttle = calloc(1, sizeof(*throttle));

    if (throttle != NULL) {
        nx_map_init(&throttle->entries, IDENTITIES_MAX, seed);
        nx_bucket_init(&throttle->common, now_ms);
        throttle->swept_ms = now_ms;
    }
    return throttle;
}

void nx_throttle_free(struct nx_throttle *throttle)
{
    struct nx_span key;
    size_t at = 0;
    void *entry;

    if (throttle == NULL) {
        return;
    }
    while (nx_map_next(&throttle->entries, &at, &key, &entry)) {
        free(entry);
    }
    nx_map_fini(&throttle->entries);
    free(throttle);
}

/* Moves the entries that still matter into a fresh map: removing while walking would skip some. */
static void sweep(struct nx_throttle *throttle, uint64_t now_ms)
{
    struct nx_map kept;
    struct nx_span key;
    size_t at = 0;
    void *value;

    nx_map_init(&kept, IDENTITIES_MAX, throttle->entries.seed);
    while (nx_map_next(&throttle->entries, &at, &key, &value)) {
        struct entry *entry = value;

        refill(&entry->bucket, now_ms);
        if (entry->bucket.credit_ms == CREDIT_MS_MAX || nx_map_put(&kept, key, entry) != NX_OK) {
            free(entry);
        }
    }
    nx_map_fini(&throttle->entries);
    throttle->entries = kept;
    throttle->swept_ms = now_ms;
}

/* A new entry under a copy of `identity`, or NULL: no room, no memory. */
static struct entry *add(struct nx_throttle *throttle, struct nx_span identity, uint64_t now_ms)
{
    struct entry *entry;

    if (throttle->entries.count >= IDENTITIES_MAX &&
        now_ms >= throttle->swept_ms + SWEEP_INTERVAL_MS) {
        sweep(throttle, now_ms);
    }
    if (throttle->entries.count >= IDENTITIES_MAX) {
        return NULL;
    }
    entry = malloc(sizeof(*entry) + identity.len + 1);
    if (entry == NULL) {
        return NULL;
    }
    nx_bucket_init(&entry->bucket, now_ms);
    if (identity.len > 0) {
        memcpy(entry->name, identity.ptr, identity.len);
    }
    entry->name[identity.len] = '\0';
    if (nx_map_put(&throttle->entries, (struct nx_span){entry->name, identity.len}, entry) !=
        NX_OK) {
        free(entry);
        return NULL;
    }
    return entry;
}

bool nx_throttle_take(struct nx_throttle *throttle, struct nx_span identity, uint64_t now_ms,
                      uint64_t *suppressed)
{
    struct entry *entry = NULL;

    if (identity.len <= NAME_BYTES_MAX) {
        entry = nx_map_get(&throttle->entries, identity);
        if (entry == NULL) {
            entry = add(throttle, identity, now_ms);
        }
    }
    return nx_bucket_take(entry != NULL ? &entry->bucket : &throttle->common, now_ms, suppressed);
}

bool nx_throttle_settled(const struct nx_throttle *throttle, size_t *at, uint64_t now_ms,
                         struct nx_span *identity, uint64_t *suppressed)
{
    void *value;

    while (nx_map_next(&throttle->entries, at, identity, &value)) {
        const struct nx_bucket *bucket = &((const struct entry *)value)->bucket;

        if (bucket->suppressed > 0 && now_ms >= bucket->last_ms + QUIET_MS) {
            *suppressed = bucket->suppressed;
            return true;
        }
    }
    return false;
}

void nx_throttle_settle(struct nx_throttle *throttle, struct nx_span identity, uint64_t now_ms)
{
    struct entry *entry = nx_map_get(&throttle->entries, identity);
    uint64_t suppressed;

    if (entry != NULL) {
        (void)nx_bucket_take(&entry->bucket, now_ms, &suppressed);
    }
}

/* Who has no bucket has a full one; the common one is nobody's to fill. */
void nx_throttle_earn(struct nx_throttle *throttle, struct nx_span identity, unsigned count)
{
    struct entry *entry = nx_map_get(&throttle->entries, identity);

    if (entry != NULL) {
        uint64_t credit_ms = entry->bucket.credit_ms + (uint64_t)count * COST_MS;

        entry->bucket.credit_ms = credit_ms < CREDIT_MS_MAX ? credit_ms : CREDIT_MS_MAX;
    }
}
