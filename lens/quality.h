/*
 * quality.h - missing and degraded values, on either side of a lens. What is missing stays
 * missing: it never becomes a number, and it never loses the reason that its source gave.
 *
 * Canonical says why in its `quality` object, member name to code. A dialect says it as its lens
 * declares (struct nx_quality): a sentinel such as "-", a flag member with a reason.
 */
#ifndef NX_QUALITY_H
#define NX_QUALITY_H

#include "lens/codec.h"

/* The codes that lenses give by themselves; a lens's flags may map to further ones. */
#define NX_QUALITY_MISSING        NX_SPAN("missing")
#define NX_QUALITY_NOT_MEASURED   NX_SPAN("not-measured")
#define NX_QUALITY_NO_POSITION    NX_SPAN("no-position")
#define NX_QUALITY_AMBIGUOUS_TIME NX_SPAN("ambiguous-time")

struct nx_quality_state {
    bool has_value;
    struct nx_span code; /* empty: nothing to tell. A value can be there and have a code. */
};

/* Is the dialect's value at `node` one that means "no value"? null always does. */
bool nx_quality_is_missing(const struct nx_call *call, uint32_t node);

/* Reads a dialect's value and flag members. NX_ERR_INVALID: a flag that the lens does not know. */
enum nx_err nx_quality_of_dialect(struct nx_call *call, unsigned value, unsigned flag,
                                  struct nx_quality_state *out);

/* Reads canonical's value member and its quality code. */
void nx_quality_of_canonical(const struct nx_call *call, unsigned value, unsigned quality,
                             struct nx_quality_state *out);

/*
 * Puts a dialect's flag, and where there is no value its sentinel. With `optional` a value that
 * was not measured is left out, flag and all.
 */
enum nx_err nx_quality_to_dialect(struct nx_call *call, unsigned value, unsigned flag,
                                  const struct nx_quality_state *state, bool optional);

#endif
