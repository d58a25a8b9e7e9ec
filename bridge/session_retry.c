/*
 * session_retry.c - after a connection is lost: which address is next, and when. Here it is also
 * noticed that two clients take one session from each other.
 */
#include "bridge/session_state.h"

#include <stdio.h>
#include <string.h>

enum {
    SESSION_LASTED_MS = 1000, /* a shorter connection is one more failure */
    SESSION_BACKOFF_DOUBLINGS_MAX = 16,
    SESSION_SHORT_MS = 10000, /* clients come back after 1 to 5 s, by default */
    SESSION_SHORT_LIVES = 3,  /* in a row are no accident */
};

/* splitmix64 (Steele, Lea, Flood 2014): spread, not secrecy, is what a jitter needs. */
static uint64_t next_random(struct nx_session *session)
{
    uint64_t z = session->random += 0x9E3779B97F4A7C15U;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

static size_t addresses(const struct nx_session *session)
{
    return 1 + session->config.others_count;
}

/*
 * Doubles with each round through all addresses and is then shortened by up to a half, so that
 * sessions that were lost together do not come back together. After a take-over at least the
 * maximum: two that take the session from each other in turn would leave each other no time to
 * work.
 */
static uint64_t back_off_ms(struct nx_session *session)
{
    const uint64_t max = session->config.backoff_ms_max;
    const size_t rounds = session->failures / addresses(session);
    uint64_t ms = session->config.backoff_ms_min;

    if (session->said_taken_over) {
        return max + next_random(session) % (max / 2 + 1);
    }
    if (session->failures % addresses(session) == 0) {
        ms <<= rounds < SESSION_BACKOFF_DOUBLINGS_MAX ? rounds : SESSION_BACKOFF_DOUBLINGS_MAX;
    }
    ms = ms < max ? ms : max;
    return ms - next_random(session) % (ms / 2 + 1);
}

static uint64_t life_ms(const struct nx_session *session)
{
    return session->up_ms != 0 ? nx_loop_monotonic_ms() - session->up_ms : 0;
}

/*
 * Whether the connection that ends was a good one. It must have outlived twice the wait before it:
 * of two sessions that take an identifier from each other, each lives as long as the other waits.
 * So both wait longer each time, until one has the identifier nearly always. A link that is cut
 * every few seconds does not look so, and is dialed at once.
 */
static bool lasted(const struct nx_session *session)
{
    const uint64_t twice = 2 * session->waited_ms;
    const uint64_t least = twice > SESSION_LASTED_MS ? twice : SESSION_LASTED_MS;

    return life_ms(session) >= least;
}

/*
 * A 3.1.1 broker, and Mosquitto 2.0.11 with MQTT 5 too, ends who is taken over without a word. What
 * shows is a broker that takes us back at once and ends us soon, again and again: the other client
 * comes back after its own pause. A broker that cannot be reached in between was itself away.
 */
static void suspect_take_over(struct nx_session *session)
{
    const size_t len = strlen(session->why);

    if (session->up_ms == 0 || session->said_taken_over || !session->ended_by_peer ||
        life_ms(session) >= SESSION_SHORT_MS) {
        session->short_lives = 0;
        return;
    }
    if (++session->short_lives >= SESSION_SHORT_LIVES) {
        session->taken_over++;
        (void)snprintf(session->why + len, sizeof(session->why) - len,
                       ", as %u times before soon after the CONNACK: does another client use our "
                       "client identifier?",
                       session->short_lives - 1);
    }
}

/* What worked is tried first. */
static void choose_address(struct nx_session *session)
{
    if (session->up_ms != 0) {
        return;
    }
    session->address = (session->address + 1) % addresses(session);
    session->rounds += session->address == 0;
}

uint64_t nx_session_retry_ms(struct nx_session *session)
{
    const bool good = lasted(session);
    uint64_t ms;

    suspect_take_over(session);
    choose_address(session);
    session->failures = good ? 0 : session->failures;
    ms = back_off_ms(session);
    session->failures++;
    session->waited_ms = ms;
    session->said_taken_over = session->ended_by_peer = false;
    return ms;
}

void nx_session_retry_reset(struct nx_session *session)
{
    session->failures = session->short_lives = 0;
    session->waited_ms = 0;
}

struct nx_session_address nx_session_address(const struct nx_session *session)
{
    const struct nx_session_config *config = &session->config;

    return session->address == 0 ? (struct nx_session_address){config->host, config->port}
                                 : config->others[session->address - 1];
}
