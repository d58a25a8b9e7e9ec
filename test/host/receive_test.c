/*
 * receive_test.c - who may subscribe to what, and what reaches whom.
 */
#include "site.h"
#include "test/unit/unit.h"

#include <string.h>

#define REJECTED_TOPIC "nexus/birmingham/_rejected/air/BMLD"
#define STATUS         "nexus/birmingham/_status/plugin"

static void a_subscription_to_everything_is_granted_and_filtered_at_delivery(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_subscribe(&site->plugin, &site->sensor, "#"), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->sensor, OWN_TOPIC), 0);
    assert_int_equal(
        fake_deliver(&site->plugin, &site->sensor, "nexus/birmingham/air/BIRR/observation"),
        MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_subscribe(&site->plugin, &site->anonymous, "#"), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->anonymous, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_deliver(&site->plugin, &site->anonymous, "home/kitchen"), 0);
}

static void a_subscription_that_could_bring_nothing_is_refused(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "nexus/_link/#"),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, REJECTED_TOPIC),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_subscribe(&site->plugin, &site->stranger, "nexus/#"),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_subscribe(&site->plugin, &site->sensor, "nexus/ulsan/#"),
                     MOSQ_ERR_ACL_DENIED);
    assert_true(site_refused(site, "role") == 0);
    assert_true(site_number(STATUS, "subscriptions_refused") == 4);
    assert_true(fake_logged("refused subscription 'nexus/_link/#' from 'reader'"));
}

static void a_shared_subscription_is_judged_by_its_filter(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "$share/g/nexus/#"), 0);
    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "$share/nexus/#"), 0);
    assert_int_equal(fake_subscribe(&site->plugin, &site->stranger, "$share/g/nexus/#"),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_subscribe(&site->plugin, &site->sensor, "$share/g/nexus/ulsan/#"),
                     MOSQ_ERR_ACL_DENIED);
}

static void unsubscribing_is_never_denied(void **state)
{
    static const char *const filters[] = {"#", "nexus/#", "$share/g/nexus/_link/#", "home/+"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        assert_int_equal(fake_unsubscribe(&site->plugin, &site->stranger, filters[i]), 0);
    }
}

static void beside_an_acl_file_what_is_outside_is_deferred(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_start(site, "outside", "defer"), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->reader, "home/a"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "#"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_unsubscribe(&site->plugin, &site->reader, "#"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_publish(&site->plugin, &site->reader, "home/a", "x", false),
                     MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_import(&site->plugin, &site->reader, "home/a", "x"), 0);
    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "nexus/#"), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->reader, OWN_TOPIC), 0);
}

static void an_operator_sees_what_was_rejected_and_a_reader_does_not(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_subscribe(&site->plugin, &site->operator, "nexus/+/_rejected/#"), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->operator, REJECTED_TOPIC), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->operator, "nexus/birmingham/_rejected/_/_"),
                     0);
    assert_int_equal(fake_deliver(&site->plugin, &site->reader, REJECTED_TOPIC),
                     MOSQ_ERR_ACL_DENIED);
    assert_int_equal(fake_deliver(&site->plugin, &site->sensor, REJECTED_TOPIC), 0); /* its own */
    assert_int_equal(
        fake_deliver(&site->plugin, &site->sensor, "nexus/birmingham/_rejected/air/BIRR"),
        MOSQ_ERR_ACL_DENIED);
}

static void a_reader_receives_both_cities_and_their_status(void **state)
{
    static const char *const topics[] = {OWN_TOPIC, "nexus/ulsan/air/sinjeong-dong/observation",
                                         "nexus/ulsan/air/sinjeong-dong/original", STATUS,
                                         "nexus/birmingham/_catalogue/air/BMLD"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        assert_int_equal(fake_deliver(&site->plugin, &site->reader, topics[i]), 0);
    }
    assert_int_equal(fake_deliver(&site->plugin, &site->reader, "nexus/_deliver/ulsan"),
                     MOSQ_ERR_ACL_DENIED);
    assert_true(site_refused(site, "role") == 0);
    assert_true(site_number(STATUS, "deliveries_denied") == 1);
}

static void a_client_at_the_address_of_another_gets_its_own_rights(void **state)
{
    struct site *site = *state;
    struct mosquitto client = {"c", "reader"};

    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), 0);
    client.username = "nobody"; /* no disconnect was seen: 2.1 raises none for kept sessions */
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
    client.username = NULL;
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
    client.username = "reader";
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), 0);
    fake_disconnect(&site->plugin, &client);
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), 0);
}

static void a_username_rewritten_in_place_gets_its_own_rights(void **state)
{
    struct site *site = *state;
    char username[] = "air-BMLD";
    struct mosquitto client = {"c", username};

    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), 0);
    memcpy(username, "air-BIRR", 8);
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
}

static void usernames_longer_than_the_cache_are_looked_up_each_time(void **state)
{
    struct site *site = *state;
    char username[301];
    struct mosquitto client = {"c", username};

    memset(username, 'r', sizeof(username) - 1);
    username[sizeof(username) - 1] = '\0';
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
    memcpy(username, "reader", 7);
    assert_int_equal(fake_deliver(&site->plugin, &client, OWN_TOPIC), 0);
}

static void more_clients_than_the_cache_holds_keep_their_rights(void **state)
{
    enum { CLIENTS = 5000 };
    static struct mosquitto clients[CLIENTS];
    struct site *site = *state;

    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < CLIENTS; i++) {
            clients[i] = (struct mosquitto){"c", i % 3 == 0 ? "reader" : "nobody"};
            assert_int_equal(fake_deliver(&site->plugin, &clients[i], OWN_TOPIC),
                             i % 3 == 0 ? 0 : MOSQ_ERR_ACL_DENIED);
        }
    }
}

static void a_reload_takes_a_right_away_from_a_connected_client(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_deliver(&site->plugin, &site->reader, OWN_TOPIC), 0);
    site_write(site, "birmingham/city.json",
               "{ \"city\": \"birmingham\", \"title\": \"B\", \"country\": \"GB\",\n"
               "  \"time_zone\": \"Europe/London\", \"bounding_box\": [-3, 52, -1, 53],\n"
               "  \"reference\": { \"temperature_celsius\": 20, \"pressure_kpa\": 101.325 },\n"
               "  \"domains\": { \"air\": { \"mode\": \"strict\" } }, \"identities\": {} }\n");
    (void)fake_reload(&site->plugin);
    assert_true(fake_logged("generation 2"));
    assert_int_equal(fake_deliver(&site->plugin, &site->reader, OWN_TOPIC), MOSQ_ERR_ACL_DENIED);
}

static void a_bridges_client_identifier_is_refused_to_others(void **state)
{
    struct site *site = *state;

    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-77", "bridge"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-77", "ulsan-link"),
                     MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-77", "air-BMLD"), MOSQ_ERR_AUTH);
    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-77", "operator"), MOSQ_ERR_AUTH);
    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-", NULL), MOSQ_ERR_AUTH);
    assert_int_equal(fake_login(&site->plugin, "sensor-7", "air-BMLD"), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_login(&site->plugin, "sensor-7", NULL), MOSQ_ERR_PLUGIN_DEFER);
    assert_int_equal(fake_login(&site->plugin, NULL, "air-BMLD"), MOSQ_ERR_PLUGIN_DEFER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_subscription_to_everything_is_granted_and_filtered_at_delivery),
        SITE_TEST(a_subscription_that_could_bring_nothing_is_refused),
        SITE_TEST(a_shared_subscription_is_judged_by_its_filter),
        SITE_TEST(unsubscribing_is_never_denied),
        cmocka_unit_test_setup_teardown(beside_an_acl_file_what_is_outside_is_deferred, site_make,
                                        site_remove),
        SITE_TEST(an_operator_sees_what_was_rejected_and_a_reader_does_not),
        SITE_TEST(a_reader_receives_both_cities_and_their_status),
        SITE_TEST(a_client_at_the_address_of_another_gets_its_own_rights),
        SITE_TEST(a_username_rewritten_in_place_gets_its_own_rights),
        SITE_TEST(usernames_longer_than_the_cache_are_looked_up_each_time),
        SITE_TEST(more_clients_than_the_cache_holds_keep_their_rights),
        SITE_TEST(a_reload_takes_a_right_away_from_a_connected_client),
        SITE_TEST(a_bridges_client_identifier_is_refused_to_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
