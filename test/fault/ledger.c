/*
 * ledger.c - the turns of a bridge, and the audit of its cache.
 */
#include "test/fault/ledger.h"

#include "test/fault/power_vfs.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>

enum { PAYLOAD_MAX = 1600, READINGS_MAX = 20 };

#define LINK NX_SPAN("birmingham-ulsan")

struct nx_store_options ledger_options(enum nx_store_checkpoint checkpoint, const char *vfs)
{
    return (struct nx_store_options){
        .now_ms = 1, .random = 1, .vfs = vfs, .checkpoint = checkpoint, .checkpoint_pages = 16};
}

void ledger_init(struct ledger *ledger, uint64_t seed)
{
    *ledger = (struct ledger){.random = seed, .acked.first = 1, .doubt.first = 1};
}

static uint64_t below(struct ledger *ledger, uint64_t limit)
{
    return power_next(&ledger->random) % limit;
}

/* --- content ----------------------------------------------------------------------------------- */

struct content {
    char topic[64];
    char payload[PAYLOAD_MAX];
    size_t payload_len;
};

static unsigned stream_of(uint64_t key)
{
    return (unsigned)(key % LEDGER_STREAMS);
}

static void content_of(uint64_t key, struct content *out)
{
    uint64_t random = key;

    (void)snprintf(out->topic, sizeof(out->topic), "nexus/birmingham/air/A%u/observation",
                   stream_of(key));
    out->payload_len = 1 + (size_t)(power_next(&random) % (key % 16 == 0 ? PAYLOAD_MAX : 300));
    for (size_t i = 0; i < out->payload_len; i++) {
        out->payload[i] = (char)power_next(&random);
    }
}

/* --- a turn ------------------------------------------------------------------------------------ */

static enum nx_err turn_append(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag)
{
    uint64_t key = power_next(&ledger->random);
    struct content content;
    struct nx_reading reading = {.received_ms = 1};
    uint64_t seq = 0;
    enum nx_err err;

    content_of(key, &content);
    ledger->packet_id = (uint16_t)(ledger->packet_id % 57343 + 1);
    reading.packet_id = ledger->packet_id;
    reading.topic = nx_span_from(content.topic);
    reading.original = (struct nx_span){content.payload, content.payload_len};
    err = nx_store_append(store, &reading, &seq, diag);
    if (err == NX_OK) {
        ledger->doubt.last = seq;
        ledger->keys[seq] = key;
    }
    return err;
}

static enum nx_err turn_cursor(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag)
{
    struct nx_store_cursor *cursor = &ledger->doubt.cursor;

    while (cursor->cursor < ledger->acked.last) { /* a link sends what is durable, nothing else */
        cursor->cursor++;
        *(below(ledger, 10) == 0 ? &cursor->dead : &cursor->sent) += 1;
    }
    return nx_store_save_cursor(store, LINK, cursor, diag);
}

static enum nx_err turn_dead(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag)
{
    return nx_store_dead_letter(
        store,
        &(struct nx_dead_letter){.link = LINK,
                                 .seq = 1 + below(ledger, ledger->doubt.last),
                                 .channel = NX_CHANNEL_OBSERVATION,
                                 .reason = NX_SPAN("refused")},
        diag);
}

static enum nx_err turn_number(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag)
{
    ledger->doubt.number++;
    return nx_store_put_number(store, "number", ledger->doubt.number, diag);
}

static enum nx_err turn_thin(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag)
{
    const struct nx_store_limits limits = {.bytes_max = ledger->bytes_max};
    struct nx_store_thinned out;
    enum nx_err err = nx_store_settle(store, ledger->acked.last, diag);

    if (err == NX_OK) {
        err = nx_store_thin(store, ledger->acked.cursor.cursor, &limits, 50, &out, diag);
    }
    if (err == NX_OK && out.removed > 0) {
        ledger->doubt.first = 0; /* the store knows; it is asked after the commit */
    }
    return err;
}

enum nx_err ledger_turn(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag)
{
    static const struct {
        unsigned one_in;
        enum nx_err (*run)(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag);
    } habits[] = {{3, turn_cursor}, {6, turn_dead}, {4, turn_number}, {4, turn_thin}};
    uint64_t count = 1 + below(ledger, below(ledger, 4) == 0 ? READINGS_MAX : 3);
    enum nx_err err = NX_OK;

    ledger->doubt = ledger->acked;
    while (err == NX_OK && count-- > 0 && ledger->doubt.last < LEDGER_RECORDS_MAX) {
        err = turn_append(ledger, store, diag);
    }
    for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]) && err == NX_OK; i++) {
        if (below(ledger, habits[i].one_in) == 0) {
            err = habits[i].run(ledger, store, diag);
        }
    }
    err = err == NX_OK ? nx_store_commit(store, diag) : err;
    if (err == NX_OK) {
        ledger->doubt.first = nx_store_first(store);
        ledger->acked = ledger->doubt;
    }
    return err;
}

/* --- the audit --------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool wrong(struct ledger *ledger, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(ledger->fault, sizeof(ledger->fault), fmt, args);
    va_end(args);
    return false;
}

static bool check_record(struct ledger *ledger, struct nx_store *store, uint64_t seq,
                         struct nx_buf *bytes)
{
    struct content content;
    struct nx_reading got;
    struct nx_diag diag = {0};
    enum nx_err err = nx_store_get(store, seq, bytes, &got, &diag);

    if (err != NX_OK) {
        return wrong(ledger, "record %" PRIu64 ": %s %s", seq, nx_err_text(err), diag.text);
    }
    content_of(ledger->keys[seq], &content);
    if (!nx_span_is(got.topic, content.topic) || got.original.len != content.payload_len ||
        memcmp(got.original.ptr, content.payload, content.payload_len) != 0) {
        return wrong(ledger, "record %" PRIu64 " is another", seq);
    }
    return true;
}

/* From `first` on every record, before it the newest of each stream. */
static bool check_records(struct ledger *ledger, struct nx_store *store)
{
    uint64_t first = nx_store_first(store);
    bool seen[LEDGER_STREAMS] = {false};
    struct nx_buf bytes;
    bool ok = true;

    nx_buf_init(&bytes, 65536);
    for (uint64_t seq = nx_store_last(store); seq > 0 && ok; seq--) {
        bool *newest = &seen[stream_of(ledger->keys[seq])];

        ok = (seq < first && *newest) || check_record(ledger, store, seq, &bytes);
        *newest = true;
    }
    nx_buf_fini(&bytes);
    return ok;
}

/* --- each stream's history and count ----------------------------------------------------------- */

struct walk {
    struct ledger *ledger;
    unsigned stream;
    uint64_t first, last;   /* of the store */
    uint64_t newest, count; /* of the stream: its newest, and those that have been seen */
    uint64_t next;          /* the number from which on the next is looked for */
};

/* The stream's next reading that is there, or 0. */
static uint64_t walk_next(struct walk *walk)
{
    for (; walk->next <= walk->last; walk->next++) {
        if (stream_of(walk->ledger->keys[walk->next]) == walk->stream &&
            (walk->next >= walk->first || walk->next == walk->newest)) {
            return walk->next++;
        }
    }
    return 0;
}

static enum nx_err walk_reading(void *ctx, const struct nx_reading *row)
{
    struct walk *walk = ctx;

    walk->count++;
    return row->seq == walk_next(walk) ? NX_OK : NX_ERR_INVALID;
}

static enum nx_err walk_stream(void *ctx, const struct nx_store_stream *row)
{
    struct walk *walk = ctx;
    struct content content;

    content_of(walk->ledger->keys[walk->newest], &content);
    return !nx_span_is(row->topic, content.topic) ||
                   (row->count == walk->count && row->last_seq == walk->newest)
               ? NX_OK
               : NX_ERR_INVALID;
}

static bool check_stream(struct ledger *ledger, struct nx_store *store, unsigned stream)
{
    struct walk walk = {ledger, stream, nx_store_first(store), nx_store_last(store), 0, 0, 1};
    struct nx_store_query query = {.limit = 0};
    struct content content;
    enum nx_err err;

    for (uint64_t seq = 1; seq <= walk.last; seq++) {
        walk.newest = stream_of(ledger->keys[seq]) == stream ? seq : walk.newest;
    }
    if (walk.newest == 0) {
        return true;
    }
    content_of(ledger->keys[walk.newest], &content);
    query.filter = nx_span_from(content.topic);
    err = nx_store_history(store, &query, walk_reading, &walk, NULL);
    if (err != NX_OK || walk_next(&walk) != 0) {
        return wrong(ledger, "the history of %s breaks off behind %" PRIu64 " readings",
                     content.topic, walk.count);
    }
    if (nx_store_streams(store, walk_stream, &walk, NULL) != NX_OK) {
        return wrong(ledger, "%s: its head is not as its history", content.topic);
    }
    return true;
}

static bool check_streams(struct ledger *ledger, struct nx_store *store)
{
    bool ok = true;

    for (unsigned i = 0; i < LEDGER_STREAMS && ok; i++) {
        ok = check_stream(ledger, store, i);
    }
    return ok;
}

/* --- all of it --------------------------------------------------------------------------------- */

static bool check_marks(struct ledger *ledger, struct nx_store *store,
                        const struct ledger_mark *mark)
{
    struct nx_store_cursor cursor;
    int64_t number = 0;

    if (nx_store_load_cursor(store, LINK, &cursor, NULL) != NX_OK ||
        nx_store_get_number(store, "number", &number, NULL) != NX_OK) {
        return wrong(ledger, "cursor or number cannot be read");
    }
    if (memcmp(&cursor, &mark->cursor, sizeof(cursor)) != 0 || number != mark->number) {
        return wrong(ledger, "cursor %" PRIu64 " number %" PRId64 " beside record %" PRIu64,
                     cursor.cursor, number, nx_store_last(store));
    }
    if (cursor.cursor > nx_store_last(store)) {
        return wrong(ledger, "cursor %" PRIu64 " is beyond the last record %" PRIu64, cursor.cursor,
                     nx_store_last(store));
    }
    return true;
}

bool ledger_check(struct ledger *ledger, struct nx_store *store)
{
    uint64_t last = nx_store_last(store);
    const struct ledger_mark *mark = last == ledger->doubt.last ? &ledger->doubt : &ledger->acked;

    if (last < ledger->acked.last) {
        ledger->lost = true;
        return wrong(ledger, "%" PRIu64 " readings were acknowledged, %" PRIu64 " are there",
                     ledger->acked.last, last);
    }
    if (last != mark->last) {
        return wrong(ledger, "a part of a transaction is there, up to record %" PRIu64, last);
    }
    if (!check_marks(ledger, store, mark) || !check_records(ledger, store) ||
        !check_streams(ledger, store)) {
        return false;
    }
    ledger->acked = *mark; /* also when it was written half, because the process ended */
    ledger->acked.first = nx_store_first(store);
    ledger->doubt = ledger->acked;
    return true;
}

bool ledger_integrity(struct ledger *ledger, const char *path, const char *vfs)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    const char *found = NULL;
    bool ok;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, vfs) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        found = (const char *)sqlite3_column_text(stmt, 0);
    }
    ok = nx_span_is(nx_span_from(found), "ok");
    if (!ok) {
        (void)wrong(ledger, "integrity: %.500s", found != NULL ? found : sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return ok;
}
