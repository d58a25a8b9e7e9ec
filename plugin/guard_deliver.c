/*
 * guard_deliver.c - batches on nexus/_deliver/: what plugin/deliver.h asks of its surroundings,
 * answered by the guard.
 */
#include "plugin/guard_state.h"

struct delivery {
    struct nx_guard *guard;
    const void *client;
    struct nx_span username;
};

static uint64_t delivery_now_ms(void *ctx)
{
    const struct delivery *delivery = ctx;

    return delivery->guard->host->monotonic_ms();
}

/* What a link delivers is judged as if this city's own bridge had published it. */
static void delivery_judge(void *ctx, const char *topic, struct nx_span payload, bool retain,
                           bool words, struct nx_delivery_verdict *out)
{
    static const struct nx_identity bridge = {.role = NX_ROLE_BRIDGE};
    const struct delivery *delivery = ctx;
    struct nx_guard *guard = delivery->guard;
    struct nx_subject subject = {.identity = &bridge};
    struct nx_scene scene = {guard->rules.config, guard->rules.city};
    struct nx_publication publication = {.topic = nx_span_from(topic),
                                         .payload = payload,
                                         .username = delivery->username,
                                         .subject = &subject,
                                         .retain = retain};
    struct nx_judgement judgement;

    nx_gate_judge(guard->gate, &scene, &publication, &judgement);
    guard_count(&guard->counters, &judgement, payload.len);
    out->admitted = judgement.reason == NX_REASON_ADMITTED || judgement.warned;
    out->reason = judgement.reason;
    out->explanation.text[0] = '\0';
    if (!out->admitted && words) {
        nx_gate_explain(guard->gate, &scene, &publication, &judgement, &out->explanation);
    }
    if (judgement.reason != NX_REASON_ADMITTED) {
        guard_tell(guard, &scene, delivery->client, &publication, &judgement);
    }
}

static bool delivery_publish(void *ctx, const char *topic, struct nx_span payload, bool retain,
                             const struct nx_host_pair *user, size_t user_count)
{
    struct nx_guard *guard = ((const struct delivery *)ctx)->guard;
    bool taken;

    guard->publishing = true;
    taken = guard->host->publish_reading(topic, payload, retain, user, user_count);
    guard->publishing = false;
    return taken;
}

static bool delivery_answer(void *ctx, const char *topic, const char *json)
{
    struct nx_guard *guard = ((const struct delivery *)ctx)->guard;
    bool taken;

    guard->publishing = true;
    taken = guard->host->publish(topic, nx_span_from(json), GUARD_ANSWER_QOS, false);
    guard->publishing = false;
    return taken;
}

static void delivery_note(void *ctx, const char *topic, const char *what)
{
    const struct delivery *delivery = ctx;

    guard_log(delivery->guard, "delivery", topic, delivery->username, what);
}

enum nx_answer guard_deliver(struct nx_guard *guard, const struct nx_message *message,
                             const char *username)
{
    struct delivery delivery = {guard, message->client, nx_span_from(username)};
    const struct nx_delivery_ops ops = {.ctx = &delivery,
                                        .now_ms = delivery_now_ms,
                                        .judge = delivery_judge,
                                        .publish = delivery_publish,
                                        .answer = delivery_answer,
                                        .note = delivery_note};
    struct nx_span payload = {message->payload,
                              message->payload != NULL ? message->payload_bytes : 0};
    struct nx_topic topic; /* of its own: guard->recent may be another one before we are through */

    (void)nx_topic_parse(nx_span_from(message->topic), &topic, NULL);
    return nx_deliver_take(guard->deliver, &ops, topic.city, payload, message->retain)
               ? NX_ANSWER_ALLOW
               : NX_ANSWER_DENY;
}
