/*
 * cache_print.c - the rows of `nexusctl cache`. With --json each line is one object. An original that
 * is JSON is embedded as it is (its line breaks as blanks, which stand between tokens only); what is
 * not JSON goes out as hexadecimal.
 */
#include "ctl/cache_print.h"

#include "core/base/utc.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINE_BYTES_MAX = 256 * 1024 * 1024 };

enum nx_err cache_printer_init(struct cache_printer *printer, bool json)
{
    *printer = (struct cache_printer){.json = json};
    nx_buf_init(&printer->line, LINE_BYTES_MAX);
    printer->reader = nx_json_new(&nx_json_limits_file, 0);
    return printer->reader != NULL ? NX_OK : NX_ERR_NOMEM;
}

void cache_printer_fini(struct cache_printer *printer)
{
    nx_json_free(printer->reader);
    nx_buf_fini(&printer->line);
}

static enum nx_err print_line(struct cache_printer *printer)
{
    printer->rows++;
    (void)nx_buf_byte(&printer->line, '\n');
    if (nx_buf_error(&printer->line) != NX_OK) {
        return nx_buf_error(&printer->line);
    }
    if (fwrite(printer->line.data, 1, printer->line.len, stdout) != printer->line.len) {
        return NX_ERR_IO; /* the reader of our output is gone */
    }
    return NX_OK;
}

/* `name` and its value; JSON as it is, else hexadecimal under NAME_hex. */
static void add_document(struct cache_printer *printer, const char *name, struct nx_span bytes)
{
    struct nx_buf *line = &printer->line;
    size_t start;

    if (nx_json_parse(printer->reader, bytes, NX_JSON_STRICT, NULL) != NX_OK) {
        (void)nx_buf_printf(line, ",\"%s_hex\":\"", name);
        for (size_t i = 0; i < bytes.len; i++) {
            (void)nx_buf_printf(line, "%02x", (unsigned)(uint8_t)bytes.ptr[i]);
        }
        (void)nx_buf_byte(line, '"');
        return;
    }
    (void)nx_buf_printf(line, ",\"%s\":", name);
    start = line->len;
    (void)nx_buf_span(line, bytes);
    for (size_t i = start; i < line->len; i++) {
        line->data[i] = line->data[i] == '\n' || line->data[i] == '\r' ? ' ' : line->data[i];
    }
}

static void add_member(struct cache_printer *printer, const char *name, struct nx_span text)
{
    (void)nx_buf_printf(&printer->line, ",\"%s\":", name);
    (void)nx_json_quote(&printer->line, text);
}

static const char *kind_name(enum nx_reading_kind kind)
{
    return kind == NX_READING_CLEAR ? "clear" : "observation";
}

static void reading_as_json(struct cache_printer *printer, const struct nx_reading *row)
{
    char received[NX_UTC_SIZE];

    (void)nx_buf_printf(&printer->line, "{\"seq\":%" PRIu64, row->seq);
    add_member(printer, "topic", row->topic);
    (void)nx_buf_printf(&printer->line, ",\"kind\":\"%s\",\"received_at\":\"%s\"",
                        kind_name(row->kind), nx_utc_format(row->received_ms, received));
    if (row->observed_at.len > 0) {
        add_member(printer, "observed_at", row->observed_at);
    }
    if (row->kind == NX_READING_OBSERVATION) {
        add_document(printer, "original", row->original);
    }
    if (row->canonical.ptr != NULL) {
        add_document(printer, "canonical", row->canonical);
    }
    if (row->fault.len > 0) {
        add_member(printer, "fault", row->fault);
    }
    (void)nx_buf_byte(&printer->line, '}');
}

static void add_row(struct cache_printer *printer, const char *name, struct nx_span text)
{
    if (text.len > 0) {
        (void)nx_buf_printf(&printer->line, "\n    %-10s %.*s", name, NX_SPAN_ARG(text));
    }
}

static void reading_as_text(struct cache_printer *printer, const struct nx_reading *row)
{
    char received[NX_UTC_SIZE];

    (void)nx_buf_printf(&printer->line, "%" PRIu64 "  %s  %.*s%s", row->seq,
                        nx_utc_format(row->received_ms, received), NX_SPAN_ARG(row->topic),
                        row->kind == NX_READING_CLEAR ? "  (cleared)" : "");
    add_row(printer, "observed", row->observed_at);
    add_row(printer, "original", row->original);
    add_row(printer, "canonical", row->canonical);
    add_row(printer, "fault", row->fault);
}

enum nx_err cache_print_reading(void *ctx, const struct nx_reading *row)
{
    struct cache_printer *printer = ctx;

    nx_buf_reset(&printer->line);
    (printer->json ? reading_as_json : reading_as_text)(printer, row);
    return print_line(printer);
}

enum nx_err cache_print_stream(void *ctx, const struct nx_store_stream *row)
{
    struct cache_printer *printer = ctx;
    char received[NX_UTC_SIZE];

    nx_buf_reset(&printer->line);
    (void)nx_utc_format(row->last_received_ms, received);
    if (printer->json) {
        (void)nx_buf_str(&printer->line, "{\"topic\":");
        (void)nx_json_quote(&printer->line, row->topic);
        (void)nx_buf_printf(&printer->line,
                            ",\"readings\":%" PRIu64 ",\"last_seq\":%" PRIu64
                            ",\"last_received_at\":\"%s\"}",
                            row->count, row->last_seq, received);
    } else {
        (void)nx_buf_printf(&printer->line, "%.*s  %" PRIu64 " readings, last %" PRIu64 " at %s",
                            NX_SPAN_ARG(row->topic), row->count, row->last_seq, received);
    }
    return print_line(printer);
}

/* --- dead letters ------------------------------------------------------------------------------ */

static void letter_as_json(struct cache_printer *printer, const struct nx_dead_letter *letter,
                           const struct nx_reading *record)
{
    char at[NX_UTC_SIZE];

    (void)nx_buf_printf(&printer->line, "{\"seq\":%" PRIu64, letter->seq);
    add_member(printer, "link", letter->link);
    (void)nx_buf_printf(&printer->line, ",\"channel\":\"%s\",\"at\":\"%s\"",
                        nx_channel_name(letter->channel), nx_utc_format(letter->at_ms, at));
    add_member(printer, "reason", letter->reason);
    (void)nx_buf_str(&printer->line, ",\"record\":");
    if (record != NULL) {
        reading_as_json(printer, record);
    } else {
        (void)nx_buf_str(&printer->line, "null");
    }
    (void)nx_buf_byte(&printer->line, '}');
}

static void letter_as_text(struct cache_printer *printer, const struct nx_dead_letter *letter,
                           const struct nx_reading *record)
{
    char at[NX_UTC_SIZE];

    (void)nx_buf_printf(&printer->line, "%" PRIu64 "  %s  %.*s  %s: %.*s", letter->seq,
                        nx_utc_format(letter->at_ms, at), NX_SPAN_ARG(letter->link),
                        nx_channel_name(letter->channel), NX_SPAN_ARG(letter->reason));
    if (record != NULL) {
        char received[NX_UTC_SIZE];

        add_row(printer, "topic", record->topic);
        add_row(printer, "received", nx_span_from(nx_utc_format(record->received_ms, received)));
        add_row(printer, "original", record->original);
        add_row(printer, "canonical", record->canonical);
    }
}

enum nx_err cache_print_letter(void *ctx, const struct nx_dead_letter *letter,
                               const struct nx_reading *record)
{
    struct cache_printer *printer = ctx;

    nx_buf_reset(&printer->line);
    (printer->json ? letter_as_json : letter_as_text)(printer, letter, record);
    return print_line(printer);
}

enum nx_err cache_print_asked(struct cache_printer *printer, struct nx_span link, uint64_t letters)
{
    nx_buf_reset(&printer->line);
    if (printer->json) {
        (void)nx_buf_printf(&printer->line, "{\"letters\":%" PRIu64, letters);
        add_member(printer, "link", link);
        (void)nx_buf_byte(&printer->line, '}');
    } else {
        (void)nx_buf_printf(&printer->line,
                            "%" PRIu64 " dead letters of link %.*s will be tried again: by the"
                            " running bridge now, or by the next at its start",
                            letters, NX_SPAN_ARG(link));
    }
    return print_line(printer);
}

enum nx_err cache_print_restored(struct cache_printer *printer, struct nx_span file)
{
    nx_buf_reset(&printer->line);
    if (printer->json) {
        (void)nx_buf_str(&printer->line, "{\"restored\":true");
        add_member(printer, "file", file);
        (void)nx_buf_byte(&printer->line, '}');
    } else {
        (void)nx_buf_printf(&printer->line,
                            "the next start of nexus-bridge begins a new epoch in %.*s",
                            NX_SPAN_ARG(file));
    }
    return print_line(printer);
}
