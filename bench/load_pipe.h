/*
 * load_pipe.h - one publisher and one subscriber of one broker, in one thread without a library
 * between: as many messages as go through are pushed through, in large sends and receives.
 */
#ifndef NX_BENCH_LOAD_PIPE_H
#define NX_BENCH_LOAD_PIPE_H

#include "bench/bench.h"

enum { LOAD_WINDOW = 500 }; /* messages on their way: sent, and not yet received and acknowledged */

struct load_pipe_config {
    uint16_t port; /* of 127.0.0.1 */
    const char *publisher, *subscriber, *password;
    struct nx_span topic, payload;
    uint8_t qos; /* 0 or 1, of both */
};

struct load_pipe;

/* Connects both and subscribes; ends the program when it is refused. */
struct load_pipe *load_pipe_open(const struct load_pipe_config *config);
void load_pipe_close(struct load_pipe *pipe);

/* Sends `count` messages and returns when all have been received and acknowledged. */
void load_pipe_run(struct load_pipe *pipe, unsigned count);

/* Publishes as `config` says, at QoS 0, as fast as the broker takes it, and never returns. */
_Noreturn void load_flood(const struct load_pipe_config *config);

#endif
