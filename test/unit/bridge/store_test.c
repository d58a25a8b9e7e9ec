/*
 * store_test.c - the cache: what is durable after a commit and gone without one, repetitions,
 * cursors, and every way in which a file can be unusable. Each test has a folder of its own.
 */
#include "bridge/store.h"

#include "test/unit/bridge/failing_vfs.h"
#include "test/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOPIC "nexus/birmingham/air/BMLD/observation"

enum { PATH_SIZE = 256 };

struct place {
    char dir[PATH_SIZE / 2];
    char db[PATH_SIZE];
    char told[1024]; /* the last line of the log */
    struct nx_log log;
    struct nx_diag diag;
};

static void place_log(void *ctx, enum nx_log_level level, const char *line)
{
    struct place *place = ctx;

    (void)level;
    (void)snprintf(place->told, sizeof(place->told), "%s", line);
}

static int place_make(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/nexus-store-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->db, sizeof(place->db), "%s/birmingham.db", place->dir);
    place->log = (struct nx_log){.write = place_log, .ctx = place};
    *state = place;
    return 0;
}

/* How many files are in the folder whose name holds `part`; with `remove` none is afterwards. */
static int place_files(const struct place *place, const char *part, bool remove)
{
    DIR *dir = opendir(place->dir);
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && strstr(entry->d_name, part) != NULL) {
            count++;
            if (remove) {
                (void)unlinkat(dirfd(dir), entry->d_name, 0);
            }
        }
    }
    (void)closedir(dir);
    return count;
}

static int place_remove(void **state)
{
    struct place *place = *state;

    (void)place_files(place, "", true);
    (void)rmdir(place->dir);
    free(place);
    return 0;
}

static enum nx_err open_with(struct place *place, const char *vfs, bool verify,
                             struct nx_store **out)
{
    const struct nx_store_options options = {
        .now_ms = 1769871600000, .random = 0x0123456789ABCDEF, .verify = verify, .vfs = vfs};

    return nx_store_open(place->db, &options, &place->log, out, &place->diag);
}

static struct nx_store *open_store(struct place *place)
{
    struct nx_store *store = NULL;

    if (open_with(place, NULL, false, &store) != NX_OK) {
        fail_msg("%s: %s", place->diag.file, place->diag.text);
    }
    return store;
}

static struct nx_reading reading(uint16_t packet_id, const char *original)
{
    return (struct nx_reading){
        .packet_id = packet_id,
        .received_ms = 1769871600123,
        .topic = NX_SPAN(TOPIC),
        .observed_at = NX_SPAN("2026-01-31T15:00:00Z"),
        .original = nx_span_from(original),
        .canonical = NX_SPAN("{\"type\":\"AirQualityObserved\"}"),
    };
}

static uint64_t append(struct place *place, struct nx_store *store, uint16_t packet_id,
                       const char *original)
{
    struct nx_reading one = reading(packet_id, original);
    uint64_t seq = 0;

    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_OK);
    return seq;
}

static bool repeats(struct place *place, struct nx_store *store, uint16_t packet_id,
                    const char *payload)
{
    bool yes = false;

    assert_int_equal(nx_store_repeats(store, packet_id, NX_SPAN(TOPIC), nx_span_from(payload), &yes,
                                      &place->diag),
                     NX_OK);
    return yes;
}

/* --- what lasts ------------------------------------------------------------------------------ */

static void a_committed_reading_is_there_after_reopening_as_it_was(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_store(place);
    struct nx_reading odd = reading(7, "{\"a\":1}");
    struct nx_reading got;
    struct nx_buf bytes;
    uint64_t seq = 0;

    odd.original = (struct nx_span){"a\0b", 3}; /* any bytes */
    assert_int_equal(append(place, store, 7, "{\"a\":1}"), 1);
    assert_int_equal(nx_store_append(store, &odd, &seq, &place->diag), NX_OK);
    assert_int_equal(seq, 2);
    assert_int_equal(nx_store_last(store), 0); /* not yet durable */
    assert_true(nx_store_dirty(store));
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    assert_int_equal(nx_store_last(store), 2);
    nx_store_close(store);

    store = open_store(place);
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
    struct nx_store *store = open_store(place);
    struct nx_reading clear = {.kind = NX_READING_CLEAR, .topic = NX_SPAN(TOPIC), .received_ms = 1};
    struct nx_reading faulty = reading(0, "{}");
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
    struct nx_store *store = open_store(place);

    (void)append(place, store, 1, "one");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    assert_int_equal(append(place, store, 2, "two"), 2);
    nx_store_rollback(store);
    assert_false(nx_store_dirty(store));
    assert_false(repeats(place, store, 2, "two"));
    assert_int_equal(append(place, store, 3, "three"), 2);
    nx_store_close(store); /* as a crash would */
    store = open_store(place);
    assert_int_equal(nx_store_last(store), 1);
    nx_store_close(store);
}

static void an_epoch_lasts_as_long_as_its_file(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_store(place);
    char epoch[32];

    assert_true(nx_span_copy(nx_span_from(nx_store_epoch(store)), epoch, sizeof(epoch)));
    assert_string_equal(epoch, "019c1491698089abcdef");
    nx_store_close(store);
    store = open_store(place);
    assert_string_equal(nx_store_epoch(store), epoch);
    nx_store_close(store);
}

static void a_cursor_and_a_number_come_back(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_store(place);
    const struct nx_store_cursor saved = {.cursor = 3, .sent = 2, .dead = 1};
    struct nx_store_cursor got = {1, 1, 1};
    int64_t number = -1;

    assert_int_equal(nx_store_load_cursor(store, NX_SPAN("ulsan"), &got, &place->diag), NX_OK);
    assert_int_equal(got.cursor + got.sent + got.dead, 0); /* a new link starts at the beginning */
    for (int i = 0; i < 3; i++) {
        (void)append(place, store, 0, "x");
    }
    assert_int_equal(nx_store_save_cursor(store, NX_SPAN("ulsan"), &saved, &place->diag), NX_OK);
    assert_int_equal(
        nx_store_dead_letter(store, NX_SPAN("ulsan"), 2, 5, NX_SPAN("refused"), &place->diag),
        NX_OK);
    assert_int_equal(nx_store_get_number(store, "dropped", &number, &place->diag), NX_OK);
    assert_int_equal(number, -1);
    assert_int_equal(nx_store_put_number(store, "dropped", 42, &place->diag), NX_OK);
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = open_store(place);
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
    struct nx_store *store = open_store(place);
    bool yes = true;

    (void)append(place, store, 9, "same");
    assert_true(repeats(place, store, 9, "same")); /* also before the commit */
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = open_store(place); /* and after a restart */
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
    struct nx_store *store = open_store(place);

    (void)append(place, store, 9, "same");
    (void)append(place, store, 10, "same");
    assert_int_equal(nx_store_settle(store, 1, &place->diag), NX_OK);
    assert_false(repeats(place, store, 9, "same"));
    assert_true(repeats(place, store, 10, "same"));
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = open_store(place);
    assert_false(repeats(place, store, 9, "same"));
    assert_true(repeats(place, store, 10, "same"));
    (void)append(place, store, 9, "same"); /* the identifier comes round */
    assert_true(repeats(place, store, 9, "same"));
    nx_store_close(store);
}

static void settling_that_was_rolled_back_did_not_happen(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_store(place);

    (void)append(place, store, 9, "same");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    assert_int_equal(nx_store_settle(store, 1, &place->diag), NX_OK);
    nx_store_rollback(store);
    assert_true(repeats(place, store, 9, "same"));
    nx_store_close(store);
}

static void the_newest_value_of_a_stream_is_known_again(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_store(place);
    bool same = true;

    assert_int_equal(nx_store_is_latest(store, NX_SPAN(TOPIC), NX_SPAN("a"), &same, NULL), NX_OK);
    assert_false(same);
    (void)append(place, store, 1, "a");
    (void)append(place, store, 2, "b");
    assert_int_equal(nx_store_is_latest(store, NX_SPAN(TOPIC), NX_SPAN("a"), &same, NULL), NX_OK);
    assert_false(same);
    assert_int_equal(nx_store_is_latest(store, NX_SPAN(TOPIC), NX_SPAN("b"), &same, NULL), NX_OK);
    assert_true(same);
    nx_store_close(store);
}

/* --- a disk that fails ----------------------------------------------------------------------- */

static void a_full_disk_refuses_the_commit_and_the_same_readings_fit_later(void **state)
{
    struct place *place = *state;
    struct failing_vfs *disk = failing_vfs_register();
    struct nx_store *store = NULL;

    assert_int_equal(open_with(place, "failing", false, &store), NX_OK);
    (void)append(place, store, 1, "kept");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    disk->write_rc = SQLITE_FULL;
    (void)append(place, store, 2, "refused");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_ERR_IO);
    assert_non_null(strstr(place->diag.text, "database or disk is full"));
    nx_store_rollback(store);
    assert_int_equal(nx_store_last(store), 1);
    disk->write_rc = SQLITE_OK;
    assert_int_equal(append(place, store, 2, "refused"), 2);
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
    store = open_store(place);
    assert_int_equal(nx_store_last(store), 2);
    nx_store_close(store);
}

static void a_sync_that_fails_is_no_commit(void **state)
{
    struct place *place = *state;
    struct failing_vfs *disk = failing_vfs_register();
    struct nx_store *store = NULL;

    assert_int_equal(open_with(place, "failing", false, &store), NX_OK);
    disk->sync_rc = SQLITE_IOERR_FSYNC;
    (void)append(place, store, 1, "x");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_ERR_IO);
    nx_store_rollback(store);
    assert_int_equal(nx_store_last(store), 0);
    disk->sync_rc = SQLITE_OK;
    (void)append(place, store, 1, "x");
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
    nx_store_close(store);
}

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
    } damages[] = {{0, 600}, {4096, 3000}};
    struct place *place = *state;

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        struct nx_store *store = open_store(place);

        for (int n = 0; n < 50; n++) {
            (void)append(place, store, 1, "some reading of some length, so that pages fill up");
        }
        assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
        nx_store_close(store);
        overwrite(place, damages[i].at, damages[i].count);
        store = open_store(place);
        assert_int_equal(nx_store_last(store), 0);
        assert_non_null(strstr(place->told, "set aside as"));
        assert_int_equal(place_files(place, ".damaged-20260131T150000Z", false), 1);
        nx_store_close(store);
        (void)place_files(place, "", true);
    }
}

static void query(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(place->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void a_newer_file_is_refused_and_left_as_it_is(void **state)
{
    struct place *place = *state;
    struct nx_store *store = open_store(place);

    nx_store_close(store);
    query(place, "PRAGMA user_version = 99");
    assert_int_equal(open_with(place, NULL, false, &store), NX_ERR_UNSUPPORTED);
    assert_non_null(strstr(place->diag.text, "newer"));
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_ERR_UNSUPPORTED);
    assert_int_equal(place_files(place, "damaged", false), 0);
}

static void a_database_of_somebody_else_is_refused_and_left_as_it_is(void **state)
{
    struct place *place = *state;
    struct nx_store *store = NULL;

    query(place, "CREATE TABLE cats (name TEXT)");
    assert_int_equal(open_with(place, NULL, false, &store), NX_ERR_UNSUPPORTED);
    assert_non_null(strstr(place->diag.text, "not a cache of nexus"));
    assert_int_equal(place_files(place, "damaged", false), 0);
}

static void a_folder_that_is_missing_is_told_with_its_path(void **state)
{
    struct place *place = *state;
    struct nx_store *store = NULL;

    (void)snprintf(place->db, sizeof(place->db), "%s/nowhere/birmingham.db", place->dir);
    assert_int_equal(open_with(place, NULL, false, &store), NX_ERR_DENIED);
    assert_string_equal(place->diag.file, place->db);
    assert_non_null(strstr(place->diag.text, "No such file"));
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_ERR_NOT_FOUND);
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
    struct nx_store *writer = open_store(place);
    struct nx_store *reader = NULL;
    struct listing list = {""};
    uint64_t seq;

    for (int i = 0; i < 5; i++) {
        struct nx_reading one = reading(0, values[i]);

        one.topic = nx_span_from(topics[i % 2]);
        assert_int_equal(nx_store_append(writer, &one, &seq, &place->diag), NX_OK);
    }
    assert_int_equal(nx_store_commit(writer, &place->diag), NX_OK);
    (void)append(place, writer, 0, "not committed");
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
    nx_store_close(reader);
    nx_store_close(writer);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_committed_reading_is_there_after_reopening_as_it_was),
        STORE_TEST(a_clearing_and_a_reading_without_canonical_keep_what_they_lack),
        STORE_TEST(what_was_not_committed_is_gone_and_its_numbers_are_used_again),
        STORE_TEST(an_epoch_lasts_as_long_as_its_file),
        STORE_TEST(a_cursor_and_a_number_come_back),
        STORE_TEST(a_repetition_has_the_same_identifier_and_bytes_and_nothing_else_is_one),
        STORE_TEST(once_settled_an_identifier_is_free_for_the_same_bytes_again),
        STORE_TEST(settling_that_was_rolled_back_did_not_happen),
        STORE_TEST(the_newest_value_of_a_stream_is_known_again),
        STORE_TEST(a_full_disk_refuses_the_commit_and_the_same_readings_fit_later),
        STORE_TEST(a_sync_that_fails_is_no_commit),
        STORE_TEST(a_damaged_file_is_set_aside_and_a_new_epoch_begins),
        STORE_TEST(a_newer_file_is_refused_and_left_as_it_is),
        STORE_TEST(a_database_of_somebody_else_is_refused_and_left_as_it_is),
        STORE_TEST(a_folder_that_is_missing_is_told_with_its_path),
        STORE_TEST(a_reader_walks_streams_latest_and_history_while_the_writer_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
