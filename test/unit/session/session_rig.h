/*
 * session_rig.h - a session in a loop, and its events written down as a story that a test compares
 * with the one it expects:
 *
 *     "up new; message a/b={}; answered 7 00; received 7 00; subscribed 00; room; down WHY; "
 */
#ifndef NX_TEST_SESSION_RIG_H
#define NX_TEST_SESSION_RIG_H

#include "bridge/session.h"

enum { RIG_TEXT_BYTES = 64 * 1024 };

struct rig {
    struct nx_loop *loop;
    struct nx_session *session;
    struct nx_session_config config; /* to be changed before rig_start */
    struct nx_log log;
    struct nx_timer *guard;
    char story[RIG_TEXT_BYTES];
    char log_text[RIG_TEXT_BYTES];
    const char *until;
    bool timed_out;
    bool quiet; /* messages and answers are counted, not written down */
    uint64_t messages, answers;
    /* what a test does on an event; NULL: nothing */
    void (*on_up)(struct rig *rig);
    void (*on_message)(struct rig *rig, const struct nx_mqtt_publish *publish);
    void (*on_answered)(struct rig *rig, uint64_t token);
    void (*on_received)(struct rig *rig, uint64_t token, uint16_t packet_id);
    void (*on_room)(struct rig *rig);
    void (*on_turn)(struct rig *rig);
};

/* MQTT 5, client "nx", user "u", password "pw", quick back-off, no keep alive. */
struct rig *rig_new(uint16_t port);
void rig_free(struct rig *rig);

void rig_start(struct rig *rig);

/* Runs the loop until the story holds `text`; fails the test when it never does. */
void rig_run_until(struct rig *rig, const char *text);

/* Publishes at QoS 1; what nx_session_publish says. */
enum nx_err rig_publish(struct rig *rig, const char *topic, const char *payload, uint64_t token);

/* At QoS 2, with this identifier. */
enum nx_err rig_publish_2(struct rig *rig, const char *topic, const char *payload,
                          uint16_t packet_id, bool dup, uint64_t token);

void rig_subscribe(struct rig *rig, const char *filter);

/* Stops it, and waits until it is down. */
void rig_stop(struct rig *rig);

#endif
