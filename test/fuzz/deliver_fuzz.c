/*
 * deliver_fuzz.c - any sequence of batches at the plugin, with a clock that runs, publishes that
 * fail and records that are refused: what is published of one city ascends strictly by (epoch,
 * number, channel); a link that goes on behind the mark loses nothing.
 *
 * Each input byte quadruple is one batch: what it is made of follows from its bits.
 */
#include "core/batch.h"
#include "plugin/deliver.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANNELS = 3, RECORDS_MAX = 16, NUMBERS = 96 };

struct world {
    uint64_t now_ms;
    unsigned turn_ms;                /* each publish takes so long */
    unsigned fails_in;               /* this many publishes from now fails; 0: none */
    char epoch[NX_BATCH_EPOCH_SIZE]; /* of what was published last */
    uint64_t seq;
    unsigned channel;
    uint64_t mark; /* of the last answer */
    bool marked;
    bool seen[NUMBERS][CHANNELS + 1]; /* in the newest epoch */
};

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static uint64_t now_ms(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

/* A payload of one byte: 'r' is refused, 'i' cannot be judged. */
static void judge(void *ctx, const struct nx_delivery_reading *reading, bool words,
                  struct nx_delivery_verdict *out)
{
    (void)ctx;
    (void)words;
    out->admitted = !nx_span_is(reading->payload, "r");
    out->reason = out->admitted ? NX_REASON_ADMITTED : NX_REASON_SCHEMA;
    out->explanation.text[0] = '\0';
}

static bool publish(void *ctx, const struct nx_delivery_reading *reading,
                    const struct nx_host_pair *user, size_t user_count)
{
    struct world *world = ctx;
    const char *at = user[1].value + NX_BATCH_EPOCH_SIZE;
    uint64_t seq = strtoull(at, NULL, 10);
    unsigned channel = strstr(reading->name, "/observation") != NULL ? 1
                       : strstr(reading->name, "/original") != NULL  ? 2
                                                                     : 3;
    int newer;

    must(user_count == 2 && strlen(user[1].value) > NX_BATCH_EPOCH_SIZE);
    world->now_ms += world->turn_ms;
    if (world->fails_in > 0 && --world->fails_in == 0) {
        return false;
    }
    newer = strncmp(user[1].value, world->epoch, NX_BATCH_EPOCH_SIZE - 1);
    must(newer >= 0);
    must(newer > 0 || seq > world->seq || (seq == world->seq && channel > world->channel));
    if (newer > 0) {
        memset(world->seen, 0, sizeof(world->seen));
    }
    memcpy(world->epoch, user[1].value, NX_BATCH_EPOCH_SIZE - 1);
    world->seq = seq;
    world->channel = channel;
    if (seq < NUMBERS) {
        world->seen[seq][channel] = true;
    }
    return true;
}

static bool answer(void *ctx, const char *topic, const char *json)
{
    struct world *world = ctx;
    const char *mark = strstr(json, "\"mark\":");

    (void)topic;
    must(mark != NULL);
    world->marked = strncmp(mark + 7, "null", 4) != 0;
    world->mark = world->marked ? strtoull(mark + 7, NULL, 10) : 0;
    return true;
}

static void note(void *ctx, const char *topic, const char *what)
{
    (void)ctx;
    (void)topic;
    (void)what;
}

static bool deliver(struct nx_deliver *plugin, struct world *world, const char *epoch,
                    uint64_t after, uint64_t until, bool jump, const char *payload)
{
    const struct nx_delivery_ops ops = {.ctx = world,
                                        .now_ms = now_ms,
                                        .sleeps = now_ms, /* whenever time passes */
                                        .judge = judge,
                                        .publish = publish,
                                        .answer = answer,
                                        .note = note};
    struct nx_buf batch;
    bool taken;

    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    must(nx_batch_begin(&batch, epoch, after) == NX_OK);
    for (uint64_t seq = after + 1; seq <= until; seq++) {
        for (unsigned channel = 1; channel <= CHANNELS; channel++) {
            struct nx_batch_record record = {.seq = seq,
                                             .channel = (enum nx_channel)channel,
                                             .stream = NX_SPAN("air/A"),
                                             .payload = nx_span_from(payload)};

            must(nx_batch_add(&batch, &record) == NX_OK);
        }
    }
    must(nx_batch_end(&batch, until, jump) == NX_OK);
    taken = nx_deliver_take(plugin, &ops, NX_SPAN("ulsan"), nx_buf_view(&batch), false);
    nx_buf_fini(&batch);
    return taken;
}

/* A link by its rules, in the newest epoch: asks, and sends until all is taken. */
static void catch_up(struct nx_deliver *plugin, struct world *world, const char *epoch,
                     uint64_t until)
{
    must(deliver(plugin, world, epoch, 0, 0, false, "x"));
    for (unsigned turns = 0; turns < NUMBERS && (!world->marked || world->mark < until); turns++) {
        uint64_t after = world->marked ? world->mark : 0;

        if (deliver(plugin, world, epoch, after, until, false, "x")) {
            world->marked = true;
            world->mark = until;
        } else {
            must(world->marked && world->mark >= after);
        }
    }
    must(world->mark >= until);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const epochs[4] = {"00000000000000000001", "00000000000000000002",
                                          "00000000000000000003", "00000000000000000004"};
    struct nx_log log = {0};
    struct world world = {.now_ms = 1};
    struct nx_deliver *plugin;
    struct nx_diag diag;

    if (nx_deliver_new("birmingham", "", 1000, &log, &plugin, &diag) != NX_OK) {
        return 0;
    }
    for (size_t i = 0; i + 4 <= size; i += 4) {
        const uint8_t *b = data + i;
        uint64_t after = b[1] % (NUMBERS - RECORDS_MAX);

        world.turn_ms = b[3] & 3 ? 0 : 20;
        world.fails_in = b[3] >> 4;
        (void)deliver(plugin, &world, epochs[b[0] & 3], after, after + b[2] % RECORDS_MAX,
                      (b[0] & 4) != 0, (b[0] & 8) != 0 ? "r" : "x");
        if ((b[0] & 16) != 0) {
            nx_deliver_tick(plugin, false, world.now_ms += 500);
        }
    }
    world.turn_ms = 0;
    world.fails_in = 0;
    catch_up(plugin, &world, "00000000000000000005", NUMBERS - 1);
    for (unsigned seq = 1; seq < NUMBERS; seq++) {
        must(world.seen[seq][1] && world.seen[seq][2] && world.seen[seq][3]);
    }
    nx_deliver_free(plugin);
    return 0;
}
