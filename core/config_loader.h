/*
 * config_loader.h - what config.c and config_city.c share while a configuration is being read.
 * Nobody else includes it.
 */
#ifndef NX_CONFIG_LOADER_H
#define NX_CONFIG_LOADER_H

#include "core/config.h"

enum {
    NX_CONFIG_PATH_MAX = 1024,
    NX_CONFIG_CITIES_MAX = 256,
    NX_CONFIG_DOMAINS_MAX = 256,
    NX_CONFIG_IDENTITIES_MAX = 65536,
    NX_CONFIG_ASSETS_MAX = 65536,
};

struct nx_config_loader {
    const struct nx_reader *reader;
    const struct nx_config_options *options;
    struct nx_config *config;
    struct nx_buf text;   /* of the document being read */
    struct nx_json *json; /* its tape */
    struct nx_diag first; /* the first fault of all */
    enum nx_err error;    /* and its code */
};

/* Records a fault: the first is kept, each is told. Returns `err`. */
enum nx_err nx_config_fault(struct nx_config_loader *load, enum nx_err err,
                            const struct nx_diag *diag);

/* A fault at a node of the current document. */
enum nx_err nx_config_fault_at(struct nx_config_loader *load, const char *path, uint32_t node,
                               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Reads <dir>/<rest> as a document of `kind` onto load->json. */
enum nx_err nx_config_read(struct nx_config_loader *load, const char *kind, const char *path);

/* The text of member `key`, copied into the configuration's arena; {NULL, 0}: absent. */
struct nx_span nx_config_text(struct nx_config_loader *load, uint32_t object, const char *key);

/* Compiles the schema at `path`, derives name@version from its $id, and digests its bytes. */
enum nx_err nx_config_schema(struct nx_config_loader *load, const char *path,
                             struct nx_schema **out, struct nx_span *name, struct nx_span *digest);

/* Fills one city from <dir>/<name>/city.json and assets.json. */
enum nx_err nx_config_load_city(struct nx_config_loader *load, struct nx_city *city);
void nx_city_fini(struct nx_city *city);

#endif
