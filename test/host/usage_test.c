/*
 * usage_test.c - the accounts of the limits alone: when their table is full, and when the clock does not
 * go as it should.
 */
#include "plugin/usage.h"
#include "test/unit/unit.h"

#include <stdio.h>

static enum nx_usage_verdict take(struct nx_usage *usage, const struct nx_limits *limits,
                                  unsigned name, unsigned asset, uint64_t now_ms)
{
    char text[2][16];
    struct nx_usage_message message = {.domain = NX_SPAN("air"), .bytes = 1, .now_ms = now_ms};

    (void)snprintf(text[0], sizeof(text[0]), "u%u", name);
    (void)snprintf(text[1], sizeof(text[1]), "a%u", asset);
    message.username = nx_span_from(text[0]);
    message.asset = nx_span_from(text[1]);
    return nx_usage_take(usage, limits, &message);
}

static void identities_beyond_the_table_share_one_account(void **state)
{
    enum { NAMES = 70000, ROOM = 65536 };
    const struct nx_limits one = {.message_interval_ns = 1000000000};
    struct nx_usage *usage = nx_usage_new(7);
    unsigned ok = 0;

    (void)state;
    assert_non_null(usage);
    for (unsigned i = 0; i < NAMES; i++) {
        ok += take(usage, &one, i, 0, 1000) == NX_USAGE_OK;
    }
    assert_int_equal(ok, ROOM + 1); /* all the others together have one */
    assert_int_equal(nx_usage_accounts(usage), ROOM);
    assert_true(nx_usage_shared(usage) == NAMES - ROOM);
    assert_int_equal(take(usage, &one, NAMES + 1, 0, 60000), NX_USAGE_OK);
    assert_int_equal(take(usage, &one, NAMES, 0, 60000), NX_USAGE_OK); /* at rest: they make room */
    assert_int_equal(take(usage, &one, NAMES, 0, 60000), NX_USAGE_MESSAGES);
    assert_int_equal(nx_usage_accounts(usage), ROOM);
    nx_usage_free(usage);
}

static void a_full_table_of_assets_admits_no_new_one(void **state)
{
    enum { ASSETS = 196608 };
    const struct nx_limits many = {.assets = 1000000};
    struct nx_usage *usage = nx_usage_new(7);

    (void)state;
    assert_non_null(usage);
    for (unsigned i = 0; i < ASSETS; i++) {
        assert_int_equal(take(usage, &many, i % 3, i, 0), NX_USAGE_OK);
    }
    assert_int_equal(take(usage, &many, 0, ASSETS, 0), NX_USAGE_ASSETS);
    assert_int_equal(take(usage, &many, 0, 0, 0), NX_USAGE_OK);
    nx_usage_forget(usage);
    assert_int_equal(take(usage, &many, 0, ASSETS, 0), NX_USAGE_OK);
    nx_usage_free(usage);
}

/* On both rates: until then it is refused, and then it is not. */
static void the_wait_ends_when_the_message_is_in_time(void **state)
{
    const struct nx_limits limits = {
        .message_interval_ns = 300000000, .bytes_per_second = 2, .burst_ns = 1000000000};
    struct nx_usage_message message = {.username = NX_SPAN("u"), .bytes = 1, .now_ms = 5000};
    struct nx_usage *usage = nx_usage_new(7);

    (void)state;
    assert_non_null(usage);
    for (int i = 0; i < 50; i++) {
        uint64_t wait_ms = nx_usage_wait_ms(usage, &limits, &message);

        if (wait_ms > 0) {
            assert_int_not_equal(nx_usage_take(usage, &limits, &message), NX_USAGE_OK);
            message.now_ms += wait_ms - 1;
            assert_int_not_equal(nx_usage_take(usage, &limits, &message), NX_USAGE_OK);
            message.now_ms++;
        }
        assert_int_equal(nx_usage_take(usage, &limits, &message), NX_USAGE_OK);
        message.bytes = (message.bytes + 1) % 3;
    }
    nx_usage_free(usage);
}

static void a_clock_that_stands_still_or_steps_back_gives_no_more(void **state)
{
    const struct nx_limits two = {.message_interval_ns = 500000000, .burst_ns = 1000000000};
    struct nx_usage *usage = nx_usage_new(7);

    (void)state;
    assert_non_null(usage);
    assert_int_equal(take(usage, &two, 1, 0, 5000), NX_USAGE_OK);
    assert_int_equal(take(usage, &two, 1, 0, 5000), NX_USAGE_OK);
    assert_int_equal(take(usage, &two, 1, 0, 5000), NX_USAGE_MESSAGES);
    assert_int_equal(take(usage, &two, 1, 0, 0), NX_USAGE_MESSAGES);
    assert_int_equal(take(usage, &two, 1, 0, 5500), NX_USAGE_OK);
    nx_usage_free(usage);
}

/* Until then nothing more is worth opening, and then it is. */
static void the_wait_for_a_batch_ends_when_there_is_room_for_it(void **state)
{
    const struct nx_limits limits = {
        .message_interval_ns = 100000000, .bytes_per_second = 1000000, .burst_ns = 1000000000};
    struct nx_usage_batch batch = {.username = NX_SPAN("u"), .useless = 300000, .now_ms = 5000};
    struct nx_usage *usage = nx_usage_new(7);
    uint64_t wait_ms;

    (void)state;
    assert_non_null(usage);
    for (unsigned i = 0; i < 5000; i++) {
        wait_ms = nx_usage_waste_wait_ms(usage, &limits, batch.username, batch.now_ms);
        if (wait_ms > 0) {
            assert_true(wait_ms > 1); /* room too */
            batch.now_ms += wait_ms;
            assert_true(nx_usage_waste_wait_ms(usage, &limits, batch.username, batch.now_ms) == 0);
        }
        nx_usage_waste(usage, &limits, &batch);
        batch.useless = (batch.useless * 7 + 1) % 524288;
    }
    nx_usage_free(usage);
}

static void what_is_paid_back_is_not_saved_up(void **state)
{
    const struct nx_limits limits = {.message_interval_ns = 1000000000, .burst_ns = 1000000000};
    const struct nx_usage_batch useful = {.username = NX_SPAN("u"), .useful = 9, .now_ms = 1000};
    const struct nx_usage_batch useless = {.username = NX_SPAN("u"), .useless = 9, .now_ms = 1000};
    const struct nx_usage_message message = {.username = NX_SPAN("u"), .now_ms = 1000};
    struct nx_usage *usage = nx_usage_new(7);
    unsigned opened = 0;

    (void)state;
    assert_non_null(usage);
    for (unsigned i = 0; i < 100; i++) {
        nx_usage_waste(usage, &limits, &useful);
    }
    while (nx_usage_waste_wait_ms(usage, &limits, useless.username, useless.now_ms) == 0) {
        nx_usage_waste(usage, &limits, &useless);
        opened++;
    }
    assert_int_equal(opened, 1024 + 1);
    assert_int_equal(nx_usage_take(usage, &limits, &message), NX_USAGE_OK); /* beside it */
    nx_usage_free(usage);
}

/* Who finds no room of its own shares what all of them may waste. */
static void those_without_an_account_waste_together(void **state)
{
    enum { ROOM = 65536 };
    const struct nx_limits one = {.message_interval_ns = 1000000000};
    struct nx_usage_batch batch = {.useless = 9, .now_ms = 1000};
    struct nx_usage *usage = nx_usage_new(7);
    char name[16];

    (void)state;
    assert_non_null(usage);
    for (unsigned i = 0; i < ROOM + 2000; i++) {
        (void)snprintf(name, sizeof(name), "u%u", i);
        batch.username = nx_span_from(name);
        nx_usage_waste(usage, &one, &batch);
    }
    assert_int_equal(nx_usage_accounts(usage), ROOM);
    assert_true(nx_usage_waste_wait_ms(usage, &one, NX_SPAN("u70000"), 1000) > 0);
    assert_true(nx_usage_waste_wait_ms(usage, &one, NX_SPAN("u1"), 1000) == 0);
    nx_usage_free(usage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_beyond_the_table_share_one_account),
        cmocka_unit_test(a_full_table_of_assets_admits_no_new_one),
        cmocka_unit_test(the_wait_ends_when_the_message_is_in_time),
        cmocka_unit_test(a_clock_that_stands_still_or_steps_back_gives_no_more),
        cmocka_unit_test(the_wait_for_a_batch_ends_when_there_is_room_for_it),
        cmocka_unit_test(what_is_paid_back_is_not_saved_up),
        cmocka_unit_test(those_without_an_account_waste_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
