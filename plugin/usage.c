/*
 * usage.c - token buckets in their virtual-scheduling form (ITU-T I.371, the generic cell rate
 * algorithm): an account is one time for each rate, at which what has been admitted would have
 * been sent evenly. That time holds no rate, so accounts with different limits can share one.
 *
 * Assets are kept as fingerprints of (identity, domain, asset) in one table for all.
 */
#include "plugin/usage.h"

#include "core/base/map.h"

#include <stdlib.h>

enum {
    ACCOUNTS_MAX = 65536,
    EVICTION_TRIES = 8,    /* accounts looked at for one that can go */
    NAME_BYTES_MAX = 1024, /* a longer name shares the common account */
    SEEN_SLOTS = 1 << 18,  /* a power of two */
    SEEN_MAX = 3 << 16,    /* three quarters of it */

    /* Useless batches: so much at once at least, which is two windows of a bridge's largest. */
    WASTE_MESSAGES = 1024,
    WASTE_BYTES = 32 << 20,
    WASTE_PAID_BACK = 4, /* by as much of use */
    /* So much is to be free when a pause is over: a link begins again with a question. */
    WASTE_ROOM_MESSAGES = 4,
    WASTE_ROOM_BYTES = 1024,
};

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct account {
    uint64_t messages_ns, bytes_ns; /* monotonic: when all that was admitted would be due */
    uint64_t wasted_messages_ns, wasted_bytes_ns; /* the same of what was useless in batches */
    uint32_t assets;
    struct nx_span name; /* lies behind the account; {NULL, 0}: the common one */
};

/* What was charged last, as it was before. */
struct borrowed {
    struct account *account; /* NULL: nothing to be returned */
    uint64_t messages_ns, bytes_ns;
    uint64_t *slot; /* of an asset that was new; or NULL */
};

struct nx_usage {
    struct nx_map accounts;
    struct account **ring; /* ACCOUNTS_MAX of them, to look for one that can go */
    uint32_t hand;
    struct account common;
    struct borrowed borrowed;
    uint64_t shared;
    uint64_t *seen; /* SEEN_SLOTS fingerprints; 0: free */
    size_t seen_count;
    uint64_t seed;
};

struct nx_usage *nx_usage_new(uint64_t seed)
{
    struct nx_usage *usage = calloc(1, sizeof(*usage));

    if (usage == NULL) {
        return NULL;
    }
    nx_map_init(&usage->accounts, ACCOUNTS_MAX, seed);
    usage->seed = seed;
    usage->ring = calloc(ACCOUNTS_MAX, sizeof(struct account *)); /* touched as it fills */
    usage->seen = calloc(SEEN_SLOTS, sizeof(*usage->seen));
    if (usage->ring == NULL || usage->seen == NULL) {
        nx_usage_free(usage);
        return NULL;
    }
    return usage;
}

void nx_usage_free(struct nx_usage *usage)
{
    if (usage == NULL) {
        return;
    }
    for (size_t i = 0; usage->ring != NULL && i < ACCOUNTS_MAX; i++) {
        free(usage->ring[i]);
    }
    nx_map_fini(&usage->accounts);
    free(usage->ring);
    free(usage->seen);
    free(usage);
}

/* ---- accounts ---------------------------------------------------------------------------- */

/* Knows nothing worth keeping: its rates are at rest, and it holds no asset. */
static bool is_idle(const struct account *account, uint64_t now_ns)
{
    return account->messages_ns <= now_ns && account->bytes_ns <= now_ns &&
           account->wasted_messages_ns <= now_ns && account->wasted_bytes_ns <= now_ns &&
           account->assets == 0;
}

/* A free place in the ring, or ACCOUNTS_MAX. */
static uint32_t find_place(struct nx_usage *usage, uint64_t now_ns)
{
    for (unsigned i = 0; i < EVICTION_TRIES; i++) {
        uint32_t place = usage->hand++ % ACCOUNTS_MAX;
        struct account *account = usage->ring[place];

        if (account == NULL) {
            return place;
        }
        if (is_idle(account, now_ns)) {
            (void)nx_map_remove(&usage->accounts, account->name);
            free(account);
            usage->ring[place] = NULL;
            return place;
        }
    }
    return ACCOUNTS_MAX;
}

static struct account *add_account(struct nx_usage *usage, struct nx_span name, uint64_t now_ns)
{
    uint32_t place = find_place(usage, now_ns);
    struct account *account;

    if (place == ACCOUNTS_MAX) {
        return NULL;
    }
    account = malloc(sizeof(*account) + name.len);
    if (account == NULL) {
        return NULL;
    }
    *account = (struct account){.name = {(char *)(account + 1), name.len}};
    memcpy(account + 1, name.ptr, name.len);
    if (nx_map_put(&usage->accounts, account->name, account) != NX_OK) {
        free(account);
        return NULL;
    }
    usage->ring[place] = account;
    return account;
}

/* NULL: it has none of its own. */
static struct account *known_account(const struct nx_usage *usage, struct nx_span name)
{
    return name.len > 0 && name.len <= NAME_BYTES_MAX ? nx_map_get(&usage->accounts, name) : NULL;
}

static struct account *account_of(struct nx_usage *usage, struct nx_span name, uint64_t now_ns)
{
    struct account *account = known_account(usage, name);

    if (account == NULL && name.len > 0 && name.len <= NAME_BYTES_MAX) {
        account = add_account(usage, name, now_ns);
    }
    if (account == NULL) {
        usage->shared++;
        account = &usage->common;
    }
    return account;
}

/* ---- assets ------------------------------------------------------------------------------ */

static uint64_t fingerprint(const struct nx_usage *usage, const struct nx_usage_message *message)
{
    uint64_t hash = nx_hash(message->username, usage->seed);

    hash = nx_hash(message->domain, hash);
    hash = nx_hash(message->asset, hash);
    return hash != 0 ? hash : 1;
}

/* Where the fingerprint is, or the free slot where it belongs. */
static uint64_t *seen_slot(const struct nx_usage *usage, uint64_t print)
{
    size_t i = (size_t)(print >> 40) % SEEN_SLOTS;

    while (usage->seen[i] != 0 && usage->seen[i] != print) {
        i = (i + 1) % SEEN_SLOTS;
    }
    return &usage->seen[i];
}

static void forget(struct account *account)
{
    account->assets = 0;
    account->wasted_messages_ns = account->wasted_bytes_ns = 0;
}

void nx_usage_forget(struct nx_usage *usage)
{
    if (usage->seen_count > 0) { /* else its pages have not been touched: leave them so */
        memset(usage->seen, 0, SEEN_SLOTS * sizeof(*usage->seen));
        usage->seen_count = 0;
    }
    forget(&usage->common);
    for (size_t i = 0; usage->accounts.count > 0 && i < ACCOUNTS_MAX; i++) {
        if (usage->ring[i] != NULL) {
            forget(usage->ring[i]);
        }
    }
}

/* ---- taking ------------------------------------------------------------------------------ */

/* What the message takes of the rate in bytes; 0: there is none, or nothing to count. */
static uint64_t cost_of_bytes(const struct nx_limits *limits, size_t bytes)
{
    return limits->bytes_per_second > 0 ? bytes * NS_PER_S / limits->bytes_per_second : 0;
}

/*
 * How much too early one more comes; 0: in time. What has never been charged is due at 0. A message
 * that costs more than a burst may come when nothing else has; one that costs nothing always may.
 */
static uint64_t early_ns(uint64_t due_ns, uint64_t now_ns, uint64_t cost_ns, uint64_t burst_ns)
{
    uint64_t from_ns = due_ns > now_ns ? due_ns : now_ns;
    uint64_t room_ns = burst_ns > cost_ns ? burst_ns : cost_ns;
    uint64_t wanted_ns = from_ns + cost_ns - now_ns;

    return cost_ns > 0 && wanted_ns > room_ns ? wanted_ns - room_ns : 0;
}

/* How much too early the message comes; *over is the rate that says so. */
static uint64_t early_by(const struct account *account, const struct nx_limits *limits,
                         const struct nx_usage_message *message, enum nx_usage_verdict *over)
{
    uint64_t now_ns = message->now_ms * NS_PER_MS;
    uint64_t messages_ns =
        early_ns(account->messages_ns, now_ns, limits->message_interval_ns, limits->burst_ns);
    uint64_t bytes_ns = early_ns(account->bytes_ns, now_ns, cost_of_bytes(limits, message->bytes),
                                 limits->burst_ns);

    *over = bytes_ns > 0 ? NX_USAGE_BYTES : NX_USAGE_OK;
    *over = messages_ns > 0 ? NX_USAGE_MESSAGES : *over;
    return messages_ns > bytes_ns ? messages_ns : bytes_ns;
}

/* The flow takes one more. What costs nothing leaves it as it is. */
static void advance(uint64_t *due_ns, uint64_t now_ns, uint64_t cost_ns)
{
    if (cost_ns > 0) {
        *due_ns = (*due_ns > now_ns ? *due_ns : now_ns) + cost_ns;
    }
}

/* Charges the message unless it comes more than `credit_ns` too early. */
static enum nx_usage_verdict take(struct nx_usage *usage, const struct nx_limits *limits,
                                  const struct nx_usage_message *message, uint64_t credit_ns,
                                  enum nx_usage_verdict *over)
{
    uint64_t now_ns = message->now_ms * NS_PER_MS;
    struct account *account = account_of(usage, message->username, now_ns);
    uint64_t print = 0, *slot = NULL;

    usage->borrowed.account = NULL;
    if (early_by(account, limits, message, over) > credit_ns) {
        return *over;
    }
    if (limits->assets > 0 && message->asset.ptr != NULL) {
        print = fingerprint(usage, message);
        slot = seen_slot(usage, print);
        if (*slot == 0 && (account->assets >= limits->assets || usage->seen_count >= SEEN_MAX)) {
            return NX_USAGE_ASSETS;
        }
    }
    usage->borrowed = (struct borrowed){account, account->messages_ns, account->bytes_ns, NULL};
    advance(&account->messages_ns, now_ns, limits->message_interval_ns);
    advance(&account->bytes_ns, now_ns, cost_of_bytes(limits, message->bytes));
    if (slot != NULL && *slot == 0) {
        *slot = print;
        usage->seen_count++;
        account->assets++;
        usage->borrowed.slot = slot;
    }
    return NX_USAGE_OK;
}

enum nx_usage_verdict nx_usage_take(struct nx_usage *usage, const struct nx_limits *limits,
                                    const struct nx_usage_message *message)
{
    enum nx_usage_verdict over;

    return take(usage, limits, message, 0, &over);
}

enum nx_usage_verdict nx_usage_borrow(struct nx_usage *usage, const struct nx_limits *limits,
                                      const struct nx_usage_message *message,
                                      enum nx_usage_verdict *over)
{
    return take(usage, limits, message, limits->burst_ns, over);
}

/* The newest fingerprint leaves no gap that another was put behind. */
void nx_usage_return(struct nx_usage *usage)
{
    const struct borrowed *borrowed = &usage->borrowed;

    if (borrowed->account != NULL) {
        borrowed->account->messages_ns = borrowed->messages_ns;
        borrowed->account->bytes_ns = borrowed->bytes_ns;
        if (borrowed->slot != NULL) {
            *borrowed->slot = 0;
            usage->seen_count--;
            borrowed->account->assets--;
        }
    }
    usage->borrowed.account = NULL;
}

uint64_t nx_usage_wait_ms(const struct nx_usage *usage, const struct nx_limits *limits,
                          const struct nx_usage_message *message)
{
    const struct account *account = known_account(usage, message->username);
    enum nx_usage_verdict over;

    account = account != NULL ? account : &usage->common;
    return (early_by(account, limits, message, &over) + NS_PER_MS - 1) / NS_PER_MS;
}

/* ---- batches ----------------------------------------------------------------------------- */

/* Spends and is paid back; nothing is saved up beyond being at rest. */
static void settle(uint64_t *due_ns, uint64_t now_ns, uint64_t spent_ns, uint64_t back_ns)
{
    uint64_t ahead_ns = (*due_ns > now_ns ? *due_ns - now_ns : 0) + spent_ns;

    *due_ns = now_ns + (ahead_ns > back_ns ? ahead_ns - back_ns : 0);
}

void nx_usage_waste(struct nx_usage *usage, const struct nx_limits *limits,
                    const struct nx_usage_batch *batch)
{
    uint64_t now_ns = batch->now_ms * NS_PER_MS;
    struct account *account = account_of(usage, batch->username, now_ns);
    uint64_t message_ns = limits->message_interval_ns;

    settle(&account->wasted_messages_ns, now_ns, batch->useful == 0 ? message_ns : 0,
           batch->useful > 0 ? WASTE_PAID_BACK * message_ns : 0);
    settle(&account->wasted_bytes_ns, now_ns, cost_of_bytes(limits, batch->useless),
           WASTE_PAID_BACK * cost_of_bytes(limits, batch->useful));
}

/* Until `due_ns` is no further ahead than `most_ns`, and then by `room_ns` less; 0: it is not. */
static uint64_t shut_ns(uint64_t due_ns, uint64_t now_ns, uint64_t most_ns, uint64_t room_ns)
{
    uint64_t ahead_ns = due_ns > now_ns ? due_ns - now_ns : 0;

    return ahead_ns > most_ns ? ahead_ns - most_ns + room_ns : 0;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t nx_usage_waste_wait_ms(const struct nx_usage *usage, const struct nx_limits *limits,
                                struct nx_span username, uint64_t now_ms)
{
    const struct account *account = known_account(usage, username);
    uint64_t now_ns = now_ms * NS_PER_MS, message_ns = limits->message_interval_ns;
    uint64_t messages_ns, bytes_ns;

    account = account != NULL ? account : &usage->common;
    messages_ns = shut_ns(account->wasted_messages_ns, now_ns,
                          greater(limits->burst_ns, WASTE_MESSAGES * message_ns),
                          WASTE_ROOM_MESSAGES * message_ns);
    bytes_ns = shut_ns(account->wasted_bytes_ns, now_ns,
                       greater(limits->burst_ns, cost_of_bytes(limits, WASTE_BYTES)),
                       cost_of_bytes(limits, WASTE_ROOM_BYTES));
    return (greater(messages_ns, bytes_ns) + NS_PER_MS - 1) / NS_PER_MS;
}

size_t nx_usage_accounts(const struct nx_usage *usage)
{
    return usage->accounts.count;
}

uint64_t nx_usage_shared(const struct nx_usage *usage)
{
    return usage->shared;
}
