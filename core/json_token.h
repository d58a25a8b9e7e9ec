/*
 * json_token.h - JSON text that is recognised at one look: a member's name with its quotes and its
 * colon, or a string with its quotes. For who can guess what comes next: the judge (schema_*.c) and
 * the lenses (lens/lens_read.c).
 */
#ifndef NX_JSON_TOKEN_H
#define NX_JSON_TOKEN_H

#include "core/json_scan.h"

#include "core/base/span.h"

enum { NX_TOKEN_WORDS = 3, NX_TOKEN_BYTES_MAX = 8 * NX_TOKEN_WORDS };

struct token {
    uint64_t word[NX_TOKEN_WORDS];
    uint64_t mask[NX_TOKEN_WORDS];
    uint32_t len; /* 0: no text is this one */
};

/* The token of up to NX_TOKEN_BYTES_MAX bytes; one that nothing is when `text` is longer or empty. */
static inline struct token nx_token_make(struct nx_span text)
{
    struct token token = {.word = {' '}, .mask = {0xFF}}; /* white space was skipped before */
    char bytes[NX_TOKEN_BYTES_MAX] = {0};
    char mask[NX_TOKEN_BYTES_MAX] = {0};

    if (text.len == 0 || text.len > NX_TOKEN_BYTES_MAX) {
        return token;
    }
    memcpy(bytes, text.ptr, text.len);
    memset(mask, 0xFF, text.len);
    for (unsigned i = 0; i < NX_TOKEN_WORDS; i++) {
        token.word[i] = nx_scan_word(bytes + 8 * i);
        token.mask[i] = nx_scan_word(mask + 8 * i);
    }
    token.len = (uint32_t)text.len;
    return token;
}

/* Does the text at `p`, of which NX_TOKEN_BYTES_MAX bytes can be read, begin with the token? */
NX_SCAN bool nx_token_is(const struct token *token, const char *p)
{
    uint64_t wrong = (nx_scan_word(p) ^ token->word[0]) & token->mask[0];

    _Static_assert(NX_TOKEN_WORDS == 3, "all words are compared");
    wrong |= (nx_scan_word(p + 8) ^ token->word[1]) & token->mask[1];
    wrong |= (nx_scan_word(p + 16) ^ token->word[2]) & token->mask[2];
    return wrong == 0;
}

#endif
