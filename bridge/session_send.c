/*
 * session_send.c - what a session sends while it is up: subscriptions, publishes within the limits
 * of both sides, acknowledgements. All of it is queued and leaves with nx_session_flush, so that a
 * turn's work becomes one write.
 */
#include "bridge/session_state.h"

/* Whether the windows have room for one more at `qos`. */
static bool window_open(const struct nx_session *session, uint8_t qos)
{
    return qos == 0 || (nx_inflight_publishes(session->inflight) < session->window &&
                        (qos == 1 || nx_inflight_qos2(session->inflight) +
                                             nx_inflight_carried(session->inflight) <
                                         session->window_qos2));
}

bool nx_session_has_room(const struct nx_session *session)
{
    const uint16_t id = session->id_wanted;

    return window_open(session, session->qos_wanted) &&
           (id != 0 ? nx_inflight_kind(session->inflight, id) == NX_INFLIGHT_FREE
                    : session->qos_wanted != 1 || !nx_inflight_exhausted(session->inflight)) &&
           nx_conn_bytes_queued(&session->conn) <= session->config.output_bytes_max / 2;
}

enum nx_err nx_session_subscribe(struct nx_session *session, const struct nx_span *filters,
                                 size_t count, uint8_t qos)
{
    struct nx_mqtt_subscribe subscribe = {
        .filters = filters,
        .filters_count = count,
        .qos = qos,
        .no_local = true,
        .retain_handling = 1,
    };
    uint64_t unused;
    enum nx_err err;

    if (session->state != SESSION_UP) {
        return NX_ERR_STATE;
    }
    subscribe.packet_id = nx_inflight_take(session->inflight, NX_INFLIGHT_SUBSCRIBE, count);
    if (subscribe.packet_id == 0) {
        return NX_ERR_AGAIN;
    }
    err = nx_mqtt_encode_subscribe(nx_conn_output(&session->conn), session->config.protocol_level,
                                   &subscribe);
    if (err != NX_OK) {
        (void)nx_inflight_give(session->inflight, subscribe.packet_id, NX_INFLIGHT_SUBSCRIBE,
                               &unused);
    }
    return err;
}

/* Whether this connection can take it at all. */
static enum nx_err admit(const struct nx_session *session, const struct nx_mqtt_publish *publish,
                         size_t size)
{
    const struct nx_mqtt_connack *limits = &session->limits;

    if (session->state != SESSION_UP) {
        return NX_ERR_STATE;
    }
    if (publish->qos > 2 ||
        (publish->qos == 2 &&
         (publish->packet_id == 0 || publish->packet_id > session->config.qos2_ids))) {
        return NX_ERR_INVALID;
    }
    if (publish->qos > limits->qos_max || (publish->qos == 2 && session->qos2_missing) ||
        (publish->retain && !limits->retain_available)) {
        return NX_ERR_UNSUPPORTED;
    }
    if (size > limits->packet_bytes_max || size > session->config.output_bytes_max) {
        return NX_ERR_LIMIT;
    }
    return NX_OK;
}

/* Whether there is room for it now. */
static bool fits(const struct nx_session *session, const struct nx_mqtt_publish *publish,
                 size_t size)
{
    /* what the broker may have of an earlier connection takes no place that it had not before */
    const bool again =
        publish->qos == 2 && nx_inflight_is_carried(session->inflight, publish->packet_id);

    return (window_open(session, publish->qos) || again) &&
           nx_conn_bytes_queued(&session->conn) + size <= session->config.output_bytes_max;
}

/* Takes the identifier: at QoS 1 one of ours, at QoS 2 the caller's. */
static bool take_id(struct nx_session *session, struct nx_mqtt_publish *publish, uint64_t token)
{
    if (publish->qos == 0) {
        publish->packet_id = 0;
        return true;
    }
    if (publish->qos == 1) {
        publish->packet_id = nx_inflight_take(session->inflight, NX_INFLIGHT_PUBLISH, token);
        return publish->packet_id != 0; /* the rest may be subscriptions that wait */
    }
    if (nx_inflight_move(session->inflight, publish->packet_id, NX_INFLIGHT_FREE, NX_INFLIGHT_SENT,
                         token)) {
        return true;
    }
    session->id_wanted = publish->packet_id;
    return false;
}

enum nx_err nx_session_publish(struct nx_session *session, const struct nx_mqtt_publish *publish,
                               uint64_t token)
{
    const uint8_t level = session->config.protocol_level;
    const size_t size = nx_mqtt_publish_size(level, publish);
    struct nx_mqtt_publish sent = *publish;
    uint64_t unused;
    enum nx_err err = admit(session, publish, size);

    if (err != NX_OK) {
        return err;
    }
    if (!fits(session, &sent, size) || !take_id(session, &sent, token)) {
        session->room_wanted = true;
        session->qos_wanted = sent.qos;
        return NX_ERR_AGAIN;
    }
    err = nx_mqtt_encode_publish(nx_conn_output(&session->conn), level, &sent);
    if (err == NX_OK) {
        session->messages_out++;
    } else if (sent.qos > 0) {
        (void)nx_inflight_give(session->inflight, sent.packet_id,
                               sent.qos == 1 ? NX_INFLIGHT_PUBLISH : NX_INFLIGHT_SENT, &unused);
    }
    return err;
}

enum nx_err nx_session_release(struct nx_session *session, uint16_t packet_id, uint64_t token)
{
    if (session->state != SESSION_UP && session->state != SESSION_STOPPING) {
        return NX_ERR_STATE;
    }
    if (!nx_inflight_move(session->inflight, packet_id, NX_INFLIGHT_RECEIVED, NX_INFLIGHT_RELEASED,
                          token) &&
        (!session->limits.session_present ||
         !nx_inflight_move(session->inflight, packet_id, NX_INFLIGHT_FREE, NX_INFLIGHT_RELEASED,
                           token))) {
        return NX_ERR_INVALID;
    }
    nx_session_answer(session, NX_MQTT_PUBREL, packet_id, NX_MQTT_SUCCESS);
    return NX_OK;
}

uint32_t nx_session_connection(const struct nx_session *session)
{
    return session->connection;
}

void nx_session_answer(struct nx_session *session, enum nx_mqtt_type type, uint16_t packet_id,
                       uint8_t reason)
{
    if ((session->state == SESSION_UP || session->state == SESSION_STOPPING) &&
        nx_mqtt_encode_ack(nx_conn_output(&session->conn), session->config.protocol_level, type,
                           packet_id, reason) != NX_OK) {
        nx_conn_break(&session->conn, "out of memory for an acknowledgement");
    }
}

void nx_session_ack(struct nx_session *session, uint32_t connection, uint16_t packet_id)
{
    uint8_t qos;

    if (connection != session->connection) {
        return;
    }
    qos = nx_inbound_ack(&session->inbound, packet_id);
    if (qos > 0) {
        nx_session_answer(session, qos == 2 ? NX_MQTT_PUBREC : NX_MQTT_PUBACK, packet_id,
                          NX_MQTT_SUCCESS);
    }
}

void nx_session_flush(struct nx_session *session)
{
    if (session->state != SESSION_UP && session->state != SESSION_STOPPING) {
        return;
    }
    nx_conn_flush(&session->conn);
    if (session->room_wanted && nx_session_has_room(session)) {
        nx_conn_want_settled(&session->conn);
    }
}
