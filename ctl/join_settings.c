/*
 * join_settings.c - the lines of mosquitto.conf that matter beside the plugin's own: what each is
 * for, whether what a file has will do, and which lines Mosquitto takes only once. A setting is one
 * row of nx_join_settings[], a line to be there once one row of once[].
 */
#include "ctl/join.h"

#include <stdlib.h>
#include <string.h>

long nx_join_number(const char *value)
{
    char *end;
    long number = strtol(value, &end, 10);

    return *end == '\0' && end != value ? number : -1;
}

static bool fits_queue(const char *value)
{
    return nx_join_number(value) >= 100000; /* and not 0: see why */
}

static bool fits_positive(const char *value)
{
    return nx_join_number(value) > 0;
}

static bool fits_inflight(const char *value)
{
    return nx_join_number(value) == 0 || nx_join_number(value) >= 1000;
}

static bool fits_inflight_2_1(const char *value)
{
    return nx_join_number(value) >= 1000 && nx_join_number(value) < 65535;
}

static bool fits_any(const char *value)
{
    return value[0] != '\0';
}

static bool fits_autosave(const char *value)
{
    return nx_join_number(value) > 0 && nx_join_number(value) <= 300;
}

const struct nx_join_setting nx_join_settings[] = {
    {.key = "per_listener_settings",
     .value = "false",
     .why = "One plugin for every listener. With `true` it would have to be repeated below each "
            "one, and\nwhat the broker's own `connection` bridges import would pass it by.",
     .before_2_1 = true},
    {.key = "max_queued_messages",
     .value = "1000000000",
     .why =
         "How many QoS 1 messages wait for a client that is away, the bridge among them. So many "
         "is no\nlimit by number. 0 would say the same, but then some versions, Debian's 2.0.11 "
         "among them,\ndisconnect a client at its first refused publish.",
     .absent = "1000 are kept for a client that is away, the rest is dropped silently",
     .wrong_if_absent = true,
     .fits = fits_queue},
    {.key = "max_queued_bytes",
     .value = "1073741824",
     .why = "Bytes are what runs out: this many for each client that is away. More is dropped.",
     .absent = "what waits for one client may take all memory",
     .fits = fits_positive},
    {.key = "max_inflight_messages",
     .value = "0",
     .why = "How many messages may be on their way unacknowledged: a small number caps a distant "
            "client at\nso many a round trip. 0 offers the protocol's own maximum; but from 2.1 on "
            "0 and 65535 bring a\nline into the log for each publish, and 65534 does not.",
     .absent = "it is 20",
     .fits = fits_inflight,
     .value_2_1 = "65534",
     .fits_2_1 = fits_inflight_2_1},
    {.key = "max_packet_size",
     .value = "1048576",
     .why =
         "The largest MQTT packet in bytes. A reading takes less than one KiB, a batch of a link "
         "up to\nhalf a MiB; the gate reads each one whole.",
     .absent = "it is 256 MiB before Mosquitto 2.1",
     .fits = fits_positive},
    {.key = "persistence",
     .value = "true",
     .why =
         "Retained values, sessions and what is queued for them outlive a restart of the broker.",
     .absent = "a restart loses what it acknowledged and had not delivered",
     .wrong_if_absent = true},
    {.key = "persistence_location",
     .value = "/var/lib/mosquitto/",
     .why = "The folder where they are kept; the broker's user writes it.",
     .absent = "they are kept in whatever folder the broker is started in",
     .fits = fits_any},
    {.key = "autosave_interval",
     .value = NX_JOIN_AUTOSAVE,
     .why = "And a crash, but for this many seconds. Each save writes them all.",
     .absent = "it is 1800",
     .fits = fits_autosave},
    {.key = "set_tcp_nodelay",
     .value = "true",
     .why = "Small messages go at once; it costs 5 ms of latency otherwise.",
     .absent = "it is false"},
};

const size_t nx_join_settings_count = sizeof(nx_join_settings) / sizeof(nx_join_settings[0]);

static bool is_2_1(const struct nx_join *j, const struct nx_join_setting *s)
{
    return s->value_2_1 != NULL && nx_join_is_2_1(&j->version);
}

const char *nx_join_value(const struct nx_join *j, const struct nx_join_setting *s)
{
    return is_2_1(j, s) ? s->value_2_1 : s->value;
}

bool nx_join_fits(const struct nx_join *j, const struct nx_join_setting *s, const char *value)
{
    bool (*fits)(const char *) = is_2_1(j, s) ? s->fits_2_1 : s->fits;

    return fits != NULL ? fits(value) : strcmp(value, nx_join_value(j, s)) == 0;
}

void nx_join_check_settings(struct nx_join *j)
{
    for (size_t i = 0; i < nx_join_settings_count; i++) {
        const struct nx_join_setting *s = &nx_join_settings[i];
        const struct nx_conf_line *line = nx_conf_find(&j->conf, s->key);
        enum nx_join_severity severity = s->wrong_if_absent ? NX_JOIN_WRONG : NX_JOIN_ADVICE;

        if (line == NULL) {
            if (s->absent != NULL) {
                nx_join_tell(j, severity, NULL, "no %s: %s; write `%s %s`", s->key, s->absent,
                             s->key, nx_join_value(j, s));
            }
        } else if (!nx_join_fits(j, s, line->value)) {
            nx_join_tell(j, s->absent == NULL ? NX_JOIN_WRONG : severity, line,
                         "%s %s: write `%s %s`", s->key, line->value, s->key, nx_join_value(j, s));
        }
    }
}

/* --- lines that may be there once ---------------------------------------------------------- */

/* Where once: in the whole file, or in each listener if per_listener_settings is true. */
static const struct {
    const char *key;
    bool of_listener;
} once[] = {
    {"persistence_location", false},
    {"persistence_file", false},
    {"pid_file", false},
    {"user", false},
    {"password_file", true},
    {"acl_file", true},
    {"psk_file", true},
};

static bool is_once(const struct nx_conf_line *line, bool per_listener, bool *of_listener)
{
    for (size_t i = 0; !line->in_bridge && i < sizeof(once) / sizeof(once[0]); i++) {
        if (strcmp(line->key, once[i].key) == 0) {
            *of_listener = once[i].of_listener && per_listener;
            return true;
        }
    }
    return false;
}

/* The first line of this key that counts for the same as `line`: itself, if it is there once. */
static const struct nx_conf_line *first_of(const struct nx_join *j, const struct nx_conf_line *line,
                                           bool of_listener)
{
    const struct nx_conf_line *first = j->conf.lines;

    while (first->in_bridge || strcmp(first->key, line->key) != 0 ||
           (of_listener && first->listener != line->listener)) {
        first++;
    }
    return first;
}

void nx_join_check_twice(struct nx_join *j)
{
    const struct nx_conf_line *per_listener = nx_conf_find(&j->conf, "per_listener_settings");
    bool each = per_listener != NULL && strcmp(per_listener->value, "true") == 0, of_listener;

    for (size_t i = 0; i < j->conf.count; i++) {
        const struct nx_conf_line *line = &j->conf.lines[i], *first;

        if (!is_once(line, each, &of_listener)) {
            continue;
        }
        first = first_of(j, line, of_listener);
        if (first != line) {
            nx_join_tell(j, NX_JOIN_WRONG, line,
                         "%s is at %s:%u already: Mosquitto takes it once, and does not start",
                         line->key, first->file, first->number);
        }
    }
}
