/*
 * store_sqlite_open.c - opens a cache: creates it, brings it up to date, or tells why it cannot be
 * used. Never deletes: a damaged file is renamed, and a file that is not ours is refused.
 */
#include "bridge/store_sqlite.h"

#include "core/base/utc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In this order: the page size and the journal mode come before anything else is written. */
static const char writer_pragmas[] = "PRAGMA page_size = 8192;" /* of a new file: eight readings */
                                     "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA journal_size_limit = 67108864;"
                                     "PRAGMA cache_size = -8000;"
                                     "PRAGMA secure_delete = OFF;" /* Debian's default is ON */
                                     "PRAGMA temp_store = MEMORY;";

/*
 * A history has each of its readings on a page of its own and goes there once: a page read into
 * memory that is warm costs less than one that is mapped, or one more of a large cache.
 */
static const char reader_pragmas[] = "PRAGMA cache_size = -1000;";

/* --- what is in it --------------------------------------------------------------------------- */

/* Only what the broker may still send again, so a few rows however long the history is. */
static enum nx_err store_load_packets(struct nx_store *store, struct nx_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "SELECT seq, packet_id FROM readings WHERE seq > ?1", -1,
                                &stmt, NULL);
    uint64_t from = store->now.settled;

    if (store->now.last > STORE_PACKET_IDS && from < store->now.last - STORE_PACKET_IDS) {
        from = store->now.last - STORE_PACKET_IDS; /* no more can be unacknowledged at once */
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_bind_int64(stmt, 1, (int64_t)from);
    }
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            store->by_packet[sqlite3_column_int(stmt, 1) & 0xFFFF] =
                (uint64_t)sqlite3_column_int64(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? NX_OK : store_fail(store, rc, "open", diag);
}

static enum nx_err store_load(struct nx_store *store, bool writer, struct nx_diag *diag)
{
    static const char newest[] = "SELECT max(coalesce((SELECT max(seq) FROM readings), 0),"
                                 " coalesce((SELECT max(seq) FROM resends), 0))";
    int64_t last = 0;
    int64_t first = 1;
    int64_t removed = 0;
    int64_t settled = 0;
    int64_t commits = 0;
    enum nx_err err = store_load_epochs(store, diag);

    err = err == NX_OK ? store_number(store, newest, &last, diag) : err;
    err = err == NX_OK ? nx_store_get_number(store, "first", &first, diag) : err;
    err = err == NX_OK ? nx_store_get_number(store, "removed", &removed, diag) : err;
    err = err == NX_OK ? nx_store_get_number(store, "settled", &settled, diag) : err;
    err = err == NX_OK ? nx_store_get_number(store, "commits", &commits, diag) : err;
    if (err != NX_OK) {
        return err;
    }
    if (writer && (last < 0 || first < 1 || first - 1 > last || settled < 0 || settled > last ||
                   removed < 0 || commits < 0)) {
        nx_diag_at(diag, store->path, 0, 0);
        nx_diag_set(diag, "its numbers contradict each other");
        return NX_ERR_SYNTAX;
    }
    store->now = store->durable = (struct store_marks){
        .last = (uint64_t)last,
        .first = (uint64_t)first,
        .removed = (uint64_t)removed,
        .settled = (uint64_t)settled,
        .commits = (uint64_t)commits,
    };
    return writer ? store_load_packets(store, diag) : NX_OK;
}

/* --- opening --------------------------------------------------------------------------------- */

static struct nx_store *store_alloc(const char *path, bool writer, struct nx_diag *diag)
{
    struct nx_store *store = calloc(1, sizeof(*store));

    if (store != NULL) {
        nx_buf_init(&store->ahead.bytes, STORE_AHEAD_BYTES);
        store->path = nx_span_dup(nx_span_from(path));
        store->by_packet = writer ? calloc(STORE_PACKET_IDS, sizeof(*store->by_packet)) : NULL;
    }
    if (store == NULL || store->path == NULL || (writer && store->by_packet == NULL)) {
        nx_store_close(store);
        nx_diag_at(diag, path, 0, 0);
        nx_diag_set(diag, "out of memory");
        return NULL;
    }
    return store;
}

static void store_disconnect(struct nx_store *store)
{
    if (store->db != NULL) {
        nx_store_rollback(store);
        store_files_leave(store);
    }
    store_checkpoint_stop(store);
    for (int i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
    (void)sqlite3_close(store->db);
    store->db = NULL;
}

void nx_store_close(struct nx_store *store)
{
    if (store == NULL) {
        return;
    }
    store_disconnect(store);
    store_streams_fini(&store->streams);
    nx_buf_fini(&store->ahead.bytes);
    free(store->by_packet);
    free(store->path);
    free(store);
}

enum nx_err store_connect(struct nx_store *store, const char *name, int flags, const char *vfs,
                          struct nx_diag *diag)
{
    int rc;

    (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    rc = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX, vfs);
    if (rc != SQLITE_OK) {
        return store_fail(store, sqlite3_extended_errcode(store->db), "open", diag);
    }
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    return store_numbers_enable(store, diag);
}

static enum nx_err store_try_open(const char *path, const struct nx_store_options *options,
                                  const struct nx_log *log, struct nx_store **out,
                                  struct nx_diag *diag)
{
    struct nx_store *store = store_alloc(path, true, diag);
    int64_t version = 0;
    enum nx_err err;

    if (store == NULL) {
        return NX_ERR_NOMEM;
    }
    store_streams_init(&store->streams, options->random);
    err =
        store_connect(store, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options->vfs, diag);
    if (err == NX_OK) {
        err = store_identify(store, &version, diag); /* before anything is written to it */
    }
    if (err == NX_OK) {
        err = store_exec(store, writer_pragmas, "open", diag);
    }
    if (err == NX_OK) {
        err = store_files_writable(store, diag);
    }
    if (err == NX_OK && version > 0) {
        err = store_verify(store, options->verify, diag);
    }
    if (err == NX_OK) {
        err = store_migrate(store, options, version, diag);
    }
    err = err == NX_OK ? store_prepare_kept(store, diag) : err;
    if (err == NX_OK) {
        err = store_load(store, true, diag);
    }
    if (err == NX_OK) {
        err = store_settle_file(store, options, log, diag);
    }
    if (err == NX_OK) {
        err = store_files_note(store, diag);
    }
    if (err == NX_OK) {
        err = store_checkpoint_start(store, options);
    }
    if (err != NX_OK) {
        nx_store_close(store);
        store = NULL;
    }
    *out = store;
    return err;
}

/* *aside: the file was damaged, and a new one has taken its place. */
static enum nx_err store_open_sound(const char *path, const struct nx_store_options *options,
                                    const struct nx_log *log, bool *aside, struct nx_store **out,
                                    struct nx_diag *diag)
{
    enum nx_err err = NX_ERR_SYNTAX;

    if (options->distrust) {
        nx_diag_at(diag, path, 0, 0);
        nx_diag_set(diag, "was found damaged again and again");
    } else {
        err = store_try_open(path, options, log, out, diag);
    }
    if (err == NX_ERR_SYNTAX &&
        !options->distrust) { /* what was read wrong once may be right; so a closer look */
        struct nx_store_options closer = *options;

        closer.verify = true;
        err = store_try_open(path, &closer, log, out, diag);
    }
    if (err == NX_ERR_SYNTAX) {
        err = store_set_aside(path, options->now_ms, log, diag);
        *aside = err == NX_OK;
        err = err == NX_OK ? store_try_open(path, options, log, out, diag) : err;
    }
    return err;
}

enum nx_err nx_store_open(const char *path, const struct nx_store_options *options,
                          const struct nx_log *log, struct nx_store **out, struct nx_diag *diag)
{
    struct nx_diag own = {0};
    bool aside = false;

    *out = NULL;
    diag = diag != NULL ? diag : &own;
    if (strlen(path) >= STORE_PATH_MAX - sizeof("-wal")) {
        nx_diag_set(diag, "the path of the cache is too long");
        return NX_ERR_LIMIT;
    }
    return store_open_sound(path, options, log, &aside, out, diag);
}

/*
 * Is what was found the cache that was open, with everything in it that was durable? A file that
 * lost its log, or was exchanged for a copy, goes on at a number that was used: receivers would take
 * what gets it now for what they have had; and that its opening gave it a new epoch brings nothing
 * back. One that has more is as good as after a crash: a commit came through whose answer was an error.
 */
static enum nx_err store_compare(const struct nx_store *before, const struct nx_store *found,
                                 struct nx_diag *diag)
{
    const char *epoch = nx_store_epoch(found);
    int age = strcmp(epoch, nx_store_epoch(before));
    bool is_new = age > 0 && found->durable.last == 0;

    if (is_new || (age >= 0 && found->durable.last >= before->durable.last &&
                   found->durable.commits >= before->durable.commits)) {
        return NX_OK;
    }
    nx_diag_at(diag, before->path, 0, 0);
    nx_diag_set(diag,
                "is older than what was open: it ends at record %" PRIu64 " of epoch %s, %" PRIu64
                " of epoch %s was acknowledged, and what is missing is lost",
                found->durable.last, epoch, before->durable.last, nx_store_epoch(before));
    return NX_ERR_SYNTAX;
}

static void store_part(struct nx_store *store)
{
    if (store->db != NULL) { /* what is in the log has to be looked at first */
        (void)sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    store_disconnect(store); /* before: its end would take the new file's -wal with it */
}

enum nx_err nx_store_reopen(struct nx_store *store, const struct nx_store_options *options,
                            const struct nx_log *log, struct nx_diag *diag)
{
    const struct nx_store_options later = store_options_after(options, nx_store_epoch(store));
    struct nx_store *anew = NULL;
    struct nx_store closed;
    bool aside = false;
    enum nx_err err;

    err = store->db != NULL ? store_files_rescue(store, diag) : NX_OK;
    if (err != NX_OK) {
        return err; /* closed it would be gone */
    }
    store_part(store);
    err = store_open_sound(store->path, &later, log, &aside, &anew, diag);
    if (err == NX_ERR_UNSUPPORTED) { /* but it was ours when it was opened */
        nx_diag_set(diag, "is not the cache that was open");
        err = NX_ERR_SYNTAX;
    }
    err = err == NX_OK ? store_compare(store, anew, diag) : err;
    if (err == NX_ERR_SYNTAX) {
        nx_store_close(anew);
        err = store_set_aside(store->path, later.now_ms, log, diag);
        aside = err == NX_OK;
        err = err == NX_OK ? store_try_open(store->path, &later, log, &anew, diag) : err;
    }
    if (err != NX_OK) {
        return err;
    }
    if (!aside && anew->durable.last == 0 &&
        strcmp(nx_store_epoch(anew), nx_store_epoch(store)) != 0) {
        nx_log(log, NX_LOG_ERROR,
               "%s: was gone, or empty: what only it had is lost, a new epoch begins", store->path);
    }
    closed = *store;
    *store = *anew;
    *anew = closed;
    nx_store_close(anew);
    return NX_OK;
}

/* --- reading only ---------------------------------------------------------------------------- */

/*
 * Who may not write the folder cannot open a WAL file that nobody else has open: its -shm cannot
 * be made. If there is no -wal either the file rests, and may be read as if on a CD.
 */
static enum nx_err store_connect_resting(struct nx_store *store, struct nx_diag *diag)
{
    char name[STORE_PATH_MAX];
    struct nx_buf uri;
    enum nx_err err = NX_ERR_DENIED;

    (void)snprintf(name, sizeof(name), "%s-wal", store->path);
    if (access(name, F_OK) == 0) {
        return NX_ERR_DENIED;
    }
    nx_buf_init(&uri, 3 * STORE_PATH_MAX + 64);
    (void)nx_buf_str(&uri, "file:");
    for (const char *p = store->path; *p != '\0'; p++) {
        (void)(strchr("%?#", *p) != NULL ? nx_buf_printf(&uri, "%%%02X", (unsigned)(uint8_t)*p)
                                         : nx_buf_byte(&uri, (uint8_t)*p));
    }
    (void)nx_buf_add(&uri, "?immutable=1", sizeof("?immutable=1"));
    (void)sqlite3_close(store->db);
    store->db = NULL;
    if (nx_buf_error(&uri) == NX_OK) {
        err = store_connect(store, uri.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL, diag);
    }
    nx_buf_fini(&uri);
    return err;
}

enum nx_err nx_store_open_read(const char *path, struct nx_store **out, struct nx_diag *diag)
{
    struct nx_store *store;
    enum nx_err err;

    *out = NULL;
    if (access(path, R_OK) == -1) {
        int os = errno;

        nx_diag_at(diag, path, 0, 0);
        nx_diag_set(diag, "cannot be read: %s", strerror(os));
        return os == ENOENT ? NX_ERR_NOT_FOUND : NX_ERR_DENIED;
    }
    store = store_alloc(path, false, diag);
    if (store == NULL) {
        return NX_ERR_NOMEM;
    }
    err = store_connect(store, path, SQLITE_OPEN_READONLY, NULL, diag);
    if (err == NX_OK) {
        err = store_identify_same(store, diag);
    }
    if (err == NX_ERR_DENIED && store_connect_resting(store, diag) == NX_OK) {
        err = store_identify_same(store, diag);
    }
    if (err == NX_OK) {
        err = store_exec(store, reader_pragmas, "open", diag);
    }
    if (err == NX_OK) {
        err = store_load(store, false, diag);
    }
    if (err != NX_OK) {
        nx_store_close(store);
        store = NULL;
    }
    *out = store;
    return err;
}
