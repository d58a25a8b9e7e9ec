/*
 * output.h - `nexusctl validate --output`: verdicts as documents, one for each input, in the
 * output formats of JSON Schema.
 */
#ifndef NX_CTL_OUTPUT_H
#define NX_CTL_OUTPUT_H

#include "core/schema_output.h"

#include <stdio.h>

struct nx_ctl_output {
    bool wanted; /* false: the form of one line for each fault */
    enum nx_output form;
    struct nx_buf base; /* the URI of the schema's file, or empty */
    struct nx_buf text; /* one document */
};

void nx_ctl_output_init(struct nx_ctl_output *output);
void nx_ctl_output_fini(struct nx_ctl_output *output);

/* Takes "flag", "basic" or "detailed"; false when it is none of them. */
bool nx_ctl_output_form(struct nx_ctl_output *output, const char *name);

/* The schema was read from the file at `path`. */
void nx_ctl_output_base(struct nx_ctl_output *output, const char *path);

/* Reads and judges `document` and prints its verdict as a line. True when it is valid. */
bool nx_ctl_output_print(struct nx_ctl_output *output, const struct nx_schema *schema,
                         struct nx_check *check, struct nx_json *json, struct nx_span document,
                         FILE *out);

#endif
