/*
 * codec_id.c - the NGSI-LD identifier of the entity: urn:ngsi-ld:<type>:<city>:<asset>.
 *
 * It follows from the stream, not from the payload, so it is the same for every reading of an
 * asset. A dialect carries no counterpart: the topic says it.
 */
#include "lens/codec_table.h"

#include "core/topic.h"

enum { CANONICAL, ENTITY_TYPE };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "where the identifier goes"},
    [ENTITY_TYPE] = {"entity_type", NX_OPTION_TEXT, true, "the NGSI-LD entity type"},
};

static enum nx_err to_canonical(struct nx_call *call)
{
    const struct nx_lens_scene *scene = nx_call_scene(call);
    struct nx_buf *out;

    if (scene->asset_id.len == 0) {
        return nx_call_refuse(call, CANONICAL,
                              "the asset is not known: neither given nor named in the payload");
    }
    if (!nx_name_is_asset(scene->asset_id)) {
        return nx_call_refuse(call, CANONICAL,
                              "the asset has no name of the form "
                              "[A-Za-z0-9][A-Za-z0-9_-]{0,63}");
    }
    out = nx_call_put_begin(call);
    (void)nx_buf_str(out, "\"urn:ngsi-ld:");
    (void)nx_buf_span(out, nx_call_option(call, ENTITY_TYPE)->text);
    (void)nx_buf_byte(out, ':');
    (void)nx_buf_span(out, scene->owner);
    (void)nx_buf_byte(out, ':');
    (void)nx_buf_span(out, scene->asset_id);
    (void)nx_buf_byte(out, '"');
    nx_call_receipt(call, -1, CANONICAL, "\"reason\":\"from the stream\"");
    return nx_call_put_end(call, CANONICAL);
}

static enum nx_err from_canonical(struct nx_call *call)
{
    nx_call_receipt(call, CANONICAL, -1, "\"reason\":\"said by the topic\"");
    return NX_OK;
}

const struct nx_codec nx_codec_id = {
    .name = "id",
    .help = "the entity's identifier, from the city and the asset of the stream",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
};
