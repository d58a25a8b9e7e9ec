/*
 * host_state.h - what the files that know Mosquitto share. For plugin/host*.c alone.
 *
 *   host.c         the entry points: loaded, started, ended
 *   host_events.c  what the broker asks, and how it may be answered
 *   host_calls.c   what the plugin asks of the broker and of the machine
 *
 * Built against the headers of 2.0.11, and one binary serves 2.0.11 up to 2.1.x: structures and
 * event numbers are the same there, and what only 2.1 has is asked for at run time.
 */
#ifndef NX_PLUGIN_HOST_STATE_H
#define NX_PLUGIN_HOST_STATE_H

#include "plugin/guard.h"
#include "plugin/host.h"

#include <mosquitto.h>

/* The headers of 2.0.11 do not mark the three entry points, and we build with hidden symbols. */
#pragma GCC visibility push(default)
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#pragma GCC visibility pop

enum { HOST_MAGIC = 0x4e58504c }; /* "NXPL" */

/* What the broker carries for us as `userdata`. */
struct host_instance {
    uint32_t magic;
    mosquitto_plugin_id_t *identifier;
    struct nx_host host;
    struct nx_guard *guard;
    bool is_2_1;
    unsigned registered; /* bit n: row n of the table of events */
    int reload_answer, login_answer;
    int ignore_answer; /* of access control: what is closest to "as if I were not there" */
};

/* Ours, or NULL. */
static inline struct host_instance *host_instance_of(void *userdata)
{
    struct host_instance *instance = userdata;

    return instance != NULL && instance->magic == HOST_MAGIC ? instance : NULL;
}

/* host_calls.c: how the broker is asked; and whether it is 2.1 or later. */
void host_calls_init(struct nx_host *host);
bool host_is_2_1(void);
/* Tells a broker that wants to know (2.1) who this is. */
void host_introduce(mosquitto_plugin_id_t *identifier);

/* host_events.c */
void host_events_init(struct host_instance *instance); /* what this broker may be answered */
void host_events_behind_another(struct host_instance *instance); /* and another was asked before */
enum nx_err host_events_register(struct host_instance *instance);
void host_events_unregister(struct host_instance *instance);

#endif
