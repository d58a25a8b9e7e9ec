/*
 * json_test.c - the strict reader: what it takes, what it refuses and where it says the fault is.
 */
#include "core/json.h"

#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static int setup(void **state)
{
    *state = nx_json_new(&nx_json_limits_payload, 42);
    return *state == NULL;
}

static int teardown(void **state)
{
    nx_json_free(*state);
    return 0;
}

/* Parses a heap copy of exactly `len` bytes, so that a read past the end is seen. */
static enum nx_err parse(struct nx_json *json, const char *text, size_t len, struct nx_diag *diag)
{
    static char *copy;
    free(copy);
    copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return nx_json_parse(json, (struct nx_span){copy, len}, NX_JSON_STRICT, diag);
}

static void takes(struct nx_json *json, const char *text)
{
    struct nx_diag diag = {0};
    if (parse(json, text, strlen(text), &diag) != NX_OK) {
        fail_msg("refused %s: %s", text, diag.text);
    }
}

static void refuses(struct nx_json *json, struct nx_span text, unsigned column)
{
    struct nx_diag diag = {0};
    enum nx_err err = parse(json, text.ptr, text.len, &diag);
    if (err != NX_ERR_SYNTAX) {
        fail_msg("not refused as syntax (%s): %.*s", nx_err_text(err), NX_SPAN_ARG(text));
    }
    if (diag.line != 1 || diag.column != column || diag.text[0] == '\0') {
        fail_msg("%.*s: fault at %u:%u, not 1:%u: %s", NX_SPAN_ARG(text), diag.line, diag.column,
                 column, diag.text);
    }
}

static void every_kind_of_value_is_taken(void **state)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1.5e+3",
        "1E400",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "[1,[2,[3]],{\"a\":{\"b\":[]}}]",
        "{\"\":1,\" \":2}",
        "\t\r\n 1\n",
        "\"\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\xF0\x9F\x98\x80\"",
        "\"\x7F\"",
        "\"\\ud800\"",
        "\"\xED\x9F\xBF\xEE\x80\x80\"",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        takes(*state, texts[i]);
    }
}

static void what_is_not_json_is_refused_with_its_column(void **state)
{
    static const struct {
        struct nx_span text;
        unsigned column;
    } cases[] = {
        {NX_SPAN(""), 1},
        {NX_SPAN("   "), 4},
        {NX_SPAN("{\"a\":1}xyz"), 8},
        {NX_SPAN("{} {}"), 4},
        {NX_SPAN("[01]"), 2},
        {NX_SPAN("[-01]"), 3},
        {NX_SPAN("[1.]"), 4},
        {NX_SPAN("[-.5]"), 3},
        {NX_SPAN("[+1]"), 2},
        {NX_SPAN("[1e]"), 4},
        {NX_SPAN("[0x10]"), 3},
        {NX_SPAN("[NaN]"), 2},
        {NX_SPAN("[Infinity]"), 2},
        {NX_SPAN("[1,\x01 2]"), 4},
        {NX_SPAN("[1,\f2]"), 4},
        {NX_SPAN("[1,\0 2]"), 4},
        {NX_SPAN("\"a\nb\""), 3},
        {NX_SPAN("\"a\tb\""), 3},
        {NX_SPAN("\"a\0b\""), 3},
        {NX_SPAN("\"\xFF\""), 2},
        {NX_SPAN("\"\xC0\x80\""), 2},
        {NX_SPAN("\"\xE0\x80\x80\""), 2},
        {NX_SPAN("\"\xED\xA0\x80\""), 2},
        {NX_SPAN("\"\xF4\x90\x80\x80\""), 2},
        {NX_SPAN("\"abcdefgh\xC3\""), 10},
        {NX_SPAN("\"\xE2\x82"), 2},
        {NX_SPAN("\"abc"), 1},
        {NX_SPAN("\"a\\"), 4},
        {NX_SPAN("\"\\x41\""), 2},
        {NX_SPAN("\"\\u12g4\""), 2},
        {NX_SPAN("\"\\u12"), 2},
        {NX_SPAN("\"\\\0\""), 2},
        {NX_SPAN("[1,]"), 4},
        {NX_SPAN("[,1]"), 2},
        {NX_SPAN("[1 2]"), 4},
        {NX_SPAN("[1"), 3},
        {NX_SPAN("[1}"), 3},
        {NX_SPAN("]"), 1},
        {NX_SPAN("{\"a\"}"), 5},
        {NX_SPAN("{\"a\":}"), 6},
        {NX_SPAN("{\"a\":1,}"), 8},
        {NX_SPAN("{a:1}"), 2},
        {NX_SPAN("{1:1}"), 2},
        {NX_SPAN("{\"a\":1 \"b\":2}"), 8},
        {NX_SPAN("tru"), 1},
        {NX_SPAN("True"), 1},
        {NX_SPAN("nullx"), 5},
        {NX_SPAN("'a'"), 1},
        {NX_SPAN("/* no */ 1"), 1},
        {NX_SPAN("\xEF\xBB\xBF{}"), 1},
        {NX_SPAN("\xA0"), 1},
        {NX_SPAN("{\"a\":1,\"a\":2}"), 8},
        {NX_SPAN("{\"a\":1,\"\\u0061\":2}"), 8},
        {NX_SPAN("{\"\":1,\"\":2}"), 7},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        refuses(*state, cases[i].text, cases[i].column);
    }
}

static void line_and_column_of_a_fault_are_told(void **state)
{
    struct nx_diag diag = {0};
    const char *text = "{\n  \"a\": 1,\n  \"b\": oops\n}";
    assert_int_equal(parse(*state, text, strlen(text), &diag), NX_ERR_SYNTAX);
    assert_int_equal(diag.line, 3);
    assert_int_equal(diag.column, 8);
    assert_string_equal(diag.text, "expected a value, found 'o'");
}

static void after_an_error_the_reader_serves_the_next_document(void **state)
{
    struct nx_json *json = *state;
    uint32_t count = 99;
    assert_int_equal(parse(json, "[1,", 3, NULL), NX_ERR_SYNTAX);
    (void)nx_json_nodes(json, &count);
    assert_int_equal(count, 0);
    takes(json, "[1,2]");
    (void)nx_json_nodes(json, &count);
    assert_int_equal(count, 3);
}

/* {"k0":0,"k1":1,...} with `count` members, the last named as `last` says. */
static char *wide_object(unsigned count, unsigned last)
{
    size_t cap = (size_t)count * 20 + 32;
    char *text = malloc(cap);
    size_t len = 0;
    assert_non_null(text);
    text[len++] = '{';
    for (unsigned i = 0; i < count; i++) {
        unsigned name = i == count - 1 ? last : i;
        len += (size_t)snprintf(text + len, cap - len, "%s\"k%u\":%u", i ? "," : "", name, i);
    }
    text[len++] = '}';
    text[len] = '\0';
    return text;
}

static void a_repeated_name_is_found_in_narrow_and_wide_objects(void **state)
{
    static const unsigned counts[] = {2, 11, 32, 33, 100, 5000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        unsigned count = counts[i];
        char *unique = wide_object(count, count - 1);
        char *repeated = wide_object(count, 0);
        struct nx_diag diag = {0};
        takes(*state, unique);
        assert_int_equal(parse(*state, repeated, strlen(repeated), &diag), NX_ERR_SYNTAX);
        assert_string_equal(diag.text, "the member name \"k0\" is repeated in this object");
        free(unique);
        free(repeated);
    }
}

static void the_same_name_in_two_objects_is_no_repetition(void **state)
{
    takes(*state, "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}");
}

static void limits_are_told_apart_from_syntax(void **state)
{
    const struct nx_json_limits limits = {
        .bytes_max = 64, .depth_max = 3, .nodes_max = 8, .number_max = 5};
    struct nx_json *json = nx_json_new(&limits, 1);
    struct nx_diag diag = {0};
    char long_text[66];
    (void)state;
    assert_non_null(json);
    memset(long_text, ' ', sizeof(long_text));
    assert_int_equal(parse(json, "[[[1]]]", 7, &diag), NX_OK);
    assert_int_equal(parse(json, "[[[[1]]]]", 9, &diag), NX_ERR_LIMIT);
    assert_int_equal(diag.column, 4);
    assert_int_equal(parse(json, "[1,2,3,4,5,6,7]", 15, &diag), NX_OK);
    assert_int_equal(parse(json, "[1,2,3,4,5,6,7,8]", 17, &diag), NX_ERR_LIMIT);
    assert_int_equal(parse(json, "12345", 5, &diag), NX_OK);
    assert_int_equal(parse(json, "123456", 6, &diag), NX_ERR_LIMIT);
    assert_int_equal(parse(json, long_text, 65, &diag), NX_ERR_LIMIT);
    nx_json_free(json);
}

static void nodes_are_enough_for_any_nesting_of_short_values(void **state)
{
    char text[300];
    size_t len = 0;
    for (int i = 0; i < 64; i++) {
        text[len++] = '[';
    }
    text[len++] = '1';
    for (int i = 0; i < 64; i++) {
        text[len++] = ']';
    }
    text[len] = '\0';
    takes(*state, text);
    assert_int_equal(parse(*state, text, 64, NULL), NX_ERR_SYNTAX);
}

static void escapes_are_decoded(void **state)
{
    struct nx_json *json = *state;
    const struct nx_json_node *nodes;
    uint32_t count;
    struct nx_span text;
    takes(json, "[\"a\\u0000b\",\"\\ud83d\\ude00\\u00e9\",\"\\ud800x\",\"plain\",\"\\\\n\"]");
    nodes = nx_json_nodes(json, &count);
    assert_int_equal(count, 6);
    text = nx_json_text(json, 1);
    assert_int_equal(text.len, 3);
    assert_memory_equal(text.ptr, "a\0b", 3);
    assert_true(nx_span_is(nx_json_text(json, 2), "\xF0\x9F\x98\x80\xC3\xA9"));
    assert_true(nx_span_is(nx_json_text(json, 3), "\xED\xA0\x80x"));
    assert_int_equal(nodes[3].flags & NX_JSON_LONE_SURROGATE, NX_JSON_LONE_SURROGATE);
    assert_int_equal(nodes[2].flags & NX_JSON_LONE_SURROGATE, 0);
    assert_true(nx_span_is(nx_json_text(json, 4), "plain"));
    assert_int_equal(nodes[4].flags, 0);
    assert_true(nx_span_is(nx_json_text(json, 5), "\\n"));
}

static void comments_are_taken_only_where_asked_for(void **state)
{
    struct nx_json *json = *state;
    struct nx_diag diag = {0};
    struct nx_span text = NX_SPAN("// first\n{ /* a */ \"a\" : // b\n [1, /**/ 2] } /* end */");
    assert_int_equal(nx_json_parse(json, text, NX_JSON_STRICT, &diag), NX_ERR_SYNTAX);
    assert_int_equal(nx_json_parse(json, text, NX_JSON_COMMENTS, &diag), NX_OK);
    assert_true(nx_span_is(nx_json_raw(json, 0), "{ /* a */ \"a\" : // b\n [1, /**/ 2] }"));
    assert_int_equal(nx_json_parse(json, NX_SPAN("1 /* open"), NX_JSON_COMMENTS, &diag),
                     NX_ERR_SYNTAX);
    assert_int_equal(diag.column, 3);
    assert_int_equal(nx_json_parse(json, NX_SPAN("1 /"), NX_JSON_COMMENTS, &diag), NX_ERR_SYNTAX);
    assert_int_equal(nx_json_parse(json, NX_SPAN("// only"), NX_JSON_COMMENTS, &diag),
                     NX_ERR_SYNTAX);
}

static void a_comment_may_stand_wherever_white_space_may(void **state)
{
    struct nx_json *json = *state;
    static const char *const open[] = {"[1 /", "{ /* a", "[1, /*", "{\"a\": /*", "{\"a\" /x/ :1}"};
    struct nx_diag diag = {0};
    struct nx_span text = NX_SPAN("/*1*/{/*2*/\"a\"/*3*/:/*4*/[/*5*/1/*6*/,/*7*/\"x\"/*8*/]/*9*/,"
                                  "/*10*/\"b\":/*11*/null/*12*/,\"c\":{/*13*/},\"d\":[/*14*/]"
                                  "/*15*/}/*16*/");
    assert_int_equal(nx_json_parse(json, text, NX_JSON_COMMENTS, &diag), NX_OK);
    assert_int_equal(nx_json_length(json, 0), 4);
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        assert_int_equal(nx_json_parse(json, nx_span_from(open[i]), NX_JSON_COMMENTS, &diag),
                         NX_ERR_SYNTAX);
    }
}

static void names_that_are_hard_to_tell_apart_are_told_apart(void **state)
{
    struct nx_diag diag = {0};
    static const char *const repeated[] = {
        "{\"a\":1,\"\\u0061\":2}", "{\"\\u0061\":1,\"b\":2,\"a\":3}", "{\"\":1,\"\":2}",
        "{\"x-temperature\":1,\"y-temperature\":2,\"x-temperature\":3}",
        "{\"o\":{\"a\":1},\"p\":[{\"a\":1,\"a\":2}]}"};
    takes(*state, "{\"x-temperature\":1,\"y-temperature\":2,\"z-temperature\":3}");
    takes(*state, "{\"\":1,\"a\":2,\"aa\":3,\"aaa\":4,\"aaaaaaa\":5,\"aaaaaaaa\":6,\"aaaaaa\":7}");
    takes(*state, "{\"\\u0061\":1,\"b\":2,\"c\":3,\"\\u0062b\":4}");
    for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
        assert_int_equal(parse(*state, repeated[i], strlen(repeated[i]), &diag), NX_ERR_SYNTAX);
        assert_non_null(strstr(diag.text, "is repeated in this object"));
    }
}

static void members_are_looked_up_by_their_decoded_name(void **state)
{
    struct nx_json *json = *state;
    uint32_t node;
    takes(json, "{\"a\":[1,2],\"\\u0062\":{\"c\":null},\"A\":3}");
    node = nx_json_member(json, 0, NX_SPAN("b"));
    assert_int_equal(nx_json_type(json, node), NX_JSON_OBJECT);
    assert_int_equal(nx_json_type(json, nx_json_member(json, node, NX_SPAN("c"))), NX_JSON_NULL);
    assert_int_equal(nx_json_member(json, 0, NX_SPAN("c")), 0);
    assert_int_equal(nx_json_member(json, nx_json_member(json, 0, NX_SPAN("a")), NX_SPAN("1")), 0);
    assert_true(nx_span_is(nx_json_text(json, nx_json_member(json, 0, NX_SPAN("A"))), "3"));
}

static void the_length_of_a_container_is_its_items_or_members(void **state)
{
    struct nx_json *json = *state;
    takes(json, "[[],{\"a\":[1,2],\"b\":0},\"abc\"]");
    assert_int_equal(nx_json_length(json, 0), 3);
    assert_int_equal(nx_json_length(json, 1), 0);
    assert_int_equal(nx_json_length(json, 2), 2);
    assert_int_equal(nx_json_length(json, 4), 2);
    assert_int_equal(nx_json_length(json, 9), 0);
}

static void walking_a_container_gives_each_item_once(void **state)
{
    struct nx_json *json = *state;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    char seen[4] = "";
    size_t count = 0;
    takes(json, "{\"x\":[[1],2],\"y\":{},\"z\":3}");
    while (nx_json_each(json, 0, &at, &key, &value)) {
        seen[count++] = nx_json_text(json, key).ptr[0];
    }
    assert_string_equal(seen, "xyz");
    at = 0;
    assert_false(nx_json_each(json, nx_json_member(json, 0, NX_SPAN("y")), &at, &key, &value));
    at = 0;
    assert_false(nx_json_each(json, nx_json_member(json, 0, NX_SPAN("z")), &at, &key, &value));
}

static void the_bytes_of_a_value_are_found_again(void **state)
{
    struct nx_json *json = *state;
    static const char *const raws[] = {
        "[ 1 , {\"a\\\"]\" : [] } ]", "\"q\\\"\\\\\"", "-1.50e2", "true", "false", "null"};
    char text[256];
    for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"k\" :  %s  }", raws[i]);
        takes(json, text);
        assert_true(nx_span_is(nx_json_raw(json, 2), raws[i]));
    }
}

static void pointers_lead_to_nodes_and_back(void **state)
{
    struct nx_json *json = *state;
    static const char *const pointers[] = {"", "/a~1b", "/m~0n", "/m~0n/1", "/m~0n/1/", "/m~0n/2"};
    uint32_t node;
    takes(json, "{\"a/b\":1,\"m~n\":[true,{\"\":0},\"x\"]}");
    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        struct nx_buf out;
        nx_buf_init(&out, 100);
        assert_true(nx_json_at(json, nx_span_from(pointers[i]), &node));
        assert_int_equal(nx_json_pointer(json, node, &out), NX_OK);
        assert_true(nx_span_eq(nx_buf_view(&out), nx_span_from(pointers[i])));
        nx_buf_fini(&out);
    }
    assert_false(nx_json_at(json, NX_SPAN("a"), &node));
    assert_false(nx_json_at(json, NX_SPAN("/nope"), &node));
    assert_false(nx_json_at(json, NX_SPAN("/m~0n/3"), &node));
    assert_false(nx_json_at(json, NX_SPAN("/m~0n/01"), &node));
    assert_false(nx_json_at(json, NX_SPAN("/m~0n/-"), &node));
    assert_false(nx_json_at(json, NX_SPAN("/m~2n"), &node));
    assert_false(nx_json_at(json, NX_SPAN("/a~1b/x"), &node));
}

static void a_diagnosis_points_at_the_node(void **state)
{
    struct nx_json *json = *state;
    struct nx_diag diag = {0};
    takes(json, "{\n \"a\": [1,\n  2]}");
    nx_json_diag_at(json, 4, "x.json", &diag);
    assert_string_equal(diag.file, "x.json");
    assert_string_equal(diag.pointer, "/a/1");
    assert_int_equal(diag.line, 3);
    assert_int_equal(diag.column, 3);
}

static void integers_are_exact_and_doubles_nearest(void **state)
{
    struct nx_json *json = *state;
    int64_t integer = 0;
    double real = 0;
    takes(json, "[9223372036854775807,-9223372036854775808,1.0,12e2,9223372036854775808,1.5,"
                "0.1,1e400,9007199254740993,-2.5e-3,\"1\",5e-324]");
    assert_int_equal(nx_json_int(json, 1, &integer), NX_OK);
    assert_true(integer == INT64_MAX);
    assert_int_equal(nx_json_int(json, 2, &integer), NX_OK);
    assert_true(integer == INT64_MIN);
    assert_int_equal(nx_json_int(json, 3, &integer), NX_OK);
    assert_true(integer == 1);
    assert_int_equal(nx_json_int(json, 4, &integer), NX_OK);
    assert_true(integer == 1200);
    assert_int_equal(nx_json_int(json, 5, &integer), NX_ERR_INVALID);
    assert_int_equal(nx_json_int(json, 6, &integer), NX_ERR_INVALID);
    assert_int_equal(nx_json_double(json, 7, &real), NX_OK);
    assert_true(real == 0.1);
    assert_int_equal(nx_json_double(json, 8, &real), NX_ERR_INVALID);
    assert_int_equal(nx_json_int(json, 9, &integer), NX_OK);
    assert_true(integer == 9007199254740993);
    assert_int_equal(nx_json_double(json, 10, &real), NX_OK);
    assert_true(real == -2.5e-3);
    assert_int_equal(nx_json_double(json, 11, &real), NX_ERR_INVALID);
    assert_int_equal(nx_json_double(json, 12, &real), NX_OK);
    assert_true(real == 5e-324);
}

/* A name and a value of every length, plain and otherwise, at every place. */
static void a_string_ends_at_its_quote_wherever_it_stands(void **state)
{
    static const char *const insides[] = {"", "\xC3\xA9", "\\n", "\\\"", "\xC3\xA9\xC3\xA9z"};
    static const char *const decoded[] = {"", "\xC3\xA9", "\n", "\"", "\xC3\xA9\xC3\xA9z"};
    static const char *const colons[] = {":", ": ", " :"};
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789ABCDEF"
        "abcdefghijklmnopqrstuvwxyz";
    enum { CHOICES = sizeof(insides) / sizeof(insides[0]) };

    for (int i = 0; i < 70 * 70 * CHOICES * CHOICES; i++) {
        int name = i % 70;
        int value = i / 70 % 70;
        int first = i / 4900 % CHOICES;
        int second = i / 4900 / CHOICES;
        char text[400];
        char expected[120];
        (void)snprintf(text, sizeof(text), "%*s{\"%.*s%s%.3s\"%s\"%.*s%s\",\"-\":\"last\"}", i % 9,
                       "", name, plain, insides[first], plain, colons[i % 3], value, plain,
                       insides[second]);
        takes(*state, text);
        (void)snprintf(expected, sizeof(expected), "%.*s%s%.3s", name, plain, decoded[first],
                       plain);
        assert_true(nx_span_is(nx_json_text(*state, 1), expected));
        (void)snprintf(expected, sizeof(expected), "%.*s%s", value, plain, decoded[second]);
        assert_true(nx_span_is(nx_json_text(*state, 2), expected));
        assert_true(nx_span_is(nx_json_text(*state, 4), "last"));
    }
}

static void quoting_escapes_what_json_asks_for(void **state)
{
    struct nx_buf out;
    (void)state;
    nx_buf_init(&out, 200);
    assert_int_equal(
        nx_json_quote(&out, NX_SPAN("a\"\\/\b\f\n\r\t\x01\0\xC3\xA9\x7F\xED\xA0\x80\xFF")), NX_OK);
    assert_true(nx_span_is(nx_buf_view(&out),
                           "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u0000\xC3\xA9\x7F"
                           "\\ud800\\ufffd\""));
    nx_buf_fini(&out);
    nx_buf_init(&out, 4);
    assert_int_equal(nx_json_quote(&out, NX_SPAN("too long")), NX_ERR_LIMIT);
    nx_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_taken),
        cmocka_unit_test(what_is_not_json_is_refused_with_its_column),
        cmocka_unit_test(line_and_column_of_a_fault_are_told),
        cmocka_unit_test(after_an_error_the_reader_serves_the_next_document),
        cmocka_unit_test(a_repeated_name_is_found_in_narrow_and_wide_objects),
        cmocka_unit_test(the_same_name_in_two_objects_is_no_repetition),
        cmocka_unit_test(limits_are_told_apart_from_syntax),
        cmocka_unit_test(nodes_are_enough_for_any_nesting_of_short_values),
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(comments_are_taken_only_where_asked_for),
        cmocka_unit_test(a_comment_may_stand_wherever_white_space_may),
        cmocka_unit_test(names_that_are_hard_to_tell_apart_are_told_apart),
        cmocka_unit_test(members_are_looked_up_by_their_decoded_name),
        cmocka_unit_test(the_length_of_a_container_is_its_items_or_members),
        cmocka_unit_test(walking_a_container_gives_each_item_once),
        cmocka_unit_test(the_bytes_of_a_value_are_found_again),
        cmocka_unit_test(pointers_lead_to_nodes_and_back),
        cmocka_unit_test(a_diagnosis_points_at_the_node),
        cmocka_unit_test(integers_are_exact_and_doubles_nearest),
        cmocka_unit_test(a_string_ends_at_its_quote_wherever_it_stands),
        cmocka_unit_test(quoting_escapes_what_json_asks_for),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
