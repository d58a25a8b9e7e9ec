/*
 * plugin_site.c - writes the folder, and takes it away.
 */
#include "bench/plugin_site.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FULL_PATH_SIZE = PLUGIN_SITE_PATH_MAX + 256, TEXT_BYTES_MAX = 16 * 1024 * 1024 };

static void write_text(const struct plugin_site *site, const char *name, struct nx_span text)
{
    char path[FULL_PATH_SIZE];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", site->dir, name);
    file = fopen(path, "w");
    if (file == NULL || fwrite(text.ptr, 1, text.len, file) != text.len || fclose(file) != 0) {
        bench_die("%s cannot be written", path);
    }
    (void)chmod(path, 0644); /* a broker that root starts changes to its own user */
}

void plugin_site_write(const struct plugin_site *site, const char *name, const char *fmt, ...)
{
    static char text[4096];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(text)) {
        bench_die("%s is too long", name);
    }
    write_text(site, name, (struct nx_span){text, (size_t)len});
}

static void make_dir(const struct plugin_site *site, const char *name)
{
    char path[FULL_PATH_SIZE];

    (void)snprintf(path, sizeof(path), "%s/%s", site->dir, name);
    if (mkdir(path, 0755) != 0) {
        bench_die("%s cannot be made", path);
    }
}

static void domain_name(char out[16], unsigned i)
{
    (void)snprintf(out, 16, i == 0 ? "air" : "d%03u", i);
}

static void write_federation(const struct plugin_site *site, unsigned domains)
{
    struct nx_buf buf;

    nx_buf_init(&buf, TEXT_BYTES_MAX);
    (void)nx_buf_str(&buf, "{ \"federation\": \"bench\", \"cities\": [\"birmingham\", \"ulsan\"], "
                           "\"schemas\": \"schemas\", \"domains\": [");
    for (unsigned i = 0; i < domains; i++) {
        char name[16];

        domain_name(name, i);
        (void)nx_buf_printf(&buf, "%s\"%s\"", i == 0 ? "" : ", ", name);
    }
    (void)nx_buf_str(&buf, "] }\n");
    write_text(site, "federation.json", nx_buf_view(&buf));
    nx_buf_fini(&buf);
}

static void add_rules(struct nx_buf *buf, unsigned rules)
{
    for (unsigned i = 0; i < rules; i++) {
        (void)nx_buf_printf(buf,
                            "\"r%u-{asset}\": {\"role\":\"sensor\",\"assets\":[\"air/{asset}\"]},\n"
                            "\"s%u\": {\"role\":\"sensor\",\"assets\":[\"air/BMLD\"",
                            i, i);
        for (unsigned k = 0; k < 8; k++) {
            (void)nx_buf_printf(buf, ",\"air/A%u-%u\"", i, k);
        }
        (void)nx_buf_str(buf, "]},\n");
    }
}

static void write_city(const struct plugin_site *site, unsigned rules, unsigned domains)
{
    struct nx_buf buf;

    nx_buf_init(&buf, TEXT_BYTES_MAX);
    (void)nx_buf_str(&buf, "{ \"city\": \"birmingham\", \"title\": \"B\", \"country\": \"GB\",\n"
                           "\"time_zone\": \"Europe/London\", "
                           "\"bounding_box\": [-2.25, 52.30, -1.55, 52.70],\n"
                           "\"reference\": {\"temperature_celsius\":20,\"pressure_kpa\":101.325},\n"
                           "\"domains\": {");
    for (unsigned i = 0; i < domains; i++) {
        char name[16];

        domain_name(name, i);
        (void)nx_buf_printf(&buf, "%s\"%s\": {}", i == 0 ? "" : ", ", name);
    }
    (void)nx_buf_str(&buf, "},\n\"identities\": {\n");
    add_rules(&buf, rules);
    (void)nx_buf_str(&buf, "\"flood\": {\"role\":\"sensor\",\"assets\":[\"air/FLOOD\"],"
                           "\"limits\":{\"messages_per_second\":10}},\n"
                           "\"air-{asset}\": {\"role\":\"sensor\",\"assets\":[\"air/{asset}\"]},\n"
                           "\"reader\": {\"role\":\"reader\"}, \"bridge\": {\"role\":\"bridge\"} "
                           "} }\n");
    write_text(site, "birmingham/city.json", nx_buf_view(&buf));
    nx_buf_fini(&buf);
}

/* The reference schema under a name of the federation's form: it has one other $id. */
static void write_schemas(const struct plugin_site *site, unsigned domains)
{
    struct nx_span id = NX_SPAN("https://example.org/schemas/air-quality-observed.json");
    struct nx_buf schema, text;
    const char *at;

    bench_read(NX_SOURCE_DIR "/bench/data/air-quality.schema.json", &schema);
    at = memmem(schema.data, schema.len, id.ptr, id.len);
    if (at == NULL) {
        bench_die("the reference schema has another $id");
    }
    nx_buf_init(&text, BENCH_FILE_BYTES_MAX);
    for (unsigned i = 0; i < domains; i++) {
        char name[16], path[64];

        domain_name(name, i);
        nx_buf_reset(&text);
        (void)nx_buf_add(&text, schema.data, (size_t)(at - schema.data));
        (void)nx_buf_printf(&text, "urn:nexus:birmingham-%s:1", name);
        (void)nx_buf_add(&text, at + id.len, schema.len - (size_t)(at - schema.data) - id.len);
        (void)snprintf(path, sizeof(path), "schemas/birmingham/%s", name);
        make_dir(site, path);
        (void)snprintf(path, sizeof(path), "schemas/birmingham/%s/schema.json", name);
        write_text(site, path, nx_buf_view(&text));
        (void)snprintf(path, sizeof(path), "schemas/canonical/%s", name);
        make_dir(site, path);
        (void)snprintf(path, sizeof(path), "schemas/canonical/%s/schema.json", name);
        plugin_site_write(site, path, "{ \"$id\": \"urn:nexus:canonical-%s:1\" }\n", name);
    }
    nx_buf_fini(&text);
    nx_buf_fini(&schema);
}

void plugin_site_make(struct plugin_site *site, unsigned rules, unsigned domains)
{
    char link[FULL_PATH_SIZE];

    (void)snprintf(site->dir, sizeof(site->dir), "/tmp/nexus-bench-XXXXXX");
    if (mkdtemp(site->dir) == NULL || chmod(site->dir, 0755) != 0) {
        bench_die("no folder in /tmp");
    }
    make_dir(site, "birmingham");
    make_dir(site, "schemas");
    make_dir(site, "schemas/birmingham");
    make_dir(site, "schemas/canonical");
    (void)snprintf(link, sizeof(link), "%s/schemas/config", site->dir);
    if (symlink(NX_SOURCE_DIR "/schemas/config", link) != 0) {
        bench_die("%s cannot be made", link);
    }
    write_federation(site, domains);
    write_city(site, rules, domains);
    plugin_site_write(site, "birmingham/assets.json", "{ \"air\": {} }\n");
    write_schemas(site, domains);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

void plugin_site_remove(struct plugin_site *site)
{
    (void)nftw(site->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
