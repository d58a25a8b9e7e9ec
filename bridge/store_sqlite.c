/*
 * store_sqlite.c - the writing half of the store. Never decides when to commit and never retries:
 * both are the caller's. Statements are prepared once and kept, so that a reading costs three
 * b-tree visits and no parsing of SQL.
 */
#include "bridge/store_sqlite.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const statement_texts[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_STREAM_FIND] = "SELECT id FROM streams WHERE topic = ?1",
    [STMT_STREAM_ADD] = "INSERT INTO streams (topic) VALUES (?1)",
    [STMT_APPEND] = "INSERT INTO readings (seq, stream, kind, packet_id, received_at, observed_at,"
                    " fault, original, canonical) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [STMT_GET] = "SELECT " STORE_READING_COLUMNS " FROM readings r JOIN streams s"
                 " ON s.id = r.stream WHERE r.seq = ?1",
    [STMT_LATEST_OF] = "SELECT " STORE_READING_COLUMNS " FROM streams s JOIN readings r"
                       " ON r.stream = s.id WHERE s.topic = ?1 ORDER BY r.seq DESC LIMIT 1",
    [STMT_META_GET] = "SELECT value FROM meta WHERE key = ?1",
    [STMT_META_PUT] = "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                      " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    [STMT_CURSOR_GET] = "SELECT seq, sent, dead FROM cursors WHERE link = ?1",
    [STMT_CURSOR_PUT] = "INSERT INTO cursors (link, seq, sent, dead) VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT (link) DO UPDATE SET seq = excluded.seq,"
                        " sent = excluded.sent, dead = excluded.dead",
    [STMT_DEAD_PUT] = "INSERT OR REPLACE INTO dead_letters (link, seq, at, reason)"
                      " VALUES (?1, ?2, ?3, ?4)",
};

/* --- statements ------------------------------------------------------------------------------ */

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
        return NX_ERR_SYNTAX;
    case SQLITE_TOOBIG:
        return NX_ERR_LIMIT;
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

enum nx_err store_statement(struct nx_store *store, enum store_stmt which, sqlite3_stmt **out,
                            struct nx_diag *diag)
{
    sqlite3_stmt **kept = &store->statements[which];
    int rc = SQLITE_OK;

    if (*kept == NULL) {
        rc = sqlite3_prepare_v3(store->db, statement_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                kept, NULL);
    }
    *out = *kept;
    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, "prepare", diag);
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

/* Ends the reading of one row, which may be there or not; what it held was taken by now. */
static enum nx_err store_looked_up(struct nx_store *store, sqlite3_stmt *stmt, int rc,
                                   const char *doing, struct nx_diag *diag)
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

struct nx_span store_column(sqlite3_stmt *stmt, int column)
{
    struct nx_span s = {sqlite3_column_blob(stmt, column), 0};

    s.len = (size_t)sqlite3_column_bytes(stmt, column);
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

static enum nx_err store_begin(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err;

    assert(store->by_packet != NULL); /* a reader does not write */
    if (store->in_transaction) {
        return NX_OK;
    }
    err = store_simple(store, STMT_BEGIN, "begin", diag);
    store->in_transaction = err == NX_OK;
    return err;
}

enum nx_err nx_store_commit(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err;

    if (!store->in_transaction) {
        return NX_OK;
    }
    err = store_simple(store, STMT_COMMIT, "commit", diag);
    if (err == NX_OK) {
        store->in_transaction = false;
        store->durable = store->last;
        store->settled_durable = store->settled;
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
    store->last = store->durable;
    store->settled = store->settled_durable;
}

bool nx_store_dirty(const struct nx_store *store)
{
    return store->in_transaction;
}

const char *nx_store_epoch(const struct nx_store *store)
{
    return store->epoch;
}

uint64_t nx_store_last(const struct nx_store *store)
{
    assert(store->durable <= store->last);
    return store->durable;
}

/* --- readings -------------------------------------------------------------------------------- */

static enum nx_err stream_id(struct nx_store *store, struct nx_span topic, int64_t *out,
                             struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_STREAM_FIND, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, topic);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_reset(stmt);
    if (rc != SQLITE_DONE) {
        return rc == SQLITE_ROW ? NX_OK : store_fail(store, rc, "find stream", diag);
    }
    err = store_statement(store, STMT_STREAM_ADD, &stmt, diag);
    if (err == NX_OK) {
        store_bind_text(stmt, 1, topic);
        err = store_run(store, stmt, "add stream", diag);
        *out = sqlite3_last_insert_rowid(store->db);
    }
    return err;
}

enum nx_err nx_store_append(struct nx_store *store, const struct nx_reading *reading, uint64_t *seq,
                            struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    int64_t stream = 0;
    enum nx_err err = store_begin(store, diag);

    if (err == NX_OK) {
        err = stream_id(store, reading->topic, &stream, diag);
    }
    if (err == NX_OK) {
        err = store_statement(store, STMT_APPEND, &stmt, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    (void)sqlite3_bind_int64(stmt, 1, (int64_t)(store->last + 1));
    (void)sqlite3_bind_int64(stmt, 2, stream);
    (void)sqlite3_bind_int(stmt, 3, (int)reading->kind);
    (void)sqlite3_bind_int(stmt, 4, reading->packet_id);
    (void)sqlite3_bind_int64(stmt, 5, reading->received_ms);
    store_bind_text(stmt, 6, reading->observed_at);
    store_bind_text(stmt, 7, reading->fault);
    store_bind_blob(stmt, 8,
                    (struct nx_span){reading->original.ptr != NULL ? reading->original.ptr : "",
                                     reading->original.len});
    store_bind_blob(stmt, 9, reading->canonical);
    err = store_run(store, stmt, "append a reading", diag);
    if (err == NX_OK) {
        *seq = ++store->last;
        store->by_packet[reading->packet_id] = *seq;
    }
    return err;
}

enum nx_err nx_store_repeats(struct nx_store *store, uint16_t packet_id, struct nx_span topic,
                             struct nx_span payload, bool *repeats, struct nx_diag *diag)
{
    uint64_t seq = store->by_packet[packet_id];
    struct nx_reading stored;
    sqlite3_stmt *stmt;
    enum nx_err err;
    int rc;

    *repeats = false;
    if (packet_id == 0 || seq <= store->settled || seq > store->last) {
        return NX_OK;
    }
    err = store_statement(store, STMT_GET, &stmt, diag);
    if (err != NX_OK) {
        return err;
    }
    (void)sqlite3_bind_int64(stmt, 1, (int64_t)seq);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        store_row(stmt, &stored);
        *repeats = stored.packet_id == packet_id && nx_span_eq(stored.topic, topic) &&
                   nx_span_eq(stored.original, payload);
    }
    (void)sqlite3_reset(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? NX_OK
                                                 : store_fail(store, rc, "find repetition", diag);
}

enum nx_err nx_store_settle(struct nx_store *store, uint64_t seq, struct nx_diag *diag)
{
    enum nx_err err;

    assert(seq <= store->last);
    if (seq <= store->settled) {
        return NX_OK;
    }
    err = nx_store_put_number(store, "settled", (int64_t)seq, diag);
    if (err == NX_OK) {
        store->settled = seq;
    }
    return err;
}

enum nx_err nx_store_is_latest(struct nx_store *store, struct nx_span topic, struct nx_span payload,
                               bool *same, struct nx_diag *diag)
{
    struct nx_reading stored;
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_LATEST_OF, &stmt, diag);
    int rc;

    *same = false;
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, topic);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        store_row(stmt, &stored);
        *same = nx_span_eq(stored.original, payload);
    }
    return store_looked_up(store, stmt, rc, "find latest", diag);
}

/* --- links ----------------------------------------------------------------------------------- */

enum nx_err nx_store_save_cursor(struct nx_store *store, struct nx_span link,
                                 const struct nx_store_cursor *cursor, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_begin(store, diag);

    assert(cursor->cursor == cursor->sent + cursor->dead && cursor->cursor <= store->last);
    if (err == NX_OK) {
        err = store_statement(store, STMT_CURSOR_PUT, &stmt, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, link);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)cursor->cursor);
    (void)sqlite3_bind_int64(stmt, 3, (int64_t)cursor->sent);
    (void)sqlite3_bind_int64(stmt, 4, (int64_t)cursor->dead);
    return store_run(store, stmt, "save a cursor", diag);
}

enum nx_err nx_store_load_cursor(struct nx_store *store, struct nx_span link,
                                 struct nx_store_cursor *out, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_CURSOR_GET, &stmt, diag);
    int rc;

    *out = (struct nx_store_cursor){0};
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, link);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        out->cursor = (uint64_t)sqlite3_column_int64(stmt, 0);
        out->sent = (uint64_t)sqlite3_column_int64(stmt, 1);
        out->dead = (uint64_t)sqlite3_column_int64(stmt, 2);
    }
    return store_looked_up(store, stmt, rc, "load a cursor", diag);
}

enum nx_err nx_store_dead_letter(struct nx_store *store, struct nx_span link, uint64_t seq,
                                 int64_t at_ms, struct nx_span reason, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_begin(store, diag);

    if (err == NX_OK) {
        err = store_statement(store, STMT_DEAD_PUT, &stmt, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, link);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)seq);
    (void)sqlite3_bind_int64(stmt, 3, at_ms);
    store_bind_text(stmt, 4, reason.len > 0 ? reason : NX_SPAN("unknown"));
    return store_run(store, stmt, "keep a dead letter", diag);
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
