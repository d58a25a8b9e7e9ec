/*
 * validate.c - `nexusctl validate`: files against a schema, or against the schema that the
 * configuration has for a topic. Never opens anything but the files that it was given.
 */
#include "ctl/ctl.h"
#include "ctl/maps.h"
#include "ctl/output.h"

#include "core/topic.h"

#include <getopt.h>

struct validate {
    const char *schema_file, *topic, *config_dir;
    bool strict, assert_format, lines;
    enum nx_draft draft;
    struct nx_ctl_maps maps;
    struct nx_config *config; /* with --topic: owns the schema */
    struct nx_schema *own;    /* with --schema */
    const struct nx_schema *schema;
    struct nx_check *check;
    struct nx_json *json;
    struct nx_ctl_output output;
};

static bool compile_file(struct validate *v)
{
    struct nx_schema_options options = {.strict = v->strict,
                                        .assert_format = v->assert_format,
                                        .default_draft = v->draft,
                                        .resolve = nx_ctl_maps_resolve,
                                        .resolve_ctx = &v->maps};
    struct nx_diag diag = {0};
    struct nx_buf text;
    bool ok;

    if (strcmp(v->schema_file, "-") != 0) { /* relative references start there, for --map alone */
        nx_ctl_output_base(&v->output, v->schema_file);
        options.base_uri = nx_buf_view(&v->output.base);
    }
    nx_buf_init(&text, NX_CTL_FILE_MAX);
    ok = nx_ctl_read(v->schema_file, &text);
    if (ok &&
        nx_schema_compile(nx_buf_view(&text), v->schema_file, &options, &v->own, &diag) != NX_OK) {
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

    if (v->output.wanted) {
        return nx_ctl_output_print(&v->output, v->schema, v->check, v->json, document, stdout);
    }
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
    enum { SCHEMA = 1, MAP, ASSERT, STRICT, LINES, TOPIC, CONFIG, OUTPUT, DRAFT };
    static const struct option options[] = {
        {"schema", required_argument, NULL, SCHEMA},  {"map", required_argument, NULL, MAP},
        {"assert-format", no_argument, NULL, ASSERT}, {"strict", no_argument, NULL, STRICT},
        {"jsonl", no_argument, NULL, LINES},          {"topic", required_argument, NULL, TOPIC},
        {"config", required_argument, NULL, CONFIG},  {"output", required_argument, NULL, OUTPUT},
        {"draft", required_argument, NULL, DRAFT},    {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case SCHEMA:
            v->schema_file = optarg;
            break;
        case MAP:
            if (!nx_ctl_maps_add(&v->maps, optarg)) {
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
        case DRAFT:
            if (!nx_draft_find(nx_span_from(optarg), &v->draft)) {
                (void)fprintf(stderr,
                              "nexusctl: --draft %s: expected 2020-12, 2019-09, 07, 06 or "
                              "04\n",
                              optarg);
                return false;
            }
            break;
        case OUTPUT:
            if (!nx_ctl_output_form(&v->output, optarg)) {
                (void)fprintf(stderr, "nexusctl: --output %s: expected flag, basic or detailed\n",
                              optarg);
                return false;
            }
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

    nx_ctl_output_init(&v.output);
    v.check = nx_check_new();
    v.json = nx_json_new(&nx_json_limits_file, 0);
    if (v.check == NULL || v.json == NULL) {
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
    nx_ctl_maps_fini(&v.maps);
    nx_check_free(v.check);
    nx_json_free(v.json);
    nx_schema_free(v.own);
    nx_config_free(v.config);
    nx_ctl_output_fini(&v.output);
    return status;
}
