/*
 * recent.c - a ring of bytes and a ring of records. A record's texts lie in one piece; where the
 * piece does not fit behind the newest, it begins at the front again.
 *
 *   bytes   |     free     | oldest ... newest | free |        records by seq % records_max
 */
#include "bridge/recent.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct nx_reading reading; /* seq 0: none */
    size_t at, len;
};

struct nx_recent {
    char *bytes;
    size_t bytes_max, end; /* where the next piece may begin */
    struct kept *records;
    uint32_t records_max;
    uint64_t oldest, newest; /* oldest > newest: empty */
};

enum nx_err nx_recent_new(size_t bytes_max, uint32_t records_max, struct nx_recent **out)
{
    struct nx_recent *recent = calloc(1, sizeof(*recent));

    *out = recent;
    if (recent == NULL) {
        return NX_ERR_NOMEM;
    }
    recent->bytes = malloc(bytes_max);
    recent->records = calloc(records_max, sizeof(*recent->records));
    recent->bytes_max = bytes_max;
    recent->records_max = records_max;
    recent->oldest = 1;
    if (recent->bytes == NULL || recent->records == NULL) {
        nx_recent_free(recent);
        *out = NULL;
        return NX_ERR_NOMEM;
    }
    return NX_OK;
}

void nx_recent_free(struct nx_recent *recent)
{
    if (recent != NULL) {
        free(recent->bytes);
        free(recent->records);
        free(recent);
    }
}

void nx_recent_clear(struct nx_recent *recent)
{
    recent->oldest = 1;
    recent->newest = 0;
    recent->end = 0;
}

static struct kept *kept_at(const struct nx_recent *recent, uint64_t seq)
{
    return &recent->records[seq % recent->records_max];
}

static bool is_empty(const struct nx_recent *recent)
{
    return recent->oldest > recent->newest;
}

static bool overlaps(const struct kept *kept, size_t at, size_t len)
{
    return kept->at < at + len && at < kept->at + kept->len;
}

/* A piece of `len` bytes, for which the oldest records leave. */
static size_t make_room(struct nx_recent *recent, size_t len)
{
    size_t at = recent->end + len <= recent->bytes_max ? recent->end : 0;

    if (at != recent->end) { /* what lies between the end and the end of the ring is oldest */
        while (!is_empty(recent) && kept_at(recent, recent->oldest)->at >= recent->end) {
            recent->oldest++;
        }
    }
    while (!is_empty(recent) && (overlaps(kept_at(recent, recent->oldest), at, len) ||
                                 recent->newest - recent->oldest + 1 >= recent->records_max)) {
        recent->oldest++;
    }
    return at;
}

void nx_recent_put(struct nx_recent *recent, const struct nx_reading *reading)
{
    struct nx_reading kept = *reading;
    struct nx_span *const spans[] = {&kept.topic,     &kept.observed_at, &kept.original,
                                     &kept.canonical, &kept.fault,       &kept.only_link};
    enum { SPANS = sizeof(spans) / sizeof(spans[0]) };
    size_t len = 0;
    size_t at;

    for (int i = 0; i < SPANS; i++) {
        len += spans[i]->len;
    }
    if (!is_empty(recent) && reading->seq != recent->newest + 1) {
        nx_recent_clear(recent);
    }
    if (len > recent->bytes_max / 4) {
        nx_recent_clear(recent); /* without a hole in between there is less to keep right */
        return;
    }
    at = make_room(recent, len);
    if (is_empty(recent)) {
        recent->oldest = reading->seq;
    }
    recent->newest = reading->seq;
    *kept_at(recent, reading->seq) = (struct kept){.at = at, .len = len};
    for (int i = 0; i < SPANS; i++) {
        if (spans[i]->len > 0) {
            memcpy(recent->bytes + at, spans[i]->ptr, spans[i]->len);
        }
        if (spans[i]->ptr != NULL) {
            spans[i]->ptr = recent->bytes + at;
        }
        at += spans[i]->len;
    }
    kept_at(recent, reading->seq)->reading = kept;
    recent->end = at;
}

bool nx_recent_get(const struct nx_recent *recent, uint64_t seq, struct nx_reading *out)
{
    if (is_empty(recent) || seq < recent->oldest || seq > recent->newest) {
        return false;
    }
    *out = kept_at(recent, seq)->reading;
    return true;
}
