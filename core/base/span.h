/*
 * span.h - text and bytes as pointer and length. Nothing that arrives from outside is assumed
 * to end in NUL. A span never owns what it points at.
 */
#ifndef NX_BASE_SPAN_H
#define NX_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct nx_span {
    const char *ptr;
    size_t len;
};

/* A span over a string literal. */
#define NX_SPAN(literal) ((struct nx_span){(literal), sizeof(literal) - 1})

/* printf("%.*s", NX_SPAN_ARG(s)) */
#define NX_SPAN_ARG(s) (int)(s).len, (s).ptr

static inline struct nx_span nx_span_from(const char *cstr)
{
    return (struct nx_span){cstr, cstr != NULL ? strlen(cstr) : 0};
}

static inline bool nx_span_eq(struct nx_span a, struct nx_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool nx_span_is(struct nx_span a, const char *cstr)
{
    return nx_span_eq(a, nx_span_from(cstr));
}

static inline bool nx_span_starts(struct nx_span s, struct nx_span prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/*
 * Cuts the part of *rest before `separator` off its front and returns it; *rest continues after
 * the separator. At the last part *rest becomes {NULL, 0}, which ends a `while (rest.ptr)` loop.
 */
struct nx_span nx_span_cut(struct nx_span *rest, char separator);

/* Copies into `out` and terminates it; false (and out is "") when it does not fit or holds NUL. */
bool nx_span_copy(struct nx_span s, char *out, size_t size);

/* A heap copy with a NUL behind it; NULL when memory is out. The caller frees it. */
char *nx_span_dup(struct nx_span s);

#endif
