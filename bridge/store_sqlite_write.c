/*
 * store_sqlite_write.c - what a bridge writes all day: readings, and how far it is with them. A
 * reading costs one b-tree visit, its row, always behind the last. Which stream it belongs to is
 * remembered; that the stream has a new head is written once for all its readings of a transaction.
 */
#include "bridge/store_sqlite.h"

#include <assert.h>

/* --- readings -------------------------------------------------------------------------------- */

enum nx_err store_heads(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    while (err == NX_OK && store->streams.changed != NULL) {
        struct store_stream *stream = store->streams.changed;
        sqlite3_stmt *stmt;

        err = store_statement(store, STMT_HEAD_PUT, &stmt, diag);
        if (err != NX_OK) {
            break;
        }
        (void)sqlite3_bind_int64(stmt, 1, stream->id);
        store_bind_seq(stmt, 2, stream->last);
        store_bind_seq(stmt, 3, stream->count);
        err = store_run(store, stmt, "keep the head of a stream", diag);
        store->streams.changed = stream->next;
        stream->changed = false;
    }
    return err;
}

/* Remembers a stream. When there is no more room for it, all others are forgotten. */
static enum nx_err stream_keep(struct nx_store *store, struct nx_span topic,
                               const struct store_stream *known, struct store_stream **out,
                               struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    *out = store_streams_add(&store->streams, topic, known);
    if (*out == NULL) {
        err = store_heads(store, diag);
        store_streams_fini(&store->streams);
        *out = store_streams_add(&store->streams, topic, known);
    }
    return err == NX_OK && *out == NULL ? NX_ERR_NOMEM : err;
}

/* The stream of `topic`; *out is NULL when the file has none. */
static enum nx_err stream_find(struct nx_store *store, struct nx_span topic,
                               struct store_stream **out, struct nx_diag *diag)
{
    struct store_stream known = {0};
    sqlite3_stmt *stmt;
    enum nx_err err;
    int rc;

    *out = store_streams_get(&store->streams, topic);
    if (*out != NULL) {
        return NX_OK;
    }
    err = store_statement(store, STMT_STREAM_FIND, &stmt, diag);
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, topic);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        known.id = sqlite3_column_int64(stmt, 0);
        known.last = store_column_seq(stmt, 1);
        known.count = store_column_seq(stmt, 2);
    }
    err = store_looked_up(store, stmt, rc, "find stream", diag);
    return err == NX_OK && rc == SQLITE_ROW ? stream_keep(store, topic, &known, out, diag) : err;
}

static enum nx_err stream_add(struct nx_store *store, struct nx_span topic,
                              struct store_stream **out, struct nx_diag *diag)
{
    struct store_stream known = {0};
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_STREAM_ADD, &stmt, diag);

    if (err == NX_OK) {
        store_bind_text(stmt, 1, topic);
        err = store_run(store, stmt, "add stream", diag);
        known.id = sqlite3_last_insert_rowid(store->db);
    }
    err = err == NX_OK ? store_statement(store, STMT_HEAD_ADD, &stmt, diag) : err;
    if (err == NX_OK) {
        (void)sqlite3_bind_int64(stmt, 1, known.id);
        err = store_run(store, stmt, "add stream", diag);
    }
    return err == NX_OK ? stream_keep(store, topic, &known, out, diag) : err;
}

static enum nx_err insert(struct nx_store *store, const struct nx_reading *reading,
                          const struct store_stream *stream, struct nx_diag *diag)
{
    struct nx_span original = reading->original.ptr != NULL ? reading->original : NX_SPAN("");
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_APPEND, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, store->now.last + 1);
    (void)sqlite3_bind_int64(stmt, 2, stream->id);
    if (stream->last > 0) {
        store_bind_seq(stmt, 3, stream->last);
    }
    (void)sqlite3_bind_int(stmt, 4, (int)reading->kind);
    (void)sqlite3_bind_int(stmt, 5, reading->packet_id);
    (void)sqlite3_bind_int64(stmt, 6, reading->received_ms);
    store_bind_text(stmt, 7, reading->observed_at);
    store_bind_text(stmt, 8, reading->fault);
    store_bind_blob(stmt, 9, original);
    store_bind_blob(stmt, 10, reading->canonical);
    return store_run(store, stmt, "append a reading", diag);
}

/* The stream's newest reading becomes a mark. */
static enum nx_err mark(struct nx_store *store, const struct store_stream *stream,
                        struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_MARK, &stmt, diag);

    if (err == NX_OK) {
        store_bind_seq(stmt, 1, stream->last);
        (void)sqlite3_bind_int64(stmt, 2, stream->id);
        err = store_run(store, stmt, "mark a reading", diag);
    }
    return err;
}

enum nx_err nx_store_append(struct nx_store *store, const struct nx_reading *reading, uint64_t *seq,
                            struct nx_diag *diag)
{
    struct store_stream *stream = NULL;
    enum nx_err err = store_begin(store, diag);

    if (err == NX_OK) {
        err = stream_find(store, reading->topic, &stream, diag);
    }
    if (err == NX_OK && stream == NULL) {
        err = stream_add(store, reading->topic, &stream, diag);
    }
    if (err == NX_OK && stream->last > 0 && stream->last < store->now.first) {
        err = store_forget(store, stream, diag); /* it stayed as the newest; now it is not */
    }
    if (err == NX_OK) {
        err = insert(store, reading, stream, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    *seq = stream->last = ++store->now.last;
    stream->count++;
    store_streams_change(&store->streams, stream);
    store->by_packet[reading->packet_id] = *seq;
    return stream->count % STORE_MARK_EVERY == 0 ? mark(store, stream, diag) : NX_OK;
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
    if (packet_id == 0 || seq <= store->now.settled || seq > store->now.last) {
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

    assert(seq <= store->now.last);
    if (seq <= store->now.settled) {
        return NX_OK;
    }
    err = nx_store_put_number(store, "settled", (int64_t)seq, diag);
    if (err == NX_OK) {
        store->now.settled = seq;
    }
    return err;
}

enum nx_err nx_store_is_latest(struct nx_store *store, struct nx_span topic, struct nx_span payload,
                               bool *same, struct nx_diag *diag)
{
    struct store_stream *stream = NULL;
    struct nx_reading stored;
    sqlite3_stmt *stmt;
    enum nx_err err = stream_find(store, topic, &stream, diag);
    int rc;

    *same = false;
    if (err != NX_OK || stream == NULL || stream->last == 0) {
        return err;
    }
    err = store_statement(store, STMT_GET, &stmt, diag);
    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, stream->last);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        store_row(stmt, &stored);
        *same = nx_span_eq(stored.original, payload);
    }
    return store_looked_up(store, stmt, rc, "find latest", diag);
}

/* --- links ----------------------------------------------------------------------------------- */

static bool cursor_holds(const struct nx_store *store, const struct nx_store_cursor *cursor)
{
    return cursor->cursor == cursor->sent + cursor->dead + cursor->filtered &&
           cursor->cursor <= store->now.last && cursor->dropped <= cursor->dead;
}

enum nx_err nx_store_save_cursor(struct nx_store *store, struct nx_span link,
                                 const struct nx_store_cursor *cursor, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_begin(store, diag);

    assert(cursor_holds(store, cursor));
    if (err == NX_OK) {
        err = store_statement(store, STMT_CURSOR_PUT, &stmt, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, link);
    store_bind_seq(stmt, 2, cursor->cursor);
    store_bind_seq(stmt, 3, cursor->sent);
    store_bind_seq(stmt, 4, cursor->dead);
    store_bind_seq(stmt, 5, cursor->filtered);
    store_bind_seq(stmt, 6, cursor->dropped);
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
        out->cursor = store_column_seq(stmt, 0);
        out->sent = store_column_seq(stmt, 1);
        out->dead = store_column_seq(stmt, 2);
        out->filtered = store_column_seq(stmt, 3);
        out->dropped = store_column_seq(stmt, 4);
    }
    err = store_looked_up(store, stmt, rc, "load a cursor", diag);
    if (err == NX_OK && store->by_packet != NULL && !cursor_holds(store, out)) {
        nx_diag_at(diag, store->path, 0, 0);
        nx_diag_set(diag, "the cursor of link %.*s contradicts itself", NX_SPAN_ARG(link));
        err = NX_ERR_SYNTAX;
    }
    return err;
}
