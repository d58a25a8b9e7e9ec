/*
 * plugin_load.c - the broker with the plugin beside the bare broker, at full load: throughput and
 * the broker's CPU for each message. Beside both a broker whose plugin does nothing: what it costs
 * is the broker's own.
 *
 * The brokers have identical settings and run all the time. Slices of a fraction of a second go
 * from the first to the last and back: a machine that drifts favours none. A figure is the median
 * over many such rounds of the ratio within one round.
 */
#include "bench/load_broker.h"
#include "bench/load_pipe.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 500,
    ROUNDS_DEFAULT = 40,
    SLICE_DEFAULT = 8000, /* messages */
    LATENCY_MESSAGES = 2000,
    PLUGIN_LINES_SIZE = 1024,
};

enum { BARE, EMPTY, PLUGIN, BROKER_COUNT };

static struct load_broker brokers[] = {
    [BARE] = {.name = "bare"}, [EMPTY] = {.name = "null"}, [PLUGIN] = {.name = "plugin"}};

/* ---- measuring --------------------------------------------------------------------------- */

struct slice {
    double elapsed_ns, cpu_ns, user_ns;
    double sleeps; /* of the load, each of which a packet of the broker's had to end */
};

static double sleeps(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_nvcsw : 0;
}

static struct slice measure(const struct load_broker *broker, struct load_pipe *pipe,
                            unsigned messages)
{
    struct slice slice = {.cpu_ns = load_broker_cpu_ns(broker),
                          .user_ns = load_broker_user_ns(broker),
                          .sleeps = sleeps()};
    uint64_t began = bench_clock_ns();

    load_pipe_run(pipe, messages);
    slice.elapsed_ns = (double)(bench_clock_ns() - began);
    slice.cpu_ns = load_broker_cpu_ns(broker) - slice.cpu_ns;
    slice.user_ns = load_broker_user_ns(broker) - slice.user_ns;
    slice.sleeps = sleeps() - slice.sleeps;
    return slice;
}

static void add_slice(struct slice *sum, const struct slice *slice)
{
    sum->elapsed_ns += slice->elapsed_ns;
    sum->cpu_ns += slice->cpu_ns;
    sum->user_ns += slice->user_ns;
    sum->sleeps += slice->sleeps;
}

struct figures {
    /* over that of the bare broker in the same round */
    double throughput[BROKER_COUNT][ROUNDS_MAX], cpu[BROKER_COUNT][ROUNDS_MAX];
    struct slice sum[BROKER_COUNT]; /* of all rounds */
};

/* There and back, the next round from the other end. */
static unsigned broker_of(unsigned slice, unsigned round)
{
    unsigned which = slice < BROKER_COUNT ? slice : 2 * BROKER_COUNT - 1 - slice;

    return round % 2 == 0 ? which : BROKER_COUNT - 1 - which;
}

static void run_round(struct load_pipe *const pipes[], unsigned messages, unsigned round,
                      struct figures *figures)
{
    struct slice sum[BROKER_COUNT] = {{0}};

    for (unsigned i = 0; i < 2 * BROKER_COUNT; i++) {
        unsigned which = broker_of(i, round);
        struct slice slice;

        load_stop_if_asked();
        slice = measure(&brokers[which], pipes[which], messages);
        add_slice(&sum[which], &slice);
    }
    for (unsigned i = 0; i < BROKER_COUNT; i++) {
        figures->throughput[i][round] = sum[BARE].elapsed_ns / sum[i].elapsed_ns;
        figures->cpu[i][round] = sum[i].cpu_ns / sum[BARE].cpu_ns;
        add_slice(&figures->sum[i], &sum[i]);
    }
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static void print_ratio(const char *name, double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), by_value);
    (void)printf("  %s %.3f (middle half %.3f to %.3f)", name, values[count / 2], values[count / 4],
                 values[count * 3 / 4]);
}

static void run_qos(uint8_t qos, struct nx_span payload, unsigned rounds, unsigned messages)
{
    static struct figures figures;
    struct load_pipe *pipes[BROKER_COUNT];
    double count = 2.0 * rounds * messages;

    figures = (struct figures){0};
    for (unsigned i = 0; i < BROKER_COUNT; i++) {
        const struct load_pipe_config config = {.port = brokers[i].port,
                                                .publisher = "air-BMLD",
                                                .subscriber = "reader",
                                                .password = "secret",
                                                .topic = NX_SPAN(PLUGIN_SITE_TOPIC),
                                                .payload = payload,
                                                .qos = qos};
        pipes[i] = load_pipe_open(&config);
        load_pipe_run(pipes[i], messages); /* warm */
    }
    for (unsigned round = 0; round < rounds; round++) {
        run_round(pipes, messages, round, &figures);
    }
    (void)printf("QoS %u:", qos);
    for (unsigned i = 0; i < BROKER_COUNT; i++) {
        const struct slice *sum = &figures.sum[i];

        (void)printf(
            "\n  %-6s %6.0f msg/s; CPU a message %5.2f us, %5.2f of it the kernel's; the load"
            " slept %.2f times",
            brokers[i].name, count * 1e9 / sum->elapsed_ns, sum->cpu_ns / count / 1e3,
            (sum->cpu_ns - sum->user_ns) / count / 1e3, sum->sleeps / count);
        load_pipe_close(pipes[i]);
    }
    for (unsigned i = BARE + 1; i < BROKER_COUNT; i++) {
        (void)printf("\n  %s / bare, medians:", brokers[i].name);
        print_ratio("throughput", figures.throughput[i], rounds);
        print_ratio("; CPU", figures.cpu[i], rounds);
    }
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

/* ---- a flood ------------------------------------------------------------------------------ */

/* Another process: one that yields to whoever measures, and floods in all the time that is left. */
static pid_t flood_start(const struct load_broker *broker, struct nx_span payload)
{
    const struct load_pipe_config config = {.port = broker->port,
                                            .publisher = "flood",
                                            .password = "secret",
                                            .topic =
                                                NX_SPAN("nexus/birmingham/air/FLOOD/observation"),
                                            .payload = payload};
    const struct sched_param none = {0};
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        load_brokers_disown();
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
        load_flood(&config);
    }
    return pid;
}

static void print_latency(const char *name, struct load_pipe *pipe)
{
    static double us[LATENCY_MESSAGES];

    for (unsigned i = 0; i < LATENCY_MESSAGES; i++) {
        uint64_t began = bench_clock_ns();

        load_stop_if_asked();
        load_pipe_run(pipe, 1);
        us[i] = (double)(bench_clock_ns() - began) / 1e3;
        (void)usleep(1000);
    }
    qsort(us, LATENCY_MESSAGES, sizeof(us[0]), by_value);
    (void)printf("  %s p50 %.0f, p99 %.0f us;", name, us[LATENCY_MESSAGES / 2],
                 us[LATENCY_MESSAGES * 99 / 100]);
    (void)fflush(stdout);
}

/* From one sensor to its reader, while another sensor is quiet, and while it floods. */
static void run_flood(const struct load_broker *broker, struct nx_span payload)
{
    const struct load_pipe_config config = {.port = broker->port,
                                            .publisher = "air-BMLD",
                                            .subscriber = "reader",
                                            .password = "secret",
                                            .topic = NX_SPAN(PLUGIN_SITE_TOPIC),
                                            .payload = payload,
                                            .qos = 1};
    struct load_pipe *pipe = load_pipe_open(&config);
    double cpu;
    pid_t flood;

    (void)printf("latency, %s:", broker->name);
    print_latency("quiet", pipe);
    cpu = load_broker_cpu_ns(broker);
    flood = flood_start(broker, payload);
    print_latency("under a flood", pipe);
    (void)printf(" the broker's CPU then %.1f s\n", (load_broker_cpu_ns(broker) - cpu) / 1e9);
    if (flood > 0) {
        (void)kill(flood, SIGKILL);
        (void)waitpid(flood, NULL, 0);
    }
    load_pipe_close(pipe);
}

int main(int argc, char **argv)
{
    unsigned rounds = ROUNDS_DEFAULT, messages = SLICE_DEFAULT;
    char lines[PLUGIN_LINES_SIZE];
    struct plugin_site site;
    struct nx_buf payload;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (nx_span_is(nx_span_from(argv[i]), "--rounds")) {
            rounds = bench_option("--rounds", argv[i + 1], ROUNDS_MAX);
        } else if (nx_span_is(nx_span_from(argv[i]), "--messages")) {
            messages = bench_option("--messages", argv[i + 1], 1000000);
        } else {
            bench_die("usage: plugin_load [--rounds N] [--messages N]");
        }
    }
    plugin_site_make(&site, 0, 1);
    load_brokers_init(&site);
    bench_read(NX_SOURCE_DIR "/bench/data/air-quality.json", &payload);
    load_broker_start(&brokers[BARE], "", NULL);
    load_broker_start(&brokers[EMPTY], "plugin " NX_NULL_PLUGIN_FILE "\n", NULL);
    (void)snprintf(lines, sizeof(lines),
                   "plugin %s\nplugin_opt_config %s\nplugin_opt_city birmingham\n", NX_PLUGIN_FILE,
                   site.dir);
    load_broker_start(&brokers[PLUGIN], lines, NULL);
    load_pin();
    (void)printf("one publisher, one subscriber, 299 bytes, %u rounds of 2 x %u messages each\n"
                 "null: a plugin that registers the same events and answers at once\n",
                 rounds, messages);
    run_qos(0, nx_buf_view(&payload), rounds, messages);
    run_qos(1, nx_buf_view(&payload), rounds, messages);
    run_flood(&brokers[BARE], nx_buf_view(&payload));
    run_flood(&brokers[PLUGIN], nx_buf_view(&payload));
    nx_buf_fini(&payload);
    return 0;
}
