/*
 * schema.c - `nexusctl schema`: questions about schemas themselves. A table of subcommands; to add
 * one, write its function and add a row. The answers are core's (compat.h); this file reads files
 * and prints.
 */
#include "ctl/ctl.h"
#include "ctl/maps.h"

#include "core/compat.h"

#include <getopt.h>
#include <stdlib.h>

enum { EXIT_UNKNOWN = 3 };

static const char compat_usage[] =
    "nexusctl schema compat --mode backward|forward|full OLD NEW [--corpus FILE.jsonl] "
    "[--map URI=PATH]... [--assert-format] [--seed N]\n\n"
    "  --mode backward  what was valid under OLD is valid under NEW\n"
    "  --mode forward   what is valid under NEW was valid under OLD\n"
    "  --mode full      both\n"
    "  --corpus FILE    recorded documents, one a line: the first that disagrees is the witness\n"
    "  --map URI=PATH   the file of the schema at URI; a URI that ends in / maps a folder\n"
    "  --assert-format  `format` refuses; else it is an annotation\n"
    "  --seed N         of the search for a witness\n\n"
    "The first line is the answer: compatible (proven), incompatible (with a witness document "
    "that\n"
    "one schema accepts and the other refuses), or unknown (with the reason). See docs/compat.md.\n"
    "Exit: 0 compatible, 1 incompatible, 2 wrong words or an unusable file, 3 unknown.\n";

enum mode { MODE_NONE, MODE_BACKWARD, MODE_FORWARD, MODE_FULL };

struct compat_command {
    enum mode mode;
    const char *files[2];
    const char *corpus;
    bool assert_format;
    uint64_t seed;
    struct nx_ctl_maps maps;
    struct nx_buf texts[2];
    struct nx_compat *compat;
};

/* One direction of the comparison, and what the corpus says of it. */
struct direction {
    enum nx_compat_side from;
    struct nx_compat_result result;
    char witness_line[64]; /* where in the corpus, or empty */
};

static const char *const side_names[] = {"OLD", "NEW"};

/* ---- files --------------------------------------------------------------------------------- */

static bool open_schemas(struct compat_command *c)
{
    const struct nx_compat_options options = {.assert_format = c->assert_format,
                                              .resolve = nx_ctl_maps_resolve,
                                              .resolve_ctx = &c->maps,
                                              .seed = c->seed};
    struct nx_diag diag = {0};
    struct nx_span sources[2];

    for (int i = 0; i < 2; i++) {
        if (!nx_ctl_read(c->files[i], &c->texts[i])) {
            return false;
        }
        sources[i] = nx_buf_view(&c->texts[i]);
    }
    if (nx_compat_new(sources, c->files, &options, &c->compat, &diag) != NX_OK) {
        nx_ctl_complain(&diag);
        return false;
    }
    return true;
}

/* ---- corpus -------------------------------------------------------------------------------- */

struct replay {
    struct compat_command *command;
    struct direction *directions;
    size_t directions_count;
    unsigned documents, malformed, undecided;
    unsigned valid[2];    /* by enum nx_compat_side */
    unsigned disagree[2]; /* valid under this side and refused by the other */
};

/* Always true: a line that disagrees is a result, not a failure of reading. */
static bool replay_line(void *ctx, const char *name, struct nx_span document)
{
    struct replay *r = ctx;
    struct nx_compat_verdict verdict;

    nx_compat_judge(r->command->compat, document, &verdict, NULL);
    if (verdict.parsed != NX_OK) {
        r->malformed++;
        return true;
    }
    r->documents++;
    for (int side = 0; side < 2; side++) {
        r->valid[side] += verdict.valid[side] == NX_OK;
        r->undecided += verdict.valid[side] != NX_OK && verdict.valid[side] != NX_ERR_INVALID;
        r->disagree[side] += verdict.valid[side] == NX_OK && verdict.valid[!side] == NX_ERR_INVALID;
    }
    for (size_t i = 0; i < r->directions_count; i++) {
        struct direction *d = &r->directions[i];
        if (d->witness_line[0] == '\0' && verdict.valid[d->from] == NX_OK &&
            nx_compat_witness(r->command->compat, d->from, document, &d->result) == NX_OK) {
            const char *line = strrchr(name, ':');
            (void)snprintf(d->witness_line, sizeof(d->witness_line), "line %s",
                           line != NULL ? line + 1 : name);
        }
    }
    return true;
}

static bool replay_corpus(struct replay *r)
{
    struct nx_buf text;
    bool ok;

    nx_buf_init(&text, NX_CTL_FILE_MAX);
    ok = nx_ctl_read(r->command->corpus, &text);
    if (ok) {
        (void)nx_ctl_documents(r->command->corpus, nx_buf_view(&text), true, replay_line, r);
    }
    nx_buf_fini(&text);
    return ok;
}

static void print_replay(const struct replay *r)
{
    (void)printf("corpus: %u documents, %u valid under OLD, %u valid under NEW", r->documents,
                 r->valid[NX_COMPAT_OLD], r->valid[NX_COMPAT_NEW]);
    for (size_t i = 0; i < r->directions_count; i++) {
        enum nx_compat_side from = r->directions[i].from;
        (void)printf(", %u valid under %s and refused by %s", r->disagree[from], side_names[from],
                     side_names[!from]);
    }
    (void)printf(", %u undecided, %u not JSON\n", r->undecided, r->malformed);
}

/* ---- answer -------------------------------------------------------------------------------- */

static const char *or_root(const char *pointer)
{
    return pointer[0] != '\0' ? pointer : "\"\"";
}

static void print_direction(const struct direction *d)
{
    const struct nx_compat_result *r = &d->result;
    const char *from = side_names[d->from];
    const char *to = side_names[!d->from];

    switch (r->answer) {
    case NX_COMPATIBLE:
        (void)printf("%s to %s: every document valid under %s is valid under %s\n", from, to, from,
                     to);
        return;
    case NX_INCOMPATIBLE:
        (void)printf("%s to %s: a document valid under %s is refused by %s\n", from, to, from, to);
        (void)printf("witness: %.*s\n", NX_SPAN_ARG(nx_buf_view(&r->witness)));
        if (d->witness_line[0] != '\0') {
            (void)printf("from: the corpus, %s\n", d->witness_line);
        }
        (void)printf("at: %s\n", or_root(r->instance));
        break;
    case NX_COMPAT_UNKNOWN:
        (void)printf("%s to %s: not proven, and no witness in %u documents\n", from, to,
                     r->candidates);
        break;
    }
    (void)printf("%s: %s\n", from, or_root(r->from_pointer));
    (void)printf("%s: %s\n", to, or_root(r->to_pointer));
    (void)printf("why: %s%s%s\n", r->keyword, r->keyword[0] != '\0' ? ": " : "", r->text);
}

/* One incompatible direction decides; else one unknown does. */
static enum nx_compat_answer whole_answer(const struct direction *directions, size_t count)
{
    enum nx_compat_answer answer = NX_COMPATIBLE;

    for (size_t i = 0; i < count; i++) {
        if (directions[i].result.answer == NX_INCOMPATIBLE) {
            return NX_INCOMPATIBLE;
        }
        if (directions[i].result.answer == NX_COMPAT_UNKNOWN) {
            answer = NX_COMPAT_UNKNOWN;
        }
    }
    return answer;
}

static int compare(struct compat_command *c)
{
    static const int exits[] = {[NX_COMPATIBLE] = NX_EXIT_OK,
                                [NX_INCOMPATIBLE] = NX_EXIT_FAULTS,
                                [NX_COMPAT_UNKNOWN] = EXIT_UNKNOWN};
    struct direction directions[2] = {
        {.from = c->mode == MODE_FORWARD ? NX_COMPAT_NEW : NX_COMPAT_OLD}, {.from = NX_COMPAT_NEW}};
    size_t count = c->mode == MODE_FULL ? 2 : 1;
    struct replay replay = {.command = c, .directions = directions, .directions_count = count};
    enum nx_compat_answer answer;
    int status = NX_EXIT_USAGE;

    for (size_t i = 0; i < 2; i++) {
        nx_compat_result_init(&directions[i].result);
    }
    if (c->corpus != NULL && !replay_corpus(&replay)) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (directions[i].witness_line[0] == '\0' &&
            nx_compat_decide(c->compat, directions[i].from, &directions[i].result) != NX_OK) {
            (void)fprintf(stderr, "nexusctl: out of memory\n");
            goto out;
        }
    }
    answer = whole_answer(directions, count);
    (void)printf("%s\n", nx_compat_answer_name(answer));
    for (size_t i = 0; i < count; i++) {
        print_direction(&directions[i]);
    }
    if (c->corpus != NULL) {
        print_replay(&replay);
    }
    status = exits[answer];
out:
    nx_compat_result_fini(&directions[0].result);
    nx_compat_result_fini(&directions[1].result);
    return status;
}

/* ---- words --------------------------------------------------------------------------------- */

static enum mode parse_mode(const char *text)
{
    static const char *const names[] = {
        [MODE_BACKWARD] = "backward", [MODE_FORWARD] = "forward", [MODE_FULL] = "full"};

    for (enum mode mode = MODE_BACKWARD; mode <= MODE_FULL; mode++) {
        if (strcmp(text, names[mode]) == 0) {
            return mode;
        }
    }
    return MODE_NONE;
}

static bool parse_seed(const char *text, uint64_t *out)
{
    char *end;

    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool bad_value(const char *option, const char *value, const char *expected)
{
    (void)fprintf(stderr, "nexusctl: %s %s: expected %s\n", option, value, expected);
    return false;
}

static bool parse_option(struct compat_command *c, int option)
{
    switch (option) {
    case 'm':
        c->mode = parse_mode(optarg);
        return c->mode != MODE_NONE || bad_value("--mode", optarg, "backward, forward or full");
    case 'c':
        c->corpus = optarg;
        return true;
    case 'u':
        return nx_ctl_maps_add(&c->maps, optarg);
    case 'f':
        c->assert_format = true;
        return true;
    case 's':
        return parse_seed(optarg, &c->seed) || bad_value("--seed", optarg, "a number");
    default:
        return false;
    }
}

static bool parse_options(struct compat_command *c, int argc, char **argv)
{
    static const struct option options[] = {
        {"mode", required_argument, NULL, 'm'}, {"corpus", required_argument, NULL, 'c'},
        {"map", required_argument, NULL, 'u'},  {"assert-format", no_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'}, {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!parse_option(c, option)) {
            return false;
        }
    }
    if (c->mode == MODE_NONE || argc - optind != 2) {
        (void)fprintf(stderr, "nexusctl: schema compat needs --mode, OLD and NEW\n");
        return false;
    }
    c->files[NX_COMPAT_OLD] = argv[optind];
    c->files[NX_COMPAT_NEW] = argv[optind + 1];
    return true;
}

static int run_compat(int argc, char **argv)
{
    struct compat_command c = {.seed = 1};
    int status = NX_EXIT_USAGE;

    nx_buf_init(&c.texts[0], NX_CTL_FILE_MAX);
    nx_buf_init(&c.texts[1], NX_CTL_FILE_MAX);
    if (parse_options(&c, argc, argv) && open_schemas(&c)) {
        status = compare(&c);
    }
    nx_compat_free(c.compat);
    nx_ctl_maps_fini(&c.maps);
    nx_buf_fini(&c.texts[0]);
    nx_buf_fini(&c.texts[1]);
    return status;
}

/* ---- subcommands --------------------------------------------------------------------------- */

static const struct nx_command subcommands[] = {
    {"compat", "may NEW take the place of OLD?", compat_usage, run_compat},
};

int nx_cmd_schema(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0) {
            continue;
        }
        if (argc == 3 && strcmp(argv[2], "--help") == 0) {
            (void)fputs(subcommands[i].usage, stdout);
            return NX_EXIT_OK;
        }
        return subcommands[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "nexusctl: schema needs a subcommand: compat (nexusctl help schema)\n");
    return NX_EXIT_USAGE;
}
