/*
 * inflight_test.c - packet identifiers: each once, all of them, and back.
 */
#include "bridge/inflight.h"
#include "test/unit/unit.h"

static struct nx_inflight *inflight;

static int set_up(void **state)
{
    (void)state;
    inflight = nx_inflight_new(0);
    return inflight != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    nx_inflight_free(inflight);
    return 0;
}

static void all_65535_identifiers_can_be_taken_and_no_more(void **state)
{
    static uint8_t seen[65536];

    (void)state;
    for (uint32_t i = 0; i < 65535; i++) {
        const uint16_t id = nx_inflight_take(inflight, NX_INFLIGHT_PUBLISH, i);
        assert_int_not_equal(id, 0);
        assert_int_equal(seen[id]++, 0);
    }
    assert_int_equal(nx_inflight_take(inflight, NX_INFLIGHT_PUBLISH, 0), 0);
    assert_int_equal(nx_inflight_publishes(inflight), 65535);
}

static void an_answer_gives_the_token_once(void **state)
{
    const uint16_t id = nx_inflight_take(inflight, NX_INFLIGHT_PUBLISH, 42);
    uint64_t token = 0;

    (void)state;
    assert_false(nx_inflight_give(inflight, id, NX_INFLIGHT_SUBSCRIBE, &token));
    assert_true(nx_inflight_give(inflight, id, NX_INFLIGHT_PUBLISH, &token));
    assert_int_equal(token, 42);
    assert_false(nx_inflight_give(inflight, id, NX_INFLIGHT_PUBLISH, &token));
    assert_false(nx_inflight_give(inflight, 0, NX_INFLIGHT_PUBLISH, &token));
}

static void only_publishes_count_against_the_window(void **state)
{
    uint64_t token;
    const uint16_t id = nx_inflight_take(inflight, NX_INFLIGHT_SUBSCRIBE, 1);

    (void)state;
    assert_int_equal(nx_inflight_publishes(inflight), 0);
    (void)nx_inflight_take(inflight, NX_INFLIGHT_PUBLISH, 1);
    assert_int_equal(nx_inflight_publishes(inflight), 1);
    assert_true(nx_inflight_give(inflight, id, NX_INFLIGHT_SUBSCRIBE, &token));
    assert_int_equal(nx_inflight_publishes(inflight), 1);
}

static void answers_may_come_in_any_order_for_ever(void **state)
{
    uint16_t ids[64];
    uint64_t token;

    (void)state;
    for (uint64_t round = 0; round < 4000; round++) {
        for (uint64_t i = 0; i < 64; i++) {
            ids[i] = nx_inflight_take(inflight, NX_INFLIGHT_PUBLISH, round * 64 + i);
        }
        for (uint64_t i = 0; i < 64; i++) {
            const uint64_t k = (i * 37 + round) % 64;
            assert_true(nx_inflight_give(inflight, ids[k], NX_INFLIGHT_PUBLISH, &token));
            assert_int_equal(token, round * 64 + k);
        }
    }
    assert_int_equal(nx_inflight_publishes(inflight), 0);
}

static void reserved_identifiers_are_the_callers_and_go_the_way_of_qos_2(void **state)
{
    struct nx_inflight *mine = nx_inflight_new(1000);
    uint64_t token;

    (void)state;
    assert_int_equal(nx_inflight_take(mine, NX_INFLIGHT_PUBLISH, 1), 1001);
    assert_true(nx_inflight_move(mine, 7, NX_INFLIGHT_FREE, NX_INFLIGHT_SENT, 42));
    assert_false(nx_inflight_move(mine, 7, NX_INFLIGHT_FREE, NX_INFLIGHT_SENT, 43));
    assert_false(nx_inflight_move(mine, 7, NX_INFLIGHT_RECEIVED, NX_INFLIGHT_RELEASED, 43));
    assert_int_equal(nx_inflight_token(mine, 7), 42);
    assert_int_equal(nx_inflight_publishes(mine), 2);
    assert_true(nx_inflight_move(mine, 7, NX_INFLIGHT_SENT, NX_INFLIGHT_RECEIVED, 42));
    assert_true(nx_inflight_move(mine, 7, NX_INFLIGHT_RECEIVED, NX_INFLIGHT_RELEASED, 44));
    assert_int_equal(nx_inflight_publishes(mine), 2);
    assert_true(nx_inflight_give(mine, 7, NX_INFLIGHT_RELEASED, &token));
    assert_int_equal(token, 44);
    assert_int_equal(nx_inflight_kind(mine, 7), NX_INFLIGHT_FREE);

    assert_false(nx_inflight_move(mine, 0, NX_INFLIGHT_FREE, NX_INFLIGHT_SENT, 1));
    assert_false(nx_inflight_move(mine, 1001, NX_INFLIGHT_FREE, NX_INFLIGHT_SENT, 1));
    assert_true(nx_inflight_move(mine, 1000, NX_INFLIGHT_FREE, NX_INFLIGHT_SENT, 1));
    for (uint32_t i = 1002; i <= 65535; i++) {
        assert_false(nx_inflight_exhausted(mine));
        assert_int_equal(nx_inflight_take(mine, NX_INFLIGHT_SUBSCRIBE, i), i);
    }
    assert_true(nx_inflight_exhausted(mine));
    assert_int_equal(nx_inflight_take(mine, NX_INFLIGHT_PUBLISH, 1), 0);
    nx_inflight_free(mine);
}

static void clear_makes_all_free_again(void **state)
{
    uint64_t token;
    const uint16_t id = nx_inflight_take(inflight, NX_INFLIGHT_PUBLISH, 1);

    (void)state;
    nx_inflight_clear(inflight);
    assert_int_equal(nx_inflight_publishes(inflight), 0);
    assert_false(nx_inflight_give(inflight, id, NX_INFLIGHT_PUBLISH, &token));
    for (uint32_t i = 0; i < 65535; i++) {
        assert_int_not_equal(nx_inflight_take(inflight, NX_INFLIGHT_SUBSCRIBE, i), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(all_65535_identifiers_can_be_taken_and_no_more),
        TEST(an_answer_gives_the_token_once),
        TEST(only_publishes_count_against_the_window),
        TEST(answers_may_come_in_any_order_for_ever),
        TEST(reserved_identifiers_are_the_callers_and_go_the_way_of_qos_2),
        TEST(clear_makes_all_free_again),
    };

    return cmocka_run_group_tests_name("inflight", tests, NULL, NULL);
}
