/*
 * shipped_test.c - every schema that is shipped, against edited copies of itself: the edits that
 * its owner may make tomorrow.
 */
#include "test/unit/compat/pairs.h"

#include "core/os/file.h"

#include <stdio.h>

enum { SCHEMA_BYTES_MAX = 1024 * 1024 };

#define C NX_COMPATIBLE
#define I NX_INCOMPATIBLE

#define BIRMINGHAM "schemas/birmingham/air/schema.json"
#define ULSAN      "schemas/ulsan/air/schema.json"
#define CANONICAL  "schemas/canonical/air/schema.json"

struct row {
    const char *name;
    const char *file;
    const char *find; /* the first such text ... */
    const char *replace;
    enum nx_compat_answer backward;
    enum nx_compat_answer forward;
};

static const struct row rows[] = {
    {"Birmingham: a flag more", BIRMINGHAM, "\"enum\": [\"missing\", ",
     "\"enum\": [\"missing\", \"vandalised\", ", C, I},
    {"Birmingham: a pollutant more", BIRMINGHAM, "\"no2\": { \"type\": \"number\",",
     "\"benzene\": { \"type\": \"number\", \"minimum\": 0 }, \"no2\": { \"type\": \"number\",", C,
     I},
    {"Birmingham: opened", BIRMINGHAM, "\"additionalProperties\": false,\n  \"properties\"",
     "\"properties\"", C, I},
    {"Birmingham: seq required", BIRMINGHAM, "\"required\": [\"site\", \"time\"]",
     "\"required\": [\"site\", \"time\", \"seq\"]", I, C},
    {"Birmingham: names may be longer", BIRMINGHAM, "\"maxLength\": 100", "\"maxLength\": 120", C,
     I},
    {"Birmingham: sites of 32 characters", BIRMINGHAM, "{0,63}$", "{0,31}$", I, C},
    {"Birmingham: milliseconds at most", BIRMINGHAM, "{1,9})?Z$", "{1,3})?Z$", I, C},
    {"Birmingham: flags alone are no reading", BIRMINGHAM, ", { \"required\": [\"flags\"] }", "", I,
     C},
    {"Birmingham: latitude may stand alone", BIRMINGHAM, "\"latitude\": [\"longitude\"], ", "", C,
     I},
    {"Birmingham: words changed", BIRMINGHAM, "\"title\": \"Air quality",
     "\"title\": \"Air Quality", C, C},
    {"Birmingham: seq as a number", BIRMINGHAM, "\"seq\": { \"type\": \"integer\"",
     "\"seq\": { \"type\": \"number\"", C, I},
    {"Birmingham: definition moved in", BIRMINGHAM, "\"no2\": { \"$ref\": \"#/$defs/flag\" }",
     "\"no2\": { \"enum\": [\"missing\", \"maintenance-and-calibration\", \"equipment-check\", "
     "\"data-anomaly\", \"communication-failure\"] }",
     C, C},
    {"Ulsan: six decimals of ppm", ULSAN, "[0-4](\\\\.[0-9]{1,5})?", "[0-4](\\\\.[0-9]{1,6})?", C,
     I},
    {"Ulsan: null is no value any more", ULSAN, "\"grade\": { \"type\": [\"string\", \"null\"]",
     "\"grade\": { \"type\": \"string\"", I, C},
    {"Ulsan: a grade 5", ULSAN, "[1-4]", "[1-5]", C, I},
    {"Ulsan: a flag without null", ULSAN, ", null],", "],", I, C},
    {"Ulsan: coValue not required", ULSAN, "\"coValue\", ", "", C, I},
    {"Ulsan: 24:00 not allowed any more", ULSAN, "|24:00)", ")", I, C},
    {"Ulsan: a name may be empty", ULSAN, "\"minLength\": 1, ", "", C, I},
    {"Ulsan: seq beyond 2^53", ULSAN, "9007199254740991", "9007199254740992", C, I},
    {"Canonical: a third coordinate", CANONICAL, "\"minItems\": 2, \"maxItems\": 2",
     "\"minItems\": 2, \"maxItems\": 3", C, I},
    {"Canonical: another type", CANONICAL, "\"const\": \"AirQualityObserved\"",
     "\"const\": \"AirQuality\"", I, I},
    {"Canonical: either type", CANONICAL, "\"const\": \"AirQualityObserved\"",
     "\"enum\": [\"AirQualityObserved\", \"AirQuality\"]", C, I},
    {"Canonical: a bound with a tenth less", CANONICAL, "\"maximum\": 9562.5",
     "\"maximum\": 9562.4", I, C},
    {"Canonical: time with any zone", CANONICAL, "\"pattern\": \"Z$\", ", "", C, I},
    {"Canonical: a name required where a position is", CANONICAL,
     "\"additionalProperties\": false,",
     "\"dependentRequired\": { \"location\": [\"name\"] }, \"additionalProperties\": false,", I, C},
};

static void read_schema(const char *file, struct nx_buf *out)
{
    char path[1024];

    nx_buf_init(out, SCHEMA_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", NX_SOURCE_DIR, file);
    assert_int_equal(nx_file_read(path, out, NULL), NX_OK);
}

static void edit(const struct nx_buf *text, const char *find, const char *replace,
                 struct nx_buf *out)
{
    const char *at = memmem(text->data, text->len, find, strlen(find));

    assert_non_null(at);
    nx_buf_init(out, SCHEMA_BYTES_MAX);
    (void)nx_buf_add(out, text->data, (size_t)(at - text->data));
    (void)nx_buf_str(out, replace);
    at += strlen(find);
    assert_int_equal(nx_buf_add(out, at, (size_t)(text->data + text->len - at)), NX_OK);
}

static void answers_as_the_row_says(void **state)
{
    const struct row *row = *state;
    struct pair_options options = {.seed = 1};
    struct nx_buf text;
    struct nx_buf edited;
    enum nx_compat_answer backward;
    enum nx_compat_answer forward;

    read_schema(row->file, &text);
    edit(&text, row->find, row->replace, &edited);
    for (int assert_format = 0; assert_format < 2; assert_format++) { /* as the gate has it, too */
        options.assert_format = assert_format == 1;
        backward = ask(nx_buf_view(&text), nx_buf_view(&edited), &options, NX_COMPAT_OLD);
        forward = ask(nx_buf_view(&text), nx_buf_view(&edited), &options, NX_COMPAT_NEW);
        assert_string_equal(nx_compat_answer_name(backward), nx_compat_answer_name(row->backward));
        assert_string_equal(nx_compat_answer_name(forward), nx_compat_answer_name(row->forward));
    }
    nx_buf_fini(&edited);
    nx_buf_fini(&text);
}

static void each_shipped_schema_takes_its_own_place(void **state)
{
    static const char *const files[] = {
        BIRMINGHAM,
        ULSAN,
        CANONICAL,
        "schemas/config/bridge.schema.json",
        "schemas/config/lens.schema.json",
        "schemas/config/federation.schema.json",
        "schemas/config/city.schema.json",
        "schemas/config/assets.schema.json",
    };
    const struct pair_options options = {.seed = 1};
    (void)state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct nx_buf text;
        struct nx_buf other;
        read_schema(files[i], &text);
        edit(&text, "\"title\"", "\"x-title\"", &other);
        assert_int_equal(ask(nx_buf_view(&text), nx_buf_view(&other), &options, NX_COMPAT_OLD), C);
        assert_int_equal(ask(nx_buf_view(&text), nx_buf_view(&other), &options, NX_COMPAT_NEW), C);
        nx_buf_fini(&other);
        nx_buf_fini(&text);
    }
}

int main(void)
{
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    static struct CMUnitTest tests[ROWS + 1];

    for (size_t i = 0; i < ROWS; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = answers_as_the_row_says,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    tests[ROWS] = (struct CMUnitTest){.name = "each_shipped_schema_takes_its_own_place",
                                      .test_func = each_shipped_schema_takes_its_own_place};
    return cmocka_run_group_tests_name("shipped", tests, NULL, NULL);
}
