/*
 * receipt.c - what was done to a reading, as a JSON array that is complete after every row. A row
 * that does not fit is left out whole, and the buffer's error tells it.
 */
#include "lens/lens_internal.h"

#include <stdio.h>

void nx_receipt_init(struct nx_receipt *receipt, size_t bytes_max)
{
    nx_buf_init(&receipt->json, bytes_max);
    receipt->rows = 0;
    (void)nx_buf_str(&receipt->json, "[]");
}

void nx_receipt_fini(struct nx_receipt *receipt)
{
    nx_buf_fini(&receipt->json);
}

static void add_member(struct nx_buf *out, const char *name, struct nx_span text)
{
    if (text.len > 0) {
        (void)nx_buf_printf(out, "\"%s\":", name);
        (void)nx_json_quote(out, text);
        (void)nx_buf_byte(out, ',');
    }
}

void nx_receipt_row(struct nx_receipt *receipt, struct nx_span lens, struct nx_span from,
                    struct nx_span to, const char *codec, const char *fmt, va_list args)
{
    enum { EXTRA_MAX = 512 };
    struct nx_buf *out = &receipt->json;
    size_t before = out->len;
    char extra[EXTRA_MAX];
    int len = vsnprintf(extra, sizeof(extra), fmt, args);

    if (len < 0 || len >= EXTRA_MAX || nx_buf_error(out) != NX_OK) {
        return;
    }
    out->len--;
    (void)nx_buf_str(out, receipt->rows > 0 ? ",{" : "{");
    add_member(out, "lens", lens);
    add_member(out, "from", from);
    add_member(out, "to", to);
    (void)nx_buf_printf(out, "\"codec\":\"%s\"%s%s}]", codec, len > 0 ? "," : "", extra);
    if (nx_buf_error(out) != NX_OK) {
        out->len = before;
        out->data[before - 1] = ']';
        return;
    }
    receipt->rows++;
}
