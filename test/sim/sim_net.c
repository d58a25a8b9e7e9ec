/*
 * sim_net.c - bridge/net.h over simulated lines, and the lines themselves.
 */
#include "test/sim/sim.h"

#include "bridge/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FD_BASE = 1000, PIPE_BYTES_MAX = 96 * 1024 };

struct nx_net {
    struct sim_line *line;
    unsigned generation;
    bool given; /* its descriptor */
    bool wants_write;
};

void sim_broker_connected(struct sim_broker *broker, struct sim_line *line);
void sim_broker_received(struct sim_broker *broker, struct sim_line *line, struct nx_span bytes);
void sim_broker_lost(struct sim_broker *broker, struct sim_line *line);
bool sim_broker_listens(const struct sim_broker *broker);

/* --- pipes -------------------------------------------------------------------------------------- */

static void pipe_clear(struct sim_pipe *pipe)
{
    for (size_t i = 0; i < pipe->count; i++) {
        free(pipe->chunks[i].bytes);
    }
    free(pipe->chunks);
    *pipe = (struct sim_pipe){0};
}

static uint64_t pipe_delay(struct sim_pipe *pipe)
{
    uint64_t due =
        sim_world->now_us + 1 + sim_draw(&sim_world->random, sim_world->delay_us_max + 1);

    pipe->last_due_us = due > pipe->last_due_us ? due : pipe->last_due_us;
    return pipe->last_due_us;
}

static void pipe_put(struct sim_pipe *pipe, const void *bytes, size_t len)
{
    if (pipe->count == pipe->cap) {
        pipe->cap = pipe->cap > 0 ? 2 * pipe->cap : 16;
        pipe->chunks = realloc(pipe->chunks, pipe->cap * sizeof(pipe->chunks[0]));
    }
    pipe->chunks[pipe->count] =
        (struct sim_chunk){.due_us = pipe_delay(pipe), .bytes = malloc(len), .len = len};
    memcpy(pipe->chunks[pipe->count++].bytes, bytes, len);
    pipe->bytes += len;
}

static bool pipe_has(const struct sim_pipe *pipe)
{
    return pipe->count > 0 && pipe->chunks[0].due_us <= sim_world->now_us && !sim_world->silent;
}

static bool pipe_at_end(const struct sim_pipe *pipe)
{
    return pipe->ended && pipe->count == 0 && pipe->end_us <= sim_world->now_us &&
           !sim_world->silent;
}

static uint64_t pipe_due(const struct sim_pipe *pipe)
{
    if (sim_world->silent) {
        return SIM_NEVER;
    }
    if (pipe->count > 0) {
        return pipe->chunks[0].due_us;
    }
    return pipe->ended ? pipe->end_us : SIM_NEVER;
}

static void pipe_drop_first(struct sim_pipe *pipe)
{
    free(pipe->chunks[0].bytes);
    memmove(pipe->chunks, pipe->chunks + 1, --pipe->count * sizeof(pipe->chunks[0]));
}

static size_t pipe_take(struct sim_pipe *pipe, char *out, size_t size)
{
    size_t got = 0;

    while (got < size && pipe_has(pipe)) {
        struct sim_chunk *chunk = &pipe->chunks[0];
        size_t len =
            chunk->len - chunk->taken < size - got ? chunk->len - chunk->taken : size - got;

        memcpy(out + got, chunk->bytes + chunk->taken, len);
        chunk->taken += len;
        got += len;
        pipe->bytes -= len;
        if (chunk->taken == chunk->len) {
            pipe_drop_first(pipe);
        }
    }
    return got;
}

static void pipe_end(struct sim_pipe *pipe)
{
    if (!pipe->ended) {
        pipe->ended = true;
        pipe->end_us = pipe_delay(pipe);
    }
}

/* What is still on its way arrives up to a point, in the middle of a packet if chance will. */
static void pipe_lose_tail(struct sim_pipe *pipe)
{
    size_t keep = (size_t)sim_draw(&sim_world->random, pipe->count + 1);

    while (pipe->count > keep) {
        struct sim_chunk *last = &pipe->chunks[--pipe->count];

        pipe->bytes -= last->len - last->taken;
        free(last->bytes);
    }
    if (keep > 0 && sim_chance(&sim_world->random, 50)) {
        struct sim_chunk *last = &pipe->chunks[keep - 1];
        size_t lost = (size_t)sim_draw(&sim_world->random, last->len - last->taken);

        last->len -= lost;
        pipe->bytes -= lost;
    }
}

/* --- lines -------------------------------------------------------------------------------------- */

static void line_release(struct sim_line *line)
{
    unsigned generation = line->generation;

    pipe_clear(&line->up);
    pipe_clear(&line->down);
    *line = (struct sim_line){.generation = generation};
}

/* Nobody holds it any more. */
static void line_tidy(struct sim_line *line)
{
    if (line->used && line->bridge_closed && (line->broker_closed || !line->accepted)) {
        line_release(line);
    }
}

void sim_lines_reset(void)
{
    for (int i = 0; i < SIM_LINES_MAX; i++) {
        line_release(&sim_world->lines[i]);
    }
}

struct sim_line *sim_line_of_fd(int fd)
{
    return &sim_world->lines[fd - FD_BASE];
}

static void line_break(struct sim_line *line)
{
    line->broken = true;
    pipe_lose_tail(&line->up);
    pipe_clear(&line->down); /* a reset: what was not read is gone */
    pipe_end(&line->up);
    pipe_end(&line->down);
}

void sim_cut(bool broker_too)
{
    (void)broker_too;
    sim_world->cuts++;
    for (int i = 0; i < SIM_LINES_MAX; i++) {
        if (sim_world->lines[i].used && !sim_world->lines[i].broken &&
            (broker_too || sim_chance(&sim_world->random, 60))) {
            line_break(&sim_world->lines[i]);
        }
    }
}

void sim_bridge_died(void)
{
    for (int i = 0; i < SIM_LINES_MAX; i++) {
        struct sim_line *line = &sim_world->lines[i];

        if (line->used && !line->bridge_closed) {
            pipe_lose_tail(&line->up);
            pipe_end(&line->up);
        }
    }
}

bool sim_line_readable(const struct sim_line *line)
{
    if (!line->accepted) {
        return false;
    }
    return pipe_has(&line->down) || pipe_at_end(&line->down);
}

bool sim_line_writable(const struct sim_line *line)
{
    if (!line->accepted) {
        return line->connect_us <= sim_world->now_us && !sim_world->silent;
    }
    return line->broken || line->up.bytes < PIPE_BYTES_MAX;
}

uint64_t sim_line_due_us(const struct sim_line *line)
{
    if (!line->accepted) {
        return sim_world->silent ? SIM_NEVER : line->connect_us;
    }
    return pipe_due(&line->down);
}

uint64_t sim_lines_due_us(void)
{
    uint64_t due = SIM_NEVER;

    for (int i = 0; i < SIM_LINES_MAX; i++) {
        const struct sim_line *line = &sim_world->lines[i];

        if (line->used && line->accepted && !line->broker_closed && pipe_due(&line->up) < due) {
            due = pipe_due(&line->up);
        }
    }
    return due;
}

void sim_lines_turn(void)
{
    char bytes[4096];

    for (int i = 0; i < SIM_LINES_MAX; i++) {
        struct sim_line *line = &sim_world->lines[i];
        size_t got = 1;

        while (line->used && line->accepted && !line->broker_closed && got > 0) {
            got = pipe_take(&line->up, bytes, 1 + sim_draw(&sim_world->random, sizeof(bytes)));
            if (got > 0) {
                sim_broker_received(line->broker, line, (struct nx_span){bytes, got});
            } else if (pipe_at_end(&line->up)) {
                sim_line_close(line);
            }
        }
        line_tidy(line);
    }
}

void sim_line_send(struct sim_line *line, struct nx_span bytes)
{
    if (!line->broker_closed && !line->broken && bytes.len > 0) {
        pipe_put(&line->down, bytes.ptr, bytes.len);
    }
}

void sim_line_close(struct sim_line *line)
{
    if (line->broker_closed) {
        return;
    }
    line->broker_closed = true;
    sim_broker_lost(line->broker, line);
    pipe_end(&line->down);
}

/* --- bridge/net.h ------------------------------------------------------------------------------- */

enum nx_err nx_net_credentials_new(const struct nx_net_files *files,
                                   struct nx_net_credentials **out, struct nx_diag *diag)
{
    (void)files;
    *out = NULL;
    nx_diag_set(diag, "no TLS in the simulation");
    return NX_ERR_UNSUPPORTED;
}

enum nx_err nx_net_credentials_reload(struct nx_net_credentials *credentials, struct nx_diag *diag)
{
    (void)credentials;
    (void)diag;
    return NX_OK;
}

void nx_net_credentials_free(struct nx_net_credentials *credentials)
{
    (void)credentials;
}

const char *nx_net_where(const char *host, uint16_t port, char out[NX_NET_WHERE_BYTES])
{
    (void)snprintf(out, NX_NET_WHERE_BYTES, "%s:%u", host, (unsigned)port);
    return out;
}

enum nx_err nx_net_dial(const struct nx_net_config *config, struct nx_net **out,
                        struct nx_diag *diag)
{
    struct nx_net *net = calloc(1, sizeof(*net));

    *out = NULL;
    for (int i = 0; net != NULL && i < SIM_LINES_MAX; i++) {
        struct sim_line *line = &sim_world->lines[i];

        if (!line->used) {
            line->used = true;
            line->generation++;
            line->broker = sim_world->brokers[config->port - SIM_PORT_BASE];
            line->connect_us =
                sim_world->now_us + 1 + sim_draw(&sim_world->random, sim_world->delay_us_max + 1);
            *net =
                (struct nx_net){.line = line, .generation = line->generation, .wants_write = true};
            *out = net;
            return NX_OK;
        }
    }
    free(net);
    nx_diag_set(diag, "no line is free");
    return NX_ERR_LIMIT;
}

enum nx_err nx_net_step(struct nx_net *net, struct nx_diag *diag)
{
    struct sim_line *line = net->line;

    if (line->connect_us > sim_world->now_us || sim_world->silent) {
        return NX_ERR_AGAIN;
    }
    net->wants_write = false;
    if (line->broken || !sim_broker_listens(line->broker)) {
        nx_diag_set(diag, "connection refused");
        return NX_ERR_IO;
    }
    line->accepted = true;
    sim_broker_connected(line->broker, line);
    return NX_OK;
}

const char *nx_net_doing(const struct nx_net *net)
{
    (void)net;
    return "TCP connection";
}

int nx_net_take_fd(struct nx_net *net)
{
    int fd = net->given ? -1 : FD_BASE + (int)(net->line - sim_world->lines);

    net->given = true;
    return fd;
}

bool nx_net_wants_write(const struct nx_net *net)
{
    return net->wants_write;
}

enum nx_err nx_net_read(struct nx_net *net, void *out, size_t size, size_t *count,
                        struct nx_diag *diag)
{
    struct sim_line *line = net->line;

    *count = pipe_take(&line->down, out, size);
    if (*count > 0) {
        return NX_OK;
    }
    if (!pipe_at_end(&line->down)) {
        return NX_ERR_AGAIN;
    }
    nx_diag_set(diag, line->broken ? "connection reset" : "the broker closed the connection");
    return line->broken ? NX_ERR_IO : NX_ERR_NOT_FOUND;
}

enum nx_err nx_net_write(struct nx_net *net, const void *bytes, size_t len, size_t *count,
                         struct nx_diag *diag)
{
    struct sim_line *line = net->line;
    size_t room = line->up.bytes < PIPE_BYTES_MAX ? PIPE_BYTES_MAX - line->up.bytes : 0;

    *count = 0;
    net->wants_write = false;
    if (line->broken || line->broker_closed) {
        nx_diag_set(diag, "connection reset");
        return NX_ERR_IO;
    }
    if (room == 0) {
        net->wants_write = true;
        return NX_ERR_AGAIN;
    }
    *count = len < room ? len : room;
    if (!sim_world->dead) {
        pipe_put(&line->up, bytes, *count);
    }
    return NX_OK;
}

bool nx_net_by_records(const struct nx_net *net)
{
    (void)net;
    return false;
}

void nx_net_shutdown(struct nx_net *net)
{
    pipe_end(&net->line->up);
}

void nx_net_free(struct nx_net *net)
{
    struct sim_line *line = net->line;

    line->bridge_closed = true;
    pipe_end(&line->up);
    line_tidy(line);
    free(net);
}
