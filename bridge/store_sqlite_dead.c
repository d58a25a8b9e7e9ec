/*
 * store_sqlite_dead.c - what a link could not deliver, and its second try. Whoever asks for one
 * writes a row of resend_requests; the bridge alone gives numbers, and takes the row up when it
 * comes by. A request is a range of numbers, fixed when it was made: a letter that dies again gets a
 * new number, so no request can go round in circles.
 *
 * The second try is a copy, not a pointer: retention may remove the reading before the link comes
 * to it.
 */
#include "bridge/store_sqlite.h"

#include <assert.h>
#include <stdlib.h>

enum {
    ASK_BUSY_MS = 5000, /* longer than any transaction of a bridge */
    RECORD_BYTES_MAX = 64 * 1024 * 1024,
};

enum nx_channel store_channel(struct nx_span name)
{
    return nx_span_is(name, nx_channel_name(NX_CHANNEL_ORIGINAL)) ? NX_CHANNEL_ORIGINAL
                                                                  : NX_CHANNEL_OBSERVATION;
}

static struct nx_span channel_name(enum nx_channel channel)
{
    return nx_span_from(nx_channel_name(channel));
}

enum nx_err nx_store_dead_letter(struct nx_store *store, const struct nx_dead_letter *letter,
                                 struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_begin(store, diag);

    assert(letter->channel == NX_CHANNEL_OBSERVATION || letter->channel == NX_CHANNEL_ORIGINAL);
    if (err == NX_OK) {
        err = store_statement(store, STMT_DEAD_PUT, &stmt, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, letter->seq);
    store_bind_text(stmt, 2, letter->link);
    store_bind_text(stmt, 3, channel_name(letter->channel));
    (void)sqlite3_bind_int64(stmt, 4, letter->at_ms);
    store_bind_text(stmt, 5, letter->reason.len > 0 ? letter->reason : NX_SPAN("unknown"));
    return store_run(store, stmt, "keep a dead letter", diag);
}

enum nx_err nx_store_is_dead(struct nx_store *store, struct nx_span link, uint64_t seq, bool *is,
                             struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_DEAD_HAS, &stmt, diag);
    int rc;

    *is = false;
    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, seq);
    store_bind_text(stmt, 2, link);
    rc = sqlite3_step(stmt);
    *is = rc == SQLITE_ROW;
    return store_looked_up(store, stmt, rc, "look for dead letters", diag);
}

/* --- taking requests up ------------------------------------------------------------------------ */

struct request {
    int64_t id; /* 0: there is none */
    char link[sizeof(((struct nx_store_resent *)0)->link)];
    uint64_t seq_min, seq_max;
};

static enum nx_err request_get(struct nx_store *store, struct request *out, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_REQUEST_GET, &stmt, diag);
    int rc;

    *out = (struct request){0};
    if (err != NX_OK) {
        return err;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        out->id = sqlite3_column_int64(stmt, 0);
        (void)nx_span_copy(store_column(stmt, 1), out->link, sizeof(out->link));
        out->seq_min = store_column_seq(stmt, 2);
        out->seq_max = store_column_seq(stmt, 3);
    }
    return store_looked_up(store, stmt, rc, "look for requests", diag);
}

static enum nx_err request_drop(struct nx_store *store, const struct request *request,
                                struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_begin(store, diag);

    err = err == NX_OK ? store_statement(store, STMT_REQUEST_DROP, &stmt, diag) : err;
    if (err != NX_OK) {
        return err;
    }
    (void)sqlite3_bind_int64(stmt, 1, request->id);
    return store_run(store, stmt, "end a request", diag);
}

static enum nx_err request_advance(struct nx_store *store, const struct request *request,
                                   struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_REQUEST_ADVANCE, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    (void)sqlite3_bind_int64(stmt, 1, request->id);
    store_bind_seq(stmt, 2, request->seq_min);
    return store_run(store, stmt, "advance a request", diag);
}

/* The first letter that the request means; letter->seq is 0 when there is none any more. */
static enum nx_err letter_next(struct nx_store *store, const struct request *request,
                               struct nx_dead_letter *letter, struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_DEAD_SOME, &stmt, diag);
    int rc;

    *letter = (struct nx_dead_letter){.link = nx_span_from(request->link)};
    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, request->seq_min);
    store_bind_seq(stmt, 2, request->seq_max);
    store_bind_text(stmt, 3, letter->link);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        letter->seq = store_column_seq(stmt, 0);
        letter->channel = store_channel(store_column(stmt, 1));
    }
    return store_looked_up(store, stmt, rc, "look for dead letters", diag);
}

/* Copies what the letter was, by one of two statements. *copied: it was there. */
static enum nx_err letter_copy(struct nx_store *store, enum store_stmt which,
                               const struct nx_dead_letter *letter, bool *copied,
                               struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, which, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, store->now.last + 1);
    store_bind_seq(stmt, 2, letter->seq);
    store_bind_text(stmt, 3, letter->link);
    store_bind_text(stmt, 4, channel_name(letter->channel));
    err = store_run(store, stmt, "append a second try", diag);
    *copied = err == NX_OK && sqlite3_changes64(store->db) > 0;
    return err;
}

static enum nx_err letter_drop(struct nx_store *store, const struct nx_dead_letter *letter,
                               struct nx_diag *diag)
{
    sqlite3_stmt *stmt;
    enum nx_err err = store_statement(store, STMT_DEAD_DROP, &stmt, diag);

    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, letter->seq);
    store_bind_text(stmt, 2, letter->link);
    store_bind_text(stmt, 3, channel_name(letter->channel));
    return store_run(store, stmt, "end a dead letter", diag);
}

static enum nx_err letter_again(struct nx_store *store, const struct nx_dead_letter *letter,
                                struct nx_store_resent *out, struct nx_diag *diag)
{
    bool copied = false;
    enum nx_err err = store_begin(store, diag);

    err = err == NX_OK ? letter_copy(store, STMT_RESEND_PUT, letter, &copied, diag) : err;
    if (err == NX_OK && !copied) {
        err = letter_copy(store, STMT_RESEND_AGAIN, letter, &copied, diag);
    }
    err = err == NX_OK ? letter_drop(store, letter, diag) : err;
    if (err == NX_OK && copied) {
        out->last = ++store->now.last;
        out->first = out->first > 0 ? out->first : out->last;
        out->letters++;
    }
    return err;
}

enum nx_err nx_store_resend(struct nx_store *store, uint32_t letters_max,
                            struct nx_store_resent *out, struct nx_diag *diag)
{
    struct request request;
    struct nx_dead_letter letter;
    enum nx_err err = request_get(store, &request, diag);

    *out = (struct nx_store_resent){0};
    if (err != NX_OK || request.id == 0) {
        return err;
    }
    (void)nx_span_copy(nx_span_from(request.link), out->link, sizeof(out->link));
    out->more = true;
    for (uint32_t i = 0; i < letters_max; i++) {
        err = letter_next(store, &request, &letter, diag);
        if (err != NX_OK) {
            return err;
        }
        if (letter.seq == 0) {
            return request_drop(store, &request, diag); /* there may be another */
        }
        err = letter_again(store, &letter, out, diag);
        if (err != NX_OK) {
            return err;
        }
        request.seq_min = letter.seq; /* letters of other links before it are not looked at again */
    }
    return request_advance(store, &request, diag);
}

/* --- asking ------------------------------------------------------------------------------------ */

/* The numbers of the first and the last letter that are meant, and how many there are. */
static enum nx_err ask_range(struct nx_store *store, struct nx_span link, uint64_t seq,
                             struct request *request, uint64_t *letters, struct nx_diag *diag)
{
    static const char sql[] = "SELECT min(seq), max(seq), count(*) FROM dead_letters"
                              " WHERE seq BETWEEN ?1 AND ?2 AND link = ?3";
    sqlite3_stmt *stmt;
    enum nx_err err = store_prepare(store, sql, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    store_bind_seq(stmt, 1, seq);
    store_bind_seq(stmt, 2, seq > 0 ? seq : INT64_MAX);
    store_bind_text(stmt, 3, link);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        request->seq_min = store_column_seq(stmt, 0);
        request->seq_max = store_column_seq(stmt, 1);
        *letters = store_column_seq(stmt, 2);
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW ? NX_OK : store_fail(store, rc, "look for dead letters", diag);
}

static enum nx_err ask_insert(struct nx_store *store, struct nx_span link,
                              const struct request *request, int64_t now_ms, struct nx_diag *diag)
{
    static const char sql[] =
        "INSERT INTO resend_requests (link, seq_min, seq_max, at) VALUES (?1, ?2, ?3, ?4)";
    sqlite3_stmt *stmt;
    enum nx_err err = store_prepare(store, sql, &stmt, diag);
    int rc;

    if (err != NX_OK) {
        return err;
    }
    store_bind_text(stmt, 1, link);
    store_bind_seq(stmt, 2, request->seq_min);
    store_bind_seq(stmt, 3, request->seq_max);
    (void)sqlite3_bind_int64(stmt, 4, now_ms);
    rc = sqlite3_step(stmt);
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? NX_OK : store_fail(store, rc, "ask", diag);
}

enum nx_err nx_store_ask_resend(const char *path, struct nx_span link, uint64_t seq, int64_t now_ms,
                                uint64_t *letters, struct nx_diag *diag)
{
    struct nx_store store = {.path = nx_span_dup(nx_span_from(path))};
    struct request request = {0};
    enum nx_err err = NX_ERR_NOMEM;

    *letters = 0;
    if (store.path != NULL) {
        err = store_connect(&store, path, SQLITE_OPEN_READWRITE, NULL, diag);
    }
    if (err == NX_OK) {
        (void)sqlite3_busy_timeout(store.db, ASK_BUSY_MS);
        err = store_identify_same(&store, diag);
    }
    if (err == NX_OK) {
        err = ask_range(&store, link, seq, &request, letters, diag);
    }
    if (err == NX_OK && *letters > 0) {
        err = ask_insert(&store, link, &request, now_ms, diag);
    }
    (void)sqlite3_close(store.db);
    free(store.path);
    return err;
}

/* --- listing ----------------------------------------------------------------------------------- */

enum nx_err nx_store_dead(struct nx_store *store, struct nx_span link,
                          enum nx_err (*each)(void *ctx, const struct nx_dead_letter *letter,
                                              const struct nx_reading *record),
                          void *ctx, struct nx_diag *diag)
{
    static const char sql[] = "SELECT seq, link, channel, at, reason FROM dead_letters"
                              " WHERE ?1 IS NULL OR link = ?1 ORDER BY seq, link, channel";
    struct nx_buf bytes;
    sqlite3_stmt *stmt;
    enum nx_err err = store_prepare(store, sql, &stmt, diag);
    int rc;

    nx_buf_init(&bytes, RECORD_BYTES_MAX);
    if (err == NX_OK) {
        store_bind_text(stmt, 1, link);
    }
    while (err == NX_OK && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        struct nx_dead_letter letter;
        struct nx_reading record;

        if (rc != SQLITE_ROW) {
            err = store_fail(store, rc, "query", diag);
            break;
        }
        letter = (struct nx_dead_letter){
            .seq = store_column_seq(stmt, 0),
            .link = store_column(stmt, 1),
            .channel = store_channel(store_column(stmt, 2)),
            .at_ms = sqlite3_column_int64(stmt, 3),
            .reason = store_column(stmt, 4),
        };
        err = nx_store_get(store, letter.seq, &bytes, &record, diag);
        if (err == NX_OK || err == NX_ERR_NOT_FOUND) {
            err = each(ctx, &letter, err == NX_OK ? &record : NULL);
        }
    }
    (void)sqlite3_finalize(stmt);
    nx_buf_fini(&bytes);
    return err;
}
