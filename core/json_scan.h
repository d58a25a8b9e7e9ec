/*
 * json_scan.h - finds where the pieces of JSON text end: white space, strings, numbers. What the
 * reader (json*.c) and the one-pass judge (schema_fused.c) spend their time on, hence inline.
 *
 * Never reads at or behind `end`: a payload has no padding. Where the text was copied and
 * NX_SCAN_PADDING zeros put behind it, `end` is NULL: zeros end every piece, and nobody has to look
 * for the end. With SSE2 sixteen bytes at a time, else eight in a word, else one; all three give
 * the same answer, and a test compares them.
 */
#ifndef NX_JSON_SCAN_H
#define NX_JSON_SCAN_H

#include "core/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Inlining these is what they are for; at -O2 gcc thinks them too large. */
#define NX_SCAN static inline __attribute__((always_inline))

enum { NX_SCAN_PADDING = 32 };

/* Is there a byte at `p`? Constant where the text is padded. */
NX_SCAN bool nx_scan_more(const char *p, const char *end)
{
    return end == NULL || p < end;
}

/* ---- white space --------------------------------------------------------------------------- */

NX_SCAN bool nx_scan_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

NX_SCAN const char *nx_scan_space(const char *p, const char *end)
{
    while (nx_scan_more(p, end) && nx_scan_is_space(*p)) {
        p++;
    }
    return p;
}

/* ---- strings ------------------------------------------------------------------------------- */

/* Moves over bytes that stand for themselves: printable ASCII except '"' and '\'. */
NX_SCAN const char *nx_scan_plain_bytes(const char *p, const char *end)
{
    while (nx_scan_more(p, end) && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 &&
           *p != '"' && *p != '\\') {
        p++;
    }
    return p;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The bytes of `word` before its first that does not stand for itself; 8 when all do. */
NX_SCAN unsigned nx_scan_plain_count(uint64_t word)
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

NX_SCAN const char *nx_scan_plain_words(const char *p, const char *end)
{
    while (end == NULL || end - p >= 8) {
        uint64_t word;
        unsigned plain;
        memcpy(&word, p, 8);
        plain = nx_scan_plain_count(word);
        p += plain;
        if (plain < 8) {
            return p;
        }
    }
    return nx_scan_plain_bytes(p, end);
}
#else
NX_SCAN const char *nx_scan_plain_words(const char *p, const char *end)
{
    return nx_scan_plain_bytes(p, end);
}
#endif

#if defined(__SSE2__)
/* A bit for each of the 16 bytes at `p` that does not stand for itself. */
NX_SCAN unsigned nx_scan_special(const char *p)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* as signed bytes, those above 0x7F are below 0x20 too */
    __m128i special = _mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8(0x20)),
                                   _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                                _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'))));

    return (unsigned)_mm_movemask_epi8(special);
}

NX_SCAN const char *nx_scan_plain(const char *p, const char *end)
{
    while (end == NULL) {
        unsigned special = nx_scan_special(p) | nx_scan_special(p + 16) << 16;
        if (special != 0) {
            return p + __builtin_ctz(special);
        }
        p += 32;
    }
    while (end - p >= 16) {
        unsigned special = nx_scan_special(p);
        if (special != 0) {
            return p + __builtin_ctz(special);
        }
        p += 16;
    }
    return nx_scan_plain_words(p, end);
}
#else
NX_SCAN const char *nx_scan_plain(const char *p, const char *end)
{
    return nx_scan_plain_words(p, end);
}
#endif

/* The first byte from `p` on that is not UTF-8 text as it stands; out of line (json_scalar.c). */
const char *nx_scan_utf8(const char *p, const char *end);

/* Moves over all of a string that needs no decoding; stops at '"', '\', an error or the end. */
NX_SCAN const char *nx_scan_literal(const char *p, const char *end)
{
    p = nx_scan_plain(p, end);
    return __builtin_expect(p < end && (unsigned char)*p >= 0x80, 0) ? nx_scan_utf8(p, end) : p;
}

/* ---- numbers ------------------------------------------------------------------------------- */

enum { NX_DECIMAL_DIGITS_MAX = 18 }; /* what 64 bits hold whatever the digits are */

/* A number without exponent, of few digits: +-mantissa / 10^decimals. */
struct nx_decimal {
    int64_t mantissa;
    uint32_t decimals;
};

/* Moves over digits and appends them to `value`, which may overflow. */
NX_SCAN const char *nx_scan_digits(const char *p, const char *end, uint64_t *value)
{
    unsigned digit;

    while (nx_scan_more(p, end) && (digit = (unsigned char)*p - (unsigned)'0') <= 9) {
        *value = *value * 10 + digit;
        p++;
    }
    return p;
}

/*
 * Reads the number at `p` if it is such a decimal, and follows RFC 8259 section 6; the byte behind
 * it, which may be anything. NULL: it is longer, or has an exponent, or is no number at all; then
 * somebody with more time has to look.
 */
NX_SCAN const char *nx_scan_decimal(const char *p, const char *end, struct nx_decimal *out)
{
    uint64_t mantissa = 0;
    bool negative = nx_scan_more(p, end) && *p == '-';
    const char *first = p + negative;
    const char *point;

    p = nx_scan_digits(first, end, &mantissa);
    if (p == first || (*first == '0' && p - first > 1)) {
        return NULL;
    }
    point = p;
    out->decimals = 0;
    if (nx_scan_more(p, end) && *p == '.') {
        p = nx_scan_digits(p + 1, end, &mantissa);
        out->decimals = (uint32_t)(p - point - 1);
        if (out->decimals == 0) {
            return NULL;
        }
    }
    if (p - first > NX_DECIMAL_DIGITS_MAX || (nx_scan_more(p, end) && (*p | 0x20) == 'e')) {
        return NULL;
    }
    out->mantissa = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    return p;
}

#endif
