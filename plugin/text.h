/*
 * text.h - text from outside made fit for JSON and for a log line.
 */
#ifndef NX_PLUGIN_TEXT_H
#define NX_PLUGIN_TEXT_H

#include "core/base/span.h"

#include <stdint.h>

enum nx_text_use {
    NX_TEXT_JSON, /* well-formed UTF-8 without NUL; the JSON writer escapes the rest */
    NX_TEXT_LOG,  /* also without control characters: a log line stays one line */
};

/*
 * Copies as many whole characters of `in` as fit, each ill-formed byte or unfit character
 * replaced by U+FFFD, and terminates. Returns `out`.
 */
const char *nx_text_clean(struct nx_span in, enum nx_text_use use, char *out, size_t size);

enum { NX_TEXT_TIME_SIZE = 32 };

/* RFC 3339 in UTC with milliseconds: 2026-01-31T15:00:00.000Z. Returns `out`. */
const char *nx_text_time(int64_t wall_ms, char out[NX_TEXT_TIME_SIZE]);

#endif
