/*
 * json_value.c - the reader's inside: one value with all that is in it, onto the tape.
 *
 * Recursive, as deep as limits.depth_max, so that the place in the text and the end of the tape
 * stay in registers. Two loops have all of a scalar inlined: one over the members of an object,
 * one over the items of an array. Each node is written once, a container's behind its content.
 */
#include "core/json_reader.h"
#include "core/json_scan.h"

/* Inlined into the two loops. */
#define HOT static inline __attribute__((always_inline))

/* Behind a piece of text, and the next free node of the tape. `p` NULL: a fault. */
struct place {
    const char *p;
    size_t node;
};

static const struct place nowhere = {NULL, 0};

/*
 * Most places have no space at all: it is looked for where what is expected is not. Only behind an
 * opening bracket it matters at once.
 */
HOT const char *skip_opening(struct json_reader *r, const char *p)
{
    return __builtin_expect((unsigned char)*p > ' ' && *p != '/', 1) ? p : nx_json_skip_space(r, p);
}

/* ---- scalars ------------------------------------------------------------------------------- */

static struct place read_any(struct json_reader *r, const char *p, size_t node);

/* What is behind a comment; where there is none, what is at `p` is no value. */
static struct place read_behind_comment(struct json_reader *r, const char *p, size_t node)
{
    const char *behind = nx_json_skip_space(r, p);

    if (behind == NULL || behind == p) {
        return (struct place){behind == NULL ? NULL : nx_json_expected(r, p, "a value"), node};
    }
    return read_any(r, behind, node);
}

/* What the quick ways leave: strings with escapes, long numbers, words, and all faults. */
static __attribute__((noinline)) struct place read_otherwise(struct json_reader *r, const char *p,
                                                             size_t node)
{
    r->count = (uint32_t)node;
    switch (*p) {
    case '"':
        p = nx_json_read_string(r, p);
        break;
    case 't':
        p = nx_json_read_word(r, p, NX_JSON_TRUE, NX_SPAN("true"));
        break;
    case 'f':
        p = nx_json_read_word(r, p, NX_JSON_FALSE, NX_SPAN("false"));
        break;
    case 'n':
        p = nx_json_read_word(r, p, NX_JSON_NULL, NX_SPAN("null"));
        break;
    default:
        if ((*p < '0' || *p > '9') && *p != '-') {
            return read_behind_comment(r, p, node);
        }
        p = nx_json_read_number(r, p);
        break;
    }
    return (struct place){p, r->count};
}

/* Writes a scalar's node field by field: at once, the compiler would clear it first. */
HOT struct place put(struct json_reader *r, size_t node, enum nx_json_type type, uint8_t flags,
                     struct nx_span text, const char *behind)
{
    struct nx_json_node *n = &r->nodes[node];
    uint32_t offset = (uint32_t)(text.ptr - r->start);

    n->type = (uint8_t)type;
    n->flags = flags;
    n->reserved = 0;
    n->offset = type == NX_JSON_STRING ? offset - 1 : offset;
    n->text = offset;
    n->length = (uint32_t)text.len;
    n->next = (uint32_t)node + 1;
    return (struct place){behind, node + 1};
}

/*
 * The first byte from `p` on that is marked. *marks: the marks from `p` on, as far as they are
 * known; 0: they are looked up.
 */
HOT const char *find_special(struct json_reader *r, const char *p, uint64_t *marks)
{
    size_t at = (size_t)(p - r->start);

    if (*marks == 0) {
        *marks = nx_scan_word((const char *)r->marks + at / 8) >> at % 8;
        if (__builtin_expect(*marks == 0, 0)) { /* of at least 57 bytes */
            return nx_scan_plain(p + 57, NULL);
        }
    }
    return p + (unsigned)__builtin_ctzll(*marks);
}

/*
 * The string at `opening`, a quote. *closing: its other quote; NULL: it has escapes, or a fault.
 * *marks: as for find_special, from the byte behind the quote on.
 */
HOT struct place read_string(struct json_reader *r, const char *opening, size_t node,
                             uint64_t *marks, const char **closing)
{
    const char *first = opening + 1;
    const char *p = find_special(r, first, marks);

    if (__builtin_expect(*p != '"', 0)) {
        *marks = 0; /* the first of them is not the closing quote */
        p = (unsigned char)*p >= 0x80 ? nx_scan_utf8(p, r->end) : p;
        if (*p != '"') {
            *closing = NULL;
            return read_otherwise(r, opening, node);
        }
    }
    *closing = p;
    return put(r, node, NX_JSON_STRING, 0, (struct nx_span){first, (size_t)(p - first)}, p + 1);
}

HOT struct place read_number(struct json_reader *r, const char *first, size_t node)
{
    struct nx_nano nano = nx_scan_nano_short(first);

    if (__builtin_expect(
            nano.end == NULL || nano.end - first > (ptrdiff_t)r->json->limits.number_max, 0)) {
        return read_otherwise(r, first, node);
    }
    r->nodes[node].nano = nano.value;
    return put(r, node, NX_JSON_NUMBER,
               (uint8_t)(NX_JSON_NANO | (nano.whole ? NX_JSON_INTEGER : 0)),
               (struct nx_span){first, (size_t)(nano.end - first)}, nano.end);
}

/* ---- values -------------------------------------------------------------------------------- */

static struct place read_object(struct json_reader *r, const char *p, size_t node);
static struct place read_array(struct json_reader *r, const char *p, size_t node);

/*
 * The value at `p` or behind the space there; there is room for it on the tape. `marks` are those
 * from p + 1 on, or 0.
 */
HOT struct place read_value(struct json_reader *r, const char *p, size_t node, uint64_t marks)
{
    const char *closing;

    for (;;) {
        const char *space = p;
        if (*p == '"') {
            return read_string(r, p, node, &marks, &closing);
        }
        if ((*p >= '0' && *p <= '9') || *p == '-') {
            return read_number(r, p, node);
        }
        if (*p == '{') {
            return read_object(r, p, node);
        }
        if (*p == '[') {
            return read_array(r, p, node);
        }
        p = nx_scan_space(p, NULL);
        if (p == space) {
            return read_otherwise(r, p, node);
        }
        marks = 0;
    }
}

/* ---- containers ---------------------------------------------------------------------------- */

HOT bool enter(struct json_reader *r, const char *p)
{
    if (r->depth >= r->json->limits.depth_max) {
        (void)nx_json_limit(r, p, "arrays and objects nested too deeply",
                            r->json->limits.depth_max);
        return false;
    }
    r->depth++;
    return true;
}

/* Writes the node of a container that ends at `last`, its closing bracket. */
HOT struct place leave(struct json_reader *r, struct nx_json_node node, const char *last, size_t at,
                       size_t next)
{
    node.text = (uint32_t)(last - r->start);
    node.next = (uint32_t)next;
    r->nodes[at] = node;
    r->depth--;
    return (struct place){last + 1, next};
}

/* Two sets of 64 classes each for the names of an open object. */
struct classes {
    uint64_t first;
    uint64_t second;
};

HOT uint64_t load_half(const char *p)
{
    uint32_t half;

    memcpy(&half, p, 4);
    return half;
}

/* The first and the last bytes of a name, quotes included, and its length, mixed. */
HOT uint64_t class_of(const char *opening, const char *closing)
{
    uint64_t len = (uint64_t)(closing - opening);
    uint64_t word;

    if (len >= 7) {
        word = nx_scan_word(opening) + nx_scan_word(closing - 7);
    } else if (__builtin_expect(len >= 3, 1)) {
        word = load_half(opening) + load_half(closing - 3);
    } else {
        word = (unsigned char)opening[1]; /* without a letter, the quote */
    }
    return (word + len) * 0x61C88647;
}

/*
 * Is there perhaps a name like the one between two quotes? It becomes one of them. How it is
 * written decides; after one with escapes (`closing` NULL), all are perhaps alike.
 */
HOT bool is_known(struct classes *known, const char *opening, const char *closing)
{
    uint64_t class;

    if (__builtin_expect(closing == NULL, 0)) {
        *known = (struct classes){UINT64_MAX, UINT64_MAX};
        return true;
    }
    class = class_of(opening, closing);
    if ((known->first >> (class >> 58) & 1) != 0 &&
        (known->second >> (class >> 52 & 63) & 1) != 0) {
        return true;
    }
    known->first |= (uint64_t)1 << (class >> 58);
    known->second |= (uint64_t)1 << (class >> 52 & 63);
    return false;
}

/* The name and the colon that the quick way did not find where they mostly are. */
static __attribute__((noinline)) const char *find_name(struct json_reader *r, const char *p)
{
    p = nx_json_skip_space(r, p);
    return p == NULL || *p == '"' ? p : nx_json_expected(r, p, "a member name in quotes");
}

static __attribute__((noinline)) const char *find_colon(struct json_reader *r, const char *p)
{
    p = nx_json_skip_space(r, p);
    return p == NULL || *p == ':' ? p : nx_json_expected(r, p, "':' after the member name");
}

/* Moves marks from behind a quote on to behind the quote of a value, over `":"`. */
HOT uint64_t skip_marks(uint64_t marks)
{
    unsigned length = marks != 0 ? (unsigned)__builtin_ctzll(marks) : 64;

    return length <= 60 ? marks >> (length + 3) : 0;
}

/*
 * A member's name with its colon; the `index`th of the object at node `object`. *marks: for
 * read_value.
 */
HOT struct place read_name(struct json_reader *r, struct place at, size_t object, uint32_t index,
                           struct classes *known, uint64_t *marks)
{
    const char *opening = *at.p == '"' ? at.p : find_name(r, at.p);
    const char *closing;
    struct place to;

    if (opening == NULL) {
        return nowhere;
    }
    to = read_string(r, opening, at.node, marks, &closing);
    if (__builtin_expect(is_known(known, opening, closing), 0)) {
        if (to.p == NULL || (index < NX_JSON_NARROW_MAX &&
                             !nx_json_check_name(r, (uint32_t)object, (uint32_t)at.node))) {
            return nowhere;
        }
    }
    *marks = skip_marks(*marks);
    if (__builtin_expect(*to.p != ':', 0)) {
        *marks = 0;
        to.p = find_colon(r, to.p);
    }
    return (struct place){to.p != NULL ? to.p + 1 : NULL, to.node};
}

/* Behind a member or an item: before the next one (*more), or at the `closer`. */
HOT const char *read_comma(struct json_reader *r, const char *p, char closer, bool *more)
{
    if (__builtin_expect(*p != ',' && *p != closer, 0)) {
        p = nx_json_skip_space(r, p);
        if (p == NULL) {
            return NULL;
        }
    }
    *more = *p == ',';
    if (*more) {
        return p + 1;
    }
    return *p == closer ? p
                        : nx_json_expected(r, p,
                                           closer == '}' ? "',' or '}' in this object"
                                                         : "',' or ']' in this array");
}

/* A member of the object at node `object`, the `index`th. */
HOT struct place read_member(struct json_reader *r, struct place to, size_t object, uint32_t index,
                             struct classes *known)
{
    uint64_t marks = 0;

    if (__builtin_expect(to.node + 1 >= r->cap, 0)) {
        return (struct place){nx_json_too_many(r, to.p), to.node};
    }
    to = read_name(r, to, object, index, known, &marks);
    return to.p != NULL ? read_value(r, to.p, to.node, marks) : to;
}

static struct place read_object(struct json_reader *r, const char *p, size_t at)
{
    struct nx_json_node node = {.type = NX_JSON_OBJECT, .offset = (uint32_t)(p - r->start)};
    struct place to = {skip_opening(r, p + 1), at + 1};
    struct classes known = {0, 0};
    bool more = to.p != NULL && *to.p != '}';

    if (to.p == NULL || !enter(r, p)) {
        return nowhere;
    }
    for (; more; node.length++) {
        to = read_member(r, to, at, node.length, &known);
        to.p = to.p != NULL ? read_comma(r, to.p, '}', &more) : NULL;
        if (to.p == NULL) {
            return nowhere;
        }
    }
    to = leave(r, node, to.p, at, to.node);
    if (node.length > NX_JSON_NARROW_MAX &&
        !nx_json_check_wide(r, (uint32_t)at, (uint32_t)to.node)) {
        return nowhere;
    }
    return to;
}

static struct place read_array(struct json_reader *r, const char *p, size_t at)
{
    struct nx_json_node node = {.type = NX_JSON_ARRAY, .offset = (uint32_t)(p - r->start)};
    struct place to = {skip_opening(r, p + 1), at + 1};
    bool more = to.p != NULL && *to.p != ']';

    if (to.p == NULL || !enter(r, p)) {
        return nowhere;
    }
    for (; more; node.length++) {
        if (__builtin_expect(to.node >= r->cap, 0)) {
            return (struct place){nx_json_too_many(r, to.p), to.node};
        }
        to = read_value(r, to.p, to.node, 0);
        to.p = to.p != NULL ? read_comma(r, to.p, ']', &more) : NULL;
        if (to.p == NULL) {
            return nowhere;
        }
    }
    return leave(r, node, to.p, at, to.node);
}

static struct place read_any(struct json_reader *r, const char *p, size_t node)
{
    return read_value(r, p, node, 0);
}

const char *nx_json_read_value(struct json_reader *r, const char *p)
{
    struct place to;

    if (r->count >= r->cap) {
        return nx_json_too_many(r, p);
    }
    to = read_any(r, p, r->count);
    r->count = (uint32_t)to.node;
    return to.p;
}
