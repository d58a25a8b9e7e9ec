/*
 * host.c - the one file that knows Mosquitto: its headers, its versions, its return codes.
 *
 * Built against the headers of 2.0.11, and one binary serves 2.0.11 up to 2.1.x: structures and
 * event numbers are the same there, and what only 2.1 has is asked for at run time.
 *
 * What each event may answer is narrow, and a wrong answer is worse than none:
 *  - access control: SUCCESS, ACL_DENIED or PLUGIN_DEFER; anything else closes the connection;
 *  - message: SUCCESS or ACL_DENIED; PLUGIN_DEFER would close the connection too;
 *  - reload: on 2.0 PLUGIN_DEFER, since SUCCESS would end the chain and keep the reload from the
 *    plugins behind us, and an error would leave the broker's own ACLs switched off; on 2.1
 *    SUCCESS, since anything else ends the broker.
 *
 * Topics, payloads and properties are never changed: 2.0.11 to 2.0.14 leak a topic that is
 * replaced, later ones free it, and nothing tells them apart.
 */
#include "plugin/host.h"

#include "core/rights.h"
#include "plugin/earlier.h"
#include "plugin/guard.h"

#include <dlfcn.h>
#include <limits.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* The headers of 2.0.11 do not mark the three entry points, and we build with hidden symbols. */
#pragma GCC visibility push(default)
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#pragma GCC visibility pop

enum {
    INSTANCE_MAGIC = 0x4e58504c, /* "NXPL" */
    EVENT_CLIENT_OFFLINE = 28,   /* 2.1: a client is gone whose session stays */
    PLUGIN_INTERFACE = 5,        /* MOSQ_PLUGIN_VERSION of 2.0 and 2.1 */
    ERR_PLUGIN_IGNORE = 32,      /* 2.1: as if the plugin were not there */
    ERR_QUOTA_EXCEEDED = -6,     /* 2.1: of the message event; PUBACK and PUBREC 0x97 */
};

/* What the broker carries for us as `userdata`. */
struct instance {
    uint32_t magic;
    mosquitto_plugin_id_t *identifier;
    struct nx_host host;
    struct nx_guard *guard;
    int reload_answer;
    int no_opinion; /* of access control and of logins */
};

/* --- What the plugin needs of the broker ------------------------------------------------- */

static void host_log(void *ctx, enum nx_log_level level, const char *line)
{
    static const int levels[] = {
        [NX_LOG_DEBUG] = MOSQ_LOG_DEBUG,   [NX_LOG_INFO] = MOSQ_LOG_INFO,
        [NX_LOG_NOTICE] = MOSQ_LOG_NOTICE, [NX_LOG_WARN] = MOSQ_LOG_WARNING,
        [NX_LOG_ERROR] = MOSQ_LOG_ERR,
    };

    (void)ctx;
    mosquitto_log_printf(levels[level], "%s", line);
}

static const char *host_client_id(const void *client)
{
    return mosquitto_client_id(client);
}

static const char *host_client_username(const void *client)
{
    return mosquitto_client_username(client);
}

static bool host_publish(const char *topic, struct nx_span payload, int qos, bool retain)
{
    return payload.len <= INT_MAX &&
           mosquitto_broker_publish_copy(NULL, topic, (int)payload.len, payload.ptr, qos, retain,
                                         NULL) == MOSQ_ERR_SUCCESS;
}

static bool host_publish_to(const char *client_id, const char *topic, struct nx_span payload,
                            int qos)
{
    return client_id != NULL && payload.len <= INT_MAX &&
           mosquitto_broker_publish_copy(client_id, topic, (int)payload.len, payload.ptr, qos,
                                         false, NULL) == MOSQ_ERR_SUCCESS;
}

static bool add_properties(mosquitto_property **list, bool json, const struct nx_host_pair *user,
                           size_t user_count)
{
    bool ok = !json || mosquitto_property_add_string(list, MQTT_PROP_CONTENT_TYPE,
                                                     "application/json") == MOSQ_ERR_SUCCESS;

    for (size_t i = 0; ok && i < user_count; i++) {
        ok = mosquitto_property_add_string_pair(list, MQTT_PROP_USER_PROPERTY, user[i].name,
                                                user[i].value) == MOSQ_ERR_SUCCESS;
    }
    return ok;
}

/* The broker takes the list with the message, and only then. */
static bool host_publish_reading(const char *topic, struct nx_span payload, bool retain,
                                 const struct nx_host_pair *user, size_t user_count)
{
    mosquitto_property *list = NULL;

    if (payload.len <= INT_MAX && add_properties(&list, payload.len > 0, user, user_count) &&
        mosquitto_broker_publish_copy(NULL, topic, (int)payload.len,
                                      payload.len > 0 ? payload.ptr : "", 1, retain,
                                      list) == MOSQ_ERR_SUCCESS) {
        return true;
    }
    mosquitto_property_free_all(&list);
    return false;
}

static int64_t clock_ms(clockid_t clock)
{
    struct timespec ts = {0};

    (void)clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Of the last timer interrupt: at most 10 ms old, and a fifth of the price. */
static uint64_t host_monotonic_ms(void)
{
    return (uint64_t)clock_ms(CLOCK_MONOTONIC_COARSE);
}

static uint64_t host_monotonic_ns(void)
{
    struct timespec ts = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* A NULL would end everybody. Its will is sent, as MQTT asks, and judged as all wills are. */
static bool host_disconnect(const char *client_id)
{
    return client_id != NULL &&
           mosquitto_kick_client_by_clientid(client_id, true) == MOSQ_ERR_SUCCESS;
}

static int64_t host_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
        seed = (uint64_t)clock_ms(CLOCK_REALTIME); /* early at boot: weak is better than blocked */
    }
    return seed;
}

typedef int (*set_info_function)(mosquitto_plugin_id_t *identifier, const char *name,
                                 const char *version);

/* No version is exported; this function came with 2.1.0. NULL: the broker is older. */
static set_info_function find_set_info(void)
{
    void *symbol = dlsym(RTLD_DEFAULT, "mosquitto_plugin_set_info");
    set_info_function function = NULL;

    memcpy(&function, &symbol, sizeof(function)); /* POSIX has them alike, ISO C does not */
    return function;
}

static bool broker_is_2_1(void)
{
    return find_set_info() != NULL;
}

/* --- Events ------------------------------------------------------------------------------- */

static struct instance *instance_of(void *userdata)
{
    struct instance *instance = userdata;

    return instance != NULL && instance->magic == INSTANCE_MAGIC ? instance : NULL;
}

static int acl_code(const struct instance *instance, enum nx_answer answer)
{
    switch (answer) {
    case NX_ANSWER_ALLOW:
        return MOSQ_ERR_SUCCESS;
    case NX_ANSWER_DEFER:
        return instance->no_opinion;
    case NX_ANSWER_DENY:
    case NX_ANSWER_QUOTA: /* means something at the message event only */
        break;
    }
    return MOSQ_ERR_ACL_DENIED;
}

static int message_code(enum nx_answer answer)
{
    switch (answer) {
    case NX_ANSWER_ALLOW:
        return MOSQ_ERR_SUCCESS;
    case NX_ANSWER_QUOTA:
        return ERR_QUOTA_EXCEEDED;
    case NX_ANSWER_DENY:
    case NX_ANSWER_DEFER:
        break;
    }
    return MOSQ_ERR_ACL_DENIED;
}

static enum nx_answer answer_write(struct nx_guard *guard,
                                   const struct mosquitto_evt_acl_check *event)
{
    const struct nx_message message = {.client = event->client,
                                       .topic = event->topic,
                                       .payload = event->payload,
                                       .payload_bytes = event->payloadlen,
                                       .retain = event->retain};

    return nx_guard_publish(guard, &message);
}

static enum nx_answer answer_acl(struct nx_guard *guard,
                                 const struct mosquitto_evt_acl_check *event)
{
    switch (event->access) {
    case MOSQ_ACL_READ:
        return nx_guard_receive(guard, event->client, event->topic);
    case MOSQ_ACL_WRITE:
        return answer_write(guard, event);
    case MOSQ_ACL_SUBSCRIBE:
        return nx_guard_subscribe(guard, event->client, event->topic);
    case MOSQ_ACL_UNSUBSCRIBE:
        return nx_guard_unsubscribe(guard, event->client, event->topic);
    default:
        return NX_ANSWER_DENY; /* an access that this plugin does not know */
    }
}

static int on_acl_check(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);
    const struct mosquitto_evt_acl_check *acl = data;

    (void)event;
    if (instance == NULL || acl == NULL || acl->topic == NULL) {
        return MOSQ_ERR_ACL_DENIED;
    }
    return acl_code(instance, answer_acl(instance->guard, acl));
}

static int on_message(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);
    const struct mosquitto_evt_message *m = data;
    struct nx_message message;

    (void)event;
    if (instance == NULL || m == NULL || m->topic == NULL) {
        return MOSQ_ERR_ACL_DENIED;
    }
    message = (struct nx_message){.client = m->client,
                                  .topic = m->topic,
                                  .payload = m->payload,
                                  .payload_bytes = m->payloadlen,
                                  .retain = m->retain};
    return message_code(nx_guard_message(instance->guard, &message));
}

static int on_basic_auth(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);
    const struct mosquitto_evt_basic_auth *auth = data;

    (void)event;
    if (instance == NULL || auth == NULL) {
        return MOSQ_ERR_AUTH;
    }
    return nx_guard_login(instance->guard, auth->client, auth->username) == NX_ANSWER_DENY
               ? MOSQ_ERR_AUTH
               : instance->no_opinion;
}

/* Always SUCCESS: an error would close the operator's connection, and the answer says what failed. */
static int on_control(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);
    const struct mosquitto_evt_control *control = data;
    struct nx_message message;

    (void)event;
    if (instance != NULL && control != NULL && control->topic != NULL) {
        message = (struct nx_message){.client = control->client,
                                      .topic = control->topic,
                                      .payload = control->payload,
                                      .payload_bytes = control->payloadlen};
        nx_guard_control(instance->guard, &message);
    }
    return MOSQ_ERR_SUCCESS;
}

/* 2.0.11 leaves this event unset under per_listener_settings: the pointer is only compared. */
static int on_disconnect(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);
    const struct mosquitto_evt_disconnect *disconnect = data;

    (void)event;
    if (instance != NULL && disconnect != NULL) {
        nx_guard_forget(instance->guard, disconnect->client);
    }
    return MOSQ_ERR_SUCCESS;
}

static int on_reload(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);

    (void)event;
    (void)data; /* holds no options, in any version: the folder is known since the start */
    if (instance == NULL) {
        return broker_is_2_1() ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
    }
    nx_guard_reload(instance->guard);
    return instance->reload_answer;
}

static int on_tick(int event, void *data, void *userdata)
{
    struct instance *instance = instance_of(userdata);

    (void)event;
    (void)data;
    if (instance != NULL) {
        nx_guard_tick(instance->guard);
    }
    return MOSQ_ERR_SUCCESS;
}

static const struct event_row {
    int event;
    MOSQ_FUNC_generic_callback callback;
    bool optional; /* not in every version */
    const char *name;
    const char *topic; /* of CONTROL: the one that it is called for */
} event_rows[] = {
    {MOSQ_EVT_ACL_CHECK, on_acl_check, false, "ACL_CHECK", NULL},
    {MOSQ_EVT_MESSAGE, on_message, false, "MESSAGE", NULL},
    {MOSQ_EVT_BASIC_AUTH, on_basic_auth, false, "BASIC_AUTH", NULL},
    {MOSQ_EVT_DISCONNECT, on_disconnect, false, "DISCONNECT", NULL},
    {MOSQ_EVT_RELOAD, on_reload, false, "RELOAD", NULL},
    {MOSQ_EVT_TICK, on_tick, false, "TICK", NULL},
    {MOSQ_EVT_CONTROL, on_control, true, "CONTROL", NX_CONTROL_TOPIC},
    {EVENT_CLIENT_OFFLINE, on_disconnect, true, "CLIENT_OFFLINE", NULL},
};

enum { EVENT_ROW_COUNT = sizeof(event_rows) / sizeof(event_rows[0]) };

/* --- Entry points ------------------------------------------------------------------------- */

static void unregister_all(const struct instance *instance)
{
    for (size_t i = 0; i < EVENT_ROW_COUNT; i++) {
        (void)mosquitto_callback_unregister(instance->identifier, event_rows[i].event,
                                            event_rows[i].callback, event_rows[i].topic);
    }
}

static enum nx_err register_all(struct instance *instance)
{
    for (size_t i = 0; i < EVENT_ROW_COUNT; i++) {
        const struct event_row *row = &event_rows[i];
        int rc = mosquitto_callback_register(instance->identifier, row->event, row->callback,
                                             row->topic, instance);

        if (rc != MOSQ_ERR_SUCCESS && !row->optional) {
            nx_log(&instance->host.log, NX_LOG_ERROR,
                   "nexus: the broker does not take a callback for %s (%d)", row->name, rc);
            return NX_ERR_UNSUPPORTED;
        }
        if (rc != MOSQ_ERR_SUCCESS && rc != MOSQ_ERR_NOT_SUPPORTED) {
            nx_log(&instance->host.log, NX_LOG_WARN,
                   "nexus: the broker does not take a callback for %s (%d): works without",
                   row->name, rc);
        }
    }
    return NX_OK;
}

static enum nx_err read_options(const struct mosquitto_opt *pairs, int count,
                                struct nx_options *options, struct nx_diag *diag)
{
    enum nx_err err = NX_OK;

    nx_options_init(options);
    for (int i = 0; i < count && err == NX_OK; i++) {
        err = nx_options_set(options, pairs[i].key, pairs[i].value != NULL ? pairs[i].value : "",
                             diag);
    }
    return err == NX_OK ? nx_options_complete(options, diag) : err;
}

/* False beside a plugin that leaves us no question of access: the gate would be half open. */
static bool is_asked(const struct nx_host *host)
{
    const char *earlier = nx_earlier_plugin();
    bool decides = earlier != NULL && nx_earlier_decides(earlier);

    if (earlier != NULL) {
        nx_log(&host->log, decides ? NX_LOG_ERROR : NX_LOG_WARN,
               "nexus: %s%s is loaded before this plugin: where it allows what is below nexus/, "
               "wills and deliveries are not judged; put the lines of nexus_plugin.so before it",
               decides ? "not started: " : "", earlier);
    }
    return !decides;
}

static void instance_free(struct instance *instance)
{
    if (instance != NULL) {
        nx_guard_free(instance->guard);
        instance->magic = 0;
        free(instance);
    }
}

static struct instance *instance_new(mosquitto_plugin_id_t *identifier)
{
    struct instance *instance = calloc(1, sizeof(*instance));
    bool is_2_1 = broker_is_2_1();

    if (instance != NULL) {
        instance->magic = INSTANCE_MAGIC;
        instance->identifier = identifier;
        instance->reload_answer = is_2_1 ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
        instance->no_opinion = is_2_1 ? ERR_PLUGIN_IGNORE : MOSQ_ERR_PLUGIN_DEFER;
        instance->host = (struct nx_host){.log = {.write = host_log},
                                          .client_id = host_client_id,
                                          .client_username = host_client_username,
                                          .publish = host_publish,
                                          .publish_to = host_publish_to,
                                          .publish_reading = host_publish_reading,
                                          .disconnect = host_disconnect,
                                          .monotonic_ms = host_monotonic_ms,
                                          .monotonic_ns = host_monotonic_ns,
                                          .wall_ms = host_wall_ms,
                                          .ignores = is_2_1,
                                          .has_quota = is_2_1,
                                          .seed = random_seed()};
    }
    return instance;
}

int mosquitto_plugin_version(int supported_version_count, const int *supported_versions)
{
    for (int i = 0; i < supported_version_count; i++) {
        if (supported_versions[i] == PLUGIN_INTERFACE) {
            return PLUGIN_INTERFACE;
        }
    }
    return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata,
                          struct mosquitto_opt *options, int option_count)
{
    struct instance *instance = instance_new(identifier);
    struct nx_options parsed;
    struct nx_diag diag = {0};

    if (instance == NULL) {
        return MOSQ_ERR_NOMEM;
    }
    if (read_options(options, option_count, &parsed, &diag) != NX_OK) {
        nx_log(&instance->host.log, NX_LOG_ERROR, "nexus: %s", diag.text);
        goto fail;
    }
    if (!is_asked(&instance->host)) {
        goto fail;
    }
    if (nx_guard_new(&instance->host, &parsed, &instance->guard) != NX_OK) {
        nx_log(&instance->host.log, NX_LOG_ERROR,
               "nexus: not started: the configuration in %s is broken or memory is out",
               parsed.config);
        goto fail;
    }
    if (register_all(instance) != NX_OK) {
        unregister_all(instance);
        goto fail;
    }
    if (find_set_info() != NULL) {
        (void)find_set_info()(identifier, "nexus", NX_VERSION);
    }
    nx_log(&instance->host.log, NX_LOG_NOTICE,
           "nexus: plugin %s guards nexus/ for %s with %s; topics outside: %s", NX_VERSION,
           parsed.city, parsed.config, parsed.outside == NX_OUTSIDE_ALLOW ? "allow" : "defer");
    *userdata = instance;
    return MOSQ_ERR_SUCCESS;
fail:
    instance_free(instance);
    return MOSQ_ERR_INVAL;
}

int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
    struct instance *instance = instance_of(userdata);

    (void)options;
    (void)option_count;
    if (instance != NULL) {
        unregister_all(instance);
        instance_free(instance);
    }
    return MOSQ_ERR_SUCCESS;
}
