/*
 * load_pipe.c - both ends of the pipe, driven by poll.
 */
#include "bench/load_pipe.h"

#include "core/mqtt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 256 * 1024,
    WAIT_MS_MAX = 20000, /* without anything coming */
    PACKET_BYTES_MAX = 64 * 1024,
    OUT_HIGH = 128 * 1024,
};

struct end {
    int socket;
    struct nx_buf in, out;
};

struct load_pipe {
    struct load_pipe_config config;
    struct end publisher, subscriber;
    unsigned sent, acknowledged, received;
    uint16_t next_id;
};

static void end_open(struct end *end, uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;

    end->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (end->socket < 0 ||
        connect(end->socket, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        bench_die("no connection to port %u", port);
    }
    (void)setsockopt(end->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    nx_buf_init(&end->in, BUFFER_BYTES);
    nx_buf_init(&end->out, 2 * BUFFER_BYTES);
}

static void end_close(struct end *end)
{
    (void)close(end->socket);
    nx_buf_fini(&end->in);
    nx_buf_fini(&end->out);
}

static void end_send(struct end *end)
{
    while (end->out.len > 0) {
        ssize_t n = send(end->socket, end->out.data, end->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            bench_die("the broker has closed the connection");
        }
        nx_buf_consume(&end->out, (size_t)n);
    }
}

/* Takes what is there; false: nothing. */
static bool end_receive(struct end *end)
{
    char *room;
    ssize_t n;

    if (nx_buf_reserve(&end->in, BUFFER_BYTES - end->in.len, &room) != NX_OK) {
        bench_die("out of memory");
    }
    n = recv(end->socket, room, BUFFER_BYTES - end->in.len, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        bench_die("the broker has closed the connection");
    }
    end->in.len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* Hands each whole packet that has come to `take`. */
static void end_packets(struct load_pipe *pipe, struct end *end,
                        void (*take)(struct load_pipe *pipe, const struct nx_mqtt_packet *packet))
{
    struct nx_span rest = nx_buf_view(&end->in);
    struct nx_mqtt_packet packet;

    while (nx_mqtt_frame(rest, PACKET_BYTES_MAX, &packet) == NX_OK) {
        take(pipe, &packet);
        rest = (struct nx_span){rest.ptr + packet.size, rest.len - packet.size};
    }
    nx_buf_consume(&end->in, end->in.len - rest.len);
}

static bool readable(int socket)
{
    struct pollfd poll_one = {.fd = socket, .events = POLLIN};

    return poll(&poll_one, 1, WAIT_MS_MAX) == 1;
}

/* Sends what is in `out` and waits for one packet of that type. */
static void exchange(struct end *end, enum nx_mqtt_type type)
{
    struct nx_mqtt_packet packet;
    enum nx_err err;

    end_send(end);
    do {
        if (!readable(end->socket)) {
            bench_die("no answer from the broker");
        }
        (void)end_receive(end);
        err = nx_mqtt_frame(nx_buf_view(&end->in), PACKET_BYTES_MAX, &packet);
    } while (err == NX_ERR_AGAIN);
    /* CONNACK: its second byte; SUBACK: its third; 3.1.1 sections 3.2.2.3 and 3.9.3 */
    if (err != NX_OK || packet.type != type ||
        (unsigned char)packet.body.ptr[type == NX_MQTT_CONNACK ? 1 : 2] >= 0x80 ||
        (type == NX_MQTT_CONNACK && packet.body.ptr[1] != 0)) {
        bench_die("the broker refused");
    }
    nx_buf_consume(&end->in, packet.size);
}

/* Each connection has an identifier of its own: the broker may not have seen the last one go. */
static void login(struct end *end, const struct load_pipe_config *config, const char *username)
{
    static unsigned count;
    char id[32];
    struct nx_mqtt_connect connect = {.level = NX_MQTT_3_1_1,
                                      .clean_start = true,
                                      .username = nx_span_from(username),
                                      .password = nx_span_from(config->password)};

    (void)snprintf(id, sizeof(id), "load-%d-%u", (int)getpid(), count++);
    connect.client_id = nx_span_from(id);
    end_open(end, config->port);
    (void)nx_mqtt_encode_connect(&end->out, &connect);
    exchange(end, NX_MQTT_CONNACK);
}

struct load_pipe *load_pipe_open(const struct load_pipe_config *config)
{
    struct nx_span filter = config->topic;
    const struct nx_mqtt_subscribe subscribe = {
        .packet_id = 1, .filters = &filter, .filters_count = 1, .qos = config->qos};
    struct load_pipe *pipe = calloc(1, sizeof(*pipe));

    if (pipe == NULL) {
        bench_die("out of memory");
    }
    pipe->config = *config;
    login(&pipe->subscriber, config, config->subscriber);
    (void)nx_mqtt_encode_subscribe(&pipe->subscriber.out, NX_MQTT_3_1_1, &subscribe);
    exchange(&pipe->subscriber, NX_MQTT_SUBACK);
    login(&pipe->publisher, config, config->publisher);
    return pipe;
}

void load_pipe_close(struct load_pipe *pipe)
{
    end_close(&pipe->publisher);
    end_close(&pipe->subscriber);
    free(pipe);
}

/* ---- running ----------------------------------------------------------------------------- */

static void take_acknowledgement(struct load_pipe *pipe, const struct nx_mqtt_packet *packet)
{
    pipe->acknowledged += packet->type == NX_MQTT_PUBACK;
}

static void take_message(struct load_pipe *pipe, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_publish publish;

    if (packet->type != NX_MQTT_PUBLISH ||
        nx_mqtt_decode_publish(packet, NX_MQTT_3_1_1, &publish) != NX_OK ||
        !nx_span_eq(publish.payload, pipe->config.payload)) {
        bench_die("something else than what was sent was received");
    }
    pipe->received++;
    if (publish.qos == 1) {
        (void)nx_mqtt_encode_ack(&pipe->subscriber.out, NX_MQTT_3_1_1, NX_MQTT_PUBACK,
                                 publish.packet_id, 0);
    }
}

static unsigned on_their_way(const struct load_pipe *pipe)
{
    unsigned behind = pipe->sent - pipe->received;
    unsigned unacknowledged = pipe->config.qos == 1 ? pipe->sent - pipe->acknowledged : 0;

    return behind > unacknowledged ? behind : unacknowledged;
}

static void fill(struct load_pipe *pipe, unsigned count)
{
    struct nx_mqtt_publish publish = {
        .topic = pipe->config.topic, .payload = pipe->config.payload, .qos = pipe->config.qos};

    while (pipe->sent < count && on_their_way(pipe) < LOAD_WINDOW &&
           pipe->publisher.out.len < OUT_HIGH) {
        if (publish.qos == 1) {
            pipe->next_id = pipe->next_id == UINT16_MAX ? 1 : (uint16_t)(pipe->next_id + 1);
            publish.packet_id = pipe->next_id;
        }
        if (nx_mqtt_encode_publish(&pipe->publisher.out, NX_MQTT_3_1_1, &publish) != NX_OK) {
            bench_die("out of memory");
        }
        pipe->sent++;
    }
}

static void wait_for_more(const struct load_pipe *pipe)
{
    struct pollfd both[] = {{.fd = pipe->publisher.socket, .events = POLLIN},
                            {.fd = pipe->subscriber.socket, .events = POLLIN}};

    both[0].events |= pipe->publisher.out.len > 0 ? POLLOUT : 0;
    both[1].events |= pipe->subscriber.out.len > 0 ? POLLOUT : 0;
    if (poll(both, 2, WAIT_MS_MAX) < 1) {
        bench_die("the broker stands still: %u sent, %u received, %u acknowledged", pipe->sent,
                  pipe->received, pipe->acknowledged);
    }
}

void load_pipe_run(struct load_pipe *pipe, unsigned count)
{
    pipe->sent = pipe->received = pipe->acknowledged = 0;
    while (pipe->received < count || (pipe->config.qos == 1 && pipe->acknowledged < count)) {
        fill(pipe, count);
        end_send(&pipe->publisher);
        end_send(&pipe->subscriber);
        wait_for_more(pipe);
        if (end_receive(&pipe->publisher)) {
            end_packets(pipe, &pipe->publisher, take_acknowledgement);
        }
        if (end_receive(&pipe->subscriber)) {
            end_packets(pipe, &pipe->subscriber, take_message);
        }
    }
    end_send(&pipe->subscriber);
}

/* ---- flooding ----------------------------------------------------------------------------- */

_Noreturn void load_flood(const struct load_pipe_config *config)
{
    const struct nx_mqtt_publish publish = {.topic = config->topic, .payload = config->payload};
    struct end end = {0};

    login(&end, config, config->publisher);
    for (;;) {
        struct pollfd one = {.fd = end.socket, .events = POLLOUT};

        while (end.out.len < OUT_HIGH &&
               nx_mqtt_encode_publish(&end.out, NX_MQTT_3_1_1, &publish) == NX_OK) {
        }
        (void)poll(&one, 1, WAIT_MS_MAX);
        end_send(&end);
    }
}
