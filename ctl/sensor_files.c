/*
 * sensor_files.c - the three files of a sensor: read under a lock, loaded as the plugin would load
 * them before a byte is written, and then replaced, all or none.
 */
#include "ctl/sensor.h"

#include "core/os/file.h"
#include "core/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

bool nx_sensor_complain(const char *text, const char *subject)
{
    (void)fprintf(stderr, "nexusctl: %s%s%s\n", subject != NULL ? subject : "",
                  subject != NULL ? ": " : "", text);
    return false;
}

bool nx_sensor_complain_diag(const struct nx_diag *diag)
{
    nx_ctl_complain(diag);
    return false;
}

/* --- what is there ------------------------------------------------------------------------- */

static bool read_city_file(struct nx_sensor *s, int which, const char *name)
{
    struct nx_diag diag = {0};
    char path[NX_SENSOR_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s/%s", s->config_dir, s->city_name, name);
    return nx_replacement_read(&s->files[which], path, &diag) == NX_OK ||
           nx_sensor_complain_diag(&diag);
}

/* Two at once would each drop what the other adds: the second waits for the first. */
static bool take_lock(struct nx_sensor *s)
{
    s->lock = open(s->config_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return (s->lock >= 0 && flock(s->lock, LOCK_EX) == 0) ||
           nx_sensor_complain(strerror(errno), s->config_dir);
}

bool nx_sensor_open(struct nx_sensor *s)
{
    struct nx_diag diag = {0};

    if (!take_lock(s)) {
        return false;
    }
    s->config = nx_ctl_config_of(s->config_dir, s->city_name);
    if (s->config == NULL) {
        return false;
    }
    s->city = nx_config_city(s->config, nx_span_from(s->city_name));
    if (!read_city_file(s, NX_SENSOR_CITY, "city.json") ||
        !read_city_file(s, NX_SENSOR_ASSETS, "assets.json")) {
        return false;
    }
    if (s->passwords != NULL &&
        nx_replacement_read(&s->files[NX_SENSOR_PASSWORDS], s->passwords, &diag) != NX_OK) {
        nx_sensor_complain_diag(&diag);
        return nx_sensor_complain("make it first, with the owner that the broker needs",
                                  s->passwords);
    }
    return true;
}

/* Reads a file of the configuration as it shall be, for another edit. */
bool nx_sensor_parse(struct nx_sensor *s, int which)
{
    const struct nx_replacement *file = &s->files[which];
    struct nx_diag diag = {0};

    if (nx_json_parse(s->json, nx_buf_view(file->wanted ? &file->after : &file->before),
                      NX_JSON_COMMENTS, &diag) == NX_OK) {
        return true;
    }
    nx_diag_at(&diag, file->path, diag.line, diag.column);
    return nx_sensor_complain_diag(&diag);
}

/* --- the loader's look at what shall be ---------------------------------------------------- */

static enum nx_err read_new(void *ctx, const char *path, struct nx_buf *out, struct nx_diag *diag)
{
    const struct nx_sensor *s = ctx;
    char *real = realpath(path, NULL);
    enum nx_err err = NX_ERR_NOT_FOUND;

    for (int i = 0; real != NULL && i < NX_SENSOR_FILES; i++) {
        if (s->files[i].wanted && strcmp(s->files[i].path, real) == 0) {
            nx_buf_reset(out);
            err = nx_buf_span(out, nx_buf_view(&s->files[i].after));
            free(real);
            return err;
        }
    }
    free(real);
    return nx_file_read(path, out, diag);
}

static void complain_each(void *ctx, const struct nx_diag *diag)
{
    (void)ctx;
    nx_ctl_complain(diag);
}

bool nx_sensor_may_publish(const struct nx_sensor *s, const struct nx_config *config)
{
    const struct nx_city *city = nx_config_city(config, s->city->name);
    struct nx_subject subject = nx_policy_subject(city, nx_span_from(s->name));
    const struct nx_topic topic = {.kind = NX_TOPIC_STREAM,
                                   .channel = NX_CHANNEL_OBSERVATION,
                                   .city = city->name,
                                   .domain = s->domain,
                                   .asset = s->asset};

    return nx_policy_publish(config, city, &subject, &topic) == NX_ALLOWED;
}

/* Is the new configuration whole, and does it give the sensor its asset when it shall? */
static bool check_new(struct nx_sensor *s, bool adding)
{
    const struct nx_reader reader = {.read = read_new, .ctx = s};
    struct nx_diag_sink sink = {.add = complain_each};
    const struct nx_config_options options = {.only_city = s->city_name, .faults = &sink};
    struct nx_config *config = NULL;
    bool ok;

    if (nx_config_load(&reader, s->config_dir, &options, &config, NULL) != NX_OK) {
        return nx_sensor_complain("nothing was changed: the configuration would not hold", NULL);
    }
    ok = !adding || nx_sensor_may_publish(s, config);
    nx_config_free(config);
    return ok || nx_sensor_complain("nothing was changed: the identity would not have its asset",
                                    s->name);
}

bool nx_sensor_commit(struct nx_sensor *s, bool adding)
{
    struct nx_diag diag = {0};

    return check_new(s, adding) && (nx_replace_all(s->files, NX_SENSOR_FILES, &diag) == NX_OK ||
                                    nx_sensor_complain_diag(&diag));
}

void nx_sensor_fini(struct nx_sensor *s)
{
    for (int i = 0; i < NX_SENSOR_FILES; i++) {
        nx_replacement_fini(&s->files[i]);
    }
    nx_config_free(s->config);
    nx_json_free(s->json);
    nx_buf_fini(&s->said);
    if (s->lock >= 0) {
        (void)close(s->lock);
    }
}
