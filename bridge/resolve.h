/*
 * resolve.h - from a host's name to its addresses, without making the loop wait.
 */
#ifndef NX_BRIDGE_RESOLVE_H
#define NX_BRIDGE_RESOLVE_H

#include "core/base/err.h"

#include <netdb.h>
#include <stdint.h>

struct nx_resolve;

/*
 * A numeric address is there at once, a name is looked up by a thread of its own. *fd becomes a
 * descriptor, owned by the caller, that is readable when there is an answer; -1: it is there.
 */
enum nx_err nx_resolve_start(const char *host, uint16_t port, struct nx_resolve **out, int *fd,
                             struct nx_diag *diag);

/* NX_OK: addresses, at least one, that live as long as `resolve`. NX_ERR_AGAIN: not yet. */
enum nx_err nx_resolve_answer(const struct nx_resolve *resolve, const struct addrinfo **out,
                              struct nx_diag *diag);

/* Also before the answer: the thread then ends by itself. */
void nx_resolve_free(struct nx_resolve *resolve);

#endif
