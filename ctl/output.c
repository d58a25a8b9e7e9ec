/*
 * output.c - prints verdicts in the output formats of JSON Schema. What is not JSON, and what
 * could not be decided, has its document too: whoever reads finds one for each input, in order.
 */
#include "ctl/output.h"

#include <stdlib.h>

enum { BASE_BYTES_MAX = 16 * 1024, TEXT_BYTES_MAX = 64 * 1024 * 1024 };

void nx_ctl_output_init(struct nx_ctl_output *output)
{
    *output = (struct nx_ctl_output){.wanted = false};
    nx_buf_init(&output->base, BASE_BYTES_MAX);
    nx_buf_init(&output->text, TEXT_BYTES_MAX);
}

void nx_ctl_output_fini(struct nx_ctl_output *output)
{
    nx_buf_fini(&output->base);
    nx_buf_fini(&output->text);
}

bool nx_ctl_output_form(struct nx_ctl_output *output, const char *name)
{
    static const char *const names[] = {
        [NX_OUTPUT_FLAG] = "flag",
        [NX_OUTPUT_BASIC] = "basic",
        [NX_OUTPUT_DETAILED] = "detailed",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            output->wanted = true;
            output->form = (enum nx_output)i;
            return true;
        }
    }
    return false;
}

/* May this byte stand in the path of a URI as it is (RFC 3986, section 3.3)? */
static bool is_path_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~!$&'()*+,;=:@/", c) != NULL;
}

void nx_ctl_output_base(struct nx_ctl_output *output, const char *path)
{
    char *absolute = realpath(path, NULL);

    nx_buf_reset(&output->base);
    if (absolute == NULL) {
        return; /* standard input, or gone since: it has no URI */
    }
    (void)nx_buf_str(&output->base, "file://");
    for (const char *p = absolute; *p != '\0'; p++) {
        if (is_path_byte(*p)) {
            (void)nx_buf_byte(&output->base, (uint8_t)*p);
        } else {
            (void)nx_buf_printf(&output->base, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
    free(absolute);
}

static enum nx_err write_verdict(struct nx_ctl_output *output, const struct nx_schema *schema,
                                 struct nx_check *check, struct nx_json *json,
                                 struct nx_span document)
{
    struct nx_diag diag = {0};
    char words[600];
    enum nx_err err;

    nx_buf_reset(&output->text);
    err = nx_json_parse(json, document, NX_JSON_STRICT, &diag);
    if (err != NX_OK) {
        (void)snprintf(words, sizeof(words), "not JSON: line %u, column %u: %s", diag.line,
                       diag.column, diag.text);
        (void)nx_output_refusal(output->form, nx_span_from(words), &output->text);
        return err;
    }
    err = nx_schema_output(schema, check, json, output->form, nx_buf_view(&output->base),
                           &output->text);
    if (err != NX_OK && err != NX_ERR_INVALID) {
        (void)snprintf(words, sizeof(words), "not decided: %s", nx_err_text(err));
        nx_buf_reset(&output->text);
        (void)nx_output_refusal(output->form, nx_span_from(words), &output->text);
    }
    return err;
}

bool nx_ctl_output_print(struct nx_ctl_output *output, const struct nx_schema *schema,
                         struct nx_check *check, struct nx_json *json, struct nx_span document,
                         FILE *out)
{
    enum nx_err err = write_verdict(output, schema, check, json, document);

    (void)nx_buf_byte(&output->text, '\n');
    (void)fwrite(output->text.data, 1, output->text.len, out);
    return err == NX_OK;
}
