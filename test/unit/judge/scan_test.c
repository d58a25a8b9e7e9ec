/*
 * scan_test.c - the quick ways to read a number, a date, a token and a string that must match say
 * what the complete ones say, on text that a seeded generator makes. Each text stands at the end of
 * its memory, but for the padding that the scanners are promised: so ASan sees who reads further.
 */
#include "core/format.h"
#include "core/json_scan.h"
#include "core/number.h"
#include "core/regular.h"
#include "test/unit/judge/judge.h"

#include <stdio.h>
#include <stdlib.h>

/* splitmix64 */
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

/* The text on the heap with its padding; the caller frees it. */
static char *padded(struct nx_span text)
{
    char *copy = calloc(1, text.len + NX_SCAN_PADDING);

    assert_non_null(copy);
    memcpy(copy, text.ptr, text.len);
    return copy;
}

static void one_of(uint64_t *state, const char *letters, char *out)
{
    *out = letters[random_below(state, strlen(letters))];
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Is all of the text a number of RFC 8259, without an exponent? One digit after the other. */
static bool is_plain_number(struct nx_span text, bool *whole)
{
    const char *p = text.ptr;
    const char *end = p + text.len;
    const char *first;

    p += p < end && *p == '-';
    first = p;
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    *whole = true;
    if (p == first || (*first == '0' && p - first > 1)) {
        return false;
    }
    if (p < end && *p == '.') {
        *whole = false;
        first = ++p;
        while (p < end && *p >= '0' && *p <= '9') {
            p++;
        }
        if (p == first) {
            return false;
        }
    }
    return p == end;
}

/* The value against exact decimal arithmetic: text == value / 10^9. */
static bool is_value(struct nx_span text, int64_t value)
{
    char written[64];
    struct nx_number left;
    struct nx_number right;
    int len = snprintf(written, sizeof(written), "%llde-9", (long long)value);

    return nx_number_read(text, &left) == NX_OK &&
           nx_number_read((struct nx_span){written, (size_t)len}, &right) == NX_OK &&
           nx_number_compare(&left, &right) == 0;
}

static void examine_number(struct nx_span text)
{
    char *copy = padded(text);
    struct nx_nano ways[2];
    bool whole;
    bool number = is_plain_number(text, &whole);

    ways[0] = nx_scan_nano_short(copy);
    ways[1] = nx_scan_nano_long(copy);
    for (int i = 0; i < 2; i++) {
        bool read = ways[i].end == copy + text.len;
        if (read && (!number || ways[i].whole != whole ||
                     (ways[i].exact && !is_value(text, ways[i].value)))) {
            fail_msg("%.*s read as %lld", NX_SPAN_ARG(text), (long long)ways[i].value);
        }
        if (number && !read && text.len <= (i == 0 ? 8 : NX_NANO_DIGITS_MAX)) {
            fail_msg("%.*s not read", NX_SPAN_ARG(text));
        }
    }
    free(copy);
}

static void numbers_are_read_as_exact_arithmetic_reads_them(void **state)
{
    static const char *const edges[] = {"0",
                                        "-0",
                                        "00",
                                        "0.0",
                                        "-0.1",
                                        "1.",
                                        ".5",
                                        "-",
                                        "9999999",
                                        "99999999",
                                        "-9999999.9",
                                        "1.0000001",
                                        "1.00000001",
                                        "1e2",
                                        "1E2",
                                        "1.5e1",
                                        "123456789",
                                        "9223372036",
                                        "9223372037",
                                        "0.123456789",
                                        "--1",
                                        "1732261500000",
                                        "0.1234567891",
                                        "123456789012345678",
                                        "1234567890123456789",
                                        "01.5",
                                        "1.2.3"};
    uint64_t seed = 11;
    (void)state;
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
        examine_number(nx_span_from(edges[i]));
    }
    for (unsigned i = 0; i < 200000; i++) {
        char text[24];
        size_t len = 1 + random_below(&seed, sizeof(text));
        for (size_t k = 0; k < len; k++) {
            one_of(&seed, k == 0 ? "0123456789-" : "01234567890123456789012345678901.e/:-",
                   text + k);
        }
        examine_number((struct nx_span){text, len});
    }
}

/* ---- dates ----------------------------------------------------------------------------------- */

/* The quick way cannot be switched off in the format, but by another spelling of the same time. */
static bool is_valid_by_the_rules(const char *text)
{
    char longer[NX_DATE_TIME_LEN + 3];
    int len = snprintf(longer, sizeof(longer), "%.19s.0Z", text);

    return nx_format_find(NX_SPAN("date-time"), 2020)->valid((struct nx_span){longer, (size_t)len});
}

static void a_date_that_is_quickly_taken_is_one_by_the_rules(void **state)
{
    uint64_t seed = 12;
    unsigned taken = 0;
    (void)state;
    for (unsigned i = 0; i < 400000; i++) {
        char text[NX_DATE_TIME_LEN + 1] = "2026-11-22T07:45:00Z";
        for (size_t changes = random_below(&seed, 4); changes > 0; changes--) {
            one_of(&seed, "0123456789-:TZ./;@\x80\xb0\xff", text + random_below(&seed, 19));
        }
        if (nx_scan_date_time(text)) {
            taken++;
            if (!is_valid_by_the_rules(text)) {
                fail_msg("%s taken", text);
            }
        }
    }
    assert_true(taken > 100000);
    assert_false(nx_scan_date_time("2026-11-22T07:45:00z"));
    assert_false(nx_scan_date_time("2026-13-22T07:45:00Z"));
    assert_false(nx_scan_date_time("2026-00-22T07:45:00Z"));
    assert_false(nx_scan_date_time("2026-11-00T07:45:00Z"));
    assert_false(nx_scan_date_time("2026-11-22T24:45:00Z"));
    assert_false(nx_scan_date_time("2026-11-22T07:60:00Z"));
    assert_false(nx_scan_date_time("2026-11-22T07:45:60Z"));
    assert_true(nx_scan_date_time("9999-12-28T23:59:59Z"));
    assert_true(nx_scan_date_time("0000-01-01T00:00:00Z"));
}

/* ---- expressions in JSON text ---------------------------------------------------------------- */

static void examine_inline(const struct nx_regular *regular, struct nx_span text)
{
    char quoted[64];
    int len = snprintf(quoted, sizeof(quoted), "%.*s\",\"b\":1", NX_SPAN_ARG(text));
    char *copy = padded((struct nx_span){quoted, (size_t)len});
    const char *end = nx_regular_match_inline(regular, copy);
    bool matched = nx_regular_match(regular, text);

    if ((end == copy + text.len) != matched) {
        fail_msg("%.*s is %s match in JSON", NX_SPAN_ARG(text), matched ? "no" : "a");
    }
    free(copy);
}

static void what_matches_in_json_text_is_what_matches(void **state)
{
    static const char *const expressions[] = {
        "^sensor-[0-9]{4,8}$",
        "^[a-c]{2}b$",
        "^a*$",
        "^$",
        "^[ab]+c[0-9]{0,3}$",
        "^abcabcabc[a-z]{1,}$",
        "^a{3}$",
        "^c?b?a?$",
        "^-?[0-9]+$",
        /* automata */
        "^(-|[0-2](\\.[0-9]{1,3})?|ab)?$",
        "a$",
        "^(ab|ba)+c?$",
        "[bc]{2}$",
        "^[a-c]*c[a-c]{3}$",
    };
    uint64_t seed = 13;
    (void)state;
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        struct nx_regular *regular = nx_regular_new(nx_span_from(expressions[i]));
        assert_non_null(regular);
        assert_true(nx_regular_is_inline(regular));
        examine_inline(regular, NX_SPAN("sensor-0042"));
        examine_inline(regular, NX_SPAN("abcabcabcx"));
        for (unsigned k = 0; k < 20000; k++) {
            char text[12];
            size_t len = random_below(&seed, sizeof(text));
            for (size_t j = 0; j < len; j++) {
                one_of(&seed, "aaabbbccc012-", text + j);
            }
            examine_inline(regular, (struct nx_span){text, len});
        }
        nx_regular_free(regular);
    }
}

/* As they stand in JSON, with what the text would be. */
static void what_json_writes_otherwise_is_not_matched_in_its_text(void **state)
{
    static const char *const expressions[] = {"^a",     "a$",     "^.$",        "^\"$",   "^\\\\$",
                                              "^[^a]$", "^\\n*$", "^\xc3\xa9$", "^[^b]*$"};
    static const char *const bodies[] = {"\\\"",    "\\\\",  "\\n",  "\xc3\xa9",
                                         "\\u0061", "a\\na", "a\x01"};
    (void)state;
    for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
        struct nx_regular *regular = nx_regular_new(nx_span_from(expressions[i]));
        assert_non_null(regular);
        for (size_t k = 0; k < sizeof(bodies) / sizeof(bodies[0]); k++) {
            char quoted[16];
            int len = snprintf(quoted, sizeof(quoted), "%s\"", bodies[k]);
            char *copy = padded((struct nx_span){quoted, (size_t)len});
            const char *end =
                nx_regular_is_inline(regular) ? nx_regular_match_inline(regular, copy) : NULL;
            if (end == copy + len - 1) {
                fail_msg("%s would match \"%s in JSON text", expressions[i], quoted);
            }
            free(copy);
        }
        nx_regular_free(regular);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_exact_arithmetic_reads_them),
        cmocka_unit_test(a_date_that_is_quickly_taken_is_one_by_the_rules),
        cmocka_unit_test(what_matches_in_json_text_is_what_matches),
        cmocka_unit_test(what_json_writes_otherwise_is_not_matched_in_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
