/*
 * json.c - the strict reader: its memory, its faults, white space, and a document as a whole. What
 * a document is made of is json_value.c's. Two passes over the bytes: one marks
 * what may end a string, without a branch; the other reads.
 *
 * Never accepts what RFC 8259 does not, apart from comments where the caller asks for them; never
 * interprets a number (that is number.c); never allocates while the memory of an earlier document
 * is enough.
 *
 * A document is copied first, with zeros behind it: so the inner loops need not look for its end,
 * which costs more than the copy.
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

static void free_copy(struct nx_json *json)
{
    if (json->padded != NULL) {
        free(json->padded - NX_SCAN_PADDING);
    }
}

void nx_json_free(struct nx_json *json)
{
    if (json != NULL) {
        free(json->nodes);
        free_copy(json);
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

const char *nx_json_skip_space(struct json_reader *r, const char *p)
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

/* ---- the document ------------------------------------------------------------------------ */

static const char *read_document(struct json_reader *r)
{
    const char *p = r->start;

    if (r->end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
        return nx_json_syntax(r, p, "the document begins with a byte order mark");
    }
    p = nx_json_skip_space(r, p);
    if (p != NULL) {
        p = nx_json_read_value(r, p);
    }
    if (p != NULL && p < r->end) {
        p = nx_json_skip_space(r, p);
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

static bool copy_source(struct nx_json *json)
{
    size_t len = json->source.len;

    if (len >= json->padded_cap) {
        size_t cap = len + len / 4 + 1; /* so that slowly growing payloads soon cost nothing */
        size_t bytes = cap + 2 * NX_SCAN_PADDING;
        char *memory = calloc(1, bytes + bytes / 8 + NX_SCAN_PADDING);
        if (memory == NULL) {
            return false;
        }
        free_copy(json);
        json->padded = memory + NX_SCAN_PADDING;
        json->padded_cap = cap;
        json->marks = (unsigned char *)memory + bytes;
    }
    memcpy(json->padded, json->source.ptr, len);
    memset(json->padded + len, 0, NX_SCAN_PADDING);
    return true;
}

/* The zero behind the document is marked, so what is behind its mark does not matter. */
void nx_json_mark(struct json_reader *r)
{
    unsigned char *mark = r->json->marks;

    for (const char *p = r->start; p <= r->end; p += 32, mark += 4) {
        uint32_t special = nx_scan_special(p) | (uint32_t)nx_scan_special(p + 16) << 16;
        mark[0] = (unsigned char)special;
        mark[1] = (unsigned char)(special >> 8);
        mark[2] = (unsigned char)(special >> 16);
        mark[3] = (unsigned char)(special >> 24);
    }
    r->marks = r->json->marks;
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
    if (!reserve_nodes(json, source.len) || !copy_source(json)) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    *r = (struct json_reader){.json = json,
                              .start = json->padded,
                              .end = json->padded + source.len,
                              .nodes = json->nodes,
                              .cap = json->cap,
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
    nx_json_mark(&r);
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
