/*
 * schema_quick.h - a quick yes for a scalar and a plan without in-place applicators: what nearly
 * every value of nearly every message needs. For schema_check.c, schema_items.c, schema_fused.c.
 *
 * `true` is a yes. `false` says nothing: whoever gets it asks the complete rules (nx_check_plan),
 * which also find the keyword to name. So nothing here has to be complete, only never wrong.
 */
#ifndef NX_SCHEMA_QUICK_H
#define NX_SCHEMA_QUICK_H

#include "core/json_scan.h"
#include "core/schema_table.h"

enum { NX_NANO_DECIMALS = 9 };

/* The decimal in units of 10^-9; false when it is finer, or too large. */
static inline bool nx_decimal_nano(struct nx_decimal decimal, int64_t *out)
{
    static const int64_t scale[NX_NANO_DECIMALS + 1] = {
        1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

    return decimal.decimals <= NX_NANO_DECIMALS &&
           !__builtin_mul_overflow(decimal.mantissa, scale[decimal.decimals], out);
}

static inline bool nx_quick_number(const struct plan *plan, struct nx_decimal decimal)
{
    const struct number_rules *rules = plan->number;
    bool typed = (plan->types & 1 << NX_JSON_NUMBER) != 0 ||
                 ((plan->types & TYPES_INTEGER) != 0 && decimal.decimals == 0);
    int64_t nano;

    if (!plan->leaf || !typed || plan->value != NULL) {
        return false;
    }
    if (rules == NULL) {
        return true;
    }
    return rules->plain && nx_decimal_nano(decimal, &nano) && nano >= rules->low &&
           nano <= rules->high && (rules->step == 0 || nano % rules->step == 0);
}

/* A string of n bytes has from n / 4 to n code points. */
static inline bool nx_quick_length(const struct string_rules *rules, size_t bytes)
{
    return bytes <= rules->length_max && (bytes + 3) / 4 >= rules->length_min;
}

static inline bool nx_quick_string(const struct nx_check *check, const struct plan *plan,
                                   struct nx_span text, bool surrogates)
{
    const struct string_rules *rules = plan->string;
    const struct value_rules *values = plan->value;
    bool matched = true;

    if (!plan->leaf || (plan->types & 1 << NX_JSON_STRING) == 0) {
        return false;
    }
    if (values != NULL && (values->next != NULL || !nx_property_find(&values->strings, text))) {
        return false;
    }
    if (rules == NULL) {
        return true;
    }
    if (!nx_quick_length(rules, text.len) ||
        (rules->format != NULL && !rules->format->valid(text))) {
        return false;
    }
    return rules->pattern == NULL ||
           (nx_pattern_match(rules->pattern, check->matcher, text, surrogates, &matched) == NX_OK &&
            matched);
}

/* null, false and true */
static inline bool nx_quick_word(const struct plan *plan, enum nx_json_type type)
{
    return plan->leaf && (plan->types >> type & 1) != 0 && plan->value == NULL;
}

/* Does nobody ask for each step of the check? */
static inline bool nx_may_be_quick(const struct nx_check *check)
{
    return check->trace == NULL && check->explainer == NULL;
}

/* For the value at `node` of the tape, a scalar or not. */
static inline __attribute__((always_inline)) bool
nx_quick_yes(const struct nx_check *check, const struct plan *plan, uint32_t node)
{
    const struct nx_json_node *n = &check->nodes[node];
    struct nx_decimal decimal = {0, 0};
    const char *first;

    switch ((enum nx_json_type)n->type) {
    case NX_JSON_STRING:
        return nx_quick_string(check, plan, nx_json_node_text(check->json, n),
                               (n->flags & NX_JSON_LONE_SURROGATE) != 0);
    case NX_JSON_NUMBER:
        first = check->json->source.ptr + n->text;
        return nx_scan_decimal(first, first + n->length, &decimal) == first + n->length &&
               nx_quick_number(plan, decimal);
    case NX_JSON_NULL:
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
        return nx_quick_word(plan, (enum nx_json_type)n->type);
    case NX_JSON_ARRAY:
    case NX_JSON_OBJECT:
        break;
    }
    return false;
}

#endif
