/*
 * sim_loop.c - bridge/loop.h on the virtual clock. A turn serves what is due now, then the hook.
 */
#include "bridge/loop.h"

#include "test/sim/sim.h"

#include <stdlib.h>

enum { WATCHES_MAX = 32, TIMERS_MAX = 64, WALL_BEGINS_S = 1769904000 };

struct nx_watch {
    struct nx_loop *loop;
    int fd;
    const struct nx_watch_ops *ops;
    void *ctx;
    bool want_write;
};

struct nx_timer {
    struct nx_loop *loop;
    void (*due)(void *ctx);
    void *ctx;
    uint64_t due_us;
};

struct nx_loop {
    struct nx_watch *watches[WATCHES_MAX];
    struct nx_timer *timers[TIMERS_MAX];
    bool woken, stopped;
};

enum nx_err nx_loop_new(const struct nx_log *log, struct nx_loop **out)
{
    (void)log;
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? NX_OK : NX_ERR_NOMEM;
}

void nx_loop_free(struct nx_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    for (int i = 0; i < WATCHES_MAX; i++) {
        free(loop->watches[i]);
    }
    free(loop);
}

void nx_loop_stop(struct nx_loop *loop)
{
    loop->stopped = true;
}

void nx_loop_wake(struct nx_loop *loop)
{
    loop->woken = true;
}

bool sim_loop_stopped(const struct nx_loop *loop)
{
    return loop->stopped;
}

uint64_t nx_loop_monotonic_ms(void)
{
    return sim_world->now_us / 1000;
}

uint64_t nx_loop_monotonic_us(void)
{
    return sim_world->now_us;
}

int64_t nx_loop_wall_ms(void)
{
    return (int64_t)WALL_BEGINS_S * 1000 + (int64_t)(sim_world->now_us / 1000) +
           sim_world->wall_shift_ms;
}

/* --- watches ------------------------------------------------------------------------------------ */

enum nx_err nx_watch_new(struct nx_loop *loop, int fd, const struct nx_watch_ops *ops, void *ctx,
                         struct nx_watch **out)
{
    struct nx_watch *watch = calloc(1, sizeof(*watch));

    *out = NULL;
    if (watch == NULL) {
        return NX_ERR_NOMEM;
    }
    *watch = (struct nx_watch){.loop = loop, .fd = fd, .ops = ops, .ctx = ctx};
    for (int i = 0; i < WATCHES_MAX; i++) {
        if (loop->watches[i] == NULL) {
            loop->watches[i] = watch;
            *out = watch;
            return NX_OK;
        }
    }
    free(watch);
    return NX_ERR_LIMIT;
}

void nx_watch_want_write(struct nx_watch *watch)
{
    watch->want_write = true;
}

void nx_watch_close(struct nx_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    for (int i = 0; i < WATCHES_MAX; i++) {
        if (watch->loop->watches[i] == watch) {
            watch->loop->watches[i] = NULL;
        }
    }
    free(watch);
}

/* --- timers ------------------------------------------------------------------------------------- */

struct nx_timer *nx_timer_new(struct nx_loop *loop, void (*due)(void *ctx), void *ctx)
{
    struct nx_timer *timer = calloc(1, sizeof(*timer));

    if (timer == NULL) {
        return NULL;
    }
    *timer = (struct nx_timer){.loop = loop, .due = due, .ctx = ctx, .due_us = SIM_NEVER};
    for (int i = 0; i < TIMERS_MAX; i++) {
        if (loop->timers[i] == NULL) {
            loop->timers[i] = timer;
            return timer;
        }
    }
    free(timer);
    return NULL;
}

void nx_timer_set(struct nx_timer *timer, uint64_t delay_ms)
{
    timer->due_us = sim_world->now_us + delay_ms * 1000;
}

void nx_timer_clear(struct nx_timer *timer)
{
    timer->due_us = SIM_NEVER;
}

void nx_timer_free(struct nx_timer *timer)
{
    for (int i = 0; i < TIMERS_MAX; i++) {
        if (timer->loop->timers[i] == timer) {
            timer->loop->timers[i] = NULL;
        }
    }
    free(timer);
}

/* --- turns -------------------------------------------------------------------------------------- */

uint64_t sim_loop_due_us(struct nx_loop *loop)
{
    uint64_t due = loop->woken ? sim_world->now_us : SIM_NEVER;

    for (int i = 0; i < TIMERS_MAX; i++) {
        if (loop->timers[i] != NULL && loop->timers[i]->due_us < due) {
            due = loop->timers[i]->due_us;
        }
    }
    for (int i = 0; i < WATCHES_MAX; i++) {
        const struct nx_watch *watch = loop->watches[i];
        uint64_t at = watch != NULL ? sim_line_due_us(sim_line_of_fd(watch->fd)) : SIM_NEVER;

        if (watch != NULL && watch->want_write && sim_line_writable(sim_line_of_fd(watch->fd))) {
            at = sim_world->now_us;
        }
        due = at < due ? at : due;
    }
    return due;
}

/* A callback may close any watch, also this one. */
static void serve_watch(struct nx_loop *loop, int i)
{
    struct nx_watch *watch = loop->watches[i];
    struct sim_line *line = watch != NULL ? sim_line_of_fd(watch->fd) : NULL;

    if (watch != NULL && sim_line_readable(line)) {
        watch->ops->readable(watch->ctx);
    }
    if (watch == loop->watches[i] && watch != NULL && watch->want_write &&
        sim_line_writable(line)) {
        watch->want_write = false;
        watch->ops->writable(watch->ctx);
    }
}

void sim_loop_turn(struct nx_loop *loop, void (*turn_end)(void *ctx), void *ctx)
{
    unsigned first = (unsigned)sim_draw(&sim_world->random, WATCHES_MAX);

    loop->woken = false;
    for (unsigned i = 0; i < WATCHES_MAX; i++) {
        serve_watch(loop, (int)((first + i) % WATCHES_MAX));
    }
    for (int i = 0; i < TIMERS_MAX; i++) {
        struct nx_timer *timer = loop->timers[i];

        if (timer != NULL && timer->due_us <= sim_world->now_us) {
            timer->due_us = SIM_NEVER;
            timer->due(timer->ctx);
        }
    }
    turn_end(ctx);
}
