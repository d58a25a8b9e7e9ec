/*
 * schema_compile.c - from a schema document to plans.
 *
 * A work list, not recursion: a plan is made empty when something first refers to its subschema,
 * and filled when its turn comes; so a schema may refer to itself, and its depth costs no stack.
 * Afterwards: the targets of $dynamicRef, and the search for references that lead in place back
 * to themselves, which no check could ever finish.
 */
#include "core/schema_plan.h"

#include "core/schema_uri.h"

#include <stdlib.h>

enum nx_err nx_compile_plan(struct compiler *c, uint32_t document, uint32_t node, struct plan **out)
{
    struct document *doc = &c->schema->documents[document];
    enum nx_json_type type = nx_json_type(doc->json, node);
    struct plan *plan = doc->plans[node];

    if (plan == NULL) {
        if (type != NX_JSON_OBJECT && type != NX_JSON_TRUE && type != NX_JSON_FALSE) {
            return nx_compile_fail(c, NX_ERR_INVALID, document, node,
                                   "expected a schema: an object, true or false");
        }
        if (c->plans_count >= NX_SCHEMA_PLANS_MAX) {
            return nx_compile_fail(c, NX_ERR_LIMIT, document, node, "more than %u subschemas",
                                   NX_SCHEMA_PLANS_MAX);
        }
        if (c->plans_count == c->plans_cap) {
            uint32_t cap = c->plans_cap > 0 ? c->plans_cap * 2 : 64;
            struct plan **plans = realloc(c->plans, cap * sizeof(struct plan *));
            if (plans == NULL) {
                return NX_ERR_NOMEM;
            }
            c->plans = plans;
            c->plans_cap = cap;
        }
        plan = nx_compile_alloc(c, 1, sizeof(*plan));
        if (plan == NULL) {
            return NX_ERR_NOMEM;
        }
        *plan = (struct plan){.types = TYPES_ANY,
                              .never = type == NX_JSON_FALSE,
                              .index = c->plans_count,
                              .document = document,
                              .node = node,
                              .resource = nx_schema_resource_of(c->schema, document, node)};
        doc->plans[node] = plan;
        c->plans[c->plans_count++] = plan;
    }
    *out = plan;
    return NX_OK;
}

enum nx_err nx_compile_dynamic_name(struct compiler *c, const struct site *site,
                                    struct nx_span name, uint32_t *out)
{
    c->schema->uses_dynamic_scope = true;
    for (uint32_t i = 0; i < c->dynamic_names_count; i++) {
        if (nx_span_eq(c->dynamic_names[i], name)) {
            *out = i;
            return NX_OK;
        }
    }
    if (c->dynamic_names_count >= NX_SCHEMA_DYNAMIC_MAX) {
        return nx_compile_fail(c, NX_ERR_LIMIT, site->plan->document, site->value,
                               "more than %u names of dynamic anchors", NX_SCHEMA_DYNAMIC_MAX);
    }
    c->dynamic_names[c->dynamic_names_count] = name;
    *out = c->dynamic_names_count++;
    return NX_OK;
}

/* Compiles plans from `*done` on, until nothing refers to one that is not compiled. */
static enum nx_err drain(struct compiler *c, uint32_t *done)
{
    enum nx_err err = NX_OK;

    while (err == NX_OK && *done < c->plans_count) {
        struct plan *plan = c->plans[(*done)++];
        const struct nx_json *json = c->schema->documents[plan->document].json;
        if (nx_json_type(json, plan->node) == NX_JSON_OBJECT) {
            err = nx_compile_keywords(c, plan);
        }
    }
    return err;
}

static bool is_dynamic_name(const struct compiler *c, struct nx_span name, uint32_t *number)
{
    for (uint32_t i = 0; i < c->dynamic_names_count; i++) {
        if (nx_span_eq(c->dynamic_names[i], name)) {
            *number = i;
            return true;
        }
    }
    return false;
}

/*
 * Compiles every schema that a $dynamicRef may reach. New plans may load documents with more
 * anchors and name more anchors: hence again until nothing is new.
 */
static enum nx_err compile_all(struct compiler *c)
{
    uint32_t done = 0;
    uint32_t before;
    enum nx_err err;

    do {
        err = drain(c, &done);
        before = c->plans_count;
        for (uint32_t i = 0; err == NX_OK && i < c->anchors_count; i++) {
            const struct anchor *anchor = &c->anchors[i];
            struct plan *plan;
            uint32_t number;
            if (anchor->dynamic && is_dynamic_name(c, anchor->name, &number)) {
                err = nx_compile_plan(c, c->schema->resources[anchor->resource].document,
                                      anchor->node, &plan);
            }
        }
    } while (err == NX_OK && c->plans_count > before);
    return err;
}

/* For each resource a row: dynamic anchor number to plan. */
static enum nx_err link_dynamic(struct compiler *c)
{
    struct nx_schema *schema = c->schema;
    uint32_t number;

    for (uint32_t i = 0; i < c->anchors_count; i++) {
        const struct anchor *anchor = &c->anchors[i];
        struct resource *r = &schema->resources[anchor->resource];
        if (!anchor->dynamic || !is_dynamic_name(c, anchor->name, &number)) {
            continue;
        }
        if (r->dynamic == NULL) {
            r->dynamic = nx_compile_alloc(c, c->dynamic_names_count, sizeof(struct plan *));
            if (r->dynamic == NULL) {
                return NX_ERR_NOMEM;
            }
        }
        r->dynamic[number] = schema->documents[r->document].plans[anchor->node];
    }
    return NX_OK;
}

/* ---- cycles in place ----------------------------------------------------------------------- */

/* The `i`th plan that `plan` applies to the same instance; false when there are no more. */
static bool in_place(const struct plan *plan, uint32_t i, struct plan **out)
{
    for (uint32_t k = 0; k < plan->applicators_count; k++) {
        if (i < plan->applicators[k].count) {
            *out = plan->applicators[k].plans[i];
            return true;
        }
        i -= plan->applicators[k].count;
    }
    if (plan->object != NULL && i < plan->object->dependents_count) {
        *out = plan->object->dependents[i].plan;
        return true;
    }
    return false;
}

enum colour { UNSEEN, OPEN, CLOSED };

struct visit {
    struct plan *plan;
    uint32_t next; /* which in-place plan is due */
};

static enum nx_err walk_from(struct compiler *c, struct plan *start, struct visit *stack,
                             uint8_t *colours)
{
    uint32_t depth = 1;

    stack[0] = (struct visit){start, 0};
    colours[start->index] = OPEN;
    while (depth > 0) {
        struct visit *top = &stack[depth - 1];
        struct plan *child = NULL;
        if (!in_place(top->plan, top->next++, &child)) {
            colours[top->plan->index] = CLOSED;
            depth--;
        } else if (child != NULL && colours[child->index] == OPEN) {
            return nx_compile_fail(c, NX_ERR_INVALID, top->plan->document, top->plan->node,
                                   "this schema leads back to itself for the same value: a check "
                                   "would never end");
        } else if (child != NULL && colours[child->index] == UNSEEN) {
            colours[child->index] = OPEN;
            stack[depth++] = (struct visit){child, 0};
        }
    }
    return NX_OK;
}

static enum nx_err refuse_cycles(struct compiler *c)
{
    struct visit *stack = calloc(c->plans_count, sizeof(*stack));
    uint8_t *colours = calloc(c->plans_count, sizeof(*colours));
    enum nx_err err = stack != NULL && colours != NULL ? NX_OK : NX_ERR_NOMEM;

    for (uint32_t i = 0; err == NX_OK && i < c->plans_count; i++) {
        if (colours[i] == UNSEEN) {
            err = walk_from(c, c->plans[i], stack, colours);
        }
    }
    free(stack);
    free(colours);
    return err;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static struct nx_schema *schema_new(uint64_t seed)
{
    struct nx_schema *schema = calloc(1, sizeof(*schema));

    if (schema == NULL) {
        return NULL;
    }
    schema->seed = seed;
    nx_arena_init(&schema->arena, NX_SCHEMA_BYTES_MAX);
    schema->resources =
        nx_arena_array(&schema->arena, NX_SCHEMA_RESOURCES_MAX, sizeof(*schema->resources));
    if (schema->resources == NULL) {
        nx_schema_free(schema);
        return NULL;
    }
    return schema;
}

/* What the caller says, without a fragment. */
static struct nx_span base_uri(const struct compiler *c)
{
    struct nx_span fragment;
    struct nx_span uri = nx_uri_without_fragment(c->options->base_uri, &fragment);

    return uri.len > 0 ? uri : NX_SPAN("");
}

static enum nx_err compile_root(struct compiler *c, uint32_t document)
{
    const struct nx_json *json = c->schema->documents[document].json;

    if (c->draft == NX_DRAFT_04 && nx_json_type(json, 0) != NX_JSON_OBJECT) {
        return nx_compile_fail(c, NX_ERR_INVALID, document, 0,
                               "expected a schema: an object, in draft 04");
    }
    return nx_compile_plan(c, document, 0, &c->schema->root);
}

static enum nx_err compile_document(struct compiler *c, struct nx_span source, const char *file)
{
    uint32_t document;
    enum nx_err err;

    c->draft = c->options->default_draft;
    err = nx_schema_load(c, source, file, base_uri(c), &document);
    if (err == NX_OK) {
        c->draft = c->schema->resources[0].dialect.draft;
        err = compile_root(c, document);
    }
    if (err == NX_OK) {
        err = compile_all(c);
    }
    if (err == NX_OK) {
        err = link_dynamic(c);
    }
    if (err == NX_OK) {
        err = refuse_cycles(c);
    }
    if (err == NX_OK) {
        err = nx_compile_quick(c);
    }
    if (err == NX_OK) {
        err = nx_compile_fused(c);
    }
    return err;
}

enum nx_err nx_schema_compile(struct nx_span source, const char *file,
                              const struct nx_schema_options *options, struct nx_schema **out,
                              struct nx_diag *diag)
{
    struct compiler c = {.options = options, .diag = diag};
    enum nx_err err = NX_ERR_NOMEM;

    c.schema = schema_new(options->seed);
    c.anchors = calloc(NX_SCHEMA_ANCHORS_MAX, sizeof(*c.anchors));
    if (c.schema != NULL && c.anchors != NULL) {
        err = compile_document(&c, source, file);
    }
    free(c.anchors);
    free(c.plans);
    if (err == NX_ERR_NOMEM) {
        nx_diag_set(diag, "out of memory for this schema");
    }
    if (err != NX_OK) {
        nx_schema_free(c.schema);
        return err;
    }
    *out = c.schema;
    return NX_OK;
}

void nx_schema_free(struct nx_schema *schema)
{
    if (schema == NULL) {
        return;
    }
    for (uint32_t i = 0; i < schema->documents_count; i++) {
        nx_json_free(schema->documents[i].json);
    }
    for (uint32_t i = 0; i < schema->patterns_count; i++) {
        nx_pattern_free(schema->patterns[i]);
    }
    free(schema->patterns);
    nx_arena_fini(&schema->arena);
    free(schema);
}

struct nx_span nx_schema_id(const struct nx_schema *schema)
{
    return schema->id;
}
