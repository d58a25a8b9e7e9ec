/*
 * schema_test.c - what a schema admits: the traps that are easy to fall into. The breadth of
 * 2020-12 is the official suite's (suite_test.c).
 */
#include "test/unit/judge/judge.h"

#include <stdio.h>

static void integers_are_told_by_value_and_bounds_are_exact(void **state)
{
    (void)state;
    accepts("{\"type\":\"integer\"}", "1.0");
    accepts("{\"type\":\"integer\"}", "1e3");
    refuses("{\"type\":\"integer\"}", "1.5");
    refuses("{\"type\":\"integer\"}", "\"1\"");
    accepts("{\"maximum\":9007199254740992}", "9007199254740992");
    refuses("{\"maximum\":9007199254740992}", "9007199254740993");
    accepts("{\"exclusiveMinimum\":0.1}", "0.10000000000000000001");
    refuses("{\"exclusiveMinimum\":0.1}", "0.1000");
    refuses("{\"maximum\":1e308}", "1e400");
    accepts("{\"multipleOf\":0.01}", "19.99");
    refuses("{\"multipleOf\":0.01}", "19.999");
}

static void equality_is_by_value_and_false_is_not_zero(void **state)
{
    (void)state;
    accepts("{\"const\":1}", "1.0");
    refuses("{\"const\":0}", "false");
    refuses("{\"const\":false}", "0");
    refuses("{\"const\":[0]}", "[false]");
    accepts("{\"const\":{\"a\":1,\"b\":[2]}}", "{\"b\":[2.0],\"a\":1}");
    refuses("{\"const\":{\"a\":1}}", "{\"a\":1,\"b\":1}");
    refuses("{\"const\":9007199254740992}", "9007199254740993");
    refuses("{\"const\":\"a\"}", "\"a\\u0000b\"");
    accepts("{\"const\":\"a\\u0000b\"}", "\"a\\u0000b\"");
    accepts("{\"enum\":[6,\"foo\",[],true,{\"foo\":12}]}", "{\"foo\":12.0}");
    refuses("{\"enum\":[]}", "1");
    accepts("{\"const\":1,\"enum\":[1,2]}", "1");
    refuses("{\"const\":1,\"enum\":[2,3]}", "1");
}

static void a_long_enum_is_as_exact_as_a_short_one(void **state)
{
    static const char schema[] = "{\"enum\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\","
                                 "\"j\",\"k\",\"l\",1,2.50,null,{\"x\":[1]}]}";
    (void)state;
    accepts(schema, "\"l\"");
    accepts(schema, "1.0");
    accepts(schema, "2.5");
    accepts(schema, "null");
    accepts(schema, "{\"x\":[1.0]}");
    refuses(schema, "\"m\"");
    refuses(schema, "true");
    refuses(schema, "{\"x\":[2]}");
}

static void lengths_are_in_code_points(void **state)
{
    (void)state;
    accepts("{\"maxLength\":2}", "\"\xF0\x9F\x98\x80\xEC\x8B\xA0\"");
    refuses("{\"minLength\":2}", "\"\xF0\x9F\x98\x80\"");
    accepts("{\"minLength\":1,\"maxLength\":1}", "\"\\ud83d\\ude00\"");
    accepts("{\"minLength\":2.0}", "\"\\u0000\\ud800\"");
}

static void unique_items_are_unique_by_value(void **state)
{
    (void)state;
    refuses("{\"uniqueItems\":true}", "[1,1.0]");
    accepts("{\"uniqueItems\":true}", "[1,true,\"1\",[1],{\"a\":1},null,0,false]");
    refuses("{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]");
    refuses("{\"uniqueItems\":true}", "[1,2,3,4,5,6,7,8,9,10,11,\"a\",3.0]");
    accepts("{\"uniqueItems\":true}", "[1,2,3,4,5,6,7,8,9,10,11,\"3\",[3]]");
    accepts("{\"uniqueItems\":false}", "[1,1]");
}

static void names_are_names_whatever_they_look_like(void **state)
{
    static const char schema[] = "{\"properties\":{\"__proto__\":{\"type\":\"number\"},\"\":{"
                                 "\"type\":\"string\"},\"$ref\":{\"type\":\"null\"}},"
                                 "\"additionalProperties\":false}";
    (void)state;
    accepts(schema, "{\"__proto__\":1,\"\":\"x\",\"$ref\":null}");
    refuses(schema, "{\"__proto__\":\"x\"}");
    refuses(schema, "{\"\":1}");
    refuses(schema, "{\"$ref\":1}");
    refuses(schema, "{\"__Proto__\":1}");
    refuses(schema, "{\"\\u0000\":1}");
}

static void names_that_differ_only_in_one_byte_are_told_apart(void **state)
{
    static const char schema[] =
        "{\"additionalProperties\":false,\"properties\":{\"a\":true,"
        "\"aa\":true,\"aba\":true,\"abcabc\":true,\"12345678abcdefgh\":true,"
        "\"12345678-abcdefgh\":true}}";
    static const char *const others[] = {"aaa",
                                         "aca",
                                         "b",
                                         "ab",
                                         "abcxbc",
                                         "12345678abcdefgx",
                                         "12345678+abcdefgh",
                                         "12345678-abcdefg",
                                         "x2345678-abcdefgh",
                                         "12345678--abcdefgh"};
    char instance[64];
    (void)state;
    accepts(schema, "{\"a\":1,\"aa\":1,\"aba\":1,\"abcabc\":1,\"12345678abcdefgh\":1,"
                    "\"12345678-abcdefgh\":1}");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        (void)snprintf(instance, sizeof(instance), "{\"%s\":1}", others[i]);
        refuses(schema, instance);
    }
}

static void many_names_are_all_found(void **state)
{
    enum { NAMES = 700 };
    struct nx_buf schema;
    char instance[64];
    (void)state;
    nx_buf_init(&schema, 64 * 1024);
    (void)nx_buf_str(&schema, "{\"additionalProperties\":false,\"properties\":{");
    for (int i = 0; i < NAMES; i++) {
        (void)nx_buf_printf(&schema, "%s\"n%d\":{\"const\":%d}", i ? "," : "", i, i);
    }
    (void)nx_buf_add(&schema, "}}", sizeof("}}"));
    for (int i = 0; i < NAMES; i += 7) {
        (void)snprintf(instance, sizeof(instance), "{\"n%d\":%d}", i, i);
        accepts(schema.data, instance);
        (void)snprintf(instance, sizeof(instance), "{\"n%d\":%d}", i, i + 1);
        refuses(schema.data, instance);
    }
    refuses(schema.data, "{\"n700\":700}");
    nx_buf_fini(&schema);
}

static void more_than_64_required_names_are_checked(void **state)
{
    enum { NAMES = 100, ABSENT = 77 };
    struct nx_buf schema;
    struct nx_buf most;
    struct nx_buf all;
    (void)state;
    nx_buf_init(&schema, 4096);
    nx_buf_init(&most, 4096);
    nx_buf_init(&all, 4096);
    (void)nx_buf_str(&schema, "{\"required\":[\"r0\"");
    (void)nx_buf_str(&most, "{\"r0\":1");
    (void)nx_buf_str(&all, "{\"r0\":1");
    for (int i = 1; i < NAMES; i++) {
        (void)nx_buf_printf(&schema, ",\"r%d\"", i);
        (void)nx_buf_printf(&all, ",\"r%d\":1", i);
        if (i != ABSENT) {
            (void)nx_buf_printf(&most, ",\"r%d\":1", i);
        }
    }
    (void)nx_buf_add(&schema, "]}", sizeof("]}"));
    (void)nx_buf_add(&most, "}", sizeof("}"));
    (void)nx_buf_add(&all, "}", sizeof("}"));
    accepts(schema.data, all.data);
    refuses(schema.data, most.data);
    nx_buf_fini(&schema);
    nx_buf_fini(&most);
    nx_buf_fini(&all);
}

static void a_limit_is_never_a_yes_even_below_not(void **state)
{
    (void)state;
    assert_int_equal(verdict("{\"not\":{\"pattern\":\"^(?=(a+)+$)\"}}",
                             "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""),
                     NX_ERR_LIMIT);
    assert_int_equal(verdict("{\"not\":{\"maximum\":1}}", "1e9999999999"), NX_ERR_LIMIT);
    assert_int_equal(verdict("{\"anyOf\":[{\"pattern\":\"^(?=(a+)+$)\"},true]}",
                             "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""),
                     NX_ERR_LIMIT);
}

static void work_that_doubles_at_each_level_is_cut(void **state)
{
    struct nx_buf schema;
    (void)state;
    nx_buf_init(&schema, 8192);
    (void)nx_buf_str(&schema, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (int i = 1; i <= 30; i++) {
        (void)nx_buf_printf(
            &schema, "\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},{\"$ref\":\"#/$defs/d%d\"}]},",
            i - 1, i, i);
    }
    (void)nx_buf_add(&schema, "\"d30\":true}}", sizeof("\"d30\":true}}"));
    assert_int_equal(verdict(schema.data, "1"), NX_ERR_LIMIT);
    nx_buf_fini(&schema);
}

static void plans_within_plans_are_bounded(void **state)
{
    struct nx_buf schema;
    struct nx_buf instance;
    (void)state;
    nx_buf_init(&schema, 8192);
    nx_buf_init(&instance, 256);
    (void)nx_buf_str(&schema, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (int i = 1; i <= 30; i++) {
        (void)nx_buf_printf(&schema, "\"d%d\":{\"not\":{\"not\":{\"$ref\":\"#/$defs/d%d\"}}},",
                            i - 1, i);
    }
    (void)nx_buf_str(&schema, "\"d30\":{\"items\":{\"$ref\":\"#/$defs/d0\"}}}}");
    (void)nx_buf_byte(&schema, '\0');
    for (int i = 0; i < 60; i++) {
        (void)nx_buf_byte(&instance, '[');
    }
    for (int i = 0; i < 60; i++) {
        (void)nx_buf_byte(&instance, ']');
    }
    (void)nx_buf_byte(&instance, '\0');
    accepts(schema.data, "[[[[]]]]");
    assert_int_equal(verdict(schema.data, instance.data), NX_ERR_LIMIT);
    nx_buf_fini(&schema);
    nx_buf_fini(&instance);
}

static void a_schema_may_refer_to_itself_below(void **state)
{
    static const char tree[] = "{\"type\":\"object\",\"properties\":{\"c\":{\"items\":{\"$ref\":"
                               "\"#\"}}},\"additionalProperties\":false}";
    (void)state;
    accepts(tree, "{\"c\":[{\"c\":[]},{}]}");
    refuses(tree, "{\"c\":[{\"c\":[{\"d\":1}]}]}");
}

static void content_and_annotations_never_refuse(void **state)
{
    (void)state;
    accepts("{\"contentMediaType\":\"application/json\",\"contentEncoding\":\"base64\","
            "\"contentSchema\":{\"type\":\"object\"},\"title\":\"t\",\"default\":1,"
            "\"examples\":[2],\"deprecated\":true,\"readOnly\":true,\"writeOnly\":false,"
            "\"$comment\":\"c\",\"description\":\"d\"}",
            "\"{\"");
}

static void ids_inside_data_are_data(void **state)
{
    (void)state;
    accepts(
        "{\"$defs\":{\"a\":{\"enum\":[{\"$id\":\"http://x/y\",\"type\":\"null\"}]},\"b\":{\"$id\":"
        "\"http://x/y\",\"type\":\"string\"}},\"$ref\":\"http://x/y\"}",
        "\"s\"");
}

static void a_metaschema_judges_schemas(void **state)
{
    static const char meta[] = "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}";
    (void)state;
    accepts(meta, "{\"properties\":{\"a\":{\"minLength\":1}},\"items\":true}");
    refuses(meta, "{\"properties\":{\"a\":{\"minLength\":-1}}}");
    refuses(meta, "{\"allOf\":[{\"type\":\"objekt\"}]}");
}

static void a_check_serves_many_schemas_and_instances(void **state)
{
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 6);
    struct nx_schema *first = NULL;
    struct nx_schema *second = NULL;
    (void)state;
    assert_int_equal(compile_with("{\"unevaluatedItems\":false}", true, &first, NULL), NX_OK);
    assert_int_equal(
        compile_with("{\"$id\":\"http://x/2\",\"uniqueItems\":true}", true, &second, NULL), NX_OK);
    assert_true(nx_span_is(nx_schema_id(second), "http://x/2"));
    assert_int_equal(nx_schema_id(first).len, 0);
    assert_int_equal(nx_json_parse(json, NX_SPAN("[1,2]"), NX_JSON_STRICT, NULL), NX_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nx_schema_check(first, check, json), NX_ERR_INVALID);
        assert_int_equal(nx_schema_check(second, check, json), NX_OK);
    }
    assert_int_equal(nx_json_parse(json, NX_SPAN("["), NX_JSON_STRICT, NULL), NX_ERR_SYNTAX);
    assert_int_equal(nx_schema_check(second, check, json), NX_ERR_STATE);
    nx_schema_free(first);
    nx_schema_free(second);
    nx_json_free(json);
    nx_check_free(check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_told_by_value_and_bounds_are_exact),
        cmocka_unit_test(equality_is_by_value_and_false_is_not_zero),
        cmocka_unit_test(a_long_enum_is_as_exact_as_a_short_one),
        cmocka_unit_test(lengths_are_in_code_points),
        cmocka_unit_test(unique_items_are_unique_by_value),
        cmocka_unit_test(names_are_names_whatever_they_look_like),
        cmocka_unit_test(names_that_differ_only_in_one_byte_are_told_apart),
        cmocka_unit_test(many_names_are_all_found),
        cmocka_unit_test(more_than_64_required_names_are_checked),
        cmocka_unit_test(a_limit_is_never_a_yes_even_below_not),
        cmocka_unit_test(work_that_doubles_at_each_level_is_cut),
        cmocka_unit_test(plans_within_plans_are_bounded),
        cmocka_unit_test(a_schema_may_refer_to_itself_below),
        cmocka_unit_test(content_and_annotations_never_refuse),
        cmocka_unit_test(ids_inside_data_are_data),
        cmocka_unit_test(a_metaschema_judges_schemas),
        cmocka_unit_test(a_check_serves_many_schemas_and_instances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
