/*
 * ages.h - how old a record is, by the monotonic clock: which number was the newest at which time.
 * Wall clocks jump; who gives up readings because of their age must not believe one. Pure: time is
 * an argument. Coarse by intent: a few notes answer for any number of records.
 */
#ifndef NX_AGES_H
#define NX_AGES_H

#include <stdint.h>

enum { NX_AGES_NOTES = 64 };

struct nx_ages {
    uint64_t step_ms; /* between two notes */
    uint64_t first;   /* records up to here were there before: their age is not known here */
    struct {
        uint64_t seq, at_ms;
    } notes[NX_AGES_NOTES]; /* a ring, by count */
    uint64_t count;
};

/* For questions about `age_ms`, answered to within a thirty-second part of it. */
void nx_ages_init(struct nx_ages *ages, uint64_t age_ms, uint64_t seq, uint64_t now_ms);

/* `seq` is the newest record now. */
void nx_ages_note(struct nx_ages *ages, uint64_t seq, uint64_t now_ms);

/* The newest record that is surely older than `age_ms`; those before `first` are not judged, so
 * `first` at the least. */
uint64_t nx_ages_older(const struct nx_ages *ages, uint64_t age_ms, uint64_t now_ms);

/*
 * For ages that outlive a process, and so have to be told from a wall clock: one that follows it ahead
 * no faster than at twice the speed of time, and back at once. So after a jump ahead nothing seems
 * older by more than the time that the jump has lasted. Zeroed it begins anew.
 */
struct nx_slow_clock {
    int64_t wall_ms;
    uint64_t at_ms; /* monotonic; with wall_ms 0: not begun */
};
int64_t nx_slow_clock_ms(struct nx_slow_clock *clock, int64_t wall_ms, uint64_t now_ms);

#endif
