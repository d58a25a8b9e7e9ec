/*
 * schema_bench.c - what it costs to read a message and judge it by its schema, in nanoseconds.
 *
 * Two subjects: a flat reading of 299 bytes and an NGSI-LD one of 2 kB. Each is measured over one
 * message, which flatters a branch predictor, and over many different ones. cJSON's parse alone
 * runs in the same program as the anchor. The rows of a subject take turns, a batch each, so that
 * other load on the machine meets all of them alike.
 *
 * --write DIR leaves the messages for other programs; --peers FILE reads what they measured with
 * them (lines of: subject, messages, name, minimum, median, separated by tabs) into the table.
 * No timing makes this program fail. It fails when a row refuses a message, or accepts one that
 * breaks the schema: a figure for a wrong answer is worth nothing.
 */
#include "bench/messages.h"
#include "core/json.h"
#include "core/schema.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MESSAGES_MAX = 100 * 1000,
    BATCH_MESSAGES_MIN = 256, /* of one batch: well over the clock's own cost */
    WARM_UP_BATCHES = 5,
    PEER_FIELDS = 5,
};

static const uint64_t hash_seed = 0x5EED;

struct job {
    const struct messages *messages;
    const struct nx_schema *schema;
    struct nx_check *check;
    struct nx_json *json;
    struct nx_json **tapes; /* of all messages, read before the clock runs */
};

/* ---- the rows: each handles every message once and says how many it took ----------------- */

static uint32_t run_cjson(const struct job *job)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < job->messages->count; i++) {
        struct nx_span text = job->messages->each[i];
        cJSON *tree = cJSON_ParseWithLength(text.ptr, text.len);
        taken += tree != NULL;
        cJSON_Delete(tree);
    }
    return taken;
}

static uint32_t run_parse(const struct job *job)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < job->messages->count; i++) {
        taken += nx_json_parse(job->json, job->messages->each[i], NX_JSON_STRICT, NULL) == NX_OK;
    }
    return taken;
}

static uint32_t run_check(const struct job *job)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < job->messages->count; i++) {
        taken += nx_schema_check(job->schema, job->check, job->tapes[i]) == NX_OK;
    }
    return taken;
}

static uint32_t run_parse_check(const struct job *job)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < job->messages->count; i++) {
        taken += nx_json_parse(job->json, job->messages->each[i], NX_JSON_STRICT, NULL) == NX_OK &&
                 nx_schema_check(job->schema, job->check, job->json) == NX_OK;
    }
    return taken;
}

static uint32_t run_check_bytes(const struct job *job)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < job->messages->count; i++) {
        taken += nx_schema_check_bytes(job->schema, job->check, job->messages->each[i]) == NX_OK;
    }
    return taken;
}

static const struct row {
    const char *name;
    uint32_t (*run)(const struct job *job);
    bool judges;
} rows[] = {
    {"cJSON_ParseWithLength + cJSON_Delete", run_cjson, false}, /* the anchor: stays first */
    {"nx_json_parse", run_parse, false},
    {"nx_schema_check, read before", run_check, true},
    {"nx_json_parse + nx_schema_check", run_parse_check, true}, /* "ours" */
    {"nx_schema_check_bytes", run_check_bytes, true},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]), ROW_ANCHOR = 0, ROW_OURS = 3 };

/* ---- the subjects ------------------------------------------------------------------------ */

static const struct subject {
    const char *name;
    const char *message;
    const char *schema;
    struct nx_span sound; /* occurs in the message; */
    struct nx_span wrong; /* in its place, the schema is broken */
} subjects[] = {
    {"air-quality",
     "air-quality.json",
     "air-quality.schema.json",
     {"-4.421394", 9},
     {"-444.1394", 9}},
    {"ngsi-ld",
     "ngsi-ld.json",
     "ngsi-ld.schema.json",
     {"\"GeoProperty\"", 13},
     {"\"GeoPropertY\"", 13}},
};

struct options {
    const char *data; /* a folder */
    const char *write;
    const char *peers;
    uint32_t batches;
    uint32_t messages;
    uint64_t seed;
};

static void read_data(const char *folder, const char *name, struct nx_buf *out)
{
    char path[1024];

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path)) {
        bench_die("%s: the path is too long", folder);
    }
    bench_read(path, out);
}

static void compile(const struct subject *subject, const char *data, struct nx_buf *source,
                    struct nx_schema **schema)
{
    const struct nx_schema_options options = {
        .strict = true, .assert_format = true, .seed = hash_seed};
    struct nx_diag diag = {0};
    char text[512];

    read_data(data, subject->schema, source);
    if (nx_schema_compile(nx_buf_view(source), subject->schema, &options, schema, &diag) != NX_OK) {
        bench_die("%s", nx_diag_format(&diag, text, sizeof(text)));
    }
}

static void read_tapes(struct job *job)
{
    job->tapes = calloc(job->messages->count, sizeof(*job->tapes));
    for (uint32_t i = 0; job->tapes != NULL && i < job->messages->count; i++) {
        job->tapes[i] = nx_json_new(&nx_json_limits_payload, hash_seed);
        if (job->tapes[i] == NULL ||
            nx_json_parse(job->tapes[i], job->messages->each[i], NX_JSON_STRICT, NULL) != NX_OK) {
            bench_die("a message is not JSON");
        }
    }
    if (job->tapes == NULL) {
        bench_die("out of memory");
    }
}

static void job_init(struct job *job, const struct messages *messages,
                     const struct nx_schema *schema)
{
    *job = (struct job){.messages = messages,
                        .schema = schema,
                        .check = nx_check_new(),
                        .json = nx_json_new(&nx_json_limits_payload, hash_seed)};
    if (job->check == NULL || job->json == NULL) {
        bench_die("out of memory");
    }
    read_tapes(job);
}

static void job_fini(struct job *job)
{
    for (uint32_t i = 0; i < job->messages->count; i++) {
        nx_json_free(job->tapes[i]);
    }
    free(job->tapes);
    nx_check_free(job->check);
    nx_json_free(job->json);
}

/* Dies unless every judging row refuses the message with one value broken. */
static void expect_refusal(const struct subject *subject, struct nx_span reference,
                           const struct nx_schema *schema)
{
    char *broken = memmem(reference.ptr, reference.len, subject->sound.ptr, subject->sound.len);
    size_t at = broken != NULL ? (size_t)(broken - reference.ptr) : 0;
    struct messages one;
    struct job job;

    if (broken == NULL || subject->wrong.len != subject->sound.len) {
        bench_die("%s: does not hold what the control breaks", subject->message);
    }
    messages_one(&one, reference);
    memcpy(one.bytes.data + at, subject->wrong.ptr, subject->wrong.len);
    job_init(&job, &one, schema);
    for (unsigned i = 0; i < ROWS; i++) {
        if (rows[i].judges && rows[i].run(&job) != 0) {
            bench_die("%s accepts a broken %s", rows[i].name, subject->message);
        }
    }
    job_fini(&job);
    messages_fini(&one);
}

/* ---- measuring --------------------------------------------------------------------------- */

static void time_batch(const struct row *row, const struct job *job, uint32_t rounds,
                       struct bench_samples *samples)
{
    uint64_t begin = bench_clock_ns();
    uint32_t taken = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        taken += row->run(job);
    }
    bench_add(samples, bench_clock_ns() - begin, job->messages->count * rounds);
    if (taken != job->messages->count * rounds) {
        bench_die("%s refuses a sound message", row->name);
    }
}

static void measure(const struct job *job, uint32_t batches, struct bench_samples *samples)
{
    uint32_t rounds = (BATCH_MESSAGES_MIN + job->messages->count - 1) / job->messages->count;

    for (uint32_t batch = 0; batch < batches + WARM_UP_BATCHES; batch++) {
        for (unsigned i = 0; i < ROWS; i++) {
            if (batch == WARM_UP_BATCHES) {
                samples[i].count = 0;
            }
            time_batch(&rows[i], job, rounds, &samples[i]);
        }
    }
}

/* ---- the table --------------------------------------------------------------------------- */

/* What the ratios of a table refer to: minima in ns. */
struct scale {
    double bytes; /* of a message, on average */
    double anchor;
    double ours;
};

static void print_row(const char *name, double least, double median, const struct scale *scale)
{
    (void)printf("  %-42s %9.0f %9.0f %7.0f %8.2f %8.2f\n", name, least, median,
                 scale->bytes * 1e3 / least, scale->anchor / least, least / scale->ours);
}

/* A peer's line, when it belongs to this subject and these messages. */
static void print_peer(struct nx_span line, const char *subject, struct nx_span kind,
                       const struct scale *scale)
{
    struct nx_span field[PEER_FIELDS] = {{NULL, 0}};
    char text[PEER_FIELDS][64];

    for (unsigned i = 0; i < PEER_FIELDS && line.ptr != NULL; i++) {
        field[i] = nx_span_cut(&line, '\t');
        if (!nx_span_copy(field[i], text[i], sizeof(text[i]))) {
            return;
        }
    }
    if (!nx_span_is(field[0], subject) || !nx_span_eq(field[1], kind)) {
        return;
    }
    if (field[3].len == 0) {
        (void)printf("  %s\n", text[2]); /* why there are no figures */
    } else {
        print_row(text[2], strtod(text[3], NULL), strtod(text[4], NULL), scale);
    }
}

static void print_peers(struct nx_span peers, const char *subject, bool many,
                        const struct scale *scale)
{
    struct nx_span kind = many ? NX_SPAN("many") : NX_SPAN("one");

    while (peers.ptr != NULL) {
        struct nx_span line = nx_span_cut(&peers, '\n');
        if (line.len > 0) {
            print_peer(line, subject, kind, scale);
        }
    }
}

static void report(const struct subject *subject, const struct job *job, struct nx_span peers,
                   struct bench_samples *samples)
{
    const struct scale scale = {messages_mean_len(job->messages),
                                bench_minimum(&samples[ROW_ANCHOR]),
                                bench_minimum(&samples[ROW_OURS])};
    bool many = job->messages->count > 1;

    if (many) {
        (void)printf("\n%s: %u different messages of %.0f bytes on average\n", subject->name,
                     job->messages->count, scale.bytes);
    } else {
        (void)printf("\n%s: one message of %.0f bytes\n", subject->name, scale.bytes);
    }
    (void)printf("  %-42s %9s %9s %7s %8s %8s\n", "ns per message", "minimum", "median", "MB/s",
                 "x cJSON", "/ ours");
    for (unsigned i = 0; i < ROWS; i++) {
        print_row(rows[i].name, bench_minimum(&samples[i]), bench_median(&samples[i]), &scale);
    }
    print_peers(peers, subject->name, many, &scale);
}

static void write_messages(const char *folder, const char *name, const struct messages *messages)
{
    char path[1024];
    FILE *file = NULL;

    if (snprintf(path, sizeof(path), "%s/%s.jsonl", folder, name) < (int)sizeof(path)) {
        file = fopen(path, "wb");
    }
    if (file == NULL ||
        fwrite(messages->bytes.data, 1, messages->bytes.len, file) != messages->bytes.len ||
        fclose(file) != 0) {
        bench_die("%s: cannot be written", path);
    }
}

static void run_subject(const struct subject *subject, const struct options *options,
                        struct nx_span peers)
{
    struct bench_samples *samples = calloc(ROWS, sizeof(*samples));
    struct nx_buf reference;
    struct nx_buf source;
    struct nx_schema *schema = NULL;
    struct messages sets[2];

    if (samples == NULL) {
        bench_die("out of memory");
    }
    read_data(options->data, subject->message, &reference);
    compile(subject, options->data, &source, &schema);
    messages_one(&sets[0], nx_buf_view(&reference));
    messages_make(&sets[1], nx_buf_view(&reference), options->messages, options->seed);
    if (options->write != NULL) {
        write_messages(options->write, subject->name, &sets[1]);
    } else {
        expect_refusal(subject, nx_buf_view(&reference), schema);
    }
    for (int i = 0; i < 2; i++) {
        struct job job;
        job_init(&job, &sets[i], schema);
        if (options->write == NULL) {
            measure(&job, options->batches, samples);
            report(subject, &job, peers, samples);
        }
        job_fini(&job);
        messages_fini(&sets[i]);
    }
    nx_schema_free(schema);
    nx_buf_fini(&source);
    nx_buf_fini(&reference);
    free(samples);
}

static _Noreturn void usage(void)
{
    (void)fputs("usage: schema_bench [--data DIR] [--batches N] [--messages N] [--seed N]\n"
                "                    [--write DIR | --peers FILE]\n",
                stderr);
    exit(2);
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i += 2) {
        struct nx_span name = nx_span_from(argv[i]);
        if (i + 1 >= argc) {
            usage();
        } else if (nx_span_is(name, "--data")) {
            options->data = argv[i + 1];
        } else if (nx_span_is(name, "--write")) {
            options->write = argv[i + 1];
        } else if (nx_span_is(name, "--peers")) {
            options->peers = argv[i + 1];
        } else if (nx_span_is(name, "--batches")) {
            options->batches = bench_option(argv[i], argv[i + 1], BENCH_BATCHES_MAX);
        } else if (nx_span_is(name, "--messages")) {
            options->messages = bench_option(argv[i], argv[i + 1], MESSAGES_MAX);
        } else if (nx_span_is(name, "--seed")) {
            options->seed = bench_option(argv[i], argv[i + 1], UINT32_MAX);
        } else {
            usage();
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {
        .data = NX_SOURCE_DIR "/bench/data", .batches = 400, .messages = 1024, .seed = 42};
    struct nx_buf peers;

    read_options(argc, argv, &options);
    nx_buf_init(&peers, BENCH_FILE_BYTES_MAX);
    if (options.peers != NULL) {
        nx_buf_fini(&peers);
        bench_read(options.peers, &peers);
    }
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
        run_subject(&subjects[i], &options, nx_buf_view(&peers));
    }
    nx_buf_fini(&peers);
    return 0;
}
