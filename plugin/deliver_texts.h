/*
 * deliver_texts.h - the texts under which the readings of a batch are published: topic and user
 * properties, as the NUL-terminated strings that the broker takes.
 *
 * They are put together by hand, and what all records of a batch begin with is written once:
 * printing them cost a tenth of what a reading costs the broker.
 */
#ifndef NX_PLUGIN_DELIVER_TEXTS_H
#define NX_PLUGIN_DELIVER_TEXTS_H

#include "core/base/buf.h"
#include "core/batch.h"
#include "plugin/host.h"
#include "plugin/marks.h"

enum {
    NX_DELIVER_TOPIC_SIZE = 192,                         /* five levels of names */
    NX_DELIVERY_PAIRS_MAX = NX_BATCH_PROPERTIES_MAX + 2, /* with those of our own */
    NX_DELIVERY_DIGITS_MAX = 20,                         /* of a number of 64 bits */
    NX_DELIVERY_SEQ_SIZE = NX_BATCH_EPOCH_SIZE + 1 + NX_DELIVERY_DIGITS_MAX, /* EPOCH.N */
};

struct nx_delivery_texts {
    const char *from;
    char name[NX_DELIVER_TOPIC_SIZE]; /* "nexus/<from>/" and the record's part */
    char seq[NX_DELIVERY_SEQ_SIZE];   /* "EPOCH." and the record's number */
    size_t name_base, seq_base;
    struct nx_buf strings; /* user properties of one record */
};

void nx_delivery_texts_init(struct nx_delivery_texts *texts);
void nx_delivery_texts_fini(struct nx_delivery_texts *texts);

/* A batch of `from` (of at most NX_MARKS_NAME_SIZE), which stays valid until the next one. */
void nx_delivery_texts_begin(struct nx_delivery_texts *texts, const char *from, const char *epoch);

/* The topic of a record that nx_batch_open let pass. Valid until the next record. */
const char *nx_delivery_texts_name(struct nx_delivery_texts *texts,
                                   const struct nx_batch_record *record);

/*
 * Its user properties, ours first: how many, 0 when memory is out. What the plugin says of itself
 * is no link's to say, and left out. Valid until the next record.
 */
size_t nx_delivery_texts_pairs(struct nx_delivery_texts *texts,
                               const struct nx_batch_record *record,
                               struct nx_host_pair pairs[NX_DELIVERY_PAIRS_MAX]);

#endif
