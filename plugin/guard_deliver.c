/*
 * guard_deliver.c - batches on nexus/_deliver/: what plugin/deliver.h asks of its surroundings,
 * answered by the guard.
 */
#include "plugin/guard_state.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
    PAUSE_MS_MIN = 250, /* of a link over its rate: a batch carries what that is worth */
    RESERVED_PART = 8,  /* of a burst: for what the link itself has to say, its status */
    EARNED = 4,         /* answers to useless batches and to questions, by a useful one */
};

struct delivery {
    struct nx_guard *guard;
    const void *client;
    struct nx_span username;
    struct nx_span from;
    struct nx_identity judged_as;
    struct nx_subject subject; /* the same */
    uint64_t begun_ms;
    /* What was found for the last reading holds for those of its domain and channel, whichever
       asset they are of. */
    struct nx_span domain_name; /* points into the batch */
    const struct nx_domain *domain;
    enum nx_verdict verdicts[NX_CHANNEL_CANONICAL + 1];
};

static uint64_t delivery_now_ms(void *ctx)
{
    const struct delivery *delivery = ctx;

    return delivery->guard->host->monotonic_ms();
}

static uint64_t delivery_sleeps(void *ctx)
{
    const struct delivery *delivery = ctx;

    return delivery->guard->host->sleeps();
}

static bool is_too_early(enum nx_reason reason)
{
    return reason == NX_REASON_RATE || reason == NX_REASON_BYTES;
}

/* Until the record may come, and at least until half a burst is saved up: no link sends crumbs. */
static uint32_t pause_ms(const struct delivery *delivery, const struct nx_publication *publication)
{
    const struct nx_limits *limits = &delivery->judged_as.limits;
    const struct nx_usage_message message = {.username = delivery->username,
                                             .bytes = publication->payload.len,
                                             .now_ms = publication->now_ms};
    uint64_t wait_ms = nx_usage_wait_ms(publication->usage, limits, &message);
    uint64_t half_ms = limits->burst_ns / NS_PER_MS / 2;
    uint64_t least_ms = half_ms < PAUSE_MS_MIN ? half_ms : PAUSE_MS_MIN;

    wait_ms = wait_ms > least_ms ? wait_ms : least_ms;
    return wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX;
}

static void delivery_look_up(struct delivery *delivery, struct nx_topic topic)
{
    const struct nx_rules *rules = &delivery->guard->rules;

    delivery->domain_name = topic.domain;
    delivery->domain = nx_city_domain(rules->city, topic.domain);
    for (topic.channel = NX_CHANNEL_OBSERVATION; topic.channel <= NX_CHANNEL_CANONICAL;
         topic.channel++) {
        delivery->verdicts[topic.channel] =
            nx_policy_publish(rules->config, rules->city, &delivery->subject, &topic);
    }
}

/* What is too early is not refused: it is neither counted nor told, and comes again. */
static void delivery_judge(void *ctx, const struct nx_delivery_reading *reading, bool words,
                           struct nx_delivery_verdict *out)
{
    struct delivery *delivery = ctx;
    struct nx_guard *guard = delivery->guard;
    struct nx_scene scene = {guard->rules.config, guard->rules.city};
    struct nx_publication publication = {.topic = nx_span_from(reading->name),
                                         .payload = reading->payload,
                                         .username = delivery->username,
                                         .subject = &delivery->subject,
                                         .retain = reading->retain,
                                         .parsed = &reading->topic,
                                         .now_ms = delivery->begun_ms};
    struct nx_judgement judgement;

    if (!nx_span_eq(delivery->domain_name, reading->topic.domain)) {
        delivery_look_up(delivery, reading->topic);
    }
    publication.verdict = delivery->verdicts[reading->topic.channel];
    publication.domain = delivery->domain;
    if (nx_limits_charge(&delivery->judged_as.limits)) {
        publication.usage = guard->usage;
    }
    nx_gate_judge(guard->gate, &scene, &publication, &judgement);
    out->admitted = judgement.reason == NX_REASON_ADMITTED || judgement.warned;
    out->counted = judgement.reason == NX_REASON_ADMITTED || judgement.reason >= NX_REASON_EMPTY;
    out->reason = judgement.reason;
    out->explanation.text[0] = '\0';
    if (is_too_early(judgement.reason)) {
        out->wait_ms = pause_ms(delivery, &publication);
        return;
    }
    guard_count(&guard->counters, &judgement, reading->payload.len);
    if (!out->admitted && words) {
        nx_gate_explain(guard->gate, &scene, &publication, &judgement, &out->explanation);
    }
    if (judgement.reason != NX_REASON_ADMITTED) {
        guard_tell(guard, &scene, delivery->client, &publication, &judgement);
    }
}

static bool delivery_publish(void *ctx, const struct nx_delivery_reading *reading,
                             const struct nx_host_pair *user, size_t user_count)
{
    struct nx_guard *guard = ((const struct delivery *)ctx)->guard;
    bool taken;

    guard->publishing = true;
    taken = guard->host->publish_reading(reading->name, reading->payload, reading->retain, user,
                                         user_count);
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

/* ---- what batches cost ---- */

static uint32_t delivery_shut_ms(void *ctx)
{
    const struct delivery *delivery = ctx;
    const struct nx_limits *limits = &delivery->judged_as.limits;
    uint64_t wait_ms;

    if (!nx_limits_charge(limits)) {
        return 0;
    }
    wait_ms = nx_usage_waste_wait_ms(delivery->guard->usage, limits, delivery->username,
                                     delivery->begun_ms);
    return wait_ms < UINT32_MAX ? (uint32_t)wait_ms : UINT32_MAX;
}

static bool delivery_may_tell(void *ctx, bool question, uint64_t *suppressed)
{
    const struct delivery *delivery = ctx;
    struct nx_guard *guard = delivery->guard;

    return nx_throttle_take(question ? guard->questions : guard->useless_batches, delivery->from,
                            delivery->begun_ms, suppressed);
}

/* No honest link makes one, however its connection breaks. A question may come from an old copy. */
static bool is_offence(const struct nx_delivery_bill *bill)
{
    return bill->outcome != NX_DELIVERY_TAKEN && bill->outcome != NX_DELIVERY_AGAIN &&
           bill->outcome != NX_DELIVERY_GAP && !bill->question;
}

static void note_bill(const struct delivery *delivery, const struct nx_delivery_bill *bill)
{
    struct nx_guard *guard = delivery->guard;
    const char *client_id = guard_client_id(guard, delivery->client);

    if (is_offence(bill)) {
        nx_offenders_note(guard->offenders, delivery->client, client_id, delivery->begun_ms);
    } else if (!bill->moved) {
        nx_offenders_note_useless(guard->offenders, delivery->client, client_id,
                                  delivery->begun_ms);
    }
}

static void delivery_charge(void *ctx, const struct nx_delivery_bill *bill)
{
    const struct delivery *delivery = ctx;
    const struct nx_limits *limits = &delivery->judged_as.limits;
    const struct nx_usage_batch batch = {.username = delivery->username,
                                         .useful = bill->useful,
                                         .useless = bill->useless,
                                         .now_ms = delivery->begun_ms};
    struct nx_guard *guard = delivery->guard;

    if (bill->opened && nx_limits_charge(limits)) {
        nx_usage_waste(guard->usage, limits, &batch);
    }
    if (bill->useful > 0) {
        nx_throttle_earn(guard->useless_batches, delivery->from, EARNED);
        nx_throttle_earn(guard->questions, delivery->from, EARNED);
    }
    note_bill(delivery, bill);
}

static const struct nx_delivery_toll toll = {
    .shut_ms = delivery_shut_ms, .may_tell = delivery_may_tell, .charge = delivery_charge};

/* This city's own bridge, within the limits of who delivers. */
static struct nx_identity judged_as(const struct nx_limits *limits)
{
    struct nx_identity identity = {.role = NX_ROLE_BRIDGE, .limits = *limits};

    identity.limits.burst_ns -= identity.limits.burst_ns / RESERVED_PART;
    return identity;
}

enum nx_answer guard_deliver(struct nx_guard *guard, const struct nx_message *message,
                             const char *username)
{
    const struct nx_identity *link = guard_subject(guard, message->client, username)->identity;
    struct delivery delivery = {.guard = guard,
                                .client = message->client,
                                .username = nx_span_from(username),
                                .judged_as = judged_as(&link->limits),
                                .subject = {.identity = &delivery.judged_as},
                                .begun_ms = guard->host->monotonic_ms()};
    const struct nx_delivery_ops ops = {.ctx = &delivery,
                                        .now_ms = delivery_now_ms,
                                        .sleeps = delivery_sleeps,
                                        .judge = delivery_judge,
                                        .publish = delivery_publish,
                                        .answer = delivery_answer,
                                        .note = delivery_note,
                                        .toll = &toll};
    struct nx_span payload = {message->payload,
                              message->payload != NULL ? message->payload_bytes : 0};
    struct nx_topic
        topic; /* of its own: what guard_recent gave may be another one before we are through */

    (void)nx_topic_parse(nx_span_from(message->topic), &topic, NULL);
    delivery.from = topic.city;
    return nx_deliver_take(guard->deliver, &ops, topic.city, payload, message->retain)
               ? NX_ANSWER_ALLOW
               : NX_ANSWER_DENY;
}
