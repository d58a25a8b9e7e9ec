/*
 * proxy_flow.h - one direction of a proxied connection: a ring of bytes that are due some time
 * after they were read.
 */
#ifndef NX_BENCH_PROXY_FLOW_H
#define NX_BENCH_PROXY_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/* What the line does to the bytes. */
struct line {
    uint64_t delay_ns;
    uint64_t rate; /* bytes a second in each direction; 0: no limit */
    bool dribble;  /* one byte at a time */
};

struct mark {
    uint64_t due_ns;
    uint64_t end; /* everything before this position is due then */
};

/* Positions only grow; a byte lies at its position modulo the ring's size. */
struct flow {
    int from, to;
    uint8_t *ring;
    uint64_t in, out;
    struct mark *marks;
    unsigned marks_in, marks_out;
    uint64_t budget_ns; /* when the next byte may go, under a limited rate */
    bool ended;         /* `from` has closed its side */
    bool closed;        /* and `to` has been told */
    bool stuck;         /* `to` takes nothing now */
};

/* A ring that the flow had before is used again. False: memory is out. */
bool flow_init(struct flow *flow, int from, int to);

/* Reads what there is, writes what is due, reads again into the room that made. False: the
 * connection is broken. */
bool flow_turn(const struct line *line, struct flow *flow, uint64_t now);

/* What is in the ring will never arrive, nor anything behind it. */
void flow_drop(struct flow *flow);

/* When it wants to be looked at again by time alone; UINT64_MAX: never. */
uint64_t flow_next(const struct line *line, const struct flow *flow);

#endif
