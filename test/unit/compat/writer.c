/*
 * writer.c - see writer.h.
 */
#include "test/unit/compat/writer.h"

enum { SCHEMA_DEPTH = 2 };

static uint32_t choose(struct writer *w, uint32_t below)
{
    return w->choices[w->at++ % w->choices_count] % below;
}

/* Is the writer's draft `first` or a later one? The drafts are numbered from the latest. */
static bool since(const struct writer *w, enum nx_draft first)
{
    return w->draft <= first;
}

/* One time in `below`, or every other time where the theme is this. */
static bool now_and_then(struct writer *w, enum theme theme, uint32_t below)
{
    return choose(w, w->theme == theme ? 2 : below) == 0;
}

static void put(struct writer *w, const char *text)
{
    (void)nx_buf_str(w->out, text);
}

static void put_one(struct writer *w, const char *const *texts, uint32_t count)
{
    put(w, texts[choose(w, count)]);
}

#define PUT_ONE(w, ...)                                                                            \
    put_one(w, (const char *const[]){__VA_ARGS__},                                                 \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void put_schema(struct writer *w, unsigned depth);

static void put_keyword(struct writer *w, const char *keyword)
{
    put(w, w->any ? ",\"" : "\"");
    w->any = true;
    put(w, keyword);
    put(w, "\":");
}

static void put_inner(struct writer *w, unsigned depth)
{
    bool any = w->any;

    put_schema(w, depth + 1);
    w->any = any;
}

static void put_schemas(struct writer *w, unsigned depth)
{
    uint32_t count = 1 + choose(w, 2);

    put(w, "[");
    for (uint32_t i = 0; i < count; i++) {
        put(w, i > 0 ? "," : "");
        put_inner(w, depth);
    }
    put(w, "]");
}

static void put_map(struct writer *w, const char *const *names, uint32_t count, unsigned depth)
{
    bool any = false;

    put(w, "{");
    for (uint32_t i = 0; i < count; i++) {
        if (choose(w, 2) == 0) {
            put(w, any ? ",\"" : "\"");
            put(w, names[i]);
            put(w, "\":");
            put_inner(w, depth);
            any = true;
        }
    }
    put(w, "}");
}

/* A bound, exclusive one time in three: draft 04 has a flag for that. */
static void put_bound(struct writer *w, const char *bound, const char *exclusive,
                      const char *const *values, uint32_t count)
{
    bool excludes = choose(w, 3) == 0;

    put_keyword(w, excludes && w->draft != NX_DRAFT_04 ? exclusive : bound);
    put_one(w, values, count);
    if (excludes && w->draft == NX_DRAFT_04) {
        put_keyword(w, exclusive);
        put(w, "true");
    }
}

static void put_numbers(struct writer *w)
{
    static const char *const lower[] = {"0", "1", "-1", "0.5", "1.0"};
    static const char *const upper[] = {"2", "3", "1", "2.5", "20e-1"};

    if (choose(w, 2) == 0) {
        put_bound(w, "minimum", "exclusiveMinimum", lower, 5);
    }
    if (choose(w, 2) == 0) {
        put_bound(w, "maximum", "exclusiveMaximum", upper, 5);
    }
    if (choose(w, 4) == 0) {
        put_keyword(w, "multipleOf");
        PUT_ONE(w, "1", "2", "0.5", "1.5", "4");
    }
}

static void put_strings(struct writer *w)
{
    if (choose(w, 3) == 0) {
        put_keyword(w, "minLength");
        PUT_ONE(w, "0", "1", "2");
    }
    if (choose(w, 3) == 0) {
        put_keyword(w, "maxLength");
        PUT_ONE(w, "1", "2", "3");
    }
    if (choose(w, 3) == 0) {
        put_keyword(w, "pattern");
        PUT_ONE(w, "\"^a\"", "\"b$\"", "\"^[ab]*$\"", "\"a|b\"", "\"^.{2}$\"", "\"^a(?=b)\"");
    }
}

static void put_dependencies(struct writer *w, const char *const *names, unsigned depth)
{
    bool later = since(w, NX_DRAFT_2019_09);

    if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, later ? "dependentRequired" : "dependencies");
        PUT_ONE(w, "{\"a\":[\"b\"]}", "{\"b\":[\"a\",\"c\"]}", "{\"a\":[\"a\"]}");
    } else if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, later ? "dependentSchemas" : "dependencies");
        put_map(w, names, 2, depth);
    }
}

static void put_objects(struct writer *w, unsigned depth)
{
    static const char *const names[] = {"a", "b", "ab"};
    static const char *const patterns[] = {"^a", "b$"};

    if (choose(w, 2) == 0) {
        put_keyword(w, "properties");
        put_map(w, names, 3, depth);
    }
    if (now_and_then(w, THEME_OBJECTS, 4)) {
        put_keyword(w, "patternProperties");
        put_map(w, patterns, 2, depth);
    }
    if (now_and_then(w, THEME_OBJECTS, 3)) {
        put_keyword(w, "additionalProperties");
        if (choose(w, 2) == 0) {
            put(w, "false"); /* draft 04 has true and false here */
        } else {
            put_inner(w, depth);
        }
    }
    if (now_and_then(w, THEME_OBJECTS, 3)) {
        put_keyword(w, "required");
        PUT_ONE(w, "[\"a\"]", "[\"b\"]", "[\"a\",\"b\"]", "[\"c\"]", "[\"b\",\"c\"]");
    }
    if (since(w, NX_DRAFT_06) && now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, "propertyNames");
        put_inner(w, depth);
    }
    if (now_and_then(w, THEME_OBJECTS, 8)) {
        put_keyword(w, choose(w, 2) == 0 ? "minProperties" : "maxProperties");
        PUT_ONE(w, "1", "2");
    }
    put_dependencies(w, names, depth);
    if (since(w, NX_DRAFT_2019_09) && choose(w, 12) == 0) {
        put_keyword(w, "unevaluatedProperties");
        PUT_ONE(w, "false", "true", "{\"type\":\"integer\"}");
    }
}

/* Before 2020-12 a prefix is the `items`, and what follows it `additionalItems`. */
static void put_items(struct writer *w, unsigned depth)
{
    bool prefix = now_and_then(w, THEME_ARRAYS, 3);
    bool later = since(w, NX_DRAFT_2020_12);

    if (prefix) {
        put_keyword(w, later ? "prefixItems" : "items");
        put_schemas(w, depth);
    }
    if (choose(w, 2) == 0) {
        put_keyword(w, prefix && !later ? "additionalItems" : "items");
        put_inner(w, depth);
    }
}

static void put_arrays(struct writer *w, unsigned depth)
{
    put_items(w, depth);
    if (since(w, NX_DRAFT_06) && now_and_then(w, THEME_ARRAYS, 5)) {
        put_keyword(w, "contains");
        put_inner(w, depth);
    }
    if (since(w, NX_DRAFT_2019_09) && now_and_then(w, THEME_ARRAYS, 6)) {
        put_keyword(w, choose(w, 2) == 0 ? "minContains" : "maxContains");
        PUT_ONE(w, "0", "1", "2");
    }
    if (now_and_then(w, THEME_ARRAYS, 3)) {
        put_keyword(w, choose(w, 2) == 0 ? "minItems" : "maxItems");
        PUT_ONE(w, "1", "2", "0");
    }
    if (now_and_then(w, THEME_ARRAYS, 6)) {
        put_keyword(w, "uniqueItems");
        put(w, "true");
    }
    if (since(w, NX_DRAFT_2019_09) && choose(w, 16) == 0) {
        put_keyword(w, "unevaluatedItems");
        PUT_ONE(w, "false", "true");
    }
}

static void put_reference(struct writer *w)
{
    put_keyword(w, "$ref");
    if (w->outside && choose(w, 2) == 0) {
        PUT_ONE(w, "\"urn:writer:number\"", "\"urn:writer:earlier\"", "\"urn:writer:y\"",
                "\"urn:writer:number#/$defs/small\"", "\"urn:writer:earlier#list\"");
    } else if (since(w, NX_DRAFT_2019_09)) {
        PUT_ONE(w, "\"#/$defs/x\"", "\"#/$defs/y\"", "\"#\"");
    } else {
        PUT_ONE(w, "\"#/definitions/x\"", "\"#/definitions/y\"", "\"#\"");
    }
}

static void put_in_place(struct writer *w, unsigned depth)
{
    static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
    static const char *const sides[] = {"then", "else"};

    if (choose(w, 4) == 0) {
        put_keyword(w, lists[choose(w, 3)]);
        put_schemas(w, depth);
    }
    if (choose(w, 8) == 0) {
        put_keyword(w, "not");
        put_inner(w, depth);
    }
    if (since(w, NX_DRAFT_07) && choose(w, 8) == 0) {
        put_keyword(w, "if");
        put_inner(w, depth);
        for (uint32_t i = 0; i < 2; i++) {
            if (choose(w, 3) > 0) {
                put_keyword(w, sides[i]);
                put_inner(w, depth);
            }
        }
    }
    if (choose(w, w->outside ? 3 : 8) == 0) {
        put_reference(w);
    }
}

static void put_values(struct writer *w)
{
    if (since(w, NX_DRAFT_06) && choose(w, 2) == 0) {
        put_keyword(w, "const");
        PUT_ONE(w, "1", "1.0", "\"a\"", "null", "false", "0", "{\"a\":1}", "[1]");
    } else {
        put_keyword(w, "enum");
        PUT_ONE(w, "[1,\"a\"]", "[\"a\",1.0,null]", "[true,false]", "[0,1,2]", "[{\"a\":1},[],2]");
    }
}

static void put_type(struct writer *w)
{
    static const char *const typical[THEMES] = {"[\"string\",\"number\"]", "\"number\"",
                                                "\"string\"", "\"object\"", "\"array\""};

    put_keyword(w, "type");
    if (choose(w, 2) == 0) {
        put(w, typical[w->theme]);
        return;
    }
    PUT_ONE(w, "\"number\"", "\"integer\"", "\"string\"", "\"object\"", "\"array\"",
            "[\"string\",\"null\"]", "[\"integer\",\"object\"]", "[\"boolean\",\"number\"]");
}

static void put_keywords(struct writer *w, unsigned depth)
{
    uint32_t kind = choose(w, 8);

    if (kind != 5 && choose(w, 3) > 0) {
        put_type(w);
    }
    if (kind == 5) {
        put_values(w);
    }
    if (kind == 0 || kind == 4 || now_and_then(w, THEME_NUMBERS, 8)) {
        put_numbers(w);
    }
    if (kind == 1 || kind == 4 || now_and_then(w, THEME_STRINGS, 8)) {
        put_strings(w);
    }
    if (kind == 2 || kind == 6 || now_and_then(w, THEME_OBJECTS, 8)) {
        put_objects(w, depth);
    }
    if (kind == 3 || kind == 6 || now_and_then(w, THEME_ARRAYS, 8)) {
        put_arrays(w, depth);
    }
    put_in_place(w, depth);
}

/* Definitions x and y: with `outside` y is a resource of its own. */
static void put_definitions(struct writer *w)
{
    put_keyword(w, since(w, NX_DRAFT_2019_09) ? "$defs" : "definitions");
    put(w, "{\"x\":");
    put_inner(w, 1);
    put(w, ",\"y\":");
    if (w->outside) {
        put(w, w->draft == NX_DRAFT_04 ? "{\"id\"" : "{\"$id\"");
        put(w, ":\"urn:writer:y\",\"allOf\":[");
        put_inner(w, 1);
        put(w, "]}");
    } else {
        put_inner(w, 1);
    }
    put(w, "}");
}

static void put_schema(struct writer *w, unsigned depth)
{
    if (depth > SCHEMA_DEPTH || choose(w, 12) == 0) {
        if (w->draft == NX_DRAFT_04) {
            PUT_ONE(w, "{}", "{\"not\":{}}", "{}", "{\"type\":\"integer\"}",
                    "{\"type\":\"string\"}", "{}");
        } else {
            PUT_ONE(w, "true", "false", "{}", "{\"type\":\"integer\"}", "{\"type\":\"string\"}",
                    "true");
        }
        return;
    }
    put(w, "{");
    w->any = false;
    put_keywords(w, depth);
    put(w, "}");
}

/* ---- documents ----------------------------------------------------------------------------- */

void writer_schema(struct writer *w)
{
    static const char *const dialects[NX_DRAFT_COUNT] = {
        [NX_DRAFT_2020_12] = "https://json-schema.org/draft/2020-12/schema",
        [NX_DRAFT_2019_09] = "https://json-schema.org/draft/2019-09/schema",
        [NX_DRAFT_07] = "http://json-schema.org/draft-07/schema#",
        [NX_DRAFT_06] = "http://json-schema.org/draft-06/schema#",
        [NX_DRAFT_04] = "http://json-schema.org/draft-04/schema#",
    };

    put(w, "{\"$schema\":\"");
    put(w, dialects[w->draft]);
    put(w, "\"");
    w->any = true;
    put_keywords(w, 0);
    put_definitions(w);
    put(w, "}");
}

enum nx_err writer_resolve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    (void)ctx;
    if (nx_span_is(uri, "urn:writer:number")) {
        *document = NX_SPAN("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                            "\"type\":\"number\",\"maximum\":2,"
                            "\"$defs\":{\"small\":{\"exclusiveMaximum\":2}}}");
        return NX_OK;
    }
    if (nx_span_is(uri, "urn:writer:earlier")) {
        *document = NX_SPAN("{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
                            "\"dependencies\":{\"a\":[\"b\"],\"b\":{\"minProperties\":2}},"
                            "\"definitions\":{\"l\":{\"$id\":\"#list\",\"items\":"
                            "[{\"$ref\":\"#/definitions/i\",\"minimum\":1}],"
                            "\"additionalItems\":{\"$ref\":\"#\"}},"
                            "\"i\":{\"type\":\"integer\"}}}");
        return NX_OK;
    }
    return NX_ERR_NOT_FOUND;
}
