/*
 * relay_tell.c - what a link says of itself: its state, its counters, its last fault.
 */
#include "bridge/relay_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { US_OF_A_SECOND = 1000000, SILENCE_US = 30 * US_OF_A_SECOND };

static const char *const delivery_names[] = {
    [NX_DELIVERY_BATCHES] = "batches",
    [NX_DELIVERY_QOS2] = "qos2",
    [NX_DELIVERY_QOS1] = "qos1",
};

void relay_error(struct nx_relay *relay, enum nx_log_level level, struct nx_rate *rate,
                 const char *fmt, ...)
{
    uint64_t held;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(relay->last_error, sizeof(relay->last_error), fmt, args);
    va_end(args);
    relay->last_error_ms = nx_loop_wall_ms();
    if (nx_rate_allows(rate, nx_loop_monotonic_ms(), &held)) {
        nx_log(relay->config.log, level, "link %s: %s (%" PRIu64 " more since the last such line)",
               relay->config.link->name, relay->last_error, held);
    }
}

uint64_t nx_relay_due_ms(const struct nx_relay *relay)
{
    uint64_t now_ms = nx_loop_monotonic_ms();
    uint64_t link_ms = relay_has_deaths(relay) ? 0 : nx_link_due_ms(relay->link, now_ms);
    uint64_t latest_ms = relay_latest_due_ms(relay, now_ms);

    return link_ms < latest_ms ? link_ms : latest_ms;
}

const char *nx_relay_state(const struct nx_relay *relay)
{
    struct nx_session_stats session;

    if (nx_node_stalled(relay->config.from) && !relay->stopping) {
        return "waiting";
    }
    switch (nx_link_state(relay->link)) {
    case NX_LINK_SENDING:
    case NX_LINK_BLOCKED:
        return "up";
    case NX_LINK_ASKING:
        return "asking";
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
    char why[RELAY_WHY_BYTES];
    int64_t lag;
    enum nx_err err = relay_load(relay, cursor + 1, why, NULL);

    relay->loaded = 0;
    if (err != NX_OK) {
        return 0;
    }
    lag = nx_loop_wall_ms() - relay->reading.received_ms;
    return lag > 0 ? lag : 0;
}

/* While it is not up the reason is what last went wrong: at the owner's cache or with the peer. */
static void relay_down_reason(struct nx_relay *relay)
{
    struct nx_session_stats session;
    struct nx_node_stats owner;

    nx_session_stats(nx_node_session(relay->config.to), &session);
    nx_node_stats(relay->config.from, &owner);
    if (owner.stall[0] != '\0') {
        (void)snprintf(relay->last_error, sizeof(relay->last_error), "%s", owner.stall);
        relay->last_error_ms = nx_loop_wall_ms(); /* it lasts */
    } else if (session.last_error[0] != '\0') {
        (void)snprintf(relay->last_error, sizeof(relay->last_error), "%s", session.last_error);
        relay->last_error_ms = session.last_error_ms;
    }
}

/* A broker that keeps the connection and answers nothing: keep alive does not see it. */
static void tell_silence(struct nx_relay *relay)
{
    struct nx_link_counts counts;
    uint64_t silent_us = nx_loop_monotonic_us() - relay->heard_us;

    nx_link_counts(relay->link, &counts);
    if (counts.units > 0 && silent_us > SILENCE_US &&
        nx_session_is_up(nx_node_session(relay->config.to))) {
        relay_error(relay, NX_LOG_WARN, &relay->error_rate,
                    "%s's broker has answered no publish for %" PRIu64 " s",
                    nx_node_settings(relay->config.to)->name, silent_us / US_OF_A_SECOND);
    }
}

void nx_relay_stats(struct nx_relay *relay, struct nx_relay_stats *out)
{
    const char *state = nx_relay_state(relay);
    struct nx_session_stats session;

    tell_silence(relay);
    nx_session_stats(nx_node_session(relay->config.to), &session);
    if (relay->state != state) {
        relay->state = state;
        relay->since_ms = nx_loop_wall_ms();
    }
    if (nx_link_state(relay->link) == NX_LINK_DOWN || nx_node_stalled(relay->config.from)) {
        relay_down_reason(relay);
    }
    *out = (struct nx_relay_stats){
        .state = state,
        .delivery = delivery_names[relay->delivery],
        .since_ms = relay->since_ms,
        .cursor = nx_link_cursor(relay->link),
        .window = relay->window,
        .bytes_out = relay->bytes_out,
        .batches = relay->batches_out,
        .pauses = relay->pauses,
        .snapshots = relay->latest.sent,
        .rtt_ms = relay->rtt_ms,
        .receiver_knows = relay->receiver_knows,
        .receiver_mark = relay->receiver_mark,
        .where = session.where,
        .taken_over = session.taken_over,
        .last_error = relay->last_error,
        .last_error_ms = relay->last_error_ms,
    };
    nx_link_counts(relay->link, &out->counts);
    out->lag_ms = out->counts.waiting > 0 ? relay_lag_ms(relay, out->cursor) : 0;
}
