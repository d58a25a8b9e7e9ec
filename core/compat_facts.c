/*
 * compat_facts.c - what is known of an instance that satisfies several subschemas at once.
 *
 * Each answer may claim too little, never too much: a keyword that is not read, or a subschema
 * beyond COMPAT_NODES_MAX, only makes the set of instances look larger than it is. So a proof that
 * starts from here holds.
 */
#include "core/compat_plan.h"

static const struct {
    const char *name;
    uint8_t types;
} type_names[] = {
    {"null", T_NULL},     {"boolean", T_BOOLEAN}, {"integer", T_INTEGER}, {"number", T_NUMBER},
    {"string", T_STRING}, {"array", T_ARRAY},     {"object", T_OBJECT},
};

static uint8_t named_type(struct nx_span name)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (nx_span_is(name, type_names[i].name)) {
            return type_names[i].types;
        }
    }
    return 0;
}

uint8_t compat_value_type(const struct nx_json *json, uint32_t node)
{
    static const uint8_t types[] = {
        [NX_JSON_NULL] = T_NULL,       [NX_JSON_FALSE] = T_BOOLEAN, [NX_JSON_TRUE] = T_BOOLEAN,
        [NX_JSON_NUMBER] = T_FRACTION, [NX_JSON_STRING] = T_STRING, [NX_JSON_ARRAY] = T_ARRAY,
        [NX_JSON_OBJECT] = T_OBJECT,
    };
    enum nx_json_type type = nx_json_type(json, node);
    struct nx_number number;

    if (type != NX_JSON_NUMBER) {
        return types[type];
    }
    if (nx_number_read(nx_json_text(json, node), &number) != NX_OK) {
        return T_NUMBER; /* its exponent is beyond what is told apart */
    }
    return nx_number_is_integer(&number) ? T_INTEGER : T_FRACTION;
}

/* The types in a list of values, of type names, or of subschemas: their union. */
static uint8_t types_of_list(const struct compat_doc *doc, uint32_t list, unsigned nest,
                             uint8_t (*of)(const struct compat_doc *doc, uint32_t node,
                                           unsigned nest))
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    uint8_t types = 0;

    while (nx_json_each(doc->json, list, &at, &key, &item)) {
        types |= of(doc, item, nest);
    }
    return types;
}

static uint8_t type_of_name(const struct compat_doc *doc, uint32_t node, unsigned nest)
{
    (void)nest;
    return named_type(nx_json_text(doc->json, node));
}

static uint8_t type_of_value(const struct compat_doc *doc, uint32_t node, unsigned nest)
{
    (void)nest;
    return compat_value_type(doc->json, node);
}

/* true, or nothing but annotations */
static bool accepts_all(const struct compat_doc *doc, uint32_t node)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;

    if (nx_json_type(doc->json, node) != NX_JSON_OBJECT) {
        return compat_is_true(doc, node);
    }
    while (nx_json_each(doc->json, node, &at, &key, &value)) {
        if (!compat_is_annotation(doc, nx_json_text(doc->json, key))) {
            return false;
        }
    }
    return true;
}

uint8_t compat_type_keyword(const struct compat_doc *doc, uint32_t value)
{
    return nx_json_type(doc->json, value) == NX_JSON_ARRAY
               ? types_of_list(doc, value, 0, type_of_name)
               : type_of_name(doc, value, 0);
}

static uint8_t types_of_keyword(const struct compat_doc *doc, struct nx_span keyword,
                                uint32_t value, unsigned nest)
{
    uint32_t target;
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;
    uint8_t types = T_ANY;

    if (nx_span_is(keyword, "type")) {
        return compat_type_keyword(doc, value);
    }
    if (nx_span_is(keyword, "const")) {
        return compat_value_type(doc->json, value);
    }
    if (nx_span_is(keyword, "enum")) {
        return types_of_list(doc, value, nest, type_of_value);
    }
    if (nx_span_is(keyword, "$ref") || nx_span_is(keyword, "$dynamicRef")) {
        return compat_follow(doc, value, &target) ? compat_types(doc, target, nest + 1) : T_ANY;
    }
    if (nx_span_is(keyword, "anyOf") || nx_span_is(keyword, "oneOf")) {
        return types_of_list(doc, value, nest + 1, compat_types);
    }
    if (nx_span_is(keyword, "not") && accepts_all(doc, value)) {
        return 0;
    }
    while (nx_span_is(keyword, "allOf") && nx_json_each(doc->json, value, &at, &key, &item)) {
        types &= compat_types(doc, item, nest + 1);
    }
    return types;
}

uint8_t compat_types(const struct compat_doc *doc, uint32_t node, unsigned nest)
{
    uint32_t at = 0;
    uint32_t key;
    uint32_t value;
    uint8_t types = T_ANY;

    if (compat_is_false(doc, node)) {
        return 0;
    }
    while (nest < COMPAT_NEST_MAX && nx_json_type(doc->json, node) == NX_JSON_OBJECT &&
           nx_json_each(doc->json, node, &at, &key, &value)) {
        types &= types_of_keyword(doc, nx_json_text(doc->json, key), value, nest);
    }
    return types;
}

/* ---- gathering ----------------------------------------------------------------------------- */

void facts_init(struct facts *facts, struct compat_doc *doc)
{
    facts->doc = doc;
    facts->count = 0;
    facts->types = T_ANY;
}

static bool facts_hold(const struct facts *facts, uint32_t node)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        if (facts->nodes[i] == node) {
            return true;
        }
    }
    return false;
}

static void facts_follow(struct facts *facts, uint32_t node)
{
    static const char *const references[] = {"$ref", "$dynamicRef"};
    uint32_t all = compat_kw(facts->doc, node, "allOf");
    uint32_t at = 0;
    uint32_t key;
    uint32_t item;

    for (size_t i = 0; i < 2; i++) {
        uint32_t value = compat_kw(facts->doc, node, references[i]);
        if (value != 0 && compat_follow(facts->doc, value, &item)) {
            facts_add(facts, item);
        }
    }
    while (all != 0 && nx_json_each(facts->doc->json, all, &at, &key, &item)) {
        facts_add(facts, item);
    }
}

/* The types of a subschema, looked for once: it is gathered over and over. */
static uint8_t known_types(struct compat_doc *doc, uint32_t node)
{
    if ((doc->types[node] & TYPES_KNOWN) == 0) {
        doc->types[node] = compat_types(doc, node, 0) | TYPES_KNOWN;
    }
    return doc->types[node] & T_ANY;
}

void facts_add(struct facts *facts, uint32_t node)
{
    facts->doc->gathered += facts->doc->gathered < UINT32_MAX;
    if (compat_is_false(facts->doc, node)) {
        facts->types = 0;
    }
    if (nx_json_type(facts->doc->json, node) != NX_JSON_OBJECT ||
        nx_json_length(facts->doc->json, node) == 0 || facts->count == COMPAT_NODES_MAX ||
        facts_hold(facts, node)) {
        return;
    }
    facts->nodes[facts->count++] = node;
    facts->types &= known_types(facts->doc, node);
    facts_follow(facts, node);
}

struct facts facts_of(struct subschema s)
{
    struct facts facts;

    facts_init(&facts, s.doc);
    facts_add(&facts, s.node);
    return facts;
}

/* ---- numbers and counts -------------------------------------------------------------------- */

bool compat_number(const struct compat_doc *doc, uint32_t node, struct nx_number *out)
{
    return nx_json_type(doc->json, node) == NX_JSON_NUMBER &&
           nx_number_read(nx_json_text(doc->json, node), out) == NX_OK;
}

/* A count that no payload reaches is UINT64_MAX. */
uint64_t compat_count(const struct compat_doc *doc, uint32_t node)
{
    int64_t count;

    if (nx_number_int(nx_json_text(doc->json, node), &count) != NX_OK || count < 0) {
        return UINT64_MAX;
    }
    return (uint64_t)count;
}

/* Keeps the tighter of two bounds; `sign` is 1 for a lower, -1 for an upper one. */
static void tighten(struct bound *bound, const struct compat_doc *doc, uint32_t value,
                    bool exclusive, int sign)
{
    struct nx_number number;
    int order;

    if (value == 0 || !compat_number(doc, value, &number)) {
        return;
    }
    order = bound->set ? sign * nx_number_compare(&number, &bound->value) : 1;
    if (order > 0 || (order == 0 && exclusive)) {
        *bound = (struct bound){.set = true, .exclusive = exclusive, .value = number};
    }
}

struct bound facts_lower(const struct facts *facts)
{
    struct bound bound = {0};

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t node = facts->nodes[i];
        tighten(&bound, facts->doc, compat_kw(facts->doc, node, "minimum"), false, 1);
        tighten(&bound, facts->doc, compat_kw(facts->doc, node, "exclusiveMinimum"), true, 1);
    }
    return bound;
}

struct bound facts_upper(const struct facts *facts)
{
    struct bound bound = {0};

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t node = facts->nodes[i];
        tighten(&bound, facts->doc, compat_kw(facts->doc, node, "maximum"), false, -1);
        tighten(&bound, facts->doc, compat_kw(facts->doc, node, "exclusiveMaximum"), true, -1);
    }
    return bound;
}

uint64_t facts_min(const struct facts *facts, const char *keyword)
{
    uint64_t most = 0;

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t value = compat_kw(facts->doc, facts->nodes[i], keyword);
        uint64_t count = value != 0 ? compat_count(facts->doc, value) : 0;
        most = count > most ? count : most;
    }
    return most;
}

uint64_t facts_max(const struct facts *facts, const char *keyword)
{
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t value = compat_kw(facts->doc, facts->nodes[i], keyword);
        uint64_t count = value != 0 ? compat_count(facts->doc, value) : UINT64_MAX;
        least = count < least ? count : least;
    }
    return least;
}

/* maxItems, or the length of the prefix where `items` is false. */
uint64_t facts_max_items(const struct facts *facts)
{
    uint64_t least = facts_max(facts, "maxItems");

    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t items = compat_kw(facts->doc, facts->nodes[i], "items");
        uint32_t prefix = compat_kw(facts->doc, facts->nodes[i], "prefixItems");
        uint64_t length = prefix != 0 ? nx_json_length(facts->doc->json, prefix) : 0;
        if (items != 0 && compat_is_false(facts->doc, items) && length < least) {
            least = length;
        }
    }
    return least;
}

bool facts_required(const struct facts *facts, struct nx_span name)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t list = compat_kw(facts->doc, facts->nodes[i], "required");
        uint32_t at = 0;
        uint32_t key;
        uint32_t item;
        while (list != 0 && nx_json_each(facts->doc->json, list, &at, &key, &item)) {
            if (nx_span_eq(nx_json_text(facts->doc->json, item), name)) {
                return true;
            }
        }
    }
    return false;
}

bool facts_true(const struct facts *facts, const char *keyword)
{
    for (uint32_t i = 0; i < facts->count; i++) {
        uint32_t value = compat_kw(facts->doc, facts->nodes[i], keyword);
        if (value != 0 && compat_is_true(facts->doc, value)) {
            return true;
        }
    }
    return false;
}
