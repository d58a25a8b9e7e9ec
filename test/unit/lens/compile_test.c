/*
 * compile_test.c - a lens that is wrong is refused, with its place; one that runs leaves nothing
 * out in silence.
 */
#include "test/unit/unit.h"

#include "lens/codec.h"
#include "test/unit/lens/bench.h"

/* Where `place` begins in `row` for the last time. The rows stand on line 2, behind "rows":[ . */
static size_t place_of(const char *row, const char *place)
{
    const char *found = NULL;

    for (const char *at = strstr(row, place); at != NULL; at = strstr(at + 1, place)) {
        found = at;
    }
    assert_non_null(found);
    return (size_t)(found - row);
}

static void a_wrong_lens_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *row, *place, *text; /* the fault is where `place` begins for the last time */
    } cases[] = {
        {"{\"codec\":\"quantum\"}", "\"quantum", "there is no codec 'quantum'"},
        {"{\"canonical\":\"/a\"}", "{\"canonical", "expected a row, an object with a 'codec'"},
        {"{\"codec\":\"text\",\"canonical\":\"/a\",\"dialect\":\"/b\",\"unit\":1}", "\"unit",
         "the codec 'text' has no option 'unit'"},
        {"{\"codec\":\"text\",\"canonical\":\"/a\"}", "{\"codec", "needs the option 'dialect'"},
        {"{\"codec\":\"text\",\"canonical\":\"a\",\"dialect\":\"/b\"}", "\"a\"",
         "expected the JSON Pointer of a member"},
        {"{\"codec\":\"text\",\"canonical\":\"/a//b\",\"dialect\":\"/b\"}", "\"/a//b",
         "1 to 8 named levels"},
        {"{\"codec\":\"text\",\"canonical\":\"/1/2/3/4/5/6/7/8/9\",\"dialect\":\"/b\"}", "\"/1/2",
         "1 to 8 named levels"},
        {"{\"codec\":\"text\",\"canonical\":7,\"dialect\":\"/b\"}", "7", "expected string"},
        {"{\"codec\":\"text\",\"canonical\":\"/a\",\"dialect\":\"/b\"},"
         "{\"codec\":\"text\",\"canonical\":\"/a\",\"dialect\":\"/c\"}",
         "\"/a\",\"dialect\":\"/c", "two rows of this lens put the same member"},
        {"{\"codec\":\"text\",\"canonical\":\"/a\",\"dialect\":\"/b\"},"
         "{\"codec\":\"text\",\"canonical\":\"/a/x\",\"dialect\":\"/c\"}",
         "\"/a/x", "two rows of this lens put the same member"},
        {"{\"codec\":\"constant\",\"value\":1}", "{\"codec", "a constant is a member of"},
        {"{\"codec\":\"constant\",\"canonical\":\"/a\",\"dialect\":\"/a\",\"value\":1}", "{\"codec",
         "a constant is a member of"},
        {"{\"codec\":\"name\",\"canonical\":\"/a\",\"dialect\":\"/a\",\"required\":1}", "1}",
         "expected true or false"},
        {"{\"codec\":\"position\",\"canonical\":\"/a\",\"quality\":\"/q\",\"latitude\":\"/l\"}",
         "{\"codec", "'latitude' and 'longitude' go together"},
        {"{\"codec\":\"time\",\"canonical\":\"/a\",\"dialect\":\"/b\",\"format\":\"%Y-%m\"}",
         "{\"codec", "'Y' in a time pattern: expected yyyy"},
        {"{\"codec\":\"quantity\",\"canonical\":\"/a\",\"quality\":\"/q\",\"dialect\":\"/b\","
         "\"substance\":\"NO3\",\"unit\":\"ppm\",\"decimals\":1,\"dialect_decimals\":3}",
         "{\"codec", "NO2, O3, SO2, CO or particles"},
        {"{\"codec\":\"quantity\",\"canonical\":\"/a\",\"quality\":\"/q\",\"dialect\":\"/b\","
         "\"substance\":\"particles\",\"unit\":\"ppm\",\"decimals\":1,\"dialect_decimals\":3}",
         "{\"codec", "particles have no mixing ratio"},
        {"{\"codec\":\"quantity\",\"canonical\":\"/a\",\"quality\":\"/q\",\"dialect\":\"/b\","
         "\"substance\":\"O3\",\"unit\":\"ppm\",\"decimals\":7,\"dialect_decimals\":3}",
         "{\"codec", "expected 0 to 6 decimals"},
        {"{\"codec\":\"quantity\",\"canonical\":\"/a\",\"quality\":\"/q\",\"dialect\":\"/b\","
         "\"substance\":\"O3\",\"unit\":\"ppm\",\"decimals\":-1,\"dialect_decimals\":3}",
         "-1", "expected an integer from 0"},
    };
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t column = sizeof("\"rows\":[") + place_of(cases[i].row, cases[i].place);

        assert_int_equal(bench_lens(&b, "", cases[i].row), NX_ERR_INVALID);
        assert_null(b.lens);
        if (strstr(b.diag.text, cases[i].text) == NULL || b.diag.line != 2 ||
            b.diag.column != column || strcmp(b.diag.file, "lens.json") != 0) {
            fail_msg("%s\nexpected 2:%zu: %s\ngot %u:%u: %s", cases[i].row, column, cases[i].text,
                     b.diag.line, b.diag.column, b.diag.text);
        }
    }
    bench_fini(&b);
}

static void members_of_containers_are_nested_and_empty_containers_left_out(void **state)
{
    static const char rows[] =
        "{\"codec\":\"number\",\"canonical\":\"/deep/er/one\",\"dialect\":\"/a~1b/x\"},"
        "{\"codec\":\"number\",\"canonical\":\"/deep/two\",\"dialect\":\"/a~1b/y\"},"
        "{\"codec\":\"number\",\"canonical\":\"/three\",\"dialect\":\"/~0\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    assert_to_canonical(&b, "{\"a/b\":{\"x\":1,\"y\":2},\"~\":3}",
                        "{\"three\":3,\"deep\":{\"two\":2,\"er\":{\"one\":1}}}");
    assert_to_canonical(&b, "{\"a/b\":{\"y\":2}}", "{\"deep\":{\"two\":2}}");
    assert_to_canonical(&b, "{\"a/b\":{}}", "{}");
    assert_from_canonical(&b, "{\"deep\":{\"er\":{\"one\":1}}}", "{\"a/b\":{\"x\":1}}");
    bench_fini(&b);
}

static void members_are_found_in_any_order(void **state)
{
    static const char rows[] = "{\"codec\":\"number\",\"canonical\":\"/a\",\"dialect\":\"/a\"},"
                               "{\"codec\":\"number\",\"canonical\":\"/b\",\"dialect\":\"/b\"},"
                               "{\"codec\":\"number\",\"canonical\":\"/c\",\"dialect\":\"/c\"}";
    static const char *const orders[] = {
        "{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"c\":3,\"b\":2}",
        "{\"b\":2,\"a\":1,\"c\":3}", "{\"b\":2,\"c\":3,\"a\":1}",
        "{\"c\":3,\"a\":1,\"b\":2}", "{\"c\":3,\"x\":9,\"b\":2,\"a\":1}",
    };
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        assert_to_canonical(&b, orders[i], "{\"a\":1,\"b\":2,\"c\":3}");
    }
    bench_fini(&b);
}

static void what_no_row_reads_is_named_in_the_receipt(void **state)
{
    static const char rows[] = "{\"codec\":\"number\",\"canonical\":\"/a\",\"dialect\":\"/a/b\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    assert_to_canonical(&b, "{\"a\":{\"b\":1,\"c\":2},\"x~y\":3}", "{\"a\":1}");
    assert_told(&b, "{\"lens\":\"test@3\",\"from\":\"/a/c\",\"codec\":\"none\","
                    "\"reason\":\"not carried\"}");
    assert_told(&b, "\"from\":\"/x~0y\"");
    assert_to_canonical(&b, "{\"a\":7}", "{}");
    assert_told(&b, "{\"lens\":\"test@3\",\"from\":\"/a\",\"codec\":\"none\"");
    bench_fini(&b);
}

static void a_receipt_is_complete_json_at_any_size(void **state)
{
    static const char rows[] = "{\"codec\":\"number\",\"canonical\":\"/a\",\"dialect\":\"/a\"},"
                               "{\"codec\":\"number\",\"canonical\":\"/b\",\"dialect\":\"/b\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    for (size_t max = 2; max < 300; max++) {
        nx_receipt_fini(&b.receipt);
        nx_receipt_init(&b.receipt, max);
        assert_to_canonical(&b, "{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"b\":2}");
        assert_int_equal(nx_json_parse(b.json, nx_buf_view(&b.receipt.json), NX_JSON_STRICT, NULL),
                         NX_OK);
        assert_int_equal(nx_json_length(b.json, 0), b.receipt.rows);
        assert_true(b.receipt.rows < 3 || nx_buf_error(&b.receipt.json) == NX_OK);
    }
    assert_int_equal(b.receipt.rows, 3);
    bench_fini(&b);
}

static void a_translation_never_grows_over_its_maximum(void **state)
{
    static const char rows[] = "{\"codec\":\"text\",\"canonical\":\"/a\",\"dialect\":\"/a\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    nx_buf_fini(&b.out);
    nx_buf_init(&b.out, 16);
    assert_to_canonical(&b, "{\"a\":\"12345678\"}", "{\"a\":\"12345678\"}");
    assert_int_equal(nx_json_parse(b.json, NX_SPAN("{\"a\":\"123456789\"}"), NX_JSON_STRICT, NULL),
                     NX_OK);
    assert_int_equal(nx_lens_to_canonical(b.lens, &b.scene, b.json, &b.out, NULL, &b.diag),
                     NX_ERR_LIMIT);
    bench_fini(&b);
}

/* They share a bucket, as do those of the same name on two levels. */
static void names_of_the_same_length_and_ends_are_told_apart(void **state)
{
    static const char rows[] =
        "{\"codec\":\"text\",\"canonical\":\"/abba\",\"dialect\":\"/xaax\"},"
        "{\"codec\":\"text\",\"canonical\":\"/acca\",\"dialect\":\"/xbbx\"},"
        "{\"codec\":\"text\",\"canonical\":\"/o/abba\",\"dialect\":\"/o/xaax\"},"
        "{\"codec\":\"constant\",\"canonical\":\"/adda\",\"value\":4}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    assert_to_canonical(
        &b, "{\"xccx\":\"0\",\"xbbx\":\"2\",\"o\":{\"xbbx\":\"0\",\"xaax\":\"3\"},\"xaax\":\"1\"}",
        "{\"abba\":\"1\",\"acca\":\"2\",\"adda\":4,\"o\":{\"abba\":\"3\"}}");
    assert_told(&b, "\"from\":\"/o/xbbx\"");
    assert_from_canonical(&b, "{\"acca\":\"2\",\"adda\":5}", "{\"xbbx\":\"2\"}");
    bench_fini(&b);
}

static void only_an_object_can_be_translated(void **state)
{
    static const char rows[] = "{\"codec\":\"text\",\"canonical\":\"/a\",\"dialect\":\"/a\"}";
    struct bench b;

    (void)state;
    bench_birmingham(&b);
    assert_int_equal(bench_lens(&b, "", rows), NX_OK);
    assert_to_canonical(&b, "[]", NULL);
    assert_to_canonical(&b, "null", NULL);
    assert_from_canonical(&b, "\"a\"", NULL);
    bench_fini(&b);
}

static void an_asset_is_known_by_its_code_or_its_name(void **state)
{
    static const char by_code[] =
        "{\"codec\":\"asset\",\"canonical\":\"/refDevice\",\"dialect\":\"/site\"}";
    static const char by_name[] =
        "{\"codec\":\"name\",\"canonical\":\"/name\",\"dialect\":\"/stationName\"}";
    static const struct {
        const char *row, *payload, *asset;
    } cases[] = {
        {by_code, "{\"site\":\"sinjeong-dong\"}", "sinjeong-dong"},
        {by_code, "{\"site\":\"LAB-1\"}", "LAB-1"},
        {by_code, "{\"site\":7}", ""},
        {by_code, "{}", ""},
        {by_name, "{\"stationName\":\"무거동\"}", "mugeo-dong"},
        {by_name, "{\"stationName\":\"중구\"}", ""},
        {by_name, "[]", ""},
    };
    struct bench b;

    (void)state;
    bench_ulsan(&b);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_span found;
        assert_int_equal(bench_lens(&b, "", cases[i].row), NX_OK);
        assert_int_equal(
            nx_json_parse(b.json, nx_span_from(cases[i].payload), NX_JSON_STRICT, NULL), NX_OK);
        found = nx_lens_asset(b.lens, &b.domain, b.json);
        assert_true(nx_span_is(found, cases[i].asset));
    }
    bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_lens_is_refused_with_its_place),
        cmocka_unit_test(members_of_containers_are_nested_and_empty_containers_left_out),
        cmocka_unit_test(members_are_found_in_any_order),
        cmocka_unit_test(what_no_row_reads_is_named_in_the_receipt),
        cmocka_unit_test(a_receipt_is_complete_json_at_any_size),
        cmocka_unit_test(a_translation_never_grows_over_its_maximum),
        cmocka_unit_test(names_of_the_same_length_and_ends_are_told_apart),
        cmocka_unit_test(only_an_object_can_be_translated),
        cmocka_unit_test(an_asset_is_known_by_its_code_or_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
