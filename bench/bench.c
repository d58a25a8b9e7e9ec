/*
 * bench.c - the clock, samples, the generator and files of the benchmarks.
 */
#include "bench/bench.h"

#include "core/os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t bench_clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_add(struct bench_samples *samples, uint64_t ns, uint32_t messages)
{
    if (samples->count < BENCH_BATCHES_MAX) {
        samples->ns[samples->count++] = (double)ns / messages;
    }
}

double bench_minimum(const struct bench_samples *samples)
{
    double least = samples->count > 0 ? samples->ns[0] : 0;

    for (unsigned i = 1; i < samples->count; i++) {
        least = samples->ns[i] < least ? samples->ns[i] : least;
    }
    return least;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

double bench_median(struct bench_samples *samples)
{
    qsort(samples->ns, samples->count, sizeof(samples->ns[0]), by_value);
    return samples->count > 0 ? samples->ns[samples->count / 2] : 0;
}

uint64_t bench_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint32_t bench_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((bench_random(state) >> 32) * bound >> 32);
}

uint32_t bench_option(const char *name, const char *value, uint32_t max)
{
    char *end = NULL;
    unsigned long number = 0;

    errno = 0;
    if (value != NULL && *value >= '0' && *value <= '9') {
        number = strtoul(value, &end, 10);
    }
    if (end == NULL || *end != '\0' || errno != 0 || number < 1 || number > max) {
        bench_die("%s takes a number from 1 to %u", name, max);
    }
    return (uint32_t)number;
}

void bench_read(const char *path, struct nx_buf *out)
{
    struct nx_diag diag = {0};

    nx_buf_init(out, BENCH_FILE_BYTES_MAX);
    if (nx_file_read(path, out, &diag) != NX_OK) {
        bench_die("%s: %s", path, diag.text);
    }
}

_Noreturn void bench_die(const char *fmt, ...)
{
    va_list args;

    (void)fputs("bench: ", stderr);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(2);
}
