/*
 * others.c - one row for each plugin that comes with Mosquitto 2.0 or 2.1.
 */
#include "plugin/others.h"

#include <stddef.h>

static const struct others_row {
    const char *name;
    bool asked, decides;
} rows[] = {
    {"mosquitto_dynamic_security.so", true, true}, /* 2.1: for what its roles name */
    {"mosquitto_acl_file.so", true, true},         {"mosquitto_password_file.so", false, false},
    {"mosquitto_persist_sqlite.so", false, false}, {"mosquitto_sparkplug_aware.so", false, false},
};

struct nx_span nx_others_name(struct nx_span path)
{
    struct nx_span name = path;

    while (path.ptr != NULL) {
        name = nx_span_cut(&path, '/');
    }
    return name;
}

static const struct others_row *find(struct nx_span path)
{
    struct nx_span name = nx_others_name(path);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (nx_span_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

bool nx_others_is_asked(struct nx_span path)
{
    const struct others_row *row = find(path);

    return row == NULL || row->asked;
}

bool nx_others_decides(struct nx_span path)
{
    const struct others_row *row = find(path);

    return row != NULL && row->decides;
}
