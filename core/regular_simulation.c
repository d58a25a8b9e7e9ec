/*
 * regular_simulation.c - for expressions whose automaton would be too large, `^(.*a.{12}|b)$`: the
 * set of positions is kept as bits and moved on by each character.
 *
 * What may follow is tabled for every four positions together, so a step costs at most one look-up
 * for every four positions of the expression, whatever the text is.
 */
#include "core/regular_parts.h"

#include <stdlib.h>

enum {
    WORDS = REGULAR_SIMULATED_MAX / 64,
    NIBBLES_IN_WORD = 16,
    NIBBLE_VALUES = 16,
};

struct bits {
    uint64_t words[WORDS];
};

struct simulation {
    bool matches_empty;
    uint32_t wide_count;
    const uint32_t *wide_first;
    const uint8_t *wide_symbol;
    const struct bits *readers; /* by symbol */
    uint8_t ascii[128];
    struct bits first;
    struct bits restart;
    struct bits ends;
    struct bits closes;
    struct bits follow[WORDS * NIBBLES_IN_WORD][NIBBLE_VALUES];
};

static struct bits narrow(const struct positions *positions)
{
    struct bits bits;

    memcpy(&bits, positions, sizeof(bits));
    return bits;
}

static void add(struct bits *to, const struct bits *more)
{
    for (unsigned i = 0; i < WORDS; i++) {
        to->words[i] |= more->words[i];
    }
}

static bool meet(const struct bits *a, const struct bits *b)
{
    uint64_t both = 0;

    for (unsigned i = 0; i < WORDS; i++) {
        both |= a->words[i] & b->words[i];
    }
    return both != 0;
}

/* Each entry is the one without its lowest position, and what follows that. */
static void table_follow(struct simulation *s, const struct program *program)
{
    for (unsigned nibble = 0; nibble * 4 < program->count; nibble++) {
        for (unsigned value = 1; value < NIBBLE_VALUES; value++) {
            unsigned position = nibble * 4 + (unsigned)__builtin_ctz(value);
            s->follow[nibble][value] = s->follow[nibble][value & (value - 1)];
            if (position < program->count) {
                struct bits next = narrow(&program->follow[position]);
                add(&s->follow[nibble][value], &next);
            }
        }
    }
}

/* One block: the struct, then the readers, the wide ranges and their symbols. */
struct simulation *nx_simulation_new(const struct program *program, const struct alphabet *alphabet)
{
    size_t readers = alphabet->count * sizeof(struct bits);
    size_t first = alphabet->wide_count * sizeof(uint32_t);
    struct simulation *s;
    struct bits *tail;
    char *wide;

    if (program->count > REGULAR_SIMULATED_MAX || program->matches_all) {
        return NULL;
    }
    s = calloc(1, sizeof(*s) + readers + first + alphabet->wide_count);
    if (s == NULL) {
        return NULL;
    }
    tail = (struct bits *)(s + 1);
    for (uint32_t i = 0; i < alphabet->count; i++) {
        tail[i] = narrow(&alphabet->readers[i]);
    }
    wide = (char *)tail + readers;
    s->readers = tail;
    s->wide_count = alphabet->wide_count;
    s->wide_first = memcpy(wide, alphabet->wide_first, first);
    s->wide_symbol = memcpy(wide + first, alphabet->wide_symbol, alphabet->wide_count);
    memcpy(s->ascii, alphabet->ascii, sizeof(s->ascii));
    s->matches_empty = program->matches_empty;
    s->first = narrow(&program->first);
    s->restart = narrow(&program->restart);
    s->ends = narrow(&program->ends);
    s->closes = narrow(&program->closes);
    table_follow(s, program);
    return s;
}

void nx_simulation_free(struct simulation *simulation)
{
    free(simulation);
}

/* The positions that may read after those in `read` have read. */
static struct bits advance(const struct simulation *s, const struct bits *read)
{
    struct bits next = s->restart;

    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t left = read->words[i];
        while (left != 0) {
            unsigned nibble = (unsigned)__builtin_ctzll(left) / 4;
            unsigned value = (unsigned)(left >> nibble * 4) & 15;
            add(&next, &s->follow[i * NIBBLES_IN_WORD + nibble][value]);
            left &= ~((uint64_t)15 << nibble * 4);
        }
    }
    return next;
}

static uint8_t next_symbol(const struct simulation *s, const char **p, const char *end)
{
    uint32_t code = nx_utf8_next(p, end);

    return code < 0x80 ? s->ascii[code]
                       : nx_alphabet_wide(s->wide_first, s->wide_symbol, s->wide_count, code);
}

bool nx_simulation_match(const struct simulation *simulation, struct nx_span text, size_t *steps)
{
    const char *p = text.ptr;
    const char *end = text.ptr + text.len;
    struct bits next = simulation->first;
    bool ended = false;
    bool closed = simulation->matches_empty;

    while (p < end && !ended) {
        struct bits read = simulation->readers[next_symbol(simulation, &p, end)];
        for (unsigned i = 0; i < WORDS; i++) {
            read.words[i] &= next.words[i];
        }
        ended = meet(&read, &simulation->ends);
        closed = meet(&read, &simulation->closes);
        next = advance(simulation, &read);
    }
    if (steps != NULL) {
        *steps += (size_t)(p - text.ptr);
    }
    return ended || closed;
}
