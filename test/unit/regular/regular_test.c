/*
 * regular_test.c - the linear matcher: what ECMA-262 means by each construct, how each expression
 * is run, what is left to the general matcher, and that no input makes it slow.
 */
#include "core/regular.h"

#include "test/unit/unit.h"

#include <stdlib.h>

#define SEQUENCE   NX_REGULAR_SEQUENCE
#define AUTOMATON  NX_REGULAR_AUTOMATON
#define SIMULATION NX_REGULAR_SIMULATION

#define SMILE     "\xF0\x9F\x98\x80" /* U+1F600 */
#define HALF      "\xED\xA0\x80"     /* U+D800, as the reader leaves a lone one */
#define LINE_SEP  "\xE2\x80\xA8"     /* U+2028 */
#define BOM       "\xEF\xBB\xBF"     /* U+FEFF */
#define E_ACUTE   "\xC3\xA9"         /* U+00E9 */
#define LAST_CODE "\xF4\x8F\xBF\xBF"

struct example {
    const char *source;
    enum nx_regular_kind kind;
    const char *yes[6]; /* up to the first NULL */
    const char *no[6];
};

static struct nx_regular *compile(const char *source)
{
    struct nx_regular *regular = nx_regular_new(nx_span_from(source));

    if (regular == NULL) {
        fail_msg("not taken: %s", source);
    }
    return regular;
}

static void check_examples(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct example *e = &examples[i];
        struct nx_regular *regular = compile(e->source);
        if (nx_regular_kind(regular) != e->kind) {
            fail_msg("%s is run as %d", e->source, (int)nx_regular_kind(regular));
        }
        for (size_t k = 0; k < 6 && e->yes[k] != NULL; k++) {
            if (!nx_regular_match(regular, nx_span_from(e->yes[k]))) {
                fail_msg("%s should match \"%s\"", e->source, e->yes[k]);
            }
        }
        for (size_t k = 0; k < 6 && e->no[k] != NULL; k++) {
            if (nx_regular_match(regular, nx_span_from(e->no[k]))) {
                fail_msg("%s should not match \"%s\"", e->source, e->no[k]);
            }
        }
        nx_regular_free(regular);
    }
}

#define CHECK(examples) check_examples((examples), sizeof(examples) / sizeof((examples)[0]))

static void the_search_is_unanchored_and_anchors_hold_at_the_ends_of_the_text_only(void **state)
{
    static const struct example examples[] = {
        {"", AUTOMATON, {"", "x"}, {0}},
        {"b", AUTOMATON, {"b", "abc", "\nb"}, {"", "ac"}},
        {"^b", SEQUENCE, {"b", "bc"}, {"", "ab", "a\nb"}},
        {"b$", AUTOMATON, {"b", "ab", "bb"}, {"", "ba", "b\n", "b\r", "b" LINE_SEP}},
        {"^b$", SEQUENCE, {"b"}, {"", "bb", "b\n", "\nb"}},
        {"^$", SEQUENCE, {""}, {"x", "\n"}},
        {"^", SEQUENCE, {"", "x"}, {0}},
        {"$", AUTOMATON, {"", "x"}, {0}},
        {"$^", AUTOMATON, {""}, {"x"}},
        {"a^b", AUTOMATON, {0}, {"", "ab", "a\nb"}},
        {"a$b", AUTOMATON, {0}, {"", "ab", "a\nb"}},
        {"(?:^|x)a", AUTOMATON, {"a", "ab", "bxa"}, {"ba", "xba"}},
        {"a(?:$|,)",
         AUTOMATON,
         {"a", "ba", "a,b"},
         {"ab", "a"
                "b,"}},
        {"(?:^a|b$)", AUTOMATON, {"a", "ax", "xb"}, {"xa", "bx"}},
        {"(?:^|a)+b", AUTOMATON, {"b", "ab", "xab"}, {"xb", ""}},
        {"^(?:a|$)*b?", AUTOMATON, {"", "b", "c"}, {0}},
        {"^^a$$", AUTOMATON, {"a"}, {"aa", ""}},
    };
    (void)state;
    CHECK(examples);
}

static void a_dot_is_one_code_point_that_ends_no_line(void **state)
{
    static const struct example examples[] = {
        {"^a.b$",
         SEQUENCE,
         {"axb", "a" SMILE "b", "a" HALF "b", "a\tb", "a" LAST_CODE "b"},
         {"a\nb", "a\rb", "a" LINE_SEP "b", "ab", "axxb", "a" SMILE SMILE "b"}},
        {"^.{2}$", SEQUENCE, {"ab", SMILE SMILE, E_ACUTE "a"}, {SMILE, E_ACUTE, "abc"}},
        {"x.?$", AUTOMATON, {"x", "x" SMILE, "axx"}, {"x\n", "x" SMILE SMILE}},
    };
    (void)state;
    CHECK(examples);
}

static void digits_and_words_are_ascii_and_spaces_are_those_of_ecma(void **state)
{
    static const struct example examples[] = {
        {"^\\d+$", SEQUENCE, {"0", "0123456789"}, {"", "\xD9\xA0", "1a", "\xEF\xBC\x91"}},
        {"^\\D$", SEQUENCE, {"a", "\xD9\xA0", SMILE, HALF}, {"5", ""}},
        {"^\\w+$", SEQUENCE, {"aZ_09"}, {E_ACUTE, "-", "\xC5\xBF", "\xE2\x84\xAA"}},
        {"^\\W$", SEQUENCE, {E_ACUTE, "-", "\xE2\x84\xAA"}, {"k", "_", "7"}},
        {"^\\s+$",
         SEQUENCE,
         {" \t\n\v\f\r", BOM, LINE_SEP "\xE2\x80\xA9", "\xC2\xA0\xE1\x9A\x80",
          "\xE2\x80\x80\xE2\x80\x8A\xE2\x80\xAF\xE2\x81\x9F\xE3\x80\x80"},
         {"\xE2\x80\x8B", "\xC2\x85", "\xE1\xA0\x8E", "\x1C", "x"}},
        {"^\\S$", SEQUENCE, {"x", "\xE2\x80\x8B", SMILE, HALF}, {" ", BOM, LINE_SEP}},
        {"^[\\s\\S]$", SEQUENCE, {" ", "x", SMILE, "\n"}, {"", "xx"}},
        {"^[^\\s\\d]$", SEQUENCE, {"x", SMILE}, {" ", "1", BOM}},
        {"^[^\\W]$", SEQUENCE, {"k", "_"}, {"-", E_ACUTE}},
    };
    (void)state;
    CHECK(examples);
}

static void escapes_stand_for_one_character(void **state)
{
    static const struct example examples[] = {
        {"^\\t\\n\\v\\f\\r$", SEQUENCE, {"\t\n\v\f\r"}, {"tnvfr"}},
        {"^\\x41\\u0042\\u{43}\\u{1F600}\\u{000044}$", SEQUENCE, {"ABC" SMILE "D"}, {"ABC"}},
        {"^\\ud83d\\ude00$", SEQUENCE, {SMILE}, {"\xED\xA0\xBD\xED\xB8\x80", ""}},
        {"^\\cA\\cz$", SEQUENCE, {"\x01\x1A"}, {"Az", "cAcz"}},
        {"^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|\\/$",
         SEQUENCE,
         {"^$\\.*+?()[]{}|/"},
         {"^$\\x*+?()[]{}|/"}},
        {"^\\-\\@\\ $", SEQUENCE, {"-@ "}, {"-@"}},
        {"^a}]{$", SEQUENCE, {"a}]{"}, {"a"}},
        {"^{,2}$", SEQUENCE, {"{,2}"}, {"{", "{{"}},
        {"^" E_ACUTE "+$", SEQUENCE, {E_ACUTE E_ACUTE}, {"\xC3", "", "e"}},
    };
    (void)state;
    CHECK(examples);
}

static void classes_are_those_of_ecma(void **state)
{
    static const struct example examples[] = {
        {"[]", AUTOMATON, {0}, {"", "a", "[]"}},
        {"^[^]$", SEQUENCE, {"\n", SMILE, HALF, "]"}, {"", "aa"}},
        {"^[a-c-e]$", SEQUENCE, {"a", "c", "-", "e"}, {"d"}},
        {"^[-a]$", SEQUENCE, {"-", "a"}, {"b"}},
        {"^[a-]$", SEQUENCE, {"-", "a"}, {"b"}},
        {"^[\\w-.]+$", SEQUENCE, {"a-."}, {"/"}},
        {"^[a-\\d]+$", SEQUENCE, {"a-5"}, {"b"}},
        {"^[\\b\\n]$", SEQUENCE, {"\b", "\n"}, {"b"}},
        {"^[[:alpha:]]$", SEQUENCE, {":]", "a]"}, {"b]", "a"}},
        {"^[^a-y]$", SEQUENCE, {"z", "A", E_ACUTE, HALF}, {"a", "y"}},
        {"^[.*+?^$(){}|]+$", SEQUENCE, {".*+?^$(){}|"}, {"a"}},
        {"^[\xEA\xB0\x80-\xED\x9E\xA3]+$", SEQUENCE, {"\xEC\x8B\xA0\xEC\xA0\x95"}, {"a"}},
        {"^[\\u{1F600}-\\u{1F64F}]{2}$", SEQUENCE, {SMILE SMILE}, {SMILE, "\xED\xA0\xBD"}},
        {"^[\\uE000-\\uFFFF]$", SEQUENCE, {"\xEF\xBF\xBD"}, {HALF}},
        {"^[\\uD7FF-\\uE000]$", SEQUENCE, {"\xED\x9F\xBF", HALF, "\xED\xBF\xBF"}, {"\xEF\xBF\xBD"}},
        {"^[\\x7f-\\x80]$", SEQUENCE, {"\x7F", "\xC2\x80"}, {"~", "\xC2\x81"}},
        {"[\\x7f-\\x80]$", AUTOMATON, {"\x7F", "a\xC2\x80"}, {"~", "\xC2\x81"}},
        {"[\xD0\xB0-\xD1\x8F]x", AUTOMATON, {"\xD0\xB1x", "  \xD1\x8Fx"}, {"\xD0x", "x"}},
    };
    (void)state;
    CHECK(examples);
}

static void quantifiers_count_code_points(void **state)
{
    static const struct example examples[] = {
        {"^a?$", SEQUENCE, {"", "a"}, {"aa"}},
        {"^a*$", SEQUENCE, {"", "aaaa"}, {"b", "aab"}},
        {"^a+$", SEQUENCE, {"a", "aaaa"}, {"", "aab"}},
        {"^a{2}$", SEQUENCE, {"aa"}, {"a", "aaa"}},
        {"^a{2,}$", SEQUENCE, {"aa", "aaaaa"}, {"a", "aab"}},
        {"^a{2,3}$", SEQUENCE, {"aa", "aaa"}, {"a", "aaaa"}},
        {"^a{0}b$", SEQUENCE, {"b"}, {"ab"}},
        {"^a+?b*?c??d{1,2}?$", SEQUENCE, {"ad", "aabbcdd"}, {"d", "addd"}},
        {"^.{1,3}$", SEQUENCE, {SMILE SMILE SMILE, "a" E_ACUTE SMILE}, {"", "abcd"}},
        {"^\\d{4}-\\d{2}-\\d{2}$",
         SEQUENCE,
         {"2026-11-22"},
         {"2026-11-2", "2026-11-222", "2026/11/22", "22026-11-22", "2026-11-22\n"}},
        {"^\\d\\d?\\d*x$", SEQUENCE, {"1x", "12x", "12345x"}, {"x", "12"}},
        {"^(?:ab){2,3}$", AUTOMATON, {"abab", "ababab"}, {"ab", "abababab", "aba"}},
        {"^(?:a|bc)*d$", AUTOMATON, {"d", "abcad"}, {"abd", "ab"}},
        {"^(?:a?){3}$", AUTOMATON, {"", "a", "aaa"}, {"aaaa"}},
        {"^(?:a*)*b$", AUTOMATON, {"b", "aab"}, {"a", "ba"}},
        {"^a*ab$", AUTOMATON, {"ab", "aaab"}, {"b", "aa"}},
        {"^[a-z]*z?[a-z]$", AUTOMATON, {"a", "zz"}, {""}},
        {"a{3}", AUTOMATON, {"aaa", "baaa", "aaaa"}, {"aa", "aabaa"}},
    };
    (void)state;
    CHECK(examples);
}

static void alternation_and_groups_are_taken_apart(void **state)
{
    static const struct example examples[] = {
        {"^(a|b|cd)$", AUTOMATON, {"a", "b", "cd"}, {"c", "ab", "abcd", ""}},
        {"^a|b$", AUTOMATON, {"a", "ax", "xb", "b"}, {"xa", "bx"}},
        {"^(?:|a)$", AUTOMATON, {"", "a"}, {"b"}},
        {"^(?<year>\\d{4})(?<rest>.*)$", SEQUENCE, {"2026", "2026-"}, {"202"}},
        {"^((a)(b))(c)$", SEQUENCE, {"abc"}, {"ab"}},
        {"^(?:urn:a:(?:x|y)|urn:b):$", AUTOMATON, {"urn:a:x:", "urn:b:"}, {"urn:a:", "urn:b"}},
        {"^()$", SEQUENCE, {""}, {"a"}},
        {"(red|green|blue)", AUTOMATON, {"dark green"}, {"gren"}},
        {"^urn:(?:ngsi-ld|ogc):[A-Z][a-z]*$",
         AUTOMATON,
         {"urn:ngsi-ld:Road", "urn:ogc:A"},
         {"urn:", "urn:x:Road", "urn:ogc:", "ur", ""}},
    };
    (void)state;
    CHECK(examples);
}

static void real_expressions_are_sequences_or_small_automata(void **state)
{
    static const struct example examples[] = {
        {"^urn:ngsi-ld:AirQualityObserved:[A-Za-z0-9._-]+$",
         SEQUENCE,
         {"urn:ngsi-ld:AirQualityObserved:station-17"},
         {"urn:ngsi-ld:AirQualityObserved:", "urn:ngsi-ld:AirQualityObserved:a b",
          "xurn:ngsi-ld:AirQualityObserved:a", "urn:ngsi-ld:NoiseLevelObserved:abc"}},
        {"^[a-z0-9_.-]+$", SEQUENCE, {"a.b-c_0"}, {"A", "", "a b"}},
        {"^.{0,4096}$", SEQUENCE, {"", "x"}, {"\n"}},
        {"^[a-z]+-?\\d*:[a-z]{2,4}$",
         SEQUENCE,
         {"ab-12:xy", "a:abcd"},
         {"a-:a", "-1:ab", "a:abcde"}},
        {"^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$",
         AUTOMATON,
         {"a@b.c", "a@b.c.d"},
         {"a@b", "a@@b.c", "@b.c"}},
        {"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$",
         AUTOMATON,
         {"example.org", "a.b-c.de"},
         {"-a.org", "a-.org", "a", "a.o"}},
        {"^(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}$",
         AUTOMATON,
         {"127.0.0.1", "255.255.255.255"},
         {"256.0.0.1", "1.2.3", "1.2.3.4.5"}},
        {"^#(?:[0-9a-fA-F]{3}){1,2}$", AUTOMATON, {"#fff", "#A0b1C2"}, {"#ffff", "fff"}},
    };
    (void)state;
    CHECK(examples);
}

static void an_expression_of_many_states_is_simulated(void **state)
{
    static const struct example examples[] = {
        {"^(?:[ab]*a[ab]{12}|c+)$",
         SIMULATION,
         {"abbbbbbbbbbbb", "bbabababababbbb", "cc"},
         {"bbbbbbbbbbbbb", "abbbbbbbbbbb", "", "c" SMILE}},
        {"a.{13}" E_ACUTE,
         SIMULATION,
         {"a1234567890123" E_ACUTE, "  aa123456789012" SMILE E_ACUTE "tail"},
         {"a1234567890123e", "a123456789012" E_ACUTE}},
        {"^$|a.{14}b$", SIMULATION, {"", "a" SMILE "2345678901234b"}, {"ab", "b"}},
    };
    (void)state;
    CHECK(examples);
}

static void what_is_not_regular_or_too_large_is_left_to_the_general_matcher(void **state)
{
    static const char *const sources[] = {
        /* not regular, or not here */
        "(?=a)b",
        "(?!a)b",
        "(?<=a)b",
        "(?<!a)b",
        "(a)\\1",
        "(?<n>a)\\k<n>",
        "\\bx",
        "a\\B",
        "\\p{L}",
        "[\\P{L}]",
        /* not ECMA-262 */
        "*a",
        "a**",
        "a++",
        "^*",
        "(",
        ")",
        "a)",
        "[a",
        "[b-a]",
        "\\",
        "[\\",
        "\\a",
        "\\Z",
        "\\x4",
        "\\u12",
        "\\u{}",
        "\\u{110000}",
        "\\u{41",
        "\\01",
        "\\ud800",
        "\\ud83d\\u0041",
        "a{2,1}",
        "a{2}{3}",
        "{2}",
        "(?i)a",
        "(?>a)",
        "(?",
        "(?<",
        "(?<1>a)",
        "(?<n>a)(?<n>b)",
        "\\c1",
        "\xC3",
        "\xED\xA0\x80",
        "\\\xC3\xA9",
        /* too large */
        "a{65536}",
        "(?:ab){1000}",
        "((a{20}){20}){20}",
        "(?:(?:(?:){60000}){60000}){60000}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (nx_regular_new(nx_span_from(sources[i])) != NULL) {
            fail_msg("taken: %s", sources[i]);
        }
    }
}

static void deep_or_long_expressions_are_left_too(void **state)
{
    enum { MANY = 8 * 1024 };
    char *source = malloc(MANY);

    (void)state;
    assert_non_null(source);
    memset(source, '(', MANY / 2);
    memset(source + MANY / 2, ')', MANY / 2);
    assert_null(nx_regular_new((struct nx_span){source, MANY}));
    assert_null(nx_regular_new((struct nx_span){source + MANY / 2 - 100, 200}));
    memset(source, 'a', MANY);
    assert_null(nx_regular_new((struct nx_span){source, MANY}));
    free(source);
}

static void expressions_and_texts_may_hold_nul_and_may_be_nothing(void **state)
{
    struct nx_regular *regular = nx_regular_new(NX_SPAN("^a\0[\0b]\\0$"));

    (void)state;
    assert_non_null(regular);
    assert_true(nx_regular_match(regular, NX_SPAN("a\0b\0")));
    assert_true(nx_regular_match(regular, NX_SPAN("a\0\0\0")));
    assert_false(nx_regular_match(regular, NX_SPAN("a\0b")));
    assert_false(nx_regular_match(regular, (struct nx_span){NULL, 0}));
    nx_regular_free(regular);
    regular = nx_regular_new((struct nx_span){NULL, 0});
    assert_non_null(regular);
    assert_true(nx_regular_match(regular, (struct nx_span){NULL, 0}));
    nx_regular_free(regular);
    nx_regular_free(NULL);
}

static void a_count_of_thousands_is_counted_and_not_written_out(void **state)
{
    enum { MAX = 10000 };
    struct nx_regular *regular = compile("^[a-z]{0,10000}$");
    char *text = malloc(MAX + 1);

    (void)state;
    assert_non_null(text);
    memset(text, 'q', MAX + 1);
    assert_true(nx_regular_match(regular, (struct nx_span){text, MAX}));
    assert_false(nx_regular_match(regular, (struct nx_span){text, MAX + 1}));
    free(text);
    nx_regular_free(regular);
}

/* Each makes a backtracking matcher's work grow with a power of the length, or worse. */
static void a_match_looks_at_each_byte_once_whatever_the_expression(void **state)
{
    enum { LONG = 200 * 1000 };
    static const char *const sources[] = {
        "^(a+)+$",  "^(a|a)*$",         "^(a|aa)+$",     "(a*)*b",       "^(([a-z])+.)+[A-Z]$",
        "(x+x+)+y", "^(a?){50}a{50}$",  "a*a*a*a*a*a*b", "(?:a|b|ab)*c", "^(.*a){8}b$",
        "^a*$",     "^[ab]*a[ab]{12}$",
    };
    char *text = malloc(LONG);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', LONG);
    text[LONG - 1] = '!';
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct nx_regular *regular = compile(sources[i]);
        size_t steps = 0;
        assert_false(nx_regular_match_counted(regular, (struct nx_span){text, LONG}, &steps));
        assert_true(steps <= LONG);
        nx_regular_free(regular);
    }
    free(text);
}

static void nothing_is_read_behind_what_decides(void **state)
{
    static const struct {
        const char *source;
        size_t steps; /* on "aaab..." */
    } examples[] = {{"^a+", 1},      {"^[ab]{2,}", 2}, {"^b", 0},
                    {"^(a|c)+b", 4}, {"", 0},          {"^(c|d)", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        struct nx_regular *regular = compile(examples[i].source);
        size_t steps = 0;
        (void)nx_regular_match_counted(regular, NX_SPAN("aaabbbbbb"), &steps);
        assert_int_equal(steps, examples[i].steps);
        nx_regular_free(regular);
    }
}

static void a_form_is_matched_when_all_its_texts_are(void **state)
{
    static const char *const yes[] = {
        "Z$", "^[0-9]{2}:", "[0-9]", "^.{6}$", "^[0-4]|[5-9]|x", "^[0-9]{2}:[0-9]{2}Z$", "()"};
    static const char *const no[] = {"z$",
                                     "^[0-8]{2}:",
                                     "^.{5}$",
                                     "^[0-4]|^[6-9]",
                                     "0",
                                     "^[0-9]{2}:[0-9]{2}$",
                                     "^[0-9]{2}:[0-9]{2}Z.",
                                     "a|b"};
    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        struct nx_regular *regular = nx_regular_new_as(nx_span_from(yes[i]), AUTOMATON);
        assert_non_null(regular);
        if (!nx_regular_matches_form(regular, NX_SPAN("00:00Z"))) {
            fail_msg("%s matches the form", yes[i]);
        }
        nx_regular_free(regular);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        struct nx_regular *regular = nx_regular_new_as(nx_span_from(no[i]), AUTOMATON);
        assert_non_null(regular);
        if (nx_regular_matches_form(regular, NX_SPAN("00:00Z"))) {
            fail_msg("%s does not match the form", no[i]);
        }
        nx_regular_free(regular);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_is_unanchored_and_anchors_hold_at_the_ends_of_the_text_only),
        cmocka_unit_test(a_dot_is_one_code_point_that_ends_no_line),
        cmocka_unit_test(digits_and_words_are_ascii_and_spaces_are_those_of_ecma),
        cmocka_unit_test(escapes_stand_for_one_character),
        cmocka_unit_test(classes_are_those_of_ecma),
        cmocka_unit_test(quantifiers_count_code_points),
        cmocka_unit_test(alternation_and_groups_are_taken_apart),
        cmocka_unit_test(real_expressions_are_sequences_or_small_automata),
        cmocka_unit_test(an_expression_of_many_states_is_simulated),
        cmocka_unit_test(what_is_not_regular_or_too_large_is_left_to_the_general_matcher),
        cmocka_unit_test(deep_or_long_expressions_are_left_too),
        cmocka_unit_test(expressions_and_texts_may_hold_nul_and_may_be_nothing),
        cmocka_unit_test(a_count_of_thousands_is_counted_and_not_written_out),
        cmocka_unit_test(a_match_looks_at_each_byte_once_whatever_the_expression),
        cmocka_unit_test(nothing_is_read_behind_what_decides),
        cmocka_unit_test(a_form_is_matched_when_all_its_texts_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
