/*
 * file.c - reads a whole file, bounded.
 */
#include "core/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_CHUNK = 64 * 1024 };

static enum nx_err file_fail(const char *path, struct nx_diag *diag, enum nx_err err,
                             const char *why)
{
    nx_diag_at(diag, path, 0, 0);
    nx_diag_set(diag, "cannot read: %s", why);
    return err;
}

static enum nx_err read_all(int fd, const char *path, struct nx_buf *out, struct nx_diag *diag)
{
    for (;;) {
        size_t left = out->max - out->len;
        char extra;
        char *room = &extra; /* at the limit one byte more shows that the file is too large */
        ssize_t got;

        if (left > 0 &&
            nx_buf_reserve(out, left < READ_CHUNK ? left : READ_CHUNK, &room) != NX_OK) {
            return file_fail(path, diag, NX_ERR_NOMEM, "out of memory");
        }
        got = read(fd, room, left == 0 ? 1 : left < READ_CHUNK ? left : READ_CHUNK);
        if (got == -1 && errno == EINTR) {
            continue;
        }
        if (got == -1) {
            return file_fail(path, diag, NX_ERR_IO, strerror(errno));
        }
        if (got == 0) {
            return NX_OK;
        }
        if (left == 0) {
            nx_diag_at(diag, path, 0, 0);
            nx_diag_set(diag, "cannot read: larger than %zu bytes", out->max);
            return NX_ERR_LIMIT;
        }
        out->len += (size_t)got;
    }
}

enum nx_err nx_file_read(const char *path, struct nx_buf *out, struct nx_diag *diag)
{
    struct stat st;
    enum nx_err err;
    int fd;

    nx_buf_reset(out);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        err = errno == ENOENT || errno == ENOTDIR ? NX_ERR_NOT_FOUND : NX_ERR_IO;
        return file_fail(path, diag, err, strerror(errno));
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        err = file_fail(path, diag, NX_ERR_IO, "is a directory");
    } else {
        err = read_all(fd, path, out, diag);
    }
    (void)close(fd);
    return err;
}

static enum nx_err reader_read(void *ctx, const char *path, struct nx_buf *out,
                               struct nx_diag *diag)
{
    (void)ctx;
    return nx_file_read(path, out, diag);
}

struct nx_reader nx_file_reader(void)
{
    return (struct nx_reader){.read = reader_read};
}
