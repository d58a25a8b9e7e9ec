/*
 * pattern_test.c - ECMA-262 semantics, whichever matcher runs, and the bound on a match's work.
 */
#include "core/pattern.h"

#include "test/unit/unit.h"

#include <stdlib.h>

static enum nx_err match(const char *source, struct nx_span text, bool surrogates, bool *matched)
{
    struct nx_matcher *matcher = nx_matcher_new();
    struct nx_pattern *pattern = NULL;
    struct nx_diag diag = {0};
    enum nx_err err;
    assert_non_null(matcher);
    if (nx_pattern_compile(nx_span_from(source), &pattern, &diag) != NX_OK) {
        fail_msg("%s: %s", source, diag.text);
    }
    err = nx_pattern_match(pattern, matcher, text, surrogates, matched);
    nx_pattern_free(pattern);
    nx_matcher_free(matcher);
    return err;
}

static bool matches(const char *source, const char *text)
{
    bool matched;
    assert_int_equal(match(source, nx_span_from(text), false, &matched), NX_OK);
    return matched;
}

static void matching_is_unanchored_and_dollar_is_the_very_end(void **state)
{
    (void)state;
    assert_true(matches("b", "abc"));
    assert_false(matches("^b", "abc"));
    assert_true(matches("^abc$", "abc"));
    assert_false(matches("^abc$", "abc\n"));
    assert_true(matches("", "anything"));
}

static void a_dot_matches_one_code_point_but_no_line_end(void **state)
{
    (void)state;
    assert_true(matches("^a.b$", "a\xF0\x9F\x98\x80"
                                 "b"));
    assert_false(matches("^a.b$", "a\nb"));
    assert_false(matches("^a.b$", "a\rb"));
    assert_false(matches("^a.b$", "a\xE2\x80\xA8"
                                  "b"));
}

static void digits_and_words_are_ascii_and_spaces_are_those_of_ecma(void **state)
{
    (void)state;
    assert_true(matches("^\\d\\w$", "0_"));
    assert_false(matches("^\\d$", "\xDF\x80"));
    assert_false(matches("^\\w$", "\xC3\xA9"));
    assert_true(matches("^\\W$", "\xC3\xA9"));
    assert_true(matches("^[\\W]$", "\xC3\xA9"));
    assert_false(matches("^[\\W]$", "_"));
    assert_true(matches("^\\D$", "\xDF\x80"));
    assert_true(matches("^\\s\\s$", "\xEF\xBB\xBF\xE2\x80\xA9"));
    assert_false(matches("^\\s$", "\xE2\x80\x8B"));
    assert_true(matches("^[^\\S]$", "\xC2\xA0"));
    assert_true(matches("^\\S$", "\xF0\x9F\x98\x80"));
}

static void escapes_are_those_of_ecma(void **state)
{
    (void)state;
    assert_true(matches("^\\t\\v\\x41\\u0042\\u{1F600}\\ud83d\\ude00\\cA\\/\\-$",
                        "\t\vAB\xF0\x9F\x98\x80\xF0\x9F\x98\x80\x01/-"));
    assert_true(matches("^[\\b]$", "\b"));
    assert_true(matches("^\\p{Letter}\\P{Lu}\\p{Script=Greek}$", "\xC3\xA9"
                                                                 "a\xCE\xB1"));
    assert_true(matches("^(?<y>\\d)\\k<y>\\1$", "777"));
    assert_false(matches("^\\p{Letter}$", "1"));
}

static void classes_are_those_of_ecma(void **state)
{
    (void)state;
    assert_false(matches("[]", "a"));
    assert_true(matches("^[^]$", "\n"));
    assert_true(matches("^[a\\-z]$", "-"));
    assert_false(matches("^[a\\-z]$", "b"));
    assert_true(matches("^[\\w-.]+$", "a-."));
    assert_true(matches("^[[:alpha:]]$", ":]"));
    assert_true(matches("^[\xEA\xB0\x80-\xED\x9E\xA3]+$", "\xEC\x8B\xA0\xEC\xA0\x95"));
}

static void lookaround_and_lazy_quantifiers_work(void **state)
{
    (void)state;
    assert_true(matches("^(?!.*\\.\\.)[a-z.]+$", "a.b"));
    assert_false(matches("^(?!.*\\.\\.)[a-z.]+$", "a..b"));
    assert_false(matches("(?<=a)b$", "abb"));
    assert_true(matches("(?<=a)b{1,2}?", "ab"));
    assert_true(matches("^{$", "{"));
}

static void what_is_not_ecma_is_refused(void **state)
{
    static const char *const sources[] = {
        "\\a",    "\\Z",       "\\A",    "\\e",   "\\Q",         "\\h",       "a++",  "a**",
        "*a",     "(?i)a",     "(?>a)",  "(?#c)", "(?P<n>a)",    "(a",        "a)",   "[a",
        "[z-a]",  "\\",        "\\x4",   "\\u12", "\\u{110000}", "\\p{Nope}", "\\p",  "\\k<n>",
        "\\2(a)", "(*ACCEPT)", "a{2,1}", "[\\",   "\\ud800",     "(?<1>a)",   "\\01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct nx_pattern *pattern = NULL;
        struct nx_diag diag = {0};
        if (nx_pattern_compile(nx_span_from(sources[i]), &pattern, &diag) != NX_ERR_INVALID) {
            fail_msg("taken: %s", sources[i]);
        }
        assert_true(diag.text[0] != '\0');
    }
}

static void a_regular_expression_is_decided_in_linear_time(void **state)
{
    (void)state;
    assert_false(matches("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void an_expression_that_explodes_is_not_decided(void **state)
{
    bool matched = true;
    (void)state;
    assert_int_equal(
        match("^(?=(a+)+$)", NX_SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), false, &matched),
        NX_ERR_LIMIT);
    assert_false(matched);
}

/* The work is bounded over the whole text, not anew for each place where a match may begin. */
static void an_expression_that_starts_over_and_over_is_not_decided(void **state)
{
    static char text[4096];
    bool matched = true;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(match("(a*)\\1[cd]", (struct nx_span){text, sizeof(text)}, false, &matched),
                     NX_ERR_LIMIT);
    assert_false(matched);
    assert_int_equal(match("^(?!b)a+$", (struct nx_span){text, sizeof(text)}, false, &matched),
                     NX_OK);
    assert_true(matched);
}

static void a_long_text_is_not_searched_for_what_is_not_regular(void **state)
{
    static char text[4097];
    bool matched = true;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(match("^(?!b)a+$", (struct nx_span){text, sizeof(text)}, false, &matched),
                     NX_ERR_LIMIT);
    assert_int_equal(match("^a+$", (struct nx_span){text, sizeof(text)}, false, &matched), NX_OK);
    assert_true(matched);
}

static void half_a_surrogate_pair_is_one_unknown_character(void **state)
{
    bool matched;
    (void)state;
    assert_int_equal(match("^a.b$",
                           NX_SPAN("a\xED\xA0\x80"
                                   "b"),
                           true, &matched),
                     NX_OK);
    assert_true(matched);
    assert_int_equal(match("[a-z]\\w",
                           NX_SPAN("a\xED\xBF\xBF"
                                   "b"),
                           true, &matched),
                     NX_OK);
    assert_false(matched);
}

static void text_may_hold_nul(void **state)
{
    bool matched;
    (void)state;
    assert_int_equal(match("^a\\0b$", NX_SPAN("a\0b"), false, &matched), NX_OK);
    assert_true(matched);
    assert_int_equal(match("^a$", NX_SPAN("a\0b"), false, &matched), NX_OK);
    assert_false(matched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching_is_unanchored_and_dollar_is_the_very_end),
        cmocka_unit_test(a_dot_matches_one_code_point_but_no_line_end),
        cmocka_unit_test(digits_and_words_are_ascii_and_spaces_are_those_of_ecma),
        cmocka_unit_test(escapes_are_those_of_ecma),
        cmocka_unit_test(classes_are_those_of_ecma),
        cmocka_unit_test(lookaround_and_lazy_quantifiers_work),
        cmocka_unit_test(what_is_not_ecma_is_refused),
        cmocka_unit_test(a_regular_expression_is_decided_in_linear_time),
        cmocka_unit_test(an_expression_that_explodes_is_not_decided),
        cmocka_unit_test(an_expression_that_starts_over_and_over_is_not_decided),
        cmocka_unit_test(a_long_text_is_not_searched_for_what_is_not_regular),
        cmocka_unit_test(half_a_surrogate_pair_is_one_unknown_character),
        cmocka_unit_test(text_may_hold_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
