/*
 * codec_table.h - the codecs there are, for codec.c alone.
 */
#ifndef NX_CODEC_TABLE_H
#define NX_CODEC_TABLE_H

#include "lens/codec.h"

extern const struct nx_codec nx_codec_asset;
extern const struct nx_codec nx_codec_constant;
extern const struct nx_codec nx_codec_id;
extern const struct nx_codec nx_codec_name;
extern const struct nx_codec nx_codec_number;
extern const struct nx_codec nx_codec_position;
extern const struct nx_codec nx_codec_quantity;
extern const struct nx_codec nx_codec_text;
extern const struct nx_codec nx_codec_time;

#endif
