/*
 * translate.c - `nexusctl translate`: what the bridge does to a reading, offline. The source is
 * checked against its own schema first, as the gate would.
 */
#include "ctl/ctl.h"

#include "core/os/file.h"
#include "lens/exchange.h"

#include <getopt.h>

enum { OUTPUT_BYTES_MAX = 4 * 1024 * 1024, RECEIPT_BYTES_MAX = 4 * 1024 * 1024 };

struct translate {
    const char *from, *to, *domain, *asset, *config_dir;
    bool explain, lines;
    struct nx_config *config;
    struct nx_exchange *exchange;
    const struct nx_schema *source; /* of `from` */
    struct nx_check *check;
    struct nx_json *json;
    struct nx_buf canonical, out;
    struct nx_receipt receipt;
};

static bool is_canonical(const char *name)
{
    return strcmp(name, "canonical") == 0;
}

/* The schema of a side; NULL and a word on stderr when there is none. */
static const struct nx_schema *schema_of(const struct translate *t, const char *side)
{
    const struct nx_city *city = nx_config_city(t->config, nx_span_from(side));
    const struct nx_domain *domain =
        city != NULL ? nx_city_domain(city, nx_span_from(t->domain)) : NULL;
    const struct nx_schema *schema = is_canonical(side)
                                         ? nx_config_canonical(t->config, nx_span_from(t->domain))
                                     : domain != NULL ? domain->schema
                                                      : NULL;

    if (schema == NULL) {
        (void)fprintf(stderr,
                      "nexusctl: no schema for \"%s\" in domain \"%s\": expected "
                      "canonical or a city of the federation\n",
                      side, t->domain);
    }
    return schema;
}

static void print_receipt(struct translate *t, const char *step)
{
    if (t->explain) {
        (void)fprintf(stderr, "%s: %.*s\n", step, NX_SPAN_ARG(nx_buf_view(&t->receipt.json)));
    }
}

/* One half of the way, with its receipt. */
static bool step(struct translate *t, const char *name, bool to_canonical, struct nx_span in,
                 struct nx_buf *out)
{
    struct nx_span asset = t->asset != NULL ? nx_span_from(t->asset) : (struct nx_span){"", 0};
    struct nx_span domain = nx_span_from(t->domain);
    struct nx_receipt *receipt = t->explain ? &t->receipt : NULL;
    struct nx_diag diag = {0};
    enum nx_err err;

    nx_receipt_init(&t->receipt, RECEIPT_BYTES_MAX);
    err = to_canonical ? nx_exchange_to_canonical(t->exchange, nx_span_from(t->from), domain, asset,
                                                  in, out, NULL, receipt, &diag)
                       : nx_exchange_from_canonical(t->exchange, nx_span_from(t->to), domain, asset,
                                                    in, out, receipt, &diag);
    if (err == NX_OK) {
        print_receipt(t, to_canonical ? "to canonical" : "from canonical");
    } else {
        char line[1200];
        (void)fprintf(stderr, "%s: %s\n", name, nx_diag_format(&diag, line, sizeof(line)));
    }
    nx_receipt_fini(&t->receipt);
    return err == NX_OK;
}

static bool translate_one(void *ctx, const char *name, struct nx_span document)
{
    struct translate *t = ctx;
    struct nx_span current = document;

    if (!nx_ctl_validate(t->source, t->check, t->json, name, document, stderr)) {
        return false;
    }
    if (!is_canonical(t->from)) {
        if (!step(t, name, true, current, &t->canonical)) {
            return false;
        }
        current = nx_buf_view(&t->canonical);
    }
    if (!is_canonical(t->to)) {
        if (!step(t, name, false, current, &t->out)) {
            return false;
        }
        current = nx_buf_view(&t->out);
    }
    (void)printf("%.*s\n", NX_SPAN_ARG(current));
    return true;
}

static int translate_file(struct translate *t, const char *path)
{
    const struct nx_reader reader = nx_file_reader();
    struct nx_diag diag = {0};
    int status = NX_EXIT_USAGE;
    struct nx_buf text;

    nx_buf_init(&text, NX_CTL_FILE_MAX);
    t->config = nx_ctl_config(t->config_dir);
    if (t->config == NULL) {
        return NX_EXIT_USAGE;
    }
    t->source = schema_of(t, t->from);
    if (t->source == NULL || schema_of(t, t->to) == NULL) {
        return NX_EXIT_USAGE;
    }
    if (nx_exchange_new(&reader, t->config, 0, &t->exchange, &diag) != NX_OK) {
        nx_ctl_complain(&diag);
    } else if (nx_ctl_read(path, &text)) {
        const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
        unsigned failed = nx_ctl_documents(name, nx_buf_view(&text), t->lines, translate_one, t);
        status = failed == 0 ? NX_EXIT_OK : NX_EXIT_FAULTS;
    }
    nx_buf_fini(&text);
    return status;
}

static bool parse_options(struct translate *t, int argc, char **argv)
{
    enum { FROM = 1, TO, DOMAIN, ASSET, EXPLAIN, LINES, CONFIG };
    static const struct option options[] = {
        {"from", required_argument, NULL, FROM},     {"to", required_argument, NULL, TO},
        {"domain", required_argument, NULL, DOMAIN}, {"asset", required_argument, NULL, ASSET},
        {"explain", no_argument, NULL, EXPLAIN},     {"jsonl", no_argument, NULL, LINES},
        {"config", required_argument, NULL, CONFIG}, {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case FROM:
            t->from = optarg;
            break;
        case TO:
            t->to = optarg;
            break;
        case DOMAIN:
            t->domain = optarg;
            break;
        case ASSET:
            t->asset = optarg;
            break;
        case EXPLAIN:
            t->explain = true;
            break;
        case LINES:
            t->lines = true;
            break;
        case CONFIG:
            t->config_dir = optarg;
            break;
        default:
            return false;
        }
    }
    if (t->from == NULL || t->to == NULL || t->domain == NULL || optind + 1 != argc) {
        (void)fprintf(stderr, "nexusctl: translate needs --from, --to, --domain and one file "
                              "(- for standard input)\n");
        return false;
    }
    return true;
}

int nx_cmd_translate(int argc, char **argv)
{
    struct translate t = {.config_dir = nx_ctl_config_dir()};
    int status = NX_EXIT_USAGE;

    nx_buf_init(&t.canonical, OUTPUT_BYTES_MAX);
    nx_buf_init(&t.out, OUTPUT_BYTES_MAX);
    t.check = nx_check_new();
    t.json = nx_json_new(&nx_json_limits_payload, 0);
    if (t.check == NULL || t.json == NULL) {
        (void)fprintf(stderr, "nexusctl: out of memory\n");
    } else if (parse_options(&t, argc, argv)) {
        status = translate_file(&t, argv[optind]);
    }
    nx_exchange_free(t.exchange);
    nx_config_free(t.config);
    nx_check_free(t.check);
    nx_json_free(t.json);
    nx_buf_fini(&t.canonical);
    nx_buf_fini(&t.out);
    return status;
}
