/*
 * failing_vfs.c - a shim between SQLite and its own file system, https://sqlite.org/vfs.html.
 * Its file is the real one with another method table; write and sync look at the switches first.
 */
#include "test/unit/bridge/failing_vfs.h"

#include <sqlite3.h>
#include <string.h>

struct failing_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct, in the same allocation */
};

static struct failing_vfs switches;
static sqlite3_vfs shim;
static sqlite3_io_methods methods;

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct failing_file *)(void *)file)->real;
}

static int fail_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    return switches.write_rc != SQLITE_OK
               ? switches.write_rc
               : real(file)->pMethods->xWrite(real(file), bytes, count, at);
}

static int fail_sync(sqlite3_file *file, int flags)
{
    if (switches.no_sync) {
        return SQLITE_OK;
    }
    return switches.sync_rc != SQLITE_OK ? switches.sync_rc
                                         : real(file)->pMethods->xSync(real(file), flags);
}

static int pass_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int pass_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
    return real(file)->pMethods->xRead(real(file), bytes, count, at);
}

static int pass_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int pass_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int pass_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int pass_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int pass_check(sqlite3_file *file, int *out)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int pass_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int pass_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int pass_traits(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int pass_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}

static int pass_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void pass_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int pass_shm_unmap(sqlite3_file *file, int remove)
{
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct failing_file *own = (struct failing_file *)(void *)file;
    sqlite3_vfs *below = vfs->pAppData;
    int rc;

    own->real = (sqlite3_file *)(void *)(own + 1);
    rc = below->xOpen(below, name, own->real, flags, out);
    own->base.pMethods = rc == SQLITE_OK ? &methods : NULL;
    return rc;
}

struct failing_vfs *failing_vfs_register(void)
{
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);

    switches = (struct failing_vfs){SQLITE_OK, SQLITE_OK, false};
    methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = pass_close,
        .xRead = pass_read,
        .xWrite = fail_write,
        .xTruncate = pass_truncate,
        .xSync = fail_sync,
        .xFileSize = pass_size,
        .xLock = pass_lock,
        .xUnlock = pass_unlock,
        .xCheckReservedLock = pass_check,
        .xFileControl = pass_control,
        .xSectorSize = pass_sector,
        .xDeviceCharacteristics = pass_traits,
        .xShmMap = pass_shm_map,
        .xShmLock = pass_shm_lock,
        .xShmBarrier = pass_shm_barrier,
        .xShmUnmap = pass_shm_unmap,
    };
    shim = *below;
    shim.zName = "failing";
    shim.szOsFile = (int)sizeof(struct failing_file) + below->szOsFile;
    shim.xOpen = shim_open;
    shim.pAppData = below;
    shim.pNext = NULL;
    (void)sqlite3_vfs_register(&shim, 0);
    return &switches;
}
