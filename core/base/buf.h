/*
 * buf.h - a growing byte buffer with a hard maximum, named when it is made.
 *
 * A failed append (out of memory, or over the maximum) leaves the content as it was and is
 * remembered: a writer may append many pieces and ask nx_buf_error() once at the end.
 */
#ifndef NX_BASE_BUF_H
#define NX_BASE_BUF_H

#include "core/base/err.h"
#include "core/base/span.h"

#include <stdint.h>

struct nx_buf {
    char *data; /* NULL while nothing was appended */
    size_t len; /* bytes used */
    size_t cap; /* bytes allocated */
    size_t max; /* bytes it may ever hold */
    enum nx_err error;
};

void nx_buf_init(struct nx_buf *buf, size_t bytes_max);
void nx_buf_fini(struct nx_buf *buf);

/* Empties the buffer and clears its error; keeps the memory for the next use. */
void nx_buf_reset(struct nx_buf *buf);

enum nx_err nx_buf_printf(struct nx_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Allocates room for `len` more bytes, where there is none; only for the functions below. */
enum nx_err nx_buf_grow(struct nx_buf *buf, size_t len);

/* Makes room for `len` more bytes; *out points at them. The caller then adds to buf->len. */
static inline enum nx_err nx_buf_reserve(struct nx_buf *buf, size_t len, char **out)
{
    if (len > buf->cap - buf->len || buf->data == NULL) {
        enum nx_err err = nx_buf_grow(buf, len);
        if (err != NX_OK) {
            return err;
        }
    }
    *out = buf->data + buf->len;
    return NX_OK;
}

/* Inline: a translation appends a hundred short pieces to a buffer that has room for them. */
static inline enum nx_err nx_buf_add(struct nx_buf *buf, const void *bytes, size_t len)
{
    if (len > buf->cap - buf->len) {
        enum nx_err err = nx_buf_grow(buf, len);
        if (err != NX_OK) {
            return err;
        }
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
    return NX_OK;
}

static inline enum nx_err nx_buf_span(struct nx_buf *buf, struct nx_span s)
{
    return nx_buf_add(buf, s.ptr, s.len);
}

static inline enum nx_err nx_buf_str(struct nx_buf *buf, const char *cstr)
{
    return nx_buf_add(buf, cstr, strlen(cstr));
}

static inline enum nx_err nx_buf_byte(struct nx_buf *buf, uint8_t byte)
{
    return nx_buf_add(buf, &byte, 1);
}

/* Drops `len` bytes from the front. */
void nx_buf_consume(struct nx_buf *buf, size_t len);

static inline struct nx_span nx_buf_view(const struct nx_buf *buf)
{
    return (struct nx_span){buf->data, buf->len};
}

static inline enum nx_err nx_buf_error(const struct nx_buf *buf)
{
    return buf->error;
}

#endif
