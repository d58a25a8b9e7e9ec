/*
 * mqtt.h - the MQTT wire format, 3.1.1 (OASIS 2014) and 5.0 (OASIS 2019), as pure functions:
 * bytes in, structs out, and back. Only what a client needs: it encodes CONNECT, PUBLISH, the
 * four acknowledgements, SUBSCRIBE, PINGREQ, DISCONNECT and decodes what a server sends.
 *
 * Decoding is strict: what the standard calls malformed is NX_ERR_SYNTAX, and so is a property
 * that is repeated, out of range or not allowed in its packet. It allocates nothing: spans point
 * into the packet. Section numbers are those of MQTT 5.
 */
#ifndef NX_MQTT_H
#define NX_MQTT_H

#include "core/base/buf.h"
#include "core/base/span.h"

#include <stdint.h>

enum { NX_MQTT_3_1_1 = 4, NX_MQTT_5 = 5 }; /* protocol level, MQTT 5 section 3.1.2.2 */
enum { NX_MQTT_USER_PROPERTIES_MAX = 16, NX_MQTT_PACKET_MAX = 268435455 };
enum { NX_MQTT_RECEIVE_MAX = 65535 }; /* where nobody states one, section 3.2.2.3.3 */

/* Section 2.1.2. */
enum nx_mqtt_type {
    NX_MQTT_CONNECT = 1,
    NX_MQTT_CONNACK,
    NX_MQTT_PUBLISH,
    NX_MQTT_PUBACK,
    NX_MQTT_PUBREC,
    NX_MQTT_PUBREL,
    NX_MQTT_PUBCOMP,
    NX_MQTT_SUBSCRIBE,
    NX_MQTT_SUBACK,
    NX_MQTT_UNSUBSCRIBE,
    NX_MQTT_UNSUBACK,
    NX_MQTT_PINGREQ,
    NX_MQTT_PINGRESP,
    NX_MQTT_DISCONNECT,
    NX_MQTT_AUTH,
};

/* The reason codes that this project acts on or sends, section 2.4; nx_mqtt_reason_text has all. */
enum nx_mqtt_reason {
    NX_MQTT_SUCCESS = 0x00,
    NX_MQTT_NO_MATCHING_SUBSCRIBERS = 0x10,
    NX_MQTT_REFUSED = 0x80, /* at and above: refused */
    NX_MQTT_MALFORMED_PACKET = 0x81,
    NX_MQTT_PROTOCOL_ERROR = 0x82,
    NX_MQTT_BAD_PROTOCOL_VERSION = 0x84,
    NX_MQTT_BAD_CLIENT_ID = 0x85,
    NX_MQTT_BAD_USER_OR_PASSWORD = 0x86,
    NX_MQTT_NOT_AUTHORIZED = 0x87,
    NX_MQTT_SERVER_UNAVAILABLE = 0x88,
    NX_MQTT_SERVER_SHUTTING_DOWN = 0x8B,
    NX_MQTT_SESSION_TAKEN_OVER = 0x8E,
    NX_MQTT_PACKET_ID_NOT_FOUND = 0x92,
    NX_MQTT_RECEIVE_MAX_EXCEEDED = 0x93,
    NX_MQTT_TOPIC_ALIAS_INVALID = 0x94,
    NX_MQTT_PACKET_TOO_LARGE = 0x95,
};

/* The standard's name of a reason code, in lower case; "unknown reason" for the others. */
const char *nx_mqtt_reason_text(uint8_t reason);

/* "PUBLISH"; "reserved" for 0 and what does not fit four bits. */
const char *nx_mqtt_type_name(unsigned type);

/* ---- framing, section 2.1 ---- */

struct nx_mqtt_packet {
    uint8_t type;  /* enum nx_mqtt_type */
    uint8_t flags; /* the low four bits of the first byte */
    struct nx_span body;
    size_t size; /* header and body: what the caller drops from its buffer */
};

/*
 * The first whole packet in `bytes`. NX_ERR_AGAIN: not all of it is there yet (out->size is then
 * the size of the whole packet as soon as its header is there, else 0). NX_ERR_LIMIT: larger than
 * packet_bytes_max. NX_ERR_SYNTAX: reserved type, or a malformed remaining length.
 */
enum nx_err nx_mqtt_frame(struct nx_span bytes, size_t packet_bytes_max,
                          struct nx_mqtt_packet *out);

/* ---- PUBLISH, section 3.3 ---- */

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

/* NX_ERR_UNSUPPORTED: it uses a topic alias, which a client that offers none is never sent. */
enum nx_err nx_mqtt_decode_publish(const struct nx_mqtt_packet *packet, uint8_t level,
                                   struct nx_mqtt_publish *out);

/*
 * Appends to `out`; on failure nothing is appended. NX_ERR_INVALID: topic empty, with wildcards or
 * not UTF-8, a property not UTF-8, QoS without packet identifier. NX_ERR_LIMIT: a text over 65,535
 * bytes or a packet over the format's maximum. NX_ERR_NOMEM, and NX_ERR_LIMIT of `out`.
 */
enum nx_err nx_mqtt_encode_publish(struct nx_buf *out, uint8_t level,
                                   const struct nx_mqtt_publish *publish);

/* Bytes of the whole encoded packet, for comparison with a server's maximum packet size. */
size_t nx_mqtt_publish_size(uint8_t level, const struct nx_mqtt_publish *publish);

/* ---- CONNECT and CONNACK, sections 3.1 and 3.2 ---- */

struct nx_mqtt_will {
    struct nx_span topic; /* empty: no will */
    struct nx_span payload;
    uint8_t qos;
    bool retain;
};

struct nx_mqtt_connect {
    uint8_t level;
    bool clean_start;
    uint16_t keepalive_s;
    struct nx_span client_id;
    struct nx_span username, password; /* ptr NULL: absent */
    struct nx_mqtt_will will;
    /* MQTT 5 only */
    uint32_t session_expiry_s;
    uint16_t receive_max;      /* 0: not stated */
    uint32_t packet_bytes_max; /* 0: not stated */
};

enum nx_err nx_mqtt_encode_connect(struct nx_buf *out, const struct nx_mqtt_connect *connect);

struct nx_mqtt_connack {
    bool session_present;
    uint8_t reason; /* return codes 1 to 5 of 3.1.1 are given as the MQTT 5 codes of that meaning */
    bool retain_available;
    bool keepalive_stated;
    bool session_expiry_stated;
    uint8_t qos_max;           /* 2 where not stated */
    uint16_t receive_max;      /* NX_MQTT_RECEIVE_MAX where not stated */
    uint16_t keepalive_s;      /* the server's, to be used instead of ours */
    uint32_t session_expiry_s; /* the server's, in place of what was asked for */
    uint32_t packet_bytes_max; /* UINT32_MAX where not stated */
    struct nx_span client_id;  /* assigned by the server, or empty */
    struct nx_span reason_string;
    struct nx_span server_reference; /* where to go instead, or empty */
};

enum nx_err nx_mqtt_decode_connack(const struct nx_mqtt_packet *packet, uint8_t level,
                                   struct nx_mqtt_connack *out);

/* ---- acknowledgements, sections 3.4 to 3.7 ---- */

struct nx_mqtt_ack {
    uint16_t packet_id;
    uint8_t reason;
    struct nx_span reason_string;
};

/* PUBACK, PUBREC, PUBREL and PUBCOMP share one form; `type` is one of them. */
enum nx_err nx_mqtt_decode_ack(const struct nx_mqtt_packet *packet, uint8_t level,
                               struct nx_mqtt_ack *out);
enum nx_err nx_mqtt_encode_ack(struct nx_buf *out, uint8_t level, enum nx_mqtt_type type,
                               uint16_t packet_id, uint8_t reason);

/* ---- SUBSCRIBE and SUBACK, sections 3.8 and 3.9 ---- */

struct nx_mqtt_subscribe {
    uint16_t packet_id;
    const struct nx_span *filters;
    size_t filters_count;
    uint8_t qos; /* of every filter, like the options below */
    /* MQTT 5 only, section 3.8.3.1 */
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0 send retained, 1 only if new, 2 never */
};

enum nx_err nx_mqtt_encode_subscribe(struct nx_buf *out, uint8_t level,
                                     const struct nx_mqtt_subscribe *subscribe);

struct nx_mqtt_suback {
    uint16_t packet_id;
    struct nx_span reasons; /* one byte for each filter */
    struct nx_span reason_string;
};

enum nx_err nx_mqtt_decode_suback(const struct nx_mqtt_packet *packet, uint8_t level,
                                  struct nx_mqtt_suback *out);

/* ---- PINGREQ, PINGRESP, DISCONNECT, sections 3.12 to 3.14 ---- */

enum nx_err nx_mqtt_encode_pingreq(struct nx_buf *out);
enum nx_err nx_mqtt_decode_pingresp(const struct nx_mqtt_packet *packet);

struct nx_mqtt_disconnect {
    uint8_t reason;
    struct nx_span reason_string;
    struct nx_span server_reference;
};

/* In 3.1.1 only a client sends one, and `reason` is not carried. */
enum nx_err nx_mqtt_encode_disconnect(struct nx_buf *out, uint8_t level, uint8_t reason);
enum nx_err nx_mqtt_decode_disconnect(const struct nx_mqtt_packet *packet,
                                      struct nx_mqtt_disconnect *out);

#endif
