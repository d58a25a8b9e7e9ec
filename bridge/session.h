/*
 * session.h - one MQTT session with one broker: dials, greets, keeps alive, dials again with
 * jittered back-off. Acknowledges an inbound publish only when told to (nx_session_ack), so that
 * nothing is acknowledged before it is durable. QoS 0, 1 and 2 in both directions.
 *
 * It remembers no outgoing message: after a reconnect whoever publishes starts again from its own
 * cursor, which is also what happens after a crash. One way to resume, not two.
 *
 * QoS 2 outwards is in the hands of the caller, because only a durable mark makes it exactly once:
 * publish (identifier of the caller's) -> `received` (PUBREC) -> the caller makes its mark durable
 * -> nx_session_release (PUBREL) -> `answered` (PUBCOMP). After a crash or a cut, with session
 * present, the caller releases what is marked and publishes the rest again, with `dup` and the same
 * identifiers.
 */
#ifndef NX_BRIDGE_SESSION_H
#define NX_BRIDGE_SESSION_H

#include "bridge/loop.h"
#include "core/mqtt.h"

struct nx_session;

enum { NX_SESSION_QOS2_IDS_MAX = 57343 }; /* the rest is for subscriptions and QoS 1 */

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

struct nx_session_address {
    const char *host;
    uint16_t port;
};

/* All strings and arrays must live as long as the session. */
struct nx_session_config {
    const char *name; /* for log lines: "birmingham" */
    const char *host;
    uint16_t port;
    const struct nx_session_address *others; /* tried in turn where host and port fail */
    size_t others_count;
    const char *client_id;
    const char *username; /* NULL: none */
    const char *password;
    struct nx_session_tls tls;
    struct nx_session_will will;
    uint8_t protocol_level; /* 5, or 4 for MQTT 3.1.1 */
    uint16_t keepalive_s;
    uint32_t session_expiry_s;
    uint16_t receive_max;      /* inbound QoS 1 and 2 messages that we hold unacknowledged */
    uint16_t qos2_ids;         /* identifiers 1 to this are the caller's, for QoS 2; 0: none.
                                * Number n's is then 1 + n % qos2_ids */
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
    /* A PUBLISH came. Spans live until the call returns. QoS 1 and 2 are acknowledged later. */
    void (*message)(void *ctx, const struct nx_mqtt_publish *publish);
    /*
     * An outgoing publish was answered to its end: PUBACK at QoS 1, PUBCOMP at QoS 2. reason >=
     * 0x80: refused (0x10 is success). 0x92 at a PUBCOMP: the broker knew the identifier no more,
     * which is no fault after a reconnect.
     */
    void (*answered)(void *ctx, uint64_t token, uint8_t reason);
    /*
     * PUBREC of an outgoing QoS 2 publish; may be NULL where none is sent. reason >= 0x80 is final
     * and frees the identifier: no `answered` follows. Else nx_session_release is due.
     */
    void (*received)(void *ctx, uint64_t token, uint16_t packet_id, uint8_t reason);
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

/* Subscribes to `count` filters at `qos` in one packet; retained messages are sent only for a new
 * subscription (retain handling 1), own messages never (no local). */
enum nx_err nx_session_subscribe(struct nx_session *session, const struct nx_span *filters,
                                 size_t count, uint8_t qos);

/*
 * Queues a publish, properties as in nx_mqtt_publish; `token` comes back with the answer. At QoS 1
 * packet_id is chosen here, above qos2_ids. At QoS 2 it is the caller's, from 1 to qos2_ids: the
 * two never meet, else a status message could overwrite what the broker keeps of a QoS 2 delivery.
 *
 * NX_ERR_AGAIN: window or output full, or this identifier is in use; `room` will be called. What was
 * in flight at QoS 2 when a kept session lost its connection keeps its place in the window until the
 * caller publishes or releases it again.
 * NX_ERR_STATE: not up. NX_ERR_LIMIT: larger than the broker's maximum packet size or than the
 * whole output queue. NX_ERR_UNSUPPORTED: the broker takes no such QoS, or no retained messages.
 * NX_ERR_INVALID: no topic name, text that is not UTF-8, an identifier out of range.
 */
enum nx_err nx_session_publish(struct nx_session *session, const struct nx_mqtt_publish *publish,
                               uint64_t token);

/*
 * Queues the PUBREL of a QoS 2 publish: after `received`, or after `up` with session present for one
 * that the caller has marked before; `answered` follows with `token`. Needs no room in the window.
 * NX_ERR_STATE: not up. NX_ERR_INVALID: out of range, this identifier waits for its PUBREC or its
 * PUBCOMP, or it is unknown and the broker kept no session: then the mark is void.
 */
enum nx_err nx_session_release(struct nx_session *session, uint16_t packet_id, uint64_t token);

/*
 * The number of the present connection, counted from 1: kept with each inbound publish until it is
 * durable. Packet identifiers are used anew on the next connection, so an identifier alone cannot
 * say what it acknowledges.
 */
uint32_t nx_session_connection(const struct nx_session *session);

/* Queues the PUBACK or PUBREC of an inbound publish. Ignored when its connection is gone. The
 * PUBREL that follows a PUBREC is answered here. */
void nx_session_ack(struct nx_session *session, uint32_t connection, uint16_t packet_id);

/*
 * Reads the files of TLS again, for the connections to come; the present one goes on. On failure
 * `diag` says why, and what was read before stays in use. (Each dial does the same by itself.)
 */
enum nx_err nx_session_reload(struct nx_session *session, struct nx_diag *diag);

/* Writes what is queued; called once a turn. */
void nx_session_flush(struct nx_session *session);

/* For the status message. */
struct nx_session_stats {
    uint64_t connects, bytes_in, bytes_out, messages_in, messages_out;
    uint32_t inflight;
    uint32_t receive_max; /* unanswered messages that the broker takes; 0: it has stated none */
    size_t publish_max;   /* bytes of a PUBLISH that this connection can take at all */
    uint64_t taken_over;  /* times that another client had, or seems to have had, our identifier */
    const char *state;    /* "down", "dialing", "greeting", "up", "stopping" */
    const char *where;    /* "host:port" that is dialed or was last */
    const char *last_error;
    int64_t last_error_ms; /* of the wall clock */
};
void nx_session_stats(const struct nx_session *session, struct nx_session_stats *out);

#endif
