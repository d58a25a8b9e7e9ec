/*
 * codec_constant.c - a member that one side always has and the other never: the type of the
 * entity, or an index that a translation must not invent.
 */
#include "lens/codec_table.h"

enum { CANONICAL, DIALECT, VALUE };

static const struct nx_codec_option options[] = {
    [CANONICAL] = {"canonical", NX_OPTION_CANONICAL, false, "the member, where canonical has it"},
    [DIALECT] = {"dialect", NX_OPTION_DIALECT, false, "the member, where the dialect has it"},
    [VALUE] = {"value", NX_OPTION_JSON, true, "what it holds, any JSON"},
};

static enum nx_err prepare(struct nx_arena *arena, struct nx_row *row, struct nx_diag *diag)
{
    (void)arena;
    if (row->options[CANONICAL].given == row->options[DIALECT].given) {
        nx_diag_set(diag, "a constant is a member of 'canonical' or of 'dialect', one of them");
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static struct nx_span preset(const struct nx_row *row, unsigned *option)
{
    *option = row->options[CANONICAL].given ? CANONICAL : DIALECT;
    return row->options[VALUE].text;
}

/* The side that has the member gets the value; its value is not carried to the other. */
static enum nx_err constant(struct nx_call *call, unsigned source, unsigned target)
{
    struct nx_span value = nx_call_option(call, VALUE)->text;
    uint32_t node = nx_call_node(call, source);

    if (nx_call_option(call, target)->given) {
        nx_call_receipt(call, -1, (int)target, "%s", "");
        return nx_call_put_constant(call, target, value);
    }
    if (node != 0 && !nx_span_eq(nx_json_raw(nx_call_source(call), node), value)) {
        nx_call_receipt(call, (int)source, -1, "\"reason\":\"not carried\"");
    }
    return NX_OK;
}

static enum nx_err to_canonical(struct nx_call *call)
{
    return constant(call, DIALECT, CANONICAL);
}

static enum nx_err from_canonical(struct nx_call *call)
{
    return constant(call, CANONICAL, DIALECT);
}

const struct nx_codec nx_codec_constant = {
    .name = "constant",
    .help = "a member that only one side has, always with the same value",
    .options = options,
    .options_count = sizeof(options) / sizeof(options[0]),
    .prepare = prepare,
    .to_canonical = to_canonical,
    .from_canonical = from_canonical,
    .preset = preset,
};
