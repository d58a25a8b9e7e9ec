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
 * (S2) Publishes are in flight only in UP, STOPPING and LEAVING, never more than the window.
 * (S3) Inbound messages are held only in UP, STOPPING and LEAVING.
 * (S4) A PUBACK leaves only on the connection that its PUBLISH came on.
 * (S5) Events are called from the loop only, `up` and `down` as the last act of a transition.
 *
 * It keeps no outgoing message, reads no payload, and knows no topic. What the packets of the broker
 * mean is in session_packet.c, what is sent while it is up in session_send.c.
 */
#include "bridge/session.h"
#include "bridge/session_state.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SESSION_ANSWER_MS = 10 * 1000,
    SESSION_STOP_MS = 3 * 1000,  /* for answers, when stopping */
    SESSION_LEAVE_MS = 2 * 1000, /* for the broker to close */
    SESSION_LASTED_MS = 1000,    /* a shorter connection is one more failure */
    SESSION_BACKOFF_DOUBLINGS_MAX = 16,
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
    assert(nx_inflight_publishes(session->inflight) <= session->window);  /* S2 */
    assert(established || session->held_count == 0);                      /* S3 */
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

static void on_due(void *ctx)
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
    nx_inflight_clear(session->inflight);
    memset(session->held, 0, sizeof(session->held));
    session->held_count = 0;
    session->room_wanted = false;
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

/* splitmix64 (Steele, Lea, Flood 2014): spread, not secrecy, is what a jitter needs. */
static uint64_t next_random(struct nx_session *session)
{
    uint64_t z = session->random += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

/*
 * Doubles with each failure and is then halved by up to a half, so that sessions that were lost
 * together do not come back together. After a take-over at least the maximum: two that take the
 * session from each other in turn would never leave each other time to work. (Mosquitto 2.0.11
 * only closes: there it is the short life of each connection that makes them wait.)
 */
static uint64_t back_off_ms(struct nx_session *session)
{
    const uint64_t max = session->config.backoff_ms_max;
    uint64_t ms = session->config.backoff_ms_min;

    if (session->taken_over) {
        return max + next_random(session) % (max / 2 + 1);
    }
    ms <<= session->failures < SESSION_BACKOFF_DOUBLINGS_MAX ? session->failures
                                                             : SESSION_BACKOFF_DOUBLINGS_MAX;
    ms = ms < max ? ms : max;
    return ms - next_random(session) % (ms / 2 + 1);
}

static void act_back_off(struct nx_session *session)
{
    const bool lasted =
        session->up_ms != 0 && nx_loop_monotonic_ms() - session->up_ms >= SESSION_LASTED_MS;
    uint64_t ms;

    session->failures = lasted ? 0 : session->failures;
    ms = back_off_ms(session);
    forget_connection(session);
    session->failures++;
    session->taken_over = false;
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
    session->failures = 0;
    nx_timer_set(session->timer, 0);
}

static void act_dial(struct nx_session *session)
{
    const struct nx_session_config *config = &session->config;
    const struct nx_net_config net = {
        .host = config->host,
        .port = config->port,
        .first_address = session->dials++, /* one that swallows all must not stop the others */
        .tls =
            {
                .enabled = config->tls.enabled,
                .ca_file = config->tls.ca_file,
                .cert_file = config->tls.cert_file,
                .key_file = config->tls.key_file,
                .server_name = config->tls.server_name,
            },
    };
    struct nx_diag diag = {0};

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

    nx_session_lose(session, session->state == SESSION_GREETING ? "%s before the CONNACK" : "%s",
                    why);
}

/* ---- up ---- */

static uint64_t keepalive_ms(const struct nx_session *session)
{
    const uint64_t s = session->limits.keepalive_stated ? session->limits.keepalive_s
                                                        : session->config.keepalive_s;

    return s * 1000;
}

static void act_up(struct nx_session *session)
{
    session->limits.client_id = session->limits.reason_string = (struct nx_span){NULL, 0};
    session->window = session->limits.receive_max;
    session->up_ms = nx_loop_monotonic_ms();
    session->connects++;
    session->connection++;
    session->why[0] = '\0';
    nx_timer_clear(session->timer);
    if (keepalive_ms(session) > 0) {
        nx_timer_set(session->timer, keepalive_ms(session) / 2);
    }
    nx_log(session->log, NX_LOG_NOTICE, "%s: connected to %s, %s session", session->config.name,
           session->where, session->limits.session_present ? "kept" : "new");
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

static const struct nx_conn_events conn_events = {
    .connected = on_connected,
    .packet = nx_session_on_packet,
    .garbage = nx_session_on_garbage,
    .settled = on_settled,
    .lost = on_lost,
};

static enum nx_err check_config(const struct nx_session_config *config, struct nx_diag *diag)
{
    const char *fault = NULL;

    if (config->host == NULL || config->host[0] == '\0' || config->port == 0) {
        fault = "a host and a port are needed";
    } else if (config->client_id == NULL || config->client_id[0] == '\0') {
        fault = "a client identifier is needed: without one the broker keeps no session";
    } else if (config->protocol_level != NX_MQTT_5 && config->protocol_level != NX_MQTT_3_1_1) {
        fault = "the protocol level is 5 (MQTT 5) or 4 (MQTT 3.1.1)";
    } else if (config->receive_max == 0 || config->packet_bytes_max == 0 ||
               config->packet_bytes_max > NX_MQTT_PACKET_MAX || config->output_bytes_max == 0) {
        fault = "receive maximum, packet and output bytes are above 0, a packet below 256 MiB";
    } else if (config->backoff_ms_min == 0 || config->backoff_ms_min > config->backoff_ms_max) {
        fault = "the back-off's minimum is above 0 and not above its maximum";
    }
    if (fault != NULL) {
        nx_diag_set(diag, "%s: %s", config->name, fault);
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static enum nx_err check_tls(const struct nx_session_config *config, struct nx_diag *diag)
{
    const struct nx_net_tls tls = {
        .ca_file = config->tls.ca_file,
        .cert_file = config->tls.cert_file,
        .key_file = config->tls.key_file,
    };

    return config->tls.enabled ? nx_net_tls_check(&tls, diag) : NX_OK;
}

enum nx_err nx_session_new(struct nx_loop *loop, const struct nx_log *log,
                           const struct nx_session_config *config,
                           const struct nx_session_events *events, void *ctx,
                           struct nx_session **out, struct nx_diag *diag)
{
    struct nx_session *session;
    enum nx_err err = check_config(config, diag);

    *out = NULL;
    if (err == NX_OK) {
        err = check_tls(config, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    session = calloc(1, sizeof(*session));
    if (session == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    session->config = *config;
    if (config->answer_ms_max == 0) {
        session->config.answer_ms_max = SESSION_ANSWER_MS;
    }
    session->events = events;
    session->ctx = ctx;
    session->loop = loop;
    session->log = log;
    session->random = config->seed;
    (void)nx_net_where(config->host, config->port, session->where);
    nx_conn_init(&session->conn, loop, &conn_events, session, config->packet_bytes_max,
                 config->output_bytes_max);
    session->inflight = nx_inflight_new();
    session->timer = nx_timer_new(loop, on_due, session);
    if (session->inflight == NULL || session->timer == NULL) {
        nx_session_free(session);
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    *out = session;
    return NX_OK;
}

void nx_session_free(struct nx_session *session)
{
    if (session == NULL) {
        return;
    }
    nx_conn_fini(&session->conn);
    nx_timer_free(session->timer);
    nx_inflight_free(session->inflight);
    free(session);
}

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

void nx_session_stats(const struct nx_session *session, struct nx_session_stats *out)
{
    static const char *const states[] = {
        [SESSION_DOWN] = "down",         [SESSION_WAIT] = "down", [SESSION_DIALING] = "dialing",
        [SESSION_GREETING] = "greeting", [SESSION_UP] = "up",     [SESSION_STOPPING] = "stopping",
        [SESSION_LEAVING] = "stopping",
    };

    *out = (struct nx_session_stats){
        .connects = session->connects,
        .bytes_in = session->conn.bytes_in,
        .bytes_out = session->conn.bytes_out,
        .messages_in = session->messages_in,
        .messages_out = session->messages_out,
        .inflight = nx_inflight_publishes(session->inflight),
        .state = states[session->state],
        .last_error = session->why,
    };
}
