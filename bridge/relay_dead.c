/*
 * relay_dead.c - dead letters on their way to the cache. They wait here until the owner's next
 * transaction, so that a letter and the mark that passes its record become durable together (R2),
 * and a transaction that fails loses none.
 */
#include "bridge/relay_state.h"

#include <inttypes.h>
#include <string.h>

enum { DEATHS_BYTES_MAX = 16 * 1024 * 1024, DEATHS_BYTES_FULL = 4 * 1024 * 1024 };

void relay_deaths_init(struct nx_relay *relay)
{
    nx_buf_init(&relay->deaths, DEATHS_BYTES_MAX);
}

static bool next_death(const struct nx_relay *relay, size_t *at, struct relay_death *death,
                       struct nx_span *reason)
{
    if (*at >= relay->deaths.len) {
        return false;
    }
    memcpy(death, relay->deaths.data + *at, sizeof(*death));
    *reason = (struct nx_span){relay->deaths.data + *at + sizeof(*death), death->reason_len};
    *at += sizeof(*death) + death->reason_len;
    return true;
}

enum nx_err relay_bury(struct nx_relay *relay, uint64_t seq, enum nx_channel channel, bool late,
                       const char *why)
{
    struct relay_death death = {
        .seq = seq,
        .at_ms = nx_loop_wall_ms(),
        .channel = channel,
        .late = late,
        .reason_len = strlen(why),
    };
    size_t before = relay->deaths.len;

    (void)nx_buf_add(&relay->deaths, &death, sizeof(death));
    (void)nx_buf_add(&relay->deaths, why, death.reason_len);
    if (nx_buf_error(&relay->deaths) != NX_OK) {
        relay->deaths.len = before;
        relay->deaths.error = NX_OK;
        return NX_ERR_NOMEM;
    }
    relay_error(relay, NX_LOG_WARN, &relay->dead_rate,
                "record %" PRIu64 " is a dead letter: %s: %s", seq, nx_channel_name(channel), why);
    return NX_OK;
}

enum nx_err relay_is_buried(struct nx_relay *relay, uint64_t seq, bool *is, struct nx_diag *diag)
{
    struct relay_death death;
    struct nx_span reason;
    size_t at = 0;

    *is = false;
    while (next_death(relay, &at, &death, &reason)) {
        if (death.seq == seq) {
            *is = true;
            return NX_OK;
        }
    }
    return nx_store_is_dead(nx_node_store(relay->config.from), relay->name, seq, is, diag);
}

bool relay_has_deaths(const struct nx_relay *relay)
{
    return relay->deaths.len > 0;
}

bool nx_relay_letters_kept(const struct nx_relay *relay)
{
    return relay->deaths.len == 0;
}

bool relay_deaths_full(const struct nx_relay *relay)
{
    return relay->deaths.len >= DEATHS_BYTES_FULL;
}

/*
 * A record that was counted as sent and is refused late moves from sent to dead, once: when the
 * same refusal comes again, after a crash, the letter is there already.
 */
enum nx_err relay_write_deaths(struct nx_relay *relay, struct nx_diag *diag)
{
    struct nx_store *store = nx_node_store(relay->config.from);
    enum nx_err err = NX_OK;
    struct relay_death death;
    struct nx_span reason;
    size_t at = 0;
    size_t here = 0;

    while (err == NX_OK && next_death(relay, &at, &death, &reason)) {
        bool known = false;

        if (death.late) {
            err = nx_store_is_dead(store, relay->name, death.seq, &known, diag);
        }
        if (err != NX_OK) {
            break; /* it is counted when the cache can say whether it was */
        }
        if (death.late && !known) {
            nx_link_died_late(relay->link, 1, nx_loop_monotonic_ms());
        }
        death.late = false; /* should the transaction fail: it is counted now */
        memcpy(relay->deaths.data + here, &death, sizeof(death));
        here = at;
        err = nx_store_dead_letter(store,
                                   &(struct nx_dead_letter){.link = relay->name,
                                                            .seq = death.seq,
                                                            .channel = death.channel,
                                                            .at_ms = death.at_ms,
                                                            .reason = reason},
                                   diag);
    }
    return err;
}
