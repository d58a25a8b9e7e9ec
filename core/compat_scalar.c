/*
 * compat_scalar.c - the rules for types, numbers and strings (compat_prove.c).
 *
 *   keyword of TO      holds when FROM
 *   type               has no other types; a number that is a multiple of an integer is an integer
 *   integer of 04      has it too
 *   minimum ...        has a bound that is as tight, where integers are told from other numbers
 *   multipleOf         has a multiple of it as multipleOf; or only integers, and it divides 1
 *   minLength ...      has a bound that is as tight, or a pattern that implies it
 *   pattern            has the same pattern, or its patterns and lengths imply it (compat_string.c)
 *   format             has the same format
 */
#include "core/compat_plan.h"

enum { LENGTH_BY_PATTERN_MAX = 256, PATTERN_TEXT_MAX = 64 };

static bool only_integers(const struct facts *from)
{
    struct nx_number step;

    if ((from->types & T_FRACTION) == 0) {
        return true;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t value = compat_kw(from->doc, from->nodes[i], "multipleOf");
        if (value != 0 && compat_number(from->doc, value, &step) && nx_number_is_integer(&step)) {
            return true;
        }
    }
    return false;
}

bool rule_type(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint8_t types = from->types;
    (void)p;

    if (only_integers(from)) {
        types &= (uint8_t)~T_FRACTION;
    }
    return (types & ~compat_type_keyword(to.doc, v)) == 0;
}

/* Only a bundle has the keyword: in a schema that was given it would be somebody else's. */
bool rule_as_written(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    (void)p;
    (void)v;
    for (uint32_t i = 0; i < from->count; i++) {
        if (compat_kw(from->doc, from->nodes[i], COMPAT_AS_WRITTEN) != 0) {
            return from->doc->bundled && to.doc->bundled;
        }
    }
    return false;
}

/* ---- numbers ------------------------------------------------------------------------------- */

/* The smallest integer within a lower bound, or the largest within an upper one (sign -1). */
static bool whole_bound(const struct bound *bound, int sign, int64_t *out)
{
    if (!nx_number_is_integer(&bound->value) || bound->value.digits > 18 ||
        nx_number_int(bound->value.text, out) != NX_OK) {
        return false;
    }
    *out += bound->exclusive ? sign : 0;
    return true;
}

/* Is all within `bound` beyond `limit` (which is itself allowed unless exclusive)? */
static bool is_within(const struct facts *from, const struct bound *bound,
                      const struct bound *limit, int sign)
{
    int order;
    int64_t whole;
    int64_t whole_limit;

    if (!bound->set) {
        return false;
    }
    order = sign * nx_number_compare(&bound->value, &limit->value);
    if (order > 0 || (order == 0 && (bound->exclusive || !limit->exclusive))) {
        return true;
    }
    return only_integers(from) && whole_bound(bound, sign, &whole) &&
           whole_bound(limit, sign, &whole_limit) &&
           (sign > 0 ? whole >= whole_limit : whole <= whole_limit);
}

static bool bound_holds(const struct facts *from, struct subschema to, uint32_t v, bool exclusive,
                        int sign)
{
    struct bound limit = {.set = true, .exclusive = exclusive};
    struct bound bound = sign > 0 ? facts_lower(from) : facts_upper(from);

    return compat_number(to.doc, v, &limit.value) && is_within(from, &bound, &limit, sign);
}

bool rule_minimum(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    (void)p;
    return bound_holds(from, to, v, false, 1);
}

bool rule_maximum(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    (void)p;
    return bound_holds(from, to, v, false, -1);
}

bool rule_exclusive_minimum(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t v)
{
    (void)p;
    return bound_holds(from, to, v, true, 1);
}

bool rule_exclusive_maximum(struct prover *p, const struct facts *from, struct subschema to,
                            uint32_t v)
{
    (void)p;
    return bound_holds(from, to, v, true, -1);
}

bool rule_multiple_of(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    struct nx_number one;
    struct nx_number step;
    struct nx_number own;
    (void)p;

    if (!compat_number(to.doc, v, &step) || step.digits > NX_NUMBER_DIGITS_MAX ||
        nx_number_read(NX_SPAN("1"), &one) != NX_OK) {
        return false;
    }
    if (only_integers(from) && nx_number_is_multiple(&one, &step)) {
        return true;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t value = compat_kw(from->doc, from->nodes[i], "multipleOf");
        if (value != 0 && compat_number(from->doc, value, &own) &&
            own.digits <= NX_NUMBER_DIGITS_MAX && nx_number_is_multiple(&own, &step)) {
            return true;
        }
    }
    return false;
}

/* ---- strings ------------------------------------------------------------------------------- */

void facts_strings(const struct facts *facts, struct string_set *out)
{
    *out = (struct string_set){.exact = true,
                               .length_min = facts_min(facts, "minLength"),
                               .length_max = facts_max(facts, "maxLength")};
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t value = compat_kw(facts->doc, facts->nodes[i], "pattern");
        struct compat_nfa *nfa;
        if (value == 0) {
            continue;
        }
        nfa = out->count < COMPAT_STRING_NFAS_MAX
                  ? compat_nfa_new(nx_json_text(facts->doc->json, value))
                  : NULL;
        if (nfa != NULL) {
            out->patterns[out->count++] = nx_json_text(facts->doc->json, value);
        } else {
            out->exact = false;
        }
        compat_nfa_free(nfa);
    }
}

static bool strings_match(struct prover *p, const struct facts *from, struct nx_span pattern)
{
    struct string_set set;

    facts_strings(from, &set);
    return compat_string_find(&set, pattern, &p->string_states, 0, NULL) == STRING_NONE;
}

bool rule_min_length(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint64_t length = compat_count(to.doc, v);
    struct nx_buf pattern;
    bool ok;

    if (facts_min(from, "minLength") >= length) {
        return true;
    }
    if (length > LENGTH_BY_PATTERN_MAX) {
        return false;
    }
    nx_buf_init(&pattern, PATTERN_TEXT_MAX);
    ok = nx_buf_printf(&pattern, "^[\\s\\S]{%u}", (unsigned)length) == NX_OK &&
         strings_match(p, from, nx_buf_view(&pattern));
    nx_buf_fini(&pattern);
    return ok;
}

bool rule_max_length(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    uint64_t length = compat_count(to.doc, v);
    struct nx_buf pattern;
    bool ok;

    if (facts_max(from, "maxLength") <= length) {
        return true;
    }
    if (length > LENGTH_BY_PATTERN_MAX) {
        return false;
    }
    nx_buf_init(&pattern, PATTERN_TEXT_MAX);
    ok = nx_buf_printf(&pattern, "^[\\s\\S]{0,%u}$", (unsigned)length) == NX_OK &&
         strings_match(p, from, nx_buf_view(&pattern));
    nx_buf_fini(&pattern);
    return ok;
}

static bool has_text(const struct facts *from, const char *keyword, struct nx_span text)
{
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t value = compat_kw(from->doc, from->nodes[i], keyword);
        if (value != 0 && nx_span_eq(nx_json_text(from->doc->json, value), text)) {
            return true;
        }
    }
    return false;
}

bool rule_pattern(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    struct nx_span pattern = nx_json_text(to.doc->json, v);

    return has_text(from, "pattern", pattern) || strings_match(p, from, pattern);
}

bool rule_format(struct prover *p, const struct facts *from, struct subschema to, uint32_t v)
{
    (void)p;
    return has_text(from, "format", nx_json_text(to.doc->json, v));
}
