/*
 * guard.h - one loaded instance of the plugin: the broker's events in, answers out. Holds all of
 * its state; two instances (one for each listener, or two in a test) know nothing of each other.
 *
 * Nothing here aborts, blocks or asks the network: what cannot be judged is denied and counted.
 */
#ifndef NX_PLUGIN_GUARD_H
#define NX_PLUGIN_GUARD_H

#include "core/base/err.h"
#include "plugin/host.h"
#include "plugin/options.h"

enum nx_answer {
    NX_ANSWER_ALLOW,
    NX_ANSWER_DENY,
    NX_ANSWER_DEFER,  /* no opinion: whoever is asked next decides, and if nobody does, no */
    NX_ANSWER_IGNORE, /* where host->ignores: the same, and if there is nobody else, yes */
    NX_ANSWER_QUOTA,  /* of nx_guard_message alone, where host->has_quota: over a limit, refused */
};

struct nx_guard;

/*
 * Loads the configuration that `options` name; every fault of it goes to host->log. `host` must
 * outlive the guard. On failure *out is NULL.
 */
enum nx_err nx_guard_new(const struct nx_host *host, const struct nx_options *options,
                         struct nx_guard **out);
void nx_guard_free(struct nx_guard *guard);

/* A message as an event shows it. Its addresses are remembered, see nx_guard_message. */
struct nx_message {
    const void *client;
    const char *topic;
    const void *payload;
    size_t payload_bytes;
    bool retain;
};

/* Access control of a publish or a will: the whole judgement. */
enum nx_answer nx_guard_publish(struct nx_guard *guard, const struct nx_message *message);

/*
 * The broker took a message in. What access control has just let pass is not judged again; what
 * never went through it (an import of the broker's own bridge) is. Never answers DEFER.
 */
enum nx_answer nx_guard_message(struct nx_guard *guard, const struct nx_message *message);

/* Access control of one delivery. */
enum nx_answer nx_guard_receive(struct nx_guard *guard, const void *client, const char *topic);

enum nx_answer nx_guard_subscribe(struct nx_guard *guard, const void *client, const char *filter);
enum nx_answer nx_guard_unsubscribe(struct nx_guard *guard, const void *client, const char *filter);

/* A login: DENY for a bridge's client identifier under a username that is none, else DEFER. */
enum nx_answer nx_guard_login(struct nx_guard *guard, const void *client, const char *username);

/*
 * A client has published on $CONTROL/nexus/v1. Operators are answered, to their client identifier
 * alone; whoever else came past access control (an import of the broker's own bridge) is not.
 */
void nx_guard_control(struct nx_guard *guard, const struct nx_message *message);

/* The client is gone; the pointer is compared, never followed. */
void nx_guard_forget(struct nx_guard *guard, const void *client);

/* Loads the configuration again and swaps it in whole; keeps the old one when it is broken. */
void nx_guard_reload(struct nx_guard *guard);

/* Publishes the status when it is due. */
void nx_guard_tick(struct nx_guard *guard);

#endif
