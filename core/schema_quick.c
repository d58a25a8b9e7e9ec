/*
 * schema_quick.c - prepares compiled plans for the quick answers: bounds as integers, the strings of
 * const and enum in a table, names and single strings as tokens, references that lead elsewhere and
 * do no more. Adds nothing to what a plan means.
 */
#include "core/schema_quick.h"

#include "core/format_rules.h"
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

/* The bounds, as far as the units can tell them; false when they cannot. */
static bool prepare_bounds(const struct number_rules *rules, struct quick *quick)
{
    int64_t above = INT64_MAX; /* the upper limit, and the lower one with its sign changed */
    int64_t below = INT64_MAX;

    if (!narrow(rules->maximum, false, 1, &above) ||
        !narrow(rules->exclusive_maximum, true, 1, &above) ||
        !narrow(rules->minimum, false, -1, &below) ||
        !narrow(rules->exclusive_minimum, true, -1, &below)) {
        return false;
    }
    if (rules->multiple_of != NULL &&
        (!magnitude_nano(rules->multiple_of, &quick->step) || quick->step == INT64_MAX)) {
        return false;
    }
    quick->high = above;
    quick->low = -below;
    return true;
}

/* The plan is known to be a leaf. */
static void prepare_number(const struct plan *plan, struct quick *quick)
{
    quick->integer = (plan->types & 1 << NX_JSON_NUMBER) == 0;
    if (plan->value != NULL || (quick->integer && (plan->types & TYPES_INTEGER) == 0)) {
        return;
    }
    if (plan->number == NULL) {
        quick->unbounded = true;
        quick->low = INT64_MIN;
        quick->high = INT64_MAX;
    } else if (!prepare_bounds(plan->number, quick)) {
        return;
    }
    quick->picky = quick->integer || quick->step != 0;
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

/* The token of `text` in quotes, and `behind` them; empty when it does not stand so in JSON. */
static struct token quoted(struct nx_span text, struct nx_span behind)
{
    char bytes[NX_TOKEN_BYTES_MAX] = {'"'};
    const char *end = text.ptr + text.len;
    size_t len = text.len + behind.len + 2;

    if (text.len == 0 || len > sizeof(bytes) || nx_scan_plain(text.ptr, end) != end) {
        return nx_token_make(NX_SPAN(""));
    }
    memcpy(bytes + 1, text.ptr, text.len);
    bytes[1 + text.len] = '"';
    memcpy(bytes + 2 + text.len, behind.ptr, behind.len);
    return nx_token_make((struct nx_span){bytes, len});
}

static int by_place(const void *a, const void *b)
{
    const struct property *left = *(const struct property *const *)a;
    const struct property *right = *(const struct property *const *)b;

    return (left->plan->node > right->plan->node) - (left->plan->node < right->plan->node);
}

/* The properties with a plan, in the order of the schema; their number. */
static uint32_t list_properties(struct property_table *table, struct property **out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; table->count > 0 && i <= table->mask; i++) {
        if (table->slots[i].name.ptr != NULL && table->slots[i].plan != NULL) {
            out[count++] = &table->slots[i];
        }
    }
    if (count > 0) {
        qsort(out, count, sizeof(struct property *), by_place);
    }
    return count;
}

static struct guess guess_of(const struct property *property)
{
    bool has_bit = property->ordinal < NX_FUSED_NAMES_MAX;

    return (struct guess){.token = has_bit ? quoted(property->name, NX_SPAN(":"))
                                           : nx_token_make(NX_SPAN("")),
                          .slot = nx_learned_slot(property->plan->node),
                          .bit = has_bit ? (uint64_t)1 << property->ordinal : 0,
                          .plan = property->plan,
                          .property = property};
}

/*
 * Who writes messages mostly keeps to the order of the schema, and always to some order; so the
 * next name can be guessed, and a right guess costs no search.
 */
static enum nx_err prepare_guesses(struct compiler *c, struct object_rules *rules)
{
    struct property **order =
        nx_compile_alloc(c, (size_t)rules->table.count + 1, sizeof(struct property *));
    struct guess *guesses =
        nx_compile_alloc(c, (size_t)rules->table.count + 1, sizeof(struct guess));
    uint32_t count;

    if (order == NULL || guesses == NULL) {
        return NX_ERR_NOMEM;
    }
    count = list_properties(&rules->table, order);
    for (uint32_t i = 0; i < count; i++) {
        guesses[i] = guess_of(order[i]);
        order[i]->next = &guesses[i + 1];
    }
    guesses[count].token = nx_token_make(NX_SPAN(""));
    guesses[count].slot = nx_learned_slot(count > 0 ? ~order[0]->plan->node : 0);
    rules->guesses = guesses;
    rules->guesses_count = count;
    rules->required_bits = rules->required_count == 0 ? 0
                           : rules->required_count >= 64
                               ? UINT64_MAX
                               : UINT64_MAX >> (64 - rules->required_count);
    return NX_OK;
}

/* ---- strings ------------------------------------------------------------------------------- */

/* The string of a plan that says nothing but `const` of it. */
static struct token only_string(const struct plan *plan)
{
    const struct value_rules *values = plan->value;

    if (plan->string != NULL || values->next != NULL || values->count != 1 ||
        values->strings.count != 1) {
        return nx_token_make(NX_SPAN(""));
    }
    return quoted(nx_json_text(values->values[0].json, values->values[0].node), NX_SPAN(""));
}

/* `format` and perhaps a pattern, which may be one that every date-time matches. */
static enum quick_string prepare_time(const struct string_rules *rules, struct quick *quick)
{
    if (rules->format->valid != nx_format_date_time || rules->length_min > NX_DATE_TIME_LEN ||
        rules->length_max < NX_DATE_TIME_LEN) {
        return QUICK_STRING_LATER;
    }
    if (rules->pattern == NULL) {
        return QUICK_STRING_TIME;
    }
    quick->match = nx_pattern_inline(rules->pattern);
    if (quick->match == NULL) {
        return QUICK_STRING_LATER;
    }
    if (nx_regular_matches_form(quick->match, NX_SPAN("0000-00-00T00:00:00Z"))) {
        quick->match = NULL;
    }
    return QUICK_STRING_TIME;
}

/* The plan is known to be a leaf. */
static enum quick_string prepare_string(const struct plan *plan, struct quick *quick)
{
    const struct string_rules *rules = plan->string;

    quick->length_max = UINT64_MAX;
    if ((plan->types & 1 << NX_JSON_STRING) == 0) {
        return QUICK_STRING_LATER;
    }
    if (plan->value != NULL) {
        quick->token = only_string(plan);
        if (quick->token.len > 0) {
            return QUICK_STRING_TOKEN;
        }
        return rules == NULL && plan->value->next == NULL ? QUICK_STRING_ENUM : QUICK_STRING_LATER;
    }
    if (rules == NULL) {
        return QUICK_STRING_ANY;
    }
    quick->length_min = rules->length_min;
    quick->length_max = rules->length_max;
    if (rules->format == NULL && rules->pattern == NULL) {
        return QUICK_STRING_ANY;
    }
    if (rules->format != NULL) {
        return prepare_time(rules, quick);
    }
    quick->match = nx_pattern_inline(rules->pattern);
    return quick->match != NULL ? QUICK_STRING_MATCH : QUICK_STRING_LATER;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* Of null, false and true those that the plan admits; each equals only itself. */
static uint8_t admitted_words(const struct plan *plan)
{
    uint8_t words = plan->types & (TYPES_BOOLEAN | 1 << NX_JSON_NULL);

    for (const struct value_rules *rules = plan->value; rules != NULL; rules = rules->next) {
        uint8_t among = 0;

        for (uint32_t i = 0; i < rules->count; i++) {
            among |= (uint8_t)(1 << nx_json_type(rules->values[i].json, rules->values[i].node));
        }
        words &= among;
    }
    return words;
}

static void prepare_leaf(const struct plan *plan, struct quick *quick)
{
    quick->words = admitted_words(plan);
    quick->string = prepare_string(plan, quick);
    prepare_number(plan, quick);
}

static enum nx_err prepare(struct compiler *c, struct plan *plan)
{
    enum nx_err err = NX_OK;

    plan->leaf = plan->applicators_count == 0 && !plan->never && !is_of_a_draft(plan);
    plan->direct = follow(c->schema, plan);
    plan->quick = (struct quick){.low = 1, .high = 0, .token = nx_token_make(NX_SPAN(""))};
    if (plan->object != NULL) {
        err = prepare_guesses(c, plan->object);
    }
    for (struct value_rules *v = plan->value; v != NULL && err == NX_OK; v = v->next) {
        err = prepare_values(c, v);
    }
    if (err == NX_OK && plan->leaf) {
        prepare_leaf(plan, &plan->quick);
    }
    return err;
}

enum nx_err nx_compile_quick(struct compiler *c)
{
    enum nx_err err = NX_OK;

    for (uint32_t i = 0; i < c->plans_count && err == NX_OK; i++) {
        err = prepare(c, c->plans[i]);
    }
    for (uint32_t i = 0; i < c->plans_count && err == NX_OK; i++) {
        struct plan *plan = c->plans[i];
        plan->quick = plan->direct->quick; /* a plan that leads nowhere else is its own */
    }
    return err;
}
