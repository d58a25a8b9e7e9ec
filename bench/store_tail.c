/*
 * store_tail.c - how long after its arrival a reading is durable, at a steady rate, in turns of a
 * second with what the disk alone needs: 4 KiB written over old ones and made durable. A busy machine
 * slows both; the difference is the store's.
 */
#include "bench/store_bench.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FLOOR_BLOCK = 4096, FLOOR_BLOCKS = 2048, SECONDS_MAX = 600, RATE_MAX = 10000 };

struct series {
    double *us;
    size_t count;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static void series_print(struct series *series, const char *what)
{
    const double *us = series->us;
    size_t n = series->count;

    if (n == 0) {
        return;
    }
    qsort(series->us, n, sizeof(us[0]), by_value);
    (void)printf("%-28s p50 %6.2f  p90 %6.2f  p99 %6.2f  p99.9 %6.2f  max %6.2f ms\n", what,
                 us[n / 2] / 1e3, us[n * 90 / 100] / 1e3, us[n * 99 / 100] / 1e3,
                 us[n * 999 / 1000] / 1e3, us[n - 1] / 1e3);
}

/* A file whose blocks are all written, so that writing them again changes nothing but bytes. */
static int floor_open(const char *path)
{
    static const char block[FLOOR_BLOCK];
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (int i = 0; fd >= 0 && i < FLOOR_BLOCKS; i++) {
        if (pwrite(fd, block, sizeof(block), (off_t)i * FLOOR_BLOCK) != FLOOR_BLOCK) {
            (void)close(fd);
            return -1;
        }
    }
    if (fd >= 0) {
        (void)fsync(fd);
    }
    return fd;
}

static enum nx_err floor_write(int fd, uint64_t n)
{
    static char block[FLOOR_BLOCK];

    memset(block, (int)(n % 251), sizeof(block));
    return pwrite(fd, block, sizeof(block), (off_t)(n % FLOOR_BLOCKS) * FLOOR_BLOCK) ==
                       FLOOR_BLOCK &&
                   fdatasync(fd) == 0
               ? NX_OK
               : NX_ERR_IO;
}

/* What is due: appended and committed, or on the bare disk (fd) written in one piece. */
static enum nx_err write_due(struct store_bench *bench, int fd, uint64_t n, uint64_t count)
{
    enum nx_err err = NX_OK;

    if (fd >= 0) {
        return floor_write(fd, n);
    }
    for (uint64_t i = 0; i < count && err == NX_OK; i++) {
        err = store_bench_append(bench, n + i);
    }
    return err == NX_OK ? nx_store_commit(bench->store, &bench->diag) : err;
}

/*
 * A second of either; fd -1: of the store. Readings come at a steady rate and do not wait: what came
 * while a commit took its time goes into the next, as in a bridge, and is late by as much.
 */
static enum nx_err second(struct store_bench *bench, int fd, struct series *series)
{
    double start = store_bench_wall_us();
    double step = 1e6 / (double)bench->rate;
    uint64_t done = 0;
    enum nx_err err = NX_OK;

    while (done < bench->rate && err == NX_OK) {
        double now = store_bench_wall_us();
        uint64_t due = now < start ? 0 : (uint64_t)((now - start) / step) + 1;

        due = due < bench->rate ? due : bench->rate;
        if (due == done) {
            double rest = start + (double)done * step - now;

            (void)nanosleep(&(struct timespec){.tv_nsec = (long)(rest > 0 ? rest * 1e3 : 0)}, NULL);
            continue;
        }
        err = write_due(bench, fd, series->count, due - done);
        now = store_bench_wall_us();
        for (; done < due; done++) {
            series->us[series->count++] = now - (start + (double)done * step);
        }
    }
    return err;
}

enum nx_err store_bench_tail(struct store_bench *bench)
{
    size_t max = bench->rate * bench->seconds;
    struct series store = {.us = NULL};
    struct series bare = {.us = NULL};
    char path[sizeof(bench->path) + sizeof(".floor")];
    enum nx_err err = NX_ERR_LIMIT;
    int fd;

    if (bench->rate == 0 || bench->rate > RATE_MAX || bench->seconds > SECONDS_MAX) {
        return err;
    }
    (void)snprintf(path, sizeof(path), "%s.floor", bench->path);
    fd = floor_open(path);
    store.us = calloc(max + 1, sizeof(store.us[0]));
    bare.us = calloc(max + 1, sizeof(bare.us[0]));
    err = fd >= 0 && store.us != NULL && bare.us != NULL ? NX_OK : NX_ERR_IO;
    for (uint64_t i = 0; i < bench->seconds && err == NX_OK; i++) {
        err = second(bench, fd, &bare);
        err = err == NX_OK ? second(bench, -1, &store) : err;
    }
    (void)printf("%" PRIu64 " a second, from arrival to durable:\n", bench->rate);
    series_print(&bare, "4 KiB over old, fdatasync");
    series_print(&store, "append and commit");
    free(store.us);
    free(bare.us);
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    return err;
}
