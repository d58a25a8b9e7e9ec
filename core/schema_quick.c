/*
 * schema_quick.c - prepares compiled plans for the quick answers of schema_quick.h: bounds as
 * integers, the strings of const and enum in a table, references that lead elsewhere and do no
 * more. Adds nothing to what a plan means.
 */
#include "core/schema_quick.h"

#include "core/schema_fused.h"

#include <stdlib.h>

enum { STRINGS_MAX = 1024 }; /* of one enum in a table: larger ones have their hash already */

/* ---- numbers ------------------------------------------------------------------------------- */

static uint64_t power_of_ten(int64_t n)
{
    uint64_t power = 1;

    while (n-- > 0) {
        power *= 10;
    }
    return power;
}

/* |number| in units of 10^-9, at most INT64_MAX; false when it is finer than the unit. */
static bool magnitude_nano(const struct nx_number *number, int64_t *out)
{
    int64_t shift = number->exponent + NX_NANO_DECIMALS;
    uint64_t magnitude;

    *out = INT64_MAX;
    if (number->digits == 0) {
        *out = 0;
        return true;
    }
    if (number->digits + shift > NX_NUMBER_DIGITS_MAX) { /* at least 10^19 of them */
        return true;
    }
    if (shift < 0) {
        return false;
    }
    magnitude = number->mantissa * power_of_ten(shift); /* below 10^19 */
    if (magnitude < INT64_MAX) {
        *out = (int64_t)magnitude;
    }
    return true;
}

/* Narrows high (from above) or, with sign -1, -low; false when nano units cannot tell. */
static bool narrow(const struct nx_number *bound, bool exclusive, int sign, int64_t *limit)
{
    int64_t nano;

    if (bound == NULL) {
        return true;
    }
    if (!magnitude_nano(bound, &nano)) {
        return false;
    }
    if (bound->negative != (sign < 0)) {
        nano = -nano;
    }
    if (nano == -INT64_MAX) { /* beyond all that the units can tell */
        return false;
    }
    nano -= exclusive;
    *limit = nano < *limit ? nano : *limit;
    return true;
}

static void prepare_number(struct number_rules *rules)
{
    int64_t above = INT64_MAX; /* the upper limit, and the lower one with its sign changed */
    int64_t below = INT64_MAX;

    rules->plain = narrow(rules->maximum, false, 1, &above) &&
                   narrow(rules->exclusive_maximum, true, 1, &above) &&
                   narrow(rules->minimum, false, -1, &below) &&
                   narrow(rules->exclusive_minimum, true, -1, &below);
    rules->high = above;
    rules->low = -below;
    if (rules->plain && rules->multiple_of != NULL) {
        rules->plain = magnitude_nano(rules->multiple_of, &rules->step) && rules->step < INT64_MAX;
    }
}

/* ---- const and enum ------------------------------------------------------------------------ */

static enum nx_err prepare_values(struct compiler *c, struct value_rules *rules)
{
    struct property *strings;
    uint32_t count = 0;

    if (rules->count > STRINGS_MAX) {
        return NX_OK;
    }
    strings = nx_compile_alloc(c, rules->count, sizeof(*strings));
    if (strings == NULL) {
        return NX_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct constant *value = &rules->values[i];
        if (nx_json_type(value->json, value->node) == NX_JSON_STRING) {
            strings[count++] = (struct property){.name = nx_json_text(value->json, value->node),
                                                 .bit = UINT32_MAX};
        }
    }
    return count == 0 || nx_property_table_build(&c->schema->arena, strings, count, c->schema->seed,
                                                 &rules->strings)
               ? NX_OK
               : NX_ERR_NOMEM;
}

/* ---- references ---------------------------------------------------------------------------- */

static bool only_refers(const struct plan *plan)
{
    return plan->types == TYPES_ANY && !plan->never && plan->value == NULL &&
           plan->number == NULL && plan->string == NULL && plan->array == NULL &&
           plan->object == NULL && plan->applicators_count == 1 &&
           plan->applicators[0].kind == APPLY_ALL && plan->applicators[0].count == 1;
}

/* References in place cannot go round in circles: schema_compile.c refused those. */
static const struct plan *follow(const struct nx_schema *schema, const struct plan *plan)
{
    while (!schema->uses_dynamic_scope && only_refers(plan)) {
        plan = plan->applicators[0].plans[0];
    }
    return plan;
}

/* Rules that one draft alone has are left to schema_check.c. */
static bool is_of_a_draft(const struct plan *plan)
{
    bool content =
        plan->string != NULL && (plan->string->content_base64 || plan->string->content_json);

    return content || (plan->as_written && (plan->types & TYPES_INTEGER) != 0);
}

/* ---- names --------------------------------------------------------------------------------- */

/* Is it short, and does it stand in JSON text as it is? */
static bool is_plain(struct nx_span text)
{
    const char *end = text.ptr + text.len;

    return text.len <= NX_NAME_GUESS_MAX && nx_scan_plain(text.ptr, end) == end;
}

static int by_place(const void *a, const void *b)
{
    const struct property *left = *(const struct property *const *)a;
    const struct property *right = *(const struct property *const *)b;

    return (left->plan->node > right->plan->node) - (left->plan->node < right->plan->node);
}

/*
 * Chains the properties in the order of the schema. Who writes messages mostly keeps to it, and
 * always to some order; so the next name can be guessed, and a right guess costs no search.
 */
static enum nx_err chain_properties(struct compiler *c, struct object_rules *rules)
{
    struct property_table *table = &rules->table;
    struct property **order;
    uint32_t count = 0;

    if (table->count == 0) {
        return NX_OK;
    }
    order = nx_compile_alloc(c, table->count, sizeof(struct property *));
    if (order == NULL) {
        return NX_ERR_NOMEM;
    }
    for (uint32_t i = 0; i <= table->mask; i++) {
        const struct property *slot = &table->slots[i];
        if (slot->name.ptr != NULL && slot->plan != NULL && slot->ordinal < NX_FUSED_NAMES_MAX &&
            is_plain(slot->name)) {
            order[count++] = &table->slots[i];
        }
    }
    qsort(order, count, sizeof(struct property *), by_place);
    for (uint32_t i = 0; i < count; i++) {
        order[i]->next = i + 1 < count ? order[i + 1] : NULL;
    }
    rules->first = count > 0 ? order[0] : NULL;
    return NX_OK;
}

/* The string of a plan that says nothing but `const` of it; a guess at it costs no search. */
static const struct property *only_string(const struct plan *plan)
{
    const struct value_rules *values = plan->value;
    const struct property *found;

    if (!plan->leaf || plan->string != NULL || values == NULL || values->next != NULL ||
        values->count != 1 || values->strings.count != 1 ||
        (plan->types & 1 << NX_JSON_STRING) == 0) {
        return NULL;
    }
    found = nx_property_find(&values->strings,
                             nx_json_text(values->values[0].json, values->values[0].node));
    return found != NULL && is_plain(found->name) ? found : NULL;
}

enum nx_err nx_compile_quick(struct compiler *c)
{
    enum nx_err err = NX_OK;

    for (uint32_t i = 0; i < c->plans_count && err == NX_OK; i++) {
        struct plan *plan = c->plans[i];
        plan->leaf = plan->applicators_count == 0 && !plan->never && !is_of_a_draft(plan);
        plan->direct = follow(c->schema, plan);
        if (plan->number != NULL) {
            prepare_number(plan->number);
        }
        if (plan->object != NULL) {
            err = chain_properties(c, plan->object);
        }
        for (struct value_rules *v = plan->value; v != NULL && err == NX_OK; v = v->next) {
            err = prepare_values(c, v);
        }
        plan->only = err == NX_OK ? only_string(plan) : NULL;
    }
    return err;
}
