/*
 * store_bench.c - what a reading costs in the cache, and how fast it is found again.
 *
 *   store_bench [--rows N] [--batch N] [--streams N] [--bytes N] [--dir DIR]
 *
 * Appends, commits each batch (FULL sync), then asks for the last value of streams, for the newest
 * 1,440 readings of a stream (a day, one a minute), and for records by number. CPU is this process
 * alone, so it holds also on a busy machine; the wall clock does not.
 */
#include "bridge/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_MAX = 65536, QUESTIONS = 200, DAY = 1440 };

struct bench {
    uint64_t rows, batch, streams, bytes;
    const char *dir;
    char path[512];
    char payload[BYTES_MAX];
};

static double cpu_us(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double wall_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct nx_span topic_of(uint64_t stream, char *room, size_t room_size)
{
    (void)snprintf(room, room_size, "nexus/birmingham/air/STATION%" PRIu64 "/observation", stream);
    return nx_span_from(room);
}

static enum nx_err fill(struct bench *bench, struct nx_store *store, struct nx_diag *diag)
{
    struct nx_reading reading = {
        .observed_at = NX_SPAN("2026-01-31T15:00:00Z"),
        .original = {bench->payload, bench->bytes},
        .canonical = {bench->payload, bench->bytes},
    };
    double cpu = cpu_us();
    double wall = wall_us();
    enum nx_err err = NX_OK;
    char room[128];
    uint64_t seq;

    for (uint64_t i = 0; i < bench->rows && err == NX_OK; i++) {
        reading.topic = topic_of(i * 7919 % bench->streams, room, sizeof(room));
        reading.packet_id = (uint16_t)(i % 57343 + 1);
        reading.received_ms = 1769871600000 + (int64_t)i;
        err = nx_store_append(store, &reading, &seq, diag);
        if (err == NX_OK && (i + 1) % bench->batch == 0) {
            err = nx_store_commit(store, diag);
        }
    }
    err = err == NX_OK ? nx_store_commit(store, diag) : err;
    (void)printf("append and commit: %.2f us of CPU, %.2f us of wall time a reading\n",
                 (cpu_us() - cpu) / (double)bench->rows, (wall_us() - wall) / (double)bench->rows);
    return err;
}

static enum nx_err count(void *ctx, const struct nx_reading *row)
{
    (void)row;
    ++*(uint64_t *)ctx;
    return NX_OK;
}

static void ask(struct bench *bench, struct nx_store *store, const char *what, uint64_t limit)
{
    double cpu = cpu_us();
    uint64_t found = 0;
    char room[128];

    for (uint64_t i = 0; i < QUESTIONS; i++) {
        const struct nx_store_query query = {
            .filter = topic_of(i * 31 % bench->streams, room, sizeof(room)), .limit = limit};

        (void)nx_store_history(store, &query, count, &found, NULL);
    }
    (void)printf("%s: %.1f us of CPU a question, %.0f readings each\n", what,
                 (cpu_us() - cpu) / QUESTIONS, (double)found / QUESTIONS);
}

static void get(struct bench *bench, struct nx_store *store)
{
    double cpu = cpu_us();
    uint64_t reads = bench->rows < 100000 ? bench->rows : 100000;
    struct nx_reading got;
    struct nx_buf bytes;

    nx_buf_init(&bytes, 4 * BYTES_MAX);
    for (uint64_t seq = 1; seq <= reads; seq++) {
        (void)nx_store_get(store, seq, &bytes, &got, NULL);
    }
    nx_buf_fini(&bytes);
    (void)printf("read by number, in order: %.2f us of CPU a reading\n",
                 (cpu_us() - cpu) / (double)reads);
}

static void thin(struct bench *bench, struct nx_store *store)
{
    const struct nx_store_limits limits = {.before_ms =
                                               1769871600000 + (int64_t)(bench->rows / 10)};
    struct nx_store_thinned out = {.more = true};
    double cpu = cpu_us();
    uint64_t removed = 0;

    (void)nx_store_settle(store, nx_store_last(store), NULL);
    while (out.more && nx_store_thin(store, UINT64_MAX, &limits, 512, &out, NULL) == NX_OK &&
           nx_store_commit(store, NULL) == NX_OK) {
        removed += out.removed;
    }
    (void)printf("retention: %.2f us of CPU a removed reading, %" PRIu64 " removed\n",
                 (cpu_us() - cpu) / (double)(removed > 0 ? removed : 1), removed);
}

static uint64_t word(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0) {
            return strtoull(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

static void memory(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("memory: %ld MiB at most\n", used.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    const struct nx_store_options options = {.now_ms = 1, .random = 1};
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    enum nx_err err;

    bench.rows = word(argc, argv, "--rows", 200000);
    bench.batch = word(argc, argv, "--batch", 200);
    bench.streams = word(argc, argv, "--streams", 1000);
    bench.bytes = word(argc, argv, "--bytes", 379);
    bench.dir = argc > 2 && strcmp(argv[argc - 2], "--dir") == 0 ? argv[argc - 1] : "/tmp";
    if (bench.bytes > BYTES_MAX || bench.streams == 0 || bench.batch == 0) {
        return 2;
    }
    memset(bench.payload, 'x', bench.bytes);
    (void)snprintf(bench.path, sizeof(bench.path), "%s/store-bench-%ld.db", bench.dir,
                   (long)getpid());
    err = nx_store_open(bench.path, &options, NULL, &store, &diag);
    err = err == NX_OK ? fill(&bench, store, &diag) : err;
    if (err != NX_OK) {
        (void)fprintf(stderr, "%s: %s\n", diag.file, diag.text);
    } else {
        ask(&bench, store, "last value", 1);
        ask(&bench, store, "a day of a stream", DAY);
        get(&bench, store);
        thin(&bench, store);
        memory();
    }
    nx_store_close(store);
    (void)unlink(bench.path);
    return err == NX_OK ? 0 : 1;
}
