/*
 * ctl.c - reading, telling and validating, for all commands alike.
 */
#include "ctl/ctl.h"

#include "core/os/file.h"

#include <errno.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 1100, FAULTS_MAX = 100, READ_CHUNK = 65536 };

const char *nx_ctl_config_dir(void)
{
    return access("config/federation.json", R_OK) == 0 ? "config" : "/etc/nexus";
}

void nx_ctl_complain(const struct nx_diag *diag)
{
    char line[1200];

    (void)fprintf(stderr, "nexusctl: %s\n", nx_diag_format(diag, line, sizeof(line)));
}

static void complain_each(void *ctx, const struct nx_diag *diag)
{
    (void)ctx;
    nx_ctl_complain(diag);
}

struct nx_config *nx_ctl_config_of(const char *dir, const char *city)
{
    struct nx_diag_sink sink = {.add = complain_each};
    const struct nx_config_options options = {.only_city = city, .faults = &sink};
    const struct nx_reader reader = nx_file_reader();
    struct nx_config *config = NULL;

    if (nx_config_load(&reader, dir, &options, &config, NULL) != NX_OK) {
        (void)fprintf(stderr, "nexusctl: the configuration in %s is not usable\n", dir);
    }
    return config;
}

struct nx_config *nx_ctl_config(const char *dir)
{
    return nx_ctl_config_of(dir, NULL);
}

static enum nx_err read_stdin(struct nx_buf *out, struct nx_diag *diag)
{
    nx_buf_reset(out);
    while (!feof(stdin)) {
        char *room;
        enum nx_err err = nx_buf_reserve(out, READ_CHUNK, &room);

        if (err != NX_OK) {
            nx_diag_set(diag, "standard input: larger than %zu bytes", out->max);
            return err;
        }
        out->len += fread(room, 1, READ_CHUNK, stdin);
        if (ferror(stdin)) {
            nx_diag_set(diag, "standard input: %s", strerror(errno));
            return NX_ERR_IO;
        }
    }
    return NX_OK;
}

bool nx_ctl_read(const char *path, struct nx_buf *out)
{
    struct nx_diag diag = {0};
    bool standard = strcmp(path, "-") == 0;
    enum nx_err err = standard ? read_stdin(out, &diag) : nx_file_read(path, out, &diag);

    if (err != NX_OK) {
        nx_ctl_complain(&diag);
    }
    return err == NX_OK;
}

static bool is_blank(struct nx_span line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r') {
            return false;
        }
    }
    return true;
}

unsigned nx_ctl_documents(const char *path, struct nx_span text, bool lines,
                          bool (*each)(void *ctx, const char *name, struct nx_span document),
                          void *ctx)
{
    char name[NAME_MAX_BYTES];
    unsigned failed = 0, number = 0;

    if (!lines) {
        return each(ctx, path, text) ? 0 : 1;
    }
    while (text.ptr != NULL) {
        struct nx_span line = nx_span_cut(&text, '\n');

        (void)snprintf(name, sizeof(name), "%s:%u", path, ++number);
        if (!is_blank(line) && !each(ctx, name, line)) {
            failed++;
        }
    }
    return failed;
}

struct fault_lines {
    const char *name;
    FILE *out;
};

static bool print_fault(void *ctx, const struct nx_fault *fault)
{
    struct fault_lines *lines = ctx;

    (void)fprintf(lines->out, "%s: %s: %s: %s: %s\n", lines->name,
                  fault->instance[0] != '\0' ? fault->instance : "\"\"", fault->keyword,
                  fault->schema[0] != '\0' ? fault->schema : "\"\"", fault->text);
    return true;
}

bool nx_ctl_validate(const struct nx_schema *schema, struct nx_check *check, struct nx_json *json,
                     const char *name, struct nx_span document, FILE *out)
{
    struct fault_lines lines = {name, out};
    struct nx_diag diag = {0};
    enum nx_err err = nx_json_parse(json, document, NX_JSON_STRICT, &diag);

    if (err != NX_OK) {
        (void)fprintf(out, "%s:%u:%u: not JSON: %s\n", name, diag.line, diag.column, diag.text);
        return false;
    }
    err = nx_schema_check(schema, check, json);
    if (err == NX_ERR_INVALID) {
        (void)nx_schema_explain(schema, check, json, FAULTS_MAX, print_fault, &lines);
    } else if (err != NX_OK) {
        (void)fprintf(out, "%s: not decided: %s\n", name, nx_err_text(err));
    }
    return err == NX_OK;
}
