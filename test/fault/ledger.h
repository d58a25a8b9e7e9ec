/*
 * ledger.h - a bridge's use of the cache, at random, and what was promised of it: the oracle of the
 * fault tests. The content of each reading follows from a number, so that nothing but the number has
 * to be kept to know what must be there.
 *
 *   acknowledged   committed: must be there after anything
 *   in doubt       the commit was begun and its answer was not seen: all of it is there, or nothing
 */
#ifndef NX_TEST_LEDGER_H
#define NX_TEST_LEDGER_H

#include "bridge/store.h"

#include <stdio.h>

enum { LEDGER_RECORDS_MAX = 20000, LEDGER_STREAMS = 12 };

struct ledger_mark {
    uint64_t last, first;
    struct nx_store_cursor cursor;
    int64_t number;
};

struct ledger {
    uint64_t random;
    uint64_t keys[LEDGER_RECORDS_MAX + 1]; /* of each record: its content */
    struct ledger_mark acked, doubt;       /* doubt: of the open transaction */
    uint16_t packet_id;
    uint64_t bytes_max; /* of the cache, for retention; 0: none */
    char fault[600];    /* what is wrong; "" */
    bool lost;          /* `fault` is the loss of what was acknowledged */
};

/* A short log, so that there are many checkpoints, by the store's one connection or by another. */
struct nx_store_options ledger_options(enum nx_store_checkpoint checkpoint, const char *vfs);

void ledger_init(struct ledger *ledger, uint64_t seed);

/* One turn of a bridge: some readings, now and then a cursor, a number, retention; then a commit. */
enum nx_err ledger_turn(struct ledger *ledger, struct nx_store *store, struct nx_diag *diag);

/* Is everything there that was promised? Then what was in doubt is decided. False: `fault`. */
bool ledger_check(struct ledger *ledger, struct nx_store *store);

/* PRAGMA integrity_check of the file, which nobody has open. False: `fault`. */
bool ledger_integrity(struct ledger *ledger, const char *path, const char *vfs);

#endif
