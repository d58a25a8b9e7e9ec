/*
 * number_test.c - exact decimals.
 */
#include "core/number.h"

#include "test/unit/unit.h"

#include <locale.h>

static struct nx_number read_ok(const char *text)
{
    struct nx_number number;
    assert_int_equal(nx_number_read(nx_span_from(text), &number), NX_OK);
    return number;
}

static int compare(const char *a, const char *b)
{
    struct nx_number left = read_ok(a);
    struct nx_number right = read_ok(b);
    int forth = nx_number_compare(&left, &right);
    int back = nx_number_compare(&right, &left);
    assert_int_equal((forth > 0) - (forth < 0), (back < 0) - (back > 0));
    return (forth > 0) - (forth < 0);
}

static void equal_numbers_are_equal_however_they_are_written(void **state)
{
    static const char *const pairs[][2] = {
        {"1", "1.0"},
        {"1", "10e-1"},
        {"0", "-0.0e9"},
        {"1200", "12e2"},
        {"0.5", "5E-1"},
        {"123456789012345678901234567890", "1.2345678901234567890123456789e29"},
        {"-0.000", "0"},
        {"100000000000000000000", "1e20"},
        {"12345678901234567890123.000", "12345678901234567890123"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct nx_number a = read_ok(pairs[i][0]);
        struct nx_number b = read_ok(pairs[i][1]);
        assert_int_equal(compare(pairs[i][0], pairs[i][1]), 0);
        assert_true(nx_number_hash(&a, 9) == nx_number_hash(&b, 9));
    }
}

static void smaller_numbers_compare_smaller(void **state)
{
    static const char *const ascending[] = {"-1e400",
                                            "-98765432109876543210987",
                                            "-98765432109876543210986.9",
                                            "-9007199254740993",
                                            "-9007199254740992",
                                            "-1.1",
                                            "-1",
                                            "-1e-400",
                                            "0",
                                            "1e-400",
                                            "0.1",
                                            "0.10000000000000001",
                                            "0.9999999999999999999999999",
                                            "1",
                                            "9",
                                            "10",
                                            "9007199254740992",
                                            "9007199254740993",
                                            "18446744073709551615",
                                            "18446744073709551616",
                                            "123456789012345678901234567890",
                                            "123456789012345678901234567891",
                                            "1e400",
                                            "2e400"};
    (void)state;
    for (size_t i = 0; i < sizeof(ascending) / sizeof(ascending[0]); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(compare(ascending[j], ascending[i]), -1);
        }
    }
}

static bool is_multiple(const char *number, const char *step)
{
    struct nx_number a = read_ok(number);
    struct nx_number b = read_ok(step);
    return nx_number_is_multiple(&a, &b);
}

static void multiples_are_decimal(void **state)
{
    (void)state;
    assert_true(is_multiple("19.99", "0.01"));
    assert_true(is_multiple("0.3", "0.1"));
    assert_true(is_multiple("1e308", "0.5"));
    assert_true(is_multiple("-4.5", "1.5"));
    assert_true(is_multiple("0", "7"));
    assert_true(is_multiple("123456789012345678901234567890", "10"));
    assert_true(is_multiple("99999999999999999999999999999999999999", "3"));
    assert_true(is_multiple("12391239123", "1e-8"));
    assert_false(is_multiple("0.0075", "0.001"));
    assert_false(is_multiple("4.55", "1.5"));
    assert_false(is_multiple("1", "10"));
    assert_false(is_multiple("10000000000000000000000000000000000000001", "3"));
    assert_false(is_multiple("1e-9", "1e-8"));
}

static void integers_are_told_by_value(void **state)
{
    static const char *const integers[] = {"1", "1.0", "1e3", "-0.0", "1.50e1", "1e1000"};
    static const char *const others[] = {"1.5", "1e-1", "12345678901234567890.5"};
    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        struct nx_number number = read_ok(integers[i]);
        assert_true(nx_number_is_integer(&number));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct nx_number number = read_ok(others[i]);
        assert_false(nx_number_is_integer(&number));
    }
}

static void an_exponent_beyond_the_limit_is_not_decided(void **state)
{
    struct nx_number number;
    (void)state;
    assert_int_equal(nx_number_read(NX_SPAN("1e1000000000"), &number), NX_OK);
    assert_int_equal(nx_number_read(NX_SPAN("1e1000000001"), &number), NX_ERR_LIMIT);
    assert_int_equal(nx_number_read(NX_SPAN("1e-99999999999999999999"), &number), NX_ERR_LIMIT);
    assert_int_equal(nx_number_read(NX_SPAN("0e99999999999999999999"), &number), NX_OK);
}

static void doubles_are_nearest_in_every_locale(void **state)
{
    double value;
    (void)state;
    (void)setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* where it is installed, strtod wants a comma */
    assert_int_equal(nx_number_double(NX_SPAN("1234567890.12345678"), &value), NX_OK);
    assert_true(value == 1234567890.12345678);
    assert_int_equal(nx_number_double(NX_SPAN("-2.2250738585072011e-308"), &value), NX_OK);
    assert_true(value == -2.2250738585072011e-308);
    assert_int_equal(nx_number_double(NX_SPAN("1.7976931348623157e308"), &value), NX_OK);
    assert_int_equal(nx_number_double(NX_SPAN("1.8e308"), &value), NX_ERR_INVALID);
    (void)setlocale(LC_NUMERIC, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_numbers_are_equal_however_they_are_written),
        cmocka_unit_test(smaller_numbers_compare_smaller),
        cmocka_unit_test(multiples_are_decimal),
        cmocka_unit_test(integers_are_told_by_value),
        cmocka_unit_test(an_exponent_beyond_the_limit_is_not_decided),
        cmocka_unit_test(doubles_are_nearest_in_every_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
