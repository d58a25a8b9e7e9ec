/*
 * batch_test.c - batches: the bytes of docs/delivery.md, there and back, and everything that is no
 * batch.
 */
#include "core/batch.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define EPOCH "0199c8a1b2c3d4e5f607"

static const struct nx_batch_record reading = {
    .seq = 42,
    .channel = NX_CHANNEL_OBSERVATION,
    .retain = true,
    .stream = {"air/BMLD", 8},
    .payload = {"{\"no2\":42.1}", 12},
    .properties = {{{"nexus-lens", 10}, {"ulsan-air@1", 11}}},
    .properties_count = 1,
};

/* The worked example of docs/delivery.md. */
static const unsigned char example[] = {
    0x4e, 0x58, 0x42, 0x01,                                     /* NXB, version 1 */
    0x92, 0xb5, 0xbb, 0x2c,                                     /* checksum */
    0x00, 0x00,                                                 /* flags */
    0x00, 0x01,                                                 /* one record */
    0x01, 0x99, 0xc8, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, /* epoch */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x29,             /* after 41 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2b,             /* until 43 */
    0x00, 0x00, 0x00, 0x01,                                     /* 42 = after + 1 */
    0x01,                                                       /* observation */
    0x01,                                                       /* retain */
    0x00, 0x08, 'a',  'i',  'r',  '/',  'B',  'M',  'L',  'D',  /* stream */
    0x00, 0x00, 0x00, 0x0c, '{',  '"',  'n',  'o',  '2',  '"',  ':', '4', '2',
    '.',  '1',  '}',  0x01,                                               /* one user property */
    0x00, 0x0a, 'n',  'e',  'x',  'u',  's',  '-',  'l',  'e',  'n', 's', /**/
    0x00, 0x0b, 'u',  'l',  's',  'a',  'n',  '-',  'a',  'i',  'r', '@', '1',
};

static void begin(struct nx_buf *out, uint64_t after)
{
    nx_buf_init(out, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_begin(out, EPOCH, after), NX_OK);
}

static enum nx_err open(const struct nx_buf *batch, struct nx_batch_reader *reader)
{
    return nx_batch_open(nx_buf_view(batch), reader, NULL);
}

static void assert_same(const struct nx_batch_record *a, const struct nx_batch_record *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->channel, b->channel);
    assert_int_equal(a->retain, b->retain);
    assert_true(nx_span_eq(a->stream, b->stream));
    assert_true(nx_span_eq(a->payload, b->payload));
    assert_int_equal(a->properties_count, b->properties_count);
    for (size_t i = 0; i < a->properties_count; i++) {
        assert_true(nx_span_eq(a->properties[i].name, b->properties[i].name));
        assert_true(nx_span_eq(a->properties[i].value, b->properties[i].value));
    }
}

/* Sets the checksum right again after a test has changed a byte. */
static void reseal(struct nx_buf *batch)
{
    uint32_t crc = nx_crc32c(0, (struct nx_span){batch->data + 8, batch->len - 8});

    for (int i = 0; i < 4; i++) {
        batch->data[7 - i] = (char)(unsigned char)(crc >> 8 * i);
    }
}

static void write_example(struct nx_buf *out)
{
    begin(out, 41);
    assert_int_equal(nx_batch_add(out, &reading), NX_OK);
    assert_int_equal(nx_batch_end(out, 43, false), NX_OK);
}

/* ---- the format ---- */

static void the_documented_example_is_what_is_written(void **state)
{
    struct nx_buf batch;

    (void)state;
    write_example(&batch);
    assert_int_equal(batch.len, sizeof(example));
    assert_memory_equal(batch.data, example, sizeof(example));
    nx_buf_fini(&batch);
}

/* The lines of the page that begin with a hexadecimal pair, up to their words. */
static size_t bytes_of_the_page(unsigned char *out, size_t size)
{
    FILE *page = fopen(NX_SOURCE_DIR "/docs/delivery.md", "r");
    size_t count = 0;
    char line[256];

    assert_non_null(page);
    while (fgets(line, sizeof(line), page) != NULL) {
        static const char digits[] = "0123456789abcdef";

        for (const char *at = line + 4; strncmp(line, "    ", 4) == 0; at += 3) {
            if (strspn(at, digits) != 2 || at[2] != ' ' || count == size) {
                break;
            }
            out[count++] = (unsigned char)strtoul(at, NULL, 16);
        }
    }
    (void)fclose(page);
    return count;
}

static void the_page_shows_the_example(void **state)
{
    unsigned char bytes[2 * sizeof(example)];

    (void)state;
    assert_int_equal(bytes_of_the_page(bytes, sizeof(bytes)), sizeof(example));
    assert_memory_equal(bytes, example, sizeof(example));
}

static void what_was_written_is_read_back(void **state)
{
    struct nx_batch_record bare = {.seq = 43,
                                   .channel = NX_CHANNEL_ORIGINAL,
                                   .stream = {"air/X", 5},
                                   .payload = {"\0\xFF{", 3}};
    struct nx_batch_record record;
    struct nx_batch_reader reader;
    struct nx_buf batch;

    (void)state;
    begin(&batch, 41);
    assert_int_equal(nx_batch_add(&batch, &reading), NX_OK);
    assert_int_equal(nx_batch_add(&batch, &bare), NX_OK);
    assert_int_equal(nx_batch_end(&batch, UINT64_C(4000000000), true), NX_OK);
    assert_int_equal(open(&batch, &reader), NX_OK);
    assert_string_equal(reader.head.epoch, EPOCH);
    assert_int_equal(reader.head.after, 41);
    assert_int_equal(reader.head.until, UINT64_C(4000000000));
    assert_true(reader.head.jump);
    assert_int_equal(reader.head.count, 2);
    assert_true(nx_batch_next(&reader, &record));
    assert_same(&record, &reading);
    assert_true(nx_batch_next(&reader, &record));
    assert_same(&record, &bare);
    assert_false(nx_batch_next(&reader, &record));
    nx_buf_fini(&batch);
}

static void a_batch_may_be_empty(void **state)
{
    struct nx_batch_record record;
    struct nx_batch_reader reader;
    struct nx_buf batch;

    (void)state;
    begin(&batch, UINT64_MAX);
    assert_int_equal(nx_batch_end(&batch, UINT64_MAX, false), NX_OK);
    assert_int_equal(batch.len, NX_BATCH_HEAD_BYTES);
    assert_int_equal(open(&batch, &reader), NX_OK);
    assert_int_equal(reader.head.until, UINT64_MAX);
    assert_false(nx_batch_next(&reader, &record));
    nx_buf_fini(&batch);
}

/* ---- writing ---- */

static void refuses(struct nx_buf *batch, const struct nx_batch_record *record, enum nx_err err)
{
    size_t len = batch->len;

    assert_int_equal(nx_batch_add(batch, record), err);
    assert_int_equal(batch->len, len);
}

static void the_writer_refuses_what_no_reader_takes(void **state)
{
    char *large = calloc(1, NX_BATCH_BYTES_MAX);
    struct nx_batch_record record;
    struct nx_buf batch;

    (void)state;
    begin(&batch, 41);
    record = reading;
    record.seq = 41;
    refuses(&batch, &record, NX_ERR_INVALID);
    record = reading;
    record.channel = NX_CHANNEL_NONE;
    refuses(&batch, &record, NX_ERR_INVALID);
    record = reading;
    record.stream = NX_SPAN("air");
    refuses(&batch, &record, NX_ERR_INVALID);
    record.stream = NX_SPAN("air/");
    refuses(&batch, &record, NX_ERR_INVALID);
    record.stream = NX_SPAN("air/a/b");
    refuses(&batch, &record, NX_ERR_INVALID);
    record.stream = NX_SPAN("_status/bridge");
    refuses(&batch, &record, NX_ERR_INVALID);
    record = reading;
    record.properties[0].name = NX_SPAN("\xFF");
    refuses(&batch, &record, NX_ERR_INVALID);
    record.properties[0].name = (struct nx_span){"a\0b", 3};
    refuses(&batch, &record, NX_ERR_INVALID);
    record = reading;
    record.properties_count = NX_BATCH_PROPERTIES_MAX + 1;
    refuses(&batch, &record, NX_ERR_INVALID);
    record = reading;
    record.payload = (struct nx_span){large, NX_BATCH_BYTES_MAX - NX_BATCH_HEAD_BYTES};
    refuses(&batch, &record, NX_ERR_INVALID);
    assert_int_equal(nx_batch_add(&batch, &reading), NX_OK);
    nx_buf_fini(&batch);
    free(large);
}

static void records_are_written_in_order_only(void **state)
{
    struct nx_batch_record record = reading;
    struct nx_buf batch;

    (void)state;
    begin(&batch, 41);
    record.channel = NX_CHANNEL_ORIGINAL;
    assert_int_equal(nx_batch_add(&batch, &record), NX_OK);
    refuses(&batch, &record, NX_ERR_INVALID);
    refuses(&batch, &reading, NX_ERR_INVALID);
    record.channel = NX_CHANNEL_CANONICAL;
    assert_int_equal(nx_batch_add(&batch, &record), NX_OK);
    assert_int_equal(nx_batch_end(&batch, 41, false), NX_ERR_INVALID);
    assert_int_equal(nx_batch_end(&batch, 42, false), NX_OK);
    nx_buf_fini(&batch);
}

static void a_full_batch_says_so(void **state)
{
    char *half = calloc(1, NX_BATCH_BYTES_MAX / 2);
    struct nx_batch_record record = reading;
    struct nx_buf batch;

    (void)state;
    begin(&batch, 0);
    for (record.seq = 1; record.seq <= NX_BATCH_RECORDS_MAX; record.seq++) {
        assert_int_equal(nx_batch_add(&batch, &record), NX_OK);
    }
    refuses(&batch, &record, NX_ERR_LIMIT);
    nx_buf_fini(&batch);

    begin(&batch, 0);
    record.seq = 1;
    record.payload = (struct nx_span){half, NX_BATCH_BYTES_MAX / 2};
    assert_int_equal(nx_batch_add(&batch, &record), NX_OK);
    record.seq = 2;
    refuses(&batch, &record, NX_ERR_LIMIT);
    nx_buf_fini(&batch);

    begin(&batch, 0);
    record = reading;
    record.seq = UINT64_C(1) << 32;
    refuses(&batch, &record, NX_ERR_LIMIT);
    nx_buf_fini(&batch);
    free(half);
}

static void the_size_of_a_record_is_told_before_it_is_added(void **state)
{
    struct nx_buf batch;

    (void)state;
    begin(&batch, 41);
    assert_int_equal(nx_batch_add(&batch, &reading), NX_OK);
    assert_int_equal(nx_batch_record_size(&reading), batch.len - NX_BATCH_HEAD_BYTES);
    nx_buf_fini(&batch);
}

static void an_epoch_is_twenty_lower_case_hexadecimal_digits(void **state)
{
    static const char *const bad[] = {"", "0199c8a1b2c3d4e5f60", "0199c8a1b2c3d4e5f6070",
                                      "0199C8a1b2c3d4e5f607", "0199g8a1b2c3d4e5f607"};
    struct nx_buf batch;

    (void)state;
    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(nx_batch_begin(&batch, bad[i], 0), NX_ERR_INVALID);
        assert_int_equal(batch.len, 0);
    }
    assert_int_equal(nx_batch_add(&batch, &reading), NX_ERR_STATE);
    assert_int_equal(nx_batch_end(&batch, 0, false), NX_ERR_STATE);
    assert_int_equal(nx_batch_begin(&batch, EPOCH, 0), NX_OK);
    assert_int_equal(nx_batch_begin(&batch, EPOCH, 0), NX_ERR_STATE);
    nx_buf_fini(&batch);
}

static void a_batch_spans_less_than_two_to_the_thirty_two_numbers(void **state)
{
    struct nx_buf batch;

    (void)state;
    begin(&batch, 7);
    assert_int_equal(nx_batch_end(&batch, 7 + (UINT64_C(1) << 32), false), NX_ERR_INVALID);
    assert_int_equal(nx_batch_end(&batch, UINT64_C(7) + UINT32_MAX, false), NX_OK);
    nx_buf_fini(&batch);
}

/* ---- reading what is no batch ---- */

static void any_changed_byte_is_noticed(void **state)
{
    struct nx_batch_reader reader;
    struct nx_buf batch;

    (void)state;
    write_example(&batch);
    for (size_t i = 0; i < batch.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            batch.data[i] = (char)(batch.data[i] ^ 1 << bit);
            assert_int_not_equal(open(&batch, &reader), NX_OK);
            batch.data[i] = (char)(batch.data[i] ^ 1 << bit);
        }
    }
    assert_int_equal(open(&batch, &reader), NX_OK);
    nx_buf_fini(&batch);
}

/* With the checksum made anew, so that the structure itself must notice. */
static void a_batch_that_ends_anywhere_else_is_refused(void **state)
{
    struct nx_batch_reader reader;
    struct nx_buf batch;
    size_t whole;

    (void)state;
    write_example(&batch);
    whole = batch.len;
    for (batch.len = 0; batch.len < whole; batch.len++) {
        char *exact = malloc(batch.len + 1); /* a block of its own, so that an overread is seen */
        struct nx_buf cut = {.data = exact, .len = batch.len};

        assert_non_null(exact);
        memcpy(exact, batch.data, batch.len);
        if (cut.len > 8) {
            reseal(&cut);
        }
        assert_int_equal(open(&cut, &reader), NX_ERR_SYNTAX);
        free(exact);
    }
    assert_int_equal(nx_buf_byte(&batch, 0), NX_OK);
    reseal(&batch);
    assert_int_equal(open(&batch, &reader), NX_ERR_SYNTAX);
    nx_buf_fini(&batch);
}

struct change {
    size_t at;
    unsigned char value;
    enum nx_err err;
    const char *what;
};

static void a_sound_checksum_does_not_excuse_wrong_fields(void **state)
{
    static const struct change changes[] = {
        {0, 'n', NX_ERR_SYNTAX, "another magic"},
        {3, 2, NX_ERR_UNSUPPORTED, "version 2"},
        {8, 0x80, NX_ERR_UNSUPPORTED, "a flag of tomorrow"},
        {9, 2, NX_ERR_UNSUPPORTED, "another flag of tomorrow"},
        {10, 0xFF, NX_ERR_LIMIT, "65,281 records"},
        {11, 0, NX_ERR_SYNTAX, "a record that is not counted"},
        {11, 2, NX_ERR_SYNTAX, "a count without a record"},
        {29, 44, NX_ERR_SYNTAX, "after > until"},
        {33, 1, NX_ERR_SYNTAX, "until 2^32 beyond after"},
        {37, 41, NX_ERR_SYNTAX, "a record beyond until"},
        {41, 0, NX_ERR_SYNTAX, "a record at after"},
        {38, 0xFF, NX_ERR_SYNTAX, "a number far beyond until"},
        {42, 0, NX_ERR_SYNTAX, "no channel"},
        {42, 4, NX_ERR_SYNTAX, "a fourth channel"},
        {43, 2, NX_ERR_UNSUPPORTED, "a record flag of tomorrow"},
        {45, 9, NX_ERR_SYNTAX, "a stream that reaches into the payload"},
        {49, '+', NX_ERR_SYNTAX, "no separator in the stream"},
        {46, '_', NX_ERR_SYNTAX, "a domain with _"},
        {54, 0xFF, NX_ERR_SYNTAX, "a payload beyond the end"},
        {70, 2, NX_ERR_SYNTAX, "a property that is not there"},
        {70, 9, NX_ERR_SYNTAX, "nine properties"},
        {73, 0, NX_ERR_SYNTAX, "NUL in a name"},
        {94, 0xFF, NX_ERR_SYNTAX, "a value that is not UTF-8"},
    };
    struct nx_batch_reader reader;
    struct nx_diag diag;
    struct nx_buf batch;

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const struct change *c = &changes[i];

        write_example(&batch);
        assert_true(c->at < batch.len);
        batch.data[c->at] = (char)c->value;
        reseal(&batch);
        diag.text[0] = '\0';
        if (nx_batch_open(nx_buf_view(&batch), &reader, &diag) != c->err) {
            fail_msg("not refused as expected: %s", c->what);
        }
        assert_string_not_equal(diag.text, "");
        nx_buf_fini(&batch);
    }
}

static void a_batch_beyond_the_limit_is_not_looked_at(void **state)
{
    char *bytes = calloc(1, NX_BATCH_BYTES_MAX + 1);
    struct nx_buf batch = {.data = bytes, .len = NX_BATCH_BYTES_MAX + 1};
    struct nx_batch_reader reader;

    (void)state;
    assert_non_null(bytes);
    memcpy(bytes, "NXB\1", 4);
    reseal(&batch);
    assert_int_equal(open(&batch, &reader), NX_ERR_LIMIT);
    free(bytes);
}

static void the_largest_batch_is_read(void **state)
{
    struct nx_batch_record record = {.seq = 1,
                                     .channel = NX_CHANNEL_ORIGINAL,
                                     .stream = {"air/BMLD", 8},
                                     .payload = {NULL, NX_BATCH_BYTES_MAX - NX_BATCH_HEAD_BYTES}};
    char *bytes = calloc(1, record.payload.len);
    struct nx_batch_reader reader;
    struct nx_buf batch;

    (void)state;
    assert_non_null(bytes);
    record.payload.ptr = bytes;
    record.payload.len -= nx_batch_record_size(&record) - record.payload.len;
    begin(&batch, 0);
    assert_int_equal(nx_batch_add(&batch, &record), NX_OK);
    assert_int_equal(batch.len, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_end(&batch, 1, false), NX_OK);
    assert_int_equal(open(&batch, &reader), NX_OK);
    nx_buf_fini(&batch);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_example_is_what_is_written),
        cmocka_unit_test(the_page_shows_the_example),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_batch_may_be_empty),
        cmocka_unit_test(the_writer_refuses_what_no_reader_takes),
        cmocka_unit_test(records_are_written_in_order_only),
        cmocka_unit_test(a_full_batch_says_so),
        cmocka_unit_test(the_size_of_a_record_is_told_before_it_is_added),
        cmocka_unit_test(an_epoch_is_twenty_lower_case_hexadecimal_digits),
        cmocka_unit_test(a_batch_spans_less_than_two_to_the_thirty_two_numbers),
        cmocka_unit_test(any_changed_byte_is_noticed),
        cmocka_unit_test(a_batch_that_ends_anywhere_else_is_refused),
        cmocka_unit_test(a_sound_checksum_does_not_excuse_wrong_fields),
        cmocka_unit_test(a_batch_beyond_the_limit_is_not_looked_at),
        cmocka_unit_test(the_largest_batch_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
