/*
 * pattern.c - a regular expression goes to the linear matcher (regular.h) if that takes it, else to
 * PCRE2: compiled by its JIT where the system lets it make executable memory, else interpreted
 * (same answers, slower).
 *
 * Not PCRE2_UCP: \b and friends are ASCII in ECMA-262.
 *
 * PCRE2's own match limit starts anew at every place in the text where a match may begin, and its
 * JIT does not count all backtracking: `(a*)\1[cd]` against 8,000 a's took 53 s under it. So a callout
 * before every item of the expression counts how far the matcher moves, over the whole text, and
 * ends the match when that is out of proportion to the text.
 */
#include "core/pattern.h"

#include "core/pattern_ecma.h"
#include "core/regular.h"
#include "core/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum {
    MATCH_LIMIT = 50 * 1000, /* PCRE2's internal calls */
    MATCH_HEAP_KIB = 1024,   /* of the interpreter's backtracking frames */
    MATCH_DEPTH_LIMIT = 10 * 1000,
    JIT_STACK_MIN = 32 * 1024,
    JIT_STACK_MAX = 512 * 1024,
    WORK_BASE = 20 * 1000,   /* bytes moved over in one match: so many, */
    WORK_PER_BYTE = 32,      /* and so many for each byte of the text */
    GENERAL_TEXT_MAX = 4096, /* bytes of a text for an expression that is not regular */
    TRANSLATED_BYTES_MAX = 16 * NX_PATTERN_BYTES_MAX, /* a class escape grows to about 150 bytes */
};

/* One of the two. */
struct nx_pattern {
    struct nx_regular *regular;
    pcre2_code *code;
};

struct nx_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    struct nx_buf text;
    size_t at;        /* where in the text the match was last seen */
    size_t work_left; /* bytes that it may still move over */
};

static enum nx_err compile_error(int code, struct nx_diag *diag)
{
    PCRE2_UCHAR text[128] = "";

    if (code == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH) {
        nx_diag_set(diag, "a lookbehind of variable length is not supported");
        return NX_ERR_UNSUPPORTED;
    }
    (void)pcre2_get_error_message(code, text, sizeof(text));
    nx_diag_set(diag, "not a regular expression: %s", (const char *)text);
    return NX_ERR_INVALID;
}

/* Compiles what nx_ecma_translate wrote. NX_ERR_UNSUPPORTED: ECMA-262, but beyond PCRE2. */
static enum nx_err compile_translated(struct nx_span text, pcre2_code **out, struct nx_diag *diag)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C |
                             PCRE2_AUTO_CALLOUT;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_SIZE offset = 0; /* counts in the translation, which nobody sees */
    int code = 0;

    if (context == NULL) {
        return NX_ERR_NOMEM;
    }
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    *out = pcre2_compile((PCRE2_SPTR)(text.ptr != NULL ? text.ptr : ""), text.len, options, &code,
                         &offset, context);
    pcre2_compile_context_free(context);
    return *out != NULL ? NX_OK : compile_error(code, diag);
}

static enum nx_err compile(struct nx_span source, pcre2_code **out, struct nx_diag *diag)
{
    struct nx_buf text;
    enum nx_err err;

    if (source.len > NX_PATTERN_BYTES_MAX) {
        nx_diag_set(diag, "a regular expression of more than %u bytes", NX_PATTERN_BYTES_MAX);
        return NX_ERR_LIMIT;
    }
    nx_buf_init(&text, TRANSLATED_BYTES_MAX);
    err = nx_ecma_translate(source, &text, diag);
    if (err == NX_OK) {
        err = compile_translated(nx_buf_view(&text), out, diag);
    }
    nx_buf_fini(&text);
    return err;
}

enum nx_err nx_pattern_compile_general(struct nx_span source, struct nx_pattern **out,
                                       struct nx_diag *diag)
{
    struct nx_pattern *pattern = calloc(1, sizeof(*pattern));
    enum nx_err err = NX_ERR_NOMEM;

    if (pattern != NULL) {
        err = compile(source, &pattern->code, diag);
    }
    if (err != NX_OK) {
        free(pattern);
        return err;
    }
    (void)pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* refused: it is interpreted */
    *out = pattern;
    return NX_OK;
}

enum nx_err nx_pattern_compile(struct nx_span source, struct nx_pattern **out, struct nx_diag *diag)
{
    struct nx_pattern *pattern = calloc(1, sizeof(*pattern));

    if (pattern == NULL) {
        return NX_ERR_NOMEM;
    }
    pattern->regular = nx_regular_new(source);
    if (pattern->regular == NULL) {
        free(pattern);
        return nx_pattern_compile_general(source, out, diag);
    }
    *out = pattern;
    return NX_OK;
}

void nx_pattern_free(struct nx_pattern *pattern)
{
    if (pattern != NULL) {
        nx_regular_free(pattern->regular);
        pcre2_code_free(pattern->code);
        free(pattern);
    }
}

bool nx_pattern_valid(struct nx_span source)
{
    pcre2_code *code = NULL;
    enum nx_err err = compile(source, &code, NULL);

    pcre2_code_free(code);
    return err == NX_OK || err == NX_ERR_UNSUPPORTED;
}

/* Before each item of an expression: what was moved over since the last one is paid for. */
static int spend(pcre2_callout_block *block, void *data)
{
    struct nx_matcher *matcher = data;
    size_t at = block->current_position;
    size_t work = 1 + (at > matcher->at ? at - matcher->at : matcher->at - at);

    matcher->at = at;
    if (work > matcher->work_left) {
        return PCRE2_ERROR_MATCHLIMIT;
    }
    matcher->work_left -= work;
    return 0;
}

struct nx_matcher *nx_matcher_new(void)
{
    struct nx_matcher *matcher = calloc(1, sizeof(*matcher));

    if (matcher == NULL) {
        return NULL;
    }
    nx_buf_init(&matcher->text, GENERAL_TEXT_MAX);
    matcher->data = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    if (matcher->data == NULL || matcher->context == NULL) {
        nx_matcher_free(matcher);
        return NULL;
    }
    (void)pcre2_set_callout(matcher->context, spend, matcher);
    (void)pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
    (void)pcre2_set_depth_limit(matcher->context, MATCH_DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(matcher->context, MATCH_HEAP_KIB);
    matcher->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
    if (matcher->stack != NULL) { /* NULL also where PCRE2 was built without a JIT */
        pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    }
    return matcher;
}

void nx_matcher_free(struct nx_matcher *matcher)
{
    if (matcher != NULL) {
        pcre2_match_data_free(matcher->data);
        pcre2_match_context_free(matcher->context);
        pcre2_jit_stack_free(matcher->stack);
        nx_buf_fini(&matcher->text);
        free(matcher);
    }
}

/* A copy with U+FFFD, which has as many bytes, for every surrogate half. */
static enum nx_err replace_surrogates(struct nx_matcher *matcher, struct nx_span *text)
{
    nx_buf_reset(&matcher->text);
    if (nx_buf_span(&matcher->text, *text) != NX_OK) {
        return nx_buf_error(&matcher->text);
    }
    for (size_t i = 0; i + 2 < text->len; i++) {
        unsigned char second = (unsigned char)text->ptr[i + 1];
        if ((unsigned char)text->ptr[i] == 0xED && second >= 0xA0) {
            memcpy(matcher->text.data + i, "\xEF\xBF\xBD", 3);
        }
    }
    *text = nx_buf_view(&matcher->text);
    return NX_OK;
}

static enum nx_err match_general(const pcre2_code *code, struct nx_matcher *matcher,
                                 struct nx_span text, bool surrogates, bool *matched)
{
    int result;
    enum nx_err err;

    *matched = false;
    if (text.len > GENERAL_TEXT_MAX) {
        return NX_ERR_LIMIT;
    }
    if (surrogates) {
        err = replace_surrogates(matcher, &text);
        if (err != NX_OK) {
            return err;
        }
    }
    matcher->at = 0;
    matcher->work_left = WORK_BASE + WORK_PER_BYTE * text.len;
    result = pcre2_match(code, (PCRE2_SPTR)(text.ptr != NULL ? text.ptr : ""), text.len, 0,
                         PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);
    if (result >= 0 || result == PCRE2_ERROR_NOMATCH) {
        *matched = result >= 0;
        return NX_OK;
    }
    return result == PCRE2_ERROR_NOMEMORY ? NX_ERR_NOMEM : NX_ERR_LIMIT;
}

enum nx_err nx_pattern_match(const struct nx_pattern *pattern, struct nx_matcher *matcher,
                             struct nx_span text, bool surrogates, bool *matched)
{
    if (pattern->regular != NULL) {
        *matched = nx_regular_match(pattern->regular, text);
        return NX_OK;
    }
    return match_general(pattern->code, matcher, text, surrogates, matched);
}

const struct nx_regular *nx_pattern_inline(const struct nx_pattern *pattern)
{
    return pattern->regular != NULL && nx_regular_is_inline(pattern->regular) ? pattern->regular
                                                                              : NULL;
}
