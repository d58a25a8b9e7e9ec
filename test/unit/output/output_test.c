/*
 * output_test.c - the output formats of JSON Schema 2020-12 (core, section 12).
 */
#include "core/schema_output.h"

#include "test/unit/judge/judge.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

#define BASE "https://example.com/s"

/* The output of a schema for an instance; the caller frees it. */
static char *output_at(const char *base, const char *source, const char *instance,
                       enum nx_output form)
{
    const struct nx_schema_options options = {.seed = 5};
    struct nx_schema *schema = NULL;
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 6);
    struct nx_diag diag = {0};
    struct nx_buf out;
    enum nx_err err;
    char *text;

    nx_buf_init(&out, TEXT_MAX);
    err = nx_schema_compile(nx_span_from(source), "s.json", &options, &schema, &diag);
    if (err != NX_OK) {
        fail_msg("%s: refused: %s", source, diag.text);
    }
    assert_int_equal(nx_json_parse(json, nx_span_from(instance), NX_JSON_STRICT, &diag), NX_OK);
    err = nx_schema_output(schema, check, json, form, nx_span_from(base), &out);
    assert_int_equal(err, nx_schema_check(schema, check, json));
    text = nx_span_dup(nx_buf_view(&out));
    assert_non_null(text);
    assert_int_equal(nx_json_parse(json, nx_span_from(text), NX_JSON_STRICT, &diag), NX_OK);
    nx_buf_fini(&out);
    nx_json_free(json);
    nx_check_free(check);
    nx_schema_free(schema);
    return text;
}

static void gives(enum nx_output form, const char *source, const char *instance,
                  const char *expected)
{
    char *text = output_at("", source, instance, form);

    assert_string_equal(text, expected);
    free(text);
}

/* "PATH INSTANCE" of each unit of a basic output, one on a line. */
static void paths(const char *source, const char *instance, const char *expected)
{
    char *text = output_at("", source, instance, NX_OUTPUT_BASIC);
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 6);
    char told[4096] = "";
    uint32_t at = 0;
    uint32_t key;
    uint32_t unit;
    uint32_t list;

    assert_int_equal(nx_json_parse(json, nx_span_from(text), NX_JSON_STRICT, NULL), NX_OK);
    list = nx_json_member(json, 0, NX_SPAN("errors"));
    list = list != 0 ? list : nx_json_member(json, 0, NX_SPAN("annotations"));
    while (list != 0 && nx_json_each(json, list, &at, &key, &unit)) {
        struct nx_span path =
            nx_json_text(json, nx_json_member(json, unit, NX_SPAN("keywordLocation")));
        struct nx_span place =
            nx_json_text(json, nx_json_member(json, unit, NX_SPAN("instanceLocation")));
        size_t len = strlen(told);
        (void)snprintf(told + len, sizeof(told) - len, "%.*s %.*s\n", NX_SPAN_ARG(path),
                       NX_SPAN_ARG(place));
    }
    assert_string_equal(told, expected);
    nx_json_free(json);
    free(text);
}

#define ROOT(valid) "{\"valid\":" valid ",\"keywordLocation\":\"\",\"instanceLocation\":\"\""
#define UNIT(path, place)                                                                          \
    "{\"valid\":false,\"keywordLocation\":\"" path "\",\"instanceLocation\":\"" place "\""

static void flag_is_one_word(void **state)
{
    (void)state;
    gives(NX_OUTPUT_FLAG, "{\"minimum\":3,\"title\":\"t\"}", "3", "{\"valid\":true}");
    gives(NX_OUTPUT_FLAG, "{\"minimum\":3,\"title\":\"t\"}", "2", "{\"valid\":false}");
}

static void basic_is_a_root_with_a_flat_list(void **state)
{
    (void)state;
    gives(NX_OUTPUT_BASIC, "{\"type\":\"string\",\"maximum\":2}", "3",
          ROOT("false") ",\"errors\":[" UNIT("/type",
                                             "") ",\"error\":\"expected a string, found 3\"}]}");
    gives(NX_OUTPUT_BASIC, "{\"type\":\"string\"}", "\"a\"", ROOT("true") "}");
    gives(NX_OUTPUT_BASIC, "false", "1",
          ROOT("false") ",\"errors\":[" UNIT("", "") ",\"error\":\"no value is allowed here\"}]}");
}

static void a_single_unit_takes_the_place_of_the_units_above_it_in_detailed(void **state)
{
    (void)state;
    gives(NX_OUTPUT_DETAILED, "{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}",
          "{\"a\":[null,1]}",
          UNIT("/properties/a/items/type", "/a/1") ",\"error\":\"expected null, found 1\"}");
    gives(NX_OUTPUT_DETAILED, "true", "1", ROOT("true") "}");
}

static void detailed_groups_by_applicator_keyword_and_by_reference(void **state)
{
    (void)state;
    gives(NX_OUTPUT_DETAILED,
          "{\"items\":{\"$ref\":\"#/$defs/p\"},\"minItems\":3,"
          "\"$defs\":{\"p\":{\"additionalProperties\":false,\"required\":[\"y\"],"
          "\"properties\":{\"y\":true}}}}",
          "[{\"y\":1},{\"z\":2}]",
          ROOT("false") ",\"errors\":[" UNIT(
              "/minItems",
              "") ",\"error\":\"expected at least 3 "
                  "items, found 2\"}," UNIT("/items/$ref", "/1") ",\"errors\":[" UNIT(
                      "/items/$ref/additionalProperties",
                      "/1/z") ",\"error\":\"unknown "
                              "member \\\"z\\\": "
                              "expected one of "
                              "\\\"y\\\"\"}," UNIT(
                                  "/item"
                                  "s/"
                                  "$ref/"
                                  "requi"
                                  "red",
                                  "/1") ",\"error\":\"required member \\\"y\\\" is missing\"}]}]}");
    gives(NX_OUTPUT_DETAILED, "{\"properties\":{\"a\":{\"type\":\"null\"},\"b\":false}}",
          "{\"a\":1,\"b\":2}",
          UNIT("/properties", "") ",\"errors\":[" UNIT(
              "/properties/a/type",
              "/a") ",\"error\":\"expected null, found 1\"}," UNIT("/properties/b",
                                                                   "/b") ",\"error\":\"member "
                                                                         "\\\"b\\\" is not allowed "
                                                                         "here\"}]}");
}

static void branches_that_all_fail_are_told_below_their_keyword(void **state)
{
    (void)state;
    gives(
        NX_OUTPUT_DETAILED, "{\"anyOf\":[{\"type\":\"null\"},{\"minimum\":5}]}", "1",
        UNIT("/anyOf",
             "") ",\"error\":\"expected one of the 2 alternatives to fit, none does, "
                 "found 1\",\"errors\":[" UNIT(
                     "/anyOf/0/type",
                     "") ",\"error\":\"expected null, found 1\"}," UNIT("/anyOf/1/minimum",
                                                                        "") ",\"error\":\"expected "
                                                                            "a number of at least "
                                                                            "5, found 1\"}]}");
    paths("{\"oneOf\":[{\"type\":\"null\"},false]}", "1", "/oneOf \n/oneOf/0/type \n/oneOf/1 \n");
}

static void branches_that_fail_beside_one_that_holds_are_not_told(void **state)
{
    (void)state;
    paths("{\"anyOf\":[{\"type\":\"null\"},true],\"minimum\":5}", "1", "/minimum \n");
    paths("{\"oneOf\":[{\"type\":\"null\"},true,true]}", "1", "/oneOf \n");
    paths("{\"not\":{\"properties\":{\"a\":{\"type\":\"null\"}}},\"minProperties\":2}", "{\"a\":1}",
          "/minProperties \n");
    paths("{\"if\":{\"type\":\"null\"},\"else\":{\"minimum\":5}}", "1", "/else/minimum \n");
    paths("{\"contains\":{\"type\":\"null\"}}", "[1]", "/contains \n");
    /* a subschema that fails, with one inside it that holds after a failed attempt */
    paths("{\"allOf\":[{\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"number\"}]},"
          "\"maxItems\":1}]}",
          "[1,2]", "/allOf/0/maxItems \n");
}

static void paths_go_through_references_and_the_place_is_the_instances(void **state)
{
    (void)state;
    paths("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"properties\":{\"x\":{\"$ref\":\"#/$defs/"
          "b\"}}},"
          "\"b\":{\"type\":\"null\"}}}",
          "{\"x\":1}", "/$ref/properties/x/$ref/type /x\n");
    paths("{\"$dynamicRef\":\"#n\",\"$defs\":{\"n\":{\"$dynamicAnchor\":\"n\",\"minimum\":2}}}",
          "1", "/$dynamicRef/minimum \n");
    /* the same subschema by its own place and by a reference to it */
    paths("{\"allOf\":[{\"minimum\":2}],\"$ref\":\"#/allOf/0\"}", "1",
          "/allOf/0/minimum \n/$ref/minimum \n");
    /* as deep as the instance, through one recursive schema */
    paths("{\"properties\":{\"c\":{\"$ref\":\"#\"}},\"required\":[\"v\"]}",
          "{\"v\":1,\"c\":{\"v\":1,\"c\":{}}}",
          "/properties/c/$ref/properties/c/$ref/required /c/c\n");
}

static void every_applicator_has_its_path(void **state)
{
    (void)state;
    paths("{\"prefixItems\":[{\"type\":\"null\"}],\"items\":false,\"unevaluatedItems\":false}",
          "[1,2]", "/prefixItems/0/type /0\n/items /1\n");
    paths("{\"patternProperties\":{\"^a/"
          "b~\":{\"type\":\"null\"}},\"propertyNames\":{\"maxLength\":3}}",
          "{\"a/b~c\":1}",
          "/patternProperties/^a~1b~0/type /a~1b~0c\n/propertyNames/maxLength /a~1b~0c\n");
    paths("{\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]}},"
          "\"dependentRequired\":{\"a\":[\"c\"]},\"unevaluatedProperties\":{\"type\":\"null\"}}",
          "{\"a\":null}", "/dependentRequired \n/dependentSchemas/a/required \n");
    paths("{\"unevaluatedProperties\":{\"type\":\"null\"}}", "{\"a\":1}",
          "/unevaluatedProperties/type /a\n");
    paths("{\"if\":true,\"then\":{\"enum\":[1]}}", "2", "/then/enum \n");
}

static void absolute_locations_are_of_the_innermost_resource(void **state)
{
    static const char source[] =
        "{\"$id\":\"https://example.com/a\",\"properties\":{\"p q\":{\"$ref\":\"b\"}},"
        "\"$defs\":{\"b\":{\"$id\":\"b\",\"allOf\":[{\"type\":\"null\"}]}}}";
    char *text = output_at(BASE, source, "{\"p q\":1}", NX_OUTPUT_BASIC);

    (void)state;
    assert_non_null(strstr(text, "\"keywordLocation\":\"/properties/p q/$ref/allOf/0/type\""));
    assert_non_null(
        strstr(text, "\"absoluteKeywordLocation\":\"https://example.com/b#/allOf/0/type\""));
    assert_non_null(strstr(text, "\"absoluteKeywordLocation\":\"https://example.com/a#\""));
    free(text);
}

static void a_schema_without_an_absolute_id_is_located_by_where_it_was_read(void **state)
{
    static const char source[] = "{\"$defs\":{\"n\":{\"$id\":\"n\",\"minimum\":2}},"
                                 "\"properties\":{\"%a\\u0000\\uc6b8\":{\"$ref\":\"n\"}}}";
    char *text = output_at(BASE, source, "{\"%a\\u0000\\uc6b8\":1}", NX_OUTPUT_DETAILED);

    (void)state;
    assert_non_null(strstr(text, "\"absoluteKeywordLocation\":\"" BASE "#/$defs/n/minimum\""));
    assert_non_null(strstr(text, "\"instanceLocation\":\"/%a\\u0000\xEC\x9A\xB8\""));
    free(text);
    text = output_at(BASE, "{\"properties\":{\"%a\\u0000\\uc6b8\":false}}",
                     "{\"%a\\u0000\\uc6b8\":1}", NX_OUTPUT_DETAILED);
    assert_non_null(strstr(text, "\"" BASE "#/properties/%25a%00%EC%9A%B8\""));
    free(text);
}

static void what_holds_carries_its_annotations(void **state)
{
    (void)state;
    gives(NX_OUTPUT_BASIC, "{\"readOnly\":true,\"x-unit\":[1,\n2]}", "1",
          ROOT("true") ",\"annotations\":[{\"valid\":true,\"keywordLocation\":\"/readOnly\","
                       "\"instanceLocation\":\"\",\"annotation\":true},{\"valid\":true,"
                       "\"keywordLocation\":\"/x-unit\",\"instanceLocation\":\"\","
                       "\"annotation\":[1, 2]}]}");
    paths("{\"properties\":{\"a\":{\"$ref\":\"#/$defs/t\"}},\"$defs\":{\"t\":{\"title\":\"t\"}}}",
          "{\"a\":1}", "/properties/a/$ref/title /a\n");
    /* up to draft 07 a reference hides what is beside it */
    paths("{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"t\","
          "\"$ref\":\"#/definitions/d\",\"definitions\":{\"d\":{\"title\":\"d\"}}}",
          "1", "/$ref/title \n");
    /* of every branch that holds, and of none that does not */
    paths("{\"anyOf\":[{\"title\":\"0\"},{\"title\":\"1\",\"type\":\"null\"},{\"title\":\"2\"}],"
          "\"not\":{\"title\":\"n\",\"type\":\"null\"},"
          "\"if\":{\"title\":\"i\"},\"then\":{\"title\":\"t\"}}",
          "1", "/anyOf/0/title \n/anyOf/2/title \n/if/title \n/then/title \n");
    paths("{\"contains\":{\"title\":\"c\",\"type\":\"number\"}}", "[1,\"a\",2]",
          "/contains/title /0\n/contains/title /2\n");
}

static void what_does_not_hold_carries_none(void **state)
{
    char *text =
        output_at("", "{\"title\":\"t\",\"allOf\":[{\"readOnly\":true}],\"type\":\"null\"}", "1",
                  NX_OUTPUT_BASIC);

    (void)state;
    assert_null(strstr(text, "annotation"));
    free(text);
}

/* `count` times `text` between `before` and `after`, with commas. */
static char *repeat(const char *before, const char *text, const char *after, unsigned count)
{
    struct nx_buf buf;
    char *out;

    nx_buf_init(&buf, TEXT_MAX);
    (void)nx_buf_str(&buf, before);
    for (unsigned i = 0; i < count; i++) {
        (void)nx_buf_str(&buf, i == 0 ? "" : ",");
        (void)nx_buf_str(&buf, text);
    }
    (void)nx_buf_str(&buf, after);
    out = nx_span_dup(nx_buf_view(&buf));
    nx_buf_fini(&buf);
    return out;
}

static void forgiven_branches_use_nothing_up(void **state)
{
    enum { LAST = 3 * NX_OUTPUT_UNITS_MAX };
    char *instance = repeat("[", "1", ",\"last\"]", LAST);
    char expected[256];

    (void)state;
    (void)snprintf(expected, sizeof(expected),
                   "/items/anyOf /%d\n/items/anyOf/0/type /%d\n/items/anyOf/1/type /%d\n", LAST,
                   LAST, LAST);
    paths("{\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"number\"}]}}", instance,
          expected);
    free(instance);
}

/* Every unit of an invalid output has a message, or units below it. */
static void assert_whole(const char *text)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 6);
    uint32_t count;

    assert_int_equal(nx_json_parse(json, nx_span_from(text), NX_JSON_STRICT, NULL), NX_OK);
    (void)nx_json_nodes(json, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (nx_json_type(json, i) == NX_JSON_OBJECT) {
            uint32_t errors = nx_json_member(json, i, NX_SPAN("errors"));
            assert_true(nx_json_member(json, i, NX_SPAN("error")) != 0 ||
                        (errors != 0 && nx_json_length(json, errors) > 0));
        }
    }
    nx_json_free(json);
}

static void more_faults_than_the_limit_are_cut_and_the_document_stays_whole(void **state)
{
    static const char *const schemas[] = {
        "{\"items\":{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}}",
        "{\"items\":{\"allOf\":[{\"properties\":{\"a\":{\"items\":{\"type\":\"null\"}}}}]}}",
        "{\"items\":{\"properties\":{\"a\":false}}}",
        "{\"items\":{\"properties\":{\"a\":{\"items\":false}}}}",
        "{\"items\":{\"required\":[\"b\"]}}",
    };
    char *instance = repeat("[", "{\"a\":[1]}", "]", 2 * NX_OUTPUT_UNITS_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        for (int form = NX_OUTPUT_BASIC; form <= NX_OUTPUT_DETAILED; form++) {
            char *text = output_at("", schemas[i], instance, (enum nx_output)form);
            assert_whole(text);
            free(text);
        }
    }
    free(instance);
}

static void append(struct nx_buf *buf, const char *text, unsigned count)
{
    while (count-- > 0) {
        assert_int_equal(nx_buf_str(buf, text), NX_OK);
    }
}

static void a_fault_at_the_deepest_place_has_its_whole_path(void **state)
{
    enum { DEPTH = 60 }; /* of the 64 that a payload may have */
    struct nx_buf instance;
    struct nx_buf expected;

    (void)state;
    nx_buf_init(&instance, 4096);
    append(&instance, "[", DEPTH);
    append(&instance, "1", 1);
    append(&instance, "]", DEPTH);
    assert_int_equal(nx_buf_add(&instance, "", 1), NX_OK);
    nx_buf_init(&expected, 4096);
    append(&expected, "/allOf/0/items/$ref", DEPTH);
    append(&expected, "/type ", 1);
    append(&expected, "/0", DEPTH);
    assert_int_equal(nx_buf_add(&expected, "\n", 2), NX_OK);
    paths("{\"type\":\"array\",\"allOf\":[{\"items\":{\"$ref\":\"#\"}}]}", instance.data,
          expected.data);
    nx_buf_fini(&instance);
    nx_buf_fini(&expected);
}

static void a_refusal_has_the_form_of_its_format(void **state)
{
    static const char *const expected[] = {
        [NX_OUTPUT_FLAG] = "{\"valid\":false}",
        [NX_OUTPUT_BASIC] = ROOT("false") ",\"errors\":[" ROOT("false") ",\"error\":\"a\\\"b\"}]}",
        [NX_OUTPUT_DETAILED] = ROOT("false") ",\"error\":\"a\\\"b\"}",
    };

    (void)state;
    for (int form = NX_OUTPUT_FLAG; form <= NX_OUTPUT_DETAILED; form++) {
        struct nx_buf out;
        nx_buf_init(&out, 1024);
        assert_int_equal(nx_output_refusal((enum nx_output)form, NX_SPAN("a\"b"), &out), NX_OK);
        assert_int_equal(out.len, strlen(expected[form]));
        assert_memory_equal(out.data, expected[form], out.len);
        nx_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flag_is_one_word),
        cmocka_unit_test(basic_is_a_root_with_a_flat_list),
        cmocka_unit_test(a_single_unit_takes_the_place_of_the_units_above_it_in_detailed),
        cmocka_unit_test(detailed_groups_by_applicator_keyword_and_by_reference),
        cmocka_unit_test(branches_that_all_fail_are_told_below_their_keyword),
        cmocka_unit_test(branches_that_fail_beside_one_that_holds_are_not_told),
        cmocka_unit_test(paths_go_through_references_and_the_place_is_the_instances),
        cmocka_unit_test(every_applicator_has_its_path),
        cmocka_unit_test(absolute_locations_are_of_the_innermost_resource),
        cmocka_unit_test(a_schema_without_an_absolute_id_is_located_by_where_it_was_read),
        cmocka_unit_test(what_holds_carries_its_annotations),
        cmocka_unit_test(what_does_not_hold_carries_none),
        cmocka_unit_test(forgiven_branches_use_nothing_up),
        cmocka_unit_test(more_faults_than_the_limit_are_cut_and_the_document_stays_whole),
        cmocka_unit_test(a_fault_at_the_deepest_place_has_its_whole_path),
        cmocka_unit_test(a_refusal_has_the_form_of_its_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
