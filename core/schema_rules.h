/*
 * schema_rules.h - the functions behind the rows of schema_keyword.c, and the readers of keyword
 * values that they share. For the files that compile keywords only.
 */
#ifndef NX_SCHEMA_RULES_H
#define NX_SCHEMA_RULES_H

#include "core/schema_plan.h"

/* Makes *group, one of the plan's pointers to rules, when it is not yet there; false: no memory. */
#define NX_GROUP(c, group)                                                                         \
    ((group) != NULL || ((group) = nx_compile_alloc((c), 1, sizeof(*(group)))) != NULL)

/* ---- the value of the site's keyword (schema_site.c) --------------------------------------- */

static inline enum nx_json_type nx_site_type(const struct site *s)
{
    return nx_json_type(s->json, s->value);
}

/* A non-negative integer; 2.0 is one. What no payload can reach becomes UINT64_MAX. */
enum nx_err nx_site_count_value(struct compiler *c, const struct site *s, uint64_t *out);

enum nx_err nx_site_number_value(struct compiler *c, const struct site *s,
                                 const struct nx_number **out);
enum nx_err nx_site_schema_value(struct compiler *c, const struct site *s, struct plan **out);

/* The schema at `node`, within the keyword's value. */
enum nx_err nx_site_schema(struct compiler *c, const struct site *s, uint32_t node,
                           struct plan **out);

/* A non-empty array of schemas. */
enum nx_err nx_site_schema_array(struct compiler *c, const struct site *s, struct plan ***out,
                                 uint32_t *count);

/* The regular expression in the string at `node`; the schema owns it. */
enum nx_err nx_site_pattern(struct compiler *c, const struct site *s, uint32_t node,
                            const struct nx_pattern **out);

/* ---- keywords ------------------------------------------------------------------------------ */

/* schema_apply.c */
enum nx_err nx_kw_done(struct compiler *c, struct site *s);
enum nx_err nx_kw_ref(struct compiler *c, struct site *s);
enum nx_err nx_kw_recursive_ref(struct compiler *c, struct site *s);
enum nx_err nx_kw_defs(struct compiler *c, struct site *s);
enum nx_err nx_kw_vocabulary(struct compiler *c, struct site *s);
enum nx_err nx_kw_branches(struct compiler *c, struct site *s);
enum nx_err nx_kw_not(struct compiler *c, struct site *s);
enum nx_err nx_kw_if(struct compiler *c, struct site *s);
enum nx_err nx_kw_prefix_items(struct compiler *c, struct site *s);
enum nx_err nx_kw_items(struct compiler *c, struct site *s);
enum nx_err nx_kw_additional_items(struct compiler *c, struct site *s);
enum nx_err nx_kw_array_schema(struct compiler *c, struct site *s);
enum nx_err nx_kw_array_count(struct compiler *c, struct site *s);
enum nx_err nx_kw_unique_items(struct compiler *c, struct site *s);
enum nx_err nx_kw_names(struct compiler *c, struct site *s);
enum nx_err nx_kw_pattern_properties(struct compiler *c, struct site *s);
enum nx_err nx_kw_object_schema(struct compiler *c, struct site *s);
enum nx_err nx_kw_object_count(struct compiler *c, struct site *s);
enum nx_err nx_kw_finish_if(struct compiler *c, struct site *s);    /* after if, then, else */
enum nx_err nx_kw_finish_items(struct compiler *c, struct site *s); /* ... items, additionalItems */

/* schema_assert.c */
enum nx_err nx_kw_type(struct compiler *c, struct site *s);
enum nx_err nx_kw_const(struct compiler *c, struct site *s);
enum nx_err nx_kw_enum(struct compiler *c, struct site *s);
enum nx_err nx_kw_bound(struct compiler *c, struct site *s);
enum nx_err nx_kw_multiple_of(struct compiler *c, struct site *s);
enum nx_err nx_kw_length(struct compiler *c, struct site *s);
enum nx_err nx_kw_pattern(struct compiler *c, struct site *s);
enum nx_err nx_kw_format(struct compiler *c, struct site *s);
enum nx_err nx_kw_any(struct compiler *c, struct site *s);
enum nx_err nx_kw_text(struct compiler *c, struct site *s);
enum nx_err nx_kw_flag(struct compiler *c, struct site *s);
enum nx_err nx_kw_list(struct compiler *c, struct site *s);
enum nx_err nx_kw_content(struct compiler *c, struct site *s);
enum nx_err nx_kw_content_schema(struct compiler *c, struct site *s);
enum nx_err nx_kw_finish_bounds(struct compiler *c, struct site *s); /* after the bounds */

#endif
