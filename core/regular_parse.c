/*
 * regular_parse.c - from the text of an expression to a tree.
 *
 * Takes nothing that pattern_ecma.c, which knows the whole language, does not take, and gives it
 * the same meaning. It explains nothing: whatever is not regular or not well-formed is refused in
 * one way, and the general matcher then finds the words. A node that could not be made is
 * parser.spare, so that only the loops have to look at parser.refused.
 */
#include "core/regular_parts.h"

enum {
    SOURCE_BYTES_MAX = 4 * 1024,
    GROUP_DEPTH_MAX = 64,
    GROUP_NAMES_MAX = 16,
    GROUP_NAME_BYTES_MAX = 32, /* as PCRE2 has it */
    CLASS_RANGES_MAX = 512,
};

struct parser {
    const char *p;
    const char *end;
    struct codes_table *table;
    unsigned depth; /* of open groups */
    bool refused;
    struct node spare;
    struct nx_span names[GROUP_NAMES_MAX];
    unsigned names_count;
    struct code_range ranges[CLASS_RANGES_MAX]; /* of the class being read */
    uint32_t ranges_count;
};

/* What ECMA-262 calls WhiteSpace and LineTerminator. */
static const struct code_range spaces[] = {
    {0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF},
};
static const struct code_range digits[] = {{'0', '9'}};
static const struct code_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct code_range line_ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

#define RANGES(list) (list), sizeof(list) / sizeof((list)[0])

struct named_codes {
    char name;
    const struct code_range *ranges;
    uint32_t count;
    bool negated;
};

static const struct named_codes escapes[] = {
    {'d', RANGES(digits), false}, {'D', RANGES(digits), true},  {'w', RANGES(words), false},
    {'W', RANGES(words), true},   {'s', RANGES(spaces), false}, {'S', RANGES(spaces), true},
};
static const struct named_codes dot = {'.', RANGES(line_ends), true};

static struct node *read_choice(struct parser *ps);

static struct node *refuse(struct parser *ps)
{
    ps->refused = true;
    return &ps->spare;
}

static struct node *new_node(struct parser *ps, enum node_kind kind)
{
    struct node *node = nx_arena_alloc(ps->table->arena, sizeof(*node));

    if (node == NULL) {
        return refuse(ps);
    }
    node->kind = kind;
    return node;
}

/* Appends `child`, unless the parent is the spare node and all is lost anyway. */
static void append(struct parser *ps, struct node *parent, struct node *child)
{
    if (!ps->refused) {
        child->before = parent->last;
        parent->last = child;
    }
}

/* A set of the ranges gathered in the parser. */
static struct node *new_set(struct parser *ps, bool negated)
{
    struct node *node = new_node(ps, NODE_SET);

    node->codes = nx_codes_make(ps->table, ps->ranges, ps->ranges_count, negated);
    return node->codes != NULL ? node : refuse(ps);
}

static void add_range(struct parser *ps, uint32_t first, uint32_t last)
{
    if (ps->ranges_count == CLASS_RANGES_MAX) {
        ps->refused = true;
        return;
    }
    ps->ranges[ps->ranges_count++] = (struct code_range){first, last};
}

static void add_codes(struct parser *ps, const struct code_range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        add_range(ps, ranges[i].first, ranges[i].last);
    }
}

static struct node *new_character(struct parser *ps, uint32_t code)
{
    ps->ranges_count = 0;
    add_range(ps, code, code);
    return new_set(ps, false);
}

/* The byte `offset` places on, or NUL. */
static char peek(const struct parser *ps, size_t offset)
{
    return (size_t)(ps->end - ps->p) > offset ? ps->p[offset] : '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- escapes ----------------------------------------------------------------------------- */

/* The set that \d and its like stand for, or NULL. */
static const struct named_codes *find_escape(char name)
{
    for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
        if (escapes[i].name == name) {
            return &escapes[i];
        }
    }
    return NULL;
}

/* `count` hexadecimal digits, or as many as there are when count is 0. */
static uint32_t read_hex(struct parser *ps, unsigned count)
{
    uint32_t code = 0;
    unsigned read = 0;

    while (count == 0 || read < count) {
        char c = peek(ps, 0);
        char lower = (char)(c | 0x20);
        if (is_digit(c)) {
            code = code * 16 + (uint32_t)(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            code = code * 16 + (uint32_t)(lower - 'a' + 10);
        } else {
            break;
        }
        if (code > REGULAR_CODE_MAX) {
            break;
        }
        ps->p++;
        read++;
    }
    ps->refused |= code > REGULAR_CODE_MAX || read == 0 || read < count;
    return code;
}

static bool is_half(uint32_t code, uint32_t first)
{
    return code >= first && code <= first + 0x3FF;
}

/* \uXXXX, two of them as a pair, or \u{X...}; ps->p is behind the u. */
static uint32_t read_unicode(struct parser *ps)
{
    uint32_t code;
    uint32_t low;

    if (peek(ps, 0) == '{') {
        ps->p++;
        code = read_hex(ps, 0);
        ps->refused |= peek(ps, 0) != '}';
        ps->p += !ps->refused;
        return code;
    }
    code = read_hex(ps, 4);
    if (is_half(code, 0xD800) && peek(ps, 0) == '\\' && peek(ps, 1) == 'u') {
        ps->p += 2;
        low = read_hex(ps, 4);
        ps->refused |= !is_half(low, 0xDC00);
        return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    return code;
}

/* An escape that stands for one character; ps->p is behind the backslash. */
static uint32_t read_character_escape(struct parser *ps)
{
    static const char names[] = "fnrtv";
    static const char codes[] = "\f\n\r\t\v";
    char c = peek(ps, 0);
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    uint32_t code = (unsigned char)c;

    ps->p += ps->p < ps->end;
    if (found != NULL) {
        return (unsigned char)codes[found - names];
    }
    if (c == 'c' && is_letter(peek(ps, 0))) {
        return (uint32_t)*ps->p++ & 0x1F;
    }
    if (c == '0' && !is_digit(peek(ps, 0))) {
        return 0;
    }
    if (c == 'x' || c == 'u') {
        code = c == 'x' ? read_hex(ps, 2) : read_unicode(ps);
        ps->refused |= code >= 0xD800 && code <= 0xDFFF;
        return code;
    }
    ps->refused |= code < 0x20 || code >= 0x80 || is_letter(c) || is_digit(c);
    return code;
}

/* ---- classes ----------------------------------------------------------------------------- */

/* Adds a whole set, or what it leaves out, to the class being read. */
static void add_named(struct parser *ps, const struct named_codes *named)
{
    struct code_range copy[sizeof(spaces) / sizeof(spaces[0])];
    const struct codes *codes;

    if (!named->negated) {
        add_codes(ps, named->ranges, named->count);
        return;
    }
    memcpy(copy, named->ranges, named->count * sizeof(copy[0]));
    codes = nx_codes_make(ps->table, copy, named->count, true);
    if (codes == NULL) {
        ps->refused = true;
        return;
    }
    add_codes(ps, codes->ranges, codes->count);
}

/* One member of a class as a character; ps->p is at it, and it is no set. */
static uint32_t read_class_character(struct parser *ps)
{
    if (*ps->p != '\\') {
        return nx_utf8_next(&ps->p, ps->end);
    }
    ps->p++;
    if (peek(ps, 0) == 'b') {
        ps->p++;
        return '\b';
    }
    return read_character_escape(ps);
}

/* A set, a character or a range. A '-' beside a set stands for itself. */
static void read_class_member(struct parser *ps)
{
    const struct named_codes *named = *ps->p == '\\' ? find_escape(peek(ps, 1)) : NULL;
    uint32_t first;
    uint32_t last;

    if (named != NULL) {
        ps->p += 2;
        add_named(ps, named);
        return;
    }
    first = read_class_character(ps);
    last = first;
    if (peek(ps, 0) == '-' && ps->end - ps->p > 1 && peek(ps, 1) != ']' &&
        !(peek(ps, 1) == '\\' && find_escape(peek(ps, 2)) != NULL)) {
        ps->p++;
        last = read_class_character(ps);
    }
    ps->refused |= last < first;
    add_range(ps, first, last);
}

/* ps->p is behind the opening bracket. */
static struct node *read_class(struct parser *ps)
{
    bool negated = peek(ps, 0) == '^';

    ps->p += negated;
    ps->ranges_count = 0;
    while (!ps->refused && ps->p < ps->end && *ps->p != ']') {
        read_class_member(ps);
    }
    if (ps->refused || ps->p == ps->end) {
        return refuse(ps);
    }
    ps->p++;
    return new_set(ps, negated);
}

/* ---- groups and quantifiers -------------------------------------------------------------- */

/* The name of a group, which must be the only one of its kind; ps->p is behind the '<'. */
static void read_group_name(struct parser *ps)
{
    const char *at = ps->p;
    struct nx_span name;

    while (is_letter(peek(ps, 0)) || peek(ps, 0) == '_' || (is_digit(peek(ps, 0)) && ps->p > at)) {
        ps->p++;
    }
    name = (struct nx_span){at, (size_t)(ps->p - at)};
    ps->refused |= name.len == 0 || name.len > GROUP_NAME_BYTES_MAX || peek(ps, 0) != '>' ||
                   ps->names_count == GROUP_NAMES_MAX;
    for (unsigned i = 0; i < ps->names_count; i++) {
        ps->refused |= nx_span_eq(ps->names[i], name);
    }
    if (!ps->refused) {
        ps->names[ps->names_count++] = name;
        ps->p++;
    }
}

/* ps->p is behind the opening parenthesis. Nothing is captured: only yes or no is asked for. */
static struct node *read_group(struct parser *ps)
{
    struct node *node;

    if (peek(ps, 0) == '?') {
        char kind = peek(ps, 1);
        ps->refused |= kind != ':' && kind != '<';
        ps->p += ps->refused ? 0 : 2;
        if (kind == '<') {
            read_group_name(ps);
        }
    }
    if (ps->refused || ps->depth == GROUP_DEPTH_MAX) {
        return refuse(ps);
    }
    ps->depth++;
    node = read_choice(ps);
    ps->depth--;
    if (ps->p == ps->end || *ps->p != ')') {
        return refuse(ps);
    }
    ps->p++;
    return node;
}

/* The number at `offset` from ps->p, which moves on; more than REPEAT_MAX stays that. */
static uint32_t read_count(const struct parser *ps, size_t *offset)
{
    uint32_t count = 0;

    while (is_digit(peek(ps, *offset))) {
        count = count * 10 + (uint32_t)(peek(ps, *offset) - '0');
        count = count > REGULAR_REPEAT_MAX ? REGULAR_REPEAT_MAX + 1 : count;
        ++*offset;
    }
    return count;
}

/* The bounds of the quantifier at ps->p, and its length in bytes; 0 when there is none. */
static size_t quantifier(const struct parser *ps, uint32_t *min, uint32_t *max)
{
    char c = peek(ps, 0);
    size_t i = 1;

    if (c == '*' || c == '+' || c == '?') {
        *min = c == '+';
        *max = c == '?' ? 1 : REGULAR_UNBOUNDED;
        return 1;
    }
    if (c != '{' || !is_digit(peek(ps, 1))) {
        return 0;
    }
    *min = read_count(ps, &i);
    *max = *min;
    if (peek(ps, i) == ',') {
        i++;
        *max = is_digit(peek(ps, i)) ? read_count(ps, &i) : REGULAR_UNBOUNDED;
    }
    return peek(ps, i) == '}' ? i + 1 : 0;
}

/* `node` with the quantifier that follows, if one does. A lazy one answers the same. */
static struct node *read_quantifier(struct parser *ps, struct node *node)
{
    uint32_t min;
    uint32_t max;
    size_t len = quantifier(ps, &min, &max);
    struct node *repeat;

    if (len == 0 || ps->refused) {
        return node;
    }
    ps->p += len;
    ps->p += peek(ps, 0) == '?';
    if (min > REGULAR_REPEAT_MAX || min > max ||
        (max > REGULAR_REPEAT_MAX && max != REGULAR_UNBOUNDED)) {
        return refuse(ps);
    }
    repeat = new_node(ps, NODE_REPEAT);
    repeat->min = min;
    repeat->max = max;
    append(ps, repeat, node);
    return repeat;
}

/* A whole set as a node of its own. */
static struct node *new_named(struct parser *ps, const struct named_codes *named)
{
    ps->ranges_count = 0;
    add_codes(ps, named->ranges, named->count);
    return new_set(ps, named->negated);
}

/* ps->p is behind the backslash. */
static struct node *read_escape(struct parser *ps)
{
    const struct named_codes *named = find_escape(peek(ps, 0));

    if (named != NULL) {
        ps->p++;
        return new_named(ps, named);
    }
    return new_character(ps, read_character_escape(ps));
}

/* What a quantifier may follow. */
static struct node *read_atom(struct parser *ps)
{
    uint32_t min;
    uint32_t max;

    if (quantifier(ps, &min, &max) > 0) {
        return refuse(ps); /* nothing to repeat */
    }
    switch (*ps->p) {
    case '(':
        ps->p++;
        return read_group(ps);
    case '[':
        ps->p++;
        return read_class(ps);
    case '\\':
        ps->p++;
        return read_escape(ps);
    case '.':
        ps->p++;
        return new_named(ps, &dot);
    default:
        return new_character(ps, nx_utf8_next(&ps->p, ps->end));
    }
}

static struct node *read_term(struct parser *ps)
{
    char c = *ps->p;

    if (c == '^' || c == '$') {
        ps->p++;
        return new_node(ps, c == '^' ? NODE_START : NODE_END);
    }
    return read_quantifier(ps, read_atom(ps));
}

/* A node that has one child is that child. */
static struct node *simplest(struct parser *ps, struct node *node)
{
    return !ps->refused && node->last != NULL && node->last->before == NULL ? node->last : node;
}

static struct node *read_sequence(struct parser *ps)
{
    struct node *sequence = new_node(ps, NODE_SEQUENCE);

    while (!ps->refused && ps->p < ps->end && *ps->p != '|' && *ps->p != ')') {
        append(ps, sequence, read_term(ps));
    }
    return simplest(ps, sequence);
}

static struct node *read_choice(struct parser *ps)
{
    struct node *choice = new_node(ps, NODE_CHOICE);

    append(ps, choice, read_sequence(ps));
    while (!ps->refused && peek(ps, 0) == '|') {
        ps->p++;
        append(ps, choice, read_sequence(ps));
    }
    return simplest(ps, choice);
}

static bool is_utf8(struct nx_span text)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;

    while (p < end) {
        unsigned len = nx_utf8_valid(p, end);
        if (len == 0) {
            return false;
        }
        p += len;
    }
    return true;
}

const struct node *nx_regular_parse(struct nx_span source, struct codes_table *table)
{
    struct parser *ps = nx_arena_alloc(table->arena, sizeof(*ps));
    const struct node *tree;

    if (source.len == 0) {
        source.ptr = ""; /* it may be NULL */
    }
    if (ps == NULL || source.len > SOURCE_BYTES_MAX || !is_utf8(source)) {
        return NULL;
    }
    ps->p = source.ptr;
    ps->end = ps->p + source.len;
    ps->table = table;
    tree = read_choice(ps);
    return !ps->refused && ps->p == ps->end ? tree : NULL;
}
