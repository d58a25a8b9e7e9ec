/*
 * store_sqlite_history.c - one stream's readings, oldest first. They are a chain from the newest
 * backwards, each on a page of its own, so that a visit is what a reading costs: it is followed
 * once, and what is found is kept until the oldest is there. What there is no room for is remembered
 * by its number, and visited again.
 *
 * The chain is entered at the mark behind the end of what is asked for, or else at its head.
 */
#include "bridge/store_sqlite.h"

#include <string.h>

enum {
    KEPT_MAX = 16384, /* readings: more than a day of them, one every ten seconds */
    KEPT_BYTES_MAX = 8 * 1024 * 1024,
    NUMBERS_BYTES_MAX = 1024 * 1024 * 1024, /* of what there is no room for: 134 million */
};

/* The statements of one question. As long as `head` has its row all see the same cache. */
struct history {
    struct nx_store *store;
    const struct nx_store_query *asked;
    uint64_t since, until; /* readings after the one and up to the other are asked for */
    sqlite3_stmt *head, *mark, *prev, *row;
    struct store_numbers visit; /* the reading that prev or row goes to with its next step */
    struct nx_buf kept;         /* struct nx_reading, the newest first */
    struct nx_buf texts;        /* of those; never grows once it is made */
    struct nx_buf older;        /* uint64_t, the newest first */
};

/* --- from times to numbers --------------------------------------------------------------------- */

/* Was the first reading from `seq` on received before that time? */
static enum nx_err received_before(struct nx_store *store, uint64_t seq, int64_t before_ms,
                                   bool *yes, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_RECEIVED_AT, &stmt, diag);
    int rc;

    *yes = false;
    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, seq);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *yes = sqlite3_column_int64(stmt, 0) < before_ms;
    }
    return store_looked_up(store, stmt, rc, "find by age", diag);
}

enum nx_err store_number_at(struct nx_store *store, int64_t received_ms, uint64_t *seq,
                            struct nx_diag *diag)
{
    uint64_t low = store->now.first - 1; /* earlier, or removed */
    uint64_t high = store->now.last + 1; /* later */
    enum nx_err err = NX_OK;

    while (err == NX_OK && low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;
        bool before = false;

        err = received_before(store, middle, received_ms, &before, diag);
        *(before ? &low : &high) = middle;
    }
    *seq = high;
    return err;
}

/* Where what is asked for begins and ends. */
static enum nx_err history_bounds(struct history *history, struct nx_diag *diag)
{
    const struct nx_store_query *asked = history->asked;
    struct nx_store *store = history->store;
    enum nx_err err = NX_OK;
    uint64_t at;

    history->since = asked->since;
    history->until = asked->until > 0 ? asked->until : UINT64_MAX;
    if (asked->from_ms > 0) {
        err = store_number_at(store, asked->from_ms, &at, diag);
        /* before the first number there may be the newest of a stream: its own time decides */
        if (err == NX_OK && at > store->now.first && at - 1 > history->since) {
            history->since = at - 1;
        }
    }
    if (err == NX_OK && asked->to_ms > 0) {
        err = store_number_at(store, asked->to_ms, &at, diag);
        /* behind the last number there may be what came since it was looked for */
        if (err == NX_OK && at <= store->now.last && at - 1 < history->until) {
            history->until = at - 1;
        }
    }
    return err;
}

/* --- visits ------------------------------------------------------------------------------------ */

static enum nx_err history_prepare(struct history *history, struct nx_diag *diag)
{
    static const char head[] = "SELECT h.last, h.stream FROM streams s JOIN heads h"
                               " ON h.stream = s.id WHERE s.topic = ?1";
    static const char mark[] = "SELECT seq FROM marks WHERE stream = ?1 AND seq >= ?2"
                               " ORDER BY seq LIMIT 1";
    static const char prev[] = "SELECT r.prev FROM numbers(?1) n CROSS JOIN readings r"
                               " ON r.seq = n.seq";
    static const char row[] = "SELECT r.seq, r.kind, r.packet_id, r.received_at, NULL,"
                              " r.observed_at, r.original, r.canonical, r.fault, r.prev"
                              " FROM numbers(?1) n CROSS JOIN readings r ON r.seq = n.seq";
    struct nx_store *store = history->store;
    enum nx_err err = store_walk(store, head, &history->head, diag);

    err = err == NX_OK ? store_prepare(store, mark, &history->mark, diag) : err;
    err = err == NX_OK ? store_prepare(store, prev, &history->prev, diag) : err;
    err = err == NX_OK ? store_prepare(store, row, &history->row, diag) : err;
    if (err == NX_OK) {
        store_bind_text(history->head, 1, history->asked->filter);
        store_numbers_bind(history->prev, 1, &history->visit);
        store_numbers_bind(history->row, 1, &history->visit);
    }
    return err;
}

/* Goes to that reading. *there: the statement has its row. */
static enum nx_err history_visit(struct history *history, sqlite3_stmt *stmt, uint64_t seq,
                                 bool *there, struct nx_diag *diag)
{
    int rc;

    history->visit.next = seq;
    rc = sqlite3_step(stmt);
    *there = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? NX_OK
                                                 : store_fail(history->store, rc, "query", diag);
}

/* The nearest reading of the stream, at the end of what is asked for or behind it, from which on the
 * chain may be followed. */
static enum nx_err history_mark(struct history *history, uint64_t *seq, struct nx_diag *diag)
{
    int rc;

    (void)sqlite3_bind_int64(history->mark, 1, sqlite3_column_int64(history->head, 1));
    store_bind_seq(history->mark, 2, history->until);
    rc = sqlite3_step(history->mark);
    if (rc == SQLITE_ROW) {
        *seq = store_column_seq(history->mark, 0);
    }
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? NX_OK
                                                 : store_fail(history->store, rc, "query", diag);
}

/* Where the chain is entered; 0: there is no such stream, or nothing in it. */
static enum nx_err history_enter(struct history *history, uint64_t *seq, struct nx_diag *diag)
{
    int rc = sqlite3_step(history->head);
    enum nx_err err;

    *seq = rc == SQLITE_ROW ? store_column_seq(history->head, 0) : 0;
    if (rc != SQLITE_ROW) {
        return rc == SQLITE_DONE ? NX_OK : store_fail(history->store, rc, "query", diag);
    }
    err = history_bounds(history, diag);
    return err == NX_OK && history->until < *seq ? history_mark(history, seq, diag) : err;
}

/* Passes by what is behind the end of what is asked for. */
static enum nx_err history_skip(struct history *history, uint64_t *seq, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;
    bool there = true;

    while (err == NX_OK && *seq > history->until) {
        err = history_visit(history, history->prev, *seq, &there, diag);
        *seq = err == NX_OK && there ? store_column_seq(history->prev, 0) : 0;
    }
    return err;
}

/* --- collecting and handing on ----------------------------------------------------------------- */

static size_t texts_len(const struct nx_reading *reading)
{
    return reading->observed_at.len + reading->original.len + reading->canonical.len +
           reading->fault.len;
}

/* Keeps the row, or when there is no more room its number. */
static enum nx_err history_keep(struct history *history, uint64_t seq)
{
    struct nx_reading reading;
    enum nx_err err;
    char *room;

    store_row(history->row, &reading);
    if (history->older.len > 0 || history->kept.len == history->kept.max ||
        texts_len(&reading) > history->texts.max - history->texts.len) {
        return nx_buf_add(&history->older, &seq, sizeof(seq));
    }
    err = history->texts.data != NULL ? NX_OK
                                      : nx_buf_reserve(&history->texts, KEPT_BYTES_MAX, &room);
    err = err == NX_OK ? store_keep(&reading, &history->texts) : err;
    return err == NX_OK ? nx_buf_add(&history->kept, &reading, sizeof(reading)) : err;
}

static enum nx_err history_collect(struct history *history, struct nx_diag *diag)
{
    enum { PREV = 9 };
    uint64_t limit = history->asked->limit;
    uint64_t seq = 0;
    enum nx_err err = history_enter(history, &seq, diag);

    err = err == NX_OK ? history_skip(history, &seq, diag) : err;
    for (uint64_t n = 0; err == NX_OK && seq > history->since && (limit == 0 || n < limit); n++) {
        bool there = false;

        err = history_visit(history, history->row, seq, &there, diag);
        if (err != NX_OK || !there) {
            break; /* the chain ends where retention has been */
        }
        err = history_keep(history, seq);
        seq = store_column_seq(history->row, PREV);
    }
    return err;
}

/* Its time is looked at once more: numbers are in the order of time only as long as clocks are. */
static enum nx_err history_hand_on(const struct history *history, struct nx_reading *reading,
                                   enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                                   void *ctx)
{
    const struct nx_store_query *asked = history->asked;

    if ((asked->from_ms > 0 && reading->received_ms < asked->from_ms) ||
        (asked->to_ms > 0 && reading->received_ms >= asked->to_ms)) {
        return NX_OK;
    }
    reading->topic = asked->filter;
    return each(ctx, reading);
}

static enum nx_err hand_on_older(struct history *history,
                                 enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                                 void *ctx, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    for (size_t at = history->older.len; err == NX_OK && at > 0;) {
        struct nx_reading reading;
        bool there = false;
        uint64_t seq;

        at -= sizeof(seq);
        memcpy(&seq, history->older.data + at, sizeof(seq));
        err = history_visit(history, history->row, seq, &there, diag);
        if (err == NX_OK && there) {
            store_row(history->row, &reading);
            err = history_hand_on(history, &reading, each, ctx);
        }
    }
    return err;
}

static enum nx_err hand_on_kept(const struct history *history,
                                enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                                void *ctx)
{
    enum nx_err err = NX_OK;

    for (size_t at = history->kept.len; err == NX_OK && at > 0;) {
        struct nx_reading reading;

        at -= sizeof(reading);
        memcpy(&reading, history->kept.data + at, sizeof(reading));
        err = history_hand_on(history, &reading, each, ctx);
    }
    return err;
}

enum nx_err nx_store_history(struct nx_store *store, const struct nx_store_query *asked,
                             enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                             void *ctx, struct nx_diag *diag)
{
    struct history history = {.store = store, .asked = asked};
    enum nx_err err;

    nx_buf_init(&history.kept, KEPT_MAX * sizeof(struct nx_reading));
    nx_buf_init(&history.texts, KEPT_BYTES_MAX);
    nx_buf_init(&history.older, NUMBERS_BYTES_MAX);
    err = history_prepare(&history, diag);
    err = err == NX_OK ? history_collect(&history, diag) : err;
    err = err == NX_OK ? hand_on_older(&history, each, ctx, diag) : err;
    err = err == NX_OK ? hand_on_kept(&history, each, ctx) : err;
    (void)sqlite3_finalize(history.row);
    (void)sqlite3_finalize(history.prev);
    (void)sqlite3_finalize(history.mark);
    (void)sqlite3_finalize(history.head);
    nx_buf_fini(&history.older);
    nx_buf_fini(&history.texts);
    nx_buf_fini(&history.kept);
    return err;
}
