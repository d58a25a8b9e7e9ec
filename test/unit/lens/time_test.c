/*
 * time_test.c - calendar, patterns and zones: 24:00, gaps, folds.
 */
#include "test/unit/unit.h"

#include "lens/civil.h"
#include "lens/zone.h"

static int64_t utc(const char *text)
{
    struct nx_instant instant;

    assert_int_equal(nx_instant_parse(nx_span_from(text), &instant), NX_OK);
    return instant.seconds;
}

static void rfc_3339_is_read_with_its_offset_and_written_in_utc(void **state)
{
    static const struct {
        const char *text, *expected; /* NULL: refused */
    } cases[] = {
        {"2026-01-31T15:00:00Z", "2026-01-31T15:00:00Z"},
        {"2026-02-01T00:00:00+09:00", "2026-01-31T15:00:00Z"},
        {"2026-07-01T13:00:00+01:00", "2026-07-01T12:00:00Z"},
        {"2026-01-31T15:03:27.250Z", "2026-01-31T15:03:27.250Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
        {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
        {"2026-01-31t15:00:00z", "2026-01-31T15:00:00Z"},
        {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
        {"1900-02-29T00:00:00Z", NULL},
        {"2026-02-29T00:00:00Z", NULL},
        {"2026-13-01T00:00:00Z", NULL},
        {"2026-01-31T24:00:00Z", NULL},
        {"2026-01-31T15:00:00", NULL},
        {"2026-01-31 15:00:00Z", NULL},
        {"2026-01-31T15:00Z", NULL},
        {"2026-01-31T15:00:00.Z", NULL},
        {"2026-01-31T15:00:00.1234567890Z", NULL},
        {"2026-01-31T15:00:00+24:00", NULL},
        {"2026-01-31T15:00:00Zx", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[NX_CIVIL_TEXT_MAX];
        struct nx_instant instant;
        struct nx_span text;
        enum nx_err err = nx_instant_parse(nx_span_from(cases[i].text), &instant);

        if (cases[i].expected == NULL) {
            assert_int_equal(err, NX_ERR_SYNTAX);
            continue;
        }
        assert_int_equal(err, NX_OK);
        assert_int_equal(nx_instant_format(instant, out, &text), NX_OK);
        assert_string_equal(text.ptr, cases[i].expected);
    }
}

static void every_day_of_four_centuries_has_its_number_and_back(void **state)
{
    struct nx_civil c = {.year = 1970, .month = 1, .day = 1};
    int64_t seconds = 0;

    (void)state;
    while (c.year < 2370) {
        struct nx_civil next;

        assert_int_equal(nx_civil_seconds(&c), seconds);
        assert_true(nx_civil_exists(&c));
        seconds += 86400;
        next = nx_civil_at(seconds);
        assert_true(next.day == c.day + 1 || (next.day == 1 && next.month == c.month % 12 + 1));
        c = next;
    }
    assert_int_equal(seconds, INT64_C(12622780800)); /* date -d 2370-01-01Z +%s */
}

static struct nx_time_pattern airkoreas_pattern(void)
{
    struct nx_time_pattern pattern;

    assert_int_equal(nx_time_pattern_compile(NX_SPAN("yyyy-MM-dd HH:mm"), true, &pattern, NULL),
                     NX_OK);
    return pattern;
}

static void midnight_24_00_is_the_end_of_its_day(void **state)
{
    static const struct {
        const char *text, *next; /* NULL: refused */
    } cases[] = {
        {"2026-01-31 24:00", "2026-02-01T00:00:00Z"},
        {"2025-12-31 24:00", "2026-01-01T00:00:00Z"},
        {"2028-02-28 24:00", "2028-02-29T00:00:00Z"},
        {"2026-02-28 24:00", "2026-03-01T00:00:00Z"},
        {"2026-01-31 00:00", "2026-01-31T00:00:00Z"},
        {"2026-01-31 15:00", "2026-01-31T15:00:00Z"},
        {"2026-01-31 24:30", NULL},
        {"2026-01-31 25:00", NULL},
        {"2026-02-30 24:00", NULL},
        {"2026-01-31 15:60", NULL},
        {"2026-1-31 15:00", NULL},
        {"2026-01-31T15:00", NULL},
        {"2026-01-31 15:00 ", NULL},
        {"2026-01-31 15", NULL},
        {"", NULL},
    };
    const struct nx_time_pattern airkorea = airkoreas_pattern();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_civil c;
        enum nx_err err = nx_time_pattern_read(&airkorea, nx_span_from(cases[i].text), &c);

        if (cases[i].next == NULL) {
            assert_int_not_equal(err, NX_OK);
        } else {
            assert_int_equal(err, NX_OK);
            assert_int_equal(nx_civil_seconds(&c), utc(cases[i].next));
        }
    }
}

static void midnight_is_written_24_00_of_the_day_before(void **state)
{
    static const struct {
        const char *instant, *expected;
    } cases[] = {
        {"2026-02-01T00:00:00Z", "2026-01-31 24:00"}, {"2026-01-01T00:00:00Z", "2025-12-31 24:00"},
        {"2028-03-01T00:00:00Z", "2028-02-29 24:00"}, {"2026-02-01T00:01:00Z", "2026-02-01 00:01"},
        {"2026-02-01T23:59:59Z", "2026-02-01 23:59"},
    };
    const struct nx_time_pattern airkorea = airkoreas_pattern();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[NX_CIVIL_TEXT_MAX];
        struct nx_span text;
        struct nx_civil c = nx_civil_at(utc(cases[i].instant));

        nx_time_pattern_write(&airkorea, c, out, &text);
        assert_string_equal(text.ptr, cases[i].expected);
    }
}

static void without_midnight_24_there_is_no_hour_24(void **state)
{
    struct nx_time_pattern plain;
    struct nx_civil c;
    char out[NX_CIVIL_TEXT_MAX];
    struct nx_span text;

    (void)state;
    assert_int_equal(nx_time_pattern_compile(NX_SPAN("yyyyMMdd'T'HHmmss"), false, &plain, NULL),
                     NX_OK);
    assert_int_equal(nx_time_pattern_read(&plain, NX_SPAN("20260131T240000"), &c), NX_ERR_INVALID);
    assert_int_equal(nx_time_pattern_read(&plain, NX_SPAN("20260131T150405"), &c), NX_OK);
    nx_time_pattern_write(&plain, c, out, &text);
    assert_string_equal(text.ptr, "20260131T150405");
}

static void a_pattern_of_other_letters_is_refused(void **state)
{
    static const char *const patterns[] = {
        "",
        "yyyy-MM-dd",
        "yy-MM-dd HH:mm",
        "yyyy-MM-dd hh:mm",
        "HH:mm",
        "yyyy-MM-dd HH:mmZ",
        "yyyy-MM-dd HH:mm HH",
        "yyyy-MM-ddTHH:mm",
        "%Y-%m-%d",
        "yyMMyydd HH",
        "yyyy-MM-dd HH:mm:s",
        "yyyy-MM-dd HH ----------------------------------------------------",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct nx_time_pattern pattern;
        struct nx_diag diag = {0};

        assert_int_equal(nx_time_pattern_compile(nx_span_from(patterns[i]), false, &pattern, &diag),
                         NX_ERR_INVALID);
        assert_true(diag.text[0] != '\0');
    }
}

/* A local time (written as if it were UTC) and its instant. */
static void assert_resolves(const struct nx_zone *zone, const char *local, enum nx_zone_fit fit,
                            const char *expected)
{
    int64_t seconds = 0;

    assert_int_equal(nx_zone_resolve(zone, utc(local), &seconds), fit);
    if (expected != NULL) {
        assert_int_equal(seconds, utc(expected));
    }
}

static void london_has_a_gap_in_march_and_a_fold_in_october(void **state)
{
    struct nx_zone *zone;

    (void)state;
    assert_int_equal(nx_zone_load(NX_SPAN("Europe/London"), &zone, NULL), NX_OK);
    assert_resolves(zone, "2026-01-31T15:00:00Z", NX_ZONE_ONCE, "2026-01-31T15:00:00Z");
    assert_resolves(zone, "2026-07-01T13:00:00Z", NX_ZONE_ONCE, "2026-07-01T12:00:00Z");
    assert_resolves(zone, "2026-03-29T00:59:59Z", NX_ZONE_ONCE, "2026-03-29T00:59:59Z");
    assert_resolves(zone, "2026-03-29T01:00:00Z", NX_ZONE_GAP, NULL);
    assert_resolves(zone, "2026-03-29T01:59:59Z", NX_ZONE_GAP, NULL);
    assert_resolves(zone, "2026-03-29T02:00:00Z", NX_ZONE_ONCE, "2026-03-29T01:00:00Z");
    assert_resolves(zone, "2026-10-25T00:59:59Z", NX_ZONE_ONCE, "2026-10-24T23:59:59Z");
    assert_resolves(zone, "2026-10-25T01:00:00Z", NX_ZONE_FOLD, "2026-10-25T00:00:00Z");
    assert_resolves(zone, "2026-10-25T01:59:59Z", NX_ZONE_FOLD, "2026-10-25T00:59:59Z");
    assert_resolves(zone, "2026-10-25T02:00:00Z", NX_ZONE_ONCE, "2026-10-25T02:00:00Z");
    assert_resolves(zone, "1969-12-31T00:00:00Z", NX_ZONE_OUTSIDE, NULL);
    assert_resolves(zone, "2200-01-01T00:00:00Z", NX_ZONE_OUTSIDE, NULL);
    assert_int_equal(nx_zone_offset(zone, utc("2099-07-01T00:00:00Z")), 3600);
    assert_int_equal(nx_zone_offset(zone, utc("2099-12-01T00:00:00Z")), 0);
    nx_zone_free(zone);
}

static void seoul_is_nine_hours_ahead_but_kept_summer_time_in_1987(void **state)
{
    struct nx_zone *zone;

    (void)state;
    assert_int_equal(nx_zone_load(NX_SPAN("Asia/Seoul"), &zone, NULL), NX_OK);
    assert_resolves(zone, "2026-02-01T00:00:00Z", NX_ZONE_ONCE, "2026-01-31T15:00:00Z");
    assert_resolves(zone, "2026-07-01T00:00:00Z", NX_ZONE_ONCE, "2026-06-30T15:00:00Z");
    assert_int_equal(nx_zone_offset(zone, utc("1987-07-01T00:00:00Z")), 10 * 3600);
    nx_zone_free(zone);
}

static void a_half_hour_fold_is_found_too(void **state)
{
    struct nx_zone *zone;

    (void)state;
    assert_int_equal(nx_zone_load(NX_SPAN("Australia/Lord_Howe"), &zone, NULL), NX_OK);
    assert_resolves(zone, "2026-04-05T01:45:00Z", NX_ZONE_FOLD, "2026-04-04T14:45:00Z");
    assert_resolves(zone, "2026-04-05T01:15:00Z", NX_ZONE_ONCE, "2026-04-04T14:15:00Z");
    nx_zone_free(zone);
}

static void an_unknown_zone_is_refused_and_not_taken_for_utc(void **state)
{
    static const char *const names[] = {
        "Asia/Ulsan", "", "KST+9", "Europe/London/Europe/London/Europe/London/Europe/London/X"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct nx_diag diag = {0};
        struct nx_zone *zone;

        assert_int_equal(nx_zone_load(nx_span_from(names[i]), &zone, &diag), NX_ERR_NOT_FOUND);
        assert_null(zone);
        assert_non_null(strstr(diag.text, "no such time zone"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_is_read_with_its_offset_and_written_in_utc),
        cmocka_unit_test(every_day_of_four_centuries_has_its_number_and_back),
        cmocka_unit_test(midnight_24_00_is_the_end_of_its_day),
        cmocka_unit_test(midnight_is_written_24_00_of_the_day_before),
        cmocka_unit_test(without_midnight_24_there_is_no_hour_24),
        cmocka_unit_test(a_pattern_of_other_letters_is_refused),
        cmocka_unit_test(london_has_a_gap_in_march_and_a_fold_in_october),
        cmocka_unit_test(seoul_is_nine_hours_ahead_but_kept_summer_time_in_1987),
        cmocka_unit_test(a_half_hour_fold_is_found_too),
        cmocka_unit_test(an_unknown_zone_is_refused_and_not_taken_for_utc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
