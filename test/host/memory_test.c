/*
 * memory_test.c - the plugin when memory runs out: the n-th allocation fails, for every n until
 * nothing fails any more. It may refuse and it may say less; it may not crash, leak, admit what
 * it would have refused, or lose its configuration.
 */
#include "core/batch.h"
#include "site.h"
#include "test/unit/memory.h"
#include "test/unit/unit.h"

#include <string.h>

enum { SWEEP_MAX = 100000 };

static void a_start_without_memory_fails_cleanly(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        int rc;

        memory_fails_at(n);
        rc = site_start(site, NULL, NULL);
        memory_fails_at(0);
        if (!memory_failed()) {
            assert_int_equal(rc, 0);
            return;
        }
        if (rc == 0) {
            fake_stop(&site->plugin); /* what failed was not needed */
        }
        assert_false(fake_has_callbacks(&site->plugin));
        fake_reset();
    }
    fail_msg("the sweep did not end");
}

/* Publishes through the fake broker with the n-th allocation failing; what was answered. */
static int publish_failing(struct site *site, const char *payload, size_t n)
{
    static char topic[] = OWN_TOPIC;
    struct mosquitto_evt_acl_check event = {.client = &site->sensor,
                                            .topic = topic,
                                            .payload = payload,
                                            .payloadlen = (uint32_t)strlen(payload),
                                            .access = MOSQ_ACL_WRITE};
    int rc;

    memory_fails_at(n);
    rc = fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, &event);
    memory_fails_at(0);
    return rc;
}

static void a_bad_reading_is_refused_whichever_allocation_fails(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        assert_int_equal(publish_failing(site, "{\"site\":\"BMLD\",\"no2\":-1}", n),
                         MOSQ_ERR_ACL_DENIED);
        fake.now_ms += 1000; /* so that each one is due to be told */
        if (!memory_failed()) {
            assert_string_equal(site_text("nexus/birmingham/_rejected/", "keyword"), "minimum");
            return;
        }
    }
    fail_msg("the sweep did not end");
}

static void in_mode_warn_what_could_not_be_judged_is_refused(void **state)
{
    struct site *site = *state;
    unsigned refused = 0;

    site_write_city(site, "warn");
    for (size_t n = 1; n < SWEEP_MAX; n++) {
        (void)fake_reload(&site->plugin);
        refused += publish_failing(site, "{}", n) == MOSQ_ERR_ACL_DENIED;
        assert_int_equal(publish_failing(site, "{}", 0), MOSQ_ERR_SUCCESS);
        fake_stop(&site->plugin); /* the reader keeps its memory: each try starts afresh */
        fake_reset();
        assert_int_equal(site_start(site, NULL, NULL), 0);
        if (refused > 0) {
            return; /* the first ones may fail without harm: judging in one pass has its own */
        }
    }
    fail_msg("nothing was refused for want of memory");
}

static void a_good_reading_is_judged_again_once_memory_is_back(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        int rc = publish_failing(site, GOOD_READING, n);

        assert_true(rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_ACL_DENIED);
        if (!memory_failed()) {
            assert_int_equal(rc, MOSQ_ERR_SUCCESS);
            return;
        }
        assert_int_equal(publish_failing(site, GOOD_READING, 0), MOSQ_ERR_SUCCESS);
        fake_stop(&site->plugin); /* the reader keeps its memory: each try starts afresh */
        fake_reset();
        assert_int_equal(site_start(site, NULL, NULL), 0);
    }
    fail_msg("the sweep did not end");
}

static void a_reload_without_memory_keeps_the_old_configuration(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        memory_fails_at(n);
        assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
        memory_fails_at(0);
        assert_int_equal(publish_failing(site, GOOD_READING, 0), MOSQ_ERR_SUCCESS);
        assert_int_equal(publish_failing(site, "{}", 0), MOSQ_ERR_ACL_DENIED);
        if (!memory_failed()) {
            return;
        }
    }
    fail_msg("the sweep did not end");
}

static void a_status_without_memory_is_left_out_and_comes_with_the_next(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        size_t before = fake_count("nexus/birmingham/_status/plugin");

        fake.now_ms += 5000;
        memory_fails_at(n);
        assert_int_equal(fake_tick(&site->plugin), 0);
        memory_fails_at(0);
        if (!memory_failed()) {
            assert_int_equal(fake_count("nexus/birmingham/_status/plugin"), before + 1);
            return;
        }
        if (fake.messages_count + 2 > FAKE_MESSAGES_MAX) {
            fail_msg("the sweep did not end");
        }
    }
}

static void what_a_flood_left_untold_is_told_once_memory_is_back(void **state)
{
    struct site *site = *state;
    size_t before;

    for (unsigned i = 0; i < 50; i++) {
        (void)publish_failing(site, "{}", 0);
    }
    before = fake_count("nexus/birmingham/_rejected/");
    fake.now_ms += 2000;
    for (size_t n = 1; n < SWEEP_MAX; n++) {
        fake.now_ms += 1000; /* and a status in between, which may be what fails */
        memory_fails_at(n);
        assert_int_equal(fake_tick(&site->plugin), 0);
        memory_fails_at(0);
        if (fake_count("nexus/birmingham/_rejected/") > before) {
            assert_true(n > 1);
            assert_true(site_number("nexus/birmingham/_rejected/", "suppressed") == 30);
            return;
        }
    }
    fail_msg("the sweep did not end");
}

/* Three readings behind `after`, the second one bad, with the n-th allocation failing. */
static int deliver_failing(struct site *site, uint64_t after, size_t n)
{
    static char topic[] = "nexus/_deliver/ulsan";
    struct mosquitto_evt_acl_check event = {
        .client = &site->link, .topic = topic, .access = MOSQ_ACL_WRITE};
    struct nx_buf batch;
    int rc;

    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_begin(&batch, "0199c8a1b2c3d4e5f607", after), NX_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        struct nx_batch_record record = {.seq = after + i,
                                         .channel = NX_CHANNEL_OBSERVATION,
                                         .stream = NX_SPAN("air/ULS"),
                                         .payload = nx_span_from(i == 2 ? "{}" : GOOD_READING),
                                         .properties = {{NX_SPAN("name"), NX_SPAN("value")}},
                                         .properties_count = 1};

        assert_int_equal(nx_batch_add(&batch, &record), NX_OK);
    }
    assert_int_equal(nx_batch_end(&batch, after + 3, false), NX_OK);
    event.payload = batch.data;
    event.payloadlen = (uint32_t)batch.len;
    memory_fails_at(n);
    rc = fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, &event);
    memory_fails_at(0);
    nx_buf_fini(&batch);
    return rc;
}

static void a_batch_arrives_once_whichever_allocation_fails(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        bool was_last;
        int rc = deliver_failing(site, 0, n);

        was_last = !memory_failed();
        assert_true(rc == MOSQ_ERR_SUCCESS || (rc == MOSQ_ERR_ACL_DENIED && !was_last));
        if (rc != MOSQ_ERR_SUCCESS) {
            assert_int_equal(deliver_failing(site, 0, 0), MOSQ_ERR_SUCCESS);
        }
        assert_int_equal(fake_count("nexus/ulsan/air/ULS"), 2);
        if (was_last) {
            return;
        }
        fake_stop(&site->plugin); /* the reader keeps its memory: each try starts afresh */
        fake_reset();
        assert_int_equal(site_start(site, NULL, NULL), 0);
    }
    fail_msg("the sweep did not end");
}

/* One message in a thousand seconds for each sensor. */
static void write_limited_city(const struct site *site)
{
    site_write(site, "birmingham/city.json",
               "{ \"city\": \"birmingham\", \"title\": \"B\", \"country\": \"GB\",\n"
               "  \"time_zone\": \"Europe/London\", \"bounding_box\": [-3, 52, -1, 53],\n"
               "  \"reference\": { \"temperature_celsius\": 20, \"pressure_kpa\": 101.325 },\n"
               "  \"domains\": { \"air\": {} }, \"limits\": { \"sensor\": {\n"
               "    \"messages_per_second\": 0.001, \"burst_seconds\": 1, \"assets\": 1 } },\n"
               "  \"identities\": { \"air-{asset}\": { \"role\": \"sensor\",\n"
               "    \"assets\": [\"air/{asset}\"] } } }\n");
}

static void a_limit_holds_whichever_allocation_fails(void **state)
{
    struct site *site = *state;

    write_limited_city(site);
    for (size_t n = 1; n < SWEEP_MAX; n++) {
        unsigned admitted;
        bool ended;

        (void)fake_reload(&site->plugin);
        admitted = publish_failing(site, GOOD_READING, n) == MOSQ_ERR_SUCCESS;
        ended = !memory_failed();
        for (unsigned i = 0; i < 10; i++) {
            admitted += publish_failing(site, GOOD_READING, 0) == MOSQ_ERR_SUCCESS;
        }
        assert_in_range(admitted, 1, 2); /* without an account of its own: one on the common one */
        if (ended) {
            assert_int_equal(admitted, 1);
            return;
        }
        fake_stop(&site->plugin);
        fake_reset();
        assert_int_equal(site_start(site, NULL, NULL), 0);
    }
    fail_msg("the sweep did not end");
}

static void an_offender_is_disconnected_whichever_allocation_fails(void **state)
{
    struct site *site = *state;

    for (size_t n = 1; n < SWEEP_MAX; n++) {
        fake_stop(&site->plugin);
        fake_reset();
        assert_int_equal(site_start(site, "disconnect_refusals", "1"), 0);
        assert_int_equal(publish_failing(site, "{}", n), MOSQ_ERR_ACL_DENIED);
        if (!memory_failed()) {
            return;
        }
        assert_int_equal(publish_failing(site, "{}", 0), MOSQ_ERR_ACL_DENIED);
        (void)fake_tick(&site->plugin);
        assert_int_equal(fake.kicks, 1);
    }
    fail_msg("the sweep did not end");
}

static void rights_hold_whichever_allocation_fails(void **state)
{
    static char own[] = OWN_TOPIC, other[] = "nexus/birmingham/air/BIRR/observation";
    struct site *site = *state;

    for (size_t n = 1; n < 4; n++) { /* none of these allocates */
        memory_fails_at(n);
        assert_int_equal(fake_ask(&site->plugin, &site->sensor, MOSQ_ACL_READ, own), 0);
        assert_int_equal(fake_ask(&site->plugin, &site->sensor, MOSQ_ACL_READ, other),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_ask(&site->plugin, &site->sensor, MOSQ_ACL_SUBSCRIBE, own), 0);
        assert_int_equal(fake_ask(&site->plugin, &site->stranger, MOSQ_ACL_SUBSCRIBE, own),
                         MOSQ_ERR_ACL_DENIED);
        memory_fails_at(0);
        assert_false(memory_failed());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_start_without_memory_fails_cleanly, site_make,
                                        site_remove),
        SITE_TEST(a_bad_reading_is_refused_whichever_allocation_fails),
        SITE_TEST(in_mode_warn_what_could_not_be_judged_is_refused),
        SITE_TEST(a_good_reading_is_judged_again_once_memory_is_back),
        SITE_TEST(what_a_flood_left_untold_is_told_once_memory_is_back),
        SITE_TEST(a_batch_arrives_once_whichever_allocation_fails),
        SITE_TEST(a_reload_without_memory_keeps_the_old_configuration),
        SITE_TEST(a_status_without_memory_is_left_out_and_comes_with_the_next),
        SITE_TEST(a_limit_holds_whichever_allocation_fails),
        SITE_TEST(an_offender_is_disconnected_whichever_allocation_fails),
        SITE_TEST(rights_hold_whichever_allocation_fails),
    };

    return cmocka_run_group_tests(tests, memory_for_cjson, NULL);
}
