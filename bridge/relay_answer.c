/*
 * relay_answer.c - what the plugin at the peer's broker answers to a link, on
 * nexus/_link/FROM/TO/ack: up to where it has everything, and which records it refused. Its form is
 * described in docs/decisions/0008-links.md. Read with cJSON: it is a document of our own.
 */
#include "bridge/relay_state.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53: above it cJSON's numbers are not exact */

#define IS_OLDER_COPY                                                                              \
    "it is an older copy. Nothing is sent: see docs/operating.md, A cache from a backup"

struct answer {
    const char *epoch, *outcome, *text;
    uint64_t after, until, mark;
    uint64_t wait_ms; /* before so long it wants nothing more */
    bool has_head;    /* epoch, after and until are not null: the batch could be read */
    bool knows;       /* mark is not null */
    const cJSON *refused;
};

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL ? text : "";
}

static bool number_of(const cJSON *object, const char *name, uint64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > EXACT_MAX) {
        return false;
    }
    *out = (uint64_t)item->valuedouble;
    return true;
}

static bool answer_read(const cJSON *root, struct answer *out)
{
    uint64_t version;

    *out = (struct answer){
        .epoch = text_of(root, "epoch"),
        .outcome = text_of(root, "outcome"),
        .text = text_of(root, "text"),
        .refused = cJSON_GetObjectItemCaseSensitive(root, "refused"),
    };
    out->knows = number_of(root, "mark", &out->mark);
    (void)number_of(root, "wait_ms", &out->wait_ms);
    out->has_head = number_of(root, "after", &out->after) && number_of(root, "until", &out->until);
    return number_of(root, "version", &version) && version == 1 && out->outcome[0] != '\0';
}

/* --- epochs ------------------------------------------------------------------------------------ */

/*
 * The receiver's mark lies in one epoch, which need not be the newest: after a copy was put to use the
 * link finishes what the earlier one named, and only then begins the next (NX_LINK borders). So it asks
 * about the newest, and where that is not known, about the one before it. What it has of a later one
 * than asked for it takes no more of an earlier one.
 */
static size_t epochs_of(const struct nx_relay *relay, const struct nx_store_epoch **out)
{
    return nx_store_epochs(nx_node_store(relay->config.from), out);
}

/* Its index; the number of epochs if it is none of ours. */
static size_t epoch_index(const struct nx_relay *relay, const char *name)
{
    const struct nx_store_epoch *epochs;
    const size_t count = epochs_of(relay, &epochs);
    size_t at = 0;

    while (at < count && strcmp(epochs[at].name, name) != 0) {
        at++;
    }
    return at;
}

/* What the question is about. Where a new cache has just taken its place: not what was asked. */
static const struct nx_store_epoch *asked(const struct nx_relay *relay, size_t *at)
{
    const struct nx_store_epoch *epochs;
    const size_t newest = epochs_of(relay, &epochs) - 1;

    *at = relay->asks_back < newest ? newest - relay->asks_back : 0;
    return &epochs[*at];
}

const char *relay_asked_epoch(const struct nx_relay *relay)
{
    size_t at;

    return asked(relay, &at)->name;
}

const char *relay_epoch_of(const struct nx_relay *relay, uint64_t seq)
{
    const struct nx_store_epoch *epochs;
    size_t at = epochs_of(relay, &epochs) - 1;

    while (at > relay->epoch_floor && seq <= epochs[at].after) {
        at--;
    }
    return epochs[at].name;
}

/* What the receiver takes is named by epochs from `floor` on. */
static void set_floor(struct nx_relay *relay, size_t floor)
{
    uint64_t borders[NX_STORE_EPOCHS_MAX];
    const struct nx_store_epoch *epochs;
    const size_t count = epochs_of(relay, &epochs);
    size_t borders_count = 0;

    _Static_assert((int)NX_STORE_EPOCHS_MAX <= (int)NX_LINK_BORDERS_MAX, "a border an epoch");
    for (size_t at = floor; at + 1 < count; at++) {
        borders[borders_count++] = epochs[at].until;
    }
    nx_link_set_borders(relay->link, borders, borders_count);
    relay->epoch_floor = floor;
    relay->asks_back = 0;
}

/* --- refusals ---------------------------------------------------------------------------------- */

/* "ulsan refused it: schema: /no2: maximum: 900 is above 500" */
static enum nx_err refused_record(struct nx_relay *relay, const cJSON *row, uint64_t until)
{
    static const char *const members[] = {"reason", "instance", "keyword", "text"};
    enum nx_channel channel = strcmp(text_of(row, "channel"), "original") == 0
                                  ? NX_CHANNEL_ORIGINAL
                                  : NX_CHANNEL_OBSERVATION;
    char why[RELAY_WHY_BYTES];
    size_t len;
    uint64_t seq;
    bool late;

    if (!number_of(row, "seq", &seq) || seq == 0 || seq > until) {
        return NX_OK; /* behind `until` its number names another record here */
    }
    len = (size_t)snprintf(why, sizeof(why), "%s refused it",
                           nx_node_settings(relay->config.to)->name);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && len < sizeof(why); i++) {
        const char *text = text_of(row, members[i]);

        if (text[0] != '\0') {
            len += (size_t)snprintf(why + len, sizeof(why) - len, ": %s", text);
        }
    }
    late = nx_link_died(relay->link, seq) == NX_LINK_DEATH_LATE;
    if (!late && seq > relay->doubt_until) {
        relay->doubt_until = seq; /* after a cut it is built again */
    }
    return relay_bury(relay, seq, channel, late, why);
}

/* The receiver lacks what it had: again from there, as far as it is the batches' and still here. */
static void repair(struct nx_relay *relay, uint64_t mark)
{
    uint64_t first = nx_store_first(nx_node_store(relay->config.from));
    uint64_t from = first > relay->batched_from ? first : relay->batched_from + 1;

    nx_link_repair_from(relay->link, from);
    if (relay->batched_from < nx_link_cursor(relay->link)) {
        nx_log(relay->config.log, NX_LOG_WARN,
               "link %s: %s has readings up to %" PRIu64 " only, %" PRIu64
               " were acknowledged: sending again what is missing",
               relay->config.link->name, nx_node_settings(relay->config.to)->name, mark,
               nx_link_cursor(relay->link));
    }
}

static void tell_unknown(struct nx_relay *relay, const struct answer *answer, bool stale)
{
    const char *to = nx_node_settings(relay->config.to)->name;
    uint64_t cursor = nx_link_cursor(relay->link);

    if (stale) {
        nx_log(relay->config.log, NX_LOG_WARN,
               "link %s: %s has had readings of a later epoch than %s, which this cache does not "
               "know: going on behind %" PRIu64 " in a new one. What came from there before may "
               "arrive twice",
               relay->config.link->name, to, answer->epoch, cursor);
    } else if (cursor > relay->batched_from) {
        nx_log(relay->config.log, NX_LOG_WARN,
               "link %s: %s does not know what it has had of us; going on behind %" PRIu64
               ". Without plugin_opt_state there, what was on its way may arrive twice",
               relay->config.link->name, to, cursor);
    }
}

static bool is_stale(const struct answer *answer)
{
    return strcmp(answer->outcome, "stale") == 0;
}

/* The answer to a question: on from there. */
static void answer_mark(struct nx_relay *relay, const struct answer *answer)
{
    const char *to = nx_node_settings(relay->config.to)->name;
    size_t at;
    const struct nx_store_epoch *epoch = asked(relay, &at);
    const bool stale = is_stale(answer);
    uint64_t mark = answer->mark < epoch->until ? answer->mark : epoch->until;
    enum nx_link_told told;

    if (strcmp(answer->epoch, epoch->name) != 0) {
        return; /* to an earlier question */
    }
    if (!answer->knows && !stale && at > 0) {
        relay->asks_back += nx_link_ask_further(relay->link, nx_loop_monotonic_ms()) ? 1 : 0;
        return;
    }
    told = nx_link_told(relay->link, answer->knows, mark, nx_loop_monotonic_ms());
    if (told == NX_LINK_TOLD_IGNORED) {
        return;
    }
    set_floor(relay, stale ? at + 1 : at);
    if (told == NX_LINK_TOLD_BEYOND) {
        relay_error(relay, NX_LOG_ERROR, &relay->error_rate,
                    "%s has had readings up to %" PRIu64
                    " of this cache, which ends before it: " IS_OLDER_COPY,
                    to, mark);
    } else if (told == NX_LINK_TOLD_REPAIR) {
        repair(relay, mark);
    } else if (!answer->knows) {
        tell_unknown(relay, answer, stale);
    }
    relay->receiver_knows = answer->knows;
    relay->receiver_mark = mark;
}

/*
 * A batch was refused whole. That the engine asks again follows from its PUBACK. When the receiver
 * cannot read it, and batches are down to one record, that record is the one in the way.
 */
static void answer_refusal(struct nx_relay *relay, const struct answer *answer)
{
    const char *to = nx_node_settings(relay->config.to)->name;
    bool unreadable =
        strcmp(answer->outcome, "damaged") == 0 || strcmp(answer->outcome, "limit") == 0;
    bool usual = strcmp(answer->outcome, "again") == 0 || strcmp(answer->outcome, "gap") == 0;
    uint64_t first = nx_link_cursor(relay->link) + 1;
    struct nx_link_counts counts;

    relay_error(relay, usual ? NX_LOG_INFO : NX_LOG_ERROR, &relay->error_rate,
                "%s refused a batch: %s: %s", to, answer->outcome, answer->text);
    if (answer->wait_ms > 0) { /* over our rate there */
        nx_link_narrow(relay->link);
    }
    if (strcmp(answer->outcome, "again") == 0 && answer->knows && answer->mark > answer->after) {
        nx_link_shrink(relay->link, answer->mark - answer->after);
    }
    nx_link_counts(relay->link, &counts);
    if (unreadable && counts.unit_rows == 1 && relay->blamed != first) {
        relay->blamed = first;
        (void)snprintf(relay->blame, sizeof(relay->blame), "%s cannot take it: %s: %s", to,
                       answer->outcome, answer->text);
    }
}

/* *until: records up to it are named by the answer's epoch. */
static bool is_about_us(const struct nx_relay *relay, const struct answer *answer, uint64_t *until)
{
    const struct nx_store_epoch *epochs;
    const size_t count = epochs_of(relay, &epochs);
    const size_t at = epoch_index(relay, answer->epoch);

    *until = at < count ? epochs[at].until : 0;
    return relay->delivery == NX_DELIVERY_BATCHES && (!answer->has_head || at < count);
}

/* The one refusal that answers a question: an earlier epoch is over there. */
static bool is_over(const struct nx_relay *relay, const struct answer *answer)
{
    return is_stale(answer) && relay->asks_back > 0;
}

/* The newest epoch is over there too: a cache with a later one has been in our place. */
static void answer_outdated(struct nx_relay *relay, const struct answer *answer)
{
    relay_error(
        relay, NX_LOG_ERROR, &relay->error_rate,
        "%s has had readings of a later epoch than %s, the newest of this cache: " IS_OLDER_COPY,
        nx_node_settings(relay->config.to)->name, answer->epoch);
}

static void answer_outcome(struct nx_relay *relay, const struct answer *answer)
{
    const bool to_question = answer->has_head && answer->after == answer->until;

    relay->is_answered = relay->is_answered || to_question;
    if (answer->wait_ms > 0) {
        relay->pauses++;
        nx_link_pause(relay->link, answer->wait_ms, nx_loop_monotonic_ms());
    }
    if (to_question && is_stale(answer) && relay->asks_back == 0) {
        answer_outdated(relay, answer);
    } else if (strcmp(answer->outcome, "taken") != 0 && !is_over(relay, answer)) {
        answer_refusal(relay, answer);
    } else if (to_question) {
        answer_mark(relay, answer);
    }
}

enum nx_err nx_relay_told(struct nx_relay *relay, struct nx_span payload)
{
    cJSON *root = cJSON_ParseWithLength(payload.ptr, payload.len);
    struct answer answer;
    const cJSON *row;
    uint64_t until;
    enum nx_err err = NX_OK;

    if (!answer_read(root, &answer)) {
        relay_error(relay, NX_LOG_WARN, &relay->error_rate,
                    "an answer of %s's plugin cannot be read: %.*s",
                    nx_node_settings(relay->config.to)->name,
                    (int)(payload.len < 200 ? payload.len : 200), payload.ptr);
    } else if (is_about_us(relay, &answer, &until)) {
        cJSON_ArrayForEach(row, answer.refused)
        {
            err = err == NX_OK ? refused_record(relay, row, until) : err;
        }
        answer_outcome(relay, &answer);
    }
    cJSON_Delete(root);
    return err;
}
