/*
 * inflight.h - which packet identifier stands for what, until it is answered. Every operation
 * takes the same time however many are in flight.
 */
#ifndef NX_BRIDGE_INFLIGHT_H
#define NX_BRIDGE_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

enum nx_inflight_kind { NX_INFLIGHT_FREE, NX_INFLIGHT_PUBLISH, NX_INFLIGHT_SUBSCRIBE };

struct nx_inflight;

struct nx_inflight *nx_inflight_new(void); /* NULL: out of memory */
void nx_inflight_free(struct nx_inflight *inflight);

/* A free identifier, now taken; 0 when all 65,535 are. */
uint16_t nx_inflight_take(struct nx_inflight *inflight, enum nx_inflight_kind kind, uint64_t token);

/* Gives `packet_id` back; false when it does not stand for one of `kind`. */
bool nx_inflight_give(struct nx_inflight *inflight, uint16_t packet_id, enum nx_inflight_kind kind,
                      uint64_t *token);

uint32_t nx_inflight_publishes(const struct nx_inflight *inflight);

/* Forgets all. */
void nx_inflight_clear(struct nx_inflight *inflight);

#endif
