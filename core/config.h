/*
 * config.h - the federation as its files describe it: cities, identities, assets, schemas.
 *
 * A configuration folder holds federation.json and, for each city, <city>/city.json and
 * <city>/assets.json; federation.json says where the schemas folder is. Every file is checked
 * against its own schema in <schemas>/config/, so that an unknown key, a wrong type or a missing
 * part is refused with file:line:column. Loaded once, immutable after; a reload loads a second
 * one and swaps.
 */
#ifndef NX_CONFIG_H
#define NX_CONFIG_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/reader.h"
#include "core/schema.h"

enum nx_role {
    NX_ROLE_NONE, /* not in the configuration: no rights below nexus/ */
    NX_ROLE_SENSOR,
    NX_ROLE_READER,
    NX_ROLE_OPERATOR,
    NX_ROLE_BRIDGE, /* this city's own bridge */
    NX_ROLE_LINK,   /* a peer's bridge */
};

const char *nx_role_name(enum nx_role role);

/*
 * Which assets a sensor owns: "air/BMLD", "air/+", "+/+", or with the part of its identity that
 * `{name}` captured: identity "air-{asset}" with "air/{asset}".
 */
struct nx_asset_pattern {
    struct nx_span domain; /* a name, or "+" */
    struct nx_span asset;  /* a name, "+", or holding "{name}" */
};

/* How much one identity may publish; 0: as much as it likes. */
struct nx_limits {
    uint32_t payload_bytes;       /* of one message */
    uint32_t assets;              /* different ones since the configuration was loaded */
    uint64_t message_interval_ns; /* 10^9 / messages_per_second */
    uint64_t bytes_per_second;
    uint64_t burst_ns; /* of both rates: what may be saved up */
};

struct nx_identity {
    struct nx_span name; /* the MQTT username; may hold one "{name}" that captures */
    enum nx_role role;
    struct nx_span city; /* role link: the peer's city */
    struct nx_asset_pattern *assets;
    size_t assets_count;
    struct nx_map owned; /* the assets, see identity.h */
    unsigned owned_kinds;
    struct nx_limits limits; /* its own over those of its role */
};

/* How the names with a capture look: that many bytes before and behind the braces. */
struct nx_capture_shape {
    size_t head, tail;
    struct nx_capture_shape *next;
};

/* One row of assets.json. */
struct nx_asset {
    struct nx_span id;   /* the topic level: "sinjeong-dong" */
    struct nx_span name; /* as the city writes it: "신정동" */
    bool has_position;
    double longitude, latitude;                   /* WGS 84, degrees */
    struct nx_span longitude_text, latitude_text; /* the same, as written in the file */
};

enum nx_mode { NX_MODE_STRICT, NX_MODE_WARN, NX_MODE_OFF };

/* What a city holds for one domain. */
struct nx_domain {
    struct nx_span name;
    enum nx_mode mode;
    struct nx_schema *schema; /* the dialect: schemas/<city>/<domain>/schema.json */
    struct nx_span
        schema_name; /* "ulsan-air@1", from the schema's $id urn:nexus:<name>:<version> */
    struct nx_span schema_digest; /* SHA-256 of the file that was compiled, 64 hex digits */
    struct nx_asset *assets;
    size_t assets_count;
    struct nx_map assets_by_id;   /* struct nx_asset */
    struct nx_map assets_by_name; /* struct nx_asset */
};

/* The state at which a city states concentrations (mass per volume). */
struct nx_reference {
    double temperature_celsius;
    double pressure_kpa;
};

struct nx_city {
    struct nx_span name;      /* "birmingham" */
    struct nx_span title;     /* "Birmingham" */
    struct nx_span country;   /* ISO 3166-1 alpha-2 */
    struct nx_span time_zone; /* IANA: "Asia/Seoul" */
    double bounding_box[4];   /* west, south, east, north; WGS 84 degrees */
    struct nx_reference reference;
    struct nx_domain *domains;
    size_t domains_count;
    struct nx_map domains_by_name; /* struct nx_domain */
    struct nx_identity *identities;
    size_t identities_count;
    struct nx_map identities_by_name;    /* those without a capture */
    struct nx_map identities_by_capture; /* the others, see identity.h */
    struct nx_capture_shape *capture_shapes;
};

struct nx_config {
    struct nx_arena arena;
    struct nx_span name;
    const char *dir;         /* the configuration folder */
    const char *schemas_dir; /* the schemas folder, resolved against dir */
    struct nx_city *cities;
    size_t cities_count;
    struct nx_map cities_by_name;    /* struct nx_city */
    struct nx_schema **canonical;    /* by index in domain_names: schemas/canonical/<domain>/ */
    struct nx_span *canonical_names; /* "canonical-air@1" */
    struct nx_span *canonical_digests;
    struct nx_span *domain_names;
    size_t domains_count;
    struct nx_map domain_numbers; /* from a name to its place in domain_names */
};

struct nx_config_options {
    /*
     * The plugin needs the identities and schemas of its own city only; NULL loads all cities in
     * full. The other cities are then known by name alone.
     */
    const char *only_city;
    struct nx_diag_sink *faults; /* NULL: stop at the first fault; else tell all and go on */
    uint64_t seed;
};

/*
 * Loads the folder `dir`. On NX_OK the caller owns *out. On failure *out is NULL and diag holds
 * the first fault: file:line:column and what was expected.
 */
enum nx_err nx_config_load(const struct nx_reader *reader, const char *dir,
                           const struct nx_config_options *options, struct nx_config **out,
                           struct nx_diag *diag);
void nx_config_free(struct nx_config *config);

/* By name, or NULL. */
const struct nx_city *nx_config_city(const struct nx_config *config, struct nx_span name);
const struct nx_domain *nx_city_domain(const struct nx_city *city, struct nx_span name);
const struct nx_schema *nx_config_canonical(const struct nx_config *config, struct nx_span domain);

/* The domain's place in domain_names, canonical and canonical_names; false: there is none. */
bool nx_config_domain(const struct nx_config *config, struct nx_span domain, size_t *number);

/*
 * Reads one of our own documents (comments allowed) and checks it against
 * <schemas_dir>/config/<kind>.schema.json. On NX_OK `json` holds its tape over `text`.
 * Shared by everything that has a file of ours: bridge.json and lens.json come this way too.
 */
enum nx_err nx_config_document(const struct nx_reader *reader, const char *schemas_dir,
                               const char *kind, const char *path, struct nx_buf *text,
                               struct nx_json *json, struct nx_diag_sink *faults,
                               struct nx_diag *diag);

#endif
