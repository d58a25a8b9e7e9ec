/*
 * fake_broker.c - see fake_broker.h. Blocking sockets with a time limit: a step that waits in vain
 * is a fault, and ends the script.
 */
#include "fake_broker.h"

#include "test/unit/mqtt/mqtt_hex.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { FAKE_WAIT_S = 10 };

struct fake_broker {
    const struct fake_step *steps;
    pthread_t thread;
    int listener, client;
    uint16_t port;
    char fault[512];
};

static int listen_anywhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval wait = {.tv_sec = FAKE_WAIT_S};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    *port = ntohs(address.sin_port);
    return fd;
}

uint16_t fake_broker_free_port(void)
{
    uint16_t port;

    (void)close(listen_anywhere(&port));
    return port;
}

static void say_fault(struct fake_broker *broker, size_t step, const char *what, size_t number)
{
    const char *packet = broker->steps[step].packet;

    (void)snprintf(broker->fault, sizeof(broker->fault), "step %zu (%s): %s %zu", step,
                   packet != NULL ? packet : "-", what, number);
}

/* Reads one whole packet; its length, or 0 at the end of the stream. */
static size_t read_packet(int fd, char *out)
{
    struct nx_mqtt_packet packet;
    size_t len = 0;

    while (nx_mqtt_frame((struct nx_span){out, len}, HEX_BYTES_MAX, &packet) == NX_ERR_AGAIN) {
        if (recv(fd, out + len, 1, 0) != 1) {
            return 0;
        }
        len++;
    }
    return len;
}

static void close_client(struct fake_broker *broker)
{
    if (broker->client >= 0) {
        (void)close(broker->client);
    }
    broker->client = -1;
}

static void do_accept(struct fake_broker *broker, size_t step)
{
    const struct timeval wait = {.tv_sec = FAKE_WAIT_S};
    const int one = 1;
    const int fd = accept(broker->listener, NULL, NULL);

    close_client(broker); /* of before */
    broker->client = fd;
    if (fd < 0) {
        say_fault(broker, step, "nobody connected; errno", (size_t)errno);
        return;
    }
    (void)setsockopt(broker->client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    (void)setsockopt(broker->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void do_expect(struct fake_broker *broker, size_t step)
{
    const struct hex want = hex(broker->steps[step].packet);
    char got[HEX_BYTES_MAX];
    const size_t len = read_packet(broker->client, got);
    size_t same = 0;

    while (same < len && same < want.len && got[same] == want.bytes[same]) {
        same++;
    }
    if (len != want.len) {
        say_fault(broker, step, "other length:", len);
    } else if (same < len) {
        say_fault(broker, step, "differs at byte", same);
    }
}

static void do_send(struct fake_broker *broker, size_t step)
{
    const struct hex h = hex(broker->steps[step].packet);
    const size_t piece = broker->steps[step].act == FAKE_SEND ? h.len : 1;

    for (size_t at = 0; at < h.len; at += piece) {
        if (send(broker->client, h.bytes + at, piece, MSG_NOSIGNAL) != (ssize_t)piece) {
            say_fault(broker, step, "sending failed; errno", (size_t)errno);
            return;
        }
    }
}

static void do_drain(struct fake_broker *broker, size_t step, size_t bytes_max)
{
    char bytes[4096];
    size_t total = 0;
    ssize_t n;

    do {
        n = recv(broker->client, bytes, sizeof(bytes), 0);
        total += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    if (n < 0 && errno != ECONNRESET) {
        say_fault(broker, step, "the client did not close; errno", (size_t)errno);
    } else if (total > bytes_max) {
        say_fault(broker, step, "bytes before the client closed:", total);
    }
}

static void do_step(struct fake_broker *broker, size_t step)
{
    switch (broker->steps[step].act) {
    case FAKE_END:
        break;
    case FAKE_ACCEPT:
        do_accept(broker, step);
        break;
    case FAKE_EXPECT:
        do_expect(broker, step);
        break;
    case FAKE_SEND:
    case FAKE_SEND_SLOWLY:
        do_send(broker, step);
        break;
    case FAKE_DRAIN:
        do_drain(broker, step, SIZE_MAX);
        break;
    case FAKE_CLOSED:
        do_drain(broker, step, 0);
        break;
    case FAKE_CLOSE:
        close_client(broker);
        break;
    }
}

static void *follow(void *arg)
{
    struct fake_broker *broker = arg;

    for (size_t i = 0; broker->steps[i].act != FAKE_END && broker->fault[0] == '\0'; i++) {
        do_step(broker, i);
    }
    close_client(broker);
    return NULL;
}

struct fake_broker *fake_broker_start(const struct fake_step *steps)
{
    struct fake_broker *broker = calloc(1, sizeof(*broker));

    assert_non_null(broker);
    broker->steps = steps;
    broker->client = -1;
    broker->listener = listen_anywhere(&broker->port);
    assert_int_equal(pthread_create(&broker->thread, NULL, follow, broker), 0);
    return broker;
}

uint16_t fake_broker_port(const struct fake_broker *broker)
{
    return broker->port;
}

void fake_broker_finish(struct fake_broker *broker)
{
    char fault[sizeof(broker->fault)];

    assert_int_equal(pthread_join(broker->thread, NULL), 0);
    (void)close(broker->listener);
    memcpy(fault, broker->fault, sizeof(fault));
    free(broker);
    assert_string_equal(fault, "");
}
