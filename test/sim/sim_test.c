/*
 * sim_test.c - thousands of seeds of two cities in trouble. After each the trouble ends, all runs
 * dry, and what was admitted at Birmingham is compared with what came out at Ulsan:
 *
 *     lost        admitted and never delivered
 *     duplicated  delivered twice (allowed at QoS 1, with the same nexus-seq)
 *     reordered   delivered behind a later one of its stream
 *     unexpected  delivered and never admitted
 *
 * and the link's own counters have to agree with it.
 *
 *     sim_test [--seeds COUNT] [--from SEED] [--seed SEED] [--verbose] [--plant FAULT]
 *     sim_test --damaged [--seed CALL] [--verbose]
 *     sim_test --restored [--seeds COUNT] [--from SEED] [--seed SEED] [--verbose]
 *
 * A planted fault has to be found: `marks`, the receiving broker forgets what it has taken when a
 * line is cut; `session`, the sending one forgets the bridge's session when it stops. Exits 0 if so.
 */
#include "core/os/file.h"
#include "test/sim/sim_run.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct setup setups[SETUPS] = {
    {"batches", "\"delivery\":\"batches\"", true, true, true},
    {"batches, latest first", "\"delivery\":\"batches\",\"order\":\"latest-first\"", true, true,
     true},
    {"qos2", "\"delivery\":\"qos2\"", true, true, false},
    {"qos1", "\"delivery\":\"qos1\"", false, true, false},
    {"qos1 over MQTT 3.1.1", "\"delivery\":\"qos1\"", false, true, false},
};

static struct sim_stage stage;

/* --- start -------------------------------------------------------------------------------------- */

static void write_settings(char path[4096], const struct setup *setup, bool mqtt_3_1_1)
{
    FILE *file;

    (void)snprintf(path, 4096, "%s/bridge.json", stage.folder);
    file = fopen(path, "w");
    if (file == NULL) {
        abort();
    }
    (void)fprintf(file,
                  "{\"config_dir\":\"%s/config\",\"state_dir\":\"%s/state\",\"nodes\":["
                  "{\"city\":\"birmingham\",\"host\":\"birmingham\",\"port\":%d},"
                  "{\"city\":\"ulsan\",\"host\":\"ulsan\",\"port\":%d%s}],\"links\":[{\"from\":"
                  "\"birmingham\",\"to\":\"ulsan\",%s}],\"tuning\":{\"status_period_s\":1,"
                  "\"backoff_ms_min\":50,\"backoff_ms_max\":2000,\"keepalive_s\":10}}\n",
                  NX_SOURCE_DIR, stage.folder, SIM_PORT_BASE + CITY_A, SIM_PORT_BASE + CITY_B,
                  mqtt_3_1_1 ? ",\"mqtt_version\":\"3.1.1\"" : "", setup->link);
    (void)fclose(file);
}

static void load_settings(void)
{
    const struct nx_reader reader = nx_file_reader();
    struct nx_diag diag = {0};
    char text[1024];
    char path[4096];

    for (unsigned i = 0; i < SETUPS; i++) {
        write_settings(path, &setups[i], i == SETUP_3_1_1);
        if (nx_settings_load(&reader, path, 1, NULL, &stage.settings[i], &diag) != NX_OK ||
            (stage.exchange == NULL && nx_exchange_new(&reader, stage.settings[i]->config, 1,
                                                       &stage.exchange, &diag) != NX_OK)) {
            fprintf(stderr, "sim: %s\n", nx_diag_format(&diag, text, sizeof(text)));
            exit(2);
        }
    }
}

static bool one(uint64_t seed, bool restored, bool verbose, struct run *totals)
{
    static struct run run;
    bool good = (restored ? sim_run_restored : sim_run)(&stage, seed, verbose, &run);

    totals->admitted += run.admitted;
    totals->world.cuts += run.world.cuts;
    totals->world.kills += run.world.kills;
    totals->world.restarts += run.world.restarts;
    totals->world.syncs += run.world.syncs;
    if (!good) {
        printf("seed %" PRIu64 " (%s): %s\n"
               "  replay: sim_test%s --seed %" PRIu64 " --verbose\n",
               seed, run.setup->name, run.fault, restored ? " --restored" : "", seed);
    }
    return good;
}

enum { NEAR_CALLS = 100 }; /* behind them neighbours behave alike */

/* Each call of the disk fails in its turn; or only the `from`th. */
static uint64_t damaged_so(const struct sim_damage *damage, uint64_t fails, uint64_t from,
                           bool only, bool verbose)
{
    static struct run run;
    uint64_t failed = 0;
    uint64_t caches = 0;
    uint64_t call = from;
    bool reached = true;

    for (; reached && (call == from || !only); call += call < NEAR_CALLS && fails == 1 ? 1 : 7) {
        caches++;
        if (!sim_run_damaged(&stage, damage, call, fails, verbose, &run, &reached)) {
            printf("%s; calls of the disk from %" PRIu64 " on fail, %" PRIu64 " of them: %s\n"
                   "  replay: sim_test --damaged --seed %" PRIu64 " --verbose\n",
                   damage->name, call, fails, run.fault, call);
            failed++;
        }
    }
    printf("%s: %" PRIu64 " caches, %" PRIu64 " calls of the disk failing\n", damage->name, caches,
           fails);
    return failed;
}

/* Alone, and with those that follow it. */
static uint64_t damaged(uint64_t from, bool only, bool verbose)
{
    static const uint64_t fails[] = {1, 100};
    uint64_t failed = 0;

    for (const struct sim_damage *damage = sim_damages; damage->name != NULL; damage++) {
        size_t times = damage->calls == SIM_CALLS_FAIL ? sizeof(fails) / sizeof(fails[0]) : 1;

        for (size_t i = 0; i < times; i++) {
            failed += damaged_so(damage, fails[i], from, only, verbose);
        }
    }
    return failed;
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (end == text || *end != '\0') {
        fprintf(stderr, "sim: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'}, {"from", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},  {"verbose", no_argument, NULL, 'v'},
        {"plant", required_argument, NULL, 'p'}, {"damaged", no_argument, NULL, 'd'},
        {"restored", no_argument, NULL, 'r'},    {NULL, 0, NULL, 0}};
    static struct run totals;
    char place[] = "/tmp/nexus-sim-XXXXXX";
    char path[4096];
    uint64_t from = 1;
    uint64_t count = 1000;
    uint64_t failed = 0;
    bool verbose = false;
    bool is_damaged = false;
    bool restored = false;
    int given;

    while ((given = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (given) {
        case 'n':
            count = number(optarg);
            break;
        case 'f':
            from = number(optarg);
            break;
        case 's':
            from = number(optarg);
            count = 1;
            break;
        case 'v':
            verbose = true;
            break;
        case 'p':
            stage.plant = strcmp(optarg, "marks") == 0 ? PLANT_MARKS : PLANT_SESSION;
            break;
        case 'd':
            is_damaged = true;
            break;
        case 'r':
            restored = true;
            break;
        default:
            return 2;
        }
    }
    stage.folder = mkdtemp(place);
    (void)snprintf(path, sizeof(path), "%s/state", place);
    if (stage.folder == NULL || mkdir(path, 0700) != 0) {
        perror("sim: stage.folder");
        return 2;
    }
    sim_disk_register();
    load_settings();
    if (is_damaged) {
        failed = damaged(from, count == 1, verbose);
        count = 0;
    }
    for (uint64_t seed = from; seed < from + count; seed++) {
        failed += one(seed, restored, verbose, &totals) ? 0 : 1;
    }
    printf("%" PRIu64 " seeds, %" PRIu64 " failed: %u readings, %" PRIu64 " cuts, %" PRIu64
           " kills, %" PRIu64 " restarts of a broker, %" PRIu64 " syncs\n",
           count, failed, totals.admitted, totals.world.cuts, totals.world.kills,
           totals.world.restarts, totals.world.syncs);
    nx_exchange_free(stage.exchange); /* it stands on the first of the settings */
    for (unsigned i = 0; i < SETUPS; i++) {
        nx_settings_free(stage.settings[i]);
    }
    sim_remove_files(&stage);
    (void)rmdir(path);
    (void)snprintf(path, sizeof(path), "%s/bridge.json", stage.folder);
    (void)unlink(path);
    (void)rmdir(stage.folder);
    if (stage.plant != PLANT_NONE) {
        return failed > 0 ? 0 : 1;
    }
    return failed == 0 ? 0 : 1;
}
