/*
 * schema_run.h - what the two halves of a check share: schema_check.c (plans, applicators) and
 * schema_items.c (arrays, objects).
 */
#ifndef NX_SCHEMA_RUN_H
#define NX_SCHEMA_RUN_H

#include "core/schema_plan.h"

#define NX_NO_MARKS SIZE_MAX /* else the index of the first word in check->marks */

/* Makes the check ready to look at `instance`. */
void nx_check_begin(struct nx_check *check, const struct nx_schema *schema,
                    const struct nx_json *instance);

/* Does the value at `node` satisfy `plan`? Marks what the plan evaluates, where somebody asks. */
bool nx_check_plan(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks);

/*
 * A subschema of `keyword` for an item or member; `false` there is a fault of the keyword.
 * `detail` is the fault's: the member's name, or the item's index.
 */
bool nx_check_child(struct nx_check *check, const struct plan *owner, enum nx_keyword keyword,
                    const struct plan *plan, uint32_t node, uint32_t detail);

bool nx_check_array(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks);
bool nx_check_object(struct nx_check *check, const struct plan *plan, uint32_t node, size_t marks);

/* contentEncoding, contentMediaType: the keyword that `text` breaks, or KW_NONE. */
enum nx_keyword nx_check_content(struct nx_check *check, const struct string_rules *rules,
                                 struct nx_span text);

/* Does the expression match the string at `node`? */
bool nx_check_matches(struct nx_check *check, const struct nx_pattern *pattern, uint32_t node);

static inline void nx_check_mark(struct nx_check *check, size_t marks, uint32_t index)
{
    if (marks != NX_NO_MARKS) {
        check->marks[marks + index / 64] |= (uint64_t)1 << (index % 64);
    }
}

static inline bool nx_check_is_marked(const struct nx_check *check, size_t marks, uint32_t index)
{
    return (check->marks[marks + index / 64] >> (index % 64) & 1) != 0;
}

#endif
