/*
 * deliver_status.c - the member "delivery" of the status.
 */
#include "plugin/deliver_status.h"

#include "plugin/deliver_texts.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

static bool add_count(cJSON *object, const char *name, uint64_t value)
{
    return cJSON_AddNumberToObject(object, name, (double)value) != NULL;
}

static bool add_outcomes(const struct nx_delivery_counters *counters, cJSON *object)
{
    cJSON *batches = cJSON_AddObjectToObject(object, "batches");
    bool ok = batches != NULL;

    for (unsigned i = 0; ok && i < NX_DELIVERY_OUTCOME_COUNT; i++) {
        ok = add_count(batches, nx_delivery_outcome_name((enum nx_delivery_outcome)i),
                       counters->batches[i]);
    }
    return ok;
}

static bool add_marks(const struct nx_marks *marks, cJSON *object)
{
    cJSON *list = cJSON_AddObjectToObject(object, "marks");
    char text[NX_DELIVERY_SEQ_SIZE];
    bool ok = list != NULL;

    for (size_t i = 0; ok && i < marks->count; i++) {
        const struct nx_mark_entry *entry = &marks->entries[i];

        (void)snprintf(text, sizeof(text), "%s.%" PRIu64, entry->live.epoch, entry->live.seq);
        ok = cJSON_AddStringToObject(list, entry->from, text) != NULL;
    }
    return ok;
}

bool nx_delivery_status(const struct nx_delivery_counters *counters, const struct nx_marks *marks,
                        const struct nx_marks_file *file, cJSON *status)
{
    cJSON *object = cJSON_AddObjectToObject(status, "delivery");

    return object != NULL && add_outcomes(counters, object) &&
           add_count(object, "questions", counters->questions) &&
           add_count(object, "held_back", counters->held_back) &&
           add_count(object, "slowed", counters->slowed) &&
           add_count(object, "unopened", counters->unopened) &&
           add_count(object, "published", counters->published) &&
           add_count(object, "repeated", counters->repeated) &&
           add_count(object, "refused", counters->refused) &&
           add_count(object, "answers", counters->answers) &&
           add_count(object, "answers_lost", counters->answers_lost) &&
           add_count(object, "answers_suppressed", counters->answers_suppressed) &&
           cJSON_AddStringToObject(object, "state", file != NULL ? "file" : "memory") != NULL &&
           add_count(object, "marks_unwritten", file != NULL ? nx_marks_file_failures(file) : 0) &&
           add_marks(marks, object);
}
