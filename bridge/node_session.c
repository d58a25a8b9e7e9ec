/*
 * node_session.c - what a city's broker says to its node. Decides what is held and what is left
 * out; stores nothing itself.
 */
#include "bridge/node_state.h"

#include "bridge/points.h"
#include "core/topic.h"

#include <stdio.h>
#include <stdlib.h>

enum { REFUSED_RETRY_MS = 30000 };

#define DROPPED_TOPIC "$SYS/broker/publish/messages/dropped"

/* --- the session ------------------------------------------------------------------------------- */

static void node_subscribe(struct nx_node *node)
{
    char intake[96];
    char answers[96];
    const struct nx_span dropped = NX_SPAN(DROPPED_TOPIC);
    struct nx_span filter;

    (void)snprintf(intake, sizeof(intake), "nexus/%s/+/+/observation", node->settings->name);
    filter = nx_span_from(intake);
    node->asked_count = 0;
    if (nx_session_subscribe(node->session, &filter, 1, node->settings->qos) == NX_OK) {
        node->asked[node->asked_count++] = NODE_SUBSCRIPTION_INTAKE;
    }
    if (nx_session_subscribe(node->session, &dropped, 1, 1) == NX_OK) {
        node->asked[node->asked_count++] = NODE_SUBSCRIPTION_DROPPED;
    }
    (void)snprintf(answers, sizeof(answers), "nexus/_link/+/%s/ack", node->settings->name);
    filter = nx_span_from(answers);
    if (node_links(node, NX_DELIVERY_BATCHES) > 0 &&
        nx_session_subscribe(node->session, &filter, 1, 1) == NX_OK) {
        node->asked[node->asked_count++] = NODE_SUBSCRIPTION_ANSWERS;
    }
}

static void on_subscribed(void *ctx, uint8_t reason)
{
    struct nx_node *node = ctx;
    enum node_subscription which;

    if (node->asked_count == 0) {
        return;
    }
    which = node->asked[0];
    node->asked[0] = node->asked[1];
    node->asked[1] = node->asked[2];
    node->asked_count--;
    if (which == NODE_SUBSCRIPTION_ANSWERS) {
        if (reason >= NX_MQTT_REFUSED) {
            nx_log(node->config.log, NX_LOG_ERROR,
                   "%s: the broker refuses our subscription to the answers to our links: %s",
                   node->settings->name, nx_mqtt_reason_text(reason));
        }
        return;
    }
    if (which == NODE_SUBSCRIPTION_DROPPED) {
        if (reason >= NX_MQTT_REFUSED) {
            nx_log(node->config.log, NX_LOG_NOTICE,
                   "%s: the broker does not let us watch " DROPPED_TOPIC ": %s",
                   node->settings->name, nx_mqtt_reason_text(reason));
        }
        return;
    }
    node->refused[0] = '\0';
    if (reason >= NX_MQTT_REFUSED) {
        (void)snprintf(node->refused, sizeof(node->refused),
                       "the broker refuses our subscription to the city's observations: %s",
                       nx_mqtt_reason_text(reason));
        nx_log(node->config.log, NX_LOG_ERROR, "%s: %s; asking again in %d s", node->settings->name,
               node->refused, REFUSED_RETRY_MS / 1000);
        nx_timer_set(node->resubscribe, REFUSED_RETRY_MS);
    }
    node_changed(node);
}

void node_on_resubscribe(void *ctx)
{
    struct nx_node *node = ctx;

    if (nx_session_is_up(node->session) && !node->stopping) {
        node_subscribe(node); /* it is sent at the end of the turn */
    }
}

/* The broker kept nothing of us: what it may send from now on repeats nothing that we have. */
static void node_session_lost(struct nx_node *node)
{
    uint64_t last = nx_store_last(node->store);

    node->settle = last;
    node->settle_now = last > 0;
    if (last > 0) {
        node->sessions_lost++;
        nx_log(node->config.log, NX_LOG_WARN,
               "%s: the broker kept no session for us: what it acknowledged to sensors while we "
               "were away may not have reached us",
               node->settings->name);
    }
}

/* Dials again when both hold: the cache works, and the session has come to its end. */
void node_unpark(struct nx_node *node)
{
    if (node->off && !node->parked && !node->leaving) {
        node->off = false;
        nx_session_start(node->session);
    }
}

static void on_up(void *ctx, bool session_present)
{
    struct nx_node *node = ctx;

    node->acked = node->told = 0;
    if (!session_present) {
        node_session_lost(node);
    }
    node_subscribe(node);
    node->config.events->up(node->config.ctx, node, session_present);
}

static void on_down(void *ctx, const char *why)
{
    struct nx_node *node = ctx;

    (void)why; /* the session has logged it */
    node->gone = node->leaving;
    node->config.events->down(node->config.ctx, node);
    if (node->off_asked) {
        node->off_asked = false;
        node->off = true;
        node_unpark(node);
    }
}

static void on_room(void *ctx)
{
    struct nx_node *node = ctx;

    node->config.events->room(node->config.ctx, node);
}

static void on_received(void *ctx, uint64_t token, uint16_t packet_id, uint8_t reason)
{
    struct nx_node *node = ctx;

    node->config.events->received(node->config.ctx, node, token, packet_id, reason);
}

static void on_answered(void *ctx, uint64_t token, uint8_t reason)
{
    struct nx_node *node = ctx;
    uint64_t acked = token & NODE_TOKEN_SEQ_MAX;

    if (token < NX_NODE_TOKEN) {
        node->config.events->answered(node->config.ctx, node, token, reason);
        return;
    }
    if ((uint8_t)(token >> NODE_TOKEN_OPENED_SHIFT) == node->opened && acked > node->settle) {
        node->settle = acked; /* N4 */
    }
    if (reason >= NX_MQTT_REFUSED) {
        nx_log(node->config.log, NX_LOG_WARN, "%s: the broker refuses our status: %s",
               node->settings->name, nx_mqtt_reason_text(reason));
    }
}

/* --- messages ---------------------------------------------------------------------------------- */

/* "Messages dropped" counts for every client of the broker, ours among them. */
static void node_dropped(struct nx_node *node, struct nx_span payload, int64_t now_ms)
{
    char text[24];
    char *end;
    long long count;

    if (!nx_span_copy(payload, text, sizeof(text))) {
        return;
    }
    count = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || count < 0 || count == node->dropped_seen) {
        return;
    }
    if (count < node->dropped_seen) {
        node->dropped_seen = 0; /* the broker started anew */
    }
    if (node->dropped_seen >= 0 && count > node->dropped_seen) {
        node->dropped += (uint64_t)(count - node->dropped_seen);
        node->dropped_at_ms = now_ms;
        nx_log(node->config.log, NX_LOG_ERROR,
               "%s: the broker dropped %lld messages, ours may be among them: see "
               "max_queued_messages and max_queued_bytes in mosquitto.conf",
               node->settings->name, count - node->dropped_seen);
        node_changed(node);
    }
    node->dropped_seen = count;
    if (!node->stalled) {
        struct nx_diag diag = {0};
        enum nx_err err = nx_store_put_number(node->store, "broker_dropped", count, &diag);

        if (err != NX_OK) {
            node_stall(node, err, &diag);
        }
    }
}

/* An answer to a link is handed on at once; what is neither that nor a reading is left out. */
static enum nx_intake_kind node_kind(struct nx_node *node, const struct nx_mqtt_publish *publish)
{
    struct nx_topic topic;
    enum nx_topic_kind kind = nx_topic_parse(publish->topic, &topic, NULL);
    uint64_t held;

    if (kind == NX_TOPIC_STREAM && topic.channel == NX_CHANNEL_OBSERVATION &&
        nx_span_eq(topic.city, node->city)) {
        return NX_INTAKE_READING;
    }
    if (kind == NX_TOPIC_LINK_ACK && nx_span_eq(topic.to, node->city)) {
        node->config.events->told(node->config.ctx, node, topic.city, publish->payload);
        return NX_INTAKE_ANSWER;
    }
    if (nx_rate_allows(&node->foreign_rate, nx_loop_monotonic_ms(), &held)) {
        nx_log(node->config.log, NX_LOG_WARN, "%s: no observation of this city, left out: %.*s",
               node->settings->name, NX_SPAN_ARG(publish->topic));
    }
    return NX_INTAKE_ASIDE;
}

/* No room to hold more. The broker has all of it still, so we hang up until the cache works. */
static void node_park(struct nx_node *node)
{
    nx_log(node->config.log, NX_LOG_ERROR,
           "%s: %zu messages are held and there is no room for more: disconnecting until the cache "
           "can be written",
           node->settings->name, nx_intake_held(node->intake));
    node->parked = node->off_asked = true;
    node_changed(node);
    nx_intake_drop(node->intake);
    nx_session_stop(node->session);
}

/* Makes room by storing what is held, where that is possible. */
static bool node_hold(struct nx_node *node, const struct nx_mqtt_publish *publish,
                      enum nx_intake_kind kind, int64_t now_ms)
{
    uint32_t connection = nx_session_connection(node->session);
    bool more = true;

    while (nx_intake_hold(node->intake, publish, kind, connection, now_ms) != NX_OK) {
        if (node->stalled || !more) {
            return false;
        }
        more = nx_node_turn(node);
    }
    return true;
}

static void on_message(void *ctx, const struct nx_mqtt_publish *publish)
{
    struct nx_node *node = ctx;
    int64_t now_ms = nx_loop_wall_ms();
    enum nx_intake_kind kind = NX_INTAKE_ASIDE;

    if (node->stopping || node->parked) {
        return; /* not acknowledged: it comes again */
    }
    if (nx_span_is(publish->topic, DROPPED_TOPIC)) {
        node_dropped(node, publish->payload, now_ms);
    } else {
        kind = node_kind(node, publish);
    }
    if (!node_hold(node, publish, kind, now_ms)) {
        node_park(node);
        return;
    }
    NX_POINT("read");
}

const struct nx_session_events node_session_events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .answered = on_answered,
    .received = on_received,
    .subscribed = on_subscribed,
    .room = on_room,
};
