/*
 * usage.h - what each identity has used of its limits (city.json): messages and bytes per second,
 * different assets. Pure: time is an argument.
 *
 * Bounded memory, and closed when it is full: identities that find no room of their own share one
 * account, and a new asset that finds none is one too many. A question costs the same however
 * many identities and assets there are.
 */
#ifndef NX_PLUGIN_USAGE_H
#define NX_PLUGIN_USAGE_H

#include "core/config.h"

#include <stdint.h>

enum nx_usage_verdict {
    NX_USAGE_OK,
    NX_USAGE_MESSAGES, /* more messages per second than the identity has */
    NX_USAGE_BYTES,    /* more bytes per second */
    NX_USAGE_ASSETS,   /* one asset more than it has */
};

/* One message that asks for its place. */
struct nx_usage_message {
    struct nx_span username;
    struct nx_span domain, asset; /* of a stream; else {NULL, 0} */
    size_t bytes;
    uint64_t now_ms;
};

struct nx_usage;

/* NULL when memory is out. */
struct nx_usage *nx_usage_new(uint64_t seed);
void nx_usage_free(struct nx_usage *usage);

/* Charges the message, unless it is over a limit: then nothing is charged. */
enum nx_usage_verdict nx_usage_take(struct nx_usage *usage, const struct nx_limits *limits,
                                    const struct nx_usage_message *message);

/*
 * Charges the message although it is over a rate, by one more burst at most; *over is that rate, or
 * OK. For who learns later whether the message goes: nx_usage_return takes back what was charged
 * last, which is to be said before anything else is charged.
 */
enum nx_usage_verdict nx_usage_borrow(struct nx_usage *usage, const struct nx_limits *limits,
                                      const struct nx_usage_message *message,
                                      enum nx_usage_verdict *over);
void nx_usage_return(struct nx_usage *usage);

/* Milliseconds until the rates let the message come, when nothing else does; 0: they do now. */
uint64_t nx_usage_wait_ms(const struct nx_usage *usage, const struct nx_limits *limits,
                          const struct nx_usage_message *message);

/*
 * A batch whose messages were charged one by one, as they were taken. `useful` are its bytes about
 * those; `useless` are the others: repeated, damaged, not to be taken now.
 */
struct nx_usage_batch {
    struct nx_span username;
    size_t useful, useless;
    uint64_t now_ms;
};

/*
 * Charges what was useless to an account beside that of the messages, at the same rates; a batch of
 * nothing else is one message there. What was useful pays that account back several times, so that
 * who recovers from a cut or is held back by a rate is never slowed by what has to come again.
 */
void nx_usage_waste(struct nx_usage *usage, const struct nx_limits *limits,
                    const struct nx_usage_batch *batch);

/* Milliseconds until a further batch is worth opening; 0: it is. */
uint64_t nx_usage_waste_wait_ms(const struct nx_usage *usage, const struct nx_limits *limits,
                                struct nx_span username, uint64_t now_ms);

/* Is there anything to charge? */
static inline bool nx_limits_charge(const struct nx_limits *limits)
{
    return limits->message_interval_ns > 0 || limits->bytes_per_second > 0 || limits->assets > 0;
}

/*
 * At a reload: forgets the assets, and what was useless, since a greater rate is not to wait for what
 * a small one has run up. Not the rates: a reload gives nobody a second burst.
 */
void nx_usage_forget(struct nx_usage *usage);

/* Identities that have an account; messages that were charged to the common one. */
size_t nx_usage_accounts(const struct nx_usage *usage);
uint64_t nx_usage_shared(const struct nx_usage *usage);

#endif
