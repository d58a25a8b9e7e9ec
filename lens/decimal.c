/*
 * decimal.c - reading, multiplying and writing decimals. Pure; allocates nothing.
 */
#include "lens/decimal.h"

__extension__ typedef unsigned __int128 wide;

enum { POWERS = NX_DECIMAL_SCALE_MAX + 1 };

static const int64_t powers_of_ten[POWERS] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

struct nx_ratio nx_ratio(int64_t num, int64_t den)
{
    int64_t a = num, b = den;

    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (struct nx_ratio){num / a, den / a};
}

/* A cursor over the number's text. */
struct scan {
    const char *at, *end;
    int64_t mantissa;
    int digits;    /* significant digits in mantissa */
    long exponent; /* of ten */
};

static bool is_digit(const struct scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

/* Takes a run of digits; `fraction` says on which side of the point. False: there was none. */
static bool scan_digits(struct scan *s, bool fraction)
{
    const char *from = s->at;

    for (; is_digit(s); s->at++) {
        if (s->digits < NX_DECIMAL_DIGITS_MAX) {
            s->mantissa = s->mantissa * 10 + (*s->at - '0');
            s->digits += s->mantissa != 0;
            s->exponent -= fraction;
        } else {
            s->exponent += !fraction;
        }
    }
    return s->at > from;
}

static bool scan_exponent(struct scan *s)
{
    enum { EXPONENT_MAX = 9999 };
    bool negative = false;
    long value = 0;

    if (s->at == s->end || (*s->at != 'e' && *s->at != 'E')) {
        return true;
    }
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) {
        negative = *s->at++ == '-';
    }
    if (!is_digit(s)) {
        return false;
    }
    for (; is_digit(s); s->at++) {
        value = value < EXPONENT_MAX ? value * 10 + (*s->at - '0') : value;
    }
    s->exponent += negative ? -value : value;
    return true;
}

/* mantissa * 10^exponent onto a scale within our limits. */
static enum nx_err settle(struct scan *s, bool negative, struct nx_decimal *out)
{
    if (s->mantissa == 0) {
        *out = (struct nx_decimal){0, 0};
        return NX_OK;
    }
    if (s->exponent + s->digits > NX_DECIMAL_DIGITS_MAX) {
        return NX_ERR_LIMIT;
    }
    while (s->exponent < -NX_DECIMAL_SCALE_MAX) {
        s->mantissa /= 10;
        s->exponent++;
    }
    if (s->exponent > 0) {
        s->mantissa *= powers_of_ten[s->exponent];
        s->exponent = 0;
    }
    *out = (struct nx_decimal){negative ? -s->mantissa : s->mantissa, (int)-s->exponent};
    return NX_OK;
}

/* Any number of the grammar, however long. */
static enum nx_err parse_any(struct nx_span text, struct nx_decimal *out)
{
    struct scan s = {.at = text.ptr, .end = text.ptr + text.len};
    bool negative = text.len > 0 && *s.at == '-';
    const char *first;

    s.at += negative;
    first = s.at;
    if (!scan_digits(&s, false) || (*first == '0' && s.at > first + 1)) {
        return NX_ERR_SYNTAX;
    }
    if (s.at < s.end && *s.at == '.') {
        s.at++;
        if (!scan_digits(&s, true)) {
            return NX_ERR_SYNTAX;
        }
    }
    if (!scan_exponent(&s) || s.at != s.end) {
        return NX_ERR_SYNTAX;
    }
    return settle(&s, negative, out);
}

/*
 * Nearly all numbers: digits, a point and digits, too few to count them. False: look closer. Each
 * reading has a dozen of them, and counting digits took half of the time of a translation.
 */
static bool parse_short(struct nx_span text, struct nx_decimal *out)
{
    size_t point = text.len; /* where it is */
    int64_t mantissa = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';
        if (digit <= 9) {
            mantissa = mantissa * 10 + digit;
        } else if (text.ptr[i] == '.' && point == text.len) {
            point = i;
        } else {
            return false;
        }
    }
    if (point == 0 || point + 1 == text.len || (text.ptr[0] == '0' && point > 1)) {
        return false;
    }
    *out = (struct nx_decimal){mantissa, 0};
    if (mantissa != 0 && point < text.len) {
        out->scale = (int)(text.len - point - 1);
    }
    return true;
}

enum nx_err nx_decimal_parse(struct nx_span text, struct nx_decimal *out)
{
    if (text.len <= NX_DECIMAL_DIGITS_MAX && parse_short(text, out)) {
        return NX_OK;
    }
    return parse_any(text, out);
}

/*
 * Both ways to multiply give size * num * 10^up / den, rounded half away from zero; a negative `up`
 * multiplies the denominator. In 64 bits, where they are enough, as for nearly all readings:
 */
static bool multiply_narrow(uint64_t size, struct nx_ratio by, int up, uint64_t *result)
{
    uint64_t num, den, rest;

    if (__builtin_mul_overflow(size, (uint64_t)by.num, &num) ||
        __builtin_mul_overflow(num, (uint64_t)powers_of_ten[up > 0 ? up : 0], &num) ||
        __builtin_mul_overflow((uint64_t)by.den, (uint64_t)powers_of_ten[up < 0 ? -up : 0], &den)) {
        return false;
    }
    rest = num % den;
    *result = num / den + (rest >= den - rest);
    return *result <= INT64_MAX;
}

/* In 128 bits; false: they are not enough. */
static bool multiply_wide(uint64_t size, struct nx_ratio by, int up, uint64_t *result)
{
    wide num = (wide)size * (uint64_t)by.num;
    wide den = (wide)(uint64_t)by.den * (uint64_t)powers_of_ten[up < 0 ? -up : 0];
    uint64_t doubled = (uint64_t)powers_of_ten[up > 0 ? up : 0] * 2;
    wide quotient;

    /* below 2^64 it fits, as 10^18 < 2^60; a division in 128 bits is dear */
    if (num >> 64 != 0 && num > (((wide)1 << 127) - 1) / doubled) {
        return false;
    }
    quotient = (num * doubled + den) / (den * 2);
    *result = (uint64_t)quotient;
    return quotient <= INT64_MAX;
}

/* num * 10^decimals / (den * 10^scale), rounded half away from zero. */
enum nx_err nx_decimal_multiply(struct nx_decimal value, struct nx_ratio by, int decimals,
                                struct nx_decimal *out)
{
    bool negative = value.mantissa < 0;
    uint64_t size = (uint64_t)(negative ? -value.mantissa : value.mantissa);
    int up = decimals - value.scale;
    uint64_t result;

    if (up == 0 && by.num == by.den) {
        *out = value;
        return NX_OK;
    }
    if (!multiply_narrow(size, by, up, &result) && !multiply_wide(size, by, up, &result)) {
        return NX_ERR_LIMIT;
    }
    *out = (struct nx_decimal){negative ? -(int64_t)result : (int64_t)result, decimals};
    return NX_OK;
}

/*
 * nx_decimal_divide in 64 bits, by long division: one digit of the quotient for each decimal, and
 * what is left over tells whether it reads back. False: 64 bits are not enough, or look closer.
 *
 * With M = value * 10^decimals, A = M * den and B = num * 10^decimals, the quotient with d decimals
 * is X = A * 10^d / B, rounded; it reads back as M when X * B / (den * 10^d) rounds to M, which is
 * when -den * 10^d <= 2 * (X * B - A * 10^d) < den * 10^d.
 */
static bool divide_narrow(struct nx_decimal value, int decimals, struct nx_ratio by, int at_least,
                          int at_most, struct nx_decimal *out)
{
    uint64_t quotient, rest, unit = (uint64_t)by.den, numerator, divisor;

    if (value.mantissa < 0 || value.scale != decimals ||
        __builtin_mul_overflow((uint64_t)value.mantissa, unit, &numerator) ||
        __builtin_mul_overflow((uint64_t)by.num, (uint64_t)powers_of_ten[decimals], &divisor) ||
        divisor > UINT64_MAX / 10 || unit > UINT64_MAX / (uint64_t)powers_of_ten[at_most]) {
        return false;
    }
    quotient = numerator / divisor;
    rest = numerator % divisor;
    for (int d = 0;; d++) {
        bool up = rest >= divisor - rest;
        if (d >= at_least &&
            (d == at_most || (up ? (divisor - rest) * 2 < unit : rest * 2 <= unit))) {
            *out = (struct nx_decimal){(int64_t)(quotient + up), d};
            return quotient < INT64_MAX;
        }
        if (__builtin_mul_overflow(quotient, 10, &quotient)) {
            return false;
        }
        rest *= 10;
        quotient += rest / divisor;
        rest %= divisor;
        unit *= 10;
    }
}

/* The same in any case, by trying. */
static enum nx_err divide_wide(struct nx_decimal value, int decimals, struct nx_ratio by,
                               int at_least, int at_most, struct nx_decimal *out)
{
    struct nx_decimal wanted, back;
    enum nx_err err = nx_decimal_multiply(value, (struct nx_ratio){1, 1}, decimals, &wanted);

    for (int d = at_least; err == NX_OK && d <= at_most; d++) {
        err = nx_decimal_multiply(value, nx_ratio_inverse(by), d, out);
        if (err != NX_OK || d == at_most) {
            break;
        }
        err = nx_decimal_multiply(*out, by, decimals, &back);
        if (err == NX_OK && back.mantissa == wanted.mantissa) {
            break;
        }
    }
    return err;
}

enum nx_err nx_decimal_divide(struct nx_decimal value, int decimals, struct nx_ratio by,
                              int at_least, int at_most, struct nx_decimal *out)
{
    return divide_narrow(value, decimals, by, at_least, at_most, out)
               ? NX_OK
               : divide_wide(value, decimals, by, at_least, at_most, out);
}

/* Written from its end, digit by digit, and then moved to the front. */
static struct nx_span format_long(struct nx_decimal value, char out[NX_DECIMAL_TEXT_MAX])
{
    uint64_t rest = value.mantissa < 0 ? 0 - (uint64_t)value.mantissa : (uint64_t)value.mantissa;
    char *end = out + NX_DECIMAL_TEXT_MAX - 1;
    char *at = end;

    for (int digit = 0; digit <= value.scale || rest > 0; digit++) {
        if (digit == value.scale && value.scale > 0) {
            *--at = '.';
        }
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value.mantissa < 0) {
        *--at = '-';
    }
    memmove(out, at, (size_t)(end - at));
    out[end - at] = '\0';
    return (struct nx_span){out, (size_t)(end - at)};
}

/* The eight digits of a number below 10^8, the first in the lowest byte. */
static uint64_t eight_digits(uint32_t number)
{
    uint64_t halves = number / 10000 | (uint64_t)(number % 10000) << 32;
    uint64_t high = (halves * 10486 >> 20) & 0x0000007F0000007Fu;
    uint64_t pairs = high | (halves - high * 100) << 16;

    high = (pairs * 103 >> 10) & 0x000F000F000F000Fu;
    return high | (pairs - high * 10) << 8;
}

static void put_word(char *at, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    memcpy(at, &word, sizeof(word));
}

/*
 * Nearly all amounts have at most eight digits, which are made at once: this runs for every value
 * of every reading. Zeros before the first digit are shifted out, but for the one before the point.
 */
struct nx_span nx_decimal_format(struct nx_decimal value, char out[NX_DECIMAL_TEXT_MAX])
{
    unsigned scale = (unsigned)value.scale;
    uint64_t digits, text;
    unsigned count, whole;

    if (value.mantissa < 0 || value.mantissa > 99999999 || scale > 7) {
        return format_long(value, out);
    }
    digits = eight_digits((uint32_t)value.mantissa);
    count = digits == 0 ? 1 : 8 - (unsigned)__builtin_ctzll(digits) / 8;
    count = count > scale ? count : scale + 1;
    text = (digits | 0x3030303030303030u) >> (64 - 8 * count);
    put_word(out, text);
    if (scale > 0) {
        whole = count - scale;
        out[whole] = '.';
        put_word(out + whole + 1, text >> 8 * whole);
        count++;
    }
    out[count] = '\0';
    return (struct nx_span){out, count};
}
