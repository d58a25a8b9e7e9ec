/*
 * session_script.h - a rig at a broker that follows a script, for one test at a time; and the steps
 * that most scripts begin and end with.
 */
#ifndef NX_TEST_SESSION_SCRIPT_H
#define NX_TEST_SESSION_SCRIPT_H

#include "fake_broker.h"
#include "session_rig.h"

/* The CONNECT of the rig's configuration with this receive maximum and maximum packet size. */
#define CONNECT_WITH(receive_max, packet_bytes_max)                                                \
    {FAKE_ACCEPT, NULL},                                                                           \
    {                                                                                              \
        FAKE_EXPECT, "10 23 0004 'MQTT' 05 C0 0000 0D 11 0000003C 21 " receive_max                 \
                     " 27 " packet_bytes_max "0002 'nx' 0001 'u' 0002 'pw'"                        \
    }
/* A bare yes to it, from a broker that kept no session and from one that did. */
#define CONNACK_NEW                                                                                \
    {                                                                                              \
        FAKE_SEND, "20 03 00 00 00"                                                                \
    }
#define CONNACK_KEPT                                                                               \
    {                                                                                              \
        FAKE_SEND, "20 03 01 00 00"                                                                \
    }
#define FAREWELL                                                                                   \
    {FAKE_EXPECT, "E0 00"}, {FAKE_CLOSED, NULL},                                                   \
    {                                                                                              \
        FAKE_END, NULL                                                                             \
    }

extern struct rig *rig;
extern struct fake_broker *broker;

/* Starts a broker that plays `steps`, and a rig for it, whose session is yet to be started. */
void script_play(const struct fake_step *steps);

/* Holds the broker to its script, and frees both. */
void script_finish(void);

void assert_story(const char *story);
/* Does it hold these words, and the broker's address? */
void assert_story_names(const char *words);

#endif
