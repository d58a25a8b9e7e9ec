/*
 * plugin_site.h - a configuration folder for the benchmarks of the plugin: one city of as many
 * rules and schemas as asked for. The first domain is `air`, whose dialect is the schema of the
 * 299-byte reference reading (bench/data/air-quality.json).
 */
#ifndef NX_BENCH_PLUGIN_SITE_H
#define NX_BENCH_PLUGIN_SITE_H

#include "bench/bench.h"

enum { PLUGIN_SITE_PATH_MAX = 256, PLUGIN_SITE_DOMAINS_MAX = 250, PLUGIN_SITE_RULES_MAX = 30000 };

#define PLUGIN_SITE_TOPIC "nexus/birmingham/air/BMLD/observation"

struct plugin_site {
    char dir[PLUGIN_SITE_PATH_MAX];
};

/*
 * `rules` identities of each of these kinds: "r<n>-{asset}" (a sensor of air/{asset}) and
 * "s<n>" (a sensor of air/BMLD and of 8 more); besides "air-{asset}", "reader", "bridge", and
 * "flood", which may publish ten messages a second on air/FLOOD.
 * `domains` domains, hence twice as many schemas.
 */
void plugin_site_make(struct plugin_site *site, unsigned rules, unsigned domains);
void plugin_site_remove(struct plugin_site *site);

/* Writes one file into the site's folder; its text as printf has it. */
void plugin_site_write(const struct plugin_site *site, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
