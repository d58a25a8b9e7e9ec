/*
 * deliver_marks_test.c - the marks and their file: what is believed after a stop, a crash, damage.
 */
#include "deliver_rig.h"
#include "plugin/marks_file.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATE_PATH_SIZE = SITE_PATH_MAX + 16 };

static const char *state_path(const struct site *site)
{
    static char path[STATE_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/marks", site->dir);
    return path;
}

static void start(struct site *site)
{
    if (site_start(site, "state", state_path(site)) != 0) {
        fail_msg("the plugin did not start:\n%s", fake.log);
    }
}

static void ticks(struct site *site, int count, int64_t ms)
{
    for (int i = 0; i < count; i++) {
        fake.now_ms += ms;
        assert_int_equal(fake_tick(&site->plugin), 0);
    }
}

static void copy_file(const char *from, const char *to)
{
    char bytes[4096];
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    size_t len;

    assert_non_null(in);
    assert_non_null(out);
    len = fread(bytes, 1, sizeof(bytes), in);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* What is on disk now, is what the next start finds: as after SIGKILL. */
static void crash(struct site *site)
{
    char kept[STATE_PATH_SIZE + 8];

    (void)snprintf(kept, sizeof(kept), "%s.kept", state_path(site));
    copy_file(state_path(site), kept);
    fake_stop(&site->plugin);
    assert_int_equal(rename(kept, state_path(site)), 0);
    start(site);
}

static void stop_and_start(struct site *site)
{
    fake_stop(&site->plugin);
    start(site);
}

static void the_mark_outlives_the_broker(void **state)
{
    struct site *site = *state;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    ticks(site, 2, 1);
    stop_and_start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 6), 0);
    assert_int_equal(fake_count(STREAM), 6);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    batch_assert_answer("taken", 6);
}

/* 2.0.11 moves what plugins publish at the start of the next turn, and drops it when there is none. */
static void what_the_broker_had_not_moved_yet_is_not_believed_after_a_stop(void **state)
{
    struct site *site = *state;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    ticks(site, 2, 1);
    assert_int_equal(batch_deliver_all(site, EPOCH, 5, 8), 0);
    ticks(site, 1, 1); /* the end of the turn in which the batch came */
    stop_and_start(site);
    assert_int_equal(batch_ask(site, EPOCH, 8), 0);
    batch_assert_answer("taken", 5);
    assert_int_equal(batch_deliver_all(site, EPOCH, 8, 9), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("gap", 5);
}

/* 2.1 moves it before it ticks. */
static void what_2_1_has_moved_is_believed_after_a_stop(void **state)
{
    struct site *site = *state;

    fake.is_2_1 = true;
    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    ticks(site, 1, 1); /* of the turn after the one in which the batch came */
    assert_int_equal(batch_deliver_all(site, EPOCH, 5, 8), 0);
    stop_and_start(site);
    assert_int_equal(batch_ask(site, EPOCH, 8), 0);
    batch_assert_answer("taken", 5);
}

static void under_steady_load_the_file_follows(void **state)
{
    struct site *site = *state;

    start(site);
    for (uint64_t seq = 0; seq < 60; seq++) {
        assert_int_equal(batch_deliver_all(site, EPOCH, seq, seq + 1), 0);
        ticks(site, 1, 100);
    }
    stop_and_start(site);
    assert_int_equal(batch_ask(site, EPOCH, 60), 0);
    batch_assert_answer("taken", 59);
}

static void after_a_crash_only_what_autosave_has_kept_is_believed(void **state)
{
    struct site *site = *state;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 100, 105), 0);
    ticks(site, 5, 1000);
    crash(site);
    assert_true(fake_logged("not stopped in order: delivery from ulsan goes back to " EPOCH
                            ".100 from " EPOCH ".105"));
    assert_int_equal(batch_ask(site, EPOCH, 105), 0);
    batch_assert_answer("taken", 100);
    assert_int_equal(batch_deliver_all(site, EPOCH, 100, 105), 0);
    ticks(site, 130, 1000); /* twice the autosave_interval and more */
    assert_int_equal(batch_deliver_all(site, EPOCH, 105, 106), 0);
    ticks(site, 5, 1000);
    crash(site);
    assert_int_equal(batch_ask(site, EPOCH, 106), 0);
    batch_assert_answer("taken", 105);
}

/* An owner's cache that was put back goes on in a new epoch where the old one ends. */
static void
after_a_crash_the_epoch_before_is_believed_where_the_new_one_has_only_gone_on(void **state)
{
    struct site *site = *state;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 100, 105), 0);
    ticks(site, 130, 1000); /* twice the autosave_interval and more */
    assert_int_equal(batch_deliver_all(site, EPOCH, 105, 110), 0);
    assert_int_equal(batch_deliver_all(site, NEWER, 110, 112), 0);
    ticks(site, 5, 1000);
    crash(site);
    assert_int_equal(batch_ask(site, NEWER, 112), 0);
    batch_assert_answer("taken", -1); /* nothing of it is known, */
    assert_int_equal(batch_ask(site, EPOCH, 110), 0);
    batch_assert_answer("taken", 105); /* but of the one before what autosave has kept */
}

static void write_bytes(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* What a start reads from the file. */
static void read_marks(const char *path, struct nx_marks *marks)
{
    static const struct nx_log silent;
    struct nx_marks_file *file;
    struct nx_diag diag;

    *marks = (struct nx_marks){0};
    assert_int_equal(nx_marks_file_open(path, "birmingham", marks, &silent, &file, &diag), NX_OK);
    nx_marks_file_close(file, &(struct nx_marks){0}); /* writes nothing */
}

static void a_damaged_copy_is_replaced_by_the_other_one(void **state)
{
    static struct nx_marks marks;
    char bytes[NX_MARKS_SLOT_BYTES * 4];
    struct site *site = *state;
    size_t len;
    FILE *file;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    ticks(site, 3, 2000);
    assert_int_equal(batch_deliver_all(site, EPOCH, 5, 6), 0);
    ticks(site, 3, 2000);
    fake_stop(&site->plugin);
    file = fopen(state_path(site), "r");
    assert_non_null(file);
    len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    assert_int_equal(len, 3 * NX_MARKS_SLOT_BYTES); /* the head, and two copies */
    for (size_t at = NX_MARKS_SLOT_BYTES; at < len; at++) {
        bytes[at] = (char)(bytes[at] ^ 0x10);
        write_bytes(state_path(site), bytes, len);
        bytes[at] = (char)(bytes[at] ^ 0x10);
        read_marks(state_path(site), &marks);
        assert_int_equal(marks.count, 1);
        assert_string_equal(marks.entries[0].live.epoch, EPOCH);
        assert_true(marks.entries[0].live.seq == 6 || marks.entries[0].live.seq == 0);
    }
    for (size_t cut = 0; cut < len; cut++) { /* the file of a disk that was full */
        write_bytes(state_path(site), bytes, cut);
        read_marks(state_path(site), &marks);
        assert_true(marks.count == 0 || marks.entries[0].live.seq == 6 ||
                    marks.entries[0].live.seq == 0);
    }
}

static void a_foreign_file_is_set_aside_and_told(void **state)
{
    struct site *site = *state;
    char aside[STATE_PATH_SIZE + 16];

    site_write(site, "marks", "somebody's diary\n");
    start(site);
    assert_true(fake_logged("set aside"));
    (void)snprintf(aside, sizeof(aside), "%s.damaged", state_path(site));
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 7, 9), 0);
    ticks(site, 2, 1);
    stop_and_start(site);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    batch_assert_answer("taken", 9);
}

static void two_damaged_copies_set_the_file_aside(void **state)
{
    struct site *site = *state;
    int fd;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    ticks(site, 2, 1);
    fake_stop(&site->plugin);
    fd = open(state_path(site), O_RDWR);
    assert_int_equal(pwrite(fd, "x", 1, 128 + 40), 1);
    assert_int_equal(pwrite(fd, "x", 1, 256 + 40), 1);
    assert_int_equal(close(fd), 0);
    start(site);
    assert_true(fake_logged("set aside"));
    assert_int_equal(batch_ask(site, EPOCH, 5), 0);
    batch_assert_answer("taken", -1);
}

static void a_file_that_another_instance_has_stops_the_start(void **state)
{
    struct site *site = *state;
    struct mosquitto_plugin_id_t second = {0};
    const struct fake_option options[] = {
        {"config", site->dir}, {"city", "birmingham"}, {"state", state_path(site)}};

    start(site);
    assert_int_not_equal(fake_start(&second, options, 3), 0);
    assert_true(fake_logged("each plugin line needs a file of its own"));
}

static void a_file_that_cannot_be_made_stops_the_start(void **state)
{
    struct site *site = *state;

    assert_int_not_equal(site_start(site, "state", "/nowhere/at/all/marks"), 0);
    assert_true(fake_logged("plugin_opt_state: /nowhere/at/all/marks: No such file"));
    fake_reset();
    assert_int_not_equal(site_start(site, "state", site->dir), 0);
}

static void without_a_file_the_start_says_what_a_restart_forgets(void **state)
{
    struct site *site = *state;

    start(site);
    assert_false(fake_logged("no plugin_opt_state"));
    fake_stop(&site->plugin);
    fake_reset();
    assert_int_equal(site_start(site, NULL, NULL), 0);
    assert_true(fake_logged("no plugin_opt_state: with a restart"));
}

static void a_broker_without_ticks_is_told_of(void **state)
{
    struct site *site = *state;

    start(site);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 1), 0);
    assert_false(fake_logged("no ticks"));
    fake.now_ms += 11000;
    assert_int_equal(batch_deliver_all(site, EPOCH, 1, 2), 0);
    assert_true(fake_logged("gives its plugins no ticks"));
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, site_make, site_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(the_mark_outlives_the_broker),
        FILE_TEST(what_the_broker_had_not_moved_yet_is_not_believed_after_a_stop),
        FILE_TEST(what_2_1_has_moved_is_believed_after_a_stop),
        FILE_TEST(under_steady_load_the_file_follows),
        FILE_TEST(after_a_crash_only_what_autosave_has_kept_is_believed),
        FILE_TEST(after_a_crash_the_epoch_before_is_believed_where_the_new_one_has_only_gone_on),
        FILE_TEST(a_damaged_copy_is_replaced_by_the_other_one),
        FILE_TEST(a_foreign_file_is_set_aside_and_told),
        FILE_TEST(two_damaged_copies_set_the_file_aside),
        FILE_TEST(a_file_that_another_instance_has_stops_the_start),
        FILE_TEST(a_file_that_cannot_be_made_stops_the_start),
        FILE_TEST(without_a_file_the_start_says_what_a_restart_forgets),
        FILE_TEST(a_broker_without_ticks_is_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
