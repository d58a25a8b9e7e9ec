/*
 * pattern_ecma.h - the translation of ECMA-262 regular expressions into PCRE2's dialect.
 * For pattern.c only.
 */
#ifndef NX_PATTERN_ECMA_H
#define NX_PATTERN_ECMA_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/span.h"

/*
 * Appends the PCRE2 expression that means what `source` means under ECMA-262 with the `u` flag.
 * `source` is UTF-8. NX_ERR_INVALID: not an expression; diag->text says why and at which byte.
 * What PCRE2 itself checks (balanced groups, names, properties) is left to it.
 */
enum nx_err nx_ecma_translate(struct nx_span source, struct nx_buf *out, struct nx_diag *diag);

#endif
