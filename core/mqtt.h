/*
 * mqtt.h - the MQTT wire format, 3.1.1 (OASIS 2014) and 5.0 (OASIS 2019), as pure functions:
 * bytes in, structs out, and back. Only what a client needs: it encodes CONNECT, PUBLISH, PUBACK,
 * SUBSCRIBE, PINGREQ, DISCONNECT and decodes what a server sends.
 *
 * Decoding is strict: what the standard calls malformed is NX_ERR_SYNTAX.
 */
#ifndef NX_MQTT_H
#define NX_MQTT_H

#include "core/base/buf.h"
#include "core/base/span.h"

#include <stdint.h>

enum { NX_MQTT_3_1_1 = 4, NX_MQTT_5 = 5 }; /* protocol level, MQTT 5 section 3.1.2.2 */
enum { NX_MQTT_USER_PROPERTIES_MAX = 16, NX_MQTT_PACKET_MAX = 268435455 };

struct nx_mqtt_user_property {
    struct nx_span name, value;
};

struct nx_mqtt_publish {
    struct nx_span topic;
    struct nx_span payload;
    uint16_t packet_id; /* QoS 1 and 2 */
    uint8_t qos;
    bool dup, retain;
    /* MQTT 5 only; absent in 3.1.1 */
    struct nx_span content_type;
    uint32_t message_expiry_s; /* 0: none */
    struct nx_mqtt_user_property user[NX_MQTT_USER_PROPERTIES_MAX];
    size_t user_count; /* more than the array holds: the rest is dropped on decode */
};

/* The rest of this header (CONNECT, CONNACK, acknowledgements, SUBSCRIBE, framing) follows. */

#endif
