/*
 * string_test.c - comparing patterns: the automata against the judge's own matcher, and pairs of
 * patterns whose order is known.
 */
#include "core/compat_plan.h"
#include "test/unit/unit.h"

static enum string_answer find(const char *pattern, const char *refusal, uint64_t length_min,
                               struct nx_buf *sample)
{
    const struct string_set set = {.patterns = {nx_span_from(pattern)},
                                   .count = 1,
                                   .exact = true,
                                   .length_min = length_min,
                                   .length_max = UINT64_MAX};
    uint32_t states = 100000;

    return compat_string_find(&set, nx_span_from(refusal), &states, 0, sample);
}

static bool matches(const char *pattern, struct nx_span text)
{
    struct nx_matcher *matcher = nx_matcher_new();
    struct nx_pattern *compiled = NULL;
    bool matched = false;

    assert_int_equal(nx_pattern_compile(nx_span_from(pattern), &compiled, NULL), NX_OK);
    assert_int_equal(nx_pattern_match(compiled, matcher, text, true, &matched), NX_OK);
    nx_pattern_free(compiled);
    nx_matcher_free(matcher);
    return matched;
}

static void patterns_are_ordered_as_their_languages_are(void **state)
{
    static const struct {
        const char *narrow;
        const char *wide;
        enum string_answer forth; /* is there a string of `narrow` that `wide` does not match? */
        enum string_answer back;
    } rows[] = {
        {"^a$", "a", STRING_NONE, STRING_FOUND},
        {"^$", "^a*$", STRING_NONE, STRING_FOUND},
        {"^a+$", "^aa*$", STRING_NONE, STRING_NONE},
        {"^(ab|ac)$", "^a[bc]$", STRING_NONE, STRING_NONE},
        {"^\\d+$", "^[0-9]+$", STRING_NONE, STRING_NONE},
        {"^[0-9]+$", "^\\w+$", STRING_NONE, STRING_FOUND},
        {"^[^a]$", "^.$", STRING_FOUND, STRING_FOUND},
        {"^.$", "^[^\\n]$", STRING_NONE, STRING_FOUND},
        {"^\\S$", "^[^\\s]$", STRING_NONE, STRING_NONE},
        {"^[\\s\\S]{3}$", "^[\\s\\S]{2,4}$", STRING_NONE, STRING_FOUND},
        {"^(a{2}){3}$", "^a{6}$", STRING_NONE, STRING_NONE},
        {"^a|b$", "a|b", STRING_NONE, STRING_FOUND},
        {"a^b", "x", STRING_NONE, STRING_FOUND},
        {"(^|a)b", "b", STRING_NONE, STRING_FOUND},
        {"$^", "^$", STRING_NONE, STRING_NONE},
        {"^^a", "^a", STRING_NONE, STRING_NONE},
        {"", ".*", STRING_NONE, STRING_NONE},
        {"[]", "x", STRING_NONE, STRING_FOUND},
        {"^\\u00e9$", "^\xC3\xA9$", STRING_NONE, STRING_NONE},
        {"^\\ud83d\\ude00$", "^\xF0\x9F\x98\x80$", STRING_NONE, STRING_NONE},
        {"^[a-c-]$", "^[-abc]$", STRING_NONE, STRING_NONE},
        {"^(?:a|b)+?$", "^(?<n>[ab])+$", STRING_NONE, STRING_NONE},
        {"^a{0}$", "^$", STRING_NONE, STRING_NONE},
        {"^(a*)*$", "^a*$", STRING_NONE, STRING_NONE},
        {"^a(?=b)", "a", STRING_UNDECIDED, STRING_UNDECIDED},
        {"(a)\\1", "a", STRING_UNDECIDED, STRING_UNDECIDED},
        {"\\bx", "x", STRING_UNDECIDED, STRING_UNDECIDED},
        {"\\p{L}", "x", STRING_UNDECIDED, STRING_UNDECIDED},
        {"^(((a{9}){99}){99}){99}$", "a", STRING_UNDECIDED, STRING_UNDECIDED},
        {"((((a{0}){1000}){1000}){1000}){1000}", "a", STRING_UNDECIDED, STRING_UNDECIDED},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (find(rows[i].narrow, rows[i].wide, 0, NULL) != rows[i].forth ||
            find(rows[i].wide, rows[i].narrow, 0, NULL) != rows[i].back) {
            fail_msg("%s against %s", rows[i].narrow, rows[i].wide);
        }
    }
}

static void a_sample_is_what_the_judge_matches(void **state)
{
    static const char *const patterns[] = {
        "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        "^20[0-9]{2}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z$",
        "^(-|(0|[1-9][0-9]?)(\\.[0-9]{1,5})?|100(\\.0{1,5})?)?$",
        "x\\.y|[^\\w\\s]{2}",
        "^\\s\\S\\d\\D\\w\\W$",
        "[\\u3131-\\uD79D]{3}",
        "a.c$",
        "\\/\\-\\\\",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        for (uint64_t length = 0; length < 8; length += 3) {
            struct nx_buf sample;
            nx_buf_init(&sample, 1024);
            if (find(patterns[i], "^(refused)$", length, &sample) == STRING_FOUND &&
                !matches(patterns[i], nx_buf_view(&sample))) {
                fail_msg("%s does not match %.*s", patterns[i], (int)sample.len, sample.data);
            }
            if (length == 0) {
                assert_int_equal(find(patterns[i], "^(refused)$", 0, NULL), STRING_FOUND);
            }
            nx_buf_fini(&sample);
        }
    }
}

/* Every string of up to four of a few letters: the automaton and the matcher say the same. */
static void the_automaton_agrees_with_the_matcher(void **state)
{
    static const char *const patterns[] = {
        "^a|b$", "(^a)*b", "a$|^$", "^(a|^b)+$", "a{1,2}b?$", "[^a]b", "^.\\n", "(a|)b{2}", "$a|b",
    };
    static const char letters[] = "ab\n1";
    (void)state;

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        for (unsigned code = 0; code < 625; code++) {
            static const char hex[] = "0123456789abcdef";
            char exact[64] = "^";
            char text[8];
            size_t length = 0;
            size_t at = 1;
            for (unsigned rest = code; rest > 0; rest /= 5) {
                if (rest % 5 > 0) {
                    unsigned char c = (unsigned char)letters[rest % 5 - 1];
                    text[length++] = (char)c;
                    memcpy(exact + at, "\\x", 2);
                    exact[at + 2] = hex[c >> 4];
                    exact[at + 3] = hex[c & 15];
                    at += 4;
                }
            }
            memcpy(exact + at, "$", 2);
            if (matches(patterns[i], (struct nx_span){text, length}) !=
                (find(exact, patterns[i], 0, NULL) == STRING_NONE)) {
                fail_msg("%s and %s", patterns[i], exact);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_ordered_as_their_languages_are),
        cmocka_unit_test(a_sample_is_what_the_judge_matches),
        cmocka_unit_test(the_automaton_agrees_with_the_matcher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
