/*
 * store_streams.c - a map and an arena, emptied together. When the maximum is reached the store
 * forgets everything rather than choose one stream: who has more streams than fit pays one look-up
 * in the file a reading, as without this memory, and nothing has to be kept in order of use.
 */
#include "bridge/store_streams.h"

enum {
    STREAMS_MAX = 196608, /* fills three quarters of a map of 262,144 slots: 8 MiB */
    STREAMS_BYTES_MAX = 16 * 1024 * 1024,
};

void store_streams_init(struct store_streams *streams, uint64_t seed)
{
    nx_map_init(&streams->map, STREAMS_MAX, seed);
    nx_arena_init(&streams->arena, STREAMS_BYTES_MAX);
}

void store_streams_fini(struct store_streams *streams)
{
    nx_map_fini(&streams->map);
    nx_arena_fini(&streams->arena);
    streams->changed = NULL;
}

struct store_stream *store_streams_get(const struct store_streams *streams, struct nx_span topic)
{
    return nx_map_get(&streams->map, topic);
}

struct store_stream *store_streams_add(struct store_streams *streams, struct nx_span topic,
                                       const struct store_stream *known)
{
    struct store_stream *kept = nx_arena_alloc(&streams->arena, sizeof(*kept));
    struct nx_span key = nx_arena_dup(&streams->arena, topic);

    if (kept == NULL || key.ptr == NULL || nx_map_put(&streams->map, key, kept) != NX_OK) {
        return NULL;
    }
    *kept = *known;
    return kept;
}

void store_streams_change(struct store_streams *streams, struct store_stream *stream)
{
    if (!stream->changed) {
        stream->changed = true;
        stream->next = streams->changed;
        streams->changed = stream;
    }
}
