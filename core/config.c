/*
 * config.c - reads federation.json and what it names. Opens no file itself: bytes come through
 * struct nx_reader. Every document is checked against its schema before a value is taken from it,
 * so that the code below may trust shapes and only relations are left to check.
 */
#include "core/config.h"
#include "core/config_loader.h"

#include "core/base/sha256.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ARENA_BYTES_MAX = 64 * 1024 * 1024,
    DOCUMENT_BYTES_MAX = 16 * 1024 * 1024,
    FAULTS_MAX = 64,        /* told of one document */
    FOLDER_BYTES_MAX = 700, /* leaves room in a path for what is below the folder */
};

/* Joins a folder and a name; an absolute name stays as it is. False when it is too long. */
static bool path_join(char out[NX_CONFIG_PATH_MAX], const char *dir, const char *name)
{
    bool absolute = name[0] == '/';
    int length =
        snprintf(out, NX_CONFIG_PATH_MAX, "%s%s%s", absolute ? "" : dir, absolute ? "" : "/", name);

    return length >= 0 && length <= FOLDER_BYTES_MAX;
}

enum nx_err nx_config_fault(struct nx_config_loader *load, enum nx_err err,
                            const struct nx_diag *diag)
{
    if (load->error == NX_OK) {
        load->error = err;
        load->first = *diag;
    }
    if (load->options->faults != NULL) {
        load->options->faults->add(load->options->faults->ctx, diag);
    }
    return err;
}

enum nx_err nx_config_fault_at(struct nx_config_loader *load, const char *path, uint32_t node,
                               const char *fmt, ...)
{
    struct nx_diag diag = {0};
    va_list args;

    nx_json_diag_at(load->json, node, path, &diag);
    va_start(args, fmt);
    (void)vsnprintf(diag.text, sizeof(diag.text), fmt, args);
    va_end(args);
    return nx_config_fault(load, NX_ERR_INVALID, &diag);
}

/* --- documents of ours --------------------------------------------------------------------- */

struct document_faults {
    const struct nx_json *json;
    const char *path;
    struct nx_diag_sink *sink;
    struct nx_diag *first;
};

static bool document_fault(void *ctx, const struct nx_fault *fault)
{
    struct document_faults *faults = ctx;
    struct nx_diag diag = {0};

    nx_json_diag_at(faults->json, fault->node, faults->path, &diag);
    nx_diag_set(&diag, "%s", fault->text);
    if (faults->sink != NULL) {
        faults->sink->add(faults->sink->ctx, &diag);
    }
    if (faults->first != NULL) {
        *faults->first = diag;
        faults->first = NULL;
    }
    return faults->sink != NULL; /* without a sink the first is all that is wanted */
}

static enum nx_err document_check(const struct nx_schema *schema, const struct nx_json *json,
                                  struct document_faults *faults)
{
    struct nx_check *check = nx_check_new();
    enum nx_err err;

    if (check == NULL) {
        return NX_ERR_NOMEM;
    }
    err = nx_schema_check(schema, check, json);
    if (err == NX_ERR_INVALID) {
        (void)nx_schema_explain(schema, check, json, FAULTS_MAX, document_fault, faults);
    }
    nx_check_free(check);
    return err;
}

/* `digest` may be NULL. */
static enum nx_err schema_read(const struct nx_reader *reader, const char *path,
                               struct nx_schema **out, char digest[NX_SHA256_HEX_SIZE],
                               struct nx_diag *diag)
{
    const struct nx_schema_options options = {.strict = true, .assert_format = true};
    struct nx_buf text;
    enum nx_err err;

    nx_buf_init(&text, DOCUMENT_BYTES_MAX);
    err = reader->read(reader->ctx, path, &text, diag);
    if (err == NX_OK) {
        err = nx_schema_compile(nx_buf_view(&text), path, &options, out, diag);
    }
    if (err == NX_OK && digest != NULL) {
        (void)nx_sha256_hex(nx_buf_view(&text), digest);
    }
    nx_buf_fini(&text);
    return err;
}

enum nx_err nx_config_document(const struct nx_reader *reader, const char *schemas_dir,
                               const char *kind, const char *path, struct nx_buf *text,
                               struct nx_json *json, struct nx_diag_sink *faults,
                               struct nx_diag *diag)
{
    struct nx_diag own = {0};
    struct nx_diag *first = diag != NULL ? diag : &own;
    struct document_faults told = {.json = json, .path = path, .sink = faults, .first = first};
    struct nx_schema *schema = NULL;
    char schema_path[NX_CONFIG_PATH_MAX];
    enum nx_err err;

    (void)snprintf(schema_path, sizeof(schema_path), "%s/config/%s.schema.json", schemas_dir, kind);
    err = reader->read(reader->ctx, path, text, first);
    if (err == NX_OK) {
        err = nx_json_parse(json, nx_buf_view(text), NX_JSON_COMMENTS, first);
        nx_diag_at(first, path, first->line, first->column);
    }
    if (err == NX_OK) {
        err = schema_read(reader, schema_path, &schema, NULL, first);
    }
    if (err != NX_OK) {
        if (faults != NULL) {
            faults->add(faults->ctx, first);
        }
        return err;
    }
    err = document_check(schema, json, &told);
    nx_schema_free(schema);
    return err;
}

enum nx_err nx_config_read(struct nx_config_loader *load, const char *kind, const char *path)
{
    struct nx_diag diag = {0};
    enum nx_err err = nx_config_document(load->reader, load->config->schemas_dir, kind, path,
                                         &load->text, load->json, load->options->faults, &diag);

    if (err != NX_OK && load->error == NX_OK) { /* the sink has been told already */
        load->error = err;
        load->first = diag;
    }
    return err;
}

struct nx_span nx_config_text(struct nx_config_loader *load, uint32_t object, const char *key)
{
    uint32_t node = nx_json_member(load->json, object, nx_span_from(key));

    if (node == 0) {
        return (struct nx_span){NULL, 0};
    }
    return nx_arena_dup(&load->config->arena, nx_json_text(load->json, node));
}

/* "urn:nexus:ulsan-air:1" is named "ulsan-air@1" on the wire. */
static struct nx_span schema_name(struct nx_arena *arena, struct nx_span id)
{
    const struct nx_span prefix = NX_SPAN("urn:nexus:");
    struct nx_span name;
    char *colon;

    if (!nx_span_starts(id, prefix)) {
        return (struct nx_span){NULL, 0};
    }
    name = nx_arena_dup(arena, (struct nx_span){id.ptr + prefix.len, id.len - prefix.len});
    if (name.ptr == NULL) {
        return name;
    }
    colon = strrchr(name.ptr, ':');
    if (colon == NULL || colon == name.ptr || colon[1] == '\0') {
        return (struct nx_span){NULL, 0};
    }
    *colon = '@';
    return name;
}

enum nx_err nx_config_schema(struct nx_config_loader *load, const char *path,
                             struct nx_schema **out, struct nx_span *name, struct nx_span *digest)
{
    char hex[NX_SHA256_HEX_SIZE];
    struct nx_diag diag = {0};
    enum nx_err err = schema_read(load->reader, path, out, hex, &diag);

    if (err != NX_OK) {
        return nx_config_fault(load, err, &diag);
    }
    *name = schema_name(&load->config->arena, nx_schema_id(*out));
    if (name->ptr == NULL) {
        nx_diag_at(&diag, path, 0, 0);
        nx_diag_set(&diag, "$id is \"%.*s\": expected urn:nexus:<name>:<version>",
                    NX_SPAN_ARG(nx_schema_id(*out)));
        nx_schema_free(*out);
        *out = NULL;
        return nx_config_fault(load, NX_ERR_INVALID, &diag);
    }
    *digest = nx_arena_dup(&load->config->arena, nx_span_from(hex));
    if (digest->ptr == NULL) { /* the schema is the configuration's already, which frees it */
        nx_diag_set(&diag, "%s", nx_err_text(NX_ERR_NOMEM));
        return nx_config_fault(load, NX_ERR_NOMEM, &diag);
    }
    return NX_OK;
}

/* --- federation.json ----------------------------------------------------------------------- */

/* The schemas folder must be known before federation.json can be checked: it names it. */
static enum nx_err find_schemas(struct nx_config_loader *load, const char *path)
{
    struct nx_config *config = load->config;
    struct nx_diag diag = {0};
    char joined[NX_CONFIG_PATH_MAX];
    char name[NX_CONFIG_PATH_MAX];
    uint32_t node;
    enum nx_err err = load->reader->read(load->reader->ctx, path, &load->text, &diag);

    if (err == NX_OK) {
        err = nx_json_parse(load->json, nx_buf_view(&load->text), NX_JSON_COMMENTS, &diag);
        nx_diag_at(&diag, path, diag.line, diag.column);
    }
    if (err != NX_OK) {
        return nx_config_fault(load, err, &diag);
    }
    node = nx_json_member(load->json, 0, NX_SPAN("schemas"));
    if (node == 0 || nx_json_type(load->json, node) != NX_JSON_STRING ||
        !nx_span_copy(nx_json_text(load->json, node), name, sizeof(name))) {
        return nx_config_fault_at(load, path, node,
                                  "expected \"schemas\": the path of the folder "
                                  "of schemas, relative to this file's");
    }
    if (!path_join(joined, config->dir, name)) {
        return nx_config_fault_at(load, path, node, "the path is longer than %d bytes",
                                  FOLDER_BYTES_MAX);
    }
    config->schemas_dir = nx_arena_dup(&config->arena, nx_span_from(joined)).ptr;
    return config->schemas_dir != NULL ? NX_OK : NX_ERR_NOMEM;
}

/* Copies an array of strings into the arena. */
static enum nx_err take_names(struct nx_config_loader *load, const char *key, struct nx_span **out,
                              size_t *count)
{
    struct nx_arena *arena = &load->config->arena;
    uint32_t node = nx_json_member(load->json, 0, nx_span_from(key));
    uint32_t length = nx_json_length(load->json, node);
    uint32_t at = 0, unused, value;

    *out = nx_arena_array(arena, length, sizeof(**out));
    if (*out == NULL) {
        return NX_ERR_NOMEM;
    }
    while (nx_json_each(load->json, node, &at, &unused, &value)) {
        (*out)[*count] = nx_arena_dup(arena, nx_json_text(load->json, value));
        if ((*out)[(*count)++].ptr == NULL) {
            return NX_ERR_NOMEM;
        }
    }
    return NX_OK;
}

static enum nx_err read_federation(struct nx_config_loader *load, const char *path)
{
    struct nx_config *config = load->config;
    struct nx_span *names = NULL;
    enum nx_err err = nx_config_read(load, "federation", path);

    if (err != NX_OK) {
        return err;
    }
    config->name = nx_config_text(load, 0, "federation");
    err = take_names(load, "cities", &names, &config->cities_count);
    if (err == NX_OK) {
        err = take_names(load, "domains", &config->domain_names, &config->domains_count);
    }
    if (err == NX_OK) {
        config->cities =
            nx_arena_array(&config->arena, config->cities_count, sizeof(*config->cities));
        err = config->cities != NULL ? NX_OK : NX_ERR_NOMEM;
    }
    for (size_t i = 0; err == NX_OK && i < config->cities_count; i++) {
        config->cities[i].name = names[i];
        err = nx_map_put(&config->cities_by_name, names[i], &config->cities[i]);
    }
    for (size_t i = 0; err == NX_OK && i < config->domains_count; i++) {
        err =
            nx_map_put(&config->domain_numbers, config->domain_names[i], &config->domain_names[i]);
    }
    return err;
}

static enum nx_err read_canonical(struct nx_config_loader *load)
{
    struct nx_config *config = load->config;
    char path[NX_CONFIG_PATH_MAX];

    config->canonical =
        nx_arena_array(&config->arena, config->domains_count, sizeof(struct nx_schema *));
    config->canonical_names =
        nx_arena_array(&config->arena, config->domains_count, sizeof(*config->canonical_names));
    config->canonical_digests =
        nx_arena_array(&config->arena, config->domains_count, sizeof(*config->canonical_digests));
    if (config->canonical == NULL || config->canonical_names == NULL ||
        config->canonical_digests == NULL) {
        return NX_ERR_NOMEM;
    }
    for (size_t i = 0; i < config->domains_count; i++) {
        (void)snprintf(path, sizeof(path), "%s/canonical/%.*s/schema.json", config->schemas_dir,
                       NX_SPAN_ARG(config->domain_names[i]));
        (void)nx_config_schema(load, path, &config->canonical[i], &config->canonical_names[i],
                               &config->canonical_digests[i]);
    }
    return load->error;
}

static enum nx_err read_cities(struct nx_config_loader *load)
{
    const char *only = load->options->only_city;
    struct nx_config *config = load->config;
    struct nx_diag diag = {0};
    bool found = only == NULL;

    for (size_t i = 0; i < config->cities_count; i++) {
        if (only != NULL && !nx_span_is(config->cities[i].name, only)) {
            continue;
        }
        found = true;
        if (nx_config_load_city(load, &config->cities[i]) == NX_ERR_NOMEM) {
            return NX_ERR_NOMEM;
        }
    }
    if (!found) {
        nx_diag_at(&diag, config->dir, 0, 0);
        nx_diag_set(&diag, "federation.json knows no city \"%s\"", only);
        return nx_config_fault(load, NX_ERR_NOT_FOUND, &diag);
    }
    return load->error;
}

static enum nx_err load_all(struct nx_config_loader *load)
{
    char path[NX_CONFIG_PATH_MAX];
    struct nx_diag diag = {0};
    enum nx_err err;

    if (!path_join(path, load->config->dir, "federation.json")) {
        nx_diag_set(&diag, "the configuration's path is longer than %d bytes", FOLDER_BYTES_MAX);
        return nx_config_fault(load, NX_ERR_LIMIT, &diag);
    }
    err = find_schemas(load, path);
    if (err == NX_OK) {
        err = read_federation(load, path);
    }
    if (err == NX_OK) {
        err = read_canonical(load);
    }
    if (err == NX_OK || load->options->faults != NULL) {
        err = load->config->cities_count > 0 && err != NX_ERR_NOMEM ? read_cities(load) : err;
    }
    return err;
}

enum nx_err nx_config_load(const struct nx_reader *reader, const char *dir,
                           const struct nx_config_options *options, struct nx_config **out,
                           struct nx_diag *diag)
{
    struct nx_config_loader load = {.reader = reader, .options = options};
    enum nx_err err = NX_ERR_NOMEM;

    *out = NULL;
    nx_buf_init(&load.text, DOCUMENT_BYTES_MAX);
    load.json = nx_json_new(&nx_json_limits_file, options->seed);
    load.config = calloc(1, sizeof(*load.config));
    if (load.config == NULL || load.json == NULL) {
        goto out;
    }
    nx_arena_init(&load.config->arena, ARENA_BYTES_MAX);
    nx_map_init(&load.config->cities_by_name, NX_CONFIG_CITIES_MAX, options->seed);
    nx_map_init(&load.config->domain_numbers, NX_CONFIG_DOMAINS_MAX, options->seed);
    load.config->dir = nx_arena_dup(&load.config->arena, nx_span_from(dir)).ptr;
    if (load.config->dir != NULL) {
        err = load_all(&load);
    }
out:
    if (err == NX_OK) {
        *out = load.config;
        load.config = NULL;
    } else if (diag != NULL) {
        *diag = load.first;
        if (load.error == NX_OK) {
            nx_diag_set(diag, "%s", nx_err_text(err));
        }
    }
    nx_config_free(load.config);
    nx_json_free(load.json);
    nx_buf_fini(&load.text);
    return err;
}

void nx_config_free(struct nx_config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; config->cities != NULL && i < config->cities_count; i++) {
        nx_city_fini(&config->cities[i]);
    }
    for (size_t i = 0; config->canonical != NULL && i < config->domains_count; i++) {
        nx_schema_free(config->canonical[i]);
    }
    nx_map_fini(&config->cities_by_name);
    nx_map_fini(&config->domain_numbers);
    nx_arena_fini(&config->arena);
    free(config);
}

const struct nx_city *nx_config_city(const struct nx_config *config, struct nx_span name)
{
    return nx_map_get(&config->cities_by_name, name);
}

const struct nx_schema *nx_config_canonical(const struct nx_config *config, struct nx_span domain)
{
    size_t number;

    return nx_config_domain(config, domain, &number) ? config->canonical[number] : NULL;
}

bool nx_config_domain(const struct nx_config *config, struct nx_span domain, size_t *number)
{
    const struct nx_span *name = nx_map_get(&config->domain_numbers, domain);

    *number = name != NULL ? (size_t)(name - config->domain_names) : 0;
    return name != NULL;
}
