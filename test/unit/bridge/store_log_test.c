/*
 * store_log_test.c - the files of a cache are cut, removed or exchanged while a bridge has them open.
 * What was durable is there when it is opened again, or its loss is told and a new epoch begins:
 * no number of an epoch is given twice.
 */
#include "bridge/store_sqlite.h"
#include "test/unit/bridge/store_place.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define EPOCH "019c1491698089abcdef" /* of place_options */

/* Of FILE, FILE-wal, or FILE and any other ending. */
static const char *beside(const struct place *place, const char *tail)
{
    static char path[PLACE_PATH_SIZE + 16];

    (void)snprintf(path, sizeof(path), "%s%s", place->db, tail);
    return path;
}

static off_t size_of(const struct place *place, const char *tail)
{
    struct stat found;

    assert_int_equal(stat(beside(place, tail), &found), 0);
    return found.st_size;
}

static void cut(const struct place *place, const char *tail, off_t size)
{
    assert_int_equal(truncate(beside(place, tail), size), 0);
}

static void zeros(const struct place *place, const char *tail)
{
    off_t size = size_of(place, tail);

    cut(place, tail, 0);
    cut(place, tail, size);
}

static void copy(const struct place *place, const char *from, const char *to)
{
    static char bytes[1024 * 1024];
    int in = open(beside(place, from), O_RDONLY | O_CLOEXEC);
    int out = open(beside(place, to), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t len = read(in, bytes, sizeof(bytes));

    assert_true(len >= 0 && write(out, bytes, (size_t)len) == len);
    (void)close(in);
    (void)close(out);
}

static void replace(const struct place *place, const char *with)
{
    char from[PLACE_PATH_SIZE + 16];

    (void)snprintf(from, sizeof(from), "%s", beside(place, with));
    assert_int_equal(rename(from, place->db), 0);
}

/* A cache with two readings, of which the first is in the file and the second in the log alone. */
static struct nx_store *open_with_log(struct place *place)
{
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 1, "in the file");
    place_commit(place, store);
    place_query(place, "PRAGMA wal_checkpoint(PASSIVE)");
    (void)place_append(place, store, 2, "in the log");
    place_commit(place, store);
    return store;
}

/* The next transaction finds it out. */
static void assert_found(struct place *place, struct nx_store *store, const char *words)
{
    struct nx_reading one = place_reading(3, "afterwards");
    uint64_t seq;

    assert_int_equal(nx_store_check(store, &place->diag), NX_ERR_STATE);
    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_ERR_STATE);
    assert_non_null(strstr(place->diag.text, words));
    nx_store_rollback(store);
}

static void reopen(struct place *place, struct nx_store *store)
{
    struct nx_store_options options = place_options();

    options.verify = true;
    options.now_ms -= 86400000; /* a clock that was set back makes no smaller epoch */
    place->told[0] = '\0';
    if (nx_store_reopen(store, &options, &place->log, &place->diag) != NX_OK) {
        fail_msg("%s", place->diag.text);
    }
    assert_int_equal(nx_store_check(store, &place->diag), NX_OK);
}

static void assert_nothing_lost(struct place *place, struct nx_store *store)
{
    assert_string_equal(nx_store_epoch(store), EPOCH);
    assert_int_equal(nx_store_last(store), 2);
    assert_string_equal(place_original(store, 2), "in the log");
    assert_int_equal(place_append(place, store, 3, "afterwards"), 3);
    place_commit(place, store);
    assert_int_equal(place_files(place, "damaged", false), 0);
    nx_store_close(store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), 3);
}

static void assert_new_epoch(struct place *place, struct nx_store *store, const char *words)
{
    assert_true(strcmp(nx_store_epoch(store), EPOCH) > 0);
    assert_int_equal(nx_store_last(store), 0);
    if (strstr(place->told, words) == NULL || strstr(place->told, "a new epoch begins") == NULL) {
        fail_msg("told: %s", place->told);
    }
    assert_int_equal(place_append(place, store, 3, "afterwards"), 1);
    place_commit(place, store);
    nx_store_close(store);
}

/* --- the log ------------------------------------------------------------------------------------- */

static void a_log_that_was_removed_is_saved_from_the_open_file(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    assert_int_equal(unlink(beside(place, "-wal")), 0);
    assert_found(place, store, "was removed while it was in use");
    reopen(place, store);
    assert_nothing_lost(place, store);
}

static void a_log_that_was_removed_is_saved_at_the_end_too(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    assert_int_equal(unlink(beside(place, "-wal")), 0);
    nx_store_close(store);
    assert_nothing_lost(place, place_open(place));
}

static void a_log_that_was_cut_is_told_and_a_new_epoch_begins(void **state)
{
    static const off_t sizes[] = {0, 32, 5000}; /* nothing, its head, a part of its first page */
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct nx_store *store = open_with_log(place);

        cut(place, "-wal", sizes[i]);
        assert_found(place, store, "was cut or overwritten");
        reopen(place, store);
        assert_new_epoch(place, store, "what is missing is lost");
        (void)place_files(place, "", true);
    }
}

static void a_log_that_was_overwritten_is_told_and_a_new_epoch_begins(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    zeros(place, "-wal");
    assert_found(place, store, "was cut or overwritten");
    reopen(place, store);
    assert_new_epoch(place, store, "what is missing is lost");
}

static void the_end_leaves_a_file_alone_whose_log_was_overwritten(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    zeros(place, "-wal");
    nx_store_close(store); /* would have carried the zeros into the file */
    store = place_open(place);
    assert_string_equal(nx_store_epoch(store), EPOCH);
    assert_string_equal(place_original(store, 1), "in the file");
    nx_store_close(store);
}

static void a_log_that_was_cut_costs_nothing_when_all_of_it_was_in_the_file(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    place_query(place, "PRAGMA wal_checkpoint(PASSIVE)");
    cut(place, "-wal", 0);
    assert_found(place, store, "was cut or overwritten");
    reopen(place, store);
    assert_nothing_lost(place, store);
}

static void a_lost_transaction_without_a_reading_is_noticed_as_well(void **state)
{
    const struct nx_store_cursor cursor = {.cursor = 1, .sent = 1};
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    place_query(place, "PRAGMA wal_checkpoint(PASSIVE)");
    assert_int_equal(nx_store_save_cursor(store, NX_SPAN("link"), &cursor, &place->diag), NX_OK);
    place_commit(place, store);
    cut(place, "-wal", 0);
    assert_found(place, store, "was cut or overwritten");
    reopen(place, store);
    assert_new_epoch(place, store, "what is missing is lost");
}

/* --- the file ------------------------------------------------------------------------------------ */

static void a_file_that_was_removed_is_told(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);

    assert_int_equal(unlink(place->db), 0);
    assert_found(place, store, "was removed while it was in use");
    reopen(place, store);
    assert_new_epoch(place, store, "was gone, or empty");
}

static void an_older_copy_in_place_of_the_file_is_set_aside(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 1, "in the file");
    place_commit(place, store);
    place_query(place, "PRAGMA wal_checkpoint(PASSIVE)");
    copy(place, "", ".copy");
    (void)place_append(place, store, 2, "later");
    place_commit(place, store);
    replace(place, ".copy");
    assert_found(place, store, "was replaced while it was in use");
    reopen(place, store);
    assert_int_equal(place_files(place, "damaged", false) > 0, 1);
    assert_new_epoch(place, store, "it ends at record 1");
}

static void what_was_ours_and_is_so_no_more_is_set_aside(void **state)
{
    static const char *const changes[] = {"PRAGMA user_version = 99", "DROP TABLE readings"};
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct nx_store *store = open_with_log(place);

        place_query(place, changes[i]);
        reopen(place, store);
        assert_new_epoch(place, store, "set aside as");
        (void)place_files(place, "", true);
    }
}

/* --- what passes --------------------------------------------------------------------------------- */

static void a_lock_of_another_is_no_damage(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);
    struct nx_reading one = place_reading(3, "x");
    sqlite3 *other = NULL;
    uint64_t seq;

    assert_int_equal(sqlite3_open(place->db, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_ERR_IO);
    assert_non_null(strstr(place->diag.text, "locked"));
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    nx_store_rollback(store);
    assert_nothing_lost(place, store);
}

/* As when a look-up in it meets an error of the disk. */
static void a_transaction_that_sqlite_has_ended_is_neither_damage_nor_committed(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with_log(place);
    struct nx_reading one = place_reading(3, "x");
    uint64_t seq;

    (void)place_append(place, store, 3, "rolled back");
    assert_int_equal(sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_ERR_IO);
    assert_int_equal(nx_store_commit(store, &place->diag), NX_ERR_IO);
    assert_non_null(strstr(place->diag.text, "has ended"));
    nx_store_rollback(store);
    assert_nothing_lost(place, store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_log_that_was_removed_is_saved_from_the_open_file),
        PLACE_TEST(a_log_that_was_removed_is_saved_at_the_end_too),
        PLACE_TEST(a_log_that_was_cut_is_told_and_a_new_epoch_begins),
        PLACE_TEST(a_log_that_was_overwritten_is_told_and_a_new_epoch_begins),
        PLACE_TEST(the_end_leaves_a_file_alone_whose_log_was_overwritten),
        PLACE_TEST(a_log_that_was_cut_costs_nothing_when_all_of_it_was_in_the_file),
        PLACE_TEST(a_lost_transaction_without_a_reading_is_noticed_as_well),
        PLACE_TEST(a_file_that_was_removed_is_told),
        PLACE_TEST(an_older_copy_in_place_of_the_file_is_set_aside),
        PLACE_TEST(what_was_ours_and_is_so_no_more_is_set_aside),
        PLACE_TEST(a_lock_of_another_is_no_damage),
        PLACE_TEST(a_transaction_that_sqlite_has_ended_is_neither_damage_nor_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
