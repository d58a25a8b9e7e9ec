/*
 * inflight.c - a slot for each packet identifier (MQTT 5 section 2.2.1), and a ring of the free
 * ones above the reserved. The identifier given back last is used last, so that a late answer of a
 * confused broker meets a free slot and is noticed.
 */
#include "bridge/inflight.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_MAX = 65535, SLOTS = 65536 };

struct nx_inflight {
    uint64_t tokens[SLOTS]; /* pages that were never used cost nothing */
    uint8_t kinds[SLOTS];
    uint16_t ring[SLOTS]; /* free identifiers: from head, `free` of them */
    uint16_t head;
    uint16_t reserved;
    uint32_t free;
    uint32_t publishes, qos2, carried;
    bool is_carried[SLOTS];
};

/* Makes every identifier free. */
static void fill(struct nx_inflight *inflight)
{
    inflight->head = 0;
    inflight->free = 0;
    inflight->publishes = inflight->qos2 = 0;
    for (uint32_t id = 1; id <= IDS_MAX; id++) {
        inflight->kinds[id] = NX_INFLIGHT_FREE;
        if (id > inflight->reserved) {
            inflight->ring[inflight->free++] = (uint16_t)id;
        }
    }
}

struct nx_inflight *nx_inflight_new(uint16_t reserved)
{
    struct nx_inflight *inflight = calloc(1, sizeof(*inflight));

    if (inflight != NULL) {
        inflight->reserved = reserved;
        fill(inflight);
    }
    return inflight;
}

void nx_inflight_free(struct nx_inflight *inflight)
{
    free(inflight);
}

void nx_inflight_clear(struct nx_inflight *inflight)
{
    if (inflight->publishes > 0 || inflight->free < IDS_MAX - (uint32_t)inflight->reserved) {
        fill(inflight); /* else nothing is taken, and any order in the ring will do */
    }
    memset(inflight->is_carried, 0, sizeof(inflight->is_carried));
    inflight->carried = 0;
}

static bool is_publish(enum nx_inflight_kind kind)
{
    return kind != NX_INFLIGHT_FREE && kind != NX_INFLIGHT_SUBSCRIBE;
}

static bool is_qos2(enum nx_inflight_kind kind)
{
    return is_publish(kind) && kind != NX_INFLIGHT_PUBLISH;
}

static void set(struct nx_inflight *inflight, uint16_t id, enum nx_inflight_kind kind,
                uint64_t token)
{
    inflight->publishes -= is_publish((enum nx_inflight_kind)inflight->kinds[id]);
    inflight->publishes += is_publish(kind);
    inflight->qos2 -= is_qos2((enum nx_inflight_kind)inflight->kinds[id]);
    inflight->qos2 += is_qos2(kind);
    inflight->carried -= inflight->is_carried[id];
    inflight->is_carried[id] = false;
    inflight->kinds[id] = (uint8_t)kind;
    inflight->tokens[id] = token;
}

uint16_t nx_inflight_take(struct nx_inflight *inflight, enum nx_inflight_kind kind, uint64_t token)
{
    uint16_t id;

    assert(kind != NX_INFLIGHT_FREE);
    if (inflight->free == 0) {
        return 0;
    }
    id = inflight->ring[inflight->head++]; /* wraps with its type */
    inflight->free--;
    assert(id > inflight->reserved && inflight->kinds[id] == NX_INFLIGHT_FREE);
    set(inflight, id, kind, token);
    return id;
}

bool nx_inflight_move(struct nx_inflight *inflight, uint16_t packet_id, enum nx_inflight_kind from,
                      enum nx_inflight_kind to, uint64_t token)
{
    assert(to != NX_INFLIGHT_FREE); /* nx_inflight_give does that */
    if (packet_id == 0 || packet_id > inflight->reserved ||
        inflight->kinds[packet_id] != (uint8_t)from) {
        return false;
    }
    set(inflight, packet_id, to, token);
    return true;
}

bool nx_inflight_give(struct nx_inflight *inflight, uint16_t packet_id, enum nx_inflight_kind kind,
                      uint64_t *token)
{
    if (kind == NX_INFLIGHT_FREE || inflight->kinds[packet_id] != (uint8_t)kind) {
        return false;
    }
    *token = inflight->tokens[packet_id];
    set(inflight, packet_id, NX_INFLIGHT_FREE, 0);
    if (packet_id > inflight->reserved) {
        inflight->ring[(uint16_t)(inflight->head + inflight->free)] = packet_id;
        inflight->free++;
        assert(inflight->free <= IDS_MAX);
    }
    return true;
}

enum nx_inflight_kind nx_inflight_kind(const struct nx_inflight *inflight, uint16_t packet_id)
{
    return (enum nx_inflight_kind)inflight->kinds[packet_id];
}

uint64_t nx_inflight_token(const struct nx_inflight *inflight, uint16_t packet_id)
{
    return inflight->tokens[packet_id];
}

uint32_t nx_inflight_publishes(const struct nx_inflight *inflight)
{
    return inflight->publishes;
}

uint32_t nx_inflight_qos2(const struct nx_inflight *inflight)
{
    return inflight->qos2;
}

void nx_inflight_cut(struct nx_inflight *inflight)
{
    for (uint32_t id = 1; id <= inflight->reserved && inflight->qos2 > 0; id++) {
        if (is_qos2((enum nx_inflight_kind)inflight->kinds[id])) {
            set(inflight, (uint16_t)id, NX_INFLIGHT_FREE, 0);
            inflight->is_carried[id] = true;
            inflight->carried++;
        }
    }
    if (inflight->publishes > 0 || inflight->free < IDS_MAX - (uint32_t)inflight->reserved) {
        fill(inflight);
    }
}

uint32_t nx_inflight_carried(const struct nx_inflight *inflight)
{
    return inflight->carried;
}

bool nx_inflight_is_carried(const struct nx_inflight *inflight, uint16_t packet_id)
{
    return inflight->is_carried[packet_id];
}

bool nx_inflight_exhausted(const struct nx_inflight *inflight)
{
    return inflight->free == 0;
}
