/*
 * plugin_bench.c - the instructions that the plugin itself takes for one event, counted by
 * callgrind through the fake broker of test/host: the same on every run, whatever the machine does.
 *
 * Each case is counted three times: for one client, for a city of 16 clients that take turns, and
 * for one of 10,000 clients, 1,000 rules of each kind and 200 schemas. From one to small it grows,
 * since what was decided last no longer helps; from small to large no decision may grow.
 */
#include "bench/count.h"
#include "bench/plugin_site.h"
#include "test/host/fake_broker.h"

#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 2000, CLIENTS_MAX = 10000, NAME_SIZE = 24, TOPIC_SIZE = 64 };

/* How large the city is. */
struct scale {
    const char *name;
    unsigned clients, rules, domains;
};

static const struct scale scales[] = {
    {"one", 1, 0, 1},
    {"small", 16, 1, 1},
    {"large", CLIENTS_MAX, 1000, 100},
};

enum { SCALE_COUNT = sizeof(scales) / sizeof(scales[0]) };

struct trial {
    const struct scale *scale;
    struct mosquitto_plugin_id_t plugin;
    struct mosquitto *clients;
    char (*names)[NAME_SIZE];
    char (*topics)[TOPIC_SIZE]; /* each client's own stream */
    struct nx_buf payload;
};

/* ---- the cases --------------------------------------------------------------------------- */

static unsigned client_of(const struct trial *trial, unsigned event)
{
    return event * 7919u % trial->scale->clients; /* a prime: all of them, in no order */
}

static int raise_acl(struct trial *trial, struct mosquitto *client, char *topic, int access)
{
    struct mosquitto_evt_acl_check event = {.client = client, .topic = topic, .access = access};

    if (access == MOSQ_ACL_WRITE) {
        event.payload = trial->payload.data;
        event.payloadlen = (uint32_t)trial->payload.len;
    }
    return fake_event(&trial->plugin, MOSQ_EVT_ACL_CHECK, &event);
}

static int publish(struct trial *trial, struct mosquitto *client, char *topic)
{
    struct mosquitto_evt_message event = {.client = client,
                                          .topic = topic,
                                          .payload = trial->payload.data,
                                          .payloadlen = (uint32_t)trial->payload.len};
    int rc = raise_acl(trial, client, topic, MOSQ_ACL_WRITE);

    return rc == 0 ? fake_event(&trial->plugin, MOSQ_EVT_MESSAGE, &event) : rc;
}

static int publish_own(struct trial *trial, unsigned event)
{
    unsigned i = client_of(trial, event);

    return publish(trial, &trial->clients[i], trial->topics[i]);
}

/* To a reader: one publish has many receivers, and all of them have the same topic. */
static int deliver_same(struct trial *trial, unsigned event)
{
    static char topic[] = PLUGIN_SITE_TOPIC;
    static struct mosquitto readers[CLIENTS_MAX];
    struct mosquitto *reader = &readers[client_of(trial, event)];

    *reader = (struct mosquitto){"r", "reader"};
    return raise_acl(trial, reader, topic, MOSQ_ACL_READ);
}

/* To one reader, each time of another topic. */
static int deliver_other(struct trial *trial, unsigned event)
{
    static struct mosquitto reader = {"r", "reader"};

    return raise_acl(trial, &reader, trial->topics[client_of(trial, event)], MOSQ_ACL_READ);
}

/* To a sensor, whose own stream it is. */
static int deliver_sensor(struct trial *trial, unsigned event)
{
    unsigned i = client_of(trial, event);

    return raise_acl(trial, &trial->clients[i], trial->topics[i], MOSQ_ACL_READ);
}

static int subscribe_one(struct trial *trial, unsigned event)
{
    unsigned i = client_of(trial, event);

    return raise_acl(trial, &trial->clients[i], trial->topics[i], MOSQ_ACL_SUBSCRIBE);
}

static int subscribe_all(struct trial *trial, unsigned event)
{
    static char filter[] = "nexus/#";

    return raise_acl(trial, &trial->clients[client_of(trial, event)], filter, MOSQ_ACL_SUBSCRIBE);
}

static int publish_outside(struct trial *trial, unsigned event)
{
    static char topic[] = "home/kitchen/temperature";

    return publish(trial, &trial->clients[client_of(trial, event)], topic);
}

static const struct case_row {
    const char *name;
    int (*raise)(struct trial *trial, unsigned event);
} cases[] = {
    {"publish, 299-byte observation, both events", publish_own},
    {"delivery to a reader, topic as before", deliver_same},
    {"delivery to a reader, another topic", deliver_other},
    {"delivery to the sensor itself", deliver_sensor},
    {"subscribe, one stream", subscribe_one},
    {"subscribe, nexus/#", subscribe_all},
    {"publish outside nexus/, both events", publish_outside},
};

enum { CASE_COUNT = sizeof(cases) / sizeof(cases[0]) };

/* ---- one trial --------------------------------------------------------------------------- */

static void start_plugin(struct trial *trial, const struct plugin_site *site)
{
    const struct fake_option options[] = {{"config", site->dir}, {"city", "birmingham"}};

    fake_reset();
    if (fake_start(&trial->plugin, options, 2) != 0) {
        bench_die("the plugin did not start:\n%s", fake.log);
    }
}

static void make_clients(struct trial *trial)
{
    unsigned count = trial->scale->clients;

    trial->clients = calloc(count, sizeof(*trial->clients));
    trial->names = calloc(count, sizeof(*trial->names));
    trial->topics = calloc(count, sizeof(*trial->topics));
    if (trial->clients == NULL || trial->names == NULL || trial->topics == NULL) {
        bench_die("out of memory");
    }
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(trial->names[i], NAME_SIZE, "air-A%u", i);
        (void)snprintf(trial->topics[i], TOPIC_SIZE, "nexus/birmingham/air/A%u/observation", i);
        trial->clients[i] = (struct mosquitto){trial->names[i], trial->names[i]};
    }
}

/* Its name is an argument of callgrind, with a star: the compiler may add to it. */
__attribute__((noinline)) static unsigned raise_counted(struct trial *trial,
                                                        const struct case_row *row)
{
    unsigned refused = 0;

    for (unsigned i = 0; i < EVENTS; i++) {
        refused += row->raise(trial, i) != 0;
    }
    __asm__ volatile("" ::: "memory");
    return refused;
}

static void run_once(const struct case_row *row, const struct scale *scale)
{
    struct trial trial = {.scale = scale};
    struct plugin_site site;
    unsigned refused = 0;

    plugin_site_make(&site, scale->rules, scale->domains);
    start_plugin(&trial, &site);
    plugin_site_remove(&site);
    make_clients(&trial);
    bench_read(NX_SOURCE_DIR "/bench/data/air-quality.json", &trial.payload);
    for (unsigned i = 0; i < scale->clients; i++) { /* every client has been seen once */
        refused += row->raise(&trial, i) != 0;
    }
    refused += raise_counted(&trial, row);
    if (refused > 0) {
        bench_die("%s: %u refused: %s", row->name, refused, fake.log);
    }
    fake_stop(&trial.plugin);
    fake_reset();
    nx_buf_fini(&trial.payload);
    free(trial.clients);
    free(trial.names);
    free(trial.topics);
}

int main(int argc, char **argv)
{
    if (argc == 4 && nx_span_is(nx_span_from(argv[1]), "--once")) {
        run_once(&cases[bench_option("case", argv[2], CASE_COUNT) - 1],
                 &scales[bench_option("scale", argv[3], SCALE_COUNT) - 1]);
        return 0;
    }
    if (argc != 1) {
        (void)fputs("usage: plugin_bench\n", stderr);
        return 2;
    }
    (void)printf("instructions per event of the plugin; large: %u clients, %u rules, %u schemas\n",
                 scales[2].clients, 2 * scales[2].rules, 2 * scales[2].domains);
    (void)printf("  %-44s %8s %8s %8s\n", "", scales[0].name, scales[1].name, scales[2].name);
    for (unsigned i = 0; i < CASE_COUNT; i++) {
        (void)printf("  %-44s", cases[i].name);
        for (unsigned scale = 0; scale < SCALE_COUNT; scale++) {
            (void)printf(" %8.0f", bench_count("raise_counted*", i + 1, scale + 1) / EVENTS);
            (void)fflush(stdout);
        }
        (void)fputc('\n', stdout);
    }
    return 0;
}
