/*
 * hostile_bench.c - does any input make the judge slower than linear? For each family of inputs
 * (hostile_inputs.c), the cost per byte of reading and judging n, 2n, 4n and 8n bytes, and what it
 * grew to from the first to the last: 1 is linear, 8 is quadratic.
 *
 * The clock is rough on a shared machine. With --instructions the cost is counted in instructions
 * instead: valgrind's callgrind runs this program once for each input and counts what happens
 * inside judge_counted(). That is slow, and exact.
 *
 * Prints; never judges. A limit reached is an answer ("limit"), and what it cost to get there is
 * in the last column.
 */
#include "bench/count.h"
#include "bench/hostile_inputs.h"
#include "core/json.h"
#include "core/schema.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SCALES = 4, /* n, 2n, 4n, 8n */
    BATCHES = 150,
    FAULTS_MAX = 16,
};

static const uint64_t batch_ns_min = 100 * 1000;
static const uint64_t input_ns_max = 400 * 1000 * 1000; /* for all batches of one input */
static const uint64_t hash_seed = 0x5EED;

struct trial {
    const struct hostile *family;
    struct nx_buf source;
    struct nx_buf input;
    struct nx_schema *schema;
    struct nx_check *check;
    struct nx_json *json;
};

static void trial_init(struct trial *trial, const struct hostile *family, unsigned scale)
{
    const struct nx_schema_options options = {.assert_format = true, .seed = hash_seed};
    size_t bytes = family->bytes > 0 ? family->bytes : HOSTILE_BYTES;
    struct nx_diag diag = {0};
    char text[512];

    *trial = (struct trial){.family = family,
                            .check = nx_check_new(),
                            .json = nx_json_new(&nx_json_limits_payload, hash_seed)};
    hostile_schema(family, &trial->source);
    hostile_input(family, bytes << scale, &trial->input);
    if (trial->check == NULL || trial->json == NULL) {
        bench_die("out of memory");
    }
    if (nx_schema_compile(nx_buf_view(&trial->source), family->name, &options, &trial->schema,
                          &diag) != NX_OK) {
        bench_die("%s", nx_diag_format(&diag, text, sizeof(text)));
    }
}

static void trial_fini(struct trial *trial)
{
    nx_schema_free(trial->schema);
    nx_check_free(trial->check);
    nx_json_free(trial->json);
    nx_buf_fini(&trial->source);
    nx_buf_fini(&trial->input);
}

static bool take_fault(void *ctx, const struct nx_fault *fault)
{
    (void)ctx;
    (void)fault;
    return true;
}

static enum nx_err judge(struct trial *trial)
{
    struct nx_diag diag;
    enum nx_err err = nx_json_parse(trial->json, nx_buf_view(&trial->input), NX_JSON_STRICT, &diag);

    if (err == NX_OK) {
        err = nx_schema_check(trial->schema, trial->check, trial->json);
        if (err == NX_ERR_INVALID && trial->family->explained) {
            err = nx_schema_explain(trial->schema, trial->check, trial->json, FAULTS_MAX,
                                    take_fault, NULL);
        }
    }
    return err;
}

static const char *verdict_name(enum nx_err err)
{
    switch (err) {
    case NX_OK:
        return "accepted";
    case NX_ERR_INVALID:
        return "refused";
    case NX_ERR_SYNTAX:
        return "not JSON";
    case NX_ERR_LIMIT:
        return "limit";
    case NX_ERR_NOMEM:
    case NX_ERR_UNSUPPORTED:
    case NX_ERR_NOT_FOUND:
    case NX_ERR_DENIED:
    case NX_ERR_IO:
    case NX_ERR_AGAIN:
    case NX_ERR_STATE:
        break;
    }
    return nx_err_text(err);
}

/* ---- by the clock ------------------------------------------------------------------------ */

static uint64_t time_rounds(struct trial *trial, uint32_t rounds)
{
    uint64_t begin = bench_clock_ns();

    for (uint32_t i = 0; i < rounds; i++) {
        (void)judge(trial);
    }
    return bench_clock_ns() - begin;
}

/* The least time of judging the input once, in ns. */
static double measure_time(struct trial *trial)
{
    struct bench_samples *samples = calloc(1, sizeof(*samples));
    uint64_t begin = bench_clock_ns();
    uint32_t rounds = 1;
    double least;

    if (samples == NULL) {
        bench_die("out of memory");
    }
    while (time_rounds(trial, rounds) < batch_ns_min) { /* also grows the scratch memory */
        rounds *= 2;
    }
    for (unsigned i = 0; i < BATCHES; i++) {
        bench_add(samples, time_rounds(trial, rounds), rounds);
        if (bench_clock_ns() - begin > input_ns_max) {
            break;
        }
    }
    least = bench_minimum(samples);
    free(samples);
    return least;
}

/* ---- by the instruction ------------------------------------------------------------------ */

/* Its name is an argument of callgrind, with a star: the compiler may add to it. */
__attribute__((noinline)) static enum nx_err judge_counted(struct trial *trial)
{
    enum nx_err err = judge(trial);

    __asm__ volatile("" ::: "memory"); /* a body of its own: not an alias of judge() */
    return err;
}

static void run_once(unsigned family, unsigned scale)
{
    struct trial trial;

    trial_init(&trial, &hostile_inputs[family], scale);
    (void)judge(&trial); /* grows the scratch memory */
    (void)judge_counted(&trial);
    trial_fini(&trial);
}

/* ---- the table --------------------------------------------------------------------------- */

static void run_family(unsigned index, bool instructions)
{
    const struct hostile *family = &hostile_inputs[index];
    double per_byte[SCALES];
    double cost = 0;
    enum nx_err verdicts[SCALES];

    (void)printf("  %-44s", family->name);
    for (unsigned scale = 0; scale < SCALES; scale++) {
        struct trial trial;
        trial_init(&trial, family, scale);
        verdicts[scale] = judge(&trial);
        cost = instructions ? bench_count("judge_counted*", index + 1, scale + 1)
                            : measure_time(&trial);
        per_byte[scale] = cost / (double)trial.input.len;
        (void)printf(" %8.2f", per_byte[scale]);
        (void)fflush(stdout);
        trial_fini(&trial);
    }
    (void)printf(" %7.2f %9.3f  %s", per_byte[SCALES - 1] / per_byte[0], cost / 1e6,
                 verdict_name(verdicts[SCALES - 1]));
    (void)printf(verdicts[0] != verdicts[SCALES - 1] ? " (n: %s)\n" : "\n",
                 verdict_name(verdicts[0]));
}

static _Noreturn void usage(void)
{
    (void)fputs("usage: hostile_bench [--instructions] [--family NUMBER]\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    bool instructions = false;
    uint32_t only = 0;

    if (argc == 4 && nx_span_is(nx_span_from(argv[1]), "--once")) {
        run_once(bench_option(argv[1], argv[2], hostile_inputs_count) - 1,
                 bench_option(argv[1], argv[3], SCALES) - 1);
        return 0;
    }
    for (int i = 1; i < argc; i++) {
        if (nx_span_is(nx_span_from(argv[i]), "--instructions")) {
            instructions = true;
        } else if (nx_span_is(nx_span_from(argv[i]), "--family") && i + 1 < argc) {
            only = bench_option(argv[i], argv[i + 1], hostile_inputs_count);
            i++;
        } else {
            usage();
        }
    }
    (void)printf("  %-44s %8s %8s %8s %8s %7s %9s\n",
                 instructions ? "instructions per byte" : "ns per byte", "n", "2n", "4n", "8n",
                 "growth", instructions ? "M at 8n" : "ms at 8n");
    for (unsigned i = 0; i < hostile_inputs_count; i++) {
        if (only == 0 || only == i + 1) {
            run_family(i, instructions);
        }
    }
    return 0;
}
