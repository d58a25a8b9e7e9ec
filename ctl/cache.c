/*
 * cache.c - `nexusctl cache`: streams, last values and history out of a cache file, also while a
 * bridge writes to it. Opens it for reading only.
 *
 * With --json each line is one object. An original that is JSON is embedded as it is (its line
 * breaks as blanks, which stand between tokens only); what is not JSON goes out as hexadecimal.
 */
#include "ctl/cache.h"

#include "bridge/store.h"
#include "core/base/utc.h"
#include "core/json.h"
#include "core/topic.h"
#include "ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CACHE_PATH_MAX = 4096, LINE_BYTES_MAX = 256 * 1024 * 1024 };

static const char help_text[] =
    "nexusctl cache streams [FILE] [--json]\n"
    "nexusctl cache latest  [FILE] [TOPIC-FILTER] [--json]\n"
    "nexusctl cache history [FILE] TOPIC [--limit N] [--since SEQ] [--json]\n"
    "\n"
    "  streams  each stream with the number of its readings\n"
    "  latest   the newest reading of each stream that the filter takes (default: all)\n"
    "  history  the readings of one stream, oldest first\n"
    "\n"
    "  FILE             a city's cache, e.g. /var/lib/nexus/birmingham.db; or\n"
    "  --cache FILE     the same (also --db)\n"
    "  --state DIR --city CITY   the same as DIR/CITY.db\n"
    "  --limit N        the newest N readings\n"
    "  --since SEQ      readings after that sequence number\n"
    "  --json           one JSON object on each line\n"
    "\n"
    "Works beside a running bridge. Exit: 0 found, 1 nothing found, 2 wrong words or a file that\n"
    "cannot be used.\n";

struct cache_words {
    const char *what, *file, *state, *city, *topic;
    uint64_t limit, since;
    bool json;
};

struct printer {
    bool json;
    uint64_t rows;
    struct nx_buf line;
    struct nx_json *reader; /* tells what is JSON */
};

/* --- lines ------------------------------------------------------------------------------------- */

static enum nx_err print_line(struct printer *printer)
{
    printer->rows++;
    (void)nx_buf_byte(&printer->line, '\n');
    if (nx_buf_error(&printer->line) != NX_OK) {
        return nx_buf_error(&printer->line);
    }
    if (fwrite(printer->line.data, 1, printer->line.len, stdout) != printer->line.len) {
        return NX_ERR_IO; /* the reader of our output is gone */
    }
    return NX_OK;
}

/* `name` and its value; JSON as it is, else hexadecimal under NAME_hex. */
static void add_document(struct printer *printer, const char *name, struct nx_span bytes)
{
    struct nx_buf *line = &printer->line;
    size_t start;

    if (nx_json_parse(printer->reader, bytes, NX_JSON_STRICT, NULL) != NX_OK) {
        (void)nx_buf_printf(line, ",\"%s_hex\":\"", name);
        for (size_t i = 0; i < bytes.len; i++) {
            (void)nx_buf_printf(line, "%02x", (unsigned)(uint8_t)bytes.ptr[i]);
        }
        (void)nx_buf_byte(line, '"');
        return;
    }
    (void)nx_buf_printf(line, ",\"%s\":", name);
    start = line->len;
    (void)nx_buf_span(line, bytes);
    for (size_t i = start; i < line->len; i++) {
        line->data[i] = line->data[i] == '\n' || line->data[i] == '\r' ? ' ' : line->data[i];
    }
}

static void add_member(struct printer *printer, const char *name, struct nx_span text)
{
    (void)nx_buf_printf(&printer->line, ",\"%s\":", name);
    (void)nx_json_quote(&printer->line, text);
}

static const char *kind_name(enum nx_reading_kind kind)
{
    return kind == NX_READING_CLEAR ? "clear" : "observation";
}

static void reading_as_json(struct printer *printer, const struct nx_reading *row)
{
    char received[NX_UTC_SIZE];

    (void)nx_buf_printf(&printer->line, "{\"seq\":%" PRIu64, row->seq);
    add_member(printer, "topic", row->topic);
    (void)nx_buf_printf(&printer->line, ",\"kind\":\"%s\",\"received_at\":\"%s\"",
                        kind_name(row->kind), nx_utc_format(row->received_ms, received));
    if (row->observed_at.len > 0) {
        add_member(printer, "observed_at", row->observed_at);
    }
    if (row->kind == NX_READING_OBSERVATION) {
        add_document(printer, "original", row->original);
    }
    if (row->canonical.ptr != NULL) {
        add_document(printer, "canonical", row->canonical);
    }
    if (row->fault.len > 0) {
        add_member(printer, "fault", row->fault);
    }
    (void)nx_buf_byte(&printer->line, '}');
}

static void add_row(struct printer *printer, const char *name, struct nx_span text)
{
    if (text.len > 0) {
        (void)nx_buf_printf(&printer->line, "\n    %-10s %.*s", name, NX_SPAN_ARG(text));
    }
}

static void reading_as_text(struct printer *printer, const struct nx_reading *row)
{
    char received[NX_UTC_SIZE];

    (void)nx_buf_printf(&printer->line, "%" PRIu64 "  %s  %.*s%s", row->seq,
                        nx_utc_format(row->received_ms, received), NX_SPAN_ARG(row->topic),
                        row->kind == NX_READING_CLEAR ? "  (cleared)" : "");
    add_row(printer, "observed", row->observed_at);
    add_row(printer, "original", row->original);
    add_row(printer, "canonical", row->canonical);
    add_row(printer, "fault", row->fault);
}

static enum nx_err print_reading(void *ctx, const struct nx_reading *row)
{
    struct printer *printer = ctx;

    nx_buf_reset(&printer->line);
    (printer->json ? reading_as_json : reading_as_text)(printer, row);
    return print_line(printer);
}

static enum nx_err print_stream(void *ctx, const struct nx_store_stream *row)
{
    struct printer *printer = ctx;
    char received[NX_UTC_SIZE];

    nx_buf_reset(&printer->line);
    (void)nx_utc_format(row->last_received_ms, received);
    if (printer->json) {
        (void)nx_buf_str(&printer->line, "{\"topic\":");
        (void)nx_json_quote(&printer->line, row->topic);
        (void)nx_buf_printf(&printer->line,
                            ",\"readings\":%" PRIu64 ",\"last_seq\":%" PRIu64
                            ",\"last_received_at\":\"%s\"}",
                            row->count, row->last_seq, received);
    } else {
        (void)nx_buf_printf(&printer->line, "%.*s  %" PRIu64 " readings, last %" PRIu64 " at %s",
                            NX_SPAN_ARG(row->topic), row->count, row->last_seq, received);
    }
    return print_line(printer);
}

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

static bool read_options(int argc, char **argv, struct cache_words *words)
{
    static const struct option options[] = {
        {"cache", required_argument, NULL, 'f'}, {"db", required_argument, NULL, 'f'},
        {"state", required_argument, NULL, 's'}, {"city", required_argument, NULL, 'c'},
        {"limit", required_argument, NULL, 'l'}, {"since", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},        {NULL, 0, NULL, 0},
    };
    int word;

    while ((word = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (word) {
        case 'f':
            words->file = optarg;
            break;
        case 's':
            words->state = optarg;
            break;
        case 'c':
            words->city = optarg;
            break;
        case 'l':
            if (!read_number(optarg, &words->limit)) {
                return false;
            }
            break;
        case 'n':
            if (!read_number(optarg, &words->since)) {
                return false;
            }
            break;
        case 'j':
            words->json = true;
            break;
        default:
            return false; /* getopt has said why */
        }
    }
    return true;
}

/* What is left: the command, the file unless an option named it, the topic. */
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
    return words->what != NULL && words->file != NULL && at == count;
}

/* --- the three ---------------------------------------------------------------------------------- */

static enum nx_err run_streams(struct nx_store *store, const struct cache_words *words,
                               struct printer *printer, struct nx_diag *diag)
{
    (void)words;
    return nx_store_streams(store, print_stream, printer, diag);
}

static enum nx_err run_latest(struct nx_store *store, const struct cache_words *words,
                              struct printer *printer, struct nx_diag *diag)
{
    const struct nx_store_query query = {.filter = nx_span_from(words->topic)};

    if (words->topic != NULL && !nx_filter_valid(query.filter)) {
        nx_diag_set(diag, "no topic filter: %s", words->topic);
        return NX_ERR_INVALID;
    }
    return nx_store_latest(store, &query, print_reading, printer, diag);
}

static enum nx_err run_history(struct nx_store *store, const struct cache_words *words,
                               struct printer *printer, struct nx_diag *diag)
{
    const struct nx_store_query query = {
        .filter = nx_span_from(words->topic), .since = words->since, .limit = words->limit};

    return nx_store_history(store, &query, print_reading, printer, diag);
}

static const struct cache_command {
    const char *name;
    bool takes_topic, needs_topic;
    enum nx_err (*run)(struct nx_store *store, const struct cache_words *words,
                       struct printer *printer, struct nx_diag *diag);
} commands[] = {
    {"streams", false, false, run_streams},
    {"latest", true, false, run_latest},
    {"history", true, true, run_history},
};

static const struct cache_command *find_command(const struct cache_words *words)
{
    for (size_t i = 0; words->what != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct cache_command *command = &commands[i];

        if (strcmp(words->what, command->name) == 0 &&
            (words->topic != NULL ? command->takes_topic : !command->needs_topic)) {
            return command;
        }
    }
    return NULL;
}

static int run_command(const struct cache_command *command, const struct cache_words *words)
{
    struct printer printer = {.json = words->json};
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    enum nx_err err;

    nx_buf_init(&printer.line, LINE_BYTES_MAX);
    printer.reader = nx_json_new(&nx_json_limits_file, 0);
    err = printer.reader != NULL ? nx_store_open_read(words->file, &store, &diag) : NX_ERR_NOMEM;
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
    nx_json_free(printer.reader);
    nx_buf_fini(&printer.line);
    return err != NX_OK ? NX_EXIT_USAGE : printer.rows > 0 ? NX_EXIT_OK : NX_EXIT_FAULTS;
}

int nx_cmd_cache(int argc, char **argv)
{
    struct cache_words words = {0};
    char path[CACHE_PATH_MAX];
    const struct cache_command *command;

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
    if (!read_places(argc - optind, argv + optind, &words, path)) {
        (void)fputs(help_text, stderr);
        return NX_EXIT_USAGE;
    }
    command = find_command(&words);
    if (command == NULL) {
        (void)fputs(help_text, stderr);
        return NX_EXIT_USAGE;
    }
    return run_command(command, &words);
}
