/*
 * suite_test.c - runs the official JSON Schema Test Suite against the judge.
 *
 *   suite_test SUITE DRAFT FOLDER [assert-format|assert-content]...
 *
 * SUITE is a checkout of json-schema-org/JSON-Schema-Test-Suite, DRAFT what a schema without
 * $schema is in, FOLDER one of the suite's folders of tests, e.g. tests/draft2020-12. Prints every
 * test that fails, by its names, then passed/total and the suite's commit.
 * Exit 0: all passed; 1: some failed; 77: there is no suite (ctest counts it as skipped).
 */
#include "core/os/file.h"
#include "core/schema.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { SKIPPED = 77, FILE_MAX = 16 * 1024 * 1024, REMOTES_MAX = 64 };

struct suite {
    const char *root;
    struct nx_schema_options options;
    struct nx_check *check;
    struct nx_buf remotes[REMOTES_MAX]; /* served during one compilation */
    size_t remotes_count;
    unsigned at_once; /* valid ones that were judged without a tape */
    unsigned passed;
    unsigned total;
};

/* http://localhost:1234/x is SUITE/remotes/x. */
static enum nx_err resolve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    struct suite *suite = ctx;
    struct nx_span prefix = NX_SPAN("http://localhost:1234/");
    struct nx_buf *bytes;
    struct nx_diag diag = {0};
    char path[1024];

    if (!nx_span_starts(uri, prefix) || suite->remotes_count == REMOTES_MAX) {
        return NX_ERR_NOT_FOUND;
    }
    (void)snprintf(path, sizeof(path), "%s/remotes/%.*s", suite->root, (int)(uri.len - prefix.len),
                   uri.ptr + prefix.len);
    bytes = &suite->remotes[suite->remotes_count];
    nx_buf_init(bytes, FILE_MAX);
    if (nx_file_read(path, bytes, &diag) != NX_OK) {
        nx_buf_fini(bytes);
        return NX_ERR_NOT_FOUND;
    }
    suite->remotes_count++;
    *document = nx_buf_view(bytes);
    return NX_OK;
}

static enum nx_err compile(struct suite *suite, struct nx_span source, struct nx_schema **out,
                           struct nx_diag *diag)
{
    enum nx_err err;

    suite->remotes_count = 0;
    err = nx_schema_compile(source, "schema", &suite->options, out, diag);
    while (suite->remotes_count > 0) {
        nx_buf_fini(&suite->remotes[--suite->remotes_count]);
    }
    return err;
}

static bool ignore_fault(void *ctx, const struct nx_fault *fault)
{
    unsigned *count = ctx;

    (*count)++;
    return fault->text[0] != '\0' && fault->keyword[0] != '\0';
}

/* What the judge says of one instance; all its ways to say it must agree. */
static enum nx_err judge(struct suite *suite, const struct nx_schema *schema, struct nx_span bytes)
{
    struct nx_json *instance = nx_json_new(&nx_json_limits_payload, 2);
    unsigned faults = 0;
    enum nx_err err;

    if (instance == NULL) {
        return NX_ERR_NOMEM;
    }
    err = nx_json_parse(instance, bytes, NX_JSON_STRICT, NULL);
    if (err == NX_OK) {
        err = nx_schema_check(schema, suite->check, instance);
        if (nx_schema_explain(schema, suite->check, instance, 100, ignore_fault, &faults) != err ||
            (faults > 0) != (err == NX_ERR_INVALID) ||
            nx_schema_check_bytes(schema, suite->check, bytes) != err) {
            err = NX_ERR_STATE;
        }
        suite->at_once += nx_schema_admits(schema, suite->check, bytes);
    }
    nx_json_free(instance);
    return err;
}

static struct nx_span text_of(const struct nx_json *json, uint32_t object, const char *name)
{
    return nx_json_text(json, nx_json_member(json, object, nx_span_from(name)));
}

static void run_group(struct suite *suite, const char *file, const struct nx_json *json,
                      uint32_t group)
{
    struct nx_span source = nx_json_raw(json, nx_json_member(json, group, NX_SPAN("schema")));
    struct nx_span title = text_of(json, group, "description");
    struct nx_schema *schema = NULL;
    struct nx_diag diag = {0};
    enum nx_err compiled = compile(suite, source, &schema, &diag);
    uint32_t at = 0;
    uint32_t key;
    uint32_t test;

    if (compiled != NX_OK) {
        (void)printf("%s: %.*s: the schema is refused: %s\n", file, NX_SPAN_ARG(title), diag.text);
    }
    while (nx_json_each(json, nx_json_member(json, group, NX_SPAN("tests")), &at, &key, &test)) {
        struct nx_span data = nx_json_raw(json, nx_json_member(json, test, NX_SPAN("data")));
        struct nx_span what = text_of(json, test, "description");
        bool valid =
            nx_json_type(json, nx_json_member(json, test, NX_SPAN("valid"))) == NX_JSON_TRUE;
        enum nx_err err = compiled == NX_OK ? judge(suite, schema, data) : compiled;
        bool right = compiled == NX_OK && err == (valid ? NX_OK : NX_ERR_INVALID);
        suite->total++;
        suite->passed += right;
        if (!right) {
            (void)printf("%s: %.*s: %.*s: expected %s, got: %s\n", file, NX_SPAN_ARG(title),
                         NX_SPAN_ARG(what), valid ? "valid" : "invalid", nx_err_text(err));
        }
    }
    nx_schema_free(schema);
}

static bool run_file(struct suite *suite, const char *folder, const char *file)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 3);
    struct nx_diag diag = {0};
    struct nx_buf bytes;
    char path[1024];
    uint32_t at = 0;
    uint32_t key;
    uint32_t group;
    bool read;

    nx_buf_init(&bytes, FILE_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", suite->root, folder, file);
    read = json != NULL && nx_file_read(path, &bytes, &diag) == NX_OK &&
           nx_json_parse(json, nx_buf_view(&bytes), NX_JSON_STRICT, &diag) == NX_OK;
    if (!read) {
        (void)printf("%s: %s\n", path, diag.text);
    }
    while (read && nx_json_each(json, 0, &at, &key, &group)) {
        run_group(suite, file, json, group);
    }
    nx_json_free(json);
    nx_buf_fini(&bytes);
    return read;
}

/* All *.json of the folder, in no order. */
static bool run_folder(struct suite *suite, const char *folder)
{
    char path[1024];
    struct dirent *entry;
    bool read = true;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/%s", suite->root, folder);
    dir = opendir(path);
    if (dir == NULL) {
        return false;
    }
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (len < 5 || strcmp(entry->d_name + len - 5, ".json") != 0) {
            continue;
        }
        read = run_file(suite, folder, entry->d_name) && read;
    }
    (void)closedir(dir);
    return read;
}

/* ---- which suite it is --------------------------------------------------------------------- */

/* The first line of SUITE/`name` in `out`; false when there is none. */
static bool read_line(const struct suite *suite, const char *name, char *out, size_t size)
{
    struct nx_buf text;
    char path[1024];
    bool read;

    nx_buf_init(&text, FILE_MAX);
    (void)snprintf(path, sizeof(path), "%s/%s", suite->root, name);
    read = nx_file_read(path, &text, NULL) == NX_OK && text.len > 0;
    if (read) {
        (void)snprintf(out, size, "%.*s", (int)text.len, text.data);
        out[strcspn(out, "\r\n")] = '\0';
    }
    nx_buf_fini(&text);
    return read && out[0] != '\0';
}

/* From the checkout's git; where there is none, the word behind "commit" in README.md's first line. */
static const char *suite_commit(const struct suite *suite, char *out, size_t size)
{
    char head[256];
    char path[512];
    const char *at;

    if (read_line(suite, ".git/HEAD", head, sizeof(head))) {
        if (strncmp(head, "ref: ", 5) != 0) {
            (void)snprintf(out, size, "%.12s", head);
            return out;
        }
        (void)snprintf(path, sizeof(path), ".git/%s", head + 5);
        if (read_line(suite, path, out, size)) {
            return out;
        }
    }
    if (!read_line(suite, "README.md", head, sizeof(head)) ||
        (at = strstr(head, "commit ")) == NULL) {
        return "unknown";
    }
    at += strlen("commit ");
    (void)snprintf(out, size, "%.*s", (int)strcspn(at, ", )"), at);
    return out;
}

/* The arguments behind FOLDER. */
static bool read_options(struct suite *suite, int count, char **words)
{
    suite->options.resolve = resolve;
    suite->options.resolve_ctx = suite;
    suite->options.seed = 1;
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "assert-format") == 0) {
            suite->options.assert_format = true;
        } else if (strcmp(words[i], "assert-content") == 0) {
            suite->options.assert_content = true;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct suite suite;
    char commit[64];
    bool read;
    DIR *dir;

    if (argc < 4 || !nx_draft_find(nx_span_from(argv[2]), &suite.options.default_draft) ||
        !read_options(&suite, argc - 4, argv + 4)) {
        (void)fprintf(stderr, "usage: %s SUITE DRAFT FOLDER [assert-format|assert-content]...\n",
                      argv[0]);
        return 2;
    }
    dir = opendir(argv[1]);
    if (dir == NULL) {
        (void)printf("no test suite at \"%s\": skipped\n", argv[1]);
        return SKIPPED;
    }
    (void)closedir(dir);
    suite.root = argv[1];
    suite.check = nx_check_new();
    if (suite.check == NULL) {
        return 2;
    }
    read = run_folder(&suite, argv[3]);
    nx_check_free(suite.check);
    (void)printf("%s: %u of %u passed, %u were admitted in one pass (suite commit %s)\n", argv[3],
                 suite.passed, suite.total, suite.at_once,
                 suite_commit(&suite, commit, sizeof(commit)));
    return read && suite.total > 0 && suite.passed == suite.total ? 0 : 1;
}
