/*
 * proxy_flow.c - see proxy_flow.h. When the ring is full its source is not read: the sender feels
 * the window close, as it would on a long line.
 */
#include "bench/proxy_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    RING_BYTES = 32 * 1024 * 1024, /* 250 ms at 128 MB/s */
    MARKS = 1 << 16,
    READ_BYTES_MAX = 256 * 1024,
    NS_PER_S = 1000000000,
};

bool flow_init(struct flow *flow, int from, int to)
{
    uint8_t *ring = flow->ring;
    struct mark *marks = flow->marks;

    *flow = (struct flow){.from = from, .to = to, .ring = ring, .marks = marks};
    if (flow->ring == NULL) {
        flow->ring = malloc(RING_BYTES);
        flow->marks = malloc(MARKS * sizeof(flow->marks[0]));
    }
    return flow->ring != NULL && flow->marks != NULL;
}

static uint64_t flow_room(const struct flow *flow)
{
    return RING_BYTES - (flow->in - flow->out);
}

static void flow_mark(struct flow *flow, uint64_t due_ns)
{
    struct mark *last = &flow->marks[(flow->marks_in - 1) % MARKS];

    if (flow->marks_in != flow->marks_out &&
        (due_ns <= last->due_ns || flow->marks_in - flow->marks_out == MARKS)) {
        last->end = flow->in;
        return;
    }
    flow->marks[flow->marks_in++ % MARKS] = (struct mark){.due_ns = due_ns, .end = flow->in};
}

/* Reads what there is. False: the connection is broken. */
static bool flow_read(const struct line *line, struct flow *flow, uint64_t now)
{
    while (!flow->ended && flow_room(flow) > 0) {
        uint64_t at = flow->in % RING_BYTES;
        uint64_t size = RING_BYTES - at;
        ssize_t got;

        size = size < flow_room(flow) ? size : flow_room(flow);
        size = size < READ_BYTES_MAX ? size : READ_BYTES_MAX;
        got = recv(flow->from, flow->ring + at, size, 0);
        if (got < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (got == 0) {
            flow->ended = true;
        } else {
            flow->in += (uint64_t)got;
            flow_mark(flow, now + line->delay_ns);
        }
    }
    return true;
}

/* Up to which position the bytes are due. */
static uint64_t flow_due(struct flow *flow, uint64_t now)
{
    uint64_t end = flow->out;

    for (unsigned i = flow->marks_out; i != flow->marks_in; i++) {
        const struct mark *mark = &flow->marks[i % MARKS];

        if (mark->due_ns > now) {
            break;
        }
        end = mark->end;
    }
    return end;
}

static void flow_unmark(struct flow *flow)
{
    while (flow->marks_out != flow->marks_in &&
           flow->marks[flow->marks_out % MARKS].end <= flow->out) {
        flow->marks_out++;
    }
}

/* How many bytes the limited rate lets go at once: a millisecond's worth, then it is charged. */
static uint64_t rate_allows(const struct line *line, const struct flow *flow, uint64_t now)
{
    if (line->rate == 0) {
        return UINT64_MAX;
    }
    return now < flow->budget_ns ? 0 : line->rate / 1000 + 1;
}

/* Writes what is due. False: the connection is broken. */
static bool flow_write(const struct line *line, struct flow *flow, uint64_t now)
{
    uint64_t end = flow_due(flow, now);

    flow->stuck = false;
    while (flow->out < end) {
        uint64_t at = flow->out % RING_BYTES;
        uint64_t size = end - flow->out;
        uint64_t allowed = rate_allows(line, flow, now);
        ssize_t put;

        size = size < RING_BYTES - at ? size : RING_BYTES - at;
        size = size < allowed ? size : allowed;
        size = line->dribble && size > 1 ? 1 : size;
        if (size == 0) {
            break;
        }
        put = send(flow->to, flow->ring + at, size, MSG_NOSIGNAL);
        if (put < 0) {
            flow->stuck = errno == EAGAIN;
            return flow->stuck || errno == EINTR;
        }
        flow->out += (uint64_t)put;
        if (line->rate > 0) {
            flow->budget_ns = now + (uint64_t)put * NS_PER_S / line->rate;
        }
    }
    flow_unmark(flow);
    if (flow->ended && !flow->closed && flow->out == flow->in) {
        flow->closed = true;
        (void)shutdown(flow->to, SHUT_WR);
    }
    return true;
}

bool flow_turn(const struct line *line, struct flow *flow, uint64_t now)
{
    return flow_read(line, flow, now) && flow_write(line, flow, now) && flow_read(line, flow, now);
}

void flow_drop(struct flow *flow)
{
    flow->closed = flow->ended = true;
    flow->out = flow->in;
    flow_unmark(flow);
}

uint64_t flow_next(const struct line *line, const struct flow *flow)
{
    uint64_t due;

    if (flow->stuck || flow->marks_out == flow->marks_in) {
        return UINT64_MAX;
    }
    due = flow->marks[flow->marks_out % MARKS].due_ns;
    return line->rate > 0 && flow->budget_ns > due ? flow->budget_ns : due;
}
