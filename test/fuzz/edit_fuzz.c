/*
 * edit_fuzz.c - nexusctl's edits of a JSON file with comments, on any file. The laws: whatever the
 * reader takes, it takes with an item added to any of its containers; the item is there and every
 * other value is as it was; taken out again, the values are those of before.
 */
#include "ctl/edit.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_FUZZED = 4096, OUT_MAX = 3 * SIZE_MAX_FUZZED, CONTAINERS_MAX = 16 };

static void require(bool law)
{
    if (!law) {
        abort();
    }
}

static struct nx_json *read_again(const struct nx_buf *text)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 1);

    require(json != NULL &&
            nx_json_parse(json, nx_buf_view(text), NX_JSON_COMMENTS, NULL) == NX_OK);
    return json;
}

/* Node by node the same, but for `added` more of them at `at` and the container's length. */
static void require_same(const struct nx_json *a, const struct nx_json *b, uint32_t container,
                         uint32_t at, uint32_t added)
{
    uint32_t count_a, count_b;
    const struct nx_json_node *of_a = nx_json_nodes(a, &count_a);
    const struct nx_json_node *of_b = nx_json_nodes(b, &count_b);

    require(count_b == count_a + added);
    for (uint32_t i = 0; i < count_a; i++) {
        uint32_t k = i < at ? i : i + added;

        require(of_a[i].type == of_b[k].type);
        require(nx_json_length(b, k) == nx_json_length(a, i) + (i == container && added > 0));
        require(nx_span_eq(nx_json_text(a, i), nx_json_text(b, k)));
    }
}

static uint32_t last_value(const struct nx_json *json, uint32_t container)
{
    uint32_t at = 0, key, value = 0;

    while (nx_json_each(json, container, &at, &key, &value)) {
    }
    return value;
}

static void try_container(const struct nx_json *json, uint32_t container)
{
    static const char name[] = "\xF0\x9F\x8C\x8D new"; /* of no input that has not tried hard */
    bool object = nx_json_type(json, container) == NX_JSON_OBJECT;
    struct nx_span item = object ? NX_SPAN("\"\xF0\x9F\x8C\x8D new\": 77") : NX_SPAN("77");
    uint32_t count, next, added = object ? 2 : 1;
    struct nx_buf with, without;
    struct nx_json *more, *less;

    if (object && nx_json_member(json, container, nx_span_from(name)) != 0) {
        return;
    }
    next = nx_json_nodes(json, &count)[container].next;
    nx_buf_init(&with, OUT_MAX);
    nx_buf_init(&without, OUT_MAX);
    require(nx_edit_add(json, container, item, &with) == NX_OK);
    more = read_again(&with);
    require_same(json, more, container, next, added);
    require(nx_span_is(nx_json_text(more, last_value(more, container)), "77"));
    require(nx_edit_remove(more, container, last_value(more, container), &without) == NX_OK);
    less = read_again(&without);
    require_same(json, less, container, next, 0);
    nx_json_free(less);
    nx_json_free(more);
    nx_buf_fini(&without);
    nx_buf_fini(&with);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 1);
    uint32_t count = 0, tried = 0;

    if (json != NULL && size <= SIZE_MAX_FUZZED &&
        nx_json_parse(json, (struct nx_span){(const char *)data, size}, NX_JSON_COMMENTS, NULL) ==
            NX_OK) {
        (void)nx_json_nodes(json, &count);
        for (uint32_t i = 0; i < count && tried < CONTAINERS_MAX; i++) {
            if (nx_json_type(json, i) >= NX_JSON_ARRAY) {
                try_container(json, i);
                tried++;
            }
        }
    }
    nx_json_free(json);
    return 0;
}
