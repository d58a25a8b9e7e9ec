/*
 * offenders.c - counts refusals by client in a small table, and queues who has had too many.
 *
 * A window begins with a client's first refusal and ends so many seconds later. Where a set of
 * the table is full, the client whose window began first gives way.
 */
#include "plugin/offenders.h"

#include "core/base/span.h"

#include <stdlib.h>

enum { SET_BITS = 8, SET_COUNT = 1 << SET_BITS, WAYS = 4, QUEUE_MAX = 64 };

enum weight { USELESS = 1, REFUSAL = 64 };

struct offender {
    const void *client; /* NULL: free */
    uint64_t since_ms;
    uint64_t weight;
};

struct nx_offenders {
    uint32_t refusals_max;
    uint64_t window_ms;
    struct offender sets[SET_COUNT][WAYS];
    struct {
        const void *client;
        char *client_id;
    } queue[QUEUE_MAX];
    unsigned queued;
};

struct nx_offenders *nx_offenders_new(uint32_t refusals, uint32_t seconds)
{
    struct nx_offenders *offenders = calloc(1, sizeof(*offenders));

    if (offenders != NULL) {
        offenders->refusals_max = refusals;
        offenders->window_ms = (uint64_t)seconds * 1000;
    }
    return offenders;
}

void nx_offenders_free(struct nx_offenders *offenders)
{
    if (offenders != NULL) {
        for (unsigned i = 0; i < offenders->queued; i++) {
            free(offenders->queue[i].client_id);
        }
        free(offenders);
    }
}

static struct offender *set_of(struct nx_offenders *offenders, const void *client)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)client >> 4) * UINT64_C(0x9E3779B97F4A7C15);

    return offenders->sets[mixed >> (64 - SET_BITS)];
}

/* The client's entry, or the one that gives way to it. */
static struct offender *entry_of(struct nx_offenders *offenders, const void *client)
{
    struct offender *set = set_of(offenders, client);
    struct offender *entry = &set[0];

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].client == client) {
            return &set[i];
        }
        if (set[i].client == NULL || (entry->client != NULL && set[i].since_ms < entry->since_ms)) {
            entry = &set[i];
        }
    }
    return entry;
}

static bool is_queued(const struct nx_offenders *offenders, const void *client)
{
    for (unsigned i = 0; i < offenders->queued; i++) {
        if (offenders->queue[i].client == client) {
            return true;
        }
    }
    return false;
}

/* No room or no memory: the next refusal tries again. */
static void enqueue(struct nx_offenders *offenders, const void *client, const char *client_id)
{
    char *copy;

    if (offenders->queued == QUEUE_MAX || is_queued(offenders, client)) {
        return;
    }
    copy = nx_span_dup(nx_span_from(client_id));
    if (copy != NULL) {
        offenders->queue[offenders->queued].client = client;
        offenders->queue[offenders->queued].client_id = copy;
        offenders->queued++;
    }
}

static void note(struct nx_offenders *offenders, const void *client, const char *client_id,
                 uint64_t now_ms, enum weight weight)
{
    struct offender *entry;

    /* no identifier: there is no such client for the broker, and NULL would mean all of them */
    if (offenders->refusals_max == 0 || client == NULL || client_id == NULL) {
        return;
    }
    entry = entry_of(offenders, client);
    if (entry->client != client || now_ms - entry->since_ms > offenders->window_ms) {
        *entry = (struct offender){.client = client, .since_ms = now_ms};
    }
    entry->weight += weight;
    if (entry->weight >= (uint64_t)offenders->refusals_max * REFUSAL) {
        enqueue(offenders, client, client_id);
    }
}

void nx_offenders_note(struct nx_offenders *offenders, const void *client, const char *client_id,
                       uint64_t now_ms)
{
    note(offenders, client, client_id, now_ms, REFUSAL);
}

void nx_offenders_note_useless(struct nx_offenders *offenders, const void *client,
                               const char *client_id, uint64_t now_ms)
{
    note(offenders, client, client_id, now_ms, USELESS);
}

void nx_offenders_forget(struct nx_offenders *offenders, const void *client)
{
    struct offender *set = set_of(offenders, client);

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].client == client) {
            set[i] = (struct offender){0};
        }
    }
    for (unsigned i = 0; i < offenders->queued; i++) {
        if (offenders->queue[i].client == client) {
            free(offenders->queue[i].client_id);
            offenders->queue[i--] = offenders->queue[--offenders->queued];
        }
    }
}

bool nx_offenders_waiting(const struct nx_offenders *offenders)
{
    return offenders->queued > 0;
}

char *nx_offenders_take(struct nx_offenders *offenders)
{
    return offenders->queued > 0 ? offenders->queue[--offenders->queued].client_id : NULL;
}
