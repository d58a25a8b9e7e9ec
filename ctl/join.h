/*
 * join.h - what `nexusctl join` knows of a broker, shared by what prints the lines (join.c) and
 * what looks at a mosquitto.conf (join_check.c).
 */
#ifndef NX_CTL_JOIN_H
#define NX_CTL_JOIN_H

#include "ctl/broker_conf.h"

enum { NX_JOIN_PATH_SIZE = 4096 };

/* Where the plugin keeps the marks of deliveries, unless the operator wants it elsewhere. */
#define NX_JOIN_STATE "/var/lib/mosquitto/nexus.marks"

/* Seconds between two saves of the broker; the plugin holds its marks back for as long. */
#define NX_JOIN_AUTOSAVE "60"

struct nx_join_version {
    unsigned major, minor, patch;
    bool known;
};

/* A setting that matters: one row for the lines to write and for the look at what is there. */
struct nx_join_setting {
    const char *key, *value;
    const char *why;      /* printed as a comment, one line for each \n */
    const char *absent;   /* what the broker does without the line */
    bool wrong_if_absent; /* acknowledged messages are lost without it */
    bool before_2_1;      /* later versions call it outdated, and have this value by default */
    bool (*fits)(const char *value); /* NULL: only `value` does */
};

extern const struct nx_join_setting nx_join_settings[];
extern const size_t nx_join_settings_count;

struct nx_join {
    const char *config_dir, *city, *conf_path;
    char plugin[NX_JOIN_PATH_SIZE]; /* nexus_plugin.so as it is installed */
    struct nx_join_version version;
    struct nx_conf conf;
    const struct nx_conf_line *acl;   /* who else controls access: its line, or NULL */
    const struct nx_conf_line *other; /* the first plugin that is not ours: its line, or NULL */
    unsigned wrong, advice;
};

bool nx_join_is_2_1(const struct nx_join_version *version);

/* Is a plugin of this path ours? */
bool nx_join_is_ours(const char *path);

/* Finds who else controls access, in join->acl, and the first other plugin, in join->other. */
void nx_join_find_others(struct nx_join *join);

/* Looks at the whole of join->conf, prints and counts what it finds. */
void nx_join_check(struct nx_join *join);

#endif
