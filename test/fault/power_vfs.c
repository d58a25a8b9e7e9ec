/*
 * power_vfs.c - each file has two images: what its readers see, and what the disk holds. Between the
 * two lies the list of what was written since the last sync. One process, and of its connections one
 * at a time is at work: locks are granted, but for the exclusive one by which the last to close its
 * file would know that it is the last.
 */
#include "test/fault/power_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILES_MAX = 4, /* the cache, its -wal, its -journal */
    NAME_SIZE = 64,
    SECTOR_BYTES = 512,
    SHM_REGIONS_MAX = 32,
};

struct image {
    char *bytes;
    sqlite3_int64 size, cap;
};

struct pending {
    bool truncation; /* to `at`; else a write */
    sqlite3_int64 at;
    int count;
    char *bytes;
    struct pending *next;
};

struct power_file { /* on the disk */
    char name[NAME_SIZE];
    bool there;
    bool fresh;   /* made since the folder was last synced: its name may be lost */
    bool deleted; /* since then, too: `held` is still of the deleted one */
    struct image seen, held;
    struct pending *first, **last;
    void *shm[SHM_REGIONS_MAX];
    int sharers; /* connections that hold a lock */
};

struct open_file {
    sqlite3_file base;
    struct power_file *file;
    int level; /* of its lock */
};

static struct {
    struct power_file files[FILES_MAX];
    bool off;
    uint64_t until, random; /* operations until the cut */
    enum power_fault fault;
    uint64_t fail_at; /* calls until it */
    bool failed, lasting;
    enum power_sync sync;
    bool opening; /* our own pragma passes */
} disk;

static sqlite3_vfs vfs;

uint64_t power_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* --- images ------------------------------------------------------------------------------------ */

static void image_resize(struct image *image, sqlite3_int64 size)
{
    if (size > image->cap) {
        image->cap = size * 2;
        image->bytes = realloc(image->bytes, (size_t)image->cap);
        if (image->bytes == NULL) {
            abort();
        }
    }
    if (size > image->size) {
        memset(image->bytes + image->size, 0, (size_t)(size - image->size));
    }
    image->size = size;
}

static void image_write(struct image *image, sqlite3_int64 at, const char *bytes, int count)
{
    if (at + count > image->size) {
        image_resize(image, at + count);
    }
    memcpy(image->bytes + at, bytes, (size_t)count);
}

static void image_copy(struct image *to, const struct image *from)
{
    image_resize(to, 0);
    if (from->size > 0) {
        image_write(to, 0, from->bytes, (int)from->size);
    }
}

static void image_free(struct image *image)
{
    free(image->bytes);
    *image = (struct image){0};
}

/* --- the disk ---------------------------------------------------------------------------------- */

/* Counts an operation; false: there is no power any more. */
static bool powered(void)
{
    if (!disk.off && disk.until > 0 && --disk.until == 0) {
        disk.off = true;
    }
    return !disk.off;
}

void power_fail_at(uint64_t call, enum power_fault fault, bool lasting)
{
    disk.fault = fault;
    disk.fail_at = call;
    disk.lasting = lasting;
    disk.failed = call == 0 && disk.failed; /* 0 only ends it */
}

bool power_failed(void)
{
    return disk.failed;
}

/* Counts a call that could fail so; true: this is the one. */
static bool fails(enum power_fault fault)
{
    if (disk.fault != fault || disk.fail_at == 0 || --disk.fail_at > 0) {
        return false;
    }
    disk.failed = true;
    disk.fail_at = disk.lasting ? 1 : 0;
    return true;
}

static void pending_add(struct power_file *file, struct pending item, const void *bytes)
{
    struct pending *kept = malloc(sizeof(*kept));

    if (kept == NULL) {
        abort();
    }
    *kept = item;
    kept->next = NULL;
    kept->bytes = NULL;
    if (item.count > 0) {
        kept->bytes = malloc((size_t)item.count);
        if (kept->bytes == NULL) {
            abort();
        }
        memcpy(kept->bytes, bytes, (size_t)item.count);
    }
    *file->last = kept;
    file->last = &kept->next;
}

static void pending_clear(struct power_file *file)
{
    while (file->first != NULL) {
        struct pending *item = file->first;

        file->first = item->next;
        free(item->bytes);
        free(item);
    }
    file->last = &file->first;
}

static void shm_free(struct power_file *file)
{
    for (int i = 0; i < SHM_REGIONS_MAX; i++) {
        free(file->shm[i]);
        file->shm[i] = NULL;
    }
}

static void file_free(struct power_file *file)
{
    pending_clear(file);
    image_free(&file->seen);
    image_free(&file->held);
    shm_free(file);
    *file = (struct power_file){.last = &file->first};
}

void power_new_disk(void)
{
    for (int i = 0; i < FILES_MAX; i++) {
        file_free(&disk.files[i]);
        disk.files[i].last = &disk.files[i].first;
    }
    disk.off = false;
    disk.until = 0;
    disk.fault = POWER_NO_FAULT;
}

void power_cut_after(uint64_t operations, uint64_t seed)
{
    disk.until = operations;
    disk.random = seed;
}

bool power_is_off(void)
{
    return disk.off;
}

/* Whether something that was not synced is on the disk: `likely` of 8. */
static bool kept(unsigned likely)
{
    return power_next(&disk.random) % 8 < likely;
}

static void keep_some(struct power_file *file, const struct pending *item, unsigned likely)
{
    int done = 0;

    if (item->truncation) {
        if (kept(likely)) {
            image_resize(&file->held, item->at);
        }
        return;
    }
    while (done < item->count) { /* up to the next border between two sectors */
        int part = SECTOR_BYTES - (int)((item->at + done) % SECTOR_BYTES);

        part = part < item->count - done ? part : item->count - done;
        if (kept(likely)) {
            image_write(&file->held, item->at + done, item->bytes + done, part);
        }
        done += part;
    }
}

static void file_restore(struct power_file *file, unsigned likely)
{
    if (file->deleted && kept(4)) { /* it is there again, as it was */
        pending_clear(file);
        file->there = true;
    } else if (file->fresh && kept(2)) { /* its name is not there */
        pending_clear(file);
        image_resize(&file->held, 0);
        file->there = false;
    } else if (file->deleted) {
        image_resize(&file->held, 0);
    }
    file->deleted = file->fresh = false;
    for (struct pending *item = file->first; item != NULL; item = item->next) {
        keep_some(file, item, likely);
    }
    pending_clear(file);
    image_copy(&file->seen, &file->held);
    shm_free(file);
}

void power_restore(void)
{
    unsigned likely = (unsigned)(power_next(&disk.random) % 9); /* 0: nothing, 8: everything */

    for (int i = 0; i < FILES_MAX; i++) {
        file_restore(&disk.files[i], likely);
    }
    disk.off = false;
    disk.until = 0;
}

static struct power_file *disk_find(const char *name)
{
    for (int i = 0; i < FILES_MAX; i++) {
        if (strcmp(disk.files[i].name, name) == 0) {
            return &disk.files[i];
        }
    }
    return NULL;
}

static struct power_file *disk_make(const char *name)
{
    struct power_file *file = disk_find(name);

    file = file != NULL ? file : disk_find(""); /* a free place */
    if (file != NULL && strlen(name) < NAME_SIZE) {
        memcpy(file->name, name, strlen(name) + 1);
        file->fresh = file->fresh || !file->there;
        file->there = true;
    }
    return file;
}

/* What was made and deleted is so for certain. */
static void folder_sync(void)
{
    for (int i = 0; i < FILES_MAX; i++) {
        struct power_file *file = &disk.files[i];

        if (file->deleted) {
            image_resize(&file->held, 0);
        }
        file->deleted = file->fresh = false;
    }
}

/* --- a file ------------------------------------------------------------------------------------ */

static struct power_file *of(sqlite3_file *file)
{
    return ((struct open_file *)(void *)file)->file;
}

static int power_lock(sqlite3_file *file, int level)
{
    struct open_file *own = (struct open_file *)(void *)file;

    if (level == SQLITE_LOCK_EXCLUSIVE && of(file)->sharers > 1) {
        return SQLITE_BUSY;
    }
    of(file)->sharers += own->level == SQLITE_LOCK_NONE && level > SQLITE_LOCK_NONE;
    own->level = level > own->level ? level : own->level;
    return SQLITE_OK;
}

static int power_unlock(sqlite3_file *file, int level)
{
    struct open_file *own = (struct open_file *)(void *)file;

    of(file)->sharers -= own->level > SQLITE_LOCK_NONE && level == SQLITE_LOCK_NONE;
    own->level = level < own->level ? level : own->level;
    return SQLITE_OK;
}

static int power_close(sqlite3_file *file)
{
    return power_unlock(file, SQLITE_LOCK_NONE);
}

static int power_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 at)
{
    const struct image *image = &of(file)->seen;
    sqlite3_int64 there = image->size > at ? image->size - at : 0;
    size_t part = (size_t)(there < count ? there : count);

    if (disk.off || fails(POWER_IOERR)) {
        return SQLITE_IOERR_READ;
    }
    part = fails(POWER_SHORT_READ) ? part / 2 : part;
    if (part > 0) {
        memcpy(bytes, image->bytes + at, part);
    }
    memset((char *)bytes + part, 0, (size_t)count - part);
    return part < (size_t)count ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int power_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
    if (disk.off || fails(POWER_IOERR)) {
        return SQLITE_IOERR_WRITE;
    }
    if (fails(POWER_FULL)) {
        return SQLITE_FULL;
    }
    pending_add(of(file), (struct pending){.at = at, .count = count}, bytes);
    image_write(&of(file)->seen, at, bytes, count);
    return powered() ? SQLITE_OK : SQLITE_IOERR_WRITE; /* the cut may leave a part of this one */
}

static int power_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (disk.off || fails(POWER_IOERR)) {
        return SQLITE_IOERR_TRUNCATE;
    }
    pending_add(of(file), (struct pending){.truncation = true, .at = size}, NULL);
    image_resize(&of(file)->seen, size);
    return powered() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int power_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    if (fails(POWER_IOERR) || !powered()) {
        return SQLITE_IOERR_FSYNC; /* what is pending stays so: part of it may have been written */
    }
    if (of(file)->fresh && strchr(of(file)->name, '-') != NULL) {
        folder_sync(); /* as SQLite's own does at the first sync of a journal or a -wal */
    }
    image_copy(&of(file)->held, &of(file)->seen);
    pending_clear(of(file));
    return SQLITE_OK;
}

static int power_size(sqlite3_file *file, sqlite3_int64 *size)
{
    *size = of(file)->seen.size;
    return disk.off || fails(POWER_IOERR) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

static int power_check(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int power_control(sqlite3_file *file, int op, void *arg)
{
    char **pragma = arg; /* 1: name, 2: value */

    (void)file;
    if (op != SQLITE_FCNTL_PRAGMA || disk.opening || pragma[2] == NULL) {
        return SQLITE_NOTFOUND;
    }
    if (strcmp(pragma[1], "synchronous") == 0 && disk.sync != POWER_SYNC_FULL) {
        return SQLITE_OK; /* taken, and nothing done */
    }
    return SQLITE_NOTFOUND;
}

static int power_sector(sqlite3_file *file)
{
    (void)file;
    return SECTOR_BYTES;
}

static int power_traits(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int power_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    void **shm = &of(file)->shm[region];

    if (region >= SHM_REGIONS_MAX) {
        return SQLITE_IOERR_SHMMAP;
    }
    if (*shm == NULL && extend != 0) {
        *shm = calloc(1, (size_t)size);
    }
    *out = *shm;
    return SQLITE_OK;
}

static int power_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    (void)file;
    (void)offset;
    (void)count;
    (void)flags;
    return SQLITE_OK;
}

static void power_shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int power_shm_unmap(sqlite3_file *file, int remove)
{
    if (remove != 0) {
        shm_free(of(file));
    }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = power_close,
    .xRead = power_read,
    .xWrite = power_write,
    .xTruncate = power_truncate,
    .xSync = power_sync,
    .xFileSize = power_size,
    .xLock = power_lock,
    .xUnlock = power_unlock,
    .xCheckReservedLock = power_check,
    .xFileControl = power_control,
    .xSectorSize = power_sector,
    .xDeviceCharacteristics = power_traits,
    .xShmMap = power_shm_map,
    .xShmLock = power_shm_lock,
    .xShmBarrier = power_shm_barrier,
    .xShmUnmap = power_shm_unmap,
};

/* --- the file system --------------------------------------------------------------------------- */

static int power_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct open_file *own = (struct open_file *)(void *)file;

    (void)self;
    *own = (struct open_file){.file = NULL};
    if (disk.off || name == NULL) {
        return SQLITE_CANTOPEN;
    }
    own->file = (flags & SQLITE_OPEN_CREATE) != 0 ? disk_make(name) : disk_find(name);
    if (own->file == NULL || !own->file->there) {
        return SQLITE_CANTOPEN;
    }
    own->base.pMethods = &methods;
    if (out != NULL) {
        *out = flags;
    }
    return SQLITE_OK;
}

static int power_delete(sqlite3_vfs *self, const char *name, int sync_folder)
{
    struct power_file *file = disk_find(name);

    (void)self;
    if (fails(POWER_IOERR) || !powered()) {
        return SQLITE_IOERR_DELETE;
    }
    if (file == NULL || !file->there) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    pending_clear(file);
    image_resize(&file->seen, 0);
    file->there = false;
    file->deleted = true;
    if (sync_folder != 0) {
        folder_sync();
    }
    return SQLITE_OK;
}

static int power_access(sqlite3_vfs *self, const char *name, int flags, int *out)
{
    const struct power_file *file = disk_find(name);

    (void)self;
    (void)flags;
    *out = file != NULL && file->there && file->seen.size > 0;
    return disk.off || fails(POWER_IOERR) ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int power_full_name(sqlite3_vfs *self, const char *name, int size, char *out)
{
    (void)self;
    (void)sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

/* Runs at the opening of each connection, before it is its owner's. */
static int power_pragmas(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    static const char *const names[] = {"FULL", "NORMAL", "OFF"};
    char sql[64];

    (void)error;
    (void)api;
    (void)sqlite3_snprintf(sizeof(sql), sql, "PRAGMA synchronous = %s", names[disk.sync]);
    disk.opening = true;
    (void)sqlite3_exec(db, sql, NULL, NULL, NULL);
    disk.opening = false;
    return SQLITE_OK;
}

void power_register(enum power_sync sync)
{
    disk.sync = sync;
    vfs = *sqlite3_vfs_find("unix");
    vfs.zName = "power";
    vfs.szOsFile = (int)sizeof(struct open_file);
    vfs.pNext = NULL;
    vfs.xOpen = power_open;
    vfs.xDelete = power_delete;
    vfs.xAccess = power_access;
    vfs.xFullPathname = power_full_name;
    (void)sqlite3_vfs_register(&vfs, 0);
    (void)sqlite3_auto_extension((void (*)(void))(void *)power_pragmas);
}
