/*
 * memory_test.c - every allocation of reading, compiling, checking and explaining fails once, at
 * its turn: an error comes back, nothing leaks (under ASan), nothing is judged valid by accident.
 */
#include "test/unit/judge/judge.h"
#include "test/unit/memory.h"

static const char schema_source[] =
    "{\"$id\":\"http://x/s\",\"$dynamicAnchor\":\"a\",\"properties\":{\"p\":{\"pattern\":\"^a\"},"
    "\"q\":{\"enum\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14]},\"r\":{\"$dynamicRef\":\"#a\"},"
    "\"s\":{\"uniqueItems\":true}},\"required\":[\"p\"],\"patternProperties\":{\"^t\":true},"
    "\"anyOf\":[{\"properties\":{\"u\":true,\"v\":{\"$ref\":\"urn:old\"}}},false],"
    "\"unevaluatedProperties\":false,\"$defs\":{\"o\":{\"$id\":\"urn:old\","
    "\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"definitions\":{\"n\":{\"$id\":"
    "\"#n\"}},\"contentMediaType\":\"application/"
    "json\",\"contentEncoding\":\"base64\"},\"m\":{\"$ref\":\"https://json-schema.org/draft/"
    "2020-12/schema\"}}}";
static const char instance_source[] = "{\"p\":\"\\u0061\",\"q\":14,\"r\":{\"p\":\"a\"},\"s\":[1,2,"
                                      "3,4,5,6,7,8,9,10,11],\"t1\":0,\"u\":1,\"v\":\"e30=\"}";

static bool go_on(void *ctx, const struct nx_fault *fault)
{
    (void)ctx;
    (void)fault;
    return true;
}

/* The verdict of a run in which that allocation fails, and all behind it; 0: none does. */
static enum nx_err run(size_t failing)
{
    const struct nx_schema_options options = {
        .strict = true, .assert_format = true, .assert_content = true, .seed = 1};
    struct nx_schema *schema = NULL;
    struct nx_json *json;
    struct nx_check *check;
    enum nx_err err = NX_ERR_NOMEM;

    memory_fails_from(failing);
    json = nx_json_new(&nx_json_limits_payload, 1);
    check = nx_check_new();
    if (json != NULL && check != NULL) {
        err = nx_json_parse(json, nx_span_from(instance_source), NX_JSON_STRICT, NULL);
    }
    if (err == NX_OK) {
        err = nx_schema_compile(nx_span_from(schema_source), "s.json", &options, &schema, NULL);
    }
    if (err == NX_OK) {
        err = nx_schema_check(schema, check, json);
    }
    if (err == NX_OK) {
        err = nx_schema_check_bytes(schema, check, nx_span_from(instance_source));
    }
    if (err == NX_OK) {
        err = nx_schema_explain(schema, check, json, 5, go_on, NULL);
    }
    memory_fails_from(0);
    nx_schema_free(schema);
    nx_json_free(json);
    nx_check_free(check);
    return err;
}

static void each_allocation_may_fail(void **state)
{
    enum { ALLOCATIONS_MAX = 1000 };
    size_t failing = 1;
    enum nx_err err;
    (void)state;
    assert_int_equal(run(0), NX_OK);
    while ((err = run(failing)) != NX_OK) {
        assert_int_equal(err, NX_ERR_NOMEM);
        assert_true(++failing < ALLOCATIONS_MAX);
    }
    assert_true(failing > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
