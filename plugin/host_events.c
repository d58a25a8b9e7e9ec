/*
 * host_events.c - the broker's events, taken apart for the guard, and its answers in the broker's
 * return codes.
 *
 * What each event may answer is narrow, and a wrong answer is worse than none:
 *  - access control: SUCCESS, ACL_DENIED or PLUGIN_DEFER, on 2.1 PLUGIN_IGNORE too; anything else
 *    closes the connection. Where nobody decides, 2.1 goes by the last who was asked, and IGNORE is
 *    a yes then: behind another that deferred it would open what that left shut;
 *  - message: SUCCESS or ACL_DENIED; PLUGIN_DEFER would close the connection too;
 *  - reload: on 2.0 PLUGIN_DEFER, since SUCCESS would end the chain and keep the reload from the
 *    plugins behind us, and an error would leave the broker's own ACLs switched off; on 2.1
 *    SUCCESS, since anything else ends the broker.
 *
 * Topics, payloads and properties are never changed: 2.0.11 to 2.0.14 leak a topic that is
 * replaced, later ones free it, and nothing tells them apart.
 */
#include "plugin/host_state.h"

#include "core/rights.h"

enum {
    EVENT_CLIENT_OFFLINE = 28, /* 2.1: a client is gone whose session stays */
    ERR_ALREADY_EXISTS = 31,   /* 2.1: of a control topic, which is one plugin's there */
    ERR_PLUGIN_IGNORE = 32,    /* 2.1: as if the plugin were not there */
    ERR_QUOTA_EXCEEDED = -6,   /* 2.1: of the message event; PUBACK and PUBREC 0x97 */

    TICK_MS = 100, /* 2.0 never waits longer */
    NS_PER_MS = 1000000,
};

/* --- answers ------------------------------------------------------------------------------ */

void host_events_init(struct host_instance *instance)
{
    instance->is_2_1 = host_is_2_1();
    instance->reload_answer = instance->is_2_1 ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
    instance->login_answer = instance->is_2_1 ? ERR_PLUGIN_IGNORE : MOSQ_ERR_PLUGIN_DEFER;
    instance->ignore_answer = ERR_PLUGIN_IGNORE;
}

void host_events_behind_another(struct host_instance *instance)
{
    instance->ignore_answer = MOSQ_ERR_PLUGIN_DEFER;
}

static int acl_code(const struct host_instance *instance, enum nx_answer answer)
{
    switch (answer) {
    case NX_ANSWER_ALLOW:
        return MOSQ_ERR_SUCCESS;
    case NX_ANSWER_DEFER:
        return MOSQ_ERR_PLUGIN_DEFER;
    case NX_ANSWER_IGNORE:
        return instance->ignore_answer;
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
    case NX_ANSWER_IGNORE:
        break;
    }
    return MOSQ_ERR_ACL_DENIED;
}

/* --- events ------------------------------------------------------------------------------- */

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
    struct host_instance *instance = host_instance_of(userdata);
    const struct mosquitto_evt_acl_check *acl = data;

    (void)event;
    if (instance == NULL || acl == NULL || acl->topic == NULL) {
        return MOSQ_ERR_ACL_DENIED;
    }
    return acl_code(instance, answer_acl(instance->guard, acl));
}

static int on_message(int event, void *data, void *userdata)
{
    struct host_instance *instance = host_instance_of(userdata);
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
    struct host_instance *instance = host_instance_of(userdata);
    const struct mosquitto_evt_basic_auth *auth = data;

    (void)event;
    if (instance == NULL || auth == NULL) {
        return MOSQ_ERR_AUTH;
    }
    return nx_guard_login(instance->guard, auth->client, auth->username) == NX_ANSWER_DENY
               ? MOSQ_ERR_AUTH
               : instance->login_answer;
}

/* Always SUCCESS: an error would close the operator's connection, and the answer says what failed. */
static int on_control(int event, void *data, void *userdata)
{
    struct host_instance *instance = host_instance_of(userdata);
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
    struct host_instance *instance = host_instance_of(userdata);
    const struct mosquitto_evt_disconnect *disconnect = data;

    (void)event;
    if (instance != NULL && disconnect != NULL) {
        nx_guard_forget(instance->guard, disconnect->client);
    }
    return MOSQ_ERR_SUCCESS;
}

static int on_reload(int event, void *data, void *userdata)
{
    struct host_instance *instance = host_instance_of(userdata);

    (void)event;
    (void)data; /* holds no options, in any version: the folder is known since the start */
    if (instance == NULL) {
        return host_is_2_1() ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
    }
    nx_guard_reload(instance->guard);
    return instance->reload_answer;
}

/*
 * 2.1 sleeps until something is due, 2.1.0 to 2.1.2 for up to a day, and reads from the event when
 * it is to tick again: in so many milliseconds, `next_ms` there, after the time in the event. Until
 * then it leaves the tick out, and with it the wish: a turn that something else began would sleep
 * on. So we ask for one that was due as of now, and each turn ticks and none is long, as in 2.0.
 */
static void ask_for_next(struct mosquitto_evt_tick *tick)
{
    tick->next_ns = TICK_MS;
    tick->now_ns -= (long)TICK_MS * NS_PER_MS;
}

static int on_tick(int event, void *data, void *userdata)
{
    struct host_instance *instance = host_instance_of(userdata);

    (void)event;
    if (instance != NULL) {
        nx_guard_tick(instance->guard);
        if (instance->is_2_1 && data != NULL) {
            ask_for_next(data);
        }
    }
    return MOSQ_ERR_SUCCESS;
}

/* --- the table ---------------------------------------------------------------------------- */

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

/* What another instance of ours has registered is not ours to take away. */
void host_events_unregister(struct host_instance *instance)
{
    for (size_t i = 0; i < EVENT_ROW_COUNT; i++) {
        if ((instance->registered & 1U << i) != 0) {
            (void)mosquitto_callback_unregister(instance->identifier, event_rows[i].event,
                                                event_rows[i].callback, event_rows[i].topic);
        }
    }
    instance->registered = 0;
}

/* Why the broker did not take it, in words for the log. */
static void tell_optional(const struct host_instance *instance, const struct event_row *row, int rc)
{
    if (rc == ERR_ALREADY_EXISTS) {
        nx_log(&instance->host.log, NX_LOG_INFO,
               "nexus: %s events of %s go to the instance of another listener", row->name,
               row->topic != NULL ? row->topic : "clients");
    } else if (rc != MOSQ_ERR_NOT_SUPPORTED) {
        nx_log(&instance->host.log, NX_LOG_WARN,
               "nexus: the broker does not take a callback for %s (%d): works without", row->name,
               rc);
    }
}

enum nx_err host_events_register(struct host_instance *instance)
{
    for (size_t i = 0; i < EVENT_ROW_COUNT; i++) {
        const struct event_row *row = &event_rows[i];
        int rc = mosquitto_callback_register(instance->identifier, row->event, row->callback,
                                             row->topic, instance);

        if (rc == MOSQ_ERR_SUCCESS) {
            instance->registered |= 1U << i;
        } else if (row->optional) {
            tell_optional(instance, row, rc);
        } else {
            nx_log(&instance->host.log, NX_LOG_ERROR,
                   "nexus: the broker does not take a callback for %s (%d)", row->name, rc);
            return NX_ERR_UNSUPPORTED;
        }
    }
    return NX_OK;
}
