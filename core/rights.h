/*
 * rights.h - what an identity may do, as a list of topic patterns that a person can read. The
 * decisions themselves are made in core/policy.c; this says which of them a pattern stands for.
 *
 * In a pattern `+` is one level that does not begin with `_`; of a stream's domain only those that
 * the city has.
 */
#ifndef NX_RIGHTS_H
#define NX_RIGHTS_H

#include "core/policy.h"

enum nx_access { NX_ACCESS_PUBLISH, NX_ACCESS_RECEIVE, NX_ACCESS_SUBSCRIBE };

/* "publish", "receive", "subscribe". */
const char *nx_access_name(enum nx_access access);
bool nx_access_find(struct nx_span name, enum nx_access *out);

/* Where operators ask the plugin, and where it answers. */
#define NX_CONTROL_TOPIC    "$CONTROL/nexus/v1"
#define NX_CONTROL_RESPONSE NX_CONTROL_TOPIC "/response"

/* Does the topic or filter lie wholly below $CONTROL/nexus/? Nobody else has a say there. */
bool nx_control_owns(struct nx_span topic_or_filter);

/* May the subject do this with a topic, or a filter, that nx_control_owns? Operators only. */
bool nx_control_allows(const struct nx_subject *subject, enum nx_access access,
                       struct nx_span topic_or_filter);

struct nx_right {
    struct nx_span pattern; /* "nexus/birmingham/air/BMLD/observation"; valid during the call */
    /* "air/{asset}": the entry of the identity's assets that grants it; empty: its role does */
    struct nx_asset_pattern entry;
};

/*
 * Hands each right of the subject to `each` until that returns false. Of NX_ACCESS_SUBSCRIBE they
 * are those of NX_ACCESS_RECEIVE.
 */
void nx_rights_each(const struct nx_config *config, const struct nx_city *city,
                    const struct nx_subject *subject, enum nx_access access,
                    bool (*each)(void *ctx, const struct nx_right *right), void *ctx);

enum { NX_RULE_SIZE = 512 };

/*
 * The first right that takes `topic` (of NX_ACCESS_SUBSCRIBE: that shares a topic with this
 * filter) in words, with its row of city.json; false and "" when there is none.
 */
bool nx_rights_rule(const struct nx_config *config, const struct nx_city *city,
                    const struct nx_subject *subject, enum nx_access access, struct nx_span topic,
                    char out[NX_RULE_SIZE]);

#endif
