/*
 * words.h - what to tell the owner of a refused publication: what is wrong, and what would be
 * right for this identity.
 */
#ifndef NX_PLUGIN_WORDS_H
#define NX_PLUGIN_WORDS_H

#include "plugin/gate.h"

/* Writes the words for a refusal that neither the JSON reader nor the schema has words for. */
void nx_words_refusal(const struct nx_scene *scene, const struct nx_publication *publication,
                      enum nx_reason reason, uint32_t payload_bytes_max, char *out, size_t size);

#endif
