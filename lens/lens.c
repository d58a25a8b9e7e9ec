/*
 * lens.c - runs a compiled lens over one reading, in either direction.
 *
 *   1. find: the source is walked once along its side's tree; every member gets its node.
 *   2. carry: each row's codec reads its nodes and puts its target members.
 *   3. write: the target's tree is walked; what was not put is left out.
 *
 * It decides nothing about values: codecs do. It never drops a member in silence: what no row
 * reads is named in the receipt.
 */
#include "lens/lens_internal.h"

#include <stdio.h>

/* The child of `parent` called `name`, looked for from *hint on: documents repeat their order. */
static uint16_t find_child(const struct nx_side *side, uint16_t parent, struct nx_span name,
                           uint16_t *hint)
{
    uint16_t first = side->members[parent].child;
    uint16_t start = *hint != 0 ? *hint : first;
    uint16_t at = start;

    while (at != 0) {
        if (nx_span_eq(side->members[at].name, name)) {
            *hint = side->members[at].next;
            return at;
        }
        at = side->members[at].next != 0 ? side->members[at].next : first;
        if (at == start) {
            break;
        }
    }
    return 0;
}

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
static void find_members(struct nx_call *call, uint16_t parent, uint32_t object)
{
    uint32_t at = 0, key, value;
    uint16_t hint = 0;

    while (nx_json_each(call->in, object, &at, &key, &value)) {
        struct nx_span name = nx_json_text(call->in, key);
        uint16_t member = find_child(call->source, parent, name, &hint);

        if (member == 0) {
            note_not_carried(call, value);
            continue;
        }
        call->nodes[member] = value;
        if (!call->source->members[member].leaf) {
            if (nx_json_type(call->in, value) == NX_JSON_OBJECT) {
                find_members(call, member, value);
            } else {
                note_not_carried(call, value);
            }
        }
    }
}

static enum nx_err carry(struct nx_call *call)
{
    const struct nx_lens *lens = call->lens;

    for (size_t i = 0; i < lens->rows_count; i++) {
        const struct nx_codec *codec = lens->rows[i].codec;
        enum nx_err err;

        call->row = &lens->rows[i];
        err = call->to_canonical ? codec->to_canonical(call) : codec->from_canonical(call);
        if (err != NX_OK) {
            return err;
        }
    }
    return nx_buf_error(&call->text);
}

/* Writes the members below `parent` with commas between them. Returns whether there was one. */
static bool write_members(const struct nx_call *call, uint16_t parent, struct nx_buf *out)
{
    const struct nx_member *members = call->target->members;
    bool any = false;

    for (uint16_t at = members[parent].child; at != 0; at = members[at].next) {
        const struct nx_lens_value *value = &call->values[at];
        size_t before = out->len;

        if (members[at].leaf && value->len == 0) {
            continue;
        }
        if (any) {
            (void)nx_buf_byte(out, ',');
        }
        (void)nx_buf_span(out, members[at].key);
        if (members[at].leaf) {
            (void)nx_buf_add(out, call->text.data + value->at, value->len);
        } else {
            (void)nx_buf_byte(out, '{');
            if (!write_members(call, at, out)) {
                out->len = before;
                continue;
            }
            (void)nx_buf_byte(out, '}');
        }
        any = true;
    }
    return any;
}

static enum nx_err translate(const struct nx_lens *lens, bool to_canonical,
                             const struct nx_lens_scene *scene, const struct nx_json *in,
                             struct nx_buf *out, struct nx_receipt *receipt, struct nx_diag *diag)
{
    struct nx_call call = {
        .lens = lens,
        .scene = scene,
        .in = in,
        .to_canonical = to_canonical,
        .source = to_canonical ? &lens->dialect : &lens->canonical,
        .target = to_canonical ? &lens->canonical : &lens->dialect,
        .receipt = receipt,
        .diag = diag,
    };
    enum nx_err err;

    nx_buf_reset(out);
    if (nx_json_type(in, 0) != NX_JSON_OBJECT) {
        nx_diag_set(diag, "expected an object, found %s", nx_json_type_name(nx_json_type(in, 0)));
        return NX_ERR_INVALID;
    }
    nx_buf_init(&call.text, out->max);
    find_members(&call, 0, 0);
    err = carry(&call);
    if (err == NX_OK) {
        (void)nx_buf_byte(out, '{');
        (void)write_members(&call, 0, out);
        (void)nx_buf_byte(out, '}');
        err = nx_buf_error(out);
    }
    if (err == NX_ERR_LIMIT || err == NX_ERR_NOMEM) {
        nx_diag_set(diag, "the translation needs more than %zu bytes", out->max);
    }
    nx_buf_fini(&call.text);
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
    struct nx_call call = {.lens = lens, .in = in, .to_canonical = true};
    struct nx_span asset = {NULL, 0};

    call.source = &lens->dialect;
    call.target = &lens->canonical;
    if (nx_json_type(in, 0) != NX_JSON_OBJECT) {
        return asset;
    }
    find_members(&call, 0, 0);
    for (size_t i = 0; i < lens->rows_count && asset.len == 0; i++) {
        call.row = &lens->rows[i];
        if (call.row->codec->identify != NULL) {
            asset = call.row->codec->identify(&call, domain);
        }
    }
    return asset;
}

/* What codecs see (codec.h). */

const struct nx_lens_scene *nx_call_scene(const struct nx_call *call)
{
    return call->scene;
}

const struct nx_quality *nx_call_quality(const struct nx_call *call)
{
    return &call->lens->quality;
}

const void *nx_call_state(const struct nx_call *call)
{
    return call->row->state;
}

const struct nx_option *nx_call_option(const struct nx_call *call, unsigned option)
{
    return &call->row->options[option];
}

const struct nx_json *nx_call_source(const struct nx_call *call)
{
    return call->in;
}

uint32_t nx_call_node(const struct nx_call *call, unsigned option)
{
    const struct nx_option *given = &call->row->options[option];

    return given->given ? call->nodes[given->member] : 0;
}

struct nx_span nx_call_text(const struct nx_call *call, unsigned option)
{
    uint32_t node = nx_call_node(call, option);

    if (node == 0 || nx_json_type(call->in, node) != NX_JSON_STRING) {
        return (struct nx_span){NULL, 0};
    }
    return nx_json_text(call->in, node);
}

struct nx_buf *nx_call_put_begin(struct nx_call *call)
{
    call->text_from = call->text.len;
    return &call->text;
}

enum nx_err nx_call_put_end(struct nx_call *call, unsigned option)
{
    const struct nx_option *given = &call->row->options[option];

    if (given->given) {
        call->values[given->member] = (struct nx_lens_value){
            (uint32_t)call->text_from, (uint32_t)(call->text.len - call->text_from)};
    }
    return nx_buf_error(&call->text);
}

enum nx_err nx_call_put(struct nx_call *call, unsigned option, struct nx_span json)
{
    (void)nx_buf_span(nx_call_put_begin(call), json);
    return nx_call_put_end(call, option);
}

enum nx_err nx_call_put_text(struct nx_call *call, unsigned option, struct nx_span text)
{
    (void)nx_json_quote(nx_call_put_begin(call), text);
    return nx_call_put_end(call, option);
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

bool nx_call_has_receipt(const struct nx_call *call)
{
    return call->receipt != NULL;
}

void nx_call_receipt(struct nx_call *call, int from, int to, const char *fmt, ...)
{
    va_list args;

    if (call->receipt != NULL) {
        va_start(args, fmt);
        nx_receipt_row(call->receipt, call->lens->name, pointer_of(call, from),
                       pointer_of(call, to), call->row->codec->name, fmt, args);
        va_end(args);
    }
}
