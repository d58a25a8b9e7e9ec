/*
 * err.h - the one error language of the project.
 *
 * A function that can fail returns enum nx_err and gives its results through out-parameters.
 * Where a person must act on the failure it also fills a struct nx_diag: what, where, expected.
 */
#ifndef NX_BASE_ERR_H
#define NX_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum nx_err {
    NX_OK = 0,
    NX_ERR_NOMEM,       /* an allocation failed */
    NX_ERR_LIMIT,       /* a named maximum was reached */
    NX_ERR_SYNTAX,      /* the bytes are not what their format says */
    NX_ERR_INVALID,     /* well-formed, but a rule or schema refuses it */
    NX_ERR_UNSUPPORTED, /* well-formed, but outside what this build handles */
    NX_ERR_NOT_FOUND,   /* the named thing does not exist */
    NX_ERR_DENIED,      /* the caller has no right to it */
    NX_ERR_IO,          /* the operating system, disk or network failed */
    NX_ERR_AGAIN,       /* nothing wrong: more input or more room is needed */
    NX_ERR_STATE,       /* called in a state that does not allow it */
};

/* A short English phrase for `err`; never NULL. */
const char *nx_err_text(enum nx_err err);

/*
 * One diagnosis. Fixed size, so that reporting a fault never allocates. Strings are always
 * NUL-terminated and cut on overflow. line and column are 1-based; 0 means "not known".
 */
struct nx_diag {
    char file[256];    /* the file at fault, or empty */
    char pointer[192]; /* JSON Pointer (RFC 6901) into that file or payload, or empty */
    char text[512];    /* what is wrong and what was expected */
    unsigned line;
    unsigned column; /* counted in bytes */
};

/* Fills `diag->text`; keeps file and position. A NULL diag is allowed and does nothing. */
void nx_diag_set(struct nx_diag *diag, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets file, line and column. A NULL diag is allowed. */
void nx_diag_at(struct nx_diag *diag, const char *file, unsigned line, unsigned column);

/* Writes "file:line:column: pointer: text" (absent parts left out) into `out`; returns `out`. */
const char *nx_diag_format(const struct nx_diag *diag, char *out, size_t size);

/* Receives diagnoses one by one, where a command reports every fault and not only the first. */
struct nx_diag_sink {
    void (*add)(void *ctx, const struct nx_diag *diag);
    void *ctx;
};

#endif
