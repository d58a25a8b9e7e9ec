/*
 * deliver_answer.h - what the link is told of its batch, on nexus/_link/<from>/<here>/ack.
 */
#ifndef NX_PLUGIN_DELIVER_ANSWER_H
#define NX_PLUGIN_DELIVER_ANSWER_H

#include "core/batch.h"
#include "plugin/deliver.h"
#include "plugin/marks.h"

/* One batch being opened, and what is to be said about it. */
struct nx_delivery_answer {
    const struct nx_batch_head *head; /* NULL: it could not be read */
    bool marked;                      /* the receiver has a mark in that epoch */
    uint64_t mark;
    enum nx_delivery_outcome outcome;
    uint32_t wait_ms;      /* outcome AGAIN: not before so long; 0: at once */
    uint64_t suppressed;   /* answers that were not given before this one */
    char text[512];        /* what is wrong with the batch as a whole, or "" */
    struct cJSON *refused; /* array of refused records; NULL: none */
    size_t refused_count;
};

/* Adds a refused record; its words where the verdict has some. False: no memory. */
bool nx_delivery_answer_refuse(struct nx_delivery_answer *answer,
                               const struct nx_batch_record *record,
                               const struct nx_delivery_verdict *verdict);

/* The answer as JSON, or NULL when memory is out. The caller gives it to cJSON_free. */
char *nx_delivery_answer_json(struct nx_delivery_answer *answer);

/* Drops what it holds. */
void nx_delivery_answer_fini(struct nx_delivery_answer *answer);

#endif
