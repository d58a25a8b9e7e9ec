/*
 * inbound.h - the packet identifiers of what a broker sends at QoS 1 and 2, until each is done
 * with. Every operation takes the same time however many there are.
 *
 *     QoS 1: held -> acknowledged (PUBACK)
 *     QoS 2: held -> received (PUBREC; outlives the connection) -> released (PUBREL)
 *
 * It recognises no repetition: after a restart a broker uses its identifiers anew, so what repeats
 * is for the store to say, by identifier and content.
 */
#ifndef NX_BRIDGE_INBOUND_H
#define NX_BRIDGE_INBOUND_H

#include <stdbool.h>
#include <stdint.h>

enum { NX_INBOUND_SLOTS = 65536 };

struct nx_inbound {
    uint8_t slots[NX_INBOUND_SLOTS]; /* of inbound.c */
    uint32_t held, counted;
};

/* A PUBLISH came: it waits for its acknowledgement. */
void nx_inbound_hold(struct nx_inbound *inbound, uint16_t packet_id, uint8_t qos);

/* It is acknowledged: the QoS of what waited, or 0: nothing did. */
uint8_t nx_inbound_ack(struct nx_inbound *inbound, uint16_t packet_id);

/* A PUBREL came; false: for an identifier that is not known as received. */
bool nx_inbound_release(struct nx_inbound *inbound, uint16_t packet_id);

/* What counts against the receive maximum (MQTT 5 section 4.9): of this connection, not done with. */
uint32_t nx_inbound_counted(const struct nx_inbound *inbound);
uint32_t nx_inbound_held(const struct nx_inbound *inbound);

/* The connection is gone: nothing is held any more. What was received stays. */
void nx_inbound_cut(struct nx_inbound *inbound);

/* The session is gone too. */
void nx_inbound_forget(struct nx_inbound *inbound);

#endif
