/*
 * config_test.c - the shipped configuration loads; each way to break it is told with its place.
 *
 * Documents come from a reader that overlays a few texts over the shipped files.
 */
#include "test/unit/unit.h"

#include "core/config.h"
#include "core/os/file.h"
#include "core/policy.h"

#include <stdio.h>

static const char config_dir[] = NX_SOURCE_DIR "/config";

struct overlay {
    const char *suffix; /* the end of the path that it replaces */
    const char *find, *replace;
};

static enum nx_err overlay_read(void *ctx, const char *path, struct nx_buf *out,
                                struct nx_diag *diag)
{
    const struct overlay *overlay = ctx;
    enum nx_err err = nx_file_read(path, out, diag);
    size_t length = strlen(path), suffix = strlen(overlay->suffix);
    struct nx_buf edited;
    char *at;

    if (err != NX_OK || length < suffix || strcmp(path + length - suffix, overlay->suffix) != 0) {
        return err;
    }
    assert_int_equal(nx_buf_byte(out, 0), NX_OK);
    at = strstr(out->data, overlay->find);
    assert_non_null(at);
    nx_buf_init(&edited, out->max);
    (void)nx_buf_add(&edited, out->data, (size_t)(at - out->data));
    (void)nx_buf_str(&edited, overlay->replace);
    (void)nx_buf_str(&edited, at + strlen(overlay->find));
    nx_buf_reset(out);
    (void)nx_buf_span(out, nx_buf_view(&edited));
    nx_buf_fini(&edited);
    return NX_OK;
}

static enum nx_err load_with(const struct overlay *overlay, struct nx_diag *diag)
{
    struct overlay copy = *overlay;
    const struct nx_reader reader = {overlay_read, &copy};
    const struct nx_config_options options = {0};
    struct nx_config *config = NULL;
    enum nx_err err = nx_config_load(&reader, config_dir, &options, &config, diag);

    nx_config_free(config);
    return err;
}

static void the_shipped_configuration_loads(void **state)
{
    const struct nx_reader reader = nx_file_reader();
    const struct nx_config_options options = {0};
    struct nx_diag diag = {0};
    struct nx_config *config = NULL;
    const struct nx_domain *air;
    const struct nx_asset *asset;

    (void)state;
    if (nx_config_load(&reader, config_dir, &options, &config, &diag) != NX_OK) {
        print_error("%s:%u:%u: %s\n", diag.file, diag.line, diag.column, diag.text);
    }
    assert_non_null(config);
    air = nx_city_domain(nx_config_city(config, NX_SPAN("ulsan")), NX_SPAN("air"));
    assert_non_null(air);
    assert_true(nx_span_is(air->schema_name, "ulsan-air@1"));
    asset = nx_map_get(&air->assets_by_name, NX_SPAN("신정동"));
    assert_non_null(asset);
    assert_true(nx_span_is(asset->id, "sinjeong-dong"));
    assert_true(asset->has_position);
    assert_ptr_equal(nx_map_get(&air->assets_by_id, NX_SPAN("sinjeong-dong")), asset);
    nx_config_free(config);
}

static void one_city_alone_is_enough_for_the_plugin(void **state)
{
    const struct nx_reader reader = nx_file_reader();
    const struct nx_config_options options = {.only_city = "birmingham"};
    struct nx_config *config = NULL;

    (void)state;
    assert_int_equal(nx_config_load(&reader, config_dir, &options, &config, NULL), NX_OK);
    assert_int_equal(nx_config_city(config, NX_SPAN("birmingham"))->domains_count, 1);
    assert_int_equal(nx_config_city(config, NX_SPAN("ulsan"))->domains_count, 0);
    nx_config_free(config);
}

static void each_fault_is_told_with_file_line_and_words(void **state)
{
    static const struct {
        struct overlay overlay;
        enum nx_err err;
        const char *file, *words;
    } cases[] = {
        {{"federation.json", "\"cities\": [", "\"cities\": ["}, NX_OK, "", ""},
        {{"federation.json", "\"cities\":", "\"citys\":"},
         NX_ERR_INVALID,
         "federation.json",
         "citys"},
        {{"federation.json", "[\"air\"]", "[\"air\""}, NX_ERR_SYNTAX, "federation.json", ""},
        {{"federation.json", "\"../schemas\"", "7"}, NX_ERR_INVALID, "federation.json", "schemas"},
        {{"federation.json", "\"../schemas\"", "\"nowhere\""},
         NX_ERR_NOT_FOUND,
         "federation.schema.json",
         ""},
        {{"federation.json", "\"ulsan\"", "\"paris\""}, NX_ERR_NOT_FOUND, "paris/city.json", ""},
        {{"birmingham/city.json", "\"role\": \"reader\"", "\"role\": \"raeder\""},
         NX_ERR_INVALID,
         "birmingham/city.json",
         ""},
        {{"birmingham/city.json", "\"city\": \"birmingham\"", "\"city\": \"brum\""},
         NX_ERR_INVALID,
         "birmingham/city.json",
         "birmingham"},
        {{"birmingham/city.json", "\"air\": {", "\"noise\": {"},
         NX_ERR_INVALID,
         "birmingham/city.json",
         "domain"},
        {{"birmingham/city.json", "[-2.25, 52.30, -1.55, 52.70]", "[52.30, -2.25, 52.70, -3]"},
         NX_ERR_INVALID,
         "birmingham/city.json",
         "west, south"},
        {{"birmingham/city.json", "\"air-{asset}\"", "\"air-asset\""},
         NX_ERR_INVALID,
         "birmingham/city.json",
         "capture"},
        {{"birmingham/city.json", "\"role\": \"reader\"", "\"role\": \"link\", \"city\": \"rome\""},
         NX_ERR_INVALID,
         "birmingham/city.json",
         "another city"},
        {{"birmingham/assets.json", "-1.918235, 52.481346", "52.481346, -1.918235"},
         NX_ERR_INVALID,
         "birmingham/assets.json",
         "bounding_box"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_diag diag = {0};
        enum nx_err err = load_with(&cases[i].overlay, &diag);

        if (err != cases[i].err || strstr(diag.file, cases[i].file) == NULL ||
            strstr(diag.text, cases[i].words) == NULL) {
            print_error("case %zu: %s:%u:%u: %s\n", i, diag.file, diag.line, diag.column,
                        diag.text);
        }
        assert_int_equal(err, cases[i].err);
        assert_non_null(strstr(diag.file, cases[i].file));
        assert_non_null(strstr(diag.text, cases[i].words));
        assert_true(err == NX_OK || err == NX_ERR_NOT_FOUND || diag.line > 0);
    }
}

static void count_fault(void *ctx, const struct nx_diag *diag)
{
    (void)diag;
    ++*(unsigned *)ctx;
}

static void a_sink_hears_of_every_fault_not_only_the_first(void **state)
{
    struct overlay overlay = {"birmingham/city.json", "\"title\": \"Birmingham\"", "\"titel\": 7"};
    unsigned faults = 0;
    struct nx_diag_sink sink = {count_fault, &faults};
    const struct nx_reader reader = {overlay_read, &overlay};
    const struct nx_config_options options = {.faults = &sink};
    struct nx_config *config = NULL;

    (void)state;
    assert_int_equal(nx_config_load(&reader, config_dir, &options, &config, NULL), NX_ERR_INVALID);
    assert_true(faults >= 2); /* title is missing, titel is unknown */
    assert_null(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_configuration_loads),
        cmocka_unit_test(one_city_alone_is_enough_for_the_plugin),
        cmocka_unit_test(each_fault_is_told_with_file_line_and_words),
        cmocka_unit_test(a_sink_hears_of_every_fault_not_only_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
