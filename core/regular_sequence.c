/*
 * regular_sequence.c - the shape of nearly every expression in real schemas: `^`, then literals and
 * counted runs of classes, then perhaps `$`.
 *
 * A run takes all it can and never gives back. That is right when no character that could follow it
 * belongs to it too, which nx_sequence_new() makes sure of; so `^[a-z]+-[0-9]{2,4}$` is a sequence
 * and `^[a-z]+x$` is not. Counts are counted, so {0,1000} costs no more than {2}.
 */
#include "core/regular_parts.h"

#include "core/json_scan.h"

#include <stdlib.h>

enum {
    ITEMS_MAX = 256, /* before literals are joined */
    CLASSES_MAX = 8, /* different classes: one bit each in sequence.member */
    BYTES_MAX = 1024,
    BYTES_PADDING = 8,
    WIDE_MAX = 2048, /* ranges from U+0080 on, of all classes together */
};

/* A literal, or `min` to `max` characters of one class. */
struct item {
    uint32_t min;
    uint32_t max;
    uint32_t text; /* of a literal: where it is in sequence.bytes */
    uint32_t text_len;
    uint32_t wide; /* of a class: its ranges from U+0080 on in sequence.wide */
    uint32_t wide_count;
    uint8_t class_bit; /* 0: a literal */
};

struct sequence {
    uint8_t member[256]; /* by byte: a bit for each class that holds it; none from 0x80 on */
    bool to_end;         /* `$` stands at the end */
    bool is_inline;      /* see nx_regular_is_inline() */
    uint32_t count;
    const struct item *items;
    const struct code_range *wide;
    const char *bytes; /* with zeros behind them, to be looked at in words */
};

/* What the tree says, last item first, as the tree is linked. */
struct draft {
    bool to_start;
    bool to_end;
    bool refused;
    uint32_t count;
    uint32_t classes_count;
    uint32_t wide_count;
    uint32_t bytes_count;
    struct piece {
        const struct codes *codes;
        uint32_t min;
        uint32_t max;
    } pieces[ITEMS_MAX];
    const struct codes *classes[CLASSES_MAX];
    struct item items[ITEMS_MAX];
    struct code_range wide[WIDE_MAX];
    char bytes[BYTES_MAX];
    uint8_t member[256];
};

/* ---- from the tree to pieces ------------------------------------------------------------- */

/* Could the run just before the pieces so far end in more than one place? */
static bool is_ambiguous(const struct draft *draft, const struct codes *codes)
{
    for (uint32_t i = draft->count; i > 0; i--) {
        const struct piece *next = &draft->pieces[i - 1];
        if (nx_codes_meet(codes, next->codes)) {
            return true;
        }
        if (next->min > 0) {
            return false;
        }
    }
    return false;
}

static uint32_t add_counts(uint32_t a, uint32_t b)
{
    return a == REGULAR_UNBOUNDED || b == REGULAR_UNBOUNDED ? REGULAR_UNBOUNDED : a + b;
}

/* Puts a run before all pieces so far. Neighbours of one class are one run. */
static void add_piece(struct draft *draft, const struct codes *codes, uint32_t min, uint32_t max)
{
    struct piece *next = draft->count > 0 ? &draft->pieces[draft->count - 1] : NULL;
    bool joins = next != NULL && next->codes == codes && nx_codes_single(codes) > REGULAR_CODE_MAX;

    if (joins) {
        min += next->min;
        max = add_counts(max, next->max);
        draft->count--;
    }
    if (draft->count == 0 && !draft->to_end) {
        max = min; /* whatever follows is free, so no more need be read than must be */
    }
    if (max == 0) {
        return;
    }
    if (draft->count == ITEMS_MAX || (min < max && is_ambiguous(draft, codes))) {
        draft->refused = true;
        return;
    }
    draft->pieces[draft->count++] = (struct piece){codes, min, max};
}

/* Recursion is bounded by the depth of the tree. */
static void read_node(struct draft *draft, const struct node *node)
{
    draft->refused |= draft->to_start; /* something stands before `^` */
    switch (node->kind) {
    case NODE_SET:
        add_piece(draft, node->codes, 1, 1);
        break;
    case NODE_REPEAT:
        if (node->last->kind == NODE_SET) {
            add_piece(draft, node->last->codes, node->min, node->max);
        } else {
            draft->refused = true;
        }
        break;
    case NODE_SEQUENCE:
        for (const struct node *n = node->last; n != NULL && !draft->refused; n = n->before) {
            read_node(draft, n);
        }
        break;
    case NODE_START:
        draft->to_start = true;
        break;
    case NODE_END:
        draft->refused |= draft->count > 0 || draft->to_end;
        draft->to_end = true;
        break;
    case NODE_CHOICE:
        draft->refused = true;
        break;
    }
}

/* ---- from pieces to items ---------------------------------------------------------------- */

/* Adds a character to the literal that is the newest item, or begins one. */
static void add_character(struct draft *draft, uint32_t code)
{
    struct item *item = draft->count > 0 ? &draft->items[draft->count - 1] : NULL;

    if (draft->bytes_count + 4 > BYTES_MAX) {
        draft->refused = true;
        return;
    }
    if (item == NULL || item->class_bit != 0) {
        item = &draft->items[draft->count++];
        *item = (struct item){.text = draft->bytes_count};
    }
    item->text_len += nx_utf8_put(draft->bytes + draft->bytes_count, code);
    draft->bytes_count = item->text + item->text_len;
}

/* The bit of a class; fills in which ASCII characters it holds when it is new. 0: too many. */
static uint8_t class_bit(struct draft *draft, const struct codes *codes)
{
    uint32_t i = 0;

    while (i < draft->classes_count && draft->classes[i] != codes) {
        i++;
    }
    if (i == CLASSES_MAX) {
        return 0;
    }
    if (i == draft->classes_count) {
        draft->classes[draft->classes_count++] = codes;
        for (uint32_t byte = 0; byte < 0x80; byte++) {
            if (nx_codes_contain(codes->ranges, codes->count, byte)) {
                draft->member[byte] |= (uint8_t)(1u << i);
            }
        }
    }
    return (uint8_t)(1u << i);
}

static void add_class(struct draft *draft, const struct piece *piece)
{
    const struct codes *codes = piece->codes;
    struct item item = {.min = piece->min,
                        .max = piece->max,
                        .wide = draft->wide_count,
                        .class_bit = class_bit(draft, codes)};

    for (uint32_t i = 0; i < codes->count; i++) {
        if (codes->ranges[i].last < 0x80) {
            continue;
        }
        if (draft->wide_count == WIDE_MAX) {
            draft->refused = true;
            return;
        }
        draft->wide[draft->wide_count++] = codes->ranges[i];
    }
    item.wide_count = draft->wide_count - item.wide;
    draft->refused |= item.class_bit == 0;
    draft->items[draft->count++] = item;
}

/* Turns the pieces, which stand in reverse, into items. */
static void make_items(struct draft *draft)
{
    uint32_t left = draft->count;

    draft->count = 0;
    while (left > 0 && !draft->refused) {
        const struct piece *piece = &draft->pieces[--left];
        uint32_t single = nx_codes_single(piece->codes);
        if (single <= REGULAR_CODE_MAX && piece->min == 1 && piece->max == 1) {
            add_character(draft, single);
        } else {
            add_class(draft, piece);
        }
    }
}

/* Is all that could match ASCII, and written in JSON as it is? */
static bool is_json_text(const struct draft *draft)
{
    const char *end = draft->bytes + draft->bytes_count;

    for (int byte = 0; byte < 0x20; byte++) {
        if (draft->member[byte] != 0) {
            return false;
        }
    }
    return draft->member['"'] == 0 && draft->member['\\'] == 0 &&
           nx_scan_plain_bytes(draft->bytes, end) == end;
}

/* One block: the struct, then the items, the ranges and the bytes. */
static struct sequence *pack(const struct draft *draft)
{
    size_t items = draft->count * sizeof(struct item);
    size_t wide = draft->wide_count * sizeof(struct code_range);
    struct sequence *sequence =
        calloc(1, sizeof(*sequence) + items + wide + draft->bytes_count + BYTES_PADDING);
    char *tail;

    if (sequence == NULL) {
        return NULL;
    }
    tail = (char *)(sequence + 1);
    sequence->items = memcpy(tail, draft->items, items);
    sequence->wide = memcpy(tail + items, draft->wide, wide);
    sequence->bytes = memcpy(tail + items + wide, draft->bytes, draft->bytes_count);
    sequence->count = draft->count;
    sequence->to_end = draft->to_end;
    sequence->is_inline = draft->to_end && is_json_text(draft);
    memcpy(sequence->member, draft->member, sizeof(sequence->member));
    return sequence;
}

struct sequence *nx_sequence_new(const struct node *tree, struct nx_arena *arena)
{
    struct draft *draft = nx_arena_alloc(arena, sizeof(*draft));

    if (draft == NULL) {
        return NULL;
    }
    read_node(draft, tree);
    if (!draft->refused && draft->to_start) {
        make_items(draft);
        return draft->refused ? NULL : pack(draft);
    }
    return NULL;
}

void nx_sequence_free(struct sequence *sequence)
{
    free(sequence);
}

/* ---- matching ---------------------------------------------------------------------------- */

/* How far an item read, and whether that is enough. Two registers: nothing's address is taken. */
struct reading {
    const char *p;
    bool fits;
};

/* Behind the character from U+0080 on at `p` when the class holds it, else NULL. */
static const char *read_wide(const struct sequence *sequence, const struct item *item,
                             const char *p, const char *end)
{
    uint32_t code = nx_utf8_next(&p, end);

    return nx_codes_contain(sequence->wide + item->wide, item->wide_count, code) ? p : NULL;
}

static struct reading read_run(const struct sequence *sequence, const struct item *item,
                               const char *p, const char *end)
{
    uint32_t left = item->max;
    const char *wide;

    for (;;) {
        const char *from = p;
        const char *stop = (size_t)(end - p) > left ? p + left : end;
        while (p < stop && (sequence->member[(unsigned char)*p] & item->class_bit) != 0) {
            p++;
        }
        left -= (uint32_t)(p - from);
        if (p == stop || (unsigned char)*p < 0x80 ||
            (wide = read_wide(sequence, item, p, end)) == NULL) {
            return (struct reading){p, item->max - left >= item->min};
        }
        p = wide;
        left--;
    }
}

static struct reading read_literal(const struct sequence *sequence, const struct item *item,
                                   const char *p, const char *end)
{
    bool fits = (size_t)(end - p) >= item->text_len &&
                memcmp(p, sequence->bytes + item->text, item->text_len) == 0;

    return (struct reading){p + (fits ? item->text_len : 0), fits};
}

bool nx_sequence_match(const struct sequence *sequence, struct nx_span text, size_t *steps)
{
    struct reading reading = {text.ptr, true};
    const char *end = text.ptr + text.len;

    for (uint32_t i = 0; i < sequence->count && reading.fits; i++) {
        const struct item *item = &sequence->items[i];
        reading = item->class_bit != 0 ? read_run(sequence, item, reading.p, end)
                                       : read_literal(sequence, item, reading.p, end);
    }
    if (steps != NULL) {
        *steps += (size_t)(reading.p - text.ptr);
    }
    return reading.fits && (!sequence->to_end || reading.p == end);
}

/* ---- matching in JSON text --------------------------------------------------------------- */

bool nx_sequence_is_inline(const struct sequence *sequence)
{
    return sequence->is_inline;
}

/* Both have zeros behind them, and the literal none in it: so it ends before the text does. */
static inline const char *match_literal(const char *literal, uint32_t len, const char *p)
{
    uint64_t rest = 0;

    for (; len >= 8; len -= 8, literal += 8, p += 8) {
        if (nx_scan_word(literal) != nx_scan_word(p)) {
            return NULL;
        }
    }
    if (len > 0) {
        rest = (nx_scan_word(literal) ^ nx_scan_word(p)) << (64 - 8 * len);
    }
    return rest == 0 ? p + len : NULL;
}

static inline const char *match_run(const struct sequence *sequence, const struct item *item,
                                    const char *p)
{
    uint32_t count = 0;

    while ((sequence->member[(unsigned char)p[count]] & item->class_bit) != 0 &&
           count < item->max) {
        count++;
    }
    return count >= item->min ? p + count : NULL;
}

const char *nx_sequence_match_inline(const struct sequence *sequence, const char *p)
{
    for (uint32_t i = 0; i < sequence->count && p != NULL; i++) {
        const struct item *item = &sequence->items[i];
        p = item->class_bit != 0 ? match_run(sequence, item, p)
                                 : match_literal(sequence->bytes + item->text, item->text_len, p);
    }
    return p;
}
