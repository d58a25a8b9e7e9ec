/*
 * schema_fuse.c - decides for each plan whether containers can be judged by it while they are
 * read, and with which other plans together.
 *
 * Not so, and left to the tape: what needs an item again after it was read (uniqueItems, contains,
 * const and enum of containers), what may fail without harm (anyOf, oneOf, not, if and
 * dependentSchemas), unevaluated*, and references that depend on the way that led to them.
 * Scalars are no matter: all of a scalar is there when it is judged. And a choice among required
 * names ("one of these at least") can be decided when all names were seen.
 */
#include "core/schema_fused.h"

#include "core/schema_table.h"

/* ---- choices among required names ---------------------------------------------------------- */

static bool only_requires(const struct plan *plan)
{
    const struct object_rules *rules = plan->object;

    return plan->types == TYPES_ANY && !plan->never && plan->value == NULL &&
           plan->applicators_count == 0 && rules != NULL &&
           rules->required_count == rules->table.count && rules->patterns_count == 0 &&
           rules->dependents_count == 0 && rules->additional == NULL && rules->names == NULL &&
           rules->unevaluated == NULL && rules->count_min == 0 && rules->count_max == UINT64_MAX;
}

/* The names that `branch` requires, by their ordinals in the table of `owner`. */
static bool required_mask(const struct object_rules *owner, const struct object_rules *branch,
                          uint64_t *mask)
{
    *mask = 0;
    for (uint32_t i = 0; i < branch->required_count; i++) {
        const struct property *known = nx_property_find(&owner->table, branch->tracked[i]);
        if (known == NULL || known->ordinal >= NX_FUSED_NAMES_MAX) {
            return false;
        }
        *mask |= (uint64_t)1 << known->ordinal;
    }
    return true;
}

static bool read_choice(const struct object_rules *owner, const struct applicator *a,
                        struct name_choice *out)
{
    if ((a->kind != APPLY_ANY && a->kind != APPLY_ONE && a->kind != APPLY_NOT) ||
        a->count > NX_CHOICE_MAX) {
        return false;
    }
    *out = (struct name_choice){.kind = a->kind, .count = a->count};
    for (uint32_t i = 0; i < a->count; i++) {
        if (!only_requires(a->plans[i]) ||
            !required_mask(owner, a->plans[i]->object, &out->required[i])) {
            return false;
        }
    }
    return true;
}

/*
 * Prepares the plan's choices if all of them are of this kind; then their number is that of its
 * applicators that are not APPLY_ALL. Only for plans of objects alone: there is nothing to choose
 * in an array.
 */
static enum nx_err prepare_choices(struct compiler *c, struct plan *plan)
{
    struct object_rules *rules = plan->object;
    struct name_choice *choices;
    uint32_t count = 0;

    if (rules == NULL || plan->types != 1 << NX_JSON_OBJECT || plan->applicators_count == 0) {
        return NX_OK;
    }
    choices = nx_compile_alloc(c, plan->applicators_count, sizeof(*choices));
    if (choices == NULL) {
        return NX_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < plan->applicators_count; i++) {
        const struct applicator *a = &plan->applicators[i];
        if (a->kind != APPLY_ALL && !read_choice(rules, a, &choices[count++])) {
            return NX_OK;
        }
    }
    rules->choices = choices;
    rules->choices_count = count;
    return NX_OK;
}

/* ---- conjunctions -------------------------------------------------------------------------- */

static bool array_allows(const struct array_rules *rules)
{
    return rules == NULL ||
           (rules->contains == NULL && rules->unevaluated == NULL && !rules->unique);
}

static bool object_allows(const struct object_rules *rules)
{
    if (rules == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < rules->dependents_count; i++) {
        if (rules->dependents[i].plan != NULL) {
            return false;
        }
    }
    return rules->unevaluated == NULL && rules->tracked_count <= NX_FUSED_NAMES_MAX;
}

/* Adds `plan` and what it applies in place; false when one of them needs the tape. */
static bool conjoin(const struct plan *plan, struct conjunction *out)
{
    bool says = plan->types != TYPES_ANY || plan->never || plan->value != NULL ||
                plan->array != NULL || plan->object != NULL;

    if (++out->steps > NX_TOGETHER_MAX || plan->owns_marks || !array_allows(plan->array) ||
        !object_allows(plan->object)) {
        return false;
    }
    if (says) {
        out->plans[out->count++] = plan;
    }
    for (uint32_t i = 0; i < plan->applicators_count; i++) {
        const struct applicator *a = &plan->applicators[i];
        if (a->kind != APPLY_ALL && (plan->object == NULL || plan->object->choices_count == 0)) {
            return false;
        }
        if (a->kind != APPLY_ALL) {
            out->choices += a->count;
            continue;
        }
        for (uint32_t k = 0; k < a->count; k++) {
            if (!conjoin(a->plans[k], out)) { /* as deep as NX_TOGETHER_MAX */
                return false;
            }
        }
    }
    return true;
}

/* Where one plan alone judges an object by its listed names, or an array by its items. */
static void simplify(struct plan *plan)
{
    const struct plan *only = plan->together->plans[0];

    if (plan->together->count != 1 || only->never || only->value != NULL) {
        return;
    }
    if ((only->types & 1 << NX_JSON_OBJECT) != 0 && only->object != NULL &&
        only->object->patterns_count == 0 && only->object->names == NULL) {
        plan->quick.object = only->object;
    }
    if ((only->types & 1 << NX_JSON_ARRAY) != 0) {
        plan->quick.array = only->array;
    }
}

enum nx_err nx_compile_fused(struct compiler *c)
{
    enum nx_err err = NX_OK;

    for (uint32_t i = 0; err == NX_OK && i < c->plans_count; i++) {
        err = prepare_choices(c, c->plans[i]);
    }
    for (uint32_t i = 0; err == NX_OK && i < c->plans_count; i++) {
        struct conjunction found = {0};
        struct conjunction *kept;
        if (c->schema->uses_dynamic_scope || !conjoin(c->plans[i], &found)) {
            continue;
        }
        kept = nx_compile_alloc(c, 1, sizeof(*kept));
        if (kept == NULL) {
            return NX_ERR_NOMEM;
        }
        *kept = found;
        kept->steps += found.choices;
        c->plans[i]->together = kept;
        simplify(c->plans[i]);
    }
    return err;
}
