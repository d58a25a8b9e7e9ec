/*
 * options.c - the plugin_opt_ lines of mosquitto.conf.
 *
 * An option is one row: its key, where its value lies in struct nx_options, what it takes, its
 * default and its words. An unknown key stops the broker at its start with the list of known
 * ones, because an option that is silently ignored is a right that is silently not enforced.
 */
#include "plugin/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_OUTSIDE };

struct option_row {
    const char *key;
    enum option_type type;
    size_t offset;
    size_t size; /* of a text with its NUL */
    unsigned long min, max;
    const char *initial; /* NULL: the line must be there; "": without it there is none */
    const char *takes;
    const char *help;
};

#define AT(member) offsetof(struct nx_options, member), sizeof(((struct nx_options *)NULL)->member)

static const struct option_row rows[] = {
    {"config", OPTION_TEXT, AT(config), 0, 0, NULL, "a folder",
     "The configuration folder: holds federation.json and a folder for each city."},
    {"city", OPTION_TEXT, AT(city), 0, 0, NULL, "a city of federation.json",
     "The city whose broker this is."},
    {"outside", OPTION_OUTSIDE, AT(outside), 0, 0, "allow", "allow or defer",
     "Topics outside nexus/: allow where no acl_file or dynamic security is loaded (defer would "
     "refuse them all), defer beside one (allow would open what it guards)."},
    {"status_seconds", OPTION_NUMBER, AT(status_seconds), 1, 3600, "5", "1 to 3600 seconds",
     "How often nexus/<city>/_status/plugin is published."},
    {"payload_max", OPTION_NUMBER, AT(payload_bytes_max), 256, 16777216, "1048576",
     "256 to 16777216 bytes", "The largest payload that is admitted below nexus/."},
    {"state", OPTION_TEXT, AT(state), 0, 0, "", "a file",
     "Where the delivery marks are kept, so that what links deliver in batches arrives once even "
     "when this broker is restarted. Without it they start anew with the broker."},
    {"state_seconds", OPTION_NUMBER, AT(state_seconds), 0, 86400, "60", "0 to 86400 seconds",
     "The broker's autosave_interval: what was delivered within so long before a crash of the "
     "broker, it has lost, and links deliver it again."},
    {"disconnect_refusals", OPTION_NUMBER, AT(disconnect_refusals), 0, 1000000, "0", "0 to 1000000",
     "A client is disconnected when so many of its publishes were refused within "
     "plugin_opt_disconnect_seconds; 0: never. Bridges and links are only for batches that no "
     "working link makes (delivery.md)."},
    {"disconnect_seconds", OPTION_NUMBER, AT(disconnect_seconds), 1, 3600, "10",
     "1 to 3600 seconds", "See plugin_opt_disconnect_refusals."},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static enum nx_err fail(const struct option_row *row, struct nx_diag *diag, const char *value)
{
    nx_diag_set(diag, "plugin_opt_%s takes %s, not '%.64s'", row->key, row->takes, value);
    return NX_ERR_INVALID;
}

static bool parse_number(const struct option_row *row, const char *value, uint32_t *out)
{
    unsigned long number;
    char *end;

    if (value[0] < '0' || value[0] > '9') {
        return false;
    }
    errno = 0;
    number = strtoul(value, &end, 10);
    if (errno != 0 || *end != '\0' || number < row->min || number > row->max) {
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

static bool parse_outside(const char *value, enum nx_outside *out)
{
    if (strcmp(value, "allow") == 0) {
        *out = NX_OUTSIDE_ALLOW;
        return true;
    }
    *out = NX_OUTSIDE_DEFER;
    return strcmp(value, "defer") == 0;
}

static bool assign(struct nx_options *options, const struct option_row *row, const char *value)
{
    void *target = (char *)options + row->offset;

    switch (row->type) {
    case OPTION_TEXT:
        return value[0] != '\0' && nx_span_copy(nx_span_from(value), target, row->size);
    case OPTION_NUMBER:
        return parse_number(row, value, target);
    case OPTION_OUTSIDE:
        return parse_outside(value, target);
    }
    return false;
}

void nx_options_init(struct nx_options *options)
{
    *options = (struct nx_options){0};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].initial != NULL) {
            (void)assign(options, &rows[i], rows[i].initial);
        }
    }
}

static enum nx_err unknown(const char *key, struct nx_diag *diag)
{
    struct nx_buf known;

    nx_buf_init(&known, sizeof(diag->text));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        (void)nx_buf_printf(&known, "%splugin_opt_%s", i == 0 ? "" : ", ", rows[i].key);
    }
    nx_diag_set(diag, "unknown option plugin_opt_%.64s; known: %.*s", key,
                NX_SPAN_ARG(nx_buf_view(&known)));
    nx_buf_fini(&known);
    return NX_ERR_NOT_FOUND;
}

enum nx_err nx_options_set(struct nx_options *options, const char *key, const char *value,
                           struct nx_diag *diag)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].key, key) != 0) {
            continue;
        }
        if ((options->given & 1U << i) != 0) {
            nx_diag_set(diag, "plugin_opt_%s is given twice", key);
            return NX_ERR_INVALID;
        }
        options->given |= 1U << i;
        return assign(options, &rows[i], value) ? NX_OK : fail(&rows[i], diag, value);
    }
    return unknown(key, diag);
}

enum nx_err nx_options_complete(const struct nx_options *options, struct nx_diag *diag)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].initial == NULL && (options->given & 1U << i) == 0) {
            nx_diag_set(diag, "plugin_opt_%s is missing: it takes %s", rows[i].key, rows[i].takes);
            return NX_ERR_NOT_FOUND;
        }
    }
    return NX_OK;
}

static const char *initial_text(const struct option_row *row)
{
    if (row->initial == NULL) {
        return "(required)";
    }
    return row->initial[0] != '\0' ? row->initial : "(none)";
}

enum nx_err nx_options_table(struct nx_buf *out)
{
    (void)nx_buf_str(out, "| line | takes | default | what it does |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        (void)nx_buf_printf(out, "| `plugin_opt_%s` | %s | %s | %s |\n", rows[i].key, rows[i].takes,
                            initial_text(&rows[i]), rows[i].help);
    }
    return nx_buf_error(out);
}
