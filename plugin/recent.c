/*
 * recent.c - a two-way cache of topics by the hash of their text. Fixed size: a topic that is
 * evicted is parsed again, which costs no more however many there are, and no memory.
 */
#include "plugin/recent.h"

#include "core/base/map.h"

#include <stdlib.h>

enum { SET_BITS = 14, SET_COUNT = 1 << SET_BITS };

struct set {
    struct nx_recent ways[2];
};

struct nx_recents {
    struct nx_recent *last; /* found by the call before, or NULL */
    uint64_t seed;
    uint64_t serial;                /* the highest that was given */
    struct nx_recent passing;       /* what is too long to be kept */
    unsigned char older[SET_COUNT]; /* of each set, the way that was not used last */
    struct set sets[SET_COUNT];
};

struct nx_recents *nx_recents_new(uint64_t seed)
{
    struct nx_recents *recents = calloc(1, sizeof(*recents)); /* touched as topics come */

    if (recents != NULL) {
        recents->seed = seed;
    }
    return recents;
}

void nx_recents_free(struct nx_recents *recents)
{
    free(recents);
}

static bool is_valid(const struct nx_recent *recent, uint64_t generation, uint64_t hash,
                     struct nx_span text)
{
    return recent->hash == hash && recent->generation == generation &&
           recent->text_len == text.len && memcmp(recent->text, text.ptr, text.len) == 0;
}

/* Takes `text` apart into *recent, which keeps a copy of it unless it is too long. */
__attribute__((noinline)) static void fill(struct nx_recents *recents, struct nx_recent *recent,
                                           const struct nx_city *city, uint64_t generation,
                                           uint64_t hash, struct nx_span text)
{
    recent->generation = 0;
    if (nx_span_copy(text, recent->text, sizeof(recent->text))) {
        recent->generation = generation;
        text.ptr = recent->text;
    }
    recent->hash = hash;
    recent->serial = ++recents->serial;
    recent->text_len = (uint32_t)text.len;
    (void)nx_topic_parse(text, &recent->topic, NULL);
    recent->pattern = nx_policy_pattern(city, &recent->topic);
    recent->domain =
        recent->topic.kind == NX_TOPIC_STREAM ? nx_city_domain(city, recent->topic.domain) : NULL;
}

static const struct nx_recent *look_up(struct nx_recents *recents, const struct nx_city *city,
                                       uint64_t generation, struct nx_span text)
{
    uint64_t hash = nx_hash(text, recents->seed);
    size_t at = hash >> (64 - SET_BITS);
    struct nx_recent *ways = recents->sets[at].ways, *found;

    if (text.len >= NX_RECENT_TEXT_SIZE) {
        fill(recents, &recents->passing, city, generation, hash, text);
        return &recents->passing;
    }
    if (is_valid(&ways[0], generation, hash, text)) {
        found = &ways[0];
    } else if (is_valid(&ways[1], generation, hash, text)) {
        found = &ways[1];
    } else {
        found = &ways[recents->older[at]];
        fill(recents, found, city, generation, hash, text);
    }
    recents->older[at] = found == &ways[0];
    recents->last = found;
    return found;
}

const struct nx_recent *nx_recents_find(struct nx_recents *recents, const struct nx_city *city,
                                        uint64_t generation, const char *text)
{
    const struct nx_recent *last = recents->last;

    if (last != NULL && last->generation == generation && strcmp(last->text, text) == 0) {
        return last;
    }
    return look_up(recents, city, generation, nx_span_from(text));
}
