/*
 * conn.h - one connection to a broker: a dialed byte stream, whole MQTT packets coming in, queued
 * bytes going out. Knows where a packet ends and nothing of what it says.
 *
 * Its events come from the loop only, never from inside a call. After `lost` it is closed and may
 * be opened again.
 */
#ifndef NX_BRIDGE_CONN_H
#define NX_BRIDGE_CONN_H

#include "bridge/loop.h"
#include "bridge/net.h"
#include "core/mqtt.h"

struct nx_conn_events {
    void (*connected)(void *ctx);
    void (*packet)(void *ctx, const struct nx_mqtt_packet *packet);
    /* The bytes are no packet: NX_ERR_SYNTAX or NX_ERR_LIMIT. The receiver closes. */
    void (*garbage)(void *ctx, enum nx_err err);
    /* After a round of packets or of writing. */
    void (*settled)(void *ctx);
    /* It failed or the peer ended it. */
    void (*lost)(void *ctx, const char *why);
};

struct nx_conn {
    struct nx_loop *loop;
    const struct nx_conn_events *events;
    void *ctx;
    struct nx_net *net; /* NULL: closed */
    struct nx_watch *watch;
    bool connected;
    bool ending;           /* our direction ends when the queue is empty */
    bool ended;            /* it has */
    bool write_needs_read; /* TLS waits for the peer before it can write on */
    struct nx_diag fault;  /* of a write; told from the loop */
    struct nx_buf in, out;
    size_t out_sent; /* bytes at the front of `out` that the socket has taken */
    size_t packet_bytes_max;
    uint64_t bytes_in, bytes_out; /* in all its connections */
    uint64_t in_ms, out_ms;       /* monotonic time of the last byte */
};

/* output_bytes_max bounds what nx_conn_output holds; acknowledgements have room above it. */
void nx_conn_init(struct nx_conn *conn, struct nx_loop *loop, const struct nx_conn_events *events,
                  void *ctx, size_t packet_bytes_max, size_t output_bytes_max);
void nx_conn_fini(struct nx_conn *conn);

/* Begins to dial; `connected` or `lost` follows. */
enum nx_err nx_conn_open(struct nx_conn *conn, const struct nx_net_config *config,
                         struct nx_diag *diag);

/* At once; no event follows. What `packet` was given stays readable until that call returns. */
void nx_conn_close(struct nx_conn *conn);

/* Where packets are appended; bytes_queued of them are not yet written. */
struct nx_buf *nx_conn_output(struct nx_conn *conn);
size_t nx_conn_bytes_queued(const struct nx_conn *conn);

/* Writes what the socket takes; the rest follows by itself. */
void nx_conn_flush(struct nx_conn *conn);

/* Flushes, then ends our direction; `lost` tells when the peer has ended its own. */
void nx_conn_end(struct nx_conn *conn);

/* `lost` is called with `why` in the next turn. */
void nx_conn_break(struct nx_conn *conn, const char *why);

/* `settled` is called in the next turn. */
void nx_conn_want_settled(struct nx_conn *conn);

#endif
