/*
 * bench.c - see bench.h.
 */
#include "test/unit/unit.h"

#include "test/unit/lens/bench.h"

#include <stdio.h>

enum { TEXT_MAX = 64 * 1024 };

static void bench_init(struct bench *b, struct nx_city city)
{
    *b = (struct bench){.city = city};
    assert_int_equal(nx_zone_load(city.time_zone, &b->zone, NULL), NX_OK);
    b->json = nx_json_new(&nx_json_limits_payload, 1);
    assert_non_null(b->json);
    nx_buf_init(&b->out, TEXT_MAX);
    nx_receipt_init(&b->receipt, TEXT_MAX);
    nx_map_init(&b->domain.assets_by_id, 16, 1);
    nx_map_init(&b->domain.assets_by_name, 16, 1);
    b->scene = (struct nx_lens_scene){.city = &b->city, .zone = b->zone, .owner = b->city.name};
}

static void take_asset(struct bench *b, size_t i, struct nx_asset asset)
{
    b->assets[i] = asset;
    assert_int_equal(nx_map_put(&b->domain.assets_by_id, asset.id, &b->assets[i]), NX_OK);
    assert_int_equal(nx_map_put(&b->domain.assets_by_name, asset.name, &b->assets[i]), NX_OK);
}

void bench_birmingham(struct bench *b)
{
    bench_init(b, (struct nx_city){.name = NX_SPAN("birmingham"),
                                   .time_zone = NX_SPAN("Europe/London"),
                                   .bounding_box = {-2.25, 52.30, -1.55, 52.70},
                                   .reference = {20, 101.325}});
    take_asset(b, 0,
               (struct nx_asset){.id = NX_SPAN("BMLD"),
                                 .name = NX_SPAN("Birmingham Ladywood"),
                                 .has_position = true,
                                 .longitude_text = NX_SPAN("-1.918235"),
                                 .latitude_text = NX_SPAN("52.481346")});
    b->scene.asset_id = b->assets[0].id;
    b->scene.asset = &b->assets[0];
}

void bench_ulsan(struct bench *b)
{
    bench_init(b, (struct nx_city){.name = NX_SPAN("ulsan"),
                                   .time_zone = NX_SPAN("Asia/Seoul"),
                                   .bounding_box = {128.95, 35.30, 129.50, 35.75},
                                   .reference = {25, 101.325}});
    take_asset(b, 0,
               (struct nx_asset){.id = NX_SPAN("sinjeong-dong"),
                                 .name = NX_SPAN("신정동"),
                                 .has_position = true,
                                 .longitude_text = NX_SPAN("129.3078132"),
                                 .latitude_text = NX_SPAN("35.5346564")});
    take_asset(b, 1, (struct nx_asset){.id = NX_SPAN("mugeo-dong"), .name = NX_SPAN("무거동")});
    b->scene.asset_id = b->assets[0].id;
    b->scene.asset = &b->assets[0];
}

void bench_fini(struct bench *b)
{
    nx_lens_free(b->lens);
    nx_map_fini(&b->domain.assets_by_id);
    nx_map_fini(&b->domain.assets_by_name);
    nx_receipt_fini(&b->receipt);
    nx_buf_fini(&b->out);
    nx_json_free(b->json);
    nx_zone_free(b->zone);
}

enum nx_err bench_lens(struct bench *b, const char *before_rows, const char *rows)
{
    struct nx_buf text;
    enum nx_err err;

    nx_lens_free(b->lens);
    b->lens = NULL;
    nx_buf_init(&text, TEXT_MAX);
    assert_int_equal(nx_buf_printf(&text, "{\"lens\":\"test\",\"version\":3,%s\n\"rows\":[%s]}",
                                   before_rows, rows),
                     NX_OK);
    assert_int_equal(nx_json_parse(b->json, nx_buf_view(&text), NX_JSON_COMMENTS, &b->diag), NX_OK);
    b->diag = (struct nx_diag){0};
    err = nx_lens_compile(b->json, "lens.json", &b->lens, &b->diag);
    nx_buf_fini(&text);
    return err;
}

typedef enum nx_err translate_fn(const struct nx_lens *, const struct nx_lens_scene *,
                                 const struct nx_json *, struct nx_buf *, struct nx_receipt *,
                                 struct nx_diag *);

static void assert_translates(struct bench *b, translate_fn *translate, const char *in,
                              const char *expected)
{
    char found[1024] = "";
    enum nx_err err;

    b->diag = (struct nx_diag){0};
    assert_int_equal(nx_json_parse(b->json, nx_span_from(in), NX_JSON_STRICT, &b->diag), NX_OK);
    err = translate(b->lens, &b->scene, b->json, &b->out, &b->receipt, &b->diag);
    if (err == NX_OK) {
        assert_true(nx_span_copy(nx_buf_view(&b->out), found, sizeof(found)));
    }
    if (expected == NULL) {
        if (err != NX_ERR_INVALID || b->diag.text[0] == '\0') {
            fail_msg("%s\nexpected a refusal, got %s", in, found);
        }
    } else if (err != NX_OK || strcmp(found, expected) != 0) {
        fail_msg("%s\nexpected %s\ngot      %s %s %s", in, expected, found, b->diag.pointer,
                 b->diag.text);
    }
}

void assert_to_canonical(struct bench *b, const char *in, const char *expected)
{
    assert_translates(b, nx_lens_to_canonical, in, expected);
}

void assert_from_canonical(struct bench *b, const char *in, const char *expected)
{
    assert_translates(b, nx_lens_from_canonical, in, expected);
}

void assert_told(const struct bench *b, const char *part)
{
    char told[8192];

    assert_true(nx_span_copy(nx_buf_view(&b->receipt.json), told, sizeof(told)));
    if (strstr(told, part) == NULL) {
        fail_msg("expected the receipt to hold %s\ngot %s", part, told);
    }
}
