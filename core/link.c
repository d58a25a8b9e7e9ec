/*
 * link.c - the life of one directed link: a cursor in the owner's sequence and a window of units
 * in flight behind it. The invariants L1 to L10 are in link_state.h.
 *
 * Pure: time arrives as now_ms, effects leave as steps and marks. Allocates nothing after
 * nx_link_new.
 *
 *        +----------------------- lost -----------------------+
 *        v               (in batches)                         |
 *      DOWN ----up----> ASKING ---told---> SENDING --full--> BLOCKED
 *        |  \               ^                |  ^               |
 *        |   +-up, one by one --------------(+) |               |
 *        |                  +---refused-----+   +----room-------+
 *       stop               stop            stop                stop
 *        |                  v                v                  |
 *        +-------------> STOPPED <------- DRAINING <------------+
 *                               empty, late or lost
 *
 * A loss forgets the units: whatever was not settled is sent again from the cursor, after a crash
 * and after a broken connection alike. What of it arrived is known by the far side (batches), by
 * the mark (QoS 2), or comes twice (QoS 1).
 */
#include "core/link_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A rate saves up a tenth of a second; in batches it goes out in slices of a twentieth. */
enum { BURSTS_PER_S = 10, SLICES_PER_S = 20 };

/* --- the table ------------------------------------------------------------------------------- */

static void act_none(struct nx_link *link, uint64_t now_ms);
static void act_ask(struct nx_link *link, uint64_t now_ms);
static void act_lose(struct nx_link *link, uint64_t now_ms);
static void act_cut(struct nx_link *link, uint64_t now_ms);

enum { SINGLES = 1, BATCHES = 2, BOTH = SINGLES | BATCHES };

static const struct link_rule {
    enum nx_link_state state;
    enum nx_link_event event;
    unsigned way; /* one by one, in batches, or both */
    enum nx_link_state next;
    void (*act)(struct nx_link *link, uint64_t now_ms);
} rules[] = {
    /* what has no row here is heard and changes nothing */
    {NX_LINK_DOWN, NX_LINK_EV_UP, SINGLES, NX_LINK_SENDING, act_none},
    {NX_LINK_DOWN, NX_LINK_EV_UP, BATCHES, NX_LINK_ASKING, act_ask},
    {NX_LINK_DOWN, NX_LINK_EV_STOP, BOTH, NX_LINK_STOPPED, act_none},
    {NX_LINK_ASKING, NX_LINK_EV_LOST, BATCHES, NX_LINK_DOWN, act_lose},
    {NX_LINK_ASKING, NX_LINK_EV_STOP, BATCHES, NX_LINK_STOPPED, act_lose},
    {NX_LINK_SENDING, NX_LINK_EV_LOST, BOTH, NX_LINK_DOWN, act_lose},
    {NX_LINK_SENDING, NX_LINK_EV_FULL, BOTH, NX_LINK_BLOCKED, act_none},
    {NX_LINK_SENDING, NX_LINK_EV_STOP, BOTH, NX_LINK_DRAINING, act_cut},
    {NX_LINK_BLOCKED, NX_LINK_EV_LOST, BOTH, NX_LINK_DOWN, act_lose},
    {NX_LINK_BLOCKED, NX_LINK_EV_ROOM, BOTH, NX_LINK_SENDING, act_none},
    {NX_LINK_BLOCKED, NX_LINK_EV_STOP, BOTH, NX_LINK_DRAINING, act_cut},
    {NX_LINK_DRAINING, NX_LINK_EV_LOST, BOTH, NX_LINK_STOPPED, act_lose},
};

/* --- invariants ------------------------------------------------------------------------------ */

static bool mark_holds(const struct nx_link_mark *mark)
{
    return mark->cursor == mark->sent + mark->filtered + mark->dead && mark->dropped <= mark->dead;
}

void link_assert(const struct nx_link *link)
{
    bool idle = link->state == NX_LINK_DOWN || link->state == NX_LINK_ASKING ||
                link->state == NX_LINK_STOPPED;

    assert(link->next <= link->stored + 1);                 /* L1 */
    assert(link->tail - link->head <= link->config.window); /* L1 */
    assert(mark_holds(&link->mark));                        /* L4 */
    assert(!idle || link->head == link->tail);              /* L5 */
    assert(link->saved.cursor <= link->mark.cursor);        /* L6 */
    assert(link->head != link->tail || link->config.batch_max > 0 ||
           link->next == link->mark.cursor + 1);
    (void)idle;
}

/* --- life ------------------------------------------------------------------------------------ */

static bool config_holds(const struct nx_link_config *config)
{
    bool batches = config->batch_max > 0;

    return config->window > 0 && config->window <= NX_LINK_WINDOW_MAX && config->parts != 0 &&
           config->batch_max <= NX_LINK_BATCH_MAX && config->rate <= NX_LINK_RATE_MAX &&
           (!batches || (config->parts == 1 && !config->marks && config->ask_ms_min > 0));
}

enum nx_err nx_link_new(const struct nx_link_config *config, const struct nx_link_mark *mark,
                        uint64_t now_ms, struct nx_link **out)
{
    struct nx_link *link;

    *out = NULL;
    if (!config_holds(config) || !mark_holds(mark)) {
        return NX_ERR_INVALID;
    }
    link = calloc(1, sizeof(*link) + config->window * sizeof(link->units[0]));
    if (link == NULL) {
        return NX_ERR_NOMEM;
    }
    link->config = *config;
    if (config->batch_max > 0) {
        link->dead = calloc(config->window, NX_LINK_BATCH_WORDS * sizeof(*link->dead));
        if (link->dead == NULL) {
            free(link);
            return NX_ERR_NOMEM;
        }
    }
    link->since_ms = link->credit_ms = now_ms;
    link->mark = link->saved = *mark;
    link->stored = mark->cursor;
    link->rows_max = config->batch_max > 0 ? config->batch_max : 1;
    link->units_max = config->window;
    link->next = mark->cursor + 1;
    link->part = link_first_part(link);
    link->doubt = mark->cursor + (uint64_t)config->window * link->rows_max;
    link_assert(link);
    *out = link;
    return NX_OK;
}

void nx_link_free(struct nx_link *link)
{
    if (link != NULL) {
        free(link->dead);
        free(link);
    }
}

enum nx_link_state nx_link_state(const struct nx_link *link)
{
    return link->state;
}

const char *nx_link_state_name(enum nx_link_state state)
{
    static const char *const names[] = {
        [NX_LINK_DOWN] = "down",         [NX_LINK_ASKING] = "asking",
        [NX_LINK_SENDING] = "sending",   [NX_LINK_BLOCKED] = "blocked",
        [NX_LINK_DRAINING] = "draining", [NX_LINK_STOPPED] = "stopped",
    };

    return names[state];
}

static void act_none(struct nx_link *link, uint64_t now_ms)
{
    (void)link;
    (void)now_ms;
}

void link_forget(struct nx_link *link)
{
    link->head = link->tail;
    link->release = link->tail;
    link->next = link->mark.cursor + 1;
    link->part = link_first_part(link);
}

static void act_ask(struct nx_link *link, uint64_t now_ms)
{
    link_begin_asking(link, now_ms);
}

static void act_lose(struct nx_link *link, uint64_t now_ms)
{
    (void)now_ms;
    link->tail++; /* a half-sent record used this number already: its answers are strays now */
    link_forget(link);
    link->lost = link->tail;
    link->unanswered = 0;
    if (link->config.marks) { /* a mark that is not durable is none: it is published again */
        uint64_t settled = nx_link_outgoing(link, link->mark.cursor + 1, link_first_part(link)) - 1;

        link->mark.marked = link->saved.marked > settled ? link->saved.marked : settled;
    }
}

/* A half-sent record will not be completed: it is not waited for, and goes again another time. */
static void act_cut(struct nx_link *link, uint64_t now_ms)
{
    (void)now_ms;
    link->part = link_first_part(link);
}

void link_enter(struct nx_link *link, enum nx_link_state state, uint64_t now_ms)
{
    link->state = state;
    link->since_ms = now_ms;
}

void nx_link_event(struct nx_link *link, enum nx_link_event event, uint64_t now_ms)
{
    unsigned way = link->config.batch_max > 0 ? BATCHES : SINGLES;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].state == link->state && rules[i].event == event && (rules[i].way & way) != 0) {
            rules[i].act(link, now_ms);
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

void nx_link_give_up(struct nx_link *link, uint64_t seq, uint64_t now_ms)
{
    uint64_t until = seq < link->stored ? seq : link->stored;
    bool begun = link->part != link_first_part(link);

    if (until < link->next || link->next <= link->doubt || begun || link_full(link) ||
        link->state == NX_LINK_DRAINING) {
        return;
    }
    *link_unit(link, link->tail++) = (struct link_unit){
        .after = link->next - 1, .until = until, .dropped = until - link->next + 1};
    link->next = until + 1;
    link_settle(link, now_ms);
    link_assert(link);
}

/* --- settling -------------------------------------------------------------------------------- */

static bool mark_same(const struct nx_link_mark *a, const struct nx_link_mark *b)
{
    return a->cursor == b->cursor && a->sent == b->sent && a->filtered == b->filtered &&
           a->dead == b->dead && a->dropped == b->dropped && a->marked == b->marked &&
           a->given_up == b->given_up;
}

void link_touch(struct nx_link *link, uint64_t now_ms)
{
    if (!link->unsaved) {
        link->unsaved = true;
        link->unsaved_ms = now_ms;
    }
}

/* Moves the cursor over every unit at its front that is complete. */
void link_settle(struct nx_link *link, uint64_t now_ms)
{
    struct nx_link_mark *mark = &link->mark;

    while (link->head < link->tail && link_unit(link, link->head)->open == 0) {
        const struct link_unit *unit = link_unit(link, link->head++);
        uint64_t dead = unit->dead + unit->dropped;

        if (unit->until <= mark->cursor) {
            continue; /* a repair: counted before */
        }
        assert(unit->after == mark->cursor); /* L3, L7 */
        mark->cursor = unit->until;
        mark->filtered += unit->filtered;
        mark->dead += dead;
        mark->dropped += unit->dropped;
        mark->given_up = unit->dropped > 0 ? unit->until : mark->given_up;
        mark->sent += unit->until - unit->after - unit->filtered - dead;
        link_touch(link, now_ms);
    }
    if (link->config.marks) {
        uint64_t settled = nx_link_outgoing(link, mark->cursor + 1, link_first_part(link)) - 1;

        mark->marked = settled > mark->marked ? settled : mark->marked;
    }
}

/* Draining ends by itself: when all is answered, or when it has taken too long. */
static void link_drain(struct nx_link *link, uint64_t now_ms)
{
    bool late = now_ms - link->since_ms >= link->config.drain_ms;

    if (link->state == NX_LINK_DRAINING && (link->head == link->tail || late)) {
        act_lose(link, now_ms);
        link_enter(link, NX_LINK_STOPPED, now_ms);
    }
}

/* --- sending --------------------------------------------------------------------------------- */

uint64_t link_allowance(const struct nx_link *link, uint64_t now_ms)
{
    uint64_t rate = link->config.rate;
    uint64_t most = (rate / BURSTS_PER_S + 1) * 1000;
    uint64_t gone = now_ms - link->credit_ms;
    uint64_t credit;

    if (rate == 0 || gone > 1000) {
        return rate == 0 ? UINT64_MAX : most / 1000;
    }
    credit = link->credit + gone * rate;
    return (credit < most ? credit : most) / 1000;
}

void link_spend(struct nx_link *link, uint64_t numbers, uint64_t now_ms)
{
    uint64_t rate = link->config.rate;
    uint64_t most = (rate / BURSTS_PER_S + 1) * 1000;
    uint64_t gone = now_ms - link->credit_ms;

    if (rate == 0) {
        return;
    }
    link->credit += gone > 1000 ? most : gone * rate;
    link->credit = link->credit < most ? link->credit : most;
    link->credit -= numbers * 1000 < link->credit ? numbers * 1000 : link->credit;
    link->credit_ms = now_ms;
}

/* Numbers worth a batch: a slice of what the rate allows, so that a limit makes no crumbs. */
uint64_t link_worth(const struct nx_link *link)
{
    uint64_t rows = link->stored - link->next + 1;
    uint64_t slice = link->config.rate / SLICES_PER_S + 1;

    rows = rows < link->rows_max ? rows : link->rows_max;
    return rows < slice ? rows : slice;
}

static uint64_t link_credit_due_ms(const struct nx_link *link, uint64_t now_ms)
{
    uint64_t allowance = link_allowance(link, now_ms);
    uint64_t worth = link_worth(link);

    return allowance >= worth ? UINT64_MAX : (worth - allowance) * 1000 / link->config.rate + 1;
}

bool nx_link_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step)
{
    link_drain(link, now_ms);
    if (link->state != NX_LINK_SENDING) {
        return false; /* L2 */
    }
    return link->config.batch_max > 0 ? link_batch_next(link, now_ms, step)
                                      : link_single_next(link, now_ms, step);
}

bool nx_link_answered(struct nx_link *link, uint64_t number, uint8_t part, bool refused,
                      uint64_t now_ms)
{
    bool begun = link->part != link_first_part(link);
    struct link_unit *unit;

    if (number < link->lost || part >= NX_LINK_PARTS_MAX) {
        return false;
    }
    if (link->config.batch_max > 0 && link->unanswered > 0) {
        link->unanswered--;
    }
    if (number < link->head || number >= link->tail + (begun ? 1 : 0)) {
        return false;
    }
    unit = link_unit(link, number);
    if ((unit->open & (1u << part)) == 0 || (number == link->tail && part >= link->part)) {
        return false;
    }
    if (link->config.batch_max > 0 && refused) {
        link_batch_refused(link, now_ms);
    } else {
        unit->open &= (uint8_t) ~(1u << part);
        unit->dead = refused ? 1 : unit->dead;
        link_batch_taken(link);
        link_settle(link, now_ms);
    }
    link_drain(link, now_ms);
    link_assert(link);
    return true;
}

/* --- the mark -------------------------------------------------------------------------------- */

static uint64_t left_ms(uint64_t since_ms, uint32_t length_ms, uint64_t now_ms)
{
    uint64_t gone = now_ms - since_ms;

    return gone >= length_ms ? 0 : length_ms - gone;
}

/* Milliseconds until the mark must be durable. QoS 2 waits for it before each PUBREL. */
static uint64_t save_due_ms(const struct nx_link *link, uint64_t now_ms)
{
    if (mark_same(&link->mark, &link->saved)) {
        return UINT64_MAX;
    }
    if (link->mark.marked != link->saved.marked || link->mark.dropped != link->saved.dropped ||
        link->state == NX_LINK_DRAINING || link->state == NX_LINK_STOPPED) {
        return 0;
    }
    return left_ms(link->unsaved_ms, link->config.save_ms, now_ms);
}

bool nx_link_save(const struct nx_link *link, bool riding, uint64_t now_ms,
                  struct nx_link_mark *mark)
{
    uint64_t due_ms = save_due_ms(link, now_ms);

    if (due_ms == UINT64_MAX || (due_ms > 0 && !riding)) {
        return false;
    }
    *mark = link->mark;
    return true;
}

void nx_link_saved(struct nx_link *link, const struct nx_link_mark *mark)
{
    assert(mark->cursor >= link->saved.cursor);
    link->saved = *mark;
    link->unsaved = !mark_same(&link->mark, &link->saved);
    link_assert(link);
}

uint64_t nx_link_due_ms(const struct nx_link *link, uint64_t now_ms)
{
    uint64_t due_ms = save_due_ms(link, now_ms);
    uint64_t pause_ms = link->pause_until_ms > now_ms ? link->pause_until_ms - now_ms : 0;
    uint64_t other_ms = UINT64_MAX;

    if (link->state == NX_LINK_DRAINING) {
        other_ms = left_ms(link->since_ms, link->config.drain_ms, now_ms);
    } else if (link->state == NX_LINK_ASKING && link->unanswered == 0) {
        other_ms = link->ask_at_ms > now_ms ? link->ask_at_ms - now_ms : 0;
        other_ms = pause_ms > other_ms ? pause_ms : other_ms;
    } else if (link->state == NX_LINK_SENDING && link->next <= link->stored && !link_full(link)) {
        other_ms = pause_ms > 0 ? pause_ms : link_credit_due_ms(link, now_ms);
    }
    return due_ms < other_ms ? due_ms : other_ms;
}

bool nx_link_seq_of(const struct nx_link *link, uint64_t number, uint64_t *seq)
{
    bool begun = link->part != link_first_part(link);

    if (number < link->head || number >= link->tail + (begun ? 1 : 0)) {
        return false;
    }
    *seq = link->units[number % link->config.window].until;
    return true;
}

uint64_t nx_link_cursor(const struct nx_link *link)
{
    return link->mark.cursor;
}

void nx_link_counts(const struct nx_link *link, struct nx_link_counts *out)
{
    bool begun = link->part != link_first_part(link); /* `next` is half sent */
    uint64_t first = link->head < link->tail
                         ? link->units[link->head % link->config.window].after + 1
                         : link->next;

    *out = (struct nx_link_counts){
        .stored = link->stored,
        .sent = link->mark.sent,
        .filtered = link->mark.filtered,
        .dead = link->mark.dead,
        .dropped = link->mark.dropped,
        .waiting = link->stored - link->mark.cursor,
        .inflight = link->next - first + (begun ? 1 : 0),
        .units = (uint32_t)(link->tail - link->head) + (begun ? 1 : 0),
        .unit_rows = link->rows_max,
    };
}
