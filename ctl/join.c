/*
 * join.c - `nexusctl join`: the lines by which a broker that is there already joins the
 * federation, for the Mosquitto that is installed, and a look at its mosquitto.conf.
 *
 * It prints and changes nothing: the file is the operator's. What it prints is itself a piece of
 * mosquitto.conf, in which comments stand on lines of their own.
 */
#include "ctl/join.h"
#include "ctl/ctl.h"

#include "plugin/options.h"

#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef NX_PLUGIN_PATH
#error "NX_PLUGIN_PATH: where nexus_plugin.so is installed"
#endif

extern char **environ;

enum { HELP_BYTES_MAX = 64 * 1024, OPTION_CONFIG = 1, OPTION_CITY, OPTION_CONF, OPTION_BROKER };

/* --- the installed broker ------------------------------------------------------------------ */

/* Runs `program -h` and reads what it prints; false when there is no such program. */
static bool run_help(const char *program, struct nx_buf *out)
{
    char name[] = "mosquitto", option[] = "-h";
    char *const arguments[] = {name, option, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], error;
    ssize_t count = 1;
    char *room;
    pid_t pid;

    if (pipe(ends) != 0) {
        return false;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    error = posix_spawnp(&pid, program, &actions, NULL, arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    while (error == 0 && count > 0 && nx_buf_reserve(out, 4096, &room) == NX_OK) {
        count = read(ends[0], room, 4096);
        out->len += count > 0 ? (size_t)count : 0;
    }
    (void)close(ends[0]);
    while (error == 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return error == 0;
}

static bool read_version(struct nx_span text, struct nx_join_version *out)
{
    static const char words[] = "mosquitto version ";
    unsigned long parts[3] = {0};
    char number[32];
    char *at = number;

    while (text.ptr != NULL) {
        struct nx_span line = nx_span_cut(&text, '\n');

        if (nx_span_starts(line, NX_SPAN("mosquitto version "))) {
            (void)snprintf(number, sizeof(number), "%.*s", (int)(line.len - sizeof(words) + 1),
                           line.ptr + sizeof(words) - 1);
            for (unsigned i = 0; i < 3 && *at >= '0' && *at <= '9'; i++) {
                parts[i] = strtoul(at, &at, 10);
                at += *at == '.';
            }
            *out = (struct nx_join_version){(unsigned)parts[0], (unsigned)parts[1],
                                            (unsigned)parts[2], parts[0] > 0};
            return out->known;
        }
    }
    return false;
}

static void find_version(const char *program, struct nx_join_version *out)
{
    static const char *const places[] = {"mosquitto", "/usr/sbin/mosquitto",
                                         "/usr/local/sbin/mosquitto"};
    struct nx_buf text;
    bool found = false;

    nx_buf_init(&text, HELP_BYTES_MAX);
    for (size_t i = 0; !found && i < sizeof(places) / sizeof(places[0]); i++) {
        nx_buf_reset(&text);
        found = run_help(program != NULL ? program : places[i], &text) &&
                read_version(nx_buf_view(&text), out);
    }
    nx_buf_fini(&text);
}

/* --- the plugin's place -------------------------------------------------------------------- */

/* Beside this program, where it was built; else where it is installed. */
static void find_plugin(char out[NX_JOIN_PATH_SIZE])
{
    static const char name[] = "/nexus_plugin.so";
    char path[NX_JOIN_PATH_SIZE];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));

    if (length > 0) {
        path[length] = '\0';
        *strrchr(path, '/') = '\0';
        (void)snprintf(out, NX_JOIN_PATH_SIZE, "%.*s%s", (int)(NX_JOIN_PATH_SIZE - sizeof(name)),
                       path, name);
        if (access(out, R_OK) == 0) {
            return;
        }
    }
    (void)snprintf(out, NX_JOIN_PATH_SIZE, "%s", NX_PLUGIN_PATH);
}

/* --- what to write ------------------------------------------------------------------------- */

static void print_comment(const char *why)
{
    struct nx_span rest = nx_span_from(why);

    while (rest.ptr != NULL) {
        struct nx_span line = nx_span_cut(&rest, '\n');

        (void)printf("# %.*s\n", NX_SPAN_ARG(line));
    }
}

static void print_outside(const struct nx_join *j)
{
    if (j->acl != NULL) {
        (void)printf("\n# Topics outside nexus/: `%s %s` (%s:%u) goes on deciding there.\n"
                     "plugin_opt_outside defer\n",
                     j->acl->key, j->acl->value, j->acl->file, j->acl->number);
    } else {
        (void)printf("\n# Topics outside nexus/ stay as they are: no acl_file and no other plugin "
                     "decides there.\n# Beside one of them write `defer`, or it would be "
                     "bypassed.\nplugin_opt_outside allow\n");
    }
}

/* Where the lines belong. */
static void print_place(const struct nx_join *j)
{
    (void)printf("# These lines belong before those of every other plugin: Mosquitto asks its "
                 "plugins in the order of\n# their lines, and one before this that allows a topic "
                 "below nexus/ keeps its wills and deliveries\n# from being judged. Behind dynamic "
                 "security the plugin does not start, and the broker with it.\n");
    if (j->other != NULL) {
        (void)printf("# Here: before `%s %s` (%s:%u).\n", j->other->key, j->other->value,
                     j->other->file, j->other->number);
    }
}

/* The value that stands where the file has one that will do; else the one to write. */
static const char *value_of(const struct nx_join *j, const struct nx_join_setting *s)
{
    const struct nx_conf_line *line = nx_conf_find(&j->conf, s->key);

    return line != NULL && nx_join_fits(j, s, line->value) ? line->value : nx_join_value(j, s);
}

static const char *value_of_key(const struct nx_join *j, const char *key)
{
    for (size_t i = 0; i < nx_join_settings_count; i++) {
        if (strcmp(nx_join_settings[i].key, key) == 0) {
            return value_of(j, &nx_join_settings[i]);
        }
    }
    return "";
}

/* Beside the broker's own persistence; where the file names a place, there: the marks are in it. */
static void print_state(const struct nx_join *j)
{
    const struct nx_conf_line *state = nx_join_find_option(j, "plugin_opt_state");
    const char *folder = value_of_key(j, "persistence_location");
    size_t length = strlen(folder);

    (void)printf("\n# Where the plugin notes how far it has taken what links deliver in batches: "
                 "with this file a restart\n# of the broker neither loses nor repeats a reading. "
                 "The broker's user writes it.\n");
    if (state != NULL && state->value[0] != '\0') {
        (void)printf("plugin_opt_state %s\n", state->value);
    } else {
        (void)printf("plugin_opt_state %s%snexus.marks\n", folder,
                     length > 0 && folder[length - 1] == '/' ? "" : "/");
    }
    (void)printf("\n# The same as autosave_interval: what was delivered in so many seconds before "
                 "a crash, the broker\n# has lost, and links deliver it again.\n"
                 "plugin_opt_state_seconds %s\n",
                 value_of_key(j, "autosave_interval"));
}

static void print_lines(const struct nx_join *j)
{
    char *config = realpath(j->config_dir, NULL);
    unsigned count;
    const struct nx_conf_line *ours = nx_join_find_ours(j, &count);

    print_place(j);
    if (ours != NULL) {
        (void)printf("# In place of the plugin's lines from %s:%u on, which have to go.\n",
                     ours->file, ours->number);
    }
    (void)printf("\n# The three lines by which this broker joins.\n\n"
                 "# The gate: identity, namespace and schema of everything below nexus/.\n"
                 "plugin %s\n\n"
                 "# The configuration folder. Read at start and on SIGHUP; a broken one stops the "
                 "start, and on\n# SIGHUP the one in use is kept. `nexusctl check` finds its "
                 "faults before.\n"
                 "plugin_opt_config %s\n\n"
                 "# Which city of the federation this broker is.\nplugin_opt_city %s\n",
                 j->plugin, config != NULL ? config : j->config_dir, j->city);
    free(config);
    print_outside(j);
    print_state(j);
}

/* A line to write, or a word that it is there: some lines Mosquitto takes only once. */
static void print_setting(const struct nx_join *j, const struct nx_join_setting *s)
{
    const struct nx_conf_line *line = nx_conf_find(&j->conf, s->key);

    (void)printf("\n");
    print_comment(s->why);
    if (line != NULL && nx_join_fits(j, s, line->value)) {
        (void)printf("# It is there: `%s %s` (%s:%u)\n", s->key, line->value, line->file,
                     line->number);
        return;
    }
    if (line != NULL) {
        (void)printf("# In place of `%s %s` (%s:%u), which has to go:\n", s->key, line->value,
                     line->file, line->number);
    }
    (void)printf("%s %s\n", s->key, nx_join_value(j, s));
}

static void print_settings(const struct nx_join *j)
{
    (void)printf("\n# The settings that matter; those that are missing go before the first "
                 "listener.\n");
    for (size_t i = 0; i < nx_join_settings_count; i++) {
        if (!nx_join_settings[i].before_2_1 || !nx_join_is_2_1(&j->version)) {
            print_setting(j, &nx_join_settings[i]);
        }
    }
}

static void print_version(const struct nx_join *j)
{
    if (j->version.known) {
        (void)printf("# For Mosquitto %u.%u.%u, which is installed here.\n", j->version.major,
                     j->version.minor, j->version.patch);
    } else {
        (void)printf("# No mosquitto was found here: for 2.0.11 and later.\n");
    }
}

/* --- the command --------------------------------------------------------------------------- */

struct words {
    struct nx_join *join;
    const char *program;
    bool check;
};

static bool parse_options(struct words *w, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"city", required_argument, NULL, OPTION_CITY},
        {"broker-conf", required_argument, NULL, OPTION_CONF},
        {"mosquitto", required_argument, NULL, OPTION_BROKER},
        {"check", no_argument, NULL, 'k'},
        {0},
    };
    const char **const into[] = {[OPTION_CONFIG] = &w->join->config_dir,
                                 [OPTION_CITY] = &w->join->city,
                                 [OPTION_CONF] = &w->join->conf_path,
                                 [OPTION_BROKER] = &w->program};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') {
            return false;
        }
        if (option == 'k') {
            w->check = true;
        } else {
            *into[option] = optarg;
        }
    }
    if (optind != argc || (w->check && w->join->conf_path == NULL)) {
        (void)fprintf(stderr, "nexusctl: join takes options only, and --check needs "
                              "--broker-conf FILE (nexusctl help join)\n");
        return false;
    }
    return true;
}

/* The city that was named, or the only one; `name` holds it. */
static bool choose_city(struct nx_join *j, const struct nx_config *config, char name[64])
{
    struct nx_span wanted = nx_span_from(j->city);

    if (j->city == NULL && config->cities_count == 1) {
        wanted = config->cities[0].name;
    }
    if (wanted.ptr != NULL && nx_config_city(config, wanted) != NULL &&
        nx_span_copy(wanted, name, 64)) {
        j->city = name;
        return true;
    }
    (void)fprintf(stderr, "nexusctl: --city takes one of:");
    for (size_t i = 0; i < config->cities_count; i++) {
        (void)fprintf(stderr, " %.*s", NX_SPAN_ARG(config->cities[i].name));
    }
    (void)fprintf(stderr, "\n");
    return false;
}

static int run(struct nx_join *j, const struct words *w)
{
    struct nx_diag diag = {0};

    find_version(w->program, &j->version);
    find_plugin(j->plugin);
    if (j->conf_path != NULL) {
        if (nx_conf_read(j->conf_path, &j->conf, &diag) != NX_OK) {
            nx_ctl_complain(&diag);
            return NX_EXIT_USAGE;
        }
        nx_join_find_others(j);
    }
    if (!w->check) {
        print_version(j);
        print_lines(j);
        print_settings(j);
    }
    if (j->conf_path != NULL) {
        if (!w->check) {
            (void)printf("\n# --- %s, as it is ---\n", j->conf_path);
        }
        nx_join_check(j);
    }
    return w->check && j->wrong > 0 ? NX_EXIT_FAULTS : NX_EXIT_OK;
}

int nx_cmd_join(int argc, char **argv)
{
    struct nx_join join = {.config_dir = nx_ctl_config_dir()};
    struct words words = {.join = &join};
    struct nx_config *config = NULL;
    int status = NX_EXIT_USAGE;
    char city[64];

    if (!parse_options(&words, argc, argv)) {
        return status;
    }
    config = nx_ctl_config_of(join.config_dir, join.city);
    if (config != NULL && choose_city(&join, config, city)) {
        status = run(&join, &words);
    }
    nx_conf_fini(&join.conf);
    nx_config_free(config);
    return status;
}
