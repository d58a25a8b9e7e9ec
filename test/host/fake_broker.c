/*
 * fake_broker.c - the broker's side of the plugin interface, as far as the plugin uses it.
 */
#include "fake_broker.h"

#include <mqtt_protocol.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct fake_broker fake;

enum { NOON_MS = 1000000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

void fake_forget_messages(void)
{
    for (size_t i = 0; i < fake.messages_count; i++) {
        free(fake.messages[i].topic);
        free(fake.messages[i].payload);
    }
    fake.messages_count = 0;
}

void fake_reset(void)
{
    fake_forget_messages();
    memset(&fake, 0, sizeof(fake));
    fake.now_ms = NOON_MS;
    fake.before = FAKE_NOBODY;
    fake.behind = FAKE_NOBODY;
}

/* --- What the plugin links to in the broker ------------------------------------------------ */

static int register_control(const mosquitto_plugin_id_t *identifier,
                            MOSQ_FUNC_generic_callback cb_func, void *userdata)
{
    if (fake.control.callback != NULL) {
        return FAKE_ALREADY_EXISTS;
    }
    fake.control.callback = cb_func;
    fake.control.userdata = userdata;
    fake.control.owner = identifier;
    fake.control.listed = identifier->info[0] != '\0';
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_callback_register(mosquitto_plugin_id_t *identifier, int event,
                                MOSQ_FUNC_generic_callback cb_func, const void *event_data,
                                void *userdata)
{
    (void)event_data;
    if (event > (fake.is_2_1 ? 30 : MOSQ_EVT_DISCONNECT)) {
        return MOSQ_ERR_NOT_SUPPORTED;
    }
    if (fake.registering_fails && event == MOSQ_EVT_TICK) {
        return MOSQ_ERR_NOMEM;
    }
    if (fake.is_2_1 && event == MOSQ_EVT_CONTROL) {
        return register_control(identifier, cb_func, userdata);
    }
    identifier->events[event].callback = cb_func;
    identifier->events[event].userdata = userdata;
    return MOSQ_ERR_SUCCESS;
}

/* 2.1 looks whose function it is, and not whose instance. */
static int unregister_control(MOSQ_FUNC_generic_callback cb_func)
{
    if (fake.control.callback != cb_func) {
        return MOSQ_ERR_NOT_FOUND;
    }
    memset(&fake.control, 0, sizeof(fake.control));
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_callback_unregister(mosquitto_plugin_id_t *identifier, int event,
                                  MOSQ_FUNC_generic_callback cb_func, const void *event_data)
{
    (void)event_data;
    if (fake.is_2_1 && event == MOSQ_EVT_CONTROL) {
        return unregister_control(cb_func);
    }
    if (identifier->events[event].callback != cb_func) {
        return MOSQ_ERR_NOT_FOUND;
    }
    identifier->events[event].callback = NULL;
    return MOSQ_ERR_SUCCESS;
}

__attribute__((format(printf, 2, 3))) void mosquitto_log_printf(int level, const char *fmt, ...)
{
    size_t room = sizeof(fake.log) - fake.log_len;
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(fake.log + fake.log_len, room, fmt, args);
    va_end(args);
    (void)level;
    if (len > 0 && (size_t)len + 1 < room) {
        fake.log_len += (size_t)len;
        fake.log[fake.log_len++] = '\n';
        fake.log[fake.log_len] = '\0';
    }
}

const char *mosquitto_client_id(const struct mosquitto *client)
{
    return client != NULL ? client->id : NULL;
}

const char *mosquitto_client_username(const struct mosquitto *client)
{
    return client != NULL ? client->username : NULL;
}

/* As "name=value\n" each, the content type under that name. */
static void write_properties(const mosquitto_property *list, char out[FAKE_PROPERTIES_SIZE])
{
    size_t used = 0;

    out[0] = '\0';
    for (; list != NULL; list = mosquitto_property_next(list)) {
        char *name = NULL, *value = NULL;

        if (mosquitto_property_identifier(list) == MQTT_PROP_USER_PROPERTY) {
            (void)mosquitto_property_read_string_pair(list, MQTT_PROP_USER_PROPERTY, &name, &value,
                                                      false);
        } else {
            (void)mosquitto_property_read_string(list, MQTT_PROP_CONTENT_TYPE, &value, false);
        }
        used += (size_t)snprintf(out + used, FAKE_PROPERTIES_SIZE - used, "%s=%s\n",
                                 name != NULL ? name : "content-type", value);
        free(name);
        free(value);
    }
}

/* All of it happens before the broker's function returns. */
static void disconnect_victim(void)
{
    struct mosquitto *client = fake.victim.client;

    fake.victim.filter_answer = fake_subscribe(fake.victim.plugin, client, fake.victim.filter);
    fake.victim.will_answer = fake_will(fake.victim.plugin, client, fake.victim.will_topic,
                                        fake.victim.will_payload, false);
}

int mosquitto_kick_client_by_clientid(const char *clientid, bool with_will)
{
    (void)with_will;
    fake.kicked_all = fake.kicked_all || clientid == NULL;
    if (clientid == NULL || fake.nobody_is_there) {
        return MOSQ_ERR_NOT_FOUND;
    }
    (void)snprintf(fake.kicked, sizeof(fake.kicked), "%s", clientid);
    fake.kicks++;
    if (fake.victim.client != NULL && strcmp(fake.victim.client->id, clientid) == 0) {
        disconnect_victim();
    }
    return MOSQ_ERR_SUCCESS;
}

int mosquitto_broker_publish_copy(const char *clientid, const char *topic, int payloadlen,
                                  const void *payload, int qos, bool retain,
                                  mosquitto_property *properties)
{
    struct fake_message *message = &fake.messages[fake.messages_count];

    (void)clientid;
    if (fake.publish_fails || fake.messages_count == FAKE_MESSAGES_MAX) {
        return MOSQ_ERR_NOMEM;
    }
    message->topic = strdup(topic);
    message->payload = strndup(payload, (size_t)payloadlen);
    message->qos = qos;
    message->retain = retain;
    write_properties(properties, message->properties);
    mosquitto_property_free_all(&properties); /* the broker's with the message */
    fake.messages_count++;
    if (fake.on_publish != NULL) {
        fake.on_publish();
    }
    return MOSQ_ERR_SUCCESS;
}

/* The plugin is compiled to call these for clock_gettime, getrusage, dlsym and nx_earlier_plugin. */
int fake_clock_gettime(clockid_t clock, struct timespec *ts);
int fake_getrusage(int who, struct rusage *usage);
void *fake_dlsym(void *handle, const char *symbol);
const char *fake_earlier_plugin(void);

int fake_clock_gettime(clockid_t clock, struct timespec *ts)
{
    (void)clock;
    ts->tv_sec = fake.now_ms / 1000;
    ts->tv_nsec = fake.now_ms % 1000 * 1000000;
    return 0;
}

int fake_getrusage(int who, struct rusage *usage)
{
    (void)who;
    usage->ru_nvcsw = fake.sleeps;
    return 0;
}

static int set_info(mosquitto_plugin_id_t *identifier, const char *name, const char *version)
{
    (void)snprintf(identifier->info, sizeof(identifier->info), "%s %s", name, version);
    return MOSQ_ERR_SUCCESS;
}

void *fake_dlsym(void *handle, const char *symbol)
{
    (void)handle;
    int (*function)(mosquitto_plugin_id_t *, const char *, const char *) = set_info;
    void *symbol_2_1;

    memcpy(&symbol_2_1, &function, sizeof(symbol_2_1));
    return fake.is_2_1 && strcmp(symbol, "mosquitto_plugin_set_info") == 0 ? symbol_2_1 : NULL;
}

const char *fake_earlier_plugin(void)
{
    return fake.earlier;
}

/* --- What the broker does ------------------------------------------------------------------ */

int fake_start(struct mosquitto_plugin_id_t *plugin, const struct fake_option *options, int count)
{
    const int versions[] = {5};
    struct mosquitto_opt opts[16];
    int rc;

    memset(plugin, 0, sizeof(*plugin));
    if (mosquitto_plugin_version(1, versions) != 5) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        opts[i] = (struct mosquitto_opt){strdup(options[i].key), strdup(options[i].value)};
    }
    rc = mosquitto_plugin_init(plugin, &plugin->userdata, opts, count);
    for (int i = 0; i < count; i++) {
        free(opts[i].key);
        free(opts[i].value);
    }
    return rc;
}

void fake_stop(struct mosquitto_plugin_id_t *plugin)
{
    if (plugin->userdata != NULL) {
        (void)mosquitto_plugin_cleanup(plugin->userdata, NULL, 0);
        plugin->userdata = NULL;
    }
}

bool fake_has_callbacks(const struct mosquitto_plugin_id_t *plugin)
{
    for (size_t i = 0; i < FAKE_EVENTS_MAX; i++) {
        if (plugin->events[i].callback != NULL) {
            return true;
        }
    }
    return fake.control.owner == plugin;
}

int fake_event(struct mosquitto_plugin_id_t *plugin, int event, void *data)
{
    if (fake.is_2_1 && event == MOSQ_EVT_CONTROL && fake.control.callback != NULL) {
        return fake.control.callback(event, data, fake.control.userdata);
    }
    if (plugin->events[event].callback == NULL) {
        return -1;
    }
    return plugin->events[event].callback(event, data, plugin->events[event].userdata);
}

static int acl(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, int access,
               char *topic, void *payload, size_t len, bool retain)
{
    struct mosquitto_evt_acl_check event = {.client = client,
                                            .topic = topic,
                                            .payload = payload,
                                            .payloadlen = (uint32_t)len,
                                            .access = access,
                                            .qos = 1,
                                            .retain = retain};

    return fake_event(plugin, MOSQ_EVT_ACL_CHECK, &event);
}

static int message(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, char *topic,
                   void *payload, size_t len, bool retain)
{
    struct mosquitto_evt_message event = {.client = client,
                                          .topic = topic,
                                          .payload = payload,
                                          .payloadlen = (uint32_t)len,
                                          .qos = 1,
                                          .retain = retain};

    return fake_event(plugin, MOSQ_EVT_MESSAGE, &event);
}

/* Without bytes the payload is NULL, else it has its own block, so that an overread is seen. */
static void *copy(const void *bytes, size_t len)
{
    void *own = len > 0 ? malloc(len) : NULL;

    if (own != NULL) {
        memcpy(own, bytes, len);
    }
    return own;
}

int fake_publish_bytes(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client,
                       const char *topic, const void *payload, size_t len, bool retain)
{
    char *own_topic = strdup(topic);
    void *own_payload = copy(payload, len);
    int rc = acl(plugin, client, MOSQ_ACL_WRITE, own_topic, own_payload, len, retain);

    if (rc == MOSQ_ERR_SUCCESS) {
        rc = message(plugin, client, own_topic, own_payload, len, retain);
    }
    free(own_topic);
    free(own_payload);
    return rc;
}

int fake_publish(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic,
                 const char *payload, bool retain)
{
    return fake_publish_bytes(plugin, client, topic, payload, strlen(payload), retain);
}

int fake_will(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic,
              const char *payload, bool retain)
{
    char *own_topic = strdup(topic);
    void *own_payload = copy(payload, strlen(payload));
    int rc;

    if (!fake.will_goes_first) {
        fake_offline(plugin, client);
    }
    rc = acl(plugin, client, MOSQ_ACL_WRITE, own_topic, own_payload, strlen(payload), retain);
    if (fake.will_goes_first) {
        fake_offline(plugin, client);
    }
    free(own_topic);
    free(own_payload);
    return rc;
}

int fake_import(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic,
                const char *payload)
{
    char *own_topic = strdup(topic);
    void *own_payload = copy(payload, strlen(payload));
    int rc = message(plugin, client, own_topic, own_payload, strlen(payload), false);

    free(own_topic);
    free(own_payload);
    return rc;
}

int fake_ask(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, int access,
             char *topic)
{
    return acl(plugin, client, access, topic, NULL, 0, false);
}

static int ask(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, int access,
               const char *topic)
{
    char *own_topic = strdup(topic);
    int rc = acl(plugin, client, access, own_topic, NULL, 0, false);

    free(own_topic);
    return rc;
}

/* 2.0: the first that does not defer decides, and where nobody does, the answer is no. */
static int decide_2_0(const int *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (answers[i] != FAKE_NOBODY && answers[i] != MOSQ_ERR_PLUGIN_DEFER) {
            return answers[i];
        }
    }
    return MOSQ_ERR_ACL_DENIED;
}

/* 2.1: the same, but where nobody decides it is the last that counts, and "ignore me" means yes. */
static int decide_2_1(const int *answers, size_t count)
{
    int last = FAKE_IGNORE;

    for (size_t i = 0; i < count; i++) {
        last = answers[i] != FAKE_NOBODY ? answers[i] : last;
        if (last != MOSQ_ERR_PLUGIN_DEFER && last != FAKE_IGNORE) {
            return last;
        }
    }
    return last == FAKE_IGNORE ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

int fake_decide(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, int access,
                const char *topic)
{
    const int answers[] = {fake.before, ask(plugin, client, access, topic), fake.behind};

    return fake.is_2_1 ? decide_2_1(answers, 3) : decide_2_0(answers, 3);
}

int fake_deliver(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic)
{
    return ask(plugin, client, MOSQ_ACL_READ, topic);
}

int fake_subscribe(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client,
                   const char *filter)
{
    return ask(plugin, client, MOSQ_ACL_SUBSCRIBE, filter);
}

int fake_unsubscribe(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client,
                     const char *filter)
{
    return ask(plugin, client, MOSQ_ACL_UNSUBSCRIBE, filter);
}

int fake_login(struct mosquitto_plugin_id_t *plugin, const char *client_id, const char *username)
{
    struct mosquitto client = {client_id, username};
    char *own_username = username != NULL ? strdup(username) : NULL;
    struct mosquitto_evt_basic_auth event = {.client = &client, .username = own_username};
    int rc = fake_event(plugin, MOSQ_EVT_BASIC_AUTH, &event);

    free(own_username);
    return rc;
}

void fake_disconnect(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client)
{
    struct mosquitto_evt_disconnect event = {.client = client, .reason = -1};

    (void)fake_event(plugin, MOSQ_EVT_DISCONNECT, &event);
}

void fake_offline(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client)
{
    struct mosquitto_evt_disconnect event = {.client = client, .reason = -1};

    (void)fake_event(plugin, fake.is_2_1 ? FAKE_CLIENT_OFFLINE : MOSQ_EVT_DISCONNECT, &event);
}

int fake_reload(struct mosquitto_plugin_id_t *plugin)
{
    struct mosquitto_evt_reload event = {0};

    return fake_event(plugin, MOSQ_EVT_RELOAD, &event);
}

/* Each turn begins a little later than the one before: so much on the clock of the ticks alone. */
static int64_t turn_ns(void)
{
    static int64_t turns;

    return fake.now_ms * NS_PER_MS + ++turns % NS_PER_MS;
}

/*
 * 2.1 takes back from the event when it is wanted again (next_ns is its next_ms), counts that from
 * the time in the event, and waits no longer, but in the turn alone in which the tick was called.
 */
static int tick_2_1(struct mosquitto_plugin_id_t *plugin)
{
    int64_t now_ns = turn_ns();
    struct mosquitto_evt_tick event = {.now_s = (time_t)(now_ns / NS_PER_S),
                                       .now_ns = (long)(now_ns % NS_PER_S)};
    long wait_ms;
    int rc;

    fake.wait_ms = FAKE_WAIT_MAX_MS;
    if (now_ns <= fake.next_tick_ns) {
        return -1;
    }
    rc = fake_event(plugin, MOSQ_EVT_TICK, &event);
    wait_ms = (long)event.next_s * 1000 + event.next_ns;
    if (wait_ms > 0 && wait_ms < fake.wait_ms) {
        fake.wait_ms = wait_ms;
    }
    fake.next_tick_ns =
        ((int64_t)event.now_s + event.next_s) * NS_PER_S + event.now_ns + event.next_ns * NS_PER_MS;
    return rc;
}

int fake_tick(struct mosquitto_plugin_id_t *plugin)
{
    struct mosquitto_evt_tick event = {0};

    return fake.is_2_1 ? tick_2_1(plugin) : fake_event(plugin, MOSQ_EVT_TICK, &event);
}

const struct fake_message *fake_last(const char *prefix)
{
    for (size_t i = fake.messages_count; i > 0; i--) {
        if (strncmp(fake.messages[i - 1].topic, prefix, strlen(prefix)) == 0) {
            return &fake.messages[i - 1];
        }
    }
    return NULL;
}

size_t fake_count(const char *prefix)
{
    size_t count = 0;

    for (size_t i = 0; i < fake.messages_count; i++) {
        count += strncmp(fake.messages[i].topic, prefix, strlen(prefix)) == 0;
    }
    return count;
}

bool fake_logged(const char *text)
{
    return strstr(fake.log, text) != NULL;
}
