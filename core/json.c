/*
 * json.c - the strict reader. One pass over the bytes, no recursion, no look-behind.
 *
 * Never accepts what RFC 8259 does not, apart from comments where the caller asks for them; never
 * interprets a number (that is number.c); never allocates while the memory of an earlier document
 * is enough.
 *
 * Shape: read_value() reads a scalar or opens a container; read_item() reads what is due inside
 * the open container. The stack of open containers is in the tape itself: while a container is
 * open its `next` holds the index of the one around it.
 *
 * The tape is sized before reading: a value and what separates it from the next take two bytes at
 * least, except that each open container may have taken only one.
 */
#include "core/json_reader.h"

#include <stdlib.h>

#define NO_CONTAINER UINT32_MAX

const struct nx_json_limits nx_json_limits_payload = {
    .bytes_max = 1024 * 1024, .depth_max = 64, .nodes_max = 128 * 1024, .number_max = 512};
const struct nx_json_limits nx_json_limits_file = {.bytes_max = 16 * 1024 * 1024,
                                                   .depth_max = 128,
                                                   .nodes_max = 2 * 1024 * 1024,
                                                   .number_max = 512};

struct nx_json *nx_json_new(const struct nx_json_limits *limits, uint64_t seed)
{
    struct nx_json *json = calloc(1, sizeof(*json));

    if (json != NULL) {
        json->limits = *limits;
        json->seed = seed;
        if (json->limits.bytes_max >= UINT32_MAX - 1) { /* offsets have 32 bits */
            json->limits.bytes_max = UINT32_MAX - 2;
        }
    }
    return json;
}

void nx_json_free(struct nx_json *json)
{
    if (json != NULL) {
        free(json->nodes);
        free(json->decoded);
        free(json->slots);
        free(json);
    }
}

/* ---- faults ------------------------------------------------------------------------------ */

enum nx_err nx_json_syntax(struct json_reader *r, const char *at, const char *text)
{
    r->p = at;
    nx_diag_set(r->diag, "%s", text);
    return NX_ERR_SYNTAX;
}

enum nx_err nx_json_limit(struct json_reader *r, const char *at, const char *what, uint32_t max)
{
    r->p = at;
    nx_diag_set(r->diag, "%s: the limit is %u", what, max);
    return NX_ERR_LIMIT;
}

/* "expected X, found Y" at r->p. */
enum nx_err nx_json_expected(struct json_reader *r, const char *what)
{
    unsigned char c = r->p < r->end ? (unsigned char)*r->p : 0;

    if (r->p >= r->end) {
        nx_diag_set(r->diag, "expected %s, found the end of the document", what);
    } else if (c >= 0x20 && c < 0x7F) {
        nx_diag_set(r->diag, "expected %s, found '%c'", what, c);
    } else {
        nx_diag_set(r->diag, "expected %s, found the byte 0x%02X", what, (unsigned)c);
    }
    return NX_ERR_SYNTAX;
}

enum nx_err nx_json_too_many(struct json_reader *r)
{
    return nx_json_limit(r, r->p, "too many values", r->json->limits.nodes_max);
}

/* ---- white space and comments ------------------------------------------------------------ */

static enum nx_err skip_comment(struct json_reader *r)
{
    const char *start = r->p;

    if (r->end - r->p >= 2 && r->p[1] == '/') {
        while (r->p < r->end && *r->p != '\n') {
            r->p++;
        }
        return NX_OK;
    }
    if (r->end - r->p >= 2 && r->p[1] == '*') {
        for (r->p += 2; r->end - r->p >= 2; r->p++) {
            if (r->p[0] == '*' && r->p[1] == '/') {
                r->p += 2;
                return NX_OK;
            }
        }
        return nx_json_syntax(r, start, "this comment has no end");
    }
    return nx_json_expected(r, "a comment");
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline enum nx_err skip_space(struct json_reader *r)
{
    for (;;) {
        while (r->p < r->end && is_space(*r->p)) {
            r->p++;
        }
        if (!r->comments || r->p >= r->end || *r->p != '/') {
            return NX_OK;
        }
        enum nx_err err = skip_comment(r);
        if (err != NX_OK) {
            return err;
        }
    }
}

/* ---- containers -------------------------------------------------------------------------- */

static enum nx_err open_container(struct json_reader *r, enum nx_json_type type)
{
    struct nx_json_node *node;

    if (r->depth >= r->json->limits.depth_max) {
        return nx_json_limit(r, r->p, "arrays and objects nested too deeply",
                             r->json->limits.depth_max);
    }
    node = nx_json_add_node(r, type, r->p);
    if (node == NULL) {
        return nx_json_too_many(r);
    }
    node->next = r->open;
    r->open = r->count - 1;
    r->depth++;
    r->p++;
    return NX_OK;
}

static enum nx_err close_container(struct json_reader *r)
{
    uint32_t index = r->open;
    struct nx_json_node *node = &r->nodes[index];

    r->open = node->next;
    r->depth--;
    node->next = r->count;
    node->text = (uint32_t)(r->p - r->start);
    r->p++;
    return node->type == NX_JSON_OBJECT ? nx_json_check_names(r, index) : NX_OK;
}

/* ---- the document ------------------------------------------------------------------------ */

static inline enum nx_err read_value(struct json_reader *r)
{
    if (r->p >= r->end) {
        return nx_json_expected(r, "a value");
    }
    switch (*r->p) {
    case '"':
        return nx_json_read_string(r);
    case '{':
        return open_container(r, NX_JSON_OBJECT);
    case '[':
        return open_container(r, NX_JSON_ARRAY);
    case 't':
        return nx_json_read_word(r, NX_JSON_TRUE, NX_SPAN("true"));
    case 'f':
        return nx_json_read_word(r, NX_JSON_FALSE, NX_SPAN("false"));
    case 'n':
        return nx_json_read_word(r, NX_JSON_NULL, NX_SPAN("null"));
    default:
        if ((*r->p >= '0' && *r->p <= '9') || *r->p == '-') {
            return nx_json_read_number(r);
        }
        return nx_json_expected(r, "a value");
    }
}

/* A member's name with its colon. */
static inline enum nx_err read_key(struct json_reader *r)
{
    enum nx_err err;

    if (r->p >= r->end || *r->p != '"') {
        return nx_json_expected(r, "a member name in quotes");
    }
    err = nx_json_read_string(r);
    if (err == NX_OK) {
        err = skip_space(r);
    }
    if (err != NX_OK) {
        return err;
    }
    if (r->p >= r->end || *r->p != ':') {
        return nx_json_expected(r, "':' after the member name");
    }
    r->p++;
    return skip_space(r);
}

/* What is due in the open container: its next item or its end. */
static inline enum nx_err read_item(struct json_reader *r)
{
    struct nx_json_node *box = &r->nodes[r->open];
    bool object = box->type == NX_JSON_OBJECT;
    enum nx_err err = skip_space(r);

    if (err != NX_OK) {
        return err;
    }
    if (r->p < r->end && *r->p == (object ? '}' : ']')) {
        return close_container(r);
    }
    if (box->length > 0) {
        if (r->p >= r->end || *r->p != ',') {
            return nx_json_expected(r, object ? "',' or '}' in this object"
                                              : "',' or ']' in this array");
        }
        r->p++;
        err = skip_space(r);
    }
    if (err == NX_OK && object) {
        err = read_key(r);
    }
    box->length++;
    return err == NX_OK ? read_value(r) : err;
}

static enum nx_err read_document(struct json_reader *r)
{
    enum nx_err err;

    if (r->end - r->p >= 3 && memcmp(r->p, "\xEF\xBB\xBF", 3) == 0) {
        return nx_json_syntax(r, r->p, "the document begins with a byte order mark");
    }
    err = skip_space(r);
    if (err == NX_OK) {
        err = read_value(r);
    }
    while (err == NX_OK && r->open != NO_CONTAINER) {
        err = read_item(r);
    }
    if (err == NX_OK) {
        err = skip_space(r);
    }
    if (err == NX_OK && r->p < r->end) {
        err = nx_json_expected(r, "the end of the document");
    }
    return err;
}

static bool reserve_nodes(struct nx_json *json, size_t source_len)
{
    size_t cap = source_len / 2 + json->limits.depth_max + 2;
    struct nx_json_node *nodes;

    if (cap > json->limits.nodes_max) {
        cap = json->limits.nodes_max;
    }
    if (cap > json->cap) {
        nodes = realloc(json->nodes, cap * sizeof(*nodes));
        if (nodes == NULL) {
            return false;
        }
        json->nodes = nodes;
        json->cap = (uint32_t)cap;
    }
    return true;
}

enum nx_err nx_json_parse(struct nx_json *json, struct nx_span source, enum nx_json_flags flags,
                          struct nx_diag *diag)
{
    struct json_reader r;
    enum nx_err err;

    json->count = 0;
    json->decoded_len = 0;
    if (source.ptr == NULL) {
        source = NX_SPAN("");
    }
    json->source = source;
    if (source.len > json->limits.bytes_max) {
        nx_diag_set(diag, "the document has %zu bytes: the limit is %u", source.len,
                    json->limits.bytes_max);
        return NX_ERR_LIMIT;
    }
    if (!reserve_nodes(json, source.len)) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    r = (struct json_reader){.json = json,
                             .start = source.ptr,
                             .p = source.ptr,
                             .end = source.ptr + source.len,
                             .nodes = json->nodes,
                             .open = NO_CONTAINER,
                             .comments = (flags & NX_JSON_COMMENTS) != 0,
                             .diag = diag};
    err = read_document(&r);
    if (err == NX_OK) {
        json->count = r.count;
    } else if (diag != NULL) {
        nx_json_position(json, (uint32_t)(r.p - r.start), &diag->line, &diag->column);
    }
    if (err == NX_ERR_NOMEM) {
        nx_diag_set(diag, "out of memory");
    }
    return err;
}
