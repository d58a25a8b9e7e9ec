/*
 * store_sqlite_read.c - the reading half of the store: one record for a link, and the walks that
 * an operator or a query asks for.
 */
#include "bridge/store_sqlite.h"

#include "core/topic.h"

#include <assert.h>

/* --- one record ------------------------------------------------------------------------------ */

void store_row(sqlite3_stmt *stmt, struct nx_reading *out)
{
    *out = (struct nx_reading){
        .seq = (uint64_t)sqlite3_column_int64(stmt, 0),
        .kind = (enum nx_reading_kind)sqlite3_column_int(stmt, 1),
        .packet_id = (uint16_t)sqlite3_column_int(stmt, 2),
        .received_ms = sqlite3_column_int64(stmt, 3),
        .topic = store_column(stmt, 4),
        .observed_at = store_column(stmt, 5),
        .original = store_column(stmt, 6),
        .canonical = store_column(stmt, 7),
        .fault = store_column(stmt, 8),
    };
}

/* Copies each text of `reading` into `bytes` and lets it point there. */
static enum nx_err reading_keep(struct nx_reading *reading, struct nx_buf *bytes)
{
    struct nx_span *const spans[] = {&reading->topic, &reading->observed_at, &reading->original,
                                     &reading->canonical, &reading->fault};
    enum { SPANS = sizeof(spans) / sizeof(spans[0]) };
    const char *at;

    nx_buf_reset(bytes);
    for (int i = 0; i < SPANS; i++) {
        (void)nx_buf_span(bytes, *spans[i]);
    }
    if (nx_buf_error(bytes) != NX_OK) {
        return nx_buf_error(bytes);
    }
    at = bytes->data;
    for (int i = 0; i < SPANS; i++) {
        if (spans[i]->ptr != NULL) {
            spans[i]->ptr = at;
        }
        at += spans[i]->len;
    }
    return NX_OK;
}

enum nx_err nx_store_get(struct nx_store *store, uint64_t seq, struct nx_buf *bytes,
                         struct nx_reading *out, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_GET, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    (void)sqlite3_bind_int64(stmt, 1, (int64_t)seq);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        store_row(stmt, out);
        err = reading_keep(out, bytes);
    } else {
        err = rc == SQLITE_DONE ? NX_ERR_NOT_FOUND : store_fail(store, rc, "read", diag);
    }
    (void)sqlite3_reset(stmt);
    return err;
}

/* --- walks ----------------------------------------------------------------------------------- */

static enum nx_err walk_prepare(struct nx_store *store, const char *sql, sqlite3_stmt **stmt,
                                struct nx_diag *diag)
{
    int rc = sqlite3_prepare_v2(store->db, sql, -1, stmt, NULL);

    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, "query", diag);
}

/* Steps through readings, hands on those whose topic the filter takes, and ends the statement. */
static enum nx_err walk_readings(struct nx_store *store, sqlite3_stmt *stmt, struct nx_span filter,
                                 enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                                 void *ctx, struct nx_diag *diag)
{
    struct nx_reading reading;
    enum nx_err err = NX_OK;
    int rc;

    while (err == NX_OK && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            err = store_fail(store, rc, "query", diag);
            break;
        }
        store_row(stmt, &reading);
        if (filter.len == 0 || nx_filter_matches(filter, reading.topic)) {
            err = each(ctx, &reading);
        }
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

enum nx_err nx_store_streams(struct nx_store *store,
                             enum nx_err (*each)(void *ctx, const struct nx_store_stream *row),
                             void *ctx, struct nx_diag *diag)
{
    static const char sql[] =
        "SELECT s.topic, (SELECT count(*) FROM readings WHERE stream = s.id), r.seq, r.received_at"
        " FROM streams s JOIN readings r ON r.seq = (SELECT max(seq) FROM readings"
        " WHERE stream = s.id) ORDER BY s.topic";
    sqlite3_stmt *stmt = NULL;
    enum nx_err err = walk_prepare(store, sql, &stmt, diag);
    int rc;

    while (err == NX_OK && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            err = store_fail(store, rc, "query", diag);
            break;
        }
        err = each(ctx, &(struct nx_store_stream){
                            .topic = store_column(stmt, 0),
                            .count = (uint64_t)sqlite3_column_int64(stmt, 1),
                            .last_seq = (uint64_t)sqlite3_column_int64(stmt, 2),
                            .last_received_ms = sqlite3_column_int64(stmt, 3),
                        });
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

enum nx_err nx_store_latest(struct nx_store *store, const struct nx_store_query *query,
                            enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                            void *ctx, struct nx_diag *diag)
{
    static const char sql[] =
        "SELECT " STORE_READING_COLUMNS " FROM streams s JOIN readings r ON r.seq ="
        " (SELECT max(seq) FROM readings WHERE stream = s.id)"
        " ORDER BY s.topic";
    sqlite3_stmt *stmt = NULL;
    enum nx_err err = walk_prepare(store, sql, &stmt, diag);

    return err == NX_OK ? walk_readings(store, stmt, query->filter, each, ctx, diag) : err;
}

enum nx_err nx_store_history(struct nx_store *store, const struct nx_store_query *query,
                             enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                             void *ctx, struct nx_diag *diag)
{
    /* the newest so many, then turned round: both from the index on stream, without a sort of all */
    static const char sql[] =
        "SELECT " STORE_READING_COLUMNS " FROM readings r JOIN streams s ON s.id = r.stream"
        " WHERE r.seq IN (SELECT seq FROM readings WHERE stream ="
        " (SELECT id FROM streams WHERE topic = ?1) AND seq > ?2 ORDER BY seq DESC LIMIT ?3)"
        " ORDER BY r.seq";
    sqlite3_stmt *stmt = NULL;
    enum nx_err err = walk_prepare(store, sql, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, query->filter);
    (void)sqlite3_bind_int64(stmt, 2, (int64_t)query->since);
    (void)sqlite3_bind_int64(stmt, 3, query->limit > 0 ? (int64_t)query->limit : -1);
    return walk_readings(store, stmt, (struct nx_span){NULL, 0}, each, ctx, diag);
}
