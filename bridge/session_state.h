/*
 * session_state.h - the session's inside, shared by session.c (its life), session_packet.c
 * (what the broker's packets mean) and session_send.c (what it sends), and by nobody else.
 */
#ifndef NX_BRIDGE_SESSION_STATE_H
#define NX_BRIDGE_SESSION_STATE_H

#include "bridge/conn.h"
#include "bridge/inflight.h"
#include "bridge/session.h"

enum { SESSION_WHY_BYTES = 512, SESSION_HELD_WORDS = 65536 / 64 };

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
    char where[NX_NET_WHERE_BYTES]; /* "host:port" */
    char why[SESSION_WHY_BYTES];    /* the last loss */

    /* this connection */
    uint32_t connection;           /* its number */
    struct nx_mqtt_connack limits; /* its spans are not kept */
    uint32_t window;               /* publishes that may be in flight */
    struct nx_inflight *inflight;
    uint64_t held[SESSION_HELD_WORDS]; /* inbound identifiers not yet acknowledged: a bit each */
    uint32_t held_count;
    bool room_wanted;
    bool ping_waiting;
    uint64_t ping_ms;
    uint64_t up_ms; /* when the CONNACK came; 0: not yet */

    /* across connections */
    unsigned failures; /* since the last connection that lasted */
    unsigned dials;
    bool taken_over;
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

/* conn's `packet` and `garbage` events. */
void nx_session_on_packet(void *ctx, const struct nx_mqtt_packet *packet);
void nx_session_on_garbage(void *ctx, enum nx_err err);

/* Marks an inbound identifier as held or gives it up; false when it was so already. */
bool nx_session_hold(struct nx_session *session, uint16_t packet_id);
bool nx_session_unhold(struct nx_session *session, uint16_t packet_id);

/* Whether a publish of usual size would be taken now. */
bool nx_session_has_room(const struct nx_session *session);

#endif
