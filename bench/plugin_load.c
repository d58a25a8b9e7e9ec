/*
 * plugin_load.c - the broker with the plugin beside the bare broker, at full load: throughput and
 * the broker's CPU for each message.
 *
 * Two brokers of identical settings run all the time, one of them with the plugin. Slices of a
 * fraction of a second go in turn to bare, plugin, plugin, bare: a machine that drifts favours
 * neither. A figure is the median over many such rounds of the ratio within one round.
 */
#include "bench/load_pipe.h"
#include "bench/plugin_site.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS_MAX = 500,
    ROUNDS_DEFAULT = 40,
    SLICE_DEFAULT = 8000, /* messages */
    LATENCY_MESSAGES = 2000,
    START_TRIES = 200,
};

struct broker {
    const char *name;
    pid_t pid;
    uint16_t port;
};

static struct broker brokers[] = {{"bare", 0, 0}, {"plugin", 0, 0}};
static struct plugin_site site;

enum { BARE, PLUGIN, BROKER_COUNT };

/* ---- brokers ----------------------------------------------------------------------------- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        bench_die("no free port");
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

static void write_conf(const struct broker *broker, const char *plugin)
{
    char name[64], lines[1024] = "";

    (void)snprintf(name, sizeof(name), "%s.conf", broker->name);
    if (plugin != NULL) {
        (void)snprintf(lines, sizeof(lines),
                       "plugin %s\nplugin_opt_config %s\nplugin_opt_city birmingham\n", plugin,
                       site.dir);
    }
    plugin_site_write(
        &site, name,
        "listener %u 127.0.0.1\nallow_anonymous false\n"
        "password_file %s/passwords\npersistence false\nlog_type error\n"
        "max_queued_messages 1000000000\nmax_inflight_messages 0\nset_tcp_nodelay true\n%s",
        broker->port, site.dir, lines);
}

/* On the first processor, or the last: the broker and its load do not share one where there are two. */
static void pin(bool first)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;

    if (count >= 2) {
        CPU_ZERO(&set);
        CPU_SET(first ? 0 : (size_t)count - 1, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
}

static pid_t run(const char *const argv[], bool first)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (first) {
            pin(true);
        }
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    if (pid < 0) {
        bench_die("cannot start %s", argv[0]);
    }
    return pid;
}

static void add_password(const char *username)
{
    char file[PLUGIN_SITE_PATH_MAX + 16];
    const char *const argv[] = {"mosquitto_passwd", "-b", file, username, "secret", NULL};
    int status = 0;

    (void)snprintf(file, sizeof(file), "%s/passwords", site.dir);
    if (waitpid(run(argv, false), &status, 0) < 0 || status != 0) {
        bench_die("mosquitto_passwd did not run; it is in the Debian package mosquitto");
    }
    (void)chmod(file, 0644);
}

static bool is_listening(const struct broker *broker)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(broker->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool up = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    (void)close(fd);
    return up;
}

static void broker_start(struct broker *broker, const char *plugin)
{
    char conf[PLUGIN_SITE_PATH_MAX + 64];
    const char *const argv[] = {"mosquitto", "-c", conf, NULL};

    broker->port = free_port();
    write_conf(broker, plugin);
    (void)snprintf(conf, sizeof(conf), "%s/%s.conf", site.dir, broker->name);
    broker->pid = run(argv, true);
    for (unsigned i = 0; i < START_TRIES && !is_listening(broker); i++) {
        (void)usleep(25000);
    }
    if (!is_listening(broker)) {
        bench_die("mosquitto did not start");
    }
}

/* Whatever way the program ends. */
static void stop_all(void)
{
    for (unsigned i = 0; i < BROKER_COUNT; i++) {
        if (brokers[i].pid > 0) {
            (void)kill(brokers[i].pid, SIGTERM);
            (void)waitpid(brokers[i].pid, NULL, 0);
            brokers[i].pid = 0;
        }
    }
    if (site.dir[0] != '\0') {
        plugin_site_remove(&site);
        site.dir[0] = '\0';
    }
}

/* Nanoseconds on a processor, user and system: the first number of /proc/PID/schedstat. */
static double cpu_ns(const struct broker *broker)
{
    char path[64];
    char text[128] = "";
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)broker->pid);
    fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
        bench_die("%s cannot be read", path);
    }
    (void)close(fd);
    return strtod(text, NULL);
}

/* ---- measuring --------------------------------------------------------------------------- */

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* Between two pieces of work: ends in an orderly way, so that no broker stays behind. */
static void stop_if_asked(void)
{
    if (stopping != 0) {
        bench_die("stopped");
    }
}

struct slice {
    double elapsed_ns, cpu_ns;
};

static struct slice measure(const struct broker *broker, struct load_pipe *pipe, unsigned messages)
{
    double cpu = cpu_ns(broker);
    uint64_t began = bench_clock_ns();
    struct slice slice;

    load_pipe_run(pipe, messages);
    slice.elapsed_ns = (double)(bench_clock_ns() - began);
    slice.cpu_ns = cpu_ns(broker) - cpu;
    return slice;
}

struct figures {
    double throughput[ROUNDS_MAX], cpu[ROUNDS_MAX]; /* plugin / bare, of each round */
    double elapsed_ns[BROKER_COUNT], cpu_ns[BROKER_COUNT];
};

static void run_round(struct load_pipe *const pipes[], unsigned messages, unsigned round,
                      struct figures *figures)
{
    static const unsigned order[][4] = {{BARE, PLUGIN, PLUGIN, BARE}, {PLUGIN, BARE, BARE, PLUGIN}};
    struct slice sum[BROKER_COUNT] = {{0, 0}};

    for (unsigned i = 0; i < 4; i++) {
        unsigned which = order[round % 2][i];
        struct slice slice;

        stop_if_asked();
        slice = measure(&brokers[which], pipes[which], messages);

        sum[which].elapsed_ns += slice.elapsed_ns;
        sum[which].cpu_ns += slice.cpu_ns;
    }
    figures->throughput[round] = sum[BARE].elapsed_ns / sum[PLUGIN].elapsed_ns;
    figures->cpu[round] = sum[PLUGIN].cpu_ns / sum[BARE].cpu_ns;
    for (unsigned i = 0; i < BROKER_COUNT; i++) {
        figures->elapsed_ns[i] += sum[i].elapsed_ns;
        figures->cpu_ns[i] += sum[i].cpu_ns;
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
        (void)printf("  %s %.0f msg/s, %.2f us of CPU a message;", brokers[i].name,
                     count * 1e9 / figures.elapsed_ns[i], figures.cpu_ns[i] / count / 1e3);
        load_pipe_close(pipes[i]);
    }
    (void)fputs("\n       plugin / bare, medians:", stdout);
    print_ratio("throughput", figures.throughput, rounds);
    print_ratio("; CPU", figures.cpu, rounds);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

/* ---- a flood ------------------------------------------------------------------------------ */

/* Another process: one that yields to whoever measures, and floods in all the time that is left. */
static pid_t flood_start(const struct broker *broker, struct nx_span payload)
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
        brokers[BARE].pid = brokers[PLUGIN].pid = 0; /* not this process's to end */
        site.dir[0] = '\0';
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

        stop_if_asked();
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
static void run_flood(const struct broker *broker, struct nx_span payload)
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
    cpu = cpu_ns(broker);
    flood = flood_start(broker, payload);
    print_latency("under a flood", pipe);
    (void)printf(" the broker's CPU then %.1f s\n", (cpu_ns(broker) - cpu) / 1e9);
    if (flood > 0) {
        (void)kill(flood, SIGKILL);
        (void)waitpid(flood, NULL, 0);
    }
    load_pipe_close(pipe);
}

int main(int argc, char **argv)
{
    unsigned rounds = ROUNDS_DEFAULT, messages = SLICE_DEFAULT;
    const char *plugin = NX_PLUGIN_FILE;
    const struct sigaction end = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
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
    (void)setenv("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin", 1);
    (void)atexit(stop_all);
    (void)sigaction(SIGINT, &end, NULL);
    (void)sigaction(SIGTERM, &end, NULL);
    plugin_site_make(&site, 0, 1);
    plugin_site_write(&site, "passwords", "%s", "");
    add_password("air-BMLD");
    add_password("reader");
    add_password("flood");
    bench_read(NX_SOURCE_DIR "/bench/data/air-quality.json", &payload);
    broker_start(&brokers[BARE], NULL);
    broker_start(&brokers[PLUGIN], plugin);
    pin(false);
    (void)printf("one publisher, one subscriber, 299 bytes, %u rounds of 2 x %u messages each\n",
                 rounds, messages);
    run_qos(0, nx_buf_view(&payload), rounds, messages);
    run_qos(1, nx_buf_view(&payload), rounds, messages);
    run_flood(&brokers[BARE], nx_buf_view(&payload));
    run_flood(&brokers[PLUGIN], nx_buf_view(&payload));
    nx_buf_fini(&payload);
    return 0;
}
