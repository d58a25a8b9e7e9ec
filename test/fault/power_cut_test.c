/*
 * power_cut_test.c - the power goes at a random write or sync, again and again, also while the cache
 * recovers from the last time. Nothing that was acknowledged may be missing.
 *
 *   power_cut_test [--sync full|normal|off] [--cuts N] [--seed S]
 *
 * Succeeds with `full` when nothing was lost, with the others when something was: that shows that
 * this rig sees a loss. A seed repeats its run.
 */
#include "test/fault/ledger.h"
#include "test/fault/power_vfs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CUTS_OF_A_DISK = 6,
    TURNS_MAX = 60,
    OPERATIONS_MAX = 400,
    DB_BYTES = 300 * 1024,
    TOLD_MAX = 5
};

#define DB "birmingham.db"

struct run {
    enum power_sync sync;
    uint64_t cuts, seed, random;
    uint64_t losses, acknowledged, damaged;
    struct ledger ledger;
};

static enum nx_err run_open(struct run *run, struct nx_store **store, struct nx_diag *diag)
{
    const struct nx_store_options options = ledger_options(
        power_next(&run->random) % 2 == 0 ? NX_STORE_CHECKPOINT_HERE : NX_STORE_CHECKPOINT_ASIDE,
        "power");

    power_cut_after(1 + power_next(&run->random) % OPERATIONS_MAX, power_next(&run->random));
    return nx_store_open(DB, &options, NULL, store, diag);
}

/* Works until the power is gone, or for a while. False: something went wrong with power on. */
static bool run_work(struct run *run, struct nx_store *store)
{
    struct nx_diag diag = {0};
    enum nx_err err = NX_OK;

    for (int i = 0; i < TURNS_MAX && err == NX_OK; i++) {
        err = ledger_turn(&run->ledger, store, &diag);
    }
    if (err != NX_OK && !power_is_off()) {
        (void)snprintf(run->ledger.fault, sizeof(run->ledger.fault), "%s", diag.text);
        return false;
    }
    return true;
}

/* With power that stays on: is everything there? */
static bool run_audit(struct run *run)
{
    const struct nx_store_options options = ledger_options(NX_STORE_CHECKPOINT_HERE, "power");
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    bool ok;

    if (nx_store_open(DB, &options, NULL, &store, &diag) != NX_OK) {
        (void)snprintf(run->ledger.fault, sizeof(run->ledger.fault), "opening: %s", diag.text);
        return false;
    }
    ok = ledger_check(&run->ledger, store);
    nx_store_close(store);
    return ok && ledger_integrity(&run->ledger, DB, "power");
}

/* From one cut to the next. False: something is lost or wrong. */
static bool run_cut(struct run *run)
{
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    enum nx_err err = run_open(run, &store, &diag);
    bool ok = true;

    if (err == NX_OK) {
        ok = run_work(run, store);
        nx_store_close(store); /* with the power still on: the cut meets a clean end */
    } else if (!power_is_off()) {
        (void)snprintf(run->ledger.fault, sizeof(run->ledger.fault), "opening: %s", diag.text);
        ok = false;
    }
    power_restore();
    return ok && run_audit(run);
}

static void run_all(struct run *run)
{
    for (uint64_t cut = 0; cut < run->cuts; cut++) {
        if (cut % CUTS_OF_A_DISK == 0 || run->ledger.fault[0] != '\0') {
            power_new_disk();
            ledger_init(&run->ledger, power_next(&run->random));
            run->ledger.bytes_max = power_next(&run->random) % 2 == 0 ? DB_BYTES : 0;
        }
        if (!run_cut(run)) {
            if (run->losses + run->damaged < TOLD_MAX) {
                (void)printf("cut %" PRIu64 ": %s\n", cut, run->ledger.fault);
            }
            run->losses += run->ledger.lost ? 1 : 0;
            run->damaged += run->ledger.lost ? 0 : 1;
        }
        run->acknowledged += run->ledger.acked.last;
    }
}

static bool run_words(struct run *run, int argc, char **argv)
{
    static const char *const syncs[] = {"full", "normal", "off"};

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--cuts") == 0) {
            run->cuts = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            run->seed = strtoull(argv[i + 1], NULL, 10);
        } else {
            for (int n = 0; n < 3; n++) {
                run->sync = strcmp(argv[i + 1], syncs[n]) == 0 ? (enum power_sync)n : run->sync;
            }
        }
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    static struct run run = {.cuts = 200, .seed = 1};

    if (!run_words(&run, argc, argv)) {
        return 2;
    }
    run.random = run.seed;
    power_register(run.sync);
    run_all(&run);
    power_new_disk();
    (void)printf("seed %" PRIu64 ": %" PRIu64 " cuts, losses at %" PRIu64 ", damage at %" PRIu64
                 ", %" PRIu64 " readings audited\n",
                 run.seed, run.cuts, run.losses, run.damaged, run.acknowledged);
    if (run.sync == POWER_SYNC_FULL) {
        return run.losses + run.damaged == 0 ? 0 : 1;
    }
    return run.losses > 0 ? 0 : 1;
}
