/*
 * broker.c - CONNECT, SUBSCRIBE, then PINGREQ again and again.
 *
 * When is the last retained message there? The standard has no word for it. A broker answers
 * PINGREQ in order, so what was on its way to us is here before the answer; and what it held back
 * until we had acknowledged goes out before the answer to the next. A whole round without a
 * message is the end. No clock is asked but for giving up.
 */
#include "ctl/broker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    WAIT_MS = 15000, /* for one step of the broker */
    PACKET_BYTES_MAX = 17 * 1024 * 1024,
    OUT_BYTES_MAX = 16 * 1024 * 1024,
    READ_BYTES = 64 * 1024,
    CLIENT_ID_SIZE = 32,
};

struct nx_visit {
    struct nx_net *net;
    int fd;
    bool connected;
    uint16_t packet_id;
    struct nx_buf in, out;
    size_t consumed; /* of `in`: the packet that was handed out last */
};

/* --- the stream ---------------------------------------------------------------------------- */

static enum nx_err wait_for(struct nx_visit *v, short events, const char *what,
                            struct nx_diag *diag)
{
    struct pollfd poller;
    int fd = nx_net_take_fd(v->net);
    int ready;

    if (fd >= 0) {
        if (v->fd >= 0) {
            (void)close(v->fd);
        }
        v->fd = fd;
    }
    if (nx_net_wants_write(v->net)) {
        events |= POLLOUT;
    }
    poller = (struct pollfd){.fd = v->fd, .events = events};
    do {
        ready = poll(&poller, 1, WAIT_MS);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0) {
        return NX_OK;
    }
    nx_diag_set(diag, "nothing came from the broker within %d s, waiting for %s", WAIT_MS / 1000,
                what);
    return NX_ERR_IO;
}

static enum nx_err dial(struct nx_visit *v, const struct nx_net_config *config,
                        struct nx_diag *diag)
{
    enum nx_err err = nx_net_dial(config, &v->net, diag);

    while (err == NX_OK) {
        err = nx_net_step(v->net, diag);
        if (err != NX_ERR_AGAIN) {
            return err;
        }
        err = wait_for(v, POLLIN, nx_net_doing(v->net), diag);
    }
    return err;
}

static enum nx_err flush(struct nx_visit *v, struct nx_diag *diag)
{
    while (v->out.len > 0) {
        size_t count = 0;
        enum nx_err err = nx_net_write(v->net, v->out.data, v->out.len, &count, diag);

        nx_buf_consume(&v->out, count);
        if (err == NX_ERR_AGAIN) {
            err = wait_for(v, POLLOUT, "room to send", diag);
        }
        if (err != NX_OK) {
            return err;
        }
    }
    return NX_OK;
}

static enum nx_err read_more(struct nx_visit *v, struct nx_diag *diag)
{
    char *room;
    size_t count = 0;
    enum nx_err err = nx_buf_reserve(&v->in, READ_BYTES, &room);

    if (err != NX_OK) {
        nx_diag_set(diag, "%s", nx_err_text(err));
        return err;
    }
    err = nx_net_read(v->net, room, READ_BYTES, &count, diag);
    v->in.len += err == NX_OK ? count : 0;
    return err == NX_ERR_AGAIN ? wait_for(v, POLLIN, "its answer", diag) : err;
}

/* The next whole packet; it lies in v->in until the next call. */
static enum nx_err next_packet(struct nx_visit *v, struct nx_mqtt_packet *packet,
                               struct nx_diag *diag)
{
    enum nx_err err;

    nx_buf_consume(&v->in, v->consumed);
    v->consumed = 0;
    for (;;) {
        err = nx_mqtt_frame(nx_buf_view(&v->in), PACKET_BYTES_MAX, packet);
        if (err != NX_ERR_AGAIN) {
            break;
        }
        err = read_more(v, diag);
        if (err != NX_OK) {
            return err;
        }
    }
    if (err != NX_OK) {
        nx_diag_set(diag, "the broker sent no MQTT packet: %s", nx_err_text(err));
        return err;
    }
    v->consumed = packet->size;
    return NX_OK;
}

/* --- MQTT ---------------------------------------------------------------------------------- */

static enum nx_err refused(const char *what, uint8_t reason, struct nx_diag *diag)
{
    nx_diag_set(diag, "the broker refused the %s: %s (0x%02x)", what, nx_mqtt_reason_text(reason),
                reason);
    return NX_ERR_DENIED;
}

static enum nx_err unexpected(const struct nx_mqtt_packet *packet, struct nx_diag *diag)
{
    struct nx_mqtt_disconnect gone;

    if (packet->type == NX_MQTT_DISCONNECT && nx_mqtt_decode_disconnect(packet, &gone) == NX_OK) {
        return refused("connection", gone.reason, diag);
    }
    nx_diag_set(diag, "the broker sent a %s where none is due", nx_mqtt_type_name(packet->type));
    return NX_ERR_SYNTAX;
}

/* One of its own: a broker may refuse clients that leave the choice to it. */
static const char *draw_client_id(char out[CLIENT_ID_SIZE])
{
    uint64_t number;

    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        number = (uint64_t)getpid(); /* has to do */
    }
    (void)snprintf(out, CLIENT_ID_SIZE, "nexusctl-%016llx", (unsigned long long)number);
    return out;
}

static enum nx_err log_in(struct nx_visit *v, const struct nx_visit_config *config,
                          struct nx_diag *diag)
{
    char client_id[CLIENT_ID_SIZE];
    const struct nx_mqtt_connect connect = {.level = NX_MQTT_5,
                                            .clean_start = true,
                                            .client_id = nx_span_from(draw_client_id(client_id)),
                                            .username = nx_span_from(config->username),
                                            .password = nx_span_from(config->password),
                                            .receive_max = NX_MQTT_RECEIVE_MAX};
    struct nx_mqtt_packet packet;
    struct nx_mqtt_connack answer;
    enum nx_err err = nx_mqtt_encode_connect(&v->out, &connect);

    if (err != NX_OK) {
        nx_diag_set(diag, "the username or password is not UTF-8 or too long");
        return err;
    }
    err = flush(v, diag);
    if (err == NX_OK) {
        err = next_packet(v, &packet, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    if (packet.type != NX_MQTT_CONNACK ||
        nx_mqtt_decode_connack(&packet, NX_MQTT_5, &answer) != NX_OK) {
        return unexpected(&packet, diag);
    }
    v->connected = answer.reason < NX_MQTT_REFUSED;
    return v->connected ? NX_OK : refused("login", answer.reason, diag);
}

enum nx_err nx_visit_begin(const struct nx_visit_config *config, struct nx_visit **out,
                           struct nx_diag *diag)
{
    struct nx_visit *v = calloc(1, sizeof(*v));
    enum nx_err err;

    *out = NULL;
    if (v == NULL) {
        nx_diag_set(diag, "%s", nx_err_text(NX_ERR_NOMEM));
        return NX_ERR_NOMEM;
    }
    v->fd = -1;
    nx_buf_init(&v->in, PACKET_BYTES_MAX + READ_BYTES);
    nx_buf_init(&v->out, OUT_BYTES_MAX);
    err = dial(v, &config->net, diag);
    if (err == NX_OK) {
        err = log_in(v, config, diag);
    }
    if (err != NX_OK) {
        nx_visit_end(v);
        return err;
    }
    *out = v;
    return NX_OK;
}

/* One round's messages: until the answer to PINGREQ. */
struct round {
    void (*each)(void *ctx, const struct nx_mqtt_publish *message);
    void *ctx;
    unsigned messages;
};

static enum nx_err take_publish(struct nx_visit *v, const struct nx_mqtt_packet *packet,
                                struct round *round)
{
    struct nx_mqtt_publish message;
    enum nx_err err = nx_mqtt_decode_publish(packet, NX_MQTT_5, &message);

    if (err == NX_OK && message.retain) { /* else it is published just now: judged already */
        round->messages++;
        round->each(round->ctx, &message);
    }
    if (err == NX_OK && message.qos == 1) {
        err = nx_mqtt_encode_ack(&v->out, NX_MQTT_5, NX_MQTT_PUBACK, message.packet_id,
                                 NX_MQTT_SUCCESS);
    }
    return err;
}

static enum nx_err take_suback(const struct nx_mqtt_packet *packet, struct nx_diag *diag)
{
    struct nx_mqtt_suback answer;
    enum nx_err err = nx_mqtt_decode_suback(packet, NX_MQTT_5, &answer);

    if (err == NX_OK && (unsigned char)answer.reasons.ptr[0] >= NX_MQTT_REFUSED) {
        return refused("subscription", (unsigned char)answer.reasons.ptr[0], diag);
    }
    return err;
}

static enum nx_err run_round(struct nx_visit *v, struct round *round, struct nx_diag *diag)
{
    struct nx_mqtt_packet packet;
    enum nx_err err = nx_mqtt_encode_pingreq(&v->out);

    round->messages = 0;
    while (err == NX_OK) {
        err = flush(v, diag);
        if (err == NX_OK) {
            err = next_packet(v, &packet, diag);
        }
        if (err != NX_OK || packet.type == NX_MQTT_PINGRESP) {
            break;
        }
        if (packet.type == NX_MQTT_PUBLISH) {
            err = take_publish(v, &packet, round);
        } else {
            err = packet.type == NX_MQTT_SUBACK ? take_suback(&packet, diag)
                                                : unexpected(&packet, diag);
        }
    }
    return err;
}

enum nx_err nx_visit_retained(struct nx_visit *v, struct nx_span filter,
                              void (*each)(void *ctx, const struct nx_mqtt_publish *message),
                              void *ctx, struct nx_diag *diag)
{
    const struct nx_mqtt_subscribe subscribe = {
        .packet_id = ++v->packet_id, .filters = &filter, .filters_count = 1, .qos = 1};
    struct round round = {.each = each, .ctx = ctx};
    enum nx_err err = nx_mqtt_encode_subscribe(&v->out, NX_MQTT_5, &subscribe);

    do {
        err = err == NX_OK ? run_round(v, &round, diag) : err;
    } while (err == NX_OK && round.messages > 0);
    if (err != NX_OK) {
        v->connected = false;
        if (diag->text[0] == '\0') {
            nx_diag_set(diag, "%s", nx_err_text(err));
        }
    }
    return err;
}

void nx_visit_end(struct nx_visit *v)
{
    struct nx_diag ignored = {0};

    if (v == NULL) {
        return;
    }
    if (v->connected && nx_mqtt_encode_disconnect(&v->out, NX_MQTT_5, NX_MQTT_SUCCESS) == NX_OK) {
        (void)flush(v, &ignored);
    }
    nx_net_free(v->net);
    if (v->fd >= 0) {
        (void)close(v->fd);
    }
    nx_buf_fini(&v->in);
    nx_buf_fini(&v->out);
    free(v);
}
