/*
 * deliver_status.h - what is counted of deliveries, and how the status tells it.
 */
#ifndef NX_PLUGIN_DELIVER_STATUS_H
#define NX_PLUGIN_DELIVER_STATUS_H

#include "plugin/deliver.h"
#include "plugin/marks_file.h"

struct nx_delivery_counters {
    uint64_t batches[NX_DELIVERY_OUTCOME_COUNT];
    uint64_t questions; /* within batches.taken and batches.stale */
    uint64_t held_back; /* within batches.again: by a rate */
    uint64_t slowed;    /* within batches.taken: asked to wait */
    uint64_t unopened;  /* within batches.again: (D7) */
    uint64_t published, repeated, refused;
    uint64_t answers, answers_lost, answers_suppressed;
};

/* Adds the member "delivery". `file` NULL: the marks live in memory. False: no memory. */
bool nx_delivery_status(const struct nx_delivery_counters *counters, const struct nx_marks *marks,
                        const struct nx_marks_file *file, struct cJSON *status);

#endif
