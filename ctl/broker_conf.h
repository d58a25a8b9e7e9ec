/*
 * broker_conf.h - a mosquitto.conf as the broker reads it: its lines in order, those of include_dir
 * among them, each with its place.
 */
#ifndef NX_CTL_BROKER_CONF_H
#define NX_CTL_BROKER_CONF_H

#include "core/base/arena.h"
#include "core/base/err.h"

struct nx_conf_line {
    const char *file;
    unsigned number;
    const char *key, *value; /* the value without white space around it; "" when there is none */
    const char *plugin; /* of plugin_opt_ lines: the plugin line that they belong to, or NULL */
    unsigned listener;  /* 0 before the first `listener` line, then counting them */
    bool in_bridge;     /* belongs to a `connection` */
};

struct nx_conf {
    struct nx_arena arena;
    struct nx_conf_line *lines;
    size_t count;
};

/* Reads the file and what it includes. On failure diag says which file and why. */
enum nx_err nx_conf_read(const char *path, struct nx_conf *out, struct nx_diag *diag);
void nx_conf_fini(struct nx_conf *conf);

/* The last line of this key outside bridges (a later one goes before an earlier one), or NULL. */
const struct nx_conf_line *nx_conf_find(const struct nx_conf *conf, const char *key);

#endif
