/*
 * lens_fuzz.c - arbitrary bytes through the shipped lenses. The first byte chooses: b and u take
 * the rest as a payload of Birmingham or Ulsan, B and U as a canonical reading for them.
 *
 * Whatever a city's gate admits must be translatable, and must come back from canonical as the
 * same canonical, byte by byte. Without a receipt a source is read another way (lens_read.c), which
 * must give the same answer, down to the words of a refusal.
 */
#include "core/os/file.h"
#include "lens/exchange.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRANSLATION_MAX = 4 * 1024 * 1024 };

static struct nx_config *config;
static struct nx_exchange *exchange;
static struct nx_json *json;
static struct nx_check *check;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void load_once(void)
{
    struct nx_reader reader = nx_file_reader();
    struct nx_config_options options = {.seed = 1};

    if (exchange != NULL) {
        return;
    }
    must(nx_config_load(&reader, NX_SOURCE_DIR "/config", &options, &config, NULL) == NX_OK);
    must(nx_exchange_new(&reader, config, 1, &exchange, NULL) == NX_OK);
    json = nx_json_new(&nx_json_limits_payload, 1);
    check = nx_check_new();
    must(json != NULL && check != NULL);
}

/* What the gate would say. */
static bool is_admitted(struct nx_span city, struct nx_span payload)
{
    const struct nx_domain *air = nx_city_domain(nx_config_city(config, city), NX_SPAN("air"));

    return nx_json_parse(json, payload, NX_JSON_STRICT, NULL) == NX_OK &&
           nx_schema_check(air->schema, check, json) == NX_OK;
}

/* What came of a translation with a receipt, and of the same without one. */
static void must_be_same(enum nx_err err, const struct nx_buf *out, const struct nx_diag *diag,
                         enum nx_err quick_err, const struct nx_buf *quick_out,
                         const struct nx_diag *quick_diag)
{
    must(err == quick_err);
    must(nx_span_eq(nx_buf_view(out), nx_buf_view(quick_out)));
    must(strcmp(diag->text, quick_diag->text) == 0);
    must(strcmp(diag->pointer, quick_diag->pointer) == 0);
    must(diag->line == quick_diag->line && diag->column == quick_diag->column);
}

static enum nx_err to_canonical(struct nx_span city, struct nx_span payload, struct nx_buf *out,
                                struct nx_receipt *receipt)
{
    const struct nx_span air = NX_SPAN("air"), asset = NX_SPAN("LAB-1");
    struct nx_diag diag = {0}, quick_diag = {0};
    struct nx_buf quick;
    enum nx_err err;

    nx_buf_init(&quick, TRANSLATION_MAX);
    err = nx_exchange_to_canonical(exchange, city, air, asset, payload, out, NULL, receipt, &diag);
    must_be_same(err, out, &diag,
                 nx_exchange_to_canonical(exchange, city, air, asset, payload, &quick, NULL, NULL,
                                          &quick_diag),
                 &quick, &quick_diag);
    nx_buf_fini(&quick);
    return err;
}

static enum nx_err from_canonical(struct nx_span city, struct nx_span canonical, struct nx_buf *out,
                                  struct nx_receipt *receipt)
{
    const struct nx_span air = NX_SPAN("air"), asset = {NULL, 0};
    struct nx_diag diag = {0}, quick_diag = {0};
    struct nx_buf quick;
    enum nx_err err;

    nx_buf_init(&quick, TRANSLATION_MAX);
    err = nx_exchange_from_canonical(exchange, city, air, asset, canonical, out, receipt, &diag);
    must_be_same(err, out, &diag,
                 nx_exchange_from_canonical(exchange, city, air, asset, canonical, &quick, NULL,
                                            &quick_diag),
                 &quick, &quick_diag);
    nx_buf_fini(&quick);
    return err;
}

/* A receipt is JSON, whatever was translated. */
static void must_be_json(const struct nx_receipt *receipt)
{
    must(nx_json_parse(json, nx_buf_view(&receipt->json), NX_JSON_STRICT, NULL) == NX_OK);
}

static void there_and_back(struct nx_span city, struct nx_span payload)
{
    struct nx_buf canonical, dialect, again;
    struct nx_receipt receipt;
    bool admitted = is_admitted(city, payload);

    nx_buf_init(&canonical, TRANSLATION_MAX);
    nx_buf_init(&dialect, TRANSLATION_MAX);
    nx_buf_init(&again, TRANSLATION_MAX);
    nx_receipt_init(&receipt, TRANSLATION_MAX);
    if (to_canonical(city, payload, &canonical, &receipt) != NX_OK) {
        must(!admitted);
    } else if (from_canonical(city, nx_buf_view(&canonical), &dialect, &receipt) != NX_OK) {
        must(!admitted);
    } else {
        must(to_canonical(city, nx_buf_view(&dialect), &again, &receipt) == NX_OK);
        must(!admitted || nx_span_eq(nx_buf_view(&again), nx_buf_view(&canonical)));
    }
    must_be_json(&receipt);
    nx_receipt_fini(&receipt);
    nx_buf_fini(&again);
    nx_buf_fini(&dialect);
    nx_buf_fini(&canonical);
}

static void from_anything(struct nx_span city, struct nx_span canonical)
{
    struct nx_receipt receipt;
    struct nx_buf out;

    nx_buf_init(&out, TRANSLATION_MAX);
    nx_receipt_init(&receipt, TRANSLATION_MAX);
    if (from_canonical(city, canonical, &out, &receipt) == NX_OK) {
        must(is_admitted(city, nx_buf_view(&out)));
    } else {
        must(out.len == 0);
    }
    must_be_json(&receipt);
    nx_receipt_fini(&receipt);
    nx_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span rest;

    load_once();
    if (size == 0) {
        return 0;
    }
    rest = (struct nx_span){(const char *)data + 1, size - 1};
    switch (data[0]) {
    case 'b':
        there_and_back(NX_SPAN("birmingham"), rest);
        break;
    case 'u':
        there_and_back(NX_SPAN("ulsan"), rest);
        break;
    case 'B':
        from_anything(NX_SPAN("birmingham"), rest);
        break;
    case 'U':
        from_anything(NX_SPAN("ulsan"), rest);
        break;
    default:
        break;
    }
    return 0;
}
