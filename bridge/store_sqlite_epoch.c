/*
 * store_sqlite_epoch.c - by which epochs the records of a cache are named, and when a new one begins:
 * with a new file, and where this is not the file that was written last.
 *
 * A backup that was put back would go on at numbers that the original gave to other readings, and
 * receivers would drop what comes under them as had. So a cache keeps which file it is, by what no copy
 * can have: its inode and when that was made. A copy that is missed loses readings, a file that is taken
 * for one only gets a new epoch, which costs nothing: whatever is in doubt is a copy.
 *
 * In `meta`: "epoch" is the present one, "epoch NAME" the last number of an earlier one, "file" the file.
 */
#include "bridge/store_sqlite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_TEXT_BYTES = 96, EPOCH_TIME_DIGITS = 12, PUT_BACK_BUSY_MS = 5000 };

#define EARLIER_EPOCHS "FROM meta WHERE key > 'epoch ' AND key < 'epoch!' ORDER BY key DESC "

/* --- names ------------------------------------------------------------------------------------- */

/* Time first, so that epochs sort by age; random behind it, should two copies begin at one time. */
static void epoch_make(uint64_t at_ms, uint64_t random, char out[NX_STORE_EPOCH_SIZE])
{
    (void)snprintf(out, NX_STORE_EPOCH_SIZE, "%012" PRIx64 "%08" PRIx32, at_ms & 0xFFFFFFFFFFFFu,
                   (uint32_t)random);
}

/* When an epoch began, as its name says. */
static uint64_t epoch_time(const char *name)
{
    char digits[EPOCH_TIME_DIGITS + 1];

    (void)nx_span_copy((struct nx_span){name, EPOCH_TIME_DIGITS}, digits, sizeof(digits));
    return strtoull(digits, NULL, 16);
}

struct nx_store_options store_options_after(const struct nx_store_options *options,
                                            const char *epoch)
{
    struct nx_store_options after = *options;
    int64_t before = (int64_t)epoch_time(epoch);

    after.now_ms = after.now_ms > before ? after.now_ms : before + 1;
    return after;
}

static struct nx_store_epoch *epoch_now(struct nx_store *store)
{
    return &store->epochs[store->epochs_count - 1];
}

const char *nx_store_epoch(const struct nx_store *store)
{
    return store->epochs[store->epochs_count - 1].name;
}

size_t nx_store_epochs(const struct nx_store *store, const struct nx_store_epoch **out)
{
    *out = store->epochs;
    return store->epochs_count;
}

const char *nx_store_epoch_of(const struct nx_store *store, uint64_t seq)
{
    size_t at = store->epochs_count - 1;

    while (at > 0 && seq <= store->epochs[at].after) {
        at--;
    }
    return store->epochs[at].name;
}

/* --- loading ----------------------------------------------------------------------------------- */

static enum nx_err no_epoch(const struct nx_store *store, struct nx_diag *diag)
{
    nx_diag_at(diag, store->path, 0, 0);
    nx_diag_set(diag, "has no epoch");
    return NX_ERR_SYNTAX;
}

static bool epoch_name(struct nx_span text, char out[NX_STORE_EPOCH_SIZE])
{
    return text.len == NX_STORE_EPOCH_SIZE - 1 && nx_span_copy(text, out, NX_STORE_EPOCH_SIZE);
}

/* A text of `meta`; *there: it has one. */
static enum nx_err meta_text(struct nx_store *store, const char *key, char *out, size_t out_size,
                             bool *there, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_META_GET, &stmt, diag);
    int rc;

    *there = false;
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, nx_span_from(key));
    rc = sqlite3_step(stmt);
    *there = rc == SQLITE_ROW && nx_span_copy(store_column(stmt, 0), out, out_size);
    return store_looked_up(store, stmt, rc, "open", diag);
}

/* The newest first, so that the oldest are left out where there are too many. */
static enum nx_err load_earlier(struct nx_store *store, struct nx_store_epoch *newest_first,
                                size_t *count, struct nx_diag *diag)
{
    static const char sql[] = "SELECT substr(key, 7), value " EARLIER_EPOCHS "LIMIT ?1";
    sqlite3_stmt *stmt;
    enum nx_err err = store_prepare(store, sql, &stmt, diag);
    int rc = SQLITE_DONE;

    *count = 0;
    if (err == NX_OK) {
        (void)sqlite3_bind_int(stmt, 1, NX_STORE_EPOCHS_MAX - 1);
        rc = sqlite3_step(stmt);
    }
    for (; err == NX_OK && rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
        struct nx_store_epoch *epoch = &newest_first[(*count)++];

        epoch->until = store_column_seq(stmt, 1);
        err = epoch_name(store_column(stmt, 0), epoch->name) ? NX_OK : no_epoch(store, diag);
    }
    if (err == NX_OK && rc != SQLITE_DONE) {
        err = store_fail(store, rc, "open", diag);
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

enum nx_err store_load_epochs(struct nx_store *store, struct nx_diag *diag)
{
    struct nx_store_epoch earlier[NX_STORE_EPOCHS_MAX - 1];
    char name[NX_STORE_EPOCH_SIZE + 1]; /* one more: a text that is too long is seen */
    struct nx_store_epoch *now;
    uint64_t after = 0;
    size_t count = 0;
    bool there;
    enum nx_err err = meta_text(store, "epoch", name, sizeof(name), &there, diag);

    if (err == NX_OK) {
        err = load_earlier(store, earlier, &count, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store->epochs_count = 0;
    while (count > 0) {
        now = &store->epochs[store->epochs_count++];
        *now = earlier[--count];
        now->after = after;
        after = now->until;
    }
    now = &store->epochs[store->epochs_count++];
    *now = (struct nx_store_epoch){.after = after, .until = UINT64_MAX};
    return there && epoch_name(nx_span_from(name), now->name) ? NX_OK : no_epoch(store, diag);
}

/* --- which file is it? ------------------------------------------------------------------------- */

/*
 * Device numbers are given anew at a start of the machine, so they count only where the file system
 * does not know when a file was made. Empty: it is no file of this machine.
 */
static void file_text(const char *path, char out[FILE_TEXT_BYTES])
{
    struct statx is;

    out[0] = '\0';
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &is) == -1) {
        return;
    }
    if ((is.stx_mask & STATX_BTIME) != 0) {
        (void)snprintf(out, FILE_TEXT_BYTES, "inode %" PRIu64 " made %" PRId64 ".%09" PRIu32,
                       (uint64_t)is.stx_ino, (int64_t)is.stx_btime.tv_sec, is.stx_btime.tv_nsec);
    } else {
        (void)snprintf(out, FILE_TEXT_BYTES, "inode %" PRIu64 " of device %" PRIu32 ":%" PRIu32,
                       (uint64_t)is.stx_ino, is.stx_dev_major, is.stx_dev_minor);
    }
}

/* --- beginning --------------------------------------------------------------------------------- */

static enum nx_err put_text(struct nx_store *store, const char *key, const char *value,
                            struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_META_PUT, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, nx_span_from(key));
    store_bind_text(stmt, 2, nx_span_from(value));
    return store_run(store, stmt, "keep which file it is", diag);
}

enum nx_err store_first_epoch(struct nx_store *store, const struct nx_store_options *options,
                              struct nx_diag *diag)
{
    char name[NX_STORE_EPOCH_SIZE];
    char file[FILE_TEXT_BYTES];
    enum nx_err err;

    epoch_make((uint64_t)options->now_ms, options->random, name);
    file_text(store->path, file);
    err = put_text(store, "epoch", name, diag);
    return err == NX_OK && file[0] != '\0' ? put_text(store, "file", file, diag) : err;
}

/* From the next number on. One that has named nothing leaves no trace. */
static enum nx_err next_epoch(struct nx_store *store, const struct nx_store_options *options,
                              struct nx_diag *diag)
{
    static const char forget[] =
        "DELETE FROM meta WHERE key IN (SELECT key " EARLIER_EPOCHS "LIMIT -1 OFFSET 7)";
    const struct nx_store_epoch *was = epoch_now(store);
    const struct nx_store_options after = store_options_after(options, was->name);
    char name[NX_STORE_EPOCH_SIZE];
    char key[sizeof("epoch ") + NX_STORE_EPOCH_SIZE];
    enum nx_err err = NX_OK;

    _Static_assert(NX_STORE_EPOCHS_MAX - 1 == 7, "as many as are loaded");
    epoch_make((uint64_t)after.now_ms, after.random, name);
    if (store->now.last > was->after) {
        (void)snprintf(key, sizeof(key), "epoch %s", was->name);
        err = nx_store_put_number(store, key, (int64_t)store->now.last, diag);
    }
    if (err == NX_OK) {
        err = store_exec(store, forget, "begin an epoch", diag);
    }
    return err == NX_OK ? put_text(store, "epoch", name, diag) : err;
}

enum nx_err store_settle_file(struct nx_store *store, const struct nx_store_options *options,
                              const struct nx_log *log, struct nx_diag *diag)
{
    char file[FILE_TEXT_BYTES];
    char was[FILE_TEXT_BYTES];
    bool there;
    enum nx_err err = meta_text(store, "file", was, sizeof(was), &there, diag);

    file_text(store->path, file);
    if (err != NX_OK || file[0] == '\0' || (there && strcmp(file, was) == 0)) {
        return err;
    }
    err = store_begin(store, diag);
    err = err == NX_OK ? next_epoch(store, options, diag) : err;
    err = err == NX_OK ? put_text(store, "file", file, diag) : err;
    err = err == NX_OK ? nx_store_commit(store, diag) : err;
    err = err == NX_OK ? store_load_epochs(store, diag) : err;
    if (err == NX_OK) {
        nx_log(log, NX_LOG_WARN,
               "%s: this may not be the file that was written last, but a copy, or put back from a "
               "backup: what comes begins a new epoch, %s, behind number %" PRIu64
               ". What only the other file had is not in it",
               store->path, nx_store_epoch(store), store->now.last);
    }
    return err;
}

enum nx_err nx_store_put_back(const char *path, struct nx_diag *diag)
{
    struct nx_store store = {.path = nx_span_dup(nx_span_from(path))};
    enum nx_err err = NX_ERR_NOMEM;

    if (store.path != NULL) {
        err = store_connect(&store, path, SQLITE_OPEN_READWRITE, NULL, diag);
    }
    if (err == NX_OK) {
        (void)sqlite3_busy_timeout(store.db, PUT_BACK_BUSY_MS);
        err = store_identify_same(&store, diag);
    }
    if (err == NX_OK) {
        err = store_exec(&store, "DELETE FROM meta WHERE key = 'file'", "put back", diag);
    }
    (void)sqlite3_close(store.db);
    free(store.path);
    return err;
}
