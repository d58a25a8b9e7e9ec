/*
 * congestion_test.c - a broker that does not get rid of what a link delivers: the link is asked to
 * wait. What the broker's loop does is the test's to say.
 */
#include "deliver_rig.h"
#include "plugin/congestion.h"
#include "test/unit/unit.h"

#include <string.h>

enum {
    RECORDS = NX_TEST_BATCH_MAX,
    BATCHES_OF_A_MS = 16,
    TURNS = 3 * NX_CONGESTION_RECORDS / RECORDS,
};

/* The batch that follows the first `turn` ones; is there an answer beside its PUBACK? */
static bool is_answered(struct site *site, uint64_t turn)
{
    fake_forget_messages();
    assert_int_equal(batch_deliver_all(site, EPOCH, turn * RECORDS, (turn + 1) * RECORDS), 0);
    fake.now_ms += turn % BATCHES_OF_A_MS == 0;
    return fake_count(ACK) > 0;
}

static void a_broker_that_sleeps_between_batches_asks_for_nothing(void **state)
{
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        assert_false(is_answered(*state, turn));
        fake.sleeps++;
    }
    assert_true(batch_counter(*state, NULL, "slowed") == 0);
}

static void one_that_never_does_asks_for_half_the_time_that_it_has_been_awake(void **state)
{
    uint64_t turn = 0;

    while (!is_answered(*state, turn)) {
        turn++;
    }
    assert_int_equal((turn + 1) * RECORDS, NX_CONGESTION_RECORDS);
    batch_assert_answer("taken", NX_CONGESTION_RECORDS);
    assert_true(site_number(ACK, "wait_ms") == (double)(turn / BATCHES_OF_A_MS + 1) / 2);
}

static void nobody_waits_longer_than_a_quarter_of_a_second(void **state)
{
    assert_false(is_answered(*state, 0));
    fake.now_ms += 60000;
    for (uint64_t turn = 1; !is_answered(*state, turn); turn++) {
    }
    assert_true(site_number(ACK, "wait_ms") == NX_CONGESTION_WAIT_MS_MAX);
}

static void it_asks_again_only_when_the_wait_is_over_and_it_still_has_not_slept(void **state)
{
    uint64_t turn = 0, answers = 0;
    int64_t until_ms = 0;

    while (turn < TURNS) {
        bool waiting = fake.now_ms < until_ms;
        bool answered = is_answered(*state, turn++);

        assert_false(waiting && answered);
        if (answered) {
            until_ms = fake.now_ms + (int64_t)site_number(ACK, "wait_ms");
            answers++;
        }
    }
    assert_in_range(answers, 2, TURNS / 10);
    fake_forget_messages();
    assert_true(batch_counter(*state, NULL, "slowed") == (double)answers);
    fake.sleeps++;
    fake.now_ms += 1000;
    assert_false(is_answered(*state, turn));
}

static void what_was_had_already_burdens_nobody(void **state)
{
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        assert_false(is_answered(*state, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_broker_that_sleeps_between_batches_asks_for_nothing),
        SITE_TEST(one_that_never_does_asks_for_half_the_time_that_it_has_been_awake),
        SITE_TEST(nobody_waits_longer_than_a_quarter_of_a_second),
        SITE_TEST(it_asks_again_only_when_the_wait_is_over_and_it_still_has_not_slept),
        SITE_TEST(what_was_had_already_burdens_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
