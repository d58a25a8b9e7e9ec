/*
 * maps.c - from a URI to the bytes of a file, by the maps of the command line.
 */
#include "ctl/maps.h"

#include "core/os/file.h"
#include "ctl/ctl.h"

#include <stdlib.h>

enum { DOCUMENTS_MAX = 1024, PATH_BYTES_MAX = 4096 };

bool nx_ctl_maps_add(struct nx_ctl_maps *maps, const char *text)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text || equals[1] == '\0' || maps->count == NX_CTL_MAPS_MAX) {
        (void)fprintf(stderr, "nexusctl: --map %s: expected URI=PATH, %d at most\n", text,
                      NX_CTL_MAPS_MAX);
        return false;
    }
    maps->rows[maps->count].uri = (struct nx_span){text, (size_t)(equals - text)};
    maps->rows[maps->count++].path = equals + 1;
    return true;
}

/* Does a part of the path lead upwards, out of the folder that was mapped? */
static bool leads_up(struct nx_span rest)
{
    while (rest.ptr != NULL) {
        if (nx_span_is(nx_span_cut(&rest, '/'), "..")) {
            return true;
        }
    }
    return false;
}

/* The file that row `i` gives for `uri`; false when it gives none. */
static bool path_of(const struct nx_ctl_maps *maps, size_t i, struct nx_span uri, char *out,
                    size_t size)
{
    struct nx_span prefix = maps->rows[i].uri;
    const char *path = maps->rows[i].path;
    bool folder = prefix.ptr[prefix.len - 1] == '/';
    struct nx_span rest = {"", 0};

    if (folder ? !nx_span_starts(uri, prefix) : !nx_span_eq(uri, prefix)) {
        return false;
    }
    if (folder) {
        rest = (struct nx_span){uri.ptr + prefix.len, uri.len - prefix.len};
    }
    return !leads_up(rest) && (size_t)snprintf(out, size, "%s%s%.*s", path,
                                               folder && path[strlen(path) - 1] != '/' ? "/" : "",
                                               NX_SPAN_ARG(rest)) < size;
}

enum nx_err nx_ctl_maps_resolve(void *ctx, struct nx_span uri, struct nx_span *document)
{
    struct nx_ctl_maps *maps = ctx;
    char path[PATH_BYTES_MAX];

    if (maps->documents == NULL) {
        maps->documents = calloc(DOCUMENTS_MAX, sizeof(*maps->documents));
        if (maps->documents == NULL) {
            return NX_ERR_NOMEM;
        }
    }
    for (size_t i = 0; i < maps->count && maps->documents_count < DOCUMENTS_MAX; i++) {
        struct nx_buf *text = &maps->documents[maps->documents_count];

        if (!path_of(maps, i, uri, path, sizeof(path))) {
            continue;
        }
        nx_buf_init(text, NX_CTL_FILE_MAX);
        if (nx_file_read(path, text, NULL) == NX_OK) {
            maps->documents_count++;
            *document = nx_buf_view(text);
            return NX_OK;
        }
        nx_buf_fini(text);
    }
    return NX_ERR_NOT_FOUND;
}

void nx_ctl_maps_fini(struct nx_ctl_maps *maps)
{
    for (size_t i = 0; i < maps->documents_count; i++) {
        nx_buf_fini(&maps->documents[i]);
    }
    free(maps->documents);
    maps->documents = NULL;
    maps->documents_count = 0;
}
