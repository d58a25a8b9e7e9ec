/*
 * inflight.c - a slot for each packet identifier (MQTT 5 section 2.2.1), and a ring of the free
 * ones. The identifier given back last is used last, so that a late answer of a confused broker
 * meets a free slot and is noticed.
 */
#include "bridge/inflight.h"

#include <assert.h>
#include <stdlib.h>

enum { IDS_MAX = 65535, SLOTS = 65536 };

struct nx_inflight {
    uint64_t tokens[SLOTS]; /* pages that were never used cost nothing */
    uint8_t kinds[SLOTS];
    uint16_t ring[SLOTS]; /* free identifiers: from head, `free` of them */
    uint16_t head;
    uint32_t free;
    uint32_t publishes;
};

struct nx_inflight *nx_inflight_new(void)
{
    struct nx_inflight *inflight = calloc(1, sizeof(*inflight));

    if (inflight != NULL) {
        nx_inflight_clear(inflight);
    }
    return inflight;
}

void nx_inflight_free(struct nx_inflight *inflight)
{
    free(inflight);
}

void nx_inflight_clear(struct nx_inflight *inflight)
{
    for (uint32_t id = 1; id <= IDS_MAX; id++) {
        inflight->kinds[id] = NX_INFLIGHT_FREE;
        inflight->ring[id - 1] = (uint16_t)id;
    }
    inflight->head = 0;
    inflight->free = IDS_MAX;
    inflight->publishes = 0;
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
    assert(id != 0 && inflight->kinds[id] == NX_INFLIGHT_FREE);
    inflight->kinds[id] = (uint8_t)kind;
    inflight->tokens[id] = token;
    inflight->publishes += kind == NX_INFLIGHT_PUBLISH;
    return id;
}

bool nx_inflight_give(struct nx_inflight *inflight, uint16_t packet_id, enum nx_inflight_kind kind,
                      uint64_t *token)
{
    if (kind == NX_INFLIGHT_FREE || inflight->kinds[packet_id] != (uint8_t)kind) {
        return false;
    }
    *token = inflight->tokens[packet_id];
    inflight->kinds[packet_id] = NX_INFLIGHT_FREE;
    inflight->ring[(uint16_t)(inflight->head + inflight->free)] = packet_id;
    inflight->free++;
    inflight->publishes -= kind == NX_INFLIGHT_PUBLISH;
    assert(inflight->free <= IDS_MAX);
    return true;
}

uint32_t nx_inflight_publishes(const struct nx_inflight *inflight)
{
    return inflight->publishes;
}
