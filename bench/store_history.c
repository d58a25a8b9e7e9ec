/*
 * store_history.c - how long an operator waits for a day of one stream (1,440 readings) or its last
 * value: the newest day there is, one in the middle, the oldest.
 *
 * warm  the file is in the system's memory as far as it fits there; each question has been asked once
 * cold  none of the file is (POSIX_FADV_DONTNEED), and the reader is opened anew: what is timed is
 *       opening and asking, as `nexusctl cache history` would
 */
#include "bench/store_bench.h"

#include "core/base/buf.h"
#include "core/os/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WARM_QUESTIONS = 60, WARM_ROUNDS = 5, COLD_QUESTIONS = 5, DAY_MS = 86400000 };

struct question {
    const char *name;
    bool last; /* not a day */
    int64_t from_ms, to_ms;
};

static enum nx_err count(void *ctx, const struct nx_reading *row)
{
    (void)row;
    ++*(uint64_t *)ctx;
    return NX_OK;
}

static enum nx_err put(struct store_bench *bench, struct nx_store *reader,
                       const struct question *question, uint64_t stream, uint64_t *found)
{
    char room[128];
    const struct nx_store_query query = {
        .filter = store_bench_topic(stream % bench->streams, room, sizeof(room)),
        .from_ms = question->from_ms,
        .to_ms = question->to_ms};

    *found = 0;
    return question->last ? nx_store_latest(reader, &query, count, found, &bench->diag)
                          : nx_store_history(reader, &query, count, found, &bench->diag);
}

/* --- warm -------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The least of some rounds: other load on the machine only ever adds. */
static enum nx_err ask_warm(struct store_bench *bench, struct nx_store *reader,
                            const struct question *question)
{
    double us[WARM_QUESTIONS];
    double cpu[WARM_QUESTIONS];
    uint64_t found = 0;
    enum nx_err err = NX_OK;

    for (uint64_t i = 0; i < WARM_QUESTIONS && err == NX_OK; i++) {
        us[i] = cpu[i] = 1e12;
        for (int round = 0; round <= WARM_ROUNDS && err == NX_OK; round++) {
            double wall = store_bench_wall_us();
            double used = cpu_us();

            err = put(bench, reader, question, i * 31, &found);
            wall = store_bench_wall_us() - wall;
            used = cpu_us() - used;
            us[i] = round > 0 && wall < us[i] ? wall : us[i];
            cpu[i] = round > 0 && used < cpu[i] ? used : cpu[i];
        }
    }
    qsort(us, WARM_QUESTIONS, sizeof(us[0]), by_value);
    qsort(cpu, WARM_QUESTIONS, sizeof(cpu[0]), by_value);
    (void)printf("warm, %-18s p50 %8.3f  max %8.3f ms, p50 %8.3f ms of CPU, %" PRIu64 " readings\n",
                 question->name, us[WARM_QUESTIONS / 2] / 1e3, us[WARM_QUESTIONS - 1] / 1e3,
                 cpu[WARM_QUESTIONS / 2] / 1e3, found);
    return err;
}

/* --- cold -------------------------------------------------------------------------------------- */

static uint64_t own_number(const char *path, const char *name)
{
    struct nx_buf text;
    const char *at = NULL;
    uint64_t number = 0;

    nx_buf_init(&text, 8192);
    if (nx_file_read(path, &text, NULL) == NX_OK && nx_buf_byte(&text, '\0') == NX_OK) {
        at = strstr(text.data, name);
        number = at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
    }
    nx_buf_fini(&text);
    return number;
}

static enum nx_err forget_pages(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

    if (fd >= 0) {
        (void)close(fd);
    }
    return rc == 0 ? NX_OK : NX_ERR_IO;
}

static enum nx_err ask_cold(struct store_bench *bench, const struct question *question)
{
    double us[COLD_QUESTIONS];
    uint64_t found = 0;
    uint64_t read = own_number("/proc/self/io", "read_bytes: ");
    enum nx_err err = NX_OK;

    for (uint64_t i = 0; i < COLD_QUESTIONS && err == NX_OK; i++) {
        struct nx_store *reader = NULL;

        err = forget_pages(bench->path);
        us[i] = store_bench_wall_us();
        err = err == NX_OK ? nx_store_open_read(bench->path, &reader, &bench->diag) : err;
        err = err == NX_OK ? put(bench, reader, question, i * 173 + 7, &found) : err;
        us[i] = store_bench_wall_us() - us[i];
        nx_store_close(reader);
    }
    read = own_number("/proc/self/io", "read_bytes: ") - read;
    qsort(us, COLD_QUESTIONS, sizeof(us[0]), by_value);
    (void)printf("cold, %-18s p50 %8.1f  max %8.1f ms, %" PRIu64 " readings, %.1f MiB of disk\n",
                 question->name, us[COLD_QUESTIONS / 2] / 1e3, us[COLD_QUESTIONS - 1] / 1e3, found,
                 (double)read / COLD_QUESTIONS / 1048576);
    return err;
}

/* --- all of it --------------------------------------------------------------------------------- */

enum nx_err store_bench_history(struct store_bench *bench)
{
    int64_t start = store_bench_time(bench, 0);
    int64_t end = store_bench_time(bench, bench->rows);
    int64_t middle = start + (end - start) / 2;
    const struct question questions[] = {
        {"last value", true, 0, 0},
        {"newest day", false, end - DAY_MS, 0},
        {"day in the middle", false, middle, middle + DAY_MS},
        {"oldest day", false, start, start + DAY_MS},
    };
    enum { COUNT = sizeof(questions) / sizeof(questions[0]) };
    struct nx_store *reader = NULL;
    enum nx_err err = nx_store_open_read(bench->path, &reader, &bench->diag);

    for (int i = 0; i < COUNT && err == NX_OK; i++) {
        err = ask_warm(bench, reader, &questions[i]);
    }
    nx_store_close(reader);
    (void)printf("memory of the reader: %.1f MiB of its own\n",
                 (double)own_number("/proc/self/status", "RssAnon:") / 1024);
    for (int i = 0; i < COUNT && err == NX_OK; i++) {
        err = ask_cold(bench, &questions[i]);
    }
    return err;
}
