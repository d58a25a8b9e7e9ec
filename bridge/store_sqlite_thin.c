/*
 * store_sqlite_thin.c - retention: removes from the front, in pieces, what is older or more than
 * was allowed. Never chooses by stream: histories end at the same number, nx_store_first, and a link
 * that asks for less knows that it comes too late. Behind that number only the newest reading of
 * each stream stays, until a newer one comes (store_forget).
 *
 * Pages that become free are used again by the next readings; the file does not shrink.
 */
#include "bridge/store_sqlite.h"

#include <assert.h>

/* --- what the limits want ---------------------------------------------------------------------- */

static enum nx_err pragma_number(struct nx_store *store, enum store_stmt which, uint64_t *out,
                                 struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, which, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    rc = sqlite3_step(stmt);
    *out = rc == SQLITE_ROW ? store_column_seq(stmt, 0) : 0;
    return store_looked_up(store, stmt, rc, "measure", diag);
}

static enum nx_err bytes_used(struct nx_store *store, uint64_t *out, struct nx_diag *diag)
{
    uint64_t pages = 0;
    uint64_t empty = 0;
    uint64_t size = 0;
    enum nx_err err = pragma_number(store, STMT_PAGES, &pages, diag);

    err = err == NX_OK ? pragma_number(store, STMT_PAGES_FREE, &empty, diag) : err;
    err = err == NX_OK ? pragma_number(store, STMT_PAGE_SIZE, &size, diag) : err;
    *out = (pages - empty) * size;
    return err;
}

/* The newest number of which everything up to it is too old; 0: there is none. */
static enum nx_err wanted_by_age(struct nx_store *store, int64_t before_ms, uint64_t *out,
                                 struct nx_diag *diag)
{
    uint64_t young = 0;
    enum nx_err err = store_number_at(store, before_ms, &young, diag);

    *out = young > store->now.first ? young - 1 : 0;
    return err;
}

/* As many numbers as weigh, on an average, what is too much. */
static uint64_t wanted_by_size(const struct nx_store *store, uint64_t used, uint64_t bytes_max)
{
    uint64_t numbers = store->now.last + 1 - store->now.first;
    uint64_t share;

    if (used <= bytes_max || numbers == 0) {
        return 0;
    }
    share = used / numbers + 1;
    return store->now.first - 1 + (used - bytes_max + share - 1) / share;
}

static enum nx_err wanted(struct nx_store *store, const struct nx_store_limits *limits,
                          struct nx_store_thinned *out, struct nx_diag *diag)
{
    uint64_t by_age = 0;
    uint64_t by_size = 0;
    enum nx_err err = bytes_used(store, &out->bytes_used, diag);

    if (err == NX_OK && limits->before_ms > 0) {
        err = wanted_by_age(store, limits->before_ms, &by_age, diag);
    }
    if (limits->bytes_max > 0) {
        by_size = wanted_by_size(store, out->bytes_used, limits->bytes_max);
    }
    out->wanted = by_age > by_size ? by_age : by_size;
    /* the last number stays: it says where the next begins */
    if (out->wanted > 0 && out->wanted >= store->now.last) {
        out->wanted = store->now.last - 1;
    }
    return err;
}

/* --- removing ---------------------------------------------------------------------------------- */

static enum nx_err thin_table(struct nx_store *store, enum store_stmt which, uint64_t from,
                              uint64_t to, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, which, &stmt, diag);

    store->ahead.count = 0; /* S6 */
    if (err == NX_OK) {
        store_bind_seq(stmt, 1, from);
        store_bind_seq(stmt, 2, to);
        err = store_run(store, stmt, "remove", diag);
    }
    return err;
}

static enum nx_err thin_range(struct nx_store *store, uint64_t from, uint64_t to, uint64_t *removed,
                              struct nx_diag *diag)
{
    enum nx_err err = store_heads(store, diag); /* which say what is the newest */

    err = err == NX_OK ? thin_table(store, STMT_THIN_HEADS, from, to, diag) : err;
    err = err == NX_OK ? thin_table(store, STMT_THIN_READINGS, from, to, diag) : err;
    *removed = err == NX_OK ? (uint64_t)sqlite3_changes64(store->db) : 0;
    err = err == NX_OK ? thin_table(store, STMT_THIN_MARKS, from, to, diag) : err; /* S8 */
    err = err == NX_OK ? thin_table(store, STMT_THIN_RESENDS, from, to, diag) : err;
    return err == NX_OK ? thin_table(store, STMT_THIN_DEAD, from, to, diag) : err;
}

static enum nx_err removed_more(struct nx_store *store, uint64_t removed, struct nx_diag *diag)
{
    store->now.removed += removed;
    return nx_store_put_number(store, "removed", (int64_t)store->now.removed, diag);
}

enum nx_err store_forget(struct nx_store *store, struct store_stream *stream, struct nx_diag *diag)
{
    uint64_t seq = stream->last;
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_READING_DROP, &stmt, diag);

    assert(seq < store->now.first);
    if (err == NX_OK) {
        store_bind_seq(stmt, 1, seq);
        err = store_run(store, stmt, "remove", diag);
    }
    if (err == NX_OK) {
        err = thin_table(store, STMT_THIN_DEAD, seq, seq, diag);
    }
    err = err == NX_OK ? store_statement(store, STMT_HEAD_GONE, &stmt, diag) : err;
    if (err == NX_OK) {
        (void)sqlite3_bind_int64(stmt, 1, stream->id);
        err = store_run(store, stmt, "remove", diag);
        stream->last = 0;
        store_streams_change(&store->streams, stream);
    }
    return err == NX_OK ? removed_more(store, 1, diag) : err;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The newest number up to which no reading can be found to be repeated. */
static uint64_t not_repeatable(const struct nx_store *store)
{
    uint64_t to = store->now.last;

    for (size_t id = 1; id < STORE_PACKET_IDS; id++) {
        if (store->by_packet[id] > store->now.settled && store->by_packet[id] <= to) {
            to = store->by_packet[id] - 1;
        }
    }
    return to;
}

enum nx_err nx_store_thin(struct nx_store *store, uint64_t floor_seq,
                          const struct nx_store_limits *limits, uint32_t rows_max,
                          struct nx_store_thinned *out, struct nx_diag *diag)
{
    uint64_t from = store->now.first;
    uint64_t may;
    uint64_t to;
    enum nx_err err;

    *out = (struct nx_store_thinned){.removed_all = store->now.removed};
    err = wanted(store, limits, out, diag);
    out->held_up = out->wanted > floor_seq;
    may = least(out->wanted, floor_seq);
    if (err != NX_OK || may < from) {
        return err;
    }
    may = least(may, not_repeatable(store));
    if (may < from) {
        return NX_OK;
    }
    to = least(may, from - 1 + rows_max);
    err = store_begin(store, diag);
    err = err == NX_OK ? thin_range(store, from, to, &out->removed, diag) : err;
    err = err == NX_OK ? removed_more(store, out->removed, diag) : err;
    err = err == NX_OK ? nx_store_put_number(store, "first", (int64_t)to + 1, diag) : err;
    if (err != NX_OK) {
        return err;
    }
    store->now.first = to + 1;
    out->removed_all = store->now.removed;
    out->more = to < may;
    return NX_OK;
}
