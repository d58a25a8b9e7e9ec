/*
 * deliver_answer.c - builds the answer to one batch. It is bounded by the batch: each refused
 * record is named, the first ones with words.
 */
#include "plugin/deliver_answer.h"

#include "plugin/text.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

enum { ANSWER_VERSION = 1, NUMBER_SIZE = 24, TEXT_SIZE = 512 };

/* All 64 bits, which cJSON's numbers do not have. */
static bool add_number(cJSON *object, const char *name, uint64_t value)
{
    char text[NUMBER_SIZE];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return cJSON_AddRawToObject(object, name, text) != NULL;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    char clean[TEXT_SIZE];

    (void)nx_text_clean(nx_span_from(text), NX_TEXT_JSON, clean, sizeof(clean));
    return cJSON_AddStringToObject(object, name, clean) != NULL;
}

static bool add_words(cJSON *object, const struct nx_explanation *e)
{
    if (e->text[0] == '\0') {
        return true;
    }
    return add_text(object, "instance", e->instance) && add_text(object, "keyword", e->keyword) &&
           add_text(object, "text", e->text);
}

bool nx_delivery_answer_refuse(struct nx_delivery_answer *answer,
                               const struct nx_batch_record *record,
                               const struct nx_delivery_verdict *verdict)
{
    cJSON *object = cJSON_CreateObject();
    bool ok;

    if (answer->refused == NULL) {
        answer->refused = cJSON_CreateArray();
    }
    ok = object != NULL && answer->refused != NULL && add_number(object, "seq", record->seq) &&
         add_text(object, "channel", nx_channel_name(record->channel)) &&
         add_text(object, "reason", nx_reason_name(verdict->reason)) &&
         add_words(object, &verdict->explanation) && cJSON_AddItemToArray(answer->refused, object);
    if (!ok) {
        cJSON_Delete(object);
        return false;
    }
    answer->refused_count++;
    return true;
}

static bool add_head(cJSON *object, const struct nx_batch_head *head)
{
    if (head == NULL) {
        return cJSON_AddNullToObject(object, "epoch") != NULL &&
               cJSON_AddNullToObject(object, "after") != NULL &&
               cJSON_AddNullToObject(object, "until") != NULL;
    }
    return add_text(object, "epoch", head->epoch) && add_number(object, "after", head->after) &&
           add_number(object, "until", head->until);
}

static bool add_refused(cJSON *object, struct nx_delivery_answer *answer)
{
    if (answer->refused == NULL) {
        return cJSON_AddArrayToObject(object, "refused") != NULL;
    }
    if (!cJSON_AddItemToObject(object, "refused", answer->refused)) {
        return false;
    }
    answer->refused = NULL; /* the object's now */
    return true;
}

char *nx_delivery_answer_json(struct nx_delivery_answer *answer)
{
    cJSON *object = cJSON_CreateObject();
    char *text = NULL;

    if (object != NULL && cJSON_AddNumberToObject(object, "version", ANSWER_VERSION) != NULL &&
        add_head(object, answer->head) &&
        (answer->marked ? add_number(object, "mark", answer->mark)
                        : cJSON_AddNullToObject(object, "mark") != NULL) &&
        add_text(object, "outcome", nx_delivery_outcome_name(answer->outcome)) &&
        (answer->wait_ms == 0 || add_number(object, "wait_ms", answer->wait_ms)) &&
        add_text(object, "text", answer->text) && add_refused(object, answer) &&
        (answer->suppressed == 0 || add_number(object, "suppressed", answer->suppressed))) {
        text = cJSON_PrintUnformatted(object);
    }
    cJSON_Delete(object);
    return text;
}

void nx_delivery_answer_fini(struct nx_delivery_answer *answer)
{
    cJSON_Delete(answer->refused);
    answer->refused = NULL;
}
