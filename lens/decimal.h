/*
 * decimal.h - decimal numbers kept as decimals, so that 42.1 stays 42.1.
 *
 * A concentration arrives as decimal text, is multiplied by a ratio of integers, and leaves as
 * decimal text: binary floating point is never between. Exact in 128 bits; what does not fit is
 * refused.
 */
#ifndef NX_DECIMAL_H
#define NX_DECIMAL_H

#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

enum {
    NX_DECIMAL_DIGITS_MAX = 15, /* significant digits kept; more are cut, which moves no tie */
    NX_DECIMAL_SCALE_MAX = 18,  /* decimals kept */
    NX_DECIMAL_TEXT_MAX = 40,   /* bytes of a formatted decimal, its NUL included */
};

/* mantissa / 10^scale */
struct nx_decimal {
    int64_t mantissa;
    int scale; /* 0 to NX_DECIMAL_SCALE_MAX */
};

/* A factor as a ratio of positive integers. */
struct nx_ratio {
    int64_t num, den;
};

/* num/den in lowest terms. */
struct nx_ratio nx_ratio(int64_t num, int64_t den);

static inline struct nx_ratio nx_ratio_inverse(struct nx_ratio r)
{
    return (struct nx_ratio){r.den, r.num};
}

/*
 * Reads a number in JSON's grammar (RFC 8259 section 6). NX_ERR_SYNTAX: it is none.
 * NX_ERR_LIMIT: 10^15 and above.
 */
enum nx_err nx_decimal_parse(struct nx_span text, struct nx_decimal *out);

/*
 * value * by, rounded half away from zero to `decimals` (0 to 9). NX_ERR_LIMIT: it does not fit.
 */
enum nx_err nx_decimal_multiply(struct nx_decimal value, struct nx_ratio by, int decimals,
                                struct nx_decimal *out);

/*
 * value / by, with the fewest decimals, from `at_least` to `at_most`, that read back: multiplied by
 * `by` and rounded to `decimals` they are `value` again, rounded so. With `at_most` where none do.
 */
enum nx_err nx_decimal_divide(struct nx_decimal value, int decimals, struct nx_ratio by,
                              int at_least, int at_most, struct nx_decimal *out);

/* Writes all its decimals ("0.030", "42.0", "7") to `out`, with a NUL behind them. */
struct nx_span nx_decimal_format(struct nx_decimal value, char out[NX_DECIMAL_TEXT_MAX]);

#endif
