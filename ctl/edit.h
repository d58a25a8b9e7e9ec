/*
 * edit.h - adds and removes one member of a JSON file with comments as a careful person would: by
 * inserting and cutting text. All else, comments and layout among it, stays byte for byte.
 */
#ifndef NX_CTL_EDIT_H
#define NX_CTL_EDIT_H

#include "core/json.h"

/*
 * Writes the document of `json` to `out` with `item` as the last of `container`: for an object
 * `"key": value`, for an array a value. A container that has its items on lines of their own gets
 * one more line.
 */
enum nx_err nx_edit_add(const struct nx_json *json, uint32_t container, struct nx_span item,
                        struct nx_buf *out);

/*
 * The same without the item whose value is the node `value`; with its line, where it is alone on
 * it. NX_ERR_NOT_FOUND: it is none of the container's.
 */
enum nx_err nx_edit_remove(const struct nx_json *json, uint32_t container, uint32_t value,
                           struct nx_buf *out);

#endif
