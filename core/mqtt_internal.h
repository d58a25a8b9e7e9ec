/*
 * mqtt_internal.h - what the MQTT encoder and decoder share; batches take its rule of text.
 */
#ifndef NX_MQTT_INTERNAL_H
#define NX_MQTT_INTERNAL_H

#include "core/mqtt.h"

enum { MQTT_TEXT_MAX = 65535 }; /* a text or binary field has a two-byte length, section 1.5.4 */
enum { MQTT_VARINT_BYTES = 4 }; /* section 1.5.5 */

/* Property identifiers, section 2.2.2.2. */
enum mqtt_property {
    PROP_PAYLOAD_FORMAT = 0x01,
    PROP_MESSAGE_EXPIRY = 0x02,
    PROP_CONTENT_TYPE = 0x03,
    PROP_RESPONSE_TOPIC = 0x08,
    PROP_CORRELATION_DATA = 0x09,
    PROP_SUBSCRIPTION_ID = 0x0B,
    PROP_SESSION_EXPIRY = 0x11,
    PROP_ASSIGNED_CLIENT_ID = 0x12,
    PROP_SERVER_KEEPALIVE = 0x13,
    PROP_AUTH_METHOD = 0x15,
    PROP_AUTH_DATA = 0x16,
    PROP_RESPONSE_INFORMATION = 0x1A,
    PROP_SERVER_REFERENCE = 0x1C,
    PROP_REASON_STRING = 0x1F,
    PROP_RECEIVE_MAX = 0x21,
    PROP_TOPIC_ALIAS_MAX = 0x22,
    PROP_TOPIC_ALIAS = 0x23,
    PROP_QOS_MAX = 0x24,
    PROP_RETAIN_AVAILABLE = 0x25,
    PROP_USER = 0x26,
    PROP_PACKET_BYTES_MAX = 0x27,
    PROP_WILDCARD_AVAILABLE = 0x28,
    PROP_SUBSCRIPTION_ID_AVAILABLE = 0x29,
    PROP_SHARED_AVAILABLE = 0x2A,
    PROP_COUNT,
};

/* Well-formed UTF-8 without U+0000 and surrogates, section 1.5.4. */
bool nx_mqtt_text_ok(struct nx_span s);

/* A topic name: such a text, not empty, without the wildcards, section 3.3.2.1. */
bool nx_mqtt_topic_ok(struct nx_span s);

#endif
