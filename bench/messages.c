/*
 * messages.c - many different messages made from one.
 *
 * A list of variations says which piece of text is replaced by what; every number that the reader
 * finds gets another last digit and another fraction, which leaves it within the bounds of the
 * schemas in bench/data.
 */
#include "bench/messages.h"

#include "core/base/map.h"
#include "core/json.h"

#include <stdlib.h>

enum {
    MESSAGES_BYTES_MAX = 512 * 1024 * 1024,
    FRACTION_DIGITS_MAX = 5,
    RETRIES_MAX = 100, /* for a message that is different from all before */
};

static void add_digits(struct nx_buf *out, uint64_t *random, uint32_t count)
{
    while (count-- > 0) {
        (void)nx_buf_byte(out, (uint8_t)('0' + bench_below(random, 10)));
    }
}

static void vary_station(struct nx_buf *out, uint64_t *random)
{
    static const char *const cities[] = {"Malaga",   "Ulsan", "Birmingham", "Porto",
                                         "Helsinki", "Oulu",  "Gothenburg", "Busan"};

    (void)nx_buf_str(out, cities[bench_below(random, 8)]);
    (void)nx_buf_byte(out, '-');
    add_digits(out, random, 4);
}

static void vary_sensor(struct nx_buf *out, uint64_t *random)
{
    (void)nx_buf_str(out, "sensor-");
    add_digits(out, random, 4 + bench_below(random, 5));
}

static void vary_time(struct nx_buf *out, uint64_t *random)
{
    uint32_t second = bench_below(random, 24 * 60 * 60);

    (void)nx_buf_printf(out, "T%02u:%02u:%02uZ", second / 3600, second / 60 % 60, second % 60);
}

static void vary_status(struct nx_buf *out, uint64_t *random)
{
    static const char *const states[] = {"\"ok\"", "\"degraded\"", "\"calibrating\"", "\"failed\""};

    (void)nx_buf_str(out, states[bench_below(random, 4)]);
}

static const struct variation {
    struct nx_span text;
    void (*vary)(struct nx_buf *out, uint64_t *random);
} variations[] = {
    {{"Malaga-0042", 11}, vary_station},
    {{"sensor-0042", 11}, vary_sensor},
    {{"T07:45:00Z", 10}, vary_time},
    {{"\"ok\"", 4}, vary_status},
};

/* Another number of the same sign and size; `text` is a number without an exponent. */
static void vary_number(struct nx_buf *out, uint64_t *random, struct nx_span text)
{
    struct nx_span whole = nx_span_cut(&text, '.');
    uint32_t digits = (uint32_t)(whole.len - (whole.ptr[0] == '-'));

    (void)nx_buf_add(out, whole.ptr, whole.len - (digits > 1));
    if (digits > 1) {
        add_digits(out, random, 1);
    }
    if (text.ptr != NULL) {
        (void)nx_buf_byte(out, '.');
        add_digits(out, random, 1 + bench_below(random, FRACTION_DIGITS_MAX));
    }
}

/* Writes what stands for the bytes at `at` and returns how many they were. */
static size_t vary_at(struct nx_buf *out, uint64_t *random, struct nx_span reference, size_t at)
{
    struct nx_span rest = {reference.ptr + at, reference.len - at};

    for (size_t i = 0; i < sizeof(variations) / sizeof(variations[0]); i++) {
        if (nx_span_starts(rest, variations[i].text)) {
            variations[i].vary(out, random);
            return variations[i].text.len;
        }
    }
    (void)nx_buf_byte(out, (uint8_t)rest.ptr[0]);
    return 1;
}

static void add_message(struct nx_buf *out, uint64_t *random, const struct nx_json *reference)
{
    struct nx_span source = nx_json_source(reference);
    uint32_t count;
    const struct nx_json_node *nodes = nx_json_nodes(reference, &count);
    size_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (nodes[i].type != NX_JSON_NUMBER) {
            continue;
        }
        while (at < nodes[i].offset) {
            at += vary_at(out, random, source, at);
        }
        vary_number(out, random, nx_json_text(reference, i));
        at += nodes[i].length;
    }
    while (at < source.len) {
        at += vary_at(out, random, source, at);
    }
    (void)nx_buf_byte(out, '\n');
}

static void begin(struct messages *out, uint32_t count)
{
    *out = (struct messages){.each = calloc(count, sizeof(*out->each))};
    nx_buf_init(&out->bytes, MESSAGES_BYTES_MAX);
    if (out->each == NULL) {
        bench_die("out of memory");
    }
}

/* Turns what was appended since `first` into the next message, unless it was there already. */
static bool keep(struct messages *out, struct nx_map *known, size_t first)
{
    struct nx_span text = {out->bytes.data + first, out->bytes.len - first - 1};

    if (nx_map_get(known, text) != NULL) {
        out->bytes.len = first;
        return false;
    }
    if (nx_map_put(known, text, out) != NX_OK) {
        bench_die("out of memory");
    }
    out->each[out->count++] = text;
    return true;
}

void messages_one(struct messages *out, struct nx_span reference)
{
    begin(out, 1);
    (void)nx_buf_span(&out->bytes, reference);
    if (nx_buf_byte(&out->bytes, '\n') != NX_OK) {
        bench_die("out of memory");
    }
    out->each[out->count++] = (struct nx_span){out->bytes.data, reference.len};
}

void messages_make(struct messages *out, struct nx_span reference, uint32_t count, uint64_t seed)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, seed);
    struct nx_map known;
    char *room;
    unsigned retries = 0;

    begin(out, count);
    nx_map_init(&known, count, seed);
    if (json == NULL || nx_json_parse(json, reference, NX_JSON_STRICT, NULL) != NX_OK) {
        bench_die("the reference message is not JSON");
    }
    /* room for all at once, so that the messages stay where they are */
    if (nx_buf_reserve(&out->bytes, (reference.len * 2 + 64) * count, &room) != NX_OK) {
        bench_die("too many messages");
    }
    while (out->count < count) {
        size_t first = out->bytes.len;
        add_message(&out->bytes, &seed, json);
        retries = keep(out, &known, first) ? 0 : retries + 1;
        if (out->bytes.data + first != room + first || retries > RETRIES_MAX) {
            bench_die("cannot make %u different messages", count);
        }
    }
    nx_map_fini(&known);
    nx_json_free(json);
}

void messages_fini(struct messages *messages)
{
    free(messages->each);
    nx_buf_fini(&messages->bytes);
}

double messages_mean_len(const struct messages *messages)
{
    size_t feeds = messages->count;

    return (double)(messages->bytes.len - feeds) / messages->count;
}
