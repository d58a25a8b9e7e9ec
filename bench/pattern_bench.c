/*
 * pattern_bench.c - the time of one match: the linear matcher in the way it chose, beside PCRE2
 * with its JIT and without, on the same expressions and texts.
 *
 * The first table is what schemas hold; the second is hostile to backtracking, or to the linear
 * matcher itself, and is told in nanoseconds for each byte.
 */
#include "bench/bench.h"
#include "core/pattern_ecma.h"
#include "core/regular.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BATCHES = 300,
    MATCHES = 2000, /* in a batch */
    HOSTILE_BATCHES = 20,
    HOSTILE_BYTES = 4 * 1024, /* the most that PCRE2 is given by the judge */
    MATCH_LIMIT = 50 * 1000,  /* as core/pattern.c sets it */
};

static const struct {
    const char *source;
    const char *text;
} usual[] = {
    {"^urn:ngsi-ld:AirQualityObserved:[A-Za-z0-9._-]+$",
     "urn:ngsi-ld:AirQualityObserved:station-017"},
    {"^urn:ngsi-ld:", "urn:ngsi-ld:AirQualityObserved:station-017"},
    {"^\\d{4}-\\d{2}-\\d{2}$", "2026-11-22"},
    {"^[A-Z]{2}$", "DE"},
    {"^[a-z0-9_.-]+$", "air-quality.sensor_17"},
    {"^.{1,256}$", "Stra\xC3\x9F"
                   "e des 17. Juni, gro\xC3\x9F"
                   "e Kreuzung"},
    {"^(good|moderate|poor|unknown)$", "moderate"},
    {"^urn:ngsi-ld:(?:Road|Junction|Lane):[0-9]+$", "urn:ngsi-ld:Junction:20417"},
    {"^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", "someone@mail.example.org"},
    {"^(25[0-5]|2[0-4]\\d|1?\\d?\\d)(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}$", "192.168.17.254"},
    {"sensor", "the third air quality sensor of the city"},
};

static const char *const hostile[] = {
    "^(a+)+$", "(a*)*b", "a*a*a*a*a*b", "^(?:[ab]*a[ab]{12}|c+)$", "[ab]*a[ab]{100}c",
};

struct subject {
    struct nx_regular *regular;
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    struct nx_span text;
};

static bool by_us(const struct subject *s)
{
    return nx_regular_match(s->regular, s->text);
}

static bool by_pcre2(const struct subject *s)
{
    return pcre2_match(s->code, (PCRE2_SPTR)s->text.ptr, s->text.len, 0, PCRE2_NO_UTF_CHECK,
                       s->data, s->context) >= 0;
}

static bool by_interpreter(const struct subject *s)
{
    return pcre2_match(s->code, (PCRE2_SPTR)s->text.ptr, s->text.len, 0,
                       PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, s->data, s->context) >= 0;
}

static double measure(bool (*match)(const struct subject *), const struct subject *subject,
                      unsigned batches, unsigned matches)
{
    struct bench_samples *samples = calloc(1, sizeof(*samples));
    volatile unsigned found = 0;
    double ns;

    if (samples == NULL) {
        bench_die("out of memory");
    }
    for (unsigned i = 0; i < batches; i++) {
        uint64_t from = bench_clock_ns();
        for (unsigned k = 0; k < matches; k++) {
            found = found + match(subject);
        }
        bench_add(samples, bench_clock_ns() - from, matches);
    }
    ns = bench_minimum(samples);
    free(samples);
    return ns;
}

static void subject_init(struct subject *s, const char *source, struct nx_span text)
{
    struct nx_diag diag = {0};
    struct nx_buf translated;
    PCRE2_SIZE offset;
    int code;

    nx_buf_init(&translated, BENCH_FILE_BYTES_MAX);
    if (nx_ecma_translate(nx_span_from(source), &translated, &diag) != NX_OK) {
        bench_die("%s: %s", source, diag.text);
    }
    s->regular = nx_regular_new(nx_span_from(source));
    s->code = pcre2_compile((PCRE2_SPTR)translated.data, translated.len,
                            PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &code, &offset, NULL);
    s->data = pcre2_match_data_create(1, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (s->regular == NULL || s->code == NULL || s->data == NULL || s->context == NULL) {
        bench_die("%s: not compiled", source);
    }
    (void)pcre2_set_match_limit(s->context, MATCH_LIMIT);
    (void)pcre2_jit_compile(s->code, PCRE2_JIT_COMPLETE);
    s->text = text;
    nx_buf_fini(&translated);
}

static void subject_fini(struct subject *s)
{
    nx_regular_free(s->regular);
    pcre2_code_free(s->code);
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
}

static void print_row(const char *source, const struct subject *s, double divisor, unsigned batches,
                      unsigned matches)
{
    static const char *const kinds[] = {"sequence", "automaton", "simulation"};

    (void)printf("%-11s %9.1f %9.1f %9.1f   %s\n", kinds[nx_regular_kind(s->regular)],
                 measure(by_us, s, batches, matches) / divisor,
                 measure(by_pcre2, s, batches, matches) / divisor,
                 measure(by_interpreter, s, batches, matches) / divisor, source);
}

int main(void)
{
    struct subject subject;
    char *text = malloc(HOSTILE_BYTES);

    if (text == NULL) {
        bench_die("out of memory");
    }
    (void)printf("ns for each match\nrun as           ours  PCRE2 JIT  without   expression\n");
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        subject_init(&subject, usual[i].source, nx_span_from(usual[i].text));
        print_row(usual[i].source, &subject, 1, BATCHES, MATCHES);
        subject_fini(&subject);
    }
    memset(text, 'a', HOSTILE_BYTES);
    text[HOSTILE_BYTES - 1] = '!';
    (void)printf("\nns for each byte of %d a's and a '!'; PCRE2 alone gives up at %d calls\n",
                 HOSTILE_BYTES - 1, MATCH_LIMIT);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        subject_init(&subject, hostile[i], (struct nx_span){text, HOSTILE_BYTES});
        print_row(hostile[i], &subject, HOSTILE_BYTES, HOSTILE_BATCHES, 1);
        subject_fini(&subject);
    }
    free(text);
    return 0;
}
