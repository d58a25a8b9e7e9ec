/*
 * neighbour.c - another plugin for the broker under test: it has no opinion on access, forbids one
 * topic of its own, and counts what it is asked. When it is unloaded it says the counts in the log.
 * With plugin_opt_accept_names it lets in whoever gives a name, as a broker does where nobody checks.
 *
 * It is written as plugins in the wild are: everything in it is global, and some of its names are
 * those of nexus_plugin.so. Loaded with RTLD_GLOBAL, none of them may reach the other.
 */
#include <dlfcn.h>
#include <mosquitto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#define FORBIDDEN "neighbour/forbidden"

/* Names of functions within nexus_plugin.so: to be bound to these would end the broker. */
void nx_gate_judge(void);
void nx_guard_new(void);
void nx_span_from(void);

void nx_gate_judge(void)
{
    abort();
}

void nx_guard_new(void)
{
    abort();
}

void nx_span_from(void)
{
    abort();
}

static mosquitto_plugin_id_t *identifier;
static bool accepts_names, is_2_1;
static unsigned acl, messages, ticks, reloads, logins, disconnects;

static int on_acl(int event, void *data, void *userdata)
{
    (void)event, (void)data, (void)userdata;
    acl++;
    return MOSQ_ERR_PLUGIN_DEFER;
}

static int on_message(int event, void *data, void *userdata)
{
    const struct mosquitto_evt_message *message = data;

    (void)event, (void)userdata;
    messages++;
    return strcmp(message->topic, FORBIDDEN) == 0 ? MOSQ_ERR_ACL_DENIED : MOSQ_ERR_SUCCESS;
}

static int on_login(int event, void *data, void *userdata)
{
    (void)event, (void)data, (void)userdata;
    logins++;
    return accepts_names ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
}

static int on_tick(int event, void *data, void *userdata)
{
    (void)event, (void)data, (void)userdata;
    ticks++;
    return MOSQ_ERR_SUCCESS;
}

static int on_reload(int event, void *data, void *userdata)
{
    (void)event, (void)data, (void)userdata;
    reloads++;
    return is_2_1 ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER; /* what each takes for no objection */
}

static int on_disconnect(int event, void *data, void *userdata)
{
    (void)event, (void)data, (void)userdata;
    disconnects++;
    return MOSQ_ERR_SUCCESS;
}

static const struct {
    int event;
    MOSQ_FUNC_generic_callback callback;
} rows[] = {
    {MOSQ_EVT_ACL_CHECK, on_acl},    {MOSQ_EVT_MESSAGE, on_message},
    {MOSQ_EVT_BASIC_AUTH, on_login}, {MOSQ_EVT_TICK, on_tick},
    {MOSQ_EVT_RELOAD, on_reload},    {MOSQ_EVT_DISCONNECT, on_disconnect},
};

int mosquitto_plugin_version(int count, const int *versions)
{
    (void)count, (void)versions;
    return 5;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t *id, void **userdata, struct mosquitto_opt *options,
                          int option_count)
{
    (void)userdata;
    for (int i = 0; i < option_count; i++) {
        accepts_names |= strcmp(options[i].key, "accept_names") == 0;
    }
    identifier = id;
    is_2_1 = dlsym(RTLD_DEFAULT, "mosquitto_plugin_set_info") != NULL;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = mosquitto_callback_register(id, rows[i].event, rows[i].callback, NULL, NULL);

        if (rc != MOSQ_ERR_SUCCESS) {
            return rc;
        }
    }
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
    (void)userdata, (void)options, (void)option_count;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)mosquitto_callback_unregister(identifier, rows[i].event, rows[i].callback, NULL);
    }
    mosquitto_log_printf(MOSQ_LOG_NOTICE,
                         "neighbour: acl %u messages %u logins %u ticks %u reloads %u "
                         "disconnects %u",
                         acl, messages, logins, ticks, reloads, disconnects);
    return MOSQ_ERR_SUCCESS;
}
