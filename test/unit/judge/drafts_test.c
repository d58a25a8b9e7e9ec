/*
 * drafts_test.c - what one draft of JSON Schema does and another does not, beyond what the official
 * suite asks: strict callers, references across drafts, dialects, the base URI.
 */
#include "test/unit/judge/judge.h"

#include <stdio.h>

#define D7    "\"$schema\":\"http://json-schema.org/draft-07/schema#\""
#define D2019 "\"$schema\":\"https://json-schema.org/draft/2019-09/schema\""

/* Documents of other drafts, and metaschemas that are not json-schema.org's. */
static enum nx_err serve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    static const struct {
        const char *uri;
        const char *text;
    } documents[] = {
        {"https://example.org/old.json",
         "{" D7 ",\"items\":[{\"type\":\"string\"}],\"additionalItems\":false}"},
        {"https://example.org/new.json",
         "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
         "\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}"},
        {"https://example.org/back.json",
         "{" D7 ",\"properties\":{\"n\":{\"$ref\":\"https://example.org/root.json\"}},"
         "\"dependencies\":{\"n\":[\"m\"]}}"},
        {"https://example.org/unnamed.json", "{\"items\":[{\"type\":\"string\"}]}"},
        {"https://example.org/of-7", "{" D7 ",\"$id\":\"https://example.org/of-7\"}"},
        {"https://example.org/asserts",
         "{" D2019 ",\"$vocabulary\":{\"https://json-schema.org/draft/2019-09/vocab/core\":true,"
         "\"https://json-schema.org/draft/2019-09/vocab/format\":true}}"},
        {"https://example.org/itself", "{\"$schema\":\"https://example.org/itself\"}"},
        {"file:///srv/schemas/part.json", "{\"type\":\"string\"}"},
    };
    (void)ctx;
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (nx_span_is(uri, documents[i].uri)) {
            *document = nx_span_from(documents[i].text);
            return NX_OK;
        }
    }
    return NX_ERR_NOT_FOUND;
}

static struct nx_schema_options options_of(enum nx_draft draft, bool strict)
{
    return (struct nx_schema_options){.strict = strict,
                                      .assert_format = true,
                                      .default_draft = draft,
                                      .resolve = serve,
                                      .seed = 5};
}

static void judges(enum nx_draft draft, const char *source, const char *instance, bool valid)
{
    const struct nx_schema_options options = options_of(draft, false);
    enum nx_err err = verdict_with(&options, source, instance);
    if (err != (valid ? NX_OK : NX_ERR_INVALID)) {
        fail_msg("draft %d: %s: %s: %s", (int)draft, source, instance, nx_err_text(err));
    }
}

static void compiles_as(enum nx_draft draft, bool strict, const char *source, enum nx_err expected,
                        const char *text)
{
    const struct nx_schema_options options = options_of(draft, strict);
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    enum nx_err err = nx_schema_compile(nx_span_from(source), "s.json", &options, &schema, &diag);
    nx_schema_free(schema);
    if (err != expected || strstr(diag.text, text) == NULL) {
        fail_msg("draft %d: %s: %s: %s", (int)draft, source, nx_err_text(err), diag.text);
    }
}

static void a_draft_has_a_name_and_a_uri(void **state)
{
    enum nx_draft draft;
    (void)state;
    assert_true(nx_draft_find(NX_SPAN("07"), &draft) && draft == NX_DRAFT_07);
    assert_true(nx_draft_find(NX_SPAN("4"), &draft) && draft == NX_DRAFT_04);
    assert_true(nx_draft_find(NX_SPAN("2019-09"), &draft) && draft == NX_DRAFT_2019_09);
    assert_true(nx_draft_find(NX_SPAN("http://json-schema.org/draft-06/schema#"), &draft) &&
                draft == NX_DRAFT_06);
    assert_false(nx_draft_find(NX_SPAN("3"), &draft));
    assert_false(nx_draft_find(NX_SPAN(""), &draft));
}

static void without_a_dialect_the_callers_draft_holds(void **state)
{
    (void)state;
    judges(NX_DRAFT_2020_12, "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", false);
    judges(NX_DRAFT_2019_09, "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", false);
    judges(NX_DRAFT_07, "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", true);
    judges(NX_DRAFT_07, "{\"if\":{\"minimum\":5},\"then\":{\"maximum\":6}}", "7", false);
    judges(NX_DRAFT_06, "{\"if\":{\"minimum\":5},\"then\":{\"maximum\":6}}", "7", true);
    judges(NX_DRAFT_06, "{\"const\":1}", "2", false);
    judges(NX_DRAFT_04, "{\"const\":1}", "2", true);
    judges(NX_DRAFT_2019_09, "{\"prefixItems\":[false]}", "[1]", true);
}

static void schema_prevails_over_the_callers_draft(void **state)
{
    (void)state;
    judges(NX_DRAFT_04, "{" D7 ",\"const\":1}", "2", false);
    judges(NX_DRAFT_2020_12, "{" D7 ",\"items\":[{\"type\":\"null\"}]}", "[1]", false);
}

static void strict_callers_get_the_keywords_of_the_draft_alone(void **state)
{
    static const struct {
        enum nx_draft draft;
        const char *source;
        bool known;
    } cases[] = {
        {NX_DRAFT_2020_12, "{\"prefixItems\":[true]}", true},
        {NX_DRAFT_2019_09, "{\"prefixItems\":[true]}", false},
        {NX_DRAFT_2019_09, "{\"additionalItems\":true}", true},
        {NX_DRAFT_2020_12, "{\"additionalItems\":true}", false},
        {NX_DRAFT_2020_12, "{\"definitions\":{}}", false},
        {NX_DRAFT_2019_09, "{\"dependencies\":{}}", false},
        {NX_DRAFT_07, "{\"dependencies\":{}}", true},
        {NX_DRAFT_07, "{\"$defs\":{}}", false},
        {NX_DRAFT_07, "{\"$anchor\":\"a\"}", false},
        {NX_DRAFT_07, "{\"minContains\":1}", false},
        {NX_DRAFT_07, "{\"readOnly\":true,\"$comment\":\"c\"}", true},
        {NX_DRAFT_06, "{\"$comment\":\"c\"}", false},
        {NX_DRAFT_06, "{\"examples\":[]}", true},
        {NX_DRAFT_04, "{\"examples\":[]}", false},
        {NX_DRAFT_04, "{\"id\":\"urn:x\"}", true},
        {NX_DRAFT_04, "{\"$id\":\"urn:x\"}", false},
        {NX_DRAFT_06, "{\"id\":\"urn:x\"}", false},
        {NX_DRAFT_2019_09, "{\"$recursiveAnchor\":true}", true},
        {NX_DRAFT_2020_12, "{\"$recursiveAnchor\":true}", false},
        {NX_DRAFT_2019_09, "{\"$dynamicRef\":\"#\"}", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        compiles_as(cases[i].draft, true, cases[i].source, cases[i].known ? NX_OK : NX_ERR_INVALID,
                    cases[i].known ? "" : "does not have it");
        compiles_as(cases[i].draft, false, cases[i].source, NX_OK, "");
    }
}

static void strict_callers_get_the_formats_of_the_draft_alone(void **state)
{
    static const struct {
        const char *name;
        enum nx_draft since; /* an earlier draft has a greater number */
    } formats[] = {
        {"date-time", NX_DRAFT_04},     {"hostname", NX_DRAFT_04},
        {"json-pointer", NX_DRAFT_06},  {"uri-template", NX_DRAFT_06},
        {"date", NX_DRAFT_07},          {"iri", NX_DRAFT_07},
        {"idn-hostname", NX_DRAFT_07},  {"relative-json-pointer", NX_DRAFT_07},
        {"duration", NX_DRAFT_2019_09}, {"uuid", NX_DRAFT_2019_09},
    };
    char source[64];
    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        (void)snprintf(source, sizeof(source), "{\"format\":\"%s\"}", formats[i].name);
        for (enum nx_draft draft = 0; draft < NX_DRAFT_COUNT; draft++) {
            bool known = draft <= formats[i].since;
            compiles_as(draft, true, source, known ? NX_OK : NX_ERR_INVALID,
                        known ? "" : "unknown format");
        }
    }
    compiles_as(NX_DRAFT_04, true, "{\"format\":\"ip-address\"}", NX_ERR_INVALID, "unknown format");
    judges(NX_DRAFT_04, "{\"format\":\"date\"}", "\"no date\"", true);
}

static void a_hostname_is_judged_by_its_drafts_rfc(void **state)
{
    (void)state;
    judges(NX_DRAFT_06, "{\"format\":\"hostname\"}", "\"ab--cd.example\"", true);
    judges(NX_DRAFT_07, "{\"format\":\"hostname\"}", "\"ab--cd.example\"", false);
}

static void up_to_draft_07_a_reference_stands_alone(void **state)
{
    static const char source[] = "{\"definitions\":{\"s\":{\"type\":\"string\"}},"
                                 "\"properties\":{\"a\":{\"$ref\":\"#/definitions/s\","
                                 "\"maxLength\":1}}}";
    (void)state;
    judges(NX_DRAFT_07, source, "{\"a\":\"long\"}", true);
    judges(NX_DRAFT_04, source, "{\"a\":\"long\"}", true);
    judges(NX_DRAFT_2019_09, source, "{\"a\":\"long\"}", false);
    compiles_as(NX_DRAFT_07, true, source, NX_ERR_INVALID, "\"maxLength\" has no effect beside");
    compiles_as(NX_DRAFT_07, true,
                "{\"$ref\":\"#/definitions/s\",\"title\":\"t\",\"definitions\":{\"s\":{}}}", NX_OK,
                "");
    compiles_as(NX_DRAFT_07, true,
                "{\"$ref\":\"#/definitions/s\",\"definitions\":{\"s\":{\"x\":1}}}", NX_ERR_INVALID,
                "unknown keyword \"x\"");
}

static void up_to_draft_07_an_id_may_be_an_anchor(void **state)
{
    static const char source[] = "{\"definitions\":{\"a\":{\"$id\":\"#name\",\"type\":\"null\"}},"
                                 "\"items\":{\"$ref\":\"#name\"}}";
    static const char both[] = "{\"$id\":\"urn:r\",\"definitions\":{\"a\":{\"$id\":\"urn:a#b\","
                               "\"type\":\"null\"}},\"items\":{\"$ref\":\"urn:a#b\"}}";
    static const char pointer[] = "{\"properties\":{\"a\":{\"$id\":\"#/properties/a\"}}}";
    (void)state;
    judges(NX_DRAFT_07, source, "[1]", false);
    judges(NX_DRAFT_06, both, "[1]", false);
    compiles_as(NX_DRAFT_2019_09, false, source, NX_ERR_INVALID, "$id must not have a fragment");
    compiles_as(NX_DRAFT_07, false, pointer, NX_OK, "");
    compiles_as(NX_DRAFT_07, true, pointer, NX_ERR_INVALID, "an anchor is");
}

static void draft_04_has_no_boolean_schemas(void **state)
{
    (void)state;
    compiles_as(NX_DRAFT_04, false, "true", NX_ERR_INVALID, "in draft 04");
    compiles_as(NX_DRAFT_04, false, "{\"not\":false}", NX_ERR_INVALID, "not: expected a schema");
    compiles_as(NX_DRAFT_04, false, "{\"properties\":{\"a\":true}}", NX_ERR_INVALID,
                "properties: expected a schema");
    judges(NX_DRAFT_04, "{\"additionalProperties\":false}", "{\"a\":1}", false);
    judges(NX_DRAFT_04, "{\"items\":[{}],\"additionalItems\":false}", "[1,2]", false);
}

static void draft_04_wants_names_where_it_wants_arrays(void **state)
{
    (void)state;
    compiles_as(NX_DRAFT_04, false, "{\"required\":[]}", NX_ERR_INVALID, "at least one name");
    compiles_as(NX_DRAFT_04, false, "{\"dependencies\":{\"a\":[]}}", NX_ERR_INVALID,
                "dependencies: expected at least one name");
    compiles_as(NX_DRAFT_04, false, "{\"enum\":[]}", NX_ERR_INVALID, "at least one value");
    compiles_as(NX_DRAFT_06, false, "{\"required\":[],\"dependencies\":{\"a\":[]}}", NX_OK, "");
}

static void draft_04_bounds_are_made_exclusive_by_a_flag(void **state)
{
    static const char source[] = "{\"exclusiveMinimum\":true,\"minimum\":1,\"maximum\":2,"
                                 "\"exclusiveMaximum\":false}";
    (void)state;
    judges(NX_DRAFT_04, source, "1", false);
    judges(NX_DRAFT_04, source, "1.1", true);
    judges(NX_DRAFT_04, source, "2", true);
    compiles_as(NX_DRAFT_04, false, "{\"exclusiveMinimum\":true}", NX_ERR_INVALID,
                "expected the bound");
    compiles_as(NX_DRAFT_04, false, "{\"minimum\":1,\"exclusiveMinimum\":1}", NX_ERR_INVALID,
                "true or false");
    compiles_as(NX_DRAFT_06, false, source, NX_ERR_INVALID, "exclusiveMinimum: expected a number");
}

static void draft_04_integers_are_written_as_such(void **state)
{
    static const char source[] = "{\"properties\":{\"n\":{\"type\":\"integer\"}}}";
    (void)state;
    judges(NX_DRAFT_04, source, "{\"n\":1.0}", false);
    judges(NX_DRAFT_04, source, "{\"n\":1e2}", false);
    judges(NX_DRAFT_04, source, "{\"n\":-12345678901234567890}", true);
    judges(NX_DRAFT_06, source, "{\"n\":1.0}", true);
    judges(NX_DRAFT_04, "{\"type\":[\"integer\",\"number\"]}", "1.0", true);
}

static void before_2020_12_items_may_be_an_array(void **state)
{
    static const char source[] = "{\"additionalItems\":{\"type\":\"null\"},"
                                 "\"items\":[{\"type\":\"string\"}]}";
    (void)state;
    judges(NX_DRAFT_2019_09, source, "[\"a\",null]", true);
    judges(NX_DRAFT_2019_09, source, "[1]", false);
    judges(NX_DRAFT_04, source, "[\"a\",1]", false);
    judges(NX_DRAFT_07, "{\"additionalItems\":false}", "[1]", true);
    judges(NX_DRAFT_07, "{\"additionalItems\":false,\"items\":{}}", "[1]", true);
    compiles_as(NX_DRAFT_2020_12, false, source, NX_ERR_INVALID, "expected a schema");
}

static void contains_evaluates_items_since_2020_12(void **state)
{
    static const char source[] = "{\"contains\":{\"type\":\"null\"},\"unevaluatedItems\":false}";
    (void)state;
    judges(NX_DRAFT_2020_12, source, "[null]", true);
    judges(NX_DRAFT_2019_09, source, "[null]", false);
}

static void a_recursive_anchor_belongs_to_a_root(void **state)
{
    (void)state;
    compiles_as(NX_DRAFT_2019_09, false, "{\"not\":{\"$recursiveAnchor\":true}}", NX_ERR_INVALID,
                "belongs at the root");
    compiles_as(NX_DRAFT_2019_09, false, "{\"items\":{\"$recursiveRef\":\"#/a\"}}", NX_ERR_INVALID,
                "$recursiveRef: expected \"#\"");
    judges(NX_DRAFT_2019_09,
           "{\"$id\":\"urn:strict-tree\",\"$recursiveAnchor\":true,\"$ref\":\"urn:tree\","
           "\"unevaluatedProperties\":false,\"$defs\":{\"t\":{\"$id\":\"urn:tree\","
           "\"$recursiveAnchor\":true,\"properties\":{\"down\":{\"$recursiveRef\":\"#\"}}}}}",
           "{\"down\":{\"dwon\":{}}}", false);
}

static void references_lead_into_other_drafts_and_back(void **state)
{
    static const char forth[] = "{\"items\":[false],\"$ref\":\"https://example.org/new.json\"}";
    static const char back[] = "{\"$id\":\"https://example.org/root.json\",\"maxProperties\":2,"
                               "\"$ref\":\"https://example.org/back.json\"}";
    (void)state;
    judges(NX_DRAFT_2020_12, "{\"$ref\":\"https://example.org/old.json\"}", "[\"a\"]", true);
    judges(NX_DRAFT_2020_12, "{\"$ref\":\"https://example.org/old.json\"}", "[\"a\",1]", false);
    judges(NX_DRAFT_07, forth, "[\"a\"]", true); /* beside $ref `items` is nothing */
    judges(NX_DRAFT_07, forth, "[\"a\",1]", false);
    judges(NX_DRAFT_2020_12, back, "{\"m\":1,\"n\":{}}", true);
    judges(NX_DRAFT_2020_12, back, "{\"n\":{}}", false);
    judges(NX_DRAFT_2020_12, back, "{\"m\":1,\"n\":{\"a\":1,\"b\":2,\"c\":3}}", false);
}

static void a_resource_within_a_document_may_be_of_another_draft(void **state)
{
    static const char source[] =
        "{\"$ref\":\"urn:old\",\"$defs\":{\"o\":{" D7 ",\"$id\":\"urn:old\","
        "\"definitions\":{\"n\":{\"$id\":\"#n\",\"type\":\"null\"}},"
        "\"items\":[{\"$ref\":\"#n\",\"const\":1}]},\"p\":{\"$schema\":\"nonsense\"}}}";
    static const char oldest[] =
        "{\"items\":{\"$ref\":\"urn:oldest\"},\"$defs\":{\"o\":{\"id\":\"urn:oldest\",\"$schema\":"
        "\"http://json-schema.org/draft-04/schema#\",\"minimum\":1,\"exclusiveMinimum\":true}}}";
    (void)state;
    judges(NX_DRAFT_2020_12, source, "[null]", true);
    judges(NX_DRAFT_2020_12, source, "[1]", false);
    judges(NX_DRAFT_2020_12, oldest, "[1]", false);
    judges(NX_DRAFT_2020_12, oldest, "[2]", true);
}

static void a_document_without_a_dialect_speaks_that_of_the_root(void **state)
{
    (void)state;
    judges(NX_DRAFT_2020_12, "{" D7 ",\"$ref\":\"https://example.org/unnamed.json\"}", "[1]",
           false);
    compiles_as(NX_DRAFT_2020_12, false, "{\"$ref\":\"https://example.org/unnamed.json\"}",
                NX_ERR_INVALID, "expected a schema");
}

static void a_metaschema_names_the_draft_by_its_own_dialect(void **state)
{
    (void)state;
    judges(NX_DRAFT_2020_12, "{\"$schema\":\"https://example.org/of-7\",\"items\":[false]}", "[1]",
           false);
    compiles_as(NX_DRAFT_2020_12, false, "{\"$schema\":\"https://example.org/itself\"}",
                NX_ERR_UNSUPPORTED, "is not known");
}

static void format_as_a_required_vocabulary_of_2019_09_asserts(void **state)
{
    struct nx_schema_options options = options_of(NX_DRAFT_2020_12, false);
    (void)state;
    options.assert_format = false;
    assert_int_equal(verdict_with(&options,
                                  "{\"$schema\":\"https://example.org/asserts\","
                                  "\"format\":\"ipv4\",\"type\":\"string\"}",
                                  "\"x\""),
                     NX_ERR_INVALID);
    assert_int_equal(verdict_with(&options, /* the validation vocabulary is not in that dialect */
                                  "{\"$schema\":\"https://example.org/asserts\",\"maximum\":1}",
                                  "2"),
                     NX_OK);
    assert_int_equal(verdict_with(&options, "{" D2019 ",\"format\":\"ipv4\"}", "\"x\""), NX_OK);
}

static void every_metaschema_is_at_hand_and_judges_itself(void **state)
{
    static const char *const uris[] = {
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-04/schema#",
    };
    char source[128];
    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        (void)snprintf(source, sizeof(source), "{\"$ref\":\"%s\"}", uris[i]);
        accepts(source, "{\"type\":\"object\",\"properties\":{\"a\":{\"minLength\":1}}}");
        refuses(source, "{\"properties\":{\"a\":{\"minLength\":-1}}}");
    }
}

static void content_asserts_in_draft_07_where_it_is_asked_for(void **state)
{
    struct nx_schema_options options = options_of(NX_DRAFT_07, true);
    static const char both[] = "{\"contentMediaType\":\"application/json\","
                               "\"contentEncoding\":\"base64\"}";
    (void)state;
    assert_int_equal(verdict_with(&options, both, "\"%\""), NX_OK);
    options.assert_content = true;
    assert_int_equal(verdict_with(&options, both, "\"e30=\""), NX_OK);          /* {} */
    assert_int_equal(verdict_with(&options, both, "\"ezp9\""), NX_ERR_INVALID); /* {:} */
    assert_int_equal(verdict_with(&options, both, "\"\""), NX_ERR_INVALID);
    for (size_t i = 0; i < 6; i++) {
        static const char *const torn[] = {"\"e30\"",  "\"e30==\"", "\"====\"",
                                           "\"A===\"", "\"e3 0=\"", "\"e3=0\""};
        assert_int_equal(verdict_with(&options, "{\"contentEncoding\":\"base64\"}", torn[i]),
                         NX_ERR_INVALID);
    }
    assert_int_equal(verdict_with(&options, "{\"contentEncoding\":\"base64\"}", "\"\""), NX_OK);
    assert_int_equal(verdict_with(&options, "{\"contentEncoding\":\"quoted-printable\"}", "\"=\""),
                     NX_OK);
    assert_int_equal(verdict_with(&options,
                                  "{\"properties\":{\"c\":{\"contentEncoding\":\"base64\"}}}",
                                  "{\"c\":\"%\"}"),
                     NX_ERR_INVALID);
    options.default_draft = NX_DRAFT_2019_09;
    assert_int_equal(verdict_with(&options, both, "\"%\""), NX_OK);
}

static void relative_references_start_at_the_base_uri(void **state)
{
    static const char source[] =
        "{\"items\":{\"$ref\":\"part.json\"},\"not\":{\"$ref\":\"#/$defs/n\"},"
        "\"$defs\":{\"n\":{\"type\":\"null\"}}}";
    struct nx_schema_options options = options_of(NX_DRAFT_2020_12, true);
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    (void)state;
    assert_int_equal(nx_schema_compile(nx_span_from(source), "s.json", &options, &schema, &diag),
                     NX_ERR_INVALID);
    options.base_uri = NX_SPAN("file:///srv/schemas/root.json#fragment");
    assert_int_equal(verdict_with(&options, source, "[\"a\"]"), NX_OK);
    assert_int_equal(verdict_with(&options, source, "[1]"), NX_ERR_INVALID);
    assert_int_equal(
        verdict_with(&options, "{\"items\":{\"$ref\":\"root.json\"},\"maxItems\":1}", "[[1,2]]"),
        NX_ERR_INVALID); /* the root itself: nobody is asked for it */
    assert_int_equal(nx_schema_compile(nx_span_from(source), "s.json", &options, &schema, &diag),
                     NX_OK);
    assert_int_equal(nx_schema_id(schema).len, 0); /* where it is is not what it is called */
    nx_schema_free(schema);
    assert_int_equal(
        nx_schema_compile(NX_SPAN("{\"$id\":\"a/b\"}"), "s.json", &options, &schema, &diag), NX_OK);
    assert_true(nx_span_is(nx_schema_id(schema), "file:///srv/schemas/a/b"));
    nx_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draft_has_a_name_and_a_uri),
        cmocka_unit_test(without_a_dialect_the_callers_draft_holds),
        cmocka_unit_test(schema_prevails_over_the_callers_draft),
        cmocka_unit_test(strict_callers_get_the_keywords_of_the_draft_alone),
        cmocka_unit_test(strict_callers_get_the_formats_of_the_draft_alone),
        cmocka_unit_test(a_hostname_is_judged_by_its_drafts_rfc),
        cmocka_unit_test(up_to_draft_07_a_reference_stands_alone),
        cmocka_unit_test(up_to_draft_07_an_id_may_be_an_anchor),
        cmocka_unit_test(draft_04_has_no_boolean_schemas),
        cmocka_unit_test(draft_04_wants_names_where_it_wants_arrays),
        cmocka_unit_test(draft_04_bounds_are_made_exclusive_by_a_flag),
        cmocka_unit_test(draft_04_integers_are_written_as_such),
        cmocka_unit_test(before_2020_12_items_may_be_an_array),
        cmocka_unit_test(contains_evaluates_items_since_2020_12),
        cmocka_unit_test(a_recursive_anchor_belongs_to_a_root),
        cmocka_unit_test(references_lead_into_other_drafts_and_back),
        cmocka_unit_test(a_resource_within_a_document_may_be_of_another_draft),
        cmocka_unit_test(a_document_without_a_dialect_speaks_that_of_the_root),
        cmocka_unit_test(a_metaschema_names_the_draft_by_its_own_dialect),
        cmocka_unit_test(format_as_a_required_vocabulary_of_2019_09_asserts),
        cmocka_unit_test(every_metaschema_is_at_hand_and_judges_itself),
        cmocka_unit_test(content_asserts_in_draft_07_where_it_is_asked_for),
        cmocka_unit_test(relative_references_start_at_the_base_uri),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
