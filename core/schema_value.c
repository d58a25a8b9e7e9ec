/*
 * schema_value.c - equality of JSON values as JSON Schema means it (core, section 4.2.2), and
 * what rests on it: const, enum, uniqueItems.
 *
 * Numbers are equal as numbers, objects whatever the order of their members; false is not 0.
 * Recursive: bounded by the depth that the reader admitted. Comparing spends the check's budget,
 * so that a sender cannot buy quadratic work.
 */
#include "core/schema_plan.h"

#include "core/base/map.h"

#include <stdlib.h>

enum {
    UNIQUE_PLAIN_MAX = 8,  /* items, and */
    UNIQUE_NODES_MAX = 64, /* nodes in all: up to here every pair is compared */
};

static bool numbers_equal(struct nx_check *check, struct nx_span a, struct nx_span b)
{
    struct nx_number left;
    struct nx_number right;

    if (nx_span_eq(a, b)) {
        return true;
    }
    if (nx_number_read(a, &left) != NX_OK || nx_number_read(b, &right) != NX_OK) {
        check->error = NX_ERR_LIMIT;
        return false;
    }
    return nx_number_compare(&left, &right) == 0;
}

static bool arrays_equal(struct nx_check *check, const struct nx_json *a_json, uint32_t a,
                         const struct nx_json *b_json, uint32_t b)
{
    uint32_t i = a + 1;
    uint32_t j = b + 1;

    while (i < a_json->nodes[a].next) {
        if (!nx_value_equal(check, a_json, i, b_json, j)) {
            return false;
        }
        i = a_json->nodes[i].next;
        j = b_json->nodes[j].next;
    }
    return true;
}

/* The value of the member `name` of `object`; looks at `hint` first. 0: no such member. */
static uint32_t find_member(struct nx_check *check, const struct nx_json *json, uint32_t object,
                            uint32_t hint, struct nx_span name)
{
    const struct nx_json_node *nodes = json->nodes;

    if (hint < nodes[object].next && nx_span_eq(nx_json_node_text(json, &nodes[hint]), name)) {
        return hint + 1;
    }
    for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next) {
        if (!nx_check_step(check)) {
            return 0;
        }
        if (nx_span_eq(nx_json_node_text(json, &nodes[i]), name)) {
            return i + 1;
        }
    }
    return 0;
}

static bool objects_equal(struct nx_check *check, const struct nx_json *a_json, uint32_t a,
                          const struct nx_json *b_json, uint32_t b)
{
    const struct nx_json_node *nodes = a_json->nodes;
    uint32_t hint = b + 1;

    for (uint32_t i = a + 1; i < nodes[a].next; i = nodes[i + 1].next) {
        uint32_t other = find_member(check, b_json, b, hint, nx_json_node_text(a_json, &nodes[i]));
        if (other == 0 || !nx_value_equal(check, a_json, i + 1, b_json, other)) {
            return false;
        }
        hint = b_json->nodes[other].next;
    }
    return true;
}

bool nx_value_equal(struct nx_check *check, const struct nx_json *a_json, uint32_t a,
                    const struct nx_json *b_json, uint32_t b)
{
    const struct nx_json_node *left = &a_json->nodes[a];
    const struct nx_json_node *right = &b_json->nodes[b];

    if (left->type != right->type || !nx_check_step(check)) {
        return false;
    }
    switch ((enum nx_json_type)left->type) {
    case NX_JSON_NULL:
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
        return true;
    case NX_JSON_NUMBER:
        return numbers_equal(check, nx_json_node_text(a_json, left),
                             nx_json_node_text(b_json, right));
    case NX_JSON_STRING:
        return nx_span_eq(nx_json_node_text(a_json, left), nx_json_node_text(b_json, right));
    case NX_JSON_ARRAY:
        return left->length == right->length && arrays_equal(check, a_json, a, b_json, b);
    case NX_JSON_OBJECT:
        return left->length == right->length && objects_equal(check, a_json, a, b_json, b);
    }
    return false;
}

static uint64_t mix(uint64_t hash, uint64_t more)
{
    const uint64_t words[2] = {hash, more};

    return nx_hash((struct nx_span){(const char *)words, sizeof(words)}, hash);
}

/* The hash of an array or object; `memo` as in nx_value_hash. */
static uint64_t hash_content(const struct nx_json *json, uint32_t node, uint64_t seed,
                             uint64_t *memo, enum nx_err *error)
{
    const struct nx_json_node *nodes = json->nodes;
    uint32_t end = nodes[node].next;
    uint64_t hash = mix(seed, nodes[node].type);

    if (nodes[node].type == NX_JSON_ARRAY) {
        for (uint32_t i = node + 1; i < end; i = nodes[i].next) {
            hash = mix(hash, nx_value_hash(json, i, seed, memo, error));
        }
        return hash;
    }
    for (uint32_t i = node + 1; i < end; i = nodes[i + 1].next) { /* their order is nothing */
        hash += mix(nx_hash(nx_json_node_text(json, &nodes[i]), seed),
                    nx_value_hash(json, i + 1, seed, memo, error));
    }
    return hash;
}

uint64_t nx_value_hash(const struct nx_json *json, uint32_t node, uint64_t seed, uint64_t *memo,
                       enum nx_err *error)
{
    const struct nx_json_node *n = &json->nodes[node];
    struct nx_number number;
    uint64_t hash = mix(seed, n->type);

    switch ((enum nx_json_type)n->type) {
    case NX_JSON_NULL:
    case NX_JSON_FALSE:
    case NX_JSON_TRUE:
        break;
    case NX_JSON_NUMBER:
        if (nx_number_read(nx_json_node_text(json, n), &number) != NX_OK) {
            *error = NX_ERR_LIMIT;
            break;
        }
        return nx_number_hash(&number, hash);
    case NX_JSON_STRING:
        return nx_hash(nx_json_node_text(json, n), hash);
    case NX_JSON_ARRAY:
    case NX_JSON_OBJECT:
        hash = memo != NULL ? memo[node] : 0;
        if (hash == 0) { /* not known yet, or really 0 */
            hash = hash_content(json, node, seed, memo, error);
        }
        if (memo != NULL) {
            memo[node] = hash;
        }
        break;
    }
    return hash;
}

/*
 * The hash of a value of the instance. Those of containers are kept, so that uniqueItems or enum at
 * every level of a deep document looks at each value once, and not once for each level above it.
 */
static uint64_t hash_of(struct nx_check *check, uint32_t node)
{
    size_t need = check->nodes[0].next; /* the root's: all of them */
    uint64_t *hashes = NULL;

    if (check->nodes[node].type >= NX_JSON_ARRAY) {
        if (need > check->value_hashes_cap) {
            hashes = realloc(check->value_hashes, need * sizeof(*hashes));
            if (hashes == NULL) {
                check->error = NX_ERR_NOMEM;
                return 0;
            }
            check->value_hashes = hashes;
            check->value_hashes_cap = need;
        }
        if (!check->value_hashes_begun) {
            memset(check->value_hashes, 0, need * sizeof(*hashes));
            check->value_hashes_begun = true;
        }
        hashes = check->value_hashes;
    }
    return nx_value_hash(check->json, node, check->schema->seed, hashes, &check->error);
}

/* ---- const and enum ---------------------------------------------------------------------- */

static bool in_table(struct nx_check *check, const struct value_rules *rules, uint32_t node)
{
    uint64_t hash = hash_of(check, node);
    uint32_t slot = (uint32_t)hash & rules->mask;

    while (rules->slots[slot] != 0) {
        const struct constant *value = &rules->values[rules->slots[slot] - 1];
        if (nx_value_equal(check, value->json, value->node, check->json, node)) {
            return true;
        }
        slot = (slot + 1) & rules->mask;
    }
    return false;
}

static bool in_list(struct nx_check *check, const struct value_rules *rules, uint32_t node)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct constant *value = &rules->values[i];
        if (nx_value_equal(check, value->json, value->node, check->json, node)) {
            return true;
        }
    }
    return false;
}

bool nx_value_check(struct nx_check *check, const struct value_rules *rules, uint32_t node)
{
    return rules->slots != NULL ? in_table(check, rules, node) : in_list(check, rules, node);
}

/* ---- uniqueItems ------------------------------------------------------------------------- */

static bool unique_plain(struct nx_check *check, uint32_t array, uint32_t *first, uint32_t *second)
{
    const struct nx_json_node *nodes = check->nodes;
    uint32_t end = nodes[array].next;

    for (uint32_t j = array + 1; j < end; j = nodes[j].next) {
        for (uint32_t i = array + 1; i < j; i = nodes[i].next) {
            if (nx_value_equal(check, check->json, i, check->json, j)) {
                *first = i;
                *second = j;
                return false;
            }
        }
    }
    return true;
}

static bool reserve_slots(struct nx_check *check, size_t cap)
{
    uint32_t *slots;
    uint64_t *hashes;

    if (cap > check->slots_cap) {
        slots = realloc(check->slots, cap * sizeof(*slots));
        if (slots != NULL) {
            check->slots = slots;
        }
        hashes = realloc(check->hashes, cap * sizeof(*hashes));
        if (hashes != NULL) {
            check->hashes = hashes;
        }
        if (slots == NULL || hashes == NULL) {
            check->error = NX_ERR_NOMEM;
            return false;
        }
        check->slots_cap = cap;
    }
    memset(check->slots, 0, cap * sizeof(*check->slots));
    return true;
}

static bool unique_hashed(struct nx_check *check, uint32_t array, uint32_t *first, uint32_t *second)
{
    const struct nx_json_node *nodes = check->nodes;
    size_t cap = 32;

    while (cap < (size_t)nodes[array].length * 2) {
        cap *= 2;
    }
    if (!reserve_slots(check, cap)) {
        return false;
    }
    for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next) {
        uint64_t hash = hash_of(check, i);
        size_t slot = (size_t)hash & (cap - 1);
        while (check->slots[slot] != 0) { /* 0 is free: no item is node 0 */
            if (check->hashes[slot] == hash &&
                nx_value_equal(check, check->json, check->slots[slot], check->json, i)) {
                *first = check->slots[slot];
                *second = i;
                return false;
            }
            slot = (slot + 1) & (cap - 1);
        }
        check->slots[slot] = i;
        check->hashes[slot] = hash;
    }
    return true;
}

bool nx_value_unique(struct nx_check *check, uint32_t array, uint32_t *first, uint32_t *second)
{
    const struct nx_json_node *node = &check->nodes[array];

    if (node->length < 2) {
        return true;
    }
    if (node->length <= UNIQUE_PLAIN_MAX && node->next - array <= UNIQUE_NODES_MAX) {
        return unique_plain(check, array, first, second);
    }
    return unique_hashed(check, array, first, second);
}
