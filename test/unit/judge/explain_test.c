/*
 * explain_test.c - the words in which faults are told.
 */
#include "test/unit/judge/judge.h"

#include <stdio.h>

struct told {
    char text[4096]; /* "INSTANCE SCHEMA: TEXT" line by line */
    unsigned count;
    unsigned stop_at;
};

static bool write_down(void *ctx, const struct nx_fault *fault)
{
    struct told *told = ctx;
    size_t len = strlen(told->text);
    (void)snprintf(told->text + len, sizeof(told->text) - len, "%s %s: %s\n", fault->instance,
                   fault->schema, fault->text);
    return ++told->count != told->stop_at;
}

static enum nx_err explain(const char *source, const char *instance, unsigned faults_max,
                           struct told *told)
{
    struct nx_schema *schema = NULL;
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 6);
    struct nx_diag diag = {0};
    enum nx_err err;
    if (compile_with(source, true, &schema, &diag) != NX_OK) {
        fail_msg("%s: %s", source, diag.text);
    }
    assert_int_equal(nx_json_parse(json, nx_span_from(instance), NX_JSON_STRICT, &diag), NX_OK);
    err = nx_schema_explain(schema, check, json, faults_max, write_down, told);
    assert_int_equal(err, nx_schema_check(schema, check, json));
    nx_json_free(json);
    nx_check_free(check);
    nx_schema_free(schema);
    return err;
}

static void tells(const char *source, const char *instance, const char *expected)
{
    struct told told = {0};
    assert_int_equal(explain(source, instance, 10, &told), NX_ERR_INVALID);
    assert_string_equal(told.text, expected);
}

static void each_keyword_has_its_words(void **state)
{
    static const char *const cases[][3] = {
        {"{\"type\":\"number\"}", "\"12.5\"",
         " /type: expected a number, found the string \"12.5\"\n"},
        {"{\"type\":[\"integer\",\"null\"]}", "1.5",
         " /type: expected an integer or null, found 1.5\n"},
        {"{\"minimum\":0,\"maximum\":2000}", "-5",
         " /minimum: expected a number from 0 to 2000, found -5\n"},
        {"{\"exclusiveMinimum\":0}", "0",
         " /exclusiveMinimum: expected a number greater than 0, found 0\n"},
        {"{\"minimum\":0.10,\"exclusiveMaximum\":1}", "1.0",
         " /exclusiveMaximum: expected a number of at least 0.10 and less than 1, found 1.0\n"},
        {"{\"maximum\":2}", "3", " /maximum: expected a number of at most 2, found 3\n"},
        {"{\"multipleOf\":0.1}", "1.05", " /multipleOf: expected a multiple of 0.1, found 1.05\n"},
        {"{\"minLength\":3}", "\"\xEC\x8B\xA0\"",
         " /minLength: expected at least 3 characters, found 1\n"},
        {"{\"pattern\":\"^a$\"}", "\"b\"",
         " /pattern: expected text that matches \"^a$\", found the string \"b\"\n"},
        {"{\"format\":\"date\"}", "\"yesterday\"",
         " /format: expected a date such as 2026-01-31, found the string \"yesterday\"\n"},
        {"{\"const\":\"Point\"}", "\"point\"",
         " /const: expected \"Point\", found the string \"point\"\n"},
        {"{\"enum\":[\"ok\",1,null]}", "[]",
         " /enum: expected one of \"ok\", 1, null, found an array of 0 items\n"},
        {"{\"minItems\":2}", "[1]", " /minItems: expected at least 2 items, found 1\n"},
        {"{\"maxProperties\":1}", "{\"a\":1,\"b\":2}",
         " /maxProperties: expected at most 1 members, found 2\n"},
        {"{\"uniqueItems\":true}", "[1,2,1.0]",
         " /uniqueItems: expected all items to differ, but item 2 repeats an earlier one: 1.0\n"},
        {"{\"prefixItems\":[true],\"items\":false}", "[1,2]",
         "/1 /items: no item is allowed at place 1 of this array\n"},
        {"{\"contains\":{\"type\":\"null\"}}", "[1]",
         " /contains: expected at least 1 of the items to be of the kind that \"contains\" "
         "describes, found 0\n"},
        {"{\"required\":[\"time\",\"site\"]}", "{\"site\":1}",
         " /required: required member \"time\" is missing\n"},
        {"{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}",
         " /dependentRequired: member \"b\" is missing: it is required where \"a\" is present\n"},
        {"{\"properties\":{\"temperature\":true,\"NO2\":true},\"additionalProperties\":false}",
         "{\"temprature\":1}",
         "/temprature /additionalProperties: unknown member \"temprature\": expected one of "
         "\"temperature\", \"NO2\"\n"},
        {"{\"properties\":{\"a\":false}}", "{\"a\":1}",
         "/a /properties: member \"a\" is not allowed here\n"},
        {"{\"propertyNames\":{\"maxLength\":1}}", "{\"ab\":1}",
         "/ab /propertyNames/maxLength: expected at most 1 characters, found 2\n"},
        {"{\"anyOf\":[{\"type\":\"null\"},{\"minimum\":2}]}", "1",
         " /anyOf: expected one of the 2 alternatives to fit, none does, found 1\n"},
        {"{\"anyOf\":[{\"required\":[\"no2\"]},{\"required\":[\"o3\"]}]}", "{\"x\":1}",
         " /anyOf: expected one of the members \"no2\", \"o3\", none is there\n"},
        {"{\"oneOf\":[{\"required\":[\"no2\"]},{\"required\":[\"o3\"]}]}", "{}",
         " /oneOf: expected one of the members \"no2\", \"o3\", none is there\n"},
        {"{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"a\":1,\"b\":1}",
         " /oneOf: expected exactly one of the 2 alternatives to fit, more than one does, found an "
         "object\n"},
        {"{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\",\"c\"]}]}", "{}",
         " /anyOf: expected one of the 2 alternatives to fit, none does, found an object\n"},
        {"{\"anyOf\":[{\"required\":[\"a\"],\"minProperties\":1},false]}", "{}",
         " /anyOf: expected one of the 2 alternatives to fit, none does, found an object\n"},
        {"{\"oneOf\":[true,{\"minimum\":0}]}", "1",
         " /oneOf: expected exactly one of the 2 alternatives to fit, more than one does, found "
         "1\n"},
        {"{\"not\":{\"const\":1}}", "1",
         " /not: expected a value other than what \"not\" describes, found 1\n"},
        {"{\"unevaluatedProperties\":false}", "{\"x\":1}",
         "/x /unevaluatedProperties: unknown member \"x\"\n"},
        {"false", "1", " : no value is allowed here\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tells(cases[i][0], cases[i][1], cases[i][2]);
    }
}

static void all_faults_are_told_each_with_its_places(void **state)
{
    (void)state;
    tells(
        "{\"required\":[\"t\"],\"properties\":{\"a~/\":{\"$ref\":\"#/$defs/n\"},\"b\":{\"items\":{"
        "\"type\":\"string\"}}},\"additionalProperties\":false,\"$defs\":{\"n\":{\"type\":"
        "\"number\",\"maximum\":5}}}",
        "{\"a~/\":7,\"b\":[\"x\",1,2],\"c\":0}",
        "/a~0~1 /$defs/n/maximum: expected a number of at most 5, found 7\n"
        "/b/1 /properties/b/items/type: expected a string, found 1\n"
        "/b/2 /properties/b/items/type: expected a string, found 2\n"
        "/c /additionalProperties: unknown member \"c\": expected one of \"a~/\", \"b\"\n"
        " /required: required member \"t\" is missing\n");
}

static void faults_below_a_choice_are_one_fault(void **state)
{
    struct told told = {0};
    (void)state;
    assert_int_equal(
        explain("{\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"required\":[\"a\",\"b\"]}]}}",
                "[{},null]", 10, &told),
        NX_ERR_INVALID);
    assert_int_equal(told.count, 1);
}

static void telling_stops_at_the_maximum_and_when_asked(void **state)
{
    struct told told = {0};
    struct told two = {.stop_at = 2};
    struct told none = {0};
    (void)state;
    assert_int_equal(explain("{\"items\":{\"type\":\"null\"}}", "[1,2,3,4,5]", 3, &told),
                     NX_ERR_INVALID);
    assert_int_equal(told.count, 3);
    assert_int_equal(explain("{\"items\":{\"type\":\"null\"}}", "[1,2,3,4,5]", 10, &two),
                     NX_ERR_INVALID);
    assert_int_equal(two.count, 2);
    assert_int_equal(explain("{\"items\":{\"type\":\"number\"}}", "[1,2]", 10, &none), NX_OK);
    assert_int_equal(none.count, 0);
}

static void long_values_are_cut_between_characters(void **state)
{
    struct told told = {0};
    struct nx_buf instance;
    (void)state;
    nx_buf_init(&instance, 1024);
    (void)nx_buf_str(&instance, "\"a");
    for (int i = 0; i < 100; i++) {
        (void)nx_buf_str(&instance, "\xEC\x8B\xA0");
    }
    (void)nx_buf_add(&instance, "\"", sizeof("\""));
    assert_int_equal(explain("{\"type\":\"number\"}", instance.data, 10, &told), NX_ERR_INVALID);
    nx_buf_fini(&instance);
    assert_non_null(strstr(told.text, "\xEC\x8B\xA0...\n"));
}

static void a_pattern_is_told_with_the_name_that_its_author_gave_it(void **state)
{
    struct nx_buf source;
    struct told told = {0};
    (void)state;
    tells(
        "{\"pattern\":\"^a$\",\"title\":\"The \\\"a\\\"\",\"description\":\"not this\"}", "\"b\"",
        " /pattern: expected text that matches \"^a$\" (The \\\"a\\\"), found the string \"b\"\n");
    tells("{\"pattern\":\"^a$\",\"description\":\"End of the hour\"}", "\"b\"",
          " /pattern: expected text that matches \"^a$\" (End of the hour), found the string "
          "\"b\"\n");
    tells("{\"pattern\":\"^a$\",\"title\":\"\"}", "\"b\"",
          " /pattern: expected text that matches \"^a$\", found the string \"b\"\n");
    nx_buf_init(&source, 1024);
    (void)nx_buf_str(&source, "{\"pattern\":\"^a$\",\"description\":\"");
    for (int i = 0; i < 150; i++) {
        (void)nx_buf_str(&source, i % 2 == 0 ? "\xEC\x8B\xA0" : "x");
    }
    (void)nx_buf_add(&source, "\"}", sizeof("\"}"));
    assert_int_equal(explain(source.data, "\"b\"", 1, &told), NX_ERR_INVALID);
    nx_buf_fini(&source);
    assert_non_null(strstr(told.text, "x...), found the string \"b\""));
    assert_true(strlen(told.text) < 220);
}

static void the_words_fit_the_draft(void **state)
{
    (void)state;
    tells("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"items\":[true],"
          "\"additionalItems\":false}",
          "[1,2]", "/1 /additionalItems: no item is allowed at place 1 of this array\n");
    tells("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"items\":[false]}", "[1]",
          "/0 /items: no item is allowed at place 0 of this array\n");
    tells("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
          "\"dependencies\":{\"a\":[\"b\"]}}",
          "{\"a\":1}",
          " /dependencies: member \"b\" is missing: it is required where \"a\" is present\n");
    tells("{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"minimum\":0,"
          "\"exclusiveMinimum\":true}",
          "0", " /exclusiveMinimum: expected a number greater than 0, found 0\n");
    tells("{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"type\":\"integer\"}", "1.0",
          " /type: expected an integer, in draft 04 one without fraction and exponent, found "
          "1.0\n");
}

static void content_is_told_by_what_it_should_be(void **state)
{
    const struct nx_schema_options options = {
        .assert_content = true, .default_draft = NX_DRAFT_07, .seed = 5};
    static const char source[] = "{\"contentMediaType\":\"application/json\","
                                 "\"contentEncoding\":\"base64\"}";
    struct nx_schema *schema = NULL;
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 6);
    struct told told = {0};
    (void)state;
    assert_int_equal(nx_schema_compile(nx_span_from(source), "s", &options, &schema, NULL), NX_OK);
    assert_int_equal(nx_json_parse(json, NX_SPAN("\"ezp9\""), NX_JSON_STRICT, NULL), NX_OK);
    (void)nx_schema_explain(schema, check, json, 5, write_down, &told);
    assert_int_equal(nx_json_parse(json, NX_SPAN("\"%\""), NX_JSON_STRICT, NULL), NX_OK);
    (void)nx_schema_explain(schema, check, json, 5, write_down, &told);
    assert_string_equal(told.text,
                        " /contentMediaType: expected JSON in base64, found the string \"ezp9\"\n"
                        " /contentEncoding: expected base64, found the string \"%\"\n");
    nx_json_free(json);
    nx_check_free(check);
    nx_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_keyword_has_its_words),
        cmocka_unit_test(a_pattern_is_told_with_the_name_that_its_author_gave_it),
        cmocka_unit_test(the_words_fit_the_draft),
        cmocka_unit_test(content_is_told_by_what_it_should_be),
        cmocka_unit_test(all_faults_are_told_each_with_its_places),
        cmocka_unit_test(faults_below_a_choice_are_one_fault),
        cmocka_unit_test(telling_stops_at_the_maximum_and_when_asked),
        cmocka_unit_test(long_values_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
