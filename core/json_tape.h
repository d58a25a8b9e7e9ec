/*
 * json_tape.h - the inside of struct nx_json, shared by the reader (json.c), the look-ups
 * (json_walk.c), the judge (schema_*.c), which walks nodes without a call per step, and the lenses
 * (lens/lens*.c). Nobody else includes it.
 */
#ifndef NX_JSON_TAPE_H
#define NX_JSON_TAPE_H

#include "core/json.h"

struct nx_json {
    struct nx_json_limits limits;
    uint64_t seed;
    struct nx_span source;
    char *padded; /* a copy of it, with NX_SCAN_PADDING zeros before and behind it */
    size_t padded_cap;
    unsigned char *marks; /* a bit for each byte of the copy, see json_reader.h */
    struct nx_json_node *nodes;
    uint32_t count; /* nodes on the tape; 0: no document */
    uint32_t cap;
    char *decoded; /* the strings that had escapes, one behind the other */
    size_t decoded_len;
    size_t decoded_cap;
    uint32_t *slots; /* hash table of member names while a wide object is checked */
    size_t slots_cap;
};

/* `node` is a string or a number. */
static inline struct nx_span nx_json_node_text(const struct nx_json *json,
                                               const struct nx_json_node *node)
{
    const char *base = node->flags & NX_JSON_DECODED ? json->decoded : json->source.ptr;

    return (struct nx_span){base + node->text, node->length};
}

/* The same, of which 8 bytes can be read, however short it is; only until the next parse. */
static inline struct nx_span nx_json_node_padded(const struct nx_json *json,
                                                 const struct nx_json_node *node)
{
    const char *base = node->flags & NX_JSON_DECODED ? json->decoded : json->padded;

    return (struct nx_span){base + node->text, node->length};
}

/* A container keeps where its last byte is in `text`, which only strings and numbers need. */
static inline uint32_t nx_json_node_last(const struct nx_json_node *container)
{
    return container->text;
}

/* nx_json_at, with the pointer relative to the node `from`. */
bool nx_json_at_from(const struct nx_json *json, uint32_t from, struct nx_span pointer,
                     uint32_t *node);

#endif
