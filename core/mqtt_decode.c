/*
 * mqtt_decode.c - MQTT packets to structs. Reads through a cursor that remembers the first fault,
 * so that a decoder is straight code with one question at its end. What a property may hold, and
 * in which packets, is a table; the walk over properties is the same for all packets.
 */
#include "core/mqtt.h"
#include "core/mqtt_internal.h"

struct cursor {
    const uint8_t *at, *end;
    bool bad; /* something was missing or malformed; all that is read after it is zero */
};

static struct cursor cursor_over(struct nx_span s)
{
    const uint8_t *at = (const uint8_t *)s.ptr;

    return (struct cursor){at, s.len > 0 ? at + s.len : at, false};
}

static size_t left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

static void fail(struct cursor *c)
{
    c->bad = true;
    c->at = c->end;
}

static struct nx_span take(struct cursor *c, size_t len)
{
    struct nx_span s = {(const char *)c->at, len};

    if (c->bad || left(c) < len) {
        fail(c);
        return (struct nx_span){"", 0};
    }
    if (len > 0) {
        c->at += len;
    }
    return s;
}

static uint32_t take_number(struct cursor *c, size_t bytes)
{
    const struct nx_span s = take(c, bytes);
    uint32_t value = 0;

    for (size_t i = 0; i < s.len; i++) {
        value = value << 8 | (uint8_t)s.ptr[i];
    }
    return value;
}

static uint8_t take_byte(struct cursor *c)
{
    return (uint8_t)take_number(c, 1);
}

static uint16_t take_be16(struct cursor *c)
{
    return (uint16_t)take_number(c, 2);
}

/* Section 1.5.5: at most four bytes, and no more than needed. */
static uint32_t take_varint(struct cursor *c)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < MQTT_VARINT_BYTES; i++) {
        const uint8_t byte = take_byte(c);
        value |= (uint32_t)(byte & 0x7F) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (i > 0 && byte == 0) {
                fail(c);
            }
            return c->bad ? 0 : value;
        }
    }
    fail(c);
    return 0;
}

static struct nx_span take_binary(struct cursor *c)
{
    return take(c, take_be16(c));
}

static struct nx_span take_text(struct cursor *c)
{
    const struct nx_span s = take_binary(c);

    if (!nx_mqtt_text_ok(s)) {
        fail(c);
        return (struct nx_span){"", 0};
    }
    return s;
}

/* A packet identifier is never 0, section 2.2.1. */
static uint16_t take_packet_id(struct cursor *c)
{
    const uint16_t id = take_be16(c);

    if (id == 0) {
        fail(c);
    }
    return id;
}

static enum nx_err verdict(const struct cursor *c)
{
    return c->bad || left(c) > 0 ? NX_ERR_SYNTAX : NX_OK;
}

/* ---- properties, section 2.2.2 ---- */

enum form {
    FORM_NONE,
    FORM_BIT,
    FORM_U16,
    FORM_U32,
    FORM_VARINT,
    FORM_BINARY,
    FORM_TEXT,
    FORM_PAIR
};

#define IN(type) (1U << NX_MQTT_##type)

enum {
    IN_ACKS = IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP) | IN(SUBACK),
};

/* As far as a server may send them (no Session Expiry Interval in its DISCONNECT: 3.14.2.2.2). */
static const struct property_rule {
    uint8_t form; /* every one-byte property is 0 or 1 */
    bool nonzero; /* 0 is a protocol error */
    bool repeats;
    uint32_t packets;
} property_rules[PROP_COUNT] = {
    [PROP_PAYLOAD_FORMAT] = {FORM_BIT, false, false, IN(PUBLISH)},
    [PROP_MESSAGE_EXPIRY] = {FORM_U32, false, false, IN(PUBLISH)},
    [PROP_CONTENT_TYPE] = {FORM_TEXT, false, false, IN(PUBLISH)},
    [PROP_RESPONSE_TOPIC] = {FORM_TEXT, false, false, IN(PUBLISH)},
    [PROP_CORRELATION_DATA] = {FORM_BINARY, false, false, IN(PUBLISH)},
    [PROP_SUBSCRIPTION_ID] = {FORM_VARINT, true, true, IN(PUBLISH)},
    [PROP_SESSION_EXPIRY] = {FORM_U32, false, false, IN(CONNACK)},
    [PROP_ASSIGNED_CLIENT_ID] = {FORM_TEXT, false, false, IN(CONNACK)},
    [PROP_SERVER_KEEPALIVE] = {FORM_U16, false, false, IN(CONNACK)},
    [PROP_AUTH_METHOD] = {FORM_TEXT, false, false, IN(CONNACK)},
    [PROP_AUTH_DATA] = {FORM_BINARY, false, false, IN(CONNACK)},
    [PROP_RESPONSE_INFORMATION] = {FORM_TEXT, false, false, IN(CONNACK)},
    [PROP_SERVER_REFERENCE] = {FORM_TEXT, false, false, IN(CONNACK) | IN(DISCONNECT)},
    [PROP_REASON_STRING] = {FORM_TEXT, false, false, IN(CONNACK) | IN_ACKS | IN(DISCONNECT)},
    [PROP_RECEIVE_MAX] = {FORM_U16, true, false, IN(CONNACK)},
    [PROP_TOPIC_ALIAS_MAX] = {FORM_U16, false, false, IN(CONNACK)},
    [PROP_TOPIC_ALIAS] = {FORM_U16, true, false, IN(PUBLISH)},
    [PROP_QOS_MAX] = {FORM_BIT, false, false, IN(CONNACK)},
    [PROP_RETAIN_AVAILABLE] = {FORM_BIT, false, false, IN(CONNACK)},
    [PROP_USER] = {FORM_PAIR, false, true, IN(CONNACK) | IN(PUBLISH) | IN_ACKS | IN(DISCONNECT)},
    [PROP_PACKET_BYTES_MAX] = {FORM_U32, true, false, IN(CONNACK)},
    [PROP_WILDCARD_AVAILABLE] = {FORM_BIT, false, false, IN(CONNACK)},
    [PROP_SUBSCRIPTION_ID_AVAILABLE] = {FORM_BIT, false, false, IN(CONNACK)},
    [PROP_SHARED_AVAILABLE] = {FORM_BIT, false, false, IN(CONNACK)},
};

struct property {
    uint32_t id;
    uint32_t number;
    struct nx_span text, value; /* value: of a user property, whose name is in text */
};

/* The properties of one packet: a cursor of their own, which never reads beyond them. */
struct properties {
    struct cursor cursor;
    uint32_t packet; /* its bit in property_rule.packets */
    uint64_t seen;   /* bit by identifier */
};

static struct properties take_properties(struct cursor *c, const struct nx_mqtt_packet *packet)
{
    const struct nx_span bytes = take(c, take_varint(c));

    return (struct properties){.cursor = cursor_over(bytes), .packet = 1U << packet->type};
}

static void take_value(struct cursor *c, const struct property_rule *rule, struct property *out)
{
    switch ((enum form)rule->form) {
    case FORM_NONE:
        fail(c);
        break;
    case FORM_BIT:
        out->number = take_byte(c);
        if (out->number > 1) {
            fail(c);
        }
        break;
    case FORM_U16:
        out->number = take_be16(c);
        break;
    case FORM_U32:
        out->number = take_number(c, 4);
        break;
    case FORM_VARINT:
        out->number = take_varint(c);
        break;
    case FORM_BINARY:
        out->text = take_binary(c);
        break;
    case FORM_TEXT:
        out->text = take_text(c);
        break;
    case FORM_PAIR:
        out->text = take_text(c);
        out->value = take_text(c);
        break;
    }
    if (rule->nonzero && out->number == 0) {
        fail(c);
    }
}

/* The next property; false at the end and at a fault. */
static bool next_property(struct properties *p, struct property *out)
{
    const struct property_rule *rule;

    *out = (struct property){0};
    if (left(&p->cursor) == 0) {
        return false;
    }
    out->id = take_varint(&p->cursor);
    if (out->id >= PROP_COUNT) {
        fail(&p->cursor);
        return false;
    }
    rule = &property_rules[out->id];
    if ((rule->packets & p->packet) == 0 ||
        (!rule->repeats && (p->seen & (uint64_t)1 << out->id) != 0)) {
        fail(&p->cursor);
        return false;
    }
    p->seen |= (uint64_t)1 << out->id;
    take_value(&p->cursor, rule, out);
    return !p->cursor.bad;
}

/* For packets of which only the reason string is of interest. */
static struct nx_span take_reason_string(struct cursor *c, const struct nx_mqtt_packet *packet)
{
    struct properties properties = take_properties(c, packet);
    struct nx_span reason = {"", 0};
    struct property property;

    while (next_property(&properties, &property)) {
        if (property.id == PROP_REASON_STRING) {
            reason = property.text;
        }
    }
    if (properties.cursor.bad) {
        fail(c);
    }
    return reason;
}

/* ---- CONNACK, section 3.2 ---- */

static void connack_property(struct nx_mqtt_connack *out, const struct property *property)
{
    switch (property->id) {
    case PROP_RECEIVE_MAX:
        out->receive_max = (uint16_t)property->number;
        break;
    case PROP_QOS_MAX:
        out->qos_max = (uint8_t)property->number;
        break;
    case PROP_RETAIN_AVAILABLE:
        out->retain_available = property->number == 1;
        break;
    case PROP_PACKET_BYTES_MAX:
        out->packet_bytes_max = property->number;
        break;
    case PROP_SESSION_EXPIRY:
        out->session_expiry_stated = true;
        out->session_expiry_s = property->number;
        break;
    case PROP_SERVER_REFERENCE:
        out->server_reference = property->text;
        break;
    case PROP_ASSIGNED_CLIENT_ID:
        out->client_id = property->text;
        break;
    case PROP_SERVER_KEEPALIVE:
        out->keepalive_stated = true;
        out->keepalive_s = (uint16_t)property->number;
        break;
    case PROP_REASON_STRING:
        out->reason_string = property->text;
        break;
    default: /* allowed, and of no use to us */
        break;
    }
}

/* The return codes of 3.1.1 section 3.2.2.3 in the words of MQTT 5. */
static uint8_t reason_of_return_code(struct cursor *c, uint8_t code)
{
    static const uint8_t reasons[] = {
        NX_MQTT_SUCCESS,
        NX_MQTT_BAD_PROTOCOL_VERSION,
        NX_MQTT_BAD_CLIENT_ID,
        NX_MQTT_SERVER_UNAVAILABLE,
        NX_MQTT_BAD_USER_OR_PASSWORD,
        NX_MQTT_NOT_AUTHORIZED,
    };

    if (code >= sizeof(reasons)) {
        fail(c);
        return NX_MQTT_REFUSED;
    }
    return reasons[code];
}

enum nx_err nx_mqtt_decode_connack(const struct nx_mqtt_packet *packet, uint8_t level,
                                   struct nx_mqtt_connack *out)
{
    struct cursor c = cursor_over(packet->body);
    const uint8_t flags = take_byte(&c);
    const uint8_t code = take_byte(&c);

    *out = (struct nx_mqtt_connack){
        .session_present = (flags & 1) != 0,
        .reason = code,
        .retain_available = true,
        .qos_max = 2,
        .receive_max = NX_MQTT_RECEIVE_MAX,
        .packet_bytes_max = UINT32_MAX,
    };
    if (packet->type != NX_MQTT_CONNACK || packet->flags != 0 || (flags & 0xFE) != 0) {
        return NX_ERR_SYNTAX;
    }
    if (level == NX_MQTT_5) {
        struct properties properties = take_properties(&c, packet);
        struct property property;
        while (next_property(&properties, &property)) {
            connack_property(out, &property);
        }
        if (properties.cursor.bad) {
            fail(&c);
        }
    } else {
        out->reason = reason_of_return_code(&c, code);
    }
    if (out->session_present && out->reason != NX_MQTT_SUCCESS) {
        fail(&c); /* MQTT-3.2.2-6 */
    }
    return verdict(&c);
}

/* ---- PUBLISH, section 3.3 ---- */

static enum nx_err publish_property(struct nx_mqtt_publish *out, const struct property *property)
{
    switch (property->id) {
    case PROP_TOPIC_ALIAS:
        return NX_ERR_UNSUPPORTED;
    case PROP_MESSAGE_EXPIRY:
        /* 0 would say "none" in the struct; one second is the nearest that it can say */
        out->message_expiry_s = property->number > 0 ? property->number : 1;
        break;
    case PROP_CONTENT_TYPE:
        out->content_type = property->text;
        break;
    case PROP_USER:
        if (out->user_count < NX_MQTT_USER_PROPERTIES_MAX) {
            out->user[out->user_count++] =
                (struct nx_mqtt_user_property){property->text, property->value};
        }
        break;
    default: /* allowed, and of no use to us */
        break;
    }
    return NX_OK;
}

static enum nx_err publish_properties(struct cursor *c, const struct nx_mqtt_packet *packet,
                                      struct nx_mqtt_publish *out)
{
    struct properties properties = take_properties(c, packet);
    struct property property;
    enum nx_err err = NX_OK;

    while (err == NX_OK && next_property(&properties, &property)) {
        err = publish_property(out, &property);
    }
    if (properties.cursor.bad) {
        fail(c);
    }
    return err;
}

enum nx_err nx_mqtt_decode_publish(const struct nx_mqtt_packet *packet, uint8_t level,
                                   struct nx_mqtt_publish *out)
{
    struct cursor c = cursor_over(packet->body);
    enum nx_err err = NX_OK;

    /* not all of the struct is cleared: the user properties beyond user_count are not looked at */
    out->qos = packet->flags >> 1 & 3;
    out->dup = (packet->flags & 8) != 0;
    out->retain = (packet->flags & 1) != 0;
    out->packet_id = 0;
    out->content_type = (struct nx_span){"", 0};
    out->message_expiry_s = 0;
    out->user_count = 0;
    if (packet->type != NX_MQTT_PUBLISH || out->qos == 3 || (out->dup && out->qos == 0)) {
        return NX_ERR_SYNTAX;
    }
    out->topic = take_binary(&c);
    if (out->qos > 0) {
        out->packet_id = take_packet_id(&c);
    }
    if (level == NX_MQTT_5) {
        err = publish_properties(&c, packet, out);
    }
    out->payload = take(&c, left(&c));
    if (err == NX_OK && !nx_mqtt_topic_ok(out->topic)) {
        return NX_ERR_SYNTAX; /* after the properties: an empty topic may stand for an alias */
    }
    return c.bad ? NX_ERR_SYNTAX : err;
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP, sections 3.4 to 3.7 ---- */

enum nx_err nx_mqtt_decode_ack(const struct nx_mqtt_packet *packet, uint8_t level,
                               struct nx_mqtt_ack *out)
{
    struct cursor c = cursor_over(packet->body);
    const uint8_t flags = packet->type == NX_MQTT_PUBREL ? 2 : 0; /* section 2.1.3 */

    *out = (struct nx_mqtt_ack){.packet_id = take_packet_id(&c), .reason_string = {"", 0}};
    if (packet->type < NX_MQTT_PUBACK || packet->type > NX_MQTT_PUBCOMP || packet->flags != flags) {
        return NX_ERR_SYNTAX;
    }
    if (level == NX_MQTT_5 && left(&c) > 0) {
        out->reason = take_byte(&c);
    }
    if (level == NX_MQTT_5 && left(&c) > 0) {
        out->reason_string = take_reason_string(&c, packet);
    }
    return verdict(&c);
}

/* ---- SUBACK, section 3.9 ---- */

enum nx_err nx_mqtt_decode_suback(const struct nx_mqtt_packet *packet, uint8_t level,
                                  struct nx_mqtt_suback *out)
{
    struct cursor c = cursor_over(packet->body);

    *out = (struct nx_mqtt_suback){.packet_id = take_packet_id(&c), .reason_string = {"", 0}};
    if (packet->type != NX_MQTT_SUBACK || packet->flags != 0) {
        return NX_ERR_SYNTAX;
    }
    if (level == NX_MQTT_5) {
        out->reason_string = take_reason_string(&c, packet);
    }
    out->reasons = take(&c, left(&c));
    for (size_t i = 0; i < out->reasons.len; i++) {
        const uint8_t reason = (uint8_t)out->reasons.ptr[i];
        if ((reason > 2 && reason < NX_MQTT_REFUSED) ||
            (level != NX_MQTT_5 && reason > NX_MQTT_REFUSED)) {
            fail(&c);
        }
    }
    return out->reasons.len == 0 ? NX_ERR_SYNTAX : verdict(&c);
}

/* ---- PINGRESP and DISCONNECT, sections 3.13 and 3.14 ---- */

enum nx_err nx_mqtt_decode_pingresp(const struct nx_mqtt_packet *packet)
{
    const bool ok = packet->type == NX_MQTT_PINGRESP && packet->flags == 0 && packet->body.len == 0;

    return ok ? NX_OK : NX_ERR_SYNTAX;
}

enum nx_err nx_mqtt_decode_disconnect(const struct nx_mqtt_packet *packet,
                                      struct nx_mqtt_disconnect *out)
{
    struct cursor c = cursor_over(packet->body);
    struct properties properties;
    struct property property;

    *out = (struct nx_mqtt_disconnect){.reason_string = {"", 0}, .server_reference = {"", 0}};
    if (packet->type != NX_MQTT_DISCONNECT || packet->flags != 0) {
        return NX_ERR_SYNTAX;
    }
    if (left(&c) > 0) {
        out->reason = take_byte(&c);
    }
    if (left(&c) > 0) {
        properties = take_properties(&c, packet);
        while (next_property(&properties, &property)) {
            if (property.id == PROP_REASON_STRING) {
                out->reason_string = property.text;
            } else if (property.id == PROP_SERVER_REFERENCE) {
                out->server_reference = property.text;
            }
        }
        if (properties.cursor.bad) {
            fail(&c);
        }
    }
    return verdict(&c);
}
