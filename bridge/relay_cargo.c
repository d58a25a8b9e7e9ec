/*
 * relay_cargo.c - what a record becomes at the peer: its observation, translated into the peer's
 * dialect and checked there, and its original, verbatim. Publishes nothing.
 */
#include "bridge/relay_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum nx_channel relay_channel(enum relay_part part)
{
    return part == PART_ORIGINAL ? NX_CHANNEL_ORIGINAL : NX_CHANNEL_OBSERVATION;
}

/* --- the record -------------------------------------------------------------------------------- */

static enum nx_err load_reading(struct nx_relay *relay, uint64_t seq, struct nx_diag *diag)
{
    const struct nx_recent *recent = nx_node_recent(relay->config.from);

    if (nx_recent_get(recent, seq, &relay->reading)) {
        return NX_OK;
    }
    return nx_store_get(nx_node_store(relay->config.from), seq, &relay->bytes, &relay->reading,
                        diag);
}

enum nx_err relay_load(struct nx_relay *relay, uint64_t seq, char *why, struct nx_diag *diag)
{
    enum nx_err err;

    why[0] = '\0';
    relay->loaded = 0;
    err = load_reading(relay, seq, diag);
    if (err == NX_ERR_NOT_FOUND || err == NX_ERR_LIMIT) {
        (void)snprintf(why, RELAY_WHY_BYTES, "the cache has no such record");
        return NX_ERR_NOT_FOUND;
    }
    if (err == NX_OK) {
        if (nx_topic_parse(relay->reading.topic, &relay->topic, NULL) != NX_TOPIC_STREAM) {
            (void)snprintf(why, RELAY_WHY_BYTES, "its topic is no stream");
            return NX_ERR_NOT_FOUND;
        }
        relay->loaded = seq;
    }
    return err;
}

unsigned relay_parts(const struct nx_relay *relay)
{
    const struct nx_settings_link *link = relay->config.link;
    unsigned parts = (link->observation ? 1u << PART_OBSERVATION : 0) |
                     (link->original ? 1u << PART_ORIGINAL : 0);

    if (relay->reading.only_link.len == 0) {
        return parts;
    }
    if (!nx_span_eq(relay->reading.only_link, relay->name)) {
        return 0;
    }
    return parts & (relay->reading.only_channel == NX_CHANNEL_ORIGINAL ? 1u << PART_ORIGINAL
                                                                       : 1u << PART_OBSERVATION);
}

/* --- its parts --------------------------------------------------------------------------------- */

static struct nx_span dialect_of(const struct nx_relay *relay, struct nx_span city)
{
    const struct nx_city *row = nx_config_city(relay->config.settings->config, city);
    const struct nx_domain *domain = row != NULL ? nx_city_domain(row, relay->topic.domain) : NULL;

    return domain != NULL ? domain->schema_name : (struct nx_span){NULL, 0};
}

static void cargo_observation(struct nx_relay *relay, struct relay_cargo *cargo)
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
static void cargo_original(struct nx_relay *relay, struct relay_cargo *cargo)
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

/* What was superseded, or will be in a moment, must not become what late subscribers see. */
void relay_cargo(struct nx_relay *relay, enum relay_part part, struct relay_cargo *out)
{
    bool newest = false;
    bool history = relay_is_history(relay, relay->loaded, &newest);

    out->part = part;
    out->topic = out->payload = out->schema = out->lens = (struct nx_span){NULL, 0};
    out->retain = !relay->reading.superseded && (!history || newest);
    out->replay = history ? "history" : NULL;
    out->why[0] = '\0'; /* and not all of it, twice for each reading */
    (part == PART_ORIGINAL ? cargo_original : cargo_observation)(relay, out);
}

/* --- properties -------------------------------------------------------------------------------- */

static void add(struct nx_mqtt_user_property *out, size_t *count, const char *name,
                struct nx_span value)
{
    if (value.len > 0) {
        out[(*count)++] = (struct nx_mqtt_user_property){nx_span_from(name), value};
    }
}

size_t relay_properties(const struct nx_relay *relay, const struct relay_cargo *cargo,
                        struct nx_mqtt_user_property *out)
{
    size_t count = 0;

    add(out, &count, "nexus-via", relay->from);
    add(out, &count, "nexus-schema", cargo->schema);
    add(out, &count, "nexus-lens", cargo->lens);
    add(out, &count, "nexus-observed-at", relay->reading.observed_at);
    if (cargo->replay != NULL) {
        add(out, &count, "nexus-replay", nx_span_from(cargo->replay));
    }
    return count;
}

void relay_publish_of(const struct nx_relay *relay, const struct relay_cargo *cargo, char *seq_text,
                      struct nx_mqtt_publish *out)
{
    enum { SEQ_TEXT_BYTES = 64 };
    size_t count = 0;

    *out = (struct nx_mqtt_publish){
        .topic = cargo->topic,
        .payload = cargo->payload,
        .qos = 1,
        .retain = cargo->retain,
    };
    if (cargo->payload.len > 0) {
        out->content_type = NX_SPAN("application/json");
    }
    (void)snprintf(seq_text, SEQ_TEXT_BYTES, "%s.%" PRIu64,
                   nx_store_epoch_of(nx_node_store(relay->config.from), relay->loaded),
                   relay->loaded);
    add(out->user, &count, "nexus-origin", relay->from);
    add(out->user, &count, "nexus-seq", nx_span_from(seq_text));
    out->user_count = count + relay_properties(relay, cargo, out->user + count);
}
