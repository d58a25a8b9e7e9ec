/*
 * store_checkpoint.c - moves what the write-ahead log holds into the file, so that the log begins
 * anew: https://sqlite.org/wal.html#checkpointing. The pages of a second of readings and the syncs
 * around them take tens of milliseconds. With a connection of their own, in a thread, they are not
 * in the way of a commit.
 *
 * The log begins anew only when all of it is in the file, and under load there is always a commit
 * that came meanwhile. So the passes go on, each shorter than the one before, and when little is left
 * the commit itself does that. Should passes not keep up the commits wait for them.
 *
 *   frames in the log   0 ......... pages ............................ WAITS * pages
 *                       nothing     a pass aside, or the rest here     also waits for the pass
 *
 * Nothing here decides what is durable: a commit is, by its sync of the log, before it comes here.
 * A pass that fails is tried again with a later commit; the log grows until then.
 */
#include "bridge/store_sqlite.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum {
    PAGES = 1000, /* 8 MiB: some tenths of a second under load */
    WAITS = 8,
    REST = 16,  /* a commit itself may do this part of `pages`, */
    PASSES = 4, /* and up to all of them if so many passes did not make it less */
};

/*
 * (C1) db is used by the thread, or without one by whoever commits. It is NULL when the store's own
 *      connection does everything.
 * (C2) busy, stop, done and passes: only under `mutex`.
 */
struct store_checkpoint {
    int pages;  /* in the log, from which on something is done */
    int frames; /* in the log, behind the last commit */
    sqlite3 *db;
    bool threaded;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool busy, stop;
    int done;   /* so many frames of this log are in the file */
    int passes; /* of this log */
};

/* Only what nobody reads any more, and without waiting for anybody. How far it came. */
static int pass(sqlite3 *db)
{
    int frames = 0;
    int done = 0;
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &done);

    return rc == SQLITE_OK && done > 0 ? done : 0;
}

/* --- aside ------------------------------------------------------------------------------------- */

/*
 * A pass syncs the file only if it moved the whole log, because nothing is overwritten before. Were
 * it left at that, the commit that does the rest would wait for the pages of all passes.
 */
static void sync_file(sqlite3 *db)
{
    sqlite3_file *file = NULL;

    (void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file);
    if (file != NULL && file->pMethods != NULL) {
        (void)file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    }
}

static void pass_aside(struct store_checkpoint *checkpoint)
{
    int done = pass(checkpoint->db);

    sync_file(checkpoint->db);

    (void)pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->done = done;
    checkpoint->passes++;
    checkpoint->busy = false;
    (void)pthread_cond_broadcast(&checkpoint->changed);
    (void)pthread_mutex_unlock(&checkpoint->mutex);
}

static void *work(void *ctx)
{
    struct store_checkpoint *checkpoint = ctx;
    bool stop = false;

    while (!stop) {
        (void)pthread_mutex_lock(&checkpoint->mutex);
        while (!checkpoint->busy && !checkpoint->stop) {
            (void)pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
        }
        stop = checkpoint->stop;
        (void)pthread_mutex_unlock(&checkpoint->mutex);
        if (!stop) {
            pass_aside(checkpoint);
        }
    }
    return NULL;
}

/* Signals are for the thread of the loop. */
static bool start_thread(struct store_checkpoint *checkpoint)
{
    sigset_t all, old;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&checkpoint->thread, NULL, work, checkpoint);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc == 0;
}

static void stop_thread(struct store_checkpoint *checkpoint)
{
    (void)pthread_mutex_lock(&checkpoint->mutex);
    checkpoint->stop = true;
    sqlite3_interrupt(checkpoint->db);
    (void)pthread_cond_broadcast(&checkpoint->changed);
    (void)pthread_mutex_unlock(&checkpoint->mutex);
    (void)pthread_join(checkpoint->thread, NULL);
}

/* A connection that has seen the file: before that SQLite does not know that there is a log. */
static enum nx_err connect_aside(struct store_checkpoint *checkpoint, const struct nx_store *store,
                                 const char *vfs)
{
    struct nx_store own = {.path = store->path};
    int64_t version = 0;
    enum nx_err err = store_connect(&own, store->path, SQLITE_OPEN_READWRITE, vfs, NULL);

    checkpoint->db = own.db;
    err = err == NX_OK ? store_exec(&own, "PRAGMA synchronous = FULL", "open", NULL) : err;
    return err == NX_OK ? store_number(&own, "PRAGMA user_version", &version, NULL) : err;
}

/* --- in a commit ------------------------------------------------------------------------------- */

enum due { NOTHING, ASIDE, HERE };

static enum due what_is_due(struct store_checkpoint *checkpoint, int frames)
{
    enum due due = NOTHING;
    int left;

    (void)pthread_mutex_lock(&checkpoint->mutex);
    while (checkpoint->busy && frames >= WAITS * checkpoint->pages) {
        (void)pthread_cond_wait(&checkpoint->changed, &checkpoint->mutex);
    }
    if (frames < checkpoint->pages) { /* the log began anew */
        checkpoint->done = checkpoint->passes = 0;
    } else if (!checkpoint->busy) {
        left = frames - checkpoint->done;
        due = left <= (checkpoint->passes < PASSES ? checkpoint->pages / REST : checkpoint->pages)
                  ? HERE
                  : ASIDE;
        checkpoint->busy = due == ASIDE;
    }
    if (due == ASIDE) {
        (void)pthread_cond_broadcast(&checkpoint->changed);
    }
    (void)pthread_mutex_unlock(&checkpoint->mutex);
    return due;
}

/* After each commit: https://sqlite.org/c3ref/wal_hook.html */
static int on_commit(void *ctx, sqlite3 *db, const char *name, int frames)
{
    struct store_checkpoint *checkpoint = ctx;
    enum due due = frames >= checkpoint->pages ? HERE : NOTHING;

    (void)name;
    checkpoint->frames = frames;
    if (checkpoint->db != NULL) {
        due = what_is_due(checkpoint, frames);
    }
    if (due == HERE) {
        (void)pass(db);
    } else if (due == ASIDE && !checkpoint->threaded) {
        pass_aside(checkpoint);
    }
    return SQLITE_OK;
}

/* --- life -------------------------------------------------------------------------------------- */

enum nx_err store_checkpoint_start(struct nx_store *store, const struct nx_store_options *options)
{
    struct store_checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));

    if (checkpoint == NULL) {
        return NX_ERR_NOMEM;
    }
    checkpoint->pages = options->checkpoint_pages > 0 ? (int)options->checkpoint_pages : PAGES;
    (void)pthread_mutex_init(&checkpoint->mutex, NULL);
    (void)pthread_cond_init(&checkpoint->changed, NULL);
    if (options->checkpoint != NX_STORE_CHECKPOINT_HERE &&
        connect_aside(checkpoint, store, options->vfs) != NX_OK) {
        (void)sqlite3_close(checkpoint->db); /* then they are done here */
        checkpoint->db = NULL;
    }
    if (checkpoint->db != NULL && options->checkpoint == NX_STORE_CHECKPOINT_THREAD) {
        checkpoint->threaded = start_thread(checkpoint);
    }
    store->checkpoint = checkpoint;
    (void)sqlite3_wal_hook(store->db, on_commit, checkpoint);
    return NX_OK;
}

uint64_t store_checkpoint_frames(const struct nx_store *store)
{
    return store->checkpoint != NULL ? (uint64_t)store->checkpoint->frames : 0;
}

void store_checkpoint_stop(struct nx_store *store)
{
    struct store_checkpoint *checkpoint = store->checkpoint;

    if (checkpoint == NULL) {
        return;
    }
    (void)sqlite3_wal_hook(store->db, NULL, NULL);
    if (checkpoint->threaded) {
        stop_thread(checkpoint);
    }
    (void)sqlite3_close(checkpoint->db);
    (void)pthread_cond_destroy(&checkpoint->changed);
    (void)pthread_mutex_destroy(&checkpoint->mutex);
    free(checkpoint);
    store->checkpoint = NULL;
}
