/*
 * pairs.c - see pairs.h.
 */
#include "test/unit/compat/pairs.h"

static enum nx_err judge(struct nx_span schema_text, struct nx_span document,
                         const struct pair_options *options)
{
    const struct nx_schema_options compile = {.assert_format = options->assert_format,
                                              .resolve = options->resolve};
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 7);
    struct nx_check *check = nx_check_new();
    struct nx_schema *schema = NULL;
    enum nx_err err;

    assert_non_null(json);
    assert_non_null(check);
    assert_int_equal(nx_schema_compile(schema_text, "schema", &compile, &schema, NULL), NX_OK);
    assert_int_equal(nx_json_parse(json, document, NX_JSON_STRICT, NULL), NX_OK);
    err = nx_schema_check(schema, check, json);
    nx_schema_free(schema);
    nx_check_free(check);
    nx_json_free(json);
    return err;
}

static void confirm(const struct nx_compat_result *result, const struct nx_span texts[2],
                    const struct pair_options *options, enum nx_compat_side from)
{
    struct nx_span witness = nx_buf_view(&result->witness);

    assert_true(witness.len > 0);
    assert_int_equal(judge(texts[from], witness, options), NX_OK);
    assert_int_equal(judge(texts[!from], witness, options), NX_ERR_INVALID);
    assert_true(result->keyword[0] != '\0' || result->text[0] != '\0');
}

enum nx_compat_answer ask(struct nx_span old_text, struct nx_span new_text,
                          const struct pair_options *options, enum nx_compat_side from)
{
    const struct nx_compat_options compat_options = {.assert_format = options->assert_format,
                                                     .resolve = options->resolve,
                                                     .seed = options->seed,
                                                     .candidates_max = options->candidates_max};
    const struct nx_span texts[2] = {old_text, new_text};
    static const char *const files[2] = {"old", "new"};
    struct nx_compat_result result;
    struct nx_compat *compat = NULL;
    struct nx_diag diag = {0};
    enum nx_compat_answer answer;

    if (nx_compat_new(texts, files, &compat_options, &compat, &diag) != NX_OK) {
        print_error("%s: %s\n", diag.file, diag.text);
        fail();
    }
    nx_compat_result_init(&result);
    assert_int_equal(nx_compat_decide(compat, from, &result), NX_OK);
    answer = result.answer;
    if (answer == NX_INCOMPATIBLE) {
        confirm(&result, texts, options, from);
    } else if (answer == NX_COMPAT_UNKNOWN) {
        assert_true(result.text[0] != '\0');
    }
    nx_compat_result_fini(&result);
    nx_compat_free(compat);
    return answer;
}

enum nx_compat_answer ask_full(enum nx_compat_answer backward, enum nx_compat_answer forward)
{
    if (backward == NX_INCOMPATIBLE || forward == NX_INCOMPATIBLE) {
        return NX_INCOMPATIBLE;
    }
    return backward == NX_COMPATIBLE && forward == NX_COMPATIBLE ? NX_COMPATIBLE
                                                                 : NX_COMPAT_UNKNOWN;
}
