/*
 * subjects.c - a direct-mapped cache from a client's address to its identity. Fixed size: a
 * collision costs a search, never memory.
 */
#include "plugin/subjects.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOT_BITS = 11,
    SLOT_COUNT = 1 << SLOT_BITS,
    NAME_MAX_CACHED = 112, /* longer usernames are looked up each time */
};

struct slot {
    const void *client; /* NULL: free */
    uint64_t generation;
    struct nx_subject subject; /* its capture points into name */
    char name[NAME_MAX_CACHED];
};

struct nx_subjects {
    struct nx_subject passing; /* of who is not cached */
    struct slot slots[SLOT_COUNT];
};

struct nx_subjects *nx_subjects_new(void)
{
    return calloc(1, sizeof(struct nx_subjects));
}

void nx_subjects_free(struct nx_subjects *subjects)
{
    free(subjects);
}

/* Multiplicative hashing (Knuth, TAOCP 6.4); heap addresses are multiples of 16. */
static struct slot *slot_of(struct nx_subjects *subjects, const void *client)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)client >> 4) * UINT64_C(0x9E3779B97F4A7C15);

    return &subjects->slots[mixed >> (64 - SLOT_BITS)];
}

const struct nx_subject *nx_subjects_find(struct nx_subjects *subjects, const struct nx_city *city,
                                          uint64_t generation, const void *client,
                                          const char *username)
{
    struct slot *slot = slot_of(subjects, client);

    if (username == NULL) {
        subjects->passing = (struct nx_subject){0};
        return &subjects->passing;
    }
    if (slot->client == client && slot->generation == generation &&
        strcmp(slot->name, username) == 0) {
        return &slot->subject;
    }
    if (client == NULL || !nx_span_copy(nx_span_from(username), slot->name, sizeof(slot->name))) {
        slot->client = NULL;
        subjects->passing = nx_policy_subject(city, nx_span_from(username));
        return &subjects->passing;
    }
    slot->client = client;
    slot->generation = generation;
    slot->subject = nx_policy_subject(city, nx_span_from(slot->name));
    return &slot->subject;
}

void nx_subjects_forget(struct nx_subjects *subjects, const void *client)
{
    struct slot *slot = slot_of(subjects, client);

    if (slot->client == client) {
        slot->client = NULL;
    }
}
