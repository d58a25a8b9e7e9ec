/*
 * guard_state.h - what the files of the guard share. For plugin/guard*.c alone.
 *
 *   guard.c          the broker's questions: publish, message, receive, subscribe, login
 *   guard_life.c     made, reloaded, ticking, its status
 *   guard_tell.c     refusals: counted, told at _rejected, logged
 *   guard_deliver.c  batches on nexus/_deliver/
 *   guard_control.c  requests of operators on $CONTROL/nexus/v1
 */
#ifndef NX_PLUGIN_GUARD_STATE_H
#define NX_PLUGIN_GUARD_STATE_H

#include "plugin/guard.h"

#include "plugin/deliver.h"
#include "plugin/gate.h"
#include "plugin/offenders.h"
#include "plugin/recent.h"
#include "plugin/rules.h"
#include "plugin/status.h"
#include "plugin/subjects.h"
#include "plugin/surroundings.h"
#include "plugin/throttle.h"
#include "plugin/timing.h"
#include "plugin/usage.h"

enum {
    GUARD_CONFIG_TEXT_SIZE = 960,
    GUARD_LOG_NAME_SIZE = 160,
    GUARD_ANSWER_QOS = 1, /* to an operator or a link that has just asked */
};

struct nx_guard {
    const struct nx_host *host;
    struct nx_options options;
    struct nx_rules rules;
    struct nx_gate *gate;
    struct nx_deliver *deliver;
    struct nx_subjects *subjects;
    struct nx_recents *recents;
    struct nx_throttle *reports;                     /* by identity */
    struct nx_throttle *useless_batches, *questions; /* told of, by the city that delivers */
    struct nx_bucket log_lines;
    struct nx_usage *usage;
    struct nx_offenders *offenders;
    struct nx_counters counters;
    struct nx_timing publish_timing, receive_timing;
    struct nx_message admitted; /* what access control let pass last; client NULL: nothing */
    enum nx_reason later;       /* what it is to be refused for at its message event, or ADMITTED */
    struct nx_surroundings_paths paths;
    char surroundings_text[NX_SURROUNDINGS_TEXT_SIZE];
    char config_text[GUARD_CONFIG_TEXT_SIZE];
    uint64_t started_ms;    /* monotonic */
    uint64_t status_due_ms; /* monotonic */
    uint64_t rest_due_ms;   /* monotonic: the next look at what was only counted */
    uint64_t ticked_ms;     /* monotonic: the time at the last tick that asked for it */
    unsigned ticks_alike;   /* in a row, at that very time */
    unsigned ticks_blind;   /* so many more need not ask */
    bool publishing;        /* within a publication of ours */
};

static inline struct nx_known *guard_known(struct nx_guard *guard, const void *client,
                                           const char *username)
{
    return nx_subjects_find(guard->subjects, guard->rules.city, guard->rules.generation, client,
                            username);
}

static inline const struct nx_recent *guard_recent(struct nx_guard *guard, const char *topic)
{
    return nx_recents_find(guard->recents, guard->rules.city, guard->rules.generation, topic);
}

static inline const struct nx_subject *guard_subject(struct nx_guard *guard, const void *client,
                                                     const char *username)
{
    return &guard_known(guard, client, username)->subject;
}

static inline const char *guard_username(const struct nx_guard *guard, const void *client)
{
    return client != NULL ? guard->host->client_username(client) : NULL;
}

static inline const char *guard_client_id(const struct nx_guard *guard, const void *client)
{
    return client != NULL ? guard->host->client_id(client) : NULL;
}

/* guard_tell.c */
void guard_count(struct nx_counters *counters, const struct nx_judgement *judgement,
                 size_t payload_bytes);
/* Tells a refusal, unless its identity has had its share; explaining is paid for only then. */
__attribute__((cold)) void guard_tell(struct nx_guard *guard, const struct nx_scene *scene,
                                      const void *client, const struct nx_publication *publication,
                                      const struct nx_judgement *judgement);
/* Tells how many were only counted, of each identity of which no more come. */
void guard_tell_rest(struct nx_guard *guard, uint64_t now_ms);
/* One line for the operator, cleaned and rate-limited over all identities. */
__attribute__((cold)) void guard_log(struct nx_guard *guard, const char *what, const char *subject,
                                     struct nx_span username, const char *why);
/* Publishes in our own name and takes `json` back to its maker. */
bool guard_publish_json(struct nx_guard *guard, const char *topic, char *json, int qos,
                        bool retain);

/* guard_deliver.c: the batch that a link, who may, has published. */
enum nx_answer guard_deliver(struct nx_guard *guard, const struct nx_message *message,
                             const char *username);

/* guard_life.c */
char *guard_status_json(const struct nx_guard *guard, uint64_t now_ms);
/* Faults of the configuration go to `faults_log`. */
enum nx_err guard_reload(struct nx_guard *guard, const struct nx_log *faults_log);

#endif
