/*
 * settings.c - reads bridge.json: first its `config_dir`, because the schema that judges the file
 * is found by the configuration; then the whole of it against that schema; then what no schema
 * can say: that names are known, that none comes twice, that secrets can be read.
 */
#include "bridge/settings.h"

#include "core/os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SETTINGS_ARENA_MAX = 16 * 1024 * 1024,
    SETTINGS_FILE_MAX = 1024 * 1024,
    SECRET_MAX = 65535, /* MQTT 5 section 3.1.3.6 */
    SETTINGS_PATH_MAX = 4096,
};

struct loader {
    const struct nx_reader *reader;
    const char *path;
    uint64_t seed;
    struct nx_json *json;
    struct nx_settings *settings;
    struct nx_diag_sink *faults;
    struct nx_diag *diag;
};

/* --- small readers ---------------------------------------------------------------------------- */

/* The place of `node`; the caller then sets the words. */
static struct nx_diag *fault_at(struct loader *in, uint32_t node)
{
    nx_json_diag_at(in->json, node, in->path, in->diag);
    return in->diag;
}

static enum nx_err out_of_memory(struct loader *in)
{
    nx_diag_at(in->diag, in->path, 0, 0);
    nx_diag_set(in->diag, "out of memory");
    return NX_ERR_NOMEM;
}

static uint32_t member(const struct loader *in, uint32_t object, const char *key)
{
    return nx_json_member(in->json, object, nx_span_from(key));
}

/* The text of an optional member in the arena; *out stays NULL when it is absent. */
static enum nx_err get_text(struct loader *in, uint32_t object, const char *key, const char **out)
{
    uint32_t node = member(in, object, key);
    struct nx_span text;

    if (node == 0) {
        return NX_OK;
    }
    text = nx_json_text(in->json, node);
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        nx_diag_set(fault_at(in, node), "holds a NUL character");
        return NX_ERR_INVALID;
    }
    *out = nx_arena_dup(&in->settings->arena, text).ptr;
    return *out != NULL ? NX_OK : out_of_memory(in);
}

/* A path, resolved against the folder of the file. */
static enum nx_err get_path(struct loader *in, uint32_t object, const char *key, const char **out)
{
    const char *slash = strrchr(in->path, '/');
    char full[SETTINGS_PATH_MAX];
    const char *text = NULL;
    enum nx_err err = get_text(in, object, key, &text);
    int len;

    if (err != NX_OK || text == NULL) {
        return err;
    }
    if (text[0] == '/' || slash == NULL) {
        *out = text;
        return NX_OK;
    }
    len = snprintf(full, sizeof(full), "%.*s/%s", (int)(slash - in->path), in->path, text);
    if (len < 0 || (size_t)len >= sizeof(full)) {
        nx_diag_set(fault_at(in, member(in, object, key)), "the path is too long");
        return NX_ERR_LIMIT;
    }
    *out = nx_arena_dup(&in->settings->arena, nx_span_from(full)).ptr;
    return *out != NULL ? NX_OK : out_of_memory(in);
}

static bool get_bool(const struct loader *in, uint32_t object, const char *key, bool otherwise)
{
    uint32_t node = member(in, object, key);

    return node == 0 ? otherwise : nx_json_type(in->json, node) == NX_JSON_TRUE;
}

/* The schema has checked type and range; the table's own range is what the code relies on. */
static enum nx_err get_number(struct loader *in, uint32_t node, int64_t min, int64_t max,
                              int64_t *out)
{
    if (nx_json_int(in->json, node, out) != NX_OK || *out < min || *out > max) {
        nx_diag_set(fault_at(in, node), "expected an integer from %lld to %lld", (long long)min,
                    (long long)max);
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

/* --- nodes ------------------------------------------------------------------------------------ */

static enum nx_err get_password(struct loader *in, uint32_t object, const char **out)
{
    const char *path = NULL;
    struct nx_diag why = {0};
    struct nx_buf text;
    enum nx_err err = get_path(in, object, "password_file", &path);

    if (err != NX_OK || path == NULL) {
        return err;
    }
    nx_buf_init(&text, SECRET_MAX);
    err = in->reader->read(in->reader->ctx, path, &text, &why);
    if (err != NX_OK) {
        nx_diag_set(fault_at(in, member(in, object, "password_file")), "%.200s: %.250s", path,
                    why.text);
        nx_buf_fini(&text);
        return err;
    }
    while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r')) {
        text.len--;
    }
    if (text.len == 0 || memchr(text.data, '\0', text.len) != NULL) {
        nx_diag_set(fault_at(in, member(in, object, "password_file")),
                    "%.200s: expected one line with the password", path);
        err = NX_ERR_INVALID;
    } else {
        *out = nx_arena_dup(&in->settings->arena, nx_buf_view(&text)).ptr;
        err = *out != NULL ? NX_OK : out_of_memory(in);
    }
    nx_buf_fini(&text);
    return err;
}

/* A path to a file that can be read now; what is in it is the session's to judge. */
static enum nx_err get_file(struct loader *in, uint32_t object, const char *key, const char **out)
{
    struct nx_diag why = {0};
    struct nx_buf text;
    enum nx_err err = get_path(in, object, key, out);

    if (err != NX_OK || *out == NULL) {
        return err;
    }
    nx_buf_init(&text, SETTINGS_FILE_MAX);
    err = in->reader->read(in->reader->ctx, *out, &text, &why);
    if (err != NX_OK) {
        nx_diag_set(fault_at(in, member(in, object, key)), "%.200s: %.250s", *out, why.text);
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
    err = err == NX_OK ? get_text(in, object, "server_name", &tls->server_name) : err;
    return err;
}

static size_t find_node(const struct nx_settings *settings, struct nx_span name)
{
    size_t i = 0;

    while (i < settings->nodes_count && !nx_span_is(name, settings->nodes[i].name)) {
        i++;
    }
    return i;
}

static enum nx_err get_city(struct loader *in, uint32_t object, struct nx_settings_node *node)
{
    uint32_t at = member(in, object, "city");
    struct nx_span name = nx_json_text(in->json, at);

    node->city = nx_config_city(in->settings->config, name);
    if (node->city == NULL) {
        nx_diag_set(fault_at(in, at), "no city of this federation: %.*s", NX_SPAN_ARG(name));
        return NX_ERR_INVALID;
    }
    if (find_node(in->settings, name) < in->settings->nodes_count) {
        nx_diag_set(fault_at(in, at), "%.*s has a node already", NX_SPAN_ARG(name));
        return NX_ERR_INVALID;
    }
    return get_text(in, object, "city", &node->name);
}

static enum nx_err get_node(struct loader *in, uint32_t object)
{
    struct nx_settings_node *node = &in->settings->nodes[in->settings->nodes_count];
    uint32_t version = member(in, object, "mqtt_version");
    uint32_t tls = member(in, object, "tls");
    int64_t port = tls != 0 ? 8883 : 1883;
    enum nx_err err = get_city(in, object, node);

    err = err == NX_OK ? get_text(in, object, "host", &node->host) : err;
    err = err == NX_OK ? get_text(in, object, "username", &node->username) : err;
    err = err == NX_OK ? get_password(in, object, &node->password) : err;
    err = err == NX_OK ? get_tls(in, tls, &node->tls) : err;
    if (err == NX_OK && member(in, object, "port") != 0) {
        err = get_number(in, member(in, object, "port"), 1, 65535, &port);
    }
    if (err != NX_OK) {
        return err;
    }
    node->port = (uint16_t)port;
    node->protocol_level = version != 0 && nx_span_is(nx_json_text(in->json, version), "3.1.1")
                               ? NX_MQTT_3_1_1
                               : NX_MQTT_5;
    in->settings->nodes_count++;
    return NX_OK;
}

/* --- links ------------------------------------------------------------------------------------ */

static enum nx_err get_end(struct loader *in, uint32_t object, const char *key, size_t *out)
{
    uint32_t at = member(in, object, key);
    struct nx_span name = nx_json_text(in->json, at);

    *out = find_node(in->settings, name);
    if (*out == in->settings->nodes_count) {
        nx_diag_set(fault_at(in, at), "no node of this bridge: %.*s", NX_SPAN_ARG(name));
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static enum nx_err check_link(struct loader *in, uint32_t object,
                              const struct nx_settings_link *link)
{
    if (link->from == link->to) {
        nx_diag_set(fault_at(in, member(in, object, "to")), "a link leads to another city");
        return NX_ERR_INVALID;
    }
    if (!link->observation && !link->original) {
        nx_diag_set(fault_at(in, object), "a link carries observation, original or both");
        return NX_ERR_INVALID;
    }
    for (size_t i = 0; i < in->settings->links_count; i++) {
        if (in->settings->links[i].from == link->from && in->settings->links[i].to == link->to) {
            nx_diag_set(fault_at(in, object), "this link is there already");
            return NX_ERR_INVALID;
        }
    }
    return NX_OK;
}

static enum nx_err get_link(struct loader *in, uint32_t object)
{
    struct nx_settings *settings = in->settings;
    struct nx_settings_link *link = &settings->links[settings->links_count];
    char name[80];
    enum nx_err err = get_end(in, object, "from", &link->from);

    err = err == NX_OK ? get_end(in, object, "to", &link->to) : err;
    if (err != NX_OK) {
        return err;
    }
    link->observation = get_bool(in, object, "observation", true);
    link->original = get_bool(in, object, "original", true);
    err = check_link(in, object, link);
    if (err != NX_OK) {
        return err;
    }
    (void)snprintf(name, sizeof(name), "%s-%s", settings->nodes[link->from].name,
                   settings->nodes[link->to].name);
    link->name = nx_arena_dup(&settings->arena, nx_span_from(name)).ptr;
    if (link->name == NULL) {
        return out_of_memory(in);
    }
    settings->links_count++;
    return NX_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Calls `get` for each item of the array `key`; `count_max` is also the schema's maxItems. */
static enum nx_err get_each(struct loader *in, const char *key, size_t count_max,
                            enum nx_err (*get)(struct loader *in, uint32_t object))
{
    uint32_t array = member(in, 0, key);
    uint32_t at = 0;
    uint32_t none;
    uint32_t item;
    size_t count = 0;
    enum nx_err err = NX_OK;

    while (array != 0 && err == NX_OK && nx_json_each(in->json, array, &at, &none, &item)) {
        if (count++ == count_max) {
            nx_diag_set(fault_at(in, item), "more than %zu", count_max);
            return NX_ERR_LIMIT;
        }
        err = get(in, item);
    }
    return err;
}

static enum nx_err get_tuning(struct loader *in)
{
    struct nx_tuning *tuning = &in->settings->tuning;
    uint32_t object = member(in, 0, "tuning");

    nx_tuning_defaults(tuning);
    for (size_t i = 0; i < nx_options_count && object != 0; i++) {
        uint32_t node = member(in, object, nx_options[i].name);
        int64_t value;
        enum nx_err err;

        if (node == 0) {
            continue;
        }
        err = get_number(in, node, nx_options[i].min, nx_options[i].max, &value);
        if (err != NX_OK) {
            return err;
        }
        *nx_option_at(tuning, &nx_options[i]) = (uint32_t)value;
    }
    if (tuning->backoff_ms_min > tuning->backoff_ms_max) {
        nx_diag_set(fault_at(in, object), "backoff_ms_min is above backoff_ms_max (%u)",
                    tuning->backoff_ms_max);
        return NX_ERR_INVALID;
    }
    if (tuning->packet_bytes_max > tuning->held_bytes_max / 2) {
        nx_diag_set(fault_at(in, object), "packet_bytes_max is above half of held_bytes_max (%u)",
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
    node = member(in, 0, "config_dir");
    if (node == 0 || nx_json_type(in->json, node) != NX_JSON_STRING) {
        nx_diag_set(fault_at(in, node), "expected a member config_dir: the folder with "
                                        "federation.json");
        return NX_ERR_INVALID;
    }
    err = get_path(in, 0, "config_dir", &dir);
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
        return out_of_memory(in);
    }
    err = get_path(in, 0, "state_dir", &settings->state_dir);
    err = err == NX_OK ? get_each(in, "nodes", NX_NODES_MAX, get_node) : err;
    err = err == NX_OK ? get_each(in, "links", NX_LINKS_MAX, get_link) : err;
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
        err = out_of_memory(&in);
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
