/*
 * pattern.h - `pattern`: ECMA-262 regular expressions (JSON Schema core, section 6.4), searched
 * unanchored, with `u` semantics. Regular ones are matched in linear time (regular.h), the rest by
 * PCRE2 after a translation (pattern_ecma.h).
 *
 * A match by PCRE2 takes texts up to 4,096 bytes and has a bound on its work in proportion to the
 * text. A bound that is reached is its own answer, never "no match": below `not` that would admit.
 */
#ifndef NX_PATTERN_H
#define NX_PATTERN_H

#include "core/base/err.h"
#include "core/base/span.h"

enum {
    NX_PATTERN_BYTES_MAX = 16 * 1024,
};

struct nx_regular;
struct nx_pattern; /* a compiled expression: immutable, may be shared */
struct nx_matcher; /* scratch memory of matches: one for each thread */

/*
 * NX_ERR_INVALID: not a regular expression; NX_ERR_UNSUPPORTED: a lookbehind of variable length;
 * `diag->text` says what is wrong and where.
 */
enum nx_err nx_pattern_compile(struct nx_span source, struct nx_pattern **out,
                               struct nx_diag *diag);

/* The same, run by PCRE2 even if it is regular: for the tests, which compare the two. */
enum nx_err nx_pattern_compile_general(struct nx_span source, struct nx_pattern **out,
                                       struct nx_diag *diag);
void nx_pattern_free(struct nx_pattern *pattern);

/* NULL when memory is out. */
struct nx_matcher *nx_matcher_new(void);
void nx_matcher_free(struct nx_matcher *matcher);

/*
 * Does the expression match somewhere in `text`? `text` is UTF-8; with `surrogates` it may hold
 * surrogate halves (utf8.h): characters from U+D800 to U+DFFF, which `.` and negated classes match;
 * PCRE2, which knows none, is shown U+FFFD.
 * NX_ERR_LIMIT: not decided within the bound.
 */
enum nx_err nx_pattern_match(const struct nx_pattern *pattern, struct nx_matcher *matcher,
                             struct nx_span text, bool surrogates, bool *matched);

/* The expression, if it can be matched in JSON text (regular.h); else NULL. */
const struct nx_regular *nx_pattern_inline(const struct nx_pattern *pattern);

/* Is `source` a regular expression of ECMA-262? For `format: regex`. */
bool nx_pattern_valid(struct nx_span source);

#endif
