/*
 * json_scalar.c - strings, numbers and the three words: the values of JSON without content.
 *
 * Strings are checked as UTF-8 and decoded only when they have escapes; numbers are checked against
 * the grammar and left as they are written.
 */
#include "core/json_reader.h"

#include "core/json_scan.h"

#include <stdlib.h>

/* ---- strings ----------------------------------------------------------------------------- */

const char *nx_scan_utf8(const char *p, const char *end)
{
    for (;;) {
        unsigned len;
        if (p >= end || (unsigned char)*p < 0x80) {
            return p;
        }
        len = nx_utf8_valid(p, end);
        if (len == 0) {
            return p;
        }
        p = nx_scan_plain(p + len, end);
    }
}

/* Tells why a string cannot go on at `p`; it began at the quote `opening`. */
static const char *bad_string(struct json_reader *r, const char *p, const char *opening)
{
    unsigned char c;

    if (p >= r->end) {
        return nx_json_syntax(r, opening, "this string has no closing quote");
    }
    c = (unsigned char)*p;
    r->err = NX_ERR_SYNTAX;
    r->fault = p;
    if (c < 0x20) {
        nx_diag_set(r->diag, "the control byte 0x%02X in a string must be written as \\u%04X",
                    (unsigned)c, (unsigned)c);
    } else {
        nx_diag_set(r->diag, "the byte 0x%02X is not UTF-8 here", (unsigned)c);
    }
    return NULL;
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

/* The `\uXXXX` at `p`, with its second half when it is a surrogate pair. */
static const char *read_unicode_escape(struct json_reader *r, const char *p, uint32_t *code,
                                       uint8_t *flags)
{
    int32_t low;
    int32_t first = hex4(p + 2, r->end);

    if (first < 0) {
        return nx_json_syntax(r, p, "\\u must be followed by four hexadecimal digits");
    }
    p += 6;
    *code = (uint32_t)first;
    if (first < 0xD800 || first > 0xDFFF) {
        return p;
    }
    if (first <= 0xDBFF && r->end - p >= 2 && p[0] == '\\' && p[1] == 'u') {
        low = hex4(p + 2, r->end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *code = 0x10000 + (((uint32_t)first - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            return p + 6;
        }
    }
    *flags |= NX_JSON_LONE_SURROGATE;
    return p;
}

/* The escape at `p`, a backslash. */
static const char *read_escape(struct json_reader *r, const char *p, uint32_t *code, uint8_t *flags)
{
    static const char names[] = "\"\\/bfnrt";
    static const char codes[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (r->end - p < 2) {
        return nx_json_expected(r, r->end, "an escaped character");
    }
    if (p[1] == 'u') {
        return read_unicode_escape(r, p, code, flags);
    }
    found = p[1] != '\0' ? strchr(names, p[1]) : NULL;
    if (found == NULL) {
        return nx_json_syntax(r, p, "a backslash must be followed by one of \" \\ / b f n r t u");
    }
    *code = (unsigned char)codes[found - names];
    return p + 2;
}

/* Room for every decoded string of this document: decoding never makes text longer. */
static bool reserve_decoded(struct nx_json *json)
{
    char *decoded;

    size_t need = json->source.len + NX_SCAN_PADDING;

    if (json->decoded_cap >= need) {
        return true;
    }
    decoded = realloc(json->decoded, need);
    if (decoded == NULL) {
        return false;
    }
    json->decoded = decoded;
    json->decoded_cap = need;
    return true;
}

const char *nx_json_read_string(struct json_reader *r, const char *opening)
{
    const char *p = nx_scan_literal(opening + 1, r->end);
    struct nx_json_node *node;

    if (p >= r->end || *p != '\\') {
        return bad_string(r, p, opening);
    }
    node = nx_json_add_node(r, NX_JSON_STRING, opening);
    return node != NULL ? nx_json_read_escaped(r, p, node) : nx_json_too_many(r, opening);
}

const char *nx_json_read_escaped(struct json_reader *r, const char *p, struct nx_json_node *node)
{
    struct nx_json *json = r->json;
    const char *opening = r->start + node->offset;
    const char *literal = opening + 1;
    char *out;

    if (!reserve_decoded(json)) {
        r->err = NX_ERR_NOMEM;
        r->fault = opening;
        return NULL;
    }
    out = json->decoded + json->decoded_len;
    for (;;) {
        size_t plain = (size_t)(p - literal);
        uint32_t code = 0;

        memcpy(out, literal, plain);
        out += plain;
        if (p >= r->end || *p != '\\') {
            break;
        }
        literal = read_escape(r, p, &code, &node->flags);
        if (literal == NULL) {
            return NULL;
        }
        out += nx_utf8_put(out, code);
        p = nx_scan_literal(literal, r->end);
    }
    if (p >= r->end || *p != '"') {
        return bad_string(r, p, opening);
    }
    node->flags |= NX_JSON_DECODED;
    node->text = (uint32_t)json->decoded_len;
    node->length = (uint32_t)((size_t)(out - json->decoded) - json->decoded_len);
    json->decoded_len = (size_t)(out - json->decoded);
    return p + 1;
}

/* ---- numbers and literals ---------------------------------------------------------------- */

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p)) {
        p++;
    }
    return p;
}

/* One digit or more. */
static const char *read_digits(struct json_reader *r, const char *first, const char *what)
{
    const char *p = skip_digits(first, r->end);

    return p > first ? p : nx_json_expected(r, p, what);
}

static const char *read_exponent(struct json_reader *r, const char *p)
{
    p++;
    if (p < r->end && (*p == '+' || *p == '-')) {
        p++;
    }
    return read_digits(r, p, "a digit of the exponent");
}

/* Moves over digits and appends them to `value`, which may overflow. */
static const char *append_digits(const char *p, uint64_t *value)
{
    while (is_digit(*p)) {
        *value = *value * 10 + (unsigned)(*p - '0');
        p++;
    }
    return p;
}

struct nx_nano nx_scan_nano_long(const char *first)
{
    static const int64_t scale[NX_NANO_DECIMALS + 1] = {
        1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    const struct nx_nano none = {NULL, 0, false, false};
    struct nx_nano nano = {.whole = true};
    const char *integer = first + (*first == '-');
    const char *point;
    uint64_t mantissa = 0;
    ptrdiff_t decimals = 0;

    point = nano.end = append_digits(integer, &mantissa);
    if (point == integer || (*integer == '0' && point - integer > 1)) {
        return none;
    }
    if (*point == '.') {
        nano.whole = false;
        nano.end = append_digits(point + 1, &mantissa);
        decimals = nano.end - point - 1;
        if (decimals == 0) {
            return none;
        }
    }
    if (nano.end - integer > NX_NANO_DIGITS_MAX || (*nano.end | 0x20) == 'e') {
        return none;
    }
    nano.value = *first == '-' ? -(int64_t)mantissa : (int64_t)mantissa;
    nano.exact = decimals <= NX_NANO_DECIMALS &&
                 !__builtin_mul_overflow(nano.value, scale[decimals], &nano.value);
    return nano;
}

const char *nx_json_read_number(struct json_reader *r, const char *first)
{
    struct nx_json_node *node = nx_json_add_node(r, NX_JSON_NUMBER, first);
    const char *p = first + (*first == '-');
    const char *integer_end;

    if (node == NULL) {
        return nx_json_too_many(r, first);
    }
    if (p + 1 < r->end && p[0] == '0' && is_digit(p[1])) {
        return nx_json_syntax(r, p, "a number must not begin with 0");
    }
    p = read_digits(r, p, "a digit");
    integer_end = p;
    if (p != NULL && p < r->end && *p == '.') {
        p = read_digits(r, p + 1, "a digit after the decimal point");
    }
    if (p != NULL && p < r->end && (*p == 'e' || *p == 'E')) {
        p = read_exponent(r, p);
    }
    if (p == NULL) {
        return NULL;
    }
    if (p - first > (ptrdiff_t)r->json->limits.number_max) {
        return nx_json_limit(r, first, "too many bytes in a number", r->json->limits.number_max);
    }
    node->flags = p == integer_end ? NX_JSON_INTEGER : 0;
    node->text = node->offset;
    node->length = (uint32_t)(p - first);
    return p;
}

const char *nx_json_read_word(struct json_reader *r, const char *p, enum nx_json_type type,
                              struct nx_span word)
{
    if ((size_t)(r->end - p) < word.len || memcmp(p, word.ptr, word.len) != 0) {
        return nx_json_expected(r, p,
                                "a value (true, false and null are written in small letters)");
    }
    if (nx_json_add_node(r, type, p) == NULL) {
        return nx_json_too_many(r, p);
    }
    return p + word.len;
}
