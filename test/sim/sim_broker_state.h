/*
 * sim_broker_state.h - what the files of the simulated broker share.
 *
 *   sim_broker.c          life, turns, connections, the plugin
 *   sim_broker_session.c  messages on their way to clients, routing
 *   sim_broker_packet.c   what a client sends
 */
#ifndef NX_TEST_SIM_BROKER_STATE_H
#define NX_TEST_SIM_BROKER_STATE_H

#include "test/sim/sim_broker.h"

enum {
    SESSIONS_MAX = 8,
    FILTERS_MAX = 8,
    RETAINED_MAX = 256,
    INPUT_BYTES_MAX = 2 * 1024 * 1024,
    OUTPUT_BYTES_MAX = 2 * 1024 * 1024,
};

struct message {
    struct nx_mqtt_publish publish; /* spans into `bytes` */
    char *bytes;
};

/* On its way to a client. */
struct outgoing {
    struct message *message;
    uint16_t packet_id; /* 0: waits */
    uint8_t qos;
    bool retain, released;
};

struct session {
    char client_id[96];
    struct sim_line *line; /* NULL: away */
    uint8_t level;
    uint16_t receive_max, next_id;
    char filters[FILTERS_MAX][256];
    uint8_t qos[FILTERS_MAX];
    size_t filters_count;
    struct outgoing *queue;
    size_t queue_count, queue_cap, inflight;
    struct message **held; /* QoS 2 from the client, by identifier until PUBREL */
    size_t held_count, held_cap;
};

struct connection {
    struct session *session; /* NULL: before CONNECT */
    struct nx_buf in;
    uint8_t level;
};

struct sim_broker {
    struct sim_broker_config config;
    bool listens;
    uint64_t tick_us;
    struct session *sessions[SESSIONS_MAX];
    struct message *retained[RETAINED_MAX];
    struct message **waiting; /* what the plugin published in this turn */
    size_t waiting_count, waiting_cap;
    struct nx_deliver *deliver;
    struct nx_buf out;
};

struct message *message_new(const struct nx_mqtt_publish *publish);
void message_free(struct message *message);

/* Room for one more in a list of `count`. */
void *grown(void *list, size_t count, size_t *cap, size_t size);

void send_out(struct sim_broker *broker, struct sim_line *line);
void send_ack(struct sim_broker *broker, struct session *session, enum nx_mqtt_type type,
              uint16_t packet_id, uint8_t reason);

/* After a reconnect: what is not acknowledged goes again, first and in its order. */
void session_repeat(struct sim_broker *broker, struct session *session);
void on_client_ack(struct sim_broker *broker, struct session *session, enum nx_mqtt_type type,
                   uint16_t packet_id);
void session_free(struct session *session);

void route(struct sim_broker *broker, const struct nx_mqtt_publish *publish);

/* True: the plugin took the batch. */
bool open_delivery(struct sim_broker *broker, struct nx_span from, struct nx_span payload,
                   bool retained);

void on_packet(struct sim_broker *broker, struct sim_line *line,
               const struct nx_mqtt_packet *packet);

#endif
