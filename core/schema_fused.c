/*
 * schema_fused.c - reads and judges a payload in one pass, without a tape: for the many messages
 * that are valid, against the many schemas that are simple.
 *
 * Says yes or does not know; whoever hears the second asks the reader and the check, which also
 * find the words. So nothing in schema_fused*.c explains, and whatever is rare may be left to them:
 * many unknown names, long payloads, schemas that schema_fuse.c did not prepare. What it may never
 * do is say yes where they would not; a fuzzer compares them (test/fuzz/fused_fuzz.c).
 */
#include "core/schema_fused.h"

#include "core/json_scan.h"
#include "core/schema_run.h"

#include <stdlib.h>

static bool read_document(struct nx_fused *f, const char *p, const struct plan *plan)
{
    p = nx_fused_value(f, nx_scan_space(p, NULL), plan);
    return p != NULL && nx_scan_space(p, NULL) == f->reader.end;
}

/* ---- the outside --------------------------------------------------------------------------- */

static struct nx_fused *fused_new(struct nx_check *check, uint64_t seed)
{
    struct nx_fused *f = calloc(1, sizeof(*f));

    if (f != NULL) {
        f->check = check;
        f->json = nx_json_new(&nx_json_limits_payload, seed);
        if (f->json == NULL) {
            free(f);
            return NULL;
        }
    }
    return f;
}

void nx_fused_free(struct nx_fused *f)
{
    if (f != NULL) {
        nx_json_free(f->json);
        free(f);
    }
}

/* The scratch memory, made by the first call. */
static struct nx_fused *scratch(struct nx_check *check, const struct nx_schema *schema)
{
    if (check->fused == NULL) {
        check->fused = fused_new(check, schema->seed);
    }
    return check->fused;
}

/* So short that no tape could be too small for it: then nodes need not be counted. */
static bool is_short(struct nx_span payload)
{
    return payload.len / 2 + nx_json_limits_payload.depth_max + 2 <=
           nx_json_limits_payload.nodes_max;
}

bool nx_schema_admits(const struct nx_schema *schema, struct nx_check *check,
                      struct nx_span payload)
{
    struct nx_fused *f = scratch(check, schema);

    if (f == NULL || schema->root->together == NULL || payload.len == 0 || !is_short(payload)) {
        return false;
    }
    if (nx_json_start(&f->reader, f->json, payload, NULL) != NX_OK) {
        return false;
    }
    check->explainer = NULL;
    nx_check_begin(check, schema, f->json);
    f->depth = 0;
    f->lanes_count = 0;
    f->names_count = 0;
    return read_document(f, f->reader.start, schema->root) && check->error == NX_OK;
}

enum nx_err nx_schema_check_bytes(const struct nx_schema *schema, struct nx_check *check,
                                  struct nx_span payload)
{
    struct nx_fused *f = scratch(check, schema);
    enum nx_err err;

    if (f == NULL) {
        return NX_ERR_NOMEM;
    }
    if (nx_schema_admits(schema, check, payload)) {
        return NX_OK;
    }
    err = nx_json_parse(f->json, payload, NX_JSON_STRICT, NULL);
    return err == NX_OK ? nx_schema_check(schema, check, f->json) : err;
}
