/*
 * link_batch.c - records that go in batches to a receiver that knows what it has had: each batch
 * has one answer of the peer's broker, and it is taken whole or refused whole.
 *
 * Nothing goes before the receiver was asked what it has. When a batch is refused, nothing more
 * goes, the answers to what is still in flight are awaited (they are refusals too, because each
 * batch continues its neighbour), and then the receiver is asked again: one way to resume, after a
 * cut, a crash and a refusal alike. A receiver drops what it has had, so that sending too much
 * again is never wrong.
 */
#include "core/link_state.h"

#include <assert.h>
#include <string.h>

enum { DOUBLINGS_MAX = 16, GROWTH_PART = 16 };

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* ask_ms_min, doubled so many times, ask_ms_max at most. */
static uint64_t patience_ms(const struct nx_link *link, uint32_t times)
{
    uint64_t ms = (uint64_t)link->config.ask_ms_min << at_most(times, DOUBLINGS_MAX);

    return at_most(ms, link->config.ask_ms_max);
}

/* --- what has the receiver? ------------------------------------------------------------------- */

void link_begin_asking(struct nx_link *link, uint64_t now_ms)
{
    link_forget(link);
    link->questions = 0;
    link->ask_at_ms = now_ms + (link->refusals > 1 ? patience_ms(link, link->refusals - 2) : 0);
    link_enter(link, NX_LINK_ASKING, now_ms);
}

bool nx_link_ask(const struct nx_link *link, uint64_t now_ms)
{
    return link->state == NX_LINK_ASKING && link->unanswered == 0 && now_ms >= link->ask_at_ms &&
           now_ms >= link->pause_until_ms;
}

void nx_link_asked(struct nx_link *link, uint64_t now_ms)
{
    assert(link->state == NX_LINK_ASKING);
    link->ask_at_ms = now_ms + patience_ms(link, link->questions);
    link->questions++;
}

void nx_link_ask_later(struct nx_link *link, uint64_t now_ms)
{
    assert(link->state == NX_LINK_ASKING);
    link->ask_at_ms = now_ms + link->config.ask_ms_min;
}

bool nx_link_ask_further(struct nx_link *link, uint64_t now_ms)
{
    if (link->state != NX_LINK_ASKING || link->questions == 0) {
        return false;
    }
    link->questions = 0;
    link->ask_at_ms = now_ms;
    return true;
}

uint32_t nx_link_unanswered_questions(const struct nx_link *link)
{
    return link->questions;
}

uint32_t nx_link_refusals(const struct nx_link *link)
{
    return link->refusals;
}

enum nx_link_told nx_link_told(struct nx_link *link, bool known, uint64_t mark, uint64_t now_ms)
{
    uint64_t had = known ? mark : 0;
    uint64_t from = mark > link->mark.given_up ? mark : link->mark.given_up;
    bool repair = known && from < link->mark.cursor;

    if (link->state != NX_LINK_ASKING || link->questions == 0) {
        return NX_LINK_TOLD_IGNORED;
    }
    if (had > link->stored) {
        link->ask_at_ms = now_ms + link->config.ask_ms_max;
        return NX_LINK_TOLD_BEYOND;
    }
    if (had > link->had) {
        link->refusals = 0; /* something of what was refused was taken */
    }
    link->had = had;
    link->reach = known ? mark : link->mark.cursor;
    link->questions = 0;
    link->next = repair ? from + 1 : link->mark.cursor + 1;
    link->doubt = had > link->mark.cursor ? had : link->mark.cursor;
    link_enter(link, NX_LINK_SENDING, now_ms);
    link_assert(link);
    return repair ? NX_LINK_TOLD_REPAIR : NX_LINK_TOLD_ON;
}

void nx_link_repair_from(struct nx_link *link, uint64_t seq)
{
    assert(link->head == link->tail);
    if (seq > link->next && link->next <= link->mark.cursor) {
        link->next = at_most(seq, link->mark.cursor + 1);
    }
    link_assert(link);
}

void nx_link_set_borders(struct nx_link *link, const uint64_t *borders, size_t count)
{
    assert(count <= NX_LINK_BORDERS_MAX && link->head == link->tail);
    memcpy(link->borders, borders, count * sizeof(*borders));
    link->borders_count = count;
}

/* --- sending --------------------------------------------------------------------------------- */

void nx_link_narrow(struct nx_link *link)
{
    link->units_max = 1;
}

void nx_link_pause(struct nx_link *link, uint64_t wait_ms, uint64_t now_ms)
{
    uint64_t until_ms = now_ms + at_most(wait_ms, link->config.ask_ms_max);

    link->pause_until_ms = until_ms > link->pause_until_ms ? until_ms : link->pause_until_ms;
}

/* Is it worth a batch now? Idle: each at once. Under load they fill up. */
static bool is_due(const struct nx_link *link, uint64_t rows, uint64_t now_ms)
{
    if (now_ms < link->pause_until_ms || link->tail - link->head >= link->units_max ||
        link_allowance(link, now_ms) < link_worth(link)) {
        return false;
    }
    return rows >= link->rows_max || link->tail - link->head < (link->config.window + 1) / 2;
}

/* L10: cuts *last off at the next border. False: what lies before one is not all answered. */
static bool within_borders(struct nx_link *link, uint64_t *last)
{
    uint64_t behind = link->next - 1; /* all before it are out */

    for (size_t i = 0; i < link->borders_count; i++) {
        uint64_t border = link->borders[i];

        if (border > behind) {
            *last = at_most(*last, border);
        } else if (link->head < link->tail && link_unit(link, link->head)->after < border) {
            return false;
        }
    }
    return true;
}

bool link_batch_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step)
{
    uint64_t cursor = link->mark.cursor;
    uint64_t last = link->stored;
    bool had = link->next <= link->had;

    if (link->next > link->stored || link_full(link)) {
        return false;
    }
    if (!had && !is_due(link, link->stored - link->next + 1, now_ms)) {
        return false;
    }
    if (link->next - 1 > link->reach && link->next - 1 > link->saved.cursor) {
        return false; /* L9 */
    }
    last = at_most(last, link->next - 1 + at_most(link->rows_max, link_allowance(link, now_ms)));
    if (had) {
        last = at_most(at_most(link->had, link->stored), link->next - 1 + link->rows_max);
    }
    if (link->next <= cursor) {
        last = at_most(last, cursor); /* L7 */
    }
    if (!within_borders(link, &last)) {
        return false;
    }
    *step = (struct nx_link_step){.unit = link->tail,
                                  .seq = link->next,
                                  .last = last,
                                  .had = had,
                                  .jump = link->next - 1 > link->reach};
    return true;
}

void nx_link_batch_sent(struct nx_link *link, const struct nx_link_batch *batch, uint64_t now_ms)
{
    struct link_unit *unit = link_unit(link, link->tail);
    bool had = link->next <= link->had;
    uint32_t dead = 0;

    assert(link->state == NX_LINK_SENDING && link->config.batch_max > 0); /* L2 */
    assert(batch->until >= link->next && batch->until <= link->stored);
    for (int i = 0; i < NX_LINK_BATCH_WORDS; i++) {
        dead += (uint32_t)__builtin_popcountll(batch->dead[i]);
    }
    memcpy(link_dead_words(link, link->tail), batch->dead, sizeof(batch->dead));
    *unit = (struct link_unit){.after = link->next - 1,
                               .until = batch->until,
                               .filtered = batch->filtered,
                               .dead = dead,
                               .open = had ? 0 : 1};
    link->unanswered += had ? 0 : 1;
    if (!had) {
        link_spend(link, batch->until - link->next + 1, now_ms);
    }
    link->doubt = batch->until > link->doubt ? batch->until : link->doubt;
    link->tail++;
    link->reach = batch->until > link->reach ? batch->until : link->reach;
    link->next = batch->until + 1;
    link_settle(link, now_ms);
    link_assert(link);
}

/* --- answers --------------------------------------------------------------------------------- */

void link_batch_taken(struct nx_link *link)
{
    if (link->config.batch_max > 0) {
        link->refusals = 0;
        link->rows_max += link->rows_max / GROWTH_PART + 1;
        link->rows_max = (uint32_t)at_most(link->rows_max, link->config.batch_max);
        link->units_max += link->units_max < link->config.window ? 1 : 0;
    }
}

void nx_link_shrink(struct nx_link *link, uint64_t numbers)
{
    link->rows_max = (uint32_t)at_most(link->rows_max, numbers > 0 ? numbers : 1);
}

/* The second refusal in a row halves the batches: down to the one record that is in the way. */
void link_batch_refused(struct nx_link *link, uint64_t now_ms)
{
    link->refusals++;
    if (link->refusals > 1 && link->rows_max > 1) {
        link->rows_max /= 2;
    }
    if (link->state == NX_LINK_DRAINING) {
        link_forget(link); /* no more is awaited: the next start asks */
        return;
    }
    link_begin_asking(link, now_ms);
}

enum nx_link_death nx_link_died(struct nx_link *link, uint64_t seq)
{
    if (seq <= link->mark.cursor) {
        return NX_LINK_DEATH_LATE;
    }
    for (uint64_t number = link->head; number < link->tail; number++) {
        struct link_unit *unit = link_unit(link, number);

        if (seq > unit->after && seq <= unit->until) {
            uint64_t at = seq - unit->after - 1;
            uint64_t bit = UINT64_C(1) << at % 64;
            uint64_t *word;

            if (unit->dropped > 0) {
                return NX_LINK_DEATH_COUNTED;
            }
            word = &link_dead_words(link, number)[at / 64];
            unit->dead += (*word & bit) == 0 ? 1 : 0;
            *word |= bit;
            return NX_LINK_DEATH_COUNTED;
        }
    }
    return NX_LINK_DEATH_EARLY;
}

void nx_link_died_late(struct nx_link *link, uint64_t count, uint64_t now_ms)
{
    count = at_most(count, link->mark.sent);
    link->mark.sent -= count;
    link->mark.dead += count;
    link_touch(link, now_ms);
    link_assert(link);
}
