/*
 * join_check.c - looks at a mosquitto.conf and says what is wrong, what is to be advised and what
 * is worth knowing, each with file:line. A check is one function and one row of checks[]; what it
 * says of single settings is in join_settings.c.
 *
 * "Wrong" is what loses acknowledged messages, opens or shuts the broker, or keeps the plugin from
 * working. The facts behind each row are Mosquitto's own, of 2.0.11 up to 2.1.
 */
#include "ctl/join.h"

#include "plugin/options.h"
#include "plugin/others.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AUTOSAVE_DEFAULT = 1800 };

static bool is(const struct nx_conf_line *line, const char *key)
{
    return strcmp(line->key, key) == 0;
}

static bool is_true(const struct nx_conf_line *line)
{
    return line != NULL && strcmp(line->value, "true") == 0;
}

void nx_join_tell(struct nx_join *j, enum nx_join_severity severity,
                  const struct nx_conf_line *line, const char *fmt, ...)
{
    static const char *const names[] = {"wrong", "advice", "note"};
    va_list args;

    j->wrong += severity == NX_JOIN_WRONG;
    j->advice += severity == NX_JOIN_ADVICE;
    if (line != NULL) {
        (void)printf("%s:%u: %s: ", line->file, line->number, names[severity]);
    } else {
        (void)printf("%s: %s: ", j->conf_path, names[severity]);
    }
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

/* --- the plugin ---------------------------------------------------------------------------- */

bool nx_join_is_ours(const char *path)
{
    return path != NULL && strstr(path, "nexus_plugin") != NULL;
}

static bool is_plugin_line(const struct nx_conf_line *line)
{
    return is(line, "plugin") || is(line, "global_plugin") || is(line, "plugin_load") ||
           is(line, "auth_plugin");
}

void nx_join_find_others(struct nx_join *j)
{
    for (size_t i = 0; i < j->conf.count; i++) {
        const struct nx_conf_line *line = &j->conf.lines[i];
        bool other = is_plugin_line(line) && !nx_join_is_ours(line->value);
        bool asked = other && nx_others_is_asked(nx_span_from(line->value));

        if (j->other == NULL && other) {
            j->other = line;
        }
        if (j->acl == NULL && (asked || (is(line, "acl_file") && line->value[0] != '\0'))) {
            j->acl = line;
        }
    }
}

const struct nx_conf_line *nx_join_find_ours(const struct nx_join *j, unsigned *count)
{
    const struct nx_conf_line *found = NULL;

    *count = 0;
    for (size_t i = 0; i < j->conf.count; i++) {
        if (is_plugin_line(&j->conf.lines[i]) && nx_join_is_ours(j->conf.lines[i].value)) {
            found = found != NULL ? found : &j->conf.lines[i];
            (*count)++;
        }
    }
    return found;
}

static void check_plugin_file(struct nx_join *j, const struct nx_conf_line *line)
{
    const char *space = is(line, "plugin_load") ? strrchr(line->value, ' ') : NULL;
    const char *path = space != NULL ? space + 1 : line->value;

    if (access(path, R_OK) != 0) {
        nx_join_tell(j, NX_JOIN_WRONG, line, "%s is not there: the broker will not start", path);
    }
    if (is(line, "auth_plugin")) {
        nx_join_tell(j, NX_JOIN_ADVICE, line, "auth_plugin is the older word: write `plugin`");
    }
}

/* The marks of deliveries are held back for so long, until the broker has saved what came. */
static void check_state(struct nx_join *j, const struct nx_options *options)
{
    const struct nx_conf_line *line = nx_conf_find(&j->conf, "autosave_interval");
    long seconds = line != NULL ? nx_join_number(line->value) : AUTOSAVE_DEFAULT;

    if (options->state[0] == '\0') {
        nx_join_tell(j, NX_JOIN_ADVICE, NULL,
                     "no plugin_opt_state: after a restart of the broker it does not know which "
                     "deliveries of links it has had; write `plugin_opt_state " NX_JOIN_STATE "`");
    } else if (seconds <= 0 || seconds > (long)options->state_seconds) {
        nx_join_tell(
            j, NX_JOIN_WRONG, line,
            "autosave_interval is %ld, and plugin_opt_state_seconds %u: a crash of the broker "
            "loses what it had not saved and the marks say was taken; they have to be the same",
            seconds, options->state_seconds);
    } else if (seconds < (long)options->state_seconds) {
        nx_join_tell(
            j, NX_JOIN_ADVICE, line,
            "autosave_interval is %ld, and plugin_opt_state_seconds %u: after a crash of the "
            "broker more is delivered twice than has to be; make them the same",
            seconds, options->state_seconds);
    }
}

static void check_plugin_options(struct nx_join *j)
{
    struct nx_options options;
    struct nx_diag diag = {0};

    nx_options_init(&options);
    for (size_t i = 0; i < j->conf.count; i++) {
        const struct nx_conf_line *line = &j->conf.lines[i];
        const char *key = strstr(line->key, "opt_");

        if (nx_join_is_ours(line->plugin) && key != NULL &&
            nx_options_set(&options, key + 4, line->value, &diag) != NX_OK) {
            nx_join_tell(j, NX_JOIN_WRONG, line, "%s", diag.text);
        }
    }
    if (nx_options_complete(&options, &diag) != NX_OK) {
        nx_join_tell(j, NX_JOIN_WRONG, NULL, "%s", diag.text);
    } else if (strcmp(options.city, j->city) != 0) {
        nx_join_tell(j, NX_JOIN_WRONG, NULL, "plugin_opt_city is %s, and %s was asked for",
                     options.city, j->city);
    }
    check_state(j, &options);
}

/* Mosquitto asks its plugins in the order of the lines, until one has an opinion. */
static void check_order(struct nx_join *j, const struct nx_conf_line *ours)
{
    for (size_t i = 0; &j->conf.lines[i] < ours; i++) {
        const struct nx_conf_line *line = &j->conf.lines[i];

        if (is_plugin_line(line) && nx_others_is_asked(nx_span_from(line->value))) {
            nx_join_tell(
                j, NX_JOIN_WRONG, line,
                "`%s %s` is asked before the nexus plugin: what it allows below nexus/ is not "
                "judged; its lines belong behind those of the nexus plugin",
                line->key, line->value);
        }
    }
}

static void check_plugin(struct nx_join *j)
{
    unsigned count;
    const struct nx_conf_line *ours = nx_join_find_ours(j, &count);

    if (ours == NULL) {
        nx_join_tell(j, NX_JOIN_WRONG, NULL,
                     "no line loads the plugin: nothing below nexus/ is guarded; write "
                     "`plugin %s` and its options",
                     j->plugin);
        return;
    }
    check_plugin_file(j, ours);
    check_order(j, ours);
    if (count > 1) {
        nx_join_tell(j, NX_JOIN_WRONG, ours,
                     "the plugin is loaded %u times: once serves all listeners", count);
    }
    check_plugin_options(j);
}

const struct nx_conf_line *nx_join_find_option(const struct nx_join *j, const char *key)
{
    const struct nx_conf_line *found = NULL;

    for (size_t i = 0; i < j->conf.count; i++) {
        if (nx_join_is_ours(j->conf.lines[i].plugin) && is(&j->conf.lines[i], key)) {
            found = &j->conf.lines[i];
        }
    }
    return found;
}

static void check_outside(struct nx_join *j)
{
    const struct nx_conf_line *line = nx_join_find_option(j, "plugin_opt_outside");
    bool defers = line != NULL && strcmp(line->value, "defer") == 0;
    unsigned count;

    if (j->acl != NULL) {
        nx_join_tell(
            j, NX_JOIN_NOTE, j->acl,
            "%s decides outside nexus/ when plugin_opt_outside is `defer`; below nexus/ the "
            "plugin's answer is final and it is not asked",
            j->acl->key);
    }
    if (nx_join_find_ours(j, &count) == NULL) {
        return;
    }
    if (j->acl != NULL && !defers) {
        nx_join_tell(
            j, NX_JOIN_WRONG, line,
            "plugin_opt_outside has to be `defer`: with `allow` the plugin opens what `%s %s` "
            "guards",
            j->acl->key, j->acl->value);
    } else if (j->acl == NULL && defers) {
        nx_join_tell(
            j, NX_JOIN_WRONG, line,
            "plugin_opt_outside has to be `allow`: there is no acl_file and no other plugin, and "
            "where everybody defers Mosquitto refuses");
    }
}

/* --- who gets in, and by which door -------------------------------------------------------- */

static void check_logins(struct nx_join *j)
{
    const struct nx_conf_line *anonymous = nx_conf_find(&j->conf, "allow_anonymous");
    const struct nx_conf_line *passwords = nx_conf_find(&j->conf, "password_file");
    const struct nx_conf_line *certificate = nx_conf_find(&j->conf, "use_identity_as_username");

    if (passwords == NULL && j->other == NULL && !is_true(certificate)) {
        nx_join_tell(
            j, NX_JOIN_WRONG, NULL,
            "no password_file and no other plugin: nobody has a username that is checked, so "
            "nobody has a right below nexus/");
    }
    if (passwords != NULL && access(passwords->value, F_OK) != 0) {
        nx_join_tell(j, NX_JOIN_WRONG, passwords, "%s is not there: the broker will not start",
                     passwords->value);
    }
    if (is_true(anonymous)) {
        nx_join_tell(
            j, NX_JOIN_NOTE, anonymous,
            "clients without a username go on as they are outside nexus/, and have no right "
            "below it");
    }
    if (is_true(certificate)) {
        nx_join_tell(j, NX_JOIN_NOTE, certificate,
                     "Mosquitto asks no plugin about logins by certificate: the bridge's client "
                     "identifier has to stay secret there");
    }
}

struct door {
    const struct nx_conf_line *line;
    bool websockets, tls;
};

static bool is_loopback(const char *value)
{
    return strstr(value, "127.0.0.1") != NULL || strstr(value, "::1") != NULL ||
           strstr(value, "localhost") != NULL;
}

/* What the lines of the listener with this number say of it. */
static struct door look_at_door(const struct nx_join *j, unsigned number)
{
    struct door door = {0};

    for (size_t i = 0; i < j->conf.count; i++) {
        const struct nx_conf_line *line = &j->conf.lines[i];

        if (line->listener != number) {
            continue;
        }
        door.line = is(line, "listener") ? line : door.line;
        door.websockets |= is(line, "protocol") && strcmp(line->value, "websockets") == 0;
        door.tls |= is(line, "certfile") || is(line, "psk_hint");
    }
    return door;
}

static void check_doors(struct nx_join *j)
{
    unsigned count = j->conf.count > 0 ? j->conf.lines[j->conf.count - 1].listener : 0;
    /* the older words for a first listener */
    bool first =
        nx_conf_find(&j->conf, "port") != NULL || nx_conf_find(&j->conf, "bind_address") != NULL;
    bool plain = first, websockets = false;

    for (unsigned i = 1; i <= count; i++) {
        struct door door = look_at_door(j, i);

        plain |= !door.websockets;
        websockets |= door.websockets;
        if (door.line != NULL && !door.tls && !is_loopback(door.line->value)) {
            nx_join_tell(
                j, NX_JOIN_NOTE, door.line,
                "no TLS at `listener %s`: passwords cross the network in the clear; for use "
                "beyond a network of your own add cafile, certfile and keyfile",
                door.line->value);
        }
    }
    if (count == 0 && !first) {
        nx_join_tell(
            j, NX_JOIN_WRONG, NULL,
            "no listener: Mosquitto 2 then serves this machine alone and lets everybody in; "
            "write `listener 1883`");
    } else if (websockets && !plain) {
        nx_join_tell(
            j, NX_JOIN_WRONG, NULL,
            "only websockets listeners: Mosquitto needs a plain one beside them, if only on "
            "127.0.0.1");
    }
}

static bool takes_nexus(const char *pattern)
{
    return strncmp(pattern, "nexus/", 6) == 0 || pattern[0] == '#' || pattern[0] == '+';
}

/* Is this the direction of `topic PATTERN [DIRECTION ...]`? Without one it is out. */
static bool goes(const char *value, const char *direction)
{
    const char *word = value + strcspn(value, " \t");

    word += strspn(word, " \t");
    return strncmp(*word != '\0' ? word : "out", direction, strlen(direction)) == 0;
}

/* Mosquitto's own bridge: what it imports passes access control by, what it exports the plugin. */
static void check_bridges(struct nx_join *j)
{
    for (size_t i = 0; i < j->conf.count; i++) {
        const struct nx_conf_line *line = &j->conf.lines[i];

        if (!is(line, "topic") || !takes_nexus(line->value)) {
            continue;
        }
        if (goes(line->value, "in") || goes(line->value, "both")) {
            nx_join_tell(
                j, NX_JOIN_ADVICE, line,
                "the broker's own bridge brings in `%s`: below nexus/ each of its messages "
                "is judged as one of its local_username, and what that may not publish is "
                "dropped; leave nexus/ to nexus-bridge",
                line->value);
        }
        if (goes(line->value, "out") || goes(line->value, "both")) {
            nx_join_tell(j, NX_JOIN_ADVICE, line,
                         "the broker's own bridge takes out `%s`: Mosquitto asks no plugin what it "
                         "may read, so all below nexus/ leaves with it, batches of links among it; "
                         "name what may leave",
                         line->value);
        }
    }
}

/* Settings that break something here, wherever they stand. */
static void check_hazards(struct nx_join *j)
{
    static const struct {
        const char *key, *value; /* NULL: any */
        enum nx_join_severity severity;
        const char *why;
    } rows[] = {
        {"mount_point", NULL, NX_JOIN_WRONG,
         "topics of this listener get a prefix: none of them is below nexus/ any more"},
        {"retain_available", "false", NX_JOIN_WRONG,
         "relayed readings are retained, and clients that retain would be disconnected"},
        {"persistent_client_expiration", NULL, NX_JOIN_ADVICE,
         "a bridge that is away longer loses what waits for it"},
        {"use_username_as_clientid", "true", NX_JOIN_ADVICE,
         "a second connection of one username ends the first, the bridge's among them"},
        {"clientid_prefixes", NULL, NX_JOIN_ADVICE,
         "the bridge's client identifiers begin with nexus-bridge-: that has to be among them"},
        {"sys_interval", "0", NX_JOIN_WRONG,
         "without $SYS the bridge does not see that the broker drops messages"},
        {"autosave_on_changes", "true", NX_JOIN_ADVICE,
         "autosave_interval counts changes then, not seconds: plugin_opt_state_seconds cannot be "
         "the same"},
        {"queue_qos0_messages", "true", NX_JOIN_NOTE, "QoS 0 messages take room in queues too"},
        {"log_dest", "none", NX_JOIN_ADVICE, "what the plugin says of a broken reload is lost"},
        {"message_size_limit", NULL, NX_JOIN_ADVICE,
         "a larger payload is dropped without a word, before the plugin sees it: use "
         "max_packet_size"},
    };

    for (size_t i = 0; i < j->conf.count; i++) {
        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            const struct nx_conf_line *line = &j->conf.lines[i];

            if (is(line, rows[k].key) &&
                (rows[k].value == NULL || strcmp(line->value, rows[k].value) == 0)) {
                nx_join_tell(j, rows[k].severity, line, "%s: %s", line->key, rows[k].why);
            }
        }
    }
}

bool nx_join_is_2_1(const struct nx_join_version *v)
{
    return v->known && (v->major > 2 || (v->major == 2 && v->minor >= 1));
}

static void check_version(struct nx_join *j)
{
    const struct nx_join_version *v = &j->version;
    const struct nx_conf_line *page = nx_conf_find(&j->conf, "http_dir");

    if (v->known && (v->major < 2 || (v->major == 2 && v->minor == 0 && v->patch < 11))) {
        nx_join_tell(j, NX_JOIN_WRONG, NULL,
                     "Mosquitto %u.%u.%u is installed: the plugin works from 2.0.11 on", v->major,
                     v->minor, v->patch);
    }
    if (nx_join_is_2_1(v)) {
        nx_join_tell(
            j, NX_JOIN_NOTE, NULL,
            "from Mosquitto 2.1 on a password_file or acl_file that cannot be read at a reload "
            "ends the broker");
        if (page != NULL) {
            nx_join_tell(
                j, NX_JOIN_NOTE, page,
                "http_dir: a Mosquitto 2.1 that is built without libwebsockets, as Debian's "
                "is, serves no files beside its WebSocket: let a web server do it");
        }
    }
}

void nx_join_check(struct nx_join *j)
{
    static void (*const checks[])(struct nx_join *) = {
        check_version, check_plugin,  check_outside,          check_logins,        check_doors,
        check_bridges, check_hazards, nx_join_check_settings, nx_join_check_twice,
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        checks[i](j);
    }
    (void)printf("%s: %u wrong, %u to be advised\n", j->conf_path, j->wrong, j->advice);
}
