/*
 * settings.c - reads bridge.json: first its `config_dir`, because the schema that judges the file
 * is found by the configuration; then the whole of it against that schema; then what no schema
 * can say: that names are known, that none comes twice, that secrets can be read.
 */
#include "bridge/settings_read.h"

#include "core/os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SETTINGS_ARENA_MAX = 16 * 1024 * 1024,
    SETTINGS_FILE_MAX = 1024 * 1024,
    RETENTION_DAYS_MAX = 36500,
    RETENTION_BYTES_MIN = 16 * 1024 * 1024, /* so that the newest of each stream fits */
    SECRET_MAX = 65535,                     /* MQTT 5 section 3.1.3.6 */
};

/* --- nodes ------------------------------------------------------------------------------------ */

static enum nx_err get_password(struct loader *in, uint32_t object, const char **out)
{
    const char *path = NULL;
    struct nx_diag why = {0};
    struct nx_buf text;
    enum nx_err err = settings_path(in, object, "password_file", &path);

    if (err != NX_OK || path == NULL) {
        return err;
    }
    nx_buf_init(&text, SECRET_MAX);
    err = in->reader->read(in->reader->ctx, path, &text, &why);
    if (err != NX_OK) {
        nx_diag_set(settings_fault(in, settings_member(in, object, "password_file")),
                    "%.200s: %.250s", path, why.text);
        nx_buf_fini(&text);
        return err;
    }
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r')) {
        text.len--;
    }
    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
        nx_diag_set(settings_fault(in, settings_member(in, object, "password_file")),
                    "%.200s: expected one line with the password", path);
        err = NX_ERR_INVALID;
    } else {
        *out = nx_arena_dup(&in->settings->arena, nx_buf_view(&text)).ptr;
        err = *out != NULL ? NX_OK : settings_no_memory(in);
    }
    nx_buf_fini(&text);
    return err;
}

/* A path to a file that can be read now; what is in it is the session's to judge. */
static enum nx_err get_file(struct loader *in, uint32_t object, const char *key, const char **out)
{
    struct nx_diag why = {0};
    struct nx_buf text;
    enum nx_err err = settings_path(in, object, key, out);

    if (err != NX_OK || *out == NULL) {
        return err;
    }
    nx_buf_init(&text, SETTINGS_FILE_MAX);
    err = in->reader->read(in->reader->ctx, *out, &text, &why);
    if (err != NX_OK) {
        nx_diag_set(settings_fault(in, settings_member(in, object, key)), "%.200s: %.250s", *out,
                    why.text);
    }
    nx_buf_fini(&text);
    return err;
}

static enum nx_err get_tls(struct loader *in, uint32_t object, struct nx_session_tls *tls)
{
    enum nx_err err;

    if (object == 0) {
        return NX_OK;
    }
    tls->enabled = true;
    err = get_file(in, object, "ca_file", &tls->ca_file);
    err = err == NX_OK ? get_file(in, object, "cert_file", &tls->cert_file) : err;
    err = err == NX_OK ? get_file(in, object, "key_file", &tls->key_file) : err;
    err = err == NX_OK ? settings_text(in, object, "server_name", &tls->server_name) : err;
    return err;
}

/* The further addresses; without a port of their own they have the node's. */
static enum nx_err get_addresses(struct loader *in, uint32_t array, struct nx_settings_node *node)
{
    uint32_t at = 0;
    uint32_t none;
    uint32_t item;
    enum nx_err err = NX_OK;

    node->others = nx_arena_array(&in->settings->arena, NX_ADDRESSES_MAX, sizeof(*node->others));
    if (node->others == NULL) {
        return settings_no_memory(in);
    }
    while (array != 0 && err == NX_OK && nx_json_each(in->json, array, &at, &none, &item)) {
        struct nx_session_address *address = &node->others[node->others_count];
        uint32_t port_at = settings_member(in, item, "port");
        int64_t port = node->port;

        if (node->others_count++ == NX_ADDRESSES_MAX) {
            nx_diag_set(settings_fault(in, item), "more than %d addresses", NX_ADDRESSES_MAX);
            return NX_ERR_LIMIT;
        }
        err = settings_text(in, item, "host", &address->host);
        if (err == NX_OK && port_at != 0) {
            err = settings_number(in, port_at, 1, 65535, &port);
        }
        address->port = (uint16_t)port;
    }
    return err;
}

/* The schema has their ranges. */
static enum nx_err get_retention(struct loader *in, uint32_t object, struct nx_retention *out)
{
    uint32_t days_at = settings_member(in, object, "days");
    uint32_t bytes_at = settings_member(in, object, "bytes");
    int64_t days = 0;
    int64_t bytes = 0;
    enum nx_err err = NX_OK;

    if (object == 0) {
        return NX_OK;
    }
    if (days_at != 0) {
        err = settings_number(in, days_at, 1, RETENTION_DAYS_MAX, &days);
    }
    if (err == NX_OK && bytes_at != 0) {
        err = settings_number(in, bytes_at, RETENTION_BYTES_MIN, INT64_MAX, &bytes);
    }
    out->days = (uint32_t)days;
    out->bytes = (uint64_t)bytes;
    return err;
}

static enum nx_err get_city(struct loader *in, uint32_t object, struct nx_settings_node *node)
{
    uint32_t at = settings_member(in, object, "city");
    struct nx_span name = nx_json_text(in->json, at);

    node->city = nx_config_city(in->settings->config, name);
    if (node->city == NULL) {
        nx_diag_set(settings_fault(in, at), "no city of this federation: %.*s", NX_SPAN_ARG(name));
        return NX_ERR_INVALID;
    }
    if (settings_find_node(in->settings, name) < in->settings->nodes_count) {
        nx_diag_set(settings_fault(in, at), "%.*s has a node already", NX_SPAN_ARG(name));
        return NX_ERR_INVALID;
    }
    return settings_text(in, object, "city", &node->name);
}

static enum nx_err get_node(struct loader *in, uint32_t object)
{
    struct nx_settings_node *node = &in->settings->nodes[in->settings->nodes_count];
    uint32_t version = settings_member(in, object, "mqtt_version");
    uint32_t tls = settings_member(in, object, "tls");
    int64_t port = tls != 0 ? 8883 : 1883;
    int64_t qos = 1;
    enum nx_err err = get_city(in, object, node);

    err = err == NX_OK ? settings_text(in, object, "host", &node->host) : err;
    err = err == NX_OK ? settings_text(in, object, "username", &node->username) : err;
    err = err == NX_OK ? get_password(in, object, &node->password) : err;
    err = err == NX_OK ? get_tls(in, tls, &node->tls) : err;
    if (err == NX_OK && settings_member(in, object, "port") != 0) {
        err = settings_number(in, settings_member(in, object, "port"), 1, 65535, &port);
    }
    if (err == NX_OK && settings_member(in, object, "qos") != 0) {
        err = settings_number(in, settings_member(in, object, "qos"), 0, 2, &qos);
    }
    if (err != NX_OK) {
        return err;
    }
    node->port = (uint16_t)port;
    err = get_addresses(in, settings_member(in, object, "addresses"), node);
    err = err == NX_OK
              ? get_retention(in, settings_member(in, object, "retention"), &node->retention)
              : err;
    if (err != NX_OK) {
        return err;
    }
    node->qos = (uint8_t)qos;
    node->protocol_level = version != 0 && nx_span_is(nx_json_text(in->json, version), "3.1.1")
                               ? NX_MQTT_3_1_1
                               : NX_MQTT_5;
    in->settings->nodes_count++;
    return NX_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Calls `get` for each item of the array `key`; `count_max` is also the schema's maxItems. */
static enum nx_err get_each(struct loader *in, const char *key, size_t count_max,
                            enum nx_err (*get)(struct loader *in, uint32_t object))
{
    uint32_t array = settings_member(in, 0, key);
    uint32_t at = 0;
    uint32_t none;
    uint32_t item;
    size_t count = 0;
    enum nx_err err = NX_OK;

    while (array != 0 && err == NX_OK && nx_json_each(in->json, array, &at, &none, &item)) {
        if (count++ == count_max) {
            nx_diag_set(settings_fault(in, item), "more than %zu", count_max);
            return NX_ERR_LIMIT;
        }
        err = get(in, item);
    }
    return err;
}

static enum nx_err get_tuning(struct loader *in)
{
    struct nx_tuning *tuning = &in->settings->tuning;
    uint32_t object = settings_member(in, 0, "tuning");

    nx_tuning_defaults(tuning);
    for (size_t i = 0; i < nx_options_count && object != 0; i++) {
        uint32_t node = settings_member(in, object, nx_options[i].name);
        int64_t value;
        enum nx_err err;

        if (node == 0) {
            continue;
        }
        err = settings_number(in, node, nx_options[i].min, nx_options[i].max, &value);
        if (err != NX_OK) {
            return err;
        }
        *nx_option_at(tuning, &nx_options[i]) = (uint32_t)value;
    }
    if (tuning->backoff_ms_min > tuning->backoff_ms_max) {
        nx_diag_set(settings_fault(in, object), "backoff_ms_min is above backoff_ms_max (%u)",
                    tuning->backoff_ms_max);
        return NX_ERR_INVALID;
    }
    if (tuning->packet_bytes_max > tuning->held_bytes_max / 2) {
        nx_diag_set(settings_fault(in, object),
                    "packet_bytes_max is above half of held_bytes_max (%u)",
                    tuning->held_bytes_max);
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

/* The file without its schema, only to find the configuration that has the schema. */
static enum nx_err load_config(struct loader *in, struct nx_buf *text)
{
    const struct nx_config_options options = {.faults = in->faults, .seed = in->seed};
    const char *dir = NULL;
    uint32_t node;
    enum nx_err err = in->reader->read(in->reader->ctx, in->path, text, in->diag);

    if (err != NX_OK) {
        return err;
    }
    err = nx_json_parse(in->json, nx_buf_view(text), NX_JSON_COMMENTS, in->diag);
    if (err != NX_OK) {
        nx_diag_at(in->diag, in->path, in->diag->line, in->diag->column);
        return err;
    }
    node = settings_member(in, 0, "config_dir");
    if (node == 0 || nx_json_type(in->json, node) != NX_JSON_STRING) {
        nx_diag_set(settings_fault(in, node), "expected a member config_dir: the folder with "
                                              "federation.json");
        return NX_ERR_INVALID;
    }
    err = settings_path(in, 0, "config_dir", &dir);
    return err == NX_OK ? nx_config_load(in->reader, dir, &options, &in->settings->config, in->diag)
                        : err;
}

static enum nx_err load_rest(struct loader *in, struct nx_buf *text)
{
    struct nx_settings *settings = in->settings;
    enum nx_err err = nx_config_document(in->reader, settings->config->schemas_dir, "bridge",
                                         in->path, text, in->json, in->faults, in->diag);

    if (err != NX_OK) {
        return err;
    }
    settings->nodes = nx_arena_array(&settings->arena, NX_NODES_MAX, sizeof(*settings->nodes));
    settings->links = nx_arena_array(&settings->arena, NX_LINKS_MAX, sizeof(*settings->links));
    if (settings->nodes == NULL || settings->links == NULL) {
        return settings_no_memory(in);
    }
    err = settings_path(in, 0, "state_dir", &settings->state_dir);
    err = err == NX_OK ? get_each(in, "nodes", NX_NODES_MAX, get_node) : err;
    err = err == NX_OK ? get_each(in, "links", NX_LINKS_MAX, settings_link) : err;
    return err == NX_OK ? get_tuning(in) : err;
}

enum nx_err nx_settings_load(const struct nx_reader *reader, const char *path, uint64_t seed,
                             struct nx_diag_sink *faults, struct nx_settings **out,
                             struct nx_diag *diag)
{
    struct nx_settings *settings = calloc(1, sizeof(*settings));
    struct loader in = {.reader = reader,
                        .path = path,
                        .seed = seed,
                        .json = nx_json_new(&nx_json_limits_file, seed),
                        .settings = settings,
                        .faults = faults,
                        .diag = diag};
    struct nx_buf text;
    enum nx_err err;

    *out = NULL;
    nx_buf_init(&text, SETTINGS_FILE_MAX);
    if (settings == NULL || in.json == NULL) {
        err = settings_no_memory(&in);
        goto out;
    }
    nx_arena_init(&settings->arena, SETTINGS_ARENA_MAX);
    err = load_config(&in, &text);
    if (err == NX_OK) {
        err = load_rest(&in, &text);
    }
out:
    nx_json_free(in.json);
    nx_buf_fini(&text);
    if (err != NX_OK) {
        nx_settings_free(settings);
        return err;
    }
    *out = settings;
    return NX_OK;
}

void nx_settings_free(struct nx_settings *settings)
{
    if (settings == NULL) {
        return;
    }
    nx_config_free(settings->config);
    nx_arena_fini(&settings->arena);
    free(settings);
}
