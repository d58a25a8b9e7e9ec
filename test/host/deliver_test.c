/*
 * deliver_test.c - batches at the plugin: the rules of plugin/deliver.h one by one, with a clock and
 * a memory that are the test's to say.
 */
#include "deliver_rig.h"
#include "plugin/deliver.h"
#include "test/unit/unit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- taken ---- */

static void each_record_becomes_a_publication(void **state)
{
    struct nx_batch_record records[3] = {batch_reading(42),
                                         batch_record(42, NX_CHANNEL_ORIGINAL, "\xFF not JSON"),
                                         batch_record(43, NX_CHANNEL_CANONICAL, "{\"id\":\"x\"}")};
    const struct fake_message *message;
    struct site *site = *state;

    records[0].properties[0] =
        (struct nx_mqtt_user_property){NX_SPAN("nexus-lens"), NX_SPAN("a@1")};
    records[0].properties[1] = (struct nx_mqtt_user_property){NX_SPAN("nexus-seq"), NX_SPAN("lie")};
    records[0].properties_count = 2;
    records[2].retain = false;
    assert_int_equal(batch_deliver(site, EPOCH, 41, 44, false, records, 3), 0);

    message = fake_last(STREAM "/observation");
    assert_string_equal(message->payload, GOOD_READING);
    assert_string_equal(message->properties, "content-type=application/json\n"
                                             "nexus-origin=ulsan\nnexus-seq=" EPOCH ".42\n"
                                             "nexus-lens=a@1\n");
    assert_int_equal(message->qos, 1);
    assert_true(message->retain);
    assert_string_equal(fake_last(STREAM "/original")->payload, "\xFF not JSON");
    message = fake_last(STREAM "/canonical");
    assert_false(message->retain);
    assert_non_null(strstr(message->properties, "nexus-seq=" EPOCH ".43\n"));
    assert_null(fake_last(ACK)); /* nothing to tell */
    assert_true(batch_counter(site, NULL, "published") == 3);
    assert_true(batch_counter(site, "batches", "taken") == 1);
}

static void an_empty_record_clears_what_is_retained(void **state)
{
    struct nx_batch_record clear = batch_record(1, NX_CHANNEL_OBSERVATION, "");
    struct site *site = *state;

    assert_int_equal(batch_deliver(site, EPOCH, 0, 1, false, &clear, 1), 0);
    assert_string_equal(fake_last(STREAM)->payload, "");
    assert_null(strstr(fake_last(STREAM)->properties, "content-type"));
}

static void what_comes_again_is_dropped(void **state)
{
    struct site *site = *state;

    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 3), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 3), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 1, 5), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 2), 0); /* the mark does not go back */
    assert_int_equal(fake_count(STREAM), 5);
    assert_non_null(strstr(fake_last(STREAM)->properties, ".5\n"));
    assert_true(batch_counter(site, NULL, "repeated") == 3 + 2 + 2);
    assert_int_equal(batch_ask(site, EPOCH, 5), 0);
    batch_assert_answer("taken", 5);
}

static void numbers_without_a_record_are_accounted_for(void **state)
{
    struct nx_batch_record one = batch_reading(5);
    struct site *site = *state;

    assert_int_equal(batch_deliver(site, EPOCH, 0, 9, false, &one, 1), 0);
    assert_int_equal(batch_deliver(site, EPOCH, 9, 20, false, NULL, 0), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 20, 21), 0);
    assert_int_equal(fake_count(STREAM), 2);
}

static void the_greatest_number_and_the_longest_names_are_published_whole(void **state)
{
    static const char asset[] = "A123456789012345678901234567890123456789012345678901234567890123";
    struct nx_batch_record one = batch_reading(UINT64_MAX);
    char stream[80], topic[160];
    struct site *site = *state;

    (void)snprintf(stream, sizeof(stream), "air/%s", asset);
    (void)snprintf(topic, sizeof(topic), "nexus/ulsan/air/%s/observation", asset);
    one.stream = nx_span_from(stream);
    assert_int_equal(strlen(asset), 64);
    assert_int_equal(batch_deliver(site, EPOCH, UINT64_MAX - 1, UINT64_MAX, false, &one, 1), 0);
    assert_int_equal(fake_count(topic), 1);
    assert_non_null(
        strstr(fake_last(topic)->properties, "nexus-seq=" EPOCH ".18446744073709551615\n"));
}

/* ---- gaps, jumps, epochs ---- */

static void a_gap_is_refused_whole_and_told(void **state)
{
    struct site *site = *state;

    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 3), 0);
    assert_int_equal(batch_deliver_all(site, EPOCH, 5, 7), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("gap", 3);
    assert_true(site_number(ACK, "after") == 5);
    assert_true(site_number(ACK, "until") == 7);
    assert_string_equal(site_text(ACK, "epoch"), EPOCH);
    assert_int_equal(fake_count(STREAM), 3);
    assert_int_equal(batch_deliver_all(site, EPOCH, 3, 7), 0);
    assert_int_equal(fake_count(STREAM), 7);
    assert_true(batch_counter(site, "batches", "gap") == 1);
}

static void a_jump_is_taken_and_logged(void **state)
{
    struct nx_batch_record one = batch_reading(7);
    struct site *site = *state;

    assert_int_equal(batch_deliver_all(site, EPOCH, 0, 3), 0);
    assert_int_equal(batch_deliver(site, EPOCH, 5, 7, true, &one, 1), 0);
    assert_int_equal(fake_count(STREAM), 4);
    assert_true(fake_logged("between 3 and 5 cannot be had any more"));
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    batch_assert_answer("taken", 7);
}

static void an_older_epoch_is_stale_and_a_newer_one_begins_anew(void **state)
{
    struct site *site = *state;

    assert_int_equal(batch_deliver_all(site, EPOCH, 100, 103), 0); /* unknown: any start is taken */
    assert_true(fake_logged("nothing is known of it here: it begins at " EPOCH ".100"));
    assert_int_equal(batch_deliver_all(site, OLDER, 103, 104), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("stale", -1);
    assert_int_equal(batch_ask(site, OLDER, 104), MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("stale", -1);
    assert_int_equal(batch_ask(site, NEWER, 0), 0);
    batch_assert_answer("taken", -1); /* null: nothing in that epoch */
    assert_int_equal(batch_deliver_all(site, NEWER, 0, 2), 0);
    assert_int_equal(fake_count(STREAM), 3 + 2);
    assert_int_equal(batch_deliver_all(site, EPOCH, 103, 104), MOSQ_ERR_ACL_DENIED);
}

static void a_question_changes_nothing(void **state)
{
    struct site *site = *state;

    assert_int_equal(batch_ask(site, EPOCH, 17), 0);
    batch_assert_answer("taken", -1);
    assert_int_equal(batch_deliver_all(site, EPOCH, 4, 6), 0);
    assert_int_equal(batch_ask(site, EPOCH, 17), 0); /* no gap: it asks */
    batch_assert_answer("taken", 6);
    assert_int_equal(batch_deliver_all(site, EPOCH, 6, 7), 0);
    assert_true(batch_counter(site, NULL, "questions") == 2);
}

/* ---- refused ---- */

static void a_refused_record_is_told_and_stops_nothing(void **state)
{
    struct nx_batch_record records[3] = {
        batch_reading(1), batch_record(2, NX_CHANNEL_OBSERVATION, "{\"site\":\"ULS\",\"no2\":-1}"),
        batch_reading(3)};
    struct site *site = *state;
    cJSON *answer;
    const cJSON *refused;

    assert_int_equal(batch_deliver(site, EPOCH, 0, 3, false, records, 3), 0);
    assert_int_equal(fake_count(STREAM), 2);
    batch_assert_answer("taken", 3);
    answer = cJSON_Parse(fake_last(ACK)->payload);
    refused = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "refused"), 0);
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(refused, "seq")) == 2);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(refused, "channel")),
                        "observation");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(refused, "reason")), "schema");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(refused, "instance")), "/no2");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(refused, "keyword")), "minimum");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(answer, "refused")), 1);
    cJSON_Delete(answer);

    assert_string_equal(site_text("nexus/birmingham/_rejected/air/ULS", "identity"), "ulsan-link");
    assert_string_equal(site_text("nexus/birmingham/_rejected/air/ULS", "topic"),
                        STREAM "/observation");
    assert_true(site_refused(site, "schema") == 1);
}

static void each_refused_record_of_a_batch_is_named_and_the_first_ones_with_words(void **state)
{
    struct nx_batch_record records[50];
    struct site *site = *state;
    cJSON *answer;
    const cJSON *refused;

    for (size_t i = 0; i < 50; i++) {
        records[i] = batch_record(i + 1, NX_CHANNEL_OBSERVATION, "[");
    }
    assert_int_equal(batch_deliver(site, EPOCH, 0, 50, false, records, 50), 0);
    answer = cJSON_Parse(fake_last(ACK)->payload);
    refused = cJSON_GetObjectItem(answer, "refused");
    assert_int_equal(cJSON_GetArraySize(refused), 50);
    for (int i = 0; i < 50; i++) {
        const cJSON *one = cJSON_GetArrayItem(refused, i);

        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(one, "reason")), "json");
        assert_int_equal(cJSON_HasObjectItem(one, "text"), i < NX_DELIVER_REFUSALS_TOLD_MAX);
    }
    cJSON_Delete(answer);
}

static void a_record_of_a_domain_that_this_city_does_not_have_is_refused(void **state)
{
    struct nx_batch_record one = batch_reading(1);
    struct site *site = *state;

    one.stream = NX_SPAN("water/W1");
    assert_int_equal(batch_deliver(site, EPOCH, 0, 1, false, &one, 1), 0);
    assert_int_equal(fake_count("nexus/ulsan/"), 0);
    assert_string_equal(site_text("nexus/birmingham/_rejected/water/W1", "reason"), "domain");
}

static void each_record_is_held_against_its_own_domain_and_channel(void **state)
{
    struct nx_batch_record records[6] = {
        batch_reading(1), batch_record(1, NX_CHANNEL_ORIGINAL, "\xFF not JSON"),
        batch_reading(2), batch_reading(3),
        batch_reading(4), batch_record(5, NX_CHANNEL_OBSERVATION, "\xFF not JSON")};
    struct site *site = *state;

    records[2].stream = NX_SPAN("water/W1");
    records[4].stream = NX_SPAN("water/W2");
    assert_int_equal(batch_deliver(site, EPOCH, 0, 5, false, records, 6), 0);
    assert_int_equal(fake_count(STREAM "/observation"), 2);
    assert_int_equal(fake_count(STREAM "/original"), 1);
    assert_int_equal(fake_count("nexus/ulsan/"), 3);
    assert_string_equal(site_text("nexus/birmingham/_rejected/water/W1", "reason"), "domain");
    assert_string_equal(site_text("nexus/birmingham/_rejected/water/W2", "reason"), "domain");
    assert_string_equal(site_text("nexus/birmingham/_rejected/air/ULS", "reason"), "json");
    assert_non_null(strstr(fake_last(STREAM "/observation")->properties, ".3\n"));
}

static void only_links_and_bridges_deliver_and_no_city_delivers_to_itself(void **state)
{
    struct site *site = *state;
    struct mosquitto *const others[] = {&site->sensor, &site->reader,
                                        &site->operator, & site->anonymous, &site->stranger};
    struct nx_buf batch;
    struct nx_batch_record one = batch_reading(1);

    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_begin(&batch, EPOCH, 0), NX_OK);
    assert_int_equal(nx_batch_add(&batch, &one), NX_OK);
    assert_int_equal(nx_batch_end(&batch, 1, false), NX_OK);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_int_equal(fake_publish_bytes(&site->plugin, others[i], "nexus/_deliver/ulsan",
                                            batch.data, batch.len, false),
                         MOSQ_ERR_ACL_DENIED);
    }
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->bridge, "nexus/_deliver/birmingham",
                                        batch.data, batch.len, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->bridge, "nexus/_deliver/busan",
                                        batch.data, batch.len, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text("nexus/birmingham/_rejected/_/_", "reason"), "city");
    assert_int_equal(fake_count("nexus/ulsan/"), 0);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->link, "nexus/_deliver/ulsan",
                                        batch.data, batch.len, true),
                     MOSQ_ERR_ACL_DENIED); /* retained */
    batch_assert_answer("refused", -1);
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->bridge, "nexus/_deliver/ulsan",
                                        batch.data, batch.len, false),
                     0);
    assert_int_equal(fake_count("nexus/ulsan/"), 1);
    nx_buf_fini(&batch);
}

static void nobody_receives_a_batch(void **state)
{
    struct site *site = *state;
    struct mosquitto *const all[] = {&site->sensor, &site->reader, &site->operator, & site->bridge,
                                     &site->link, &site->anonymous};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_int_equal(fake_deliver(&site->plugin, all[i], "nexus/_deliver/ulsan"),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_subscribe(&site->plugin, all[i], "nexus/_deliver/ulsan"),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_subscribe(&site->plugin, all[i], "nexus/_deliver/#"),
                         MOSQ_ERR_ACL_DENIED);
    }
}

static void what_is_no_batch_is_refused_and_told(void **state)
{
    char *large = calloc(1, NX_BATCH_BYTES_MAX + 1);
    struct site *site = *state;

    assert_non_null(large);
    assert_int_equal(fake_publish(&site->plugin, &site->link, "nexus/_deliver/ulsan", "", false),
                     MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("damaged", -1);
    assert_int_equal(
        fake_publish(&site->plugin, &site->link, "nexus/_deliver/ulsan", GOOD_READING, false),
        MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("damaged", -1);
    memcpy(large, "NXB\1", 4);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->link, "nexus/_deliver/ulsan", large,
                                        NX_BATCH_BYTES_MAX + 1, false),
                     MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("limit", -1);
    large[3] = 2;
    assert_int_equal(
        fake_publish_bytes(&site->plugin, &site->link, "nexus/_deliver/ulsan", large, 64, false),
        MOSQ_ERR_ACL_DENIED);
    batch_assert_answer("refused", -1);
    assert_true(batch_counter(site, "batches", "damaged") == 2);
    assert_true(batch_counter(site, "batches", "limit") == 1);
    assert_true(batch_counter(site, "batches", "refused") == 1);
    free(large);
}

/* ---- as much as one turn takes ---- */

static void pass_time(void)
{
    fake.now_ms += 12;
}

static void a_turn_that_takes_long_ends_between_two_numbers(void **state)
{
    struct nx_batch_record records[20];
    struct site *site = *state;
    double mark = 0;

    for (size_t i = 0; i < 20; i++) {
        records[i] = batch_reading(i / 2 + 1);
        records[i].channel = i % 2 == 0 ? NX_CHANNEL_OBSERVATION : NX_CHANNEL_ORIGINAL;
    }
    fake.on_publish = pass_time;
    for (int turns = 0; mark < 10 && turns < 20; turns++) {
        double before = mark;

        if (batch_deliver(site, EPOCH, 0, 10, false, records, 20) == 0) {
            assert_int_equal(batch_ask(site, EPOCH, 10), 0);
        } else {
            assert_string_equal(site_text(ACK, "outcome"), "again");
        }
        mark = site_number(ACK, "mark");
        assert_true(mark > before);
        assert_int_equal(fake_count(STREAM), (size_t)mark * 2);
    }
    assert_true(mark == 10);
    assert_true(batch_counter(site, "batches", "again") >= 2);
}

static unsigned publishes_until_failure;

static void fail_after_some(void)
{
    fake.publish_fails = --publishes_until_failure == 0;
}

static void out_of_memory_loses_nothing_and_repeats_nothing(void **state)
{
    struct nx_batch_record records[6];
    struct site *site = *state;

    for (size_t i = 0; i < 6; i++) {
        records[i] = batch_reading(i / 2 + 1);
        records[i].channel = i % 2 == 0 ? NX_CHANNEL_OBSERVATION : NX_CHANNEL_ORIGINAL;
    }
    publishes_until_failure = 3; /* the observation of number 2 is out, its original is not */
    fake.on_publish = fail_after_some;
    assert_int_equal(batch_deliver(site, EPOCH, 0, 3, false, records, 6), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_count(STREAM), 3);
    fake.publish_fails = false;
    fake.on_publish = NULL;
    assert_int_equal(batch_ask(site, EPOCH, 0), 0);
    batch_assert_answer("taken", 1);
    assert_int_equal(batch_deliver(site, EPOCH, 1, 3, false, records + 2, 4), 0);
    assert_int_equal(fake_count(STREAM "/observation"), 3);
    assert_int_equal(fake_count(STREAM "/original"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(each_record_becomes_a_publication),
        SITE_TEST(an_empty_record_clears_what_is_retained),
        SITE_TEST(what_comes_again_is_dropped),
        SITE_TEST(numbers_without_a_record_are_accounted_for),
        SITE_TEST(the_greatest_number_and_the_longest_names_are_published_whole),
        SITE_TEST(a_gap_is_refused_whole_and_told),
        SITE_TEST(a_jump_is_taken_and_logged),
        SITE_TEST(an_older_epoch_is_stale_and_a_newer_one_begins_anew),
        SITE_TEST(a_question_changes_nothing),
        SITE_TEST(a_refused_record_is_told_and_stops_nothing),
        SITE_TEST(each_refused_record_of_a_batch_is_named_and_the_first_ones_with_words),
        SITE_TEST(a_record_of_a_domain_that_this_city_does_not_have_is_refused),
        SITE_TEST(each_record_is_held_against_its_own_domain_and_channel),
        SITE_TEST(only_links_and_bridges_deliver_and_no_city_delivers_to_itself),
        SITE_TEST(nobody_receives_a_batch),
        SITE_TEST(what_is_no_batch_is_refused_and_told),
        SITE_TEST(a_turn_that_takes_long_ends_between_two_numbers),
        SITE_TEST(out_of_memory_loses_nothing_and_repeats_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
