/*
 * sensor.c - `nexusctl sensor add|remove`: one command for what a new sensor needs at three places:
 * its identity in city.json, its place in assets.json, its password in the broker's file.
 * Here are its words; sensor_edit.c and sensor_files.c do it.
 */
#include "ctl/sensor.h"

#include "core/topic.h"

#include <dirent.h>
#include <getopt.h>

static void say_done(const struct nx_sensor *s)
{
    (void)printf("%.*s", NX_SPAN_ARG(nx_buf_view(&s->said)));
}

/* A valid example of the domain, to try the sensor with; else `out` stays. */
static void find_example(const struct nx_sensor *s, char out[NX_SENSOR_PATH_SIZE])
{
    char folder[NX_SENSOR_PATH_SIZE - 256], path[NX_SENSOR_PATH_SIZE];
    struct dirent *entry;
    DIR *dir;
    bool found = false;

    (void)snprintf(folder, sizeof(folder), "%s/%s/%.*s/examples/valid", s->config->schemas_dir,
                   s->city_name, NX_SPAN_ARG(s->domain));
    dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof(path), "%s/%.255s", folder, entry->d_name);
            if (!found || strcmp(path, out) < 0) { /* the same each time */
                memcpy(out, path, sizeof(path));
            }
            found = true;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static void say_next(const struct nx_sensor *s)
{
    char example[NX_SENSOR_PATH_SIZE] = "READING.json";

    if (s->password[0] != '\0' && s->password_file == NULL) {
        (void)printf("\npassword of %s, told this once: %s\n", s->name, s->password);
    }
    if (s->passwords == NULL) {
        (void)printf("\nGive it a password:  mosquitto_passwd PASSWORD_FILE %s\n"
                     "                     (dynamic security: mosquitto_ctrl dynsec createClient "
                     "%s)\n",
                     s->name, s->name);
    }
    find_example(s, example);
    (void)printf("\nTake it over:        systemctl reload mosquitto   (or SIGHUP to the broker)\n"
                 "Try it:              mosquitto_pub -h localhost -p 1883 -V 5 -q 1 -u '%s' -P "
                 "PASSWORD \\\n"
                 "                         -t nexus/%s/%s/observation \\\n"
                 "                         -f %s\n"
                 "If it is refused:    nexus/%s/_rejected/%s says why\n",
                 s->name, s->city_name, s->asset_path, example, s->city_name, s->asset_path);
}

static int add(struct nx_sensor *s)
{
    if (!nx_sensor_open(s)) {
        return NX_EXIT_USAGE;
    }
    if (!nx_sensor_add(s) || !nx_sensor_commit(s, true)) {
        return NX_EXIT_FAULTS;
    }
    say_done(s);
    say_next(s);
    return NX_EXIT_OK;
}

static void say_removed(const struct nx_sensor *s)
{
    (void)printf("\nTake it over:        systemctl reload mosquitto   (or SIGHUP to the broker)\n");
    if (!s->goes_on && s->passwords != NULL) {
        (void)printf("                     which ends its connection: its password is gone\n");
    } else if (!s->goes_on) {
        (void)printf("Its password:        mosquitto_passwd -D PASSWORD_FILE %s\n", s->name);
    }
    (void)printf("Its retained value:  clear it before that, while it may: an empty retained "
                 "message on its topic\n");
}

static int remove_sensor(struct nx_sensor *s)
{
    bool wanted = false;

    if (!nx_sensor_open(s)) {
        return NX_EXIT_USAGE;
    }
    if (!nx_sensor_remove(s)) {
        return NX_EXIT_FAULTS;
    }
    for (int i = 0; i < NX_SENSOR_FILES; i++) {
        wanted |= s->files[i].wanted;
    }
    if (!wanted) {
        (void)nx_sensor_complain("nothing of it is there", s->name);
        return NX_EXIT_FAULTS;
    }
    if (!nx_sensor_commit(s, false)) {
        return NX_EXIT_FAULTS;
    }
    say_done(s);
    say_removed(s);
    return NX_EXIT_OK;
}

/* --- options ------------------------------------------------------------------------------- */

static bool is_number(const char *text, size_t len)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 0);
    bool ok = json != NULL &&
              nx_json_parse(json, (struct nx_span){text, len}, NX_JSON_STRICT, NULL) == NX_OK &&
              nx_json_type(json, 0) == NX_JSON_NUMBER;

    nx_json_free(json);
    return ok;
}

static bool check_position(const char *position)
{
    const char *comma = strchr(position, ',');

    return (comma != NULL && is_number(position, (size_t)(comma - position)) &&
            is_number(comma + 1, strlen(comma + 1))) ||
           nx_sensor_complain("--position takes LONGITUDE,LATITUDE in degrees: -1.918235,52.481346",
                              NULL);
}

/* A name that every place takes: the broker's file parts name and hash with a colon. */
static bool check_name(const char *name)
{
    bool ok = name[0] != '\0' && strlen(name) <= 128;

    for (const char *p = name; *p != '\0'; p++) {
        ok = ok && (unsigned char)*p > 0x20 && *p != 0x7F && strchr(":{}+#/'\"\\", *p) == NULL;
    }
    return ok || nx_sensor_complain(
                     "--name takes 1 to 128 bytes without spaces and without : { } + # / ' \" "
                     "\\",
                     NULL);
}

static bool split_asset(struct nx_sensor *s)
{
    struct nx_span rest = nx_span_from(s->asset_path);

    s->domain = nx_span_cut(&rest, '/');
    s->asset = rest;
    return (rest.ptr != NULL && nx_name_is_city(s->domain) && nx_name_is_asset(s->asset)) ||
           nx_sensor_complain("--asset takes DOMAIN/ASSET: air/BMLD", NULL);
}

static bool parse_options(struct nx_sensor *s, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"city", required_argument, NULL, 'y'},
        {"name", required_argument, NULL, 'n'},
        {"asset", required_argument, NULL, 'a'},
        {"position", required_argument, NULL, 'p'},
        {"title", required_argument, NULL, 't'},
        {"passwords", required_argument, NULL, 'f'},
        {"password-file", required_argument, NULL, 'w'},
        {0},
    };
    const char **const into[] = {
        ['c'] = &s->config_dir, ['y'] = &s->city_name,    ['n'] = &s->name,
        ['a'] = &s->asset_path, ['p'] = &s->position,     ['t'] = &s->title,
        ['f'] = &s->passwords,  ['w'] = &s->password_file};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') {
            return false;
        }
        *into[option] = optarg;
    }
    return optind == argc || nx_sensor_complain("sensor takes no further words", argv[optind]);
}

static bool check_options(struct nx_sensor *s, bool adding)
{
    if (s->city_name == NULL || s->name == NULL || (adding && s->asset_path == NULL)) {
        return nx_sensor_complain(adding ? "sensor add needs --city, --name and --asset"
                                         : "sensor remove needs --city and --name",
                                  NULL);
    }
    if (s->password_file != NULL && s->passwords == NULL) {
        return nx_sensor_complain("--password-file needs --passwords, the broker's password_file",
                                  NULL);
    }
    return check_name(s->name) && (s->asset_path == NULL || split_asset(s)) &&
           (s->position == NULL || check_position(s->position));
}

int nx_cmd_sensor(int argc, char **argv)
{
    struct nx_sensor s = {.config_dir = nx_ctl_config_dir(), .lock = -1};
    bool adding = argc > 1 && strcmp(argv[1], "add") == 0;
    int status = NX_EXIT_USAGE;

    if (!adding && (argc < 2 || strcmp(argv[1], "remove") != 0)) {
        (void)nx_sensor_complain("sensor add or sensor remove (nexusctl help sensor)", NULL);
        return NX_EXIT_USAGE;
    }
    nx_buf_init(&s.said, NX_SENSOR_SAID_MAX);
    s.json = nx_json_new(&nx_json_limits_file, 0);
    if (s.json == NULL) {
        (void)nx_sensor_complain("memory is out", NULL);
    } else if (parse_options(&s, argc - 1, argv + 1) && check_options(&s, adding)) {
        status = adding ? add(&s) : remove_sensor(&s);
    }
    nx_sensor_fini(&s);
    return status;
}
