/*
 * writer.h - a small schema made of a list of choices, in any draft: an edited list makes a schema
 * that is an edited copy. It has the keywords that the rules of compat_prove.c know, few values
 * that come near each other, and references within the document and out of it.
 */
#ifndef NX_TEST_COMPAT_WRITER_H
#define NX_TEST_COMPAT_WRITER_H

#include "core/base/buf.h"
#include "core/schema.h"

enum theme { THEME_MIXED, THEME_NUMBERS, THEME_STRINGS, THEME_OBJECTS, THEME_ARRAYS, THEMES };

struct writer {
    const uint16_t *choices;
    uint32_t choices_count; /* not 0; used again from the first on */
    uint32_t at;
    enum theme theme; /* what most of the subschemas are about */
    enum nx_draft draft;
    bool outside; /* some references lead to other resources: writer_resolve has them */
    struct nx_buf *out;
    bool any; /* the object being written has a member */
};

/* Writes a document to writer->out. */
void writer_schema(struct writer *writer);

/* nx_schema_options.resolve for what `outside` refers to; `ctx` is not used. */
enum nx_err writer_resolve(void *ctx, struct nx_span uri, struct nx_span *document);

#endif
