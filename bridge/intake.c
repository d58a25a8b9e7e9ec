/*
 * intake.c - holds, stores, releases. Decides what is a reading: a repetition and a retained
 * replay are not, everything else is, also when its bytes or its time repeat.
 *
 *   rows   | released | stored, not committed | held |
 *          0          first                   stored count
 */
#include "bridge/intake.h"

#include "bridge/rate.h"
#include "core/topic.h"

#include <stdlib.h>

enum { CANONICAL_BYTES_MAX = 4 * 1024 * 1024, ROWS_CAP_MIN = 256 };

struct nx_intake {
    struct nx_intake_config config;
    struct nx_buf bytes;
    struct nx_intake_row *rows;
    size_t count, cap;
    size_t stored; /* rows before it are in the store's transaction */
    struct nx_buf canonical;
    struct nx_intake_counts counts;
    struct nx_rate fault_rate;
};

enum nx_err nx_intake_new(const struct nx_intake_config *config, struct nx_intake **out)
{
    struct nx_intake *intake = calloc(1, sizeof(*intake));

    *out = intake;
    if (intake == NULL) {
        return NX_ERR_NOMEM;
    }
    intake->config = *config;
    nx_buf_init(&intake->bytes, config->bytes_max);
    nx_buf_init(&intake->canonical, CANONICAL_BYTES_MAX);
    return NX_OK;
}

void nx_intake_free(struct nx_intake *intake)
{
    if (intake == NULL) {
        return;
    }
    nx_buf_fini(&intake->bytes);
    nx_buf_fini(&intake->canonical);
    free(intake->rows);
    free(intake);
}

/* --- hold ------------------------------------------------------------------------------------- */

static enum nx_err rows_grow(struct nx_intake *intake)
{
    size_t cap = intake->cap > 0 ? intake->cap * 2 : ROWS_CAP_MIN;
    struct nx_intake_row *rows;

    if (intake->count >= intake->config.rows_max) {
        return NX_ERR_LIMIT;
    }
    if (intake->count < intake->cap) {
        return NX_OK;
    }
    rows = realloc(intake->rows, cap * sizeof(*rows));
    if (rows == NULL) {
        return NX_ERR_LIMIT; /* for the caller it is the same: no room, the broker keeps it */
    }
    intake->rows = rows;
    intake->cap = cap;
    return NX_OK;
}

enum nx_err nx_intake_hold(struct nx_intake *intake, const struct nx_mqtt_publish *publish,
                           enum nx_intake_kind kind, uint32_t connection, int64_t received_ms)
{
    bool pass = kind != NX_INTAKE_READING;
    struct nx_intake_row row = {
        .connection = connection,
        .packet_id = publish->qos > 0 ? publish->packet_id : 0,
        .qos = publish->qos,
        .dup = publish->dup,
        .retain = publish->retain,
        .answer = kind == NX_INTAKE_ANSWER,
        .outcome = pass ? NX_INTAKE_PASSED : NX_INTAKE_STORED,
        .received_ms = received_ms,
        .at = intake->bytes.len,
        .topic_len = pass ? 0 : publish->topic.len,
        .payload_len = pass ? 0 : publish->payload.len,
    };

    if (rows_grow(intake) != NX_OK) {
        return NX_ERR_LIMIT;
    }
    if (!pass && (nx_buf_span(&intake->bytes, publish->topic) != NX_OK ||
                  nx_buf_span(&intake->bytes, publish->payload) != NX_OK)) {
        intake->bytes.len = row.at;
        intake->bytes.error = NX_OK;
        return NX_ERR_LIMIT;
    }
    intake->rows[intake->count++] = row;
    intake->counts.received++;
    intake->counts.bytes += publish->payload.len;
    return NX_OK;
}

size_t nx_intake_held(const struct nx_intake *intake)
{
    return intake->count;
}

/* --- store ------------------------------------------------------------------------------------ */

static struct nx_span row_topic(const struct nx_intake *intake, const struct nx_intake_row *row)
{
    return (struct nx_span){intake->bytes.data + row->at, row->topic_len};
}

static struct nx_span row_payload(const struct nx_intake *intake, const struct nx_intake_row *row)
{
    return (struct nx_span){intake->bytes.data + row->at + row->topic_len, row->payload_len};
}

/* Is it a reading? Sets row->outcome. */
static enum nx_err row_judge(struct nx_intake *intake, struct nx_store *store,
                             struct nx_intake_row *row, struct nx_diag *diag)
{
    struct nx_span topic = row_topic(intake, row);
    struct nx_span payload = row_payload(intake, row);
    enum nx_err err = NX_OK;
    bool yes = false;

    row->outcome = payload.len > 0 ? NX_INTAKE_STORED : NX_INTAKE_CLEARED;
    if (row->dup) {
        err = nx_store_repeats(store, row->packet_id, topic, payload, &yes, diag);
        row->outcome = yes ? NX_INTAKE_REPEATED : row->outcome;
    }
    if (err == NX_OK && row->retain && !yes) {
        err = nx_store_is_latest(store, topic, payload, &yes, diag);
        row->outcome = yes ? NX_INTAKE_REPLAYED : row->outcome;
    }
    return err;
}

static void tell_fault(struct nx_intake *intake, const struct nx_reading *reading, uint64_t now_ms)
{
    uint64_t held;

    if (nx_rate_allows(&intake->fault_rate, now_ms, &held)) {
        nx_log(intake->config.log, NX_LOG_WARN,
               "%.*s: stored without canonical form: %.*s (%llu more since the last such line)",
               NX_SPAN_ARG(reading->topic), NX_SPAN_ARG(reading->fault), (unsigned long long)held);
    }
}

/* Fills canonical and observed_at, or fault. `fault` and `observed_at` are the caller's room. */
static void row_translate(struct nx_intake *intake, struct nx_reading *reading, char *observed_at,
                          char *fault, size_t fault_size)
{
    struct nx_diag why = {.file = "payload"};
    struct nx_topic topic;
    enum nx_err err;

    (void)nx_topic_parse(reading->topic, &topic, NULL); /* the caller took streams only */
    nx_buf_reset(&intake->canonical);
    err = nx_exchange_to_canonical(intake->config.exchange, intake->config.city, topic.domain,
                                   topic.asset, reading->original, &intake->canonical, observed_at,
                                   NULL, &why);
    if (err == NX_OK) {
        reading->canonical = nx_buf_view(&intake->canonical);
        reading->observed_at = nx_span_from(observed_at);
        return;
    }
    if (why.text[0] == '\0') {
        nx_diag_set(&why, "%s", nx_err_text(err));
    }
    reading->fault = nx_span_from(nx_diag_format(&why, fault, fault_size));
}

static enum nx_err row_store(struct nx_intake *intake, struct nx_store *store,
                             struct nx_intake_row *row, uint64_t now_ms, struct nx_diag *diag)
{
    char observed_at[64] = "";
    char fault[800];
    struct nx_reading reading = {
        .packet_id = row->packet_id,
        .received_ms = row->received_ms,
        .topic = row_topic(intake, row),
        .original = row_payload(intake, row),
    };
    enum nx_err err;

    if (row->topic_len == 0) {
        return NX_OK; /* passed */
    }
    err = row_judge(intake, store, row, diag);
    if (err != NX_OK || row->outcome == NX_INTAKE_REPEATED || row->outcome == NX_INTAKE_REPLAYED) {
        return err;
    }
    if (row->outcome == NX_INTAKE_CLEARED) {
        reading.kind = NX_READING_CLEAR;
    } else {
        row_translate(intake, &reading, observed_at, fault, sizeof(fault));
    }
    err = nx_store_append(store, &reading, &row->seq, diag);
    if (err == NX_OK && intake->config.recent != NULL) {
        reading.seq = row->seq;
        nx_recent_put(intake->config.recent, &reading);
    }
    row->untranslated = reading.fault.len > 0;
    if (err == NX_OK && row->untranslated) {
        tell_fault(intake, &reading, now_ms);
    }
    return err;
}

enum nx_err nx_intake_store(struct nx_intake *intake, struct nx_store *store, size_t rows_max,
                            bool answers, uint64_t now_ms, struct nx_diag *diag)
{
    size_t end = intake->count < rows_max ? intake->count : rows_max;
    enum nx_err err = NX_OK;

    for (intake->stored = 0; intake->stored < end && err == NX_OK; intake->stored++) {
        if (intake->rows[intake->stored].answer && !answers) {
            break;
        }
        err = row_store(intake, store, &intake->rows[intake->stored], now_ms, diag);
    }
    if (err != NX_OK) {
        intake->stored = 0;
    }
    return err;
}

/* --- release ---------------------------------------------------------------------------------- */

void nx_intake_release(struct nx_intake *intake,
                       void (*release)(void *ctx, const struct nx_intake_row *row), void *ctx)
{
    size_t first = intake->stored;
    size_t bytes;

    for (size_t i = 0; i < first; i++) {
        intake->counts.outcomes[intake->rows[i].outcome]++;
        intake->counts.untranslated += intake->rows[i].untranslated ? 1 : 0;
        release(ctx, &intake->rows[i]);
    }
    intake->stored = 0;
    if (first == intake->count) {
        intake->count = 0;
        nx_buf_reset(&intake->bytes);
        return;
    }
    if (first == 0) {
        return;
    }
    bytes = intake->rows[first].at;
    memmove(intake->rows, intake->rows + first, (intake->count - first) * sizeof(*intake->rows));
    intake->count -= first;
    for (size_t i = 0; i < intake->count; i++) {
        intake->rows[i].at -= bytes;
    }
    nx_buf_consume(&intake->bytes, bytes);
}

void nx_intake_drop(struct nx_intake *intake)
{
    intake->count = intake->stored = 0; /* what was stored of it was rolled back */
    nx_buf_reset(&intake->bytes);
}

void nx_intake_counts(const struct nx_intake *intake, struct nx_intake_counts *out)
{
    *out = intake->counts;
}
