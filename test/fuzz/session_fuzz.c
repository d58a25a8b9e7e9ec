/*
 * session_fuzz.c - the session's state machine against an evil broker, an evil network and a caller
 * who does everything at any time: on a connection and a clock that are played here, so that an
 * input is all that decides. The input is a row of steps, each a byte and what it needs.
 *
 * Beside the session's own assertions it must hold that all it sends is MQTT that a broker may be
 * sent, that it acknowledges only what it was given on this connection and once, that a PUBREL
 * leaves only for what the broker has received or what an earlier connection left, and that no
 * PUBLISH leaves beyond the broker's receive maximum.
 */
#include "bridge/session_state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_PACKET_MAX = 4096, FUZZ_IDS = 16, SLOTS = 65536, STEPS_MAX = 2000 };

struct nx_timer {
    void (*due)(void *ctx);
    void *ctx;
    bool set;
};

static struct {
    const uint8_t *at, *end;
    struct nx_session *session;
    struct nx_conn *conn;
    struct nx_timer timer;
    uint64_t now_ms;
    char net; /* its address stands for an open stream */
    uint8_t level;
    uint32_t receive_max, in_flight;
    bool kept;
    uint8_t held[SLOTS];  /* inbound: QoS of what may be acknowledged */
    uint8_t sent[SLOTS];  /* outbound: QoS of what is in flight */
    bool received[SLOTS]; /* outbound: a PUBREC came */
} fuzz;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint8_t next(void)
{
    return fuzz.at < fuzz.end ? *fuzz.at++ : 0;
}

/* ---- the clock ---- */

struct nx_timer *nx_timer_new(struct nx_loop *loop, void (*due)(void *ctx), void *ctx)
{
    (void)loop;
    fuzz.timer = (struct nx_timer){.due = due, .ctx = ctx};
    return &fuzz.timer;
}

void nx_timer_set(struct nx_timer *timer, uint64_t delay_ms)
{
    (void)delay_ms;
    timer->set = true;
}

void nx_timer_clear(struct nx_timer *timer)
{
    timer->set = false;
}

void nx_timer_free(struct nx_timer *timer)
{
    (void)timer;
}

uint64_t nx_loop_monotonic_ms(void)
{
    return fuzz.now_ms;
}

int64_t nx_loop_wall_ms(void)
{
    return (int64_t)fuzz.now_ms;
}

/* ---- the network ---- */

const char *nx_net_where(const char *host, uint16_t port, char out[NX_NET_WHERE_BYTES])
{
    (void)host;
    (void)port;
    out[0] = 'b';
    out[1] = '\0';
    return out;
}

const char *nx_net_doing(const struct nx_net *net)
{
    must(net != NULL);
    return "doing";
}

enum nx_err nx_net_credentials_new(const struct nx_net_files *files,
                                   struct nx_net_credentials **out, struct nx_diag *diag)
{
    (void)files;
    (void)diag;
    *out = NULL;
    return NX_OK;
}

enum nx_err nx_net_credentials_reload(struct nx_net_credentials *credentials, struct nx_diag *diag)
{
    (void)credentials;
    (void)diag;
    return NX_OK;
}

void nx_net_credentials_free(struct nx_net_credentials *credentials)
{
    (void)credentials;
}

/* ---- the connection ---- */

void nx_conn_init(struct nx_conn *conn, struct nx_loop *loop, const struct nx_conn_events *events,
                  void *ctx, size_t packet_bytes_max, size_t output_bytes_max)
{
    *conn = (struct nx_conn){
        .loop = loop, .events = events, .ctx = ctx, .packet_bytes_max = packet_bytes_max};
    nx_buf_init(&conn->out, output_bytes_max + 65536);
    fuzz.conn = conn;
}

void nx_conn_fini(struct nx_conn *conn)
{
    nx_conn_close(conn);
    nx_buf_fini(&conn->out);
}

void nx_conn_close(struct nx_conn *conn)
{
    conn->net = NULL;
    conn->connected = false;
    nx_buf_reset(&conn->out);
    memset(fuzz.held, 0, sizeof(fuzz.held));
    memset(fuzz.sent, 0, sizeof(fuzz.sent));
    memset(fuzz.received, 0, sizeof(fuzz.received));
    fuzz.in_flight = 0;
}

enum nx_err nx_conn_open(struct nx_conn *conn, const struct nx_net_config *config,
                         struct nx_diag *diag)
{
    must(conn->net == NULL && config->host != NULL);
    if (next() % 8 == 0) {
        nx_diag_set(diag, "no");
        return NX_ERR_IO;
    }
    conn->net = (struct nx_net *)(void *)&fuzz.net;
    return NX_OK;
}

struct nx_buf *nx_conn_output(struct nx_conn *conn)
{
    return &conn->out;
}

size_t nx_conn_bytes_queued(const struct nx_conn *conn)
{
    return conn->out.len;
}

static void check_ack(const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_ack ack;

    must(nx_mqtt_decode_ack(packet, fuzz.level, &ack) == NX_OK);
    if (packet->type == NX_MQTT_PUBACK || packet->type == NX_MQTT_PUBREC) {
        must(fuzz.held[ack.packet_id] == (packet->type == NX_MQTT_PUBREC ? 2 : 1));
        fuzz.held[ack.packet_id] = 0;
    } else if (packet->type == NX_MQTT_PUBREL) {
        must(fuzz.received[ack.packet_id] || (fuzz.kept && fuzz.sent[ack.packet_id] == 0));
        fuzz.in_flight += fuzz.sent[ack.packet_id] == 0;
        fuzz.sent[ack.packet_id] = 2;
        fuzz.received[ack.packet_id] = true;
    }
}

static void check_publish(const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_publish publish;

    must(nx_mqtt_decode_publish(packet, fuzz.level, &publish) == NX_OK);
    if (publish.qos > 0) {
        must(fuzz.sent[publish.packet_id] == 0 && fuzz.in_flight < fuzz.receive_max);
        must((publish.qos == 2) == (publish.packet_id <= FUZZ_IDS));
        fuzz.sent[publish.packet_id] = publish.qos;
        fuzz.in_flight++;
    }
}

/* All that was queued leaves at once, and is judged. */
void nx_conn_flush(struct nx_conn *conn)
{
    struct nx_span rest = nx_buf_view(&conn->out);
    struct nx_mqtt_packet packet;

    while (rest.len > 0) {
        must(nx_mqtt_frame(rest, NX_MQTT_PACKET_MAX, &packet) == NX_OK);
        must((1U << packet.type & (1U << NX_MQTT_CONNACK | 1U << NX_MQTT_SUBACK |
                                   1U << NX_MQTT_PINGRESP | 1U << NX_MQTT_AUTH)) == 0);
        if (packet.type == NX_MQTT_PUBLISH) {
            check_publish(&packet);
        } else if (packet.type >= NX_MQTT_PUBACK && packet.type <= NX_MQTT_PUBCOMP) {
            check_ack(&packet);
        }
        rest.ptr += packet.size;
        rest.len -= packet.size;
    }
    nx_buf_reset(&conn->out);
}

void nx_conn_end(struct nx_conn *conn)
{
    nx_conn_flush(conn);
    conn->ending = true;
}

void nx_conn_break(struct nx_conn *conn, const char *why)
{
    nx_diag_set(&conn->fault, "%s", why);
}

void nx_conn_want_settled(struct nx_conn *conn)
{
    must(conn->connected);
}

/* ---- what the broker sends ---- */

/* What the session is about to be told, as the checks above must know it too. */
static void note(const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_connack connack;
    struct nx_mqtt_publish publish;
    struct nx_mqtt_ack ack;

    if (packet->type == NX_MQTT_CONNACK && fuzz.session->state == SESSION_GREETING &&
        nx_mqtt_decode_connack(packet, fuzz.level, &connack) == NX_OK) {
        fuzz.receive_max = connack.receive_max;
        fuzz.kept = connack.session_present;
    } else if (packet->type == NX_MQTT_PUBLISH && fuzz.session->state == SESSION_UP &&
               nx_mqtt_decode_publish(packet, fuzz.level, &publish) == NX_OK && publish.qos > 0) {
        fuzz.held[publish.packet_id] = publish.qos;
    } else if (packet->type >= NX_MQTT_PUBACK && packet->type <= NX_MQTT_PUBCOMP &&
               nx_mqtt_decode_ack(packet, fuzz.level, &ack) == NX_OK) {
        const bool refused = packet->type == NX_MQTT_PUBREC && ack.reason >= NX_MQTT_REFUSED &&
                             !fuzz.received[ack.packet_id];
        const bool is_end = packet->type == NX_MQTT_PUBACK || packet->type == NX_MQTT_PUBCOMP;

        if (packet->type == NX_MQTT_PUBREC && fuzz.sent[ack.packet_id] == 2) {
            fuzz.received[ack.packet_id] = true;
        }
        if (is_end || refused) {
            fuzz.in_flight -= fuzz.sent[ack.packet_id] != 0;
            fuzz.sent[ack.packet_id] = 0;
            fuzz.received[ack.packet_id] = false;
        } else if (packet->type == NX_MQTT_PUBREL) {
            return;
        }
    }
}

static void hand_over(struct nx_span bytes)
{
    struct nx_conn *conn = fuzz.conn;
    struct nx_mqtt_packet packet;
    enum nx_err err = NX_OK;

    while (err == NX_OK && conn->net != NULL && conn->connected) {
        err = nx_mqtt_frame(bytes, FUZZ_PACKET_MAX, &packet);
        if (err == NX_OK) {
            nx_conn_flush(conn); /* what was queued before it came */
            note(&packet);
            conn->events->packet(conn->ctx, &packet);
            bytes.ptr += packet.size;
            bytes.len -= packet.size;
        } else if (err != NX_ERR_AGAIN) {
            conn->events->garbage(conn->ctx, err);
        }
    }
    if (conn->net != NULL && conn->connected) {
        conn->events->settled(conn->ctx);
    }
}

static void raw_bytes(void)
{
    const size_t wanted = next(), left = (size_t)(fuzz.end - fuzz.at);
    const size_t len = wanted < left ? wanted : left;

    hand_over((struct nx_span){(const char *)fuzz.at, len});
    fuzz.at += len;
}

static uint16_t some_id(void)
{
    const uint8_t byte = next();

    return (uint16_t)(1 + byte % (2 * FUZZ_IDS)); /* the caller's, and the first of the session's */
}

static void an_ack(void)
{
    static const enum nx_mqtt_type types[] = {NX_MQTT_PUBACK, NX_MQTT_PUBREC, NX_MQTT_PUBREL,
                                              NX_MQTT_PUBCOMP};
    const enum nx_mqtt_type type = types[next() % 4];
    const uint8_t reason = next() % 4 == 0 ? 0x87 : 0;
    struct nx_buf packet;

    nx_buf_init(&packet, 64);
    (void)nx_mqtt_encode_ack(&packet, fuzz.level, type, some_id(), reason);
    hand_over(nx_buf_view(&packet));
    nx_buf_fini(&packet);
}

static void a_message(void)
{
    struct nx_mqtt_publish publish = {
        .topic = NX_SPAN("t"), .payload = NX_SPAN("{}"), .qos = next() % 3, .dup = false};
    struct nx_buf packet;

    publish.packet_id = publish.qos > 0 ? some_id() : 0;
    publish.dup = publish.qos > 0 && next() % 2 == 0;
    nx_buf_init(&packet, 64);
    (void)nx_mqtt_encode_publish(&packet, fuzz.level, &publish);
    hand_over(nx_buf_view(&packet));
    nx_buf_fini(&packet);
}

static void a_connack(void)
{
    const uint8_t flags = next() % 2;
    const uint8_t window = 1 + next() % 8;
    const char with_5[] = {0x20, 6, (char)flags, 0, 3, 0x21, 0, (char)window};
    const char with_4[] = {0x20, 2, (char)flags, 0};

    hand_over(fuzz.level == NX_MQTT_5 ? (struct nx_span){with_5, sizeof(with_5)}
                                      : (struct nx_span){with_4, sizeof(with_4)});
}

/* ---- what the network and the clock do ---- */

static void connected(void)
{
    if (fuzz.conn->net != NULL && !fuzz.conn->connected) {
        fuzz.conn->connected = true;
        fuzz.conn->events->connected(fuzz.conn->ctx);
    }
}

static void lost(void)
{
    if (fuzz.conn->net != NULL) {
        nx_conn_close(fuzz.conn);
        fuzz.conn->events->lost(fuzz.conn->ctx, "lost");
    }
}

static void due(void)
{
    fuzz.now_ms += (uint64_t)next() * 100;
    if (fuzz.timer.set) {
        fuzz.timer.set = false;
        fuzz.timer.due(fuzz.timer.ctx);
    }
}

/* ---- what the caller does ---- */

static void publish(void)
{
    struct nx_mqtt_publish what = {.topic = NX_SPAN("t"), .payload = NX_SPAN("{}")};

    what.qos = next() % 4;
    what.packet_id = some_id();
    what.dup = what.qos > 0 && next() % 2 == 0;
    (void)nx_session_publish(fuzz.session, &what, next());
}

static void release(void)
{
    (void)nx_session_release(fuzz.session, some_id(), next());
}

static void ack(void)
{
    const uint32_t connection = nx_session_connection(fuzz.session) - (next() % 8 == 0);

    nx_session_ack(fuzz.session, connection, some_id());
}

static void subscribe(void)
{
    const struct nx_span filter = NX_SPAN("a/#");

    (void)nx_session_subscribe(fuzz.session, &filter, 1, next() % 3);
}

static void flush(void)
{
    nx_session_flush(fuzz.session);
}

static void start(void)
{
    nx_session_start(fuzz.session);
}

static void stop(void)
{
    if (next() % 4 == 0) {
        nx_session_stop(fuzz.session);
    }
}

static void (*const steps[])(void) = {raw_bytes, an_ack, an_ack,    a_message, a_message, a_connack,
                                      connected, lost,   due,       publish,   publish,   release,
                                      ack,       ack,    subscribe, flush,     start,     stop};

/* ---- what the session tells ---- */

static void on_up(void *ctx, bool session_present)
{
    (void)ctx;
    must(session_present == fuzz.kept);
}

static void on_down(void *ctx, const char *why)
{
    (void)ctx;
    must(why[0] != '\0');
}

static void on_message(void *ctx, const struct nx_mqtt_publish *message)
{
    (void)ctx;
    must(message->topic.len > 0 && message->qos <= 2);
}

static void on_answered(void *ctx, uint64_t token, uint8_t reason)
{
    (void)ctx;
    (void)reason;
    must(token < 256);
}

static void on_received(void *ctx, uint64_t token, uint16_t packet_id, uint8_t reason)
{
    (void)ctx;
    must(token < 256 && packet_id <= FUZZ_IDS);
    if (reason < NX_MQTT_REFUSED && next() % 2 == 0) {
        must(nx_session_release(fuzz.session, packet_id, token) == NX_OK);
    }
}

static void on_subscribed(void *ctx, uint8_t reason)
{
    (void)ctx;
    (void)reason;
}

static void on_room(void *ctx)
{
    (void)ctx;
}

static const struct nx_session_events events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .answered = on_answered,
    .received = on_received,
    .subscribed = on_subscribed,
    .room = on_room,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nx_session_address others[] = {{"c", 2}};
    const struct nx_log log = {0};
    struct nx_session_config config = {
        .name = "fuzz",
        .host = "b",
        .port = 1,
        .others = others,
        .others_count = 1,
        .client_id = "nx",
        .keepalive_s = 10,
        .session_expiry_s = 60,
        .receive_max = 4,
        .qos2_ids = FUZZ_IDS,
        .packet_bytes_max = FUZZ_PACKET_MAX,
        .output_bytes_max = 200,
        .backoff_ms_min = 10,
        .backoff_ms_max = 100,
        .seed = 1,
    };
    struct nx_diag diag = {0};

    memset(&fuzz, 0, sizeof(fuzz));
    fuzz.at = data;
    fuzz.end = data + size;
    fuzz.level = config.protocol_level = next() % 2 == 0 ? NX_MQTT_5 : NX_MQTT_3_1_1;
    must(nx_session_new(NULL, &log, &config, &events, NULL, &fuzz.session, &diag) == NX_OK);
    nx_session_start(fuzz.session);
    for (int i = 0; i < STEPS_MAX && fuzz.at < fuzz.end; i++) {
        steps[next() % (sizeof(steps) / sizeof(steps[0]))]();
    }
    nx_session_free(fuzz.session);
    return 0;
}
