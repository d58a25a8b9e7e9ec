/*
 * sim_broker_packet.c - what a client sends, decoded and answered. core/mqtt.h has what both sides
 * send; the rest is here.
 */
#include "test/sim/sim_broker_state.h"

#include "core/topic.h"

#include <assert.h>
#include <stdlib.h>

/* --- from a client ------------------------------------------------------------------------------ */

/* A publish of the client: is it taken, and if so is it to be routed? */
static uint8_t judge(struct sim_broker *broker, const struct nx_mqtt_publish *publish,
                     bool *goes_on)
{
    struct nx_topic topic;

    *goes_on = false;
    if (nx_topic_parse(publish->topic, &topic, NULL) == NX_TOPIC_DELIVER) {
        if (broker->deliver == NULL) {
            return NX_MQTT_NO_MATCHING_SUBSCRIBERS;
        }
        return open_delivery(broker, topic.city, publish->payload, publish->retain)
                   ? NX_MQTT_NO_MATCHING_SUBSCRIBERS
                   : NX_MQTT_NOT_AUTHORIZED;
    }
    if (!broker->config.admits(broker->config.ctx, publish->topic, publish->payload)) {
        return NX_MQTT_NOT_AUTHORIZED;
    }
    *goes_on = true;
    return NX_MQTT_SUCCESS;
}

static struct message **held_of(struct session *session, uint16_t packet_id)
{
    for (size_t i = 0; i < session->held_count; i++) {
        if (session->held[i]->publish.packet_id == packet_id) {
            return &session->held[i];
        }
    }
    return NULL;
}

static void on_publish_2(struct sim_broker *broker, struct session *session,
                         const struct nx_mqtt_publish *publish)
{
    struct message **held = held_of(session, publish->packet_id);
    bool goes_on;
    uint8_t reason = judge(broker, publish, &goes_on);

    if (reason < NX_MQTT_REFUSED && held != NULL) {
        message_free(*held); /* 2.0 takes the new bytes of a repeated identifier */
        *held = message_new(publish);
    } else if (reason < NX_MQTT_REFUSED) {
        session->held =
            grown(session->held, session->held_count, &session->held_cap, sizeof(session->held[0]));
        session->held[session->held_count++] = message_new(publish);
    }
    send_ack(broker, session, NX_MQTT_PUBREC, publish->packet_id, reason);
}

static void on_release(struct sim_broker *broker, struct session *session, uint16_t packet_id)
{
    struct message **held = held_of(session, packet_id);

    if (held != NULL) {
        struct message *message = *held;

        *held = session->held[--session->held_count];
        route(broker, &message->publish);
        message_free(message);
    }
    if (session->line != NULL) {
        send_ack(broker, session, NX_MQTT_PUBCOMP, packet_id, 0);
    }
}

static void on_publish(struct sim_broker *broker, struct session *session,
                       const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_publish publish;
    bool goes_on;
    uint8_t reason;

    if (nx_mqtt_decode_publish(packet, session->level, &publish) != NX_OK) {
        sim_line_close(session->line);
        return;
    }
    if (publish.qos == 2) {
        on_publish_2(broker, session, &publish);
        return;
    }
    reason = judge(broker, &publish, &goes_on);
    if (goes_on) {
        route(broker, &publish);
    }
    if (publish.qos == 1 && session->line != NULL) {
        send_ack(broker, session, NX_MQTT_PUBACK, publish.packet_id, reason);
    }
}

static struct nx_span take(struct nx_span *rest, size_t count)
{
    struct nx_span taken = {rest->ptr, count};

    assert(rest->len >= count); /* the bridge's own packets are well-formed */
    rest->ptr += count;
    rest->len -= count;
    return taken;
}

static unsigned take_number(struct nx_span *rest, size_t bytes)
{
    struct nx_span taken = take(rest, bytes);
    unsigned value = 0;

    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (uint8_t)taken.ptr[i];
    }
    return value;
}

static struct nx_span take_text(struct nx_span *rest)
{
    return take(rest, take_number(rest, 2));
}

static struct nx_span take_properties(struct nx_span *rest, uint8_t level)
{
    size_t len = 0;
    unsigned shift = 0;
    unsigned byte;

    if (level == NX_MQTT_3_1_1) {
        return (struct nx_span){NULL, 0};
    }
    do {
        byte = take_number(rest, 1);
        len |= (size_t)(byte & 0x7F) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    return take(rest, len);
}

static void on_subscribe(struct sim_broker *broker, struct session *session,
                         const struct nx_mqtt_packet *packet)
{
    struct nx_span rest = packet->body;
    uint16_t packet_id = (uint16_t)take_number(&rest, 2);
    char reasons[FILTERS_MAX];
    size_t count = 0;
    uint8_t head[8];

    (void)take_properties(&rest, session->level);
    while (rest.len > 0) {
        struct nx_span filter = take_text(&rest);
        unsigned options = take_number(&rest, 1);
        size_t at = 0;

        while (at < session->filters_count && !nx_span_is(filter, session->filters[at])) {
            at++;
        }
        assert(at < FILTERS_MAX);
        (void)nx_span_copy(filter, session->filters[at], sizeof(session->filters[at]));
        session->qos[at] = options & 3;
        reasons[count++] = (char)(options & 3);
        session->filters_count += at == session->filters_count ? 1 : 0;
    }
    head[0] = NX_MQTT_SUBACK << 4;
    head[1] = (uint8_t)(2 + count + (session->level == NX_MQTT_5 ? 1u : 0u));
    head[2] = (uint8_t)(packet_id >> 8);
    head[3] = (uint8_t)packet_id;
    head[4] = 0; /* no properties */
    (void)nx_buf_add(&broker->out, head, session->level == NX_MQTT_5 ? 5u : 4u);
    (void)nx_buf_add(&broker->out, reasons, count);
    send_out(broker, session->line);
}

static struct session *session_of(struct sim_broker *broker, struct nx_span client_id,
                                  bool *present)
{
    struct session **free_slot = NULL;

    *present = false;
    for (int i = 0; i < SESSIONS_MAX; i++) {
        if (broker->sessions[i] == NULL) {
            free_slot = free_slot == NULL ? &broker->sessions[i] : free_slot;
        } else if (nx_span_is(client_id, broker->sessions[i]->client_id)) {
            *present = true;
            return broker->sessions[i];
        }
    }
    assert(free_slot != NULL);
    *free_slot = calloc(1, sizeof(**free_slot));
    (void)nx_span_copy(client_id, (*free_slot)->client_id, sizeof((*free_slot)->client_id));
    return *free_slot;
}

/* Of the properties of CONNECT only the receive maximum matters here: identifier 0x21. */
static uint16_t receive_max_of(struct nx_span properties)
{
    while (properties.len > 0) {
        switch (take_number(&properties, 1)) {
        case 0x21:
            return (uint16_t)take_number(&properties, 2);
        case 0x11:
        case 0x27:
            (void)take_number(&properties, 4);
            break;
        case 0x22:
            (void)take_number(&properties, 2);
            break;
        default:
            (void)take_number(&properties, 1);
            break;
        }
    }
    return NX_MQTT_RECEIVE_MAX;
}

static void on_connect(struct sim_broker *broker, struct sim_line *line,
                       struct connection *connection, const struct nx_mqtt_packet *packet)
{
    struct nx_span rest = packet->body;
    struct nx_span properties;
    struct session *session;
    unsigned flags;
    bool present;
    uint8_t connack[8];
    size_t size = 4;

    (void)take_text(&rest); /* "MQTT" */
    connection->level = (uint8_t)take_number(&rest, 1);
    flags = take_number(&rest, 1);
    (void)take_number(&rest, 2); /* keep alive: a silent line is the world's affair */
    properties = take_properties(&rest, connection->level);
    session = session_of(broker, take_text(&rest), &present);
    assert((flags & 2) == 0); /* the bridge keeps its sessions */
    if (session->line != NULL) {
        struct sim_line *old = session->line;

        session->line = NULL;
        sim_line_close(old);
    }
    session->line = line;
    session->level = connection->level;
    session->receive_max = receive_max_of(properties);
    connection->session = session;
    connack[0] = NX_MQTT_CONNACK << 4;
    connack[2] = present ? 1 : 0;
    connack[3] = 0;
    if (connection->level == NX_MQTT_5) {
        connack[4] = 3;
        connack[5] = 0x21; /* receive maximum */
        connack[6] = (uint8_t)(broker->config.receive_max >> 8);
        connack[7] = (uint8_t)broker->config.receive_max;
        size = 8;
    }
    connack[1] = (uint8_t)(size - 2);
    sim_line_send(line, (struct nx_span){(const char *)connack, size});
    session_repeat(broker, session);
}

void on_packet(struct sim_broker *broker, struct sim_line *line,
               const struct nx_mqtt_packet *packet)
{
    struct connection *connection = line->connection;
    struct nx_mqtt_ack ack;
    const char pingresp[] = {(char)(NX_MQTT_PINGRESP << 4), 0};

    if (packet->type == NX_MQTT_CONNECT) {
        on_connect(broker, line, connection, packet);
        return;
    }
    assert(connection->session != NULL);
    switch ((enum nx_mqtt_type)packet->type) {
    case NX_MQTT_PUBLISH:
        on_publish(broker, connection->session, packet);
        return;
    case NX_MQTT_SUBSCRIBE:
        on_subscribe(broker, connection->session, packet);
        return;
    case NX_MQTT_PUBACK:
    case NX_MQTT_PUBREC:
    case NX_MQTT_PUBCOMP:
    case NX_MQTT_PUBREL:
        if (nx_mqtt_decode_ack(packet, connection->level, &ack) != NX_OK) {
            abort();
        }
        if (packet->type == NX_MQTT_PUBREL) {
            on_release(broker, connection->session, ack.packet_id);
        } else {
            on_client_ack(broker, connection->session, packet->type, ack.packet_id);
        }
        return;
    case NX_MQTT_PINGREQ:
        sim_line_send(line, (struct nx_span){pingresp, sizeof(pingresp)});
        return;
    case NX_MQTT_DISCONNECT:
        sim_line_close(line);
        return;
    default:
        abort(); /* nothing else is a client's to send */
    }
}
