/*
 * format.h - the formats of JSON Schema validation, section 7.3, each a row of one table: add a
 * format by adding a function and a row in format.c. Every check is linear in its text.
 */
#ifndef NX_FORMAT_H
#define NX_FORMAT_H

#include "core/base/span.h"

struct nx_format {
    const char *name;
    unsigned since; /* the draft that brought this meaning: 4, 6, 7, 2019 */
    bool (*valid)(struct nx_span text);
    const char *expects; /* for people: "a date such as 2026-01-31" */
};

/* What `name` means in a draft, by its number (4, 6, 7, 2019, 2020), or NULL. */
const struct nx_format *nx_format_find(struct nx_span name, unsigned draft);

#endif
