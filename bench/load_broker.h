/*
 * load_broker.h - mosquitto processes for the benchmarks of the plugin: of identical settings, with
 * a plugin or without. They all end with the program, however that ends.
 */
#ifndef NX_BENCH_LOAD_BROKER_H
#define NX_BENCH_LOAD_BROKER_H

#include "bench/plugin_site.h"

#include <stdbool.h>
#include <sys/types.h>

struct load_broker {
    const char *name;
    pid_t pid;
    uint16_t port;
};

/* Writes passwords of the site's users, all of them "secret". Once, before the first broker. */
void load_brokers_init(const struct plugin_site *site);

/*
 * Starts it, and waits until it listens. `plugin` are lines for mosquitto.conf or ""; with `count`
 * it runs under callgrind, which writes there what it counted.
 */
void load_broker_start(struct load_broker *broker, const char *plugin, const char *count);
void load_broker_stop(struct load_broker *broker);

/* In a child process: the brokers are not its to end. */
void load_brokers_disown(void);

/* Nanoseconds on a processor, user and system; those as user, of which the kernel counts steps. */
double load_broker_cpu_ns(const struct load_broker *broker);
double load_broker_user_ns(const struct load_broker *broker);

/* Puts this process on the last processor; the brokers are on the first where there are two. */
void load_pin(void);

/* Between two pieces of work: ends the program if a signal asked for it. */
void load_stop_if_asked(void);

#endif
