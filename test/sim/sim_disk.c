/*
 * sim_disk.c - a file system for SQLite over the ordinary one, which the world can make slow, full,
 * faulty, or dead: after the bridge was killed nothing that its closing would write reaches the
 * files.
 */
#include "test/sim/sim.h"

#include <sqlite3.h>
#include <string.h>

struct disk_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this struct */
    bool damaged;       /* it is the one that may be */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs disk;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct disk_file *)file)->real;
}

/* Calls are counted, and some of them fail: see sim.h. */
static bool fails(void)
{
    uint64_t call = ++sim_world->disk_calls;

    if (sim_world->disk_stuck_from > 0 && call >= sim_world->disk_stuck_from && !sim_world->dead) {
        return true;
    }
    return !sim_world->dead && call >= sim_world->disk_fails_from &&
           call - sim_world->disk_fails_from < sim_world->disk_fails;
}

static int disk_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);

    return real->pMethods != NULL ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int disk_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
    return fails() ? SQLITE_IOERR_READ
                   : real_of(file)->pMethods->xRead(real_of(file), out, size, at);
}

static int disk_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    if (sim_world->dead) {
        return SQLITE_OK;
    }
    if (((struct disk_file *)file)->damaged && sim_world->disk_damaged > 0) {
        sim_world->disk_damaged--;
        return SQLITE_CORRUPT;
    }
    if (sim_world->disk_full || fails()) {
        return SQLITE_FULL;
    }
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return sim_world->dead ? SQLITE_OK : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

/* The bytes are in the page cache already, which a killed process leaves behind: only time passes. */
static int disk_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    if (!sim_world->dead) {
        sim_world->syncs++;
        sim_world->now_us += sim_draw(&sim_world->random, sim_world->disk_us_max + 1);
    }
    return sim_world->disk_full || fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return fails() ? SQLITE_IOERR_FSTAT : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int disk_lock(sqlite3_file *file, int level)
{
    return fails() ? SQLITE_IOERR_LOCK : real_of(file)->pMethods->xLock(real_of(file), level);
}

static int disk_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int disk_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int disk_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int disk_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int disk_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int disk_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return fails() ? SQLITE_IOERR_SHMMAP
                   : real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int disk_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    if ((flags & SQLITE_SHM_LOCK) != 0 && fails()) {
        return SQLITE_IOERR_SHMLOCK;
    }
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void disk_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

/* The memory of a dead process is gone with it: the next one reads the log anew. */
static int disk_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove || sim_world->dead);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_reserved,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_traits,
    .xShmMap = disk_shm_map,
    .xShmLock = disk_shm_lock,
    .xShmBarrier = disk_shm_barrier,
    .xShmUnmap = disk_shm_unmap,
};

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct disk_file *ours = (struct disk_file *)file;
    int rc;

    (void)vfs;
    ours->real = (sqlite3_file *)(ours + 1);
    ours->damaged = name != NULL && strstr(name, "/birmingham.db") != NULL;
    if (sim_world->disk_calls >= sim_world->disk_stuck_from) {
        sim_world->disk_stuck_from = 0;
    }
    if (fails()) {
        ours->base.pMethods = NULL;
        return SQLITE_CANTOPEN;
    }
    rc = real_vfs->xOpen(real_vfs, name, ours->real, flags, out);
    ours->base.pMethods = ours->real->pMethods != NULL ? &disk_methods : NULL;
    return rc;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)sync;
    return sim_world->dead ? SQLITE_OK : real_vfs->xDelete(real_vfs, name, 0);
}

void sim_disk_register(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    disk = *real_vfs;
    disk.zName = "sim-disk";
    disk.szOsFile = (int)sizeof(struct disk_file) + real_vfs->szOsFile;
    disk.xOpen = disk_open;
    disk.xDelete = disk_delete;
    (void)sqlite3_vfs_register(&disk, 1);
}
