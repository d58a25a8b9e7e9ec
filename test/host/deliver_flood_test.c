/*
 * deliver_flood_test.c - links that send batches of no use: damaged, repeated, out of turn. They cost
 * them their place, a flood of answers and log lines comes of none, and who only recovers from a cut,
 * or is held back by its rate, is not slowed by it.
 */
#include "deliver_rig.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum {
    AT_ONCE = 20,       /* answers to useless batches */
    USELESS_MAX = 1024, /* batches of no use that are opened, however small the rate */
    USELESS_KIB_MAX = 32 * 1024,
    WINDOW = 32, /* batches that a bridge has in flight */
};

#define SIXTEEN "\"messages_per_second\": 16, \"burst_seconds\": 1"

static int damage(struct site *site, struct mosquitto *client)
{
    return fake_publish(&site->plugin, client, "nexus/_deliver/ulsan", "no batch", false);
}

static void flood(struct site *site, struct mosquitto *client, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(damage(site, client), MOSQ_ERR_ACL_DENIED);
    }
}

static unsigned lines_logged(const char *text)
{
    const char *at = fake.log;
    unsigned count = 0;

    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

/* ---- what is told ---- */

static void a_flood_is_answered_and_logged_now_and_then_with_a_count_of_the_rest(void **state)
{
    struct site *site = *state;

    flood(site, &site->link, 500);
    assert_int_equal(fake_count(ACK), AT_ONCE);
    assert_true(lines_logged("nexus/_deliver/ulsan") <= AT_ONCE);
    assert_true(site_number(ACK, "suppressed") == -1);
    fake.now_ms += 1000;
    flood(site, &site->link, 2);
    assert_int_equal(fake_count(ACK), AT_ONCE + 1);
    assert_true(site_number(ACK, "suppressed") == 480);
    assert_true(fake_logged("[480 more of this city's not told]"));
    assert_true(batch_counter(site, "batches", "damaged") == 502);
    assert_true(batch_counter(site, NULL, "answers_suppressed") == 481);
}

static void a_question_is_answered_in_spite_of_a_flood_and_not_without_end(void **state)
{
    struct site *site = *state;
    size_t before;

    flood(site, &site->link, 100);
    before = fake_count(ACK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    }
    assert_int_equal(fake_count(ACK), before + AT_ONCE);
}

static void what_is_useful_earns_answers(void **state)
{
    struct site *site = *state;

    flood(site, &site->link, 100);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    flood(site, &site->link, 100);
    assert_int_equal(fake_count(ACK), AT_ONCE + 1 + 4);
}

static void a_dead_letter_is_told_in_spite_of_a_flood(void **state)
{
    struct nx_batch_record bad = batch_record(1, NX_CHANNEL_OBSERVATION, "{}");
    struct site *site = *state;

    flood(site, &site->link, 100);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    assert_int_equal(batch_deliver(site, EPOCH, 0, 1, false, &bad, 1), 0);
    batch_assert_answer("taken", 1);
    assert_non_null(strstr(fake_last(ACK)->payload, "\"reason\":\"schema\""));
}

static void how_far_a_batch_was_taken_is_told_in_spite_of_a_flood(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    flood(site, &site->link, 100);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 20), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("again", 14);
}

/* ---- what it costs ---- */

static void a_flood_beyond_the_rate_is_not_opened(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    flood(site, &site->link, USELESS_MAX + 500);
    fake.now_ms += 2000; /* an answer more, and room for 32 batches */
    flood(site, &site->link, 100);
    assert_non_null(fake_last(ACK));
    assert_true(batch_counter(site, "batches", "damaged") == USELESS_MAX + 1 + 32);
    assert_true(batch_counter(site, NULL, "unopened") == 600 - 33);
}

static void what_is_not_opened_costs_no_more(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    flood(site, &site->link, USELESS_MAX + 1);
    fake.now_ms += 50;
    assert_int_equal(batch_ask(site, EPOCH, 0), MOSQ_ERR_ACL_DENIED);
    flood(site, &site->link, 500);
    fake.now_ms += 20; /* a sixteenth of a second in all */
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    assert_true(batch_counter(site, NULL, "unopened") == 501);
}

/* Asks as a link does, and waits as it is told, or for two seconds where it is told nothing. */
static void ask_patiently(struct site *site, uint64_t mark)
{
    unsigned waits = 0;

    fake_forget_messages();
    while (batch_ask(site, EPOCH, mark) != 0) {
        assert_true(++waits < 4);
        if (fake_last(ACK) != NULL) {
            assert_string_equal(site_text(ACK, "outcome"), "again");
            assert_non_null(strstr(site_text(ACK, "text"), "not opened"));
            assert_true(site_number(ACK, "wait_ms") > 0);
            fake.now_ms += (int64_t)site_number(ACK, "wait_ms");
        } else {
            fake.now_ms += 2000;
        }
    }
}

/* From a closed door, by the rules, at the slowest rates: it is not shut out again. */
static void a_link_that_comes_back_by_the_rules_goes_on(void **state)
{
    static const char *const limits[] = {
        "\"messages_per_second\": 0.1, \"burst_seconds\": 1",
        "\"messages_per_second\": 1000, \"burst_seconds\": 1",
        "\"bytes_per_second\": 26, \"burst_seconds\": 1",
    };
    char *large = calloc(1, NX_BATCH_BYTES_MAX);
    struct site *site = *state;
    double shut = 0;

    assert_non_null(large);
    for (uint64_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        batch_limit(site, limits[i]);
        for (unsigned n = 0; n < 2 * USELESS_MAX; n++) {
            (void)fake_publish_bytes(&site->plugin, &site->link, "nexus/_deliver/ulsan", large,
                                     NX_BATCH_BYTES_MAX, false);
        }
        ask_patiently(site, i);
        assert_int_equal(batch_deliver_all(site, EPOCH, i, i + 1), 0);
        assert_true(batch_counter(site, NULL, "unopened") > shut);
        shut = batch_counter(site, NULL, "unopened");
    }
    free(large);
}

static void a_greater_rate_does_not_wait_for_what_a_small_one_ran_up(void **state)
{
    struct site *site = *state;

    batch_limit(site, "\"messages_per_second\": 0.1");
    flood(site, &site->link, USELESS_MAX + 1);
    assert_int_equal(batch_ask(site, EPOCH, 0), MOSQ_ERR_ACL_DENIED);
    batch_limit(site, "\"messages_per_second\": 1000");
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
}

static void repeated_bytes_count(void **state)
{
    enum { BYTES = 500 * 1024, FREE = USELESS_KIB_MAX / 500 };
    char *payload = calloc(1, BYTES + 1);
    struct site *site = *state;
    struct nx_batch_record record;
    unsigned taken = 0;

    assert_non_null(payload);
    memset(payload, 'x', BYTES);
    record = batch_record(1, NX_CHANNEL_ORIGINAL, payload);
    batch_limit(site, "\"bytes_per_second\": 100000, \"burst_seconds\": 1");
    while (batch_deliver(site, EPOCH, 0, 1, false, &record, 1) == 0) {
        taken++;
        assert_true(taken < 1000);
    }
    assert_in_range(taken, FREE, FREE + 3);
    free(payload);
}

static void nobody_else_pays_for_a_flood(void **state)
{
    struct nx_batch_record one = batch_reading(1);
    struct site *site = *state;
    struct nx_buf batch;

    batch_limit(site, SIXTEEN);
    flood(site, &site->link, USELESS_MAX + 100);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false), 0);
    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_begin(&batch, EPOCH, 0), NX_OK);
    assert_int_equal(nx_batch_end(&batch, 0, false), NX_OK);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->bridge, "nexus/_deliver/ulsan",
                                        batch.data, batch.len, false),
                     0);
    nx_buf_reset(&batch);
    assert_int_equal(nx_batch_begin(&batch, EPOCH, 0), NX_OK);
    assert_int_equal(nx_batch_add(&batch, &one), NX_OK);
    assert_int_equal(nx_batch_end(&batch, 1, false), NX_OK);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->bridge, "nexus/_deliver/ulsan",
                                        batch.data, batch.len, false),
                     0);
    nx_buf_fini(&batch);
    assert_int_equal(fake_count(STREAM), 1);
}

static void the_links_own_messages_pay_nothing_for_it(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    flood(site, &site->link, USELESS_MAX + 100);
    assert_int_equal(fake_publish(&site->plugin, &site->link,
                                  "nexus/birmingham/_status/link-ulsan-birmingham", "{}", true),
                     0);
}

static void without_limits_everything_is_opened(void **state)
{
    struct site *site = *state;

    flood(site, &site->link, 3 * USELESS_MAX);
    assert_true(batch_counter(site, "batches", "damaged") == 3 * USELESS_MAX);
    assert_true(batch_counter(site, NULL, "unopened") == 0);
}

/* ---- who is honest ---- */

static void a_window_that_is_repeated_after_a_cut_costs_nothing(void **state)
{
    struct site *site = *state;

    batch_limit(site, "\"messages_per_second\": 10, \"burst_seconds\": 60");
    for (unsigned i = 0; i < WINDOW; i++) {
        assert_int_equal(batch_deliver_all(site, EPOCH, i * 10, (i + 1) * 10), 0);
    }
    fake_forget_messages();
    for (unsigned cuts = 0; cuts < 10; cuts++) {
        assert_int_equal(batch_ask(site, EPOCH, 0), 0);
        for (unsigned i = 0; i < WINDOW; i++) {
            assert_int_equal(batch_deliver_all(site, EPOCH, i * 10, (i + 1) * 10), 0);
        }
    }
    assert_int_equal(batch_deliver_all(site, EPOCH, 10 * WINDOW, 10 * WINDOW + 10), 0);
    assert_int_equal(fake_count(STREAM), 10);
}

/* Each round one batch goes too far, those behind it are gaps, and a question follows. */
static void a_link_that_its_rate_holds_back_wastes_and_is_never_shut_out(void **state)
{
    enum { ROUNDS = 600, BEHIND = 2 };
    struct site *site = *state;
    int64_t began_ms = fake.now_ms;

    batch_limit(site, "\"messages_per_second\": 1, \"burst_seconds\": 1");
    for (uint64_t mark = 0; mark < ROUNDS; mark++) {
        fake_forget_messages();
        assert_int_equal(batch_ask(site, EPOCH, mark), 0);
        batch_assert_answer("taken", mark > 0 ? (double)mark : -1);
        assert_int_equal(batch_deliver_all(site, EPOCH, mark, mark + 1), 0);
        assert_int_equal(batch_deliver_all(site, EPOCH, mark + 1, mark + 2), MOSQ_ERR_ACL_DENIED);
        batch_assert_answer("again", (double)mark + 1);
        fake.now_ms += (int64_t)site_number(ACK, "wait_ms");
        for (unsigned i = 2; i < 2 + BEHIND; i++) {
            assert_int_equal(batch_deliver_all(site, EPOCH, mark + i, mark + i + 1),
                             MOSQ_ERR_ACL_DENIED);
        }
    }
    assert_true(fake.now_ms - began_ms == 1000 * ROUNDS); /* all that its rate allows */
    assert_true(batch_counter(site, NULL, "unopened") == 0);
}

/* ---- a hole that a batch left which was not read ---- */

static void nothing_begins_behind_a_batch_that_was_not_read(void **state)
{
    struct site *site = *state;

    flood(site, &site->link, 1);
    assert_int_equal(batch_deliver_all(site, EPOCH, 4, 8), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("again", -1);
    assert_int_equal(fake_count(STREAM), 0);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 4), 0);
    flood(site, &site->link, 1);
    assert_int_equal(batch_deliver_all(site, EPOCH, 4, 8), 0); /* the mark tells of any hole */
    assert_int_equal(batch_deliver_all(site, NEWER, 4, 8), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(batch_ask(site, NEWER, 0), 0);
    assert_int_equal(batch_deliver_all(site, NEWER, 0, 4), 0);
    assert_int_equal(fake_count(STREAM), 12);
}

/* ---- who is disconnected ---- */

static unsigned kicks_after(struct site *site)
{
    unsigned before = fake.kicks;

    (void)fake_tick(&site->plugin);
    return fake.kicks - before;
}

static void who_sends_what_no_link_makes_is_disconnected_by_the_tick(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "5"), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 1), 0);
    flood(site, &site->link, 2);
    assert_int_equal(batch_deliver_all(site, OLDER, 0, 1), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(batch_deliver_all(site, OLDER, 1, 2), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(kicks_after(site), 0);
    flood(site, &site->link, 1);
    assert_int_equal(fake.kicks, 0);
    assert_int_equal(kicks_after(site), 1);
    assert_string_equal(fake.kicked, "nexus-bridge-2");
}

static void who_recovers_is_disconnected_only_beyond_a_generous_bound(void **state)
{
    enum { REFUSALS = 5, USELESS = REFUSALS * 64 };
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "5"), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);
    for (unsigned i = 0; i < USELESS / 4; i++) {
        assert_int_equal(batch_deliver_all(site, EPOCH, 9, 10), MOSQ_ERR_ACL_DENIED); /* a gap */
        assert_int_equal(batch_deliver_all(site, EPOCH, 0, 5), 0);                    /* repeated */
        assert_int_equal(batch_ask(site, OLDER, 0), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(kicks_after(site), 0);
        assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    }
    assert_int_equal(kicks_after(site), 1);
}

static void what_a_link_brings_disconnects_nobody_be_it_refused(void **state)
{
    struct nx_batch_record bad;
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "1"), 0);
    for (uint64_t seq = 1; seq <= 300; seq++) {
        bad = batch_record(seq, NX_CHANNEL_OBSERVATION, "{}");
        assert_int_equal(batch_deliver(site, EPOCH, seq - 1, seq, false, &bad, 1), 0);
    }
    assert_int_equal(kicks_after(site), 0);
}

#define MADE_TEST(name) cmocka_unit_test_setup_teardown(name, site_make, site_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_flood_is_answered_and_logged_now_and_then_with_a_count_of_the_rest),
        SITE_TEST(a_question_is_answered_in_spite_of_a_flood_and_not_without_end),
        SITE_TEST(what_is_useful_earns_answers),
        SITE_TEST(a_dead_letter_is_told_in_spite_of_a_flood),
        SITE_TEST(how_far_a_batch_was_taken_is_told_in_spite_of_a_flood),
        SITE_TEST(a_flood_beyond_the_rate_is_not_opened),
        SITE_TEST(what_is_not_opened_costs_no_more),
        SITE_TEST(a_link_that_comes_back_by_the_rules_goes_on),
        SITE_TEST(a_greater_rate_does_not_wait_for_what_a_small_one_ran_up),
        SITE_TEST(repeated_bytes_count),
        SITE_TEST(nobody_else_pays_for_a_flood),
        SITE_TEST(the_links_own_messages_pay_nothing_for_it),
        SITE_TEST(without_limits_everything_is_opened),
        SITE_TEST(a_window_that_is_repeated_after_a_cut_costs_nothing),
        SITE_TEST(a_link_that_its_rate_holds_back_wastes_and_is_never_shut_out),
        SITE_TEST(nothing_begins_behind_a_batch_that_was_not_read),
        MADE_TEST(who_sends_what_no_link_makes_is_disconnected_by_the_tick),
        MADE_TEST(who_recovers_is_disconnected_only_beyond_a_generous_bound),
        MADE_TEST(what_a_link_brings_disconnects_nobody_be_it_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
