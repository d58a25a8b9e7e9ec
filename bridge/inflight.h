/*
 * inflight.h - which packet identifier of ours stands for what, until it is answered. Every
 * operation takes the same time however many are in flight.
 *
 * Identifiers 1 to `reserved` are chosen by the caller (QoS 2), those above are given out here.
 *
 *     FREE -> PUBLISH -> FREE                     QoS 1: PUBACK
 *     FREE -> SENT -> RECEIVED -> RELEASED -> FREE  QoS 2: PUBREC, our PUBREL, PUBCOMP
 *     FREE -> SUBSCRIBE -> FREE
 */
#ifndef NX_BRIDGE_INFLIGHT_H
#define NX_BRIDGE_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum nx_inflight_kind {
    NX_INFLIGHT_FREE,
    NX_INFLIGHT_PUBLISH,
    NX_INFLIGHT_SENT,
    NX_INFLIGHT_RECEIVED,
    NX_INFLIGHT_RELEASED,
    NX_INFLIGHT_SUBSCRIBE,
};

struct nx_inflight;

struct nx_inflight *nx_inflight_new(uint16_t reserved); /* NULL: out of memory */
void nx_inflight_free(struct nx_inflight *inflight);

/* A free identifier above `reserved`, now taken; 0 when all are. */
uint16_t nx_inflight_take(struct nx_inflight *inflight, enum nx_inflight_kind kind, uint64_t token);

/* Makes a reserved identifier that is `from` (FREE too) stand for `to`; false when it is not. */
bool nx_inflight_move(struct nx_inflight *inflight, uint16_t packet_id, enum nx_inflight_kind from,
                      enum nx_inflight_kind to, uint64_t token);

/* Gives `packet_id` back; false when it does not stand for one of `kind`. */
bool nx_inflight_give(struct nx_inflight *inflight, uint16_t packet_id, enum nx_inflight_kind kind,
                      uint64_t *token);

enum nx_inflight_kind nx_inflight_kind(const struct nx_inflight *inflight, uint16_t packet_id);
uint64_t nx_inflight_token(const struct nx_inflight *inflight, uint16_t packet_id);

uint32_t nx_inflight_publishes(const struct nx_inflight *inflight); /* of any QoS */
uint32_t nx_inflight_qos2(const struct nx_inflight *inflight);      /* SENT to RELEASED */
bool nx_inflight_exhausted(const struct nx_inflight *inflight);     /* nx_inflight_take gives 0 */

/*
 * The connection is gone: all is free, but of QoS 2 the broker may hold what it has, until the
 * identifier is used again. These are the carried.
 */
void nx_inflight_cut(struct nx_inflight *inflight);
uint32_t nx_inflight_carried(const struct nx_inflight *inflight);
bool nx_inflight_is_carried(const struct nx_inflight *inflight, uint16_t packet_id);

/* Forgets all. */
void nx_inflight_clear(struct nx_inflight *inflight);

#endif
