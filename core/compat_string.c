/*
 * compat_string.c - runs the automata of several patterns side by side over all strings at once,
 * shortest first: is there a string that all of them match, and that another pattern does not?
 * When every reachable set of states was seen and there was none, there is none.
 */
#include "core/compat_automaton.h"

#include "core/utf8.h"

#include <stdlib.h>

enum {
    MACHINES_MAX = COMPAT_STRING_NFAS_MAX + 1, /* the last one is the refusal's */
    SYMBOLS_MAX = 2048,
    WORD_BITS = 64,
    LENGTH_MIN_MAX = 1024,
    TABLE_SLOTS = 4 * NX_COMPAT_STRING_STATES_MAX,
    SURROGATE_FIRST = 0xD800,
    SURROGATE_LAST = 0xDFFF,
    CODE_END = 0x110000,
};

/* A set of states of all machines, reached by a string. */
struct config {
    uint32_t parent;
    uint32_t code;    /* the last code point of the string */
    uint32_t length;  /* of the string */
    uint32_t counted; /* the same, up to the least length */
};

struct explorer {
    struct compat_nfa *machines[MACHINES_MAX];
    uint32_t base[MACHINES_MAX]; /* the first bit of each */
    uint32_t machines_count;
    bool refuses; /* the last machine must not match */
    uint32_t bits;
    uint32_t words;
    uint32_t symbols[SYMBOLS_MAX]; /* one code point of each class that no machine tells apart */
    uint32_t symbols_count;
    uint64_t *taken; /* by symbol: the states that take it */
    uint64_t *sets;  /* by config */
    struct config *configs;
    uint32_t configs_count;
    uint32_t *table;
    uint64_t *scratch; /* two sets */
    uint32_t *stack;
    uint64_t length_min;
    uint64_t length_max;
};

static bool has_bit(const uint64_t *set, uint32_t bit)
{
    return (set[bit / WORD_BITS] >> (bit % WORD_BITS) & 1) != 0;
}

static void set_bit(uint64_t *set, uint32_t bit)
{
    set[bit / WORD_BITS] |= (uint64_t)1 << (bit % WORD_BITS);
}

/* ---- closure ------------------------------------------------------------------------------- */

/* Adds `state` and all that is reached from it without taking a code point. */
static void reach(struct explorer *x, uint32_t machine, uint32_t state, bool begin, bool end,
                  uint64_t *set)
{
    const struct compat_nfa *nfa = x->machines[machine];
    uint32_t base = x->base[machine];
    uint32_t depth = 0;

    x->stack[depth++] = state;
    while (depth > 0) {
        uint32_t at = x->stack[--depth];
        const struct nfa_state *s = &nfa->states[at];
        if (has_bit(set, base + at)) {
            continue;
        }
        set_bit(set, base + at);
        if (s->kind == NFA_SPLIT) {
            x->stack[depth++] = s->b;
            x->stack[depth++] = s->a;
        } else if ((s->kind == NFA_BEGIN && begin) || (s->kind == NFA_END && end)) {
            x->stack[depth++] = s->a;
        }
    }
}

/* Is the pattern found when the text ends here? */
static bool accepts(struct explorer *x, uint32_t machine, const uint64_t *set, bool begin)
{
    const struct compat_nfa *nfa = x->machines[machine];
    uint64_t *all = x->scratch + x->words;

    memset(all, 0, x->words * sizeof(all[0]));
    for (uint32_t state = 0; state < nfa->states_count; state++) {
        if (has_bit(set, x->base[machine] + state)) {
            reach(x, machine, state, begin, true, all);
        }
    }
    return has_bit(all, x->base[machine] + NFA_ACCEPT_STATE);
}

static bool is_wanted(struct explorer *x, uint32_t config)
{
    const uint64_t *set = x->sets + (size_t)config * x->words;
    const struct config *c = &x->configs[config];

    if (c->length < x->length_min || c->length > x->length_max) {
        return false;
    }
    for (uint32_t m = 0; m < x->machines_count; m++) {
        bool refusal = x->refuses && m + 1 == x->machines_count;
        if (accepts(x, m, set, c->length == 0) == refusal) {
            return false;
        }
    }
    return true;
}

/* ---- configurations ------------------------------------------------------------------------ */

static uint64_t hash_config(const struct explorer *x, const uint64_t *set, uint32_t counted)
{
    uint64_t hash = counted * UINT64_C(0x9E3779B97F4A7C15);

    for (uint32_t i = 0; i < x->words; i++) {
        hash = (hash ^ set[i]) * UINT64_C(0xFF51AFD7ED558CCD);
        hash ^= hash >> 32;
    }
    return hash;
}

/* Keeps the set in scratch[0] unless it is known; false when there is no room. */
static bool add_config(struct explorer *x, uint32_t parent, uint32_t code, uint32_t length)
{
    uint32_t counted = length < x->length_min ? length : (uint32_t)x->length_min;
    bool start = length == 0; /* ^ still holds there, so it is a configuration of its own */
    uint64_t slot = hash_config(x, x->scratch, counted) % TABLE_SLOTS;

    for (; x->table[slot] != 0; slot = (slot + 1) % TABLE_SLOTS) {
        uint32_t other = x->table[slot] - 1;
        if (x->configs[other].counted == counted && (x->configs[other].length == 0) == start &&
            memcmp(x->sets + (size_t)other * x->words, x->scratch, x->words * sizeof(x->sets[0])) ==
                0) {
            return true;
        }
    }
    if (x->configs_count == NX_COMPAT_STRING_STATES_MAX) {
        return false;
    }
    memcpy(x->sets + (size_t)x->configs_count * x->words, x->scratch,
           x->words * sizeof(x->sets[0]));
    x->configs[x->configs_count] = (struct config){parent, code, length, counted};
    x->table[slot] = ++x->configs_count;
    return true;
}

/* The set after one more code point, in scratch[0]. */
static void step(struct explorer *x, uint32_t config, uint32_t symbol)
{
    const uint64_t *set = x->sets + (size_t)config * x->words;
    const uint64_t *taken = x->taken + (size_t)symbol * x->words;

    memset(x->scratch, 0, x->words * sizeof(x->scratch[0]));
    for (uint32_t m = 0; m < x->machines_count; m++) {
        const struct compat_nfa *nfa = x->machines[m];
        if (has_bit(set, x->base[m] + NFA_ACCEPT_STATE)) {
            set_bit(x->scratch, x->base[m] + NFA_ACCEPT_STATE); /* found is found */
            continue;
        }
        reach(x, m, nfa->start, false, false, x->scratch); /* unanchored: it may begin here */
        for (uint32_t state = 0; state < nfa->states_count; state++) {
            uint32_t bit = x->base[m] + state;
            if (has_bit(set, bit) && has_bit(taken, bit)) {
                reach(x, m, nfa->states[state].a, false, false, x->scratch);
            }
        }
    }
}

/* ---- the alphabet -------------------------------------------------------------------------- */

static void take_symbol(struct explorer *x, uint32_t code, uint64_t *taken)
{
    memset(taken, 0, x->words * sizeof(taken[0]));
    for (uint32_t m = 0; m < x->machines_count; m++) {
        const struct compat_nfa *nfa = x->machines[m];
        for (uint32_t state = 0; state < nfa->states_count; state++) {
            const struct nfa_state *s = &nfa->states[state];
            for (uint32_t i = 0; s->kind == NFA_SET && i < s->ranges_count; i++) {
                const struct code_range *range = &nfa->ranges[s->ranges + i];
                if (range->first <= code && code <= range->last) {
                    set_bit(taken, x->base[m] + state);
                }
            }
        }
    }
}

/* Adds a code point unless the machines cannot tell it from one that is there. */
static bool add_symbol(struct explorer *x, uint32_t code)
{
    uint64_t *taken = x->taken + (size_t)x->symbols_count * x->words;

    if (code >= CODE_END || (code >= SURROGATE_FIRST && code <= SURROGATE_LAST)) {
        return true;
    }
    if (x->symbols_count == SYMBOLS_MAX) {
        return false;
    }
    take_symbol(x, code, taken);
    for (uint32_t i = 0; i < x->symbols_count; i++) {
        if (memcmp(x->taken + (size_t)i * x->words, taken, x->words * sizeof(taken[0])) == 0) {
            return true;
        }
    }
    x->symbols[x->symbols_count++] = code;
    return true;
}

/*
 * Code points that are good to read come first, so that they stand for their class; then the first
 * of each interval that some range begins or ends.
 */
static bool find_symbols(struct explorer *x)
{
    static const char nice[] = "a0A1bZ_-. /:";

    for (size_t i = 0; i + 1 < sizeof(nice); i++) {
        if (!add_symbol(x, (unsigned char)nice[i])) {
            return false;
        }
    }
    if (!add_symbol(x, 0) || !add_symbol(x, SURROGATE_LAST + 1)) {
        return false;
    }
    for (uint32_t m = 0; m < x->machines_count; m++) {
        for (uint32_t i = 0; i < x->machines[m]->ranges_count; i++) {
            if (!add_symbol(x, x->machines[m]->ranges[i].first) ||
                !add_symbol(x, x->machines[m]->ranges[i].last + 1)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- the search ---------------------------------------------------------------------------- */

static bool add_machine(struct explorer *x, struct nx_span pattern)
{
    struct compat_nfa *nfa = compat_nfa_new(pattern);

    if (nfa == NULL) {
        return false;
    }
    x->machines[x->machines_count] = nfa;
    x->base[x->machines_count++] = x->bits;
    x->bits += nfa->states_count;
    x->words = (x->bits + WORD_BITS - 1) / WORD_BITS;
    return true;
}

static bool explorer_init(struct explorer *x, const struct string_set *set, struct nx_span refusal)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (!add_machine(x, set->patterns[i])) {
            return false;
        }
    }
    if (refusal.ptr != NULL && !add_machine(x, refusal)) {
        return false;
    }
    x->refuses = refusal.ptr != NULL;
    x->words = x->words == 0 ? 1 : x->words;
    x->length_min = set->length_min;
    x->length_max = set->length_max;
    x->taken = calloc((size_t)(SYMBOLS_MAX + 1) * x->words, sizeof(*x->taken));
    x->sets = malloc((size_t)NX_COMPAT_STRING_STATES_MAX * x->words * sizeof(*x->sets));
    x->configs = malloc(NX_COMPAT_STRING_STATES_MAX * sizeof(*x->configs));
    x->table = calloc(TABLE_SLOTS, sizeof(*x->table));
    x->scratch = calloc(2 * (size_t)x->words, sizeof(*x->scratch));
    x->stack = malloc((2 * NX_COMPAT_PATTERN_STATES_MAX + 2) * sizeof(*x->stack));
    return x->taken != NULL && x->sets != NULL && x->configs != NULL && x->table != NULL &&
           x->scratch != NULL && x->stack != NULL && find_symbols(x);
}

static void explorer_fini(struct explorer *x)
{
    for (uint32_t m = 0; m < x->machines_count; m++) {
        compat_nfa_free(x->machines[m]);
    }
    free(x->taken);
    free(x->sets);
    free(x->configs);
    free(x->table);
    free(x->scratch);
    free(x->stack);
}

/* Writes the string that led to `config`. */
static void put_sample(const struct explorer *x, uint32_t config, struct nx_buf *sample)
{
    uint32_t length = x->configs[config].length;
    char bytes[4];

    for (uint32_t i = 1; i <= length; i++) {
        uint32_t at = config;
        while (x->configs[at].length != i) {
            at = x->configs[at].parent;
        }
        (void)nx_buf_add(sample, bytes, nx_utf8_put(bytes, x->configs[at].code));
    }
}

static enum string_answer explore(struct explorer *x, uint32_t *states, uint64_t seed,
                                  uint32_t *found)
{
    for (uint32_t m = 0; m < x->machines_count; m++) {
        reach(x, m, x->machines[m]->start, true, false, x->scratch);
    }
    if (!add_config(x, 0, 0, 0)) {
        return STRING_UNDECIDED;
    }
    for (uint32_t at = 0; at < x->configs_count; at++) {
        if (is_wanted(x, at)) {
            *found = at;
            return STRING_FOUND;
        }
        if (*states == 0) {
            return STRING_UNDECIDED;
        }
        (*states)--;
        for (uint32_t i = 0; x->configs[at].length < x->length_max && i < x->symbols_count; i++) {
            uint32_t symbol = (uint32_t)((i + seed) % x->symbols_count);
            step(x, at, symbol);
            if (!add_config(x, at, x->symbols[symbol], x->configs[at].length + 1)) {
                return STRING_UNDECIDED;
            }
        }
    }
    return STRING_NONE;
}

enum string_answer compat_string_find(const struct string_set *set, struct nx_span refusal,
                                      uint32_t *states, uint64_t seed, struct nx_buf *sample)
{
    enum string_answer answer = STRING_UNDECIDED;
    struct explorer *x;
    uint32_t found = 0;

    if (set->length_min > set->length_max) {
        return STRING_NONE;
    }
    if (set->length_min > LENGTH_MIN_MAX || *states == 0) {
        return STRING_UNDECIDED;
    }
    x = calloc(1, sizeof(*x));
    if (x != NULL && explorer_init(x, set, refusal)) {
        answer = explore(x, states, seed, &found);
    }
    if (answer == STRING_FOUND && sample != NULL) {
        put_sample(x, found, sample);
    }
    if (x != NULL) {
        explorer_fini(x);
        free(x);
    }
    return answer;
}
