/*
 * replace.h - several files changed together: all of them, or none.
 */
#ifndef NX_CTL_REPLACE_H
#define NX_CTL_REPLACE_H

#include "core/base/buf.h"
#include "core/base/err.h"

enum { NX_REPLACE_PATH_MAX = 4096 };

/* One file: what is in it, and what shall be. */
struct nx_replacement {
    char path[NX_REPLACE_PATH_MAX]; /* with its links followed */
    struct nx_buf before, after;
    bool wanted; /* `after` holds the new content */
};

/* Reads the file at `path`. `file` is fresh, and given to nx_replacement_fini in any case. */
enum nx_err nx_replacement_read(struct nx_replacement *file, const char *path,
                                struct nx_diag *diag);
void nx_replacement_fini(struct nx_replacement *file);

/*
 * Puts the new content of each wanted file in place of the old, with the old one's owner and mode.
 * All are written and synced beside the old ones first, then renamed one after the other; when one
 * cannot be renamed, those before it are put back.
 */
enum nx_err nx_replace_all(struct nx_replacement *files, size_t count, struct nx_diag *diag);

#endif
