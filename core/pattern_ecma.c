/*
 * pattern_ecma.c - ECMA-262 regular expressions in the words of PCRE2.
 *
 * The two dialects differ where nobody looks: `.` must not match U+2028, \d must be ASCII, \s must
 * know U+FEFF, `[]` is an empty class, \Z and (?i) and possessive quantifiers are not ECMA at all.
 * So every construct is read here, and written out in a form that PCRE2 cannot take another way.
 *
 * More lenient than the `u` flag in one point, as browsers without it are (ECMA-262, annex B): a
 * backslash before punctuation is that character, and a brace or bracket that closes nothing stands
 * for itself; schemas in the wild are full of both.
 */
#include "core/pattern_ecma.h"

#include "core/utf8.h"

enum { CODE_MAX = 0x10FFFF };

struct translator {
    const char *start;
    const char *p;
    const char *end;
    struct nx_buf *out;
    struct nx_diag *diag;
    bool can_repeat; /* the last thing written may take a quantifier */
};

/* What ECMA-262 calls WhiteSpace and LineTerminator, and everything else, as class content. */
#define SPACES "\\x09-\\x0d\\x20\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF"
#define NOT_SPACES                                                                                 \
    "\\x00-\\x08\\x0e-\\x1f\\x21-\\x7f\xC2\x80-\xC2\x9F\u00A1-\u167F\u1681-\u1FFF\u200B-\u2027"    \
    "\u202A-\u202E\u2030-\u205E\u2060-\u2FFF\u3001-\uD7FF\uE000-\uFEFE\uFF00-\U0010FFFF"

/* Class escapes, as the inside of a class. */
static const struct {
    char name;
    const char *inside;
} class_escapes[] = {
    {'d', "0-9"},        {'D', "\\x00-/:-\U0010FFFF"},
    {'w', "A-Za-z0-9_"}, {'W', "\\x00-/:-@\\[-\\^`{-\U0010FFFF"},
    {'s', SPACES},       {'S', NOT_SPACES},
};

/* The long names of general categories (Unicode, PropertyValueAliases) that PCRE2 has not. */
static const struct {
    const char *name;
    const char *alias;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Surrogate", "Cs"},
    {"Private_Use", "Co"},
    {"Unassigned", "Cn"},
};

static enum nx_err bad(struct translator *t, const char *at, const char *text)
{
    nx_diag_set(t->diag, "%s (byte %zu of the expression)", text, (size_t)(at - t->start) + 1);
    return NX_ERR_INVALID;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The byte `offset` places on, or NUL. */
static char peek(const struct translator *t, size_t offset)
{
    return (size_t)(t->end - t->p) > offset ? t->p[offset] : '\0';
}

/* Writes one character so that it means itself, in a class or out of one. */
static void put_literal(struct translator *t, uint32_t code)
{
    char bytes[4];

    if (code < 0x20 || code == 0x7F) {
        (void)nx_buf_printf(t->out, "\\x%02x", (unsigned)code);
        return;
    }
    if (code < 0x80 && !is_letter((char)code) && !is_digit((char)code)) {
        (void)nx_buf_byte(t->out, '\\');
    }
    (void)nx_buf_add(t->out, bytes, nx_utf8_put(bytes, code));
}

/* ---- escapes ----------------------------------------------------------------------------- */

/* `count` hexadecimal digits, or as many as there are when count is 0. */
static bool read_hex(struct translator *t, unsigned count, uint32_t *code)
{
    unsigned digits = 0;

    *code = 0;
    while (t->p < t->end && (count == 0 || digits < count)) {
        char c = *t->p;
        unsigned value = is_digit(c) ? (unsigned)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                             ? (unsigned)((c | 0x20) - 'a' + 10)
                             : 16;
        if (value == 16) {
            break;
        }
        *code = *code * 16 + value;
        if (*code > CODE_MAX) {
            return false;
        }
        digits++;
        t->p++;
    }
    return digits > 0 && (count == 0 || digits == count);
}

/* \uXXXX, \uXXXX\uXXXX as a pair, or \u{X...}; t->p is behind the u. */
static bool read_unicode(struct translator *t, uint32_t *code)
{
    const char *after;
    uint32_t low;

    if (peek(t, 0) == '{') {
        t->p++;
        return read_hex(t, 0, code) && t->p < t->end && *t->p++ == '}';
    }
    if (!read_hex(t, 4, code)) {
        return false;
    }
    after = t->p;
    if (*code >= 0xD800 && *code <= 0xDBFF && peek(t, 0) == '\\' && peek(t, 1) == 'u') {
        t->p += 2;
        if (read_hex(t, 4, &low) && low >= 0xDC00 && low <= 0xDFFF) {
            *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
            return true;
        }
        t->p = after;
    }
    return true;
}

/*
 * An escape that stands for one character; t->p is behind the backslash. False, and t->p as it
 * was, when it is not one. A malformed one sets *err.
 */
static bool read_character_escape(struct translator *t, uint32_t *code, enum nx_err *err)
{
    static const char names[] = "fnrtv";
    static const char codes[] = "\f\n\r\t\v";
    const char *at = t->p;
    char c = peek(t, 0);
    const char *found = c != '\0' ? strchr(names, c) : NULL;

    t->p++;
    if (found != NULL) {
        *code = (unsigned char)codes[found - names];
        return true;
    }
    if (c == 'c' && is_letter(peek(t, 0))) {
        *code = (uint32_t)*t->p++ & 0x1F;
        return true;
    }
    if (c == '0' && !is_digit(peek(t, 0)) && at < t->end) {
        *code = 0;
        return true;
    }
    if (c == 'x' || c == 'u') {
        if (!(c == 'x' ? read_hex(t, 2, code) : read_unicode(t, code))) {
            *err = bad(t, at - 1, "this escape lacks its hexadecimal digits");
        } else if (*code >= 0xD800 && *code <= 0xDFFF) {
            *err = bad(t, at - 1, "half of a surrogate pair matches nothing");
        }
        return true;
    }
    if (c != '\0' && (unsigned char)c < 0x80 && !is_letter(c) && !is_digit(c) && c >= 0x20) {
        *code = (unsigned char)c;
        return true;
    }
    t->p = at;
    return false;
}

/* The inside of the class that \d, \w, \s and their negations stand for, or NULL. */
static const char *class_escape(char name)
{
    for (size_t i = 0; i < sizeof(class_escapes) / sizeof(class_escapes[0]); i++) {
        if (class_escapes[i].name == name) {
            return class_escapes[i].inside;
        }
    }
    return NULL;
}

/* \p{...} or \P{...}; t->p is at the p. */
static enum nx_err put_property(struct translator *t)
{
    static const char *const prefixes[] = {"General_Category=", "gc="};
    const char *at = t->p;
    const char *close = memchr(t->p, '}', (size_t)(t->end - t->p));
    struct nx_span name;

    if (peek(t, 1) != '{' || close == NULL) {
        return bad(t, at - 1, "\\p is followed by a property in braces");
    }
    name = (struct nx_span){t->p + 2, (size_t)(close - t->p) - 2};
    for (size_t i = 0; i < name.len; i++) {
        if (!is_letter(name.ptr[i]) && !is_digit(name.ptr[i]) && name.ptr[i] != '_' &&
            name.ptr[i] != '=') {
            return bad(t, name.ptr + i, "this is no name of a Unicode property");
        }
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct nx_span prefix = nx_span_from(prefixes[i]);
        if (nx_span_starts(name, prefix)) {
            name.ptr += prefix.len;
            name.len -= prefix.len;
        }
    }
    for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++) {
        if (nx_span_is(name, categories[i].name)) {
            name = nx_span_from(categories[i].alias);
            break;
        }
    }
    (void)nx_buf_printf(t->out, "\\%c{%.*s}", *at, NX_SPAN_ARG(name));
    t->p = close + 1;
    return NX_OK;
}

/* \1 and \k<name>; t->p is behind the backslash. */
static enum nx_err put_back_reference(struct translator *t)
{
    const char *at = t->p;
    const char *close;

    if (*at == 'k') {
        close = memchr(t->p, '>', (size_t)(t->end - t->p));
        if (peek(t, 1) != '<' || close == NULL) {
            return bad(t, at - 1, "\\k is followed by a group's name in angle brackets");
        }
        (void)nx_buf_printf(t->out, "\\%.*s", (int)(close + 1 - at), at);
        t->p = close + 1;
        return NX_OK;
    }
    while (t->p < t->end && is_digit(*t->p)) {
        t->p++;
    }
    if (t->p - at > 3) {
        return bad(t, at - 1, "there are not so many groups");
    }
    (void)nx_buf_printf(t->out, "\\g{%.*s}", (int)(t->p - at), at);
    return NX_OK;
}

/* An escape outside a class; t->p is behind the backslash. */
static enum nx_err put_escape(struct translator *t)
{
    enum nx_err err = NX_OK;
    uint32_t code = 0;
    char c = peek(t, 0);
    const char *inside = c != '\0' ? class_escape(c) : NULL;

    t->can_repeat = true;
    if (t->p >= t->end) {
        return bad(t, t->p - 1, "a backslash stands at the end");
    }
    if (inside != NULL) {
        (void)nx_buf_printf(t->out, "[%s]", inside);
        t->p++;
        return NX_OK;
    }
    if (c == 'b' || c == 'B') {
        (void)nx_buf_printf(t->out, "\\%c", c);
        t->p++;
        t->can_repeat = false;
        return NX_OK;
    }
    if (c == 'p' || c == 'P') {
        return put_property(t);
    }
    if (c == 'k' || (c >= '1' && c <= '9')) {
        return put_back_reference(t);
    }
    if (!read_character_escape(t, &code, &err)) {
        return bad(t, t->p - 1, "this escape is not ECMA-262");
    }
    put_literal(t, code);
    return err;
}

/* ---- classes ----------------------------------------------------------------------------- */

/* Reads one member of a class. *set: it was a whole set, already written. */
static enum nx_err read_class_atom(struct translator *t, uint32_t *code, bool *set)
{
    enum nx_err err = NX_OK;
    const char *inside;

    *set = false;
    if (*t->p != '\\') {
        *code = nx_utf8_next(&t->p, t->end);
        return NX_OK;
    }
    t->p++;
    if (t->p >= t->end) {
        return bad(t, t->p - 1, "a backslash stands at the end");
    }
    inside = class_escape(*t->p);
    if (inside != NULL) {
        *set = true;
        t->p++;
        return nx_buf_str(t->out, inside);
    }
    if (*t->p == 'p' || *t->p == 'P') {
        *set = true;
        return put_property(t);
    }
    if (*t->p == 'b') {
        *code = '\b';
        t->p++;
        return NX_OK;
    }
    if (!read_character_escape(t, code, &err)) {
        return bad(t, t->p - 1, "this escape is not ECMA-262");
    }
    return err;
}

/* A character, a range or a set. A '-' beside a set stands for itself. */
static enum nx_err put_class_member(struct translator *t)
{
    const char *at = t->p;
    uint32_t first = 0;
    uint32_t last = 0;
    bool set;
    enum nx_err err = read_class_atom(t, &first, &set);

    if (err != NX_OK || set) {
        return err;
    }
    put_literal(t, first);
    if (peek(t, 0) != '-' || t->end - t->p < 2 || peek(t, 1) == ']') {
        return NX_OK;
    }
    if (peek(t, 1) == '\\' && t->end - t->p > 2 &&
        (class_escape(t->p[2]) != NULL || t->p[2] == 'p' || t->p[2] == 'P')) {
        return NX_OK;
    }
    t->p++;
    err = read_class_atom(t, &last, &set);
    if (err == NX_OK && last < first) {
        return bad(t, at, "this range is the wrong way round");
    }
    (void)nx_buf_byte(t->out, '-');
    put_literal(t, last);
    return err;
}

/* A class; t->p is behind the opening bracket. */
static enum nx_err put_class(struct translator *t)
{
    const char *at = t->p - 1;
    bool negated = peek(t, 0) == '^';
    enum nx_err err = NX_OK;

    t->p += negated;
    (void)nx_buf_str(t->out, negated ? "[^" : "[");
    while (err == NX_OK && t->p < t->end && *t->p != ']') {
        err = put_class_member(t);
    }
    if (err == NX_OK && t->p >= t->end) {
        return bad(t, at, "this class has no closing bracket");
    }
    if (t->p == at + 1) { /* PCRE2 takes "[]", but then "[]*" too never matches */
        (void)nx_buf_str(t->out, "^\\x00-\U0010FFFF");
    }
    t->p++;
    t->can_repeat = true;
    (void)nx_buf_byte(t->out, ']');
    return err;
}

/* ---- groups and quantifiers -------------------------------------------------------------- */

/* Letters, digits, _ and $; t->p is behind the '<'. */
static enum nx_err put_group_name(struct translator *t)
{
    const char *at = t->p;

    while (t->p < t->end && (is_letter(*t->p) || *t->p == '_' || (is_digit(*t->p) && t->p > at))) {
        t->p++;
    }
    if (t->p == at || t->p >= t->end || *t->p != '>') {
        return bad(t, at, "a group's name is letters, digits and _ in angle brackets");
    }
    t->p++;
    return nx_buf_add(t->out, at, (size_t)(t->p - at));
}

/* t->p is behind the opening parenthesis. */
static enum nx_err put_group(struct translator *t)
{
    static const char *const kinds[] = {"?:", "?=", "?!", "?<=", "?<!"};
    struct nx_span rest = {t->p, (size_t)(t->end - t->p)};

    t->can_repeat = false;
    (void)nx_buf_byte(t->out, '(');
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct nx_span kind = nx_span_from(kinds[i]);
        if (nx_span_starts(rest, kind)) {
            t->p += kind.len;
            return nx_buf_span(t->out, kind);
        }
    }
    if (nx_span_starts(rest, NX_SPAN("?<"))) {
        t->p += 2;
        (void)nx_buf_str(t->out, "?<");
        return put_group_name(t);
    }
    if (nx_span_starts(rest, NX_SPAN("?"))) {
        return bad(t, t->p - 1, "this kind of group is not ECMA-262");
    }
    return NX_OK;
}

/* The length of "{n}", "{n,}" or "{n,m}" at t->p, or 0. */
static size_t braces_length(const struct translator *t)
{
    size_t i = 1;

    if (peek(t, 0) != '{' || !is_digit(peek(t, 1))) {
        return 0;
    }
    while (is_digit(peek(t, i))) {
        i++;
    }
    if (peek(t, i) == ',') {
        i++;
        while (is_digit(peek(t, i))) {
            i++;
        }
    }
    return peek(t, i) == '}' ? i + 1 : 0;
}

/* A quantifier of `len` bytes at t->p, with the '?' that makes it lazy. */
static enum nx_err put_quantifier(struct translator *t, size_t len)
{
    if (!t->can_repeat) {
        return bad(t, t->p, "there is nothing to repeat");
    }
    len += peek(t, len) == '?';
    (void)nx_buf_add(t->out, t->p, len);
    t->p += len;
    t->can_repeat = false;
    return NX_OK;
}

/* Whatever begins at t->p. */
static enum nx_err put_next(struct translator *t)
{
    char c = *t->p;
    size_t braces;

    switch (c) {
    case '\\':
        t->p++;
        return put_escape(t);
    case '[':
        t->p++;
        return put_class(t);
    case '(':
        t->p++;
        return put_group(t);
    case '.':
        t->p++;
        t->can_repeat = true;
        return nx_buf_str(t->out, "[^\\n\\r\u2028\u2029]");
    case '*':
    case '+':
    case '?':
        return put_quantifier(t, 1);
    case '{':
        braces = braces_length(t);
        if (braces > 0) {
            return put_quantifier(t, braces);
        }
        break;
    case '^':
    case '$':
    case '|':
    case ')':
        t->p++;
        t->can_repeat = c == ')';
        return nx_buf_byte(t->out, (uint8_t)c);
    default:
        break;
    }
    put_literal(t, nx_utf8_next(&t->p, t->end));
    t->can_repeat = true;
    return nx_buf_error(t->out);
}

enum nx_err nx_ecma_translate(struct nx_span source, struct nx_buf *out, struct nx_diag *diag)
{
    struct translator t = {.start = source.ptr,
                           .p = source.ptr,
                           .end = source.ptr + source.len,
                           .out = out,
                           .diag = diag};
    enum nx_err err = NX_OK;

    while (err == NX_OK && t.p < t.end) {
        err = put_next(&t);
    }
    if (err == NX_OK && nx_buf_error(out) != NX_OK) {
        nx_diag_set(diag, "the expression is too long");
        err = nx_buf_error(out);
    }
    return err;
}
