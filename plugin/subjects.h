/*
 * subjects.h - remembers which identity a connected client is, so that a delivery costs one
 * comparison instead of a search.
 *
 * What is remembered is a function of the configuration's generation and the username's text
 * alone. Both are compared at every use: an entry can be out of date, evicted, or left behind by
 * a client whose address another one has now, and still no client gets another's rights.
 */
#ifndef NX_PLUGIN_SUBJECTS_H
#define NX_PLUGIN_SUBJECTS_H

#include "core/policy.h"

#include <stdint.h>

struct nx_subjects;

/* NULL when memory is out. */
struct nx_subjects *nx_subjects_new(void);
void nx_subjects_free(struct nx_subjects *subjects);

/*
 * The subject of `client`, never NULL. `username` NULL (anonymous) has no identity. Valid until
 * the next call, and no longer than `username`.
 */
const struct nx_subject *nx_subjects_find(struct nx_subjects *subjects, const struct nx_city *city,
                                          uint64_t generation, const void *client,
                                          const char *username);

/* The client is gone. Its address is used as a key only. */
void nx_subjects_forget(struct nx_subjects *subjects, const void *client);

#endif
