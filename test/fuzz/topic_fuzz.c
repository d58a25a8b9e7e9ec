/*
 * topic_fuzz.c - any bytes as topic and filter. The input is split at its first newline: the
 * topic, then the filter. Laws that must hold whatever comes:
 * a filter that takes a topic also meets it; meeting is symmetric; a stream is rebuilt from its
 * parts.
 */
#include "core/topic.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool law)
{
    if (!law) {
        abort();
    }
}

static void rebuild(struct nx_span text, const struct nx_topic *topic)
{
    char again[256];
    int n = snprintf(again, sizeof(again), "nexus/%.*s/%.*s/%.*s/%s", NX_SPAN_ARG(topic->city),
                     NX_SPAN_ARG(topic->domain), NX_SPAN_ARG(topic->asset),
                     nx_channel_name(topic->channel));

    require(n > 0 && (size_t)n < sizeof(again) && nx_span_is(text, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nx_span filter = {(const char *)data, size};
    struct nx_span text = nx_span_cut(&filter, '\n');
    struct nx_topic topic;
    bool wild = (text.len > 0 && (memchr(text.ptr, '+', text.len) != NULL ||
                                  memchr(text.ptr, '#', text.len) != NULL));

    if (nx_topic_parse(text, &topic, NULL) == NX_TOPIC_STREAM) {
        rebuild(text, &topic);
    }
    if (filter.ptr == NULL || !nx_filter_valid(filter)) {
        return 0;
    }
    (void)nx_filter_unshare(filter);
    require(nx_filter_intersects(filter, text) == nx_filter_intersects(text, filter));
    if (!wild && text.len > 0 && nx_filter_matches(filter, text)) {
        require(nx_filter_intersects(filter, text));
    }
    return 0;
}
