/*
 * surroundings.h - what stands beside the plugin in its broker, as far as mosquitto.conf tells it:
 * Mosquitto 2.0 tells a plugin nothing. From it follows whether plugin_opt_outside was chosen
 * right: wrong, it opens or shuts everything outside nexus/ without a word (docs/plugin.md).
 */
#ifndef NX_PLUGIN_SURROUNDINGS_H
#define NX_PLUGIN_SURROUNDINGS_H

#include "core/reader.h"
#include "plugin/options.h"

#include <stddef.h>

enum { NX_SURROUNDINGS_TEXT_SIZE = 1024, NX_SURROUNDINGS_PATH_SIZE = 4096 };

/* Where to look. */
struct nx_surroundings_paths {
    char config[NX_SURROUNDINGS_PATH_SIZE]; /* the broker's configuration; "": not known */
    char own[NX_SURROUNDINGS_PATH_SIZE];    /* the plugin as the broker loaded it */
};

/* Asks the process that this is. At the start: its folder may be another one later. */
void nx_surroundings_find(const struct nx_reader *reader, struct nx_surroundings_paths *out);

struct nx_surroundings {
    bool known;        /* the file was read; else the rest says nothing */
    bool acl_file;     /* one is named */
    bool other_plugin; /* one that may have an opinion on access: dynamic security, ... */
    bool per_listener; /* per_listener_settings true */
    bool bridge;       /* a `connection` to another broker */
    bool own_global;   /* 2.1: this plugin is a `global_plugin` */
    bool own_named;    /* 2.1: `plugin_load`: the plugin of those listeners that `plugin_use` it */
    bool source_check; /* check_retain_source true */
    bool logins;       /* somebody checks names: a password_file, certificates, another plugin */
};

/* Reads the broker's configuration and what it includes. Not for the message path. */
void nx_surroundings_read(const struct nx_reader *reader, const struct nx_surroundings_paths *paths,
                          struct nx_surroundings *out);

/* What the lines of one file add; include_dir is not followed. */
void nx_surroundings_scan(struct nx_span text, const char *own, struct nx_surroundings *out);

/*
 * Says in `out` what follows. False: the choice looks wrong. `ignores`: this broker knows the
 * answer "as if the plugin were not there" (2.1), which `allow` is there.
 */
bool nx_surroundings_judge(const struct nx_surroundings *around, enum nx_outside outside,
                           bool ignores, char *out, size_t size);

#endif
