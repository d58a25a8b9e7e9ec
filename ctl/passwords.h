/*
 * passwords.h - the broker's password_file: a line "name:hash" for each identity. Hashes are made
 * by mosquitto_passwd, whose forms differ with its version.
 */
#ifndef NX_CTL_PASSWORDS_H
#define NX_CTL_PASSWORDS_H

#include "core/base/buf.h"
#include "core/base/err.h"

enum { NX_PASSWORD_SIZE = 256, NX_PASSWORD_DRAWN = 24 };

/* Is there a line of this name? */
bool nx_passwords_has(struct nx_span file, struct nx_span name);

/* Appends `file` without the lines of this name. */
enum nx_err nx_passwords_without(struct nx_span file, struct nx_span name, struct nx_buf *out);

/* Appends the line "name:hash\n"; the password is never an argument of a process. */
enum nx_err nx_passwords_line(struct nx_span name, const char *password, struct nx_buf *out,
                              struct nx_diag *diag);

/* Draws one of 24 characters: 143 bits. */
enum nx_err nx_password_draw(char out[NX_PASSWORD_SIZE], struct nx_diag *diag);

/* The first line of a file. NX_ERR_INVALID: empty, too long, or with a control character. */
enum nx_err nx_password_read(const char *path, char out[NX_PASSWORD_SIZE], struct nx_diag *diag);

#endif
