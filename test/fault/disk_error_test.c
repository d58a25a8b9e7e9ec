/*
 * disk_error_test.c - each call to the file system fails in its turn: a bridge's day is run again and
 * again, and in the n-th run the n-th call fails, until a run comes through without. As a bridge
 * does, the run rolls back, tries the same again, and opens a cache anew that looked damaged.
 * Afterwards everything that was acknowledged is there, under the same epoch.
 */
#include "test/fault/ledger.h"
#include "test/fault/power_vfs.h"
#include "test/unit/unit.h"

#include <sqlite3.h>

enum { TURNS = 5, CALLS_MAX = 20000 };

#define DB "birmingham.db"

static struct ledger ledger;
static enum nx_store_checkpoint checkpoint;

/* Opens, by as many attempts as it takes once the disk is well again. */
static struct nx_store *open_at_last(enum nx_err *first, struct nx_diag *diag)
{
    const struct nx_store_options options = ledger_options(checkpoint, "power");
    struct nx_store *store = NULL;

    *first = nx_store_open(DB, &options, NULL, &store, diag);
    if (*first != NX_OK) {
        power_fail_at(0, POWER_NO_FAULT, false);
        if (nx_store_open(DB, &options, NULL, &store, diag) != NX_OK) {
            fail_msg("opening again: %s", diag->text);
        }
    }
    return store;
}

/* What a bridge does about an error: never anything but these. */
static void recover(struct nx_store *store, enum nx_err err, const struct nx_diag *why)
{
    struct nx_store_options options = ledger_options(checkpoint, "power");
    bool again = err == NX_ERR_SYNTAX || err == NX_ERR_STATE;
    struct nx_diag diag = {0};

    options.verify = true;
    options.now_ms = 2; /* a new epoch would be another */

    if (!again && err != NX_ERR_IO && err != NX_ERR_DENIED) {
        fail_msg("%s: %s", nx_err_text(err), why->text);
    }
    assert_true(why->text[0] != '\0');
    nx_store_rollback(store);
    if (again && nx_store_reopen(store, &options, NULL, &diag) != NX_OK) {
        fail_msg("opening anew: %s", diag.text);
    }
    assert_string_equal(nx_store_epoch(store), "00000000000100000001");
}

/* The n-th run. False: it came through without the fault. */
static bool run(uint64_t call, enum power_fault fault, bool lasting)
{
    struct nx_diag diag = {0};
    struct nx_store *store;
    enum nx_err err;

    power_new_disk();
    ledger_init(&ledger, 42);
    ledger.bytes_max = 40 * 1024;
    power_fail_at(call, fault, lasting);
    store = open_at_last(&err, &diag);
    for (int i = 0; i < TURNS; i++) {
        err = ledger_turn(&ledger, store, &diag);
        if (err == NX_OK) {
            continue;
        }
        if (lasting) { /* it stays unusable as long as it lasts, and nothing moves */
            nx_store_rollback(store);
            assert_int_not_equal(ledger_turn(&ledger, store, &diag), NX_OK);
            assert_int_equal(nx_store_last(store), ledger.acked.last);
            power_fail_at(0, POWER_NO_FAULT, false);
        }
        recover(store, err, &diag);
        err = ledger_turn(&ledger, store, &diag);
        if (err != NX_OK) {
            fail_msg("call %d: the second attempt: %s", (int)call, diag.text);
        }
    }
    if (!ledger_check(&ledger, store)) {
        fail_msg("call %d: %s", (int)call, ledger.fault);
    }
    nx_store_close(store);
    return power_failed();
}

/* Afterwards, with a disk that is well. */
static void audit(uint64_t call)
{
    struct nx_diag diag = {0};
    enum nx_err err;
    struct nx_store *store;

    power_fail_at(0, POWER_NO_FAULT, false);
    store = open_at_last(&err, &diag);
    assert_int_equal(err, NX_OK);
    if (!ledger_check(&ledger, store)) {
        fail_msg("call %d, opened again: %s", (int)call, ledger.fault);
    }
    nx_store_close(store);
    if (!ledger_integrity(&ledger, DB, "power")) {
        fail_msg("call %d: %s", (int)call, ledger.fault);
    }
}

static void sweep_calls(enum power_fault fault, bool lasting)
{
    uint64_t call = 1;

    while (call < CALLS_MAX && run(call, fault, lasting)) {
        audit(call);
        call += lasting ? 5 : 1; /* neighbours behave alike */
    }
    assert_in_range(call, 20, CALLS_MAX - 1); /* it came to its end, and not at once */
    power_new_disk();
}

static void sweep(enum power_fault fault, bool lasting)
{
    checkpoint = NX_STORE_CHECKPOINT_ASIDE;
    sweep_calls(fault, lasting);
    checkpoint = NX_STORE_CHECKPOINT_HERE;
    sweep_calls(fault, lasting);
}

static void every_input_or_output_may_fail_once(void **state)
{
    (void)state;
    sweep(POWER_IOERR, false);
}

static void the_disk_may_fail_for_a_while_from_any_call_on(void **state)
{
    (void)state;
    sweep(POWER_IOERR, true);
}

static void the_disk_may_be_full_at_any_write(void **state)
{
    (void)state;
    sweep(POWER_FULL, false);
}

static void the_disk_may_be_full_for_a_while_from_any_write_on(void **state)
{
    (void)state;
    sweep(POWER_FULL, true);
}

static void any_read_may_be_short(void **state)
{
    (void)state;
    sweep(POWER_SHORT_READ, false);
}

/* The n-th read of an opening is short; false: there were not so many. */
static bool open_with_short_read(uint64_t call)
{
    const struct nx_store_options options = {.now_ms = 2, .random = 2, .vfs = "power"};
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};

    power_fail_at(call, POWER_SHORT_READ, false);
    if (nx_store_open(DB, &options, NULL, &store, &diag) != NX_OK) {
        if (strstr(diag.text, "set aside") != NULL) {
            fail_msg("read %d: %s", (int)call, diag.text);
        }
        return true;
    }
    assert_string_equal(nx_store_epoch(store), "00000000000100000001");
    power_fail_at(0, POWER_NO_FAULT, false);
    assert_true(ledger_check(&ledger, store));
    nx_store_close(store);
    return power_failed();
}

static void a_cache_that_is_read_wrong_once_at_its_opening_is_not_set_aside(void **state)
{
    uint64_t call = 1;

    (void)state;
    (void)run(0, POWER_NO_FAULT, false);
    while (call < CALLS_MAX && open_with_short_read(call)) {
        call++;
    }
    assert_in_range(call, 10, CALLS_MAX - 1);
    power_new_disk();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_or_output_may_fail_once),
        cmocka_unit_test(the_disk_may_fail_for_a_while_from_any_call_on),
        cmocka_unit_test(the_disk_may_be_full_at_any_write),
        cmocka_unit_test(the_disk_may_be_full_for_a_while_from_any_write_on),
        cmocka_unit_test(any_read_may_be_short),
        cmocka_unit_test(a_cache_that_is_read_wrong_once_at_its_opening_is_not_set_aside),
    };

    power_register(POWER_SYNC_FULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
