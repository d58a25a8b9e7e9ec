/*
 * deliver_rig.h - batches at the plugin for the tests: a link of Ulsan at Birmingham's broker.
 */
#ifndef NX_TEST_DELIVER_RIG_H
#define NX_TEST_DELIVER_RIG_H

#include "core/batch.h"
#include "site.h"

#define OLDER  "0199c8a1b2c3d4e5f600"
#define EPOCH  "0199c8a1b2c3d4e5f607"
#define NEWER  "0199c8a1b2c3d4e5f6ff"
#define ACK    "nexus/_link/ulsan/birmingham/ack"
#define STREAM "nexus/ulsan/air/ULS"

struct nx_batch_record batch_record(uint64_t seq, enum nx_channel channel, const char *payload);
/* An observation that the dialect admits. */
struct nx_batch_record batch_reading(uint64_t seq);

/* Publishes a batch of `count` records; what the broker tells the link. */
int batch_deliver(struct site *site, const char *epoch, uint64_t after, uint64_t until, bool jump,
                  const struct nx_batch_record *records, size_t count);

enum { NX_TEST_BATCH_MAX = 64 };

/* A batch of one observation for each number from after + 1 to until, so many at most. */
int batch_deliver_all(struct site *site, const char *epoch, uint64_t after, uint64_t until);

/* An empty batch: up to where? */
int batch_ask(struct site *site, const char *epoch, uint64_t after);

/* The latest answer; -1: its mark is null. */
void batch_assert_answer(const char *outcome, double mark);

/* Gives bridges and links these limits. */
void batch_limit(struct site *site, const char *limits);

/* A counter of the status' member "delivery", or below it in "batches"; time passes. */
double batch_counter(struct site *site, const char *group, const char *name);

#endif
