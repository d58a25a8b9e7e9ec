/*
 * inbound.c - a byte of flags for each identifier.
 */
#include "bridge/inbound.h"

#include <string.h>

enum {
    HELD_1 = 1,   /* a QoS 1 message waits for its PUBACK */
    HELD_2 = 2,   /* a QoS 2 message waits for its PUBREC */
    RECEIVED = 4, /* PUBREC was sent, PUBREL has not come */
    COUNTED = 8,  /* against the receive maximum of this connection */
    HELD = HELD_1 | HELD_2,
};

static void count(struct nx_inbound *inbound, uint8_t *slot, bool yes)
{
    if (yes != ((*slot & COUNTED) != 0)) {
        *slot ^= COUNTED;
        inbound->counted += yes ? 1U : UINT32_MAX;
    }
}

void nx_inbound_hold(struct nx_inbound *inbound, uint16_t packet_id, uint8_t qos)
{
    uint8_t *slot = &inbound->slots[packet_id];

    inbound->held += (*slot & HELD) == 0;
    *slot = (uint8_t)((*slot & ~HELD) | (qos == 2 ? HELD_2 : HELD_1));
    count(inbound, slot, true);
}

uint8_t nx_inbound_ack(struct nx_inbound *inbound, uint16_t packet_id)
{
    uint8_t *slot = &inbound->slots[packet_id];
    const bool qos2 = (*slot & HELD_2) != 0;

    if ((*slot & HELD) == 0) {
        return 0;
    }
    *slot = (uint8_t)(*slot & ~HELD);
    inbound->held--;
    if (qos2) {
        *slot |= RECEIVED;
        return 2;
    }
    count(inbound, slot, false);
    return 1;
}

bool nx_inbound_release(struct nx_inbound *inbound, uint16_t packet_id)
{
    uint8_t *slot = &inbound->slots[packet_id];
    const bool known = (*slot & RECEIVED) != 0;

    *slot = (uint8_t)(*slot & ~RECEIVED);
    if ((*slot & HELD) == 0) { /* else the identifier is in use again */
        count(inbound, slot, false);
    }
    return known;
}

uint32_t nx_inbound_counted(const struct nx_inbound *inbound)
{
    return inbound->counted;
}

uint32_t nx_inbound_held(const struct nx_inbound *inbound)
{
    return inbound->held;
}

void nx_inbound_cut(struct nx_inbound *inbound)
{
    if (inbound->held + inbound->counted == 0) {
        return;
    }
    for (uint32_t i = 0; i < NX_INBOUND_SLOTS; i++) {
        inbound->slots[i] &= RECEIVED;
    }
    inbound->held = inbound->counted = 0;
}

void nx_inbound_forget(struct nx_inbound *inbound)
{
    memset(inbound, 0, sizeof(*inbound));
}
