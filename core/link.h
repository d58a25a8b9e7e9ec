/*
 * link.h - one directed link as a pure state machine: which record goes next, which are in
 * flight, and up to where everything is settled. Knows no session, store or clock: time arrives
 * as now_ms (monotonic), what is to be done leaves as answers of nx_link_next and nx_link_save.
 *
 * Records are the owner's sequence numbers, 1, 2, 3 ... Each is published in one or more parts
 * (observation, original). A part ends as sent (the peer's broker took it) or dead (it never
 * will); the record counts as dead when one of its parts does. A dead part never stops the link.
 */
#ifndef NX_LINK_H
#define NX_LINK_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct nx_link;

enum { NX_LINK_PARTS_MAX = 8, NX_LINK_WINDOW_MAX = 65535 };

/* The persistent state. Every record up to `cursor` is settled: cursor == sent + dead. */
struct nx_link_mark {
    uint64_t cursor, sent, dead;
};

struct nx_link_config {
    uint32_t window;   /* records in flight at most, 1 .. NX_LINK_WINDOW_MAX */
    uint8_t parts;     /* set of part numbers, bit by bit; not 0 */
    uint32_t save_ms;  /* an unsaved mark is due after so long */
    uint32_t drain_ms; /* a stopping link waits so long for what is in flight */
};

enum nx_link_state {
    NX_LINK_DOWN, /* no session to the peer: nothing is in flight */
    NX_LINK_SENDING,
    NX_LINK_BLOCKED,  /* the session has no room: goes on where it was */
    NX_LINK_DRAINING, /* stopping: sends nothing more, waits for what is in flight */
    NX_LINK_STOPPED,
};

enum nx_link_event {
    NX_LINK_EV_UP,   /* the session to the peer is there */
    NX_LINK_EV_LOST, /* it is gone, or the owner's store is: what is in flight counts as not sent */
    NX_LINK_EV_FULL, /* the record just given by nx_link_next found no room */
    NX_LINK_EV_ROOM,
    NX_LINK_EV_STOP,
};

struct nx_link_step {
    uint64_t seq;
    uint8_t part;
};

struct nx_link_counts {
    uint64_t stored; /* records that there are; == sent + dead + waiting */
    uint64_t sent, dead;
    uint64_t waiting;  /* not settled, in flight or not */
    uint32_t inflight; /* records of which something was sent and not all is settled */
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
 * What to publish now, or false. Until one of nx_link_sent, nx_link_dead or an event answers it,
 * the same step comes again.
 */
bool nx_link_next(struct nx_link *link, uint64_t now_ms, struct nx_link_step *step);
void nx_link_sent(struct nx_link *link, uint64_t now_ms); /* it went out, the answer will come */
void nx_link_dead(struct nx_link *link, uint64_t now_ms); /* it cannot go out, ever */

/* The peer's broker answered. False: nobody waits for it (it came from before a loss). */
bool nx_link_answered(struct nx_link *link, const struct nx_link_step *step, bool refused,
                      uint64_t now_ms);

/*
 * The mark to persist: when it is due, or, with `riding`, when it differs at all, because a
 * transaction is open anyway. nx_link_saved tells that it is durable.
 */
bool nx_link_save(const struct nx_link *link, bool riding, uint64_t now_ms,
                  struct nx_link_mark *mark);
void nx_link_saved(struct nx_link *link, const struct nx_link_mark *mark);

/* The owner's store lost what was not durable: back to the last saved mark, and down. */
void nx_link_rewind(struct nx_link *link, uint64_t now_ms);

/* Milliseconds until nx_link_next or nx_link_save may say something new by time alone;
 * UINT64_MAX: never. */
uint64_t nx_link_due_ms(const struct nx_link *link, uint64_t now_ms);

void nx_link_counts(const struct nx_link *link, struct nx_link_counts *out);

#endif
