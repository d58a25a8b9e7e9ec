/*
 * json_reader.h - the state of one reading, shared by json.c, json_scalar.c and json_names.c.
 * Nobody else includes it.
 */
#ifndef NX_JSON_READER_H
#define NX_JSON_READER_H

#include "core/json_tape.h"

struct json_reader {
    struct nx_json *json;
    const char *start;
    const char *p; /* the next byte; on an error, the byte at fault */
    const char *end;
    struct nx_json_node *nodes;
    uint32_t count;
    uint32_t open; /* the innermost open container, or UINT32_MAX */
    uint32_t depth;
    bool comments;
    struct nx_diag *diag;
};

/* The next node of the tape, or NULL when the tape is full (only nodes_max makes it so). */
static inline struct nx_json_node *nx_json_add_node(struct json_reader *r, enum nx_json_type type,
                                                    const char *at)
{
    struct nx_json_node *node;

    if (r->count >= r->json->cap) {
        return NULL;
    }
    node = &r->nodes[r->count++];
    *node = (struct nx_json_node){
        .type = (uint8_t)type, .offset = (uint32_t)(at - r->start), .next = r->count};
    return node;
}

/* Faults: each sets r->p to the place and the diagnosis, and returns its error (json.c). */
enum nx_err nx_json_syntax(struct json_reader *r, const char *at, const char *text);
enum nx_err nx_json_limit(struct json_reader *r, const char *at, const char *what, uint32_t max);
enum nx_err nx_json_expected(struct json_reader *r, const char *what); /* at r->p */
enum nx_err nx_json_too_many(struct json_reader *r);

/* Values without content; r->p is at their first byte (json_scalar.c). */
enum nx_err nx_json_read_string(struct json_reader *r);
enum nx_err nx_json_read_number(struct json_reader *r);
enum nx_err nx_json_read_word(struct json_reader *r, enum nx_json_type type, struct nx_span word);

/* NX_ERR_SYNTAX when a name of the object, just read to its end, is repeated (json_names.c). */
enum nx_err nx_json_check_names(struct json_reader *r, uint32_t object);

#endif
