/*
 * lens_bench.c - what it costs to translate a reading between the cities' formats and canonical,
 * the check of the result included: as the bridge does it, with the shipped lenses and schemas.
 *
 * --instructions counts instead: valgrind's callgrind runs this program once for each direction.
 * Only a reading that is refused makes it fail: a figure for a wrong answer is worth nothing.
 */
#include "bench/bench.h"
#include "bench/count.h"
#include "core/os/file.h"
#include "lens/exchange.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    READINGS = 1000,
    BATCHES = 100,
    READING_BYTES_MAX = 1024,
    TRANSLATION_BYTES_MAX = 64 * 1024,
};

static const uint64_t hash_seed = 0x5EED;

/* The readings of one direction, one behind the other. */
struct readings {
    struct nx_buf bytes;
    struct nx_span each[READINGS];
    const char *assets[READINGS]; /* as their topics would say */
};

struct job {
    struct nx_config *config;
    struct nx_exchange *exchange;
    struct nx_buf out;
    struct readings in;
};

/* ---- readings: other stations, hours and amounts, so that nothing can be predicted -------- */

/* Stations of the tables, and some that are in none. */
static const char *const stations[] = {"AGRN", "BIRR", "BMLD", "S00017", "S00018"};
static const char *const names[] = {"신정동", "부곡동(울산)", "범서읍", "다른동"};
static const char *const assets[] = {"sinjeong-dong", "bugok-dong", "beomseo-eup", "S00019"};

static const char *write_birmingham(uint64_t *random, char *out, size_t size)
{
    unsigned r[8];

    for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
        r[i] = bench_below(random, 1000);
    }
    (void)snprintf(out, size,
                   "{\"site\":\"%s\",\"name\":\"Birmingham %u\",\"time\":\"2026-%02u-%02uT%02u:00:"
                   "00Z\",\"latitude\":52.%u,\"longitude\":-1.%u,\"no2\":%u.%u,\"o3\":%u.%u,"
                   "\"so2\":%u.%u,\"co\":%u.5,\"pm10\":%u.%u,\"pm25\":%u.%u,\"seq\":%u}",
                   stations[r[0] % 5], r[1], r[1] % 12 + 1, r[2] % 28 + 1, r[3] % 24, 400000 + r[4],
                   800000 + r[5], r[0] % 200, r[1] % 10, r[2] % 150, r[3] % 10, r[4] % 40,
                   r[5] % 10, 100 + r[6], r[7] % 90, r[6] % 10, r[1] % 50, r[2] % 10,
                   100000000 + r[7]);
    return stations[r[0] % 5];
}

static const char *write_ulsan(uint64_t *random, char *out, size_t size)
{
    unsigned r[6];

    for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
        r[i] = bench_below(random, 1000);
    }
    (void)snprintf(out, size,
                   "{\"so2Grade\":\"1\",\"coFlag\":null,\"khaiValue\":\"%u\",\"so2Value\":\"0.%03u"
                   "\",\"coValue\":\"%u.%u\",\"pm25Flag\":null,\"pm10Flag\":null,\"pm10Value\":"
                   "\"%u\",\"pm25Value\":\"%u\",\"khaiGrade\":\"2\",\"sidoName\":\"울산\","
                   "\"no2Flag\":null,\"no2Grade\":\"1\",\"o3Flag\":null,\"so2Flag\":null,"
                   "\"dataTime\":\"2026-%02u-%02u %02u:00\",\"coGrade\":\"1\",\"no2Value\":"
                   "\"0.%03u\",\"stationName\":\"%s\",\"pm10Grade\":\"1\",\"o3Value\":\"0.%03u\","
                   "\"seq\":%u}",
                   r[0] % 200 + 1, r[1] % 20, r[2] % 3, r[3] % 10, r[4] % 90, r[5] % 60,
                   r[0] % 12 + 1, r[1] % 28 + 1, r[2] % 24 + 1, r[3] % 90, names[r[4] % 4],
                   r[5] % 90, 100000000 + r[0]);
    return assets[r[4] % 4];
}

/* ---- the directions ---------------------------------------------------------------------- */

static enum nx_err to_canonical(struct job *job, const char *city, const char *asset,
                                struct nx_span reading)
{
    char observed_at[40];

    return nx_exchange_to_canonical(job->exchange, nx_span_from(city), NX_SPAN("air"),
                                    nx_span_from(asset), reading, &job->out, observed_at, NULL,
                                    NULL);
}

static enum nx_err from_canonical(struct job *job, const char *city, const char *asset,
                                  struct nx_span reading)
{
    return nx_exchange_from_canonical(job->exchange, nx_span_from(city), NX_SPAN("air"),
                                      nx_span_from(asset), reading, &job->out, NULL, NULL);
}

static const struct direction {
    const char *name;
    const char *owner; /* whose readings; where they are canonical, made from its own */
    /* Writes one, and returns its asset. */
    const char *(*write)(uint64_t *random, char *out, size_t size);
    const char *city; /* whose lens translates */
    enum nx_err (*translate)(struct job *job, const char *city, const char *asset,
                             struct nx_span reading);
    bool from_canonical;
} directions[] = {
    {"birmingham to canonical", "birmingham", write_birmingham, "birmingham", to_canonical, false},
    {"... and on to ulsan", "birmingham", write_birmingham, "ulsan", from_canonical, true},
    {"ulsan to canonical", "ulsan", write_ulsan, "ulsan", to_canonical, false},
    {"... and on to birmingham", "ulsan", write_ulsan, "birmingham", from_canonical, true},
};

enum { DIRECTIONS = sizeof(directions) / sizeof(directions[0]) };

static void add_reading(struct job *job, const struct direction *direction, uint64_t *random,
                        size_t lengths[READINGS], uint32_t i)
{
    char text[READING_BYTES_MAX];
    struct nx_span reading;

    job->in.assets[i] = direction->write(random, text, sizeof(text));
    reading = nx_span_from(text);
    if (direction->from_canonical) {
        if (to_canonical(job, direction->owner, job->in.assets[i], reading) != NX_OK) {
            bench_die("%s: refuses %s", direction->owner, text);
        }
        reading = nx_buf_view(&job->out);
    }
    lengths[i] = reading.len;
    if (nx_buf_span(&job->in.bytes, reading) != NX_OK) {
        bench_die("out of memory");
    }
}

static void make_readings(struct job *job, const struct direction *direction)
{
    size_t lengths[READINGS], at = 0;
    uint64_t random = hash_seed;

    nx_buf_reset(&job->in.bytes);
    for (uint32_t i = 0; i < READINGS; i++) {
        add_reading(job, direction, &random, lengths, i);
    }
    for (uint32_t i = 0; i < READINGS; i++) {
        job->in.each[i] = (struct nx_span){job->in.bytes.data + at, lengths[i]};
        at += lengths[i];
    }
}

static struct job *open_job(void)
{
    struct nx_reader reader = nx_file_reader();
    struct nx_config_options options = {.seed = hash_seed};
    struct job *job = calloc(1, sizeof(*job));
    struct nx_diag diag = {0};
    char text[512];

    if (job == NULL) {
        bench_die("out of memory");
    }
    nx_buf_init(&job->out, TRANSLATION_BYTES_MAX);
    nx_buf_init(&job->in.bytes, (size_t)READINGS * READING_BYTES_MAX);
    if (nx_config_load(&reader, NX_SOURCE_DIR "/config", &options, &job->config, &diag) != NX_OK ||
        nx_exchange_new(&reader, job->config, hash_seed, &job->exchange, &diag) != NX_OK) {
        bench_die("%s", nx_diag_format(&diag, text, sizeof(text)));
    }
    return job;
}

static void close_job(struct job *job)
{
    nx_exchange_free(job->exchange);
    nx_config_free(job->config);
    nx_buf_fini(&job->out);
    nx_buf_fini(&job->in.bytes);
    free(job);
}

/* Its name is an argument of callgrind, with a star: the compiler may add to it. */
__attribute__((noinline)) static void translate_counted(struct job *job,
                                                        const struct direction *direction)
{
    for (uint32_t i = 0; i < READINGS; i++) {
        if (direction->translate(job, direction->city, job->in.assets[i], job->in.each[i]) !=
            NX_OK) {
            bench_die("%s: refused %.*s", direction->name, NX_SPAN_ARG(job->in.each[i]));
        }
    }
    __asm__ volatile("" ::: "memory");
}

/* ---- time -------------------------------------------------------------------------------- */

static void time_direction(struct job *job, const struct direction *direction)
{
    static struct bench_samples samples;

    samples.count = 0;
    make_readings(job, direction);
    for (unsigned i = 0; i < BATCHES; i++) {
        uint64_t begin = bench_clock_ns();
        translate_counted(job, direction);
        bench_add(&samples, bench_clock_ns() - begin, READINGS);
    }
    (void)printf("  %-28s %9.0f %9.0f\n", direction->name, bench_minimum(&samples),
                 bench_median(&samples));
}

static void time_all(void)
{
    struct job *job = open_job();

    (void)printf("  %-28s %9s %9s\n", "ns per reading", "minimum", "median");
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        time_direction(job, &directions[i]);
    }
    close_job(job);
}

/* ---- instructions ------------------------------------------------------------------------ */

static void run_once(const struct direction *direction)
{
    struct job *job = open_job();

    make_readings(job, direction);
    translate_counted(job, direction);
    close_job(job);
}

static void count_all(void)
{
    (void)printf("  %-28s %9s\n", "instructions per reading", "");
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        (void)printf("  %-28s %9.0f\n", directions[i].name,
                     bench_count("translate_counted*", i + 1, 0) / READINGS);
        (void)fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && nx_span_is(nx_span_from(argv[1]), "--once")) {
        run_once(&directions[bench_option("direction", argv[2], DIRECTIONS) - 1]);
    } else if (argc == 2 && nx_span_is(nx_span_from(argv[1]), "--instructions")) {
        count_all();
    } else if (argc == 1) {
        time_all();
    } else {
        (void)fputs("usage: lens_bench [--instructions]\n", stderr);
        return 2;
    }
    return 0;
}
