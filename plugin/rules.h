/*
 * rules.h - one loaded configuration as the gate uses it. Immutable; a reload loads a second one
 * beside it and swaps, so that each message is judged wholly by the old or wholly by the new.
 */
#ifndef NX_PLUGIN_RULES_H
#define NX_PLUGIN_RULES_H

#include "core/config.h"
#include "plugin/options.h"

#include "core/base/log.h"

#include <stdint.h>

struct nx_rules {
    struct nx_config *config;
    const struct nx_city *city; /* the broker's own */
    uint64_t generation;        /* counts successful loads, from 1 */
    int64_t loaded_at_ms;       /* since 1970 UTC */
};

/*
 * Loads config and city of `options`. Every fault is logged as an error with file:line:column;
 * `first` keeps the first of them. On failure *out is untouched.
 */
enum nx_err nx_rules_load(const struct nx_options *options, const struct nx_log *log, uint64_t seed,
                          struct nx_rules *out, struct nx_diag *first);
void nx_rules_free(struct nx_rules *rules);

#endif
