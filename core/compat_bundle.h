/*
 * compat_bundle.h - one document of draft 2020-12 that says what a compiled schema says, however
 * many documents, resources and drafts it was made of: so the rules of compat_prove.c know one
 * base, one dialect and references within the document only.
 */
#ifndef NX_COMPAT_BUNDLE_H
#define NX_COMPAT_BUNDLE_H

#include "core/base/buf.h"
#include "core/schema.h"

/*
 * Draft 04 takes 1.0 for no integer, and no keyword of 2020-12 says so: this one stands beside
 * `type` in a bundle. It is true, and means that a number is written without fraction or exponent.
 */
#define COMPAT_AS_WRITTEN "integer of draft 04"

struct compat_bundle {
    bool needed;        /* false: the document itself is such a one, and nothing was written */
    bool as_written;    /* it has COMPAT_AS_WRITTEN */
    const char *opaque; /* not NULL: why there is none */
};

/*
 * Writes it to `out`. Every schema object begins with a $comment: where it comes from, as a JSON
 * Pointer into the schema document, with the URI before it where that is another document.
 */
struct compat_bundle compat_bundle(const struct nx_schema *schema, bool assert_format,
                                   struct nx_buf *out);

#endif
