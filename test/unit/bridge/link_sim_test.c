/*
 * link_sim_test.c - the link engine in a small world with a virtual clock: readings arrive, the
 * session comes and goes, answers get lost, the store forgets what it had not committed, the
 * process dies. Every run follows from its seed alone.
 *
 * The oracle watches the peer: in each part, no record may arrive before the one in front of it
 * has arrived at least once, none may be missing at the end, and the link's counts must be the
 * number of records that can never be taken.
 */
#include "core/link.h"

#include "test/unit/bridge/dice.h"
#include "test/unit/unit.h"

#include <string.h>

enum { SEEDS = 300, TICKS = 3000, RECORDS_MAX = 4000, WIRE_MAX = 64, PARTS = 2 };

static const struct nx_link_config config = {
    .window = 9, .parts = 3, .save_ms = 40, .drain_ms = 200};

struct world {
    uint64_t random, now_ms;
    struct nx_link *link;
    struct nx_link_mark durable; /* what a restart finds */
    uint64_t stored;
    bool up;
    struct nx_link_step wire[WIRE_MAX]; /* sent, not yet at the peer */
    size_t wire_count;
    struct nx_link_step answers[WIRE_MAX]; /* answered, not yet here */
    size_t answers_count;
    uint64_t arrived[PARTS]; /* the peer has had every record up to here */
    uint64_t seen_twice, crashes, losses;
};

static uint64_t roll(struct world *world, uint64_t sides)
{
    return dice_roll(&world->random, sides);
}

static bool unsendable(const struct nx_link_step *step)
{
    return step->part == 0 && step->seq % 17 == 0;
}

static bool refused(const struct nx_link_step *step)
{
    return step->part == 1 && step->seq % 13 == 0;
}

static void shift(struct nx_link_step *queue, size_t *count)
{
    memmove(queue, queue + 1, --*count * sizeof(*queue));
}

static void oracle_arrival(struct world *world, const struct nx_link_step *step)
{
    uint64_t *arrived = &world->arrived[step->part];
    struct nx_link_step missed = {.seq = *arrived + 1, .part = step->part};

    while (missed.seq < step->seq && unsendable(&missed)) {
        missed.seq++;
    }
    assert_true(step->seq <= missed.seq); /* nothing was skipped */
    world->seen_twice += step->seq <= *arrived ? 1 : 0;
    *arrived = step->seq > *arrived ? step->seq : *arrived;
}

static void pump(struct world *world, bool roomy)
{
    struct nx_link_step step;

    while (nx_link_next(world->link, world->now_ms, &step)) {
        if (unsendable(&step)) {
            nx_link_dead(world->link, world->now_ms);
        } else if (world->wire_count + world->answers_count >= (roomy ? WIRE_MAX : 5)) {
            nx_link_event(world->link, NX_LINK_EV_FULL, world->now_ms);
        } else {
            world->wire[world->wire_count++] = step;
            nx_link_sent(world->link, world->now_ms);
        }
    }
}

static void peer_takes_one(struct world *world)
{
    if (world->wire_count > 0 && world->answers_count < WIRE_MAX) {
        oracle_arrival(world, &world->wire[0]);
        world->answers[world->answers_count++] = world->wire[0];
        shift(world->wire, &world->wire_count);
    }
}

static void one_answer_comes(struct world *world)
{
    if (world->answers_count > 0) {
        struct nx_link_step step = world->answers[0];

        shift(world->answers, &world->answers_count);
        assert_true(
            nx_link_answered(world->link, step.unit, step.part, refused(&step), world->now_ms));
        nx_link_event(world->link, NX_LINK_EV_ROOM, world->now_ms);
    }
}

static void connection(struct world *world, bool up)
{
    if (up != world->up) {
        world->up = up;
        world->losses += up ? 0 : 1;
        world->wire_count = world->answers_count = 0;
        nx_link_event(world->link, up ? NX_LINK_EV_UP : NX_LINK_EV_LOST, world->now_ms);
    }
}

static void save(struct world *world, bool riding, bool disk_full)
{
    struct nx_link_mark mark;

    if (!nx_link_save(world->link, riding, world->now_ms, &mark)) {
        return;
    }
    if (disk_full) {
        return; /* not saved: it is due again */
    }
    world->durable = mark;
    nx_link_saved(world->link, &mark);
}

static void crash(struct world *world)
{
    nx_link_free(world->link);
    world->crashes++;
    world->up = false;
    world->wire_count = world->answers_count = 0;
    assert_int_equal(nx_link_new(&config, &world->durable, world->now_ms, &world->link), NX_OK);
    nx_link_stored(world->link, world->stored);
}

static void tick(struct world *world)
{
    world->now_ms += roll(world, 20);
    switch (roll(world, 10)) {
    case 0:
    case 1:
        if (world->stored < RECORDS_MAX) {
            world->stored += roll(world, 4);
            nx_link_stored(world->link, world->stored);
        }
        break;
    case 2:
    case 3:
        pump(world, roll(world, 2) == 0);
        break;
    case 4:
    case 5:
        peer_takes_one(world);
        break;
    case 6:
    case 7:
        one_answer_comes(world);
        break;
    case 8:
        save(world, roll(world, 4) == 0, roll(world, 15) == 0);
        break;
    default:
        if (roll(world, 12) == 0) {
            crash(world);
        } else {
            connection(world, roll(world, 5) != 0);
        }
    }
}

static void settle(struct world *world)
{
    struct nx_link_counts counts;

    connection(world, true);
    do {
        pump(world, true);
        peer_takes_one(world);
        one_answer_comes(world);
        nx_link_counts(world->link, &counts);
    } while (counts.waiting > 0);
}

static uint64_t doomed(uint64_t records)
{
    return records / 13 + records / 17 - records / (13 * 17);
}

static void nothing_is_lost_and_order_is_kept_through_losses_and_crashes(void **state)
{
    uint64_t twice = 0;
    uint64_t crashes = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world world = {.random = dice_of(seed)};
        struct nx_link_counts counts;

        assert_int_equal(nx_link_new(&config, &world.durable, 0, &world.link), NX_OK);
        for (int i = 0; i < TICKS; i++) {
            tick(&world);
            nx_link_counts(world.link, &counts);
            assert_int_equal(counts.stored, counts.sent + counts.dead + counts.waiting);
            assert_true(counts.inflight <= config.window);
        }
        settle(&world);
        nx_link_counts(world.link, &counts);
        assert_int_equal(counts.sent + counts.dead, world.stored);
        assert_int_equal(counts.dead, doomed(world.stored));
        assert_int_equal(world.arrived[1], world.stored);
        assert_true(world.arrived[0] + 1 >= world.stored); /* the last may be unsendable */
        twice += world.seen_twice;
        crashes += world.crashes;
        nx_link_free(world.link);
    }
    assert_true(crashes > SEEDS); /* the world was as rough as it is meant to be */
    assert_true(twice > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_order_is_kept_through_losses_and_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
