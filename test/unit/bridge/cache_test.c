/*
 * cache_test.c - `nexusctl cache` as it is typed: what it prints and how it ends. The cache is
 * made here and stays open for writing, as beside a running bridge.
 */
#include "ctl/cache.h"

#include "bridge/store.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST  "nexus/birmingham/air/BIRR/observation"
#define SECOND "nexus/birmingham/air/BMLD/observation"

enum { WORDS_MAX = 12 };

struct bench {
    char dir[64], db[128], out[128], err[128];
    struct nx_store *store;
    char text[8192], told[8192];
    int code;
};

static void append(struct bench *bench, const char *topic, const char *original, bool canonical)
{
    struct nx_reading reading = {
        .received_ms = 1769871600123,
        .topic = nx_span_from(topic),
        .original = nx_span_from(original),
        .kind = original[0] != '\0' ? NX_READING_OBSERVATION : NX_READING_CLEAR,
    };
    struct nx_diag diag;
    uint64_t seq;

    if (canonical) {
        reading.canonical = NX_SPAN("{\"no2\":1}");
        reading.observed_at = NX_SPAN("2026-01-31T15:00:00Z");
    } else if (original[0] != '\0') {
        reading.fault = NX_SPAN("payload:1:2: \"quoted\"");
    }
    assert_int_equal(nx_store_append(bench->store, &reading, &seq, &diag), NX_OK);
}

static int bench_make(void **state)
{
    const struct nx_store_options options = {.now_ms = 1};
    struct bench *bench = calloc(1, sizeof(*bench));
    struct nx_diag diag;

    (void)snprintf(bench->dir, sizeof(bench->dir), "/tmp/nexus-cache-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    (void)snprintf(bench->db, sizeof(bench->db), "%s/birmingham.db", bench->dir);
    (void)snprintf(bench->out, sizeof(bench->out), "%s/out", bench->dir);
    (void)snprintf(bench->err, sizeof(bench->err), "%s/err", bench->dir);
    assert_int_equal(nx_store_open(bench->db, &options, NULL, &bench->store, &diag), NX_OK);
    append(bench, SECOND, "{\n \"no2\": 1\n}", true);
    append(bench, FIRST, "\xff{", false);
    append(bench, SECOND, "", false);
    assert_int_equal(nx_store_commit(bench->store, &diag), NX_OK);
    *state = bench;
    return 0;
}

static int bench_remove(void **state)
{
    struct bench *bench = *state;

    nx_store_close(bench->store);
    (void)unlink(bench->db);
    (void)unlink(bench->out);
    (void)unlink(bench->err);
    (void)rmdir(bench->dir);
    free(bench);
    return 0;
}

/* A stream of this process that goes into a file for a while. */
struct diverted {
    FILE *stream;
    int number, kept, fd;
};

static struct diverted divert(FILE *stream, int number, const char *path)
{
    struct diverted to = {stream, number, dup(number),
                          open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};

    assert_true(to.kept >= 0 && to.fd >= 0);
    (void)fflush(stream);
    assert_int_equal(dup2(to.fd, number), number);
    return to;
}

static void divert_back(const struct diverted *to, char *text, size_t size)
{
    ssize_t got;

    (void)fflush(to->stream);
    assert_int_equal(dup2(to->kept, to->number), to->number);
    (void)close(to->kept);
    got = pread(to->fd, text, size - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    (void)close(to->fd);
}

/* Runs `cache` and what follows, up to NULL: standard output into bench->text, errors into told. */
static void run(struct bench *bench, const char *const *words)
{
    char *argv[WORDS_MAX + 1] = {strdup("cache")};
    struct diverted out;
    struct diverted err;
    int argc = 1;

    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = strdup(words[argc - 1]);
    }
    out = divert(stdout, STDOUT_FILENO, bench->out);
    err = divert(stderr, STDERR_FILENO, bench->err);
    bench->code = nx_cmd_cache(argc, argv);
    divert_back(&err, bench->told, sizeof(bench->told));
    divert_back(&out, bench->text, sizeof(bench->text));
    for (int i = 0; i < argc; i++) {
        free(argv[i]);
    }
}

#define RUN(bench, ...) run((bench), (const char *const[]){__VA_ARGS__, NULL})

static void streams_are_counted(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "streams", bench->db);
    assert_int_equal(bench->code, 0);
    assert_string_equal(bench->text,
                        FIRST "  1 readings, last 2 at 2026-01-31T15:00:00.123Z\n" SECOND
                              "  2 readings, last 3 at 2026-01-31T15:00:00.123Z\n");
}

static void history_has_the_original_in_one_line_of_json(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "history", "--state", bench->dir, "--city", "birmingham", SECOND, "--json");
    assert_int_equal(bench->code, 0);
    assert_string_equal(
        bench->text,
        "{\"seq\":1,\"topic\":\"" SECOND "\",\"kind\":\"observation\",\"received_at\":"
        "\"2026-01-31T15:00:00.123Z\",\"observed_at\":\"2026-01-31T15:00:00Z\",\"original\":"
        "{  \"no2\": 1 },\"canonical\":{\"no2\":1}}\n"
        "{\"seq\":3,\"topic\":\"" SECOND "\",\"kind\":\"clear\",\"received_at\":"
        "\"2026-01-31T15:00:00.123Z\"}\n");
}

static void limit_and_since_choose_the_newest(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "history", bench->db, SECOND, "--limit", "1");
    assert_string_equal(bench->text, "3  2026-01-31T15:00:00.123Z  " SECOND "  (cleared)\n");
    RUN(bench, "history", bench->db, SECOND, "--since", "3");
    assert_int_equal(bench->code, 1);
}

static void a_history_is_cut_by_time_and_by_number(void **state)
{
    static const char first[] = "1  2026-01-31T15:00:00.123Z  " SECOND "\n";
    struct bench *bench = *state;

    RUN(bench, "history", bench->db, SECOND, "--until", "2");
    assert_memory_equal(bench->text, first, sizeof(first) - 1);
    assert_null(strstr(bench->text, "cleared"));
    RUN(bench, "history", bench->db, SECOND, "--from", "2026-01-31T15:00:00.123Z", "--limit", "1");
    assert_string_equal(bench->text, "3  2026-01-31T15:00:00.123Z  " SECOND "  (cleared)\n");
    RUN(bench, "history", bench->db, SECOND, "--from", "2026-01-31T15:00:00.124Z");
    assert_int_equal(bench->code, 1);
    RUN(bench, "history", bench->db, SECOND, "--to", "2026-01-31T16:00:00.123+01:00");
    assert_int_equal(bench->code, 1);
    RUN(bench, "history", bench->db, SECOND, "--to", "2026-01-31T16:00:00.2+01:00");
    assert_int_equal(bench->code, 0);
    RUN(bench, "history", bench->db, SECOND, "--to", "yesterday");
    assert_int_equal(bench->code, 2);
}

static void what_is_not_json_goes_out_as_hexadecimal_with_its_fault(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "latest", "--cache", bench->db, "nexus/+/+/BIRR/+", "--json");
    assert_int_equal(bench->code, 0);
    assert_string_equal(bench->text,
                        "{\"seq\":2,\"topic\":\"" FIRST "\",\"kind\":\"observation\","
                        "\"received_at\":\"2026-01-31T15:00:00.123Z\",\"original_hex\":\"ff7b\","
                        "\"fault\":\"payload:1:2: \\\"quoted\\\"\"}\n");
}

static void assert_told(const struct bench *bench, const char *words)
{
    assert_int_equal(bench->code, 2);
    assert_non_null(strstr(bench->told, words));
}

static void wrong_words_and_files_end_with_2(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "history", bench->db);
    assert_told(bench, "cache history: expected TOPIC behind FILE");
    RUN(bench, "history", bench->db, "nexus/+/air/BMLD/observation");
    assert_told(bench, "a filter is for latest");
    RUN(bench, "streams", bench->db, SECOND);
    assert_told(bench, "cache streams: a word too many");
    RUN(bench, "latest", bench->db, SECOND, FIRST);
    assert_told(bench, "cache latest: a word too many");
    RUN(bench, "latest");
    assert_told(bench, "cache latest: expected FILE");
    RUN(bench, "yesterday", bench->db);
    assert_told(bench, "cache yesterday: no such command");
    RUN(bench, "--json");
    assert_told(bench, "cache: expected a command");
    RUN(bench, "history", bench->db, SECOND, "--limit", "-1");
    assert_int_equal(bench->code, 2);
    RUN(bench, "latest", bench->db, "a#");
    assert_int_equal(bench->code, 2);
    RUN(bench, "latest", bench->dir);
    assert_int_equal(bench->code, 2);
    RUN(bench, "latest", "/nowhere/birmingham.db");
    assert_int_equal(bench->code, 2);
}

#define LINK "birmingham-ulsan"

static void die(struct bench *bench, uint64_t seq, enum nx_channel channel)
{
    const struct nx_dead_letter letter = {.link = NX_SPAN(LINK),
                                          .seq = seq,
                                          .channel = channel,
                                          .at_ms = 1769871601000,
                                          .reason = NX_SPAN("\"too\" large")};
    struct nx_diag diag;

    assert_int_equal(nx_store_dead_letter(bench->store, &letter, &diag), NX_OK);
    assert_int_equal(nx_store_commit(bench->store, &diag), NX_OK);
}

static void dead_letters_are_listed_with_reason_and_record(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "dead", bench->db);
    assert_int_equal(bench->code, 1);
    die(bench, 2, NX_CHANNEL_ORIGINAL);
    RUN(bench, "dead", bench->db, "--json");
    assert_int_equal(bench->code, 0);
    assert_string_equal(
        bench->text, "{\"seq\":2,\"link\":\"" LINK "\",\"channel\":\"original\",\"at\":"
                     "\"2026-01-31T15:00:01.000Z\",\"reason\":\"\\\"too\\\" large\",\"record\":"
                     "{\"seq\":2,\"topic\":\"" FIRST "\",\"kind\":\"observation\",\"received_at\":"
                     "\"2026-01-31T15:00:00.123Z\",\"original_hex\":\"ff7b\",\"fault\":"
                     "\"payload:1:2: \\\"quoted\\\"\"}}\n");
    RUN(bench, "dead", bench->db, "--link", LINK);
    assert_string_equal(bench->text, "2  2026-01-31T15:00:01.000Z  " LINK
                                     "  original: \"too\" large\n    topic      " FIRST
                                     "\n    received   2026-01-31T15:00:00.123Z\n"
                                     "    original   \xff{\n");
    RUN(bench, "dead", bench->db, "--link", "birmingham-oslo");
    assert_int_equal(bench->code, 1);
}

static void a_dead_letter_is_asked_for_beside_the_bridge_that_then_finds_the_request(void **state)
{
    struct bench *bench = *state;
    struct nx_store_resent resent;
    struct nx_diag diag;

    die(bench, 1, NX_CHANNEL_OBSERVATION);
    die(bench, 2, NX_CHANNEL_ORIGINAL);
    RUN(bench, "resend", bench->db, "--link", LINK, "--seq", "2", "--json");
    assert_int_equal(bench->code, 0);
    assert_string_equal(bench->text, "{\"letters\":1,\"link\":\"" LINK "\"}\n");
    assert_int_equal(nx_store_resend(bench->store, 10, &resent, &diag), NX_OK);
    assert_int_equal(resent.letters, 1);
    assert_int_equal(resent.first, 4);
    assert_int_equal(nx_store_commit(bench->store, &diag), NX_OK);
    RUN(bench, "dead", bench->db);
    assert_int_equal(strncmp(bench->text, "1  ", 3), 0);
    RUN(bench, "resend", bench->db, "--link", LINK, "--all");
    assert_int_equal(bench->code, 0);
    assert_int_equal(strncmp(bench->text, "1 dead letters of link " LINK, 23), 0);
    RUN(bench, "resend", bench->db, "--link", LINK, "--seq", "7");
    assert_int_equal(bench->code, 1);
}

static void resend_wants_a_link_and_a_choice(void **state)
{
    struct bench *bench = *state;

    RUN(bench, "resend", bench->db, "--all");
    assert_int_equal(bench->code, 2);
    RUN(bench, "resend", bench->db, "--link", LINK);
    assert_int_equal(bench->code, 2);
    RUN(bench, "resend", bench->db, "--link", LINK, "--all", "--seq", "1");
    assert_int_equal(bench->code, 2);
    RUN(bench, "resend", "/nowhere/birmingham.db", "--link", LINK, "--all");
    assert_int_equal(bench->code, 2);
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, bench_make, bench_remove)

static void a_file_that_was_put_back_gets_a_new_epoch_at_the_next_opening(void **state)
{
    const struct nx_store_options options = {.now_ms = 2};
    struct bench *bench = *state;
    struct nx_diag diag;

    RUN(bench, "restored", bench->db);
    assert_int_equal(bench->code, 0);
    assert_non_null(strstr(bench->text, "begins a new epoch"));
    assert_string_equal(nx_store_epoch(bench->store), "00000000000100000000");
    nx_store_close(bench->store);
    assert_int_equal(nx_store_open(bench->db, &options, NULL, &bench->store, &diag), NX_OK);
    assert_string_equal(nx_store_epoch(bench->store), "00000000000200000000");
    assert_string_equal(nx_store_epoch_of(bench->store, 3), "00000000000100000000");
    RUN(bench, "restored", "/nowhere/birmingham.db");
    assert_int_equal(bench->code, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(streams_are_counted),
        CACHE_TEST(history_has_the_original_in_one_line_of_json),
        CACHE_TEST(limit_and_since_choose_the_newest),
        CACHE_TEST(a_history_is_cut_by_time_and_by_number),
        CACHE_TEST(what_is_not_json_goes_out_as_hexadecimal_with_its_fault),
        CACHE_TEST(wrong_words_and_files_end_with_2),
        CACHE_TEST(dead_letters_are_listed_with_reason_and_record),
        CACHE_TEST(a_dead_letter_is_asked_for_beside_the_bridge_that_then_finds_the_request),
        CACHE_TEST(resend_wants_a_link_and_a_choice),
        CACHE_TEST(a_file_that_was_put_back_gets_a_new_epoch_at_the_next_opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
