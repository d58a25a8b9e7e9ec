/*
 * sha256.h - SHA-256 (FIPS 180-4, section 6.2), so that an operator can compare what is in use
 * with what `sha256sum` says of a file. For names of content, not for secrets.
 */
#ifndef NX_BASE_SHA256_H
#define NX_BASE_SHA256_H

#include "core/base/span.h"

enum { NX_SHA256_HEX_SIZE = 65 }; /* 64 digits and a NUL */

/* Writes the digest in lower-case hexadecimal into `out` and returns it. */
const char *nx_sha256_hex(struct nx_span bytes, char out[NX_SHA256_HEX_SIZE]);

#endif
