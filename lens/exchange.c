/*
 * exchange.c - lenses at work between the cities of one configuration.
 *
 * Holds each city's zone, each domain's lens, and the memory that translating needs. A result is
 * read back by our own strict reader and checked against its schema; one that fails is never given
 * out: the caller gets the diagnosis and an empty buffer.
 */
#include "lens/exchange.h"

#include <stdio.h>
#include <stdlib.h>

enum { EXCHANGE_PATH_MAX = 1024 };

/* One city's lens for one domain. */
struct entry {
    const struct nx_city *city;
    const struct nx_domain *domain;
    const struct nx_schema *canonical; /* the domain's */
    const struct nx_zone *zone;
    struct nx_lens *lens;
    struct nx_lens_places canonical_places, dialect_places;
};

struct nx_exchange {
    const struct nx_config *config;
    struct entry *entries;
    size_t entries_count;
    struct nx_zone **zones; /* by index in config->cities */
    struct nx_json *source;
    struct nx_json *result;
    struct nx_buf text; /* of a translation */
    struct nx_check *check;
};

static struct entry *find_entry(const struct nx_exchange *exchange, struct nx_span city,
                                struct nx_span domain)
{
    for (size_t i = 0; i < exchange->entries_count; i++) {
        struct entry *entry = &exchange->entries[i];
        if (nx_span_eq(entry->city->name, city) && nx_span_eq(entry->domain->name, domain)) {
            return entry;
        }
    }
    return NULL;
}

/* --- loading ------------------------------------------------------------------------------- */

static enum nx_err load_lens(const struct nx_reader *reader, struct nx_exchange *exchange,
                             struct entry *entry, uint64_t seed, struct nx_diag *diag)
{
    const char *schemas_dir = exchange->config->schemas_dir;
    char path[EXCHANGE_PATH_MAX];
    struct nx_json *json = nx_json_new(&nx_json_limits_file, seed);
    struct nx_buf text;
    enum nx_err err = NX_ERR_NOMEM;

    nx_buf_init(&text, nx_json_limits_file.bytes_max);
    if (json == NULL) {
        goto out;
    }
    err = NX_ERR_LIMIT;
    if (snprintf(path, sizeof(path), "%s/%.*s/%.*s/lens.json", schemas_dir,
                 NX_SPAN_ARG(entry->city->name),
                 NX_SPAN_ARG(entry->domain->name)) >= (int)sizeof(path)) {
        nx_diag_set(diag, "a path has at most %d bytes", EXCHANGE_PATH_MAX);
        goto out;
    }
    err = nx_config_document(reader, schemas_dir, "lens", path, &text, json, NULL, diag);
    if (err == NX_OK) {
        err = nx_lens_compile(json, path, &entry->lens, diag);
    }
out:
    nx_buf_fini(&text);
    nx_json_free(json);
    return err;
}

/* Only lenses know whether a zone exists, so the fault in city.json is told from here. */
static enum nx_err load_zone(struct nx_exchange *exchange, size_t index, struct nx_diag *diag)
{
    const struct nx_config *config = exchange->config;
    const struct nx_city *city = &config->cities[index];
    char path[EXCHANGE_PATH_MAX];
    enum nx_err err = nx_zone_load(city->time_zone, &exchange->zones[index], diag);

    if (err == NX_ERR_NOT_FOUND && diag != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%.*s/city.json", config->dir,
                       NX_SPAN_ARG(city->name));
        nx_diag_at(diag, path, 0, 0);
        (void)nx_span_copy(NX_SPAN("/time_zone"), diag->pointer, sizeof(diag->pointer));
    }
    return err;
}

static enum nx_err load_city(const struct nx_reader *reader, struct nx_exchange *exchange,
                             size_t index, uint64_t seed, struct nx_diag *diag)
{
    const struct nx_config *config = exchange->config;
    const struct nx_city *city = &config->cities[index];
    enum nx_err err = NX_OK;

    if (city->domains_count > 0) {
        err = load_zone(exchange, index, diag);
    }
    for (size_t i = 0; err == NX_OK && i < city->domains_count; i++) {
        struct entry *entry = &exchange->entries[exchange->entries_count++];
        entry->city = city;
        entry->domain = &city->domains[i];
        entry->zone = exchange->zones[index];
        entry->canonical = nx_config_canonical(config, entry->domain->name);
        if (entry->canonical == NULL) {
            nx_diag_set(diag, "city '%.*s' has the domain '%.*s', and the federation has not",
                        NX_SPAN_ARG(city->name), NX_SPAN_ARG(entry->domain->name));
            return NX_ERR_INVALID;
        }
        err = load_lens(reader, exchange, entry, seed, diag);
    }
    return err;
}

static size_t count_domains(const struct nx_config *config)
{
    size_t count = 0;

    for (size_t i = 0; i < config->cities_count; i++) {
        count += config->cities[i].domains_count;
    }
    return count;
}

enum nx_err nx_exchange_new(const struct nx_reader *reader, const struct nx_config *config,
                            uint64_t seed, struct nx_exchange **out, struct nx_diag *diag)
{
    struct nx_exchange *exchange = calloc(1, sizeof(*exchange));
    enum nx_err err = NX_OK;

    *out = NULL;
    if (exchange == NULL) {
        return NX_ERR_NOMEM;
    }
    exchange->config = config;
    exchange->entries = calloc(count_domains(config) + 1, sizeof(*exchange->entries));
    exchange->zones = calloc(config->cities_count + 1, sizeof(struct nx_zone *));
    exchange->source = nx_json_new(&nx_json_limits_payload, seed);
    exchange->result = nx_json_new(&nx_json_limits_payload, seed);
    exchange->check = nx_check_new();
    nx_buf_init(&exchange->text, 0);
    if (exchange->entries == NULL || exchange->zones == NULL || exchange->source == NULL ||
        exchange->result == NULL || exchange->check == NULL) {
        err = NX_ERR_NOMEM;
    }
    for (size_t i = 0; err == NX_OK && i < config->cities_count; i++) {
        err = load_city(reader, exchange, i, seed, diag);
    }
    if (err != NX_OK) {
        nx_exchange_free(exchange);
        return err;
    }
    *out = exchange;
    return NX_OK;
}

void nx_exchange_free(struct nx_exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    for (size_t i = 0; exchange->entries != NULL && i < exchange->entries_count; i++) {
        nx_lens_free(exchange->entries[i].lens);
    }
    for (size_t i = 0; exchange->zones != NULL && i < exchange->config->cities_count; i++) {
        nx_zone_free(exchange->zones[i]);
    }
    nx_check_free(exchange->check);
    nx_buf_fini(&exchange->text);
    nx_json_free(exchange->result);
    nx_json_free(exchange->source);
    free(exchange->zones);
    free(exchange->entries);
    free(exchange);
}

struct nx_span nx_exchange_lens_name(const struct nx_exchange *exchange, struct nx_span city,
                                     struct nx_span domain)
{
    const struct entry *entry = find_entry(exchange, city, domain);

    return entry != NULL ? nx_lens_name(entry->lens) : (struct nx_span){NULL, 0};
}

/* --- checking ------------------------------------------------------------------------------ */

static bool first_fault(void *ctx, const struct nx_fault *fault)
{
    struct nx_diag *diag = ctx;

    if (diag == NULL) {
        return false;
    }
    (void)snprintf(diag->pointer, sizeof(diag->pointer), "%s", fault->instance);
    nx_diag_set(diag, "the translation fails its schema at %s (%s): %s", fault->schema,
                fault->keyword, fault->text);
    return false;
}

/* The whole check, with the words of a fault. */
static enum nx_err check_fully(struct nx_exchange *exchange, const struct nx_schema *schema,
                               struct nx_span result, struct nx_diag *diag)
{
    enum nx_err err = nx_json_parse(exchange->result, result, NX_JSON_STRICT, diag);

    if (err == NX_OK) {
        err = nx_schema_check(schema, exchange->check, exchange->result);
        if (err == NX_ERR_INVALID) {
            (void)nx_schema_explain(schema, exchange->check, exchange->result, 1, first_fault,
                                    diag);
        } else if (err != NX_OK) {
            nx_diag_set(diag, "the translation could not be checked: %s", nx_err_text(err));
        }
    }
    return err;
}

/* The result, checked as it will be read. On a fault `out` is emptied: it must never be sent. */
static enum nx_err check_result(struct nx_exchange *exchange, const struct nx_schema *schema,
                                struct nx_buf *out, struct nx_diag *diag)
{
    enum nx_err err;

    if (nx_schema_admits(schema, exchange->check, nx_buf_view(out))) {
        return NX_OK;
    }
    err = check_fully(exchange, schema, nx_buf_view(out), diag);
    if (err != NX_OK) {
        nx_buf_reset(out);
    }
    return err;
}

/* --- translating --------------------------------------------------------------------------- */

/* A document on its way through a lens. */
struct passage {
    struct entry *entry;
    bool to_canonical;
    struct nx_receipt *receipt;
    struct nx_lens_scene scene;
};

/* A receipt names what is not carried, and an asset that no topic names is searched for: by names. */
static enum nx_err read_source(struct nx_exchange *exchange, struct passage *passage,
                               struct nx_span payload, struct nx_diag *diag)
{
    struct entry *entry = passage->entry;
    struct nx_lens_places *places =
        passage->to_canonical ? &entry->dialect_places : &entry->canonical_places;
    bool named =
        passage->receipt != NULL || (passage->to_canonical && passage->scene.asset_id.len == 0);

    if (!named &&
        nx_lens_read(entry->lens, !passage->to_canonical, exchange->source, payload, places)) {
        passage->scene.places = places;
        return NX_OK;
    }
    return nx_json_parse(exchange->source, payload, NX_JSON_STRICT, diag);
}

static enum nx_err begin(struct nx_exchange *exchange, struct nx_span city, struct nx_span domain,
                         struct nx_span payload, struct nx_buf *out, struct passage *passage,
                         struct nx_diag *diag)
{
    if (diag != NULL) {
        *diag = (struct nx_diag){0};
    }
    nx_buf_reset(out);
    passage->entry = find_entry(exchange, city, domain);
    if (passage->entry == NULL) {
        nx_diag_set(diag, "there is no city '%.*s' with a domain '%.*s'", NX_SPAN_ARG(city),
                    NX_SPAN_ARG(domain));
        return NX_ERR_NOT_FOUND;
    }
    passage->scene.text = &exchange->text;
    passage->scene.city = passage->entry->city;
    passage->scene.zone = passage->entry->zone;
    return read_source(exchange, passage, payload, diag);
}

enum nx_err nx_exchange_to_canonical(struct nx_exchange *exchange, struct nx_span city,
                                     struct nx_span domain, struct nx_span asset,
                                     struct nx_span payload, struct nx_buf *out, char *observed_at,
                                     struct nx_receipt *receipt, struct nx_diag *diag)
{
    struct passage passage = {.to_canonical = true, .receipt = receipt};
    struct nx_lens_scene *scene = &passage.scene;
    const struct entry *entry;
    enum nx_err err;

    scene->asset_id = asset;
    scene->observed_at = observed_at;
    err = begin(exchange, city, domain, payload, out, &passage, diag);
    if (err != NX_OK) {
        return err;
    }
    entry = passage.entry;
    if (asset.len == 0) {
        scene->asset_id = nx_lens_asset(entry->lens, entry->domain, exchange->source);
    }
    scene->owner = entry->city->name;
    if (scene->asset_id.len > 0) {
        scene->asset = nx_map_get(&entry->domain->assets_by_id, scene->asset_id);
    }
    err = nx_lens_to_canonical(entry->lens, scene, exchange->source, out, receipt, diag);
    if (err == NX_OK) {
        err = check_result(exchange, entry->canonical, out, diag);
    }
    return err;
}

/* Cuts the part behind the last ':' off *rest, which becomes {NULL, 0} when there is no other. */
static struct nx_span cut_last(struct nx_span *rest)
{
    const char *colon = rest->len > 0 ? memrchr(rest->ptr, ':', rest->len) : NULL;
    size_t from = colon != NULL ? (size_t)(colon + 1 - rest->ptr) : 0;
    struct nx_span part;

    part = (struct nx_span){rest->ptr + from, rest->len - from};
    *rest = from > 0 ? (struct nx_span){rest->ptr, from - 1} : (struct nx_span){NULL, 0};
    return part;
}

static uint32_t id_node(const struct nx_json *canonical, const struct passage *passage)
{
    const struct nx_lens_places *places = passage->scene.places;

    return places != NULL ? nx_lens_id(passage->entry->lens, places)
                          : nx_json_member(canonical, 0, NX_SPAN("id"));
}

/* "urn:ngsi-ld:<type>:<owner>:<asset>": the last two parts. */
static void read_id(const struct nx_json *canonical, struct passage *passage)
{
    struct nx_lens_scene *scene = &passage->scene;
    struct nx_span rest = nx_json_text(canonical, id_node(canonical, passage));
    struct nx_span asset;

    if (rest.ptr == NULL) {
        return;
    }
    asset = cut_last(&rest);
    if (rest.ptr != NULL) {
        scene->owner = cut_last(&rest);
    }
    if (scene->asset_id.len == 0) {
        scene->asset_id = asset;
    }
}

/* The owner's row for the asset, where this configuration knows the owner. */
static const struct nx_asset *owners_asset(const struct nx_exchange *exchange,
                                           const struct nx_lens_scene *scene, struct nx_span domain)
{
    const struct entry *owner = find_entry(exchange, scene->owner, domain);

    if (owner == NULL || scene->asset_id.len == 0) {
        return NULL;
    }
    return nx_map_get(&owner->domain->assets_by_id, scene->asset_id);
}

enum nx_err nx_exchange_from_canonical(struct nx_exchange *exchange, struct nx_span city,
                                       struct nx_span domain, struct nx_span asset,
                                       struct nx_span canonical, struct nx_buf *out,
                                       struct nx_receipt *receipt, struct nx_diag *diag)
{
    struct passage passage = {.receipt = receipt};
    struct nx_lens_scene *scene = &passage.scene;
    const struct entry *entry;
    enum nx_err err;

    scene->asset_id = asset;
    err = begin(exchange, city, domain, canonical, out, &passage, diag);
    if (err != NX_OK) {
        return err;
    }
    entry = passage.entry;
    read_id(exchange->source, &passage);
    scene->asset = owners_asset(exchange, scene, domain);
    err = nx_lens_from_canonical(entry->lens, scene, exchange->source, out, receipt, diag);
    if (err == NX_OK) {
        err = check_result(exchange, entry->domain->schema, out, diag);
    }
    return err;
}
