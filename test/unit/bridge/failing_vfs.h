/*
 * failing_vfs.h - an SQLite file system that passes everything on to the default one, until it is
 * told to fail: the disk is full, or syncing fails.
 */
#ifndef NX_TEST_FAILING_VFS_H
#define NX_TEST_FAILING_VFS_H

#include <stdbool.h>

struct failing_vfs {
    int write_rc; /* SQLITE_OK, or what every write returns, e.g. SQLITE_FULL */
    int sync_rc;  /* the same for every sync */
    bool no_sync; /* a sync succeeds and does nothing */
};

/* Registers the file system "failing" (once) and returns its switches. */
struct failing_vfs *failing_vfs_register(void);

#endif
