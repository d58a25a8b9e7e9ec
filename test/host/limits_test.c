/*
 * limits_test.c - how much an identity may publish, what it is told beyond, and when its client is
 * disconnected.
 */
#include "site.h"

#include "core/batch.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define REJECTED    "nexus/birmingham/_rejected/"
#define STATUS      "nexus/birmingham/_status/plugin"
#define TOPIC(id)   "nexus/birmingham/air/" id "/observation"
#define QUOTA       (-6) /* MOSQ_ERR_QUOTA_EXCEEDED of 2.1 */
#define ROLE_FIVE   "\"limits\": { \"sensor\": { \"messages_per_second\": 5, \"burst_seconds\": 1 } }"
#define BAD_READING "{\"site\":\"BMLD\",\"no2\":-1}"

/* birmingham/city.json with a member `limits`, or none, and one of the identity "any". */
static void write_city(const struct site *site, const char *roles, const char *any)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "{ \"city\": \"birmingham\", \"title\": \"B\", \"country\": \"GB\",\n"
                   "  \"time_zone\": \"Europe/London\", \"bounding_box\": [-3, 52, -1, 53],\n"
                   "  \"reference\": { \"temperature_celsius\": 20, \"pressure_kpa\": 101.325 },\n"
                   "  \"domains\": { \"air\": {} },%s%s\n"
                   "  \"identities\": {\n"
                   "    \"air-{asset}\": { \"role\": \"sensor\", \"assets\": [\"air/{asset}\"] },\n"
                   "    \"any\": { \"role\": \"sensor\", \"assets\": [\"+/+\"]%s%s },\n"
                   "    \"bridge\": { \"role\": \"bridge\" } } }\n",
                   roles, roles[0] != '\0' ? "," : "", any[0] != '\0' ? ", " : "", any);
    site_write(site, "birmingham/city.json", text);
}

static void limit(struct site *site, const char *roles, const char *any)
{
    write_city(site, roles, any);
    (void)fake_reload(&site->plugin);
    if (!fake_logged("configuration reloaded")) {
        fail_msg("%s", fake.log);
    }
}

static int publish(struct site *site, struct mosquitto *client, const char *topic)
{
    return fake_publish(&site->plugin, client, topic, GOOD_READING, false);
}

/* How many of `times` are admitted. */
static unsigned admitted(struct site *site, struct mosquitto *client, const char *topic,
                         unsigned times)
{
    unsigned count = 0;

    for (unsigned i = 0; i < times; i++) {
        count += publish(site, client, topic) == 0;
    }
    return count;
}

/* --- rates --------------------------------------------------------------------------------- */

static void a_burst_passes_and_then_the_rate(void **state)
{
    struct site *site = *state;

    limit(site, ROLE_FIVE, "");
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 100), 5);
    assert_string_equal(site_text(REJECTED, "reason"), "rate");
    assert_non_null(strstr(site_text(REJECTED, "text"), "5 messages per second"));
    assert_non_null(strstr(site_text(REJECTED, "text"), "birmingham/city.json"));
    fake.now_ms += 200;
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 100), 1);
    fake.now_ms += 100000;
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 100), 5);
    assert_true(site_refused(site, "rate") == 300 - 11);
}

static void a_flood_is_told_with_a_count_of_what_was_not(void **state)
{
    struct site *site = *state;

    limit(site, ROLE_FIVE, "");
    (void)admitted(site, &site->sensor, OWN_TOPIC, 1005);
    assert_int_equal(fake_count(REJECTED), 20);
    fake.now_ms += 1000;
    (void)admitted(site, &site->sensor, OWN_TOPIC, 6);
    assert_int_equal(fake_count(REJECTED), 21);
    assert_true(site_number(REJECTED, "suppressed") == 980);
}

static void each_username_of_one_rule_has_its_own_rate(void **state)
{
    struct mosquitto other = {"s2", "air-BIRR"};
    struct site *site = *state;

    limit(site, ROLE_FIVE, "");
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 1000), 5);
    assert_int_equal(admitted(site, &other, TOPIC("BIRR"), 1000), 5);
}

static void two_clients_of_one_username_share_its_rate(void **state)
{
    struct mosquitto second = {"s2", "air-BMLD"};
    struct site *site = *state;

    limit(site, ROLE_FIVE, "");
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 3), 3);
    assert_int_equal(admitted(site, &second, OWN_TOPIC, 10), 2);
}

static void bytes_per_second_are_limited_apart_from_messages(void **state)
{
    struct site *site = *state;

    limit(site, "\"limits\": { \"sensor\": { \"bytes_per_second\": 100, \"burst_seconds\": 1 } }",
          "");
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 10), 100 / strlen(GOOD_READING));
    assert_string_equal(site_text(REJECTED, "reason"), "bytes");
    assert_non_null(strstr(site_text(REJECTED, "text"), "100 bytes per second"));
    assert_true(site_refused(site, "bytes") > 0);
}

static void a_message_larger_than_a_burst_passes_when_all_is_at_rest(void **state)
{
    struct site *site = *state;

    limit(site, "\"limits\": { \"sensor\": { \"bytes_per_second\": 10, \"burst_seconds\": 1 } }",
          "");
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 3), 1);
    fake.now_ms += 100 * (int64_t)strlen(GOOD_READING);
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 3), 1);
}

static void a_refused_message_costs_no_second_place(void **state)
{
    struct site *site = *state;

    limit(site, ROLE_FIVE, "");
    (void)admitted(site, &site->sensor, OWN_TOPIC, 1000);
    fake.now_ms += 400;
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 10), 2);
}

static void a_reload_gives_nobody_a_second_burst(void **state)
{
    struct site *site = *state;

    limit(site, ROLE_FIVE, "");
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 10), 5);
    (void)fake_reload(&site->plugin);
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 10), 0);
}

static void an_identity_overrides_its_role_member_by_member(void **state)
{
    struct mosquitto any = {"c", "any"};
    struct site *site = *state;

    limit(site, ROLE_FIVE, "\"limits\": { \"messages_per_second\": 2 }");
    assert_int_equal(admitted(site, &any, OWN_TOPIC, 10), 2); /* the burst is still a second */
    limit(site, ROLE_FIVE, "\"limits\": { \"messages_per_second\": 0 }");
    assert_int_equal(admitted(site, &any, OWN_TOPIC, 1000), 1000);
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 10), 5);
}

/* --- sizes and assets ---------------------------------------------------------------------- */

static void a_payload_over_the_identitys_size_is_refused_unread(void **state)
{
    struct mosquitto any = {"c", "any"};
    struct site *site = *state;

    limit(site, "", "\"limits\": { \"payload_bytes\": 20 }");
    assert_int_equal(fake_publish(&site->plugin, &any, OWN_TOPIC, "not json, and too long", false),
                     MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "size");
    assert_non_null(strstr(site_text(REJECTED, "text"), "at most 20 are admitted (limits in"));
    assert_int_equal(fake_publish(&site->plugin, &any, OWN_TOPIC, "{\"site\":\"B\"}", false), 0);
    assert_int_equal(publish(site, &site->sensor, OWN_TOPIC), 0);
}

static void one_asset_more_than_allowed_is_refused_and_the_known_ones_are_not(void **state)
{
    struct mosquitto any = {"c", "any"};
    struct site *site = *state;

    limit(site, "", "\"limits\": { \"assets\": 2 }");
    assert_int_equal(publish(site, &any, TOPIC("A1")), 0);
    assert_int_equal(publish(site, &any, TOPIC("A2")), 0);
    assert_int_equal(publish(site, &any, TOPIC("A3")), MOSQ_ERR_ACL_DENIED);
    assert_string_equal(site_text(REJECTED, "reason"), "assets");
    assert_non_null(strstr(site_text(REJECTED, "text"), "2 different assets"));
    assert_int_equal(admitted(site, &any, TOPIC("A1"), 100), 100);
    (void)fake_reload(&site->plugin);
    assert_int_equal(publish(site, &any, TOPIC("A3")), 0);
    assert_true(site_refused(site, "assets") == 1);
}

static void a_limit_that_makes_no_sense_keeps_the_old_configuration(void **state)
{
    static const char *const bad[] = {
        "\"limits\": { \"messages_per_second\": -1 }", "\"limits\": { \"assets\": 1.5 }",
        "\"limits\": { \"bytes_per_second\": \"9\" }", "\"limits\": { \"message_per_second\": 1 }"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_city(site, "", bad[i]);
        (void)fake_reload(&site->plugin);
    }
    assert_false(fake_logged("configuration reloaded"));
    assert_true(site_refused(site, "rate") == 0);
    assert_true(site_number(STATUS, "reloads_refused") == 4);
}

/* --- the reason code of 2.1 ---------------------------------------------------------------- */

static int start_2_1(struct site *site)
{
    fake.is_2_1 = true;
    write_city(site, ROLE_FIVE, "");
    return site_start(site, NULL, NULL);
}

static void on_2_1_a_rate_is_refused_at_the_message_event_with_its_own_code(void **state)
{
    struct site *site = *state;

    assert_int_equal(start_2_1(site), 0);
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 5), 5);
    assert_int_equal(publish(site, &site->sensor, OWN_TOPIC), QUOTA);
    assert_string_equal(site_text(REJECTED, "reason"), "rate");
    assert_true(site_refused(site, "rate") == 1);
    assert_true(site_number(STATUS, "admitted") == 5);
    assert_true(site_number(STATUS, "payload_bytes") == 5 * strlen(GOOD_READING));
}

static void on_2_1_what_is_over_its_rate_is_judged_all_the_same(void **state)
{
    struct site *site = *state;

    assert_int_equal(start_2_1(site), 0);
    (void)admitted(site, &site->sensor, OWN_TOPIC, 5);
    assert_int_equal(fake_will(&site->plugin, &site->sensor, OWN_TOPIC, BAD_READING, true),
                     MOSQ_ERR_ACL_DENIED); /* a will sees no message event: it must not slip by */
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, BAD_READING, false),
                     MOSQ_ERR_ACL_DENIED);
}

/* There nothing tells a will from a publish before it is too late to refuse it. */
static void on_2_1_wills_over_the_rate_are_held_to_one_burst_more(void **state)
{
    struct site *site = *state;
    unsigned sent = 0;

    assert_int_equal(start_2_1(site), 0);
    (void)admitted(site, &site->sensor, OWN_TOPIC, 5);
    for (int i = 0; i < 100; i++) {
        sent += fake_will(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, true) == 0;
    }
    assert_int_equal(sent, 5);
    assert_string_equal(site_text(REJECTED, "reason"), "rate");
    fake.now_ms += 10000; /* at rest: what was saved up is a burst and no more */
    assert_int_equal(admitted(site, &site->sensor, OWN_TOPIC, 100), 5);
}

static void on_2_1_wills_count_against_the_rate_that_they_exceed(void **state)
{
    struct site *site = *state;

    assert_int_equal(start_2_1(site), 0);
    (void)admitted(site, &site->sensor, OWN_TOPIC, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(fake_will(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, true), 0);
    }
    fake.now_ms += 1000;
    assert_int_equal(publish(site, &site->sensor, OWN_TOPIC), QUOTA);
    fake.now_ms += 200;
    assert_int_equal(publish(site, &site->sensor, OWN_TOPIC), 0);
}

static void on_2_1_a_refused_message_costs_neither_a_place_nor_an_asset(void **state)
{
    struct mosquitto any = {"a", "any"};
    struct site *site = *state;

    fake.is_2_1 = true;
    write_city(site, "",
               "\"limits\": { \"messages_per_second\": 5, \"burst_seconds\": 1, "
               "\"assets\": 2 }");
    assert_int_equal(site_start(site, NULL, NULL), 0);
    assert_int_equal(admitted(site, &any, TOPIC("A"), 5), 5);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(publish(site, &any, TOPIC("B")), QUOTA);
    }
    fake.now_ms += 200;
    assert_int_equal(publish(site, &any, TOPIC("C")), 0);
    fake.now_ms += 200;
    assert_int_equal(publish(site, &any, TOPIC("B")), MOSQ_ERR_ACL_DENIED);
    assert_true(site_refused(site, "assets") == 1);
}

static void on_2_1_a_will_over_its_rate_leaves_nothing_for_the_next_message(void **state)
{
    struct site *site = *state;
    struct nx_buf batch;

    assert_int_equal(start_2_1(site), 0);
    (void)admitted(site, &site->sensor, OWN_TOPIC, 5);
    assert_int_equal(fake_will(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, true), 0);
    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_begin(&batch, "00000000000000000001", 0), NX_OK);
    assert_int_equal(nx_batch_end(&batch, 0, false), NX_OK);
    assert_int_equal(fake_publish_bytes(&site->plugin, &site->bridge, "nexus/_deliver/ulsan",
                                        batch.data, batch.len, false),
                     0);
    nx_buf_fini(&batch);
}

/* --- disconnecting ------------------------------------------------------------------------- */

static void refuse(struct site *site, struct mosquitto *client, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        (void)fake_publish(&site->plugin, client, OWN_TOPIC, BAD_READING, false);
    }
}

static void nobody_is_disconnected_unless_it_is_asked_for(void **state)
{
    struct site *site = *state;

    refuse(site, &site->sensor, 1000);
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake.kicks, 0);
}

static void a_repeat_offender_is_disconnected_by_the_tick_and_not_before(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "5"), 0);
    refuse(site, &site->sensor, 4);
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake.kicks, 0);
    refuse(site, &site->sensor, 3);
    assert_int_equal(fake.kicks, 0);
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake.kicks, 1);
    assert_string_equal(fake.kicked, "s1");
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake.kicks, 1);
    assert_true(fake_logged("disconnected client 's1'"));
    assert_true(site_refused(site, "schema") == 7);
    assert_true(site_number(STATUS, "disconnected") == 1);
}

/* The broker asks about subscriptions and sends the will while it disconnects, within the tick. */
static void who_is_disconnected_is_judged_to_its_end_in_every_version(void **state)
{
    static const struct {
        bool is_2_1, will_goes_first;
    } versions[] = {{false, false}, {true, false}, {true, true}};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        fake_stop(&site->plugin);
        fake_reset();
        fake.is_2_1 = versions[i].is_2_1;
        fake.will_goes_first = versions[i].will_goes_first;
        assert_int_equal(site_start(site, "disconnect_refusals", "2"), 0);
        refuse(site, &site->sensor, 2);
        fake.victim.plugin = &site->plugin;
        fake.victim.client = &site->sensor;
        fake.victim.filter = "nexus/birmingham/_status/plugin";
        fake.victim.will_topic = OWN_TOPIC;
        fake.victim.will_payload = BAD_READING;
        for (int tick = 0; tick < 3; tick++) {
            (void)fake_tick(&site->plugin);
        }
        assert_int_equal(fake.kicks, 1);
        assert_int_equal(fake.victim.filter_answer, MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake.victim.will_answer, MOSQ_ERR_ACL_DENIED);
        assert_true(site_refused(site, "schema") == 3);
        assert_true(site_number(STATUS, "disconnected") == 1);
    }
}

static void refusals_far_apart_disconnect_nobody(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "3"), 0);
    for (unsigned i = 0; i < 20; i++) {
        refuse(site, &site->sensor, 2);
        fake.now_ms += 10001;
        (void)fake_tick(&site->plugin);
    }
    assert_int_equal(fake.kicks, 0);
}

static void an_offender_that_left_by_itself_takes_nobody_along(void **state)
{
    struct mosquitto heir = {"s1", "air-BMLD"}; /* the same identifier, another connection */
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "3"), 0);
    refuse(site, &site->sensor, 3);
    fake_disconnect(&site->plugin, &site->sensor);
    assert_int_equal(publish(site, &heir, OWN_TOPIC), 0);
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake.kicks, 0);
}

static void a_client_without_an_identifier_never_disconnects_everybody(void **state)
{
    struct mosquitto nameless = {NULL, "air-BMLD"};
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "1"), 0);
    refuse(site, &nameless, 10);
    refuse(site, NULL, 10);
    (void)fake_tick(&site->plugin);
    assert_false(fake.kicked_all);
    assert_int_equal(fake.kicks, 0);
}

static void a_bridge_is_never_disconnected(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "1"), 0);
    refuse(site, &site->bridge, 100);
    refuse(site, &site->link, 100);
    (void)fake_tick(&site->plugin);
    assert_int_equal(fake.kicks, 0);
}

static void more_offenders_than_the_queue_holds_are_disconnected_in_turn(void **state)
{
    enum { OFFENDERS = 200 };
    static struct mosquitto clients[OFFENDERS];
    static char ids[OFFENDERS][8];
    struct site *site = *state;

    assert_int_equal(site_start(site, "disconnect_refusals", "1"), 0);
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < OFFENDERS; i++) {
            (void)snprintf(ids[i], sizeof(ids[i]), "c%u", i);
            clients[i] = (struct mosquitto){ids[i], "air-BMLD"};
            refuse(site, &clients[i], 1);
        }
        (void)fake_tick(&site->plugin);
    }
    assert_true(fake.kicks >= OFFENDERS && fake.kicks <= 8 * 64);
}

/* --- what it is measured by ---------------------------------------------------------------- */

static void each_timed_decision_is_in_one_bucket_of_the_status(void **state)
{
    struct site *site = *state;

    (void)admitted(site, &site->sensor, OWN_TOPIC, 640);
    assert_true(site_refused(site, "rate") == 0);
    assert_true(site_at(STATUS, "/decision_ns/publish/decisions") == 640);
    assert_true(site_at(STATUS, "/decision_ns/publish/timed") == 10);
    assert_true(site_at(STATUS, "/decision_ns/publish/below/1") == 10); /* the clock stands still */
    assert_true(site_at(STATUS, "/decision_ns/receive/decisions") == 0);
}

int main(void)
{
#define MADE(name) cmocka_unit_test_setup_teardown(name, site_make, site_remove)
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_burst_passes_and_then_the_rate),
        SITE_TEST(a_flood_is_told_with_a_count_of_what_was_not),
        SITE_TEST(each_username_of_one_rule_has_its_own_rate),
        SITE_TEST(two_clients_of_one_username_share_its_rate),
        SITE_TEST(bytes_per_second_are_limited_apart_from_messages),
        SITE_TEST(a_message_larger_than_a_burst_passes_when_all_is_at_rest),
        SITE_TEST(a_refused_message_costs_no_second_place),
        SITE_TEST(a_reload_gives_nobody_a_second_burst),
        SITE_TEST(an_identity_overrides_its_role_member_by_member),
        SITE_TEST(a_payload_over_the_identitys_size_is_refused_unread),
        SITE_TEST(one_asset_more_than_allowed_is_refused_and_the_known_ones_are_not),
        SITE_TEST(a_limit_that_makes_no_sense_keeps_the_old_configuration),
        MADE(on_2_1_a_rate_is_refused_at_the_message_event_with_its_own_code),
        MADE(on_2_1_what_is_over_its_rate_is_judged_all_the_same),
        MADE(on_2_1_wills_over_the_rate_are_held_to_one_burst_more),
        MADE(on_2_1_wills_count_against_the_rate_that_they_exceed),
        MADE(on_2_1_a_refused_message_costs_neither_a_place_nor_an_asset),
        MADE(on_2_1_a_will_over_its_rate_leaves_nothing_for_the_next_message),
        SITE_TEST(nobody_is_disconnected_unless_it_is_asked_for),
        MADE(a_repeat_offender_is_disconnected_by_the_tick_and_not_before),
        MADE(who_is_disconnected_is_judged_to_its_end_in_every_version),
        MADE(refusals_far_apart_disconnect_nobody),
        MADE(an_offender_that_left_by_itself_takes_nobody_along),
        MADE(a_client_without_an_identifier_never_disconnects_everybody),
        MADE(a_bridge_is_never_disconnected),
        MADE(more_offenders_than_the_queue_holds_are_disconnected_in_turn),
        SITE_TEST(each_timed_decision_is_in_one_bucket_of_the_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
