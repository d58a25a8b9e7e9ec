/*
 * store_bench.h - what the questions about the cache share: a cache of its own in a folder, and
 * readings as two cities exchange them.
 */
#ifndef NX_BENCH_STORE_BENCH_H
#define NX_BENCH_STORE_BENCH_H

#include "bridge/store.h"

struct store_bench {
    uint64_t rows, batch, streams; /* how many readings, in a transaction, of how many streams */
    uint64_t original, canonical;  /* bytes of each */
    uint64_t rate, seconds;        /* of single commits */
    const char *dir, *db;          /* a folder for one that goes, or a file that stays */
    bool instructions;
    bool here; /* checkpoints: no thread for them */
    char path[512];
    struct nx_store *store;
    struct nx_diag diag;
};

/* The topic of a stream, in `room`; and when the n-th reading was received. */
struct nx_span store_bench_topic(uint64_t stream, char *room, size_t room_size);
int64_t store_bench_time(const struct store_bench *bench, uint64_t n);
/* The n-th reading, appended to the open transaction. */
enum nx_err store_bench_append(struct store_bench *bench, uint64_t n);
double store_bench_wall_us(void);

/* store_history.c: a day and a last value, out of the file at `path`. */
enum nx_err store_bench_history(struct store_bench *bench);

/* store_tail.c: how long a commit takes, beside what the disk needs for itself. */
enum nx_err store_bench_tail(struct store_bench *bench);

#endif
