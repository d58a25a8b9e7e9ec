/*
 * bench.h - what the benchmarks share: the clock, samples, a seeded generator, files.
 *
 * Nothing here decides pass or fail: a benchmark prints figures. Other load on the machine only
 * ever adds time, so the minimum of many short batches is the figure to compare; the median says
 * how much load there was.
 */
#ifndef NX_BENCH_H
#define NX_BENCH_H

#include "core/base/buf.h"
#include "core/base/span.h"

#include <stdint.h>

enum {
    BENCH_BATCHES_MAX = 2000,
    BENCH_FILE_BYTES_MAX = 1024 * 1024,
};

struct bench_samples {
    double ns[BENCH_BATCHES_MAX];
    unsigned count;
};

uint64_t bench_clock_ns(void); /* monotonic */

/* Adds one batch: `ns` for all of its messages. Batches over the maximum are dropped. */
void bench_add(struct bench_samples *samples, uint64_t ns, uint32_t messages);
double bench_minimum(const struct bench_samples *samples);
double bench_median(struct bench_samples *samples); /* sorts the samples */

/* The next number of the generator (splitmix64), and one below `bound`. */
uint64_t bench_random(uint64_t *state);
uint32_t bench_below(uint64_t *state, uint32_t bound);

/* An unsigned option's value; exits with 2 and a word when it is not one within 1..max. */
uint32_t bench_option(const char *name, const char *value, uint32_t max);

/* The bytes of the file; exits with 2 and the reason when it cannot be read. */
void bench_read(const char *path, struct nx_buf *out);

/* Says why the benchmark cannot go on, and exits with 2. */
_Noreturn void bench_die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
