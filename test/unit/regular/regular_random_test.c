/*
 * regular_random_test.c - thousands of made-up expressions and texts, always the same ones: the
 * linear matcher and PCRE2 behind the translation must agree on each.
 *
 * Two independent readings of ECMA-262 by two kinds of machine; where they differ, one is wrong.
 */
#include "core/base/buf.h"
#include "core/pattern.h"
#include "core/regular.h"
#include "core/utf8.h"

#include "test/unit/unit.h"

enum {
    EXPRESSIONS = 20 * 1000,
    TEXTS = 12,          /* for each expression */
    TEXT_CHARACTERS = 9, /* at most */
    DEPTH_MAX = 4,
    BYTES_MAX = 4 * 1024,
};

struct totals {
    unsigned taken[3]; /* by the way they are run */
    unsigned left;
    unsigned matched;
    unsigned unmatched;
    unsigned undecided; /* by PCRE2, whose work is limited */
};

/* splitmix64 */
static uint32_t below(uint64_t *seed, uint32_t bound)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) % bound);
}

#define PICK(seed, list) (list)[below((seed), sizeof(list) / sizeof((list)[0]))]

static const char *const characters[] = {
    "a",
    "a",
    "a",
    "b",
    "b",
    "c",
    "-",
    "_",
    "0",
    "7",
    "Z",
    " ",
    "\n",
    "\r",
    "\x7F",
    "\xC2\x80",
    "\xC3\xA9",
    "\xD0\xB1",
    "\xE2\x80\xA8",
    "\xEF\xBB\xBF",
    "\xEF\xBF\xBF",
    "\xF0\x90\x80\x80",
    "\xF0\x9F\x98\x80",
    "\xF4\x8F\xBF\xBF",
};
static const char *const atoms[] = {
    "a",
    "a",
    "a",
    "b",
    "b",
    "c",
    "-",
    "0",
    ".",
    ".",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\n",
    "\\x61",
    "\\u0062",
    "\\u{1F600}",
    "\\ud83d\\ude00",
    "\\cJ",
    "\\-",
    "\\.",
    "}",
    "]",
    "\xC3\xA9",
    "\xE2\x80\xA8",
    "\xF0\x9F\x98\x80",
    "^",
    "$",
};
static const char *const members[] = {
    "a",
    "b",
    "c",
    "-",
    "0-7",
    "a-c",
    "A-Z",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    ".",
    "^",
    "\\]",
    "\\b",
    "\\x7f-\\x80",
    "\xC2\x80-\xC3\xBF",
    "\\u0400-\\u04ff",
    "\\u2000-\\uffff",
    "\\u{10000}-\\u{10FFFF}",
    "\xF0\x9F\x98\x80",
    "[",
};
/* Not {0}: PCRE2 10.42 does not find `(?:a|^b){0}c` in "xc". */
static const char *const quantifiers[] = {
    "?", "*", "+", "{2}", "{1,2}", "{0,3}", "{2,}", "{3,5}", "??", "*?", "+?", "{1,2}?",
};
static const char *const openings[] = {"(", "(?:", "(?:", "(?<n>"};

static void put_choice(struct nx_buf *out, uint64_t *seed, unsigned depth);

static void put_class(struct nx_buf *out, uint64_t *seed)
{
    (void)nx_buf_str(out, below(seed, 3) == 0 ? "[^" : "[");
    for (uint32_t n = below(seed, 4) + (below(seed, 20) != 0); n > 0; n--) {
        (void)nx_buf_str(out, PICK(seed, members));
    }
    (void)nx_buf_byte(out, ']');
}

static void put_term(struct nx_buf *out, uint64_t *seed, unsigned depth)
{
    uint32_t kind = below(seed, 10);

    if (kind < 2 && depth < DEPTH_MAX) {
        (void)nx_buf_str(out, PICK(seed, openings));
        put_choice(out, seed, depth + 1);
        (void)nx_buf_byte(out, ')');
    } else if (kind < 5) {
        put_class(out, seed);
    } else {
        (void)nx_buf_str(out, PICK(seed, atoms));
    }
    if (below(seed, 3) == 0) {
        (void)nx_buf_str(out, PICK(seed, quantifiers));
    }
}

static void put_choice(struct nx_buf *out, uint64_t *seed, unsigned depth)
{
    uint32_t branches = below(seed, 4) == 0 ? 1 + below(seed, 3) : 1;

    for (uint32_t i = 0; i < branches; i++) {
        if (i > 0) {
            (void)nx_buf_byte(out, '|');
        }
        for (uint32_t n = below(seed, 5); n > 0; n--) {
            put_term(out, seed, depth);
        }
    }
}

static void put_expression(struct nx_buf *out, uint64_t *seed)
{
    uint32_t anchors = below(seed, 4);

    nx_buf_reset(out);
    (void)nx_buf_str(out, (anchors & 1) != 0 ? "^" : "");
    put_choice(out, seed, 0);
    (void)nx_buf_str(out, (anchors & 2) != 0 ? "$" : "");
}

static void put_text(struct nx_buf *out, uint64_t *seed)
{
    uint32_t variety = 1 + below(seed, sizeof(characters) / sizeof(characters[0]));

    nx_buf_reset(out);
    for (uint32_t n = below(seed, TEXT_CHARACTERS + 1); n > 0; n--) {
        (void)nx_buf_str(out, characters[below(seed, variety)]);
    }
}

static void compare_on_texts(const struct nx_regular *regular, const struct nx_pattern *general,
                             struct nx_matcher *matcher, struct nx_span source, uint64_t *seed,
                             struct totals *totals)
{
    struct nx_buf text;

    nx_buf_init(&text, BYTES_MAX);
    for (unsigned i = 0; i < TEXTS; i++) {
        bool expected = false;
        bool found;
        put_text(&text, seed);
        if (nx_pattern_match(general, matcher, nx_buf_view(&text), false, &expected) != NX_OK) {
            totals->undecided++;
            continue;
        }
        found = nx_regular_match(regular, nx_buf_view(&text));
        if (found != expected) {
            fail_msg("%.*s on \"%.*s\": PCRE2 says %d", NX_SPAN_ARG(source), (int)text.len,
                     text.len > 0 ? text.data : "", expected);
        }
        totals->matched += found;
        totals->unmatched += !found;
    }
    nx_buf_fini(&text);
}

/* In every way that it can be run. */
static void compare(struct nx_span source, struct nx_matcher *matcher, uint64_t *seed,
                    struct totals *totals)
{
    struct nx_regular *fastest = nx_regular_new(source);
    struct nx_pattern *general = NULL;
    struct nx_diag diag = {0};
    bool refused = nx_pattern_compile_general(source, &general, &diag) != NX_OK;

    totals->left += fastest == NULL;
    if (fastest != NULL && refused) {
        fail_msg("%.*s: PCRE2 refuses: %s", NX_SPAN_ARG(source), diag.text);
    }
    for (unsigned kind = 0; kind < 3 && fastest != NULL; kind++) {
        struct nx_regular *regular = nx_regular_new_as(source, (enum nx_regular_kind)kind);
        if (regular != NULL) {
            totals->taken[kind]++;
            compare_on_texts(regular, general, matcher, source, seed, totals);
        }
        nx_regular_free(regular);
    }
    nx_pattern_free(general);
    nx_regular_free(fastest);
}

static void both_matchers_agree_on_random_expressions_and_texts(void **state)
{
    struct nx_matcher *matcher = nx_matcher_new();
    struct totals totals = {0};
    uint64_t seed = 20261122;
    struct nx_buf source;

    (void)state;
    assert_non_null(matcher);
    nx_buf_init(&source, BYTES_MAX);
    for (unsigned i = 0; i < EXPRESSIONS; i++) {
        put_expression(&source, &seed);
        compare(nx_buf_view(&source), matcher, &seed, &totals);
    }
    nx_buf_fini(&source);
    nx_matcher_free(matcher);
    print_message("%u sequences, %u automata, %u simulations, %u left; %u matches, %u not, %u "
                  "undecided\n",
                  totals.taken[0], totals.taken[1], totals.taken[2], totals.left, totals.matched,
                  totals.unmatched, totals.undecided);
    /* else the comparison proves little */
    assert_true(totals.taken[NX_REGULAR_SEQUENCE] > EXPRESSIONS / 20);
    assert_true(totals.taken[NX_REGULAR_AUTOMATON] > EXPRESSIONS / 2);
    assert_true(totals.taken[NX_REGULAR_SIMULATION] > EXPRESSIONS / 2);
    assert_true(totals.matched > EXPRESSIONS && totals.unmatched > EXPRESSIONS);
}

/* Every code point from U+0000 to U+10FFFF, against one set at a time. */
static void both_matchers_agree_on_every_code_point(void **state)
{
    static const char *const sources[] = {
        "^.$",
        "^\\s$",
        "^\\S$",
        "^\\w$",
        "^\\W$",
        "^\\D$",
        "^[^\\s\\w]$",
        "^[\\u0080-\\u07ff]$",
        "(?:\\s|[\\ud7ff-\\ue000])",
        "^(?:[^\\s]|\\n)$",
    };
    struct nx_matcher *matcher = nx_matcher_new();

    (void)state;
    assert_non_null(matcher);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct nx_regular *regular = nx_regular_new(nx_span_from(sources[i]));
        struct nx_pattern *general = NULL;
        assert_int_equal(nx_pattern_compile_general(nx_span_from(sources[i]), &general, NULL),
                         NX_OK);
        assert_non_null(regular);
        for (uint32_t code = 0; code <= 0x10FFFF; code++) {
            char bytes[4];
            struct nx_span text = {bytes, nx_utf8_put(bytes, code)};
            bool expected;
            if (code >= 0xD800 && code <= 0xDFFF) {
                continue;
            }
            assert_int_equal(nx_pattern_match(general, matcher, text, false, &expected), NX_OK);
            if (nx_regular_match(regular, text) != expected) {
                fail_msg("%s on U+%04X: PCRE2 says %d", sources[i], (unsigned)code, expected);
            }
        }
        nx_pattern_free(general);
        nx_regular_free(regular);
    }
    nx_matcher_free(matcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_matchers_agree_on_random_expressions_and_texts),
        cmocka_unit_test(both_matchers_agree_on_every_code_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
