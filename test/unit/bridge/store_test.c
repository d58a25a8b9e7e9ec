/*
 * store_test.c - the cache: what is durable after a commit and gone without one, repetitions,
 * cursors, a disk that fails, walks. Each test has a folder of its own.
 */
#include "test/unit/bridge/failing_vfs.h"
#include "test/unit/bridge/store_place.h"

#include <sqlite3.h>
#include <stdio.h>

static bool repeats(struct place *place, struct nx_store *store, uint16_t packet_id,
                    const char *payload)
{
    bool yes = false;

    assert_int_equal(nx_store_repeats(store, packet_id, NX_SPAN(PLACE_TOPIC), nx_span_from(payload),
                                      &yes, &place->diag),
                     NX_OK);
    return yes;
}

/* --- what lasts ------------------------------------------------------------------------------ */

static void a_committed_reading_is_there_after_reopening_as_it_was(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_reading odd = place_reading(7, "{\"a\":1}");
    struct nx_reading got;
    struct nx_buf bytes;
    uint64_t seq = 0;

    odd.original = (struct nx_span){"a\0b", 3}; /* any bytes */
    assert_int_equal(place_append(place, store, 7, "{\"a\":1}"), 1);
    assert_int_equal(nx_store_append(store, &odd, &seq, &place->diag), NX_OK);
    assert_int_equal(seq, 2);
    assert_int_equal(nx_store_last(store), 0); /* not yet durable */
    assert_true(nx_store_dirty(store));
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    assert_int_equal(nx_store_last(store), 2);
    nx_store_close(store);

    store = place_open(place);
    nx_buf_init(&bytes, 4096);
    assert_int_equal(nx_store_last(store), 2);
    assert_int_equal(nx_store_get(store, 2, &bytes, &got, &place->diag), NX_OK);
    assert_int_equal(got.seq, 2);
    assert_int_equal(got.kind, NX_READING_OBSERVATION);
    assert_int_equal(got.received_ms, odd.received_ms);
    assert_true(nx_span_eq(got.topic, odd.topic));
    assert_true(nx_span_eq(got.original, odd.original));
    assert_true(nx_span_eq(got.canonical, odd.canonical));
    assert_true(nx_span_eq(got.observed_at, odd.observed_at));
    assert_int_equal(got.fault.len, 0);
    assert_int_equal(nx_store_get(store, 3, &bytes, &got, &place->diag), NX_ERR_NOT_FOUND);
    nx_buf_fini(&bytes);
    nx_store_close(store);
}

static void a_clearing_and_a_reading_without_canonical_keep_what_they_lack(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_reading clear = {
        .kind = NX_READING_CLEAR, .topic = NX_SPAN(PLACE_TOPIC), .received_ms = 1};
    struct nx_reading faulty = place_reading(0, "{}");
    struct nx_reading got;
    struct nx_buf bytes;
    uint64_t seq;

    faulty.canonical = (struct nx_span){NULL, 0};
    faulty.fault = NX_SPAN("/time: a time was expected");
    nx_buf_init(&bytes, 4096);
    assert_int_equal(nx_store_append(store, &clear, &seq, &place->diag), NX_OK);
    assert_int_equal(nx_store_append(store, &faulty, &seq, &place->diag), NX_OK);
    assert_int_equal(nx_store_get(store, 1, &bytes, &got, &place->diag), NX_OK);
    assert_int_equal(got.kind, NX_READING_CLEAR);
    assert_int_equal(got.original.len, 0);
    assert_null(got.canonical.ptr);
    assert_int_equal(nx_store_get(store, 2, &bytes, &got, &place->diag), NX_OK);
    assert_null(got.canonical.ptr);
    assert_true(nx_span_eq(got.fault, faulty.fault));
    nx_buf_fini(&bytes);
    nx_store_close(store);
}

static void what_was_not_committed_is_gone_and_its_numbers_are_used_again(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 1, "one");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    assert_int_equal(place_append(place, store, 2, "two"), 2);
    nx_store_rollback(store);
    assert_false(nx_store_dirty(store));
    assert_false(repeats(place, store, 2, "two"));
    assert_int_equal(place_append(place, store, 3, "three"), 2);
    nx_store_close(store); /* as a crash would */
    store = place_open(place);
    assert_int_equal(nx_store_last(store), 1);
    nx_store_close(store);
}

static void an_epoch_lasts_as_long_as_its_file(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    char epoch[32];

    assert_true(nx_span_copy(nx_span_from(nx_store_epoch(store)), epoch, sizeof(epoch)));
    assert_string_equal(epoch, "019c1491698089abcdef");
    nx_store_close(store);
    store = place_open(place);
    assert_string_equal(nx_store_epoch(store), epoch);
    nx_store_close(store);
}

static void a_cursor_and_a_number_come_back(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    const struct nx_store_cursor saved = {
        .cursor = 6, .sent = 1, .dead = 2, .filtered = 3, .dropped = 1};
    struct nx_store_cursor got = {1, 1, 1, 1, 1};
    int64_t number = -1;

    assert_int_equal(nx_store_load_cursor(store, NX_SPAN("ulsan"), &got, &place->diag), NX_OK);
    assert_int_equal(got.cursor + got.sent + got.dead + got.filtered + got.dropped, 0);
    for (int i = 0; i < 6; i++) {
        (void)place_append(place, store, 0, "x");
    }
    assert_int_equal(nx_store_save_cursor(store, NX_SPAN("ulsan"), &saved, &place->diag), NX_OK);
    assert_int_equal(nx_store_dead_letter(store,
                                          &(struct nx_dead_letter){.link = NX_SPAN("ulsan"),
                                                                   .seq = 2,
                                                                   .channel = NX_CHANNEL_ORIGINAL,
                                                                   .at_ms = 5,
                                                                   .reason = NX_SPAN("refused")},
                                          &place->diag),
                     NX_OK);
    assert_int_equal(nx_store_get_number(store, "dropped", &number, &place->diag), NX_OK);
    assert_int_equal(number, -1);
    assert_int_equal(nx_store_put_number(store, "dropped", 42, &place->diag), NX_OK);
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = place_open(place);
    assert_int_equal(nx_store_load_cursor(store, NX_SPAN("ulsan"), &got, &place->diag), NX_OK);
    assert_memory_equal(&got, &saved, sizeof(got));
    assert_int_equal(nx_store_get_number(store, "dropped", &number, &place->diag), NX_OK);
    assert_int_equal(number, 42);
    nx_store_close(store);
}

/* --- repetitions ----------------------------------------------------------------------------- */

static void a_repetition_has_the_same_identifier_and_bytes_and_nothing_else_is_one(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    bool yes = true;

    (void)place_append(place, store, 9, "same");
    assert_true(repeats(place, store, 9, "same")); /* also before the commit */
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = place_open(place); /* and after a restart */
    assert_true(repeats(place, store, 9, "same"));
    assert_false(repeats(place, store, 8, "same"));
    assert_false(repeats(place, store, 9, "other"));
    assert_false(repeats(place, store, 0, "same"));
    assert_int_equal(nx_store_repeats(store, 9, NX_SPAN("nexus/birmingham/air/BIRR/observation"),
                                      NX_SPAN("same"), &yes, &place->diag),
                     NX_OK);
    assert_false(yes);
    nx_store_close(store);
}

static void once_settled_an_identifier_is_free_for_the_same_bytes_again(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 9, "same");
    (void)place_append(place, store, 10, "same");
    assert_int_equal(nx_store_settle(store, 1, &place->diag), NX_OK);
    assert_false(repeats(place, store, 9, "same"));
    assert_true(repeats(place, store, 10, "same"));
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = place_open(place);
    assert_false(repeats(place, store, 9, "same"));
    assert_true(repeats(place, store, 10, "same"));
    (void)place_append(place, store, 9, "same"); /* the identifier comes round */
    assert_true(repeats(place, store, 9, "same"));
    nx_store_close(store);
}

static void settling_that_was_rolled_back_did_not_happen(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 9, "same");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    assert_int_equal(nx_store_settle(store, 1, &place->diag), NX_OK);
    nx_store_rollback(store);
    assert_true(repeats(place, store, 9, "same"));
    nx_store_close(store);
}

static void the_newest_value_of_a_stream_is_known_again(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    bool same = true;

    assert_int_equal(nx_store_is_latest(store, NX_SPAN(PLACE_TOPIC), NX_SPAN("a"), &same, NULL),
                     NX_OK);
    assert_false(same);
    (void)place_append(place, store, 1, "a");
    (void)place_append(place, store, 2, "b");
    assert_int_equal(nx_store_is_latest(store, NX_SPAN(PLACE_TOPIC), NX_SPAN("a"), &same, NULL),
                     NX_OK);
    assert_false(same);
    assert_int_equal(nx_store_is_latest(store, NX_SPAN(PLACE_TOPIC), NX_SPAN("b"), &same, NULL),
                     NX_OK);
    assert_true(same);
    nx_store_close(store);
}

/* --- a disk that fails ----------------------------------------------------------------------- */

static void a_full_disk_refuses_the_commit_and_the_same_readings_fit_later(void **state)
{
    struct place *place = *state;
    struct failing_vfs *disk = failing_vfs_register();
    struct nx_store *store = NULL;

    assert_int_equal(place_try_open(place, "failing", &store), NX_OK);
    (void)place_append(place, store, 1, "kept");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    disk->write_rc = SQLITE_FULL;
    (void)place_append(place, store, 2, "refused");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_ERR_IO);
    assert_non_null(strstr(place->diag.text, "database or disk is full"));
    nx_store_rollback(store);
    assert_int_equal(nx_store_last(store), 1);
    disk->write_rc = SQLITE_OK;
    assert_int_equal(place_append(place, store, 2, "refused"), 2);
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = place_open(place);
    assert_int_equal(nx_store_last(store), 2);
    nx_store_close(store);
}

static void a_sync_that_fails_is_no_commit(void **state)
{
    struct place *place = *state;
    struct failing_vfs *disk = failing_vfs_register();
    struct nx_store *store = NULL;

    assert_int_equal(place_try_open(place, "failing", &store), NX_OK);
    disk->sync_rc = SQLITE_IOERR_FSYNC;
    (void)place_append(place, store, 1, "x");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_ERR_IO);
    nx_store_rollback(store);
    assert_int_equal(nx_store_last(store), 0);
    disk->sync_rc = SQLITE_OK;
    (void)place_append(place, store, 1, "x");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
}

/* --- walks ----------------------------------------------------------------------------------- */

struct listing {
    char text[512];
};

static enum nx_err list_reading(void *ctx, const struct nx_reading *row)
{
    struct listing *list = ctx;
    size_t len = strlen(list->text);

    (void)snprintf(list->text + len, sizeof(list->text) - len, "%llu=%.*s ",
                   (unsigned long long)row->seq, NX_SPAN_ARG(row->original));
    return NX_OK;
}

static enum nx_err list_stream(void *ctx, const struct nx_store_stream *row)
{
    struct listing *list = ctx;
    size_t len = strlen(list->text);

    (void)snprintf(list->text + len, sizeof(list->text) - len, "%.*s:%llu@%llu ",
                   NX_SPAN_ARG(row->topic), (unsigned long long)row->count,
                   (unsigned long long)row->last_seq);
    return NX_OK;
}

static void a_reader_walks_streams_latest_and_history_while_the_writer_writes(void **state)
{
    static const char *const topics[] = {"nexus/b/air/B/observation", "nexus/b/air/A/observation"};
    static const char *const values[] = {"v1", "v2", "v3", "v4", "v5"};
    struct place *place = *state;
    struct nx_store *writer = place_open(place);
    struct nx_store *reader = NULL;
    struct listing list = {""};
    uint64_t seq;

    for (int i = 0; i < 5; i++) {
        struct nx_reading one = place_reading(0, values[i]);

        one.topic = nx_span_from(topics[i % 2]);
        assert_int_equal(nx_store_append(writer, &one, &seq, &place->diag), NX_OK);
    }
    assert_int_equal(nx_store_commit(writer, &place->diag), NX_OK);
    (void)place_append(place, writer, 0, "not committed");
    assert_int_equal(nx_store_open_read(place->db, &reader, &place->diag), NX_OK);
    assert_int_equal(nx_store_streams(reader, list_stream, &list, &place->diag), NX_OK);
    assert_string_equal(list.text, "nexus/b/air/A/observation:2@4 nexus/b/air/B/observation:3@5 ");
    list.text[0] = '\0';
    assert_int_equal(
        nx_store_latest(reader, &(struct nx_store_query){0}, list_reading, &list, &place->diag),
        NX_OK);
    assert_string_equal(list.text, "4=v4 5=v5 ");
    list.text[0] = '\0';
    assert_int_equal(nx_store_latest(reader,
                                     &(struct nx_store_query){.filter = NX_SPAN("nexus/+/+/B/#")},
                                     list_reading, &list, &place->diag),
                     NX_OK);
    assert_string_equal(list.text, "5=v5 ");
    list.text[0] = '\0';
    assert_int_equal(
        nx_store_history(
            reader,
            &(struct nx_store_query){.filter = nx_span_from(topics[0]), .since = 0, .limit = 2},
            list_reading, &list, &place->diag),
        NX_OK);
    assert_string_equal(list.text, "3=v3 5=v5 ");
    list.text[0] = '\0';
    assert_int_equal(
        nx_store_history(reader,
                         &(struct nx_store_query){.filter = nx_span_from(topics[0]), .since = 3},
                         list_reading, &list, &place->diag),
        NX_OK);
    assert_string_equal(list.text, "5=v5 ");
    list.text[0] = '\0';
    assert_int_equal(
        nx_store_history(
            reader,
            &(struct nx_store_query){.filter = nx_span_from(topics[0]), .since = 5, .limit = 2},
            list_reading, &list, &place->diag),
        NX_OK);
    assert_string_equal(list.text, "");
    nx_store_close(reader);
    nx_store_close(writer);
}

/* --- one after the other ----------------------------------------------------------------------- */

static size_t length_of(uint64_t seq)
{
    return seq == 100 ? 300000
                      : (size_t)(seq * 7919 % 9000); /* one larger than what is read ahead */
}

static void records_read_one_after_the_other_are_what_they_are_when_read_alone(void **state)
{
    enum { RECORDS = 300, COMMITTED = 290 };
    static char text[300000];
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_reading one = place_reading(0, "");
    struct nx_reading got;
    struct nx_buf bytes;
    uint64_t seq;

    nx_buf_init(&bytes, 1024 * 1024);
    for (uint64_t i = 1; i <= RECORDS; i++) {
        memset(text, 'a' + (int)(i % 26), length_of(i));
        one.original = (struct nx_span){text, length_of(i)};
        assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_OK);
        if (i == COMMITTED) {
            place_commit(place, store);
        }
    }
    for (uint64_t i = 1; i <= RECORDS; i++) {
        assert_int_equal(nx_store_get(store, i, &bytes, &got, &place->diag), NX_OK);
        assert_int_equal(got.seq, i);
        assert_int_equal(got.original.len, length_of(i));
        assert_true(nx_span_is(got.topic, PLACE_TOPIC));
        assert_true(got.original.len == 0 || got.original.ptr[0] == 'a' + (char)(i % 26));
        assert_true(got.original.len == 0 ||
                    got.original.ptr[got.original.len - 1] == 'a' + (char)(i % 26));
    }
    assert_int_equal(nx_store_get(store, RECORDS + 1, &bytes, &got, NULL), NX_ERR_NOT_FOUND);
    nx_buf_fini(&bytes);
    nx_store_close(store);
}

static void what_is_not_committed_is_not_read_ahead(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 0, "1");
    (void)place_append(place, store, 0, "2");
    place_commit(place, store);
    (void)place_append(place, store, 0, "three");
    assert_string_equal(place_original(store, 1), "1");
    assert_string_equal(place_original(store, 2), "2");
    nx_store_rollback(store);
    (void)place_append(place, store, 0, "another");
    assert_string_equal(place_original(store, 3), "another");
    nx_store_close(store);
}

static void what_was_read_ahead_and_then_removed_is_not_found(void **state)
{
    const struct nx_store_limits limits = {.before_ms = INT64_MAX};
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_store_thinned out;

    for (int i = 0; i < 20; i++) {
        (void)place_append(place, store, 0, "x");
    }
    place_commit(place, store);
    assert_string_equal(place_original(store, 1), "x");
    assert_string_equal(place_original(store, 2), "x"); /* now more are there than were asked for */
    assert_int_equal(nx_store_thin(store, 10, &limits, 100, &out, &place->diag), NX_OK);
    assert_string_equal(place_original(store, 3), "-");
    assert_string_equal(place_original(store, 11), "x");
    nx_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_committed_reading_is_there_after_reopening_as_it_was),
        PLACE_TEST(a_clearing_and_a_reading_without_canonical_keep_what_they_lack),
        PLACE_TEST(what_was_not_committed_is_gone_and_its_numbers_are_used_again),
        PLACE_TEST(an_epoch_lasts_as_long_as_its_file),
        PLACE_TEST(a_cursor_and_a_number_come_back),
        PLACE_TEST(a_repetition_has_the_same_identifier_and_bytes_and_nothing_else_is_one),
        PLACE_TEST(once_settled_an_identifier_is_free_for_the_same_bytes_again),
        PLACE_TEST(settling_that_was_rolled_back_did_not_happen),
        PLACE_TEST(the_newest_value_of_a_stream_is_known_again),
        PLACE_TEST(a_full_disk_refuses_the_commit_and_the_same_readings_fit_later),
        PLACE_TEST(a_sync_that_fails_is_no_commit),
        PLACE_TEST(a_reader_walks_streams_latest_and_history_while_the_writer_writes),
        PLACE_TEST(records_read_one_after_the_other_are_what_they_are_when_read_alone),
        PLACE_TEST(what_is_not_committed_is_not_read_ahead),
        PLACE_TEST(what_was_read_ahead_and_then_removed_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
