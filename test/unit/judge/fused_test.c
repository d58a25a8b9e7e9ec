/*
 * fused_test.c - judging in one pass says what reading and checking say, on what was thought of
 * and on what a seeded generator makes of the shipped examples; and the pieces that it is fast by
 * say what the slow ones say.
 */
#include "core/json_scan.h"
#include "core/os/file.h"
#include "test/unit/judge/judge.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 1024 * 1024 };

/* ---- numbers that look random and are the same in every run (splitmix64) --------------------- */

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t limit)
{
    return (size_t)(random_next(state) % limit);
}

/* ---- one judge of both kinds ----------------------------------------------------------------- */

struct judge {
    struct nx_schema *schema;
    struct nx_check *check;
    struct nx_json *json;
};

static struct judge judge_new(struct nx_span source)
{
    const struct nx_schema_options options = {.assert_format = true, .seed = 5};
    struct judge judge = {NULL, nx_check_new(), nx_json_new(&nx_json_limits_payload, 6)};
    struct nx_diag diag = {0};

    assert_non_null(judge.check);
    assert_non_null(judge.json);
    if (nx_schema_compile(source, "s.json", &options, &judge.schema, &diag) != NX_OK) {
        fail_msg("%.*s: refused: %s", NX_SPAN_ARG(source), diag.text);
    }
    return judge;
}

static void judge_free(struct judge *judge)
{
    nx_schema_free(judge->schema);
    nx_check_free(judge->check);
    nx_json_free(judge->json);
}

static enum nx_err on_tape(struct judge *judge, struct nx_span payload)
{
    enum nx_err err = nx_json_parse(judge->json, payload, NX_JSON_STRICT, NULL);

    return err == NX_OK ? nx_schema_check(judge->schema, judge->check, judge->json) : err;
}

/* The verdict, the same in one pass; the bytes stand alone, so that ASan sees an overrun. */
static enum nx_err agreed(struct judge *judge, struct nx_span payload)
{
    char *exact = malloc(payload.len + (payload.len == 0));
    struct nx_span bytes = {exact, payload.len};
    enum nx_err err;

    assert_non_null(exact);
    if (payload.len > 0) {
        memcpy(exact, payload.ptr, payload.len);
    }
    err = on_tape(judge, bytes);
    if (nx_schema_check_bytes(judge->schema, judge->check, bytes) != err ||
        (nx_schema_admits(judge->schema, judge->check, bytes) && err != NX_OK)) {
        fail_msg("in one pass another verdict than %s: %.*s", nx_err_text(err),
                 NX_SPAN_ARG(payload));
    }
    free(exact);
    return err;
}

static enum nx_err agreed_on(const char *schema, const char *payload)
{
    struct judge judge = judge_new(nx_span_from(schema));
    enum nx_err err = agreed(&judge, nx_span_from(payload));

    judge_free(&judge);
    return err;
}

/* Was it admitted without a tape? */
static bool at_once(const char *schema, const char *payload)
{
    struct judge judge = judge_new(nx_span_from(schema));
    bool admitted = nx_schema_admits(judge.schema, judge.check, nx_span_from(payload));

    judge_free(&judge);
    return admitted;
}

/* ---- what was thought of --------------------------------------------------------------------- */

static void the_grammar_is_as_strict_as_the_readers(void **state)
{
    static const char *const malformed[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{,}",
        "[1 2]",
        "01",
        "-",
        "1.",
        "1e",
        ".5",
        "+1",
        "nul",
        "tru",
        "falsf",
        "\"a",
        "\"\x01\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "{}{}",
        "[]]",
        "{]",
        "[}",
        "{\"a\":}",
        "{1:2}",
        "\xef\xbb\xbf{}",
        "[1]x",
        "{\"a\":1,\"a\":2}",
        "{\"\\u0061\":1,\"a\":2}",
        "/**/1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        assert_int_equal(agreed_on("true", malformed[i]), NX_ERR_SYNTAX);
        assert_int_equal(agreed_on("{\"properties\":{\"a\":true}}", malformed[i]), NX_ERR_SYNTAX);
    }
    assert_int_equal(agreed_on("true", " { \"a\" : [ 1 , -0.5e+3 , \"\\ud800\" ] , \"\" : null } "),
                     NX_OK);
}

static void repeated_names_are_refused_whether_the_schema_knows_them_or_not(void **state)
{
    static const char schema[] = "{\"properties\":{\"a\":true,\"b\":true},\"required\":[\"r\"]}";
    (void)state;
    assert_int_equal(agreed_on(schema, "{\"r\":1,\"a\":1,\"b\":1,\"x\":1}"), NX_OK);
    assert_int_equal(agreed_on(schema, "{\"r\":1,\"a\":1,\"b\":1,\"a\":1}"), NX_ERR_SYNTAX);
    assert_int_equal(agreed_on(schema, "{\"r\":1,\"x\":1,\"y\":1,\"x\":1}"), NX_ERR_SYNTAX);
    assert_int_equal(agreed_on(schema, "{\"r\":1,\"b\":1,\"\\u0062\":1}"), NX_ERR_SYNTAX);
}

static void a_name_behind_the_guessed_one_is_found_all_the_same(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"a\":{\"const\":1},\"ab\":{\"const\":2},\"a name of 24 bytes ....\":"
        "{\"const\":3},\"d\":{\"const\":4}},\"additionalProperties\":false}";
    (void)state;
    assert_true(at_once(schema, "{\"a\":1,\"ab\":2,\"a name of 24 bytes ....\":3,\"d\":4}"));
    assert_true(at_once(schema, "{\"d\":4,\"a name of 24 bytes ....\":3,\"ab\":2,\"a\":1}"));
    assert_int_equal(agreed_on(schema, "{\"a\":2,\"ab\":1}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"a name of 24 bytes ....."), NX_ERR_SYNTAX);
    assert_int_equal(agreed_on(schema, "{\"abc\":1}"), NX_ERR_INVALID);
}

static void plans_that_apply_together_are_judged_together(void **state)
{
    static const char schema[] =
        "{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"string\"}},\"minProperties\":2},"
        "{\"$ref\":\"#/$defs/d\"}],\"required\":[\"b\"],\"$defs\":{\"d\":{\"properties\":{\"a\":"
        "{\"maxLength\":3}},\"patternProperties\":{\"^b\":{\"items\":{\"minimum\":1}}},"
        "\"additionalProperties\":false,\"dependentRequired\":{\"a\":[\"b2\"]}}}}";
    (void)state;
    assert_true(at_once(schema, "{\"a\":\"xyz\",\"b\":[1,2],\"b2\":[]}"));
    assert_int_equal(agreed_on(schema, "{\"a\":\"xyz\",\"b\":[1,2]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"a\":\"wxyz\",\"b\":[],\"b2\":[]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"a\":1,\"b\":[],\"b2\":[]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"b\":[0],\"b2\":[]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"b\":[],\"c\":[]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"b\":[]}"), NX_ERR_INVALID);
}

static void a_choice_among_required_names_needs_no_tape(void **state)
{
    static const char schema[] =
        "{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":true,\"c\":true},\"anyOf\":["
        "{\"required\":[\"a\"]},{\"required\":[\"b\",\"c\"]}],\"not\":{\"required\":[\"a\",\"b\"]},"
        "\"oneOf\":[{\"required\":[\"b\"]},{\"required\":[\"a\"]}]}";
    (void)state;
    assert_true(at_once(schema, "{\"c\":1,\"b\":1}"));
    assert_true(at_once(schema, "{\"a\":1}"));
    assert_int_equal(agreed_on(schema, "{\"a\":1,\"b\":1}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"b\":1}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"x\":1}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "[]"), NX_ERR_INVALID);
}

static void what_needs_a_tape_below_gets_one(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"u\":{\"uniqueItems\":true},\"o\":{\"oneOf\":[{\"type\":\"array\"},"
        "{\"type\":\"string\"}]},\"c\":{\"const\":{\"k\":[1]}}}}";
    (void)state;
    assert_true(at_once(schema, "{\"u\":[1,{\"a\":[2]},\"\\u0061\"],\"o\":[[]],\"x\":1}"));
    assert_true(at_once(schema, "{\"o\":\"text\",\"u\":[]}"));
    assert_int_equal(agreed_on(schema, "{\"u\":[1,1.0]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"o\":{}}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(schema, "{\"u\":[{\"a\":1,\"a\":2}]}"), NX_ERR_SYNTAX);
    assert_int_equal(agreed_on(schema, "{\"c\":{\"k\":[1.0]}}"), NX_OK);
    assert_int_equal(agreed_on(schema, "{\"c\":{\"k\":[2]}}"), NX_ERR_INVALID);
}

static void limits_are_the_readers(void **state)
{
    struct nx_buf deep;
    (void)state;
    for (unsigned depth = 63; depth <= 66; depth++) {
        nx_buf_init(&deep, 1024);
        for (unsigned i = 0; i < depth; i++) {
            assert_int_equal(nx_buf_byte(&deep, '['), NX_OK);
        }
        for (unsigned i = 0; i < depth; i++) {
            assert_int_equal(nx_buf_byte(&deep, ']'), NX_OK);
        }
        assert_int_equal(nx_buf_byte(&deep, '\0'), NX_OK);
        assert_int_equal(agreed_on("{\"type\":\"array\"}", (const char *)deep.data),
                         depth <= 64 ? NX_OK : NX_ERR_LIMIT);
        nx_buf_fini(&deep);
    }
}

/* Many names that the schema does not list, then one of them again. */
static void wide_objects_are_read_to_their_end(void **state)
{
    struct judge judge = judge_new(NX_SPAN("{\"type\":\"object\"}"));
    struct nx_buf wide;
    (void)state;
    for (unsigned members = 30; members <= 36; members++) {
        nx_buf_init(&wide, 4096);
        assert_int_equal(nx_buf_byte(&wide, '{'), NX_OK);
        for (unsigned i = 0; i < members; i++) {
            assert_int_equal(nx_buf_printf(&wide, "\"m%u\":%u,", i, i), NX_OK);
        }
        wide.data[wide.len - 1] = '}';
        assert_int_equal(agreed(&judge, nx_buf_view(&wide)), NX_OK);
        wide.data[wide.len - 1] = ',';
        assert_int_equal(nx_buf_str(&wide, "\"m7\":0}"), NX_OK);
        assert_int_equal(agreed(&judge, nx_buf_view(&wide)), NX_ERR_SYNTAX);
        nx_buf_fini(&wide);
    }
    judge_free(&judge);
}

/* ---- quick answers and complete ones --------------------------------------------------------- */

static void random_number(uint64_t *state, char *out, size_t size)
{
    static const char *const odd[] = {"0",
                                      "-0",
                                      "1e2",
                                      "1E-3",
                                      "0.0",
                                      "-9223372036.854775808",
                                      "9223372036.854775807",
                                      "9223372036.8547758070",
                                      "1e400",
                                      "12345678901234567890",
                                      "0.0000000001",
                                      "-1e-400"};
    size_t kind = random_below(state, 10);
    uint64_t digits = random_next(state) >> random_below(state, 63);

    if (kind == 0) {
        (void)snprintf(out, size, "%s", odd[random_below(state, sizeof(odd) / sizeof(odd[0]))]);
    } else if (kind < 4) {
        (void)snprintf(out, size, "%s%u", kind == 1 ? "-" : "", (unsigned)(digits % 50));
    } else {
        (void)snprintf(out, size, "%s%u.%0*u", kind == 4 ? "-" : "", (unsigned)(digits % 50),
                       (int)random_below(state, 11) + 1, (unsigned)random_below(state, 1000));
    }
}

/* At the root the complete rules are asked, below it the quick ones first. */
static void bounds_mean_the_same_quickly(void **state)
{
    static const char *const keywords[] = {"minimum", "maximum", "exclusiveMinimum",
                                           "exclusiveMaximum", "const"};
    uint64_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char bound[64];
        char number[64];
        char step[64] = "";
        char plain[256];
        char nested[300];
        char item[80];
        const char *keyword = keywords[random_below(&seed, 5)];
        random_number(&seed, bound, sizeof(bound));
        random_number(&seed, number, sizeof(number));
        if (random_below(&seed, 3) == 0) {
            (void)snprintf(step, sizeof(step), ",\"multipleOf\":0.0%u",
                           (unsigned)random_below(&seed, 9) + 1);
        }
        (void)snprintf(plain, sizeof(plain), "{\"type\":\"%s\",\"%s\":%s%s}",
                       random_below(&seed, 4) == 0 ? "integer" : "number", keyword,
                       random_below(&seed, 3) == 0 ? number : bound, step);
        (void)snprintf(nested, sizeof(nested), "{\"items\":%s}", plain);
        (void)snprintf(item, sizeof(item), "[%s]", number);
        if (agreed_on(plain, number) != agreed_on(nested, item)) {
            fail_msg("%s judges %s otherwise below the root", plain, number);
        }
    }
}

static void strings_mean_the_same_quickly(void **state)
{
    static const char *const schemas[] = {
        "{\"enum\":[\"a\",\"ok\",\"degraded\",\"a name of twenty bytes\",1,null]}",
        "{\"const\":\"AirQualityObserved\"}",
        "{\"const\":\"\"}",
        "{\"minLength\":2,\"maxLength\":4}",
        "{\"pattern\":\"^[a-z]+$\",\"minLength\":1}",
        "{\"format\":\"date-time\"}",
        "{\"format\":\"date\"}",
        "{\"format\":\"time\"}",
        "{\"type\":[\"string\",\"null\"],\"const\":\"ok\",\"enum\":[\"ok\",null]}",
        "{\"type\":\"integer\"}",
        "{\"not\":{\"const\":\"ok\"}}",
        "{\"format\":\"date-time\",\"pattern\":\"Z$\",\"maxLength\":30}",
        "{\"format\":\"date-time\",\"pattern\":\"^20(26|31)-\"}",
        "{\"format\":\"date-time\",\"pattern\":\"^[^3]*Z$\"}",
        "{\"format\":\"date-time\",\"pattern\":\"^[0-9T:-]{19}Z$\",\"maxLength\":19}",
        "{\"pattern\":\"^(ok|degrade[dD])?$\"}",
        "{\"pattern\":\"(:00|a)\"}",
        "{\"enum\":[null,\"ok\",1]}",
        "{\"enum\":[false,true,\"a\"]}",
        "{\"const\":null}",
        "{\"type\":[\"string\",\"boolean\"],\"enum\":[\"ok\",null,true]}",
        "{\"const\":true,\"enum\":[true,null]}",
        "{\"type\":\"null\"}",
        "{\"type\":[\"boolean\",\"number\"]}",
    };
    static const char *const strings[] = {
        "\"\"",
        "\"a\"",
        "\"ok\"",
        "\"o\\u006b\"",
        "\"degraded\"",
        "\"degradeD\"",
        "null",
        "1",
        "true",
        "false",
        "nul",
        "truE",
        "falsee",
        "\"a name of twenty bytes\"",
        "\"a name of twentY bytes\"",
        "\"AirQualityObserved\"",
        "\"AirQualityObserve\"",
        "\"AirQuality0bserved\"",
        "\"\xeb\x8f\x84\xec\x8b\x9c\"",
        "\"\xeb\x8f\x84\"",
        "\"\xf0\x9f\x9a\xb2\"",
        "\"\\ud800\"",
        "\"2026-11-22T07:45:00Z\"",
        "\"2026-02-29T07:45:00Z\"",
        "\"2024-02-29t07:45:60.5+00:00\"",
        "\"2026-11-22T23:59:60Z\"",
        "\"2031-12-13T10:00:00Z\"",
        "\"1999-12-12T10:00:00Z\"",
        "\"2026-11-22\"",
        "\"2026-11-31\"",
        "\"07:45:00\"",
        "\"07:45:00+24:00\"",
        "\"07:45:00.Z\"",
        "\"23:59:60z\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        for (size_t k = 0; k < sizeof(strings) / sizeof(strings[0]); k++) {
            char nested[256];
            char item[80];
            (void)snprintf(nested, sizeof(nested), "{\"items\":%s}", schemas[i]);
            (void)snprintf(item, sizeof(item), "[%s]", strings[k]);
            if (agreed_on(schemas[i], strings[k]) != agreed_on(nested, item)) {
                fail_msg("%s judges %s otherwise below the root", schemas[i], strings[k]);
            }
        }
    }
}

/* Members of some names, in any order and more than once, with right values and wrong ones. */
static void random_object(uint64_t *seed, char *out, size_t size)
{
    size_t len = 1;

    out[0] = '{';
    for (size_t left = random_below(seed, 7); left > 0; left--) {
        unsigned name = (unsigned)random_below(seed, 7);
        unsigned value = random_below(seed, 9) > 0 ? name : name + 1;
        len += (size_t)snprintf(out + len, size - len, "\"%c\":%u%s", 'a' + (int)name, value,
                                left > 1 ? "," : "");
    }
    (void)snprintf(out + len, size - len, "}");
}

static void an_order_that_was_learned_is_but_a_guess(void **state)
{
#define IS(name, value) "\"" name "\":{\"const\":" value "}"
    struct judge wide = judge_new(NX_SPAN(
        "{\"properties\":{" IS("a", "0") "," IS("b", "1") "," IS("c", "2") "," IS("d", "3") "," IS(
            "e", "4") "," IS("f", "5") "},\"additionalProperties\":false,\"required\":[\"a\"]}"));
    struct judge narrow = judge_new(
        NX_SPAN("{\"properties\":{" IS("c", "2") "," IS("b", "1") "},\"minProperties\":1}"));
    struct judge both = {narrow.schema, wide.check, narrow.json};
    unsigned admitted = 0;
    uint64_t seed = 3;
    (void)state;
#undef IS
    for (unsigned i = 0; i < 40000; i++) {
        char text[128];
        random_object(&seed, text, sizeof(text));
        admitted += agreed(&wide, nx_span_from(text)) == NX_OK;
        admitted += agreed(&both, nx_span_from(text)) == NX_OK;
    }
    assert_true(admitted > 1000);
    judge_free(&wide);
    judge_free(&narrow);
}

static void what_one_array_taught_is_forgotten_at_the_next(void **state)
{
    const char *schema = "{'properties':{'a':{'uniqueItems':true,'items':{'uniqueItems':true}},"
                         "'b':{'uniqueItems':true},'c':{'$ref':'#'}}}";
    (void)state;
#define TEN   "[1],[2],[3],[4],[5],[6],[7],[8],[9],[10]"
#define OTHER "[11],[12],[13],[14],[15],[16],[17],[18],[19]"
    struct nx_span source = nx_span_from(schema);
    char text[256];
    assert_true(source.len < sizeof(text));
    for (size_t i = 0; i <= source.len; i++) {
        text[i] = schema[i] == '\'' ? '"' : schema[i];
    }
    assert_int_equal(agreed_on(text, "{\"a\":[" TEN "],\"b\":[" TEN ",[11]]}"), NX_OK);
    assert_int_equal(agreed_on(text, "{\"a\":[" TEN "],\"b\":[" TEN ",[10.0]]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(text, "{\"a\":[" TEN "],\"b\":[" OTHER ",[11.0]]}"), NX_ERR_INVALID);
    assert_int_equal(agreed_on(text, "{\"a\":[" TEN "],\"b\":[" OTHER ",20,[11.0]]}"),
                     NX_ERR_INVALID);
    assert_int_equal(agreed_on(text, "{\"a\":[[" TEN "],[" TEN "],3,4,5,6,7,8,9]}"),
                     NX_ERR_INVALID);
    assert_int_equal(agreed_on(text, "{\"a\":[[" TEN "],[" TEN ",0],3,4,5,6,7,8,9]}"), NX_OK);
    assert_int_equal(agreed_on(text, "{\"a\":[[" TEN "],[" TEN ",[1]],3,4,5,6,7,8,9]}"),
                     NX_ERR_INVALID);
    assert_int_equal(agreed_on(text, "{\"c\":{\"b\":[" TEN ",{\"a\":1},{\"a\":1.0}]}}"),
                     NX_ERR_INVALID);
#undef TEN
#undef OTHER
}

/* The quick way comes upon the limit first, the complete rules upon the fault. */
static void a_limit_on_the_quick_way_is_no_answer(void **state)
{
    enum { LONG = 4000 };
    char text[LONG + 16];
    int len = snprintf(text, sizeof(text), "{\"a\":\"%0*d\"}", LONG, 0);
    struct judge judge =
        judge_new(NX_SPAN("{\"minProperties\":2,\"properties\":{\"a\":{\"pattern\":"
                          "\"(?=.*0.*0.*[cd])[0x]\"}}}"));
    (void)state;
    assert_true(len > LONG);
    assert_int_equal(agreed(&judge, (struct nx_span){text, (size_t)len}), NX_ERR_INVALID);
    judge_free(&judge);
    judge = judge_new(NX_SPAN("{\"properties\":{\"a\":{\"pattern\":\"(?=.*0.*0.*[cd])[0x]\"}}}"));
    assert_int_equal(agreed(&judge, (struct nx_span){text, (size_t)len}), NX_ERR_LIMIT);
    judge_free(&judge);
}

/* ---- scanners -------------------------------------------------------------------------------- */

static void all_ways_to_scan_find_the_same_place(void **state)
{
    enum { LENGTH_MAX = 80, PADDED = LENGTH_MAX + NX_SCAN_PADDING };
    static const unsigned char special[] = {'"', '\\', 0, 1, 0x1f, 0x80, 0xff, 0x7f, 0x20, '!'};
    uint64_t seed = 2;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        size_t length = random_below(&seed, LENGTH_MAX + 1);
        char padded[PADDED] = {0};
        char *exact = malloc(length + 1);
        const char *end = exact + length;
        ptrdiff_t expected;
        assert_non_null(exact);
        for (size_t k = 0; k < length; k++) {
            padded[k] = (char)('a' + random_below(&seed, 26));
            if (random_below(&seed, 40) == 0) {
                padded[k] = (char)special[random_below(&seed, sizeof(special))];
            }
        }
        memcpy(exact, padded, length);
        expected = nx_scan_plain_bytes(exact, end) - exact;
        assert_int_equal(nx_scan_plain_words(exact, end) - exact, expected);
        assert_int_equal(nx_scan_plain(exact, end) - exact, expected);
        assert_int_equal(nx_scan_plain(padded, NULL) - padded, expected);
        assert_int_equal(nx_scan_plain_words(padded, NULL) - padded, expected);
        free(exact);
    }
}

/* ---- what a generator makes of the examples -------------------------------------------------- */

static void mutate(uint64_t *state, struct nx_buf *text)
{
    static const char useful[] = "{}[]:,\"\\0123456789-+.eEtrufalsn \n\x01\x7f\x80\xc3\xff";
    size_t at = random_below(state, text->len);
    size_t run = random_below(state, 12) + 1;

    run = run > text->len - at ? text->len - at : run;
    switch (random_below(state, 5)) {
    case 0:
        text->data[at] = useful[random_below(state, sizeof(useful) - 1)];
        break;
    case 1:
        text->data[at] = (char)(text->data[at] + 1);
        break;
    case 2: /* a piece is lost */
        memmove(text->data + at, text->data + at + run, text->len - at - run);
        text->len -= run;
        break;
    case 3: /* a piece stands elsewhere too */
        memmove(text->data + random_below(state, text->len - run + 1), text->data + at, run);
        break;
    default: /* torn */
        text->len = random_below(state, 4) == 0 ? at : text->len;
        break;
    }
}

/* Each file of the folder, as it is and in many mutations. */
static unsigned examine_folder(struct judge *judge, const char *folder, uint64_t *seed)
{
    enum { MUTATIONS = 400, CHANGES_MAX = 3 };
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned files = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        struct nx_buf text;
        struct nx_buf copy;
        char path[2048];
        struct nx_diag diag = {0};
        if (entry->d_name[0] == '.') {
            continue;
        }
        nx_buf_init(&text, FILE_BYTES_MAX);
        nx_buf_init(&copy, FILE_BYTES_MAX);
        (void)snprintf(path, sizeof(path), "%.1000s/%s", folder, entry->d_name);
        assert_int_equal(nx_file_read(path, &text, &diag), NX_OK);
        if (!nx_schema_admits(judge->schema, judge->check, nx_buf_view(&text))) {
            fail_msg("%s: not admitted in one pass", path);
        }
        for (unsigned i = 0; i < MUTATIONS; i++) {
            nx_buf_reset(&copy);
            assert_int_equal(nx_buf_span(&copy, nx_buf_view(&text)), NX_OK);
            for (size_t k = random_below(seed, CHANGES_MAX) + 1; k > 0 && copy.len > 0; k--) {
                mutate(seed, &copy);
            }
            (void)agreed(judge, nx_buf_view(&copy));
        }
        nx_buf_fini(&copy);
        nx_buf_fini(&text);
        files++;
    }
    (void)closedir(dir);
    return files;
}

static void examples_and_their_mutations_get_the_same_verdict(void **state)
{
    static const char *const schemas[] = {"birmingham/air", "ulsan/air", "canonical/air"};
    uint64_t seed = 3;
    (void)state;
    for (size_t i = 0; i < sizeof(schemas) / sizeof(schemas[0]); i++) {
        struct judge judge;
        struct nx_buf source;
        struct nx_diag diag = {0};
        char path[512];
        nx_buf_init(&source, FILE_BYTES_MAX);
        (void)snprintf(path, sizeof(path), NX_SOURCE_DIR "/schemas/%s/schema.json", schemas[i]);
        assert_int_equal(nx_file_read(path, &source, &diag), NX_OK);
        judge = judge_new(nx_buf_view(&source));
        (void)snprintf(path, sizeof(path), NX_SOURCE_DIR "/schemas/%s/examples/valid", schemas[i]);
        assert_true(examine_folder(&judge, path, &seed) > 0);
        judge_free(&judge);
        nx_buf_fini(&source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar_is_as_strict_as_the_readers),
        cmocka_unit_test(repeated_names_are_refused_whether_the_schema_knows_them_or_not),
        cmocka_unit_test(a_name_behind_the_guessed_one_is_found_all_the_same),
        cmocka_unit_test(plans_that_apply_together_are_judged_together),
        cmocka_unit_test(a_choice_among_required_names_needs_no_tape),
        cmocka_unit_test(what_needs_a_tape_below_gets_one),
        cmocka_unit_test(limits_are_the_readers),
        cmocka_unit_test(wide_objects_are_read_to_their_end),
        cmocka_unit_test(bounds_mean_the_same_quickly),
        cmocka_unit_test(strings_mean_the_same_quickly),
        cmocka_unit_test(an_order_that_was_learned_is_but_a_guess),
        cmocka_unit_test(a_limit_on_the_quick_way_is_no_answer),
        cmocka_unit_test(what_one_array_taught_is_forgotten_at_the_next),
        cmocka_unit_test(all_ways_to_scan_find_the_same_place),
        cmocka_unit_test(examples_and_their_mutations_get_the_same_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
