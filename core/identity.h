/*
 * identity.h - finds an identity by its username, and whether it owns an asset, without walking
 * any list: what it costs depends on the lengths of the names, never on how many there are.
 *
 * Built once, while the configuration is loaded; read by policy.c.
 */
#ifndef NX_IDENTITY_H
#define NX_IDENTITY_H

#include "core/config.h"

/* Enters an identity of city->identities, whole, into the city's indices and its own. */
enum nx_err nx_identity_index(struct nx_arena *arena, struct nx_city *city,
                              struct nx_identity *identity);

/*
 * The identity that takes `username`, or NULL: an exact name first, then the first in the file
 * whose {name} takes a part of it. *capture is that part, {NULL, 0} for an exact name.
 */
const struct nx_identity *nx_identity_find(const struct nx_city *city, struct nx_span username,
                                           struct nx_span *capture);

/*
 * Does the sensor own <domain>/<asset>? {NULL, 0} for either asks whether there is any: of that
 * asset in whichever domain, of that domain whichever asset.
 */
bool nx_identity_owns(const struct nx_identity *identity, struct nx_span capture,
                      struct nx_span domain, struct nx_span asset);

#endif
