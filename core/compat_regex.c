/*
 * compat_regex.c - a pattern as a nondeterministic automaton over code points, so that patterns
 * can be compared and strings made from them (compat_string.c).
 *
 * It reads the regular part of ECMA-262: literals, classes, groups, alternatives, quantifiers,
 * anchors. What is not regular or rarely seen (look-around, back references, \b, \p) is refused,
 * and then nothing is claimed about the pattern. Surrogate halves are left out: the judge matches
 * one as it matches U+FFFD (pattern.c), so texts with and without them are accepted alike.
 */
#include "core/compat_automaton.h"

#include "core/utf8.h"

#include <stdlib.h>

enum {
    TREE_MAX = 4096,
    GROUPS_MAX = 64,
    REPEAT_MAX = 1024,
    BUILD_MAX = 64 * 1024, /* of nested repetitions of nothing too */
    CODE_MAX = 0x10FFFF,
};

enum tree_kind { TREE_EMPTY, TREE_SET, TREE_BEGIN, TREE_END, TREE_CAT, TREE_ALT, TREE_REPEAT };

struct tree {
    enum tree_kind kind;
    uint32_t a; /* TREE_SET: its first range, else an operand */
    uint32_t b; /* TREE_SET: how many ranges, else an operand */
    uint32_t min;
    uint32_t max; /* UINT32_MAX: no end */
};

struct parser {
    const char *p;
    const char *end;
    struct tree *trees;
    uint32_t trees_count;
    uint32_t groups;
    uint32_t builds;
    struct compat_nfa *nfa;
    bool failed;
};

static const struct code_range digits[] = {{'0', '9'}};
static const struct code_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct code_range spaces[] = {
    {0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
static const struct code_range lines[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static uint32_t add_tree(struct parser *s, struct tree tree)
{
    if (s->trees_count == TREE_MAX) {
        s->failed = true;
        return 0;
    }
    s->trees[s->trees_count] = tree;
    return s->trees_count++;
}

/* ---- sets of code points ------------------------------------------------------------------- */

static void add_range(struct parser *s, uint32_t first, uint32_t last)
{
    if (s->nfa->ranges_count == NFA_RANGES_MAX || first > last) {
        s->failed = true;
        return;
    }
    s->nfa->ranges[s->nfa->ranges_count++] = (struct code_range){first, last};
}

static int by_first(const void *a, const void *b)
{
    const struct code_range *x = a;
    const struct code_range *y = b;

    return x->first < y->first ? -1 : x->first > y->first;
}

/* Replaces the ranges from `start` on by what they leave out. */
static void complement(struct parser *s, uint32_t start)
{
    struct code_range sorted[NFA_SET_MAX];
    uint32_t count = s->nfa->ranges_count - start;
    uint32_t next = 0;

    if (count > NFA_SET_MAX) {
        s->failed = true;
        return;
    }
    memcpy(sorted, s->nfa->ranges + start, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), by_first);
    s->nfa->ranges_count = start;
    for (uint32_t i = 0; i < count; i++) {
        if (sorted[i].first > next) {
            add_range(s, next, sorted[i].first - 1);
        }
        next = sorted[i].last + 1 > next ? sorted[i].last + 1 : next;
    }
    if (next <= CODE_MAX) {
        add_range(s, next, CODE_MAX);
    }
}

static void add_ranges(struct parser *s, const struct code_range *ranges, size_t count,
                       bool negated)
{
    uint32_t start = s->nfa->ranges_count;

    for (size_t i = 0; i < count; i++) {
        add_range(s, ranges[i].first, ranges[i].last);
    }
    if (negated) {
        complement(s, start);
    }
}

/* \d \w \s and their negations; false when `c` is none of them. */
static bool add_class_escape(struct parser *s, char c)
{
    switch (c) {
    case 'd':
    case 'D':
        add_ranges(s, digits, sizeof(digits) / sizeof(digits[0]), c == 'D');
        return true;
    case 'w':
    case 'W':
        add_ranges(s, words, sizeof(words) / sizeof(words[0]), c == 'W');
        return true;
    case 's':
    case 'S':
        add_ranges(s, spaces, sizeof(spaces) / sizeof(spaces[0]), c == 'S');
        return true;
    default:
        return false;
    }
}

static char peek(const struct parser *s)
{
    return s->p < s->end ? *s->p : '\0';
}

static bool take(struct parser *s, char c)
{
    if (s->p < s->end && *s->p == c) {
        s->p++;
        return true;
    }
    return false;
}

static uint32_t read_hex(struct parser *s, unsigned digits_min, unsigned digits_max)
{
    uint32_t code = 0;
    unsigned count = 0;

    while (count < digits_max && s->p < s->end) {
        char c = *s->p;
        bool digit = c >= '0' && c <= '9';
        char lower = (char)(c | 0x20);
        if (!digit && (lower < 'a' || lower > 'f')) {
            break;
        }
        code = code * 16 + (uint32_t)(digit ? c - '0' : lower - 'a' + 10);
        s->p++;
        count++;
    }
    s->failed = s->failed || count < digits_min;
    return code;
}

static uint32_t read_unicode(struct parser *s)
{
    uint32_t code;
    uint32_t low;

    if (take(s, '{')) {
        code = read_hex(s, 1, 6);
        s->failed = s->failed || !take(s, '}') || code > CODE_MAX;
        return code;
    }
    code = read_hex(s, 4, 4);
    if (code >= 0xD800 && code <= 0xDBFF && take(s, '\\') && take(s, 'u')) {
        low = read_hex(s, 4, 4);
        s->failed = s->failed || low < 0xDC00 || low > 0xDFFF;
        return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    s->failed = s->failed || (code >= 0xD800 && code <= 0xDFFF);
    return code;
}

/* An escape that is one character; the backslash is taken. */
static uint32_t read_escape(struct parser *s)
{
    static const char names[] = "fnrtv";
    static const char codes[] = "\f\n\r\t\v";
    char c = peek(s);
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    s->p++;
    if (found != NULL) {
        return (unsigned char)codes[found - names];
    }
    if (c == 'x') {
        return read_hex(s, 2, 2);
    }
    if (c == 'u') {
        return read_unicode(s);
    }
    s->failed = s->failed || s->p > s->end || alphanumeric || (unsigned char)c >= 0x80 || c < 0x20;
    return (unsigned char)c;
}

static uint32_t read_code(struct parser *s)
{
    if (take(s, '\\')) {
        return read_escape(s);
    }
    return nx_utf8_next(&s->p, s->end);
}

/* One element of a class: a class escape, a character, or a range of characters. */
static void parse_class_element(struct parser *s)
{
    uint32_t first;

    if (peek(s) == '\\' && s->end - s->p > 1 && add_class_escape(s, s->p[1])) {
        s->p += 2;
        s->failed = s->failed || (peek(s) == '-' && s->end - s->p > 1 && s->p[1] != ']');
        return;
    }
    first = read_code(s);
    if (s->end - s->p > 1 && s->p[0] == '-' && s->p[1] != ']') {
        s->p++;
        s->failed = s->failed ||
                    (peek(s) == '\\' && s->end - s->p > 1 && strchr("dDwWsSbBpP", s->p[1]) != NULL);
        add_range(s, first, read_code(s));
        return;
    }
    add_range(s, first, first);
}

static uint32_t set_tree(struct parser *s, uint32_t start)
{
    return add_tree(s,
                    (struct tree){.kind = TREE_SET, .a = start, .b = s->nfa->ranges_count - start});
}

static uint32_t parse_class(struct parser *s)
{
    uint32_t start = s->nfa->ranges_count;
    bool negated = take(s, '^');

    while (!s->failed && s->p < s->end && *s->p != ']') {
        parse_class_element(s);
    }
    s->failed = s->failed || !take(s, ']');
    if (negated && !s->failed) {
        complement(s, start);
    }
    return set_tree(s, start);
}

/* ---- the grammar --------------------------------------------------------------------------- */

static uint32_t parse_alternatives(struct parser *s);

/* Behind "(": a plain, a non-capturing or a named group; look-around is not regular enough. */
static uint32_t parse_group(struct parser *s)
{
    uint32_t inner;

    if (take(s, '?')) {
        if (take(s, '<') && peek(s) != '=' && peek(s) != '!') {
            while (s->p < s->end && *s->p != '>') {
                s->p++;
            }
            s->failed = s->failed || !take(s, '>');
        } else {
            s->failed = s->failed || !take(s, ':');
        }
    }
    if (s->failed || ++s->groups > GROUPS_MAX) {
        s->failed = true;
        return 0;
    }
    inner = parse_alternatives(s);
    s->groups--;
    s->failed = s->failed || !take(s, ')');
    return inner;
}

static uint32_t parse_atom(struct parser *s)
{
    uint32_t start = s->nfa->ranges_count;
    char c = *s->p;
    uint32_t code;

    switch (c) {
    case '(':
        s->p++;
        return parse_group(s);
    case '[':
        s->p++;
        return parse_class(s);
    case '^':
    case '$':
        s->p++;
        return add_tree(s, (struct tree){.kind = c == '^' ? TREE_BEGIN : TREE_END});
    case '.':
        s->p++;
        add_ranges(s, lines, sizeof(lines) / sizeof(lines[0]), true);
        return set_tree(s, start);
    case '*':
    case '+':
    case '?':
    case '{':
        s->failed = true;
        return 0;
    default:
        break;
    }
    if (c == '\\' && s->end - s->p > 1 && add_class_escape(s, s->p[1])) {
        s->p += 2;
        return set_tree(s, start);
    }
    code = read_code(s);
    add_range(s, code, code);
    return set_tree(s, start);
}

static uint32_t read_count(struct parser *s)
{
    uint32_t count = 0;
    const char *start = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9' && count <= REPEAT_MAX) {
        count = count * 10 + (uint32_t)(*s->p++ - '0');
    }
    s->failed = s->failed || s->p == start || count > REPEAT_MAX;
    return count;
}

/* The quantifier at s->p, if there is one. */
static bool parse_quantifier(struct parser *s, uint32_t *min, uint32_t *max)
{
    *min = 0;
    *max = UINT32_MAX;
    if (take(s, '*')) {
        return true;
    }
    if (take(s, '+')) {
        *min = 1;
        return true;
    }
    if (take(s, '?')) {
        *max = 1;
        return true;
    }
    if (!take(s, '{')) {
        return false;
    }
    *min = *max = read_count(s);
    if (take(s, ',')) {
        *max = peek(s) == '}' ? UINT32_MAX : read_count(s);
    }
    s->failed = s->failed || !take(s, '}') || *max < *min;
    return true;
}

static uint32_t parse_sequence(struct parser *s)
{
    uint32_t sequence = add_tree(s, (struct tree){.kind = TREE_EMPTY});

    while (!s->failed && s->p < s->end && *s->p != '|' && *s->p != ')') {
        uint32_t atom = parse_atom(s);
        uint32_t min;
        uint32_t max;
        if (parse_quantifier(s, &min, &max)) {
            (void)take(s, '?'); /* lazy: which match is found first is nothing here */
            atom = add_tree(s, (struct tree){TREE_REPEAT, atom, 0, min, max});
        }
        sequence = add_tree(s, (struct tree){.kind = TREE_CAT, .a = sequence, .b = atom});
    }
    return sequence;
}

static uint32_t parse_alternatives(struct parser *s)
{
    uint32_t all = parse_sequence(s);

    while (!s->failed && take(s, '|')) {
        uint32_t other = parse_sequence(s);
        all = add_tree(s, (struct tree){.kind = TREE_ALT, .a = all, .b = other});
    }
    return all;
}

/* ---- the automaton ------------------------------------------------------------------------- */

static uint32_t add_state(struct parser *s, struct nfa_state state)
{
    if (s->nfa->states_count == NX_COMPAT_PATTERN_STATES_MAX) {
        s->failed = true;
        return 0;
    }
    s->nfa->states[s->nfa->states_count] = state;
    return s->nfa->states_count++;
}

static uint32_t build(struct parser *s, uint32_t tree, uint32_t next);

/* Copies of the operand: as many as there must be, then those that may be, or a loop. */
static uint32_t build_repeat(struct parser *s, const struct tree *t, uint32_t next)
{
    uint32_t at = next;

    if (t->max == UINT32_MAX) {
        at = add_state(s, (struct nfa_state){.kind = NFA_SPLIT, .a = next, .b = next});
        uint32_t body = build(s, t->a, at);
        s->nfa->states[at].a = body;
    }
    for (uint32_t i = t->min; t->max != UINT32_MAX && i < t->max && !s->failed; i++) {
        uint32_t body = build(s, t->a, at);
        at = add_state(s, (struct nfa_state){.kind = NFA_SPLIT, .a = body, .b = next});
    }
    for (uint32_t i = 0; i < t->min && !s->failed; i++) {
        at = build(s, t->a, at);
    }
    return at;
}

/* The first state of what matches `tree` and goes on at `next`. */
static uint32_t build(struct parser *s, uint32_t tree, uint32_t next)
{
    const struct tree *t = &s->trees[tree];
    uint32_t a;

    s->failed = s->failed || ++s->builds > BUILD_MAX;
    if (s->failed) {
        return 0;
    }
    switch (t->kind) {
    case TREE_EMPTY:
        return next;
    case TREE_SET:
        return add_state(s, (struct nfa_state){NFA_SET, next, 0, t->a, t->b});
    case TREE_BEGIN:
        return add_state(s, (struct nfa_state){.kind = NFA_BEGIN, .a = next});
    case TREE_END:
        return add_state(s, (struct nfa_state){.kind = NFA_END, .a = next});
    case TREE_CAT:
        return build(s, t->a, build(s, t->b, next));
    case TREE_ALT:
        a = build(s, t->a, next);
        return add_state(s,
                         (struct nfa_state){.kind = NFA_SPLIT, .a = a, .b = build(s, t->b, next)});
    case TREE_REPEAT:
        return build_repeat(s, t, next);
    }
    return 0;
}

struct compat_nfa *compat_nfa_new(struct nx_span pattern)
{
    struct parser s = {.p = pattern.len > 0 ? pattern.ptr : "", .trees = NULL};
    struct compat_nfa *nfa = calloc(1, sizeof(*nfa));
    uint32_t tree;

    s.end = s.p + pattern.len;
    s.nfa = nfa;
    s.trees = calloc(TREE_MAX, sizeof(*s.trees));
    s.failed = nfa == NULL || s.trees == NULL;
    if (!s.failed) {
        tree = parse_alternatives(&s);
        s.failed = s.failed || s.p != s.end;
        (void)add_state(&s, (struct nfa_state){.kind = NFA_ACCEPT}); /* NFA_ACCEPT_STATE */
        nfa->start = build(&s, tree, NFA_ACCEPT_STATE);
    }
    free(s.trees);
    if (s.failed) {
        compat_nfa_free(nfa);
        return NULL;
    }
    return nfa;
}

void compat_nfa_free(struct compat_nfa *nfa)
{
    free(nfa);
}
