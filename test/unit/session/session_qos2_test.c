/*
 * session_qos2_test.c - QoS 2 in both directions against a scripted broker: who may send what
 * when, and what outlives a cut.
 */
#include "session_script.h"
#include "test/unit/unit.h"

#include <string.h>

#define CONNECT CONNECT_WITH("0002", "00010000")

/* Identifiers 1 to 100 are ours for QoS 2; two inbound messages may wait. */
static void play(const struct fake_step *steps)
{
    script_play(steps);
    rig->config.receive_max = 2;
    rig->config.qos2_ids = 100;
}

/* ---- outwards ---- */

static void a_release_is_sent_when_the_caller_says_so_and_not_before(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_SEND, "50 02 0007"},
        {FAKE_EXPECT, "32 07 0001 's' 0065 00 'y'"}, /* of ours, sent after the PUBREC came */
        {FAKE_SEND, "40 02 0065"},
        {FAKE_EXPECT, "62 02 0007"},
        {FAKE_SEND, "70 02 0007"},
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 71), NX_OK);
    assert_int_equal(nx_session_release(rig->session, 7, 71), NX_ERR_INVALID); /* no PUBREC yet */
    rig_run_until(rig, "received 71 00; ");
    assert_int_equal(rig_publish_2(rig, "t", "z", 7, false, 72), NX_ERR_AGAIN); /* in use */
    assert_int_equal(rig_publish(rig, "s", "y", 1), NX_OK);
    rig_run_until(rig, "answered 1 00; ");
    assert_int_equal(nx_session_release(rig->session, 7, 73), NX_OK);
    assert_int_equal(nx_session_release(rig->session, 7, 73), NX_ERR_INVALID); /* once */
    rig_run_until(rig, "answered 73 00; ");
    rig_run_until(rig, "room; "); /* the identifier that was in use is free */
    rig_stop(rig);
    assert_story("up new; received 71 00; answered 1 00; answered 73 00; room; down stopped; ");
    script_finish();
}

static void a_refused_publish_frees_its_identifier_at_once(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_SEND, "50 03 0007 87"},
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'y'"},
        {FAKE_SEND, "50 03 0007 10"}, /* no matching subscribers: a success */
        {FAKE_EXPECT, "62 02 0007"},
        {FAKE_SEND, "70 03 0007 92"},
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 71), NX_OK);
    rig_run_until(rig, "received 71 87; ");
    assert_int_equal(nx_session_release(rig->session, 7, 71), NX_ERR_INVALID);
    assert_int_equal(rig_publish_2(rig, "t", "y", 7, false, 72), NX_OK);
    rig_run_until(rig, "received 72 10; ");
    assert_int_equal(nx_session_release(rig->session, 7, 72), NX_OK);
    rig_run_until(rig, "answered 72 92; ");
    rig_stop(rig);
    script_finish();
}

static void after_a_cut_what_is_marked_is_released_and_the_rest_sent_again(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_EXPECT, "34 07 0001 't' 0008 00 'y'"},
        {FAKE_SEND, "50 02 0007"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        CONNACK_KEPT,
        {FAKE_SEND, "50 02 0008"}, /* some brokers repeat a PUBREC by themselves: no harm */
        {FAKE_EXPECT, "62 02 0007"},
        {FAKE_EXPECT, "3C 07 0001 't' 0008 00 'y'"},
        {FAKE_SEND, "50 02 0008"},
        {FAKE_SEND, "70 02 0007"},
        {FAKE_EXPECT, "62 02 0008"},
        {FAKE_SEND, "50 02 0008"}, /* and once more: the PUBREL follows once more */
        {FAKE_EXPECT, "62 02 0008"},
        {FAKE_SEND, "70 02 0008"},
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 71), NX_OK);
    assert_int_equal(rig_publish_2(rig, "t", "y", 8, false, 72), NX_OK);
    rig_run_until(rig, "down ");
    assert_int_equal(nx_session_release(rig->session, 7, 71), NX_ERR_STATE);
    rig_run_until(rig, "up kept; ");
    assert_int_equal(nx_session_release(rig->session, 7, 71), NX_OK);
    assert_int_equal(rig_publish_2(rig, "t", "y", 8, true, 72), NX_OK);
    rig_run_until(rig, "answered 71 00; ");
    assert_int_equal(nx_session_release(rig->session, 8, 72), NX_OK);
    rig_run_until(rig, "answered 72 00; ");
    rig_stop(rig);
    script_finish();
}

static void a_mark_is_void_where_the_broker_kept_no_session(void **state)
{
    static const struct fake_step steps[] = {CONNECT, CONNACK_NEW, FAREWELL};

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_int_equal(nx_session_release(rig->session, 7, 71), NX_ERR_INVALID);
    rig_stop(rig);
    script_finish();
}

static void an_identifier_of_the_sessions_own_is_refused(void **state)
{
    static const struct fake_step steps[] = {CONNECT, CONNACK_KEPT, FAREWELL};

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 0, false, 1), NX_ERR_INVALID);
    assert_int_equal(rig_publish_2(rig, "t", "x", 101, false, 1), NX_ERR_INVALID);
    assert_int_equal(nx_session_release(rig->session, 101, 1), NX_ERR_INVALID);
    assert_int_equal(nx_session_release(rig->session, 0, 1), NX_ERR_INVALID);
    rig_stop(rig);
    script_finish();
}

static void the_brokers_receive_maximum_counts_until_the_pubcomp(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        {FAKE_SEND, "20 06 01 00 03 21 0001"},
        {FAKE_EXPECT, "62 02 0009"},
        {FAKE_SEND, "70 02 0009"},
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_SEND, "50 02 0007"},
        {FAKE_EXPECT, "62 02 0007"},
        {FAKE_SEND, "70 02 0007"},
        {FAKE_EXPECT, "34 07 0001 't' 0008 00 'x'"},
        {FAKE_DRAIN, NULL},
        {FAKE_END, NULL},
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(nx_session_release(rig->session, 9, 9), NX_OK);
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 7), NX_ERR_AGAIN);
    rig_run_until(rig, "room; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 7), NX_OK);
    assert_int_equal(rig_publish_2(rig, "t", "x", 8, false, 8), NX_ERR_AGAIN);
    rig_run_until(rig, "received 7 00; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 8, false, 8), NX_ERR_AGAIN);
    assert_int_equal(nx_session_release(rig->session, 7, 7), NX_OK);
    rig_run_until(rig, "answered 7 00; room; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 8, false, 8), NX_OK);
    nx_session_flush(rig->session);
    rig_free(rig);
    fake_broker_finish(broker);
}

static void a_broker_of_3_1_1_is_sent_as_many_as_a_stock_mosquitto_takes(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ACCEPT, NULL},
        {FAKE_EXPECT, "10 15 0004 'MQTT' 04 C0 0000 0002 'nx' 0001 'u' 0002 'pw'"},
        {FAKE_SEND, "20 02 00 00"},
        {FAKE_EXPECT, "34 06 0001 't' 0001 'x'"},
        {FAKE_SEND, "50 02 0001"},
        {FAKE_DRAIN, NULL},
        {FAKE_END, NULL},
    };

    (void)state;
    play(steps);
    rig->config.protocol_level = NX_MQTT_3_1_1;
    rig_start(rig);
    rig_run_until(rig, "up ");
    for (uint16_t id = 1; id <= 19; id++) {
        assert_int_equal(rig_publish_2(rig, "t", "x", id, false, id), NX_OK);
    }
    assert_int_equal(rig_publish_2(rig, "t", "x", 20, false, 20), NX_ERR_AGAIN);
    rig_run_until(rig, "received 1 00; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 20, false, 20), NX_ERR_AGAIN);
    assert_int_equal(rig_publish(rig, "s", "y", 99), NX_OK); /* which needs the twentieth place */
    rig_free(rig);
    fake_broker_finish(broker);
}

static void what_the_broker_may_still_hold_after_a_cut_takes_its_place_in_the_window(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        {FAKE_SEND, "20 06 00 00 03 21 0003"}, /* two at QoS 2 */
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_EXPECT, "34 07 0001 't' 0008 00 'x'"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        {FAKE_SEND, "20 06 01 00 03 21 0003"},
        {FAKE_EXPECT, "3C 07 0001 't' 0007 00 'x'"},
        {FAKE_EXPECT, "62 02 0008"},
        {FAKE_SEND, "70 02 0008"},
        {FAKE_EXPECT, "34 07 0001 't' 0009 00 'x'"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        {FAKE_SEND, "20 06 00 00 03 21 0003"},
        {FAKE_EXPECT, "34 07 0001 't' 000A 00 'x'"},
        {FAKE_DRAIN, NULL},
        {FAKE_END, NULL},
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 7), NX_OK);
    assert_int_equal(rig_publish_2(rig, "t", "x", 8, false, 8), NX_OK);
    rig_run_until(rig, "up kept; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 9, false, 9), NX_ERR_AGAIN);
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, true, 7), NX_OK);
    assert_int_equal(nx_session_release(rig->session, 8, 8), NX_OK);
    assert_int_equal(rig_publish_2(rig, "t", "x", 9, false, 9), NX_ERR_AGAIN);
    rig_run_until(rig, "answered 8 00; room; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 9, false, 9), NX_OK);
    rig->story[0] = '\0';
    rig_run_until(rig, "up new; "); /* with a new session nothing is held */
    assert_int_equal(rig_publish_2(rig, "t", "x", 10, false, 10), NX_OK);
    nx_session_flush(rig->session);
    rig_free(rig);
    fake_broker_finish(broker);
}

static void a_broker_that_answers_with_a_puback_has_no_qos_2(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_SEND, "40 02 0007"},
        {FAKE_EXPECT, "E0 01 82"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        CONNACK_KEPT,
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 71), NX_OK);
    rig_run_until(rig, "it has no QoS 2");
    rig_run_until(rig, "up kept; ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, true, 71), NX_ERR_UNSUPPORTED);
    rig_stop(rig);
    script_finish();
}

static void stopping_waits_for_a_release(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_EXPECT, "34 07 0001 't' 0007 00 'x'"},
        {FAKE_SEND, "50 02 0007"},
        {FAKE_EXPECT, "62 02 0007"},
        {FAKE_SEND, "70 02 0007"},
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish_2(rig, "t", "x", 7, false, 71), NX_OK);
    nx_session_stop(rig->session);
    rig_run_until(rig, "received 71 00; ");
    assert_int_equal(nx_session_release(rig->session, 7, 71), NX_OK);
    nx_session_flush(rig->session);
    rig_run_until(rig, "down ");
    assert_story("up new; received 71 00; answered 71 00; down stopped; ");
    script_finish();
}

/* ---- inwards ---- */

static uint32_t held_on;

static void hold(struct rig *r, const struct nx_mqtt_publish *publish)
{
    (void)publish;
    held_on = nx_session_connection(r->session);
}

static void a_pubrec_is_sent_when_told_and_a_pubcomp_at_once(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_SEND, "34 07 0001 'a' 0005 00 '1'"},
        {FAKE_SEND, "32 07 0001 'b' 0006 00 '2'"},
        {FAKE_EXPECT, "40 02 0006"},
        {FAKE_EXPECT, "50 02 0005"},
        {FAKE_SEND, "62 02 0005"},
        {FAKE_EXPECT, "70 02 0005"},
        {FAKE_SEND, "62 02 0005"}, /* known no more */
        {FAKE_EXPECT, "70 03 0005 92"},
        {FAKE_SEND, "30 04 0001 'e' 00"},
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig->on_message = hold;
    rig_start(rig);
    rig_run_until(rig, "message b=2; ");
    nx_session_ack(rig->session, held_on, 6);
    nx_session_ack(rig->session, held_on, 5);
    nx_session_ack(rig->session, held_on, 5);
    rig_run_until(rig, "message e=; ");
    rig_stop(rig);
    assert_story("up new; message a=1; message b=2; message e=; down stopped; ");
    script_finish();
}

static void what_was_received_is_known_after_a_cut_when_the_session_was_kept(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_SEND, "34 07 0001 'a' 0005 00 '1'"},
        {FAKE_EXPECT, "50 02 0005"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        CONNACK_KEPT,
        {FAKE_SEND, "62 02 0005"},
        {FAKE_EXPECT, "70 02 0005"},
        {FAKE_SEND, "34 07 0001 'a' 0006 00 '2'"},
        {FAKE_EXPECT, "50 02 0006"},
        {FAKE_CLOSE, NULL},
        CONNECT,
        CONNACK_NEW,
        {FAKE_SEND, "62 02 0006"},
        {FAKE_EXPECT, "70 03 0006 92"},
        {FAKE_SEND, "30 04 0001 'e' 00"},
        FAREWELL,
    };

    (void)state;
    play(steps);
    rig->on_message = hold;
    rig_start(rig);
    rig_run_until(rig, "message a=1; ");
    nx_session_ack(rig->session, held_on, 5);
    rig_run_until(rig, "message a=2; ");
    nx_session_ack(rig->session, held_on, 6);
    rig_run_until(rig, "message e=; ");
    rig_stop(rig);
    script_finish();
}

static void our_receive_maximum_counts_until_the_pubrel(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        CONNACK_NEW,
        {FAKE_SEND, "34 06 0001 'a' 0001 00 34 06 0001 'b' 0002 00"},
        {FAKE_EXPECT, "50 02 0001"},
        {FAKE_EXPECT, "50 02 0002"},
        {FAKE_SEND, "62 02 0001"},
        {FAKE_EXPECT, "70 02 0001"},
        {FAKE_SEND, "34 06 0001 'c' 0003 00"},
        {FAKE_SEND, "34 06 0001 'd' 0004 00"}, /* 2, 3, 4: one too many */
        {FAKE_EXPECT, "E0 01 93"},
        {FAKE_CLOSED, NULL},
        {FAKE_END, NULL},
    };

    (void)state;
    play(steps);
    rig->config.backoff_ms_min = rig->config.backoff_ms_max = 60 * 60 * 1000;
    rig->on_message = hold;
    rig_start(rig);
    rig_run_until(rig, "message b=; ");
    nx_session_ack(rig->session, held_on, 1);
    nx_session_ack(rig->session, held_on, 2);
    rig_run_until(rig, "more than 2 unacknowledged");
    script_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_is_sent_when_the_caller_says_so_and_not_before),
        cmocka_unit_test(a_refused_publish_frees_its_identifier_at_once),
        cmocka_unit_test(after_a_cut_what_is_marked_is_released_and_the_rest_sent_again),
        cmocka_unit_test(a_mark_is_void_where_the_broker_kept_no_session),
        cmocka_unit_test(an_identifier_of_the_sessions_own_is_refused),
        cmocka_unit_test(the_brokers_receive_maximum_counts_until_the_pubcomp),
        cmocka_unit_test(a_broker_of_3_1_1_is_sent_as_many_as_a_stock_mosquitto_takes),
        cmocka_unit_test(what_the_broker_may_still_hold_after_a_cut_takes_its_place_in_the_window),
        cmocka_unit_test(a_broker_that_answers_with_a_puback_has_no_qos_2),
        cmocka_unit_test(stopping_waits_for_a_release),
        cmocka_unit_test(a_pubrec_is_sent_when_told_and_a_pubcomp_at_once),
        cmocka_unit_test(what_was_received_is_known_after_a_cut_when_the_session_was_kept),
        cmocka_unit_test(our_receive_maximum_counts_until_the_pubrel),
    };

    return cmocka_run_group_tests_name("session_qos2", tests, NULL, NULL);
}
