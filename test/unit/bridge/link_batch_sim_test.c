/*
 * link_batch_sim_test.c - batches in a small world with a virtual clock: a link engine, a receiver that
 * keeps a mark as the plugin does, and a wire between them that is cut, delays and breaks off. Every
 * run follows from its seed alone.
 *
 * The oracle stands at the receiver: each number that can be delivered comes out once, in ascending
 * order, however often bridge or connection die. When the receiver itself forgets (its mark falls
 * back), numbers may come out again, and still none may be missing.
 */
#include "core/link.h"

#include "test/unit/bridge/dice.h"
#include "test/unit/unit.h"

#include <string.h>

enum { SEEDS = 400, TICKS = 2500, RECORDS_MAX = 6000, WIRE_MAX = 32, BATCH = 40 };
enum { BURST = 30, MS_PER_RECORD = 4, PAUSE_MS = 60 }; /* of a receiver that limits the rate */

static const struct nx_link_config config = {.window = 6,
                                             .parts = 1,
                                             .batch_max = BATCH,
                                             .save_ms = 40,
                                             .drain_ms = 200,
                                             .ask_ms_min = 50,
                                             .ask_ms_max = 400};

struct wire {
    struct nx_link_step step;
    uint64_t until;
    bool question;
};

struct answer {
    uint64_t unit, mark;
    uint64_t died; /* a record that was refused; 0: none */
    uint64_t wait_ms;
    bool question, refused;
};

struct kind {
    bool forgetful, dropping, limited;
};

struct world {
    struct kind kind;
    uint64_t random, now_ms;
    struct nx_link *link;
    struct nx_link_mark durable; /* what a restart finds */
    uint64_t stored;
    bool up, scarce;
    uint64_t credit, credit_ms; /* records that the receiver takes now; since when */
    uint64_t pause_until_ms;    /* as the owner was told */
    struct wire wire[WIRE_MAX];
    size_t wire_count;
    struct answer answers[WIRE_MAX];
    size_t answers_count;
    uint64_t mark; /* the receiver's */
    uint64_t delivered[RECORDS_MAX + 1];
    bool letter[RECORDS_MAX + 1]; /* a dead letter that the owner has durably */
    uint64_t crashes, losses, refusals, repairs, falls, pauses;
};

static uint64_t roll(struct world *world, uint64_t sides)
{
    return dice_roll(&world->random, sides);
}

static bool is_filtered(uint64_t seq)
{
    return seq % 29 == 0;
}

static bool is_unsendable(uint64_t seq)
{
    return seq % 17 == 0;
}

static bool is_refused(uint64_t seq)
{
    return seq % 13 == 0;
}

static bool is_dead(uint64_t seq)
{
    return !is_filtered(seq) && (is_unsendable(seq) || is_refused(seq));
}

/* --- the owner ------------------------------------------------------------------------------- */

static void build(const struct world *world, const struct nx_link_step *step,
                  struct nx_link_batch *batch, uint64_t until)
{
    *batch = (struct nx_link_batch){.until = until};
    for (uint64_t seq = step->seq; seq <= until; seq++) {
        uint64_t at = seq - step->seq;

        if (is_filtered(seq)) {
            batch->filtered++;
        } else if (is_unsendable(seq) || world->letter[seq]) {
            batch->dead[at / 64] |= UINT64_C(1) << at % 64;
        }
    }
}

static void pump(struct world *world)
{
    struct nx_link_step step;

    if (world->wire_count == WIRE_MAX) {
        return;
    }
    if (nx_link_ask(world->link, world->now_ms)) {
        assert_true(world->now_ms >= world->pause_until_ms);
        world->wire[world->wire_count++] = (struct wire){.question = true};
        nx_link_asked(world->link, world->now_ms);
    }
    while (nx_link_next(world->link, world->now_ms, &step)) {
        struct nx_link_batch batch;
        uint64_t until = step.seq + roll(world, step.last - step.seq + 1);

        assert_true(step.last - step.seq < BATCH);
        if (!step.had && world->wire_count + world->answers_count >= WIRE_MAX - 1) {
            nx_link_event(world->link, NX_LINK_EV_FULL, world->now_ms);
            return;
        }
        build(world, &step, &batch, until);
        if (!step.had) {
            assert_true(world->now_ms >= world->pause_until_ms);
            world->wire[world->wire_count++] = (struct wire){.step = step, .until = until};
        }
        nx_link_batch_sent(world->link, &batch, world->now_ms);
    }
}

/* --- the receiver ---------------------------------------------------------------------------- */

static void deliver(struct world *world, uint64_t seq)
{
    assert_true(seq > world->mark);
    if (!is_filtered(seq) && !is_unsendable(seq) && !is_refused(seq)) {
        assert_true(world->falls > 0 || world->delivered[seq] == 0);
        world->delivered[seq]++;
    }
}

/* Does the rate allow one more? */
static bool may(struct world *world)
{
    uint64_t saved = (world->now_ms - world->credit_ms) / MS_PER_RECORD;

    world->credit_ms += saved * MS_PER_RECORD;
    world->credit = world->credit + saved < BURST ? world->credit + saved : BURST;
    if (!world->kind.limited || world->credit == 0) {
        return !world->kind.limited;
    }
    world->credit--;
    return true;
}

/* The rules of the plugin: drops what it has had, refuses a gap whole, may break off. */
static void receiver_takes_one(struct world *world)
{
    struct wire *first = &world->wire[0];
    struct answer answer = {.unit = first->step.unit, .question = first->question};
    uint64_t stop;

    if (world->wire_count == 0 || world->answers_count == WIRE_MAX) {
        return;
    }
    stop = roll(world, 25) == 0 ? first->step.seq + roll(world, BATCH) : UINT64_MAX;
    if (!first->question && first->step.seq - 1 > world->mark && !first->step.jump) {
        answer.refused = true;
    }
    if (!first->question && !answer.refused && first->step.seq - 1 > world->mark) {
        world->mark = first->step.seq - 1; /* a jump */
    }
    for (uint64_t seq = world->mark + 1; !first->question && !answer.refused && seq <= first->until;
         seq++) {
        if (seq > stop || !may(world)) {
            answer.refused = true;
            answer.wait_ms = seq > stop ? 0 : PAUSE_MS;
            break;
        }
        deliver(world, seq);
        answer.died = answer.died == 0 && is_dead(seq) && !is_unsendable(seq) ? seq : answer.died;
        world->mark = seq;
        if (answer.died == seq) { /* one in an answer keeps this test small: the rest is later */
            answer.refused = seq < first->until;
            break;
        }
    }
    world->refusals += answer.refused ? 1 : 0;
    answer.mark = world->mark;
    world->answers[world->answers_count++] = answer;
    memmove(world->wire, world->wire + 1, --world->wire_count * sizeof(*world->wire));
}

/* --- answers --------------------------------------------------------------------------------- */

static void bury(struct world *world, uint64_t seq)
{
    if (nx_link_died(world->link, seq) == NX_LINK_DEATH_LATE && !world->letter[seq]) {
        nx_link_died_late(world->link, 1, world->now_ms);
    }
    world->letter[seq] = true; /* here: durable at once */
}

static void pause(struct world *world, uint64_t wait_ms)
{
    if (wait_ms > 0) {
        if (roll(world, 2) == 0) {
            nx_link_narrow(world->link);
        }
        nx_link_pause(world->link, wait_ms, world->now_ms);
        world->pause_until_ms = world->now_ms + wait_ms;
        world->pauses++;
    }
}

static void one_answer_comes(struct world *world)
{
    struct answer answer = world->answers[0];

    if (world->answers_count == 0) {
        return;
    }
    memmove(world->answers, world->answers + 1, --world->answers_count * sizeof(answer));
    if (answer.question) {
        world->repairs +=
            nx_link_told(world->link, true, answer.mark, world->now_ms) == NX_LINK_TOLD_REPAIR;
    } else {
        bool before = roll(world, 2) == 0;

        if (answer.died > 0 && before) {
            bury(world, answer.died);
        }
        pause(world, before ? answer.wait_ms : 0);
        (void)nx_link_answered(world->link, answer.unit, 0, answer.refused, world->now_ms);
        if (answer.died > 0 && !before) {
            bury(world, answer.died);
        }
        pause(world, before ? 0 : answer.wait_ms);
    }
    nx_link_event(world->link, NX_LINK_EV_ROOM, world->now_ms);
}

/* --- trouble --------------------------------------------------------------------------------- */

/* Answers on the ack topic survive in the session; acknowledgements do not. */
static void cut(struct world *world)
{
    for (size_t i = 0; i < world->answers_count; i++) {
        if (world->answers[i].died > 0) {
            bury(world, world->answers[i].died);
        }
    }
    while (world->wire_count > 0 && roll(world, 2) == 0) { /* some of it arrives still */
        size_t before = world->answers_count;

        receiver_takes_one(world);
        if (world->answers_count > before && world->answers[before].died > 0) {
            bury(world, world->answers[before].died);
        }
        if (world->answers_count == before) {
            break;
        }
    }
    world->wire_count = world->answers_count = 0;
}

static void connection(struct world *world, bool up)
{
    if (up != world->up) {
        world->up = up;
        world->losses += up ? 0 : 1;
        if (!up) {
            cut(world);
        }
        nx_link_event(world->link, up ? NX_LINK_EV_UP : NX_LINK_EV_LOST, world->now_ms);
    }
}

static void save(struct world *world, bool riding)
{
    struct nx_link_mark mark;

    if (nx_link_save(world->link, riding, world->now_ms, &mark)) {
        world->durable = mark;
        nx_link_saved(world->link, &mark);
    }
}

static void crash(struct world *world)
{
    cut(world);
    save(world, true); /* letters are durable at once here, so what they count is too */
    nx_link_free(world->link);
    world->crashes++;
    world->up = false;
    world->pause_until_ms = 0;
    assert_int_equal(nx_link_new(&config, &world->durable, world->now_ms, &world->link), NX_OK);
    nx_link_stored(world->link, world->stored);
}

static void rare(struct world *world)
{
    switch (roll(world, 12)) {
    case 0:
        crash(world);
        break;
    case 1:
        if (world->kind.forgetful && world->mark > 0) {
            connection(world, false);
            world->mark -= roll(world, world->mark < 50 ? world->mark : 50);
            world->falls++;
        }
        break;
    case 2:
        if (world->kind.dropping && world->stored > 20) {
            nx_link_give_up(world->link, world->stored - roll(world, 20), world->now_ms);
        }
        break;
    default:
        connection(world, roll(world, 5) != 0);
    }
}

static void tick(struct world *world)
{
    world->now_ms += roll(world, 20);
    switch (roll(world, 10)) {
    case 0:
    case 1:
        world->stored += roll(world, world->scarce ? 2 : 30);
        world->stored = world->stored < RECORDS_MAX ? world->stored : RECORDS_MAX;
        nx_link_stored(world->link, world->stored);
        break;
    case 2:
    case 3:
        pump(world);
        break;
    case 4:
    case 5:
        receiver_takes_one(world);
        break;
    case 6:
    case 7:
        one_answer_comes(world);
        break;
    case 8:
        save(world, roll(world, 4) == 0);
        break;
    default:
        rare(world);
    }
}

static void settle(struct world *world)
{
    struct nx_link_counts counts;

    connection(world, true);
    do {
        world->now_ms += 10;
        pump(world);
        receiver_takes_one(world);
        one_answer_comes(world);
        save(world, false);
        nx_link_counts(world->link, &counts);
    } while (counts.waiting > 0 || world->wire_count > 0 || world->answers_count > 0);
}

static void judge(const struct world *world)
{
    uint64_t filtered = 0;
    uint64_t dead = 0;
    struct nx_link_counts counts;

    for (uint64_t seq = 1; seq <= world->stored; seq++) {
        bool doomed = is_dead(seq);

        filtered += is_filtered(seq);
        dead += doomed;
        if (!is_filtered(seq) && !doomed) {
            assert_true(world->delivered[seq] >= 1);
            assert_true(world->falls > 0 || world->delivered[seq] == 1);
        }
    }
    nx_link_counts(world->link, &counts);
    assert_int_equal(counts.filtered, filtered);
    assert_int_equal(counts.dead, dead);
    assert_int_equal(counts.sent, world->stored - filtered - dead);
}

/* What was given up was not delivered, and only what was delivered counts as sent. */
static void judge_dropping(const struct world *world)
{
    uint64_t delivered = 0;
    struct nx_link_counts counts;

    for (uint64_t seq = 1; seq <= world->stored; seq++) {
        assert_true(world->delivered[seq] <= 1);
        delivered += world->delivered[seq];
    }
    nx_link_counts(world->link, &counts);
    assert_int_equal(counts.sent, delivered);
    assert_int_equal(counts.sent + counts.filtered + counts.dead, world->stored);
    assert_true(counts.dropped <= counts.dead);
}

static struct world world; /* too large for a stack */

struct tally {
    uint64_t crashes, refusals, repairs, dropped, pauses;
};

static void count(struct tally *tally)
{
    struct nx_link_counts counts;

    nx_link_counts(world.link, &counts);
    tally->dropped += counts.dropped;
    tally->crashes += world.crashes;
    tally->refusals += world.refusals;
    tally->repairs += world.repairs;
    tally->pauses += world.pauses;
}

static void play(struct kind kind)
{
    struct tally tally = {0};

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct nx_link_counts counts;

        world = (struct world){.kind = kind, .random = dice_of(seed)};
        world.scarce = seed % 3 == 0;
        assert_int_equal(nx_link_new(&config, &world.durable, 0, &world.link), NX_OK);
        for (int i = 0; i < TICKS; i++) {
            tick(&world);
            nx_link_counts(world.link, &counts);
            assert_int_equal(counts.stored,
                             counts.sent + counts.filtered + counts.dead + counts.waiting);
            assert_true(counts.units <= config.window);
        }
        settle(&world);
        (kind.dropping ? judge_dropping : judge)(&world);
        count(&tally);
        nx_link_free(world.link);
    }
    assert_true(tally.crashes > SEEDS &&
                tally.refusals > SEEDS); /* as rough as it is meant to be */
    assert_true((tally.repairs > 0) == kind.forgetful);
    assert_true((tally.dropped > SEEDS) == kind.dropping);
    assert_true((tally.pauses > SEEDS) == kind.limited);
}

static void each_number_is_delivered_once_through_cuts_crashes_and_refusals(void **state)
{
    (void)state;
    play((struct kind){0});
}

static void what_is_given_up_is_never_counted_as_sent(void **state)
{
    (void)state;
    play((struct kind){.dropping = true});
}

static void a_receiver_that_forgets_gets_again_what_it_lacks(void **state)
{
    (void)state;
    play((struct kind){.forgetful = true});
}

static void a_receiver_that_limits_the_rate_gets_all_of_it_and_nothing_in_a_pause(void **state)
{
    (void)state;
    play((struct kind){.limited = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_delivered_once_through_cuts_crashes_and_refusals),
        cmocka_unit_test(what_is_given_up_is_never_counted_as_sent),
        cmocka_unit_test(a_receiver_that_forgets_gets_again_what_it_lacks),
        cmocka_unit_test(a_receiver_that_limits_the_rate_gets_all_of_it_and_nothing_in_a_pause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
