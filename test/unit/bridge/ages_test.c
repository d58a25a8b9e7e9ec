/*
 * ages_test.c - the age of records by the monotonic clock alone.
 */
#include "core/ages.h"

#include "test/unit/unit.h"

enum { AGE_MS = 60000 };

static void records_grow_old_by_the_time_that_passes(void **state)
{
    struct nx_ages ages;
    uint64_t seq = 100;

    (void)state;
    nx_ages_init(&ages, AGE_MS, seq, 1000);
    for (uint64_t now_ms = 1000; now_ms <= 1000 + 3 * AGE_MS; now_ms += 100) {
        uint64_t older;

        nx_ages_note(&ages, seq, now_ms);
        older = nx_ages_older(&ages, AGE_MS, now_ms);
        assert_true(older >= 100 && older <= seq);
        if (now_ms - 1000 > AGE_MS) { /* record n came at 1000 + (n - 100) * 100 */
            uint64_t exact = 100 + (now_ms - AGE_MS - 1000) / 100;

            assert_true(older <= exact); /* never one too young */
            assert_true(older + AGE_MS / 32 / 100 + 2 >= exact);
        } else {
            assert_int_equal(older, 100);
        }
        seq++;
    }
}

static void without_new_records_the_notes_stay_true(void **state)
{
    struct nx_ages ages;

    (void)state;
    nx_ages_init(&ages, AGE_MS, 5, 0);
    nx_ages_note(&ages, 9, AGE_MS);
    for (uint64_t now_ms = AGE_MS; now_ms < 10 * AGE_MS; now_ms += 1000) {
        nx_ages_note(&ages, 9, now_ms);
    }
    assert_int_equal(nx_ages_older(&ages, AGE_MS, 2 * AGE_MS), 5);
    assert_int_equal(nx_ages_older(&ages, AGE_MS, 2 * AGE_MS + 1), 9);
}

static void a_ring_that_has_gone_round_forgets_the_oldest_only(void **state)
{
    struct nx_ages ages;

    (void)state;
    nx_ages_init(&ages, AGE_MS, 0, 0);
    for (uint64_t i = 1; i <= 3 * NX_AGES_NOTES; i++) {
        nx_ages_note(&ages, i, i * AGE_MS);
    }
    assert_int_equal(nx_ages_older(&ages, AGE_MS, (uint64_t)3 * NX_AGES_NOTES * AGE_MS + 1),
                     3 * NX_AGES_NOTES - 1);
}

static void a_wall_clock_that_jumps_ahead_is_followed_at_twice_the_speed_of_time(void **state)
{
    const int64_t wall_ms = INT64_C(1769871600000);
    const int64_t day_ms = INT64_C(86400000);
    struct nx_slow_clock clock = {0};

    (void)state;
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms, 5000), wall_ms);
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms + 1000, 6000), wall_ms + 1000);
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms + 2000 + day_ms, 7000), wall_ms + 3000);
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms + 3000, 8000), wall_ms + 3000);
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms + day_ms, 8000 + (uint64_t)day_ms),
                     wall_ms + day_ms);
}

static void a_wall_clock_that_jumps_back_is_followed_at_once(void **state)
{
    const int64_t wall_ms = INT64_C(1769871600000);
    struct nx_slow_clock clock = {0};

    (void)state;
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms, 5000), wall_ms);
    assert_int_equal(nx_slow_clock_ms(&clock, wall_ms - 86400000, 6000), wall_ms - 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_grow_old_by_the_time_that_passes),
        cmocka_unit_test(without_new_records_the_notes_stay_true),
        cmocka_unit_test(a_ring_that_has_gone_round_forgets_the_oldest_only),
        cmocka_unit_test(a_wall_clock_that_jumps_ahead_is_followed_at_twice_the_speed_of_time),
        cmocka_unit_test(a_wall_clock_that_jumps_back_is_followed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
