/*
 * surroundings.c - looks through mosquitto.conf(5) for the few lines that matter.
 */
#include "plugin/surroundings.h"

#include "plugin/others.h"

#include "core/base/buf.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>

enum {
    FILE_BYTES_MAX = 1024 * 1024,
    INCLUDED_MAX = 256, /* files of one include_dir */
    PATH_SIZE = NX_SURROUNDINGS_PATH_SIZE + 512,
};

/* ---- reading ------------------------------------------------------------------------------ */

static struct nx_span trim(struct nx_span s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 &&
           (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r')) {
        s.len--;
    }
    return s;
}

/* "key value" in its two parts; false: a comment or nothing. */
static bool split_line(struct nx_span line, struct nx_span *key, struct nx_span *value)
{
    *value = trim(line);
    if (value->len == 0 || value->ptr[0] == '#') {
        return false;
    }
    *key = nx_span_cut(value, ' ');
    *value = value->ptr != NULL ? trim(*value) : NX_SPAN("");
    return true;
}

/* True: it is this plugin. */
static bool take_either(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    bool ours = nx_span_eq(nx_others_name(value), nx_others_name(nx_span_from(own)));

    out->other_plugin = out->other_plugin || (!ours && nx_others_is_asked(value));
    out->logins = out->logins || !ours;
    return ours;
}

static void take_plugin(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)take_either(value, own, out);
}

static void take_global_plugin(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    out->own_global = take_either(value, own, out) || out->own_global;
}

/* A name stands before the path. */
static void take_plugin_load(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    out->own_named = take_either(value, own, out) || out->own_named;
}

static void take_acl(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)value;
    (void)own;
    out->acl_file = true;
}

static void take_per_listener(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)own;
    out->per_listener = nx_span_is(value, "true");
}

static void take_source_check(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)own;
    out->source_check = nx_span_is(value, "true");
}

static void take_connection(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)value;
    (void)own;
    out->bridge = true;
}

static void take_passwords(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)value;
    (void)own;
    out->logins = true;
}

static void take_certificates(struct nx_span value, const char *own, struct nx_surroundings *out)
{
    (void)own;
    out->logins = out->logins || nx_span_is(value, "true");
}

static const struct {
    const char *key;
    void (*take)(struct nx_span value, const char *own, struct nx_surroundings *out);
} line_rows[] = {
    {"acl_file", take_acl},
    {"plugin", take_plugin},
    {"auth_plugin", take_plugin},
    {"global_plugin", take_global_plugin},
    {"plugin_load", take_plugin_load},
    {"per_listener_settings", take_per_listener},
    {"connection", take_connection},
    {"check_retain_source", take_source_check},
    {"password_file", take_passwords},
    {"psk_file", take_passwords},
    {"use_identity_as_username", take_certificates},
    {"use_subject_as_username", take_certificates},
};

void nx_surroundings_scan(struct nx_span text, const char *own, struct nx_surroundings *out)
{
    while (text.ptr != NULL) {
        struct nx_span key, value;

        if (!split_line(nx_span_cut(&text, '\n'), &key, &value)) {
            continue;
        }
        for (size_t i = 0; i < sizeof(line_rows) / sizeof(line_rows[0]); i++) {
            if (nx_span_is(key, line_rows[i].key)) {
                line_rows[i].take(value, own, out);
            }
        }
    }
}

static bool read_one(const struct nx_reader *reader, const char *path, const char *own,
                     struct nx_buf *text, struct nx_surroundings *out)
{
    struct nx_diag diag;

    nx_buf_reset(text);
    if (reader->read(reader->ctx, path, text, &diag) != NX_OK) {
        return false;
    }
    nx_surroundings_scan(nx_buf_view(text), own, out);
    return true;
}

static bool is_included(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

/* The *.conf of a folder, as the broker reads them; not what they include in their turn. */
static bool read_dir(const struct nx_reader *reader, const char *dir, const char *own,
                     struct nx_buf *text, struct nx_surroundings *out)
{
    char path[PATH_SIZE];
    DIR *stream = opendir(dir);
    const struct dirent *entry;
    unsigned count = 0;
    bool ok = stream != NULL;

    while (ok && (entry = readdir(stream)) != NULL) {
        if (is_included(entry->d_name)) {
            (void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
            ok = ++count <= INCLUDED_MAX && read_one(reader, path, own, text, out);
        }
    }
    if (stream != NULL) {
        (void)closedir(stream);
    }
    return ok;
}

/* The value of each include_dir line of `text`. */
static bool read_included(const struct nx_reader *reader, struct nx_span text, const char *own,
                          struct nx_surroundings *out)
{
    struct nx_buf included;
    bool ok = true;

    nx_buf_init(&included, FILE_BYTES_MAX);
    while (ok && text.ptr != NULL) {
        char dir[NX_SURROUNDINGS_PATH_SIZE];
        struct nx_span key, value;

        if (split_line(nx_span_cut(&text, '\n'), &key, &value) && nx_span_is(key, "include_dir")) {
            ok =
                nx_span_copy(value, dir, sizeof(dir)) && read_dir(reader, dir, own, &included, out);
        }
    }
    nx_buf_fini(&included);
    return ok;
}

void nx_surroundings_read(const struct nx_reader *reader, const struct nx_surroundings_paths *paths,
                          struct nx_surroundings *out)
{
    struct nx_buf text;

    *out = (struct nx_surroundings){0};
    nx_buf_init(&text, FILE_BYTES_MAX);
    out->known = paths->config[0] != '\0' &&
                 read_one(reader, paths->config, paths->own, &text, out) &&
                 read_included(reader, nx_buf_view(&text), paths->own, out);
    nx_buf_fini(&text);
}

/* ---- where ------------------------------------------------------------------------------- */

/* The argument behind -c of this process, which is the broker. */
static void find_config(struct nx_span command_line, char *out, size_t size)
{
    bool next = false;

    while (command_line.ptr != NULL) {
        struct nx_span argument = nx_span_cut(&command_line, '\0');

        if (next) {
            (void)nx_span_copy(argument, out, size);
        }
        next = nx_span_is(argument, "-c") || nx_span_is(argument, "--config-file");
    }
}

void nx_surroundings_find(const struct nx_reader *reader, struct nx_surroundings_paths *out)
{
    static const char anchor = 0; /* lies in this plugin's file */
    struct nx_buf text;
    struct nx_diag diag;
    Dl_info info = {0};

    out->config[0] = '\0';
    out->own[0] = '\0';
    nx_buf_init(&text, FILE_BYTES_MAX);
    if (reader->read(reader->ctx, "/proc/self/cmdline", &text, &diag) == NX_OK) {
        find_config(nx_buf_view(&text), out->config, sizeof(out->config));
    }
    nx_buf_fini(&text);
    if (dladdr(&anchor, &info) != 0 && info.dli_fname != NULL) {
        (void)nx_span_copy(nx_span_from(info.dli_fname), out->own, sizeof(out->own));
    }
}

/* ---- judging ------------------------------------------------------------------------------ */

static const char *outside_text(const struct nx_surroundings *around, enum nx_outside outside,
                                bool *wrong)
{
    bool beside = around->acl_file || around->other_plugin;

    *wrong = outside == NX_OUTSIDE_ALLOW ? beside : !beside;
    if (outside == NX_OUTSIDE_DEFER) {
        return beside ? "ok"
                      : "wrong: plugin_opt_outside defer, and no acl_file or other plugin "
                        "that decides: everything outside nexus/ is refused; use allow";
    }
    if (around->acl_file) {
        return "wrong: plugin_opt_outside allow beside an acl_file: it opens what that guards; "
               "use defer";
    }
    return beside ? "doubtful: plugin_opt_outside allow beside another plugin: if that decides on "
                    "access, it is opened; use defer then"
                  : "ok";
}

/* What a listener's plugin is not called for: a bridge of the broker's own has no listener. */
static bool is_blind_to_imports(const struct nx_surroundings *around)
{
    return around->bridge && (around->own_named || (around->per_listener && !around->own_global));
}

/* 2.1 asks what belongs to the whole broker before what belongs to a listener. */
static bool is_asked_late(const struct nx_surroundings *around)
{
    return around->own_named && !around->per_listener && (around->acl_file || around->other_plugin);
}

static bool has_source_check(const struct nx_surroundings *around)
{
    return around->source_check;
}

/* Where each opinion on a login is deferred 2.0 refuses it; 2.1 has "as if this were not there". */
static bool shuts_out_names(const struct nx_surroundings *around)
{
    return !around->logins;
}

static const struct {
    bool (*applies)(const struct nx_surroundings *around);
    bool before_2_1; /* alone */
    const char *text;
} remarks[] = {
    {is_blind_to_imports, false,
     "; this plugin is a listener's (per_listener_settings true, or plugin_use), and there is a "
     "connection: what the broker's own bridge imports reaches no plugin and is not judged"},
    {is_asked_late, false,
     "; this plugin is a listener's by plugin_use: an acl_file or a plugin of the "
     "whole broker is asked before it, and what that allows below nexus/ is not "
     "judged; use a plugin line"},
    {has_source_check, false,
     "; check_retain_source true: what this plugin had published retained is kept back once the "
     "broker was restarted, and a replay of the others counts as a publish; use false"},
    {shuts_out_names, true,
     "; no password_file and no other plugin: nobody checks names, and this broker "
     "refuses every client that gives one; use a password_file"},
};

bool nx_surroundings_judge(const struct nx_surroundings *around, enum nx_outside outside,
                           bool ignores, char *out, size_t size)
{
    const char *text = "not known: the broker's configuration file cannot be read";
    bool wrong = false;
    size_t used;

    if (ignores && outside == NX_OUTSIDE_ALLOW) {
        text = "ok: this broker asks the others as if the plugin were not there";
    } else if (around->known) {
        text = outside_text(around, outside, &wrong);
    }
    used = (size_t)snprintf(out, size, "%s", text);
    for (size_t i = 0; around->known && i < sizeof(remarks) / sizeof(remarks[0]); i++) {
        if (!(remarks[i].before_2_1 && ignores) && remarks[i].applies(around) && used < size) {
            used += (size_t)snprintf(out + used, size - used, "%s", remarks[i].text);
            wrong = true;
        }
    }
    return !wrong;
}
