/*
 * span.c - the few span operations that are longer than a line.
 */
#include "core/base/span.h"

#include <stdlib.h>

struct nx_span nx_span_cut(struct nx_span *rest, char separator)
{
    struct nx_span part = *rest;
    const char *at = part.len > 0 ? memchr(part.ptr, separator, part.len) : NULL;

    if (at == NULL) {
        *rest = (struct nx_span){NULL, 0};
        return part;
    }
    part.len = (size_t)(at - part.ptr);
    rest->ptr = at + 1;
    rest->len -= part.len + 1;
    return part;
}

bool nx_span_copy(struct nx_span s, char *out, size_t size)
{
    out[0] = '\0';
    if (s.len >= size || (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL)) {
        return false;
    }
    if (s.len > 0) {
        memcpy(out, s.ptr, s.len);
    }
    out[s.len] = '\0';
    return true;
}

char *nx_span_dup(struct nx_span s)
{
    char *copy = malloc(s.len + 1);

    if (copy == NULL) {
        return NULL;
    }
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    copy[s.len] = '\0';
    return copy;
}
