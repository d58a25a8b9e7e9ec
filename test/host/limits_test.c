/*
 * limits_test.c - how much an identity may publish, what it is told beyond, and when its client is
 * disconnected.
 */
#include "cm.h"
#include "site.h"

#include "plugin/usage.h"

#include "core/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REJECTED    "nexus/birmingham/_rejected/"
#define STATUS      "nexus/birmingham/_status/plugin"
#define TOPIC(id)   "nexus/birmingham/air/" id "/observation"
#define QUOTA       (-6) /* MOSQ_ERR_QUOTA_EXCEEDED of 2.1 */
#define IGNORE      32   /* MOSQ_ERR_PLUGIN_IGNORE of 2.1 */
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

static void on_2_1_what_is_outside_is_as_if_the_plugin_were_not_there(void **state)
{
    struct site *site = *state;

    assert_int_equal(start_2_1(site), 0);
    assert_int_equal(fake_deliver(&site->plugin, &site->sensor, "home/a"), IGNORE);
    assert_int_equal(fake_subscribe(&site->plugin, &site->sensor, "#"), IGNORE);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, "home/a", "x", false), IGNORE);
    assert_int_equal(fake_login(&site->plugin, "s1", "air-BMLD"), IGNORE);
    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-1", "air-BMLD"), MOSQ_ERR_AUTH);
    assert_string_equal(fake.info, "nexus " NX_VERSION);
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

/* --- the table alone ----------------------------------------------------------------------- */

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
    nx_usage_forget_assets(usage);
    assert_int_equal(take(usage, &many, 0, ASSETS, 0), NX_USAGE_OK);
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

int main(void)
{
#define OPEN(name) cmocka_unit_test_setup_teardown(name, site_open, site_remove)
#define MADE(name) cmocka_unit_test_setup_teardown(name, site_make, site_remove)
    const struct CMUnitTest tests[] = {
        OPEN(a_burst_passes_and_then_the_rate),
        OPEN(a_flood_is_told_with_a_count_of_what_was_not),
        OPEN(each_username_of_one_rule_has_its_own_rate),
        OPEN(two_clients_of_one_username_share_its_rate),
        OPEN(bytes_per_second_are_limited_apart_from_messages),
        OPEN(a_message_larger_than_a_burst_passes_when_all_is_at_rest),
        OPEN(a_refused_message_costs_no_second_place),
        OPEN(a_reload_gives_nobody_a_second_burst),
        OPEN(an_identity_overrides_its_role_member_by_member),
        OPEN(a_payload_over_the_identitys_size_is_refused_unread),
        OPEN(one_asset_more_than_allowed_is_refused_and_the_known_ones_are_not),
        OPEN(a_limit_that_makes_no_sense_keeps_the_old_configuration),
        MADE(on_2_1_a_rate_is_refused_at_the_message_event_with_its_own_code),
        MADE(on_2_1_what_is_over_its_rate_is_judged_all_the_same),
        MADE(on_2_1_a_will_over_its_rate_leaves_nothing_for_the_next_message),
        MADE(on_2_1_what_is_outside_is_as_if_the_plugin_were_not_there),
        OPEN(nobody_is_disconnected_unless_it_is_asked_for),
        MADE(a_repeat_offender_is_disconnected_by_the_tick_and_not_before),
        MADE(refusals_far_apart_disconnect_nobody),
        MADE(an_offender_that_left_by_itself_takes_nobody_along),
        MADE(a_client_without_an_identifier_never_disconnects_everybody),
        MADE(a_bridge_is_never_disconnected),
        MADE(more_offenders_than_the_queue_holds_are_disconnected_in_turn),
        OPEN(each_timed_decision_is_in_one_bucket_of_the_status),
        cmocka_unit_test(identities_beyond_the_table_share_one_account),
        cmocka_unit_test(a_full_table_of_assets_admits_no_new_one),
        cmocka_unit_test(a_clock_that_stands_still_or_steps_back_gives_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
