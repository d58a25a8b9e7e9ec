/*
 * passwords.c - has mosquitto_passwd hash one line in a file of our own, and edits the broker's
 * file as text. `mosquitto_passwd -b` would show the password to everybody who lists processes,
 * and `-U` on the broker's own file would hash what is hashed already.
 */
#include "ctl/passwords.h"

#include "core/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LINE_BYTES_MAX = 4096 };

static const char hasher[] = "mosquitto_passwd";

static bool is_of(struct nx_span line, struct nx_span name)
{
    return line.len > name.len && nx_span_starts(line, name) && line.ptr[name.len] == ':';
}

bool nx_passwords_has(struct nx_span file, struct nx_span name)
{
    while (file.ptr != NULL) {
        if (is_of(nx_span_cut(&file, '\n'), name)) {
            return true;
        }
    }
    return false;
}

enum nx_err nx_passwords_without(struct nx_span file, struct nx_span name, struct nx_buf *out)
{
    while (file.ptr != NULL) {
        struct nx_span line = nx_span_cut(&file, '\n');
        bool has_end = file.ptr != NULL;

        if (!is_of(line, name) && (line.len > 0 || has_end)) {
            (void)nx_buf_span(out, line);
            (void)nx_buf_byte(out, '\n');
        }
    }
    return nx_buf_error(out);
}

/* Runs mosquitto_passwd -U on the file; its words, if it has any, go to standard error. */
static enum nx_err run_hasher(char *path, struct nx_diag *diag)
{
    char name[] = "mosquitto_passwd", option[] = "-U";
    char *const arguments[] = {name, option, path, NULL};
    int status = 0;
    pid_t pid;
    int error = posix_spawnp(&pid, hasher, NULL, NULL, arguments, environ);

    if (error != 0) {
        nx_diag_set(diag, "%s cannot be run (%s): it is in the package mosquitto", hasher,
                    strerror(error));
        return NX_ERR_NOT_FOUND;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        nx_diag_set(diag, "%s failed", hasher);
        return NX_ERR_IO;
    }
    return NX_OK;
}

static bool write_line(int fd, struct nx_span name, const char *password)
{
    char line[LINE_BYTES_MAX];
    int length = snprintf(line, sizeof(line), "%.*s:%s\n", NX_SPAN_ARG(name), password);

    return length > 0 && length < LINE_BYTES_MAX && write(fd, line, (size_t)length) == length;
}

enum nx_err nx_passwords_line(struct nx_span name, const char *password, struct nx_buf *out,
                              struct nx_diag *diag)
{
    char path[] = "/tmp/nexusctl-XXXXXX"; /* mkstemp makes it with mode 0600 */
    enum nx_err err = NX_ERR_IO;
    struct nx_buf text;
    int fd = mkstemp(path);

    nx_buf_init(&text, LINE_BYTES_MAX);
    if (fd < 0 || !write_line(fd, name, password)) {
        nx_diag_set(diag, "%s: %s", path, strerror(errno));
        goto out;
    }
    err = run_hasher(path, diag);
    if (err == NX_OK) {
        err = nx_file_read(path, &text, diag);
    }
    if (err == NX_OK && (!is_of(nx_buf_view(&text), name) ||
                         text.data[name.len + 1] != '$')) { /* all its forms begin with one */
        nx_diag_set(diag, "%s left the password unhashed", hasher);
        err = NX_ERR_INVALID;
    }
    if (err == NX_OK) {
        err = nx_buf_span(out, nx_buf_view(&text));
    }
out:
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    nx_buf_fini(&text);
    return err;
}

enum nx_err nx_password_draw(char out[NX_PASSWORD_SIZE], struct nx_diag *diag)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { LETTERS = sizeof(letters) - 1, FAIR = 256 - 256 % LETTERS };
    unsigned char byte;

    for (unsigned i = 0; i < NX_PASSWORD_DRAWN; i++) {
        do {
            if (getrandom(&byte, 1, 0) != 1) {
                nx_diag_set(diag, "no randomness: %s", strerror(errno));
                return NX_ERR_IO;
            }
        } while (byte >= FAIR); /* each letter equally likely */
        out[i] = letters[byte % LETTERS];
    }
    out[NX_PASSWORD_DRAWN] = '\0';
    return NX_OK;
}

enum nx_err nx_password_read(const char *path, char out[NX_PASSWORD_SIZE], struct nx_diag *diag)
{
    struct nx_buf text;
    struct nx_span rest, line;
    enum nx_err err;

    nx_buf_init(&text, LINE_BYTES_MAX);
    err = nx_file_read(path, &text, diag);
    rest = nx_buf_view(&text);
    line = nx_span_cut(&rest, '\n');
    if (err == NX_OK && line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    for (size_t i = 0; i < line.len; i++) {
        err = (unsigned char)line.ptr[i] < 0x20 ? NX_ERR_INVALID : err;
    }
    if (err == NX_OK && (line.len == 0 || !nx_span_copy(line, out, NX_PASSWORD_SIZE))) {
        err = NX_ERR_INVALID;
    }
    if (err == NX_ERR_INVALID) {
        nx_diag_at(diag, path, 1, 0);
        nx_diag_set(diag, "expected a password of 1 to %d bytes on the first line",
                    NX_PASSWORD_SIZE - 1);
    }
    nx_buf_fini(&text);
    return err;
}
