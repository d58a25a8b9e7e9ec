/*
 * json_fuzz.c - arbitrary bytes into the strict reader. Whatever it takes must hold together:
 * raw bytes parse again, quoting gives the same text back, pointers lead back to their nodes.
 */
#include "core/json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES_EXAMINED_MAX = 64 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* `text` quoted and parsed is `text`. */
static void quote_and_back(struct nx_json *other, struct nx_span text)
{
    struct nx_buf quoted;

    nx_buf_init(&quoted, 8 * text.len + 2);
    must(nx_json_quote(&quoted, text) == NX_OK);
    must(nx_json_parse(other, nx_buf_view(&quoted), NX_JSON_STRICT, NULL) == NX_OK);
    must(nx_span_eq(nx_json_text(other, 0), text));
    nx_buf_fini(&quoted);
}

static void pointer_and_back(const struct nx_json *json, uint32_t node, bool is_key)
{
    struct nx_buf pointer;
    uint32_t found = 0;

    nx_buf_init(&pointer, 1024 * 1024);
    must(nx_json_pointer(json, node, &pointer) == NX_OK);
    must(nx_json_at(json, nx_buf_view(&pointer), &found));
    must(found == (is_key ? node + 1 : node));
    nx_buf_fini(&pointer);
}

static void examine(const struct nx_json *json, struct nx_json *other, uint32_t node, bool is_key)
{
    int64_t integer;
    double real;

    pointer_and_back(json, node, is_key);
    if (nx_json_type(json, node) == NX_JSON_STRING) {
        quote_and_back(other, nx_json_text(json, node));
    }
    if (nx_json_type(json, node) == NX_JSON_NUMBER && nx_json_int(json, node, &integer) == NX_OK) {
        must(nx_json_double(json, node, &real) == NX_OK && real == (double)integer);
    }
    must(nx_json_parse(other, nx_json_raw(json, node), NX_JSON_COMMENTS, NULL) == NX_OK);
}

/* Visits containers with a list instead of recursion. */
static void examine_all(const struct nx_json *json, struct nx_json *other)
{
    uint32_t open[NODES_EXAMINED_MAX] = {0};
    uint32_t count = 1;

    examine(json, other, 0, false);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        uint32_t key;
        uint32_t value;
        while (nx_json_each(json, open[i], &at, &key, &value) && count < NODES_EXAMINED_MAX) {
            if (key != 0) {
                examine(json, other, key, true);
            }
            examine(json, other, value, false);
            open[count++] = value;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, size);
    struct nx_json *other = nx_json_new(&nx_json_limits_payload, 0);
    struct nx_diag diag = {0};
    struct nx_span source = {(const char *)data, size};

    for (int flags = NX_JSON_STRICT; flags <= NX_JSON_COMMENTS; flags++) {
        enum nx_err err = nx_json_parse(json, source, (enum nx_json_flags)flags, &diag);
        if (err == NX_OK) {
            examine_all(json, other);
        } else {
            must(diag.text[0] != '\0');
            must(err != NX_ERR_SYNTAX || (diag.line > 0 && diag.column > 0));
        }
    }
    nx_json_free(json);
    nx_json_free(other);
    return 0;
}
