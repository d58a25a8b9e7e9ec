/*
 * schema_output.h - the verdict in the output formats of JSON Schema 2020-12 (core, section 12.4).
 */
#ifndef NX_SCHEMA_OUTPUT_H
#define NX_SCHEMA_OUTPUT_H

#include "core/schema.h"

enum nx_output {
    NX_OUTPUT_FLAG,     /* {"valid": ...} and nothing else */
    NX_OUTPUT_BASIC,    /* a flat list of output units */
    NX_OUTPUT_DETAILED, /* output units in the order of the schema, nested */
};

/* Most output units in one document; what comes after them is left out. */
enum { NX_OUTPUT_UNITS_MAX = 4096 };

/*
 * Checks the document on the tape and appends one JSON document to `out`, in one line without an
 * end. Returns what nx_schema_check returns; where that is neither NX_OK nor NX_ERR_INVALID (and
 * on NX_ERR_NOMEM, NX_ERR_LIMIT of `out`) nothing is to be read in `out`.
 *
 * `base` is where the schema was read from, an absolute URI or empty: the absoluteKeywordLocation
 * of a schema resource without an absolute `$id` begins with it, and is left out without it.
 *
 * A valid document carries the annotations of the meta-data, format and content vocabularies and
 * of unknown keywords; those of applicators (which members `properties` took) are left out.
 */
enum nx_err nx_schema_output(const struct nx_schema *schema, struct nx_check *check,
                             const struct nx_json *instance, enum nx_output form,
                             struct nx_span base, struct nx_buf *out);

/*
 * Appends the document of an instance that was not judged: it is not JSON, or a limit was
 * reached. It is as an invalid one with one error at its root: `text`.
 */
enum nx_err nx_output_refusal(enum nx_output form, struct nx_span text, struct nx_buf *out);

#endif
