/*
 * schema_meta.h - the metaschemas as text: the table that schema_meta.c looks into.
 */
#ifndef NX_SCHEMA_META_H
#define NX_SCHEMA_META_H

#include <stddef.h>

struct nx_metaschema {
    const char *uri; /* without a fragment */
    const char *text;
};

/* schema_meta_earlier.c */
extern const struct nx_metaschema nx_metaschemas_earlier[];
extern const size_t nx_metaschemas_earlier_count;

#endif
