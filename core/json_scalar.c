/*
 * json_scalar.c - strings, numbers and the three words: the values of JSON without content.
 *
 * Strings are checked as UTF-8 and decoded only when they have escapes; numbers are checked against
 * the grammar and left as they are written.
 */
#include "core/json_reader.h"

#include "core/utf8.h"

#include <stdlib.h>

/* ---- strings ----------------------------------------------------------------------------- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The bytes of `word` before its first that does not stand for itself; 8 when all do. */
static inline unsigned plain_bytes(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    uint64_t quote = word ^ (ones * '"');
    uint64_t slash = word ^ (ones * '\\');
    /*
     * A high bit is set where a byte is above 0x7F, below 0x20, '"' or '\'. A borrow may set more
     * of them, but only above a byte that is one: the lowest is always right.
     */
    uint64_t special = (word | (word - ones * 0x20) | (quote - ones) | (slash - ones)) & highs;

    return special == 0 ? 8 : (unsigned)__builtin_ctzll(special) / 8;
}
#endif

/* Moves over bytes that stand for themselves: printable ASCII except '"' and '\'. */
static inline const char *skip_plain(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - p >= 8) {
        uint64_t word;
        unsigned plain;
        memcpy(&word, p, 8);
        plain = plain_bytes(word);
        p += plain;
        if (plain < 8) {
            return p;
        }
    }
#endif
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\') {
        p++;
    }
    return p;
}

/* Moves over all that needs no decoding; stops at '"', '\', an error or the end. */
static inline const char *skip_literal(const char *p, const char *end)
{
    for (;;) {
        p = skip_plain(p, end);
        if (p >= end || (unsigned char)*p < 0x80) {
            return p;
        }
        unsigned len = nx_utf8_valid(p, end);
        if (len == 0) {
            return p;
        }
        p += len;
    }
}

/* Why the string cannot go on at r->p. */
static enum nx_err bad_string_byte(struct json_reader *r, const char *opening)
{
    unsigned char c;

    if (r->p >= r->end) {
        return nx_json_syntax(r, opening, "this string has no closing quote");
    }
    c = (unsigned char)*r->p;
    if (c < 0x20) {
        nx_diag_set(r->diag, "the control byte 0x%02X in a string must be written as \\u%04X",
                    (unsigned)c, (unsigned)c);
        return NX_ERR_SYNTAX;
    }
    nx_diag_set(r->diag, "the byte 0x%02X is not UTF-8 here", (unsigned)c);
    return NX_ERR_SYNTAX;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        return (c | 0x20) - 'a' + 10;
    }
    return -1;
}

/* The four hexadecimal digits at `p`, or -1. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t code = 0;

    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0) {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

/* The `\uXXXX` at r->p, with its second half when it is a surrogate pair. */
static enum nx_err read_unicode_escape(struct json_reader *r, uint32_t *code, uint8_t *flags)
{
    int32_t low;
    int32_t first = hex4(r->p + 2, r->end);

    if (first < 0) {
        return nx_json_syntax(r, r->p, "\\u must be followed by four hexadecimal digits");
    }
    r->p += 6;
    *code = (uint32_t)first;
    if (first < 0xD800 || first > 0xDFFF) {
        return NX_OK;
    }
    if (first <= 0xDBFF && r->end - r->p >= 2 && r->p[0] == '\\' && r->p[1] == 'u') {
        low = hex4(r->p + 2, r->end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            r->p += 6;
            *code = 0x10000 + (((uint32_t)first - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            return NX_OK;
        }
    }
    *flags |= NX_JSON_LONE_SURROGATE;
    return NX_OK;
}

/* The escape at r->p, a backslash. */
static enum nx_err read_escape(struct json_reader *r, uint32_t *code, uint8_t *flags)
{
    static const char names[] = "\"\\/bfnrt";
    static const char codes[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (r->end - r->p < 2) {
        r->p = r->end;
        return nx_json_expected(r, "an escaped character");
    }
    if (r->p[1] == 'u') {
        return read_unicode_escape(r, code, flags);
    }
    found = r->p[1] != '\0' ? strchr(names, r->p[1]) : NULL;
    if (found == NULL) {
        return nx_json_syntax(r, r->p,
                              "a backslash must be followed by one of \" \\ / b f n r t u");
    }
    *code = (unsigned char)codes[found - names];
    r->p += 2;
    return NX_OK;
}

/* Room for every decoded string of this document: decoding never makes text longer. */
static bool reserve_decoded(struct nx_json *json)
{
    char *decoded;

    if (json->decoded_cap >= json->source.len) {
        return true;
    }
    decoded = realloc(json->decoded, json->source.len);
    if (decoded == NULL) {
        return false;
    }
    json->decoded = decoded;
    json->decoded_cap = json->source.len;
    return true;
}

/* The rest of a string that has escapes: r->p is at the first one, its text began at `text`. */
static enum nx_err read_escaped(struct json_reader *r, struct nx_json_node *node, const char *text)
{
    struct nx_json *json = r->json;
    const char *literal = text;
    char *out;

    if (!reserve_decoded(json)) {
        return NX_ERR_NOMEM;
    }
    out = json->decoded + json->decoded_len;
    for (;;) {
        size_t plain = (size_t)(r->p - literal);
        uint32_t code = 0;
        enum nx_err err;

        memcpy(out, literal, plain);
        out += plain;
        if (r->p >= r->end || *r->p != '\\') {
            break;
        }
        err = read_escape(r, &code, &node->flags);
        if (err != NX_OK) {
            return err;
        }
        out += nx_utf8_put(out, code);
        literal = r->p;
        r->p = skip_literal(r->p, r->end);
    }
    node->flags |= NX_JSON_DECODED;
    node->text = (uint32_t)json->decoded_len;
    node->length = (uint32_t)((size_t)(out - json->decoded) - json->decoded_len);
    json->decoded_len = (size_t)(out - json->decoded);
    return NX_OK;
}

/* r->p is at the opening quote. */
enum nx_err nx_json_read_string(struct json_reader *r)
{
    const char *opening = r->p;
    const char *text = r->p + 1;
    struct nx_json_node *node = nx_json_add_node(r, NX_JSON_STRING, opening);
    enum nx_err err = NX_OK;

    if (node == NULL) {
        return nx_json_too_many(r);
    }
    r->p = skip_literal(text, r->end);
    if (r->p < r->end && *r->p == '\\') {
        err = read_escaped(r, node, text);
    } else {
        node->text = (uint32_t)(text - r->start);
        node->length = (uint32_t)(r->p - text);
    }
    if (err != NX_OK) {
        return err;
    }
    if (r->p >= r->end || *r->p != '"') {
        return bad_string_byte(r, opening);
    }
    r->p++;
    return NX_OK;
}

/* ---- numbers and literals ---------------------------------------------------------------- */

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One digit or more. */
static inline bool skip_digits(struct json_reader *r)
{
    const char *first = r->p;

    while (r->p < r->end && is_digit(*r->p)) {
        r->p++;
    }
    return r->p > first;
}

static enum nx_err read_fraction_exponent(struct json_reader *r)
{
    if (r->p < r->end && *r->p == '.') {
        r->p++;
        if (!skip_digits(r)) {
            return nx_json_expected(r, "a digit after the decimal point");
        }
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-')) {
            r->p++;
        }
        if (!skip_digits(r)) {
            return nx_json_expected(r, "a digit of the exponent");
        }
    }
    return NX_OK;
}

enum nx_err nx_json_read_number(struct json_reader *r)
{
    const char *first = r->p;
    const char *integer_end;
    struct nx_json_node *node = nx_json_add_node(r, NX_JSON_NUMBER, first);
    enum nx_err err;

    if (node == NULL) {
        return nx_json_too_many(r);
    }
    r->p += *r->p == '-';
    if (r->p < r->end && *r->p == '0') {
        r->p++;
        if (r->p < r->end && is_digit(*r->p)) {
            return nx_json_syntax(r, r->p - 1, "a number must not begin with 0");
        }
    } else if (!skip_digits(r)) {
        return nx_json_expected(r, "a digit");
    }
    integer_end = r->p;
    err = read_fraction_exponent(r);
    if (err != NX_OK) {
        return err;
    }
    if (r->p - first > (ptrdiff_t)r->json->limits.number_max) {
        return nx_json_limit(r, first, "too many bytes in a number", r->json->limits.number_max);
    }
    node->flags = r->p == integer_end ? NX_JSON_INTEGER : 0;
    node->text = node->offset;
    node->length = (uint32_t)(r->p - first);
    return NX_OK;
}

enum nx_err nx_json_read_word(struct json_reader *r, enum nx_json_type type, struct nx_span word)
{
    if ((size_t)(r->end - r->p) < word.len || memcmp(r->p, word.ptr, word.len) != 0) {
        return nx_json_expected(r, "a value (true, false and null are written in small letters)");
    }
    if (nx_json_add_node(r, type, r->p) == NULL) {
        return nx_json_too_many(r);
    }
    r->p += word.len;
    return NX_OK;
}
