/*
 * link.c - the life of one directed link: a cursor in the owner's sequence and a window of
 * records in flight behind it.
 *
 * Pure: time arrives as now_ms, effects leave as steps and marks. Allocates nothing after
 * nx_link_new.
 *
 *        +-------------------- lost -----------------------+
 *        |          +--------- lost --------+              |
 *        v          v                       |              |
 *      DOWN ----up----> SENDING ---full---> BLOCKED        |
 *        |                 |  ^---room-------- |           |
 *       stop              stop               stop          |
 *        |                 v                   v           |
 *        +--> STOPPED <-- DRAINING <-----------+   (SENDING also falls back: lost)
 *                 empty, late or lost
 *
 *   settled      in flight: answers missing, in any order       not yet sent
 *   ......... | slot slot slot slot slot slot slot slot | ........................
 *             ^ cursor                                  ^ next                   ^ stored
 *
 * (L1) cursor < next <= stored + 1 and next - cursor - 1 <= window.
 * (L2) only SENDING gives steps.
 * (L3) the cursor passes a record only when every part of it was sent or is dead.
 * (L4) cursor == sent + dead: each record is counted once, when the cursor passes it.
 * (L5) in DOWN and STOPPED nothing is in flight: next == cursor + 1, at the first part.
 * (L6) saved.cursor <= cursor: what was persisted was true.
 *
 * A loss forgets the slots: whatever was not settled is sent again from the cursor, after a crash
 * and after a broken connection alike.
 */
#include "core/link.h"

#include <assert.h>
#include <stdlib.h>

struct link_slot {
    uint8_t open; /* parts neither sent nor dead */
    bool dead;    /* one of them is */
};

struct nx_link {
    struct nx_link_config config;
    enum nx_link_state state;
    uint64_t since_ms; /* of the state */
    uint64_t stored;
    struct nx_link_mark mark, saved;
    uint64_t unsaved_ms;      /* since when mark differs from saved */
    uint64_t next;            /* the record being sent, or to be sent next */
    uint8_t part;             /* the part of it that goes next */
    struct link_slot slots[]; /* by seq % window */
};

/* --- the table ------------------------------------------------------------------------------- */

static void act_none(struct nx_link *link);
static void act_forget(struct nx_link *link);
static void act_cut(struct nx_link *link);

static const struct link_rule {
    enum nx_link_state state;
    enum nx_link_event event;
    enum nx_link_state next;
    void (*act)(struct nx_link *link);
} rules[] = {
    /* what has no row here is heard and changes nothing */
    {NX_LINK_DOWN, NX_LINK_EV_UP, NX_LINK_SENDING, act_none},
    {NX_LINK_DOWN, NX_LINK_EV_STOP, NX_LINK_STOPPED, act_none},
    {NX_LINK_SENDING, NX_LINK_EV_LOST, NX_LINK_DOWN, act_forget},
    {NX_LINK_SENDING, NX_LINK_EV_FULL, NX_LINK_BLOCKED, act_none},
    {NX_LINK_SENDING, NX_LINK_EV_STOP, NX_LINK_DRAINING, act_cut},
    {NX_LINK_BLOCKED, NX_LINK_EV_LOST, NX_LINK_DOWN, act_forget},
    {NX_LINK_BLOCKED, NX_LINK_EV_ROOM, NX_LINK_SENDING, act_none},
    {NX_LINK_BLOCKED, NX_LINK_EV_STOP, NX_LINK_DRAINING, act_cut},
    {NX_LINK_DRAINING, NX_LINK_EV_LOST, NX_LINK_STOPPED, act_forget},
};

/* --- invariants ------------------------------------------------------------------------------ */

static uint8_t first_part(const struct nx_link *link)
{
    return (uint8_t)__builtin_ctz(link->config.parts);
}

static uint64_t inflight(const struct nx_link *link)
{
    bool begun = link->part != first_part(link); /* `next` is half sent */

    return link->next - link->mark.cursor - 1 + (begun ? 1 : 0);
}

static void link_assert(const struct nx_link *link)
{
    const struct nx_link_mark *mark = &link->mark;

    assert(mark->cursor < link->next && link->next <= link->stored + 1); /* L1 */
    assert(inflight(link) <= link->config.window);                       /* L1 */
    assert(mark->cursor == mark->sent + mark->dead);                     /* L4 */
    assert((link->state != NX_LINK_DOWN && link->state != NX_LINK_STOPPED) ||
           inflight(link) == 0);                /* L5 */
    assert(link->saved.cursor <= mark->cursor); /* L6 */
    (void)mark;
}

/* --- life ------------------------------------------------------------------------------------ */

enum nx_err nx_link_new(const struct nx_link_config *config, const struct nx_link_mark *mark,
                        uint64_t now_ms, struct nx_link **out)
{
    struct nx_link *link;

    *out = NULL;
    if (config->window == 0 || config->window > NX_LINK_WINDOW_MAX || config->parts == 0 ||
        mark->cursor != mark->sent + mark->dead) {
        return NX_ERR_INVALID;
    }
    link = calloc(1, sizeof(*link) + config->window * sizeof(link->slots[0]));
    if (link == NULL) {
        return NX_ERR_NOMEM;
    }
    link->config = *config;
    link->since_ms = now_ms;
    link->mark = link->saved = *mark;
    link->stored = mark->cursor;
    link->next = mark->cursor + 1;
    link->part = first_part(link);
    link_assert(link);
    *out = link;
    return NX_OK;
}

void nx_link_free(struct nx_link *link)
{
    free(link);
}

enum nx_link_state nx_link_state(const struct nx_link *link)
{
    return link->state;
}

const char *nx_link_state_name(enum nx_link_state state)
{
    static const char *const names[] = {
        [NX_LINK_DOWN] = "down",       [NX_LINK_SENDING] = "sending",
        [NX_LINK_BLOCKED] = "blocked", [NX_LINK_DRAINING] = "draining",
        [NX_LINK_STOPPED] = "stopped",
    };

    return names[state];
}

static void act_none(struct nx_link *link)
{
    (void)link;
}

static void act_forget(struct nx_link *link)
{
    link->next = link->mark.cursor + 1;
    link->part = first_part(link);
}

/* A half-sent record will not be completed: it is not waited for, and goes again another time. */
static void act_cut(struct nx_link *link)
{
    link->part = first_part(link);
}

static void link_enter(struct nx_link *link, enum nx_link_state state, uint64_t now_ms)
{
    link->state = state;
    link->since_ms = now_ms;
}

void nx_link_event(struct nx_link *link, enum nx_link_event event, uint64_t now_ms)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].state == link->state && rules[i].event == event) {
            rules[i].act(link);
            link_enter(link, rules[i].next, now_ms);
            break;
        }
    }
    link_assert(link);
}

void nx_link_stored(struct nx_link *link, uint64_t seq)
{
    if (seq > link->stored) {
        link->stored = seq;
    }
    link_assert(link);
}

/* --- sending --------------------------------------------------------------------------------- */

static struct link_slot *link_slot(struct nx_link *link, uint64_t seq)
{
    return &link->slots[seq % link->config.window];
}

/* Draining ends by itself: when all is answered, or when it has taken too long. */
static void link_drain(struct nx_link *link, uint64_t now_ms)
{
    bool late = now_ms - link->since_ms >= link->config.drain_ms;

    if (link->state == NX_LINK_DRAINING && (inflight(link) == 0 || late)) {
        act_forget(link);
        link_enter(link, NX_LINK_STOPPED, now_ms);
    }
}

bool nx_link_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step)
{
    link_drain(link, now_ms);
    if (link->state != NX_LINK_SENDING || link->next > link->stored ||
        link->next - link->mark.cursor > link->config.window) {
        return false;
    }
    if (link->part == first_part(link)) {
        *link_slot(link, link->next) = (struct link_slot){.open = link->config.parts};
    }
    *step = (struct nx_link_step){.seq = link->next, .part = link->part};
    return true;
}

static void link_advance(struct nx_link *link)
{
    unsigned later = link->config.parts & ~((2u << link->part) - 1);

    if (later != 0) {
        link->part = (uint8_t)__builtin_ctz(later);
    } else {
        link->next++;
        link->part = first_part(link);
    }
}

/* Moves the cursor over every record at its front that is complete. */
static void link_settle(struct nx_link *link, uint64_t now_ms)
{
    uint64_t before = link->mark.cursor;
    struct link_slot *slot;

    while (link->mark.cursor + 1 < link->next) {
        slot = link_slot(link, link->mark.cursor + 1);
        if (slot->open != 0) {
            break;
        }
        link->mark.cursor++;
        link->mark.sent += slot->dead ? 0 : 1;
        link->mark.dead += slot->dead ? 1 : 0;
    }
    if (before == link->saved.cursor && link->mark.cursor != before) {
        link->unsaved_ms = now_ms;
    }
}

void nx_link_sent(struct nx_link *link, uint64_t now_ms)
{
    (void)now_ms;
    assert(link->state == NX_LINK_SENDING); /* L2 */
    link_advance(link);
    link_assert(link);
}

void nx_link_dead(struct nx_link *link, uint64_t now_ms)
{
    struct link_slot *slot = link_slot(link, link->next);

    assert(link->state == NX_LINK_SENDING); /* L2 */
    slot->open &= (uint8_t) ~(1u << link->part);
    slot->dead = true;
    link_advance(link);
    link_settle(link, now_ms);
    link_assert(link);
}

bool nx_link_answered(struct nx_link *link, const struct nx_link_step *step, bool refused,
                      uint64_t now_ms)
{
    bool begun = step->seq < link->next || (step->seq == link->next && step->part < link->part);
    struct link_slot *slot;

    if (step->seq <= link->mark.cursor || !begun || step->part >= NX_LINK_PARTS_MAX) {
        return false;
    }
    slot = link_slot(link, step->seq);
    if ((slot->open & (1u << step->part)) == 0) {
        return false;
    }
    slot->open &= (uint8_t) ~(1u << step->part);
    slot->dead = slot->dead || refused;
    link_settle(link, now_ms);
    link_drain(link, now_ms);
    link_assert(link);
    return true;
}

/* --- the mark -------------------------------------------------------------------------------- */

bool nx_link_save(const struct nx_link *link, bool riding, uint64_t now_ms,
                  struct nx_link_mark *mark)
{
    bool closing = link->state == NX_LINK_DRAINING || link->state == NX_LINK_STOPPED;

    if (link->mark.cursor == link->saved.cursor) {
        return false;
    }
    if (!riding && !closing && now_ms - link->unsaved_ms < link->config.save_ms) {
        return false;
    }
    *mark = link->mark;
    return true;
}

void nx_link_saved(struct nx_link *link, const struct nx_link_mark *mark)
{
    assert(mark->cursor >= link->saved.cursor);
    link->saved = *mark;
    link_assert(link);
}

void nx_link_rewind(struct nx_link *link, uint64_t now_ms)
{
    link->mark = link->saved;
    act_forget(link);
    if (link->state == NX_LINK_SENDING || link->state == NX_LINK_BLOCKED) {
        link_enter(link, NX_LINK_DOWN, now_ms);
    } else if (link->state == NX_LINK_DRAINING) {
        link_enter(link, NX_LINK_STOPPED, now_ms);
    }
    link_assert(link);
}

static uint64_t left_ms(uint64_t since_ms, uint32_t length_ms, uint64_t now_ms)
{
    uint64_t gone = now_ms - since_ms;

    return gone >= length_ms ? 0 : length_ms - gone;
}

uint64_t nx_link_due_ms(const struct nx_link *link, uint64_t now_ms)
{
    if (link->state == NX_LINK_DRAINING) {
        return left_ms(link->since_ms, link->config.drain_ms, now_ms);
    }
    if (link->mark.cursor != link->saved.cursor) {
        return left_ms(link->unsaved_ms, link->config.save_ms, now_ms);
    }
    return UINT64_MAX;
}

void nx_link_counts(const struct nx_link *link, struct nx_link_counts *out)
{
    *out = (struct nx_link_counts){
        .stored = link->stored,
        .sent = link->mark.sent,
        .dead = link->mark.dead,
        .waiting = link->stored - link->mark.cursor,
        .inflight = (uint32_t)inflight(link),
    };
}
