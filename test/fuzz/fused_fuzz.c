/*
 * fused_fuzz.c - a payload judged in one pass must get the verdict of reader and check.
 *
 * The first byte chooses the schema: one of the shipped files, one of the lines below, or (the
 * byte above all of those) the text up to a line "%%". What follows is the payload.
 */
#include "core/os/file.h"
#include "core/schema.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_BYTES_MAX = 1024 * 1024, FILES = 8 };

static const char *const files[FILES] = {
    "schemas/birmingham/air/schema.json", "schemas/ulsan/air/schema.json",
    "schemas/canonical/air/schema.json",  "schemas/config/federation.schema.json",
    "schemas/config/city.schema.json",    "schemas/config/lens.schema.json",
    "bench/data/air-quality.schema.json", "bench/data/ngsi-ld.schema.json",
};

/* Small ones, so that the fuzzer comes to every corner soon. */
static const char *const lines[] = {
    "true",
    "{\"type\":[\"object\",\"array\"],\"maxProperties\":3,\"maxItems\":3,\"minItems\":1}",
    "{\"properties\":{\"a\":{\"$ref\":\"#\"},\"b\":{\"items\":{\"$ref\":\"#\"}},\"\":{\"type\":"
    "\"integer\"}},\"required\":[\"a\"],\"additionalProperties\":false}",
    "{\"prefixItems\":[{\"type\":\"integer\"},{\"$ref\":\"#\"}],\"items\":{\"type\":[\"number\","
    "\"string\"],\"minimum\":-1.5,\"multipleOf\":0.5,\"maxLength\":2}}",
    "{\"allOf\":[{\"properties\":{\"a\":{\"maximum\":3}},\"patternProperties\":{\"^x\":{\"items\":"
    "true}}},{\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"const\":\"ok\"}},"
    "\"propertyNames\":{\"maxLength\":4}}],\"dependentRequired\":{\"a\":[\"b\"]}}",
    "{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":true,\"c\":true},\"anyOf\":[{\"required"
    "\":[\"a\"]},{\"required\":[\"b\",\"c\"]}],\"not\":{\"required\":[\"a\",\"b\"]},\"oneOf\":[{"
    "\"required\":[\"b\"]},{\"required\":[\"c\"]},{\"required\":[\"a\"]}]}",
    "{\"properties\":{\"u\":{\"uniqueItems\":true},\"c\":{\"contains\":{\"type\":\"null\"}},\"o\":{"
    "\"oneOf\":[{\"type\":\"array\"},{\"type\":\"string\",\"format\":\"date-time\"}]},\"k\":{\"enum"
    "\":[\"a\",\"b\",1,[1],{\"x\":null},false]},\"v\":{\"unevaluatedItems\":false}}}",
    "{\"properties\":{\"n\":{\"exclusiveMinimum\":0,\"exclusiveMaximum\":9223372036.854775807},"
    "\"m\":{\"multipleOf\":1e-9},\"k\":{\"maximum\":1e300},\"f\":{\"format\":\"date\"},\"p\":{"
    "\"pattern\":\"^[a-c]{2,4}(x|y)?$\"},\"q\":{\"minLength\":2}}}",
};

enum { LINES = sizeof(lines) / sizeof(lines[0]), KNOWN = FILES + LINES };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static struct nx_schema *compile(struct nx_span source)
{
    const struct nx_schema_options options = {.assert_format = true, .seed = 7};
    struct nx_schema *schema = NULL;

    return nx_schema_compile(source, "fuzz.json", &options, &schema, NULL) == NX_OK ? schema : NULL;
}

static struct nx_schema *compile_file(const char *name)
{
    struct nx_schema *schema;
    struct nx_buf source;
    struct nx_diag diag = {0};
    char path[1024];

    nx_buf_init(&source, FILE_BYTES_MAX);
    (void)snprintf(path, sizeof(path), NX_SOURCE_DIR "/%s", name);
    must(nx_file_read(path, &source, &diag) == NX_OK);
    schema = compile(nx_buf_view(&source));
    nx_buf_fini(&source);
    return schema;
}

/* Compiled once, and reachable until the end. */
static const struct nx_schema *known(size_t index)
{
    static struct nx_schema *schemas[KNOWN];

    if (schemas[index] == NULL) {
        schemas[index] = index < FILES ? compile_file(files[index])
                                       : compile(nx_span_from(lines[index - FILES]));
        must(schemas[index] != NULL);
    }
    return schemas[index];
}

static bool ignore_fault(void *ctx, const struct nx_fault *fault)
{
    (void)ctx;
    (void)fault;
    return true;
}

/* An explanation asks the complete rules for all; it works more and may reach a limit sooner. */
static enum nx_err explained(const struct nx_schema *schema, struct nx_check *check,
                             const struct nx_json *json, enum nx_err err)
{
    enum nx_err told = nx_schema_explain(schema, check, json, 1, ignore_fault, NULL);

    return told == NX_ERR_LIMIT || err == NX_ERR_LIMIT ? err : told;
}

static void judge(const struct nx_schema *schema, struct nx_span payload)
{
    struct nx_check *check = nx_check_new();
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 3);
    enum nx_err err;

    must(check != NULL && json != NULL);
    err = nx_json_parse(json, payload, NX_JSON_STRICT, NULL);
    if (err == NX_OK) {
        err = nx_schema_check(schema, check, json);
        must(explained(schema, check, json, err) == err);
    }
    must(nx_schema_check_bytes(schema, check, payload) == err);
    must(!nx_schema_admits(schema, check, payload) || err == NX_OK);
    nx_json_free(json);
    nx_check_free(check);
}

/* The schema is in the input, too. */
static void judge_both(struct nx_span text)
{
    const char *cut = text.len > 0 ? memmem(text.ptr, text.len, "\n%%\n", 4) : NULL;
    struct nx_schema *schema;

    if (cut == NULL) {
        return;
    }
    schema = compile((struct nx_span){text.ptr, (size_t)(cut - text.ptr)});
    if (schema != NULL) {
        judge(schema, (struct nx_span){cut + 4, (size_t)(text.ptr + text.len - cut - 4)});
    }
    nx_schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span rest = {(const char *)data + 1, size - 1};

    if (size == 0) {
        return 0;
    }
    if (data[0] % (KNOWN + 1) < KNOWN) {
        judge(known(data[0] % (KNOWN + 1)), rest);
    } else {
        judge_both(rest);
    }
    return 0;
}
