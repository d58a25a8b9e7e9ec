/*
 * quality.c - from sentinels and flags to quality codes and back.
 */
#include "lens/quality.h"

/* true, false and containers: by their type alone, as they have no text. */
static bool is_listed_word(const struct nx_quality *quality, enum nx_json_type type)
{
    for (size_t i = 0; i < quality->missing_count; i++) {
        if (quality->missing[i].type == type) {
            return true;
        }
    }
    return false;
}

bool nx_quality_is_missing(const struct nx_call *call, uint32_t node)
{
    const struct nx_quality *quality = nx_call_quality(call);
    enum nx_json_type type = nx_call_type_at(call, node);
    struct nx_span text;

    if (type != NX_JSON_STRING && type != NX_JSON_NUMBER) {
        return type == NX_JSON_NULL || is_listed_word(quality, type);
    }
    text = nx_call_text_at(call, node);
    for (size_t i = 0; i < quality->missing_count; i++) {
        const struct nx_quality_missing *missing = &quality->missing[i];
        if (missing->type == type && missing->text.len == text.len &&
            nx_span_eq(missing->text, text)) {
            return true;
        }
    }
    return false;
}

/* The code of a dialect's flag; without a table of flags it is the code itself. */
static enum nx_err code_of_flag(struct nx_call *call, unsigned flag, struct nx_span *code)
{
    const struct nx_quality *quality = nx_call_quality(call);
    struct nx_span text = nx_call_text(call, flag);

    if (quality->flags_count == 0) {
        *code = text;
        return NX_OK;
    }
    for (size_t i = 0; i < quality->flags_count; i++) {
        if (nx_span_eq(quality->flags[i].dialect, text)) {
            *code = quality->flags[i].code;
            return NX_OK;
        }
    }
    return nx_call_refuse(call, flag, "the lens knows no flag '%.*s'", NX_SPAN_ARG(text));
}

enum nx_err nx_quality_of_dialect(struct nx_call *call, unsigned value, unsigned flag,
                                  struct nx_quality_state *out)
{
    uint32_t value_node = nx_call_node(call, value);
    uint32_t flag_node = nx_call_node(call, flag);

    out->has_value = value_node != 0 && !nx_quality_is_missing(call, value_node);
    out->code = out->has_value ? (struct nx_span){NULL, 0} : NX_QUALITY_MISSING;
    if (value_node == 0) {
        out->code = NX_QUALITY_NOT_MEASURED;
    }
    if (flag_node == 0 || nx_quality_is_missing(call, flag_node)) {
        return NX_OK;
    }
    return code_of_flag(call, flag, &out->code);
}

void nx_quality_of_canonical(const struct nx_call *call, unsigned value, unsigned quality,
                             struct nx_quality_state *out)
{
    uint32_t value_node = nx_call_node(call, value);
    uint32_t quality_node = nx_call_node(call, quality);

    out->has_value = value_node != 0 && nx_call_type_at(call, value_node) != NX_JSON_NULL;
    out->code = (struct nx_span){NULL, 0};
    if (quality_node != 0) {
        out->code = nx_call_text(call, quality);
    } else if (!out->has_value) {
        out->code = NX_QUALITY_NOT_MEASURED;
    }
}

/* The dialect's flag for a code; {NULL, 0} where it has none. Absence says "not measured". */
static struct nx_span flag_of_code(const struct nx_quality *quality, struct nx_span code)
{
    for (size_t i = 0; i < quality->flags_count; i++) {
        if (nx_span_eq(quality->flags[i].code, code)) {
            return quality->flags[i].dialect;
        }
    }
    if (quality->flags_count > 0 || nx_span_eq(code, NX_QUALITY_NOT_MEASURED)) {
        return (struct nx_span){NULL, 0};
    }
    return code;
}

enum nx_err nx_quality_to_dialect(struct nx_call *call, unsigned value, unsigned flag,
                                  const struct nx_quality_state *state, bool optional)
{
    const struct nx_quality *quality = nx_call_quality(call);
    struct nx_span text = flag_of_code(quality, state->code);
    enum nx_err err = NX_OK;

    if (optional && !state->has_value && nx_span_eq(state->code, NX_QUALITY_NOT_MEASURED)) {
        return NX_OK;
    }
    if (!state->has_value && quality->missing_count > 0) {
        err = nx_call_put_constant(call, value, quality->missing[0].json);
    }
    if (err == NX_OK && text.len > 0) {
        err = nx_call_put_text(call, flag, text);
    } else if (err == NX_OK && quality->no_flag.len > 0) {
        err = nx_call_put_constant(call, flag, quality->no_flag);
    }
    return err;
}
