/*
 * sim_restore.c - the cache of the sending city is put back from a backup. Its next numbers are those
 * that the lost cache gave to other readings; what comes under them arrives all the same.
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

/* How many readings a cache holds: with only one life of it these are their numbers too. */
static unsigned readings_in(const struct run *run, const char *name)
{
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    char path[PATH_SIZE];
    unsigned count;

    path_of(run, name, "", path);
    if (nx_store_open_read(path, &store, &diag) != NX_OK) {
        fprintf(stderr, "sim: %s: %s\n", path, diag.text);
        abort();
    }
    count = (unsigned)nx_store_last(store);
    nx_store_close(store);
    return count;
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

    run->stored = readings_in(run, "birmingham.db");
    run->backed_up = readings_in(run, "backup.db");
    run->restored = true;
    path_of(run, "birmingham.db", "-shm", to);
    (void)unlink(to);
    for (int i = 0; i < 2; i++) {
        path_of(run, "backup.db", tails[i], from);
        path_of(run, "birmingham.db", tails[i], to);
        (void)unlink(to);
        (void)rename(from, to);
    }
    sim_say("put back: %u readings of %u", run->backed_up, run->stored);
}

bool sim_run_restored(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run)
{
    uint64_t copied_us;
    uint64_t restored_us;

    sim_begin(stage, seed, verbose, run);
    copied_us = sim_draw(&run->world.random, TROUBLE_US / 3); /* sensors go on behind both */
    restored_us = copied_us + sim_draw(&run->world.random, TROUBLE_US / 3);
    sim_go(run, copied_us);
    if (back_up(run)) {
        sim_go(run, restored_us);
        sim_kill(run);
        put_back(run);
    }
    sim_go(run, restored_us + 2 * TROUBLE_US + AFTERWARDS_US);
    sim_end(run);
    return run->fault[0] == '\0';
}
