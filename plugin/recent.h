/*
 * recent.h - topics that were looked at before, taken apart. A publish is one access check of its
 * sender and one of each receiver, all of the same topic one right after the other, and a sensor
 * publishes on the same few topics all its life: each is parsed once.
 *
 * What is remembered of a topic follows from its text and the configuration alone.
 */
#ifndef NX_PLUGIN_RECENT_H
#define NX_PLUGIN_RECENT_H

#include "core/policy.h"

#include <stdint.h>

enum { NX_RECENT_TEXT_SIZE = 152 }; /* the longest stream has 148 bytes */

/* One topic. What every message needs comes first, and lies on one line of the cache. */
struct nx_recent {
    uint64_t hash;
    uint64_t serial;                /* of this topic, never used again for another one. From 1 */
    const struct nx_domain *domain; /* the city's, of a stream; else NULL */
    uint32_t text_len;
    uint32_t pattern;    /* nx_policy_pattern of it */
    uint64_t generation; /* of the configuration; 0: free */
    struct nx_topic topic;
    char text[NX_RECENT_TEXT_SIZE];
};

struct nx_recents;

/* `seed` keys the hash. NULL when memory is out. */
struct nx_recents *nx_recents_new(uint64_t seed);
void nx_recents_free(struct nx_recents *recents);

/*
 * The topic `text` at the broker of `city`, as the configuration of that generation (from 1) sees
 * it; never NULL. Valid until the next call. Its spans point into its own text, or into `text` when
 * that is too long to be kept.
 */
const struct nx_recent *nx_recents_find(struct nx_recents *recents, const struct nx_city *city,
                                        uint64_t generation, const char *text);

#endif
