/*
 * relay.c - a link at work: its life, its states, its part of the owner's transactions, what it
 * tells. The order of things, the window and the cursor are the engine's (core/link.c); what a step
 * means is in relay_single.c and relay_batch.c.
 *
 * A token, which comes back with the broker's answer, names what was published: relay, cache
 * (which of those that this run has opened), part, unit.
 */
#include "bridge/relay_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READING_BYTES_MAX = 64 * 1024 * 1024,
    TRANSLATED_BYTES_MAX = 4 * 1024 * 1024,
    REFUSALS_TOLD = 3, /* in a row */
};

#define TOKEN_RELAY_SHIFT  56
#define TOKEN_OPENED_SHIFT 48
#define TOKEN_PART_SHIFT   45
#define TOKEN_UNIT_MAX     ((UINT64_C(1) << TOKEN_PART_SHIFT) - 1)

#define RTT_WEIGHT 0.125 /* of the newest, as in RFC 6298 */

/* --- tokens ------------------------------------------------------------------------------------ */

uint64_t relay_token(const struct nx_relay *relay, uint64_t unit, unsigned part)
{
    assert(unit <= TOKEN_UNIT_MAX);
    return (uint64_t)relay->config.index << TOKEN_RELAY_SHIFT |
           (uint64_t)relay->opened << TOKEN_OPENED_SHIFT | (uint64_t)part << TOKEN_PART_SHIFT |
           unit;
}

size_t nx_relay_index(uint64_t token)
{
    return (size_t)(token >> TOKEN_RELAY_SHIFT);
}

bool relay_step_of(const struct nx_relay *relay, uint64_t token, struct nx_link_step *step)
{
    *step = (struct nx_link_step){
        .unit = token & TOKEN_UNIT_MAX,
        .part = (uint8_t)(token >> TOKEN_PART_SHIFT & (NX_LINK_PARTS_MAX - 1)),
    };
    return (uint8_t)(token >> TOKEN_OPENED_SHIFT) == relay->opened; /* else: a cache that is gone */
}

/* --- life -------------------------------------------------------------------------------------- */

static struct nx_link_config engine_config(const struct nx_relay *relay)
{
    const struct nx_tuning *tuning = &relay->config.settings->tuning;
    const struct nx_settings_link *link = relay->config.link;
    struct nx_link_config config = {
        .window = tuning->window,
        .parts = (uint8_t)((link->observation ? 1u << PART_OBSERVATION : 0) |
                           (link->original ? 1u << PART_ORIGINAL : 0)),
        .rate = link->rate,
        .save_ms = tuning->cursor_save_ms,
        .drain_ms = tuning->drain_ms,
        .ask_ms_min = tuning->ask_ms_min,
        .ask_ms_max = tuning->ask_ms_max,
    };
    uint32_t parts = (uint32_t)__builtin_popcount(config.parts);

    if (relay->delivery == NX_DELIVERY_BATCHES) {
        config.window = tuning->batch_window;
        config.batch_max = NX_BATCH_RECORDS_MAX / parts;
        if (tuning->batch_readings < config.batch_max) {
            config.batch_max = tuning->batch_readings;
        }
        config.parts = 1;
    } else if (relay->delivery == NX_DELIVERY_QOS2) {
        config.marks = true;
        if (config.window > QOS2_WINDOW_MAX / parts) {
            config.window = QOS2_WINDOW_MAX / parts;
        }
        if (config.window > relay->id_count / parts) {
            config.window = relay->id_count / parts;
        }
    }
    return config;
}

/* Under which name `marked` is kept: it counts publishes, so it means something for one set of
 * parts and one range of identifiers only. */
static void marked_key(const struct nx_relay *relay, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "marked %s %d%d %u+%u", relay->config.link->name,
                   relay->config.link->observation, relay->config.link->original,
                   (unsigned)relay->id_first, (unsigned)relay->id_count);
}

static void given_up_key(const struct nx_relay *relay, char *out, size_t out_size)
{
    (void)snprintf(out, out_size, "given up %s", relay->config.link->name);
}

static enum nx_err load_mark(struct nx_relay *relay, struct nx_link_mark *mark,
                             struct nx_diag *diag)
{
    struct nx_store *store = nx_node_store(relay->config.from);
    struct nx_store_cursor kept;
    int64_t marked = 0;
    int64_t given_up = 0;
    char key[128];
    enum nx_err err = nx_store_load_cursor(store, relay->name, &kept, diag);

    if (err == NX_OK && relay->delivery == NX_DELIVERY_QOS2) {
        marked_key(relay, key, sizeof(key));
        err = nx_store_get_number(store, key, &marked, diag);
    }
    if (err == NX_OK) {
        given_up_key(relay, key, sizeof(key));
        err = nx_store_get_number(store, key, &given_up, diag);
    }
    *mark = (struct nx_link_mark){
        .cursor = kept.cursor,
        .sent = kept.sent,
        .filtered = kept.filtered,
        .dead = kept.dead,
        .dropped = kept.dropped,
        .marked = (uint64_t)marked,
        .given_up = (uint64_t)given_up,
    };
    return err;
}

/*
 * Since which number the link delivers in batches: the receiver's mark knows nothing of what went
 * before in another way, and that must not be taken for something that it lacks.
 */
static enum nx_err load_batched_from(const struct nx_relay *relay, uint64_t cursor, uint64_t *out,
                                     struct nx_diag *diag)
{
    struct nx_store *store = nx_node_store(relay->config.from);
    bool batches = relay->delivery == NX_DELIVERY_BATCHES;
    int64_t kept = -1;
    char key[96];
    enum nx_err err;

    (void)snprintf(key, sizeof(key), "batched %s", relay->config.link->name);
    err = nx_store_get_number(store, key, &kept, diag);
    if (err == NX_OK && (kept >= 0) != batches) {
        kept = batches ? (int64_t)cursor : -1;
        err = nx_store_put_number(store, key, kept, diag);
    }
    *out = kept > 0 ? (uint64_t)kept : 0;
    return err;
}

/* The engine, from the mark in the owner's cache on. On failure the present one stays. */
static enum nx_err relay_link(struct nx_relay *relay, struct nx_diag *diag)
{
    const struct nx_link_config config = engine_config(relay);
    const uint64_t last = nx_store_last(nx_node_store(relay->config.from));
    struct nx_link_mark mark;
    struct nx_link *link;
    uint64_t batched_from = 0;
    enum nx_err err = load_mark(relay, &mark, diag);

    if (err == NX_OK) {
        err = load_batched_from(relay, mark.cursor, &batched_from, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    err = nx_link_new(&config, &mark, nx_loop_monotonic_ms(), &link);
    if (err != NX_OK) {
        nx_diag_set(diag, "link %s: %s", relay->config.link->name, nx_err_text(err));
        return err;
    }
    nx_link_free(relay->link);
    relay->link = link;
    relay->batched_from = batched_from;
    relay->window = config.window;
    relay->dropped_told = mark.dropped;
    relay_drop_init(relay);
    relay->dup_until = mark.cursor + config.window; /* the last run may have published so far */
    relay->doubt_until = mark.cursor + (uint64_t)config.window * config.batch_max;
    if (relay->doubt_until > last) {
        relay->doubt_until = last;
    }
    nx_link_stored(relay->link, last);
    return NX_OK;
}

/* The packet identifiers of a link at QoS 2: its own range, in the order of the settings. */
static void take_ids(struct nx_relay *relay)
{
    const struct nx_settings *settings = relay->config.settings;

    relay->id_first = 1;
    relay->id_count = nx_node_link_ids(relay->config.to);
    for (const struct nx_settings_link *row = settings->links; row != relay->config.link; row++) {
        if (row->to == relay->config.link->to && row->delivery == NX_DELIVERY_QOS2) {
            relay->id_first = (uint16_t)(relay->id_first + relay->id_count);
        }
    }
}

static void init_buffers(struct nx_relay *relay)
{
    nx_buf_init(&relay->bytes, READING_BYTES_MAX);
    nx_buf_init(&relay->translated, TRANSLATED_BYTES_MAX);
    nx_buf_init(&relay->original_topic, NX_TOPIC_MAX);
    nx_buf_init(&relay->batch, NX_BATCH_BYTES_MAX);
    relay_deaths_init(relay);
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
    relay->delivery = config->link->delivery;
    relay->from = nx_node_city(config->from);
    relay->to = nx_node_city(config->to);
    relay->since_ms = nx_loop_wall_ms();
    init_buffers(relay);
    take_ids(relay);
    err = relay_link(relay, diag);
    if (err == NX_OK) {
        relay->sent_us = calloc(relay->window, sizeof(*relay->sent_us));
        err = relay->sent_us != NULL ? NX_OK : NX_ERR_NOMEM;
    }
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
    relay_latest_fini(relay);
    nx_buf_fini(&relay->bytes);
    nx_buf_fini(&relay->translated);
    nx_buf_fini(&relay->original_topic);
    nx_buf_fini(&relay->batch);
    nx_buf_fini(&relay->deaths);
    free(relay->sent_us);
    free(relay);
}

const struct nx_relay_config *nx_relay_config(const struct nx_relay *relay)
{
    return &relay->config;
}

/* --- the pump ---------------------------------------------------------------------------------- */

enum nx_err nx_relay_pump(struct nx_relay *relay, unsigned numbers_max, bool *more,
                          struct nx_diag *diag)
{
    uint64_t now_ms = nx_loop_monotonic_ms();
    enum nx_err err = NX_OK;

    if (relay_deaths_full(relay)) {
        *more = true; /* as soon as these are durable */
        return NX_OK;
    }
    if (relay->config.link->drop_oldest) {
        relay_drop(relay, now_ms);
    }
    if (relay->config.link->latest_first) {
        err = relay_latest_pump(relay, now_ms, &numbers_max, diag);
    }
    if (err != NX_OK) {
        return err;
    }
    return relay->delivery == NX_DELIVERY_BATCHES
               ? relay_batch_pump(relay, numbers_max, more, diag)
               : relay_single_pump(relay, numbers_max, more, diag);
}

/* --- answers ----------------------------------------------------------------------------------- */

void relay_sent_unit(struct nx_relay *relay, uint64_t unit, size_t bytes)
{
    struct nx_link_counts counts;
    uint64_t now_us = nx_loop_monotonic_us();

    nx_link_counts(relay->link, &counts);
    if (counts.units == 0) {
        relay->heard_us = now_us;
    }
    relay->sent_us[unit % relay->window] = now_us;
    relay->bytes_out += bytes;
}

/* Of a record's parts the one that went last: between two others there may have been no room. */
static void measure(struct nx_relay *relay, const struct nx_link_step *step)
{
    const bool alone = relay->delivery == NX_DELIVERY_BATCHES || !relay->config.link->original;
    double ms;

    relay->heard_us = nx_loop_monotonic_us();
    if (!alone && step->part != PART_ORIGINAL) {
        return;
    }
    ms = (double)(relay->heard_us - relay->sent_us[step->unit % relay->window]) / 1000;
    relay->rtt_ms += relay->rtt_ms == 0 ? ms : (ms - relay->rtt_ms) * RTT_WEIGHT;
    relay->rtt_ms_min = relay->rtt_ms_min == 0 || ms < relay->rtt_ms_min ? ms : relay->rtt_ms_min;
}

/* Of what is no record: a batch, a snapshot. */
static void tell_refusal(struct nx_relay *relay, const char *what, uint8_t reason)
{
    relay_error(relay, NX_LOG_ERROR, &relay->error_rate, "%s's broker refuses our %s: %s",
                nx_node_settings(relay->config.to)->name, what, nx_mqtt_reason_text(reason));
}

enum nx_err nx_relay_answered(struct nx_relay *relay, uint64_t token, uint8_t reason)
{
    bool repeated = relay->delivery == NX_DELIVERY_QOS2 && reason == NX_MQTT_PACKET_ID_NOT_FOUND;
    bool refused =
        reason >= NX_MQTT_REFUSED && !repeated; /* a PUBREL sent again: it was released */
    char why[RELAY_WHY_BYTES];
    struct nx_link_step step;
    enum nx_err err = NX_OK;

    if (!relay_step_of(relay, token, &step)) {
        return NX_OK;
    }
    if (step.part == TOKEN_PART_QUESTION) { /* the plugin's words say more, if they come */
        relay->ask_reason = reason;
        return NX_OK;
    }
    if (step.part == TOKEN_PART_SNAPSHOT) {
        if (refused) {
            tell_refusal(relay, "snapshots", reason);
        }
        return NX_OK;
    }
    measure(relay, &step);
    if (relay->delivery == NX_DELIVERY_QOS2) {
        refused = false; /* PUBCOMP: whatever it says, the broker is done with the identifier */
    }
    if (refused && relay->delivery == NX_DELIVERY_BATCHES) {
        if (nx_link_refusals(relay->link) >= REFUSALS_TOLD) { /* before, the plugin's words do */
            tell_refusal(relay, "batches", reason);
        }
    } else if (refused && nx_link_seq_of(relay->link, step.unit, &step.seq)) {
        (void)snprintf(why, sizeof(why), "%s refused it: %s (0x%02x)",
                       nx_node_settings(relay->config.to)->name, nx_mqtt_reason_text(reason),
                       reason);
        err = relay_bury(relay, step.seq, relay_channel((enum relay_part)step.part), false, why);
    }
    if (err == NX_OK) {
        (void)nx_link_answered(relay->link, step.unit, step.part, refused, nx_loop_monotonic_ms());
        NX_POINT("batch_acknowledged");
    }
    return err;
}

/* --- what happens around it --------------------------------------------------------------------- */

void nx_relay_up(struct nx_relay *relay, bool session_present)
{
    uint64_t now_ms = nx_loop_monotonic_ms();
    uint64_t doubtful = 0;

    relay->is_built = false;
    relay->asks_back = 0;
    relay->rtt_ms_min = 0;
    relay->recalls = relay->delivery == NX_DELIVERY_QOS2;
    if (relay->delivery == NX_DELIVERY_QOS2 && !session_present) {
        doubtful = nx_link_void_marks(relay->link);
        relay->dup_until = 0;
    }
    if (doubtful > 0) {
        relay_error(relay, NX_LOG_ERROR, &relay->error_rate,
                    "%s's broker kept no session: %" PRIu64 " messages that it had taken go again, "
                    "and may arrive twice",
                    nx_node_settings(relay->config.to)->name, doubtful);
    }
    if (relay->delivery == NX_DELIVERY_BATCHES) {
        relay_batch_up(relay);
    } else {
        relay_single_up(relay);
    }
    nx_link_event(relay->link, NX_LINK_EV_UP, now_ms);
}

void nx_relay_lost(struct nx_relay *relay)
{
    struct nx_link_counts counts;

    nx_link_counts(relay->link, &counts);
    if (counts.units > 0) {
        relay->dup_until = nx_link_cursor(relay->link) + counts.inflight;
    }
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

bool nx_relay_has_to_save(const struct nx_relay *relay)
{
    struct nx_link_mark mark;

    return relay_has_deaths(relay) ||
           nx_link_save(relay->link, false, nx_loop_monotonic_ms(), &mark);
}

static enum nx_err save_mark(struct nx_relay *relay, struct nx_diag *diag)
{
    const struct nx_link_mark *mark = &relay->saving;
    struct nx_store *store = nx_node_store(relay->config.from);
    const struct nx_store_cursor cursor = {
        .cursor = mark->cursor,
        .sent = mark->sent,
        .dead = mark->dead,
        .filtered = mark->filtered,
        .dropped = mark->dropped,
    };
    char key[128];
    enum nx_err err = nx_store_save_cursor(store, relay->name, &cursor, diag);

    if (err == NX_OK && relay->delivery == NX_DELIVERY_QOS2) {
        marked_key(relay, key, sizeof(key));
        err = nx_store_put_number(store, key, (int64_t)mark->marked, diag);
    }
    if (err == NX_OK && mark->given_up > 0) {
        given_up_key(relay, key, sizeof(key));
        err = nx_store_put_number(store, key, (int64_t)mark->given_up, diag);
    }
    return err;
}

enum nx_err nx_relay_save(struct nx_relay *relay, bool riding, struct nx_diag *diag)
{
    enum nx_err err = relay_write_deaths(relay, diag); /* R2 */

    riding = riding || relay_has_deaths(relay);
    relay->is_saving =
        err == NX_OK && nx_link_save(relay->link, riding, nx_loop_monotonic_ms(), &relay->saving);
    return relay->is_saving ? save_mark(relay, diag) : err;
}

void nx_relay_committed(struct nx_relay *relay)
{
    nx_buf_reset(&relay->deaths);
    if (relay->is_saving) {
        nx_link_saved(relay->link, &relay->saving);
        relay->is_saving = false;
    }
    nx_link_stored(relay->link, nx_store_last(nx_node_store(relay->config.from)));
    relay_release(relay);
}

void nx_relay_rolled_back(struct nx_relay *relay)
{
    relay->is_saving = false; /* what is not saved will be: nothing of it is undone */
}

enum nx_err nx_relay_reopened(struct nx_relay *relay, struct nx_diag *diag)
{
    enum nx_err err = relay_link(relay, diag);

    if (err != NX_OK) {
        return err;
    }
    relay->loaded = 0;
    relay->is_built = false;
    relay->asks_back = relay->epoch_floor = 0;
    relay->opened = nx_node_opened(relay->config.from);
    nx_buf_reset(&relay->deaths);
    relay_latest_fini(relay);
    if (nx_session_is_up(nx_node_session(relay->config.to))) {
        nx_relay_up(relay, true);
    }
    if (relay->stopping) {
        nx_relay_stop(relay);
    }
    return NX_OK;
}
