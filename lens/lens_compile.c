/*
 * lens_compile.c - from the tape of a lens.json to struct nx_lens. Everything is copied into the
 * lens's arena; the tape may go. Each fault names file, line and column.
 */
#include "lens/lens_internal.h"

#include <stdio.h>
#include <stdlib.h>

struct compiler {
    struct nx_lens *lens;
    const struct nx_json *doc;
    const char *file;
    struct nx_diag *diag;
};

static enum nx_err fault(const struct compiler *c, uint32_t node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum nx_err fault(const struct compiler *c, uint32_t node, const char *fmt, ...)
{
    char text[sizeof(c->diag->text)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    nx_diag_set(c->diag, "%s", text);
    nx_json_diag_at(c->doc, node, c->file, c->diag);
    return NX_ERR_INVALID;
}

static enum nx_err no_memory(const struct compiler *c)
{
    nx_diag_set(c->diag, "a lens may take %d bytes of memory", NX_LENS_BYTES_MAX);
    return NX_ERR_NOMEM;
}

/* With NX_LENS_PADDING zeros behind it. */
static struct nx_span copy(const struct compiler *c, struct nx_span s)
{
    char *copy = nx_arena_alloc(&c->lens->arena, s.len + NX_LENS_PADDING);

    if (copy == NULL) {
        return (struct nx_span){NULL, 0};
    }
    if (s.len > 0) {
        memcpy(copy, s.ptr, s.len);
    }
    return (struct nx_span){copy, s.len};
}

/* ,"no2": as it stands in front of the member's value. */
static struct nx_span make_key(const struct compiler *c, struct nx_span name)
{
    struct nx_span key = {NULL, 0};
    struct nx_buf text;

    nx_buf_init(&text, NX_LENS_BYTES_MAX);
    (void)nx_buf_byte(&text, ',');
    (void)nx_json_quote(&text, name);
    (void)nx_buf_byte(&text, ':');
    if (nx_buf_error(&text) == NX_OK) {
        key = copy(c, nx_buf_view(&text));
    }
    nx_buf_fini(&text);
    return key;
}

/*
 * Links `member` into its bucket and its parent's list: leaves before containers, else in order of
 * appearance.
 */
static void link_member(struct nx_side *side, uint16_t member)
{
    struct nx_member *members = side->members;
    uint16_t *at = &members[members[member].parent].child;

    while (*at != 0 && (members[*at].leaf || !members[member].leaf)) {
        at = &members[*at].next;
    }
    members[member].next = *at;
    *at = member;
    at = &side->buckets[nx_side_bucket(members[member].name)];
    members[member].in_bucket = *at;
    *at = member;
}

/* One reference token of a JSON Pointer without its ~0 and ~1 (RFC 6901 section 4). */
static struct nx_span decode_token(const struct compiler *c, struct nx_span token)
{
    char *name = nx_arena_alloc(&c->lens->arena, token.len + 1);
    size_t len = 0;

    for (size_t i = 0; name != NULL && i < token.len; i++) {
        char byte = token.ptr[i];
        if (byte == '~') {
            i++;
            byte = i < token.len && token.ptr[i] == '1' ? '/' : '~';
        }
        name[len++] = byte;
    }
    return (struct nx_span){name, len};
}

/* The index of the member called `name` below `parent`, made when it is not there. */
static enum nx_err take_member(const struct compiler *c, struct nx_side *side, uint16_t parent,
                               struct nx_span name, bool leaf, uint32_t node, uint16_t *out)
{
    uint16_t at = nx_side_child(side, parent, name);
    struct nx_member *made;

    *out = at;
    if (at != 0) {
        if (leaf || side->members[at].leaf) {
            return fault(c, node, "two rows of this lens put the same member");
        }
        return NX_OK;
    }
    if (side->count == NX_LENS_MEMBERS_MAX) {
        return fault(c, node, "a lens names at most %d members on a side", NX_LENS_MEMBERS_MAX);
    }
    *out = side->count++;
    made = &side->members[*out];
    made->name = name;
    made->key = make_key(c, name);
    if (made->key.ptr == NULL) {
        return no_memory(c);
    }
    made->token = nx_token_make((struct nx_span){made->key.ptr + 1, made->key.len - 1});
    made->parent = parent;
    made->leaf = leaf;
    link_member(side, *out);
    return NX_OK;
}

static enum nx_err take_pointer(const struct compiler *c, struct nx_side *side, uint32_t node,
                                struct nx_option *option)
{
    struct nx_span rest = option->text;
    uint16_t parent = 0;

    if (rest.len < 2 || rest.ptr[0] != '/') {
        return fault(c, node, "expected the JSON Pointer of a member, like \"/no2\"");
    }
    (void)nx_span_cut(&rest, '/');
    for (int depth = 0; rest.ptr != NULL; depth++) {
        struct nx_span token = nx_span_cut(&rest, '/');
        struct nx_span name = decode_token(c, token);
        enum nx_err err;

        if (name.ptr == NULL) {
            return no_memory(c);
        }
        if (depth == NX_LENS_DEPTH_MAX || name.len == 0) {
            return fault(c, node, "a member is 1 to %d named levels deep", NX_LENS_DEPTH_MAX);
        }
        err = take_member(c, side, parent, name, rest.ptr == NULL, node, &parent);
        if (err != NX_OK) {
            return err;
        }
    }
    side->members[parent].pointer = option->text;
    option->member = parent;
    return NX_OK;
}

static enum nx_err need_type(const struct compiler *c, uint32_t node, enum nx_json_type type)
{
    if (nx_json_type(c->doc, node) == type) {
        return NX_OK;
    }
    return fault(c, node, "expected %s, found %s", nx_json_type_name(type),
                 nx_json_type_name(nx_json_type(c->doc, node)));
}

static enum nx_err take_text(const struct compiler *c, uint32_t node, struct nx_option *option)
{
    enum nx_err err = need_type(c, node, NX_JSON_STRING);

    if (err == NX_OK) {
        option->text = copy(c, nx_json_text(c->doc, node));
        err = option->text.ptr != NULL ? NX_OK : no_memory(c);
    }
    return err;
}

static enum nx_err take_integer(const struct compiler *c, uint32_t node, struct nx_option *option)
{
    if (nx_json_int(c->doc, node, &option->integer) != NX_OK || option->integer < 0 ||
        option->integer > INT32_MAX) {
        return fault(c, node, "expected an integer from 0 to %d", INT32_MAX);
    }
    return NX_OK;
}

static enum nx_err take_boolean(const struct compiler *c, uint32_t node, struct nx_option *option)
{
    enum nx_json_type type = nx_json_type(c->doc, node);

    if (type != NX_JSON_TRUE && type != NX_JSON_FALSE) {
        return fault(c, node, "expected true or false");
    }
    option->truth = type == NX_JSON_TRUE;
    return NX_OK;
}

static enum nx_err take_json(const struct compiler *c, uint32_t node, struct nx_span *out)
{
    *out = copy(c, nx_json_raw(c->doc, node));
    return out->ptr != NULL ? NX_OK : no_memory(c);
}

static enum nx_err take_option(const struct compiler *c, enum nx_option_kind kind, uint32_t node,
                               struct nx_option *option)
{
    enum nx_err err = NX_OK;

    option->given = true;
    switch (kind) {
    case NX_OPTION_CANONICAL:
    case NX_OPTION_DIALECT:
        err = take_text(c, node, option);
        if (err == NX_OK) {
            struct nx_lens *lens = c->lens;
            err = take_pointer(c, kind == NX_OPTION_DIALECT ? &lens->dialect : &lens->canonical,
                               node, option);
        }
        break;
    case NX_OPTION_TEXT:
        err = take_text(c, node, option);
        break;
    case NX_OPTION_INTEGER:
        err = take_integer(c, node, option);
        break;
    case NX_OPTION_BOOLEAN:
        err = take_boolean(c, node, option);
        break;
    case NX_OPTION_JSON:
        err = take_json(c, node, &option->text);
        break;
    }
    return err;
}

static int option_called(const struct nx_codec *codec, struct nx_span name)
{
    for (size_t i = 0; i < codec->options_count; i++) {
        if (nx_span_is(name, codec->options[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

/* "codec" and "note" belong to every row. */
static bool is_common_key(struct nx_span key)
{
    return nx_span_is(key, "codec") || nx_span_is(key, "note");
}

static enum nx_err take_options(const struct compiler *c, uint32_t node, struct nx_row *row)
{
    const struct nx_codec *codec = row->codec;
    uint32_t at = 0, key, value;

    while (nx_json_each(c->doc, node, &at, &key, &value)) {
        struct nx_span name = nx_json_text(c->doc, key);
        int option = option_called(codec, name);
        enum nx_err err;

        if (option < 0 && is_common_key(name)) {
            continue;
        }
        if (option < 0) {
            return fault(c, key, "the codec '%s' has no option '%.*s'", codec->name,
                         NX_SPAN_ARG(name));
        }
        err = take_option(c, codec->options[option].kind, value, &row->options[option]);
        if (err != NX_OK) {
            return err;
        }
    }
    for (size_t i = 0; i < codec->options_count; i++) {
        if (codec->options[i].required && !row->options[i].given) {
            return fault(c, node, "the codec '%s' needs the option '%s' (%s)", codec->name,
                         codec->options[i].name, codec->options[i].help);
        }
    }
    return NX_OK;
}

/* A constant is put here, once. */
static void take_preset(const struct compiler *c, struct nx_row *row)
{
    unsigned option;
    struct nx_span json = row->codec->preset(row, &option);
    bool dialect = row->codec->options[option].kind == NX_OPTION_DIALECT;
    struct nx_side *side = dialect ? &c->lens->dialect : &c->lens->canonical;

    side->presets[row->options[option].member] =
        (struct nx_lens_value){json.ptr, 0, (uint32_t)json.len};
    row->preset = true;
}

static enum nx_err take_row(const struct compiler *c, uint32_t node, struct nx_row *row)
{
    uint32_t name = nx_json_member(c->doc, node, NX_SPAN("codec"));
    enum nx_err err;

    if (name == 0) {
        return fault(c, node, "expected a row, an object with a 'codec'");
    }
    row->codec = nx_codec_find(nx_json_text(c->doc, name));
    if (row->codec == NULL) {
        return fault(c, name, "there is no codec '%.*s'", NX_SPAN_ARG(nx_json_text(c->doc, name)));
    }
    err = take_options(c, node, row);
    if (err == NX_OK && row->codec->prepare != NULL) {
        err = row->codec->prepare(&c->lens->arena, row, c->diag);
        if (err != NX_OK) {
            nx_json_diag_at(c->doc, node, c->file, c->diag);
        }
    }
    if (err == NX_OK && row->codec->preset != NULL) {
        take_preset(c, row);
    }
    return err;
}

static enum nx_err take_rows(const struct compiler *c)
{
    uint32_t rows = nx_json_member(c->doc, 0, NX_SPAN("rows"));
    uint32_t at = 0, key, value;
    enum nx_err err = NX_OK;

    if (rows == 0 || nx_json_type(c->doc, rows) != NX_JSON_ARRAY) {
        return fault(c, rows, "expected 'rows', an array");
    }
    if (nx_json_length(c->doc, rows) > NX_LENS_ROWS_MAX) {
        return fault(c, rows, "a lens has at most %d rows", NX_LENS_ROWS_MAX);
    }
    c->lens->rows = nx_arena_array(&c->lens->arena, NX_LENS_ROWS_MAX, sizeof(struct nx_row));
    if (c->lens->rows == NULL) {
        return no_memory(c);
    }
    while (err == NX_OK && nx_json_each(c->doc, rows, &at, &key, &value)) {
        err = take_row(c, value, &c->lens->rows[c->lens->rows_count++]);
    }
    return err;
}

static enum nx_err take_missing(const struct compiler *c, uint32_t node, struct nx_quality *quality)
{
    uint32_t at = 0, key, value;
    enum nx_err err = node != 0 ? need_type(c, node, NX_JSON_ARRAY) : NX_OK;

    if (err != NX_OK || node == 0) {
        return err;
    }
    quality->missing = nx_arena_array(&c->lens->arena, nx_json_length(c->doc, node),
                                      sizeof(struct nx_quality_missing));
    if (quality->missing == NULL) {
        return no_memory(c);
    }
    while (err == NX_OK && nx_json_each(c->doc, node, &at, &key, &value)) {
        struct nx_quality_missing *missing = &quality->missing[quality->missing_count++];
        missing->type = nx_json_type(c->doc, value);
        missing->text = copy(c, nx_json_text(c->doc, value));
        err = missing->text.ptr != NULL ? take_json(c, value, &missing->json) : no_memory(c);
    }
    return err;
}

static enum nx_err take_flags(const struct compiler *c, uint32_t node, struct nx_quality *quality)
{
    uint32_t at = 0, key, value;
    enum nx_err err = node != 0 ? need_type(c, node, NX_JSON_OBJECT) : NX_OK;

    if (err != NX_OK || node == 0) {
        return err;
    }
    quality->flags = nx_arena_array(&c->lens->arena, nx_json_length(c->doc, node),
                                    sizeof(struct nx_quality_flag));
    if (quality->flags == NULL) {
        return no_memory(c);
    }
    while (err == NX_OK && nx_json_each(c->doc, node, &at, &key, &value)) {
        struct nx_quality_flag *flag = &quality->flags[quality->flags_count++];
        err = need_type(c, value, NX_JSON_STRING);
        flag->dialect = copy(c, nx_json_text(c->doc, key));
        flag->code = copy(c, nx_json_text(c->doc, value));
        if (err == NX_OK && (flag->dialect.ptr == NULL || flag->code.ptr == NULL)) {
            err = no_memory(c);
        }
    }
    return err;
}

static enum nx_err take_quality(const struct compiler *c)
{
    uint32_t node = nx_json_member(c->doc, 0, NX_SPAN("quality"));
    struct nx_quality *quality = &c->lens->quality;
    uint32_t no_flag = nx_json_member(c->doc, node, NX_SPAN("no_flag"));
    enum nx_err err;

    if (node == 0) {
        return NX_OK;
    }
    err = take_missing(c, nx_json_member(c->doc, node, NX_SPAN("missing")), quality);
    if (err == NX_OK) {
        err = take_flags(c, nx_json_member(c->doc, node, NX_SPAN("flags")), quality);
    }
    if (err == NX_OK && no_flag != 0) {
        err = take_json(c, no_flag, &quality->no_flag);
    }
    return err;
}

static enum nx_err take_name(const struct compiler *c)
{
    uint32_t name = nx_json_member(c->doc, 0, NX_SPAN("lens"));
    uint32_t version = nx_json_member(c->doc, 0, NX_SPAN("version"));
    int64_t number = 0;
    char text[128];
    int len;

    if (nx_json_type(c->doc, name) != NX_JSON_STRING) {
        return fault(c, name, "expected 'lens', the lens's name");
    }
    if (nx_json_int(c->doc, version, &number) != NX_OK || number < 1) {
        return fault(c, version, "expected 'version', an integer from 1 on");
    }
    len = snprintf(text, sizeof(text), "%.*s@%lld", NX_SPAN_ARG(nx_json_text(c->doc, name)),
                   (long long)number);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        return fault(c, name, "a lens's name has at most 100 bytes");
    }
    c->lens->name = copy(c, (struct nx_span){text, (size_t)len});
    return c->lens->name.ptr != NULL ? NX_OK : no_memory(c);
}

static enum nx_err init_side(const struct compiler *c, struct nx_side *side)
{
    struct nx_arena *arena = &c->lens->arena;

    side->members = nx_arena_array(arena, NX_LENS_MEMBERS_MAX, sizeof(struct nx_member));
    side->presets = nx_arena_array(arena, NX_LENS_MEMBERS_MAX, sizeof(struct nx_lens_value));
    if (side->members == NULL || side->presets == NULL) {
        return no_memory(c);
    }
    side->count = 1;
    side->members[0].token = nx_token_make(NX_SPAN(""));
    return NX_OK;
}

enum nx_err nx_lens_compile(const struct nx_json *document, const char *file, struct nx_lens **out,
                            struct nx_diag *diag)
{
    struct compiler c = {.doc = document, .file = file, .diag = diag};
    enum nx_err err;

    *out = NULL;
    c.lens = calloc(1, sizeof(*c.lens));
    if (c.lens == NULL) {
        return NX_ERR_NOMEM;
    }
    nx_arena_init(&c.lens->arena, NX_LENS_BYTES_MAX);
    err = init_side(&c, &c.lens->canonical);
    if (err == NX_OK) {
        err = init_side(&c, &c.lens->dialect);
    }
    if (err == NX_OK) {
        err = take_name(&c);
    }
    if (err == NX_OK) {
        err = take_quality(&c);
    }
    if (err == NX_OK) {
        err = take_rows(&c);
    }
    c.lens->id = nx_side_child(&c.lens->canonical, 0, NX_SPAN("id"));
    c.lens->observed_at = nx_side_child(&c.lens->canonical, 0, NX_SPAN("dateObserved"));
    if (err != NX_OK) {
        nx_lens_free(c.lens);
        return err;
    }
    *out = c.lens;
    return NX_OK;
}

void nx_lens_free(struct nx_lens *lens)
{
    if (lens != NULL) {
        nx_arena_fini(&lens->arena);
        free(lens);
    }
}
