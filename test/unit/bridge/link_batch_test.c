/*
 * link_batch_test.c - batches, behaviour by behaviour: asking, repairing, refusals, rate, giving up.
 */
#include "core/link.h"

#include "test/unit/unit.h"

enum { BATCH = 40 };

static const struct nx_link_config config = {.window = 6,
                                             .parts = 1,
                                             .batch_max = BATCH,
                                             .save_ms = 40,
                                             .drain_ms = 200,
                                             .ask_ms_min = 50,
                                             .ask_ms_max = 400};

static struct nx_link *begin(const struct nx_link_config *with, uint64_t stored)
{
    const struct nx_link_mark none = {0};
    struct nx_link *link;

    assert_int_equal(nx_link_new(with, &none, 0, &link), NX_OK);
    nx_link_stored(link, stored);
    nx_link_event(link, NX_LINK_EV_UP, 0);
    return link;
}

static void send_next(struct nx_link *link, struct nx_link_step *step, uint64_t now_ms)
{
    assert_true(nx_link_next(link, now_ms, step));
    nx_link_batch_sent(link, &(struct nx_link_batch){.until = step->last}, now_ms);
}

static void nothing_goes_before_the_receiver_has_answered(void **state)
{
    struct nx_link *link = begin(&config, 10);
    struct nx_link_step step;

    (void)state;
    assert_false(nx_link_next(link, 0, &step));
    assert_true(nx_link_ask(link, 0));
    nx_link_asked(link, 0);
    assert_false(nx_link_ask(link, config.ask_ms_min - 1));
    assert_true(nx_link_ask(link, config.ask_ms_min)); /* unanswered: again, then after longer */
    nx_link_asked(link, config.ask_ms_min);
    assert_int_equal(nx_link_due_ms(link, config.ask_ms_min), 2 * config.ask_ms_min);
    assert_int_equal(nx_link_told(link, false, 0, 60), NX_LINK_TOLD_ON);
    send_next(link, &step, 60);
    assert_int_equal(step.last, 10);
    nx_link_free(link);
}

static void a_receiver_that_is_ahead_of_the_cache_stops_the_link(void **state)
{
    struct nx_link *link = begin(&config, 10);
    struct nx_link_step step;

    (void)state;
    nx_link_asked(link, 0);
    assert_int_equal(nx_link_told(link, true, 11, 0), NX_LINK_TOLD_BEYOND);
    assert_false(nx_link_next(link, 0, &step));
    assert_false(nx_link_ask(link, config.ask_ms_max - 1));
    nx_link_free(link);
}

static void a_repair_skips_what_the_cache_has_no_more_and_says_so(void **state)
{
    const struct nx_link_mark start = {.cursor = 50, .sent = 50};
    struct nx_link_step step;
    struct nx_link *link;

    (void)state;
    assert_int_equal(nx_link_new(&config, &start, 0, &link), NX_OK);
    nx_link_event(link, NX_LINK_EV_UP, 0);
    nx_link_asked(link, 0);
    assert_int_equal(nx_link_told(link, true, 10, 0), NX_LINK_TOLD_REPAIR);
    nx_link_repair_from(link, 31);
    send_next(link, &step, 0);
    assert_int_equal(step.seq, 31);
    assert_int_equal(step.last, 50); /* no further than what is counted */
    assert_true(step.jump);
    assert_true(nx_link_answered(link, step.unit, 0, false, 0));
    assert_int_equal(nx_link_cursor(link), 50);
    nx_link_free(link);
}

static void what_the_receiver_has_is_counted_and_not_sent(void **state)
{
    struct nx_link *link = begin(&config, 10);
    struct nx_link_step step;

    (void)state;
    nx_link_asked(link, 0);
    assert_int_equal(nx_link_told(link, true, 4, 0), NX_LINK_TOLD_ON);
    send_next(link, &step, 0);
    assert_true(step.had);
    assert_int_equal(step.last, 4);
    assert_int_equal(nx_link_cursor(link), 4);
    send_next(link, &step, 0);
    assert_false(step.had);
    assert_int_equal(step.seq, 5);
    assert_int_equal(nx_link_cursor(link), 4);
    nx_link_free(link);
}

static void refusals_make_batches_smaller_and_pauses_longer(void **state)
{
    struct nx_link *link = begin(&config, 1000);
    struct nx_link_counts counts;
    struct nx_link_step step;
    uint64_t now_ms = 0;

    (void)state;
    for (uint32_t rows = BATCH, round = 1; rows > 1; round++) {
        while (!nx_link_ask(link, now_ms)) {
            now_ms++;
        }
        nx_link_asked(link, now_ms);
        assert_int_equal(nx_link_told(link, true, 0, now_ms), NX_LINK_TOLD_ON);
        send_next(link, &step, now_ms);
        assert_int_equal(step.last, rows);
        assert_true(nx_link_answered(link, step.unit, 0, true, now_ms));
        rows = round == 1 ? rows : rows / 2;
        nx_link_counts(link, &counts);
        assert_int_equal(counts.unit_rows, rows);
    }
    assert_true(now_ms > config.ask_ms_min && !nx_link_ask(link, now_ms));
    nx_link_free(link);
}

static void take_all(struct nx_link *link, uint64_t mark, uint64_t now_ms)
{
    nx_link_asked(link, now_ms);
    (void)nx_link_told(link, true, mark, now_ms);
}

static void in_a_pause_neither_batch_nor_question_goes(void **state)
{
    struct nx_link *link = begin(&config, 1000);
    struct nx_link_step step;

    (void)state;
    take_all(link, 0, 0);
    nx_link_pause(link, 300, 10); /* its answer came before the PUBACK of the batch */
    assert_false(nx_link_next(link, 309, &step));
    assert_int_equal(nx_link_due_ms(link, 10), 300);
    send_next(link, &step, 310);
    assert_true(nx_link_answered(link, step.unit, 0, true, 310));
    nx_link_pause(link, 300, 310); /* and after it */
    assert_false(nx_link_ask(link, 609));
    assert_int_equal(nx_link_due_ms(link, 310), 300);
    assert_true(nx_link_ask(link, 610));
    nx_link_pause(link, UINT64_MAX / 2, 610); /* nobody is sent away for ever */
    assert_true(nx_link_ask(link, 610 + config.ask_ms_max));
    nx_link_free(link);
}

static void after_a_pause_alone_the_window_is_open(void **state)
{
    struct nx_link *link = begin(&config, 5000);
    struct nx_link_counts counts;
    struct nx_link_step step;

    (void)state;
    take_all(link, 0, 0);
    nx_link_pause(link, 300, 0);
    while (nx_link_next(link, 300, &step)) {
        nx_link_batch_sent(link, &(struct nx_link_batch){.until = step.last}, 300);
    }
    nx_link_counts(link, &counts);
    assert_int_equal(counts.units, config.window);
    nx_link_free(link);
}

static void a_narrowed_link_sends_one_batch_at_a_time_and_more_with_each_that_is_taken(void **state)
{
    struct nx_link *link = begin(&config, 5000);
    struct nx_link_step step;

    (void)state;
    take_all(link, 0, 0);
    nx_link_narrow(link);
    nx_link_pause(link, 300, 0);
    for (uint32_t units = 1; units <= config.window; units++) {
        struct nx_link_counts counts;

        while (nx_link_next(link, 300, &step)) {
            nx_link_batch_sent(link, &(struct nx_link_batch){.until = step.last}, 300);
        }
        nx_link_counts(link, &counts);
        assert_int_equal(counts.units, units);
        assert_true(nx_link_answered(link, step.unit - units + 1, 0, false, 300));
    }
    nx_link_free(link);
}

static void a_rate_holds_to_its_numbers_a_second(void **state)
{
    struct nx_link_config slow = config;
    struct nx_link_step step;
    struct nx_link *link;
    uint64_t sent = 0;

    (void)state;
    slow.rate = 100;
    link = begin(&slow, 5000);
    nx_link_asked(link, 0);
    (void)nx_link_told(link, true, 0, 0);
    for (uint64_t now_ms = 0; now_ms <= 10000; now_ms += 5) {
        while (nx_link_next(link, now_ms, &step)) {
            nx_link_batch_sent(link, &(struct nx_link_batch){.until = step.last}, now_ms);
            assert_true(nx_link_answered(link, step.unit, 0, false, now_ms));
            sent = step.last;
        }
        assert_true(nx_link_due_ms(link, now_ms) <= 1000);
    }
    assert_in_range(sent, 980, 1020);
    nx_link_free(link);
}

static void what_is_given_up_is_dead_and_dropped_and_leaves_a_jump(void **state)
{
    struct nx_link *link = begin(&config, 100);
    struct nx_link_counts counts;
    struct nx_link_mark mark;
    struct nx_link_step step;

    (void)state;
    nx_link_give_up(link, 60, 0);
    assert_int_equal(nx_link_cursor(link), 0); /* the receiver may have had it */
    nx_link_asked(link, 0);
    assert_int_equal(nx_link_told(link, true, 0, 0), NX_LINK_TOLD_ON);
    nx_link_give_up(link, 60, 0);
    nx_link_counts(link, &counts);
    assert_int_equal(counts.dropped, 60);
    assert_int_equal(counts.dead, 60);
    assert_int_equal(counts.waiting, 40);
    assert_false(nx_link_next(link, 0, &step)); /* before it is durable, nothing jumps over it */
    assert_true(nx_link_save(link, false, 0, &mark));
    nx_link_saved(link, &mark);
    send_next(link, &step, 0);
    assert_int_equal(step.seq, 61);
    assert_true(step.jump);
    nx_link_free(link);
}

static void
no_batch_reaches_across_a_border_and_none_goes_behind_it_before_it_is_reached(void **state)
{
    const uint64_t borders[] = {25, 60};
    struct nx_link *link = begin(&config, 100);
    struct nx_link_step first;
    struct nx_link_step step;

    (void)state;
    nx_link_asked(link, 0);
    assert_int_equal(nx_link_told(link, true, 0, 0), NX_LINK_TOLD_ON);
    nx_link_set_borders(link, borders, 2);
    send_next(link, &first, 0);
    assert_int_equal(first.last, 25);
    assert_false(nx_link_next(link, 0, &step));
    assert_true(nx_link_answered(link, first.unit, 0, false, 0));
    send_next(link, &first, 0);
    assert_int_equal(first.seq, 26);
    assert_int_equal(first.last, 60);
    assert_false(nx_link_next(link, 0, &step));
    assert_true(nx_link_answered(link, first.unit, 0, true, 0)); /* refused: all of it again */
    take_all(link, 25, 0);
    send_next(link, &step, 0);
    assert_int_equal(step.seq, 26);
    assert_int_equal(step.last, 60);
    assert_true(nx_link_answered(link, step.unit, 0, false, 0));
    send_next(link, &step, 0);
    assert_int_equal(step.seq, 61);
    assert_int_equal(step.last, 100);
    nx_link_free(link);
}

static void what_was_given_up_across_a_border_waits_for_what_is_before_it(void **state)
{
    const uint64_t border = 50;
    struct nx_link *link = begin(&config, 40);
    struct nx_link_mark mark;
    struct nx_link_step first;
    struct nx_link_step step;

    (void)state;
    take_all(link, 0, 0);
    nx_link_set_borders(link, &border, 1);
    send_next(link, &first, 0);
    nx_link_stored(link, 100);
    nx_link_give_up(link, 60, 0);
    assert_false(nx_link_next(link, 0, &step));
    assert_true(nx_link_answered(link, first.unit, 0, false, 0));
    assert_true(nx_link_save(link, true, 0, &mark));
    nx_link_saved(link, &mark);
    send_next(link, &step, 0);
    assert_int_equal(step.seq, 61);
    nx_link_free(link);
}

static void an_answer_that_settles_nothing_lets_the_next_question_go_at_once(void **state)
{
    struct nx_link *link = begin(&config, 10);

    (void)state;
    assert_false(nx_link_ask_further(link, 0)); /* nobody has asked */
    nx_link_asked(link, 0);
    assert_true(nx_link_ask_further(link, 1));
    assert_true(nx_link_ask(link, 1));
    nx_link_asked(link, 1);
    assert_int_equal(nx_link_unanswered_questions(link), 1); /* the one before had its answer */
    assert_int_equal(nx_link_told(link, true, 10, 1), NX_LINK_TOLD_ON);
    assert_false(nx_link_ask_further(link, 1));
    nx_link_free(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_before_the_receiver_has_answered),
        cmocka_unit_test(a_receiver_that_is_ahead_of_the_cache_stops_the_link),
        cmocka_unit_test(a_repair_skips_what_the_cache_has_no_more_and_says_so),
        cmocka_unit_test(what_the_receiver_has_is_counted_and_not_sent),
        cmocka_unit_test(refusals_make_batches_smaller_and_pauses_longer),
        cmocka_unit_test(after_a_pause_alone_the_window_is_open),
        cmocka_unit_test(in_a_pause_neither_batch_nor_question_goes),
        cmocka_unit_test(
            a_narrowed_link_sends_one_batch_at_a_time_and_more_with_each_that_is_taken),
        cmocka_unit_test(a_rate_holds_to_its_numbers_a_second),
        cmocka_unit_test(what_is_given_up_is_dead_and_dropped_and_leaves_a_jump),
        cmocka_unit_test(
            no_batch_reaches_across_a_border_and_none_goes_behind_it_before_it_is_reached),
        cmocka_unit_test(what_was_given_up_across_a_border_waits_for_what_is_before_it),
        cmocka_unit_test(an_answer_that_settles_nothing_lets_the_next_question_go_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
