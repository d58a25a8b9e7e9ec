/*
 * number.h - JSON numbers as exact decimals: m * 10^e, so that 1.0 is 1, 19.99 is a multiple of
 * 0.01 and 9007199254740993 is not its neighbour. Doubles are made only where one is asked for.
 *
 * A number of at most 19 significant digits is held in 64 bits; a longer one is compared digit by
 * digit in its text. Independent of the process's locale.
 */
#ifndef NX_NUMBER_H
#define NX_NUMBER_H

#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

enum {
    NX_NUMBER_DIGITS_MAX = 19,           /* of a mantissa that 64 bits hold exactly */
    NX_NUMBER_EXPONENT_MAX = 1000000000, /* beyond +-10^9 nx_number_read returns NX_ERR_LIMIT */
    NX_NUMBER_DOUBLE_DIGITS_MAX = 1024,  /* significant digits that nx_number_double takes */
};

/* +-mantissa * 10^exponent; the mantissa has no trailing zeros; zero has exponent 0. */
struct nx_number {
    uint64_t mantissa; /* exact while digits <= NX_NUMBER_DIGITS_MAX, else modulo 2^64 */
    int64_t exponent;
    struct nx_span text; /* as written; must outlive this when digits > NX_NUMBER_DIGITS_MAX */
    uint32_t digits;     /* significant digits; 0 for zero */
    bool negative;       /* never for zero */
};

/* Reads a number that follows the grammar of RFC 8259, section 6. NX_ERR_LIMIT: its exponent. */
enum nx_err nx_number_read(struct nx_span text, struct nx_number *out);

/* <0, 0, >0 as a is less than, equal to, greater than b: exact for any two numbers. */
int nx_number_compare(const struct nx_number *a, const struct nx_number *b);

static inline bool nx_number_is_integer(const struct nx_number *number)
{
    return number->exponent >= 0;
}

/* Is `a` a whole multiple of `step`? `step` is positive, of at most NX_NUMBER_DIGITS_MAX digits. */
bool nx_number_is_multiple(const struct nx_number *a, const struct nx_number *step);

/* The same for equal numbers, however they are written. */
uint64_t nx_number_hash(const struct nx_number *number, uint64_t seed);

/* The value of a number's text. NX_ERR_INVALID: not an integer (1.0 and 1e3 are), out of range. */
enum nx_err nx_number_int(struct nx_span text, int64_t *out);

/* The nearest double. NX_ERR_INVALID: too large for one. NX_ERR_LIMIT: too many digits. */
enum nx_err nx_number_double(struct nx_span text, double *out);

#endif
