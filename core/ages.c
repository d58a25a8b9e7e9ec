/*
 * ages.c - a ring of notes.
 */
#include "core/ages.h"

enum { STEPS_OF_AN_AGE = 32 };

void nx_ages_init(struct nx_ages *ages, uint64_t age_ms, uint64_t seq, uint64_t now_ms)
{
    *ages = (struct nx_ages){.step_ms = age_ms / STEPS_OF_AN_AGE + 1, .first = seq, .count = 1};
    ages->notes[0].seq = seq;
    ages->notes[0].at_ms = now_ms;
}

void nx_ages_note(struct nx_ages *ages, uint64_t seq, uint64_t now_ms)
{
    uint64_t at = (ages->count - 1) % NX_AGES_NOTES;

    if (seq > ages->notes[at].seq && now_ms - ages->notes[at].at_ms >= ages->step_ms) {
        at = ages->count++ % NX_AGES_NOTES;
        ages->notes[at].seq = seq;
        ages->notes[at].at_ms = now_ms;
    }
}

uint64_t nx_ages_older(const struct nx_ages *ages, uint64_t age_ms, uint64_t now_ms)
{
    uint64_t oldest = ages->count > NX_AGES_NOTES ? ages->count - NX_AGES_NOTES : 0;

    for (uint64_t i = ages->count; i-- > oldest;) {
        uint64_t at = i % NX_AGES_NOTES;

        if (now_ms - ages->notes[at].at_ms > age_ms) {
            return ages->notes[at].seq;
        }
    }
    return ages->first;
}

int64_t nx_slow_clock_ms(struct nx_slow_clock *clock, int64_t wall_ms, uint64_t now_ms)
{
    const int64_t most_ms = clock->wall_ms + 2 * (int64_t)(now_ms - clock->at_ms);

    if (clock->wall_ms == 0 || wall_ms < most_ms) {
        clock->wall_ms = wall_ms;
    } else {
        clock->wall_ms = most_ms;
    }
    clock->at_ms = now_ms;
    return clock->wall_ms;
}
