/*
 * store_sqlite.h - what the files of the store share. For bridge/store_*.c alone: this and they are
 * the only place that names SQLite.
 *
 *   store_sqlite.c         statements, transactions, numbers
 *   store_sqlite_schema.c  the tables, migrations; is this file ours, and is it whole?
 *   store_sqlite_open.c    opening, what to do with a damaged or foreign file
 *   store_sqlite_epoch.c   epochs; is this the file that was written last, or a copy of it?
 *   store_files.c          are its files still there and whole? away with damaged ones
 *   store_checkpoint.c     from the write-ahead log into the file
 *   store_sqlite_write.c   readings, repetitions, cursors
 *   store_sqlite_thin.c    retention
 *   store_sqlite_dead.c    dead letters and their second try
 *   store_sqlite_read.c    one record; walks over streams and their last values
 *   store_sqlite_history.c one stream's readings
 *   store_numbers.c        numbers that a walk finds on its way, as a table of SQLite's
 *   store_streams.c        the streams that were written to lately
 */
#ifndef NX_BRIDGE_STORE_SQLITE_H
#define NX_BRIDGE_STORE_SQLITE_H

#include "bridge/store.h"
#include "bridge/store_streams.h"

#include <sqlite3.h>
#include <sys/types.h>

enum { STORE_PACKET_IDS = 65536 };

/* Statements that are prepared once and kept; their text is in store_sqlite.c, by this order. */
enum store_stmt {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_STREAM_FIND,
    STMT_STREAM_ADD,
    STMT_HEAD_ADD,
    STMT_HEAD_PUT,
    STMT_HEAD_GONE,
    STMT_MARK,
    STMT_APPEND,
    STMT_GET,
    STMT_GET_SOME,
    STMT_GET_RESEND,
    STMT_META_GET,
    STMT_META_PUT,
    STMT_CURSOR_GET,
    STMT_CURSOR_PUT,
    STMT_DEAD_PUT,
    STMT_DEAD_HAS,
    STMT_DEAD_SOME,
    STMT_DEAD_DROP,
    STMT_RESEND_PUT,
    STMT_RESEND_AGAIN,
    STMT_REQUEST_GET,
    STMT_REQUEST_ADVANCE,
    STMT_REQUEST_DROP,
    STMT_RECEIVED_AT,
    STMT_PAGES,
    STMT_PAGES_FREE,
    STMT_PAGE_SIZE,
    STMT_READING_DROP,
    STMT_THIN_HEADS,
    STMT_THIN_READINGS,
    STMT_THIN_MARKS,
    STMT_THIN_RESENDS,
    STMT_THIN_DEAD,
    STMT_COUNT,
};

/* Every so many readings of a stream one is a mark: so many, at most, are passed by on the way to what
 * was asked for. */
enum { STORE_MARK_EVERY = 128 };

/* What a rollback takes back. */
struct store_marks {
    uint64_t last;    /* newest record */
    uint64_t first;   /* nothing was removed from here on */
    uint64_t removed; /* readings, ever */
    uint64_t settled;
    uint64_t commits; /* of transactions that brought no record */
};

/* Of the file, -wal and -shm. */
enum { STORE_FILES = 3, STORE_PATH_MAX = 4096 };

struct store_file {
    bool there; /* when the cache was opened; else nothing is known of it */
    dev_t device;
    ino_t inode;
};

enum { STORE_AHEAD_MAX = 64, STORE_AHEAD_BYTES = 256 * 1024 };

/* Records read in one go, because somebody reads one after the other. */
struct store_ahead {
    struct nx_reading rows[STORE_AHEAD_MAX];
    size_t count;
    uint64_t last_seq;   /* the record that was asked for last */
    struct nx_buf bytes; /* never grows once it is made, so that rows may point into it */
};

/*
 * (S1) durable is what `now` was when the last transaction ended.
 * (S2) settled <= last: a reading at or below it is never taken for a repetition's first half.
 * (S3) by_packet[id] is a hint: the reading found there is compared in full before it counts.
 * (S4) a reading that may be found to be repeated is never removed.
 * (S5) a stream in `streams` has its newest reading there, the open transaction's included; the
 *      file knows of it when the transaction ends, and before it is asked for it (store_heads).
 * (S6) what is in `ahead` is durable and was not removed.
 * (S7) db is NULL only after an nx_store_reopen that failed.
 * (S8) a mark is a reading of its stream that is there, from `first` on.
 */
struct nx_store {
    sqlite3 *db;
    sqlite3_stmt *statements[STMT_COUNT]; /* a reader's are prepared at their first use */
    char *path;
    struct nx_store_epoch epochs[NX_STORE_EPOCHS_MAX];
    size_t epochs_count; /* the last is the present one's */
    struct store_marks now, durable;
    bool in_transaction;
    uint64_t *by_packet; /* packet identifier -> newest reading that came under it; NULL: reader */
    struct store_streams streams;
    struct store_ahead ahead;
    struct store_checkpoint *checkpoint; /* NULL: reader */
    struct store_file files[STORE_FILES];
    uint64_t page_bytes;
    unsigned rescues; /* tried */
};

/* The columns of a reading, as every query that fills one selects them. */
#define STORE_READING_COLUMNS                                                                      \
    "r.seq, r.kind, r.packet_id, r.received_at, s.topic, r.observed_at, r.original, "              \
    "r.canonical, r.fault"

/* ---- store_sqlite.c ---- */

/* A kept statement, reset and ready to bind. */
enum nx_err store_statement(struct nx_store *store, enum store_stmt which, sqlite3_stmt **out,
                            struct nx_diag *diag);
/* All of them: so a file that has not our tables and columns is found out at its opening. */
enum nx_err store_prepare_kept(struct nx_store *store, struct nx_diag *diag);
/* A statement that is used once, for the caller to finalize. */
enum nx_err store_prepare(struct nx_store *store, const char *sql, sqlite3_stmt **out,
                          struct nx_diag *diag);
/* Runs a kept statement that returns no row, and gives it back. */
enum nx_err store_run(struct nx_store *store, sqlite3_stmt *stmt, const char *doing,
                      struct nx_diag *diag);
/* Gives a kept statement back whose step answered `rc`: a row, which may be there or not. */
enum nx_err store_looked_up(struct nx_store *store, sqlite3_stmt *stmt, int rc, const char *doing,
                            struct nx_diag *diag);
/* SQLite's result code as ours, with its words in `diag`. */
enum nx_err store_fail(const struct nx_store *store, int rc, const char *doing,
                       struct nx_diag *diag);

/* Opens a transaction unless one is open. */
enum nx_err store_begin(struct nx_store *store, struct nx_diag *diag);

void store_bind_text(sqlite3_stmt *stmt, int column, struct nx_span s); /* empty: NULL */
void store_bind_blob(sqlite3_stmt *stmt, int column, struct nx_span s); /* ptr NULL: NULL */
void store_bind_seq(sqlite3_stmt *stmt, int column, uint64_t seq);
struct nx_span store_column(sqlite3_stmt *stmt, int column);
uint64_t store_column_seq(sqlite3_stmt *stmt, int column);

/* ---- store_sqlite_schema.c ---- */

enum { STORE_VERSION = 4, STORE_BUSY_MS = 250 /* for another's write lock, e.g. a resend's */ };

enum nx_err store_exec(struct nx_store *store, const char *sql, const char *doing,
                       struct nx_diag *diag);
/* The one number that a query returns; 0 when there is no row. */
enum nx_err store_number(struct nx_store *store, const char *sql, int64_t *out,
                         struct nx_diag *diag);
/* Whose file is it, and of which version? 0: empty. NX_ERR_UNSUPPORTED: not ours, or newer. */
enum nx_err store_identify(struct nx_store *store, int64_t *version, struct nx_diag *diag);
/* For a reader: of this version exactly. */
enum nx_err store_identify_same(struct nx_store *store, struct nx_diag *diag);
/* Checks every page: `always`, or when the file is small. NX_ERR_SYNTAX: damaged. */
enum nx_err store_verify(struct nx_store *store, bool always, struct nx_diag *diag);
enum nx_err store_migrate(struct nx_store *store, const struct nx_store_options *options,
                          int64_t version, struct nx_diag *diag);

/* ---- store_sqlite_write.c ---- */

/* Tells the file of the streams that changed: each once, however many readings came. */
enum nx_err store_heads(struct nx_store *store, struct nx_diag *diag);

/* ---- store_sqlite_open.c ---- */

enum nx_err store_connect(struct nx_store *store, const char *name, int flags, const char *vfs,
                          struct nx_diag *diag);

/* ---- store_sqlite_epoch.c ---- */

/* Of a new file: its first epoch, and which file it is. */
enum nx_err store_first_epoch(struct nx_store *store, const struct nx_store_options *options,
                              struct nx_diag *diag);
/* The same, and a new epoch is greater than that one, also where the clock was set back. */
struct nx_store_options store_options_after(const struct nx_store_options *options,
                                            const char *epoch);
enum nx_err store_load_epochs(struct nx_store *store, struct nx_diag *diag);
/*
 * To be called once `store` is loaded. In another file than the one that was written last a new epoch
 * begins, and is told. Commits.
 */
enum nx_err store_settle_file(struct nx_store *store, const struct nx_store_options *options,
                              const struct nx_log *log, struct nx_diag *diag);

/* ---- store_files.c ---- */

enum nx_err store_files_note(struct nx_store *store, struct nx_diag *diag); /* they are open now */
/* May the file be written, as its header says? NX_ERR_SYNTAX: it says no, which we never do. */
enum nx_err store_files_writable(struct nx_store *store, struct nx_diag *diag);
/* Moves a log that was removed, and is open still, into the file. On failure it may be tried again. */
enum nx_err store_files_rescue(struct nx_store *store, struct nx_diag *diag);
/* Before the connection is closed: what closing it does is right, or is not done. */
void store_files_leave(struct nx_store *store);
/* Renames them; `diag` says why. */
enum nx_err store_set_aside(const char *path, int64_t now_ms, const struct nx_log *log,
                            struct nx_diag *diag);

/* ---- store_checkpoint.c ---- */

enum nx_err store_checkpoint_start(struct nx_store *store, const struct nx_store_options *options);
void store_checkpoint_stop(struct nx_store *store);
/* So many frames were in the log behind our last commit; 0: there was none yet. */
uint64_t store_checkpoint_frames(const struct nx_store *store);

/* ---- store_sqlite_thin.c ---- */

/* Removes the newest reading of a stream, which stops to be that, and its dead letters. */
enum nx_err store_forget(struct nx_store *store, struct store_stream *stream, struct nx_diag *diag);

/* ---- store_sqlite_dead.c ---- */

enum nx_channel store_channel(struct nx_span name); /* of a dead letter, by its name */

/* ---- store_sqlite_read.c ---- */

/* The row of a query that selects STORE_READING_COLUMNS; spans live until the next step. */
void store_row(sqlite3_stmt *stmt, struct nx_reading *out);
/* Appends each text of `reading` to `bytes` and lets it point there. */
enum nx_err store_keep(struct nx_reading *reading, struct nx_buf *bytes);
/* A statement for a walk, which sees what the open transaction has written. */
enum nx_err store_walk(struct nx_store *store, const char *sql, sqlite3_stmt **out,
                       struct nx_diag *diag);

/* ---- store_numbers.c ---- */

/*
 * FROM numbers(?1), with a struct store_numbers bound there, gives the statement one row with one
 * column, `seq`, at each of its steps: what `next` was before it. So that what a step finds may say
 * where the next one goes, and the statement stays where it is, with its cursors open.
 */
struct store_numbers {
    uint64_t next; /* 0: the statement is done; a step sets it to that */
};

/* For a new connection. */
enum nx_err store_numbers_enable(struct nx_store *store, struct nx_diag *diag);
void store_numbers_bind(sqlite3_stmt *stmt, int parameter, struct store_numbers *numbers);

/* ---- store_sqlite_history.c ---- */

/*
 * The number from which on readings were received at that time or later, by bisection: they come in
 * the order of time. Where a clock was set back they do not, and the place found is one of several
 * where earlier and later meet. Not below nx_store_first; behind the last: there is none.
 */
enum nx_err store_number_at(struct nx_store *store, int64_t received_ms, uint64_t *seq,
                            struct nx_diag *diag);

#endif
