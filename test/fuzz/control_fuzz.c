/*
 * control_fuzz.c - any bytes as a request at $CONTROL/nexus/v1. The laws: it is answered; the
 * answer is strict JSON; each command has one response, in which it succeeded or says why not.
 */
#include "plugin/control.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nx_domain domains[] = {{.name = {"air", 3}, .schema_name = {"birmingham-air@1", 16}}};
static struct nx_city cities[] = {
    {.name = {"birmingham", 10}, .domains = domains, .domains_count = 1}};
static struct nx_config config = {.schemas_dir = "/schemas", .cities = cities, .cities_count = 1};

static void require(bool law)
{
    if (!law) {
        abort();
    }
}

static struct nx_scene scene(void *ctx)
{
    (void)ctx;
    return (struct nx_scene){&config, &cities[0]};
}

static char *status(void *ctx)
{
    cJSON *object = cJSON_CreateObject();
    char *text = cJSON_PrintUnformatted(object);

    (void)ctx;
    cJSON_Delete(object);
    return text;
}

static enum nx_err reload(void *ctx, const struct nx_log *log)
{
    (void)ctx;
    nx_log(log, NX_LOG_ERROR, "nexus: /etc/nexus/city.json:1:1: a fault");
    return NX_ERR_INVALID;
}

static uint64_t generation(void *ctx)
{
    (void)ctx;
    return 1;
}

static void swallow(void *ctx, enum nx_log_level level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

static void require_answer(const char *answer)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 1);
    uint32_t at = 0, unused, response;

    require(answer != NULL && json != NULL &&
            nx_json_parse(json, nx_span_from(answer), NX_JSON_STRICT, NULL) == NX_OK);
    while (nx_json_each(json, nx_json_member(json, 0, NX_SPAN("responses")), &at, &unused,
                        &response)) {
        require(nx_json_member(json, response, NX_SPAN("command")) != 0);
        require(nx_json_member(json, response, NX_SPAN("error")) != 0 ||
                nx_json_member(json, response, NX_SPAN("data")) != 0);
    }
    nx_json_free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nx_log log = {.write = swallow};
    struct nx_gate *gate = nx_gate_new(4096, 1);
    const struct nx_control control = {.scene = scene,
                                       .gate = gate,
                                       .status = status,
                                       .reload = reload,
                                       .generation = generation,
                                       .log = &log,
                                       .seed = 1};
    char *answer;

    require(gate != NULL);
    answer = nx_control_answer(&control, (struct nx_span){(const char *)data, size});
    require_answer(answer);
    cJSON_free(answer);
    nx_gate_free(gate);
    return 0;
}
