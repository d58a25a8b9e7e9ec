/*
 * intake_test.c - what becomes of a message: a reading, a repetition, a replay; and that nothing
 * is released before it was stored, in whatever pieces. The exchange is the shipped one.
 */
#include "bridge/intake.h"

#include "core/os/file.h"
#include "test/unit/bridge/failing_vfs.h"
#include "test/unit/unit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TOPIC   "nexus/birmingham/air/BMLD/observation"
#define READING "{\"site\":\"BMLD\",\"time\":\"2026-01-31T15:00:00Z\",\"no2\":42.1}"

struct bench {
    char dir[64], db[128];
    struct nx_config *config;
    struct nx_exchange *exchange;
    struct failing_vfs *disk;
    struct nx_store *store;
    struct nx_intake *intake;
    struct nx_diag diag;
    char released[256]; /* packet identifiers, in order */
};

static int bench_make(void **state)
{
    const struct nx_config_options options = {.seed = 1};
    const struct nx_reader reader = nx_file_reader();
    struct bench *bench = calloc(1, sizeof(*bench));
    struct nx_intake_config config = {
        .city = NX_SPAN("birmingham"), .bytes_max = 4096, .rows_max = 100};
    const struct nx_store_options store = {.now_ms = 1, .vfs = "failing"};

    (void)snprintf(bench->dir, sizeof(bench->dir), "/tmp/nexus-intake-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    (void)snprintf(bench->db, sizeof(bench->db), "%s/birmingham.db", bench->dir);
    assert_int_equal(
        nx_config_load(&reader, NX_SOURCE_DIR "/config", &options, &bench->config, &bench->diag),
        NX_OK);
    assert_int_equal(nx_exchange_new(&reader, bench->config, 1, &bench->exchange, &bench->diag),
                     NX_OK);
    config.exchange = bench->exchange;
    bench->disk = failing_vfs_register();
    assert_int_equal(nx_store_open(bench->db, &store, NULL, &bench->store, &bench->diag), NX_OK);
    assert_int_equal(nx_intake_new(&config, &bench->intake), NX_OK);
    *state = bench;
    return 0;
}

static int bench_remove(void **state)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    struct bench *bench = *state;

    nx_intake_free(bench->intake);
    nx_store_close(bench->store);
    nx_exchange_free(bench->exchange);
    nx_config_free(bench->config);
    for (size_t i = 0; i < 3; i++) {
        char path[160];

        (void)snprintf(path, sizeof(path), "%s%s", bench->db, tails[i]);
        (void)unlink(path);
    }
    (void)rmdir(bench->dir);
    free(bench);
    return 0;
}

static struct nx_mqtt_publish message(uint16_t packet_id, const char *payload)
{
    return (struct nx_mqtt_publish){.topic = NX_SPAN(TOPIC),
                                    .payload = nx_span_from(payload),
                                    .packet_id = packet_id,
                                    .qos = 1};
}

static void hold(struct bench *bench, const struct nx_mqtt_publish *publish)
{
    assert_int_equal(nx_intake_hold(bench->intake, publish, NX_INTAKE_READING, 1, 1000), NX_OK);
}

static void hold_plain(struct bench *bench, uint16_t packet_id, const char *payload)
{
    struct nx_mqtt_publish publish = message(packet_id, payload);

    hold(bench, &publish);
}

static void on_release(void *ctx, const struct nx_intake_row *row)
{
    static const char marks[NX_INTAKE_OUTCOMES] = {'p', 's', 'c', 'r', 'y'};
    struct bench *bench = ctx;
    size_t len = strlen(bench->released);

    (void)snprintf(bench->released + len, sizeof(bench->released) - len, "%u%c ", row->packet_id,
                   marks[row->outcome]);
}

/* Stores up to `rows` and, when that is committed, releases; returns what was released. */
static const char *turn(struct bench *bench, size_t rows)
{
    enum nx_err err = nx_intake_store(bench->intake, bench->store, rows, true, 0, &bench->diag);

    err = err == NX_OK ? nx_store_commit(bench->store, &bench->diag) : err;
    bench->released[0] = '\0';
    if (err != NX_OK) {
        nx_store_rollback(bench->store);
        return "failed";
    }
    nx_intake_release(bench->intake, on_release, bench);
    return bench->released;
}

static void each_message_is_a_reading_also_when_its_bytes_repeat(void **state)
{
    struct bench *bench = *state;
    struct nx_reading got;
    struct nx_buf bytes;

    hold_plain(bench, 1, READING);
    hold_plain(bench, 2, READING);
    hold_plain(bench, 0, READING); /* QoS 0 has no identifier */
    assert_string_equal(turn(bench, 100), "1s 2s 0s ");
    assert_int_equal(nx_store_last(bench->store), 3);
    assert_int_equal(nx_intake_held(bench->intake), 0);
    nx_buf_init(&bytes, 65536);
    assert_int_equal(nx_store_get(bench->store, 2, &bytes, &got, &bench->diag), NX_OK);
    assert_true(nx_span_is(got.original, READING));
    assert_non_null(got.canonical.ptr);
    assert_true(nx_span_is(got.observed_at, "2026-01-31T15:00:00Z"));
    nx_buf_fini(&bytes);
}

static void a_repetition_is_released_but_not_stored_again(void **state)
{
    struct bench *bench = *state;
    struct nx_mqtt_publish again = message(1, READING);
    struct nx_mqtt_publish other = message(2, READING);

    again.dup = other.dup = true;
    hold_plain(bench, 1, READING);
    hold(bench, &again); /* in the same transaction */
    assert_string_equal(turn(bench, 100), "1s 1r ");
    hold(bench, &again);
    hold(bench, &other); /* DUP=1, but never stored: the first copy was lost on its way */
    assert_string_equal(turn(bench, 100), "1r 2s ");
    assert_int_equal(nx_store_last(bench->store), 2);
}

static void a_retained_replay_of_the_newest_value_is_no_reading(void **state)
{
    struct bench *bench = *state;
    struct nx_mqtt_publish replay = message(3, READING);

    replay.retain = true;
    hold(bench, &replay); /* the first that we see of this stream: a reading */
    assert_string_equal(turn(bench, 100), "3s ");
    hold(bench, &replay);
    assert_string_equal(turn(bench, 100), "3y ");
    assert_int_equal(nx_store_last(bench->store), 1);
}

static void an_empty_payload_is_a_clearing(void **state)
{
    struct bench *bench = *state;

    hold_plain(bench, 1, READING);
    hold_plain(bench, 2, "");
    assert_string_equal(turn(bench, 100), "1s 2c ");
    assert_int_equal(nx_store_last(bench->store), 2);
}

static void what_cannot_be_translated_is_stored_with_the_reason(void **state)
{
    struct bench *bench = *state;
    struct nx_intake_counts counts;
    struct nx_reading got;
    struct nx_buf bytes;

    hold_plain(bench, 1, "{\"site\":");
    assert_string_equal(turn(bench, 100), "1s ");
    nx_buf_init(&bytes, 65536);
    assert_int_equal(nx_store_get(bench->store, 1, &bytes, &got, &bench->diag), NX_OK);
    assert_null(got.canonical.ptr);
    assert_true(got.fault.len > 0);
    assert_true(nx_span_is(got.original, "{\"site\":"));
    nx_intake_counts(bench->intake, &counts);
    assert_int_equal(counts.untranslated, 1);
    nx_buf_fini(&bytes);
}

static void what_is_no_reading_is_released_in_its_turn(void **state)
{
    struct bench *bench = *state;
    struct nx_mqtt_publish other = message(2, "17");

    hold_plain(bench, 1, READING);
    assert_int_equal(nx_intake_hold(bench->intake, &other, NX_INTAKE_ASIDE, 1, 1000), NX_OK);
    hold_plain(bench, 3, READING);
    assert_string_equal(turn(bench, 2), "1s 2p ");
    assert_string_equal(turn(bench, 2), "3s ");
    assert_int_equal(nx_store_last(bench->store), 2);
}

static void nothing_is_released_while_the_disk_is_full_and_all_of_it_after(void **state)
{
    struct bench *bench = *state;
    struct nx_intake_counts counts;

    hold_plain(bench, 1, READING);
    hold_plain(bench, 2, "{\"site\":");
    bench->disk->write_rc = SQLITE_FULL;
    assert_string_equal(turn(bench, 100), "failed");
    hold_plain(bench, 3, READING);
    assert_string_equal(turn(bench, 100), "failed");
    assert_int_equal(nx_intake_held(bench->intake), 3);
    bench->disk->write_rc = SQLITE_OK;
    assert_string_equal(turn(bench, 100), "1s 2s 3s ");
    assert_int_equal(nx_store_last(bench->store), 3);
    nx_intake_counts(bench->intake, &counts);
    assert_int_equal(counts.received, 3);
    assert_int_equal(counts.outcomes[NX_INTAKE_STORED], 3);
    assert_int_equal(counts.untranslated, 1); /* once, however often it was tried */
}

static void what_is_dropped_after_a_failure_may_come_again(void **state)
{
    struct bench *bench = *state;

    hold_plain(bench, 1, READING);
    hold_plain(bench, 2, READING);
    bench->disk->write_rc = SQLITE_FULL;
    assert_string_equal(turn(bench, 100), "failed");
    nx_intake_drop(bench->intake);
    assert_int_equal(nx_intake_held(bench->intake), 0);
    bench->disk->write_rc = SQLITE_OK;
    hold_plain(bench, 1, READING);
    assert_string_equal(turn(bench, 100), "1s ");
}

static void what_does_not_fit_is_refused_and_leaves_the_rest_whole(void **state)
{
    struct bench *bench = *state;
    struct nx_mqtt_publish publish;
    char large[4096];

    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    publish = message(2, large);
    hold_plain(bench, 1, READING);
    assert_int_equal(nx_intake_hold(bench->intake, &publish, NX_INTAKE_READING, 1, 1000),
                     NX_ERR_LIMIT);
    hold_plain(bench, 3, READING);
    assert_string_equal(turn(bench, 100), "1s 3s ");
}

#define INTAKE_TEST(name) cmocka_unit_test_setup_teardown(name, bench_make, bench_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INTAKE_TEST(each_message_is_a_reading_also_when_its_bytes_repeat),
        INTAKE_TEST(a_repetition_is_released_but_not_stored_again),
        INTAKE_TEST(a_retained_replay_of_the_newest_value_is_no_reading),
        INTAKE_TEST(an_empty_payload_is_a_clearing),
        INTAKE_TEST(what_cannot_be_translated_is_stored_with_the_reason),
        INTAKE_TEST(what_is_no_reading_is_released_in_its_turn),
        INTAKE_TEST(nothing_is_released_while_the_disk_is_full_and_all_of_it_after),
        INTAKE_TEST(what_is_dropped_after_a_failure_may_come_again),
        INTAKE_TEST(what_does_not_fit_is_refused_and_leaves_the_rest_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
