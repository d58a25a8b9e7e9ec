/*
 * site.h - a configuration folder of the test's own, and a plugin that is loaded with it: two
 * cities, one domain with a small dialect, one identity of each role.
 */
#ifndef NX_TEST_SITE_H
#define NX_TEST_SITE_H

#include "fake_broker.h"

enum { SITE_PATH_MAX = 256 };

struct site {
    char dir[SITE_PATH_MAX];
    struct mosquitto_plugin_id_t plugin;
    struct mosquitto sensor; /* owns air/BMLD alone, through "air-{asset}" */
    struct mosquitto reader, operator, bridge, link, anonymous, stranger;
};

/* A reading that the dialect admits, and the topics that the tests speak of. */
#define GOOD_READING "{\"site\":\"BMLD\",\"no2\":42.1}"
#define OWN_TOPIC    "nexus/birmingham/air/BMLD/observation"

/* cmocka setups: *state is a struct site; the first does not load the plugin. */
int site_make(void **state);
int site_open(void **state); /* and starts the plugin with config and city */
int site_remove(void **state);
/* In the list of a file's tests. */
#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, site_open, site_remove)

/* Starts the plugin with config, city and, if not NULL, one more option. */
int site_start(struct site *site, const char *key, const char *value);

/* Replaces a file below the site's folder. */
void site_write(const struct site *site, const char *path, const char *text);
/* birmingham/city.json with the mode of domain air. */
void site_write_city(const struct site *site, const char *mode);

/* A member of the latest message below `prefix`: its text, or NULL. Kept until the next call. */
const char *site_text(const char *prefix, const char *member);
/* As a number; -1 when it is not there. */
double site_number(const char *prefix, const char *member);
/* The number at a JSON Pointer; -1 when there is none. */
double site_at(const char *prefix, const char *pointer);
/* refused.<reason> of the latest status, after a tick that makes it due. */
double site_refused(struct site *site, const char *reason);

#endif
