/*
 * validate.c - `nexusctl validate`: files against a schema, or against the schema that the
 * configuration has for a topic. Never opens anything but the files that it was given.
 */
#include "ctl/ctl.h"

#include "core/os/file.h"
#include "core/topic.h"

#include <getopt.h>
#include <stdlib.h>

enum { MAPS_MAX = 64, DOCUMENTS_MAX = 1024 };

/* One --map URI=PATH; a URI that ends in `/` maps a folder. */
struct uri_map {
    struct nx_span uri;
    const char *path;
};

struct validate {
    const char *schema_file, *topic, *config_dir;
    bool strict, assert_format, lines;
    struct uri_map maps[MAPS_MAX];
    size_t maps_count;
    struct nx_buf *documents; /* what the compiler asked for; lives until it returns */
    size_t documents_count;
    struct nx_config *config;      /* with --topic: owns the schema */
    struct nx_schema *own;         /* with --schema */
    const struct nx_schema *schema;
    struct nx_check *check;
    struct nx_json *json;
};

static bool add_map(struct validate *v, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text || v->maps_count == MAPS_MAX) {
        return false;
    }
    v->maps[v->maps_count++] =
        (struct uri_map){{text, (size_t)(equals - text)}, equals + 1};
    return true;
}

/* The file that a map gives for `uri`; false when it gives none. */
static bool map_path(const struct uri_map *map, struct nx_span uri, char *out, size_t size)
{
    bool folder = map->uri.ptr[map->uri.len - 1] == '/';
    struct nx_span rest = {"", 0};

    if (folder ? !nx_span_starts(uri, map->uri) : !nx_span_eq(uri, map->uri)) {
        return false;
    }
    if (folder) {
        rest = (struct nx_span){uri.ptr + map->uri.len, uri.len - map->uri.len};
    }
    return (size_t)snprintf(out, size, "%s%s%.*s", map->path,
                            folder && map->path[strlen(map->path) - 1] != '/' ? "/" : "",
                            NX_SPAN_ARG(rest)) < size;
}

static enum nx_err resolve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    struct validate *v = ctx;
    char path[4096];

    for (size_t i = 0; i < v->maps_count && v->documents_count < DOCUMENTS_MAX; i++) {
        struct nx_buf *text = &v->documents[v->documents_count];

        if (!map_path(&v->maps[i], uri, path, sizeof(path))) {
            continue;
        }
        nx_buf_init(text, NX_CTL_FILE_MAX);
        if (nx_file_read(path, text, NULL) == NX_OK) {
            v->documents_count++;
            *document = nx_buf_view(text);
            return NX_OK;
        }
        nx_buf_fini(text);
    }
    return NX_ERR_NOT_FOUND;
}

static bool compile_file(struct validate *v)
{
    const struct nx_schema_options options = {
        .strict = v->strict, .assert_format = v->assert_format, .resolve = resolve,
        .resolve_ctx = v};
    struct nx_diag diag = {0};
    struct nx_buf text;
    bool ok;

    nx_buf_init(&text, NX_CTL_FILE_MAX);
    ok = nx_ctl_read(v->schema_file, &text);
    if (ok && nx_schema_compile(nx_buf_view(&text), v->schema_file, &options, &v->own, &diag) !=
                  NX_OK) {
        nx_ctl_complain(&diag);
        ok = false;
    }
    nx_buf_fini(&text);
    v->schema = v->own;
    return ok;
}

static bool find_by_topic(struct validate *v)
{
    const struct nx_city *city;
    const struct nx_domain *domain;
    const char *why = "not below nexus/";
    struct nx_topic topic;

    if (nx_topic_parse(nx_span_from(v->topic), &topic, &why) != NX_TOPIC_STREAM) {
        (void)fprintf(stderr, "nexusctl: \"%s\" is not a stream: %s\n", v->topic,
                      why != NULL ? why : "expected nexus/<city>/<domain>/<asset>/<channel>");
        return false;
    }
    v->config = nx_ctl_config(v->config_dir);
    if (v->config == NULL) {
        return false;
    }
    if (topic.channel == NX_CHANNEL_CANONICAL) {
        v->schema = nx_config_canonical(v->config, topic.domain);
    } else {
        city = nx_config_city(v->config, topic.city);
        domain = city != NULL ? nx_city_domain(city, topic.domain) : NULL;
        v->schema = domain != NULL ? domain->schema : NULL;
    }
    if (v->schema == NULL) {
        (void)fprintf(stderr, "nexusctl: the configuration has no schema for %s\n", v->topic);
    }
    return v->schema != NULL;
}

static bool validate_one(void *ctx, const char *name, struct nx_span document)
{
    struct validate *v = ctx;

    return nx_ctl_validate(v->schema, v->check, v->json, name, document, stdout);
}

static int validate_files(struct validate *v, int count, char **paths)
{
    unsigned invalid = 0;
    bool readable = true;
    struct nx_buf text;

    nx_buf_init(&text, NX_CTL_FILE_MAX);
    for (int i = 0; i < count; i++) {
        if (nx_ctl_read(paths[i], &text)) {
            const char *name = strcmp(paths[i], "-") == 0 ? "stdin" : paths[i];
            invalid += nx_ctl_documents(name, nx_buf_view(&text), v->lines, validate_one, v);
        } else {
            readable = false;
        }
    }
    nx_buf_fini(&text);
    if (!readable) {
        return NX_EXIT_USAGE;
    }
    return invalid == 0 ? NX_EXIT_OK : NX_EXIT_FAULTS;
}

static bool parse_options(struct validate *v, int argc, char **argv)
{
    enum { SCHEMA = 1, MAP, ASSERT, STRICT, LINES, TOPIC, CONFIG };
    static const struct option options[] = {
        {"schema", required_argument, NULL, SCHEMA}, {"map", required_argument, NULL, MAP},
        {"assert-format", no_argument, NULL, ASSERT}, {"strict", no_argument, NULL, STRICT},
        {"jsonl", no_argument, NULL, LINES},          {"topic", required_argument, NULL, TOPIC},
        {"config", required_argument, NULL, CONFIG},  {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case SCHEMA:
            v->schema_file = optarg;
            break;
        case MAP:
            if (!add_map(v, optarg)) {
                (void)fprintf(stderr, "nexusctl: --map %s: expected URI=PATH, %d at most\n",
                              optarg, MAPS_MAX);
                return false;
            }
            break;
        case ASSERT:
            v->assert_format = true;
            break;
        case STRICT:
            v->strict = true;
            break;
        case LINES:
            v->lines = true;
            break;
        case TOPIC:
            v->topic = optarg;
            break;
        case CONFIG:
            v->config_dir = optarg;
            break;
        default:
            return false;
        }
    }
    if ((v->schema_file != NULL) == (v->topic != NULL) || optind == argc) {
        (void)fprintf(stderr, "nexusctl: validate needs --schema FILE or --topic TOPIC, and the "
                              "files to look at (- for standard input)\n");
        return false;
    }
    return true;
}

int nx_cmd_validate(int argc, char **argv)
{
    struct validate v = {.config_dir = nx_ctl_config_dir()};
    int status = NX_EXIT_USAGE;

    v.documents = calloc(DOCUMENTS_MAX, sizeof(*v.documents));
    v.check = nx_check_new();
    v.json = nx_json_new(&nx_json_limits_file, 0);
    if (v.documents == NULL || v.check == NULL || v.json == NULL) {
        (void)fprintf(stderr, "nexusctl: out of memory\n");
        goto out;
    }
    if (!parse_options(&v, argc, argv)) {
        goto out;
    }
    if (v.topic != NULL ? find_by_topic(&v) : compile_file(&v)) {
        status = validate_files(&v, argc - optind, argv + optind);
    }
out:
    for (size_t i = 0; i < v.documents_count; i++) {
        nx_buf_fini(&v.documents[i]);
    }
    free(v.documents);
    nx_check_free(v.check);
    nx_json_free(v.json);
    nx_schema_free(v.own);
    nx_config_free(v.config);
    return status;
}
