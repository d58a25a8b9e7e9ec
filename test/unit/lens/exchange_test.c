/*
 * exchange_test.c - whole readings, from one city's bytes to the other's, with the shipped
 * configuration, lenses and schemas.
 */
#include "test/unit/unit.h"

#include "core/os/file.h"
#include "test/unit/lens/federation.h"

#define AIR NX_SPAN("air")

static const char ulsan_reading[] =
    "{\"so2Grade\":\"1\",\"coFlag\":null,\"khaiValue\":\"47\",\"so2Value\":\"0.004\",\"coValue\":"
    "\"0.6\",\"pm10Flag\":null,\"o3Grade\":\"1\",\"pm10Value\":\"19\",\"khaiGrade\":\"1\","
    "\"sidoName\":\"울산\",\"no2Flag\":null,\"no2Grade\":\"1\",\"o3Flag\":null,\"so2Flag\":null,"
    "\"dataTime\":\"2026-01-31 24:00\",\"coGrade\":\"1\",\"no2Value\":\"0.022\",\"stationName\":"
    "\"신정동\",\"pm10Grade\":\"1\",\"o3Value\":\"0.024\",\"pm25Value\":\"-\",\"pm25Flag\":"
    "\"통신장애\",\"seq\":7}";

static const char ulsan_canonical[] =
    "{\"id\":\"urn:ngsi-ld:AirQualityObserved:ulsan:sinjeong-dong\",\"type\":"
    "\"AirQualityObserved\","
    "\"refDevice\":\"sinjeong-dong\",\"name\":\"신정동\",\"areaServed\":\"울산\","
    "\"dateObserved\":\"2026-01-31T15:00:00Z\",\"dateObservedFrom\":\"2026-01-31T14:00:00Z\","
    "\"dateObservedTo\":\"2026-01-31T15:00:00Z\","
    "\"location\":{\"type\":\"Point\",\"coordinates\":[129.3078132,35.5346564]},"
    "\"so2\":10.7,\"co\":698.6,\"o3\":47.9,\"no2\":42.1,\"pm10\":19.0,\"seq\":7,"
    "\"quality\":{\"pm25\":\"communication-failure\"}}";

static const char ulsan_in_birmingham[] =
    "{\"site\":\"sinjeong-dong\",\"name\":\"신정동\",\"time\":\"2026-01-31T15:00:00Z\","
    "\"latitude\":35.5346564,\"longitude\":129.3078132,\"no2\":42.1,\"o3\":47.9,\"so2\":10.7,"
    "\"co\":698.6,\"pm10\":19.0,\"seq\":7,\"flags\":{\"pm25\":\"communication-failure\"}}";

static const char birmingham_reading[] =
    "{\"site\":\"BMLD\",\"time\":\"2026-01-31T15:00:00Z\",\"no2\":42.1,\"o3\":31.4,\"so2\":2.7,"
    "\"co\":210,\"pm10\":18.4,\"seq\":8}";

static const char birmingham_canonical[] =
    "{\"id\":\"urn:ngsi-ld:AirQualityObserved:birmingham:BMLD\",\"type\":\"AirQualityObserved\","
    "\"refDevice\":\"BMLD\",\"name\":\"Birmingham Ladywood\",\"areaServed\":\"Birmingham\","
    "\"dateObserved\":\"2026-01-31T15:00:00Z\",\"dateObservedFrom\":\"2026-01-31T14:00:00Z\","
    "\"dateObservedTo\":\"2026-01-31T15:00:00Z\","
    "\"location\":{\"type\":\"Point\",\"coordinates\":[-1.918235,52.481346]},"
    "\"no2\":42.1,\"o3\":31.4,\"so2\":2.7,\"co\":210.0,\"pm10\":18.4,\"seq\":8,"
    "\"quality\":{\"pm25\":\"not-measured\"}}";

static const char birmingham_in_ulsan[] =
    "{\"stationName\":\"Birmingham Ladywood\",\"sidoName\":\"Birmingham\","
    "\"dataTime\":\"2026-01-31 24:00\","
    "\"so2Value\":\"0.001\",\"so2Flag\":null,\"coValue\":\"0.18035\",\"coFlag\":null,"
    "\"o3Value\":\"0.01574\",\"o3Flag\":null,\"no2Value\":\"0.022\",\"no2Flag\":null,"
    "\"pm10Value\":\"18.4\",\"pm10Flag\":null,"
    "\"pm10Value24\":\"-\",\"pm25Value24\":\"-\",\"khaiValue\":\"-\",\"khaiGrade\":null,"
    "\"so2Grade\":null,\"coGrade\":null,\"o3Grade\":null,\"no2Grade\":null,\"pm10Grade\":null,"
    "\"pm25Grade\":null,\"pm10Grade1h\":null,\"pm25Grade1h\":null,\"stationCode\":null,"
    "\"mangName\":null,\"seq\":8}";

static void an_ulsan_reading_arrives_in_birminghams_format(void **state)
{
    struct federation *f = *state;
    struct nx_buf canonical, foreign;

    must_to_canonical(f, "ulsan", "sinjeong-dong", NX_SPAN(ulsan_reading), &canonical);
    assert_text(&canonical, ulsan_canonical);
    must_from_canonical(f, "birmingham", nx_buf_view(&canonical), &foreign);
    assert_text(&foreign, ulsan_in_birmingham);
    nx_buf_fini(&foreign);
    nx_buf_fini(&canonical);
}

static void a_birmingham_reading_arrives_in_airkoreas_format(void **state)
{
    struct federation *f = *state;
    struct nx_buf canonical, foreign;

    must_to_canonical(f, "birmingham", "BMLD", NX_SPAN(birmingham_reading), &canonical);
    assert_text(&canonical, birmingham_canonical);
    must_from_canonical(f, "ulsan", nx_buf_view(&canonical), &foreign);
    assert_text(&foreign, birmingham_in_ulsan);
    nx_buf_fini(&foreign);
    nx_buf_fini(&canonical);
}

static void the_observed_time_is_the_readings_and_not_ours(void **state)
{
    struct federation *f = *state;
    struct nx_buf out;
    char observed_at[40];

    nx_buf_init(&out, 65536);
    assert_int_equal(nx_exchange_to_canonical(f->exchange, NX_SPAN("ulsan"), AIR,
                                              NX_SPAN("sinjeong-dong"), NX_SPAN(ulsan_reading),
                                              &out, observed_at, NULL, NULL),
                     NX_OK);
    assert_string_equal(observed_at, "2026-01-31T15:00:00Z");
    nx_buf_fini(&out);
}

static void the_receipt_names_lens_factor_reference_rounding_and_what_is_not_carried(void **state)
{
    static const char *const parts[] = {
        "\"lens\":\"ulsan-air@1\",\"from\":\"/no2Value\",\"to\":\"/no2\",\"codec\":\"quantity\","
        "\"unit\":\"ppm\",\"factor\":1912.503700,\"temperature_celsius\":20.00,"
        "\"pressure_kpa\":101.325,\"rounding\":\"half away from zero\",\"decimals\":1",
        "\"from\":\"/khaiValue\",\"codec\":\"constant\",\"reason\":\"not carried\"",
        "\"from\":\"/pm25Value\",\"to\":\"/quality/pm25\",\"codec\":\"quantity\","
        "\"quality\":\"communication-failure\"",
        "\"from\":\"/dataTime\",\"to\":\"/dateObserved\",\"codec\":\"time\","
        "\"zone\":\"Asia/Seoul\"",
        "\"reason\":\"from the assets table\"",
    };
    struct federation *f = *state;
    struct nx_receipt receipt;
    struct nx_buf out;
    char told[16384];

    nx_buf_init(&out, 65536);
    nx_receipt_init(&receipt, 65536);
    assert_int_equal(nx_exchange_to_canonical(f->exchange, NX_SPAN("ulsan"), AIR,
                                              NX_SPAN("sinjeong-dong"), NX_SPAN(ulsan_reading),
                                              &out, NULL, &receipt, NULL),
                     NX_OK);
    assert_true(nx_span_copy(nx_buf_view(&receipt.json), told, sizeof(told)));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strstr(told, parts[i]) == NULL) {
            fail_msg("expected %s\nin %s", parts[i], told);
        }
    }
    assert_int_equal(nx_json_parse(f->json, nx_buf_view(&receipt.json), NX_JSON_STRICT, NULL),
                     NX_OK);
    nx_receipt_fini(&receipt);
    nx_buf_fini(&out);
}

static void without_a_topic_the_asset_is_found_by_name_alias_or_code(void **state)
{
    static const struct {
        const char *city, *from, *to, *asset, *name;
    } cases[] = {
        {"ulsan", "신정동", "부곡동(울산)", "bugok-dong", "부곡동(울산)"},
        {"ulsan", "신정동", "삼남면", "samnam-eup", "삼남읍"},
        {"ulsan", "신정동", "삼남읍", "samnam-eup", "삼남읍"},
        {"birmingham", "BMLD", "BIRR", "BIRR", "Birmingham A4540 Roadside"},
    };
    struct federation *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_span rest = nx_span_from(i == 3 ? birmingham_reading : ulsan_reading);
        const char *cut = strstr(rest.ptr, cases[i].from);
        struct nx_buf payload, out;

        nx_buf_init(&payload, 65536);
        (void)nx_buf_add(&payload, rest.ptr, (size_t)(cut - rest.ptr));
        (void)nx_buf_str(&payload, cases[i].to);
        (void)nx_buf_str(&payload, cut + strlen(cases[i].from));
        must_to_canonical(f, cases[i].city, NULL, nx_buf_view(&payload), &out);
        assert_int_equal(nx_json_parse(f->json, nx_buf_view(&out), NX_JSON_STRICT, NULL), NX_OK);
        assert_true(
            nx_span_is(nx_json_text(f->json, nx_json_member(f->json, 0, NX_SPAN("refDevice"))),
                       cases[i].asset));
        assert_true(nx_span_is(nx_json_text(f->json, nx_json_member(f->json, 0, NX_SPAN("name"))),
                               cases[i].name));
        nx_buf_fini(&out);
        nx_buf_fini(&payload);
    }
}

/* Asserts the refusal, its words, and that nothing is left to be sent. */
static void assert_refused(struct federation *f, const char *city, bool to_canonical,
                           const char *in, enum nx_err err, const char *pointer, const char *words)
{
    struct nx_diag diag = {0};
    struct nx_buf out;
    enum nx_err got;

    nx_buf_init(&out, 65536);
    got = to_canonical ? nx_exchange_to_canonical(f->exchange, nx_span_from(city), AIR,
                                                  (struct nx_span){NULL, 0}, nx_span_from(in), &out,
                                                  NULL, NULL, &diag)
                       : nx_exchange_from_canonical(f->exchange, nx_span_from(city), AIR,
                                                    (struct nx_span){NULL, 0}, nx_span_from(in),
                                                    &out, NULL, &diag);
    if (got != err || strcmp(diag.pointer, pointer) != 0 || strstr(diag.text, words) == NULL) {
        fail_msg("expected %s %s %s\ngot %s %s %s", nx_err_text(err), pointer, words,
                 nx_err_text(got), diag.pointer, diag.text);
    }
    assert_int_equal(out.len, 0);
    nx_buf_fini(&out);
}

static void what_cannot_be_translated_is_refused_with_words_and_never_given_out(void **state)
{
    struct federation *f = *state;

    assert_refused(f, "busan", true, birmingham_reading, NX_ERR_NOT_FOUND, "",
                   "there is no city 'busan' with a domain 'air'");
    assert_refused(f, "ulsan", false, "{\"id\":", NX_ERR_SYNTAX, "", "");
    assert_refused(f, "birmingham", true, "[]", NX_ERR_INVALID, "",
                   "expected an object, found array");
    assert_refused(f, "ulsan", true, "{\"dataTime\":\"2026-01-31 15:00\",\"stationName\":\"중구\"}",
                   NX_ERR_INVALID, "/id", "the asset is not known");
    assert_refused(f, "birmingham", true, "{\"site\":\"BMLD\",\"time\":\"2026-01-31\"}",
                   NX_ERR_INVALID, "/time", "expected a time like 2026-01-31T15:00:00Z");
    assert_refused(f, "birmingham", true,
                   "{\"site\":\"BMLD\",\"time\":\"2026-01-31T15:00:00Z\",\"no2\":-99}",
                   NX_ERR_INVALID, "/no2", "the translation fails its schema at");
    assert_refused(f, "birmingham", true,
                   "{\"site\":\"BM.LD\",\"time\":\"2026-01-31T15:00:00Z\",\"no2\":9}",
                   NX_ERR_INVALID, "/id", "the asset has no name of the form");
    assert_refused(f, "ulsan", false,
                   "{\"id\":\"urn:ngsi-ld:AirQualityObserved:birmingham:BMLD\","
                   "\"dateObserved\":\"1999-01-01T00:00:00Z\",\"no2\":9}",
                   NX_ERR_INVALID, "/dataTime", "the translation fails its schema at");
}

static void a_foreign_station_without_a_name_gets_its_owners(void **state)
{
    struct federation *f = *state;
    struct nx_buf out;

    must_from_canonical(f, "birmingham",
                        NX_SPAN("{\"id\":\"urn:ngsi-ld:AirQualityObserved:ulsan:samsan-dong\","
                                "\"dateObserved\":\"2026-01-31T15:00:00Z\",\"no2\":9}"),
                        &out);
    assert_text(&out, "{\"site\":\"samsan-dong\",\"name\":\"삼산동\","
                      "\"time\":\"2026-01-31T15:00:00Z\",\"latitude\":35.5444688,"
                      "\"longitude\":129.3319472,\"no2\":9.0}");
    nx_buf_fini(&out);
}

static void the_lenses_are_named_with_their_version(void **state)
{
    struct federation *f = *state;

    assert_true(
        nx_span_is(nx_exchange_lens_name(f->exchange, NX_SPAN("ulsan"), AIR), "ulsan-air@1"));
    assert_true(nx_span_is(nx_exchange_lens_name(f->exchange, NX_SPAN("birmingham"), AIR),
                           "birmingham-air@1"));
    assert_int_equal(nx_exchange_lens_name(f->exchange, NX_SPAN("ulsan"), NX_SPAN("noise")).len, 0);
}

/*
 * What the Korean platform's own adapter gets wrong with the same record: "-" becomes 0.0, the
 * time of ingest stands for dataTime, and a grade is copied into a concentration.
 */
static void none_of_the_known_mistakes_is_made_with_airkoreas_record(void **state)
{
    struct federation *f = *state;
    struct nx_buf out;
    char text[2048];

    must_to_canonical(f, "ulsan", "sinjeong-dong",
                      NX_SPAN("{\"dataTime\":\"2026-01-31 15:00\",\"stationName\":\"신정동\","
                              "\"so2Value\":\"-\",\"coValue\":\"-\",\"o3Value\":\"-\","
                              "\"no2Value\":\"-\",\"pm10Value\":\"-\",\"pm10Grade1h\":\"1\"}"),
                      &out);
    assert_true(nx_span_copy(nx_buf_view(&out), text, sizeof(text)));
    assert_null(strstr(text, "\"no2\":0"));
    assert_null(strstr(text, "\"no2\":1"));
    assert_null(strstr(text, "pm1\""));
    assert_null(strstr(text, "atmosphericPressure"));
    assert_non_null(strstr(text, "\"dateObserved\":\"2026-01-31T06:00:00Z\""));
    assert_non_null(strstr(text, "\"quality\":{\"so2\":\"missing\",\"co\":\"missing\","
                                 "\"o3\":\"missing\",\"no2\":\"missing\",\"pm10\":\"missing\","
                                 "\"pm25\":\"not-measured\"}"));
    nx_buf_fini(&out);
}

/* A reader that changes one place of one file on the way. */
struct forger {
    const char *file, *from, *to;
};

static enum nx_err read_forged(void *ctx, const char *path, struct nx_buf *out,
                               struct nx_diag *diag)
{
    const struct forger *forger = ctx;
    size_t path_len = strlen(path), file_len = strlen(forger->file);
    struct nx_buf text;
    char *place;
    enum nx_err err = nx_file_read(path, out, diag);

    if (err != NX_OK || path_len < file_len ||
        strcmp(path + path_len - file_len, forger->file) != 0) {
        return err;
    }
    nx_buf_init(&text, out->max);
    assert_int_equal(nx_buf_span(&text, nx_buf_view(out)), NX_OK);
    assert_int_equal(nx_buf_byte(&text, 0), NX_OK);
    place = strstr(text.data, forger->from);
    assert_non_null(place);
    nx_buf_reset(out);
    (void)nx_buf_add(out, text.data, (size_t)(place - text.data));
    (void)nx_buf_str(out, forger->to);
    err = nx_buf_str(out, place + strlen(forger->from));
    nx_buf_fini(&text);
    return err;
}

static void a_broken_lens_or_zone_is_refused_with_its_file_and_place(void **state)
{
    static const struct {
        struct forger forger;
        const char *expected;
    } cases[] = {
        {{"ulsan/air/lens.json", "\"version\": 1", "\"version\": 0"},
         "schemas/ulsan/air/lens.json:5:16: /version: "},
        {{"ulsan/air/lens.json", "\"rows\"", "\"rovs\""}, "schemas/ulsan/air/lens.json:"},
        {{"ulsan/air/lens.json", "\"codec\": \"id\"", "\"codec\": \"ip\""},
         "schemas/ulsan/air/lens.json:19:20: /rows/0/codec: there is no codec 'ip'"},
        {{"ulsan/air/lens.json", "]", "}"}, "schemas/ulsan/air/lens.json:8:"},
        {{"ulsan/city.json", "Asia/Seoul", "Asia/Ulsan"},
         "config/ulsan/city.json: /time_zone: no such time zone: 'Asia/Ulsan'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct forger forger = cases[i].forger;
        struct nx_reader reader = {.read = read_forged, .ctx = &forger};
        struct nx_config_options options = {.seed = 1};
        struct nx_config *config;
        struct nx_exchange *exchange;
        struct nx_diag diag = {0};
        char text[1024];

        assert_int_equal(nx_config_load(&reader, NX_SOURCE_DIR "/config", &options, &config, &diag),
                         NX_OK);
        assert_int_not_equal(nx_exchange_new(&reader, config, 1, &exchange, &diag), NX_OK);
        assert_null(exchange);
        if (strstr(nx_diag_format(&diag, text, sizeof(text)), cases[i].expected) == NULL) {
            fail_msg("expected %s\ngot %s", cases[i].expected, text);
        }
        nx_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ulsan_reading_arrives_in_birminghams_format),
        cmocka_unit_test(a_birmingham_reading_arrives_in_airkoreas_format),
        cmocka_unit_test(the_observed_time_is_the_readings_and_not_ours),
        cmocka_unit_test(the_receipt_names_lens_factor_reference_rounding_and_what_is_not_carried),
        cmocka_unit_test(without_a_topic_the_asset_is_found_by_name_alias_or_code),
        cmocka_unit_test(what_cannot_be_translated_is_refused_with_words_and_never_given_out),
        cmocka_unit_test(a_foreign_station_without_a_name_gets_its_owners),
        cmocka_unit_test(the_lenses_are_named_with_their_version),
        cmocka_unit_test(a_broken_lens_or_zone_is_refused_with_its_file_and_place),
        cmocka_unit_test(none_of_the_known_mistakes_is_made_with_airkoreas_record),
    };

    return cmocka_run_group_tests(tests, federation_open, federation_close);
}
