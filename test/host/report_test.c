/*
 * report_test.c - what is told of a refusal, to whom, and how often.
 */
#include "site.h"

#include "plugin/options.h"

#include "core/base/utc.h"
#include "plugin/text.h"
#include "plugin/throttle.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REJECTED "nexus/birmingham/_rejected/"
#define STATUS   "nexus/birmingham/_status/plugin"

static void refuse(struct site *site, struct mosquitto *client, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(fake_publish(&site->plugin, client, OWN_TOPIC, "{}", false),
                         MOSQ_ERR_ACL_DENIED);
    }
}

static void a_report_says_who_what_and_when(void **state)
{
    struct site *site = *state;

    refuse(site, &site->sensor, 1);
    assert_string_equal(fake_last(REJECTED)->topic, REJECTED "air/BMLD");
    assert_false(fake_last(REJECTED)->retain);
    assert_string_equal(site_text(REJECTED, "time"), "1970-01-01T00:16:40.000Z");
    assert_string_equal(site_text(REJECTED, "city"), "birmingham");
    assert_string_equal(site_text(REJECTED, "identity"), "air-BMLD");
    assert_string_equal(site_text(REJECTED, "client_id"), "s1");
    assert_string_equal(site_text(REJECTED, "topic"), OWN_TOPIC);
    assert_string_equal(site_text(REJECTED, "keyword"), "required");
    assert_string_equal(site_text(REJECTED, "instance"), "");
    assert_true(site_number(REJECTED, "payload_bytes") == 2);
    assert_string_equal(site_text(REJECTED, "payload_sha256"),
                        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    assert_true(site_number(REJECTED, "suppressed") == 0);
    assert_true(fake_logged("nexus: refused '" OWN_TOPIC "' from 'air-BMLD': schema: "));
}

static void a_report_goes_to_the_domain_and_asset_that_the_topic_names(void **state)
{
    static const char *const cases[][2] = {
        {OWN_TOPIC, "air/BMLD"},
        {"nexus/ulsan/air/BMLD/observation", "air/BMLD"},
        {"nexus/BIRMINGHAM/air/BMLD", "air/BMLD"},
        {"nexus/birmingham/AIR/BMLD/observation", "_/_"},
        {"nexus/birmingham/_status/plugin", "_/_"},
        {"nexus/_link/ulsan/birmingham", "_/_"},
        {"nexus/_deliver/air/BMLD", "_/_"},
    };
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(fake_publish(&site->plugin, &site->sensor, cases[i][0], "{}", false),
                         MOSQ_ERR_ACL_DENIED);
        assert_string_equal(fake_last(REJECTED)->topic + strlen(REJECTED), cases[i][1]);
    }
}

static void the_first_ten_refusals_within_ten_seconds_are_told_one_by_one(void **state)
{
    struct site *site = *state;

    for (unsigned i = 0; i < 10; i++) {
        refuse(site, &site->sensor, 1);
        assert_int_equal(fake_count(REJECTED), i + 1);
        fake.now_ms += 1000;
    }
}

static void a_flood_is_told_by_a_burst_then_one_each_second(void **state)
{
    struct site *site = *state;

    refuse(site, &site->sensor, 1000);
    assert_int_equal(fake_count(REJECTED), 20);
    fake.now_ms += 999;
    refuse(site, &site->sensor, 1);
    assert_int_equal(fake_count(REJECTED), 20);
    fake.now_ms += 1;
    refuse(site, &site->sensor, 1);
    assert_int_equal(fake_count(REJECTED), 21);
    assert_true(site_number(REJECTED, "suppressed") == 981);
    assert_true(site_refused(site, "schema") == 1002); /* each is counted all the same */
    assert_true(site_number(STATUS, "untold") == 981);
    assert_true(site_number(STATUS, "told") == 21);
}

static void tick_after(struct site *site, int64_t ms)
{
    fake.now_ms += ms;
    fake_tick(&site->plugin);
}

static void what_a_flood_leaves_untold_is_told_when_it_is_over(void **state)
{
    struct site *site = *state;

    refuse(site, &site->sensor, 100);
    refuse(site, &site->anonymous, 25);
    assert_int_equal(fake_count(REJECTED), 40);
    tick_after(site, 1999);
    assert_int_equal(fake_count(REJECTED), 40);
    refuse(site, &site->sensor, 1); /* it goes on, and tells of those before it */
    assert_true(site_number(REJECTED, "suppressed") == 80);
    refuse(site, &site->sensor, 5);
    tick_after(site, 1000);
    assert_int_equal(fake_count(REJECTED), 41 + 1);
    assert_string_equal(fake_last(REJECTED)->topic, REJECTED "_/_");
    assert_null(site_text(REJECTED, "identity"));
    assert_true(site_number(REJECTED, "suppressed") == 5);
    tick_after(site, 1000);
    assert_int_equal(fake_count(REJECTED), 42 + 1);
    assert_string_equal(site_text(REJECTED, "identity"), "air-BMLD");
    assert_string_equal(site_text(REJECTED, "reason"), "suppressed");
    assert_true(site_number(REJECTED, "suppressed") == 5);
    tick_after(site, 60000);
    assert_int_equal(fake_count(REJECTED), 43);
}

static void one_identitys_flood_takes_nothing_from_another(void **state)
{
    struct site *site = *state;

    refuse(site, &site->sensor, 1000);
    refuse(site, &site->reader, 10);
    assert_int_equal(fake_count(REJECTED), 30);
    assert_string_equal(site_text(REJECTED, "identity"), "reader");
}

static void a_flood_of_refusals_writes_few_log_lines(void **state)
{
    struct site *site = *state;
    size_t before = fake.log_len;

    refuse(site, &site->sensor, 1000);
    assert_true(fake.log_len - before < 20 * 700);
}

static void a_report_that_cannot_be_published_is_counted(void **state)
{
    struct site *site = *state;

    fake.publish_fails = true;
    refuse(site, &site->sensor, 1);
    fake.publish_fails = false;
    assert_true(site_refused(site, "schema") == 1);
    assert_true(site_number(STATUS, "untold") == 1);
    assert_int_equal(fake_count(REJECTED), 0);
}

static struct site *reentered;
static int reentered_rc;

static void reenter(void)
{
    const struct fake_message *own = &fake.messages[fake.messages_count - 1];

    fake.on_publish = NULL;
    reentered_rc = fake_publish(&reentered->plugin, NULL, own->topic, own->payload, false);
}

static void a_broker_that_shows_us_our_own_report_gets_no_second_one(void **state)
{
    reentered = *state;
    fake.on_publish = reenter;
    refuse(reentered, &reentered->sensor, 1);
    assert_int_equal(reentered_rc, 0);
    assert_int_equal(fake_count(REJECTED), 1);
}

static void the_excerpt_is_short_and_well_formed(void **state)
{
    struct site *site = *state;
    char payload[1000];

    memset(payload, 0x80, sizeof(payload));
    memcpy(payload, "ab\0\n", 4);
    (void)fake_publish_bytes(&site->plugin, &site->sensor, OWN_TOPIC, payload, sizeof(payload),
                             false);
    assert_true(strlen(site_text(REJECTED, "payload_excerpt")) <= 256);
    assert_memory_equal(site_text(REJECTED, "payload_excerpt"), "ab\xEF\xBF\xBD\n\xEF\xBF\xBD", 9);
    assert_true(site_number(REJECTED, "payload_bytes") == 1000);
}

static void a_large_payload_is_told_without_its_digest(void **state)
{
    enum { LARGE = 256 * 1024 + 1 };
    static char payload[LARGE];
    struct site *site = *state;

    memset(payload, '[', sizeof(payload));
    for (size_t len = LARGE - 1; len <= LARGE; len++) {
        (void)fake_publish_bytes(&site->plugin, &site->sensor, OWN_TOPIC, payload, len, false);
        assert_true(site_number(REJECTED, "payload_bytes") == (double)len);
        assert_true((site_text(REJECTED, "payload_sha256") == NULL) == (len == LARGE));
    }
}

static void names_in_the_log_stay_on_one_line(void **state)
{
    struct site *site = *state;
    struct mosquitto client = {"c\n", "evil\nnexus: all is well\x1b[2J"};

    refuse(site, &client, 1);
    assert_false(fake_logged("\nnexus: all is well"));
    assert_false(fake_logged("\x1b"));
}

/* --- the pieces ---------------------------------------------------------------------------- */

static void text_is_cut_between_characters(void **state)
{
    char out[8];

    (void)state;
    assert_string_equal(nx_text_clean(NX_SPAN("울산시"), NX_TEXT_JSON, out, 8), "울산");
    assert_string_equal(nx_text_clean(NX_SPAN("울산시"), NX_TEXT_JSON, out, 7), "울산");
    assert_string_equal(nx_text_clean(NX_SPAN("울산시"), NX_TEXT_JSON, out, 6), "울");
    assert_string_equal(nx_text_clean(NX_SPAN("a\tb"), NX_TEXT_JSON, out, 8), "a\tb");
    assert_string_equal(nx_text_clean(NX_SPAN("a\tb"), NX_TEXT_LOG, out, 8), "a\xEF\xBF\xBD"
                                                                             "b");
    assert_string_equal(nx_text_clean((struct nx_span){NULL, 0}, NX_TEXT_LOG, out, 8), "");
    assert_string_equal(nx_text_clean(NX_SPAN("abc"), NX_TEXT_LOG, out, 1), "");
}

static void time_is_rfc_3339_in_utc(void **state)
{
    char out[NX_UTC_SIZE];

    (void)state;
    assert_string_equal(nx_utc_format(0, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(nx_utc_format(1769871600007, out), "2026-01-31T15:00:00.007Z");
    assert_string_equal(nx_utc_format(253402300799999, out), "9999-12-31T23:59:59.999Z");
}

static void a_clock_that_steps_back_gives_no_burst(void **state)
{
    struct nx_bucket bucket;
    uint64_t suppressed;

    (void)state;
    nx_bucket_init(&bucket, 1000);
    for (unsigned i = 0; i < 20; i++) {
        assert_true(nx_bucket_take(&bucket, 1000, &suppressed));
    }
    assert_false(nx_bucket_take(&bucket, 0, &suppressed));
    assert_false(nx_bucket_take(&bucket, 999, &suppressed));
}

static void a_flood_of_names_shares_one_bucket(void **state)
{
    enum { NAMES = 10000, TABLE = 4096, BURST = 20 };
    struct nx_throttle *throttle = nx_throttle_new(1, 0);
    uint64_t suppressed;
    unsigned told = 0;

    (void)state;
    assert_non_null(throttle);
    for (unsigned i = 0; i < NAMES; i++) {
        char name[16];
        int len = snprintf(name, sizeof(name), "n%u", i);

        told += nx_throttle_take(throttle, (struct nx_span){name, (size_t)len}, 0, &suppressed);
    }
    assert_int_equal(told, TABLE + BURST);
    /* the buckets that have refilled make room for the next names */
    assert_true(nx_throttle_take(throttle, NX_SPAN("late"), 60000, &suppressed));
    for (unsigned i = 1; i < BURST; i++) {
        assert_true(nx_throttle_take(throttle, NX_SPAN("late"), 60000, &suppressed));
    }
    assert_false(nx_throttle_take(throttle, NX_SPAN("late"), 60000, &suppressed));
    assert_true(nx_throttle_take(throttle, NX_SPAN("later"), 60000, &suppressed));
    nx_throttle_free(throttle);
}

static void what_is_earned_fills_a_bucket_no_further_than_full(void **state)
{
    struct nx_throttle *throttle = nx_throttle_new(1, 0);
    uint64_t suppressed;
    unsigned told = 0;

    (void)state;
    assert_non_null(throttle);
    nx_throttle_earn(throttle, NX_SPAN("a"), 5); /* nothing is known of it: its bucket is full */
    for (unsigned i = 0; i < 30; i++) {
        told += nx_throttle_take(throttle, NX_SPAN("a"), 0, &suppressed);
    }
    nx_throttle_earn(throttle, NX_SPAN("a"), 3);
    for (unsigned i = 0; i < 30; i++) {
        told += nx_throttle_take(throttle, NX_SPAN("a"), 0, &suppressed);
    }
    assert_int_equal(told, 20 + 3);
    nx_throttle_earn(throttle, NX_SPAN("a"), 1000);
    for (unsigned i = 0; i < 30; i++) {
        told += nx_throttle_take(throttle, NX_SPAN("a"), 0, &suppressed);
    }
    assert_int_equal(told, 20 + 3 + 20);
    nx_throttle_free(throttle);
}

static void the_operators_page_holds_the_table_of_options(void **state)
{
    struct nx_buf table;
    FILE *file = fopen(NX_SOURCE_DIR "/docs/plugin.md", "r");
    static char page[64 * 1024];
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(page, 1, sizeof(page) - 1, file);
    page[len] = '\0';
    (void)fclose(file);
    nx_buf_init(&table, sizeof(page));
    assert_int_equal(nx_options_table(&table), NX_OK);
    assert_int_equal(nx_buf_byte(&table, 0), NX_OK);
    assert_non_null(strstr(page, table.data));
    nx_buf_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_report_says_who_what_and_when),
        SITE_TEST(a_report_goes_to_the_domain_and_asset_that_the_topic_names),
        SITE_TEST(the_first_ten_refusals_within_ten_seconds_are_told_one_by_one),
        SITE_TEST(a_flood_is_told_by_a_burst_then_one_each_second),
        SITE_TEST(what_a_flood_leaves_untold_is_told_when_it_is_over),
        SITE_TEST(one_identitys_flood_takes_nothing_from_another),
        SITE_TEST(a_flood_of_refusals_writes_few_log_lines),
        SITE_TEST(a_report_that_cannot_be_published_is_counted),
        SITE_TEST(a_broker_that_shows_us_our_own_report_gets_no_second_one),
        SITE_TEST(the_excerpt_is_short_and_well_formed),
        SITE_TEST(a_large_payload_is_told_without_its_digest),
        SITE_TEST(names_in_the_log_stay_on_one_line),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(time_is_rfc_3339_in_utc),
        cmocka_unit_test(a_clock_that_steps_back_gives_no_burst),
        cmocka_unit_test(a_flood_of_names_shares_one_bucket),
        cmocka_unit_test(what_is_earned_fills_a_bucket_no_further_than_full),
        cmocka_unit_test(the_operators_page_holds_the_table_of_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
