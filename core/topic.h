/*
 * topic.h - the federation's topics and MQTT topic filters. Pure text: allocates nothing.
 *
 *     nexus/<city>/<domain>/<asset>/<channel>      a stream: exactly five levels
 *     nexus/<city>/_status/<component>             nexus/<city>/_rejected/<domain>/<asset>
 *     nexus/<city>/_catalogue/<domain>/<asset>     nexus/_deliver/<from>
 *     nexus/_link/<from>/<to>[/ack]
 */
#ifndef NX_TOPIC_H
#define NX_TOPIC_H

#include "core/base/span.h"

enum nx_topic_kind {
    NX_TOPIC_OUTSIDE,   /* not below nexus/: the city's own affair */
    NX_TOPIC_MALFORMED, /* below nexus/, but of none of the shapes below */
    NX_TOPIC_STREAM,
    NX_TOPIC_STATUS,
    NX_TOPIC_REJECTED,
    NX_TOPIC_CATALOGUE,
    NX_TOPIC_DELIVER,
    NX_TOPIC_LINK,
    NX_TOPIC_LINK_ACK,
};

enum nx_channel {
    NX_CHANNEL_NONE,
    NX_CHANNEL_OBSERVATION, /* the reading in the format of the broker's own city */
    NX_CHANNEL_ORIGINAL,    /* at a peer's broker: the owner's bytes, verbatim */
    NX_CHANNEL_CANONICAL,   /* the federation's form */
};

struct nx_topic {
    enum nx_topic_kind kind;
    enum nx_channel channel;
    struct nx_span city;      /* stream, status, rejected, catalogue; `from` of deliver and link */
    struct nx_span to;        /* link */
    struct nx_span domain;    /* stream, rejected, catalogue ("_" in rejected: none) */
    struct nx_span asset;     /* the same */
    struct nx_span component; /* status */
};

enum { NX_TOPIC_MAX = 65535 }; /* bytes; MQTT 5 section 1.5.4 */

/* Parses a topic name. The spans point into `text`. `why` (may be NULL) says what is malformed. */
enum nx_topic_kind nx_topic_parse(struct nx_span text, struct nx_topic *out, const char **why);

const char *nx_channel_name(enum nx_channel channel);

/* City and domain: [a-z][a-z0-9-]{1,31}. Asset: [A-Za-z0-9][A-Za-z0-9_-]{0,63}. */
bool nx_name_is_city(struct nx_span s);
bool nx_name_is_asset(struct nx_span s);

/* Is it a well-formed topic filter (MQTT 5 section 4.7.1)? */
bool nx_filter_valid(struct nx_span filter);

/* `$share/<group>/<filter>` without its first two levels (MQTT 5 section 4.8.2); else as it is. */
struct nx_span nx_filter_unshare(struct nx_span filter);

/* Does the filter take this topic? `$`-topics are taken by no leading wildcard (4.7.2). */
bool nx_filter_matches(struct nx_span filter, struct nx_span topic);

/* Is there a topic that both filters take? */
bool nx_filter_intersects(struct nx_span a, struct nx_span b);

#endif
