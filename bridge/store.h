/*
 * store.h - the cache of one owner city: every reading once, in the order of its arrival, and a
 * cursor in that order for each link. The cache is the queue.
 *
 * A write opens a transaction by itself; nx_store_commit makes everything since the last one
 * durable (write-ahead log, synchronous=FULL) and is the caller's to time, so that one sync pays
 * for many readings. What was not committed is gone after nx_store_rollback or a crash: who
 * acknowledges only after the commit loses nothing.
 *
 * Every record has a number, from 1 on without a gap. Most are readings. A dead letter that is to
 * be tried again becomes a record of its own, for that link and that part alone, under a new number;
 * histories and last values do not know it.
 *
 * A number belongs to an epoch, and EPOCH.N names one record for ever. A file that was put back from a
 * backup, or copied, may give numbers that its original gave to others: so what comes into it begins a
 * new epoch, and what it holds keeps its names (docs/decisions/0012-copies-of-a-cache.md).
 *
 * Retention removes from the front: nx_store_first says from where on nothing is missing. Before it
 * there is only what is the newest of its stream.
 *
 * One process writes; any number read (nx_store_open_read), even while it writes; any may ask for a
 * dead letter to be sent again (nx_store_ask_resend).
 */
#ifndef NX_BRIDGE_STORE_H
#define NX_BRIDGE_STORE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/span.h"
#include "core/topic.h"

#include <stdint.h>

struct nx_store;

enum nx_reading_kind {
    NX_READING_OBSERVATION = 0,
    NX_READING_CLEAR = 1, /* an empty payload: the owner took the retained value back */
};

struct nx_reading {
    uint64_t seq; /* the owner's sequence number in this epoch, from 1, without a gap */
    enum nx_reading_kind kind;
    uint16_t packet_id;  /* under which the broker delivered it; 0 at QoS 0 */
    int64_t received_ms; /* Unix time */
    struct nx_span topic;
    struct nx_span observed_at; /* RFC 3339, or empty */
    struct nx_span original;    /* the owner's bytes, verbatim */
    struct nx_span canonical;   /* ptr NULL: there is none, `fault` says why */
    struct nx_span fault;       /* empty: none */

    struct nx_span only_link;     /* not empty: for this link alone, it is tried again */
    enum nx_channel only_channel; /* and this part of it alone */
    bool superseded;              /* its stream has newer readings: not the last value any more */
};

/*
 * Where a link stands. Every record up to `cursor` was sent, is dead, or was not for this link:
 * cursor = sent + dead + filtered. What its drop policy gave up is `dropped`, a part of `dead`.
 */
struct nx_store_cursor {
    uint64_t cursor, sent, dead, filtered, dropped;
};

/* Who moves what the write-ahead log holds into the file (store_checkpoint.c). */
enum nx_store_checkpoint {
    NX_STORE_CHECKPOINT_HERE = 0, /* now and then a commit, which then takes longer */
    NX_STORE_CHECKPOINT_ASIDE,    /* as the thread does it, but within commits: for tests */
    NX_STORE_CHECKPOINT_THREAD,   /* a thread of the store's own */
};

struct nx_store_options {
    int64_t now_ms;  /* names what is set aside; part of a new epoch */
    uint64_t random; /* part of a new epoch */
    bool verify;     /* check every page, however large the file */
    bool distrust;   /* it was found damaged in use although it looks sound: it counts as damaged */
    const char *vfs; /* SQLite's file system by name; NULL: the default */
    enum nx_store_checkpoint checkpoint;
    uint32_t checkpoint_pages; /* in the log, from which on that happens; 0: some thousand */
};

/*
 * Opens or creates the cache at `path`. A damaged file is set aside as PATH.damaged-TIME, told to
 * `log`, and a new one with a new epoch takes its place. NX_ERR_UNSUPPORTED: written by a newer
 * version, or not a cache of ours. NX_ERR_IO: the file cannot be used. `diag` says why.
 */
enum nx_err nx_store_open(const char *path, const struct nx_store_options *options,
                          const struct nx_log *log, struct nx_store **out, struct nx_diag *diag);

/* Opens for reading only; changes nothing, also not while a bridge writes. */
enum nx_err nx_store_open_read(const char *path, struct nx_store **out, struct nx_diag *diag);
void nx_store_close(struct nx_store *store); /* rolls back what was not committed */

/*
 * Opens the file of `store` anew, after NX_ERR_SYNTAX, NX_ERR_STATE or many failures, as nx_store_open would. A file
 * that lacks what was durable, or is not the one that was open, counts as damaged: numbers never go
 * back within an epoch. It may have more, when an error was the answer to a commit that came through
 * all the same: what is to be stored again may be there. On failure the store may be
 * closed but is still there: it knows its last epoch, every other call answers NX_ERR_IO, and this
 * one may be tried again.
 */
enum nx_err nx_store_reopen(struct nx_store *store, const struct nx_store_options *options,
                            const struct nx_log *log, struct nx_diag *diag);

/*
 * Are its files still those that are open, and is the log as long as what it holds? Each transaction
 * asks; this is for a city that is silent. NX_ERR_STATE: no, nx_store_reopen it with `verify`.
 */
enum nx_err nx_store_check(struct nx_store *store, struct nx_diag *diag);

const char *nx_store_epoch(const struct nx_store *store); /* of what comes, [0-9a-f]{20} */
uint64_t nx_store_last(const struct nx_store *store);     /* newest durable record, 0: none */
uint64_t nx_store_first(const struct nx_store *store);    /* nothing was removed from here on */
bool nx_store_dirty(const struct nx_store *store);        /* is a transaction open? */

/* One of the epochs of a cache: it names the records after + 1 .. until. */
enum { NX_STORE_EPOCH_SIZE = 21, NX_STORE_EPOCHS_MAX = 8 };
struct nx_store_epoch {
    char name[NX_STORE_EPOCH_SIZE]; /* grows with time, in the order of text */
    uint64_t after, until;          /* of the newest: UINT64_MAX */
};

/* Oldest first, one at least; the last is nx_store_epoch's. The oldest of too many are forgotten: what
 * they named goes by the next one's name. */
size_t nx_store_epochs(const struct nx_store *store, const struct nx_store_epoch **out);
const char *nx_store_epoch_of(const struct nx_store *store, uint64_t seq);

/*
 * For other processes: says that the file at `path` was put back from a backup where that cannot be
 * seen in it (its place on the disk is the same). Its next opening begins a new epoch.
 */
enum nx_err nx_store_put_back(const char *path, struct nx_diag *diag);

/* How many damaged caches lie beside the file at `path`, set aside: until somebody takes them away. */
unsigned nx_store_set_aside(const char *path);

/*
 * Writing. On any error but NX_OK nothing of the open transaction may be trusted: roll back.
 * NX_ERR_IO: disk full or failing, `diag` has the words; try again later. NX_ERR_SYNTAX: the file
 * is damaged; nx_store_reopen it with `verify`. NX_ERR_STATE: so too, it is not the one that is open.
 */
enum nx_err nx_store_append(struct nx_store *store, const struct nx_reading *reading, uint64_t *seq,
                            struct nx_diag *diag);
enum nx_err nx_store_save_cursor(struct nx_store *store, struct nx_span link,
                                 const struct nx_store_cursor *cursor, struct nx_diag *diag);
enum nx_err nx_store_put_number(struct nx_store *store, const char *key, int64_t value,
                                struct nx_diag *diag);
enum nx_err nx_store_commit(struct nx_store *store, struct nx_diag *diag);
void nx_store_rollback(struct nx_store *store);

/*
 * Repetitions. A publish with DUP=1 repeats a stored reading when that reading came under the
 * same packet identifier, with the same topic and bytes, and its acknowledgement may not have
 * reached the broker: only then. nx_store_settle says up to where it has; from there on
 * identifiers may be in use anew (docs/decisions/0003-bridge-store.md).
 */
enum nx_err nx_store_repeats(struct nx_store *store, uint16_t packet_id, struct nx_span topic,
                             struct nx_span payload, bool *repeats, struct nx_diag *diag);
enum nx_err nx_store_settle(struct nx_store *store, uint64_t seq, struct nx_diag *diag);

/* Is `payload` the stream's newest value already? Tells a retained replay from a reading. */
enum nx_err nx_store_is_latest(struct nx_store *store, struct nx_span topic, struct nx_span payload,
                               bool *same, struct nx_diag *diag);

/* --- dead letters ---------------------------------------------------------------------------- */

/* One part of one record, which one link cannot deliver. */
struct nx_dead_letter {
    struct nx_span link;
    uint64_t seq;
    enum nx_channel channel; /* observation or original */
    int64_t at_ms;           /* Unix time */
    struct nx_span reason;
};

enum nx_err nx_store_dead_letter(struct nx_store *store, const struct nx_dead_letter *letter,
                                 struct nx_diag *diag);
/* Is any part of that record a dead letter of that link? */
enum nx_err nx_store_is_dead(struct nx_store *store, struct nx_span link, uint64_t seq, bool *is,
                             struct nx_diag *diag);

/*
 * Takes up what was asked for with nx_store_ask_resend, the oldest request first and at most
 * `letters_max` of it: each dead letter becomes a record with only_link and is no dead letter any
 * more. Opens a transaction only when there is a request.
 */
struct nx_store_resent {
    char link[128];       /* whose letters; empty: nothing was asked for */
    uint64_t first, last; /* the numbers under which they go; 0: there were none */
    uint64_t letters;
    bool more; /* call again */
};
enum nx_err nx_store_resend(struct nx_store *store, uint32_t letters_max,
                            struct nx_store_resent *out, struct nx_diag *diag);

/*
 * For other processes, beside a running bridge or without one: asks for the dead letters of `link`
 * to be sent again, the one of record `seq` or (0) all. *letters: how many that are now; with none
 * nothing is asked. Waits a few seconds for its turn to write.
 */
enum nx_err nx_store_ask_resend(const char *path, struct nx_span link, uint64_t seq, int64_t now_ms,
                                uint64_t *letters, struct nx_diag *diag);

/* --- retention ------------------------------------------------------------------------------- */

struct nx_store_limits {
    int64_t before_ms;  /* what was received before this may go; 0: age takes nothing */
    uint64_t bytes_max; /* of the file's pages in use; 0: size takes nothing */
};

struct nx_store_thinned {
    uint64_t removed;     /* readings, by this call */
    uint64_t removed_all; /* readings, since this cache began */
    uint64_t bytes_used;  /* before this call */
    uint64_t wanted;      /* the limits want everything up to this number gone; 0: nothing */
    bool held_up;         /* some of that is above floor_seq */
    bool more;            /* call again: rows_max was reached */
};

/*
 * Removes from the front, in the open transaction, what is beyond the limits, but nothing above
 * `floor_seq` (up to where every link is done), no reading whose acknowledgement is not settled,
 * and never the newest reading of a stream. Visits
 * rows_max numbers at most.
 */
enum nx_err nx_store_thin(struct nx_store *store, uint64_t floor_seq,
                          const struct nx_store_limits *limits, uint32_t rows_max,
                          struct nx_store_thinned *out, struct nx_diag *diag);

/* --- reading --------------------------------------------------------------------------------- */

/* NX_ERR_NOT_FOUND: removed, or not there yet. `bytes` (reset first) takes the texts that `out` points into. */
enum nx_err nx_store_get(struct nx_store *store, uint64_t seq, struct nx_buf *bytes,
                         struct nx_reading *out, struct nx_diag *diag);
/* All zero when the link is new. */
enum nx_err nx_store_load_cursor(struct nx_store *store, struct nx_span link,
                                 struct nx_store_cursor *out, struct nx_diag *diag);
/* `*value` stays as it is when there is none. */
enum nx_err nx_store_get_number(struct nx_store *store, const char *key, int64_t *value,
                                struct nx_diag *diag);

/* Walks: `each` gets spans that live until it returns, and ends the walk with anything but
 * NX_OK, which the walk then returns. */
struct nx_store_stream {
    struct nx_span topic;
    uint64_t count, last_seq;
    int64_t last_received_ms;
};

struct nx_store_query {
    struct nx_span filter; /* latest: an MQTT topic filter, or empty for all; history: a topic */
    uint64_t since;        /* history: readings after this number */
    uint64_t until;        /* history: and up to this one; 0: to the newest */
    int64_t from_ms;       /* history: received at this time or later; 0: whenever */
    int64_t to_ms;         /* history: and before this one; 0: whenever */
    uint64_t limit;        /* history: at most so many of these, the newest; 0: all */
};

/* The dead letters of one link, or with an empty `link` of all, by number; `record` is what it was,
 * NULL when the cache has it no more. */
enum nx_err nx_store_dead(struct nx_store *store, struct nx_span link,
                          enum nx_err (*each)(void *ctx, const struct nx_dead_letter *letter,
                                              const struct nx_reading *record),
                          void *ctx, struct nx_diag *diag);
enum nx_err nx_store_streams(struct nx_store *store,
                             enum nx_err (*each)(void *ctx, const struct nx_store_stream *row),
                             void *ctx, struct nx_diag *diag);
/* The newest reading of each stream, by topic. */
enum nx_err nx_store_latest(struct nx_store *store, const struct nx_store_query *query,
                            enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                            void *ctx, struct nx_diag *diag);
/* One stream's readings, oldest first. */
enum nx_err nx_store_history(struct nx_store *store, const struct nx_store_query *query,
                             enum nx_err (*each)(void *ctx, const struct nx_reading *reading),
                             void *ctx, struct nx_diag *diag);

#endif
