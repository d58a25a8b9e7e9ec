/*
 * link_marks_test.c - QoS 2 in a small world: a link engine whose marks become durable now and then,
 * a broker that holds what was published until its PUBREL, cuts, crashes, and a broker that forgets
 * the session. Every run follows from its seed alone.
 *
 * The oracle watches what the broker delivers: each publish once and in the order of its part, as
 * long as the session is kept. When it is lost, only what was marked may come twice, and the engine
 * says how much that is.
 */
#include "core/link.h"

#include "test/unit/bridge/dice.h"
#include "test/unit/unit.h"

#include <string.h>

enum { SEEDS = 400, TICKS = 3000, RECORDS_MAX = 3000, WIRE_MAX = 64, IDS = 64, PARTS = 2 };

static const struct nx_link_config config = {
    .window = 10, .parts = 3, .marks = true, .save_ms = 30, .drain_ms = 200};

enum packet_kind { PUBLISH, PUBREL, PUBREC, PUBCOMP };

struct packet {
    enum packet_kind kind;
    uint64_t unit, outgoing;
    uint8_t part;
};

struct queue {
    struct packet packets[WIRE_MAX];
    size_t count;
};

struct world {
    uint64_t random, now_ms;
    struct nx_link *link;
    struct nx_link_mark durable;
    uint64_t stored;
    bool up, forgets;
    bool waits[IDS]; /* the session's: the identifier waits for PUBREC or PUBCOMP */
    struct queue out, in;
    uint64_t held[IDS]; /* the broker's: the publish that it holds, 0: none */
    uint64_t delivered[PARTS * RECORDS_MAX + 1];
    uint64_t newest[PARTS];
    uint64_t twice, doubtful, crashes, lost_sessions;
};

static uint64_t roll(struct world *world, uint64_t sides)
{
    return dice_roll(&world->random, sides);
}

static void push(struct queue *queue, struct packet packet)
{
    assert_true(queue->count < WIRE_MAX);
    queue->packets[queue->count++] = packet;
}

static bool pop(struct queue *queue, struct packet *out)
{
    if (queue->count == 0) {
        return false;
    }
    *out = queue->packets[0];
    memmove(queue->packets, queue->packets + 1, --queue->count * sizeof(*out));
    return true;
}

/* --- the owner ------------------------------------------------------------------------------- */

static struct packet packet_of(const struct world *world, enum packet_kind kind,
                               const struct nx_link_step *step)
{
    return (struct packet){.kind = kind,
                           .unit = step->unit,
                           .part = step->part,
                           .outgoing = nx_link_outgoing(world->link, step->seq, step->part)};
}

static void release(struct world *world)
{
    struct nx_link_step step;

    while (world->up && world->out.count < WIRE_MAX - 1 && nx_link_release(world->link, &step)) {
        struct packet packet = packet_of(world, PUBREL, &step);

        world->waits[packet.outgoing % IDS] = true;
        push(&world->out, packet);
    }
}

static void pump(struct world *world)
{
    struct nx_link_step step;

    release(world);
    while (world->out.count < WIRE_MAX / 2 && nx_link_next(world->link, world->now_ms, &step)) {
        struct packet packet = packet_of(world, PUBLISH, &step);

        if (world->waits[packet.outgoing % IDS]) {
            nx_link_event(world->link, NX_LINK_EV_FULL, world->now_ms);
            return;
        }
        world->waits[packet.outgoing % IDS] = true;
        push(&world->out, packet);
        nx_link_sent(world->link, world->now_ms);
    }
}

static void hear(struct world *world)
{
    struct packet packet;

    if (!pop(&world->in, &packet)) {
        return;
    }
    if (packet.kind == PUBREC) {
        assert_true(nx_link_received(world->link, packet.unit, packet.part, false, world->now_ms));
        return;
    }
    world->waits[packet.outgoing % IDS] = false;
    assert_true(nx_link_answered(world->link, packet.unit, packet.part, false, world->now_ms));
    nx_link_event(world->link, NX_LINK_EV_ROOM, world->now_ms);
}

static void save(struct world *world, bool fails)
{
    struct nx_link_mark mark;

    if (nx_link_save(world->link, roll(world, 3) == 0, world->now_ms, &mark) && !fails) {
        world->durable = mark;
        nx_link_saved(world->link, &mark);
    }
}

/* --- the broker ------------------------------------------------------------------------------ */

static void deliver(struct world *world, uint64_t outgoing)
{
    uint64_t part = (outgoing - 1) % PARTS;

    assert_true(outgoing <= PARTS * world->stored);
    if (world->delivered[outgoing]++ > 0) {
        world->twice++;
        return;
    }
    assert_true(outgoing > world->newest[part] || world->lost_sessions > 0);
    world->newest[part] = outgoing;
}

static void broker(struct world *world)
{
    struct packet packet;
    uint64_t *held;

    if (world->in.count == WIRE_MAX || !pop(&world->out, &packet)) {
        return;
    }
    held = &world->held[packet.outgoing % IDS];
    if (packet.kind == PUBLISH) {
        *held = packet.outgoing; /* the same again, or other bytes that take its place */
        packet.kind = PUBREC;
    } else {
        if (*held != 0) {
            assert_int_equal(*held, packet.outgoing);
            deliver(world, *held);
        }
        *held = 0;
        packet.kind = PUBCOMP;
    }
    push(&world->in, packet);
}

/* --- trouble --------------------------------------------------------------------------------- */

static void connection(struct world *world, bool up)
{
    if (up == world->up) {
        return;
    }
    world->up = up;
    if (up) {
        bool forgotten = world->forgets && roll(world, 3) == 0;

        if (forgotten) {
            memset(world->held, 0, sizeof(world->held));
            world->lost_sessions++;
            world->doubtful += nx_link_void_marks(world->link);
            save(world, false); /* at once: a crash in between would believe the old mark */
        }
        nx_link_event(world->link, NX_LINK_EV_UP, world->now_ms);
        return;
    }
    while (roll(world, 2) == 0 && world->out.count > 0 && world->in.count < WIRE_MAX) {
        broker(world); /* some of it arrives still */
    }
    world->out.count = world->in.count = 0;
    memset(world->waits, 0, sizeof(world->waits));
    nx_link_event(world->link, NX_LINK_EV_LOST, world->now_ms);
}

static void crash(struct world *world)
{
    connection(world, false);
    nx_link_free(world->link);
    world->crashes++;
    assert_int_equal(nx_link_new(&config, &world->durable, world->now_ms, &world->link), NX_OK);
    nx_link_stored(world->link, world->stored);
}

static void tick(struct world *world)
{
    world->now_ms += roll(world, 20);
    switch (roll(world, 12)) {
    case 0:
        world->stored += roll(world, 6);
        world->stored = world->stored < RECORDS_MAX ? world->stored : RECORDS_MAX;
        nx_link_stored(world->link, world->stored);
        break;
    case 1:
    case 2:
    case 3:
        pump(world);
        break;
    case 4:
    case 5:
    case 6:
        broker(world);
        break;
    case 7:
    case 8:
    case 9:
        hear(world);
        break;
    case 10:
        save(world, roll(world, 8) == 0);
        break;
    default:
        if (roll(world, 8) == 0) {
            crash(world);
        } else {
            connection(world, roll(world, 4) != 0);
        }
    }
}

static void settle(struct world *world)
{
    struct nx_link_counts counts;

    connection(world, true);
    do {
        world->now_ms++;
        pump(world);
        broker(world);
        hear(world);
        save(world, false);
        nx_link_counts(world->link, &counts);
    } while (counts.waiting > 0);
}

static struct world world; /* too large for a stack */

static void play(bool forgets)
{
    uint64_t crashes = 0;
    uint64_t lost_sessions = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        world = (struct world){.random = dice_of(seed), .forgets = forgets};
        assert_int_equal(nx_link_new(&config, &world.durable, 0, &world.link), NX_OK);
        for (int i = 0; i < TICKS; i++) {
            tick(&world);
        }
        settle(&world);
        for (uint64_t outgoing = 1; outgoing <= PARTS * world.stored; outgoing++) {
            assert_true(world.delivered[outgoing] >= 1); /* nothing is lost */
        }
        assert_true(world.twice <= world.doubtful);
        assert_true(forgets || world.twice == 0);
        crashes += world.crashes;
        lost_sessions += world.lost_sessions;
        nx_link_free(world.link);
    }
    assert_true(crashes > SEEDS); /* as rough as it is meant to be */
    assert_true((lost_sessions > SEEDS) == forgets);
}

static void each_publish_is_delivered_once_while_the_session_is_kept(void **state)
{
    (void)state;
    play(false);
}

static void a_lost_session_loses_nothing_and_repeats_no_more_than_is_told(void **state)
{
    (void)state;
    play(true);
}

static void nothing_goes_before_voided_marks_are_durable(void **state)
{
    const struct nx_link_mark start = {.cursor = 5, .sent = 5, .marked = 14};
    struct nx_link_mark mark;
    struct nx_link_step step;
    struct nx_link *link;

    (void)state;
    assert_int_equal(nx_link_new(&config, &start, 0, &link), NX_OK);
    nx_link_stored(link, 9);
    assert_int_equal(nx_link_void_marks(link), 4); /* 11 to 14: of the records 6 and 7 */
    nx_link_event(link, NX_LINK_EV_UP, 0);
    assert_false(nx_link_next(link, 0, &step));
    assert_true(nx_link_save(link, false, 0, &mark));
    assert_int_equal(mark.marked, 10);
    nx_link_saved(link, &mark);
    assert_true(nx_link_next(link, 0, &step));
    assert_int_equal(step.seq, 6);
    nx_link_free(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_publish_is_delivered_once_while_the_session_is_kept),
        cmocka_unit_test(nothing_goes_before_voided_marks_are_durable),
        cmocka_unit_test(a_lost_session_loses_nothing_and_repeats_no_more_than_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
