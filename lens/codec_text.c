/*
 * codec_text.c - text that means the same on both sides.
 */
#include "lens/codec_table.h"

#include "lens/quality.h"

enum { CANONICAL, DIALECT, ABSENT };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "the member of canonical"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, true, "the member of the dialect"},
    [ABSENT] = {"absent", NX_OPTION_JSON, false, "what the dialect says where there is no text"},
};

static enum nx_err carry_text(struct nx_call *call, unsigned from, unsigned to, uint32_t node)
{
    enum nx_json_type type = nx_call_type_at(call, node);

    if (type != NX_JSON_STRING) {
        return nx_call_refuse(call, from, "expected a string, found %s", nx_json_type_name(type));
    }
    nx_call_receipt(call, (int)from, (int)to, "%s", "");
    return nx_call_put_node(call, to, node);
}

static enum nx_err to_canonical(struct nx_call *call)
{
    uint32_t node = nx_call_node(call, DIALECT);

    if (node == 0 || nx_quality_is_missing(call, node)) {
        return NX_OK;
    }
    return carry_text(call, DIALECT, CANONICAL, node);
}

static enum nx_err from_canonical(struct nx_call *call)
{
    uint32_t node = nx_call_node(call, CANONICAL);

    if (node != 0) {
        return carry_text(call, CANONICAL, DIALECT, node);
    }
    if (nx_call_option(call, ABSENT)->given) {
        return nx_call_put_constant(call, DIALECT, nx_call_option(call, ABSENT)->text);
    }
    return NX_OK;
}

const struct nx_codec nx_codec_text = {
    .name = "text",
    .help = "text, unchanged",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
};
