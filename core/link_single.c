/*
 * link_single.c - records that go one by one, each in its parts: at QoS 1, where an answer settles
 * a part, or at QoS 2, where a part goes through three stages:
 *
 *   open --PUBREC--> received --mark durable--> released (PUBREL) --PUBCOMP--> settled
 *
 * Publishes are numbered 1, 2, 3 ... over all records and parts. A broker answers in the order of
 * what it got (MQTT 5 section 4.6), so that what it has is everything up to one number: `marked`.
 * After a crash the numbers up to `marked` are not published again, only released again.
 */
#include "core/link_state.h"

#include <assert.h>

static uint64_t parts_count(const struct nx_link *link)
{
    return (uint64_t)__builtin_popcount(link->config.parts);
}

uint64_t nx_link_outgoing(const struct nx_link *link, uint64_t seq, uint8_t part)
{
    unsigned before = link->config.parts & ((1u << part) - 1);

    return (seq - 1) * parts_count(link) + (uint64_t)__builtin_popcount(before) + 1;
}

static void advance(struct nx_link *link, uint64_t now_ms)
{
    unsigned later = link->config.parts & ~((2u << link->part) - 1);

    if (later != 0) {
        link->part = (uint8_t)__builtin_ctz(later);
        return;
    }
    link_spend(link, 1, now_ms);
    link->doubt = link->next > link->doubt ? link->next : link->doubt;
    link->tail++;
    link->next++;
    link->part = link_first_part(link);
}

/* Marked before a crash or a cut: the broker has it, only the PUBREL is missing. */
static bool is_marked(const struct nx_link *link)
{
    return link->config.marks &&
           nx_link_outgoing(link, link->next, link->part) <= link->saved.marked;
}

bool link_single_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step)
{
    if (link->config.marks && link->mark.marked < link->saved.marked) {
        return false; /* marks were voided, and that is not yet durable */
    }
    while (link->next <= link->stored && !link_full(link)) {
        struct link_unit *unit = link_unit(link, link->tail);

        if (link->part == link_first_part(link)) {
            *unit = (struct link_unit){
                .after = link->next - 1, .until = link->next, .open = link->config.parts};
        }
        if (is_marked(link)) {
            unit->received |= (uint8_t)(1u << link->part);
            advance(link, now_ms);
            continue;
        }
        if (link->part == link_first_part(link) && link_allowance(link, now_ms) == 0) {
            return false;
        }
        *step = (struct nx_link_step){
            .unit = link->tail, .seq = link->next, .last = link->next, .part = link->part};
        return true;
    }
    return false;
}

void nx_link_sent(struct nx_link *link, uint64_t now_ms)
{
    assert(link->state == NX_LINK_SENDING && link->config.batch_max == 0); /* L2 */
    advance(link, now_ms);
    link_assert(link);
}

/* Each part at the front of what is in flight that is settled or at the broker moves the mark. */
static void move_marked(struct nx_link *link, uint64_t now_ms)
{
    bool begun = link->part != link_first_part(link);
    uint64_t end = link->tail + (begun ? 1 : 0);
    uint64_t before = link->mark.marked;

    for (uint64_t number = link->head; number < end; number++) {
        const struct link_unit *unit = link_unit(link, number);

        for (unsigned rest = link->config.parts; rest != 0; rest &= rest - 1) {
            uint8_t part = (uint8_t)__builtin_ctz(rest);
            uint64_t outgoing = nx_link_outgoing(link, unit->until, part);

            if ((unit->open & ~unit->received & (1u << part)) != 0) {
                goto out;
            }
            link->mark.marked = outgoing > link->mark.marked ? outgoing : link->mark.marked;
        }
    }
out:
    if (link->mark.marked != before) {
        link_touch(link, now_ms);
    }
}

void nx_link_dead(struct nx_link *link, uint64_t now_ms)
{
    struct link_unit *unit = link_unit(link, link->tail);

    assert(link->state == NX_LINK_SENDING && link->config.batch_max == 0); /* L2 */
    unit->open &= (uint8_t) ~(1u << link->part);
    unit->dead = 1;
    advance(link, now_ms);
    link_settle(link, now_ms);
    link_assert(link);
}

void nx_link_skip(struct nx_link *link, uint64_t now_ms)
{
    assert(link->state == NX_LINK_SENDING && link->config.batch_max == 0); /* L2 */
    link_unit(link, link->tail)->open &= (uint8_t) ~(1u << link->part);
    advance(link, now_ms);
    link_settle(link, now_ms);
    link_assert(link);
}

void nx_link_filtered(struct nx_link *link, uint64_t now_ms)
{
    struct link_unit *unit = link_unit(link, link->tail);

    assert(link->state == NX_LINK_SENDING && link->part == link_first_part(link));
    unit->open = 0;
    unit->filtered = 1;
    link->tail++;
    link->next++;
    link_settle(link, now_ms);
    link_assert(link);
}

/* --- QoS 2 ----------------------------------------------------------------------------------- */

bool nx_link_received(struct nx_link *link, uint64_t number, uint8_t part, bool refused,
                      uint64_t now_ms)
{
    bool begun = link->part != link_first_part(link);
    struct link_unit *unit;

    assert(link->config.marks);
    if (number < link->head || number >= link->tail + (begun ? 1 : 0) ||
        part >= NX_LINK_PARTS_MAX) {
        return false;
    }
    unit = link_unit(link, number);
    if ((unit->open & ~unit->received & (1u << part)) == 0 ||
        (number == link->tail && part >= link->part)) {
        return false;
    }
    if (refused) {
        return nx_link_answered(link, number, part, true, now_ms);
    }
    unit->received |= (uint8_t)(1u << part);
    move_marked(link, now_ms);
    link_assert(link);
    return true;
}

bool nx_link_release(struct nx_link *link, struct nx_link_step *step)
{
    bool begun = link->part != link_first_part(link);
    uint64_t end = link->tail + (begun ? 1 : 0);

    if (!link->config.marks) {
        return false;
    }
    link->release = link->release > link->head ? link->release : link->head;
    for (; link->release < end; link->release++) {
        struct link_unit *unit = link_unit(link, link->release);

        for (unsigned rest = unit->open; rest != 0; rest &= rest - 1) {
            uint8_t part = (uint8_t)__builtin_ctz(rest);
            uint8_t bit = (uint8_t)(1u << part);

            if ((unit->released & bit) != 0) {
                continue;
            }
            if ((unit->received & bit) == 0 ||
                nx_link_outgoing(link, unit->until, part) > link->saved.marked) {
                return false; /* L8 */
            }
            unit->released |= bit;
            *step = (struct nx_link_step){
                .unit = link->release, .seq = unit->until, .last = unit->until, .part = part};
            return true;
        }
        if (link->release == link->tail) {
            return false; /* half sent: the rest of it will come */
        }
    }
    return false;
}

uint64_t nx_link_marked_until(const struct nx_link *link)
{
    return link->config.marks ? (link->saved.marked + parts_count(link) - 1) / parts_count(link)
                              : 0;
}

void nx_link_was_dead(struct nx_link *link, uint64_t seq)
{
    bool begun = link->part != link_first_part(link);

    for (uint64_t number = link->head; number < link->tail + (begun ? 1 : 0); number++) {
        struct link_unit *unit = link_unit(link, number);

        if (unit->until == seq) {
            unit->dead = 1;
        }
    }
}

uint64_t nx_link_void_marks(struct nx_link *link)
{
    uint64_t settled = nx_link_outgoing(link, link->mark.cursor + 1, link_first_part(link)) - 1;
    uint64_t doubtful = link->saved.marked > settled ? link->saved.marked - settled : 0;

    link->mark.marked = settled;
    return doubtful;
}
