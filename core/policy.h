/*
 * policy.h - who may do what below nexus/: the table of roles and rights, decided from identity
 * and topic alone. Pure; allocates nothing.
 *
 * | role     | may publish                                   | may receive                          |
 * |----------|-----------------------------------------------|--------------------------------------|
 * | sensor   | observation of its own assets                 | its own assets, its own _rejected    |
 * | reader   | nothing                                       | observation, original, canonical,    |
 * |          |                                               | _status, _catalogue of all cities    |
 * | operator | nothing below nexus/ ($CONTROL is elsewhere)  | what a reader may, and _rejected     |
 * | bridge   | streams of the other cities, _deliver, this   | this city's streams, _link           |
 * |          | city's _status and _catalogue, _link          |                                      |
 * | link     | _deliver/<its city>, _link/<its city>/<here>, | its acknowledgements, the exchange   |
 * |          | its link's _status                            | addressed to it                      |
 */
#ifndef NX_POLICY_H
#define NX_POLICY_H

#include "core/config.h"
#include "core/topic.h"

/* An identity as found for one client: the row, and what its `{name}` captured. */
struct nx_subject {
    const struct nx_identity *identity; /* NULL: unknown, no rights */
    struct nx_span capture;             /* points into the username given */
};

/* Looks a username up in the city's identities; exact rows first, then captures in file order. */
struct nx_subject nx_policy_subject(const struct nx_city *city, struct nx_span username);

/* Appends an asset pattern with its capture put in: "air-{asset}" with BMLD is "air-BMLD". */
void nx_policy_add_asset(struct nx_buf *buf, struct nx_span pattern, struct nx_span capture);

enum nx_verdict {
    NX_ALLOWED,
    NX_DENIED_TOPIC,    /* below nexus/, but no topic of the federation */
    NX_DENIED_IDENTITY, /* the identity has no role here */
    NX_DENIED_CITY,     /* a stream of another city, or of none */
    NX_DENIED_DOMAIN,   /* a domain that this city does not have */
    NX_DENIED_ASSET,    /* another sensor's asset */
    NX_DENIED_CHANNEL,  /* a channel that this role does not write */
    NX_DENIED_ROLE,     /* a topic that only the federation writes, or reads */
};

/* The stable word for scripts and counters: "topic", "identity", "city", ... */
const char *nx_verdict_name(enum nx_verdict verdict);

/* May the subject publish on this topic of `city`'s broker? The topic is below nexus/. */
enum nx_verdict nx_policy_publish(const struct nx_config *config, const struct nx_city *city,
                                  const struct nx_subject *subject, const struct nx_topic *topic);

/* May the subject receive a message of this topic? */
enum nx_verdict nx_policy_receive(const struct nx_config *config, const struct nx_city *city,
                                  const struct nx_subject *subject, const struct nx_topic *topic);

/*
 * What nx_policy_receive looks at for all roles but sensor and link: a number below
 * NX_PATTERNS_MAX, the same for all topics that they have the same right to. Where
 * nx_policy_by_pattern, a decision on one topic holds for every topic of its pattern.
 */
enum { NX_PATTERNS_MAX = 64 };
unsigned nx_policy_pattern(const struct nx_city *city, const struct nx_topic *topic);
bool nx_policy_by_pattern(const struct nx_subject *subject);

enum nx_reach {
    NX_REACH_NONE,    /* nothing that the filter takes may be received: refuse */
    NX_REACH_NEXUS,   /* below nexus/ only, and some of it may be received: grant */
    NX_REACH_OUTSIDE, /* takes topics outside nexus/ too: not ours alone to decide */
};

/* What a subscription to `filter` (as the client sent it) reaches for this subject. */
enum nx_reach nx_policy_subscribe(const struct nx_config *config, const struct nx_city *city,
                                  const struct nx_subject *subject, struct nx_span filter);

/*
 * What a role other than sensor may receive: its n-th pattern, or NULL. `{city}` stands for this
 * broker's city, `{peer}` for a link's, `+` for a level that does not begin with `_`.
 */
const char *nx_policy_grant(enum nx_role role, size_t n);

/* Does the topic filter, or the topic, meet a pattern of that kind, its variables replaced? */
bool nx_policy_meets(struct nx_span filter, struct nx_span grant);

#endif
