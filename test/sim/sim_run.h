/*
 * sim_run.h - one seed's run, as its parts share it.
 *
 *   sim_test.c    seeds, configuration, the command
 *   sim_run.c     sensors, the bridge's lives, troubles, time
 *   sim_damage.c  a cache that is damaged, and a disk that fails while another takes its place
 *   sim_restore.c a cache that is put back from a backup
 *   sim_oracle.c  what came out, compared with what went in
 */
#ifndef NX_TEST_SIM_RUN_H
#define NX_TEST_SIM_RUN_H

#include "bridge/bridge.h"
#include "bridge/settings.h"
#include "lens/exchange.h"
#include "test/sim/sim_broker.h"

enum {
    READINGS_MAX = 400,
    STATIONS = 3,
    TROUBLES_MAX = 24,
    SECOND_US = 1000000,
    TROUBLE_US = 30 * SECOND_US,
    HEALED_US = 1800 * SECOND_US, /* more than any back-off or repetition takes */
    STEPS_MAX = 3000000,
    CITY_A = 0,
    CITY_B = 1,
};

enum { SETUPS = 5, SETUP_3_1_1 = 4 };

enum trouble_kind {
    TROUBLE_CUT,
    TROUBLE_KILL,
    TROUBLE_STOP_A,
    TROUBLE_STOP_B,
    TROUBLE_SILENCE,
    TROUBLE_DISK_FULL,
    TROUBLE_CLOCK,
    TROUBLE_KINDS
};

struct trouble {
    uint64_t at_us;
    enum trouble_kind kind;
    bool ends; /* it is the end of what began earlier */
};

/* How the link is set up. */
struct setup {
    const char *name;
    const char *link; /* members of its bridge.json */
    bool exactly;     /* nothing twice */
    bool ordered;
    bool delivers; /* the plugin is at the receiving broker */
};

extern const struct setup setups[SETUPS];

struct sim_stage;

struct reading {
    unsigned station;
    bool refused; /* Ulsan does not take it, or its original at least */
    unsigned observations, originals;
};

struct run {
    struct sim_world world;
    const struct sim_stage *stage;
    const struct setup *setup;
    uint64_t seed;
    struct nx_log log;
    struct nx_bridge *bridge;
    uint64_t revive_us; /* when a killed bridge is started again */
    struct reading readings[READINGS_MAX];
    unsigned planned, admitted;
    uint64_t publish_us;
    struct trouble troubles[TROUBLES_MAX];
    unsigned troubles_count, troubles_next;
    unsigned last_observation[STATIONS], last_original[STATIONS];
    unsigned restored;          /* times that the cache was put back from a backup */
    unsigned backed_up, stored; /* which had readings up to here, where the lost one had these */
    char marks[4096];           /* the plugin's file */
    char status[4096];          /* of the link, the latest */
    char fault[512];
};

/* What the runs share. */
struct sim_stage {
    const char *folder; /* the bridge's state and the plugin's marks */
    enum sim_plant { PLANT_NONE, PLANT_MARKS, PLANT_SESSION } plant;
    struct nx_settings *settings[SETUPS];
    struct nx_exchange *exchange;
};

/* True: nothing was lost, repeated, reordered or invented; else run->fault says what. */
bool sim_run(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run);

/* Its parts: */
void sim_begin(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run);
void sim_go(struct run *run, uint64_t until_us); /* until everything is settled, or that time */
void sim_end(struct run *run);
void sim_kill(struct run *run); /* the bridge; it comes back by itself */

struct sim_damage {
    const char *name;
    void (*make)(struct run *run);
    bool anew; /* what was there is lost: a new epoch begins */
    enum sim_calls {
        SIM_CALLS_FAIL,  /* beside it, one or so many of them */
        SIM_CALLS_STICK, /* one, and all that follow until the files are opened again */
        SIM_CALLS_WORK,
    } calls;
    unsigned setup;
};
extern const struct sim_damage sim_damages[]; /* the last has no name */

/*
 * The cache of the sending city is damaged while the bridge runs, and `fails` calls of the disk fail
 * from the `from`th on that come then. *reached: there were so many. Result as of sim_run.
 */
bool sim_run_damaged(const struct sim_stage *stage, const struct sim_damage *damage, uint64_t from,
                     uint64_t fails, bool verbose, struct run *run, bool *reached);

/*
 * A copy of the sending city's cache is made while the bridge runs; later the bridge dies, and the copy
 * takes the cache's place, all this amid the troubles of the seed. What the copy holds arrives once
 * each, and so does what the lost cache had not stored; of what lies between nothing is said. Result as
 * of sim_run.
 */
bool sim_run_restored(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run);

/* Removes what a run has left in the folder. */
void sim_remove_files(const struct sim_stage *stage);

/* ---- the oracle ---- */

void sim_tap_birmingham(void *ctx, const struct nx_mqtt_publish *publish);
void sim_tap_ulsan(void *ctx, const struct nx_mqtt_publish *publish);

/* Has the link told that everything admitted is settled? */
bool sim_settled(const struct run *run);
void sim_check(struct run *run);
unsigned sim_number_in(struct nx_span text, const char *before); /* 0: there is none */

#endif
