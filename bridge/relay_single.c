/*
 * relay_single.c - records that go one by one, for a broker without the plugin: at QoS 1, at least
 * once and in order, repetitions with the same nexus-seq; at QoS 2, exactly once as long as the
 * broker keeps the session. docs/decisions/0008-links.md has the order of things at QoS 2.
 */
#include "bridge/relay_state.h"

#include <stdio.h>

enum { NARROW = 256 }; /* messages: at a quarter of a second to and fro, a thousand a second */

uint16_t relay_packet_id(const struct nx_relay *relay, uint64_t seq, enum relay_part part)
{
    uint64_t outgoing = nx_link_outgoing(relay->link, seq, (uint8_t)part);

    return (uint16_t)(relay->id_first + outgoing % relay->id_count);
}

static enum nx_err single_publish(struct nx_relay *relay, const struct nx_link_step *step,
                                  const struct relay_cargo *cargo)
{
    struct nx_mqtt_publish publish;
    char seq_text[64];
    enum nx_err err;

    relay_publish_of(relay, cargo, seq_text, &publish);
    if (relay->delivery == NX_DELIVERY_QOS2) {
        publish.qos = 2;
        publish.packet_id = relay_packet_id(relay, step->seq, (enum relay_part)step->part);
        publish.dup = step->seq <= relay->dup_until;
    }
    err = nx_session_publish(nx_node_session(relay->config.to), &publish,
                             relay_token(relay, step->unit, step->part));
    if (err == NX_OK) {
        relay_sent_unit(relay, step->unit, cargo->payload.len);
    }
    return err;
}

/* The session did not take it: for now (*go_on false), or for ever (cargo->why). */
static void single_not_taken(struct nx_relay *relay, struct relay_cargo *cargo, enum nx_err err,
                             uint64_t now_ms, bool *go_on)
{
    *go_on = false;
    if (err == NX_ERR_AGAIN || err == NX_ERR_NOMEM) {
        nx_link_event(relay->link, NX_LINK_EV_FULL, now_ms);
    } else if (err == NX_ERR_STATE) {
        nx_relay_lost(relay);
    } else {
        (void)snprintf(cargo->why, sizeof(cargo->why), "%s cannot take it: %s",
                       nx_node_settings(relay->config.to)->name,
                       err == NX_ERR_LIMIT ? "too large for its broker" : nx_err_text(err));
    }
}

/* One part of one record: out, or dead, or there is no room (*go_on false). */
static enum nx_err single_step(struct nx_relay *relay, const struct nx_link_step *step,
                               uint64_t now_ms, bool *go_on, struct nx_diag *diag)
{
    struct relay_cargo cargo = {.why = ""};
    enum nx_err err = NX_OK;

    *go_on = true;
    if (relay->loaded != step->seq) {
        err = relay_load(relay, step->seq, cargo.why, diag);
    }
    if (err == NX_OK) {
        unsigned wanted = relay_parts(relay);

        if (wanted == 0) {
            nx_link_filtered(relay->link, now_ms);
            return NX_OK;
        }
        if ((wanted & (1u << step->part)) == 0) {
            nx_link_skip(relay->link, now_ms);
            return NX_OK;
        }
        relay_cargo(relay, (enum relay_part)step->part, &cargo);
    }
    if (err != NX_OK && err != NX_ERR_NOT_FOUND) {
        return err;
    }
    if (cargo.why[0] == '\0') {
        err = single_publish(relay, step, &cargo);
        if (err == NX_OK) {
            nx_link_sent(relay->link, now_ms);
            return NX_OK;
        }
        single_not_taken(relay, &cargo, err, now_ms, go_on);
    }
    if (cargo.why[0] == '\0') {
        return NX_OK;
    }
    *go_on = relay_bury(relay, step->seq, relay_channel((enum relay_part)step->part), false,
                        cargo.why) == NX_OK;
    if (*go_on) {
        nx_link_dead(relay->link, now_ms);
    }
    return NX_OK;
}

/* What is marked goes without a step: what of it was refused before is known to the cache alone. */
static enum nx_err recall_deaths(struct nx_relay *relay, struct nx_diag *diag)
{
    uint64_t until = nx_link_marked_until(relay->link);
    enum nx_err err = NX_OK;
    bool buried;

    for (uint64_t seq = nx_link_cursor(relay->link) + 1; seq <= until && err == NX_OK; seq++) {
        err = relay_is_buried(relay, seq, &buried, diag);
        if (err == NX_OK && buried) {
            nx_link_was_dead(relay->link, seq);
        }
    }
    relay->recalls = err != NX_OK;
    return err;
}

/* At QoS 2 the window follows the way there and back; an answer then makes room. */
static bool window_is_full(const struct nx_relay *relay)
{
    const uint32_t parts = relay->config.link->observation + relay->config.link->original;
    const double room = QOS2_WINDOW_MIN + QOS2_WINDOW_PER_MS * relay->rtt_ms_min;
    struct nx_link_counts counts;

    if (relay->delivery != NX_DELIVERY_QOS2) {
        return false;
    }
    nx_link_counts(relay->link, &counts);
    return counts.units * parts >= room;
}

/* A stock Mosquitto states 20: over a long way that is a crawl, and nobody would know why. */
void relay_single_up(struct nx_relay *relay)
{
    struct nx_session_stats session;

    nx_session_stats(nx_node_session(relay->config.to), &session);
    if (session.receive_max > 0 && session.receive_max < NARROW) {
        nx_log(
            relay->config.log, NX_LOG_WARN,
            "link %s: %s's broker takes %u unanswered messages, so no more go in one round trip; "
            "\"max_inflight_messages 0\" in its mosquitto.conf, 65534 from 2.1 on, lifts that",
            relay->config.link->name, nx_node_settings(relay->config.to)->name,
            (unsigned)session.receive_max);
    }
}

enum nx_err relay_single_pump(struct nx_relay *relay, unsigned steps_max, bool *more,
                              struct nx_diag *diag)
{
    uint64_t now_ms = nx_loop_monotonic_ms();
    struct nx_link_step step;
    enum nx_err err = NX_OK;
    bool go_on = true;

    relay->loaded = 0;
    while (err == NX_OK && go_on && !window_is_full(relay) &&
           nx_link_next(relay->link, now_ms, &step)) {
        if (steps_max-- == 0) {
            *more = true;
            break;
        }
        err = single_step(relay, &step, now_ms, &go_on, diag);
    }
    if (err == NX_OK && relay->recalls) {
        err = recall_deaths(relay, diag);
    }
    relay_release(relay); /* after a restart nx_link_next has found what was marked */
    return err;
}

/* --- QoS 2 --------------------------------------------------------------------------------------- */

/* PUBREL for everything whose mark is durable. */
void relay_release(struct nx_relay *relay)
{
    struct nx_session *session = nx_node_session(relay->config.to);
    struct nx_link_step step;

    while (nx_session_is_up(session) && nx_link_release(relay->link, &step)) {
        NX_POINT("qos2_after_mark");
        (void)nx_session_release(session,
                                 relay_packet_id(relay, step.seq, (enum relay_part)step.part),
                                 relay_token(relay, step.unit, step.part));
    }
}

enum nx_err nx_relay_received(struct nx_relay *relay, uint64_t token, uint16_t packet_id,
                              uint8_t reason)
{
    struct nx_link_step step;
    char why[RELAY_WHY_BYTES];
    bool refused = reason >= NX_MQTT_REFUSED;

    if (!relay_step_of(relay, token, &step)) { /* of a cache that is no more: it had it durably */
        if (!refused) {
            (void)nx_session_release(nx_node_session(relay->config.to), packet_id, token);
        }
        return NX_OK;
    }
    NX_POINT("qos2_before_mark");
    if (refused) {
        (void)snprintf(why, sizeof(why), "%s refused it: %s (0x%02x)",
                       nx_node_settings(relay->config.to)->name, nx_mqtt_reason_text(reason),
                       reason);
        if (nx_link_seq_of(relay->link, step.unit, &step.seq) &&
            relay_bury(relay, step.seq, relay_channel((enum relay_part)step.part), false, why) !=
                NX_OK) {
            return NX_ERR_NOMEM;
        }
    }
    (void)nx_link_received(relay->link, step.unit, step.part, refused, nx_loop_monotonic_ms());
    return NX_OK;
}
