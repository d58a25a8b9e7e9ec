/*
 * cache.c - `nexusctl cache`: streams, last values, history and dead letters out of a cache file,
 * also while a bridge writes to it. Opens it for reading only, but for one row: the request that a
 * dead letter be sent again, or that the file was put back from a backup, which the bridge takes up.
 */
#include "ctl/cache.h"

#include "bridge/store.h"
#include "core/topic.h"
#include "ctl/cache_print.h"
#include "ctl/ctl.h"
#include "lens/civil.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CACHE_PATH_MAX = 4096 };

static const char help_text[] =
    "nexusctl cache streams [FILE] [--json]\n"
    "nexusctl cache latest  [FILE] [TOPIC-FILTER] [--json]\n"
    "nexusctl cache history [FILE] TOPIC [--from TIME] [--to TIME] [--since SEQ] [--until SEQ]\n"
    "                       [--limit N] [--json]\n"
    "nexusctl cache dead    [FILE] [--link LINK] [--json]\n"
    "nexusctl cache resend  [FILE] --link LINK (--seq SEQ | --all) [--json]\n"
    "nexusctl cache restored [FILE] [--json]\n"
    "\n"
    "  streams  each stream with the number of its readings\n"
    "  latest   the newest reading of each stream that the filter takes (default: all)\n"
    "  history  the readings of one stream, oldest first\n"
    "  dead     what links could not deliver, why, and what it was\n"
    "  resend   asks the bridge to try dead letters again, under new numbers\n"
    "  restored says that the file is a copy, e.g. of a backup, where the bridge cannot see it:\n"
    "           its next start begins a new epoch, so that no number is used twice\n"
    "\n"
    "  FILE             a city's cache, e.g. /var/lib/nexus/birmingham.db; or\n"
    "  --cache FILE     the same (also --db)\n"
    "  --state DIR --city CITY   the same as DIR/CITY.db\n"
    "  --from TIME      readings received at that time or later, e.g. 2026-01-31T15:00:00Z\n"
    "  --to TIME        readings received before that time\n"
    "  --since SEQ      readings after that sequence number\n"
    "  --until SEQ      readings up to that sequence number\n"
    "  --limit N        the newest N of these\n"
    "  --link LINK      e.g. birmingham-ulsan\n"
    "  --seq SEQ        the dead letters of that record\n"
    "  --all            all of that link\n"
    "  --json           one JSON object on each line\n"
    "\n"
    "Works beside a running bridge. Exit: 0 found, 1 nothing found, 2 wrong words or a file that\n"
    "cannot be used.\n";

struct cache_words {
    const char *what, *file, *state, *city, *topic, *link;
    uint64_t limit, since, until, seq;
    int64_t from_ms, to_ms;
    bool json, all;
};

/* --- words ------------------------------------------------------------------------------------- */

static bool read_number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *out > INT64_MAX) {
        (void)fprintf(stderr, "nexusctl cache: expected a number, found %s\n", text);
        return false;
    }
    return true;
}

static bool read_time(const char *text, int64_t *out)
{
    struct nx_instant instant;

    if (nx_instant_parse(nx_span_from(text), &instant) != NX_OK) {
        (void)fprintf(stderr, "nexusctl cache: expected a time as 2026-01-31T15:00:00Z, found %s\n",
                      text);
        return false;
    }
    *out = instant.seconds * 1000;
    for (int place = 0, weight = 100; place < 3; place++, weight /= 10) {
        if ((size_t)place < instant.fraction.len) {
            *out += (instant.fraction.ptr[place] - '0') * weight;
        }
    }
    return true;
}

/* Where the word behind an option goes; NULL: it is no such option. */
static const char **text_of(struct cache_words *words, int option)
{
    switch (option) {
    case 'f':
        return &words->file;
    case 's':
        return &words->state;
    case 'c':
        return &words->city;
    case 'k':
        return &words->link;
    default:
        return NULL;
    }
}

static uint64_t *number_of(struct cache_words *words, int option)
{
    switch (option) {
    case 'l':
        return &words->limit;
    case 'n':
        return &words->since;
    case 'u':
        return &words->until;
    case 'q':
        return &words->seq;
    default:
        return NULL;
    }
}

static int64_t *time_of(struct cache_words *words, int option)
{
    switch (option) {
    case 'o':
        return &words->from_ms;
    case 't':
        return &words->to_ms;
    default:
        return NULL;
    }
}

static bool read_options(int argc, char **argv, struct cache_words *words)
{
    static const struct option options[] = {
        {"cache", required_argument, NULL, 'f'}, {"db", required_argument, NULL, 'f'},
        {"state", required_argument, NULL, 's'}, {"city", required_argument, NULL, 'c'},
        {"link", required_argument, NULL, 'k'},  {"limit", required_argument, NULL, 'l'},
        {"since", required_argument, NULL, 'n'}, {"until", required_argument, NULL, 'u'},
        {"from", required_argument, NULL, 'o'},  {"to", required_argument, NULL, 't'},
        {"seq", required_argument, NULL, 'q'},   {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **text = text_of(words, option);
        uint64_t *number = number_of(words, option);
        int64_t *when = time_of(words, option);

        if (option == '?' || (number != NULL && !read_number(optarg, number)) ||
            (when != NULL && !read_time(optarg, when))) {
            return false; /* and why has been said */
        }
        if (text != NULL) {
            *text = optarg;
        } else if (number == NULL && when == NULL) {
            *(option == 'a' ? &words->all : &words->json) = true;
        }
    }
    return true;
}

/* What is left: the command, the file unless an option named it, the topic. False: more than that. */
static bool read_places(int count, char **words_left, struct cache_words *words,
                        char path[CACHE_PATH_MAX])
{
    int at = 0;

    words->what = at < count ? words_left[at++] : NULL;
    if (words->state != NULL && words->city != NULL && words->file == NULL) {
        (void)snprintf(path, CACHE_PATH_MAX, "%s/%s.db", words->state, words->city);
        words->file = path;
    }
    if (words->file == NULL && at < count) {
        words->file = words_left[at++];
    }
    words->topic = at < count ? words_left[at++] : NULL;
    return at == count;
}

/* --- the commands ------------------------------------------------------------------------------ */

static enum nx_err run_streams(struct nx_store *store, const struct cache_words *words,
                               struct cache_printer *printer, struct nx_diag *diag)
{
    (void)words;
    return nx_store_streams(store, cache_print_stream, printer, diag);
}

static enum nx_err run_latest(struct nx_store *store, const struct cache_words *words,
                              struct cache_printer *printer, struct nx_diag *diag)
{
    const struct nx_store_query query = {.filter = nx_span_from(words->topic)};

    if (words->topic != NULL && !nx_filter_valid(query.filter)) {
        nx_diag_set(diag, "no topic filter: %s", words->topic);
        return NX_ERR_INVALID;
    }
    return nx_store_latest(store, &query, cache_print_reading, printer, diag);
}

static enum nx_err run_history(struct nx_store *store, const struct cache_words *words,
                               struct cache_printer *printer, struct nx_diag *diag)
{
    const struct nx_store_query query = {
        .filter = nx_span_from(words->topic),
        .since = words->since,
        .until = words->until,
        .from_ms = words->from_ms,
        .to_ms = words->to_ms,
        .limit = words->limit,
    };

    if (strpbrk(words->topic, "+#") != NULL) {
        nx_diag_set(diag, "a history is that of one topic, a filter is for latest: %s",
                    words->topic);
        return NX_ERR_INVALID;
    }
    return nx_store_history(store, &query, cache_print_reading, printer, diag);
}

static enum nx_err run_dead(struct nx_store *store, const struct cache_words *words,
                            struct cache_printer *printer, struct nx_diag *diag)
{
    return nx_store_dead(store, nx_span_from(words->link), cache_print_letter, printer, diag);
}

static enum nx_err run_resend(struct nx_store *store, const struct cache_words *words,
                              struct cache_printer *printer, struct nx_diag *diag)
{
    struct nx_span link = nx_span_from(words->link);
    struct timespec now;
    uint64_t letters = 0;
    enum nx_err err;

    (void)store;
    if (words->link == NULL || words->all == (words->seq > 0)) {
        nx_diag_set(diag, "resend needs --link LINK, and either --seq SEQ or --all");
        return NX_ERR_INVALID;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    err = nx_store_ask_resend(words->file, link, words->seq,
                              (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &letters, diag);
    return err == NX_OK && letters > 0 ? cache_print_asked(printer, link, letters) : err;
}

static enum nx_err run_restored(struct nx_store *store, const struct cache_words *words,
                                struct cache_printer *printer, struct nx_diag *diag)
{
    enum nx_err err = nx_store_put_back(words->file, diag);

    (void)store;
    return err == NX_OK ? cache_print_restored(printer, nx_span_from(words->file)) : err;
}

static const struct cache_command {
    const char *name;
    bool takes_topic, needs_topic;
    bool opens_itself;
    enum nx_err (*run)(struct nx_store *store, const struct cache_words *words,
                       struct cache_printer *printer, struct nx_diag *diag);
} commands[] = {
    {"streams", false, false, false, run_streams}, {"latest", true, false, false, run_latest},
    {"history", true, true, false, run_history},   {"dead", false, false, false, run_dead},
    {"resend", false, false, true, run_resend},    {"restored", false, false, true, run_restored},
};

static const struct cache_command *find_command(const struct cache_words *words)
{
    for (size_t i = 0; words->what != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(words->what, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* What is wrong with the words; NULL: nothing. */
static const char *fault_of(const struct cache_words *words, const struct cache_command *command,
                            bool all_used)
{
    if (command == NULL) {
        return words->what != NULL ? "no such command" : "expected a command";
    }
    if (words->file == NULL) {
        return "expected FILE, or --state and --city";
    }
    if (!all_used || (words->topic != NULL && !command->takes_topic)) {
        return "a word too many";
    }
    return words->topic == NULL && command->needs_topic ? "expected TOPIC behind FILE" : NULL;
}

static int run_command(const struct cache_command *command, const struct cache_words *words)
{
    struct cache_printer printer;
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    enum nx_err err = cache_printer_init(&printer, words->json);

    if (err == NX_OK && !command->opens_itself) {
        err = nx_store_open_read(words->file, &store, &diag);
    }
    if (err == NX_OK) {
        err = command->run(store, words, &printer, &diag);
    }
    if (err != NX_OK) {
        if (diag.text[0] == '\0') {
            nx_diag_set(&diag, "%s", nx_err_text(err));
        }
        nx_ctl_complain(&diag);
    } else if (printer.rows == 0) {
        (void)fprintf(stderr, "nexusctl cache: nothing found\n");
    }
    nx_store_close(store);
    cache_printer_fini(&printer);
    return err != NX_OK ? NX_EXIT_USAGE : printer.rows > 0 ? NX_EXIT_OK : NX_EXIT_FAULTS;
}

int nx_cmd_cache(int argc, char **argv)
{
    struct cache_words words = {0};
    char path[CACHE_PATH_MAX];
    const struct cache_command *command;
    const char *fault;
    bool all_used;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(help_text, stdout);
            return NX_EXIT_OK;
        }
    }
    optind = 1;
    if (!read_options(argc, argv, &words)) {
        return NX_EXIT_USAGE;
    }
    all_used = read_places(argc - optind, argv + optind, &words, path);
    command = find_command(&words);
    fault = fault_of(&words, command, all_used);
    if (fault != NULL) {
        (void)fprintf(stderr, "nexusctl cache%s%s: %s\n\n%s", words.what != NULL ? " " : "",
                      words.what != NULL ? words.what : "", fault, help_text);
        return NX_EXIT_USAGE;
    }
    return run_command(command, &words);
}
