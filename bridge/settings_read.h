/*
 * settings_read.h - what the files that read bridge.json share. For bridge/settings*.c alone.
 *
 *   settings.c       the whole, and its nodes
 *   settings_link.c  its links
 *   settings_read.c  members, texts, paths, numbers
 */
#ifndef NX_BRIDGE_SETTINGS_READ_H
#define NX_BRIDGE_SETTINGS_READ_H

#include "bridge/settings.h"

struct loader {
    const struct nx_reader *reader;
    const char *path;
    uint64_t seed;
    struct nx_json *json;
    struct nx_settings *settings;
    struct nx_diag_sink *faults;
    struct nx_diag *diag;
};

/* settings_read.c */
/* The place of `node`; the caller then sets the words. */
struct nx_diag *settings_fault(struct loader *in, uint32_t node);
enum nx_err settings_no_memory(struct loader *in);
uint32_t settings_member(const struct loader *in, uint32_t object, const char *key);
/* The text of an optional member in the arena; *out stays as it is when it is absent. */
enum nx_err settings_text(struct loader *in, uint32_t object, const char *key, const char **out);
/* A path, resolved against the folder of the file. */
enum nx_err settings_path(struct loader *in, uint32_t object, const char *key, const char **out);
bool settings_bool(const struct loader *in, uint32_t object, const char *key, bool otherwise);
/* The schema has checked type and range; min and max are what the code relies on. */
enum nx_err settings_number(struct loader *in, uint32_t node, int64_t min, int64_t max,
                            int64_t *out);
/* nodes_count: there is none. */
size_t settings_find_node(const struct nx_settings *settings, struct nx_span name);

/* settings_link.c: one item of `links` */
enum nx_err settings_link(struct loader *in, uint32_t object);

#endif
