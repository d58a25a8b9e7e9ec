/*
 * session_qos2_broker_test.c - QoS 2 through a real mosquitto while sender and receiver crash at
 * every step: what a caller who keeps marks gets out of the session is exactly once, in order.
 *
 * A crash is a session that is freed on the spot, and a new one with the same client identifier.
 * What the caller would have on disk outlives it in `sender` and `receiver`.
 */
#include "real_broker.h"
#include "session_rig.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, COUNT = 800, WINDOW = 50, IDS = 200, CRASHES_MIN = 10 };

static struct real_broker *broker;
static unsigned random_state = 1;

/* Ends the loop, one time in `every`. */
static bool crashes(struct rig *rig, int every)
{
    if (rand_r(&random_state) % every != 0) {
        return false;
    }
    (void)snprintf(rig->story, sizeof(rig->story), "crash; ");
    return true;
}

/* What comes in the same turn after a crash is seen by nobody. */
static bool is_dead(const struct rig *rig)
{
    return strstr(rig->story, "crash") != NULL;
}

static void restart(struct rig *rig)
{
    nx_session_free(rig->session);
    rig->session = NULL;
    rig->story[0] = '\0';
    rig_start(rig);
}

/* ---- the sender: number n has identifier 1 + n % IDS ---- */

static struct {
    bool marked[COUNT]; /* durable before its PUBREL */
    bool done[COUNT];
    uint64_t cursor, next; /* first that is not done; first that was never sent */
    unsigned crashes;
} sender;

static uint16_t id_of(uint64_t n)
{
    return (uint16_t)(1 + n % IDS);
}

static bool send_one(struct rig *rig, uint64_t n, bool dup)
{
    char payload[32];

    (void)snprintf(payload, sizeof(payload), "%lu", (unsigned long)n);
    return rig_publish_2(rig, "once", payload, id_of(n), dup, n) == NX_OK;
}

static void fill_window(struct rig *rig)
{
    while (sender.next < COUNT && sender.next < sender.cursor + WINDOW &&
           send_one(rig, sender.next, false)) {
        sender.next++;
    }
}

static void resume(struct rig *rig)
{
    for (uint64_t n = sender.cursor; n < sender.next; n++) {
        if (!sender.done[n] && sender.marked[n]) {
            assert_int_equal(nx_session_release(rig->session, id_of(n), n), NX_OK);
        }
    }
    for (uint64_t n = sender.cursor; n < sender.next; n++) {
        if (!sender.marked[n]) {
            assert_true(send_one(rig, n, true));
        }
    }
    fill_window(rig);
}

static void on_received(struct rig *rig, uint64_t n, uint16_t packet_id)
{
    assert_int_equal(packet_id, id_of(n));
    if (is_dead(rig) || crashes(rig, 70)) { /* the PUBREC was seen, the mark is not durable */
        return;
    }
    sender.marked[n] = true;
    if (!crashes(rig, 70)) {
        assert_int_equal(nx_session_release(rig->session, packet_id, n), NX_OK);
    }
}

static void on_answered(struct rig *rig, uint64_t n)
{
    if (is_dead(rig)) {
        return;
    }
    sender.done[n] = true;
    while (sender.cursor < sender.next && sender.done[sender.cursor]) {
        sender.cursor++;
    }
    if (sender.cursor == COUNT) {
        (void)snprintf(rig->story, sizeof(rig->story), "all sent; ");
    } else if (!crashes(rig, 70)) {
        fill_window(rig);
    }
}

static void send_all(struct rig *rig)
{
    rig->on_up = resume;
    rig->on_received = on_received;
    rig->on_answered = on_answered;
    rig_start(rig);
    for (;;) {
        rig_run_until(rig, "; ");
        if (strstr(rig->story, "all sent") != NULL) {
            return;
        }
        if (is_dead(rig)) {
            sender.crashes++;
            restart(rig);
        }
        rig->story[0] = '\0';
    }
}

/* ---- the receiver: what it stored, and under which identifier ---- */

static struct {
    uint64_t next;
    uint64_t stored_as[65536]; /* 1 + the number that was stored under this identifier */
    unsigned crashes, repeated;
} receiver;

static void on_message(struct rig *rig, const struct nx_mqtt_publish *publish)
{
    char payload[32];
    uint64_t n;

    assert_true(nx_span_copy(publish->payload, payload, sizeof(payload)));
    n = strtoull(payload, NULL, 10);
    if (is_dead(rig)) {
        return;
    }
    if (publish->dup && receiver.stored_as[publish->packet_id] == n + 1) {
        receiver.repeated++;
    } else {
        assert_int_equal(n, receiver.next);
        if (crashes(rig, 40)) {
            return;
        }
        receiver.next++;
        receiver.stored_as[publish->packet_id] = n + 1;
    }
    if (crashes(rig, 40)) {
        return;
    }
    nx_session_ack(rig->session, nx_session_connection(rig->session), publish->packet_id);
    if (receiver.next == COUNT) {
        (void)snprintf(rig->story, sizeof(rig->story), "all received; ");
    }
}

static void subscribe_at_2(struct rig *rig)
{
    const struct nx_span filter = NX_SPAN("once");

    assert_int_equal(nx_session_subscribe(rig->session, &filter, 1, 2), NX_OK);
}

static void receive_all(struct rig *rig)
{
    rig->on_message = on_message;
    for (;;) {
        if (strstr(rig->story, "all received") != NULL) {
            return;
        }
        if (is_dead(rig)) {
            receiver.crashes++;
            restart(rig);
        }
        rig->story[0] = '\0';
        rig_run_until(rig, "; ");
    }
}

static void once_and_in_order(uint8_t level, const char *sender_id, const char *receiver_id)
{
    struct rig *out = rig_new(real_broker_port(broker));
    struct rig *in = rig_new(real_broker_port(broker));

    memset(&sender, 0, sizeof(sender));
    memset(&receiver, 0, sizeof(receiver));
    out->config.client_id = sender_id;
    out->config.qos2_ids = IDS;
    in->config.client_id = receiver_id;
    in->config.receive_max = 65535;
    out->config.protocol_level = in->config.protocol_level = level;
    out->quiet = in->quiet = true;
    in->on_up = subscribe_at_2;
    rig_start(in);
    rig_run_until(in, "subscribed 00; ");
    in->story[0] = '\0';
    in->on_up = NULL;
    send_all(out);
    receive_all(in);
    in->story[0] = '\0';
    rig_stop(in);
    rig_stop(out);
    assert_int_equal(receiver.next, COUNT);
    assert_true(sender.crashes >= CRASHES_MIN && receiver.crashes >= CRASHES_MIN);
    assert_true(receiver.repeated > 0);
    rig_free(in);
    rig_free(out);
}

static void through_crashes_each_message_arrives_once_and_in_order_with_mqtt_5(void **state)
{
    (void)state;
    once_and_in_order(NX_MQTT_5, "out-5", "in-5");
}

static void through_crashes_each_message_arrives_once_and_in_order_with_mqtt_3_1_1(void **state)
{
    (void)state;
    once_and_in_order(NX_MQTT_3_1_1, "out-4", "in-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_crashes_each_message_arrives_once_and_in_order_with_mqtt_5),
        cmocka_unit_test(through_crashes_each_message_arrives_once_and_in_order_with_mqtt_3_1_1),
    };
    int failed;

    if (!real_broker_available()) {
        (void)fprintf(stderr, "skipped: mosquitto, mosquitto_passwd and openssl are needed\n");
        return SKIPPED;
    }
    broker = real_broker_new(false);
    failed = cmocka_run_group_tests_name("session_qos2_broker", tests, NULL, NULL);
    real_broker_free(broker);
    return failed;
}
