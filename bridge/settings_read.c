/*
 * settings_read.c - the small readers that the parts of bridge.json share.
 */
#include "bridge/settings_read.h"

#include <stdio.h>
#include <string.h>

enum { SETTINGS_PATH_MAX = 4096 };

/* The place of `node`; the caller then sets the words. */
struct nx_diag *settings_fault(struct loader *in, uint32_t node)
{
    nx_json_diag_at(in->json, node, in->path, in->diag);
    return in->diag;
}

enum nx_err settings_no_memory(struct loader *in)
{
    nx_diag_at(in->diag, in->path, 0, 0);
    nx_diag_set(in->diag, "out of memory");
    return NX_ERR_NOMEM;
}

uint32_t settings_member(const struct loader *in, uint32_t object, const char *key)
{
    return nx_json_member(in->json, object, nx_span_from(key));
}

/* The text of an optional member in the arena; *out stays NULL when it is absent. */
enum nx_err settings_text(struct loader *in, uint32_t object, const char *key, const char **out)
{
    uint32_t node = settings_member(in, object, key);
    struct nx_span text;

    if (node == 0) {
        return NX_OK;
    }
    text = nx_json_text(in->json, node);
    if (memchr(text.ptr, '\0', text.len) != NULL) {
        nx_diag_set(settings_fault(in, node), "holds a NUL character");
        return NX_ERR_INVALID;
    }
    *out = nx_arena_dup(&in->settings->arena, text).ptr;
    return *out != NULL ? NX_OK : settings_no_memory(in);
}

/* A path, resolved against the folder of the file. */
enum nx_err settings_path(struct loader *in, uint32_t object, const char *key, const char **out)
{
    const char *slash = strrchr(in->path, '/');
    char full[SETTINGS_PATH_MAX];
    const char *text = NULL;
    enum nx_err err = settings_text(in, object, key, &text);
    int len;

    if (err != NX_OK || text == NULL) {
        return err;
    }
    if (text[0] == '/' || slash == NULL) {
        *out = text;
        return NX_OK;
    }
    len = snprintf(full, sizeof(full), "%.*s/%s", (int)(slash - in->path), in->path, text);
    if (len < 0 || (size_t)len >= sizeof(full)) {
        nx_diag_set(settings_fault(in, settings_member(in, object, key)), "the path is too long");
        return NX_ERR_LIMIT;
    }
    *out = nx_arena_dup(&in->settings->arena, nx_span_from(full)).ptr;
    return *out != NULL ? NX_OK : settings_no_memory(in);
}

bool settings_bool(const struct loader *in, uint32_t object, const char *key, bool otherwise)
{
    uint32_t node = settings_member(in, object, key);

    return node == 0 ? otherwise : nx_json_type(in->json, node) == NX_JSON_TRUE;
}

/* The schema has checked type and range; the table's own range is what the code relies on. */
enum nx_err settings_number(struct loader *in, uint32_t node, int64_t min, int64_t max,
                            int64_t *out)
{
    if (nx_json_int(in->json, node, out) != NX_OK || *out < min || *out > max) {
        nx_diag_set(settings_fault(in, node), "expected an integer from %lld to %lld",
                    (long long)min, (long long)max);
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

size_t settings_find_node(const struct nx_settings *settings, struct nx_span name)
{
    size_t i = 0;

    while (i < settings->nodes_count && !nx_span_is(name, settings->nodes[i].name)) {
        i++;
    }
    return i;
}
