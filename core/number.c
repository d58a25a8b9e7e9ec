/*
 * number.c - exact decimal comparison and divisibility, without big-number arithmetic.
 *
 * Two numbers of up to 19 digits are aligned in 128 bits (10^19 * 10^19 < 2^128). Longer ones are
 * compared by sign, by the place of their first digit, then digit by digit. Divisibility of a long
 * number needs only its remainder, which Horner's rule gives.
 */
#include "core/number.h"

#include "core/base/map.h"

#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

static const uint64_t pow10_u64[] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

static uint64_t pow10_wrapping(uint32_t n)
{
    uint64_t power = 1;

    for (; n > NX_NUMBER_DIGITS_MAX; n -= NX_NUMBER_DIGITS_MAX) {
        power *= pow10_u64[NX_NUMBER_DIGITS_MAX];
    }
    return power * pow10_u64[n];
}

/* The explicit exponent at `p` ("e+12"), saturated well beyond the limit. */
static int64_t read_exponent(const char *p, const char *end)
{
    const int64_t saturated = (int64_t)1 << 40;
    int64_t value = 0;
    bool negative;

    p++;
    negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    for (; p < end; p++) {
        value = value < saturated ? value * 10 + (*p - '0') : value;
    }
    return negative ? -value : value;
}

enum nx_err nx_number_read(struct nx_span text, struct nx_number *out)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;
    const char *point = NULL;
    uint64_t mantissa = 0;
    uint32_t digits = 0;
    uint32_t zeros = 0; /* seen since the last other digit */
    int64_t exponent = 0;
    bool negative = text.len > 0 && *p == '-';

    for (p += negative; p < end; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';
        if (digit == 0) {
            zeros++;
        } else if (digit <= 9) {
            zeros = digits > 0 ? zeros : 0;
            digits += zeros + 1;
            mantissa = mantissa * (zeros == 0 ? 10 : pow10_wrapping(zeros + 1)) + digit;
            zeros = 0;
        } else if (*p == '.') {
            point = p;
        } else {
            break;
        }
    }
    if (digits == 0) {
        *out = (struct nx_number){.text = text};
        return NX_OK;
    }
    exponent = (int64_t)zeros - (point != NULL ? p - point - 1 : 0);
    if (p < end) {
        exponent += read_exponent(p, end);
    }
    if (exponent > NX_NUMBER_EXPONENT_MAX || exponent < -(int64_t)NX_NUMBER_EXPONENT_MAX) {
        return NX_ERR_LIMIT;
    }
    *out = (struct nx_number){mantissa, exponent, text, digits, negative};
    return NX_OK;
}

/* Walks the significant digits of a number's text. */
struct digit_walk {
    const char *p;
    const char *end;
    uint32_t left;
};

static struct digit_walk walk_digits(const struct nx_number *number)
{
    const char *p = number->text.ptr;

    while (number->digits > 0 && (*p < '1' || *p > '9')) {
        p++;
    }
    return (struct digit_walk){p, number->text.ptr + number->text.len, number->digits};
}

/* The next digit; 0 behind the last. */
static unsigned next_digit(struct digit_walk *walk)
{
    if (walk->left == 0) {
        return 0;
    }
    walk->p += *walk->p == '.';
    walk->left--;
    return (unsigned char)*walk->p++ - (unsigned)'0';
}

/* Both have the same place of the first digit. */
static int compare_digits(const struct nx_number *a, const struct nx_number *b)
{
    struct digit_walk wa = walk_digits(a);
    struct digit_walk wb = walk_digits(b);

    while (wa.left > 0 || wb.left > 0) {
        int difference = (int)next_digit(&wa) - (int)next_digit(&wb);
        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

static int compare_magnitude(const struct nx_number *a, const struct nx_number *b)
{
    int64_t top_a = a->exponent + a->digits;
    int64_t top_b = b->exponent + b->digits;
    int64_t shift = a->exponent - b->exponent;
    u128 wide_a = a->mantissa;
    u128 wide_b = b->mantissa;

    if (top_a != top_b) {
        return top_a < top_b ? -1 : 1;
    }
    if (a->digits > NX_NUMBER_DIGITS_MAX || b->digits > NX_NUMBER_DIGITS_MAX) {
        return compare_digits(a, b);
    }
    /* the first digits stand at the same place, so |shift| < 19 */
    if (shift > 0) {
        wide_a *= pow10_u64[shift];
    } else {
        wide_b *= pow10_u64[-shift];
    }
    return (wide_a > wide_b) - (wide_a < wide_b);
}

int nx_number_compare(const struct nx_number *a, const struct nx_number *b)
{
    int magnitude;

    if (a->digits == 0 || b->digits == 0 || a->negative != b->negative) {
        int sign_a = a->digits == 0 ? 0 : a->negative ? -1 : 1;
        int sign_b = b->digits == 0 ? 0 : b->negative ? -1 : 1;
        return sign_a - sign_b;
    }
    magnitude = compare_magnitude(a, b);
    return a->negative ? -magnitude : magnitude;
}

/* base^n mod m */
static uint64_t power_mod(uint64_t base, uint64_t n, uint64_t m)
{
    u128 result = 1 % m;
    u128 square = base % m;

    for (; n > 0; n >>= 1) {
        if ((n & 1) != 0) {
            result = result * square % m;
        }
        square = square * square % m;
    }
    return (uint64_t)result;
}

static uint64_t mantissa_mod(const struct nx_number *number, uint64_t m)
{
    struct digit_walk walk;
    u128 rest = 0;

    if (number->digits <= NX_NUMBER_DIGITS_MAX) {
        return number->mantissa % m;
    }
    walk = walk_digits(number);
    while (walk.left > 0) {
        rest = (rest * 10 + next_digit(&walk)) % m;
    }
    return (uint64_t)rest;
}

bool nx_number_is_multiple(const struct nx_number *a, const struct nx_number *step)
{
    int64_t shift = a->exponent - step->exponent;
    uint64_t rest;

    if (a->digits == 0) {
        return true;
    }
    if (shift < 0) { /* a's last digit, not 0, stands below every multiple's */
        return false;
    }
    rest = mantissa_mod(a, step->mantissa);
    return (u128)rest * power_mod(10, (uint64_t)shift, step->mantissa) % step->mantissa == 0;
}

/*
 * Horner's rule modulo the prime 2^61 - 1 at a point that the seed chooses: whoever picks the digits
 * cannot pick numbers that collide, as he could modulo 2^64.
 */
static uint64_t hash_digits(const struct nx_number *number, uint64_t seed)
{
    const uint64_t prime = ((uint64_t)1 << 61) - 1;
    const uint64_t point = nx_hash(NX_SPAN("digits"), seed) % (prime - 2) + 2;
    struct digit_walk walk = walk_digits(number);
    uint64_t hash = 0;

    while (walk.left > 0) {
        hash = (uint64_t)(((u128)hash * point + next_digit(&walk) + 1) % prime);
    }
    return hash;
}

uint64_t nx_number_hash(const struct nx_number *number, uint64_t seed)
{
    const bool short_one = number->digits <= NX_NUMBER_DIGITS_MAX; /* all of it is the mantissa */
    const uint64_t parts[2] = {short_one ? number->mantissa : hash_digits(number, seed),
                               (uint64_t)number->exponent * 2 + number->negative};

    return nx_hash((struct nx_span){(const char *)parts, sizeof(parts)}, seed);
}

enum nx_err nx_number_int(struct nx_span text, int64_t *out)
{
    struct nx_number number;
    u128 magnitude;
    enum nx_err err = nx_number_read(text, &number);

    if (err != NX_OK || !nx_number_is_integer(&number) || number.digits > NX_NUMBER_DIGITS_MAX ||
        number.exponent > NX_NUMBER_DIGITS_MAX) {
        return NX_ERR_INVALID;
    }
    magnitude = (u128)number.mantissa * pow10_u64[number.exponent];
    if (magnitude > (u128)INT64_MAX + number.negative) {
        return NX_ERR_INVALID;
    }
    *out = number.negative ? (int64_t)(0 - (uint64_t)magnitude) : (int64_t)magnitude;
    return NX_OK;
}

/* "123e-4": without a decimal point strtod means the same in every locale. */
static enum nx_err double_from_text(const struct nx_number *number, double *out)
{
    char plain[NX_NUMBER_DOUBLE_DIGITS_MAX + 32];
    struct digit_walk walk = walk_digits(number);
    size_t len = 0;

    if (number->digits > NX_NUMBER_DOUBLE_DIGITS_MAX) {
        return NX_ERR_LIMIT;
    }
    while (walk.left > 0) {
        plain[len++] = (char)('0' + next_digit(&walk));
    }
    (void)snprintf(plain + len, sizeof(plain) - len, "e%lld", (long long)number->exponent);
    *out = strtod(plain, NULL);
    return NX_OK;
}

enum nx_err nx_number_double(struct nx_span text, double *out)
{
    static const double pow10_double[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct nx_number number;
    double value;
    enum nx_err err = nx_number_read(text, &number);

    if (err != NX_OK) {
        return NX_ERR_INVALID;
    }
    /* Clinger (1990): both factors are exact doubles, so one operation rounds correctly */
    if (number.digits <= 15 && number.exponent >= -22 && number.exponent <= 22) {
        value = (double)number.mantissa;
        value = number.exponent < 0 ? value / pow10_double[-number.exponent]
                                    : value * pow10_double[number.exponent];
    } else {
        err = double_from_text(&number, &value);
        if (err != NX_OK) {
            return err;
        }
    }
    if (value > 1.7976931348623157e308) {
        return NX_ERR_INVALID;
    }
    *out = number.negative ? -value : value;
    return NX_OK;
}
