/*
 * compat_search.c - looks for a document that FROM accepts and TO refuses, makes it small, and
 * says what TO has against it. The judge decides of every document; how it was made is nothing.
 */
#include "core/compat_plan.h"

enum {
    WILD_CALM = 6,  /* in 256, beside the goal */
    WILD_FREE = 70, /* in 256, without a goal */
    GOAL_TURNS = 4, /* of so many candidates one has no goal */
};

bool compat_is_witness(struct nx_compat *compat, enum nx_compat_side from, struct nx_span text)
{
    struct nx_compat_verdict verdict;

    nx_compat_judge(compat, text, &verdict, NULL);
    return verdict.parsed == NX_OK && verdict.valid[from] == NX_OK &&
           verdict.valid[!from] == NX_ERR_INVALID;
}

/* ---- making it small ----------------------------------------------------------------------- */

/* The document with the bytes from `start` to `end` replaced. */
static bool try_splice(struct nx_compat *compat, enum nx_compat_side from, struct nx_buf *text,
                       size_t start, size_t end, struct nx_span by, struct nx_buf *scratch)
{
    nx_buf_reset(scratch);
    (void)nx_buf_add(scratch, text->data, start);
    (void)nx_buf_span(scratch, by);
    (void)nx_buf_add(scratch, text->data + end, text->len - end);
    if (nx_buf_error(scratch) != NX_OK || scratch->len >= text->len ||
        !compat_is_witness(compat, from, nx_buf_view(scratch))) {
        return false;
    }
    nx_buf_reset(text);
    return nx_buf_span(text, nx_buf_view(scratch)) == NX_OK;
}

/* Where one item or member of a container lies, with one of the commas beside it. */
struct piece {
    size_t start;
    size_t end;
};

static struct piece piece_with_comma(const struct nx_buf *text, size_t start, size_t end)
{
    size_t after = end;
    size_t before = start;

    while (after < text->len && text->data[after] == ' ') {
        after++;
    }
    if (after < text->len && text->data[after] == ',') {
        return (struct piece){start, after + 1};
    }
    while (before > 0 && text->data[before - 1] == ' ') {
        before--;
    }
    if (before > 0 && text->data[before - 1] == ',') {
        before--;
    }
    return (struct piece){before, end};
}

/* Simpler values of the same type. */
static bool try_simpler(struct nx_compat *compat, enum nx_compat_side from, struct nx_buf *text,
                        size_t start, size_t end, enum nx_json_type type, struct nx_buf *scratch)
{
    static const char *const simpler[][3] = {
        [NX_JSON_NULL] = {NULL},
        [NX_JSON_FALSE] = {NULL},
        [NX_JSON_TRUE] = {NULL},
        [NX_JSON_NUMBER] = {"0", "1"},
        [NX_JSON_STRING] = {"\"\"", "\"a\""},
        [NX_JSON_ARRAY] = {"[]", "0"},
        [NX_JSON_OBJECT] = {"{}", "0"},
    };

    for (size_t i = 0; i < 3 && simpler[type][i] != NULL; i++) {
        if (try_splice(compat, from, text, start, end, nx_span_from(simpler[type][i]), scratch)) {
            return true;
        }
    }
    return false;
}

/* Tries everything once, from the end of the document; true when it became smaller. */
static bool shrink_once(struct nx_compat *compat, enum nx_compat_side from, struct nx_json *json,
                        struct nx_buf *text, struct nx_buf *scratch, uint32_t *tries)
{
    struct nx_buf whole;
    uint32_t count;
    bool smaller = false;
    const struct nx_json_node *nodes;

    nx_buf_init(&whole, NX_COMPAT_WITNESS_MAX);
    (void)nx_buf_span(&whole, nx_buf_view(text));
    if (nx_json_parse(json, nx_buf_view(&whole), NX_JSON_STRICT, NULL) != NX_OK) {
        nx_buf_fini(&whole);
        return false;
    }
    nodes = nx_json_nodes(json, &count);
    for (uint32_t i = 0; i < count && !smaller && *tries < NX_COMPAT_SHRINK_MAX; i++) {
        struct nx_span raw = nx_json_raw(json, i);
        size_t start = nodes[i].offset;
        uint32_t at = 0;
        uint32_t key;
        uint32_t value;

        while (!smaller && nx_json_each(json, i, &at, &key, &value)) {
            uint32_t first = nx_json_type(json, i) == NX_JSON_OBJECT ? key : value;
            size_t end = nodes[value].offset + nx_json_raw(json, value).len;
            struct piece piece = piece_with_comma(text, nodes[first].offset, end);
            *tries += 2;
            smaller = try_splice(compat, from, text, piece.start, piece.end,
                                 (struct nx_span){"", 0}, scratch);
            smaller = smaller || try_splice(compat, from, text, start, start + raw.len,
                                            nx_json_raw(json, value), scratch);
        }
        (*tries)++;
        smaller = smaller || try_simpler(compat, from, text, start, start + raw.len,
                                         nx_json_type(json, i), scratch);
    }
    nx_buf_fini(&whole);
    return smaller;
}

static void shrink(struct nx_compat *compat, enum nx_compat_side from, struct nx_buf *text)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_payload, compat->options.seed);
    struct nx_buf scratch;
    uint32_t tries = 0;

    if (json == NULL) {
        return;
    }
    nx_buf_init(&scratch, NX_COMPAT_WITNESS_MAX);
    while (tries < NX_COMPAT_SHRINK_MAX &&
           shrink_once(compat, from, json, text, &scratch, &tries)) {
    }
    nx_buf_fini(&scratch);
    nx_json_free(json);
}

/* ---- saying what it shows ------------------------------------------------------------------ */

static void copy_text(char *out, size_t size, const char *text)
{
    size_t length = strlen(text);

    length = length < size ? length : size - 1;
    memcpy(out, text, length);
    out[length] = '\0';
}

static bool keep_fault(void *ctx, const struct nx_fault *fault)
{
    struct nx_compat_result *result = ctx;

    copy_text(result->to_pointer, sizeof(result->to_pointer), fault->schema);
    copy_text(result->instance, sizeof(result->instance), fault->instance);
    copy_text(result->keyword, sizeof(result->keyword), fault->keyword);
    copy_text(result->text, sizeof(result->text), fault->text);
    return false;
}

/* One step down, by the name or index in a token of a JSON Pointer. */
static void walk(struct nx_compat *compat, const struct facts *at, const struct nx_json *json,
                 uint32_t *node, struct nx_span token, struct facts *out)
{
    uint32_t child;
    uint32_t place = 0;
    uint32_t cursor = 0;
    uint32_t key;

    facts_init(out, at->doc);
    while (nx_json_each(json, *node, &cursor, &key, &child)) {
        char index[16];
        struct nx_buf text;
        bool found;
        nx_buf_init(&text, sizeof(index));
        (void)nx_buf_printf(&text, "%u", place);
        found = nx_json_type(json, *node) == NX_JSON_OBJECT
                    ? nx_span_eq(nx_json_text(json, key), token)
                    : nx_span_eq(nx_buf_view(&text), token);
        nx_buf_fini(&text);
        if (found && nx_json_type(json, *node) == NX_JSON_OBJECT) {
            facts_member(compat, at, token, out);
        } else if (found) {
            facts_item(at, place, out);
        }
        if (found) {
            *node = child;
            return;
        }
        place++;
    }
}

/* Removes ~0 and ~1 (RFC 6901, section 4); the result is not longer. */
static struct nx_span unescape(struct nx_span token, char *out, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < token.len && length < size; i++) {
        char c = token.ptr[i];
        if (c == '~' && i + 1 < token.len) {
            c = token.ptr[++i] == '1' ? '/' : '~';
        }
        out[length++] = c;
    }
    return (struct nx_span){out, length};
}

/*
 * Where FROM speaks of the place in the witness that TO refuses: at the same keyword if it has it
 * there, else at the subschema; empty when it says nothing of that place.
 */
static void find_from(struct nx_compat *compat, enum nx_compat_side from, struct nx_json *json,
                      struct nx_compat_result *result)
{
    struct facts facts = facts_of((struct subschema){&compat->docs[from], 0});
    struct nx_span rest = nx_span_from(result->instance);
    uint32_t node = 0;
    char name[sizeof(result->instance)];

    (void)nx_span_cut(&rest, '/');
    while (rest.ptr != NULL) {
        struct nx_span token = nx_span_cut(&rest, '/');
        struct facts next;
        walk(compat, &facts, json, &node, unescape(token, name, sizeof(name)), &next);
        facts = next;
    }
    for (uint32_t i = 0; i < facts.count; i++) {
        if (compat_kw(facts.doc, facts.nodes[i], result->keyword) != 0) {
            compat_place(facts.doc, facts.nodes[i], nx_span_from(result->keyword),
                         result->from_pointer, sizeof(result->from_pointer));
            return;
        }
    }
    if (facts.count > 0) {
        compat_place(facts.doc, facts.nodes[0], NX_SPAN(""), result->from_pointer,
                     sizeof(result->from_pointer));
    } else {
        copy_text(result->from_pointer, sizeof(result->from_pointer), "(nothing)");
    }
}

/* Fills the words for the witness in result->witness. */
static enum nx_err describe(struct nx_compat *compat, enum nx_compat_side from,
                            struct nx_compat_result *result)
{
    struct nx_json *json = nx_json_new(&nx_json_limits_file, compat->options.seed);
    enum nx_err err = NX_ERR_NOMEM;

    if (json != NULL) {
        err = nx_json_parse(json, nx_buf_view(&result->witness), NX_JSON_STRICT, NULL);
    }
    if (err == NX_OK) {
        (void)nx_schema_explain(compat->docs[!from].schema, compat->check, json, 1, keep_fault,
                                result);
        find_from(compat, from, json, result);
    }
    nx_json_free(json);
    return err;
}

enum nx_err nx_compat_witness(struct nx_compat *compat, enum nx_compat_side from,
                              struct nx_span document, struct nx_compat_result *result)
{
    enum nx_err err;

    if (!compat_is_witness(compat, from, document)) {
        return NX_ERR_INVALID;
    }
    nx_buf_reset(&result->witness);
    err = nx_buf_span(&result->witness, document);
    if (err == NX_OK) {
        result->answer = NX_INCOMPATIBLE;
        err = describe(compat, from, result);
    }
    return err;
}

/* ---- the search ---------------------------------------------------------------------------- */

static bool try_document(struct nx_compat *compat, enum nx_compat_side from, struct nx_span text,
                         struct nx_compat_result *result)
{
    result->candidates++;
    if (!compat_is_witness(compat, from, text)) {
        return false;
    }
    nx_buf_reset(&result->witness);
    return nx_buf_span(&result->witness, text) == NX_OK;
}

/* The smallest documents of each type. */
static bool try_plain(struct nx_compat *compat, enum nx_compat_side from,
                      struct nx_compat_result *result)
{
    static const char *const plain[] = {"null", "true", "0", "1", "0.5", "1.0", "\"\"", "[]", "{}"};

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (try_document(compat, from, nx_span_from(plain[i]), result)) {
            return true;
        }
    }
    return false;
}

static bool try_made(struct nx_compat *compat, enum nx_compat_side from, struct nx_buf *text,
                     struct nx_compat_result *result)
{
    const struct subschema own = {&compat->docs[from], 0};
    const struct subschema other = {&compat->docs[!from], 0};
    const struct prover *p = &compat->prover;
    struct maker maker = {.compat = compat, .random = compat->options.seed, .out = text};
    unsigned max = compat->options.candidates_max;

    max = max == 0 || max > NX_COMPAT_CANDIDATES_MAX ? NX_COMPAT_CANDIDATES_MAX : max;
    own.doc->gathered = 0;
    other.doc->gathered = 0;
    while (result->candidates < max && own.doc->gathered <= COMPAT_GATHERED_MAX &&
           other.doc->gathered <= COMPAT_GATHERED_MAX) {
        uint32_t turn = result->candidates;
        bool aimed = p->obstacles_count > 0 && turn % GOAL_TURNS != 0;
        maker.goal = aimed ? &p->obstacles[turn % p->obstacles_count] : NULL;
        maker.wild = aimed ? WILD_CALM : WILD_FREE;
        if (compat_make(&maker, own, other) != NX_OK) {
            result->candidates++;
        } else if (try_document(compat, from, nx_buf_view(text), result)) {
            return true;
        }
    }
    return false;
}

enum nx_err compat_search(struct nx_compat *compat, enum nx_compat_side from,
                          struct nx_compat_result *result)
{
    enum nx_err err = NX_ERR_NOT_FOUND;
    struct nx_buf text;

    compat->string_states = STRING_STATES_MAKE_MAX;
    compat->pools_count = 0;
    nx_arena_fini(&compat->texts);
    nx_arena_init(&compat->texts, TEXT_BYTES_ALL_MAX);
    nx_buf_init(&text, NX_COMPAT_WITNESS_MAX);
    if (try_plain(compat, from, result) || try_made(compat, from, &text, result)) {
        shrink(compat, from, &result->witness);
        err = describe(compat, from, result);
    }
    nx_buf_fini(&text);
    return err;
}
