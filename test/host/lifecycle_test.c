/*
 * lifecycle_test.c - start, options, reload, status, end.
 */
#include "site.h"
#include "test/unit/unit.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define STATUS "nexus/birmingham/_status/plugin"

static int start_with(struct site *site, const struct fake_option *options, int count)
{
    int rc = fake_start(&site->plugin, options, count);

    if (rc != 0) {
        assert_null(site->plugin.userdata);
        assert_false(fake_has_callbacks(&site->plugin));
    }
    return rc;
}

/* --- options ------------------------------------------------------------------------------- */

static void an_unknown_option_stops_the_start_and_lists_the_known(void **state)
{
    struct site *site = *state;

    assert_int_not_equal(site_start(site, "ouside", "allow"), 0);
    assert_true(fake_logged("unknown option plugin_opt_ouside; known: plugin_opt_config, "
                            "plugin_opt_city, plugin_opt_outside, plugin_opt_status_seconds, "
                            "plugin_opt_payload_max"));
}

static void a_missing_option_stops_the_start_by_name(void **state)
{
    struct site *site = *state;
    const struct fake_option city[] = {{"city", "birmingham"}};
    const struct fake_option config[] = {{"config", site->dir}};

    assert_int_not_equal(start_with(site, city, 1), 0);
    assert_true(fake_logged("plugin_opt_config is missing"));
    assert_int_not_equal(start_with(site, config, 1), 0);
    assert_true(fake_logged("plugin_opt_city is missing"));
}

static void a_value_out_of_range_stops_the_start_with_what_is_allowed(void **state)
{
    static const struct fake_option bad[] = {{"outside", "maybe"},
                                             {"outside", ""},
                                             {"status_seconds", "0"},
                                             {"status_seconds", "3601"},
                                             {"status_seconds", "5s"},
                                             {"status_seconds", "-1"},
                                             {"payload_max", "16777217"},
                                             {"payload_max", ""},
                                             {"payload_max", "0x400"},
                                             {"payload_max", " 1024"},
                                             {"payload_max", "99999999999999999999"}};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_not_equal(site_start(site, bad[i].key, bad[i].value), 0);
    }
    assert_true(fake_logged("plugin_opt_outside takes allow or defer, not 'maybe'"));
    assert_true(fake_logged("plugin_opt_status_seconds takes 1 to 3600 seconds, not '5s'"));
}

static void an_option_given_twice_stops_the_start(void **state)
{
    struct site *site = *state;

    assert_int_not_equal(site_start(site, "city", "ulsan"), 0);
    assert_true(fake_logged("plugin_opt_city is given twice"));
}

static void a_city_that_the_federation_does_not_know_stops_the_start(void **state)
{
    struct site *site = *state;
    const struct fake_option options[] = {{"config", site->dir}, {"city", "busan"}};

    assert_int_not_equal(start_with(site, options, 2), 0);
    assert_true(fake_logged("busan"));
}

static void a_broken_configuration_stops_the_start_with_its_place(void **state)
{
    struct site *site = *state;

    site_write(site, "birmingham/city.json", "{\n  \"city\": \"birmingham\",\n  \"tilte\": 1 }\n");
    assert_int_not_equal(site_start(site, NULL, NULL), 0);
    assert_true(fake_logged("birmingham/city.json:3:"));
    assert_null(site->plugin.userdata);
}

static void a_broken_schema_stops_the_start_with_its_place(void **state)
{
    struct site *site = *state;

    site_write(site, "schemas/birmingham/air/schema.json",
               "{ \"$id\": \"urn:nexus:birmingham-air:1\",\n  \"requierd\": [\"site\"] }\n");
    assert_int_not_equal(site_start(site, NULL, NULL), 0);
    assert_true(fake_logged("schemas/birmingham/air/schema.json:2:"));
}

static void every_fault_is_told_at_the_start_not_only_the_first(void **state)
{
    struct site *site = *state;

    site_write(site, "birmingham/city.json", "{ \"city\": 1 }\n");
    site_write(site, "schemas/canonical/air/schema.json", "{ \"$id\": \"x\" \n");
    assert_int_not_equal(site_start(site, NULL, NULL), 0);
    assert_true(fake_logged("birmingham/city.json"));
    assert_true(fake_logged("canonical/air/schema.json"));
}

static void a_configuration_folder_that_is_not_there_stops_the_start(void **state)
{
    struct site *site = *state;
    const struct fake_option options[] = {{"config", "/nowhere/at/all"}, {"city", "birmingham"}};

    assert_int_not_equal(start_with(site, options, 2), 0);
    assert_true(fake_logged("/nowhere/at/all/federation.json"));
}

static void a_broker_that_takes_no_callback_is_left_clean(void **state)
{
    struct site *site = *state;

    fake.registering_fails = true;
    assert_int_not_equal(site_start(site, NULL, NULL), 0);
    assert_false(fake_has_callbacks(&site->plugin));
    assert_true(fake_logged("TICK"));
}

static void a_broker_without_plugin_interface_5_is_not_served(void **state)
{
    const int old[] = {2, 3, 4};
    const int both[] = {4, 5};

    (void)state;
    assert_int_equal(mosquitto_plugin_version(3, old), -1);
    assert_int_equal(mosquitto_plugin_version(2, both), 5);
}

/* --- reload -------------------------------------------------------------------------------- */

static void a_broken_reload_keeps_the_old_configuration_and_says_so(void **state)
{
    struct site *site = *state;

    site_write(site, "birmingham/city.json", "{\n  \"city\": ");
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false), 0);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{}", false),
                     MOSQ_ERR_ACL_DENIED);
    (void)fake_tick(&site->plugin);
    assert_non_null(strstr(site_text(STATUS, "config"), "kept old: "));
    assert_non_null(strstr(site_text(STATUS, "config"), "birmingham/city.json:2:"));
    assert_true(site_number(STATUS, "generation") == 1);
    assert_true(fake_logged("birmingham/city.json:2:"));

    site_write_city(site, "strict");
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
    (void)fake_tick(&site->plugin);
    assert_string_equal(site_text(STATUS, "config"), "ok");
    assert_true(site_number(STATUS, "generation") == 2);
}

static void a_reload_judges_by_the_new_schema(void **state)
{
    struct site *site = *state;

    site_write(site, "schemas/birmingham/air/schema.json",
               "{ \"$id\": \"urn:nexus:birmingham-air:2\", \"type\": \"object\",\n"
               "  \"required\": [\"pm10\"] }\n");
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text("nexus/birmingham/_rejected/", "schema"), "birmingham-air@2");
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{\"pm10\":1}", false),
                     0);
}

static void a_reload_answers_as_each_version_of_the_broker_needs(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
    fake_stop(&site->plugin);
    fake.is_2_1 = true;
    assert_int_equal(site_start(site, NULL, NULL), 0);
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_SUCCESS);
    site_write(site, "federation.json", "broken");
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_SUCCESS);
}

/* --- status -------------------------------------------------------------------------------- */

static void the_status_is_retained_and_comes_each_period(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_tick(&site->plugin), 0);
    assert_int_equal(fake_count(STATUS), 1);
    assert_true(fake_last(STATUS)->retain);
    fake.now_ms += 4999;
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake_count(STATUS), 1);
    fake.now_ms += 1;
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake_count(STATUS), 2);
}

static void the_status_says_since_when_by_what_and_how_much(void **state)
{
    struct site *site = *state;

    fake.now_ms += 61000;
    (void)fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false);
    (void)fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{}", false);
    (void)fake_tick(&site->plugin);
    assert_string_equal(site_text(STATUS, "time"), "1970-01-01T00:17:41.000Z");
    assert_string_equal(site_text(STATUS, "loaded_at"), "1970-01-01T00:16:40.000Z");
    assert_string_equal(site_text(STATUS, "city"), "birmingham");
    assert_string_equal(site_text(STATUS, "component"), "plugin");
    assert_string_equal(site_text(STATUS, "config"), "ok");
    assert_true(site_number(STATUS, "period_seconds") == 5);
    assert_true(site_number(STATUS, "uptime_seconds") == 61);
    assert_true(site_number(STATUS, "admitted") == 1);
    assert_true(site_number(STATUS, "refused_total") == 1);
    assert_true(site_number(STATUS, "payload_bytes") == sizeof(GOOD_READING) - 1);
    assert_true(site_number(STATUS, "told") == 1);
    assert_true(site_refused(site, "schema") == 1);
}

/* Of 2.1.0 to 2.1.2 without websockets; later ones wait a second. */
static void on_2_1_each_turn_ticks_and_none_waits_for_a_day(void **state)
{
    struct site *site = *state;

    fake_stop(&site->plugin);
    fake.is_2_1 = true;
    assert_int_equal(site_start(site, NULL, NULL), 0);
    for (int i = 0; i < 3; i++) { /* within one millisecond: something came in */
        assert_int_equal(fake_tick(&site->plugin), 0);
        assert_true(fake.wait_ms <= 100);
    }
}

/* --- more than one, and the end ------------------------------------------------------------ */

static void two_instances_in_one_process_know_nothing_of_each_other(void **state)
{
    struct mosquitto_plugin_id_t second;
    struct site *site = *state;
    const struct fake_option options[] = {
        {"config", site->dir}, {"city", "birmingham"}, {"outside", "defer"}};

    assert_int_equal(fake_start(&second, options, 3), 0);
    assert_int_equal(fake_publish(&second, &site->sensor, OWN_TOPIC, "{}", false),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_deliver(&second, &site->reader, "home/a"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_deliver(&site->plugin, &site->reader, "home/a"), 0);
    assert_true(site_refused(site, "schema") == 0);
    fake_stop(&second);
    assert_false(fake_has_callbacks(&second));
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false), 0);
}

static void on_2_1_the_plugin_says_its_name_before_it_registers(void **state)
{
    struct site *site = *state;

    fake_stop(&site->plugin);
    fake.is_2_1 = true;
    assert_int_equal(site_start(site, NULL, NULL), 0);
    assert_string_equal(site->plugin.info, "nexus " NX_VERSION);
    assert_true(fake.control.listed);
}

static void on_2_1_one_instance_answers_operators_until_it_ends_itself(void **state)
{
    struct mosquitto_plugin_id_t second;
    struct site *site = *state;
    const struct fake_option options[] = {{"config", site->dir}, {"city", "birmingham"}};

    fake_stop(&site->plugin);
    fake.is_2_1 = true;
    assert_int_equal(site_start(site, NULL, NULL), 0);
    assert_int_equal(fake_start(&second, options, 2), 0);
    assert_false(fake_logged("does not take"));
    fake_stop(&second);
    assert_true(fake.control.owner == &site->plugin);
    fake_stop(&site->plugin);
    assert_null(fake.control.owner);
}

static void cleanup_unregisters_every_callback(void **state)
{
    struct site *site = *state;

    fake.is_2_1 = true;
    assert_int_equal(site_start(site, NULL, NULL), 0);
    assert_true(fake_has_callbacks(&site->plugin));
    fake_stop(&site->plugin);
    assert_false(fake_has_callbacks(&site->plugin));
    assert_int_equal(mosquitto_plugin_cleanup(NULL, NULL, 0), 0);
}

/* Bytes in use after so many loadings with traffic in each. */
static size_t used_after(struct site *site, unsigned loadings)
{
    for (unsigned i = 0; i < loadings; i++) {
        fake_stop(&site->plugin);
        fake_reset();
        assert_int_equal(site_start(site, "disconnect_refusals", "1"), 0);
        (void)fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false);
        (void)fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{}", false);
        (void)fake_deliver(&site->plugin, &site->reader, OWN_TOPIC);
        (void)fake_reload(&site->plugin);
        (void)fake_tick(&site->plugin);
    }
    fake_stop(&site->plugin);
    fake_reset();
    return mallinfo2().uordblks;
}

/* The allocator keeps some by itself; each byte is counted by a sanitizer, where there is one. */
static void loading_again_and_again_leaves_no_memory_behind(void **state)
{
    enum { LOADINGS = 100, KEPT_BYTES_MAX = 16 * 1024 };
    struct site *site = *state;
    size_t before = used_after(site, LOADINGS / 2);

    assert_true(used_after(site, LOADINGS) < before + KEPT_BYTES_MAX);
}

/* What another plugin publishes comes from nobody, where it comes to the message event at all. */
static void a_message_without_a_client_is_judged_as_nobodys(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_import(&site->plugin, NULL, OWN_TOPIC, GOOD_READING),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_import(&site->plugin, NULL, "home/a", "x"), 0);
    assert_true(site_refused(site, "identity") == 1);
}

static void an_event_without_data_is_denied_and_ends_nothing(void **state)
{
    struct mosquitto_evt_acl_check acl = {.access = MOSQ_ACL_WRITE};
    struct mosquitto_evt_message message = {0};
    struct site *site = *state;

    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, NULL), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, &acl), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_MESSAGE, NULL), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_MESSAGE, &message), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_BASIC_AUTH, NULL), MOSQ_ERR_AUTH);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_DISCONNECT, NULL), 0);
    assert_int_equal(fake_publish(&site->plugin, NULL, OWN_TOPIC, GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_deliver(&site->plugin, NULL, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
    acl = (struct mosquitto_evt_acl_check){.access = 64, .topic = OWN_TOPIC};
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, &acl), MOSQ_ERR_ACL_DENIED);
}

int main(void)
{
#define MADE(name) cmocka_unit_test_setup_teardown(name, site_make, site_remove)
    const struct CMUnitTest tests[] = {
        MADE(an_unknown_option_stops_the_start_and_lists_the_known),
        MADE(a_missing_option_stops_the_start_by_name),
        MADE(a_value_out_of_range_stops_the_start_with_what_is_allowed),
        MADE(an_option_given_twice_stops_the_start),
        MADE(a_city_that_the_federation_does_not_know_stops_the_start),
        MADE(a_broken_configuration_stops_the_start_with_its_place),
        MADE(a_broken_schema_stops_the_start_with_its_place),
        MADE(every_fault_is_told_at_the_start_not_only_the_first),
        MADE(a_configuration_folder_that_is_not_there_stops_the_start),
        MADE(a_broker_that_takes_no_callback_is_left_clean),
        MADE(a_broker_without_plugin_interface_5_is_not_served),
        SITE_TEST(a_broken_reload_keeps_the_old_configuration_and_says_so),
        SITE_TEST(a_reload_judges_by_the_new_schema),
        SITE_TEST(a_reload_answers_as_each_version_of_the_broker_needs),
        SITE_TEST(the_status_is_retained_and_comes_each_period),
        SITE_TEST(the_status_says_since_when_by_what_and_how_much),
        SITE_TEST(on_2_1_each_turn_ticks_and_none_waits_for_a_day),
        SITE_TEST(two_instances_in_one_process_know_nothing_of_each_other),
        SITE_TEST(on_2_1_the_plugin_says_its_name_before_it_registers),
        SITE_TEST(on_2_1_one_instance_answers_operators_until_it_ends_itself),
        MADE(cleanup_unregisters_every_callback),
        SITE_TEST(loading_again_and_again_leaves_no_memory_behind),
        SITE_TEST(a_message_without_a_client_is_judged_as_nobodys),
        SITE_TEST(an_event_without_data_is_denied_and_ends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
