/*
 * count.h - how many instructions a part of this program takes, counted by valgrind's callgrind:
 * the same on a busy machine as on an idle one.
 */
#ifndef NX_BENCH_COUNT_H
#define NX_BENCH_COUNT_H

/*
 * Runs this program once more as `PROGRAM --once FIRST SECOND` and returns the instructions within
 * the functions that `function` names (a `*` at its end stands for what a compiler appends); a
 * SECOND of 0 is left out. Ends the program when valgrind cannot be run.
 */
double bench_count(const char *function, unsigned first, unsigned second);

/* The number behind "totals: " in what callgrind wrote to `path`; 0: there is none. */
double bench_count_total(const char *path);

#endif
