/*
 * schema_explain.c - faults in words that the owner of a sensor can act on: what was expected,
 * what was found, where.
 *
 * Runs the same check once more, with an explainer that asks it to go on after a fault. Words are
 * made of the schema document's own text, so that 0.10 in a schema is 0.10 in the message.
 *
 * What `detail` of a fault is: required, dependentRequired: the place in tracked or dependents;
 * additionalProperties and its like: the node of the member's name; uniqueItems: the node of the
 * item that repeats; oneOf, contains and its like: how many held; items and its like: the index.
 */
#include "core/schema_plan.h"

#include "core/utf8.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FOUND_BYTES_MAX = 60, /* of a value or a name that is quoted */
    NOTE_BYTES_MAX = 120, /* of a title or a description */
    LISTED_MAX = 24,      /* names or values in "one of ..." */
};

struct explainer {
    unsigned faults_left;
    bool (*fault)(void *ctx, const struct nx_fault *fault);
    void *ctx;
};

/* Text that is cut at its end, never in the middle of a character. */
struct words {
    char *out;
    size_t size;
    size_t len;
    bool full; /* something was cut: nothing more fits */
};

static void say(struct words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Takes a character off the end that was cut in its middle. */
static void drop_torn_character(struct words *w)
{
    size_t lead = w->len;

    while (lead > 0 && ((unsigned char)w->out[lead - 1] & 0xC0) == 0x80) {
        lead--;
    }
    if (lead > 0 && nx_utf8_valid(w->out + lead - 1, w->out + w->len) == 0) {
        w->len = lead - 1;
        w->out[w->len] = '\0';
    }
}

static void say(struct words *w, const char *fmt, ...)
{
    size_t room = w->size - w->len;
    va_list args;
    int need;

    if (w->full) {
        return;
    }
    va_start(args, fmt);
    need = vsnprintf(w->out + w->len, room, fmt, args);
    va_end(args);
    if (need < 0) {
        return;
    }
    w->full = (size_t)need >= room;
    w->len += w->full ? room - 1 : (size_t)need;
    if (w->full) {
        drop_torn_character(w);
    }
}

/* At most `max` bytes, cut between characters. */
static struct nx_span shorten(struct nx_span text, size_t max, bool *cut)
{
    *cut = text.len > max;
    if (*cut) {
        text.len = max;
        while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xC0) == 0x80) {
            text.len--;
        }
    }
    return text;
}

static void say_raw(struct words *w, const struct nx_json *json, uint32_t node)
{
    bool cut;
    struct nx_span raw = shorten(nx_json_raw(json, node), FOUND_BYTES_MAX, &cut);

    say(w, "%.*s%s", NX_SPAN_ARG(raw), cut ? "..." : "");
}

static void say_name(struct words *w, struct nx_span name)
{
    bool cut;

    name = shorten(name, FOUND_BYTES_MAX, &cut);
    say(w, "\"%.*s%s\"", NX_SPAN_ARG(name), cut ? "..." : "");
}

/* ", found the string "12.5"" */
static void say_found(struct words *w, const struct nx_check *check, uint32_t node)
{
    const struct nx_json_node *n = &check->nodes[node];

    switch ((enum nx_json_type)n->type) {
    case NX_JSON_NULL:
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
    case NX_JSON_NUMBER:
        say(w, ", found ");
        say_raw(w, check->json, node);
        break;
    case NX_JSON_STRING:
        say(w, ", found the string ");
        say_raw(w, check->json, node);
        break;
    case NX_JSON_ARRAY:
        say(w, ", found an array of %u item%s", n->length, n->length == 1 ? "" : "s");
        break;
    case NX_JSON_OBJECT:
        say(w, ", found an object");
        break;
    }
}

/* ---- one function for each kind of keyword ----------------------------------------------- */

struct report {
    const struct nx_check *check;
    const struct plan *plan;
    const struct nx_json *schema; /* the document that plan is in */
    enum nx_keyword keyword;
    uint32_t node;
    uint32_t detail;
};

/* The value of the report's keyword in the schema, or 0. */
static uint32_t keyword_value(const struct report *r)
{
    return nx_json_member(r->schema, r->plan->node, nx_span_from(nx_keyword_name(r->keyword)));
}

static void say_never(struct words *w, const struct report *r)
{
    (void)r;
    say(w, "no value is allowed here");
}

static void say_type(struct words *w, const struct report *r)
{
    static const struct {
        uint8_t bits;
        const char *name;
    } names[] = {
        {1 << NX_JSON_OBJECT, "an object"}, {1 << NX_JSON_ARRAY, "an array"},
        {1 << NX_JSON_STRING, "a string"},  {1 << NX_JSON_NUMBER, "a number"},
        {TYPES_INTEGER, "an integer"},      {TYPES_BOOLEAN, "true or false"},
        {1 << NX_JSON_NULL, "null"},
    };
    bool first = true;

    say(w, "expected ");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((r->plan->types & names[i].bits) != 0) {
            say(w, "%s%s", first ? "" : " or ", names[i].name);
            first = false;
        }
    }
    if (r->plan->as_written && (r->plan->types & TYPES_INTEGER) != 0 &&
        nx_json_type(r->check->json, r->node) == NX_JSON_NUMBER) {
        say(w, ", in draft 04 one without fraction and exponent");
    }
    say_found(w, r->check, r->node);
}

static void say_const(struct words *w, const struct report *r)
{
    say(w, "expected ");
    say_raw(w, r->schema, keyword_value(r));
    say_found(w, r->check, r->node);
}

static void say_enum(struct words *w, const struct report *r)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    unsigned count = 0;

    say(w, "expected one of ");
    while (nx_json_each(r->schema, keyword_value(r), &at, &key, &item)) {
        if (count == LISTED_MAX) {
            say(w, ", ...");
            break;
        }
        say(w, "%s", count++ > 0 ? ", " : "");
        say_raw(w, r->schema, item);
    }
    say_found(w, r->check, r->node);
}

static void say_bounds(struct words *w, const struct report *r)
{
    const struct number_rules *rules = r->plan->number;
    const struct nx_number *low = rules->minimum;
    const struct nx_number *high = rules->maximum;
    bool above = rules->exclusive_minimum != NULL &&
                 (low == NULL || nx_number_compare(rules->exclusive_minimum, low) >= 0);
    bool below = rules->exclusive_maximum != NULL &&
                 (high == NULL || nx_number_compare(rules->exclusive_maximum, high) <= 0);

    low = above ? rules->exclusive_minimum : low;
    high = below ? rules->exclusive_maximum : high;
    say(w, "expected a number ");
    if (low != NULL && high != NULL && !above && !below) {
        say(w, "from %.*s to %.*s", NX_SPAN_ARG(low->text), NX_SPAN_ARG(high->text));
    } else {
        if (low != NULL) {
            say(w, "%s %.*s", above ? "greater than" : "of at least", NX_SPAN_ARG(low->text));
        }
        say(w, "%s", low != NULL && high != NULL ? " and " : "");
        if (high != NULL) {
            say(w, "%s %.*s", below ? "less than" : "of at most", NX_SPAN_ARG(high->text));
        }
    }
    say_found(w, r->check, r->node);
}

static void say_multiple(struct words *w, const struct report *r)
{
    say(w, "expected a multiple of ");
    say_raw(w, r->schema, keyword_value(r));
    say_found(w, r->check, r->node);
}

static void say_length(struct words *w, const struct report *r)
{
    size_t count = nx_utf8_count(nx_json_text(r->check->json, r->node));

    say(w, "expected at %s ", r->keyword == KW_MIN_LENGTH ? "least" : "most");
    say_raw(w, r->schema, keyword_value(r));
    say(w, " characters, found %zu", count);
}

/* What the subschema calls itself, for those who do not read regular expressions. */
static void say_note(struct words *w, const struct report *r)
{
    uint32_t note = nx_json_member(r->schema, r->plan->node, NX_SPAN("title"));
    struct nx_span text;
    bool cut;

    if (note == 0) {
        note = nx_json_member(r->schema, r->plan->node, NX_SPAN("description"));
    }
    if (nx_json_type(r->schema, note) != NX_JSON_STRING || nx_json_text(r->schema, note).len == 0) {
        return;
    }
    text = nx_json_raw(r->schema, note); /* with its escapes: no control character gets out */
    text.ptr++;
    text.len -= 2;
    text = shorten(text, NOTE_BYTES_MAX, &cut);
    say(w, " (%.*s%s)", NX_SPAN_ARG(text), cut ? "..." : "");
}

static void say_pattern(struct words *w, const struct report *r)
{
    say(w, "expected text that matches ");
    say_raw(w, r->schema, keyword_value(r));
    say_note(w, r);
    say_found(w, r->check, r->node);
}

static void say_format(struct words *w, const struct report *r)
{
    say(w, "expected %s", r->plan->string->format->expects);
    say_found(w, r->check, r->node);
}

static void say_content(struct words *w, const struct report *r)
{
    say(w, "expected %s",
        r->keyword == KW_CONTENT_ENCODING ? "base64"
        : r->plan->string->content_base64 ? "JSON in base64"
                                          : "JSON in this string");
    say_found(w, r->check, r->node);
}

static void say_count(struct words *w, const struct report *r)
{
    bool least = r->keyword == KW_MIN_ITEMS || r->keyword == KW_MIN_PROPERTIES;
    bool items = r->keyword == KW_MIN_ITEMS || r->keyword == KW_MAX_ITEMS;

    say(w, "expected at %s ", least ? "least" : "most");
    say_raw(w, r->schema, keyword_value(r));
    say(w, " %s, found %u", items ? "items" : "members", r->check->nodes[r->node].length);
}

static void say_contains(struct words *w, const struct report *r)
{
    const struct array_rules *rules = r->plan->array;
    bool most = r->keyword == KW_MAX_CONTAINS;

    say(w,
        "expected at %s %llu of the items to be of the kind that \"contains\" describes, found %u",
        most ? "most" : "least",
        (unsigned long long)(most ? rules->contains_max : rules->contains_min), r->detail);
}

static void say_unique(struct words *w, const struct report *r)
{
    const struct nx_json_node *nodes = r->check->nodes;
    unsigned index = 0;

    for (uint32_t i = r->node + 1; i < r->detail; i = nodes[i].next) {
        index++;
    }
    say(w, "expected all items to differ, but item %u repeats an earlier one: ", index);
    say_raw(w, r->check->json, r->detail);
}

static void say_extra_item(struct words *w, const struct report *r)
{
    say(w, "no item is allowed at place %u of this array", r->detail);
}

static void say_required(struct words *w, const struct report *r)
{
    say(w, "required member ");
    say_name(w, r->plan->object->tracked[r->detail]);
    say(w, " is missing");
}

static void say_dependent(struct words *w, const struct report *r)
{
    const struct object_rules *rules = r->plan->object;
    const struct dependent *dependent = &rules->dependents[r->detail];

    say(w, "member ");
    say_name(w, rules->tracked[dependent->then_seen]);
    say(w, " is missing: it is required where ");
    say_name(w, rules->tracked[dependent->if_seen]);
    say(w, " is present");
}

/* A member that no schema admits. The known names are listed in the schema's order. */
static void say_unknown_member(struct words *w, const struct report *r)
{
    uint32_t properties = nx_json_member(r->schema, r->plan->node, NX_SPAN("properties"));
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    unsigned count = 0;

    say(w, "unknown member ");
    say_raw(w, r->check->json, r->detail);
    while (properties != 0 && nx_json_each(r->schema, properties, &at, &key, &value)) {
        if (count == LISTED_MAX) {
            say(w, ", ...");
            break;
        }
        say(w, "%s", count++ == 0 ? ": expected one of " : ", ");
        say_raw(w, r->schema, key);
    }
}

static void say_forbidden_member(struct words *w, const struct report *r)
{
    say(w, "member ");
    say_raw(w, r->check->json, r->detail);
    say(w, " is not allowed here");
}

/* The name, where an alternative is {"required": [NAME]} and nothing else; else 0. */
static uint32_t only_required(const struct nx_json *schema, uint32_t alternative)
{
    uint32_t names = nx_json_member(schema, alternative, NX_SPAN("required"));
    uint32_t at = 0, key, name;

    return names != 0 && nx_json_length(schema, alternative) == 1 &&
                   nx_json_length(schema, names) == 1 &&
                   nx_json_each(schema, names, &at, &key, &name)
               ? name
               : 0;
}

/* "One of these members has to be there", the commonest use of anyOf; false: it is another. */
static bool say_needed(struct words *w, const struct report *r)
{
    uint32_t alternatives = keyword_value(r), at = 0, key, value;
    unsigned count = 0;

    while (nx_json_each(r->schema, alternatives, &at, &key, &value)) {
        if (only_required(r->schema, value) == 0) {
            return false;
        }
    }
    say(w, "expected one of the members ");
    for (at = 0; nx_json_each(r->schema, alternatives, &at, &key, &value); count++) {
        if (count == LISTED_MAX) {
            say(w, ", ...");
            break;
        }
        say(w, "%s", count > 0 ? ", " : "");
        say_raw(w, r->schema, only_required(r->schema, value));
    }
    say(w, ", none is there");
    return true;
}

static void say_branches(struct words *w, const struct report *r)
{
    unsigned count = r->schema->nodes[keyword_value(r)].length;

    if ((r->keyword == KW_ANY_OF || r->detail == 0) && say_needed(w, r)) {
        return;
    }
    if (r->keyword == KW_ONE_OF) {
        say(w, "expected exactly one of the %u alternatives to fit, %s does", count,
            r->detail == 0 ? "none" : "more than one");
    } else {
        say(w, "expected one of the %u alternatives to fit, none does", count);
    }
    say_found(w, r->check, r->node);
}

static void say_not(struct words *w, const struct report *r)
{
    say(w, "expected a value other than what \"not\" describes");
    say_found(w, r->check, r->node);
}

static void (*const speakers[KW_COUNT])(struct words *w, const struct report *r) = {
    [KW_NONE] = say_never,
    [KW_TYPE] = say_type,
    [KW_CONST] = say_const,
    [KW_ENUM] = say_enum,
    [KW_MINIMUM] = say_bounds,
    [KW_MAXIMUM] = say_bounds,
    [KW_EXCLUSIVE_MINIMUM] = say_bounds,
    [KW_EXCLUSIVE_MAXIMUM] = say_bounds,
    [KW_MULTIPLE_OF] = say_multiple,
    [KW_MIN_LENGTH] = say_length,
    [KW_MAX_LENGTH] = say_length,
    [KW_PATTERN] = say_pattern,
    [KW_FORMAT] = say_format,
    [KW_MIN_ITEMS] = say_count,
    [KW_MAX_ITEMS] = say_count,
    [KW_MIN_PROPERTIES] = say_count,
    [KW_MAX_PROPERTIES] = say_count,
    [KW_CONTAINS] = say_contains,
    [KW_MIN_CONTAINS] = say_contains,
    [KW_MAX_CONTAINS] = say_contains,
    [KW_UNIQUE_ITEMS] = say_unique,
    [KW_ITEMS] = say_extra_item,
    [KW_PREFIX_ITEMS] = say_extra_item,
    [KW_ADDITIONAL_ITEMS] = say_extra_item,
    [KW_CONTENT_ENCODING] = say_content,
    [KW_CONTENT_MEDIA_TYPE] = say_content,
    [KW_UNEVALUATED_ITEMS] = say_extra_item,
    [KW_REQUIRED] = say_required,
    [KW_DEPENDENT_REQUIRED] = say_dependent,
    [KW_DEPENDENCIES] = say_dependent,
    [KW_ADDITIONAL_PROPERTIES] = say_unknown_member,
    [KW_UNEVALUATED_PROPERTIES] = say_unknown_member,
    [KW_PROPERTIES] = say_forbidden_member,
    [KW_PATTERN_PROPERTIES] = say_forbidden_member,
    [KW_PROPERTY_NAMES] = say_forbidden_member,
    [KW_ANY_OF] = say_branches,
    [KW_ONE_OF] = say_branches,
    [KW_NOT] = say_not,
};

/* ---- the report -------------------------------------------------------------------------- */

/* A node's pointer into `out`, cut when it is longer. */
static void put_pointer(struct words *w, const struct nx_json *json, uint32_t node)
{
    struct nx_buf pointer;

    nx_buf_init(&pointer, 4096);
    (void)nx_json_pointer(json, node, &pointer);
    if (pointer.len > 0) {
        say(w, "%.*s", (int)pointer.len, pointer.data);
    }
    nx_buf_fini(&pointer);
}

static void put_schema_pointer(struct nx_fault *fault, const struct report *r)
{
    const struct document *doc = &r->check->schema->documents[r->plan->document];
    struct words w = {.out = fault->schema, .size = sizeof(fault->schema)};

    if (r->plan->document != 0) {
        say(&w, "%.*s#", NX_SPAN_ARG(doc->uri));
    }
    put_pointer(&w, doc->json, r->plan->node);
    if (r->keyword != KW_NONE) {
        say(&w, "/%s", nx_keyword_name(r->keyword));
    }
}

bool nx_check_more(const struct nx_check *check)
{
    return check->explainer != NULL && check->quiet == 0 && check->explainer->faults_left > 0 &&
           check->error == NX_OK;
}

static void tell(struct nx_check *check, const struct report *report)
{
    struct explainer *explainer = check->explainer;
    struct nx_fault fault = {.node = report->node};
    struct words text = {.out = fault.text, .size = sizeof(fault.text)};
    struct words pointer = {.out = fault.instance, .size = sizeof(fault.instance)};

    (void)snprintf(fault.keyword, sizeof(fault.keyword), "%s",
                   report->keyword == KW_NONE ? "false" : nx_keyword_name(report->keyword));
    put_pointer(&pointer, check->json, report->node);
    put_schema_pointer(&fault, report);
    speakers[report->keyword](&text, report);
    explainer->faults_left--;
    if (!explainer->fault(explainer->ctx, &fault)) {
        explainer->faults_left = 0;
    }
}

void nx_check_words(const struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                    uint32_t node, uint32_t detail, char *out, size_t size)
{
    const struct nx_json *schema = check->schema->documents[plan->document].json;
    const struct report report = {check, plan, schema, keyword, node, detail};
    struct words words = {.out = out, .size = size};

    out[0] = '\0';
    speakers[keyword](&words, &report);
}

bool nx_check_fault(struct nx_check *check, const struct plan *plan, enum nx_keyword keyword,
                    uint32_t node, uint32_t detail)
{
    if (nx_check_more(check) && check->trace != NULL) {
        nx_trace_fault(check, plan, keyword, node, detail);
    } else if (nx_check_more(check)) {
        const struct nx_json *schema = check->schema->documents[plan->document].json;
        const struct report report = {check, plan, schema, keyword, node, detail};
        tell(check, &report);
    }
    return nx_check_more(check);
}

enum nx_err nx_schema_explain(const struct nx_schema *schema, struct nx_check *check,
                              const struct nx_json *instance, unsigned faults_max,
                              bool (*fault)(void *ctx, const struct nx_fault *fault), void *ctx)
{
    struct explainer explainer = {faults_max, fault, ctx};
    enum nx_err err;

    check->explainer = &explainer;
    err = nx_check_run(check, schema, instance);
    check->explainer = NULL;
    return err;
}
