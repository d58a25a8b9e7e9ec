/*
 * store_sqlite_schema.c - the tables of a cache, and what a file is before it is used as one. The
 * schema is the list of migrations below; PRAGMA user_version counts how many of them a file has
 * had (https://sqlite.org/pragma.html#pragma_user_version).
 */
#include "bridge/store_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STORE_APPLICATION_ID = 0x4E585331 /* "NXS1" */ };

/* Below this a file is checked page by page at every start: some tenths of a second. */
static const int64_t verify_bytes_max = (int64_t)64 * 1024 * 1024;

/* Append only: a step that was released is never changed. */
static const char *const migrations[] = {
    /* 1. the owner's sequence number is the rowid */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE streams (id INTEGER PRIMARY KEY, topic TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE readings ("
    " seq INTEGER PRIMARY KEY,"
    " stream INTEGER NOT NULL REFERENCES streams (id),"
    " kind INTEGER NOT NULL,"        /* 0 observation, 1 clear */
    " packet_id INTEGER NOT NULL,"   /* under which the broker delivered it; 0 at QoS 0 */
    " received_at INTEGER NOT NULL," /* Unix time, milliseconds */
    " observed_at TEXT,"             /* RFC 3339 */
    " fault TEXT,"                   /* why there is no canonical form */
    " original BLOB NOT NULL,"
    " canonical BLOB"
    ") STRICT;"
    "CREATE INDEX readings_by_stream ON readings (stream);"
    "CREATE TABLE cursors (link TEXT PRIMARY KEY, seq INTEGER NOT NULL, sent INTEGER NOT NULL,"
    " dead INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dead_letters (link TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
    " reason TEXT NOT NULL, PRIMARY KEY (link, seq)) STRICT, WITHOUT ROWID;",
    /* 2. cursors: what was not for a link, and what its drop policy gave up. Dead letters by record
     * and channel, so that those of removed readings go with them; before, the reason began with
     * the channel. resends: records that try again, for one link. */
    "ALTER TABLE cursors ADD COLUMN filtered INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE cursors ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dead_letters RENAME TO dead_letters_1;"
    "CREATE TABLE dead_letters (seq INTEGER NOT NULL, link TEXT NOT NULL, channel TEXT NOT NULL,"
    " at INTEGER NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (seq, link, channel))"
    " STRICT, WITHOUT ROWID;"
    "INSERT INTO dead_letters SELECT seq, link, CASE WHEN reason LIKE 'original: %' THEN 'original'"
    " ELSE 'observation' END, at, CASE WHEN reason LIKE 'original: %' OR"
    " reason LIKE 'observation: %' THEN substr(reason, instr(reason, ': ') + 2) ELSE reason END"
    " FROM dead_letters_1;"
    "DROP TABLE dead_letters_1;"
    "CREATE TABLE resends ("
    " seq INTEGER PRIMARY KEY,"
    " first INTEGER NOT NULL," /* the reading's own number */
    " link TEXT NOT NULL,"
    " channel TEXT NOT NULL,"
    " stream INTEGER NOT NULL REFERENCES streams (id),"
    " kind INTEGER NOT NULL,"
    " received_at INTEGER NOT NULL,"
    " observed_at TEXT,"
    " fault TEXT,"
    " original BLOB NOT NULL,"
    " canonical BLOB"
    ") STRICT;"
    "CREATE TABLE resend_requests (id INTEGER PRIMARY KEY, link TEXT NOT NULL,"
    " seq_min INTEGER NOT NULL, seq_max INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;",
    /* 3. each stream is a chain, from its head backwards by `prev`, in place of an index, of which
     * each reading would touch a page of its own. `prev` stands before what may be long. */
    "CREATE TABLE heads ("
    " stream INTEGER PRIMARY KEY REFERENCES streams (id),"
    " last INTEGER NOT NULL," /* its newest reading; 0: it has none */
    " count INTEGER NOT NULL" /* of its readings that are there */
    ") STRICT;"
    "INSERT INTO heads SELECT s.id, coalesce((SELECT max(seq) FROM readings WHERE stream = s.id),"
    " 0), (SELECT count(*) FROM readings WHERE stream = s.id) FROM streams s;"
    "CREATE TABLE readings_3 ("
    " seq INTEGER PRIMARY KEY,"
    " stream INTEGER NOT NULL REFERENCES streams (id),"
    " prev INTEGER," /* the reading of its stream before it, which may have been removed */
    " kind INTEGER NOT NULL,"
    " packet_id INTEGER NOT NULL,"
    " received_at INTEGER NOT NULL,"
    " observed_at TEXT,"
    " fault TEXT,"
    " original BLOB NOT NULL,"
    " canonical BLOB"
    ") STRICT;"
    "INSERT INTO readings_3 SELECT seq, stream, (SELECT max(n.seq) FROM readings n"
    " WHERE n.stream = r.stream AND n.seq < r.seq), kind, packet_id, received_at, observed_at,"
    " fault, original, canonical FROM readings r ORDER BY seq;"
    "DROP TABLE readings;"
    "ALTER TABLE readings_3 RENAME TO readings;",
    /* 4. marks: readings from which on a chain may be followed, so that who asks for what is long
     * ago need not begin at its head. By number too, since retention removes by it. What an older
     * cache holds has none, and is walked. */
    "CREATE TABLE marks ("
    " seq INTEGER PRIMARY KEY," /* a reading that is there */
    " stream INTEGER NOT NULL REFERENCES streams (id)"
    ") STRICT;"
    "CREATE INDEX marks_by_stream ON marks (stream);"
    "ALTER TABLE heads ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;", /* what `count` still counts */
};

_Static_assert(sizeof(migrations) / sizeof(migrations[0]) == STORE_VERSION, "one step a version");

/* --- small queries --------------------------------------------------------------------------- */

enum nx_err store_exec(struct nx_store *store, const char *sql, const char *doing,
                       struct nx_diag *diag)
{
    int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? NX_OK : store_fail(store, rc, doing, diag);
}

enum nx_err store_number(struct nx_store *store, const char *sql, int64_t *out,
                         struct nx_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

    *out = 0;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *out = sqlite3_column_int64(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? NX_OK : store_fail(store, rc, "open", diag);
}

static enum nx_err store_set_number(struct nx_store *store, const char *pragma, int64_t value,
                                    struct nx_diag *diag)
{
    char sql[96];

    (void)snprintf(sql, sizeof(sql), "PRAGMA %s = %" PRId64, pragma, value);
    return store_exec(store, sql, "migrate", diag);
}

/* --- what is this file? ---------------------------------------------------------------------- */

enum nx_err store_identify(struct nx_store *store, int64_t *version, struct nx_diag *diag)
{
    static const char our_tables[] = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                                     " AND name IN ('meta', 'streams', 'readings', 'cursors')";
    enum { OUR_TABLES = 4 };
    int64_t id = 0;
    int64_t tables = 0;
    int64_t ours = 0;
    enum nx_err err = store_number(store, "PRAGMA application_id", &id, diag);

    if (err == NX_OK) {
        err = store_number(store, "PRAGMA user_version", version, diag);
    }
    if (err == NX_OK) {
        err = store_number(store, "SELECT count(*) FROM sqlite_schema", &tables, diag);
    }
    err = err == NX_OK ? store_number(store, our_tables, &ours, diag) : err;
    if (err != NX_OK) {
        return err;
    }
    nx_diag_at(diag, store->path, 0, 0);
    if (*version < 0 || (id == STORE_APPLICATION_ID && *version == 0)) {
        nx_diag_set(diag, "its version number is damaged");
        return NX_ERR_SYNTAX;
    }
    if (id != STORE_APPLICATION_ID && ours == OUR_TABLES) {
        nx_diag_set(diag, "its application id is damaged");
        return NX_ERR_SYNTAX;
    }
    if (id != STORE_APPLICATION_ID && (tables > 0 || *version != 0)) {
        nx_diag_set(diag, "is an SQLite file, but not a cache of nexus: left as it is");
        return NX_ERR_UNSUPPORTED;
    }
    if (*version > STORE_VERSION) {
        nx_diag_set(diag,
                    "was written by a newer nexus-bridge (cache version %" PRId64
                    ", this one knows up to %d): left as it is",
                    *version, STORE_VERSION);
        return NX_ERR_UNSUPPORTED;
    }
    return NX_OK;
}

enum nx_err store_identify_same(struct nx_store *store, struct nx_diag *diag)
{
    int64_t version = 0;
    enum nx_err err = store_identify(store, &version, diag);

    if (err == NX_OK && version != STORE_VERSION) {
        nx_diag_set(diag, "has cache version %" PRId64 ", not %d: start nexus-bridge once on it",
                    version, STORE_VERSION);
        return NX_ERR_UNSUPPORTED;
    }
    return err;
}

static void one_line(char *text)
{
    for (char *at = text; (at = strchr(at, '\n')) != NULL;) {
        *at = ' ';
    }
}

static enum nx_err whole_check(struct nx_store *store, struct nx_diag *diag)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    enum nx_err err = NX_OK;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
    }
    if (rc != SQLITE_ROW) {
        err = store_fail(store, rc, "check", diag);
    } else if (!nx_span_is(store_column(stmt, 0), "ok")) {
        nx_diag_at(diag, store->path, 0, 0);
        nx_diag_set(diag, "check: %.200s", (const char *)sqlite3_column_text(stmt, 0));
        one_line(diag->text);
        err = NX_ERR_SYNTAX;
    }
    (void)sqlite3_finalize(stmt);
    return err;
}

enum nx_err store_verify(struct nx_store *store, bool always, struct nx_diag *diag)
{
    int64_t pages = 0;
    int64_t page_bytes = 0;
    enum nx_err err = store_number(store, "PRAGMA page_count", &pages, diag);

    if (err == NX_OK) {
        err = store_number(store, "PRAGMA page_size", &page_bytes, diag);
    }
    if (err != NX_OK || (!always && pages * page_bytes > verify_bytes_max)) {
        return err;
    }
    return whole_check(store, diag);
}

/* --- migrations ------------------------------------------------------------------------------ */

enum nx_err store_migrate(struct nx_store *store, const struct nx_store_options *options,
                          int64_t version, struct nx_diag *diag)
{
    enum nx_err err;

    if (version == STORE_VERSION) {
        return NX_OK;
    }
    err = store_exec(store, "BEGIN IMMEDIATE", "migrate", diag);
    for (int64_t i = version; i < STORE_VERSION && err == NX_OK; i++) {
        err = store_exec(store, migrations[i], "migrate", diag);
    }
    if (err == NX_OK && version == 0) {
        err = store_first_epoch(store, options, diag);
    }
    if (err == NX_OK) {
        err = store_set_number(store, "application_id", STORE_APPLICATION_ID, diag);
    }
    if (err == NX_OK) {
        err = store_set_number(store, "user_version", STORE_VERSION, diag);
    }
    if (err == NX_OK) {
        err = store_exec(store, "COMMIT", "migrate", diag);
    }
    return err; /* an open transaction ends with the connection */
}
