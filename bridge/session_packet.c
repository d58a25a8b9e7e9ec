/*
 * session_packet.c - what each packet of the broker means to a session. One function for each type
 * that a broker may send, in a table with the states in which it may come; all else ends the
 * connection with the reason that MQTT 5 section 4.13 asks for.
 */
#include "bridge/session_state.h"

#include <stdio.h>

/* A packet that its decoder did not take. */
static void refuse_undecodable(struct nx_session *session, const struct nx_mqtt_packet *packet,
                               enum nx_err err)
{
    const char *type = nx_mqtt_type_name(packet->type);

    if (err == NX_ERR_UNSUPPORTED) {
        nx_session_refuse(session, NX_MQTT_TOPIC_ALIAS_INVALID,
                          "%s used a topic alias, which was not offered", session->where);
    } else {
        nx_session_refuse(session, NX_MQTT_MALFORMED_PACKET, "%s sent a malformed %s",
                          session->where, type);
    }
}

/* ---- CONNACK ---- */

/* What a person can do about a refusal, beside its name. */
static const char *refusal_words(uint8_t reason)
{
    switch (reason) {
    case NX_MQTT_BAD_USER_OR_PASSWORD:
        return "refused the user name or password";
    case NX_MQTT_NOT_AUTHORIZED:
        return "refused this user or client identifier";
    case NX_MQTT_BAD_PROTOCOL_VERSION:
        return "does not speak this MQTT version (protocol_level 4 is 3.1.1, 5 is 5.0)";
    default:
        return "refused the session";
    }
}

static void refused(struct nx_session *session, const struct nx_mqtt_connack *connack)
{
    nx_session_lose(session, "%s %s: %s (0x%02x)%s%.*s%s%.*s", session->where,
                    refusal_words(connack->reason), nx_mqtt_reason_text(connack->reason),
                    connack->reason, connack->reason_string.len > 0 ? ": " : "",
                    NX_SPAN_ARG(connack->reason_string),
                    connack->server_reference.len > 0 ? "; it names " : "",
                    NX_SPAN_ARG(connack->server_reference));
}

static void on_connack(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_connack connack;
    enum nx_err err = nx_mqtt_decode_connack(packet, session->config.protocol_level, &connack);

    if (err != NX_OK && packet->body.len == 2) {
        /* a broker that knows only 3.1.1 refuses MQTT 5 in the form of 3.1.1 */
        err = nx_mqtt_decode_connack(packet, NX_MQTT_3_1_1, &connack);
        if (err == NX_OK && connack.reason == NX_MQTT_SUCCESS) {
            err = NX_ERR_SYNTAX;
        }
    }
    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
    } else if (connack.reason != NX_MQTT_SUCCESS) {
        refused(session, &connack);
    } else {
        session->limits = connack;
        nx_session_step(session, SESSION_EV_ACCEPTED);
    }
}

/* ---- PUBLISH ---- */

static void on_publish(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    const bool bounded = session->config.protocol_level == NX_MQTT_5; /* 3.1.1 has no such limit */
    struct nx_mqtt_publish publish;
    const enum nx_err err =
        nx_mqtt_decode_publish(packet, session->config.protocol_level, &publish);

    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
        return;
    }
    if (session->state != SESSION_UP) {
        return; /* stopping: not acknowledged, so it comes again */
    }
    if (publish.qos > 0) {
        nx_inbound_hold(&session->inbound, publish.packet_id, publish.qos);
    }
    if (bounded && nx_inbound_counted(&session->inbound) > session->config.receive_max) {
        nx_session_refuse(session, NX_MQTT_RECEIVE_MAX_EXCEEDED,
                          "%s sent more than %u unacknowledged messages", session->where,
                          (unsigned)session->config.receive_max);
        return;
    }
    session->messages_in++;
    session->events->message(session->ctx, &publish);
}

/* The broker gives a QoS 2 message up for release: at any time, also one that we know no more. */
static void on_pubrel(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_ack ack;
    const enum nx_err err = nx_mqtt_decode_ack(packet, session->config.protocol_level, &ack);
    bool known;

    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
        return;
    }
    known = nx_inbound_release(&session->inbound, ack.packet_id);
    nx_session_answer(session, NX_MQTT_PUBCOMP, ack.packet_id,
                      known ? NX_MQTT_SUCCESS : NX_MQTT_PACKET_ID_NOT_FOUND);
}

/* ---- PUBACK, PUBREC, PUBCOMP, SUBACK ---- */

static void refuse_unasked(struct nx_session *session, const struct nx_mqtt_packet *packet,
                           uint16_t packet_id)
{
    nx_session_refuse(session, NX_MQTT_PROTOCOL_ERROR,
                      "%s sent a %s for packet identifier %u, which is not in flight",
                      session->where, nx_mqtt_type_name(packet->type), (unsigned)packet_id);
}

static void answered(struct nx_session *session, uint64_t token, uint8_t reason)
{
    session->events->answered(session->ctx, token, reason);
    if (nx_inflight_publishes(session->inflight) == 0) {
        nx_session_step(session, SESSION_EV_ANSWERED);
    }
}

static void on_puback(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_ack ack;
    uint64_t token;
    const enum nx_err err = nx_mqtt_decode_ack(packet, session->config.protocol_level, &ack);

    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
    } else if (nx_inflight_give(session->inflight, ack.packet_id, NX_INFLIGHT_PUBLISH, &token)) {
        answered(session, token, ack.reason);
    } else if (nx_inflight_kind(session->inflight, ack.packet_id) == NX_INFLIGHT_SENT) {
        session->qos2_missing = true; /* RabbitMQ does so */
        nx_session_refuse(session, NX_MQTT_PROTOCOL_ERROR,
                          "%s answers QoS 2 with a PUBACK: it has no QoS 2", session->where);
    } else {
        refuse_unasked(session, packet, ack.packet_id);
    }
}

/* A repeated PUBREC changes nothing: the PUBREL follows, or follows again. */
static void pubrec_repeated(struct nx_session *session, const struct nx_mqtt_packet *packet,
                            uint16_t packet_id)
{
    const enum nx_inflight_kind kind = nx_inflight_kind(session->inflight, packet_id);
    const bool earlier = kind == NX_INFLIGHT_FREE && session->limits.session_present &&
                         packet_id <= session->config.qos2_ids;

    if (kind == NX_INFLIGHT_RELEASED) {
        nx_session_answer(session, NX_MQTT_PUBREL, packet_id, NX_MQTT_SUCCESS);
    } else if (kind != NX_INFLIGHT_RECEIVED && !earlier) {
        refuse_unasked(session, packet, packet_id);
    }
}

static void on_pubrec(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_ack ack;
    uint64_t token;
    const enum nx_err err = nx_mqtt_decode_ack(packet, session->config.protocol_level, &ack);

    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
        return;
    }
    token = nx_inflight_token(session->inflight, ack.packet_id);
    if (!nx_inflight_move(session->inflight, ack.packet_id, NX_INFLIGHT_SENT, NX_INFLIGHT_RECEIVED,
                          token)) {
        pubrec_repeated(session, packet, ack.packet_id);
        return;
    }
    if (ack.reason >= NX_MQTT_REFUSED) {
        (void)nx_inflight_give(session->inflight, ack.packet_id, NX_INFLIGHT_RECEIVED, &token);
    }
    session->events->received(session->ctx, token, ack.packet_id, ack.reason);
    if (nx_inflight_publishes(session->inflight) == 0) {
        nx_session_step(session, SESSION_EV_ANSWERED);
    }
}

static void on_pubcomp(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_ack ack;
    uint64_t token;
    const enum nx_err err = nx_mqtt_decode_ack(packet, session->config.protocol_level, &ack);

    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
    } else if (nx_inflight_give(session->inflight, ack.packet_id, NX_INFLIGHT_RELEASED, &token)) {
        answered(session, token, ack.reason);
    } else {
        refuse_unasked(session, packet, ack.packet_id);
    }
}

static void on_suback(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_suback suback;
    uint8_t refusal = 0;
    uint64_t filters;
    const enum nx_err err = nx_mqtt_decode_suback(packet, session->config.protocol_level, &suback);

    if (err != NX_OK) {
        refuse_undecodable(session, packet, err);
        return;
    }
    if (!nx_inflight_give(session->inflight, suback.packet_id, NX_INFLIGHT_SUBSCRIBE, &filters) ||
        filters != suback.reasons.len) {
        nx_session_refuse(session, NX_MQTT_PROTOCOL_ERROR,
                          "%s answered a SUBSCRIBE that was not sent", session->where);
        return;
    }
    for (size_t i = 0; refusal == 0 && i < suback.reasons.len; i++) {
        const uint8_t reason = (uint8_t)suback.reasons.ptr[i];
        refusal = reason >= NX_MQTT_REFUSED ? reason : 0;
    }
    session->events->subscribed(session->ctx, refusal);
}

/* ---- PINGRESP and DISCONNECT ---- */

static void on_pingresp(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    if (nx_mqtt_decode_pingresp(packet) != NX_OK) {
        refuse_undecodable(session, packet, NX_ERR_SYNTAX);
    }
}

static void on_disconnect(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_disconnect disconnect;

    if (session->config.protocol_level != NX_MQTT_5) {
        nx_session_lose(session, "%s sent a DISCONNECT, which only a client may in MQTT 3.1.1",
                        session->where);
        return;
    }
    if (nx_mqtt_decode_disconnect(packet, &disconnect) != NX_OK) {
        refuse_undecodable(session, packet, NX_ERR_SYNTAX);
        return;
    }
    session->said_taken_over = disconnect.reason == NX_MQTT_SESSION_TAKEN_OVER;
    session->taken_over += session->said_taken_over;
    nx_session_lose(session, "%s ended the session: %s (0x%02x)%s%s%.*s%s%.*s", session->where,
                    nx_mqtt_reason_text(disconnect.reason), disconnect.reason,
                    session->said_taken_over ? ": another client uses this client identifier" : "",
                    disconnect.reason_string.len > 0 ? ": " : "",
                    NX_SPAN_ARG(disconnect.reason_string),
                    disconnect.server_reference.len > 0 ? "; it names " : "",
                    NX_SPAN_ARG(disconnect.server_reference));
}

/* ---- dispatch ---- */

#define IN(state) (1U << SESSION_##state)

#define NOT_MQTT "%s answers the CONNECT with no CONNACK (is it a TLS or an HTTP port?)"

enum { IN_SESSION = IN(UP) | IN(STOPPING) | IN(LEAVING) };

static const struct {
    void (*handle)(struct nx_session *session, const struct nx_mqtt_packet *packet);
    unsigned states;
} handlers[] = {
    [NX_MQTT_CONNACK] = {on_connack, IN(GREETING)},
    [NX_MQTT_PUBLISH] = {on_publish, IN_SESSION},
    [NX_MQTT_PUBACK] = {on_puback, IN_SESSION},
    [NX_MQTT_PUBREC] = {on_pubrec, IN_SESSION},
    [NX_MQTT_PUBREL] = {on_pubrel, IN_SESSION},
    [NX_MQTT_PUBCOMP] = {on_pubcomp, IN_SESSION},
    [NX_MQTT_SUBACK] = {on_suback, IN_SESSION},
    [NX_MQTT_PINGRESP] = {on_pingresp, IN_SESSION},
    [NX_MQTT_DISCONNECT] = {on_disconnect, IN(GREETING) | IN_SESSION},
    [NX_MQTT_AUTH] = {NULL, 0},
};

static void refuse_unexpected(struct nx_session *session, const struct nx_mqtt_packet *packet)
{
    if (session->state == SESSION_GREETING) {
        nx_session_lose(session, NOT_MQTT, session->where);
    } else {
        nx_session_refuse(session, NX_MQTT_PROTOCOL_ERROR, "%s sent an unexpected %s",
                          session->where, nx_mqtt_type_name(packet->type));
    }
}

void nx_session_on_packet(void *ctx, const struct nx_mqtt_packet *packet)
{
    struct nx_session *session = ctx;

    session->ping_waiting = false; /* whatever comes, the broker lives */
    if ((handlers[packet->type].states & 1U << session->state) == 0) {
        refuse_unexpected(session, packet);
        return;
    }
    handlers[packet->type].handle(session, packet);
}

void nx_session_on_garbage(void *ctx, enum nx_err err)
{
    struct nx_session *session = ctx;

    if (session->state == SESSION_GREETING) {
        nx_session_lose(session, NOT_MQTT, session->where);
    } else if (err == NX_ERR_LIMIT) {
        nx_session_refuse(session, NX_MQTT_PACKET_TOO_LARGE, "%s sent a packet of over %lu bytes",
                          session->where, (unsigned long)session->config.packet_bytes_max);
    } else {
        nx_session_refuse(session, NX_MQTT_MALFORMED_PACKET, "what %s sends is not MQTT",
                          session->where);
    }
}
