/*
 * codec.c - the table of codecs. A new codec is its own file and one row here.
 */
#include "lens/codec_table.h"

static const struct nx_codec *const codecs[] = {
    &nx_codec_asset,    &nx_codec_constant, &nx_codec_id,   &nx_codec_name, &nx_codec_number,
    &nx_codec_position, &nx_codec_quantity, &nx_codec_text, &nx_codec_time,
};

const struct nx_codec *const *nx_codec_table(size_t *count)
{
    *count = sizeof(codecs) / sizeof(codecs[0]);
    return codecs;
}

const struct nx_codec *nx_codec_find(struct nx_span name)
{
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (nx_span_is(name, codecs[i]->name)) {
            return codecs[i];
        }
    }
    return NULL;
}
