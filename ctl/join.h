/*
 * join.h - what `nexusctl join` knows of a broker, shared by what prints the lines (join.c), what
 * looks at a mosquitto.conf (join_check.c), and the settings that both know (join_settings.c).
 */
#ifndef NX_CTL_JOIN_H
#define NX_CTL_JOIN_H

#include "ctl/broker_conf.h"

enum { NX_JOIN_PATH_SIZE = 4096 };

/* Where the plugin keeps the marks of deliveries, unless the operator wants it elsewhere. */
#define NX_JOIN_STATE "/var/lib/mosquitto/nexus.marks"

/* Seconds between two saves of the broker; the plugin holds its marks back for as long. */
#define NX_JOIN_AUTOSAVE "60"

/* How much a finding matters. */
enum nx_join_severity { NX_JOIN_WRONG, NX_JOIN_ADVICE, NX_JOIN_NOTE };

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
    const char *value_2_1;           /* from 2.1 on this instead; NULL: the same, */
    bool (*fits_2_1)(const char *value);
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

/* The first line that loads the plugin, or NULL; *count of them. */
const struct nx_conf_line *nx_join_find_ours(const struct nx_join *join, unsigned *count);

/* The last line of this option of the plugin, or NULL. */
const struct nx_conf_line *nx_join_find_option(const struct nx_join *join, const char *key);

/* Prints one finding and counts it; `line` NULL: of the whole file. */
__attribute__((format(printf, 4, 5))) void nx_join_tell(struct nx_join *join,
                                                        enum nx_join_severity severity,
                                                        const struct nx_conf_line *line,
                                                        const char *fmt, ...);

/* The value to write for the version that is installed, and: will this one do there? */
const char *nx_join_value(const struct nx_join *join, const struct nx_join_setting *setting);
bool nx_join_fits(const struct nx_join *join, const struct nx_join_setting *setting,
                  const char *value);

/* A whole number, or -1. */
long nx_join_number(const char *value);

/* The settings, each line that is there or is not; and those that are there once too often. */
void nx_join_check_settings(struct nx_join *join);
void nx_join_check_twice(struct nx_join *join);

/* Looks at the whole of join->conf, prints and counts what it finds. */
void nx_join_check(struct nx_join *join);

#endif
