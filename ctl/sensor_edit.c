/*
 * sensor_edit.c - what `sensor add` puts into the three files and `sensor remove` takes out of
 * them: as text beside what is there, in memory. What is there already stays as it is.
 */
#include "ctl/sensor.h"

#include "ctl/edit.h"

#include "core/policy.h"

#include <stdarg.h>

enum { ITEM_BYTES_MAX = 4096 };

__attribute__((format(printf, 2, 3))) static void say(struct nx_sensor *s, const char *fmt, ...)
{
    char line[NX_SENSOR_PATH_SIZE + NX_REPLACE_PATH_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    (void)nx_buf_str(&s->said, line);
}

/* --- add ----------------------------------------------------------------------------------- */

static bool edit_add(struct nx_sensor *s, int which, uint32_t container, struct nx_buf *item)
{
    struct nx_replacement *file = &s->files[which];
    struct nx_buf out;
    bool ok;

    nx_buf_init(&out, file->after.max);
    ok = nx_buf_error(item) == NX_OK &&
         nx_edit_add(s->json, container, nx_buf_view(item), &out) == NX_OK;
    if (ok) {
        nx_buf_fini(&file->after);
        file->after = out;
        file->wanted = true;
    } else {
        nx_buf_fini(&out);
    }
    nx_buf_fini(item);
    return ok || nx_sensor_complain("cannot be edited: too large, or memory is out", file->path);
}

static uint32_t row_of(const struct nx_sensor *s, struct nx_span name)
{
    return nx_json_member(s->json, nx_json_member(s->json, 0, NX_SPAN("identities")), name);
}

/* What a row with a capture gives this name: a row of its own goes before it, and is all it has. */
static void write_taken_over(const struct nx_subject *shared, struct nx_buf *item)
{
    for (size_t i = 0; i < shared->identity->assets_count; i++) {
        (void)nx_buf_printf(item, "\"%.*s/", NX_SPAN_ARG(shared->identity->assets[i].domain));
        nx_policy_add_asset(item, shared->identity->assets[i].asset, shared->capture);
        (void)nx_buf_str(item, "\", ");
    }
}

static bool add_identity_row(struct nx_sensor *s, const struct nx_subject *shared)
{
    uint32_t limits = 0;
    struct nx_buf item;

    nx_buf_init(&item, ITEM_BYTES_MAX);
    (void)nx_json_quote(&item, nx_span_from(s->name));
    (void)nx_buf_str(&item, ": { \"role\": \"sensor\", \"assets\": [");
    if (shared->identity != NULL) {
        write_taken_over(shared, &item);
        limits = nx_json_member(s->json, row_of(s, shared->identity->name), NX_SPAN("limits"));
        say(s, "%s: a sensor of its own for %s, with what \"%.*s\" gave it\n",
            s->files[NX_SENSOR_CITY].path, s->asset_path, NX_SPAN_ARG(shared->identity->name));
    } else {
        say(s, "%s: a sensor of its own for %s\n", s->files[NX_SENSOR_CITY].path, s->asset_path);
    }
    (void)nx_buf_printf(&item, "\"%s\"]", s->asset_path);
    if (limits != 0) {
        (void)nx_buf_printf(&item, ", \"limits\": %.*s", NX_SPAN_ARG(nx_json_raw(s->json, limits)));
    }
    (void)nx_buf_str(&item, " }");
    return edit_add(s, NX_SENSOR_CITY, nx_json_member(s->json, 0, NX_SPAN("identities")), &item);
}

static bool add_to_identity(struct nx_sensor *s, const struct nx_identity *identity)
{
    struct nx_buf item;

    nx_buf_init(&item, ITEM_BYTES_MAX);
    (void)nx_buf_printf(&item, "\"%s\"", s->asset_path);
    say(s, "%s: one asset more for this sensor, %s\n", s->files[NX_SENSOR_CITY].path,
        s->asset_path);
    return edit_add(s, NX_SENSOR_CITY,
                    nx_json_member(s->json, row_of(s, identity->name), NX_SPAN("assets")), &item);
}

static bool add_identity(struct nx_sensor *s)
{
    struct nx_subject subject = nx_policy_subject(s->city, nx_span_from(s->name));

    if (nx_sensor_may_publish(s, s->config)) {
        say(s, "%s: stays; \"%.*s\" gives it %s already\n", s->files[NX_SENSOR_CITY].path,
            NX_SPAN_ARG(subject.identity->name), s->asset_path);
        return true;
    }
    if (subject.identity != NULL && subject.identity->role != NX_ROLE_SENSOR) {
        (void)fprintf(stderr, "nexusctl: %s has the role %s: another name for the sensor\n",
                      s->name, nx_role_name(subject.identity->role));
        return false;
    }
    if (!nx_sensor_parse(s, NX_SENSOR_CITY)) {
        return false;
    }
    if (subject.identity != NULL && nx_span_is(subject.identity->name, s->name)) {
        return add_to_identity(s, subject.identity);
    }
    return add_identity_row(s, &subject);
}

static void write_asset(const struct nx_sensor *s, struct nx_buf *item)
{
    const char *comma = s->position != NULL ? strchr(s->position, ',') : NULL;

    (void)nx_buf_printf(item, "\"%.*s\": { \"name\": ", NX_SPAN_ARG(s->asset));
    (void)nx_json_quote(item, s->title != NULL ? nx_span_from(s->title) : s->asset);
    if (comma != NULL) {
        (void)nx_buf_printf(item, ", \"position\": [%.*s, %s]", (int)(comma - s->position),
                            s->position, comma + 1);
    }
    (void)nx_buf_str(item, " }");
}

static bool add_asset(struct nx_sensor *s)
{
    const struct nx_domain *domain = nx_city_domain(s->city, s->domain);
    struct nx_buf item;
    uint32_t rows;

    if (domain == NULL) {
        return nx_sensor_complain("city.json has no such domain", s->asset_path);
    }
    if (nx_map_get(&domain->assets_by_id, s->asset) != NULL) {
        say(s, "%s: stays; it has %s\n", s->files[NX_SENSOR_ASSETS].path, s->asset_path);
        return (s->position == NULL && s->title == NULL) ||
               nx_sensor_complain(
                   "assets.json has it already: --position and --title are for a new one",
                   s->asset_path);
    }
    if (!nx_sensor_parse(s, NX_SENSOR_ASSETS)) {
        return false;
    }
    nx_buf_init(&item, ITEM_BYTES_MAX);
    rows = nx_json_member(s->json, 0, s->domain);
    if (rows != 0) {
        write_asset(s, &item);
    } else { /* the first of its domain */
        (void)nx_buf_printf(&item, "\"%.*s\": {\n        ", NX_SPAN_ARG(s->domain));
        write_asset(s, &item);
        (void)nx_buf_str(&item, "\n    }");
    }
    say(s, "%s: %s%s\n", s->files[NX_SENSOR_ASSETS].path, s->asset_path,
        s->position != NULL ? "" : ", without a position: its readings will have none");
    return edit_add(s, NX_SENSOR_ASSETS, rows, &item);
}

static bool add_password(struct nx_sensor *s)
{
    struct nx_replacement *file = &s->files[NX_SENSOR_PASSWORDS];
    struct nx_span old = nx_buf_view(&file->before), name = nx_span_from(s->name);
    struct nx_diag diag = {0};
    enum nx_err err;

    if (s->passwords == NULL) {
        return true;
    }
    if (s->password_file == NULL && nx_passwords_has(old, name)) {
        say(s, "%s: stays; it has a password for %s\n", file->path, s->name);
        return true;
    }
    err = s->password_file != NULL ? nx_password_read(s->password_file, s->password, &diag)
                                   : nx_password_draw(s->password, &diag);
    if (err == NX_OK) {
        err = nx_passwords_without(old, name, &file->after);
    }
    if (err == NX_OK) {
        err = nx_passwords_line(name, s->password, &file->after, &diag);
    }
    file->wanted = err == NX_OK;
    if (file->wanted) {
        say(s, "%s: %s password for %s\n", file->path,
            s->password_file != NULL ? "the given" : "a drawn", s->name);
    }
    return file->wanted || nx_sensor_complain_diag(&diag);
}

/* --- remove -------------------------------------------------------------------------------- */

static bool edit_remove(struct nx_sensor *s, int which, uint32_t container, uint32_t value)
{
    struct nx_replacement *file = &s->files[which];

    file->wanted = nx_edit_remove(s->json, container, value, &file->after) == NX_OK;
    return file->wanted || nx_sensor_complain("cannot be edited: memory is out", file->path);
}

/* The named asset in the row, or 0; *others: it has more. */
static uint32_t asset_in(const struct nx_sensor *s, uint32_t row, bool *others)
{
    uint32_t assets = nx_json_member(s->json, row, NX_SPAN("assets"));
    uint32_t at = 0, key, node, found = 0;

    while (nx_json_each(s->json, assets, &at, &key, &node)) {
        if (nx_span_is(nx_json_text(s->json, node), s->asset_path)) {
            found = node;
        }
    }
    *others = nx_json_length(s->json, assets) > 1;
    return found;
}

/* Its row, or of several assets the one that was named. */
static bool remove_row(struct nx_sensor *s, uint32_t row)
{
    const char *path = s->files[NX_SENSOR_CITY].path;
    bool others = false;
    uint32_t asset = s->asset_path != NULL ? asset_in(s, row, &others) : 0;

    if (s->asset_path != NULL && asset == 0) {
        return nx_sensor_complain("its row does not name this asset: edit city.json by hand",
                                  s->asset_path);
    }
    if (asset != 0 && others) {
        s->goes_on = true;
        say(s, "%s: %s without %s; it has others\n", path, s->name, s->asset_path);
        return edit_remove(s, NX_SENSOR_CITY, nx_json_member(s->json, row, NX_SPAN("assets")),
                           asset);
    }
    say(s, "%s: without %s\n", path, s->name);
    return edit_remove(s, NX_SENSOR_CITY, nx_json_member(s->json, 0, NX_SPAN("identities")), row);
}

static bool remove_identity(struct nx_sensor *s)
{
    const struct nx_identity *identity = nx_policy_subject(s->city, nx_span_from(s->name)).identity;
    uint32_t row;

    if (identity == NULL) {
        return nx_sensor_complain("no row of city.json is it; a password alone is taken away by "
                                  "mosquitto_passwd -D",
                                  s->name);
    }
    if (identity->role != NX_ROLE_SENSOR) {
        return nx_sensor_complain("it is no sensor: edit city.json by hand", s->name);
    }
    if (!nx_sensor_parse(s, NX_SENSOR_CITY)) {
        return false;
    }
    row = row_of(s, nx_span_from(s->name));
    if (row != 0) {
        return remove_row(s, row);
    }
    if (s->asset_path != NULL && !nx_sensor_may_publish(s, s->config)) {
        return nx_sensor_complain("this asset is not its own", s->asset_path);
    }
    say(s, "%s: stays; \"%.*s\" serves others too\n", s->files[NX_SENSOR_CITY].path,
        NX_SPAN_ARG(identity->name));
    return true;
}

static bool remove_asset(struct nx_sensor *s)
{
    uint32_t rows, row;

    if (s->asset_path == NULL) {
        return true;
    }
    if (!nx_sensor_parse(s, NX_SENSOR_ASSETS)) {
        return false;
    }
    rows = nx_json_member(s->json, 0, s->domain);
    row = rows != 0 ? nx_json_member(s->json, rows, s->asset) : 0;
    if (row == 0) {
        return true;
    }
    say(s, "%s: without %s\n", s->files[NX_SENSOR_ASSETS].path, s->asset_path);
    return edit_remove(s, NX_SENSOR_ASSETS, rows, row);
}

static bool remove_password(struct nx_sensor *s)
{
    struct nx_replacement *file = &s->files[NX_SENSOR_PASSWORDS];
    struct nx_span name = nx_span_from(s->name);

    if (s->goes_on || s->passwords == NULL || !nx_passwords_has(nx_buf_view(&file->before), name)) {
        return true;
    }
    file->wanted = nx_passwords_without(nx_buf_view(&file->before), name, &file->after) == NX_OK;
    say(s, "%s: without %s\n", file->path, s->name);
    return file->wanted || nx_sensor_complain("memory is out", NULL);
}

bool nx_sensor_add(struct nx_sensor *s)
{
    return add_identity(s) && add_asset(s) && add_password(s);
}

bool nx_sensor_remove(struct nx_sensor *s)
{
    return remove_identity(s) && remove_asset(s) && remove_password(s);
}
