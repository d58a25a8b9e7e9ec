/*
 * compile_test.c - which schemas are refused when they are loaded, and how their authors are told.
 */
#include "test/unit/judge/judge.h"

#include "core/schema_uri.h"

static void fails(const char *source, bool strict, enum nx_err expected, const char *text)
{
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    enum nx_err err = compile_with(source, strict, &schema, &diag);
    nx_schema_free(schema);
    if (err != expected) {
        fail_msg("%s: %s (%s)", source, nx_err_text(err), diag.text);
    }
    if (strstr(diag.text, text) == NULL) {
        fail_msg("%s: the diagnosis is \"%s\"", source, diag.text);
    }
    assert_string_equal(diag.file, "s.json");
    assert_true(diag.line > 0 && diag.column > 0);
}

static void loads(const char *source, bool strict)
{
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    if (compile_with(source, strict, &schema, &diag) != NX_OK) {
        fail_msg("%s: %s", source, diag.text);
    }
    nx_schema_free(schema);
}

static void what_is_not_known_is_refused_by_the_strict_and_ignored_by_others(void **state)
{
    static const char keyword[] = "{\"properties\":{\"a\":{\"minimun\":1}}}";
    static const char format[] = "{\"format\":\"datetime\"}";
    (void)state;
    fails(keyword, true, NX_ERR_INVALID, "unknown keyword \"minimun\"");
    fails(format, true, NX_ERR_INVALID, "unknown format \"datetime\"");
    fails("{\"$defs\":{\"unused\":{\"definitions\":{}}}}", true, NX_ERR_INVALID, "unknown keyword");
    loads(keyword, false);
    loads(format, false);
}

static void a_keyword_with_a_wrong_value_is_always_refused(void **state)
{
    static const struct {
        const char *source;
        const char *text;
    } cases[] = {
        {"1", "expected a schema"},
        {"{\"type\":\"objekt\"}", "type: expected null, boolean"},
        {"{\"type\":[]}", "at least one type"},
        {"{\"type\":[\"null\",\"null\"]}", "each type once"},
        {"{\"minLength\":-1}", "minLength: expected an integer of at least 0"},
        {"{\"minLength\":1.5}", "expected an integer of at least 0"},
        {"{\"maximum\":\"1\"}", "maximum: expected a number"},
        {"{\"multipleOf\":0}", "greater than 0"},
        {"{\"multipleOf\":12345678901234567890.1}", "at most 19 significant digits"},
        {"{\"pattern\":\"(\"}", "pattern: not a regular expression"},
        {"{\"pattern\":\"a++\"}", "nothing to repeat"},
        {"{\"pattern\":\"(?<=a*)b\"}", "lookbehind of variable length is not supported"},
        {"{\"patternProperties\":{\"[\":true}}", "no closing bracket"},
        {"{\"required\":\"a\"}", "required: expected an array of member names"},
        {"{\"required\":[\"a\",\"a\"]}", "each name once"},
        {"{\"required\":[1]}", "a member name in a string"},
        {"{\"dependentRequired\":{\"a\":1}}", "dependentRequired: expected an array"},
        {"{\"properties\":[]}", "properties: expected an object of schemas"},
        {"{\"properties\":{\"a\":1}}", "expected a schema"},
        {"{\"allOf\":[]}", "at least one"},
        {"{\"prefixItems\":true}", "prefixItems: expected an array of schemas"},
        {"{\"items\":[true]}", "expected a schema"},
        {"{\"enum\":1}", "enum: expected an array"},
        {"{\"uniqueItems\":1}", "true or false"},
        {"{\"format\":1}", "name of a format"},
        {"{\"title\":1}", "title: expected a string"},
        {"{\"deprecated\":1}", "true or false"},
        {"{\"$anchor\":\"#a\"}", "an anchor is"},
        {"{\"$id\":\"http://x/#a\"}", "must not have a fragment"},
        {"{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", "already taken"},
        {"{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}", "already taken"},
        {"{\"contentSchema\":{\"type\":1}}", "type: expected"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum nx_err err =
            strstr(cases[i].text, "not supported") != NULL ? NX_ERR_UNSUPPORTED : NX_ERR_INVALID;
        fails(cases[i].source, true, err, cases[i].text);
        fails(cases[i].source, false, err, cases[i].text);
    }
}

static void a_reference_that_leads_nowhere_is_refused(void **state)
{
    (void)state;
    fails("{\"$ref\":\"#/$defs/a\"}", false, NX_ERR_INVALID, "leads nowhere");
    fails("{\"$ref\":\"#a\"}", false, NX_ERR_INVALID, "leads nowhere");
    fails("{\"$ref\":\"#/%zz\"}", false, NX_ERR_INVALID, "leads nowhere");
    fails("{\"$ref\":\"http://x/other\"}", false, NX_ERR_INVALID, "nothing is known at");
    fails("{\"$ref\":1}", false, NX_ERR_INVALID, "a URI reference");
    fails("{\"$defs\":{\"a\":1},\"$ref\":\"#/$defs/a\"}", false, NX_ERR_INVALID,
          "expected a schema");
}

static void a_reference_back_to_itself_for_the_same_value_is_refused(void **state)
{
    (void)state;
    fails("{\"$ref\":\"#\"}", false, NX_ERR_INVALID, "never end");
    fails("{\"not\":{\"$ref\":\"#\"}}", false, NX_ERR_INVALID, "never end");
    fails("{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}", false, NX_ERR_INVALID, "never end");
    fails("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"anyOf\":[true,{\"$ref\":\"#/$defs/b\"}]},"
          "\"b\":{\"then\":true,\"if\":{\"$ref\":\"#/$defs/a\"}}}}",
          false, NX_ERR_INVALID, "never end");
    loads("{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"items\":{\"$ref\":\"#\"}}", true);
}

static void an_unknown_dialect_is_refused(void **state)
{
    (void)state;
    fails("{\"$schema\":\"http://json-schema.org/draft-03/schema#\"}", false, NX_ERR_UNSUPPORTED,
          "the dialect \"http://json-schema.org/draft-03/schema\" is not known");
    fails("{\"$schema\":7}", false, NX_ERR_INVALID, "$schema");
    loads("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema#\"}", true);
}

static void the_place_of_a_fault_is_told(void **state)
{
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    char text[1024];
    (void)state;
    assert_int_equal(compile_with("{\n  \"properties\": {\n    \"NO2\": {\"minimun\": 0}\n  }\n}",
                                  true, &schema, &diag),
                     NX_ERR_INVALID);
    assert_string_equal(nx_diag_format(&diag, text, sizeof(text)),
                        "s.json:3:13: /properties/NO2/minimun: unknown keyword \"minimun\"");
    assert_int_equal(compile_with("{\n  \"type\": object}", true, &schema, &diag), NX_ERR_SYNTAX);
    assert_int_equal(diag.line, 2);
    assert_int_equal(diag.column, 11);
    assert_string_equal(diag.file, "s.json");
}

static enum nx_err serve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    (void)ctx;
    if (nx_span_is(uri, "https://example.org/schemas/point.json")) {
        *document = NX_SPAN("{\"$defs\":{\"n\":{\"$anchor\":\"num\",\"type\":\"number\"}},"
                            "\"items\":{\"$ref\":\"#num\"}}");
        return NX_OK;
    }
    if (nx_span_is(uri, "https://example.org/schemas/broken.json")) {
        *document = NX_SPAN("{\"type\":\n 1}");
        return NX_OK;
    }
    return NX_ERR_NOT_FOUND;
}

static void other_documents_come_from_the_resolver(void **state)
{
    const struct nx_schema_options options = {.strict = true, .resolve = serve, .seed = 1};
    struct nx_schema *schema = NULL;
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 6);
    struct nx_diag diag = {0};
    (void)state;
    assert_int_equal(
        nx_schema_compile(NX_SPAN("{\"$id\":\"https://example.org/schemas/air/a.json\","
                                  "\"properties\":{\"p\":{\"$ref\":\"../point.json\"},"
                                  "\"q\":{\"$ref\":\"/schemas/point.json#num\"}}}"),
                          "a.json", &options, &schema, &diag),
        NX_OK);
    assert_int_equal(nx_json_parse(json, NX_SPAN("{\"p\":[1],\"q\":2}"), 0, NULL), NX_OK);
    assert_int_equal(nx_schema_check(schema, check, json), NX_OK);
    assert_int_equal(nx_json_parse(json, NX_SPAN("{\"p\":[\"1\"]}"), 0, NULL), NX_OK);
    assert_int_equal(nx_schema_check(schema, check, json), NX_ERR_INVALID);
    nx_schema_free(schema);
    assert_int_equal(
        nx_schema_compile(NX_SPAN("{\"$ref\":\"https://example.org/schemas/broken.json\"}"),
                          "a.json", &options, &schema, &diag),
        NX_ERR_INVALID);
    assert_string_equal(diag.file, "https://example.org/schemas/broken.json");
    assert_int_equal(diag.line, 2);
    nx_json_free(json);
    nx_check_free(check);
}

static void uris_are_resolved_as_rfc_3986_says(void **state)
{
    /* section 5.4, base http://a/b/c/d;p?q */
    static const char *const cases[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http:g", "http:g"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_buf out;
        nx_buf_init(&out, 200);
        assert_int_equal(
            nx_uri_resolve(NX_SPAN("http://a/b/c/d;p?q"), nx_span_from(cases[i][0]), &out), NX_OK);
        if (!nx_span_is(nx_buf_view(&out), cases[i][1])) {
            fail_msg("%s: %.*s", cases[i][0], NX_SPAN_ARG(nx_buf_view(&out)));
        }
        nx_buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_refused_by_the_strict_and_ignored_by_others),
        cmocka_unit_test(a_keyword_with_a_wrong_value_is_always_refused),
        cmocka_unit_test(a_reference_that_leads_nowhere_is_refused),
        cmocka_unit_test(a_reference_back_to_itself_for_the_same_value_is_refused),
        cmocka_unit_test(an_unknown_dialect_is_refused),
        cmocka_unit_test(the_place_of_a_fault_is_told),
        cmocka_unit_test(other_documents_come_from_the_resolver),
        cmocka_unit_test(uris_are_resolved_as_rfc_3986_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
