/*
 * random_test.c - random pairs of small schemas, one an edited copy of the other: what is answered
 * "compatible" is tried with random documents, what is answered "incompatible" has a witness that
 * is confirmed apart from the search (pairs.c).
 *
 *     test_unit_compat-random [PAIRS [SEED]]
 */
#include "core/compat_plan.h"
#include "test/unit/compat/pairs.h"
#include "test/unit/compat/writer.h"

#include <stdlib.h>

enum {
    PAIRS = 150,
    CHOICES = 256,   /* that make one schema */
    EDITS_MAX = 6,   /* choices that differ in the other one */
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

static void make_pair(uint64_t *random, struct nx_buf texts[2])
{
    uint16_t choices[CHOICES];
    struct writer w = {.choices = choices, .choices_count = CHOICES};
    uint32_t edits = 1 + (uint32_t)(next_random(random) % EDITS_MAX);
    uint32_t used;

    for (uint32_t i = 0; i < CHOICES; i++) {
        choices[i] = (uint16_t)next_random(random);
    }
    w.theme = (enum theme)(next_random(random) % THEMES);
    if (next_random(random) % 2 == 0) {
        w.draft = (enum nx_draft)(next_random(random) % NX_DRAFT_COUNT);
        w.outside = next_random(random) % 2 == 0;
    }
    w.out = &texts[0];
    writer_schema(&w);
    used = w.at < CHOICES ? w.at : CHOICES;
    for (uint32_t i = 0; i < edits; i++) {
        choices[next_random(random) % used] = (uint16_t)next_random(random);
    }
    w.at = 0;
    w.out = &texts[1];
    writer_schema(&w);
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
    const struct pair_options options = {
        .resolve = writer_resolve, .seed = 1, .candidates_max = 600};
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
    const struct nx_compat_options options = {.resolve = writer_resolve, .seed = 1};
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
