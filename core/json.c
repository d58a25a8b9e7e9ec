/*
 * json.c - the strict reader. One pass over the bytes, no recursion, no look-behind.
 *
 * Never accepts what RFC 8259 does not, apart from comments where the caller asks for them; never
 * interprets a number (that is number.c); never allocates while the memory of an earlier document
 * is enough.
 *
 * Shape: begin_value() reads a scalar or opens a container; read_item() reads what is due inside
 * the open container. The stack of open containers is in the tape itself: while a container is
 * open its `next` holds the index of the one around it.
 *
 * The tape is sized before reading: a value and what separates it from the next take two bytes at
 * least, except that each open container may have taken only one.
 */
#include "core/json_reader.h"
#include "core/json_scan.h"

#include <stdlib.h>

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

static const char *fail(struct json_reader *r, const char *at, enum nx_err err)
{
    r->fault = at;
    r->err = err;
    return NULL;
}

const char *nx_json_syntax(struct json_reader *r, const char *at, const char *text)
{
    nx_diag_set(r->diag, "%s", text);
    return fail(r, at, NX_ERR_SYNTAX);
}

const char *nx_json_limit(struct json_reader *r, const char *at, const char *what, uint32_t max)
{
    nx_diag_set(r->diag, "%s: the limit is %u", what, max);
    return fail(r, at, NX_ERR_LIMIT);
}

/* "expected X, found Y" */
const char *nx_json_expected(struct json_reader *r, const char *at, const char *what)
{
    unsigned char c = at < r->end ? (unsigned char)*at : 0;

    if (at >= r->end) {
        nx_diag_set(r->diag, "expected %s, found the end of the document", what);
    } else if (c >= 0x20 && c < 0x7F) {
        nx_diag_set(r->diag, "expected %s, found '%c'", what, c);
    } else {
        nx_diag_set(r->diag, "expected %s, found the byte 0x%02X", what, (unsigned)c);
    }
    return fail(r, at, NX_ERR_SYNTAX);
}

const char *nx_json_too_many(struct json_reader *r, const char *at)
{
    return nx_json_limit(r, at, "too many values", r->json->limits.nodes_max);
}

/* ---- white space and comments ------------------------------------------------------------ */

static const char *skip_comment(struct json_reader *r, const char *p)
{
    const char *start = p;

    if (r->end - p >= 2 && p[1] == '/') {
        while (p < r->end && *p != '\n') {
            p++;
        }
        return p;
    }
    if (r->end - p >= 2 && p[1] == '*') {
        for (p += 2; r->end - p >= 2; p++) {
            if (p[0] == '*' && p[1] == '/') {
                return p + 2;
            }
        }
        return nx_json_syntax(r, start, "this comment has no end");
    }
    return nx_json_expected(r, start, "a comment");
}

static const char *skip_space_and_comments(struct json_reader *r, const char *p)
{
    for (;;) {
        p = nx_scan_space(p, r->end);
        if (!r->comments || p >= r->end || *p != '/') {
            return p;
        }
        p = skip_comment(r, p);
        if (p == NULL) {
            return NULL;
        }
    }
}

/* Most places have no space at all. */
static inline const char *skip_space(struct json_reader *r, const char *p)
{
    if (__builtin_expect(p < r->end && (unsigned char)*p > ' ' && *p != '/', 1)) {
        return p;
    }
    return skip_space_and_comments(r, p);
}

/* ---- values ------------------------------------------------------------------------------ */

static inline const char *read_string(struct json_reader *r, const char *opening)
{
    struct nx_json_node *node = nx_json_add_node(r, NX_JSON_STRING, opening);
    const char *p;

    if (node == NULL) {
        return nx_json_too_many(r, opening);
    }
    p = nx_scan_literal(opening + 1, r->end);
    if (__builtin_expect(p >= r->end || *p != '"', 0)) {
        return p < r->end && *p == '\\' ? nx_json_read_escaped(r, p, node)
                                        : nx_json_bad_string(r, p, opening);
    }
    node->text = node->offset + 1;
    node->length = (uint32_t)(p - opening - 1);
    return p + 1;
}

static inline const char *read_number(struct json_reader *r, const char *first)
{
    struct nx_decimal decimal;
    const char *p = nx_scan_decimal(first, r->end, &decimal);
    struct nx_json_node *node;

    if (p == NULL || p - first > (ptrdiff_t)r->json->limits.number_max) {
        return nx_json_read_number(r, first);
    }
    node = nx_json_add_node(r, NX_JSON_NUMBER, first);
    if (node == NULL) {
        return nx_json_too_many(r, first);
    }
    node->flags = decimal.decimals == 0 ? NX_JSON_INTEGER : 0;
    node->text = node->offset;
    node->length = (uint32_t)(p - first);
    return p;
}

static const char *open_container(struct json_reader *r, const char *p, enum nx_json_type type)
{
    struct nx_json_node *node;

    if (r->depth >= r->json->limits.depth_max) {
        return nx_json_limit(r, p, "arrays and objects nested too deeply",
                             r->json->limits.depth_max);
    }
    node = nx_json_add_node(r, type, p);
    if (node == NULL) {
        return nx_json_too_many(r, p);
    }
    node->next = r->open;
    r->open = r->count - 1;
    r->depth++;
    return p + 1;
}

static inline const char *close_container(struct json_reader *r, const char *p)
{
    uint32_t index = r->open;
    struct nx_json_node *node = &r->nodes[index];

    r->open = node->next;
    r->depth--;
    node->next = r->count;
    node->text = (uint32_t)(p - r->start);
    if (node->type == NX_JSON_OBJECT) {
        enum nx_err err = nx_json_check_names(r, index);
        if (err != NX_OK) {
            return fail(r, r->fault, err);
        }
    }
    return p + 1;
}

/* A scalar, or the beginning of a container. */
static inline const char *begin_value(struct json_reader *r, const char *p)
{
    if (p >= r->end) {
        return nx_json_expected(r, p, "a value");
    }
    switch (*p) {
    case '"':
        return read_string(r, p);
    case '{':
        return open_container(r, p, NX_JSON_OBJECT);
    case '[':
        return open_container(r, p, NX_JSON_ARRAY);
    case 't':
        return nx_json_read_word(r, p, NX_JSON_TRUE, NX_SPAN("true"));
    case 'f':
        return nx_json_read_word(r, p, NX_JSON_FALSE, NX_SPAN("false"));
    case 'n':
        return nx_json_read_word(r, p, NX_JSON_NULL, NX_SPAN("null"));
    default:
        if ((*p >= '0' && *p <= '9') || *p == '-') {
            return read_number(r, p);
        }
        return nx_json_expected(r, p, "a value");
    }
}

/* A member's name with its colon and the space behind it. */
static inline const char *read_key(struct json_reader *r, const char *p)
{
    if (p >= r->end || *p != '"') {
        return nx_json_expected(r, p, "a member name in quotes");
    }
    p = read_string(r, p);
    if (p != NULL) {
        p = skip_space(r, p);
    }
    if (p == NULL) {
        return NULL;
    }
    if (p >= r->end || *p != ':') {
        return nx_json_expected(r, p, "':' after the member name");
    }
    return skip_space(r, p + 1);
}

/* What is due in the open container: its next item or its end. */
static inline const char *read_item(struct json_reader *r, const char *p)
{
    struct nx_json_node *box = &r->nodes[r->open];
    bool object = box->type == NX_JSON_OBJECT;

    p = skip_space(r, p);
    if (p == NULL) {
        return NULL;
    }
    if (p < r->end && *p == (object ? '}' : ']')) {
        return close_container(r, p);
    }
    if (box->length > 0) {
        if (p >= r->end || *p != ',') {
            return nx_json_expected(
                r, p, object ? "',' or '}' in this object" : "',' or ']' in this array");
        }
        p = skip_space(r, p + 1);
    }
    if (p != NULL && object) {
        p = read_key(r, p);
    }
    box->length++;
    return p != NULL ? begin_value(r, p) : NULL;
}

const char *nx_json_read_value(struct json_reader *r, const char *p)
{
    p = begin_value(r, p);
    while (p != NULL && r->open != NX_NO_CONTAINER) {
        p = read_item(r, p);
    }
    return p;
}

/* ---- the document ------------------------------------------------------------------------ */

static const char *read_document(struct json_reader *r)
{
    const char *p = r->start;

    if (r->end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
        return nx_json_syntax(r, p, "the document begins with a byte order mark");
    }
    p = skip_space(r, p);
    if (p != NULL) {
        p = nx_json_read_value(r, p);
    }
    if (p != NULL) {
        p = skip_space(r, p);
    }
    if (p != NULL && p < r->end) {
        return nx_json_expected(r, p, "the end of the document");
    }
    return p;
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

enum nx_err nx_json_start(struct json_reader *r, struct nx_json *json, struct nx_span source,
                          struct nx_diag *diag)
{
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
    *r = (struct json_reader){.json = json,
                              .start = source.ptr,
                              .end = source.ptr + source.len,
                              .nodes = json->nodes,
                              .cap = json->cap,
                              .open = NX_NO_CONTAINER,
                              .diag = diag};
    return NX_OK;
}

enum nx_err nx_json_parse(struct nx_json *json, struct nx_span source, enum nx_json_flags flags,
                          struct nx_diag *diag)
{
    struct json_reader r;
    enum nx_err err = nx_json_start(&r, json, source, diag);

    if (err != NX_OK) {
        return err;
    }
    r.comments = (flags & NX_JSON_COMMENTS) != 0;
    if (read_document(&r) != NULL) {
        json->count = r.count;
        return NX_OK;
    }
    if (diag != NULL) {
        nx_json_position(json, (uint32_t)(r.fault - r.start), &diag->line, &diag->column);
    }
    if (r.err == NX_ERR_NOMEM) {
        nx_diag_set(diag, "out of memory");
    }
    return r.err;
}
