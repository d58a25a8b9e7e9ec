/*
 * buf.c - a growing byte buffer with a hard maximum. Doubles, so that appending is O(1) amortised.
 */
#include "core/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUF_CAP_MIN = 128 };

void nx_buf_init(struct nx_buf *buf, size_t bytes_max)
{
    *buf = (struct nx_buf){.max = bytes_max};
}

void nx_buf_fini(struct nx_buf *buf)
{
    free(buf->data);
    *buf = (struct nx_buf){.max = buf->max};
}

void nx_buf_reset(struct nx_buf *buf)
{
    buf->len = 0;
    buf->error = NX_OK;
}

static enum nx_err buf_fail(struct nx_buf *buf, enum nx_err err)
{
    if (buf->error == NX_OK) {
        buf->error = err;
    }
    return err;
}

enum nx_err nx_buf_grow(struct nx_buf *buf, size_t len)
{
    size_t cap = buf->cap > 0 ? buf->cap : BUF_CAP_MIN;
    char *data;

    if (len > buf->max || buf->len > buf->max - len) {
        return buf_fail(buf, NX_ERR_LIMIT);
    }
    while (cap < buf->len + len) {
        cap *= 2;
    }
    if (cap > buf->max) {
        cap = buf->max;
    }
    if (cap > buf->cap) {
        data = realloc(buf->data, cap);
        if (data == NULL) {
            return buf_fail(buf, NX_ERR_NOMEM);
        }
        buf->data = data;
        buf->cap = cap;
    }
    return NX_OK;
}

enum nx_err nx_buf_printf(struct nx_buf *buf, const char *fmt, ...)
{
    va_list args;
    char *room;
    enum nx_err err;
    int need;

    va_start(args, fmt);
    need = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (need < 0) {
        return buf_fail(buf, NX_ERR_INVALID);
    }
    err = nx_buf_reserve(buf, (size_t)need + 1, &room); /* vsnprintf writes a NUL as well */
    if (err == NX_OK) {
        va_start(args, fmt);
        (void)vsnprintf(room, (size_t)need + 1, fmt, args);
        va_end(args);
        buf->len += (size_t)need;
    }
    return err;
}

void nx_buf_consume(struct nx_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
        return;
    }
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
}
