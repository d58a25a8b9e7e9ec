/*
 * schema_fuzz.c - a schema, a line "%%", an instance. The schema is compiled strictly and loosely,
 * without a $schema in the draft that the size of the input picks, as good as any other dice;
 * what compiles judges the instance twice, plainly and with explanations, and both must agree.
 */
#include "core/schema.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FAULTS_MAX = 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool count_fault(void *ctx, const struct nx_fault *fault)
{
    unsigned *count = ctx;

    must(fault->text[0] != '\0' && fault->keyword[0] != '\0');
    return ++*count < FAULTS_MAX;
}

static void judge(const struct nx_schema *schema, const struct nx_json *instance)
{
    struct nx_check *check = nx_check_new();
    unsigned faults = 0;
    enum nx_err plain;
    enum nx_err explained;

    must(check != NULL);
    plain = nx_schema_check(schema, check, instance);
    explained = nx_schema_explain(schema, check, instance, FAULTS_MAX, count_fault, &faults);
    /* an explanation works more, so it may reach a limit that the plain check did not */
    must(plain == explained || plain == NX_ERR_LIMIT || explained == NX_ERR_LIMIT);
    must(plain != NX_OK || faults == 0);
    must(explained != NX_ERR_INVALID || faults > 0);
    nx_check_free(check);
}

static void run(struct nx_span source, const struct nx_json *instance, bool strict,
                enum nx_draft draft)
{
    const struct nx_schema_options options = {.strict = strict,
                                              .assert_format = true,
                                              .assert_content = true,
                                              .default_draft = draft,
                                              .base_uri = NX_SPAN("file:///a/b"),
                                              .seed = 7};
    struct nx_schema *schema;
    struct nx_diag diag = {0};

    if (nx_schema_compile(source, "fuzz.json", &options, &schema, &diag) != NX_OK) {
        must(diag.text[0] != '\0');
        return;
    }
    if (instance != NULL) {
        judge(schema, instance);
    }
    nx_schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span source = {(const char *)data, size};
    struct nx_span bytes = NX_SPAN("null");
    const char *cut = size > 0 ? memmem(data, size, "\n%%\n", 4) : NULL;
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, 3);
    enum nx_draft draft = (enum nx_draft)(size % NX_DRAFT_COUNT);
    bool is_json;

    must(json != NULL);
    if (cut != NULL) {
        source.len = (size_t)(cut - source.ptr);
        bytes = (struct nx_span){cut + 4, size - source.len - 4};
    }
    is_json = nx_json_parse(json, bytes, NX_JSON_STRICT, NULL) == NX_OK;
    run(source, is_json ? json : NULL, true, draft);
    run(source, is_json ? json : NULL, false, draft);
    nx_json_free(json);
    return 0;
}
