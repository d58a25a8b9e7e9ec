/*
 * site.c - writes the folder, loads the plugin with it, reads what it said.
 */
#include "site.h"

#include "core/base/span.h"

#include <cjson/cJSON.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_TOPIC "nexus/birmingham/_status/plugin"

static const char federation[] = "{ \"federation\": \"test\", \"cities\": [\"birmingham\", "
                                 "\"ulsan\"], \"domains\": [\"air\"], \"schemas\": \"schemas\" }";

static const char city[] =
    "{ \"city\": \"birmingham\", \"title\": \"Birmingham\", \"country\": \"GB\",\n"
    "  \"time_zone\": \"Europe/London\", \"bounding_box\": [-2.25, 52.30, -1.55, 52.70],\n"
    "  \"reference\": { \"temperature_celsius\": 20, \"pressure_kpa\": 101.325 },\n"
    "  \"domains\": { \"air\": { \"mode\": \"%s\" } },\n"
    "  \"identities\": {\n"
    "    \"air-{asset}\": { \"role\": \"sensor\", \"assets\": [\"air/{asset}\"] },\n"
    "    \"reader\": { \"role\": \"reader\" },\n"
    "    \"operator\": { \"role\": \"operator\" },\n"
    "    \"bridge\": { \"role\": \"bridge\" },\n"
    "    \"ulsan-link\": { \"role\": \"link\", \"city\": \"ulsan\" } } }\n";

static const char assets[] =
    "{ \"air\": { \"BMLD\": { \"name\": \"Birmingham Ladywood\", \"position\": "
    "[-1.918235, 52.481346] } } }";

static const char dialect[] =
    "{ \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
    "  \"$id\": \"urn:nexus:birmingham-air:1\", \"type\": \"object\",\n"
    "  \"required\": [\"site\"], \"additionalProperties\": false,\n"
    "  \"properties\": { \"site\": { \"type\": \"string\", \"minLength\": 1 },\n"
    "                  \"no2\": { \"type\": \"number\", \"minimum\": 0 } } }\n";

static const char canonical[] =
    "{ \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
    "  \"$id\": \"urn:nexus:canonical-air:1\", \"type\": \"object\",\n"
    "  \"required\": [\"id\"], \"properties\": { \"id\": { \"type\": \"string\" } } }\n";

static void make_dir(const struct site *site, const char *path)
{
    char full[2 * SITE_PATH_MAX];

    (void)snprintf(full, sizeof(full), "%s/%s", site->dir, path);
    (void)mkdir(full, 0700);
}

void site_write(const struct site *site, const char *path, const char *text)
{
    char full[2 * SITE_PATH_MAX];
    FILE *file;

    (void)snprintf(full, sizeof(full), "%s/%s", site->dir, path);
    file = fopen(full, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        abort();
    }
}

void site_write_city(const struct site *site, const char *mode)
{
    char text[sizeof(city) + 16];

    (void)snprintf(text, sizeof(text), city, mode);
    site_write(site, "birmingham/city.json", text);
}

static void write_all(const struct site *site)
{
    char link[2 * SITE_PATH_MAX];
    static const char *const dirs[] = {"birmingham",         "schemas",
                                       "schemas/canonical",  "schemas/canonical/air",
                                       "schemas/birmingham", "schemas/birmingham/air"};

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        make_dir(site, dirs[i]);
    }
    (void)snprintf(link, sizeof(link), "%s/schemas/config", site->dir);
    if (symlink(NX_SOURCE_DIR "/schemas/config", link) != 0) {
        abort();
    }
    site_write(site, "federation.json", federation);
    site_write_city(site, "strict");
    site_write(site, "birmingham/assets.json", assets);
    site_write(site, "schemas/birmingham/air/schema.json", dialect);
    site_write(site, "schemas/canonical/air/schema.json", canonical);
}

int site_make(void **state)
{
    struct site *site = calloc(1, sizeof(*site));

    if (site == NULL) {
        return -1;
    }
    fake_reset();
    (void)snprintf(site->dir, sizeof(site->dir), "/tmp/nexus-host-XXXXXX");
    if (mkdtemp(site->dir) == NULL) {
        free(site);
        return -1;
    }
    write_all(site);
    site->sensor = (struct mosquitto){"s1", "air-BMLD"};
    site->reader = (struct mosquitto){"r1", "reader"};
    site->operator=(struct mosquitto){"o1", "operator"};
    site->bridge = (struct mosquitto){"nexus-bridge-1", "bridge"};
    site->link = (struct mosquitto){"nexus-bridge-2", "ulsan-link"};
    site->anonymous = (struct mosquitto){"a1", NULL};
    site->stranger = (struct mosquitto){"x1", "nobody-knows-me"};
    *state = site;
    return 0;
}

int site_start(struct site *site, const char *key, const char *value)
{
    const struct fake_option options[] = {
        {"config", site->dir}, {"city", "birmingham"}, {key, value}};

    return fake_start(&site->plugin, options, key != NULL ? 3 : 2);
}

int site_open(void **state)
{
    if (site_make(state) != 0) {
        return -1;
    }
    if (site_start(*state, NULL, NULL) != 0) {
        (void)fprintf(stderr, "the plugin did not start:\n%s", fake.log);
        return -1;
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

int site_remove(void **state)
{
    struct site *site = *state;

    fake_stop(&site->plugin);
    (void)site_text(NULL, NULL);
    (void)nftw(site->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(site);
    fake_reset();
    return 0;
}

static const cJSON *member_of_last(const char *prefix, const char *member)
{
    static cJSON *kept;
    const struct fake_message *message = prefix != NULL ? fake_last(prefix) : NULL;

    cJSON_Delete(kept);
    kept = message != NULL ? cJSON_Parse(message->payload) : NULL;
    return cJSON_GetObjectItemCaseSensitive(kept, member);
}

const char *site_text(const char *prefix, const char *member)
{
    return cJSON_GetStringValue(member_of_last(prefix, member));
}

double site_number(const char *prefix, const char *member)
{
    const cJSON *item = member_of_last(prefix, member);

    return cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : -1;
}

double site_at(const char *prefix, const char *pointer)
{
    char name[64];
    struct nx_span rest = nx_span_from(pointer);
    const cJSON *item;

    (void)nx_span_cut(&rest, '/'); /* what stands before the first slash: nothing */
    (void)nx_span_copy(nx_span_cut(&rest, '/'), name, sizeof(name));
    item = member_of_last(prefix, name);
    while (rest.ptr != NULL) {
        (void)nx_span_copy(nx_span_cut(&rest, '/'), name, sizeof(name));
        item = cJSON_GetObjectItemCaseSensitive(item, name);
    }
    return cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : -1;
}

double site_refused(struct site *site, const char *reason)
{
    const cJSON *refused, *item;

    fake.now_ms += 5000;
    (void)fake_tick(&site->plugin);
    refused = member_of_last(STATUS_TOPIC, "refused");
    item = cJSON_GetObjectItemCaseSensitive(refused, reason);
    return cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : -1;
}
