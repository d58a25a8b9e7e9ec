/*
 * options.h - the plugin_opt_ lines of mosquitto.conf: one table with type, default, range, help.
 */
#ifndef NX_PLUGIN_OPTIONS_H
#define NX_PLUGIN_OPTIONS_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    NX_OPTION_PATH_MAX = 4096,
    NX_OPTION_NAME_MAX = 33, /* a city's name and its NUL */
};

/* What the plugin answers for topics outside nexus/. */
enum nx_outside {
    NX_OUTSIDE_ALLOW, /* it is the broker's only access control: grant */
    NX_OUTSIDE_DEFER, /* an acl_file or another plugin stands beside it: let that decide */
};

struct nx_options {
    char config[NX_OPTION_PATH_MAX];
    char city[NX_OPTION_NAME_MAX];
    enum nx_outside outside;
    uint32_t status_seconds;
    uint32_t payload_bytes_max;
    char state[NX_OPTION_PATH_MAX]; /* "": none */
    uint32_t state_seconds;
    uint32_t disconnect_refusals; /* 0: never */
    uint32_t disconnect_seconds;
    uint32_t given; /* bit n: row n of the table was set by a line */
};

/* All defaults; nothing given. */
void nx_options_init(struct nx_options *options);

/*
 * Takes one line's key (without "plugin_opt_") and value. NX_ERR_NOT_FOUND: no such option,
 * NX_ERR_INVALID: its value is out of range or it was given before; diag says what is allowed.
 */
enum nx_err nx_options_set(struct nx_options *options, const char *key, const char *value,
                           struct nx_diag *diag);

/* Is every option that has no default there? NX_ERR_NOT_FOUND names the first that is not. */
enum nx_err nx_options_complete(const struct nx_options *options, struct nx_diag *diag);

/* Appends the table as Markdown, as docs/plugin.md prints it. */
enum nx_err nx_options_table(struct nx_buf *out);

#endif
