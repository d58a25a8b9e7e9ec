/*
 * lens_read.c - reads a payload that has no members but those of a lens: each value onto the tape
 * without its name, and where it is to its member's place. So nobody has to look for members later.
 *
 * Says yes or does not know; whoever hears the second asks the reader (core/json.c), which takes
 * everything and finds the words of a fault: unknown or repeated names, escapes, whatever is rare.
 * It may never say yes where the reader would not. Which name comes next is guessed: the one that
 * came behind the same member the last time, for a sender keeps to its order.
 */
#include "lens/lens_internal.h"

#include "core/json_reader.h"

struct members_reader {
    struct json_reader json;
    const struct nx_side *side;
    struct nx_lens_places *places;
};

/*
 * As in core/json_reader.h: all that read take the place where their piece begins, and return the
 * place behind it. NULL: it is not for this file to tell.
 */

static inline const char *skip_space(const char *p)
{
    return __builtin_expect((unsigned char)*p > ' ', 1) ? p : nx_scan_space(p, NULL);
}

/* ---- values ------------------------------------------------------------------------------ */

/* A scalar with its text; `behind` it. */
static inline const char *put(struct json_reader *r, enum nx_json_type type, uint8_t flags,
                              struct nx_span text, const char *behind)
{
    struct nx_json_node *n = &r->nodes[r->count];
    uint32_t at = (uint32_t)(text.ptr - r->start);

    if (__builtin_expect(r->count >= r->cap, 0)) {
        return NULL;
    }
    n->type = (uint8_t)type;
    n->flags = flags;
    n->reserved = 0;
    n->offset = type == NX_JSON_STRING ? at - 1 : at;
    n->text = at;
    n->length = (uint32_t)text.len;
    n->next = ++r->count;
    return behind;
}

/* The byte behind what stands for itself in the string that begins at `first`. */
static inline const char *find_end(const struct json_reader *r, const char *first)
{
    const char *p = nx_scan_plain(first, NULL);

    return __builtin_expect((unsigned char)*p >= 0x80, 0) ? nx_scan_utf8(p, r->end) : p;
}

static inline const char *read_string(struct json_reader *r, const char *opening)
{
    const char *first = opening + 1;
    const char *p = find_end(r, first);

    return *p == '"'
               ? put(r, NX_JSON_STRING, 0, (struct nx_span){first, (size_t)(p - first)}, p + 1)
               : NULL;
}

static inline const char *read_number(struct json_reader *r, const char *p)
{
    struct nx_nano nano = nx_scan_nano_short(p);

    if (__builtin_expect(nano.end == NULL || r->count >= r->cap, 0)) {
        return nx_json_read_number(r, p);
    }
    r->nodes[r->count].nano = nano.value;
    return put(r, NX_JSON_NUMBER, (uint8_t)(NX_JSON_NANO | (nano.whole ? NX_JSON_INTEGER : 0)),
               (struct nx_span){p, (size_t)(nano.end - p)}, nano.end);
}

/* null, true or false; what comes behind must be looked at anyway. */
static inline const char *read_word(struct json_reader *r, const char *p)
{
    const struct nx_span none = {r->start, 0};
    uint64_t word = nx_scan_word(p);
    enum nx_json_type type;
    unsigned len = 4;

    if ((uint32_t)word == 0x6C6C756E) {
        type = NX_JSON_NULL;
    } else if ((uint32_t)word == 0x65757274) {
        type = NX_JSON_TRUE;
    } else if ((word & UINT64_MAX >> 24) == 0x65736C6166) {
        type = NX_JSON_FALSE;
        len = 5;
    } else {
        return NULL;
    }
    if (put(r, type, 0, none, p) == NULL) {
        return NULL;
    }
    r->nodes[r->count - 1].offset = (uint32_t)(p - r->start);
    return p + len;
}

static const char *read_container(struct json_reader *r, const char *p);

static inline const char *read_value(struct json_reader *r, const char *p)
{
    if (*p == '"') {
        return read_string(r, p);
    }
    if ((*p >= '0' && *p <= '9') || *p == '-') {
        return read_number(r, p);
    }
    return *p == '{' || *p == '[' ? read_container(r, p) : read_word(r, p);
}

/* ---- containers that a row carries as a whole --------------------------------------------- */

/* The name and the colon of the `index`th member of the object at node `object`. */
static const char *read_key(struct json_reader *r, const char *p, uint32_t object, uint32_t index)
{
    uint32_t key = r->count;

    p = *p == '"' && index < NX_JSON_NARROW_MAX ? read_string(r, p) : NULL;
    if (p == NULL || !nx_json_check_name(r, object, key)) {
        return NULL;
    }
    p = skip_space(p);
    return *p == ':' ? skip_space(p + 1) : NULL;
}

/* The items or members from `p` on; where the closing bracket is. */
static const char *read_items(struct json_reader *r, const char *p, uint32_t at, char closer)
{
    uint32_t count = 0;

    for (bool more = *p != closer; more; count++) {
        p = closer == '}' ? read_key(r, p, at, count) : p;
        p = p != NULL ? read_value(r, p) : NULL;
        if (p == NULL) {
            return NULL;
        }
        p = skip_space(p);
        more = *p == ',';
        p = more ? skip_space(p + 1) : p;
    }
    r->nodes[at].length = count;
    return *p == closer ? p : NULL;
}

/* As deep as the reader's limit. */
static const char *read_container(struct json_reader *r, const char *p)
{
    bool object = *p == '{';
    uint32_t at = r->count;

    if (r->depth >= r->json->limits.depth_max ||
        nx_json_add_node(r, object ? NX_JSON_OBJECT : NX_JSON_ARRAY, p) == NULL) {
        return NULL;
    }
    r->depth++;
    p = read_items(r, skip_space(p + 1), at, object ? '}' : ']');
    if (p == NULL) {
        return NULL;
    }
    r->depth--;
    r->nodes[at].text = (uint32_t)(p - r->start); /* nx_json_node_last() */
    r->nodes[at].next = r->count;
    return p + 1;
}

/* ---- members ----------------------------------------------------------------------------- */

/* The member of `parent` whose name is at `p`, when it was not the guessed one; 0: none. */
static __attribute__((noinline)) uint16_t find_member(const struct members_reader *m,
                                                      const char **p, uint16_t parent)
{
    const char *first = *p + 1;
    const char *end;

    if (**p != '"') {
        return 0;
    }
    end = find_end(&m->json, first);
    *p = skip_space(end + (*end == '"'));
    if (*end != '"' || *(*p)++ != ':') {
        return 0;
    }
    return nx_side_child(m->side, parent, (struct nx_span){first, (size_t)(end - first)});
}

/*
 * A member's name and its colon; `*guess` is the member that it may be, in the table of what came
 * the last time, and becomes the one that it is. A name that is repeated is a fault.
 */
static inline const char *read_name(struct members_reader *m, const char *p, uint16_t parent,
                                    uint16_t *guess)
{
    const struct token *token = &m->side->members[*guess].token;

    if (__builtin_expect(nx_token_is(token, p), 1)) {
        p += token->len;
    } else {
        uint16_t found = find_member(m, &p, parent);
        if (found == 0) {
            return NULL;
        }
        *guess = found;
    }
    if (m->places->nodes[*guess] != 0) {
        return NULL;
    }
    m->places->nodes[*guess] = m->json.count;
    return p;
}

static const char *read_members(struct members_reader *m, const char *p, uint16_t parent);

/* The object at `p`, whose members are those below `parent`: as deep as NX_LENS_DEPTH_MAX. */
static const char *read_object(struct members_reader *m, const char *p, uint16_t parent)
{
    struct json_reader *r = &m->json;
    uint32_t at = r->count;

    if (nx_json_add_node(r, NX_JSON_OBJECT, p) == NULL) {
        return NULL;
    }
    r->depth++;
    p = read_members(m, skip_space(p + 1), parent);
    r->depth--;
    r->nodes[at].next = r->count;
    return p;
}

/* The members from `p` on and the brace behind them. */
static const char *read_members(struct members_reader *m, const char *p, uint16_t parent)
{
    uint16_t *guess = &m->places->first[parent];

    if (*p == '}') {
        return p + 1;
    }
    for (;;) {
        p = read_name(m, p, parent, guess);
        if (p == NULL) {
            return NULL;
        }
        p = skip_space(p);
        p = *p == '{' && !m->side->members[*guess].leaf ? read_object(m, p, *guess)
                                                        : read_value(&m->json, p);
        if (p == NULL) {
            return NULL;
        }
        p = skip_space(p);
        if (*p != ',') {
            return *p == '}' ? p + 1 : NULL;
        }
        p = skip_space(p + 1);
        guess = &m->places->behind[*guess];
    }
}

bool nx_lens_read(const struct nx_lens *lens, bool canonical, struct nx_json *json,
                  struct nx_span payload, struct nx_lens_places *places)
{
    struct members_reader m = {.side = canonical ? &lens->canonical : &lens->dialect,
                               .places = places};
    const char *p;

    /* so short that the tape would be large enough for names, too */
    if (payload.len / 2 + json->limits.depth_max + 2 > json->limits.nodes_max ||
        nx_json_start(&m.json, json, payload, NULL) != NX_OK) {
        return false;
    }
    memset(places->nodes, 0, m.side->count * sizeof(places->nodes[0]));
    p = skip_space(m.json.start);
    if (*p != '{') {
        return false;
    }
    p = read_object(&m, p, 0);
    if (p == NULL || skip_space(p) != m.json.end) {
        return false;
    }
    json->count = m.json.count;
    return true;
}

uint32_t nx_lens_id(const struct nx_lens *lens, const struct nx_lens_places *places)
{
    return places->nodes[lens->id];
}
