/*
 * control_test.c - operators at $CONTROL/nexus/v1: who is answered, what each command says, what
 * hostile requests get, and what is left of an answer when memory runs out.
 */
#include "site.h"
#include "test/unit/memory.h"
#include "test/unit/unit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKED    "$CONTROL/nexus/v1"
#define ANSWERED "$CONTROL/nexus/v1/response"

enum { SWEEP_MAX = 100000, TEXT_SIZE = 1024 };

/* What access control says of a client's publish. */
static int may_ask(struct site *site, struct mosquitto *client, const char *topic)
{
    struct mosquitto_evt_acl_check event = {
        .client = client, .topic = topic, .access = MOSQ_ACL_WRITE};

    return fake_event(&site->plugin, MOSQ_EVT_ACL_CHECK, &event);
}

/* The broker has let it pass: the request arrives. Its bytes end without a NUL. */
static void ask_as(struct site *site, struct mosquitto *client, const void *request, size_t len)
{
    static char topic[] = ASKED;
    char *copy = len > 0 ? malloc(len) : NULL;
    struct mosquitto_evt_control event = {
        .client = client, .topic = topic, .payload = copy, .payloadlen = (uint32_t)len};

    if (copy != NULL) {
        memcpy(copy, request, len);
    }
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_CONTROL, &event), MOSQ_ERR_SUCCESS);
    free(copy);
}

/* One command of the operator's; its response, which the caller deletes with its root. */
static cJSON *answer_to(struct site *site, const char *command, cJSON **root)
{
    char request[TEXT_SIZE];
    const struct fake_message *message;

    (void)snprintf(request, sizeof(request), "{\"commands\":[%s]}", command);
    ask_as(site, &site->operator, request, strlen(request));
    message = fake_last(ANSWERED);
    assert_non_null(message);
    *root = cJSON_Parse(message->payload);
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(*root, "responses"), 0);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL ? text : "";
}

/* data.<name> of the response to one command. Kept until the next call. */
static const char *data_of(struct site *site, const char *command, const char *name)
{
    static char kept[TEXT_SIZE];
    cJSON *root;
    const cJSON *response = answer_to(site, command, &root);

    (void)snprintf(kept, sizeof(kept), "%s",
                   text_of(cJSON_GetObjectItemCaseSensitive(response, "data"), name));
    cJSON_Delete(root);
    return kept;
}

static const char *error_of(struct site *site, const char *command)
{
    static char kept[TEXT_SIZE];
    cJSON *root;

    (void)snprintf(kept, sizeof(kept), "%s", text_of(answer_to(site, command, &root), "error"));
    cJSON_Delete(root);
    return kept;
}

static void only_operators_may_ask_whatever_the_option_outside_says(void **state)
{
    static const char *const outside[] = {"allow", "defer"};
    struct site *site = *state;

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(site_start(site, "outside", outside[i]), 0);
        assert_int_equal(may_ask(site, &site->operator, ASKED), MOSQ_ERR_SUCCESS);
        assert_int_equal(may_ask(site, &site->operator, "$CONTROL/nexus/v2"), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(may_ask(site, &site->reader, ASKED), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(may_ask(site, &site->bridge, ASKED), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(may_ask(site, &site->anonymous, ASKED), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(may_ask(site, NULL, ASKED), MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_subscribe(&site->plugin, &site->reader, "$share/g/" ANSWERED),
                         MOSQ_ERR_ACL_DENIED);
        assert_int_equal(fake_subscribe(&site->plugin, &site->operator, ANSWERED),
                         MOSQ_ERR_SUCCESS);
        assert_int_equal(fake_deliver(&site->plugin, &site->reader, ANSWERED), MOSQ_ERR_ACL_DENIED);
        fake_stop(&site->plugin);
    }
}

static void other_control_topics_are_left_to_whom_they_belong(void **state)
{
    struct site *site = *state;

    assert_int_equal(site_start(site, "outside", "defer"), 0);
    assert_int_equal(may_ask(site, &site->operator, "$CONTROL/dynamic-security/v1"),
                     MOSQ_ERR_PLUGIN_DEFER);
}

static void a_request_that_came_past_access_control_is_not_answered(void **state)
{
    struct site *site = *state;

    ask_as(site, &site->reader, "{}", 2); /* as an import of the broker's own bridge would */
    ask_as(site, NULL, "{}", 2);
    assert_int_equal(fake_count(ANSWERED), 0);
    assert_true(fake_logged("only operators ask here"));
}

static void status_is_the_status_document(void **state)
{
    struct site *site = *state;
    cJSON *root;
    const cJSON *response =
        answer_to(site, "{\"command\":\"status\",\"correlationData\":\"\\u00e9 7\"}", &root);
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(response, "data");

    assert_string_equal(text_of(response, "correlationData"), "\xC3\xA9 7");
    assert_string_equal(text_of(cJSON_GetObjectItemCaseSensitive(data, "status"), "component"),
                        "plugin");
    cJSON_Delete(root);
}

static void schemas_name_what_is_in_use_with_its_digest(void **state)
{
    struct site *site = *state;
    cJSON *root;
    const cJSON *response = answer_to(site, "{\"command\":\"schemas\"}", &root);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(response, "data"), "schemas");
    const cJSON *first = cJSON_GetArrayItem(list, 0);

    assert_int_equal(cJSON_GetArraySize(list), 2); /* the dialect and the canonical one */
    assert_string_equal(text_of(first, "city"), "birmingham");
    assert_string_equal(text_of(first, "schema"), "birmingham-air@1");
    assert_string_equal(text_of(first, "mode"), "strict");
    assert_int_equal(strlen(text_of(first, "digest")), 64);
    assert_non_null(strstr(text_of(first, "file"), "schemas/birmingham/air/schema.json"));
    cJSON_Delete(root);
}

static void a_reload_takes_over_a_good_configuration(void **state)
{
    struct site *site = *state;

    site_write_city(site, "off");
    assert_string_equal(error_of(site, "{\"command\":\"reload\"}"), "");
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{}", false), 0);
}

static void a_reload_keeps_the_old_one_and_tells_the_faults(void **state)
{
    struct site *site = *state;
    const cJSON *response, *faults;
    cJSON *root;

    site_write(site, "birmingham/assets.json", "{ \"air\": { \"BMLD\": { } } }");
    response = answer_to(site, "{\"command\":\"reload\"}", &root);
    faults = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(response, "data"),
                                              "faults");
    assert_non_null(strstr(text_of(response, "error"), "is kept"));
    assert_int_equal(cJSON_GetArraySize(faults), 1);
    assert_non_null(
        strstr(cJSON_GetStringValue(cJSON_GetArrayItem(faults, 0)), "birmingham/assets.json:1:"));
    cJSON_Delete(root);
    assert_true(fake_logged("birmingham/assets.json:1:"));
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, GOOD_READING, false), 0);
}

#define A16           "aaaaaaaaaaaaaaaa"
#define A64           A16 A16 A16 A16
#define A256          A64 A64 A64 A64
#define EXPLAIN(rest) "{\"command\":\"explain\",\"identity\":\"air-BMLD\"," rest "}"

static void explain_says_what_the_gate_would_and_by_which_rule(void **state)
{
    static const struct {
        const char *command, *decision, *reason, *rule;
    } cases[] = {
        {EXPLAIN("\"topic\":\"" OWN_TOPIC "\""), "allowed", "admitted", "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"nexus/birmingham/air/BIRR/observation\""), "denied", "asset", ""},
        {EXPLAIN("\"topic\":\"" OWN_TOPIC "\",\"payload\":" GOOD_READING), "allowed", "admitted",
         "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"" OWN_TOPIC "\",\"payload\":\"{nope\""), "denied", "json",
         "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"" OWN_TOPIC "\",\"payload\":{\"site\":\"x\",\"no2\":-1}"), "denied",
         "schema", "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"" OWN_TOPIC "\",\"payload\":\"\""), "denied", "empty",
         "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"" OWN_TOPIC "\",\"payload\":\"\",\"retain\":true"), "allowed",
         "admitted", "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"nexus/#\",\"access\":\"subscribe\""), "allowed", "admitted",
         "assets: air/{asset}"},
        {EXPLAIN("\"topic\":\"nexus/ulsan/#\",\"access\":\"subscribe\""), "denied", "role", ""},
        {EXPLAIN("\"topic\":\"nexus/ulsan/air/x/observation\",\"access\":\"receive\""), "denied",
         "role", ""},
        {EXPLAIN("\"topic\":\"house/lamp\""), "outside", "outside", ""},
        {EXPLAIN("\"topic\":\"$CONTROL/nexus/v1\""), "denied", "role", ""},
        {"{\"command\":\"explain\",\"topic\":\"" OWN_TOPIC "\"}", "denied", "identity", ""},
    };
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(data_of(site, cases[i].command, "decision"), cases[i].decision);
        assert_string_equal(data_of(site, cases[i].command, "reason"), cases[i].reason);
        assert_non_null(strstr(data_of(site, cases[i].command, "rule"), cases[i].rule));
        assert_true(strlen(data_of(site, cases[i].command, "text")) > 10);
    }
    (void)data_of(site, cases[3].command, "text");
    assert_non_null(strstr(fake_last(ANSWERED)->payload, "\"line\":1,\"column\":2"));
    assert_int_equal(fake_count("nexus/birmingham/_rejected/"), 0); /* nothing was published */
}

static void bad_requests_are_answered_with_what_would_be_right(void **state)
{
    static const struct {
        const char *request, *words;
    } cases[] = {
        {"", "not JSON"},
        {"{\"commands\":", "not JSON"},
        {"[]", "expected {\\\"commands\\\""},
        {"{\"commands\":{}}", "expected {\\\"commands\\\""},
        {"{\"commands\":[7]}", "each command takes"},
        {"{\"commands\":[{\"command\":7}]}", "each command takes"},
        {"{\"commands\":[{\"command\":\"status\",\"correlationData\":1}]}", "correlationData"},
        {"{\"commands\":[{\"command\":\"dance\"}]}", "known: reload, status"},
        {"{\"commands\":[{\"command\":\"status\",\"correlationData\":\"" A256 "more\"}]}",
         "at most 256 bytes"},
        {"{\"commands\":[{\"command\":\"retained\"}]}", "nexusctl retained"},
        {"{\"commands\":[{\"command\":\"explain\"}]}", "takes a topic"},
        {"{\"commands\":[{\"command\":\"explain\",\"topic\":\"a\",\"access\":\"eat\"}]}",
         "subscribe"},
        {"{\"commands\":[{\"command\":\"explain\",\"topic\":\"a\",\"retain\":1}]}",
         "true or false"},
        {"{\"commands\":[{\"command\":\"explain\",\"topic\":\"a\",\"identity\":{}}]}", "username"},
        {"{\"commands\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}", "more than 16"},
    };
    struct site *site = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_as(site, &site->operator, cases[i].request, strlen(cases[i].request));
        assert_non_null(fake_last(ANSWERED));
        if (strstr(fake_last(ANSWERED)->payload, cases[i].words) == NULL) {
            print_error("%s: %s\n", cases[i].request, fake_last(ANSWERED)->payload);
        }
        assert_non_null(strstr(fake_last(ANSWERED)->payload, cases[i].words));
    }
}

static void a_request_of_any_size_and_depth_is_bounded(void **state)
{
    enum { HUGE_BYTES = 1024 * 1024 };
    struct site *site = *state;
    char *huge = malloc(HUGE_BYTES);

    assert_non_null(huge);
    memset(huge, '[', HUGE_BYTES);
    ask_as(site, &site->operator, huge, HUGE_BYTES);
    assert_non_null(strstr(fake_last(ANSWERED)->payload, "not JSON"));
    ask_as(site, &site->operator, huge, 60 * 1024);
    assert_non_null(strstr(fake_last(ANSWERED)->payload, "not JSON"));
    ask_as(site, &site->operator, "\xff\x00\"", 3);
    assert_non_null(strstr(fake_last(ANSWERED)->payload, "not JSON"));
    free(huge);
}

/* Asks with the n-th allocation failing. True: one did fail. */
static bool ask_failing(struct site *site, const char *request, size_t n)
{
    static char topic[] = ASKED;
    struct mosquitto_evt_control event = {.client = &site->operator,
                                          .topic = topic,
                                          .payload = request,
                                          .payloadlen = (uint32_t)strlen(request)};

    fake_reset();
    memory_fails_at(n);
    assert_int_equal(fake_event(&site->plugin, MOSQ_EVT_CONTROL, &event), MOSQ_ERR_SUCCESS);
    memory_fails_at(0);
    assert_int_equal(fake_publish(&site->plugin, &site->sensor, OWN_TOPIC, "{}", false),
                     MOSQ_ERR_ACL_DENIED);
    assert_true(fake_count(ANSWERED) <= 1);
    return memory_failed();
}

static void an_answer_without_memory_is_none_and_comes_when_asked_again(void **state)
{
    static const char request[] = "{\"commands\":[{\"command\":\"status\"},{\"command\":"
                                  "\"schemas\"},{\"command\":\"reload\"}]}";
    struct site *site = *state;
    size_t n = 1;

    while (ask_failing(site, request, n)) {
        assert_true(++n < SWEEP_MAX);
    }
    assert_int_equal(fake_count(ANSWERED), 1);
    assert_true(n > 100); /* it was a sweep */
}

static void an_explanation_without_memory_is_none(void **state)
{
    static const char request[] =
        "{\"commands\":[{\"command\":\"explain\",\"identity\":\"air-BMLD\",\"topic\":\"" OWN_TOPIC
        "\",\"payload\":{}}]}";
    struct site *site = *state;
    size_t n = 1;

    while (ask_failing(site, request, n)) {
        assert_true(++n < SWEEP_MAX);
        fake_stop(&site->plugin); /* readers keep their memory: each try starts afresh */
        assert_int_equal(site_start(site, NULL, NULL), 0);
    }
    assert_int_equal(fake_count(ANSWERED), 1);
    assert_true(n > 20);
}

int main(void)
{
#define MADE_TEST(name) cmocka_unit_test_setup_teardown(name, site_make, site_remove)
    const struct CMUnitTest tests[] = {
        MADE_TEST(only_operators_may_ask_whatever_the_option_outside_says),
        MADE_TEST(other_control_topics_are_left_to_whom_they_belong),
        SITE_TEST(a_request_that_came_past_access_control_is_not_answered),
        SITE_TEST(status_is_the_status_document),
        SITE_TEST(schemas_name_what_is_in_use_with_its_digest),
        SITE_TEST(a_reload_takes_over_a_good_configuration),
        SITE_TEST(a_reload_keeps_the_old_one_and_tells_the_faults),
        SITE_TEST(explain_says_what_the_gate_would_and_by_which_rule),
        SITE_TEST(bad_requests_are_answered_with_what_would_be_right),
        SITE_TEST(a_request_of_any_size_and_depth_is_bounded),
        SITE_TEST(an_answer_without_memory_is_none_and_comes_when_asked_again),
        SITE_TEST(an_explanation_without_memory_is_none),
    };

    return cmocka_run_group_tests(tests, memory_for_cjson, NULL);
}
