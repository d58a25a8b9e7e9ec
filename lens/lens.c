/*
 * lens.c - runs a compiled lens over one reading, in either direction.
 *
 *   1. find: the source is walked once along its side's tree; every member gets its node. Unless
 *      lens_read.c has found them when it read the source.
 *   2. carry: each row's codec reads its nodes and puts its target members.
 *   3. write: the target's tree is walked; what was not put is left out.
 *
 * It decides nothing about values: codecs do. It never drops a member in silence: what no row
 * reads is named in the receipt.
 */
#include "lens/lens_internal.h"

#include "core/json_tape.h"

#include <stdio.h>

static void note(struct nx_call *call, struct nx_span from, struct nx_span to, const char *codec,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void note(struct nx_call *call, struct nx_span from, struct nx_span to, const char *codec,
                 const char *fmt, ...)
{
    va_list args;

    if (call->receipt != NULL) {
        va_start(args, fmt);
        nx_receipt_row(call->receipt, call->lens->name, from, to, codec, fmt, args);
        va_end(args);
    }
}

static void note_not_carried(struct nx_call *call, uint32_t node)
{
    struct nx_buf pointer;

    if (call->receipt == NULL) {
        return;
    }
    nx_buf_init(&pointer, sizeof(call->diag->pointer));
    if (nx_json_pointer(call->in, node, &pointer) == NX_OK) {
        note(call, nx_buf_view(&pointer), (struct nx_span){NULL, 0}, "none",
             "\"reason\":\"not carried\"");
    }
    nx_buf_fini(&pointer);
}

/* Gives every source member below `parent` its node. The depth is that of the lens's tree. */
static void find_members(struct nx_call *call, uint16_t parent, uint32_t object, uint32_t *nodes)
{
    const struct nx_json_node *tape = call->tape;

    for (uint32_t key = object + 1; key < tape[object].next; key = tape[key + 1].next) {
        uint16_t member = nx_side_child(call->source, parent, nx_call_text_at(call, key));
        uint32_t value = key + 1;

        if (member == 0) {
            note_not_carried(call, value);
            continue;
        }
        nodes[member] = value;
        if (call->source->members[member].leaf) {
            continue;
        }
        if (nx_call_type_at(call, value) == NX_JSON_OBJECT) {
            find_members(call, member, value, nodes);
        } else {
            note_not_carried(call, value);
        }
    }
}

static enum nx_err carry(struct nx_call *call)
{
    const struct nx_lens *lens = call->lens;

    for (size_t i = 0; i < lens->rows_count; i++) {
        const struct nx_row *row = &lens->rows[i];
        const struct nx_codec *codec = row->codec;
        enum nx_err err;

        if (row->preset && call->receipt == NULL) {
            continue;
        }
        call->row = row;
        err = call->to_canonical ? codec->to_canonical(call) : codec->from_canonical(call);
        if (err != NX_OK) {
            return err;
        }
    }
    return nx_buf_error(call->text);
}

static struct nx_span value_text(const struct nx_call *call, uint16_t member)
{
    const struct nx_lens_value *value = &call->values[member];

    return (struct nx_span){value->ptr != NULL ? value->ptr : call->text->data + value->at,
                            value->len};
}

/* Both have NX_LENS_PADDING bytes behind them. */
static inline void copy_padded(char *to, struct nx_span from)
{
    _Static_assert(NX_LENS_PADDING == 16, "as many as are copied at a time");
    for (size_t i = 0; i < from.len; i += 16) {
        memcpy(to + i, from.ptr + i, 16);
    }
}

/* A key and its value, for which the buffer is asked only once. */
static void write_leaf(struct nx_buf *out, struct nx_span key, struct nx_span value)
{
    char *room;

    if (__builtin_expect(out->cap - out->len >= key.len + value.len + NX_LENS_PADDING, 1)) {
        room = out->data + out->len;
        copy_padded(room, key);
        copy_padded(room + key.len, value);
        out->len += key.len + value.len;
    } else if (nx_buf_reserve(out, key.len + value.len, &room) == NX_OK) {
        memcpy(room, key.ptr, key.len);
        memcpy(room + key.len, value.ptr, value.len);
        out->len += key.len + value.len;
    }
}

/*
 * Writes the object of the members below `parent`, if there is one: each key brings a comma, and the
 * first of them becomes the brace. Returns whether there was one.
 */
static bool write_members(const struct nx_call *call, uint16_t parent, struct nx_buf *out)
{
    const struct nx_member *members = call->target->members;
    size_t begin = out->len;

    for (uint16_t at = members[parent].child; at != 0; at = members[at].next) {
        size_t before = out->len;

        if (members[at].leaf) {
            if (call->values[at].len > 0) {
                write_leaf(out, members[at].key, value_text(call, at));
            }
            continue;
        }
        (void)nx_buf_span(out, members[at].key);
        if (!write_members(call, at, out)) {
            out->len = before;
        }
    }
    if (out->len == begin) {
        return false;
    }
    out->data[begin] = '{';
    (void)nx_buf_byte(out, '}');
    return true;
}

/* The time that was put, without its quotes; empty when there is none, or none that fits. */
static void copy_observed_at(const struct nx_call *call, char *observed_at)
{
    struct nx_span json = {NULL, 0};

    if (call->lens->observed_at != 0) {
        json = value_text(call, call->lens->observed_at);
    }
    observed_at[0] = '\0';
    if (json.len > 2 && json.ptr[0] == '"') {
        (void)nx_span_copy((struct nx_span){json.ptr + 1, json.len - 2}, observed_at,
                           NX_OBSERVED_AT_SIZE);
    }
}

/*
 * A call with nothing put but constants. Only what the lens uses of its table is written. It is
 * 4 kB: hence -ftrivial-auto-var-init does not clear it either.
 */
#define UNCLEARED __attribute__((uninitialized))

static void begin_call(struct nx_call *call, const struct nx_lens *lens, bool to_canonical,
                       const struct nx_json *in)
{
    call->lens = lens;
    call->quality = &lens->quality;
    call->in = in;
    call->tape = in->nodes;
    call->bytes = in->padded;
    call->to_canonical = to_canonical;
    call->source = to_canonical ? &lens->dialect : &lens->canonical;
    call->target = to_canonical ? &lens->canonical : &lens->dialect;
    call->scene = NULL;
    call->row = NULL;
    call->receipt = NULL;
    call->diag = NULL;
    call->text_from = 0;
    memcpy(call->values, call->target->presets, call->target->count * sizeof(call->values[0]));
}

/* Finds the members of the document into `nodes`, which outlives the call. */
static void find_all(struct nx_call *call, uint32_t nodes[NX_LENS_MEMBERS_MAX])
{
    memset(nodes, 0, call->source->count * sizeof(nodes[0]));
    find_members(call, 0, 0, nodes);
    call->nodes = nodes;
}

static enum nx_err write_document(const struct nx_call *call, struct nx_buf *out)
{
    if (!write_members(call, 0, out)) {
        (void)nx_buf_str(out, "{}");
    }
    if (call->to_canonical && call->scene->observed_at != NULL) {
        copy_observed_at(call, call->scene->observed_at);
    }
    return nx_buf_error(out);
}

/*
 * What was put is written to `out` again, so that its bytes_max is a bound for both, but for room
 * that was asked for and not used. And the JSON of nearly all readings has room from the beginning.
 */
enum { TEXT_BYTES = 1024, TEXT_SLACK = TEXT_BYTES };

/* `call` has its text. */
static enum nx_err run(struct nx_call *call, struct nx_buf *out)
{
    UNCLEARED uint32_t nodes[NX_LENS_MEMBERS_MAX];
    enum nx_err err;
    char *room;

    if (call->scene->places != NULL) {
        call->nodes = call->scene->places->nodes;
    } else {
        find_all(call, nodes);
    }
    err = nx_buf_reserve(call->text, TEXT_BYTES, &room);
    if (err == NX_OK) {
        err = carry(call);
    }
    if (err == NX_OK) {
        err = nx_buf_reserve(call->text, NX_LENS_PADDING, &room);
    }
    if (err == NX_OK) {
        err = write_document(call, out);
    }
    if (err == NX_ERR_LIMIT || err == NX_ERR_NOMEM) {
        nx_diag_set(call->diag, "the translation needs more than %zu bytes", out->max);
    }
    return err;
}

static enum nx_err translate(const struct nx_lens *lens, bool to_canonical,
                             const struct nx_lens_scene *scene, const struct nx_json *in,
                             struct nx_buf *out, struct nx_receipt *receipt, struct nx_diag *diag)
{
    UNCLEARED struct nx_call call;
    struct nx_buf text;
    enum nx_err err;

    nx_buf_reset(out);
    if (nx_json_type(in, 0) != NX_JSON_OBJECT) {
        nx_diag_set(diag, "expected an object, found %s", nx_json_type_name(nx_json_type(in, 0)));
        return NX_ERR_INVALID;
    }
    begin_call(&call, lens, to_canonical, in);
    call.scene = scene;
    call.receipt = receipt;
    call.diag = diag;
    nx_buf_init(&text, 0);
    call.text = scene->text != NULL ? scene->text : &text;
    nx_buf_reset(call.text);
    call.text->max = out->max + TEXT_SLACK;
    err = run(&call, out);
    nx_buf_fini(&text);
    return err;
}

enum nx_err nx_lens_to_canonical(const struct nx_lens *lens, const struct nx_lens_scene *scene,
                                 const struct nx_json *in, struct nx_buf *out,
                                 struct nx_receipt *receipt, struct nx_diag *diag)
{
    return translate(lens, true, scene, in, out, receipt, diag);
}

enum nx_err nx_lens_from_canonical(const struct nx_lens *lens, const struct nx_lens_scene *scene,
                                   const struct nx_json *in, struct nx_buf *out,
                                   struct nx_receipt *receipt, struct nx_diag *diag)
{
    return translate(lens, false, scene, in, out, receipt, diag);
}

struct nx_span nx_lens_name(const struct nx_lens *lens)
{
    return lens->name;
}

struct nx_span nx_lens_asset(const struct nx_lens *lens, const struct nx_domain *domain,
                             const struct nx_json *in)
{
    struct nx_span asset = {NULL, 0};
    UNCLEARED uint32_t nodes[NX_LENS_MEMBERS_MAX];
    UNCLEARED struct nx_call call;

    if (nx_json_type(in, 0) != NX_JSON_OBJECT) {
        return asset;
    }
    begin_call(&call, lens, true, in);
    find_all(&call, nodes);
    for (size_t i = 0; i < lens->rows_count && asset.len == 0; i++) {
        call.row = &lens->rows[i];
        if (call.row->codec->identify != NULL) {
            asset = call.row->codec->identify(&call, domain);
        }
    }
    return asset;
}

/* What codecs see (codec.h). */

enum nx_err nx_call_put(struct nx_call *call, unsigned option, struct nx_span json)
{
    (void)nx_buf_span(nx_call_put_begin(call), json);
    return nx_call_put_end(call, option);
}

enum nx_err nx_call_put_text(struct nx_call *call, unsigned option, struct nx_span text)
{
    if (!call->row->options[option].given) {
        return NX_OK;
    }
    (void)nx_json_quote(nx_call_put_begin(call), text);
    return nx_call_put_end(call, option);
}

enum nx_err nx_call_put_quoted(struct nx_call *call, unsigned option, struct nx_span text)
{
    struct nx_buf *out = nx_call_put_begin(call);

    (void)nx_buf_byte(out, '"');
    (void)nx_buf_span(out, text);
    (void)nx_buf_byte(out, '"');
    return nx_call_put_end(call, option);
}

enum nx_err nx_call_put_decimal(struct nx_call *call, unsigned option, struct nx_decimal value,
                                bool quoted)
{
    struct nx_buf *out = nx_call_put_begin(call);
    char *room;
    size_t len;

    if (nx_buf_reserve(out, NX_DECIMAL_TEXT_MAX + 2, &room) != NX_OK) {
        return nx_buf_error(out);
    }
    room[0] = '"';
    len = nx_decimal_format(value, room + quoted).len;
    room[quoted + len] = '"';
    out->len += len + (quoted ? 2 : 0);
    return nx_call_put_end(call, option);
}

/* A string without escapes is written as it came, with the quotes around it. */
enum nx_err nx_call_put_node(struct nx_call *call, unsigned option, uint32_t node)
{
    const struct nx_json_node *n = &call->tape[node];
    struct nx_span text = nx_call_text_at(call, node);

    if (n->type == NX_JSON_NUMBER) {
        return nx_call_put_constant(call, option, text);
    }
    if (n->flags & NX_JSON_DECODED) {
        return nx_call_put_text(call, option, text);
    }
    return nx_call_put_constant(call, option, (struct nx_span){text.ptr - 1, text.len + 2});
}

enum nx_err nx_call_refuse(struct nx_call *call, unsigned option, const char *fmt, ...)
{
    struct nx_span pointer = call->row->options[option].text;
    char text[sizeof(call->diag->text)];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    nx_diag_set(call->diag, "%s", text);
    if (call->diag != NULL) {
        (void)nx_span_copy(pointer, call->diag->pointer, sizeof(call->diag->pointer));
    }
    return NX_ERR_INVALID;
}

static struct nx_span pointer_of(const struct nx_call *call, int option)
{
    if (option < 0 || !call->row->options[option].given) {
        return (struct nx_span){NULL, 0};
    }
    return call->row->options[option].text;
}

void nx_call_tell(struct nx_call *call, int from, int to, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    nx_receipt_row(call->receipt, call->lens->name, pointer_of(call, from), pointer_of(call, to),
                   call->row->codec->name, fmt, args);
    va_end(args);
}
