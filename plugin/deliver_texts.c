/*
 * deliver_texts.c - writes digits and copies strings. See the header.
 */
#include "plugin/deliver_texts.h"

enum { STRINGS_BYTES_MAX = NX_BATCH_BYTES_MAX + 2 * NX_DELIVERY_PAIRS_MAX }; /* a NUL each */

/* "nexus/", the city, a domain of 32, an asset of 64, the longest channel, three slashes, a NUL */
_Static_assert(6 + NX_MARKS_NAME_SIZE + 32 + 64 + 11 + 3 + 1 <= NX_DELIVER_TOPIC_SIZE,
               "every topic of a stream fits");

void nx_delivery_texts_init(struct nx_delivery_texts *texts)
{
    *texts = (struct nx_delivery_texts){.from = ""};
    nx_buf_init(&texts->strings, STRINGS_BYTES_MAX);
}

void nx_delivery_texts_fini(struct nx_delivery_texts *texts)
{
    nx_buf_fini(&texts->strings);
}

/* Copies `s` with a NUL behind it to `at`; where that NUL is. */
static char *put(char *at, struct nx_span s)
{
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    at[s.len] = '\0';
    return at + s.len;
}

static void put_number(char *at, uint64_t number)
{
    char digits[NX_DELIVERY_DIGITS_MAX];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    (void)put(at, (struct nx_span){digits + first, sizeof(digits) - first});
}

void nx_delivery_texts_begin(struct nx_delivery_texts *texts, const char *from, const char *epoch)
{
    char *at = put(put(texts->name, NX_SPAN("nexus/")), nx_span_from(from));

    texts->from = from;
    texts->name_base = (size_t)(put(at, NX_SPAN("/")) - texts->name);
    at = put(texts->seq, nx_span_from(epoch));
    texts->seq_base = (size_t)(put(at, NX_SPAN(".")) - texts->seq);
}

const char *nx_delivery_texts_name(struct nx_delivery_texts *texts,
                                   const struct nx_batch_record *record)
{
    char *at = put(texts->name + texts->name_base, record->stream);

    (void)put(put(at, NX_SPAN("/")), nx_span_from(nx_channel_name(record->channel)));
    return texts->name;
}

static bool is_ours(struct nx_span name)
{
    return nx_span_eq(name, NX_SPAN("nexus-origin")) || nx_span_eq(name, NX_SPAN("nexus-seq"));
}

size_t nx_delivery_texts_pairs(struct nx_delivery_texts *texts,
                               const struct nx_batch_record *record,
                               struct nx_host_pair pairs[NX_DELIVERY_PAIRS_MAX])
{
    size_t bytes = 0, count = 2;
    char *at;

    put_number(texts->seq + texts->seq_base, record->seq);
    pairs[0] = (struct nx_host_pair){"nexus-origin", texts->from};
    pairs[1] = (struct nx_host_pair){"nexus-seq", texts->seq};
    for (size_t i = 0; i < record->properties_count; i++) {
        bytes += record->properties[i].name.len + record->properties[i].value.len + 2;
    }
    nx_buf_reset(&texts->strings);
    if (bytes == 0) {
        return count;
    }
    if (nx_buf_reserve(&texts->strings, bytes, &at) != NX_OK) {
        return 0;
    }
    for (size_t i = 0; i < record->properties_count; i++) {
        const struct nx_mqtt_user_property *property = &record->properties[i];

        if (!is_ours(property->name)) {
            pairs[count].name = at;
            at = put(at, property->name) + 1;
            pairs[count++].value = at;
            at = put(at, property->value) + 1;
        }
    }
    return count;
}
