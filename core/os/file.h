/*
 * file.h - the only place below the programs that opens a file.
 *
 * The core reads configuration, schemas and lenses through struct nx_reader, so that a test or a
 * fuzzer can hand it bytes instead; nx_file_reader() is the real one.
 */
#ifndef NX_OS_FILE_H
#define NX_OS_FILE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/reader.h"

/* Reads the whole file at `path` into `out` (reset first; out->max is the size limit). */
enum nx_err nx_file_read(const char *path, struct nx_buf *out, struct nx_diag *diag);

/* A reader over the file system. */
struct nx_reader nx_file_reader(void);

#endif
