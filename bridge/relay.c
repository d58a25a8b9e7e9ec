/*
 * relay.c - a link at work. The order of things, the window and the cursor are the engine's
 * (core/link.c); here is what one step means.
 *
 * A token, which comes back with the broker's answer, names the step: relay, cache (which of
 * those that this run has opened), part, sequence number.
 */
#include "bridge/relay.h"

#include "bridge/rate.h"
#include "core/topic.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PART_OBSERVATION, PART_ORIGINAL };
enum { READING_BYTES_MAX = 64 * 1024 * 1024, TRANSLATED_BYTES_MAX = 4 * 1024 * 1024 };

#define TOKEN_RELAY_SHIFT  56
#define TOKEN_OPENED_SHIFT 48
#define TOKEN_PART_SHIFT   45
#define TOKEN_SEQ_MAX      ((UINT64_C(1) << TOKEN_PART_SHIFT) - 1)

struct nx_relay {
    struct nx_relay_config config;
    struct nx_span name;
    struct nx_span from, to; /* cities */
    struct nx_link *link;
    uint8_t opened; /* counts caches of the owner */
    bool stopping;
    struct nx_link_mark saving; /* what the open transaction holds of the mark */
    bool is_saving;

    uint64_t loaded; /* the record in `reading`; 0: none */
    struct nx_reading reading;
    struct nx_topic topic; /* of reading.topic */
    struct nx_buf bytes, translated, original_topic;

    const char *state; /* last told by nx_relay_stats */
    int64_t since_ms;
    char last_error[900];
    int64_t last_error_ms;
    struct nx_rate dead_rate;
};

/* What one step publishes, or why it cannot. */
struct cargo {
    struct nx_span topic, payload, schema, lens;
    char why[800]; /* not empty: it cannot be sent */
};

/* --- tokens ------------------------------------------------------------------------------------ */

static uint64_t token_of(const struct nx_relay *relay, const struct nx_link_step *step)
{
    assert(step->seq <= TOKEN_SEQ_MAX);
    return (uint64_t)relay->config.index << TOKEN_RELAY_SHIFT |
           (uint64_t)relay->opened << TOKEN_OPENED_SHIFT |
           (uint64_t)step->part << TOKEN_PART_SHIFT | step->seq;
}

size_t nx_relay_index(uint64_t token)
{
    return (size_t)(token >> TOKEN_RELAY_SHIFT);
}

/* --- life -------------------------------------------------------------------------------------- */

static enum nx_err relay_link(struct nx_relay *relay, struct nx_diag *diag)
{
    const struct nx_tuning *tuning = &relay->config.settings->tuning;
    const struct nx_settings_link *link = relay->config.link;
    const struct nx_link_config config = {
        .window = tuning->window,
        .parts = (uint8_t)((link->observation ? 1u << PART_OBSERVATION : 0) |
                           (link->original ? 1u << PART_ORIGINAL : 0)),
        .save_ms = tuning->cursor_save_ms,
        .drain_ms = tuning->drain_ms,
    };
    struct nx_store *store = nx_node_store(relay->config.from);
    struct nx_store_cursor kept;
    struct nx_link_mark mark;
    enum nx_err err = nx_store_load_cursor(store, relay->name, &kept, diag);

    if (err != NX_OK) {
        return err;
    }
    mark = (struct nx_link_mark){.cursor = kept.cursor, .sent = kept.sent, .dead = kept.dead};
    err = nx_link_new(&config, &mark, nx_loop_monotonic_ms(), &relay->link);
    if (err != NX_OK) {
        nx_diag_set(diag, "link %s: %s", relay->config.link->name, nx_err_text(err));
        return err;
    }
    nx_link_stored(relay->link, nx_store_last(store));
    return NX_OK;
}

enum nx_err nx_relay_new(const struct nx_relay_config *config, struct nx_relay **out,
                         struct nx_diag *diag)
{
    struct nx_relay *relay = calloc(1, sizeof(*relay));
    enum nx_err err;

    *out = NULL;
    if (relay == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    relay->config = *config;
    relay->name = nx_span_from(config->link->name);
    relay->from = nx_node_city(config->from);
    relay->to = nx_node_city(config->to);
    relay->since_ms = nx_loop_wall_ms();
    nx_buf_init(&relay->bytes, READING_BYTES_MAX);
    nx_buf_init(&relay->translated, TRANSLATED_BYTES_MAX);
    nx_buf_init(&relay->original_topic, NX_TOPIC_MAX);
    err = relay_link(relay, diag);
    if (err != NX_OK) {
        nx_relay_free(relay);
        return err;
    }
    *out = relay;
    return NX_OK;
}

void nx_relay_free(struct nx_relay *relay)
{
    if (relay == NULL) {
        return;
    }
    nx_link_free(relay->link);
    nx_buf_fini(&relay->bytes);
    nx_buf_fini(&relay->translated);
    nx_buf_fini(&relay->original_topic);
    free(relay);
}

const struct nx_relay_config *nx_relay_config(const struct nx_relay *relay)
{
    return &relay->config;
}

/* --- what goes out ------------------------------------------------------------------------------ */

static struct nx_span dialect_of(const struct nx_relay *relay, struct nx_span city)
{
    const struct nx_city *row = nx_config_city(relay->config.settings->config, city);
    const struct nx_domain *domain = row != NULL ? nx_city_domain(row, relay->topic.domain) : NULL;

    return domain != NULL ? domain->schema_name : (struct nx_span){NULL, 0};
}

static void cargo_observation(struct nx_relay *relay, struct cargo *cargo)
{
    const struct nx_reading *reading = &relay->reading;
    struct nx_diag why = {.file = "canonical"};
    enum nx_err err;

    cargo->topic = reading->topic;
    if (reading->kind == NX_READING_CLEAR) {
        return;
    }
    if (reading->canonical.ptr == NULL) {
        (void)snprintf(cargo->why, sizeof(cargo->why), "%.*s", NX_SPAN_ARG(reading->fault));
        return;
    }
    nx_buf_reset(&relay->translated);
    err = nx_exchange_from_canonical(relay->config.exchange, relay->to, relay->topic.domain,
                                     relay->topic.asset, reading->canonical, &relay->translated,
                                     NULL, &why);
    if (err != NX_OK) {
        if (why.text[0] == '\0') {
            nx_diag_set(&why, "%s", nx_err_text(err));
        }
        (void)nx_diag_format(&why, cargo->why, sizeof(cargo->why));
        return;
    }
    cargo->payload = nx_buf_view(&relay->translated);
    cargo->schema = dialect_of(relay, relay->to);
    cargo->lens = nx_exchange_lens_name(relay->config.exchange, relay->to, relay->topic.domain);
}

/* nexus/CITY/DOMAIN/ASSET/observation -> .../original */
static void cargo_original(struct nx_relay *relay, struct cargo *cargo)
{
    struct nx_span topic = relay->reading.topic;
    size_t head = topic.len - strlen(nx_channel_name(NX_CHANNEL_OBSERVATION));

    nx_buf_reset(&relay->original_topic);
    (void)nx_buf_add(&relay->original_topic, topic.ptr, head);
    (void)nx_buf_str(&relay->original_topic, nx_channel_name(NX_CHANNEL_ORIGINAL));
    cargo->topic = nx_buf_view(&relay->original_topic);
    cargo->payload = relay->reading.original;
    if (relay->reading.kind != NX_READING_CLEAR) {
        cargo->schema = dialect_of(relay, relay->from);
    }
}

static void add_property(struct nx_mqtt_publish *publish, const char *name, struct nx_span value)
{
    if (value.len > 0) {
        publish->user[publish->user_count++] =
            (struct nx_mqtt_user_property){.name = nx_span_from(name), .value = value};
    }
}

static enum nx_err relay_publish(struct nx_relay *relay, const struct nx_link_step *step,
                                 const struct cargo *cargo)
{
    struct nx_mqtt_publish publish = {
        .topic = cargo->topic,
        .payload = cargo->payload,
        .qos = 1,
        .retain = true,
    };
    char seq[64];

    (void)snprintf(seq, sizeof(seq), "%s.%" PRIu64,
                   nx_store_epoch(nx_node_store(relay->config.from)), step->seq);
    if (cargo->payload.len > 0) {
        publish.content_type = NX_SPAN("application/json");
    }
    add_property(&publish, "nexus-origin", relay->from);
    add_property(&publish, "nexus-seq", nx_span_from(seq));
    add_property(&publish, "nexus-via", relay->from);
    add_property(&publish, "nexus-schema", cargo->schema);
    add_property(&publish, "nexus-lens", cargo->lens);
    add_property(&publish, "nexus-observed-at", relay->reading.observed_at);
    return nx_session_publish(nx_node_session(relay->config.to), &publish, token_of(relay, step));
}

/* --- dead letters ------------------------------------------------------------------------------- */

static enum nx_err relay_dead(struct nx_relay *relay, const struct nx_link_step *step,
                              const char *why, struct nx_diag *diag)
{
    uint64_t held;
    char reason[sizeof(relay->last_error)];

    relay->last_error_ms = nx_loop_wall_ms();
    (void)snprintf(reason, sizeof(reason), "%s: %s",
                   step->part == PART_ORIGINAL ? "original" : "observation", why);
    memcpy(relay->last_error, reason, sizeof(reason));
    if (nx_rate_allows(&relay->dead_rate, nx_loop_monotonic_ms(), &held)) {
        nx_log(relay->config.log, NX_LOG_WARN,
               "link %s: record %" PRIu64 " is a dead letter: %s (%" PRIu64
               " more since the last such line)",
               relay->config.link->name, step->seq, reason, held);
    }
    return nx_store_dead_letter(nx_node_store(relay->config.from), relay->name, step->seq,
                                relay->last_error_ms, nx_span_from(reason), diag);
}

/* --- steps ------------------------------------------------------------------------------------- */

static enum nx_err relay_load(struct nx_relay *relay, uint64_t seq, struct cargo *cargo,
                              struct nx_diag *diag)
{
    enum nx_err err;

    if (relay->loaded == seq) {
        return NX_OK;
    }
    relay->loaded = 0;
    err =
        nx_store_get(nx_node_store(relay->config.from), seq, &relay->bytes, &relay->reading, diag);
    if (err == NX_ERR_NOT_FOUND || err == NX_ERR_LIMIT) {
        (void)snprintf(cargo->why, sizeof(cargo->why), "the cache has no such record");
        return NX_OK;
    }
    if (err == NX_OK) {
        if (nx_topic_parse(relay->reading.topic, &relay->topic, NULL) != NX_TOPIC_STREAM) {
            (void)snprintf(cargo->why, sizeof(cargo->why), "its topic is no stream");
            return NX_OK;
        }
        relay->loaded = seq;
    }
    return err;
}

/* One part of one record: out, or dead, or there is no room (*go_on false). */
static enum nx_err relay_step(struct nx_relay *relay, const struct nx_link_step *step,
                              uint64_t now_ms, bool *go_on, struct nx_diag *diag)
{
    struct cargo cargo = {.why = ""};
    enum nx_err err = relay_load(relay, step->seq, &cargo, diag);

    *go_on = false;
    if (err != NX_OK) {
        return err;
    }
    if (cargo.why[0] == '\0') {
        (step->part == PART_ORIGINAL ? cargo_original : cargo_observation)(relay, &cargo);
    }
    if (cargo.why[0] == '\0') {
        err = relay_publish(relay, step, &cargo);
        if (err == NX_OK) {
            nx_link_sent(relay->link, now_ms);
            *go_on = true;
            return NX_OK;
        }
        if (err == NX_ERR_AGAIN || err == NX_ERR_NOMEM) {
            nx_link_event(relay->link, NX_LINK_EV_FULL, now_ms);
            return NX_OK;
        }
        if (err == NX_ERR_STATE) {
            nx_relay_lost(relay);
            return NX_OK;
        }
        (void)snprintf(cargo.why, sizeof(cargo.why), "%s cannot take it: %s",
                       nx_node_settings(relay->config.to)->name,
                       err == NX_ERR_LIMIT ? "too large for its broker" : nx_err_text(err));
    }
    err = relay_dead(relay, step, cargo.why, diag);
    if (err == NX_OK) {
        nx_link_dead(relay->link, now_ms);
        *go_on = true;
    }
    return err;
}

enum nx_err nx_relay_pump(struct nx_relay *relay, unsigned steps_max, bool *more,
                          struct nx_diag *diag)
{
    uint64_t now_ms = nx_loop_monotonic_ms();
    struct nx_link_step step;
    enum nx_err err = NX_OK;

    *more = false;
    while (err == NX_OK && nx_link_next(relay->link, now_ms, &step)) {
        if (steps_max-- == 0) {
            *more = true;
            break;
        }
        bool go_on;

        err = relay_step(relay, &step, now_ms, &go_on, diag);
        if (!go_on) {
            break;
        }
    }
    return err;
}

enum nx_err nx_relay_answered(struct nx_relay *relay, uint64_t token, uint8_t reason,
                              struct nx_diag *diag)
{
    const struct nx_link_step step = {
        .seq = token & TOKEN_SEQ_MAX,
        .part = (uint8_t)(token >> TOKEN_PART_SHIFT & (NX_LINK_PARTS_MAX - 1)),
    };
    bool refused = reason >= NX_MQTT_REFUSED;
    char why[160];
    enum nx_err err = NX_OK;

    if ((uint8_t)(token >> TOKEN_OPENED_SHIFT) != relay->opened) {
        return NX_OK; /* of a cache that is no more */
    }
    if (refused) {
        (void)snprintf(why, sizeof(why), "%s refused it: %s (0x%02x)",
                       nx_node_settings(relay->config.to)->name, nx_mqtt_reason_text(reason),
                       reason);
        err = relay_dead(relay, &step, why, diag);
    }
    if (err == NX_OK) {
        (void)nx_link_answered(relay->link, &step, refused, nx_loop_monotonic_ms());
    }
    return err;
}

/* --- what happens around it --------------------------------------------------------------------- */

void nx_relay_update(struct nx_relay *relay)
{
    bool can =
        nx_session_is_up(nx_node_session(relay->config.to)) && !nx_node_stalled(relay->config.from);

    nx_link_event(relay->link, can ? NX_LINK_EV_UP : NX_LINK_EV_LOST, nx_loop_monotonic_ms());
}

void nx_relay_lost(struct nx_relay *relay)
{
    nx_link_event(relay->link, NX_LINK_EV_LOST, nx_loop_monotonic_ms());
}

void nx_relay_room(struct nx_relay *relay)
{
    nx_link_event(relay->link, NX_LINK_EV_ROOM, nx_loop_monotonic_ms());
}

void nx_relay_stop(struct nx_relay *relay)
{
    relay->stopping = true;
    nx_link_event(relay->link, NX_LINK_EV_STOP, nx_loop_monotonic_ms());
}

bool nx_relay_stopped(struct nx_relay *relay)
{
    struct nx_link_step none;

    (void)nx_link_next(relay->link, nx_loop_monotonic_ms(), &none); /* ends a late draining */
    return nx_link_state(relay->link) == NX_LINK_STOPPED;
}

/* --- the owner's transactions ------------------------------------------------------------------- */

enum nx_err nx_relay_save(struct nx_relay *relay, bool riding, struct nx_diag *diag)
{
    struct nx_store_cursor cursor;

    relay->is_saving = nx_link_save(relay->link, riding, nx_loop_monotonic_ms(), &relay->saving);
    if (!relay->is_saving) {
        return NX_OK;
    }
    cursor = (struct nx_store_cursor){
        .cursor = relay->saving.cursor, .sent = relay->saving.sent, .dead = relay->saving.dead};
    return nx_store_save_cursor(nx_node_store(relay->config.from), relay->name, &cursor, diag);
}

void nx_relay_committed(struct nx_relay *relay)
{
    if (relay->is_saving) {
        nx_link_saved(relay->link, &relay->saving);
        relay->is_saving = false;
    }
    nx_link_stored(relay->link, nx_store_last(nx_node_store(relay->config.from)));
}

void nx_relay_rolled_back(struct nx_relay *relay)
{
    relay->is_saving = false;
    nx_link_rewind(relay->link, nx_loop_monotonic_ms());
}

enum nx_err nx_relay_reopened(struct nx_relay *relay, struct nx_diag *diag)
{
    enum nx_err err;

    nx_link_free(relay->link);
    relay->link = NULL;
    relay->loaded = 0;
    relay->opened++;
    err = relay_link(relay, diag);
    if (err == NX_OK && relay->stopping) {
        nx_relay_stop(relay);
    }
    return err;
}

/* --- telling ----------------------------------------------------------------------------------- */

uint64_t nx_relay_due_ms(const struct nx_relay *relay)
{
    return nx_link_due_ms(relay->link, nx_loop_monotonic_ms());
}

const char *nx_relay_state(const struct nx_relay *relay)
{
    struct nx_session_stats session;

    switch (nx_link_state(relay->link)) {
    case NX_LINK_SENDING:
    case NX_LINK_BLOCKED:
        return "up";
    case NX_LINK_DRAINING:
        return "stopping";
    case NX_LINK_STOPPED:
        return "stopped";
    case NX_LINK_DOWN:
        break;
    }
    nx_session_stats(nx_node_session(relay->config.to), &session);
    return strcmp(session.state, "dialing") == 0 || strcmp(session.state, "greeting") == 0
               ? "connecting"
               : "waiting";
}

static int64_t relay_lag_ms(struct nx_relay *relay, uint64_t cursor)
{
    struct nx_reading oldest;
    int64_t lag;

    relay->loaded = 0; /* `bytes` is used for another record */
    if (nx_store_get(nx_node_store(relay->config.from), cursor + 1, &relay->bytes, &oldest, NULL) !=
        NX_OK) {
        return 0;
    }
    lag = nx_loop_wall_ms() - oldest.received_ms;
    return lag > 0 ? lag : 0;
}

/* While it is not up the reason is what last went wrong: at the owner's cache or with the peer. */
static void relay_down_reason(struct nx_relay *relay)
{
    struct nx_session_stats session;
    struct nx_node_stats owner;
    const char *why;

    nx_session_stats(nx_node_session(relay->config.to), &session);
    nx_node_stats(relay->config.from, &owner);
    why = owner.stall[0] != '\0' ? owner.stall : session.last_error;
    if (why != NULL && why[0] != '\0' &&
        strncmp(relay->last_error, why, sizeof(relay->last_error) - 1) != 0) {
        (void)snprintf(relay->last_error, sizeof(relay->last_error), "%s", why);
        relay->last_error_ms = nx_loop_wall_ms();
    }
}

void nx_relay_stats(struct nx_relay *relay, struct nx_relay_stats *out)
{
    const char *state = nx_relay_state(relay);

    if (relay->state != state) {
        relay->state = state;
        relay->since_ms = nx_loop_wall_ms();
    }
    if (nx_link_state(relay->link) == NX_LINK_DOWN) {
        relay_down_reason(relay);
    }
    *out = (struct nx_relay_stats){
        .state = state,
        .since_ms = relay->since_ms,
        .last_error = relay->last_error,
        .last_error_ms = relay->last_error_ms,
    };
    nx_link_counts(relay->link, &out->counts);
    out->cursor = out->counts.sent + out->counts.dead;
    out->lag_ms = out->counts.waiting > 0 ? relay_lag_ms(relay, out->cursor) : 0;
}
