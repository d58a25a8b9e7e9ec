/*
 * log.c - formats a line and hands it to the sink. Never allocates.
 */
#include "core/base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum { LOG_LINE_MAX = 1024 };

void nx_log(const struct nx_log *log, enum nx_log_level level, const char *fmt, ...)
{
    char line[LOG_LINE_MAX];
    va_list args;

    if (log == NULL || log->write == NULL || level < log->level_min) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    log->write(log->ctx, level, line);
}
