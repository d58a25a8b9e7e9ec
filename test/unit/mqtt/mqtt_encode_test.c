/*
 * mqtt_encode_test.c - what we write, byte by byte, at both protocol levels.
 */
#include "core/mqtt.h"
#include "mqtt_hex.h"
#include "test/unit/unit.h"

static struct nx_buf out;

static int set_up(void **state)
{
    (void)state;
    nx_buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    nx_buf_fini(&out);
    return 0;
}

static void connect_5_carries_session_limits_will_user_and_password(void **state)
{
    const struct nx_mqtt_connect connect = {
        .level = NX_MQTT_5,
        .keepalive_s = 30,
        .client_id = NX_SPAN("nx"),
        .username = NX_SPAN("u"),
        .password = NX_SPAN("pw"),
        .will = {.topic = NX_SPAN("t/w"), .payload = NX_SPAN("gone"), .qos = 1, .retain = true},
        .session_expiry_s = 86400,
        .receive_max = 65535,
        .packet_bytes_max = 1 << 20,
    };

    (void)state;
    assert_int_equal(nx_mqtt_encode_connect(&out, &connect), NX_OK);
    assert_bytes(&out, "10 2F 0004 'MQTT' 05 EC 001E"
                       "0D 11 00015180 21 FFFF 27 00100000"
                       "0002 'nx' 00 0003 't/w' 0004 'gone' 0001 'u' 0002 'pw'");
}

static void connect_3_1_1_has_no_properties(void **state)
{
    const struct nx_mqtt_connect connect = {
        .level = NX_MQTT_3_1_1,
        .clean_start = true,
        .keepalive_s = 10,
        .client_id = NX_SPAN("nx"),
        .session_expiry_s = 86400,
        .receive_max = 100,
        .will = {.topic = NX_SPAN("t"), .payload = NX_SPAN("x")},
    };

    (void)state;
    assert_int_equal(nx_mqtt_encode_connect(&out, &connect), NX_OK);
    assert_bytes(&out, "10 14 0004 'MQTT' 04 06 000A 0002 'nx' 0001 't' 0001 'x'");
}

static void connect_5_without_limits_states_none(void **state)
{
    const struct nx_mqtt_connect connect = {.level = NX_MQTT_5, .client_id = NX_SPAN("nx")};

    (void)state;
    assert_int_equal(nx_mqtt_encode_connect(&out, &connect), NX_OK);
    assert_bytes(&out, "10 0F 0004 'MQTT' 05 00 0000 00 0002 'nx'");
}

static void connect_that_the_standard_forbids_is_not_written(void **state)
{
    const struct nx_mqtt_connect password_alone = {
        .level = NX_MQTT_3_1_1, .client_id = NX_SPAN("nx"), .password = NX_SPAN("pw")};
    const struct nx_mqtt_connect kept_session_of_nobody = {.level = NX_MQTT_3_1_1};
    const struct nx_mqtt_connect will_to_a_filter = {
        .level = NX_MQTT_5, .client_id = NX_SPAN("nx"), .will = {.topic = NX_SPAN("a/#")}};
    const struct nx_mqtt_connect not_utf8 = {.level = NX_MQTT_5, .client_id = NX_SPAN("\xC0\x80")};
    const struct nx_mqtt_connect version_3 = {.level = 3, .client_id = NX_SPAN("nx")};

    (void)state;
    assert_int_equal(nx_mqtt_encode_connect(&out, &password_alone), NX_ERR_INVALID);
    assert_int_equal(nx_mqtt_encode_connect(&out, &kept_session_of_nobody), NX_ERR_INVALID);
    assert_int_equal(nx_mqtt_encode_connect(&out, &will_to_a_filter), NX_ERR_INVALID);
    assert_int_equal(nx_mqtt_encode_connect(&out, &not_utf8), NX_ERR_INVALID);
    assert_int_equal(nx_mqtt_encode_connect(&out, &version_3), NX_ERR_UNSUPPORTED);
    assert_int_equal(out.len, 0);
}

static struct nx_mqtt_publish reading(void)
{
    struct nx_mqtt_publish publish = {
        .topic = NX_SPAN("a/b"),
        .payload = NX_SPAN("{}"),
        .packet_id = 0x1234,
        .qos = 1,
        .retain = true,
        .content_type = NX_SPAN("application/json"),
        .message_expiry_s = 60,
        .user_count = 2,
    };

    publish.user[0] = (struct nx_mqtt_user_property){NX_SPAN("k"), NX_SPAN("v")};
    publish.user[1] = (struct nx_mqtt_user_property){NX_SPAN("k"), NX_SPAN("")};
    return publish;
}

static void publish_5_carries_its_properties(void **state)
{
    struct nx_mqtt_publish publish = reading();

    (void)state;
    assert_int_equal(nx_mqtt_encode_publish(&out, NX_MQTT_5, &publish), NX_OK);
    assert_int_equal(nx_mqtt_publish_size(NX_MQTT_5, &publish), out.len);
    assert_bytes(&out, "33 2F 0003 'a/b' 1234"
                       "25 02 0000003C 03 0010 'application/json'"
                       "26 0001 'k' 0001 'v' 26 0001 'k' 0000 '{}'");
}

static void publish_3_1_1_leaves_its_properties_out(void **state)
{
    struct nx_mqtt_publish publish = reading();

    (void)state;
    publish.dup = true;
    assert_int_equal(nx_mqtt_encode_publish(&out, NX_MQTT_3_1_1, &publish), NX_OK);
    assert_int_equal(nx_mqtt_publish_size(NX_MQTT_3_1_1, &publish), out.len);
    assert_bytes(&out, "3B 09 0003 'a/b' 1234 '{}'");
}

static void publish_at_qos_0_has_no_packet_identifier(void **state)
{
    const struct nx_mqtt_publish publish = {.topic = NX_SPAN("a"), .payload = NX_SPAN("x")};

    (void)state;
    assert_int_equal(nx_mqtt_encode_publish(&out, NX_MQTT_5, &publish), NX_OK);
    assert_bytes(&out, "30 05 0001 'a' 00 'x'");
}

static void publish_length_takes_as_many_bytes_as_it_needs(void **state)
{
    static char payload[16384];
    struct nx_mqtt_publish publish = {.topic = NX_SPAN("a")};
    static const struct {
        size_t payload_bytes, header_bytes;
    } rows[] = {{124, 2}, {125, 3}, {16380, 3}, {16381, 4}}; /* body: payload + 3 */

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        publish.payload = (struct nx_span){payload, rows[i].payload_bytes};
        assert_int_equal(nx_mqtt_encode_publish(&out, NX_MQTT_3_1_1, &publish), NX_OK);
        assert_int_equal(out.len, rows[i].header_bytes + 3 + rows[i].payload_bytes);
        nx_buf_reset(&out);
    }
}

static void publish_that_no_broker_takes_is_not_written(void **state)
{
    static char long_text[65536 + 1];
    struct nx_mqtt_publish publish;

    (void)state;
    memset(long_text, 'a', sizeof(long_text) - 1);
#define REFUSED(error, ...)                                                                        \
    publish = reading();                                                                           \
    __VA_ARGS__;                                                                                   \
    assert_int_equal(nx_mqtt_encode_publish(&out, NX_MQTT_5, &publish), error)

    REFUSED(NX_ERR_INVALID, publish.topic = NX_SPAN(""));
    REFUSED(NX_ERR_INVALID, publish.topic = NX_SPAN("a/+"));
    REFUSED(NX_ERR_INVALID, publish.topic = NX_SPAN("#"));
    REFUSED(NX_ERR_INVALID, publish.topic = ((struct nx_span){"a\0b", 3}));
    REFUSED(NX_ERR_INVALID, publish.topic = NX_SPAN("\xED\xA0\x80"));
    REFUSED(NX_ERR_LIMIT, publish.topic = ((struct nx_span){long_text, 65536}));
    REFUSED(NX_ERR_INVALID, publish.packet_id = 0);
    REFUSED(NX_ERR_INVALID, publish.qos = 3);
    REFUSED(NX_ERR_INVALID, publish.qos = 0);
    REFUSED(NX_ERR_INVALID, publish.user[1].value = NX_SPAN("\xFF"));
    REFUSED(NX_ERR_LIMIT, publish.user[1].value = ((struct nx_span){long_text, 65536}));
    REFUSED(NX_ERR_LIMIT, publish.user_count = NX_MQTT_USER_PROPERTIES_MAX + 1);
    assert_int_equal(out.len, 0);
#undef REFUSED
}

static void a_full_buffer_gets_a_whole_packet_or_nothing(void **state)
{
    const struct nx_mqtt_publish publish = {.topic = NX_SPAN("a"), .payload = NX_SPAN("xyz")};
    struct nx_buf small;

    (void)state;
    nx_buf_init(&small, 8);
    assert_int_equal(nx_mqtt_encode_publish(&small, NX_MQTT_5, &publish), NX_ERR_LIMIT);
    assert_int_equal(small.len, 0);
    assert_int_equal(nx_mqtt_encode_publish(&small, NX_MQTT_3_1_1, &publish), NX_OK);
    assert_int_equal(small.len, 8);
    nx_buf_fini(&small);
}

static void an_acknowledgement_is_short_when_it_says_success(void **state)
{
    static const struct {
        enum nx_mqtt_type type;
        uint8_t level, reason;
        const char *bytes;
    } rows[] = {
        {NX_MQTT_PUBACK, NX_MQTT_5, 0x00, "40 02 0102"},
        {NX_MQTT_PUBACK, NX_MQTT_5, 0x97, "40 03 0102 97"},
        {NX_MQTT_PUBACK, NX_MQTT_3_1_1, 0x97, "40 02 0102"},
        {NX_MQTT_PUBREC, NX_MQTT_5, 0x00, "50 02 0102"},
        {NX_MQTT_PUBREL, NX_MQTT_5, 0x00, "62 02 0102"},
        {NX_MQTT_PUBREL, NX_MQTT_3_1_1, 0x92, "62 02 0102"},
        {NX_MQTT_PUBCOMP, NX_MQTT_5, 0x92, "70 03 0102 92"},
        {NX_MQTT_PUBCOMP, NX_MQTT_3_1_1, 0x92, "70 02 0102"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        nx_buf_reset(&out);
        assert_int_equal(
            nx_mqtt_encode_ack(&out, rows[i].level, rows[i].type, 0x0102, rows[i].reason), NX_OK);
        assert_bytes(&out, rows[i].bytes);
    }
    assert_int_equal(nx_mqtt_encode_ack(&out, NX_MQTT_5, NX_MQTT_PUBACK, 0, 0), NX_ERR_INVALID);
    assert_int_equal(nx_mqtt_encode_ack(&out, NX_MQTT_5, NX_MQTT_PUBLISH, 1, 0), NX_ERR_INVALID);
}

static void subscribe_5_carries_its_options(void **state)
{
    const struct nx_span filters[] = {NX_SPAN("a/#"), NX_SPAN("b/+")};
    const struct nx_mqtt_subscribe subscribe = {
        .packet_id = 7,
        .filters = filters,
        .filters_count = 2,
        .qos = 1,
        .no_local = true,
        .retain_handling = 1,
    };

    (void)state;
    assert_int_equal(nx_mqtt_encode_subscribe(&out, NX_MQTT_5, &subscribe), NX_OK);
    assert_bytes(&out, "82 0F 0007 00 0003 'a/#' 15 0003 'b/+' 15");
    assert_int_equal(nx_mqtt_encode_subscribe(&out, NX_MQTT_3_1_1, &subscribe), NX_OK);
    assert_bytes(&out, "82 0E 0007 0003 'a/#' 01 0003 'b/+' 01");
}

static void subscribe_to_nothing_is_not_written(void **state)
{
    const struct nx_span empty = NX_SPAN("");
    const struct nx_mqtt_subscribe none = {.packet_id = 7, .qos = 1};
    const struct nx_mqtt_subscribe blank = {
        .packet_id = 7, .qos = 1, .filters = &empty, .filters_count = 1};

    (void)state;
    assert_int_equal(nx_mqtt_encode_subscribe(&out, NX_MQTT_5, &none), NX_ERR_INVALID);
    assert_int_equal(nx_mqtt_encode_subscribe(&out, NX_MQTT_5, &blank), NX_ERR_INVALID);
    assert_int_equal(out.len, 0);
}

static void pingreq_and_disconnect_are_two_bytes(void **state)
{
    (void)state;
    assert_int_equal(nx_mqtt_encode_pingreq(&out), NX_OK);
    assert_bytes(&out, "C0 00");
    assert_int_equal(nx_mqtt_encode_disconnect(&out, NX_MQTT_5, NX_MQTT_SUCCESS), NX_OK);
    assert_bytes(&out, "E0 00");
    assert_int_equal(nx_mqtt_encode_disconnect(&out, NX_MQTT_3_1_1, 0x82), NX_OK);
    assert_bytes(&out, "E0 00");
}

static void disconnect_5_tells_its_reason(void **state)
{
    (void)state;
    assert_int_equal(nx_mqtt_encode_disconnect(&out, NX_MQTT_5, NX_MQTT_PROTOCOL_ERROR), NX_OK);
    assert_bytes(&out, "E0 01 82");
}

static void reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(nx_mqtt_reason_text(0x00), "success");
    assert_string_equal(nx_mqtt_reason_text(0x87), "not authorized");
    assert_string_equal(nx_mqtt_reason_text(0xA2), "wildcard subscriptions not supported");
    assert_string_equal(nx_mqtt_reason_text(0x7F), "unknown reason");
    assert_string_equal(nx_mqtt_type_name(NX_MQTT_PUBLISH), "PUBLISH");
    assert_string_equal(nx_mqtt_type_name(NX_MQTT_AUTH), "AUTH");
    assert_string_equal(nx_mqtt_type_name(16), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(connect_5_carries_session_limits_will_user_and_password,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(connect_3_1_1_has_no_properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connect_5_without_limits_states_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connect_that_the_standard_forbids_is_not_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(publish_5_carries_its_properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(publish_3_1_1_leaves_its_properties_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(publish_at_qos_0_has_no_packet_identifier, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(publish_length_takes_as_many_bytes_as_it_needs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(publish_that_no_broker_takes_is_not_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_full_buffer_gets_a_whole_packet_or_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_acknowledgement_is_short_when_it_says_success, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(subscribe_5_carries_its_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(subscribe_to_nothing_is_not_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pingreq_and_disconnect_are_two_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(disconnect_5_tells_its_reason, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reasons_have_names, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("mqtt_encode", tests, NULL, NULL);
}
