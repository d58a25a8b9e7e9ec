/*
 * maps.h - `--map URI=PATH`: the files in which references of a schema are looked up. Nothing else
 * is opened for a schema, and nothing is ever fetched.
 */
#ifndef NX_CTL_MAPS_H
#define NX_CTL_MAPS_H

#include "core/base/buf.h"

#include <stdbool.h>

enum { NX_CTL_MAPS_MAX = 64 };

struct nx_ctl_maps {
    struct {
        struct nx_span uri; /* one that ends in `/` maps a folder */
        const char *path;
    } rows[NX_CTL_MAPS_MAX];
    size_t count;
    struct nx_buf *documents; /* what was asked for; lives until nx_ctl_maps_fini */
    size_t documents_count;
};

/* Adds "URI=PATH", which must outlive the maps. Complains and returns false when it is not one. */
bool nx_ctl_maps_add(struct nx_ctl_maps *maps, const char *text);

/* nx_schema_options.resolve, with the maps as its context. */
enum nx_err nx_ctl_maps_resolve(void *maps, struct nx_span uri, struct nx_span *document);

void nx_ctl_maps_fini(struct nx_ctl_maps *maps);

#endif
