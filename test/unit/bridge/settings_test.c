/*
 * settings_test.c - bridge.json: what it must hold, where each fault is, and that the table of
 * options and the schema of the file say the same.
 */
#include "bridge/settings.h"

#include "core/os/file.h"
#include "test/unit/unit.h"

#include <stdio.h>

#define CONFIG     "\"config_dir\": \"" NX_SOURCE_DIR "/config\", \"state_dir\": \"state\""
#define BIRMINGHAM "{\"city\": \"birmingham\", \"host\": \"localhost\"}"
#define ULSAN      "{\"city\": \"ulsan\", \"host\": \"10.0.0.2\", \"port\": 8884, \"tls\": {}}"
#define NODES      "\"nodes\": [" BIRMINGHAM ", " ULSAN "]"
#define PATH       "/etc/nexus/bridge.json"

enum { TEXT_MAX = 65536 };

/* Gives bridge.json and its secrets from memory, everything else from the file system. */
static enum nx_err read_text(void *ctx, const char *path, struct nx_buf *out, struct nx_diag *diag)
{
    nx_buf_reset(out);
    if (strcmp(path, PATH) == 0) {
        return nx_buf_str(out, ctx);
    }
    if (strcmp(path, "/etc/nexus/secret") == 0) {
        return nx_buf_str(out, "pa ss\n");
    }
    if (strcmp(path, "/etc/nexus/empty") == 0) {
        return nx_buf_str(out, "\n");
    }
    return nx_file_read(path, out, diag);
}

static void first_fault(void *ctx, const struct nx_diag *diag)
{
    struct nx_diag *first = ctx;

    if (first->text[0] == '\0') {
        *first = *diag;
    }
}

static enum nx_err load(const char *text, struct nx_settings **out, struct nx_diag *diag)
{
    char copy[TEXT_MAX];
    const struct nx_reader reader = {.read = read_text, .ctx = copy};
    struct nx_diag first = {0};
    struct nx_diag_sink faults = {.add = first_fault, .ctx = &first};
    enum nx_err err;

    (void)snprintf(copy, sizeof(copy), "%s", text);
    err = nx_settings_load(&reader, PATH, 1, &faults, out, diag);
    if (first.text[0] != '\0') {
        *diag = first;
    }
    return err;
}

static void a_whole_file_gives_nodes_links_and_tuning(void **state)
{
    static const char text[] =
        "// a comment\n"
        "{" CONFIG ",\n"
        "\"nodes\": [{\"city\": \"birmingham\", \"host\": \"localhost\", \"username\": \"b\",\n"
        " \"password_file\": \"secret\", \"mqtt_version\": \"3.1.1\", \"qos\": 2,\n"
        " \"addresses\": [{\"host\": \"::1\"}, {\"host\": \"b2\", \"port\": 99}],\n"
        " \"retention\": {\"days\": 30, \"bytes\": 4294967296}}, " ULSAN "],\n"
        "\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\", \"original\": false,\n"
        " \"delivery\": \"qos2\", \"order\": \"latest-first\", \"rate\": 50,\n"
        " \"drop\": \"oldest\", \"drop_readings\": 9},\n"
        "{\"from\": \"birmingham\", \"to\": \"ulsan\"}],\n"
        "\"tuning\": {\"window\": 7}}\n";
    struct nx_settings *settings;
    struct nx_diag diag = {0};

    (void)state;
    if (load(text, &settings, &diag) != NX_OK) {
        fail_msg("%s:%u:%u %s", diag.file, diag.line, diag.column, diag.text);
    }
    assert_string_equal(settings->state_dir, "/etc/nexus/state");
    assert_int_equal(settings->nodes_count, 2);
    assert_string_equal(settings->nodes[0].name, "birmingham");
    assert_string_equal(settings->nodes[0].password, "pa ss");
    assert_int_equal(settings->nodes[0].port, 1883);
    assert_int_equal(settings->nodes[0].protocol_level, NX_MQTT_3_1_1);
    assert_false(settings->nodes[0].tls.enabled);
    assert_int_equal(settings->nodes[0].qos, 2);
    assert_int_equal(settings->nodes[0].others_count, 2);
    assert_string_equal(settings->nodes[0].others[0].host, "::1");
    assert_int_equal(settings->nodes[0].others[0].port, 1883);
    assert_string_equal(settings->nodes[0].others[1].host, "b2");
    assert_int_equal(settings->nodes[0].others[1].port, 99);
    assert_int_equal(settings->nodes[0].retention.days, 30);
    assert_int_equal(settings->nodes[0].retention.bytes, 4294967296);
    assert_int_equal(settings->nodes[1].retention.days, 0);
    assert_int_equal(settings->nodes[1].retention.bytes, 0);
    assert_int_equal(settings->nodes[1].qos, 1);
    assert_int_equal(settings->nodes[1].others_count, 0);
    assert_int_equal(settings->nodes[1].port, 8884);
    assert_int_equal(settings->nodes[1].protocol_level, NX_MQTT_5);
    assert_true(settings->nodes[1].tls.enabled);
    assert_int_equal(settings->links_count, 2);
    assert_string_equal(settings->links[0].name, "ulsan-birmingham");
    assert_int_equal(settings->links[0].from, 1);
    assert_int_equal(settings->links[0].to, 0);
    assert_true(settings->links[0].observation);
    assert_false(settings->links[0].original);
    assert_int_equal(settings->links[0].delivery, NX_DELIVERY_QOS2);
    assert_true(settings->links[0].latest_first);
    assert_int_equal(settings->links[0].rate, 50);
    assert_true(settings->links[0].drop_oldest);
    assert_int_equal(settings->links[0].drop_readings, 9);
    assert_int_equal(settings->links[0].drop_after_s, 0);
    assert_int_equal(settings->links[1].delivery, NX_DELIVERY_BATCHES);
    assert_false(settings->links[1].latest_first || settings->links[1].drop_oldest);
    assert_int_equal(settings->links[1].rate, 0);
    assert_int_equal(settings->tuning.window, 7);
    assert_int_equal(settings->tuning.receive_max, 57343);
    nx_settings_free(settings);
}

static void a_fault_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *words;
    } cases[] = {
        {"{" CONFIG ",}", 1, "expected"},
        {"{}", 1, "config_dir"},
        {"{\n\"config_dir\": 5}", 2, "config_dir"},
        {"{" CONFIG ",\n" NODES "}", 1, "links"},
        {"{" CONFIG ",\n" NODES ",\n\"links\": [],\n\"extra\": 1}", 4, "extra"},
        {"{" CONFIG ",\n\"nodes\": [" BIRMINGHAM ",\n" BIRMINGHAM "], \"links\": []}", 3,
         "has a node already"},
        {"{" CONFIG ",\n\"nodes\": [{\"city\": \"paris\", \"host\": \"h\"}], \"links\": []}", 2,
         "no city of this federation: paris"},
        {"{" CONFIG ",\n\"nodes\": [{\"city\": \"ulsan\", \"host\": \"h\",\n\"port\": 0}],"
         "\"links\": []}",
         3, "1"},
        {"{" CONFIG ",\n" NODES ",\n\"links\": [{\"from\": \"ulsan\",\n\"to\": \"paris\"}]}", 4,
         "no node of this bridge: paris"},
        {"{" CONFIG ",\n" NODES ",\n\"links\": [{\"from\": \"ulsan\", \"to\": \"ulsan\"}]}", 3,
         "another city"},
        {"{" CONFIG "," NODES ",\n\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\"},\n"
         "{\"from\": \"ulsan\", \"to\": \"birmingham\"}]}",
         3, "there already"},
        {"{" CONFIG "," NODES ",\n\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\","
         "\"original\": false, \"observation\": false}]}",
         2, "carries"},
        {"{" CONFIG ", \"nodes\": [" ULSAN ", {\"city\": \"birmingham\", \"host\": \"h\","
         "\"mqtt_version\": \"3.1.1\"}],\n"
         "\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\"}]}",
         2, "needs MQTT 5 at birmingham"},
        {"{" CONFIG "," NODES ",\n\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\","
         "\"drop\": \"oldest\"}]}",
         2, "drop_after_s"},
        {"{" CONFIG "," NODES ",\n\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\","
         "\"drop_readings\": 5}]}",
         2, "drop"},
        {"{" CONFIG "," NODES ",\n\"links\": [{\"from\": \"ulsan\", \"to\": \"birmingham\",\n"
         "\"rate\": 0}]}",
         3, "1"},
        {"{" CONFIG "," NODES ", \"links\": [],\n\"tuning\": {\"window\": 0}}", 2, "1"},
        {"{" CONFIG "," NODES ", \"links\": [],\n\"tuning\": {\"backoff_ms_min\": 2000,"
         "\"backoff_ms_max\": 1000}}",
         2, "above"},
        {"{" CONFIG ",\n\"nodes\": [{\"city\": \"ulsan\", \"host\": \"h\", \"username\": \"u\",\n"
         "\"password_file\": \"nowhere\"}], \"links\": []}",
         3, "/etc/nexus/nowhere"},
        {"{" CONFIG ",\n\"nodes\": [{\"city\": \"ulsan\", \"host\": \"h\", \"username\": \"u\",\n"
         "\"password_file\": \"empty\"}], \"links\": []}",
         3, "one line"},
        {"{" CONFIG ",\n\"nodes\": [{\"city\": \"ulsan\", \"host\": \"h\",\n\"tls\": {"
         "\"ca_file\": \"no.pem\"}}], \"links\": []}",
         3, "/etc/nexus/no.pem"},
        {"{" CONFIG
         ",\n\"nodes\": [{\"city\": \"ulsan\", \"host\": \"h\",\n\"qos\": 3}], \"links\": []}",
         3, "0"},
        {"{" CONFIG ",\n\"nodes\": [{\"city\": \"ulsan\", \"host\": \"h\",\n\"addresses\": [{}]}],"
         "\"links\": []}",
         3, "host"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_settings *settings = NULL;
        struct nx_diag diag = {0};

        if (load(cases[i].text, &settings, &diag) == NX_OK) {
            fail_msg("case %zu was taken: %s", i, cases[i].text);
        }
        assert_null(settings);
        if (strcmp(diag.file, PATH) != 0 || diag.line != cases[i].line || diag.column == 0 ||
            strstr(diag.text, cases[i].words) == NULL) {
            fail_msg("case %zu: %s:%u:%u: %s: %s", i, diag.file, diag.line, diag.column,
                     diag.pointer, diag.text);
        }
    }
}

static int64_t bound(const struct nx_json *json, const char *option, const char *which)
{
    char pointer[128];
    uint32_t node = 0;
    int64_t value = -1;

    (void)snprintf(pointer, sizeof(pointer), "/$defs/tuning/properties/%s/%s", option, which);
    assert_true(nx_json_at(json, nx_span_from(pointer), &node));
    assert_int_equal(nx_json_int(json, node, &value), NX_OK);
    return value;
}

static void the_table_of_options_and_the_schema_say_the_same(void **state)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 1);
    struct nx_diag diag = {0};
    struct nx_buf text;
    uint32_t members = 0;
    uint32_t count = 0;

    (void)state;
    nx_buf_init(&text, TEXT_MAX);
    assert_int_equal(nx_file_read(NX_SOURCE_DIR "/schemas/config/bridge.schema.json", &text, &diag),
                     NX_OK);
    assert_int_equal(nx_json_parse(json, nx_buf_view(&text), NX_JSON_STRICT, &diag), NX_OK);
    assert_true(nx_json_at(json, NX_SPAN("/$defs/tuning/properties"), &members));
    assert_int_equal(nx_json_nodes(json, &count)[members].length, nx_options_count);
    for (size_t i = 0; i < nx_options_count; i++) {
        const struct nx_option *option = &nx_options[i];

        assert_int_equal(bound(json, option->name, "minimum"), option->min);
        assert_int_equal(bound(json, option->name, "maximum"), option->max);
        assert_in_range(option->value, option->min, option->max);
    }
    nx_buf_fini(&text);
    nx_json_free(json);
}

static void the_shipped_file_is_taken_but_for_its_secrets(void **state)
{
    struct nx_reader reader = nx_file_reader();
    struct nx_settings *settings = NULL;
    struct nx_diag diag = {0};

    (void)state;
    assert_int_not_equal(
        nx_settings_load(&reader, NX_SOURCE_DIR "/config/bridge.json", 1, NULL, &settings, &diag),
        NX_OK);
    assert_non_null(strstr(diag.text, "bridge.password")); /* everything before it was right */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_gives_nodes_links_and_tuning),
        cmocka_unit_test(a_fault_is_told_with_its_place),
        cmocka_unit_test(the_table_of_options_and_the_schema_say_the_same),
        cmocka_unit_test(the_shipped_file_is_taken_but_for_its_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
