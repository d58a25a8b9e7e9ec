/*
 * store_bench.c - what a reading costs in the cache, and how fast it is found again.
 *
 *   store_bench [write|tail|history] [--rows N] [--batch N] [--streams N] [--original BYTES]
 *               [--canonical BYTES] [--rate N] [--seconds N] [--dir DIR] [--db FILE]
 *               [--instructions 1]
 *
 * write    appends, commits each batch (FULL sync), asks for last values, for the newest 1,440 of a
 *          stream (a day, one a minute), for records by number, and lets retention remove some
 * tail     single readings at a steady rate, one a transaction, beside what the disk alone needs
 * history  a day of a stream among many rows, the newest, in the middle and the oldest, and its last
 *          value; warm and cold. With --db the cache is kept, and used if it is there already.
 *
 * CPU is this process alone, so it holds also on a busy machine; the wall clock does not. Calls are
 * counted by the kernel. With --instructions valgrind's callgrind runs `write` and counts what
 * happens below fill().
 */
#include "bench/store_bench.h"

#include "core/base/buf.h"
#include "core/os/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BYTES_MAX = 65536, QUESTIONS = 100, DAY = 1440 };

/* --- measuring --------------------------------------------------------------------------------- */

struct spent {
    double cpu_us, wall_us;
    uint64_t reads, writes, bytes; /* calls to the kernel, and bytes that were written by them */
};

double store_bench_wall_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* https://man7.org/linux/man-pages/man5/proc_pid_io.5.html */
static uint64_t io_number(const struct nx_buf *text, const char *name)
{
    const char *at = strstr(text->data, name);

    return at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static struct spent spent_until_now(void)
{
    struct spent out = {.wall_us = store_bench_wall_us()};
    struct rusage used;
    struct nx_buf text;

    (void)getrusage(RUSAGE_SELF, &used);
    out.cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    nx_buf_init(&text, 4096);
    if (nx_file_read("/proc/self/io", &text, NULL) == NX_OK && nx_buf_byte(&text, '\0') == NX_OK) {
        out.reads = io_number(&text, "syscr: ");
        out.writes = io_number(&text, "syscw: ");
        out.bytes = io_number(&text, "wchar: ");
    }
    nx_buf_fini(&text);
    return out;
}

/* --- writing ----------------------------------------------------------------------------------- */

struct nx_span store_bench_topic(uint64_t stream, char *room, size_t room_size)
{
    (void)snprintf(room, room_size, "nexus/birmingham/air/STATION%" PRIu64 "/observation", stream);
    return nx_span_from(room);
}

/* Each stream has a reading a minute. */
int64_t store_bench_time(const struct store_bench *bench, uint64_t n)
{
    return 1769871600000 + (int64_t)(n * 60000 / bench->streams);
}

enum nx_err store_bench_append(struct store_bench *bench, uint64_t n)
{
    static char payload[BYTES_MAX];
    char room[128];
    uint64_t seq;
    struct nx_reading reading = {
        .topic = store_bench_topic(n * 7919 % bench->streams, room, sizeof(room)),
        .packet_id = (uint16_t)(n % 57343 + 1),
        .received_ms = store_bench_time(bench, n),
        .observed_at = NX_SPAN("2026-01-31T15:00:00Z"),
        .original = {payload, bench->original},
        .canonical = {payload, bench->canonical},
    };

    if (payload[0] == '\0') {
        memset(payload, 'x', sizeof(payload));
    }
    return nx_store_append(bench->store, &reading, &seq, &bench->diag);
}

/* Its name is an argument of callgrind, with a star: the compiler may add to it. */
__attribute__((noinline)) static enum nx_err fill(struct store_bench *bench)
{
    enum nx_err err = NX_OK;

    for (uint64_t i = 0; i < bench->rows && err == NX_OK; i++) {
        err = store_bench_append(bench, i);
        if (err == NX_OK && (i + 1) % bench->batch == 0) {
            err = nx_store_commit(bench->store, &bench->diag);
        }
    }
    return err == NX_OK ? nx_store_commit(bench->store, &bench->diag) : err;
}

static enum nx_err measured_fill(struct store_bench *bench)
{
    struct spent before = spent_until_now();
    enum nx_err err = fill(bench);
    struct spent after = spent_until_now();
    double rows = (double)bench->rows;

    (void)printf(
        "append and commit, %" PRIu64 " a transaction: %.2f us of CPU, %.2f us of wall"
        " time, %.3f writes of %.0f bytes, %.3f reads a reading\n",
        bench->batch, (after.cpu_us - before.cpu_us) / rows,
        (after.wall_us - before.wall_us) / rows, (double)(after.writes - before.writes) / rows,
        (double)(after.bytes - before.bytes) / rows, (double)(after.reads - before.reads) / rows);
    return err;
}

/* --- reading ----------------------------------------------------------------------------------- */

static enum nx_err count(void *ctx, const struct nx_reading *row)
{
    (void)row;
    ++*(uint64_t *)ctx;
    return NX_OK;
}

static void ask(struct store_bench *bench, struct nx_store *store, const char *what, uint64_t limit)
{
    struct spent before = spent_until_now();
    struct spent after;
    uint64_t found = 0;
    char room[128];

    for (uint64_t i = 0; i < QUESTIONS; i++) {
        const struct nx_store_query query = {
            .filter = store_bench_topic(i * 31 % bench->streams, room, sizeof(room)),
            .limit = limit};

        (void)nx_store_history(store, &query, count, &found, NULL);
    }
    after = spent_until_now();
    (void)printf("%s: %.1f us of CPU a question, %.1f us of wall time, %.0f readings each\n", what,
                 (after.cpu_us - before.cpu_us) / QUESTIONS,
                 (after.wall_us - before.wall_us) / QUESTIONS, (double)found / QUESTIONS);
}

static void get(struct store_bench *bench)
{
    struct spent before = spent_until_now();
    uint64_t reads = bench->rows < 100000 ? bench->rows : 100000;
    struct nx_reading got;
    struct nx_buf bytes;

    nx_buf_init(&bytes, 4 * BYTES_MAX);
    for (uint64_t seq = 1; seq <= reads; seq++) {
        (void)nx_store_get(bench->store, seq, &bytes, &got, NULL);
    }
    nx_buf_fini(&bytes);
    (void)printf("read by number, in order: %.2f us of CPU a reading\n",
                 (spent_until_now().cpu_us - before.cpu_us) / (double)reads);
}

static void thin(struct store_bench *bench)
{
    const struct nx_store_limits limits = {.before_ms = store_bench_time(bench, bench->rows / 10)};
    struct nx_store_thinned out = {.more = true};
    struct spent before = spent_until_now();
    uint64_t removed = 0;

    (void)nx_store_settle(bench->store, nx_store_last(bench->store), NULL);
    while (out.more && nx_store_thin(bench->store, UINT64_MAX, &limits, 512, &out, NULL) == NX_OK &&
           nx_store_commit(bench->store, NULL) == NX_OK) {
        removed += out.removed;
    }
    (void)printf("retention: %.2f us of CPU a removed reading, %" PRIu64 " removed\n",
                 (spent_until_now().cpu_us - before.cpu_us) / (double)(removed > 0 ? removed : 1),
                 removed);
}

/* --- what can be asked ------------------------------------------------------------------------- */

static enum nx_err run_write(struct store_bench *bench)
{
    enum nx_err err = measured_fill(bench);
    struct rusage used;

    if (err == NX_OK) {
        ask(bench, bench->store, "last value", 1);
        ask(bench, bench->store, "a day of a stream", DAY);
        get(bench);
        thin(bench);
        (void)getrusage(RUSAGE_SELF, &used);
        (void)printf("memory: %ld MiB at most\n", used.ru_maxrss / 1024);
    }
    return err;
}

static enum nx_err run_history(struct store_bench *bench)
{
    bool is_new = nx_store_last(bench->store) == 0;
    enum nx_err err = is_new ? measured_fill(bench) : NX_OK;
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("%s: %" PRIu64 " readings, memory of the writer: %ld MiB at most\n", bench->path,
                 nx_store_last(bench->store), used.ru_maxrss / 1024);
    nx_store_close(bench->store); /* its end moves the log into the file */
    bench->store = NULL;
    return err == NX_OK ? store_bench_history(bench) : err;
}

static const struct {
    const char *name;
    enum nx_err (*run)(struct store_bench *bench);
} commands[] = {{"write", run_write}, {"tail", store_bench_tail}, {"history", run_history}};

/* Runs `write` below callgrind, which says what it counted. */
static int run_instructions(const struct store_bench *bench, const char *self)
{
    char rows[32];
    char batch[32];
    char streams[32];

    (void)snprintf(rows, sizeof(rows), "%" PRIu64, bench->rows);
    (void)snprintf(batch, sizeof(batch), "%" PRIu64, bench->batch);
    (void)snprintf(streams, sizeof(streams), "%" PRIu64, bench->streams);
    (void)execlp("valgrind", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                 "--toggle-collect=fill*", self, "write", "--rows", rows, "--batch", batch,
                 "--streams", streams, (char *)NULL);
    return 1;
}

static bool set(struct store_bench *bench, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint64_t *number;
    } numbers[] = {
        {"--rows", &bench->rows},           {"--batch", &bench->batch},
        {"--streams", &bench->streams},     {"--original", &bench->original},
        {"--canonical", &bench->canonical}, {"--rate", &bench->rate},
        {"--seconds", &bench->seconds},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            *numbers[i].number = strtoull(value, NULL, 10);
            return true;
        }
    }
    if (strcmp(name, "--dir") == 0) {
        bench->dir = value;
    } else if (strcmp(name, "--db") == 0) {
        bench->db = value;
    } else if (strcmp(name, "--checkpoint") == 0) {
        bench->here = strcmp(value, "here") == 0;
    } else if (strcmp(name, "--instructions") == 0) {
        bench->instructions = true;
    } else {
        return false;
    }
    return true;
}

/* A reader that was the last to close leaves what is beside the file. */
static void remove_files(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char name[sizeof(((struct store_bench *)NULL)->path) + sizeof("-wal")];

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void)unlink(name);
    }
}

static enum nx_err run(struct store_bench *bench, size_t command)
{
    const struct nx_store_options options = {
        .now_ms = 1,
        .random = 1,
        .checkpoint = bench->here ? NX_STORE_CHECKPOINT_HERE : NX_STORE_CHECKPOINT_THREAD,
    };
    enum nx_err err;

    if (bench->db != NULL) {
        (void)snprintf(bench->path, sizeof(bench->path), "%s", bench->db);
    } else {
        (void)snprintf(bench->path, sizeof(bench->path), "%s/store-bench-%ld.db", bench->dir,
                       (long)getpid());
    }
    err = nx_store_open(bench->path, &options, NULL, &bench->store, &bench->diag);
    err = err == NX_OK ? commands[command].run(bench) : err;
    if (err != NX_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", nx_err_text(err), bench->diag.file, bench->diag.text);
    }
    nx_store_close(bench->store);
    if (bench->db == NULL) {
        remove_files(bench->path);
    }
    return err;
}

int main(int argc, char **argv)
{
    static struct store_bench bench = {.rows = 200000,
                                       .batch = 200,
                                       .streams = 100,
                                       .original = 300,
                                       .canonical = 600,
                                       .rate = 1000,
                                       .seconds = 5,
                                       .dir = "/tmp"};
    size_t command = 0;
    int at = 1;

    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            command = i;
            at = 2;
        }
    }
    for (; at + 1 < argc && set(&bench, argv[at], argv[at + 1]); at += 2) {
    }
    if (at != argc || bench.original > BYTES_MAX || bench.canonical > BYTES_MAX ||
        bench.streams == 0 || bench.batch == 0) {
        (void)fputs("usage: store_bench [write|tail|history] [--rows N] [--batch N] ...\n", stderr);
        return 2;
    }
    if (bench.instructions) {
        return run_instructions(&bench, argv[0]);
    }
    return run(&bench, command) == NX_OK ? 0 : 1;
}
