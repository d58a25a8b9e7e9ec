/*
 * load_broker.c - starts, watches and ends the brokers. They share the site's folder.
 */
#include "bench/load_broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BROKERS_MAX = 8,
    START_TRIES = 400, /* of 25 ms: callgrind takes its time */
};

static struct plugin_site site;
static struct load_broker *running[BROKERS_MAX];
static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* Ends in an orderly way, so that no broker stays behind. */
void load_stop_if_asked(void)
{
    if (stopping != 0) {
        bench_die("stopped");
    }
}

/* On the first processor, or the last: broker and load do not share one where there are two. */
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

void load_pin(void)
{
    pin(false);
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

/* Whatever way the program ends. */
static void stop_all(void)
{
    for (unsigned i = 0; i < BROKERS_MAX; i++) {
        if (running[i] != NULL) {
            load_broker_stop(running[i]);
        }
    }
    if (site.dir[0] != '\0') {
        plugin_site_remove(&site);
        site.dir[0] = '\0';
    }
}

void load_brokers_disown(void)
{
    for (unsigned i = 0; i < BROKERS_MAX; i++) {
        running[i] = NULL;
    }
    site.dir[0] = '\0';
}

void load_brokers_init(const struct plugin_site *made)
{
    const struct sigaction end = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    site = *made;
    (void)setenv("PATH", "/usr/sbin:/usr/local/sbin:/usr/bin:/bin", 1);
    (void)atexit(stop_all);
    (void)sigaction(SIGINT, &end, NULL);
    (void)sigaction(SIGTERM, &end, NULL);
    (void)sigaction(SIGPIPE, &end, NULL); /* who reads our figures has gone */
    plugin_site_write(&site, "passwords", "%s", "");
    add_password("air-BMLD");
    add_password("reader");
    add_password("flood");
}

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

static bool is_listening(const struct load_broker *broker)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(broker->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool up = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

    (void)close(fd);
    return up;
}

static void write_conf(const char *name, const struct load_broker *broker, const char *plugin)
{
    plugin_site_write(
        &site, name,
        "listener %u 127.0.0.1\nallow_anonymous false\n"
        "password_file %s/passwords\npersistence false\nlog_type error\n"
        "max_queued_messages 1000000000\nmax_inflight_messages 0\nset_tcp_nodelay true\n%s",
        broker->port, site.dir, plugin);
}

/* A file that the broker may write, as whichever user it then runs. */
static void make_writable(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (fd < 0 || fchmod(fd, 0666) != 0) {
        bench_die("%s cannot be made", path);
    }
    (void)close(fd);
}

static void remember(struct load_broker *broker)
{
    for (unsigned i = 0; i < BROKERS_MAX; i++) {
        if (running[i] == NULL) {
            running[i] = broker;
            return;
        }
    }
    bench_die("more brokers than %d", (int)BROKERS_MAX);
}

void load_broker_start(struct load_broker *broker, const char *plugin, const char *count)
{
    char name[64], conf[PLUGIN_SITE_PATH_MAX + 64], out[PLUGIN_SITE_PATH_MAX + 64];
    const char *const bare[] = {"mosquitto", "-c", conf, NULL};
    const char *const counted[] = {"valgrind", "-q", "--vgdb=no", "--tool=callgrind",
                                   out,        "--", "mosquitto", "-c",
                                   conf,       NULL};

    broker->port = free_port();
    (void)snprintf(name, sizeof(name), "%s.conf", broker->name);
    write_conf(name, broker, plugin);
    (void)snprintf(conf, sizeof(conf), "%s/%s", site.dir, name);
    (void)snprintf(out, sizeof(out), "--callgrind-out-file=%s", count != NULL ? count : "");
    if (count != NULL) {
        make_writable(count);
    }
    broker->pid = run(count != NULL ? counted : bare, true);
    remember(broker);
    for (unsigned i = 0; i < START_TRIES && !is_listening(broker); i++) {
        load_stop_if_asked();
        (void)usleep(25000);
    }
    if (!is_listening(broker)) {
        bench_die("mosquitto did not start");
    }
}

void load_broker_stop(struct load_broker *broker)
{
    (void)kill(broker->pid, SIGTERM);
    (void)waitpid(broker->pid, NULL, 0);
    broker->pid = 0;
    for (unsigned i = 0; i < BROKERS_MAX; i++) {
        running[i] = running[i] == broker ? NULL : running[i];
    }
}

/* What the broker's /proc file of that name says. */
static void read_proc(const struct load_broker *broker, const char *name, char out[512])
{
    char path[64];
    ssize_t len;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)broker->pid, name);
    fd = open(path, O_RDONLY);
    len = fd < 0 ? 0 : read(fd, out, 511);
    if (len <= 0) {
        bench_die("%s cannot be read", path);
    }
    out[len] = '\0';
    (void)close(fd);
}

/* The first number of /proc/PID/schedstat. */
double load_broker_cpu_ns(const struct load_broker *broker)
{
    char text[512];

    read_proc(broker, "schedstat", text);
    return strtod(text, NULL);
}

/* The 14th field of /proc/PID/stat; the second is the only one that may hold a blank. */
double load_broker_user_ns(const struct load_broker *broker)
{
    char text[512];
    const char *at;

    read_proc(broker, "stat", text);
    at = strrchr(text, ')');
    for (unsigned field = 2; at != NULL && field < 14; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtod(at, NULL) * 1e9 / (double)sysconf(_SC_CLK_TCK) : 0;
}
