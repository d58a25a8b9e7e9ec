/*
 * schema_quick.h - a quick yes for a scalar and a plan without in-place applicators: what nearly
 * every value of nearly every message needs. For schema_quick_tape.c and schema_fused*.c; the former
 * also has a quick yes for containers.
 *
 * `true` is a yes. `false` says nothing: whoever gets it asks the complete rules (nx_check_plan),
 * which also find the keyword to name. So nothing here has to be complete, only never wrong.
 */
#ifndef NX_SCHEMA_QUICK_H
#define NX_SCHEMA_QUICK_H

#include "core/json_scan.h"
#include "core/schema_table.h"

static inline __attribute__((always_inline)) bool nx_quick_number(const struct quick *quick,
                                                                  struct nx_nano nano)
{
    if (__builtin_expect(!nano.exact, 0)) {
        return quick->unbounded && (!quick->integer || nano.whole);
    }
    return nano.value >= quick->low && nano.value <= quick->high &&
           (!quick->picky || ((!quick->integer || nano.whole) &&
                              (quick->step == 0 || nano.value % quick->step == 0)));
}

/* A string of n bytes has from n / 4 to n code points. */
static inline bool nx_quick_length(const struct string_rules *rules, size_t bytes)
{
    return bytes <= rules->length_max && (bytes + 3) / 4 >= rules->length_min;
}

/* Of `text` 8 bytes can be read, however short it is. */
static inline bool nx_quick_string(const struct nx_check *check, const struct plan *plan,
                                   struct nx_span text, bool surrogates)
{
    const struct string_rules *rules = plan->string;
    const struct value_rules *values = plan->value;
    bool matched = true;

    if (!plan->leaf || (plan->types & 1 << NX_JSON_STRING) == 0) {
        return false;
    }
    if (values != NULL &&
        (values->next != NULL || !nx_property_find_padded(&values->strings, text))) {
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

/* Is the string that begins at `text`, with zeros behind the document, a quick date-time? */
static inline __attribute__((always_inline)) bool nx_quick_time(const struct quick *quick,
                                                                const char *text)
{
    return nx_scan_date_time(text) && text[NX_DATE_TIME_LEN] == '"' &&
           (quick->match == NULL ||
            nx_regular_match_inline(quick->match, text) == text + NX_DATE_TIME_LEN);
}

/* null, false and true */
static inline bool nx_quick_word(const struct quick *quick, enum nx_json_type type)
{
    return (quick->words >> type & 1) != 0;
}

/* Does nobody ask for each step of the check? */
static inline bool nx_may_be_quick(const struct nx_check *check)
{
    return check->trace == NULL && check->explainer == NULL;
}

/* A quick yes for the value at `node` of the tape: schema_quick_tape.c. */
bool nx_quick_value(struct nx_check *check, const struct plan *plan, uint32_t node);

#endif
