/*
 * store_plan_test.c - the store does everything it can do, and SQLite is asked for the plan of each
 * statement that it saw: what runs while readings come must find its rows by an index, however
 * long the history is. https://sqlite.org/eqp.html
 */
#include "test/unit/bridge/store_place.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { STATEMENTS_MAX = 128 };

static struct {
    char *sql[STATEMENTS_MAX];
    int count;
} seen;

static int on_statement(unsigned kind, void *ctx, void *stmt, void *text)
{
    const char *sql = sqlite3_sql(stmt);

    (void)kind;
    (void)ctx;
    (void)text;
    for (int i = 0; i < seen.count; i++) {
        if (strcmp(seen.sql[i], sql) == 0) {
            return 0;
        }
    }
    assert_in_range(seen.count, 0, STATEMENTS_MAX - 1);
    seen.sql[seen.count++] = strdup(sql);
    return 0;
}

static int watch(sqlite3 *db, char **error, const struct sqlite3_api_routines *api)
{
    (void)error;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

static enum nx_err ignore_reading(void *ctx, const struct nx_reading *row)
{
    (void)ctx;
    (void)row;
    return NX_OK;
}

static enum nx_err ignore_stream(void *ctx, const struct nx_store_stream *row)
{
    (void)ctx;
    (void)row;
    return NX_OK;
}

static enum nx_err ignore_letter(void *ctx, const struct nx_dead_letter *letter,
                                 const struct nx_reading *record)
{
    (void)ctx;
    (void)letter;
    (void)record;
    return NX_OK;
}

static void read_everything(struct place *place)
{
    const struct nx_store_query query = {
        .filter = NX_SPAN(PLACE_TOPIC), .since = 1, .until = 3, .to_ms = INT64_MAX, .limit = 5};
    const struct nx_store_query all = {.limit = 0};
    struct nx_store *reader = NULL;

    assert_int_equal(nx_store_open_read(place->db, &reader, &place->diag), NX_OK);
    assert_int_equal(nx_store_streams(reader, ignore_stream, NULL, NULL), NX_OK);
    assert_int_equal(nx_store_latest(reader, &query, ignore_reading, NULL, NULL), NX_OK);
    assert_int_equal(nx_store_latest(reader, &all, ignore_reading, NULL, NULL), NX_OK);
    assert_int_equal(nx_store_history(reader, &query, ignore_reading, NULL, NULL), NX_OK);
    assert_int_equal(nx_store_dead(reader, NX_SPAN("l"), ignore_letter, NULL, NULL), NX_OK);
    nx_store_close(reader);
}

static void die(struct nx_store *store, uint64_t seq)
{
    const struct nx_dead_letter letter = {
        .link = NX_SPAN("l"), .seq = seq, .channel = NX_CHANNEL_ORIGINAL, .reason = NX_SPAN("r")};
    bool is = false;

    assert_int_equal(nx_store_dead_letter(store, &letter, NULL), NX_OK);
    assert_int_equal(nx_store_is_dead(store, letter.link, seq, &is, NULL), NX_OK);
    assert_true(is);
}

static void write_everything(struct place *place, struct nx_store *store)
{
    const struct nx_store_limits limits = {.before_ms = INT64_MAX, .bytes_max = 1};
    const struct nx_store_cursor cursor = {.cursor = 3, .sent = 3};
    struct nx_store_cursor got;
    struct nx_store_resent resent;
    struct nx_store_thinned thinned;
    uint64_t letters;
    bool yes;

    for (uint16_t id = 1; id <= 6; id++) {
        (void)place_append(place, store, id, "x");
    }
    (void)place_append_to(place, store, "A", 1, "x");
    assert_int_equal(nx_store_repeats(store, 1, NX_SPAN(PLACE_TOPIC), NX_SPAN("x"), &yes, NULL),
                     NX_OK);
    assert_int_equal(nx_store_is_latest(store, NX_SPAN(PLACE_TOPIC), NX_SPAN("x"), &yes, NULL),
                     NX_OK);
    assert_int_equal(nx_store_save_cursor(store, NX_SPAN("l"), &cursor, NULL), NX_OK);
    assert_int_equal(nx_store_load_cursor(store, NX_SPAN("l"), &got, NULL), NX_OK);
    assert_int_equal(nx_store_settle(store, 7, NULL), NX_OK);
    die(store, 5);
    die(store, 6);
    place_commit(place, store);
    assert_int_equal(nx_store_ask_resend(place->db, NX_SPAN("l"), 0, 1, &letters, NULL), NX_OK);
    assert_int_equal(nx_store_resend(store, 1, &resent, NULL), NX_OK);
    die(store, resent.first);
    assert_int_equal(nx_store_resend(store, 9, &resent, NULL), NX_OK);
    place_commit(place, store);
    assert_int_equal(nx_store_ask_resend(place->db, NX_SPAN("l"), 8, 1, &letters, NULL), NX_OK);
    assert_int_equal(nx_store_resend(store, 9, &resent, NULL), NX_OK);
    assert_string_equal(place_original(store, resent.first), "x");
    assert_int_equal(nx_store_thin(store, UINT64_MAX, &limits, 100, &thinned, NULL), NX_OK);
    (void)place_append_to(place, store, "A", 1, "y"); /* the one that had stayed goes */
    nx_store_rollback(store);
}

/* Is that step of the plan one that looks at all rows, and is it not one of these? */
static bool is_fine(const char *sql, const char *step)
{
    static const struct {
        const char *sql, *step;
    } meant[] = {
        {"FROM streams s JOIN heads h", "SCAN s"},            /* walks over all streams */
        {"FROM dead_letters WHERE ?1 IS NULL", "SCAN"},       /* the operator's list */
        {"FROM resend_requests ORDER BY id LIMIT 1", "SCAN"}, /* its first row */
        {"FROM readings), 0), coalesce", "SCAN CONSTANT ROW"},
        {"UPDATE heads SET gone = gone + removed.n", "SCAN removed"}, /* of the removed */
        {"UPDATE heads SET gone = gone + removed.n", "USE TEMP B-TREE FOR GROUP BY"},
        {"SELECT min(seq), max(seq), count(*)", "SCAN"},
    };

    if (strstr(step, "SCAN") == NULL && strstr(step, "TEMP B-TREE") == NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof(meant) / sizeof(meant[0]); i++) {
        if (strstr(sql, meant[i].sql) != NULL && strstr(step, meant[i].step) != NULL) {
            return true;
        }
    }
    return false;
}

/* Does a statement have no plan here because of what is only there in migrations, or only in the
 * store's own connection? */
static bool is_excused(const char *error)
{
    static const char *const excuses[] = {"dead_letters_1", "readings_3", "table heads has",
                                          "no such table: numbers"};

    for (size_t i = 0; i < sizeof(excuses) / sizeof(excuses[0]); i++) {
        if (strstr(error, excuses[i]) != NULL) {
            return true;
        }
    }
    print_error("%s\n", error);
    return false;
}

static int check_plan(sqlite3 *db, const char *sql)
{
    char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *stmt = NULL;
    int bad = 0;

    if (sqlite3_prepare_v2(db, explain, -1, &stmt, NULL) != SQLITE_OK) {
        bad += !is_excused(sqlite3_errmsg(db));
    }
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(stmt, 3);

        if (!is_fine(sql, step)) {
            print_error("%s: %s\n", step, sql);
            bad++;
        }
    }
    (void)sqlite3_finalize(stmt);
    sqlite3_free(explain);
    return bad;
}

static void every_statement_finds_its_rows_by_an_index(void **state)
{
    struct place *place = *state;
    struct nx_store *store;
    sqlite3 *db = NULL;
    int readings = 0;
    int bad = 0;

    (void)sqlite3_auto_extension((void (*)(void))(void *)watch);
    store = place_open(place);
    write_everything(place, store);
    read_everything(place);
    sqlite3_reset_auto_extension();
    assert_int_equal(sqlite3_open(place->db, &db), SQLITE_OK);
    for (int i = 0; i < seen.count; i++) {
        const char *sql = seen.sql[i];

        if (strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "DELETE", 6) == 0 ||
            strncmp(sql, "INSERT", 6) == 0 || strncmp(sql, "UPDATE", 6) == 0) {
            readings += strstr(sql, "readings") != NULL ? 1 : 0;
            bad += strstr(sql, "sqlite_") == NULL ? check_plan(db, sql) : 0;
        }
        free(seen.sql[i]);
    }
    (void)sqlite3_close(db);
    nx_store_close(store);
    assert_int_equal(bad, 0);
    assert_in_range(readings, 12, STATEMENTS_MAX); /* the test has seen what it is about */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(every_statement_finds_its_rows_by_an_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
