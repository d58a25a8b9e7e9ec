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

/* Written from its end, digit by digit: this runs for every value of every reading. */
struct nx_span nx_decimal_format(struct nx_decimal value, char out[NX_DECIMAL_TEXT_MAX])
{
    uint64_t rest = value.mantissa < 0 ? 0 - (uint64_t)value.mantissa : (uint64_t)value.mantissa;
    char *end = out + NX_DECIMAL_TEXT_MAX - 1;
    char *at = end;

    *at = '\0';
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
    return (struct nx_span){at, (size_t)(end - at)};
}
