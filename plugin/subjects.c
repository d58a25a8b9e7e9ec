/*
 * subjects.c - a two-way cache from a client's address to its identity. Fixed size: a client that
 * is evicted is looked up again, which costs no more however many there are, and no memory.
 */
#include "plugin/subjects.h"

#include <stdlib.h>
#include <string.h>

enum {
    SET_BITS = 13,
    SET_COUNT = 1 << SET_BITS,
    NAME_MAX_CACHED = 96, /* longer usernames are looked up each time */
};

struct slot {
    const void *client; /* NULL: free */
    uint64_t generation;
    struct nx_known known; /* its capture points into name */
    char name[NAME_MAX_CACHED];
};

struct set {
    struct slot slots[2];
    unsigned older; /* of the two, the one that was not used last */
};

struct nx_subjects {
    struct nx_known passing; /* who is not cached */
    struct set sets[SET_COUNT];
};

struct nx_subjects *nx_subjects_new(void)
{
    return calloc(1, sizeof(struct nx_subjects)); /* touched as clients come */
}

void nx_subjects_free(struct nx_subjects *subjects)
{
    free(subjects);
}

/* Multiplicative hashing (Knuth, TAOCP 6.4); heap addresses are multiples of 16. */
static struct set *set_of(struct nx_subjects *subjects, const void *client)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)client >> 4) * UINT64_C(0x9E3779B97F4A7C15);

    return &subjects->sets[mixed >> (64 - SET_BITS)];
}

static bool is_valid(const struct slot *slot, uint64_t generation, const void *client,
                     const char *username)
{
    return slot->client == client && slot->generation == generation &&
           strcmp(slot->name, username) == 0;
}

static struct nx_known *pass(struct nx_subjects *subjects, const struct nx_city *city,
                             const char *username)
{
    subjects->passing =
        (struct nx_known){.subject = nx_policy_subject(city, nx_span_from(username)),
                          .username = nx_span_from(username)};
    return &subjects->passing;
}

/* Who is not among those that are known: looked up, and remembered in place of another. */
__attribute__((noinline)) static struct nx_known *learn(struct nx_subjects *subjects,
                                                        const struct nx_city *city,
                                                        uint64_t generation, const void *client,
                                                        const char *username)
{
    struct set *set = set_of(subjects, client);
    struct slot *slot;

    if (client == NULL || username == NULL) {
        return pass(subjects, city, username);
    }
    nx_subjects_forget(subjects, client); /* as it was known under another name */
    slot = &set->slots[set->slots[0].client == NULL ? 0 : set->older];
    slot->client = NULL;
    if (!nx_span_copy(nx_span_from(username), slot->name, sizeof(slot->name))) {
        return pass(subjects, city, username);
    }
    slot->client = client;
    slot->generation = generation;
    slot->known = (struct nx_known){.subject = nx_policy_subject(city, nx_span_from(slot->name)),
                                    .username = nx_span_from(slot->name)};
    set->older = slot == &set->slots[0] ? 1 : 0;
    return &slot->known;
}

struct nx_known *nx_subjects_find(struct nx_subjects *subjects, const struct nx_city *city,
                                  uint64_t generation, const void *client, const char *username)
{
    struct set *set = set_of(subjects, client);

    for (unsigned i = 0; i < 2 && client != NULL && username != NULL; i++) {
        if (is_valid(&set->slots[i], generation, client, username)) {
            set->older = 1 - i;
            return &set->slots[i].known;
        }
    }
    return learn(subjects, city, generation, client, username);
}

enum nx_verdict nx_known_publish(struct nx_known *known, const struct nx_config *config,
                                 const struct nx_city *city, const struct nx_recent *recent)
{
    if (known->publish_serial != recent->serial) {
        known->publish = nx_policy_publish(config, city, &known->subject, &recent->topic);
        known->publish_serial = recent->serial;
    }
    return known->publish;
}

enum nx_verdict nx_known_receive(struct nx_known *known, const struct nx_config *config,
                                 const struct nx_city *city, const struct nx_recent *recent)
{
    uint64_t bit = UINT64_C(1) << recent->pattern;

    if ((known->patterns_known & bit) != 0) {
        return (known->patterns_received & bit) != 0 ? NX_ALLOWED : NX_DENIED_ROLE;
    }
    if (known->receive_serial != recent->serial) {
        known->receive = nx_policy_receive(config, city, &known->subject, &recent->topic);
        known->receive_serial = recent->serial;
        if (nx_policy_by_pattern(&known->subject)) {
            known->patterns_known |= bit;
            known->patterns_received |= known->receive == NX_ALLOWED ? bit : 0;
        }
    }
    return known->receive;
}

void nx_subjects_forget(struct nx_subjects *subjects, const void *client)
{
    struct set *set = set_of(subjects, client);

    for (unsigned i = 0; i < 2; i++) {
        if (set->slots[i].client == client) {
            set->slots[i].client = NULL;
        }
    }
}
