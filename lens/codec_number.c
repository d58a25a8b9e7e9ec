/*
 * codec_number.c - a number without a unit, such as a sensor's own counter: its digits are carried
 * unchanged, never through binary floating point. Which numbers there may be, the schemas say.
 */
#include "lens/codec_table.h"

enum { CANONICAL, DIALECT };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, true, "the member of canonical"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, true, "the member of the dialect"},
};

static enum nx_err carry_number(struct nx_call *call, unsigned from, unsigned to)
{
    uint32_t node = nx_call_node(call, from);

    if (node == 0) {
        return NX_OK;
    }
    if (nx_call_type_at(call, node) != NX_JSON_NUMBER) {
        return nx_call_refuse(call, from, "expected a number, found %s",
                              nx_json_type_name(nx_call_type_at(call, node)));
    }
    nx_call_receipt(call, (int)from, (int)to, "%s", "");
    return nx_call_put_node(call, to, node);
}

static enum nx_err to_canonical(struct nx_call *call)
{
    return carry_number(call, DIALECT, CANONICAL);
}

static enum nx_err from_canonical(struct nx_call *call)
{
    return carry_number(call, CANONICAL, DIALECT);
}

const struct nx_codec nx_codec_number = {
    .name = "number",
    .help = "a number without a unit, unchanged",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
};
