/*
 * mqtt.c - what both directions of the MQTT codec stand on: where a packet ends, what a text is,
 * and what the reason codes are called.
 */
#include "core/mqtt.h"
#include "core/mqtt_internal.h"
#include "core/utf8.h"

static const struct {
    uint8_t code;
    const char *text;
} reasons[] = {
    /* section 2.4; ascending */
    {0x00, "success"},
    {0x01, "granted QoS 1"},
    {0x02, "granted QoS 2"},
    {0x04, "disconnect with will message"},
    {0x10, "no matching subscribers"},
    {0x11, "no subscription existed"},
    {0x18, "continue authentication"},
    {0x19, "re-authenticate"},
    {0x80, "unspecified error"},
    {0x81, "malformed packet"},
    {0x82, "protocol error"},
    {0x83, "implementation specific error"},
    {0x84, "unsupported protocol version"},
    {0x85, "client identifier not valid"},
    {0x86, "bad user name or password"},
    {0x87, "not authorized"},
    {0x88, "server unavailable"},
    {0x89, "server busy"},
    {0x8A, "banned"},
    {0x8B, "server shutting down"},
    {0x8C, "bad authentication method"},
    {0x8D, "keep alive timeout"},
    {0x8E, "session taken over"},
    {0x8F, "topic filter invalid"},
    {0x90, "topic name invalid"},
    {0x91, "packet identifier in use"},
    {0x92, "packet identifier not found"},
    {0x93, "receive maximum exceeded"},
    {0x94, "topic alias invalid"},
    {0x95, "packet too large"},
    {0x96, "message rate too high"},
    {0x97, "quota exceeded"},
    {0x98, "administrative action"},
    {0x99, "payload format invalid"},
    {0x9A, "retain not supported"},
    {0x9B, "QoS not supported"},
    {0x9C, "use another server"},
    {0x9D, "server moved"},
    {0x9E, "shared subscriptions not supported"},
    {0x9F, "connection rate exceeded"},
    {0xA0, "maximum connect time"},
    {0xA1, "subscription identifiers not supported"},
    {0xA2, "wildcard subscriptions not supported"},
};

const char *nx_mqtt_reason_text(uint8_t reason)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].code == reason) {
            return reasons[i].text;
        }
    }
    return "unknown reason";
}

const char *nx_mqtt_type_name(unsigned type)
{
    static const char *const names[] = {
        "reserved", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
        "PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
        "PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH",
    };

    return type < sizeof(names) / sizeof(names[0]) ? names[type] : names[0];
}

enum nx_err nx_mqtt_frame(struct nx_span bytes, size_t packet_bytes_max, struct nx_mqtt_packet *out)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    size_t length = 0, i;

    *out = (struct nx_mqtt_packet){0};
    if (bytes.len == 0) {
        return NX_ERR_AGAIN;
    }
    out->type = at[0] >> 4;
    out->flags = at[0] & 0x0F;
    if (out->type == 0) {
        return NX_ERR_SYNTAX;
    }
    for (i = 1; i <= MQTT_VARINT_BYTES; i++) {
        if (i == bytes.len) {
            return NX_ERR_AGAIN;
        }
        length |= (size_t)(at[i] & 0x7F) << (7 * (i - 1));
        if ((at[i] & 0x80) == 0) {
            break;
        }
    }
    if (i > MQTT_VARINT_BYTES || (i > 1 && at[i] == 0)) {
        return NX_ERR_SYNTAX; /* a fifth byte, or more bytes than needed, section 1.5.5 */
    }
    out->size = 1 + i + length;
    if (out->size > packet_bytes_max) {
        return NX_ERR_LIMIT;
    }
    if (out->size > bytes.len) {
        return NX_ERR_AGAIN;
    }
    out->body = (struct nx_span){bytes.ptr + 1 + i, length};
    return NX_OK;
}

/* Past whole words of ASCII without NUL: nearly every text is nothing else. */
static const char *skip_ascii(const char *at, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t word;

    while (end - at >= (ptrdiff_t)sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        if (((word | (word - ones)) & ones << 7) != 0) { /* a high bit, or a borrow from a 0 */
            break;
        }
        at += sizeof(word);
    }
    return at;
}

bool nx_mqtt_text_ok(struct nx_span s)
{
    const char *at = s.ptr, *end = s.len > 0 ? s.ptr + s.len : s.ptr;

    at = skip_ascii(at, end);
    while (at < end) {
        const unsigned step = *at != '\0' ? nx_utf8_valid(at, end) : 0;
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

bool nx_mqtt_topic_ok(struct nx_span s)
{
    return s.len > 0 && memchr(s.ptr, '+', s.len) == NULL && memchr(s.ptr, '#', s.len) == NULL &&
           nx_mqtt_text_ok(s);
}
