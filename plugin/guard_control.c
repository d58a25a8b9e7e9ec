/*
 * guard_control.c - requests of operators on $CONTROL/nexus/v1: what plugin/control.h asks of its
 * surroundings, answered by the guard. Access was checked before, and is again here: what a
 * broker's own bridge imports never went through it.
 */
#include "plugin/guard_state.h"

#include "plugin/control.h"

#include "core/rights.h"

#include <cjson/cJSON.h>

static struct nx_scene control_scene(void *ctx)
{
    const struct nx_guard *guard = ctx;

    return (struct nx_scene){guard->rules.config, guard->rules.city};
}

static char *control_status(void *ctx)
{
    const struct nx_guard *guard = ctx;

    return guard_status_json(guard, guard->host->monotonic_ms());
}

static enum nx_err control_reload(void *ctx, const struct nx_log *log)
{
    return guard_reload(ctx, log);
}

static uint64_t control_generation(void *ctx)
{
    const struct nx_guard *guard = ctx;

    return guard->rules.generation;
}

static void answer_operator(struct nx_guard *guard, const struct nx_message *message)
{
    const struct nx_control control = {.ctx = guard,
                                       .scene = control_scene,
                                       .gate = guard->gate,
                                       .status = control_status,
                                       .reload = control_reload,
                                       .generation = control_generation,
                                       .log = &guard->host->log,
                                       .seed = guard->host->seed};
    char *answer =
        nx_control_answer(&control, (struct nx_span){message->payload, message->payload_bytes});

    guard->publishing = true;
    if (answer == NULL ||
        !guard->host->publish_to(guard_client_id(guard, message->client), NX_CONTROL_RESPONSE,
                                 nx_span_from(answer), GUARD_ANSWER_QOS)) {
        nx_log(&guard->host->log, NX_LOG_ERROR, "nexus: an operator was not answered: no memory");
    }
    guard->publishing = false;
    cJSON_free(answer);
}

void nx_guard_control(struct nx_guard *guard, const struct nx_message *message)
{
    const char *username = guard_username(guard, message->client);

    guard->admitted = (struct nx_message){0};
    if (nx_control_allows(guard_subject(guard, message->client, username), NX_ACCESS_PUBLISH,
                          nx_span_from(message->topic))) {
        answer_operator(guard, message);
    } else {
        guard_log(guard, "refused request at", message->topic, nx_span_from(username),
                  "only operators ask here");
    }
}
