/*
 * regular_fuzz.c - an expression, a line feed, a text. Every way of the linear matcher that takes
 * the expression, and PCRE2 behind the translation, must say the same of the text.
 */
#include "core/json_scan.h"
#include "core/pattern.h"
#include "core/regular.h"
#include "core/utf8.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 1024 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool is_utf8(struct nx_span s)
{
    const char *end = s.ptr + s.len;

    for (const char *p = s.ptr; p < end;) {
        unsigned len = nx_utf8_valid(p, end);
        if (len == 0) {
            return false;
        }
        p += len;
    }
    return true;
}

/* PCRE2 10.42 takes a group repeated {0} times for more than nothing: `(?:a|^b){0}c`. */
static bool repeats_never(struct nx_span source)
{
    return memmem(source.ptr, source.len, "{0}", 3) != NULL ||
           memmem(source.ptr, source.len, "{0,0}", 5) != NULL ||
           memmem(source.ptr, source.len, "{00", 3) != NULL ||
           memmem(source.ptr, source.len, ",00", 3) != NULL;
}

/* What PCRE2 says: 1 or 0, or -1 when it is not decided. */
static int ask_general(struct nx_span source, struct nx_span text, bool *refused)
{
    struct nx_pattern *pattern = NULL;
    struct nx_matcher *matcher = nx_matcher_new();
    struct nx_diag diag = {0};
    bool matched = false;
    enum nx_err err = nx_pattern_compile_general(source, &pattern, &diag);

    must(matcher != NULL);
    *refused = err == NX_ERR_INVALID;
    if (err == NX_OK) {
        err = nx_pattern_match(pattern, matcher, text, false, &matched);
    }
    nx_pattern_free(pattern);
    nx_matcher_free(matcher);
    return err == NX_OK ? matched : -1;
}

/* What is claimed of the text between quotes in JSON; that it does not match, is never claimed. */
static bool claims_in_json(const struct nx_regular *regular, struct nx_span text)
{
    char quoted[TEXT_BYTES_MAX + 1 + NX_SCAN_PADDING] = {0};
    const char *end = quoted + text.len;

    if (!nx_regular_is_inline(regular)) {
        return false;
    }
    if (text.len > 0) {
        memcpy(quoted, text.ptr, text.len);
    }
    quoted[text.len] = '"';
    return nx_regular_match_inline(regular, quoted) == end && nx_scan_plain(quoted, NULL) == end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *cut = size > 0 ? memchr(bytes, '\n', size) : NULL;
    struct nx_span source = {bytes, cut != NULL ? (size_t)(cut - bytes) : size};
    struct nx_span text = {bytes + source.len, 0};
    struct nx_regular *fastest = nx_regular_new(source);
    bool refused;
    int expected;

    if (cut != NULL) {
        text = (struct nx_span){cut + 1, size - source.len - 1};
    }
    if (fastest == NULL || !is_utf8(text) || text.len > TEXT_BYTES_MAX || repeats_never(source)) {
        nx_regular_free(fastest);
        return 0;
    }
    expected = ask_general(source, text, &refused);
    must(!refused);
    for (unsigned kind = 0; kind < 3; kind++) {
        struct nx_regular *regular = nx_regular_new_as(source, (enum nx_regular_kind)kind);
        size_t steps = 0;
        if (regular != NULL) {
            bool matched = nx_regular_match_counted(regular, text, &steps);
            must(expected < 0 || matched == expected);
            must(steps <= text.len);
            must(!claims_in_json(regular, text) || matched);
        }
        nx_regular_free(regular);
    }
    nx_regular_free(fastest);
    return 0;
}
