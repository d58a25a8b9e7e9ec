/*
 * deliver_rig.c - writes batches with the project's own writer and reads what the link is told.
 */
#include "deliver_rig.h"
#include "test/unit/unit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define STATUS "nexus/birmingham/_status/plugin"

struct nx_batch_record batch_record(uint64_t seq, enum nx_channel channel, const char *payload)
{
    return (struct nx_batch_record){.seq = seq,
                                    .channel = channel,
                                    .retain = true,
                                    .stream = NX_SPAN("air/ULS"),
                                    .payload = nx_span_from(payload)};
}

struct nx_batch_record batch_reading(uint64_t seq)
{
    return batch_record(seq, NX_CHANNEL_OBSERVATION, GOOD_READING);
}

static int batch_send(struct site *site, struct nx_buf *batch)
{
    int rc = fake_publish_bytes(&site->plugin, &site->link, "nexus/_deliver/ulsan", batch->data,
                                batch->len, false);

    nx_buf_fini(batch);
    return rc;
}

int batch_deliver(struct site *site, const char *epoch, uint64_t after, uint64_t until, bool jump,
                  const struct nx_batch_record *records, size_t count)
{
    struct nx_buf batch;

    nx_buf_init(&batch, NX_BATCH_BYTES_MAX);
    assert_int_equal(nx_batch_begin(&batch, epoch, after), NX_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(nx_batch_add(&batch, &records[i]), NX_OK);
    }
    assert_int_equal(nx_batch_end(&batch, until, jump), NX_OK);
    return batch_send(site, &batch);
}

int batch_deliver_all(struct site *site, const char *epoch, uint64_t after, uint64_t until)
{
    struct nx_batch_record records[NX_TEST_BATCH_MAX];
    size_t count = 0;

    assert_in_range(until - after, 0, NX_TEST_BATCH_MAX);
    for (uint64_t seq = after + 1; seq <= until; seq++) {
        records[count++] = batch_reading(seq);
    }
    return batch_deliver(site, epoch, after, until, false, records, count);
}

int batch_ask(struct site *site, const char *epoch, uint64_t after)
{
    return batch_deliver(site, epoch, after, after, false, NULL, 0);
}

void batch_assert_answer(const char *outcome, double mark)
{
    assert_non_null(fake_last(ACK));
    assert_string_equal(site_text(ACK, "outcome"), outcome);
    assert_true(site_number(ACK, "mark") == mark);
    assert_int_equal(fake_last(ACK)->qos, 1);
    assert_false(fake_last(ACK)->retain);
}

double batch_counter(struct site *site, const char *group, const char *name)
{
    const struct fake_message *status;
    const cJSON *item;
    cJSON *json;
    double value;

    fake.now_ms += 5000;
    (void)fake_tick(&site->plugin);
    status = fake_last(STATUS);
    assert_non_null(status);
    json = cJSON_Parse(status->payload);
    item = cJSON_GetObjectItemCaseSensitive(json, "delivery");
    item = group != NULL ? cJSON_GetObjectItemCaseSensitive(item, group) : item;
    item = cJSON_GetObjectItemCaseSensitive(item, name);
    value = cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : -1;
    cJSON_Delete(json);
    return value;
}

void batch_limit(struct site *site, const char *limits)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "{ \"city\": \"birmingham\", \"title\": \"B\", \"country\": \"GB\",\n"
                   "  \"time_zone\": \"Europe/London\", \"bounding_box\": [-3, 52, -1, 53],\n"
                   "  \"reference\": { \"temperature_celsius\": 20, \"pressure_kpa\": 101.325 },\n"
                   "  \"domains\": { \"air\": {} },\n"
                   "  \"limits\": { \"link\": { %s }, \"bridge\": { %s } },\n"
                   "  \"identities\": {\n"
                   "    \"air-{asset}\": { \"role\": \"sensor\", \"assets\": [\"air/{asset}\"] },\n"
                   "    \"bridge\": { \"role\": \"bridge\" },\n"
                   "    \"ulsan-link\": { \"role\": \"link\", \"city\": \"ulsan\" } } }\n",
                   limits, limits);
    site_write(site, "birmingham/city.json", text);
    (void)fake_reload(&site->plugin);
    assert_true(fake_logged("configuration reloaded"));
}
