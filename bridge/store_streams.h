/*
 * store_streams.h - the streams that were written to lately, in memory: their number in the file
 * and their newest reading. Spares the store a look-up for each reading, and gathers what changes
 * about a stream, so that the file learns of it once a transaction (store_heads). But for that it
 * is only a memory: what it does not know is in the file.
 */
#ifndef NX_BRIDGE_STORE_STREAMS_H
#define NX_BRIDGE_STORE_STREAMS_H

#include "core/base/arena.h"
#include "core/base/map.h"

#include <stdint.h>

struct store_stream {
    int64_t id;
    uint64_t last;  /* its newest reading; 0: it has none */
    uint64_t count; /* readings, also those that are gone */
    bool changed;   /* since the file was told of it last: it is in the list of those */
    struct store_stream *next;
};

struct store_streams {
    struct nx_map map;
    struct store_stream *changed; /* since the file was told, the newest first */
    struct nx_arena arena;        /* of streams and topics */
};

void store_streams_init(struct store_streams *streams, uint64_t seed);
void store_streams_fini(struct store_streams *streams); /* may be used again after it */

/* What is remembered of `topic`, or NULL. */
struct store_stream *store_streams_get(const struct store_streams *streams, struct nx_span topic);

/* Remembers what is `known`. NULL: there is no more room, or no memory. */
struct store_stream *store_streams_add(struct store_streams *streams, struct nx_span topic,
                                       const struct store_stream *known);

/* It has a new head. */
void store_streams_change(struct store_streams *streams, struct store_stream *stream);

#endif
