/*
 * sim_broker.c - the life of a simulated broker: its turns, its connections, and the plugin in it.
 */
#include "test/sim/sim_broker_state.h"

#include "plugin/deliver.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TICK_US = 100000, /* an idle broker's loop */
    SETTLE_MS = 1000,
    /* The plugin has had enough of a link, rightly or not: to be got over, as a cut is. */
    SHUT_PERCENT = 3,
    SHUT_MS_MAX = 2000,
    UNTOLD_PERCENT = 10,
};

/* --- the plugin --------------------------------------------------------------------------------- */

static void wait_for_turn(struct sim_broker *broker, const struct nx_mqtt_publish *publish)
{
    broker->waiting = grown(broker->waiting, broker->waiting_count, &broker->waiting_cap,
                            sizeof(broker->waiting[0]));
    broker->waiting[broker->waiting_count++] = message_new(publish);
}

static uint64_t op_now_ms(void *ctx)
{
    (void)ctx;
    return sim_world->now_us / 1000;
}

static void op_judge(void *ctx, const struct nx_delivery_reading *reading, bool words,
                     struct nx_delivery_verdict *out)
{
    struct sim_broker *broker = ctx;

    (void)words;
    *out = (struct nx_delivery_verdict){
        .admitted = broker->config.admits(broker->config.ctx, nx_span_from(reading->name),
                                          reading->payload),
    };
    out->reason = out->admitted ? NX_REASON_ADMITTED : NX_REASON_SCHEMA;
}

static bool op_publish(void *ctx, const struct nx_delivery_reading *reading,
                       const struct nx_host_pair *user, size_t user_count)
{
    struct nx_mqtt_publish publish = {.topic = nx_span_from(reading->name),
                                      .payload = reading->payload,
                                      .qos = 1,
                                      .retain = reading->retain};

    for (size_t i = 0; i < user_count; i++) {
        publish.user[publish.user_count++] = (struct nx_mqtt_user_property){
            .name = nx_span_from(user[i].name), .value = nx_span_from(user[i].value)};
    }
    wait_for_turn(ctx, &publish);
    return true;
}

static bool op_answer(void *ctx, const char *topic, const char *json)
{
    const struct nx_mqtt_publish publish = {
        .topic = nx_span_from(topic), .payload = nx_span_from(json), .qos = 1};

    wait_for_turn(ctx, &publish);
    return true;
}

static void op_note(void *ctx, const char *topic, const char *what)
{
    (void)ctx;
    sim_say("plugin: %s: %s", topic, what);
}

static uint32_t op_shut_ms(void *ctx)
{
    (void)ctx;
    return sim_chance(&sim_world->random, SHUT_PERCENT)
               ? 1 + (uint32_t)sim_draw(&sim_world->random, SHUT_MS_MAX)
               : 0;
}

static bool op_may_tell(void *ctx, bool question, uint64_t *suppressed)
{
    (void)ctx;
    (void)question;
    *suppressed = 0;
    return !sim_chance(&sim_world->random, UNTOLD_PERCENT);
}

static void op_charge(void *ctx, const struct nx_delivery_bill *bill)
{
    (void)ctx;
    (void)bill;
}

bool open_delivery(struct sim_broker *broker, struct nx_span from, struct nx_span payload,
                   bool retained)
{
    static const struct nx_delivery_toll toll = {
        .shut_ms = op_shut_ms, .may_tell = op_may_tell, .charge = op_charge};
    const struct nx_delivery_ops ops = {
        .ctx = broker,
        .now_ms = op_now_ms,
        .sleeps = op_now_ms, /* whenever time passes */
        .judge = op_judge,
        .publish = op_publish,
        .answer = op_answer,
        .note = op_note,
        .toll = &toll,
    };

    return nx_deliver_take(broker->deliver, &ops, from, payload, retained);
}

static void turn_begins(struct sim_broker *broker)
{
    size_t count = broker->waiting_count;
    struct message **waiting = broker->waiting;

    broker->waiting = NULL;
    broker->waiting_count = broker->waiting_cap = 0;
    for (size_t i = 0; i < count; i++) {
        route(broker, &waiting[i]->publish);
        message_free(waiting[i]);
    }
    free(waiting);
}

static void turn_ends(struct sim_broker *broker)
{
    if (broker->deliver != NULL) {
        nx_deliver_tick(broker->deliver, false, sim_world->now_us / 1000);
    }
    broker->tick_us = sim_world->now_us + (broker->waiting_count > 0 ? 50 : TICK_US);
}

uint64_t sim_broker_due_us(const struct sim_broker *broker)
{
    return broker->listens ? broker->tick_us : SIM_NEVER;
}

void sim_broker_turn(struct sim_broker *broker)
{
    turn_begins(broker);
    turn_ends(broker);
}

/* --- connections -------------------------------------------------------------------------------- */

void sim_broker_connected(struct sim_broker *broker, struct sim_line *line)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    (void)broker;
    nx_buf_init(&connection->in, INPUT_BYTES_MAX);
    line->connection = connection;
}

void sim_broker_received(struct sim_broker *broker, struct sim_line *line, struct nx_span bytes)
{
    struct connection *connection = line->connection;
    struct nx_mqtt_packet packet;

    turn_begins(broker);
    (void)nx_buf_span(&connection->in, bytes);
    while (line->connection == connection &&
           nx_mqtt_frame(nx_buf_view(&connection->in), INPUT_BYTES_MAX, &packet) == NX_OK) {
        size_t size = packet.size;

        on_packet(broker, line, &packet);
        if (line->connection == connection) {
            nx_buf_consume(&connection->in, size);
        }
    }
    turn_ends(broker);
}

void sim_broker_lost(struct sim_broker *broker, struct sim_line *line)
{
    struct connection *connection = line->connection;

    (void)broker;
    if (connection == NULL) {
        return;
    }
    if (connection->session != NULL && connection->session->line == line) {
        connection->session->line = NULL;
    }
    line->connection = NULL;
    nx_buf_fini(&connection->in);
    free(connection);
}

/* --- life --------------------------------------------------------------------------------------- */

bool sim_broker_listens(const struct sim_broker *broker)
{
    return broker->listens;
}

bool sim_broker_is_followed(const struct sim_broker *broker)
{
    return broker->sessions[0] != NULL && broker->sessions[0]->filters_count > 0;
}

void sim_broker_start(struct sim_broker *broker)
{
    struct nx_diag diag = {0};

    broker->listens = true;
    broker->tick_us = sim_world->now_us + TICK_US;
    if (broker->config.delivers &&
        nx_deliver_new(broker->config.city, broker->config.state, SETTLE_MS, broker->config.log,
                       &broker->deliver, &diag) != NX_OK) {
        fprintf(stderr, "sim: %s\n", diag.text);
        abort();
    }
}

static void forget_waiting(struct sim_broker *broker)
{
    for (size_t i = 0; i < broker->waiting_count; i++) {
        message_free(broker->waiting[i]);
    }
    free(broker->waiting);
    broker->waiting = NULL;
    broker->waiting_count = broker->waiting_cap = 0;
}

void sim_broker_stop(struct sim_broker *broker)
{
    broker->listens = false;
    for (int i = 0; i < SIM_LINES_MAX; i++) {
        struct sim_line *line = &sim_world->lines[i];

        if (line->used && line->broker == broker && line->accepted) {
            sim_line_close(line);
        }
    }
    nx_deliver_free(broker->deliver);
    broker->deliver = NULL;
    forget_waiting(broker);
}

void sim_broker_forget(struct sim_broker *broker)
{
    for (int i = 0; i < SESSIONS_MAX; i++) {
        session_free(broker->sessions[i]);
        broker->sessions[i] = NULL;
    }
}

struct sim_broker *sim_broker_new(const struct sim_broker_config *config)
{
    struct sim_broker *broker = calloc(1, sizeof(*broker));

    broker->config = *config;
    nx_buf_init(&broker->out, OUTPUT_BYTES_MAX);
    sim_broker_start(broker);
    return broker;
}

void sim_broker_free(struct sim_broker *broker)
{
    sim_broker_stop(broker);
    sim_broker_forget(broker);
    for (int i = 0; i < RETAINED_MAX; i++) {
        message_free(broker->retained[i]);
    }
    nx_buf_fini(&broker->out);
    free(broker);
}
