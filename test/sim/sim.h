/*
 * sim.h - two brokers, a bridge between them and all that can go wrong, in one process on a
 * virtual clock. One seed decides everything: the delays, what is cut and when, when the bridge
 * dies, how slow the disk is. A failing seed therefore fails again.
 *
 *     sensors -> [broker birmingham] <- line -> [ the bridge ] <- line -> [broker ulsan] -> oracle
 *                  sim_broker.c      sim_net.c   all of bridge/            + plugin/deliver.c
 *                                                sim_loop.c, SQLite over sim_disk.c
 *
 * The bridge is the real one, from bridge.c down to the sessions and the store; what it asks of
 * the world (bridge/loop.h, bridge/net.h, bridge/state.h, SQLite's file system) is answered here.
 */
#ifndef NX_TEST_SIM_H
#define NX_TEST_SIM_H

#include "bridge/net.h"
#include "core/base/buf.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

enum { SIM_BROKERS = 2, SIM_LINES_MAX = 64, SIM_PORT_BASE = 1 };

#define SIM_NEVER UINT64_MAX

struct sim_broker;
struct nx_loop;

/* --- chance --------------------------------------------------------------------------------- */

struct sim_random {
    uint64_t state;
};

uint64_t sim_draw(struct sim_random *random, uint64_t bound); /* 0 .. bound - 1 */
bool sim_chance(struct sim_random *random, unsigned percent);

/* --- lines ---------------------------------------------------------------------------------- */

struct sim_chunk {
    uint64_t due_us;
    char *bytes;
    size_t len, taken;
};

/* One direction: what was written at one time arrives whole, in order, later. */
struct sim_pipe {
    struct sim_chunk *chunks;
    size_t count, cap, bytes;
    uint64_t last_due_us;
    bool ended;      /* the writer has ended it */
    uint64_t end_us; /* when the reader sees that */
};

struct sim_line {
    bool used;
    unsigned generation;
    struct sim_broker *broker;
    struct sim_pipe up, down; /* to the broker, to the bridge */
    uint64_t connect_us;      /* when dialing has an answer */
    bool accepted, refused;
    bool broken;        /* both ends see a reset */
    bool bridge_closed; /* nobody there reads or writes any more */
    bool broker_closed;
    void *connection; /* the broker's */
};

/* --- the world ------------------------------------------------------------------------------ */

struct sim_world {
    struct sim_random random;
    uint64_t now_us;
    int64_t wall_shift_ms; /* the wall clock jumps, the monotonic one does not */
    uint64_t delay_us_max; /* of a line, one way */
    bool silent;           /* nothing passes any line, and nobody is told */
    bool disk_full;
    uint64_t disk_us_max;  /* what a sync takes */
    unsigned disk_damaged; /* so many writes to come find birmingham.db damaged */
    uint64_t disk_calls;   /* of the disk; from number disk_fails_from on so many fail: */
    uint64_t disk_fails_from, disk_fails;
    uint64_t disk_stuck_from; /* 0: none; from that call on all fail until a file is opened anew */
    bool dead;                /* the bridge has been killed: its last writes go nowhere */
    uint64_t draws_state;
    unsigned states_made;
    struct sim_line lines[SIM_LINES_MAX];
    struct sim_broker *brokers[SIM_BROKERS];
    struct nx_loop *loop; /* of the bridge that lives */
    bool verbose;
    uint64_t syncs, cuts, kills, restarts;
};

/* What bridge/loop.h, bridge/net.h and the disk ask; one world at a time. */
extern struct sim_world *sim_world;

void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* sim_net.c */
void sim_lines_reset(void);
void sim_cut(bool broker_too); /* every line breaks; what was on its way is lost from a point on */
void sim_bridge_died(void);
uint64_t sim_lines_due_us(void); /* when a broker has something to read */
void sim_lines_turn(void);       /* brokers read what has arrived */
bool sim_line_readable(const struct sim_line *line);
bool sim_line_writable(const struct sim_line *line);
uint64_t sim_line_due_us(const struct sim_line *line); /* for the bridge's side */
struct sim_line *sim_line_of_fd(int fd);
void sim_line_send(struct sim_line *line, struct nx_span bytes); /* the broker writes */
void sim_line_close(struct sim_line *line);                      /* the broker closes */

/* sim_loop.c */
uint64_t sim_loop_due_us(struct nx_loop *loop);
void sim_loop_turn(struct nx_loop *loop, void (*turn_end)(void *ctx), void *ctx);
bool sim_loop_stopped(const struct nx_loop *loop);

/* sim_disk.c: a file system for SQLite that can be full, slow, or dead. */
void sim_disk_register(void);

#endif
