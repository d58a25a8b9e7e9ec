/*
 * admission_test.c - what the plugin lets a client publish.
 */
#include "site.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define REJECTED      "nexus/birmingham/_rejected/"
#define FOREIGN_TOPIC "nexus/ulsan/air/sinjeong-dong/observation"

/* --- whose topic it is --------------------------------------------------------------------- */

static void a_reading_of_its_own_asset_is_admitted(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, true), 0);
    assert_int_equal(fake_count(REJECTED), 0);
}

static void a_publish_into_another_citys_subtree_is_refused(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, FOREIGN_TOPIC, GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED "air/sinjeong-dong", "reason"), "city");
    assert_non_null(strstr(site_text(REJECTED, "text"), OWN_TOPIC)); /* what would be right */
    assert_true(site_refused(site, "city") == 1);
}

static void a_publish_on_another_sensors_asset_is_refused(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor,
                                  "nexus/birmingham/air/BIRR/observation", GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED "air/BIRR", "reason"), "asset");
    assert_non_null(strstr(site_text(REJECTED, "text"), OWN_TOPIC));
    assert_true(site_refused(site, "asset") == 1);
}

static void a_channel_that_only_the_federation_writes_is_refused(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor,
                                  "nexus/birmingham/air/BMLD/original", GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "channel");
}

static void the_federations_own_topics_are_refused_to_a_sensor(void **state)
{
    static const char *const topics[] = {"nexus/birmingham/_status/plugin",
                                         "nexus/birmingham/_rejected/air/BMLD",
                                         "nexus/birmingham/_catalogue/air/BMLD",
                                         "nexus/_deliver/ulsan", "nexus/_link/ulsan/birmingham"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        assert_int_equal(fake_publish(&site->plugin, &site->sensor, topics[i], "{}", true),
                         MOSQ_ERR_ACL_DENIED);
    }
    assert_true(site_refused(site, "role") == 5);
}

static void a_reader_publishes_nothing(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->reader, OWN_TOPIC, GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_non_null(strstr(site_text(REJECTED, "text"), "reader publishes nothing"));
}

static void an_anonymous_client_is_refused(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->anonymous, OWN_TOPIC, GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "identity");
    assert_null(site_text(REJECTED, "identity"));
}

static void an_unknown_identity_is_refused_by_name(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->stranger, OWN_TOPIC, GOOD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "identity"), "nobody-knows-me");
    assert_non_null(strstr(site_text(REJECTED, "text"), "birmingham/city.json"));
}

static void usernames_that_are_wildcards_capture_no_asset(void **state)
{
    static const char *const names[] = {"air-+",         "air-#", "air-a/b", "air-",
                                        "air-BMLD/BIRR", "+",     "#",       ""};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct mosquitto client = {"w", names[i]};

        assert_int_equal(fake_publish(&site->plugin, &client, OWN_TOPIC, GOOD_READING, false),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_subscribe(&site->plugin, &client, "nexus/#"), MOSQ_ERR_ACL_DENIED);
        assert_string_equal(site_text(REJECTED, "identity"), names[i]);
    }
}

static void the_bridge_delivers_the_other_citys_reading_in_this_citys_dialect(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->bridge, FOREIGN_TOPIC, GOOD_READING, true),
                     0);
    assert_int_equal(fake_publish(&site->plugin, &site->bridge, FOREIGN_TOPIC,
                                  "{\"stationName\":\"신정동\"}", true),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "schema"), "birmingham-air@1");
}

static void an_original_is_judged_by_namespace_and_size_only(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->bridge,
                                  "nexus/ulsan/air/sinjeong-dong/original", "not json \x80", true),
                     0);
    assert_int_equal(fake_publish(&site->plugin, &site->bridge,
                                  "nexus/birmingham/air/BMLD/original", "{}", true),
                     MOSQ_ERR_ACL_DENIED);
}

static void a_canonical_reading_is_judged_by_the_canonical_schema(void **state)
{
    const char *topic = "nexus/ulsan/air/sinjeong-dong/canonical";
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->bridge, topic, "{\"id\":\"a\"}", true), 0);
    assert_int_equal(fake_publish(&site->plugin, &site->bridge, topic, GOOD_READING, true),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "schema"), "canonical-air@1");
}

static void status_and_catalogue_have_to_be_json(void **state)
{
    const char *topic = "nexus/birmingham/_status/bridge";
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->bridge, topic, "{\"up\":true}", true), 0);
    assert_int_equal(fake_publish(&site->plugin, &site->bridge, topic, "up", true),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED "_/_", "reason"), "json");
}

static void a_link_delivers_for_its_own_city_only(void **state)
{
    struct site *site = *state;

    /* its own: opened, and answered that this is no batch */
    assert_int_equal(
        fake_publish(&site->plugin, &site->link, "nexus/_deliver/ulsan", "\x01\x02", false),
        MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text("nexus/_link/ulsan/birmingham/ack", "outcome"), "damaged");
    assert_int_equal(fake_count("nexus/birmingham/_rejected"), 0);
    assert_int_equal(
        fake_publish(&site->plugin, &site->link, "nexus/_deliver/birmingham", "\x01\x02", false),
        MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text("nexus/birmingham/_rejected/_/_", "reason"), "city");
}

/* --- what is in it ------------------------------------------------------------------------- */

static void a_schema_refusal_names_instance_keyword_and_schema(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC,
                                  "{\"site\":\"BMLD\",\"no2\":-999}", false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED "air/BMLD", "reason"), "schema");
    assert_string_equal(site_text(REJECTED, "instance"), "/no2");
    assert_string_equal(site_text(REJECTED, "keyword"), "minimum");
    assert_string_equal(site_text(REJECTED, "schema"), "birmingham-air@1");
    assert_string_equal(site_text(REJECTED, "schema_pointer"), "/properties/no2/minimum");
    assert_true(strlen(site_text(REJECTED, "text")) > 0);
    assert_string_equal(site_text(REJECTED, "payload_excerpt"), "{\"site\":\"BMLD\",\"no2\":-999}");
}

static void malformed_json_is_refused_with_its_place(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC,
                                  "{\n\"site\":\"BMLD\",\n\"no2\":042}", false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "json");
    assert_true(site_number(REJECTED, "line") == 3);
    assert_true(site_number(REJECTED, "column") >= 7);
    assert_true(site_number(REJECTED, "offset") == 17 + site_number(REJECTED, "column") - 1);
}

static void bytes_behind_the_json_and_bad_utf8_are_refused(void **state)
{
    static const char *const payloads[] = {GOOD_READING "x", GOOD_READING "\0",
                                           "{\"site\":\"\xC3\x28\"}", "\xEF\xBB\xBF{}"};
    static const size_t lengths[] = {sizeof(GOOD_READING), sizeof(GOOD_READING), 13, 5};
    struct site *site = *state;

    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fake_publish_bytes(&site->plugin, &site->sensor, OWN_TOPIC, payloads[i],
                                            lengths[i], false),
                         MOSQ_ERR_ACL_DENIED);
    }
    assert_true(site_refused(site, "json") == 4);
}

static void a_payload_over_the_limit_is_refused_unread(void **state)
{
    struct site *site = *state;
    char payload[300];

    assert_int_equal(site_start(site, "payload_max", "256"), 0);
    memset(payload, ' ', sizeof(payload));
    assert_int_equal(
        fake_publish_bytes(&site->plugin, &site->sensor, OWN_TOPIC, payload, 257, false),
        MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "size");
    memcpy(payload, GOOD_READING, strlen(GOOD_READING));
    assert_int_equal(
        fake_publish_bytes(&site->plugin, &site->sensor, OWN_TOPIC, payload, 256, false), 0);
}

static void an_empty_retained_payload_clears_what_the_owner_owns(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "", true), 0);
    assert_int_equal(fake_publish(&site->plugin, &site->bridge, FOREIGN_TOPIC, "", true), 0);
    assert_true(site_refused(site, "empty") == 0);
    assert_true(site_number("nexus/birmingham/_status/plugin", "cleared") == 2);
}

static void an_empty_retained_payload_is_refused_to_others(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->reader, OWN_TOPIC, "", true),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, FOREIGN_TOPIC, "", true),
                     MOSQ_ERR_ACL_DENIED);
}

static void an_empty_payload_that_is_not_retained_is_refused(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "", false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "empty");
}

static void a_domain_in_mode_warn_tells_and_admits(void **state)
{
    struct site *site = *state;

    site_write_city(site, "warn");
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{}", false), 0);
    assert_string_equal(site_text(REJECTED, "keyword"), "required");
    assert_int_equal(fake_count(REJECTED), 1); /* once, though two events saw it */
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, FOREIGN_TOPIC, "{}", false),
                     MOSQ_ERR_ACL_DENIED); /* the namespace stays strict */
}

static void a_domain_in_mode_off_is_not_read(void **state)
{
    struct site *site = *state;

    site_write_city(site, "off");
    assert_int_equal(fake_reload(&site->plugin), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{", false), 0);
    assert_int_equal(fake_count(REJECTED), 0);
}

/* --- by which way it came ------------------------------------------------------------------ */

static void a_will_is_judged_as_a_publish(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_will(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, true), 0);
    assert_int_equal(fake_will(&site->plugin, &site->sensor, OWN_TOPIC, "{}", true),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(
        fake_will(&site->plugin, &site->sensor, "nexus/birmingham/_status/plugin", "{}", true),
        MOSQ_ERR_ACL_DENIED);
}

static void an_import_of_the_brokers_own_bridge_is_judged(void **state)
{
    struct mosquitto import = {"local.remote", NULL};
    struct site *site = *state;

    assert_int_equal(fake_import(&site->plugin, &import, FOREIGN_TOPIC, GOOD_READING),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_import(&site->plugin, &site->bridge, FOREIGN_TOPIC, GOOD_READING), 0);
    assert_int_equal(fake_import(&site->plugin, &site->bridge, FOREIGN_TOPIC, "{}"),
                     MOSQ_ERR_ACL_DENIED);
}

static void a_publish_is_judged_once_though_two_events_see_it(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false), 0);
    assert_true(site_refused(site, "schema") == 0);
    assert_true(site_number("nexus/birmingham/_status/plugin", "admitted") == 1);
}

static void what_access_control_let_pass_is_good_for_one_message(void **state)
{
    struct site *site = *state;
    char topic[] = OWN_TOPIC;
    char payload[] = GOOD_READING;
    struct mosquitto_evt_acl_check acl = {.client = &site->sensor,
                                          .topic = topic,
                                          .payload = payload,
                                          .payloadlen = sizeof(payload) - 1,
                                          .access = MOSQ_ACL_WRITE};
    struct mosquitto_evt_message message = {.client = &site->sensor,
                                            .topic = topic,
                                            .payload = payload,
                                            .payloadlen = sizeof(payload) - 1};

    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, &acl), 0);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_MESSAGE, &message), 0);
    payload[1] = '!'; /* the same addresses hold another message now */
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_MESSAGE, &message), MOSQ_ERR_ACL_DENIED);
}

static void topics_outside_nexus_are_the_citys_own_affair(void **state)
{
    static const char *const topics[] = {
        "home/kitchen",      "", "/", "$SYS/broker", "Nexus/a", "nexus", "nexusx/birmingham",
        "$CONTROL/broker/v1"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        assert_int_equal(fake_publish(&site->plugin, &site->anonymous, topics[i], "x", false), 0);
        assert_int_equal(fake_deliver(&site->plugin, &site->anonymous, topics[i]), 0);
    }
    assert_int_equal(fake_count("nexus/"), 0);
}

static void topics_of_odd_shapes_below_nexus_are_refused(void **state)
{
    static const char *const topics[] = {"nexus/",
                                         "nexus//",
                                         "nexus//air/BMLD/observation",
                                         "nexus/birmingham//BMLD/observation",
                                         "nexus/birmingham/air/BMLD/observation/",
                                         "nexus/birmingham/air/a.b/observation",
                                         "nexus/$share/air/BMLD/observation",
                                         "nexus/birmingham/air/BMLD/Observation",
                                         "nexus/Birmingham/air/BMLD/observation",
                                         "nexus/birmingham/air/신정동/observation"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        assert_int_equal(fake_publish(&site->plugin, &site->sensor, topics[i], GOOD_READING, false),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_deliver(&site->plugin, &site->reader, topics[i]),
                         MOSQ_ERR_ACL_DENIED);
    }
    assert_true(site_refused(site, "topic") == 10);
}

static void topics_of_65535_bytes_are_refused_and_told_in_short(void **state)
{
    enum { TOPIC_BYTES = 65535 };
    struct site *site = *state;
    char *topic = malloc(TOPIC_BYTES + 1);

    assert_non_null(topic);
    for (unsigned slashes = 0; slashes < 2; slashes++) {
        memset(topic, slashes != 0 ? '/' : 'a', TOPIC_BYTES);
        memcpy(topic, "nexus/", 6);
        topic[TOPIC_BYTES] = '\0';
        assert_int_equal(fake_publish(&site->plugin, &site->sensor, topic, GOOD_READING, false),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_deliver(&site->plugin, &site->reader, topic), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_subscribe(&site->plugin, &site->reader, topic), MOSQ_ERR_ACL_DENIED);
        assert_true(strlen(fake_last(REJECTED "_/_")->payload) < 4096);
    }
    free(topic);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_reading_of_its_own_asset_is_admitted),
        SITE_TEST(a_publish_into_another_citys_subtree_is_refused),
        SITE_TEST(a_publish_on_another_sensors_asset_is_refused),
        SITE_TEST(a_channel_that_only_the_federation_writes_is_refused),
        SITE_TEST(the_federations_own_topics_are_refused_to_a_sensor),
        SITE_TEST(a_reader_publishes_nothing),
        SITE_TEST(an_anonymous_client_is_refused),
        SITE_TEST(an_unknown_identity_is_refused_by_name),
        SITE_TEST(usernames_that_are_wildcards_capture_no_asset),
        SITE_TEST(the_bridge_delivers_the_other_citys_reading_in_this_citys_dialect),
        SITE_TEST(an_original_is_judged_by_namespace_and_size_only),
        SITE_TEST(a_canonical_reading_is_judged_by_the_canonical_schema),
        SITE_TEST(status_and_catalogue_have_to_be_json),
        SITE_TEST(a_link_delivers_for_its_own_city_only),
        SITE_TEST(a_schema_refusal_names_instance_keyword_and_schema),
        SITE_TEST(malformed_json_is_refused_with_its_place),
        SITE_TEST(bytes_behind_the_json_and_bad_utf8_are_refused),
        cmocka_unit_test_setup_teardown(a_payload_over_the_limit_is_refused_unread, site_make,
                                        site_remove),
        SITE_TEST(an_empty_retained_payload_clears_what_the_owner_owns),
        SITE_TEST(an_empty_retained_payload_is_refused_to_others),
        SITE_TEST(an_empty_payload_that_is_not_retained_is_refused),
        SITE_TEST(a_domain_in_mode_warn_tells_and_admits),
        SITE_TEST(a_domain_in_mode_off_is_not_read),
        SITE_TEST(a_will_is_judged_as_a_publish),
        SITE_TEST(an_import_of_the_brokers_own_bridge_is_judged),
        SITE_TEST(a_publish_is_judged_once_though_two_events_see_it),
        SITE_TEST(what_access_control_let_pass_is_good_for_one_message),
        SITE_TEST(topics_outside_nexus_are_the_citys_own_affair),
        SITE_TEST(topics_of_odd_shapes_below_nexus_are_refused),
        SITE_TEST(topics_of_65535_bytes_are_refused_and_told_in_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
