/*
 * recent.h - the topic that was looked at last, taken apart. A publish is one access check of its
 * sender and one of each receiver, all of the same topic, one right after the other: it is parsed
 * once for all of them.
 */
#ifndef NX_PLUGIN_RECENT_H
#define NX_PLUGIN_RECENT_H

#include "core/policy.h"

#include <stdint.h>

enum { NX_RECENT_TEXT_MAX = 256 };

struct nx_recent {
    uint64_t serial; /* of this topic; another one follows with each other text. From 1 */
    struct nx_topic topic;
    uint64_t domain_serial;         /* of the topic whose domain that is: */
    const struct nx_domain *domain; /* nx_recent_domain */
    unsigned pattern;               /* nx_policy_pattern of it */
    size_t text_len;                /* of the topic */
    char text[NX_RECENT_TEXT_MAX];
};

/*
 * The topic `text` of the broker of `city`; always `recent` itself. Its spans point into its own
 * text, or into `text` when that does not fit into it.
 */
const struct nx_recent *nx_recent_find(struct nx_recent *recent, const struct nx_city *city,
                                       const char *text);

/* The city's domain of a stream, NULL of anything else; looked up for publishes only. */
const struct nx_domain *nx_recent_domain(struct nx_recent *recent, const struct nx_city *city);

/* What was found before is no more: the configuration is another one. */
void nx_recent_forget(struct nx_recent *recent);

#endif
