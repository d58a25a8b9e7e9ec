/*
 * json_walk.c - look-ups on a tape that was read: members, pointers, positions, raw bytes.
 *
 * Never changes the tape and never fails on a node that the tape holds. Look-ups by name are
 * linear: they serve configuration and messages to people; the judge has its own way (schema_*.c).
 */
#include "core/json_tape.h"

#include "core/json_scan.h"
#include "core/number.h"

const struct nx_json_node *nx_json_nodes(const struct nx_json *json, uint32_t *count)
{
    *count = json->count;
    return json->nodes;
}

struct nx_span nx_json_source(const struct nx_json *json)
{
    return json->source;
}

enum nx_json_type nx_json_type(const struct nx_json *json, uint32_t node)
{
    return (enum nx_json_type)json->nodes[node].type;
}

uint32_t nx_json_length(const struct nx_json *json, uint32_t node)
{
    return json->nodes[node].type >= NX_JSON_ARRAY ? json->nodes[node].length : 0;
}

const char *nx_json_type_name(enum nx_json_type type)
{
    switch (type) {
    case NX_JSON_NULL:
        return "null";
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
        return "boolean";
    case NX_JSON_NUMBER:
        return "number";
    case NX_JSON_STRING:
        return "string";
    case NX_JSON_ARRAY:
        return "array";
    case NX_JSON_OBJECT:
        return "object";
    }
    return "value";
}

struct nx_span nx_json_text(const struct nx_json *json, uint32_t node)
{
    const struct nx_json_node *n = &json->nodes[node];

    if (n->type != NX_JSON_STRING && n->type != NX_JSON_NUMBER) {
        return (struct nx_span){NULL, 0};
    }
    return nx_json_node_text(json, n);
}

uint32_t nx_json_member(const struct nx_json *json, uint32_t object, struct nx_span key)
{
    const struct nx_json_node *nodes = json->nodes;

    if (nodes[object].type != NX_JSON_OBJECT) {
        return 0;
    }
    for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next) {
        if (nx_span_eq(nx_json_node_text(json, &nodes[i]), key)) {
            return i + 1;
        }
    }
    return 0;
}

bool nx_json_each(const struct nx_json *json, uint32_t container, uint32_t *at, uint32_t *key,
                  uint32_t *value)
{
    const struct nx_json_node *nodes = json->nodes;
    bool object = nodes[container].type == NX_JSON_OBJECT;
    uint32_t i = *at == 0 ? container + 1 : *at;

    if ((!object && nodes[container].type != NX_JSON_ARRAY) || i >= nodes[container].next) {
        return false;
    }
    *key = object ? i : 0;
    *value = object ? i + 1 : i;
    *at = nodes[*value].next;
    return true;
}

/* The bytes of the string whose opening quote is at `first`. */
static size_t raw_string_len(struct nx_span source, uint32_t first)
{
    size_t i = first + 1;

    while (source.ptr[i] != '"') {
        i += source.ptr[i] == '\\' ? 2 : 1;
    }
    return i + 1 - first;
}

struct nx_span nx_json_raw(const struct nx_json *json, uint32_t node)
{
    const struct nx_json_node *n = &json->nodes[node];
    size_t len = 0;

    switch ((enum nx_json_type)n->type) {
    case NX_JSON_NULL:
    case NX_JSON_TRUE:
        len = 4;
        break;
    case NX_JSON_FALSE:
        len = 5;
        break;
    case NX_JSON_NUMBER:
        len = n->length;
        break;
    case NX_JSON_STRING:
        len = raw_string_len(json->source, n->offset);
        break;
    case NX_JSON_ARRAY:
    case NX_JSON_OBJECT:
        len = nx_json_node_last(n) + 1 - n->offset;
        break;
    }
    return (struct nx_span){json->source.ptr + n->offset, len};
}

enum nx_err nx_json_int(const struct nx_json *json, uint32_t node, int64_t *out)
{
    if (json->nodes[node].type != NX_JSON_NUMBER) {
        return NX_ERR_INVALID;
    }
    return nx_number_int(nx_json_text(json, node), out);
}

enum nx_err nx_json_double(const struct nx_json *json, uint32_t node, double *out)
{
    if (json->nodes[node].type != NX_JSON_NUMBER) {
        return NX_ERR_INVALID;
    }
    return nx_number_double(nx_json_text(json, node), out);
}

void nx_json_position(const struct nx_json *json, uint32_t offset, unsigned *line, unsigned *column)
{
    *line = 1;
    *column = 1;
    for (uint32_t i = 0; i < offset && i < json->source.len; i++) {
        if (json->source.ptr[i] == '\n') {
            (*line)++;
            *column = 1;
        } else {
            (*column)++;
        }
    }
}

void nx_json_diag_at(const struct nx_json *json, uint32_t node, const char *file,
                     struct nx_diag *diag)
{
    struct nx_buf pointer;
    unsigned line;
    unsigned column;

    if (diag == NULL) {
        return;
    }
    nx_json_position(json, json->nodes[node].offset, &line, &column);
    nx_diag_at(diag, file, line, column);
    diag->pointer[0] = '\0';
    nx_buf_init(&pointer, sizeof(diag->pointer) - 1);
    (void)nx_json_pointer(json, node, &pointer); /* cut when it is longer than the field */
    if (pointer.len > 0) {
        memcpy(diag->pointer, pointer.data, pointer.len);
        diag->pointer[pointer.len] = '\0';
    }
    nx_buf_fini(&pointer);
}

/* One reference token, escaped as RFC 6901 section 3 says. */
static void add_token(struct nx_buf *out, struct nx_span name)
{
    (void)nx_buf_byte(out, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '~') {
            (void)nx_buf_str(out, "~0");
        } else if (name.ptr[i] == '/') {
            (void)nx_buf_str(out, "~1");
        } else {
            (void)nx_buf_byte(out, (uint8_t)name.ptr[i]);
        }
    }
}

enum nx_err nx_json_pointer(const struct nx_json *json, uint32_t node, struct nx_buf *out)
{
    const struct nx_json_node *nodes = json->nodes;
    uint32_t box = 0;

    while (box != node) {
        uint32_t at = 0;
        uint32_t key = 0;
        uint32_t value = 0;
        unsigned index = 0;

        while (nx_json_each(json, box, &at, &key, &value) && node >= nodes[value].next) {
            index++;
        }
        if (nodes[box].type == NX_JSON_OBJECT) {
            add_token(out, nx_json_node_text(json, &nodes[key]));
        } else {
            (void)nx_buf_printf(out, "/%u", index);
        }
        if (node == key && key != 0) { /* a member's name stands where the member stands */
            break;
        }
        box = value;
    }
    return nx_buf_error(out);
}

/* Does the escaped reference token name `name`? */
static bool token_is(struct nx_span token, struct nx_span name)
{
    size_t at = 0;

    for (size_t i = 0; i < token.len; i++, at++) {
        char c = token.ptr[i];
        if (c == '~') {
            if (i + 1 >= token.len || (token.ptr[i + 1] != '0' && token.ptr[i + 1] != '1')) {
                return false;
            }
            c = token.ptr[++i] == '0' ? '~' : '/';
        }
        if (at >= name.len || name.ptr[at] != c) {
            return false;
        }
    }
    return at == name.len;
}

/* An array index as RFC 6901 section 4 writes it: digits, no leading zero. */
static bool token_index(struct nx_span token, uint32_t *index)
{
    uint32_t value = 0;

    if (token.len == 0 || token.len > 9 || (token.len > 1 && token.ptr[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] < '0' || token.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(token.ptr[i] - '0');
    }
    *index = value;
    return true;
}

static bool step_down(const struct nx_json *json, uint32_t box, struct nx_span token,
                      uint32_t *child)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t want = 0;

    if (json->nodes[box].type == NX_JSON_ARRAY && !token_index(token, &want)) {
        return false;
    }
    for (uint32_t i = 0; nx_json_each(json, box, &at, &key, child); i++) {
        if (key != 0 ? token_is(token, nx_json_node_text(json, &json->nodes[key])) : i == want) {
            return true;
        }
    }
    return false;
}

bool nx_json_at_from(const struct nx_json *json, uint32_t from, struct nx_span pointer,
                     uint32_t *node)
{
    uint32_t at = from;

    if (pointer.len > 0 && pointer.ptr[0] != '/') {
        return false;
    }
    if (pointer.len > 0) {
        (void)nx_span_cut(&pointer, '/');
        while (pointer.ptr != NULL) {
            if (!step_down(json, at, nx_span_cut(&pointer, '/'), &at)) {
                return false;
            }
        }
    }
    *node = at;
    return true;
}

bool nx_json_at(const struct nx_json *json, struct nx_span pointer, uint32_t *node)
{
    return json->count > 0 && nx_json_at_from(json, 0, pointer, node);
}

/* The character at *p in the form that a JSON string needs. */
static void quote_one(struct nx_buf *out, const char **p, const char *end)
{
    static const char names[] = "btn-fr"; /* U+0008 to U+000D; U+000B has no short form */
    unsigned char c = (unsigned char)**p;
    unsigned len = nx_utf8_valid(*p, end);

    if (c == '"' || c == '\\') {
        (void)nx_buf_byte(out, '\\');
        (void)nx_buf_byte(out, c);
    } else if (c >= 0x08 && c <= 0x0D && c != 0x0B) {
        (void)nx_buf_byte(out, '\\');
        (void)nx_buf_byte(out, (uint8_t)names[c - 0x08]);
    } else if (c < 0x20) {
        (void)nx_buf_printf(out, "\\u%04x", (unsigned)c);
    } else if (len > 0) {
        (void)nx_buf_add(out, *p, len);
    } else if (c == 0xED && end - *p >= 3 && ((unsigned char)(*p)[1] & 0xE0) == 0xA0 &&
               ((unsigned char)(*p)[2] & 0xC0) == 0x80) {
        const char *half = *p;
        (void)nx_buf_printf(out, "\\u%04x", (unsigned)nx_utf8_next(&half, end));
        len = 3;
    } else {
        (void)nx_buf_str(out, "\\ufffd"); /* not UTF-8: U+FFFD, the replacement character */
    }
    *p += len > 0 ? len : 1;
}

enum nx_err nx_json_quote(struct nx_buf *out, struct nx_span text)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;

    (void)nx_buf_byte(out, '"');
    while (p < end) {
        const char *plain = nx_scan_plain(p, end); /* nearly all of nearly every text, at once */
        (void)nx_buf_add(out, p, (size_t)(plain - p));
        p = plain;
        if (p < end) {
            quote_one(out, &p, end);
        }
    }
    (void)nx_buf_byte(out, '"');
    return nx_buf_error(out);
}
