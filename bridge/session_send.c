/*
 * session_send.c - what a session sends while it is up: subscriptions, publishes within the limits
 * of both sides, acknowledgements. All of it is queued and leaves with nx_session_flush, so that a
 * turn's work becomes one write.
 */
#include "bridge/session_state.h"

bool nx_session_has_room(const struct nx_session *session)
{
    return nx_inflight_publishes(session->inflight) < session->window &&
           nx_conn_bytes_queued(&session->conn) <= session->config.output_bytes_max / 2;
}

enum nx_err nx_session_subscribe(struct nx_session *session, const struct nx_span *filters,
                                 size_t count)
{
    struct nx_mqtt_subscribe subscribe = {
        .filters = filters,
        .filters_count = count,
        .qos = 1,
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

/* Whether this connection can take a packet of `size` bytes, and now. */
static enum nx_err admit(struct nx_session *session, const struct nx_mqtt_publish *publish,
                         size_t size)
{
    if (session->state != SESSION_UP) {
        return NX_ERR_STATE;
    }
    if (publish->qos > session->limits.qos_max ||
        (publish->retain && !session->limits.retain_available)) {
        return NX_ERR_UNSUPPORTED;
    }
    if (publish->qos > 1) {
        return NX_ERR_INVALID;
    }
    if (size > session->limits.packet_bytes_max || size > session->config.output_bytes_max) {
        return NX_ERR_LIMIT;
    }
    if ((publish->qos == 1 && nx_inflight_publishes(session->inflight) >= session->window) ||
        nx_conn_bytes_queued(&session->conn) + size > session->config.output_bytes_max) {
        session->room_wanted = true;
        return NX_ERR_AGAIN;
    }
    return NX_OK;
}

enum nx_err nx_session_publish(struct nx_session *session, const struct nx_mqtt_publish *publish,
                               uint64_t token)
{
    const uint8_t level = session->config.protocol_level;
    struct nx_mqtt_publish sent = *publish;
    uint64_t unused;
    enum nx_err err = admit(session, publish, nx_mqtt_publish_size(level, publish));

    if (err != NX_OK) {
        return err;
    }
    sent.packet_id = 0;
    if (sent.qos == 1) {
        sent.packet_id = nx_inflight_take(session->inflight, NX_INFLIGHT_PUBLISH, token);
        if (sent.packet_id == 0) { /* the rest are subscriptions that wait for their answer */
            session->room_wanted = true;
            return NX_ERR_AGAIN;
        }
    }
    err = nx_mqtt_encode_publish(nx_conn_output(&session->conn), level, &sent);
    if (err == NX_OK) {
        session->messages_out++;
    } else if (sent.packet_id != 0) {
        (void)nx_inflight_give(session->inflight, sent.packet_id, NX_INFLIGHT_PUBLISH, &unused);
    }
    return err;
}

uint32_t nx_session_connection(const struct nx_session *session)
{
    return session->connection;
}

void nx_session_ack(struct nx_session *session, uint32_t connection, uint16_t packet_id)
{
    enum nx_err err;

    if ((session->state != SESSION_UP && session->state != SESSION_STOPPING) ||
        connection != session->connection || !nx_session_unhold(session, packet_id)) {
        return;
    }
    err = nx_mqtt_encode_puback(nx_conn_output(&session->conn), session->config.protocol_level,
                                packet_id, NX_MQTT_SUCCESS);
    if (err != NX_OK) { /* memory is out; an answer cannot be left out, so start anew */
        nx_conn_break(&session->conn, "out of memory for an acknowledgement");
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
