/*
 * decimal_test.c - decimals in, decimals out; and the factors between ppm and ug/m3.
 */
#include "test/unit/unit.h"

#include "lens/decimal.h"
#include "lens/substance.h"

#include <stdio.h>

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Parses, multiplies by num/den, rounds, writes. "error" for what is refused. */
static const char *worked(const char *text, struct nx_ratio by, int decimals,
                          char out[NX_DECIMAL_TEXT_MAX])
{
    struct nx_decimal value;

    if (nx_decimal_parse(nx_span_from(text), &value) != NX_OK ||
        nx_decimal_multiply(value, by, decimals, &value) != NX_OK) {
        return "error";
    }
    return nx_decimal_format(value, out).ptr;
}

static void numbers_are_read_as_json_writes_them(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"0", "0.0000"},
        {"-0", "0.0000"},
        {"42.1", "42.1000"},
        {"42.10000", "42.1000"},
        {"0.022", "0.0220"},
        {"27E-1", "2.7000"},
        {"3.14e1", "31.4000"},
        {"1e3", "1000.0000"},
        {"1E+3", "1000.0000"},
        {"-1.918235", "-1.9182"},
        {"0.30000000000000004", "0.3000"},
        {"42.099999999999994", "42.1000"},
        {"1e-9999999999", "0.0000"},
        {"0.00000000000000000000001", "0.0000"},
        {"0e99", "0.0000"},
        {"123456789012345", "123456789012345.0000"},
        {"1e15", "error"},
        {"1e9999999999", "error"},
        {"", "error"},
        {"-", "error"},
        {"+1", "error"},
        {"01", "error"},
        {"00.5", "error"},
        {".5", "error"},
        {"5.", "error"},
        {"1e", "error"},
        {"1e+", "error"},
        {"1 ", "error"},
        {" 1", "error"},
        {"0,022", "error"},
        {"0x10", "error"},
        {"NaN", "error"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[NX_DECIMAL_TEXT_MAX];
        const char *got = worked(cases[i].text, (struct nx_ratio){1, 1}, 4, out);
        if (strcmp(got, cases[i].expected) != 0) {
            fail_msg("'%s': expected %s, got %s", cases[i].text, cases[i].expected, got);
        }
    }
}

static void rounding_is_half_away_from_zero(void **state)
{
    static const struct {
        const char *text;
        int decimals;
        const char *expected;
    } cases[] = {
        {"0.05", 1, "0.1"},
        {"0.15", 1, "0.2"},
        {"0.25", 1, "0.3"},
        {"0.35", 1, "0.4"},
        {"42.05", 1, "42.1"},
        {"42.04", 1, "42.0"},
        {"-0.05", 1, "-0.1"},
        {"-0.04", 1, "0.0"},
        {"2.5", 0, "3"},
        {"0.0495", 3, "0.050"},
        {"0.0494", 3, "0.049"},
        {"999.95", 1, "1000.0"},
        {"0.0499999999999999999999", 1, "0.0"},
        {"0.0500000000000000000001", 1, "0.1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[NX_DECIMAL_TEXT_MAX];
        const char *got = worked(cases[i].text, (struct nx_ratio){1, 1}, cases[i].decimals, out);
        if (strcmp(got, cases[i].expected) != 0) {
            fail_msg("'%s': expected %s, got %s", cases[i].text, cases[i].expected, got);
        }
    }
}

/* ug/m3 in one ppb: 0, 20 and 25 degrees Celsius at 101.325 kPa. */
/* 2^64 lies between two lines of each pair: nobody may see on which side a product was made. */
static void a_product_is_exact_whether_it_needs_64_bits_or_more(void **state)
{
    static const struct {
        const char *text;
        struct nx_ratio by;
        int decimals;
        const char *expected;
    } cases[] = {
        {"4294967295", {INT64_C(4294967296), INT64_C(4294967296)}, 1, "4294967295.0"},
        {"4294967296", {INT64_C(4294967296), INT64_C(4294967296)}, 1, "4294967296.0"},
        {"0.5", {INT64_C(9223372036854775807), INT64_C(9223372036854775807)}, 0, "1"},
        {"-0.5", {INT64_C(9223372036854775807), INT64_C(9223372036854775807)}, 0, "-1"},
        {"0.4999999", {INT64_C(9223372036854775807), INT64_C(9223372036854775807)}, 0, "0"},
        {"3", {INT64_C(3074457345618258602), 2}, 0, "4611686018427387903"},
        {"3", {INT64_C(3074457345618258602), 1}, 0, "9223372036854775806"},
        {"3", {INT64_C(3074457345618258603), 1}, 0, "error"},
        {"999999999999999", {INT64_C(9223372036854775807), 1}, 9, "error"},
        {"999999999999999",
         {INT64_C(9223372036854775807), INT64_C(4611686018427387905)},
         9,
         "error"},
        {"0.000000000000001", {1, INT64_C(9223372036854775807)}, 9, "0.000000000"},
    };
    char out[NX_DECIMAL_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(worked(cases[i].text, cases[i].by, cases[i].decimals, out),
                            cases[i].expected);
    }
}

static void a_ppb_weighs_what_the_ideal_gas_law_says(void **state)
{
    static const struct {
        const char *gas, *at_0, *at_20, *at_25;
    } cases[] = {
        {"NO2", "2.0525", "1.9125", "1.8804"},
        {"O3", "2.1414", "1.9953", "1.9619"},
        {"SO2", "2.8583", "2.6633", "2.6186"},
        {"CO", "1.2497", "1.1644", "1.1449"},
    };
    static const double celsius[] = {0, 20, 25};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *expected[] = {cases[i].at_0, cases[i].at_20, cases[i].at_25};
        const struct nx_substance *gas = nx_substance_find(nx_span_from(cases[i].gas));
        assert_non_null(gas);
        for (size_t t = 0; t < 3; t++) {
            struct nx_reference reference = {celsius[t], 101.325};
            struct nx_ratio by = nx_substance_per_ppm(gas, nx_state_of(&reference));
            char out[NX_DECIMAL_TEXT_MAX];
            assert_string_equal(worked("0.001", by, 4, out), expected[t]);
        }
    }
}

static void the_declared_reference_decides_how_much_22_ppb_of_no2_are(void **state)
{
    const struct nx_substance *no2 = nx_substance_find(NX_SPAN("NO2"));
    struct nx_reference korea = {25, 101.325};
    char out[NX_DECIMAL_TEXT_MAX];

    (void)state;
    assert_string_equal(worked("0.022", nx_substance_per_ppm(no2, nx_state_canonical), 1, out),
                        "42.1");
    assert_string_equal(worked("0.022", nx_substance_per_ppm(no2, nx_state_of(&korea)), 1, out),
                        "41.4");
    assert_string_equal(
        worked("42.1", nx_state_change(nx_state_canonical, nx_state_of(&korea)), 1, out), "41.4");
    assert_string_equal(
        worked("41.4", nx_state_change(nx_state_of(&korea), nx_state_canonical), 1, out), "42.1");
}

static void the_same_reference_changes_nothing(void **state)
{
    struct nx_reference birmingham = {20, 101.325};
    struct nx_ratio by = nx_state_change(nx_state_of(&birmingham), nx_state_canonical);

    (void)state;
    assert_int_equal(by.num, 1);
    assert_int_equal(by.den, 1);
}

static void what_is_not_in_the_table_has_no_mass(void **state)
{
    (void)state;
    assert_null(nx_substance_find(NX_SPAN("no2")));
    assert_null(nx_substance_find(NX_SPAN("")));
}

/* By trying, as its contract says it. */
static enum nx_err divide_by_trying(struct nx_decimal value, int decimals, struct nx_ratio by,
                                    int at_least, int at_most, struct nx_decimal *out)
{
    struct nx_decimal wanted, back;

    if (nx_decimal_multiply(value, (struct nx_ratio){1, 1}, decimals, &wanted) != NX_OK) {
        return NX_ERR_LIMIT;
    }
    for (int d = at_least; d <= at_most; d++) {
        if (nx_decimal_multiply(value, nx_ratio_inverse(by), d, out) != NX_OK) {
            return NX_ERR_LIMIT;
        }
        if (nx_decimal_multiply(*out, by, decimals, &back) != NX_OK) {
            return d == at_most ? NX_OK : NX_ERR_LIMIT;
        }
        if (back.mantissa == wanted.mantissa) {
            break;
        }
    }
    return NX_OK;
}

static void the_fewest_decimals_that_read_back_are_found(void **state)
{
    const struct nx_ratio fixed[] = {{1, 1}, {1000, 1}, {1, 1000}, {3, 7}, {2, 1}, {1, 2}, {20, 1}};
    uint64_t seed = 5;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        int decimals = (int)(next(&seed) % 3), at_least = (int)(next(&seed) % 4);
        int at_most = at_least + (int)(next(&seed) % 4), gas = (int)(next(&seed) % 4);
        static const char *const gases[] = {"NO2", "O3", "SO2", "CO"};
        struct nx_decimal value = {(int64_t)(next(&seed) >> next(&seed) % 60),
                                   next(&seed) % 8 == 0 ? 2 : decimals};
        struct nx_ratio by =
            nx_substance_per_ppm(nx_substance_find(nx_span_from(gases[gas])), nx_state_canonical);
        struct nx_decimal found = {0, 0}, expected = {0, 0};
        if (next(&seed) % 4 == 0) {
            by = fixed[next(&seed) % (sizeof(fixed) / sizeof(fixed[0]))];
        }
        value.mantissa = next(&seed) % 8 == 0 ? -(value.mantissa % 100000) : value.mantissa;
        enum nx_err err = nx_decimal_divide(value, decimals, by, at_least, at_most, &found);
        assert_int_equal(err, divide_by_trying(value, decimals, by, at_least, at_most, &expected));
        if (err == NX_OK &&
            (found.mantissa != expected.mantissa || found.scale != expected.scale)) {
            fail_msg("%lld / 10^%d by %lld / %lld: %lld / 10^%d and not %lld / 10^%d",
                     (long long)value.mantissa, value.scale, (long long)by.num, (long long)by.den,
                     (long long)found.mantissa, found.scale, (long long)expected.mantissa,
                     expected.scale);
        }
    }
}

static void a_decimal_is_written_with_all_its_decimals(void **state)
{
    uint64_t seed = 9;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        char out[NX_DECIMAL_TEXT_MAX], expected[64];
        struct nx_decimal value = {(int64_t)(next(&seed) >> next(&seed) % 63 >> 1),
                                   (int)(next(&seed) % 19)};
        int64_t power = 1;
        struct nx_span text;
        for (int d = 0; d < value.scale; d++) {
            power *= 10;
        }
        (void)snprintf(expected, sizeof(expected), "%lld%s%0*lld",
                       (long long)(value.mantissa / power), value.scale > 0 ? "." : "", value.scale,
                       (long long)(value.mantissa % power));
        if (value.scale == 0) {
            (void)snprintf(expected, sizeof(expected), "%lld", (long long)value.mantissa);
        }
        text = nx_decimal_format(value, out);
        assert_string_equal(text.ptr, expected);
        assert_int_equal(text.len, strlen(expected));
        value.mantissa = -value.mantissa;
        if (value.mantissa < 0) {
            assert_int_equal(nx_decimal_format(value, out).ptr[0], '-');
            assert_string_equal(nx_decimal_format(value, out).ptr + 1, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_json_writes_them),
        cmocka_unit_test(rounding_is_half_away_from_zero),
        cmocka_unit_test(a_product_is_exact_whether_it_needs_64_bits_or_more),
        cmocka_unit_test(a_ppb_weighs_what_the_ideal_gas_law_says),
        cmocka_unit_test(the_declared_reference_decides_how_much_22_ppb_of_no2_are),
        cmocka_unit_test(the_same_reference_changes_nothing),
        cmocka_unit_test(what_is_not_in_the_table_has_no_mass),
        cmocka_unit_test(the_fewest_decimals_that_read_back_are_found),
        cmocka_unit_test(a_decimal_is_written_with_all_its_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
