/*
 * store_place.h - what tests of the cache share: a folder for each test, and the small words in which
 * they speak to the store. Whatever is not what the caller said fails the test.
 */
#ifndef NX_TEST_STORE_PLACE_H
#define NX_TEST_STORE_PLACE_H

#include "bridge/store.h"
#include "test/unit/unit.h"

#define PLACE_TOPIC "nexus/birmingham/air/BMLD/observation"

enum { PLACE_PATH_SIZE = 256 };

struct place {
    char dir[PLACE_PATH_SIZE / 2];
    char db[PLACE_PATH_SIZE];
    char told[1024]; /* the last line of the log */
    struct nx_log log;
    struct nx_diag diag;
};

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)
int place_make(void **state); /* *state: a new place */
int place_remove(void **state);

/* How many files are in the folder whose name holds `part`; with `remove` none is afterwards. */
int place_files(const struct place *place, const char *part, bool remove);

/* The options of every opening here: the time is 2026-01-31T15:00:00Z. */
struct nx_store_options place_options(void);
enum nx_err place_try_open(struct place *place, const char *vfs, struct nx_store **out);
struct nx_store *place_open(struct place *place);
void place_query(const struct place *place, const char *sql); /* by a connection of its own */
int64_t place_number(const struct place *place, const char *sql);

struct nx_reading place_reading(uint16_t packet_id, const char *original);
uint64_t place_append(struct place *place, struct nx_store *store, uint16_t packet_id,
                      const char *original);
/* Appends `original` to the stream of another asset, received at that time. */
uint64_t place_append_to(struct place *place, struct nx_store *store, const char *asset,
                         int64_t received_ms, const char *original);
void place_commit(struct place *place, struct nx_store *store);

/* The original of record `seq`, "-" when it is not there; lives until the next call. */
const char *place_original(struct nx_store *store, uint64_t seq);

#endif
