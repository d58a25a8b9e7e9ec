/*
 * topic_test.c - topics and filters, case by case.
 */
#include "test/unit/unit.h"

#include "core/topic.h"

#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>

static void each_shape_of_topic_is_recognised(void **state)
{
    static const struct {
        const char *text;
        enum nx_topic_kind kind;
    } cases[] = {
        {"nexus/birmingham/air/BMLD/observation", NX_TOPIC_STREAM},
        {"nexus/birmingham/air/BMLD/original", NX_TOPIC_STREAM},
        {"nexus/ulsan/air/sinjeong-dong/canonical", NX_TOPIC_STREAM},
        {"nexus/birmingham/_status/bridge", NX_TOPIC_STATUS},
        {"nexus/birmingham/_status/link-birmingham-ulsan", NX_TOPIC_STATUS},
        {"nexus/birmingham/_rejected/air/BMLD", NX_TOPIC_REJECTED},
        {"nexus/birmingham/_rejected/_/_", NX_TOPIC_REJECTED},
        {"nexus/birmingham/_catalogue/air/BMLD", NX_TOPIC_CATALOGUE},
        {"nexus/_deliver/birmingham", NX_TOPIC_DELIVER},
        {"nexus/_link/birmingham/ulsan", NX_TOPIC_LINK},
        {"nexus/_link/birmingham/ulsan/ack", NX_TOPIC_LINK_ACK},
        {"city/birmingham/air", NX_TOPIC_OUTSIDE},
        {"/nexus/birmingham", NX_TOPIC_OUTSIDE},
        {"nexus2/birmingham/air/BMLD/observation", NX_TOPIC_OUTSIDE},
        {"$SYS/broker", NX_TOPIC_OUTSIDE},
        {"", NX_TOPIC_OUTSIDE},
        {"nexus", NX_TOPIC_MALFORMED},
        {"nexus/", NX_TOPIC_MALFORMED},
        {"nexus//air/BMLD/observation", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/air/BMLD", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/air/BMLD/observation/x", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/air/BMLD/observation/x/y/z", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/air/BMLD/temperature", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/air/B.MLD/observation", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/air/-BMLD/observation", NX_TOPIC_MALFORMED},
        {"nexus/Birmingham/air/BMLD/observation", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/Air/BMLD/observation", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/_rejected/_/BMLD", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/_catalogue/_/_", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/_status", NX_TOPIC_MALFORMED},
        {"nexus/birmingham/_secret/x", NX_TOPIC_MALFORMED},
        {"nexus/_deliver", NX_TOPIC_MALFORMED},
        {"nexus/_deliver/birmingham/x", NX_TOPIC_MALFORMED},
        {"nexus/_link/birmingham/ulsan/nak", NX_TOPIC_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_span text = nx_span_from(cases[i].text);
        struct nx_topic topic;
        enum nx_topic_kind kind = nx_topic_parse(text, &topic, NULL);

        if (kind != cases[i].kind) {
            print_error("topic %.*s\n", NX_SPAN_ARG(text));
        }
        assert_int_equal(kind, cases[i].kind);
    }
}

static void a_stream_yields_its_parts(void **state)
{
    struct nx_topic topic;

    (void)state;
    (void)nx_topic_parse(NX_SPAN("nexus/ulsan/air/sinjeong-dong/original"), &topic, NULL);
    assert_true(nx_span_is(topic.city, "ulsan"));
    assert_true(nx_span_is(topic.domain, "air"));
    assert_true(nx_span_is(topic.asset, "sinjeong-dong"));
    assert_int_equal(topic.channel, NX_CHANNEL_ORIGINAL);
}

static void a_malformed_topic_says_why(void **state)
{
    struct nx_topic topic;
    const char *why = NULL;

    (void)state;
    (void)nx_topic_parse(NX_SPAN("nexus/ulsan/air/x/temperature"), &topic, &why);
    assert_non_null(strstr(why, "channel"));
}

static void a_topic_of_65535_bytes_is_only_malformed(void **state)
{
    char *text = malloc(NX_TOPIC_MAX);
    struct nx_topic topic;

    (void)state;
    assert_non_null(text);
    memset(text, '/', NX_TOPIC_MAX);
    memcpy(text, "nexus", 5);
    assert_int_equal(nx_topic_parse((struct nx_span){text, NX_TOPIC_MAX}, &topic, NULL),
                     NX_TOPIC_MALFORMED);
    free(text);
}

static void names_have_their_lengths(void **state)
{
    (void)state;
    assert_false(nx_name_is_city(NX_SPAN("a")));
    assert_true(nx_name_is_city(NX_SPAN("ab")));
    assert_true(nx_name_is_city(NX_SPAN("abcdefghijklmnopqrstuvwxyz012345")));
    assert_false(nx_name_is_city(NX_SPAN("abcdefghijklmnopqrstuvwxyz0123456")));
    assert_false(nx_name_is_city(NX_SPAN("1a")));
    assert_true(nx_name_is_asset(NX_SPAN("1")));
    assert_false(nx_name_is_asset(NX_SPAN("")));
    assert_false(nx_name_is_asset(NX_SPAN("\xEC\x8B\xA0")));
}

static void a_shared_subscription_is_judged_by_its_filter(void **state)
{
    (void)state;
    assert_true(nx_span_is(nx_filter_unshare(NX_SPAN("$share/g1/nexus/#")), "nexus/#"));
    assert_true(nx_span_is(nx_filter_unshare(NX_SPAN("nexus/#")), "nexus/#"));
    assert_true(nx_span_is(nx_filter_unshare(NX_SPAN("$share/g1")), "$share/g1"));
}

static void filters_meet_where_some_topic_satisfies_both(void **state)
{
    static const struct {
        const char *a, *b;
        bool meet;
    } cases[] = {
        {"a/b", "a/b", true},     {"a/b", "a/c", false},   {"a/+", "a/b", true},
        {"a/+", "+/b", true},     {"a/#", "a", true},      {"a/#", "b/#", false},
        {"#", "a/b/c", true},     {"+", "a/b", false},     {"+/+/#", "a", false},
        {"+/#", "a", true},       {"a/b/#", "a/+", true},  {"#", "$SYS/x", false},
        {"+/x", "$SYS/x", false}, {"a//b", "a/+/b", true}, {"a/b", "a/b/", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_span a = nx_span_from(cases[i].a), b = nx_span_from(cases[i].b);
        if (nx_filter_intersects(a, b) != cases[i].meet) {
            print_error("%s and %s\n", cases[i].a, cases[i].b);
        }
        assert_int_equal(nx_filter_intersects(a, b), cases[i].meet);
        assert_int_equal(nx_filter_intersects(b, a), cases[i].meet);
    }
}

/* A small deterministic generator, so that a failure comes back. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void random_levels(unsigned *seed, bool wild, char *out, size_t size)
{
    static const char *const words[] = {"a", "b", "", "$x", "+", "#"};
    size_t levels = 1 + next_random(seed) % 4;
    size_t used = 0;

    for (size_t i = 0; i < levels; i++) {
        const char *word = words[next_random(seed) % (wild ? 6 : 4)];
        int n = snprintf(out + used, size - used, "%s%s", i > 0 ? "/" : "", word);
        used += (size_t)n;
        if (word[0] == '#') {
            return;
        }
    }
}

static void matching_agrees_with_the_broker_s_own_function(void **state)
{
    unsigned seed = 20260101;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char filter[32], topic[32];
        bool theirs = false;

        random_levels(&seed, true, filter, sizeof(filter));
        random_levels(&seed, false, topic, sizeof(topic));
        if (topic[0] == '\0' || filter[0] == '\0' ||
            mosquitto_topic_matches_sub(filter, topic, &theirs) != MOSQ_ERR_SUCCESS) {
            continue;
        }
        if (nx_filter_matches(nx_span_from(filter), nx_span_from(topic)) != theirs) {
            print_error("filter \"%s\" topic \"%s\": libmosquitto says %d\n", filter, topic,
                        theirs);
        }
        assert_int_equal(nx_filter_matches(nx_span_from(filter), nx_span_from(topic)), theirs);
        if (theirs) {
            assert_true(nx_filter_intersects(nx_span_from(filter), nx_span_from(topic)));
        }
    }
}

static void wildcards_stand_alone_in_their_level(void **state)
{
    (void)state;
    assert_true(nx_filter_valid(NX_SPAN("a/+/#")));
    assert_false(nx_filter_valid(NX_SPAN("a/b+")));
    assert_false(nx_filter_valid(NX_SPAN("a/#/b")));
    assert_false(nx_filter_valid(NX_SPAN("a#")));
    assert_false(nx_filter_valid(NX_SPAN("")));
    assert_false(nx_filter_valid(NX_SPAN("a\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shape_of_topic_is_recognised),
        cmocka_unit_test(a_stream_yields_its_parts),
        cmocka_unit_test(a_malformed_topic_says_why),
        cmocka_unit_test(a_topic_of_65535_bytes_is_only_malformed),
        cmocka_unit_test(names_have_their_lengths),
        cmocka_unit_test(a_shared_subscription_is_judged_by_its_filter),
        cmocka_unit_test(filters_meet_where_some_topic_satisfies_both),
        cmocka_unit_test(matching_agrees_with_the_broker_s_own_function),
        cmocka_unit_test(wildcards_stand_alone_in_their_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
