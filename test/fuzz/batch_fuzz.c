/*
 * batch_fuzz.c - the reader of batches against any bytes. A format with one spelling: what opens
 * is written back to the very same bytes. The checksum is made to fit first, so that the fuzzer
 * gets behind it.
 */
#include "core/batch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void write_back(struct nx_batch_reader *reader, struct nx_span bytes)
{
    struct nx_batch_record record;
    struct nx_buf out;
    uint64_t last = reader->head.after;
    unsigned count = 0;

    nx_buf_init(&out, NX_BATCH_BYTES_MAX);
    must(nx_batch_begin(&out, reader->head.epoch, reader->head.after) == NX_OK);
    for (; nx_batch_next(reader, &record); count++) {
        must(record.seq >= last && record.seq <= reader->head.until);
        last = record.seq;
        must(nx_batch_add(&out, &record) == NX_OK);
    }
    must(count == reader->head.count);
    must(nx_batch_end(&out, reader->head.until, reader->head.jump) == NX_OK);
    must(nx_span_eq(nx_buf_view(&out), bytes));
    nx_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_batch_reader reader;
    struct nx_diag diag = {0};
    char *bytes = malloc(size + 1);
    uint32_t crc;

    if (bytes == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    if (size >= 8) {
        crc = nx_crc32c(0, (struct nx_span){bytes + 8, size - 8});
        for (int i = 0; i < 4; i++) {
            bytes[7 - i] = (char)(unsigned char)(crc >> 8 * i);
        }
    }
    if (nx_batch_open((struct nx_span){bytes, size}, &reader, &diag) == NX_OK) {
        write_back(&reader, (struct nx_span){bytes, size});
    } else {
        must(diag.text[0] != '\0');
    }
    free(bytes);
    return 0;
}
