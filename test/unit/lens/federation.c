/*
 * federation.c - see federation.h.
 */
#include "test/unit/unit.h"

#include "core/os/file.h"
#include "test/unit/lens/federation.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 1024 * 1024, TRANSLATION_MAX = 64 * 1024 };

static void must(enum nx_err err, const struct nx_diag *diag)
{
    char text[1024];

    if (err != NX_OK) {
        fail_msg("%s: %s", nx_err_text(err), nx_diag_format(diag, text, sizeof(text)));
    }
}

int federation_open(void **state)
{
    struct nx_reader reader = nx_file_reader();
    struct nx_config_options options = {.seed = 1};
    struct federation *f = calloc(1, sizeof(*f));
    struct nx_diag diag = {0};

    assert_non_null(f);
    must(nx_config_load(&reader, NX_SOURCE_DIR "/config", &options, &f->config, &diag), &diag);
    must(nx_exchange_new(&reader, f->config, 1, &f->exchange, &diag), &diag);
    f->json = nx_json_new(&nx_json_limits_payload, 1);
    f->check = nx_check_new();
    assert_non_null(f->json);
    assert_non_null(f->check);
    *state = f;
    return 0;
}

int federation_close(void **state)
{
    struct federation *f = *state;

    nx_check_free(f->check);
    nx_json_free(f->json);
    nx_exchange_free(f->exchange);
    nx_config_free(f->config);
    free(f);
    return 0;
}

void federation_file(const char *path, struct nx_buf *out)
{
    struct nx_diag diag = {0};

    nx_buf_init(out, FILE_MAX);
    must(nx_file_read(path, out, &diag), &diag);
}

void federation_examples(const char *of, const char *kind, size_t at_least,
                         void (*visit)(struct federation *f, const char *of, const char *path,
                                       struct nx_span bytes),
                         struct federation *f)
{
    char folder[512], path[1024];
    size_t count = 0;
    DIR *dir;

    (void)snprintf(folder, sizeof(folder), "%s/schemas/%s/air/examples/%s", NX_SOURCE_DIR, of,
                   kind);
    dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct nx_buf bytes;
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        federation_file(path, &bytes);
        visit(f, of, path, nx_buf_view(&bytes));
        nx_buf_fini(&bytes);
        count++;
    }
    (void)closedir(dir);
    assert_true(count >= at_least);
}

void must_to_canonical(struct federation *f, const char *city, const char *asset,
                       struct nx_span payload, struct nx_buf *out)
{
    struct nx_diag diag = {0};

    nx_buf_init(out, TRANSLATION_MAX);
    must(nx_exchange_to_canonical(f->exchange, nx_span_from(city), NX_SPAN("air"),
                                  nx_span_from(asset), payload, out, NULL, NULL, &diag),
         &diag);
}

void must_from_canonical(struct federation *f, const char *city, struct nx_span canonical,
                         struct nx_buf *out)
{
    struct nx_diag diag = {0};

    nx_buf_init(out, TRANSLATION_MAX);
    must(nx_exchange_from_canonical(f->exchange, nx_span_from(city), NX_SPAN("air"),
                                    (struct nx_span){NULL, 0}, canonical, out, NULL, &diag),
         &diag);
}

void assert_text(const struct nx_buf *out, const char *expected)
{
    if (!nx_span_is(nx_buf_view(out), expected)) {
        fail_msg("expected %s\ngot      %.*s", expected, NX_SPAN_ARG(nx_buf_view(out)));
    }
}
