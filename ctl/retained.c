/*
 * retained.c - `nexusctl retained`: which retained messages would the gate refuse, by the
 * configuration in use or by one that is still to come?
 *
 * It asks from outside because nobody else can: Mosquitto 2.0 shows its plugins no retained
 * message until somebody subscribes, and what was retained before a schema changed was admitted by
 * the old one. Judged is what a publish would be, by the same code, but for the identity: the
 * broker does not keep who published, so it is asked whether anybody at all may.
 */
#include "ctl/broker.h"
#include "ctl/ctl.h"
#include "ctl/passwords.h"

#include "core/identity.h"
#include "plugin/gate.h"
#include "plugin/options.h"

#include <getopt.h>
#include <stdlib.h>

enum {
    HOST_SIZE = 256,
    PORT_PLAIN = 1883,
    PORT_TLS = 8883,
    PORT_MAX = 65535,
    ARENA_BYTES_MAX = 64 * 1024,
    INDEX_MAX = 16,
};

struct retained {
    const char *config_dir, *city_name, *broker, *password_file;
    bool tls;
    struct nx_net_files files;
    struct nx_net_credentials *credentials;
    struct nx_visit_config visit;
    char host[HOST_SIZE], password[NX_PASSWORD_SIZE];
    struct nx_config *config;
    struct nx_scene scene;
    struct nx_gate *gate;
    unsigned seen, refused, warned;
    /* Whose publishes they are taken for: a sensor of every asset, and the city's bridge. */
    struct nx_asset_pattern every;
    struct nx_identity sensor, bridge;
    struct nx_city index; /* of nothing but them */
    struct nx_arena arena;
};

static bool complain(const char *text)
{
    (void)fprintf(stderr, "nexusctl: %s\n", text);
    return false;
}

/* Who may publish there at all: of this city's observations a sensor, of the rest the bridge. */
static struct nx_subject anybody(const struct retained *r, struct nx_span topic)
{
    struct nx_topic parsed;
    bool own = nx_topic_parse(topic, &parsed, NULL) == NX_TOPIC_STREAM &&
               parsed.channel == NX_CHANNEL_OBSERVATION &&
               nx_span_eq(parsed.city, r->scene.city->name);

    return (struct nx_subject){.identity = own ? &r->sensor : &r->bridge};
}

static void judge(void *ctx, const struct nx_mqtt_publish *message)
{
    struct retained *r = ctx;
    struct nx_subject subject = anybody(r, message->topic);
    const struct nx_publication publication = {.topic = message->topic,
                                               .payload = message->payload,
                                               .username = {"", 0},
                                               .subject = &subject,
                                               .retain = true};
    struct nx_judgement judgement = {0};
    struct nx_explanation e;
    struct nx_topic topic;

    if (!nx_span_starts(message->topic, NX_SPAN("nexus/"))) {
        return; /* nexus/# takes `nexus` too, which is the city's own */
    }
    r->seen++;
    if (nx_topic_parse(message->topic, &topic, NULL) == NX_TOPIC_DELIVER) {
        r->refused++; /* by the delivery, behind the gate */
        (void)printf("%.*s: refused: a batch is never retained\n", NX_SPAN_ARG(message->topic));
        return;
    }
    nx_gate_judge(r->gate, &r->scene, &publication, &judgement);
    if (judgement.reason == NX_REASON_ADMITTED) {
        return;
    }
    r->refused += !judgement.warned;
    r->warned += judgement.warned;
    nx_gate_explain(r->gate, &r->scene, &publication, &judgement, &e);
    (void)printf("%.*s: %s%s: %s%s%s\n", NX_SPAN_ARG(message->topic),
                 judgement.warned ? "only warned of: " : "", nx_reason_name(judgement.reason),
                 e.instance[0] != '\0' ? e.instance : "", e.instance[0] != '\0' ? ": " : "",
                 e.text);
}

static bool make_identities(struct retained *r)
{
    r->every = (struct nx_asset_pattern){NX_SPAN("+"), NX_SPAN("+")};
    r->sensor = (struct nx_identity){
        .name = NX_SPAN("sensor"), .role = NX_ROLE_SENSOR, .assets = &r->every, .assets_count = 1};
    r->bridge = (struct nx_identity){.name = NX_SPAN("bridge"), .role = NX_ROLE_BRIDGE};
    nx_arena_init(&r->arena, ARENA_BYTES_MAX);
    nx_map_init(&r->sensor.owned, INDEX_MAX, 0);
    nx_map_init(&r->index.identities_by_name, INDEX_MAX, 0);
    nx_map_init(&r->index.identities_by_capture, INDEX_MAX, 0);
    return nx_identity_index(&r->arena, &r->index, &r->sensor) == NX_OK;
}

static bool load(struct retained *r)
{
    struct nx_options options;

    nx_options_init(&options);
    r->config = nx_ctl_config_of(r->config_dir, r->city_name);
    r->gate = nx_gate_new(options.payload_bytes_max, 0);
    if (r->gate == NULL || !make_identities(r)) {
        return complain("memory is out");
    }
    if (r->config == NULL) {
        return false;
    }
    r->scene = (struct nx_scene){r->config, nx_config_city(r->config, nx_span_from(r->city_name))};
    return true;
}

static int run(struct retained *r)
{
    struct nx_diag diag = {0};
    struct nx_visit *visit = NULL;
    enum nx_err err;

    if (!load(r)) {
        return NX_EXIT_USAGE;
    }
    err = r->tls ? nx_net_credentials_new(&r->files, &r->credentials, &diag) : NX_OK;
    if (err == NX_OK) {
        r->visit.net.credentials = r->credentials;
        err = nx_visit_begin(&r->visit, &visit, &diag);
    }
    if (err == NX_OK) {
        err = nx_visit_retained(visit, NX_SPAN("nexus/#"), judge, r, &diag);
    }
    nx_visit_end(visit);
    if (err != NX_OK) {
        nx_ctl_complain(&diag);
        return NX_EXIT_USAGE;
    }
    (void)printf("%u retained below nexus/: %u would be refused, %u only warned of\n", r->seen,
                 r->refused, r->warned);
    return r->refused == 0 ? NX_EXIT_OK : NX_EXIT_FAULTS;
}

/* --- options ------------------------------------------------------------------------------- */

static bool read_port(const char *text, uint16_t *out)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    *out = (uint16_t)port;
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && port <= PORT_MAX;
}

/* "host", "host:port" or "[address]:port" */
static bool read_broker(struct retained *r)
{
    struct nx_span text = nx_span_from(r->broker), host = text;
    const char *colon = strrchr(r->broker, ':');
    bool bracketed = r->broker[0] == '[';
    const char *port = NULL;

    if (colon != NULL && (!bracketed || (colon > r->broker && colon[-1] == ']'))) {
        host.len = (size_t)(colon - r->broker);
        port = colon + 1;
    }
    if (bracketed && host.len >= 2 && host.ptr[host.len - 1] == ']') {
        host = (struct nx_span){host.ptr + 1, host.len - 2};
    }
    r->visit.net.port = r->tls ? PORT_TLS : PORT_PLAIN;
    r->visit.net.host = r->host;
    return host.len > 0 && nx_span_copy(host, r->host, sizeof(r->host)) &&
           (port == NULL || read_port(port, &r->visit.net.port));
}

static bool check_options(struct retained *r)
{
    struct nx_diag diag = {0};

    if (r->city_name == NULL || r->broker == NULL) {
        return complain("retained needs --city CITY and --broker HOST[:PORT]");
    }
    if (!read_broker(r)) {
        return complain("--broker takes HOST, HOST:PORT or [ADDRESS]:PORT");
    }
    if (r->password_file != NULL) {
        if (nx_password_read(r->password_file, r->password, &diag) != NX_OK) {
            nx_ctl_complain(&diag);
            return false;
        }
        r->visit.password = r->password;
    }
    return r->tls || r->files.ca_file == NULL || complain("--ca-file needs --tls");
}

static bool parse_options(struct retained *r, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},        {"city", required_argument, NULL, 'y'},
        {"broker", required_argument, NULL, 'b'},        {"user", required_argument, NULL, 'u'},
        {"password-file", required_argument, NULL, 'w'}, {"tls", no_argument, NULL, 't'},
        {"ca-file", required_argument, NULL, 'a'},       {0},
    };
    const char **const into[] = {
        ['c'] = &r->config_dir,     ['y'] = &r->city_name,     ['b'] = &r->broker,
        ['u'] = &r->visit.username, ['w'] = &r->password_file, ['a'] = &r->files.ca_file};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') {
            return false;
        }
        if (option == 't') {
            r->tls = true;
        } else {
            *into[option] = optarg;
        }
    }
    return optind == argc || complain("retained takes options only (nexusctl help retained)");
}

int nx_cmd_retained(int argc, char **argv)
{
    struct retained r = {.config_dir = nx_ctl_config_dir()};
    int status = NX_EXIT_USAGE;

    if (parse_options(&r, argc, argv) && check_options(&r)) {
        status = run(&r);
    }
    nx_net_credentials_free(r.credentials);
    nx_gate_free(r.gate);
    nx_map_fini(&r.sensor.owned);
    nx_map_fini(&r.index.identities_by_name);
    nx_map_fini(&r.index.identities_by_capture);
    nx_arena_fini(&r.arena);
    nx_config_free(r.config);
    return status;
}
