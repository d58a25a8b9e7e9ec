/*
 * broker_conf.c - mosquitto.conf(5): a line is a key, white space, and a value to the end of the
 * line; `#` begins a comment at the beginning of a line alone. Unknown keys are kept: the broker
 * is the one to judge them.
 */
#include "ctl/broker_conf.h"

#include "core/os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_BYTES_MAX = 16 * 1024 * 1024,
    FILE_BYTES_MAX = 4 * 1024 * 1024,
    LINES_MAX = 16384,
    INCLUDED_MAX = 1024,
    DEPTH_MAX = 4, /* an included file may include again */
    PATH_SIZE = 4096,
};

struct reading {
    struct nx_conf *conf;
    struct nx_diag *diag;
    const char *plugin;
    unsigned listener, depth;
    bool in_bridge;
};

static enum nx_err read_file(struct reading *r, const char *path);

static struct nx_span trim(struct nx_span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && strchr(" \t\r", s.ptr[s.len - 1]) != NULL) {
        s.len--;
    }
    return s;
}

static bool is_key(const struct nx_conf_line *line, const char *key)
{
    return strcmp(line->key, key) == 0;
}

/* Which plugin, listener or bridge the lines from here on belong to. */
static void follow(struct reading *r, struct nx_conf_line *line)
{
    if (is_key(line, "listener")) {
        r->listener++;
        r->in_bridge = false;
        r->plugin = NULL;
    } else if (is_key(line, "connection")) {
        r->in_bridge = true;
    } else if (is_key(line, "plugin") || is_key(line, "global_plugin") ||
               is_key(line, "plugin_load") || is_key(line, "auth_plugin")) {
        r->plugin = line->value;
        r->in_bridge = false;
    }
    line->listener = r->listener;
    line->in_bridge = r->in_bridge;
    line->plugin =
        strncmp(line->key, "plugin_opt_", 11) == 0 || strncmp(line->key, "auth_opt_", 9) == 0
            ? r->plugin
            : NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_conf(const char *name)
{
    size_t length = strlen(name);

    return length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

/* Every file of the folder that ends in .conf, in the order of their bytes. */
static enum nx_err read_folder(struct reading *r, const char *folder)
{
    char *names[INCLUDED_MAX], path[PATH_SIZE];
    enum nx_err err = NX_OK;
    struct dirent *entry;
    size_t count = 0;
    DIR *dir = opendir(folder);

    if (dir == NULL) {
        nx_diag_set(r->diag, "include_dir %s: %s", folder, strerror(errno));
        return NX_ERR_IO;
    }
    while ((entry = readdir(dir)) != NULL && count < INCLUDED_MAX) {
        if (is_conf(entry->d_name)) {
            names[count] = nx_span_dup(nx_span_from(entry->d_name));
            count += names[count] != NULL;
        }
    }
    (void)closedir(dir);
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        err = err == NX_OK ? read_file(r, path) : err;
        free(names[i]);
    }
    return err;
}

static enum nx_err take_line(struct reading *r, const char *file, unsigned number,
                             struct nx_span text)
{
    struct nx_conf *conf = r->conf;
    struct nx_conf_line *line = &conf->lines[conf->count];
    size_t length = 0;

    text = trim(text);
    if (text.len == 0 || text.ptr[0] == '#') {
        return NX_OK;
    }
    if (conf->count == LINES_MAX) {
        nx_diag_set(r->diag, "%s has more than %d lines", file, LINES_MAX);
        return NX_ERR_LIMIT;
    }
    while (length < text.len && text.ptr[length] != ' ' && text.ptr[length] != '\t') {
        length++;
    }
    *line = (struct nx_conf_line){.file = file, .number = number};
    line->key = nx_arena_dup(&conf->arena, (struct nx_span){text.ptr, length}).ptr;
    line->value =
        nx_arena_dup(&conf->arena, trim((struct nx_span){text.ptr + length, text.len - length}))
            .ptr;
    if (line->key == NULL || line->value == NULL) {
        return NX_ERR_NOMEM;
    }
    conf->count++;
    follow(r, line);
    return is_key(line, "include_dir") ? read_folder(r, line->value) : NX_OK;
}

static enum nx_err read_file(struct reading *r, const char *path)
{
    const char *file = nx_arena_dup(&r->conf->arena, nx_span_from(path)).ptr;
    struct nx_buf text;
    struct nx_span rest;
    unsigned number = 0;
    enum nx_err err = file != NULL ? NX_OK : NX_ERR_NOMEM;

    if (r->depth++ == DEPTH_MAX) {
        nx_diag_set(r->diag, "%s: included more than %d deep", path, DEPTH_MAX);
        return NX_ERR_LIMIT;
    }
    nx_buf_init(&text, FILE_BYTES_MAX);
    if (err == NX_OK) {
        err = nx_file_read(path, &text, r->diag);
    }
    rest = nx_buf_view(&text);
    while (err == NX_OK && rest.ptr != NULL) {
        err = take_line(r, file, ++number, nx_span_cut(&rest, '\n'));
    }
    nx_buf_fini(&text);
    r->depth--;
    return err;
}

enum nx_err nx_conf_read(const char *path, struct nx_conf *out, struct nx_diag *diag)
{
    struct reading reading = {.conf = out, .diag = diag};

    *out = (struct nx_conf){0};
    nx_arena_init(&out->arena, ARENA_BYTES_MAX);
    out->lines = nx_arena_array(&out->arena, LINES_MAX, sizeof(*out->lines));
    if (out->lines == NULL) {
        nx_diag_set(diag, "%s", nx_err_text(NX_ERR_NOMEM));
        return NX_ERR_NOMEM;
    }
    return read_file(&reading, path);
}

void nx_conf_fini(struct nx_conf *conf)
{
    nx_arena_fini(&conf->arena);
}

const struct nx_conf_line *nx_conf_find(const struct nx_conf *conf, const char *key)
{
    const struct nx_conf_line *found = NULL;

    for (size_t i = 0; i < conf->count; i++) {
        if (!conf->lines[i].in_bridge && is_key(&conf->lines[i], key)) {
            found = &conf->lines[i];
        }
    }
    return found;
}
