/*
 * sim_restore.c - the cache of the sending city is put back from a backup, with some seeds a second
 * time from the same one. Its next numbers are those that the lost cache gave to other readings; what
 * comes under them arrives all the same.
 */
#include "bridge/store.h"
#include "test/sim/sim_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_SIZE = 4200, AFTERWARDS_US = 300 * SECOND_US };

static const char *const tails[] = {"", "-wal"};

static void path_of(const struct run *run, const char *name, const char *tail, char out[PATH_SIZE])
{
    (void)snprintf(out, PATH_SIZE, "%s/state/%s%s", run->stage->folder, name, tail);
}

/* False: there is no such file. */
static bool copy(const char *from, const char *to)
{
    FILE *in = fopen(from, "r");
    FILE *out = in != NULL ? fopen(to, "w") : NULL;
    char bytes[65536];
    size_t len;

    while (out != NULL && (len = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        (void)fwrite(bytes, 1, len, out);
    }
    if (out != NULL && fclose(out) != 0) {
        abort();
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return out != NULL;
}

static enum nx_err find_newest(void *ctx, const struct nx_reading *reading)
{
    unsigned *newest = ctx;
    unsigned number = sim_number_in(reading->original, "\"seq\":");

    *newest = number > *newest ? number : *newest;
    return NX_OK;
}

/* The newest reading in a cache, by the sensors' own count. */
static unsigned newest_in(const struct run *run, const char *name)
{
    const struct nx_store_query all = {.limit = 0};
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    char path[PATH_SIZE];
    unsigned newest = 0;

    path_of(run, name, "", path);
    if (nx_store_open_read(path, &store, &diag) != NX_OK ||
        nx_store_latest(store, &all, find_newest, &newest, &diag) != NX_OK) {
        fprintf(stderr, "sim: %s: %s\n", path, diag.text);
        abort();
    }
    nx_store_close(store);
    return newest;
}

/* As a snapshot of the file system takes it: both files at one time. */
static bool back_up(const struct run *run)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    bool there = false;

    for (int i = 0; i < 2; i++) {
        path_of(run, "birmingham.db", tails[i], from);
        path_of(run, "backup.db", tails[i], to);
        there = copy(from, to) || there;
    }
    return there;
}

static void put_back(struct run *run)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];

    unsigned lost = newest_in(run, "birmingham.db");

    run->stored = lost > run->stored ? lost : run->stored;
    run->backed_up = newest_in(run, "backup.db");
    run->restored++;
    for (int i = 0; i < 2; i++) {
        path_of(run, "birmingham.db", i == 0 ? "-wal" : "-shm", to);
        (void)unlink(to);
    }
    for (int i = 0; i < 2; i++) { /* beside the old one, so that it gets another inode */
        path_of(run, "backup.db", tails[i], from);
        path_of(run, "new.db", tails[i], to);
        if (copy(from, to)) {
            path_of(run, "new.db", tails[i], from);
            path_of(run, "birmingham.db", tails[i], to);
            (void)rename(from, to);
        }
    }
    sim_say("put back: up to %u of %u", run->backed_up, run->stored);
}

/* With some seeds the receiving city is away before: so the copy holds what was not sent yet. */
static bool back_up_behind(struct run *run)
{
    struct sim_broker *ulsan = run->world.brokers[CITY_B];
    bool behind = sim_chance(&run->world.random, 50) && sim_broker_listens(ulsan);
    bool there;

    if (behind) {
        sim_broker_stop(ulsan);
        sim_go(run, run->world.now_us + 2 * SECOND_US);
    }
    there = back_up(run);
    if (behind && !sim_broker_listens(ulsan)) {
        sim_broker_start(ulsan);
    }
    return there;
}

bool sim_run_restored(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run)
{
    uint64_t copied_us;
    uint64_t restored_us;
    bool twice;

    sim_begin(stage, seed, verbose, run);
    copied_us = sim_draw(&run->world.random, TROUBLE_US / 3); /* sensors go on behind both */
    restored_us = copied_us + 3 * SECOND_US + sim_draw(&run->world.random, TROUBLE_US / 3);
    twice = sim_chance(&run->world.random, 30);
    sim_go(run, copied_us);
    for (int i = back_up_behind(run) ? 0 : 2; i < (twice ? 2 : 1); i++) {
        sim_go(run, restored_us);
        sim_kill(run);
        put_back(run);
        restored_us += sim_draw(&run->world.random, TROUBLE_US / 3);
    }
    sim_go(run, restored_us + 2 * TROUBLE_US + AFTERWARDS_US);
    sim_end(run);
    return run->fault[0] == '\0';
}
