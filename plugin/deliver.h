/*
 * deliver.h - opens what a link publishes on nexus/_deliver/<from>: a batch of ready readings
 * (core/batch.h) becomes that many publications, each judged as a sensor's is, each at most once.
 *
 * The rules, by the mark (epoch, number) up to which <from> has been taken:
 *
 * (D1) a record is published only beyond the mark: what is published of one city ascends strictly
 *      by (epoch, number, channel);
 * (D2) a batch of an older epoch is refused (stale); one of a newer epoch starts anew;
 * (D3) a batch that continues beyond the mark is refused (gap) unless it says that what lies
 *      between cannot be had any more (jump);
 * (D4) what the gate refuses is told to the link and passed over, and stops nothing;
 * (D5) what cannot be finished in this turn of the broker's loop (time, memory), or is more than
 *      the link's rate allows, ends between two records: the mark tells the link where to go on
 *      (again), and where a rate was in the way, how long to wait;
 * (D6) when the broker falls behind with what was published (plugin/congestion.h), the link of a
 *      batch that was taken is asked to wait;
 * (D7) batches of no use (damaged, repeated, out of turn) are told of and logged now and then, and
 *      where there have been too many, the next ones are not opened (again, with a wait);
 * (D8) behind a batch that was not read none begins anew (no mark, a newer epoch) before the link
 *      has asked (again): it would begin behind a hole.
 *
 * It knows neither the broker nor the gate: both are handed in with each batch.
 */
#ifndef NX_PLUGIN_DELIVER_H
#define NX_PLUGIN_DELIVER_H

#include "core/base/log.h"
#include "plugin/gate.h"
#include "plugin/host.h"

struct cJSON;

enum {
    NX_DELIVER_TURN_MS_MAX = 50,       /* of the broker's loop, for one batch */
    NX_DELIVER_REFUSALS_TOLD_MAX = 32, /* of one answer with words; further ones without */
};

/* What became of a batch. */
enum nx_delivery_outcome {
    NX_DELIVERY_TAKEN,   /* all of it has been published now or before, but for refused records */
    NX_DELIVERY_AGAIN,   /* (D5) */
    NX_DELIVERY_GAP,     /* (D3) */
    NX_DELIVERY_STALE,   /* (D2) */
    NX_DELIVERY_DAMAGED, /* no batch, or not the one that was sent */
    NX_DELIVERY_LIMIT,   /* more bytes or records than are taken */
    NX_DELIVERY_REFUSED, /* retained, of a version not known here, or one city too many */
    NX_DELIVERY_OUTCOME_COUNT
};

/* The word in answers and counters: "taken", "again", ... */
const char *nx_delivery_outcome_name(enum nx_delivery_outcome outcome);

/* One reading out of a batch. */
struct nx_delivery_reading {
    const char *name;      /* of its topic: "nexus/ulsan/air/sinjeong-dong/observation" */
    struct nx_topic topic; /* the same taken apart; its spans point into the batch */
    struct nx_span payload;
    bool retain;
};

/* The gate's word on one of them. */
struct nx_delivery_verdict {
    bool admitted;
    bool counted;                      /* it counts against the link's limits */
    enum nx_reason reason;             /* RATE, BYTES: it is not refused, it may come later */
    uint32_t wait_ms;                  /* so much later, or more */
    struct nx_explanation explanation; /* where it is refused and words were asked for */
};

/* What has become of one batch, for who keeps the link's account. */
struct nx_delivery_bill {
    enum nx_delivery_outcome outcome;
    bool opened;
    bool question;
    bool moved;             /* a record was settled, or the mark went on */
    size_t useful, useless; /* its bytes about records that count against the limits; the others */
};

/* What batches cost their link (D7). */
struct nx_delivery_toll {
    /* For so long none is opened; 0: this one is. */
    uint32_t (*shut_ms)(void *ctx);
    /* May a batch that brought nothing be answered and logged? If so *suppressed says how many of
     * its like were not before it. */
    bool (*may_tell)(void *ctx, bool question, uint64_t *suppressed);
    void (*charge)(void *ctx, const struct nx_delivery_bill *bill);
};

/* What one delivery needs of its surroundings. */
struct nx_delivery_ops {
    void *ctx;
    uint64_t (*now_ms)(void *ctx); /* monotonic */
    uint64_t (*sleeps)(void *ctx); /* of the broker's loop, so far */
    /* Judges it as this city's own bridge's publication within the limits of who delivers it, counts
     * it and tells a refusal. */
    void (*judge)(void *ctx, const struct nx_delivery_reading *reading, bool words,
                  struct nx_delivery_verdict *out);
    /* QoS 1, with user properties; all is copied. False: not taken, no memory. */
    bool (*publish)(void *ctx, const struct nx_delivery_reading *reading,
                    const struct nx_host_pair *user, size_t user_count);
    /* An answer to the link. False: not taken. */
    bool (*answer)(void *ctx, const char *topic, const char *json);
    /* A line for the operator about what is published on `topic`. */
    void (*note)(void *ctx, const char *topic, const char *what);
    const struct nx_delivery_toll *toll; /* NULL: batches cost nothing */
};

struct nx_deliver;

/*
 * `city` is the broker's. `state` is the file of the marks, or "": they live in memory only.
 * `autosave_ms` is the broker's autosave_interval; 0: it is not waited for. `log` must outlive it.
 * NX_ERR_IO, NX_ERR_NOMEM: *out is NULL.
 */
enum nx_err nx_deliver_new(const char *city, const char *state, uint64_t autosave_ms,
                           const struct nx_log *log, struct nx_deliver **out, struct nx_diag *diag);
/* Writes the marks. NULL is allowed. */
void nx_deliver_free(struct nx_deliver *deliver);

/*
 * Opens the batch in `payload`, which the link of `from` has published and may. True: it was taken,
 * admit the publish; nobody may receive it. False: refuse it.
 */
bool nx_deliver_take(struct nx_deliver *deliver, const struct nx_delivery_ops *ops,
                     struct nx_span from, struct nx_span payload, bool retain);

/* As nx_marks_tick. */
void nx_deliver_tick(struct nx_deliver *deliver, bool moved, uint64_t now_ms);

/* Adds the member "delivery" to the status. False: no memory. */
bool nx_deliver_status(const struct nx_deliver *deliver, struct cJSON *status);

#endif
