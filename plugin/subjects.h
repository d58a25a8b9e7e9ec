/*
 * subjects.h - remembers which identity a connected client is and what was decided for it last, so
 * that a delivery costs a few comparisons instead of a search.
 *
 * What is remembered is a function of the configuration's generation and the username's text
 * alone. Both are compared at every use: an entry can be out of date, evicted, or left behind by
 * a client whose address another one has now, and still no client gets another's rights.
 */
#ifndef NX_PLUGIN_SUBJECTS_H
#define NX_PLUGIN_SUBJECTS_H

#include "core/policy.h"
#include "plugin/recent.h"

#include <stdint.h>

struct nx_subjects;

/* One client as it is known. */
struct nx_known {
    struct nx_subject subject;
    struct nx_span username; /* as it was given; {NULL, 0}: anonymous */
    /* decisions on the topic with that serial (struct nx_recent); 0: none yet */
    uint64_t publish_serial, receive_serial;
    enum nx_verdict publish, receive;
    /* decisions on patterns of topics, a bit for each nx_policy_pattern */
    uint64_t patterns_known, patterns_received;
};

/* NULL when memory is out. */
struct nx_subjects *nx_subjects_new(void);
void nx_subjects_free(struct nx_subjects *subjects);

/*
 * The client, never NULL. `username` NULL (anonymous) has no identity. Valid until the next call,
 * and no longer than `username`.
 */
struct nx_known *nx_subjects_find(struct nx_subjects *subjects, const struct nx_city *city,
                                  uint64_t generation, const void *client, const char *username);

/* nx_policy_publish and nx_policy_receive, remembered. */
enum nx_verdict nx_known_publish(struct nx_known *known, const struct nx_config *config,
                                 const struct nx_city *city, const struct nx_recent *recent);
enum nx_verdict nx_known_receive(struct nx_known *known, const struct nx_config *config,
                                 const struct nx_city *city, const struct nx_recent *recent);

/* The client is gone. Its address is used as a key only. */
void nx_subjects_forget(struct nx_subjects *subjects, const void *client);

#endif
