/*
 * regular.c - tries one way after the other to run an expression, the fastest first.
 */
#include "core/regular.h"

#include "core/regular_parts.h"

#include <stdlib.h>

enum { SCRATCH_BYTES_MAX = 4 * 1024 * 1024 }; /* while compiling */

struct nx_regular {
    enum nx_regular_kind kind;
    union {
        struct sequence *sequence;
        struct automaton *automaton;
        struct simulation *simulation;
    };
};

struct tools {
    struct codes_table table;
    const struct node *tree;
    const struct program *program; /* NULL: not made, or beyond its limits */
    const struct alphabet *alphabet;
};

static bool build_sequence(struct nx_regular *regular, struct tools *tools)
{
    regular->sequence = nx_sequence_new(tools->tree, tools->table.arena);
    return regular->sequence != NULL;
}

static bool build_automaton(struct nx_regular *regular, struct tools *tools)
{
    if (tools->alphabet != NULL) {
        regular->automaton = nx_automaton_new(tools->program, tools->alphabet, tools->table.arena);
    }
    return regular->automaton != NULL;
}

static bool build_simulation(struct nx_regular *regular, struct tools *tools)
{
    if (tools->alphabet != NULL) {
        regular->simulation = nx_simulation_new(tools->program, tools->alphabet);
    }
    return regular->simulation != NULL;
}

/* What automaton and simulation are made from, unless that was done. */
static void prepare(struct tools *tools)
{
    if (tools->program == NULL) {
        tools->program = nx_program_make(tools->tree, tools->table.arena);
    }
    if (tools->program != NULL && tools->alphabet == NULL) {
        tools->alphabet = nx_alphabet_make(tools->program, &tools->table, tools->table.arena);
    }
}

static bool build_as(struct nx_regular *regular, struct tools *tools, enum nx_regular_kind kind)
{
    regular->kind = kind;
    switch (kind) {
    case NX_REGULAR_SEQUENCE:
        return build_sequence(regular, tools);
    case NX_REGULAR_AUTOMATON:
        prepare(tools);
        return build_automaton(regular, tools);
    case NX_REGULAR_SIMULATION:
        prepare(tools);
        return build_simulation(regular, tools);
    }
    return false;
}

/* Tries the kinds from `first` to `last`. */
static struct nx_regular *new_within(struct nx_span source, enum nx_regular_kind first,
                                     enum nx_regular_kind last)
{
    struct nx_regular *regular = calloc(1, sizeof(*regular));
    struct nx_arena arena;
    struct tools tools = {.table = {.arena = &arena}};
    bool built = false;

    if (regular == NULL) {
        return NULL;
    }
    nx_arena_init(&arena, SCRATCH_BYTES_MAX);
    tools.tree = nx_regular_parse(source, &tools.table);
    for (enum nx_regular_kind kind = first; kind <= last && !built && tools.tree != NULL; kind++) {
        built = build_as(regular, &tools, kind);
    }
    nx_arena_fini(&arena);
    if (!built) {
        free(regular);
        return NULL;
    }
    return regular;
}

struct nx_regular *nx_regular_new(struct nx_span source)
{
    return new_within(source, NX_REGULAR_SEQUENCE, NX_REGULAR_SIMULATION);
}

struct nx_regular *nx_regular_new_as(struct nx_span source, enum nx_regular_kind kind)
{
    return new_within(source, kind, kind);
}

void nx_regular_free(struct nx_regular *regular)
{
    if (regular == NULL) {
        return;
    }
    switch (regular->kind) {
    case NX_REGULAR_SEQUENCE:
        nx_sequence_free(regular->sequence);
        break;
    case NX_REGULAR_AUTOMATON:
        nx_automaton_free(regular->automaton);
        break;
    case NX_REGULAR_SIMULATION:
        nx_simulation_free(regular->simulation);
        break;
    }
    free(regular);
}

bool nx_regular_match_counted(const struct nx_regular *regular, struct nx_span text, size_t *steps)
{
    if (text.len == 0) {
        text.ptr = ""; /* it may be NULL */
    }
    switch (regular->kind) {
    case NX_REGULAR_SEQUENCE:
        return nx_sequence_match(regular->sequence, text, steps);
    case NX_REGULAR_AUTOMATON:
        return nx_automaton_match(regular->automaton, text, steps);
    case NX_REGULAR_SIMULATION:
        return nx_simulation_match(regular->simulation, text, steps);
    }
    return false;
}

bool nx_regular_match(const struct nx_regular *regular, struct nx_span text)
{
    return nx_regular_match_counted(regular, text, NULL);
}

bool nx_regular_is_inline(const struct nx_regular *regular)
{
    switch (regular->kind) {
    case NX_REGULAR_SEQUENCE:
        return nx_sequence_is_inline(regular->sequence);
    case NX_REGULAR_AUTOMATON:
        return nx_automaton_is_inline(regular->automaton);
    case NX_REGULAR_SIMULATION:
        break;
    }
    return false;
}

const char *nx_regular_match_inline(const struct nx_regular *regular, const char *p)
{
    return regular->kind == NX_REGULAR_SEQUENCE ? nx_sequence_match_inline(regular->sequence, p)
                                                : nx_automaton_match_inline(regular->automaton, p);
}

bool nx_regular_matches_form(const struct nx_regular *regular, struct nx_span form)
{
    return regular->kind == NX_REGULAR_AUTOMATON &&
           nx_automaton_matches_form(regular->automaton, form);
}

enum nx_regular_kind nx_regular_kind(const struct nx_regular *regular)
{
    return regular->kind;
}
