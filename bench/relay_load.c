/*
 * relay_load.c - publishes numbered readings at one city's broker and follows them at another's:
 * how many arrive, how late, which are lost, repeated or out of order. One thread, two
 * connections, MQTT 3.1.1 with a large window, so that the relay between them is what is measured.
 *
 * Where what arrives still carries the number ("seq": a bridge that changes nothing, or the
 * original) each reading is followed by it; a translated observation is counted, and its latency
 * taken by its place in the order.
 *
 * Prints one line of JSON.
 */
#include "core/base/buf.h"
#include "core/mqtt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_MS = 1000000,
    INPUT_BYTES_MAX = 4 * 1024 * 1024,
    OUTPUT_BYTES_MAX = 4 * 1024 * 1024,
    OUTPUT_BYTES_FULL = 256 * 1024,
    STREAMS_MAX = 100000,
    COUNT_MAX = 10000000,
    WINDOW_MAX = 60000,
    SEQ_BASE = 100000000, /* all numbers have the same width */
    LEVEL = NX_MQTT_3_1_1,
};

struct peer {
    const char *name;
    uint16_t port;
    const char *username, *password, *client_id;
    int fd;
    struct nx_buf in, out;
    size_t taken; /* bytes of `in` that are done with */
};

struct load {
    struct peer source, sink;
    const char *city, *filter;
    uint64_t count, rate, streams, window;
    uint64_t linger_ns, idle_ns;
    uint64_t published, acknowledged, received, unexpected, duplicated, reordered;
    uint64_t started_ns, first_ns, last_ns, acknowledged_ns;
    uint64_t *sent_ns;    /* by number */
    uint32_t *latency_us; /* by number; 0: not yet here */
    uint64_t *last_seq;   /* by stream */
    bool subscribed;
};

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

static void die(const char *who, const char *what)
{
    fprintf(stderr, "relay_load: %s: %s%s%s\n", who, what, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    exit(1);
}

static void *allocate(uint64_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        die("memory", "out of it");
    }
    return memory;
}

/* --- connections -------------------------------------------------------------------------------- */

static void peer_connect(struct peer *peer)
{
    const int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(peer->port)};
    struct nx_mqtt_connect connect_packet = {
        .level = LEVEL,
        .clean_start = true,
        .keepalive_s = 0,
        .client_id = nx_span_from(peer->client_id),
        .username = nx_span_from(peer->username),
        .password = nx_span_from(peer->password),
    };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    nx_buf_init(&peer->in, INPUT_BYTES_MAX);
    nx_buf_init(&peer->out, OUTPUT_BYTES_MAX);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer->fd < 0 || connect(peer->fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        die(peer->name, "connect");
    }
    (void)fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (nx_mqtt_encode_connect(&peer->out, &connect_packet) != NX_OK) {
        die(peer->name, "CONNECT");
    }
}

static void peer_write(struct peer *peer)
{
    size_t done = 0;

    while (done < peer->out.len) {
        ssize_t put = send(peer->fd, peer->out.data + done, peer->out.len - done, MSG_NOSIGNAL);

        if (put < 0) {
            if (errno != EAGAIN) {
                die(peer->name, "send");
            }
            break;
        }
        done += (size_t)put;
    }
    nx_buf_consume(&peer->out, done);
}

static void peer_read(struct peer *peer)
{
    static char bytes[256 * 1024];
    ssize_t got;

    nx_buf_consume(&peer->in, peer->taken);
    peer->taken = 0;
    got = recv(peer->fd, bytes, sizeof(bytes), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        die(peer->name, "the broker closed the connection");
    }
    if (got > 0 && nx_buf_add(&peer->in, bytes, (size_t)got) != NX_OK) {
        die(peer->name, "input too large");
    }
}

/* The next whole packet of what was read. */
static bool peer_packet(struct peer *peer, struct nx_mqtt_packet *packet)
{
    struct nx_span rest = {peer->in.data + peer->taken, peer->in.len - peer->taken};
    enum nx_err err = nx_mqtt_frame(rest, INPUT_BYTES_MAX, packet);

    if (err == NX_ERR_AGAIN) {
        return false;
    }
    if (err != NX_OK) {
        die(peer->name, "malformed packet");
    }
    peer->taken += packet->size;
    return true;
}

static void check_connack(const struct peer *peer, const struct nx_mqtt_packet *packet)
{
    struct nx_mqtt_connack connack;

    errno = 0;
    if (nx_mqtt_decode_connack(packet, LEVEL, &connack) != NX_OK ||
        connack.reason >= NX_MQTT_REFUSED) {
        die(peer->name, "not let in");
    }
}

/* --- publishing --------------------------------------------------------------------------------- */

static void publish_one(struct load *load, uint64_t now)
{
    uint64_t n = load->published;
    char topic[128];
    char payload[512];
    struct nx_mqtt_publish publish = {.qos = 1, .packet_id = (uint16_t)(1 + n % 65535)};
    unsigned hour = (unsigned)(n / 3600 % 24);

    (void)snprintf(topic, sizeof(topic), "nexus/%s/air/S%05" PRIu64 "/observation", load->city,
                   n % load->streams);
    (void)snprintf(payload, sizeof(payload),
                   "{\"site\":\"S%05" PRIu64 "\",\"name\":\"Birmingham Ladywood\","
                   "\"time\":\"2026-02-01T%02u:00:00Z\",\"latitude\":52.481346,"
                   "\"longitude\":-1.918235,\"no2\":%u.%u,\"o3\":51.2,\"so2\":2.4,\"co\":210.5,"
                   "\"pm10\":%u.0,\"pm25\":11.3,\"seq\":%" PRIu64 "}",
                   n % load->streams, hour, (unsigned)(10 + n % 60), (unsigned)(n % 10),
                   (unsigned)(12 + n % 30), SEQ_BASE + n);
    publish.topic = nx_span_from(topic);
    publish.payload = nx_span_from(payload);
    if (nx_mqtt_encode_publish(&load->source.out, LEVEL, &publish) != NX_OK) {
        die("publisher", "PUBLISH");
    }
    load->sent_ns[n] = now;
    load->published++;
}

static void publish_due(struct load *load, uint64_t now)
{
    uint64_t due = load->count;

    if (!load->subscribed) {
        return;
    }
    if (load->started_ns == 0) {
        load->started_ns = now;
    }
    if (load->rate > 0) {
        due = 1 + (now - load->started_ns) * load->rate / (1000 * NS_PER_MS);
        due = due < load->count ? due : load->count;
    }
    while (load->published < due && load->published - load->acknowledged < load->window &&
           load->source.out.len < OUTPUT_BYTES_FULL) {
        publish_one(load, now);
    }
}

static void on_source(struct load *load)
{
    struct nx_mqtt_packet packet;

    peer_read(&load->source);
    while (peer_packet(&load->source, &packet)) {
        if (packet.type == NX_MQTT_CONNACK) {
            check_connack(&load->source, &packet);
        } else if (packet.type == NX_MQTT_PUBACK) {
            load->acknowledged++;
            load->acknowledged_ns = now_ns();
        }
    }
}

/* --- following ---------------------------------------------------------------------------------- */

/* The number of what arrived, or that of its place in the order. */
static uint64_t number_of(const struct load *load, struct nx_span payload)
{
    static const char key[] = "\"seq\":";
    const char *at = memmem(payload.ptr, payload.len, key, sizeof(key) - 1);
    uint64_t seq = 0;

    if (at == NULL) {
        return load->received;
    }
    for (at += sizeof(key) - 1; at < payload.ptr + payload.len && *at >= '0' && *at <= '9'; at++) {
        seq = seq * 10 + (uint64_t)(*at - '0');
    }
    return seq - SEQ_BASE;
}

static void on_reading(struct load *load, const struct nx_mqtt_publish *publish, uint64_t now)
{
    uint64_t n = number_of(load, publish->payload);
    uint64_t *last;

    if (n >= load->published) {
        load->unexpected++;
        return;
    }
    last = &load->last_seq[n % load->streams];
    if (load->latency_us[n] != 0) {
        load->duplicated++;
        return;
    }
    load->reordered += n + 1 < *last ? 1 : 0;
    *last = n + 1;
    load->latency_us[n] = (uint32_t)((now - load->sent_ns[n]) / 1000) + 1;
    load->first_ns = load->received == 0 ? now : load->first_ns;
    load->last_ns = now;
    load->received++;
}

static void subscribe(struct load *load)
{
    struct nx_span filter = nx_span_from(load->filter);
    struct nx_mqtt_subscribe packet = {
        .packet_id = 1, .filters = &filter, .filters_count = 1, .qos = 1};

    if (nx_mqtt_encode_subscribe(&load->sink.out, LEVEL, &packet) != NX_OK) {
        die("subscriber", "SUBSCRIBE");
    }
}

static void on_sink(struct load *load)
{
    struct nx_mqtt_packet packet;
    struct nx_mqtt_publish publish;
    uint64_t now = now_ns();

    peer_read(&load->sink);
    while (peer_packet(&load->sink, &packet)) {
        if (packet.type == NX_MQTT_CONNACK) {
            check_connack(&load->sink, &packet);
            subscribe(load);
        } else if (packet.type == NX_MQTT_SUBACK) {
            load->subscribed = true;
        } else if (packet.type == NX_MQTT_PUBLISH) {
            if (nx_mqtt_decode_publish(&packet, LEVEL, &publish) != NX_OK) {
                die("subscriber", "malformed PUBLISH");
            }
            if (publish.qos > 0) {
                (void)nx_mqtt_encode_ack(&load->sink.out, LEVEL, NX_MQTT_PUBACK, publish.packet_id,
                                         0);
            }
            if (!publish.retain) {
                on_reading(load, &publish, now);
            }
        }
    }
}

/* --- the run ------------------------------------------------------------------------------------ */

static bool finished(const struct load *load, uint64_t now)
{
    uint64_t quiet = load->last_ns > load->acknowledged_ns ? load->last_ns : load->acknowledged_ns;
    uint64_t patience = load->received == load->count && load->acknowledged == load->count
                            ? load->linger_ns
                            : load->idle_ns;

    quiet = quiet > load->started_ns ? quiet : load->started_ns;
    return load->published == load->count && now - quiet > patience;
}

static void run(struct load *load)
{
    const uint64_t began = now_ns();

    for (;;) {
        uint64_t now = now_ns();
        struct pollfd polls[2] = {{.fd = load->source.fd, .events = POLLIN},
                                  {.fd = load->sink.fd, .events = POLLIN}};

        publish_due(load, now);
        peer_write(&load->source);
        peer_write(&load->sink);
        polls[0].events |= load->source.out.len > 0 ? POLLOUT : 0;
        polls[1].events |= load->sink.out.len > 0 ? POLLOUT : 0;
        (void)poll(polls, 2, load->rate > 0 ? 1 : 100);
        if ((polls[0].revents & ~POLLOUT) != 0) {
            on_source(load);
        }
        if ((polls[1].revents & ~POLLOUT) != 0) {
            on_sink(load);
        }
        if (finished(load, now_ns())) {
            return;
        }
        if (!load->subscribed && now - began > load->idle_ns) {
            errno = 0;
            die("subscriber", "no SUBACK");
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void print(struct load *load)
{
    uint64_t seen = 0;
    double seconds = (double)(load->last_ns - load->started_ns) / (1000.0 * NS_PER_MS);

    for (uint64_t n = 0; n < load->count; n++) {
        if (load->latency_us[n] != 0) {
            load->latency_us[seen++] = load->latency_us[n];
        }
    }
    qsort(load->latency_us, seen, sizeof(load->latency_us[0]), by_value);
    printf("{\"published\": %" PRIu64 ", \"acknowledged\": %" PRIu64 ", \"received\": %" PRIu64
           ", \"lost\": %" PRIu64 ", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64
           ", \"unexpected\": %" PRIu64 ", \"seconds\": %.4f, \"per_second\": %.0f"
           ", \"publish_seconds\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
           load->published, load->acknowledged, load->received, load->count - seen,
           load->duplicated, load->reordered, load->unexpected, seconds,
           seconds > 0 ? (double)load->received / seconds : 0,
           (double)(load->acknowledged_ns - load->started_ns) / (1000.0 * NS_PER_MS),
           seen > 0 ? load->latency_us[seen / 2] / 1000.0 : 0,
           seen > 0 ? load->latency_us[seen * 99 / 100] / 1000.0 : 0,
           seen > 0 ? load->latency_us[seen - 1] / 1000.0 : 0);
}

/* --- options ------------------------------------------------------------------------------------ */

static void usage(void)
{
    fputs("relay_load --from PORT --from-user USER:PASSWORD --to PORT --to-user USER:PASSWORD\n"
          "           [--city birmingham] [--filter FILTER] [--count 100000] [--rate 0]\n"
          "           [--streams 100] [--window 20000] [--linger-ms 300] [--idle-ms 15000]\n",
          stderr);
    exit(2);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || value > max) {
        fprintf(stderr, "relay_load: not a number up to %llu: %s\n", (unsigned long long)max, text);
        exit(2);
    }
    return value;
}

static void credentials(struct peer *peer, char *text)
{
    char *colon = strchr(text, ':');

    if (colon == NULL) {
        usage();
    }
    *colon = '\0';
    peer->username = text;
    peer->password = colon + 1;
}

enum {
    OPT_FROM = 1,
    OPT_FROM_USER,
    OPT_TO,
    OPT_TO_USER,
    OPT_CITY,
    OPT_FILTER,
    OPT_COUNT,
    OPT_RATE,
    OPT_STREAMS,
    OPT_WINDOW,
    OPT_LINGER,
    OPT_IDLE
};

static void read_option(struct load *load, int option, char *value)
{
    switch (option) {
    case OPT_FROM:
        load->source.port = (uint16_t)number(value, UINT16_MAX);
        break;
    case OPT_FROM_USER:
        credentials(&load->source, value);
        break;
    case OPT_TO:
        load->sink.port = (uint16_t)number(value, UINT16_MAX);
        break;
    case OPT_TO_USER:
        credentials(&load->sink, value);
        break;
    case OPT_CITY:
        load->city = value;
        break;
    case OPT_FILTER:
        load->filter = value;
        break;
    case OPT_COUNT:
        load->count = number(value, COUNT_MAX);
        break;
    case OPT_RATE:
        load->rate = number(value, COUNT_MAX);
        break;
    case OPT_STREAMS:
        load->streams = number(value, STREAMS_MAX);
        break;
    case OPT_WINDOW:
        load->window = number(value, WINDOW_MAX);
        break;
    case OPT_LINGER:
        load->linger_ns = number(value, 3600000) * NS_PER_MS;
        break;
    case OPT_IDLE:
        load->idle_ns = number(value, 3600000) * NS_PER_MS;
        break;
    default:
        usage();
    }
}

static void read_options(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"from", required_argument, NULL, OPT_FROM},
        {"from-user", required_argument, NULL, OPT_FROM_USER},
        {"to", required_argument, NULL, OPT_TO},
        {"to-user", required_argument, NULL, OPT_TO_USER},
        {"city", required_argument, NULL, OPT_CITY},
        {"filter", required_argument, NULL, OPT_FILTER},
        {"count", required_argument, NULL, OPT_COUNT},
        {"rate", required_argument, NULL, OPT_RATE},
        {"streams", required_argument, NULL, OPT_STREAMS},
        {"window", required_argument, NULL, OPT_WINDOW},
        {"linger-ms", required_argument, NULL, OPT_LINGER},
        {"idle-ms", required_argument, NULL, OPT_IDLE},
        {NULL, 0, NULL, 0},
    };
    int given;

    while ((given = getopt_long(argc, argv, "", options, NULL)) != -1) {
        read_option(load, given, optarg);
    }
    if (load->source.port == 0 || load->sink.port == 0 || load->source.username == NULL ||
        load->sink.username == NULL || load->count == 0 || load->streams == 0 ||
        load->window == 0 || optind != argc) {
        usage();
    }
}

int main(int argc, char **argv)
{
    struct load load = {
        .source = {.name = "publisher", .client_id = "relay-load-source"},
        .sink = {.name = "subscriber", .client_id = "relay-load-sink"},
        .city = "birmingham",
        .filter = "nexus/birmingham/air/+/observation",
        .count = 100000,
        .streams = 100,
        .window = 20000,
        .linger_ns = (uint64_t)300 * NS_PER_MS,
        .idle_ns = (uint64_t)15000 * NS_PER_MS,
    };

    read_options(&load, argc, argv);
    load.sent_ns = allocate(load.count, sizeof(load.sent_ns[0]));
    load.latency_us = allocate(load.count, sizeof(load.latency_us[0]));
    load.last_seq = allocate(load.streams, sizeof(load.last_seq[0]));
    peer_connect(&load.source);
    peer_connect(&load.sink);
    run(&load);
    print(&load);
    free(load.sent_ns);
    free(load.latency_us);
    free(load.last_seq);
    nx_buf_fini(&load.source.in);
    nx_buf_fini(&load.source.out);
    nx_buf_fini(&load.sink.in);
    nx_buf_fini(&load.sink.out);
    return 0;
}
