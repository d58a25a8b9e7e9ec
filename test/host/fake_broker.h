/*
 * fake_broker.h - Mosquitto as the plugin sees it, in the test's own process: it defines the
 * mosquitto_* functions, raises events in the order in which 2.0.11 raises them, and owns the
 * clock. The plugin's own objects are linked in unchanged.
 */
#ifndef NX_TEST_FAKE_BROKER_H
#define NX_TEST_FAKE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

enum { FAKE_EVENTS_MAX = 40, FAKE_MESSAGES_MAX = 512, FAKE_LOG_BYTES_MAX = 256 * 1024 };
enum { FAKE_PROPERTIES_SIZE = 512 };
enum { FAKE_WAIT_MAX_MS = 86400000 }; /* 2.1.0 to 2.1.2, where nothing is due earlier */

/* A connected client. */
struct mosquitto {
    const char *id;
    const char *username; /* NULL: anonymous */
};

/* One loading of the plugin: the broker has one for each listener, or one for all. */
struct mosquitto_plugin_id_t {
    struct {
        MOSQ_FUNC_generic_callback callback;
        void *userdata;
    } events[FAKE_EVENTS_MAX];
    void *userdata;
    char info[64]; /* what mosquitto_plugin_set_info was told of it */
};

struct fake_message {
    char *topic;
    char *payload;                         /* with a NUL behind it */
    char properties[FAKE_PROPERTIES_SIZE]; /* "name=value" lines */
    int qos;
    bool retain;
};

struct fake_broker {
    bool is_2_1; /* else 2.0.11 */
    /* what the access control answers that was registered before ours, and behind it */
    int before, behind;
    const char *earlier; /* the file of the plugin that was loaded before ours, or NULL */
    bool will_goes_first;
    bool publish_fails;
    bool registering_fails;
    int64_t now_ms;       /* both clocks */
    long sleeps;          /* of the loop */
    int64_t next_tick_ns; /* 2.1: not before that one */
    long wait_ms;         /* 2.1: so long at most the turn waits that follows the latest tick */
    struct fake_message messages[FAKE_MESSAGES_MAX]; /* what the plugin published */
    size_t messages_count;
    char log[FAKE_LOG_BYTES_MAX];
    size_t log_len;
    char kicked[64]; /* the client identifier that was disconnected last */
    unsigned kicks;
    bool kicked_all;      /* by NULL */
    bool nobody_is_there; /* who is to be disconnected has gone */
    /* whom it finds, who has a kept session with one subscription, and a will; or NULL */
    struct {
        struct mosquitto_plugin_id_t *plugin;
        struct mosquitto *client;
        const char *filter, *will_topic, *will_payload;
        int filter_answer, will_answer; /* what the plugin said to them meanwhile */
    } victim;
    /* 2.1: each control topic is one plugin's, who is listed with it if it said its name before */
    struct {
        MOSQ_FUNC_generic_callback callback;
        void *userdata;
        const struct mosquitto_plugin_id_t *owner;
        bool listed;
    } control;
    /* called within mosquitto_broker_publish_copy: a future broker may raise events there */
    void (*on_publish)(void);
};

/* Nobody: the plugin stands alone on that side. */
enum {
    FAKE_NOBODY = -1,
    FAKE_CLIENT_OFFLINE = 28, /* MOSQ_EVT_CLIENT_OFFLINE of 2.1 */
    FAKE_ALREADY_EXISTS = 31, /* MOSQ_ERR_ALREADY_EXISTS of 2.1 */
    FAKE_IGNORE = 32,         /* MOSQ_ERR_PLUGIN_IGNORE of 2.1 */
};

extern struct fake_broker fake;

struct fake_option {
    const char *key, *value;
};

/* Empties the broker: no messages, no log, 2.0.11, nobody beside us, a fixed time. */
void fake_reset(void);
/* What the plugin has published so far, for tests that publish more than is kept. */
void fake_forget_messages(void);

/* mosquitto_plugin_init with `count` options; what it returns. */
int fake_start(struct mosquitto_plugin_id_t *plugin, const struct fake_option *options, int count);
void fake_stop(struct mosquitto_plugin_id_t *plugin);
bool fake_has_callbacks(const struct mosquitto_plugin_id_t *plugin);

/* A client's publish: access control, then the message event, as one allocation. */
int fake_publish(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic,
                 const char *payload, bool retain);
/* The same with a payload of any bytes. */
int fake_publish_bytes(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client,
                       const char *topic, const void *payload, size_t len, bool retain);
/*
 * A client is gone and its will is sent: disconnect and access control alone, in the order of 2.0
 * to 2.1.2, or with fake.will_goes_first in that of 2.1.3.
 */
int fake_will(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic,
              const char *payload, bool retain);
/* A message from the broker's own bridge: the message event alone. */
int fake_import(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic,
                const char *payload);

int fake_deliver(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, const char *topic);
int fake_subscribe(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client,
                   const char *filter);
/*
 * What becomes of it where fake.before and fake.behind are asked too: 0 or MOSQ_ERR_ACL_DENIED, by
 * the rules of 2.0 or of 2.1.
 */
int fake_decide(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, int access,
                const char *topic);
/* Access control alone, without a payload; allocates nothing. */
int fake_ask(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client, int access,
             char *topic);
int fake_unsubscribe(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client,
                     const char *filter);
int fake_login(struct mosquitto_plugin_id_t *plugin, const char *client_id, const char *username);
void fake_disconnect(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client);
/* 2.1: the same, but its session stays. */
void fake_offline(struct mosquitto_plugin_id_t *plugin, struct mosquitto *client);
int fake_reload(struct mosquitto_plugin_id_t *plugin);
/* A turn of the broker's loop up to where it waits. -1: on 2.1 the tick was not due yet. */
int fake_tick(struct mosquitto_plugin_id_t *plugin);

/* Raises any event with any data. -1: nobody has registered for it. */
int fake_event(struct mosquitto_plugin_id_t *plugin, int event, void *data);

/* The latest message below `prefix`, or NULL; how many there are. */
const struct fake_message *fake_last(const char *prefix);
size_t fake_count(const char *prefix);
bool fake_logged(const char *text);

#endif
