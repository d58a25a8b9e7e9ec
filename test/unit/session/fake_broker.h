/*
 * fake_broker.h - a broker that follows a script: what it expects and what it answers, byte by
 * byte, on a loopback port of its own. It runs on a thread, so that the session under test has its
 * loop for itself.
 */
#ifndef NX_TEST_FAKE_BROKER_H
#define NX_TEST_FAKE_BROKER_H

#include <stdint.h>

enum fake_act {
    FAKE_END,
    FAKE_ACCEPT, /* until then what an earlier connection sends is not read */
    FAKE_EXPECT, /* exactly this packet */
    FAKE_SEND,
    FAKE_SEND_SLOWLY, /* one byte at a time */
    FAKE_DRAIN,       /* reads until the client ends; whatever it is */
    FAKE_CLOSED,      /* the client closes, without another byte */
    FAKE_CLOSE,
};

struct fake_step {
    enum fake_act act;
    const char *packet; /* as hex() takes it */
};

struct fake_broker;

/* Runs `steps`, up to FAKE_END, which live as long as the broker. */
struct fake_broker *fake_broker_start(const struct fake_step *steps);
uint16_t fake_broker_port(const struct fake_broker *broker);

/* Waits for the script's end and fails the test when it went otherwise. */
void fake_broker_finish(struct fake_broker *broker);

/* A loopback port at which nobody listens. */
uint16_t fake_broker_free_port(void);

#endif
