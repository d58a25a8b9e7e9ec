/*
 * net.c - dialing, and the plain TCP layer. TLS is in net_tls.c, names are in resolve.c.
 *
 * Never blocks, never retries by itself, never logs: what went wrong is in the diagnosis, in words
 * that name host and port.
 */
#include "bridge/net.h"
#include "bridge/net_layer.h"
#include "bridge/resolve.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the plain layer ---- */

static enum nx_err plain_handshake(struct nx_net *net, struct nx_diag *diag)
{
    (void)net;
    (void)diag;
    return NX_OK;
}

static enum nx_err transfer_result(struct nx_net *net, ssize_t n, size_t *count, const char *what,
                                   struct nx_diag *diag)
{
    if (n > 0) {
        *count = (size_t)n;
        return NX_OK;
    }
    if (errno == EAGAIN || errno == EINTR) {
        return NX_ERR_AGAIN;
    }
    nx_diag_set(diag, "%s: %s failed: %s", net->where, what, strerror(errno));
    return NX_ERR_IO;
}

static enum nx_err plain_read(struct nx_net *net, void *out, size_t size, size_t *count,
                              struct nx_diag *diag)
{
    const ssize_t n = recv(net->fd, out, size, 0);

    *count = 0;
    net->wants_write = false;
    if (n == 0) {
        nx_diag_set(diag, "%s closed the connection", net->where);
        return NX_ERR_NOT_FOUND;
    }
    return transfer_result(net, n, count, "receiving", diag);
}

static enum nx_err plain_write(struct nx_net *net, const void *bytes, size_t len, size_t *count,
                               struct nx_diag *diag)
{
    enum nx_err err;

    *count = 0;
    if (len == 0) {
        return NX_OK;
    }
    err = transfer_result(net, send(net->fd, bytes, len, MSG_NOSIGNAL), count, "sending", diag);
    net->wants_write = err == NX_ERR_AGAIN;
    return err;
}

static void plain_shutdown(struct nx_net *net)
{
    (void)shutdown(net->fd, SHUT_WR);
}

static void plain_fini(struct nx_net *net)
{
    (void)net;
}

const struct nx_net_layer nx_net_plain = {
    .handshake = plain_handshake,
    .read = plain_read,
    .write = plain_write,
    .shutdown = plain_shutdown,
    .fini = plain_fini,
};

/* ---- dialing ---- */

static void drop_fd(struct nx_net *net)
{
    if (net->fd >= 0 && !net->fd_taken) {
        (void)close(net->fd);
    }
    net->fd = -1;
}

static void give_fd(struct nx_net *net, int fd)
{
    drop_fd(net);
    net->fd = fd;
    net->fd_taken = false;
}

/* A socket that connects to net->address; the errno of a failure. */
static int connect_one(struct nx_net *net)
{
    const struct addrinfo *to = net->address;
    const int one = 1;
    const int fd =
        socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);

    if (fd < 0) {
        return errno;
    }
    give_fd(net, fd);
    /* a batch is written in one piece already: waiting for more would only delay its end */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    /* else the kernel tries for a quarter of an hour to reach a peer that is gone */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &net->config.unanswered_ms_max,
                     sizeof(net->config.unanswered_ms_max));
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) {
        return errno;
    }
    net->wants_write = true;
    return 0;
}

/* Tries one address after the other, beginning with the present one. */
static enum nx_err connect_any(struct nx_net *net, const struct addrinfo *all, struct nx_diag *diag)
{
    int error = connect_one(net);

    while (error != 0 && net->addresses_left > 0) {
        net->addresses_left--;
        net->address = net->address->ai_next != NULL ? net->address->ai_next : all;
        error = connect_one(net);
    }
    if (error != 0) {
        nx_diag_set(diag, "cannot connect to %s: %s", net->where, strerror(error));
        return NX_ERR_IO;
    }
    return NX_ERR_AGAIN;
}

static enum nx_err step_resolving(struct nx_net *net, struct nx_diag *diag)
{
    const struct addrinfo *all, *one;
    unsigned count = 0, skip;
    const enum nx_err err = nx_resolve_answer(net->resolve, &all, diag);

    if (err != NX_OK) {
        return err;
    }
    for (one = all; one != NULL; one = one->ai_next) {
        count++;
    }
    skip = net->config.first_address % count;
    for (one = all; skip > 0; skip--) {
        one = one->ai_next;
    }
    net->address = one;
    net->addresses_left = count - 1;
    net->stage = NX_NET_CONNECTING;
    return connect_any(net, all, diag);
}

static enum nx_err step_connecting(struct nx_net *net, struct nx_diag *diag)
{
    const struct addrinfo *all;
    struct sockaddr_storage peer;
    socklen_t len = sizeof(int), peer_len = sizeof(peer);
    int error = 0;

    if (getsockopt(net->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }
    if (error == 0 && getpeername(net->fd, (struct sockaddr *)&peer, &peer_len) != 0) {
        return NX_ERR_AGAIN; /* woken too early: still on its way */
    }
    if (error == 0) {
        net->wants_write = false;
        net->stage = NX_NET_HANDSHAKING;
        return NX_OK;
    }
    if (net->addresses_left > 0 && nx_resolve_answer(net->resolve, &all, diag) == NX_OK) {
        net->addresses_left--;
        net->address = net->address->ai_next != NULL ? net->address->ai_next : all;
        return connect_any(net, all, diag);
    }
    nx_diag_set(diag, "cannot connect to %s: %s", net->where, strerror(error));
    return NX_ERR_IO;
}

enum nx_err nx_net_step(struct nx_net *net, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    if (net->stage == NX_NET_RESOLVING) {
        err = step_resolving(net, diag);
    } else if (net->stage == NX_NET_CONNECTING) {
        err = step_connecting(net, diag);
    }
    if (err == NX_OK && net->stage == NX_NET_HANDSHAKING) {
        err = net->layer->handshake(net, diag);
        net->stage = err == NX_OK ? NX_NET_OPEN : NX_NET_HANDSHAKING;
    }
    return err;
}

const char *nx_net_where(const char *host, uint16_t port, char out[NX_NET_WHERE_BYTES])
{
    const bool ipv6 = strchr(host, ':') != NULL;

    (void)snprintf(out, NX_NET_WHERE_BYTES, "%s%.255s%s:%u", ipv6 ? "[" : "", host, ipv6 ? "]" : "",
                   (unsigned)port);
    return out;
}

enum nx_err nx_net_dial(const struct nx_net_config *config, struct nx_net **out,
                        struct nx_diag *diag)
{
    struct nx_net *net = calloc(1, sizeof(*net));
    enum nx_err err;
    int fd;

    *out = NULL;
    if (net == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    net->config = *config;
    (void)nx_net_where(config->host, config->port, net->where);
    net->layer = config->credentials != NULL ? &nx_net_over_tls : &nx_net_plain;
    net->fd = -1;
    err = config->credentials != NULL ? nx_net_tls_begin(net, diag) : NX_OK;
    if (err == NX_OK) {
        err = nx_resolve_start(config->host, config->port, &net->resolve, &fd, diag);
    }
    if (err == NX_OK && fd >= 0) {
        give_fd(net, fd);
    } else if (err == NX_OK) {
        err = nx_net_step(net, diag);
        err = err == NX_ERR_AGAIN ? NX_OK : err;
    }
    if (err != NX_OK) {
        nx_net_free(net);
        return err;
    }
    *out = net;
    return NX_OK;
}

void nx_net_free(struct nx_net *net)
{
    if (net == NULL) {
        return;
    }
    net->layer->fini(net);
    nx_resolve_free(net->resolve);
    drop_fd(net);
    free(net);
}

/* ---- the open stream ---- */

const char *nx_net_doing(const struct nx_net *net)
{
    static const char *const words[] = {
        [NX_NET_RESOLVING] = "name resolution",
        [NX_NET_CONNECTING] = "TCP connection",
        [NX_NET_HANDSHAKING] = "TLS handshake",
        [NX_NET_OPEN] = "transfer",
    };

    return words[net->stage];
}

int nx_net_take_fd(struct nx_net *net)
{
    if (net->fd_taken) {
        return -1;
    }
    net->fd_taken = true;
    return net->fd;
}

bool nx_net_wants_write(const struct nx_net *net)
{
    return net->wants_write;
}

enum nx_err nx_net_read(struct nx_net *net, void *out, size_t size, size_t *count,
                        struct nx_diag *diag)
{
    assert(net->stage == NX_NET_OPEN);
    return net->layer->read(net, out, size, count, diag);
}

enum nx_err nx_net_write(struct nx_net *net, const void *bytes, size_t len, size_t *count,
                         struct nx_diag *diag)
{
    assert(net->stage == NX_NET_OPEN);
    return net->layer->write(net, bytes, len, count, diag);
}

bool nx_net_by_records(const struct nx_net *net)
{
    return net->layer->by_records;
}

void nx_net_shutdown(struct nx_net *net)
{
    assert(net->stage == NX_NET_OPEN);
    net->layer->shutdown(net);
}
