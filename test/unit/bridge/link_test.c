/*
 * link_test.c - the link engine, event by event. Each test is a script: a line does one thing and
 * says the state, the cursor and the counts that must follow.
 */
#include "core/link.h"

#include "test/unit/unit.h"

enum { OBSERVATION = 0, ORIGINAL = 1, BOTH = 3, WINDOW = 3, SAVE_MS = 100, DRAIN_MS = 500 };

static const struct nx_link_config config = {
    .window = WINDOW, .parts = BOTH, .save_ms = SAVE_MS, .drain_ms = DRAIN_MS};

enum op {
    EVENT,   /* arg: enum nx_link_event */
    STORED,  /* arg: sequence number */
    SEND,    /* the next step must be (arg, part), and goes out */
    KILL,    /* the next step must be (arg, part), and cannot go out */
    IDLE,    /* there must be no next step */
    TAKEN,   /* (arg, part) is answered with success */
    REFUSED, /* (arg, part) is answered with a refusal */
    STRAY,   /* an answer for (arg, part) that nobody waits for */
    TIME,    /* now_ms = arg */
};

struct line {
    enum op op;
    uint64_t arg;
    uint8_t part;
    enum nx_link_state state; /* after it */
    uint64_t cursor, dead;
};

static void play(const struct line *lines, size_t count)
{
    struct nx_link_mark mark = {0};
    struct nx_link_step step;
    struct nx_link_counts counts;
    struct nx_link *link;
    uint64_t units[8] = {0}; /* of each record, when it was last sent */
    uint64_t now = 0;

    assert_int_equal(nx_link_new(&config, &mark, now, &link), NX_OK);
    for (size_t i = 0; i < count; i++) {
        const struct line *line = &lines[i];

        switch (line->op) {
        case EVENT:
            nx_link_event(link, (enum nx_link_event)line->arg, now);
            break;
        case STORED:
            nx_link_stored(link, line->arg);
            break;
        case SEND:
        case KILL:
            assert_true(nx_link_next(link, now, &step));
            assert_int_equal(step.seq, line->arg);
            assert_int_equal(step.part, line->part);
            units[step.seq] = step.unit;
            (line->op == SEND ? nx_link_sent : nx_link_dead)(link, now);
            break;
        case IDLE:
            assert_false(nx_link_next(link, now, &step));
            break;
        case TAKEN:
        case REFUSED:
            assert_true(
                nx_link_answered(link, units[line->arg], line->part, line->op == REFUSED, now));
            break;
        case STRAY:
            assert_false(nx_link_answered(link, units[line->arg], line->part, false, now));
            break;
        case TIME:
            now = line->arg;
            break;
        }
        nx_link_counts(link, &counts);
        if (nx_link_state(link) != line->state || counts.sent + counts.dead != line->cursor ||
            counts.dead != line->dead) {
            fail_msg("line %zu: state %s, cursor %llu, dead %llu", i,
                     nx_link_state_name(nx_link_state(link)),
                     (unsigned long long)(counts.sent + counts.dead),
                     (unsigned long long)counts.dead);
        }
        assert_int_equal(counts.stored, counts.sent + counts.dead + counts.waiting);
    }
    nx_link_free(link);
}

#define PLAY(lines) play((lines), sizeof(lines) / sizeof((lines)[0]))

static void sends_each_part_in_order_and_settles_what_is_answered(void **state)
{
    static const struct line lines[] = {
        {STORED, 2, 0, NX_LINK_DOWN, 0, 0},
        {IDLE, 0, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {SEND, 2, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 2, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {IDLE, 0, 0, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, ORIGINAL, NX_LINK_SENDING, 1, 0},
        {STRAY, 1, ORIGINAL, NX_LINK_SENDING, 1, 0},
        {TAKEN, 2, OBSERVATION, NX_LINK_SENDING, 1, 0},
        {TAKEN, 2, ORIGINAL, NX_LINK_SENDING, 2, 0},
    };
    (void)state;
    PLAY(lines);
}

static void cursor_passes_a_gap_only_when_it_is_closed(void **state)
{
    static const struct line lines[] = {
        {STORED, 5, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {SEND, 2, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 2, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {SEND, 3, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 3, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {IDLE, 0, 0, NX_LINK_SENDING, 0, 0}, /* the window is full */
        {TAKEN, 3, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {TAKEN, 3, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {TAKEN, 2, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {TAKEN, 2, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {IDLE, 0, 0, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, OBSERVATION, NX_LINK_SENDING, 3, 0},
        {SEND, 4, OBSERVATION, NX_LINK_SENDING, 3, 0},
    };
    (void)state;
    PLAY(lines);
}

static void a_refused_or_unsendable_part_makes_a_dead_record_and_never_blocks(void **state)
{
    static const struct line lines[] = {
        {STORED, 3, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {KILL, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {KILL, 2, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {KILL, 2, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {STRAY, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, ORIGINAL, NX_LINK_SENDING, 2, 2},
        {SEND, 3, OBSERVATION, NX_LINK_SENDING, 2, 2},
        {SEND, 3, ORIGINAL, NX_LINK_SENDING, 2, 2},
        {REFUSED, 3, OBSERVATION, NX_LINK_SENDING, 2, 2},
        {REFUSED, 3, ORIGINAL, NX_LINK_SENDING, 3, 3},
    };
    (void)state;
    PLAY(lines);
}

static void after_a_loss_it_sends_again_from_the_cursor(void **state)
{
    static const struct line lines[] = {
        {STORED, 2, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {SEND, 2, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, ORIGINAL, NX_LINK_SENDING, 1, 0},
        {EVENT, NX_LINK_EV_LOST, 0, NX_LINK_DOWN, 1, 0},
        {STRAY, 2, OBSERVATION, NX_LINK_DOWN, 1, 0},
        {IDLE, 0, 0, NX_LINK_DOWN, 1, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 1, 0},
        {STRAY, 2, OBSERVATION, NX_LINK_SENDING, 1, 0},
        {SEND, 2, OBSERVATION, NX_LINK_SENDING, 1, 0},
        {SEND, 2, ORIGINAL, NX_LINK_SENDING, 1, 0},
        {TAKEN, 2, OBSERVATION, NX_LINK_SENDING, 1, 0},
        {TAKEN, 2, ORIGINAL, NX_LINK_SENDING, 2, 0},
    };
    (void)state;
    PLAY(lines);
}

static void without_room_it_goes_on_at_the_very_part(void **state)
{
    static const struct line lines[] = {
        {STORED, 1, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_ROOM, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {EVENT, NX_LINK_EV_FULL, 0, NX_LINK_BLOCKED, 0, 0},
        {IDLE, 0, 0, NX_LINK_BLOCKED, 0, 0},
        {TAKEN, 1, OBSERVATION, NX_LINK_BLOCKED, 0, 0},
        {EVENT, NX_LINK_EV_ROOM, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {TAKEN, 1, ORIGINAL, NX_LINK_SENDING, 1, 0},
    };
    (void)state;
    PLAY(lines);
}

static void stopping_waits_for_what_is_in_flight_and_no_longer_than_told(void **state)
{
    static const struct line answered[] = {
        {STORED, 3, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {SEND, 2, OBSERVATION, NX_LINK_SENDING, 0, 0}, /* half: goes again another time */
        {EVENT, NX_LINK_EV_STOP, 0, NX_LINK_DRAINING, 0, 0},
        {IDLE, 0, 0, NX_LINK_DRAINING, 0, 0},
        {TAKEN, 1, OBSERVATION, NX_LINK_DRAINING, 0, 0},
        {TAKEN, 1, ORIGINAL, NX_LINK_STOPPED, 1, 0},
    };
    static const struct line late[] = {
        {STORED, 3, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {EVENT, NX_LINK_EV_STOP, 0, NX_LINK_DRAINING, 0, 0},
        {TIME, DRAIN_MS - 1, 0, NX_LINK_DRAINING, 0, 0},
        {IDLE, 0, 0, NX_LINK_DRAINING, 0, 0},
        {TIME, DRAIN_MS, 0, NX_LINK_DRAINING, 0, 0},
        {IDLE, 0, 0, NX_LINK_STOPPED, 0, 0},
    };
    static const struct line lost[] = {
        {STORED, 3, 0, NX_LINK_DOWN, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_SENDING, 0, 0},
        {SEND, 1, OBSERVATION, NX_LINK_SENDING, 0, 0},
        {SEND, 1, ORIGINAL, NX_LINK_SENDING, 0, 0},
        {EVENT, NX_LINK_EV_STOP, 0, NX_LINK_DRAINING, 0, 0},
        {EVENT, NX_LINK_EV_LOST, 0, NX_LINK_STOPPED, 0, 0},
        {EVENT, NX_LINK_EV_UP, 0, NX_LINK_STOPPED, 0, 0},
    };
    (void)state;
    PLAY(answered);
    PLAY(late);
    PLAY(lost);
}

static void the_mark_is_due_after_its_time_or_when_it_can_ride(void **state)
{
    const struct nx_link_mark start = {.cursor = 7, .sent = 5, .dead = 2};
    struct nx_link_mark mark;
    struct nx_link_step step;
    struct nx_link *link;

    (void)state;
    assert_int_equal(nx_link_new(&config, &start, 0, &link), NX_OK);
    nx_link_stored(link, 8);
    nx_link_event(link, NX_LINK_EV_UP, 0);
    assert_false(nx_link_save(link, true, 0, &mark)); /* nothing new */
    assert_true(nx_link_next(link, 0, &step));
    nx_link_dead(link, 10);
    assert_true(nx_link_next(link, 0, &step));
    nx_link_sent(link, 10);
    assert_true(nx_link_answered(link, step.unit, step.part, false, 20));
    assert_int_equal(nx_link_due_ms(link, 30), SAVE_MS - 10);
    assert_false(nx_link_save(link, false, 20 + SAVE_MS - 1, &mark));
    assert_true(nx_link_save(link, true, 20, &mark));
    assert_true(nx_link_save(link, false, 20 + SAVE_MS, &mark));
    assert_int_equal(mark.cursor, 8);
    assert_int_equal(mark.sent, 5);
    assert_int_equal(mark.dead, 3);
    nx_link_saved(link, &mark);
    assert_false(nx_link_save(link, true, 1000, &mark));
    assert_true(nx_link_due_ms(link, 1000) == UINT64_MAX);
    nx_link_free(link);
}

static void refuses_a_configuration_that_breaks_its_invariants(void **state)
{
    const struct nx_link_mark good = {0};
    const struct nx_link_mark unbalanced = {.cursor = 3, .sent = 1, .dead = 1};
    struct nx_link_config bad = config;
    struct nx_link *link;

    (void)state;
    assert_int_equal(nx_link_new(&config, &unbalanced, 0, &link), NX_ERR_INVALID);
    bad.window = 0;
    assert_int_equal(nx_link_new(&bad, &good, 0, &link), NX_ERR_INVALID);
    bad = config;
    bad.parts = 0;
    assert_int_equal(nx_link_new(&bad, &good, 0, &link), NX_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_each_part_in_order_and_settles_what_is_answered),
        cmocka_unit_test(cursor_passes_a_gap_only_when_it_is_closed),
        cmocka_unit_test(a_refused_or_unsendable_part_makes_a_dead_record_and_never_blocks),
        cmocka_unit_test(after_a_loss_it_sends_again_from_the_cursor),
        cmocka_unit_test(without_room_it_goes_on_at_the_very_part),
        cmocka_unit_test(stopping_waits_for_what_is_in_flight_and_no_longer_than_told),
        cmocka_unit_test(the_mark_is_due_after_its_time_or_when_it_can_ride),
        cmocka_unit_test(refuses_a_configuration_that_breaks_its_invariants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
