/*
 * sim_broker.h - an MQTT broker as the bridge sees one: kept sessions, QoS 0 to 2, repetition after
 * a lost connection, retained messages, and, where asked for, the plugin that opens deliveries
 * (plugin/deliver.c itself).
 *
 * It answers in the manner of Mosquitto 2.0: what its plugin publishes reaches the sessions at the
 * beginning of its next turn; an orderly stop keeps sessions and retained messages and loses what
 * still waited for that turn.
 */
#ifndef NX_TEST_SIM_BROKER_H
#define NX_TEST_SIM_BROKER_H

#include "core/mqtt.h"
#include "test/sim/sim.h"

struct sim_broker_config {
    const char *city;
    bool delivers;        /* has the plugin */
    const char *state;    /* its file */
    uint16_t receive_max; /* offered to MQTT 5 clients */
    /* Sees every message that is routed, once. */
    void (*tap)(void *ctx, const struct nx_mqtt_publish *publish);
    /* May it be published? What a sensor publishes was admitted before it came here. */
    bool (*admits)(void *ctx, struct nx_span topic, struct nx_span payload);
    void *ctx;
    const struct nx_log *log;
};

struct sim_broker *sim_broker_new(const struct sim_broker_config *config);
void sim_broker_free(struct sim_broker *broker);

/* A sensor's publish that was admitted and acknowledged. */
void sim_broker_publish(struct sim_broker *broker, const struct nx_mqtt_publish *publish);

uint64_t sim_broker_due_us(const struct sim_broker *broker);
void sim_broker_turn(struct sim_broker *broker); /* its loop, when it is due */

void sim_broker_stop(struct sim_broker *broker); /* orderly */
void sim_broker_start(struct sim_broker *broker);
void sim_broker_forget(struct sim_broker *broker); /* every session; while it is stopped */
bool sim_broker_listens(const struct sim_broker *broker);
bool sim_broker_is_followed(const struct sim_broker *broker); /* has a session a subscription? */

/* For sim_net.c. */
void sim_broker_connected(struct sim_broker *broker, struct sim_line *line);
void sim_broker_received(struct sim_broker *broker, struct sim_line *line, struct nx_span bytes);
void sim_broker_lost(struct sim_broker *broker, struct sim_line *line);

#endif
