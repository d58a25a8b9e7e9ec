/*
 * schema_uri.h - resolving `$id` and `$ref` against a base (RFC 3986, section 5).
 */
#ifndef NX_SCHEMA_URI_H
#define NX_SCHEMA_URI_H

#include "core/base/buf.h"
#include "core/base/span.h"

/* Appends the reference resolved against `base`, with its fragment. An empty base is allowed. */
enum nx_err nx_uri_resolve(struct nx_span base, struct nx_span reference, struct nx_buf *out);

/* Splits at the first '#': returns what is before it; *fragment is behind it, or {NULL, 0}. */
struct nx_span nx_uri_without_fragment(struct nx_span uri, struct nx_span *fragment);

/* Appends `text` with every %XX replaced by its byte. NX_ERR_INVALID: a '%' without digits. */
enum nx_err nx_uri_unescape(struct nx_span text, struct nx_buf *out);

#endif
