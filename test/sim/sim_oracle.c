/*
 * sim_oracle.c - what came out at Ulsan, compared with what was admitted at Birmingham, and with
 * what the link tells of itself.
 */
#include "core/topic.h"
#include "test/sim/sim_run.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fault(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fault(struct run *run, const char *format, ...)
{
    va_list args;

    if (run->fault[0] == '\0') {
        va_start(args, format);
        (void)vsnprintf(run->fault, sizeof(run->fault), format, args);
        va_end(args);
        sim_say("FAULT: %s", run->fault);
    }
}

/* --- the oracle --------------------------------------------------------------------------------- */

static struct nx_span property_of(const struct nx_mqtt_publish *publish, const char *name)
{
    for (size_t i = 0; i < publish->user_count; i++) {
        if (nx_span_is(publish->user[i].name, name)) {
            return publish->user[i].value;
        }
    }
    return (struct nx_span){NULL, 0};
}

unsigned sim_number_in(struct nx_span text, const char *before)
{
    const char *at = text.len > 0 ? memmem(text.ptr, text.len, before, strlen(before)) : NULL;
    unsigned number = 0;

    if (at == NULL) {
        return 0;
    }
    for (at += strlen(before); at < text.ptr + text.len && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (unsigned)(*at - '0');
    }
    return number;
}

/* The lost cache had it and the backup had not. */
static bool between(const struct run *run, unsigned number)
{
    return run->restored > 0 && number > run->backed_up && number <= run->stored;
}

/* Where a cache was put back only the plugin knows repetitions, of what both caches had; and where that
 * happened twice, not even it: the life between has left it a mark that nobody knows. */
static bool may_not_repeat(const struct run *run, unsigned number)
{
    return run->setup->delivers && run->restored < 2 && !between(run, number);
}

static void delivered(struct run *run, const struct nx_mqtt_publish *publish, bool original)
{
    struct nx_span seq = property_of(publish, "nexus-seq");
    unsigned number = sim_number_in(seq, ".");
    unsigned *last;
    struct reading *reading;
    unsigned *count;

    if (run->restored > 0) {
        number = 0; /* what comes into a copy has other numbers */
    }
    if (number == 0 && original) {
        number = sim_number_in(publish->payload, "\"seq\":"); /* MQTT 3.1.1 carries no property */
    }
    if (number == 0) {
        return; /* an observation without a number: its original is followed */
    }
    if (nx_span_is(property_of(publish, "nexus-replay"), "snapshot")) {
        return; /* a preview of a last value: no delivery */
    }
    if (number > run->admitted) {
        fault(run, "unexpected: %.*s %.*s", NX_SPAN_ARG(publish->topic), NX_SPAN_ARG(seq));
        return;
    }
    sim_say("delivered %u %s", number, original ? "original" : "observation");
    reading = &run->readings[number - 1];
    if (original && sim_number_in(publish->payload, "\"seq\":") != number) {
        fault(run, "unexpected: %u arrived with the bytes of another", number);
    }
    count = original ? &reading->originals : &reading->observations;
    last =
        original ? &run->last_original[reading->station] : &run->last_observation[reading->station];
    if (++*count > 1) {
        if (run->setup->exactly && (run->restored == 0 || may_not_repeat(run, number))) {
            fault(run, "duplicated: %u as %s", number, original ? "original" : "observation");
        }
        return;
    }
    if (number < *last && run->setup->ordered) {
        fault(run, "reordered: %u behind %u", number, *last);
    }
    *last = number;
}

void sim_tap_ulsan(void *ctx, const struct nx_mqtt_publish *publish)
{
    struct run *run = ctx;
    struct nx_topic topic;

    if (nx_topic_parse(publish->topic, &topic, NULL) == NX_TOPIC_STREAM &&
        nx_span_is(topic.city, "birmingham")) {
        delivered(run, publish, topic.channel == NX_CHANNEL_ORIGINAL);
    }
}

void sim_tap_birmingham(void *ctx, const struct nx_mqtt_publish *publish)
{
    struct run *run = ctx;

    if (nx_span_is(publish->topic, "nexus/birmingham/_status/link-birmingham-ulsan")) {
        (void)nx_span_copy(publish->payload, run->status, sizeof(run->status));
    }
}

/* --- the end ------------------------------------------------------------------------------------ */

static double status_number(const cJSON *status, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(status, name);

    return cJSON_IsNumber(number) ? number->valuedouble : -1;
}

bool sim_settled(const struct run *run)
{
    cJSON *status = cJSON_Parse(run->status);
    bool done = status != NULL && run->admitted == run->planned &&
                status_number(status, "stored") == run->admitted &&
                status_number(status, "waiting") == 0;

    cJSON_Delete(status);
    return done;
}

static void check_counters(struct run *run)
{
    cJSON *status = cJSON_Parse(run->status);
    double stored = status_number(status, "stored");
    double parts = status_number(status, "sent") + status_number(status, "filtered") +
                   status_number(status, "dead") + status_number(status, "waiting");
    bool told = run->setup != &setups[SETUP_3_1_1]; /* a 3.1.1 client hears of no refusal */
    unsigned refused = 0;

    for (unsigned i = 0; i < run->admitted; i++) {
        refused += told && run->readings[i].refused ? 1 : 0;
    }
    if (stored != run->admitted || stored != parts || status_number(status, "dead") != refused) {
        fault(run, "counters: %u admitted, %u refused, status %s", run->admitted, refused,
              run->status);
    }
    cJSON_Delete(status);
}

static void check_readings(struct run *run)
{
    /* else observations carry no number that is known here */
    bool followed = run->setup != &setups[SETUP_3_1_1] && run->restored == 0;

    for (unsigned i = 0; i < run->admitted; i++) {
        const struct reading *reading = &run->readings[i];

        if (!reading->refused && !between(run, i + 1) &&
            (reading->originals == 0 || (followed && reading->observations == 0))) {
            fault(run, "lost: %u of %u (%u observations, %u originals)", i + 1, run->admitted,
                  reading->observations, reading->originals);
        }
    }
}

void sim_check(struct run *run)
{
    check_readings(run);
    if (run->restored == 0) {
        check_counters(run);
    }
}
