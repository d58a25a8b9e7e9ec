/*
 * host_calls.c - what the plugin asks of the broker that it lives in, and of the machine: to publish,
 * to log, who a client is, what time it is.
 */
#include "plugin/host_state.h"

#include <dlfcn.h>
#include <limits.h>
#include <mqtt_protocol.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>

/* --- the broker --------------------------------------------------------------------------- */

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

/* A NULL would end everybody. Its will is sent, as MQTT asks, and judged as all wills are. */
static bool host_disconnect(const char *client_id)
{
    return client_id != NULL &&
           mosquitto_kick_client_by_clientid(client_id, true) == MOSQ_ERR_SUCCESS;
}

/* --- the machine -------------------------------------------------------------------------- */

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

static int64_t host_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static uint64_t host_sleeps(void)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_THREAD, &usage);
    return (uint64_t)usage.ru_nvcsw;
}

static uint64_t random_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
        seed = (uint64_t)clock_ms(CLOCK_REALTIME); /* early at boot: weak is better than blocked */
    }
    return seed;
}

/* --- its version -------------------------------------------------------------------------- */

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

bool host_is_2_1(void)
{
    return find_set_info() != NULL;
}

void host_introduce(mosquitto_plugin_id_t *identifier)
{
    set_info_function set_info = find_set_info();

    if (set_info != NULL) {
        (void)set_info(identifier, "nexus", NX_VERSION);
    }
}

void host_calls_init(struct nx_host *host)
{
    *host = (struct nx_host){.log = {.write = host_log},
                             .client_id = host_client_id,
                             .client_username = host_client_username,
                             .publish = host_publish,
                             .publish_to = host_publish_to,
                             .publish_reading = host_publish_reading,
                             .disconnect = host_disconnect,
                             .monotonic_ms = host_monotonic_ms,
                             .monotonic_ns = host_monotonic_ns,
                             .wall_ms = host_wall_ms,
                             .sleeps = host_sleeps,
                             .ignores = host_is_2_1(),
                             .has_quota = host_is_2_1(),
                             .moves_first = host_is_2_1(),
                             .seed = random_seed()};
}
