/*
 * plugin_count.c - the instructions that the whole broker takes for one message from one publisher
 * to one subscriber, counted by callgrind: bare, with a plugin that does nothing but register one
 * event or all of them, and with ours. The kernel's are not among them.
 *
 * Each broker is counted over few messages and over many; the difference is free of its start.
 */
#include "bench/count.h"
#include "bench/load_broker.h"
#include "bench/load_pipe.h"

#include <stdio.h>
#include <stdlib.h>

enum { FEW = 500, MANY = 4500, PATH_SIZE = PLUGIN_SITE_PATH_MAX + 32, LINES_SIZE = 1024 };

static const char null_line[] = "plugin " NX_NULL_PLUGIN_FILE "\n";

static const struct row {
    const char *name;
    const char *events; /* of the null plugin; "": all of them; NULL: another subject */
    bool ours;
} rows[] = {
    {"bare", NULL, false},
    {"null, no event", "NONE", false},
    {"null, TICK alone", "TICK", false},
    {"null, MESSAGE alone", "MESSAGE", false},
    {"null, ACL_CHECK alone", "ACL_CHECK", false},
    {"null, all events", "", false},
    {"nexus_plugin.so", NULL, true},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static void write_lines(const struct row *row, const struct plugin_site *site, char out[LINES_SIZE])
{
    out[0] = '\0';
    if (row->ours) {
        (void)snprintf(out, LINES_SIZE,
                       "plugin %s\nplugin_opt_config %s\nplugin_opt_city birmingham\n",
                       NX_PLUGIN_FILE, site->dir);
    } else if (row->events != NULL && row->events[0] == '\0') {
        (void)snprintf(out, LINES_SIZE, "%s", null_line);
    } else if (row->events != NULL) {
        (void)snprintf(out, LINES_SIZE, "%splugin_opt_events %s\n", null_line, row->events);
    }
}

static double count_run(const struct plugin_site *site, const char *lines, uint8_t qos,
                        struct nx_span payload, unsigned messages)
{
    struct load_broker broker = {.name = "counted"};
    struct load_pipe_config config = {.publisher = "air-BMLD",
                                      .subscriber = "reader",
                                      .password = "secret",
                                      .topic = NX_SPAN(PLUGIN_SITE_TOPIC),
                                      .payload = payload,
                                      .qos = qos};
    struct load_pipe *pipe;
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/count", site->dir);
    load_broker_start(&broker, lines, path);
    config.port = broker.port;
    pipe = load_pipe_open(&config);
    load_pipe_run(pipe, messages);
    load_pipe_close(pipe);
    load_broker_stop(&broker);
    return bench_count_total(path);
}

int main(void)
{
    struct plugin_site site;
    struct nx_buf payload;
    char lines[LINES_SIZE];

    plugin_site_make(&site, 0, 1);
    load_brokers_init(&site);
    bench_read(NX_SOURCE_DIR "/bench/data/air-quality.json", &payload);
    (void)printf("instructions of the broker for one message, 299 bytes, one receiver\n"
                 "  %-28s %8s %8s\n",
                 "", "QoS 0", "QoS 1");
    for (unsigned i = 0; i < ROW_COUNT; i++) {
        write_lines(&rows[i], &site, lines);
        (void)printf("  %-28s", rows[i].name);
        for (uint8_t qos = 0; qos <= 1; qos++) {
            double few = count_run(&site, lines, qos, nx_buf_view(&payload), FEW);
            double many = count_run(&site, lines, qos, nx_buf_view(&payload), MANY);

            (void)printf(" %8.0f", (many - few) / (MANY - FEW));
            (void)fflush(stdout);
        }
        (void)fputc('\n', stdout);
    }
    nx_buf_fini(&payload);
    return 0;
}
