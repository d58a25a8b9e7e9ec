/*
 * replace.c - new content beside the old, synced, then renamed over it: whoever reads a file
 * meanwhile has the old one whole or the new one whole.
 *
 * What a rename can still fail of after all was written is rare; what was renamed before it is
 * written back. Only a crash between two renames leaves a part; callers give the order in which
 * such a part does least.
 */
#include "ctl/replace.h"

#include "core/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 16 * 1024 * 1024, MODE_MASK = 07777 };

static const char suffix[] = ".nexusctl";

struct beside {
    char path[NX_REPLACE_PATH_MAX + sizeof(suffix)];
};

static struct beside path_beside(const struct nx_replacement *file)
{
    struct beside beside;

    (void)snprintf(beside.path, sizeof(beside.path), "%s%s", file->path, suffix);
    return beside;
}

static enum nx_err failed(struct nx_diag *diag, const char *path, const char *what)
{
    nx_diag_at(diag, path, 0, 0);
    nx_diag_set(diag, "%s: %s", what, strerror(errno));
    return NX_ERR_IO;
}

enum nx_err nx_replacement_read(struct nx_replacement *file, const char *path, struct nx_diag *diag)
{
    char *real = realpath(path, NULL);

    *file = (struct nx_replacement){0};
    nx_buf_init(&file->before, FILE_BYTES_MAX);
    nx_buf_init(&file->after, FILE_BYTES_MAX);
    if (real == NULL) {
        return failed(diag, path, "cannot be opened");
    }
    if (!nx_span_copy(nx_span_from(real), file->path, sizeof(file->path))) {
        free(real);
        errno = ENAMETOOLONG;
        return failed(diag, path, "cannot be opened");
    }
    free(real);
    return nx_file_read(file->path, &file->before, diag);
}

void nx_replacement_fini(struct nx_replacement *file)
{
    nx_buf_fini(&file->before);
    nx_buf_fini(&file->after);
}

static bool write_all(int fd, struct nx_span bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.ptr, bytes.len);

        if (written < 0 && errno != EINTR) {
            return false;
        }
        bytes.ptr += written > 0 ? written : 0;
        bytes.len -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* Owner first: a change of owner clears bits of the mode. */
static bool copy_owner(int fd, const struct stat *old)
{
    struct stat now;

    if (fstat(fd, &now) != 0) {
        return false;
    }
    if ((now.st_uid != old->st_uid || now.st_gid != old->st_gid) &&
        fchown(fd, old->st_uid, old->st_gid) != 0) {
        return false;
    }
    return fchmod(fd, old->st_mode & MODE_MASK) == 0;
}

static enum nx_err write_beside(const struct nx_replacement *file, struct nx_span bytes,
                                struct nx_diag *diag)
{
    struct beside beside = path_beside(file);
    enum nx_err err = NX_OK;
    struct stat old;
    int fd;

    if (stat(file->path, &old) != 0) {
        return failed(diag, file->path, "cannot be looked at");
    }
    /* left behind by a crash, or another one's at this moment: theirs is not touched */
    fd = open(beside.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return failed(diag, beside.path, "cannot be made");
    }
    if (!write_all(fd, bytes) || !copy_owner(fd, &old) || fsync(fd) != 0) {
        err = failed(diag, beside.path, "cannot be written with the owner of the old file");
    }
    if (close(fd) != 0 && err == NX_OK) {
        err = failed(diag, beside.path, "cannot be written");
    }
    if (err != NX_OK) {
        (void)unlink(beside.path);
    }
    return err;
}

static enum nx_err move_over(const struct nx_replacement *file, struct nx_diag *diag)
{
    struct beside beside = path_beside(file);

    return rename(beside.path, file->path) == 0 ? NX_OK
                                                : failed(diag, file->path, "cannot be replaced");
}

/* Makes the renames of a folder outlive a power cut; a file system that cannot is no failure. */
static void sync_folder(const struct nx_replacement *file)
{
    char folder[NX_REPLACE_PATH_MAX];
    char *slash;
    int fd;

    (void)snprintf(folder, sizeof(folder), "%s", file->path);
    slash = strrchr(folder, '/');
    if (slash == NULL) {
        return;
    }
    slash[slash == folder] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static void put_back(const struct nx_replacement *files, size_t count)
{
    struct nx_diag ignored = {0}; /* the first failure is the one to tell */

    for (size_t i = 0; i < count; i++) {
        if (files[i].wanted &&
            write_beside(&files[i], nx_buf_view(&files[i].before), &ignored) == NX_OK) {
            (void)move_over(&files[i], &ignored);
        }
    }
}

static void drop_beside(const struct nx_replacement *files, size_t from, size_t count)
{
    for (size_t i = from; i < count; i++) {
        if (files[i].wanted) {
            struct beside beside = path_beside(&files[i]);

            (void)unlink(beside.path);
        }
    }
}

enum nx_err nx_replace_all(struct nx_replacement *files, size_t count, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;
    size_t written = 0, moved = 0;

    for (; err == NX_OK && written < count; written += err == NX_OK) {
        if (files[written].wanted) {
            err = write_beside(&files[written], nx_buf_view(&files[written].after), diag);
        }
    }
    if (err != NX_OK) {
        drop_beside(files, 0, written);
        return err;
    }
    for (; err == NX_OK && moved < count; moved += err == NX_OK) {
        if (files[moved].wanted) {
            err = move_over(&files[moved], diag);
        }
    }
    if (err != NX_OK) {
        drop_beside(files, moved, count);
        put_back(files, moved);
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        if (files[i].wanted) {
            sync_folder(&files[i]);
        }
    }
    return NX_OK;
}
