/*
 * session_limits_test.c - the limits that both sides state, and what happens to a broker that does
 * not keep them: the DISCONNECT with the standard's reason.
 */
#include "session_script.h"
#include "test/unit/unit.h"

#include <string.h>

#define CONNECT CONNECT_WITH("0002", "00000040")

/* Holds two messages, of 64 bytes at most. */
static void play(const struct fake_step *steps)
{
    script_play(steps);
    rig->config.receive_max = 2;
    rig->config.packet_bytes_max = 64;
    rig->config.backoff_ms_min = rig->config.backoff_ms_max = 60 * 60 * 1000;
}

static void the_brokers_receive_maximum_is_the_window(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        {FAKE_SEND, "20 06 00 00 03 21 0002"},
        {FAKE_EXPECT, "32 07 0001 't' 0001 00 'x'"},
        {FAKE_EXPECT, "32 07 0001 't' 0002 00 'x'"},
        {FAKE_SEND, "40 02 0001"},
        {FAKE_EXPECT, "32 07 0001 't' 0003 00 'x'"},
        {FAKE_SEND, "40 02 0002 40 02 0003"},
        {FAKE_EXPECT, "E0 00"},
        {FAKE_END, NULL},
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(rig_publish(rig, "t", "x", 1), NX_OK);
    assert_int_equal(rig_publish(rig, "t", "x", 2), NX_OK);
    assert_int_equal(rig_publish(rig, "t", "x", 3), NX_ERR_AGAIN);
    rig_run_until(rig, "room; ");
    assert_int_equal(rig_publish(rig, "t", "x", 3), NX_OK);
    assert_int_equal(rig_publish(rig, "t", "x", 4), NX_ERR_AGAIN);
    rig_run_until(rig, "answered 3");
    rig_stop(rig);
    script_finish();
}

static void the_brokers_other_limits_are_kept(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        {FAKE_SEND, "20 0C 00 00 09 27 00000010 24 00 25 00"},
        {FAKE_DRAIN, NULL},
        {FAKE_END, NULL},
    };
    struct nx_mqtt_publish publish = {.topic = NX_SPAN("t"), .payload = NX_SPAN("0123456789")};

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "up ");
    assert_int_equal(nx_session_publish(rig->session, &publish, 0), NX_OK); /* 16 bytes */
    publish.payload = NX_SPAN("0123456789a");
    assert_int_equal(nx_session_publish(rig->session, &publish, 0), NX_ERR_LIMIT);
    publish.payload = NX_SPAN("x");
    publish.retain = true;
    assert_int_equal(nx_session_publish(rig->session, &publish, 0), NX_ERR_UNSUPPORTED);
    publish.retain = false;
    publish.qos = 1;
    assert_int_equal(nx_session_publish(rig->session, &publish, 0), NX_ERR_UNSUPPORTED);
    rig_free(rig);
    fake_broker_finish(broker);
}

static void the_output_queue_is_bounded_and_tells_when_there_is_room(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT, {FAKE_SEND, "20 03 00 00 00"}, {FAKE_DRAIN, NULL}, {FAKE_END, NULL}};
    const struct nx_mqtt_publish publish = {.topic = NX_SPAN("t"),
                                            .payload = NX_SPAN("0123456789")};
    static const char bytes[100];
    const struct nx_mqtt_publish large = {.topic = NX_SPAN("t"), .payload = {bytes, sizeof(bytes)}};
    unsigned count = 0;

    (void)state;
    play(steps);
    rig->config.output_bytes_max = 100;
    rig_start(rig);
    rig_run_until(rig, "up ");
    while (nx_session_publish(rig->session, &publish, 0) == NX_OK) {
        count++;
    }
    assert_int_equal(count, 100 / 16);
    assert_int_equal(nx_session_publish(rig->session, &publish, 0), NX_ERR_AGAIN);
    assert_int_equal(nx_session_publish(rig->session, &large, 0), NX_ERR_LIMIT);
    rig_run_until(rig, "room; ");
    assert_int_equal(nx_session_publish(rig->session, &publish, 0), NX_OK);
    rig_free(rig);
    fake_broker_finish(broker);
}

static void a_broker_that_breaks_the_rules_is_told_which(void **state)
{
    static const struct {
        const char *sends, *answer, *words;
    } rows[] = {
        {"20 03 00 00 00", "E0 01 82", "unexpected CONNACK"},
        {"10 00", "E0 01 82", "unexpected CONNECT"},
        {"50 02 0001", "E0 01 82", "PUBREC for packet identifier 1, which is not in flight"},
        {"70 02 0001", "E0 01 82", "PUBCOMP for packet identifier 1, which is not in flight"},
        {"60 02 0001", "E0 01 81", "malformed PUBREL"},
        {"50 02 0000", "E0 01 81", "malformed PUBREC"},
        {"70 01 00", "E0 01 81", "malformed PUBCOMP"},
        {"F0 00", "E0 01 82", "unexpected AUTH"},
        {"36 06 0001 'a' 0001 00", "E0 01 81", "malformed PUBLISH"},
        {"40 02 0009", "E0 01 82", "not in flight"},
        {"90 04 0009 00 01", "E0 01 82", "SUBSCRIBE that was not sent"},
        {"30 03 0001 '#'", "E0 01 81", "malformed PUBLISH"},
        {"40 02 0000", "E0 01 81", "malformed PUBACK"},
        {"D0 01 00", "E0 01 81", "malformed PINGRESP"},
        {"E0 02 00 09", "E0 01 81", "malformed DISCONNECT"},
        {"00 00", "E0 01 81", "not MQTT"},
        {"30 3F", "E0 01 95", "over 64 bytes"},
        {"30 07 0001 'a' 03 23 0001", "E0 01 94", "topic alias"},
        {"32 06 0001 'a' 0001 00 32 06 0001 'a' 0002 00 32 06 0001 'a' 0003 00", "E0 01 93",
         "more than 2 unacknowledged"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_step steps[] = {
            CONNECT,
            {FAKE_SEND, "20 03 00 00 00"},
            {FAKE_SEND, rows[i].sends},
            {FAKE_EXPECT, rows[i].answer},
            {FAKE_CLOSED, NULL},
            {FAKE_END, NULL},
        };
        play(steps);
        rig_start(rig);
        rig_run_until(rig, "down ");
        if (strstr(rig->story, rows[i].words) == NULL) {
            fail_msg("%s: \"%s\" is not in \"%s\"", rows[i].sends, rows[i].words, rig->story);
        }
        script_finish();
    }
}

static void a_repetition_does_not_count_twice_against_the_receive_maximum(void **state)
{
    static const struct fake_step steps[] = {
        CONNECT,
        {FAKE_SEND, "20 03 01 00 00"},
        {FAKE_SEND, "32 06 0001 'a' 0001 00 3A 06 0001 'a' 0001 00 32 06 0001 'b' 0002 00"},
        {FAKE_EXPECT, "E0 00"},
        {FAKE_END, NULL},
    };

    (void)state;
    play(steps);
    rig_start(rig);
    rig_run_until(rig, "message b=; ");
    rig_stop(rig);
    script_finish();
}

static void a_configuration_that_cannot_work_is_refused_at_once(void **state)
{
    struct nx_session *session;
    struct nx_session_config config;
    struct nx_diag diag;

    (void)state;
    rig = rig_new(1);
#define REFUSED(error, words, ...)                                                                 \
    config = rig->config;                                                                          \
    diag = (struct nx_diag){0};                                                                    \
    __VA_ARGS__;                                                                                   \
    assert_int_equal(nx_session_new(rig->loop, &rig->log, &config, NULL, NULL, &session, &diag),   \
                     error);                                                                       \
    assert_null(session);                                                                          \
    assert_non_null(strstr(diag.text, words))

    REFUSED(NX_ERR_INVALID, "host", config.host = "");
    REFUSED(NX_ERR_INVALID, "port", config.port = 0);
    REFUSED(NX_ERR_INVALID, "client identifier", config.client_id = NULL);
    REFUSED(NX_ERR_INVALID, "protocol level", config.protocol_level = 3);
    REFUSED(NX_ERR_INVALID, "receive maximum", config.receive_max = 0);
    REFUSED(NX_ERR_INVALID, "back-off", config.backoff_ms_min = 9);
    REFUSED(NX_ERR_IO, "/nonexistent/ca.pem", config.tls.enabled = true,
            config.tls.ca_file = "/nonexistent/ca.pem");
    REFUSED(NX_ERR_IO, "/nonexistent/me.pem", config.tls.enabled = true,
            config.tls.cert_file = "/nonexistent/me.pem");
#undef REFUSED
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_brokers_receive_maximum_is_the_window),
        cmocka_unit_test(the_brokers_other_limits_are_kept),
        cmocka_unit_test(the_output_queue_is_bounded_and_tells_when_there_is_room),
        cmocka_unit_test(a_broker_that_breaks_the_rules_is_told_which),
        cmocka_unit_test(a_repetition_does_not_count_twice_against_the_receive_maximum),
        cmocka_unit_test(a_configuration_that_cannot_work_is_refused_at_once),
    };

    return cmocka_run_group_tests_name("session_limits", tests, NULL, NULL);
}
