/*
 * policy_test.c - the table of roles and rights, row by row, and the agreement of its two forms.
 * Cities are built by hand here: the policy needs no file.
 */
#include "test/unit/unit.h"

#include "core/identity.h"
#include "core/policy.h"

#include <stdio.h>

static struct nx_asset_pattern any_asset[] = {{{"+", 1}, {"+", 1}}};
static struct nx_asset_pattern own_asset[] = {{{"air", 3}, {"{asset}", 7}}};
static struct nx_asset_pattern two_assets[] = {{{"air", 3}, {"BMLD", 4}},
                                               {{"air", 3}, {"BIRR", 4}}};

static struct nx_identity identities[] = {
    {.name = {"any", 3}, .role = NX_ROLE_SENSOR, .assets = any_asset, .assets_count = 1},
    {.name = {"air-{asset}", 11}, .role = NX_ROLE_SENSOR, .assets = own_asset, .assets_count = 1},
    {.name = {"two", 3}, .role = NX_ROLE_SENSOR, .assets = two_assets, .assets_count = 2},
    {.name = {"reader", 6}, .role = NX_ROLE_READER},
    {.name = {"operator", 8}, .role = NX_ROLE_OPERATOR},
    {.name = {"bridge", 6}, .role = NX_ROLE_BRIDGE},
    {.name = {"peer", 4}, .role = NX_ROLE_LINK, .city = {"ulsan", 5}},
};

static struct nx_domain domains[] = {{.name = {"air", 3}}};
static struct nx_city cities[] = {
    {.name = {"birmingham", 10},
     .domains = domains,
     .domains_count = 1,
     .domains_by_name = {.count_max = 100},
     .identities_by_name = {.count_max = 100},
     .identities_by_capture = {.count_max = 100},
     .identities = identities,
     .identities_count = sizeof(identities) / sizeof(identities[0])},
    {.name = {"ulsan", 5}},
};
static struct nx_config config = {
    .cities = cities, .cities_count = 2, .cities_by_name = {.count_max = 100}};

static struct nx_arena arena;

static int set_up(void **state)
{
    struct nx_city *city = &cities[0];
    enum nx_err err = nx_map_put(&city->domains_by_name, domains[0].name, &domains[0]);

    (void)state;
    nx_arena_init(&arena, 64 * 1024);
    for (size_t i = 0; err == NX_OK && i < config.cities_count; i++) {
        err = nx_map_put(&config.cities_by_name, cities[i].name, &cities[i]);
    }
    for (size_t i = 0; err == NX_OK && i < city->identities_count; i++) {
        nx_map_init(&identities[i].owned, 100, 1);
        err = nx_identity_index(&arena, city, &identities[i]);
    }
    return err == NX_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < cities[0].identities_count; i++) {
        nx_map_fini(&identities[i].owned);
    }
    nx_map_fini(&cities[0].identities_by_name);
    nx_map_fini(&cities[0].identities_by_capture);
    nx_map_fini(&cities[0].domains_by_name);
    nx_map_fini(&config.cities_by_name);
    nx_arena_fini(&arena);
    return 0;
}

static enum nx_verdict publish(const char *user, const char *text)
{
    struct nx_subject subject = nx_policy_subject(&cities[0], nx_span_from(user));
    struct nx_topic topic;

    (void)nx_topic_parse(nx_span_from(text), &topic, NULL);
    return nx_policy_publish(&config, &cities[0], &subject, &topic);
}

static enum nx_verdict receive(const char *user, const char *text)
{
    struct nx_subject subject = nx_policy_subject(&cities[0], nx_span_from(user));
    struct nx_topic topic;

    (void)nx_topic_parse(nx_span_from(text), &topic, NULL);
    return nx_policy_receive(&config, &cities[0], &subject, &topic);
}

static enum nx_reach subscribe(const char *user, const char *filter)
{
    struct nx_subject subject = nx_policy_subject(&cities[0], nx_span_from(user));

    return nx_policy_subscribe(&config, &cities[0], &subject, nx_span_from(filter));
}

static void publishing_follows_the_table(void **state)
{
    static const struct {
        const char *user, *topic;
        enum nx_verdict verdict;
    } cases[] = {
        {"any", "nexus/birmingham/air/BMLD/observation", NX_ALLOWED},
        {"any", "nexus/ulsan/air/sinjeong-dong/observation", NX_DENIED_CITY},
        {"any", "nexus/birmingham/noise/BMLD/observation", NX_DENIED_DOMAIN},
        {"any", "nexus/birmingham/air/BMLD/original", NX_DENIED_CHANNEL},
        {"any", "nexus/birmingham/air/BMLD/canonical", NX_DENIED_CHANNEL},
        {"any", "nexus/birmingham/air/BMLD/other", NX_DENIED_TOPIC},
        {"any", "nexus/birmingham/_status/bridge", NX_DENIED_ROLE},
        {"any", "nexus/birmingham/_rejected/air/BMLD", NX_DENIED_ROLE},
        {"any", "nexus/birmingham/_catalogue/air/BMLD", NX_DENIED_ROLE},
        {"any", "nexus/_deliver/ulsan", NX_DENIED_ROLE},
        {"air-BMLD", "nexus/birmingham/air/BMLD/observation", NX_ALLOWED},
        {"air-BMLD", "nexus/birmingham/air/BIRR/observation", NX_DENIED_ASSET},
        {"air-BM+D", "nexus/birmingham/air/BM+D/observation", NX_DENIED_IDENTITY},
        {"air-", "nexus/birmingham/air/BMLD/observation", NX_DENIED_IDENTITY},
        {"two", "nexus/birmingham/air/BIRR/observation", NX_ALLOWED},
        {"two", "nexus/birmingham/air/BMLD2/observation", NX_DENIED_ASSET},
        {"reader", "nexus/birmingham/air/BMLD/observation", NX_DENIED_ROLE},
        {"operator", "nexus/birmingham/air/BMLD/observation", NX_DENIED_ROLE},
        {"bridge", "nexus/ulsan/air/sinjeong-dong/observation", NX_ALLOWED},
        {"bridge", "nexus/ulsan/air/sinjeong-dong/original", NX_ALLOWED},
        {"bridge", "nexus/paris/air/x/observation", NX_DENIED_CITY},
        {"bridge", "nexus/ulsan/noise/x/observation", NX_DENIED_DOMAIN},
        {"bridge", "nexus/birmingham/air/BMLD/observation", NX_DENIED_CHANNEL},
        {"bridge", "nexus/birmingham/air/BMLD/canonical", NX_ALLOWED},
        {"bridge", "nexus/birmingham/_status/bridge", NX_ALLOWED},
        {"bridge", "nexus/ulsan/_status/bridge", NX_DENIED_CITY},
        {"bridge", "nexus/birmingham/_rejected/air/BMLD", NX_DENIED_ROLE},
        {"bridge", "nexus/_link/birmingham/ulsan", NX_ALLOWED},
        {"bridge", "nexus/_link/ulsan/birmingham/ack", NX_ALLOWED},
        {"bridge", "nexus/_link/ulsan/paris", NX_DENIED_CITY},
        {"bridge", "nexus/_deliver/ulsan", NX_ALLOWED},
        {"bridge", "nexus/_deliver/birmingham", NX_DENIED_CITY},
        {"bridge", "nexus/_deliver/paris", NX_DENIED_CITY},
        {"peer", "nexus/_deliver/ulsan", NX_ALLOWED},
        {"peer", "nexus/_deliver/birmingham", NX_DENIED_CITY},
        {"peer", "nexus/_link/ulsan/birmingham", NX_ALLOWED},
        {"peer", "nexus/_link/birmingham/ulsan", NX_DENIED_CITY},
        {"peer", "nexus/_link/birmingham/ulsan/ack", NX_ALLOWED},
        {"peer", "nexus/birmingham/_status/link-ulsan-birmingham", NX_ALLOWED},
        {"peer", "nexus/birmingham/_status/bridge", NX_DENIED_ROLE},
        {"peer", "nexus/ulsan/air/sinjeong-dong/observation", NX_DENIED_ROLE},
        {"nobody", "nexus/birmingham/air/BMLD/observation", NX_DENIED_IDENTITY},
        {"", "nexus/birmingham/air/BMLD/observation", NX_DENIED_IDENTITY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum nx_verdict verdict = publish(cases[i].user, cases[i].topic);
        if (verdict != cases[i].verdict) {
            print_error("%s on %s: %s\n", cases[i].user, cases[i].topic, nx_verdict_name(verdict));
        }
        assert_int_equal(verdict, cases[i].verdict);
    }
}

static void every_verdict_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = NX_ALLOWED; i <= NX_DENIED_ROLE; i++) {
        assert_true(strlen(nx_verdict_name((enum nx_verdict)i)) > 0);
    }
}

static void subscriptions_are_refused_only_when_nothing_could_be_received(void **state)
{
    static const struct {
        const char *user, *filter;
        enum nx_reach reach;
    } cases[] = {
        {"reader", "nexus/#", NX_REACH_NEXUS},
        {"reader", "nexus/+/+/+/observation", NX_REACH_NEXUS},
        {"reader", "nexus/birmingham/_status/#", NX_REACH_NEXUS},
        {"reader", "nexus/birmingham/_rejected/#", NX_REACH_NONE},
        {"reader", "nexus/_deliver/#", NX_REACH_NONE},
        {"reader", "nexus/_link/#", NX_REACH_NONE},
        {"reader", "$share/g/nexus/ulsan/#", NX_REACH_NEXUS},
        {"reader", "$share/g/nexus/ulsan/_rejected/#", NX_REACH_NONE},
        {"operator", "nexus/birmingham/_rejected/#", NX_REACH_NEXUS},
        {"operator", "nexus/birmingham/_rejected/_/_", NX_REACH_NEXUS},
        {"air-BMLD", "nexus/birmingham/air/BMLD/observation", NX_REACH_NEXUS},
        {"air-BMLD", "nexus/birmingham/air/BIRR/#", NX_REACH_NONE},
        {"air-BMLD", "nexus/birmingham/_rejected/air/BMLD", NX_REACH_NEXUS},
        {"air-BMLD", "nexus/birmingham/_rejected/air/BIRR", NX_REACH_NONE},
        {"air-BMLD", "nexus/ulsan/#", NX_REACH_NONE},
        {"bridge", "nexus/birmingham/+/+/observation", NX_REACH_NEXUS},
        {"bridge", "nexus/ulsan/#", NX_REACH_NONE},
        {"peer", "nexus/_link/birmingham/ulsan", NX_REACH_NEXUS},
        {"peer", "nexus/birmingham/#", NX_REACH_NONE},
        {"nobody", "nexus/#", NX_REACH_NONE},
        {"nobody", "#", NX_REACH_OUTSIDE},
        {"nobody", "+/birmingham/#", NX_REACH_OUTSIDE},
        {"reader", "#", NX_REACH_OUTSIDE},
        {"reader", "$SYS/#", NX_REACH_OUTSIDE},
        {"nobody", "nexus", NX_REACH_OUTSIDE},
        {"nobody", "$share/g/nexus", NX_REACH_OUTSIDE},
        {"nobody", "nexus/", NX_REACH_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (subscribe(cases[i].user, cases[i].filter) != cases[i].reach) {
            print_error("%s to %s\n", cases[i].user, cases[i].filter);
        }
        assert_int_equal(subscribe(cases[i].user, cases[i].filter), cases[i].reach);
    }
}

/* grants[] and nx_policy_receive are two forms of one table: over every role and topic below,
 * a topic may be received exactly when a subscription to that very topic is granted. */
static void policy_grants_agree_with_receive(void **state)
{
    static const char *const users[] = {"any",      "air-BMLD", "two",  "reader",
                                        "operator", "bridge",   "peer", "nobody"};
    static const char *const topics[] = {
        "nexus/birmingham/air/BMLD/observation",
        "nexus/birmingham/air/BMLD/original",
        "nexus/birmingham/air/BIRR/canonical",
        "nexus/ulsan/air/BMLD/observation",
        "nexus/ulsan/air/sinjeong-dong/original",
        "nexus/birmingham/_status/bridge",
        "nexus/ulsan/_status/plugin",
        "nexus/birmingham/_rejected/air/BMLD",
        "nexus/birmingham/_rejected/_/_",
        "nexus/ulsan/_rejected/air/BMLD",
        "nexus/birmingham/_catalogue/air/BMLD",
        "nexus/_deliver/ulsan",
        "nexus/_deliver/birmingham",
        "nexus/_link/birmingham/ulsan",
        "nexus/_link/ulsan/birmingham",
        "nexus/_link/birmingham/ulsan/ack",
        "nexus/_link/ulsan/birmingham/ack",
        "nexus/_link/ulsan/paris",
        "nexus/birmingham/air/BMLD/other",
    };

    (void)state;
    for (size_t u = 0; u < sizeof(users) / sizeof(users[0]); u++) {
        for (size_t t = 0; t < sizeof(topics) / sizeof(topics[0]); t++) {
            bool may = receive(users[u], topics[t]) == NX_ALLOWED;
            bool granted = subscribe(users[u], topics[t]) == NX_REACH_NEXUS;
            if (may != granted) {
                print_error("%s, %s: receive %d, subscribe %d\n", users[u], topics[t], may,
                            granted);
            }
            assert_int_equal(may, granted);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishing_follows_the_table),
        cmocka_unit_test(every_verdict_has_a_name),
        cmocka_unit_test(subscriptions_are_refused_only_when_nothing_could_be_received),
        cmocka_unit_test(policy_grants_agree_with_receive),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
