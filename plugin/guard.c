/*
 * guard.c - answers the broker's events.
 *
 *   ACL WRITE ----> nx_guard_publish --> judge --> admitted: remember the addresses
 *                                              \-> refused: count, tell at _rejected, log
 *   MESSAGE ------> nx_guard_message --> remembered? pass : judge as above
 *   ACL READ -----> nx_guard_receive --> the identity's right to the topic
 *   ACL SUBSCRIBE > nx_guard_subscribe > refused only if nothing it takes may be received
 *
 * (G1) rules hold a whole configuration at any time: a reload swaps or leaves.
 * (G2) what is published below nexus/ by a client was judged exactly once.
 * (G3) what we publish ourselves is never judged: it cannot cause another report.
 */
#include "plugin/guard_state.h"

#include "core/rights.h"

/* The cheap test that spares most of a busy broker's foreign traffic any further look. */
static bool below_nexus(const char *topic)
{
    return topic[0] == 'n' && topic[1] == 'e' && topic[2] == 'x' && topic[3] == 'u' &&
           topic[4] == 's' && topic[5] == '/'; /* ends at a NUL by itself */
}

static enum nx_answer outside(const struct nx_guard *guard)
{
    if (guard->options.outside == NX_OUTSIDE_DEFER) {
        return NX_ANSWER_DEFER;
    }
    return guard->host->ignores ? NX_ANSWER_IGNORE : NX_ANSWER_ALLOW;
}

/* A topic or filter outside nexus/: none of ours, unless it is where operators ask us. */
static enum nx_answer elsewhere(struct nx_guard *guard, const void *client, enum nx_access access,
                                struct nx_span what)
{
    if (!nx_control_owns(what)) {
        return outside(guard);
    }
    return nx_control_allows(guard_subject(guard, client, guard_username(guard, client)), access,
                             what)
               ? NX_ANSWER_ALLOW
               : NX_ANSWER_DENY;
}

/* The message as the gate judges it. Its usage is left out where nothing is limited. */
static inline struct nx_publication see(struct nx_guard *guard, const struct nx_message *message,
                                        const char *username)
{
    struct nx_known *known = guard_known(guard, message->client, username);
    const struct nx_identity *identity = known->subject.identity;
    const struct nx_recent *recent = guard_recent(guard, message->topic);
    bool charged = identity != NULL && nx_limits_charge(&identity->limits);

    return (struct nx_publication){
        .topic = {message->topic, recent->text_len},
        .payload = {message->payload, message->payload != NULL ? message->payload_bytes : 0},
        .username = known->username,
        .subject = &known->subject,
        .retain = message->retain,
        .parsed = &recent->topic,
        .verdict = nx_known_publish(known, guard->rules.config, guard->rules.city, recent),
        .domain = recent->domain,
        .usage = charged ? guard->usage : NULL,
        .now_ms = charged ? guard->host->monotonic_ms() : 0,
    };
}

/* `late`: a message event follows, where a rate can be refused with a reason of its own. */
static enum nx_answer judge(struct nx_guard *guard, const struct nx_message *message, bool late)
{
    const char *username = guard_username(guard, message->client);
    struct nx_scene scene = {guard->rules.config, guard->rules.city};
    struct nx_publication publication = see(guard, message, username);
    struct nx_judgement judgement;

    guard->later = NX_REASON_ADMITTED;
    if (publication.verdict == NX_ALLOWED && publication.parsed->kind == NX_TOPIC_DELIVER) {
        return guard_deliver(guard, message, username);
    }
    publication.late_rates = late;
    nx_gate_judge(guard->gate, &scene, &publication, &judgement);
    guard_count(&guard->counters, &judgement, publication.payload.len);
    guard->later = judgement.later;
    if (judgement.reason == NX_REASON_ADMITTED) {
        return NX_ANSWER_ALLOW;
    }
    guard_tell(guard, &scene, message->client, &publication, &judgement);
    return judgement.warned ? NX_ANSWER_ALLOW : NX_ANSWER_DENY;
}

/* One more refusal of that client. A city must not be cut off by one bad record of its bridge. */
__attribute__((cold)) static void note_offence(struct nx_guard *guard,
                                               const struct nx_message *message)
{
    const struct nx_identity *identity =
        guard_subject(guard, message->client, guard_username(guard, message->client))->identity;

    if (identity == NULL || (identity->role != NX_ROLE_BRIDGE && identity->role != NX_ROLE_LINK)) {
        nx_offenders_note(guard->offenders, message->client,
                          guard_client_id(guard, message->client), guard->host->monotonic_ms());
    }
}

/* What access control counted as admitted, because only now it can be refused with its reason. */
__attribute__((cold)) static enum nx_answer
refuse_late(struct nx_guard *guard, const struct nx_message *message, enum nx_reason reason)
{
    const char *username = guard_username(guard, message->client);
    struct nx_scene scene = {guard->rules.config, guard->rules.city};
    struct nx_publication publication = see(guard, message, username);
    struct nx_judgement judgement = {.reason = reason, .topic = publication.parsed};

    nx_usage_return(guard->usage);
    guard->counters.admitted--;
    guard->counters.payload_bytes -= publication.payload.len;
    guard_count(&guard->counters, &judgement, publication.payload.len);
    guard_tell(guard, &scene, message->client, &publication, &judgement);
    note_offence(guard, message);
    return NX_ANSWER_QUOTA;
}

enum nx_answer nx_guard_publish(struct nx_guard *guard, const struct nx_message *message)
{
    enum nx_answer answer;
    uint64_t began_ns = 0;
    bool timed;

    guard->admitted.client = NULL;
    if (guard->publishing) {
        return NX_ANSWER_ALLOW;
    }
    if (!below_nexus(message->topic)) {
        return elsewhere(guard, message->client, NX_ACCESS_PUBLISH, nx_span_from(message->topic));
    }
    timed = nx_timing_begin(&guard->publish_timing);
    if (timed) {
        began_ns = guard->host->monotonic_ns();
    }
    answer = judge(guard, message, guard->host->has_quota);
    if (timed) {
        nx_timing_add(&guard->publish_timing, guard->host->monotonic_ns() - began_ns);
    }
    if (answer == NX_ANSWER_ALLOW) {
        guard->admitted = *message;
    } else {
        note_offence(guard, message);
    }
    return answer;
}

static bool is_same(const struct nx_message *a, const struct nx_message *b)
{
    return a->client != NULL && a->client == b->client && a->topic == b->topic &&
           a->payload == b->payload && a->payload_bytes == b->payload_bytes &&
           a->retain == b->retain;
}

enum nx_answer nx_guard_message(struct nx_guard *guard, const struct nx_message *message)
{
    bool judged = is_same(&guard->admitted, message);

    guard->admitted.client = NULL; /* good for one message: addresses are used anew */
    if (judged) {
        return guard->later == NX_REASON_ADMITTED ? NX_ANSWER_ALLOW
                                                  : refuse_late(guard, message, guard->later);
    }
    if (guard->publishing || !below_nexus(message->topic)) {
        return NX_ANSWER_ALLOW;
    }
    return judge(guard, message, false);
}

enum nx_answer nx_guard_receive(struct nx_guard *guard, const void *client, const char *topic)
{
    const struct nx_city *city = guard->rules.city;
    const struct nx_recent *recent;
    enum nx_verdict verdict;
    uint64_t began_ns = 0;
    bool timed;

    if (!below_nexus(topic)) {
        return elsewhere(guard, client, NX_ACCESS_RECEIVE, nx_span_from(topic));
    }
    timed = nx_timing_begin(&guard->receive_timing);
    if (timed) {
        began_ns = guard->host->monotonic_ns();
    }
    recent = guard_recent(guard, topic);
    verdict = nx_known_receive(guard_known(guard, client, guard_username(guard, client)),
                               guard->rules.config, city, recent);
    if (timed) {
        nx_timing_add(&guard->receive_timing, guard->host->monotonic_ns() - began_ns);
    }
    guard->counters.deliveries_denied += verdict != NX_ALLOWED;
    return verdict == NX_ALLOWED ? NX_ANSWER_ALLOW : NX_ANSWER_DENY;
}

/*
 * A filter is granted if it takes anything that the identity may receive, "#" among them: each
 * message is judged again at its delivery (nx_guard_receive), so a wide filter opens nothing.
 */
enum nx_answer nx_guard_subscribe(struct nx_guard *guard, const void *client, const char *filter)
{
    const char *username = guard_username(guard, client);
    const struct nx_subject *subject = guard_subject(guard, client, username);

    switch (nx_policy_subscribe(guard->rules.config, guard->rules.city, subject,
                                nx_span_from(filter))) {
    case NX_REACH_NEXUS:
        return NX_ANSWER_ALLOW;
    case NX_REACH_OUTSIDE:
        return elsewhere(guard, client, NX_ACCESS_SUBSCRIBE,
                         nx_filter_unshare(nx_span_from(filter)));
    case NX_REACH_NONE:
        break;
    }
    guard->counters.subscriptions_refused++;
    /* the SUBACK tells the client that, of any protocol version; this tells the operator why */
    guard_log(guard, "refused subscription", filter, nx_span_from(username),
              "nothing that it takes may be received by this identity");
    return NX_ANSWER_DENY;
}

/* Nobody is held to a subscription: never denied, whatever it was that granted it. */
enum nx_answer nx_guard_unsubscribe(struct nx_guard *guard, const void *client, const char *filter)
{
    struct nx_span unshared = nx_filter_unshare(nx_span_from(filter));

    (void)client;
    return below_nexus(unshared.ptr) || nx_control_owns(unshared) ? NX_ANSWER_ALLOW
                                                                  : outside(guard);
}

enum nx_answer nx_guard_login(struct nx_guard *guard, const void *client, const char *username)
{
    const char *client_id = guard_client_id(guard, client);
    struct nx_subject subject;

    if (!nx_span_starts(nx_span_from(client_id), NX_SPAN("nexus-bridge-"))) {
        return NX_ANSWER_DEFER;
    }
    subject = nx_policy_subject(guard->rules.city, nx_span_from(username));
    if (subject.identity != NULL &&
        (subject.identity->role == NX_ROLE_BRIDGE || subject.identity->role == NX_ROLE_LINK)) {
        return NX_ANSWER_DEFER; /* the password is somebody else's to check */
    }
    guard->counters.logins_refused++;
    guard_log(guard, "refused login of client", client_id, nx_span_from(username),
              "client identifiers that begin with nexus-bridge- belong to bridges and links");
    return NX_ANSWER_DENY;
}

void nx_guard_forget(struct nx_guard *guard, const void *client)
{
    nx_subjects_forget(guard->subjects, client);
    nx_offenders_forget(guard->offenders, client);
    guard->admitted = (struct nx_message){0};
}
