/*
 * store_sqlite.h - what the files of the store share. For bridge/store_sqlite*.c alone: this and
 * they are the only place that names SQLite.
 *
 *   store_sqlite_open.c   opening, migrations, what to do with a damaged or foreign file
 *   store_sqlite.c        writing: transactions, readings, cursors, dead letters, repetitions
 *   store_sqlite_read.c   reading: one record, walks over streams, latest and history
 */
#ifndef NX_BRIDGE_STORE_SQLITE_H
#define NX_BRIDGE_STORE_SQLITE_H

#include "bridge/store.h"

#include <sqlite3.h>

enum { STORE_PACKET_IDS = 65536, STORE_EPOCH_SIZE = 21 };

/* Statements that are prepared once and kept; their text is in store_sqlite.c, by this order. */
enum store_stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_STREAM_FIND,
    STMT_STREAM_ADD,
    STMT_APPEND,
    STMT_GET,
    STMT_LATEST_OF,
    STMT_META_GET,
    STMT_META_PUT,
    STMT_CURSOR_GET,
    STMT_CURSOR_PUT,
    STMT_DEAD_PUT,
    STMT_COUNT,
};

/*
 * (S1) durable <= last; they differ only while a transaction is open.
 * (S2) settled <= last: a reading at or below it is never taken for a repetition's first half.
 * (S3) by_packet[id] is a hint: the reading found there is compared in full before it counts.
 */
struct nx_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STMT_COUNT]; /* prepared at their first use */
    char *path;
    char epoch[STORE_EPOCH_SIZE];
    uint64_t last;    /* newest reading, the open transaction's included */
    uint64_t durable; /* newest committed reading */
    uint64_t settled, settled_durable;
    bool in_transaction;
    uint64_t *by_packet; /* packet identifier -> newest reading that came under it; NULL: reader */
};

/* The columns of a reading, as every query that fills one selects them. */
#define STORE_READING_COLUMNS                                                                      \
    "r.seq, r.kind, r.packet_id, r.received_at, s.topic, r.observed_at, r.original, "              \
    "r.canonical, r.fault"

/* A kept statement, reset and ready to bind. */
enum nx_err store_statement(struct nx_store *store, enum store_stmt which, sqlite3_stmt **out,
                            struct nx_diag *diag);
/* Runs a statement that returns no row, and resets it. */
enum nx_err store_run(struct nx_store *store, sqlite3_stmt *stmt, const char *doing,
                      struct nx_diag *diag);
/* SQLite's result code as ours, with its words in `diag`. */
enum nx_err store_fail(const struct nx_store *store, int rc, const char *doing,
                       struct nx_diag *diag);

void store_bind_text(sqlite3_stmt *stmt, int column, struct nx_span s); /* empty: NULL */
void store_bind_blob(sqlite3_stmt *stmt, int column, struct nx_span s); /* ptr NULL: NULL */
struct nx_span store_column(sqlite3_stmt *stmt, int column);

/* The row of a query that selects STORE_READING_COLUMNS; spans live until the next step. */
void store_row(sqlite3_stmt *stmt, struct nx_reading *out);

/* Reads epoch, sequence and, for a writer, the packet identifiers not yet settled. */
enum nx_err store_load(struct nx_store *store, bool writer, struct nx_diag *diag);

#endif
