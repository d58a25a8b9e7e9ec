/*
 * conn.c - see conn.h. Reads up to 64 KiB a turn and hands over every whole packet in it; writes
 * the queue in pieces as large as the socket takes them.
 *
 * A failed write is not told on the spot, because whoever writes is in the midst of something: it
 * is kept, and told from the loop.
 */
#include "bridge/conn.h"

#include <assert.h>
#include <unistd.h>

enum {
    CONN_READ_BYTES = 64 * 1024,     /* a turn, and at most one record above */
    CONN_CONTROL_BYTES = 512 * 1024, /* 65,535 acknowledgements, subscriptions, pings */
};

static const struct nx_watch_ops watch_ops;

void nx_conn_init(struct nx_conn *conn, struct nx_loop *loop, const struct nx_conn_events *events,
                  void *ctx, size_t packet_bytes_max, size_t output_bytes_max)
{
    *conn = (struct nx_conn){
        .loop = loop, .events = events, .ctx = ctx, .packet_bytes_max = packet_bytes_max};
    nx_buf_init(&conn->in, packet_bytes_max + CONN_READ_BYTES + NX_NET_RECORD_BYTES);
    /* twice: the written half of the queue is dropped only when it is the larger */
    nx_buf_init(&conn->out, 2 * (output_bytes_max + CONN_CONTROL_BYTES));
}

void nx_conn_fini(struct nx_conn *conn)
{
    nx_conn_close(conn);
    nx_buf_fini(&conn->in);
    nx_buf_fini(&conn->out);
}

void nx_conn_close(struct nx_conn *conn)
{
    if (conn->net == NULL) {
        return;
    }
    nx_net_free(conn->net);
    conn->net = NULL;
    nx_watch_close(conn->watch);
    conn->watch = NULL;
    conn->connected = conn->ending = conn->ended = conn->write_needs_read = false;
    conn->fault = (struct nx_diag){0};
    nx_buf_reset(&conn->in); /* keeps its memory */
    nx_buf_reset(&conn->out);
    conn->out_sent = 0;
}

static void lose(struct nx_conn *conn, const struct nx_diag *diag)
{
    const struct nx_diag why = *diag; /* it may be our own, which closing clears */

    nx_conn_close(conn);
    conn->events->lost(conn->ctx, why.text);
}

/* Watches the stream's descriptor where it is a new one. */
static enum nx_err watch_stream(struct nx_conn *conn, struct nx_diag *diag)
{
    const int fd = nx_net_take_fd(conn->net);
    struct nx_watch *old = conn->watch;
    enum nx_err err = NX_OK;

    if (fd >= 0) {
        err = nx_watch_new(conn->loop, fd, &watch_ops, conn, &conn->watch);
        nx_watch_close(old);
    }
    if (err != NX_OK) {
        (void)close(fd);
        nx_diag_set(diag, "cannot watch the connection: %s", nx_err_text(err));
        return err;
    }
    if (nx_net_wants_write(conn->net)) {
        nx_watch_want_write(conn->watch);
    }
    return NX_OK;
}

enum nx_err nx_conn_open(struct nx_conn *conn, const struct nx_net_config *config,
                         struct nx_diag *diag)
{
    enum nx_err err;

    assert(conn->net == NULL);
    err = nx_net_dial(config, &conn->net, diag);
    if (err == NX_OK) {
        err = watch_stream(conn, diag);
    }
    if (err != NX_OK) {
        nx_conn_close(conn);
    }
    return err;
}

static void step(struct nx_conn *conn)
{
    struct nx_diag diag = {0};
    const enum nx_err err = nx_net_step(conn->net, &diag);

    if (err == NX_OK) {
        conn->connected = true;
        conn->in_ms = conn->out_ms = nx_loop_monotonic_ms();
        conn->events->connected(conn->ctx);
    } else if (err != NX_ERR_AGAIN || watch_stream(conn, &diag) != NX_OK) {
        lose(conn, &diag);
    }
}

/* ---- in ---- */

/* One read of a plain stream; of records, as many as there are, up to CONN_READ_BYTES. */
static enum nx_err receive(struct nx_conn *conn, struct nx_diag *diag)
{
    size_t total = 0, size, count;
    enum nx_err err;
    char *room;

    do {
        size = total == 0 ? CONN_READ_BYTES : NX_NET_RECORD_BYTES;
        err = nx_buf_reserve(&conn->in, size, &room);
        if (err != NX_OK) {
            nx_diag_set(diag, "cannot receive: %s", nx_err_text(err));
            return err;
        }
        err = nx_net_read(conn->net, room, size, &count, diag);
        conn->in.len += count;
        total += count;
    } while (err == NX_OK && nx_net_by_records(conn->net) && total < CONN_READ_BYTES);
    conn->bytes_in += total;
    if (total > 0) {
        conn->in_ms = nx_loop_monotonic_ms();
    }
    return err;
}

/* Hands over every whole packet. The receiver may close the connection from inside. */
static void hand_over(struct nx_conn *conn)
{
    struct nx_mqtt_packet packet;
    enum nx_err err = NX_OK;
    size_t at = 0;

    while (err == NX_OK && conn->net != NULL) {
        const struct nx_span rest = {conn->in.data + at, conn->in.len - at};
        err = nx_mqtt_frame(rest, conn->packet_bytes_max, &packet);
        if (err == NX_OK) {
            at += packet.size;
            conn->events->packet(conn->ctx, &packet);
        } else if (err != NX_ERR_AGAIN) {
            conn->events->garbage(conn->ctx, err);
            return;
        }
    }
    if (conn->net != NULL) {
        nx_buf_consume(&conn->in, at);
    }
}

static void on_readable(void *ctx)
{
    struct nx_conn *conn = ctx;
    struct nx_diag diag = {0};
    enum nx_err err;

    if (!conn->connected) {
        step(conn);
        return;
    }
    err = receive(conn, &diag);
    if (conn->in.len > 0) {
        hand_over(conn); /* also what came before a failure: a reason may be in it */
    }
    if (conn->net == NULL) {
        return;
    }
    if (err != NX_OK && err != NX_ERR_AGAIN) {
        lose(conn, &diag);
        return;
    }
    if (nx_net_wants_write(conn->net)) {
        nx_watch_want_write(conn->watch);
    }
    if (conn->write_needs_read) {
        nx_conn_flush(conn);
    }
    conn->events->settled(conn->ctx);
}

/* ---- out ---- */

struct nx_buf *nx_conn_output(struct nx_conn *conn)
{
    return &conn->out;
}

size_t nx_conn_bytes_queued(const struct nx_conn *conn)
{
    return conn->out.len - conn->out_sent;
}

/* Forgets written bytes, when that moves fewer than it forgets. */
static void drop_sent(struct nx_conn *conn)
{
    if (conn->out_sent >= conn->out.len - conn->out_sent) {
        nx_buf_consume(&conn->out, conn->out_sent);
        conn->out_sent = 0;
    }
}

void nx_conn_flush(struct nx_conn *conn)
{
    enum nx_err err = NX_OK;
    size_t count, total = 0;

    if (!conn->connected || conn->fault.text[0] != '\0') {
        return;
    }
    while (err == NX_OK && nx_conn_bytes_queued(conn) > 0) {
        err = nx_net_write(conn->net, conn->out.data + conn->out_sent, nx_conn_bytes_queued(conn),
                           &count, &conn->fault);
        conn->out_sent += count;
        total += count;
    }
    if (total > 0) {
        conn->bytes_out += total;
        conn->out_ms = nx_loop_monotonic_ms();
        drop_sent(conn);
    }
    conn->write_needs_read = err == NX_ERR_AGAIN && !nx_net_wants_write(conn->net);
    if (err != NX_OK && !conn->write_needs_read) {
        nx_watch_want_write(conn->watch); /* to go on, or to tell the fault */
    }
    if (conn->ending && !conn->ended && nx_conn_bytes_queued(conn) == 0) {
        conn->ended = true;
        nx_net_shutdown(conn->net);
    }
}

void nx_conn_end(struct nx_conn *conn)
{
    conn->ending = true;
    nx_conn_flush(conn);
}

void nx_conn_break(struct nx_conn *conn, const char *why)
{
    assert(conn->connected);
    nx_diag_set(&conn->fault, "%s", why);
    nx_watch_want_write(conn->watch);
}

void nx_conn_want_settled(struct nx_conn *conn)
{
    assert(conn->connected);
    nx_watch_want_write(conn->watch);
}

static void on_writable(void *ctx)
{
    struct nx_conn *conn = ctx;

    if (!conn->connected) {
        step(conn);
        return;
    }
    nx_conn_flush(conn);
    if (conn->fault.text[0] != '\0') {
        on_readable(conn); /* the broker may have said why it goes */
        if (conn->net != NULL) {
            lose(conn, &conn->fault);
        }
        return;
    }
    conn->events->settled(conn->ctx);
}

static const struct nx_watch_ops watch_ops = {.readable = on_readable, .writable = on_writable};
