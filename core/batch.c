/*
 * batch.c - writes and reads batches. The layout is in batch.h.
 *
 * While a batch is being written its head holds what the next record is measured by: `count`, in
 * `until` the last sequence number, and in the checksum's place the last channel. So a writer is
 * its buffer and nothing beside it.
 *
 * Reading is done in two passes. nx_batch_open looks at every byte and checks; nx_batch_next then
 * only takes apart what is known to be sound.
 */
#include "core/batch.h"

#include "core/mqtt_internal.h"

enum {
    AT_CRC = 4,
    AT_FLAGS = 8, /* the checksum covers from here on */
    AT_COUNT = 10,
    AT_EPOCH = 12,
    AT_AFTER = 22,
    AT_UNTIL = 30,
    FLAG_JUMP = 1,
    FLAG_RETAIN = 1,
    RECORD_FIXED_BYTES = 4 + 1 + 1 + 2 + 4 + 1,
};

static const char magic[4] = {'N', 'X', 'B', 1};

_Static_assert(AT_UNTIL + 8 == NX_BATCH_HEAD_BYTES, "the head ends behind `until`");

/* ---- big-endian integers ---- */

static void store(char *at, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--) {
        at[i - 1] = (char)(unsigned char)(value & 0xFF);
        value >>= 8;
    }
}

static uint64_t load(const char *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)at[i];
    }
    return value;
}

/* As one instruction, for reading. */
static unsigned load_2(const char *at)
{
    return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static uint32_t load_4(const char *at)
{
    return (uint32_t)load_2(at) << 16 | load_2(at + 2);
}

/* ---- what a record must be, to be written and to be read ---- */

static bool is_stream(struct nx_span stream)
{
    struct nx_span rest = stream;
    struct nx_span domain = nx_span_cut(&rest, '/');

    return nx_name_is_city(domain) && rest.ptr != NULL && nx_name_is_asset(rest);
}

/* NULL, or what is wrong with the parts that do not depend on the record's neighbours. */
static const char *record_fault(const struct nx_batch_record *record)
{
    if (record->channel < NX_CHANNEL_OBSERVATION || record->channel > NX_CHANNEL_CANONICAL) {
        return "a channel is 1 (observation), 2 (original) or 3 (canonical)";
    }
    if (!is_stream(record->stream)) {
        return "a stream is <domain>/<asset>";
    }
    for (size_t i = 0; i < record->properties_count; i++) {
        if (!nx_mqtt_text_ok(record->properties[i].name) ||
            !nx_mqtt_text_ok(record->properties[i].value)) {
            return "a user property is UTF-8 without NUL";
        }
    }
    return NULL;
}

static bool is_behind(uint64_t seq, enum nx_channel channel, uint64_t last_seq,
                      enum nx_channel last_channel)
{
    return seq > last_seq || (seq == last_seq && channel > last_channel);
}

/* ---- writing ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool store_epoch(char *at, const char *epoch)
{
    if (strlen(epoch) != NX_BATCH_EPOCH_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < NX_BATCH_EPOCH_BYTES; i++) {
        int high = hex_digit(epoch[2 * i]);
        int low = hex_digit(epoch[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        at[i] = (char)(unsigned char)(high << 4 | low);
    }
    return true;
}

enum nx_err nx_batch_begin(struct nx_buf *out, const char *epoch, uint64_t after)
{
    char head[NX_BATCH_HEAD_BYTES] = {0};

    if (out->len != 0) {
        return NX_ERR_STATE;
    }
    if (!store_epoch(head + AT_EPOCH, epoch)) {
        return NX_ERR_INVALID;
    }
    memcpy(head, magic, sizeof(magic));
    store(head + AT_AFTER, after, 8);
    store(head + AT_UNTIL, after, 8);
    return nx_buf_add(out, head, sizeof(head));
}

size_t nx_batch_record_size(const struct nx_batch_record *record)
{
    size_t size = RECORD_FIXED_BYTES + record->stream.len + record->payload.len;

    for (size_t i = 0; i < record->properties_count; i++) {
        size += 2 + record->properties[i].name.len + 2 + record->properties[i].value.len;
    }
    return size;
}

static bool texts_fit(const struct nx_batch_record *record)
{
    if (record->properties_count > NX_BATCH_PROPERTIES_MAX) {
        return false;
    }
    for (size_t i = 0; i < record->properties_count; i++) {
        if (record->properties[i].name.len > UINT16_MAX ||
            record->properties[i].value.len > UINT16_MAX) {
            return false;
        }
    }
    return record->payload.len <= NX_BATCH_BYTES_MAX;
}

/* May it ever be sent, and does it belong behind what is written? */
static enum nx_err check_next(const struct nx_buf *out, const struct nx_batch_record *record)
{
    uint64_t after = load(out->data + AT_AFTER, 8);
    uint64_t last_seq = load(out->data + AT_UNTIL, 8);
    enum nx_channel last_channel = (enum nx_channel)load(out->data + AT_CRC, 4);
    size_t size;

    if (!texts_fit(record) || record_fault(record) != NULL || record->seq <= after ||
        !is_behind(record->seq, record->channel, last_seq, last_channel)) {
        return NX_ERR_INVALID;
    }
    size = nx_batch_record_size(record);
    if (size > NX_BATCH_BYTES_MAX - NX_BATCH_HEAD_BYTES) {
        return NX_ERR_INVALID;
    }
    if (size > NX_BATCH_BYTES_MAX - out->len || record->seq - after > UINT32_MAX ||
        load(out->data + AT_COUNT, 2) >= NX_BATCH_RECORDS_MAX) {
        return NX_ERR_LIMIT;
    }
    return NX_OK;
}

static char *put_number(char *at, uint64_t value, size_t bytes)
{
    store(at, value, bytes);
    return at + bytes;
}

static char *put_counted(char *at, struct nx_span s, size_t length_bytes)
{
    at = put_number(at, s.len, length_bytes);
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    return at + s.len;
}

static void put_record(char *at, uint64_t after, const struct nx_batch_record *record)
{
    at = put_number(at, record->seq - after, 4);
    at = put_number(at, record->channel, 1);
    at = put_number(at, record->retain ? FLAG_RETAIN : 0, 1);
    at = put_counted(at, record->stream, 2);
    at = put_counted(at, record->payload, 4);
    at = put_number(at, record->properties_count, 1);
    for (size_t i = 0; i < record->properties_count; i++) {
        at = put_counted(at, record->properties[i].name, 2);
        at = put_counted(at, record->properties[i].value, 2);
    }
}

enum nx_err nx_batch_add(struct nx_buf *out, const struct nx_batch_record *record)
{
    size_t size;
    enum nx_err err;
    char *room;

    if (out->len < NX_BATCH_HEAD_BYTES) {
        return NX_ERR_STATE;
    }
    err = check_next(out, record);
    if (err != NX_OK) {
        return err;
    }
    size = nx_batch_record_size(record);
    err = nx_buf_reserve(out, size, &room);
    if (err != NX_OK) {
        return err;
    }
    put_record(room, load(out->data + AT_AFTER, 8), record);
    out->len += size;
    store(out->data + AT_COUNT, load(out->data + AT_COUNT, 2) + 1, 2);
    store(out->data + AT_UNTIL, record->seq, 8);
    store(out->data + AT_CRC, record->channel, 4);
    return NX_OK;
}

static uint32_t checksum(struct nx_span bytes)
{
    return nx_crc32c(0, (struct nx_span){bytes.ptr + AT_FLAGS, bytes.len - AT_FLAGS});
}

enum nx_err nx_batch_end(struct nx_buf *out, uint64_t until, bool jump)
{
    if (out->len < NX_BATCH_HEAD_BYTES) {
        return NX_ERR_STATE;
    }
    if (until < load(out->data + AT_UNTIL, 8) ||
        until - load(out->data + AT_AFTER, 8) > UINT32_MAX) {
        return NX_ERR_INVALID;
    }
    store(out->data + AT_FLAGS, jump ? FLAG_JUMP : 0, 2);
    store(out->data + AT_UNTIL, until, 8);
    store(out->data + AT_CRC, checksum(nx_buf_view(out)), 4);
    return NX_OK;
}

/* ---- reading ---- */

static bool take_bytes(struct nx_span *rest, size_t len, struct nx_span *out)
{
    if (len > rest->len) {
        return false;
    }
    *out = (struct nx_span){rest->ptr, len};
    rest->ptr += len;
    rest->len -= len;
    return true;
}

/* Two bytes of length and so many more: a record has up to seventeen of these. */
static bool take_text(struct nx_span *rest, struct nx_span *out)
{
    struct nx_span length;

    return take_bytes(rest, 2, &length) && take_bytes(rest, load_2(length.ptr), out);
}

static bool take_properties(struct nx_span *rest, struct nx_batch_record *out)
{
    struct nx_span count;

    if (!take_bytes(rest, 1, &count) || (unsigned char)*count.ptr > NX_BATCH_PROPERTIES_MAX) {
        return false;
    }
    out->properties_count = (unsigned char)*count.ptr;
    for (size_t i = 0; i < out->properties_count; i++) {
        if (!take_text(rest, &out->properties[i].name) ||
            !take_text(rest, &out->properties[i].value)) {
            return false;
        }
    }
    return true;
}

/* Takes one record apart. False: the bytes end within it, or it has too many user properties. */
static bool take_record(struct nx_span *rest, uint64_t after, struct nx_batch_record *out,
                        unsigned *flags)
{
    struct nx_span head, length;

    if (!take_bytes(rest, 4 + 1 + 1, &head) || !take_text(rest, &out->stream) ||
        !take_bytes(rest, 4, &length) || !take_bytes(rest, load_4(length.ptr), &out->payload) ||
        !take_properties(rest, out)) {
        return false;
    }
    *flags = (unsigned char)head.ptr[5];
    out->seq = after + load_4(head.ptr);
    out->channel = (enum nx_channel)(unsigned char)head.ptr[4];
    out->retain = (*flags & FLAG_RETAIN) != 0;
    return true;
}

bool nx_batch_next(struct nx_batch_reader *reader, struct nx_batch_record *out)
{
    unsigned flags;

    if (reader->read == reader->head.count ||
        !take_record(&reader->rest, reader->head.after, out, &flags)) {
        return false;
    }
    reader->read++;
    reader->last_seq = out->seq;
    reader->last_channel = out->channel;
    return true;
}

static enum nx_err syntax(struct nx_diag *diag, struct nx_span bytes, const char *at,
                          const char *what)
{
    nx_diag_set(diag, "at byte %zu of the batch: %s", (size_t)(at - bytes.ptr), what);
    return NX_ERR_SYNTAX;
}

/* One record with everything that opening checks. `reader` moves behind it; *record is room. */
static enum nx_err check_record(struct nx_batch_reader *reader, struct nx_span bytes,
                                struct nx_batch_record *record, struct nx_diag *diag)
{
    const char *at = reader->rest.ptr;
    const char *fault;
    unsigned flags;

    if (!take_record(&reader->rest, reader->head.after, record, &flags)) {
        return syntax(diag, bytes, at,
                      "this record is cut off, or has more than 8 user properties");
    }
    if ((flags & ~(unsigned)FLAG_RETAIN) != 0) {
        nx_diag_set(diag, "at byte %zu of the batch: a record flag that is not known here",
                    (size_t)(at - bytes.ptr));
        return NX_ERR_UNSUPPORTED;
    }
    fault = record_fault(record);
    if (fault != NULL) {
        return syntax(diag, bytes, at, fault);
    }
    if (record->seq == reader->head.after || record->seq > reader->head.until ||
        !is_behind(record->seq, record->channel, reader->last_seq, reader->last_channel)) {
        return syntax(diag, bytes, at,
                      "records ascend by number and channel, from after + 1 to until");
    }
    reader->last_seq = record->seq;
    reader->last_channel = record->channel;
    return NX_OK;
}

static enum nx_err check_records(struct nx_batch_reader reader, struct nx_span bytes,
                                 struct nx_diag *diag)
{
    struct nx_batch_record record;
    enum nx_err err = NX_OK;

    for (unsigned i = 0; i < reader.head.count && err == NX_OK; i++) {
        err = check_record(&reader, bytes, &record, diag);
    }
    if (err == NX_OK && reader.rest.len != 0) {
        return syntax(diag, bytes, reader.rest.ptr, "bytes behind the last record");
    }
    return err;
}

static void load_head(struct nx_span bytes, struct nx_batch_head *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < NX_BATCH_EPOCH_BYTES; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[AT_EPOCH + i];

        out->epoch[2 * i] = digits[byte >> 4];
        out->epoch[2 * i + 1] = digits[byte & 0xF];
    }
    out->epoch[NX_BATCH_EPOCH_SIZE - 1] = '\0';
    out->after = load(bytes.ptr + AT_AFTER, 8);
    out->until = load(bytes.ptr + AT_UNTIL, 8);
    out->jump = (load(bytes.ptr + AT_FLAGS, 2) & FLAG_JUMP) != 0;
    out->count = (uint16_t)load(bytes.ptr + AT_COUNT, 2);
}

/* What must hold before any field may be believed. */
static enum nx_err check_frame(struct nx_span bytes, struct nx_diag *diag)
{
    if (bytes.len < NX_BATCH_HEAD_BYTES || memcmp(bytes.ptr, magic, sizeof(magic) - 1) != 0) {
        nx_diag_set(diag, "this is no batch: it begins with \"NXB\" and has %d bytes at least",
                    (int)NX_BATCH_HEAD_BYTES);
        return NX_ERR_SYNTAX;
    }
    if (bytes.ptr[3] != magic[3]) {
        nx_diag_set(diag, "a batch of version %u; known here is version %d",
                    (unsigned)(unsigned char)bytes.ptr[3], (int)magic[3]);
        return NX_ERR_UNSUPPORTED;
    }
    if (bytes.len > NX_BATCH_BYTES_MAX) {
        nx_diag_set(diag, "the batch has %zu bytes; at most %d are taken", bytes.len,
                    (int)NX_BATCH_BYTES_MAX);
        return NX_ERR_LIMIT;
    }
    if (load(bytes.ptr + AT_CRC, 4) != checksum(bytes)) {
        nx_diag_set(diag, "the checksum does not fit: the batch was damaged on its way");
        return NX_ERR_SYNTAX;
    }
    return NX_OK;
}

static enum nx_err check_head(struct nx_span bytes, const struct nx_batch_head *head,
                              struct nx_diag *diag)
{
    if ((load(bytes.ptr + AT_FLAGS, 2) & ~(uint64_t)FLAG_JUMP) != 0) {
        nx_diag_set(diag, "a flag of the batch that is not known here");
        return NX_ERR_UNSUPPORTED;
    }
    if (head->count > NX_BATCH_RECORDS_MAX) {
        nx_diag_set(diag, "the batch has %u records; at most %d are taken", (unsigned)head->count,
                    (int)NX_BATCH_RECORDS_MAX);
        return NX_ERR_LIMIT;
    }
    if (head->until < head->after || head->until - head->after > UINT32_MAX) {
        return syntax(diag, bytes, bytes.ptr + AT_AFTER,
                      "`until` is not before `after`, and less than 2^32 beyond it");
    }
    return NX_OK;
}

enum nx_err nx_batch_open(struct nx_span bytes, struct nx_batch_reader *out, struct nx_diag *diag)
{
    enum nx_err err = check_frame(bytes, diag);

    *out = (struct nx_batch_reader){0};
    if (err != NX_OK) {
        return err;
    }
    load_head(bytes, &out->head);
    out->rest = (struct nx_span){bytes.ptr + NX_BATCH_HEAD_BYTES, bytes.len - NX_BATCH_HEAD_BYTES};
    out->last_seq = out->head.after;
    err = check_head(bytes, &out->head, diag);
    return err == NX_OK ? check_records(*out, bytes, diag) : err;
}
