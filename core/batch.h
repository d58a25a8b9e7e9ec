/*
 * batch.h - ready readings in one message: the payload of nexus/_deliver/<from>, and of what two
 * bridges exchange. Pure: bytes in, records out, and back; a reader allocates nothing.
 *
 * Version 1; integers are unsigned and big-endian, as in MQTT:
 *
 *     offset  bytes
 *          0      4  "NXB" and the version, 1
 *          4      4  CRC-32C (RFC 3720 appendix B.4) of everything from offset 8 to the end
 *          8      2  flags: bit 0 jump; the others are 0
 *         10      2  count of records
 *         12     10  epoch of the owner's cache
 *         22      8  after: the batch continues behind this sequence number
 *         30      8  until: it accounts for every number up to this one
 *         38         records, one behind the other, in ascending (seq, channel)
 *
 *     record:  seq - after (4), channel (1), flags (1: bit 0 retain; the others are 0),
 *              domain/asset (2 + n), payload (4 + n), user properties: count (1), then each
 *              name (2 + n) and value (2 + n)
 *
 * The owner's city is not in it: it is the <from> of the topic. So a record cannot name a stream
 * of another city. A number between `after` and `until` without a record is one that its owner
 * will never send (filtered, or a dead letter there). Without `jump` a batch is taken only where
 * `after` is not beyond what the receiver has: a gap is repaired, not skipped. With `jump` the
 * sender states that what is missing cannot be had any more.
 */
#ifndef NX_BATCH_H
#define NX_BATCH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/mqtt.h"
#include "core/topic.h"

#include <stdint.h>

enum {
    NX_BATCH_EPOCH_BYTES = 10,
    NX_BATCH_EPOCH_SIZE = 21, /* as text: [0-9a-f]{20} and a NUL */
    NX_BATCH_HEAD_BYTES = 38,
    NX_BATCH_RECORDS_MAX = 1024,
    NX_BATCH_BYTES_MAX = 512 * 1024, /* head and records */
    NX_BATCH_PROPERTIES_MAX = 8,     /* of one record */
};

struct nx_batch_head {
    char epoch[NX_BATCH_EPOCH_SIZE];
    uint64_t after, until; /* after <= until, until - after < 2^32 */
    bool jump;
    uint16_t count; /* of records; the writer counts by itself */
};

struct nx_batch_record {
    uint64_t seq; /* after < seq <= until */
    enum nx_channel channel;
    bool retain;
    struct nx_span stream; /* "air/BMLD" */
    struct nx_span payload;
    struct nx_mqtt_user_property properties[NX_BATCH_PROPERTIES_MAX];
    size_t properties_count;
};

/* CRC-32C of `bytes`, continued from `crc` (0 at the start). */
uint32_t nx_crc32c(uint32_t crc, struct nx_span bytes);
/* The same on processors without an instruction for it. */
uint32_t nx_crc32c_by_table(uint32_t crc, struct nx_span bytes);

/* ---- writing ---- */

/*
 * Begins a batch in the empty `out` (whose max is at least NX_BATCH_BYTES_MAX). Records are added
 * in order; nx_batch_end fills in count, until, jump and checksum.
 */
enum nx_err nx_batch_begin(struct nx_buf *out, const char *epoch, uint64_t after);

/*
 * NX_ERR_LIMIT: the batch is full, end it and put this record into the next one.
 * NX_ERR_INVALID: out of order, not a stream, or larger than any batch takes: never to be sent so.
 * On failure nothing is appended.
 */
enum nx_err nx_batch_add(struct nx_buf *out, const struct nx_batch_record *record);

/* Bytes that the record takes in a batch. */
size_t nx_batch_record_size(const struct nx_batch_record *record);

enum nx_err nx_batch_end(struct nx_buf *out, uint64_t until, bool jump);

/* ---- reading ---- */

struct nx_batch_reader {
    struct nx_batch_head head;
    struct nx_span rest;
    uint64_t last_seq;
    enum nx_channel last_channel;
    unsigned read;
};

/*
 * Checks version, limits, flags, checksum and the shape of every record, so that nx_batch_next on
 * what was opened cannot fail half way. NX_ERR_SYNTAX: damaged or not a batch; NX_ERR_UNSUPPORTED:
 * a version or flag of tomorrow; NX_ERR_LIMIT: too large. `diag` says what was expected.
 */
enum nx_err nx_batch_open(struct nx_span bytes, struct nx_batch_reader *out, struct nx_diag *diag);

/* The next record; its spans point into the bytes. False: that was all. */
bool nx_batch_next(struct nx_batch_reader *reader, struct nx_batch_record *out);

#endif
