/*
 * regular_automaton.c - a deterministic automaton, made whole when the expression is compiled.
 *
 * A state is a set of positions that may read the next character, and whether the text may end
 * here. States are numbered by where their row begins in the table, so that a step is one addition
 * and one load. Two rows come first and are never left: all is lost, and matched. The end of the
 * text is one more symbol. What an anchored expression begins with is compared as plain bytes.
 *
 * In JSON text whatever does not stand for itself there is the end of the text, too: so a match
 * needs no other look at a byte than for its symbol, and ends at the closing quote or in doubt.
 */
#include "core/regular_parts.h"

#include "core/base/map.h"

#include <stdlib.h>

enum {
    TABLE_ENTRIES_MAX = 32 * 1024, /* 64 KiB; also what a uint16_t can number */
    STATES_MAX = 2 * 1024,
    PREFIX_BYTES_MAX = 128,
    LOST = 0, /* rows, not their places */
    MATCHED = 1,
    START = 2,
};

struct automaton {
    uint16_t matched; /* place of the row MATCHED, which is also the width of a row */
    uint16_t start;   /* behind the prefix */
    uint16_t first;   /* before it */
    uint32_t prefix_len;
    uint32_t wide_count;
    const char *prefix;
    const uint32_t *wide_first;
    const uint8_t *wide_symbol;
    uint8_t ascii[128];
    uint8_t json[256]; /* of a byte in JSON text */
    uint16_t next[];   /* rows of one place for each symbol, the end of the text last */
};

/* What makes a state that state. */
struct state {
    struct positions readers;
    uint64_t closes; /* 1: a match if the text ends here */
};

struct builder {
    const struct program *program;
    const struct alphabet *alphabet;
    struct nx_arena *arena;
    struct nx_map known; /* state to its entry in rows */
    bool refused;
    uint32_t width;
    uint32_t count;
    struct state *states[STATES_MAX];
    uint32_t rows[STATES_MAX]; /* rows[i] == i: what the map points at */
    uint16_t next[TABLE_ENTRIES_MAX];
    uint32_t prefix_len;
    char prefix[PREFIX_BYTES_MAX];
};

/* ---- building ---------------------------------------------------------------------------- */

static uint32_t add_state(struct builder *b, const struct state *state)
{
    struct state *copy = nx_arena_alloc(b->arena, sizeof(*copy));

    if (copy == NULL || b->count == STATES_MAX || (b->count + 1) * b->width > TABLE_ENTRIES_MAX) {
        b->refused = true;
        return LOST;
    }
    *copy = *state;
    b->states[b->count] = copy;
    b->rows[b->count] = b->count;
    return b->count++;
}

/* The row of a state, which may be a new one. */
static uint32_t find_state(struct builder *b, const struct state *state)
{
    struct nx_span key = {(const char *)state, sizeof(*state)};
    const uint32_t *row = nx_map_get(&b->known, key);
    uint32_t added;

    if (row != NULL) {
        return *row;
    }
    added = add_state(b, state);
    if (!b->refused) {
        key.ptr = (const char *)b->states[added];
        b->refused = nx_map_put(&b->known, key, &b->rows[added]) != NX_OK;
    }
    return added;
}

/* Adds what may follow the positions in one word, `bits`. */
static void follow(const struct program *program, unsigned word, uint64_t bits,
                   struct positions *out)
{
    for (; bits != 0; bits &= bits - 1) {
        unsigned position = word * 64 + (unsigned)__builtin_ctzll(bits);
        for (unsigned i = 0; i < program->words; i++) {
            out->words[i] |= program->follow[position].words[i];
        }
    }
}

/* The row that a state leads to by a symbol. */
static uint32_t step(struct builder *b, const struct state *from, uint32_t symbol)
{
    const struct program *program = b->program;
    struct state to = {.readers = program->restart};
    uint64_t any = 0;

    for (unsigned i = 0; i < program->words; i++) {
        uint64_t read = from->readers.words[i] & b->alphabet->readers[symbol].words[i];
        if ((read & program->ends.words[i]) != 0) {
            return MATCHED;
        }
        to.closes |= (read & program->closes.words[i]) != 0;
        follow(program, i, read, &to.readers);
    }
    for (unsigned i = 0; i < program->words; i++) {
        any |= to.readers.words[i];
    }
    return any == 0 && to.closes == 0 ? LOST : find_state(b, &to);
}

static void build_row(struct builder *b, uint32_t row)
{
    const struct state state = *b->states[row];
    uint16_t *next = b->next + row * b->width;

    for (uint32_t symbol = 0; symbol < b->alphabet->count && !b->refused; symbol++) {
        next[symbol] = (uint16_t)(step(b, &state, symbol) * b->width);
    }
    next[b->alphabet->count] = (uint16_t)((state.closes != 0 ? MATCHED : LOST) * b->width);
}

/* The only symbol by which a row is not lost at once, or the end's when there is not just one. */
static uint32_t only_way(const struct builder *b, uint32_t row)
{
    const uint16_t *next = b->next + row * b->width;
    uint32_t end = b->alphabet->count;
    uint32_t way = end;

    if (next[end] != 0) {
        return end;
    }
    for (uint32_t symbol = 0; symbol < end; symbol++) {
        if (next[symbol] != 0) {
            if (way != end) {
                return end;
            }
            way = symbol;
        }
    }
    return way;
}

/* The characters that a match must begin with; the row behind them. */
static uint32_t find_prefix(struct builder *b, uint32_t row)
{
    while (row != MATCHED && b->prefix_len + 4 <= PREFIX_BYTES_MAX) {
        uint32_t symbol = only_way(b, row);
        if (symbol == b->alphabet->count || b->alphabet->single[symbol] > REGULAR_CODE_MAX) {
            break;
        }
        b->prefix_len += nx_utf8_put(b->prefix + b->prefix_len, b->alphabet->single[symbol]);
        row = b->next[row * b->width + symbol] / b->width;
    }
    return row;
}

/* The symbols of bytes in JSON text: bytes beyond ASCII end it as well. */
static void map_json(struct automaton *a, uint8_t end)
{
    memset(a->json, end, sizeof(a->json));
    for (unsigned byte = 0x20; byte < 0x80; byte++) {
        if (byte != '"' && byte != '\\') {
            a->json[byte] = a->ascii[byte];
        }
    }
}

/* One block: the struct with its table, then the wide ranges, their symbols and the prefix. */
static struct automaton *pack(const struct builder *b, uint32_t start)
{
    const struct alphabet *alphabet = b->alphabet;
    size_t table = (size_t)b->count * b->width * sizeof(b->next[0]);
    size_t table_room = (table + 7) / 8 * 8; /* so that what follows is aligned */
    size_t first = alphabet->wide_count * sizeof(uint32_t);
    struct automaton *a =
        calloc(1, sizeof(*a) + table_room + first + alphabet->wide_count + b->prefix_len);
    char *tail;

    if (a == NULL) {
        return NULL;
    }
    a->matched = (uint16_t)(MATCHED * b->width);
    a->start = (uint16_t)(start * b->width);
    a->first = (uint16_t)(b->program->matches_all ? a->start : START * b->width);
    a->prefix_len = b->prefix_len;
    a->wide_count = alphabet->wide_count;
    memcpy(a->ascii, alphabet->ascii, sizeof(a->ascii));
    map_json(a, (uint8_t)alphabet->count);
    memcpy(a->next, b->next, table);
    tail = (char *)a->next + table_room;
    a->wide_first = memcpy(tail, alphabet->wide_first, first);
    a->wide_symbol = memcpy(tail + first, alphabet->wide_symbol, alphabet->wide_count);
    a->prefix = memcpy(tail + first + alphabet->wide_count, b->prefix, b->prefix_len);
    return a;
}

static struct automaton *build(struct builder *b)
{
    const struct program *program = b->program;
    const struct state none = {.closes = 0};
    const struct state start = {.readers = program->first, .closes = program->matches_empty};

    /* Not found but added: ^ holds at the start only, so no other state may be this one. */
    (void)add_state(b, &none);
    (void)add_state(b, &none);
    (void)add_state(b, &start);
    if (program->matches_all) {
        return b->refused ? NULL : pack(b, MATCHED);
    }
    for (uint32_t row = START; row < b->count && !b->refused; row++) {
        build_row(b, row);
    }
    return b->refused ? NULL : pack(b, find_prefix(b, START));
}

struct automaton *nx_automaton_new(const struct program *program, const struct alphabet *alphabet,
                                   struct nx_arena *arena)
{
    struct builder *b = nx_arena_alloc(arena, sizeof(*b));
    struct automaton *automaton;

    if (b == NULL) {
        return NULL;
    }
    b->program = program;
    b->alphabet = alphabet;
    b->arena = arena;
    b->width = alphabet->count + 1;
    nx_map_init(&b->known, STATES_MAX, 0);
    automaton = build(b);
    nx_map_fini(&b->known);
    return automaton;
}

void nx_automaton_free(struct automaton *automaton)
{
    free(automaton);
}

/* ---- matching ---------------------------------------------------------------------------- */

/* Does the text begin with what every match begins with? */
static bool has_prefix(const struct automaton *a, struct nx_span text)
{
    return a->prefix_len == 0 ||
           (text.len >= a->prefix_len && memcmp(text.ptr, a->prefix, a->prefix_len) == 0);
}

bool nx_automaton_match(const struct automaton *automaton, struct nx_span text, size_t *steps)
{
    const uint16_t matched = automaton->matched;
    const char *end = text.ptr + text.len;
    const char *p = text.ptr;
    uint16_t state = LOST;

    if (has_prefix(automaton, text)) {
        p += automaton->prefix_len;
        state = automaton->start;
    }
    while (p < end && state > matched) {
        unsigned char byte = (unsigned char)*p;
        if (byte < 0x80) {
            state = automaton->next[state + automaton->ascii[byte]];
            p++;
        } else {
            uint32_t code = nx_utf8_next(&p, end);
            uint8_t symbol = nx_alphabet_wide(automaton->wide_first, automaton->wide_symbol,
                                              automaton->wide_count, code);
            state = automaton->next[state + symbol];
        }
    }
    if (steps != NULL) {
        *steps += (size_t)(p - text.ptr);
    }
    if (state > matched) {
        state = automaton->next[state + matched - 1]; /* the end is the last symbol of a row */
    }
    return state == matched;
}

bool nx_automaton_is_inline(const struct automaton *automaton)
{
    return automaton->first > automaton->matched;
}

const char *nx_automaton_match_inline(const struct automaton *automaton, const char *p)
{
    const uint16_t matched = automaton->matched;
    uint16_t state = automaton->first;

    do {
        state = automaton->next[state + automaton->json[(unsigned char)*p++]];
    } while (state > matched);
    return state == matched ? p - 1 : NULL;
}

/* ---- forms ------------------------------------------------------------------------------- */

/* Rows by their number. */
struct rows {
    bool in[STATES_MAX];
};

/* Adds where the row leads by the byte, or by any digit when it is '0'. */
static void lead(const struct automaton *a, uint16_t row, char byte, struct rows *to)
{
    char last = byte == '0' ? '9' : byte;
    uint16_t width = a->matched; /* that row's place is a row's width */

    for (; byte <= last; byte++) {
        uint16_t place = a->next[row * width + a->ascii[(unsigned char)byte]];
        to->in[row == MATCHED ? MATCHED : place / width] = true;
    }
}

bool nx_automaton_matches_form(const struct automaton *automaton, struct nx_span form)
{
    uint16_t width = automaton->matched;
    struct rows now = {{false}}, next;

    now.in[automaton->first / width] = true;
    for (size_t i = 0; i < form.len && !now.in[LOST]; i++) {
        next = (struct rows){{false}};
        for (uint16_t row = MATCHED; row < STATES_MAX; row++) {
            if (now.in[row]) {
                lead(automaton, row, form.ptr[i], &next);
            }
        }
        now = next;
    }
    for (uint16_t row = START; row < STATES_MAX && !now.in[LOST]; row++) {
        now.in[LOST] = now.in[row] && automaton->next[row * width + width - 1] != width;
    }
    return !now.in[LOST];
}
