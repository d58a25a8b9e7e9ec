/*
 * json_names.c - finds a member name that is repeated in its object. Parsers disagree about which
 * value then counts, so one that let it pass would judge a value that its reader never sees.
 */
#include "core/json_reader.h"

#include "core/base/map.h"

#include <stdlib.h>

/* The fault of a name that is repeated; false. */
static bool repeated_key(struct json_reader *r, uint32_t key)
{
    struct nx_span name = nx_json_node_text(r->json, &r->nodes[key]);

    if (name.len > 100) {
        name.len = 100;
    }
    r->err = NX_ERR_SYNTAX;
    r->fault = r->start + r->nodes[key].offset;
    nx_diag_set(r->diag, "the member name \"%.*s\" is repeated in this object", NX_SPAN_ARG(name));
    return false;
}

static inline bool same_text(const struct nx_json *json, const struct nx_json_node *a,
                             const struct nx_json_node *b)
{
    return a->length == b->length &&
           memcmp(nx_json_node_text(json, a).ptr, nx_json_node_text(json, b).ptr, a->length) == 0;
}

bool nx_json_check_name(struct json_reader *r, uint32_t object, uint32_t key)
{
    for (uint32_t i = object + 1; i < key; i = r->nodes[i + 1].next) {
        if (same_text(r->json, &r->nodes[i], &r->nodes[key])) {
            return repeated_key(r, key);
        }
    }
    return true;
}

static bool reserve_slots(struct nx_json *json, size_t cap)
{
    uint32_t *slots;

    if (cap > json->slots_cap) {
        slots = realloc(json->slots, cap * sizeof(*slots));
        if (slots == NULL) {
            return false;
        }
        json->slots = slots;
        json->slots_cap = cap;
    }
    memset(json->slots, 0, cap * sizeof(*json->slots));
    return true;
}

/* A seeded hash table of the names: linear time whatever names the sender chose. */
bool nx_json_check_wide(struct json_reader *r, uint32_t object, uint32_t end)
{
    struct nx_json *json = r->json;
    size_t cap = 64;

    while (cap < (size_t)r->nodes[object].length * 2) {
        cap *= 2;
    }
    if (!reserve_slots(json, cap)) {
        r->err = NX_ERR_NOMEM;
        r->fault = r->start + r->nodes[object].offset;
        return false;
    }
    for (uint32_t i = object + 1; i < end; i = r->nodes[i + 1].next) {
        size_t at = (size_t)nx_hash(nx_json_node_text(json, &r->nodes[i]), json->seed) & (cap - 1);
        while (json->slots[at] != 0) { /* 0 is free: no member name is node 0 */
            if (same_text(json, &r->nodes[json->slots[at]], &r->nodes[i])) {
                return repeated_key(r, i);
            }
            at = (at + 1) & (cap - 1);
        }
        json->slots[at] = i;
    }
    return true;
}
