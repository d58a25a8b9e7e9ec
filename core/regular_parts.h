/*
 * regular_parts.h - what the files of the regular matcher share. For core/regular*.c only.
 *
 *   source --parse--> tree --+--> sequence                          (regular_sequence.c)
 *                            +--> program --+--> automaton          (regular_automaton.c)
 *                                           +--> simulation         (regular_simulation.c)
 *
 * Everything on the way lives in one arena that is gone after compiling; sequence, automaton and
 * simulation are blocks of their own. Each step may answer "not I" (NULL or false).
 */
#ifndef NX_REGULAR_PARTS_H
#define NX_REGULAR_PARTS_H

#include "core/base/arena.h"
#include "core/utf8.h"

#include <stdint.h>

enum {
    REGULAR_CODE_MAX = 0x10FFFF,
    REGULAR_REPEAT_MAX = 65535,  /* as PCRE2 has it */
    REGULAR_SETS_MAX = 256,      /* different sets of one expression */
    REGULAR_POSITIONS_MAX = 512, /* places in an expression that read a character */
    REGULAR_SIMULATED_MAX = 256, /* of them, when they are simulated: a step walks them all */
    REGULAR_SYMBOLS_MAX = 255,   /* see struct alphabet */
};

#define REGULAR_UNBOUNDED UINT32_MAX /* the upper bound of * and + */

/* ---- sets of code points: regular_codes.c ------------------------------------------------ */

struct code_range {
    uint32_t first;
    uint32_t last;
};

struct codes {
    const struct code_range *ranges; /* ascending, not touching */
    uint32_t count;
    uint32_t id; /* its place among the sets of the expression; equal sets are one */
};

struct codes_table {
    struct nx_arena *arena;
    const struct codes *sets[REGULAR_SETS_MAX];
    uint32_t count;
};

/*
 * The set of `ranges` in any order (they are sorted in place), or of all others when `negated`;
 * NULL when there are too many sets or no memory.
 */
const struct codes *nx_codes_make(struct codes_table *table, struct code_range *ranges,
                                  uint32_t count, bool negated);
bool nx_codes_contain(const struct code_range *ranges, uint32_t count, uint32_t code);
bool nx_codes_meet(const struct codes *a, const struct codes *b);
/* The one member, when there is only one; else CODE_MAX + 1. */
uint32_t nx_codes_single(const struct codes *codes);

/* ---- the tree: regular_parse.c ----------------------------------------------------------- */

enum node_kind { NODE_SET, NODE_START, NODE_END, NODE_SEQUENCE, NODE_CHOICE, NODE_REPEAT };

struct node {
    enum node_kind kind;
    uint32_t min; /* of a REPEAT */
    uint32_t max;
    const struct codes *codes; /* of a SET */
    struct node *last;         /* the last child; a SEQUENCE may have none */
    struct node *before;       /* the sibling before this one */
};

/* The tree of `source`, or NULL. Groups are nested at most 64 deep, so recursion is safe. */
const struct node *nx_regular_parse(struct nx_span source, struct codes_table *table);

/* ---- sequence ---------------------------------------------------------------------------- */

struct sequence;

/* NULL: the tree is none, or a run could end in more than one place. */
struct sequence *nx_sequence_new(const struct node *tree, struct nx_arena *arena);
void nx_sequence_free(struct sequence *sequence);
bool nx_sequence_match(const struct sequence *sequence, struct nx_span text, size_t *steps);
bool nx_sequence_is_inline(const struct sequence *sequence);
const char *nx_sequence_match_inline(const struct sequence *sequence, const char *p);

/* ---- program: regular_program.c ---------------------------------------------------------- */

enum { POSITION_WORDS_MAX = REGULAR_POSITIONS_MAX / 64 };

/* A set of positions; of the words only the first program.words are used. */
struct positions {
    uint64_t words[POSITION_WORDS_MAX];
};

/*
 * Glushkov's automaton: one position for each set in the expression, repetitions written out, and
 * for each the positions that may read the next character.
 */
struct program {
    unsigned count; /* positions */
    unsigned words;
    const struct codes *codes[REGULAR_POSITIONS_MAX];
    struct positions follow[REGULAR_POSITIONS_MAX];
    struct positions first;   /* may read the first character of a text */
    struct positions restart; /* may read any later one, because the search is unanchored */
    struct positions ends;    /* having read here is a match */
    struct positions closes;  /* having read here is a match if the text ends */
    bool matches_all;
    bool matches_empty;
};

struct program *nx_program_make(const struct node *tree, struct nx_arena *arena);

/*
 * The code points in classes that the expression cannot tell apart, called symbols, and of each
 * the positions that read it.
 */
struct alphabet {
    uint32_t count; /* symbols */
    uint8_t ascii[128];
    uint32_t wide_count;  /* ranges from U+0080 on, without a gap */
    uint32_t *wide_first; /* where each begins */
    uint8_t *wide_symbol;
    uint32_t single[REGULAR_SYMBOLS_MAX]; /* the only member, or more than CODE_MAX */
    struct positions readers[REGULAR_SYMBOLS_MAX];
};

struct alphabet *nx_alphabet_make(const struct program *program, const struct codes_table *table,
                                  struct nx_arena *arena);

/* The symbol of `code` from U+0080 on, by bisection. */
static inline uint8_t nx_alphabet_wide(const uint32_t *first, const uint8_t *symbol, uint32_t count,
                                       uint32_t code)
{
    uint32_t low = 0;

    while (count > 1) {
        uint32_t half = count / 2;
        low += first[low + half] <= code ? half : 0;
        count -= half;
    }
    return symbol[low];
}

/* ---- automaton and simulation ------------------------------------------------------------ */

struct automaton;

/* NULL also when it would have too many states. */
struct automaton *nx_automaton_new(const struct program *program, const struct alphabet *alphabet,
                                   struct nx_arena *arena);
void nx_automaton_free(struct automaton *automaton);
bool nx_automaton_match(const struct automaton *automaton, struct nx_span text, size_t *steps);
bool nx_automaton_is_inline(const struct automaton *automaton);
const char *nx_automaton_match_inline(const struct automaton *automaton, const char *p);
bool nx_automaton_matches_form(const struct automaton *automaton, struct nx_span form);

struct simulation;

struct simulation *nx_simulation_new(const struct program *program,
                                     const struct alphabet *alphabet);
void nx_simulation_free(struct simulation *simulation);
bool nx_simulation_match(const struct simulation *simulation, struct nx_span text, size_t *steps);

#endif
