/*
 * outside_test.c - topics outside nexus/ between what else the broker asks about access: on 2.0,
 * and on 2.1, where the last answer counts and "as if I were not there" opens what another left.
 */
#include "site.h"

#include "test/unit/unit.h"

#include <stdio.h>

#define DEFER MOSQ_ERR_PLUGIN_DEFER
#define DENY  MOSQ_ERR_ACL_DENIED

static const int accesses[] = {MOSQ_ACL_READ, MOSQ_ACL_WRITE, MOSQ_ACL_SUBSCRIBE,
                               MOSQ_ACL_UNSUBSCRIBE};

static void start(struct site *site, bool is_2_1, const char *outside)
{
    fake_stop(&site->plugin);
    fake.is_2_1 = is_2_1;
    assert_int_equal(site_start(site, "outside", outside), 0);
}

/* Every access to `topic` comes to `expected`, between `before` and `behind`. */
static void check(struct site *site, int before, int behind, const char *topic, int expected)
{
    fake.before = before;
    fake.behind = behind;
    for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
        int decided = fake_decide(&site->plugin, &site->reader, accesses[i], topic);

        if (decided != expected) {
            fail_msg("%s, access %d between %d and %d: %d, not %d", topic, accesses[i], before,
                     behind, decided, expected);
        }
    }
}

static void alone_allow_opens_and_defer_shuts_on_both(void **state)
{
    struct site *site = *state;

    for (int is_2_1 = 0; is_2_1 < 2; is_2_1++) {
        start(site, is_2_1, "allow");
        check(site, FAKE_NOBODY, FAKE_NOBODY, "home/a", 0);
        start(site, is_2_1, "defer");
        check(site, FAKE_NOBODY, FAKE_NOBODY, "home/a", DENY);
    }
}

static void beside_another_defer_leaves_it_the_last_word_on_both(void **state)
{
    struct site *site = *state;

    for (int is_2_1 = 0; is_2_1 < 2; is_2_1++) {
        start(site, is_2_1, "defer");
        check(site, FAKE_NOBODY, 0, "home/a", 0);
        check(site, FAKE_NOBODY, DENY, "home/a", DENY);
        check(site, FAKE_NOBODY, DEFER, "home/a", DENY);
        check(site, 0, FAKE_NOBODY, "home/a", 0);
        check(site, DENY, FAKE_NOBODY, "home/a", DENY);
        check(site, DEFER, FAKE_NOBODY, "home/a", DENY);
        check(site, DEFER, 0, "home/a", 0);
        check(site, DEFER, FAKE_NOBODY, "$CONTROL/dynamic-security/v1", DENY);
    }
}

static void on_2_1_allow_leaves_the_word_to_who_is_asked_behind(void **state)
{
    struct site *site = *state;

    start(site, true, "allow");
    check(site, FAKE_NOBODY, 0, "home/a", 0);
    check(site, FAKE_NOBODY, DENY, "home/a", DENY);
    check(site, FAKE_NOBODY, DEFER, "home/a", DENY);
    check(site, FAKE_NOBODY, FAKE_IGNORE, "home/a", 0);
    assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "#"), FAKE_IGNORE);
}

static void on_2_1_allow_does_not_open_what_an_earlier_one_left_open(void **state)
{
    struct site *site = *state;

    fake.earlier = "/usr/lib/other.so";
    start(site, true, "allow");
    assert_true(fake_logged("/usr/lib/other.so is loaded before this plugin"));
    check(site, DEFER, FAKE_NOBODY, "home/a", DENY);
    check(site, DEFER, FAKE_NOBODY, "$CONTROL/dynamic-security/v1", DENY);
    check(site, DEFER, 0, "home/a", 0);
    check(site, 0, FAKE_NOBODY, "home/a", 0);
}

static void behind_one_that_answers_the_plugin_does_not_start(void **state)
{
    static const char *const files[] = {"/usr/lib/mosquitto_dynamic_security.so",
                                        "/usr/lib/mosquitto_acl_file.so"};
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        for (int is_2_1 = 0; is_2_1 < 2; is_2_1++) {
            fake_stop(&site->plugin);
            fake.is_2_1 = is_2_1;
            fake.earlier = files[i];
            assert_int_not_equal(site_start(site, NULL, NULL), 0);
            assert_true(fake_logged(files[i]));
        }
    }
}

static void below_nexus_and_at_our_control_topic_the_answer_is_ours_whoever_is_behind(void **state)
{
    struct site *site = *state;

    for (int is_2_1 = 0; is_2_1 < 2; is_2_1++) {
        start(site, is_2_1, "defer");
        fake.behind = 0;
        assert_int_equal(fake_decide(&site->plugin, &site->reader, MOSQ_ACL_WRITE, OWN_TOPIC),
                         DENY);
        assert_int_equal(
            fake_decide(&site->plugin, &site->reader, MOSQ_ACL_WRITE, "$CONTROL/nexus/v1"), DENY);
        fake.behind = DENY;
        assert_int_equal(fake_decide(&site->plugin, &site->reader, MOSQ_ACL_READ, OWN_TOPIC), 0);
    }
}

/* A login has no last word: each IGNORE is as if nobody were there, in whatever order. */
static void on_2_1_logins_are_left_to_who_checks_them(void **state)
{
    struct site *site = *state;

    start(site, true, "defer");
    assert_int_equal(fake_login(&site->plugin, "s1", "air-BMLD"), FAKE_IGNORE);
    assert_int_equal(fake_login(&site->plugin, "nexus-bridge-1", "air-BMLD"), MOSQ_ERR_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(alone_allow_opens_and_defer_shuts_on_both),
        SITE_TEST(beside_another_defer_leaves_it_the_last_word_on_both),
        SITE_TEST(on_2_1_allow_leaves_the_word_to_who_is_asked_behind),
        SITE_TEST(on_2_1_allow_does_not_open_what_an_earlier_one_left_open),
        SITE_TEST(behind_one_that_answers_the_plugin_does_not_start),
        SITE_TEST(below_nexus_and_at_our_control_topic_the_answer_is_ours_whoever_is_behind),
        SITE_TEST(on_2_1_logins_are_left_to_who_checks_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
