/*
 * link.h - one directed link as a pure state machine: which record goes next, which are in
 * flight, and up to where everything is settled. Knows no session, store or clock: time arrives
 * as now_ms (monotonic), what is to be done leaves as answers of the functions below.
 *
 * Records are the owner's sequence numbers, 1, 2, 3 ... What is in flight are units. One by one, a
 * unit is a record, published in one or more parts (observation, original); in batches, a unit
 * accounts for a range of numbers and has one answer. Each number ends as sent (the peer took it),
 * dead (it never will) or filtered (it was not for this link). A dead one never stops the link.
 */
#ifndef NX_LINK_H
#define NX_LINK_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nx_link;

enum {
    NX_LINK_PARTS_MAX = 8,
    NX_LINK_WINDOW_MAX = 65535,
    NX_LINK_BATCH_MAX = 1024, /* numbers of one batch */
    NX_LINK_BATCH_WORDS = NX_LINK_BATCH_MAX / 64,
    NX_LINK_RATE_MAX = 10 * 1000 * 1000,
    NX_LINK_BORDERS_MAX = 8,
};

/*
 * The persistent state. Every number up to `cursor` is settled: cursor == sent + filtered + dead.
 * `dropped`, what was given up, is a part of `dead`. `marked` counts outgoing publishes (QoS 2):
 * up to it the peer's broker has each, and only PUBREL is missing. `given_up` is the newest number
 * that was: no repair goes back behind it.
 */
struct nx_link_mark {
    uint64_t cursor, sent, filtered, dead, dropped;
    uint64_t marked, given_up;
};

struct nx_link_config {
    uint32_t window;     /* units in flight at most, 1 .. NX_LINK_WINDOW_MAX */
    uint8_t parts;       /* one by one: set of part numbers, bit by bit; in batches: 1 */
    bool marks;          /* one by one: each publish waits for its mark (QoS 2) */
    uint32_t batch_max;  /* 0: one by one; else numbers of a batch, up to NX_LINK_BATCH_MAX */
    uint32_t rate;       /* numbers a second, up to NX_LINK_RATE_MAX; 0: no limit */
    uint32_t save_ms;    /* an unsaved mark is due after so long */
    uint32_t drain_ms;   /* a stopping link waits so long for what is in flight */
    uint32_t ask_ms_min; /* batches: an unanswered question is asked again after so long, */
    uint32_t ask_ms_max; /* doubling up to this; so are repeated refusals answered */
};

enum nx_link_state {
    NX_LINK_DOWN,   /* no session to the peer: nothing is in flight */
    NX_LINK_ASKING, /* batches: what has the receiver? Nothing goes before it has answered */
    NX_LINK_SENDING,
    NX_LINK_BLOCKED,  /* the session has no room: goes on where it was */
    NX_LINK_DRAINING, /* stopping: sends nothing more, waits for what is in flight */
    NX_LINK_STOPPED,
};

enum nx_link_event {
    NX_LINK_EV_UP,   /* the session to the peer is there */
    NX_LINK_EV_LOST, /* it is gone: what is in flight counts as not sent */
    NX_LINK_EV_FULL, /* what was just given by nx_link_next found no room */
    NX_LINK_EV_ROOM,
    NX_LINK_EV_STOP,
};

struct nx_link_counts {
    uint64_t stored; /* records that there are; == sent + filtered + dead + waiting */
    uint64_t sent, filtered, dead, dropped;
    uint64_t waiting;   /* not settled, in flight or not */
    uint64_t inflight;  /* numbers of which something was sent and not all is settled */
    uint32_t units;     /* in flight */
    uint32_t unit_rows; /* numbers that a batch may have now; 1 when one by one */
};

enum nx_err nx_link_new(const struct nx_link_config *config, const struct nx_link_mark *mark,
                        uint64_t now_ms, struct nx_link **out);
void nx_link_free(struct nx_link *link);

enum nx_link_state nx_link_state(const struct nx_link *link);
const char *nx_link_state_name(enum nx_link_state state);
void nx_link_event(struct nx_link *link, enum nx_link_event event, uint64_t now_ms);

/* Records up to `seq` are durable at the owner and may go. Never goes back. */
void nx_link_stored(struct nx_link *link, uint64_t seq);

/*
 * Gives up every record up to `seq` that was never sent: dead, and counted as dropped. What may have
 * been sent, by an earlier process or on a connection that is gone, is not given up before the
 * receiver has said what it has (batches), or before it was sent again (one by one).
 */
void nx_link_give_up(struct nx_link *link, uint64_t seq, uint64_t now_ms);

/* ---- sending ---- */

struct nx_link_step {
    uint64_t unit; /* names it in the answer; never used twice */
    uint64_t seq;  /* the record; of a batch its first number */
    uint64_t last; /* batches: it may account for numbers up to here */
    uint8_t part;
    bool had;  /* batches: the receiver has all of it. Judge and count it, but send nothing */
    bool jump; /* batches: what lies before it cannot be had any more */
};

/* What became of the numbers of a batch; those that are neither filtered nor dead are in it. */
struct nx_link_batch {
    uint64_t until; /* seq <= until <= last of the step */
    uint32_t filtered;
    uint64_t dead[NX_LINK_BATCH_WORDS]; /* bit by bit: number - seq of the step */
};

/*
 * What to publish now, or false. Until one of the functions below or an event answers it, the same
 * step comes again (of a batch, `last` may have grown).
 */
bool nx_link_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step);
/* One by one: */
void nx_link_sent(struct nx_link *link, uint64_t now_ms);     /* out: the answer will come */
void nx_link_dead(struct nx_link *link, uint64_t now_ms);     /* it cannot go out, ever */
void nx_link_skip(struct nx_link *link, uint64_t now_ms);     /* this part is not wanted */
void nx_link_filtered(struct nx_link *link, uint64_t now_ms); /* at the first part: none is */
/* In batches: */
void nx_link_batch_sent(struct nx_link *link, const struct nx_link_batch *batch, uint64_t now_ms);

/*
 * The peer's broker answered to the end (PUBACK, PUBCOMP). False: nobody waits for it (it came
 * from before a loss). A batch refused whole ends sending: the receiver is asked what it has.
 */
bool nx_link_answered(struct nx_link *link, uint64_t unit, uint8_t part, bool refused,
                      uint64_t now_ms);

/* The record of a unit in flight that holds one. */
bool nx_link_seq_of(const struct nx_link *link, uint64_t unit, uint64_t *seq);

/* ---- QoS 2 ---- */

/* PUBREC. A refusal is final; else the part waits for its mark. False: nobody waits for it. */
bool nx_link_received(struct nx_link *link, uint64_t unit, uint8_t part, bool refused,
                      uint64_t now_ms);
/* The next part whose mark is durable and whose PUBREL is to be sent; true until there is none. */
bool nx_link_release(struct nx_link *link, struct nx_link_step *step);
/* After a crash or a cut marked parts are in flight again unseen. The last record with one; and:
 * a part of the record was refused then, so that it is dead whatever becomes of the others. */
uint64_t nx_link_marked_until(const struct nx_link *link);
void nx_link_was_dead(struct nx_link *link, uint64_t seq);
/* The number of a publish: from it follows its packet identifier. */
uint64_t nx_link_outgoing(const struct nx_link *link, uint64_t seq, uint8_t part);
/* The broker kept no session: marks say nothing any more. Before NX_LINK_EV_UP; to be saved at once,
 * and until then nothing goes. How many publishes may therefore arrive twice is returned. */
uint64_t nx_link_void_marks(struct nx_link *link);

/* ---- batches: what has the receiver? ---- */

/* Is a question due? Then publish it and say nx_link_asked. */
bool nx_link_ask(const struct nx_link *link, uint64_t now_ms);
void nx_link_asked(struct nx_link *link, uint64_t now_ms);
void nx_link_ask_later(struct nx_link *link, uint64_t now_ms); /* the session has no room for it */

enum nx_link_told {
    NX_LINK_TOLD_IGNORED, /* nobody has asked */
    NX_LINK_TOLD_ON,      /* goes on behind it */
    NX_LINK_TOLD_REPAIR,  /* the receiver lacks what it had: goes on from there, counts nothing */
    NX_LINK_TOLD_BEYOND,  /* it has numbers that the owner has not: nothing goes, asks again */
};

/* The receiver accounts for every number up to `mark`; `known` false: it knows nothing of us. */
enum nx_link_told nx_link_told(struct nx_link *link, bool known, uint64_t mark, uint64_t now_ms);

/* The answer settles nothing yet: a further question is due at once. False: nobody has asked. */
bool nx_link_ask_further(struct nx_link *link, uint64_t now_ms);

/*
 * Numbers behind which another name for them begins, ascending, NX_LINK_BORDERS_MAX at most: no batch
 * reaches across one, and nothing goes behind it before everything up to it was answered. In place of
 * those that were given before; while nothing is in flight.
 */
void nx_link_set_borders(struct nx_link *link, const uint64_t *borders, size_t count);

/* In a repair: what lies before `seq` is no more, and is skipped. */
void nx_link_repair_from(struct nx_link *link, uint64_t seq);

/* The receiver takes no more than so many numbers at once: batches become that small, and grow
 * again slowly. */
void nx_link_shrink(struct nx_link *link, uint64_t numbers);

/* Batches go one at a time, and one more with each that is taken. */
void nx_link_narrow(struct nx_link *link);

/* The receiver wants nothing for so long, ask_ms_max at most: neither batch nor question goes. */
void nx_link_pause(struct nx_link *link, uint64_t wait_ms, uint64_t now_ms);

/* Questions asked since the last answer, and batches refused whole since one was last taken. */
uint32_t nx_link_unanswered_questions(const struct nx_link *link);
uint32_t nx_link_refusals(const struct nx_link *link);

enum nx_link_death {
    NX_LINK_DEATH_COUNTED, /* it is in flight, and will be counted as dead */
    NX_LINK_DEATH_LATE,    /* it was counted as sent: say nx_link_died_late */
    NX_LINK_DEATH_EARLY,   /* it will come again in a step: to be remembered until then */
};

/* The receiver refused one record of what it took. */
enum nx_link_death nx_link_died(struct nx_link *link, uint64_t seq);
/* Records that were counted as sent are dead after all. */
void nx_link_died_late(struct nx_link *link, uint64_t count, uint64_t now_ms);

/* ---- the mark ---- */

/*
 * The mark to persist: when it is due, or, with `riding`, when it differs at all, because a
 * transaction is open anyway. nx_link_saved tells that it is durable.
 */
bool nx_link_save(const struct nx_link *link, bool riding, uint64_t now_ms,
                  struct nx_link_mark *mark);
void nx_link_saved(struct nx_link *link, const struct nx_link_mark *mark);

/* Milliseconds until nx_link_next, nx_link_ask or nx_link_save may say something new by time
 * alone; UINT64_MAX: never. */
uint64_t nx_link_due_ms(const struct nx_link *link, uint64_t now_ms);

uint64_t nx_link_cursor(const struct nx_link *link);
void nx_link_counts(const struct nx_link *link, struct nx_link_counts *out);

#endif
