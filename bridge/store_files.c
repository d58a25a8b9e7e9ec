/*
 * store_files.c - the files of a cache as files: are they still those that are open, is the log as
 * long as what it holds; and the damaged ones are renamed. SQLite does not look. It goes on writing
 * to a log that was removed, which no later start finds, and behind the end of one that was cut, so
 * that a checkpoint carries the hole into the file.
 *
 * Never deletes anything, and never opens them by itself: to close such a descriptor would end
 * SQLite's locks (https://sqlite.org/howtocorrupt.html, 2.2).
 */
#include "bridge/store_sqlite.h"

#include "core/base/utc.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WAL_HEAD_BYTES = 32, /* https://sqlite.org/fileformat2.html#walformat */
    WAL_FRAME_HEAD_BYTES = 24,
    WRITE_VERSION_AT = 18, /* in the file: 1 or 2; what is more may only be read */
    WRITE_VERSION_MAX = 2,
    ASIDE_MAX = 9, /* damaged caches of one second */
    RESCUES_MAX = 100,
};

/* The last to be renamed is the file itself: without it the others are nothing. */
static const char *const tails[STORE_FILES] = {"-wal", "-shm", ""};

static const char *file_name(const struct nx_store *store, size_t i, char *out)
{
    (void)snprintf(out, STORE_PATH_MAX, "%s%s", store->path, tails[i]);
    return out;
}

/* --- the log, as SQLite has it open ------------------------------------------------------------- */

static sqlite3_file *opened_file(struct nx_store *store, int which)
{
    sqlite3_file *file = NULL;

    (void)sqlite3_file_control(store->db, NULL, which, &file);
    return file != NULL && file->pMethods != NULL ? file : NULL;
}

static enum nx_err log_check(struct nx_store *store, struct nx_diag *diag)
{
    static const uint8_t magic[3] = {0x37, 0x7f, 0x06};
    const uint64_t frames = store_checkpoint_frames(store);
    sqlite3_file *file = opened_file(store, SQLITE_FCNTL_JOURNAL_POINTER);
    uint8_t head[4] = {0};
    sqlite3_int64 size = 0;
    char name[STORE_PATH_MAX];
    int rc;

    if (frames == 0 || file == NULL) {
        return NX_OK;
    }
    rc = file->pMethods->xFileSize(file, &size);
    if (rc == SQLITE_OK) {
        rc = file->pMethods->xRead(file, head, sizeof(head), 0);
    }
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) {
        return store_fail(store, rc, "check the log", diag);
    }
    if (memcmp(head, magic, sizeof(magic)) == 0 &&
        (uint64_t)size >= WAL_HEAD_BYTES + frames * (WAL_FRAME_HEAD_BYTES + store->page_bytes)) {
        return NX_OK;
    }
    nx_diag_at(diag, file_name(store, 0, name), 0, 0);
    nx_diag_set(diag, "was cut or overwritten while it was in use");
    return NX_ERR_STATE;
}

/* --- the names ---------------------------------------------------------------------------------- */

static bool file_look(const struct nx_store *store, size_t i, struct store_file *out)
{
    char name[STORE_PATH_MAX];
    struct stat found;

    *out = (struct store_file){.there = false};
    if (stat(file_name(store, i, name), &found) == -1) {
        return errno == ENOENT; /* else nothing is known */
    }
    *out = (struct store_file){.there = true, .device = found.st_dev, .inode = found.st_ino};
    return true;
}

enum nx_err store_files_note(struct nx_store *store, struct nx_diag *diag)
{
    int64_t bytes = 0;
    enum nx_err err = store_number(store, "PRAGMA page_size", &bytes, diag);

    store->page_bytes = (uint64_t)bytes;
    for (size_t i = 0; i < STORE_FILES; i++) {
        (void)file_look(store, i, &store->files[i]);
    }
    return err;
}

static enum nx_err names_check(const struct nx_store *store, struct nx_diag *diag)
{
    char name[STORE_PATH_MAX];

    for (size_t i = 0; i < STORE_FILES; i++) {
        const struct store_file *noted = &store->files[i];
        struct store_file now;

        if (noted->there && file_look(store, i, &now) &&
            (!now.there || now.device != noted->device || now.inode != noted->inode)) {
            nx_diag_at(diag, file_name(store, i, name), 0, 0);
            nx_diag_set(diag, "was %s while it was in use", now.there ? "replaced" : "removed");
            return NX_ERR_STATE;
        }
    }
    return NX_OK;
}

enum nx_err nx_store_check(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err;

    if (store->db == NULL) {
        return NX_OK; /* whatever is asked of it says so */
    }
    err = names_check(store, diag);
    return err == NX_OK ? log_check(store, diag) : err;
}

/*
 * A log that is whole but no more to be found by its name can be read as long as it is open, and so be
 * moved into the file. It is emptied then, lest it be taken for that of another file.
 */
static int rescue(struct nx_store *store)
{
    return sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

enum nx_err store_files_rescue(struct nx_store *store, struct nx_diag *diag)
{
    int rc = SQLITE_OK;
    enum nx_err err;

    if (names_check(store, NULL) == NX_OK || log_check(store, NULL) == NX_ERR_STATE ||
        store->rescues++ >= RESCUES_MAX) {
        return NX_OK;
    }
    rc = rescue(store);
    err = rc == SQLITE_OK ? NX_OK : store_fail(store, rc, "save the log that was removed", diag);
    return err == NX_ERR_SYNTAX ? NX_OK : err; /* there is nothing to be saved of it */
}

/* A log that is not whole must not get into the file: what is right of it is found by its checksums
 * at the next opening. */
void store_files_leave(struct nx_store *store)
{
    if (store->checkpoint == NULL) {
        return; /* a reader, or not quite opened */
    }
    if (log_check(store, NULL) != NX_OK) {
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    } else if (names_check(store, NULL) != NX_OK) {
        (void)rescue(store);
    }
}

/* --- the header --------------------------------------------------------------------------------- */

enum nx_err store_files_writable(struct nx_store *store, struct nx_diag *diag)
{
    sqlite3_file *file = opened_file(store, SQLITE_FCNTL_FILE_POINTER);
    uint8_t version = 0;

    if (file == NULL || sqlite3_db_readonly(store->db, "main") != 1 ||
        file->pMethods->xRead(file, &version, 1, WRITE_VERSION_AT) != SQLITE_OK ||
        version <= WRITE_VERSION_MAX) {
        return NX_OK;
    }
    nx_diag_at(diag, store->path, 0, 0);
    nx_diag_set(diag, "its header is damaged: write version %d", version);
    return NX_ERR_SYNTAX;
}

/* --- setting aside ------------------------------------------------------------------------------ */

#define ASIDE_MARK ".damaged-"

/* A name that is free, so that nothing that was set aside before is lost. */
static bool aside_name(const char *path, int64_t now_ms, char *out, size_t out_size)
{
    char stamp[NX_UTC_SIZE];
    int len;

    (void)nx_utc_stamp(now_ms, stamp);
    len = snprintf(out, out_size, "%s" ASIDE_MARK "%s", path, stamp);
    for (int n = 2; access(out, F_OK) == 0; n++) {
        if (n > ASIDE_MAX) {
            return false;
        }
        (void)snprintf(out + len, out_size - (size_t)len, "-%d", n);
    }
    return true;
}

enum nx_err store_set_aside(const char *path, int64_t now_ms, const struct nx_log *log,
                            struct nx_diag *diag)
{
    enum { ASIDE_SIZE = STORE_PATH_MAX + sizeof(ASIDE_MARK) + NX_UTC_SIZE + 2 };
    char from[STORE_PATH_MAX];
    char base[ASIDE_SIZE];
    char to[ASIDE_SIZE + 4];
    char reason[700];
    bool done = aside_name(path, now_ms, base, sizeof(base));

    (void)nx_diag_format(diag, reason, sizeof(reason));
    for (size_t i = 0; i < STORE_FILES && done; i++) { /* a -wal that stays would spoil the new */
        (void)snprintf(from, sizeof(from), "%s%s", path, tails[i]);
        (void)snprintf(to, sizeof(to), "%s%s", base, tails[i]);
        done = rename(from, to) == 0 || (errno == ENOENT && tails[i][0] != '\0');
    }
    if (!done) {
        nx_diag_set(diag, "is damaged and cannot be set aside");
        return NX_ERR_IO;
    }
    nx_log(log, NX_LOG_ERROR, "%s; set aside as %s, a new epoch begins", reason, base);
    return NX_OK;
}

/* Not its -wal and -shm, which have names of their own. */
static bool is_aside(const char *cache, const char *name)
{
    const size_t len = strlen(cache);
    const size_t name_len = strlen(name);

    return strncmp(name, cache, len) == 0 &&
           strncmp(name + len, ASIDE_MARK, sizeof(ASIDE_MARK) - 1) == 0 &&
           strcmp(name + name_len - 4, tails[0]) != 0 && strcmp(name + name_len - 4, tails[1]) != 0;
}

unsigned nx_store_set_aside(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char folder[STORE_PATH_MAX];
    const struct dirent *entry;
    unsigned count = 0;
    DIR *dir;

    (void)snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(name - path) : 1,
                   slash != NULL ? path : ".");
    dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        count += is_aside(name, entry->d_name) ? 1 : 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return count;
}
