/*
 * link_state.h - the inside of the link engine, shared by link.c (life, mark, time),
 * link_single.c (one by one) and link_batch.c (in batches), and by nobody else.
 *
 *   settled      in flight: answers missing, in any order       not yet sent
 *   ......... | unit unit unit unit unit unit unit unit | ........................
 *             ^ cursor                                  ^ next                   ^ stored
 *
 * (L1) next <= stored + 1; tail - head <= window, and the units are next to each other.
 * (L2) only SENDING gives steps.
 * (L3) the cursor passes a unit only when every part of it was sent or is dead, in order.
 * (L4) cursor == sent + filtered + dead and dropped <= dead: each number is counted once, when the
 *      cursor passes it.
 * (L5) in DOWN, ASKING and STOPPED nothing is in flight.
 * (L6) saved.cursor <= cursor and saved.marked <= marked: what was persisted was true.
 * (L7) in batches, only a repair goes on behind the cursor, and no unit reaches across it.
 * (L8) a part is released only when its outgoing number is at or below saved.marked.
 * (L9) given up is only what was never sent, and nothing jumps over it before that is durable.
 * (L10) what is in flight lies on one side of each border.
 */
#ifndef NX_LINK_STATE_H
#define NX_LINK_STATE_H

#include "core/link.h"

struct link_unit {
    uint64_t after, until; /* it accounts for after + 1 .. until */
    uint64_t dropped;      /* of these, given up */
    uint32_t filtered, dead;
    uint8_t open;     /* parts neither sent nor dead */
    uint8_t received; /* QoS 2: parts that the peer's broker holds */
    uint8_t released; /* of these, whose PUBREL went out */
};

struct nx_link {
    struct nx_link_config config;
    enum nx_link_state state;
    uint64_t since_ms; /* of the state */
    uint64_t stored;
    struct nx_link_mark mark, saved;
    bool unsaved;        /* mark differs from saved, */
    uint64_t unsaved_ms; /* since then */
    uint64_t next;       /* the number to be sent next */
    uint8_t part;        /* the part of it that goes next */

    uint64_t head, tail; /* units in flight, by number */
    uint64_t lost;       /* answers to units below it belong to a connection that is gone */
    uint32_t unanswered; /* units from `lost` on without an answer, in flight or given up */
    uint64_t release;    /* units below it have nothing to release */

    uint64_t doubt; /* numbers up to here may have been sent before: not to be given up */

    uint64_t credit, credit_ms; /* thousandths of a number that the rate allows, at that time */

    /* batches */
    uint64_t had;   /* the receiver accounts for numbers up to here */
    uint64_t reach; /* and will, when it takes what was sent */
    uint64_t ask_at_ms;
    uint32_t questions; /* since the last answer */
    uint32_t refusals;  /* since a batch was last taken */
    uint32_t rows_max;  /* numbers of a batch: less after refusals */
    uint32_t units_max; /* batches in flight: one after a pause, up to the window */
    uint64_t pause_until_ms;
    uint64_t borders[NX_LINK_BORDERS_MAX];
    size_t borders_count;

    uint64_t *dead;           /* batches: NX_LINK_BATCH_WORDS of each unit */
    struct link_unit units[]; /* by number % window */
};

static inline struct link_unit *link_unit(struct nx_link *link, uint64_t number)
{
    return &link->units[number % link->config.window];
}

static inline uint64_t *link_dead_words(struct nx_link *link, uint64_t number)
{
    return link->dead + number % link->config.window * NX_LINK_BATCH_WORDS;
}

static inline bool link_full(const struct nx_link *link)
{
    return link->tail - link->head >= link->config.window;
}

static inline uint8_t link_first_part(const struct nx_link *link)
{
    return (uint8_t)__builtin_ctz(link->config.parts);
}

/* link.c */
void link_assert(const struct nx_link *link);
void link_enter(struct nx_link *link, enum nx_link_state state, uint64_t now_ms);
void link_forget(struct nx_link *link); /* what is in flight will be sent again */
void link_settle(struct nx_link *link, uint64_t now_ms);
void link_touch(struct nx_link *link, uint64_t now_ms); /* the mark differs from what is saved */
uint64_t link_allowance(const struct nx_link *link, uint64_t now_ms); /* numbers, by the rate */
uint64_t link_worth(const struct nx_link *link);
void link_spend(struct nx_link *link, uint64_t numbers, uint64_t now_ms);

/* link_single.c */
bool link_single_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step);

/* link_batch.c */
bool link_batch_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step);
void link_batch_refused(struct nx_link *link, uint64_t now_ms);
void link_batch_taken(struct nx_link *link);
void link_begin_asking(struct nx_link *link, uint64_t now_ms);

#endif
