/*
 * state.c - the state folder: lock and client identifiers.
 */
#include "bridge/state.h"

#include "core/base/buf.h"
#include "core/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static enum nx_err state_fail(struct nx_diag *diag, const char *path, const char *doing)
{
    int os = errno;

    nx_diag_at(diag, path, 0, 0);
    nx_diag_set(diag, "%s: %s", doing, strerror(os));
    return NX_ERR_IO;
}

/* "/var/lib/nexus" -> "/var/lib" */
static bool state_above(const char *dir, char out[NX_STATE_PATH_MAX])
{
    size_t len = strlen(dir);

    while (len > 1 && dir[len - 1] == '/') {
        len--;
    }
    while (len > 0 && dir[len - 1] != '/') {
        len--;
    }
    return nx_span_copy(len > 0 ? (struct nx_span){dir, len} : nx_span_from("."), out,
                        NX_STATE_PATH_MAX);
}

enum nx_err nx_state_check(const char *dir, struct nx_diag *diag)
{
    char above[NX_STATE_PATH_MAX];
    struct stat found;

    if (stat(dir, &found) == 0) {
        if (!S_ISDIR(found.st_mode)) {
            errno = ENOTDIR;
            return state_fail(diag, dir, "cannot use the state folder");
        }
        return access(dir, W_OK | X_OK) == 0 ? NX_OK
                                             : state_fail(diag, dir, "cannot use the state folder");
    }
    if (errno != ENOENT || !state_above(dir, above) || access(above, W_OK | X_OK) != 0) {
        return state_fail(diag, dir, "cannot make the state folder");
    }
    return NX_OK;
}

enum nx_err nx_state_random(uint64_t *out)
{
    return getrandom(out, sizeof(*out), 0) == (ssize_t)sizeof(*out) ? NX_OK : NX_ERR_IO;
}

/* --- the lock --------------------------------------------------------------------------------- */

static enum nx_err lock_taken(int fd, const char *path, struct nx_diag *diag)
{
    char pid[24] = "";
    ssize_t got = read(fd, pid, sizeof(pid) - 1);

    pid[got > 0 ? (size_t)got : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    nx_diag_at(diag, path, 0, 0);
    nx_diag_set(diag, "another nexus-bridge%s%s works in this folder",
                pid[0] != '\0' ? ", pid " : "", pid);
    return NX_ERR_STATE;
}

enum nx_err nx_state_lock(const char *dir, int *lock, struct nx_diag *diag)
{
    char path[NX_STATE_PATH_MAX];
    char pid[24];
    enum nx_err err;
    int len;
    int fd;

    if (mkdir(dir, 0750) == -1 && errno != EEXIST) {
        return state_fail(diag, dir, "cannot make the state folder");
    }
    len = snprintf(path, sizeof(path), "%s/bridge.lock", dir);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return state_fail(diag, dir, "cannot use the state folder");
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd == -1) {
        return state_fail(diag, path, "cannot make the lock");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        err = errno == EWOULDBLOCK ? lock_taken(fd, path, diag)
                                   : state_fail(diag, path, "cannot lock");
        (void)close(fd);
        return err;
    }
    len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == -1 || pwrite(fd, pid, (size_t)len, 0) != len) {
        err = state_fail(diag, path, "cannot write");
        (void)close(fd);
        return err;
    }
    *lock = fd;
    return NX_OK;
}

/* --- client identifiers ------------------------------------------------------------------------ */

/* Written beside and renamed, so that a crash leaves the old file, the new one, or none. */
static enum nx_err write_secret(const char *path, const char *text, struct nx_diag *diag)
{
    char beside[NX_STATE_PATH_MAX + 8];
    size_t len = strlen(text);
    enum nx_err err = NX_OK;
    int fd;

    (void)snprintf(beside, sizeof(beside), "%s.new", path);
    (void)unlink(beside);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1) {
        return state_fail(diag, beside, "cannot make the file");
    }
    if (write(fd, text, len) != (ssize_t)len || fsync(fd) == -1) {
        err = state_fail(diag, beside, "cannot write");
    }
    (void)close(fd);
    if (err == NX_OK && rename(beside, path) == -1) {
        err = state_fail(diag, path, "cannot rename the file");
    }
    return err;
}

static bool client_id_fits(struct nx_span text, const char *prefix)
{
    struct nx_span head = nx_span_from(prefix);
    struct nx_span tail;

    if (!nx_span_starts(text, head) || text.len != head.len + 16) {
        return false;
    }
    tail = (struct nx_span){text.ptr + head.len, 16};
    for (size_t i = 0; i < tail.len; i++) {
        if (strchr("0123456789abcdef", tail.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static enum nx_err client_id_make(const char *path, const char *prefix, char out[NX_CLIENT_ID_SIZE],
                                  struct nx_diag *diag)
{
    uint64_t random;

    if (nx_state_random(&random) != NX_OK) {
        return state_fail(diag, path, "no random bytes");
    }
    (void)snprintf(out, NX_CLIENT_ID_SIZE, "%s%016" PRIx64, prefix, random);
    return write_secret(path, out, diag);
}

enum nx_err nx_state_client_id(const char *dir, const char *city, char out[NX_CLIENT_ID_SIZE],
                               struct nx_diag *diag)
{
    char path[NX_STATE_PATH_MAX];
    char prefix[NX_CLIENT_ID_SIZE - 16];
    struct nx_buf text;
    struct nx_span kept;
    enum nx_err err;
    int len = snprintf(path, sizeof(path), "%s/%s.client-id", dir, city);

    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return state_fail(diag, dir, "cannot use the state folder");
    }
    (void)snprintf(prefix, sizeof(prefix), "nexus-bridge-%s-", city);
    nx_buf_init(&text, NX_CLIENT_ID_SIZE);
    err = nx_file_read(path, &text, diag);
    kept = nx_buf_view(&text);
    if (kept.len > 0 && kept.ptr[kept.len - 1] == '\n') {
        kept.len--;
    }
    if (err == NX_ERR_NOT_FOUND) {
        err = client_id_make(path, prefix, out, diag);
    } else if (err == NX_OK &&
               (!client_id_fits(kept, prefix) || !nx_span_copy(kept, out, NX_CLIENT_ID_SIZE))) {
        nx_diag_at(diag, path, 0, 0);
        nx_diag_set(diag,
                    "expected %s and 16 hexadecimal digits; remove the file to get a new "
                    "identifier (the broker then forgets what it kept for the old one)",
                    prefix);
        err = NX_ERR_SYNTAX;
    }
    nx_buf_fini(&text);
    return err;
}
