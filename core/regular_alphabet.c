/*
 * regular_alphabet.c - the symbols of an expression: 1,114,112 code points in as few classes as its
 * sets tell apart, so that a state needs a dozen columns and characters of many bytes no states of
 * their own.
 *
 * The sets' bounds cut the code points into intervals; intervals that lie in the same sets are one
 * symbol.
 */
#include "core/regular_parts.h"

#include <stdlib.h>

enum {
    CUTS_MAX = 8 * 1024,
    SET_WORDS = REGULAR_SETS_MAX / 64,
};

/* The sets that hold an interval. */
struct signature {
    uint64_t words[SET_WORDS];
};

struct cutter {
    const struct codes_table *table;
    struct signature signatures[REGULAR_SYMBOLS_MAX]; /* of each symbol so far */
    uint32_t cuts_count;
    uint32_t cuts[CUTS_MAX]; /* where an interval begins */
};

static int compare_cuts(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

/* All bounds, ascending and once each, with 0 and U+0080 among them. */
static bool find_cuts(struct cutter *c)
{
    uint32_t kept = 0;

    c->cuts[c->cuts_count++] = 0;
    c->cuts[c->cuts_count++] = 0x80;
    for (uint32_t i = 0; i < c->table->count; i++) {
        const struct codes *codes = c->table->sets[i];
        if (c->cuts_count + 2 * codes->count > CUTS_MAX) {
            return false;
        }
        for (uint32_t k = 0; k < codes->count; k++) {
            c->cuts[c->cuts_count++] = codes->ranges[k].first;
            c->cuts[c->cuts_count++] = codes->ranges[k].last + 1;
        }
    }
    qsort(c->cuts, c->cuts_count, sizeof(c->cuts[0]), compare_cuts);
    for (uint32_t i = 1; i < c->cuts_count; i++) {
        if (c->cuts[i] != c->cuts[kept] && c->cuts[i] <= REGULAR_CODE_MAX) {
            c->cuts[++kept] = c->cuts[i];
        }
    }
    c->cuts_count = kept + 1;
    return true;
}

static struct signature sign(const struct codes_table *table, uint32_t code)
{
    struct signature signature = {{0}};

    for (uint32_t i = 0; i < table->count; i++) {
        if (nx_codes_contain(table->sets[i]->ranges, table->sets[i]->count, code)) {
            signature.words[i / 64] |= (uint64_t)1 << i % 64;
        }
    }
    return signature;
}

/* The symbol of a signature, which may be a new one; SYMBOLS_MAX when there are too many. */
static uint32_t symbol_of(struct cutter *c, struct alphabet *alphabet,
                          const struct signature *signature)
{
    uint32_t i = 0;

    while (i < alphabet->count && memcmp(&c->signatures[i], signature, sizeof(*signature)) != 0) {
        i++;
    }
    if (i == alphabet->count && i < REGULAR_SYMBOLS_MAX) {
        c->signatures[i] = *signature;
        alphabet->count++;
    }
    return i;
}

/* Gives the code points from cut `at` to the next one their symbol. */
static bool place(struct cutter *c, struct alphabet *alphabet, uint32_t at)
{
    uint32_t first = c->cuts[at];
    uint32_t next = at + 1 < c->cuts_count ? c->cuts[at + 1] : REGULAR_CODE_MAX + 1;
    struct signature signature = sign(c->table, first);
    uint32_t known = alphabet->count;
    uint32_t symbol = symbol_of(c, alphabet, &signature);

    if (symbol == REGULAR_SYMBOLS_MAX) {
        return false;
    }
    alphabet->single[symbol] = symbol == known && next == first + 1 ? first : REGULAR_CODE_MAX + 1;
    if (first < 0x80) {
        memset(alphabet->ascii + first, (int)symbol, next - first);
    } else if (alphabet->wide_count == 0 ||
               alphabet->wide_symbol[alphabet->wide_count - 1] != symbol) {
        alphabet->wide_first[alphabet->wide_count] = first;
        alphabet->wide_symbol[alphabet->wide_count++] = (uint8_t)symbol;
    }
    return true;
}

static void find_readers(const struct cutter *c, const struct program *program,
                         struct alphabet *alphabet)
{
    for (uint32_t symbol = 0; symbol < alphabet->count; symbol++) {
        for (unsigned i = 0; i < program->count; i++) {
            uint32_t id = program->codes[i]->id;
            if ((c->signatures[symbol].words[id / 64] >> id % 64 & 1) != 0) {
                alphabet->readers[symbol].words[i / 64] |= (uint64_t)1 << i % 64;
            }
        }
    }
}

struct alphabet *nx_alphabet_make(const struct program *program, const struct codes_table *table,
                                  struct nx_arena *arena)
{
    struct alphabet *alphabet = nx_arena_alloc(arena, sizeof(*alphabet));
    struct cutter *c = nx_arena_alloc(arena, sizeof(*c));

    if (alphabet == NULL || c == NULL) {
        return NULL;
    }
    c->table = table;
    if (!find_cuts(c)) {
        return NULL;
    }
    alphabet->wide_first = nx_arena_array(arena, c->cuts_count, sizeof(uint32_t));
    alphabet->wide_symbol = nx_arena_array(arena, c->cuts_count, sizeof(uint8_t));
    if (alphabet->wide_first == NULL || alphabet->wide_symbol == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < c->cuts_count; i++) {
        if (!place(c, alphabet, i)) {
            return NULL;
        }
    }
    find_readers(c, program, alphabet);
    return alphabet;
}
