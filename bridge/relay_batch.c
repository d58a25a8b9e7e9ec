/*
 * relay_batch.c - records in batches, for the plugin at the peer's broker: builds them, sends them,
 * asks what the receiver has. When which of it happens is the engine's (core/link_batch.c).
 *
 * A batch that found no room is kept as it is and sent later. One that the receiver has already
 * is built too, so that its dead letters and its counts come out as they would have, and not sent.
 */
#include "bridge/relay_state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { PUBLISH_OVERHEAD = 128 }; /* of a batch's packet: header, topic, identifier, properties */

/* --- one record ------------------------------------------------------------------------------ */

struct row {
    struct relay_cargo cargo[PARTS];
    struct nx_batch_record records[PARTS];
    bool is_there[PARTS];
    size_t bytes;
    bool dead;
};

/* "nexus/CITY/air/BMLD/observation" -> "air/BMLD" */
static struct nx_span stream_of(const struct nx_relay *relay)
{
    const char *from = relay->topic.domain.ptr;
    const char *to = relay->topic.asset.ptr + relay->topic.asset.len;

    return (struct nx_span){from, (size_t)(to - from)};
}

static enum nx_err row_dies(struct nx_relay *relay, struct row *row, uint64_t seq,
                            enum relay_part part, const char *why)
{
    enum nx_link_death death = nx_link_died(relay->link, seq);

    row->dead = true;
    return relay_bury(relay, seq, relay_channel(part), death == NX_LINK_DEATH_LATE, why);
}

static enum nx_err row_part(struct nx_relay *relay, struct row *row, uint64_t seq,
                            enum relay_part part)
{
    struct relay_cargo *cargo = &row->cargo[part];
    struct nx_batch_record *record = &row->records[part];
    size_t bytes;

    relay_cargo(relay, part, cargo);
    if (cargo->why[0] == '\0' && relay->blamed == seq) {
        (void)snprintf(cargo->why, sizeof(cargo->why), "%s", relay->blame);
    }
    if (cargo->why[0] == '\0') {
        record->seq = seq;
        record->channel = relay_channel(part);
        record->retain = cargo->retain;
        record->stream = stream_of(relay);
        record->payload = cargo->payload;
        record->properties_count = relay_properties(relay, cargo, record->properties);
        bytes = nx_batch_record_size(record);
        if (row->bytes + bytes + NX_BATCH_HEAD_BYTES <= relay->batch_bytes_max) {
            row->is_there[part] = true;
            row->bytes += bytes;
            return NX_OK;
        }
        (void)snprintf(cargo->why, sizeof(cargo->why),
                       "%s cannot take it: too large for a batch (%zu bytes; at most %zu)",
                       nx_node_settings(relay->config.to)->name,
                       row->bytes + bytes + NX_BATCH_HEAD_BYTES, relay->batch_bytes_max);
    }
    return row_dies(relay, row, seq, part, cargo->why);
}

static enum nx_err row_make(struct nx_relay *relay, uint64_t seq, unsigned parts, struct row *row)
{
    enum nx_err err = NX_OK;

    row->is_there[PART_OBSERVATION] = row->is_there[PART_ORIGINAL] = false;
    row->bytes = 0;
    row->dead = false;
    for (unsigned rest = parts; rest != 0 && err == NX_OK; rest &= rest - 1) {
        err = row_part(relay, row, seq, (enum relay_part)__builtin_ctz(rest));
    }
    return err;
}

/* --- a batch --------------------------------------------------------------------------------- */

static void set_bit(uint64_t *words, uint64_t at)
{
    words[at / 64] |= UINT64_C(1) << at % 64;
}

static enum nx_err row_add(struct nx_relay *relay, const struct row *row)
{
    enum nx_err err = NX_OK;

    if (relay->batch.len + row->bytes > relay->batch_bytes_max) {
        return NX_ERR_LIMIT;
    }
    for (int part = 0; part < PARTS && err == NX_OK; part++) {
        if (row->is_there[part]) {
            err = nx_batch_add(&relay->batch, &row->records[part]);
        }
    }
    return err;
}

/* Retention takes only what was settled: such a number is missing in a repair alone. */
static enum nx_err build_missing(struct nx_relay *relay, uint64_t seq, const char *why)
{
    if (seq <= nx_link_cursor(relay->link)) {
        return NX_OK;
    }
    set_bit(relay->built_counts.dead, seq - relay->built.seq);
    return relay_bury(relay, seq, NX_CHANNEL_OBSERVATION, false, why);
}

/* Adds one record. NX_ERR_LIMIT: it does not fit any more, and is the next batch's. */
static enum nx_err build_row(struct nx_relay *relay, uint64_t seq, struct nx_diag *diag)
{
    char why[RELAY_WHY_BYTES];
    struct row row;
    bool buried = false;
    enum nx_err err = relay_load(relay, seq, why, diag);

    if (err == NX_ERR_NOT_FOUND) {
        return build_missing(relay, seq, why);
    }
    if (err == NX_OK && relay_parts(relay) == 0) {
        relay->built_counts.filtered++;
        return NX_OK;
    }
    if (err == NX_OK && seq <= relay->doubt_until) { /* the receiver may have refused it before */
        err = relay_is_buried(relay, seq, &buried, diag);
    }
    if (err == NX_OK) {
        err = row_make(relay, seq, relay_parts(relay), &row);
    }
    if (err == NX_OK) {
        err = row_add(relay, &row);
    }
    if (err == NX_OK && (row.dead || buried)) {
        set_bit(relay->built_counts.dead, seq - relay->built.seq);
    }
    return err;
}

static enum nx_err build(struct nx_relay *relay, const struct nx_link_step *step,
                         struct nx_diag *diag)
{
    uint64_t seq = step->seq;
    enum nx_err err;

    relay->is_built = false;
    relay->built = *step;
    relay->built_counts = (struct nx_link_batch){.until = 0};
    nx_buf_reset(&relay->batch);
    err = nx_batch_begin(&relay->batch, relay_epoch_of(relay, step->seq), step->seq - 1);
    while (err == NX_OK && seq <= step->last && !relay_deaths_full(relay)) {
        err = build_row(relay, seq, diag);
        if (err == NX_ERR_LIMIT && seq > step->seq) {
            err = NX_OK;
            break;
        }
        seq += err == NX_OK ? 1 : 0;
    }
    if (err != NX_OK || seq == step->seq) {
        return err;
    }
    relay->built_counts.until = seq - 1;
    err = nx_batch_end(&relay->batch, seq - 1, step->jump);
    relay->is_built = err == NX_OK;
    return err;
}

static enum nx_err batch_publish(struct nx_relay *relay, uint64_t token)
{
    char topic[96];
    const struct nx_mqtt_publish publish = {
        .topic = {topic, (size_t)snprintf(topic, sizeof(topic), "nexus/_deliver/%.*s",
                                          NX_SPAN_ARG(relay->from))},
        .payload = nx_buf_view(&relay->batch),
        .qos = 1,
    };

    return nx_session_publish(nx_node_session(relay->config.to), &publish, token);
}

static void batch_went(struct nx_relay *relay, uint64_t now_ms)
{
    if (!relay->built.had) {
        relay_sent_unit(relay, relay->built.unit, relay->batch.len);
        relay->batches_out++;
    }
    nx_link_batch_sent(relay->link, &relay->built_counts, now_ms);
    relay->is_built = false;
    if (!relay->built.had) {
        NX_POINT_AFTER("batch_sent", nx_session_flush(nx_node_session(relay->config.to)));
    }
}

static void tell_not_taken(struct nx_relay *relay, enum nx_err err)
{
    if (err != NX_ERR_AGAIN && err != NX_ERR_STATE) {
        relay_error(relay, NX_LOG_ERROR, &relay->error_rate, "%s's broker cannot take batches: %s",
                    nx_node_settings(relay->config.to)->name, nx_err_text(err));
    }
}

/* The session did not take the batch: nothing more goes now. */
static void batch_not_taken(struct nx_relay *relay, enum nx_err err, uint64_t now_ms)
{
    if (err == NX_ERR_STATE) {
        nx_relay_lost(relay);
        return;
    }
    tell_not_taken(relay, err);
    nx_link_event(relay->link, NX_LINK_EV_FULL, now_ms);
}

/*
 * What a broker states as its largest packet bounds the batches of this connection, so that a record
 * that is too large for it is known when its batch is built, and is in nobody's way.
 */
void relay_batch_up(struct nx_relay *relay)
{
    struct nx_session_stats session;

    nx_session_stats(nx_node_session(relay->config.to), &session);
    relay->batch_bytes_max = relay->config.settings->tuning.batch_bytes;
    if (session.publish_max < relay->batch_bytes_max + PUBLISH_OVERHEAD) {
        relay->batch_bytes_max =
            session.publish_max > PUBLISH_OVERHEAD ? session.publish_max - PUBLISH_OVERHEAD : 0;
    }
}

/* --- the question ------------------------------------------------------------------------------ */

/* After the first that stayed without an answer: what to do is told. */
static void tell_silence(struct nx_relay *relay)
{
    const char *to = nx_node_settings(relay->config.to)->name;
    const char *user = nx_node_settings(relay->config.to)->username;

    if (nx_link_unanswered_questions(relay->link) == 0 || relay->is_answered) {
        return;
    }
    relay_error(relay, NX_LOG_ERROR, &relay->ask_rate,
                "no answer from the nexus plugin at %s's broker (to our question it said: %s), "
                "nothing is sent and nothing is lost: is nexus_plugin.so loaded there, and has %s "
                "the role bridge? For a broker without the plugin this link needs \"delivery\": "
                "\"qos2\" or \"qos1\"",
                to, nx_mqtt_reason_text(relay->ask_reason), user != NULL ? user : "this user");
}

static enum nx_err ask(struct nx_relay *relay, uint64_t now_ms)
{
    uint64_t cursor = nx_link_cursor(relay->link);
    enum nx_err err;

    tell_silence(relay);
    relay->is_built = false;
    nx_buf_reset(&relay->batch);
    err = nx_batch_begin(&relay->batch, relay_asked_epoch(relay), cursor);
    if (err == NX_OK) {
        err = nx_batch_end(&relay->batch, cursor, false);
    }
    if (err != NX_OK) {
        return err;
    }
    relay->is_answered = false;
    relay->ask_reason = 0;
    err = batch_publish(relay, relay_token(relay, 0, TOKEN_PART_QUESTION));
    if (err == NX_OK) {
        nx_link_asked(relay->link, now_ms);
        return NX_OK;
    }
    tell_not_taken(relay, err);
    nx_link_ask_later(relay->link, now_ms);
    return NX_OK;
}

/* --- the pump -------------------------------------------------------------------------------- */

enum nx_err relay_batch_pump(struct nx_relay *relay, unsigned numbers_max, bool *more,
                             struct nx_diag *diag)
{
    uint64_t now_ms = nx_loop_monotonic_ms();
    struct nx_link_step step;
    enum nx_err err = NX_OK;

    if (nx_link_ask(relay->link, now_ms)) {
        return ask(relay, now_ms);
    }
    while (nx_link_next(relay->link, now_ms, &step)) {
        if (numbers_max == 0 || relay_deaths_full(relay)) {
            *more = true;
            return NX_OK;
        }
        if (!relay->is_built || relay->built.unit != step.unit || relay->built.seq != step.seq) {
            err = build(relay, &step, diag);
        }
        if (err != NX_OK || !relay->is_built) {
            return err;
        }
        err = step.had ? NX_OK : batch_publish(relay, relay_token(relay, step.unit, 0));
        if (err == NX_OK) {
            uint64_t numbers = relay->built_counts.until - step.seq + 1;

            numbers_max -= numbers < numbers_max ? (unsigned)numbers : numbers_max;
            batch_went(relay, now_ms);
        } else {
            batch_not_taken(relay, err, now_ms);
            return NX_OK;
        }
    }
    return NX_OK;
}
