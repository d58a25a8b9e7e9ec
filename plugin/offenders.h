/*
 * offenders.h - which clients to disconnect because so much of theirs was refused: so many
 * refusals within so many seconds. Finds them; whoever owns the tick disconnects them, because
 * ending a client within one of its own callbacks loses its answer and can end the broker.
 *
 * Bounded: the clients that offended last are watched, and few wait to be disconnected at a time.
 */
#ifndef NX_PLUGIN_OFFENDERS_H
#define NX_PLUGIN_OFFENDERS_H

#include <stdbool.h>
#include <stdint.h>

struct nx_offenders;

/* `refusals` 0: nobody is ever disconnected. NULL when memory is out. */
struct nx_offenders *nx_offenders_new(uint32_t refusals, uint32_t seconds);
void nx_offenders_free(struct nx_offenders *offenders);

/* One publication of this client was refused. The address is a key only. */
void nx_offenders_note(struct nx_offenders *offenders, const void *client, const char *client_id,
                       uint64_t now_ms);

/* It sent what was of no use, as honest recovery does too: 64 of these are one refusal. */
void nx_offenders_note_useless(struct nx_offenders *offenders, const void *client,
                               const char *client_id, uint64_t now_ms);

/* The client is gone by itself: whoever comes under its identifier is not the one who offended. */
void nx_offenders_forget(struct nx_offenders *offenders, const void *client);

/* Is there anybody to disconnect? */
bool nx_offenders_waiting(const struct nx_offenders *offenders);

/* The identifier of the next one to disconnect, which the caller frees; NULL: nobody. */
char *nx_offenders_take(struct nx_offenders *offenders);

#endif
