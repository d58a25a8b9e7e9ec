/*
 * mqtt_decode_test.c - what a broker sends, well-formed and malformed, at both protocol levels.
 */
#include "core/mqtt.h"
#include "mqtt_hex.h"
#include "test/unit/unit.h"

#include <stdlib.h>

static void assert_span(struct nx_span s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.ptr, text, s.len);
}

/* The verdict of the decoder that belongs to the packet's type. */
static enum nx_err decode(const char *text, uint8_t level)
{
    const struct hex h = hex(text);
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_connack connack;
    struct nx_mqtt_publish publish;
    struct nx_mqtt_ack ack;
    struct nx_mqtt_suback suback;
    struct nx_mqtt_disconnect disconnect;

    switch (packet.type) {
    case NX_MQTT_CONNACK:
        return nx_mqtt_decode_connack(&packet, level, &connack);
    case NX_MQTT_PUBLISH:
        return nx_mqtt_decode_publish(&packet, level, &publish);
    case NX_MQTT_SUBACK:
        return nx_mqtt_decode_suback(&packet, level, &suback);
    case NX_MQTT_PINGRESP:
        return nx_mqtt_decode_pingresp(&packet);
    case NX_MQTT_DISCONNECT:
        return nx_mqtt_decode_disconnect(&packet, &disconnect);
    default:
        return nx_mqtt_decode_ack(&packet, level, &ack);
    }
}

struct refusal {
    const char *packet;
    const char *why;
};

static void assert_all_malformed(const struct refusal *rows, size_t count, uint8_t level)
{
    for (size_t i = 0; i < count; i++) {
        if (decode(rows[i].packet, level) != NX_ERR_SYNTAX) {
            fail_msg("accepted: %s (%s)", rows[i].packet, rows[i].why);
        }
    }
}

#define ASSERT_ALL_MALFORMED(rows, level)                                                          \
    assert_all_malformed(rows, sizeof(rows) / sizeof((rows)[0]), level)

/* ---- framing ---- */

static enum nx_err frame(const char *text, size_t max, struct nx_mqtt_packet *packet)
{
    const struct hex h = hex(text);
    char *exact = malloc(h.len + 1); /* so that a read beyond the end is seen */
    enum nx_err err;

    assert_non_null(exact);
    memcpy(exact, h.bytes, h.len);
    err = nx_mqtt_frame((struct nx_span){exact, h.len}, max, packet);
    free(exact);
    return err;
}

static void a_packet_is_found_when_it_is_whole(void **state)
{
    struct nx_mqtt_packet packet;

    (void)state;
    assert_int_equal(frame("", 100, &packet), NX_ERR_AGAIN);
    assert_int_equal(frame("30", 100, &packet), NX_ERR_AGAIN);
    assert_int_equal(packet.size, 0);
    assert_int_equal(frame("30 80", 1000, &packet), NX_ERR_AGAIN);
    assert_int_equal(packet.size, 0);
    assert_int_equal(frame("30 80 01", 1000, &packet), NX_ERR_AGAIN);
    assert_int_equal(packet.size, 131);
    assert_int_equal(frame("33 02 0000 D0 00", 100, &packet), NX_OK);
    assert_int_equal(packet.type, NX_MQTT_PUBLISH);
    assert_int_equal(packet.flags, 3);
    assert_int_equal(packet.size, 4);
    assert_int_equal(packet.body.len, 2);
    assert_int_equal(frame("D0 00", 2, &packet), NX_OK);
}

static void a_packet_over_the_maximum_is_refused_by_its_header(void **state)
{
    struct nx_mqtt_packet packet;

    (void)state;
    assert_int_equal(frame("30 63", 100, &packet), NX_ERR_LIMIT);
    assert_int_equal(frame("30 62", 100, &packet), NX_ERR_AGAIN);
    assert_int_equal(frame("30 FF FF FF 7F", 1 << 20, &packet), NX_ERR_LIMIT);
}

static void a_malformed_header_is_refused(void **state)
{
    struct nx_mqtt_packet packet;

    (void)state;
    assert_int_equal(frame("00 00", 100, &packet), NX_ERR_SYNTAX);
    assert_int_equal(frame("30 80 80 80 80 01", 100, &packet), NX_ERR_SYNTAX);
    assert_int_equal(frame("30 FF FF FF FF", 100, &packet), NX_ERR_SYNTAX);
    assert_int_equal(frame("30 80 00", 100, &packet), NX_ERR_SYNTAX);
    assert_int_equal(frame("30 82 00", 100, &packet), NX_ERR_SYNTAX);
}

/* ---- CONNACK ---- */

static void connack_5_tells_the_limits_of_the_server(void **state)
{
    const struct hex h = hex("20 25 01 00 22 21 0014 24 01 25 00 27 00010000 12 0002 'id' 13 003C"
                             "1F 0002 'ok' 22 000A 28 01 29 00 2A 01");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_connack connack;

    (void)state;
    assert_int_equal(nx_mqtt_decode_connack(&packet, NX_MQTT_5, &connack), NX_OK);
    assert_true(connack.session_present);
    assert_int_equal(connack.reason, NX_MQTT_SUCCESS);
    assert_int_equal(connack.receive_max, 20);
    assert_int_equal(connack.qos_max, 1);
    assert_false(connack.retain_available);
    assert_int_equal(connack.packet_bytes_max, 65536);
    assert_span(connack.client_id, "id");
    assert_true(connack.keepalive_stated);
    assert_int_equal(connack.keepalive_s, 60);
    assert_span(connack.reason_string, "ok");
}

static void connack_5_without_properties_sets_no_limit(void **state)
{
    const struct hex h = hex("20 03 00 00 00");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_connack connack;

    (void)state;
    assert_int_equal(nx_mqtt_decode_connack(&packet, NX_MQTT_5, &connack), NX_OK);
    assert_false(connack.session_present);
    assert_int_equal(connack.receive_max, 65535);
    assert_int_equal(connack.qos_max, 2);
    assert_true(connack.retain_available);
    assert_int_equal(connack.packet_bytes_max, UINT32_MAX);
    assert_false(connack.keepalive_stated);
    assert_int_equal(connack.client_id.len, 0);
}

static void connack_3_1_1_return_codes_become_reasons(void **state)
{
    static const struct {
        const char *packet;
        uint8_t reason;
    } rows[] = {
        {"20 02 00 00", 0x00}, {"20 02 00 01", 0x84}, {"20 02 00 02", 0x85},
        {"20 02 00 03", 0x88}, {"20 02 00 04", 0x86}, {"20 02 00 05", 0x87},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct hex h = hex(rows[i].packet);
        const struct nx_mqtt_packet packet = packet_of(&h);
        struct nx_mqtt_connack connack;
        assert_int_equal(nx_mqtt_decode_connack(&packet, NX_MQTT_3_1_1, &connack), NX_OK);
        assert_int_equal(connack.reason, rows[i].reason);
    }
    assert_int_equal(decode("20 02 01 00", NX_MQTT_3_1_1), NX_OK);
}

static void malformed_connacks_are_refused(void **state)
{
    static const struct refusal rows_5[] = {
        {"20 02 00 00", "no property length"},
        {"20 01 00", "no reason"},
        {"20 00", "nothing"},
        {"21 03 00 00 00", "reserved flags of the header"},
        {"20 03 02 00 00", "reserved acknowledge flags"},
        {"20 03 01 87 00", "session present with a refusal"},
        {"20 04 00 00 00 00", "bytes after the properties"},
        {"20 06 00 00 03 21 0000", "receive maximum 0"},
        {"20 09 00 00 06 21 0001 21 0001", "receive maximum twice"},
        {"20 05 00 00 02 24 02", "maximum QoS 2"},
        {"20 05 00 00 02 25 02", "retain available 2"},
        {"20 08 00 00 05 27 00000000", "maximum packet size 0"},
        {"20 06 00 00 03 23 0001", "topic alias in a CONNACK"},
        {"20 05 00 00 02 7F 00", "property identifier out of range"},
        {"20 05 00 00 02 04 00", "property identifier not assigned"},
        {"20 06 00 00 03 12 0005", "text longer than the properties"},
        {"20 07 00 00 04 1F 0001 00", "U+0000 in a text"},
        {"20 08 00 00 05 1F 0002 C080", "overlong UTF-8"},
        {"20 04 00 00 05 21", "property length beyond the packet"},
        {"20 06 00 00 82 00 24 01", "property length longer than needed"},
    };
    static const struct refusal rows_4[] = {
        {"20 03 00 00 00", "properties"},
        {"20 02 00 06", "reserved return code"},
        {"20 02 01 05", "session present with a refusal"},
        {"20 01 00", "too short"},
    };

    (void)state;
    ASSERT_ALL_MALFORMED(rows_5, NX_MQTT_5);
    ASSERT_ALL_MALFORMED(rows_4, NX_MQTT_3_1_1);
}

/* ---- PUBLISH ---- */

static void publish_5_is_read_with_its_properties(void **state)
{
    const struct hex h = hex("3B 35 0003 'a/b' 1234"
                             "2B 01 01 02 0000003C 03 0010 'application/json' 0B 01 0B 02"
                             "26 0001 'k' 0001 'v' 26 0001 'k' 0000 '{}'");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_publish publish;

    (void)state;
    assert_int_equal(nx_mqtt_decode_publish(&packet, NX_MQTT_5, &publish), NX_OK);
    assert_span(publish.topic, "a/b");
    assert_span(publish.payload, "{}");
    assert_int_equal(publish.packet_id, 0x1234);
    assert_int_equal(publish.qos, 1);
    assert_true(publish.dup);
    assert_true(publish.retain);
    assert_span(publish.content_type, "application/json");
    assert_int_equal(publish.message_expiry_s, 60);
    assert_int_equal(publish.user_count, 2);
    assert_span(publish.user[0].name, "k");
    assert_span(publish.user[0].value, "v");
    assert_span(publish.user[1].value, "");
}

static void publish_3_1_1_begins_its_payload_at_once(void **state)
{
    const struct hex h = hex("32 09 0003 'a/b' 0001 '{}'");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_publish publish;

    (void)state;
    assert_int_equal(nx_mqtt_decode_publish(&packet, NX_MQTT_3_1_1, &publish), NX_OK);
    assert_span(publish.payload, "{}");
    assert_int_equal(publish.user_count, 0);
    assert_int_equal(publish.content_type.len, 0);
}

static void an_empty_payload_is_a_payload(void **state)
{
    (void)state;
    assert_int_equal(decode("31 03 0001 'a'", NX_MQTT_3_1_1), NX_OK);
    assert_int_equal(decode("31 04 0001 'a' 00", NX_MQTT_5), NX_OK);
}

static void user_properties_over_the_maximum_are_dropped(void **state)
{
    struct nx_mqtt_publish publish;
    struct nx_mqtt_packet packet;
    struct hex h = hex("30 6A 0001 'a' 66"); /* 17 of 6 bytes */
    const struct hex one = hex("26 0001 'k' 0000");

    (void)state;
    for (size_t i = 0; i < NX_MQTT_USER_PROPERTIES_MAX + 1; i++) {
        memcpy(h.bytes + h.len, one.bytes, one.len);
        h.len += one.len;
    }
    packet = packet_of(&h);
    assert_int_equal(nx_mqtt_decode_publish(&packet, NX_MQTT_5, &publish), NX_OK);
    assert_int_equal(publish.user_count, NX_MQTT_USER_PROPERTIES_MAX);
}

static void a_topic_alias_that_was_not_offered_is_told_apart(void **state)
{
    (void)state;
    assert_int_equal(decode("30 07 0001 'a' 03 23 0001", NX_MQTT_5), NX_ERR_UNSUPPORTED);
    assert_int_equal(decode("30 06 0000 03 23 0001", NX_MQTT_5), NX_ERR_UNSUPPORTED);
}

static void an_expiry_of_nothing_does_not_become_for_ever(void **state)
{
    const struct hex h = hex("30 09 0001 'a' 05 02 00000000");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_publish publish;

    (void)state;
    assert_int_equal(nx_mqtt_decode_publish(&packet, NX_MQTT_5, &publish), NX_OK);
    assert_int_equal(publish.message_expiry_s, 1);
}

static void malformed_publishes_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {"36 06 0001 'a' 0001 00", "QoS 3"},
        {"38 04 0001 'a' 00", "DUP with QoS 0"},
        {"32 06 0001 'a' 0000 00", "packet identifier 0"},
        {"32 03 0001 'a'", "no packet identifier"},
        {"30 03 0000 00", "empty topic"},
        {"30 04 0001 '+' 00", "wildcard in the topic"},
        {"30 06 0003 'a/#' 00", "wildcard in the topic"},
        {"30 04 0001 FF 00", "topic not UTF-8"},
        {"30 06 0003 EDA080 00", "surrogate in the topic"},
        {"30 03 0002 'a'", "topic beyond the packet"},
        {"30 00", "nothing"},
        {"30 03 0001 'a'", "no property length"},
        {"30 06 0001 'a' 02 01 02", "payload format 2"},
        {"30 08 0001 'a' 04 01 01 01 01", "payload format twice"},
        {"30 0E 0001 'a' 0A 02 00000001 02 00000001", "expiry twice"},
        {"30 06 0001 'a' 02 0B 00", "subscription identifier 0"},
        {"30 09 0001 'a' 05 0B 80808080", "subscription identifier of five bytes"},
        {"30 07 0001 'a' 03 0B 8100", "subscription identifier longer than needed"},
        {"30 07 0001 'a' 03 21 0001", "receive maximum in a PUBLISH"},
        {"30 0A 0001 'a' 06 26 0001 'k' 0001", "value beyond the properties"},
        {"30 0B 0001 'a' 07 26 0001 'k' 0001 FF", "value not UTF-8"},
        {"30 07 0001 'a' 03 23 0000", "topic alias 0"},
    };

    (void)state;
    ASSERT_ALL_MALFORMED(rows, NX_MQTT_5);
}

/* ---- acknowledgements ---- */

static void acknowledgements_come_in_three_lengths(void **state)
{
    static const struct {
        const char *packet;
        uint8_t reason;
        const char *words;
    } rows[] = {
        {"40 02 0102", 0x00, ""},       {"40 03 0102 10", 0x10, ""},
        {"40 04 0102 87 00", 0x87, ""}, {"40 09 0102 87 05 1F 0002 'no'", 0x87, "no"},
        {"50 03 0102 92", 0x92, ""},    {"62 02 0102", 0x00, ""},
        {"70 02 0102", 0x00, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct hex h = hex(rows[i].packet);
        const struct nx_mqtt_packet packet = packet_of(&h);
        struct nx_mqtt_ack ack;
        assert_int_equal(nx_mqtt_decode_ack(&packet, NX_MQTT_5, &ack), NX_OK);
        assert_int_equal(ack.packet_id, 0x0102);
        assert_int_equal(ack.reason, rows[i].reason);
        assert_span(ack.reason_string, rows[i].words);
    }
}

static void malformed_acknowledgements_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {"40 01 01", "half an identifier"},
        {"40 02 0000", "identifier 0"},
        {"41 02 0102", "reserved flags"},
        {"60 02 0102", "PUBREL without its flags"},
        {"40 05 0102 87 00 00", "bytes after the properties"},
        {"40 04 0102 87 05", "property length beyond the packet"},
        {"40 09 0102 87 05 12 0002 'no'", "client identifier in a PUBACK"},
    };
    static const struct refusal rows_4[] = {{"40 03 0102 00", "a reason"}};

    (void)state;
    ASSERT_ALL_MALFORMED(rows, NX_MQTT_5);
    ASSERT_ALL_MALFORMED(rows_4, NX_MQTT_3_1_1);
}

static void suback_holds_a_reason_for_each_filter(void **state)
{
    const struct hex h = hex("90 06 0007 00 01 87 02");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_suback suback;

    (void)state;
    assert_int_equal(nx_mqtt_decode_suback(&packet, NX_MQTT_5, &suback), NX_OK);
    assert_int_equal(suback.packet_id, 7);
    assert_int_equal(suback.reasons.len, 3);
    assert_memory_equal(suback.reasons.ptr, "\x01\x87\x02", 3);
    assert_int_equal(decode("90 04 0007 01 80", NX_MQTT_3_1_1), NX_OK);
}

static void malformed_subacks_are_refused(void **state)
{
    static const struct refusal rows[] = {
        {"90 03 0007 00", "no reason"},
        {"90 04 0000 00 01", "identifier 0"},
        {"90 04 0007 00 03", "reserved reason"},
        {"91 04 0007 00 01", "reserved flags"},
    };
    static const struct refusal rows_4[] = {
        {"90 02 0007", "no return code"},
        {"90 03 0007 87", "a reason of MQTT 5"},
    };

    (void)state;
    ASSERT_ALL_MALFORMED(rows, NX_MQTT_5);
    ASSERT_ALL_MALFORMED(rows_4, NX_MQTT_3_1_1);
}

/* ---- PINGRESP and DISCONNECT ---- */

static void pingresp_is_empty(void **state)
{
    static const struct refusal rows[] = {{"D0 01 00", "a body"}, {"D1 00", "reserved flags"}};

    (void)state;
    assert_int_equal(decode("D0 00", NX_MQTT_5), NX_OK);
    ASSERT_ALL_MALFORMED(rows, NX_MQTT_5);
}

static void disconnect_tells_why(void **state)
{
    const struct hex h = hex("E0 07 8E 05 1F 0002 'by'");
    const struct nx_mqtt_packet packet = packet_of(&h);
    struct nx_mqtt_disconnect disconnect;
    static const struct refusal rows[] = {
        {"E1 00", "reserved flags"},
        {"E0 07 00 05 11 00000001", "session expiry from a server"},
        {"E0 03 00 00 00", "bytes after the properties"},
    };

    (void)state;
    assert_int_equal(nx_mqtt_decode_disconnect(&packet, &disconnect), NX_OK);
    assert_int_equal(disconnect.reason, NX_MQTT_SESSION_TAKEN_OVER);
    assert_span(disconnect.reason_string, "by");
    assert_int_equal(decode("E0 00", NX_MQTT_5), NX_OK);
    assert_int_equal(decode("E0 01 8B", NX_MQTT_5), NX_OK);
    ASSERT_ALL_MALFORMED(rows, NX_MQTT_5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_found_when_it_is_whole),
        cmocka_unit_test(a_packet_over_the_maximum_is_refused_by_its_header),
        cmocka_unit_test(a_malformed_header_is_refused),
        cmocka_unit_test(connack_5_tells_the_limits_of_the_server),
        cmocka_unit_test(connack_5_without_properties_sets_no_limit),
        cmocka_unit_test(connack_3_1_1_return_codes_become_reasons),
        cmocka_unit_test(malformed_connacks_are_refused),
        cmocka_unit_test(publish_5_is_read_with_its_properties),
        cmocka_unit_test(publish_3_1_1_begins_its_payload_at_once),
        cmocka_unit_test(an_empty_payload_is_a_payload),
        cmocka_unit_test(user_properties_over_the_maximum_are_dropped),
        cmocka_unit_test(a_topic_alias_that_was_not_offered_is_told_apart),
        cmocka_unit_test(an_expiry_of_nothing_does_not_become_for_ever),
        cmocka_unit_test(malformed_publishes_are_refused),
        cmocka_unit_test(acknowledgements_come_in_three_lengths),
        cmocka_unit_test(malformed_acknowledgements_are_refused),
        cmocka_unit_test(suback_holds_a_reason_for_each_filter),
        cmocka_unit_test(malformed_subacks_are_refused),
        cmocka_unit_test(pingresp_is_empty),
        cmocka_unit_test(disconnect_tells_why),
    };

    return cmocka_run_group_tests_name("mqtt_decode", tests, NULL, NULL);
}
