/*
 * sim_broker_session.c - messages on their way to clients: queues, windows, repetition, retained
 * ones, and who gets what.
 */
#include "test/sim/sim_broker_state.h"

#include "core/topic.h"

#include <stdlib.h>
#include <string.h>

/* --- messages ----------------------------------------------------------------------------------- */

static struct nx_span keep(char **at, struct nx_span s)
{
    struct nx_span kept = {*at, s.len};

    if (s.len > 0) {
        memcpy(*at, s.ptr, s.len);
        *at += s.len;
    }
    return kept;
}

struct message *message_new(const struct nx_mqtt_publish *publish)
{
    struct message *message = calloc(1, sizeof(*message));
    size_t size = publish->topic.len + publish->payload.len + publish->content_type.len + 1;
    char *at;

    for (size_t i = 0; i < publish->user_count; i++) {
        size += publish->user[i].name.len + publish->user[i].value.len;
    }
    message->bytes = at = malloc(size);
    message->publish = *publish;
    message->publish.topic = keep(&at, publish->topic);
    message->publish.payload = keep(&at, publish->payload);
    message->publish.content_type = keep(&at, publish->content_type);
    for (size_t i = 0; i < publish->user_count; i++) {
        message->publish.user[i].name = keep(&at, publish->user[i].name);
        message->publish.user[i].value = keep(&at, publish->user[i].value);
    }
    return message;
}

void message_free(struct message *message)
{
    if (message != NULL) {
        free(message->bytes);
        free(message);
    }
}

void *grown(void *list, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return list;
    }
    *cap = *cap > 0 ? 2 * *cap : 16;
    return realloc(list, *cap * size);
}

/* --- to a client -------------------------------------------------------------------------------- */

void send_out(struct sim_broker *broker, struct sim_line *line)
{
    sim_line_send(line, nx_buf_view(&broker->out));
    nx_buf_reset(&broker->out);
}

void send_ack(struct sim_broker *broker, struct session *session, enum nx_mqtt_type type,
              uint16_t packet_id, uint8_t reason)
{
    if (session->level == NX_MQTT_3_1_1) {
        reason = 0;
    }
    (void)nx_mqtt_encode_ack(&broker->out, session->level, type, packet_id, reason);
    send_out(broker, session->line);
}

static void send_publish(struct sim_broker *broker, struct session *session,
                         const struct outgoing *outgoing, bool dup)
{
    struct nx_mqtt_publish publish = outgoing->message->publish;

    publish.qos = outgoing->qos;
    publish.packet_id = outgoing->packet_id;
    publish.retain = outgoing->retain;
    publish.dup = dup;
    if (session->level == NX_MQTT_3_1_1) {
        publish.user_count = 0;
        publish.content_type = (struct nx_span){NULL, 0};
    }
    if (nx_mqtt_encode_publish(&broker->out, session->level, &publish) != NX_OK) {
        abort();
    }
    send_out(broker, session->line);
}

static bool id_in_use(const struct session *session, uint16_t packet_id)
{
    for (size_t i = 0; i < session->queue_count; i++) {
        if (session->queue[i].packet_id == packet_id) {
            return true;
        }
    }
    return false;
}

static uint16_t take_id(struct session *session)
{
    do {
        session->next_id = session->next_id == UINT16_MAX ? 1 : (uint16_t)(session->next_id + 1);
    } while (id_in_use(session, session->next_id));
    return session->next_id;
}

static void queue_remove(struct session *session, size_t i)
{
    message_free(session->queue[i].message);
    session->inflight -= session->queue[i].packet_id != 0 ? 1 : 0;
    memmove(&session->queue[i], &session->queue[i + 1],
            (--session->queue_count - i) * sizeof(session->queue[0]));
}

static void session_pump(struct sim_broker *broker, struct session *session)
{
    for (size_t i = session->inflight; i < session->queue_count && session->line != NULL;) {
        struct outgoing *outgoing = &session->queue[i];

        if (outgoing->qos > 0 && session->inflight >= session->receive_max) {
            return;
        }
        if (outgoing->qos > 0) {
            outgoing->packet_id = take_id(session);
            session->inflight++;
            send_publish(broker, session, outgoing, false);
            i++;
        } else {
            send_publish(broker, session, outgoing, false);
            queue_remove(session, i);
        }
    }
}

static void session_add(struct sim_broker *broker, struct session *session,
                        const struct nx_mqtt_publish *publish, uint8_t qos, bool retain)
{
    if (session->line == NULL && qos == 0) {
        return;
    }
    session->queue =
        grown(session->queue, session->queue_count, &session->queue_cap, sizeof(session->queue[0]));
    session->queue[session->queue_count++] =
        (struct outgoing){.message = message_new(publish), .qos = qos, .retain = retain};
    session_pump(broker, session);
}

void session_repeat(struct sim_broker *broker, struct session *session)
{
    for (size_t i = 0; i < session->inflight; i++) {
        if (session->queue[i].released) {
            send_ack(broker, session, NX_MQTT_PUBREL, session->queue[i].packet_id, 0);
        } else {
            send_publish(broker, session, &session->queue[i], true);
        }
    }
    session_pump(broker, session);
}

void on_client_ack(struct sim_broker *broker, struct session *session, enum nx_mqtt_type type,
                   uint16_t packet_id)
{
    for (size_t i = 0; i < session->queue_count; i++) {
        struct outgoing *outgoing = &session->queue[i];

        if (outgoing->packet_id != packet_id) {
            continue;
        }
        if (type == NX_MQTT_PUBREC) {
            outgoing->released = true;
            send_ack(broker, session, NX_MQTT_PUBREL, packet_id, 0);
        } else {
            queue_remove(session, i);
            session_pump(broker, session);
        }
        return;
    }
}

void session_free(struct session *session)
{
    if (session == NULL) {
        return;
    }
    while (session->queue_count > 0) {
        queue_remove(session, session->queue_count - 1);
    }
    for (size_t i = 0; i < session->held_count; i++) {
        message_free(session->held[i]);
    }
    free(session->queue);
    free(session->held);
    free(session);
}

/* --- routing ------------------------------------------------------------------------------------ */

static uint8_t lower(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static void retain(struct sim_broker *broker, const struct nx_mqtt_publish *publish)
{
    struct message **slot = NULL;

    for (int i = 0; i < RETAINED_MAX; i++) {
        struct message **at = &broker->retained[i];

        if (*at != NULL && nx_span_eq((*at)->publish.topic, publish->topic)) {
            message_free(*at);
            *at = NULL;
            slot = at;
        } else if (*at == NULL && slot == NULL) {
            slot = at;
        }
    }
    if (publish->payload.len > 0 && slot != NULL) {
        *slot = message_new(publish);
    }
}

void route(struct sim_broker *broker, const struct nx_mqtt_publish *publish)
{
    broker->config.tap(broker->config.ctx, publish);
    if (publish->retain) {
        retain(broker, publish);
    }
    for (int i = 0; i < SESSIONS_MAX; i++) {
        struct session *session = broker->sessions[i];

        for (size_t f = 0; session != NULL && f < session->filters_count; f++) {
            if (nx_filter_matches(nx_span_from(session->filters[f]), publish->topic)) {
                session_add(broker, session, publish, lower(publish->qos, session->qos[f]), false);
                break;
            }
        }
    }
}

void sim_broker_publish(struct sim_broker *broker, const struct nx_mqtt_publish *publish)
{
    route(broker, publish);
}
