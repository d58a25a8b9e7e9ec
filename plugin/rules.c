/*
 * rules.c - loads the configuration and tells every fault of it, not only the first: an operator
 * mends them in one go.
 */
#include "plugin/rules.h"

#include "core/os/file.h"

enum { FAULTS_LOGGED_MAX = 50 };

struct fault_list {
    const struct nx_log *log;
    struct nx_diag *first;
    unsigned count;
};

static void fault_add(void *ctx, const struct nx_diag *diag)
{
    struct fault_list *list = ctx;
    char line[900];

    if (list->count == 0) {
        *list->first = *diag;
    }
    if (list->count++ < FAULTS_LOGGED_MAX) {
        nx_log(list->log, NX_LOG_ERROR, "nexus: %s", nx_diag_format(diag, line, sizeof(line)));
    }
}

/* What the loader returned as its diagnosis, unless the sink has had its first fault already. */
static void tell(struct fault_list *list, const struct nx_diag *diag)
{
    if (list->count == 0) {
        fault_add(list, diag);
    }
}

enum nx_err nx_rules_load(const struct nx_options *options, const struct nx_log *log, uint64_t seed,
                          struct nx_rules *out, struct nx_diag *first)
{
    struct fault_list list = {.log = log, .first = first};
    struct nx_diag_sink sink = {.add = fault_add, .ctx = &list};
    struct nx_config_options how = {.only_city = options->city, .faults = &sink, .seed = seed};
    struct nx_reader reader = nx_file_reader();
    struct nx_config *config = NULL;
    const struct nx_city *city;
    struct nx_diag diag = {0};
    enum nx_err err;

    err = nx_config_load(&reader, options->config, &how, &config, &diag);
    if (err != NX_OK) {
        tell(&list, &diag);
        return err;
    }
    city = nx_config_city(config, nx_span_from(options->city));
    if (city == NULL) { /* the loader has refused an unknown one: this cannot be */
        nx_config_free(config);
        nx_diag_set(first, "the city %s is missing in what was loaded", options->city);
        return NX_ERR_STATE;
    }
    out->config = config;
    out->city = city;
    return NX_OK;
}

void nx_rules_free(struct nx_rules *rules)
{
    nx_config_free(rules->config);
    *rules = (struct nx_rules){0};
}
