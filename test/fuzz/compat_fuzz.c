/*
 * compat_fuzz.c - a pair of schemas (test/unit/compat/writer.h), one an edited copy of the other,
 * in any two drafts. Four oracles: no document tried may contradict "compatible"; a witness is
 * accepted by the one and refused by the other, compiled for that alone; no answer costs more
 * than its limits; what the rules read of a schema (core/compat_bundle.h) says what it says. With
 * sanitizers also: nothing crashes.
 *
 * Input: drafts and flags, theme, how many edits, the edits (place, choice), then the choices.
 */
#include "core/compat_plan.h"
#include "test/unit/compat/writer.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    CHOICES_MAX = 512,
    EDITS_MAX = 8,
    HEAD = 3, /* bytes before the edits */
    SCHEMA_BYTES = 32 * 1024,
    DOCUMENTS = 48, /* that are tried against "compatible" */
    BUNDLE_DOCUMENTS = 16,
    CANDIDATES = 40, /* of a search */
    DEPTH_MAX = 3,   /* of a document made here */
    LITERALS_MAX = 64,
    LITERAL_BYTES_MAX = 40, /* of one of them */
};

struct schemas {
    struct nx_buf texts[2];
    struct nx_compat *compat;
    uint64_t random;
};

static uint32_t pick(struct schemas *s, uint32_t below)
{
    uint64_t z = (s->random += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % below);
}

static void must(const struct schemas *s, bool holds, const char *what, struct nx_span document)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\nold: %.*s\nnew: %.*s\ndocument: %.*s\n", what,
                      NX_SPAN_ARG(nx_buf_view(&s->texts[0])),
                      NX_SPAN_ARG(nx_buf_view(&s->texts[1])), NX_SPAN_ARG(document));
        abort();
    }
}

/* ---- documents near the schemas ------------------------------------------------------------ */

/* Texts of values: what the schemas hold, and numbers beside their numbers. */
struct literals {
    struct nx_span texts[LITERALS_MAX];
    uint32_t count;
    struct nx_arena bytes;
};

static void add_literal(struct literals *l, struct nx_span text)
{
    struct nx_span copy =
        l->count < LITERALS_MAX ? nx_arena_dup(&l->bytes, text) : (struct nx_span){NULL, 0};

    if (copy.ptr != NULL) {
        l->texts[l->count++] = copy;
    }
}

static void add_neighbours(struct literals *l, struct nx_span number)
{
    int64_t whole;
    char text[64];
    int length;

    if (nx_number_int(number, &whole) != NX_OK || whole > 1000 || whole < -1000) {
        return;
    }
    length = snprintf(text, sizeof(text), "%lld", (long long)whole - 1);
    add_literal(l, (struct nx_span){text, (size_t)length});
    length = snprintf(text, sizeof(text), "%lld", (long long)whole + 1);
    add_literal(l, (struct nx_span){text, (size_t)length});
    length = snprintf(text, sizeof(text), "%lld.0", (long long)whole);
    add_literal(l, (struct nx_span){text, (size_t)length});
    length = snprintf(text, sizeof(text), "%lld.5", (long long)whole);
    add_literal(l, (struct nx_span){text, (size_t)length});
}

static void gather_literals(struct literals *l, struct nx_span source)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 1);
    uint32_t count = 0;

    if (json != NULL && nx_json_parse(json, source, NX_JSON_STRICT, NULL) == NX_OK) {
        (void)nx_json_nodes(json, &count);
    }
    for (uint32_t node = 0; node < count; node++) {
        struct nx_span raw = nx_json_raw(json, node);
        if (nx_json_type(json, node) == NX_JSON_NUMBER) {
            add_neighbours(l, raw);
        }
        if (raw.len <= LITERAL_BYTES_MAX) {
            add_literal(l, raw);
        }
    }
    nx_json_free(json);
}

static void put_document(struct schemas *s, const struct literals *l, unsigned depth,
                         struct nx_buf *out)
{
    static const char *const plain[] = {"null", "true", "0",     "2",      "-1",     "0.5",
                                        "1.0",  "\"\"", "\"a\"", "\"ab\"", "\"ba\"", "\"b\""};
    static const char *const names[] = {"a", "b", "ab", "c", "ax"};
    uint32_t kind = pick(s, 5);
    bool any = false;

    if (depth == DEPTH_MAX || kind < 2) {
        (void)nx_buf_str(out, plain[pick(s, sizeof(plain) / sizeof(plain[0]))]);
        return;
    }
    if (kind == 2 && l->count > 0) {
        (void)nx_buf_span(out, l->texts[pick(s, l->count)]);
        return;
    }
    (void)nx_buf_str(out, kind == 3 ? "[" : "{");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (pick(s, 2) == 0) {
            (void)nx_buf_str(out, any ? "," : "");
            if (kind != 3) {
                (void)nx_buf_printf(out, "\"%s\":", names[i]);
            }
            put_document(s, l, depth + 1, out);
            any = true;
        }
    }
    (void)nx_buf_str(out, kind == 3 ? "]" : "}");
}

/* "Compatible" was said: every other document is one that the search itself would try. */
static void contradict(struct schemas *s, enum nx_compat_side from)
{
    const struct subschema own = {&s->compat->docs[from], 0};
    const struct subschema other = {&s->compat->docs[!from], 0};
    struct literals literals = {.count = 0};
    struct nx_compat_verdict verdict;
    struct nx_buf text;
    struct maker maker = {.compat = s->compat, .random = s->random, .wild = 60, .out = &text};

    nx_buf_init(&text, NX_COMPAT_WITNESS_MAX);
    nx_arena_init(&literals.bytes, SCHEMA_BYTES);
    gather_literals(&literals, nx_buf_view(&s->texts[0]));
    gather_literals(&literals, nx_buf_view(&s->texts[1]));
    s->compat->string_states = STRING_STATES_MAKE_MAX;
    for (unsigned i = 0; i < DOCUMENTS; i++) {
        nx_buf_reset(&text);
        if (i % 2 == 0) {
            put_document(s, &literals, 0, &text);
        } else if (compat_make(&maker, own, other) != NX_OK) {
            continue; /* it became too long */
        }
        nx_compat_judge(s->compat, nx_buf_view(&text), &verdict, NULL);
        must(s, verdict.parsed == NX_OK, "not a document", nx_buf_view(&text));
        must(s, verdict.valid[from] != NX_OK || verdict.valid[!from] != NX_ERR_INVALID,
             from == NX_COMPAT_OLD ? "not compatible backward" : "not compatible forward",
             nx_buf_view(&text));
    }
    nx_arena_fini(&literals.bytes);
    nx_buf_fini(&text);
}

/* ---- bundles ------------------------------------------------------------------------------- */

/* A bundle (core/compat_bundle.h) accepts what the schema accepts, 1.0 in draft 04 aside. */
static void check_bundle(struct schemas *s, int side)
{
    const struct nx_schema_options options = {.seed = 1};
    const struct compat_doc *doc = &s->compat->docs[side];
    struct literals literals = {.count = 0};
    struct nx_compat_verdict verdict;
    struct nx_schema *schema = NULL;
    struct nx_buf text;

    if (!doc->bundled || doc->as_written) {
        return;
    }
    must(s, nx_schema_compile(doc->source, "bundle", &options, &schema, NULL) == NX_OK,
         "a bundle that is no schema", doc->source);
    nx_buf_init(&text, NX_COMPAT_WITNESS_MAX);
    nx_arena_init(&literals.bytes, SCHEMA_BYTES);
    gather_literals(&literals, nx_buf_view(&s->texts[side]));
    for (unsigned i = 0; i < BUNDLE_DOCUMENTS; i++) {
        nx_buf_reset(&text);
        put_document(s, &literals, 0, &text);
        nx_compat_judge(s->compat, nx_buf_view(&text), &verdict, NULL);
        must(s,
             verdict.valid[side] == nx_schema_check(schema, s->compat->check, s->compat->instance),
             "a bundle that judges otherwise", nx_buf_view(&text));
    }
    nx_arena_fini(&literals.bytes);
    nx_buf_fini(&text);
    nx_schema_free(schema);
}

/* ---- answers ------------------------------------------------------------------------------- */

/* By a schema that was compiled for this alone. */
static enum nx_err judge(struct schemas *s, enum nx_compat_side side, struct nx_span document)
{
    const struct nx_schema_options options = {.resolve = writer_resolve};
    struct nx_json *json = nx_json_new(&nx_json_limits_file, 7);
    struct nx_check *check = nx_check_new();
    struct nx_schema *schema = NULL;
    enum nx_err err = NX_ERR_NOMEM;

    if (json != NULL && check != NULL &&
        nx_schema_compile(nx_buf_view(&s->texts[side]), "side", &options, &schema, NULL) == NX_OK &&
        nx_json_parse(json, document, NX_JSON_STRICT, NULL) == NX_OK) {
        err = nx_schema_check(schema, check, json);
    }
    nx_schema_free(schema);
    nx_check_free(check);
    nx_json_free(json);
    return err;
}

static void check_direction(struct schemas *s, enum nx_compat_side from)
{
    struct nx_compat_result result;
    struct nx_span witness;

    nx_compat_result_init(&result);
    must(s, nx_compat_decide(s->compat, from, &result) == NX_OK, "no answer", NX_SPAN(""));
    witness = nx_buf_view(&result.witness);
    must(s, result.steps <= NX_COMPAT_STEPS_MAX, "too many steps", NX_SPAN(""));
    must(s, result.candidates <= CANDIDATES, "too many documents", NX_SPAN(""));
    switch (result.answer) {
    case NX_COMPATIBLE:
        contradict(s, from);
        break;
    case NX_INCOMPATIBLE:
        must(s, judge(s, from, witness) == NX_OK, "a witness that is not accepted", witness);
        must(s, judge(s, !from, witness) == NX_ERR_INVALID, "a witness that is not refused",
             witness);
        must(s, result.text[0] != '\0', "a witness without words", witness);
        break;
    case NX_COMPAT_UNKNOWN:
        must(s, result.text[0] != '\0', "unknown without a reason", NX_SPAN(""));
        break;
    }
    nx_compat_result_fini(&result);
}

static void check_pair(struct schemas *s)
{
    static const char *const files[2] = {"old", "new"};
    const struct nx_compat_options options = {
        .resolve = writer_resolve, .seed = 1, .candidates_max = CANDIDATES};
    const struct nx_span sources[2] = {nx_buf_view(&s->texts[0]), nx_buf_view(&s->texts[1])};

    if (nx_compat_new(sources, files, &options, &s->compat, NULL) == NX_OK) {
        check_bundle(s, NX_COMPAT_OLD);
        check_bundle(s, NX_COMPAT_NEW);
        check_direction(s, NX_COMPAT_OLD);
        check_direction(s, NX_COMPAT_NEW);
    }
    nx_compat_free(s->compat);
}

/* ---- input --------------------------------------------------------------------------------- */

static void write_schema(struct schemas *s, int side, const uint16_t *choices, uint32_t count,
                         const uint8_t *head)
{
    struct writer w = {.choices = choices,
                       .choices_count = count,
                       .theme = (enum theme)(head[1] % THEMES),
                       .draft = (enum nx_draft)(head[0] % NX_DRAFT_COUNT),
                       .outside = (head[1] & 0x80) != 0,
                       .out = &s->texts[side]};

    if (side == 1 && (head[1] & 0x40) != 0) {
        w.draft = (enum nx_draft)(head[0] / NX_DRAFT_COUNT % NX_DRAFT_COUNT);
    }
    writer_schema(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schemas s = {.random = size};
    uint16_t choices[CHOICES_MAX];
    uint32_t edits = size > HEAD ? data[2] % (EDITS_MAX + 1) : 0;
    uint32_t count = 0;

    if (size <= HEAD + 2 * edits) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        s.random = s.random * 31 + data[i];
    }
    for (size_t i = HEAD + 2 * edits; i < size && count < CHOICES_MAX; i++) {
        choices[count++] = data[i];
    }
    nx_buf_init(&s.texts[0], SCHEMA_BYTES);
    nx_buf_init(&s.texts[1], SCHEMA_BYTES);
    write_schema(&s, 0, choices, count, data);
    for (uint32_t i = 0; i < edits; i++) {
        choices[data[HEAD + 2 * i] % count] = data[HEAD + 2 * i + 1];
    }
    write_schema(&s, 1, choices, count, data);
    if (nx_buf_error(&s.texts[0]) == NX_OK && nx_buf_error(&s.texts[1]) == NX_OK) {
        check_pair(&s);
    }
    nx_buf_fini(&s.texts[0]);
    nx_buf_fini(&s.texts[1]);
    return 0;
}
