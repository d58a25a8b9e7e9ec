/*
 * store_damage_test.c - a cache of which bytes or blocks are other ones when it is opened. Whatever
 * they are, the bridge's day goes on with the file, or with a new one while the damaged is set aside,
 * or the file is refused as a newer one: nothing is tried for ever.
 */
#include "test/unit/bridge/failing_vfs.h"
#include "test/unit/bridge/store_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    IMAGE_MAX = 1024 * 1024,
    HEADER_BYTES = 100,
    PAGE_BYTES = 8192,
    READINGS = 40,
    ATTEMPTS = 4
};
enum ending { USABLE, ASIDE, REFUSED, ENDINGS };

struct image {
    char bytes[IMAGE_MAX];
    size_t len;
};

static struct image file;              /* of a cache that was closed */
static struct image live_file, log_of; /* of one that was not */
static unsigned endings[ENDINGS];

/* --- a bridge's day ------------------------------------------------------------------------------ */

static enum nx_err look(struct nx_store *store, struct nx_diag *diag)
{
    struct nx_store_cursor cursor;
    int64_t number;
    bool yes;
    enum nx_err err = nx_store_repeats(store, 3, NX_SPAN(PLACE_TOPIC), NX_SPAN("x"), &yes, diag);

    err = err == NX_OK ? nx_store_is_latest(store, NX_SPAN(PLACE_TOPIC), NX_SPAN("x"), &yes, diag)
                       : err;
    err = err == NX_OK ? nx_store_load_cursor(store, NX_SPAN("link"), &cursor, diag) : err;
    err = err == NX_OK ? nx_store_is_dead(store, NX_SPAN("link"), 5, &yes, diag) : err;
    return err == NX_OK ? nx_store_get_number(store, "checked_at", &number, diag) : err;
}

static enum nx_err append(struct nx_store *store, struct nx_diag *diag)
{
    struct nx_reading reading = place_reading(7, "a reading of some length");
    uint64_t seq;
    enum nx_err err = nx_store_append(store, &reading, &seq, diag);

    reading.topic = NX_SPAN("nexus/birmingham/air/NEW/observation");
    return err == NX_OK ? nx_store_append(store, &reading, &seq, diag) : err;
}

static enum nx_err keep(struct nx_store *store, struct nx_diag *diag)
{
    const struct nx_store_cursor cursor = {.cursor = 1, .sent = 1};
    const struct nx_store_limits limits = {.bytes_max = 30000};
    const struct nx_dead_letter letter = {NX_SPAN("link"), 5, NX_CHANNEL_OBSERVATION, 1,
                                          NX_SPAN("why")};
    struct nx_store_resent resent;
    struct nx_store_thinned thinned;
    enum nx_err err = nx_store_save_cursor(store, NX_SPAN("link"), &cursor, diag);

    err = err == NX_OK ? nx_store_dead_letter(store, &letter, diag) : err;
    err = err == NX_OK ? nx_store_resend(store, 10, &resent, diag) : err;
    err = err == NX_OK ? nx_store_thin(store, 10, &limits, 4, &thinned, diag) : err;
    err = err == NX_OK ? nx_store_settle(store, 1, diag) : err;
    return err == NX_OK ? nx_store_put_number(store, "checked_at", 1, diag) : err;
}

static enum nx_err on_reading(void *ctx, const struct nx_reading *reading)
{
    (void)ctx;
    (void)reading;
    return NX_OK;
}

static enum nx_err read_all(struct nx_store *store, struct nx_diag *diag)
{
    const struct nx_store_query all = {.filter = NX_SPAN("")};
    const struct nx_store_query one = {.filter = NX_SPAN(PLACE_TOPIC)};
    struct nx_reading reading;
    struct nx_buf bytes;
    enum nx_err err = NX_OK;

    nx_buf_init(&bytes, IMAGE_MAX);
    for (uint64_t seq = 1; seq <= READINGS && err == NX_OK; seq++) {
        err = nx_store_get(store, seq, &bytes, &reading, diag);
        err = err == NX_ERR_NOT_FOUND ? NX_OK : err;
    }
    nx_buf_fini(&bytes);
    err = err == NX_OK ? nx_store_latest(store, &all, on_reading, NULL, diag) : err;
    return err == NX_OK ? nx_store_history(store, &one, on_reading, NULL, diag) : err;
}

static enum nx_err day(struct nx_store *store, struct nx_diag *diag)
{
    enum nx_err err = look(store, diag);

    err = err == NX_OK ? append(store, diag) : err;
    err = err == NX_OK ? keep(store, diag) : err;
    err = err == NX_OK ? nx_store_commit(store, diag) : err;
    return err == NX_OK ? read_all(store, diag) : err;
}

/* --- images -------------------------------------------------------------------------------------- */

static void image_take(struct image *image, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, image->bytes, IMAGE_MAX);

    assert_in_range(len, 1, IMAGE_MAX - 1);
    image->len = (size_t)len;
    (void)close(fd);
}

static void image_put(const struct image *image, size_t len, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, image->bytes, len), len);
    (void)close(fd);
}

static const char *log_path(const struct place *place)
{
    static char path[PLACE_PATH_SIZE + 8];

    (void)snprintf(path, sizeof(path), "%s-wal", place->db);
    return path;
}

static int make_images(void **state)
{
    struct place *place;
    struct nx_store *store;

    (void)place_make(state);
    place = *state;
    store = place_open(place);
    for (int i = 0; i < READINGS; i++) {
        char asset[8];

        (void)snprintf(asset, sizeof(asset), "A%d", i % 5);
        (void)place_append_to(place, store, asset, i, "some reading of some length");
    }
    (void)place_append(place, store, 3, "x");
    assert_int_equal(day(store, &place->diag), NX_OK);
    nx_store_close(store);
    image_take(&file, place->db);
    store = place_open(place);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(day(store, &place->diag), NX_OK);
    }
    image_take(&live_file, place->db);
    image_take(&log_of, log_path(place));
    nx_store_close(store);
    (void)place_files(place, "", true);
    memset(endings, 0, sizeof(endings));
    return 0;
}

/* --- what becomes of it -------------------------------------------------------------------------- */

/* As a bridge does it: opens, and what is damaged in use anew. Fails when that does not end. */
static enum ending live_with_it(struct place *place, const char *what, size_t at)
{
    struct nx_store_options options = place_options();
    struct nx_store *store = NULL;
    enum nx_err err = place_try_open(place, "failing", &store);

    options.vfs = "failing";
    if (err == NX_ERR_UNSUPPORTED) {
        assert_int_equal(place_files(place, "damaged", false), 0);
        return REFUSED;
    }
    options.verify = true;
    for (int i = 0; i < ATTEMPTS && err == NX_OK; i++) {
        err = day(store, &place->diag);
        if (err == NX_OK) {
            nx_store_close(store);
            return place_files(place, "damaged", false) > 0 ? ASIDE : USABLE;
        }
        assert_int_equal(err, NX_ERR_SYNTAX);
        nx_store_rollback(store);
        err = nx_store_reopen(store, &options, &place->log, &place->diag);
    }
    fail_msg("%s at %d: %s: %s", what, (int)at, nx_err_text(err), place->diag.text);
    return ENDINGS;
}

static enum ending outcome(struct place *place, const char *what, size_t at)
{
    enum ending ending = live_with_it(place, what, at);

    endings[ending]++;
    (void)place_files(place, "", true);
    return ending;
}

static enum ending with_byte(struct place *place, size_t at, int value)
{
    const char right = file.bytes[at];
    enum ending ending;

    file.bytes[at] = (char)value;
    image_put(&file, file.len, place->db);
    ending = outcome(place, "byte", at);
    file.bytes[at] = right;
    return ending;
}

static enum ending with_block(struct place *place, size_t at, size_t len, int value)
{
    static char right[PAGE_BYTES];
    enum ending ending;

    memcpy(right, file.bytes + at, len);
    memset(file.bytes + at, value, len);
    image_put(&file, file.len, place->db);
    ending = outcome(place, "block", at);
    memcpy(file.bytes + at, right, len);
    return ending;
}

/* --- the tests ----------------------------------------------------------------------------------- */

static void any_byte_of_the_header_may_be_another(void **state)
{
    static const int flips[] = {0x01, 0x80};
    struct place *place = *state;

    for (size_t at = 0; at < HEADER_BYTES; at++) {
        for (size_t i = 0; i < sizeof(flips) / sizeof(flips[0]); i++) {
            (void)with_byte(place, at, file.bytes[at] ^ flips[i]);
        }
    }
    assert_true(endings[USABLE] > 50 && endings[ASIDE] > 50);
    assert_in_range(endings[REFUSED], 1, 2 * 4); /* by the four bytes of the version */
}

/* https://sqlite.org/fileformat2.html#the_database_header */
static void what_the_header_says_of_the_format_is_damage_when_it_cannot_be(void **state)
{
    static const struct {
        size_t at;
        int value;
        enum ending ending;
    } damages[] = {
        {16, 0xFF, ASIDE}, /* page size */
        {18, 3, ASIDE},    /* write version: may only be read */
        {19, 3, ASIDE},    /* read version */
        {47, 5, ASIDE},    /* schema format: "SQL logic error" */
        {60, 0x80, ASIDE}, /* our version: below zero, */
        {63, 0, ASIDE},    /* none, */
        {63, 1, ASIDE},    /* an older one, */
        {63, 99, REFUSED}, /* a newer one */
        {68, 'M', ASIDE},  /* application id, with our tables in the file */
    };

    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        if (with_byte(*state, damages[i].at, damages[i].value) != damages[i].ending) {
            fail_msg("byte %d is %d", (int)damages[i].at, damages[i].value);
        }
    }
}

static void any_byte_of_the_schema_may_be_another(void **state)
{
    for (size_t at = HEADER_BYTES; at < PAGE_BYTES; at += file.bytes[at] != 0 ? 19 : 1) {
        if (file.bytes[at] != 0) {
            (void)with_byte(*state, at, file.bytes[at] ^ 0x15);
        }
    }
    assert_true(endings[USABLE] > 10 && endings[ASIDE] > 20);
    assert_int_equal(endings[REFUSED], 0);
}

static void any_block_may_be_lost(void **state)
{
    for (size_t at = 0; at + PAGE_BYTES <= file.len; at += PAGE_BYTES) {
        (void)with_block(*state, at, PAGE_BYTES, at % (2 * PAGE_BYTES) == 0 ? 0 : 0xFF);
    }
    for (size_t at = 0; at + 512 <= file.len; at += 512 + 2048) {
        (void)with_block(*state, at, 512, at % 1024 == 0 ? 0xFF : 0);
    }
    for (size_t at = PAGE_BYTES / 2; at + 64 <= PAGE_BYTES; at += 64) {
        (void)with_block(*state, at, 64, 'x');
    }
    assert_true(endings[USABLE] > 20 && endings[ASIDE] > 20);
}

/* xorshift64: https://www.jstatsoft.org/article/view/v008i14 */
static uint64_t chance(uint64_t bound)
{
    static uint64_t state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 16) % bound;
}

static void any_bytes_may_be_others(void **state)
{
    static struct image right;
    struct place *place = *state;

    right = file;
    for (size_t run = 0; run < 150; run++) {
        for (uint64_t i = 0, bytes = 1 + chance(4); i < bytes;) {
            size_t at = (size_t)chance(file.len);

            if (file.bytes[at] != 0 || chance(16) == 0) { /* most of a page is empty */
                file.bytes[at] = (char)chance(256);
                i++;
            }
        }
        image_put(&file, file.len, place->db);
        (void)outcome(place, "bytes, run", run);
        file = right;
    }
    assert_true(endings[USABLE] > 40 && endings[ASIDE] > 40);
}

static void the_file_may_end_anywhere(void **state)
{
    struct place *place = *state;

    for (size_t len = 0; len < file.len; len += 5 * 512) {
        image_put(&file, len, place->db);
        (void)outcome(place, "end", len);
    }
    assert_true(endings[ASIDE] > 10);
}

static void the_log_may_be_damaged_or_end_anywhere(void **state)
{
    struct place *place = *state;

    for (size_t at = 0; at < log_of.len; at += at < 56 ? 5 : 7777) {
        log_of.bytes[at] ^= 0x41;
        image_put(&live_file, live_file.len, place->db);
        image_put(&log_of, log_of.len, log_path(place));
        (void)outcome(place, "log", at);
        log_of.bytes[at] ^= 0x41;
        image_put(&live_file, live_file.len, place->db);
        image_put(&log_of, at, log_path(place));
        (void)outcome(place, "end of the log", at);
    }
    assert_int_equal(endings[ASIDE] + endings[REFUSED], 0); /* it is as after a cut of the power */
}

int main(void)
{
#define DAMAGE_TEST(name) cmocka_unit_test_setup_teardown(name, make_images, place_remove)
    const struct CMUnitTest tests[] = {
        DAMAGE_TEST(any_byte_of_the_header_may_be_another),
        DAMAGE_TEST(what_the_header_says_of_the_format_is_damage_when_it_cannot_be),
        DAMAGE_TEST(any_byte_of_the_schema_may_be_another),
        DAMAGE_TEST(any_block_may_be_lost),
        DAMAGE_TEST(any_bytes_may_be_others),
        DAMAGE_TEST(the_file_may_end_anywhere),
        DAMAGE_TEST(the_log_may_be_damaged_or_end_anywhere),
    };

    failing_vfs_register()->no_sync = true; /* some hundred openings */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
