/*
 * broker.h - a short visit at a broker over MQTT 5: what is retained there? Blocking, with a time
 * limit for each wait; keeps no session and publishes nothing.
 */
#ifndef NX_CTL_BROKER_H
#define NX_CTL_BROKER_H

#include "bridge/net.h"
#include "core/mqtt.h"

struct nx_visit;

struct nx_visit_config {
    struct nx_net_config net;
    const char *username, *password; /* NULL: none */
};

/* Connects and logs in. On failure *out is NULL and diag says why, for a person. */
enum nx_err nx_visit_begin(const struct nx_visit_config *config, struct nx_visit **out,
                           struct nx_diag *diag);

/*
 * Subscribes to `filter` and hands each retained message to `each`, until the broker has no more.
 * Each filter once. The spans are valid during the call.
 */
enum nx_err nx_visit_retained(struct nx_visit *visit, struct nx_span filter,
                              void (*each)(void *ctx, const struct nx_mqtt_publish *message),
                              void *ctx, struct nx_diag *diag);

/* Says goodbye, if it is still connected. */
void nx_visit_end(struct nx_visit *visit);

#endif
