/*
 * recent.c - remembers one topic. One is enough: see the header for why.
 */
#include "plugin/recent.h"

const struct nx_recent *nx_recent_find(struct nx_recent *recent, const struct nx_city *city,
                                       const char *text)
{
    struct nx_span topic;

    if (strcmp(recent->text, text) == 0 && recent->text[0] != '\0') {
        return recent;
    }
    topic = nx_span_from(text);
    if (nx_span_copy(topic, recent->text, sizeof(recent->text))) {
        topic.ptr = recent->text;
    }
    recent->serial++;
    recent->text_len = topic.len;
    (void)nx_topic_parse(topic, &recent->topic, NULL);
    recent->pattern = nx_policy_pattern(city, &recent->topic);
    return recent;
}

const struct nx_domain *nx_recent_domain(struct nx_recent *recent, const struct nx_city *city)
{
    if (recent->domain_serial != recent->serial) {
        recent->domain = recent->topic.kind == NX_TOPIC_STREAM
                             ? nx_city_domain(city, recent->topic.domain)
                             : NULL;
        recent->domain_serial = recent->serial;
    }
    return recent->domain;
}

void nx_recent_forget(struct nx_recent *recent)
{
    recent->text[0] = '\0';
    recent->serial++;
}
