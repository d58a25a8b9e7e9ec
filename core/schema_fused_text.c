/*
 * schema_fused_text.c - strings, numbers and words in one pass, when the quick way to judge them
 * (schema_fused_value.c) does not know: escapes, bytes beyond ASCII, long numbers, several plans,
 * and all that the complete rules must see. The value then becomes node 0 of a tape.
 */
#include "core/schema_fused.h"
#include "core/schema_quick.h"
#include "core/schema_run.h"

/*
 * The complete rules for what begins in node 0. The check over one tape would have come here with
 * a depth of at most so many plans; it must not seem to have more room for plans within plans.
 */
static bool holds_on_tape(struct nx_fused *f, const struct plan *plan)
{
    f->check->depth = f->depth * NX_TOGETHER_MAX;
    f->check->value_hashes_begun = false; /* node 0 was another value before */
    return nx_check_plan(f->check, plan, 0, NX_NO_MARKS);
}

/* The demand by the complete rules; what it is made of was just read onto the tape. */
static bool demand_holds_on_tape(struct nx_fused *f, struct demand demand)
{
    for (uint32_t i = 0; i < demand.count; i++) {
        if (!holds_on_tape(f, demand.plans[i])) {
            return false;
        }
    }
    return true;
}

/* ---- strings ------------------------------------------------------------------------------- */

/* A string of the source becomes node 0. */
static void put_text(struct nx_fused *f, const struct text *text)
{
    const char *base =
        (text->flags & NX_JSON_DECODED) != 0 ? f->reader.json->decoded : f->reader.start;

    f->reader.nodes[0] = (struct nx_json_node){.type = NX_JSON_STRING,
                                               .flags = text->flags,
                                               .text = (uint32_t)(text->text.ptr - base),
                                               .length = (uint32_t)text->text.len,
                                               .next = 1};
}

bool nx_fused_text_holds(struct nx_fused *f, const struct plan *plan, const struct text *text)
{
    if (nx_quick_string(f->check, plan->direct, text->text,
                        (text->flags & NX_JSON_LONE_SURROGATE) != 0)) {
        return true;
    }
    put_text(f, text);
    return holds_on_tape(f, plan);
}

/* The rest of a string that has escapes: the first is at `p`, the string began at `opening`. */
static struct text read_escaped(struct nx_fused *f, const char *p, const char *opening)
{
    struct nx_json_node *node = &f->reader.nodes[0];
    struct text text;

    *node = (struct nx_json_node){.type = NX_JSON_STRING,
                                  .offset = (uint32_t)(opening - f->reader.start)};
    text.behind = nx_json_read_escaped(&f->reader, p, node);
    text.text = nx_json_node_text(f->reader.json, node);
    text.flags = node->flags;
    return text;
}

struct text nx_fused_text(struct nx_fused *f, const char *p)
{
    const char *first = p + 1;

    p = nx_scan_plain(first, NULL);
    if ((unsigned char)*p >= 0x80) {
        p = nx_scan_utf8(p, f->reader.end);
    }
    if (*p == '\\') {
        return read_escaped(f, p, first - 1);
    }
    return (struct text){.text = {first, (size_t)(p - first)}, .behind = *p == '"' ? p + 1 : NULL};
}

const char *nx_fused_string(struct nx_fused *f, const char *p, struct demand demand)
{
    struct text text = nx_fused_text(f, p);

    for (uint32_t i = 0; text.behind != NULL && i < demand.count; i++) {
        if (!nx_fused_text_holds(f, demand.plans[i], &text)) {
            return NULL;
        }
    }
    return text.behind;
}

/* ---- numbers and words --------------------------------------------------------------------- */

static bool number_holds(struct nx_nano nano, struct demand demand)
{
    for (uint32_t i = 0; i < demand.count; i++) {
        if (!nx_quick_number(&demand.plans[i]->quick, nano)) {
            return false;
        }
    }
    return nano.end != NULL;
}

const char *nx_fused_number(struct nx_fused *f, const char *p, struct demand demand)
{
    struct nx_nano nano = nx_scan_nano(p);

    if (number_holds(nano, demand)) {
        return nano.end;
    }
    f->reader.count = 0;
    p = nx_json_read_number(&f->reader, p);
    return p != NULL && demand_holds_on_tape(f, demand) ? p : NULL;
}

const char *nx_fused_word(struct nx_fused *f, const char *p, struct demand demand)
{
    enum nx_json_type type = *p == 't' ? NX_JSON_TRUE : *p == 'f' ? NX_JSON_FALSE : NX_JSON_NULL;
    struct nx_span word = *p == 't'   ? NX_SPAN("true")
                          : *p == 'f' ? NX_SPAN("false")
                                      : NX_SPAN("null");
    bool quick = true;

    f->reader.count = 0;
    p = nx_json_read_word(&f->reader, p, type, word);
    for (uint32_t i = 0; i < demand.count && quick; i++) {
        quick = nx_quick_word(&demand.plans[i]->quick, type);
    }
    return p != NULL && (quick || demand_holds_on_tape(f, demand)) ? p : NULL;
}

/* ---- containers ---------------------------------------------------------------------------- */

const char *nx_fused_onto_tape(struct nx_fused *f, const char *p, struct demand demand)
{
    if (f->reader.marks == NULL) {
        nx_json_mark(&f->reader);
    }
    f->reader.count = 0;
    f->reader.depth = f->depth;
    p = nx_json_read_value(&f->reader, p);
    return p != NULL && demand_holds_on_tape(f, demand) ? p : NULL;
}

bool nx_fused_remember(struct nx_fused *f, struct nx_span name)
{
    struct others *others = &f->others[f->depth - 1];
    struct nx_name_key key = nx_name_key_padded(name);
    uint64_t mixed =
        (key.first ^ (key.last << 1 | key.last >> 63) ^ name.len) * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t class = (uint64_t)1 << (mixed >> 58);

    if (f->names_count - others->first == NX_FUSED_OTHERS_MAX) {
        return false;
    }
    if ((others->classes & class) != 0) {
        for (uint32_t i = others->first; i < f->names_count; i++) {
            if (nx_span_eq(f->names[i], name)) {
                return false;
            }
        }
    }
    others->classes |= class;
    f->names[f->names_count++] = name;
    return true;
}
