/*
 * compat_automaton.h - the automaton of a pattern: what compat_regex.c builds and compat_string.c
 * runs.
 */
#ifndef NX_COMPAT_AUTOMATON_H
#define NX_COMPAT_AUTOMATON_H

#include "core/compat_plan.h"

enum { NFA_RANGES_MAX = 2048, NFA_SET_MAX = 512, NFA_ACCEPT_STATE = 0 };

struct code_range {
    uint32_t first;
    uint32_t last;
};

enum nfa_kind {
    NFA_ACCEPT, /* the pattern was found; what follows is nothing to it */
    NFA_SET,    /* takes one code point of its ranges */
    NFA_SPLIT,  /* goes on at both */
    NFA_BEGIN,  /* only before the first code point */
    NFA_END,    /* only behind the last */
};

struct nfa_state {
    enum nfa_kind kind;
    uint32_t a; /* the next state */
    uint32_t b; /* NFA_SPLIT: the other one */
    uint32_t ranges;
    uint32_t ranges_count;
};

struct compat_nfa {
    uint32_t start;
    uint32_t states_count;
    uint32_t ranges_count;
    struct nfa_state states[NX_COMPAT_PATTERN_STATES_MAX];
    struct code_range ranges[NFA_RANGES_MAX];
};

#endif
