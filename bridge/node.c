/*
 * node.c - one city: its life, its transactions, what it tells of itself. The invariants N1 to N4
 * are in node_state.h.
 */
#include "bridge/node_state.h"

#include "bridge/points.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TELL_EVERY_ACKS = 4096, /* so that readings settle before an identifier comes round */
    RECENT_BYTES = 8 * 1024 * 1024,
    RECENT_RECORDS = 8192,
    LINK_IDS_MAX = 2048, /* more than a link has in flight */
};

/* --- small things ------------------------------------------------------------------------------ */

const struct nx_settings_node *nx_node_settings(const struct nx_node *node)
{
    return node->settings;
}

struct nx_span nx_node_city(const struct nx_node *node)
{
    return node->city;
}

struct nx_store *nx_node_store(const struct nx_node *node)
{
    return node->store;
}

struct nx_session *nx_node_session(const struct nx_node *node)
{
    return node->session;
}

const struct nx_recent *nx_node_recent(const struct nx_node *node)
{
    return node->recent;
}

bool nx_node_stalled(const struct nx_node *node)
{
    return node->stalled;
}

uint8_t nx_node_opened(const struct nx_node *node)
{
    return node->opened;
}

bool nx_node_gone(const struct nx_node *node)
{
    return node->gone;
}

void node_changed(struct nx_node *node)
{
    node->config.events->changed(node->config.ctx, node);
}

/* --- the transaction --------------------------------------------------------------------------- */

static void on_release(void *ctx, const struct nx_intake_row *row)
{
    struct nx_node *node = ctx;

    if (row->qos == 0 || row->connection != nx_session_connection(node->session)) {
        return; /* from a connection that is gone: the broker sends it again, and it is known */
    }
    NX_POINT("before_ack");
    nx_session_ack(node->session, row->connection, row->packet_id);
    if (!row->dup && row->seq > node->acked) {
        node->acked = row->seq; /* N3 */
    }
}

static enum nx_err node_write(struct nx_node *node, struct nx_diag *diag)
{
    bool riding = nx_intake_held(node->intake) > 0 || nx_store_dirty(node->store);
    bool settles = node->settle > 0 && (riding || node->settle_now);
    enum nx_err err = NX_OK;

    if (settles) {
        err = nx_store_settle(node->store, node->settle, diag);
    }
    if (err == NX_OK) {
        err = nx_intake_store(node->intake, node->store, node->tuning->commit_batch_max,
                              node->config.events->answers_kept(node->config.ctx, node),
                              nx_loop_monotonic_ms(), diag);
    }
    if (err == NX_OK) {
        err = node_keep(node, diag);
    }
    if (err == NX_OK) {
        err = node->config.events->save(node->config.ctx, node, nx_store_dirty(node->store), diag);
    }
    if (err == NX_OK) {
        if (riding) {
            NX_POINT("before_commit");
        }
        err = nx_store_commit(node->store, diag);
        if (riding) {
            NX_POINT("after_commit");
        }
    }
    if (err == NX_OK && settles) {
        node->settle = 0;
        node->settle_now = false;
    }
    return err;
}

static void node_tell_if_due(struct nx_node *node)
{
    if (node->acked - node->told >= TELL_EVERY_ACKS) {
        node_changed(node);
    }
}

bool nx_node_turn(struct nx_node *node)
{
    size_t held = nx_intake_held(node->intake);
    struct nx_diag diag = {0};
    enum nx_err err;

    if (node->stalled) {
        return false;
    }
    err = node_write(node, &diag);
    if (err != NX_OK) {
        node_stall(node, err, &diag);
        return false;
    }
    node->retry_ms = 0;
    node->failures = 0;
    if (node->stall[0] != '\0') {
        node->stall[0] = '\0';
        nx_log(node->config.log, NX_LOG_NOTICE, "%s: the cache can be written again",
               node->settings->name);
        node_changed(node);
    }
    nx_intake_release(node->intake, on_release, node); /* N1, N2 */
    node_kept(node);
    node->config.events->committed(node->config.ctx, node);
    node_tell_if_due(node);
    held -= nx_intake_held(node->intake); /* none: an answer is in the way, and waits elsewhere */
    return held > 0 && nx_intake_held(node->intake) > 0;
}

/* --- telling ----------------------------------------------------------------------------------- */

enum nx_err nx_node_tell(struct nx_node *node, struct nx_span topic, struct nx_span payload)
{
    const struct nx_mqtt_publish publish = {
        .topic = topic,
        .payload = payload,
        .qos = 1,
        .retain = true,
        .content_type = NX_SPAN("application/json"),
    };
    uint64_t token =
        NX_NODE_TOKEN | (uint64_t)node->opened << NODE_TOKEN_OPENED_SHIFT | node->acked;
    enum nx_err err = nx_session_publish(node->session, &publish, token);

    if (err == NX_OK) {
        node->told = node->acked;
    }
    return err;
}

void nx_node_stats(const struct nx_node *node, struct nx_node_stats *out)
{
    const struct nx_store_epoch *epochs;
    const size_t epochs_count = nx_store_epochs(node->store, &epochs);

    *out = (struct nx_node_stats){
        .held = nx_intake_held(node->intake),
        .epoch = nx_store_epoch(node->store),
        .epoch_after = epochs[epochs_count - 1].after,
        .last_seq = nx_store_last(node->store),
        .first_seq = nx_store_first(node->store),
        .removed = node->keep.thinned.removed_all,
        .cache_bytes = node->keep.thinned.bytes_used,
        .set_aside = node->keep.set_aside,
        .retention_waits = node->keep.held_up,
        .stall = node->stall,
        .refused = node->refused,
        .sessions_lost = node->sessions_lost,
        .dropped = node->dropped,
        .dropped_at_ms = node->dropped_at_ms,
    };
    nx_session_stats(node->session, &out->session);
    nx_intake_counts(node->intake, &out->intake);
}

/* --- life -------------------------------------------------------------------------------------- */

static enum nx_err node_make_session(struct nx_node *node, struct nx_diag *diag)
{
    static const char will[] = "{\"component\":\"bridge\",\"state\":\"down\"}";
    const struct nx_settings_node *settings = node->settings;
    struct nx_session_config config = {
        .name = settings->name,
        .host = settings->host,
        .port = settings->port,
        .others = settings->others,
        .others_count = settings->others_count,
        .client_id = node->client_id,
        .username = settings->username,
        .password = settings->password,
        .tls = settings->tls,
        .will = {.topic = nx_span_from(node->will_topic), .payload = NX_SPAN(will), .retain = true},
        .protocol_level = settings->protocol_level,
        .keepalive_s = (uint16_t)node->tuning->keepalive_s,
        .session_expiry_s = node->tuning->session_expiry_s,
        .receive_max = (uint16_t)node->tuning->receive_max,
        .qos2_ids = (uint16_t)(node_links(node, NX_DELIVERY_QOS2) * nx_node_link_ids(node)),
        .packet_bytes_max = node->tuning->packet_bytes_max,
        .output_bytes_max = node->tuning->output_bytes_max,
        .backoff_ms_min = node->tuning->backoff_ms_min,
        .backoff_ms_max = node->tuning->backoff_ms_max,
    };

    enum nx_err err = nx_state_random(&config.seed);

    if (err != NX_OK) {
        nx_diag_set(diag, "no random bytes");
        return err;
    }
    err = nx_session_new(node->config.loop, node->config.log, &config, &node_session_events, node,
                         &node->session, diag);
    return err == NX_OK || err == NX_ERR_NOMEM ? err : NX_ERR_INVALID;
}

size_t node_links(const struct nx_node *node, enum nx_delivery delivery)
{
    const struct nx_settings *all = node->config.settings;
    size_t count = 0;

    for (size_t i = 0; i < all->links_count; i++) {
        count += all->links[i].to == node->config.index && all->links[i].delivery == delivery;
    }
    return count;
}

uint16_t nx_node_link_ids(const struct nx_node *node)
{
    const size_t links = node_links(node, NX_DELIVERY_QOS2);

    if (links <= NX_SESSION_QOS2_IDS_MAX / LINK_IDS_MAX) {
        return LINK_IDS_MAX;
    }
    return (uint16_t)(NX_SESSION_QOS2_IDS_MAX / links);
}

static enum nx_err node_make_parts(struct nx_node *node, struct nx_diag *diag)
{
    const struct nx_intake_config intake = {
        .city = node->city,
        .exchange = node->config.exchange,
        .recent = node->recent,
        .log = node->config.log,
        .bytes_max = node->tuning->held_bytes_max,
        .rows_max = 2 * 65536, /* more than one connection can leave unacknowledged */
    };
    int len = snprintf(node->store_path, sizeof(node->store_path), "%s/%s.db",
                       node->config.settings->state_dir, node->settings->name);

    if (len < 0 || (size_t)len >= sizeof(node->store_path)) {
        nx_diag_set(diag, "the path of the state folder is too long");
        return NX_ERR_LIMIT;
    }
    (void)snprintf(node->will_topic, sizeof(node->will_topic), "nexus/%s/_status/bridge",
                   node->settings->name);
    node->retry = nx_timer_new(node->config.loop, node_on_retry, node);
    node->resubscribe = nx_timer_new(node->config.loop, node_on_resubscribe, node);
    node->keep.timer = nx_timer_new(node->config.loop, node_on_keep, node);
    if (node->retry == NULL || node->resubscribe == NULL || node->keep.timer == NULL ||
        nx_intake_new(&intake, &node->intake) != NX_OK) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    return NX_OK;
}

enum nx_err nx_node_new(const struct nx_node_config *config, struct nx_node **out,
                        struct nx_diag *diag)
{
    struct nx_node *node = calloc(1, sizeof(*node));
    enum nx_err err;

    *out = NULL;
    if (node == NULL) {
        nx_diag_set(diag, "out of memory");
        return NX_ERR_NOMEM;
    }
    node->config = *config;
    node->settings = &config->settings->nodes[config->index];
    node->tuning = &config->settings->tuning;
    node->city = nx_span_from(node->settings->name);
    err = nx_state_client_id(config->settings->state_dir, node->settings->name, node->client_id,
                             diag);
    if (err == NX_OK && nx_recent_new(RECENT_BYTES, RECENT_RECORDS, &node->recent) != NX_OK) {
        nx_diag_set(diag, "out of memory");
        err = NX_ERR_NOMEM;
    }
    err = err == NX_OK ? node_make_parts(node, diag) : err;
    err = err == NX_OK ? node_open(node, diag) : err;
    err = err == NX_OK ? node_make_session(node, diag) : err;
    if (err != NX_OK) {
        nx_node_free(node);
        return err;
    }
    *out = node;
    return NX_OK;
}

void nx_node_free(struct nx_node *node)
{
    if (node == NULL) {
        return;
    }
    nx_session_free(node->session);
    if (node->retry != NULL) {
        nx_timer_free(node->retry);
    }
    if (node->resubscribe != NULL) {
        nx_timer_free(node->resubscribe);
    }
    if (node->keep.timer != NULL) {
        nx_timer_free(node->keep.timer);
    }
    nx_intake_free(node->intake);
    nx_recent_free(node->recent);
    nx_store_close(node->store);
    free(node);
}

void nx_node_start(struct nx_node *node)
{
    node_on_keep(node);
    nx_session_start(node->session);
}

void nx_node_stop_intake(struct nx_node *node)
{
    node->stopping = true;
}

void nx_node_stop(struct nx_node *node)
{
    node->stopping = node->leaving = true;
    if (node->off || !nx_session_is_up(node->session)) {
        node->gone = true; /* nobody to say goodbye to */
        return;
    }
    nx_session_stop(node->session);
}
