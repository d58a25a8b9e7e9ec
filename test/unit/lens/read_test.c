/*
 * read_test.c - a source of none but a lens's members is read by another way (lens_read.c), which a
 * receipt rules out: with and without one the answer is the same, whatever was done to the source.
 */
#include "test/unit/unit.h"

#include "test/unit/lens/federation.h"

#include <stdlib.h>

#define AIR NX_SPAN("air")

enum { SOURCE_BYTES_MAX = 2048, RESULT_BYTES_MAX = 65536, ROUNDS = 4000 };

struct answer {
    enum nx_err err;
    struct nx_buf out;
    struct nx_diag diag;
};

static void ask(struct federation *f, const char *city, bool to_canonical, struct nx_span source,
                struct nx_receipt *receipt, struct answer *answer)
{
    struct nx_span owner = nx_span_from(city), asset = NX_SPAN("BMLD");

    nx_buf_init(&answer->out, RESULT_BYTES_MAX);
    answer->diag = (struct nx_diag){0};
    answer->err = to_canonical
                      ? nx_exchange_to_canonical(f->exchange, owner, AIR, asset, source,
                                                 &answer->out, NULL, receipt, &answer->diag)
                      : nx_exchange_from_canonical(f->exchange, owner, AIR, asset, source,
                                                   &answer->out, receipt, &answer->diag);
}

/* Whether it could be translated; the source stands alone, so that ASan sees an overrun. */
static bool agreed(struct federation *f, const char *city, bool to_canonical, struct nx_span source)
{
    char *exact = malloc(source.len + (source.len == 0));
    struct nx_span bytes = {exact, source.len};
    struct nx_receipt receipt;
    struct answer by_names, quick;

    assert_non_null(exact);
    memcpy(exact, source.ptr, source.len);
    nx_receipt_init(&receipt, RESULT_BYTES_MAX);
    ask(f, city, to_canonical, bytes, &receipt, &by_names);
    ask(f, city, to_canonical, bytes, NULL, &quick);
    if (by_names.err != quick.err || strcmp(by_names.diag.text, quick.diag.text) != 0 ||
        strcmp(by_names.diag.pointer, quick.diag.pointer) != 0 ||
        by_names.diag.line != quick.diag.line || by_names.diag.column != quick.diag.column ||
        !nx_span_eq(nx_buf_view(&by_names.out), nx_buf_view(&quick.out))) {
        fail_msg("%.*s\nby names %s: %s%.*s\nquickly %s: %s%.*s", NX_SPAN_ARG(source),
                 nx_err_text(by_names.err), by_names.diag.text,
                 NX_SPAN_ARG(nx_buf_view(&by_names.out)), nx_err_text(quick.err), quick.diag.text,
                 NX_SPAN_ARG(nx_buf_view(&quick.out)));
    }
    nx_buf_fini(&by_names.out);
    nx_buf_fini(&quick.out);
    nx_receipt_fini(&receipt);
    free(exact);
    return quick.err == NX_OK;
}

/* ---- sources ----------------------------------------------------------------------------- */

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % limit;
}

/* What is put into a source, in place of as many bytes as it is long, or between them. */
static const char *const pieces[] = {
    " ",
    "\n",
    "\"",
    "\\",
    "\\u0041",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "0",
    "7",
    ".",
    "-",
    "e5",
    "null",
    "true",
    "fals",
    "\"no2\":1,",
    "\"x\":1,",
    "\xc3\xa9",
    "\xc3",
    "\x01",
    "123456789012345678",
    "{\"type\":\"Point\",\"coordinates\":[1,2]}",
    "\"quality\":{},",
    "\"flags\":{\"no2\":\"missing\"},",
    "\"quality\":{\"no2\":\"missing\"},",
    "T",
    "Z",
    "0.00004",
    "\"location\":[[[1,{\"a\":2}]]],",
    "\"seq\":1e2,",
    "\"seq\":\"1\",",
    "/**/",
    "",
};

static size_t change(uint64_t *seed, char *text, size_t len)
{
    const char *piece = pieces[random_below(seed, sizeof(pieces) / sizeof(pieces[0]))];
    size_t at = random_below(seed, (uint32_t)len + 1), add = strlen(piece);
    size_t drop = random_below(seed, 2) == 0 ? 0 : add + random_below(seed, 3);

    /* where a member or a value may begin, mostly: elsewhere it is seldom JSON */
    while (at > 0 && random_below(seed, 8) != 0 && strchr(",{:[", text[at - 1]) == NULL) {
        at--;
    }
    drop = drop < len - at ? drop : len - at;
    if (len + add - drop > SOURCE_BYTES_MAX) {
        return len;
    }
    memmove(text + at + add, text + at + drop, len - at - drop);
    memcpy(text + at, piece, add);
    return len + add - drop;
}

static const struct sample {
    const char *city;
    bool to_canonical;
    const char *text;
} samples[] = {
    {"birmingham", true,
     "{\"site\":\"BMLD\",\"name\":\"Ladywood\",\"time\":\"2026-01-31T15:00:00Z\","
     "\"latitude\":52.481346,\"longitude\":-1.918235,\"no2\":42.1,\"o3\":31.4,\"so2\":2.7,"
     "\"co\":210,\"pm10\":18.4,\"seq\":100000008,\"flags\":{\"pm25\":\"missing\"}}"},
    {"ulsan", true,
     "{\"so2Grade\":\"1\",\"coFlag\":null,\"khaiValue\":\"47\",\"so2Value\":\"0.004\","
     "\"sidoName\":\"울산\",\"dataTime\":\"2026-01-31 24:00\",\"no2Value\":\"0.022\","
     "\"stationName\":\"신정동\",\"coValue\":\"0.6\",\"o3Value\":\"0.024\",\"pm10Value\":\"19\","
     "\"pm25Value\":\"-\",\"pm25Flag\":\"통신장애\",\"seq\":7}"},
    {"birmingham", false,
     "{\"id\":\"urn:ngsi-ld:AirQualityObserved:ulsan:sinjeong-dong\",\"type\":"
     "\"AirQualityObserved\",\"refDevice\":\"sinjeong-dong\",\"name\":\"신정동\","
     "\"areaServed\":\"울산\",\"dateObserved\":\"2026-01-31T15:00:00Z\","
     "\"location\":{\"type\":\"Point\",\"coordinates\":[129.3078132,35.5346564]},"
     "\"so2\":10.7,\"co\":698.6,\"o3\":47.9,\"no2\":42.1,\"pm10\":19.0,\"seq\":7,"
     "\"quality\":{\"pm25\":\"communication-failure\"}}"},
    {"ulsan", false,
     "{\"id\":\"urn:ngsi-ld:AirQualityObserved:birmingham:BMLD\",\"dateObserved\":"
     "\"2026-01-31T15:00:00Z\",\"location\":{\"type\":\"Point\",\"coordinates\":[-1.9,52.4]},"
     "\"no2\":42.15,\"o3\":31.4,\"so2\":2.7,\"co\":210.0,\"pm10\":18.4,\"seq\":8,"
     "\"quality\":{\"pm25\":\"not-measured\",\"no2\":\"data-anomaly\"}}"},
};

static void a_changed_source_gets_the_same_answer_either_way(void **state)
{
    unsigned translated = 0;
    uint64_t seed = 11;

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        const struct sample *sample = &samples[i];
        assert_true(agreed(*state, sample->city, sample->to_canonical, nx_span_from(sample->text)));
        for (unsigned round = 0; round < ROUNDS; round++) {
            char text[SOURCE_BYTES_MAX];
            size_t len = strlen(sample->text);
            memcpy(text, sample->text, len);
            for (unsigned left = random_below(&seed, 3) + 1; left > 0; left--) {
                len = change(&seed, text, len);
            }
            translated +=
                agreed(*state, sample->city, sample->to_canonical, (struct nx_span){text, len});
        }
    }
    assert_true(translated > ROUNDS / 4);
}

/* Its depth is one below the limit where the location stands, and then at it. */
static void containers_are_as_deep_as_the_reader_lets_them_be(void **state)
{
    for (size_t depth = 60; depth <= 66; depth++) {
        struct nx_buf text;
        nx_buf_init(&text, SOURCE_BYTES_MAX);
        (void)nx_buf_str(&text, "{\"id\":\"urn:ngsi-ld:AirQualityObserved:ulsan:a\",\"location\":");
        for (size_t i = 0; i < depth; i++) {
            (void)nx_buf_byte(&text, '[');
        }
        for (size_t i = 0; i < depth; i++) {
            (void)nx_buf_byte(&text, ']');
        }
        (void)nx_buf_str(&text, ",\"dateObserved\":\"2026-01-31T15:00:00Z\",\"no2\":1}");
        assert_int_equal(agreed(*state, "ulsan", false, nx_buf_view(&text)), depth < 64);
        nx_buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_source_gets_the_same_answer_either_way),
        cmocka_unit_test(containers_are_as_deep_as_the_reader_lets_them_be),
    };

    return cmocka_run_group_tests(tests, federation_open, federation_close);
}
