/*
 * store_file_test.c - a cache that is not as this version left it: older, newer, somebody else's,
 * damaged at the start or while it is in use.
 */
#include "core/os/file.h"
#include "test/unit/bridge/store_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- files that cannot be used --------------------------------------------------------------- */

static void overwrite(const struct place *place, off_t at, size_t count)
{
    int fd = open(place->db, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pwrite(fd, "?", 1, at + (off_t)i), 1);
    }
    (void)close(fd);
}

static void a_damaged_file_is_set_aside_and_a_new_epoch_begins(void **state)
{
    static const struct {
        off_t at;
        size_t count;
    } damages[] = {{0, 600}, {4096, 30000}};
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct nx_store *store = place_open(place);

        for (int n = 0; n < 50; n++) {
            (void)place_append(place, store, 1,
                               "some reading of some length, so that pages fill up");
        }
        assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
        nx_store_close(store);
        overwrite(place, damages[i].at, damages[i].count);
        store = place_open(place);
        assert_int_equal(nx_store_last(store), 0);
        assert_non_null(strstr(place->told, "set aside as"));
        assert_int_equal(place_files(place, ".damaged-20260131T150000Z", false), 1);
        nx_store_close(store);
        (void)place_files(place, "", true);
    }
}

static void all_that_is_set_aside_in_one_second_is_kept(void **state)
{
    struct place *place = *state;

    for (int i = 1; i <= 3; i++) {
        struct nx_store *store = place_open(place);

        (void)place_append(place, store, 1, "x");
        place_commit(place, store);
        nx_store_close(store);
        overwrite(place, 0, 600);
        nx_store_close(place_open(place));
        assert_int_equal(place_files(place, ".damaged-20260131T150000Z", false), i);
        assert_int_equal(nx_store_set_aside(place->db), i);
    }
}

static void a_newer_file_is_refused_and_left_as_it_is(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    nx_store_close(store);
    place_query(place, "PRAGMA user_version = 99");
    assert_int_equal(place_try_open(place, NULL, &store), NX_ERR_UNSUPPORTED);
    assert_non_null(strstr(place->diag.text, "newer"));
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_ERR_UNSUPPORTED);
    assert_int_equal(place_files(place, "damaged", false), 0);
}

static void a_database_of_somebody_else_is_refused_and_left_as_it_is(void **state)
{
    struct place *place = *state;
    struct nx_store *store = NULL;

    place_query(place, "CREATE TABLE cats (name TEXT)");
    assert_int_equal(place_try_open(place, NULL, &store), NX_ERR_UNSUPPORTED);
    assert_non_null(strstr(place->diag.text, "not a cache of nexus"));
    assert_int_equal(place_files(place, "damaged", false), 0);
}

static void a_folder_that_is_missing_is_told_with_its_path(void **state)
{
    struct place *place = *state;
    struct nx_store *store = NULL;

    (void)snprintf(place->db, sizeof(place->db), "%s/nowhere/birmingham.db", place->dir);
    assert_int_equal(place_try_open(place, NULL, &store), NX_ERR_DENIED);
    assert_string_equal(place->diag.file, place->db);
    assert_non_null(strstr(place->diag.text, "No such file"));
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_ERR_NOT_FOUND);
}

/* --- damaged in use ---------------------------------------------------------------------------- */

static void a_cache_damaged_in_use_is_opened_anew_under_the_same_handle(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_store_options options = place_options();

    (void)place_append(place, store, 1, "x");
    place_commit(place, store);
    nx_store_close(store);
    store = place_open(place);
    overwrite(place, 4096, 30000);
    options.verify = true;
    options.now_ms++;
    assert_int_equal(nx_store_reopen(store, &options, &place->log, &place->diag), NX_OK);
    assert_string_equal(nx_store_epoch(store), "019c1491698189abcdef");
    assert_int_equal(nx_store_last(store), 0);
    assert_int_equal(place_append(place, store, 1, "y"), 1);
    place_commit(place, store);
    nx_store_close(store);
    assert_int_equal(place_files(place, ".damaged-", false), 1);
}

/* The so many-th cache of one second that is set aside. */
static const char *aside_name(const struct place *place, int n, char *out, size_t size)
{
    char more[16] = "";

    if (n > 1) {
        (void)snprintf(more, sizeof(more), "-%d", n);
    }
    (void)snprintf(out, size, "%s.damaged-20260131T150000Z%s", place->db, more);
    return out;
}

static void a_cache_that_cannot_be_opened_again_refuses_everything_until_it_can(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_store_options options = place_options();
    struct nx_reading one = place_reading(1, "x");
    char in_the_way[PLACE_PATH_SIZE + 64];
    uint64_t seq;

    nx_store_close(store);
    store = place_open(place); /* so that nothing in the -wal mends what is damaged here */
    overwrite(place, 0, 600);
    for (int i = 1; i <= 9; i++) {
        assert_int_equal(mkdir(aside_name(place, i, in_the_way, sizeof(in_the_way)), 0700), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nx_store_reopen(store, &options, &place->log, &place->diag), NX_ERR_IO);
        assert_non_null(strstr(place->diag.text, "cannot be set aside"));
    }
    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_ERR_IO);
    assert_non_null(strstr(place->diag.text, "is closed"));
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK); /* there is nothing to commit */
    nx_store_rollback(store);
    assert_string_equal(nx_store_epoch(store), "019c1491698089abcdef");
    for (int i = 1; i <= 9; i++) {
        assert_int_equal(rmdir(aside_name(place, i, in_the_way, sizeof(in_the_way))), 0);
    }
    assert_int_equal(nx_store_reopen(store, &options, &place->log, &place->diag), NX_OK);
    assert_int_equal(place_append(place, store, 1, "x"), 1);
    nx_store_close(store);
}

/* --- older versions ---------------------------------------------------------------------------- */

static void place_version_1(const struct place *place)
{
    struct nx_buf sql;

    nx_buf_init(&sql, 65536);
    assert_int_equal(
        nx_file_read(NX_SOURCE_DIR "/test/unit/bridge/cache_version_1.sql", &sql, NULL), NX_OK);
    assert_int_equal(nx_buf_byte(&sql, '\0'), NX_OK);
    place_query(place, sql.data);
    nx_buf_fini(&sql);
}

struct letters {
    char text[1024];
};

static enum nx_err list_letter(void *ctx, const struct nx_dead_letter *letter,
                               const struct nx_reading *record)
{
    struct letters *list = ctx;
    size_t len = strlen(list->text);

    (void)snprintf(list->text + len, sizeof(list->text) - len, "%llu %.*s %s %.*s <%.*s>\n",
                   (unsigned long long)letter->seq, NX_SPAN_ARG(letter->link),
                   nx_channel_name(letter->channel), NX_SPAN_ARG(letter->reason),
                   NX_SPAN_ARG(record->original));
    return NX_OK;
}

static void a_cache_of_version_1_opens_and_drains(void **state)
{
    struct place *place = *state;
    struct nx_store_cursor cursor;
    struct nx_store *store;
    int64_t number = 0;
    bool yes = false;

    place_version_1(place);
    store = place_open(place);
    assert_string_equal(nx_store_epoch_of(store, 4), "019c1491698089abcdef");
    assert_string_equal(nx_store_epoch(store), "019c1491698189abcdef"); /* it may be a copy */
    assert_int_equal(nx_store_first(store), 1);
    assert_int_equal(nx_store_last(store), 4);
    assert_int_equal(
        nx_store_load_cursor(store, NX_SPAN("birmingham-ulsan"), &cursor, &place->diag), NX_OK);
    assert_memory_equal(&cursor, &((struct nx_store_cursor){2, 1, 1, 0, 0}), sizeof(cursor));
    assert_string_equal(place_original(store, 3), "{\"a\":3}");
    assert_string_equal(place_original(store, 4), "");
    assert_int_equal(nx_store_get_number(store, "broker_dropped", &number, NULL), NX_OK);
    assert_int_equal(number, 7);
    assert_int_equal(
        nx_store_repeats(store, 13, NX_SPAN(PLACE_TOPIC), NX_SPAN("{\"a\":3}"), &yes, &place->diag),
        NX_OK);
    assert_true(yes);
    assert_int_equal(place_append(place, store, 15, "after"), 5);
    cursor = (struct nx_store_cursor){.cursor = 5, .sent = 3, .dead = 1, .filtered = 1};
    assert_int_equal(
        nx_store_save_cursor(store, NX_SPAN("birmingham-ulsan"), &cursor, &place->diag), NX_OK);
    place_commit(place, store);
    nx_store_close(store);
    store = place_open(place); /* and once only */
    assert_int_equal(nx_store_last(store), 5);
    nx_store_close(store);
}

static void readings_of_version_1_are_chained_and_counted_afterwards(void **state)
{
    struct place *place = *state;
    struct nx_store *store;

    place_version_1(place);
    store = place_open(place);
    (void)place_append(place, store, 15, "after");
    place_commit(place, store);
    nx_store_close(store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), 5);
    assert_int_equal(place_number(place, "SELECT prev FROM readings WHERE seq = 5"), 3);
    assert_int_equal(place_number(place, "SELECT prev FROM readings WHERE seq = 4"), 2);
    assert_int_equal(place_number(place, "SELECT prev FROM readings WHERE seq = 3"), 1);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings WHERE prev IS NULL"), 2);
    assert_int_equal(place_number(place, "SELECT count FROM heads WHERE stream = 1 AND last = 5"),
                     3);
    assert_int_equal(place_number(place, "SELECT count FROM heads WHERE stream = 2 AND last = 4"),
                     2);
    assert_int_equal(place_number(place, "SELECT count(*) FROM sqlite_schema WHERE type = 'index'"
                                         " AND name LIKE 'readings%'"),
                     0);
}

static void dead_letters_of_version_1_know_their_channel_afterwards(void **state)
{
    struct place *place = *state;
    struct letters list = {""};
    struct nx_store *store;

    place_version_1(place);
    store = place_open(place);
    assert_int_equal(nx_store_dead(store, (struct nx_span){NULL, 0}, list_letter, &list, NULL),
                     NX_OK);
    assert_string_equal(list.text, "1 birmingham-oslo observation some words <{\"a\":1}>\n"
                                   "1 birmingham-ulsan original too large <{\"a\":1}>\n"
                                   "2 birmingham-ulsan observation payload: no time <{\"a\":2}>\n");
    nx_store_close(store);
}

static void a_reader_refuses_an_older_cache_and_says_what_helps(void **state)
{
    struct place *place = *state;
    struct nx_store *store = NULL;
    uint64_t letters;

    place_version_1(place);
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_ERR_UNSUPPORTED);
    assert_non_null(strstr(place->diag.text, "start nexus-bridge once"));
    assert_int_equal(
        nx_store_ask_resend(place->db, NX_SPAN("birmingham-ulsan"), 0, 1, &letters, &place->diag),
        NX_ERR_UNSUPPORTED);
    assert_int_equal(place_number(place, "PRAGMA user_version"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_damaged_file_is_set_aside_and_a_new_epoch_begins),
        PLACE_TEST(all_that_is_set_aside_in_one_second_is_kept),
        PLACE_TEST(a_newer_file_is_refused_and_left_as_it_is),
        PLACE_TEST(a_database_of_somebody_else_is_refused_and_left_as_it_is),
        PLACE_TEST(a_folder_that_is_missing_is_told_with_its_path),
        PLACE_TEST(a_cache_damaged_in_use_is_opened_anew_under_the_same_handle),
        PLACE_TEST(a_cache_that_cannot_be_opened_again_refuses_everything_until_it_can),
        PLACE_TEST(a_cache_of_version_1_opens_and_drains),
        PLACE_TEST(readings_of_version_1_are_chained_and_counted_afterwards),
        PLACE_TEST(dead_letters_of_version_1_know_their_channel_afterwards),
        PLACE_TEST(a_reader_refuses_an_older_cache_and_says_what_helps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
