/*
 * store_sqlite.c - the statements, the transaction, and the numbers that the store keeps. Never
 * decides when to commit and never retries: both are the caller's. Statements are prepared once and
 * kept, so that nothing parses SQL while readings come.
 */
#include "bridge/store_sqlite.h"

#include <assert.h>
#include <string.h>

static const char *const statement_texts[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_STREAM_FIND] =
        "SELECT s.id, h.last, h.count FROM streams s JOIN heads h ON h.stream = s.id"
        " WHERE s.topic = ?1",
    [STMT_STREAM_ADD] = "INSERT INTO streams (topic) VALUES (?1)",
    [STMT_HEAD_ADD] = "INSERT INTO heads (stream, last, count) VALUES (?1, 0, 0)",
    [STMT_HEAD_PUT] = "UPDATE heads SET last = ?2, count = ?3 WHERE stream = ?1",
    [STMT_HEAD_GONE] = "UPDATE heads SET gone = gone + 1 WHERE stream = ?1",
    [STMT_MARK] = "INSERT INTO marks (seq, stream) VALUES (?1, ?2)",
    [STMT_APPEND] = "INSERT INTO readings (seq, stream, prev, kind, packet_id, received_at,"
                    " observed_at, fault, original, canonical)"
                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [STMT_GET] = "SELECT " STORE_READING_COLUMNS " FROM readings r JOIN streams s"
                 " ON s.id = r.stream WHERE r.seq = ?1",
    [STMT_GET_SOME] = "SELECT " STORE_READING_COLUMNS " FROM readings r JOIN streams s"
                      " ON s.id = r.stream WHERE r.seq BETWEEN ?1 AND ?2 ORDER BY r.seq",
    [STMT_GET_RESEND] =
        "SELECT r.seq, r.kind, 0, r.received_at, s.topic, r.observed_at, r.original, r.canonical,"
        " r.fault, r.link, r.channel, h.last > r.first FROM resends r JOIN streams s"
        " ON s.id = r.stream JOIN heads h ON h.stream = r.stream WHERE r.seq = ?1",
    [STMT_META_GET] = "SELECT value FROM meta WHERE key = ?1",
    [STMT_META_PUT] = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
    [STMT_CURSOR_GET] = "SELECT seq, sent, dead, filtered, dropped FROM cursors WHERE link = ?1",
    [STMT_CURSOR_PUT] = "INSERT OR REPLACE INTO cursors (link, seq, sent, dead, filtered, dropped)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_DEAD_PUT] = "INSERT OR REPLACE INTO dead_letters (seq, link, channel, at, reason)"
                      " VALUES (?1, ?2, ?3, ?4, ?5)",
    [STMT_DEAD_HAS] = "SELECT 1 FROM dead_letters WHERE seq = ?1 AND link = ?2",
    [STMT_DEAD_SOME] = "SELECT seq, channel FROM dead_letters WHERE seq BETWEEN ?1 AND ?2"
                       " AND link = ?3 ORDER BY seq LIMIT 1",
    [STMT_DEAD_DROP] = "DELETE FROM dead_letters WHERE seq = ?1 AND link = ?2 AND channel = ?3",
    [STMT_RESEND_PUT] = "INSERT INTO resends (seq, first, link, channel, stream, kind, received_at,"
                        " observed_at, fault, original, canonical) SELECT ?1, seq, ?3, ?4, stream,"
                        " kind, received_at, observed_at, fault, original, canonical"
                        " FROM readings WHERE seq = ?2",
    [STMT_RESEND_AGAIN] =
        "INSERT INTO resends (seq, first, link, channel, stream, kind, received_at, observed_at,"
        " fault, original, canonical) SELECT ?1, first, ?3, ?4, stream, kind, received_at,"
        " observed_at, fault, original, canonical FROM resends WHERE seq = ?2",
    [STMT_REQUEST_GET] = "SELECT id, link, seq_min, seq_max FROM resend_requests"
                         " ORDER BY id LIMIT 1",
    [STMT_REQUEST_ADVANCE] = "UPDATE resend_requests SET seq_min = ?2 WHERE id = ?1",
    [STMT_REQUEST_DROP] = "DELETE FROM resend_requests WHERE id = ?1",
    [STMT_RECEIVED_AT] = "SELECT received_at FROM readings WHERE seq >= ?1 ORDER BY seq LIMIT 1",
    [STMT_PAGES] = "PRAGMA page_count",
    [STMT_PAGES_FREE] = "PRAGMA freelist_count",
    [STMT_PAGE_SIZE] = "PRAGMA page_size",
    [STMT_READING_DROP] = "DELETE FROM readings WHERE seq = ?1",
    [STMT_THIN_HEADS] =
        "UPDATE heads SET gone = gone + removed.n FROM (SELECT r.stream, count(*) AS n"
        " FROM readings r WHERE r.seq BETWEEN ?1 AND ?2 AND r.seq <"
        " (SELECT last FROM heads h WHERE h.stream = r.stream) GROUP BY r.stream) AS removed"
        " WHERE heads.stream = removed.stream",
    [STMT_THIN_READINGS] = "DELETE FROM readings WHERE seq BETWEEN ?1 AND ?2 AND seq <"
                           " (SELECT last FROM heads h WHERE h.stream = readings.stream)",
    [STMT_THIN_MARKS] = "DELETE FROM marks WHERE seq BETWEEN ?1 AND ?2",
    [STMT_THIN_RESENDS] = "DELETE FROM resends WHERE seq BETWEEN ?1 AND ?2",
    [STMT_THIN_DEAD] = "DELETE FROM dead_letters WHERE seq BETWEEN ?1 AND ?2 AND NOT EXISTS"
                       " (SELECT 1 FROM readings r WHERE r.seq = dead_letters.seq)",
};

/* --- statements ------------------------------------------------------------------------------ */

/*
 * What time may put right stays apart from what it cannot. The statements above are fixed and fit the
 * tables, what is bound to them fits their columns, and a transaction is begun and ended once. So a
 * table that is not there, a row that is there already or one beyond SQLite's limits is a damaged file.
 */
static enum nx_err store_class(int rc)
{
    switch (rc & 0xFF) { /* the primary code, https://sqlite.org/rescode.html */
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return NX_OK;
    case SQLITE_NOMEM:
        return NX_ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return NX_ERR_SYNTAX;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return NX_ERR_DENIED;
    default:
        return NX_ERR_IO;
    }
}

enum nx_err store_fail(const struct nx_store *store, int rc, const char *doing,
                       struct nx_diag *diag)
{
    int os = store->db != NULL ? sqlite3_system_errno(store->db) : 0;
    bool io = (rc & 0xFF) == SQLITE_IOERR || (rc & 0xFF) == SQLITE_CANTOPEN;

    nx_diag_at(diag, store->path, 0, 0);
    nx_diag_set(diag, "%s: %s%s%s", doing, sqlite3_errstr(rc), io && os != 0 ? ": " : "",
                io && os != 0 ? strerror(os) : "");
    return store_class(rc);
}

static enum nx_err store_closed(const struct nx_store *store, struct nx_diag *diag)
{
    nx_diag_at(diag, store->path, 0, 0);
    nx_diag_set(diag, "is closed: it could not be opened again");
    return NX_ERR_IO;
}

enum nx_err store_statement(struct nx_store *store, enum store_stmt which, sqlite3_stmt **out,
                            struct nx_diag *diag)
{
    sqlite3_stmt **kept = &store->statements[which];
    int rc = SQLITE_OK;

    if (store->db == NULL) {
        return store_closed(store, diag);
    }
    if (*kept == NULL) {
        rc = sqlite3_prepare_v3(store->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                kept, NULL);
    }
    *out = *kept;
    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, "prepare", diag);
}

enum nx_err store_prepare_kept(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    for (int i = 0; i < STMT_COUNT && err == NX_OK; i++) {
        sqlite3_stmt *stmt;

        err = store_statement(store, (enum store_stmt)i, &stmt, diag);
    }
    return err;
}

enum nx_err store_prepare(struct nx_store *store, const char *sql, sqlite3_stmt **out,
                          struct nx_diag *diag)
{
    int rc;

    *out = NULL;
    if (store->db == NULL) {
        return store_closed(store, diag);
    }
    rc = sqlite3_prepare_v2(store->db, sql, -1, out, NULL);
    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, "query", diag);
}

/* Gives a statement back after its last step, which answered `rc`. */
static enum nx_err store_end(struct nx_store *store, sqlite3_stmt *stmt, int rc, bool fine,
                             const char *doing, struct nx_diag *diag)
{
    enum nx_err err = fine ? NX_OK : store_fail(store, rc, doing, diag);

    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt); /* they point at the caller's bytes */
    return err;
}

enum nx_err store_run(struct nx_store *store, sqlite3_stmt *stmt, const char *doing,
                      struct nx_diag *diag)
{
    int rc = sqlite3_step(stmt);

    return store_end(store, stmt, rc, rc == SQLITE_DONE, doing, diag);
}

enum nx_err store_looked_up(struct nx_store *store, sqlite3_stmt *stmt, int rc, const char *doing,
                            struct nx_diag *diag)
{
    return store_end(store, stmt, rc, rc == SQLITE_ROW || rc == SQLITE_DONE, doing, diag);
}

void store_bind_text(sqlite3_stmt *stmt, int column, struct nx_span s)
{
    if (s.len > 0) {
        (void)sqlite3_bind_text64(stmt, column, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8);
    }
}

void store_bind_blob(sqlite3_stmt *stmt, int column, struct nx_span s)
{
    if (s.ptr != NULL) {
        (void)sqlite3_bind_blob64(stmt, column, s.ptr, s.len, SQLITE_STATIC);
    }
}

void store_bind_seq(sqlite3_stmt *stmt, int column, uint64_t seq)
{
    (void)sqlite3_bind_int64(stmt, column, (int64_t)seq);
}

uint64_t store_column_seq(sqlite3_stmt *stmt, int column)
{
    return (uint64_t)sqlite3_column_int64(stmt, column);
}

struct nx_span store_column(sqlite3_stmt *stmt, int column)
{
    struct nx_span s = {sqlite3_column_blob(stmt, column), 0};

    s.len = s.ptr != NULL ? (size_t)sqlite3_column_bytes(stmt, column) : 0;
    return s;
}

/* --- transactions ---------------------------------------------------------------------------- */

static enum nx_err store_simple(struct nx_store *store, enum store_stmt which, const char *doing,
                                struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, which, &stmt, diag);

    return err == NX_OK ? store_run(store, stmt, doing, diag) : err;
}

/* SQLite ends a transaction by itself when a statement in it fails badly, a mere look-up even. */
static enum nx_err store_still(const struct nx_store *store, struct nx_diag *diag)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        return NX_OK;
    }
    nx_diag_at(diag, store->path, 0, 0);
    nx_diag_set(diag, "the transaction has ended with an earlier error");
    return NX_ERR_IO;
}

enum nx_err store_begin(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err;

    assert(store->by_packet != NULL); /* a reader does not write */
    if (store->in_transaction) {
        return store_still(store, diag);
    }
    err = nx_store_check(store, diag);
    err = err == NX_OK ? store_simple(store, STMT_BEGIN, "begin", diag) : err;
    store->in_transaction = err == NX_OK;
    return err;
}

/* Each transaction moves `last` or this: so a file that lacks one can be told from one that does
 * not. Where readings come it costs nothing. */
static enum nx_err store_count(struct nx_store *store, struct nx_diag *diag)
{
    if (store->now.last > store->durable.last) {
        return NX_OK;
    }
    store->now.commits++;
    return nx_store_put_number(store, "commits", (int64_t)store->now.commits, diag);
}

enum nx_err nx_store_commit(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err;

    if (!store->in_transaction) {
        return NX_OK;
    }
    err = store_still(store, diag);
    err = err == NX_OK ? store_count(store, diag) : err;
    err = err == NX_OK ? store_heads(store, diag) : err;
    err = err == NX_OK ? store_simple(store, STMT_COMMIT, "commit", diag) : err;
    if (err == NX_OK) {
        store->in_transaction = false;
        store->durable = store->now;
    }
    return err;
}

void nx_store_rollback(struct nx_store *store)
{
    /* SQLite may have rolled back by itself (SQLITE_FULL, SQLITE_IOERR): then this is refused */
    if (store->in_transaction && sqlite3_get_autocommit(store->db) == 0) {
        (void)store_simple(store, STMT_ROLLBACK, "roll back", NULL);
    }
    store->in_transaction = false;
    store->now = store->durable;
    store_streams_fini(&store->streams); /* it may know what is no more */
}

bool nx_store_dirty(const struct nx_store *store)
{
    return store->in_transaction;
}

uint64_t nx_store_last(const struct nx_store *store)
{
    assert(store->durable.last <= store->now.last);
    return store->durable.last;
}

uint64_t nx_store_first(const struct nx_store *store)
{
    return store->durable.first;
}

/* --- numbers --------------------------------------------------------------------------------- */

enum nx_err nx_store_put_number(struct nx_store *store, const char *key, int64_t value,
                                struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_begin(store, diag);

    if (err == NX_OK) {
        err = store_statement(store, STMT_META_PUT, &stmt, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, nx_span_from(key));
    (void)sqlite3_bind_int64(stmt, 2, value);
    return store_run(store, stmt, "keep a number", diag);
}

enum nx_err nx_store_get_number(struct nx_store *store, const char *key, int64_t *value,
                                struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_META_GET, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, nx_span_from(key));
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *value = sqlite3_column_int64(stmt, 0);
    }
    return store_looked_up(store, stmt, rc, "read a number", diag);
}
