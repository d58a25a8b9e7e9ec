/*
 * congestion.h - does the broker get rid of what links deliver?
 *
 * Mosquitto's loop takes one packet of each connection that has one, turn by turn: a batch of
 * hundreds of readings from a link against one acknowledgement from a subscriber, who gets the next
 * reading for it. While batches keep coming, what they bring gathers in the broker's memory. A plugin
 * cannot see a subscriber's queue. But a loop that has caught up sleeps until something comes: one
 * that has published thousands of records without sleeping has not caught up.
 */
#ifndef NX_PLUGIN_CONGESTION_H
#define NX_PLUGIN_CONGESTION_H

#include <stdint.h>

enum {
    NX_CONGESTION_RECORDS = 1 << 18, /* without sleeping: some 250 MiB in the broker's memory */
    NX_CONGESTION_WAIT_MS_MIN = 5,
    NX_CONGESTION_WAIT_MS_MAX = 250,
};

struct nx_congestion {
    uint64_t sleeps;   /* of the loop's thread, when it was last seen */
    uint64_t records;  /* published since it slept */
    uint64_t awake_ms; /* since then */
    uint64_t told_ms;  /* the wait last given ends then */
};

/*
 * So many records were published out of a batch, and the loop's thread has slept `sleeps` times in
 * its life.
 * How long the link is to wait: half as long as the loop has been awake; 0: it may go on, or was
 * told already.
 */
uint32_t nx_congestion_wait_ms(struct nx_congestion *congestion, uint64_t sleeps, uint64_t records,
                               uint64_t now_ms);

#endif
