/*
 * store_place.c - a folder below /tmp, gone again after the test.
 */
#include "test/unit/bridge/store_place.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void place_log(void *ctx, enum nx_log_level level, const char *line)
{
    struct place *place = ctx;

    (void)level;
    (void)snprintf(place->told, sizeof(place->told), "%s", line);
}

int place_make(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/nexus-store-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->db, sizeof(place->db), "%s/birmingham.db", place->dir);
    place->log = (struct nx_log){.write = place_log, .ctx = place};
    *state = place;
    return 0;
}

int place_files(const struct place *place, const char *part, bool remove)
{
    DIR *dir = opendir(place->dir);
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && strstr(entry->d_name, part) != NULL) {
            count++;
            if (remove) {
                (void)unlinkat(dirfd(dir), entry->d_name, 0);
            }
        }
    }
    (void)closedir(dir);
    return count;
}

int place_remove(void **state)
{
    struct place *place = *state;

    (void)place_files(place, "", true);
    (void)rmdir(place->dir);
    free(place);
    return 0;
}

struct nx_store_options place_options(void)
{
    return (struct nx_store_options){.now_ms = 1769871600000, .random = 0x0123456789ABCDEF};
}

enum nx_err place_try_open(struct place *place, const char *vfs, struct nx_store **out)
{
    struct nx_store_options options = place_options();

    options.vfs = vfs;
    return nx_store_open(place->db, &options, &place->log, out, &place->diag);
}

struct nx_store *place_open(struct place *place)
{
    struct nx_store *store = NULL;

    if (place_try_open(place, NULL, &store) != NX_OK) {
        fail_msg("%s: %s", place->diag.file, place->diag.text);
    }
    return store;
}

void place_query(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(place->db, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %.100s", sqlite3_errmsg(db), sql);
    }
    (void)sqlite3_close(db);
}

int64_t place_number(const struct place *place, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t number;

    assert_int_equal(sqlite3_open(place->db, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(db);
    return number;
}

struct nx_reading place_reading(uint16_t packet_id, const char *original)
{
    return (struct nx_reading){
        .packet_id = packet_id,
        .received_ms = 1769871600123,
        .topic = NX_SPAN(PLACE_TOPIC),
        .observed_at = NX_SPAN("2026-01-31T15:00:00Z"),
        .original = nx_span_from(original),
        .canonical = NX_SPAN("{\"type\":\"AirQualityObserved\"}"),
    };
}

uint64_t place_append(struct place *place, struct nx_store *store, uint16_t packet_id,
                      const char *original)
{
    struct nx_reading one = place_reading(packet_id, original);
    uint64_t seq = 0;

    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_OK);
    return seq;
}

uint64_t place_append_to(struct place *place, struct nx_store *store, const char *asset,
                         int64_t received_ms, const char *original)
{
    struct nx_reading one = place_reading(0, original);
    char topic[128];
    uint64_t seq = 0;

    (void)snprintf(topic, sizeof(topic), "nexus/birmingham/air/%s/observation", asset);
    one.topic = nx_span_from(topic);
    one.received_ms = received_ms;
    assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_OK);
    return seq;
}

void place_commit(struct place *place, struct nx_store *store)
{
    assert_int_equal(nx_store_commit(store, &place->diag), NX_OK);
}

const char *place_original(struct nx_store *store, uint64_t seq)
{
    static char text[256];
    struct nx_reading got;
    struct nx_buf bytes;
    enum nx_err err;

    nx_buf_init(&bytes, 4096);
    err = nx_store_get(store, seq, &bytes, &got, NULL);
    assert_true(err == NX_OK || err == NX_ERR_NOT_FOUND);
    (void)snprintf(text, sizeof(text), "%s", "-");
    if (err == NX_OK) {
        assert_true(nx_span_copy(got.original, text, sizeof(text)));
    }
    nx_buf_fini(&bytes);
    return text;
}
