/*
 * json_scan.h - finds where the pieces of JSON text end: white space, strings, numbers. What the
 * reader (json*.c) and the one-pass judge (schema_fused*.c) spend their time on, hence inline.
 *
 * Never reads at or behind `end`: a payload has no padding. Where the text was copied and
 * NX_SCAN_PADDING zeros put behind it, `end` is NULL: zeros end every piece, and nobody has to look
 * for the end. With SSE2 sixteen bytes at a time, else eight in a word, else one; all three give
 * the same answer, and a test compares them. Numbers and dates are read eight digits at a time,
 * without a branch for each digit, because how long they are is what nobody can predict.
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

/* Eight bytes, of which the first is the lowest of the word. */
NX_SCAN uint64_t nx_scan_word(const char *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
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

/* The bytes of `word` before its first that does not stand for itself; 8 when all do. */
NX_SCAN unsigned nx_scan_plain_count(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t highs = 0x8080808080808080u;
    uint64_t swapped = word ^ (ones * 2);
    uint64_t slash = word ^ (ones * '\\');
    /*
     * With its second bit turned over, a quote (0x22) is the only printable character below 0x21.
     * A high bit is set where a byte is above 0x7F, below 0x20, '"' or '\'. A borrow may set more
     * of them, but only above a byte that is one: the lowest is always right.
     */
    uint64_t special = (word | (swapped - ones * 0x21) | (slash - ones)) & highs;

    return special == 0 ? 8 : (unsigned)__builtin_ctzll(special) / 8;
}

NX_SCAN const char *nx_scan_plain_words(const char *p, const char *end)
{
    while (end == NULL || end - p >= 8) {
        unsigned plain = nx_scan_plain_count(nx_scan_word(p));
        p += plain;
        if (plain < 8) {
            return p;
        }
    }
    return nx_scan_plain_bytes(p, end);
}

#if defined(__SSE2__)
/* A bit for each of the 16 bytes at `p` that does not stand for itself. */
NX_SCAN unsigned nx_scan_special(const char *p)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    /* as in nx_scan_plain_count; as signed bytes, those above 0x7F are below 0x21 too */
    __m128i swapped = _mm_xor_si128(text, _mm_set1_epi8(2));
    __m128i plain = _mm_andnot_si128(_mm_cmpeq_epi8(swapped, _mm_set1_epi8('\\' ^ 2)),
                                     _mm_cmpgt_epi8(swapped, _mm_set1_epi8(0x20)));

    return (unsigned)_mm_movemask_epi8(plain) ^ 0xFFFFu;
}

NX_SCAN const char *nx_scan_plain(const char *p, const char *end)
{
    while (end == NULL || end - p >= 16) {
        unsigned special = nx_scan_special(p);
        if (special != 0) {
            return p + (unsigned)__builtin_ctzll(special);
        }
        p += 16;
    }
    return nx_scan_plain_words(p, end);
}
#else
/* The same of the eight bytes of a word; exact, for no sum reaches the next byte. */
NX_SCAN unsigned nx_scan_special_word(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t swapped = (word ^ (ones * 2)) & (ones * 0x7F);
    uint64_t slash = (word ^ (ones * '\\')) & (ones * 0x7F);
    uint64_t special = word | ~((swapped + ones * 0x5F) & (slash + ones * 0x7F));

    return (unsigned)((special >> 7 & ones) * 0x0102040810204080u >> 56);
}

NX_SCAN unsigned nx_scan_special(const char *p)
{
    return nx_scan_special_word(nx_scan_word(p)) | nx_scan_special_word(nx_scan_word(p + 8)) << 8;
}

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

enum {
    NX_NANO_DECIMALS = 9,
    NX_NANO_DIGITS_MAX = 18, /* what 64 bits hold whatever the digits are */
};

/* A number without exponent, in units of 10^-9. */
struct nx_nano {
    const char *end; /* behind the number; NULL: somebody with more time has to look */
    int64_t value;
    bool whole; /* written without a fraction */
    bool exact; /* the units can tell it; else there is no value */
};

/* A bit for each of the 16 bytes at `p` that is no digit. */
#if defined(__SSE2__)
NX_SCAN unsigned nx_scan_no_digits(const char *p)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8('0'));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);

    return (unsigned)_mm_movemask_epi8(is_digit) ^ 0xFFFFu;
}
#else
/* The same of the eight bytes of a word. */
NX_SCAN unsigned nx_scan_no_digits_word(uint64_t word)
{
    const uint64_t highs = 0x8080808080808080u;
    uint64_t digit = word ^ 0x3030303030303030u;
    uint64_t low = digit & ~highs; /* so that no sum reaches the next byte */
    uint64_t wrong = ((low + 0x7676767676767676u) | digit) & highs;

    return (unsigned)((wrong >> 7) * 0x0102040810204080u >> 56);
}

NX_SCAN unsigned nx_scan_no_digits(const char *p)
{
    return nx_scan_no_digits_word(nx_scan_word(p)) | nx_scan_no_digits_word(nx_scan_word(p + 8))
                                                         << 8;
}
#endif

/* The number of eight digits from 0 to 9, of which the first is the lowest byte. */
NX_SCAN uint32_t nx_scan_eight(uint64_t digits)
{
    digits = digits * (1 + (10 << 8)) >> 8;
    digits = (digits & 0x00FF00FF00FF00FFu) * (1 + (100 << 16)) >> 16;
    return (uint32_t)((digits & 0x0000FFFF0000FFFFu) * (1 + (UINT64_C(10000) << 32)) >> 32);
}

/*
 * The value of a number's digits: `whole` of them from `integer` on, then, behind a point,
 * `decimals` more; from one to eight each.
 */
NX_SCAN int64_t nx_scan_decimal(const char *integer, unsigned whole, unsigned decimals)
{
    static const int32_t scale[] = {1000000000, 100000000, 10000000, 1000000,
                                    100000,     10000,     1000,     100};
    const uint64_t zeros = 0x3030303030303030u;
    uint64_t high = (nx_scan_word(integer) ^ zeros) << (64 - 8 * whole);
    uint64_t low = (nx_scan_word(integer + whole + 1) ^ zeros) << (64 - 8 * decimals);

    if (__builtin_expect(whole + decimals <= 8, 1)) { /* one number of eight digits */
        return (int64_t)nx_scan_eight(high >> 8 * decimals | low) * scale[decimals];
    }
    return (int64_t)nx_scan_eight(high) * 1000000000 +
           (int64_t)nx_scan_eight(low >> (64 - 8 * decimals)) * 10;
}

/*
 * Reads the number at `first` if it has up to eight digits before the point and up to eight behind
 * it, no more than 15 bytes, no exponent, and follows RFC 8259 section 6. Reads NX_SCAN_PADDING
 * bytes at most, whatever they are. Where it ends is known before what it is worth.
 */
NX_SCAN struct nx_nano nx_scan_nano_short(const char *first)
{
    const struct nx_nano none = {NULL, 0, false, false};
    unsigned negative = *first == '-';
    const char *integer = first + negative;
    unsigned stops = (nx_scan_no_digits(first) & ~negative) | 0x10000;
    unsigned point = (unsigned)__builtin_ctz(stops);
    unsigned digits = point - negative;
    unsigned end = point;
    int64_t value;

    if (digits - 1 > 7 || (*integer == '0' && digits > 1)) {
        return none;
    }
    if (first[point] == '.') {
        end = (unsigned)__builtin_ctz((stops & (stops - 1)) | 0x10000);
        if (end - point - 2 > 7) {
            return none;
        }
        value = nx_scan_decimal(integer, digits, end - point - 1);
    } else {
        value = (int64_t)nx_scan_eight((nx_scan_word(integer) ^ 0x3030303030303030u)
                                       << (64 - 8 * digits)) *
                1000000000;
    }
    if (end == 16 || (first[end] | 0x20) == 'e') {
        return none;
    }
    return (struct nx_nano){first + end, negative ? -value : value, end == point, true};
}

/* The same for numbers of up to NX_NANO_DIGITS_MAX digits; out of line (json_scalar.c). */
struct nx_nano nx_scan_nano_long(const char *first);

/* Any of both. */
NX_SCAN struct nx_nano nx_scan_nano(const char *first)
{
    struct nx_nano nano = nx_scan_nano_short(first);

    return __builtin_expect(nano.end != NULL, 1) ? nano : nx_scan_nano_long(first);
}

/* ---- dates --------------------------------------------------------------------------------- */

enum { NX_DATE_TIME_LEN = 20 };

/*
 * Are the 20 bytes at `p` a time such as 2026-11-22T07:45:00Z, of a day from 1 to 28? No: the
 * complete rules of RFC 3339 are format_time.c's.
 */
NX_SCAN bool nx_scan_date_time(const char *p)
{
    const uint64_t highs = 0x8080808080808080u;
    /* each byte: a digit's value, or 0 where the separator is the right one */
    uint64_t date = nx_scan_word(p) ^ 0x2D30302D30303030u;      /* 0000-00- */
    uint64_t time = nx_scan_word(p + 8) ^ 0x30303A3030543030u;  /* 00T00:00 */
    uint64_t rest = nx_scan_word(p + 12) ^ 0x5A30303A30303A30u; /* 0:00:00Z */
    unsigned month = (unsigned)(date >> 40 & 1) * 10 + (unsigned)(date >> 48 & 15);
    unsigned day = (unsigned)(time & 3) * 10 + (unsigned)(time >> 8 & 15);
    unsigned hour = (unsigned)(time >> 24 & 3) * 10 + (unsigned)(time >> 32 & 15);
    /* 0x7F - the greatest digit there: 9999-19-, 39T29:59, 9:59:59Z */
    uint64_t over = ((date + 0x7F767E7F76767676u) | date | (time + 0x767A7F767D7F767Cu) | time |
                     (rest + 0x7F767A7F767A7F76u) | rest) &
                    highs;

    return over == 0 && month - 1 < 12 && day - 1 < 28 && hour < 24;
}

#endif
