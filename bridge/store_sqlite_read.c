/*
 * store_sqlite_read.c - the reading half of the store: one record for a link, and the walks over all
 * streams that an operator asks for. One stream's readings: store_sqlite_history.c.
 */
#include "bridge/store_sqlite.h"

#include "core/topic.h"

#include <assert.h>
#include <string.h>

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

/* The row of STMT_GET_RESEND: a reading, and for whom it is tried again. */
static void resend_row(sqlite3_stmt *stmt, struct nx_reading *out)
{
    enum { LINK = 9, CHANNEL, SUPERSEDED };

    store_row(stmt, out);
    out->only_link = store_column(stmt, LINK);
    out->only_channel = store_channel(store_column(stmt, CHANNEL));
    out->superseded = sqlite3_column_int(stmt, SUPERSEDED) != 0;
}

enum nx_err store_keep(struct nx_reading *reading, struct nx_buf *bytes)
{
    struct nx_span *const spans[] = {&reading->topic,    &reading->observed_at,
                                     &reading->original, &reading->canonical,
                                     &reading->fault,    &reading->only_link};
    enum { SPANS = sizeof(spans) / sizeof(spans[0]) };
    size_t start = bytes->len;
    const char *at;

    for (int i = 0; i < SPANS; i++) {
        (void)nx_buf_span(bytes, *spans[i]);
    }
    if (nx_buf_error(bytes) != NX_OK) {
        return nx_buf_error(bytes);
    }
    at = bytes->data + start;
    for (int i = 0; i < SPANS; i++) {
        if (spans[i]->ptr != NULL) {
            spans[i]->ptr = at;
        }
        at += spans[i]->len;
    }
    return NX_OK;
}

/* One row by one of two statements; `row` fills `out` from it. */
static enum nx_err get_by(struct nx_store *store, enum store_stmt which,
                          void (*row)(sqlite3_stmt *stmt, struct nx_reading *out), uint64_t seq,
                          struct nx_buf *bytes, struct nx_reading *out, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, which, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, seq);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        row(stmt, out);
        nx_buf_reset(bytes);
        err = store_keep(out, bytes);
    } else {
        err = rc == SQLITE_DONE ? NX_ERR_NOT_FOUND : store_fail(store, rc, "read", diag);
    }
    (void)sqlite3_reset(stmt);
    return err;
}

static const struct nx_reading *ahead_find(const struct store_ahead *ahead, uint64_t seq)
{
    for (size_t i = 0; i < ahead->count; i++) {
        if (ahead->rows[i].seq == seq) {
            return &ahead->rows[i];
        }
    }
    return NULL;
}

/* Reads records from `seq` on, as many as fit. */
static enum nx_err ahead_fill(struct nx_store *store, uint64_t seq, struct nx_diag *diag)
{
    struct store_ahead *ahead = &store->ahead;
    uint64_t until = seq + STORE_AHEAD_MAX - 1;
    sqlite3_stmt *stmt;
    char *room;
    enum nx_err err = store_statement(store, STMT_GET_SOME, &stmt, diag);
    int rc = SQLITE_DONE;

    ahead->count = 0;
    nx_buf_reset(&ahead->bytes);
    if (err != NX_OK || nx_buf_reserve(&ahead->bytes, STORE_AHEAD_BYTES, &room) != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, seq);
    store_bind_seq(stmt, 2, until < store->durable.last ? until : store->durable.last);
    while (ahead->count < STORE_AHEAD_MAX && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        store_row(stmt, &ahead->rows[ahead->count]);
        if (store_keep(&ahead->rows[ahead->count], &ahead->bytes) != NX_OK) {
            rc = SQLITE_DONE; /* it is for the next time, or too large for this */
            break;
        }
        ahead->count++;
    }
    return store_looked_up(store, stmt, rc, "read", diag);
}

enum nx_err nx_store_get(struct nx_store *store, uint64_t seq, struct nx_buf *bytes,
                         struct nx_reading *out, struct nx_diag *diag)
{
    const struct nx_reading *ready = ahead_find(&store->ahead, seq);
    bool in_order = seq == store->ahead.last_seq + 1;
    enum nx_err err = NX_OK;

    if (ready == NULL && in_order && seq <= store->durable.last) {
        err = ahead_fill(store, seq, diag);
        ready = ahead_find(&store->ahead, seq);
    }
    store->ahead.last_seq = seq;
    if (ready != NULL) {
        *out = *ready;
        nx_buf_reset(bytes);
        return store_keep(out, bytes);
    }
    if (err == NX_OK) {
        err = get_by(store, STMT_GET, store_row, seq, bytes, out, diag);
    }
    return err != NX_ERR_NOT_FOUND
               ? err
               : get_by(store, STMT_GET_RESEND, resend_row, seq, bytes, out, diag);
}

/* --- walks ----------------------------------------------------------------------------------- */

enum nx_err store_walk(struct nx_store *store, const char *sql, sqlite3_stmt **out,
                       struct nx_diag *diag)
{
    enum nx_err err = store_heads(store, diag);

    *out = NULL;
    return err == NX_OK ? store_prepare(store, sql, out, diag) : err;
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
        "SELECT s.topic, h.count - h.gone, r.seq, r.received_at FROM streams s JOIN heads h"
        " ON h.stream = s.id JOIN readings r ON r.seq = h.last ORDER BY s.topic";
    sqlite3_stmt *stmt = NULL;
    enum nx_err err = store_walk(store, sql, &stmt, diag);
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

/* What each topic begins with that the filter takes. */
static struct nx_span until_wildcard(struct nx_span filter)
{
    size_t len = 0;

    while (len < filter.len && filter.ptr[len] != '+' && filter.ptr[len] != '#') {
        len++;
    }
    if (len > 0 && len < filter.len) {
        len--; /* "a/#" takes "a" as well */
    }
    return (struct nx_span){filter.ptr, len};
}

enum nx_err nx_store_latest(struct nx_store *store, const struct nx_store_query *asked,
                            enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                            void *ctx, struct nx_diag *diag)
{
    static const char sql[] =
        "SELECT " STORE_READING_COLUMNS " FROM streams s JOIN heads h ON h.stream = s.id"
        " JOIN readings r ON r.seq = h.last WHERE s.topic >= coalesce(?1, '')"
        " AND s.topic < coalesce(?1, '') || CAST(x'FF' AS TEXT) ORDER BY s.topic";
    sqlite3_stmt *stmt = NULL;
    enum nx_err err = store_walk(store, sql, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, until_wildcard(asked->filter));
    return walk_readings(store, stmt, asked->filter, each, ctx, diag);
}
