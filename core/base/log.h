/*
 * log.h - a sink for log lines, given to whoever logs: the broker's log in the plugin, stderr in
 * the daemon, a list in a test. Never a global.
 */
#ifndef NX_BASE_LOG_H
#define NX_BASE_LOG_H

enum nx_log_level { NX_LOG_DEBUG, NX_LOG_INFO, NX_LOG_NOTICE, NX_LOG_WARN, NX_LOG_ERROR };

struct nx_log {
    void (*write)(void *ctx, enum nx_log_level level, const char *line); /* no newline at the end */
    void *ctx;
    enum nx_log_level level_min;
};

/* Formats one line (1,024 bytes at most, cut beyond) and hands it to the sink. */
void nx_log(const struct nx_log *log, enum nx_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
