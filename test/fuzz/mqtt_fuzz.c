/*
 * mqtt_fuzz.c - the MQTT decoder against bytes of an evil broker. The first byte chooses the
 * protocol level. What decodes as a PUBLISH must survive being encoded and decoded again.
 */
#include "core/mqtt.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_PACKET_MAX = 1 << 20 };

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void must_be_same(const struct nx_mqtt_publish *a, const struct nx_mqtt_publish *b)
{
    must(nx_span_eq(a->topic, b->topic) && nx_span_eq(a->payload, b->payload));
    must(a->packet_id == b->packet_id && a->qos == b->qos && a->dup == b->dup);
    must(a->retain == b->retain && nx_span_eq(a->content_type, b->content_type));
    must(a->message_expiry_s == b->message_expiry_s && a->user_count == b->user_count);
    for (size_t i = 0; i < a->user_count; i++) {
        must(nx_span_eq(a->user[i].name, b->user[i].name));
        must(nx_span_eq(a->user[i].value, b->user[i].value));
    }
}

static void publish_and_back(const struct nx_mqtt_packet *packet, uint8_t level)
{
    struct nx_mqtt_publish publish, again;
    struct nx_mqtt_packet second;
    struct nx_buf out;

    if (nx_mqtt_decode_publish(packet, level, &publish) != NX_OK) {
        return;
    }
    nx_buf_init(&out, 2 * FUZZ_PACKET_MAX);
    must(nx_mqtt_encode_publish(&out, level, &publish) == NX_OK);
    must(out.len == nx_mqtt_publish_size(level, &publish));
    must(nx_mqtt_frame(nx_buf_view(&out), 2 * FUZZ_PACKET_MAX, &second) == NX_OK);
    must(second.size == out.len && nx_mqtt_decode_publish(&second, level, &again) == NX_OK);
    must_be_same(&publish, &again);
    nx_buf_fini(&out);
}

static void ack_and_back(const struct nx_mqtt_packet *packet, uint8_t level)
{
    struct nx_mqtt_ack ack, again;
    struct nx_mqtt_packet second;
    struct nx_buf out;

    if (nx_mqtt_decode_ack(packet, level, &ack) != NX_OK) {
        return;
    }
    nx_buf_init(&out, FUZZ_PACKET_MAX);
    must(nx_mqtt_encode_ack(&out, level, (enum nx_mqtt_type)packet->type, ack.packet_id,
                            ack.reason) == NX_OK);
    must(nx_mqtt_frame(nx_buf_view(&out), FUZZ_PACKET_MAX, &second) == NX_OK);
    must(second.size == out.len && nx_mqtt_decode_ack(&second, level, &again) == NX_OK);
    must(again.packet_id == ack.packet_id && again.reason == ack.reason);
    nx_buf_fini(&out);
}

static void decode(const struct nx_mqtt_packet *packet, uint8_t level)
{
    struct nx_mqtt_connack connack;
    struct nx_mqtt_suback suback;
    struct nx_mqtt_disconnect disconnect;

    publish_and_back(packet, level);
    (void)nx_mqtt_decode_connack(packet, level, &connack);
    ack_and_back(packet, level);
    (void)nx_mqtt_decode_suback(packet, level, &suback);
    (void)nx_mqtt_decode_pingresp(packet);
    (void)nx_mqtt_decode_disconnect(packet, &disconnect);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_mqtt_packet packet;
    struct nx_span rest;
    uint8_t level;

    if (size == 0) {
        return 0;
    }
    level = (data[0] & 1) != 0 ? NX_MQTT_5 : NX_MQTT_3_1_1;
    rest = (struct nx_span){(const char *)data + 1, size - 1};
    while (nx_mqtt_frame(rest, FUZZ_PACKET_MAX, &packet) == NX_OK) {
        decode(&packet, level);
        rest.ptr += packet.size;
        rest.len -= packet.size;
    }
    return 0;
}
