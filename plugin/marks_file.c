/*
 * marks_file.c - reads the marks at the start, writes them behind the messages. Runs within the
 * broker's only thread: one pwrite of 128 bytes into the page cache, never a sync.
 */
#include "plugin/marks_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096 + 16,
    SAVE_INTERVAL_MS = 1000,
    HEAD_BYTES = NX_MARKS_SLOT_BYTES,
    FILE_BYTES_MAX = HEAD_BYTES + 2 * NX_MARKS_MAX * NX_MARKS_SLOT_BYTES,
};

/* What an entry was when it was written last. */
struct written {
    struct nx_mark moved, settled;
    uint64_t at_ms;
};

struct nx_marks_file {
    const struct nx_log *log;
    struct written written[NX_MARKS_MAX];
    uint64_t failures;
    bool failing; /* told already */
    int fd;
    char path[PATH_SIZE];
};

static void make_head(const char *city, char out[HEAD_BYTES])
{
    memset(out, 0, HEAD_BYTES);
    (void)snprintf(out, HEAD_BYTES, "nexus delivery marks, version 1, of %s\n", city);
}

static bool write_at(int fd, const char *bytes, size_t len, off_t at)
{
    ssize_t done;

    do {
        done = pwrite(fd, bytes, len, at);
    } while (done < 0 && errno == EINTR);
    return done == (ssize_t)len; /* a partial write is a full disk: the other copy stays */
}

static bool write_slot(struct nx_marks_file *file, size_t n, struct nx_mark_entry *entry,
                       bool clean)
{
    char bytes[NX_MARKS_SLOT_BYTES];
    size_t slot;

    entry->generation++;
    slot = 2 * n + (entry->generation & 1);
    nx_mark_encode(entry, clean, bytes);
    return write_at(file->fd, bytes, sizeof(bytes),
                    (off_t)(HEAD_BYTES + slot * NX_MARKS_SLOT_BYTES));
}

static void note_result(struct nx_marks_file *file, bool written)
{
    if (written) {
        file->failing = false;
        return;
    }
    file->failures++;
    if (!file->failing) {
        nx_log(file->log, NX_LOG_ERROR,
               "nexus: %s: the delivery marks cannot be written (%s); after a restart of the "
               "broker links will send again what they have sent since",
               file->path, strerror(errno));
        file->failing = true;
    }
}

static bool is_written(const struct written *written, const struct nx_mark_entry *entry)
{
    return nx_mark_is(&written->moved, &entry->moved) &&
           nx_mark_is(&written->settled, &entry->settled);
}

void nx_marks_file_save(struct nx_marks_file *file, struct nx_marks *marks, uint64_t now_ms)
{
    for (size_t i = 0; i < marks->count; i++) {
        struct nx_mark_entry *entry = &marks->entries[i];
        struct written *written = &file->written[i];

        if (now_ms < written->at_ms || is_written(written, entry)) {
            continue;
        }
        written->at_ms = now_ms + SAVE_INTERVAL_MS; /* the same when it fails */
        note_result(file, write_slot(file, i, entry, false));
        if (!file->failing) {
            written->moved = entry->moved;
            written->settled = entry->settled;
        }
    }
}

void nx_marks_file_close(struct nx_marks_file *file, struct nx_marks *marks)
{
    if (file == NULL) {
        return;
    }
    for (size_t i = 0; i < marks->count; i++) {
        note_result(file, write_slot(file, i, &marks->entries[i], true));
    }
    (void)close(file->fd);
    free(file);
}

uint64_t nx_marks_file_failures(const struct nx_marks_file *file)
{
    return file->failures;
}

/* ---- opening ---- */

static enum nx_err fail(const char *path, const char *what, struct nx_diag *diag)
{
    nx_diag_set(diag, "plugin_opt_state: %.256s: %s", path, what);
    return NX_ERR_IO;
}

static enum nx_err open_locked(const char *path, int *out, struct nx_diag *diag)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    if (fd < 0) {
        return fail(path, strerror(errno), diag);
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return fail(path, "not a file", diag);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return fail(path,
                    "in use by another broker or by another listener of this one: each plugin line "
                    "needs a file of its own",
                    diag);
    }
    *out = fd;
    return NX_OK;
}

/* All of the file, zeros behind its end. False: not readable, or more than any has. */
static bool read_all(int fd, char *bytes, size_t *len)
{
    ssize_t got = 1;

    memset(bytes, 0, FILE_BYTES_MAX + 1);
    for (*len = 0; *len <= FILE_BYTES_MAX && got > 0; *len += got > 0 ? (size_t)got : 0) {
        got = pread(fd, bytes + *len, FILE_BYTES_MAX + 1 - *len, (off_t)*len);
        if (got < 0 && errno == EINTR) {
            got = 1;
            continue;
        }
    }
    return got == 0 && *len <= FILE_BYTES_MAX;
}

static void tell_restored(const struct nx_log *log, const struct nx_mark_entry *entry,
                          const struct nx_mark *had)
{
    if (nx_mark_is(&entry->live, had)) {
        nx_log(log, NX_LOG_INFO, "nexus: delivery from %s goes on behind %s.%llu", entry->from,
               had->epoch, (unsigned long long)had->seq);
        return;
    }
    nx_log(log, NX_LOG_WARN,
           "nexus: the broker was not stopped in order: delivery from %s goes back to %s.%llu "
           "from %s.%llu, because the broker may have lost what lies between",
           entry->from, entry->live.epoch, (unsigned long long)entry->live.seq, had->epoch,
           (unsigned long long)had->seq);
}

/* The two copies of one city. False: something is there, but nothing sound. */
static bool restore(const char *copies, struct nx_marks *marks, const struct nx_log *log)
{
    struct nx_mark_entry entry[2];
    struct nx_mark had[2];
    enum nx_mark_slot kind[2];
    struct nx_mark_entry *kept;
    int newest;

    for (int i = 0; i < 2; i++) {
        kind[i] = nx_mark_decode(copies + (size_t)i * NX_MARKS_SLOT_BYTES, &entry[i], &had[i]);
    }
    if (kind[0] != NX_MARK_SLOT_SOUND && kind[1] != NX_MARK_SLOT_SOUND) {
        return kind[0] == NX_MARK_SLOT_EMPTY && kind[1] == NX_MARK_SLOT_EMPTY;
    }
    newest = kind[1] == NX_MARK_SLOT_SOUND &&
             (kind[0] != NX_MARK_SLOT_SOUND || entry[1].generation > entry[0].generation);
    if (nx_marks_find(marks, nx_span_from(entry[newest].from)) != NULL) {
        return false; /* the same city twice */
    }
    kept = nx_marks_add(marks, nx_span_from(entry[newest].from));
    if (kept == NULL) {
        return false;
    }
    *kept = entry[newest];
    tell_restored(log, kept, &had[newest]);
    return true;
}

/* False: not a sound file of this city's; what is sound of it is in `marks`. */
static bool load(const char *bytes, size_t len, const char *city, struct nx_marks *marks,
                 const struct nx_log *log)
{
    char head[HEAD_BYTES];
    bool sound = true;

    make_head(city, head);
    if (memcmp(bytes, head, HEAD_BYTES) != 0) {
        return false;
    }
    for (size_t at = HEAD_BYTES; at < len; at += (size_t)2 * NX_MARKS_SLOT_BYTES) {
        sound = restore(bytes + at, marks, log) && sound;
    }
    return sound;
}

/* A new file with its head and the marks that are known, in place of the one that was there. */
static enum nx_err write_new(struct nx_marks_file *file, const char *city, struct nx_marks *marks,
                             struct nx_diag *diag)
{
    char head[HEAD_BYTES];
    bool ok;

    make_head(city, head);
    ok = write_at(file->fd, head, sizeof(head), 0);
    for (size_t i = 0; ok && i < marks->count; i++) {
        ok = write_slot(file, i, &marks->entries[i], true);
    }
    return ok ? NX_OK : fail(file->path, strerror(errno), diag);
}

static enum nx_err set_aside(struct nx_marks_file *file, struct nx_diag *diag)
{
    char aside[PATH_SIZE];
    int fd = -1;
    enum nx_err err;

    (void)snprintf(aside, sizeof(aside), "%.4096s.damaged", file->path);
    if (rename(file->path, aside) != 0) {
        return fail(file->path, strerror(errno), diag);
    }
    nx_log(file->log, NX_LOG_ERROR,
           "nexus: %s: damaged, or not the delivery marks of this city: set aside as %s",
           file->path, aside);
    err = open_locked(file->path, &fd, diag);
    if (err == NX_OK) {
        (void)close(file->fd);
        file->fd = fd;
    }
    return err;
}

static enum nx_err prepare(struct nx_marks_file *file, const char *city, struct nx_marks *marks,
                           struct nx_diag *diag)
{
    char *bytes = malloc(FILE_BYTES_MAX + 1);
    enum nx_err err = NX_OK;
    size_t len;

    if (bytes == NULL) {
        return NX_ERR_NOMEM;
    }
    if (!read_all(file->fd, bytes, &len) ||
        (len > 0 && !load(bytes, len, city, marks, file->log))) {
        err = set_aside(file, diag);
        len = 0;
    }
    if (err == NX_OK && len == 0) {
        err = write_new(file, city, marks, diag);
    }
    free(bytes);
    return err;
}

enum nx_err nx_marks_file_open(const char *path, const char *city, struct nx_marks *marks,
                               const struct nx_log *log, struct nx_marks_file **out,
                               struct nx_diag *diag)
{
    struct nx_marks_file *file = calloc(1, sizeof(*file));
    enum nx_err err;

    *out = NULL;
    if (file == NULL) {
        return NX_ERR_NOMEM;
    }
    file->log = log;
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    err = open_locked(path, &file->fd, diag);
    if (err != NX_OK) {
        free(file);
        return err;
    }
    err = prepare(file, city, marks, diag);
    if (err != NX_OK) {
        (void)close(file->fd);
        free(file);
        return err;
    }
    *out = file;
    return NX_OK;
}
