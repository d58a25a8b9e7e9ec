/*
 * session_greeting_test.c - how a session begins, against a scripted broker: addresses, TLS, CONNECT, and
 * the ways in which it can be turned away.
 */
#include "session_script.h"
#include "test/unit/unit.h"

#include <string.h>

#define CONNECT CONNECT_WITH("0064", "00010000")
#define CONNACK CONNACK_NEW

static void a_session_greets_as_configured_and_says_farewell(void **state)
{
    static const struct fake_step steps[] = {CONNECT, CONNACK, FAREWELL};

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_true(nx_session_is_up(rig->session));
    rig_stop(rig);
    assert_story("up new; down stopped; ");
    script_finish();
}

static void a_session_of_mqtt_3_1_1_greets_with_will_and_keep_alive(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ACCEPT, NULL},
        {FAKE_EXPECT, "10 1E 0004 'MQTT' 04 EC 0064 0002 'nx' 0001 'w' 0004 'gone'"
                      "0001 'u' 0002 'pw'"},
        {FAKE_SEND, "20 02 01 00"},
        FAREWELL,
    };

    (void)state;
    script_play(steps);
    rig->config.protocol_level = NX_MQTT_3_1_1;
    rig->config.keepalive_s = 100;
    rig->config.will =
        (struct nx_session_will){.topic = NX_SPAN("w"), .payload = NX_SPAN("gone"), .retain = true};
    rig_start(rig);
    rig_run_until(rig, "up ");
    rig_stop(rig);
    assert_story("up kept; down stopped; ");
    script_finish();
}

static void a_packet_may_come_byte_by_byte(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT, {FAKE_SEND_SLOWLY, "20 03 01 00 00 30 06 0001 'a' 00 '{}'"}, FAREWELL};

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "message");
    rig_stop(rig);
    assert_story("up kept; message a={}; down stopped; ");
    script_finish();
}

static void a_wrong_password_is_told_in_words(void **state)
{
    static const struct fake_step steps_5[] = {
        CONNECT, {FAKE_SEND, "20 03 00 86 00"}, {FAKE_CLOSED, NULL}, {FAKE_END, NULL}};
    static const struct fake_step steps_4[] = {
        {FAKE_ACCEPT, NULL},
        {FAKE_EXPECT, "10 15 0004 'MQTT' 04 C0 0000 0002 'nx' 0001 'u' 0002 'pw'"},
        {FAKE_SEND, "20 02 00 04"},
        {FAKE_CLOSED, NULL},
        {FAKE_END, NULL},
    };

    (void)state;
    script_play(steps_5);
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("refused the user name or password");
    script_finish();

    script_play(steps_4);
    rig->config.protocol_level = NX_MQTT_3_1_1;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("refused the user name or password");
    script_finish();
}

static void a_broker_of_3_1_1_only_is_told_in_words(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT, {FAKE_SEND, "20 02 00 01"}, {FAKE_CLOSED, NULL}, {FAKE_END, NULL}};

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("does not speak this MQTT version");
    script_finish();
}

static void a_broker_that_never_answers_is_given_up(void **state)
{
    static const struct fake_step steps[] = {CONNECT, {FAKE_CLOSED, NULL}, {FAKE_END, NULL}};

    (void)state;
    script_play(steps);
    rig->config.answer_ms_max = 50;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("no CONNACK from");
    script_finish();
}

static void a_tls_handshake_that_never_answers_is_given_up(void **state)
{
    static const struct fake_step steps[] = {
        {FAKE_ACCEPT, NULL}, {FAKE_DRAIN, NULL}, {FAKE_END, NULL}};

    (void)state;
    script_play(steps);
    rig->config.answer_ms_max = 50;
    rig->config.tls.enabled = true;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("(TLS handshake)");
    script_finish();
}

static void a_port_without_tls_is_told_in_words(void **state)
{
    static const struct fake_step steps[] = {{FAKE_ACCEPT, NULL},
                                             {FAKE_SEND, "'HTTP/1.1 400 Bad Request'"},
                                             {FAKE_DRAIN, NULL},
                                             {FAKE_END, NULL}};

    (void)state;
    script_play(steps);
    rig->config.tls.enabled = true;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("does not speak TLS");
    script_finish();
}

static void a_port_with_tls_is_told_in_words(void **state)
{
    /* what a TLS server answers to a CONNECT: a fatal alert */
    static const struct fake_step steps[] = {
        CONNECT, {FAKE_SEND, "15 03 03 00 02 02 46"}, {FAKE_DRAIN, NULL}, {FAKE_END, NULL}};

    (void)state;
    script_play(steps);
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_story_names("is it a TLS or an HTTP port?");
    script_finish();
}

static void a_refused_connection_is_told_and_tried_again(void **state)
{
    (void)state;
    rig = rig_new(fake_broker_free_port());
    rig_start(rig);
    rig_run_until(rig, "; down ");
    assert_story_names("cannot connect to");
    assert_story_names("Connection refused");
    rig_free(rig);
}

static void an_address_that_no_route_leads_to_is_told_at_once(void **state)
{
    (void)state;
    rig = rig_new(1883);
    rig->config.host = "255.255.255.255"; /* a broadcast address: connect() refuses by itself */
    rig_start(rig);
    rig_run_until(rig, "; down ");
    if (strstr(rig->story, "cannot connect to 255.255.255.255:1883: ") == NULL) {
        fail_msg("the story: \"%s\"", rig->story);
    }
    rig_free(rig);
}

static void a_dead_broker_at_an_ipv6_address_is_named_in_brackets(void **state)
{
    (void)state;
    rig = rig_new(1);
    rig->config.host = "::1"; /* without IPv6 it fails too, with the same name */
    rig_start(rig);
    rig_run_until(rig, "; down ");
    if (strstr(rig->story, "cannot connect to [::1]:1: ") == NULL) {
        fail_msg("the story: \"%s\"", rig->story);
    }
    rig_free(rig);
}

static void a_name_is_looked_up(void **state)
{
    static const struct fake_step steps[] = {CONNECT, CONNACK, FAREWELL};

    (void)state;
    script_play(steps);
    rig->config.host = "localhost";
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    rig_stop(rig);
    assert_story("up new; down stopped; ");
    script_finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_greets_as_configured_and_says_farewell),
        cmocka_unit_test(a_session_of_mqtt_3_1_1_greets_with_will_and_keep_alive),
        cmocka_unit_test(a_packet_may_come_byte_by_byte),
        cmocka_unit_test(a_wrong_password_is_told_in_words),
        cmocka_unit_test(a_broker_of_3_1_1_only_is_told_in_words),
        cmocka_unit_test(a_broker_that_never_answers_is_given_up),
        cmocka_unit_test(a_tls_handshake_that_never_answers_is_given_up),
        cmocka_unit_test(a_port_without_tls_is_told_in_words),
        cmocka_unit_test(a_port_with_tls_is_told_in_words),
        cmocka_unit_test(a_refused_connection_is_told_and_tried_again),
        cmocka_unit_test(an_address_that_no_route_leads_to_is_told_at_once),
        cmocka_unit_test(a_dead_broker_at_an_ipv6_address_is_named_in_brackets),
        cmocka_unit_test(a_name_is_looked_up),
    };

    return cmocka_run_group_tests_name("session greeting", tests, NULL, NULL);
}
