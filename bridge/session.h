/*
 * session.h - one MQTT session with one broker: dials, greets, keeps alive, dials again with
 * jittered back-off. Acknowledges an inbound publish only when told to (nx_session_ack), so that
 * nothing is acknowledged before it is durable. Delivers at QoS 1.
 *
 * It remembers no outgoing message: after a reconnect whoever publishes starts again from its own
 * cursor, which is also what happens after a crash. One way to resume, not two.
 */
#ifndef NX_BRIDGE_SESSION_H
#define NX_BRIDGE_SESSION_H

#include "bridge/loop.h"
#include "core/mqtt.h"

struct nx_session;

struct nx_session_tls {
    bool enabled;
    const char *ca_file;     /* PEM; NULL: the system's */
    const char *cert_file;   /* client certificate, PEM; NULL: none */
    const char *key_file;    /* its key; NULL: in cert_file */
    const char *server_name; /* what the certificate must name; NULL: the host */
};

struct nx_session_will {
    struct nx_span topic; /* empty: no will */
    struct nx_span payload;
    bool retain;
};

/* All strings must live as long as the session. */
struct nx_session_config {
    const char *name; /* for log lines: "birmingham" */
    const char *host;
    uint16_t port;
    const char *client_id;
    const char *username; /* NULL: none */
    const char *password;
    struct nx_session_tls tls;
    struct nx_session_will will;
    uint8_t protocol_level; /* 5, or 4 for MQTT 3.1.1 */
    uint16_t keepalive_s;
    uint32_t session_expiry_s;
    uint16_t receive_max;      /* inbound QoS 1 messages that we hold unacknowledged */
    uint32_t packet_bytes_max; /* inbound */
    uint32_t output_bytes_max; /* queued towards the socket; above it publish says NX_ERR_AGAIN */
    uint32_t backoff_ms_min, backoff_ms_max;
    uint32_t answer_ms_max; /* for dialing, and again for the CONNACK; 0: 10 seconds */
    uint64_t seed;          /* of the jitter */
};

/* All are called from the loop, never from inside a call of this module. */
struct nx_session_events {
    /* CONNACK with success. Subscriptions are made from here. */
    void (*up)(void *ctx, bool session_present);
    /* The connection is gone or was refused; `why` is for a person. Dials again by itself. */
    void (*down)(void *ctx, const char *why);
    /* A PUBLISH came. Spans live until the call returns. QoS 1 must be acknowledged later. */
    void (*message)(void *ctx, const struct nx_mqtt_publish *publish);
    /* An outgoing QoS 1 publish was answered. reason >= 0x80: refused (0x10 is success). */
    void (*answered)(void *ctx, uint64_t token, uint8_t reason);
    /* SUBACK: the first refused filter's reason, or 0. */
    void (*subscribed)(void *ctx, uint8_t reason);
    /* After NX_ERR_AGAIN: there is room again. */
    void (*room)(void *ctx);
};

enum nx_err nx_session_new(struct nx_loop *loop, const struct nx_log *log,
                           const struct nx_session_config *config,
                           const struct nx_session_events *events, void *ctx,
                           struct nx_session **out, struct nx_diag *diag);

/* Frees at once, without a DISCONNECT: the broker sends the will. Not from inside an event. */
void nx_session_free(struct nx_session *session);

void nx_session_start(struct nx_session *session); /* dials in the next turn */

/*
 * Flushes what is queued, waits a while for the answers to it, sends DISCONNECT, closes; `down` is
 * called when that is done, also when the session was not up. Then it may be started again.
 */
void nx_session_stop(struct nx_session *session);

bool nx_session_is_up(const struct nx_session *session);

/* Subscribes to `count` filters at QoS 1 in one packet; retained messages are sent only for a new
 * subscription (retain handling 1), own messages never (no local). */
enum nx_err nx_session_subscribe(struct nx_session *session, const struct nx_span *filters,
                                 size_t count);

/*
 * Queues a publish: qos 0 or 1, properties as in nx_mqtt_publish; packet_id is chosen here and
 * `token` comes back with the answer. NX_ERR_AGAIN: window or output full, `room` will be called.
 * NX_ERR_STATE: not up. NX_ERR_LIMIT: larger than the broker's maximum packet size or than the
 * whole output queue. NX_ERR_UNSUPPORTED: the broker takes no QoS 1, or no retained messages.
 * NX_ERR_INVALID: no topic name, or text that is not UTF-8.
 */
enum nx_err nx_session_publish(struct nx_session *session, const struct nx_mqtt_publish *publish,
                               uint64_t token);

/*
 * The number of the present connection, counted from 1: kept with each inbound publish until it is
 * durable. Packet identifiers are used anew on the next connection, so an identifier alone cannot
 * say what it acknowledges.
 */
uint32_t nx_session_connection(const struct nx_session *session);

/* Queues the PUBACK of an inbound QoS 1 publish. Ignored when the connection it came on is gone. */
void nx_session_ack(struct nx_session *session, uint32_t connection, uint16_t packet_id);

/* Writes what is queued; called once a turn. */
void nx_session_flush(struct nx_session *session);

/* For the status message. */
struct nx_session_stats {
    uint64_t connects, bytes_in, bytes_out, messages_in, messages_out;
    uint32_t inflight;
    const char *state; /* "down", "dialing", "greeting", "up", "stopping" */
    const char *last_error;
};
void nx_session_stats(const struct nx_session *session, struct nx_session_stats *out);

#endif
