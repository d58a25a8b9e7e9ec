/*
 * session_cost.c - what a message costs a session, without a broker in the way: a child process
 * plays the broker as cheaply as it can. Not a test: run by hand, best under an instruction counter,
 * which no other load of the machine disturbs:
 *
 *     valgrind --tool=callgrind --callgrind-out-file=FILE session_cost in|out1|out2 COUNT
 *
 * and once with COUNT 0, to be subtracted.
 */
#include "bridge/session.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    PAYLOAD_BYTES = 300,
    WINDOW = 1000,
    BURST = 64, /* of the child, as large as a broker's usual write */
    ROOM = 1 << 20,
    ACKS_MAX = 65536,
};

#define TOPIC "nexus/birmingham/air/BMLD/observation"

struct cost {
    struct nx_loop *loop;
    struct nx_session *session;
    char direction;
    uint8_t qos;
    uint64_t count, sent, done;
    uint16_t acks[ACKS_MAX]; /* to be sent at the end of the turn, as after a commit */
    size_t acks_count;
};

static char payload[PAYLOAD_BYTES];

/* ---- the child ---- */

static void send_all(int fd, const struct nx_buf *out)
{
    for (size_t at = 0; at < out->len;) {
        const ssize_t n = send(fd, out->data + at, out->len - at, MSG_NOSIGNAL);
        if (n <= 0) {
            _exit(0);
        }
        at += (size_t)n;
    }
}

static void give(struct nx_buf *out, uint64_t *given, uint64_t acked, uint64_t count)
{
    for (int i = 0; i < BURST && *given < count && *given - acked < WINDOW; i++) {
        const struct nx_mqtt_publish publish = {
            .topic = NX_SPAN(TOPIC),
            .payload = {payload, sizeof(payload)},
            .qos = 1,
            .packet_id = (uint16_t)(1 + *given % 65000),
        };
        (void)nx_mqtt_encode_publish(out, NX_MQTT_5, &publish);
        ++*given;
    }
}

static void answer(struct nx_buf *out, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_publish publish;
    struct nx_mqtt_ack ack;

    if (packet->type == NX_MQTT_CONNECT) {
        (void)nx_buf_add(out, "\x20\x03\x00\x00\x00", 5);
    } else if (packet->type == NX_MQTT_PUBLISH &&
               nx_mqtt_decode_publish(packet, NX_MQTT_5, &publish) == NX_OK) {
        (void)nx_mqtt_encode_ack(out, NX_MQTT_5, publish.qos == 2 ? NX_MQTT_PUBREC : NX_MQTT_PUBACK,
                                 publish.packet_id, 0);
    } else if (packet->type == NX_MQTT_PUBREL &&
               nx_mqtt_decode_ack(packet, NX_MQTT_5, &ack) == NX_OK) {
        (void)nx_mqtt_encode_ack(out, NX_MQTT_5, NX_MQTT_PUBCOMP, ack.packet_id, 0);
    }
}

static void play_broker(int listener, bool gives, uint64_t count)
{
    static char room[ROOM];
    const int fd = accept(listener, NULL, NULL), one = 1;
    uint64_t given = 0, acked = 0;
    size_t len = 0;
    struct nx_buf out;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    nx_buf_init(&out, ROOM);
    for (;;) {
        const ssize_t n = recv(fd, room + len, sizeof(room) - len, 0);
        struct nx_mqtt_packet packet;
        size_t at = 0;
        if (n <= 0) {
            _exit(0);
        }
        len += (size_t)n;
        nx_buf_reset(&out);
        while (nx_mqtt_frame((struct nx_span){room + at, len - at}, ROOM, &packet) == NX_OK) {
            acked += packet.type == NX_MQTT_PUBACK;
            answer(&out, &packet);
            at += packet.size;
        }
        memmove(room, room + at, len - at);
        len -= at;
        do {
            if (gives) {
                give(&out, &given, acked, count);
            }
            send_all(fd, &out);
            nx_buf_reset(&out);
        } while (gives && given < count && given - acked < WINDOW);
    }
}

/* ---- the parent ---- */

static void pump(struct cost *cost)
{
    while (cost->sent < cost->count) {
        const struct nx_mqtt_publish publish = {
            .topic = NX_SPAN(TOPIC),
            .payload = {payload, sizeof(payload)},
            .qos = cost->qos,
            .retain = true,
            .packet_id = cost->qos == 2 ? (uint16_t)(1 + cost->sent % 50000) : 0,
            .content_type = NX_SPAN("application/json"),
            .user = {{NX_SPAN("nexus-origin"), NX_SPAN("birmingham")},
                     {NX_SPAN("nexus-seq"), NX_SPAN("0123456789abcdef.123456789")}},
            .user_count = 2,
        };
        if (cost->sent - cost->done >= WINDOW ||
            nx_session_publish(cost->session, &publish, cost->sent) != NX_OK) {
            return;
        }
        cost->sent++;
    }
}

static void count_done(struct cost *cost)
{
    if (++cost->done == cost->count) {
        nx_loop_stop(cost->loop);
    }
}

static void on_up(void *ctx, bool session_present)
{
    struct cost *cost = ctx;

    (void)session_present;
    if (cost->count == 0) {
        nx_loop_stop(cost->loop);
    } else if (cost->direction == 'o') {
        pump(cost);
    }
}

static void on_down(void *ctx, const char *why)
{
    (void)fprintf(stderr, "down: %s\n", why);
    nx_loop_stop(((struct cost *)ctx)->loop);
}

static void on_message(void *ctx, const struct nx_mqtt_publish *publish)
{
    struct cost *cost = ctx;

    cost->acks[cost->acks_count++] = publish->packet_id;
    count_done(cost);
}

static void on_answered(void *ctx, uint64_t token, uint8_t reason)
{
    (void)token;
    (void)reason;
    count_done(ctx);
}

static void on_received(void *ctx, uint64_t token, uint16_t packet_id, uint8_t reason)
{
    (void)reason;
    (void)nx_session_release(((struct cost *)ctx)->session, packet_id, token);
}

static void nothing(void *ctx, uint8_t reason)
{
    (void)ctx;
    (void)reason;
}

static void on_room(void *ctx)
{
    pump(ctx);
}

static void on_turn(void *ctx)
{
    struct cost *cost = ctx;

    for (size_t i = 0; i < cost->acks_count; i++) {
        nx_session_ack(cost->session, nx_session_connection(cost->session), cost->acks[i]);
    }
    cost->acks_count = 0;
    if (cost->direction == 'o') {
        pump(cost);
    }
    nx_session_flush(cost->session);
}

static const struct nx_session_events events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .answered = on_answered,
    .received = on_received,
    .subscribed = nothing,
    .room = on_room,
};

static double now(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct cost *cost, uint16_t port)
{
    const struct nx_log log = {0};
    const struct nx_session_config config = {
        .name = "cost",
        .host = "127.0.0.1",
        .port = port,
        .client_id = "cost",
        .protocol_level = NX_MQTT_5,
        .keepalive_s = 30,
        .session_expiry_s = 60,
        .receive_max = 57343,
        .qos2_ids = 50000,
        .packet_bytes_max = 2 << 20,
        .output_bytes_max = 4 << 20,
        .backoff_ms_min = 250,
        .backoff_ms_max = 15000,
        .seed = 1,
    };
    struct nx_diag diag = {0};
    double wall, cpu;

    if (nx_loop_new(&log, &cost->loop) != NX_OK ||
        nx_session_new(cost->loop, &log, &config, &events, cost, &cost->session, &diag) != NX_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    nx_session_start(cost->session);
    wall = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    (void)nx_loop_run(cost->loop, on_turn, cost);
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (cost->count > 0) {
        (void)printf("%lu messages: %.2f us of CPU each, %.0f a second\n",
                     (unsigned long)cost->done, 1e6 * cpu / (double)cost->done,
                     (double)cost->done / wall);
    }
    nx_session_free(cost->session);
    nx_loop_free(cost->loop);
    return cost->done == cost->count ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct cost cost;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;
    int code;

    if (argc != 3 || listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
        listen(listener, 1) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        (void)fprintf(stderr, "usage: session_cost in|out1|out2 COUNT\n");
        return 2;
    }
    memset(payload, '7', sizeof(payload));
    cost.direction = argv[1][0];
    cost.qos = strcmp(argv[1], "out2") == 0 ? 2 : 1;
    cost.count = strtoull(argv[2], NULL, 10);
    child = fork();
    if (child == 0) {
        play_broker(listener, cost.direction == 'i', cost.count);
    }
    code = run(&cost, ntohs(address.sin_port));
    (void)close(listener);
    (void)waitpid(child, NULL, 0);
    return code;
}
