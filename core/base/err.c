/*
 * err.c - error texts and diagnoses. Never allocates.
 */
#include "core/base/err.h"

#include <stdio.h>
#include <string.h>

const char *nx_err_text(enum nx_err err)
{
    switch (err) {
    case NX_OK:
        return "success";
    case NX_ERR_NOMEM:
        return "out of memory";
    case NX_ERR_LIMIT:
        return "limit reached";
    case NX_ERR_SYNTAX:
        return "syntax error";
    case NX_ERR_INVALID:
        return "invalid";
    case NX_ERR_UNSUPPORTED:
        return "not supported";
    case NX_ERR_NOT_FOUND:
        return "not found";
    case NX_ERR_DENIED:
        return "denied";
    case NX_ERR_IO:
        return "input/output error";
    case NX_ERR_AGAIN:
        return "try again";
    case NX_ERR_STATE:
        return "wrong state";
    }
    return "unknown error";
}

void nx_diag_set(struct nx_diag *diag, const char *fmt, ...)
{
    va_list args;

    if (diag == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(diag->text, sizeof(diag->text), fmt, args);
    va_end(args);
}

void nx_diag_at(struct nx_diag *diag, const char *file, unsigned line, unsigned column)
{
    if (diag == NULL) {
        return;
    }
    (void)snprintf(diag->file, sizeof(diag->file), "%s", file != NULL ? file : "");
    diag->line = line;
    diag->column = column;
}

const char *nx_diag_format(const struct nx_diag *diag, char *out, size_t size)
{
    char place[320] = "";

    if (diag->line > 0) {
        (void)snprintf(place, sizeof(place), "%s:%u:%u: ", diag->file, diag->line, diag->column);
    } else if (diag->file[0] != '\0') {
        (void)snprintf(place, sizeof(place), "%s: ", diag->file);
    }
    (void)snprintf(out, size, "%s%s%s%s", place, diag->pointer, diag->pointer[0] ? ": " : "",
                   diag->text);
    return out;
}
