/*
 * check.c - `nexusctl check`: everything that the plugin and the bridge will read, looked at
 * before they do: each file of the configuration, each schema, each lens, and each example, which
 * must be admitted (valid/, and carried to canonical and back) or refused (invalid/).
 */
#include "ctl/ctl.h"

#include "core/os/file.h"
#include "lens/exchange.h"

#include <dirent.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 2048, FILES_MAX = 4096, OUTPUT_BYTES_MAX = 4 * 1024 * 1024 };

struct check {
    const char *config_dir;
    struct nx_config *config;
    struct nx_exchange *exchange;
    struct nx_check *scratch;
    struct nx_json *json;
    struct nx_buf text, canonical, out;
    unsigned files, faults;
};

static void told(void *ctx, const struct nx_diag *diag)
{
    struct check *c = ctx;
    char line[1200];

    c->faults++;
    (void)printf("%s\n", nx_diag_format(diag, line, sizeof(line)));
}

static void fault(struct check *c, const char *path, const struct nx_diag *diag, const char *what)
{
    char line[1200];

    c->faults++;
    (void)printf("%s: %s%s%s\n", path, what, diag != NULL ? ": " : "",
                 diag != NULL ? nx_diag_format(diag, line, sizeof(line)) : "");
}

/* --- examples ------------------------------------------------------------------------------ */

struct side {
    const char *name; /* a city, or "canonical" */
    struct nx_span domain;
    const struct nx_schema *schema;
    bool city;
};

/* A valid example of a city must also survive the way to canonical and back. */
static void carry(struct check *c, const struct side *side, const char *path)
{
    const struct nx_span none = {"", 0};
    struct nx_span city = nx_span_from(side->name);
    struct nx_diag diag = {0};

    if (nx_exchange_to_canonical(c->exchange, city, side->domain, none, nx_buf_view(&c->text),
                                 &c->canonical, NULL, NULL, &diag) != NX_OK) {
        fault(c, path, &diag, "does not translate to canonical");
        return;
    }
    if (nx_exchange_from_canonical(c->exchange, city, side->domain, none,
                                   nx_buf_view(&c->canonical), &c->out, NULL, &diag) != NX_OK) {
        fault(c, path, &diag, "does not translate back from canonical");
    }
}

static bool admitted(struct check *c, const struct side *side)
{
    return nx_json_parse(c->json, nx_buf_view(&c->text), NX_JSON_STRICT, NULL) == NX_OK &&
           nx_schema_check(side->schema, c->scratch, c->json) == NX_OK;
}

static void check_example(struct check *c, const struct side *side, const char *path, bool valid)
{
    c->files++;
    if (!nx_ctl_read(path, &c->text)) {
        c->faults++;
    } else if (!valid) {
        if (admitted(c, side)) {
            fault(c, path, NULL, "is admitted, but stands in invalid/");
        }
    } else if (!nx_ctl_validate(side->schema, c->scratch, c->json, path, nx_buf_view(&c->text),
                                stdout)) {
        c->faults++;
    } else if (side->city && c->exchange != NULL) {
        carry(c, side, path);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted, so that two runs print the same; false when it cannot be read. */
static bool list_folder(const char *path, char **names, size_t *count)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    *count = 0;
    if (dir == NULL) {
        return false;
    }
    while ((entry = readdir(dir)) != NULL && *count < FILES_MAX) {
        if (entry->d_name[0] != '.') {
            names[*count] = nx_span_dup(nx_span_from(entry->d_name));
            *count += names[*count] != NULL;
        }
    }
    (void)closedir(dir);
    qsort(names, *count, sizeof(*names), by_name);
    return true;
}

static void check_folder(struct check *c, const struct side *side, bool valid)
{
    static const char *const kinds[] = {"invalid", "valid"};
    char folder[PATH_BYTES_MAX], path[PATH_BYTES_MAX + 256];
    char **names = calloc(FILES_MAX, sizeof(*names));
    size_t count = 0;

    if (names == NULL) {
        return;
    }
    (void)snprintf(folder, sizeof(folder), "%s/%s/%.*s/examples/%s", c->config->schemas_dir,
                   side->name, NX_SPAN_ARG(side->domain), kinds[valid]);
    if (!list_folder(folder, names, &count) || count == 0) {
        fault(c, folder, NULL, "expected a folder with at least one example");
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        check_example(c, side, path, valid);
        free(names[i]);
    }
    free(names);
}

static void check_examples(struct check *c)
{
    const struct nx_config *config = c->config;
    char name[64];

    for (size_t i = 0; i < config->domains_count; i++) {
        struct side side = {"canonical", config->domain_names[i], config->canonical[i], false};
        check_folder(c, &side, true);
        check_folder(c, &side, false);
    }
    for (size_t i = 0; i < config->cities_count; i++) {
        const struct nx_city *city = &config->cities[i];

        (void)nx_span_copy(city->name, name, sizeof(name));
        for (size_t d = 0; d < city->domains_count; d++) {
            struct side side = {name, city->domains[d].name, city->domains[d].schema, true};
            check_folder(c, &side, true);
            check_folder(c, &side, false);
        }
    }
}

/* --- configuration ------------------------------------------------------------------------- */

static void check_bridge(struct check *c, const struct nx_reader *reader)
{
    struct nx_diag_sink sink = {told, c};
    char path[PATH_BYTES_MAX];

    (void)snprintf(path, sizeof(path), "%s/bridge.json", c->config_dir);
    if (access(path, F_OK) == 0) {
        c->files++;
        (void)nx_config_document(reader, c->config->schemas_dir, "bridge", path, &c->text, c->json,
                                 &sink, NULL);
    }
}

static void check_all(struct check *c)
{
    const struct nx_reader reader = nx_file_reader();
    struct nx_diag_sink sink = {told, c};
    const struct nx_config_options options = {.faults = &sink};
    struct nx_diag diag = {0};

    if (nx_config_load(&reader, c->config_dir, &options, &c->config, NULL) != NX_OK) {
        return;
    }
    c->files += 1 + (unsigned)c->config->domains_count; /* federation.json, canonical schemas */
    for (size_t i = 0; i < c->config->cities_count; i++) {
        /* city.json, assets.json; a schema and a lens for each domain */
        c->files += 2 + 2 * (unsigned)c->config->cities[i].domains_count;
    }
    if (nx_exchange_new(&reader, c->config, 0, &c->exchange, &diag) != NX_OK) {
        told(c, &diag);
    }
    check_bridge(c, &reader);
    check_examples(c);
}

static bool parse_options(struct check *c, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 1}, {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 1) {
            return false;
        }
        c->config_dir = optarg;
    }
    return optind == argc;
}

int nx_cmd_check(int argc, char **argv)
{
    struct check c = {.config_dir = nx_ctl_config_dir()};
    int status = NX_EXIT_USAGE;

    nx_buf_init(&c.text, NX_CTL_FILE_MAX);
    nx_buf_init(&c.canonical, OUTPUT_BYTES_MAX);
    nx_buf_init(&c.out, OUTPUT_BYTES_MAX);
    c.scratch = nx_check_new();
    c.json = nx_json_new(&nx_json_limits_file, 0);
    if (c.scratch == NULL || c.json == NULL) {
        (void)fprintf(stderr, "nexusctl: out of memory\n");
    } else if (!parse_options(&c, argc, argv)) {
        (void)fprintf(stderr, "nexusctl: check takes --config DIR and nothing else\n");
    } else {
        check_all(&c);
        (void)printf("%s: %u files, %u faults\n", c.config_dir, c.files, c.faults);
        status = c.faults == 0 ? NX_EXIT_OK : NX_EXIT_FAULTS;
    }
    nx_exchange_free(c.exchange);
    nx_config_free(c.config);
    nx_check_free(c.scratch);
    nx_json_free(c.json);
    nx_buf_fini(&c.text);
    nx_buf_fini(&c.canonical);
    nx_buf_fini(&c.out);
    return status;
}
