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

#include "plugin/guard.h"

#include <dlfcn.h>
#include <limits.h>
#include <mosquitto.h>
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
};

/* What the broker carries for us as `userdata`. */
struct instance {
    uint32_t magic;
    mosquitto_plugin_id_t *identifier;
    struct nx_host host;
    struct nx_guard *guard;
    int reload_answer;
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

static int64_t clock_ms(clockid_t clock)
{
    struct timespec ts = {0};

    (void)clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t host_monotonic_ms(void)
{
    return (uint64_t)clock_ms(CLOCK_MONOTONIC);
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

/* No version is exported; this function came with 2.1.0. */
static bool broker_is_2_1(void)
{
    return dlsym(RTLD_DEFAULT, "mosquitto_plugin_set_info") != NULL;
}

/* --- Events ------------------------------------------------------------------------------- */

static struct instance *instance_of(void *userdata)
{
    struct instance *instance = userdata;

    return instance != NULL && instance->magic == INSTANCE_MAGIC ? instance : NULL;
}

static int acl_code(enum nx_answer answer)
{
    switch (answer) {
    case NX_ANSWER_ALLOW:
        return MOSQ_ERR_SUCCESS;
    case NX_ANSWER_DENY:
        return MOSQ_ERR_ACL_DENIED;
    case NX_ANSWER_DEFER:
        return MOSQ_ERR_PLUGIN_DEFER;
    }
    return MOSQ_ERR_ACL_DENIED;
}

static enum nx_answer answer_acl(struct nx_guard *guard,
                                 const struct mosquitto_evt_acl_check *event)
{
    struct nx_message message = {.client = event->client,
                                 .topic = event->topic,
                                 .payload = event->payload,
                                 .payload_bytes = event->payloadlen,
                                 .retain = event->retain};

    switch (event->access) {
    case MOSQ_ACL_READ:
        return nx_guard_receive(guard, event->client, event->topic);
    case MOSQ_ACL_WRITE:
        return nx_guard_publish(guard, &message);
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
    return acl_code(answer_acl(instance->guard, acl));
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
    return nx_guard_message(instance->guard, &message) == NX_ANSWER_ALLOW ? MOSQ_ERR_SUCCESS
                                                                          : MOSQ_ERR_ACL_DENIED;
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
               : MOSQ_ERR_PLUGIN_DEFER;
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
} event_rows[] = {
    {MOSQ_EVT_ACL_CHECK, on_acl_check, false, "ACL_CHECK"},
    {MOSQ_EVT_MESSAGE, on_message, false, "MESSAGE"},
    {MOSQ_EVT_BASIC_AUTH, on_basic_auth, false, "BASIC_AUTH"},
    {MOSQ_EVT_DISCONNECT, on_disconnect, false, "DISCONNECT"},
    {MOSQ_EVT_RELOAD, on_reload, false, "RELOAD"},
    {MOSQ_EVT_TICK, on_tick, false, "TICK"},
    {EVENT_CLIENT_OFFLINE, on_disconnect, true, "CLIENT_OFFLINE"},
};

enum { EVENT_ROW_COUNT = sizeof(event_rows) / sizeof(event_rows[0]) };

/* --- Entry points ------------------------------------------------------------------------- */

static void unregister_all(const struct instance *instance)
{
    for (size_t i = 0; i < EVENT_ROW_COUNT; i++) {
        (void)mosquitto_callback_unregister(instance->identifier, event_rows[i].event,
                                            event_rows[i].callback, NULL);
    }
}

static enum nx_err register_all(struct instance *instance)
{
    for (size_t i = 0; i < EVENT_ROW_COUNT; i++) {
        const struct event_row *row = &event_rows[i];
        int rc = mosquitto_callback_register(instance->identifier, row->event, row->callback, NULL,
                                             instance);

        if (rc != MOSQ_ERR_SUCCESS && !row->optional) {
            nx_log(&instance->host.log, NX_LOG_ERROR,
                   "nexus: the broker does not take a callback for %s (%d)", row->name, rc);
            return NX_ERR_UNSUPPORTED;
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

    if (instance != NULL) {
        instance->magic = INSTANCE_MAGIC;
        instance->identifier = identifier;
        instance->reload_answer = broker_is_2_1() ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
        instance->host = (struct nx_host){.log = {.write = host_log},
                                          .client_id = host_client_id,
                                          .client_username = host_client_username,
                                          .publish = host_publish,
                                          .monotonic_ms = host_monotonic_ms,
                                          .wall_ms = host_wall_ms,
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
