/*
 * deliver_askers.h - the cities of which a batch was not read and that have not asked since where
 * to go on. Links send several batches without waiting: where no mark is known, or of another epoch,
 * nothing else tells that the next one begins behind a hole.
 */
#ifndef NX_PLUGIN_DELIVER_ASKERS_H
#define NX_PLUGIN_DELIVER_ASKERS_H

#include "plugin/marks.h"

struct nx_delivery_askers {
    char names[NX_MARKS_MAX][NX_MARKS_NAME_SIZE]; /* as many as a configuration may have */
    size_t count;
};

bool nx_delivery_askers_have(const struct nx_delivery_askers *askers, struct nx_span from);
/* False: there is no room. */
bool nx_delivery_askers_add(struct nx_delivery_askers *askers, struct nx_span from);
void nx_delivery_askers_remove(struct nx_delivery_askers *askers, struct nx_span from);

#endif
