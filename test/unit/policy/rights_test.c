/*
 * rights_test.c - the lists of core/rights.c say what core/policy.c decides: neither more nor less,
 * for every role and every shape of topic. The configuration is the shipped one but for its
 * identities, which are one of each role.
 */
#include "test/unit/unit.h"

#include "core/base/sha256.h"
#include "core/os/file.h"
#include "core/rights.h"

static const char identities[] =
    "{ \"city\": \"birmingham\", \"title\": \"Birmingham\", \"country\": \"GB\",\n"
    "  \"time_zone\": \"Europe/London\", \"bounding_box\": [-2.25, 52.30, -1.55, 52.70],\n"
    "  \"reference\": { \"temperature_celsius\": 20, \"pressure_kpa\": 101.325 },\n"
    "  \"domains\": { \"air\": {} },\n"
    "  \"identities\": {\n"
    "    \"any\": { \"role\": \"sensor\", \"assets\": [\"+/+\"] },\n"
    "    \"two\": { \"role\": \"sensor\", \"assets\": [\"air/BIRR\", \"air/AGRN\"] },\n"
    "    \"air-{asset}\": { \"role\": \"sensor\", \"assets\": [\"air/{asset}\"] },\n"
    "    \"reader\": { \"role\": \"reader\" },\n"
    "    \"operator\": { \"role\": \"operator\" },\n"
    "    \"bridge\": { \"role\": \"bridge\" },\n"
    "    \"peer\": { \"role\": \"link\", \"city\": \"ulsan\" } } }\n";

static const char *const users[] = {"any",      "two",    "air-BMLD", "reader",
                                    "operator", "bridge", "peer",     "nobody"};

static const char *const topics[] = {
    "nexus/birmingham/air/BMLD/observation",
    "nexus/birmingham/air/BMLD/original",
    "nexus/birmingham/air/BMLD/canonical",
    "nexus/birmingham/air/BIRR/observation",
    "nexus/birmingham/air/other/observation",
    "nexus/ulsan/air/sinjeong-dong/observation",
    "nexus/ulsan/air/sinjeong-dong/original",
    "nexus/ulsan/air/sinjeong-dong/canonical",
    "nexus/birmingham/_status/bridge",
    "nexus/birmingham/_status/link-ulsan-birmingham",
    "nexus/birmingham/_status/link-birmingham-ulsan",
    "nexus/ulsan/_status/bridge",
    "nexus/birmingham/_rejected/air/BMLD",
    "nexus/birmingham/_rejected/air/BIRR",
    "nexus/birmingham/_rejected/_/_",
    "nexus/birmingham/_catalogue/air/BMLD",
    "nexus/ulsan/_catalogue/air/sinjeong-dong",
    "nexus/_deliver/ulsan",
    "nexus/_deliver/birmingham",
    "nexus/_link/birmingham/ulsan",
    "nexus/_link/ulsan/birmingham",
    "nexus/_link/birmingham/ulsan/ack",
    "nexus/_link/ulsan/birmingham/ack",
    "nexus/paris/air/x/observation",
    "nexus/birmingham/air/BMLD/other",
};

enum { USERS = sizeof(users) / sizeof(users[0]), TOPICS = sizeof(topics) / sizeof(topics[0]) };

static struct nx_config *config;
static const struct nx_city *city;

static enum nx_err read_test_file(void *ctx, const char *path, struct nx_buf *out,
                                  struct nx_diag *diag)
{
    (void)ctx;
    if (strstr(path, "birmingham/city.json") != NULL) {
        nx_buf_reset(out);
        return nx_buf_str(out, identities);
    }
    return nx_file_read(path, out, diag);
}

static int set_up(void **state)
{
    const struct nx_reader reader = {.read = read_test_file};
    const struct nx_config_options options = {.only_city = "birmingham"};
    struct nx_diag diag = {0};
    char line[900];

    (void)state;
    if (nx_config_load(&reader, NX_SOURCE_DIR "/config", &options, &config, &diag) != NX_OK) {
        print_error("%s\n", nx_diag_format(&diag, line, sizeof(line)));
        return -1;
    }
    city = nx_config_city(config, NX_SPAN("birmingham"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nx_config_free(config);
    return 0;
}

static bool listed(const char *user, enum nx_access access, const char *topic)
{
    struct nx_subject subject = nx_policy_subject(city, nx_span_from(user));
    char rule[NX_RULE_SIZE];
    bool found = nx_rights_rule(config, city, &subject, access, nx_span_from(topic), rule);

    assert_int_equal(found, rule[0] != '\0');
    return found;
}

static bool decided(const char *user, enum nx_access access, const char *text)
{
    struct nx_subject subject = nx_policy_subject(city, nx_span_from(user));
    struct nx_topic topic;

    (void)nx_topic_parse(nx_span_from(text), &topic, NULL);
    return (access == NX_ACCESS_PUBLISH
                ? nx_policy_publish(config, city, &subject, &topic)
                : nx_policy_receive(config, city, &subject, &topic)) == NX_ALLOWED;
}

static void expect_agreement(enum nx_access access)
{
    for (size_t u = 0; u < USERS; u++) {
        for (size_t t = 0; t < TOPICS; t++) {
            if (listed(users[u], access, topics[t]) != decided(users[u], access, topics[t])) {
                print_error("%s %s %s: decided %d\n", users[u], nx_access_name(access), topics[t],
                            decided(users[u], access, topics[t]));
            }
            assert_int_equal(listed(users[u], access, topics[t]),
                             decided(users[u], access, topics[t]));
        }
    }
}

static void what_is_listed_for_publishing_is_what_is_decided(void **state)
{
    (void)state;
    expect_agreement(NX_ACCESS_PUBLISH);
}

static void what_is_listed_for_receiving_is_what_is_decided(void **state)
{
    (void)state;
    expect_agreement(NX_ACCESS_RECEIVE);
}

static void a_subscription_has_a_rule_exactly_when_it_is_granted(void **state)
{
    static const char *const filters[] = {
        "nexus/#",
        "nexus/birmingham/air/+/observation",
        "nexus/+/_rejected/#",
        "nexus/_link/#",
        "$share/g/nexus/birmingham/#",
        "nexus/ulsan/+/+/original",
        "nexus/_deliver/#",
        "nexus/birmingham/air/BIRR/#",
        "nexus/+/_status/+",
        "nexus/_link/+/+/ack",
    };

    (void)state;
    for (size_t u = 0; u < USERS; u++) {
        struct nx_subject subject = nx_policy_subject(city, nx_span_from(users[u]));

        for (size_t f = 0; f < sizeof(filters) / sizeof(filters[0]); f++) {
            bool granted = nx_policy_subscribe(config, city, &subject, nx_span_from(filters[f])) ==
                           NX_REACH_NEXUS;

            if (granted != listed(users[u], NX_ACCESS_SUBSCRIBE, filters[f])) {
                print_error("%s subscribes to %s: %d\n", users[u], filters[f], granted);
            }
            assert_int_equal(granted, listed(users[u], NX_ACCESS_SUBSCRIBE, filters[f]));
        }
    }
}

static void a_rule_names_its_row_and_its_entry(void **state)
{
    struct nx_subject sensor = nx_policy_subject(city, NX_SPAN("air-BMLD"));
    struct nx_subject reader = nx_policy_subject(city, NX_SPAN("reader"));
    char rule[NX_RULE_SIZE];

    (void)state;
    assert_true(
        nx_rights_rule(config, city, &sensor, NX_ACCESS_PUBLISH, nx_span_from(topics[0]), rule));
    assert_string_equal(rule, "identities / air-{asset} / assets: air/{asset} gives "
                              "nexus/birmingham/air/BMLD/observation");
    assert_true(
        nx_rights_rule(config, city, &reader, NX_ACCESS_RECEIVE, nx_span_from(topics[8]), rule));
    assert_string_equal(rule, "identities / reader / role reader gives nexus/+/_status/+");
}

static void control_belongs_to_operators(void **state)
{
    static const struct {
        const char *user;
        enum nx_access access;
        const char *what;
        bool allowed;
    } cases[] = {
        {"operator", NX_ACCESS_PUBLISH, "$CONTROL/nexus/v1", true},
        {"operator", NX_ACCESS_PUBLISH, "$CONTROL/nexus/v2", false},
        {"operator", NX_ACCESS_PUBLISH, "$CONTROL/nexus/v1/response", false},
        {"operator", NX_ACCESS_RECEIVE, "$CONTROL/nexus/v1/response", true},
        {"operator", NX_ACCESS_RECEIVE, "$CONTROL/nexus/v1", false},
        {"operator", NX_ACCESS_SUBSCRIBE, "$CONTROL/nexus/v1/response", true},
        {"operator", NX_ACCESS_SUBSCRIBE, "$CONTROL/nexus/#", true},
        {"operator", NX_ACCESS_SUBSCRIBE, "$CONTROL/nexus/v2/#", false},
        {"reader", NX_ACCESS_PUBLISH, "$CONTROL/nexus/v1", false},
        {"reader", NX_ACCESS_SUBSCRIBE, "$CONTROL/nexus/v1/response", false},
        {"bridge", NX_ACCESS_PUBLISH, "$CONTROL/nexus/v1", false},
        {"nobody", NX_ACCESS_PUBLISH, "$CONTROL/nexus/v1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_subject subject = nx_policy_subject(city, nx_span_from(cases[i].user));

        assert_true(nx_control_owns(nx_span_from(cases[i].what)));
        assert_int_equal(nx_control_allows(&subject, cases[i].access, nx_span_from(cases[i].what)),
                         cases[i].allowed);
    }
    assert_false(nx_control_owns(NX_SPAN("$CONTROL/dynamic-security/v1")));
    assert_false(nx_control_owns(NX_SPAN("$CONTROL/nexus")));
}

static void digests_are_those_of_sha256sum(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {/* FIPS 180-4's own examples, and the lengths around the end of a block */
                 {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                 {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                 {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
                 {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
                 {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"}};
    char hex[NX_SHA256_HEX_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(nx_sha256_hex(nx_span_from(cases[i].text), hex), cases[i].digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_listed_for_publishing_is_what_is_decided),
        cmocka_unit_test(what_is_listed_for_receiving_is_what_is_decided),
        cmocka_unit_test(a_subscription_has_a_rule_exactly_when_it_is_granted),
        cmocka_unit_test(a_rule_names_its_row_and_its_entry),
        cmocka_unit_test(control_belongs_to_operators),
        cmocka_unit_test(digests_are_those_of_sha256sum),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
