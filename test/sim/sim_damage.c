/*
 * sim_damage.c - the cache of the sending city is damaged while the bridge runs, whichever call of
 * the disk fails on the way out of it. What was lost is told and the bridge goes on with a new cache:
 * what is published from then on arrives, once each and in order, and the counters begin anew. Or
 * nothing was lost, and nothing begins anew.
 */
#include "test/sim/sim_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a new cache another count, so that what is told of the old one is not taken for it. */
enum { READINGS_BEFORE = 6, READINGS_BEHIND = 7, FILE_HEAD_BYTES = 100 };

static const char *cache_path(const struct run *run, const char *name, char out[4096])
{
    (void)snprintf(out, 4096, "%s/state/%s", run->stage->folder, name);
    return out;
}

/* What a failing disk may leave: a file without sense from `head` on. */
static void wipe(const struct run *run, const char *name, long head)
{
    char path[4096];
    FILE *file = fopen(cache_path(run, name, path), "r+");
    long size;

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

static void damage_file(struct run *run)
{
    wipe(run, "birmingham.db", FILE_HEAD_BYTES);
    wipe(run, "birmingham.db-wal", 0);
    run->world.disk_damaged = 1;
}

static void damage_unseen_twice(struct run *run)
{
    run->world.disk_damaged = 2;
}

static void damage_unseen_thrice(struct run *run)
{
    run->world.disk_damaged = 3;
}

static void damage_log_zeros(struct run *run)
{
    wipe(run, "birmingham.db-wal", 0);
}

static void damage_log_cut(struct run *run)
{
    char path[4096];

    if (truncate(cache_path(run, "birmingham.db-wal", path), 0) != 0) {
        abort();
    }
}

static void damage_log_removed(struct run *run)
{
    char path[4096];

    if (unlink(cache_path(run, "birmingham.db-wal", path)) != 0) {
        abort();
    }
}

static void damage_nothing(struct run *run)
{
    (void)run;
}

const struct sim_damage sim_damages[] = {
    {"file and log without sense", damage_file, true, SIM_CALLS_FAIL, 0},
    {"log overwritten", damage_log_zeros, true, SIM_CALLS_FAIL, 0},
    {"log cut", damage_log_cut, true, SIM_CALLS_FAIL, 0},
    {"log removed", damage_log_removed, false, SIM_CALLS_FAIL, 0},
    {"found damaged twice, and looks sound", damage_unseen_twice, false, SIM_CALLS_WORK, 0},
    {"found damaged thrice, and looks sound", damage_unseen_thrice, true, SIM_CALLS_WORK, 0},
    {"calls that fail until the files are opened again", damage_nothing, false, SIM_CALLS_STICK, 0},
    {"the same at QoS 2", damage_nothing, false, SIM_CALLS_STICK, 2},
    {NULL, NULL, false, SIM_CALLS_WORK, 0},
};

/* From here on numbers are counted anew, and so is what the oracle expects. */
static void begin_anew(struct run *run)
{
    memset(run->readings, 0, sizeof(run->readings));
    memset(run->last_observation, 0, sizeof(run->last_observation));
    memset(run->last_original, 0, sizeof(run->last_original));
    run->admitted = 0;
    run->planned = READINGS_BEHIND;
    run->status[0] = '\0';
}

bool sim_run_damaged(const struct sim_stage *stage, const struct sim_damage *damage, uint64_t from,
                     uint64_t fails, bool verbose, struct run *run, bool *reached)
{
    sim_begin(stage, SETUPS + damage->setup, verbose, run);
    run->troubles_count = 0;
    run->planned = READINGS_BEFORE;
    sim_go(run, HEALED_US);
    damage->make(run);
    run->planned += READINGS_BEHIND;
    if (damage->anew) {
        begin_anew(run);
    }
    run->publish_us = run->world.now_us;
    from += run->world.disk_calls;
    if (damage->calls == SIM_CALLS_STICK) {
        run->world.disk_stuck_from = from;
    } else if (damage->calls == SIM_CALLS_FAIL) {
        run->world.disk_fails_from = from;
        run->world.disk_fails = fails;
    }
    sim_go(run, run->world.now_us + HEALED_US);
    *reached = damage->calls != SIM_CALLS_WORK && run->world.disk_calls >= from;
    run->world.disk_fails = 0; /* all of it can be written at last */
    if (!*reached) {
        run->world.disk_stuck_from = 0; /* else the bridge itself has to get out of it */
    }
    sim_end(run);
    return run->fault[0] == '\0';
}
