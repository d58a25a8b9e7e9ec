/*
 * judge.h - shared by the tests of the judge: a schema and an instance in one line each.
 */
#ifndef NX_TEST_JUDGE_H
#define NX_TEST_JUDGE_H

#include "core/schema.h"

#include "test/unit/unit.h"

static inline enum nx_err compile_with(const char *source, bool strict, struct nx_schema **out,
                                       struct nx_diag *diag)
{
    const struct nx_schema_options options = {.strict = strict, .assert_format = true, .seed = 5};

    return nx_schema_compile(nx_span_from(source), "s.json", &options, out, diag);
}

/* The verdict of a schema on an instance; fails the test when either cannot be read. */
static inline enum nx_err verdict_with(const struct nx_schema_options *options, const char *source,
                                       const char *instance)
{
    struct nx_schema *schema = NULL;
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 6);
    struct nx_diag diag = {0};
    enum nx_err err;

    assert_non_null(check);
    assert_non_null(json);
    if (nx_schema_compile(nx_span_from(source), "s.json", options, &schema, &diag) != NX_OK) {
        fail_msg("%s: refused: %s", source, diag.text);
    }
    if (nx_json_parse(json, nx_span_from(instance), NX_JSON_STRICT, &diag) != NX_OK) {
        fail_msg("%s: not JSON: %s", instance, diag.text);
    }
    err = nx_schema_check(schema, check, json);
    assert_int_equal(nx_schema_check_bytes(schema, check, nx_span_from(instance)), err);
    nx_json_free(json);
    nx_check_free(check);
    nx_schema_free(schema);
    return err;
}

static inline enum nx_err verdict(const char *source, const char *instance)
{
    const struct nx_schema_options options = {.strict = true, .assert_format = true, .seed = 5};

    return verdict_with(&options, source, instance);
}

#define accepts(source, instance) assert_int_equal(verdict((source), (instance)), NX_OK)
#define refuses(source, instance) assert_int_equal(verdict((source), (instance)), NX_ERR_INVALID)

#endif
