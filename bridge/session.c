/*
 * session.c - the life of one MQTT session.
 *
 *             start                  due                 connected               accepted
 *      DOWN ---------> WAIT -----------------> DIALING -----------> GREETING -----------> UP
 *        ^              ^ ^                       |                    |                  | |
 *        |              | +--- lost, due ---------+                    |             stop | |
 *        |              +----- lost, due ------------------------------+                  | |
 *        |              +----- lost ------------------------------------------------------|-+
 *        |                                                                                |
 *        +-- lost, due -- LEAVING <----- answered, due ----- STOPPING <-------------------+
 *                            ^
 *                            +-- stop: WAIT, DIALING, GREETING (there is nothing to leave)
 *
 * WAIT waits out the back-off, STOPPING for the answers to what is in flight, LEAVING (after the
 * DISCONNECT) for the broker to close.
 *
 * (S1) The connection is open in DIALING, GREETING, UP and STOPPING, and closed in DOWN and WAIT.
 * (S2) Publishes are in flight only in UP, STOPPING and LEAVING; a new one is sent only while fewer
 *      than the window are. (A PUBREL of an earlier connection is sent beyond it: section 4.9.)
 * (S3) Inbound messages are held only in UP, STOPPING and LEAVING.
 * (S4) A PUBACK or PUBREC leaves only on the connection that its PUBLISH came on.
 * (S5) Events are called from the loop only, `up` and `down` as the last act of a transition.
 *
 * It keeps no outgoing message, reads no payload, and knows no topic. What the packets of the broker
 * mean is in session_packet.c, what is sent while it is up in session_send.c, where to dial next
 * and when in session_retry.c, how it is made in session_new.c.
 */
#include "bridge/session.h"
#include "bridge/session_state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SESSION_3_1_1_WINDOW = 20,   /* of QoS 2; see below */
    SESSION_STOP_MS = 3 * 1000,  /* for answers, when stopping */
    SESSION_LEAVE_MS = 2 * 1000, /* for the broker to close */
};

/* ---- transitions ---- */

static void act_dial_soon(struct nx_session *session);
static void act_dial(struct nx_session *session);
static void act_greet(struct nx_session *session);
static void act_up(struct nx_session *session);
static void act_keep_alive(struct nx_session *session);
static void act_back_off(struct nx_session *session);
static void act_late(struct nx_session *session);
static void act_stop(struct nx_session *session);
static void act_leave(struct nx_session *session);
static void act_leave_nothing(struct nx_session *session);
static void act_finish(struct nx_session *session);

/* An event without a row changes nothing. */
static const struct session_rule {
    enum session_state state;
    enum session_event event;
    enum session_state next;
    void (*act)(struct nx_session *session);
} rules[] = {
    {SESSION_DOWN, SESSION_EV_START, SESSION_WAIT, act_dial_soon},
    {SESSION_WAIT, SESSION_EV_DUE, SESSION_DIALING, act_dial},
    {SESSION_WAIT, SESSION_EV_STOP, SESSION_LEAVING, act_leave_nothing},
    {SESSION_DIALING, SESSION_EV_CONNECTED, SESSION_GREETING, act_greet},
    {SESSION_DIALING, SESSION_EV_DUE, SESSION_DIALING, act_late},
    {SESSION_DIALING, SESSION_EV_LOST, SESSION_WAIT, act_back_off},
    {SESSION_DIALING, SESSION_EV_STOP, SESSION_LEAVING, act_leave_nothing},
    {SESSION_GREETING, SESSION_EV_ACCEPTED, SESSION_UP, act_up},
    {SESSION_GREETING, SESSION_EV_DUE, SESSION_GREETING, act_late},
    {SESSION_GREETING, SESSION_EV_LOST, SESSION_WAIT, act_back_off},
    {SESSION_GREETING, SESSION_EV_STOP, SESSION_LEAVING, act_leave_nothing},
    {SESSION_UP, SESSION_EV_DUE, SESSION_UP, act_keep_alive},
    {SESSION_UP, SESSION_EV_LOST, SESSION_WAIT, act_back_off},
    {SESSION_UP, SESSION_EV_STOP, SESSION_STOPPING, act_stop},
    {SESSION_STOPPING, SESSION_EV_ANSWERED, SESSION_LEAVING, act_leave},
    {SESSION_STOPPING, SESSION_EV_DUE, SESSION_LEAVING, act_leave},
    {SESSION_STOPPING, SESSION_EV_LOST, SESSION_DOWN, act_finish},
    {SESSION_LEAVING, SESSION_EV_DUE, SESSION_DOWN, act_finish},
    {SESSION_LEAVING, SESSION_EV_LOST, SESSION_DOWN, act_finish},
};

static void check(const struct nx_session *session)
{
    const enum session_state state = session->state;
    const bool closed = state == SESSION_DOWN || state == SESSION_WAIT;
    const bool open = !closed && state != SESSION_LEAVING;
    const bool established =
        state == SESSION_UP || state == SESSION_STOPPING || state == SESSION_LEAVING;

    assert(!closed || session->conn.net == NULL);                         /* S1 */
    assert(!open || session->conn.net != NULL);                           /* S1 */
    assert(established || nx_inflight_publishes(session->inflight) == 0); /* S2 */
    assert(established || nx_inbound_held(&session->inbound) == 0);       /* S3 */
    (void)closed;
    (void)open;
    (void)established;
}

void nx_session_step(struct nx_session *session, enum session_event event)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].state == session->state && rules[i].event == event) {
            session->state = rules[i].next;
            rules[i].act(session);
            return; /* the action may have moved on, and even have started anew */
        }
    }
}

void nx_session_on_due(void *ctx)
{
    struct nx_session *session = ctx;

    check(session);
    nx_session_step(session, SESSION_EV_DUE);
}

/* ---- losing the connection ---- */

/* What belonged to the connection goes with it. */
static void forget_connection(struct nx_session *session)
{
    nx_conn_close(&session->conn);
    nx_inflight_cut(session->inflight);
    nx_inbound_cut(&session->inbound);
    session->room_wanted = false;
    session->id_wanted = 0;
    session->ping_waiting = false;
    session->up_ms = 0;
}

static void lose_as_said(struct nx_session *session)
{
    nx_conn_close(&session->conn);
    nx_session_step(session, SESSION_EV_LOST);
}

static void __attribute__((format(printf, 2, 0)))
say_why(struct nx_session *session, const char *fmt, va_list args)
{
    (void)vsnprintf(session->why, sizeof(session->why), fmt, args);
    session->why_ms = nx_loop_wall_ms();
}

void nx_session_lose(struct nx_session *session, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say_why(session, fmt, args);
    va_end(args);
    lose_as_said(session);
}

void nx_session_refuse(struct nx_session *session, uint8_t reason, const char *fmt, ...)
{
    struct nx_buf *out = nx_conn_output(&session->conn);
    va_list args;

    va_start(args, fmt);
    say_why(session, fmt, args);
    va_end(args);
    if (session->config.protocol_level == NX_MQTT_5 && session->state != SESSION_LEAVING &&
        nx_mqtt_encode_disconnect(out, NX_MQTT_5, reason) == NX_OK) {
        nx_conn_end(&session->conn); /* as far as the socket takes it at once */
    }
    lose_as_said(session);
}

static void act_back_off(struct nx_session *session)
{
    const uint64_t ms = nx_session_retry_ms(session);

    forget_connection(session);
    nx_timer_set(session->timer, ms);
    nx_log(session->log, NX_LOG_WARN, "%s: %s; next try in %.1f s", session->config.name,
           session->why, (double)ms / 1000);
    session->events->down(session->ctx, session->why);
}

static void act_late(struct nx_session *session)
{
    if (session->state == SESSION_DIALING) {
        nx_session_lose(session, "no answer from %s within %lu ms (%s)", session->where,
                        (unsigned long)session->config.answer_ms_max,
                        nx_net_doing(session->conn.net));
    } else {
        nx_session_lose(session, "no CONNACK from %s within %lu ms", session->where,
                        (unsigned long)session->config.answer_ms_max);
    }
}

/* ---- dialing and greeting ---- */

static void act_dial_soon(struct nx_session *session)
{
    nx_session_retry_reset(session);
    nx_timer_set(session->timer, 0);
}

/* Renewed certificates are picked up by themselves; broken ones are told and not used. */
static void refresh_credentials(struct nx_session *session)
{
    struct nx_diag diag = {0};

    if (nx_session_reload(session, &diag) != NX_OK) {
        nx_log(session->log, NX_LOG_ERROR, "%s: %s; what was read before is used",
               session->config.name, diag.text);
    }
}

static void act_dial(struct nx_session *session)
{
    const struct nx_session_config *config = &session->config;
    const struct nx_session_address address = nx_session_address(session);
    const uint32_t keepalive_ms = (uint32_t)config->keepalive_s * 1000;
    const struct nx_net_config net = {
        .host = address.host,
        .port = address.port,
        .first_address = session->rounds, /* one that swallows all must not stop the others */
        .unanswered_ms_max =
            keepalive_ms > config->answer_ms_max ? keepalive_ms : config->answer_ms_max,
        .credentials = session->credentials,
        .server_name = config->tls.server_name,
    };
    struct nx_diag diag = {0};

    (void)nx_net_where(net.host, net.port, session->where);
    refresh_credentials(session);
    nx_timer_set(session->timer, config->answer_ms_max);
    if (nx_conn_open(&session->conn, &net, &diag) != NX_OK) {
        nx_session_lose(session, "%s", diag.text);
    }
}

static void on_connected(void *ctx)
{
    nx_session_step(ctx, SESSION_EV_CONNECTED);
}

static void act_greet(struct nx_session *session)
{
    const struct nx_session_config *config = &session->config;
    const struct nx_mqtt_connect connect = {
        .level = config->protocol_level,
        .clean_start = config->session_expiry_s == 0,
        .keepalive_s = config->keepalive_s,
        .client_id = nx_span_from(config->client_id),
        .username = nx_span_from(config->username),
        .password = nx_span_from(config->password),
        .will = {.topic = config->will.topic,
                 .payload = config->will.payload,
                 .qos = 1,
                 .retain = config->will.retain},
        .session_expiry_s = config->session_expiry_s,
        .receive_max = config->receive_max,
        .packet_bytes_max = config->packet_bytes_max,
    };
    const enum nx_err err = nx_mqtt_encode_connect(nx_conn_output(&session->conn), &connect);

    nx_timer_set(session->timer, config->answer_ms_max);
    if (err != NX_OK) {
        nx_session_lose(session, "cannot write the CONNECT for %s: %s", session->where,
                        nx_err_text(err));
        return;
    }
    nx_conn_flush(&session->conn);
}

static void on_lost(void *ctx, const char *why)
{
    struct nx_session *session = ctx;

    session->ended_by_peer = true;
    if (session->state != SESSION_GREETING) {
        nx_session_lose(session, "%s", why);
    } else if (session->config.tls.enabled) {
        nx_session_lose(session, "%s before the CONNACK", why);
    } else { /* that is how a TLS port and a broker of another version say it */
        nx_session_lose(session,
                        "%s before the CONNACK (does this port speak MQTT %s without TLS?)", why,
                        session->config.protocol_level == NX_MQTT_5 ? "5" : "3.1.1");
    }
}

/* ---- up ---- */

/* The sooner of the server's and ours: asking more often than it wants is allowed (3.1.2.10), and
 * where it wants nothing we still want to know whether it lives. */
static uint64_t keepalive_ms(const struct nx_session *session)
{
    const uint64_t ours = session->config.keepalive_s;
    const uint64_t theirs = session->limits.keepalive_stated ? session->limits.keepalive_s : 0;

    return 1000 * (theirs == 0 || (ours != 0 && ours < theirs) ? ours : theirs);
}

/* What the broker grants less than was asked for, where it may cost messages. */
static void tell_limits(const struct nx_session *session)
{
    const struct nx_mqtt_connack *limits = &session->limits;

    if (limits->session_expiry_stated &&
        limits->session_expiry_s < session->config.session_expiry_s) {
        nx_log(
            session->log, NX_LOG_WARN,
            "%s: %s keeps our session for %lu s only: what comes during a longer absence is lost",
            session->config.name, session->where, (unsigned long)limits->session_expiry_s);
    }
    if (limits->qos_max == 0) {
        nx_log(session->log, NX_LOG_WARN,
               "%s: %s takes QoS 0 only: nothing can be delivered surely", session->config.name,
               session->where);
    }
}

/*
 * One place fewer for QoS 2 than the broker grants: of a kept session it counts the QoS 2 messages
 * that it has still, and Mosquitto 2.0.11 closes the connection on a QoS 1 message that finds them
 * filling all. MQTT 3.1.1 states no receive maximum; there Mosquitto's own limit counts, which is 20
 * unless it is configured.
 */
static void set_windows(struct nx_session *session)
{
    const bool stated = session->config.protocol_level == NX_MQTT_5;
    const uint32_t granted = stated ? session->limits.receive_max : SESSION_3_1_1_WINDOW;

    session->window = session->limits.receive_max;
    session->window_qos2 = granted > 1 ? granted - 1 : 1;
}

static void act_up(struct nx_session *session)
{
    session->limits.client_id = session->limits.reason_string = session->limits.server_reference =
        (struct nx_span){NULL, 0};
    set_windows(session);
    session->up_ms = nx_loop_monotonic_ms();
    session->connects++;
    session->connection++;
    session->why[0] = '\0';
    if (!session->limits.session_present) {
        nx_inbound_forget(&session->inbound);
        nx_inflight_clear(session->inflight);
    }
    nx_timer_clear(session->timer);
    if (keepalive_ms(session) > 0) {
        nx_timer_set(session->timer, keepalive_ms(session) / 2);
    }
    nx_log(session->log, NX_LOG_NOTICE, "%s: connected to %s, %s session", session->config.name,
           session->where, session->limits.session_present ? "kept" : "new");
    tell_limits(session);
    session->events->up(session->ctx, session->limits.session_present);
}

/*
 * A PINGREQ when one direction was silent for half the keep alive (section 3.12), which is sooner
 * than the broker asks for. When then nothing at all comes for another half, the peer is gone and
 * TCP has not noticed.
 */
static void act_keep_alive(struct nx_session *session)
{
    const uint64_t half = keepalive_ms(session) / 2;
    const uint64_t now = nx_loop_monotonic_ms();
    const struct nx_conn *conn = &session->conn;
    uint64_t since = conn->in_ms < conn->out_ms ? conn->in_ms : conn->out_ms;

    if (session->ping_waiting && now - session->ping_ms >= half) {
        nx_session_lose(session, "%s did not answer a PINGREQ within %lu s", session->where,
                        (unsigned long)(half / 1000 + (half % 1000 != 0)));
        return;
    }
    if (!session->ping_waiting && now - since >= half) {
        session->ping_waiting = true;
        session->ping_ms = now;
        if (nx_mqtt_encode_pingreq(nx_conn_output(&session->conn)) != NX_OK) {
            nx_session_lose(session, "out of memory for a PINGREQ to %s", session->where);
            return;
        }
        nx_conn_flush(&session->conn);
    }
    since = session->ping_waiting ? session->ping_ms : since;
    nx_timer_set(session->timer, since + half - now);
}

static void on_settled(void *ctx)
{
    struct nx_session *session = ctx;

    check(session);
    if (session->room_wanted && session->state == SESSION_UP && nx_session_has_room(session)) {
        session->room_wanted = false;
        session->id_wanted = 0;
        session->events->room(session->ctx);
    }
}

/* ---- stopping ---- */

static void act_stop(struct nx_session *session)
{
    nx_timer_set(session->timer, SESSION_STOP_MS);
    nx_conn_flush(&session->conn);
    if (nx_inflight_publishes(session->inflight) == 0) {
        nx_session_step(session, SESSION_EV_ANSWERED);
    }
}

static void act_leave(struct nx_session *session)
{
    const enum nx_err err = nx_mqtt_encode_disconnect(
        nx_conn_output(&session->conn), session->config.protocol_level, NX_MQTT_SUCCESS);

    nx_timer_set(session->timer, err == NX_OK ? SESSION_LEAVE_MS : 0);
    nx_conn_end(&session->conn);
}

static void act_leave_nothing(struct nx_session *session)
{
    forget_connection(session);
    nx_timer_set(session->timer, 0);
}

static void act_finish(struct nx_session *session)
{
    forget_connection(session);
    nx_timer_clear(session->timer);
    (void)snprintf(session->why, sizeof(session->why), "stopped");
    nx_log(session->log, NX_LOG_NOTICE, "%s: session with %s stopped", session->config.name,
           session->where);
    session->events->down(session->ctx, session->why);
}

/* ---- the calls ---- */

const struct nx_conn_events nx_session_conn_events = {
    .connected = on_connected,
    .packet = nx_session_on_packet,
    .garbage = nx_session_on_garbage,
    .settled = on_settled,
    .lost = on_lost,
};

void nx_session_start(struct nx_session *session)
{
    nx_session_step(session, SESSION_EV_START);
}

void nx_session_stop(struct nx_session *session)
{
    nx_session_step(session, SESSION_EV_STOP);
}

bool nx_session_is_up(const struct nx_session *session)
{
    return session->state == SESSION_UP;
}
