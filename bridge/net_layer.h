/*
 * net_layer.h - how a byte stream is carried: plain TCP, or TLS over it. Known to net.c and
 * net_tls.c only. TLS stands on the plain layer through the same four words.
 */
#ifndef NX_BRIDGE_NET_LAYER_H
#define NX_BRIDGE_NET_LAYER_H

#include "bridge/net.h"

struct addrinfo;
struct nx_resolve;

struct nx_net_layer {
    enum nx_err (*handshake)(struct nx_net *net, struct nx_diag *diag);
    enum nx_err (*read)(struct nx_net *net, void *out, size_t size, size_t *count,
                        struct nx_diag *diag);
    enum nx_err (*write)(struct nx_net *net, const void *bytes, size_t len, size_t *count,
                         struct nx_diag *diag);
    bool by_records;
    void (*shutdown)(struct nx_net *net);
    void (*fini)(struct nx_net *net);
};

extern const struct nx_net_layer nx_net_plain;
extern const struct nx_net_layer nx_net_over_tls;

enum nx_net_stage { NX_NET_RESOLVING, NX_NET_CONNECTING, NX_NET_HANDSHAKING, NX_NET_OPEN };

struct nx_net {
    const struct nx_net_layer *layer;
    struct nx_net_config config;
    char where[NX_NET_WHERE_BYTES];
    enum nx_net_stage stage;
    int fd;
    bool fd_taken;
    bool wants_write;
    struct nx_resolve *resolve;
    const struct addrinfo *address; /* the one that is tried */
    unsigned addresses_left;        /* after it */
    struct nx_net_tls_state *tls;   /* of net_tls.c */
};

/* Makes net->tls from the configuration. */
enum nx_err nx_net_tls_begin(struct nx_net *net, struct nx_diag *diag);

#endif
