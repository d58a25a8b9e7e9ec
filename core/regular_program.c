/*
 * regular_program.c - from the tree to positions and what may follow each.
 *
 * In two steps. First instructions (Thompson): every repetition is written out, so that {2,4} is
 * two copies and two that may be left out. Then, for each instruction that reads a character, what
 * can be reached from it without reading: ^ is passable only before the first character, $ only
 * behind the last. Reaching is asked once for each case, so matching knows of neither.
 */
#include "core/regular_parts.h"

enum {
    INSTRUCTIONS_MAX = 4 * 1024,
    EMITTED_MAX = 16 * 1024, /* nodes written out, so that empty ones end too */
};

enum operation { OP_READ, OP_SPLIT, OP_START, OP_END, OP_MATCH };

struct instruction {
    enum operation operation;
    uint32_t next;
    uint32_t other;    /* of a SPLIT */
    uint32_t position; /* of a READ */
};

struct writer {
    struct program *program;
    unsigned emitted;
    bool refused;
    uint32_t count;
    struct instruction code[INSTRUCTIONS_MAX];
    uint32_t readers[REGULAR_POSITIONS_MAX]; /* the instruction of each position */
    uint32_t stack[2 * INSTRUCTIONS_MAX];
    uint32_t seen[INSTRUCTIONS_MAX]; /* the walk that was here last */
    uint32_t walk;
};

/* ---- writing ----------------------------------------------------------------------------- */

static uint32_t write(struct writer *w, enum operation operation, uint32_t next, uint32_t other)
{
    if (w->count == INSTRUCTIONS_MAX) {
        w->refused = true;
        return 0;
    }
    w->code[w->count] = (struct instruction){.operation = operation, .next = next, .other = other};
    return w->count++;
}

static uint32_t write_read(struct writer *w, const struct codes *codes, uint32_t next)
{
    struct program *program = w->program;
    uint32_t at = write(w, OP_READ, next, 0);

    if (program->count == REGULAR_POSITIONS_MAX || w->refused) {
        w->refused = true;
        return 0;
    }
    w->code[at].position = program->count;
    w->readers[program->count] = at;
    program->codes[program->count++] = codes;
    return at;
}

static uint32_t write_node(struct writer *w, const struct node *node, uint32_t next);

/* max - min copies that may be left out behind min that may not; all behind max when unbounded. */
static uint32_t write_repeat(struct writer *w, const struct node *node, uint32_t next)
{
    uint32_t copies = node->min;
    uint32_t at = next;

    if (node->max == REGULAR_UNBOUNDED) {
        uint32_t split = write(w, OP_SPLIT, 0, next);
        uint32_t body = write_node(w, node->last, split);
        w->code[split].next = body;
        at = copies > 0 ? body : split;
        copies -= copies > 0;
    } else {
        for (uint32_t i = node->min; i < node->max && !w->refused; i++) {
            at = write(w, OP_SPLIT, write_node(w, node->last, at), next);
        }
    }
    for (; copies > 0 && !w->refused; copies--) {
        at = write_node(w, node->last, at);
    }
    return at;
}

static uint32_t write_choice(struct writer *w, const struct node *node, uint32_t next)
{
    const struct node *branch = node->last;
    uint32_t at = write_node(w, branch, next);

    while ((branch = branch->before) != NULL && !w->refused) {
        at = write(w, OP_SPLIT, write_node(w, branch, next), at);
    }
    return at;
}

/* Writes `node`, to be followed by the instruction `next`; where it begins. From back to front. */
static uint32_t write_node(struct writer *w, const struct node *node, uint32_t next)
{
    if (w->refused || ++w->emitted > EMITTED_MAX) {
        w->refused = true;
        return 0;
    }
    switch (node->kind) {
    case NODE_SET:
        return write_read(w, node->codes, next);
    case NODE_START:
        return write(w, OP_START, next, 0);
    case NODE_END:
        return write(w, OP_END, next, 0);
    case NODE_SEQUENCE:
        for (const struct node *n = node->last; n != NULL; n = n->before) {
            next = write_node(w, n, next);
        }
        return next;
    case NODE_CHOICE:
        return write_choice(w, node, next);
    case NODE_REPEAT:
        return write_repeat(w, node, next);
    }
    return next;
}

/* ---- reaching ---------------------------------------------------------------------------- */

/* Adds to *reached the positions that may read next after `from`. True: the match is reached. */
static bool reach(struct writer *w, uint32_t from, bool at_start, bool at_end,
                  struct positions *reached)
{
    uint32_t depth = 0;
    bool matches = false;

    w->walk++;
    w->stack[depth++] = from;
    while (depth > 0) {
        uint32_t at = w->stack[--depth];
        const struct instruction *in = &w->code[at];
        if (w->seen[at] == w->walk) {
            continue;
        }
        w->seen[at] = w->walk; /* so each instruction pushes once, and the stack has room */
        switch (in->operation) {
        case OP_READ:
            reached->words[in->position / 64] |= (uint64_t)1 << in->position % 64;
            break;
        case OP_SPLIT:
            w->stack[depth++] = in->other;
            w->stack[depth++] = in->next;
            break;
        case OP_START:
        case OP_END:
            if (in->operation == OP_START ? at_start : at_end) {
                w->stack[depth++] = in->next;
            }
            break;
        case OP_MATCH:
            matches = true;
            break;
        }
    }
    return matches;
}

static void reach_all(struct writer *w, uint32_t entry)
{
    struct program *program = w->program;
    struct positions none = {{0}}; /* who may read on behind the end: nobody asks */
    program->words = (program->count + 63) / 64;
    program->matches_all =
        reach(w, entry, true, false, &program->first) || reach(w, entry, false, true, &none);
    program->matches_empty = reach(w, entry, true, true, &none);
    (void)reach(w, entry, false, false, &program->restart);
    for (unsigned i = 0; i < program->count; i++) {
        uint32_t next = w->code[w->readers[i]].next;
        uint64_t bit = (uint64_t)1 << i % 64;
        if (reach(w, next, false, false, &program->follow[i])) {
            program->ends.words[i / 64] |= bit;
        }
        if (reach(w, next, false, true, &none)) {
            program->closes.words[i / 64] |= bit;
        }
    }
}

struct program *nx_program_make(const struct node *tree, struct nx_arena *arena)
{
    struct writer *w = nx_arena_alloc(arena, sizeof(*w));
    struct program *program = nx_arena_alloc(arena, sizeof(*program));
    uint32_t entry;

    if (w == NULL || program == NULL) {
        return NULL;
    }
    w->program = program;
    entry = write_node(w, tree, write(w, OP_MATCH, 0, 0));
    if (w->refused) {
        return NULL;
    }
    reach_all(w, entry);
    return program;
}
