/*
 * loop.h - the one event loop of the daemon: descriptors, timers, and a hook at the end of each
 * turn. libwebsockets runs it (loop_lws.c); nobody else includes its header.
 *
 * A turn: wait, serve every ready descriptor and due timer, then call the turn hook once. Work
 * that pays off in batches (commit, acknowledge, publish) belongs in the hook.
 */
#ifndef NX_BRIDGE_LOOP_H
#define NX_BRIDGE_LOOP_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct nx_loop;
struct nx_watch;
struct nx_timer;

enum nx_err nx_loop_new(const struct nx_log *log, struct nx_loop **out);
/* Closes every watch that is still open. Whoever made a timer has freed it before. */
void nx_loop_free(struct nx_loop *loop);

/* Runs until nx_loop_stop. `turn_end` is called after each turn. */
enum nx_err nx_loop_run(struct nx_loop *loop, void (*turn_end)(void *ctx), void *ctx);
void nx_loop_stop(struct nx_loop *loop); /* async-signal-safe through nx_loop_wake */
void nx_loop_wake(struct nx_loop *loop); /* ends the current wait; async-signal-safe */

uint64_t nx_loop_monotonic_ms(void); /* for timers */
uint64_t nx_loop_monotonic_us(void); /* for measuring */
int64_t nx_loop_wall_ms(void);       /* for data: Unix time, UTC */

struct nx_watch_ops {
    void (*readable)(void *ctx); /* also on an error or hang-up, which a read then shows */
    void (*writable)(void *ctx); /* once for each nx_watch_want_write */
};

/* Watches `fd` for reading. The loop owns and closes it: nx_watch_close, or on its own end. After
 * nx_watch_close no callback comes. */
enum nx_err nx_watch_new(struct nx_loop *loop, int fd, const struct nx_watch_ops *ops, void *ctx,
                         struct nx_watch **out);
void nx_watch_want_write(struct nx_watch *watch);
void nx_watch_close(struct nx_watch *watch);

/* A one-shot timer, set again as often as wanted. */
struct nx_timer *nx_timer_new(struct nx_loop *loop, void (*due)(void *ctx), void *ctx);
void nx_timer_set(struct nx_timer *timer, uint64_t delay_ms);
void nx_timer_clear(struct nx_timer *timer);
void nx_timer_free(struct nx_timer *timer);

#endif
