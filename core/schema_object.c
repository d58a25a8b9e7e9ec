/*
 * schema_object.c - compiles the keywords that speak of single member names into one table:
 * properties, required, dependentRequired, dependentSchemas, dependencies. A check then looks each
 * name of the instance up once and learns all there is to know about it.
 *
 * Names whose presence matters (required and dependent*) have a bit each; the required ones come
 * first, so that "all required are there" is a comparison of words.
 */
#include "core/schema_rules.h"

#include "core/base/map.h"

struct names {
    struct compiler *c;
    struct site *site;
    struct object_rules *rules;
    struct property *list;
    uint32_t count;
    struct nx_span *tracked;
    struct nx_map index; /* name to its row in list */
};

/* The row of `name`, made when it is new; NULL when memory is out. */
static struct property *name_row(struct names *names, struct nx_span name)
{
    struct property *row = nx_map_get(&names->index, name);

    if (row == NULL) {
        row = &names->list[names->count];
        *row = (struct property){.name = name, .bit = UINT32_MAX};
        if (nx_map_put(&names->index, name, row) != NX_OK) {
            return NULL;
        }
        names->count++;
    }
    return row;
}

/* The row of the name at tape node `node`, with a bit. */
static enum nx_err track(struct names *names, uint32_t node, struct property **out)
{
    struct object_rules *rules = names->rules;
    struct nx_span name = nx_json_text(names->site->json, node);
    struct property *row = name_row(names, name);

    if (row == NULL) {
        return NX_ERR_NOMEM;
    }
    if (row->bit == UINT32_MAX) {
        if (rules->tracked_count >= NX_SCHEMA_TRACKED_MAX) {
            return nx_compile_fail(names->c, NX_ERR_LIMIT, names->site->plan->document, node,
                                   "more than %u names in required and dependent*",
                                   NX_SCHEMA_TRACKED_MAX);
        }
        names->tracked[rules->tracked_count] = row->name;
        row->bit = rules->tracked_count++;
    }
    *out = row;
    return NX_OK;
}

/* Every item of `array` must be a string that does not repeat. */
static enum nx_err check_name_array(const struct names *names, uint32_t array)
{
    const struct nx_json *json = names->site->json;
    uint32_t end = json->nodes[array].next;

    if (json->nodes[array].type != NX_JSON_ARRAY) {
        return nx_compile_expected(names->c, names->site, array, "an array of member names");
    }
    if (json->nodes[array].length > NX_SCHEMA_TRACKED_MAX) {
        return nx_compile_fail(names->c, NX_ERR_LIMIT, names->site->plan->document, array,
                               "more than %u names", NX_SCHEMA_TRACKED_MAX);
    }
    for (uint32_t j = array + 1; j < end; j = json->nodes[j].next) {
        if (json->nodes[j].type != NX_JSON_STRING) {
            return nx_compile_expected(names->c, names->site, j, "a member name in a string");
        }
        for (uint32_t i = array + 1; i < j; i = json->nodes[i].next) {
            if (nx_span_eq(nx_json_text(json, i), nx_json_text(json, j))) {
                return nx_compile_expected(names->c, names->site, j, "each name once");
            }
        }
    }
    return NX_OK;
}

static enum nx_err add_required(struct names *names)
{
    struct site *s = names->site;
    struct property *row;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    enum nx_err err;

    if (s->required == 0) {
        return NX_OK;
    }
    s->keyword = KW_REQUIRED;
    err = check_name_array(names, s->required);
    while (err == NX_OK && nx_json_each(s->json, s->required, &at, &key, &item)) {
        err = track(names, item, &row);
    }
    names->rules->required_count = names->rules->tracked_count;
    return err;
}

static enum nx_err add_properties(struct names *names)
{
    struct site *s = names->site;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    enum nx_err err = NX_OK;

    s->keyword = KW_PROPERTIES;
    while (err == NX_OK && s->properties != 0 &&
           nx_json_each(s->json, s->properties, &at, &key, &value)) {
        struct property *row = name_row(names, nx_json_text(s->json, key));
        err = row == NULL ? NX_ERR_NOMEM : nx_site_schema(names->c, s, value, &row->plan);
    }
    return err;
}

/* "when `trigger` is there, each of `array` must be" */
static enum nx_err add_dependent_names(struct names *names, uint32_t trigger, uint32_t array)
{
    struct object_rules *rules = names->rules;
    struct site *s = names->site;
    struct property *row;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    enum nx_err err = check_name_array(names, array);

    if (err == NX_OK && s->dialect.draft == NX_DRAFT_04 && s->json->nodes[array].length == 0) {
        return nx_compile_expected(names->c, s, array, "at least one name, in draft 04");
    }
    while (err == NX_OK && nx_json_each(s->json, array, &at, &key, &item)) {
        err = track(names, item, &row);
        if (err == NX_OK) {
            rules->dependents[rules->dependents_count++] = (struct dependent){
                .if_seen = trigger, .then_seen = row->bit, .keyword = s->keyword};
        }
    }
    return err;
}

/* "when `trigger` is there, the object must satisfy the schema at `value`" */
static enum nx_err add_dependent_schema(struct names *names, uint32_t trigger, uint32_t value)
{
    struct object_rules *rules = names->rules;
    struct dependent *dependent = &rules->dependents[rules->dependents_count++];

    *dependent = (struct dependent){.if_seen = trigger, .keyword = names->site->keyword};
    return nx_site_schema(names->c, names->site, value, &dependent->plan);
}

/* The rows of one of the three keywords, whose value is the object at `map`, or 0. */
static enum nx_err add_dependents(struct names *names, enum nx_keyword keyword, uint32_t map)
{
    struct site *s = names->site;
    struct property *row;
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    enum nx_err err = NX_OK;

    s->keyword = keyword;
    while (err == NX_OK && map != 0 && nx_json_each(s->json, map, &at, &key, &value)) {
        bool array = nx_json_type(s->json, value) == NX_JSON_ARRAY;
        err = track(names, key, &row);
        if (err == NX_OK) {
            err = keyword == KW_DEPENDENT_REQUIRED || (keyword == KW_DEPENDENCIES && array)
                      ? add_dependent_names(names, row->bit, value)
                      : add_dependent_schema(names, row->bit, value);
        }
    }
    return err;
}

/* How many names the arrays in the members of the object `map` hold. */
static uint32_t count_names_below(const struct nx_json *json, uint32_t map)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    uint32_t count = 0;

    while (nx_json_each(json, map, &at, &key, &value)) {
        count += json->nodes[value].type == NX_JSON_ARRAY ? json->nodes[value].length : 0;
    }
    return count;
}

/* No more names, and no more dependents, than strings below these keywords. */
static uint32_t count_names(const struct site *s)
{
    const uint32_t values[] = {s->properties, s->required, s->dependent_required,
                               s->dependent_schemas, s->dependencies};
    const uint32_t arrays[] = {s->dependent_required, s->dependencies};
    uint32_t count = 0;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i] != 0) {
            count += s->json->nodes[values[i]].length;
        }
    }
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        if (arrays[i] != 0) {
            count += count_names_below(s->json, arrays[i]);
        }
    }
    return count;
}

enum nx_err nx_compile_names(struct compiler *c, struct site *s)
{
    struct object_rules *rules = s->plan->object;
    uint32_t most = count_names(s);
    struct names names = {.c = c, .site = s, .rules = rules};
    enum nx_err err = NX_ERR_NOMEM;

    if (most == 0) {
        return NX_OK;
    }
    nx_map_init(&names.index, most, c->schema->seed);
    names.list = nx_compile_alloc(c, most, sizeof(*names.list));
    names.tracked = nx_compile_alloc(c, most < NX_SCHEMA_TRACKED_MAX ? most : NX_SCHEMA_TRACKED_MAX,
                                     sizeof(*names.tracked));
    rules->dependents = nx_compile_alloc(c, most, sizeof(*rules->dependents));
    if (names.list == NULL || names.tracked == NULL || rules->dependents == NULL) {
        goto out;
    }
    rules->tracked = names.tracked;
    err = add_required(&names);
    if (err == NX_OK) {
        err = add_properties(&names);
    }
    if (err == NX_OK) {
        err = add_dependents(&names, KW_DEPENDENT_REQUIRED, s->dependent_required);
    }
    if (err == NX_OK) {
        err = add_dependents(&names, KW_DEPENDENT_SCHEMAS, s->dependent_schemas);
    }
    if (err == NX_OK) {
        err = add_dependents(&names, KW_DEPENDENCIES, s->dependencies);
    }
    if (err == NX_OK && !nx_property_table_build(&c->schema->arena, names.list, names.count,
                                                 c->schema->seed, &rules->table)) {
        err = NX_ERR_NOMEM;
    }
out:
    nx_map_fini(&names.index);
    return err;
}
