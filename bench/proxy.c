/*
 * proxy.c - nexus-proxy: a TCP proxy on loopback that behaves like a bad network: delay, a limited
 * rate, cuts of several kinds, one byte at a time. For benchmarks and tests, because the kernels
 * that they run on may have no netem. It knows nothing of what it carries.
 */
#include "bench/proxy_flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    COMMAND_BYTES_MAX = 128,
    EVENTS_MAX = 64,
    NS_PER_MS = 1000000,
};

/* What a cut does to every connection there is. */
enum cut { CUT_RESET, CUT_CLOSE, CUT_HALF, CUT_SILENT };

static const char *const cut_names[] = {"reset", "close", "half", "silent"};

struct connection {
    bool used;
    int client, server;
    struct flow flows[2]; /* client to server, server to client */
};

struct proxy {
    struct sockaddr_in to;
    int epoll, timer, listener;
    struct line line;
    uint64_t cut_every_ns, next_cut_ns;
    enum cut cut;
    bool held, commands;
    uint64_t cuts;
    struct connection connections[CONNECTIONS_MAX];
};

/* What epoll carries: the slot of a connection, or one of these. */
enum { TAG_LISTENER = CONNECTIONS_MAX, TAG_TIMER, TAG_COMMANDS };

static uint64_t now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "nexus-proxy: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(const struct proxy *proxy, int fd, uint32_t events, uint32_t tag)
{
    struct epoll_event event = {.events = events, .data.u32 = tag};

    if (epoll_ctl(proxy->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        die("epoll_ctl");
    }
}

/* --- connections -------------------------------------------------------------------------------- */

static void connection_end(struct connection *connection, bool reset)
{
    const struct linger abort_at_once = {.l_onoff = 1, .l_linger = 0};
    int fds[2] = {connection->client, connection->server};

    for (int i = 0; i < 2; i++) {
        if (reset) {
            (void)setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &abort_at_once, sizeof(abort_at_once));
        }
        (void)close(fds[i]);
    }
    connection->used = false;
}

static struct connection *connection_free_slot(struct proxy *proxy)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (!proxy->connections[i].used) {
            return &proxy->connections[i];
        }
    }
    return NULL;
}

static void on_listener(struct proxy *proxy)
{
    const int one = 1;
    int client = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct connection *connection = connection_free_slot(proxy);
    int server;
    uint32_t tag;

    if (client < 0) {
        return;
    }
    server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection == NULL || server < 0 ||
        connect(server, (const struct sockaddr *)&proxy->to, sizeof(proxy->to)) != 0) {
        (void)close(client); /* loopback answers at once: nobody listens there */
        if (server >= 0) {
            (void)close(server);
        }
        return;
    }
    (void)fcntl(server, F_SETFL, O_NONBLOCK);
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    connection->used = true;
    connection->client = client;
    connection->server = server;
    if (!flow_init(&connection->flows[0], client, server) ||
        !flow_init(&connection->flows[1], server, client)) {
        die("memory");
    }
    tag = (uint32_t)(connection - proxy->connections);
    watch(proxy, client, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, tag);
    watch(proxy, server, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, tag);
}

static void connection_turn(const struct proxy *proxy, struct connection *connection, uint64_t now)
{
    bool whole = true;

    if (proxy->held) {
        return;
    }
    for (int i = 0; i < 2 && whole; i++) {
        whole = flow_turn(&proxy->line, &connection->flows[i], now);
    }
    if (!whole || (connection->flows[0].closed && connection->flows[1].closed)) {
        connection_end(connection, !whole);
    }
}

/* --- cuts and commands -------------------------------------------------------------------------- */

static void cut_all(struct proxy *proxy, enum cut cut)
{
    proxy->cuts++;
    if (cut == CUT_SILENT) {
        proxy->held = true;
        return;
    }
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &proxy->connections[i];

        if (!connection->used) {
            continue;
        }
        if (cut == CUT_HALF) {
            (void)shutdown(connection->server, SHUT_WR);
            flow_drop(&connection->flows[0]);
        } else {
            connection_end(connection, cut == CUT_RESET);
        }
    }
}

static bool cut_named(const char *name, enum cut *out)
{
    for (unsigned i = 0; i < sizeof(cut_names) / sizeof(cut_names[0]); i++) {
        if (strcmp(name, cut_names[i]) == 0) {
            *out = (enum cut)i;
            return true;
        }
    }
    return false;
}

/* "reset", "close", "half", "silent" cut; "go" ends a silence by a reset; "quit" ends. */
static void command(struct proxy *proxy, const char *line)
{
    enum cut cut;

    if (cut_named(line, &cut)) {
        cut_all(proxy, cut);
    } else if (strcmp(line, "go") == 0) {
        proxy->held = false;
        cut_all(proxy, CUT_RESET);
    } else if (strcmp(line, "quit") == 0) {
        exit(0);
    } else {
        fprintf(stderr, "nexus-proxy: no such command: %s\n", line);
        return;
    }
    printf("done %s\n", line);
    (void)fflush(stdout);
}

/* Commands come as whole lines; the end of the input ends the proxy with whoever started it. */
static void on_commands(struct proxy *proxy)
{
    static char text[COMMAND_BYTES_MAX];
    static size_t held;
    ssize_t got = read(STDIN_FILENO, text + held, sizeof(text) - held - 1);
    char *end;

    if (got <= 0) {
        exit(0);
    }
    held += (size_t)got;
    text[held] = '\0';
    while ((end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        command(proxy, text);
        held -= (size_t)(end + 1 - text);
        memmove(text, end + 1, held + 1);
    }
    if (held == sizeof(text) - 1) {
        held = 0; /* no command is that long */
    }
}

/* --- the loop ----------------------------------------------------------------------------------- */

static uint64_t next_due(const struct proxy *proxy)
{
    uint64_t next = proxy->cut_every_ns > 0 ? proxy->next_cut_ns : UINT64_MAX;

    for (int i = 0; i < CONNECTIONS_MAX && !proxy->held; i++) {
        const struct connection *connection = &proxy->connections[i];

        for (int f = 0; f < 2 && connection->used; f++) {
            uint64_t due = flow_next(&proxy->line, &connection->flows[f]);

            next = due < next ? due : next;
        }
    }
    return next;
}

static void arm(const struct proxy *proxy)
{
    uint64_t due = next_due(proxy);
    struct itimerspec at = {0};

    if (due != UINT64_MAX) {
        at.it_value.tv_sec = (time_t)(due / (1000 * NS_PER_MS));
        at.it_value.tv_nsec = (long)(due % (1000 * NS_PER_MS)) + 1;
    }
    if (timerfd_settime(proxy->timer, TFD_TIMER_ABSTIME, &at, NULL) != 0) {
        die("timerfd_settime");
    }
}

static void on_timer(struct proxy *proxy, uint64_t now)
{
    uint64_t times;

    (void)!read(proxy->timer, &times, sizeof(times));
    if (proxy->cut_every_ns > 0 && now >= proxy->next_cut_ns) {
        proxy->next_cut_ns = now + proxy->cut_every_ns;
        cut_all(proxy, proxy->cut);
    }
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (proxy->connections[i].used) {
            connection_turn(proxy, &proxy->connections[i], now);
        }
    }
}

static void serve(struct proxy *proxy)
{
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        int count;
        uint64_t now;

        arm(proxy);
        count = epoll_wait(proxy->epoll, events, EVENTS_MAX, -1);
        now = now_ns();
        for (int i = 0; i < count; i++) {
            uint32_t tag = events[i].data.u32;

            if (tag == TAG_LISTENER) {
                on_listener(proxy);
            } else if (tag == TAG_TIMER) {
                on_timer(proxy, now);
            } else if (tag == TAG_COMMANDS) {
                on_commands(proxy);
            } else if (proxy->connections[tag].used) {
                connection_turn(proxy, &proxy->connections[tag], now);
            }
        }
    }
}

/* --- start -------------------------------------------------------------------------------------- */

static void usage(void)
{
    fputs(
        "nexus-proxy --listen PORT --to PORT [--rtt MS] [--rate BYTES_A_SECOND] [--dribble]\n"
        "            [--cut-every MS] [--cut reset|close|half|silent] [--commands]\n"
        "A TCP proxy between two ports of 127.0.0.1 that behaves like a bad network. PORT 0 takes\n"
        "a free one; prints 'listening PORT'. With --commands lines on stdin cut (reset, close,\n"
        "half, silent; go ends a silence), and the end of stdin ends it.\n",
        stderr);
    exit(2);
}

static uint64_t number(const char *text, uint64_t max)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value > max) {
        fprintf(stderr, "nexus-proxy: not a number up to %llu: %s\n", (unsigned long long)max,
                text);
        exit(2);
    }
    return value;
}

static uint16_t start_listening(struct proxy *proxy, uint16_t port)
{
    const int one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof(at);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (proxy->listener < 0 ||
        setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(proxy->listener, (const struct sockaddr *)&at, size) != 0 ||
        listen(proxy->listener, CONNECTIONS_MAX) != 0 ||
        getsockname(proxy->listener, (struct sockaddr *)&at, &size) != 0) {
        die("listen");
    }
    return ntohs(at.sin_port);
}

static void read_options(struct proxy *proxy, int argc, char **argv, uint16_t *listen_port)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"to", required_argument, NULL, 't'},
        {"rtt", required_argument, NULL, 'd'},
        {"rate", required_argument, NULL, 'r'},
        {"cut-every", required_argument, NULL, 'e'},
        {"cut", required_argument, NULL, 'c'},
        {"dribble", no_argument, NULL, 'b'},
        {"commands", no_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    int given;

    while ((given = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (given) {
        case 'l':
            *listen_port = (uint16_t)number(optarg, UINT16_MAX);
            break;
        case 't':
            proxy->to.sin_port = htons((uint16_t)number(optarg, UINT16_MAX));
            break;
        case 'd':
            proxy->line.delay_ns = number(optarg, 60000) * NS_PER_MS / 2;
            break;
        case 'r':
            proxy->line.rate = number(optarg, 1u << 31);
            break;
        case 'e':
            proxy->cut_every_ns = number(optarg, 3600000) * NS_PER_MS;
            break;
        case 'c':
            if (!cut_named(optarg, &proxy->cut)) {
                usage();
            }
            break;
        case 'b':
            proxy->line.dribble = true;
            break;
        case 'i':
            proxy->commands = true;
            break;
        default:
            usage();
        }
    }
    if (proxy->to.sin_port == 0 || optind != argc) {
        usage();
    }
}

int main(int argc, char **argv)
{
    static struct proxy proxy = {.to = {.sin_family = AF_INET}};
    uint16_t port = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    proxy.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    read_options(&proxy, argc, argv, &port);
    port = start_listening(&proxy, port);
    proxy.epoll = epoll_create1(EPOLL_CLOEXEC);
    proxy.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (proxy.epoll < 0 || proxy.timer < 0) {
        die("epoll");
    }
    proxy.next_cut_ns = now_ns() + proxy.cut_every_ns;
    watch(&proxy, proxy.listener, EPOLLIN, TAG_LISTENER);
    watch(&proxy, proxy.timer, EPOLLIN, TAG_TIMER);
    if (proxy.commands) {
        watch(&proxy, STDIN_FILENO, EPOLLIN, TAG_COMMANDS);
    }
    printf("listening %u\n", (unsigned)port);
    (void)fflush(stdout);
    serve(&proxy);
}
