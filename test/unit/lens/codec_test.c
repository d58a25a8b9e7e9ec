/*
 * codec_test.c - each codec alone, in both directions.
 */
#include "test/unit/unit.h"

#include "lens/codec.h"
#include "test/unit/lens/bench.h"

#include <stdio.h>

#define NO2(more)                                                                                  \
    "{\"codec\":\"quantity\",\"canonical\":\"/no2\",\"quality\":\"/quality/no2\",\"decimals\":1,"  \
    "\"dialect\":\"/v\",\"flag\":\"/f\",\"substance\":\"NO2\"," more "}"
#define PPM "\"unit\":\"ppm\",\"as_text\":true,\"dialect_decimals\":3,\"dialect_decimals_max\":5"
#define KOREAN                                                                                     \
    "\"quality\":{\"missing\":[\"-\",\"\",null],\"flags\":{\"점검및교정\":\"maintenance\"},"  \
    "\"no_flag\":null},"
#define TIME(more)                                                                                 \
    "{\"codec\":\"time\",\"canonical\":\"/dateObserved\",\"dialect\":\"/t\",\"quality\":"          \
    "\"/quality/dateObserved\"," more "}"
#define AIRKOREA_TIME                                                                              \
    TIME("\"format\":\"yyyy-MM-dd HH:mm\",\"midnight_24\":true,\"period_s\":3600,"                 \
         "\"begin\":\"/from\",\"end\":\"/to\"")
#define POSITION                                                                                   \
    "{\"codec\":\"position\",\"canonical\":\"/location\",\"quality\":\"/quality/location\","       \
    "\"latitude\":\"/lat\",\"longitude\":\"/lon\"}"

static void ppm_becomes_micrograms_at_20_degrees_and_back(void **state)
{
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM)), NX_OK);
    assert_to_canonical(&b, "{\"v\":\"0.022\",\"f\":null}", "{\"no2\":42.1}");
    assert_told(&b, "{\"lens\":\"test@3\",\"from\":\"/v\",\"to\":\"/no2\",\"codec\":\"quantity\","
                    "\"unit\":\"ppm\",\"factor\":1912.503700,\"temperature_celsius\":20.00,"
                    "\"pressure_kpa\":101.325,\"rounding\":\"half away from zero\","
                    "\"decimals\":1}");
    assert_from_canonical(&b, "{\"no2\":42.1}", "{\"v\":\"0.022\",\"f\":null}");
    assert_told(&b, "\"divisor\":1912.503700");
    bench_fini(&b);
}

static void ppm_has_as_many_decimals_as_reading_back_needs(void **state)
{
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM)), NX_OK);
    assert_from_canonical(&b, "{\"no2\":40.0}", "{\"v\":\"0.0209\",\"f\":null}");
    assert_from_canonical(&b, "{\"no2\":0}", "{\"v\":\"0.000\",\"f\":null}");
    assert_from_canonical(&b, "{\"no2\":0.1}", "{\"v\":\"0.00005\",\"f\":null}");
    assert_to_canonical(&b, "{\"v\":\"0.00005\",\"f\":null}", "{\"no2\":0.1}");
    assert_from_canonical(&b, "{\"no2\":9562.5}", "{\"v\":\"5.000\",\"f\":null}");
    bench_fini(&b);
}

static void every_ppm_with_three_decimals_comes_back_as_it_was(void **state)
{
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM)), NX_OK);
    for (int i = 0; i < 1000; i++) {
        char in[64], canonical[64], back[64];

        (void)snprintf(in, sizeof(in), "{\"v\":\"0.%03d\",\"f\":null}", i);
        assert_int_equal(nx_json_parse(b.json, nx_span_from(in), NX_JSON_STRICT, NULL), NX_OK);
        assert_int_equal(nx_lens_to_canonical(b.lens, &b.scene, b.json, &b.out, NULL, NULL), NX_OK);
        assert_true(nx_span_copy(nx_buf_view(&b.out), canonical, sizeof(canonical)));
        assert_from_canonical(&b, canonical, in);
        assert_true(nx_span_copy(nx_buf_view(&b.out), back, sizeof(back)));
        assert_to_canonical(&b, back, canonical);
    }
    bench_fini(&b);
}

/* The law for a foreign reading: canonical, then a dialect in ppm, then the same canonical. */
static void every_tenth_of_a_microgram_comes_back_as_it_was(void **state)
{
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM)), NX_OK);
    nx_receipt_fini(&b.receipt);
    nx_receipt_init(&b.receipt, 2);
    for (int i = 0; i < 2000; i++) {
        char canonical[64], dialect[64];

        (void)snprintf(canonical, sizeof(canonical), "{\"no2\":%d.%d}", i / 10, i % 10);
        assert_int_equal(nx_json_parse(b.json, nx_span_from(canonical), NX_JSON_STRICT, NULL),
                         NX_OK);
        assert_int_equal(nx_lens_from_canonical(b.lens, &b.scene, b.json, &b.out, NULL, NULL),
                         NX_OK);
        assert_true(nx_span_copy(nx_buf_view(&b.out), dialect, sizeof(dialect)));
        assert_to_canonical(&b, dialect, canonical);
    }
    bench_fini(&b);
}

static void micrograms_are_rescaled_where_the_citys_reference_is_another(void **state)
{
    static const char unit[] = NO2("\"unit\":\"ug/m3\",\"dialect_decimals\":1");
    struct bench b;

    (void)state;
    bench_ulsan(&b); /* 25 degrees */
    assert_int_equal(bench_lens(&b, "", unit), NX_OK);
    assert_from_canonical(&b, "{\"no2\":42.1}", "{\"v\":41.4}");
    assert_to_canonical(&b, "{\"v\":41.4}", "{\"no2\":42.1}");
    assert_told(&b, "\"factor\":1.017056,\"temperature_celsius\":25.00,\"pressure_kpa\":101.325");
    bench_fini(&b);

    bench_birmingham(&b); /* 20 degrees, canonical's own */
    assert_int_equal(bench_lens(&b, "", unit), NX_OK);
    assert_from_canonical(&b, "{\"no2\":42.1}", "{\"v\":42.1}");
    assert_to_canonical(&b, "{\"v\":42}", "{\"no2\":42.0}");
    assert_to_canonical(&b, "{\"v\":42.05}", "{\"no2\":42.1}");
    assert_to_canonical(&b, "{\"v\":42.099999999999994}", "{\"no2\":42.1}");
    bench_fini(&b);
}

static void other_units_are_multiples(void **state)
{
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", NO2("\"unit\":\"ppb\",\"dialect_decimals\":1")), NX_OK);
    assert_to_canonical(&b, "{\"v\":22}", "{\"no2\":42.1}");
    assert_from_canonical(&b, "{\"no2\":42.1}", "{\"v\":22.0}");
    assert_int_equal(bench_lens(&b, "", NO2("\"unit\":\"mg/m3\",\"dialect_decimals\":4")), NX_OK);
    assert_to_canonical(&b, "{\"v\":0.6986}", "{\"no2\":698.6}");
    assert_from_canonical(&b, "{\"no2\":698.6}", "{\"v\":0.6986}");
    bench_fini(&b);
}

static void particles_are_never_rescaled(void **state)
{
    static const char row[] =
        "{\"codec\":\"quantity\",\"canonical\":\"/pm10\",\"quality\":\"/q\",\"decimals\":1,"
        "\"dialect\":\"/v\",\"substance\":\"particles\",\"unit\":\"ug/m3\",\"as_text\":true,"
        "\"dialect_decimals\":0,\"dialect_decimals_max\":1}";
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, "", row), NX_OK);
    assert_to_canonical(&b, "{\"v\":\"19\"}", "{\"pm10\":19.0}");
    assert_from_canonical(&b, "{\"pm10\":19.0}", "{\"v\":\"19\"}");
    assert_from_canonical(&b, "{\"pm10\":18.4}", "{\"v\":\"18.4\"}");
    bench_fini(&b);
}

static void what_is_missing_stays_missing_and_never_becomes_0(void **state)
{
    static const struct {
        const char *in, *expected;
    } cases[] = {
        {"{\"v\":\"-\",\"f\":null}", "{\"quality\":{\"no2\":\"missing\"}}"},
        {"{\"v\":\"\",\"f\":null}", "{\"quality\":{\"no2\":\"missing\"}}"},
        {"{\"v\":null,\"f\":null}", "{\"quality\":{\"no2\":\"missing\"}}"},
        {"{\"v\":\"-\"}", "{\"quality\":{\"no2\":\"missing\"}}"},
        {"{\"v\":\"-\",\"f\":\"점검및교정\"}", "{\"quality\":{\"no2\":\"maintenance\"}}"},
        {"{\"v\":\"0.022\",\"f\":\"점검및교정\"}",
         "{\"no2\":42.1,\"quality\":{\"no2\":\"maintenance\"}}"},
        {"{\"v\":\"0.000\",\"f\":null}", "{\"no2\":0.0}"},
        {"{}", "{\"quality\":{\"no2\":\"not-measured\"}}"},
        {"{\"v\":\"-\",\"f\":\"고장\"}", NULL},
        {"{\"v\":\"--\",\"f\":null}", NULL},
        {"{\"v\":\"NaN\",\"f\":null}", NULL},
        {"{\"v\":0.022,\"f\":null}", NULL},
        {"{\"v\":{},\"f\":null}", NULL},
        {"{\"v\":\"999999999999999\",\"f\":null}", NULL},
        {"{\"v\":\"9999999999999999\",\"f\":null}", NULL},
    };
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM)), NX_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_to_canonical(&b, cases[i].in, cases[i].expected);
    }
    bench_fini(&b);
}

static void a_missing_value_is_written_as_the_dialect_writes_it(void **state)
{
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM)), NX_OK);
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"maintenance\"}}",
                          "{\"v\":\"-\",\"f\":\"점검및교정\"}");
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"other\"}}", "{\"v\":\"-\",\"f\":null}");
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"not-measured\"}}",
                          "{\"v\":\"-\",\"f\":null}");
    assert_from_canonical(&b, "{}", "{\"v\":\"-\",\"f\":null}");
    assert_from_canonical(&b, "{\"no2\":42.1,\"quality\":{\"no2\":\"maintenance\"}}",
                          "{\"v\":\"0.022\",\"f\":\"점검및교정\"}");
    assert_from_canonical(&b, "{\"no2\":\"42.1\"}", NULL);

    assert_int_equal(bench_lens(&b, KOREAN, NO2(PPM ",\"optional\":true")), NX_OK);
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"not-measured\"}}", "{}");
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"missing\"}}", "{\"v\":\"-\",\"f\":null}");
    bench_fini(&b);
}

static void without_a_table_of_flags_the_codes_are_canonicals(void **state)
{
    static const char row[] = NO2("\"unit\":\"ug/m3\",\"dialect_decimals\":1");
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", row), NX_OK);
    assert_to_canonical(&b, "{\"f\":\"data-anomaly\"}", "{\"quality\":{\"no2\":\"data-anomaly\"}}");
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"data-anomaly\"}}",
                          "{\"f\":\"data-anomaly\"}");
    assert_from_canonical(&b, "{\"quality\":{\"no2\":\"not-measured\"}}", "{}");
    assert_to_canonical(&b, "{\"f\":\"a\\\"b\"}", "{\"quality\":{\"no2\":\"a\\\"b\"}}");
    assert_told(&b, "\"quality\":\"a\\\"b\"");
    bench_fini(&b);
}

static void airkoreas_time_is_korean_and_its_midnight_24_00(void **state)
{
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, "", AIRKOREA_TIME), NX_OK);
    assert_to_canonical(&b, "{\"t\":\"2026-01-31 24:00\"}",
                        "{\"dateObserved\":\"2026-01-31T15:00:00Z\","
                        "\"from\":\"2026-01-31T14:00:00Z\",\"to\":\"2026-01-31T15:00:00Z\"}");
    assert_told(&b, "\"zone\":\"Asia/Seoul\"");
    assert_to_canonical(&b, "{\"t\":\"2026-02-01 00:00\"}",
                        "{\"dateObserved\":\"2026-01-31T15:00:00Z\","
                        "\"from\":\"2026-01-31T14:00:00Z\",\"to\":\"2026-01-31T15:00:00Z\"}");
    assert_from_canonical(&b, "{\"dateObserved\":\"2026-01-31T15:00:00Z\"}",
                          "{\"t\":\"2026-01-31 24:00\"}");
    assert_from_canonical(&b, "{\"dateObserved\":\"2026-01-31T15:03:27.250Z\"}",
                          "{\"t\":\"2026-02-01 00:03\"}");
    assert_to_canonical(&b, "{\"t\":\"2026-01-31 15:03\"}",
                        "{\"dateObserved\":\"2026-01-31T06:03:00Z\"}");
    assert_to_canonical(&b, "{\"t\":\"2026-01-31 24:30\"}", NULL);
    assert_to_canonical(&b, "{\"t\":\"2026-02-30 10:00\"}", NULL);
    assert_to_canonical(&b, "{\"t\":\"1969-02-28 10:00\"}", NULL);
    assert_to_canonical(&b, "{\"t\":20260131}", NULL);
    assert_to_canonical(&b, "{}", NULL);
    assert_from_canonical(&b, "{\"dateObserved\":\"2026-01-31 15:00\"}", NULL);
    assert_from_canonical(&b, "{}", NULL);
    bench_fini(&b);
}

static void a_skipped_time_is_refused_and_a_repeated_one_says_so(void **state)
{
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", TIME("\"format\":\"yyyy-MM-dd HH:mm\"")), NX_OK);
    assert_to_canonical(&b, "{\"t\":\"2026-07-01 13:00\"}",
                        "{\"dateObserved\":\"2026-07-01T12:00:00Z\"}");
    assert_to_canonical(&b, "{\"t\":\"2026-03-29 01:30\"}", NULL);
    assert_non_null(strstr(b.diag.text, "clocks in Europe/London skipped this time"));
    assert_string_equal(b.diag.pointer, "/t");
    assert_to_canonical(&b, "{\"t\":\"2026-10-25 01:30\"}",
                        "{\"dateObserved\":\"2026-10-25T00:30:00Z\","
                        "\"quality\":{\"dateObserved\":\"ambiguous-time\"}}");
    assert_told(&b, "\"reason\":\"shown twice by clocks: the first\"");
    assert_from_canonical(&b, "{\"dateObserved\":\"2026-10-25T01:30:00Z\"}",
                          "{\"t\":\"2026-10-25 01:30\"}");
    assert_told(&b, "\"reason\":\"clocks there show this time twice\"");
    bench_fini(&b);
}

static void rfc_3339_is_carried_in_utc_with_its_fraction(void **state)
{
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "",
                                TIME("\"format\":\"rfc3339\",\"period_s\":3600,"
                                     "\"begin\":\"/from\",\"end\":\"/to\"")),
                     NX_OK);
    assert_to_canonical(&b, "{\"t\":\"2026-07-01T13:00:00+01:00\"}",
                        "{\"dateObserved\":\"2026-07-01T12:00:00Z\","
                        "\"from\":\"2026-07-01T11:00:00Z\",\"to\":\"2026-07-01T12:00:00Z\"}");
    assert_to_canonical(&b, "{\"t\":\"2026-01-31T15:03:27.250Z\"}",
                        "{\"dateObserved\":\"2026-01-31T15:03:27.250Z\"}");
    assert_told(&b, "\"reason\":\"not known: not at a whole period\"");
    assert_to_canonical(&b, "{\"t\":\"2026-01-31T15:00:00.001Z\"}",
                        "{\"dateObserved\":\"2026-01-31T15:00:00.001Z\"}");
    assert_from_canonical(&b, "{\"dateObserved\":\"2026-01-31T15:03:27.250Z\"}",
                          "{\"t\":\"2026-01-31T15:03:27.250Z\"}");
    bench_fini(&b);
}

static void the_assets_table_decides_where_a_station_is(void **state)
{
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", POSITION), NX_OK);
    assert_to_canonical(
        &b, "{\"lat\":52.5,\"lon\":-1.8}",
        "{\"location\":{\"type\":\"Point\",\"coordinates\":[-1.918235,52.481346]}}");
    assert_from_canonical(
        &b, "{\"location\":{\"type\":\"Point\",\"coordinates\":[129.3078132,35.5346564]}}",
        "{\"lat\":35.5346564,\"lon\":129.3078132}");
    assert_from_canonical(&b, "{}", "{\"lat\":52.481346,\"lon\":-1.918235}");
    bench_fini(&b);
}

static void a_payloads_position_counts_only_without_a_table_and_inside_the_city(void **state)
{
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    b.scene.asset = NULL;
    assert_int_equal(bench_lens(&b, "", POSITION), NX_OK);
    assert_to_canonical(&b, "{\"lat\":52.50,\"lon\":-1.80}",
                        "{\"location\":{\"type\":\"Point\",\"coordinates\":[-1.80,52.50]}}");
    assert_to_canonical(&b, "{\"lat\":-1.80,\"lon\":52.50}",
                        "{\"quality\":{\"location\":\"no-position\"}}");
    assert_to_canonical(&b, "{\"lat\":51.5,\"lon\":-0.1}",
                        "{\"quality\":{\"location\":\"no-position\"}}");
    assert_told(&b, "the payload's lies outside the city's bounding box");
    assert_to_canonical(&b, "{}", "{\"quality\":{\"location\":\"no-position\"}}");
    assert_from_canonical(&b, "{\"quality\":{\"location\":\"no-position\"}}", "{}");
    bench_fini(&b);
}

static void the_assets_table_decides_what_a_station_is_called(void **state)
{
    static const char row[] =
        "{\"codec\":\"name\",\"canonical\":\"/name\",\"dialect\":\"/n\",\"required\":true}";
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, "", row), NX_OK);
    assert_to_canonical(&b, "{\"n\":\"신정\"}", "{\"name\":\"신정동\"}");
    assert_from_canonical(&b, "{\"name\":\"Birmingham Ladywood\"}",
                          "{\"n\":\"Birmingham Ladywood\"}");
    assert_from_canonical(&b, "{}", "{\"n\":\"신정동\"}");
    b.scene.asset = NULL;
    assert_to_canonical(&b, "{\"n\":\"여천동(울산)\"}", "{\"name\":\"여천동(울산)\"}");
    assert_to_canonical(&b, "{}", "{}");
    assert_from_canonical(&b, "{}", "{\"n\":\"sinjeong-dong\"}");
    bench_fini(&b);
}

static void the_identifier_follows_from_the_stream(void **state)
{
    static const char rows[] =
        "{\"codec\":\"id\",\"canonical\":\"/id\",\"entity_type\":\"AirQualityObserved\"},"
        "{\"codec\":\"asset\",\"canonical\":\"/refDevice\",\"dialect\":\"/site\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    assert_to_canonical(&b, "{\"site\":\"BIRR\"}",
                        "{\"id\":\"urn:ngsi-ld:AirQualityObserved:birmingham:BMLD\","
                        "\"refDevice\":\"BMLD\"}");
    assert_told(&b, "the stream's asset, not the payload's");
    assert_from_canonical(&b, "{\"id\":\"x\",\"refDevice\":\"sinjeong-dong\"}",
                          "{\"site\":\"sinjeong-dong\"}");
    b.scene.asset_id = (struct nx_span){NULL, 0};
    assert_to_canonical(&b, "{\"site\":\"BIRR\"}", NULL);
    b.scene.asset_id = NX_SPAN("B\",\"no2\":\"0");
    assert_to_canonical(&b, "{\"site\":\"BIRR\"}", NULL);
    bench_fini(&b);
}

static void a_counter_is_carried_digit_by_digit(void **state)
{
    static const char row[] = "{\"codec\":\"number\",\"canonical\":\"/seq\",\"dialect\":\"/s\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", row), NX_OK);
    assert_to_canonical(&b, "{\"s\":9007199254740993}", "{\"seq\":9007199254740993}");
    assert_from_canonical(&b, "{\"seq\":0}", "{\"s\":0}");
    assert_to_canonical(&b, "{}", "{}");
    assert_to_canonical(&b, "{\"s\":1.0}", "{\"seq\":1.0}");
    assert_to_canonical(&b, "{\"s\":\"1\"}", NULL);
    bench_fini(&b);
}

static void text_is_unchanged_and_its_absence_as_the_lens_says(void **state)
{
    static const char row[] =
        "{\"codec\":\"text\",\"canonical\":\"/areaServed\",\"dialect\":\"/a\",\"absent\":null}";
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, KOREAN, row), NX_OK);
    assert_to_canonical(&b, "{\"a\":\"울\\u0022산\"}", "{\"areaServed\":\"울\\\"산\"}");
    assert_to_canonical(&b, "{\"a\":null}", "{}");
    assert_to_canonical(&b, "{\"a\":\"\"}", "{}");
    assert_to_canonical(&b, "{\"a\":5}", NULL);
    assert_from_canonical(&b, "{\"areaServed\":\"Birmingham\"}", "{\"a\":\"Birmingham\"}");
    assert_from_canonical(&b, "{}", "{\"a\":null}");
    bench_fini(&b);
}

static void a_constant_is_on_one_side_and_nothing_of_it_is_carried(void **state)
{
    static const char rows[] =
        "{\"codec\":\"constant\",\"canonical\":\"/type\",\"value\":\"AirQualityObserved\"},"
        "{\"codec\":\"constant\",\"dialect\":\"/khaiValue\",\"value\":\"-\"}";
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    assert_to_canonical(&b, "{\"khaiValue\":\"47\"}", "{\"type\":\"AirQualityObserved\"}");
    assert_told(&b, "\"from\":\"/khaiValue\",\"codec\":\"constant\",\"reason\":\"not carried\"");
    assert_from_canonical(&b, "{\"type\":\"AirQualityObserved\"}", "{\"khaiValue\":\"-\"}");
    bench_fini(&b);
}

static void every_codec_explains_itself_and_its_options(void **state)
{
    size_t count;
    const struct nx_codec *const *table = nx_codec_table(&count);

    (void)state;
    assert_int_equal(count, 9);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(nx_codec_find(nx_span_from(table[i]->name)), table[i]);
        assert_true(table[i]->help[0] != '\0');
        assert_true(table[i]->options_count <= NX_CODEC_OPTIONS_MAX);
        for (size_t k = 0; k < table[i]->options_count; k++) {
            assert_non_null(table[i]->options[k].name);
            assert_true(table[i]->options[k].help[0] != '\0');
        }
    }
    assert_null(nx_codec_find(NX_SPAN("quantit")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ppm_becomes_micrograms_at_20_degrees_and_back),
        cmocka_unit_test(ppm_has_as_many_decimals_as_reading_back_needs),
        cmocka_unit_test(every_ppm_with_three_decimals_comes_back_as_it_was),
        cmocka_unit_test(every_tenth_of_a_microgram_comes_back_as_it_was),
        cmocka_unit_test(micrograms_are_rescaled_where_the_citys_reference_is_another),
        cmocka_unit_test(other_units_are_multiples),
        cmocka_unit_test(particles_are_never_rescaled),
        cmocka_unit_test(what_is_missing_stays_missing_and_never_becomes_0),
        cmocka_unit_test(a_missing_value_is_written_as_the_dialect_writes_it),
        cmocka_unit_test(without_a_table_of_flags_the_codes_are_canonicals),
        cmocka_unit_test(airkoreas_time_is_korean_and_its_midnight_24_00),
        cmocka_unit_test(a_skipped_time_is_refused_and_a_repeated_one_says_so),
        cmocka_unit_test(rfc_3339_is_carried_in_utc_with_its_fraction),
        cmocka_unit_test(the_assets_table_decides_where_a_station_is),
        cmocka_unit_test(a_payloads_position_counts_only_without_a_table_and_inside_the_city),
        cmocka_unit_test(the_assets_table_decides_what_a_station_is_called),
        cmocka_unit_test(the_identifier_follows_from_the_stream),
        cmocka_unit_test(a_counter_is_carried_digit_by_digit),
        cmocka_unit_test(text_is_unchanged_and_its_absence_as_the_lens_says),
        cmocka_unit_test(a_constant_is_on_one_side_and_nothing_of_it_is_carried),
        cmocka_unit_test(every_codec_explains_itself_and_its_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
