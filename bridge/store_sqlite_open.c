/*
 * store_sqlite_open.c - opens a cache: creates it, brings it up to date, or tells why it cannot be
 * used. The schema is the list of migrations below; PRAGMA user_version counts how many of them a
 * file has had (https://sqlite.org/pragma.html#pragma_user_version).
 *
 * Never deletes: a damaged file is renamed, and a file that is not ours is refused.
 */
#include "bridge/store_sqlite.h"

#include "core/base/utc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    STORE_APPLICATION_ID = 0x4E585331, /* "NXS1" */
    STORE_PATH_MAX = 4096,
    STORE_BUSY_MS = 250, /* somebody else's write lock, e.g. an operator's sqlite3 shell */
};

/* Below this a file is checked page by page at every start: some tenths of a second. */
static const int64_t verify_bytes_max = (int64_t)64 * 1024 * 1024;

/* Append only: a step that was released is never changed. */
static const char *const migrations[] = {
    /* 1. seq is the rowid, so that the index on stream alone orders each stream by seq too */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE streams (id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE readings ("
    " seq INTEGER PRIMARY KEY,"
    " stream INTEGER NOT NULL REFERENCES streams (id),"
    " kind INTEGER NOT NULL,"        /* 0 observation, 1 clear */
    " packet_id INTEGER NOT NULL,"   /* under which the broker delivered it; 0 at QoS 0 */
    " received_at INTEGER NOT NULL," /* Unix time, milliseconds */
    " observed_at TEXT,"             /* RFC 3339 */
    " fault TEXT,"                   /* why there is no canonical form */
    " original BLOB NOT NULL,"
    " canonical BLOB"
    ") STRICT;"
    "CREATE INDEX readings_by_stream ON readings (stream);"
    "CREATE TABLE cursors (link TEXT PRIMARY KEY, seq INTEGER NOT NULL, sent INTEGER NOT NULL,"
    " dead INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dead_letters (link TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY (link, seq)) STRICT, WITHOUT ROWID;",
};

enum { MIGRATIONS_COUNT = sizeof(migrations) / sizeof(migrations[0]) };

/* In this order: the page size and the journal mode come before anything else is written. */
static const char writer_pragmas[] = "PRAGMA journal_mode = WAL;"
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA wal_autocheckpoint = 2000;"
                                     "PRAGMA journal_size_limit = 67108864;"
                                     "PRAGMA cache_size = -8000;"
                                     "PRAGMA temp_store = MEMORY;";

/* --- small queries --------------------------------------------------------------------------- */

static enum nx_err store_exec(struct nx_store *store, const char *sql, const char *doing,
                              struct nx_diag *diag)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, doing, diag);
}

/* The one number that a query returns; 0 when there is no row. */
static enum nx_err store_number(struct nx_store *store, const char *sql, int64_t *out,
                                struct nx_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

    *out = 0;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *out = sqlite3_column_int64(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? NX_OK : store_fail(store, rc, "open", diag);
}

static enum nx_err store_set_number(struct nx_store *store, const char *pragma, int64_t value,
                                    struct nx_diag *diag)
{
    char sql[96];

    (void)snprintf(sql, sizeof(sql), "PRAGMA %s = %" PRId64, pragma, value);
    return store_exec(store, sql, "migrate", diag);
}

/* --- what is this file? ---------------------------------------------------------------------- */

static enum nx_err store_identify(struct nx_store *store, int64_t *version, struct nx_diag *diag)
{
    int64_t id = 0;
    int64_t tables = 0;
    enum nx_err err = store_number(store, "PRAGMA application_id", &id, diag);

    if (err == NX_OK) {
        err = store_number(store, "PRAGMA user_version", version, diag);
    }
    if (err == NX_OK) {
        err = store_number(store, "SELECT count(*) FROM sqlite_schema", &tables, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    nx_diag_at(diag, store->path, 0, 0);
    if (id != STORE_APPLICATION_ID && (tables > 0 || *version != 0)) {
        nx_diag_set(diag, "is an SQLite file, but not a cache of nexus: left as it is");
        return NX_ERR_UNSUPPORTED;
    }
    if (*version > MIGRATIONS_COUNT) {
        nx_diag_set(diag,
                    "was written by a newer nexus-bridge (cache version %" PRId64
                    ", this one knows up to %d): left as it is",
                    *version, MIGRATIONS_COUNT);
        return NX_ERR_UNSUPPORTED;
    }
    return NX_OK;
}

static void one_line(char *text)
{
    for (char *at = text; (at = strchr(at, '\n')) != NULL;) {
        *at = ' ';
    }
}

static enum nx_err store_verify(struct nx_store *store, struct nx_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    enum nx_err err = NX_OK;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc != SQLITE_ROW) {
        err = store_fail(store, rc, "check", diag);
    } else if (!nx_span_is(store_column(stmt, 0), "ok")) {
        nx_diag_at(diag, store->path, 0, 0);
        nx_diag_set(diag, "check: %.200s", (const char *)sqlite3_column_text(stmt, 0));
        one_line(diag->text);
        err = NX_ERR_SYNTAX;
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

static enum nx_err store_verify_if_due(struct nx_store *store, bool always, struct nx_diag *diag)
{
    int64_t pages = 0;
    int64_t page_bytes = 0;
    enum nx_err err = store_number(store, "PRAGMA page_count", &pages, diag);

    if (err == NX_OK) {
        err = store_number(store, "PRAGMA page_size", &page_bytes, diag);
    }
    if (err != NX_OK || (!always && pages * page_bytes > verify_bytes_max)) {
        return err;
    }
    return store_verify(store, diag);
}

/* --- migrations ------------------------------------------------------------------------------ */

static enum nx_err store_new_epoch(struct nx_store *store, const struct nx_store_options *options,
                                   struct nx_diag *diag)
{
    char sql[128];

    /* time first, so that epochs sort by age; random behind it, should a clock be set back */
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO meta (key, value) VALUES ('epoch', '%012" PRIx64 "%08" PRIx32 "')",
                   (uint64_t)options->now_ms & 0xFFFFFFFFFFFFu, (uint32_t)options->random);
    return store_exec(store, sql, "migrate", diag);
}

static enum nx_err store_migrate(struct nx_store *store, const struct nx_store_options *options,
                                 int64_t version, struct nx_diag *diag)
{
    enum nx_err err;

    if (version == MIGRATIONS_COUNT) {
        return NX_OK;
    }
    err = store_exec(store, "BEGIN IMMEDIATE", "migrate", diag);
    for (int64_t i = version; i < MIGRATIONS_COUNT && err == NX_OK; i++) {
        err = store_exec(store, migrations[i], "migrate", diag);
    }
    if (err == NX_OK && version == 0) {
        err = store_new_epoch(store, options, diag);
    }
    if (err == NX_OK) {
        err = store_set_number(store, "application_id", STORE_APPLICATION_ID, diag);
    }
    if (err == NX_OK) {
        err = store_set_number(store, "user_version", MIGRATIONS_COUNT, diag);
    }
    if (err == NX_OK) {
        err = store_exec(store, "COMMIT", "migrate", diag);
    }
    return err; /* an open transaction ends with the connection */
}

/* --- what is in it --------------------------------------------------------------------------- */

static enum nx_err store_load_epoch(struct nx_store *store, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_META_GET, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, NX_SPAN("epoch"));
    rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        err = store_fail(store, rc, "open", diag);
    } else if (rc == SQLITE_DONE ||
               !nx_span_copy(store_column(stmt, 0), store->epoch, sizeof(store->epoch)) ||
               strlen(store->epoch) != STORE_EPOCH_SIZE - 1) {
        nx_diag_at(diag, store->path, 0, 0);
        nx_diag_set(diag, "has no epoch");
        err = NX_ERR_SYNTAX;
    }
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return err;
}

/* Only what the broker may still send again, so a few rows however long the history is. */
static enum nx_err store_load_packets(struct nx_store *store, struct nx_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "SELECT seq, packet_id FROM readings WHERE seq > ?1", -1,
                                &stmt, NULL);
    uint64_t from = store->settled;

    if (store->last > STORE_PACKET_IDS && from < store->last - STORE_PACKET_IDS) {
        from = store->last - STORE_PACKET_IDS; /* no more can be unacknowledged at once */
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

enum nx_err store_load(struct nx_store *store, bool writer, struct nx_diag *diag)
{
    int64_t last = 0;
    int64_t settled = 0;
    enum nx_err err = store_load_epoch(store, diag);

    if (err == NX_OK) {
        err = store_number(store, "SELECT coalesce(max(seq), 0) FROM readings", &last, diag);
    }
    if (err == NX_OK) {
        err = nx_store_get_number(store, "settled", &settled, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store->last = store->durable = (uint64_t)last;
    store->settled = store->settled_durable = (uint64_t)settled;
    return writer ? store_load_packets(store, diag) : NX_OK;
}

/* --- opening --------------------------------------------------------------------------------- */

static struct nx_store *store_alloc(const char *path, bool writer, struct nx_diag *diag)
{
    struct nx_store *store = calloc(1, sizeof(*store));

    if (store != NULL) {
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

void nx_store_close(struct nx_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->db != NULL) {
        nx_store_rollback(store);
    }
    for (int i = 0; i < STMT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->db);
    free(store->by_packet);
    free(store->path);
    free(store);
}

static enum nx_err store_connect(struct nx_store *store, const char *name, int flags,
                                 const char *vfs, struct nx_diag *diag)
{
    int rc = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX, vfs);

    if (rc != SQLITE_OK) {
        return store_fail(store, sqlite3_extended_errcode(store->db), "open", diag);
    }
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    return NX_OK;
}

static enum nx_err store_try_open(const char *path, const struct nx_store_options *options,
                                  struct nx_store **out, struct nx_diag *diag)
{
    struct nx_store *store = store_alloc(path, true, diag);
    int64_t version = 0;
    enum nx_err err;

    if (store == NULL) {
        return NX_ERR_NOMEM;
    }
    err =
        store_connect(store, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options->vfs, diag);
    if (err == NX_OK) {
        err = store_identify(store, &version, diag); /* before anything is written to it */
    }
    if (err == NX_OK) {
        err = store_exec(store, writer_pragmas, "open", diag);
    }
    if (err == NX_OK && version > 0) {
        err = store_verify_if_due(store, options->verify, diag);
    }
    if (err == NX_OK) {
        err = store_migrate(store, options, version, diag);
    }
    if (err == NX_OK) {
        err = store_load(store, true, diag);
    }
    if (err != NX_OK) {
        nx_store_close(store);
        store = NULL;
    }
    *out = store;
    return err;
}

/* The file and what SQLite keeps beside it go together: a stale -wal would spoil the new one. */
static enum nx_err store_set_aside(const char *path, int64_t now_ms, const struct nx_log *log,
                                   struct nx_diag *diag)
{
    static const char *const tails[] = {"-wal", "-shm", ""};
    char stamp[NX_UTC_SIZE];
    char from[STORE_PATH_MAX];
    char to[STORE_PATH_MAX + sizeof(".damaged-") + NX_UTC_SIZE];
    char reason[700];

    (void)nx_diag_format(diag, reason, sizeof(reason));
    (void)nx_utc_stamp(now_ms, stamp);
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        (void)snprintf(from, sizeof(from), "%s%s", path, tails[i]);
        (void)snprintf(to, sizeof(to), "%s.damaged-%s%s", path, stamp, tails[i]);
        if (rename(from, to) == -1 && tails[i][0] == '\0') {
            nx_diag_set(diag, "is damaged and cannot be set aside");
            return NX_ERR_IO;
        }
    }
    nx_log(log, NX_LOG_ERROR, "%s; set aside as %s, a new epoch begins", reason, to);
    return NX_OK;
}

enum nx_err nx_store_open(const char *path, const struct nx_store_options *options,
                          const struct nx_log *log, struct nx_store **out, struct nx_diag *diag)
{
    struct nx_diag own = {0};
    enum nx_err err;

    *out = NULL;
    diag = diag != NULL ? diag : &own;
    if (strlen(path) >= STORE_PATH_MAX - sizeof("-wal")) {
        nx_diag_set(diag, "the path of the cache is too long");
        return NX_ERR_LIMIT;
    }
    err = store_try_open(path, options, out, diag);
    if (err == NX_ERR_SYNTAX) {
        err = store_set_aside(path, options->now_ms, log, diag);
        if (err == NX_OK) {
            err = store_try_open(path, options, out, diag);
        }
    }
    return err;
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

static enum nx_err store_check_read(struct nx_store *store, struct nx_diag *diag)
{
    int64_t version = 0;
    enum nx_err err = store_identify(store, &version, diag);

    if (err == NX_OK && version != MIGRATIONS_COUNT) {
        nx_diag_set(diag, "has cache version %" PRId64 ", not %d: start nexus-bridge once on it",
                    version, MIGRATIONS_COUNT);
        return NX_ERR_UNSUPPORTED;
    }
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
        err = store_check_read(store, diag);
    }
    if (err == NX_ERR_DENIED && store_connect_resting(store, diag) == NX_OK) {
        err = store_check_read(store, diag);
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
