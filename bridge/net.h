/*
 * net.h - one outgoing byte stream: TCP, with or without TLS, never blocking.
 *
 * Dialing is a row of steps (resolve, connect to one address after the other, shake hands); as
 * long as nx_net_step says NX_ERR_AGAIN, wait for the descriptor and call it again. The descriptor
 * may change with each step: nx_net_take_fd tells.
 */
#ifndef NX_BRIDGE_NET_H
#define NX_BRIDGE_NET_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct nx_net;

enum {
    NX_NET_RECORD_BYTES = 16 * 1024, /* RFC 8446 section 5.1 */
    NX_NET_WHERE_BYTES = 272,        /* a host name of 255 bytes, brackets, a port */
};

/* The files of TLS as they were last read without a fault. */
struct nx_net_credentials;

struct nx_net_files {
    const char *ca_file;   /* PEM; NULL: the system's */
    const char *cert_file; /* client certificate, PEM; NULL: none */
    const char *key_file;  /* its key; NULL: in cert_file */
};

/* The names must live as long as the credentials. */
enum nx_err nx_net_credentials_new(const struct nx_net_files *files,
                                   struct nx_net_credentials **out, struct nx_diag *diag);

/* Reads the files again, for the connections to come; on failure what was read before stays. */
enum nx_err nx_net_credentials_reload(struct nx_net_credentials *credentials, struct nx_diag *diag);
void nx_net_credentials_free(struct nx_net_credentials *credentials);

/* Strings must live as long as the connection. */
struct nx_net_config {
    const char *host;
    uint16_t port;
    unsigned first_address;     /* of the host's addresses, modulo their number: tried first */
    uint32_t unanswered_ms_max; /* what is sent and not acknowledged by TCP so long; 0: its own */
    const struct nx_net_credentials *credentials; /* NULL: no TLS */
    const char *server_name; /* what the certificate must name; NULL: the host */
};

/* "host:port", as every diagnosis names it; of IPv6 "[address]:port". Returns `out`. */
const char *nx_net_where(const char *host, uint16_t port, char out[NX_NET_WHERE_BYTES]);

/* Begins to dial: then take the descriptor and wait. On failure `diag` says why, for a person. */
enum nx_err nx_net_dial(const struct nx_net_config *config, struct nx_net **out,
                        struct nx_diag *diag);

/* Goes on dialing. NX_OK: connected. NX_ERR_AGAIN: wait. Else failed, and `diag` says why. */
enum nx_err nx_net_step(struct nx_net *net, struct nx_diag *diag);

/* What the dialing waits for: "name resolution", "TCP connection", "TLS handshake". */
const char *nx_net_doing(const struct nx_net *net);

/* A descriptor that was not given out before, or -1. The caller owns it and closes the old one. */
int nx_net_take_fd(struct nx_net *net);

/* After NX_ERR_AGAIN: wait until it is writable (also when it was a read that said so). */
bool nx_net_wants_write(const struct nx_net *net);

/*
 * NX_OK with *count > 0; NX_ERR_AGAIN: nothing now; NX_ERR_NOT_FOUND: the peer ended the stream;
 * NX_ERR_IO; `diag` says why. Neither raises SIGPIPE.
 */
enum nx_err nx_net_read(struct nx_net *net, void *out, size_t size, size_t *count,
                        struct nx_diag *diag);
enum nx_err nx_net_write(struct nx_net *net, const void *bytes, size_t len, size_t *count,
                         struct nx_diag *diag);

/*
 * A read gives one record at most (TLS), so that more may be waiting after a short one. With room
 * for less than NX_NET_RECORD_BYTES it may leave a rest of which no descriptor will tell.
 */
bool nx_net_by_records(const struct nx_net *net);

/* Ends our direction of the stream; what the peer still sends can be read. */
void nx_net_shutdown(struct nx_net *net);

/* Closes the descriptor only when nobody has taken it. */
void nx_net_free(struct nx_net *net);

#endif
