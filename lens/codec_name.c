/*
 * codec_name.c - what the station is called. The owner's assets table decides; the payload's own
 * name serves where the table has no entry, and to find the asset where no topic says it.
 */
#include "lens/codec_table.h"

enum { CANONICAL, DIALECT, REQUIRED };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "where the name goes"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, true, "the member that holds the name"},
    [REQUIRED] = {"required", NX_OPTION_BOOLEAN, false,
                  "the dialect needs a name: the asset's code stands in for one"},
};

static struct nx_span table_name(const struct nx_call *call)
{
    const struct nx_asset *asset = nx_call_scene(call)->asset;

    return asset != NULL ? asset->name : (struct nx_span){NULL, 0};
}

static enum nx_err to_canonical(struct nx_call *call)
{
    struct nx_span name = table_name(call);

    if (name.len > 0) {
        nx_call_receipt(call, DIALECT, CANONICAL, "\"reason\":\"from the assets table\"");
        return nx_call_put_text(call, CANONICAL, name);
    }
    if (nx_call_text(call, DIALECT).len == 0) {
        return NX_OK;
    }
    nx_call_receipt(call, DIALECT, CANONICAL, "\"reason\":\"not in the assets table\"");
    return nx_call_put_node(call, CANONICAL, nx_call_node(call, DIALECT));
}

static enum nx_err from_canonical(struct nx_call *call)
{
    struct nx_span name = nx_call_text(call, CANONICAL);
    const char *reason = "\"reason\":\"from the assets table\"";

    if (name.len > 0) {
        nx_call_receipt(call, CANONICAL, DIALECT, "%s", "");
        return nx_call_put_node(call, DIALECT, nx_call_node(call, CANONICAL));
    }
    name = table_name(call);
    if (name.len == 0 && nx_call_option(call, REQUIRED)->truth) {
        name = nx_call_scene(call)->asset_id;
        reason = "\"reason\":\"it has no name: the asset\"";
    }
    if (name.len == 0) {
        return NX_OK;
    }
    nx_call_receipt(call, CANONICAL, DIALECT, "%s", reason);
    return nx_call_put_text(call, DIALECT, name);
}

static struct nx_span identify(struct nx_call *call, const struct nx_domain *domain)
{
    struct nx_span name = nx_call_text(call, DIALECT);
    const struct nx_asset *asset = name.len > 0 ? nx_map_get(&domain->assets_by_name, name) : NULL;

    return asset != NULL ? asset->id : (struct nx_span){NULL, 0};
}

const struct nx_codec nx_codec_name = {
    .name = "name",
    .help = "the station's name, from the owner's assets table or else the payload",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
    .identify = identify,
};
