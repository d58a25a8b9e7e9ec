/*
 * deliver_limits_test.c - the limits of a link, held against what it delivers in batches: each record
 * is a message, its payload are its bytes. What a rate does not allow yet is left for later, and no
 * record is lost, repeated or refused for it.
 */
#include "deliver_rig.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define REJECTED "nexus/birmingham/_rejected/"
/* 14 at once: an eighth of a burst is kept for what the link publishes itself. */
#define SIXTEEN "\"messages_per_second\": 16, \"burst_seconds\": 1"

/* Does as a link does: goes on behind the mark, after the pause that it is told. Rounds taken. */
static unsigned deliver_patiently(struct site *site, uint64_t until)
{
    unsigned rounds = 1;
    uint64_t after = 0;

    while (batch_deliver_all(site, EPOCH, after, until) != 0) {
        assert_string_equal(site_text(ACK, "outcome"), "again");
        assert_true(site_number(ACK, "wait_ms") > 0);
        after = (uint64_t)site_number(ACK, "mark");
        fake.now_ms += (int64_t)site_number(ACK, "wait_ms");
        rounds++;
    }
    return rounds;
}

static void assert_each_came_once_in_order(uint64_t until)
{
    char wanted[64];
    uint64_t seq = 0;

    for (size_t i = 0; i < fake.messages_count; i++) {
        if (strncmp(fake.messages[i].topic, STREAM, strlen(STREAM)) == 0) {
            (void)snprintf(wanted, sizeof(wanted), "nexus-seq=" EPOCH ".%u\n", (unsigned)++seq);
            assert_non_null(strstr(fake.messages[i].properties, wanted));
        }
    }
    assert_true(seq == until);
}

static void each_record_of_a_batch_is_a_message_of_the_rate(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 14), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 14, 15), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_count(STREAM), 14);
    fake.now_ms += 1000;
    assert_int_equal(batch_deliver_all(site, EPOCH, 14, 28), 0);
    assert_int_equal(fake_count(STREAM), 28);
}

static void a_batch_over_the_rate_is_taken_as_far_as_it_goes(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 25), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_count(STREAM), 14);
    batch_assert_answer("again", 14);
    assert_non_null(strstr(site_text(ACK, "text"), "rate"));
}

static void nothing_is_lost_or_repeated_or_refused_by_a_rate(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    (void)deliver_patiently(site, 60);
    assert_each_came_once_in_order(60);
    assert_int_equal(fake_count(REJECTED), 0);
    assert_true(site_refused(site, "rate") == 0);
    assert_true(batch_counter(site, NULL, "refused") == 0);
    assert_true(batch_counter(site, NULL, "published") == 60);
}

/* 62 records at 16 a second, the first 14 at once: 3 s. */
static void the_pause_makes_few_batches_and_keeps_to_the_rate(void **state)
{
    struct site *site = *state;
    int64_t began_ms = fake.now_ms;
    unsigned rounds;

    batch_limit(site, SIXTEEN);
    rounds = deliver_patiently(site, 62);
    assert_in_range(fake.now_ms - began_ms, 3000, 3300);
    assert_true(rounds <= 3000 / 250 + 2);
    assert_true(batch_counter(site, NULL, "held_back") == rounds - 1);
}

static void a_short_burst_is_not_wasted_in_the_pause(void **state)
{
    struct site *site = *state;
    int64_t began_ms = fake.now_ms;

    batch_limit(site, "\"messages_per_second\": 80, \"burst_seconds\": 0.1");
    (void)deliver_patiently(site, 47); /* 7 at once, 40 in half a second */
    assert_in_range(fake.now_ms - began_ms, 500, 560);
}

static void both_parts_of_a_reading_count_and_none_is_repeated(void **state)
{
    struct nx_batch_record records[2] = {batch_reading(1),
                                         batch_record(1, NX_CHANNEL_ORIGINAL, "bytes")};
    struct site *site = *state;

    batch_limit(site, "\"messages_per_second\": 1, \"burst_seconds\": 1");
    assert_int_equal(batch_deliver(site, EPOCH, 0, 1, false, records, 2), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("again", 0);
    assert_true(site_number(ACK, "wait_ms") == 1000);
    fake.now_ms += 1000;
    assert_int_equal(batch_deliver(site, EPOCH, 0, 1, false, records, 2), 0);
    assert_int_equal(fake_count(STREAM "/observation"), 1);
    assert_int_equal(fake_count(STREAM "/original"), 1);
}

static void what_comes_again_costs_nothing(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 8), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(batch_deliver_all(site, EPOCH, 0, 8), 0);
    }
    assert_int_equal(batch_deliver_all(site, EPOCH, 8, 14), 0);
    assert_int_equal(batch_ask(site, EPOCH, 14), 0); /* nor does a question */
}

static void the_payloads_of_the_records_are_the_bytes_of_the_rate(void **state)
{
    struct site *site = *state;

    batch_limit(site, "\"bytes_per_second\": 416, \"burst_seconds\": 1"); /* 16 of 26 */
    assert_int_equal(strlen(GOOD_READING), 26);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 16), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("again", 14);
    fake.now_ms += (int64_t)site_number(ACK, "wait_ms");
    assert_int_equal(batch_deliver_all(site, EPOCH, 14, 16), 0);
    assert_int_equal(fake_count(STREAM), 16);
}

static void a_link_that_is_held_back_still_publishes_its_status(void **state)
{
    struct site *site = *state;

    batch_limit(site, SIXTEEN);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 20), MOSQ_ERR_ACL_DENIED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fake_publish(&site->plugin, &site->link,
                                      "nexus/birmingham/_status/link-ulsan-birmingham", "{}", true),
                         0);
    }
}

static void a_record_over_the_links_size_is_a_dead_letter(void **state)
{
    struct nx_batch_record records[2] = {batch_record(1, NX_CHANNEL_ORIGINAL, "0123456789abcdef"),
                                         batch_record(2, NX_CHANNEL_ORIGINAL, "0123456789abcde")};
    struct site *site = *state;

    batch_limit(site, "\"payload_bytes\": 15");
    assert_int_equal(batch_deliver(site, EPOCH, 0, 2, false, records, 2), 0);
    batch_assert_answer("taken", 2);
    assert_non_null(strstr(fake_last(ACK)->payload, "\"seq\":1,\"channel\":\"original\","
                                                    "\"reason\":\"size\""));
    assert_int_equal(fake_count(STREAM), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(each_record_of_a_batch_is_a_message_of_the_rate),
        SITE_TEST(a_batch_over_the_rate_is_taken_as_far_as_it_goes),
        SITE_TEST(nothing_is_lost_or_repeated_or_refused_by_a_rate),
        SITE_TEST(the_pause_makes_few_batches_and_keeps_to_the_rate),
        SITE_TEST(a_short_burst_is_not_wasted_in_the_pause),
        SITE_TEST(both_parts_of_a_reading_count_and_none_is_repeated),
        SITE_TEST(what_comes_again_costs_nothing),
        SITE_TEST(the_payloads_of_the_records_are_the_bytes_of_the_rate),
        SITE_TEST(a_link_that_is_held_back_still_publishes_its_status),
        SITE_TEST(a_record_over_the_links_size_is_a_dead_letter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
