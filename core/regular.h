/*
 * regular.h - matching of the regular part of ECMA-262's expressions in linear time.
 *
 * Regular: literals, `.`, classes, groups, alternation, quantifiers, and ^ and $ anywhere. Not
 * regular, or not here: lookaround, back-references, \b, \p{...}. What is taken means the same as
 * under the `u` flag, searched unanchored: a character is a code point, and a surrogate half that a
 * text may hold (utf8.h) is one too, from U+D800 to U+DFFF.
 *
 * A compiled expression is immutable and may be shared; a match allocates nothing, never gives up
 * and looks at each character once. No machine code is made, so nothing of this depends on memory
 * that is writable and executable.
 */
#ifndef NX_REGULAR_H
#define NX_REGULAR_H

#include "core/base/span.h"

struct nx_regular;

/* How an expression is run, the fastest first. */
enum nx_regular_kind {
    NX_REGULAR_SEQUENCE,   /* literals and runs of classes, one after the other */
    NX_REGULAR_AUTOMATON,  /* a table of states */
    NX_REGULAR_SIMULATION, /* the set of all places in the expression that may be next */
};

/*
 * NULL: not regular, not well-formed, beyond a limit, or out of memory. Which one is for the
 * general matcher to tell, which takes everything that this one takes.
 */
struct nx_regular *nx_regular_new(struct nx_span source);

/* The same, run in this way or not at all: for the tests, which compare the ways. */
struct nx_regular *nx_regular_new_as(struct nx_span source, enum nx_regular_kind kind);
void nx_regular_free(struct nx_regular *regular);

/* Does the expression match somewhere in `text`, which is UTF-8 and may hold surrogate halves? */
bool nx_regular_match(const struct nx_regular *regular, struct nx_span text);

/* The same, and adds the bytes that were read to *steps: evidence that it is linear. */
bool nx_regular_match_counted(const struct nx_regular *regular, struct nx_span text, size_t *steps);

/*
 * Can texts be matched where they stand in JSON? Texts of ASCII characters that JSON writes as they
 * are, and of nothing else.
 */
bool nx_regular_is_inline(const struct nx_regular *regular);

/*
 * Matches such an expression at `p`, the first byte of a string in JSON text with zeros behind it:
 * where the match ends, which decides only if that is the closing quote. NULL, or another end:
 * nothing is known.
 */
const char *nx_regular_match_inline(const struct nx_regular *regular, const char *p);

/*
 * Does it match every text of this form, of printable ASCII, in which '0' stands for any digit?
 * False also where it is not known.
 */
bool nx_regular_matches_form(const struct nx_regular *regular, struct nx_span form);

enum nx_regular_kind nx_regular_kind(const struct nx_regular *regular);

#endif
