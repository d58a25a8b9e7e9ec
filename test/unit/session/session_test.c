/*
 * session_test.c - the life of a session against a scripted broker: delivery, loss, stopping. How it
 * begins is in session_greeting_test.c.
 */
#include "session_script.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT CONNECT_WITH("0064", "00010000")
#define CONNACK CONNACK_NEW

/* ---- delivery ---- */

static struct {
    uint32_t connection;
    uint16_t packet_id;
} held[2];

static void hold(struct rig *r, const struct nx_mqtt_publish *publish)
{
    held[r->messages - 1].connection = nx_session_connection(r->session);
    held[r->messages - 1].packet_id = publish->packet_id;
}

static void a_message_is_acknowledged_when_told_and_not_before(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_SEND, "32 08 0001 'a' 0005 00 '{}'"},
        {FAKE_SEND, "3A 08 0001 'b' 0006 00 '[]'"},
        {FAKE_EXPECT, "40 02 0006"},
        {FAKE_EXPECT, "40 02 0005"},
        FAREWELL,
    };

    (void)state;
    script_play(steps);
    rig->on_message = hold;
    rig_start(rig);
    rig_run_until(rig, "message again b=[]; ");
    nx_session_ack(rig->session, held[1].connection, held[1].packet_id);
    nx_session_ack(rig->session, held[0].connection, held[0].packet_id);
    nx_session_ack(rig->session, held[0].connection, held[0].packet_id); /* once is enough */
    rig_stop(rig);
    assert_story("up new; message a={}; message again b=[]; down stopped; ");
    script_finish();
}

static void an_acknowledgement_does_not_cross_to_the_next_connection(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_SEND, "32 07 0001 'a' 0005 00 '1'"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        {FAKE_SEND, "20 03 01 00 00"},
        {FAKE_SEND, "32 07 0001 'a' 0005 00 '2'"},
        FAREWELL, /* no PUBACK before it */
    };

    (void)state;
    script_play(steps);
    rig->on_message = hold;
    rig_start(rig);
    rig_run_until(rig, "message a=2; ");
    nx_session_ack(rig->session, held[0].connection, held[0].packet_id);
    rig_stop(rig);
    script_finish();
}

static void an_answer_brings_token_and_reason_back(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_EXPECT, "32 08 0001 't' 0001 00 '{}'"},
        {FAKE_EXPECT, "32 08 0001 't' 0002 00 '[]'"},
        {FAKE_SEND, "40 03 0002 87"},
        {FAKE_SEND, "40 02 0001"},
        FAREWELL,
    };

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish(rig, "t", "{}", 71), NX_OK);
    assert_int_equal(rig_publish(rig, "t", "[]", 72), NX_OK);
    rig_run_until(rig, "answered 71");
    rig_stop(rig);
    assert_story("up new; answered 72 87; answered 71 00; down stopped; ");
    script_finish();
}

static void a_subscription_tells_the_first_refusal(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_EXPECT, "82 0F 0001 00 0003 'a/#' 15 0003 'b/#' 15"},
        {FAKE_SEND, "90 05 0001 00 01 87"},
        FAREWELL,
    };
    const struct nx_span filters[] = {NX_SPAN("a/#"), NX_SPAN("b/#")};

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(nx_session_subscribe(rig->session, filters, 2, 1), NX_OK);
    rig_run_until(rig, "subscribed ");
    rig_stop(rig);
    assert_story("up new; subscribed 87; down stopped; ");
    script_finish();
}

/* ---- loss ---- */

static void a_cut_connection_comes_back_and_forgets_what_was_in_flight(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_EXPECT, "32 08 0001 't' 0001 00 '{}'"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        {FAKE_SEND, "20 03 01 00 00"},
        FAREWELL,
    };
    struct nx_session_stats stats;

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_int_equal(rig_publish(rig, "t", "{}", 71), NX_OK);
    rig_run_until(rig, "down ");
    assert_story_names("closed the connection");
    assert_int_equal(rig_publish(rig, "t", "{}", 72), NX_ERR_STATE);
    rig_run_until(rig, "up kept; ");
    nx_session_stats(rig->session, &stats);
    assert_int_equal(stats.connects, 2);
    assert_int_equal(stats.inflight, 0);
    assert_string_equal(stats.state, "up");
    rig_stop(rig);
    script_finish();
}

static void a_take_over_is_told_and_waits_the_longest(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT, CONNACK, {FAKE_SEND, "E0 02 8E 00"}, {FAKE_CLOSED, NULL}, {FAKE_END, NULL}};

    (void)state;
    script_play(steps);
    rig->config.backoff_ms_max = 90 * 60 * 1000;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("session taken over (0x8e): another client uses this client identifier");
    assert_non_null(strstr(rig->log_text, "next try in "));
    assert_true(strtod(strstr(rig->log_text, "next try in ") + 12, NULL) >= 90 * 60);
    script_finish();
}

static void another_address_is_tried_and_what_worked_is_dialed_first(void **state)
{
    static const struct fake_step steps[] = {CONNECT, CONNACK, {FAKE_CLOSE, NULL},
                                             CONNECT, CONNACK, FAREWELL};
    struct nx_session_address others[] = {{"127.0.0.1", 0}, {"::1", 1}};
    struct nx_session_stats stats;
    const char *refused;

    (void)state;
    script_play(steps);
    others[0].port = rig->config.port;
    rig->config.port = fake_broker_free_port();
    rig->config.others = others;
    rig->config.others_count = 2;
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    rig_run_until(rig, "closed the connection; up new; ");
    refused = strstr(rig->story, "cannot connect to");
    assert_non_null(refused);
    assert_null(strstr(refused + 1, "cannot connect to"));
    nx_session_stats(rig->session, &stats);
    assert_non_null(strstr(stats.where, "127.0.0.1:"));
    rig_stop(rig);
    script_finish();
}

static void connections_that_end_at_once_without_a_word_make_a_take_over_likely(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT, CONNACK, {FAKE_CLOSE, NULL}, CONNECT, CONNACK, {FAKE_CLOSE, NULL},
        CONNECT, CONNACK, {FAKE_CLOSE, NULL}, CONNECT, CONNACK, FAREWELL,
    };
    struct nx_session_stats stats;

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "does another client use our client identifier?; ");
    nx_session_stats(rig->session, &stats);
    assert_int_equal(stats.connects, 3);
    assert_int_equal(stats.taken_over, 1);
    rig_run_until(rig, "identifier?; up new; ");
    rig_stop(rig);
    script_finish();
}

static void what_a_broker_shutting_down_says_is_told(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_SEND, "E0 12 9D 10 1F 0004 'gone' 1C 0006 'b:1883'"},
        {FAKE_CLOSED, NULL},
        CONNECT,
        {FAKE_SEND, "20 03 00 8B 00"},
        {FAKE_CLOSED, NULL},
        CONNECT,
        {FAKE_SEND, "20 0D 00 9C 0A 1C 0007 'c:18831'"},
        {FAKE_CLOSED, NULL},
        CONNECT,
        CONNACK,
        {FAKE_SEND, "E0 01 8B"},
        {FAKE_CLOSED, NULL},
        CONNECT,
        CONNACK,
        FAREWELL,
    };

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "server moved (0x9d): gone; it names b:1883; ");
    rig_run_until(rig, "server shutting down (0x8b); ");
    rig_run_until(rig, "use another server (0x9c); it names c:18831; ");
    rig_run_until(rig, "ended the session: server shutting down (0x8b); up new; ");
    rig_stop(rig);
    script_finish();
}

static void a_broker_that_keeps_sessions_shorter_than_asked_is_told(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT, {FAKE_SEND, "20 0A 00 00 07 11 00000005 24 00"}, FAREWELL};

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_non_null(strstr(rig->log_text, "keeps our session for 5 s only"));
    assert_non_null(strstr(rig->log_text, "takes QoS 0 only"));
    rig_stop(rig);
    script_finish();
}

static void our_keep_alive_holds_where_the_brokers_is_longer_or_none(void **state)
{
    static const char *const connacks[] = {"20 06 00 00 03 13 003C", "20 06 00 00 03 13 0000"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct fake_step steps[] = {
            {FAKE_ACCEPT, NULL},
            {FAKE_EXPECT, "10 23 0004 'MQTT' 05 C0 0001 0D 11 0000003C 21 0064 27 00010000"
                          "0002 'nx' 0001 'u' 0002 'pw'"},
            {FAKE_SEND, connacks[i]},
            {FAKE_EXPECT, "C0 00"},
            {FAKE_CLOSE, NULL},
            {FAKE_END, NULL},
        };
        script_play(steps);
        rig->config.keepalive_s = 1;
        rig->config.backoff_ms_min = rig->config.backoff_ms_max = 60 * 60 * 1000;
        rig_start(rig);
        rig_run_until(rig, "down ");
        script_finish();
    }
}

static void a_silent_broker_is_asked_and_then_given_up(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        {FAKE_SEND, "20 06 00 00 03 13 0001"}, /* keep alive of one second */
        {FAKE_EXPECT, "C0 00"},
        {FAKE_SEND, "D0 00"},
        {FAKE_EXPECT, "C0 00"},
        {FAKE_CLOSED, NULL},
        {FAKE_END, NULL},
    };

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("did not answer a PINGREQ");
    script_finish();
}

/*
 * A peer whose machine is gone, as TCP sees it, is one that takes no more bytes: here one that never
 * reads. Nothing else ends this connection (there is no keep alive), and by itself the kernel would
 * try for a quarter of an hour.
 */
static void what_tcp_cannot_deliver_ends_the_connection(void **state)
{
    static const struct fake_step steps[] = {CONNECT, CONNACK, CONNECT, CONNACK, FAREWELL};
    static const char bytes[60000];
    const struct nx_mqtt_publish publish = {.topic = NX_SPAN("t"),
                                            .payload = {bytes, sizeof(bytes)}};

    (void)state;
    script_play(steps);
    rig->config.answer_ms_max = 1500;
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    while (nx_session_publish(rig->session, &publish, 0) == NX_OK) {
    }
    rig_run_until(rig, "down ");
    assert_story_names("Connection timed out");
    rig_run_until(rig, "timed out; up new; ");
    rig_stop(rig);
    script_finish();
}

/* ---- stopping ---- */

static void stopping_waits_for_the_answers_to_what_is_in_flight(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,  CONNACK, {FAKE_EXPECT, "32 08 0001 't' 0001 00 '{}'"}, {FAKE_SEND, "40 02 0001"},
        FAREWELL,
    };

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish(rig, "t", "{}", 71), NX_OK);
    nx_session_stop(rig->session);
    assert_int_equal(rig_publish(rig, "t", "{}", 72), NX_ERR_STATE);
    rig_run_until(rig, "down ");
    assert_story("up new; answered 71 00; down stopped; ");
    script_finish();
}

static void what_is_held_can_be_acknowledged_while_stopping(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK,
        {FAKE_SEND, "32 07 0001 'a' 0005 00 '1'"},
        {FAKE_EXPECT, "32 08 0001 't' 0001 00 '{}'"},
        {FAKE_EXPECT, "40 02 0005"},
        {FAKE_SEND, "40 02 0001"},
        FAREWELL,
    };

    (void)state;
    script_play(steps);
    rig->on_message = hold;
    rig_start(rig);
    rig_run_until(rig, "message");
    assert_int_equal(rig_publish(rig, "t", "{}", 71), NX_OK);
    nx_session_stop(rig->session);
    nx_session_ack(rig->session, held[0].connection, held[0].packet_id);
    rig_run_until(rig, "down ");
    script_finish();
}

static void a_session_that_waits_can_be_stopped_and_started_again(void **state)
{
    (void)state;
    rig = rig_new(fake_broker_free_port());
    rig->config.backoff_ms_min = rig->config.backoff_ms_max = 60 * 60 * 1000;
    rig_start(rig);
    rig_run_until(rig, "down ");
    rig_stop(rig);
    rig->story[0] = '\0';
    nx_session_start(rig->session);
    rig_run_until(rig, "Connection refused");
    rig_free(rig);
}

static void a_session_may_be_freed_in_any_state(void **state)
{
    static const struct fake_step greeting[] = {CONNECT, {FAKE_DRAIN, NULL}, {FAKE_END, NULL}};
    static const struct fake_step up[] = {CONNECT, CONNACK, {FAKE_DRAIN, NULL}, {FAKE_END, NULL}};

    (void)state;
    script_play(greeting);
    rig_start(rig);
    rig_free(rig); /* before the first turn; the broker still waits for one that comes */
    rig = rig_new(fake_broker_port(broker));
    rig->config.answer_ms_max = 20;
    rig->config.backoff_ms_min = rig->config.backoff_ms_max = 60 * 60 * 1000;
    rig_start(rig);
    rig_run_until(rig, "down ");
    script_finish();

    script_play(up);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish(rig, "t", "{}", 71), NX_OK);
    rig_free(rig);
    fake_broker_finish(broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_acknowledged_when_told_and_not_before),
        cmocka_unit_test(an_acknowledgement_does_not_cross_to_the_next_connection),
        cmocka_unit_test(an_answer_brings_token_and_reason_back),
        cmocka_unit_test(a_subscription_tells_the_first_refusal),
        cmocka_unit_test(a_cut_connection_comes_back_and_forgets_what_was_in_flight),
        cmocka_unit_test(a_take_over_is_told_and_waits_the_longest),
        cmocka_unit_test(another_address_is_tried_and_what_worked_is_dialed_first),
        cmocka_unit_test(connections_that_end_at_once_without_a_word_make_a_take_over_likely),
        cmocka_unit_test(what_a_broker_shutting_down_says_is_told),
        cmocka_unit_test(a_broker_that_keeps_sessions_shorter_than_asked_is_told),
        cmocka_unit_test(our_keep_alive_holds_where_the_brokers_is_longer_or_none),
        cmocka_unit_test(a_silent_broker_is_asked_and_then_given_up),
        cmocka_unit_test(what_tcp_cannot_deliver_ends_the_connection),
        cmocka_unit_test(stopping_waits_for_the_answers_to_what_is_in_flight),
        cmocka_unit_test(what_is_held_can_be_acknowledged_while_stopping),
        cmocka_unit_test(a_session_that_waits_can_be_stopped_and_started_again),
        cmocka_unit_test(a_session_may_be_freed_in_any_state),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
