/*
 * session_state.h - the session's inside, shared by session.c (its life), session_packet.c
 * (what the broker's packets mean), session_send.c (what it sends), session_retry.c and
 * session_new.c, and by nobody else.
 */
#ifndef NX_BRIDGE_SESSION_STATE_H
#define NX_BRIDGE_SESSION_STATE_H

#include "bridge/conn.h"
#include "bridge/inbound.h"
#include "bridge/inflight.h"
#include "bridge/session.h"

enum { SESSION_WHY_BYTES = 512 };

enum session_state {
    SESSION_DOWN,
    SESSION_WAIT,
    SESSION_DIALING,
    SESSION_GREETING,
    SESSION_UP,
    SESSION_STOPPING,
    SESSION_LEAVING,
};

enum session_event {
    SESSION_EV_START,
    SESSION_EV_DUE,       /* the timer */
    SESSION_EV_CONNECTED, /* the byte stream is open */
    SESSION_EV_ACCEPTED,  /* CONNACK with success */
    SESSION_EV_ANSWERED,  /* no publish is in flight any more */
    SESSION_EV_LOST,      /* the connection is closed; `why` says why */
    SESSION_EV_STOP,
};

struct nx_session {
    struct nx_session_config config;
    const struct nx_session_events *events;
    void *ctx;
    struct nx_loop *loop;
    const struct nx_log *log;
    struct nx_timer *timer; /* one at a time: each state has one thing to wait for */
    struct nx_conn conn;
    enum session_state state;
    struct nx_net_credentials *credentials; /* NULL: no TLS */
    size_t address;                 /* which is dialed: 0 is config.host, then config.others */
    unsigned rounds;                /* through all of them, in vain */
    char where[NX_NET_WHERE_BYTES]; /* "host:port" of it */
    char why[SESSION_WHY_BYTES];    /* the last loss */
    int64_t why_ms;                 /* wall clock */

    /* this connection */
    uint32_t connection;           /* its number */
    struct nx_mqtt_connack limits; /* its spans are not kept */
    uint32_t window;               /* publishes that may be in flight */
    uint32_t window_qos2;          /* and those at QoS 2 among them */
    struct nx_inflight *inflight;
    bool room_wanted;
    uint8_t qos_wanted; /* of the publish that found no room */
    uint16_t id_wanted; /* QoS 2: the identifier that must be free before there is room; 0: any */
    bool ping_waiting;
    uint64_t ping_ms;
    uint64_t up_ms; /* when the CONNACK came; 0: not yet */

    /* across connections */
    struct nx_inbound inbound;
    bool qos2_missing;  /* the broker answered a QoS 2 publish with a PUBACK */
    unsigned failures;  /* since the last connection that lasted */
    uint64_t waited_ms; /* before this connection */
    bool said_taken_over;
    bool ended_by_peer;   /* without a word */
    unsigned short_lives; /* such ends in a row, soon after `up` */
    uint64_t taken_over;
    uint64_t random;
    uint64_t connects, messages_in, messages_out;
};

/* Moves the machine. */
void nx_session_step(struct nx_session *session, enum session_event event);

/* Says why, closes the connection and moves the machine. */
void nx_session_lose(struct nx_session *session, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, after a DISCONNECT with `reason` (MQTT 5; in 3.1.1 a client has no words for it). */
void nx_session_refuse(struct nx_session *session, uint8_t reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* session.c: what the connection tells, and the timer. */
extern const struct nx_conn_events nx_session_conn_events;
void nx_session_on_due(void *ctx);

/* session_retry.c: the wait before the next dial; chooses its address, and adds to `why`. */
uint64_t nx_session_retry_ms(struct nx_session *session);
void nx_session_retry_reset(struct nx_session *session);
struct nx_session_address nx_session_address(const struct nx_session *session);

/* conn's `packet` and `garbage` events. */
void nx_session_on_packet(void *ctx, const struct nx_mqtt_packet *packet);
void nx_session_on_garbage(void *ctx, enum nx_err err);

/* Queues an acknowledgement; where memory is out for it the connection is broken. */
void nx_session_answer(struct nx_session *session, enum nx_mqtt_type type, uint16_t packet_id,
                       uint8_t reason);

/* Whether a publish of usual size, or the one that was sent away last, would be taken now. */
bool nx_session_has_room(const struct nx_session *session);

#endif
