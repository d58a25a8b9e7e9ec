/*
 * config_city.c - one city's part of the configuration: city.json (identities, reference, domains
 * with their schemas) and assets.json (names and positions).
 */
#include "core/config_loader.h"
#include "core/identity.h"
#include "core/topic.h"

#include <stdio.h>

#define NS_PER_S 1e9

enum {
    BURST_DEFAULT_S = 10,
    OWNED_MAX = 3 * 1024, /* three keys for each of the patterns that the schema admits */
};

static const char *const role_names[] = {
    [NX_ROLE_NONE] = "none",         [NX_ROLE_SENSOR] = "sensor", [NX_ROLE_READER] = "reader",
    [NX_ROLE_OPERATOR] = "operator", [NX_ROLE_BRIDGE] = "bridge", [NX_ROLE_LINK] = "link",
};

static const char *const mode_names[] = {
    [NX_MODE_STRICT] = "strict",
    [NX_MODE_WARN] = "warn",
    [NX_MODE_OFF] = "off",
};

const char *nx_role_name(enum nx_role role)
{
    return role_names[role];
}

/* The index of `word` in a table of `count` names; the schema has checked that it is there. */
static unsigned index_of(struct nx_span word, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (nx_span_is(word, names[i])) {
            return i;
        }
    }
    return 0;
}

static struct nx_span text_of(const struct nx_config_loader *load, uint32_t object, const char *key)
{
    return nx_json_text(load->json, nx_json_member(load->json, object, nx_span_from(key)));
}

static double double_of(const struct nx_config_loader *load, uint32_t node)
{
    double value = 0;

    (void)nx_json_double(load->json, node, &value); /* the schema has checked that it is one */
    return value;
}

/* --- identities ---------------------------------------------------------------------------- */

static bool has_capture(struct nx_span s)
{
    return memchr(s.ptr, '{', s.len) != NULL;
}

static enum nx_err take_pattern(struct nx_config_loader *load, const char *path, uint32_t node,
                                bool capture, struct nx_asset_pattern *out)
{
    struct nx_span rest = nx_arena_dup(&load->config->arena, nx_json_text(load->json, node));

    if (rest.ptr == NULL) {
        return NX_ERR_NOMEM;
    }
    out->domain = nx_span_cut(&rest, '/');
    out->asset = rest;
    if (has_capture(out->asset) && !capture) {
        return nx_config_fault_at(load, path, node,
                                  "the pattern uses a {capture}, but the identity's name has none");
    }
    return NX_OK;
}

static enum nx_err take_patterns(struct nx_config_loader *load, const char *path, uint32_t list,
                                 struct nx_identity *identity)
{
    uint32_t at = 0, unused, value;
    size_t count = nx_json_length(load->json, list);
    enum nx_err err = NX_OK;

    identity->assets = nx_arena_array(&load->config->arena, count, sizeof(*identity->assets));
    if (identity->assets == NULL) {
        return NX_ERR_NOMEM;
    }
    while (err == NX_OK && nx_json_each(load->json, list, &at, &unused, &value)) {
        err = take_pattern(load, path, value, has_capture(identity->name),
                           &identity->assets[identity->assets_count]);
        identity->assets_count++;
    }
    return err;
}

/* ---- limits ---- */

static void limit_payload(struct nx_limits *limits, double value)
{
    limits->payload_bytes = (uint32_t)value;
}

static void limit_assets(struct nx_limits *limits, double value)
{
    limits->assets = (uint32_t)value;
}

static void limit_messages(struct nx_limits *limits, double value)
{
    limits->message_interval_ns = value > 0 ? (uint64_t)(NS_PER_S / value) : 0;
}

static void limit_bytes(struct nx_limits *limits, double value)
{
    limits->bytes_per_second = (uint64_t)value;
}

static void limit_burst(struct nx_limits *limits, double value)
{
    limits->burst_ns = (uint64_t)(value * NS_PER_S);
}

static const struct {
    const char *member;
    void (*take)(struct nx_limits *limits, double value);
} limit_rows[] = {
    {"payload_bytes", limit_payload},        {"assets", limit_assets},
    {"messages_per_second", limit_messages}, {"bytes_per_second", limit_bytes},
    {"burst_seconds", limit_burst},
};

/* Takes what the object has; the rest stays. The schema has checked the ranges. */
static void take_limits(const struct nx_config_loader *load, uint32_t object,
                        struct nx_limits *limits)
{
    for (size_t i = 0; object != 0 && i < sizeof(limit_rows) / sizeof(limit_rows[0]); i++) {
        uint32_t node = nx_json_member(load->json, object, nx_span_from(limit_rows[i].member));

        if (node != 0) {
            limit_rows[i].take(limits, double_of(load, node));
        }
    }
}

/* The member of the city's `limits` that is the role's, or 0. */
static uint32_t limits_of_role(const struct nx_config_loader *load, enum nx_role role)
{
    uint32_t roles = nx_json_member(load->json, 0, NX_SPAN("limits"));

    return roles != 0 ? nx_json_member(load->json, roles, nx_span_from(nx_role_name(role))) : 0;
}

static enum nx_err take_identity(struct nx_config_loader *load, const char *path,
                                 struct nx_city *city, uint32_t key, uint32_t node)
{
    struct nx_identity *identity = &city->identities[city->identities_count];
    uint32_t assets = nx_json_member(load->json, node, NX_SPAN("assets"));
    uint32_t peer = nx_json_member(load->json, node, NX_SPAN("city"));
    enum nx_err err = NX_OK;

    identity->name = nx_arena_dup(&load->config->arena, nx_json_text(load->json, key));
    if (identity->name.ptr == NULL) {
        return NX_ERR_NOMEM;
    }
    identity->role = (enum nx_role)index_of(text_of(load, node, "role"), role_names,
                                            sizeof(role_names) / sizeof(role_names[0]));
    city->identities_count++;
    identity->limits.burst_ns = BURST_DEFAULT_S * (uint64_t)NS_PER_S;
    nx_map_init(&identity->owned, OWNED_MAX, load->options->seed);
    if (assets != 0) {
        err = take_patterns(load, path, assets, identity);
    }
    if (err == NX_OK && peer != 0) {
        const struct nx_city *known = nx_config_city(load->config, nx_json_text(load->json, peer));
        if (known == NULL || known == city) {
            return nx_config_fault_at(load, path, peer, "expected another city of the federation");
        }
        identity->city = known->name;
    }
    if (err == NX_OK) {
        take_limits(load, limits_of_role(load, identity->role), &identity->limits);
        take_limits(load, nx_json_member(load->json, node, NX_SPAN("limits")), &identity->limits);
        err = nx_identity_index(&load->config->arena, city, identity);
    }
    return err;
}

static enum nx_err take_identities(struct nx_config_loader *load, const char *path,
                                   struct nx_city *city)
{
    uint32_t list = nx_json_member(load->json, 0, NX_SPAN("identities"));
    size_t count = nx_json_length(load->json, list);
    uint32_t at = 0, key, value;
    enum nx_err err = NX_OK;

    city->identities = nx_arena_array(&load->config->arena, count, sizeof(*city->identities));
    if (city->identities == NULL) {
        return NX_ERR_NOMEM;
    }
    while (err == NX_OK && nx_json_each(load->json, list, &at, &key, &value)) {
        err = take_identity(load, path, city, key, value);
    }
    return err;
}

/* --- domains ------------------------------------------------------------------------------- */

static bool federation_has(const struct nx_config *config, struct nx_span domain)
{
    for (size_t i = 0; i < config->domains_count; i++) {
        if (nx_span_eq(config->domain_names[i], domain)) {
            return true;
        }
    }
    return false;
}

static enum nx_err take_domains(struct nx_config_loader *load, const char *path,
                                struct nx_city *city)
{
    uint32_t list = nx_json_member(load->json, 0, NX_SPAN("domains"));
    size_t count = nx_json_length(load->json, list);
    uint32_t at = 0, key, value;

    city->domains = nx_arena_array(&load->config->arena, count, sizeof(*city->domains));
    if (city->domains == NULL) {
        return NX_ERR_NOMEM;
    }
    while (nx_json_each(load->json, list, &at, &key, &value)) {
        struct nx_domain *domain = &city->domains[city->domains_count];

        if (!federation_has(load->config, nx_json_text(load->json, key))) {
            return nx_config_fault_at(load, path, key,
                                      "expected a domain that federation.json "
                                      "names");
        }
        domain->name = nx_arena_dup(&load->config->arena, nx_json_text(load->json, key));
        domain->mode = (enum nx_mode)index_of(text_of(load, value, "mode"), mode_names,
                                              sizeof(mode_names) / sizeof(mode_names[0]));
        nx_map_init(&domain->assets_by_id, NX_CONFIG_ASSETS_MAX, load->options->seed);
        nx_map_init(&domain->assets_by_name, NX_CONFIG_ASSETS_MAX, load->options->seed);
        city->domains_count++;
        if (domain->name.ptr == NULL ||
            nx_map_put(&city->domains_by_name, domain->name, domain) != NX_OK) {
            return NX_ERR_NOMEM;
        }
    }
    return NX_OK;
}

static enum nx_err read_schemas(struct nx_config_loader *load, struct nx_city *city)
{
    char path[NX_CONFIG_PATH_MAX];
    enum nx_err err = NX_OK;

    for (size_t i = 0; i < city->domains_count; i++) {
        struct nx_domain *domain = &city->domains[i];
        enum nx_err one;

        (void)snprintf(path, sizeof(path), "%s/%.*s/%.*s/schema.json", load->config->schemas_dir,
                       NX_SPAN_ARG(city->name), NX_SPAN_ARG(domain->name));
        one = nx_config_schema(load, path, &domain->schema, &domain->schema_name,
                               &domain->schema_digest);
        err = err == NX_OK ? one : err;
    }
    return err;
}

/* --- assets.json --------------------------------------------------------------------------- */

static void take_position(struct nx_config_loader *load, uint32_t node, struct nx_asset *asset)
{
    uint32_t at = 0, unused, value;
    struct nx_arena *arena = &load->config->arena;

    (void)nx_json_each(load->json, node, &at, &unused, &value);
    asset->longitude = double_of(load, value);
    asset->longitude_text = nx_arena_dup(arena, nx_json_text(load->json, value));
    (void)nx_json_each(load->json, node, &at, &unused, &value);
    asset->latitude = double_of(load, value);
    asset->latitude_text = nx_arena_dup(arena, nx_json_text(load->json, value));
    asset->has_position = true;
}

/* A position outside its city is a swapped axis or a wrong projection far more often than not. */
static bool in_box(const struct nx_asset *asset, const double box[4])
{
    return asset->longitude >= box[0] && asset->longitude <= box[2] && asset->latitude >= box[1] &&
           asset->latitude <= box[3];
}

static enum nx_err put_name(struct nx_config_loader *load, const char *path,
                            struct nx_domain *domain, uint32_t node, struct nx_asset *asset)
{
    struct nx_span name = nx_arena_dup(&load->config->arena, nx_json_text(load->json, node));

    if (name.ptr == NULL) {
        return NX_ERR_NOMEM;
    }
    if (nx_map_get(&domain->assets_by_name, name) != NULL) {
        return nx_config_fault_at(load, path, node, "another asset of this domain has this name");
    }
    if (asset->name.ptr == NULL) {
        asset->name = name;
    }
    return nx_map_put(&domain->assets_by_name, name, asset);
}

static enum nx_err take_asset(struct nx_config_loader *load, const char *path,
                              const struct nx_city *city, struct nx_domain *domain, uint32_t key,
                              uint32_t node)
{
    struct nx_asset *asset = &domain->assets[domain->assets_count];
    uint32_t position = nx_json_member(load->json, node, NX_SPAN("position"));
    uint32_t aliases = nx_json_member(load->json, node, NX_SPAN("aliases"));
    uint32_t at = 0, unused, alias;
    enum nx_err err;

    if (!nx_name_is_asset(nx_json_text(load->json, key))) {
        return nx_config_fault_at(load, path, key,
                                  "expected an asset name of the form "
                                  "[A-Za-z0-9][A-Za-z0-9_-]{0,63}");
    }
    asset->id = nx_arena_dup(&load->config->arena, nx_json_text(load->json, key));
    domain->assets_count++;
    if (position != 0) {
        take_position(load, position, asset);
        if (!in_box(asset, city->bounding_box)) {
            return nx_config_fault_at(load, path, position,
                                      "the position [longitude, latitude] is outside the city's "
                                      "bounding_box");
        }
    }
    err = put_name(load, path, domain, nx_json_member(load->json, node, NX_SPAN("name")), asset);
    while (err == NX_OK && aliases != 0 &&
           nx_json_each(load->json, aliases, &at, &unused, &alias)) {
        err = put_name(load, path, domain, alias, asset);
    }
    if (err == NX_OK) {
        err = asset->id.ptr != NULL ? nx_map_put(&domain->assets_by_id, asset->id, asset)
                                    : NX_ERR_NOMEM;
    }
    return err;
}

static enum nx_err take_assets(struct nx_config_loader *load, const char *path,
                               const struct nx_city *city, struct nx_domain *domain, uint32_t list)
{
    size_t count = nx_json_length(load->json, list);
    uint32_t at = 0, key, value;
    enum nx_err err = NX_OK;

    domain->assets = nx_arena_array(&load->config->arena, count, sizeof(*domain->assets));
    if (domain->assets == NULL) {
        return NX_ERR_NOMEM;
    }
    while (err == NX_OK && nx_json_each(load->json, list, &at, &key, &value)) {
        err = take_asset(load, path, city, domain, key, value);
    }
    return err;
}

static enum nx_err read_assets(struct nx_config_loader *load, struct nx_city *city)
{
    char path[NX_CONFIG_PATH_MAX];
    uint32_t at = 0, key, value;
    enum nx_err err;

    (void)snprintf(path, sizeof(path), "%s/%.*s/assets.json", load->config->dir,
                   NX_SPAN_ARG(city->name));
    err = nx_config_read(load, "assets", path);
    while (err == NX_OK && nx_json_each(load->json, 0, &at, &key, &value)) {
        struct nx_domain *domain = NULL;

        for (size_t i = 0; i < city->domains_count; i++) {
            if (nx_span_eq(city->domains[i].name, nx_json_text(load->json, key))) {
                domain = &city->domains[i];
            }
        }
        err = domain == NULL
                  ? nx_config_fault_at(load, path, key, "expected a domain that city.json names")
                  : take_assets(load, path, city, domain, value);
    }
    return err;
}

/* --- city.json ----------------------------------------------------------------------------- */

static enum nx_err take_city(struct nx_config_loader *load, const char *path, struct nx_city *city)
{
    uint32_t name = nx_json_member(load->json, 0, NX_SPAN("city"));
    uint32_t box = nx_json_member(load->json, 0, NX_SPAN("bounding_box"));
    uint32_t reference = nx_json_member(load->json, 0, NX_SPAN("reference"));
    uint32_t at = 0, unused, value;

    if (!nx_span_eq(nx_json_text(load->json, name), city->name)) {
        return nx_config_fault_at(load, path, name, "expected \"%.*s\", as the folder is named",
                                  NX_SPAN_ARG(city->name));
    }
    city->title = nx_config_text(load, 0, "title");
    city->country = nx_config_text(load, 0, "country");
    city->time_zone = nx_config_text(load, 0, "time_zone");
    for (size_t i = 0; i < 4 && nx_json_each(load->json, box, &at, &unused, &value); i++) {
        city->bounding_box[i] = double_of(load, value);
    }
    city->reference.temperature_celsius =
        double_of(load, nx_json_member(load->json, reference, NX_SPAN("temperature_celsius")));
    city->reference.pressure_kpa =
        double_of(load, nx_json_member(load->json, reference, NX_SPAN("pressure_kpa")));
    if (city->bounding_box[0] >= city->bounding_box[2] ||
        city->bounding_box[1] >= city->bounding_box[3]) {
        return nx_config_fault_at(load, path, box, "expected [west, south, east, north]");
    }
    return city->title.ptr != NULL && city->time_zone.ptr != NULL && city->country.ptr != NULL
               ? NX_OK
               : NX_ERR_NOMEM;
}

enum nx_err nx_config_load_city(struct nx_config_loader *load, struct nx_city *city)
{
    char path[NX_CONFIG_PATH_MAX];
    enum nx_err err;

    (void)snprintf(path, sizeof(path), "%s/%.*s/city.json", load->config->dir,
                   NX_SPAN_ARG(city->name));
    nx_map_init(&city->identities_by_name, NX_CONFIG_IDENTITIES_MAX, load->options->seed);
    nx_map_init(&city->identities_by_capture, NX_CONFIG_IDENTITIES_MAX, load->options->seed);
    nx_map_init(&city->domains_by_name, NX_CONFIG_DOMAINS_MAX, load->options->seed);
    err = nx_config_read(load, "city", path);
    if (err == NX_OK) {
        err = take_city(load, path, city);
    }
    if (err == NX_OK) {
        err = take_domains(load, path, city);
    }
    if (err == NX_OK) {
        err = take_identities(load, path, city);
    }
    if (err == NX_OK) {
        err = read_assets(load, city);
    }
    if (city->domains_count > 0) {
        enum nx_err schemas = read_schemas(load, city);
        err = err == NX_OK ? schemas : err;
    }
    return err;
}

void nx_city_fini(struct nx_city *city)
{
    nx_map_fini(&city->identities_by_name);
    nx_map_fini(&city->identities_by_capture);
    nx_map_fini(&city->domains_by_name);
    for (size_t i = 0; i < city->identities_count; i++) {
        nx_map_fini(&city->identities[i].owned);
    }
    for (size_t i = 0; i < city->domains_count; i++) {
        nx_schema_free(city->domains[i].schema);
        nx_map_fini(&city->domains[i].assets_by_id);
        nx_map_fini(&city->domains[i].assets_by_name);
    }
}

const struct nx_domain *nx_city_domain(const struct nx_city *city, struct nx_span name)
{
    return nx_map_get(&city->domains_by_name, name);
}
