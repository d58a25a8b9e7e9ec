/*
 * host.c - the three entry points: the broker loads the plugin, starts it with its options, and ends
 * it. What the broker asks meanwhile is in host_events.c.
 */
#include "plugin/host_state.h"

#include "plugin/earlier.h"
#include "plugin/others.h"

#include <stdlib.h>

enum { PLUGIN_INTERFACE = 5 }; /* MOSQ_PLUGIN_VERSION of 2.0 and 2.1 */

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
static bool is_asked(struct host_instance *instance)
{
    const char *earlier = nx_earlier_plugin();
    bool decides = earlier != NULL && nx_others_decides(nx_span_from(earlier));

    if (earlier != NULL) {
        host_events_behind_another(instance);
        nx_log(&instance->host.log, decides ? NX_LOG_ERROR : NX_LOG_WARN,
               "nexus: %s%s is loaded before this plugin: where it allows what is below nexus/, "
               "wills and deliveries are not judged%s; put the lines of nexus_plugin.so before it",
               decides ? "not started: " : "", earlier,
               instance->is_2_1 ? ", and what it leaves undecided elsewhere is refused" : "");
    }
    return !decides;
}

static void instance_free(struct host_instance *instance)
{
    if (instance != NULL) {
        nx_guard_free(instance->guard);
        instance->magic = 0;
        free(instance);
    }
}

static struct host_instance *instance_new(mosquitto_plugin_id_t *identifier)
{
    struct host_instance *instance = calloc(1, sizeof(*instance));

    if (instance != NULL) {
        instance->magic = HOST_MAGIC;
        instance->identifier = identifier;
        host_calls_init(&instance->host);
        host_events_init(instance);
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
    struct host_instance *instance = instance_new(identifier);
    struct nx_options parsed;
    struct nx_diag diag = {0};

    if (instance == NULL) {
        return MOSQ_ERR_NOMEM;
    }
    if (read_options(options, option_count, &parsed, &diag) != NX_OK) {
        nx_log(&instance->host.log, NX_LOG_ERROR, "nexus: %s", diag.text);
        goto fail;
    }
    if (!is_asked(instance)) {
        goto fail;
    }
    if (nx_guard_new(&instance->host, &parsed, &instance->guard) != NX_OK) {
        nx_log(&instance->host.log, NX_LOG_ERROR,
               "nexus: not started: the line above says why; where there is none, memory is out");
        goto fail;
    }
    host_introduce(identifier);
    if (host_events_register(instance) != NX_OK) {
        host_events_unregister(instance);
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
    struct host_instance *instance = host_instance_of(userdata);

    (void)options;
    (void)option_count;
    if (instance != NULL) {
        host_events_unregister(instance);
        instance_free(instance);
    }
    return MOSQ_ERR_SUCCESS;
}
