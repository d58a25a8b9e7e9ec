/*
 * text.h - text from outside made fit for JSON and for a log line.
 */
#ifndef NX_PLUGIN_TEXT_H
#define NX_PLUGIN_TEXT_H

#include "core/base/span.h"

enum nx_text_use {
    NX_TEXT_JSON, /* well-formed UTF-8 without NUL; the JSON writer escapes the rest */
    NX_TEXT_LOG,  /* also without control characters: a log line stays one line */
};

/*
 * Copies as many whole characters of `in` as fit, each ill-formed byte or unfit character
 * replaced by U+FFFD, and terminates. Returns `out`.
 */
const char *nx_text_clean(struct nx_span in, enum nx_text_use use, char *out, size_t size);

#endif
