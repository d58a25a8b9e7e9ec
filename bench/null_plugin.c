/*
 * null_plugin.c - a plugin that registers what nexus_plugin.so registers and answers at once: what
 * a broker pays for having a plugin, whatever the plugin does.
 *
 *     plugin_opt_events ACL_CHECK,MESSAGE     registers these alone; without the line all of them
 */
#include <mosquitto.h>
#include <string.h>

#pragma GCC visibility push(default)
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>
#pragma GCC visibility pop

static int allow(int event, void *data, void *userdata)
{
    (void)event;
    (void)data;
    (void)userdata;
    return MOSQ_ERR_SUCCESS;
}

/* The password file has the say, and a reload goes on to the other plugins. */
static int defer(int event, void *data, void *userdata)
{
    (void)event;
    (void)data;
    (void)userdata;
    return MOSQ_ERR_PLUGIN_DEFER;
}

static const struct {
    int event;
    MOSQ_FUNC_generic_callback callback;
    const char *name;
} rows[] = {
    {MOSQ_EVT_ACL_CHECK, allow, "ACL_CHECK"},   {MOSQ_EVT_MESSAGE, allow, "MESSAGE"},
    {MOSQ_EVT_BASIC_AUTH, defer, "BASIC_AUTH"}, {MOSQ_EVT_DISCONNECT, allow, "DISCONNECT"},
    {MOSQ_EVT_RELOAD, defer, "RELOAD"},         {MOSQ_EVT_TICK, allow, "TICK"},
};

int mosquitto_plugin_version(int supported_version_count, const int *supported_versions)
{
    (void)supported_version_count;
    (void)supported_versions;
    return MOSQ_PLUGIN_VERSION;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata,
                          struct mosquitto_opt *options, int option_count)
{
    const char *only = NULL;
    int rc = MOSQ_ERR_SUCCESS;

    *userdata = identifier;
    for (int i = 0; i < option_count; i++) {
        only = strcmp(options[i].key, "events") == 0 ? options[i].value : only;
    }
    for (size_t i = 0; rc == MOSQ_ERR_SUCCESS && i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (only == NULL || strstr(only, rows[i].name) != NULL) {
            rc = mosquitto_callback_register(identifier, rows[i].event, rows[i].callback, NULL,
                                             NULL);
        }
    }
    return rc;
}

int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
    (void)options;
    (void)option_count;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) { /* those that are registered */
        (void)mosquitto_callback_unregister(userdata, rows[i].event, rows[i].callback, NULL);
    }
    return MOSQ_ERR_SUCCESS;
}
