/*
 * reader.h - how the core gets at named documents without knowing of files.
 */
#ifndef NX_READER_H
#define NX_READER_H

#include "core/base/buf.h"
#include "core/base/err.h"

struct nx_reader {
    /*
     * Reads the document at `path` into `out`. NX_ERR_NOT_FOUND when there is none, NX_ERR_LIMIT
     * when it is larger than out->max, NX_ERR_IO otherwise; diag names path and reason.
     */
    enum nx_err (*read)(void *ctx, const char *path, struct nx_buf *out, struct nx_diag *diag);
    void *ctx;
};

#endif
