/*
 * state.h - the folder that a bridge keeps its state in: one lock, so that a second bridge stays
 * out, and one client identifier for each city.
 */
#ifndef NX_BRIDGE_STATE_H
#define NX_BRIDGE_STATE_H

#include "core/base/err.h"

#include <stdint.h>

enum { NX_CLIENT_ID_SIZE = 80, NX_STATE_PATH_MAX = 4096 };

/*
 * Makes the folder when only its last level is missing, and takes the lock; *lock holds it until
 * it is closed or the process ends. NX_ERR_STATE: another bridge has it. NX_ERR_IO: the folder
 * cannot be used.
 */
enum nx_err nx_state_lock(const char *dir, int *lock, struct nx_diag *diag);

/* Whether nx_state_lock could make or use the folder, as far as that shows without doing it. */
enum nx_err nx_state_check(const char *dir, struct nx_diag *diag);

/*
 * The client identifier of the session with this city's broker: nexus-bridge-CITY-<16 hex>, made
 * once from random bytes and kept in DIR/CITY.client-id, mode 0600. Who knows it can take the
 * session over, and its messages with it: it is a secret. NX_ERR_SYNTAX: the file holds
 * something else.
 */
enum nx_err nx_state_client_id(const char *dir, const char *city, char out[NX_CLIENT_ID_SIZE],
                               struct nx_diag *diag);

/* Eight bytes from the operating system's generator. */
enum nx_err nx_state_random(uint64_t *out);

#endif
