/*
 * utf8.h - UTF-8 (RFC 3629) one code point at a time: what the reader, lengths and formats share.
 *
 * Text that the reader decoded may hold a surrogate half as three bytes (WTF-8), because JSON's
 * grammar lets an escape write one. Whoever must not see it asks for NX_JSON_LONE_SURROGATE.
 */
#ifndef NX_UTF8_H
#define NX_UTF8_H

#include "core/base/span.h"

#include <stdint.h>

/*
 * The length in bytes of the well-formed code point at `p`, 0 when there is none before `end`.
 * Overlong forms, surrogates and everything above U+10FFFF are ill-formed (RFC 3629, section 4).
 */
static inline unsigned nx_utf8_valid(const char *p, const char *end)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t left = (size_t)(end - p);

    if (left == 0) {
        return 0;
    }
    if (s[0] < 0x80) {
        return 1;
    }
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        return left >= 2 && (s[1] & 0xC0) == 0x80 ? 2 : 0;
    }
    if ((s[0] & 0xF0) == 0xE0) {
        unsigned lo = s[0] == 0xE0 ? 0xA0 : 0x80;
        unsigned hi = s[0] == 0xED ? 0x9F : 0xBF;
        return left >= 3 && s[1] >= lo && s[1] <= hi && (s[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        unsigned lo = s[0] == 0xF0 ? 0x90 : 0x80;
        unsigned hi = s[0] == 0xF4 ? 0x8F : 0xBF;
        return left >= 4 && s[1] >= lo && s[1] <= hi && (s[2] & 0xC0) == 0x80 &&
                       (s[3] & 0xC0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}

/* Decodes the code point at `*p` and moves past it. The text is known to be UTF-8 or WTF-8. */
static inline uint32_t nx_utf8_next(const char **p, const char *end)
{
    const unsigned char *s = (const unsigned char *)*p;
    size_t left = (size_t)(end - *p);

    if (s[0] < 0x80 || left < 2) {
        *p += 1;
        return s[0];
    }
    if (s[0] < 0xE0 || left < 3) {
        *p += 2;
        return ((uint32_t)(s[0] & 0x1F) << 6) | (s[1] & 0x3Fu);
    }
    if (s[0] < 0xF0 || left < 4) {
        *p += 3;
        return ((uint32_t)(s[0] & 0x0F) << 12) | ((uint32_t)(s[1] & 0x3F) << 6) | (s[2] & 0x3Fu);
    }
    *p += 4;
    return ((uint32_t)(s[0] & 0x07) << 18) | ((uint32_t)(s[1] & 0x3F) << 12) |
           ((uint32_t)(s[2] & 0x3F) << 6) | (s[3] & 0x3Fu);
}

/* Writes `code` (up to U+10FFFF, surrogates too) at `out`, which has room for 4; the length. */
static inline unsigned nx_utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | (code >> 6));
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | (code >> 12));
        out[1] = (char)(0x80 | ((code >> 6) & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (code >> 18));
    out[1] = (char)(0x80 | ((code >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((code >> 6) & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Code points in `s`: every byte that does not continue one (UTF-8 or WTF-8). */
static inline size_t nx_utf8_count(struct nx_span s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++) {
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    }
    return count;
}

#endif
