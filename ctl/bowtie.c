/*
 * bowtie.c - `nexusctl bowtie`: the judge under the harness protocol of the Bowtie project
 * (version 1), so that somebody else can run his tests and ours against it: one JSON document on
 * each line of standard input, one answer to it on standard output.
 *
 * Schemas and instances are handed to the judge as the bytes that they came in: no number and no
 * escape is read here and written again. Never opens a file and never fetches: a reference leads
 * to the case itself, to its registry, or nowhere. A line that is not understood is answered as
 * errored, and the next one is read.
 */
#include "ctl/ctl.h"

#include "core/json.h"
#include "core/schema.h"

#include <getopt.h>
#include <sys/utsname.h>

enum { LINE_BYTES_MAX = 16 * 1024 * 1024, REPLY_BYTES_MAX = 64 * 1024 * 1024, VERSION = 1 };

#define DEFAULT_HOMEPAGE "urn:nexus:nexusctl" /* a URI, as the protocol asks; not an address */

/* What a schema may be written in. Which of them the judge speaks, it is asked itself. */
static const char *const dialects[] = {
    "https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",      "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",      "http://json-schema.org/draft-03/schema#",
};

enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

struct bowtie {
    const char *homepage;
    bool assert_format;
    bool started;
    bool stopped;
    bool implicit; /* the judge has the dialect that was asked for schemas without $schema: */
    enum nx_draft draft;
    struct nx_json *request;
    struct nx_json *instance;
    struct nx_check *check;
    struct nx_buf line;
    struct nx_buf reply;
};

/* ---- answers ------------------------------------------------------------------------------- */

static void add_member(struct nx_buf *out, const char *name, const char *value)
{
    (void)nx_buf_printf(out, "\"%s\":", name);
    (void)nx_json_quote(out, nx_span_from(value));
}

/* `seq`, as it was asked, before the rest of an answer; nothing where the request had none. */
static void open_reply(struct bowtie *b)
{
    uint32_t seq = nx_json_member(b->request, 0, NX_SPAN("seq"));

    (void)nx_buf_byte(&b->reply, '{');
    if (seq != 0) {
        (void)nx_buf_str(&b->reply, "\"seq\":");
        (void)nx_buf_span(&b->reply, nx_json_raw(b->request, seq));
        (void)nx_buf_byte(&b->reply, ',');
    }
}

static void add_errored(struct nx_buf *out, const char *message)
{
    (void)nx_buf_str(out, "\"errored\":true,\"context\":{");
    add_member(out, "message", message);
    (void)nx_buf_str(out, "}}");
}

static void add_skipped(struct nx_buf *out, const char *message)
{
    (void)nx_buf_str(out, "\"skipped\":true,");
    add_member(out, "message", message);
    (void)nx_buf_byte(out, '}');
}

static void fail(struct bowtie *b, const char *message)
{
    open_reply(b);
    add_errored(&b->reply, message);
}

/* ---- start, dialect, stop ------------------------------------------------------------------ */

/* Does the judge compile a schema that names this dialect? */
static bool speaks(const char *dialect)
{
    const struct nx_schema_options options = {0};
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    struct nx_buf source;
    enum nx_err err;

    nx_buf_init(&source, 256);
    (void)nx_buf_byte(&source, '{');
    add_member(&source, "$schema", dialect);
    err = nx_buf_byte(&source, '}');
    if (err == NX_OK) {
        err = nx_schema_compile(nx_buf_view(&source), "dialect", &options, &schema, &diag);
    }
    nx_schema_free(schema);
    nx_buf_fini(&source);
    return err == NX_OK;
}

static void add_dialects(struct nx_buf *out)
{
    bool first = true;

    (void)nx_buf_str(out, "\"dialects\":[");
    for (size_t i = 0; i < DIALECTS; i++) {
        if (speaks(dialects[i])) {
            (void)nx_buf_str(out, first ? "" : ",");
            (void)nx_json_quote(out, nx_span_from(dialects[i]));
            first = false;
        }
    }
    (void)nx_buf_byte(out, ']');
}

static void start(struct bowtie *b)
{
    uint32_t node = nx_json_member(b->request, 0, NX_SPAN("version"));
    struct utsname system;
    int64_t version = 0;
    const char *members[][2] = {
        {"language", "c"},         {"language_version", "17"},
        {"name", "nexus"},         {"version", NX_VERSION},
        {"homepage", b->homepage}, {"issues", b->homepage},
        {"source", b->homepage},   {"os", ""},
        {"os_version", ""},
    };
    enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

    if (nx_json_int(b->request, node, &version) != NX_OK || version != VERSION) {
        fail(b, "version: expected 1, the only version of the protocol that is spoken here");
        return;
    }
    if (uname(&system) == 0) {
        members[MEMBERS - 2][1] = system.sysname;
        members[MEMBERS - 1][1] = system.release;
    }
    (void)nx_buf_printf(&b->reply, "{\"version\":%d,\"implementation\":{", VERSION);
    for (size_t i = 0; i < MEMBERS; i++) {
        add_member(&b->reply, members[i][0], members[i][1]);
        (void)nx_buf_byte(&b->reply, ',');
    }
    add_dialects(&b->reply);
    (void)nx_buf_str(&b->reply, "}}");
    b->started = true;
}

/* The dialect of schemas without $schema. */
static void set_dialect(struct bowtie *b)
{
    uint32_t node = nx_json_member(b->request, 0, NX_SPAN("dialect"));

    if (nx_json_type(b->request, node) != NX_JSON_STRING) {
        fail(b, "dialect: expected a URI in a string");
        return;
    }
    b->implicit = nx_draft_find(nx_json_text(b->request, node), &b->draft);
    (void)nx_buf_printf(&b->reply, "{\"ok\":%s}", b->implicit ? "true" : "false");
}

static void stop(struct bowtie *b)
{
    b->stopped = true;
}

/* ---- run ----------------------------------------------------------------------------------- */

struct registry {
    const struct nx_json *json;
    uint32_t node;
};

/* A document of the case's registry. Its key may end in the empty fragment that $schema's has. */
static enum nx_err resolve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    const struct registry *registry = ctx;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    while (nx_json_each(registry->json, registry->node, &at, &key, &value)) {
        struct nx_span name = nx_json_text(registry->json, key);

        if (name.len > 0 && name.ptr[name.len - 1] == '#') {
            name.len--;
        }
        if (key != 0 && nx_span_eq(name, uri)) {
            *document = nx_json_raw(registry->json, value);
            return NX_OK;
        }
    }
    return NX_ERR_NOT_FOUND;
}

static void run_test(struct bowtie *b, const struct nx_schema *schema, uint32_t test)
{
    uint32_t node = nx_json_member(b->request, test, NX_SPAN("instance"));
    struct nx_diag diag = {0};
    char words[1200];
    enum nx_err err;

    (void)nx_buf_byte(&b->reply, '{');
    if (node == 0) {
        add_errored(&b->reply, "a test without an instance");
        return;
    }
    err = nx_json_parse(b->instance, nx_json_raw(b->request, node), NX_JSON_STRICT, &diag);
    if (err != NX_OK) {
        add_errored(&b->reply, nx_diag_format(&diag, words, sizeof(words)));
        return;
    }
    err = nx_schema_check(schema, b->check, b->instance);
    if (err == NX_OK || err == NX_ERR_INVALID) {
        (void)nx_buf_printf(&b->reply, "\"valid\":%s}", err == NX_OK ? "true" : "false");
    } else {
        (void)snprintf(words, sizeof(words), "not decided: %s", nx_err_text(err));
        add_errored(&b->reply, words);
    }
}

static void run_tests(struct bowtie *b, const struct nx_schema *schema, uint32_t tests)
{
    bool first = true;
    uint32_t at = 0;
    uint32_t key;
    uint32_t test;

    open_reply(b);
    (void)nx_buf_str(&b->reply, "\"results\":[");
    while (nx_json_each(b->request, tests, &at, &key, &test)) {
        (void)nx_buf_str(&b->reply, first ? "" : ",");
        run_test(b, schema, test);
        first = false;
    }
    (void)nx_buf_str(&b->reply, "]}");
}

/* Compiles the case's schema; NULL when it was answered why not. */
static struct nx_schema *compile_case(struct bowtie *b, uint32_t the_case, uint32_t source)
{
    struct registry registry = {b->request,
                                nx_json_member(b->request, the_case, NX_SPAN("registry"))};
    const struct nx_schema_options options = {.default_draft = b->draft,
                                              .assert_format = b->assert_format,
                                              .resolve = registry.node != 0 ? resolve : NULL,
                                              .resolve_ctx = &registry};
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    char words[1200];
    enum nx_err err =
        nx_schema_compile(nx_json_raw(b->request, source), "schema", &options, &schema, &diag);

    if (err == NX_OK) {
        return schema;
    }
    open_reply(b);
    if (err == NX_ERR_UNSUPPORTED) {
        add_skipped(&b->reply, nx_diag_format(&diag, words, sizeof(words)));
    } else {
        add_errored(&b->reply, nx_diag_format(&diag, words, sizeof(words)));
    }
    return NULL;
}

static void run(struct bowtie *b)
{
    uint32_t the_case = nx_json_member(b->request, 0, NX_SPAN("case"));
    uint32_t source = nx_json_member(b->request, the_case, NX_SPAN("schema"));
    uint32_t tests = nx_json_member(b->request, the_case, NX_SPAN("tests"));
    struct nx_schema *schema;

    if (nx_json_member(b->request, 0, NX_SPAN("seq")) == 0 || the_case == 0 || source == 0 ||
        nx_json_type(b->request, tests) != NX_JSON_ARRAY) {
        fail(b, "run: expected seq, and a case with a schema and an array of tests");
        return;
    }
    if (!b->implicit && nx_json_member(b->request, source, NX_SPAN("$schema")) == 0) {
        open_reply(b);
        add_skipped(&b->reply, "the implicit dialect is unknown, and the schema has no $schema");
        return;
    }
    schema = compile_case(b, the_case, source);
    if (schema != NULL) {
        run_tests(b, schema, tests);
        nx_schema_free(schema);
    }
}

/* ---- the conversation ---------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*answer)(struct bowtie *b);
} requests[] = {
    {"start", start},
    {"dialect", set_dialect},
    {"run", run},
    {"stop", stop},
};

static void answer(struct bowtie *b)
{
    struct nx_diag diag = {0};
    struct nx_span name = {NULL, 0};
    uint32_t cmd;
    char words[1200];

    if (nx_json_parse(b->request, nx_buf_view(&b->line), NX_JSON_STRICT, &diag) != NX_OK) {
        (void)nx_buf_byte(&b->reply, '{');
        add_errored(&b->reply, nx_diag_format(&diag, words, sizeof(words)));
        return;
    }
    cmd = nx_json_member(b->request, 0, NX_SPAN("cmd"));
    if (cmd != 0) {
        name = nx_json_text(b->request, cmd);
    }
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (!nx_span_is(name, requests[i].name)) {
            continue;
        }
        if (b->started || requests[i].answer == start || requests[i].answer == stop) {
            requests[i].answer(b);
        } else {
            fail(b, "expected start first");
        }
        return;
    }
    fail(b, "cmd: expected start, dialect, run or stop");
}

/* Reads up to a line feed; false at the end of the input. What is too long is read past. */
static bool read_line(struct nx_buf *line)
{
    bool any = false;
    int c;

    nx_buf_reset(line);
    while ((c = getc_unlocked(stdin)) != EOF && c != '\n') {
        any = true;
        if (nx_buf_error(line) == NX_OK) {
            (void)nx_buf_byte(line, (uint8_t)c);
        }
    }
    return any || c == '\n';
}

/* One line out; false when nobody reads any more. */
static bool send_reply(struct bowtie *b)
{
    if (nx_buf_error(&b->reply) != NX_OK) {
        (void)puts("{\"errored\":true,\"context\":{\"message\":\"the answer is too large\"}}");
    } else if (b->reply.len > 0) {
        (void)nx_buf_byte(&b->reply, '\n');
        (void)fwrite(b->reply.data, 1, b->reply.len, stdout);
    }
    return fflush(stdout) == 0;
}

static int converse(struct bowtie *b)
{
    while (!b->stopped && read_line(&b->line)) {
        nx_buf_reset(&b->reply);
        if (nx_buf_error(&b->line) != NX_OK) {
            (void)nx_buf_byte(&b->reply, '{');
            add_errored(&b->reply, "this line is longer than 16 MiB");
        } else {
            answer(b);
        }
        if (!send_reply(b)) {
            return NX_EXIT_FAULTS;
        }
    }
    return b->stopped ? NX_EXIT_OK : NX_EXIT_FAULTS;
}

static bool parse_options(struct bowtie *b, int argc, char **argv)
{
    enum { HOMEPAGE = 1, ASSERT };
    static const struct option options[] = {
        {"homepage", required_argument, NULL, HOMEPAGE},
        {"assert-format", no_argument, NULL, ASSERT},
        {0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case HOMEPAGE:
            b->homepage = optarg;
            break;
        case ASSERT:
            b->assert_format = true;
            break;
        default:
            return false;
        }
    }
    if (optind != argc) {
        (void)fprintf(stderr, "nexusctl: bowtie reads standard input, not files\n");
    }
    return optind == argc;
}

int nx_cmd_bowtie(int argc, char **argv)
{
    struct bowtie b = {.homepage = DEFAULT_HOMEPAGE, .implicit = true, .draft = NX_DRAFT_2020_12};
    int status = NX_EXIT_USAGE;

    nx_buf_init(&b.line, LINE_BYTES_MAX);
    nx_buf_init(&b.reply, REPLY_BYTES_MAX);
    b.request = nx_json_new(&nx_json_limits_file, 0);
    b.instance = nx_json_new(&nx_json_limits_file, 0);
    b.check = nx_check_new();
    if (b.request == NULL || b.instance == NULL || b.check == NULL) {
        (void)fprintf(stderr, "nexusctl: out of memory\n");
    } else if (parse_options(&b, argc, argv)) {
        status = converse(&b);
    }
    nx_check_free(b.check);
    nx_json_free(b.instance);
    nx_json_free(b.request);
    nx_buf_fini(&b.reply);
    nx_buf_fini(&b.line);
    return status;
}
