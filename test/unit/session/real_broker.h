/*
 * real_broker.h - a mosquitto of its own for a test: a temporary folder, a free loopback port, a
 * process that is ended by its id.
 */
#ifndef NX_TEST_REAL_BROKER_H
#define NX_TEST_REAL_BROKER_H

#include <stdbool.h>
#include <stdint.h>

enum { REAL_PATH_BYTES = 128 };

struct real_broker;

/* Whether the programs that the tests need are there. */
bool real_broker_available(void);

/*
 * User "u", password "pw". With TLS its certificate, for 127.0.0.1, is signed by its own CA, and it
 * asks for one of the client.
 */
struct real_broker *real_broker_new(bool tls);
uint16_t real_broker_port(const struct real_broker *broker);

/*
 * A file of the broker's folder: "ca.pem", "other.pem" (a CA that signed nothing here),
 * "client.pem" and "client.key".
 */
const char *real_broker_file(const struct real_broker *broker, const char *name,
                             char path[REAL_PATH_BYTES]);

/* SIGKILL; and again on the same port. */
void real_broker_kill(struct real_broker *broker);
void real_broker_start(struct real_broker *broker);

/* Starts it again with a certificate that has expired. */
void real_broker_expire(struct real_broker *broker);

void real_broker_free(struct real_broker *broker);

#endif
