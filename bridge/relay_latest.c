/*
 * relay_latest.c - order "latest-first": a link that comes back with a backlog first shows the
 * newest value of each stream (snapshots, `nexus-replay: snapshot`), then sends the backlog in
 * order (`nexus-replay: history`), and repeats the snapshots for what has changed meanwhile, so that
 * who looks at a value now is not kept waiting by what was.
 *
 * A snapshot is a preview: it is no delivery, moves no mark and is counted apart. Each reading is
 * delivered once, in its place in the history. So nothing of what makes a link exact changes; a
 * subscriber that counts readings leaves out snapshots, as it leaves out retained messages. What is
 * history is retained only where it is the newest of its stream: it never puts an older value in
 * front of whoever subscribes next.
 */
#include "bridge/relay_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG_MIN = 256,         /* readings that are worth it */
    STREAMS_MAX = 1024 * 1024, /* shown at once */
    REFRESH_MS = 2000,
    WALK_SHARE = 20, /* of the time, at most one part in so many goes into the walk */
};

static enum nx_err add_newest(void *ctx, const struct nx_reading *reading)
{
    struct nx_relay *relay = ctx;
    struct relay_latest *latest = &relay->latest;

    if (reading->seq <= nx_link_cursor(relay->link) || latest->newest_count == STREAMS_MAX) {
        return NX_OK;
    }
    if (latest->newest_count == latest->newest_cap) {
        size_t cap = latest->newest_cap > 0 ? latest->newest_cap * 2 : 1024;
        uint64_t *newest = realloc(latest->newest, cap * sizeof(*newest));

        if (newest == NULL) {
            return NX_ERR_NOMEM;
        }
        latest->newest = newest;
        latest->newest_cap = cap;
    }
    latest->newest[latest->newest_count++] = reading->seq;
    return NX_OK;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static enum nx_err collect(struct nx_relay *relay, uint64_t stored, struct nx_diag *diag)
{
    struct relay_latest *latest = &relay->latest;
    struct nx_store *store = nx_node_store(relay->config.from);
    const struct nx_store_query all = {.limit = 0};
    uint64_t shown = latest->until; /* what is not newer was shown already */
    uint64_t began_ms = nx_loop_monotonic_ms();
    uint64_t ended_ms;
    enum nx_err err;

    latest->newest_count = latest->at = 0;
    err = nx_store_latest(store, &all, add_newest, relay, diag);
    if (err != NX_OK) {
        return err;
    }
    if (latest->newest_count > 0) {
        qsort(latest->newest, latest->newest_count, sizeof(*latest->newest), by_number);
    }
    while (latest->at / PARTS < latest->newest_count &&
           latest->newest[latest->at / PARTS] <= shown) {
        latest->at += PARTS;
    }
    latest->until = stored;
    ended_ms = nx_loop_monotonic_ms();
    latest->next_ms = ended_ms + REFRESH_MS + (ended_ms - began_ms) * WALK_SHARE;
    return NX_OK;
}

/* One part of one snapshot. False: there is no room now. */
static bool show(struct nx_relay *relay, uint64_t seq, enum relay_part part)
{
    struct nx_mqtt_publish publish;
    struct relay_cargo cargo;
    char why[RELAY_WHY_BYTES];
    char seq_text[64];
    enum nx_err err;

    if (relay_load(relay, seq, why, NULL) != NX_OK || (relay_parts(relay) & (1u << part)) == 0) {
        return true;
    }
    relay_cargo(relay, part, &cargo);
    if (cargo.why[0] != '\0') {
        return true; /* its place in the history tells */
    }
    cargo.retain = true;
    cargo.replay = "snapshot";
    relay_publish_of(relay, &cargo, seq_text, &publish);
    err = nx_session_publish(nx_node_session(relay->config.to), &publish,
                             relay_token(relay, 0, TOKEN_PART_SNAPSHOT));
    relay->latest.sent += err == NX_OK ? 1 : 0;
    return err != NX_ERR_AGAIN;
}

enum nx_err relay_latest_pump(struct nx_relay *relay, uint64_t now_ms, unsigned *steps,
                              struct nx_diag *diag)
{
    struct relay_latest *latest = &relay->latest;
    struct nx_link_counts counts;
    uint64_t behind;
    enum nx_err err = NX_OK;

    nx_link_counts(relay->link, &counts);
    behind = counts.waiting - counts.inflight;
    if (nx_link_state(relay->link) != NX_LINK_SENDING) {
        return NX_OK;
    }
    if (latest->until > 0 && counts.stored - behind >= latest->until) {
        latest->until = 0; /* caught up */
        latest->newest_count = latest->at = 0;
    }
    if (behind >= BACKLOG_MIN && (latest->until == 0 || now_ms >= latest->next_ms) &&
        latest->at >= latest->newest_count * PARTS) {
        err = collect(relay, counts.stored, diag);
    }
    while (err == NX_OK && *steps > 1 && latest->at < latest->newest_count * PARTS) {
        if (!show(relay, latest->newest[latest->at / PARTS],
                  (enum relay_part)(latest->at % PARTS))) {
            break;
        }
        latest->at++;
        --*steps;
    }
    relay->loaded = 0;
    return err;
}

bool relay_is_history(const struct nx_relay *relay, uint64_t seq, bool *newest)
{
    const struct relay_latest *latest = &relay->latest;

    if (seq > latest->until) {
        return false;
    }
    *newest = latest->newest_count > 0 && bsearch(&seq, latest->newest, latest->newest_count,
                                                  sizeof(*latest->newest), by_number) != NULL;
    return true;
}

uint64_t relay_latest_due_ms(const struct nx_relay *relay, uint64_t now_ms)
{
    const struct relay_latest *latest = &relay->latest;

    struct nx_link_counts counts;

    nx_link_counts(relay->link, &counts);
    if (latest->until == 0 || nx_link_state(relay->link) != NX_LINK_SENDING ||
        latest->at < latest->newest_count * PARTS ||
        counts.waiting - counts.inflight < BACKLOG_MIN) {
        return UINT64_MAX; /* then only an answer or a reading changes something */
    }
    return latest->next_ms > now_ms ? latest->next_ms - now_ms : 0;
}

void relay_latest_fini(struct nx_relay *relay)
{
    free(relay->latest.newest);
    memset(&relay->latest, 0, sizeof(relay->latest));
}
