/*
 * schema_fused_value.c - reads and judges a value that one plan judges, in one pass: what nearly
 * all of nearly every message is made of. Everything here is for speed, and whatever is rare is
 * handed on (schema_fused_text.c, schema_fused_lanes.c).
 *
 * Recursive, because the place in the text, the names seen and the guess at the next one then stay
 * in registers; as deep as NX_FUSED_DEPTH_MAX. Two loops have the scalars inlined: one over the
 * members of an object, one over the items of an array.
 */
#include "core/schema_fused.h"
#include "core/schema_quick.h"

/* Inlined into the two loops. */
#define HOT static inline __attribute__((always_inline))

HOT const char *skip_space(const char *p)
{
    return __builtin_expect((unsigned char)*p > ' ', 1) ? p : nx_scan_space(p, NULL);
}

/* ---- what is rare, out of the way of the loops --------------------------------------------- */

#define COLD static __attribute__((noinline, cold))

COLD const char *string_otherwise(struct nx_fused *f, const char *p, const struct plan *plan)
{
    return nx_fused_string(f, p, (struct demand){&plan, 1});
}

COLD const char *number_otherwise(struct nx_fused *f, const char *p, const struct plan *plan)
{
    struct nx_nano nano = nx_scan_nano_long(p);

    if (nano.end != NULL && nx_quick_number(&plan->quick, nano)) {
        return nano.end;
    }
    return nx_fused_number(f, p, (struct demand){&plan, 1});
}

/* Containers that have no loop of their own, and words that the plan does not admit quickly. */
static __attribute__((noinline)) const char *value_otherwise(struct nx_fused *f, const char *p,
                                                             const struct plan *plan)
{
    return nx_fused_values(f, p, (struct demand){&plan, plan != NULL});
}

/* ---- scalars ------------------------------------------------------------------------------- */

/* The rest of a string of any text from its first byte beyond ASCII on, at `p`. */
static __attribute__((noinline)) const char *
read_utf8(const struct nx_fused *f, const struct quick *quick, const char *first, const char *p)
{
    size_t length; /* n bytes are from n / 4 to n code points */

    p = nx_scan_utf8(p, f->reader.end);
    length = (size_t)(p - first);
    return *p == '"' && (length + 3) / 4 >= quick->length_min && length <= quick->length_max ? p + 1
                                                                                             : NULL;
}

/* A string without escapes, of any text. */
HOT const char *read_any_text(const struct nx_fused *f, const struct quick *quick, const char *p)
{
    const char *first = p + 1;
    size_t length;

    p = nx_scan_plain(first, NULL);
    if (__builtin_expect((unsigned char)*p >= 0x80, 0)) {
        return read_utf8(f, quick, first, p);
    }
    length = (size_t)(p - first);
    return *p == '"' && length >= quick->length_min && length <= quick->length_max ? p + 1 : NULL;
}

/* A string of an enum, without escapes and beyond ASCII. */
static __attribute__((noinline)) const char *read_enum(const struct plan *plan, const char *p)
{
    const char *first = p + 1;

    p = nx_scan_plain(first, NULL);
    return *p == '"' &&
                   nx_property_find_padded(&plan->direct->value->strings,
                                           (struct nx_span){first, (size_t)(p - first)}) != NULL
               ? p + 1
               : NULL;
}

HOT const char *read_match(const struct quick *quick, const char *p)
{
    const char *first = p + 1;
    size_t length;

    p = nx_regular_match_inline(quick->match, first);
    if (p == NULL || *p != '"') {
        return NULL;
    }
    length = (size_t)(p - first);
    return length >= quick->length_min && length <= quick->length_max ? p + 1 : NULL;
}

HOT const char *read_string(struct nx_fused *f, const char *p, const struct plan *plan)
{
    const struct quick *quick = &plan->quick;
    const char *behind = NULL;

    switch (quick->string) {
    case QUICK_STRING_LATER:
        break;
    case QUICK_STRING_ANY:
        behind = read_any_text(f, quick, p);
        break;
    case QUICK_STRING_TOKEN:
        behind = nx_token_is(&quick->token, p) ? p + quick->token.len : NULL;
        break;
    case QUICK_STRING_ENUM:
        behind = read_enum(plan, p);
        break;
    case QUICK_STRING_TIME:
        behind = nx_quick_time(quick, p + 1) ? p + NX_DATE_TIME_LEN + 2 : NULL;
        break;
    case QUICK_STRING_MATCH:
        behind = read_match(quick, p);
        break;
    }
    return __builtin_expect(behind != NULL, 1) ? behind : string_otherwise(f, p, plan);
}

HOT const char *read_number(struct nx_fused *f, const char *p, const struct plan *plan)
{
    struct nx_nano nano = nx_scan_nano_short(p);

    if (__builtin_expect(nano.end != NULL && nx_quick_number(&plan->quick, nano), 1)) {
        return nano.end;
    }
    return number_otherwise(f, p, plan);
}

HOT const char *read_word(struct nx_fused *f, const char *p, const struct plan *plan)
{
    const uint64_t five = UINT64_MAX >> 24;
    uint64_t word = nx_scan_word(p);

    if ((uint32_t)word == 0x6C6C756E && nx_quick_word(&plan->quick, NX_JSON_NULL)) {
        return p + 4;
    }
    if ((uint32_t)word == 0x65757274 && nx_quick_word(&plan->quick, NX_JSON_TRUE)) {
        return p + 4;
    }
    if ((word & five) == 0x65736C6166 && nx_quick_word(&plan->quick, NX_JSON_FALSE)) {
        return p + 5;
    }
    return value_otherwise(f, p, plan);
}

/* ---- values -------------------------------------------------------------------------------- */

static const char *read_object(struct nx_fused *f, const char *p, const struct plan *plan);
static const char *read_array(struct nx_fused *f, const char *p, const struct plan *plan);

HOT const char *read_value(struct nx_fused *f, const char *p, const struct plan *plan)
{
    switch (*p) {
    case '"':
        return read_string(f, p, plan);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return read_number(f, p, plan);
    case '{':
        return plan->quick.object != NULL ? read_object(f, p, plan) : value_otherwise(f, p, plan);
    case '[':
        return plan->quick.array != NULL ? read_array(f, p, plan) : value_otherwise(f, p, plan);
    case 't':
    case 'f':
    case 'n':
        return read_word(f, p, plan);
    default:
        return NULL;
    }
}

const char *nx_fused_value(struct nx_fused *f, const char *p, const struct plan *plan)
{
    return read_value(f, p, plan);
}

/* ---- objects ------------------------------------------------------------------------------- */

/* A member's name and colon, when it was not the guessed one; f->found is the rest. */
static __attribute__((noinline)) const char *search_name(struct nx_fused *f, const char *p,
                                                         const struct object_rules *rules,
                                                         const struct guess *guess, uint64_t seen)
{
    struct text name = {.behind = NULL};
    struct found *found = &f->found;
    const struct property *property;

    if (*p == '"') {
        name = nx_fused_text(f, p);
    }
    if (name.behind == NULL) {
        return NULL;
    }
    property = nx_property_find_padded(&rules->table, name.text);
    *found = (struct found){.plan = rules->additional};
    if (property != NULL && property->plan != NULL) {
        found->plan = property->plan;
        found->next = property->next;
        f->learned[guess->slot] = (uint16_t)(property->next - 1 - rules->guesses);
    }
    if (property != NULL && property->ordinal < NX_FUSED_NAMES_MAX) {
        found->bit = (uint64_t)1 << property->ordinal;
    }
    if (found->bit != 0 ? (seen & found->bit) != 0 : !nx_fused_remember(f, name.text)) {
        return NULL;
    }
    p = skip_space(name.behind);
    return *p == ':' ? p + 1 : NULL;
}

/* What came the last time when this guess was wrong. */
HOT const struct guess *recall(const struct nx_fused *f, const struct object_rules *rules,
                               const struct guess *guess)
{
    uint32_t at = f->learned[guess->slot];

    return &rules->guesses[at < rules->guesses_count ? at : rules->guesses_count];
}

HOT bool is_guessed(const struct guess *guess, const char *p, uint64_t seen)
{
    return nx_token_is(&guess->token, p) && (seen & guess->bit) == 0;
}

/* A member's value, of which nothing is asked when the plan is NULL. */
HOT const char *read_member(struct nx_fused *f, const char *p, const struct plan *plan)
{
    p = skip_space(p);
    return plan != NULL ? read_value(f, p, plan) : value_otherwise(f, p, NULL);
}

/*
 * The object at `p`, a brace, which the rules of plan->quick.object alone judge. What a member
 * changes is in local variables whose address nobody takes.
 */
static const char *read_object(struct nx_fused *f, const char *p, const struct plan *plan)
{
    const struct object_rules *rules = plan->quick.object;
    const struct guess *guess = rules->guesses; /* the name that may come next */
    uint64_t seen = 0;
    uint32_t count = 0;

    if (!nx_fused_enter(f)) {
        return NULL;
    }
    p = skip_space(p + 1);
    for (bool more = *p != '}'; more; count++) {
        const struct guess *last = guess;
        const struct plan *member;
        if (is_guessed(guess, p, seen) || is_guessed(guess = recall(f, rules, last), p, seen)) {
            member = guess->plan;
            seen |= guess->bit;
            p += guess->token.len;
            guess++;
        } else {
            guess = last;
            p = search_name(f, p, rules, guess, seen);
            member = f->found.plan;
            seen |= f->found.bit;
            guess = f->found.next != NULL ? f->found.next : guess;
        }
        p = p != NULL ? read_member(f, p, member) : NULL;
        if (p == NULL) {
            return NULL;
        }
        p = skip_space(p);
        more = *p == ',';
        p = more ? skip_space(p + 1) : p;
    }
    return *p == '}' && nx_fused_leave(f, plan->together->steps + count) &&
                   nx_fused_object_holds(rules, seen, count)
               ? p + 1
               : NULL;
}

/* ---- arrays -------------------------------------------------------------------------------- */

/* The array at `p`, a bracket, which the rules of plan->quick.array alone judge. */
static const char *read_array(struct nx_fused *f, const char *p, const struct plan *plan)
{
    const struct array_rules *rules = plan->quick.array;
    uint32_t count = 0;

    if (!nx_fused_enter(f)) {
        return NULL;
    }
    p = skip_space(p + 1);
    if (*p != ']') {
        for (;;) {
            const struct plan *item =
                count < rules->prefix_count ? rules->prefix[count] : rules->items;
            p = item != NULL ? read_value(f, p, item) : value_otherwise(f, p, NULL);
            if (p == NULL) {
                return NULL;
            }
            count++;
            p = skip_space(p);
            if (*p != ',') {
                break;
            }
            p = skip_space(p + 1);
        }
    }
    return *p == ']' && nx_fused_leave(f, plan->together->steps) && count >= rules->count_min &&
                   count <= rules->count_max
               ? p + 1
               : NULL;
}
