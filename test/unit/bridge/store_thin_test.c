/*
 * store_thin_test.c - retention: what goes, what stays, and up to where. Each case makes its readings
 * one second apart, so that a number is also an age.
 */
#include "test/unit/bridge/store_place.h"

#include <stdio.h>

#define LINK "birmingham-ulsan"

/* What is left of the numbers 1 to 99, as text. */
static const char *left(struct nx_store *store)
{
    static char text[512];
    size_t len = 0;

    text[0] = '\0';
    for (uint64_t seq = 1; seq < 100; seq++) {
        if (strcmp(place_original(store, seq), "-") != 0) {
            len +=
                (size_t)snprintf(text + len, sizeof(text) - len, "%llu ", (unsigned long long)seq);
        }
    }
    return text;
}

/* Ten readings, at 1000 to 10000 ms; the third and the sixth are of stations that fell silent. */
static struct nx_store *ten(struct place *place)
{
    struct nx_store *store = place_open(place);

    for (int i = 1; i <= 10; i++) {
        const char *asset = i == 3 ? "SILENT" : i == 6 ? "QUIET" : "BMLD";

        (void)place_append_to(place, store, asset, i * 1000, "x");
    }
    place_commit(place, store);
    return store;
}

static struct nx_store_thinned thin(struct place *place, struct nx_store *store, uint64_t floor,
                                    struct nx_store_limits limits, uint32_t rows_max)
{
    struct nx_store_thinned out;

    assert_int_equal(nx_store_thin(store, floor, &limits, rows_max, &out, &place->diag), NX_OK);
    return out;
}

static void what_is_too_old_goes_but_the_newest_of_each_stream_stays(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);
    struct nx_store_thinned out =
        thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 7500}, 1000);

    assert_int_equal(out.wanted, 7);
    assert_int_equal(out.removed, 5);
    assert_false(out.more);
    place_commit(place, store);
    assert_string_equal(left(store), "3 6 8 9 10 ");
    assert_int_equal(nx_store_first(store), 8);
    nx_store_close(store);
    store = place_open(place);
    assert_int_equal(nx_store_first(store), 8);
    assert_int_equal(nx_store_last(store), 10);
    out = thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 7500}, 1000);
    assert_int_equal(out.removed, 0);
    assert_int_equal(out.removed_all, 5);
    assert_false(nx_store_dirty(store)); /* nothing to do writes nothing */
    nx_store_close(store);
}

static void the_last_number_stays_however_old_it_is(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);
    uint64_t letters;
    struct nx_store_resent resent;

    assert_int_equal(nx_store_dead_letter(store,
                                          &(struct nx_dead_letter){.link = NX_SPAN(LINK),
                                                                   .seq = 10,
                                                                   .channel = NX_CHANNEL_ORIGINAL},
                                          &place->diag),
                     NX_OK);
    place_commit(place, store);
    assert_int_equal(nx_store_ask_resend(place->db, NX_SPAN(LINK), 0, 1, &letters, NULL), NX_OK);
    assert_int_equal(nx_store_resend(store, 10, &resent, &place->diag), NX_OK);
    place_commit(place, store);
    (void)thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = INT64_MAX}, 1000);
    place_commit(place, store);
    assert_string_equal(left(store), "3 6 10 11 ");
    nx_store_close(store);
    store = place_open(place);
    assert_int_equal(place_append(place, store, 0, "x"), 12); /* no number is given twice */
    nx_store_close(store);
}

static void nothing_above_the_floor_goes_and_what_is_wanted_is_told(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);
    struct nx_store_thinned out =
        thin(place, store, 4, (struct nx_store_limits){.before_ms = 7500}, 1000);

    assert_int_equal(out.wanted, 7);
    assert_true(out.held_up);
    assert_false(out.more); /* a call more would not help */
    assert_string_equal(left(store), "3 5 6 7 8 9 10 ");
    (void)thin(place, store, 0, (struct nx_store_limits){.before_ms = 7500}, 1000);
    assert_string_equal(left(store), "3 5 6 7 8 9 10 ");
    nx_store_close(store);
}

static void it_goes_in_pieces(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);
    const struct nx_store_limits limits = {.before_ms = 7500};

    assert_true(thin(place, store, UINT64_MAX, limits, 3).more);
    assert_string_equal(left(store), "3 4 5 6 7 8 9 10 ");
    assert_true(thin(place, store, UINT64_MAX, limits, 3).more);
    assert_string_equal(left(store), "3 6 7 8 9 10 ");
    assert_false(thin(place, store, UINT64_MAX, limits, 3).more);
    assert_string_equal(left(store), "3 6 8 9 10 ");
    nx_store_close(store);
}

static void a_rollback_brings_back_what_was_removed(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);

    (void)thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 7500}, 1000);
    nx_store_rollback(store);
    assert_string_equal(left(store), "1 2 3 4 5 6 7 8 9 10 ");
    assert_int_equal(nx_store_first(store), 1);
    assert_int_equal(
        thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 7500}, 1000).removed,
        5);
    nx_store_close(store);
}

static void what_stayed_as_the_newest_goes_when_a_newer_one_comes(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);
    int round;

    (void)thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 7500}, 1000);
    place_commit(place, store);
    for (round = 0; round < 2; round++) { /* with the stream remembered, and without */
        (void)place_append_to(place, store, round == 0 ? "SILENT" : "QUIET", 11000, "x");
        place_commit(place, store);
        nx_store_close(store);
        store = place_open(place);
    }
    assert_string_equal(left(store), "8 9 10 11 12 ");
    assert_int_equal(place_number(place, "SELECT value FROM meta WHERE key = 'removed'"), 7);
    nx_store_close(store);
}

static void a_reading_that_the_broker_may_repeat_stays(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    const struct nx_store_limits limits = {.before_ms = INT64_MAX};
    struct nx_store_thinned out;
    bool yes = false;

    for (uint16_t id = 1; id <= 10; id++) {
        (void)place_append(place, store, id, "x");
    }
    assert_int_equal(nx_store_settle(store, 4, &place->diag), NX_OK);
    place_commit(place, store);
    out = thin(place, store, UINT64_MAX, limits, 1000);
    assert_int_equal(out.removed, 4);
    assert_false(out.held_up); /* it is not a link that is waited for */
    assert_string_equal(left(store), "5 6 7 8 9 10 ");
    assert_int_equal(
        nx_store_repeats(store, 5, NX_SPAN(PLACE_TOPIC), NX_SPAN("x"), &yes, &place->diag), NX_OK);
    assert_true(yes);
    assert_int_equal(nx_store_settle(store, 10, &place->diag), NX_OK);
    (void)thin(place, store, UINT64_MAX, limits, 1000);
    assert_string_equal(left(store), "10 ");
    nx_store_close(store);
}

static void dead_letters_go_with_their_readings(void **state)
{
    struct place *place = *state;
    struct nx_store *store = ten(place);

    for (uint64_t seq = 2; seq <= 8; seq += 1) {
        assert_int_equal(
            nx_store_dead_letter(store,
                                 &(struct nx_dead_letter){.link = NX_SPAN(LINK),
                                                          .seq = seq,
                                                          .channel = NX_CHANNEL_OBSERVATION,
                                                          .reason = NX_SPAN("refused")},
                                 &place->diag),
            NX_OK);
    }
    (void)thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 7500}, 1000);
    place_commit(place, store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM dead_letters"), 3); /* 3, 6, 8 */
    assert_int_equal(place_number(place, "SELECT sum(seq) FROM dead_letters"), 17);
    nx_store_close(store);
}

static void the_file_stays_as_large_as_it_is_allowed_to_be(void **state)
{
    enum { LIMIT = 512 * 1024, READINGS = 6000, EACH = 400 };
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    char text[EACH + 1];

    memset(text, 'x', EACH);
    text[EACH] = '\0';
    for (int i = 1; i <= READINGS; i++) {
        char asset[16];

        (void)snprintf(asset, sizeof(asset), "A%d", i % 100);
        (void)place_append_to(place, store, asset, i, text);
        if (i % 50 == 0) {
            (void)thin(place, store, UINT64_MAX, (struct nx_store_limits){.bytes_max = LIMIT}, 200);
            place_commit(place, store);
        }
    }
    nx_store_close(store);
    /* 6000 of them would be 2.6 MB */
    assert_in_range(place_number(place, "PRAGMA page_count") *
                        place_number(place, "PRAGMA page_size"),
                    LIMIT / 2, LIMIT * 5 / 4);
    assert_in_range(place_number(place, "SELECT count(*) FROM readings"), LIMIT / EACH / 2,
                    LIMIT / EACH);
    assert_int_equal(place_number(place, "SELECT count(DISTINCT stream) FROM readings"), 100);
}

static void a_clock_that_was_set_back_removes_nothing_young(void **state)
{
    static const int64_t seconds[] = {1, 2, 3, 90003, 90004, 5, 6, 7, 8, 9};
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_store_thinned out;

    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        (void)place_append_to(place, store, "BMLD", seconds[i] * 1000, "x");
    }
    place_commit(place, store);
    out = thin(place, store, UINT64_MAX, (struct nx_store_limits){.before_ms = 6500}, 1000);
    assert_true(out.wanted == 3 || out.wanted == 7); /* either place where old and young meet */
    nx_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(what_is_too_old_goes_but_the_newest_of_each_stream_stays),
        PLACE_TEST(the_last_number_stays_however_old_it_is),
        PLACE_TEST(nothing_above_the_floor_goes_and_what_is_wanted_is_told),
        PLACE_TEST(it_goes_in_pieces),
        PLACE_TEST(a_rollback_brings_back_what_was_removed),
        PLACE_TEST(what_stayed_as_the_newest_goes_when_a_newer_one_comes),
        PLACE_TEST(a_reading_that_the_broker_may_repeat_stays),
        PLACE_TEST(dead_letters_go_with_their_readings),
        PLACE_TEST(the_file_stays_as_large_as_it_is_allowed_to_be),
        PLACE_TEST(a_clock_that_was_set_back_removes_nothing_young),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
