/*
 * sim_damage.c - the cache of the sending city is found damaged while the bridge runs. The bridge
 * sets it aside and goes on with a new one, whichever call of the disk fails on the way there: what
 * is published from then on arrives, once each and in order, and the counters begin anew.
 */
#include "test/sim/sim_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the new cache another count, so that what is told of the old one is not taken for it. */
enum { READINGS_BEFORE = 6, READINGS_BEHIND = 7, FILE_HEAD_BYTES = 100 };

/* What a failing disk may leave: a file without sense from `head` on. */
static void damage(const struct run *run, const char *name, long head)
{
    char path[4096];
    FILE *file;
    long size;

    (void)snprintf(path, sizeof(path), "%s/state/%s", run->stage->folder, name);
    file = fopen(path, "r+");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        fseek(file, head, SEEK_SET) != 0) {
        perror("sim: the cache");
        abort();
    }
    while (size-- > head) {
        (void)fputc(0, file);
    }
    (void)fclose(file);
}

/* From here on numbers are counted anew, and so is what the oracle expects. */
static void begin_anew(struct run *run)
{
    memset(run->readings, 0, sizeof(run->readings));
    memset(run->last_observation, 0, sizeof(run->last_observation));
    memset(run->last_original, 0, sizeof(run->last_original));
    run->admitted = 0;
    run->planned = READINGS_BEHIND;
    run->publish_us = run->world.now_us;
    run->status[0] = '\0';
}

bool sim_run_damaged(const struct sim_stage *stage, uint64_t from, uint64_t fails, bool verbose,
                     struct run *run, bool *reached)
{
    sim_begin(stage, SETUPS, verbose, run); /* the first setup */
    run->troubles_count = 0;
    run->planned = READINGS_BEFORE;
    sim_go(run, HEALED_US);
    damage(run, "birmingham.db", FILE_HEAD_BYTES);
    damage(run, "birmingham.db-wal", 0);
    begin_anew(run);
    run->world.disk_damaged = true;
    run->world.disk_fails_from = run->world.disk_calls + from;
    run->world.disk_fails = fails;
    sim_go(run, run->world.now_us + HEALED_US);
    *reached = run->world.disk_calls >= run->world.disk_fails_from;
    run->world.disk_fails = 0; /* all of it can be written at last */
    sim_end(run);
    return run->fault[0] == '\0';
}
