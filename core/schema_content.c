/*
 * schema_content.c - contentEncoding and contentMediaType as draft 07 lets them assert: base64, and
 * JSON within a string. Later drafts made them annotations.
 *
 * The scratch memory is the check's, made when it is first needed. What is too big for it is not
 * decided: NX_ERR_LIMIT, as everywhere in a check.
 */
#include "core/schema_run.h"

enum { NOT_BASE64 = 64 };

static unsigned sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : NOT_BASE64;
}

/* RFC 4648, section 4: groups of four with their padding, no white space. */
static bool decode_base64(struct nx_span text, struct nx_buf *out)
{
    size_t padding = 0;

    nx_buf_reset(out);
    if (text.len % 4 != 0) {
        return false;
    }
    while (padding < 2 && text.len > 0 && text.ptr[text.len - 1] == '=') {
        padding++;
        text.len--;
    }
    for (size_t i = 0; i < text.len; i += 4) {
        size_t have = text.len - i < 4 ? text.len - i : 4;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            unsigned six = k < have ? sextet(text.ptr[i + k]) : 0;
            if (six == NOT_BASE64) {
                return false;
            }
            bits = bits << 6 | six;
        }
        for (size_t k = 0; k + 1 < have; k++) {
            (void)nx_buf_byte(out, (uint8_t)(bits >> (16 - 8 * k)));
        }
    }
    return true;
}

static bool is_json(struct nx_check *check, struct nx_span text)
{
    enum nx_err err;

    if (check->content == NULL) {
        check->content = nx_json_new(&nx_json_limits_payload, check->schema->seed);
    }
    if (check->content == NULL) {
        check->error = NX_ERR_NOMEM;
        return false;
    }
    err = nx_json_parse(check->content, text, NX_JSON_STRICT, NULL);
    if (err == NX_ERR_LIMIT || err == NX_ERR_NOMEM) {
        check->error = err;
    }
    return err == NX_OK;
}

enum nx_keyword nx_check_content(struct nx_check *check, const struct string_rules *rules,
                                 struct nx_span text)
{
    if (rules->content_base64) {
        if (!decode_base64(text, &check->decoded)) {
            return KW_CONTENT_ENCODING;
        }
        text = nx_buf_view(&check->decoded);
        if (nx_buf_error(&check->decoded) != NX_OK) {
            check->error = nx_buf_error(&check->decoded);
            return KW_CONTENT_ENCODING;
        }
    }
    return rules->content_json && !is_json(check, text) ? KW_CONTENT_MEDIA_TYPE : KW_NONE;
}
