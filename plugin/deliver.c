/*
 * deliver.c - opens batches, record by record, and answers the link.
 */
#include "plugin/deliver.h"

#include "plugin/congestion.h"
#include "plugin/deliver_answer.h"
#include "plugin/deliver_askers.h"
#include "plugin/deliver_status.h"
#include "plugin/deliver_texts.h"
#include "plugin/marks_file.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    AUTOSAVE_SLACK_MS = 2000, /* whole seconds, and one more */
    TICKLESS_MS_MAX = 10000,  /* so long a turn means that this broker gives no ticks */
    USEFUL_EXTRA_MAX = 512,   /* of a record that counts, beside its payload: stream, properties */
};

struct nx_deliver {
    const struct nx_log *log;
    struct nx_marks_file *file; /* NULL: the marks live in memory only */
    struct nx_delivery_counters counters;
    struct nx_delivery_texts texts;
    struct nx_congestion congestion;
    struct nx_delivery_askers askers;
    uint64_t first_ms; /* when the first batch came; 0: none has */
    bool ticked, tickless_told;
    char city[NX_MARKS_NAME_SIZE];
    struct nx_marks marks;
};

/* One batch on its way through. */
struct job {
    struct nx_deliver *deliver;
    const struct nx_delivery_ops *ops;
    struct nx_span from;
    struct nx_mark_entry *entry; /* NULL: no mark is known */
    struct nx_batch_reader reader;
    struct nx_delivery_answer answer;
    uint64_t begun_ms;
    uint64_t published;
    bool progress;                      /* a record of this batch has been judged */
    struct nx_delivery_verdict verdict; /* on the record that was judged last */
    struct nx_delivery_bill bill;
    bool asked, told; /* whether it may be told; the answer */
};

static const char *const outcome_names[NX_DELIVERY_OUTCOME_COUNT] = {
    [NX_DELIVERY_TAKEN] = "taken",     [NX_DELIVERY_AGAIN] = "again",
    [NX_DELIVERY_GAP] = "gap",         [NX_DELIVERY_STALE] = "stale",
    [NX_DELIVERY_DAMAGED] = "damaged", [NX_DELIVERY_LIMIT] = "limit",
    [NX_DELIVERY_REFUSED] = "refused",
};

const char *nx_delivery_outcome_name(enum nx_delivery_outcome outcome)
{
    return outcome_names[outcome];
}

enum nx_err nx_deliver_new(const char *city, const char *state, uint64_t autosave_ms,
                           const struct nx_log *log, struct nx_deliver **out, struct nx_diag *diag)
{
    struct nx_deliver *deliver = calloc(1, sizeof(*deliver));
    enum nx_err err = NX_OK;

    *out = NULL;
    if (deliver == NULL) {
        return NX_ERR_NOMEM;
    }
    deliver->log = log;
    deliver->marks.age_ms = autosave_ms > 0 ? autosave_ms + AUTOSAVE_SLACK_MS : 0;
    nx_delivery_texts_init(&deliver->texts);
    (void)nx_span_copy(nx_span_from(city), deliver->city, sizeof(deliver->city));
    if (state[0] != '\0') {
        err = nx_marks_file_open(state, city, &deliver->marks, log, &deliver->file, diag);
    } else {
        nx_log(
            log, NX_LOG_NOTICE,
            "nexus: no plugin_opt_state: with a restart of this broker it forgets how far it has "
            "taken what links deliver");
    }
    if (err != NX_OK) {
        nx_deliver_free(deliver);
        return err;
    }
    *out = deliver;
    return NX_OK;
}

void nx_deliver_free(struct nx_deliver *deliver)
{
    if (deliver != NULL) {
        nx_marks_file_close(deliver->file, &deliver->marks);
        nx_delivery_texts_fini(&deliver->texts);
        free(deliver);
    }
}

/* ---- one record ---- */

static bool publish(struct job *job, const struct nx_batch_record *record,
                    const struct nx_delivery_reading *reading)
{
    struct nx_host_pair pairs[NX_DELIVERY_PAIRS_MAX];
    size_t count = nx_delivery_texts_pairs(&job->deliver->texts, record, pairs);

    return count > 0 && job->ops->publish(job->ops->ctx, reading, pairs, count);
}

/* The record as what it is going to be. Its stream was checked when the batch was opened. */
static struct nx_delivery_reading reading_of(struct job *job, const struct nx_batch_record *record)
{
    struct nx_span asset = record->stream;
    struct nx_span domain = nx_span_cut(&asset, '/');

    return (struct nx_delivery_reading){.name =
                                            nx_delivery_texts_name(&job->deliver->texts, record),
                                        .topic = {.kind = NX_TOPIC_STREAM,
                                                  .channel = record->channel,
                                                  .city = job->from,
                                                  .domain = domain,
                                                  .asset = asset},
                                        .payload = record->payload,
                                        .retain = record->retain};
}

enum settling {
    SETTLED,   /* published, or refused for good */
    TOO_EARLY, /* more than the link's rate allows now */
    NO_MEMORY,
};

static enum settling settle_record(struct job *job, const struct nx_batch_record *record)
{
    struct nx_delivery_counters *counters = &job->deliver->counters;
    struct nx_delivery_reading reading = reading_of(job, record);
    struct nx_delivery_verdict *verdict = &job->verdict;

    job->ops->judge(job->ops->ctx, &reading,
                    job->answer.refused_count < NX_DELIVER_REFUSALS_TOLD_MAX, verdict);
    if (verdict->admitted) {
        if (!publish(job, record, &reading)) {
            return NO_MEMORY;
        }
        counters->published++;
        job->published++;
        return SETTLED;
    }
    if (verdict->reason == NX_REASON_RATE || verdict->reason == NX_REASON_BYTES) {
        job->answer.wait_ms = verdict->wait_ms;
        return TOO_EARLY;
    }
    if (verdict->reason == NX_REASON_INTERNAL ||
        !nx_delivery_answer_refuse(&job->answer, record, verdict)) {
        return NO_MEMORY;
    }
    counters->refused++;
    return SETTLED;
}

/* ---- what it costs ---- */

/* Opened, it may only make matters worse: its link has had more than enough of no use. */
static bool is_shut(struct job *job)
{
    const struct nx_delivery_toll *toll = job->ops->toll;

    job->answer.wait_ms = toll != NULL ? toll->shut_ms(job->ops->ctx) : 0;
    if (job->answer.wait_ms == 0) {
        return false;
    }
    job->deliver->counters.unopened++;
    (void)snprintf(job->answer.text, sizeof(job->answer.text),
                   "not opened: more batches came to nothing (damaged, repeated, out of turn) than "
                   "its rate allows");
    return true;
}

/* Asked once for each batch: answer and line go together. */
static bool may_tell(struct job *job)
{
    const struct nx_delivery_toll *toll = job->ops->toll;

    if (!job->asked) {
        job->asked = true;
        job->told = toll == NULL ||
                    toll->may_tell(job->ops->ctx, job->bill.question, &job->answer.suppressed);
    }
    return job->told;
}

static void note(struct job *job, const char *topic, const char *what)
{
    char line[640];

    if (may_tell(job)) {
        (void)snprintf(line, sizeof(line), "%s", what);
        if (job->answer.suppressed > 0) {
            (void)snprintf(line, sizeof(line), "%s [%" PRIu64 " more of this city's not told]",
                           what, job->answer.suppressed);
        }
        job->ops->note(job->ops->ctx, topic, line);
    }
}

/* A record of `bytes` in the batch has been settled. */
static void count_useful(struct job *job, const struct nx_batch_record *record, size_t bytes)
{
    size_t most = record->payload.len + USEFUL_EXTRA_MAX;

    if (job->verdict.counted) {
        job->bill.useful += bytes < most ? bytes : most;
    }
}

static void charge(struct job *job, size_t payload_bytes)
{
    struct nx_delivery_bill *bill = &job->bill;

    bill->outcome = job->answer.outcome;
    bill->useless = payload_bytes - bill->useful;
    if (job->ops->toll != NULL) {
        job->ops->toll->charge(job->ops->ctx, bill);
    }
}

/* ---- one batch ---- */

/* May a further number be begun in this turn? One is always. */
static bool has_time(const struct job *job)
{
    return !job->progress ||
           job->ops->now_ms(job->ops->ctx) - job->begun_ms <= NX_DELIVER_TURN_MS_MAX;
}

static enum nx_delivery_outcome again(struct job *job, const char *why)
{
    (void)snprintf(job->answer.text, sizeof(job->answer.text), "%s; go on behind the mark", why);
    return NX_DELIVERY_AGAIN;
}

static enum nx_delivery_outcome take_records(struct job *job)
{
    struct nx_mark_entry *entry = job->entry;
    struct nx_batch_record record;
    enum settling settling;
    size_t before = job->reader.rest.len;

    for (; nx_batch_next(&job->reader, &record); before = job->reader.rest.len) {
        if (nx_mark_has(entry, record.seq, record.channel)) {
            job->deliver->counters.repeated++;
            continue;
        }
        if (record.seq - 1 > entry->live.seq) { /* what is before this number is complete */
            nx_mark_advance(entry, record.seq - 1);
            if (!has_time(job)) {
                return again(job, "this was as much as one turn of the broker takes");
            }
        }
        settling = settle_record(job, &record);
        if (settling != SETTLED) {
            job->deliver->counters.held_back += settling == TOO_EARLY;
            return again(job, settling == TOO_EARLY ? "this is as much as its rate allows now"
                                                    : "the broker has no memory for more");
        }
        entry->part = record.channel;
        job->progress = true;
        count_useful(job, &record, before - job->reader.rest.len);
    }
    nx_mark_advance(entry, job->reader.head.until);
    return NX_DELIVERY_TAKEN;
}

static bool is_question(const struct nx_batch_head *head)
{
    return head->count == 0 && head->after == head->until;
}

/* (D6) */
static void slow_down(struct job *job)
{
    const struct nx_delivery_ops *ops = job->ops;

    job->answer.wait_ms = nx_congestion_wait_ms(&job->deliver->congestion, ops->sleeps(ops->ctx),
                                                job->published, ops->now_ms(ops->ctx));
    job->deliver->counters.slowed += job->answer.wait_ms > 0;
}

/* Negative: the batch is of an older epoch than the mark. */
static int compare_epoch(const struct job *job)
{
    return strcmp(job->reader.head.epoch, job->entry->live.epoch);
}

/* One that begins anew is taken wherever it begins, unless it followed one that was not (D8). */
static enum nx_delivery_outcome inspect_new(struct job *job)
{
    if (is_question(&job->reader.head) ||
        !nx_delivery_askers_have(&job->deliver->askers, job->from)) {
        return NX_DELIVERY_TAKEN;
    }
    (void)snprintf(job->answer.text, sizeof(job->answer.text),
                   "a batch before this one was not read: ask first where to go on");
    return NX_DELIVERY_AGAIN;
}

/* (D8) */
static void remember_asker(struct job *job)
{
    struct nx_delivery_askers *askers = &job->deliver->askers;

    if (job->bill.question) {
        nx_delivery_askers_remove(askers, job->from);
    } else if (job->answer.head == NULL) {
        (void)nx_delivery_askers_add(askers, job->from);
    }
}

/* Reads the batch and holds it against the mark. Changes nothing. */
static enum nx_delivery_outcome inspect(struct job *job, struct nx_span payload, bool retain)
{
    const struct nx_batch_head *head = &job->reader.head;
    struct nx_delivery_answer *answer = &job->answer;
    struct nx_diag diag = {0};
    enum nx_err err = nx_batch_open(payload, &job->reader, &diag);

    if (err != NX_OK || retain) {
        (void)snprintf(answer->text, sizeof(answer->text), "%s",
                       err != NX_OK ? diag.text : "a batch is not published as a retained message");
        if (err == NX_ERR_LIMIT) {
            return NX_DELIVERY_LIMIT;
        }
        return err == NX_ERR_SYNTAX ? NX_DELIVERY_DAMAGED : NX_DELIVERY_REFUSED;
    }
    answer->head = head;
    if (job->entry == NULL || compare_epoch(job) > 0) {
        return inspect_new(job);
    }
    if (compare_epoch(job) < 0) {
        (void)snprintf(answer->text, sizeof(answer->text),
                       "the epoch %s is older than %s, of which readings were taken", head->epoch,
                       job->entry->live.epoch);
        return NX_DELIVERY_STALE;
    }
    if (!is_question(head) && !head->jump && head->after > job->entry->live.seq) {
        (void)snprintf(answer->text, sizeof(answer->text),
                       "the batch goes on behind %" PRIu64 ", but only %" PRIu64
                       " is accounted for here",
                       head->after, job->entry->live.seq);
        return NX_DELIVERY_GAP;
    }
    return NX_DELIVERY_TAKEN;
}

/* A mark for the batch's epoch. False: one city too many. */
static bool begin(struct job *job, const char *topic)
{
    const struct nx_batch_head *head = &job->reader.head;
    char what[256];
    bool known = job->entry != NULL;

    if (known && compare_epoch(job) == 0) {
        if (head->jump && head->after > job->entry->live.seq) {
            (void)snprintf(what, sizeof(what),
                           "what lies between %" PRIu64 " and %" PRIu64 " cannot be had any more",
                           job->entry->live.seq, head->after);
            note(job, topic, what);
        }
        nx_mark_advance(job->entry, head->after);
        return true;
    }
    if (!known) {
        job->entry = nx_marks_add(&job->deliver->marks, job->from);
    }
    if (job->entry == NULL) {
        return false;
    }
    (void)snprintf(what, sizeof(what), "%s: it begins at %s.%" PRIu64 "%s",
                   known ? "a new epoch" : "nothing is known of it here", head->epoch, head->after,
                   job->deliver->file == NULL ? " (no plugin_opt_state: the mark lives in memory)"
                                              : "");
    note(job, topic, what);
    nx_mark_begin(job->entry, head->epoch, head->after);
    return true;
}

static enum nx_delivery_outcome take(struct job *job, struct nx_span payload, bool retain)
{
    enum nx_delivery_outcome outcome = inspect(job, payload, retain);
    char topic[NX_DELIVER_TOPIC_SIZE];

    if (outcome != NX_DELIVERY_TAKEN) {
        return outcome;
    }
    if (is_question(&job->reader.head)) {
        return NX_DELIVERY_TAKEN;
    }
    (void)snprintf(topic, sizeof(topic), "nexus/%.*s", NX_SPAN_ARG(job->from));
    if (!begin(job, topic)) {
        (void)snprintf(job->answer.text, sizeof(job->answer.text),
                       "marks of %d cities are kept, and this is one more", (int)NX_MARKS_MAX);
        return NX_DELIVERY_REFUSED;
    }
    nx_delivery_texts_begin(&job->deliver->texts, job->entry->from, job->reader.head.epoch);
    return take_records(job);
}

/* And whether it brought anything. */
static enum nx_delivery_outcome take_and_see(struct job *job, struct nx_span payload, bool retain)
{
    const struct nx_mark none = {0};
    struct nx_mark before = job->entry != NULL ? job->entry->live : none;
    enum nx_delivery_outcome outcome = take(job, payload, retain);

    job->bill.moved =
        job->progress || (job->entry != NULL && !nx_mark_is(&before, &job->entry->live));
    return outcome;
}

/* ---- answering ---- */

static void send_answer(struct job *job)
{
    struct nx_delivery_counters *counters = &job->deliver->counters;
    struct nx_delivery_answer *answer = &job->answer;
    char topic[NX_DELIVER_TOPIC_SIZE];
    char *json;

    answer->marked = answer->head != NULL && job->entry != NULL && compare_epoch(job) == 0;
    answer->mark = answer->marked ? job->entry->live.seq : 0;
    (void)snprintf(topic, sizeof(topic), "nexus/_link/%.*s/%s/ack", NX_SPAN_ARG(job->from),
                   job->deliver->city);
    json = nx_delivery_answer_json(answer);
    if (json != NULL && job->ops->answer(job->ops->ctx, topic, json)) {
        counters->answers++;
    } else {
        counters->answers_lost++;
    }
    cJSON_free(json);
}

/* Dead letters, how far it was taken, a pause: the link of a batch that brought something needs them. */
static void tell_link(struct job *job)
{
    if (job->bill.moved || may_tell(job)) {
        send_answer(job);
    } else {
        job->deliver->counters.answers_suppressed++;
    }
}

static bool conclude(struct job *job)
{
    const struct nx_delivery_answer *answer = &job->answer;
    struct nx_delivery_counters *counters = &job->deliver->counters;
    bool question = answer->head != NULL && is_question(answer->head);
    char topic[NX_DELIVER_TOPIC_SIZE];

    job->bill.question = question;
    remember_asker(job);
    counters->batches[answer->outcome]++;
    counters->questions += question;
    if (!question && answer->outcome == NX_DELIVERY_TAKEN) {
        slow_down(job);
    }
    if (question || answer->outcome != NX_DELIVERY_TAKEN || answer->refused != NULL ||
        answer->wait_ms > 0) {
        tell_link(job);
    }
    if (!job->bill.opened ||
        (answer->outcome != NX_DELIVERY_TAKEN && answer->outcome != NX_DELIVERY_AGAIN)) {
        (void)snprintf(topic, sizeof(topic), "nexus/_deliver/%.*s", NX_SPAN_ARG(job->from));
        note(job, topic, answer->text);
    }
    return answer->outcome == NX_DELIVERY_TAKEN;
}

/* Under per_listener_settings, 2.0.11 to 2.0.14 never call a tick: nothing is ever written. */
static void watch_ticks(struct nx_deliver *deliver, uint64_t now_ms)
{
    if (deliver->first_ms == 0) {
        deliver->first_ms = now_ms > 0 ? now_ms : 1;
    }
    if (!deliver->ticked && !deliver->tickless_told && deliver->file != NULL &&
        now_ms - deliver->first_ms > TICKLESS_MS_MAX) {
        deliver->tickless_told = true;
        nx_log(deliver->log, NX_LOG_WARN,
               "nexus: this broker gives its plugins no ticks (per_listener_settings true before "
               "2.0.15): the delivery marks are not written, and start anew with the broker");
    }
}

bool nx_deliver_take(struct nx_deliver *deliver, const struct nx_delivery_ops *ops,
                     struct nx_span from, struct nx_span payload, bool retain)
{
    struct job job = {.deliver = deliver,
                      .ops = ops,
                      .from = from,
                      .entry = nx_marks_find(&deliver->marks, from),
                      .begun_ms = ops->now_ms(ops->ctx)};
    bool taken;

    watch_ticks(deliver, job.begun_ms);
    job.bill.opened = !is_shut(&job);
    job.answer.outcome = job.bill.opened ? take_and_see(&job, payload, retain) : NX_DELIVERY_AGAIN;
    taken = conclude(&job);
    charge(&job, payload.len);
    nx_delivery_answer_fini(&job.answer);
    return taken;
}

void nx_deliver_tick(struct nx_deliver *deliver, bool moved, uint64_t now_ms)
{
    deliver->ticked = true;
    nx_marks_tick(&deliver->marks, moved, now_ms);
    if (deliver->file != NULL) {
        nx_marks_file_save(deliver->file, &deliver->marks, now_ms);
    }
}

bool nx_deliver_status(const struct nx_deliver *deliver, cJSON *status)
{
    return nx_delivery_status(&deliver->counters, &deliver->marks, deliver->file, status);
}
