/*
 * random_test.c - random pairs of small schemas, one an edited copy of the other: what is answered
 * "compatible" is tried with random documents, what is answered "incompatible" has a witness that
 * is confirmed apart from the search (pairs.c).
 *
 *     test_unit_compat-random [PAIRS [SEED]]
 */
#include "core/compat_plan.h"
#include "test/unit/compat/pairs.h"

#include <stdlib.h>

enum {
    PAIRS = 150,
    CHOICES = 256, /* that make one schema */
    EDITS_MAX = 6, /* choices that differ in the other one */
    SCHEMA_DEPTH = 2,
    DOCUMENTS = 250, /* tried for one pair that is said to be compatible */
    SCHEMA_BYTES = 32 * 1024,
};

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* ---- schemas ------------------------------------------------------------------------------- */

/* A schema is what a list of choices makes: an edit changes some of them. */
struct writer {
    uint16_t choices[CHOICES];
    uint32_t at;
    uint32_t theme; /* what most of the subschemas are about */
    struct nx_buf *out;
    bool any;
};

enum theme { THEME_MIXED, THEME_NUMBERS, THEME_STRINGS, THEME_OBJECTS, THEME_ARRAYS, THEMES };

static uint32_t choose(struct writer *w, uint32_t below)
{
    return w->choices[w->at++ % CHOICES] % below;
}

/* One time in `below`, or every other time where the theme is this. */
static bool now_and_then(struct writer *w, enum theme theme, uint32_t below)
{
    return choose(w, w->theme == theme ? 2 : below) == 0;
}

static void put(struct writer *w, const char *text)
{
    (void)nx_buf_str(w->out, text);
}

static void put_one(struct writer *w, const char *const *texts, uint32_t count)
{
    put(w, texts[choose(w, count)]);
}

#define PUT_ONE(w, ...)                                                                            \
    put_one(w, (const char *const[]){__VA_ARGS__},                                                 \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void put_schema(struct writer *w, unsigned depth);

static void put_keyword(struct writer *w, const char *keyword)
{
    put(w, w->any ? ",\"" : "\"");
    w->any = true;
    put(w, keyword);
    put(w, "\":");
}

static void put_inner(struct writer *w, unsigned depth)
{
    bool any = w->any;

    put_schema(w, depth + 1);
    w->any = any;
}

static void put_schemas(struct writer *w, unsigned depth)
{
    uint32_t count = 1 + choose(w, 2);

    put(w, "[");
    for (uint32_t i = 0; i < count; i++) {
        put(w, i > 0 ? "," : "");
        put_inner(w, depth);
    }
    put(w, "]");
}

static void put_map(struct writer *w, const char *const *names, uint32_t count, unsigned depth)
{
    bool any = false;

    put(w, "{");
    for (uint32_t i = 0; i < count; i++) {
        if (choose(w, 2) == 0) {
            put(w, any ? ",\"" : "\"");
            put(w, names[i]);
            put(w, "\":");
            put_inner(w, depth);
            any = true;
        }
    }
    put(w, "}");
}

static void put_numbers(struct writer *w)
{
    if (choose(w, 2) == 0) {
        put_keyword(w, choose(w, 3) == 0 ? "exclusiveMinimum" : "minimum");
        PUT_ONE(w, "0", "1", "-1", "0.5", "1.0");
    }
    if (choose(w, 2) == 0) {
        put_keyword(w, choose(w, 3) == 0 ? "exclusiveMaximum" : "maximum");
        PUT_ONE(w, "2", "3", "1", "2.5", "20e-1");
    }
    if (choose(w, 4) == 0) {
        put_keyword(w, "multipleOf");
        PUT_ONE(w, "1", "2", "0.5", "1.5", "4");
    }
}

static void put_strings(struct writer *w)
{
    if (choose(w, 3) == 0) {
        put_keyword(w, "minLength");
        PUT_ONE(w, "0", "1", "2");
    }
    if (choose(w, 3) == 0) {
        put_keyword(w, "maxLength");
        PUT_ONE(w, "1", "2", "3");
    }
    if (choose(w, 3) == 0) {
        put_keyword(w, "pattern");
        PUT_ONE(w, "\"^a\"", "\"b$\"", "\"^[ab]*$\"", "\"a|b\"", "\"^.{2}$\"", "\"^a(?=b)\"");
    }
}

static void put_objects(struct writer *w, unsigned depth)
{
    static const char *const names[] = {"a", "b", "ab"};
    static const char *const patterns[] = {"^a", "b$"};

    if (choose(w, 2) == 0) {
        put_keyword(w, "properties");
        put_map(w, names, 3, depth);
    }
    if (now_and_then(w, THEME_OBJECTS, 4)) {
        put_keyword(w, "patternProperties");
        put_map(w, patterns, 2, depth);
    }
    if (now_and_then(w, THEME_OBJECTS, 3)) {
        put_keyword(w, "additionalProperties");
        if (choose(w, 2) == 0) {
            put(w, "false");
        } else {
            put_inner(w, depth);
        }
    }
    if (now_and_then(w, THEME_OBJECTS, 3)) {
        put_keyword(w, "required");
        PUT_ONE(w, "[\"a\"]", "[\"b\"]", "[\"a\",\"b\"]", "[\"c\"]", "[]");
    }
    if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, "propertyNames");
        put_inner(w, depth);
    }
    if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, choose(w, 2) == 0 ? "minProperties" : "maxProperties");
        PUT_ONE(w, "1", "2");
    }
    if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, "dependentRequired");
        PUT_ONE(w, "{\"a\":[\"b\"]}", "{\"b\":[\"a\",\"c\"]}", "{\"a\":[\"a\"]}");
    }
    if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, "dependentSchemas");
        put_map(w, names, 2, depth);
    }
    if (choose(w, 12) == 0) {
        put_keyword(w, "unevaluatedProperties");
        PUT_ONE(w, "false", "true", "{\"type\":\"integer\"}");
    }
}

static void put_arrays(struct writer *w, unsigned depth)
{
    if (now_and_then(w, THEME_ARRAYS, 3)) {
        put_keyword(w, "prefixItems");
        put_schemas(w, depth);
    }
    if (choose(w, 2) == 0) {
        put_keyword(w, "items");
        put_inner(w, depth);
    }
    if (now_and_then(w, THEME_ARRAYS, 5)) {
        put_keyword(w, "contains");
        put_inner(w, depth);
    }
    if (now_and_then(w, THEME_ARRAYS, 6)) {
        put_keyword(w, choose(w, 2) == 0 ? "minContains" : "maxContains");
        PUT_ONE(w, "0", "1", "2");
    }
    if (now_and_then(w, THEME_ARRAYS, 3)) {
        put_keyword(w, choose(w, 2) == 0 ? "minItems" : "maxItems");
        PUT_ONE(w, "1", "2", "0");
    }
    if (now_and_then(w, THEME_ARRAYS, 6)) {
        put_keyword(w, "uniqueItems");
        put(w, "true");
    }
    if (choose(w, 16) == 0) {
        put_keyword(w, "unevaluatedItems");
        PUT_ONE(w, "false", "true");
    }
}

static void put_in_place(struct writer *w, unsigned depth)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    static const char *const sides[] = {"then", "else"};

    if (choose(w, 4) == 0) {
        put_keyword(w, lists[choose(w, 3)]);
        put_schemas(w, depth);
    }
    if (choose(w, 8) == 0) {
        put_keyword(w, "not");
        put_inner(w, depth);
    }
    if (choose(w, 8) == 0) {
        put_keyword(w, "if");
        put_inner(w, depth);
        for (uint32_t i = 0; i < 2; i++) {
            if (choose(w, 3) > 0) {
                put_keyword(w, sides[i]);
                put_inner(w, depth);
            }
        }
    }
    if (choose(w, 8) == 0) {
        put_keyword(w, "$ref");
        PUT_ONE(w, "\"#/$defs/x\"", "\"#/$defs/y\"", "\"#\"");
    }
}

static void put_values(struct writer *w)
{
    if (choose(w, 2) == 0) {
        put_keyword(w, "const");
        PUT_ONE(w, "1", "1.0", "\"a\"", "null", "false", "0", "{\"a\":1}", "[1]");
    } else {
        put_keyword(w, "enum");
        PUT_ONE(w, "[1,\"a\"]", "[\"a\",1.0,null]", "[true,false]", "[0,1,2]", "[{\"a\":1},[],2]");
    }
}

static void put_type(struct writer *w)
{
    static const char *const typical[THEMES] = {"[\"string\",\"number\"]", "\"number\"",
                                                "\"string\"", "\"object\"", "\"array\""};

    put_keyword(w, "type");
    if (choose(w, 2) == 0) {
        put(w, typical[w->theme]);
        return;
    }
    PUT_ONE(w, "\"number\"", "\"integer\"", "\"string\"", "\"object\"", "\"array\"",
            "[\"string\",\"null\"]", "[\"integer\",\"object\"]", "[\"boolean\",\"number\"]");
}

static void put_keywords(struct writer *w, unsigned depth)
{
    uint32_t kind = choose(w, 8);

    if (kind != 5 && choose(w, 3) > 0) {
        put_type(w);
    }
    if (kind == 5) {
        put_values(w);
    }
    if (kind == 0 || kind == 4 || now_and_then(w, THEME_NUMBERS, 8)) {
        put_numbers(w);
    }
    if (kind == 1 || kind == 4 || now_and_then(w, THEME_STRINGS, 8)) {
        put_strings(w);
    }
    if (kind == 2 || kind == 6 || now_and_then(w, THEME_OBJECTS, 8)) {
        put_objects(w, depth);
    }
    if (kind == 3 || kind == 6 || now_and_then(w, THEME_ARRAYS, 8)) {
        put_arrays(w, depth);
    }
    put_in_place(w, depth);
}

static void put_schema(struct writer *w, unsigned depth)
{
    if (depth > SCHEMA_DEPTH || choose(w, 12) == 0) {
        PUT_ONE(w, "true", "false", "{}", "{\"type\":\"integer\"}", "{\"type\":\"string\"}",
                "true");
        return;
    }
    put(w, "{");
    w->any = false;
    put_keywords(w, depth);
    if (depth == 0) {
        put_keyword(w, "$defs");
        put(w, "{\"x\":");
        put_inner(w, 1);
        put(w, ",\"y\":");
        put_inner(w, 1);
        put(w, "}");
    }
    put(w, "}");
}

static void make_pair(uint64_t *random, struct nx_buf texts[2])
{
    struct writer w = {.at = 0};
    uint32_t edits = 1 + (uint32_t)(next_random(random) % EDITS_MAX);
    uint32_t used;

    for (uint32_t i = 0; i < CHOICES; i++) {
        w.choices[i] = (uint16_t)next_random(random);
    }
    w.theme = (uint32_t)(next_random(random) % THEMES);
    w.out = &texts[0];
    put_schema(&w, 0);
    used = w.at < CHOICES ? w.at : CHOICES;
    for (uint32_t i = 0; i < edits; i++) {
        w.choices[next_random(random) % used] = (uint16_t)next_random(random);
    }
    w.at = 0;
    w.out = &texts[1];
    put_schema(&w, 0);
}

/* ---- documents ----------------------------------------------------------------------------- */

static void put_document(uint64_t *random, unsigned depth, struct nx_buf *out)
{
    static const char *const plain[] = {"null",   "true",    "false",  "0",     "1",
                                        "2",      "3",       "-1",     "0.5",   "1.5",
                                        "2.5",    "4",       "\"\"",   "\"a\"", "\"b\"",
                                        "\"ab\"", "\"aab\"", "\"ba\"", "1.0",   "\"\xEC\x9A\xB8\""};
    static const char *const names[] = {"a", "b", "ab", "c", "ax"};
    uint64_t kind = next_random(random) % 4;
    bool any = false;

    if (depth == 3 || kind < 2) {
        (void)nx_buf_str(out, plain[next_random(random) % (sizeof(plain) / sizeof(plain[0]))]);
        return;
    }
    (void)nx_buf_str(out, kind == 2 ? "[" : "{");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (next_random(random) % 3 > 0) {
            continue;
        }
        (void)nx_buf_str(out, any ? "," : "");
        if (kind == 3) {
            (void)nx_buf_printf(out, "\"%s\":", names[i]);
        }
        put_document(random, depth + 1, out);
        any = true;
    }
    (void)nx_buf_str(out, kind == 2 ? "]" : "}");
}

/* No document that FROM accepts may be refused; returns how many FROM accepted. */
static unsigned try_documents(struct nx_compat *compat, enum nx_compat_side from, uint64_t *random)
{
    struct nx_compat_verdict verdict;
    unsigned accepted = 0;
    struct nx_buf text;
    struct maker maker = {
        .compat = compat, .random = next_random(random), .wild = 60, .out = &text};

    nx_buf_init(&text, NX_COMPAT_WITNESS_MAX);
    compat->string_states = STRING_STATES_MAKE_MAX;
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        nx_buf_reset(&text);
        if (i % 2 == 0) {
            put_document(random, 0, &text);
        } else {
            const struct subschema own = {&compat->docs[from], 0};
            const struct subschema other = {&compat->docs[!from], 0};
            if (compat_make(&maker, own, other) != NX_OK) {
                continue; /* it became too long */
            }
        }
        nx_compat_judge(compat, nx_buf_view(&text), &verdict, NULL);
        if (verdict.parsed != NX_OK) {
            fail_msg("not a document: %.*s", (int)text.len, text.data);
        }
        accepted += verdict.valid[from] == NX_OK;
        if (verdict.valid[from] == NX_OK && verdict.valid[!from] == NX_ERR_INVALID) {
            print_error("%.*s\n", (int)text.len, text.data);
            accepted = UINT32_MAX;
            break;
        }
    }
    nx_buf_fini(&text);
    return accepted;
}

struct tally {
    unsigned answers[3];
    unsigned accepted; /* documents that tested an answer "compatible" */
    unsigned unusable; /* pairs of which one is refused: a reference in a circle */
};

static void check_direction(struct nx_compat *compat, enum nx_compat_side from,
                            const struct nx_buf texts[2], uint64_t *random, struct tally *tally)
{
    const struct pair_options options = {.seed = 1, .candidates_max = 600};
    enum nx_compat_answer answer =
        ask(nx_buf_view(&texts[0]), nx_buf_view(&texts[1]), &options, from);
    unsigned accepted;

    tally->answers[answer]++;
    if (answer != NX_COMPATIBLE) {
        return;
    }
    accepted = try_documents(compat, from, random);
    if (accepted == UINT32_MAX) {
        fail_msg("said to be compatible from %s:\n%.*s\n%.*s", from == 0 ? "old" : "new",
                 (int)texts[0].len, texts[0].data, (int)texts[1].len, texts[1].data);
    }
    tally->accepted += accepted;
}

static void check_pair(uint64_t *random, struct tally *tally)
{
    static const char *const files[2] = {"old", "new"};
    const struct nx_compat_options options = {.seed = 1};
    struct nx_compat *compat = NULL;
    struct nx_span sources[2];
    struct nx_buf texts[2];
    struct nx_diag diag = {0};
    enum nx_err err;

    nx_buf_init(&texts[0], SCHEMA_BYTES);
    nx_buf_init(&texts[1], SCHEMA_BYTES);
    do {
        nx_buf_reset(&texts[0]);
        nx_buf_reset(&texts[1]);
        make_pair(random, texts);
    } while (nx_span_eq(nx_buf_view(&texts[0]), nx_buf_view(&texts[1])));
    sources[0] = nx_buf_view(&texts[0]);
    sources[1] = nx_buf_view(&texts[1]);
    err = nx_compat_new(sources, files, &options, &compat, &diag);
    if (err == NX_OK) {
        check_direction(compat, NX_COMPAT_OLD, texts, random, tally);
        check_direction(compat, NX_COMPAT_NEW, texts, random, tally);
    } else {
        assert_int_equal(err, NX_ERR_INVALID);
        tally->unusable++;
    }
    nx_compat_free(compat);
    nx_buf_fini(&texts[0]);
    nx_buf_fini(&texts[1]);
}

struct campaign {
    unsigned pairs;
    uint64_t seed;
};

static void every_answer_on_random_pairs_holds(void **state)
{
    const struct campaign *campaign = *state;
    struct tally tally = {.accepted = 0};
    uint64_t random = campaign->seed;

    for (unsigned i = 0; i < campaign->pairs; i++) {
        check_pair(&random, &tally);
    }
    print_message("%u compatible, %u incompatible, %u unknown, %u pairs unusable, "
                  "%u documents tried\n",
                  tally.answers[NX_COMPATIBLE], tally.answers[NX_INCOMPATIBLE],
                  tally.answers[NX_COMPAT_UNKNOWN], tally.unusable, tally.accepted);
    assert_true(tally.answers[NX_COMPATIBLE] > campaign->pairs / 4);
    assert_true(tally.answers[NX_INCOMPATIBLE] > campaign->pairs / 8);
    assert_true(tally.answers[NX_COMPAT_UNKNOWN] < campaign->pairs / 3);
    assert_true(tally.accepted > campaign->pairs * 5);
}

int main(int argc, char **argv)
{
    struct campaign campaign = {
        .pairs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : PAIRS,
        .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_answer_on_random_pairs_holds, &campaign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
