/*
 * main.c - nexus-bridge: reads its words, its settings, takes the lock, runs, and says by its
 * exit code why it ended.
 */
#include "bridge/bridge.h"
#include "bridge/net.h"
#include "bridge/state.h"
#include "core/base/utc.h"
#include "core/os/file.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum exit_code {
    EXIT_CLEAN = 0,
    EXIT_INTERNAL = 1,
    EXIT_CONFIG = 2,
    EXIT_LOCKED = 3,
    EXIT_STATE = 4,
};

struct words {
    const char *config;
    bool check;
    bool verbose;
};

struct stopper {
    struct nx_bridge *bridge;
    const struct nx_log *log;
    int fd;
};

/* --- words ------------------------------------------------------------------------------------- */

static void print_help(void)
{
    (void)printf(
        "Usage: nexus-bridge --config FILE [--check] [--verbose]\n"
        "       nexus-bridge --version | --help\n"
        "\n"
        "Stores each reading of its cities in a cache, relays it to their peers, and translates\n"
        "it into each peer's format. Logs to standard error. SIGTERM and SIGINT end it cleanly:\n"
        "what is in flight is finished first; a second one ends it at once. SIGHUP: certificates\n"
        "and keys are read again for new connections; broken ones are told and not used.\n"
        "\n"
        "  --config FILE  bridge.json\n"
        "  --check        say whether FILE and all that it names can be used, and end\n"
        "  --verbose      log more\n"
        "\n"
        "Exit: 0 clean stop, 1 internal error, 2 configuration, 3 another bridge works in the\n"
        "      state folder, 4 the state folder or a cache in it cannot be used.\n"
        "\n"
        "Members of \"tuning\" in FILE (default; range):\n");
    for (size_t i = 0; i < nx_options_count; i++) {
        const struct nx_option *option = &nx_options[i];

        (void)printf("  %-17s %u %s; %u to %u\n      %s\n", option->name, option->value,
                     option->unit, option->min, option->max, option->help);
    }
}

/* Returns -1 to go on, else the exit code. */
static int read_words(int argc, char **argv, struct words *words)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int word;

    while ((word = getopt_long(argc, argv, "c:hv", options, NULL)) != -1) {
        switch (word) {
        case 'c':
            words->config = optarg;
            break;
        case 'k':
            words->check = true;
            break;
        case 'v':
            words->verbose = true;
            break;
        case 'V':
            (void)printf("nexus-bridge %s\n", NX_VERSION);
            return EXIT_CLEAN;
        case 'h':
            print_help();
            return EXIT_CLEAN;
        default:
            return EXIT_CONFIG; /* getopt has said why */
        }
    }
    if (words->config == NULL || optind < argc) {
        (void)fprintf(stderr, "nexus-bridge: expected --config FILE; see --help\n");
        return EXIT_CONFIG;
    }
    return -1;
}

/* --- saying ------------------------------------------------------------------------------------ */

static void log_write(void *ctx, enum nx_log_level level, const char *line)
{
    static const char *const names[] = {
        [NX_LOG_DEBUG] = "debug", [NX_LOG_INFO] = "info",   [NX_LOG_NOTICE] = "notice",
        [NX_LOG_WARN] = "warn",   [NX_LOG_ERROR] = "error",
    };
    char time[NX_UTC_SIZE];

    (void)ctx;
    (void)fprintf(stderr, "%s %s %s\n", nx_utc_format(nx_loop_wall_ms(), time), names[level], line);
}

static void complain(const struct nx_diag *diag)
{
    char text[1024];

    (void)fprintf(stderr, "nexus-bridge: %s\n", nx_diag_format(diag, text, sizeof(text)));
}

static void add_fault(void *ctx, const struct nx_diag *diag)
{
    unsigned *count = ctx;

    ++*count;
    complain(diag);
}

/* --- checking ---------------------------------------------------------------------------------- */

/* Certificates and keys change outside of FILE: that they can be used is told before anything runs. */
static enum nx_err check_tls(const char *path, const struct nx_settings *settings,
                             struct nx_diag *diag)
{
    for (size_t i = 0; i < settings->nodes_count; i++) {
        const struct nx_settings_node *node = &settings->nodes[i];
        const struct nx_net_files files = {node->tls.ca_file, node->tls.cert_file,
                                           node->tls.key_file};
        struct nx_net_credentials *credentials = NULL;
        struct nx_diag why = {0};

        if (node->tls.enabled && nx_net_credentials_new(&files, &credentials, &why) != NX_OK) {
            nx_diag_at(diag, path, 0, 0);
            nx_diag_set(diag, "%s: %s", node->name, why.text);
            return NX_ERR_INVALID;
        }
        nx_net_credentials_free(credentials);
    }
    return NX_OK;
}

static int check_only(const char *path, const struct nx_settings *settings)
{
    struct nx_diag diag = {0};

    if (nx_state_check(settings->state_dir, &diag) != NX_OK) {
        complain(&diag);
        return EXIT_STATE;
    }
    (void)printf("%s: usable: %zu nodes, %zu links\n", path, settings->nodes_count,
                 settings->links_count);
    return EXIT_CLEAN;
}

/* --- running ----------------------------------------------------------------------------------- */

static void on_signal(void *ctx)
{
    struct stopper *stopper = ctx;
    struct signalfd_siginfo info;

    if (read(stopper->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP) {
            nx_bridge_reload(stopper->bridge);
            return;
        }
        nx_log(stopper->log, NX_LOG_NOTICE, "signal %u: stopping", info.ssi_signo);
        nx_bridge_stop(stopper->bridge);
    }
}

/*
 * Signals arrive as a descriptor, so that no handler has to share anything with the loop. Blocked
 * before any thread is made: threads inherit the mask.
 */
static enum nx_err take_signals(struct stopper *stopper)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a disk that is full */
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) {
        return NX_ERR_IO;
    }
    stopper->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return stopper->fd == -1 ? NX_ERR_IO : NX_OK;
}

static int run_bridge(const struct nx_settings *settings, struct nx_exchange *exchange,
                      const struct nx_log *log)
{
    static const struct nx_watch_ops ops = {.readable = on_signal};
    struct stopper stopper = {.log = log};
    struct nx_loop *loop = NULL;
    struct nx_watch *watch = NULL;
    struct nx_diag diag = {0};
    int code = EXIT_INTERNAL;
    enum nx_err err;

    if (take_signals(&stopper) != NX_OK || nx_loop_new(log, &loop) != NX_OK ||
        nx_watch_new(loop, stopper.fd, &ops, &stopper, &watch) != NX_OK) {
        (void)fprintf(stderr, "nexus-bridge: cannot set up the event loop\n");
        goto out;
    }
    err = nx_bridge_new(settings, exchange, loop, log, &stopper.bridge, &diag);
    if (err != NX_OK) {
        complain(&diag);
        code = err == NX_ERR_INVALID ? EXIT_CONFIG : EXIT_STATE;
        goto out;
    }
    nx_log(log, NX_LOG_NOTICE, "nexus-bridge %s: %zu nodes, %zu links, state in %s", NX_VERSION,
           settings->nodes_count, settings->links_count, settings->state_dir);
    nx_bridge_start(stopper.bridge);
    code = nx_loop_run(loop, nx_bridge_turn, stopper.bridge) == NX_OK ? EXIT_CLEAN : EXIT_INTERNAL;
    nx_log(log, NX_LOG_NOTICE, "stopped");
out:
    nx_bridge_free(stopper.bridge);
    if (watch != NULL) {
        nx_watch_close(watch);
    }
    nx_loop_free(loop);
    return code;
}

static int lock_and_run(const struct nx_settings *settings, struct nx_exchange *exchange,
                        const struct nx_log *log)
{
    struct nx_diag diag = {0};
    int lock = -1;
    int code;
    enum nx_err err = nx_state_lock(settings->state_dir, &lock, &diag);

    if (err != NX_OK) {
        complain(&diag);
        return err == NX_ERR_STATE ? EXIT_LOCKED : EXIT_STATE;
    }
    code = run_bridge(settings, exchange, log);
    (void)close(lock);
    return code;
}

int main(int argc, char **argv)
{
    const struct nx_reader reader = nx_file_reader();
    unsigned faults = 0;
    struct nx_diag_sink sink = {.add = add_fault, .ctx = &faults};
    struct nx_log log = {.write = log_write, .level_min = NX_LOG_INFO};
    struct words words = {0};
    struct nx_settings *settings = NULL;
    struct nx_exchange *exchange = NULL;
    struct nx_diag diag = {0};
    uint64_t seed = 0;
    enum nx_err err;
    int code = read_words(argc, argv, &words);

    if (code >= 0) {
        return code;
    }
    log.level_min = words.verbose ? NX_LOG_DEBUG : NX_LOG_INFO;
    if (nx_state_random(&seed) != NX_OK) {
        (void)fprintf(stderr, "nexus-bridge: no random bytes\n");
        return EXIT_INTERNAL;
    }
    err = nx_settings_load(&reader, words.config, seed, &sink, &settings, &diag);
    if (err == NX_OK) {
        err = nx_exchange_new(&reader, settings->config, seed, &exchange, &diag);
    }
    if (err == NX_OK) {
        err = check_tls(words.config, settings, &diag);
    }
    if (err != NX_OK) {
        if (faults == 0) {
            complain(&diag);
        }
        code = EXIT_CONFIG;
    } else if (words.check) {
        code = check_only(words.config, settings);
    } else {
        settings->threads = true;
        code = lock_and_run(settings, exchange, &log);
    }
    nx_exchange_free(exchange);
    nx_settings_free(settings);
    return code;
}
