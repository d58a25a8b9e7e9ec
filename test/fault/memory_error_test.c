/*
 * memory_error_test.c - each of SQLite's allocations fails in its turn, once or for a while: a bridge's
 * day is run again and again, and in the n-th run the n-th fails, until a run comes through without.
 * That passes, so it must never be taken for damage: the cache stays, and so does what is in it.
 */
#include "test/fault/ledger.h"
#include "test/fault/power_vfs.h"
#include "test/unit/unit.h"

#include <sqlite3.h>

enum { TURNS = 3, CALLS_MAX = 200000, FOR_A_WHILE = 50, NEAR_CALLS = 150, STEP = 97 };

#define DB    "birmingham.db"
#define EPOCH "00000000000100000001"

static struct ledger ledger;
static sqlite3_mem_methods real;
static uint64_t calls, fails_from, fails;

static bool refuses(void)
{
    calls++;
    return fails > 0 && calls >= fails_from && calls - fails_from < fails;
}

static void *try_malloc(int size)
{
    return refuses() ? NULL : real.xMalloc(size);
}

static void *try_realloc(void *memory, int size)
{
    return refuses() ? NULL : real.xRealloc(memory, size);
}

static void fail_from(uint64_t call, uint64_t count)
{
    calls = 0;
    fails_from = call;
    fails = count;
}

static struct nx_store *open_at_last(struct nx_diag *diag)
{
    const struct nx_store_options options = ledger_options(NX_STORE_CHECKPOINT_HERE, "power");
    struct nx_store *store = NULL;

    for (int i = 0; i < FOR_A_WHILE + 2; i++) {
        enum nx_err err = nx_store_open(DB, &options, NULL, &store, diag);

        if (err == NX_OK) {
            return store;
        }
        if (err != NX_ERR_NOMEM && err != NX_ERR_IO) {
            fail_msg("opening: %s: %s", nx_err_text(err), diag->text);
        }
    }
    fail_msg("opening: %s", diag->text);
    return NULL;
}

/* Rolls back and tries again, as a bridge does, and opens anew as it does after some failures. */
static void turn_at_last(struct nx_store *store, uint64_t call)
{
    struct nx_store_options options = ledger_options(NX_STORE_CHECKPOINT_HERE, "power");
    struct nx_diag diag = {0};
    bool closed = false;
    enum nx_err err;

    options.now_ms = 2; /* a new epoch would be another */
    for (int i = 0; i < FOR_A_WHILE + 2; i++) {
        err = ledger_turn(&ledger, store, &diag);
        if (err == NX_OK) {
            return;
        }
        if (err != NX_ERR_NOMEM && err != NX_ERR_IO) {
            fail_msg("allocation %d: %s: %s", (int)call, nx_err_text(err), diag.text);
        }
        nx_store_rollback(store);
        if (closed || i % 5 == 4) {
            err = nx_store_reopen(store, &options, NULL, &diag);
            closed = err != NX_OK;
            assert_true(err == NX_OK || err == NX_ERR_NOMEM || err == NX_ERR_IO);
        }
    }
    fail_msg("allocation %d: %s", (int)call, diag.text);
}

/* The n-th run. False: it came through without the fault. */
static bool run(uint64_t call, uint64_t count)
{
    struct nx_diag diag = {0};
    struct nx_store *store;
    bool failed;

    power_new_disk();
    ledger_init(&ledger, 42);
    ledger.bytes_max = 40 * 1024;
    fail_from(call, count);
    store = open_at_last(&diag);
    for (int i = 0; i < TURNS; i++) {
        turn_at_last(store, call);
    }
    failed = calls >= call;
    fail_from(0, 0);
    assert_string_equal(nx_store_epoch(store), EPOCH);
    if (!ledger_check(&ledger, store)) {
        fail_msg("allocation %d: %s", (int)call, ledger.fault);
    }
    nx_store_close(store);
    if (!ledger_integrity(&ledger, DB, "power")) {
        fail_msg("allocation %d: %s", (int)call, ledger.fault);
    }
    return failed;
}

static void sweep(uint64_t count)
{
    uint64_t call = 1;

    while (call < CALLS_MAX && run(call, count)) {
        call += call < NEAR_CALLS ? 1 : STEP;
    }
    assert_in_range(call, 100, CALLS_MAX - 1);
    power_new_disk();
}

static void any_allocation_may_fail_once(void **state)
{
    (void)state;
    sweep(1);
}

static void allocations_may_fail_for_a_while_from_any_on(void **state)
{
    (void)state;
    sweep(FOR_A_WHILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail_once),
        cmocka_unit_test(allocations_may_fail_for_a_while_from_any_on),
    };
    sqlite3_mem_methods ours;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) {
        return 1;
    }
    ours = real;
    ours.xMalloc = try_malloc;
    ours.xRealloc = try_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK) {
        return 1;
    }
    power_register(POWER_SYNC_FULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
