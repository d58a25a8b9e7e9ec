/*
 * mqtt_encode.c - structs to MQTT packets.
 *
 * MQTT puts lengths before what they count. Each packet is therefore described once, by a function
 * over a writer, and run twice: over a writer without memory, which only counts, and over one with
 * exactly that much. Either a whole packet is appended or nothing. Only PUBLISH, which is most of
 * all traffic, is counted by arithmetic.
 */
#include "core/mqtt.h"
#include "core/mqtt_internal.h"

#include <assert.h>

struct writer {
    uint8_t *at; /* NULL: count only */
    size_t len;
};

typedef void describe_fn(struct writer *w, const void *what);

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
    if (w->at != NULL && len > 0) {
        memcpy(w->at + w->len, bytes, len);
    }
    w->len += len;
}

static void put_byte(struct writer *w, unsigned value)
{
    if (w->at != NULL) {
        w->at[w->len] = (uint8_t)value;
    }
    w->len++;
}

static void put_be16(struct writer *w, uint16_t value)
{
    put_byte(w, value >> 8);
    put_byte(w, value & 0xFF);
}

static void put_be32(struct writer *w, uint32_t value)
{
    put_be16(w, (uint16_t)(value >> 16));
    put_be16(w, (uint16_t)(value & 0xFFFF));
}

static void put_varint(struct writer *w, size_t value)
{
    do {
        put_byte(w, (value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
}

static void put_text(struct writer *w, struct nx_span s)
{
    put_be16(w, (uint16_t)s.len);
    put_bytes(w, s.ptr, s.len);
}

/* What `describe` writes, with its length before it: properties. */
static void put_counted(struct writer *w, describe_fn *describe, const void *what)
{
    struct writer count = {0};

    describe(&count, what);
    put_varint(w, count.len);
    describe(w, what);
}

static size_t varint_size(size_t value)
{
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

/* A packet whose body has `body_size` bytes. */
static enum nx_err append_sized(struct nx_buf *out, unsigned first_byte, size_t body_size,
                                describe_fn *body, const void *what)
{
    const size_t size = 1 + varint_size(body_size) + body_size;
    struct writer w = {0};
    char *room;
    enum nx_err err;

    if (size > NX_MQTT_PACKET_MAX) {
        return NX_ERR_LIMIT;
    }
    err = nx_buf_reserve(out, size, &room);
    if (err != NX_OK) {
        return err;
    }
    w.at = (uint8_t *)room;
    put_byte(&w, first_byte);
    put_varint(&w, body_size);
    body(&w, what);
    assert(w.len == size);
    out->len += size;
    return NX_OK;
}

static enum nx_err append(struct nx_buf *out, unsigned first_byte, describe_fn *body,
                          const void *what)
{
    struct writer count = {0};

    body(&count, what);
    return append_sized(out, first_byte, count.len, body, what);
}

static unsigned first_byte(enum nx_mqtt_type type, unsigned flags)
{
    return (unsigned)type << 4 | flags;
}

/* A text field that the format can carry. */
static enum nx_err check_text(struct nx_span s)
{
    if (s.len > MQTT_TEXT_MAX) {
        return NX_ERR_LIMIT;
    }
    return nx_mqtt_text_ok(s) ? NX_OK : NX_ERR_INVALID;
}

/* ---- CONNECT, section 3.1 ---- */

static void connect_properties(struct writer *w, const void *what)
{
    const struct nx_mqtt_connect *c = what;

    if (c->session_expiry_s > 0) {
        put_byte(w, PROP_SESSION_EXPIRY);
        put_be32(w, c->session_expiry_s);
    }
    if (c->receive_max > 0) {
        put_byte(w, PROP_RECEIVE_MAX);
        put_be16(w, c->receive_max);
    }
    if (c->packet_bytes_max > 0) {
        put_byte(w, PROP_PACKET_BYTES_MAX);
        put_be32(w, c->packet_bytes_max);
    }
}

/* Section 3.1.2.3. */
static unsigned connect_flags(const struct nx_mqtt_connect *c)
{
    unsigned flags = c->clean_start ? 0x02 : 0;

    if (c->will.topic.len > 0) {
        flags |= 0x04U | (unsigned)c->will.qos << 3 | (c->will.retain ? 0x20U : 0);
    }
    flags |= c->password.ptr != NULL ? 0x40U : 0;
    flags |= c->username.ptr != NULL ? 0x80U : 0;
    return flags;
}

static void connect_body(struct writer *w, const void *what)
{
    const struct nx_mqtt_connect *c = what;

    put_text(w, NX_SPAN("MQTT"));
    put_byte(w, c->level);
    put_byte(w, connect_flags(c));
    put_be16(w, c->keepalive_s);
    if (c->level == NX_MQTT_5) {
        put_counted(w, connect_properties, c);
    }
    put_text(w, c->client_id);
    if (c->will.topic.len > 0) {
        if (c->level == NX_MQTT_5) {
            put_varint(w, 0); /* no will properties */
        }
        put_text(w, c->will.topic);
        put_text(w, c->will.payload);
    }
    if (c->username.ptr != NULL) {
        put_text(w, c->username);
    }
    if (c->password.ptr != NULL) {
        put_text(w, c->password);
    }
}

static enum nx_err connect_check(const struct nx_mqtt_connect *c)
{
    enum nx_err err;

    if (c->level != NX_MQTT_5 && c->level != NX_MQTT_3_1_1) {
        return NX_ERR_UNSUPPORTED;
    }
    if (c->will.qos > 2 || (c->will.topic.len > 0 && !nx_mqtt_topic_ok(c->will.topic))) {
        return NX_ERR_INVALID;
    }
    if (c->level == NX_MQTT_3_1_1 && c->password.ptr != NULL && c->username.ptr == NULL) {
        return NX_ERR_INVALID; /* MQTT-3.1.2-22 of 3.1.1; MQTT 5 allows it */
    }
    if (c->level == NX_MQTT_3_1_1 && c->client_id.len == 0 && !c->clean_start) {
        return NX_ERR_INVALID; /* MQTT-3.1.3-7 of 3.1.1 */
    }
    if (c->will.topic.len > MQTT_TEXT_MAX || c->will.payload.len > MQTT_TEXT_MAX ||
        c->password.len > MQTT_TEXT_MAX) {
        return NX_ERR_LIMIT;
    }
    err = check_text(c->client_id);
    return err == NX_OK ? check_text(c->username) : err;
}

enum nx_err nx_mqtt_encode_connect(struct nx_buf *out, const struct nx_mqtt_connect *connect)
{
    enum nx_err err = connect_check(connect);

    if (err != NX_OK) {
        return err;
    }
    return append(out, first_byte(NX_MQTT_CONNECT, 0), connect_body, connect);
}

/* ---- PUBLISH, section 3.3 ---- */

struct publish_arg {
    const struct nx_mqtt_publish *publish;
    uint8_t level;
};

static size_t publish_properties_size(const struct nx_mqtt_publish *p)
{
    size_t size = p->message_expiry_s > 0 ? 5 : 0;

    size += p->content_type.len > 0 ? 3 + p->content_type.len : 0;
    for (size_t i = 0; i < p->user_count && i < NX_MQTT_USER_PROPERTIES_MAX; i++) {
        size += 5 + p->user[i].name.len + p->user[i].value.len;
    }
    return size;
}

static size_t publish_body_size(const struct publish_arg *arg)
{
    const struct nx_mqtt_publish *p = arg->publish;
    size_t size = 2 + p->topic.len + (p->qos > 0 ? 2 : 0) + p->payload.len;

    if (arg->level == NX_MQTT_5) {
        const size_t properties = publish_properties_size(p);
        size += varint_size(properties) + properties;
    }
    return size;
}

static void publish_properties(struct writer *w, const struct nx_mqtt_publish *p)
{
    if (p->message_expiry_s > 0) {
        put_byte(w, PROP_MESSAGE_EXPIRY);
        put_be32(w, p->message_expiry_s);
    }
    if (p->content_type.len > 0) {
        put_byte(w, PROP_CONTENT_TYPE);
        put_text(w, p->content_type);
    }
    for (size_t i = 0; i < p->user_count; i++) {
        put_byte(w, PROP_USER);
        put_text(w, p->user[i].name);
        put_text(w, p->user[i].value);
    }
}

static void publish_body(struct writer *w, const void *what)
{
    const struct publish_arg *arg = what;
    const struct nx_mqtt_publish *p = arg->publish;

    put_text(w, p->topic);
    if (p->qos > 0) {
        put_be16(w, p->packet_id);
    }
    if (arg->level == NX_MQTT_5) {
        put_varint(w, publish_properties_size(p));
        publish_properties(w, p);
    }
    put_bytes(w, p->payload.ptr, p->payload.len);
}

static enum nx_err publish_check_properties(const struct nx_mqtt_publish *p)
{
    enum nx_err err = check_text(p->content_type);

    if (p->user_count > NX_MQTT_USER_PROPERTIES_MAX) {
        return NX_ERR_LIMIT;
    }
    for (size_t i = 0; err == NX_OK && i < p->user_count; i++) {
        err = check_text(p->user[i].name);
        if (err == NX_OK) {
            err = check_text(p->user[i].value);
        }
    }
    return err;
}

static enum nx_err publish_check(const struct publish_arg *arg)
{
    const struct nx_mqtt_publish *p = arg->publish;

    if (p->qos > 2 || (p->qos > 0) != (p->packet_id > 0) || (p->dup && p->qos == 0) ||
        !nx_mqtt_topic_ok(p->topic)) {
        return NX_ERR_INVALID;
    }
    if (p->topic.len > MQTT_TEXT_MAX || p->payload.len > NX_MQTT_PACKET_MAX) {
        return NX_ERR_LIMIT;
    }
    return arg->level == NX_MQTT_5 ? publish_check_properties(p) : NX_OK;
}

enum nx_err nx_mqtt_encode_publish(struct nx_buf *out, uint8_t level,
                                   const struct nx_mqtt_publish *publish)
{
    const struct publish_arg arg = {publish, level};
    const enum nx_err err = publish_check(&arg);
    const unsigned flags =
        (publish->dup ? 0x08U : 0) | (unsigned)publish->qos << 1 | (publish->retain ? 1U : 0);

    if (err != NX_OK) {
        return err;
    }
    return append_sized(out, first_byte(NX_MQTT_PUBLISH, flags), publish_body_size(&arg),
                        publish_body, &arg);
}

size_t nx_mqtt_publish_size(uint8_t level, const struct nx_mqtt_publish *publish)
{
    const struct publish_arg arg = {publish, level};
    const size_t size = publish_body_size(&arg);

    return 1 + varint_size(size) + size;
}

/* ---- PUBACK, PUBREC, PUBREL, PUBCOMP, sections 3.4 to 3.7 ---- */

/* Without properties their length is left out, and with success the reason too (3.4.2.1). */
enum nx_err nx_mqtt_encode_ack(struct nx_buf *out, uint8_t level, enum nx_mqtt_type type,
                               uint16_t packet_id, uint8_t reason)
{
    const bool bare = level != NX_MQTT_5 || reason == NX_MQTT_SUCCESS;
    const char packet[] = {
        (char)first_byte(type, type == NX_MQTT_PUBREL ? 2 : 0),
        bare ? 2 : 3,
        (char)(packet_id >> 8),
        (char)(packet_id & 0xFF),
        (char)reason,
    };

    if (packet_id == 0 || type < NX_MQTT_PUBACK || type > NX_MQTT_PUBCOMP) {
        return NX_ERR_INVALID;
    }
    return nx_buf_add(out, packet, bare ? 4 : 5);
}

/* ---- SUBSCRIBE, section 3.8 ---- */

struct subscribe_arg {
    const struct nx_mqtt_subscribe *subscribe;
    uint8_t level;
};

static void subscribe_body(struct writer *w, const void *what)
{
    const struct subscribe_arg *arg = what;
    const struct nx_mqtt_subscribe *s = arg->subscribe;
    unsigned options = s->qos;

    put_be16(w, s->packet_id);
    if (arg->level == NX_MQTT_5) {
        put_varint(w, 0); /* no properties */
        options |= (s->no_local ? 0x04U : 0) | (s->retain_as_published ? 0x08U : 0) |
                   (unsigned)s->retain_handling << 4;
    }
    for (size_t i = 0; i < s->filters_count; i++) {
        put_text(w, s->filters[i]);
        put_byte(w, options);
    }
}

enum nx_err nx_mqtt_encode_subscribe(struct nx_buf *out, uint8_t level,
                                     const struct nx_mqtt_subscribe *subscribe)
{
    const struct subscribe_arg arg = {subscribe, level};
    enum nx_err err = NX_OK;

    if (subscribe->packet_id == 0 || subscribe->filters_count == 0 || subscribe->qos > 2 ||
        subscribe->retain_handling > 2) {
        return NX_ERR_INVALID;
    }
    for (size_t i = 0; err == NX_OK && i < subscribe->filters_count; i++) {
        err = subscribe->filters[i].len > 0 ? check_text(subscribe->filters[i]) : NX_ERR_INVALID;
    }
    if (err != NX_OK) {
        return err;
    }
    return append(out, first_byte(NX_MQTT_SUBSCRIBE, 0x02), subscribe_body, &arg);
}

/* ---- PINGREQ and DISCONNECT, sections 3.12 and 3.14 ---- */

static void empty_body(struct writer *w, const void *what)
{
    (void)w;
    (void)what;
}

enum nx_err nx_mqtt_encode_pingreq(struct nx_buf *out)
{
    return append(out, first_byte(NX_MQTT_PINGREQ, 0), empty_body, NULL);
}

static void disconnect_body(struct writer *w, const void *what)
{
    const uint8_t *reason = what;

    put_byte(w, *reason); /* without properties the length is left out, 3.14.2.2.1 */
}

enum nx_err nx_mqtt_encode_disconnect(struct nx_buf *out, uint8_t level, uint8_t reason)
{
    const bool bare = level != NX_MQTT_5 || reason == NX_MQTT_SUCCESS;

    return append(out, first_byte(NX_MQTT_DISCONNECT, 0), bare ? empty_body : disconnect_body,
                  &reason);
}
