/*
 * loop_test.c - descriptors, timers and stopping, over socket pairs.
 */
#include "bridge/loop.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct nx_loop *loop;

/* What happened, in order: one letter each. */
static char story[64];

static void tell(char letter)
{
    const size_t len = strlen(story);

    assert_true(len + 1 < sizeof(story));
    story[len] = letter;
}

struct end {
    struct nx_watch *watch;
    struct nx_watch *victim; /* closed by `readable`, if there is one */
    int fd, peer;
    char letter;
    bool close_itself, stop;
};

static void on_readable(void *ctx)
{
    struct end *end = ctx;
    char bytes[16];

    tell(end->letter);
    if (end->victim != NULL) {
        nx_watch_close(end->victim);
        end->victim = NULL;
    }
    if (end->close_itself) {
        nx_watch_close(end->watch);
        end->watch = NULL;
    } else if (read(end->fd, bytes, sizeof(bytes)) <= 0) {
        tell('!');
        nx_watch_close(end->watch);
        end->watch = NULL;
    }
    if (end->stop) {
        nx_loop_stop(loop);
    }
}

static void on_writable(void *ctx)
{
    const struct end *end = ctx;

    tell('w');
    if (strlen(story) < 3) {
        nx_watch_want_write(end->watch); /* again, from inside */
    } else {
        nx_loop_stop(loop);
    }
}

static const struct nx_watch_ops ops = {.readable = on_readable, .writable = on_writable};

static void open_end(struct end *end, char letter)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    *end = (struct end){.fd = pair[0], .peer = pair[1], .letter = letter};
    assert_int_equal(nx_watch_new(loop, end->fd, &ops, end, &end->watch), NX_OK);
}

static void run(void)
{
    assert_int_equal(nx_loop_run(loop, NULL, NULL), NX_OK);
}

static int set_up(void **state)
{
    (void)state;
    memset(story, 0, sizeof(story));
    return nx_loop_new(NULL, &loop) == NX_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    nx_loop_free(loop);
    return 0;
}

static void stop_from_timer(void *ctx)
{
    (void)ctx;
    tell('t');
    nx_loop_stop(loop);
}

static void a_readable_descriptor_is_served(void **state)
{
    struct end end;

    (void)state;
    open_end(&end, 'r');
    end.stop = true;
    assert_int_equal(write(end.peer, "x", 1), 1);
    run();
    assert_string_equal(story, "r");
    (void)close(end.peer);
}

static void a_peer_that_is_gone_is_told_by_reading(void **state)
{
    struct end end;

    (void)state;
    open_end(&end, 'r');
    end.stop = true;
    (void)close(end.peer);
    run();
    assert_string_equal(story, "r!");
}

static void the_last_bytes_before_a_hang_up_are_read_first(void **state)
{
    struct end end;
    struct nx_timer *timer = nx_timer_new(loop, stop_from_timer, NULL);

    (void)state;
    open_end(&end, 'r');
    assert_int_equal(write(end.peer, "x", 1), 1);
    (void)close(end.peer);
    nx_timer_set(timer, 20);
    run();
    assert_string_equal(story, "rr!t");
    nx_timer_free(timer);
}

static void writable_comes_once_for_each_wish(void **state)
{
    struct end end;

    (void)state;
    open_end(&end, 'r');
    nx_watch_want_write(end.watch);
    run();
    assert_string_equal(story, "www");
    (void)close(end.peer);
}

static void a_watch_may_close_itself_and_its_descriptor_is_closed(void **state)
{
    struct end end;

    (void)state;
    open_end(&end, 'r');
    end.close_itself = end.stop = true;
    assert_int_equal(write(end.peer, "x", 1), 1);
    run();
    assert_string_equal(story, "r");
    assert_int_equal(fcntl(end.fd, F_GETFD), -1);
    (void)close(end.peer);
}

static void a_watch_closed_by_another_of_the_same_turn_is_not_served(void **state)
{
    struct end a, b;

    (void)state;
    open_end(&a, 'a');
    open_end(&b, 'b');
    a.victim = b.watch;
    b.victim = a.watch;
    a.stop = b.stop = true;
    assert_int_equal(write(a.peer, "x", 1), 1);
    assert_int_equal(write(b.peer, "x", 1), 1);
    run();
    assert_int_equal(strlen(story), 1); /* whoever came first closed the other */
    (void)close(a.peer);
    (void)close(b.peer);
}

static void tell_due(void *ctx)
{
    tell(*(const char *)ctx);
}

static void timers_come_in_the_order_of_their_time(void **state)
{
    static const char a = 'a', b = 'b', c = 'c';
    struct nx_timer *late = nx_timer_new(loop, tell_due, (void *)(uintptr_t)&b);
    struct nx_timer *soon = nx_timer_new(loop, tell_due, (void *)(uintptr_t)&a);
    struct nx_timer *never = nx_timer_new(loop, tell_due, (void *)(uintptr_t)&c);
    struct nx_timer *last = nx_timer_new(loop, stop_from_timer, NULL);

    (void)state;
    nx_timer_set(last, 60);
    nx_timer_set(late, 30);
    nx_timer_set(soon, 1);
    nx_timer_set(never, 10);
    nx_timer_clear(never);
    run();
    assert_string_equal(story, "abt");
    nx_timer_free(late);
    nx_timer_free(soon);
    nx_timer_free(never);
    nx_timer_free(last);
}

static struct nx_timer *self;

static void free_itself(void *ctx)
{
    (void)ctx;
    tell('f');
    nx_timer_free(self);
    self = NULL;
    nx_loop_stop(loop);
}

static void a_timer_may_free_itself(void **state)
{
    (void)state;
    self = nx_timer_new(loop, free_itself, NULL);
    nx_timer_set(self, 0);
    run();
    assert_string_equal(story, "f");
    assert_null(self);
}

static void set_itself(void *ctx)
{
    (void)ctx;
    tell('s');
    if (strlen(story) < 4) {
        nx_timer_set(self, 0);
    } else {
        nx_loop_stop(loop);
    }
}

static void a_timer_may_set_itself_again(void **state)
{
    (void)state;
    self = nx_timer_new(loop, set_itself, NULL);
    nx_timer_set(self, 0);
    run();
    assert_string_equal(story, "ssss");
    nx_timer_free(self);
}

static void count_turn(void *ctx)
{
    unsigned *turns = ctx;

    if (++*turns == 3) {
        nx_loop_stop(loop);
    } else {
        nx_loop_wake(loop);
    }
}

static void the_hook_is_called_once_a_turn_and_wake_ends_the_wait(void **state)
{
    unsigned turns = 0;

    (void)state;
    nx_loop_wake(loop);
    assert_int_equal(nx_loop_run(loop, count_turn, &turns), NX_OK);
    assert_int_equal(turns, 3);
}

static void on_signal(int number)
{
    (void)number;
    nx_loop_stop(loop);
}

static void send_signal(void *ctx)
{
    (void)ctx;
    (void)raise(SIGUSR1);
}

static void a_signal_handler_can_stop_the_loop(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct nx_timer *timer = nx_timer_new(loop, send_signal, NULL);

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    nx_timer_set(timer, 1);
    run();
    nx_timer_free(timer);
}

static void a_signal_without_effect_does_not_end_the_loop(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct nx_timer *timer = nx_timer_new(loop, stop_from_timer, NULL);

    (void)state;
    action.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    nx_timer_set(timer, 1);
    run();
    assert_string_equal(story, "t");
    nx_timer_free(timer);
}

static void two_loops_live_beside_each_other(void **state)
{
    struct nx_loop *first = loop, *second;
    struct end end;

    (void)state;
    assert_int_equal(nx_loop_new(NULL, &second), NX_OK);
    loop = second;
    open_end(&end, 'r');
    end.stop = true;
    assert_int_equal(write(end.peer, "x", 1), 1);
    run();
    assert_string_equal(story, "r");
    nx_loop_free(second); /* and with it the watch that is still open */
    assert_int_equal(fcntl(end.fd, F_GETFD), -1);
    (void)close(end.peer);
    loop = first;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_readable_descriptor_is_served),
        TEST(a_peer_that_is_gone_is_told_by_reading),
        TEST(the_last_bytes_before_a_hang_up_are_read_first),
        TEST(writable_comes_once_for_each_wish),
        TEST(a_watch_may_close_itself_and_its_descriptor_is_closed),
        TEST(a_watch_closed_by_another_of_the_same_turn_is_not_served),
        TEST(timers_come_in_the_order_of_their_time),
        TEST(a_timer_may_free_itself),
        TEST(a_timer_may_set_itself_again),
        TEST(the_hook_is_called_once_a_turn_and_wake_ends_the_wait),
        TEST(a_signal_handler_can_stop_the_loop),
        TEST(a_signal_without_effect_does_not_end_the_loop),
        TEST(two_loops_live_beside_each_other),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
