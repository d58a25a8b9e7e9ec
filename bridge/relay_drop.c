/*
 * relay_drop.c - the drop policy "oldest": what a link gives up, because it is beyond the link's
 * limits or because retention took it with the policy's leave. Counted as dropped, and told.
 *
 * Ages go by the monotonic clock (core/ages.h). Only of what was there before this process is the
 * age taken from the wall clock, once, as it was at the start: a clock that jumps later drops
 * nothing.
 */
#include "bridge/relay_state.h"

#include <inttypes.h>

enum { LOOKS_MAX = 64 }; /* records looked at in a turn for their age */

static uint64_t max_age_ms(const struct nx_relay *relay)
{
    return (uint64_t)relay->config.link->drop_after_s * 1000;
}

void relay_drop_init(struct nx_relay *relay)
{
    relay->began_ms = nx_loop_monotonic_ms();
    relay->began_wall_ms = nx_loop_wall_ms();
    nx_ages_init(&relay->ages, max_age_ms(relay), nx_store_last(nx_node_store(relay->config.from)),
                 relay->began_ms);
}

/* The last of the records from `seq` on that were here before this process and are too old. */
static uint64_t old_before(struct nx_relay *relay, uint64_t seq, uint64_t now_ms)
{
    int64_t now = relay->began_wall_ms + (int64_t)(now_ms - relay->began_ms);
    char why[RELAY_WHY_BYTES];
    int looks = 0;

    while (seq <= relay->ages.first && looks++ < LOOKS_MAX &&
           relay_load(relay, seq, why, NULL) == NX_OK &&
           now - relay->reading.received_ms > (int64_t)max_age_ms(relay)) {
        seq++;
    }
    relay->loaded = 0;
    return seq - 1;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Everything up to here is beyond the limits. */
static uint64_t beyond(struct nx_relay *relay, const struct nx_link_counts *counts, uint64_t now_ms)
{
    const struct nx_settings_link *link = relay->config.link;
    uint64_t first = nx_store_first(nx_node_store(relay->config.from));
    uint64_t next = counts->stored - counts->waiting + counts->inflight + 1;
    uint64_t until = first > 0 ? first - 1 : 0;

    if (link->drop_readings > 0 && counts->stored > link->drop_readings) {
        until = most(until, counts->stored - link->drop_readings);
    }
    if (link->drop_after_s > 0) {
        uint64_t old = most(next, until + 1) <= relay->ages.first
                           ? old_before(relay, most(next, until + 1), now_ms)
                           : nx_ages_older(&relay->ages, max_age_ms(relay), now_ms);

        until = most(until, old);
    }
    return until;
}

void relay_drop(struct nx_relay *relay, uint64_t now_ms)
{
    struct nx_link_counts counts;
    uint64_t until;

    nx_link_counts(relay->link, &counts);
    nx_ages_note(&relay->ages, counts.stored, now_ms);
    if (counts.waiting == counts.inflight) {
        return;
    }
    until = beyond(relay, &counts, now_ms);
    if (until > counts.stored - counts.waiting + counts.inflight) {
        nx_link_give_up(relay->link, until, now_ms);
    }
    nx_link_counts(relay->link, &counts);
    if (counts.dropped > relay->dropped_told) {
        relay_error(relay, NX_LOG_WARN, &relay->error_rate,
                    "%" PRIu64 " readings were given up so far, by its drop policy",
                    counts.dropped);
        relay->dropped_told = counts.dropped;
    }
}
