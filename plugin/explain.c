/*
 * explain.c - asks the policy or the gate, then finds the rule and the words for what it said.
 */
#include "plugin/explain.h"

#include "plugin/text.h"
#include "plugin/words.h"

#include <stdio.h>

enum { RIGHTS_TOLD_MAX = 6 };

static const char *const outcome_names[] = {
    [NX_OUTCOME_ALLOWED] = "allowed",
    [NX_OUTCOME_WARNED] = "warned",
    [NX_OUTCOME_DENIED] = "denied",
    [NX_OUTCOME_OUTSIDE] = "outside",
};

const char *nx_outcome_name(enum nx_outcome outcome)
{
    return outcome_names[outcome];
}

/* --- words --------------------------------------------------------------------------------- */

struct rights_words {
    struct nx_buf *out;
    unsigned count;
};

static bool add_right(void *ctx, const struct nx_right *right)
{
    struct rights_words *words = ctx;

    if (words->count++ == RIGHTS_TOLD_MAX) {
        (void)nx_buf_str(words->out, ", and more");
        return false;
    }
    (void)nx_buf_printf(words->out, "%s %.*s", words->count == 1 ? "" : ",",
                        NX_SPAN_ARG(right->pattern));
    return true;
}

/* Why nothing is received there, and what would be. */
static void words_receive(const struct nx_scene *scene, const struct nx_question *q,
                          struct nx_decision *d)
{
    const struct nx_identity *identity = d->subject.identity;
    struct nx_buf buf;
    struct rights_words words = {.out = &buf};

    nx_buf_init(&buf, sizeof(d->explanation.text) - 1);
    if (identity == NULL) {
        (void)nx_buf_printf(&buf, "%s has no role at the broker of %.*s, and receives nothing",
                            q->username.ptr != NULL ? "this identity" : "an anonymous client",
                            NX_SPAN_ARG(scene->city->name));
    } else {
        (void)nx_buf_printf(&buf, "%s; the role %s receives",
                            q->access == NX_ACCESS_SUBSCRIBE
                                ? "the filter takes nothing that this identity may receive"
                                : "this topic is not this identity's to receive",
                            nx_role_name(identity->role));
        nx_rights_each(scene->config, scene->city, &d->subject, q->access, add_right, &words);
    }
    (void)nx_text_clean(nx_buf_view(&buf), NX_TEXT_JSON, d->explanation.text,
                        sizeof(d->explanation.text));
    nx_buf_fini(&buf);
}

static void set_text(struct nx_decision *d, const char *text)
{
    (void)snprintf(d->explanation.text, sizeof(d->explanation.text), "%s", text);
}

/* --- decisions ----------------------------------------------------------------------------- */

static void settle(struct nx_decision *d, enum nx_outcome outcome, const char *reason,
                   const char *text)
{
    d->outcome = outcome;
    d->reason = reason;
    if (text != NULL) {
        set_text(d, text);
    }
}

static void explain_control(const struct nx_question *q, struct nx_decision *d)
{
    if (nx_control_allows(&d->subject, q->access, q->topic)) {
        settle(d, NX_OUTCOME_ALLOWED, "admitted", "an operator asks the plugin here");
    } else {
        settle(d, NX_OUTCOME_DENIED, nx_verdict_name(NX_DENIED_ROLE),
               "below $CONTROL/nexus/ operators publish " NX_CONTROL_TOPIC
               " and receive " NX_CONTROL_RESPONSE ", and nobody does anything else");
    }
}

/* "it is": a topic; "it takes topics that are": a filter. */
#define OUTSIDE_TEXT                                                                               \
    " not below nexus/: with plugin_opt_outside allow the plugin grants it, with defer the "       \
    "broker's acl_file or dynamic security decides"

static void explain_outside(struct nx_decision *d, bool subscribing)
{
    settle(d, NX_OUTCOME_OUTSIDE, "outside",
           subscribing ? "it takes topics that are" OUTSIDE_TEXT : "it is" OUTSIDE_TEXT);
}

/* Identity and namespace alone: there is no payload yet. */
static enum nx_reason judge_topic(const struct nx_scene *scene, const struct nx_publication *p)
{
    struct nx_topic topic;

    (void)nx_topic_parse(p->topic, &topic, NULL);
    return (enum nx_reason)nx_policy_publish(scene->config, scene->city, p->subject, &topic);
}

static void explain_publish(struct nx_gate *gate, const struct nx_scene *scene,
                            const struct nx_question *q, struct nx_decision *d)
{
    const struct nx_publication publication = {.topic = q->topic,
                                               .payload = q->payload,
                                               .username = q->username,
                                               .subject = &d->subject,
                                               .retain = q->retain};
    struct nx_judgement judgement = {0};

    if (q->with_payload) {
        nx_gate_judge(gate, scene, &publication, &judgement);
    } else {
        judgement.reason = judge_topic(scene, &publication);
    }
    d->schema_name = judgement.schema_name;
    settle(d, judgement.warned ? NX_OUTCOME_WARNED : NX_OUTCOME_DENIED,
           nx_reason_name(judgement.reason), NULL);
    if (judgement.reason == NX_REASON_ADMITTED) {
        d->outcome = NX_OUTCOME_ALLOWED;
        set_text(d, q->with_payload ? "the identity may publish there, and the payload is admitted"
                                    : "the identity may publish there; no payload was judged");
    } else if (q->with_payload) {
        nx_gate_explain(gate, scene, &publication, &judgement, &d->explanation);
    } else {
        nx_words_refusal(scene, &publication, judgement.reason, 0, d->explanation.text,
                         sizeof(d->explanation.text));
    }
}

static void explain_receive(const struct nx_scene *scene, const struct nx_question *q,
                            struct nx_decision *d)
{
    struct nx_topic topic;
    enum nx_verdict verdict;

    (void)nx_topic_parse(q->topic, &topic, NULL);
    verdict = nx_policy_receive(scene->config, scene->city, &d->subject, &topic);
    if (verdict == NX_ALLOWED) {
        settle(d, NX_OUTCOME_ALLOWED, "admitted", "messages of this topic are delivered to it");
    } else {
        settle(d, NX_OUTCOME_DENIED, nx_verdict_name(verdict), NULL);
        words_receive(scene, q, d);
    }
}

static void explain_subscribe(const struct nx_scene *scene, const struct nx_question *q,
                              struct nx_decision *d)
{
    if (!nx_filter_valid(q->topic)) {
        settle(d, NX_OUTCOME_DENIED, nx_verdict_name(NX_DENIED_TOPIC),
               "this is no topic filter (MQTT 5 section 4.7.1)");
        return;
    }
    switch (nx_policy_subscribe(scene->config, scene->city, &d->subject, q->topic)) {
    case NX_REACH_NEXUS:
        settle(d, NX_OUTCOME_ALLOWED, "admitted",
               "the subscription is granted, and each message judged again when it is delivered");
        return;
    case NX_REACH_OUTSIDE:
        explain_outside(d, true);
        return;
    case NX_REACH_NONE:
        break;
    }
    settle(d, NX_OUTCOME_DENIED,
           nx_verdict_name(d->subject.identity == NULL ? NX_DENIED_IDENTITY : NX_DENIED_ROLE),
           NULL);
    words_receive(scene, q, d);
}

void nx_explain(struct nx_gate *gate, const struct nx_scene *scene, const struct nx_question *q,
                struct nx_decision *out)
{
    bool subscribing = q->access == NX_ACCESS_SUBSCRIBE;
    struct nx_span what = subscribing ? nx_filter_unshare(q->topic) : q->topic;

    *out = (struct nx_decision){.subject = nx_policy_subject(scene->city, q->username)};
    if (nx_control_owns(what)) {
        explain_control(q, out);
    } else if (!subscribing && !nx_span_starts(what, NX_SPAN("nexus/"))) {
        explain_outside(out, false);
    } else if (subscribing) {
        explain_subscribe(scene, q, out);
    } else if (q->access == NX_ACCESS_RECEIVE) {
        explain_receive(scene, q, out);
    } else {
        explain_publish(gate, scene, q, out);
    }
    (void)nx_rights_rule(scene->config, scene->city, &out->subject, q->access, q->topic, out->rule);
}
