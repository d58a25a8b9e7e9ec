/*
 * loop_lws.c - the event loop over libwebsockets, and the only file of the sessions that knows it.
 *
 * libwebsockets waits, keeps the timers and will serve HTTP. Of our descriptors it sees a single
 * one: an epoll set, adopted as a raw file (LWS_ADOPT_RAW_FILE_DESC), that holds them all. Adopted
 * one by one they would obey rules that do not fit us: libwebsockets closes a descriptor on hang-up
 * before its last bytes are read, forgets a wish to write that is made inside the writable
 * callback, and does not let go of a descriptor at once. In the set all of this is ours.
 *
 * It never calls back after nx_watch_close or nx_timer_clear, also when these are called from
 * inside a callback for something else of the same turn.
 */
#include "bridge/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <libwebsockets.h>

enum {
    LOOP_EVENTS_MAX = 64, /* descriptors served in one turn; the others are first in the next */
    LOOP_LWS_FDS_MAX = 1024,
};

enum { WATCH_MAGIC = 0x57415443, TIMER_MAGIC = 0x54494D45 };

struct nx_watch {
    unsigned magic;
    int fd;      /* -1: closed, and waiting for the end of the turn to be freed */
    bool wanted; /* to be told when writable */
    struct nx_loop *loop;
    const struct nx_watch_ops *ops;
    void *ctx;
    struct nx_watch *prev, *next;
};

struct nx_timer {
    lws_sorted_usec_list_t sul;
    unsigned magic;
    struct nx_loop *loop;
    void (*due)(void *ctx);
    void *ctx;
};

struct nx_loop {
    const struct nx_log *log;
    struct lws_context *lws;
    int epoll_fd; /* closed by libwebsockets once adopted */
    int wake_fd;
    bool adopted, dispatching;
    atomic_bool stopping;
    unsigned timers;
    struct nx_watch *watches; /* open */
    struct nx_watch *closed;  /* freed when no event of this turn can name them any more */
};

static int on_raw_file(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len);

static const struct lws_protocols protocols[] = {
    {.name = "nexus-watches", .callback = on_raw_file},
    {0},
};

/* ---- log ---- */

/*
 * libwebsockets has one log function for the process, without a context. This is the one global of
 * the loop: the log of the loop that was made last.
 */
static const struct nx_log *lws_log;

static void write_lws_log(int level, const char *line)
{
    const size_t len = strcspn(line, "\n");

    nx_log(lws_log, (level & LLL_ERR) != 0 ? NX_LOG_WARN : NX_LOG_DEBUG, "libwebsockets: %.*s",
           (int)len, line);
}

/* ---- watches ---- */

static uint32_t watch_events(const struct nx_watch *watch)
{
    return watch->wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

static void watch_control(struct nx_watch *watch, int operation)
{
    struct epoll_event event = {.events = watch_events(watch), .data.ptr = watch};
    int rc;

    rc = epoll_ctl(watch->loop->epoll_fd, operation, watch->fd, &event);
    assert(rc == 0); /* an open descriptor of ours, known to the set */
    (void)rc;
}

enum nx_err nx_watch_new(struct nx_loop *loop, int fd, const struct nx_watch_ops *ops, void *ctx,
                         struct nx_watch **out)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct nx_watch *watch = calloc(1, sizeof(*watch));

    *out = NULL;
    if (watch == NULL) {
        return NX_ERR_NOMEM;
    }
    event.data.ptr = watch;
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(watch);
        return NX_ERR_IO;
    }
    *watch = (struct nx_watch){.magic = WATCH_MAGIC,
                               .fd = fd,
                               .loop = loop,
                               .ops = ops,
                               .ctx = ctx,
                               .next = loop->watches};
    if (loop->watches != NULL) {
        loop->watches->prev = watch;
    }
    loop->watches = watch;
    *out = watch;
    return NX_OK;
}

void nx_watch_want_write(struct nx_watch *watch)
{
    assert(watch->magic == WATCH_MAGIC && watch->fd >= 0);
    if (!watch->wanted) {
        watch->wanted = true;
        watch_control(watch, EPOLL_CTL_MOD);
    }
}

void nx_watch_close(struct nx_watch *watch)
{
    struct nx_loop *loop;

    if (watch == NULL) {
        return;
    }
    assert(watch->magic == WATCH_MAGIC && watch->fd >= 0);
    loop = watch->loop;
    watch_control(watch, EPOLL_CTL_DEL);
    (void)close(watch->fd);
    watch->fd = -1;
    if (watch->prev != NULL) {
        watch->prev->next = watch->next;
    } else {
        loop->watches = watch->next;
    }
    if (watch->next != NULL) {
        watch->next->prev = watch->prev;
    }
    watch->next = loop->closed;
    loop->closed = watch;
}

static void free_closed(struct nx_loop *loop)
{
    while (loop->closed != NULL) {
        struct nx_watch *watch = loop->closed;
        loop->closed = watch->next;
        watch->magic = 0;
        free(watch);
    }
}

static void serve(struct nx_watch *watch, uint32_t events)
{
    const bool trouble = (events & (EPOLLERR | EPOLLHUP)) != 0;

    assert(watch->magic == WATCH_MAGIC);
    if (watch->fd >= 0 && watch->wanted && ((events & EPOLLOUT) != 0 || trouble)) {
        watch->wanted = false; /* before the call, which may want it again */
        watch_control(watch, EPOLL_CTL_MOD);
        watch->ops->writable(watch->ctx);
    }
    if (watch->fd >= 0 && ((events & EPOLLIN) != 0 || trouble)) {
        watch->ops->readable(watch->ctx); /* an error or the end shows itself when reading */
    }
}

/* One round over what is ready. Events name a closed watch at worst, never a freed one. */
static void dispatch(struct nx_loop *loop)
{
    struct epoll_event events[LOOP_EVENTS_MAX];
    const int count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS_MAX, 0);

    assert(!loop->dispatching);
    loop->dispatching = true;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            uint64_t wakes;
            (void)!read(loop->wake_fd, &wakes, sizeof(wakes)); /* resets the counter */
        } else {
            serve(events[i].data.ptr, events[i].events);
        }
    }
    loop->dispatching = false;
    free_closed(loop);
}

static int on_raw_file(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                       size_t len)
{
    struct nx_loop *loop = lws_context_user(lws_get_context(wsi));

    (void)user;
    (void)in;
    (void)len;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        dispatch(loop);
    }
    return 0;
}

/* ---- timers ---- */

static void on_sul(lws_sorted_usec_list_t *sul)
{
    struct nx_timer *timer = lws_container_of(sul, struct nx_timer, sul);
    struct nx_loop *loop = timer->loop;

    assert(timer->magic == TIMER_MAGIC);
    timer->due(timer->ctx); /* may set, clear or free the timer: it is out of the list already */
    nx_loop_wake(loop);     /* timers run before the wait: what this one asked for ends the turn */
}

struct nx_timer *nx_timer_new(struct nx_loop *loop, void (*due)(void *ctx), void *ctx)
{
    struct nx_timer *timer = calloc(1, sizeof(*timer));

    if (timer != NULL) {
        timer->magic = TIMER_MAGIC;
        timer->loop = loop;
        timer->due = due;
        timer->ctx = ctx;
        loop->timers++;
    }
    return timer;
}

void nx_timer_set(struct nx_timer *timer, uint64_t delay_ms)
{
    assert(timer->magic == TIMER_MAGIC);
    lws_sul_schedule(timer->loop->lws, 0, &timer->sul, on_sul,
                     (lws_usec_t)delay_ms * LWS_US_PER_MS);
}

void nx_timer_clear(struct nx_timer *timer)
{
    assert(timer->magic == TIMER_MAGIC);
    lws_sul_schedule(timer->loop->lws, 0, &timer->sul, on_sul, LWS_SET_TIMER_USEC_CANCEL);
}

void nx_timer_free(struct nx_timer *timer)
{
    if (timer == NULL) {
        return;
    }
    nx_timer_clear(timer);
    timer->loop->timers--;
    timer->magic = 0;
    free(timer);
}

/* ---- the loop itself ---- */

/* A context with one virtual host that listens to nothing. */
static enum nx_err open_lws(struct nx_loop *loop)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .fd_limit_per_thread = LOOP_LWS_FDS_MAX, /* else sized by the process's limit */
        .user = loop,
        .gid = -1,
        .uid = -1,
    };
    const lws_sock_file_fd_type fd = {.filefd = loop->epoll_fd};
    struct lws_vhost *vhost;

    lws_log = loop->log;
    lws_set_log_level(LLL_ERR | LLL_WARN, write_lws_log);
    loop->lws = lws_create_context(&info);
    if (loop->lws == NULL) {
        return NX_ERR_IO;
    }
    vhost = lws_create_vhost(loop->lws, &info);
    if (vhost == NULL || lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, fd,
                                                    protocols[0].name, NULL) == NULL) {
        return NX_ERR_IO;
    }
    loop->adopted = true;
    return NX_OK;
}

static enum nx_err open_set(struct nx_loop *loop)
{
    struct epoll_event wake = {.events = EPOLLIN, .data.ptr = NULL};

    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &wake) != 0) {
        return NX_ERR_IO;
    }
    return NX_OK;
}

enum nx_err nx_loop_new(const struct nx_log *log, struct nx_loop **out)
{
    struct nx_loop *loop = calloc(1, sizeof(*loop));
    enum nx_err err;

    *out = NULL;
    if (loop == NULL) {
        return NX_ERR_NOMEM;
    }
    loop->log = log;
    loop->epoll_fd = loop->wake_fd = -1;
    err = open_set(loop);
    if (err == NX_OK) {
        err = open_lws(loop);
    }
    if (err != NX_OK) {
        nx_log(log, NX_LOG_ERROR, "cannot make the event loop: %s", strerror(errno));
        nx_loop_free(loop);
        return err;
    }
    *out = loop;
    return NX_OK;
}

void nx_loop_free(struct nx_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(!loop->dispatching);
    assert(loop->timers == 0); /* whoever made a timer frees it before the loop */
    while (loop->watches != NULL) {
        nx_watch_close(loop->watches);
    }
    free_closed(loop);
    if (loop->lws != NULL) {
        lws_context_destroy(loop->lws);
    }
    if (!loop->adopted && loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
    }
    if (loop->wake_fd >= 0) {
        (void)close(loop->wake_fd);
    }
    if (lws_log == loop->log) {
        lws_log = NULL;
    }
    free(loop);
}

enum nx_err nx_loop_run(struct nx_loop *loop, void (*turn_end)(void *ctx), void *ctx)
{
    while (!atomic_load(&loop->stopping)) {
        if (lws_service(loop->lws, 0) < 0 && errno != EINTR) {
            nx_log(loop->log, NX_LOG_ERROR, "the event loop failed: %s", strerror(errno));
            return NX_ERR_IO;
        }
        free_closed(loop); /* closed from a timer */
        if (turn_end != NULL) {
            turn_end(ctx);
        }
    }
    atomic_store(&loop->stopping, false); /* may run again */
    return NX_OK;
}

void nx_loop_wake(struct nx_loop *loop)
{
    const uint64_t one = 1;
    const int saved = errno; /* a signal handler leaves it as it was */

    (void)!write(loop->wake_fd, &one, sizeof(one));
    errno = saved;
}

void nx_loop_stop(struct nx_loop *loop)
{
    atomic_store(&loop->stopping, true);
    nx_loop_wake(loop);
}

uint64_t nx_loop_monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t nx_loop_monotonic_ms(void)
{
    return nx_loop_monotonic_us() / 1000;
}

int64_t nx_loop_wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
