/*
 * topics_test.c - topics that are remembered: each is what its text says, however many there are,
 * and none is taken for another.
 */
#include "test/unit/unit.h"

#include "plugin/recent.h"

#include "core/base/map.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 100000, TEXT_SIZE = 400 };

struct world {
    struct nx_domain air;
    struct nx_city city;
    struct nx_recents *recents;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->air.name = NX_SPAN("air");
    world->city.name = NX_SPAN("birmingham");
    nx_map_init(&world->city.domains_by_name, 10, 1);
    assert_int_equal(nx_map_put(&world->city.domains_by_name, world->air.name, &world->air), NX_OK);
    world->recents = nx_recents_new(42);
    assert_non_null(world->recents);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    nx_recents_free(world->recents);
    nx_map_fini(&world->city.domains_by_name);
    free(world);
    return 0;
}

static const struct nx_recent *find(struct world *world, uint64_t generation, const char *text)
{
    return nx_recents_find(world->recents, &world->city, generation, text);
}

static bool spans_are_equal(const struct nx_topic *a, const struct nx_topic *b)
{
    return nx_span_eq(a->city, b->city) && nx_span_eq(a->to, b->to) &&
           nx_span_eq(a->domain, b->domain) && nx_span_eq(a->asset, b->asset) &&
           nx_span_eq(a->component, b->component);
}

/* Whatever was remembered, it says what parsing the text anew says. */
static void assert_is(const struct world *world, const struct nx_recent *recent, const char *text)
{
    struct nx_topic topic;

    (void)nx_topic_parse(nx_span_from(text), &topic, NULL);
    assert_int_equal(recent->topic.kind, topic.kind);
    assert_int_equal(recent->topic.channel, topic.channel);
    assert_true(spans_are_equal(&recent->topic, &topic));
    assert_int_equal(recent->text_len, strlen(text));
    assert_int_equal(recent->pattern, nx_policy_pattern(&world->city, &topic));
    assert_ptr_equal(recent->domain,
                     topic.kind == NX_TOPIC_STREAM && nx_span_eq(topic.domain, world->air.name)
                         ? &world->air
                         : NULL);
}

static void every_kind_of_topic_is_what_its_text_says(void **state)
{
    static const char *const texts[] = {"nexus/birmingham/air/BMLD/observation",
                                        "nexus/birmingham/air/BMLD/original",
                                        "nexus/ulsan/air/BMLD/observation",
                                        "nexus/birmingham/water/BMLD/observation",
                                        "nexus/birmingham/_status/bridge",
                                        "nexus/birmingham/_rejected/_/_",
                                        "nexus/_deliver/ulsan",
                                        "nexus/_link/ulsan/birmingham/ack",
                                        "nexus/birmingham/air/BMLD",
                                        "nexus/"};
    struct world *world = *state;

    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            assert_is(world, find(world, 1, texts[i]), texts[i]);
        }
    }
}

static void a_topic_keeps_its_serial_while_others_come_between(void **state)
{
    struct world *world = *state;
    uint64_t first = find(world, 1, "nexus/birmingham/air/A/observation")->serial;
    uint64_t second = find(world, 1, "nexus/birmingham/air/B/observation")->serial;

    assert_true(first != second);
    assert_true(find(world, 1, "nexus/birmingham/air/A/observation")->serial == first);
    assert_true(find(world, 1, "nexus/birmingham/air/B/observation")->serial == second);
}

static void a_topic_outlives_the_text_that_it_was_read_from(void **state)
{
    static const char same[] = "nexus/birmingham/air/A/observation";
    char text[sizeof(same)];
    struct world *world = *state;

    memcpy(text, same, sizeof(same));
    (void)find(world, 1, text);
    memset(text, 'x', sizeof(text));
    assert_is(world, find(world, 1, same), same);
}

static void another_configuration_sees_every_topic_anew(void **state)
{
    static const char text[] = "nexus/birmingham/air/A/observation";
    struct world *world = *state;
    uint64_t before = find(world, 1, text)->serial;

    assert_ptr_equal(find(world, 1, text)->domain, &world->air);
    (void)nx_map_remove(&world->city.domains_by_name, world->air.name);
    assert_null(find(world, 2, text)->domain);
    assert_true(find(world, 2, text)->serial != before);
}

static void more_topics_than_are_kept_are_all_told_apart(void **state)
{
    struct world *world = *state;
    char text[TEXT_SIZE];
    uint64_t highest = 0;

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            const struct nx_recent *recent;

            (void)snprintf(text, sizeof(text), "nexus/birmingham/air/A%u/observation", i);
            recent = find(world, 1, text);
            assert_is(world, recent, text);
            assert_true(round > 0 || recent->serial > highest);
            highest = recent->serial > highest ? recent->serial : highest;
        }
    }
}

static void a_topic_too_long_to_be_kept_is_never_taken_for_another(void **state)
{
    struct world *world = *state;
    char text[TEXT_SIZE];
    uint64_t serial = 0;

    memset(text, 'a', sizeof(text));
    memcpy(text, "nexus/", 6);
    for (size_t len = NX_RECENT_TEXT_SIZE - 2; len < sizeof(text); len++) {
        const struct nx_recent *recent;

        text[len] = '\0';
        recent = find(world, 1, text);
        assert_is(world, recent, text);
        assert_true(recent->serial != serial);
        serial = recent->serial;
        text[len] = 'a';
    }
    assert_is(world, find(world, 1, ""), "");
}

#define TOPICS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOPICS_TEST(every_kind_of_topic_is_what_its_text_says),
        TOPICS_TEST(a_topic_keeps_its_serial_while_others_come_between),
        TOPICS_TEST(a_topic_outlives_the_text_that_it_was_read_from),
        TOPICS_TEST(another_configuration_sees_every_topic_anew),
        TOPICS_TEST(more_topics_than_are_kept_are_all_told_apart),
        TOPICS_TEST(a_topic_too_long_to_be_kept_is_never_taken_for_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
