/*
 * sim_run.c - one seed: what sensors publish, what goes wrong and when, how often the bridge dies,
 * and the steps of time in which it all happens.
 */
#include "test/sim/sim_run.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const stations[STATIONS] = {"BMLD", "BIRR", "BCHD"};

static const char *const trouble_names[] = {
    "cut", "kill", "broker birmingham stops", "broker ulsan stops", "silence", "disk full", "clock",
};

static void log_write(void *ctx, enum nx_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    sim_say("  %s", line);
}

static bool admits(void *ctx, struct nx_span topic, struct nx_span payload)
{
    (void)ctx;
    (void)topic;
    return payload.len == 0 || memmem(payload.ptr, payload.len, "refuse me", 9) == NULL;
}

/* --- sensors ------------------------------------------------------------------------------------ */

static void publish_reading(struct run *run)
{
    struct reading *reading = &run->readings[run->admitted++];
    unsigned number = run->admitted;
    char topic[96];
    char payload[400];
    struct nx_mqtt_publish publish = {.qos = 1};

    reading->station = (unsigned)sim_draw(&run->world.random, STATIONS);
    reading->refused = sim_chance(&run->world.random, 3);
    publish.qos = sim_chance(&run->world.random, 20) ? 2 : 1;
    (void)snprintf(topic, sizeof(topic), "nexus/birmingham/air/%s/observation",
                   stations[reading->station]);
    (void)snprintf(payload, sizeof(payload),
                   "{\"site\":\"%s\",\"name\":\"%s\",\"time\":\"2026-02-01T01:00:00Z\","
                   "\"latitude\":52.481346,\"longitude\":-1.918235,\"no2\":42.1,\"seq\":%u}",
                   stations[reading->station], reading->refused ? "refuse me" : "Ladywood", number);
    publish.topic = nx_span_from(topic);
    publish.payload = nx_span_from(payload);
    sim_broker_publish(run->world.brokers[CITY_A], &publish);
}

/* Single readings and bursts. */
static void sensors_turn(struct run *run)
{
    unsigned burst = sim_chance(&run->world.random, 10) ? 30 : 1;

    if (!sim_broker_listens(run->world.brokers[CITY_A]) ||
        !sim_broker_is_followed(run->world.brokers[CITY_A])) {
        run->publish_us += SECOND_US;
        return;
    }
    while (burst-- > 0 && run->admitted < run->planned) {
        publish_reading(run);
    }
    run->publish_us += sim_draw(&run->world.random, 2 * TROUBLE_US / run->planned);
    if (run->admitted == run->planned) {
        run->publish_us = SIM_NEVER;
    }
}

/* --- the bridge --------------------------------------------------------------------------------- */

static void bridge_begin(struct run *run)
{
    struct nx_diag diag = {0};

    run->world.dead = false;
    run->revive_us = SIM_NEVER;
    if (nx_loop_new(&run->log, &run->world.loop) != NX_OK) {
        abort();
    }
    if (nx_bridge_new(run->stage->settings[run->setup - setups], run->stage->exchange,
                      run->world.loop, &run->log, &run->bridge, &diag) != NX_OK) {
        if (run->world.disk_full) { /* as its service manager would: again later */
            nx_loop_free(run->world.loop);
            run->world.loop = NULL;
            run->revive_us = run->world.now_us + SECOND_US;
            return;
        }
        fprintf(stderr, "sim: seed %" PRIu64 ": the bridge does not start: %s\n", run->seed,
                diag.text);
        abort();
    }
    nx_bridge_start(run->bridge);
    nx_loop_wake(run->world.loop);
}

void sim_kill(struct run *run)
{
    if (run->bridge == NULL) {
        return;
    }
    run->world.dead = true;
    run->world.kills++;
    sim_bridge_died();
    nx_bridge_free(run->bridge);
    nx_loop_free(run->world.loop);
    run->bridge = NULL;
    run->world.loop = NULL;
    run->revive_us = run->world.now_us + sim_draw(&run->world.random, 5 * SECOND_US);
}

/* --- troubles ----------------------------------------------------------------------------------- */

static void add_trouble(struct run *run, enum trouble_kind kind, uint64_t at_us, bool ends)
{
    if (run->troubles_count < TROUBLES_MAX) {
        run->troubles[run->troubles_count++] =
            (struct trouble){.at_us = at_us, .kind = kind, .ends = ends};
    }
}

static int by_time(const void *a, const void *b)
{
    const struct trouble *x = a;
    const struct trouble *y = b;

    return (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

static bool lasts(enum trouble_kind kind)
{
    return kind == TROUBLE_STOP_A || kind == TROUBLE_STOP_B || kind == TROUBLE_SILENCE ||
           kind == TROUBLE_DISK_FULL;
}

static void plan_troubles(struct run *run)
{
    unsigned count = (unsigned)sim_draw(&run->world.random, TROUBLES_MAX / 2);
    bool taken[TROUBLE_KINDS] = {false};

    for (unsigned i = 0; i < count; i++) {
        enum trouble_kind kind = (enum trouble_kind)sim_draw(&run->world.random, TROUBLE_KINDS);
        uint64_t at_us = sim_draw(&run->world.random, TROUBLE_US);

        if (lasts(kind) && taken[kind]) {
            kind = TROUBLE_CUT;
        }
        taken[kind] = true;
        add_trouble(run, kind, at_us, false);
        if (lasts(kind)) {
            add_trouble(run, kind, at_us + sim_draw(&run->world.random, TROUBLE_US), true);
        }
    }
    qsort(run->troubles, run->troubles_count, sizeof(run->troubles[0]), by_time);
}

static void plant_fault(struct run *run, int city)
{
    char marks[4096];

    (void)snprintf(marks, sizeof(marks), "%s/marks", run->stage->folder);
    if (run->stage->plant == PLANT_MARKS && city == CITY_B &&
        sim_broker_listens(run->world.brokers[CITY_B])) {
        sim_broker_stop(run->world.brokers[CITY_B]);
        (void)unlink(marks);
        sim_broker_start(run->world.brokers[CITY_B]);
    }
    if (run->stage->plant == PLANT_SESSION && city == CITY_A) {
        sim_broker_forget(run->world.brokers[CITY_A]);
    }
}

static void broker_trouble(struct run *run, int city, bool ends)
{
    struct sim_broker *broker = run->world.brokers[city];

    if (ends == sim_broker_listens(broker)) {
        return;
    }
    if (ends) {
        sim_broker_start(broker);
    } else {
        run->world.restarts++;
        sim_broker_stop(broker);
        plant_fault(run, city);
    }
}

static void begin_trouble(struct run *run, const struct trouble *trouble)
{
    sim_say("%s%s", trouble_names[trouble->kind], trouble->ends ? " ends" : "");
    switch (trouble->kind) {
    case TROUBLE_CUT:
        sim_cut(false);
        plant_fault(run, CITY_B);
        break;
    case TROUBLE_KILL:
        sim_kill(run);
        break;
    case TROUBLE_STOP_A:
        broker_trouble(run, CITY_A, trouble->ends);
        break;
    case TROUBLE_STOP_B:
        broker_trouble(run, CITY_B, trouble->ends);
        break;
    case TROUBLE_SILENCE:
        run->world.silent = !trouble->ends;
        break;
    case TROUBLE_DISK_FULL:
        run->world.disk_full = !trouble->ends;
        break;
    case TROUBLE_CLOCK:
        run->world.wall_shift_ms += (int64_t)sim_draw(&run->world.random, 2 * 86400000) - 86400000;
        break;
    case TROUBLE_KINDS:
        abort();
    }
}

/* --- time --------------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_us(struct run *run)
{
    uint64_t next = sooner(run->publish_us, run->revive_us);

    if (run->troubles_next < run->troubles_count) {
        next = sooner(next, run->troubles[run->troubles_next].at_us);
    }
    for (int i = 0; i < SIM_BROKERS; i++) {
        next = sooner(next, sim_broker_due_us(run->world.brokers[i]));
    }
    next = sooner(next, sim_lines_due_us());
    return run->bridge != NULL ? sooner(next, sim_loop_due_us(run->world.loop)) : next;
}

static void step(struct run *run)
{
    struct sim_world *world = &run->world;
    uint64_t next = next_us(run);

    world->now_us = next > world->now_us && next != SIM_NEVER ? next : world->now_us;
    while (run->troubles_next < run->troubles_count &&
           run->troubles[run->troubles_next].at_us <= world->now_us) {
        begin_trouble(run, &run->troubles[run->troubles_next++]);
    }
    if (run->publish_us <= world->now_us) {
        sensors_turn(run);
    }
    if (run->bridge == NULL && run->revive_us <= world->now_us) {
        bridge_begin(run);
    }
    for (int i = 0; i < SIM_BROKERS; i++) {
        if (sim_broker_due_us(world->brokers[i]) <= world->now_us) {
            sim_broker_turn(world->brokers[i]);
        }
    }
    sim_lines_turn();
    if (run->bridge != NULL && sim_loop_due_us(world->loop) <= world->now_us) {
        sim_loop_turn(world->loop, nx_bridge_turn, run->bridge);
    }
}

void sim_remove_files(const struct sim_stage *stage)
{
    char path[8192];
    struct dirent *entry;
    DIR *state;

    (void)snprintf(path, sizeof(path), "%s/marks", stage->folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/marks.damaged", stage->folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/state", stage->folder);
    state = opendir(path);
    while (state != NULL && (entry = readdir(state)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/state/%s", stage->folder, entry->d_name);
        (void)unlink(path);
    }
    if (state != NULL) {
        (void)closedir(state);
    }
}

static void make_world(struct run *run)
{
    struct sim_world *world = &run->world;
    struct sim_broker_config a = {.city = "birmingham",
                                  .receive_max = 65535,
                                  .tap = sim_tap_birmingham,
                                  .admits = admits,
                                  .ctx = run,
                                  .log = &run->log};
    struct sim_broker_config b = {.city = "ulsan",
                                  .delivers = run->setup->delivers,
                                  .state = run->marks,
                                  .tap = sim_tap_ulsan,
                                  .admits = admits,
                                  .ctx = run,
                                  .log = &run->log};

    (void)snprintf(run->marks, sizeof(run->marks), "%s/marks", run->stage->folder);
    b.receive_max = sim_chance(&world->random, 50) ? 20 : 65535;
    world->delay_us_max = sim_draw(&world->random, 2) * sim_draw(&world->random, 300000);
    world->disk_us_max = sim_draw(&world->random, 4) * 3000;
    world->brokers[CITY_A] = sim_broker_new(&a);
    world->brokers[CITY_B] = sim_broker_new(&b);
    run->planned = 1 + (unsigned)sim_draw(&world->random, READINGS_MAX);
    run->publish_us = sim_draw(&world->random, SECOND_US);
    plan_troubles(run);
}

void sim_begin(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run)
{
    *run = (struct run){
        .stage = stage, .seed = seed, .setup = &setups[seed % SETUPS], .revive_us = SIM_NEVER};
    run->world.random.state = run->world.draws_state = seed;
    run->world.verbose = verbose;
    run->log = (struct nx_log){.write = log_write, .level_min = NX_LOG_INFO};
    sim_world = &run->world;
    sim_remove_files(stage);
    make_world(run);
    bridge_begin(run);
}

void sim_go(struct run *run, uint64_t until_us)
{
    for (unsigned i = 0; i < STEPS_MAX && run->world.now_us < until_us && run->fault[0] == '\0';
         i++) {
        step(run);
        if (run->troubles_next == run->troubles_count && run->publish_us == SIM_NEVER &&
            sim_settled(run)) {
            break;
        }
    }
}

void sim_end(struct run *run)
{
    for (uint64_t until = run->world.now_us + 30 * SECOND_US;
         run->world.now_us < until && run->fault[0] == '\0';) {
        step(run); /* what comes late comes twice */
    }
    sim_check(run);
    run->world.dead = true; /* nothing is to be kept */
    nx_bridge_free(run->bridge);
    nx_loop_free(run->world.loop);
    run->bridge = NULL;
    for (int i = 0; i < SIM_BROKERS; i++) {
        sim_broker_free(run->world.brokers[i]);
    }
    sim_lines_reset();
}

bool sim_run(const struct sim_stage *stage, uint64_t seed, bool verbose, struct run *run)
{
    sim_begin(stage, seed, verbose, run);
    sim_go(run, 2 * TROUBLE_US + HEALED_US);
    sim_end(run);
    return run->fault[0] == '\0';
}
