/*
 * codec_asset.c - the station or device: the asset of the stream, which some dialects repeat as a
 * code in the payload ("site": "BMLD"). The stream decides; a payload's own code serves only to
 * find the asset where no topic says it.
 */
#include "lens/codec_table.h"

enum { CANONICAL, DIALECT };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "where the asset goes"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, false, "the member that holds its code"},
};

static enum nx_err to_canonical(struct nx_call *call)
{
    struct nx_span asset = nx_call_scene(call)->asset_id;
    bool said = nx_call_node(call, DIALECT) != 0;

    if (said && !nx_span_eq(nx_call_text(call, DIALECT), asset)) {
        nx_call_receipt(call, DIALECT, CANONICAL,
                        "\"reason\":\"the stream's asset, not the payload's\"");
    } else {
        nx_call_receipt(call, DIALECT, CANONICAL, "\"reason\":\"from the stream\"");
    }
    return asset.len > 0 ? nx_call_put_text(call, CANONICAL, asset) : NX_OK;
}

static enum nx_err from_canonical(struct nx_call *call)
{
    struct nx_span asset = nx_call_text(call, CANONICAL);

    if (asset.len == 0) {
        asset = nx_call_scene(call)->asset_id;
    }
    nx_call_receipt(call, CANONICAL, DIALECT, "%s", "");
    return asset.len > 0 ? nx_call_put_text(call, DIALECT, asset) : NX_OK;
}

static struct nx_span identify(struct nx_call *call, const struct nx_domain *domain)
{
    (void)domain;
    return nx_call_text(call, DIALECT);
}

const struct nx_codec nx_codec_asset = {
    .name = "asset",
    .help = "the asset of the stream, and the code by which the payload repeats it",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
    .identify = identify,
};
