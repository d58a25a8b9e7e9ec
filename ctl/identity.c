/*
 * identity.c - `nexusctl identity NAME`: what an identity may do at its city's broker, and with
 * --topic one decision with its reason: the plugin's own code, asked without a broker.
 */
#include "ctl/ctl.h"

#include "plugin/explain.h"
#include "plugin/options.h"

#include <getopt.h>

struct identity {
    const char *config_dir, *city_name, *name, *topic, *access, *payload;
    bool retain;
    struct nx_config *config;
    struct nx_scene scene;
};

static bool print_right(void *ctx, const struct nx_right *right)
{
    const struct nx_asset_pattern *entry = &right->entry;
    unsigned *count = ctx;

    (*count)++;
    if (entry->domain.ptr != NULL) {
        (void)printf("  %.*s   (assets: %.*s/%.*s)\n", NX_SPAN_ARG(right->pattern),
                     NX_SPAN_ARG(entry->domain), NX_SPAN_ARG(entry->asset));
    } else {
        (void)printf("  %.*s\n", NX_SPAN_ARG(right->pattern));
    }
    return true;
}

static void print_rights(const struct identity *id, const struct nx_subject *subject,
                         enum nx_access access)
{
    unsigned count = 0;

    (void)printf("may %s:\n", nx_access_name(access));
    nx_rights_each(id->scene.config, id->scene.city, subject, access, print_right, &count);
    if (count == 0) {
        (void)printf("  nothing below nexus/\n");
    }
}

static void print_payloads(const struct nx_city *city)
{
    static const char *const modes[] = {
        [NX_MODE_STRICT] = "strict: what it refuses is refused",
        [NX_MODE_WARN] = "warn: what it refuses is told and admitted",
        [NX_MODE_OFF] = "off: no payload is looked at",
    };

    (void)printf("payloads of observations:\n");
    for (size_t i = 0; i < city->domains_count; i++) {
        (void)printf("  %.*s: %.*s, %s\n", NX_SPAN_ARG(city->domains[i].name),
                     NX_SPAN_ARG(city->domains[i].schema_name), modes[city->domains[i].mode]);
    }
}

static void print_limits(const struct nx_limits *limits)
{
    const double second_ns = 1e9;

    if (limits->payload_bytes > 0) {
        (void)printf("  payload: %u bytes\n", limits->payload_bytes);
    }
    if (limits->message_interval_ns > 0) {
        (void)printf("  messages: %g a second\n", second_ns / (double)limits->message_interval_ns);
    }
    if (limits->bytes_per_second > 0) {
        (void)printf("  payload: %llu bytes a second\n",
                     (unsigned long long)limits->bytes_per_second);
    }
    if (limits->message_interval_ns > 0 || limits->bytes_per_second > 0) {
        (void)printf("  at once: what %g seconds give\n", (double)limits->burst_ns / second_ns);
    }
    if (limits->assets > 0) {
        (void)printf("  different assets: %u\n", limits->assets);
    }
    if (limits->payload_bytes == 0 && !nx_limits_charge(limits)) {
        (void)printf("  none of its own; plugin_opt_payload_max holds for all\n");
    }
}

static void print_matched(const struct identity *id, const struct nx_subject *subject)
{
    (void)printf("identity: %s\n", id->name);
    if (subject->identity == NULL) {
        (void)printf("no row of %s/city.json is it: no rights below nexus/\n", id->city_name);
        return;
    }
    (void)printf("row of %s/city.json: \"%.*s\"", id->city_name,
                 NX_SPAN_ARG(subject->identity->name));
    if (subject->capture.len > 0) {
        (void)printf(", its {} being %.*s", NX_SPAN_ARG(subject->capture));
    }
    (void)printf("\nrole: %s", nx_role_name(subject->identity->role));
    if (subject->identity->role == NX_ROLE_LINK) {
        (void)printf(" from %.*s", NX_SPAN_ARG(subject->identity->city));
    }
    (void)printf("\n");
}

static int show(const struct identity *id)
{
    struct nx_subject subject = nx_policy_subject(id->scene.city, nx_span_from(id->name));

    print_matched(id, &subject);
    if (subject.identity == NULL) {
        return NX_EXIT_FAULTS;
    }
    print_rights(id, &subject, NX_ACCESS_PUBLISH);
    print_rights(id, &subject, NX_ACCESS_RECEIVE);
    if (subject.identity->role == NX_ROLE_SENSOR) {
        print_payloads(id->scene.city);
    }
    (void)printf("limits:\n");
    print_limits(&subject.identity->limits);
    (void)printf("A + stands for one level that does not begin with _. Outside nexus/ the broker "
                 "decides.\n");
    return NX_EXIT_OK;
}

static void print_decision(const struct identity *id, const struct nx_question *question,
                           const struct nx_decision *decision)
{
    const struct nx_explanation *e = &decision->explanation;

    (void)printf("%s: %s %s as %s\n", nx_outcome_name(decision->outcome),
                 nx_access_name(question->access), id->topic, id->name);
    (void)printf("reason: %s: %s\n", decision->reason, e->text);
    if (e->keyword[0] != '\0') {
        (void)printf("payload: at \"%s\" by %s (%s of %.*s)\n", e->instance, e->keyword,
                     e->schema_pointer, NX_SPAN_ARG(decision->schema_name));
    } else if (e->line > 0) {
        (void)printf("payload: line %u, column %u\n", e->line, e->column);
    }
    if (decision->rule[0] != '\0') {
        (void)printf("rule: %s/city.json / %s\n", id->city_name, decision->rule);
    } else if (decision->outcome == NX_OUTCOME_OUTSIDE) {
        return; /* no row of ours says anything of it */
    } else if (decision->subject.identity != NULL) {
        (void)printf("rule: %s/city.json / identities / %.*s covers no such topic\n", id->city_name,
                     NX_SPAN_ARG(decision->subject.identity->name));
    } else {
        (void)printf("rule: %s/city.json has no identity that is %s\n", id->city_name, id->name);
    }
}

/* The size that plugin_opt_payload_max has where no line gives it. */
static struct nx_gate *default_gate(void)
{
    struct nx_options options;

    nx_options_init(&options);
    return nx_gate_new(options.payload_bytes_max, 0);
}

static int explain(const struct identity *id)
{
    struct nx_question question = {.username = nx_span_from(id->name),
                                   .topic = nx_span_from(id->topic),
                                   .with_payload = id->payload != NULL,
                                   .retain = id->retain};
    struct nx_gate *gate = default_gate();
    struct nx_decision decision;
    int status = NX_EXIT_USAGE;
    struct nx_buf payload;

    nx_buf_init(&payload, NX_CTL_FILE_MAX);
    if (gate == NULL) {
        (void)fprintf(stderr, "nexusctl: memory is out\n");
    } else if (id->access != NULL && !nx_access_find(nx_span_from(id->access), &question.access)) {
        (void)fprintf(stderr, "nexusctl: --access takes publish, receive or subscribe\n");
    } else if (id->payload == NULL || nx_ctl_read(id->payload, &payload)) {
        question.payload = nx_buf_view(&payload);
        nx_explain(gate, &id->scene, &question, &decision);
        print_decision(id, &question, &decision);
        status = decision.outcome == NX_OUTCOME_DENIED ? NX_EXIT_FAULTS : NX_EXIT_OK;
    }
    nx_buf_fini(&payload);
    nx_gate_free(gate);
    return status;
}

static bool parse_options(struct identity *id, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"city", required_argument, NULL, 'y'},
        {"topic", required_argument, NULL, 't'},
        {"access", required_argument, NULL, 'a'},
        {"payload", required_argument, NULL, 'p'},
        {"retain", no_argument, NULL, 'r'},
        {0},
    };
    const char **const into[] = {['c'] = &id->config_dir,
                                 ['y'] = &id->city_name,
                                 ['t'] = &id->topic,
                                 ['a'] = &id->access,
                                 ['p'] = &id->payload};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') {
            return false;
        }
        if (option == 'r') {
            id->retain = true;
        } else {
            *into[option] = optarg;
        }
    }
    if (optind + 1 != argc || id->city_name == NULL ||
        (id->topic == NULL && (id->access != NULL || id->payload != NULL || id->retain))) {
        (void)fprintf(stderr, "nexusctl: identity takes one NAME, --city CITY, and with --topic "
                              "one decision (nexusctl help identity)\n");
        return false;
    }
    id->name = argv[optind];
    return true;
}

int nx_cmd_identity(int argc, char **argv)
{
    struct identity id = {.config_dir = nx_ctl_config_dir()};
    int status = NX_EXIT_USAGE;

    if (!parse_options(&id, argc, argv)) {
        return status;
    }
    id.config = nx_ctl_config_of(id.config_dir, id.city_name);
    if (id.config != NULL) {
        id.scene =
            (struct nx_scene){id.config, nx_config_city(id.config, nx_span_from(id.city_name))};
        status = id.topic != NULL ? explain(&id) : show(&id);
    }
    nx_config_free(id.config);
    return status;
}
