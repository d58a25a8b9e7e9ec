/*
 * store_checkpoint_test.c - the write-ahead log goes into the file beside the commits, and begins anew
 * again and again: by a thread, by its steps within commits, or by the commits themselves.
 */
#include "test/unit/bridge/store_place.h"

#include <stdio.h>
#include <sys/stat.h>

enum { PAGES = 20, COMMITS = 800, LOG_BYTES_MAX = 3 * 1024 * 1024 /* of 8 that were written */ };

static struct nx_store *open_with(struct place *place, enum nx_store_checkpoint checkpoint)
{
    struct nx_store_options options = place_options();
    struct nx_store *store = NULL;

    options.checkpoint = checkpoint;
    options.checkpoint_pages = PAGES;
    assert_int_equal(nx_store_open(place->db, &options, &place->log, &store, &place->diag), NX_OK);
    return store;
}

static void commit_some(struct place *place, struct nx_store *store)
{
    for (uint64_t i = 1; i <= COMMITS; i++) {
        assert_int_equal(place_append_to(place, store, i % 2 == 0 ? "A" : "B", 1, "some reading"),
                         i);
        place_commit(place, store);
    }
}

static off_t log_bytes(const struct place *place)
{
    char path[PLACE_PATH_SIZE + 8];
    struct stat about;

    (void)snprintf(path, sizeof(path), "%s-wal", place->db);
    return stat(path, &about) == 0 ? about.st_size : 0;
}

static void the_log_begins_anew(struct place *place, enum nx_store_checkpoint checkpoint)
{
    struct nx_store *store = open_with(place, checkpoint);

    commit_some(place, store);
    assert_in_range(log_bytes(place), 1, LOG_BYTES_MAX);
    nx_store_close(store);
    assert_int_equal(log_bytes(place), 0); /* all of it is in the file */
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), COMMITS);
    assert_int_equal(place_number(place, "SELECT count(*) FROM pragma_integrity_check"
                                         " WHERE integrity_check = 'ok'"),
                     1);
}

static void the_log_begins_anew_by_commits(void **state)
{
    the_log_begins_anew(*state, NX_STORE_CHECKPOINT_HERE);
}

static void the_log_begins_anew_by_another_connection(void **state)
{
    the_log_begins_anew(*state, NX_STORE_CHECKPOINT_ASIDE);
}

static void the_log_begins_anew_by_a_thread(void **state)
{
    the_log_begins_anew(*state, NX_STORE_CHECKPOINT_THREAD);
}

struct reading_on {
    struct place *place;
    struct nx_store *writer;
};

static enum nx_err write_meanwhile(void *ctx, const struct nx_store_stream *row)
{
    struct reading_on *on = ctx;

    (void)row;
    for (int i = 0; i < COMMITS; i++) {
        (void)place_append(on->place, on->writer, 0, "some reading");
        place_commit(on->place, on->writer);
    }
    return NX_OK;
}

/* What it reads may not be overwritten: the log grows, and nobody waits for nobody. */
static void a_reader_in_the_middle_holds_up_no_commit(void **state)
{
    struct place *place = *state;
    struct reading_on on = {place, open_with(place, NX_STORE_CHECKPOINT_THREAD)};
    struct nx_store *reader = NULL;

    (void)place_append(place, on.writer, 0, "the first");
    place_commit(place, on.writer);
    assert_int_equal(nx_store_open_read(place->db, &reader, &place->diag), NX_OK);
    assert_int_equal(nx_store_streams(reader, write_meanwhile, &on, &place->diag), NX_OK);
    assert_true(log_bytes(place) > LOG_BYTES_MAX);
    nx_store_close(reader);
    nx_store_close(on.writer);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), COMMITS + 1);
}

static void a_cache_with_a_thread_can_be_opened_anew_under_the_same_handle(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_with(place, NX_STORE_CHECKPOINT_THREAD);
    struct nx_store_options options = place_options();

    options.checkpoint = NX_STORE_CHECKPOINT_THREAD;
    options.checkpoint_pages = PAGES;
    (void)place_append(place, store, 1, "x");
    nx_store_rollback(store);
    assert_int_equal(nx_store_reopen(store, &options, &place->log, &place->diag), NX_OK);
    commit_some(place, store);
    assert_in_range(log_bytes(place), 1, LOG_BYTES_MAX);
    nx_store_close(store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), COMMITS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(the_log_begins_anew_by_commits),
        PLACE_TEST(the_log_begins_anew_by_another_connection),
        PLACE_TEST(the_log_begins_anew_by_a_thread),
        PLACE_TEST(a_reader_in_the_middle_holds_up_no_commit),
        PLACE_TEST(a_cache_with_a_thread_can_be_opened_anew_under_the_same_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
