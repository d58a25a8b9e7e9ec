/*
 * json_reader.h - the state of one reading, shared by json*.c, the one-pass judge (schema_fused*.c)
 * and lens/lens_read.c. Nobody else includes it.
 *
 * A function that reads takes the place `p` where its piece begins and returns the place behind
 * it, so that the place stays in a register. NULL: a fault, which `err`, `fault` and `diag` tell.
 */
#ifndef NX_JSON_READER_H
#define NX_JSON_READER_H

#include "core/json_tape.h"

struct json_reader {
    struct nx_json *json;
    const char *start;
    const char *end;
    const unsigned char *marks; /* NULL: none yet */
    struct nx_json_node *nodes;
    uint32_t count;
    uint32_t cap;
    uint32_t depth;
    bool comments;
    enum nx_err err;
    const char *fault; /* the byte at fault */
    struct nx_diag *diag;
};

/* The next node of the tape, or NULL when the tape is full (only nodes_max makes it so). */
static inline struct nx_json_node *nx_json_add_node(struct json_reader *r, enum nx_json_type type,
                                                    const char *at)
{
    struct nx_json_node *node;

    if (__builtin_expect(r->count >= r->cap, 0)) {
        return NULL;
    }
    node = &r->nodes[r->count++];
    *node = (struct nx_json_node){
        .type = (uint8_t)type, .offset = (uint32_t)(at - r->start), .next = r->count};
    return node;
}

/* Faults: each sets err, the place and the diagnosis, and returns NULL (json.c). */
const char *nx_json_syntax(struct json_reader *r, const char *at, const char *text);
const char *nx_json_limit(struct json_reader *r, const char *at, const char *what, uint32_t max);
const char *nx_json_expected(struct json_reader *r, const char *at, const char *what);
const char *nx_json_too_many(struct json_reader *r, const char *at);

/*
 * Makes `json` ready to read `source`: within the limits, room for its tape. On an error `diag`
 * has its text.
 */
enum nx_err nx_json_start(struct json_reader *r, struct nx_json *json, struct nx_span source,
                          struct nx_diag *diag);

/*
 * Marks each byte of the copy that ends a run of plain text (nx_scan_special), so that one look
 * tells where a string ends, and mostly where the next one does. Before anything is read onto the
 * tape.
 */
void nx_json_mark(struct json_reader *r);

/* One value with all that is in it, onto the tape from its present end on. */
const char *nx_json_read_value(struct json_reader *r, const char *p);

/* Values without content (json_scalar.c). */
const char *nx_json_read_number(struct json_reader *r, const char *p);
const char *nx_json_read_word(struct json_reader *r, const char *p, enum nx_json_type type,
                              struct nx_span word);

/* A string with escapes, or a fault. */
const char *nx_json_read_string(struct json_reader *r, const char *p);

/* The rest of a string with escapes: `p` is at the first, `node` has the offset of the quote. */
const char *nx_json_read_escaped(struct json_reader *r, const char *p, struct nx_json_node *node);

/* Moves over white space, and comments where they are allowed. */
const char *nx_json_skip_space(struct json_reader *r, const char *p);

/*
 * Repeated names (json_names.c). In an object of up to NX_JSON_NARROW_MAX members each name is
 * looked for among those before it, when their classes are not all different; in a wider one all
 * are looked at behind the last, `end` being the tape's end. False: it is a fault.
 */
enum { NX_JSON_NARROW_MAX = 32 };
bool nx_json_check_name(struct json_reader *r, uint32_t object, uint32_t key);
bool nx_json_check_wide(struct json_reader *r, uint32_t object, uint32_t end);

#endif
