/*
 * recent.h - the newest records of a cache, in memory: a link that keeps up takes what was just
 * stored from here and reads nothing back from the disk. A memory of what is in the store, never
 * instead of it: what is not here is read there.
 */
#ifndef NX_BRIDGE_RECENT_H
#define NX_BRIDGE_RECENT_H

#include "bridge/store.h"

struct nx_recent;

enum nx_err nx_recent_new(size_t bytes_max, uint32_t records_max, struct nx_recent **out);
void nx_recent_free(struct nx_recent *recent);

/* Keeps a copy; older ones make room. What is too large is not kept. */
void nx_recent_put(struct nx_recent *recent, const struct nx_reading *reading);

/* Spans live until the next put. False: not here. */
bool nx_recent_get(const struct nx_recent *recent, uint64_t seq, struct nx_reading *out);

/* Forgets all: after a rollback numbers stand for other records. */
void nx_recent_clear(struct nx_recent *recent);

#endif
