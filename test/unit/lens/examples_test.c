/*
 * examples_test.c - the shipped examples: each is what its folder says, and each valid one keeps
 * the round trip law. With c = to(x): to(from(c)) is c, byte by byte, and what from(c) holds of x
 * is what x held.
 */
#include "test/unit/unit.h"

#include "lens/decimal.h"
#include "test/unit/lens/federation.h"

static const struct nx_schema *schema_of(const struct federation *f, const char *of)
{
    const struct nx_city *city = nx_config_city(f->config, nx_span_from(of));

    return city != NULL ? nx_city_domain(city, NX_SPAN("air"))->schema
                        : nx_config_canonical(f->config, NX_SPAN("air"));
}

static enum nx_err judge(struct federation *f, const char *of, struct nx_span bytes)
{
    enum nx_err err = nx_json_parse(f->json, bytes, NX_JSON_STRICT, NULL);

    return err == NX_OK ? nx_schema_check(schema_of(f, of), f->check, f->json) : err;
}

static void must_be_valid(struct federation *f, const char *of, const char *path,
                          struct nx_span bytes)
{
    enum nx_err err = judge(f, of, bytes);

    if (err != NX_OK) {
        fail_msg("%s: expected valid, got: %s", path, nx_err_text(err));
    }
}

static void must_be_refused(struct federation *f, const char *of, const char *path,
                            struct nx_span bytes)
{
    enum nx_err err = judge(f, of, bytes);

    if (err != NX_ERR_INVALID && err != NX_ERR_SYNTAX) {
        fail_msg("%s: expected a refusal, got: %s", path, nx_err_text(err));
    }
}

static void every_valid_example_is_valid(void **state)
{
    federation_examples("canonical", "valid", 8, must_be_valid, *state);
    federation_examples("birmingham", "valid", 17, must_be_valid, *state);
    federation_examples("ulsan", "valid", 20, must_be_valid, *state);
}

static void every_invalid_example_is_refused(void **state)
{
    federation_examples("canonical", "invalid", 13, must_be_refused, *state);
    federation_examples("birmingham", "invalid", 40, must_be_refused, *state);
    federation_examples("ulsan", "invalid", 30, must_be_refused, *state);
}

/* Members of AirKorea's record that a translation does not carry (lens.json: constants). */
static bool is_carried(struct nx_span member)
{
    static const char *const not_carried[] = {
        "stationCode", "mangName",  "pm10Value24", "pm25Value24", "khaiValue",
        "khaiGrade",   "so2Grade",  "coGrade",     "o3Grade",     "no2Grade",
        "pm10Grade",   "pm25Grade", "pm10Grade1h", "pm25Grade1h",
    };

    for (size_t i = 0; i < sizeof(not_carried) / sizeof(not_carried[0]); i++) {
        if (nx_span_is(member, not_carried[i])) {
            return false;
        }
    }
    return true;
}

static bool is_nothing(const struct nx_json *json, uint32_t node)
{
    struct nx_span text = nx_json_text(json, node);

    return nx_json_type(json, node) == NX_JSON_NULL ||
           (nx_json_type(json, node) == NX_JSON_STRING && (text.len == 0 || nx_span_is(text, "-")));
}

/* The same value, as far as the dialect's one decimal goes; "-", "" and null are one. */
static bool same_value(const struct nx_json *x, uint32_t at_x, const struct nx_json *d,
                       uint32_t at_d)
{
    struct nx_decimal a, b;

    if (is_nothing(x, at_x) || nx_json_type(x, at_x) != nx_json_type(d, at_d)) {
        return is_nothing(x, at_x) && is_nothing(d, at_d);
    }
    if (nx_span_eq(nx_json_text(x, at_x), nx_json_text(d, at_d))) {
        return nx_json_type(x, at_x) != NX_JSON_OBJECT ||
               nx_json_length(x, at_x) == nx_json_length(d, at_d);
    }
    return nx_json_type(x, at_x) == NX_JSON_NUMBER &&
           nx_decimal_parse(nx_json_text(x, at_x), &a) == NX_OK &&
           nx_decimal_parse(nx_json_text(d, at_d), &b) == NX_OK &&
           nx_decimal_multiply(a, (struct nx_ratio){1, 1}, 1, &a) == NX_OK &&
           nx_decimal_multiply(b, (struct nx_ratio){1, 1}, 1, &b) == NX_OK &&
           a.mantissa == b.mantissa;
}

static void assert_same_members(const struct nx_json *x, const struct nx_json *d, const char *path)
{
    uint32_t at = 0, key, value;

    while (nx_json_each(x, 0, &at, &key, &value)) {
        struct nx_span name = nx_json_text(x, key);
        uint32_t back = nx_json_member(d, 0, name);

        if (is_carried(name) && (back == 0 || !same_value(x, value, d, back))) {
            fail_msg("%s: %.*s was %.*s and came back as %.*s", path, NX_SPAN_ARG(name),
                     NX_SPAN_ARG(nx_json_raw(x, value)),
                     NX_SPAN_ARG(back != 0 ? nx_json_raw(d, back) : NX_SPAN("nothing")));
        }
    }
}

static void must_keep_the_law(struct federation *f, const char *of, const char *path,
                              struct nx_span bytes)
{
    struct nx_json *x = nx_json_new(&nx_json_limits_payload, 1);
    struct nx_buf canonical, dialect, again;

    must_to_canonical(f, of, NULL, bytes, &canonical);
    must_from_canonical(f, of, nx_buf_view(&canonical), &dialect);
    must_to_canonical(f, of, NULL, nx_buf_view(&dialect), &again);
    if (!nx_span_eq(nx_buf_view(&again), nx_buf_view(&canonical))) {
        fail_msg("%s: canonical was\n%.*s\nand came back as\n%.*s", path,
                 NX_SPAN_ARG(nx_buf_view(&canonical)), NX_SPAN_ARG(nx_buf_view(&again)));
    }
    assert_non_null(x);
    assert_int_equal(nx_json_parse(x, bytes, NX_JSON_STRICT, NULL), NX_OK);
    assert_int_equal(nx_json_parse(f->json, nx_buf_view(&dialect), NX_JSON_STRICT, NULL), NX_OK);
    assert_same_members(x, f->json, path);
    nx_json_free(x);
    nx_buf_fini(&again);
    nx_buf_fini(&dialect);
    nx_buf_fini(&canonical);
}

static void a_reading_comes_back_from_canonical_as_it_was(void **state)
{
    federation_examples("birmingham", "valid", 17, must_keep_the_law, *state);
    federation_examples("ulsan", "valid", 20, must_keep_the_law, *state);
}

/* The peer's schema is checked by the exchange; the counter must arrive with the reading. */
static void must_be_readable_by_the_other(struct federation *f, const char *of, const char *path,
                                          struct nx_span bytes)
{
    const char *other = nx_span_is(nx_span_from(of), "ulsan") ? "birmingham" : "ulsan";
    struct nx_buf canonical, foreign;
    int64_t sent = -1, arrived = -1;

    (void)path;
    assert_int_equal(nx_json_parse(f->json, bytes, NX_JSON_STRICT, NULL), NX_OK);
    (void)nx_json_int(f->json, nx_json_member(f->json, 0, NX_SPAN("seq")), &sent);
    must_to_canonical(f, of, NULL, bytes, &canonical);
    must_from_canonical(f, other, nx_buf_view(&canonical), &foreign);
    assert_int_equal(nx_json_parse(f->json, nx_buf_view(&foreign), NX_JSON_STRICT, NULL), NX_OK);
    (void)nx_json_int(f->json, nx_json_member(f->json, 0, NX_SPAN("seq")), &arrived);
    assert_int_equal(arrived, sent);
    nx_buf_fini(&foreign);
    nx_buf_fini(&canonical);
}

static void every_reading_of_one_city_can_be_read_in_the_other(void **state)
{
    federation_examples("birmingham", "valid", 17, must_be_readable_by_the_other, *state);
    federation_examples("ulsan", "valid", 20, must_be_readable_by_the_other, *state);
}

/* Every canonical example is readable in both cities. */
static void must_be_readable_everywhere(struct federation *f, const char *of, const char *path,
                                        struct nx_span bytes)
{
    struct nx_buf out;

    (void)of;
    (void)path;
    must_from_canonical(f, "ulsan", bytes, &out);
    nx_buf_fini(&out);
    must_from_canonical(f, "birmingham", bytes, &out);
    nx_buf_fini(&out);
}

static void every_canonical_reading_can_be_read_in_both_cities(void **state)
{
    federation_examples("canonical", "valid", 8, must_be_readable_everywhere, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_valid_example_is_valid),
        cmocka_unit_test(every_invalid_example_is_refused),
        cmocka_unit_test(a_reading_comes_back_from_canonical_as_it_was),
        cmocka_unit_test(every_reading_of_one_city_can_be_read_in_the_other),
        cmocka_unit_test(every_canonical_reading_can_be_read_in_both_cities),
    };

    return cmocka_run_group_tests(tests, federation_open, federation_close);
}
