/*
 * json.h - the strict reader: RFC 8259 bytes onto a flat tape, and nothing that is not RFC 8259.
 *
 * Refused: bytes that are not UTF-8, raw control characters, a byte order mark, leading zeros,
 * trailing bytes, a repeated key in one object, a lone surrogate escape stays (it is grammatical)
 * and is flagged. Each refusal names line and column. A gate that parses more loosely than its
 * readers is no gate (docs/decisions/0002-two-json-readers.md).
 *
 * The tape is an array of nodes in document order. A container is followed by its content; `next`
 * jumps over it. An object's content alternates key (a string node) and value.
 * Node 0 is the root, so 0 also says "none" where a member is looked up.
 */
#ifndef NX_JSON_H
#define NX_JSON_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

enum nx_json_type {
    NX_JSON_NULL,
    NX_JSON_FALSE,
    NX_JSON_TRUE,
    NX_JSON_NUMBER,
    NX_JSON_STRING,
    NX_JSON_ARRAY,
    NX_JSON_OBJECT,
};

/* nx_json_node.flags */
enum {
    NX_JSON_DECODED = 1,        /* the string had escapes: `text` indexes the decoded bytes */
    NX_JSON_LONE_SURROGATE = 2, /* and one of them was a surrogate without its half */
    NX_JSON_INTEGER = 4,        /* the number is written without fraction and exponent */
    NX_JSON_NANO = 8,           /* `nano` has the number's value: it is short, as most are */
};

struct nx_json_node {
    uint8_t type; /* enum nx_json_type */
    uint8_t flags;
    uint16_t reserved;
    uint32_t offset; /* of the value's first byte in the source (a string's opening quote) */
    uint32_t text;   /* string and number: where its text begins, see NX_JSON_DECODED */
    uint32_t length; /* string: bytes decoded; number: bytes; containers: items or members */
    uint32_t next;   /* index of the first node behind this value */
    int64_t nano;    /* number: in units of 10^-9, see NX_JSON_NANO */
};

struct nx_json_limits {
    uint32_t bytes_max;  /* of the source */
    uint32_t depth_max;  /* of nested containers */
    uint32_t nodes_max;  /* on the tape */
    uint32_t number_max; /* bytes of one number */
};

/* What a payload may be at most: 1 MiB, depth 64, 128 Ki nodes, numbers of 512 bytes. */
extern const struct nx_json_limits nx_json_limits_payload;
/* What a file of ours may be at most: 16 MiB, depth 128, 2 Mi nodes. */
extern const struct nx_json_limits nx_json_limits_file;

enum nx_json_flags {
    NX_JSON_STRICT = 0,
    NX_JSON_COMMENTS = 1, /* also takes line and block comments: for our own files only */
};

/*
 * A reader with its tape and a copy of the document. Keeps its memory from one document to the next.
 */
struct nx_json;

/* `seed` keys the hash that finds repeated keys. NULL when memory is out. */
struct nx_json *nx_json_new(const struct nx_json_limits *limits, uint64_t seed);
void nx_json_free(struct nx_json *json);

/*
 * Reads `source`, which must outlive every use of the tape. NX_ERR_SYNTAX (line, column, what was
 * expected), NX_ERR_LIMIT (which one), NX_ERR_NOMEM. After an error the document is empty: the
 * only call allowed is the next nx_json_parse.
 */
enum nx_err nx_json_parse(struct nx_json *json, struct nx_span source, enum nx_json_flags flags,
                          struct nx_diag *diag);

const struct nx_json_node *nx_json_nodes(const struct nx_json *json, uint32_t *count);
struct nx_span nx_json_source(const struct nx_json *json);

enum nx_json_type nx_json_type(const struct nx_json *json, uint32_t node);
const char *nx_json_type_name(enum nx_json_type type); /* "object", "string", ... */

/* The decoded text of a string (may hold NUL), or the number as written; else {NULL, 0}. */
struct nx_span nx_json_text(const struct nx_json *json, uint32_t node);

/* The items of an array or members of an object; 0 for the rest. */
uint32_t nx_json_length(const struct nx_json *json, uint32_t node);

/* The value under `key` in an object, or 0: not an object, or no such member. */
uint32_t nx_json_member(const struct nx_json *json, uint32_t object, struct nx_span key);

/*
 * Walks a container: `*at` starts at 0 and holds the state; false at the end. For an object `key`
 * is the key's node; for an array it is 0. `value` is the value's node.
 */
bool nx_json_each(const struct nx_json *json, uint32_t container, uint32_t *at, uint32_t *key,
                  uint32_t *value);

/* The bytes of a whole value in the source, from its first to its last. */
struct nx_span nx_json_raw(const struct nx_json *json, uint32_t node);

/* The number as int64 or double. NX_ERR_INVALID: not a number, not an integer, out of range. */
enum nx_err nx_json_int(const struct nx_json *json, uint32_t node, int64_t *out);
enum nx_err nx_json_double(const struct nx_json *json, uint32_t node, double *out);

/* 1-based line and byte column of a source offset. */
void nx_json_position(const struct nx_json *json, uint32_t offset, unsigned *line,
                      unsigned *column);

/* Sets file, line, column and pointer of `diag` to this node. */
void nx_json_diag_at(const struct nx_json *json, uint32_t node, const char *file,
                     struct nx_diag *diag);

/* Appends the JSON Pointer (RFC 6901) of `node`. */
enum nx_err nx_json_pointer(const struct nx_json *json, uint32_t node, struct nx_buf *out);

/* The node at a JSON Pointer; false when there is none. */
bool nx_json_at(const struct nx_json *json, struct nx_span pointer, uint32_t *node);

/* Appends `text` as a JSON string with its quotes; escapes what RFC 8259 section 7 asks for. */
enum nx_err nx_json_quote(struct nx_buf *out, struct nx_span text);

#endif
