/*
 * session_new.c - how a session is made and unmade, and what it counts. Sends nothing.
 */
#include "bridge/session_state.h"

#include <stdlib.h>

enum { SESSION_ANSWER_MS = 10 * 1000 };

static bool others_ok(const struct nx_session_config *config)
{
    bool ok = true;

    for (size_t i = 0; i < config->others_count; i++) {
        ok = ok && config->others[i].host != NULL && config->others[i].host[0] != '\0' &&
             config->others[i].port != 0;
    }
    return ok;
}

static enum nx_err check_config(const struct nx_session_config *config, struct nx_diag *diag)
{
    const char *fault = NULL;

    if (config->host == NULL || config->host[0] == '\0' || config->port == 0) {
        fault = "a host and a port are needed";
    } else if (!others_ok(config)) {
        fault = "every further address needs a host and a port";
    } else if (config->client_id == NULL || config->client_id[0] == '\0') {
        fault = "a client identifier is needed: without one the broker keeps no session";
    } else if (config->protocol_level != NX_MQTT_5 && config->protocol_level != NX_MQTT_3_1_1) {
        fault = "the protocol level is 5 (MQTT 5) or 4 (MQTT 3.1.1)";
    } else if (config->receive_max == 0 || config->packet_bytes_max == 0 ||
               config->packet_bytes_max > NX_MQTT_PACKET_MAX || config->output_bytes_max == 0) {
        fault = "receive maximum, packet and output bytes are above 0, a packet below 256 MiB";
    } else if (config->qos2_ids > NX_SESSION_QOS2_IDS_MAX) {
        fault = "too many packet identifiers are set aside for QoS 2";
    } else if (config->backoff_ms_min == 0 || config->backoff_ms_min > config->backoff_ms_max) {
        fault = "the back-off's minimum is above 0 and not above its maximum";
    }
    if (fault != NULL) {
        nx_diag_set(diag, "%s: %s", config->name, fault);
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static enum nx_err make_credentials(struct nx_session *session, struct nx_diag *diag)
{
    const struct nx_net_files files = {
        .ca_file = session->config.tls.ca_file,
        .cert_file = session->config.tls.cert_file,
        .key_file = session->config.tls.key_file,
    };

    return session->config.tls.enabled ? nx_net_credentials_new(&files, &session->credentials, diag)
                                       : NX_OK;
}

enum nx_err nx_session_reload(struct nx_session *session, struct nx_diag *diag)
{
    return session->credentials != NULL ? nx_net_credentials_reload(session->credentials, diag)
                                        : NX_OK;
}

enum nx_err nx_session_new(struct nx_loop *loop, const struct nx_log *log,
                           const struct nx_session_config *config,
                           const struct nx_session_events *events, void *ctx,
                           struct nx_session **out, struct nx_diag *diag)
{
    struct nx_session *session;
    enum nx_err err = check_config(config, diag);

    *out = NULL;
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
    nx_conn_init(&session->conn, loop, &nx_session_conn_events, session, config->packet_bytes_max,
                 config->output_bytes_max);
    session->inflight = nx_inflight_new(config->qos2_ids);
    session->timer = nx_timer_new(loop, nx_session_on_due, session);
    if (session->inflight == NULL || session->timer == NULL) {
        nx_diag_set(diag, "out of memory");
        err = NX_ERR_NOMEM;
    }
    err = err == NX_OK ? make_credentials(session, diag) : err;
    if (err != NX_OK) {
        nx_session_free(session);
        return err;
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
    nx_net_credentials_free(session->credentials);
    free(session);
}

static size_t publish_max(const struct nx_session *session)
{
    const size_t ours = session->config.output_bytes_max;
    const size_t theirs = session->limits.packet_bytes_max;

    return theirs < ours ? theirs : ours;
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
        .receive_max = session->limits.receive_max < UINT16_MAX ? session->limits.receive_max : 0,
        .publish_max = publish_max(session),
        .taken_over = session->taken_over,
        .state = states[session->state],
        .where = session->where,
        .last_error = session->why,
        .last_error_ms = session->why_ms,
    };
}
