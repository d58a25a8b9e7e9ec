/*
 * codec_position.c - where the asset is: WGS 84, in canonical a GeoJSON Point, longitude first
 * (RFC 7946 section 3.1.1). The owner's assets table decides. A position in the payload serves
 * only where the table has none and it lies in the owner's bounding box: swapped axes and wrong
 * grids look plausible everywhere but there. Digits are carried as written.
 */
#include "lens/codec_table.h"

#include "lens/quality.h"

enum { CANONICAL, QUALITY, LATITUDE, LONGITUDE };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "the GeoJSON Point"},
    [QUALITY] = {"quality", NX_OPTION_CANONICAL, true, "why there is none"},
    [LATITUDE] = {"latitude", NX_OPTION_DIALECT, false, "degrees north, a number"},
    [LONGITUDE] = {"longitude", NX_OPTION_DIALECT, false, "degrees east, a number"},
};

static enum nx_err prepare(struct nx_arena *arena, struct nx_row *row, struct nx_diag *diag)
{
    (void)arena;
    if (row->options[LATITUDE].given != row->options[LONGITUDE].given) {
        nx_diag_set(diag, "'latitude' and 'longitude' go together");
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static enum nx_err put_point(struct nx_call *call, struct nx_span longitude,
                             struct nx_span latitude, const char *reason)
{
    struct nx_buf *out = nx_call_put_begin(call);

    (void)nx_buf_str(out, "{\"type\":\"Point\",\"coordinates\":[");
    (void)nx_buf_span(out, longitude);
    (void)nx_buf_byte(out, ',');
    (void)nx_buf_span(out, latitude);
    (void)nx_buf_str(out, "]}");
    nx_call_receipt(call, LATITUDE, CANONICAL, "\"reason\":\"%s\"", reason);
    return nx_call_put_end(call, CANONICAL);
}

static bool in_box(const double box[4], double longitude, double latitude)
{
    return longitude >= box[0] && latitude >= box[1] && longitude <= box[2] && latitude <= box[3];
}

static enum nx_err put_none(struct nx_call *call, const char *reason)
{
    nx_call_receipt(call, LATITUDE, QUALITY, "\"reason\":\"%s\"", reason);
    return nx_call_put_text(call, QUALITY, NX_QUALITY_NO_POSITION);
}

static enum nx_err to_canonical(struct nx_call *call)
{
    const struct nx_lens_scene *scene = nx_call_scene(call);
    const struct nx_json *in = nx_call_source(call);
    uint32_t latitude_node = nx_call_node(call, LATITUDE);
    uint32_t longitude_node = nx_call_node(call, LONGITUDE);
    double longitude, latitude;

    if (scene->asset != NULL && scene->asset->has_position) {
        return put_point(call, scene->asset->longitude_text, scene->asset->latitude_text,
                         "from the assets table");
    }
    if (latitude_node == 0 || longitude_node == 0) {
        return put_none(call, "neither in the assets table nor in the payload");
    }
    if (nx_json_double(in, longitude_node, &longitude) != NX_OK ||
        nx_json_double(in, latitude_node, &latitude) != NX_OK ||
        !in_box(scene->city->bounding_box, longitude, latitude)) {
        return put_none(call, "the payload's lies outside the city's bounding box");
    }
    return put_point(call, nx_call_text_at(call, longitude_node),
                     nx_call_text_at(call, latitude_node),
                     "not in the assets table: the payload's, inside the city's bounding box");
}

/* The two numbers of a GeoJSON Point; false when it is none. */
static bool read_point(const struct nx_json *in, uint32_t node, uint32_t out[2])
{
    uint32_t coordinates = node != 0 ? nx_json_member(in, node, NX_SPAN("coordinates")) : 0;
    uint32_t at = 0, key, value;
    unsigned count = 0;

    if (coordinates == 0 || nx_json_type(in, coordinates) != NX_JSON_ARRAY) {
        return false;
    }
    while (count < 2 && nx_json_each(in, coordinates, &at, &key, &value)) {
        if (nx_json_type(in, value) != NX_JSON_NUMBER) {
            return false;
        }
        out[count++] = value;
    }
    return count == 2;
}

static enum nx_err from_canonical(struct nx_call *call)
{
    const struct nx_json *in = nx_call_source(call);
    const struct nx_asset *asset = nx_call_scene(call)->asset;
    uint32_t point[2];
    enum nx_err err;

    if (!nx_call_option(call, LATITUDE)->given) {
        nx_call_receipt(call, CANONICAL, -1, "\"reason\":\"not carried\"");
        return NX_OK;
    }
    if (read_point(in, nx_call_node(call, CANONICAL), point)) {
        nx_call_receipt(call, CANONICAL, LATITUDE, "%s", "");
        err = nx_call_put_node(call, LATITUDE, point[1]);
        return err == NX_OK ? nx_call_put_node(call, LONGITUDE, point[0]) : err;
    }
    if (asset == NULL || !asset->has_position) {
        return NX_OK;
    }
    nx_call_receipt(call, -1, LATITUDE, "\"reason\":\"from the assets table\"");
    err = nx_call_put(call, LATITUDE, asset->latitude_text);
    return err == NX_OK ? nx_call_put(call, LONGITUDE, asset->longitude_text) : err;
}

const struct nx_codec nx_codec_position = {
    .name = "position",
    .help = "the asset's position, from the owner's assets table or else the payload",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .prepare = prepare,
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
};
