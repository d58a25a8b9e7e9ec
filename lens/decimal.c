/*
 * decimal.c - reading, multiplying and writing decimals. Pure; allocates nothing.
 */
#include "lens/decimal.h"

__extension__ typedef __int128 wide;

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;

    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

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
        s->mantissa *= power_of_ten((int)s->exponent);
        s->exponent = 0;
    }
    *out = (struct nx_decimal){negative ? -s->mantissa : s->mantissa, (int)-s->exponent};
    return NX_OK;
}

enum nx_err nx_decimal_parse(struct nx_span text, struct nx_decimal *out)
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

/* num * 10^decimals / (den * 10^scale), rounded half away from zero. */
enum nx_err nx_decimal_multiply(struct nx_decimal value, struct nx_ratio by, int decimals,
                                struct nx_decimal *out)
{
    wide num = (wide)(value.mantissa < 0 ? -value.mantissa : value.mantissa) * by.num;
    wide den = by.den;
    wide result;
    int up = decimals - value.scale;

    if (__builtin_mul_overflow(up > 0 ? num : den, (wide)power_of_ten(up > 0 ? up : -up),
                               up > 0 ? &num : &den) ||
        __builtin_mul_overflow(num, (wide)2, &num)) {
        return NX_ERR_LIMIT;
    }
    result = (num + den) / (den * 2);
    if (result > INT64_MAX) {
        return NX_ERR_LIMIT;
    }
    *out = (struct nx_decimal){value.mantissa < 0 ? -(int64_t)result : (int64_t)result, decimals};
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
