/*
 * recent_test.c - the newest records in memory: what comes out is what went in, whatever the sizes.
 */
#include "bridge/recent.h"

#include "test/unit/unit.h"

#include <string.h>

enum { BYTES = 1000, RECORDS = 16, PUTS = 20000 };

static char text[BYTES];

/* A reading whose texts follow from its number. */
static struct nx_reading reading_of(uint64_t seq, size_t len)
{
    return (struct nx_reading){
        .seq = seq,
        .received_ms = (int64_t)seq * 3,
        .topic = {text + seq % 50, 5 + seq % 7},
        .original = {text + seq % 61, len},
        .canonical = {seq % 3 == 0 ? NULL : text + seq % 13, seq % 3 == 0 ? 0 : len / 2},
    };
}

static void expect(const struct nx_recent *recent, uint64_t seq, size_t len)
{
    struct nx_reading expected = reading_of(seq, len);
    struct nx_reading found;

    assert_true(nx_recent_get(recent, seq, &found));
    assert_int_equal(found.seq, seq);
    assert_int_equal(found.received_ms, expected.received_ms);
    assert_true(nx_span_eq(found.topic, expected.topic));
    assert_true(nx_span_eq(found.original, expected.original));
    assert_true(nx_span_eq(found.canonical, expected.canonical));
    assert_true((found.canonical.ptr == NULL) == (expected.canonical.ptr == NULL));
}

static void what_is_kept_comes_out_as_it_went_in(void **state)
{
    struct nx_recent *recent;
    size_t lens[RECORDS] = {0};
    size_t hits = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 26);
    }
    assert_int_equal(nx_recent_new(BYTES, RECORDS, &recent), NX_OK);
    for (uint64_t seq = 1; seq <= PUTS; seq++) {
        struct nx_reading reading;
        struct nx_reading found;

        lens[seq % RECORDS] = seq * 7919 % 97;
        reading = reading_of(seq, lens[seq % RECORDS]);
        nx_recent_put(recent, &reading);
        expect(recent, seq, lens[seq % RECORDS]);
        for (uint64_t back = 1; back < RECORDS && back < seq; back++) {
            if (nx_recent_get(recent, seq - back, &found)) {
                expect(recent, seq - back, lens[(seq - back) % RECORDS]);
                hits++;
            }
        }
    }
    assert_true(hits > PUTS); /* it is of use */
    nx_recent_free(recent);
}

static void a_gap_an_oversized_record_and_a_rollback_empty_it(void **state)
{
    struct nx_recent *recent;
    struct nx_reading found;
    struct nx_reading small = reading_of(1, 10);
    struct nx_reading large = reading_of(2, BYTES / 2);
    struct nx_reading later = reading_of(9, 10);

    (void)state;
    assert_int_equal(nx_recent_new(BYTES, RECORDS, &recent), NX_OK);
    nx_recent_put(recent, &small);
    assert_true(nx_recent_get(recent, 1, &found));
    nx_recent_put(recent, &large);
    assert_false(nx_recent_get(recent, 1, &found));
    assert_false(nx_recent_get(recent, 2, &found));
    nx_recent_put(recent, &small);
    nx_recent_put(recent, &later);
    assert_false(nx_recent_get(recent, 1, &found));
    assert_true(nx_recent_get(recent, 9, &found));
    nx_recent_clear(recent);
    assert_false(nx_recent_get(recent, 9, &found));
    nx_recent_free(recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_out_as_it_went_in),
        cmocka_unit_test(a_gap_an_oversized_record_and_a_rollback_empty_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
